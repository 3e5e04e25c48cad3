/* Assignment against all permutations, against sorting in one dimension, and by its dual; Sinkhorn's marginals, limits
 * of large and small epsilon, weights; pairs of a mini-batch. */
#include "wb_test.h"

#include <stdlib.h>
#include <string.h>

#include "windbridge/transport.h"

static double uniform(uint64_t i) {
  const WbRandomKey key = {.seed = 8, .stream = WB_STREAM_TEST};
  double u[4];
  wb_random_uniform4(&key, i, u);
  return u[0];
}

static double total(int n, const double *cost, const int *column) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += cost[i * n + column[i]];
  return sum;
}

static void best_of(int n, const double *cost, int *perm, int k, double *best) {
  if (k == n) {
    *best = fmin(*best, total(n, cost, perm));
    return;
  }
  for (int j = k; j < n; j++) {
    const int a = perm[k], b = perm[j];
    perm[k] = b, perm[j] = a;
    best_of(n, cost, perm, k + 1, best);
    perm[k] = a, perm[j] = b;
  }
}

static void check_permutation(int n, const int *column) {
  int seen[512] = {0};
  for (int i = 0; i < n; i++) {
    assert_true(column[i] >= 0 && column[i] < n);
    seen[column[i]]++;
  }
  for (int i = 0; i < n; i++) assert_int_equal(seen[i], 1);
}

static void all_permutations(void **state) {
  (void)state;
  for (int trial = 0; trial < 60; trial++) {
    const int n = 1 + trial % 7;
    double cost[49], best = INFINITY;
    int column[7], perm[7];
    for (int k = 0; k < n * n; k++) {
      cost[k] = uniform((uint64_t)(trial * 100 + k)) - 0.3;
      if (trial % 3 == 0) cost[k] = floor(4 * cost[k]); /* ties */
    }
    for (int i = 0; i < n; i++) perm[i] = i;
    best_of(n, cost, perm, 0, &best);
    WB_OK(wb_assignment(n, cost, column));
    check_permutation(n, column);
    WB_ASSERT_NEAR(total(n, cost, column), best, 1e-12);
  }
}

static int rise(const void *a, const void *b) {
  const float d = *(const float *)a - *(const float *)b;
  return (d > 0) - (d < 0);
}

/* In one dimension sorted points pair with sorted points. */
static void sorted(void **state) {
  (void)state;
  enum { N = 300 };
  static float x[N], y[N];
  static double cost[N * N];
  static int column[N];
  for (int i = 0; i < N; i++) x[i] = (float)uniform((uint64_t)i), y[i] = (float)(3 * uniform((uint64_t)(N + i)) - 1);
  wb_transport_cost(N, N, 1, x, y, cost);
  WB_OK(wb_assignment(N, cost, column));
  check_permutation(N, column);
  const double found = total(N, cost, column);
  qsort(x, N, sizeof(float), rise);
  qsort(y, N, sizeof(float), rise);
  double want = 0;
  for (int i = 0; i < N; i++) want += pow((double)x[i] - (double)y[i], 2);
  WB_ASSERT_NEAR(found, want, 1e-10);
}

static void distances(void **state) {
  (void)state;
  const float x[4] = {1, 2, -1, 0.5f}, y[6] = {0, 0, 1, 2, 3, 4};
  double cost[6];
  wb_transport_cost(2, 3, 2, x, y, cost);
  const double want[6] = {5, 0, 8, 1.25, 6.25, 28.25};
  for (int k = 0; k < 6; k++) WB_ASSERT_NEAR(cost[k], want[k], 1e-12);
}

static void marginals(void **state) {
  (void)state;
  enum { N = 20, M = 13 };
  double a[N], b[M], cost[N * M], f[N], g[M], plan[N * M], sum[2] = {0, 0};
  for (int i = 0; i < N; i++) sum[0] += a[i] = 0.1 + uniform((uint64_t)i);
  for (int j = 0; j < M; j++) sum[1] += b[j] = 0.1 + uniform((uint64_t)(50 + j));
  for (int i = 0; i < N; i++) a[i] /= sum[0];
  for (int j = 0; j < M; j++) b[j] /= sum[1];
  for (int k = 0; k < N * M; k++) cost[k] = 3 * uniform((uint64_t)(100 + k));
  const double epsilon[] = {100.0, 1.0, 0.05, 0.004};
  for (int e = 0; e < 4; e++) {
    const WbSinkhornOptions o = {epsilon[e], 1e-10, 200000};
    int iterations;
    WB_OK(wb_sinkhorn(&o, N, M, a, b, cost, f, g, &iterations));
    wb_sinkhorn_plan(epsilon[e], N, M, a, b, cost, f, g, plan);
    for (int i = 0; i < N; i++) {
      double row = 0;
      for (int j = 0; j < M; j++) row += plan[i * M + j];
      WB_ASSERT_NEAR(row, a[i], 1e-10);
    }
    for (int j = 0; j < M; j++) {
      double column = 0;
      for (int i = 0; i < N; i++) column += plan[i * M + j];
      WB_ASSERT_NEAR(column, b[j], 1e-13);
    }
    /* optimality: ln(P/(ab)) = (f + g - c)/epsilon holds by form; with marginals right the dual equals the primal */
    double primal = 0, dual = 0;
    for (int i = 0; i < N; i++) dual += a[i] * f[i];
    for (int j = 0; j < M; j++) dual += b[j] * g[j];
    for (int k = 0; k < N * M; k++) {
      const double p = plan[k], q = a[k / M] * b[k % M];
      primal += p * cost[k] + epsilon[e] * (p > 0 ? p * log(p / q) : 0);
    }
    WB_ASSERT_NEAR(primal, dual, 1e-8);
    if (e == 0) { /* independent in the limit of large epsilon */
      for (int k = 0; k < N * M; k++) WB_ASSERT_NEAR(plan[k] / (a[k / M] * b[k % M]), 1, 0.04);
    }
  }
}

/* Small epsilon: the cost comes within epsilon ln N of the assignment's. */
static void small_epsilon(void **state) {
  (void)state;
  enum { N = 12 };
  double cost[N * N], f[N], g[N], plan[N * N];
  int column[N], pairs[N];
  for (int k = 0; k < N * N; k++) cost[k] = uniform((uint64_t)(3000 + k));
  WB_OK(wb_assignment(N, cost, column));
  const WbSinkhornOptions o = {0.01, 1e-5, 200000};
  WB_OK(wb_sinkhorn(&o, N, N, NULL, NULL, cost, f, g, NULL));
  wb_sinkhorn_plan(o.epsilon, N, N, NULL, NULL, cost, f, g, plan);
  double entropic = 0;
  for (int k = 0; k < N * N; k++) entropic += plan[k] * cost[k];
  const double excess = entropic - total(N, cost, column) / N;
  assert_true(excess > -1e-4 && excess < 0.01 * log(N)); /* KL of an assignment to the product is ln N */
  WB_OK(wb_transport_pairs(0, N, cost, NULL, pairs));
  assert_memory_equal(pairs, column, sizeof(pairs));
}

/* Drawn pairs follow the rows of the plan: 3 x 3, 40000 draws, 9 z-scores below 4.5 (by chance once in 16000 seeds). */
static void drawn_pairs(void **state) {
  (void)state;
  enum { N = 3, DRAWS = 40000 };
  const double cost[N * N] = {0, 1, 2, 1, 0.5, 0.2, 0.9, 0.1, 1};
  double f[N], g[N], plan[N * N], count[N * N] = {0};
  const WbSinkhornOptions o = {0.5, 1e-10, 10000};
  WB_OK(wb_sinkhorn(&o, N, N, NULL, NULL, cost, f, g, NULL));
  wb_sinkhorn_plan(0.5, N, N, NULL, NULL, cost, f, g, plan);
  for (int k = 0; k < DRAWS; k++) {
    const WbRandomKey key = {.seed = 9, .stream = WB_STREAM_TEST};
    double u[4];
    int column[N];
    wb_random_uniform4(&key, (uint64_t)k, u);
    WB_OK(wb_transport_pairs(0.5, N, cost, u, column));
    for (int i = 0; i < N; i++) count[i * N + column[i]]++;
  }
  for (int k = 0; k < N * N; k++) {
    const double p = N * plan[k];
    WB_ASSERT_NEAR((count[k] / DRAWS - p) / sqrt(p * (1 - p) / DRAWS), 0, 4.5);
  }
  const double edge[N] = {0.0, 0.0, 0.9999999999999999};
  int column[N];
  WB_OK(wb_transport_pairs(0.5, N, cost, edge, column));
  assert_int_equal(column[0], 0);
  assert_int_equal(column[2], 2);
}

static void refused(void **state) {
  (void)state;
  double cost[4] = {0, 1, NAN, 0}, f[2], g[2];
  const double bad[2] = {0.5, 0.6}, fine[4] = {0, 5, 5, 0};
  int column[2];
  WbSinkhornOptions o = {1, 1e-9, 10};
  assert_int_equal(wb_assignment(2, cost, column), WB_ERR_NUMERIC);
  wb_error_clear();
  assert_int_equal(wb_assignment(0, fine, column), WB_ERR_CONFIG);
  wb_error_clear();
  assert_int_equal(wb_sinkhorn(&o, 2, 2, NULL, NULL, cost, f, g, NULL), WB_ERR_NUMERIC);
  wb_error_clear();
  assert_int_equal(wb_sinkhorn(&o, 2, 2, bad, NULL, fine, f, g, NULL), WB_ERR_CONFIG);
  wb_error_clear();
  o.epsilon = 0;
  assert_int_equal(wb_sinkhorn(&o, 2, 2, NULL, NULL, fine, f, g, NULL), WB_ERR_CONFIG);
  wb_error_clear();
  o = (WbSinkhornOptions){0.01, 1e-12, 2};
  const double skew[2] = {0.9, 0.1};
  assert_int_equal(wb_sinkhorn(&o, 2, 2, skew, NULL, fine, f, g, NULL), WB_ERR_NUMERIC);
  assert_non_null(strstr(wb_error_message(), "after 2 iterations"));
  wb_error_clear();
}

WB_TEST_MAIN(cmocka_unit_test(all_permutations), cmocka_unit_test(sorted), cmocka_unit_test(distances),
             cmocka_unit_test(marginals), cmocka_unit_test(small_epsilon), cmocka_unit_test(drawn_pairs),
             cmocka_unit_test(refused))
