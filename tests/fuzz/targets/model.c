/* Model files. */
#include "target.h"
#include "windbridge/model.h"

const char *const target_names[] = {"step.head.weight", "cond.0.down.bias", "embed1.weight", "guide_stem2.weight",
                                    NULL};
const char *const target_attributes[] = {"architecture", "meta", "checksum", "format_version", NULL};

static const WbNetConfig config = {.in_dynamic = 4,
                                   .in_static = 9,
                                   .out = 4,
                                   .width1 = 2,
                                   .width2 = 2,
                                   .blocks1 = 0,
                                   .blocks2 = 0,
                                   .cond_width1 = 2,
                                   .cond_width2 = 2,
                                   .cond_blocks1 = 0,
                                   .cond_blocks2 = 0,
                                   .cond_nets = 1,
                                   .embed = 4};

PetscErrorCode target_write(const char *path) {
  WbModel model = NULL;
  const WbModelMeta meta = {
      .process = "bridge",
      .schedule = "table",
      .target = "preconditioned",
      .table = {.n = 3, .t = {0, 0.25, 1}, .alpha = {1, 0.7, 0}, .beta = {0, 0.1, 1}, .noise = {2, 1, 0}},
      .scale = {1, 1, 1, 1},
      .noise = {1},
      .training_json = "{}"};
  PetscFunctionBeginUser;
  PetscCall(wb_model_create(&config, &model));
  PetscCall(wb_model_init(model, 1));
  PetscCall(wb_model_write(PETSC_COMM_SELF, path, model, &meta));
  wb_model_destroy(&model);
  PetscFunctionReturn(0);
}

PetscErrorCode target_read(const char *path) {
  static WbModelMeta meta;
  WbModel model = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_model_read(PETSC_COMM_SELF, path, &model, &meta));
  wb_model_destroy(&model);
  PetscFunctionReturn(0);
}
