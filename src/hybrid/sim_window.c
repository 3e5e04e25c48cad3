/* The forecast window inside a run's domain: its grid, masks, and the run's means on it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim_internal.h"

/* lr_valid where the coarse cells know finer buildings: which of the cells that cover the owned box are air. */
static PetscErrorCode coarse_air(WbSim sim, WbSimWindow *w) {
  PetscFunctionBeginUser;
  const WbGrid *g = w->grid;
  const double dx = sim->opt.dx_m;
  const int r = (int)lround(dx / g->dx_m), i0 = g->x0 / r, j0 = g->y0 / r;
  const int nx = (g->x0 + g->nxl + r - 1) / r - i0, ny = (g->y0 + g->nyl + r - 1) / r - j0;
  const int nz = (int)lround(sim->top_m / dx);
  double *zf = NULL;
  uint8_t *solid = NULL;
  PetscCall(WB_ALLOC(nz + 1, &zf));
  PetscCall(WB_ALLOC((size_t)nz * (size_t)ny * (size_t)nx, &solid));
  wb_grid_heights(nz, dx, zf, NULL);
  const PetscErrorCode ierr = wb_sim_buildings(sim, dx, (double[2]){g->x_min_m + i0 * dx, g->y_min_m + j0 * dx},
                                               (int[3]){nz, ny, nx}, zf, 0, solid, NULL, NULL);
  for (int k = 0; k < g->nz && !ierr; k++) {
    const int kl = PetscMin((int)floor(w->z[k] / dx), nz - 1);
    for (int j = 0; j < g->nyl; j++)
      for (int i = 0; i < g->nxl; i++)
        w->lr_valid[((size_t)k * (size_t)g->nyl + (size_t)j) * (size_t)g->nxl + (size_t)i] =
            !solid[((size_t)kl * (size_t)ny + (size_t)((g->y0 + j) / r - j0)) * (size_t)nx +
                   (size_t)((g->x0 + i) / r - i0)];
  }
  WB_FREE(&zf);
  WB_FREE(&solid);
  PetscFunctionReturn(ierr);
}

static PetscErrorCode window_masks(WbSim sim, WbSimWindow *w) {
  PetscFunctionBeginUser;
  const WbGrid *g = w->grid;
  const size_t plane = (size_t)g->nyl * (size_t)g->nxl, n = wb_grid_owned(g);
  PetscCall(WB_ALLOC(n, &w->fluid));
  PetscCall(WB_ALLOC(n, &w->lr_valid));
  if (wb_sim_porous(sim, g->dx_m)) PetscCall(WB_ALLOC(n, &w->fluid_fraction));
  PetscCall(WB_ALLOC(plane, &w->building_height));
  PetscCall(WB_ALLOC(plane, &w->heat_flux));
  PetscCall(wb_sim_buildings(sim, g->dx_m, (double[2]){wb_grid_west(g), wb_grid_south(g)},
                             (int[3]){g->nz, g->nyl, g->nxl}, w->zf, 0, w->fluid, w->fluid_fraction, NULL));
  for (size_t q = 0; q < n; q++) w->fluid[q] = !w->fluid[q];
  PetscCall(wb_city_cell_heights(sim->city, g, w->building_height));
  for (size_t q = 0; q < plane; q++) w->heat_flux[q] = (float)sim->opt.les.heat_flux_K_m_per_s;
  if (wb_sim_porous(sim, sim->opt.dx_m))
    PetscCall(coarse_air(sim, w));
  else
    PetscCall(wb_city_coarse_air(sim->city, g, w->z, sim->opt.dx_m, sim->top_m, w->lr_valid));
  PetscFunctionReturn(0);
}

static PetscErrorCode window_create(WbSim sim, WbSimRun *run, int nz, int align, WbSimWindow *w) {
  PetscFunctionBeginUser;
  const double dx = run->dx_m;
  const int nx = (int)lround(sim->city->win_size_x_m / dx), ny = (int)lround(sim->city->win_size_y_m / dx);
  const int offset = (int)lround(sim->opt.margin_m / dx);
  if (nz <= 0) nz = run->grid->nz;
  if (nz > run->grid->nz)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%d levels of %g m are asked for, run '%s' has %d", nz, dx, run->name, run->grid->nz);
  w->run = run;
  const WbGridShape shape = {.nx = nx,
                             .ny = ny,
                             .nz = nz,
                             .dx_m = dx,
                             .x_min_m = sim->city->win_x_min_m,
                             .y_min_m = sim->city->win_y_min_m,
                             .align = align};
  PetscCall(wb_grid_make(sim->comm, &shape, &w->grid));
  PetscCall(WB_ALLOC(nz + 1, &w->zf));
  PetscCall(WB_ALLOC(nz, &w->z));
  for (int k = 0; k <= nz; k++) w->zf[k] = run->zf[k];
  for (int k = 0; k < nz; k++) w->z[k] = 0.5 * (w->zf[k] + w->zf[k + 1]);
  PetscCall(wb_error_agree(sim->comm, window_masks(sim, w)));
  PetscCall(wb_remap_create(run->grid, w->grid, 0, offset, offset, WB_CHANNELS, &w->remap));
  for (int c = 0; c < WB_CHANNELS; c++) PetscCall(WB_ALLOC(wb_grid_owned(run->grid), &w->domain[c]));
  PetscCall(WB_ALLOC(WB_CHANNELS * wb_grid_owned(run->grid), &w->packed));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_sim_window_create(WbSim sim, WbSimRun *run, int nz, int align, WbSimWindow **window) {
  PetscFunctionBeginUser;
  *window = NULL;
  WbSimWindow *w = NULL;
  PetscCall(WB_CALLOC(1, &w));
  const PetscErrorCode ierr = window_create(sim, run, nz, align, w);
  if (ierr)
    wb_sim_window_destroy(&w);
  else
    *window = w;
  PetscFunctionReturn(ierr);
}

void wb_sim_window_destroy(WbSimWindow **window) {
  WbSimWindow *w = *window;
  if (!w) return;
  wb_remap_destroy(&w->remap);
  wb_remap_destroy(&w->remap_one);
  wb_grid_destroy(&w->grid);
  WB_FREE(&w->zf);
  WB_FREE(&w->z);
  WB_FREE(&w->fluid);
  WB_FREE(&w->lr_valid);
  WB_FREE(&w->fluid_fraction);
  WB_FREE(&w->building_height);
  WB_FREE(&w->heat_flux);
  for (int c = 0; c < WB_CHANNELS; c++) WB_FREE(&w->domain[c]);
  WB_FREE(&w->packed);
  WB_FREE(window);
}

PetscErrorCode wb_sim_window_take(WbSimWindow *w, const float *domain, float *out) {
  PetscFunctionBeginUser;
  if (!w->remap_one) {
    const WbGrid *from = w->run->grid;
    const int i = (int)lround((w->grid->x_min_m - from->x_min_m) / from->dx_m),
              j = (int)lround((w->grid->y_min_m - from->y_min_m) / from->dx_m);
    PetscCall(wb_remap_create(from, w->grid, 0, j, i, 1, &w->remap_one));
  }
  PetscCall(wb_remap_apply(w->remap_one, domain, out));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_sim_window_mean(WbSimWindow *w, float *mean) {
  PetscFunctionBeginUser;
  const size_t n = wb_grid_owned(w->run->grid);
  PetscCall(wb_les_mean(w->run->les, w->domain[0], w->domain[1], w->domain[2], w->domain[3]));
  for (size_t q = 0; q < n; q++)
    for (size_t c = 0; c < WB_CHANNELS; c++) w->packed[WB_CHANNELS * q + c] = w->domain[c][q];
  PetscCall(wb_remap_apply(w->remap, w->packed, mean));
  PetscFunctionReturn(0);
}
