/* Oracle 3 of math.md section 2: a street whose flow has two states. x1 on the fluid voxels of a patch is pattern a
 * with probability 0.3 or b with 0.7, plus Gaussian noise; the sampler must give the modes their weights, means and
 * spread. Weights: 4.5 binomial deviations plus 0.01 for the bias of the scheme at 40 steps, which by chance fails in
 * less than one of 1000 seeds. */
#include "wb_test.h"

#include "reference.h"

enum { NV = 6, M = 6000, C = WB_CHANNELS, STEPS = 40 };
static const uint8_t pattern[NV] = {1, 1, 0, 1, 0, 1};
static const double mode[2][NV] = {{-1.0, -0.7, 0, 0.2, 0, 0.6}, {0.9, 0.4, 0, -0.3, 0, 0.1}}, weight[2] = {0.3, 0.7};
static const double lambda = 0.04, start = 0.2, epsilon = 1.0;
static float x0[M * NV * C], x[M * NV * C], work[4 * M * NV * C];
static uint8_t mask[M * NV];
static uint64_t voxel[M * NV];

/* Posterior of the mode from all fluid voxels of the patch, then the Gaussian mean within it. */
static PetscErrorCode denoise(void *ctx, double t, const float *in, float *d, float *d0) {
  const Ref *r = ctx;
  const RefPath p = r->path(t);
  const double s = p.beta * p.beta * lambda + epsilon * epsilon * p.w, gain = s > 0 ? p.beta * lambda / s : 0;
  (void)d0;
  for (int q = 0; q < M * C; q++) {
    const int sample = q / C, c = q % C;
    double like[2] = {log(weight[0]), log(weight[1])};
    for (int k = 0; k < 2 && s > 0; k++) {
      for (int i = 0; i < NV; i++) {
        const double e = (double)in[(sample * NV + i) * C + c] - p.alpha * start - p.beta * mode[k][i];
        if (pattern[i]) like[k] -= 0.5 * e * e / s;
      }
    }
    const double first = 1 / (1 + exp(like[1] - like[0]));
    for (int i = 0; i < NV; i++) {
      const int at = (sample * NV + i) * C + c;
      const double mean = first * mode[0][i] + (1 - first) * mode[1][i];
      d[at] = pattern[i] ? (float)(mean + gain * ((double)in[at] - p.alpha * start - p.beta * mean)) : NAN;
    }
  }
  return 0;
}

static void check(const char *what, double spread) {
  double n[2] = {0, 0}, sum[2][NV] = {{0}}, square[2] = {0, 0};
  for (int q = 0; q < M * C; q++) {
    const float *s = x + (size_t)(q / C) * NV * C + q % C;
    double distance[2] = {0, 0};
    for (int k = 0; k < 2; k++) {
      for (int i = 0; i < NV; i++) distance[k] += pattern[i] * pow((double)s[i * C] - mode[k][i], 2);
    }
    const int k = distance[1] < distance[0];
    n[k]++;
    square[k] += distance[k] / 4;
    for (int i = 0; i < NV; i++) sum[k][i] += (double)s[i * C];
  }
  const double fraction = n[0] / (n[0] + n[1]), error = sqrt(0.3 * 0.7 / (M * C));
  printf("%-40s weight %.4f (z %+.1f), spread %.3f %.3f\n", what, fraction, (fraction - 0.3) / error,
         square[0] / n[0] / lambda, square[1] / n[1] / lambda);
  if (!(fabs(fraction - 0.3) < 4.5 * error + 0.01)) fail_msg("%s: weight %g", what, fraction);
  for (int k = 0; k < 2; k++) {
    WB_ASSERT_NEAR(square[k] / n[k] / lambda, 1, spread);
    for (int i = 0; i < NV; i++) {
      if (pattern[i]) WB_ASSERT_NEAR(sum[k][i] / n[k], mode[k][i], 0.02);
    }
  }
}

static void weights(void **state) {
  (void)state;
  static const struct {
    int ref;
    const char *name;
    WbNoiseChoice noise;
    double spread; /* allowed relative error of the variance within a mode: the scheme's own at 40 steps */
  } list[] = {{0, "euler_maruyama", WB_NOISE_BASE, 0.05},
              {0, "euler_maruyama", WB_NOISE_FOELLMER, 0.05},
              {0, "stochastic_heun", WB_NOISE_FOELLMER, 0.05},
              {0, "exponential", WB_NOISE_FOELLMER, 0.3},
              {0, "flow_heun", WB_NOISE_NONE, 0.05},
              {0, "flow_rk4", WB_NOISE_NONE, 0.05},
              {1, "euler_maruyama", WB_NOISE_FOELLMER, 0.05},
              {2, "euler_maruyama", WB_NOISE_FOELLMER, 0.2},
              {4, "stochastic_heun", WB_NOISE_BASE, 0.05},
              {7, "i2sb_posterior", WB_NOISE_FOELLMER, 0.3},
              {8, "ddpm", WB_NOISE_FOELLMER, 0.3},
              {8, "ddim", WB_NOISE_NONE, 0.3},
              {8, "stochastic_heun", WB_NOISE_BASE, 0.1},
              {10, "flow_heun", WB_NOISE_NONE, 0.1},
              {11, "flow_rk4", WB_NOISE_NONE, 0.05},
              {11, "flow_heun", WB_NOISE_NONE, 0.05},
              {12, "euler_maruyama", WB_NOISE_FOELLMER, 0.2}};
  ref_setup();
  for (int p = 0; p < M * NV; p++) {
    voxel[p] = (uint64_t)p;
    mask[p] = pattern[p % NV];
    for (int c = 0; c < C; c++) x0[p * C + c] = (float)start;
  }
  for (size_t k = 0; k < sizeof(list) / sizeof(list[0]); k++) {
    Ref *r = &ref_list[list[k].ref];
    WbTimeGrid grid;
    WbSampler o;
    WbProcess process;
    WbPlan plan;
    double t[STEPS + 1];
    char what[64];
    wb_time_grid_default(r->options.kind, &grid);
    if (list[k].ref != 10) grid.end_power = list[k].ref == 0 ? 1.0 : 1.5;
    WB_OK(wb_time_grid(&grid, STEPS, t));
    WB_OK(wb_sampler_parse(list[k].name, list[k].noise, &o));
    WB_OK(wb_process_create(&r->options, &process));
    WB_OK(wb_plan_create(process, &o, STEPS, t, &plan));
    const WbRandomKey key = {.seed = 60 + (uint32_t)k, .stream = WB_STREAM_TEST};
    WB_OK(wb_bridge_sample(plan, &key, (size_t)M * NV, x0, mask, voxel, denoise, r, x, work));
    snprintf(what, sizeof(what), "%s, %s, noise %d", r->name, list[k].name, (int)list[k].noise);
    check(what, list[k].spread);
    wb_plan_destroy(&plan);
    wb_process_destroy(&process);
  }
}

WB_TEST_MAIN(cmocka_unit_test(weights))
