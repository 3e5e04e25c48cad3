/* Plane Poiseuille flow between no-slip ground and buildings that form a ceiling, and between two building walls:
 * driven by a body force to the steady parabola u = F/(2 nu) z (H - z); second order. */
#include "les_test.h"

#define NU 1.0
#define FORCE 1.0

static int cells;
static bool roof(int k, int j, int i) {
  return k == cells;
}
static bool sides(int k, int j, int i) {
  return j == 0;
}

static double profile_z(void *ctx, double x, double y, double z) {
  return FORCE / (2.0 * NU) * z * (1.0 - z);
}
static double profile_y(void *ctx, double x, double y, double z) {
  const double s = y - 1.0 / cells;
  return FORCE / (2.0 * NU) * s * (1.0 - s);
}

/* Starts from the exact profile and relaxes to the discrete steady state. */
static double error(int n, bool vertical) {
  WbLesOptions o = les_test_options();
  o.viscosity_m2_per_s = NU;
  o.wall = WB_WALL_NO_SLIP;
  cells = n;
  const double h = 1.0 / n;
  double *zf = les_test_faces(vertical ? n + 1 : 2, h, 1.0);
  LesBox b = les_test_box(4, vertical ? 4 : n + 1, vertical ? n + 1 : 2, h, zf, true, vertical ? roof : sides, &o);
  free(zf);
  b.les->force[0] = FORCE;
  if (!vertical)
    for (int n2 = 0; n2 < b.les->walls[WB_U].n; n2++)
      ((double *)b.les->walls[WB_U].c2)[n2] = 0.0; /* no drag of the ground */
  WB_OK(wb_les_init_fields(b.les, vertical ? profile_z : profile_y, NULL, NULL, NULL, NULL));
  const double dt = 0.15 * h * h / NU;
  const int steps = (int)(0.5 / dt);
  for (int s = 0; s < steps; s++) WB_OK(wb_les_step(b.les, dt));
  double worst = 0.0;
  for (int m = 0; m < n; m++) {
    const double s = (m + 0.5) * h;
    const double u = vertical ? les_test_get(b.les, WB_U, m, 1, 1) : les_test_get(b.les, WB_U, 1, m + 1, 1);
    worst = fmax(worst, fabs(u - FORCE / (2.0 * NU) * s * (1.0 - s)));
  }
  les_test_free(&b);
  return worst;
}

static void between_ground_and_ceiling(void **state) {
  const double a = error(8, true), b = error(16, true);
  print_message("vertical: errors %.3e %.3e, order %.2f\n", a, b, log2(a / b));
  WB_ASSERT_BELOW(1.9, log2(a / b));
  WB_ASSERT_BELOW(b, 1e-3);
}

/* Two levels above a no-slip ground would drag too: the ground's contribution is switched off by hand. */
static void between_walls(void **state) {
  const double a = error(8, false), b = error(16, false);
  print_message("lateral: errors %.3e %.3e, order %.2f\n", a, b, log2(a / b));
  WB_ASSERT_BELOW(1.9, log2(a / b));
  WB_ASSERT_BELOW(b, 1e-3);
}

WB_TEST_MAIN(cmocka_unit_test(between_ground_and_ceiling), cmocka_unit_test(between_walls))
