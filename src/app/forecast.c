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

static PetscErrorCode create(WbApp *app, const WbCity *city, const WbSimOptions *options, const char *checkpoint,
                             WbForecast *f) {
  PetscFunctionBeginUser;
  memset(f, 0, sizeof *f);
  f->app = app;
  f->minutes = (int)(options->duration_s / options->output_interval_s + 0.5);
  const WbSimControl control = {.stop = stop,
                                .ctx = app,
                                .checkpoint = checkpoint,
                                .checkpoint_interval_s = wb_config_real(app->config, "run", "checkpoint_interval_s")};
  char planes[1024];
  wb_app_path(app, "inflow.nc", planes);
  PetscCall(wb_sim_create(app->comm, city, options, &control, &f->sim));
  PetscCall(wb_sim_run_create(f->sim, "lr", options->dx_m, &f->run));
  PetscCall(wb_sim_window_create(f->sim, f->run, 0, 1, &f->window));
  PetscCall(WB_ALLOC(4 * wb_grid_owned(f->window->grid), &f->mean));
  PetscCall(WB_ALLOC(f->run->grid->nz, &f->tke));
  if (app->check)
    PetscCall(wb_sim_check_inflow(f->sim, planes, false));
  else
    PetscCall(wb_sim_inflow(f->sim, planes, false));
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
  PetscCall(wb_shot_create(f->app, w->grid, w->fluid, city, options, f->minutes, append, &f->shot));
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

static PetscErrorCode run(WbApp *app, const WbCity *city, const WbSimOptions *options) {
  PetscFunctionBeginUser;
  WbForecast f;
  char checkpoint[1024];
  bool resumed = false;
  wb_app_path(app, "checkpoint.h5", checkpoint);
  PetscCall(create(app, city, options, checkpoint, &f));
  if (app->check) {
    destroy(&f);
    PetscFunctionReturn(0);
  }
  if (wb_config_bool(app->config, "run", "restart")) PetscCall(wb_sim_resume(f.sim, &resumed));
  PetscCall(open_results(&f, city, options, resumed && wb_sim_first_minute(f.sim, f.run) > 0));
  PetscCall(wb_sim_spinup(f.sim, f.run));
  f.begin = wb_wtime();
  PetscCall(wb_sim_minutes(f.sim, f.run, minute, &f));
  PetscCall(finish(&f));
  destroy(&f);
  PetscFunctionReturn(0);
}

/* What the forecast will need, told before it starts. */
static PetscErrorCode plan(WbApp *app, const WbCity *city, const WbSimOptions *options) {
  PetscFunctionBeginUser;
  WbMemoryPlan p;
  WbGrid *window = NULL;
  const int nx = (int)(city->win_size_x_m / options->dx_m + 0.5), ny = (int)(city->win_size_y_m / options->dx_m + 0.5);
  const int nz = (int)(wb_config_real(app->config, "sr", "top_m") / options->dx_m + 0.5) + 1;
  wb_memory_plan_begin(app, &p);
  PetscCall(wb_memory_plan_les(&p, city, options, options->dx_m));
  PetscCall(wb_grid_create(app->comm, nx, ny, nz, 1, 0, 0, false, false, &window));
  window->dx_m = options->dx_m;
  PetscCall(wb_memory_plan_sr(&p, window, (int)(options->duration_s / options->output_interval_s + 0.5)));
  wb_grid_destroy(&window);
  PetscCall(wb_memory_plan_report(&p));
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
  WbCity *city = NULL;
  PetscCall(wb_app_sim_options(app, &options));
  wb_app_city_options(app, &city_options);
  const char *results[] = {"lr.nc", "hr.nc"};
  PetscCall(wb_app_output_begin(app, 2, results));
  PetscCall(wb_app_check_model(app));
  PetscCall(wb_city_create(app->comm, &city_options, &city));
  PetscCall(plan(app, city, &options));
  PetscCall(run(app, city, &options));
  wb_city_destroy(&city);
  PetscFunctionReturn(0);
}
