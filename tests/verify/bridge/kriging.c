/* Oracle 2 of math.md section 2: a Gaussian random field on the fluid cells of a street map, seen at low resolution as
 * means over coarse cells; narrow streets are blocked there. The denoiser conditions the prior on (coarse means, state)
 * jointly; the samples must have the mean and covariance of simple kriging from the coarse means alone, in blocked
 * streets too. Euler-Maruyama on `linear` is exact in the mean; covariances against the exact matrix recursion. About
 * 1200 z-scores below 5: a fresh seed fails once in 1400 runs. */
#include "wb_test.h"

#include <string.h>

#include "reference.h"

enum { S = 16, RATIO = 4, L = S / RATIO, MAX = S * S, C = WB_CHANNELS, M = 1500, STEPS = 5 };
static const char *const map[S] = {"................", ".####.##.######.", ".####.##.######.", ".####.##........",
                                   ".####.##.##.###.", ".........##.###.", "######.#.##.###.", "######.#.##.###.",
                                   "######.#........", ".......#.######.", ".###.###.######.", ".###.###.######.",
                                   ".###.......####.", ".###.#.###.####.", ".###.#.###......", "................"};

/* ---- small dense linear algebra ---- */
/* b (n, m) <- a^-1 b for a symmetric positive a (n, n), which is overwritten by its Cholesky factor. */
static void solve(int n, double *a, int m, double *b) {
  for (int j = 0; j < n; j++) {
    for (int i = j; i < n; i++) {
      double s = a[i * n + j];
      for (int k = 0; k < j; k++) s -= a[i * n + k] * a[j * n + k];
      if (i == j && !(s > 0)) fail_msg("matrix is not positive at %d: %g", j, s);
      a[i * n + j] = i == j ? sqrt(s) : s / a[j * n + j];
    }
  }
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < i; k++) {
      for (int c = 0; c < m; c++) b[i * m + c] -= a[i * n + k] * b[k * m + c];
    }
    for (int c = 0; c < m; c++) b[i * m + c] /= a[i * n + i];
  }
  for (int i = n - 1; i >= 0; i--) {
    for (int k = i + 1; k < n; k++) {
      for (int c = 0; c < m; c++) b[i * m + c] -= a[k * n + i] * b[k * m + c];
    }
    for (int c = 0; c < m; c++) b[i * m + c] /= a[i * n + i];
  }
}

/* ---- the field ---- */
static int n_fluid, n_coarse, cell_of[MAX], coarse_of[MAX], blocked[MAX]; /* cell_of: map place of a fluid cell */
static double prior[MAX * MAX], look[L * L * MAX];                        /* (n, n); (n_coarse, n) means */
static double seen[C][L * L], krig[C][MAX], krig_cov[MAX * MAX];
static const double mean0 = 0.3, eps = 1.0;
static uint8_t mask[M * MAX];
static uint64_t voxel[M * MAX];
static float x0[M * MAX * C], x[M * MAX * C], work[M * MAX * C];

static void make_map(void) {
  int count[L * L] = {0}, number[L * L];
  n_fluid = n_coarse = 0;
  for (int p = 0; p < MAX; p++) count[p / S / RATIO * L + p % S / RATIO] += map[p / S][p % S] == '.';
  for (int q = 0; q < L * L; q++) number[q] = 2 * count[q] > RATIO * RATIO ? n_coarse++ : -1; /* solid: half or more */
  memset(look, 0, sizeof(look));
  for (int p = 0; p < MAX; p++) {
    const int q = p / S / RATIO * L + p % S / RATIO;
    if (map[p / S][p % S] != '.') continue;
    cell_of[n_fluid] = p;
    coarse_of[n_fluid] = number[q];
    blocked[n_fluid] = number[q] < 0;
    n_fluid++;
  }
  for (int i = 0; i < n_fluid; i++) {
    const int q = cell_of[i] / S / RATIO * L + cell_of[i] % S / RATIO;
    if (number[q] >= 0) look[number[q] * n_fluid + i] = 1.0 / count[q];
  }
  for (int i = 0; i < n_fluid; i++) {
    for (int j = 0; j < n_fluid; j++) {
      const double dx = cell_of[i] % S - cell_of[j] % S, dy = cell_of[i] / S - cell_of[j] / S;
      prior[i * n_fluid + j] = 0.6 * exp(-sqrt(dx * dx + dy * dy) / 4);
    }
  }
}

/* rows (m, n) times the prior */
static void through_prior(int m, const double *rows, double *out) {
  for (int r = 0; r < m; r++) {
    for (int j = 0; j < n_fluid; j++) {
      double s = 0;
      for (int i = 0; i < n_fluid; i++) s += rows[r * n_fluid + i] * prior[i * n_fluid + j];
      out[r * n_fluid + j] = s;
    }
  }
}

/* Simple kriging: mean0 + w (seen - mean0), w = C H' (H C H')^-1, covariance C - w H C. */
static void kriging(void) {
  static double hc[L * L * MAX], system[L * L * L * L], weights[L * L * MAX];
  const int n = n_fluid, m = n_coarse;
  through_prior(m, look, hc);
  for (int r = 0; r < m; r++) {
    for (int q = 0; q < m; q++) {
      system[r * m + q] = 0;
      for (int i = 0; i < n; i++) system[r * m + q] += hc[r * n + i] * look[q * n + i];
    }
  }
  memcpy(weights, hc, sizeof(double) * (size_t)(m * n));
  solve(m, system, n, weights);
  for (int c = 0; c < C; c++) {
    for (int r = 0; r < m; r++) seen[c][r] = mean0 + 0.8 * sin(1.7 * r + c);
    for (int i = 0; i < n; i++) {
      krig[c][i] = mean0;
      for (int r = 0; r < m; r++) krig[c][i] += weights[r * n + i] * (seen[c][r] - mean0);
    }
  }
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {
      double s = prior[i * n + j];
      for (int r = 0; r < m; r++) s -= weights[r * n + i] * hc[r * n + j];
      krig_cov[i * n + j] = s;
    }
  }
}

/* ---- denoiser: E[x1 | coarse means, X_t] from the joint law of (H x1, beta x1 + gamma z) ---- */
static double system_[(MAX + L * L) * (MAX + L * L)], joint[(MAX + L * L) * MAX];

static void joint_weights(double beta, double gamma) {
  static double rows[(MAX + L * L) * MAX];
  const int n = n_fluid, m = n_coarse + (beta > 0 ? n : 0);
  memset(rows, 0, sizeof(rows));
  memcpy(rows, look, sizeof(double) * (size_t)(n_coarse * n));
  for (int i = 0; i < n && beta > 0; i++) rows[(n_coarse + i) * n + i] = beta;
  through_prior(m, rows, joint);
  for (int r = 0; r < m; r++) {
    for (int q = 0; q < m; q++) {
      double s = r == q && r >= n_coarse ? gamma * gamma : 0;
      for (int i = 0; i < n; i++) {
        if (rows[q * n + i] != 0) s += joint[r * n + i] * rows[q * n + i];
      }
      system_[r * m + q] = s;
    }
  }
  solve(m, system_, n, joint);
}

static PetscErrorCode denoise(void *ctx, double t, const float *in, float *d, float *d0) {
  const RefPath p = ref_linear(t);
  const int n = n_fluid;
  (void)ctx;
  (void)d0;
  joint_weights(p.beta, eps * sqrt(p.w));
  for (int s = 0; s < M; s++) {
    float *out = d + (size_t)s * MAX * C;
    const float *from = in + (size_t)s * MAX * C, *source = x0 + (size_t)s * MAX * C;
    for (int i = 0; i < MAX * C; i++) out[i] = NAN;
    for (int c = 0; c < C; c++) {
      double mean[MAX];
      for (int i = 0; i < n; i++) mean[i] = mean0;
      for (int r = 0; r < n_coarse; r++) {
        for (int i = 0; i < n; i++) mean[i] += joint[r * n + i] * (seen[c][r] - mean0);
      }
      for (int k = 0; k < n && p.beta > 0; k++) {
        const size_t at = (size_t)(cell_of[k] * C + c);
        const double e = (double)from[at] - p.alpha * (double)source[at] - p.beta * mean0;
        for (int i = 0; i < n; i++) mean[i] += joint[(n_coarse + k) * n + i] * e;
      }
      for (int i = 0; i < n; i++) out[cell_of[i] * C + c] = (float)mean[i];
    }
  }
  return 0;
}

/* x0: the coarse value of the cell; blocked cells take that of the nearest fluid cell that has one. */
static void make_source(void) {
  for (size_t i = 0; i < sizeof(x0) / sizeof(x0[0]); i++) x0[i] = NAN;
  memset(mask, 0, sizeof(mask));
  for (int i = 0; i < n_fluid; i++) {
    int from = i, best = 1 << 20;
    for (int j = 0; j < n_fluid && blocked[i]; j++) {
      const int dx = cell_of[i] % S - cell_of[j] % S, dy = cell_of[i] / S - cell_of[j] / S;
      if (!blocked[j] && dx * dx + dy * dy < best) best = dx * dx + dy * dy, from = j;
    }
    for (int s = 0; s < M; s++) {
      const size_t p = (size_t)s * MAX + (size_t)cell_of[i];
      mask[p] = 1;
      for (size_t c = 0; c < C; c++) x0[p * C + c] = (float)seen[c][coarse_of[from]];
    }
  }
  for (size_t p = 0; p < sizeof(mask); p++) voxel[p] = p;
}

/* Exact covariance of Euler-Maruyama, base SDE, in the posterior form: x' = x + h (D - x)/(1 - t) + eps (1 - t) sqrt(h)
 * z, D = k + P beta (beta^2 P + gamma^2)^-1 (x - alpha x0 - beta k). */
static void recursion(int steps, double *cov) {
  static double gain[MAX * MAX], sys[MAX * MAX], half[MAX * MAX];
  const int n = n_fluid;
  const double h = 1.0 / steps;
  for (int k = 0; k < n * n; k++) cov[k] = 0;
  for (int step = 0; step < steps; step++) {
    const double t = step * h, beta = t, gamma2 = eps * eps * t * (1 - t) * (1 - t);
    for (int k = 0; k < n * n; k++) {
      gain[k] = beta * krig_cov[k];
      sys[k] = beta * beta * krig_cov[k] + (k % (n + 1) == 0 ? gamma2 : 0);
    }
    if (step > 0) solve(n, sys, n, gain); /* (S^-1 beta P) = its transpose: P and S commute */
    for (int k = 0; k < n * n; k++) {
      gain[k] = (k % (n + 1) == 0 ? 1 - h / (1 - t) : 0) + (step > 0 ? h / (1 - t) * gain[k] : 0);
    }
    for (int i = 0; i < n; i++) { /* half = gain cov, cov = half gain' */
      for (int j = 0; j < n; j++) half[i * n + j] = 0;
      for (int k = 0; k < n; k++) {
        for (int j = 0; j < n; j++) half[i * n + j] += gain[i * n + k] * cov[k * n + j];
      }
    }
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        double s = i == j ? h * eps * eps * (1 - t) * (1 - t) : 0;
        for (int k = 0; k < n; k++) s += half[i * n + k] * gain[j * n + k];
        cov[i * n + j] = s;
      }
    }
  }
}

static void streets(void **state) {
  (void)state;
  static double cov[MAX * MAX];
  const WbTimeGrid uniform = {1, 1, 0};
  const WbRandomKey key = {.seed = 12, .stream = WB_STREAM_TEST};
  double t[STEPS + 1], worst[2] = {0, 0};
  make_map();
  kriging();
  make_source();
  int n_blocked = 0;
  for (int i = 0; i < n_fluid; i++) n_blocked += blocked[i];
  printf("%d fluid cells, %d of them blocked, %d coarse cells\n", n_fluid, n_blocked, n_coarse);
  assert_true(n_blocked > 20 && n_coarse > 4);
  WbProcessOptions options;
  WbProcess process;
  WbSampler o;
  WbPlan plan;
  wb_process_options_default(WB_PROCESS_BRIDGE, &options);
  WB_OK(wb_process_create(&options, &process));
  WB_OK(wb_sampler_parse("euler_maruyama", WB_NOISE_BASE, &o));
  WB_OK(wb_time_grid(&uniform, STEPS, t));
  WB_OK(wb_plan_create(process, &o, STEPS, t, &plan));
  WB_OK(wb_bridge_sample(plan, &key, (size_t)M * MAX, x0, mask, voxel, denoise, NULL, x, work));
  recursion(STEPS, cov);
  int n_scores = 0;
  for (int c = 0; c < C; c++) {
    for (int i = 0; i < n_fluid; i++) {
      const int j = (i + 1) % n_fluid; /* its neighbour in the list: mostly next door */
      double m = 0, v = 0, w = 0;
      for (int s = 0; s < M; s++) {
        const float *cell = x + (size_t)s * MAX * C + c;
        const double e = (double)cell[cell_of[i] * C] - krig[c][i], f = (double)cell[cell_of[j] * C] - krig[c][j];
        m += e / M, v += e * e / M, w += e * f / M;
      }
      const double vi = cov[i * n_fluid + i], vj = cov[j * n_fluid + j], cij = cov[i * n_fluid + j];
      const double z[3] = {m / sqrt(vi / M), (v - vi) / (vi * sqrt(2.0 / M)),
                           (w - cij) / sqrt((vi * vj + cij * cij) / M)};
      for (int k = 0; k < 3; k++, n_scores++) {
        worst[blocked[i]] = fmax(worst[blocked[i]], fabs(z[k]));
        if (!(fabs(z[k]) < 5)) fail_msg("cell %d (blocked %d), statistic %d: z = %g", cell_of[i], blocked[i], k, z[k]);
      }
    }
  }
  for (size_t p = 0; p < sizeof(mask); p++) {
    for (size_t c = 0; c < C && !mask[p]; c++) assert_true(x[p * C + c] == 0.0f);
  }
  printf("%d z-scores; largest %.2f in open cells, %.2f in blocked streets\n", n_scores, worst[0], worst[1]);
  wb_plan_destroy(&plan);
  wb_process_destroy(&process);
}

/* The recursion goes to the kriging covariance at first order. */
static void converges(void **state) {
  (void)state;
  static double cov[MAX * MAX];
  double error[2] = {0, 0};
  make_map();
  kriging();
  for (int f = 0; f < 2; f++) {
    recursion(f ? 64 : 32, cov);
    for (int k = 0; k < n_fluid * n_fluid; k++) error[f] = fmax(error[f], fabs(cov[k] - krig_cov[k]));
  }
  WB_ASSERT_BELOW(error[1], 0.02);
  WB_ASSERT_NEAR(log2(error[0] / error[1]), 1, 0.25);
}

WB_TEST_MAIN(cmocka_unit_test(streets), cmocka_unit_test(converges))
