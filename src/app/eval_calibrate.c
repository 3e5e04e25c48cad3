/* Calibration of a model's spread on scored files. */
#include "evaluate.h"

PetscErrorCode wb_evaluate_calibrate(WbApp *app, const WbScores *scores, const char *path) {
  static WbModelMeta meta;                                            /* 8 kB of provenance: not on the stack */
  static const char *const names[WB_CHANNELS] = {"T", "u", "v", "w"}; /* of the model's frame */
  WbModel model = NULL;
  WbSrOptions options;
  PetscFunctionBeginUser;
  PetscCall(wb_app_sr_options(app, &options));
  PetscCall(wb_model_read(app->comm, options.model_path, &model, &meta));
  for (int c = 0; c < WB_CHANNELS; c++) {
    const double ratio = wb_score_spread_skill(&scores->in_frame[c]);
    const double old = (double)meta.spread[c];
    if (!(ratio > 0.0)) WB_RAISE_ALL(WB_ERR_NUMERIC, "spread/skill of %s is %g: nothing to calibrate", names[c], ratio);
    meta.spread[c] = (float)(old / ratio);
    wb_log("spread of %s: %.3g -> %.3g", names[c], old, (double)meta.spread[c]);
  }
  PetscCall(wb_model_write(app->comm, path, model, &meta));
  wb_model_destroy(&model);
  wb_log("written: %s", path);
  PetscFunctionReturn(0);
}
