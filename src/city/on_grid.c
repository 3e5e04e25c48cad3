/* The city on the owned cells of a grid, and on the coarse cells that cover them. */
#include <math.h>

#include "windbridge/city.h"

PetscErrorCode wb_city_solid_cells(const WbCity *city, const WbGrid *g, const double *zf, uint8_t *solid) {
  PetscFunctionBeginUser;
  PetscCall(wb_city_voxelise(city, wb_grid_west(g), wb_grid_south(g), g->dx_m, g->nxl, g->nyl, g->nz, zf, solid));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_city_air_cells(const WbCity *city, const WbGrid *g, const double *zf, uint8_t *air) {
  PetscFunctionBeginUser;
  PetscCall(wb_city_solid_cells(city, g, zf, air));
  for (size_t q = 0; q < wb_grid_owned(g); q++) air[q] = !air[q];
  PetscFunctionReturn(0);
}

PetscErrorCode wb_city_cell_heights(const WbCity *city, const WbGrid *g, float *height) {
  PetscFunctionBeginUser;
  PetscCall(wb_city_cell_height(city, wb_grid_west(g), wb_grid_south(g), g->dx_m, g->nxl, g->nyl, height));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_city_wall_distances(const WbCity *city, const WbGrid *g, double cap_m, float *distance) {
  PetscFunctionBeginUser;
  PetscCall(
      wb_city_wall_distance(city, wb_grid_west(g), wb_grid_south(g), g->dx_m, g->nxl, g->nyl, g->nz, cap_m, distance));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_city_coarse_air(const WbCity *city, const WbGrid *g, const double *z, double coarse_m, double top_m,
                                  uint8_t *air) {
  const int r = (int)lround(coarse_m / g->dx_m), i0 = g->x0 / r, j0 = g->y0 / r;
  const int nx = (g->x0 + g->nxl + r - 1) / r - i0, ny = (g->y0 + g->nyl + r - 1) / r - j0;
  const int nz = (int)lround(top_m / coarse_m);
  double *zf = NULL;
  uint8_t *solid = NULL;
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(nz + 1, &zf));
  PetscCall(WB_ALLOC((size_t)nz * (size_t)ny * (size_t)nx, &solid));
  wb_grid_heights(nz, coarse_m, zf, NULL);
  const PetscErrorCode error =
      wb_city_voxelise(city, g->x_min_m + i0 * coarse_m, g->y_min_m + j0 * coarse_m, coarse_m, nx, ny, nz, zf, solid);
  for (int k = 0; k < g->nz && !error; k++) {
    const int above = (int)floor(z[k] / coarse_m), kc = above < nz ? above : nz - 1;
    for (int j = 0; j < g->nyl; j++)
      for (int i = 0; i < g->nxl; i++)
        air[wb_grid_at(g, k, j, i)] = !solid[((size_t)kc * (size_t)ny + (size_t)((g->y0 + j) / r - j0)) * (size_t)nx +
                                             (size_t)((g->x0 + i) / r - i0)];
  }
  WB_FREE(&zf);
  WB_FREE(&solid);
  PetscFunctionReturn(error);
}
