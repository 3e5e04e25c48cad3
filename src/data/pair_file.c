/* Opening of pair files: attributes, arrays, and whether the two halves are the same window, levels and minutes. */
#include "pair_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

/* A number that must lie within the range of a quantity. */
static PetscErrorCode need_within(WbNc nc, const char *path, const char *name, double least, double most,
                                  double *value) {
  PetscFunctionBeginUser;
  PetscCall(need_real(nc, path, name, value));
  if (!(*value >= least && *value <= most))
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: attribute %s is %g; allowed are %g to %g", path, name, *value, least, most);
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
  PetscCall(need_within(nc, path, "wind_speed_m_per_s", 0, wb_quantity("u")->most, &info->wind_speed_m_per_s));
  PetscCall(need_real(nc, path, "wind_direction_deg", &info->wind_direction_deg));
  const WbQuantity *flux = wb_quantity("heat_flux"), *theta = wb_quantity("theta");
  PetscCall(need_within(nc, path, "heat_flux_K_m_per_s", flux->least, flux->most, &info->heat_flux));
  PetscCall(need_within(nc, path, "theta_surface_K", theta->least, theta->most, &info->theta_surface_K));
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

static PetscErrorCode open_half(WbPairFile *f, const char *group, int n, WbArray *array) {
  static const char *const names[WB_PAIR_HR] = {"theta",         "u",        "v", "w", "fluid_mask", "lr_valid_mask",
                                                "wall_distance", "heat_flux"};
  PetscFunctionBeginUser;
  for (int i = 0; i < n; i++) {
    bool has = false;
    PetscCall(wb_nc_has(f->nc, group, names[i], &has));
    if (!has) WB_RAISE_ALL(WB_ERR_INPUT, "%s: no variable %s/%s; this is not a pair file", f->path, group, names[i]);
    PetscCall(wb_array_open(f->nc, group, names[i], true, &array[i]));
    const char *axes = i < WB_CHANNELS ? "tzyx" : i == WB_PAIR_FLUX ? "yx" : "zyx";
    PetscCall(wb_array_need(array[i], axes));
    if (i > 0) PetscCall(wb_array_same_places(array[i], array[0], axes));
  }
  PetscFunctionReturn(0);
}

/* The same minutes in both halves: epoch, calendar, times, and what each stands for. */
static PetscErrorCode same_times(const WbPairFile *f) {
  const WbTimes *lr = wb_array_times(f->lr[0]), *hr = wb_array_times(f->hr[0]);
  PetscFunctionBeginUser;
  if (lr->n != hr->n)
    WB_RAISE_ALL(WB_ERR_INPUT,
                 "%s: %d low-resolution and %d high-resolution minutes; both must be the same, at least 1", f->path,
                 lr->n, hr->n);
  if (strcmp(lr->epoch, hr->epoch) != 0 || strcmp(lr->calendar, hr->calendar) != 0)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: lr/time counts since '%s' (%s), hr/time since '%s' (%s); both must be the same",
                 f->path, lr->epoch, lr->calendar, hr->epoch, hr->calendar);
  for (int i = 0; i < lr->n; i++) {
    const bool bounds = lr->from && hr->from;
    if (fabs(lr->at[i] - hr->at[i]) > 0.5 ||
        (bounds && (fabs(lr->from[i] - hr->from[i]) > 0.5 || fabs(lr->to[i] - hr->to[i]) > 0.5)))
      WB_RAISE_ALL(
          WB_ERR_INPUT,
          "%s: minute %d is %.10g s in lr/time and %.10g s in hr/time (or their bounds differ); both halves must "
          "be of the same minutes",
          f->path, i + 1, lr->at[i], hr->at[i]);
  }
  PetscFunctionReturn(0);
}

/* Fine cells are children of coarse ones, both where the attributes say. */
static PetscErrorCode conformal(const WbPairFile *f, const WbPairInfo *i) {
  const double fine = i->dx_hr_m, coarse = i->dx_hr_m * i->ratio;
  PetscFunctionBeginUser;
  for (int half = 0; half < 2; half++) {
    const WbArray a = half ? f->hr[0] : f->lr[0];
    const double dx = half ? fine : coarse;
    const int nz = half ? i->nz_hr : i->nz_hr / i->ratio + 1;
    PetscCall(wb_array_regular(a, WB_AXIS_X, 0, wb_array_axis(a, WB_AXIS_X)->n, i->x_min_m + 0.5 * dx, dx));
    PetscCall(wb_array_regular(a, WB_AXIS_Y, 0, wb_array_axis(a, WB_AXIS_Y)->n, i->y_min_m + 0.5 * dx, dx));
    PetscCall(wb_array_regular(a, WB_AXIS_Z, 0, nz, 0.5 * dx, dx));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode check_sizes(const WbPairFile *f, WbPairInfo *info) {
  int lr[WB_AXES], hr[WB_AXES];
  const int r = info->ratio;
  PetscFunctionBeginUser;
  for (int k = 0; k < WB_AXES; k++) {
    lr[k] = wb_array_axis(f->lr[0], (WbAxisKind)k)->n;
    hr[k] = wb_array_axis(f->hr[0], (WbAxisKind)k)->n;
  }
  if (hr[3] != r * lr[3] || hr[2] != r * lr[2] || hr[1] % r != 0 || lr[1] < hr[1] / r + 1)
    WB_RAISE_ALL(
        WB_ERR_INPUT,
        "%s: %d x %d x %d fine cells (z, y, x) do not fit %d x %d x %d coarse cells at ratio %d (one coarse level "
        "above the layer is needed)",
        f->path, hr[1], hr[2], hr[3], lr[1], lr[2], lr[3], r);
  info->n_time = hr[0], info->nz_hr = hr[1], info->ny_hr = hr[2], info->nx_hr = hr[3], info->nz_lr = lr[1];
  PetscFunctionReturn(0);
}

PetscErrorCode wb_pair_file_open(MPI_Comm comm, const char *path, WbPairFile *f, WbPairInfo *info) {
  PetscFunctionBeginUser;
  memset(f, 0, sizeof *f);
  memset(info, 0, sizeof *info);
  f->path = path;
  snprintf(info->path, sizeof info->path, "%s", path);
  PetscCall(wb_nc_open(comm, path, &f->nc));
  PetscCall(open_half(f, "/lr", WB_PAIR_LR, f->lr));
  PetscCall(open_half(f, "/hr", WB_PAIR_HR, f->hr));
  PetscCall(read_forcing(f->nc, path, info));
  PetscCall(same_times(f));
  PetscCall(check_sizes(f, info));
  PetscCall(conformal(f, info));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_pair_file_close(WbPairFile *f) {
  PetscFunctionBeginUser;
  for (int i = 0; i < WB_PAIR_LR; i++) wb_array_close(&f->lr[i]);
  for (int i = 0; i < WB_PAIR_HR; i++) wb_array_close(&f->hr[i]);
  PetscCall(wb_nc_close(&f->nc));
  PetscFunctionReturn(0);
}
