/* Viscosity of the mean shear over flat ground: a column with the shear and the temperature of the ground's own law
 * between its lowest levels stands still there, whatever the closure and the stability; what resolved eddies carry is
 * left out; momentum and heat are moved, not made; buildings are refused. */
#include <string.h>

#include "les_test.h"
#include "most.h"

enum { N = 8, NZ = 6 };
static const double DX = 20.0, DZ = 10.0, Z0 = 0.1, U_STAR = 0.4, THETA = 300.0;

typedef struct {
  double per_L, flux; /* 1 / L; kinematic heat flux of the ground */
} Column;

static double wind_at(const Column *c, double z) {
  return U_STAR / 0.4 * (log(z / Z0) - wb_most_psi_m(z * c->per_L) + wb_most_psi_m(Z0 * c->per_L));
}
/* Along (0.8, -0.6), so that both components count. */
static double u_of_law(void *ctx, double x, double y, double z) {
  return 0.8 * wind_at(ctx, z);
}
static double v_of_law(void *ctx, double x, double y, double z) {
  return -0.6 * wind_at(ctx, z);
}
static double theta_of_law(void *ctx, double x, double y, double z) {
  const Column *c = ctx;
  return THETA - c->flux / (0.4 * U_STAR) * (log(z / DZ) - wb_most_psi_h(z * c->per_L) + wb_most_psi_h(DZ * c->per_L));
}

static WbLesOptions options(bool most) {
  WbLesOptions o = les_test_options();
  o.momentum_only = false;
  o.wall = WB_WALL_LOG;
  o.theta_surface_K = THETA;
  o.lapse_K_per_m = 0.0;
  o.z0_ground_m = Z0;
  o.surface.most = most;
  o.surface.z0_heat_ratio = 1.0;
  o.ground_viscosity = true;
  return o;
}
static LesBox box(const WbLesOptions *o, double stretch, LesSolidFn solid) {
  double *zf = les_test_faces(NZ, DZ, stretch);
  LesBox b = les_test_box(N, N, NZ, DX, zf, true, solid, o);
  free(zf);
  return b;
}

/* Change of a field in a step. */
static double change(WbLes les, int f, int k, double before, double dt) {
  return (les_test_get(les, f, k, 3, 4) - before) / dt;
}

static void stands_still(double flux, WbClosure closure, double stretch) {
  WbLesOptions o = options(flux != 0.0);
  o.closure = closure;
  o.prandtl_turbulent = 1.5; /* the closure alone would carry too much heat by the default's */
  o.heat_flux_K_m_per_s = flux;
  Column c = {.per_L = -0.4 * 9.81 / THETA * (double)(float)flux / pow(U_STAR, 3.0), .flux = (double)(float)flux};
  LesBox b = box(&o, stretch, NULL);
  WB_OK(wb_les_init_fields(b.les, u_of_law, v_of_law, NULL, theta_of_law, &c));
  const double dt = 1e-3, u = les_test_get(b.les, WB_U, 0, 3, 4), v = les_test_get(b.les, WB_V, 0, 3, 4),
               t = les_test_get(b.les, WB_THETA, 0, 3, 4), stress = U_STAR * U_STAR;
  WB_OK(wb_les_step(b.les, dt));
  /* without the flux from above the ground would take stress / DZ */
  WB_ASSERT_BELOW(fabs(change(b.les, WB_U, 0, u, dt)), 1e-3 * stress / DZ);
  WB_ASSERT_BELOW(fabs(change(b.les, WB_V, 0, v, dt)), 1e-3 * stress / DZ);
  WB_ASSERT_BELOW(fabs(change(b.les, WB_THETA, 0, t, dt)), 1e-3 * fabs(flux) / DZ + 1e-12);
  for (int f = 0; f < 3; f++) { /* what leaves a level enters the next */
    double sum = 0.0;
    for (int k = 0; k < NZ; k++) sum += b.les->met.push[f][k] * b.les->met.dz[k + 1];
    WB_ASSERT_BELOW(fabs(sum), 1e-12);
  }
  les_test_free(&b);
}
static void similarity(void **state) {
  const double flux[] = {0.0, -0.02, 0.05};
  for (int n = 0; n < 3; n++) {
    stands_still(flux[n], WB_CLOSURE_NONE, 1.0);
    stands_still(flux[n], WB_CLOSURE_SMAGORINSKY, 1.1);
  }
}

/* A roll along the wind that carries a share of the stress through the lowest face: w ~ sin(k y), u against it. */
static const double EDDY = 0.5;
static double roll(double y, double shift) {
  return sin(2.0 * PETSC_PI * y / (N * DX) + shift);
}
static double eddy_u(void *ctx, double x, double y, double z) {
  return wind_at(ctx, z) - (z < 2.0 * DZ ? EDDY * roll(y, 0.0) : 0.0);
}
static double eddy_v(void *ctx, double x, double y, double z) {
  return EDDY * N * DX / (2.0 * NZ * DZ) * cos(PETSC_PI * z / (NZ * DZ)) * roll(y, 0.5 * PETSC_PI);
}
static double eddy_w(void *ctx, double x, double y, double z) {
  return EDDY * sin(PETSC_PI * z / (NZ * DZ)) * roll(y, 0.0);
}
static void resolved(void **state) {
  WbLesOptions o = options(false);
  o.momentum_only = true;
  LesBox b = box(&o, 1.0, NULL);
  Column c = {0.0, 0.0};
  WB_OK(wb_les_init_fields(b.les, eddy_u, eddy_v, eddy_w, NULL, &c));
  b.les->ops->viscosity(b.les);
  double sum[3 * NZ + WB_SHEAR_SUMS] = {0.0};
  WB_OK(wb_les_ground_viscosity_step(b.les));
  for (int n = 0; n < 3 * NZ + WB_SHEAR_SUMS; n++) sum[n] = b.les->mean_shear.sum[n];
  const double *m = sum + 3 * NZ, share = -m[WB_SHEAR_UW] / m[WB_SHEAR_STRESS_U];
  print_message("resolved share %.4f, flux %.5f, stress %.5f\n", share, b.les->mean_shear.flux[0][1],
                m[WB_SHEAR_STRESS_U]);
  assert_true(share > 0.2 && share < 0.6);
  const double law = sqrt(m[WB_SHEAR_STRESS_U]) / 0.4 * log(3.0); /* of the wind, from level 0 to 1 */
  WB_ASSERT_NEAR(-b.les->mean_shear.flux[0][1], m[WB_SHEAR_STRESS_U] * (1.0 - share) * (sum[1] - sum[0]) / law, 1e-10);
  WB_ASSERT_NEAR(b.les->mean_shear.flux[0][3] * 3.0 / (sum[3] - sum[2]),
                 b.les->mean_shear.flux[0][1] / (sum[1] - sum[0]), 1e-10); /* fades as 1 / z */
  les_test_free(&b);
}

static void refused(void **state) {
  WbLesOptions o = options(false);
  double *zf = les_test_faces(NZ, DZ, 1.0);
  WbGrid *grid = NULL;
  WbLes les = NULL;
  uint8_t solid[NZ * N * N] = {1};
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, N, N, NZ, 1, 0, 0, true, true, &grid));
  grid->dx_m = DX;
  assert_int_equal(wb_les_create(grid, zf, solid, NULL, NULL, &o, &les), WB_ERR_CONFIG);
  assert_non_null(strstr(wb_error_message(), "has buildings"));
  wb_error_clear();
  wb_les_destroy(&les);
  o.wall = WB_WALL_FREE_SLIP;
  assert_int_equal(wb_les_create(grid, zf, NULL, NULL, NULL, &o, &les), WB_ERR_CONFIG);
  assert_non_null(strstr(wb_error_message(), "rough walls"));
  wb_error_clear();
  wb_les_destroy(&les);
  wb_grid_destroy(&grid);
  free(zf);
}

WB_TEST_MAIN(cmocka_unit_test(similarity), cmocka_unit_test(resolved), cmocka_unit_test(refused))
