/* windbridge train: pair files -> trained model. */
#include <math.h>

#include "memory_plan.h"
#include "results.h"

/* Fitted to the correlations of x1 - x0 - mean over the training pairs at lags of 5 to 80 m (doc/theory.rst). */
static const float default_noise[WB_NOISE_SCALES] = {0.03F, 0.15F, 0.25F, 0.33F, 0.24F};

static PetscErrorCode noise_option(WbConfig c, float noise[WB_NOISE_SCALES]) {
  double given[WB_NOISE_SCALES] = {0}, sum = 0;
  PetscFunctionBeginUser;
  const int n = wb_config_numbers(c, "train", "noise_scales", WB_NOISE_SCALES, given);
  for (int l = 0; l < WB_NOISE_SCALES; l++) {
    noise[l] = n > 0 ? (float)given[l] : default_noise[l];
    sum += (double)noise[l];
  }
  if (n > WB_NOISE_SCALES || !(fabs(sum - 1) < 1e-4))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: train_noise_scales has %d shares with sum %g; allowed: 1 to %d shares with sum 1",
                 wb_config_where(c, "train", "noise_scales"), n, sum, (int)WB_NOISE_SCALES);
  PetscFunctionReturn(0);
}

static PetscErrorCode loss_weights_option(WbConfig c, double weights[WB_CHANNELS]) {
  double sum = 0;
  PetscFunctionBeginUser;
  for (int i = 0; i < WB_CHANNELS; i++) weights[i] = 1;
  const int n = wb_config_numbers(c, "train", "loss_weights", WB_CHANNELS, weights);
  for (int i = 0; i < WB_CHANNELS; i++) sum += weights[i];
  if ((n != 0 && n != WB_CHANNELS) || !(sum > 0))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: train_loss_weights has %d numbers; allowed: four (T, u, v, w), not all 0",
                 wb_config_where(c, "train", "loss_weights"), n);
  PetscFunctionReturn(0);
}

static PetscErrorCode epsilon_option(WbConfig c, double factor[WB_CHANNELS]) {
  PetscFunctionBeginUser;
  const int n = wb_config_numbers(c, "train", "epsilon_factor", WB_CHANNELS, factor);
  if (n > 1 && n != WB_CHANNELS)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: train_epsilon_factor has %d numbers; allowed: one, or four (T, u, v, w)",
                 wb_config_where(c, "train", "epsilon_factor"), n);
  if (n == 0) factor[0] = 1;
  for (int i = 1; i < WB_CHANNELS && n < 2; i++) factor[i] = factor[0];
  PetscFunctionReturn(0);
}

/* The values of one column, as many as there are times; *column out: NULL where the key is unset. */
static PetscErrorCode table_column(WbConfig c, const char *name, int n, bool needed, double *values,
                                   const double **column) {
  const int found = wb_config_numbers(c, "train", name, WB_MODEL_TABLE, values);
  PetscFunctionBeginUser;
  *column = found > 0 ? values : NULL;
  if (n > WB_MODEL_TABLE || (found != n && (needed || found > 0)))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: train_%s has %d numbers, train_table_t %d; allowed: as many, at most %d",
                 wb_config_where(c, "train", name), name, found, n, (int)WB_MODEL_TABLE);
  PetscFunctionReturn(0);
}

/* Schedule and table of values, which only a bridge and an interpolant have. values: of the table, live with it. */
static PetscErrorCode path_option(WbConfig c, WbModelTable *values, WbTrainOptions *o) {
  const char *schedule = wb_config_text(c, "sr", "schedule");
  WbPathTable *t = &o->table;
  PetscFunctionBeginUser;
  PetscCall(wb_schedule_parse(strcmp(schedule, "model") == 0 ? "linear" : schedule, &o->schedule));
  *t = (WbPathTable){.n = wb_config_numbers(c, "train", "table_t", WB_MODEL_TABLE, values->t), .t = values->t};
  PetscCall(table_column(c, "table_alpha", t->n, true, values->alpha, &t->alpha));
  PetscCall(table_column(c, "table_beta", t->n, true, values->beta, &t->beta));
  PetscCall(table_column(c, "table_noise", t->n, true, values->noise, &t->noise));
  PetscCall(table_column(c, "table_diffusivity", t->n, false, values->diffusivity, &t->diffusivity));
  const bool bridge = o->process == WB_PROCESS_BRIDGE && o->schedule == WB_SCHEDULE_TABLE;
  if (t->n > 0 ? !bridge && o->process != WB_PROCESS_INTERPOLANT : bridge)
    WB_RAISE_ALL(WB_ERR_CONFIG,
                 "%s: train_table_t has %d times with train_process %s and sr_schedule %s; a table is for sr_schedule "
                 "table of a bridge, which needs one, and for an interpolant",
                 wb_config_where(c, "train", "table_t"), t->n, wb_process_name(o->process), schedule);
  PetscFunctionReturn(0);
}

/* Ranks in groups that share samples, groups that share a batch. */
static PetscErrorCode rank_options(const WbApp *app, WbTrainOptions *o) {
  WbConfig c = app->config;
  PetscFunctionBeginUser;
  if (app->size % o->space_ranks != 0)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: train_space_ranks is '%d'; allowed: a divisor of the %d ranks",
                 wb_config_where(c, "train", "space_ranks"), o->space_ranks, app->size);
  const int groups = app->size / o->space_ranks;
  if (o->batch % groups != 0)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: train_batch is '%d'; allowed: a multiple of the %d groups of %d ranks",
                 wb_config_where(c, "train", "batch"), o->batch, groups, o->space_ranks);
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_options(WbApp *app, const WbFileList *files, WbModelTable *table, WbTrainOptions *o) {
  PetscFunctionBeginUser;
  WbConfig c = app->config;
  PetscCall(wb_config_fill(c, &wb_app_train_keys, o));
  PetscCall(wb_config_fill(c, &wb_app_net_keys, &o->net));
  o->files = (const char *const *)files->paths;
  o->n_files = files->n;
  o->output_dir = app->out;
  const char *store = wb_config_text(c, "train", "store_dir");
  if (strcmp(wb_config_text(c, "train", "store"), "disk") == 0) o->store_dir = store ? store : app->out;
  PetscCall(rank_options(app, o));
  PetscCall(loss_weights_option(c, o->loss_weights));
  o->walltime_s = wb_config_real(c, "run", "walltime_s");
  o->checkpoint_interval_s = wb_config_real(c, "run", "checkpoint_interval_s");
  o->seed = (uint32_t)wb_config_real(c, "run", "seed");
  PetscCall(wb_backend_parse(wb_config_text(c, "sr", "backend"), &o->backend));
  PetscCall(wb_process_parse(wb_config_text(c, "train", "process"), &o->process));
  PetscCall(path_option(c, table, o));
  PetscCall(noise_option(c, o->noise));
  PetscCall(epsilon_option(c, o->epsilon_factor));
  o->deck_yaml = app->deck_yaml;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_train(WbApp *app) {
  PetscFunctionBeginUser;
  WbFileList files;
  WbTrainOptions options = {0};
  WbModelTable table = {0}; /* options.table points into it */
  PetscCall(wb_app_expand_files(app, "data", "files", &files));
  if (files.n == 0)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: data_files is empty; give the pair files to train on (made by windbridge pairs)",
                 app->deck ? app->deck : "command line");
  PetscCall(fill_options(app, &files, &table, &options));
  WbPairInfo *info = NULL;
  PetscCall(WB_ALLOC(files.n, &info));
  const char *export = wb_config_text(app->config, "train", "export_file");
  for (int i = 0; i < files.n; i++) {
    PetscCall(wb_pair_inspect(app->comm, files.paths[i], &info[i]));
    if (strcmp(info[i].split, "test") == 0 && !export)
      WB_RAISE_ALL(WB_ERR_INPUT, "%s: its split is test; allowed in data_files of train are train and validation",
                   files.paths[i]);
    if (app->check) PetscCall(wb_pair_check(app->comm, files.paths[i]));
  }
  if (export && !app->check) {
    PetscCall(wb_error_agree(app->comm, app->rank == 0 ? wb_train_export(&options, export) : 0));
    wb_log("written: %s", export);
  }
  if (export) {
    WB_FREE(&info);
    wb_app_free_files(&files);
    PetscFunctionReturn(0);
  }
  char checkpoint[1024], previous[1024];
  wb_app_path(app, "checkpoint.h5", checkpoint);
  const char *results[] = {"model.h5", "loss.csv"};
  const char *state[] = {"checkpoint.h5", "checkpoint.h5.prev", "model_best.h5"};
  const WbOutputFiles outputs = {.record = "summary.json",
                                 .lock = "run.lock",
                                 .early = true,
                                 .restart = true,
                                 .n_results = 2,
                                 .results = results,
                                 .n_state = 3,
                                 .state = state};
  PetscCall(wb_app_output_begin(app, &outputs));
  if (app->run.finished) {
    WB_FREE(&info);
    wb_app_free_files(&files);
    PetscFunctionReturn(0);
  }
  bool kept = false, before = false;
  PetscCall(wb_app_exists(app, checkpoint, &kept));
  wb_app_path(app, "checkpoint.h5.prev", previous);
  PetscCall(wb_app_exists(app, previous, &before));
  if (app->run.restart && (kept || before)) options.resume = checkpoint;
  WbMemoryPlan plan;
  wb_memory_plan_begin(app, NULL, &plan);
  PetscCall(wb_error_agree(app->comm, wb_memory_plan_train(&plan, &options, files.n, info)));
  PetscCall(wb_memory_plan_report(&plan));
  WB_FREE(&info);
  if (!app->check) {
    WbTrainSummary s;
    PetscCall(wb_app_output_start(app, &outputs));
    PetscCall(wb_train(app->comm, &options, &s));
    cJSON *root = NULL;
    wb_summary_begin(app, &root);
    cJSON *t = cJSON_AddObjectToObject(root, "train");
    cJSON_AddNumberToObject(t, "steps", (double)s.steps);
    cJSON_AddNumberToObject(t, "loss", s.loss);
    cJSON_AddNumberToObject(t, "validation_loss", s.validation_loss);
    cJSON_AddNumberToObject(t, "samples_per_s", s.samples_per_s);
    cJSON_AddNumberToObject(t, "sample_share", s.sample_share);
    cJSON_AddNumberToObject(t, "seconds", s.seconds);
    PetscCall(wb_summary_write(app, &root));
    wb_log("written: %s/model.h5, %s/loss.csv, %s/summary.json", app->out, app->out, app->out);
  }
  wb_app_free_files(&files);
  PetscFunctionReturn(0);
}
