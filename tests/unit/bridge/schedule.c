/* Schedules: end values, derivatives against finite differences, g^F and b^F against the general formulae. */
#include "wb_test.h"

#include "windbridge/bridge.h"

static const WbScheduleKind kinds[] = {WB_SCHEDULE_LINEAR, WB_SCHEDULE_QUADRATIC};

static void ends(void **state) {
  (void)state;
  for (int k = 0; k < 2; k++) {
    WbScheduleAt a, b;
    wb_schedule_at(kinds[k], 0.0, &a);
    wb_schedule_at(kinds[k], 1.0, &b);
    WB_ASSERT_NEAR(a.alpha, 1, 0);
    WB_ASSERT_NEAR(a.beta, 0, 0);
    WB_ASSERT_NEAR(b.alpha, 0, 0);
    WB_ASSERT_NEAR(b.beta, 1, 0);
    WB_ASSERT_NEAR(b.sigma, 0, 0);
    WB_ASSERT_NEAR(wb_schedule_g_foellmer(kinds[k], 1.0), 0, 0);
  }
}

static void derivatives(void **state) {
  (void)state;
  const double d = 1e-5;
  for (int k = 0; k < 2; k++) {
    for (int n = 1; n < 20; n++) {
      const double t = 0.05 * n;
      WbScheduleAt at, lo, hi;
      wb_schedule_at(kinds[k], t, &at);
      wb_schedule_at(kinds[k], t - d, &lo);
      wb_schedule_at(kinds[k], t + d, &hi);
      WB_ASSERT_NEAR(at.d_alpha, (hi.alpha - lo.alpha) / (2 * d), 1e-9);
      WB_ASSERT_NEAR(at.d_beta, (hi.beta - lo.beta) / (2 * d), 1e-9);
      WB_ASSERT_NEAR(at.d_sigma, (hi.sigma - lo.sigma) / (2 * d), 1e-9);
    }
  }
}

/* b^g = b + 1/2 (g^2 - sigma^2) A (beta b - c), written out with numbers for b, x, x0. */
static double general(WbScheduleKind kind, double eps, double t, double g, double b, double x, double x0) {
  WbScheduleAt at;
  wb_schedule_at(kind, t, &at);
  const double s = eps * at.sigma, ds = eps * at.d_sigma;
  const double a = 1.0 / (t * s * (at.d_beta * s - at.beta * ds));
  const double c = at.d_beta * x + (at.beta * at.d_alpha - at.d_beta * at.alpha) * x0;
  return b + 0.5 * (g * g - s * s) * a * (at.beta * b - c);
}

static void forms(void **state) {
  (void)state;
  const double b = 0.7, x = -1.3, x0 = 0.45, eps = 0.8;
  for (int k = 0; k < 2; k++) {
    for (int n = 0; n < 10; n++) {
      const double t = 0.05 + 0.1 * n;
      WbScheduleAt at;
      WbDriftForm f;
      wb_schedule_at(kinds[k], t, &at);
      const double s = eps * at.sigma, ds = eps * at.d_sigma;
      const double gf = sqrt(fabs(2 * t * s * (at.d_beta * s / at.beta - ds) - s * s));
      WB_ASSERT_NEAR(eps * wb_schedule_g_foellmer(kinds[k], t), gf, 1e-12);
      const double g_want[] = {s, gf, 0.0};
      const WbNoiseChoice noise[] = {WB_NOISE_BASE, WB_NOISE_FOELLMER, WB_NOISE_NONE};
      for (int c = 0; c < 3; c++) {
        wb_bridge_drift_form(kinds[k], noise[c], t, &f);
        WB_ASSERT_NEAR(eps * f.g, g_want[c], 1e-12);
        WB_ASSERT_NEAR(f.b * b + f.x * x + f.x0 * x0, general(kinds[k], eps, t, g_want[c], b, x, x0), 1e-11);
      }
    }
  }
}

/* First steps: finite, with noise sigma(0) = epsilon; the flow lands on the marginal of t = h. */
static void first_step(void **state) {
  (void)state;
  for (int k = 0; k < 2; k++) {
    WbDriftForm f;
    wb_bridge_drift_form(kinds[k], WB_NOISE_FOELLMER, 0.0, &f);
    WB_ASSERT_NEAR(f.b, 1, 0);
    WB_ASSERT_NEAR(f.x + f.x0, 0, 0); /* x = x0 there */
    WB_ASSERT_NEAR(f.g, 1, 0);
    wb_bridge_step_form(kinds[k], WB_NOISE_NONE, 0, 10, &f);
    WB_ASSERT_NEAR(f.g, 0.9 * sqrt(0.1), 1e-15);
    WB_ASSERT_NEAR(f.b, 0.1, 1e-15);
  }
}

static void names(void **state) {
  (void)state;
  WbScheduleKind kind = WB_SCHEDULE_QUADRATIC;
  for (int k = 0; k < 2; k++) {
    WB_OK(wb_schedule_parse(wb_schedule_name(kinds[k]), &kind));
    assert_int_equal(kind, kinds[k]);
  }
  assert_int_equal(wb_schedule_parse("cubic", &kind), WB_ERR_CONFIG);
  assert_non_null(strstr(wb_error_message(), "cubic"));
  assert_non_null(strstr(wb_error_message(), "quadratic"));
  wb_error_clear();
}

WB_TEST_MAIN(cmocka_unit_test(ends), cmocka_unit_test(derivatives), cmocka_unit_test(forms),
             cmocka_unit_test(first_step), cmocka_unit_test(names))
