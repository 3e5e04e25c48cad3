/* A turned model gives T^-1 N(T x) for all eight symmetries; the wind's own symmetry brings it into one octant. */
#include "wb_test_net.h"

#include "windbridge/model.h"
#include <string.h>

enum { N = 8, NZ = 4, CELLS = NZ * N * N };
static float x[CELLS * 9], stat[CELLS * 9], turned_x[CELLS * 9], turned_stat[CELLS * 9];
static float out[8][CELLS * 4], mean[8][CELLS * 4], want[CELLS * 4], want_mean[CELLS * 4], back[CELLS * 4];
static uint8_t mask[CELLS], turned_mask[CELLS];

static WbModel random_model(void) {
  const WbNetConfig config = {.in_dynamic = 4,
                              .in_static = 9,
                              .out = 4,
                              .width1 = 8,
                              .width2 = 8,
                              .blocks1 = 1,
                              .blocks2 = 1,
                              .cond_width1 = 8,
                              .cond_width2 = 8,
                              .cond_blocks1 = 1,
                              .cond_blocks2 = 1,
                              .cond_nets = 2,
                              .embed = 8};
  return wb_test_model(&config);
}

static void evaluate(WbModel model, const float *state, const float *static_inputs, const uint8_t *fluid, float *result,
                     float *result_mean) {
  WbGrid *grid = NULL;
  WbNet net = NULL;
  WB_OK(wb_grid_create(PETSC_COMM_SELF, N, N, NZ, 4, 0, 0, false, false, &grid));
  WB_OK(wb_net_create(model, grid, WB_BACKEND_REF, WB_NET_INFERENCE, &net));
  WB_OK(wb_net_condition(net, static_inputs, fluid, NULL));
  WB_OK(wb_net_forward(net, 0.3, state, result));
  memcpy(result_mean, wb_net_mean(net), sizeof out[0]);
  wb_net_destroy(&net);
  wb_grid_destroy(&grid);
}

/* T a; back: T^-1 a. Channels 1 and 2 are a vector. */
static void turn(int s, bool inverse, int channels, const float *a, float *b) {
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < N; j++)
      for (int i = 0; i < N; i++) {
        const size_t here = ((size_t)k * N + (size_t)j) * N + (size_t)i,
                     there = (size_t)k * N * N + wb_symmetry_image(s, N, j, i);
        const float *from = a + (inverse ? there : here) * (size_t)channels;
        float *to = b + (inverse ? here : there) * (size_t)channels;
        memcpy(to, from, (size_t)channels * sizeof *to);
        /* Q is orthogonal: the inverse is what undoes it on both unit vectors */
        float q[2][2] = {{1, 0}, {0, 1}};
        for (int c = 0; c < 2; c++) wb_symmetry_vector(s, &q[c][0], &q[c][1]);
        for (int c = 0; c < 2; c++)
          to[1 + c] = inverse ? q[c][0] * from[1] + q[c][1] * from[2] : q[0][c] * from[1] + q[1][c] * from[2];
      }
}

static WbModelMeta *known_numbers(void) {
  WbModelMeta *meta = NULL;
  WB_OK(WB_CALLOC(1, &meta));
  for (int c = 0; c < 4; c++) {
    meta->epsilon[c] = 1 + (float)c, meta->residual[c] = 11 + (float)c;
    meta->spread[c] = 21 + (float)c, meta->scale[c] = 31 + (float)c;
  }
  return meta;
}

/* A number of the turned u is that of the component that becomes u. */
static void check_numbers(int s, const WbModelMeta *meta) {
  float u = 1, v = 0;
  wb_symmetry_vector(s, &u, &v);
  const int u_of = u != 0 ? 1 : 2; /* the channel that u goes to */
  const float *const numbers[4] = {meta->epsilon, meta->residual, meta->spread, meta->scale};
  for (int n = 0; n < 4; n++) {
    const double first = 10 * n + 1;
    WB_ASSERT_NEAR(numbers[n][0], first, 0);
    WB_ASSERT_NEAR(numbers[n][1], first + u_of, 0);
    WB_ASSERT_NEAR(numbers[n][2], first + 3 - u_of, 0);
    WB_ASSERT_NEAR(numbers[n][3], first + 3, 0);
  }
}

static void turned_model_is_the_turned_network(void **state) {
  (void)state;
  wb_test_fill(CELLS * 4, 1, x);
  wb_test_fill(CELLS * 9, 2, stat);
  for (int p = 0; p < CELLS; p++) mask[p] = p % N < 5 || p / N % N > 5;
  for (int s = 0; s < 8; s++) {
    WbModel model = random_model();
    turn(s, false, 4, x, turned_x);
    turn(s, false, 9, stat, turned_stat);
    for (int k = 0; k < NZ; k++)
      for (int j = 0; j < N; j++)
        for (int i = 0; i < N; i++)
          turned_mask[(size_t)k * N * N + wb_symmetry_image(s, N, j, i)] = mask[(k * N + j) * N + i];
    evaluate(model, turned_x, turned_stat, turned_mask, want, want_mean);
    WbModelMeta *meta = known_numbers();
    WB_OK(wb_model_turn(model, meta, s));
    check_numbers(s, meta);
    WB_FREE(&meta);
    evaluate(model, x, stat, mask, out[s], mean[s]);
    for (int m = 0; m < 2; m++) {
      const float *got = m ? mean[s] : out[s];
      double size = 0, difference = 0;
      turn(s, true, 4, m ? want_mean : want, back);
      for (int i = 0; i < CELLS * 4; i++) {
        size += fabs((double)back[i]);
        difference += fabs((double)back[i] - (double)got[i]);
      }
      WB_ASSERT_BELOW(difference, 1e-5 * size);
      assert_true(size > 1);
    }
    for (int r = 0; r < s; r++) assert_memory_not_equal(out[r], out[s], sizeof out[0]);
    wb_model_destroy(&model);
  }
}

static void wind_into_one_octant(void **state) {
  (void)state;
  for (int d = 1; d < 360; d += 2) {
    float u = (float)-sin(d * PETSC_PI / 180), v = (float)-cos(d * PETSC_PI / 180);
    wb_symmetry_vector(wb_symmetry_of_wind(d), &u, &v);
    if (!(v >= 0 && u >= v)) fail_msg("wind from %d deg becomes (%g, %g)", d, (double)u, (double)v);
  }
  assert_int_equal(wb_symmetry_of_wind(0), wb_symmetry_of_wind(360));
  for (int d = 0; d < 360; d += 15) {
    int s[2] = {-1, -1};
    const int n = wb_symmetries_of_wind(d, s);
    assert_int_equal(n, d % 45 == 0 ? 2 : 1);
    assert_int_equal(s[0], wb_symmetry_of_wind(d));
    for (int q = 0; q < n; q++) {
      float u = (float)-sin(d * PETSC_PI / 180), v = (float)-cos(d * PETSC_PI / 180);
      wb_symmetry_vector(s[q], &u, &v);
      if (!(v >= -1e-6F && u >= v - 1e-6F)) fail_msg("wind from %d deg becomes (%g, %g)", d, (double)u, (double)v);
      float a = 3, b = 4;
      wb_symmetry_vector(s[q], &a, &b);
      wb_symmetry_vector(wb_symmetry_inverse(s[q]), &a, &b);
      assert_true(a == 3 && b == 4);
    }
  }
}

WB_TEST_MAIN(cmocka_unit_test(turned_model_is_the_turned_network), cmocka_unit_test(wind_into_one_octant))
