/* The network on 1, 2 and 4 ranks equals a serial run of the whole domain: output, input gradient, weight gradients. */
#include "wb_test_net.h"
#include <string.h>

enum { NX = 20, NY = 28, NZ = 8 }; /* 5 x 7 coarse columns: uneven on 2 and 4 ranks */

typedef struct {
  float *x, *stat, *dout, *dmean, *out, *mean, *dx;
  uint8_t *mask;
} Fields;

static Fields make_fields(const WbGrid *g) {
  Fields f = {0};
  const size_t n = wb_grid_owned(g);
  float **states[] = {&f.x, &f.dout, &f.dmean, &f.out, &f.mean, &f.dx};
  for (int i = 0; i < 6; i++) WB_OK(WB_CALLOC(4 * n, states[i]));
  WB_OK(WB_CALLOC(9 * n, &f.stat));
  WB_OK(WB_CALLOC(n, &f.mask));
  wb_test_fill_grid(g, 4, 1, f.x);
  wb_test_fill_grid(g, 9, 2, f.stat);
  wb_test_fill_grid(g, 4, 3, f.dout);
  wb_test_fill_grid(g, 4, 5, f.dmean);
  float *open = f.out; /* borrowed as scratch */
  wb_test_fill_grid(g, 1, 4, open);
  for (size_t i = 0; i < n; i++) f.mask[i] = open[i] > -0.5F;
  return f;
}

static void free_fields(Fields *f) {
  float **all[] = {&f->x, &f->stat, &f->dout, &f->dmean, &f->out, &f->mean, &f->dx};
  for (int i = 0; i < 7; i++) WB_FREE(all[i]);
  WB_FREE(&f->mask);
}

static void run(WbModel model, const WbGrid *g, WbBackend backend, Fields *f) {
  WbNet net = NULL;
  WB_OK(wb_net_create(model, g, backend, WB_NET_TRAINING, &net));
  WB_OK(wb_net_condition(net, f->stat, f->mask, NULL));
  WB_OK(wb_net_forward(net, 0.4, f->x, f->out));
  wb_model_zero_grads(model);
  WB_OK(wb_net_backward(net, f->dout, f->dx));
  WB_OK(wb_net_condition_backward(net));
  WB_OK(wb_net_mean_forward(net, 1, f->stat, f->mask, f->mean));
  WB_OK(wb_net_mean_backward(net, f->dmean));
  memcpy(f->mean, wb_net_mean(net), 4 * wb_grid_owned(g) * sizeof *f->mean);
  wb_net_destroy(&net);
}

static WbModel make_model(void) {
  const WbNetConfig config = {.in_dynamic = 4,
                              .in_static = 9,
                              .out = 4,
                              .width1 = 16,
                              .width2 = 16,
                              .blocks1 = 1,
                              .blocks2 = 1,
                              .cond_width1 = 16,
                              .cond_width2 = 32,
                              .cond_blocks1 = 1,
                              .cond_blocks2 = 1,
                              .cond_nets = 2,
                              .embed = 8};
  return wb_test_model(&config);
}

/* largest difference of the owned part from the serial field, over the largest serial value */
static double compare(const WbGrid *local, const WbGrid *whole, const float *a, const float *b) {
  double worst = 0, size = 0;
  for (size_t i = 0; i < 4 * wb_grid_owned(whole); i++) size = fmax(size, fabs((double)b[i]));
  for (int k = 0; k < local->nz; k++)
    for (int j = 0; j < local->nyl; j++)
      for (int i = 0; i < local->nxl; i++)
        for (int c = 0; c < 4; c++) {
          const size_t here = (((size_t)k * (size_t)local->nyl + (size_t)j) * (size_t)local->nxl + (size_t)i) * 4;
          const size_t there = 4 * (size_t)wb_grid_voxel(local, k, j, i);
          const double d = fabs((double)a[here + (size_t)c] - (double)b[there + (size_t)c]);
          if (!(d <= worst)) worst = d;
        }
  return worst / size;
}

static void ranks_agree(WbBackend backend, WbBackend reference, double tolerance) {
  WbGrid *local = NULL, *whole = NULL;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, NX, NY, NZ, 4, 0, 0, false, false, &local));
  WB_OK(wb_grid_create(PETSC_COMM_SELF, NX, NY, NZ, 4, 0, 0, false, false, &whole));
  WbModel model = make_model();
  const size_t n = wb_model_size(model);
  float *serial = NULL;
  WB_OK(WB_ALLOC(n, &serial));
  Fields a = make_fields(local), b = make_fields(whole);
  run(model, whole, reference, &b);
  memcpy(serial, wb_model_grads(model), n * sizeof *serial);
  run(model, local, backend, &a);
  MPI_Allreduce(MPI_IN_PLACE, wb_model_grads(model), (int)n, MPI_FLOAT, MPI_SUM, PETSC_COMM_WORLD);
  WB_ASSERT_BELOW(compare(local, whole, a.out, b.out), tolerance);
  WB_ASSERT_BELOW(compare(local, whole, a.mean, b.mean), tolerance);
  WB_ASSERT_BELOW(compare(local, whole, a.dx, b.dx), tolerance);
  for (int t = 0; t < wb_model_tensors(model); t++) { /* each tensor against its own size */
    const char *name = NULL;
    int rank = 0, dims[5];
    size_t at = 0, count = 1;
    wb_model_tensor(model, t, &name, &rank, dims, &at);
    for (int r = 0; r < rank; r++) count *= (size_t)dims[r];
    double difference = 0, size = 0;
    for (size_t i = at; i < at + count; i++) {
      difference += pow((double)wb_model_grads(model)[i] - (double)serial[i], 2);
      size += pow((double)serial[i], 2);
    }
    if (!(sqrt(difference) <= tolerance * sqrt(size) + 1e-6))
      fail_msg("gradient of %s: differs by %g of %g", name, sqrt(difference), sqrt(size));
  }
  WB_FREE(&serial);
  free_fields(&a);
  free_fields(&b);
  wb_model_destroy(&model);
  wb_grid_destroy(&local);
  wb_grid_destroy(&whole);
}

static void ref_ranks_agree(void **state) {
  (void)state;
  ranks_agree(WB_BACKEND_REF, WB_BACKEND_REF, 1e-5);
}
static void blas_ranks_agree(void **state) {
  (void)state;
  ranks_agree(WB_BACKEND_BLAS, WB_BACKEND_BLAS, 1e-5);
}
static void onednn_ranks_agree(void **state) {
  (void)state;
  ranks_agree(WB_BACKEND_ONEDNN, WB_BACKEND_ONEDNN, 1e-5);
}
static void native_ranks_agree(void **state) {
  (void)state;
  ranks_agree(WB_BACKEND_NATIVE, WB_BACKEND_NATIVE, 1e-5);
}
static void bf16_ranks_agree(void **state) {
  (void)state;
  WbGrid *grid = NULL;
  WbNet net = NULL;
  WbModel model = make_model();
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, NX, NY, NZ, 4, 0, 0, false, false, &grid));
  const PetscErrorCode made = wb_net_create(model, grid, WB_BACKEND_ONEDNN_BF16, WB_NET_TRAINING, &net);
  wb_net_destroy(&net);
  wb_grid_destroy(&grid);
  wb_model_destroy(&model);
  if (made) {
    wb_error_clear();
    skip(); /* no AMX */
  }
  ranks_agree(WB_BACKEND_ONEDNN_BF16, WB_BACKEND_ONEDNN_BF16, 1e-2); /* halo sums round differently, then bf16 does */
}

/* An unfit grid is refused on every rank, none hangs. */
static void unfit_grid_is_refused(void **state) {
  (void)state;
  WbGrid *grid = NULL;
  WbNet net = NULL;
  WbModel model = make_model();
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, NX, NY, NZ - 2, 4, 0, 0, false, false, &grid));
  assert_int_equal(wb_net_create(model, grid, WB_BACKEND_REF, WB_NET_INFERENCE, &net), WB_ERR_CONFIG);
  wb_net_destroy(&net);
  wb_error_clear();
  wb_grid_destroy(&grid);
  wb_model_destroy(&model);
}

WB_TEST_MAIN(cmocka_unit_test(ref_ranks_agree), cmocka_unit_test(blas_ranks_agree),
             cmocka_unit_test(onednn_ranks_agree), cmocka_unit_test(native_ranks_agree),
             cmocka_unit_test(bf16_ranks_agree), cmocka_unit_test(unfit_grid_is_refused))
