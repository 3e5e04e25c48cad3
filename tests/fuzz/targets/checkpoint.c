/* Checkpoints as the flow solver and the training write them. */
#include "target.h"
#include "windbridge/io.h"

const char *const target_names[] = {"u", "planes", "weights", NULL};
const char *const target_attributes[] = {"windbridge_checkpoint", "checksum", "time_s", "simulation", NULL};

static const int dims[3] = {3, 4, 5}, four = 4, zero[3] = {0, 0, 0}, many = 500;

PetscErrorCode target_write(const char *path) {
  WbCheckpoint ck = NULL;
  float u[60], weights[500];
  const double planes[4] = {1, 2, 3, 4};
  PetscFunctionBeginUser;
  for (int i = 0; i < 60; i++) u[i] = (float)i;
  for (int i = 0; i < 500; i++) weights[i] = 1.0F / (float)(i + 1);
  PetscCall(wb_checkpoint_create(PETSC_COMM_SELF, path, &ck));
  PetscCall(wb_checkpoint_put(ck, "u", WB_FP32, 3, dims, zero, dims, u));
  PetscCall(wb_checkpoint_put(ck, "planes", WB_FP64, 1, &four, zero, &four, planes));
  PetscCall(wb_checkpoint_put(ck, "weights", WB_FP32, 1, &many, zero, &many, weights));
  PetscCall(wb_checkpoint_put_real(ck, "time_s", 60.0));
  PetscCall(wb_checkpoint_put_text(ck, "simulation", "a mark of the simulation"));
  PetscCall(wb_checkpoint_close(&ck));
  PetscFunctionReturn(0);
}

static PetscErrorCode read_values(WbCheckpoint ck) {
  char text[32];
  float u[60], weights[500];
  double planes[4], time = 0;
  bool has = false;
  PetscFunctionBeginUser;
  PetscCall(wb_checkpoint_get_text(ck, "simulation", text, (int)sizeof text));
  PetscCall(wb_checkpoint_get_real(ck, "time_s", &time));
  PetscCall(wb_checkpoint_get(ck, "u", WB_FP32, 3, dims, zero, dims, u));
  PetscCall(wb_checkpoint_get(ck, "planes", WB_FP64, 1, &four, zero, &four, planes));
  PetscCall(wb_checkpoint_has(ck, "weights", &has));
  PetscCall(wb_checkpoint_get(ck, "weights", WB_FP32, 1, &many, zero, &many, weights));
  PetscFunctionReturn(0);
}

PetscErrorCode target_read(const char *path) {
  WbCheckpoint ck = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_checkpoint_open(PETSC_COMM_SELF, path, &ck));
  const PetscErrorCode ierr = read_values(ck);
  const PetscErrorCode closed = wb_checkpoint_close(&ck);
  PetscFunctionReturn(ierr ? ierr : closed);
}
