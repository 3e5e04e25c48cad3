/* windbridge evaluate: scores against a 5 m truth, with the interpolation and regression baselines. Either on pair
 * files (data_files: the model is run on each) or on a forecast already made (evaluate_forecast and evaluate_truth). */
#include "evaluate.h"
#include "record.h"

static PetscErrorCode get_regression(WbApp *app, const WbFileList *files, const char *stored, int nz,
                                     WbRegression *reg) {
  PetscFunctionBeginUser;
  *reg = NULL;
  if (files->n > 0) {
    WbNormalisation scales = {0};
    char path[1024];
    PetscCall(wb_regression_scales(app, &scales));
    PetscCall(wb_regression_create(nz, reg));
    PetscCall(wb_regression_fit_files(app, files, &scales, nz, *reg));
    wb_app_path(app, "regression.json", path);
    PetscCall(wb_regression_write_json(app, path, nz, *reg));
  } else if (stored) {
    PetscCall(wb_regression_create(nz, reg));
    PetscCall(wb_regression_read_json(app, stored, nz, *reg));
  } else {
    wb_log_warn("no regression baseline: give evaluate_train_files or evaluate_regression");
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode write_scores(WbApp *app, const WbScores *scores, int resamples, uint32_t seed) {
  PetscFunctionBeginUser;
  wb_scores_print(scores, resamples, seed);
  cJSON *root = wb_scores_json(scores, resamples, seed);
  wb_record_add(app, "done", root);
  char *text = cJSON_Print(root), path[1024];
  wb_app_path(app, "scores.json", path);
  const PetscErrorCode ierr = wb_file_write_text(app->comm, path, text);
  cJSON_free(text);
  cJSON_Delete(root);
  wb_log("written: %s", path);
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_app_evaluate(WbApp *app) {
  PetscFunctionBeginUser;
  WbConfig c = app->config;
  const char *forecast = wb_config_text(c, "evaluate", "forecast"), *truth = wb_config_text(c, "evaluate", "truth");
  const char *stored = wb_config_text(c, "evaluate", "regression");
  WbFileList files, training;
  PetscCall(wb_app_expand_files(app, "data", "files", &files));
  PetscCall(wb_app_expand_files(app, "evaluate", "train_files", &training));
  if ((forecast == NULL) != (truth == NULL))
    WB_RAISE_ALL(WB_ERR_CONFIG, "evaluate_forecast and evaluate_truth belong together; only %s is given",
                 forecast ? "evaluate_forecast" : "evaluate_truth");
  if (files.n == 0 && !forecast)
    WB_RAISE_ALL(WB_ERR_CONFIG,
                 "nothing to score: give data_files (test pairs), or evaluate_forecast and evaluate_truth");
  const char *calibrate = wb_config_text(c, "evaluate", "calibrate");
  if (calibrate && (forecast || wb_config_int(c, "sr", "members") < 2))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: evaluate_calibrate needs pair files (data_files) and sr_members of at least 2",
                 wb_config_where(c, "evaluate", "calibrate"));
  const int resamples = (int)wb_config_int(c, "evaluate", "bootstrap");
  const uint32_t seed = (uint32_t)wb_config_real(c, "run", "seed");
  const int nz = (int)(wb_config_real(c, "sr", "top_m") / wb_config_real(c, "sr", "dx_m") + 0.5);
  const char *results[] = {"scores.json"};
  const WbOutputFiles outputs = {
      .record = "scores.json", .lock = "run.lock", .restart = true, .whole = true, .n_results = 1, .results = results};
  PetscCall(wb_app_output_begin(app, &outputs));
  if (app->run.finished) {
    wb_app_free_files(&files);
    PetscFunctionReturn(0);
  }
  for (int f = 0; f < files.n; f++) {
    WbPairInfo info;
    PetscCall(wb_pair_inspect(app->comm, files.paths[f], &info));
    if (calibrate && strcmp(info.split, "test") == 0)
      WB_RAISE_ALL(WB_ERR_INPUT, "%s: its split is test; allowed with evaluate_calibrate: validation and train",
                   files.paths[f]);
    if (app->check) PetscCall(wb_pair_check(app->comm, files.paths[f]));
  }
  if (!forecast) PetscCall(wb_app_check_model(app));
  if (!app->check) {
    WbRegression reg = NULL;
    WbScores *scores = NULL;
    PetscCall(get_regression(app, &training, stored, nz, &reg));
    if (forecast) {
      PetscCall(wb_evaluate_forecast(app, forecast, truth, reg, &scores));
    } else {
      PetscCall(wb_scores_create((int)wb_config_int(c, "sr", "members"), &scores));
      PetscCall(wb_evaluate_pairs(app, &files, reg, scores));
    }
    PetscCall(write_scores(app, scores, resamples, seed));
    if (calibrate) PetscCall(wb_evaluate_calibrate(app, scores, calibrate));
    wb_scores_destroy(&scores);
    wb_regression_destroy(&reg);
  }
  wb_app_free_files(&files);
  wb_app_free_files(&training);
  PetscFunctionReturn(0);
}
