/* Oracles of math.md section 2 for a Gaussian target: 1 (masked Gaussian against the exact discrete recursion), 4 (loss
 * floor), 5 (Foellmer energy).
 * False alarms: the seeds are fixed, so the result is fixed; with a fresh seed each run 228 z-scores with a bound
 * of 4.5 would fail once in about 640 runs. */
#include "wb_test.h"

#include <string.h>

#include "windbridge/bridge.h"

enum { NV = 5, NF = 3, M = 20000, C = WB_CHANNELS };
typedef double Mat[NF][NF];

static const uint8_t pattern[NV] = {1, 0, 1, 1, 0};
static const int fluid_at[NF] = {0, 2, 3};
static const double mu[C][NF] = {{1.3, 0.2, -0.5}, {0.1, 0.4, 2.0}, {-1.0, 1.0, 0.0}, {0.3, 0.3, 0.3}};
static const double start[C][NF] = {{0.4, 0.0, 0.3}, {1.0, 0.5, 1.5}, {-0.2, 0.7, 0.1}, {0.0, -0.3, 0.6}};
static const double eps[C] = {0.8, 1.0, 1.6, 0.5};
static const double variance[C] = {0.49, 1.0, 0.3, 0.25};

static void sigma_matrix(int c, Mat s) {
  const Mat base = {{1.0, 0.5, -0.2}, {0.5, 1.2, 0.3}, {-0.2, 0.3, 0.8}};
  for (int i = 0; i < NF; i++) {
    for (int j = 0; j < NF; j++) s[i][j] = variance[c] * base[i][j];
  }
}

static void inverse(Mat a, Mat inv) {
  double det = 0.0;
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      const int p = (i + 1) % 3, q = (i + 2) % 3, r = (j + 1) % 3, s = (j + 2) % 3;
      inv[j][i] = a[p][r] * a[q][s] - a[p][s] * a[q][r];
    }
  }
  for (int j = 0; j < 3; j++) det += a[0][j] * inv[j][0];
  for (int i = 0; i < 9; i++) inv[i / 3][i % 3] /= det;
}

static void multiply(Mat a, Mat b, Mat out) {
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) out[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
  }
}

/* Gain of b^g: [beta beta' Sigma + t sigma sigma' I - (g^2 - sigma^2)/2 I] S^-1; 0 at t = 0, where x = x0. */
static void gain(WbScheduleKind kind, int c, double t, double g, Mat k) {
  WbScheduleAt at;
  wb_schedule_at(kind, t, &at);
  memset(k, 0, sizeof(Mat));
  if (t <= 0.0) return;
  const double s = eps[c] * at.sigma, ds = eps[c] * at.d_sigma;
  Mat sig, cov, inv, top;
  sigma_matrix(c, sig);
  for (int i = 0; i < NF; i++) {
    for (int j = 0; j < NF; j++) {
      cov[i][j] = at.beta * at.beta * sig[i][j] + (i == j ? t * s * s : 0.0);
      top[i][j] = at.beta * at.d_beta * sig[i][j] + (i == j ? t * s * ds - 0.5 * (g * g - s * s) : 0.0);
    }
  }
  inverse(cov, inv);
  multiply(top, inv, k);
}

/* Gain of D = E[x1 | I_t]: beta Sigma S^-1. */
static void denoiser_gain(WbScheduleKind kind, int c, double t, Mat k) {
  WbScheduleAt at;
  wb_schedule_at(kind, t, &at);
  Mat sig, cov, inv;
  sigma_matrix(c, sig);
  for (int i = 0; i < NF; i++) {
    for (int j = 0; j < NF; j++) {
      cov[i][j] = at.beta * at.beta * sig[i][j] + (i == j ? t * pow(eps[c] * at.sigma, 2) : 0.0);
      sig[i][j] *= at.beta;
    }
  }
  inverse(cov, inv);
  multiply(sig, inv, k);
}

/* Drift callback: plain b (g = sigma) of every sample; rubbish in buildings. */
static PetscErrorCode oracle(void *ctx, double t, const float *x, float *b) {
  const WbScheduleKind kind = *(WbScheduleKind *)ctx;
  WbScheduleAt at;
  wb_schedule_at(kind, t, &at);
  for (int c = 0; c < C; c++) {
    Mat k;
    gain(kind, c, t, eps[c] * at.sigma, k);
    for (int s = 0; s < M; s++) {
      double r[NF];
      for (int i = 0; i < NF; i++) {
        r[i] = (double)x[(s * NV + fluid_at[i]) * C + c] - at.alpha * start[c][i] - at.beta * mu[c][i];
      }
      for (int i = 0; i < NF; i++) {
        b[(s * NV + fluid_at[i]) * C + c] =
            (float)(at.d_alpha * start[c][i] + at.d_beta * mu[c][i] + k[i][0] * r[0] + k[i][1] * r[1] + k[i][2] * r[2]);
      }
      b[(s * NV + 1) * C + c] = NAN;
      b[(s * NV + 4) * C + c] = 1e30f;
    }
  }
  return 0;
}

/* Exact mean and covariance of the scheme with N steps, from the formula of math.md (not from the sampler's forms). */
static void recursion(WbScheduleKind kind, WbNoiseChoice noise, int steps, int c, double mean[NF], Mat cov) {
  const double h = 1.0 / steps;
  memcpy(mean, start[c], sizeof(start[c]));
  memset(cov, 0, sizeof(Mat));
  for (int n = 0; n < steps; n++) {
    const double t = n * h;
    WbScheduleAt at, next;
    wb_schedule_at(kind, t, &at);
    wb_schedule_at(kind, t + h, &next);
    double g = eps[c] * at.sigma;
    if (noise == WB_NOISE_FOELLMER && n > 0) g = eps[c] * wb_schedule_g_foellmer(kind, t);
    if (noise == WB_NOISE_NONE) g = n > 0 ? 0.0 : eps[c] * next.sigma;
    const bool exact = noise == WB_NOISE_NONE && n > 0 && n < steps - 1;
    Mat k, a, at_, ac;
    double from[NF], to[NF], old[NF]; /* x' = to + a (x - from) */
    if (exact) {
      denoiser_gain(kind, c, t, k);
    } else {
      gain(kind, c, t, g, k);
    }
    const double e = exact ? next.sigma * sqrt(t + h) / (at.sigma * sqrt(t)) : 1.0;
    const double f = exact ? next.beta - e * at.beta : h;
    memcpy(old, mean, sizeof(old));
    for (int i = 0; i < NF; i++) {
      from[i] = at.alpha * start[c][i] + at.beta * mu[c][i];
      to[i] = exact ? next.alpha * start[c][i] + next.beta * mu[c][i]
                    : from[i] + h * (at.d_alpha * start[c][i] + at.d_beta * mu[c][i]);
      for (int j = 0; j < NF; j++) a[i][j] = (i == j) * e + f * k[i][j];
    }
    for (int i = 0; i < NF; i++) {
      mean[i] = to[i];
      for (int j = 0; j < NF; j++) mean[i] += a[i][j] * (old[j] - from[j]);
    }
    for (int i = 0; i < 9; i++) at_[i % 3][i / 3] = a[i / 3][i % 3];
    multiply(a, cov, ac);
    multiply(ac, at_, cov);
    for (int i = 0; i < NF; i++) cov[i][i] += h * g * g;
  }
}

static float x0[M * NV * C], x[M * NV * C], work[M * NV * C];
static uint8_t mask[M * NV];
static uint64_t voxel[M * NV];

static void check_channel(WbScheduleKind kind, WbNoiseChoice noise, int steps, int c) {
  double mean[NF], m[NF] = {0};
  Mat cov, v = {{0}};
  recursion(kind, noise, steps, c, mean, cov);
  for (int s = 0; s < M; s++) {
    double d[NF];
    for (int i = 0; i < NF; i++) d[i] = (double)x[(s * NV + fluid_at[i]) * C + c] - mean[i];
    for (int i = 0; i < NF; i++) {
      m[i] += d[i] / M;
      for (int j = 0; j < NF; j++) v[i][j] += d[i] * d[j] / M;
    }
  }
  for (int i = 0; i < NF; i++) {
    WB_ASSERT_NEAR(m[i] / sqrt(cov[i][i] / M), 0.0, 4.5);
    for (int j = 0; j <= i; j++) {
      const double error = sqrt((cov[i][i] * cov[j][j] + cov[i][j] * cov[i][j]) / M);
      WB_ASSERT_NEAR((v[i][j] - cov[i][j]) / error, 0.0, 4.5);
    }
  }
}

static void oracle1(void **state) {
  (void)state;
  for (int p = 0; p < M * NV; p++) {
    voxel[p] = (uint64_t)p;
    mask[p] = pattern[p % NV];
    for (int c = 0; c < C; c++) x0[p * C + c] = NAN;
  }
  for (int s = 0; s < M; s++) {
    for (int i = 0; i < NF; i++) {
      for (int c = 0; c < C; c++) x0[(s * NV + fluid_at[i]) * C + c] = (float)start[c][i];
    }
  }
  for (int k = 0; k < 2; k++) {
    for (int noise = 0; noise < 3; noise++) {
      WbScheduleKind kind = (WbScheduleKind)k;
      WbBridgeOptions o = {.schedule = kind,
                           .noise = (WbNoiseChoice)noise,
                           .steps = noise == 1 ? 5 : 10,
                           .seed = 20 + (uint32_t)noise,
                           .stream = WB_STREAM_TEST};
      for (int c = 0; c < C; c++) o.epsilon[c] = (float)eps[c];
      WB_OK(wb_bridge_sample(&o, (size_t)M * NV, x0, mask, voxel, oracle, &kind, x, work));
      for (int c = 0; c < C; c++) check_channel(kind, o.noise, o.steps, c);
      for (int p = 0; p < M * NV * C; p++) {
        if (!mask[p / C]) assert_true(x[p] == 0.0f);
      }
    }
  }
}

/* The recursion goes to mu and Sigma at first order, and has the values that math.md states at N = 5 and 10. */
static void order(void **state) {
  (void)state;
  for (int k = 0; k < 2; k++) {
    for (int noise = 0; noise < 3; noise++) {
      double error[2];
      for (int f = 0; f < 2; f++) {
        double mean[NF];
        Mat cov, sig;
        sigma_matrix(0, sig);
        recursion((WbScheduleKind)k, (WbNoiseChoice)noise, f ? 320 : 160, 0, mean, cov);
        error[f] = 0.0;
        for (int i = 0; i < NF; i++) {
          error[f] = fmax(error[f], fabs(mean[i] - mu[0][i]));
          for (int j = 0; j < NF; j++) error[f] = fmax(error[f], fabs(cov[i][j] - sig[i][j]));
        }
      }
      WB_ASSERT_BELOW(error[1], 0.02);
      WB_ASSERT_NEAR(log2(error[0] / error[1]), 1.0, 0.15);
    }
  }
}

/* One voxel x1 ~ N(1.3, 0.49), x0 = 0.4, epsilon = 0.8, by the affine recursion with the sampler's own forms. */
static void scalar_scheme(WbScheduleKind kind, WbNoiseChoice noise, int steps, double *mean, double *var) {
  const double m1 = 1.3, v1 = 0.49, y0 = 0.4, e = 0.8, h = 1.0 / steps;
  *mean = y0, *var = 0.0;
  for (int n = 0; n < steps; n++) {
    const double t = n * h;
    WbScheduleAt at;
    WbDriftForm f;
    wb_schedule_at(kind, t, &at);
    wb_bridge_step_form(kind, noise, n, steps, &f);
    const double s = e * at.sigma, ds = e * at.d_sigma;
    const double gain1 = n ? (at.beta * at.d_beta * v1 + t * s * ds) / (at.beta * at.beta * v1 + t * s * s) : 0.0;
    const double b = at.d_alpha * y0 + at.d_beta * m1 + gain1 * (*mean - at.alpha * y0 - at.beta * m1);
    const double factor = f.b * gain1 + f.x;
    *mean = f.b * b + f.x * *mean + f.x0 * y0;
    *var = factor * factor * *var + e * e * f.g * f.g;
  }
}

static void stated_values(void **state) {
  (void)state;
  static const struct {
    WbScheduleKind kind;
    WbNoiseChoice noise;
    int steps;
    double mean, var;
  } want[] = {{WB_SCHEDULE_LINEAR, WB_NOISE_BASE, 5, 1.00, 1.03},
              {WB_SCHEDULE_LINEAR, WB_NOISE_FOELLMER, 5, 1.00, 0.94},
              {WB_SCHEDULE_LINEAR, WB_NOISE_BASE, 10, 1.00, 1.01},
              {WB_SCHEDULE_LINEAR, WB_NOISE_FOELLMER, 10, 1.00, 0.97},
              {WB_SCHEDULE_QUADRATIC, WB_NOISE_BASE, 10, 0.86, 0.87},
              {WB_SCHEDULE_QUADRATIC, WB_NOISE_FOELLMER, 10, 0.93, 0.87}};
  for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
    double mean, var;
    scalar_scheme(want[i].kind, want[i].noise, want[i].steps, &mean, &var);
    WB_ASSERT_NEAR(mean / 1.3, want[i].mean, 0.0051);
    WB_ASSERT_NEAR(var / 0.49, want[i].var, 0.0051);
  }
}

/* Oracle 4: mean squared residual of the exact drift over training pairs. Stratified t, 400000 draws: one standard
 * error is about 0.0012. */
static void loss_floor(void **state) {
  (void)state;
  const double want[2] = {0.6962, 0.6098}, v1 = 0.49, m1 = 1.3, y0 = 0.4, e = 0.8;
  const float eps4[4] = {0.8f, 0.8f, 0.8f, 0.8f};
  for (int k = 0; k < 2; k++) {
    double sum = 0.0;
    const int draws = 100000;
    for (int s = 0; s < draws; s++) {
      const double t = (s + 0.5) / draws;
      const WbRandomKey key = {.seed = 7, .stream = WB_STREAM_TRAIN}, key1 = {.seed = 7, .stream = WB_STREAM_TEST};
      const uint64_t id = (uint64_t)s;
      float z[4], from[4], to[4], xt[4], target[4];
      wb_random_normal4(&key1, id, z);
      for (int c = 0; c < 4; c++) from[c] = (float)y0, to[c] = (float)(m1 + sqrt(v1) * (double)z[c]);
      wb_bridge_interpolant((WbScheduleKind)k, eps4, t, 1, from, to, NULL, &id, &key, xt, target);
      WbScheduleAt at;
      wb_schedule_at((WbScheduleKind)k, t, &at);
      const double sg = e * at.sigma, ds = e * at.d_sigma;
      const double g = (at.beta * at.d_beta * v1 + t * sg * ds) / (at.beta * at.beta * v1 + t * sg * sg);
      for (int c = 0; c < 4; c++) {
        const double b = at.d_alpha * y0 + at.d_beta * m1 + g * ((double)xt[c] - at.alpha * y0 - at.beta * m1);
        sum += (b - (double)target[c]) * (b - (double)target[c]) / (4.0 * draws);
      }
    }
    WB_ASSERT_NEAR(sum, want[k], 0.005);
  }
}

/* Oracle 5: energy of b^F relative to b^F of the reference N(0.4, 0.64), at g^F, equals the KL divergence. */
static void foellmer_energy(void **state) {
  (void)state;
  const double y0 = 0.4, e = 0.8, m[2] = {1.3, 0.4}, v[2] = {0.49, 0.64};
  const double kl = 0.5 * (v[0] / v[1] + (m[0] - m[1]) * (m[0] - m[1]) / v[1] - 1.0 + log(v[1] / v[0]));
  WB_ASSERT_NEAR(kl, 0.649156, 1e-6);
  for (int k = 0; k < 2; k++) {
    const int n = 20000;
    double energy = 0.0;
    for (int s = 0; s < n; s++) {
      const double t = (s + 0.5) / n;
      WbScheduleAt at;
      WbDriftForm f;
      wb_schedule_at((WbScheduleKind)k, t, &at);
      wb_bridge_drift_form((WbScheduleKind)k, WB_NOISE_FOELLMER, t, &f);
      const double sg = e * at.sigma, ds = e * at.d_sigma;
      double gain1[2], offset[2], var = 0.0, mean = 0.0;
      for (int r = 1; r >= 0; r--) {
        var = at.beta * at.beta * v[r] + t * sg * sg;
        mean = at.alpha * y0 + at.beta * m[r];
        gain1[r] = (at.beta * at.d_beta * v[r] + t * sg * ds) / var;
        offset[r] = at.d_alpha * y0 + at.d_beta * m[r] - gain1[r] * mean;
      }
      const double dk = gain1[0] - gain1[1], d0 = offset[0] - offset[1] + dk * mean;
      const double g = e * f.g;
      energy += 0.5 * f.b * f.b * (d0 * d0 + dk * dk * var) / (g * g) / n;
    }
    WB_ASSERT_NEAR(energy, kl, 1e-4);
  }
}

WB_TEST_MAIN(cmocka_unit_test(oracle1), cmocka_unit_test(order), cmocka_unit_test(stated_values),
             cmocka_unit_test(loss_floor), cmocka_unit_test(foellmer_energy))
