/* Evaluates a model file on raw arrays and writes outputs, gradients and optimiser steps for torch_parity.py, which
 * sets WB_NET_PARITY_DIR. Without it there is nothing to test: exit code 77 (skipped). */
#include "windbridge/model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *load(const char *folder, const char *name, size_t bytes) {
  char path[1200];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  void *data = malloc(bytes);
  if (!file || !data || fread(data, 1, bytes, file) != bytes) {
    fprintf(stderr, "cannot read %zu bytes of %s\n", bytes, path);
    exit(1);  // NOLINT
  }
  fclose(file);
  return data;
}

static void save(const char *folder, const char *name, const char *suffix, const void *data, size_t bytes) {
  char path[1200];
  snprintf(path, sizeof path, "%s/%s_%s.bin", folder, name, suffix);
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(data, 1, bytes, file) != bytes || fclose(file)) exit(1);  // NOLINT
}

static PetscErrorCode evaluate(const char *folder, WbModel model, const char *backend_name, const WbGrid *grid,
                               double t) {
  PetscFunctionBeginUser;
  const size_t n = wb_grid_owned(grid), f = sizeof(float);
  const WbNetConfig *c = wb_model_config(model);
  float *x = load(folder, "x.bin", n * (size_t)c->in_dynamic * f),
        *stat = load(folder, "stat.bin", n * (size_t)c->in_static * f);
  float *dout = load(folder, "dout.bin", n * (size_t)c->out * f), *out = NULL, *dx = NULL;
  float *dmean = load(folder, "dmean.bin", n * (size_t)c->out * f);
  uint8_t *mask = load(folder, "mask.bin", n);
  WbBackend backend = WB_BACKEND_REF;
  WbNet net = NULL;
  PetscCall(WB_ALLOC(n * (size_t)c->out, &out));
  PetscCall(WB_ALLOC(n * (size_t)c->in_dynamic, &dx));
  PetscCall(wb_backend_parse(backend_name, &backend));
  PetscCall(wb_net_create(model, grid, backend, WB_NET_TRAINING, &net));
  PetscCall(wb_net_condition(net, stat, mask, NULL));
  PetscCall(wb_net_forward(net, t, x, out));
  wb_model_zero_grads(model);
  PetscCall(wb_net_backward(net, dout, dx));
  PetscCall(wb_net_condition_backward(net));
  save(folder, "mean", backend_name, wb_net_mean(net), n * (size_t)c->out * f);
  for (size_t i = 0; i < n * (size_t)c->out; i++) dmean[i] /= (float)c->cond_nets;
  for (int k = 0; k < c->cond_nets; k++) {
    PetscCall(wb_net_mean_forward(net, k, stat, mask, dout)); /* dout is done with */
    PetscCall(wb_net_mean_backward(net, dmean));
  }
  save(folder, "out", backend_name, out, n * (size_t)c->out * f);
  save(folder, "dx", backend_name, dx, n * (size_t)c->in_dynamic * f);
  save(folder, "grads", backend_name, wb_model_grads(model), wb_model_size(model) * f);
  wb_net_destroy(&net);
  free(x);
  free(stat);
  free(dout);
  free(dmean);
  free(mask);
  WB_FREE(&out);
  WB_FREE(&dx);
  PetscFunctionReturn(0);
}

/* Ten steps with given gradients; the options are torch_parity.py's. */
static PetscErrorCode optimise(const char *folder, WbModel model) {
  PetscFunctionBeginUser;
  const size_t n = wb_model_size(model), f = sizeof(float);
  const WbAdamWOptions options = {
      .lr = 1e-3, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .weight_decay = 0.1, .clip_norm = 2.0, .ema_decay = 0.9};
  WbAdamW opt = NULL;
  float *steps = load(folder, "steps.bin", 10 * n * f);
  PetscCall(wb_adamw_create(model, &options, &opt));
  for (int s = 0; s < 10; s++) {
    double norm = 0;
    memcpy(wb_model_grads(model), steps + (size_t)s * n, n * f);
    PetscCall(wb_adamw_step(opt, 1e-3 * (1 + s), &norm));
  }
  save(folder, "params", "adamw", wb_model_params(model), n * f);
  save(folder, "ema", "adamw", wb_adamw_state(opt, 2), n * f);
  wb_adamw_destroy(&opt);
  free(steps);
  PetscFunctionReturn(0);
}

static PetscErrorCode dump(const char *folder) {
  PetscFunctionBeginUser;
  char path[1200];
  double *shape = load(folder, "shape.bin", 4 * sizeof(double)); /* nx, ny, nz, t */
  WbModel model = NULL;
  WbModelMeta meta;
  WbGrid *grid = NULL;
  snprintf(path, sizeof path, "%s/model.h5", folder);
  PetscCall(wb_model_read(PETSC_COMM_WORLD, path, &model, &meta));
  PetscCall(
      wb_grid_create(PETSC_COMM_WORLD, (int)shape[0], (int)shape[1], (int)shape[2], 4, 0, 0, false, false, &grid));
  const char *const backends[] = {"ref", "blas", "onednn", "native"};
  for (int i = 0; i < 4; i++) PetscCall(evaluate(folder, model, backends[i], grid, shape[3]));
  PetscCall(optimise(folder, model));
  snprintf(path, sizeof path, "%s/model_out.h5", folder);
  PetscCall(wb_model_write(PETSC_COMM_WORLD, path, model, &meta));
  wb_grid_destroy(&grid);
  wb_model_destroy(&model);
  free(shape);
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  const char *folder = getenv("WB_NET_PARITY_DIR");
  if (!folder) {
    printf("skipped: golden.net.torch_parity runs this program\n");
    return 77;
  }
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  wb_error_install();
  const PetscErrorCode result = dump(folder);
  if (result) fprintf(stderr, "%s\n", wb_error_message());
  if (PetscFinalize()) return 1;
  return result ? 1 : 0;
}
