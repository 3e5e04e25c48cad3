/* Reading of pair files: fields; x0 is made here from the LR group by wb_lr_to_hr. */
#include "pair_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

PetscErrorCode wb_pair_inspect(MPI_Comm comm, const char *path, WbPairInfo *info) {
  WbPairFile f;
  PetscFunctionBeginUser;
  const PetscErrorCode e = wb_pair_file_open(comm, path, &f, info);
  PetscCall(wb_pair_file_close(&f));
  PetscFunctionReturn(e);
}

/* One minute of the four variables: (nz, nyl, nxl, 4), 0 in solid; nz levels from the bottom. buffer (nz, nyl, nxl). */
static PetscErrorCode read_state(const WbArray *array, int minute, const WbGrid *g, const uint8_t *fluid, float *buffer,
                                 float *out) {
  const int start[4] = {minute, 0, g->y0, g->x0}, count[4] = {1, g->nz, g->nyl, g->nxl};
  const size_t n = wb_grid_owned(g);
  PetscFunctionBeginUser;
  for (size_t c = 0; c < WB_CHANNELS; c++) {
    PetscCall(wb_array_read(array[c], start, count, buffer));
    PetscCall(wb_array_check(array[c], start, count, buffer, fluid));
    for (size_t p = 0; p < n && out; p++) out[p * WB_CHANNELS + c] = fluid[p] ? buffer[p] : 0.0f;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode make_grids(MPI_Comm comm, WbPairRun *run) {
  const WbPairInfo *info = &run->info;
  const int r = info->ratio;
  PetscFunctionBeginUser;
  const WbGridShape shape = {.nx = info->nx_hr / r,
                             .ny = info->ny_hr / r,
                             .nz = info->nz_hr / r + 1,
                             .dx_m = info->dx_hr_m * r,
                             .x_min_m = info->x_min_m,
                             .y_min_m = info->y_min_m};
  PetscCall(wb_grid_make(comm, &shape, &run->lr_grid));
  PetscCall(wb_grid_refine(run->lr_grid, r, info->nz_hr, &run->hr_grid));
  PetscFunctionReturn(0);
}

static PetscErrorCode read_geometry(const WbPairFile *f, WbPairRun *run) {
  const WbGrid *hr = run->hr_grid, *lr = run->lr_grid;
  const size_t n = wb_grid_owned(hr), plane = (size_t)hr->nyl * (size_t)hr->nxl;
  const int start[4] = {0, 0, hr->y0, hr->x0}, count[4] = {1, hr->nz, hr->nyl, hr->nxl};
  const int lr_start[4] = {0, 0, lr->y0, lr->x0}, lr_count[4] = {1, lr->nz, lr->nyl, lr->nxl};
  const int flat[4] = {1, 1, hr->nyl, hr->nxl};
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(hr->nz, &run->z));
  PetscCall(WB_CALLOC(n, &run->fluid));
  PetscCall(WB_CALLOC(n, &run->lr_valid));
  PetscCall(WB_CALLOC(wb_grid_owned(run->lr_grid), &run->lr_fluid));
  PetscCall(WB_CALLOC(n, &run->wall_distance));
  PetscCall(WB_CALLOC(plane, &run->heat_flux));
  memcpy(run->z, wb_array_axis(f->hr[0], WB_AXIS_Z)->at, (size_t)hr->nz * sizeof *run->z);
  PetscCall(wb_array_read_mask(f->hr[WB_PAIR_MASK], start, count, run->fluid));
  PetscCall(wb_array_read_mask(f->hr[WB_PAIR_VALID], start, count, run->lr_valid));
  PetscCall(wb_array_read_mask(f->lr[WB_PAIR_MASK], lr_start, lr_count, run->lr_fluid));
  PetscCall(wb_array_read(f->hr[WB_PAIR_WALL], start, count, run->wall_distance));
  PetscCall(wb_array_check(f->hr[WB_PAIR_WALL], start, count, run->wall_distance, run->fluid));
  PetscCall(wb_array_read(f->hr[WB_PAIR_FLUX], start, flat, run->heat_flux));
  for (size_t p = 0; p < n; p++) { /* only fluid cells count */
    if (!run->fluid[p]) run->wall_distance[p] = 0.0f;
  }
  for (size_t p = 0; p < plane; p++) {
    if (!isfinite(run->heat_flux[p])) run->heat_flux[p] = 0.0f;
  }
  PetscCall(wb_array_check(f->hr[WB_PAIR_FLUX], start, flat, run->heat_flux, NULL));
  PetscFunctionReturn(0);
}

/* Room for one variable of either half. */
static PetscErrorCode make_buffer(const WbPairRun *run, float **buffer) {
  const size_t n = wb_grid_owned(run->hr_grid), nl = wb_grid_owned(run->lr_grid);
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(n > nl ? n : nl, buffer));
  PetscFunctionReturn(0);
}

static PetscErrorCode read_minute(const WbPairFile *f, WbPairRun *run, int m, float *buffer, float *lr) {
  const size_t n = wb_grid_owned(run->hr_grid);
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(n * WB_CHANNELS, &run->x0[m]));
  PetscCall(WB_ALLOC(n * WB_CHANNELS, &run->x1[m]));
  PetscCall(read_state(f->hr, m, run->hr_grid, run->fluid, buffer, run->x1[m]));
  PetscCall(read_state(f->lr, m, run->lr_grid, run->lr_fluid, buffer, lr));
  PetscCall(wb_lr_to_hr(run->lr_grid, run->hr_grid, lr, run->lr_fluid, run->x0[m]));
  for (size_t p = 0; p < n * WB_CHANNELS; p++) {
    if (!run->fluid[p / WB_CHANNELS]) run->x0[m][p] = 0.0f;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode say(const WbPairFile *f) {
  WbArray all[2 * WB_CHANNELS];
  PetscFunctionBeginUser;
  for (int c = 0; c < WB_CHANNELS; c++) all[c] = f->hr[c], all[WB_CHANNELS + c] = f->lr[c];
  PetscCall(wb_arrays_say(2 * WB_CHANNELS, all));
  PetscFunctionReturn(0);
}

static PetscErrorCode read_minutes(const WbPairFile *f, WbPairRun *run) {
  float *buffer = NULL, *lr = NULL;
  PetscFunctionBeginUser;
  PetscCall(make_buffer(run, &buffer));
  PetscCall(WB_ALLOC(wb_grid_owned(run->lr_grid) * WB_CHANNELS, &lr));
  PetscCall(WB_CALLOC(run->n_time, &run->x0));
  PetscCall(WB_CALLOC(run->n_time, &run->x1));
  PetscErrorCode e = 0;
  for (int m = 0; m < run->n_time && !e; m++) e = read_minute(f, run, m, buffer, lr);
  WB_FREE(&buffer);
  WB_FREE(&lr);
  PetscFunctionReturn(e);
}

/* Values alone, one minute after the other. */
static PetscErrorCode scan_minutes(const WbPairFile *f, const WbPairRun *run) {
  float *buffer = NULL;
  PetscFunctionBeginUser;
  PetscCall(make_buffer(run, &buffer));
  PetscErrorCode e = 0;
  for (int m = 0; m < run->n_time && !e; m++) {
    e = read_state(f->hr, m, run->hr_grid, run->fluid, buffer, NULL);
    if (!e) e = read_state(f->lr, m, run->lr_grid, run->lr_fluid, buffer, NULL);
  }
  WB_FREE(&buffer);
  PetscFunctionReturn(e);
}

static PetscErrorCode open_run(MPI_Comm comm, const char *path, WbPairFile *f, WbPairRun *r) {
  PetscFunctionBeginUser;
  PetscCall(wb_pair_file_open(comm, path, f, &r->info));
  r->n_time = r->info.n_time;
  PetscCall(make_grids(comm, r));
  PetscCall(read_geometry(f, r));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_pair_read(MPI_Comm comm, const char *path, WbPairRun **run) {
  WbPairFile f = {0};
  WbPairRun *r = NULL;
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(1, &r));
  PetscErrorCode e = open_run(comm, path, &f, r);
  if (!e) e = read_minutes(&f, r);
  if (!e) e = say(&f);
  PetscCall(wb_pair_file_close(&f));
  if (e) wb_pair_destroy(&r);
  *run = r;
  PetscFunctionReturn(e);
}

PetscErrorCode wb_pair_check(MPI_Comm comm, const char *path) {
  WbPairFile f = {0};
  WbPairRun *r = NULL;
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(1, &r));
  PetscErrorCode e = open_run(comm, path, &f, r);
  if (!e) e = scan_minutes(&f, r);
  if (!e) e = say(&f);
  PetscCall(wb_pair_file_close(&f));
  wb_pair_destroy(&r);
  PetscFunctionReturn(e);
}

void wb_pair_destroy(WbPairRun **run) {
  WbPairRun *r = run ? *run : NULL;
  if (!r) return;
  for (int m = 0; m < r->n_time; m++) {
    if (r->x0) WB_FREE(&r->x0[m]);
    if (r->x1) WB_FREE(&r->x1[m]);
  }
  WB_FREE(&r->x0);
  WB_FREE(&r->x1);
  WB_FREE(&r->z);
  WB_FREE(&r->fluid);
  WB_FREE(&r->lr_valid);
  WB_FREE(&r->lr_fluid);
  WB_FREE(&r->wall_distance);
  WB_FREE(&r->heat_flux);
  wb_grid_destroy(&r->lr_grid);
  wb_grid_destroy(&r->hr_grid);
  WB_FREE(run);
}
