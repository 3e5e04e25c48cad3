/* Oracle 8 of math.md section 2: the Ornstein-Uhlenbeck process dx = -x dt + dW forward (mean x0 e^-t, variance (1 -
 * e^-2t)/2, whatever the step), its reverse dy = (y + score) dtau + dW, the prior N(0, 1/2); the Brownian bridge. */
#include "wb_test.h"

#include "reference.h"

enum { M = 20000, C = WB_CHANNELS };
static float from[M * C], data[M * C], x[M * C], work[2 * M * C];
static uint64_t voxel[M];

/* diffusion_vp with equal rates and epsilon^2 = 1/2 is this process over the forward time REF_OU_TIME. */
static WbProcess make_ou(void) {
  WbProcess process;
  ref_setup();
  for (int c = 0; c < C; c++) ref_list[9].options.epsilon[c] = (float)sqrt(0.5);
  WB_OK(wb_process_create(&ref_list[9].options, &process));
  return process;
}

static void moments(const float *v, double *mean, double *var) {
  *mean = *var = 0;
  for (int i = 0; i < M * C; i++) *mean += (double)v[i] / (M * C);
  for (int i = 0; i < M * C; i++) *var += pow((double)v[i] - *mean, 2) / (M * C);
}

/* Noised states at forward time s: 80000 values, z-scores below 4.5 (8 of them: by chance once in 18000 seeds). */
static void forward(void **state) {
  (void)state;
  WbProcess process = make_ou();
  for (int p = 0; p < M; p++) voxel[p] = (uint64_t)p;
  for (int i = 0; i < M * C; i++) data[i] = 1.7f, from[i] = 0.0f;
  const double times[] = {0.1, 0.5, 1.5, 4.0};
  for (int k = 0; k < 4; k++) {
    const double s = times[k], want_mean = 1.7 * exp(-s), want_var = (1 - exp(-2 * s)) / 2;
    const WbRandomKey key = {.seed = 1 + (uint32_t)k, .stream = WB_STREAM_TEST};
    double mean, var;
    wb_process_state(process, 1 - s / REF_OU_TIME, M, from, data, NULL, voxel, &key, x);
    moments(x, &mean, &var);
    WB_ASSERT_NEAR((mean - want_mean) / sqrt(want_var / (M * C)), 0, 4.5);
    WB_ASSERT_NEAR((var - want_var) / (want_var * sqrt(2.0 / (M * C))), 0, 4.5);
  }
  wb_process_destroy(&process);
}

/* The drift of the own diffusivity is T (y + score) and epsilon^2 g^2 = T in the time of the process. */
static void reverse_drift(void **state) {
  (void)state;
  WbProcess process = make_ou();
  for (int n = 0; n < 20; n++) {
    const double t = 0.05 * n, s = REF_OU_TIME * (1 - t), d = 0.8, y = -0.6;
    WbForm f;
    double g2;
    wb_process_drift(process, WB_NOISE_BASE, 1, t, &f, &g2);
    const double score = -(y - exp(-s) * d) / ((1 - exp(-2 * s)) / 2); /* of the mixture over x1: D in place of x1 */
    WB_ASSERT_NEAR(f.x * y + f.d * d, REF_OU_TIME * (y + score), 1e-11);
    WB_ASSERT_NEAR(0.5 * g2, REF_OU_TIME, 1e-12);
    WB_ASSERT_NEAR(f.x0, 0, 0);
  }
  wb_process_destroy(&process);
}

typedef struct {
  double mean, var;         /* of the data */
  double start_mean, start; /* of the first state, mean and variance */
} Target;

static PetscErrorCode denoise(void *ctx, double t, const float *in, float *d, float *d0) {
  Target *o = ctx;
  const RefPath p = ref_ou(t);
  const double s = p.beta * p.beta * o->var + 0.5 * p.w, gain = p.beta * o->var / s;
  (void)d0;
  if (t == 0) moments(in, &o->start_mean, &o->start);
  for (int i = 0; i < M * C; i++) d[i] = (float)(o->mean + gain * ((double)in[i] - p.beta * o->mean));
  return 0;
}

/* From noise of variance 1/2 the reverse SDE arrives at the data. */
static void reverse(void **state) {
  (void)state;
  WbProcess process = make_ou();
  Target target = {.mean = 1.1, .var = 0.3};
  const WbTimeGrid grid = {1, 1.5, 0};
  const WbRandomKey key = {.seed = 41, .stream = WB_STREAM_TEST};
  double t[201], mean, var;
  WbSampler o;
  WbPlan plan;
  for (int p = 0; p < M; p++) voxel[p] = (uint64_t)p;
  for (int i = 0; i < M * C; i++) from[i] = 0;
  WB_OK(wb_time_grid(&grid, 200, t));
  WB_OK(wb_sampler_parse("stochastic_heun", WB_NOISE_BASE, &o));
  WB_OK(wb_plan_create(process, &o, 200, t, &plan));
  assert_int_equal(wb_plan_fields(plan), 2);
  WB_OK(wb_bridge_sample(plan, &key, M, from, NULL, voxel, denoise, &target, x, work));
  moments(x, &mean, &var);
  printf("reverse Ornstein-Uhlenbeck: start %.4f, end: mean %.4f (1.1), variance %.4f (0.3)\n", target.start, mean,
         var);
  const double half = (1 - exp(-2.0 * REF_OU_TIME)) / 2;
  WB_ASSERT_NEAR(target.start_mean, 0, 4.5 * sqrt(half / (M * C)));
  WB_ASSERT_NEAR(target.start, half, 4.5 * half * sqrt(2.0 / (M * C)));
  WB_ASSERT_NEAR(mean, 1.1, 4.5 * sqrt(0.3 / (M * C)) + 0.005); /* e^-4: what the prior does not know, and bias */
  WB_ASSERT_NEAR(var, 0.3, 4.5 * 0.3 * sqrt(2.0 / (M * C)) + 0.005);
  wb_plan_destroy(&plan);
  wb_process_destroy(&process);
}

/* Pinned at both ends: mean (1 - t) x0 + t x1, variance epsilon^2 t (1 - t). */
static void brownian_bridge(void **state) {
  (void)state;
  WbProcess process;
  ref_setup();
  for (int c = 0; c < C; c++) ref_list[12].options.epsilon[c] = 0.7f;
  WB_OK(wb_process_create(&ref_list[12].options, &process));
  for (int p = 0; p < M; p++) voxel[p] = (uint64_t)p;
  for (int i = 0; i < M * C; i++) from[i] = -0.4f, data[i] = 1.7f;
  for (int k = 1; k < 5; k++) {
    const double t = 0.2 * k, want_mean = -0.4 * (1 - t) + 1.7 * t, want_var = 0.49 * t * (1 - t);
    const WbRandomKey key = {.seed = 10 + (uint32_t)k, .stream = WB_STREAM_TEST};
    double mean, var;
    wb_process_state(process, t, M, from, data, NULL, voxel, &key, x);
    moments(x, &mean, &var);
    WB_ASSERT_NEAR((mean - want_mean) / sqrt(want_var / (M * C)), 0, 4.5);
    WB_ASSERT_NEAR((var - want_var) / (want_var * sqrt(2.0 / (M * C))), 0, 4.5);
  }
  wb_process_destroy(&process);
}

WB_TEST_MAIN(cmocka_unit_test(forward), cmocka_unit_test(reverse_drift), cmocka_unit_test(reverse),
             cmocka_unit_test(brownian_bridge))
