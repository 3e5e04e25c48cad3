/* Two-dimensional Taylor-Green vortex, u = -cos x sin z exp(-2 nu t) ... in the (x, y) plane, decaying by molecular
 * viscosity: exact solution of Navier-Stokes. Observed order in space at least 1.9, with fifth-order advection too,
 * whose error is less than a tenth; in time at least 1.9 on a fixed grid against a run with a much smaller step (the
 * projection method's velocity is second order). */
#include "les_test.h"

#define NU 0.02
#define TWO_PI (2.0 * PETSC_PI)

/* A mean drift makes the advection terms act (the vortex alone is balanced by pressure). */
static const double drift_u = 0.3, drift_v = 0.2;
static double exact_time;

static double tg_u(void *ctx, double x, double y, double z) {
  const double t = exact_time;
  return drift_u - cos(x - drift_u * t) * sin(y - drift_v * t) * exp(-2.0 * NU * t);
}
static double tg_v(void *ctx, double x, double y, double z) {
  const double t = exact_time;
  return drift_v + sin(x - drift_u * t) * cos(y - drift_v * t) * exp(-2.0 * NU * t);
}

static WbAdvection advection = WB_ADVECTION_CENTRAL;

static LesBox vortex(int n, double upwind) {
  WbLesOptions o = les_test_options();
  o.viscosity_m2_per_s = NU;
  o.upwind_fraction = upwind;
  o.advection = advection;
  const double dx = TWO_PI / n;
  double *zf = les_test_faces(2, dx, 1.0);
  LesBox b = les_test_box(n, n, 2, dx, zf, true, NULL, &o);
  free(zf);
  exact_time = 0.0;
  WB_OK(wb_les_init_fields(b.les, tg_u, tg_v, NULL, NULL, NULL));
  return b;
}

static double error_l2(WbLes les) {
  const WbLesLayout *l = &les->lay;
  const double dx = les->grid->dx_m;
  double sum = 0.0;
  exact_time = les->time_s;
  for (int j = 0; j < l->nyl; j++)
    for (int i = 0; i < l->nxl; i++) {
      const double du = les_test_get(les, WB_U, 0, j, i) - tg_u(NULL, i * dx, (j + 0.5) * dx, 0.0);
      const double dv = les_test_get(les, WB_V, 0, j, i) - tg_v(NULL, (i + 0.5) * dx, j * dx, 0.0);
      sum += du * du + dv * dv;
    }
  return sqrt(sum / (l->nyl * l->nxl));
}

/* e: errors on 16, 32, 64 cells; the order between the last two at least. */
static void space(double upwind, double e[3]) {
  for (int n = 0; n < 3; n++) {
    LesBox b = vortex(16 << n, upwind);
    const int steps = 20 << n;
    for (int s = 0; s < steps; s++) WB_OK(wb_les_step(b.les, 1.0 / steps));
    e[n] = error_l2(b.les);
    les_test_free(&b);
  }
  print_message("upwind %g: errors %.3e %.3e %.3e, orders %.3f %.3f\n", upwind, e[0], e[1], e[2], log2(e[0] / e[1]),
                log2(e[1] / e[2]));
  WB_ASSERT_BELOW(1.9, log2(e[1] / e[2]));
}

static void order_in_space(void **state) {
  double central[3], upwind[3], fifth[3];
  space(0.0, central);
  space(1.0, upwind);
  WB_ASSERT_BELOW(1.9, log2(central[0] / central[1]));
  WB_ASSERT_BELOW(1.9, log2(upwind[0] / upwind[1]));
  advection = WB_ADVECTION_UPWIND5; /* what is left comes from the second-order pressure gradient and viscosity */
  space(0.0, fifth);
  advection = WB_ADVECTION_CENTRAL;
  for (int n = 0; n < 3; n++) WB_ASSERT_BELOW(fifth[n], 0.1 * central[n]);
}

static double run_u(int steps, double *u) {
  LesBox b = vortex(16, 0.0);
  const WbLesLayout *l = &b.les->lay;
  for (int s = 0; s < steps; s++) WB_OK(wb_les_step(b.les, 1.0 / steps));
  for (int j = 0; j < 16; j++)
    for (int i = 0; i < 16; i++) u[j * 16 + i] = les_test_get(b.les, WB_U, 0, j, i);
  (void)l;
  les_test_free(&b);
  return 0.0;
}

static void order_in_time(void **state) {
  double fine[256], u[256], e[2] = {0.0, 0.0};
  run_u(160, fine);
  for (int n = 0; n < 2; n++) {
    run_u(5 << n, u);
    for (int i = 0; i < 256; i++) e[n] = fmax(e[n], fabs(u[i] - fine[i]));
  }
  print_message("time errors %.3e %.3e, order %.3f\n", e[0], e[1], log2(e[0] / e[1]));
  WB_ASSERT_BELOW(1.9, log2(e[0] / e[1]));
}

WB_TEST_MAIN(cmocka_unit_test(order_in_space), cmocka_unit_test(order_in_time))
