/* windbridge score: metrics of ensembles against a truth over fluid voxels (math.md section 5). fp64 sums.
 * Fields float (n, 4): theta, u, v, w. subset (n) 1 = voxel counts (fluid already included by the caller). */
#ifndef WINDBRIDGE_SCORE_H
#define WINDBRIDGE_SCORE_H
#include "windbridge/grid.h"

enum { WB_SUBSET_ALL, WB_SUBSET_BELOW_ROOF, WB_SUBSET_BLOCKED, WB_SUBSET_COUNT };
typedef struct { /* sums over voxels of one case, one variable, one subset; additive, so cases can be pooled */
  double n, se_mean, ae_mean, crps, var, bias; /* squared error of ensemble mean, ..., variance of a member */
  double expected; /* squared error of the mean that a perfect ensemble would have: var + variance of the mean */
} WbScoreSums;
/* members[M] (n, 4); M >= 1 (M = 1: crps = absolute error, var = 0). Adds into sums[4]. Fair CRPS: divisor 2M(M-1).
 * antithetic: members 2k and 2k + 1 are pairs (M even); crps then compares members of different pairs only, and is the
 * mean absolute error where M = 2. */
void wb_score_accumulate(size_t n, int m, const float *const *members, const float *truth, const uint8_t *subset,
                         bool antithetic, WbScoreSums sums[4]);
PetscErrorCode wb_score_allreduce(MPI_Comm comm, WbScoreSums *sums, int count); /* collective */
double wb_score_rmse(const WbScoreSums *s);
double wb_score_crps(const WbScoreSums *s);
double wb_score_spread_skill(const WbScoreSums *s); /* independent members: sqrt((M+1)/M) spread / RMSE */

/* Mean |div u| [s-1] over fluid cells of a cell-centred field (central differences between fluid neighbours only). */
double wb_score_divergence(int nz, int ny, int nx, double dx_m, const uint8_t *fluid, const float *field4);
/* Fill gaps for spectra, the same rule for truth and forecast: plane (ny, nx) of channel c, solid cells take the
 * plane's fluid mean. out (ny, nx). */
void wb_score_fill_plane(int ny, int nx, int k, int c, const uint8_t *fluid, const float *field4, float *out);

/* Per-level affine regression x1 ~ a_k,c + b_k,c x0 (normalised units): accumulate, solve, apply. nz levels. */
typedef struct WbRegression_s *WbRegression;
PetscErrorCode wb_regression_create(int nz, WbRegression *reg);
void wb_regression_add(WbRegression reg, size_t plane, const uint8_t *fluid, const float *x0, const float *x1);
PetscErrorCode wb_regression_solve(WbRegression reg);
void wb_regression_apply(WbRegression reg, size_t plane, const uint8_t *fluid, const float *x0, float *out);
void wb_regression_coefficients(WbRegression reg, int k, int c, double *intercept, double *slope);
void wb_regression_set(WbRegression reg, int k, int c, double intercept, double slope);
void wb_regression_destroy(WbRegression *reg);

/* Paired bootstrap over cases: d (n) per-case differences of mean squared error; lo, hi: 95 % interval of their mean.
 * Deterministic for a seed. */
void wb_bootstrap_mean(const double *d, int n, int resamples, uint32_t seed, double *lo, double *hi);
#endif
