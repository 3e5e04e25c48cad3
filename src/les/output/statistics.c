/* Means, instantaneous fields and resolved turbulence of a run. */
#include <string.h>

#include "les_data.h"

PetscErrorCode wb_les_mean_reset(WbLes les) {
  PetscFunctionBeginUser;
  const size_t bytes = wb_grid_owned(les->grid) * les->ops->real_bytes;
  for (int f = 0; f < les->nf; f++) memset(les->sum[f], 0, bytes);
  for (int f = 0; f < WB_NFIELDS; f++)
    if (les->sum_sq[f]) memset(les->sum_sq[f], 0, bytes);
  les->sum_weight = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode need_weight(WbLes les) {
  PetscFunctionBeginUser;
  if (!(les->sum_weight > 0))
    WB_RAISE_ALL(PETSC_ERR_ORDER, "LES means asked for before any step since the last reset (t = %g s)", les->time_s);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_mean(WbLes les, float *theta, float *u, float *v, float *w) {
  PetscFunctionBeginUser;
  PetscCall(need_weight(les));
  float *const out[WB_NFIELDS] = {u, v, w, theta};
  for (int f = 0; f < WB_NFIELDS; f++)
    if (out[f]) WB_LES_CALL(les, wb_les_mean_field, f, out[f]);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_check_scalar(WbLes les, int scalar) {
  PetscFunctionBeginUser;
  if (scalar < 0 || WB_NFIELDS + scalar >= les->nf)
    WB_RAISE_ALL(PETSC_ERR_ARG_OUTOFRANGE, "LES: scalar %d is asked for, the run has %d", scalar, les->nf - WB_NFIELDS);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_mean_scalar(WbLes les, int scalar, float *out) {
  PetscFunctionBeginUser;
  PetscCall(wb_les_check_scalar(les, scalar));
  PetscCall(need_weight(les));
  WB_LES_CALL(les, wb_les_mean_field, WB_NFIELDS + scalar, out);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_instant_scalar(WbLes les, int scalar, float *out) {
  PetscFunctionBeginUser;
  PetscCall(wb_les_check_scalar(les, scalar));
  WB_LES_CALL(les, wb_les_scalar, WB_NFIELDS + scalar, out);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_variance(WbLes les, float *theta, float *u, float *v, float *w) {
  PetscFunctionBeginUser;
  PetscCall(need_weight(les));
  float *const out[WB_NFIELDS] = {u, v, w, theta};
  if (theta && !les->sum_sq[WB_THETA])
    WB_RAISE_ALL(PETSC_ERR_ORDER, "LES: the variance of theta is asked for without the option theta_variance");
  for (int f = 0; f < WB_NFIELDS; f++)
    if (out[f]) WB_LES_CALL(les, wb_les_variance_field, f, out[f]);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_instant(WbLes les, float *theta, float *u, float *v, float *w) {
  PetscFunctionBeginUser;
  les->ops->centres(les, les->state, theta, u, v, w);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_resolved_tke(WbLes les, double *tke) {
  PetscFunctionBeginUser;
  PetscCall(need_weight(les));
  const int nz = les->lay.nz;
  double *sums = NULL;
  PetscCall(WB_CALLOC(2 * nz, &sums));
  WB_LES_CALL(les, wb_les_tke_levels, sums, sums + nz);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2 * nz, MPI_DOUBLE, MPI_SUM, les->grid->comm));
  for (int k = 0; k < nz; k++) tke[k] = sums[nz + k] > 0 ? sums[k] / sums[nz + k] : 0;
  WB_FREE(&sums);
  PetscFunctionReturn(0);
}
