/* Options of the LES: defaults, reference profile, checks. */
#include "les_options.h"

#define UPWIND5_CFL 1.4 /* RK3 with the fifth-order scheme is stable to 1.42 (Wicker & Skamarock 2002, table 1) */

void wb_les_options_default(WbLesOptions *o) {
  *o = (WbLesOptions){.precision = WB_FP32,
                      .closure = WB_CLOSURE_VREMAN,
                      .wall = WB_WALL_LOG,
                      .upwind_fraction = 0.3,
                      .prandtl_turbulent = 0.7,
                      .z0_ground_m = 0.1,
                      .z0_wall_m = 0.05,
                      .wind_speed_m_per_s = 5.0,
                      .wind_direction_deg = 270.0,
                      .wind_height_m = 100.0,
                      .theta_surface_K = 300.0,
                      .lapse_K_per_m = 0.003,
                      .mixed_height_m = 300.0,
                      .cfl_max = 1.2,
                      .dt_max_s = 10.0,
                      .tol_final = 1e-5,
                      .tol_stage = 1e-3,
                      .max_iterations = 200,
                      .form_drag = 0.9,
                      .sponge_height_m = 400.0,
                      .seed = 1,
                      .surface = {.theta_K = {NAN, NAN, NAN},
                                  .flux_K_m_per_s = {NAN, NAN, NAN},
                                  .z0_heat_ratio = 0.1,
                                  .day_of_year = 213,
                                  .utc_s = 43200.0,
                                  .diffuse_fraction = 0.2}};
}

double wb_les_theta_ref(const WbLesOptions *o, double z_m) {
  const double above = z_m - o->mixed_height_m;
  return o->theta_surface_K + (above > 0.0 ? o->lapse_K_per_m * above : 0.0);
}

static PetscErrorCode check_table(const char *name, int n, const double *at) {
  PetscFunctionBeginUser;
  if (n < 0 || n > WB_LES_TABLE_MAX)
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES option %s has %d entries; allowed: at most %d", name, n, WB_LES_TABLE_MAX);
  for (int i = 0; i + 1 < n; i++)
    if (!(at[i + 1] > at[i]))
      WB_RAISE_ALL(WB_ERR_CONFIG, "LES option %s: %g is followed by %g; the entries must increase", name, at[i],
                   at[i + 1]);
  PetscFunctionReturn(0);
}

static PetscErrorCode check_forcing(const WbLesOptions *o) {
  const WbLesForcing *f = &o->forcing;
  PetscFunctionBeginUser;
  PetscCall(check_table("wind table (time)", f->n_wind, f->wind_time_s));
  PetscCall(check_table("tendency table (height)", f->n_tendency, f->tendency_height_m));
  if (!(fabs(f->latitude_deg) <= 90.0))
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES option latitude_deg = %g: allowed are -90 to 90", f->latitude_deg);
  if (f->geostrophic && fabs(f->latitude_deg) < 5.0)
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES option latitude_deg = %g: a geostrophic wind needs a latitude beyond 5 degrees",
                 f->latitude_deg);
  if (f->geostrophic && o->drive_mean_wind)
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES options: the geostrophic wind drives alone, without drive_mean_wind");
  PetscFunctionReturn(0);
}

static PetscErrorCode check_surface(const WbLesOptions *o) {
  const WbLesSurface *s = &o->surface;
  static const char *const kinds[] = {"ground", "roof", "wall"};
  PetscFunctionBeginUser;
  if (s->most && (o->momentum_only || o->wall != WB_WALL_LOG))
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES option most: the ground by similarity needs theta and rough walls");
  if (o->ground_viscosity && o->wall != WB_WALL_LOG)
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES option ground_viscosity: it needs rough walls (log law)");
  if (!(s->z0_heat_ratio > 0.0 && s->z0_heat_ratio <= 1.0))
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES option z0_heat_ratio = %g: allowed are values above 0 up to 1", s->z0_heat_ratio);
  for (int c = 0; c < WB_FACET_CLASSES; c++) {
    if (!isnan(s->theta_K[c]) && !(s->theta_K[c] > 150.0 && s->theta_K[c] < 450.0))
      WB_RAISE_ALL(WB_ERR_CONFIG, "LES option theta_K = %g of the %s: allowed are 150 to 450 K", s->theta_K[c],
                   kinds[c]);
    if (!isnan(s->theta_K[c]) && !isnan(s->flux_K_m_per_s[c]))
      WB_RAISE_ALL(WB_ERR_CONFIG, "LES options: both temperature and heat flux of the %s are given", kinds[c]);
    if (!isnan(s->theta_K[c]) && o->wall != WB_WALL_LOG)
      WB_RAISE_ALL(WB_ERR_CONFIG, "LES options: the temperature of the %s needs rough walls (log law)", kinds[c]);
    if (s->sun && !isnan(s->flux_K_m_per_s[c]))
      WB_RAISE_ALL(WB_ERR_CONFIG, "LES options: the sun spreads heat_flux over all facets; the %s cannot have its own",
                   kinds[c]);
  }
  if (s->sun && (o->momentum_only || s->day_of_year < 1 || s->day_of_year > 366 || !isfinite(s->utc_s) ||
                 !(s->diffuse_fraction >= 0.0 && s->diffuse_fraction <= 1.0)))
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES options: a sun on day %d at %g s with diffuse fraction %g makes no sense",
                 s->day_of_year, s->utc_s, s->diffuse_fraction);
  PetscFunctionReturn(0);
}

static PetscErrorCode check_tracers(const WbLesTracers *t) {
  PetscFunctionBeginUser;
  if (t->n < 0 || t->n > WB_LES_TRACERS_MAX || t->n_sources < 0 || t->n_sources > WB_LES_SOURCES_MAX)
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES options: %d tracers and %d sources; allowed: at most %d and %d", t->n,
                 t->n_sources, WB_LES_TRACERS_MAX, WB_LES_SOURCES_MAX);
  for (int n = 0; n < t->n_sources; n++) {
    const WbLesSource *s = &t->source[n];
    if (s->tracer < 0 || s->tracer >= t->n || !(s->rate_kg_per_s >= 0.0) ||
        !(s->size_x_m >= 0.0 && s->size_y_m >= 0.0 && s->size_z_m >= 0.0))
      WB_RAISE_ALL(WB_ERR_CONFIG,
                   "LES options: source %d of tracer %d (of %d), %g kg/s from %g m x %g m x %g m, makes no sense",
                   n + 1, s->tracer, t->n, s->rate_kg_per_s, s->size_x_m, s->size_y_m, s->size_z_m);
  }
  PetscFunctionReturn(0);
}

/* Decisions taken on replicated data: every rank fails alike. */
PetscErrorCode wb_les_options_check(const WbLesOptions *o, double dx_m, double dz_first_m) {
  PetscFunctionBeginUser;
  if (!(o->cfl_max > 0.0 && o->cfl_max <= 1.7))
    WB_RAISE_ALL(WB_ERR_CONFIG, "les_cfl_max is '%g'; allowed: above 0 to 1.7 (limit of RK3)", o->cfl_max);
  if (o->advection == WB_ADVECTION_UPWIND5 && o->cfl_max > UPWIND5_CFL)
    WB_RAISE_ALL(WB_ERR_CONFIG, "les_cfl_max is '%g'; allowed with les_advection upwind5: at most %g", o->cfl_max,
                 UPWIND5_CFL);
  if (!(o->dt_max_s > 0.0)) WB_RAISE_ALL(WB_ERR_CONFIG, "LES option dt_max_s = %g must be positive", o->dt_max_s);
  if (!(o->tol_final > 0.0 && o->tol_stage > 0.0) || o->max_iterations < 1)
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES options tol_final = %g, tol_stage = %g, max_iterations = %d must be positive",
                 o->tol_final, o->tol_stage, o->max_iterations);
  if (!(o->upwind_fraction >= 0.0 && o->upwind_fraction <= 1.0))
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES option upwind_fraction = %g: allowed are 0 (central) to 1 (third-order upwind)",
                 o->upwind_fraction);
  if (!(o->theta_surface_K > 0.0))
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES option theta_surface_K = %g must be positive", o->theta_surface_K);
  if (!(o->prandtl_turbulent > 0.0))
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES option prandtl_turbulent = %g must be positive", o->prandtl_turbulent);
  if (!(o->viscosity_m2_per_s >= 0.0))
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES option viscosity_m2_per_s = %g must not be negative", o->viscosity_m2_per_s);
  PetscCall(check_forcing(o));
  PetscCall(check_surface(o));
  PetscCall(check_tracers(&o->tracers));
  if (o->wall == WB_WALL_LOG) {
    /* ln(d / z0) must stay away from 0: the first point has to lie clearly above the roughness length */
    const double d = 0.5 * dz_first_m, dw = 0.5 * (dx_m < dz_first_m ? dx_m : dz_first_m);
    if (!(o->z0_ground_m > 0.0 && o->z0_ground_m <= 0.4 * d))
      WB_RAISE_ALL(WB_ERR_CONFIG, "les_z0_ground_m is '%g'; allowed: above 0 to 0.4 half cells, %g m", o->z0_ground_m,
                   0.4 * d);
    if (!(o->z0_wall_m > 0.0 && o->z0_wall_m <= 0.4 * dw))
      WB_RAISE_ALL(WB_ERR_CONFIG, "les_z0_wall_m is '%g'; allowed: above 0 to 0.4 half cells, %g m", o->z0_wall_m,
                   0.4 * dw);
  }
  PetscFunctionReturn(0);
}
