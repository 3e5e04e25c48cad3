/* Deardorff's closure against what its equation gives in closed form: decay of turbulence at rest, balance of
 * production and dissipation in uniform shear, the length scale in stable air; budget of the whole with buildings. */
#include "les_test.h"

enum { NZ = 24 };
static const double dz = 10.0, dx = 20.0, stretch = 1.0;
static double filter(void) {
  return cbrt(dx * dx * dz);
}

static WbLesOptions options(void) {
  WbLesOptions o = les_test_options();
  o.momentum_only = false;
  o.closure = WB_CLOSURE_DEARDORFF;
  o.lapse_K_per_m = 0.0;
  return o;
}
static LesBox box(const WbLesOptions *o) {
  double *zf = les_test_faces(NZ, dz, stretch);
  LesBox b = les_test_box(6, 6, NZ, dx, zf, true, NULL, o);
  free(zf);
  return b;
}
static double energy(WbLes les, int k) {
  return les_test_get(les, WB_NFIELDS, k, 2, 3);
}

static double rest(void *ctx, double x, double y, double z) {
  return 300.0;
}
static double one(void *ctx, double x, double y, double z) {
  return 1.0;
}
static double shear(void *ctx, double x, double y, double z) {
  return 0.05 * z;
}
static double stable(void *ctx, double x, double y, double z) {
  return 300.0 + 0.02 * z;
}

/* de/dt = -0.93 e^1.5 / D: e = e0 / (1 + 0.93 sqrt(e0) t / (2 D))^2. */
static double decay_error(double dt) {
  WbLesOptions o = options();
  LesBox b = box(&o);
  WB_OK(wb_les_init_fields(b.les, NULL, NULL, NULL, rest, NULL));
  WB_OK(wb_les_set_scalar(b.les, 0, one, NULL));
  const int steps = (int)lround(60.0 / dt);
  for (int s = 0; s < steps; s++) WB_OK(wb_les_step(b.les, dt));
  const double expected = 1.0 / pow(1.0 + 0.93 * 60.0 / (2.0 * filter()), 2.0);
  const double error = fabs(energy(b.les, 12) - expected) / expected;
  les_test_free(&b);
  return error;
}
static void decay(void **state) {
  const double a = decay_error(2.0), b = decay_error(0.5);
  print_message("decay: relative errors %.4f %.4f\n", a, b);
  WB_ASSERT_BELOW(a, 0.03);
  WB_ASSERT_BELOW(b, 0.3 * a); /* first order in the step */
}

/* 0.1 D sqrt(e) S^2 = 0.93 e^1.5 / D: e = 0.1/0.93 D^2 S^2, nu = 0.1 D sqrt(e). */
static void uniform_shear(void **state) {
  WbLesOptions o = options();
  LesBox b = box(&o);
  WB_OK(wb_les_init_fields(b.les, shear, NULL, NULL, rest, NULL));
  WB_OK(wb_les_set_scalar(b.les, 0, one, NULL));
  for (int s = 0; s < 600; s++) WB_OK(wb_les_step(b.les, 1.0));
  const double e = 0.1 / 0.93 * pow(filter() * 0.05, 2.0), nu = 0.1 * filter() * sqrt(e);
  const double got = ((double *)b.les->nut)[wb_les_at(&b.les->lay, 12, 2, 3)];
  print_message("shear: e %.5f, expected %.5f; nu %.5f, expected %.5f\n", energy(b.les, 12), e, got, nu);
  WB_ASSERT_NEAR(energy(b.les, 12), e, 0.005 * e);
  WB_ASSERT_NEAR(got, nu, 0.005 * nu);
  les_test_free(&b);
}

/* In stable air l = 0.76 sqrt(e) / N: nu = 0.076 e / N, kappa / nu = 1 + 2 l / D, at the start of a step. */
static void stable_air(void **state) {
  WbLesOptions o = options();
  o.theta_surface_K = 300.0;
  LesBox b = box(&o);
  WB_OK(wb_les_init_fields(b.les, shear, NULL, NULL, stable, NULL));
  WB_OK(wb_les_set_scalar(b.les, 0, one, NULL));
  const double e = 0.02;
  for (size_t p = 0; p < b.les->lay.field; p++) ((double *)b.les->state)[WB_NFIELDS * b.les->lay.field + p] = e;
  b.les->ops->viscosity(b.les);
  const double n = sqrt(9.81 / 300.0 * 0.02), l = 0.76 * sqrt(e) / n, nu = 0.1 * l * sqrt(e);
  const size_t at = wb_les_at(&b.les->lay, 12, 2, 3), field = b.les->lay.field;
  const double *work = b.les->tke_work;
  assert_true(l < filter());
  WB_ASSERT_NEAR(((double *)b.les->nut)[at], nu, 1e-9 * nu);
  const double kappa = (1.0 + 2.0 * l / filter()) * nu;
  WB_ASSERT_NEAR(work[at], kappa, 1e-9 * kappa);
  WB_ASSERT_NEAR(work[field + at], nu * 0.0025 - kappa * n * n, 1e-9);
  WB_ASSERT_NEAR(work[2 * field + at], (0.19 + 0.74 * l / filter()) * sqrt(e) / l, 1e-9);
  /* the least energy holds however stable the air */
  for (int s = 0; s < 50; s++) WB_OK(wb_les_step(b.les, 1.0));
  for (int k = 0; k < NZ; k++) assert_true(energy(b.les, k) >= 0.999 * WB_TKE_MIN);
  les_test_free(&b);
}

/* Heat diffuses with the closure's own diffusivity: a step of theta spreads as kappa says, heat is kept. */
static double layered(void *ctx, double x, double y, double z) {
  return z < 120.0 ? 301.0 : 300.0; /* unstable: l = D */
}
static void heat_diffuses(void **state) {
  WbLesOptions o = options();
  LesBox b = box(&o);
  WB_OK(wb_les_init_fields(b.les, NULL, NULL, NULL, layered, NULL));
  WB_OK(wb_les_set_scalar(b.les, 0, one, NULL));
  const double before = les_test_get(b.les, WB_THETA, 11, 2, 3), dt = 1e-3, kappa = 3.0 * 0.1 * filter();
  WB_OK(wb_les_step(b.les, dt));
  const double rate = (les_test_get(b.les, WB_THETA, 11, 2, 3) - before) / dt;
  WB_ASSERT_NEAR(rate, -kappa / (dz * dz), 1e-3 * kappa / (dz * dz));
  les_test_free(&b);
}

/* The energy itself diffuses with 2 nu. */
static double energy_layers(void *ctx, double x, double y, double z) {
  return z < 120.0 ? 1.0 : 0.25;
}
static void energy_diffuses(void **state) {
  WbLesOptions o = options();
  LesBox b = box(&o);
  WB_OK(wb_les_init_fields(b.les, NULL, NULL, NULL, rest, NULL));
  WB_OK(wb_les_set_scalar(b.les, 0, energy_layers, NULL));
  const double dt = 1e-3, nu = 0.1 * filter() * 0.5 * (1.0 + 0.5);
  WB_OK(wb_les_step(b.les, dt));
  const double rate = (energy(b.les, 11) - 1.0) / dt, decays = 0.93 / filter();
  WB_ASSERT_NEAR(rate, -2.0 * nu * 0.75 / (dz * dz) - decays, 1e-3 * decays);
  les_test_free(&b);
}

/* A city in it: stays finite and positive, the divergence small. */
static bool city(int k, int j, int i) {
  const unsigned h = ((unsigned)(i / 3) * 2654435761U) ^ ((unsigned)(j / 3) * 40503U * 65537U);
  return k < (int)((h >> 7) % 6U) && (h >> 13) % 2U;
}
static void in_a_city(void **state) {
  WbLesOptions o = options();
  o.wall = WB_WALL_LOG;
  o.wind_speed_m_per_s = 5.0;
  o.wind_height_m = 60.0;
  o.drive_mean_wind = true;
  o.heat_flux_K_m_per_s = 0.1;
  o.tol_final = 1e-8;
  o.tol_stage = 1e-3;
  double *zf = les_test_faces(12, 10.0, 1.0);
  LesBox b = les_test_box(24, 18, 12, 10.0, zf, true, city, &o);
  free(zf);
  WB_OK(wb_les_init(b.les, 0.0));
  WB_OK(wb_les_advance(b.les, 120.0, NULL, NULL));
  double most = 0.0;
  for (int k = 0; k < 12; k++)
    for (int j = 0; j < 18; j++)
      for (int i = 0; i < 24; i++) {
        const double e = les_test_get(b.les, WB_NFIELDS, k, j, i);
        assert_true(b.les->solid[wb_les_at(&b.les->lay, k, j, i)] ? e == 0.0 : e >= 0.999 * WB_TKE_MIN);
        most = fmax(most, e);
      }
  print_message("city: largest subgrid energy %.3f m2/s2\n", most);
  assert_true(most > 0.05 && most < 10.0);
  WB_ASSERT_BELOW(les_test_divergence(b.les) * 10.0 / 5.0, 1.01e-8);
  les_test_free(&b);
}

WB_TEST_MAIN(cmocka_unit_test(decay), cmocka_unit_test(uniform_shear), cmocka_unit_test(stable_air),
             cmocka_unit_test(heat_diffuses), cmocka_unit_test(energy_diffuses), cmocka_unit_test(in_a_city))
