/* Oracle 1 of math.md section 2: a masked Gaussian x1 ~ N(mu, Sigma), every process, schedule, noise and stepper. The
 * sample mean and covariance of the real sampler against the exact recursion of the scheme (reference.h), whose factors
 * come from another derivation. About 8000 z-scores with a bound of 5.3: a fresh seed would fail once in about 1000
 * runs; the seeds are fixed. */
#include "wb_test.h"

#include "reference.h"

enum { NV = 5, NF = 3, M = 10000, C = WB_CHANNELS, STEPS = 6 };
static const double bound = 5.3;
static const uint8_t pattern[NV] = {1, 0, 1, 1, 0};
static const int fluid_at[NF] = {0, 2, 3};
static const double mu[C][NF] = {{1.3, 0.2, -0.5}, {0.1, 0.4, 2.0}, {-1.0, 1.0, 0.0}, {0.3, 0.3, 0.3}};
static const double start[C][NF] = {{0.4, 0.0, 0.3}, {1.0, 0.5, 1.5}, {-0.2, 0.7, 0.1}, {0.0, -0.3, 0.6}};
static const double eps[C] = {0.8, 1.0, 1.6, 0.5};
static const double lambda[C][NF] = {{0.2, 0.5, 0.9}, {1.0, 0.4, 1.6}, {0.05, 0.3, 0.6}, {0.25, 0.35, 0.1}};
static double axes[NF][NF]; /* columns: eigenvectors of every Sigma */

static float x0[M * NV * C], x[M * NV * C], work[4 * M * NV * C];
static uint8_t mask[M * NV];
static uint64_t voxel[M * NV];

/* ---- the schemes, one eigendirection: x (state), xi (unit normal), step from t to s ---- */
typedef struct {
  RefVoxel v;
  WbSampler o;
  double t, s;
  bool last;
} Step;

static double memory(const Step *p) {
  const RefPath a = p->v.ref->path(p->t), b = p->v.ref->path(p->s);
  if (!(a.w > 0) || !(b.w > 1e-20)) return 0;
  if (!isfinite(p->v.ref->g2(p->t))) return 0;
  double integral = 0; /* of g^2 / (2 w), midpoints in ln t (fine near t = 0) or t */
  const int n = 600;
  const bool by_log = p->t > 0;
  for (int k = 0; k < n && p->o.noise != WB_NOISE_NONE; k++) {
    const double u = (k + 0.5) / n;
    const double t = by_log ? p->t * pow(p->s / p->t, u) : p->s * u, dt = by_log ? t * log(p->s / p->t) / n : p->s / n;
    integral += ref_diffusivity(p->v.ref, p->o.noise, p->o.noise_scale, t) / (2 * p->v.ref->path(t).w) * dt;
  }
  return sqrt(b.w / a.w) * exp(-integral);
}

static double exponential(const Step *p, double f, double x_, double xi) {
  const RefPath a = p->v.ref->path(p->t), b = p->v.ref->path(p->s);
  const double d = ref_denoiser(&p->v, p->t, x_), e = p->v.epsilon;
  const double variance = p->o.noise == WB_NOISE_NONE && a.w > 0 ? 0 : b.w - f * f * a.w;
  const double rest = f > 0 ? f * (x_ - a.alpha * p->v.x0 - a.beta * d) : 0;
  return b.alpha * p->v.x0 + b.beta * d + rest + e * sqrt(fmax(variance, 0)) * xi;
}

static double euler(const Step *p, double x_, double xi) {
  const double h = p->s - p->t;
  double g2 = p->t > 0 ? ref_diffusivity(p->v.ref, p->o.noise, p->o.noise_scale, p->t) : 0;
  if (p->t == 0) {
    if (p->v.ref->path(0).w == 0) {
      g2 = ref_derivative(p->v.ref, 2, 0); /* math.md: sigma(0), whatever g */
      if (g2 < 1e-3) return exponential(p, 0, x_, xi);
    } else {
      if (p->o.noise == WB_NOISE_FOELLMER && p->v.ref->path(0).beta == 0) return exponential(p, 0, x_, xi);
      g2 = ref_diffusivity(p->v.ref, p->o.noise, p->o.noise_scale, p->o.noise == WB_NOISE_FOELLMER ? 1e-6 : 0);
    }
  }
  return x_ + h * ref_drift(&p->v, &p->o, p->t, x_) + p->v.epsilon * sqrt(h * g2) * xi;
}

/* Does the drift's factor go like 1/t, seen at t = 1e-4 and 1e-5? */
static bool singular(const Step *p) {
  double k[2];
  for (int i = 0; i < 2; i++) {
    const double t = i ? 1e-4 : 2e-4, g2 = ref_diffusivity(p->v.ref, p->o.noise, p->o.noise_scale, t);
    k[i] = (ref_derivative(p->v.ref, 2, t) - g2) / (2 * p->v.ref->path(t).w);
  }
  return fabs(k[1]) > 1.5 * fabs(k[0]) && fabs(k[1]) > 500;
}

/* To t = 1 in v = x1 + noise of variance u: exact for constant score (doc/theory.rst). */
static double last_score(const Step *p, double x_, double xi) {
  const RefPath a = p->v.ref->path(p->t);
  const double d = ref_denoiser(&p->v, p->t, x_), u = a.w / (a.beta * a.beta);
  if (!(a.w > 0) || !(a.beta > 0)) return d;
  double g = p->o.noise == WB_NOISE_FOELLMER ? p->o.noise_scale * p->o.noise_scale * u : 0;
  for (int k = 0; k < 1000 && p->o.noise == WB_NOISE_BASE; k++) {
    const double t = p->t + (1 - p->t) * (k + 0.5) / 1000, beta = p->v.ref->path(t).beta;
    g += ref_diffusivity(p->v.ref, p->o.noise, p->o.noise_scale, t) / (beta * beta) * (1 - p->t) / 1000;
  }
  const double noisy = (x_ - a.alpha * p->v.x0) / a.beta, score = (d - noisy) / u;
  return noisy + 0.5 * (u + g) * score + p->v.epsilon * sqrt(g) * xi;
}

static double heun(const Step *p, double x_, double xi) {
  const double h = p->s - p->t, b = ref_drift(&p->v, &p->o, p->t, x_);
  const double first = p->t > 0 ? ref_diffusivity(p->v.ref, p->o.noise, p->o.noise_scale, p->t)
                       : p->v.ref->path(0).w > 0
                           ? ref_diffusivity(p->v.ref, p->o.noise, 1, p->o.noise == WB_NOISE_FOELLMER ? 1e-6 : 0)
                           : ref_derivative(p->v.ref, 2, 0);
  const double g2 = 0.5 * (first + ref_diffusivity(p->v.ref, p->o.noise, p->o.noise_scale, p->s));
  const double noise = p->v.epsilon * sqrt(h * g2) * xi, guess = x_ + h * b + noise;
  return x_ + 0.5 * h * (b + ref_drift(&p->v, &p->o, p->s, guess)) + noise;
}

/* Flow in u = (x - alpha x0) / gamma, theta = beta / gamma. */
static double along(const RefVoxel *v, double u, double t) {
  const RefPath p = v->ref->path(t);
  return ref_denoiser(v, t, p.alpha * v->x0 + sqrt(p.w) * u);
}

static double flow(const Step *p, double x_, double xi) {
  const RefPath a = p->v.ref->path(p->t), b = p->v.ref->path(p->s);
  const double from = ref_signal(p->v.ref, p->t), to = ref_signal(p->v.ref, p->s), h = to - from;
  const double u = a.w > 0 ? (x_ - a.alpha * p->v.x0) / sqrt(a.w) : p->v.epsilon * xi;
  const double d1 = ref_denoiser(&p->v, p->t, x_);
  double next = u;
  if (p->o.stepper == WB_STEPPER_HEUN) {
    next = u + 0.5 * h * (d1 + along(&p->v, u + h * d1, p->s));
  } else {
    double lo = p->t, hi = p->s;
    for (int k = 0; k < 80; k++) {
      const double mid = 0.5 * (lo + hi);
      if ((ref_signal(p->v.ref, mid) - from) * h < 0.5 * h * h) {
        lo = mid;
      } else {
        hi = mid;
      }
    }
    const double d2 = along(&p->v, u + 0.5 * h * d1, lo), d3 = along(&p->v, u + 0.5 * h * d2, lo);
    next = u + h / 6 * (d1 + 2 * d2 + 2 * d3 + along(&p->v, u + h * d3, p->s));
  }
  return b.alpha * p->v.x0 + sqrt(b.w) * next;
}

static double one_step(const Step *p, double x_, double xi) {
  const bool flowing = p->o.noise == WB_NOISE_NONE;
  if (p->o.stepper == WB_STEPPER_EXPONENTIAL && p->last && p->o.last == WB_LAST_DENOISE)
    return ref_denoiser(&p->v, p->t, x_);
  if (p->last && (flowing || (p->o.stepper == WB_STEPPER_EXPONENTIAL && p->o.last == WB_LAST_SCORE)))
    return last_score(p, x_, xi);
  if (p->last) return euler(p, x_, xi);
  if (p->o.stepper == WB_STEPPER_EXPONENTIAL || (flowing && p->o.stepper == WB_STEPPER_EULER))
    return exponential(p, memory(p), x_, xi);
  if (flowing) return flow(p, x_, xi);
  if (p->o.stepper == WB_STEPPER_HEUN && !(p->t == 0 && singular(p))) return heun(p, x_, xi);
  return euler(p, x_, xi);
}

/* Mean and variance after all steps: each step is a x + b + c xi. */
static void recursion(const RefVoxel *v, const WbSampler *o, int steps, const double *t, double *mean, double *var) {
  const RefPath p = v->ref->path(0);
  *mean = (p.alpha + p.beta) * v->x0;
  *var = v->epsilon * v->epsilon * p.w;
  if (o->stepper == WB_STEPPER_MEAN) {
    *mean = ref_denoiser(v, 0, *mean);
    *var = 0;
    return;
  }
  for (int k = 0; k < steps; k++) {
    const Step s = {*v, *o, t[k], t[k + 1], k == steps - 1};
    const double b = one_step(&s, *mean, 0), a = one_step(&s, *mean + 1, 0) - b, c = one_step(&s, *mean, 1) - b;
    *mean = b;
    *var = a * a * *var + c * c;
  }
}

/* ---- the sampler ---- */
static void rotate(const double in[NF], bool back, double out[NF]) {
  for (int i = 0; i < NF; i++) {
    out[i] = 0;
    for (int j = 0; j < NF; j++) out[i] += (back ? axes[j][i] : axes[i][j]) * in[j];
  }
}

typedef struct {
  const Ref *ref;
  int calls;
} Oracle;

static PetscErrorCode oracle(void *ctx, double t, const float *in, float *d, float *d0) {
  Oracle *o = ctx;
  const RefPath p = o->ref->path(t);
  assert_null(d0);
  o->calls++;
  for (int c = 0; c < C; c++) {
    double gain[NF][NF] = {{0}};
    for (int k = 0; k < NF; k++) {
      const double s = p.beta * p.beta * lambda[c][k] + eps[c] * eps[c] * p.w;
      const double g = s > 0 ? p.beta * lambda[c][k] / s : 0;
      for (int i = 0; i < NF; i++) {
        for (int j = 0; j < NF; j++) gain[i][j] += axes[i][k] * g * axes[j][k];
      }
    }
    for (int s = 0; s < M; s++) {
      double r[NF];
      for (int i = 0; i < NF; i++) {
        r[i] = (double)in[(s * NV + fluid_at[i]) * C + c] - p.alpha * start[c][i] - p.beta * mu[c][i];
      }
      for (int i = 0; i < NF; i++) {
        d[(s * NV + fluid_at[i]) * C + c] =
            (float)(mu[c][i] + gain[i][0] * r[0] + gain[i][1] * r[1] + gain[i][2] * r[2]);
      }
      d[(s * NV + 1) * C + c] = NAN;
      d[(s * NV + 4) * C + c] = 1e30f;
    }
  }
  return 0;
}

static int n_scores;
static double worst;

static void z_score(double error, double deviation, const char *what) {
  n_scores++;
  if (deviation < 1e-7) {
    if (!(fabs(error) < 2e-5)) fail_msg("%s: error %g where nothing is random", what, error);
    return;
  }
  worst = fmax(worst, fabs(error / deviation));
  if (!(fabs(error / deviation) <= bound)) fail_msg("%s: z = %g", what, error / deviation);
}

static void check_channel(const Ref *r, const WbSampler *o, const double *t, int c, const char *what) {
  double m0[NF], x0r[NF], mean_axis[NF], var[NF], mean[NF], cov[NF][NF] = {{0}}, m[NF] = {0}, v[NF][NF] = {{0}};
  rotate(mu[c], true, m0);
  rotate(start[c], true, x0r);
  for (int k = 0; k < NF; k++) {
    const RefVoxel voxel_k = {r, eps[c], m0[k], lambda[c][k], x0r[k]};
    recursion(&voxel_k, o, STEPS, t, &mean_axis[k], &var[k]);
    for (int i = 0; i < NF; i++) {
      for (int j = 0; j < NF; j++) cov[i][j] += axes[i][k] * var[k] * axes[j][k];
    }
  }
  rotate(mean_axis, false, mean);
  for (int s = 0; s < M; s++) {
    double d[NF];
    for (int i = 0; i < NF; i++) d[i] = (double)x[(s * NV + fluid_at[i]) * C + c] - mean[i];
    for (int i = 0; i < NF; i++) {
      m[i] += d[i] / M;
      for (int j = 0; j < NF; j++) v[i][j] += d[i] * d[j] / M;
    }
  }
  for (int i = 0; i < NF; i++) {
    z_score(m[i], sqrt(cov[i][i] / M), what);
    for (int j = 0; j <= i; j++) {
      z_score(v[i][j] - cov[i][j], sqrt((cov[i][i] * cov[j][j] + cov[i][j] * cov[i][j]) / M), what);
    }
  }
}

static void check_config(const Ref *r, const WbSampler *o, const double *t, uint32_t seed, const char *what) {
  WbProcess process;
  WbPlan plan;
  WbProcessOptions options = r->options;
  for (int c = 0; c < C; c++) options.epsilon[c] = (float)eps[c];
  WB_OK(wb_process_create(&options, &process));
  if (o->noise == WB_NOISE_FOELLMER && !r->foellmer) {
    assert_int_equal(wb_plan_create(process, o, STEPS, t, &plan), WB_ERR_CONFIG);
    wb_error_clear();
    wb_process_destroy(&process);
    return;
  }
  WB_OK(wb_plan_create(process, o, STEPS, t, &plan));
  wb_process_destroy(&process);
  assert_true(wb_plan_fields(plan) <= 4);
  Oracle context = {.ref = r};
  const WbRandomKey key = {.seed = seed, .stream = WB_STREAM_TEST};
  WB_OK(wb_bridge_sample(plan, &key, (size_t)M * NV, x0, mask, voxel, oracle, &context, x, work));
  assert_int_equal(context.calls, wb_plan_evaluations(plan));
  for (int c = 0; c < C; c++) check_channel(r, o, t, c, what);
  for (int p = 0; p < M * NV * C; p++) {
    if (!mask[p / C]) assert_true(x[p] == 0.0f);
  }
  wb_plan_destroy(&plan);
}

static void prepare(void) {
  const double a = 0.7, b = -0.4, ca = cos(a), sa = sin(a), cb = cos(b), sb = sin(b);
  const double q[NF][NF] = {{ca, -sa * cb, sa * sb}, {sa, ca * cb, -ca * sb}, {0, sb, cb}};
  memcpy(axes, q, sizeof(axes));
  ref_setup();
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
}

static void all(void **state) {
  (void)state;
  static const struct {
    const char *name;
    WbNoiseChoice noise;
    double scale;
    WbLastStep last;
  } list[] = {{"euler_maruyama", WB_NOISE_BASE, 1, WB_LAST_EULER},
              {"euler_maruyama", WB_NOISE_FOELLMER, 1, WB_LAST_EULER},
              {"euler_maruyama", WB_NOISE_NONE, 1, WB_LAST_EULER},
              {"stochastic_heun", WB_NOISE_BASE, 1, WB_LAST_EULER},
              {"stochastic_heun", WB_NOISE_FOELLMER, 1, WB_LAST_EULER},
              {"exponential", WB_NOISE_BASE, 1, WB_LAST_EULER},
              {"exponential", WB_NOISE_FOELLMER, 1, WB_LAST_EULER},
              {"exponential", WB_NOISE_BASE, 0.7, WB_LAST_SCORE},
              {"exponential", WB_NOISE_FOELLMER, 0.7, WB_LAST_SCORE},
              {"exponential", WB_NOISE_FOELLMER, 1, WB_LAST_SCORE},
              {"euler_maruyama", WB_NOISE_FOELLMER, 1.2, WB_LAST_EULER},
              {"flow_euler", WB_NOISE_NONE, 1, WB_LAST_SCORE},
              {"flow_heun", WB_NOISE_NONE, 1, WB_LAST_SCORE},
              {"flow_rk4", WB_NOISE_NONE, 1, WB_LAST_SCORE},
              {"ddpm", WB_NOISE_FOELLMER, 1, WB_LAST_DENOISE},
              {"ddim", WB_NOISE_NONE, 1, WB_LAST_DENOISE},
              {"i2sb_posterior", WB_NOISE_FOELLMER, 1, WB_LAST_DENOISE},
              {"mean", WB_NOISE_NONE, 1, WB_LAST_DENOISE}};
  const WbTimeGrid uniform = {1, 1, 0}, graded = {1.4, 1.5, 0};
  double t[2][STEPS + 1];
  prepare();
  WB_OK(wb_time_grid(&uniform, STEPS, t[0]));
  WB_OK(wb_time_grid(&graded, STEPS, t[1]));
  for (int r = 0; r < N_REF; r++) {
    for (size_t k = 0; k < sizeof(list) / sizeof(list[0]); k++) {
      WbSampler o;
      char what[128];
      const int grid = (r + (int)k) % 2;
      WB_OK(wb_sampler_parse(list[k].name, list[k].noise, &o));
      assert_int_equal(o.noise, list[k].noise);
      o.noise_scale = list[k].scale;
      o.last = list[k].last;
      snprintf(what, sizeof(what), "%s, %s, noise %d x %g, %s grid", ref_list[r].name, list[k].name, (int)o.noise,
               o.noise_scale, grid ? "graded" : "uniform");
      check_config(&ref_list[r], &o, t[grid], 100 + (uint32_t)k, what);
    }
  }
  printf("%d z-scores, the largest %.2f\n", n_scores, worst);
  assert_true(n_scores > 7000);
}

WB_TEST_MAIN(cmocka_unit_test(all))
