/* Upwind dissipation of momentum advection: a grid-scale wave of any velocity component, carried by a uniform wind,
 * decays at the rate of the discrete operator (third-order upwind: 16/12 U/dx for a wave of two cells), long waves and
 * uniform flow do not, and energy never grows, with buildings too. */
#include "les_test.h"

enum { N = 16 };
static const double wind = 2.0, fraction = 0.6;
static int axis, component, half_wave;

static double wave(double x, double y, double z) {
  const double at[3] = {x, y, z};
  return 1e-4 * cos(PETSC_PI * (at[axis] - 0.4) / half_wave);
}
static double start(int c, double x, double y, double z) {
  return (c == axis ? wind : 0.0) + (c == component ? wave(x, y, z) : 0.0);
}
static double start_u(void *ctx, double x, double y, double z) {
  return start(0, x, y, z);
}
static double start_v(void *ctx, double x, double y, double z) {
  return start(1, x, y, z);
}
static double start_w(void *ctx, double x, double y, double z) {
  return start(2, x, y, z);
}

static double amplitude(WbLes les) {
  double sum = 0;
  for (int j = 0; j < N; j++)
    for (int i = 0; i < N; i++) {
      const double q = les_test_get(les, component, 2, j, i);
      sum += q * q;
    }
  return sqrt(sum);
}

/* Transverse waves along x and y; a longitudinal one would not be solenoidal. */
static void rate_of_decay(void **state) {
  const double dt = 0.01;
  for (axis = 0; axis < 2; axis++)
    for (component = 0; component < 2; component++)
      for (half_wave = 1; half_wave <= 4; half_wave *= 2) {
        if (component == axis) continue;
        WbLesOptions o = les_test_options();
        o.upwind_fraction = fraction;
        double *zf = les_test_faces(6, 1.0, 1.0);
        LesBox b = les_test_box(N, N, 6, 1.0, zf, true, NULL, &o);
        free(zf);
        WB_OK(wb_les_init_fields(b.les, start_u, start_v, start_w, NULL, NULL));
        const double a0 = amplitude(b.les);
        for (int s = 0; s < 10; s++) WB_OK(wb_les_step(b.les, dt));
        const double rate = -log(amplitude(b.les) / a0) / (10 * dt);
        /* d/dt q = -U/12 f (q_-2 - 4 q_-1 + 6 q_0 - 4 q_1 + q_2), symbol (2 sin(k/2))^4 */
        const double expected = fraction * wind / 12.0 * pow(2.0 * sin(PETSC_PI / half_wave / 2.0), 4.0);
        print_message("axis %d component %d half wave %d: rate %.5f, expected %.5f\n", axis, component, half_wave, rate,
                      expected);
        WB_ASSERT_NEAR(rate, expected, 0.01 * expected + 1e-6);
        les_test_free(&b);
      }
}

static void energy_falls(void **state) {
  WbLesOptions o = les_test_options();
  o.upwind_fraction = 1.0;
  double *zf = les_test_faces(8, 1.0, 1.1);
  LesBox b = les_test_box(N, N, 8, 1.0, zf, true, les_test_blocks, &o);
  free(zf);
  WB_OK(wb_les_init_fields(b.les, les_test_rough_u, les_test_rough_v, les_test_rough_w, NULL, NULL));
  double e = les_test_energy(b.les);
  const double first = e;
  for (int s = 0; s < 20; s++) {
    WB_OK(wb_les_step(b.les, 0.05));
    const double now = les_test_energy(b.les);
    WB_ASSERT_BELOW(now, e);
    e = now;
  }
  WB_ASSERT_BELOW(e, 0.95 * first);
  WB_ASSERT_BELOW(les_test_divergence(b.les), 1e-9);
  les_test_free(&b);
}

WB_TEST_MAIN(cmocka_unit_test(rate_of_decay), cmocka_unit_test(energy_falls))
