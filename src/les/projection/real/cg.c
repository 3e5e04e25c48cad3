/* Conjugate gradients on the rim (project.h), with both dot products of an iteration in one reduction (Chronopoulos and
 * Gear 1989, J. Comput. Appl. Math. 25, 153). Vectors are lists of rim cells; the inner product weights with dz. */
#include "windbridge/real.h"

#include "project.h"

/* z: potential of the flat solve for the residual r. w = A z = r - C z; dots: (r, z), (w, z). */
static void apply_rim(WbProject pr, double dots[2]) {
  const WbReal *restrict z = pr->z, *restrict r = pr->r, *restrict coef = pr->rim_coef;
  const int32_t *restrict start = pr->rim_start, *restrict nb = pr->rim_nb, *restrict cell = pr->rim_cell;
  WbReal *restrict w = pr->w;
  double rz = 0, wz = 0;
  for (int c = 0; c < pr->nrim; c++) {
    const WbReal here = z[cell[c]];
    WbReal sum = 0;
    for (int32_t f = start[c]; f < start[c + 1]; f++) sum += coef[f] * (z[nb[f]] - here);
    w[c] = r[c] - sum;
    rz += pr->rim_dz[c] * (double)r[c] * (double)here;
    wz += pr->rim_dz[c] * (double)w[c] * (double)here;
  }
  dots[0] = rz;
  dots[1] = wz;
}

/* p = r + beta p, s = w + beta s, q += alpha p, r -= alpha s; returns max |r|. */
WB_KERNEL static WbReal update(WbProject pr, WbReal alpha, WbReal beta) {
  const int n = pr->nrim;
  WbReal *restrict p = pr->p, *restrict s = pr->s, *restrict q = pr->q, *restrict r = pr->r;
  const WbReal *restrict w = pr->w;
  WbReal max = 0;
#pragma omp simd reduction(max : max)
  for (int c = 0; c < n; c++) {
    p[c] = r[c] + beta * p[c];
    s[c] = w[c] + beta * s[c];
    q[c] += alpha * p[c];
    r[c] -= alpha * s[c];
    const WbReal a = r[c] < 0 ? -r[c] : r[c];
    max = a > max ? a : max;
  }
  return max;
}

static void scatter(WbProject pr) {
  WbReal *restrict low = pr->low;
  const WbReal *restrict r = pr->r;
  for (int c = 0; c < pr->nrim; c++) low[pr->rim_cell[c]] = r[c];
}

/* Residual of x = L^-1 (b + q): r = C x - q, and its mean over each region (rounding of b) taken out. */
static PetscErrorCode first_residual(WbProject pr, double *max) {
  const WbReal *restrict x = pr->x, *restrict coef = pr->rim_coef, *restrict q = pr->q;
  WbReal *restrict r = pr->r;
  PetscFunctionBeginUser;
  for (int g = 0; g < pr->regions; g++) pr->region_sum[g] = 0;
  for (int c = 0; c < pr->nrim; c++) {
    const WbReal here = x[pr->rim_cell[c]];
    WbReal sum = 0;
    for (int32_t f = pr->rim_start[c]; f < pr->rim_start[c + 1]; f++) sum += coef[f] * (x[pr->rim_nb[f]] - here);
    r[c] = sum - q[c];
    pr->region_sum[pr->rim_region[c]] += pr->rim_dz[c] * (double)r[c];
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, pr->region_sum, pr->regions, MPI_DOUBLE, MPI_SUM, pr->comm));
  for (int g = 0; g < pr->regions; g++)
    pr->region_sum[g] = pr->region_rim[g] > 0 ? pr->region_sum[g] / pr->region_rim[g] : 0;
  *max = 0;
  for (int c = 0; c < pr->nrim; c++) {
    r[c] -= (WbReal)pr->region_sum[pr->rim_region[c]];
    const double a = fabs((double)r[c]);
    *max = a > *max ? a : *max;
  }
  PetscFunctionReturn(0);
}

/* Adds to q until the residual's largest entry is at most tol, or max_iterations. Collective; q and x as left by the
 * first flat solve. iterations: increased. Leaves early, without error, when rounding stops the progress. */
PetscErrorCode WB_R(wb_project_cg)(WbProject pr, double tol, int max_iterations, int *iterations) {
  double gamma_old = 1, alpha = 1, largest;
  const bool alone = pr->alone_x && pr->alone_y;
  PetscFunctionBeginUser;
  PetscCall(first_residual(pr, &largest));
  for (int it = 0; it < max_iterations; it++) {
    double dots[2];
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_DOUBLE, MPI_MAX, pr->comm));
    if (largest <= tol) break;
    scatter(pr);
    PetscCall(wb_poisson_solve_low(pr->poisson, pr->klow, pr->row_used, pr->low, pr->z));
    if (!alone) PetscCall(WB_R(wb_project_exchange)(pr, pr->klow, pr->z));
    apply_rim(pr, dots);
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, dots, 2, MPI_DOUBLE, MPI_SUM, pr->comm));
    const double beta = it ? dots[0] / gamma_old : 0, curvature = dots[1] - (it ? beta * dots[0] / alpha : 0);
    if (!(dots[0] * curvature > 0)) break; /* lost to rounding, or not a number: the true divergence decides */
    alpha = dots[0] / curvature;
    gamma_old = dots[0];
    largest = (double)update(pr, (WbReal)alpha, (WbReal)beta);
    ++*iterations;
  }
  PetscFunctionReturn(0);
}
