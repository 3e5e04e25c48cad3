/* A fine run started from a coarse one: closed faces hold 0, the state is solenoidal to tolerance, uniform flow is kept
 * exactly, values of solid coarse cells never enter. */
#include <string.h>

#include "les_data.h"
#include "wb_test.h"

enum { NX = 12, NY = 10, NZ = 6, RATIO = 4 };
#define DX 20.0

/* Blocks of 20 m cells; the fine run gets the same and some thin walls of its own. */
static bool block(int k, int j, int i) {
  return (k < 2 && j >= 3 && j < 5 && i >= 4 && i < 7) || (k < 4 && j == 7 && i == 8) || (k < 1 && i == 0 && j == 0);
}
static bool thin(int k, int j, int i) {
  return k < 5 && i == 9 && j > 2 && j < 20;
}

typedef struct {
  WbGrid *grid;
  WbLes les;
  double *zf;
} Run;

static void run_make(Run *r, int ratio, WbPrecision precision) {
  const int nz = NZ * ratio;
  WbLesOptions o;
  wb_les_options_default(&o);
  o.precision = precision;
  o.tol_final = precision == WB_FP64 ? 1e-9 : 1e-5;
  o.sponge_height_m = 1e9;
  r->grid = NULL;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, NX * ratio, NY * ratio, nz, ratio, 0, 0, false, false, &r->grid));
  r->grid->dx_m = DX / ratio;
  r->zf = malloc((size_t)(nz + 1) * sizeof(double));
  for (int k = 0; k <= nz; k++) r->zf[k] = k * DX / ratio;
  uint8_t *solid = malloc(wb_grid_owned(r->grid));
  size_t q = 0;
  for (int k = 0; k < nz; k++)
    for (int j = 0; j < r->grid->nyl; j++)
      for (int i = 0; i < r->grid->nxl; i++, q++) {
        const int gj = r->grid->y0 + j, gi = r->grid->x0 + i;
        solid[q] = block(k / ratio, gj / ratio, gi / ratio) || (ratio > 1 && thin(k, gj, gi));
      }
  WB_OK(wb_les_create(r->grid, r->zf, solid, NULL, NULL, &o, &r->les));
  free(solid);
}

static void run_free(Run *r) {
  wb_les_destroy(&r->les);
  wb_grid_destroy(&r->grid);
  free(r->zf);
}

static double value(WbLes les, int f, int k, int j, int i) {
  const size_t at = (size_t)f * les->lay.field + wb_les_at(&les->lay, k, j, i);
  return les->opt.precision == WB_FP32 ? (double)((const float *)les->state)[at] : ((const double *)les->state)[at];
}

static double fu(void *c, double x, double y, double z) {
  return sin(0.03 * x) * cos(0.05 * y) + 0.01 * z;
}
static double fv(void *c, double x, double y, double z) {
  return cos(0.04 * x) * sin(0.02 * y + 0.01 * z);
}
static double fw(void *c, double x, double y, double z) {
  return 0.5 * sin(0.05 * z) * sin(0.03 * x);
}
static double ft(void *c, double x, double y, double z) {
  return 300 + 0.01 * z + 0.002 * x;
}

/* Largest divergence [s-1] of the fluid cells and largest value on a closed face. */
static void check(const Run *r, double *div, double *closed) {
  const WbLes les = r->les;
  const WbLesLayout *l = &les->lay;
  double local[2] = {0, 0}, all[2];
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++) {
        const size_t p = wb_les_at(l, k, j, i);
        const double dx = r->grid->dx_m, dz = les->met.dz[k + 1];
        const double d = (value(les, WB_U, k, j, i + 1) - value(les, WB_U, k, j, i)) / dx +
                         (value(les, WB_V, k, j + 1, i) - value(les, WB_V, k, j, i)) / dx +
                         (value(les, WB_W, k + 1, j, i) - value(les, WB_W, k, j, i)) / dz;
        if (!les->solid[p]) local[0] = fmax(local[0], fabs(d));
        if (les->solid[p] || les->solid[p - 1]) local[1] = fmax(local[1], fabs(value(les, WB_U, k, j, i)));
        if (les->solid[p] || les->solid[p - (size_t)l->sy]) local[1] = fmax(local[1], fabs(value(les, WB_V, k, j, i)));
        if (les->solid[p] || les->solid[p - l->sz]) local[1] = fmax(local[1], fabs(value(les, WB_W, k, j, i)));
        if (!isfinite(d)) local[0] = 1e300;
      }
  MPI_Allreduce(local, all, 2, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD);
  *div = all[0], *closed = all[1];
}

static void solenoidal(WbPrecision precision) {
  Run coarse, fine;
  run_make(&coarse, 1, precision);
  run_make(&fine, RATIO, precision);
  WB_OK(wb_les_init_fields(coarse.les, fu, fv, fw, ft, NULL));
  coarse.les->time_s = 42;
  WB_OK(wb_les_init_from(fine.les, coarse.les));
  assert_true(wb_les_time(fine.les) == 42);
  double div, closed;
  check(&fine, &div, &closed);
  if (fine.grid->rank == 0) print_message("divergence %.2e s-1, closed faces %.1e\n", div, closed);
  const double scale = fine.les->opt.wind_speed_m_per_s / fine.grid->dx_m;
  WB_ASSERT_BELOW(div, 1.05 * fine.les->opt.tol_final * scale + (precision == WB_FP32 ? 2e-6 : 0));
  WB_ASSERT_BELOW(closed, 0);
  /* theta: linear in x and z, so interpolation inside is exact; in the thin wall's place nothing matters */
  double worst = 0;
  for (int k = 2; k < NZ * RATIO - 2; k++)
    for (int j = 0; j < fine.grid->nyl; j++)
      for (int i = 0; i < fine.grid->nxl; i++) {
        const int gi = fine.grid->x0 + i, gj = fine.grid->y0 + j;
        if (gi < 2 || gi >= NX * RATIO - 2 || fine.les->solid[wb_les_at(&fine.les->lay, k, j, i)]) continue;
        bool near = false; /* of a coarse building: one-sided there */
        for (int n = 0; n < 27; n++)
          near = near || block(PetscMax((k - 2) / RATIO + n / 9, 0), (gj - 2 + RATIO) / RATIO - 1 + (n / 3) % 3,
                               (gi - 2 + RATIO) / RATIO - 1 + n % 3);
        if (near) continue;
        const double x = (gi + 0.5) * fine.grid->dx_m, z = (k + 0.5) * fine.grid->dx_m;
        worst = fmax(worst, fabs(value(fine.les, WB_THETA, k, j, i) + 300 - ft(NULL, x, 0, z)));
      }
  WB_ASSERT_BELOW(worst, precision == WB_FP32 ? 1e-5 : 1e-12);
  run_free(&coarse);
  run_free(&fine);
}

static void test_solenoidal_fp64(void **state) {
  solenoidal(WB_FP64);
}
static void test_solenoidal_fp32(void **state) {
  solenoidal(WB_FP32);
}

/* Garbage in the solid cells of the coarse run changes nothing. */
static void test_solid_never_enters(void **state) {
  Run coarse, fine;
  run_make(&coarse, 1, WB_FP64);
  run_make(&fine, RATIO, WB_FP64);
  WB_OK(wb_les_init_fields(coarse.les, fu, fv, fw, ft, NULL));
  double *field = coarse.les->state;
  const WbLesLayout *l = &coarse.les->lay;
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++) {
        const size_t p = wb_les_at(l, k, j, i);
        if (coarse.les->solid[p]) field[WB_THETA * l->field + p] = 1e6;
        if (coarse.les->solid[p] && coarse.les->solid[p - 1]) field[WB_U * l->field + p] = 1e6;
      }
  WB_OK(wb_les_init_from(fine.les, coarse.les));
  double worst = 0;
  for (int k = 0; k < NZ * RATIO; k++)
    for (int j = 0; j < fine.grid->nyl; j++)
      for (int i = 0; i < fine.grid->nxl; i++) {
        worst = fmax(worst, fabs(value(fine.les, WB_THETA, k, j, i)));
        worst = fmax(worst, fabs(value(fine.les, WB_U, k, j, i)));
      }
  WB_ASSERT_BELOW(worst, 100);
  run_free(&coarse);
  run_free(&fine);
}

WB_TEST_MAIN(cmocka_unit_test(test_solenoidal_fp64), cmocka_unit_test(test_solenoidal_fp32),
             cmocka_unit_test(test_solid_never_enters))
