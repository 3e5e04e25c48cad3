/* Options of the LES: defaults, reference profile, checks. */
#include <string.h>

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

/* ---- mark of options: FNV-1a over the values of all fields ---- */
static uint64_t mix(uint64_t h, double value) {
  unsigned char bytes[sizeof value];
  value += 0.0; /* -0 is 0 */
  memcpy(bytes, &value, sizeof value);
  for (size_t i = 0; i < sizeof bytes; i++) h = (h ^ bytes[i]) * 1099511628211ULL;
  return h;
}

static uint64_t mix_table(uint64_t h, int n, const double *values) {
  h = mix(h, n);
  for (int i = 0; i < n; i++) h = mix(h, values[i]);
  return h;
}

static uint64_t mark_forcing(uint64_t h, const WbLesForcing *f) {
  h = mix(mix(h, f->coriolis), f->geostrophic);
  h = mix(h, f->coriolis || f->geostrophic ? f->latitude_deg : 0.0);
  h = mix_table(h, f->n_wind, f->wind_time_s);
  h = mix_table(h, f->n_wind, f->wind_speed_m_per_s);
  h = mix_table(h, f->n_wind, f->wind_direction_deg);
  h = mix_table(h, f->n_tendency, f->tendency_height_m);
  h = mix_table(h, f->n_tendency, f->tendency_u_m_per_s2);
  h = mix_table(h, f->n_tendency, f->tendency_v_m_per_s2);
  return mix_table(h, f->n_tendency, f->tendency_theta_K_per_s);
}

static uint64_t mark(const WbLesOptions *o, bool flow_only) {
  uint64_t h = mix(14695981039346656037ULL, o->upwind_fraction);
  h = mark_forcing(h, &o->forcing);
  (void)flow_only;
  return h;
}

uint64_t wb_les_options_mark(const WbLesOptions *o, bool flow_only) {
  WbLesOptions plain;
  wb_les_options_default(&plain);
  const uint64_t h = mark(o, flow_only);
  return h == mark(&plain, flow_only) ? 0 : h;
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
  PetscCall(check_forcing(o));
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
