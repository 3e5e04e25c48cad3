/* Options of the LES: defaults, reference profile, checks. */
#include "les_options.h"

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
                      .sponge_height_m = 400.0,
                      .seed = 1};
}

double wb_les_theta_ref(const WbLesOptions *o, double z_m) {
  const double above = z_m - o->mixed_height_m;
  return o->theta_surface_K + (above > 0.0 ? o->lapse_K_per_m * above : 0.0);
}

/* Decisions taken on replicated data: every rank fails alike. */
PetscErrorCode wb_les_options_check(const WbLesOptions *o, double dx_m, double dz_first_m) {
  PetscFunctionBeginUser;
  if (!(o->cfl_max > 0.0 && o->cfl_max <= 1.7))
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES option cfl_max = %g: allowed are values above 0 up to 1.7 (limit of RK3)",
                 o->cfl_max);
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
  if (o->wall == WB_WALL_LOG) {
    /* ln(d / z0) must stay away from 0: the first point has to lie clearly above the roughness length */
    const double d = 0.5 * dz_first_m, dw = 0.5 * (dx_m < dz_first_m ? dx_m : dz_first_m);
    if (!(o->z0_ground_m > 0.0 && o->z0_ground_m <= 0.4 * d))
      WB_RAISE_ALL(WB_ERR_CONFIG, "LES option z0_ground_m = %g: allowed are values above 0 up to 0.4 half cells = %g m",
                   o->z0_ground_m, 0.4 * d);
    if (!(o->z0_wall_m > 0.0 && o->z0_wall_m <= 0.4 * dw))
      WB_RAISE_ALL(WB_ERR_CONFIG, "LES option z0_wall_m = %g: allowed are values above 0 up to 0.4 half cells = %g m",
                   o->z0_wall_m, 0.4 * dw);
  }
  PetscFunctionReturn(0);
}
