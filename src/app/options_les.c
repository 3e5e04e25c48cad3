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

/* An interval longer than the run would leave a file without a record. */
static PetscErrorCode check_interval(const WbApp *app, const char *name, double interval_s, double duration_s) {
  enum { MOST_TIMES = 10000000 };
  PetscFunctionBeginUser;
  if (interval_s > 0 && !(duration_s / interval_s <= MOST_TIMES))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_%s is '%g'; allowed: at least les_duration_s / %d, %g s",
                 wb_config_where(app->config, "les", name), name, interval_s, MOST_TIMES, duration_s / MOST_TIMES);
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
  if (sim->porous && wb_config_real(c, "les", "dx_m") > sim->geometry_dx_m && o->profile_interval_s > 0)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_profile_interval_s is '%g'; allowed with les_geometry porous: 0",
                 wb_config_where(c, "les", "profile_interval_s"), o->profile_interval_s);
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
  if (strcmp(app->command, "les") == 0) PetscCall(wb_app_tracers(app, &o->tracers)); /* the others do not write them */
  PetscFunctionReturn(0);
}
