/* Reading of pair files: header, checks, fields; x0 is made here from the LR group by wb_lr_to_hr. */
#include "windbridge/data.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const names[WB_CHANNELS] = {"theta", "u", "v", "w"};

static PetscErrorCode need_real(WbNc nc, const char *path, const char *name, double *value) {
  bool has = false;
  PetscFunctionBeginUser;
  PetscCall(wb_nc_get_att_real(nc, "/", NULL, name, &has, value));
  if (!has || !isfinite(*value)) {
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: attribute %s is %s; a pair file made by 'windbridge pairs' has it", path, name,
                 has ? "not a number" : "missing");
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode need_int(WbNc nc, const char *path, const char *name, double min, double max, int *value) {
  double v = 0.0;
  PetscFunctionBeginUser;
  PetscCall(need_real(nc, path, name, &v));
  if (!(v >= min && v <= max)) {
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: attribute %s is %g; allowed are %g to %g", path, name, v, min, max);
  }
  *value = (int)v;
  PetscFunctionReturn(0);
}

/* Dimensions of group/name, which must have `rank` of them. */
static PetscErrorCode need_dims(WbNc nc, const char *path, const char *group, const char *name, int rank, int dims[8]) {
  bool has = false;
  int found = 0;
  PetscFunctionBeginUser;
  PetscCall(wb_nc_has(nc, group, name, &has));
  if (!has) WB_RAISE_ALL(WB_ERR_INPUT, "%s: no variable %s/%s; this is not a pair file", path, group, name);
  PetscCall(wb_nc_inq_dims(nc, group, name, &found, dims));
  if (found != rank) {
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: variable %s/%s has %d dimensions; it must have %d", path, group, name, found, rank);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode same_dims(WbNc nc, const char *path, const char *group, const char *name, int rank,
                                const int *want) {
  int dims[8];
  PetscFunctionBeginUser;
  PetscCall(need_dims(nc, path, group, name, rank, dims));
  for (int d = 0; d < rank; d++) {
    if (dims[d] != want[d]) {
      WB_RAISE_ALL(WB_ERR_INPUT, "%s: variable %s/%s has %d entries along dimension %d; the others have %d", path,
                   group, name, dims[d], d, want[d]);
    }
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode read_forcing(WbNc nc, const char *path, WbPairInfo *info) {
  bool has = false;
  double seed = 0.0;
  PetscFunctionBeginUser;
  PetscCall(wb_nc_get_att_text(nc, "/", NULL, "city", &has, info->city, (int)sizeof(info->city)));
  if (!has) snprintf(info->city, sizeof(info->city), "unknown");
  PetscCall(wb_nc_get_att_text(nc, "/", NULL, "split", &has, info->split, (int)sizeof(info->split)));
  if (!has || (strcmp(info->split, "train") != 0 && strcmp(info->split, "validation") != 0 &&
               strcmp(info->split, "test") != 0)) {
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: attribute split is '%s'; allowed are train, validation, test", path,
                 has ? info->split : "");
  }
  PetscCall(need_real(nc, path, "city_seed", &seed));
  if (!(seed >= -2147483648.0 && seed <= 4294967295.0)) { /* may come back as a signed 32-bit number */
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: attribute city_seed is %g; it must be a 32-bit number", path, seed);
  }
  info->city_seed = (uint32_t)(int64_t)seed;
  PetscCall(need_int(nc, path, "ratio", 1, 16, &info->ratio));
  PetscCall(need_real(nc, path, "wind_speed_m_per_s", &info->wind_speed_m_per_s));
  PetscCall(need_real(nc, path, "wind_direction_deg", &info->wind_direction_deg));
  PetscCall(need_real(nc, path, "heat_flux_K_m_per_s", &info->heat_flux));
  PetscCall(need_real(nc, path, "theta_surface_K", &info->theta_surface_K));
  PetscCall(need_real(nc, path, "lapse_K_per_m", &info->lapse_K_per_m));
  PetscCall(need_real(nc, path, "mixed_height_m", &info->mixed_height_m));
  PetscCall(need_real(nc, path, "x_min_m", &info->x_min_m));
  PetscCall(need_real(nc, path, "y_min_m", &info->y_min_m));
  PetscCall(need_real(nc, path, "dx_hr_m", &info->dx_hr_m));
  if (!(info->wind_speed_m_per_s > 0.0) || !(info->dx_hr_m > 0.0)) {
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: wind_speed_m_per_s is %g and dx_hr_m %g; both must be positive", path,
                 info->wind_speed_m_per_s, info->dx_hr_m);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode read_header(WbNc nc, const char *path, WbPairInfo *info) {
  int lr[8], hr[8];
  PetscFunctionBeginUser;
  memset(info, 0, sizeof(*info));
  snprintf(info->path, sizeof(info->path), "%s", path);
  PetscCall(need_dims(nc, path, "/lr", "theta", 4, lr));
  PetscCall(need_dims(nc, path, "/hr", "theta", 4, hr));
  PetscCall(read_forcing(nc, path, info));
  const int r = info->ratio;
  if (lr[0] < 1 || lr[0] != hr[0]) {
    WB_RAISE_ALL(WB_ERR_INPUT,
                 "%s: %d low-resolution and %d high-resolution minutes; both must be the same, at least 1", path, lr[0],
                 hr[0]);
  }
  if (hr[3] != r * lr[3] || hr[2] != r * lr[2] || hr[1] % r != 0 || lr[1] < hr[1] / r + 1) {
    WB_RAISE_ALL(
        WB_ERR_INPUT,
        "%s: %d x %d x %d fine cells (z, y, x) do not fit %d x %d x %d coarse cells at ratio %d (one coarse level "
        "above the layer is needed)",
        path, hr[1], hr[2], hr[3], lr[1], lr[2], lr[3], r);
  }
  for (int c = 1; c < WB_CHANNELS; c++) {
    PetscCall(same_dims(nc, path, "/lr", names[c], 4, lr));
    PetscCall(same_dims(nc, path, "/hr", names[c], 4, hr));
  }
  PetscCall(same_dims(nc, path, "/lr", "fluid_mask", 3, lr + 1));
  PetscCall(same_dims(nc, path, "/hr", "fluid_mask", 3, hr + 1));
  PetscCall(same_dims(nc, path, "/hr", "lr_valid_mask", 3, hr + 1));
  PetscCall(same_dims(nc, path, "/hr", "wall_distance", 3, hr + 1));
  PetscCall(same_dims(nc, path, "/hr", "heat_flux", 2, hr + 2));
  PetscCall(same_dims(nc, path, "/hr", "z", 1, hr + 1));
  info->n_time = hr[0], info->nz_hr = hr[1], info->ny_hr = hr[2], info->nx_hr = hr[3], info->nz_lr = lr[1];
  PetscFunctionReturn(0);
}

PetscErrorCode wb_pair_inspect(MPI_Comm comm, const char *path, WbPairInfo *info) {
  WbNc nc = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_nc_open(comm, path, &nc));
  const PetscErrorCode e = read_header(nc, path, info);
  PetscCall(wb_nc_close(&nc));
  PetscFunctionReturn(e);
}

/* One minute of the four variables: (nz, nyl, nxl, 4), 0 in solid; nz levels from the bottom. buffer (nz, nyl, nxl). */
static PetscErrorCode read_state(WbNc nc, const char *path, const char *group, int minute, const WbGrid *g,
                                 const uint8_t *fluid, float *buffer, float *out) {
  const int start[4] = {minute, 0, g->y0, g->x0}, count[4] = {1, g->nz, g->nyl, g->nxl};
  const size_t n = wb_grid_owned(g);
  PetscFunctionBeginUser;
  PetscErrorCode bad = 0; /* returned only after all collective reads */
  for (size_t c = 0; c < WB_CHANNELS; c++) {
    PetscCall(wb_nc_get(nc, group, names[c], start, count, WB_NC_FLOAT, buffer));
    for (size_t p = 0; p < n; p++) {
      if (fluid[p] && !isfinite(buffer[p]) && !bad) {
        bad = wb_error_raise(WB_ERR_INPUT, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__,
                             "%s: %s/%s of minute %d is %g in a fluid cell; it must be finite", path, group, names[c],
                             minute, (double)buffer[p]);
      }
      out[p * WB_CHANNELS + c] = fluid[p] ? buffer[p] : 0.0f;
    }
  }
  PetscFunctionReturn(bad);
}

static PetscErrorCode read_mask(WbNc nc, const char *group, const char *name, const WbGrid *g, uint8_t *mask) {
  const int start[3] = {0, g->y0, g->x0}, count[3] = {g->nz, g->nyl, g->nxl};
  const size_t n = wb_grid_owned(g);
  PetscFunctionBeginUser;
  PetscCall(wb_nc_get(nc, group, name, start, count, WB_NC_INT8, mask));
  for (size_t p = 0; p < n; p++) mask[p] = mask[p] == 1;
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

static PetscErrorCode read_geometry(WbNc nc, WbPairRun *run) {
  const WbGrid *hr = run->hr_grid;
  const size_t n = wb_grid_owned(hr), plane = (size_t)hr->nyl * (size_t)hr->nxl;
  const int start[3] = {0, hr->y0, hr->x0}, count[3] = {hr->nz, hr->nyl, hr->nxl};
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(hr->nz, &run->z));
  PetscCall(WB_CALLOC(n, &run->fluid));
  PetscCall(WB_CALLOC(n, &run->lr_valid));
  PetscCall(WB_CALLOC(wb_grid_owned(run->lr_grid), &run->lr_fluid));
  PetscCall(WB_CALLOC(n, &run->wall_distance));
  PetscCall(WB_CALLOC(plane, &run->heat_flux));
  PetscCall(wb_nc_get(nc, "/hr", "z", start, count, WB_NC_DOUBLE, run->z));
  PetscCall(read_mask(nc, "/hr", "fluid_mask", hr, run->fluid));
  PetscCall(read_mask(nc, "/hr", "lr_valid_mask", hr, run->lr_valid));
  PetscCall(read_mask(nc, "/lr", "fluid_mask", run->lr_grid, run->lr_fluid));
  PetscCall(wb_nc_get(nc, "/hr", "wall_distance", start, count, WB_NC_FLOAT, run->wall_distance));
  PetscCall(wb_nc_get(nc, "/hr", "heat_flux", start + 1, count + 1, WB_NC_FLOAT, run->heat_flux));
  for (size_t p = 0; p < n; p++) { /* only fluid cells count */
    if (!run->fluid[p]) run->wall_distance[p] = 0.0f;
  }
  for (size_t p = 0; p < plane; p++) {
    if (!isfinite(run->heat_flux[p])) run->heat_flux[p] = 0.0f;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode read_minutes(WbNc nc, WbPairRun *run) {
  const size_t n = wb_grid_owned(run->hr_grid);
  float *buffer = NULL, *lr = NULL;
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(n, &buffer)); /* more than the coarse grid needs, too, except for ratio 1 */
  if (wb_grid_owned(run->lr_grid) > n) {
    WB_FREE(&buffer);
    PetscCall(WB_ALLOC(wb_grid_owned(run->lr_grid), &buffer));
  }
  PetscCall(WB_ALLOC(wb_grid_owned(run->lr_grid) * WB_CHANNELS, &lr));
  PetscCall(WB_CALLOC(run->n_time, &run->x0));
  PetscCall(WB_CALLOC(run->n_time, &run->x1));
  PetscErrorCode e = 0;
  for (int m = 0; m < run->n_time && !e; m++) {
    PetscCall(WB_ALLOC(n * WB_CHANNELS, &run->x0[m]));
    PetscCall(WB_ALLOC(n * WB_CHANNELS, &run->x1[m]));
    e = wb_error_agree(run->hr_grid->comm,
                       read_state(nc, run->info.path, "/hr", m, run->hr_grid, run->fluid, buffer, run->x1[m]));
    if (e) break;
    e = wb_error_agree(run->hr_grid->comm,
                       read_state(nc, run->info.path, "/lr", m, run->lr_grid, run->lr_fluid, buffer, lr));
    if (e) break;
    e = wb_lr_to_hr(run->lr_grid, run->hr_grid, lr, run->lr_fluid, run->x0[m]);
    for (size_t p = 0; p < n * WB_CHANNELS; p++) {
      if (!run->fluid[p / WB_CHANNELS]) run->x0[m][p] = 0.0f;
    }
  }
  WB_FREE(&buffer);
  WB_FREE(&lr);
  PetscFunctionReturn(e);
}

PetscErrorCode wb_pair_read(MPI_Comm comm, const char *path, WbPairRun **run) {
  WbNc nc = NULL;
  WbPairRun *r = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_nc_open(comm, path, &nc));
  PetscCall(WB_CALLOC(1, &r));
  PetscErrorCode e = read_header(nc, path, &r->info);
  if (!e) {
    r->n_time = r->info.n_time;
    e = make_grids(comm, r);
  }
  if (!e) e = read_geometry(nc, r);
  if (!e) e = read_minutes(nc, r);
  PetscCall(wb_nc_close(&nc));
  if (e) wb_pair_destroy(&r);
  *run = r;
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
