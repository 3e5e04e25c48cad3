/* Vertical grid: uniform below, stretched above. */
#include "windbridge/les.h"

PetscErrorCode wb_les_z_faces(double dz_m, double z_uniform_m, double stretch, double dz_max_m, double top_m, int *nz,
                              double **zf) {
  int n = 0;
  double z = 0.0, dz = dz_m;
  PetscFunctionBeginUser;
  if (!(dz_m > 0.0 && top_m >= dz_m && stretch >= 1.0 && dz_max_m >= dz_m))
    WB_RAISE_ALL(WB_ERR_CONFIG,
                 "vertical grid: dz = %g m, top = %g m, stretching = %g, largest dz = %g m do not make a grid", dz_m,
                 top_m, stretch, dz_max_m);
  const int limit = (int)(top_m / dz_m) + 2; /* dz never shrinks */
  PetscCall(WB_ALLOC(limit + 1, zf));
  (*zf)[0] = 0.0;
  while (z < top_m * (1.0 - 1e-12)) {
    if (z > z_uniform_m * (1.0 - 1e-12)) dz = PetscMin(dz * stretch, dz_max_m);
    /* the last level absorbs a remainder of less than half a cell, so that no thin level appears at the top */
    if (top_m - (z + dz) < 0.5 * dz) dz = top_m - z;
    z += dz;
    (*zf)[++n] = z;
  }
  (*zf)[n] = top_m;
  *nz = n;
  PetscFunctionReturn(0);
}
