/* windbridge forecast: city -> 20 m LES -> masked bridge -> 5 m ensemble, minute by minute. Read this file first: the
 * program's other parts are what it calls. */
#include "memory_plan.h"
#include "shot.h"

typedef struct {
  WbApp *app;
  WbSim sim;
  WbSimRun *run;       /* the 20 m LES around the city */
  WbSimWindow *window; /* the forecast window in it */
  WbResult lr;         /* lr.nc */
  WbShot shot;         /* network, bridge and hr.nc */
  float *mean;         /* (nz, nyl, nxl, 4) of the window */
  double *tke;         /* (nz) resolved turbulence of the last minute [m2 s-2] */
  int minutes;
  double begin;
  char planes[1024]; /* inflow.nc */
} WbForecast;

/* One output minute, once the LES has advanced through it. */
static PetscErrorCode minute(void *ctx, int m, WbSimRun *run) {
  PetscFunctionBeginUser;
  WbForecast *f = ctx;
  PetscCall(wb_sim_window_mean(f->window, f->mean));
  PetscCall(wb_les_resolved_tke(run->les, f->tke));
  PetscCall(wb_result_put(&f->lr, m, -1, f->mean));
  PetscCall(wb_result_commit(&f->lr, m));
  PetscCall(wb_shot_minute(&f->shot, m, f->mean));
  WbLesSummary s;
  PetscCall(wb_les_summary(run->les, &s));
  char eta[32];
  wb_format_eta((wb_wtime() - f->begin) / (m + 1) * (f->minutes - m - 1), eta);
  wb_log("minute %d of %d: %ld LES steps, %.2f M cell-steps/s, %d members at %.2f s a shot, ETA %s", m + 1, f->minutes,
         s.steps, s.wall_s > 0 ? s.cell_steps / s.wall_s * 1e-6 : 0, f->shot.members,
         wb_sr_seconds_per_shot(f->shot.sr), eta);
  PetscFunctionReturn(0);
}

static PetscErrorCode stop(void *ctx, bool *yes) {
  return wb_app_stop_check(ctx, yes);
}

static PetscErrorCode create(WbApp *app, const WbCity *city, const WbSimOptions *options, WbForecast *f) {
  PetscFunctionBeginUser;
  memset(f, 0, sizeof *f);
  f->app = app;
  f->minutes = (int)(options->duration_s / options->output_interval_s + 0.5);
  char checkpoint[1024];
  wb_app_path(app, "checkpoint.h5", checkpoint);
  wb_app_path(app, "inflow.nc", f->planes);
  const WbSimControl control = {.stop = stop,
                                .ctx = app,
                                .checkpoint = checkpoint,
                                .checkpoint_interval_s = wb_config_real(app->config, "run", "checkpoint_interval_s"),
                                .resumes = app->run.restart,
                                .keeps_planes = !wb_config_bool(app->config, "run", "overwrite")};
  PetscCall(wb_sim_create(app->comm, city, options, &control, &f->sim));
  PetscCall(wb_sim_run_create(f->sim, "lr", options->dx_m, &f->run));
  PetscCall(wb_sim_window_create(f->sim, f->run, 0, 1, &f->window));
  PetscCall(WB_ALLOC(4 * wb_grid_owned(f->window->grid), &f->mean));
  PetscCall(WB_ALLOC(f->run->grid->nz, &f->tke));
  PetscCall(wb_sim_check_resume(f->sim));
  PetscCall(wb_sim_check_inflow(f->sim, f->planes, false));
  PetscFunctionReturn(0);
}

/* Result files are opened before the long part, so that a folder or model that does not fit is found at once. */
static PetscErrorCode open_results(WbForecast *f, const WbCity *city, const WbSimOptions *options, bool append) {
  PetscFunctionBeginUser;
  const WbSimWindow *w = f->window;
  const WbResultSpec spec = {.name = "lr.nc",
                             .title = "windbridge: 20 m large-eddy simulation, means over the output interval",
                             .grid = w->grid,
                             .zf = w->zf,
                             .n_time = f->minutes,
                             .theta = true, /* sr and evaluate read it */
                             .append = append,
                             .fluid = w->fluid,
                             .fluid_fraction = w->fluid_fraction,
                             .building_height = w->building_height,
                             .sim = options,
                             .city = city};
  PetscCall(wb_result_create(f->app, &spec, &f->lr));
  PetscCall(wb_shot_create(f->app, w->grid, w->fluid, city, options, f->minutes, NULL, append, &f->shot));
  PetscFunctionReturn(0);
}

static PetscErrorCode finish(WbForecast *f) {
  PetscFunctionBeginUser;
  cJSON *root = NULL;
  WbLesSummary s;
  const int nz = f->run->grid->nz;
  wb_summary_begin(f->app, &root);
  wb_summary_grid(root, "lr", f->window->grid);
  wb_summary_grid(root, "les", f->run->grid);
  PetscCall(wb_les_summary(f->run->les, &s));
  PetscCall(wb_summary_les(root, "les", &s));
  cJSON_AddItemToObject(cJSON_GetObjectItem(root, "les"), "resolved_tke_m2_per_s2",
                        cJSON_CreateDoubleArray(f->tke, nz));
  double z[1024];
  for (int k = 0; k < nz && k < 1024; k++) z[k] = 0.5 * (f->run->zf[k] + f->run->zf[k + 1]);
  cJSON_AddItemToObject(cJSON_GetObjectItem(root, "les"), "z_m", cJSON_CreateDoubleArray(z, nz < 1024 ? nz : 1024));
  double least = f->tke[0];
  wb_log("resolved turbulence of the last minute, 1/2 (u'u' + v'v' + w'w') [m2 s-2]:");
  for (int k = 0; k < nz; k++) {
    wb_log("  z = %5.1f m  %.4f", z[k], f->tke[k]);
    if (f->tke[k] < least) least = f->tke[k];
  }
  if (!(least > 0)) wb_log_warn("no resolved turbulence at some level: is the spin-up too short?");
  PetscCall(wb_shot_finish(&f->shot, root));
  cJSON *files = cJSON_AddObjectToObject(root, "files");
  cJSON_AddStringToObject(files, "lr", "lr.nc");
  cJSON_AddStringToObject(files, "hr", "hr.nc");
  cJSON_AddStringToObject(files, "paraview", "hr.xmf");
  if (wb_sim_options(f->sim)->inflow == WB_INFLOW_PRECURSOR) cJSON_AddStringToObject(files, "inflow", "inflow.nc");
  PetscCall(wb_result_close(&f->lr));
  PetscCall(wb_summary_write(f->app, &root));
  const char *out = f->app->out;
  wb_log("done in %.1f s; written: %s/lr.nc, %s/hr.nc, %s/hr.xmf, %s/summary.json", wb_wtime() - f->app->t_start, out,
         out, out, out);
  PetscFunctionReturn(0);
}

static void destroy(WbForecast *f) {
  wb_shot_destroy(&f->shot);
  wb_sim_window_destroy(&f->window);
  wb_sim_destroy(&f->sim);
  WB_FREE(&f->mean);
  WB_FREE(&f->tke);
}

/* Minutes that the LES has left behind and whose members are not all in hr.nc, or not at all: from their 20 m means. */
static PetscErrorCode catch_up(WbForecast *f) {
  PetscFunctionBeginUser;
  const int first = wb_sim_first_minute(f->sim, f->run), known = wb_result_first_missing(&f->lr);
  if (known < first)
    WB_RAISE_ALL(WB_ERR_INPUT,
                 "%s/lr.nc lacks minute %d, beyond which the checkpoint is: restore lr.nc, or remove %s/checkpoint.h5 "
                 "and checkpoint.h5.prev to begin anew",
                 f->app->out, known + 1, f->app->out);
  for (int m = 0; m < first; m++) {
    if (f->shot.result.there[m]) continue;
    PetscCall(wb_result_get(&f->lr, m, f->mean));
    PetscCall(wb_shot_minute(&f->shot, m, f->mean));
    wb_log("minute %d of %d: %d members from lr.nc", m + 1, f->minutes, f->shot.members);
    bool asked = false;
    PetscCall(wb_app_stop_check(f->app, &asked));
    if (asked) WB_RAISE_ALL(WB_ERR_STOPPED, "stopped by request after minute %d; resubmit with run_restart", m + 1);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode run(WbApp *app, const WbCity *city, const WbSimOptions *options, const WbOutputFiles *files) {
  PetscFunctionBeginUser;
  WbForecast f;
  PetscCall(create(app, city, options, &f));
  if (app->check) {
    destroy(&f);
    PetscFunctionReturn(0);
  }
  bool resumed = false;
  PetscCall(wb_app_output_start(app, files));
  PetscCall(wb_sim_inflow(f.sim, f.planes, false));
  if (app->run.restart) PetscCall(wb_sim_resume(f.sim, &resumed));
  PetscCall(open_results(&f, city, options, app->run.restart));
  PetscCall(catch_up(&f));
  PetscCall(wb_sim_spinup(f.sim, f.run));
  f.begin = wb_wtime();
  PetscCall(wb_sim_minutes(f.sim, f.run, minute, &f));
  PetscCall(wb_sim_checkpoint(f.sim)); /* from which a longer run can go on */
  PetscCall(finish(&f));
  destroy(&f);
  PetscFunctionReturn(0);
}

/* What the forecast will need, told before it starts; of the city only its size counts. */
static PetscErrorCode plan(WbApp *app, const WbCity *city, const WbSimOptions *options, bool *too_large) {
  PetscFunctionBeginUser;
  WbMemoryPlan p;
  WbGrid *window = NULL;
  const int nz = (int)(wb_config_real(app->config, "sr", "top_m") / options->dx_m + 0.5) + 1;
  wb_memory_plan_begin(app, city, &p);
  PetscCall(wb_memory_plan_les(&p, city, options, options->dx_m));
  PetscCall(wb_app_window_grid(app, city, options->dx_m, nz, 1, &window));
  PetscCall(wb_memory_plan_sr(&p, window, (int)(options->duration_s / options->output_interval_s + 0.5)));
  wb_grid_destroy(&window);
  PetscCall(wb_memory_plan_report(&p));
  *too_large = p.too_large;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_forecast(WbApp *app) {
  PetscFunctionBeginUser;
  if (wb_config_text(app->config, "les", "input_file")) { /* somebody else's 20 m run takes the place of ours */
    PetscCall(wb_app_sr(app));
    PetscFunctionReturn(0);
  }
  WbSimOptions options;
  WbCityOptions city_options;
  WbCity *city = NULL, outline;
  bool too_large = false;
  PetscCall(wb_app_sim_options(app, &options));
  PetscCall(wb_app_city_options(app, &city_options));
  const char *results[] = {"lr.nc", "hr.nc"}, *state[] = {WB_APP_RUN_STATE, "hr.xmf"};
  const WbOutputFiles files = {.record = "summary.json",
                               .lock = "run.lock",
                               .early = true,
                               .restart = true,
                               .n_results = 2,
                               .results = results,
                               .n_state = sizeof state / sizeof state[0],
                               .state = state};
  PetscCall(wb_app_output_begin(app, &files));
  if (app->run.finished) PetscFunctionReturn(0);
  PetscCall(wb_app_check_model(app));
  if (options.porous)
    wb_log_warn(
        "les_geometry is 'porous'; models are trained on 20 m runs with les_geometry solid, as the shipped one: "
        "use one that was trained on porous pairs");
  const bool known = wb_memory_plan_window(&city_options, &outline);
  if (known) PetscCall(plan(app, &outline, &options, &too_large));
  if (app->check && too_large) PetscFunctionReturn(wb_memory_plan_stop_check(app));
  PetscCall(wb_city_create(app->comm, &city_options, &city));
  PetscCall(wb_app_check_air(app, city, options.dx_m));
  PetscCall(wb_app_turn_north(app, city, &options.les));
  if (!known) PetscCall(plan(app, city, &options, &too_large));
  PetscCall(run(app, city, &options, &files));
  wb_city_destroy(&city);
  PetscFunctionReturn(0);
}
