/* Entropic optimal transport by Sinkhorn's iteration on logarithms, and the pairs of a mini-batch. */
#include <math.h>

#include "windbridge/transport.h"

void wb_transport_cost(int n, int m, size_t d, const float *x, const float *y, double *cost) {
  for (size_t i = 0; i < (size_t)n; i++) {
    for (size_t j = 0; j < (size_t)m; j++) {
      double sum = 0.0;
      for (size_t k = 0; k < d; k++) {
        const double e = (double)x[i * d + k] - (double)y[j * d + k];
        sum += e * e;
      }
      cost[i * (size_t)m + j] = sum;
    }
  }
}

/* out_i = -epsilon ln sum_j w_j exp((h_j - cost_ij)/epsilon) over `count` items, cost read with the strides given. */
static void soft_min(double epsilon, int n, int count, const double *weight, const double *h, const double *cost,
                     const size_t stride[2], double *out) {
  const double equal = 1.0 / count;
  for (int i = 0; i < n; i++) {
    const double *c = cost + (size_t)i * stride[0];
    double top = -INFINITY, sum = 0.0;
    for (int j = 0; j < count; j++) top = fmax(top, h[j] - c[(size_t)j * stride[1]]);
    for (int j = 0; j < count; j++) {
      sum += (weight ? weight[j] : equal) * exp((h[j] - c[(size_t)j * stride[1]] - top) / epsilon);
    }
    out[i] = -top - epsilon * log(sum);
  }
}

/* sum |P 1 - a| of a plan whose columns are right: a row's sum is a_i exp((f_i - new f_i)/epsilon). */
static double row_error(double epsilon, int n, const double *a, const double *f, const double *next) {
  double error = 0.0;
  for (int i = 0; i < n; i++) error += (a ? a[i] : 1.0 / n) * fabs(expm1((f[i] - next[i]) / epsilon));
  return error;
}

static PetscErrorCode check(const WbSinkhornOptions *o, int n, int m, const double *a, const double *b,
                            const double *cost, double *largest) {
  PetscFunctionBeginUser;
  if (n < 1 || m < 1 || !(o->epsilon > 0.0) || !(o->tolerance > 0.0) || o->max_iterations < 1) {
    WB_RAISE_ALL(WB_ERR_CONFIG,
                 "Sinkhorn: %d x %d points, epsilon %g, tolerance %g, %d iterations; all must be positive", n, m,
                 o->epsilon, o->tolerance, o->max_iterations);
  }
  double sum[2] = {0.0, 0.0};
  for (int i = 0; i < n; i++) sum[0] += a ? (a[i] > 0.0 ? a[i] : NAN) : 1.0 / n;
  for (int j = 0; j < m; j++) sum[1] += b ? (b[j] > 0.0 ? b[j] : NAN) : 1.0 / m;
  if (!(fabs(sum[0] - 1.0) < 1e-9 && fabs(sum[1] - 1.0) < 1e-9)) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "Sinkhorn: weights sum to %g and %g; they must be positive and sum to 1", sum[0],
                 sum[1]);
  }
  *largest = 0.0;
  for (size_t k = 0; k < (size_t)n * (size_t)m; k++) {
    if (!isfinite(cost[k])) WB_RAISE(WB_ERR_NUMERIC, "Sinkhorn: cost %zu is %g", k, cost[k]);
    *largest = fmax(*largest, fabs(cost[k]));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_sinkhorn(const WbSinkhornOptions *o, int n, int m, const double *a, const double *b,
                           const double *cost, double *f, double *g, int *iterations) {
  const size_t by_row[2] = {(size_t)m, 1}, by_column[2] = {1, (size_t)m};
  double largest, *next = NULL, error = INFINITY;
  PetscFunctionBeginUser;
  PetscCall(check(o, n, m, a, b, cost, &largest));
  PetscCall(WB_ALLOC(n, &next));
  for (int i = 0; i < n; i++) f[i] = 0.0;
  double epsilon = fmax(o->epsilon, largest);
  int k = 0;
  for (; k < o->max_iterations; k++) {
    soft_min(epsilon, m, n, a, f, cost, by_column, g);
    soft_min(epsilon, n, m, b, g, cost, by_row, next);
    error = row_error(epsilon, n, a, f, next);
    if (error <= o->tolerance && epsilon <= o->epsilon) break; /* f and g belong together: columns exact */
    if (error < 0.1) epsilon = fmax(o->epsilon, 0.5 * epsilon);
    for (int i = 0; i < n; i++) f[i] = next[i];
  }
  WB_FREE(&next);
  if (iterations) *iterations = k;
  if (k == o->max_iterations) {
    WB_RAISE(WB_ERR_NUMERIC, "Sinkhorn: row sums are off by %g after %d iterations with epsilon %g; wanted %g", error,
             k, o->epsilon, o->tolerance);
  }
  PetscFunctionReturn(0);
}

void wb_sinkhorn_plan(double epsilon, int n, int m, const double *a, const double *b, const double *cost,
                      const double *f, const double *g, double *plan) {
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < m; j++) {
      const size_t k = (size_t)i * (size_t)m + (size_t)j;
      plan[k] = (a ? a[i] : 1.0 / n) * (b ? b[j] : 1.0 / m) * exp((f[i] + g[j] - cost[k]) / epsilon);
    }
  }
}

static void draw(int n, const double *plan, const double *u, int *column) {
  for (int i = 0; i < n; i++) {
    const double *row = plan + (size_t)i * (size_t)n;
    double total = 0.0, sum = 0.0;
    for (int j = 0; j < n; j++) total += row[j];
    int j = 0;
    for (sum = row[0]; j < n - 1 && sum <= u[i] * total; sum += row[j]) j++;
    column[i] = j;
  }
}

PetscErrorCode wb_transport_pairs(double epsilon, int n, const double *cost, const double *u, int *column) {
  const WbSinkhornOptions options = {.epsilon = epsilon, .tolerance = 1e-6, .max_iterations = 100000};
  double *f = NULL, *g = NULL, *plan = NULL;
  PetscFunctionBeginUser;
  if (epsilon == 0.0) {
    PetscCall(wb_assignment(n, cost, column));
    PetscFunctionReturn(0);
  }
  if (n < 1) WB_RAISE_ALL(WB_ERR_CONFIG, "pairs of %d points; at least 1 is needed", n);
  PetscCall(WB_ALLOC(n, &f));
  PetscCall(WB_ALLOC(n, &g));
  PetscCall(WB_ALLOC((size_t)n * (size_t)n, &plan));
  const PetscErrorCode failed = wb_sinkhorn(&options, n, n, NULL, NULL, cost, f, g, NULL);
  if (!failed) {
    wb_sinkhorn_plan(epsilon, n, n, NULL, NULL, cost, f, g, plan);
    draw(n, plan, u, column);
  }
  WB_FREE(&f);
  WB_FREE(&g);
  WB_FREE(&plan);
  PetscFunctionReturn(failed);
}
