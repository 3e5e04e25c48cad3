/* windbridge transport: discrete optimal transport between two sets of points, exact and entropic. Knows nothing of
 * networks, processes or MPI. Costs are double (n, m), row-major, finite. */
#ifndef WINDBRIDGE_TRANSPORT_H
#define WINDBRIDGE_TRANSPORT_H
#include "windbridge/core.h"

/* cost (n, m) out: squared distances |x_i - y_j|^2 of x (n, d) and y (m, d). Not collective, cannot fail. */
void wb_transport_cost(int n, int m, size_t d, const float *x, const float *y, double *cost);

/* ---- exact ---- */
/* The permutation of least cost: column (n) out, row i is paired with column[i]. cost (n, n) in. Shortest augmenting
 * paths, O(n^3) (Jonker & Volgenant 1987). Not collective. Errors: WB_ERR_CONFIG for n < 1, WB_ERR_NUMERIC for a cost
 * that is not finite. */
PetscErrorCode wb_assignment(int n, const double *cost, int *column);

/* ---- entropic ---- */
typedef struct {
  double
      epsilon; /* of min <cost, P> + epsilon KL(P | a b^T); 2 sigma^2 for a bridge with dX = sigma dW and |x - y|^2 */
  double tolerance;   /* of the row sums, sum |P 1 - a| */
  int max_iterations; /* over all, also while epsilon is lowered to its value */
} WbSinkhornOptions;
/* Potentials f (n) and g (m) out: P_ij = a_i b_j exp((f_i + g_j - cost_ij) / epsilon) has the column sums b exactly and
 * the row sums a to the tolerance. a (n), b (m) in: positive weights, sum 1; NULL: equal. Logarithms throughout,
 * epsilon lowered geometrically from the largest cost (Cuturi 2013; Schmitzer 2019). iterations out (NULL: not wanted).
 * Not collective. Errors: WB_ERR_CONFIG (options, weights), WB_ERR_NUMERIC (not converged, cost not finite). */
PetscErrorCode wb_sinkhorn(const WbSinkhornOptions *options, int n, int m, const double *a, const double *b,
                           const double *cost, double *f, double *g, int *iterations);
/* plan (n, m) out: P from the potentials. a, b as above. */
void wb_sinkhorn_plan(double epsilon, int n, int m, const double *a, const double *b, const double *cost,
                      const double *f, const double *g, double *plan);

/* ---- mini-batches ---- */
/* Pairs of a mini-batch of n sources and n targets (Tong et al. 2024): column (n) out. epsilon = 0: the assignment of
 * least cost; epsilon > 0: for each row one column drawn from the entropic plan's row with u (n) in [0, 1). Not
 * collective. Errors: as above. */
PetscErrorCode wb_transport_pairs(double epsilon, int n, const double *cost, const double *u, int *column);
#endif
