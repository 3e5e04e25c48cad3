/* Option structs from the configuration: the one place where keys meet the modules' options. */
#include <math.h>
#include <string.h>

#include "app.h"

/* An unset real key has no text. */
static bool is_set(const WbApp *app, const char *group, const char *name) {
  return wb_config_text(app->config, group, name) != NULL;
}

void wb_app_city_options(const WbApp *app, WbCityOptions *o) {
  WbConfig c = app->config;
  memset(o, 0, sizeof *o);
  o->file = wb_config_text(c, "city", "file");
  o->layer = wb_config_text(c, "city", "layer");
  o->height_field = wb_config_text(c, "city", "height_field");
  o->generate = wb_config_text(c, "city", "generate");
  o->seed = (uint32_t)wb_config_real(c, "city", "seed");
  o->null_height = wb_config_text(c, "city", "null_height");
  o->x_min_m = wb_config_real(c, "city", "x_min_m");
  o->y_min_m = wb_config_real(c, "city", "y_min_m");
  const bool sized = is_set(app, "city", "size_x_m") || is_set(app, "city", "size_y_m");
  o->size_x_m = is_set(app, "city", "size_x_m") ? wb_config_real(c, "city", "size_x_m") : 0;
  o->size_y_m = is_set(app, "city", "size_y_m") ? wb_config_real(c, "city", "size_y_m") : o->size_x_m;
  if (o->size_x_m == 0) o->size_x_m = o->size_y_m;
  if (!o->file && !sized) o->size_x_m = o->size_y_m = 640;
  o->window_given = sized || !o->file;
  o->margin_m = wb_config_real(c, "les", "margin_m");
}

static PetscErrorCode check_multiple(const WbApp *app, const char *group, const char *name, double of) {
  PetscFunctionBeginUser;
  const double value = wb_config_real(app->config, group, name);
  if (fabs(value / of - round(value / of)) > 1e-9)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: %s_%s is '%g'; allowed: a multiple of %g %s",
                 wb_config_where(app->config, group, name), group, name, value, of, strrchr(name, '_') + 1);
  PetscFunctionReturn(0);
}

static WbClosure closure_of(const char *name) {
  if (strcmp(name, "smagorinsky") == 0) return WB_CLOSURE_SMAGORINSKY;
  if (strcmp(name, "deardorff") == 0) return WB_CLOSURE_DEARDORFF;
  return strcmp(name, "none") == 0 ? WB_CLOSURE_NONE : WB_CLOSURE_VREMAN;
}

static void les_options(const WbApp *app, WbLesOptions *o) {
  WbConfig c = app->config;
  wb_les_options_default(o);
  o->form_drag = wb_config_real(c, "les", "form_drag");
  o->precision = strcmp(wb_config_text(c, "les", "precision"), "fp64") == 0 ? WB_FP64 : WB_FP32;
  o->closure = closure_of(wb_config_text(c, "les", "closure"));
  o->advection =
      strcmp(wb_config_text(c, "les", "advection"), "upwind5") == 0 ? WB_ADVECTION_UPWIND5 : WB_ADVECTION_CENTRAL;
  o->ground_viscosity = wb_config_bool(c, "les", "ground_viscosity");
  o->upwind_fraction = wb_config_real(c, "les", "upwind_fraction");
  o->z0_ground_m = wb_config_real(c, "les", "z0_ground_m");
  o->z0_wall_m = wb_config_real(c, "les", "z0_wall_m");
  o->wind_speed_m_per_s = wb_config_real(c, "les", "wind_speed_m_per_s");
  o->wind_direction_deg = wb_config_real(c, "les", "wind_direction_deg");
  o->wind_height_m = wb_config_real(c, "les", "wind_height_m");
  o->theta_surface_K = wb_config_real(c, "les", "theta_surface_K");
  o->lapse_K_per_m = wb_config_real(c, "les", "lapse_K_per_m");
  o->mixed_height_m = wb_config_real(c, "les", "mixed_height_m");
  o->heat_flux_K_m_per_s = wb_config_real(c, "les", "heat_flux_K_m_per_s");
  o->cfl_max = wb_config_real(c, "les", "cfl_max");
  o->dt_max_s = wb_config_real(c, "les", "dt_max_s");
  const double tolerance = wb_config_real(c, "les", "tolerance");
  o->tol_final = tolerance > 0 ? tolerance : o->precision == WB_FP64 ? 1e-8 : 1e-5;
  o->tol_stage = wb_config_real(c, "les", "tolerance_stage");
  o->max_iterations = (int)wb_config_int(c, "les", "max_iterations");
  o->seed = (uint32_t)wb_config_real(c, "run", "seed");
}

/* What drives the lateral faces, and the keys that go with it. */
static PetscErrorCode inflow_options(const WbApp *app, WbSimOptions *o) {
  PetscFunctionBeginUser;
  WbConfig c = app->config;
  const char *kind = wb_config_text(c, "les", "inflow"), *file = wb_config_text(c, "les", "boundary_file");
  const char *planes = strcmp(app->command, "les") == 0 ? wb_config_text(c, "les", "inflow_file") : NULL;
  o->inflow = strcmp(kind, "file") == 0        ? WB_INFLOW_FILE
              : strcmp(kind, "synthetic") == 0 ? WB_INFLOW_SYNTHETIC
                                               : WB_INFLOW_PRECURSOR;
  o->inflow_length_m = wb_config_real(c, "les", "inflow_length_m");
  o->boundary_file = file;
  if (o->inflow == WB_INFLOW_FILE && !file)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_inflow is 'file'; it needs les_boundary_file",
                 wb_config_where(c, "les", "inflow"));
  if (o->inflow != WB_INFLOW_FILE && file)
    WB_RAISE_ALL(WB_ERR_CONFIG,
                 "%s: les_boundary_file is '%s', but les_inflow is '%s'; allowed: with les_inflow file only",
                 wb_config_where(c, "les", "boundary_file"), file, kind);
  if (o->inflow != WB_INFLOW_PRECURSOR && planes)
    WB_RAISE_ALL(WB_ERR_CONFIG,
                 "%s: les_inflow_file is '%s', but les_inflow is '%s'; allowed: with les_inflow precursor only",
                 wb_config_where(c, "les", "inflow_file"), planes, kind);
  PetscFunctionReturn(0);
}

/* Geometry below the cells: every coarse spacing a multiple of the fine one. */
static PetscErrorCode geometry_options(const WbApp *app, WbSimOptions *o) {
  PetscFunctionBeginUser;
  WbConfig c = app->config;
  o->porous = strcmp(wb_config_text(c, "les", "geometry"), "porous") == 0;
  o->geometry_dx_m = wb_config_real(c, "les", "geometry_dx_m");
  o->solid_from = wb_config_real(c, "les", "geometry_solid_from");
  const double ratio = o->dx_m / o->geometry_dx_m;
  if (o->porous && (fabs(ratio - round(ratio)) > 1e-9 || ratio > WB_LES_RATIO_MAX))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_geometry_dx_m is '%g'; allowed: %g m divided by a whole number up to %d",
                 wb_config_where(c, "les", "geometry_dx_m"), o->geometry_dx_m, o->dx_m, WB_LES_RATIO_MAX);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_sim_options(const WbApp *app, WbSimOptions *o) {
  PetscFunctionBeginUser;
  WbConfig c = app->config;
  PetscCall(check_multiple(app, "les", "margin_m", 20));
  PetscCall(check_multiple(app, "les", "top_m", 20));
  PetscCall(check_multiple(app, "les", "duration_s", wb_config_real(c, "les", "output_interval_s")));
  if (wb_config_real(c, "les", "wind_height_m") >= wb_config_real(c, "les", "top_m"))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_wind_height_m is '%g'; allowed: less than les_top_m (%g m)",
                 wb_config_where(c, "les", "wind_height_m"), wb_config_real(c, "les", "wind_height_m"),
                 wb_config_real(c, "les", "top_m"));
  wb_sim_options_default(o);
  o->dx_m = 20;
  o->dx_hr_m = wb_config_real(c, "sr", "dx_m");
  o->top_m = wb_config_real(c, "les", "top_m");
  o->margin_m = wb_config_real(c, "les", "margin_m");
  o->rim_m = wb_config_real(c, "les", "rim_m");
  o->precursor_z0_m = wb_config_real(c, "les", "z0_inflow_m");
  o->spinup_s = wb_config_real(c, "les", "spinup_s");
  o->duration_s = wb_config_real(c, "les", "duration_s");
  o->output_interval_s = wb_config_real(c, "les", "output_interval_s");
  o->plane_interval_s = wb_config_real(c, "les", "plane_interval_s");
  o->hr_uniform_top_m = wb_config_real(c, "les", "hr_uniform_top_m");
  o->hr_drop_s = wb_config_real(c, "pairs", "drop_s");
  PetscCall(geometry_options(app, o));
  PetscCall(inflow_options(app, o));
  les_options(app, &o->les);
  PetscCall(wb_app_les_physics(app, &o->les));
  PetscFunctionReturn(0);
}

/* The shipped model lies beside the sources; WINDBRIDGE_MODEL or an installed tree may name another place. */
static const char *default_model(void) {
  const char *named = getenv("WINDBRIDGE_MODEL");
  return named && named[0] ? named : WB_DEFAULT_MODEL;
}

PetscErrorCode wb_app_sr_options(const WbApp *app, WbSrOptions *o) {
  PetscFunctionBeginUser;
  WbConfig c = app->config;
  memset(o, 0, sizeof *o);
  o->model_path = wb_config_text(c, "sr", "model");
  if (!o->model_path) o->model_path = default_model();
  o->members = (int)wb_config_int(c, "sr", "members");
  o->steps = (int)wb_config_int(c, "sr", "steps");
  o->dx_m = wb_config_real(c, "sr", "dx_m");
  o->top_m = wb_config_real(c, "sr", "top_m");
  PetscCall(check_multiple(app, "sr", "top_m", 20));
  const char *noise = wb_config_text(c, "sr", "noise");
  o->noise = strcmp(noise, "none") == 0   ? WB_NOISE_NONE
             : strcmp(noise, "base") == 0 ? WB_NOISE_BASE
                                          : WB_NOISE_FOELLMER;
  o->sampler = wb_config_text(c, "sr", "sampler");
  o->noise_scale = wb_config_real(c, "sr", "noise_scale");
  o->projection = wb_config_bool(c, "sr", "projection");
  o->antithetic = wb_config_bool(c, "sr", "antithetic");
  o->start_power = wb_config_real(c, "sr", "grid_start_power");
  o->end_power = wb_config_real(c, "sr", "grid_end_power");
  const char *schedule = wb_config_text(c, "sr", "schedule");
  o->schedule = strcmp(schedule, "model") == 0 ? NULL : schedule;
  PetscCall(wb_backend_parse(wb_config_text(c, "sr", "backend"), &o->backend));
  o->slabs = app->slabs > 0 ? app->slabs : (int)wb_config_int(c, "sr", "slabs");
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

void wb_app_net_options(const WbApp *app, WbNetConfig *o) {
  wb_net_config_default(o);
  const struct {
    const char *name;
    int *value;
  } keys[] = {{"width1", &o->width1},
              {"width2", &o->width2},
              {"blocks1", &o->blocks1},
              {"blocks2", &o->blocks2},
              {"cond_width1", &o->cond_width1},
              {"cond_width2", &o->cond_width2},
              {"cond_blocks1", &o->cond_blocks1},
              {"cond_blocks2", &o->cond_blocks2},
              {"cond_nets", &o->cond_nets}};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    *keys[i].value = (int)wb_config_int(app->config, "train", keys[i].name);
}
