/* Statistics: means of a steady field are exact, time weights count, walls count as 0, variance and TKE of a known
 * signal, NaN in buildings, the same on any number of ranks. */
#include <string.h>

#include "les_internal.h"
#include "wb_test.h"

enum { NX = 10, NY = 8, NZ = 5 };

typedef struct {
  WbGrid *grid;
  WbLes les;
} Run;

static bool built(int k, int j, int i) {
  return k < 2 && j == 3 && i >= 4 && i < 6;
}

static void run_make(Run *r, WbPrecision precision) {
  WbLesOptions o;
  wb_les_options_default(&o);
  o.precision = precision;
  o.theta_surface_K = 300;
  o.sponge_height_m = 1e9;
  double zf[NZ + 1];
  for (int k = 0; k <= NZ; k++) zf[k] = 10.0 * k;
  r->grid = NULL;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, NX, NY, NZ, 1, 0, 0, true, true, &r->grid));
  r->grid->dx_m = 10;
  uint8_t *solid = malloc(wb_grid_owned(r->grid));
  size_t q = 0;
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < r->grid->nyl; j++)
      for (int i = 0; i < r->grid->nxl; i++) solid[q++] = built(k, r->grid->y0 + j, r->grid->x0 + i);
  WB_OK(wb_les_create(r->grid, zf, solid, NULL, NULL, &o, &r->les));
  free(solid);
}

static void run_free(Run *r) {
  wb_les_destroy(&r->les);
  wb_grid_destroy(&r->grid);
}

/* u = a (1 + k) on open faces (x-uniform, so solenoidal but beside the building; statistics do not care), v = b, theta.
 */
static void set_state(Run *r, double a, double b, double theta) {
  const WbLesLayout *l = &r->les->lay;
  for (int k = 0; k < NZ; k++)
    for (int j = -l->g; j < l->nyl + l->g; j++)
      for (int i = -l->g; i < l->nxl + l->g; i++) {
        const size_t p = wb_les_at(l, k, 0, 0) + (size_t)((ptrdiff_t)j * l->sy + i);
        const bool west_solid = i > -l->g && r->les->solid[p - 1], solid = r->les->solid[p];
        const double value[WB_NFIELDS] = {solid || west_solid ? 0 : a * (1 + k), b, 0, theta - 300};
        for (int f = 0; f < WB_NFIELDS; f++) {
          if (r->les->opt.precision == WB_FP32)
            ((float *)r->les->state)[(size_t)f * l->field + p] = (float)value[f];
          else
            ((double *)r->les->state)[(size_t)f * l->field + p] = value[f];
        }
      }
}

static void check_mean(Run *r, double a, double b, double theta, double tol) {
  const size_t n = wb_grid_owned(r->grid);
  float *f[4];
  for (int c = 0; c < 4; c++) f[c] = malloc(n * sizeof(float));
  WB_OK(wb_les_mean(r->les, f[0], f[1], f[2], f[3]));
  size_t q = 0;
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < r->grid->nyl; j++)
      for (int i = 0; i < r->grid->nxl; i++, q++) {
        const int gi = r->grid->x0 + i, gj = r->grid->y0 + j;
        if (built(k, gj, gi)) {
          for (int c = 0; c < 4; c++) assert_true(isnan(f[c][q]));
          continue;
        }
        const double beside = built(k, gj, gi - 1) || built(k, gj, gi + 1) ? 0.5 : 1.0; /* one of its faces is a wall */
        WB_ASSERT_NEAR(f[0][q], theta, 300 * tol);
        WB_ASSERT_NEAR(f[1][q], beside * a * (1 + k), 10 * tol);
        WB_ASSERT_NEAR(f[2][q], b, 10 * tol);
        WB_ASSERT_NEAR(f[3][q], 0, tol);
      }
  for (int c = 0; c < 4; c++) free(f[c]);
}

static void means(WbPrecision precision) {
  Run r;
  run_make(&r, precision);
  WB_OK(wb_les_mean_reset(r.les));
  assert_int_not_equal(wb_les_mean(r.les, NULL, NULL, NULL, NULL), 0); /* nothing accumulated yet */
  wb_error_clear();
  set_state(&r, 1.5, -0.25, 301.5);
  for (int n = 0; n < 60; n++) r.les->ops->accumulate(r.les, 0.7 + 0.01 * n);
  check_mean(&r, 1.5, -0.25, 301.5, precision == WB_FP32 ? 2e-7 * 8 : 1e-7);
  /* weights: three quarters of the time one state, one quarter another */
  WB_OK(wb_les_mean_reset(r.les));
  r.les->ops->accumulate(r.les, 3);
  set_state(&r, 0.5, 0.75, 303.5);
  r.les->ops->accumulate(r.les, 1);
  check_mean(&r, 1.25, 0, 302, 2e-7 * 4);
  run_free(&r);
}
static void test_means_fp32(void **state) {
  means(WB_FP32);
}
static void test_means_fp64(void **state) {
  means(WB_FP64);
}

/* v switches between 1 and -1: variance 1, TKE 1/2 at every level; u is steady. */
static void test_tke(void **state) {
  Run r;
  double tke[NZ];
  run_make(&r, WB_FP64);
  WB_OK(wb_les_mean_reset(r.les));
  for (int n = 0; n < 10; n++) {
    set_state(&r, 2, n % 2 ? 1 : -1, 300);
    r.les->ops->accumulate(r.les, 0.5);
  }
  WB_OK(wb_les_resolved_tke(r.les, tke));
  for (int k = 0; k < NZ; k++) WB_ASSERT_NEAR(tke[k], 0.5, 1e-12);
  run_free(&r);
}

static void test_instant(void **state) {
  Run r;
  run_make(&r, WB_FP32);
  set_state(&r, 1, 2, 305);
  const size_t n = wb_grid_owned(r.grid);
  float *theta = malloc(n * sizeof(float)), *v = malloc(n * sizeof(float));
  WB_OK(wb_les_instant(r.les, theta, NULL, v, NULL));
  size_t q = 0;
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < r.grid->nyl; j++)
      for (int i = 0; i < r.grid->nxl; i++, q++) {
        if (built(k, r.grid->y0 + j, r.grid->x0 + i))
          assert_true(isnan(theta[q]) && isnan(v[q]));
        else
          assert_true(theta[q] == 305.0F && v[q] == 2.0F);
      }
  free(theta);
  free(v);
  run_free(&r);
}

WB_TEST_MAIN(cmocka_unit_test(test_means_fp32), cmocka_unit_test(test_means_fp64), cmocka_unit_test(test_tke),
             cmocka_unit_test(test_instant))
