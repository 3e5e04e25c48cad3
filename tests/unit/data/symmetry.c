/* The 8 horizontal symmetries: group laws, scalars and vectors agree, divergence of a turned field is the turned
 * divergence. Normalisation there and back. Static inputs. */
#include "wb_test.h"

#include <string.h>

#include "windbridge/data.h"

enum { NZ = 2, N = 6, CELLS = NZ * N * N, C = WB_CHANNELS };
static float in[CELLS * C], a[CELLS * C], b[CELLS * C], c[CELLS * C];

static void fill(void) {
  const WbRandomKey key = {.seed = 1, .stream = WB_STREAM_TEST};
  for (int p = 0; p < CELLS; p++) wb_random_normal4(&key, (uint64_t)p, in + (size_t)p * C);
}

/* Every product of two symmetries is one of the eight, every one has an inverse, all eight differ. */
static void group(void **state) {
  (void)state;
  fill();
  static float image[8][CELLS * C];
  for (int s = 0; s < 8; s++) {
    wb_augment_state(s, NZ, N, in, image[s]);
    for (int r = 0; r < s; r++) assert_memory_not_equal(image[r], image[s], sizeof(in));
  }
  assert_memory_equal(image[0], in, sizeof(in));
  for (int s = 0; s < 8; s++) {
    int inverses = 0;
    for (int r = 0; r < 8; r++) {
      wb_augment_state(r, NZ, N, image[s], a);
      int hits = 0;
      for (int q = 0; q < 8; q++) {
        int same = 1;
        for (int p = 0; p < CELLS * C; p++) same = same && a[p] == image[q][p];
        hits += same;
        inverses += same && q == 0;
      }
      assert_int_equal(hits, 1);
    }
    assert_int_equal(inverses, 1);
  }
  /* the stated composition: s = 5 is one turn, then the reflection */
  wb_augment_state(1, NZ, N, in, a);
  wb_augment_state(4, NZ, N, a, b);
  assert_memory_equal(b, image[5], sizeof(b));
}

/* One turn takes a westerly on the south row to a southerly on the east column. */
static void by_hand(void **state) {
  (void)state;
  memset(in, 0, sizeof(in));
  in[((0 * N + 0) * N + 2) * C + 1] = 3.0f; /* u at j = 0, i = 2 */
  in[((0 * N + 0) * N + 2) * C + 0] = 7.0f;
  wb_augment_state(1, NZ, N, in, a);
  const float *v = a + ((size_t)(2 * N) + N - 1) * C; /* j = 2, i = N - 1 */
  WB_ASSERT_NEAR(v[0], 7, 0);
  WB_ASSERT_NEAR(v[1], 0, 0);
  WB_ASSERT_NEAR(v[2], 3, 0);
}

static void divergence(const float *f, float *out) {
  memset(out, 0, CELLS * sizeof(float));
  for (int k = 0; k < NZ; k++) {
    for (int j = 1; j < N - 1; j++) {
      for (int i = 1; i < N - 1; i++) {
        const int p = (k * N + j) * N + i;
        out[p] = f[(p + 1) * C + 1] - f[(p - 1) * C + 1] + f[(p + N) * C + 2] - f[(p - N) * C + 2];
      }
    }
  }
}

static void divergence_turns(void **state) {
  (void)state;
  fill();
  static uint8_t mask[CELLS], turned_mask[CELLS];
  divergence(in, b);
  for (int p = 0; p < CELLS; p++) mask[p] = in[(size_t)p * C] > 0;
  for (int s = 0; s < 8; s++) {
    wb_augment_state(s, NZ, N, in, a);
    divergence(a, c);
    static float turned[CELLS];
    wb_augment_scalar_f(s, NZ, N, 1, b, turned);
    for (int p = 0; p < CELLS; p++) WB_ASSERT_NEAR(c[p], turned[p], 1e-5);
    wb_augment_mask(s, NZ, N, mask, turned_mask);
    for (int p = 0; p < CELLS; p++) assert_int_equal(turned_mask[p], a[(size_t)p * C] > 0);
  }
}

static void normalisation(void **state) {
  (void)state;
  fill();
  WbNormalisation norm = {.scale = {0.5f, 0.2f, 0.3f, 0.1f},
                          .scale_by_wind = true,
                          .wind_speed_m_per_s = 5.0,
                          .theta_surface_K = 300.0,
                          .lapse_K_per_m = 0.01,
                          .mixed_height_m = 100.0};
  const double z[NZ] = {50.0, 150.0};
  uint8_t fluid[CELLS];
  for (int p = 0; p < CELLS; p++) {
    fluid[p] = p % 7 != 3;
    in[p * C] += 300.0f;
    if (!fluid[p]) in[p * C + 1] = NAN;
  }
  memcpy(a, in, sizeof(in));
  wb_normalise(&norm, NZ, (size_t)N * N, z, fluid, a);
  WB_ASSERT_NEAR(wb_normalisation_theta_ref(&norm, 150.0), 300.5, 1e-12);
  for (int p = 0; p < CELLS; p++) {
    const double ref = p < N * N ? 300.0 : 300.5;
    WB_ASSERT_NEAR(a[p * C], fluid[p] ? ((double)in[p * C] - ref) / 0.5 : 0.0, 1e-4);
    WB_ASSERT_NEAR(a[p * C + 1], fluid[p] ? (double)in[p * C + 1] / 1.0 : 0.0, 1e-6);
    WB_ASSERT_NEAR(a[p * C + 3], fluid[p] ? (double)in[p * C + 3] / 0.5 : 0.0, 1e-6);
  }
  static float stat[CELLS * WB_STATIC_CHANNELS], distance[CELLS], flux[N * N];
  for (int p = 0; p < CELLS; p++) distance[p] = 20.0f;
  for (int p = 0; p < N * N; p++) flux[p] = 0.05f;
  wb_static_inputs(NZ, (size_t)N * N, z, a, fluid, fluid, distance, flux, stat);
  for (int p = 0; p < CELLS; p++) {
    const float *s = stat + (size_t)p * WB_STATIC_CHANNELS;
    for (int q = 0; q < C; q++) WB_ASSERT_NEAR(s[q], a[p * C + q], 0);
    const double want[5] = {1, 1, 0.5, z[p / (N * N)] / 160.0, 0.5};
    for (int q = 0; q < 5; q++) WB_ASSERT_NEAR(s[4 + q], fluid[p] ? want[q] : 0.0, 1e-6);
  }
  wb_denormalise(&norm, NZ, (size_t)N * N, z, fluid, a);
  for (int p = 0; p < CELLS * C; p++) {
    if (fluid[p / C]) WB_ASSERT_NEAR(a[p], in[p], 1e-4);
    if (!fluid[p / C]) assert_true(isnan(a[p]));
  }
}

WB_TEST_MAIN(cmocka_unit_test(group), cmocka_unit_test(by_hand), cmocka_unit_test(divergence_turns),
             cmocka_unit_test(normalisation))
