/* True north (les_wind_north): what the deck says of directions is turned to the grid's by the meridian convergence of
 * the city's reference system at the window. */
#include <math.h>

#include "app.h"

static bool counts_from_true_north(const WbApp *app) {
  return strcmp(wb_config_text(app->config, "les", "wind_north"), "true") == 0;
}

static double turned(double direction_deg, double convergence_deg) {
  return fmod(direction_deg - convergence_deg + 720, 360);
}

PetscErrorCode wb_app_turn_north(const WbApp *app, const WbCity *city, WbLesOptions *o) {
  PetscFunctionBeginUser;
  if (!counts_from_true_north(app)) PetscFunctionReturn(0);
  const double c = city->convergence_deg;
  if (isnan(c))
    WB_RAISE_ALL(
        WB_ERR_CONFIG,
        "%s: les_wind_north is 'true', but the city (%s) has no coordinate reference system that says where true "
        "north is; allowed: grid, or a city_file with one",
        wb_config_where(app->config, "les", "wind_north"), city->source);
  const double given = o->wind_direction_deg, cosine = cos(c * PETSC_PI / 180), sine = sin(c * PETSC_PI / 180);
  WbLesForcing *f = &o->forcing;
  o->wind_direction_deg = turned(given, c);
  for (int i = 0; i < f->n_wind; i++) f->wind_direction_deg[i] = turned(f->wind_direction_deg[i], c);
  for (int i = 0; i < f->n_tendency; i++) { /* to the east and north */
    const double east = f->tendency_u_m_per_s2[i], north = f->tendency_v_m_per_s2[i];
    f->tendency_u_m_per_s2[i] = east * cosine - north * sine;
    f->tendency_v_m_per_s2[i] = east * sine + north * cosine;
  }
  o->surface.north_deg = c;
  wb_log("directions count from true north, %.2f deg %s of grid north: wind from %.2f deg is from %.2f deg on the grid",
         fabs(c), c < 0 ? "east" : "west", given, o->wind_direction_deg);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_put_north(const WbApp *app, WbNc nc, const WbCity *city, const WbLesOptions *o) {
  PetscFunctionBeginUser;
  /* wind_direction_deg of a file is the grid's: what a model and another run of these fields need */
  PetscCall(wb_nc_att_text(nc, "/", NULL, "les_wind_north", wb_config_text(app->config, "les", "wind_north")));
  if (!city || isnan(city->convergence_deg)) PetscFunctionReturn(0);
  PetscCall(wb_nc_att_real(nc, "/", NULL, "meridian_convergence_deg", city->convergence_deg));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "wind_direction_true_north_deg",
                           turned(o->wind_direction_deg, -city->convergence_deg)));
  PetscFunctionReturn(0);
}
