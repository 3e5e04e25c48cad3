/* A network in slabs of rows equals the whole, on 1, 2 and 4 ranks; the receptive field is what the network has; plans
 * tell what networks take. */
#include "wb_test_net.h"
#include <string.h>

enum { NX = 60, NY = 160, NZ = 8 }; /* uneven on 4 ranks, and every rank's box is larger than the receptive field */
static const WbNetConfig config = {.in_dynamic = 4,
                                   .in_static = 9,
                                   .out = 4,
                                   .width1 = 16,
                                   .width2 = 16,
                                   .blocks1 = 1,
                                   .blocks2 = 1,
                                   .cond_width1 = 8,
                                   .cond_width2 = 16,
                                   .cond_blocks1 = 1,
                                   .cond_blocks2 = 1,
                                   .cond_nets = 3,
                                   .embed = 8};

typedef struct {
  float *x, *stat, *out, *mean;
  uint8_t *mask;
} Fields;

static Fields make_fields(const WbGrid *g) {
  Fields f = {0};
  const size_t n = wb_grid_owned(g);
  WB_OK(WB_CALLOC(4 * n, &f.x));
  WB_OK(WB_CALLOC(4 * n, &f.out));
  WB_OK(WB_CALLOC(4 * n, &f.mean));
  WB_OK(WB_CALLOC(9 * n, &f.stat));
  WB_OK(WB_CALLOC(n, &f.mask));
  wb_test_fill_grid(g, 1, 4, f.out); /* borrowed */
  for (size_t p = 0; p < n; p++) f.mask[p] = f.out[p] > -0.5F;
  wb_test_fill_grid(g, 4, 1, f.x);
  wb_test_fill_grid(g, 9, 2, f.stat);
  return f;
}

static void free_fields(Fields *f) {
  WB_FREE(&f->x);
  WB_FREE(&f->out);
  WB_FREE(&f->mean);
  WB_FREE(&f->stat);
  WB_FREE(&f->mask);
}

/* Two evaluations, so that one leaves nothing behind for the next. */
static void run(WbModel model, const WbGrid *g, int slabs, Fields *f) {
  WbSlabs s = NULL;
  WB_OK(wb_slabs_create(model, g, WB_BACKEND_BLAS, slabs, &s));
  WB_OK(wb_slabs_condition(s, f->stat, f->mask));
  WB_OK(wb_slabs_forward(s, 0.9, f->stat, f->out)); /* any numbers */
  WB_OK(wb_slabs_forward(s, 0.4, f->x, f->out));
  memcpy(f->mean, wb_slabs_mean(s), 4 * wb_grid_owned(g) * sizeof *f->mean);
  wb_slabs_destroy(&s);
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
  assert_true(size > 0.1);
  return worst / size;
}

static void slabs_equal_the_whole(void **state) {
  (void)state;
  WbGrid *local = NULL, *whole = NULL;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, NX, NY, NZ, 4, 0, 0, false, false, &local));
  WB_OK(wb_grid_create(PETSC_COMM_SELF, NX, NY, NZ, 4, 0, 0, false, false, &whole));
  WbModel model = wb_test_model(&config);
  Fields a = make_fields(local), b = make_fields(whole);
  run(model, whole, 1, &b);
  for (int slabs = 1; slabs <= 5; slabs += 2) {
    memset(a.out, 0x7f, 4 * wb_grid_owned(local) * sizeof *a.out);
    run(model, local, slabs, &a);
    WB_ASSERT_BELOW(compare(local, whole, a.out, b.out), 1e-6);
    WB_ASSERT_BELOW(compare(local, whole, a.mean, b.mean), 1e-6);
  }
  free_fields(&a);
  free_fields(&b);
  wb_model_destroy(&model);
  wb_grid_destroy(&local);
  wb_grid_destroy(&whole);
}

/* Last row whose output moved. */
static int last_change(const WbGrid *g, const float *a, const float *b) {
  int last = -1;
  for (int k = 0; k < g->nz; k++)
    for (int j = 0; j < g->nyl; j++)
      for (int i = 0; i < g->nxl * 4; i++) {
        const size_t at = ((size_t)k * (size_t)g->nyl + (size_t)j) * (size_t)g->nxl * 4 + (size_t)i;
        if (!(a[at] == b[at]) && j > last) last = j;
      }
  return last;
}

/* Inputs of rows 0 .. 3 are felt up to the receptive field, and no further. */
static void receptive_field(void **state) {
  (void)state;
  const int reach = wb_net_receptive_field(&config);
  WbGrid *g = NULL;
  WB_OK(wb_grid_create(PETSC_COMM_SELF, 16, 64, NZ, 4, 0, 0, false, false, &g));
  WbModel model = wb_test_model(&config);
  Fields a = make_fields(g), b = make_fields(g);
  memset(a.mask, 1, wb_grid_owned(g));
  memset(b.mask, 1, wb_grid_owned(g));
  run(model, g, 1, &a);
  for (size_t k = 0; k < NZ; k++)
    for (size_t q = 0; q < (size_t)(4 * 16 * 4); q++) b.x[k * 64 * 16 * 4 + q] += 1.0F;
  run(model, g, 1, &b);
  const int step = last_change(g, a.out, b.out);
  assert_int_equal(last_change(g, a.mean, b.mean), -1);
  for (size_t k = 0; k < NZ; k++)
    for (size_t q = 0; q < (size_t)(4 * 16 * 9); q++) b.stat[k * 64 * 16 * 9 + q] += 1.0F;
  run(model, g, 1, &b);
  const int condition = last_change(g, a.mean, b.mean);
  assert_true(step <= 3 + reach && condition <= 3 + reach);
  assert_true(step > 3 + reach - 8 || condition > 3 + reach - 8); /* not much too wide either */
  free_fields(&a);
  free_fields(&b);
  wb_model_destroy(&model);
  wb_grid_destroy(&g);
}

static void plans_are_right(void **state) {
  (void)state;
  const WbBackend backends[] = {WB_BACKEND_BLAS, WB_BACKEND_ONEDNN, WB_BACKEND_NATIVE};
  WbGrid *g = NULL;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, NX, NY, NZ, 4, 0, 0, false, false, &g));
  WbModel model = wb_test_model(&config);
  for (int i = 0; i < 6; i++) {
    WbNet net = NULL;
    WbNetMemory plan, real, slabs;
    const WbNetMode mode = i % 2 ? WB_NET_TRAINING : WB_NET_INFERENCE;
    WB_OK(wb_net_plan(model, g, backends[i / 2], mode, &plan));
    WB_OK(wb_net_create(model, g, backends[i / 2], mode, &net));
    wb_net_memory(net, &real);
    assert_memory_equal(&plan, &real, sizeof plan);
    assert_true(plan.fields > 0 && plan.weights > (double)wb_model_size(model));
    WB_OK(wb_slabs_plan(model, g, backends[i / 2], 1, &slabs));
    if (i % 2 == 0) assert_memory_equal(&plan, &slabs, sizeof plan);
    wb_net_destroy(&net);
  }
  wb_model_destroy(&model);
  wb_grid_destroy(&g);
}

static void unfit_counts_are_refused(void **state) {
  (void)state;
  const int counts[] = {0, 1000};
  WbGrid *g = NULL;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, NX, NY, NZ, 4, 0, 0, false, false, &g));
  WbModel model = wb_test_model(&config);
  for (int i = 0; i < 2; i++) {
    WbSlabs s = NULL;
    assert_int_equal(wb_slabs_create(model, g, WB_BACKEND_BLAS, counts[i], &s), WB_ERR_CONFIG);
    assert_non_null(strstr(wb_error_message(), "slabs"));
    assert_null(s);
    wb_error_clear();
  }
  wb_model_destroy(&model);
  wb_grid_destroy(&g);
}

WB_TEST_MAIN(cmocka_unit_test(slabs_equal_the_whole), cmocka_unit_test(receptive_field),
             cmocka_unit_test(plans_are_right), cmocka_unit_test(unfit_counts_are_refused))
