/* Ground by Monin-Obukhov similarity: profile functions, stability found from flux and from temperature, and what the
 * solver makes of them: stress, heat and the gradient that the closure sees. */
#include "les_test.h"
#include "most.h"

static void profile_functions(void **state) {
  WB_ASSERT_NEAR(wb_most_phi_m(-1.0), pow(17.0, -0.25), 1e-14);
  WB_ASSERT_NEAR(wb_most_phi_h(-1.0), pow(17.0, -0.5), 1e-14);
  WB_ASSERT_NEAR(wb_most_phi_m(0.4), 3.0, 1e-14);
  WB_ASSERT_NEAR(wb_most_phi_h(0.4), 3.0, 1e-14);
  for (double zeta = -50.0; zeta < 3.0; zeta += 0.37) { /* d psi / d zeta = (1 - phi) / zeta */
    const double h = 1e-5 * fabs(zeta);
    if (zeta - h < 0.0 && zeta + h > 0.0) continue;
    const double dm = (wb_most_psi_m(zeta + h) - wb_most_psi_m(zeta - h)) / (2.0 * h);
    const double dh = (wb_most_psi_h(zeta + h) - wb_most_psi_h(zeta - h)) / (2.0 * h);
    WB_ASSERT_NEAR(dm, (1.0 - wb_most_phi_m(zeta)) / zeta, 1e-6 * fabs(dm) + 1e-9);
    WB_ASSERT_NEAR(dh, (1.0 - wb_most_phi_h(zeta)) / zeta, 1e-6 * fabs(dh) + 1e-9);
  }
  WB_ASSERT_NEAR(wb_most_psi_m(-1e-12), 0.0, 1e-10);
}

/* A surface layer is made of L and u_star by quadrature of the gradients; both ways back must find it. */
static void layer(double zeta) {
  const double z = 8.0, z0 = 0.3, z0h = 0.02, u_star = 0.4, t_star = 0.1, beta = 9.81 / 300.0;
  const int n = 20000;
  double u = 0.0, dtheta = 0.0; /* Simpson in ln z */
  for (int part = 0; part < 2; part++) {
    const double low = part ? z0h : z0, h = log(z / low) / n;
    for (int i = 0; i <= n; i++) {
      const double at = low * exp(i * h), w = (i == 0 || i == n ? 1.0 : i % 2 ? 4.0 : 2.0) * h / 3.0;
      if (part)
        dtheta += w * wb_most_phi_h(zeta * at / z) * t_star / 0.4;
      else
        u += w * wb_most_phi_m(zeta * at / z) * u_star / 0.4;
    }
  }
  /* kappa z beta theta_star / u_star^2 = zeta fixes the sign and size of beta t_star */
  const double t_scale = zeta * u_star * u_star / (0.4 * z * beta) / t_star;
  const double flux = -u_star * t_star * t_scale; /* w'theta' */
  const WbMost a = wb_most_from_flux(z, z0, z0h, u, beta * flux);
  const WbMost b = wb_most_from_difference(z, z0, z0h, u, beta * dtheta * t_scale);
  const WbMost both[2] = {a, b};
  for (int m = 0; m < 2; m++) {
    WB_ASSERT_NEAR(both[m].zeta, zeta, 1e-6 * fabs(zeta) + 1e-9);
    WB_ASSERT_NEAR(both[m].cd * u * u, u_star * u_star, 1e-7);
    WB_ASSERT_NEAR(both[m].slope * u, u_star / (0.4 * z) * wb_most_phi_m(zeta), 1e-7);
    WB_ASSERT_NEAR(both[m].ch * u * dtheta * t_scale, -flux, 1e-6 * fabs(flux) + 1e-12);
  }
}
static void stability(void **state) {
  const double zetas[] = {-20.0, -5.0, -1.0, -0.1, -0.001, 0.0, 0.001, 0.05, 0.2};
  for (int n = 0; n < 9; n++) layer(zetas[n]);
  /* temperature alone reaches the very stable too; a cooling that no wind carries is limited */
  const WbMost strong = wb_most_from_flux(8.0, 0.3, 0.02, 1.0, -9.81 / 300.0 * 0.5);
  assert_true(isfinite(strong.cd) && strong.cd > 0.0 && strong.zeta > 0.0);
  const WbMost calm = wb_most_from_difference(8.0, 0.3, 0.02, 0.1, 9.81 / 300.0 * 20.0);
  WB_ASSERT_NEAR(calm.zeta, 10.0, 0.0);
  const WbMost hot = wb_most_from_difference(8.0, 0.3, 0.02, 0.1, -9.81 / 300.0 * 30.0);
  assert_true(isfinite(hot.ch) && hot.ch > 0.0);
}

/* ---- in the solver ---- */
static double wind(void *ctx, double x, double y, double z) {
  return 4.0;
}
static double cross(void *ctx, double x, double y, double z) {
  return -3.0;
}
static double air(void *ctx, double x, double y, double z) {
  return 300.0;
}

static WbLesOptions rough(void) {
  WbLesOptions o = les_test_options();
  o.momentum_only = false;
  o.wall = WB_WALL_LOG;
  o.lapse_K_per_m = 0.0;
  o.z0_ground_m = 0.1;
  o.surface.most = true;
  o.theta_surface_K = 300.0;
  return o;
}

/* A short step from uniform wind: stress and heat of the first level, and the gradient below it. */
static void one_step(double flux, double theta_ground) {
  WbLesOptions o = rough();
  if (isnan(theta_ground))
    o.heat_flux_K_m_per_s = flux;
  else
    o.surface.theta_K[WB_FACET_GROUND] = theta_ground;
  double *zf = les_test_faces(4, 8.0, 1.2);
  LesBox b = les_test_box(6, 6, 4, 10.0, zf, true, NULL, &o);
  free(zf);
  WB_OK(wb_les_init_fields(b.les, wind, cross, NULL, air, NULL));
  const double dt = 1e-4, beta = 9.81 / 300.0;
  WB_OK(wb_les_step(b.les, dt));
  const WbMost m = isnan(theta_ground) ? wb_most_from_flux(4.0, 0.1, 0.01, 5.0, beta * (double)(float)flux)
                                       : wb_most_from_difference(4.0, 0.1, 0.01, 5.0, beta * (300.0 - theta_ground));
  const double q = isnan(theta_ground) ? flux : m.ch * 5.0 * (theta_ground - 300.0);
  WB_ASSERT_NEAR((les_test_get(b.les, WB_U, 0, 2, 3) - 4.0) / dt, -m.cd * 5.0 * 4.0 / 8.0, 1e-5);
  WB_ASSERT_NEAR((les_test_get(b.les, WB_V, 0, 2, 3) + 3.0) / dt, m.cd * 5.0 * 3.0 / 8.0, 1e-5);
  WB_ASSERT_NEAR(les_test_get(b.les, WB_THETA, 0, 2, 3) / dt, q / 8.0, 1e-5 * fabs(q) + 1e-9);
  const double below = les_test_get(b.les, WB_U, -1, 2, 3), above = les_test_get(b.les, WB_U, 1, 2, 3);
  WB_ASSERT_NEAR((above - below) / (b.les->met.zc[2] - b.les->met.zc[0]), m.slope * 4.0, 1e-4);
  les_test_free(&b);
}
static void in_the_solver(void **state) {
  one_step(0.1, NAN);
  one_step(-0.02, NAN);
  one_step(0.0, 310.0);
  one_step(0.0, 295.0);
}

/* Without heat flux the ground is the log law's. */
static void neutral_is_log(void **state) {
  double u[2], v[2];
  for (int most = 0; most < 2; most++) {
    WbLesOptions o = rough();
    o.surface.most = most;
    o.closure = WB_CLOSURE_VREMAN;
    double *zf = les_test_faces(6, 8.0, 1.2);
    LesBox b = les_test_box(8, 8, 6, 10.0, zf, true, NULL, &o);
    free(zf);
    WB_OK(wb_les_init(b.les, 0.0));
    for (int s = 0; s < 10; s++) WB_OK(wb_les_step(b.les, 1.0));
    u[most] = les_test_get(b.les, WB_U, 0, 3, 4);
    v[most] = les_test_get(b.les, WB_V, 1, 3, 4);
    les_test_free(&b);
  }
  WB_ASSERT_NEAR(u[1], u[0], 1e-9);
  WB_ASSERT_NEAR(v[1], v[0], 1e-9);
}

/* The heat that enters is what similarity says, step by step, over buildings and ground that cools with time. */
static bool tower(int k, int j, int i) {
  return k < 2 && i >= 2 && i < 5 && j >= 3 && j < 5;
}
static double heat_content(WbLes les) {
  const WbLesLayout *l = &les->lay;
  double sum = 0.0;
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++)
        if (!les->solid[wb_les_at(l, k, j, i)]) sum += les_test_get(les, WB_THETA, k, j, i) * les->met.dz[k + 1];
  return sum; /* times dx^2 */
}
static void cooling_ground(void **state) {
  WbLesOptions o = rough();
  o.closure = WB_CLOSURE_VREMAN;
  o.wind_speed_m_per_s = 3.0;
  o.surface.theta_K[WB_FACET_GROUND] = 301.0;
  o.surface.theta_rate_K_per_s = -0.01;
  double *zf = les_test_faces(6, 8.0, 1.0);
  LesBox b = les_test_box(10, 8, 6, 10.0, zf, true, tower, &o);
  free(zf);
  WB_OK(wb_les_init(b.les, 0.0));
  double expected = 0.0, before = heat_content(b.les);
  const double start = before, dt = 0.05;
  for (int s = 0; s < 40; s++) {
    double flux = 0.0;
    for (int j = 0; j < 8; j++)
      for (int i = 0; i < 10; i++) {
        if (tower(0, j, i)) continue;
        const double u = 0.5 * (les_test_get(b.les, WB_U, 0, j, i) + les_test_get(b.les, WB_U, 0, j, i + 1));
        const double v = 0.5 * (les_test_get(b.les, WB_V, 0, j, i) + les_test_get(b.les, WB_V, 0, j + 1, i));
        const double t = les_test_get(b.les, WB_THETA, 0, j, i), speed = fmax(hypot(u, v), 0.1);
        const double warmer = 1.0 - 0.01 * dt * (s + 0.5) - t;
        flux += wb_most_from_difference(4.0, 0.1, 0.01, speed, -9.81 / 300.0 * warmer).ch * speed * warmer;
      }
    WB_OK(wb_les_step(b.les, dt));
    expected += dt * flux;
    WB_ASSERT_NEAR(heat_content(b.les) - before, dt * flux, 0.02 * fabs(dt * flux));
    before = heat_content(b.les);
  }
  print_message("heat that entered: %.5f K m3/m2, expected %.5f\n", before - start, expected);
  WB_ASSERT_NEAR(before - start, expected, 0.005 * fabs(expected));
  les_test_free(&b);
}

WB_TEST_MAIN(cmocka_unit_test(profile_functions), cmocka_unit_test(stability), cmocka_unit_test(in_the_solver),
             cmocka_unit_test(neutral_is_log), cmocka_unit_test(cooling_ground))
