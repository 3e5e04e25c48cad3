/* Ensemble scores against brute force and closed forms. */
#include <stdlib.h>
#include <string.h>
#include "wb_test.h"
#include "windbridge/score.h"

enum { N = 20000, M = 8 };
static float *members[M], *truth;
static uint8_t *subset;

/* truth and members from the same normal distribution: an exchangeable ensemble */
static int setup(void **state) {
  truth = malloc(sizeof(float) * N * 4);
  subset = malloc(N);
  for (int m = 0; m <= M; m++) {
    float *a = m < M ? (members[m] = malloc(sizeof(float) * N * 4)) : truth;
    const WbRandomKey key = {.seed = 5, .stream = WB_STREAM_TEST, .member = (uint32_t)m};
    for (size_t i = 0; i < N; i++) wb_random_normal4(&key, i, a + 4 * i);
  }
  memset(subset, 1, N);
  return 0;
}

static int teardown(void **state) {
  for (int m = 0; m < M; m++) free(members[m]);
  free(truth);
  free(subset);
  return 0;
}

static void exchangeable(void **state) {
  WbScoreSums s[4];
  memset(s, 0, sizeof(s));
  wb_score_accumulate(N, M, (const float *const *)members, truth, subset, false, s);
  for (int c = 0; c < 4; c++) {
    /* N(0,1) forecast of N(0,1): E|X - Y| - E|X - X'|/2 = 1/sqrt(pi), whatever M, because the divisor is fair */
    WB_ASSERT_NEAR(wb_score_crps(&s[c]), 1.0 / sqrt(M_PI), 0.012);
    WB_ASSERT_NEAR(wb_score_rmse(&s[c]), sqrt(1.0 + 1.0 / M), 0.02);
    WB_ASSERT_NEAR(wb_score_spread_skill(&s[c]), 1.0, 0.02);
    WB_ASSERT_NEAR(s[c].var / s[c].n, 1.0, 0.02);
    WB_ASSERT_NEAR(s[c].bias / s[c].n, 0.0, 0.03);
    WB_ASSERT_NEAR(s[c].n, N, 0);
  }
  memset(s, 0, sizeof(s));
  wb_score_accumulate(N, 2, (const float *const *)members, truth, subset, false, s);
  WB_ASSERT_NEAR(wb_score_crps(&s[1]), 1.0 / sqrt(M_PI), 0.015);
  WB_ASSERT_NEAR(wb_score_spread_skill(&s[1]), 1.0, 0.02);
}

/* Pairs +-x about the right mean: no sampling error of the mean, and the estimators of spread and CRPS stay fair. */
static void antithetic(void **state) {
  (void)state;
  WbScoreSums s[4];
  const float *pairs[M];
  memset(s, 0, sizeof(s));
  for (int m = 0; m < M; m += 2) {
    float *mirror = malloc(sizeof(float) * N * 4);
    for (size_t i = 0; i < (size_t)N * 4; i++) mirror[i] = -members[m][i];
    pairs[m] = members[m];
    pairs[m + 1] = mirror;
  }
  wb_score_accumulate(N, M, pairs, truth, subset, true, s);
  for (int c = 0; c < 4; c++) {
    WB_ASSERT_NEAR(wb_score_crps(&s[c]), 1.0 / sqrt(M_PI), 0.012);
    WB_ASSERT_NEAR(wb_score_rmse(&s[c]), 1.0, 0.02);
    WB_ASSERT_NEAR(wb_score_spread_skill(&s[c]), 1.0, 0.02);
    WB_ASSERT_NEAR(s[c].var / s[c].n, 1.0, 0.02);
  }
  for (int m = 1; m < M; m += 2) free((float *)pairs[m]);
}

/* CRPS = integral (F_M(x) - 1[x >= y])^2 dx for the biased (1 / 2 M^2) divisor; the fair one differs by a known term.
 */
static double crps_by_integration(const double *x, int m, double y) {
  const int steps = 200000;
  const double a = -12.0, h = 24.0 / steps;
  double sum = 0.0;
  for (int i = 0; i < steps; i++) {
    const double at = a + (i + 0.5) * h;
    int below = 0;
    for (int j = 0; j < m; j++) below += x[j] <= at;
    const double d = (double)below / m - (at >= y);
    sum += d * d * h;
  }
  double pairs = 0.0;
  for (int i = 0; i < m; i++)
    for (int j = 0; j < m; j++) pairs += fabs(x[i] - x[j]);
  return sum + pairs / (2.0 * m * m) - pairs / (2.0 * m * (m - 1));
}

static void brute_force(void **state) {
  for (size_t at = 0; at < 3; at++) {
    WbScoreSums s[4];
    memset(s, 0, sizeof(s));
    const float *one[M];
    for (int m = 0; m < M; m++) one[m] = members[m] + 4 * at;
    const uint8_t yes = 1;
    wb_score_accumulate(1, M, one, truth + 4 * at, &yes, false, s);
    for (int c = 0; c < 4; c++) {
      double x[M], mean = 0.0, var = 0.0;
      const double y = (double)truth[4 * at + c];
      for (int m = 0; m < M; m++) mean += (x[m] = (double)one[m][c]) / M;
      for (int m = 0; m < M; m++) var += (x[m] - mean) * (x[m] - mean) / (M - 1);
      WB_ASSERT_NEAR(wb_score_crps(&s[c]), crps_by_integration(x, M, y), 1e-3);
      WB_ASSERT_NEAR(s[c].var, var, 1e-12);
      WB_ASSERT_NEAR(s[c].se_mean, (mean - y) * (mean - y), 1e-12);
      WB_ASSERT_NEAR(s[c].ae_mean, fabs(mean - y), 1e-12);
      WB_ASSERT_NEAR(s[c].bias, mean - y, 1e-12);
    }
  }
}

/* One member: CRPS is the absolute error; cells outside the subset do not count; sums of parts add up. */
static void parts(void **state) {
  WbScoreSums whole[4], half[4];
  memset(whole, 0, sizeof(whole));
  memset(half, 0, sizeof(half));
  for (size_t i = 0; i < N; i++) subset[i] = i % 3 == 0;
  wb_score_accumulate(N, 1, (const float *const *)members, truth, subset, false, whole);
  const int third = (N + 2) / 3;
  WB_ASSERT_NEAR(whole[2].n, third, 0);
  WB_ASSERT_NEAR(wb_score_crps(&whole[2]), whole[2].ae_mean / whole[2].n, 1e-12);
  WB_ASSERT_NEAR(whole[2].var, 0.0, 0.0);
  const float *second[1] = {members[0] + 4 * 7000};
  wb_score_accumulate(7000, 1, (const float *const *)members, truth, subset, false, half);
  wb_score_accumulate(N - 7000, 1, second, truth + 4 * 7000, subset + 7000, false, half);
  WB_OK(wb_score_allreduce(PETSC_COMM_SELF, half, 4));
  for (int c = 0; c < 4; c++) {
    WB_ASSERT_NEAR(half[c].se_mean, whole[c].se_mean, 1e-8);
    WB_ASSERT_NEAR(half[c].n, whole[c].n, 0);
  }
  memset(subset, 1, N);
}

int main(int argc, char **argv) {
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  wb_error_install();
  const struct CMUnitTest tests[] = {cmocka_unit_test(exchangeable), cmocka_unit_test(brute_force),
                                     cmocka_unit_test(parts), cmocka_unit_test(antithetic)};
  const int failed = cmocka_run_group_tests(tests, setup, teardown);
  return PetscFinalize() || failed;
}
