/* Coloured noise: covariances against the splines' own matrices (built here by zero-stuffing and convolution), the same
 * numbers in any box, white noise as a special case, samples that carry it. z-scores: bound 5 on 96 checks of sample
 * moments, a false alarm in 2e4 seeds; the seed is fixed. */
#include "wb_test.h"

#include <string.h>

#include "windbridge/bridge.h"

enum { C = WB_CHANNELS, SCALES = WB_NOISE_SCALES, N = 40, M = 2000 };
static const float colour[SCALES] = {0.03F, 0.15F, 0.25F, 0.33F, 0.24F};

/* w[f][q]: what cell q of the grid of `level` gives to fine cell f, in one direction; q counts from -8. */
enum { COARSE = 64, BEFORE = 8 };
static void spline_matrix(int level, double w[N][COARSE]) {
  static const double mask[4] = {0.25, 0.75, 0.75, 0.25};
  memset(w, 0, N * sizeof w[0]);
  for (int q = 0; q < COARSE; q++) {
    double f[COARSE * 4 << SCALES] = {0};
    int first = q - BEFORE, n = 1; /* f covers cells first .. first + n - 1 */
    f[0] = 1;
    for (int l = 0; l < level; l++) {
      double next[COARSE * 4 << SCALES] = {0};
      for (int i = 0; i < n; i++)
        for (int a = 0; a < 4; a++) next[2 * i + a] += mask[a] * f[i];
      first = 2 * first - 1;
      n = 2 * n + 2;
      memcpy(f, next, sizeof f);
    }
    for (int i = 0; i < n; i++)
      if (first + i >= 0 && first + i < N) w[first + i][q] = f[i];
  }
}

/* Correlation matrix of one direction's factor, and the exact correlation of cells a and b (x, y, z) of the sum. */
static double along[SCALES][N][N];
static void make_factors(void) {
  static double w[N][COARSE];
  for (int l = 0; l < SCALES; l++) {
    spline_matrix(l, w);
    for (int i = 0; i < N; i++) {
      for (int j = 0; j < N; j++) {
        along[l][i][j] = 0;
        for (int q = 0; q < COARSE; q++) along[l][i][j] += w[i][q] * w[j][q];
      }
    }
  }
}
static double covariance(const int a[3], const int b[3]) {
  double sum = 0;
  for (int l = 0; l < SCALES; l++) {
    double mean = 0;
    for (int i = 0; i < 16; i++) mean += along[l][i][i] / 16;
    double product = (double)colour[l] / (mean * mean * mean);
    for (int d = 0; d < 3; d++) product *= along[l][a[d]][b[d]];
    sum += product;
  }
  return sum;
}
static double correlation(const int a[3], const int b[3]) {
  return covariance(a, b) / sqrt(covariance(a, a) * covariance(b, b));
}

static const WbNoiseBox whole = {.size = {N, 24, 20}, .nx = N, .ny = 24};
static size_t cell(const WbNoiseBox *box, const int at[3]) {
  return (((size_t)(at[2] - box->start[2]) * (size_t)box->size[1] + (size_t)(at[1] - box->start[1])) *
              (size_t)box->size[0] +
          (size_t)(at[0] - box->start[0])) *
         C;
}

static void covariances(void **state) {
  (void)state;
  static const int pairs[][2][3] = {
      {{0, 0, 0}, {0, 0, 0}},    {{7, 8, 5}, {7, 8, 5}},   {{15, 16, 19}, {15, 16, 19}}, {{20, 3, 7}, {21, 3, 7}},
      {{9, 9, 2}, {9, 11, 2}},   {{4, 4, 4}, {4, 4, 8}},   {{30, 12, 10}, {38, 12, 10}}, {{1, 2, 3}, {4, 6, 5}},
      {{0, 0, 0}, {39, 23, 19}}, {{16, 5, 0}, {17, 6, 1}}, {{33, 20, 18}, {21, 20, 18}}, {{2, 17, 9}, {2, 23, 9}}};
  enum { PAIRS = sizeof pairs / sizeof pairs[0] };
  double sum[PAIRS][C] = {{0}}, cross[PAIRS] = {0};
  WbNoiseField field;
  make_factors();
  WB_OK(wb_noise_field_create(&whole, colour, &field));
  for (uint32_t m = 0; m < M; m++) {
    const WbRandomKey key = {.seed = 11, .stream = WB_STREAM_TEST, .member = m};
    const float *z = wb_noise_field_draw(field, &key);
    for (size_t p = 0; p < PAIRS; p++) {
      const float *a = z + cell(&whole, pairs[p][0]), *b = z + cell(&whole, pairs[p][1]);
      for (int c = 0; c < C; c++) sum[p][c] += (double)a[c] * (double)b[c] / M;
      cross[p] += (double)a[0] * (double)b[1] / M;
    }
  }
  for (size_t p = 0; p < PAIRS; p++) {
    const double r = correlation(pairs[p][0], pairs[p][1]), deviation = sqrt((1 + r * r) / M);
    for (int c = 0; c < C; c++) WB_ASSERT_NEAR(sum[p][c], r, 5 * deviation);
    WB_ASSERT_NEAR(cross[p], 0, 5 / sqrt(M)); /* channels are independent */
  }
  wb_noise_field_destroy(&field);
}

/* A rank's box has the numbers of the whole. */
static void boxes(void **state) {
  (void)state;
  static const WbNoiseBox part[] = {{.start = {4, 8, 0}, .size = {17, 12, 20}, .nx = N, .ny = 24},
                                    {.start = {39, 23, 19}, .size = {1, 1, 1}, .nx = N, .ny = 24},
                                    {.start = {0, 0, 7}, .size = {N, 24, 5}, .nx = N, .ny = 24}};
  const WbRandomKey key = {.seed = 5, .stream = WB_STREAM_TEST, .step = 2, .member = 3, .minute = 4};
  WbRandomKey opposite = key;
  opposite.negated = true;
  WbNoiseField all, some;
  WB_OK(wb_noise_field_create(&whole, colour, &all));
  const float *z = wb_noise_field_draw(all, &key);
  for (size_t b = 0; b < sizeof part / sizeof part[0]; b++) {
    const int *s = part[b].start, *n = part[b].size;
    WB_OK(wb_noise_field_create(&part[b], colour, &some));
    for (int sign = 1; sign >= -1; sign -= 2) {
      const float *mine = wb_noise_field_draw(some, sign > 0 ? &key : &opposite);
      for (int k = s[2]; k < s[2] + n[2]; k++)
        for (int j = s[1]; j < s[1] + n[1]; j++)
          for (int i = s[0]; i < s[0] + n[0]; i++)
            for (size_t c = 0; c < C; c++) {
              const int at[3] = {i, j, k};
              WB_ASSERT_NEAR((float)sign * mine[cell(&part[b], at) + c], z[cell(&whole, at) + c], 1e-6);
            }
    }
    wb_noise_field_destroy(&some);
  }
  wb_noise_field_destroy(&all);
}

static void white(void **state) {
  (void)state;
  enum { CELLS = N * 24 * 20 };
  static uint64_t voxel[CELLS];
  static float want[CELLS * C];
  const float only_first[SCALES] = {1};
  const WbRandomKey key = {.seed = 5, .stream = WB_STREAM_TEST, .step = 2};
  WbNoiseField field;
  for (int p = 0; p < CELLS; p++) voxel[p] = (uint64_t)p;
  wb_bridge_noise(&key, CELLS, voxel, want);
  WB_OK(wb_noise_field_create(&whole, only_first, &field));
  assert_memory_equal(wb_noise_field_draw(field, &key), want, sizeof want);
  wb_noise_field_destroy(&field);
}

static PetscErrorCode to_x0(void *ctx, double t, const float *x, float *d, float *d0) {
  (void)t;
  (void)x;
  (void)d0;
  memset(d, 0, (size_t)(*(const int *)ctx) * C * sizeof(float));
  return 0;
}

/* D = x0 = 0: three steps of X' = X + h (0 - X) / (1 - t) + sqrt(h) (1 - t) Q^(1/2) z leave a variance known by hand,
 * with the noise's own correlation, and nothing in buildings. */
static void samples(void **state) {
  (void)state;
  const WbNoiseBox box = {.size = {16, 8, 4}, .nx = 16, .ny = 8};
  enum { CELLS = 16 * 8 * 4, STEPS = 3 };
  static float x0[CELLS * C], x[CELLS * C], work[4 * CELLS * C];
  static uint8_t air[CELLS];
  const double t[STEPS + 1] = {0, 0.4, 0.7, 1};
  double variance = 0, got = 0, lagged = 0;
  int cells = CELLS;
  WbProcessOptions options;
  WbProcess process;
  WbSampler sampler;
  WbPlan plan;
  WbNoiseField field;
  for (int p = 0; p < CELLS; p++) air[p] = p != 3;
  for (int k = 0; k < STEPS; k++) {
    const double h = t[k + 1] - t[k], keep = 1 - h / (1 - t[k]);
    variance = keep * keep * variance + h * (1 - t[k]) * (1 - t[k]);
  }
  wb_process_options_default(WB_PROCESS_BRIDGE, &options);
  WB_OK(wb_process_create(&options, &process));
  WB_OK(wb_sampler_parse("euler_maruyama", WB_NOISE_BASE, &sampler));
  WB_OK(wb_plan_create(process, &sampler, STEPS, t, &plan));
  WB_OK(wb_noise_field_create(&box, colour, &field));
  wb_plan_set_noise(plan, field);
  const int a[3] = {5, 4, 1}, b[3] = {6, 4, 1};
  make_factors();
  for (uint32_t m = 0; m < M; m++) {
    const WbRandomKey key = {.seed = 8, .stream = WB_STREAM_TEST, .member = m};
    WB_OK(wb_bridge_sample(plan, &key, CELLS, x0, air, NULL, to_x0, &cells, x, work));
    const double xa = (double)x[cell(&box, a)], xb = (double)x[cell(&box, b)];
    got += xa * xa / M;
    lagged += xa * xb / M;
    assert_true(x[3 * C] == 0.0F && !signbit(x[3 * C]));
  }
  const double r = correlation(a, b);
  WB_ASSERT_NEAR(got / variance, 1, 5 * sqrt(2.0 / M));
  WB_ASSERT_NEAR(lagged / variance, r, 5 * sqrt((1 + r * r) / M));
  wb_noise_field_destroy(&field);
  wb_plan_destroy(&plan);
  wb_process_destroy(&process);
}

static void refused(void **state) {
  (void)state;
  const float little[SCALES] = {0.5F, 0.2F}, negative[SCALES] = {1.5F, -0.5F};
  const WbNoiseBox empty = {.size = {4, 0, 4}, .nx = 4, .ny = 4};
  WbNoiseField field;
  assert_int_equal(wb_noise_field_create(&whole, little, &field), WB_ERR_CONFIG);
  wb_error_clear();
  assert_int_equal(wb_noise_field_create(&whole, negative, &field), WB_ERR_CONFIG);
  wb_error_clear();
  assert_int_equal(wb_noise_field_create(&empty, colour, &field), WB_ERR_CONFIG);
  wb_error_clear();
  assert_null(field);
}

WB_TEST_MAIN(cmocka_unit_test(covariances), cmocka_unit_test(boxes), cmocka_unit_test(white), cmocka_unit_test(samples),
             cmocka_unit_test(refused))
