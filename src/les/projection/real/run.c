/* The projection: flat solve, CG on the rim, flat solve with the wall sources found, correction, true divergence; and
 * again for the remaining defect until the tolerance holds (iterative refinement: single precision needs it). */
#include "windbridge/real.h"

#include "project.h"

#include <string.h>

enum { WB_PROJECT_ROUNDS = 12 };

static PetscErrorCode real_array(size_t n, void **out) {
  PetscFunctionBeginUser;
  PetscCall(wb_calloc_bytes((n + 1) * sizeof(WbReal), "projection", out));
  PetscFunctionReturn(0);
}

PetscErrorCode WB_R(wb_project_setup)(WbProject pr) {
  PetscFunctionBeginUser;
  const size_t nrim = (size_t)pr->nrim, faces = (size_t)pr->rim_start[pr->nrim];
  void *coef;
  PetscCall(real_array(faces, &coef));
  for (size_t f = 0; f < faces; f++) ((WbReal *)coef)[f] = (WbReal)((double *)pr->rim_coef)[f];
  WB_FREE(&pr->rim_coef);
  pr->rim_coef = coef;
  PetscCall(real_array(pr->n, &pr->rhs));
  PetscCall(real_array(pr->n_ghosted + 16, &pr->x_alloc));
  pr->x = (WbReal *)pr->x_alloc + 16;
  for (int s = 0; s < WB_PROJECT_SLOTS; s++) PetscCall(real_array(nrim, &pr->slot[s]));
  if (pr->multigrid) PetscFunctionReturn(0);
  PetscCall(real_array(pr->n, &pr->dense));
  if (pr->flat) PetscFunctionReturn(0);
  PetscCall(real_array((size_t)pr->klow * (size_t)pr->nyl * (size_t)pr->nxl, &pr->low));
  PetscCall(real_array(pr->n_ghosted, &pr->z));
  void **lists[6] = {&pr->r, &pr->w, &pr->p, &pr->s, &pr->q, &pr->q_start};
  for (int i = 0; i < 6; i++) PetscCall(real_array(nrim, lists[i]));
  PetscFunctionReturn(0);
}

/* Largest |div| over all ranks. */
static PetscErrorCode share(WbProject pr, double local, int iterations, double *max_div) {
  /* a maximum of something that is not a number is not defined: travel as infinity */
  const double send = isfinite(local) ? local : HUGE_VAL;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(&send, max_div, 1, MPI_DOUBLE, MPI_MAX, pr->comm));
  if (!isfinite(*max_div))
    WB_RAISE_ALL(WB_ERR_NUMERIC, "projection: the divergence is not a number after %d iterations", iterations);
  PetscFunctionReturn(0);
}

/* Mean divergence of each region into region_sum: flux through prescribed sides, less what the small regions have. */
static PetscErrorCode region_means(WbProject pr, double outflow) {
  const size_t plane = (size_t)pr->nyl * (size_t)pr->nxl;
  const WbReal *rhs = pr->rhs;
  double *sum = pr->region_sum;
  PetscFunctionBeginUser;
  for (int g = 0; g < pr->regions; g++) sum[g] = 0;
  for (int c = 0; c < pr->nsmall; c++) {
    const size_t at = (size_t)pr->small_cell[c];
    const double part = (double)rhs[at] * pr->dz[at / plane];
    sum[pr->small_region[c]] += part;
    outflow -= part;
  }
  sum[0] += outflow;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, pr->regions, MPI_DOUBLE, MPI_SUM, pr->comm));
  for (int g = 0; g < pr->regions; g++) sum[g] = pr->region_volume[g] > 0 ? sum[g] / pr->region_volume[g] : 0;
  PetscFunctionReturn(0);
}

/* The net flux into a region through prescribed faces cannot be corrected: an error beyond tol (and rounding of the
 * divergences met, at most max_div), else spread evenly. */
static PetscErrorCode balance(WbProject pr, void *velocity[3], double tol, double max_div) {
  WbReal *rhs = pr->rhs;
  bool uneven = false;
  PetscFunctionBeginUser;
  PetscCall(region_means(pr, WB_R(wb_project_outflow)(pr, velocity[0], velocity[1])));
  for (int g = 0; g < pr->regions; g++) {
    if (!(fabs(pr->region_sum[g]) <= tol + 32 * (double)WB_REAL_EPS * max_div))
      WB_RAISE_ALL(
          WB_ERR_NUMERIC,
          "projection: net flux through the prescribed faces of fluid region %d of %d: mean divergence %.3e s-1"
          " > tolerance %.3e s-1",
          g + 1, pr->regions, pr->region_sum[g], tol);
    uneven = uneven || fabs(pr->region_sum[g]) > 1e-3 * tol;
  }
  if (!uneven) PetscFunctionReturn(0);
  const WbReal mean = (WbReal)pr->region_sum[0];
  for (size_t c = 0; c < pr->n; c++) rhs[c] -= (pr->mask[c] & WB_FLUID) ? mean : 0;
  for (int c = 0; c < pr->nsmall; c++) rhs[pr->small_cell[c]] += mean - (WbReal)pr->region_sum[pr->small_region[c]];
  PetscFunctionReturn(0);
}

/* Slot to the dense field. */
void WB_R(wb_project_spread)(WbProject pr, int slot) {
  WbReal *restrict dense = pr->dense;
  const WbReal *restrict list = pr->slot[slot];
  for (int c = 0; c < pr->nrim; c++) dense[pr->rim_cell[c]] = list[c];
  pr->dense_slot = slot;
}

/* What a reader may have put into the dense field, back to its slot. */
void WB_R(wb_project_gather)(WbProject pr) {
  const WbReal *restrict dense = pr->dense;
  if (pr->dense_slot < 0) return;
  WbReal *restrict list = pr->slot[pr->dense_slot];
  for (int c = 0; c < pr->nrim; c++) list[c] = dense[pr->rim_cell[c]];
  pr->dense_slot = -1;
}

/* q = first guess of the wall sources in a stage. Sources / dt stand for the pressure of the middle of the interval
 * that the stage covers: t + dt/6, dt/4, dt/2 of this step, t - dt/2 and t - 3 dt/2 for the final stages before (slot 3
 * is the older). Extrapolated linearly from the two latest of these. */
static void guess_sources(WbProject pr, double dt_s, int slot) {
  static const int latest[3] = {2, 0, 1}, before[3] = {3, 2, 2};
  static const double slope[3] = {2.0 / 3.0, 1.0 / 8.0, 1.0 / 3.0};
  const WbReal *restrict a = pr->slot[latest[slot]], *restrict b = pr->slot[before[slot]];
  WbReal *restrict q = pr->q;
  bool known = false;
  for (int c = 0; c < pr->nrim && !known; c++) known = b[c] != 0;
  const WbReal dt = (WbReal)dt_s, e = (WbReal)(known ? slope[slot] : 0);
#pragma omp simd
  for (int c = 0; c < pr->nrim; c++) q[c] = dt * (a[c] + e * (a[c] - b[c]));
}

/* x = potential of rhs + q on all levels, ghosts filled. rhs is added to. */
static PetscErrorCode potential(WbProject pr, const WbReal *q) {
  WbReal *restrict rhs = pr->rhs;
  PetscFunctionBeginUser;
  for (int c = 0; c < pr->nrim; c++) rhs[pr->rim_cell[c]] += q[c];
  PetscCall(wb_poisson_solve(pr->poisson, rhs, pr->x));
  PetscCall(WB_R(wb_project_exchange)(pr, pr->nz, pr->x));
  PetscFunctionReturn(0);
}

/* x = potential of the right-hand side; q holds the first guess of the wall sources, and then the sources. */
static PetscErrorCode solve(WbProject pr, double tol, int max_iterations, int *iterations) {
  const int before = *iterations, t_cg = wb_timer_id("les.cg");
  PetscFunctionBeginUser;
  if (pr->multigrid) {
    PetscCall(wb_multigrid_solve(pr->multigrid, pr->rhs, tol, max_iterations - before, iterations, pr->x));
    PetscCall(WB_R(wb_project_exchange)(pr, pr->nz, pr->x));
    PetscFunctionReturn(0);
  }
  PetscCall(potential(pr, pr->q));
  if (pr->flat) PetscFunctionReturn(0);
  WbReal *restrict q = pr->q, *restrict more = pr->q_start;
  memcpy(more, q, (size_t)pr->nrim * sizeof(WbReal));
  wb_timer_begin(t_cg);
  PetscCall(WB_R(wb_project_cg)(pr, tol, max_iterations - before, iterations));
  wb_timer_end(t_cg);
  if (*iterations == before) PetscFunctionReturn(0);
  for (int c = 0; c < pr->nrim; c++) more[c] = q[c] - more[c];
  PetscCall(potential(pr, more));
  PetscFunctionReturn(0);
}

/* Sources of a round over dt into the slot; later rounds add to it. */
static void keep_sources(WbProject pr, double dt_s, int slot, int round) {
  if (slot == 2 && round == 0) { /* the final stage before goes to slot 3 */
    void *older = pr->slot[3];
    pr->slot[3] = pr->slot[2];
    pr->slot[2] = older;
  }
  WbReal *restrict keep = pr->slot[slot];
  const WbReal *restrict q = pr->q;
  const WbReal f = (WbReal)(1 / dt_s);
  for (int c = 0; c < pr->nrim; c++) keep[c] = f * q[c] + (round > 0 ? keep[c] : 0);
}

PetscErrorCode WB_R(wb_project_run)(WbProject pr, void *velocity[3], double dt_s, double tol, int max_iterations,
                                    int slot, int *iterations, double *max_div) {
  double before, largest = 0;
  PetscFunctionBeginUser;
  PetscCheck(slot >= 0 && slot < 3, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "slot %d", slot);
  *iterations = 0;
  WB_R(wb_project_gather)(pr);
  for (int round = 0;; round++) {
    double local = WB_R(wb_project_divergence)(pr, velocity[0], velocity[1], velocity[2]);
    if (round == 0) {
      PetscCall(share(pr, local, 0, max_div));
      if (*max_div <= tol) PetscFunctionReturn(0);
      largest = *max_div;
    }
    PetscCall(balance(pr, velocity, tol, largest));
    if (round == 0) guess_sources(pr, dt_s, slot);
    if (round > 0 && pr->nrim > 0) memset(pr->q, 0, (size_t)pr->nrim * sizeof(WbReal));
    /* a little below the tolerance: the correction adds rounding */
    PetscCall(solve(pr, 0.6 * tol, max_iterations, iterations));
    keep_sources(pr, dt_s, slot, round);
    before = *max_div;
    local = WB_R(wb_project_correct)(pr, velocity[0], velocity[1], velocity[2]);
    PetscCall(share(pr, local, *iterations, max_div));
    if (*max_div <= tol) break;
    if (round + 1 == WB_PROJECT_ROUNDS || (round > 0 && *max_div > 0.9 * before))
      WB_RAISE_ALL(WB_ERR_NUMERIC,
                   "projection: max |div| %.3e s-1 after %d iterations (limit %d), tolerance %.3e s-1; loosen "
                   "les_tol_final or use double precision",
                   *max_div, *iterations, max_iterations, tol);
  }
  PetscFunctionReturn(0);
}
