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

typedef struct {
  WbSim sim;
  WbSimRun *coarse, *fine, *run; /* fine NULL: 20 m alone; run: the one that is written */
  WbLesOutputOptions extra;
  char planes[1024]; /* inflow planes, */
  bool given;        /* of another run */
} WbLesRuns;

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
  const bool fine = run->dx_m < options->dx_m;
  const double top = wb_config_real(app->config, "sr", "top_m");
  o->app = app;
  o->variance = options->les.theta_variance;
  list_more(o, &options->les);
  o->minutes = (int)(options->duration_s / options->output_interval_s + 0.5);
  PetscCall(wb_sim_window_create(sim, run, fine ? (int)(top / run->dx_m + 0.5) : 0,
                                 (int)(options->dx_m / run->dx_m + 0.5), &o->window));
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

static PetscErrorCode create(WbApp *app, const WbCity *city, const WbSimOptions *options, WbLesRuns *r) {
  PetscFunctionBeginUser;
  char checkpoint[1024];
  wb_app_path(app, "checkpoint.h5", checkpoint);
  wb_app_path(app, "inflow.nc", r->planes);
  const char *given = wb_config_text(app->config, "les", "inflow_file");
  r->given = given != NULL;
  if (given) snprintf(r->planes, sizeof r->planes, "%s", given);
  const WbSimControl control = {.stop = stop,
                                .ctx = app,
                                .checkpoint = checkpoint,
                                .checkpoint_interval_s = wb_config_real(app->config, "run", "checkpoint_interval_s"),
                                .resumes = app->run.restart,
                                .keeps_planes = !wb_config_bool(app->config, "run", "overwrite")};
  PetscCall(wb_app_les_output(app, options, &r->extra));
  PetscCall(wb_sim_create(app->comm, city, options, &control, &r->sim));
  PetscCall(wb_sim_run_create(r->sim, "lr", options->dx_m, &r->coarse));
  const double dx = wb_config_real(app->config, "les", "dx_m");
  if (dx < options->dx_m) PetscCall(wb_sim_run_create(r->sim, "hr", dx, &r->fine));
  r->run = r->fine ? r->fine : r->coarse;
  PetscCall(wb_les_check_places(r->run->grid, r->run->zf, r->run->solid, &options->les.tracers, &r->extra));
  PetscCall(wb_sim_check_resume(r->sim));
  PetscCall(wb_sim_check_inflow(r->sim, r->planes, r->given));
  PetscFunctionReturn(0);
}

/* The checkpoint must not be beyond what the results hold. */
static PetscErrorCode check_results(WbApp *app, WbLesRuns *r, const WbResult *result) {
  PetscFunctionBeginUser;
  const int first = wb_sim_first_minute(r->sim, r->run), known = wb_result_first_missing(result);
  if (known < first)
    WB_RAISE_ALL(WB_ERR_INPUT,
                 "%s/%s lacks minute %d, beyond which the checkpoint is: restore it, or remove %s/checkpoint.h5 and "
                 "checkpoint.h5.prev to begin anew",
                 app->out, result->name, known + 1, app->out);
  PetscFunctionReturn(0);
}

static PetscErrorCode run_les(WbApp *app, const WbCity *city, const WbSimOptions *options, const WbOutputFiles *files) {
  PetscFunctionBeginUser;
  WbLesRuns r = {0};
  WbLesRun output;
  bool resumed = false;
  const bool again = app->run.restart;
  PetscCall(create(app, city, options, &r));
  if (app->check) {
    wb_sim_destroy(&r.sim);
    PetscFunctionReturn(0);
  }
  PetscCall(wb_app_output_start(app, files));
  PetscCall(wb_sim_inflow(r.sim, r.planes, r.given));
  memset(&output, 0, sizeof output);
  PetscCall(wb_les_output_create(r.run->les, &r.extra, &output.extra)); /* a checkpoint holds its statistics */
  if (again) PetscCall(wb_sim_resume(r.sim, &resumed));
  PetscCall(wb_les_output_open(output.extra, resumed && r.run->started && wb_les_time(r.run->les) > 0));
  PetscCall(open_output(app, r.sim, r.run, files->results[0], city, again, &output));
  PetscCall(check_results(app, &r, &output.result));
  PetscCall(wb_sim_spinup(r.sim, r.coarse));
  if (r.fine) PetscCall(wb_sim_start_from(r.sim, r.fine, r.coarse));
  output.begin = wb_wtime();
  PetscCall(wb_sim_minutes(r.sim, r.run, minute, &output));
  PetscCall(wb_sim_checkpoint(r.sim)); /* from which a longer run can go on */
  PetscCall(wb_les_output_destroy(&output.extra));
  PetscCall(finish(&output, r.run, files->results[0]));
  wb_sim_destroy(&r.sim);
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
  WbCity *city = NULL, outline;
  const char *results[] = {dx < 20 ? "truth.nc" : "lr.nc"};
  const char *state[] = {WB_APP_RUN_STATE, "profiles.nc", "probes.csv", "slices.nc"};
  const WbOutputFiles files = {.record = "summary.json",
                               .lock = "run.lock",
                               .early = true,
                               .restart = true,
                               .n_results = 1,
                               .results = results,
                               .n_state = sizeof state / sizeof state[0],
                               .state = state};
  PetscCall(wb_app_sim_options(app, &options));
  PetscCall(wb_app_city_options(app, &city_options));
  options.dx_hr_m = dx < 20 ? dx : options.dx_hr_m;
  PetscCall(wb_app_output_begin(app, &files));
  if (app->run.finished) PetscFunctionReturn(0);
  WbMemoryPlan plan;
  const bool known = wb_memory_plan_window(&city_options, &outline);
  if (!known) PetscCall(wb_city_create(app->comm, &city_options, &city));
  wb_memory_plan_begin(app, known ? &outline : city, &plan);
  PetscCall(wb_memory_plan_les(&plan, known ? &outline : city, &options, dx));
  PetscCall(wb_memory_plan_report(&plan));
  if (app->check && plan.too_large) PetscFunctionReturn(wb_memory_plan_stop_check(app));
  if (known) PetscCall(wb_city_create(app->comm, &city_options, &city));
  if (dx < options.dx_m) PetscCall(wb_app_check_air(app, city, dx));
  PetscCall(wb_app_turn_north(app, city, &options.les));
  PetscCall(run_les(app, city, &options, &files));
  wb_city_destroy(&city);
  PetscFunctionReturn(0);
}
