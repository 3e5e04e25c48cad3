/* The output folder: refusal to overwrite, run.log, the start line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app.h"

void wb_app_path(const WbApp *app, const char *name, char out[1024]) {
  snprintf(out, 1024, "%s/%s", app->out, name);
}

PetscErrorCode wb_app_output_begin(WbApp *app, int n_files, const char *const *files) {
  PetscFunctionBeginUser;
  const bool restart = wb_config_bool(app->config, "run", "restart");
  const bool overwrite = wb_config_bool(app->config, "run", "overwrite");
  int existing = -1;
  if (app->rank == 0) {
    for (int i = 0; i < n_files && existing < 0; i++) {
      char path[1024];
      wb_app_path(app, files[i], path);
      if (access(path, F_OK) == 0) existing = i;
    }
  }
  PetscCallMPI(MPI_Bcast(&existing, 1, MPI_INT, 0, app->comm));
  if (existing >= 0 && !restart && !overwrite)
    WB_RAISE_ALL(
        WB_ERR_IO,
        "%s/%s exists; give -run_restart to continue, -run_overwrite to replace it, or another -run_output_dir",
        app->out, files[existing]);
  if (app->check) PetscFunctionReturn(0);
  PetscCall(wb_output_dir_prepare(app->comm, app->out));
  char log[1024];
  wb_app_path(app, "run.log", log);
  PetscCall(wb_log_open(app->comm, log, wb_config_bool(app->config, "run", "quiet")));
  wb_log("windbridge %s (%s) %s, %d rank%s, output in %s/", wb_version(), wb_git_version(), app->command, app->size,
         app->size > 1 ? "s" : "", app->out);
  if (app->unused) wb_log_warn("%s", app->unused);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_stop_check(WbApp *app, bool *stop) {
  PetscFunctionBeginUser;
  const double limit = wb_config_real(app->config, "run", "walltime_s");
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
