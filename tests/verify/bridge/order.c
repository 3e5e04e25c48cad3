/* Weak order of convergence of every stepper: exact mean and variance of the plan as it is executed (no sampling), one
 * voxel with x1 ~ N(1.3, 0.49), x0 = 0.4, epsilon = 0.8; values at few steps that math.md states; Heun and Runge-Kutta
 * of the flow on a nonlinear problem, a mixture. */
#include "wb_test.h"

#include "plan_run.h"

enum { LINEAR, QUADRATIC, BROWNIAN, TRIGONOMETRIC = 4, ALBERGO, I2SB = 7, VP, FLOW = 11, SF2M };

static WbSampler sampler(const char *name, WbNoiseChoice noise) {
  WbSampler o;
  WB_OK(wb_sampler_parse(name, noise, &o));
  return o;
}

static void moments(int ref, const WbSampler *o, double power, int steps, double *mean, double *var) {
  const WbTimeGrid grid = {power, power, 0};
  const RefVoxel v = {&ref_list[ref], 0.8, 1.3, 0.49, 0.4};
  WbPlan plan = plan_make(&ref_list[ref], o, &grid, steps);
  plan_moments(plan, &v, mean, var);
  wb_plan_destroy(&plan);
}

static double weak_error(int ref, const WbSampler *o, double power, int steps) {
  double mean, var;
  moments(ref, o, power, steps, &mean, &var);
  return fmax(fabs(mean - 1.3), fabs(var - 0.49));
}

static void orders(void **state) {
  (void)state;
  static const struct {
    const char *name;
    WbNoiseChoice noise;
    int ref;
    double power, order;
  } want[] = {
      {"euler_maruyama", WB_NOISE_BASE, LINEAR, 1, 1},
      {"euler_maruyama", WB_NOISE_FOELLMER, LINEAR, 1, 1},
      {"euler_maruyama", WB_NOISE_BASE, QUADRATIC, 1, 1},
      {"euler_maruyama", WB_NOISE_FOELLMER, QUADRATIC, 1, 1},
      {"euler_maruyama", WB_NOISE_FOELLMER, BROWNIAN, 1, 1},
      {"euler_maruyama", WB_NOISE_BASE, TRIGONOMETRIC, 1, 1},
      {"euler_maruyama", WB_NOISE_BASE, ALBERGO, 1, 0.9},
      {"euler_maruyama", WB_NOISE_BASE, I2SB, 1, 1},
      {"euler_maruyama", WB_NOISE_BASE, VP, 1, 1},
      {"euler_maruyama", WB_NOISE_BASE, FLOW, 1, 1},
      {"euler_maruyama", WB_NOISE_BASE, SF2M, 1, 1},
      {"stochastic_heun", WB_NOISE_BASE, LINEAR, 1, 2},
      {"stochastic_heun", WB_NOISE_FOELLMER, LINEAR, 1, 2},
      {"stochastic_heun", WB_NOISE_BASE, QUADRATIC, 1, 2},
      {"stochastic_heun", WB_NOISE_BASE, BROWNIAN, 1, 2},
      {"stochastic_heun", WB_NOISE_BASE, I2SB, 1, 2},
      {"stochastic_heun", WB_NOISE_BASE, FLOW, 1, 2.07},
      {"exponential", WB_NOISE_BASE, LINEAR, 1, 1},
      {"exponential", WB_NOISE_FOELLMER, LINEAR, 1, 1},
      {"exponential", WB_NOISE_BASE, QUADRATIC, 1, 1},
      {"ddpm", WB_NOISE_FOELLMER, FLOW, 1, 1},
      {"ddpm", WB_NOISE_FOELLMER, VP, 2, 1},
      {"ddim", WB_NOISE_NONE, VP, 2, 1},
      {"i2sb_posterior", WB_NOISE_FOELLMER, I2SB, 2, 1},
      {"flow_euler", WB_NOISE_NONE, LINEAR, 1, 1},
      {"flow_euler", WB_NOISE_NONE, FLOW, 1, 1},
      {"flow_heun", WB_NOISE_NONE, LINEAR, 2, 2},
      {"flow_heun", WB_NOISE_NONE, QUADRATIC, 2, 2},
      {"flow_heun", WB_NOISE_NONE, FLOW, 2, 2},
      {"flow_heun", WB_NOISE_NONE, BROWNIAN, 1, 1}, /* gamma^2 ~ 1 - t: the last steps decide */
      {"flow_rk4", WB_NOISE_NONE, LINEAR, 2, 3.7},  /* on its way to 4 */
      {"flow_rk4", WB_NOISE_NONE, QUADRATIC, 2, 3.7},
      {"flow_rk4", WB_NOISE_NONE, FLOW, 2, 3.7},
      {"flow_rk4", WB_NOISE_NONE, LINEAR, 1, 2}, /* uniform: near t = 1 a step doubles theta */
      {"flow_rk4", WB_NOISE_NONE, BROWNIAN, 2, 2},
  };
  ref_setup();
  for (size_t k = 0; k < sizeof(want) / sizeof(want[0]); k++) {
    const WbSampler o = sampler(want[k].name, want[k].noise);
    const double coarse = weak_error(want[k].ref, &o, want[k].power, 160);
    const double fine = weak_error(want[k].ref, &o, want[k].power, 320), order = log2(coarse / fine);
    if (!(fine < 0.03 && fabs(order - want[k].order) < 0.16)) {
      fail_msg("%s, noise %d, %s, power %g: error %g, order %.2f, expected %.1f", want[k].name, want[k].noise,
               ref_list[want[k].ref].name, want[k].power, fine, order, want[k].order);
    }
  }
}

/* The unnatural first steps too: a scale of g other than 1 from a point is exact for constant D in the exponential
 * step, Euler's order falls to scale^2. */
static void scaled_noise(void **state) {
  (void)state;
  ref_setup();
  WbSampler o = sampler("exponential", WB_NOISE_FOELLMER);
  o.noise_scale = 0.7;
  WB_ASSERT_NEAR(log2(weak_error(LINEAR, &o, 1, 320) / weak_error(LINEAR, &o, 1, 640)), 1, 0.1);
  o = sampler("euler_maruyama", WB_NOISE_FOELLMER);
  o.noise_scale = 0.7;
  WB_ASSERT_NEAR(log2(weak_error(LINEAR, &o, 1, 5000) / weak_error(LINEAR, &o, 1, 10000)), 0.49, 0.05);
}

/* Mean and variance over their true values, as in math.md. */
static void stated_values(void **state) {
  (void)state;
  static const struct {
    const char *name;
    WbNoiseChoice noise;
    int ref, steps;
    double mean, var;
  } want[] = {
      {"euler_maruyama", WB_NOISE_BASE, LINEAR, 5, 1.00, 1.03},
      {"euler_maruyama", WB_NOISE_FOELLMER, LINEAR, 5, 1.00, 0.94},
      {"euler_maruyama", WB_NOISE_BASE, LINEAR, 10, 1.00, 1.01},
      {"euler_maruyama", WB_NOISE_FOELLMER, LINEAR, 10, 1.00, 0.97},
      {"euler_maruyama", WB_NOISE_BASE, QUADRATIC, 10, 0.86, 0.87},
      {"euler_maruyama", WB_NOISE_FOELLMER, QUADRATIC, 10, 0.93, 0.87},
      {"stochastic_heun", WB_NOISE_BASE, LINEAR, 5, 1.00, 0.97},
      {"stochastic_heun", WB_NOISE_BASE, LINEAR, 10, 1.00, 0.99},
      {"stochastic_heun", WB_NOISE_BASE, LINEAR, 20, 1.00, 1.00},
      {"exponential", WB_NOISE_BASE, LINEAR, 10, 1.00, 0.76},
      {"exponential", WB_NOISE_FOELLMER, LINEAR, 10, 1.00, 0.70},
  };
  ref_setup();
  for (size_t k = 0; k < sizeof(want) / sizeof(want[0]); k++) {
    const WbSampler o = sampler(want[k].name, want[k].noise);
    double mean, var;
    moments(want[k].ref, &o, 1, want[k].steps, &mean, &var);
    WB_ASSERT_NEAR(mean / 1.3, want[k].mean, 0.0051);
    WB_ASSERT_NEAR(var / 0.49, want[k].var, 0.0051);
  }
}

/* ---- a mixture: the flow is nonlinear ---- */
static double mixture_denoiser(double t, double x) {
  const double weight[2] = {0.3, 0.7}, centre[2] = {-1.0, 0.8}, lambda = 0.05, e2 = 0.64;
  const RefPath p = ref_linear(t);
  const double s = p.beta * p.beta * lambda + e2 * p.w;
  if (!(s > 0)) return weight[0] * centre[0] + weight[1] * centre[1];
  double sum = 0, total = 0;
  for (int k = 0; k < 2; k++) {
    const double r = x - p.beta * centre[k], q = weight[k] * exp(-0.5 * r * r / s);
    total += q;
    sum += q * (centre[k] + p.beta * lambda / s * r);
  }
  return sum / total;
}

static PetscErrorCode mixture(void *ctx, double t, const float *x, float *d, float *d0) {
  const int n = *(int *)ctx;
  (void)d0;
  for (int i = 0; i < n * WB_CHANNELS; i++) d[i] = (float)mixture_denoiser(t, (double)x[i]);
  return 0;
}

enum { PATHS = 200 };
static void flow_to(const char *name, int steps, float *x) {
  static float x0[PATHS * WB_CHANNELS], work[4 * PATHS * WB_CHANNELS];
  static uint64_t voxel[PATHS];
  const WbTimeGrid grid = {2, 2, 0};
  const WbRandomKey key = {.seed = 4, .stream = WB_STREAM_TEST};
  Ref r = ref_list[LINEAR];
  int n = PATHS;
  for (int i = 0; i < PATHS; i++) voxel[i] = (uint64_t)i;
  for (int c = 0; c < WB_CHANNELS; c++) r.options.epsilon[c] = 0.8f;
  const WbSampler o = sampler(name, WB_NOISE_NONE);
  WbPlan plan = plan_make(&r, &o, &grid, steps);
  WB_OK(wb_bridge_sample(plan, &key, PATHS, x0, NULL, voxel, mixture, &n, x, work));
  wb_plan_destroy(&plan);
}

static void nonlinear_flow(void **state) {
  (void)state;
  static float truth[PATHS * WB_CHANNELS], x[2][PATHS * WB_CHANNELS];
  static const struct {
    const char *name;
    int steps;
    double order;
  } want[] = {{"flow_euler", 160, 1}, {"flow_heun", 80, 2}, {"flow_rk4", 40, 3.5}};
  ref_setup();
  flow_to("flow_rk4", 400, truth);
  for (int k = 0; k < 3; k++) {
    double error[2] = {0, 0};
    for (int f = 0; f < 2; f++) {
      flow_to(want[k].name, want[k].steps << f, x[f]);
      for (int i = 0; i < PATHS * WB_CHANNELS; i++) error[f] += fabs((double)x[f][i] - (double)truth[i]);
    }
    printf("%s: order %.2f, mean error %.1e\n", want[k].name, log2(error[0] / error[1]),
           error[1] / (PATHS * WB_CHANNELS));
    WB_ASSERT_BELOW(error[1] / (PATHS * WB_CHANNELS), 5e-3);
    assert_true(log2(error[0] / error[1]) > want[k].order - 0.25);
  }
}

WB_TEST_MAIN(cmocka_unit_test(orders), cmocka_unit_test(scaled_noise), cmocka_unit_test(stated_values),
             cmocka_unit_test(nonlinear_flow))
