/* Buildings as the runs of a simulation see them: whole cells, or columns finer than the cells. */
#include <math.h>
#include <string.h>

#include "sim_internal.h"

bool wb_sim_porous(const WbSim sim, double dx_m) {
  return sim->opt.porous && dx_m > sim->opt.geometry_dx_m * (1 + 1e-9);
}

void wb_sim_voxels(const WbSim sim, double dx_m, const int32_t *roof, WbLesVoxels *voxels) {
  *voxels = (WbLesVoxels){
      .ratio = (int)lround(dx_m / sim->opt.geometry_dx_m), .roof = roof, .solid_from = sim->opt.solid_from};
}

/* No buildings in the outermost rim: planes imposed right at a wall squeeze the flow into jets that are no weather.
 * mask (nz, ny, nx) of a box whose south-west corner is at_m. */
static void clear_rim(const WbSim sim, double dx, const double at_m[2], const int n[3], double rim_m, uint8_t *mask) {
  const int rim = (int)lround(rim_m / dx), x0 = (int)lround((at_m[0] - sim->x_min_m) / dx),
            y0 = (int)lround((at_m[1] - sim->y_min_m) / dx);
  int nx, ny;
  wb_sim_cells(sim, dx, &nx, &ny);
  for (int k = 0; k < n[0]; k++)
    for (int j = 0; j < n[1]; j++)
      for (int i = 0; i < n[2]; i++)
        if (x0 + i < rim || y0 + j < rim || x0 + i >= nx - rim || y0 + j >= ny - rim)
          mask[((size_t)k * (size_t)n[1] + (size_t)j) * (size_t)n[2] + (size_t)i] = 0;
}

static PetscErrorCode whole_cells(const WbSim sim, double dx, const double at_m[2], const int n[3], const double *zf,
                                  double rim_m, uint8_t *solid) {
  PetscFunctionBeginUser;
  PetscCall(wb_city_voxelise(sim->city, at_m[0], at_m[1], dx, n[2], n[1], n[0], zf, solid));
  clear_rim(sim, dx, at_m, n, rim_m, solid);
  PetscFunctionReturn(0);
}

/* Sub-voxels, counted in columns from the ground up. */
static PetscErrorCode fine_roofs(const WbSim sim, int ratio, double dx, const double at_m[2], const int n[3],
                                 const double *zf, double rim_m, int32_t *roof) {
  const int m[3] = {n[0] * ratio, n[1] * ratio, n[2] * ratio};
  const size_t plane = (size_t)m[1] * (size_t)m[2];
  double *faces = NULL;
  uint8_t *voxels = NULL;
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(m[0] + 1, &faces));
  PetscCall(WB_ALLOC((size_t)m[0] * plane, &voxels));
  for (int k = 0; k < m[0]; k++) faces[k] = zf[k / ratio] + (zf[k / ratio + 1] - zf[k / ratio]) * (k % ratio) / ratio;
  faces[m[0]] = zf[n[0]];
  const PetscErrorCode failed = whole_cells(sim, dx / ratio, at_m, m, faces, rim_m, voxels);
  memset(roof, 0, plane * sizeof *roof);
  for (size_t q = 0; q < (size_t)m[0] * plane && !failed; q++) roof[q % plane] += voxels[q];
  WB_FREE(&faces);
  WB_FREE(&voxels);
  PetscFunctionReturn(failed);
}

PetscErrorCode wb_sim_buildings(const WbSim sim, double dx_m, const double at_m[2], const int n[3], const double *zf,
                                double rim_m, uint8_t *solid, float *share, int32_t **roof) {
  WbLesVoxels voxels;
  int32_t *columns = NULL;
  PetscFunctionBeginUser;
  if (roof) *roof = NULL;
  if (!wb_sim_porous(sim, dx_m)) {
    PetscCall(whole_cells(sim, dx_m, at_m, n, zf, rim_m, solid));
    for (size_t q = 0; share && q < (size_t)n[0] * (size_t)n[1] * (size_t)n[2]; q++) share[q] = solid[q] ? 0 : 1;
    PetscFunctionReturn(0);
  }
  wb_sim_voxels(sim, dx_m, NULL, &voxels);
  PetscCall(WB_ALLOC((size_t)n[1] * (size_t)n[2] * (size_t)voxels.ratio * (size_t)voxels.ratio, &columns));
  PetscErrorCode failed = fine_roofs(sim, voxels.ratio, dx_m, at_m, n, zf, rim_m, columns);
  voxels.roof = columns;
  if (!failed) failed = wb_les_voxels_solid(n[0], n[1], n[2], &voxels, solid, share);
  if (roof && !failed)
    *roof = columns;
  else
    WB_FREE(&columns);
  PetscFunctionReturn(failed);
}
