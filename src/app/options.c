/* Option structs from the configuration: the one place where keys meet the modules' options. */
#include <math.h>
#include <string.h>

#include "app.h"

/* An unset real key has no text. */
static bool is_set(const WbApp *app, const char *group, const char *name) {
  return wb_config_text(app->config, group, name) != NULL;
}

PetscErrorCode wb_app_city_options(const WbApp *app, WbCityOptions *o) {
  PetscFunctionBeginUser;
  PetscCall(wb_config_fill(app->config, &wb_app_city_keys, o));
  const bool sized = is_set(app, "city", "size_x_m") || is_set(app, "city", "size_y_m");
  if (!is_set(app, "city", "size_y_m")) o->size_y_m = o->size_x_m;
  if (!is_set(app, "city", "size_x_m")) o->size_x_m = o->size_y_m;
  if (!o->file && !sized) o->size_x_m = o->size_y_m = 640;
  o->window_given = sized || !o->file;
  o->margin_m = wb_config_real(app->config, "les", "margin_m");
  PetscFunctionReturn(0);
}

static PetscErrorCode check_multiple(const WbApp *app, const char *group, const char *name, double of) {
  PetscFunctionBeginUser;
  const double value = wb_config_real(app->config, group, name);
  if (fabs(value / of - round(value / of)) > 1e-9)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: %s_%s is '%g'; allowed: a multiple of %g %s",
                 wb_config_where(app->config, group, name), group, name, value, of, strrchr(name, '_') + 1);
  PetscFunctionReturn(0);
}

/* What drives the lateral faces, and the keys that go with it. */
static PetscErrorCode check_inflow(const WbApp *app, const WbSimOptions *o) {
  PetscFunctionBeginUser;
  WbConfig c = app->config;
  const char *kind = wb_config_text(c, "les", "inflow"), *planes = wb_config_text(c, "les", "inflow_file");
  if (o->inflow == WB_INFLOW_FILE && !o->boundary_file)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_inflow is 'file'; it needs les_boundary_file",
                 wb_config_where(c, "les", "inflow"));
  if (o->inflow != WB_INFLOW_FILE && o->boundary_file)
    WB_RAISE_ALL(WB_ERR_CONFIG,
                 "%s: les_boundary_file is '%s', but les_inflow is '%s'; allowed: with les_inflow file only",
                 wb_config_where(c, "les", "boundary_file"), o->boundary_file, kind);
  if (o->inflow != WB_INFLOW_PRECURSOR && planes)
    WB_RAISE_ALL(WB_ERR_CONFIG,
                 "%s: les_inflow_file is '%s', but les_inflow is '%s'; allowed: with les_inflow precursor only",
                 wb_config_where(c, "les", "inflow_file"), planes, kind);
  PetscFunctionReturn(0);
}

/* Geometry below the cells: every coarse spacing a multiple of the fine one. */
static PetscErrorCode check_geometry(const WbApp *app, const WbSimOptions *o) {
  PetscFunctionBeginUser;
  const double ratio = o->dx_m / o->geometry_dx_m;
  if (o->porous && (fabs(ratio - round(ratio)) > 1e-9 || ratio > WB_LES_RATIO_MAX))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_geometry_dx_m is '%g'; allowed: %g m divided by a whole number up to %d",
                 wb_config_where(app->config, "les", "geometry_dx_m"), o->geometry_dx_m, o->dx_m, WB_LES_RATIO_MAX);
  const bool fifth = o->les.advection == WB_ADVECTION_UPWIND5;
  if (o->porous && (fifth || o->les.surface.most))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_geometry is 'porous'; allowed with %s: solid",
                 wb_config_where(app->config, "les", "geometry"), fifth ? "les_advection upwind5" : "les_ground most");
  PetscFunctionReturn(0);
}

/* Files have a time axis of 32 bits. */
static PetscErrorCode check_times(const WbApp *app, const WbSimOptions *o) {
  enum { MOST_TIMES = 1000000, MOST_PLANES = 100000000 };
  PetscFunctionBeginUser;
  WbConfig c = app->config;
  if (!(o->duration_s / o->output_interval_s <= MOST_TIMES))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_duration_s is '%g'; allowed: at most %d times les_output_interval_s (%g s)",
                 wb_config_where(c, "les", "duration_s"), o->duration_s, MOST_TIMES, o->output_interval_s);
  if (!(o->spinup_s / o->plane_interval_s <= MOST_PLANES))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_spinup_s is '%g'; allowed: at most %d times les_plane_interval_s (%g s)",
                 wb_config_where(c, "les", "spinup_s"), o->spinup_s, MOST_PLANES, o->plane_interval_s);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_sim_options(const WbApp *app, WbSimOptions *o) {
  PetscFunctionBeginUser;
  WbConfig c = app->config;
  PetscCall(wb_config_fill(c, &wb_app_sim_keys, o));
  PetscCall(check_multiple(app, "les", "margin_m", o->dx_m));
  PetscCall(check_multiple(app, "les", "top_m", o->dx_m));
  PetscCall(check_multiple(app, "les", "duration_s", o->output_interval_s));
  PetscCall(check_times(app, o));
  if (o->les.wind_height_m >= o->top_m)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_wind_height_m is '%g'; allowed: less than les_top_m (%g m)",
                 wb_config_where(c, "les", "wind_height_m"), o->les.wind_height_m, o->top_m);
  const double dx = wb_config_real(c, "les", "dx_m");
  if (strcmp(app->command, "forecast") == 0 && dx != o->dx_m)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_dx_m is '%g'; allowed in a forecast: %g m", wb_config_where(c, "les", "dx_m"),
                 dx, o->dx_m);
  o->dx_hr_m = wb_config_real(c, "sr", "dx_m");
  o->start_time_iso = wb_config_text(c, "run", "start_time");
  o->hr_drop_s = wb_config_real(c, "pairs", "drop_s");
  const double tolerance = wb_config_real(c, "les", "tolerance");
  o->les.tol_final = tolerance > 0 ? tolerance : o->les.precision == WB_FP64 ? 1e-8 : 1e-5;
  o->les.seed = (uint32_t)wb_config_real(c, "run", "seed");
  PetscCall(check_inflow(app, o));
  o->porous = strcmp(wb_config_text(c, "les", "geometry"), "porous") == 0;
  PetscCall(wb_app_les_physics(app, &o->les));
  PetscCall(check_geometry(app, o));
  PetscFunctionReturn(0);
}

const char *wb_app_model_path(const WbApp *app) {
  const char *path = wb_config_text(app->config, "sr", "model");
  return path ? path : wb_app_default_model();
}

PetscErrorCode wb_app_sr_options(const WbApp *app, WbSrOptions *o) {
  PetscFunctionBeginUser;
  WbConfig c = app->config;
  PetscCall(wb_config_fill(c, &wb_app_sr_keys, o));
  o->model_path = wb_app_model_path(app);
  PetscCall(check_multiple(app, "sr", "top_m", wb_app_coarse_m()));
  const char *schedule = wb_config_text(c, "sr", "schedule");
  o->schedule = strcmp(schedule, "model") == 0 ? NULL : schedule;
  PetscCall(wb_backend_parse(wb_config_text(c, "sr", "backend"), &o->backend));
  if (app->slabs > 0) o->slabs = app->slabs;
  o->seed = (uint32_t)wb_config_real(c, "run", "seed");
  PetscFunctionReturn(0);
}

void wb_app_forcing(const WbSimOptions *sim, WbNormalisation *forcing) {
  memset(forcing, 0, sizeof *forcing);
  forcing->wind_speed_m_per_s = sim->les.wind_speed_m_per_s;
  forcing->wind_direction_deg = sim->les.wind_direction_deg;
  forcing->theta_surface_K = sim->les.theta_surface_K;
  forcing->lapse_K_per_m = sim->les.lapse_K_per_m;
  forcing->mixed_height_m = sim->les.mixed_height_m;
}
