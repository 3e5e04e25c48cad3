/* The Tokyo-like generator: within its design ranges for any seed, the same bits for the same seed, and a street plan
 * that does not depend on the margin asked for. */
#include "wb_test.h"
#include <stdio.h>
#include <string.h>
#include "windbridge/city.h"

#define WB_SEED7 0xc849484f5361fb0fu

static WbCity *make(uint32_t seed, double x, double size, double margin) {
  WbCityOptions o = {.generate = "tokyo_like",
                     .seed = seed,
                     .x_min_m = x,
                     .y_min_m = -2 * x,
                     .size_x_m = size,
                     .size_y_m = size,
                     .margin_m = margin};
  WbCity *c = NULL;
  WB_OK(wb_city_create(PETSC_COMM_SELF, &o, &c));
  return c;
}

/* FNV-1a over the bytes. */
static uint64_t fingerprint(const void *data, size_t n) {
  uint64_t h = 0xcbf29ce484222325u;
  for (size_t i = 0; i < n; i++) h = (h ^ ((const uint8_t *)data)[i]) * 0x100000001b3u;
  return h;
}

static void statistics_in_design_ranges(void **state) {
  (void)state;
  double tallest = 0, sparse = 1, dense = 0, low = 99, high = 0;
  for (uint32_t seed = 1; seed <= 60; seed++) {
    WbCity *c = make(seed, 0, seed % 5 ? 640 : 960, 160);
    WbCityStats s;
    WB_OK(wb_city_stats(c, 20, 5, 160, &s));
    double lambda_p = 0, mean = 0;
    const char *p = strstr(c->source, "fraction "), *h = strstr(c->source, "height ");
    assert_non_null(p);
    assert_non_null(h);
    assert_int_equal(sscanf(p, "fraction %lf", &lambda_p), 1);
    assert_int_equal(sscanf(h, "height %lf", &mean), 1);
    if (!(s.lambda_p >= 0.2 && s.lambda_p <= 0.5)) fail_msg("seed %u: plan area fraction %g", seed, s.lambda_p);
    if (!(s.height_mean_m >= 12 && s.height_mean_m <= 50)) fail_msg("seed %u: mean height %g", seed, s.height_mean_m);
    if (!(s.height_max_m <= 235)) fail_msg("seed %u: tallest %g", seed, s.height_max_m);
    WB_ASSERT_NEAR(s.height_mean_m, mean, 0.5); /* as drawn */
    WB_ASSERT_NEAR(s.lambda_p, lambda_p, 0.09);
    for (int d = 0; d < 4; d++) { /* real windows: 0.03 to 0.06 of lambda_p x mean height, small windows scatter more */
      const double ratio = s.lambda_f[d] / (s.lambda_p * s.height_mean_m);
      if (!(ratio > 0.012 && ratio < 0.11)) fail_msg("seed %u: frontal area index %g", seed, s.lambda_f[d]);
    }
    assert_true(s.n_blocked > 0 && s.n_blocked < s.n_fluid_hr / 10);
    assert_int_equal(s.n_pocket_cells, 0);
    assert_true(c->n_buildings > 15);
    tallest = fmax(tallest, s.height_max_m);
    sparse = fmin(sparse, s.lambda_p);
    dense = fmax(dense, s.lambda_p);
    low = fmin(low, s.height_mean_m);
    high = fmax(high, s.height_mean_m);
    wb_city_destroy(&c);
  }
  assert_true(tallest > 180 && sparse < 0.25 && dense > 0.45 && low < 16 && high > 45); /* the ranges are used */
}

static void same_seed_same_bits(void **state) {
  (void)state;
  WbCity *a = make(7, 0, 640, 160), *b = make(7, 0, 640, 160), *other = make(8, 0, 640, 160);
  const size_t n = (size_t)a->nx * (size_t)a->ny;
  assert_memory_equal(a->height, b->height, n * sizeof(float));
  assert_true(memcmp(a->height, other->height, n * sizeof(float)) != 0);
  /* Trained models and their test splits name cities by seed: this number may only change with a new generator name. */
  const uint64_t got = fingerprint(a->height, n * sizeof(float));
  if (got != WB_SEED7) fail_msg("the city of seed 7 has changed: fingerprint 0x%llxu", (unsigned long long)got);
  wb_city_destroy(&a);
  wb_city_destroy(&b);
  wb_city_destroy(&other);
}

static void margin_only_adds_rim(void **state) {
  (void)state;
  WbCity *a = make(11, 1300, 320, 0), *b = make(11, 1300, 320, 200);
  assert_int_equal(b->nx, 720);
  assert_int_equal(a->n_buildings, b->n_buildings); /* of the window */
  for (int j = 0; j < 320; j++) {
    assert_memory_equal(a->height + (size_t)j * 320, b->height + (size_t)(j + 200) * 720 + 200, 320 * sizeof(float));
  }
  double rim = 0;
  for (int i = 0; i < 720 * 200; i++) rim += b->height[i] > 0;
  assert_true(rim > 0.05 * 720 * 200); /* the city goes on there */
  wb_city_destroy(&a);
  wb_city_destroy(&b);
}

/* Streets run at any angle: over the seeds the walls' directions, from the raster's gradients, are spread. */
static void streets_at_many_angles(void **state) {
  (void)state;
  int oblique = 0;
  for (uint32_t seed = 21; seed < 33; seed++) {
    WbCity *c = make(seed, 0, 320, 0);
    long straight = 0, walls = 0;
    for (int j = 1; j + 3 < c->ny; j++) {
      for (int i = 1; i + 1 < c->nx; i++) { /* a wall along y that stays in its column for 3 m */
        const float *h = c->height + (size_t)j * (size_t)c->nx + (size_t)i;
        if (!(h[0] > 0 && h[-1] <= 0)) continue;
        walls++;
        straight += h[3 * c->nx] > 0 && h[3 * c->nx - 1] <= 0;
      }
    }
    oblique += walls > 0 && (double)straight / (double)walls < 0.5;
    wb_city_destroy(&c);
  }
  assert_true(oblique >= 4 && oblique <= 12);
}

WB_TEST_MAIN(cmocka_unit_test(statistics_in_design_ranges), cmocka_unit_test(same_seed_same_bits),
             cmocka_unit_test(margin_only_adds_rim), cmocka_unit_test(streets_at_many_angles))
