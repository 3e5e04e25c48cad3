/* Divergence of analytic fields, gap filling, the affine baseline, bootstrap intervals. */
#include <stdlib.h>
#include <string.h>
#include "wb_test.h"
#include "windbridge/score.h"

enum { NX = 12, NY = 10, NZ = 8, CELLS = NX * NY * NZ };
static float field[CELLS * 4], other[CELLS * 4], out[CELLS * 4];
static uint8_t fluid[CELLS];

static void linear(double ax, double by, double cz) {
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < NY; j++)
      for (int i = 0; i < NX; i++) {
        float *f = field + 4 * ((k * NY + j) * NX + i);
        f[0] = 300.0F;
        f[1] = (float)(ax * 5.0 * i + 0.7 * j);
        f[2] = (float)(by * 5.0 * j - 0.2 * i);
        f[3] = (float)(cz * 5.0 * k + 0.1 * i);
      }
}

static void divergence(void **state) {
  memset(fluid, 1, sizeof(fluid));
  linear(0.5, -0.2, -0.3);
  WB_ASSERT_NEAR(wb_score_divergence(NZ, NY, NX, 5.0, fluid, field), 0.0, 1e-6);
  linear(0.5, 0.25, -0.3);
  WB_ASSERT_NEAR(wb_score_divergence(NZ, NY, NX, 5.0, fluid, field), 0.45, 1e-5);
  linear(-0.5, -0.25, 0.3);
  WB_ASSERT_NEAR(wb_score_divergence(NZ, NY, NX, 5.0, fluid, field), 0.45, 1e-5);
  /* values inside a solid cell never enter, not even NaN */
  const int at = (4 * NY + 5) * NX + 6;
  fluid[at] = 0;
  for (int c = 0; c < 4; c++) field[4 * at + c] = NAN;
  WB_ASSERT_NEAR(wb_score_divergence(NZ, NY, NX, 5.0, fluid, field), 0.45, 1e-5);
  memset(fluid, 0, sizeof(fluid));
  WB_ASSERT_NEAR(wb_score_divergence(NZ, NY, NX, 5.0, fluid, field), 0.0, 0.0);
}

static void fill(void **state) {
  float plane[NX * NY];
  memset(fluid, 1, sizeof(fluid));
  for (int i = 0; i < CELLS; i++)
    for (int c = 0; c < 4; c++) field[4 * i + c] = (float)(i + 1000 * c);
  const int k = 3, base = k * NX * NY;
  double mean = 0.0;
  for (int i = 0; i < NX * NY; i++) {
    fluid[base + i] = i % 4 != 0;
    if (i % 4 == 0) field[4 * (base + i) + 2] = NAN;
    if (i % 4 != 0) mean += base + i + 2000.0;
  }
  mean /= 0.75 * NX * NY;
  wb_score_fill_plane(NY, NX, k, 2, fluid, field, plane);
  for (int i = 0; i < NX * NY; i++) WB_ASSERT_NEAR(plane[i], i % 4 ? base + i + 2000.0 : mean, 1e-3);
}

static void regression(void **state) {
  WbRegression reg = NULL;
  const size_t plane = (size_t)NX * NY;
  const WbRandomKey key = {.seed = 1, .stream = WB_STREAM_TEST};
  for (int i = 0; i < CELLS; i++) {
    const int k = i / (NX * NY);
    wb_random_normal4(&key, (uint64_t)i, field + 4 * i);
    for (int c = 0; c < 4; c++)
      other[4 * i + c] = (float)(0.1 * k - 0.3 * c) + (float)(1.0 - 0.05 * k + 0.1 * c) * field[4 * i + c];
    fluid[i] = k != 5 && i % 7 != 0;
    if (!fluid[i]) other[4 * i] = NAN;
  }
  WB_OK(wb_regression_create(NZ, &reg));
  wb_regression_add(reg, plane, fluid, field, other);
  wb_regression_add(reg, plane, fluid, field, other); /* a second batch of the same: no change */
  WB_OK(wb_regression_solve(reg));
  for (int k = 0; k < NZ; k++)
    for (int c = 0; c < 4; c++) {
      double a = 0.0, b = 0.0;
      wb_regression_coefficients(reg, k, c, &a, &b);
      WB_ASSERT_NEAR(a, k == 5 ? 0.0 : 0.1 * k - 0.3 * c, 1e-5); /* level 5 is solid: identity */
      WB_ASSERT_NEAR(b, k == 5 ? 1.0 : 1.0 - 0.05 * k + 0.1 * c, 1e-5);
    }
  wb_regression_apply(reg, plane, fluid, field, out);
  for (int i = 0; i < CELLS; i++)
    for (int c = 0; c < 4; c++) WB_ASSERT_NEAR(out[4 * i + c], fluid[i] ? other[4 * i + c] : field[4 * i + c], 1e-5);
  double a = 0.0, b = 0.0;
  wb_regression_set(reg, 2, 3, -4.0, 0.5);
  wb_regression_coefficients(reg, 2, 3, &a, &b);
  WB_ASSERT_NEAR(a, -4.0, 0);
  WB_ASSERT_NEAR(b, 0.5, 0);
  wb_regression_destroy(&reg);
  assert_null(reg);
}

/* Noise on x1 and none on x0: least squares is what minimises the error, so any other slope is worse. */
static void regression_is_least_squares(void **state) {
  WbRegression reg = NULL;
  const WbRandomKey k0 = {.seed = 2, .stream = WB_STREAM_TEST}, k1 = {.seed = 3, .stream = WB_STREAM_TEST};
  memset(fluid, 1, sizeof(fluid));
  for (int i = 0; i < CELLS; i++) {
    wb_random_normal4(&k0, (uint64_t)i, field + 4 * i);
    wb_random_normal4(&k1, (uint64_t)i, other + 4 * i);
    for (int c = 0; c < 4; c++) other[4 * i + c] += 0.6F * field[4 * i + c] + 2.0F;
  }
  WB_OK(wb_regression_create(1, &reg));
  wb_regression_add(reg, CELLS, fluid, field, other);
  WB_OK(wb_regression_solve(reg));
  double a = 0.0, b = 0.0, best = 0.0;
  wb_regression_coefficients(reg, 0, 1, &a, &b);
  for (int trial = -1; trial < 4; trial++) {
    const double da = trial == 0 ? 0.05 : trial == 1 ? -0.05 : 0.0, db = trial == 2 ? 0.05 : trial == 3 ? -0.05 : 0.0;
    double sum = 0.0;
    for (int i = 0; i < CELLS; i++) {
      const double e = a + da + (b + db) * (double)field[4 * i + 1] - (double)other[4 * i + 1];
      sum += e * e;
    }
    if (trial < 0) best = sum;
    if (trial >= 0) assert_true(sum > best);
  }
  wb_regression_destroy(&reg);
}

/* A 95 % interval of the mean of 30 normal numbers covers the true mean some 92 to 95 times in 100. */
static void bootstrap(void **state) {
  enum { TRIALS = 300, CASES = 30 };
  int covered = 0;
  double width = 0.0;
  for (int t = 0; t < TRIALS; t++) {
    double d[CASES], lo = 0.0, hi = 0.0;
    const WbRandomKey key = {.seed = 9, .stream = WB_STREAM_TEST, .member = (uint32_t)t};
    for (int i = 0; i < CASES; i++) {
      float g[4];
      wb_random_normal4(&key, (uint64_t)i, g);
      d[i] = 3.0 + (double)g[0];
    }
    wb_bootstrap_mean(d, CASES, 400, (uint32_t)t, &lo, &hi);
    covered += lo <= 3.0 && 3.0 <= hi;
    width += (hi - lo) / TRIALS;
  }
  WB_ASSERT_NEAR((double)covered / TRIALS, 0.935, 0.045);
  WB_ASSERT_NEAR(width, 2 * 1.96 / sqrt(CASES), 0.06);
  const double constant[4] = {2.0, 2.0, 2.0, 2.0}, some[4] = {1.0, 2.0, 3.0, 5.0};
  double lo = 0.0, hi = 0.0, lo2 = 0.0, hi2 = 0.0;
  wb_bootstrap_mean(constant, 4, 100, 1, &lo, &hi);
  WB_ASSERT_NEAR(lo, 2.0, 0);
  WB_ASSERT_NEAR(hi, 2.0, 0);
  wb_bootstrap_mean(some, 4, 100, 1, &lo, &hi);
  wb_bootstrap_mean(some, 4, 100, 1, &lo2, &hi2);
  assert_true(lo == lo2 && hi == hi2 && lo >= 1.0 && hi <= 5.0 && lo < hi);
}

WB_TEST_MAIN(cmocka_unit_test(divergence), cmocka_unit_test(fill), cmocka_unit_test(regression),
             cmocka_unit_test(regression_is_least_squares), cmocka_unit_test(bootstrap))
