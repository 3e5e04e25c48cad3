/* Plans: evaluation counts and times, the published steps (DDPM, DDIM, I2SB, the levels of EDM), a single step, grids,
 * names and errors. */
#include "wb_test.h"

#include "../../verify/bridge/plan_run.h"

enum { LINEAR = 0, QUADRATIC = 1, BROWNIAN = 2, I2SB = 7, VP = 8, EDM = 10, FLOW = 11, SF2M = 12 };
static const WbTimeGrid uniform = {1, 1, 0};

static WbPlan plan_of(int ref, const char *name, WbNoiseChoice noise, int steps) {
  WbSampler o;
  ref_setup();
  WB_OK(wb_sampler_parse(name, noise, &o));
  return plan_make(&ref_list[ref], &o, &uniform, steps);
}

static void counts(void **state) {
  (void)state;
  static const struct {
    int ref;
    const char *name;
    WbNoiseChoice noise;
    int per_step, less, fields;
  } want[] = {
      {LINEAR, "euler_maruyama", WB_NOISE_BASE, 1, 0, 1},
      {LINEAR, "euler_maruyama", WB_NOISE_FOELLMER, 1, 0, 1},
      {LINEAR, "euler_maruyama", WB_NOISE_NONE, 1, 0, 1},
      {QUADRATIC, "euler_maruyama", WB_NOISE_FOELLMER, 1, 0, 1},
      {LINEAR, "stochastic_heun", WB_NOISE_BASE, 2, 1, 2},
      {LINEAR, "stochastic_heun", WB_NOISE_FOELLMER, 2, 1, 2},
      {BROWNIAN, "stochastic_heun", WB_NOISE_FOELLMER, 2, 1, 2},
      {QUADRATIC, "stochastic_heun", WB_NOISE_BASE, 2, 1, 2},
      {QUADRATIC, "stochastic_heun", WB_NOISE_FOELLMER, 2, 2, 2}, /* singular at t = 0 */
      {VP, "stochastic_heun", WB_NOISE_BASE, 2, 1, 2},
      {FLOW, "stochastic_heun", WB_NOISE_FOELLMER, 2, 2, 2}, /* infinite g at t = 0 */
      {LINEAR, "exponential", WB_NOISE_FOELLMER, 1, 0, 1},
      {LINEAR, "flow_euler", WB_NOISE_NONE, 1, 0, 1},
      {LINEAR, "flow_heun", WB_NOISE_NONE, 2, 1, 2},
      {EDM, "flow_heun", WB_NOISE_NONE, 2, 1, 2},
      {LINEAR, "flow_rk4", WB_NOISE_NONE, 4, 3, 3},
      {FLOW, "flow_rk4", WB_NOISE_NONE, 4, 3, 3},
      {VP, "ddpm", WB_NOISE_FOELLMER, 1, 0, 1},
      {VP, "ddim", WB_NOISE_NONE, 1, 0, 1},
      {I2SB, "i2sb_posterior", WB_NOISE_FOELLMER, 1, 0, 1},
      {LINEAR, "mean", WB_NOISE_NONE, 0, -1, 1},
  };
  for (size_t k = 0; k < sizeof(want) / sizeof(want[0]); k++) {
    for (int n = 2; n < 12; n++) {
      WbPlan p = plan_of(want[k].ref, want[k].name, want[k].noise, n);
      assert_int_equal(wb_plan_evaluations(p), n * want[k].per_step - want[k].less);
      if (n > 2 || want[k].less < 2) assert_int_equal(wb_plan_fields(p), want[k].fields);
      wb_plan_destroy(&p);
      assert_null(p);
    }
  }
}

/* N steps of Euler-Maruyama ask at 0, h, ..., 1 - h; Heun at both ends; never at t = 1; one noise number a step. */
static void times(void **state) {
  (void)state;
  const int n = 7;
  WbPlan p = plan_of(QUADRATIC, "euler_maruyama", WB_NOISE_FOELLMER, n);
  for (int k = 0; k < n; k++) {
    WB_ASSERT_NEAR(p->stage[k].t, (double)k / n, 1e-15);
    assert_int_equal(p->stage[k].noise, k);
  }
  wb_plan_destroy(&p);
  p = plan_of(LINEAR, "stochastic_heun", WB_NOISE_BASE, n);
  for (int k = 0; k < 2 * n - 1; k++) {
    WB_ASSERT_NEAR(p->stage[k].t, (double)((k + 1) / 2) / n, 1e-15);
    assert_int_equal(p->stage[k].noise, k / 2);
  }
  wb_plan_destroy(&p);
  p = plan_of(LINEAR, "flow_rk4", WB_NOISE_NONE, n);
  for (int k = 0; k < wb_plan_evaluations(p); k++) {
    const double from = (double)(k / 4) / n, to = (double)(k / 4 + 1) / n, t = p->stage[k].t;
    assert_true(k % 4 == 0 ? fabs(t - from) < 1e-15 : k % 4 == 3 ? fabs(t - to) < 1e-15 : t > from && t < to);
    assert_true(t < 1);
  }
  wb_plan_destroy(&p);
}

static void check_form(const WbStage *s, double x, double d, double x0, double z) {
  assert_int_equal(s->n_ops, 1);
  assert_int_equal(s->op[0].out, WB_FIELD_X);
  WB_ASSERT_NEAR(s->op[0].c[WB_FIELD_X], x, 1e-12);
  WB_ASSERT_NEAR(s->op[0].c[WB_FIELD_D], d, 1e-12);
  WB_ASSERT_NEAR(s->op[0].c[WB_FIELD_X0], x0, 1e-12);
  WB_ASSERT_NEAR(s->op[0].z, z, 1e-12);
}

/* q(x_s | x_t, x1) of Ho et al. 2020 (notation of Kingma et al. 2021), DDIM of Song et al. 2021, the posterior of Liu
 * et al. 2023 (product of two Gaussians); the last step of each returns D. */
static void published(void **state) {
  (void)state;
  const int n = 8;
  WbPlan ddpm = plan_of(VP, "ddpm", WB_NOISE_FOELLMER, n), ddim = plan_of(VP, "ddim", WB_NOISE_NONE, n);
  WbPlan i2sb = plan_of(I2SB, "i2sb_posterior", WB_NOISE_FOELLMER, n);
  for (int k = 0; k < n - 1; k++) {
    const double t = (double)k / n, s = (double)(k + 1) / n;
    const RefPath from = ref_vp(t), to = ref_vp(s);
    const double a = from.beta / to.beta, step2 = from.w - a * a * to.w;
    check_form(&ddpm->stage[k], a * to.w / from.w, to.beta * step2 / from.w, 0, sqrt(step2 * to.w / from.w));
    const double root = sqrt(to.w / from.w);
    check_form(&ddim->stage[k], root, to.beta - root * from.beta, 0, 0);
    const double past = ref_i2sb_clock(s) - ref_i2sb_clock(t), rest = 1 - ref_i2sb_clock(s);
    const double total = past + rest;
    if (k > 0) check_form(&i2sb->stage[k], rest / total, past / total, 0, sqrt(past * rest / total));
    if (k == 0) check_form(&i2sb->stage[k], 0, past, rest, sqrt(past * rest)); /* x = x0 */
  }
  check_form(&ddpm->stage[n - 1], 0, 1, 0, 0);
  check_form(&ddim->stage[n - 1], 0, 1, 0, 0);
  check_form(&i2sb->stage[n - 1], 0, 1, 0, 0);
  wb_plan_destroy(&ddpm);
  wb_plan_destroy(&ddim);
  wb_plan_destroy(&i2sb);
}

/* The time grid of EDM gives the noise levels of Karras et al. 2022, equation 5. */
static void edm_levels(void **state) {
  (void)state;
  enum { N = 18 };
  double t[N + 1];
  WbTimeGrid grid;
  wb_time_grid_default(WB_PROCESS_DIFFUSION_EDM, &grid);
  WB_OK(wb_time_grid(&grid, N, t));
  for (int k = 0; k < N; k++) {
    const double hi = pow(80, 1.0 / 7), lo = pow(0.002, 1.0 / 7), want = pow(hi + k / (N - 1.0) * (lo - hi), 7);
    WB_ASSERT_NEAR(80 * (1 - t[k]) / want, 1, 1e-9);
  }
  WB_ASSERT_NEAR(t[N], 1, 0);
  /* and its start is x0 + sigma_max z */
  WbPlan p = plan_of(EDM, "flow_heun", WB_NOISE_NONE, 4);
  WB_ASSERT_NEAR(p->start_x0, 1, 0);
  WB_ASSERT_NEAR(p->start_z, 80, 1e-12);
  wb_plan_destroy(&p);
}

/* One step is the first and the last. */
static void single(void **state) {
  (void)state;
  WbPlan p = plan_of(LINEAR, "euler_maruyama", WB_NOISE_BASE, 1);
  check_form(&p->stage[0], 1, 1, -1, 1); /* x + b + eps z, b = D - x0 */
  wb_plan_destroy(&p);
  static const char *const to_mean[] = {"ddpm", "ddim", "flow_euler", "flow_heun", "flow_rk4", "mean"};
  for (int k = 0; k < 6; k++) {
    p = plan_of(LINEAR, to_mean[k], WB_NOISE_NONE, 1);
    assert_int_equal(wb_plan_evaluations(p), 1);
    check_form(&p->stage[0], 0, 1, 0, 0);
    wb_plan_destroy(&p);
  }
  p = plan_of(FLOW, "exponential", WB_NOISE_FOELLMER, 1); /* infinite g at t = 0, last step Euler: still finite */
  check_form(&p->stage[0], 0, 1, 0, 0);
  wb_plan_destroy(&p);
}

static void grids(void **state) {
  (void)state;
  double t[11];
  WbTimeGrid g = uniform;
  WB_OK(wb_time_grid(&g, 10, t));
  for (int k = 0; k <= 10; k++) WB_ASSERT_NEAR(t[k], k / 10.0, 0);
  g.start_power = 2;
  WB_OK(wb_time_grid(&g, 10, t));
  for (int k = 0; k <= 10; k++) WB_ASSERT_NEAR(t[k], k * k / 100.0, 1e-15);
  g = (WbTimeGrid){1, 3, 0};
  WB_OK(wb_time_grid(&g, 10, t));
  for (int k = 0; k <= 10; k++) WB_ASSERT_NEAR(t[k], 1 - pow(1 - k / 10.0, 3), 1e-15);
  g = (WbTimeGrid){2, 2, 0};
  WB_OK(wb_time_grid(&g, 10, t));
  for (int k = 1; k <= 10; k++) assert_true(t[k] > t[k - 1]);
  assert_true(t[1] < 0.03 && t[9] > 0.96 && t[10] == 1);
  const WbTimeGrid bad[] = {{0, 1, 0}, {1, -1, 0}, {1, 1, 1}, {NAN, 1, 0}};
  for (int k = 0; k < 4; k++) {
    assert_int_equal(wb_time_grid(&bad[k], 10, t), WB_ERR_CONFIG);
    wb_error_clear();
  }
  assert_int_equal(wb_time_grid(&uniform, 0, t), WB_ERR_CONFIG);
  wb_error_clear();
}

static void expect_refused(int ref, WbSampler o, int steps, const double *t, const char *word) {
  WbProcess process;
  WbPlan plan;
  WB_OK(wb_process_create(&ref_list[ref].options, &process));
  assert_int_equal(wb_plan_create(process, &o, steps, t, &plan), WB_ERR_CONFIG);
  assert_null(plan);
  if (!strstr(wb_error_message(), word)) fail_msg("'%s' does not say '%s'", wb_error_message(), word);
  wb_error_clear();
  wb_process_destroy(&process);
}

static void close_start(void *ctx, double t, WbPathAt *at) { /* gamma ~ t: no noise to spread from a point */
  (void)ctx;
  *at = (WbPathAt){1 - t, t, t * t * (1 - t) * (1 - t), -1, 1, 2 * t * (1 - t) * (1 - 2 * t), 0};
}

static void refused(void **state) {
  (void)state;
  const double good[3] = {0, 0.5, 1}, early[3] = {0, 0.5, 0.9}, back[3] = {0, 1.5, 1}, late[3] = {0.1, 0.5, 1};
  WbSampler o, rk;
  ref_setup();
  WB_OK(wb_sampler_parse("euler_maruyama", WB_NOISE_FOELLMER, &o));
  expect_refused(LINEAR, o, 0, good, "steps");
  expect_refused(LINEAR, o, 70000, good, "steps");
  expect_refused(LINEAR, o, 2, early, "times");
  expect_refused(LINEAR, o, 2, back, "times");
  expect_refused(LINEAR, o, 2, late, "times");
  expect_refused(6, o, 2, good, "Foellmer");
  o.noise_scale = 0;
  expect_refused(LINEAR, o, 2, good, "scale");
  WB_OK(wb_sampler_parse("flow_rk4", WB_NOISE_NONE, &rk));
  rk.noise = WB_NOISE_BASE;
  expect_refused(LINEAR, rk, 2, good, "Runge");
  o.noise = WB_NOISE_NONE, o.noise_scale = 1;
  ref_list[5].options.path = close_start;
  expect_refused(5, o, 2, good, "known x0");
  assert_int_equal(wb_sampler_parse("euler", WB_NOISE_BASE, &o), WB_ERR_CONFIG);
  assert_non_null(strstr(wb_error_message(), "stochastic_heun"));
  wb_error_clear();
}

/* Every name of the list is understood; names after `exponential` bring their own noise. */
static void names(void **state) {
  (void)state;
  char list[256], *save = NULL;
  int n = 0;
  snprintf(list, sizeof(list), "%s", wb_sampler_names());
  for (char *name = strtok_r(list, "|", &save); name; name = strtok_r(NULL, "|", &save), n++) {
    WbSampler o;
    WB_OK(wb_sampler_parse(name, WB_NOISE_BASE, &o));
    assert_int_equal(o.noise == WB_NOISE_BASE, n < 3);
    WB_ASSERT_NEAR(o.noise_scale, 1, 0);
    assert_false(o.two_sided);
  }
  assert_int_equal(n, 10);
}

WB_TEST_MAIN(cmocka_unit_test(counts), cmocka_unit_test(times), cmocka_unit_test(published),
             cmocka_unit_test(edm_levels), cmocka_unit_test(single), cmocka_unit_test(grids), cmocka_unit_test(refused),
             cmocka_unit_test(names))
