/* Exchanging halos while their arrays are still being made gives the same bits as exchanging afterwards, on 1, 2 and 4
 * ranks, with channels dropped or not, and sends the same messages. */
#include "wb_test_net.h"
#include <string.h>

enum { NX = 20, NY = 28, NZ = 8 }; /* uneven on 2 and 4 ranks */
static const WbNetConfig config = {.in_dynamic = 4,
                                   .in_static = 9,
                                   .out = 4,
                                   .width1 = 16,
                                   .width2 = 32,
                                   .blocks1 = 1,
                                   .blocks2 = 1,
                                   .cond_width1 = 8,
                                   .cond_width2 = 16,
                                   .cond_blocks1 = 1,
                                   .cond_blocks2 = 1,
                                   .cond_nets = 2,
                                   .embed = 8};

typedef struct {
  float *x, *stat, *out[2], *mean[2];
  uint8_t *mask;
} Fields;

static Fields make_fields(size_t n) {
  Fields f = {0};
  WB_OK(WB_CALLOC(4 * n, &f.x));
  WB_OK(WB_CALLOC(9 * n, &f.stat));
  WB_OK(WB_CALLOC(n, &f.mask));
  wb_test_fill(4 * n, 1, f.x);
  wb_test_fill(9 * n, 2, f.stat);
  memset(f.mask, 1, n);
  for (int i = 0; i < 2; i++) {
    WB_OK(WB_CALLOC(4 * n, &f.out[i]));
    WB_OK(WB_CALLOC(4 * n, &f.mean[i]));
  }
  return f;
}

static void free_fields(Fields *f) {
  WB_FREE(&f->x);
  WB_FREE(&f->stat);
  WB_FREE(&f->mask);
  for (int i = 0; i < 2; i++) {
    WB_FREE(&f->out[i]);
    WB_FREE(&f->mean[i]);
  }
}

/* -> messages sent by this rank */
static double run(WbNet net, size_t n, Fields *f, int which) {
  const WbHaloTotals before = wb_halo_totals();
  WB_OK(wb_net_condition(net, f->stat, f->mask, NULL));
  WB_OK(wb_net_forward(net, 0.4, f->x, f->out[which]));
  memcpy(f->mean[which], wb_net_mean(net), 4 * n * sizeof(float));
  const WbHaloTotals after = wb_halo_totals();
  assert_true(after.seconds > before.seconds);
  return after.messages - before.messages;
}

static void same_bits(WbBackend backend, WbNetMode mode) {
  WbGrid *g = NULL;
  WbModel model = NULL;
  WbNet net = NULL;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, NX, NY, NZ, 4, 0, 0, false, false, &g));
  WB_OK(wb_model_create(&config, &model));
  wb_test_fill(wb_model_size(model), 3, wb_model_params(model));
  for (size_t i = 0; i < wb_model_size(model); i++) wb_model_params(model)[i] *= 0.2F;
  const size_t n = wb_grid_owned(g);
  Fields f = make_fields(n);
  WB_OK(wb_net_create(model, g, backend, mode, &net));
  const WbRandomKey key = {.seed = 5, .stream = WB_STREAM_TRAIN_DROPOUT};
  if (mode != WB_NET_INFERENCE) WB_OK(wb_net_dropout(net, 0.3, &key));
  const double with = run(net, n, &f, 0);
  wb_net_overlap(net, false);
  const double without = run(net, n, &f, 1);
  double size = 0;
  for (size_t i = 0; i < 4 * n; i++) size = fmax(size, fabs((double)f.out[0][i]));
  assert_true(size > 0.01);
  assert_memory_equal(f.out[0], f.out[1], 4 * n * sizeof(float));
  assert_memory_equal(f.mean[0], f.mean[1], 4 * n * sizeof(float));
  assert_true(with == without && (with > 0) == (g->size > 1));
  wb_net_destroy(&net);
  free_fields(&f);
  wb_model_destroy(&model);
  wb_grid_destroy(&g);
}

static void inference(void **state) {
  (void)state;
  same_bits(WB_BACKEND_BLAS, WB_NET_INFERENCE);
  same_bits(WB_BACKEND_ONEDNN, WB_NET_INFERENCE);
}

static void training_with_dropout(void **state) {
  (void)state;
  same_bits(WB_BACKEND_NATIVE, WB_NET_TRAINING);
}

WB_TEST_MAIN(cmocka_unit_test(inference), cmocka_unit_test(training_with_dropout))
