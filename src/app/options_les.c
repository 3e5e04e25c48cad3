/* Physics options of the LES from the configuration: large-scale forcing, surfaces, tracers; what it writes. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "app.h"

/* The list `name` of a group; like NULL: any number of entries up to max; else as many as the list `like` has, n, or
 * (optional) none. */
typedef struct {
  const char *group, *like;
  int n, max;
  bool optional;
} ListRule;
static PetscErrorCode numbers(const WbApp *app, const char *name, ListRule rule, double *values, int *given) {
  PetscFunctionBeginUser;
  WbConfig c = app->config;
  const int found = wb_config_numbers(c, rule.group, name, rule.max, values);
  if (found > rule.max)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: %s_%s has %d entries; allowed: at most %d", wb_config_where(c, rule.group, name),
                 rule.group, name, found, rule.max);
  if (rule.like && found != rule.n && !(rule.optional && found == 0))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: %s_%s has %d entries; allowed: as many as %s_%s, %d",
                 wb_config_where(c, rule.group, name), rule.group, name, found, rule.group, rule.like, rule.n);
  if (given) *given = found;
  PetscFunctionReturn(0);
}

static PetscErrorCode increasing(const WbApp *app, const char *name, int n, const double *values) {
  PetscFunctionBeginUser;
  for (int i = 0; i + 1 < n; i++)
    if (!(values[i + 1] > values[i]))
      WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_%s has %g after %g; allowed: increasing values",
                   wb_config_where(app->config, "les", name), name, values[i + 1], values[i]);
  PetscFunctionReturn(0);
}

static PetscErrorCode wind_table(const WbApp *app, WbLesOptions *o) {
  PetscFunctionBeginUser;
  WbConfig c = app->config;
  WbLesForcing *f = &o->forcing;
  const char *time = "wind_table_time_s";
  PetscCall(numbers(app, time, (ListRule){.group = "les", .max = WB_LES_TABLE_MAX}, f->wind_time_s, &f->n_wind));
  const ListRule same = {.group = "les", .like = time, .n = f->n_wind, .max = WB_LES_TABLE_MAX};
  PetscCall(numbers(app, "wind_table_speed_m_per_s", same, f->wind_speed_m_per_s, NULL));
  PetscCall(numbers(app, "wind_table_direction_deg", same, f->wind_direction_deg, NULL));
  PetscCall(increasing(app, time, f->n_wind, f->wind_time_s));
  if (f->n_wind == 0) PetscFunctionReturn(0);
  /* what stands for the forcing elsewhere (scales, attributes): the wind at t = 0 */
  double wind[2];
  wb_les_wind(o, 0, wind);
  if (!wb_config_given(c, "les", "wind_speed_m_per_s")) o->wind_speed_m_per_s = hypot(wind[0], wind[1]);
  if (!wb_config_given(c, "les", "wind_direction_deg"))
    o->wind_direction_deg = fmod(atan2(-wind[0], -wind[1]) * 180 / PETSC_PI + 360, 360);
  PetscFunctionReturn(0);
}

static PetscErrorCode tendencies(const WbApp *app, WbLesForcing *f) {
  PetscFunctionBeginUser;
  const char *height = "tendency_height_m";
  PetscCall(
      numbers(app, height, (ListRule){.group = "les", .max = WB_LES_TABLE_MAX}, f->tendency_height_m, &f->n_tendency));
  const ListRule same = {.group = "les", .like = height, .n = f->n_tendency, .max = WB_LES_TABLE_MAX, .optional = true};
  PetscCall(numbers(app, "tendency_u_m_per_s2", same, f->tendency_u_m_per_s2, NULL));
  PetscCall(numbers(app, "tendency_v_m_per_s2", same, f->tendency_v_m_per_s2, NULL));
  PetscCall(numbers(app, "tendency_theta_K_per_s", same, f->tendency_theta_K_per_s, NULL));
  PetscCall(increasing(app, "tendency_height_m", f->n_tendency, f->tendency_height_m));
  PetscFunctionReturn(0);
}

/* A real key that may be unset: NaN then. */
static double optional(WbConfig c, const char *name) {
  return wb_config_text(c, "les", name) ? wb_config_real(c, "les", name) : NAN;
}

/* Day of the year and time of day of run_start_time. */
static PetscErrorCode start_time(const WbApp *app, WbLesSurface *s) {
  PetscFunctionBeginUser;
  const char *text = wb_config_text(app->config, "run", "start_time");
  struct tm t;
  memset(&t, 0, sizeof t);
  const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &t) : NULL;
  if (!end || (*end != '\0' && strcmp(end, "Z") != 0))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: run_start_time is '%s'; allowed: an ISO time such as 2026-08-01T12:00:00",
                 wb_config_where(app->config, "run", "start_time"), text ? text : "");
  s->day_of_year = t.tm_yday + 1;
  s->utc_s = 3600.0 * t.tm_hour + 60.0 * t.tm_min + t.tm_sec;
  PetscFunctionReturn(0);
}

static PetscErrorCode surfaces(const WbApp *app, WbLesSurface *s) {
  PetscFunctionBeginUser;
  WbConfig c = app->config;
  static const char *const theta[] = {"ground_theta_K", "roof_theta_K", "wall_theta_K"};
  static const char *const flux[] = {"ground_flux_K_m_per_s", "roof_flux_K_m_per_s", "wall_flux_K_m_per_s"};
  s->most = strcmp(wb_config_text(c, "les", "ground"), "most") == 0;
  s->sun = wb_config_bool(c, "les", "sun");
  for (int k = 0; k < WB_FACET_CLASSES; k++) {
    s->theta_K[k] = optional(c, theta[k]);
    s->flux_K_m_per_s[k] = optional(c, flux[k]);
    if (!isnan(s->theta_K[k]) && !isnan(s->flux_K_m_per_s[k]))
      WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_%s and les_%s are both given; allowed: one of them",
                   wb_config_where(c, "les", flux[k]), flux[k], theta[k]);
    if (s->sun && !isnan(s->flux_K_m_per_s[k]))
      WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_%s is given; with les_sun the sun spreads les_heat_flux_K_m_per_s",
                   wb_config_where(c, "les", flux[k]), flux[k]);
  }
  s->theta_rate_K_per_s = wb_config_real(c, "les", "surface_theta_rate_K_per_s");
  s->z0_heat_ratio = wb_config_real(c, "les", "z0_heat_ratio");
  s->longitude_deg = wb_config_real(c, "les", "longitude_deg");
  s->diffuse_fraction = wb_config_real(c, "les", "diffuse_fraction");
  s->sun_warming_K = wb_config_real(c, "les", "sun_warming_K");
  if (s->sun) PetscCall(start_time(app, s));
  PetscFunctionReturn(0);
}

/* Letters, digits and underscores, and no name that another variable has. */
static bool good_name(const char *name) {
  static const char *const taken[] = {"T", "theta", "u", "v", "w", "x", "y", "z", "time", "subgrid_tke"};
  const size_t n = strlen(name);
  if (n == 0 || n >= WB_LES_NAME_MAX ||
      strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != n ||
      (name[0] >= '0' && name[0] <= '9'))
    return false;
  for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
    if (strcmp(name, taken[i]) == 0) return false;
  return true;
}

/* Index of the tracer of that name, a new one when it is not known yet; -1: there is no more room. */
static int tracer_of(WbLesTracers *t, const char *name) {
  for (int n = 0; n < t->n; n++)
    if (strcmp(t->name[n], name) == 0) return n;
  if (t->n == WB_LES_TRACERS_MAX) return -1;
  snprintf(t->name[t->n], WB_LES_NAME_MAX, "%s", name);
  return t->n++;
}

static PetscErrorCode tracer_names(const WbApp *app, WbLesTracers *t) {
  PetscFunctionBeginUser;
  const char *const *items = NULL;
  const int n = wb_config_list(app->config, "tracer", "name", &items);
  const char *where = wb_config_where(app->config, "tracer", "name");
  if (n > WB_LES_SOURCES_MAX)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: tracer_name has %d entries; allowed: at most %d", where, n, WB_LES_SOURCES_MAX);
  for (int i = 0; i < n; i++) {
    if (!good_name(items[i]))
      WB_RAISE_ALL(WB_ERR_CONFIG,
                   "%s: tracer_name has '%s'; allowed: at most %d letters, digits and underscores, not the "
                   "name of another variable",
                   where, items[i], WB_LES_NAME_MAX - 1);
    t->source[i].tracer = tracer_of(t, items[i]);
    if (t->source[i].tracer < 0)
      WB_RAISE_ALL(WB_ERR_CONFIG, "%s: tracer_name has more than %d different names", where, WB_LES_TRACERS_MAX);
  }
  t->n_sources = n;
  PetscFunctionReturn(0);
}

static PetscErrorCode tracers(const WbApp *app, WbLesTracers *t) {
  PetscFunctionBeginUser;
  double value[9][WB_LES_SOURCES_MAX] = {{0}};
  static const char *const keys[9] = {"x_m",      "y_m",      "z_m",     "rate_kg_per_s", "size_x_m",
                                      "size_y_m", "size_z_m", "start_s", "end_s"};
  int given = 0;
  PetscCall(tracer_names(app, t));
  for (int k = 0; k < 9; k++) {
    const ListRule rule = {
        .group = "tracer", .like = "name", .n = t->n_sources, .max = WB_LES_SOURCES_MAX, .optional = k > 3};
    PetscCall(numbers(app, keys[k], rule, value[k], &given));
    for (int i = 0; i < t->n_sources && k == 8 && given == 0; i++) value[k][i] = HUGE_VAL;
  }
  for (int i = 0; i < t->n_sources; i++) {
    WbLesSource *s = &t->source[i];
    s->x_m = value[0][i], s->y_m = value[1][i], s->z_m = value[2][i], s->rate_kg_per_s = value[3][i];
    s->size_x_m = value[4][i], s->size_y_m = value[5][i], s->size_z_m = value[6][i];
    s->start_s = value[7][i], s->end_s = value[8][i];
  }
  PetscFunctionReturn(0);
}

/* An interval longer than the run would leave a file without a record. */
static PetscErrorCode check_interval(const WbApp *app, const char *name, double interval_s, double duration_s) {
  PetscFunctionBeginUser;
  if (interval_s > duration_s)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_%s is '%g'; allowed: at most les_duration_s, %g s",
                 wb_config_where(app->config, "les", name), name, interval_s, duration_s);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_les_output(const WbApp *app, const WbSimOptions *sim, WbLesOutputOptions *o) {
  PetscFunctionBeginUser;
  WbConfig c = app->config;
  static const char *const probe[3] = {"probe_x_m", "probe_y_m", "probe_z_m"};
  static const char *const slice[3] = {"slice_x_m", "slice_y_m", "slice_z_m"};
  double value[WB_LES_PROBES_MAX];
  memset(o, 0, sizeof *o);
  o->dir = app->out;
  o->start_time_iso = wb_config_text(c, "run", "start_time");
  o->t_end_s = sim->duration_s;
  o->profile_interval_s = wb_config_real(c, "les", "profile_interval_s");
  o->probe_interval_s = wb_config_real(c, "les", "probe_interval_s");
  o->slice_interval_s = wb_config_real(c, "les", "slice_interval_s");
  for (int d = 0; d < 3; d++) {
    const ListRule rule = {.group = "les", .like = d ? probe[0] : NULL, .n = o->n_probes, .max = WB_LES_PROBES_MAX};
    PetscCall(numbers(app, probe[d], rule, value, d ? NULL : &o->n_probes));
    for (int p = 0; p < o->n_probes; p++) o->probe_m[p][d] = value[p];
    PetscCall(
        numbers(app, slice[d], (ListRule){.group = "les", .max = WB_LES_SLICES_MAX}, o->slice_m[d], &o->n_slices[d]));
  }
  PetscCall(check_interval(app, "profile_interval_s", o->profile_interval_s, sim->duration_s));
  if (o->n_probes > 0) PetscCall(check_interval(app, "probe_interval_s", o->probe_interval_s, sim->duration_s));
  if (o->n_slices[0] + o->n_slices[1] + o->n_slices[2] > 0)
    PetscCall(check_interval(app, "slice_interval_s", o->slice_interval_s, sim->duration_s));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_les_physics(const WbApp *app, WbLesOptions *o) {
  PetscFunctionBeginUser;
  WbConfig c = app->config;
  WbLesForcing *f = &o->forcing;
  f->geostrophic = strcmp(wb_config_text(c, "les", "forcing"), "geostrophic") == 0;
  f->coriolis = wb_config_bool(c, "les", "coriolis") || f->geostrophic;
  f->latitude_deg = wb_config_real(c, "les", "latitude_deg");
  if (f->geostrophic && fabs(f->latitude_deg) < 5)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_latitude_deg is '%g'; a geostrophic wind needs more than 5 degrees",
                 wb_config_where(c, "les", "latitude_deg"), f->latitude_deg);
  PetscCall(wind_table(app, o));
  PetscCall(tendencies(app, f));
  PetscCall(surfaces(app, &o->surface));
  if (strcmp(app->command, "les") != 0) PetscFunctionReturn(0); /* the others do not write them */
  PetscCall(tracers(app, &o->tracers));
  o->theta_variance = wb_config_bool(c, "les", "write_variance");
  PetscFunctionReturn(0);
}
