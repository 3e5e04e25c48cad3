/* A Schroedinger bridge in one dimension. Source: the point x0 = 0. Target: two thirds N(1, 0.2^2) and one third
 * N(-1, 0.4^2). The denoiser D(x, t) = E[x1 | X_t = x] is known exactly here (in a forecast it is the network), so the
 * samples must have the target's moments. Each "voxel" below is an independent sample.
 *   ./01_bridge      prints a histogram beside the exact law; exit status 1 when a moment is off */
#include <math.h>
#include <stdio.h>

#include "windbridge/bridge.h"

enum { N = 20000, STEPS = 50, BINS = 16 };
static const double weight[2] = {2.0 / 3, 1.0 / 3}, middle[2] = {1, -1}, width[2] = {0.2, 0.4};

static double normal(double x, double m, double s) {
  return exp(-0.5 * (x - m) * (x - m) / (s * s)) / (s * sqrt(2 * M_PI));
}

/* X_t = alpha x0 + beta x1 + gamma z is a mixture too: posterior mean of x1 by component, weighted by how likely the
 * component is. All four channels hold the same law. */
static PetscErrorCode denoise(void *ctx, double t, const float *x, float *d, float *d0) {
  WbPathAt path;
  PetscFunctionBeginUser;
  wb_process_at(ctx, t, &path);
  for (size_t q = 0; q < (size_t)N * WB_CHANNELS; q++) {
    double sum = 0, mean = 0;
    for (int k = 0; k < 2; k++) {
      const double v = width[k] * width[k], variance = path.beta * path.beta * v + path.w;
      const double off = x[q] - path.beta * middle[k];
      /* At t = 0 the state is x0 and says nothing: the prior's weights and means. */
      const double p = variance > 0 ? weight[k] * normal(off, 0, sqrt(variance)) : weight[k];
      sum += p;
      mean += p * (middle[k] + (variance > 0 ? path.beta * v / variance * off : 0));
    }
    d[q] = (float)(mean / sum);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode sample(float *x) {
  PetscFunctionBeginUser;
  WbProcessOptions options;
  WbProcess process = NULL;
  WbSampler sampler;
  WbTimeGrid grid;
  WbPlan plan = NULL;
  double t[STEPS + 1];
  float *x0 = NULL, *work = NULL;
  uint64_t *voxel = NULL;
  wb_process_options_default(WB_PROCESS_BRIDGE, &options);
  PetscCall(wb_process_create(&options, &process));
  PetscCall(wb_sampler_parse("euler_maruyama", WB_NOISE_FOELLMER, &sampler));
  wb_time_grid_default(WB_PROCESS_BRIDGE, &grid);
  PetscCall(wb_time_grid(&grid, STEPS, t));
  PetscCall(wb_plan_create(process, &sampler, STEPS, t, &plan));
  PetscCall(WB_CALLOC((size_t)N * WB_CHANNELS, &x0));
  PetscCall(WB_ALLOC((size_t)wb_plan_fields(plan) * N * WB_CHANNELS, &work));
  PetscCall(WB_ALLOC(N, &voxel));
  for (size_t q = 0; q < N; q++) voxel[q] = q;
  const WbRandomKey key = {.seed = 1, .stream = WB_STREAM_BRIDGE};
  PetscCall(wb_bridge_sample(plan, &key, N, x0, NULL, voxel, denoise, process, x, work));
  WB_FREE(&x0);
  WB_FREE(&work);
  WB_FREE(&voxel);
  wb_plan_destroy(&plan);
  wb_process_destroy(&process);
  PetscFunctionReturn(0);
}

static void print_histogram(const float *x) {
  int count[BINS] = {0};
  const double from = -2.4, step = 0.3;
  for (int q = 0; q < N; q++) {
    const int b = (int)floor((x[(size_t)q * WB_CHANNELS] - from) / step);
    if (b >= 0 && b < BINS) count[b]++;
  }
  printf("      x   samples   exact\n");
  for (int b = 0; b < BINS; b++) {
    const double at = from + (b + 0.5) * step;
    double exact = 0;
    for (int k = 0; k < 2; k++)
      exact += weight[k] * 0.5 *
               (erf((at + 0.5 * step - middle[k]) / (width[k] * sqrt(2))) -
                erf((at - 0.5 * step - middle[k]) / (width[k] * sqrt(2))));
    printf("  %5.2f   %.4f   %.4f  %.*s\n", at, (double)count[b] / N, exact, (int)(120.0 * count[b] / N),
           "########################################################################################################");
  }
}

int main(int argc, char **argv) {
  float *x = NULL;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(WB_ALLOC((size_t)N * WB_CHANNELS, &x));
  PetscCall(sample(x));
  print_histogram(x);
  double mean = 0, square = 0, exact_mean = 0, exact_square = 0;
  for (size_t q = 0; q < (size_t)N * WB_CHANNELS; q++) mean += x[q], square += (double)x[q] * x[q];
  mean /= (double)N * WB_CHANNELS, square /= (double)N * WB_CHANNELS;
  for (int k = 0; k < 2; k++) {
    exact_mean += weight[k] * middle[k];
    exact_square += weight[k] * (middle[k] * middle[k] + width[k] * width[k]);
  }
  printf("mean %.4f (exact %.4f), mean square %.4f (exact %.4f)\n", mean, exact_mean, square, exact_square);
  WB_FREE(&x);
  PetscCall(PetscFinalize());
  /* Sampling error 0.004 and 0.003; what is left is the Euler-Maruyama scheme's. */
  return fabs(mean - exact_mean) < 0.02 && fabs(square - exact_square) < 0.03 ? 0 : 1;
}
