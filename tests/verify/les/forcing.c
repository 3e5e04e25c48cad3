/* Large-scale forcing: inertial oscillation, Ekman spiral, prescribed tendencies, wind that turns with time. */
#include "les_test.h"

static double north_f(double latitude_deg) {
  return 2.0 * 7.2921e-5 * sin(latitude_deg * PETSC_PI / 180.0);
}

/* ---- inertial oscillation: the wind relative to the geostrophic one turns clockwise in the north with period 2 pi/f
 */
static double start_u(void *ctx, double x, double y, double z) {
  return 13.0;
}
static double start_v(void *ctx, double x, double y, double z) {
  return -2.0;
}

static void oscillation(double latitude_deg) {
  WbLesOptions o = les_test_options();
  o.forcing.coriolis = o.forcing.geostrophic = true;
  o.forcing.latitude_deg = latitude_deg;
  o.wind_speed_m_per_s = 10.0;
  o.wind_direction_deg = 270.0; /* u_g = 10, v_g = 0 */
  double *zf = les_test_faces(3, 500.0, 1.0);
  LesBox b = les_test_box(6, 8, 3, 1e4, zf, true, NULL, &o);
  free(zf);
  WB_OK(wb_les_init_fields(b.les, start_u, start_v, NULL, NULL, NULL));
  const double f = north_f(latitude_deg), dt = 100.0;
  const int steps = (int)(1.2 * 2.0 * PETSC_PI / fabs(f) / dt);
  double worst = 0.0;
  for (int s = 1; s <= steps; s++) {
    WB_OK(wb_les_step(b.les, dt));
    const double a = f * dt * s;
    worst = fmax(worst, fabs(les_test_get(b.les, WB_U, 1, 3, 2) - (10.0 + 3.0 * cos(a) - 2.0 * sin(a))));
    worst = fmax(worst, fabs(les_test_get(b.les, WB_V, 1, 3, 2) - (-2.0 * cos(a) - 3.0 * sin(a))));
  }
  print_message("latitude %g: largest error of the inertial oscillation %.2e m/s in %d steps\n", latitude_deg, worst,
                steps);
  WB_ASSERT_BELOW(worst, 1e-5);
  les_test_free(&b);
}
static void inertial_oscillation(void **state) {
  oscillation(45.0);
  oscillation(-20.0);
}

/* ---- Ekman layer of constant viscosity over a no-slip ground: u = G (1 - e^-gz cos gz), v = G e^-gz sin gz ---- */
#define NU 5.0
#define G_WIND 10.0
static double ekman_gamma;
static double ekman_u(void *ctx, double x, double y, double z) {
  return G_WIND * (1.0 - exp(-ekman_gamma * z) * cos(ekman_gamma * z));
}
static double ekman_v(void *ctx, double x, double y, double z) {
  return G_WIND * exp(-ekman_gamma * z) * sin(ekman_gamma * z);
}

/* Largest error of the wind after the numerical solution has settled. */
static double ekman_error(int nz) {
  WbLesOptions o = les_test_options();
  o.forcing.coriolis = o.forcing.geostrophic = true;
  o.forcing.latitude_deg = 60.0;
  o.wind_speed_m_per_s = G_WIND;
  o.wind_direction_deg = 270.0;
  o.viscosity_m2_per_s = NU;
  o.wall = WB_WALL_NO_SLIP;
  const double f = north_f(60.0), dz = 2400.0 / nz;
  ekman_gamma = sqrt(f / (2.0 * NU));
  double *zf = les_test_faces(nz, dz, 1.0);
  LesBox b = les_test_box(4, 4, nz, 1000.0, zf, true, NULL, &o);
  free(zf);
  WB_OK(wb_les_init_fields(b.les, ekman_u, ekman_v, NULL, NULL, NULL));
  const double dt = fmin(0.3 * dz * dz / NU, 60.0);
  const int steps = (int)(6.0 / f / dt);
  for (int s = 0; s < steps; s++) WB_OK(wb_les_step(b.les, dt));
  double worst = 0.0;
  for (int k = 0; k < nz; k++) {
    const double z = b.les->met.zc[k + 1];
    worst = fmax(worst, fabs(les_test_get(b.les, WB_U, k, 1, 1) - ekman_u(NULL, 0, 0, z)));
    worst = fmax(worst, fabs(les_test_get(b.les, WB_V, k, 1, 1) - ekman_v(NULL, 0, 0, z)));
  }
  les_test_free(&b);
  return worst;
}
static void ekman_spiral(void **state) {
  const double a = ekman_error(48), b = ekman_error(96);
  print_message("Ekman layer: errors %.3e %.3e m/s, order %.2f\n", a, b, log2(a / b));
  WB_ASSERT_BELOW(b, 0.03);
  WB_ASSERT_BELOW(1.8, log2(a / b));
}

/* ---- prescribed tendencies ---- */
static double rest_theta(void *ctx, double x, double y, double z) {
  return 300.0;
}
static void tendencies(void **state) {
  WbLesOptions o = les_test_options();
  o.momentum_only = false;
  o.lapse_K_per_m = 0.0;
  o.forcing.n_tendency = 2;
  const double at[2] = {20.0, 60.0}, u[2] = {1e-3, 3e-3}, v[2] = {-2e-3, -2e-3}, t[2] = {4e-4, -4e-4};
  for (int n = 0; n < 2; n++) {
    o.forcing.tendency_height_m[n] = at[n];
    o.forcing.tendency_u_m_per_s2[n] = u[n];
    o.forcing.tendency_v_m_per_s2[n] = v[n];
    o.forcing.tendency_theta_K_per_s[n] = t[n];
  }
  double *zf = les_test_faces(10, 8.0, 1.0);
  LesBox b = les_test_box(6, 6, 10, 10.0, zf, true, NULL, &o);
  free(zf);
  WB_OK(wb_les_init_fields(b.les, NULL, NULL, NULL, rest_theta, NULL));
  for (int s = 0; s < 25; s++) WB_OK(wb_les_step(b.les, 4.0));
  for (int k = 0; k < 10; k++) {
    const double z = 8.0 * (k + 0.5), a = fmin(1.0, fmax(0.0, (z - 20.0) / 40.0));
    WB_ASSERT_NEAR(les_test_get(b.les, WB_U, k, 2, 3), 100.0 * (1e-3 + a * 2e-3), 1e-12);
    WB_ASSERT_NEAR(les_test_get(b.les, WB_V, k, 2, 3), -0.2, 1e-12);
    WB_ASSERT_NEAR(les_test_get(b.les, WB_THETA, k, 2, 3), 100.0 * (4e-4 - a * 8e-4), 1e-12);
  }
  les_test_free(&b);
}

/* ---- the large-scale wind's table, and a driven flow that follows it ---- */
static void turning_options(WbLesOptions *o) {
  const double time[3] = {0.0, 600.0, 1200.0}, speed[3] = {5.0, 5.0, 7.0}, direction[3] = {330.0, 50.0, 50.0};
  o->forcing.n_wind = 3;
  for (int n = 0; n < 3; n++) {
    o->forcing.wind_time_s[n] = time[n];
    o->forcing.wind_speed_m_per_s[n] = speed[n];
    o->forcing.wind_direction_deg[n] = direction[n];
  }
}

static void check_wind(const WbLesOptions *o, double t, double speed, double direction_deg) {
  double wind[2];
  wb_les_wind(o, t, wind);
  WB_ASSERT_NEAR(wind[0], -speed * sin(direction_deg * PETSC_PI / 180.0), 1e-12);
  WB_ASSERT_NEAR(wind[1], -speed * cos(direction_deg * PETSC_PI / 180.0), 1e-12);
}
static void table_of_wind(void **state) {
  WbLesOptions o = les_test_options();
  o.wind_speed_m_per_s = 3.0;
  o.wind_direction_deg = 90.0;
  check_wind(&o, 1e6, 3.0, 90.0);
  turning_options(&o);
  check_wind(&o, -100.0, 5.0, 330.0);
  check_wind(&o, 225.0, 5.0, 0.0); /* through north, the shorter way */
  check_wind(&o, 600.0, 5.0, 50.0);
  check_wind(&o, 900.0, 6.0, 50.0);
  check_wind(&o, 9e9, 7.0, 50.0);
}

static void turning_wind(void **state) {
  WbLesOptions o;
  wb_les_options_default(&o);
  turning_options(&o);
  o.drive_mean_wind = true;
  o.wind_height_m = 100.0;
  o.mixed_height_m = 300.0;
  o.sponge_height_m = 320.0;
  double *zf = les_test_faces(20, 20.0, 1.0);
  LesBox b = les_test_box(16, 16, 20, 20.0, zf, true, NULL, &o);
  free(zf);
  WB_OK(wb_les_init(b.les, -600.0));
  double worst = 0.0;
  for (double t = 0.0; t <= 1500.0; t += 100.0) {
    WB_OK(wb_les_advance(b.les, t, NULL, NULL));
    double wind[2], sum[3][2] = {{0}};
    wb_les_wind(&o, t, wind);
    b.les->ops->plane_mean(b.les, WB_U, 4, sum[0]);
    b.les->ops->plane_mean(b.les, WB_U, 5, sum[0]);
    b.les->ops->plane_mean(b.les, WB_V, 4, sum[1]);
    b.les->ops->plane_mean(b.les, WB_V, 5, sum[1]);
    b.les->ops->plane_mean(b.les, WB_U, 18, sum[2]);
    worst = fmax(worst, hypot(sum[0][0] / sum[0][1] - wind[0], sum[1][0] / sum[1][1] - wind[1]));
    if (t != 900.0) continue;
    /* above the mixed layer, where the controller does not reach, the air takes part in the change */
    const double start = 5.0 * log(370.0 / 0.1) / log(100.0 / 0.1) * -sin(330.0 * PETSC_PI / 180.0);
    const double expected = start + wind[0] - 2.5;
    print_message("t = 900 s: u at 370 m %.3f, expected %.3f\n", sum[2][0] / sum[2][1], expected);
    WB_ASSERT_NEAR(sum[2][0] / sum[2][1], expected, 0.1);
  }
  print_message("turning wind: largest miss at 100 m %.3f m/s\n", worst);
  WB_ASSERT_BELOW(worst, 0.4);
  les_test_free(&b);
}

WB_TEST_MAIN(cmocka_unit_test(inertial_oscillation), cmocka_unit_test(ekman_spiral), cmocka_unit_test(tendencies),
             cmocka_unit_test(table_of_wind), cmocka_unit_test(turning_wind))
