/* The whole network: gradients against finite differences, backends, masks; the optimiser; the model file. */
#include "wb_test_net.h"
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NX = 8, NY = 12, NZ = 8, CELLS = NX * NY * NZ };
static const WbNetConfig small = {.in_dynamic = 4,
                                  .in_static = 9,
                                  .out = 4,
                                  .width1 = 8,
                                  .width2 = 16,
                                  .blocks1 = 1,
                                  .blocks2 = 1,
                                  .cond_width1 = 10,
                                  .cond_width2 = 12,
                                  .cond_blocks1 = 1,
                                  .cond_blocks2 = 2,
                                  .cond_nets = 2,
                                  .embed = 8};

static float x[CELLS * 4], stat[CELLS * 9], out[CELLS * 4], dout[CELLS * 4], dmean[CELLS * 4], dx[CELLS * 4],
    mean[CELLS * 4];
static float dx_first[CELLS * 4];
static uint8_t mask[CELLS];

static void inputs(void) {
  wb_test_fill(CELLS * 4, 1, x);
  wb_test_fill(CELLS * 9, 2, stat);
  wb_test_fill(CELLS * 4, 3, dout);
  wb_test_fill(CELLS * 4, 5, dmean);
  for (int i = 0; i < CELLS; i++) mask[i] = i % NX < 5 || i / NX % NY > 6;
}

static double dot(const float *a, const float *b) {
  double sum = 0;
  for (int i = 0; i < CELLS * 4; i++) sum += (double)a[i] * (double)b[i];
  return sum;
}

/* The means, and two steps of one condition about a given mean. With `learn` the gradients as well (dx: of the second
 * step). */
static double objective(WbNet net, double t, bool learn) {
  WB_OK(wb_net_params_changed(net));
  double sum = 0;
  for (int k = 0; k < small.cond_nets; k++) {
    WB_OK(wb_net_mean_forward(net, k, stat, mask, out));
    sum += dot(out, dmean);
    if (learn) WB_OK(wb_net_mean_backward(net, dmean));
  }
  WB_OK(wb_net_condition(net, stat, mask, dmean)); /* any field will do */
  for (int step = 0; step < 2; step++) {
    WB_OK(wb_net_forward(net, step ? t : 0.9 * t, x, out));
    sum += dot(out, dout);
    if (learn) WB_OK(wb_net_backward(net, dout, dx));
    if (step == 0 && learn) memcpy(dx_first, dx, sizeof dx);
  }
  if (learn) WB_OK(wb_net_condition_backward(net));
  return sum;
}

static void check_gradient(double dropout) {
  WbGrid *grid = NULL;
  WbNet net = NULL;
  inputs();
  WbModel model = wb_test_model(&small);
  WB_OK(wb_grid_create(PETSC_COMM_SELF, NX, NY, NZ, 4, 0, 0, false, false, &grid));
  WB_OK(wb_net_create(model, grid, WB_BACKEND_REF, WB_NET_TRAINING, &net));
  const WbRandomKey key = {.seed = 3, .stream = WB_STREAM_TEST};
  WB_OK(wb_net_dropout(net, dropout, &key));
  const double t = 0.37, h = 4e-3;
  objective(net, t, true);
  for (int i = 0; i < CELLS * 4; i++) dx[i] += dx_first[i]; /* x goes into both steps */
  /* one direction a tensor: as large as the tensor's own values */
  for (int i = 0; i < wb_model_tensors(model); i++) {
    const char *name = NULL;
    int rank = 0, dims[5];
    size_t at = 0, n = 1;
    wb_model_tensor(model, i, &name, &rank, dims, &at);
    for (int r = 0; r < rank; r++) n *= (size_t)dims[r];
    float *p = wb_model_params(model) + at, *g = wb_model_grads(model) + at, *v = NULL, *keep = NULL;
    WB_OK(WB_ALLOC(n, &v));
    WB_OK(WB_ALLOC(n, &keep));
    memcpy(keep, p, n * sizeof *p);
    /* along the gradient: the largest signal over rounding */
    double g2 = 0;
    for (size_t j = 0; j < n; j++) g2 += (double)g[j] * (double)g[j];
    assert_true(g2 > 0);
    for (size_t j = 0; j < n; j++) v[j] = (float)((double)g[j] / sqrt(g2));
    for (size_t j = 0; j < n; j++) p[j] = keep[j] + (float)h * v[j];
    const double up = objective(net, t, false);
    for (size_t j = 0; j < n; j++) p[j] = keep[j] - (float)h * v[j];
    const double down = objective(net, t, false);
    memcpy(p, keep, n * sizeof *p);
    const double difference = (up - down) / (2 * h);
    if (!(fabs(difference - sqrt(g2)) <= 5e-3 * sqrt(g2) + 0.02))
      fail_msg("%s: gradient %g, finite difference %g", name, sqrt(g2), difference);
    WB_FREE(&v);
    WB_FREE(&keep);
  }
  static float keep_x[CELLS * 4];
  memcpy(keep_x, x, sizeof x);
  double g2 = 0;
  for (int i = 0; i < CELLS * 4; i++) g2 += (double)dx[i] * (double)dx[i];
  for (int i = 0; i < CELLS * 4; i++) x[i] = keep_x[i] + (float)(h * (double)dx[i] / sqrt(g2));
  const double up = objective(net, t, false);
  for (int i = 0; i < CELLS * 4; i++) x[i] = keep_x[i] - (float)(h * (double)dx[i] / sqrt(g2));
  const double down = objective(net, t, false);
  WB_ASSERT_NEAR((up - down) / (2 * h) / sqrt(g2), 1.0, 5e-3);
  wb_net_destroy(&net);
  wb_grid_destroy(&grid);
  wb_model_destroy(&model);
}

static void gradient_matches_finite_difference(void **state) {
  (void)state;
  check_gradient(0);
}

static void gradient_with_dropout(void **state) {
  (void)state;
  check_gradient(0.3);
}

/* A rate changes the mean, 0 takes it back, only a network for training drops. */
static void dropout_changes_the_mean(void **state) {
  (void)state;
  WbGrid *grid = NULL;
  WbNet net = NULL;
  static float plain[CELLS * 4];
  inputs();
  WbModel model = wb_test_model(&small);
  WB_OK(wb_grid_create(PETSC_COMM_SELF, NX, NY, NZ, 4, 0, 0, false, false, &grid));
  WB_OK(wb_net_create(model, grid, WB_BACKEND_REF, WB_NET_TRAINING, &net));
  WB_OK(wb_net_condition(net, stat, mask, NULL));
  memcpy(plain, wb_net_mean(net), sizeof plain);
  WbRandomKey key = {.seed = 3, .stream = WB_STREAM_TEST};
  double moved = 0, again = 0;
  WB_OK(wb_net_dropout(net, 0.3, &key));
  WB_OK(wb_net_condition(net, stat, mask, NULL));
  for (int i = 0; i < CELLS * 4; i++) moved += fabs((double)(wb_net_mean(net)[i] - plain[i]));
  assert_true(moved > 0);
  WB_OK(wb_net_dropout(net, 0, &key));
  WB_OK(wb_net_condition(net, stat, mask, NULL));
  for (int i = 0; i < CELLS * 4; i++) again += fabs((double)(wb_net_mean(net)[i] - plain[i]));
  WB_ASSERT_NEAR(again, 0, 0);
  wb_net_destroy(&net);
  WB_OK(wb_net_create(model, grid, WB_BACKEND_REF, WB_NET_INFERENCE, &net));
  assert_int_equal(wb_net_dropout(net, 0.3, &key), WB_ERR_CONFIG);
  wb_error_clear();
  wb_net_destroy(&net);
  wb_grid_destroy(&grid);
  wb_model_destroy(&model);
}

static double difference(size_t n, const float *a, const float *b) {
  double sum = 0, size = 0;
  for (size_t i = 0; i < n; i++) {
    sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    size += (double)b[i] * (double)b[i];
  }
  return sqrt(sum / size);
}

/* out, gradients of one evaluation */
static void evaluate(WbModel model, WbBackend backend, WbNetMode mode, float *result, float *grads) {
  WbGrid *grid = NULL;
  WbNet net = NULL;
  WB_OK(wb_grid_create(PETSC_COMM_SELF, NX, NY, NZ, 4, 0, 0, false, false, &grid));
  WB_OK(wb_net_create(model, grid, backend, mode, &net));
  WB_OK(wb_net_condition(net, stat, mask, NULL));
  WB_OK(wb_net_forward(net, 0.6, x, result));
  WB_OK(wb_net_forward(net, 0.6, x, result)); /* a second time: nothing may be left over */
  if (mode != WB_NET_INFERENCE) {
    wb_model_zero_grads(model);
    WB_OK(wb_net_backward(net, dout, dx));
    WB_OK(wb_net_condition_backward(net));
    WB_OK(wb_net_mean_forward(net, 1, stat, mask, mean));
    WB_OK(wb_net_mean_backward(net, dmean));
    memcpy(grads, wb_model_grads(model), wb_model_size(model) * sizeof *grads);
  }
  wb_net_destroy(&net);
  wb_grid_destroy(&grid);
}

static void backends_and_modes_agree(void **state) {
  (void)state;
  static float reference[CELLS * 4], other[CELLS * 4];
  float *grads = NULL, *grads2 = NULL, *grads3 = NULL;
  inputs();
  WbNetConfig config = small;
  config.width1 = config.cond_width1 = config.cond_width2 = 16; /* for oneDNN's kernels */
  WbModel model = wb_test_model(&config);
  WB_OK(WB_ALLOC(wb_model_size(model), &grads));
  WB_OK(WB_ALLOC(wb_model_size(model), &grads2));
  WB_OK(WB_ALLOC(wb_model_size(model), &grads3));
  evaluate(model, WB_BACKEND_REF, WB_NET_TRAINING, reference, grads);
  for (int b = 0; b < 4; b++) {
    const WbBackend backend = b < 3 ? (WbBackend)b : WB_BACKEND_NATIVE;
    evaluate(model, backend, WB_NET_TRAINING, other, grads2);
    WB_ASSERT_BELOW(difference(CELLS * 4, other, reference), 1e-5);
    WB_ASSERT_BELOW(difference(wb_model_size(model), grads2, grads), 1e-5);
    evaluate(model, backend, WB_NET_RECOMPUTE, other, grads3);
    assert_memory_equal(grads3, grads2, wb_model_size(model) * sizeof *grads2);
    evaluate(model, backend, WB_NET_INFERENCE, other, NULL);
    WB_ASSERT_BELOW(difference(CELLS * 4, other, reference), 1e-5);
  }
  WbNet net = NULL;
  WbGrid *grid = NULL;
  WB_OK(wb_grid_create(PETSC_COMM_SELF, NX, NY, NZ, 4, 0, 0, false, false, &grid));
  const PetscErrorCode bf16 = wb_net_create(model, grid, WB_BACKEND_ONEDNN_BF16, WB_NET_TRAINING, &net);
  wb_net_destroy(&net);
  wb_grid_destroy(&grid);
  if (bf16 == 0) {
    evaluate(model, WB_BACKEND_ONEDNN_BF16, WB_NET_TRAINING, other, grads2);
    WB_ASSERT_BELOW(difference(CELLS * 4, other, reference), 2e-2);
    WB_ASSERT_BELOW(difference(wb_model_size(model), grads2, grads), 3e-2);
  } else {
    assert_int_equal(bf16, WB_ERR_CONFIG); /* a machine without AMX says so */
    wb_error_clear();
  }
  WB_FREE(&grads);
  WB_FREE(&grads2);
  WB_FREE(&grads3);
  wb_model_destroy(&model);
}

/* What buildings hold does not matter; they come out as exactly 0; a fresh model gives 0 everywhere. */
static void buildings_are_masked(void **state) {
  (void)state;
  static float first[CELLS * 4];
  inputs();
  WbModel model = wb_test_model(&small);
  evaluate(model, WB_BACKEND_BLAS, WB_NET_INFERENCE, first, NULL);
  for (int i = 0; i < CELLS; i++)
    if (!mask[i]) {
      for (int c = 0; c < 4; c++) x[i * 4 + c] = NAN;
      for (int c = 0; c < 9; c++) stat[i * 9 + c] = NAN;
    }
  evaluate(model, WB_BACKEND_BLAS, WB_NET_INFERENCE, out, NULL);
  double size = 0;
  for (int i = 0; i < CELLS * 4; i++) {
    WB_ASSERT_NEAR(out[i], mask[i / 4] ? first[i] : 0.0F, 0);
    size += fabs((double)out[i]);
  }
  assert_true(size > 1);
  WB_OK(wb_model_init(model, 5));
  evaluate(model, WB_BACKEND_BLAS, WB_NET_INFERENCE, out, NULL);
  for (int i = 0; i < CELLS * 4; i++) WB_ASSERT_NEAR(out[i], 0, 0);
  wb_model_destroy(&model);
}

/* ---- optimiser: minimises a quadratic; clipping and EMA by hand ---- */
static void adamw_minimises(void **state) {
  (void)state;
  WbModel model = wb_test_model(&small);
  const size_t n = wb_model_size(model);
  const WbAdamWOptions options = {
      .lr = 1e-2, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0, .clip_norm = 1.0, .ema_decay = 0.5};
  WbAdamW opt = NULL;
  WB_OK(wb_adamw_create(model, &options, &opt));
  double norm = 0, first = 0;
  for (int step = 0; step < 300; step++) {
    for (size_t i = 0; i < n; i++) wb_model_grads(model)[i] = wb_model_params(model)[i] - 0.5F;
    WB_OK(wb_adamw_step(opt, 1e-2, &norm));
    if (step == 0) first = norm;
  }
  assert_int_equal(wb_adamw_steps(opt), 300);
  WB_ASSERT_BELOW(norm, 0.05 * first);
  WB_ASSERT_BELOW(difference(n, wb_adamw_state(opt, 2), wb_model_params(model)), 0.05);
  wb_model_grads(model)[3] = NAN;
  const float before = wb_model_params(model)[0];
  assert_int_equal(wb_adamw_step(opt, 1e-2, &norm), WB_ERR_NUMERIC);
  wb_error_clear();
  WB_ASSERT_NEAR(wb_model_params(model)[0], before, 0);
  wb_adamw_destroy(&opt);
  wb_model_destroy(&model);
}

/* Mean square error against a field that depends on the inputs, before and after some steps of training. */
static void train(WbBackend backend, double *first, double *last) {
  WbGrid *grid = NULL;
  WbNet net = NULL;
  WbModel model = NULL;
  WbAdamW opt = NULL;
  WbNetConfig config = small;
  config.width1 = config.cond_width1 = config.cond_width2 = 16;
  const WbAdamWOptions options = {.beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .clip_norm = 1.0, .ema_decay = 0.9};
  inputs();
  WB_OK(wb_model_create(&config, &model));
  WB_OK(wb_model_init(model, 5));
  WB_OK(wb_adamw_create(model, &options, &opt));
  WB_OK(wb_grid_create(PETSC_COMM_SELF, NX, NY, NZ, 4, 0, 0, false, false, &grid));
  WB_OK(wb_net_create(model, grid, backend, WB_NET_TRAINING, &net));
  for (int step = 0; step < 60; step++) {
    double loss = 0, norm = 0;
    WB_OK(wb_net_params_changed(net));
    WB_OK(wb_net_condition(net, stat, mask, NULL));
    WB_OK(wb_net_forward(net, 0.1 * (step % 10), x, out));
    for (int i = 0; i < CELLS * 4; i++) {
      const float target = mask[i / 4] ? stat[i / 4 * 9 + i % 4] - 0.5F * x[i] + 0.3F : 0.0F;
      dout[i] = 2 * (out[i] - target) / (CELLS * 4);
      loss += pow((double)(out[i] - target), 2) / (CELLS * 4);
    }
    if (step == 0) *first = loss;
    *last = loss;
    wb_model_zero_grads(model);
    WB_OK(wb_net_backward(net, dout, NULL));
    WB_OK(wb_net_condition_backward(net));
    WB_OK(wb_adamw_step(opt, 1e-2, &norm));
  }
  wb_net_destroy(&net);
  wb_grid_destroy(&grid);
  wb_adamw_destroy(&opt);
  wb_model_destroy(&model);
}

static void training_reduces_the_loss(void **state) {
  (void)state;
  double first = 0, last = 0, first16 = 0, last16 = 0;
  train(WB_BACKEND_ONEDNN, &first, &last);
  if (getenv("WB_VERBOSE")) print_message("fp32: %g -> %g\n", first, last);
  WB_ASSERT_BELOW(last, 0.5 * first);
  WbNet net = NULL;
  WbGrid *grid = NULL;
  WbModel model = wb_test_model(&small);
  WB_OK(wb_grid_create(PETSC_COMM_SELF, NX, NY, NZ, 4, 0, 0, false, false, &grid));
  const PetscErrorCode bf16 = wb_net_create(model, grid, WB_BACKEND_ONEDNN_BF16, WB_NET_TRAINING, &net);
  wb_net_destroy(&net);
  wb_grid_destroy(&grid);
  wb_model_destroy(&model);
  if (bf16) {
    wb_error_clear();
    return; /* no AMX */
  }
  train(WB_BACKEND_ONEDNN_BF16, &first16, &last16);
  if (getenv("WB_VERBOSE")) print_message("bf16: %g -> %g\n", first16, last16);
  WB_ASSERT_NEAR(last16, last, 0.005 * first);
}

/* Every name gives a backend that can run here: bf16 without AMX is fp32. */
static void backends_run(void **state) {
  (void)state;
  const char *names[] = {"auto", "ref", "blas", "onednn", "onednn_bf16", "native"};
  WbGrid *grid = NULL;
  WbModel model = wb_test_model(&small);
  WB_OK(wb_grid_create(PETSC_COMM_SELF, NX, NY, NZ, 4, 0, 0, false, false, &grid));
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    WbBackend backend;
    WbNet net = NULL;
    WB_OK(wb_backend_parse(names[i], &backend));
    WB_OK(wb_net_create(model, grid, backend, WB_NET_INFERENCE, &net));
    wb_net_destroy(&net);
  }
  WbBackend backend;
  assert_int_equal(wb_backend_parse("cuda", &backend), WB_ERR_CONFIG);
  wb_error_clear();
  wb_grid_destroy(&grid);
  wb_model_destroy(&model);
}

WB_TEST_MAIN(cmocka_unit_test(backends_run), cmocka_unit_test(gradient_matches_finite_difference),
             cmocka_unit_test(gradient_with_dropout), cmocka_unit_test(dropout_changes_the_mean),
             cmocka_unit_test(backends_and_modes_agree), cmocka_unit_test(buildings_are_masked),
             cmocka_unit_test(adamw_minimises), cmocka_unit_test(training_reduces_the_loss))
