/* Processes and schedules: end values, derivatives against finite differences, Foellmer's diffusivity and drift against
 * the table of math.md and the general formula, tables, names, errors. */
#include "wb_test.h"

#include "../../verify/bridge/reference.h"
#include "bridge_internal.h"

static WbProcess make(int ref) {
  WbProcess process;
  WB_OK(wb_process_create(&ref_list[ref].options, &process));
  return process;
}

static void ends(void **state) {
  (void)state;
  ref_setup();
  for (int r = 0; r < N_REF; r++) {
    WbProcess p = make(r);
    WbPathAt a, b;
    wb_process_at(p, 0.0, &a);
    wb_process_at(p, 1.0, &b);
    const bool noise = wb_process_from_noise(p);
    assert_int_equal(noise, r >= 8 && r <= 11);
    WB_ASSERT_NEAR(a.alpha, noise ? 0 : 1, 0);
    if (!noise) {
      WB_ASSERT_NEAR(a.beta, 0, 0);
      WB_ASSERT_NEAR(a.w, 0, 0);
    }
    WB_ASSERT_NEAR(b.alpha, 0, 0);
    WB_ASSERT_NEAR(b.beta, 1, 0);
    WB_ASSERT_NEAR(b.w, 0, 1e-30);
    wb_process_destroy(&p);
    assert_null(p);
  }
}

/* Paths and diffusivities are those of the reference, derivatives those of finite differences. */
static void derivatives(void **state) {
  (void)state;
  const double d = 1e-5;
  ref_setup();
  for (int r = 0; r < N_REF; r++) {
    WbProcess p = make(r);
    const double tol = r == 3 || r == 6 ? 1e-3 : 1e-10; /* tables interpolate */
    for (int n = 1; n < 40; n++) {
      const double t = 0.025 * n + 0.0003;
      WbPathAt at, lo, hi;
      wb_process_at(p, t, &at);
      wb_process_at(p, t - d, &lo);
      wb_process_at(p, t + d, &hi);
      const double scale = fmax(1, fabs(at.d_w));
      WB_ASSERT_NEAR(at.d_alpha, (hi.alpha - lo.alpha) / (2 * d), 1e-8);
      WB_ASSERT_NEAR(at.d_beta, (hi.beta - lo.beta) / (2 * d), 1e-7);
      WB_ASSERT_NEAR(at.d_w, (hi.w - lo.w) / (2 * d), (r == 6 ? 1e-5 : 2e-7) * scale);
      const RefPath want = ref_list[r].path(t);
      WB_ASSERT_NEAR(at.alpha, want.alpha, tol);
      WB_ASSERT_NEAR(at.beta, want.beta, tol);
      WB_ASSERT_NEAR(at.w, want.w, tol * fmax(1, want.w));
      WB_ASSERT_NEAR(at.g2, ref_list[r].g2(t), tol * fmax(1, at.g2));
    }
    wb_process_destroy(&p);
  }
}

/* At t = 0 and 1 one-sided differences; finite also where sqrt(t) is not. */
static void end_derivatives(void **state) {
  (void)state;
  const double d = 1e-6;
  ref_setup();
  for (int r = 0; r < N_REF; r++) {
    WbProcess p = make(r);
    for (int end = 0; end < 2; end++) {
      WbPathAt at, in;
      wb_process_at(p, end, &at);
      wb_process_at(p, end ? 1 - d : d, &in);
      const double s = end ? -d : d, scale = fmax(1, ref_list[r].path(0.0).w);
      WB_ASSERT_NEAR((in.alpha - at.alpha) / s, at.d_alpha, 1e-4);
      WB_ASSERT_NEAR((in.beta - at.beta) / s, at.d_beta, 2e-3);
      WB_ASSERT_NEAR((in.w - at.w) / s, at.d_w, 1e-3 * scale);
      assert_true(isfinite(at.g2) && at.g2 >= 0);
    }
    wb_process_destroy(&p);
  }
}

/* b^g = b + 1/2 (g^2 - sigma^2) A (beta b - c) with numbers for b, x, x0 (math.md section 1), b from D. */
static void foellmer_table(void **state) {
  (void)state;
  const double dd = 0.7, x = -1.3, x0 = 0.45, eps = 0.8;
  ref_setup();
  for (int r = 0; r < 4; r++) {
    WbProcess p = make(r);
    for (int n = 0; n < 10; n++) {
      const double t = 0.05 + 0.1 * n, q = 1 - t;
      WbPathAt at;
      WbForm f;
      double g2;
      wb_process_at(p, t, &at);
      const double sigma = eps * sqrt(at.g2), ds = eps * (at.d_w - at.g2) / (2 * t * sqrt(at.g2));
      const double b = at.d_alpha * x0 + at.d_beta * dd + ds / sigma * (x - at.alpha * x0 - at.beta * dd);
      const double a = 1 / (t * sigma * (at.d_beta * sigma - at.beta * ds));
      const double c = at.d_beta * x + (at.beta * at.d_alpha - at.d_beta * at.alpha) * x0;
      const double gf2 = fabs(2 * t * sigma * (at.d_beta * sigma / at.beta - ds) - sigma * sigma);
      const double g2_want[] = {sigma * sigma, gf2, 0.0, 0.49 * gf2};
      for (int k = 0; k < 4; k++) {
        wb_process_drift(p, k == 3 ? WB_NOISE_FOELLMER : (WbNoiseChoice)k, k == 3 ? 0.7 : 1.0, t, &f, &g2);
        const double want = b + 0.5 * (g2_want[k] - sigma * sigma) * a * (at.beta * b - c);
        WB_ASSERT_NEAR(eps * eps * g2, g2_want[k], 1e-12);
        WB_ASSERT_NEAR(f.x * x + f.d * dd + f.x0 * x0, want, 1e-10);
      }
      wb_process_drift(p, WB_NOISE_FOELLMER, 1, t, &f, &g2);
      const double drift = f.x * x + f.d * dd + f.x0 * x0;
      wb_process_drift(p, WB_NOISE_BASE, 1, t, &f, NULL);
      const double base = f.x * x + f.d * dd + f.x0 * x0;
      if (r == 0) { /* linear */
        WB_ASSERT_NEAR(sqrt(g2), sqrt(q * (1 + t)), 1e-12);
        WB_ASSERT_NEAR(base, (dd - x) / q, 1e-11);
        WB_ASSERT_NEAR(drift, (1 + t) * base - x + x0, 1e-11);
      } else if (r == 1) { /* quadratic */
        WB_ASSERT_NEAR(sqrt(g2), sqrt((3 - t) * q), 1e-12);
        WB_ASSERT_NEAR(base, (t * (2 - t) * dd - x) / q, 1e-11);
        WB_ASSERT_NEAR(drift, (1 + 1 / (2 - t)) * base - (2 * x - (2 - t) * x0) / (t * (2 - t)), 1e-10);
      } else if (r == 2) { /* brownian */
        WB_ASSERT_NEAR(sqrt(g2), 1, 1e-12);
        WB_ASSERT_NEAR(base, ((2 - t) * dd - x - q * x0) / (2 * q), 1e-11);
        WB_ASSERT_NEAR(drift, (dd - x) / q, 1e-11);
      }
    }
    wb_process_destroy(&p);
  }
}

/* Reverse SDEs and published relations: own diffusivity is Foellmer's for diffusion, I2SB and [SF]2M; drift of I2SB and
 * [SF]2M at it is (D - x) S'/(1 - S); the noise form is the state's noise. */
static void relatives(void **state) {
  (void)state;
  const double dd = 0.7, x = -1.3, x0 = 0.45;
  const int same[] = {7, 8, 9, 10, 12};
  ref_setup();
  for (int i = 0; i < 5; i++) {
    WbProcess p = make(same[i]);
    for (int n = 1; n < 20; n++) {
      const double t = 0.05 * n;
      WbForm f, noise;
      WbPathAt at;
      double g2;
      wb_process_at(p, t, &at);
      wb_process_drift(p, WB_NOISE_FOELLMER, 1, t, &f, &g2);
      WB_ASSERT_NEAR(g2 / at.g2, 1, 1e-11);
      const double drift = f.x * x + f.d * dd + f.x0 * x0;
      if (same[i] == 7 || same[i] == 12) WB_ASSERT_NEAR(drift, (dd - x) * at.d_beta / at.alpha, 1e-10);
      wb_process_noise_form(p, t, &noise);
      const double z = noise.x * x + noise.d * dd + noise.x0 * x0;
      WB_ASSERT_NEAR(at.alpha * x0 + at.beta * dd + sqrt(at.w) * z, x, 1e-12);
      /* b^g = v + g^2/2 score, score = -z/gamma */
      wb_process_drift(p, WB_NOISE_NONE, 1, t, &f, NULL);
      const double v = f.x * x + f.d * dd + f.x0 * x0;
      WB_ASSERT_NEAR(v - 0.5 * g2 * z / sqrt(at.w), drift, 1e-9 * fmax(1, fabs(drift)));
    }
    wb_process_destroy(&p);
  }
  /* [SF]2M as published: u = (1 - 2t)/(2t(1 - t)) (x - ((1 - t) x0 + t x1)) + x1 - x0 */
  WbProcess p = make(12);
  for (int n = 1; n < 20; n++) {
    const double t = 0.05 * n, mean = (1 - t) * x0 + t * dd;
    WbForm f;
    wb_process_drift(p, WB_NOISE_NONE, 1, t, &f, NULL);
    WB_ASSERT_NEAR(f.x * x + f.d * dd + f.x0 * x0, (1 - 2 * t) / (2 * t * (1 - t)) * (x - mean) + dd - x0, 1e-11);
  }
  wb_process_destroy(&p);
}

/* growth: integral of g^2/(2w) of the class against Simpson. */
static double integrand_process(const struct WbProcess_s *p, double t) {
  WbPathAt at;
  wb_process_at(p, t, &at);
  return at.g2 / (2 * at.w);
}

static void growth(void **state) {
  (void)state;
  ref_setup();
  for (int r = 0; r < N_REF; r++) {
    WbProcess p = make(r);
    const double span[3][2] = {{0.02, 0.1}, {0.1, 0.5}, {0.4, 0.97}};
    for (int i = 0; i < 3; i++) {
      double sum = 0;
      const int n = 20000;
      for (int k = 0; k < n; k++) {
        sum += integrand_process(p, span[i][0] + (span[i][1] - span[i][0]) * (k + 0.5) / n) *
               (span[i][1] - span[i][0]) / n;
      }
      const double tol = r == 6 ? 2e-3 : 1e-6; /* Gauss-Legendre over 228 pieces of a table */
      WB_ASSERT_NEAR(p->class->growth(p, span[i][0], span[i][1]) / sum, 1, tol);
    }
    wb_process_destroy(&p);
  }
}

static double ninth(const struct WbProcess_s *p, double t) {
  (void)p;
  return pow(t, 31);
}

static void quadrature(void **state) {
  (void)state;
  WB_ASSERT_NEAR(wb_quadrature(ninth, NULL, 0.2, 1.3) / ((pow(1.3, 32) - pow(0.2, 32)) / 32), 1, 1e-13);
}

/* A table of straight lines is the linear schedule; a rough table stays monotone; its derivative is its own. */
static void tables(void **state) {
  (void)state;
  const double t[5] = {0, 0.1, 0.35, 0.8, 1};
  double down[5], rough[5] = {0, 0.6, 0.61, 0.62, 1};
  for (int k = 0; k < 5; k++) down[k] = 1 - t[k];
  WbProcessOptions o;
  WbProcess table, linear;
  wb_process_options_default(WB_PROCESS_BRIDGE, &o);
  WB_OK(wb_process_create(&o, &linear));
  o.schedule = WB_SCHEDULE_TABLE;
  o.table = (WbPathTable){5, t, down, t, down, NULL};
  WB_OK(wb_process_create(&o, &table));
  for (int n = 0; n <= 100; n++) {
    WbPathAt a, b;
    wb_process_at(table, n / 100.0, &a);
    wb_process_at(linear, n / 100.0, &b);
    const double *pa = &a.alpha, *pb = &b.alpha;
    for (int k = 0; k < 7; k++) WB_ASSERT_NEAR(pa[k], pb[k], 1e-13);
  }
  wb_process_destroy(&table);
  wb_process_destroy(&linear);
  WbCurve curve = {0};
  WB_OK(wb_curve_create("test", 5, t, rough, &curve));
  double before = 0;
  for (int n = 1; n <= 1000; n++) {
    double value, slope, lo, hi, unused;
    wb_curve_at(&curve, n / 1000.0, &value, &slope);
    assert_true(value >= before && slope >= 0);
    before = value;
    if (n % 50 != 0 && n < 1000) {
      wb_curve_at(&curve, n / 1000.0 - 1e-6, &lo, &unused);
      wb_curve_at(&curve, n / 1000.0 + 1e-6, &hi, &unused);
      WB_ASSERT_NEAR(slope, (hi - lo) / 2e-6, 1e-5 * fmax(1, fabs(slope)));
    }
  }
  for (int k = 0; k < 5; k++) {
    double value, slope;
    wb_curve_at(&curve, t[k], &value, &slope);
    WB_ASSERT_NEAR(value, rough[k], 0);
  }
  wb_curve_destroy(&curve);
}

static void expect_refused(const WbProcessOptions *o, const char *word) {
  WbProcess p;
  assert_int_equal(wb_process_create(o, &p), WB_ERR_CONFIG);
  assert_null(p);
  if (!strstr(wb_error_message(), word)) fail_msg("'%s' does not say '%s'", wb_error_message(), word);
  wb_error_clear();
}

static void refused(void **state) {
  (void)state;
  const double t[3] = {0, 0.5, 1}, bad_t[3] = {0, 0.5, 0.9}, up[3] = {0, 0.5, 1}, down[3] = {1, 0.5, 0};
  const double high[3] = {0, 0.5, 1.1}, nan3[3] = {1, NAN, 0};
  WbProcessOptions o;
  wb_process_options_default(WB_PROCESS_BRIDGE, &o);
  o.epsilon[2] = 0;
  expect_refused(&o, "epsilon");
  o.epsilon[2] = 1;
  o.schedule = WB_SCHEDULE_TABLE;
  expect_refused(&o, "alpha");
  o.table = (WbPathTable){3, bad_t, down, up, down, NULL};
  expect_refused(&o, "times");
  const double back_t[4] = {0, 0.6, 0.5, 1}, up4[4] = {0, 0.3, 0.6, 1}, down4[4] = {1, 0.6, 0.3, 0};
  o.table = (WbPathTable){4, back_t, down4, up4, down4, NULL};
  expect_refused(&o, "rise");
  o.table = (WbPathTable){3, t, down, high, down, NULL};
  expect_refused(&o, "0, 1, 0");
  o.table = (WbPathTable){3, t, down, up, nan3, NULL};
  expect_refused(&o, "sigma");
  wb_process_options_default(WB_PROCESS_DIFFUSION_VP, &o);
  o.rate_max = 0.01;
  expect_refused(&o, "rate");
  wb_process_options_default(WB_PROCESS_DIFFUSION_EDM, &o);
  o.sigma_max = 0;
  expect_refused(&o, "sigma_max");
  wb_process_options_default(WB_PROCESS_I2SB, &o);
  o.rate_ratio = -1;
  expect_refused(&o, "ratio");
}

/* Foellmer: refused exactly where beta^2 / gamma^2 falls, and the message says where. */
static void foellmer_check(void **state) {
  (void)state;
  ref_setup();
  for (int r = 0; r < N_REF; r++) {
    WbProcess p = make(r);
    const PetscErrorCode e = wb_process_check_foellmer(p);
    assert_int_equal(e, ref_list[r].foellmer ? 0 : WB_ERR_CONFIG);
    assert_int_equal(ref_list[r].foellmer, r != 6);
    if (e) assert_non_null(strstr(wb_error_message(), "decreases at t = 0.4"));
    wb_error_clear();
    wb_process_destroy(&p);
  }
}

static void names(void **state) {
  (void)state;
  for (int k = 0; k < WB_N_PROCESSES; k++) {
    WbProcessKind kind = WB_N_PROCESSES;
    WB_OK(wb_process_parse(wb_process_name((WbProcessKind)k), &kind));
    assert_int_equal(kind, k);
  }
  for (int k = 0; k < WB_N_SCHEDULES; k++) {
    WbScheduleKind kind = WB_N_SCHEDULES;
    WB_OK(wb_schedule_parse(wb_schedule_name((WbScheduleKind)k), &kind));
    assert_int_equal(kind, k);
  }
  WbScheduleKind schedule;
  WbProcessKind process;
  assert_int_equal(wb_schedule_parse("cubic", &schedule), WB_ERR_CONFIG);
  assert_non_null(strstr(wb_error_message(), "cubic"));
  assert_non_null(strstr(wb_error_message(), "brownian"));
  wb_error_clear();
  assert_int_equal(wb_process_parse("brige", &process), WB_ERR_CONFIG);
  assert_non_null(strstr(wb_error_message(), "diffusion_edm"));
  wb_error_clear();
}

/* Training times: a power of u, and for EDM a log-normal noise level whatever the power, near the data too. */
static void train_times(void **state) {
  (void)state;
  ref_setup();
  WbProcess edm = make(10), linear = make(0);
  WB_ASSERT_NEAR(wb_process_train_time(linear, 0.37, 1), 0.37, 0);
  WB_ASSERT_NEAR(wb_process_train_time(linear, 0.5, 3), 0.125, 1e-15);
  WB_ASSERT_NEAR(wb_process_train_time(linear, 1 - 1e-9, 1), 0.999, 0);
  const double u[5] = {0.5, 0.841344746068543, 0.022750131948179, 1e-7, 1 - 1e-7};
  const double z[5] = {0, 1, -2, -5.199337582192816, 5.199337582192816};
  for (int k = 0; k < 5; k++) {
    const double sigma = 80 * (1 - wb_process_train_time(edm, u[k], 1 + k)),
                 want = fmin(2 * exp(-1.2 + 1.2 * z[k]), 80);
    WB_ASSERT_NEAR(sigma / want, 1, 1e-7);
  }
  wb_process_destroy(&edm);
  wb_process_destroy(&linear);
}

WB_TEST_MAIN(cmocka_unit_test(ends), cmocka_unit_test(derivatives), cmocka_unit_test(end_derivatives),
             cmocka_unit_test(foellmer_table), cmocka_unit_test(relatives), cmocka_unit_test(growth),
             cmocka_unit_test(quadrature), cmocka_unit_test(tables), cmocka_unit_test(refused),
             cmocka_unit_test(foellmer_check), cmocka_unit_test(names), cmocka_unit_test(train_times))
