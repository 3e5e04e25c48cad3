/* What a forecast's parts will take, before they are made. */
#include <math.h>
#include <string.h>

#include "windbridge/hybrid.h"
#include "windbridge/projection.h"

enum { STATE_FIELDS = 3 /* of 4 channels, which any sampler asks for at most */ };

/* Fields of WbSr at n cells of 5 m: masks, distances, x0 twice, static inputs, states. */
static double sr_field_bytes(const WbGrid *hr, const WbSrOptions *o) {
  const double n = (double)wb_grid_owned(hr), f = sizeof(float), c = WB_CHANNELS;
  const double cell = 2 + f * (1 + 3 * c + WB_STATIC_CHANNELS + STATE_FIELDS * c);
  return n * cell + (o->projection ? wb_solenoidal_memory_bytes(hr) : 0);
}

static PetscErrorCode plan_net(const WbGrid *hr, const WbSrOptions *o, WbSrMemory *m) {
  WbModel model = NULL;
  WbModelMeta *meta = NULL;
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(1, &meta));
  PetscErrorCode e = wb_model_read(hr->comm, o->model_path, &model, meta);
  if (!e) m->model = 2.0 * sizeof(float) * (double)wb_model_size(model);
  const WbNoiseBox box = {.start = {hr->x0, hr->y0, 0}, .size = {hr->nxl, hr->nyl, hr->nz}};
  if (!e) m->fields += wb_noise_field_bytes(&box);
  if (!e) e = wb_slabs_plan(model, hr, o->backend, o->slabs > 0 ? o->slabs : 1, &m->net);
  wb_model_destroy(&model);
  WB_FREE(&meta);
  PetscFunctionReturn(e);
}

PetscErrorCode wb_sr_plan(const WbGrid *lr_grid, const WbSrOptions *o, WbSrMemory *m) {
  WbGrid *hr = NULL;
  PetscFunctionBeginUser;
  memset(m, 0, sizeof *m);
  PetscCall(wb_grid_refine(lr_grid, (int)lround(lr_grid->dx_m / o->dx_m), (int)lround(o->top_m / o->dx_m), &hr));
  m->fields = sr_field_bytes(hr, o);
  const PetscErrorCode e = o->model_path ? plan_net(hr, o, m) : 0;
  wb_grid_destroy(&hr);
  PetscFunctionReturn(e);
}

/* A run's grid as sim_run.c makes it, for its size. */
static PetscErrorCode run_grid(MPI_Comm comm, const WbCity *city, const WbSimOptions *o, double dx, WbGrid **grid) {
  const int nx = (int)lround((city->win_size_x_m + 2 * o->margin_m) / dx);
  const int ny = (int)lround((city->win_size_y_m + 2 * o->margin_m) / dx);
  int nz = 0;
  double *zf = NULL;
  PetscFunctionBeginUser;
  if (dx == o->dx_m)
    PetscCall(wb_les_z_faces(dx, o->top_m, 1.0, dx, o->top_m, &nz, &zf));
  else
    PetscCall(wb_les_z_faces(dx, fmin(o->hr_uniform_top_m, o->top_m), o->hr_stretch, fmax(o->hr_dz_max_m, dx), o->top_m,
                             &nz, &zf));
  WB_FREE(&zf);
  const WbGridShape shape = {.nx = nx, .ny = ny, .nz = nz, .dx_m = dx, .align = (int)lround(o->dx_m / dx)};
  PetscCall(wb_grid_make(comm, &shape, grid));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_sim_plan(MPI_Comm comm, const WbCity *city, const WbSimOptions *o, double dx_m, WbSimMemory *m) {
  WbGrid *grid = NULL;
  PetscFunctionBeginUser;
  memset(m, 0, sizeof *m);
  PetscCall(run_grid(comm, city, o, o->dx_m, &grid));
  m->coarse = wb_les_memory_bytes(grid, &o->les, true) + (double)wb_grid_owned(grid);
  m->cells = (double)wb_grid_owned(grid);
  m->precursor = wb_les_memory_bytes(grid, &o->les, false);
  m->inflow = wb_inflow_memory_bytes(grid, o->inflow != WB_INFLOW_PRECURSOR, o->inflow_length_m);
  m->checkpoint = wb_les_checkpoint_bytes(grid, &o->les);
  wb_grid_destroy(&grid);
  if (dx_m < o->dx_m) {
    PetscCall(run_grid(comm, city, o, dx_m, &grid));
    m->fine = wb_les_memory_bytes(grid, &o->les, true) + (double)wb_grid_owned(grid);
    m->cells = (double)wb_grid_owned(grid);
    m->checkpoint += wb_les_checkpoint_bytes(grid, &o->les);
    wb_grid_destroy(&grid);
  }
  PetscFunctionReturn(0);
}
