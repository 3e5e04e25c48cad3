/* Reading the 20 m file of sr through the arrays of io: everything is checked where the fields are wanted, at the
 * centres of 20 m cells from 10 m above ground on. */
#include "sr_input.h"

#include <math.h>

#include "results.h"

#define DX_M 20.0

static PetscErrorCode open_arrays(WbLrFile *f) {
  static const char *const names[] = {"theta", "u", "v", "w", "fluid_mask"};
  PetscFunctionBeginUser;
  for (int c = 0; c < WB_LR_ARRAYS; c++) {
    PetscCall(wb_array_open(f->nc, "/", names[c], false, &f->array[c]));
    if (!f->array[c] && c == WB_LR_THETA) {
      PetscCall(wb_array_open(f->nc, "/", "T", false, &f->array[c]));
      f->theta0 = f->array[c] ? 1 : 0; /* its value comes with the forcing */
    }
    if (!f->array[c])
      WB_RAISE_ALL(
          WB_ERR_INPUT,
          "%s: no variable %s; a 20 m file needs theta (or T), u, v, w (time, z, y, x) and fluid_mask (z, y, x)",
          f->path, names[c]);
    PetscCall(wb_array_need(f->array[c], c == WB_LR_MASK ? "zyx" : "tzyx"));
    if (c > 0) PetscCall(wb_array_same_places(f->array[c], f->array[0], c == WB_LR_MASK ? "zyx" : "tzyx"));
  }
  PetscFunctionReturn(0);
}

/* The file's level at 10 m, from which on all that are needed lie 20 m apart. */
static PetscErrorCode find_levels(WbLrFile *f, int levels) {
  const WbAxis *z = wb_array_axis(f->array[0], WB_AXIS_Z);
  PetscFunctionBeginUser;
  int first = 0;
  while (first < z->n && !(fabs(z->at[first] - 0.5 * DX_M) <= 0.2)) first++;
  if (first == z->n)
    WB_RAISE_ALL(
        WB_ERR_INPUT,
        "%s: heights %s reach from %.10g to %.10g m without one at 10 m; allowed: cell centres 10, 30, 50, ... m "
        "above ground",
        f->path, z->name, z->at[0], z->at[z->n - 1]);
  if (z->n - first < levels)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: %d levels from 10 m on; super-resolution to sr_top_m needs %d of 20 m", f->path,
                 z->n - first, levels);
  f->first_level = first;
  PetscCall(wb_array_regular(f->array[0], WB_AXIS_Z, first, levels, 0.5 * DX_M, DX_M));
  PetscFunctionReturn(0);
}

/* Stamps for hr.nc: those of the file; times without a date count from run_start_time. */
static PetscErrorCode take_times(WbApp *app, WbLrFile *f) {
  const char *start = wb_config_text(app->config, "run", "start_time");
  double after = 0;
  PetscFunctionBeginUser;
  f->times = *wb_array_times(f->array[0]);
  f->n_time = f->times.n;
  if (!f->times.epoch[0]) {
    snprintf(f->times.epoch, sizeof f->times.epoch, "%s", start);
    wb_log_warn("%s: its times have no date; they are counted from run_start_time, %s", f->path, start);
  } else if (wb_config_given(app->config, "run", "start_time") && wb_times_after(&f->times, start, &after) &&
             fabs(after) > 0.5) {
    wb_log_warn("%s counts its times from %s: results carry these, not run_start_time (%s)", f->path, f->times.epoch,
                start);
  }
  const double mean = f->times.from ? f->times.to[0] - f->times.from[0] : 0;
  if (mean > 0 && fabs(mean - 60) > 1)
    wb_log_warn("%s holds means over %g s; models are trained on means over 60 s", f->path, mean);
  if (strcmp(f->times.method, "point") == 0)
    wb_log_warn("%s holds instants; models are trained on means over 60 s", f->path);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_lr_file_open(WbApp *app, const char *path, WbLrFile *f) {
  PetscFunctionBeginUser;
  memset(f, 0, sizeof *f);
  f->path = path;
  PetscCall(wb_nc_open(app->comm, path, &f->nc));
  PetscCall(open_arrays(f));
  const WbAxis *y = wb_array_axis(f->array[0], WB_AXIS_Y), *x = wb_array_axis(f->array[0], WB_AXIS_X);
  const int levels = (int)(wb_config_real(app->config, "sr", "top_m") / DX_M + 0.5) + 1;
  PetscCall(find_levels(f, levels));
  PetscCall(wb_array_regular(f->array[0], WB_AXIS_X, 0, x->n, x->at[0], DX_M));
  PetscCall(wb_array_regular(f->array[0], WB_AXIS_Y, 0, y->n, y->at[0], DX_M));
  PetscCall(take_times(app, f));
  const WbGridShape shape = {.nx = x->n,
                             .ny = y->n,
                             .nz = levels,
                             .dx_m = DX_M,
                             .x_min_m = x->at[0] - 0.5 * DX_M,
                             .y_min_m = y->at[0] - 0.5 * DX_M};
  PetscCall(wb_grid_make(app->comm, &shape, &f->grid));
  const size_t n = wb_grid_owned(f->grid);
  PetscCall(WB_ALLOC(n, &f->fluid));
  PetscCall(WB_ALLOC(n, &f->one));
  PetscCall(WB_ALLOC(4 * n, &f->four));
  const WbGrid *g = f->grid;
  const int start[4] = {0, f->first_level, g->y0, g->x0}, count[4] = {1, g->nz, g->nyl, g->nxl};
  PetscCall(wb_array_read_mask(f->array[WB_LR_MASK], start, count, f->fluid));
  PetscFunctionReturn(0);
}

/* ---- what the file says of its forcing ---- */
static PetscErrorCode check_range(const char *path, const char *name, double value) {
  PetscFunctionBeginUser;
  int n_keys = 0;
  const WbKey *keys = wb_app_keys(&n_keys);
  for (int i = 0; i < n_keys; i++) {
    const WbKey *key = &keys[i];
    if (strcmp(key->group, "les") != 0 || strcmp(key->name, name) != 0) continue;
    if (!(value >= key->min && value <= key->max))
      WB_RAISE_ALL(WB_ERR_INPUT, "%s: attribute %s is %g; allowed: %g to %g %s (or leave it out and set -les_%s)", path,
                   name, value, key->min, key->max, key->unit, name);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode take_one(WbApp *app, WbLrFile *f, const char *name, double *value) {
  const bool given = wb_config_given(app->config, "les", name);
  bool has = false;
  double said = 0;
  PetscFunctionBeginUser;
  PetscCall(wb_nc_get_att_real(f->nc, "/", NULL, name, &has, &said));
  if (has) PetscCall(check_range(f->path, name, said));
  if (has && given && fabs(said - *value) > 1e-6 * fabs(said) + 1e-9)
    wb_log_warn("%s says its %s is %g, the deck %g: the deck's is used", f->path, name, said, *value);
  if (has && !given) *value = said;
  if (!has && !given) wb_log_warn("the 20 m file does not say its %s; using %g (-les_%s)", name, *value, name);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_lr_file_forcing(WbApp *app, WbLrFile *f, WbSimOptions *sim) {
  WbLesOptions *o = &sim->les;
  PetscFunctionBeginUser;
  PetscCall(take_one(app, f, "wind_speed_m_per_s", &o->wind_speed_m_per_s));
  PetscCall(take_one(app, f, "wind_direction_deg", &o->wind_direction_deg));
  PetscCall(take_one(app, f, "theta_surface_K", &o->theta_surface_K));
  PetscCall(take_one(app, f, "lapse_K_per_m", &o->lapse_K_per_m));
  PetscCall(take_one(app, f, "mixed_height_m", &o->mixed_height_m));
  PetscCall(take_one(app, f, "heat_flux_K_m_per_s", &o->heat_flux_K_m_per_s));
  if (f->theta0 > 0) f->theta0 = o->theta_surface_K;
  PetscFunctionReturn(0);
}

/* EPSG number of the whole system: the last one of its WKT; 0: none. */
static long epsg_of(const char *wkt) {
  long code = 0;
  for (const char *at = wkt; (at = strstr(at, "\"EPSG\",")) != NULL;) {
    at += strlen("\"EPSG\",");
    code = strtol(at + (*at == '"'), NULL, 10);
  }
  return code;
}

PetscErrorCode wb_lr_file_system(const WbLrFile *f, const char *city_wkt) {
  char wkt[16384];
  PetscFunctionBeginUser;
  PetscCall(wb_array_system(f->array[WB_LR_U], sizeof wkt, wkt));
  const long file = epsg_of(wkt), city = epsg_of(city_wkt ? city_wkt : "");
  if (file && city && file != city)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: its coordinates are in EPSG:%ld, the city's in EPSG:%ld; both must be the same",
                 f->path, file, city);
  PetscFunctionReturn(0);
}

/* ---- fields ---- */
/* T -> theta by the reference pressure with which windbridge makes T of theta. */
static void to_theta(const WbLrFile *f, float *values) {
  const size_t plane = (size_t)f->grid->nyl * (size_t)f->grid->nxl;
  for (int k = 0; k < f->grid->nz; k++) {
    const float exner = (float)wb_exner((k + 0.5) * DX_M, f->theta0);
    for (size_t q = (size_t)k * plane; q < (size_t)(k + 1) * plane; q++) values[q] /= exner;
  }
}

PetscErrorCode wb_lr_file_minute(WbLrFile *f, int time) {
  const WbGrid *g = f->grid;
  const int start[4] = {time, f->first_level, g->y0, g->x0}, count[4] = {1, g->nz, g->nyl, g->nxl};
  const size_t n = wb_grid_owned(g);
  PetscFunctionBeginUser;
  for (int c = 0; c < 4; c++) {
    PetscCall(wb_array_read(f->array[c], start, count, f->one));
    PetscCall(wb_array_check(f->array[c], start, count, f->one, f->fluid));
    if (c == WB_LR_THETA && f->theta0 > 0) to_theta(f, f->one);
    for (size_t q = 0; q < n; q++) f->four[4 * q + (size_t)c] = f->fluid[q] ? f->one[q] : 0.0f;
  }
  PetscFunctionReturn(0);
}

/* Sums over the air of a level of this minute: cells, u, v; and at the lowest level cells, theta. */
static void add_sums(const WbLrFile *f, int level, double sums[5]) {
  const size_t plane = (size_t)f->grid->nyl * (size_t)f->grid->nxl;
  for (size_t p = 0; p < plane; p++) {
    const size_t q = (size_t)level * plane + p;
    sums[0] += f->fluid[q];
    sums[1] += (double)f->four[4 * q + 1];
    sums[2] += (double)f->four[4 * q + 2];
    sums[3] += f->fluid[p];
    sums[4] += (double)f->four[4 * p];
  }
}

/* The file's mean wind against the one that it (or the deck) says it has: scales of the network come from the latter.
 */
static PetscErrorCode compare_wind(WbApp *app, const WbLrFile *f, const WbLesOptions *o, int level, double sums[5]) {
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 5, MPI_DOUBLE, MPI_SUM, app->comm));
  if (!(sums[0] > 0)) PetscFunctionReturn(0);
  const double u = sums[1] / sums[0], v = sums[2] / sums[0], speed = hypot(u, v), z = (level + 0.5) * DX_M;
  const double from = fmod(atan2(-u, -v) * 180 / M_PI + 360, 360), ratio = speed / o->wind_speed_m_per_s;
  double turn = fabs(from - o->wind_direction_deg);
  turn = fmin(turn, 360 - turn);
  const bool told = wb_config_given(app->config, "les", "wind_speed_m_per_s");
  bool said = false;
  double value = 0;
  PetscCall(wb_nc_get_att_real(f->nc, "/", NULL, "wind_speed_m_per_s", &said, &value));
  const bool far = !(ratio >= 0.4 && ratio <= 2.5);
  const bool units = wb_array_has_units(f->array[WB_LR_U]) && wb_array_has_units(f->array[WB_LR_V]);
  if (far && !units && (told || said))
    WB_RAISE_ALL(WB_ERR_INPUT,
                 "%s: the mean wind at %g m is %.3g where %.3g m/s is said (wind_speed_m_per_s), and u and v have no "
                 "units; give them units, or set -les_wind_speed_m_per_s",
                 f->path, z, speed, o->wind_speed_m_per_s);
  if (far || (turn > 45 && speed > 0.5))
    wb_log_warn(
        "%s: its mean wind at %g m is %.3g m/s from %.0f degrees; wind_speed_m_per_s is %g, wind_direction_deg %g",
        f->path, z, speed, from, o->wind_speed_m_per_s, o->wind_direction_deg);
  if (sums[3] > 0 && fabs(sums[4] / sums[3] - o->theta_surface_K) > 15)
    wb_log_warn("%s: its mean temperature at 10 m is %.4g K; theta_surface_K is %g", f->path, sums[4] / sums[3],
                o->theta_surface_K);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_lr_file_scan(WbApp *app, WbLrFile *f, const WbSimOptions *sim) {
  double sums[5] = {0, 0, 0, 0, 0};
  const int level = PetscMin(f->grid->nz - 1, (int)(sim->les.wind_height_m / DX_M));
  PetscFunctionBeginUser;
  for (int time = 0; time < f->n_time; time++) {
    PetscCall(wb_lr_file_minute(f, time));
    add_sums(f, level, sums);
  }
  for (int c = 0; c < 4; c++) PetscCall(wb_array_check_solids(f->array[c], wb_array_name(f->array[WB_LR_MASK])));
  PetscCall(wb_arrays_say(4, f->array));
  PetscCall(compare_wind(app, f, &sim->les, level, sums));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_lr_file_close(WbLrFile *f) {
  PetscFunctionBeginUser;
  for (int c = 0; c < WB_LR_ARRAYS; c++) wb_array_close(&f->array[c]);
  PetscCall(wb_nc_close(&f->nc));
  wb_grid_destroy(&f->grid);
  WB_FREE(&f->fluid);
  WB_FREE(&f->one);
  WB_FREE(&f->four);
  PetscFunctionReturn(0);
}
