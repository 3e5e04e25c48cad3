/* Physics options of the LES from the configuration: large-scale forcing, surfaces, tracers; what it writes. */
#include <math.h>
#include <string.h>

#include "app.h"

/* What stands for the forcing elsewhere (scales, attributes): the wind of the table at t = 0, unless it is given. */
static void wind_at_start(const WbApp *app, WbLesOptions *o) {
  WbConfig c = app->config;
  double wind[2];
  if (o->forcing.n_wind == 0) return;
  wb_les_wind(o, 0, wind);
  if (!wb_config_given(c, "les", "wind_speed_m_per_s")) o->wind_speed_m_per_s = hypot(wind[0], wind[1]);
  if (!wb_config_given(c, "les", "wind_direction_deg"))
    o->wind_direction_deg = fmod(atan2(-wind[0], -wind[1]) * 180 / PETSC_PI + 360, 360);
}

static PetscErrorCode check_surfaces(const WbApp *app, WbLesSurface *s) {
  PetscFunctionBeginUser;
  WbConfig c = app->config;
  static const char *const theta[] = {"ground_theta_K", "roof_theta_K", "wall_theta_K"};
  static const char *const flux[] = {"ground_flux_K_m_per_s", "roof_flux_K_m_per_s", "wall_flux_K_m_per_s"};
  for (int k = 0; k < WB_FACET_CLASSES; k++) {
    if (!isnan(s->theta_K[k]) && !isnan(s->flux_K_m_per_s[k]))
      WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_%s and les_%s are both given; allowed: one of them",
                   wb_config_where(c, "les", flux[k]), flux[k], theta[k]);
    if (s->sun && !isnan(s->flux_K_m_per_s[k]))
      WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_%s is given; with les_sun the sun spreads les_heat_flux_K_m_per_s",
                   wb_config_where(c, "les", flux[k]), flux[k]);
  }
  PetscCall(wb_app_start_time(app, &s->day_of_year, &s->utc_s));
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
  WbSourceKeys k;
  PetscCall(wb_config_fill(app->config, &wb_app_source_keys, &k));
  PetscCall(tracer_names(app, t));
  for (int i = 0; i < t->n_sources; i++) {
    WbLesSource *s = &t->source[i];
    s->x_m = k.x_m[i], s->y_m = k.y_m[i], s->z_m = k.z_m[i], s->rate_kg_per_s = k.rate_kg_per_s[i];
    s->size_x_m = k.size_x_m[i], s->size_y_m = k.size_y_m[i], s->size_z_m = k.size_z_m[i];
    s->start_s = k.start_s[i], s->end_s = k.n_end > 0 ? k.end_s[i] : HUGE_VAL;
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
  WbProbeKeys k;
  PetscCall(wb_config_fill(c, &wb_app_output_keys, o));
  PetscCall(wb_config_fill(c, &wb_app_probe_keys, &k));
  o->dir = app->out;
  o->start_time_iso = wb_config_text(c, "run", "start_time");
  o->t_end_s = sim->duration_s;
  o->n_probes = k.n_probes;
  for (int d = 0; d < 3; d++)
    for (int p = 0; p < k.n_probes; p++) o->probe_m[p][d] = k.probe_m[d][p];
  PetscCall(check_interval(app, "profile_interval_s", o->profile_interval_s, sim->duration_s));
  if (o->n_probes > 0) PetscCall(check_interval(app, "probe_interval_s", o->probe_interval_s, sim->duration_s));
  if (o->n_slices[0] + o->n_slices[1] + o->n_slices[2] > 0)
    PetscCall(check_interval(app, "slice_interval_s", o->slice_interval_s, sim->duration_s));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_les_physics(const WbApp *app, WbLesOptions *o) {
  PetscFunctionBeginUser;
  WbLesForcing *f = &o->forcing;
  f->coriolis = f->coriolis || f->geostrophic;
  if (f->geostrophic && fabs(f->latitude_deg) < 5)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_latitude_deg is '%g'; a geostrophic wind needs more than 5 degrees",
                 wb_config_where(app->config, "les", "latitude_deg"), f->latitude_deg);
  wind_at_start(app, o);
  PetscCall(check_surfaces(app, &o->surface));
  if (strcmp(app->command, "les") == 0) PetscCall(tracers(app, &o->tracers)); /* the others do not write them */
  PetscFunctionReturn(0);
}
