/* Inviscid flow conserves kinetic energy up to the time error, with buildings and stretched levels: the central flux
 * form is energy-neutral when the velocity is discretely solenoidal, so the loss falls with dt^3 (RK3). */
#include "les_test.h"

static bool city(int k, int j, int i) {
  return (k < 3 && i / 4 % 2 && j / 4 % 2) || (k < 6 && i < 2 && j > 12);
}

/* Smooth, then made solenoidal by the first projection. */
static double start_u(void *ctx, double x, double y, double z) {
  return 1.0 + sin(0.4 * y) * cos(0.5 * z);
}
static double start_v(void *ctx, double x, double y, double z) {
  return 0.5 + cos(0.8 * x) * sin(0.3 * z);
}
static double start_w(void *ctx, double x, double y, double z) {
  return sin(0.4 * x) * cos(0.4 * y);
}

static double loss(double dt, double stretch, bool periodic) {
  WbLesOptions o = les_test_options();
  double *zf = les_test_faces(10, 1.0, stretch);
  LesBox b = les_test_box(16, 16, 10, 1.0, zf, periodic, city, &o);
  free(zf);
  WB_OK(wb_les_init_fields(b.les, start_u, start_v, start_w, NULL, NULL));
  const double e0 = les_test_energy(b.les);
  const int steps = (int)lround(0.8 / dt);
  for (int s = 0; s < steps; s++) WB_OK(wb_les_step(b.les, dt));
  const double change = les_test_energy(b.les) / e0 - 1.0;
  les_test_free(&b);
  return fabs(change);
}

static void conserved(void **state) {
  for (int s = 0; s < 3; s++) { /* cyclic, cyclic and stretched, closed box */
    const double stretch = s ? 1.15 : 1.0;
    const bool cyclic = s < 2;
    const double a = loss(0.2, stretch, cyclic), b = loss(0.1, stretch, cyclic), c = loss(0.02, stretch, cyclic);
    print_message("stretch %.2f: energy changes %.3e %.3e %.3e, order %.2f\n", stretch, a, b, c, log2(a / b));
    WB_ASSERT_BELOW(2.5, log2(a / b));
    WB_ASSERT_BELOW(c, 1e-6);
  }
}

WB_TEST_MAIN(cmocka_unit_test(conserved))
