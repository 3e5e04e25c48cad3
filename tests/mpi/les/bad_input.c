/* What may go wrong in a run: each case is handled (the run goes on, solenoidal and finite) or refused with a message
 * that says where and what to do. Values that are not finite: tests/unit/les/options.c. */
#include <string.h>
#include <unistd.h>

#include "../../verify/les/les_test.h"

enum { NX = 16, NY = 12, NZ = 8 };
#define DX 10.0

static WbLesOptions options(void) {
  WbLesOptions o;
  wb_les_options_default(&o);
  o.precision = WB_FP64;
  o.tol_final = 1e-8;
  o.wind_height_m = 40.0;
  o.wind_direction_deg = 270.0;
  o.sponge_height_m = 1e9;
  return o;
}

static void expect(PetscErrorCode error, PetscErrorCode wanted, const char *const words[3]) {
  if (error != wanted) fail_msg("error %d, wanted %d: %s", (int)error, (int)wanted, wb_error_message());
  for (int w = 0; w < 3 && words[w]; w++)
    if (!strstr(wb_error_message(), words[w])) fail_msg("'%s' lacks '%s'", wb_error_message(), words[w]);
  wb_error_clear();
}

static void finite_and_solenoidal(WbLes les, double most_m_per_s) {
  const WbLesLayout *l = &les->lay;
  for (int f = 0; f < WB_NFIELDS; f++)
    for (int k = 0; k < l->nz; k++)
      for (int j = 0; j < l->nyl; j++)
        for (int i = 0; i < l->nxl; i++)
          if (!(fabs(les_test_get(les, f, k, j, i)) < most_m_per_s))
            fail_msg("field %d is %g at (%d, %d, %d)", f, les_test_get(les, f, k, j, i), k, j, i);
  WB_ASSERT_BELOW(les_test_divergence(les) * les->grid->dx_m / 5.0, 1.01 * les->opt.tol_final);
}

/* ---- cyclic runs ---- */
static double one(void *ctx, double x, double y, double z) {
  return 1.0;
}
static void courant_number(void **state) {
  WbLesOptions o = options();
  o.dt_max_s = 2.0;
  double *zf = les_test_faces(NZ, DX, 1.0);
  LesBox b = les_test_box(NX, NY, NZ, DX, zf, true, NULL, &o);
  free(zf);
  WB_OK(wb_les_init_fields(b.les, one, NULL, NULL, NULL, NULL));
  b.les->force[0] = 60.0; /* m s-2: a bug in a forcing, say */
  const char *const words[3] = {"Courant number", "step 1 ", "z = "};
  expect(wb_les_advance(b.les, 10.0, NULL, NULL), WB_ERR_NUMERIC, words);
  assert_true(wb_les_steps(b.les) == 1);
  les_test_free(&b);
}

static bool lanes(int k, int j, int i) { /* streets one cell wide, crossings, dead ends, a court */
  if (k >= 4) return false;
  if (i % 4 == 1 && j != 6) return false;
  if (j % 4 == 2 && i < 11) return false;
  return !(i == 14 && j == 8);
}
/* A cyclic minute around these buildings. */
static void minute(bool (*built)(int k, int j, int i), const WbLesOptions *o, double speed) {
  double *zf = les_test_faces(NZ, DX, 1.0);
  LesBox b = les_test_box(NX, NY, NZ, DX, zf, true, built, o);
  free(zf);
  WB_OK(wb_les_init(b.les, 0.0));
  WB_OK(wb_les_advance(b.les, 60.0, NULL, NULL));
  finite_and_solenoidal(b.les, speed);
  les_test_free(&b);
}

static void narrow_streets(void **state) {
  WbLesOptions o = options();
  o.drive_mean_wind = true;
  o.wind_direction_deg = 235.0;
  o.wind_height_m = 60.0;
  minute(lanes, &o, 20.0);
}

static void convection(WbPrecision precision) {
  WbLesOptions o = options();
  o.precision = precision;
  if (precision == WB_FP32) o.tol_final = 1e-5;
  o.wind_speed_m_per_s = 0.0;
  o.drive_mean_wind = true;
  o.heat_flux_K_m_per_s = 0.1;
  o.surface.most = true;
  double *zf = les_test_faces(NZ, DX, 1.0);
  LesBox b = les_test_box(NX, NY, NZ, DX, zf, true, lanes, &o);
  free(zf);
  WB_OK(wb_les_init(b.les, 0.0));
  WB_OK(wb_les_advance(b.les, 120.0, NULL, NULL));
  finite_and_solenoidal(b.les, 10.0);
  assert_true(b.les->last_speed > 0.05); /* convection has begun */
  les_test_free(&b);
}
static void calm(void **state) {
  convection(WB_FP64);
  convection(WB_FP32);
}

static bool to_the_top(int k, int j, int i) {
  return i >= 5 && i < 8 && j >= 4 && j < 7;
}
static void building_to_the_top(void **state) {
  WbLesOptions o = options();
  o.drive_mean_wind = true;
  minute(to_the_top, &o, 25.0);
}

/* ---- runs fed by planes ---- */
static char planes_path[128];
static WbInflow planes(void) {
  WbLesOptions o = options();
  o.drive_mean_wind = true;
  double *zf = les_test_faces(NZ, DX, 1.0);
  LesBox p = les_test_box(NX, NY, NZ, DX, zf, true, NULL, &o);
  free(zf);
  int size;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  snprintf(planes_path, sizeof planes_path, "/tmp/wb_test_les_bad_%d.nc", size);
  WB_OK(wb_les_init(p.les, 0.0));
  WB_OK(wb_les_record_planes(p.les, planes_path, "", 2.0, 30.0, NULL, NULL));
  les_test_free(&p);
  WbInflow in = NULL;
  WB_OK(wb_inflow_open(PETSC_COMM_WORLD, planes_path, &in));
  return in;
}

static PetscErrorCode fed(WbInflow in, LesSolidFn solid, LesBox *b) {
  WbLesOptions o = options();
  double *zf = les_test_faces(NZ, DX, 1.0);
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, NX, NY, NZ, 1, 0, 0, false, false, &b->grid));
  b->grid->dx_m = DX;
  uint8_t *mask = calloc(wb_grid_owned(b->grid), 1);
  for (int k = 0, n = 0; k < NZ; k++)
    for (int j = 0; j < b->grid->nyl; j++)
      for (int i = 0; i < b->grid->nxl; i++) mask[n++] = solid ? solid(k, b->grid->y0 + j, b->grid->x0 + i) : 0;
  const PetscErrorCode error = wb_les_create(b->grid, zf, mask, NULL, in, &o, &b->les);
  free(mask);
  free(zf);
  return error;
}

static bool ring(int k, int j, int i) { /* open to the west only */
  return i == NX - 1 || j == 0 || j == NY - 1;
}
static bool downwind(int k, int j, int i) { /* open along the wind, where turbulence alone leaves */
  return i == NX - 1;
}
static bool screen(int k, int j, int i) { /* cuts off the eastern edge */
  return i == NX - 3;
}
static bool at_the_edges(int k, int j, int i) { /* blocks on the inflow, outflow and a side edge, one to the top */
  return (i < 3 && j >= 3 && j < 6 && k < 3) || (i >= NX - 2 && j >= 7 && j < 10) ||
         (j == 0 && i >= 6 && i < 9 && k < 5);
}

static void edges(void **state) {
  WbInflow in = planes();
  LesBox b = {0};
  const char *const sealed[3] = {"seal the outflow", "les_rim_m", "m3/s find"};
  const LesSolidFn seals[2] = {ring, downwind};
  for (int n = 0; n < 2; n++) {
    WB_OK(fed(in, seals[n], &b));
    expect(wb_les_init(b.les, 0.0), WB_ERR_INPUT, sealed);
    les_test_free(&b);
  }
  const char *const pocket[3] = {"cut off by buildings", "x = 155.0 m", "les_rim_m"};
  expect(fed(in, screen, &b), WB_ERR_INPUT, pocket);
  assert_null(b.les);
  les_test_free(&b);
  WB_OK(fed(in, at_the_edges, &b));
  WB_OK(wb_les_init(b.les, 0.0));
  WB_OK(wb_les_advance(b.les, 20.0, NULL, NULL));
  finite_and_solenoidal(b.les, 25.0);
  /* the planes end at 30 s: what was reached stays, the message names both times */
  const char *const ends[3] = {planes_path, "to 30 s", "is needed"};
  expect(wb_les_advance(b.les, 60.0, NULL, NULL), WB_ERR_INPUT, ends);
  assert_true(wb_les_time(b.les) > 25.0 && wb_les_time(b.les) <= 30.0);
  /* the step stopped in its middle: none of its fields is lost or held twice */
  assert_true(b.les->state != b.les->state0 && b.les->state != b.les->tendency && b.les->state0 != b.les->tendency);
  les_test_free(&b);
  wb_inflow_destroy(&in);
  MPI_Barrier(PETSC_COMM_WORLD);
  unlink(planes_path);
}

WB_TEST_MAIN(cmocka_unit_test(courant_number), cmocka_unit_test(narrow_streets), cmocka_unit_test(calm),
             cmocka_unit_test(building_to_the_top), cmocka_unit_test(edges))
