/* Fifth-order upwind-biased advection of momentum: a transverse wave carried by a uniform wind arrives with an error of
 * fifth order; a wave of two cells decays at the rate of the discrete operator; between buildings kinetic energy falls
 * and stays finite, in both precisions, and the flow stays solenoidal. */
#include "les_test.h"

enum { LONG = 16, SHORT = 4, NZ = 2 };
static const double wind = 2.0, size = 16.0;
static int axis;

static WbLesOptions options(void) {
  WbLesOptions o = les_test_options();
  o.advection = WB_ADVECTION_UPWIND5;
  return o;
}

static double wave_length, travelled; /* cos(2 pi (x - travelled - 0.4) / wave_length): no face holds exactly 0 */
static double wave(double x) {
  return 1e-3 * cos(2.0 * PETSC_PI * (x - travelled - 0.4) / wave_length);
}
static double start_u(void *ctx, double x, double y, double z) {
  return axis == 0 ? wind : wave(y);
}
static double start_v(void *ctx, double x, double y, double z) {
  return axis == 1 ? wind : wave(x);
}

/* n cells along the axis, after `seconds` in `steps`. */
static LesBox carried(int n, double length, double seconds, int steps) {
  const WbLesOptions o = options();
  const double dx = size / n;
  double *zf = les_test_faces(NZ, dx, 1.0);
  LesBox b = les_test_box(axis == 0 ? n : SHORT, axis == 0 ? SHORT : n, NZ, dx, zf, true, NULL, &o);
  free(zf);
  wave_length = length;
  travelled = 0.0;
  WB_OK(wb_les_init_fields(b.les, start_u, start_v, NULL, NULL, NULL));
  for (int s = 0; s < steps; s++) WB_OK(wb_les_step(b.les, seconds / steps));
  travelled = wind * seconds;
  return b;
}

static double value(const LesBox *b, int m) {
  return axis == 0 ? les_test_get(b->les, WB_V, 1, 1, m) : les_test_get(b->les, WB_U, 1, m, 1);
}

static double error(int n) {
  LesBox b = carried(n, size, 0.5 * size / wind, 400);
  double sum = 0.0;
  for (int m = 0; m < n; m++) {
    const double d = value(&b, m) - wave((m + 0.5) * size / n);
    sum += d * d;
  }
  les_test_free(&b);
  return sqrt(sum / n);
}

static void order_five(void **state) {
  for (axis = 0; axis < 2; axis++) {
    const double e[3] = {error(8), error(16), error(32)};
    print_message("axis %d: errors %.3e %.3e %.3e, orders %.2f %.2f\n", axis, e[0], e[1], e[2], log2(e[0] / e[1]),
                  log2(e[1] / e[2]));
    WB_ASSERT_BELOW(4.8, log2(e[0] / e[1]));
    WB_ASSERT_BELOW(4.8, log2(e[1] / e[2]));
  }
}

/* Symbol of the dissipation: |U| / (60 dx) (2 sin(k dx / 2))^6. */
static void rate_of_decay(void **state) {
  const double dx = size / LONG, seconds = 0.1;
  for (axis = 0; axis < 2; axis++)
    for (int cells = 2; cells <= 8; cells *= 2) {
      double a[2] = {0.0, 0.0};
      for (int after = 0; after < 2; after++) {
        LesBox b = carried(LONG, cells * dx, seconds, after ? 10 : 0);
        for (int m = 0; m < LONG; m++) a[after] += value(&b, m) * value(&b, m);
        les_test_free(&b);
      }
      const double rate = -0.5 * log(a[1] / a[0]) / seconds;
      const double expected = wind / (60.0 * dx) * pow(2.0 * sin(PETSC_PI / cells), 6.0);
      print_message("axis %d wave of %d cells: rate %.5f, expected %.5f\n", axis, cells, rate, expected);
      WB_ASSERT_NEAR(rate, expected, 0.01 * expected + 1e-6);
    }
}

static void at_buildings(void **state) {
  for (int single = 0; single < 2; single++) {
    WbLesOptions o = options();
    if (single) o.precision = WB_FP32, o.tol_final = 1e-5, o.tol_stage = 1e-4;
    double *zf = les_test_faces(8, 1.0, 1.1);
    LesBox b = les_test_box(16, 16, 8, 1.0, zf, true, les_test_blocks, &o);
    free(zf);
    WB_OK(wb_les_init_fields(b.les, les_test_rough_u, les_test_rough_v, les_test_rough_w, NULL, NULL));
    double e = les_test_energy(b.les);
    const double first = e, speed = b.les->last_speed;
    for (int s = 0; s < 100; s++) {
      WB_OK(wb_les_step(b.les, 0.1));
      const double now = les_test_energy(b.les);
      WB_ASSERT_BELOW(now, e);
      WB_ASSERT_BELOW(b.les->last_speed, 1.5 * speed);
      e = now;
    }
    print_message("fp%d: kinetic energy %.4g of the first\n", single ? 32 : 64, e / first);
    WB_ASSERT_BELOW(e, 0.9 * first);
    WB_ASSERT_BELOW(0.1 * first, e);
    WB_ASSERT_BELOW(les_test_divergence(b.les), single ? 1e-5 : 1e-9);
    les_test_free(&b);
  }
}

static void too_large_steps_refused(void **state) {
  WbLesOptions o = options();
  WbLes les = NULL;
  WbGrid *grid = NULL;
  const double zf[] = {0.0, 1.0, 2.0, 3.0, 4.0};
  o.cfl_max = 1.6;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, 8, 8, 4, 1, 0, 0, true, true, &grid));
  grid->dx_m = 1.0;
  assert_int_equal(wb_les_create(grid, zf, NULL, NULL, NULL, &o, &les), WB_ERR_CONFIG);
  wb_error_clear();
  o.advection = WB_ADVECTION_CENTRAL;
  WB_OK(wb_les_create(grid, zf, NULL, NULL, NULL, &o, &les));
  wb_les_destroy(&les);
  wb_grid_destroy(&grid);
}

WB_TEST_MAIN(cmocka_unit_test(order_five), cmocka_unit_test(rate_of_decay), cmocka_unit_test(at_buildings),
             cmocka_unit_test(too_large_steps_refused))
