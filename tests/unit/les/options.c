/* Vertical grid, options that are refused, reference profile, and blow-up reports. */
#include <string.h>

#include "../../verify/les/les_test.h"

static void vertical_grid(void **state) {
  int nz = 0;
  double *zf = NULL;
  WB_OK(wb_les_z_faces(20.0, 1e9, 1.0, 20.0, 500.0, &nz, &zf));
  assert_int_equal(nz, 25);
  WB_ASSERT_NEAR(zf[25], 500.0, 0.0);
  WB_ASSERT_NEAR(zf[8], 160.0, 1e-9);
  WB_FREE(&zf);
  WB_OK(wb_les_z_faces(5.0, 200.0, 1.08, 20.0, 500.0, &nz, &zf));
  WB_ASSERT_NEAR(zf[0], 0.0, 0.0);
  WB_ASSERT_NEAR(zf[40], 200.0, 1e-9);
  WB_ASSERT_NEAR(zf[nz], 500.0, 0.0);
  for (int k = 0; k < nz; k++) {
    const double dz = zf[k + 1] - zf[k];
    assert_true(dz >= 5.0 - 1e-9 && dz <= 30.0 + 1e-9); /* the last one absorbs a remainder */
  }
  WB_FREE(&zf);
  assert_int_equal(wb_les_z_faces(-5.0, 200.0, 1.08, 20.0, 500.0, &nz, &zf), WB_ERR_CONFIG);
  wb_error_clear();
}

static void reference_profile(void **state) {
  WbLesOptions o;
  wb_les_options_default(&o);
  o.mixed_height_m = 200.0;
  o.lapse_K_per_m = 0.01;
  WB_ASSERT_NEAR(wb_les_theta_ref(&o, 100.0), o.theta_surface_K, 0.0);
  WB_ASSERT_NEAR(wb_les_theta_ref(&o, 300.0), o.theta_surface_K + 1.0, 1e-12);
}

static void refused(const WbLesOptions *o, const char *word) {
  WbGrid *grid = NULL;
  WbLes les = NULL;
  const double zf[5] = {0.0, 5.0, 10.0, 15.0, 20.0};
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, 8, 8, 4, 1, 0, 0, true, true, &grid));
  grid->dx_m = 5.0;
  assert_int_equal(wb_les_create(grid, zf, NULL, NULL, NULL, o, &les), WB_ERR_CONFIG);
  if (!strstr(wb_error_message(), word)) fail_msg("'%s' does not name %s", wb_error_message(), word);
  assert_null(les);
  wb_error_clear();
  wb_grid_destroy(&grid);
}

static void bad_options(void **state) {
  WbLesOptions o;
  wb_les_options_default(&o);
  o.cfl_max = 3.0;
  refused(&o, "cfl_max");
  wb_les_options_default(&o);
  o.z0_ground_m = 2.0;
  refused(&o, "z0_ground_m");
  wb_les_options_default(&o);
  o.tol_final = NAN;
  refused(&o, "tol_final");
}

static double one(void *ctx, double x, double y, double z) {
  return 1.0;
}

/* A value that is not finite is reported in the step in which it appears, with variable and place. */
static void blow_up(void **state) {
  WbLesOptions o = les_test_options();
  double *zf = les_test_faces(4, 5.0, 1.0);
  LesBox b = les_test_box(8, 8, 4, 5.0, zf, true, NULL, &o);
  free(zf);
  WB_OK(wb_les_init_fields(b.les, one, NULL, NULL, NULL, NULL));
  WB_OK(wb_les_step(b.les, 1.0));
  ((double *)b.les->state)[WB_W * b.les->lay.field + wb_les_at(&b.les->lay, 2, 3, 4)] = NAN;
  assert_int_equal(wb_les_step(b.les, 1.0), WB_ERR_NUMERIC);
  if (!strstr(wb_error_message(), "step 2") || !strstr(wb_error_message(), "z = "))
    fail_msg("'%s' names neither step nor place", wb_error_message());
  wb_error_clear();
  les_test_free(&b);
  o.momentum_only = false;
  zf = les_test_faces(4, 5.0, 1.0);
  b = les_test_box(8, 8, 4, 5.0, zf, true, NULL, &o);
  free(zf);
  WB_OK(wb_les_init_fields(b.les, one, NULL, NULL, NULL, NULL));
  ((double *)b.les->state)[WB_THETA * b.les->lay.field + wb_les_at(&b.les->lay, 3, 1, 1)] = INFINITY;
  assert_int_equal(wb_les_advance(b.les, 1.0, NULL, NULL), WB_ERR_NUMERIC);
  if (!strstr(wb_error_message(), "theta is inf at cell (k, j, i) = (3, 1, 1)"))
    fail_msg("'%s' does not name theta and its cell", wb_error_message());
  wb_error_clear();
  les_test_free(&b);
}

/* The end time is hit exactly, without a tiny last step. */
static void end_time(void **state) {
  WbLesOptions o = les_test_options();
  o.dt_max_s = 0.7;
  double *zf = les_test_faces(4, 5.0, 1.0);
  LesBox b = les_test_box(8, 8, 4, 5.0, zf, true, NULL, &o);
  free(zf);
  WB_OK(wb_les_init_fields(b.les, one, NULL, NULL, NULL, NULL));
  WB_OK(wb_les_advance(b.les, 3.0, NULL, NULL));
  WB_ASSERT_NEAR(wb_les_time(b.les), 3.0, 0.0);
  assert_int_equal(wb_les_steps(b.les), 5);
  WB_ASSERT_NEAR(b.les->dt_s, 0.45, 1e-9);
  les_test_free(&b);
}

WB_TEST_MAIN(cmocka_unit_test(vertical_grid), cmocka_unit_test(reference_profile), cmocka_unit_test(bad_options),
             cmocka_unit_test(blow_up), cmocka_unit_test(end_time))
