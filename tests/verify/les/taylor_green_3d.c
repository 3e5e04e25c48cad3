/* Three-dimensional Taylor-Green vortex in a box of half its height between free-slip planes (its own symmetry):
 * without viscosity kinetic energy is kept to the time error while the flow breaks up; at Re = 100 the decay follows
 * the pseudo-spectral solution (_taylor_green_spectral.py), with an error that falls with the square of the spacing. */
#include "les_test.h"

static double start_u(void *ctx, double x, double y, double z) {
  return sin(x) * cos(y) * cos(z);
}
static double start_v(void *ctx, double x, double y, double z) {
  return -cos(x) * sin(y) * cos(z);
}

static LesBox vortex(int n, double viscosity) {
  WbLesOptions o = les_test_options();
  o.viscosity_m2_per_s = viscosity;
  o.tol_final = o.tol_stage = 1e-9;
  const double dx = 2.0 * PETSC_PI / n;
  double *zf = les_test_faces(n / 2, dx, 1.0);
  LesBox b = les_test_box(n, n, n / 2, dx, zf, true, NULL, &o);
  free(zf);
  WB_OK(wb_les_init_fields(b.les, start_u, start_v, NULL, NULL, NULL));
  return b;
}

static double loss(double dt) {
  LesBox b = vortex(24, 0.0);
  const double e0 = les_test_energy(b.les);
  const int steps = (int)lround(4.0 / dt);
  for (int s = 0; s < steps; s++) WB_OK(wb_les_step(b.les, dt));
  const double change = fabs(les_test_energy(b.les) / e0 - 1.0);
  les_test_free(&b);
  return change;
}
/* The Runge-Kutta scheme is of third order for linear equations, of second for this one (Wicker & Skamarock 2002). */
static void inviscid(void **state) {
  const double a = loss(0.025), b = loss(0.0125);
  print_message("inviscid: energy lost by t = 4: %.2e, %.2e, order %.2f\n", a, b, log2(a / b));
  WB_ASSERT_BELOW(b, 1e-6);
  WB_ASSERT_BELOW(1.85, log2(a / b));
}

static const double spectral[5] = {0.93985, 0.87238, 0.79033, 0.69456,
                                   0.59172}; /* of t = 0, 48^3; 32^3: 3e-4 off at 5 */
static void viscous(void **state) {
  double e[2][5], error[3] = {0.0, 0.0, 0.0};
  for (int m = 0; m < 2; m++) {
    LesBox b = vortex(24 << m, 0.01);
    const double e0 = les_test_energy(b.les);
    for (int t = 0; t < 5; t++) {
      const int steps = 12 << m;
      for (int s = 0; s < steps; s++) WB_OK(wb_les_step(b.les, 1.0 / steps));
      e[m][t] = les_test_energy(b.les) / e0;
      error[m] = fmax(error[m], fabs(e[m][t] - spectral[t]));
    }
    les_test_free(&b);
  }
  for (int t = 0; t < 5; t++) {
    const double best = e[1][t] + (e[1][t] - e[0][t]) / 3.0; /* Richardson: second order */
    print_message("t = %d: energy %.5f (24), %.5f (48), %.5f (extrapolated), spectral %.5f\n", t + 1, e[0][t], e[1][t],
                  best, spectral[t]);
    error[2] = fmax(error[2], fabs(best - spectral[t]));
  }
  print_message("largest errors %.2e %.2e, order %.2f; extrapolated %.2e\n", error[0], error[1],
                log2(error[0] / error[1]), error[2]);
  WB_ASSERT_BELOW(error[1], 6e-3);
  WB_ASSERT_BELOW(1.8, log2(error[0] / error[1]));
  WB_ASSERT_BELOW(error[2], 1e-3);
}

WB_TEST_MAIN(cmocka_unit_test(inviscid), cmocka_unit_test(viscous))
