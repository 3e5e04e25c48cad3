/* windbridge les: the flow solver alone. At 20 m it writes lr.nc; finer, it starts from a 20 m run after its spin-up
 * and writes truth.nc (the window's lowest sr_top_m), on the same inflow. */
#include "memory_plan.h"
#include "results.h"

#include <math.h>

typedef struct {
  WbApp *app;
  WbSimWindow *window;
  WbResult result;
  WbLesOutput extra;             /* profiles, probes, slices, or NULL */
  float *mean, *domain[4], *one; /* window, four channels; run's grid; window */
  WbResultMore more[WB_RESULT_MORE_MAX];
  int n_more;
  bool variance;
  double *tke;
  int minutes;
  double begin;
} WbLesRun;

/* ---- variables beyond the means of wind and temperature: variances, scalars ---- */
static void add_more(WbLesRun *o, const char *name, const char *units, const char *text) {
  WbResultMore *m = &o->more[o->n_more++];
  snprintf(m->name, sizeof m->name, "%s", name);
  m->units = units;
  m->text = text;
}

static void list_more(WbLesRun *o, const WbLesOptions *les) {
  static const char *const names[] = {"theta_var", "u_var", "v_var", "w_var"};
  for (int i = 0; i < 4 && o->variance; i++)
    add_more(o, names[i], i ? "m2 s-2" : "K2", "variance within the output interval");
  for (int i = 0; i < les->tracers.n; i++)
    add_more(o, les->tracers.name[i], "kg m-3", "concentration of a passive tracer");
  if (les->closure == WB_CLOSURE_DEARDORFF) add_more(o, "subgrid_tke", "m2 s-2", "subgrid kinetic energy");
}

static PetscErrorCode put_more(WbLesRun *o, int m, WbSimRun *run) {
  PetscFunctionBeginUser;
  float **d = o->domain;
  if (o->variance) PetscCall(wb_les_variance(run->les, d[0], d[1], d[2], d[3]));
  for (int i = 0; i < o->n_more; i++) {
    const int scalar = i - (o->variance ? 4 : 0);
    if (scalar >= 0) PetscCall(wb_les_mean_scalar(run->les, scalar, d[0]));
    PetscCall(wb_sim_window_take(o->window, scalar >= 0 ? d[0] : d[i], o->one));
    PetscCall(wb_result_put_more(&o->result, m, o->more[i].name, o->one));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode minute(void *ctx, int m, WbSimRun *run) {
  PetscFunctionBeginUser;
  WbLesRun *o = ctx;
  WbLesSummary s;
  PetscCall(wb_sim_window_mean(o->window, o->mean));
  PetscCall(wb_result_put(&o->result, m, -1, o->mean));
  PetscCall(put_more(o, m, run));
  PetscCall(wb_result_commit(&o->result, m));
  PetscCall(wb_les_resolved_tke(run->les, o->tke));
  PetscCall(wb_les_summary(run->les, &s));
  char eta[32];
  wb_format_eta((wb_wtime() - o->begin) / (m + 1) * (o->minutes - m - 1), eta);
  wb_log("minute %d of %d: %ld steps, dt %.2f s, %.2f M cell-steps/s, %.1f CG iterations a step, ETA %s", m + 1,
         o->minutes, s.steps, s.dt_s, s.wall_s > 0 ? s.cell_steps / s.wall_s * 1e-6 : 0, s.poisson_iterations_mean,
         eta);
  PetscFunctionReturn(0);
}

static PetscErrorCode stop(void *ctx, bool *yes) {
  return wb_app_stop_check(ctx, yes);
}

static PetscErrorCode open_output(WbApp *app, WbSim sim, WbSimRun *run, const char *name, const WbCity *city,
                                  bool append, WbLesRun *o) {
  PetscFunctionBeginUser;
  const WbSimOptions *options = wb_sim_options(sim);
  const bool fine = run->dx_m < 20;
  const double top = wb_config_real(app->config, "sr", "top_m");
  o->app = app;
  o->variance = options->les.theta_variance;
  list_more(o, &options->les);
  o->minutes = (int)(options->duration_s / options->output_interval_s + 0.5);
  PetscCall(
      wb_sim_window_create(sim, run, fine ? (int)(top / run->dx_m + 0.5) : 0, (int)(20 / run->dx_m + 0.5), &o->window));
  PetscCall(WB_ALLOC(4 * wb_grid_owned(o->window->grid), &o->mean));
  PetscCall(WB_ALLOC(run->grid->nz, &o->tke));
  PetscCall(WB_ALLOC(wb_grid_owned(o->window->grid), &o->one));
  for (int i = 0; i < 4; i++) PetscCall(WB_ALLOC(wb_grid_owned(run->grid), &o->domain[i]));
  const WbResultSpec spec = {.name = name,
                             .title = "windbridge: large-eddy simulation, means over the output interval",
                             .grid = o->window->grid,
                             .zf = o->window->zf,
                             .n_time = o->minutes,
                             .theta = true, /* sr and evaluate read it */
                             .append = append,
                             .fluid = o->window->fluid,
                             .lr_valid = fine ? o->window->lr_valid : NULL,
                             .fluid_fraction = o->window->fluid_fraction,
                             .building_height = o->window->building_height,
                             .sim = options,
                             .city = city,
                             .n_more = o->n_more,
                             .more = o->more};
  PetscCall(wb_result_create(app, &spec, &o->result));
  PetscFunctionReturn(0);
}

static PetscErrorCode finish(WbLesRun *o, WbSimRun *run, const char *name) {
  PetscFunctionBeginUser;
  cJSON *root = NULL;
  WbLesSummary s;
  wb_summary_begin(o->app, &root);
  wb_summary_grid(root, "les", run->grid);
  wb_summary_grid(root, "window", o->window->grid);
  PetscCall(wb_les_summary(run->les, &s));
  PetscCall(wb_summary_les(root, "les", &s));
  cJSON_AddItemToObject(cJSON_GetObjectItem(root, "les"), "resolved_tke_m2_per_s2",
                        cJSON_CreateDoubleArray(o->tke, run->grid->nz));
  PetscCall(wb_result_close(&o->result));
  PetscCall(wb_summary_write(o->app, &root));
  wb_sim_window_destroy(&o->window);
  WB_FREE(&o->mean);
  WB_FREE(&o->tke);
  WB_FREE(&o->one);
  for (int i = 0; i < 4; i++) WB_FREE(&o->domain[i]);
  wb_log("done in %.1f s; written: %s/%s, %s/summary.json", wb_wtime() - o->app->t_start, o->app->out, name,
         o->app->out);
  PetscFunctionReturn(0);
}

static PetscErrorCode run_les(WbApp *app, const WbCity *city, const WbSimOptions *options, const char *name) {
  PetscFunctionBeginUser;
  const double dx = wb_config_real(app->config, "les", "dx_m");
  const char *given = wb_config_text(app->config, "les", "inflow_file");
  char checkpoint[1024], planes[1024];
  wb_app_path(app, "checkpoint.h5", checkpoint);
  wb_app_path(app, "inflow.nc", planes);
  const WbSimControl control = {.stop = stop,
                                .ctx = app,
                                .checkpoint = checkpoint,
                                .checkpoint_interval_s = wb_config_real(app->config, "run", "checkpoint_interval_s")};
  WbLesOutputOptions extra;
  PetscCall(wb_app_les_output(app, options, &extra));
  WbSim sim = NULL;
  WbSimRun *coarse = NULL, *fine = NULL;
  WbLesRun output;
  bool resumed = false;
  PetscCall(wb_sim_create(app->comm, city, options, &control, &sim));
  PetscCall(wb_sim_run_create(sim, "lr", 20, &coarse));
  if (dx < 20) PetscCall(wb_sim_run_create(sim, "hr", dx, &fine));
  WbSimRun *run = fine ? fine : coarse;
  PetscCall(wb_les_check_places(run->grid, run->zf, run->solid, &options->les.tracers, &extra));
  if (app->check) {
    PetscCall(wb_sim_check_inflow(sim, given ? given : planes, given != NULL));
    wb_sim_destroy(&sim);
    PetscFunctionReturn(0);
  }
  PetscCall(wb_sim_inflow(sim, given ? given : planes, given != NULL));
  memset(&output, 0, sizeof output);
  PetscCall(wb_les_output_create(run->les, &extra, &output.extra)); /* a checkpoint holds its statistics */
  if (wb_config_bool(app->config, "run", "restart")) PetscCall(wb_sim_resume(sim, &resumed));
  PetscCall(wb_les_output_open(output.extra, resumed && run->started && wb_les_time(run->les) > 0));
  PetscCall(open_output(app, sim, run, name, city, resumed && wb_sim_first_minute(sim, run) > 0, &output));
  PetscCall(wb_sim_spinup(sim, coarse));
  if (fine) PetscCall(wb_sim_start_from(sim, fine, coarse));
  output.begin = wb_wtime();
  PetscCall(wb_sim_minutes(sim, run, minute, &output));
  PetscCall(wb_les_output_destroy(&output.extra));
  PetscCall(finish(&output, run, name));
  wb_sim_destroy(&sim);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_les(WbApp *app) {
  PetscFunctionBeginUser;
  const double dx = wb_config_real(app->config, "les", "dx_m"), ratio = 20 / dx;
  if (dx > 20 || fabs(ratio - round(ratio)) > 1e-9)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: les_dx_m is '%g'; allowed: 20 m divided by a whole number",
                 wb_config_where(app->config, "les", "dx_m"), dx);
  WbSimOptions options;
  WbCityOptions city_options;
  WbCity *city = NULL;
  const char *results[] = {dx < 20 ? "truth.nc" : "lr.nc"};
  PetscCall(wb_app_sim_options(app, &options));
  wb_app_city_options(app, &city_options);
  options.dx_hr_m = dx < 20 ? dx : options.dx_hr_m;
  PetscCall(wb_app_output_begin(app, 1, results));
  PetscCall(wb_city_create(app->comm, &city_options, &city));
  WbMemoryPlan plan;
  wb_memory_plan_begin(app, &plan);
  PetscCall(wb_memory_plan_les(&plan, city, &options, dx));
  PetscCall(wb_memory_plan_report(&plan));
  PetscCall(run_les(app, city, &options, results[0]));
  wb_city_destroy(&city);
  PetscFunctionReturn(0);
}
