/* A model turned by a horizontal symmetry: its weights, and the numbers of u and v that belong to them. */
#include "windbridge/model.h"

PetscErrorCode wb_model_turn(WbModel model, WbModelMeta *meta, int s) {
  PetscFunctionBeginUser;
  PetscCall(wb_model_turn_weights(model, s));
  float *const numbers[] = {meta->epsilon, meta->residual, meta->spread, meta->scale};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) wb_symmetry_lengths(s, &numbers[i][1], &numbers[i][2]);
  PetscFunctionReturn(0);
}
