/* The output folder: whose it is, refusal to overwrite, what a restart finds, run.log, the record of the run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lock.h"
#include "record.h"
#include "results.h"

void wb_app_path(const WbApp *app, const char *name, char out[1024]) {
  snprintf(out, 1024, "%s/%s", app->out, name);
}

PetscErrorCode wb_app_exists(const WbApp *app, const char *path, bool *yes) {
  PetscFunctionBeginUser;
  int found = app->rank == 0 && access(path, F_OK) == 0;
  PetscCallMPI(MPI_Bcast(&found, 1, MPI_INT, 0, app->comm));
  *yes = found != 0;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_share_text(const WbApp *app, char **text) {
  int size = app->rank == 0 && *text ? (int)strlen(*text) + 1 : 0;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Bcast(&size, 1, MPI_INT, 0, app->comm));
  if (app->rank != 0) *text = size ? malloc((size_t)size) : NULL;
  if (size) PetscCallMPI(MPI_Bcast(*text, size, MPI_CHAR, 0, app->comm));
  PetscFunctionReturn(0);
}

/* How many of the names are there, and the first that is (NULL: none); states only count where a run can go on from
 * them. */
static PetscErrorCode count_existing(WbApp *app, int n, const char *const *names, bool states, int *count,
                                     const char **first) {
  PetscFunctionBeginUser;
  *count = 0;
  *first = NULL;
  for (int i = 0; i < n; i++) {
    char path[1024];
    bool there = false;
    const size_t length = strlen(names[i]);
    if (states && (length < 3 || strcmp(names[i] + length - 3, ".h5") != 0)) continue;
    wb_app_path(app, names[i], path);
    PetscCall(wb_app_exists(app, path, &there));
    *count += there;
    if (there && !*first) *first = names[i];
  }
  PetscFunctionReturn(0);
}

/* Results that do not say whether their run came to its end: have all minutes been written? */
static PetscErrorCode all_complete(WbApp *app, const WbOutputFiles *f, bool *yes) {
  PetscFunctionBeginUser;
  *yes = true;
  for (int i = 0; i < f->n_results && *yes; i++) {
    char path[1024];
    wb_app_path(app, f->results[i], path);
    PetscCall(wb_result_is_complete(app, path, yes));
  }
  PetscFunctionReturn(0);
}

/* The folder holds something, and run_restart is given: is it this run's, and is anything left to do? */
static PetscErrorCode look_back(WbApp *app, const WbOutputFiles *f, bool all_there) {
  WbRunRecord record;
  bool grows = false, done = false;
  PetscFunctionBeginUser;
  PetscCall(wb_record_read(app, f->record, f->n_results, f->results, &record));
  PetscErrorCode ierr = 0;
  if (record.found) ierr = wb_record_compare(app, &record, &app->run.changes, &grows);
  if (!ierr && grows && f->whole)
    ierr = WB_ERROR(WB_ERR_INPUT, WB_ERROR_ALL,
                    "%s/%s: %s cannot grow in a run that is continued; restore the keys, or begin anew with "
                    "-run_overwrite or in another -run_output_dir",
                    app->out, f->results[0], app->run.changes ? app->run.changes : "its keys");
  if (!ierr && record.found && all_there && !grows) {
    done = record.status && strcmp(record.status, "done") == 0;
    if (!record.status) ierr = all_complete(app, f, &done);
  }
  app->run.finished = done;
  app->run.earlier = record.runs ? strdup(record.runs) : NULL;
  wb_record_free(&record);
  PetscFunctionReturn(ierr);
}

static void say_finished(const WbApp *app, bool quiet) {
  if (app->rank != 0) return;
  /* run.log is left as it is, with the rest; where stdout is to be silent, stderr says it */
  fprintf(quiet ? stderr : stdout, "windbridge: %s/: the run is finished, nothing to continue\n", app->out);
}

static void keep_names(WbApp *app, const WbOutputFiles *f) {
  WbRunState *r = &app->run;
  *r = (WbRunState){.lock_fd = -1, .early = f->early, .walltime_s = wb_config_real(app->config, "run", "walltime_s")};
  if (f->record) snprintf(r->record, sizeof r->record, "%s", f->record);
  snprintf(r->lock, sizeof r->lock, "%s/%s", app->out, f->lock);
}

/* Takes the folder: from here on other runs are refused, and what is said is kept in run.log. */
static PetscErrorCode enter(WbApp *app, bool quiet) {
  PetscFunctionBeginUser;
  PetscCall(wb_output_dir_prepare(app->comm, app->out));
  PetscCall(wb_lock_take(app->comm, app->run.lock, &app->run.lock_fd));
  char log[1024];
  wb_app_path(app, "run.log", log);
  PetscCall(wb_log_open(app->comm, log, quiet));
  wb_log("windbridge %s (%s) %s, %d rank%s, output in %s/", wb_version(), wb_git_version(), app->command, app->size,
         app->size > 1 ? "s" : "", app->out);
  if (app->run.changes && app->run.changes[0]) wb_log("changed since the run began: %s", app->run.changes);
  if (app->unused) wb_log_warn("%s", app->unused);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_output_begin(WbApp *app, const WbOutputFiles *f) {
  PetscFunctionBeginUser;
  const bool restart = f->restart && wb_config_bool(app->config, "run", "restart");
  const bool overwrite = wb_config_bool(app->config, "run", "overwrite");
  const bool quiet = wb_config_bool(app->config, "run", "quiet");
  int results = 0, states = 0;
  const char *result = NULL, *state = NULL;
  keep_names(app, f);
  PetscCall(wb_lock_check(app->comm, app->run.lock));
  PetscCall(count_existing(app, f->n_results, f->results, false, &results, &result));
  PetscCall(count_existing(app, f->n_state, f->state, true, &states, &state));
  if (results + states > 0 && !restart && !overwrite)
    WB_RAISE_ALL(WB_ERR_IO, "%s/%s exists; give %s-run_overwrite to replace it, or another -run_output_dir", app->out,
                 result ? result : state, f->restart ? "-run_restart to continue, " : "");
  if (f->record) PetscCall(wb_record_inputs(app, &app->run.inputs));
  app->run.replaces = !restart;
  app->run.restart = restart && results + states > 0;
  if (restart) PetscCall(look_back(app, f, results == f->n_results));
  if (app->run.finished) say_finished(app, quiet);
  if (app->check || app->run.finished) PetscFunctionReturn(0);
  PetscCall(enter(app, quiet));
  PetscFunctionReturn(0);
}

/* ---- from here on the folder is this run's ---- */
static void remove_old(const WbApp *app, const WbOutputFiles *f) {
  char path[1024];
  for (int i = 0; i < f->n_results + f->n_state; i++) {
    wb_app_path(app, i < f->n_results ? f->results[i] : f->state[i - f->n_results], path);
    (void)unlink(path);
  }
}

/* The record alone, as long as there are no results. */
static PetscErrorCode write_record(WbApp *app, MPI_Comm comm, const char *status, const char *error) {
  cJSON *root = cJSON_CreateObject();
  char path[1024];
  PetscFunctionBeginUser;
  wb_record_add(app, status, root);
  if (error) cJSON_AddStringToObject(root, "error", error);
  char *text = cJSON_Print(root);
  wb_app_path(app, app->run.record, path);
  const PetscErrorCode ierr = wb_file_write_text(comm, path, text);
  cJSON_free(text);
  cJSON_Delete(root);
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_app_output_start(WbApp *app, const WbOutputFiles *f) {
  PetscFunctionBeginUser;
  if (app->rank == 0 && app->run.replaces) remove_old(app, f);
  app->run.began = (double)time(NULL);
  app->run.started = true;
  if (app->run.early) PetscCall(write_record(app, app->comm, "running", NULL));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_record_done(WbApp *app) {
  PetscFunctionBeginUser;
  PetscCall(write_record(app, app->comm, "done", NULL));
  PetscFunctionReturn(0);
}

void wb_app_output_end(WbApp *app, PetscErrorCode outcome) {
  WbRunState *r = &app->run;
  if (outcome && r->started && r->early && app->rank == 0)
    (void)write_record(app, MPI_COMM_SELF, outcome == (PetscErrorCode)WB_ERR_STOPPED ? "stopped" : "failed",
                       wb_error_message());
  wb_lock_release(r->lock, &r->lock_fd);
  free(r->inputs);
  free(r->changes);
  free(r->earlier);
}

PetscErrorCode wb_app_stop_check(WbApp *app, bool *stop) {
  PetscFunctionBeginUser;
  const double limit = app->run.walltime_s;
  int mine = wb_stop_requested() || (limit > 0 && wb_wtime() - app->t_start > limit), any = 0;
  PetscCallMPI(MPI_Allreduce(&mine, &any, 1, MPI_INT, MPI_MAX, app->comm));
  *stop = any != 0;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_check_model(WbApp *app) {
  PetscFunctionBeginUser;
  static WbModelMeta meta; /* 8 kB of provenance: not on the stack */
  WbSrOptions options;
  WbModel model = NULL;
  PetscCall(wb_app_sr_options(app, &options));
  PetscCall(wb_model_read(app->comm, options.model_path, &model, &meta));
  const WbNetConfig *c = wb_model_config(model);
  if (c->in_dynamic != WB_CHANNELS || c->out != WB_CHANNELS || c->in_static != WB_STATIC_CHANNELS)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: the network takes %d + %d channels and gives %d; needed: %d + %d and %d",
                 options.model_path, c->in_dynamic, c->in_static, c->out, WB_CHANNELS, WB_STATIC_CHANNELS, WB_CHANNELS);
  wb_model_destroy(&model);
  PetscFunctionReturn(0);
}
