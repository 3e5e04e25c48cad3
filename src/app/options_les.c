/* Physics options of the LES from the configuration: large-scale forcing, surfaces. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "app.h"

/* A list of numbers that has `n` entries (n < 0: any number up to max); values beyond are left alone. */
static PetscErrorCode numbers(const WbApp *app, const char *name, const char *like, int n, int max, double *values,
                              int *given) {
  PetscFunctionBeginUser;
  WbConfig c = app->config;
  const int found = wb_config_numbers(c, "les", name, max, values);
  if (found > max)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_%s has %d entries; allowed: at most %d", wb_config_where(c, "les", name), name,
                 found, max);
  if (n >= 0 && found != n && !(found == 0 && !like))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_%s has %d entries; allowed: as many as les_%s, %d",
                 wb_config_where(c, "les", name), name, found, like ? like : "tendency_height_m", n);
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
  PetscCall(numbers(app, time, NULL, -1, WB_LES_TABLE_MAX, f->wind_time_s, &f->n_wind));
  PetscCall(numbers(app, "wind_table_speed_m_per_s", time, f->n_wind, WB_LES_TABLE_MAX, f->wind_speed_m_per_s, NULL));
  PetscCall(numbers(app, "wind_table_direction_deg", time, f->n_wind, WB_LES_TABLE_MAX, f->wind_direction_deg, NULL));
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
  const int max = WB_LES_TABLE_MAX;
  PetscCall(numbers(app, "tendency_height_m", NULL, -1, max, f->tendency_height_m, &f->n_tendency));
  PetscCall(numbers(app, "tendency_u_m_per_s2", NULL, f->n_tendency, max, f->tendency_u_m_per_s2, NULL));
  PetscCall(numbers(app, "tendency_v_m_per_s2", NULL, f->n_tendency, max, f->tendency_v_m_per_s2, NULL));
  PetscCall(numbers(app, "tendency_theta_K_per_s", NULL, f->n_tendency, max, f->tendency_theta_K_per_s, NULL));
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
  PetscFunctionReturn(0);
}
