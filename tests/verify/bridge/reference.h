/* The processes and steppers once more, written from the formulae of math.md and the papers and not from src/bridge:
 * paths as plain functions, derivatives by finite differences, integrals by Simpson's rule, and each scheme in scalar
 * arithmetic. For a Gaussian target x1 ~ N(mu, lambda) a step is affine in the state and in the noise, so the exact
 * mean and variance of the scheme follow from three evaluations of it. */
#ifndef WB_BRIDGE_REFERENCE_H
#define WB_BRIDGE_REFERENCE_H
#include <math.h>
#include <string.h>

#include "windbridge/bridge.h"

typedef struct {
  double alpha, beta, w; /* w = gamma^2, epsilon = 1 */
} RefPath;
typedef RefPath (*RefPathFn)(double t);

typedef struct {
  const char *name;
  WbProcessOptions options;
  RefPathFn path;
  double (*g2)(double t); /* own diffusivity */
  bool foellmer;          /* beta^2 / w does not decrease */
} Ref;

/* ---- paths ---- */
static inline RefPath ref_bridge(double t, double beta, double sigma) {
  return (RefPath){1 - t, beta, t * sigma * sigma};
}
static inline RefPath ref_linear(double t) {
  return ref_bridge(t, t, 1 - t);
}
static inline double ref_linear_g2(double t) {
  return (1 - t) * (1 - t);
}
static inline RefPath ref_quadratic(double t) {
  return ref_bridge(t, t * t, 1 - t);
}
static inline RefPath ref_brownian(double t) {
  return ref_bridge(t, t, sqrt(1 - t));
}
static inline double ref_brownian_g2(double t) {
  return 1 - t;
}
static inline double ref_table_beta(double t) {
  return t * t * (3 - 2 * t);
}
static inline double ref_table_sigma(double t) {
  return (1 - t) * (1 + t);
}
static inline RefPath ref_table(double t) {
  return (RefPath){1 - t * t, ref_table_beta(t), t * ref_table_sigma(t) * ref_table_sigma(t)};
}
static inline double ref_table_g2(double t) {
  return ref_table_sigma(t) * ref_table_sigma(t);
}
static inline RefPath ref_trigonometric(double t) {
  return (RefPath){cos(M_PI_2 * t), sin(M_PI_2 * t), t * (1 - t)};
}
/* Albergo et al. 2023: gamma = sqrt(2 t (1 - t)), epsilon_t constant */
static inline RefPath ref_albergo(double t) {
  return (RefPath){1 - t, t, 2 * t * (1 - t)};
}
static inline double ref_albergo_g2(double t) {
  (void)t;
  return 2 * 0.6;
}
static inline void ref_albergo_path(void *ctx, double t, WbPathAt *at) {
  (void)ctx;
  *at = (WbPathAt){1 - t, t, 2 * t * (1 - t), -1, 1, 2 - 4 * t, 2 * 0.6};
}
/* gamma as a table with a bump, where beta^2/gamma^2 falls: no Foellmer process */
static inline double ref_hump(double t) {
  return 0.3 * sin(M_PI * t) * (1 + 3 * exp(-pow((t - 0.6) / 0.08, 2)));
}
static inline RefPath ref_bump(double t) {
  return (RefPath){1 - t, t * t, ref_hump(t) * ref_hump(t)};
}
static inline double ref_bump_g2(double t) {
  return t > 0 && t < 1 ? ref_hump(t) * ref_hump(t) / (t * (1 - t)) : 0;
}

static inline double ref_i2sb_rate(double t) { /* before it is normalised */
  const double root = 1 + (sqrt(3.0) - 1) * (1 - fabs(2 * t - 1));
  return root * root;
}
static inline double ref_simpson(double (*f)(double), double a, double b, int n) {
  double sum = f(a) + f(b);
  for (int k = 1; k < n; k++) sum += (k % 2 ? 4 : 2) * f(a + (b - a) * k / n);
  return sum * (b - a) / (3 * n);
}
static inline double ref_i2sb_clock(double t) {
  const double whole = 2 * ref_simpson(ref_i2sb_rate, 0, 0.5, 2); /* Simpson is exact for the two parabolas */
  return t < 0.5 ? ref_simpson(ref_i2sb_rate, 0, t, 2) / whole : 1 - ref_simpson(ref_i2sb_rate, t, 1, 2) / whole;
}
static inline RefPath ref_i2sb(double t) {
  const double s = ref_i2sb_clock(t), rest = 1 - s; /* sigma^2 = s, sigma-bar^2 = rest */
  return (RefPath){rest / (s + rest), s / (s + rest), s * rest / (s + rest)};
}
static inline double ref_i2sb_g2(double t) {
  return ref_i2sb_rate(t) / (2 * ref_simpson(ref_i2sb_rate, 0, 0.5, 2));
}
static inline double ref_vp_rate(double t) {
  return 0.1 + 19.9 * (1 - t);
}
static inline RefPath ref_vp(double t) {
  const double total = 0.1 * (1 - t) + 19.9 * (1 - t) * (1 - t) / 2;
  return (RefPath){0, exp(-total / 2), 1 - exp(-total)};
}
enum { REF_OU_TIME = 4 };
static inline RefPath ref_ou(double t) { /* mean x1 e^-s; epsilon^2 w = (1 - e^-2s)/2 for epsilon^2 = 1/2 */
  const double s = REF_OU_TIME * (1 - t);
  return (RefPath){0, exp(-s), 1 - exp(-2 * s)};
}
static inline double ref_ou_g2(double t) {
  (void)t;
  return 2 * REF_OU_TIME;
}
static inline RefPath ref_edm(double t) {
  return (RefPath){0, 1, pow(80 * (1 - t), 2)};
}
static inline double ref_edm_g2(double t) {
  return 2 * 80 * 80 * (1 - t);
} /* -d(sigma^2)/dt */
static inline RefPath ref_flow(double t) {
  return (RefPath){0, t, (1 - t) * (1 - t)};
}
static inline double ref_flow_g2(double t) {
  return 2 * (1 - t);
}
static inline RefPath ref_sf2m(double t) {
  return (RefPath){1 - t, t, t * (1 - t)};
}
static inline double ref_sf2m_g2(double t) {
  (void)t;
  return 1;
}

/* ---- the list ---- */
enum { REF_TABLE = 401, N_REF = 13 };
static double ref_t[REF_TABLE], ref_column[5][REF_TABLE];
static Ref ref_list[N_REF];

static inline Ref ref_make(const char *name, WbProcessKind kind, WbScheduleKind schedule, RefPathFn path,
                           double (*g2)(double t)) {
  Ref r = {.name = name, .path = path, .g2 = g2, .foellmer = true};
  wb_process_options_default(kind, &r.options);
  r.options.schedule = schedule;
  return r;
}

static inline void ref_setup(void) {
  const WbScheduleKind any = WB_SCHEDULE_LINEAR;
  for (int k = 0; k < REF_TABLE; k++) {
    const double t = (double)k / (REF_TABLE - 1);
    ref_t[k] = t;
    ref_column[0][k] = 1 - t * t, ref_column[1][k] = ref_table_beta(t), ref_column[2][k] = ref_table_sigma(t);
    ref_column[3][k] = t * t, ref_column[4][k] = k == REF_TABLE - 1 ? 0 : ref_hump(t);
  }
  static double falling[REF_TABLE];
  for (int k = 0; k < REF_TABLE; k++) falling[k] = 1 - ref_t[k];
  ref_list[0] = ref_make("linear", WB_PROCESS_BRIDGE, WB_SCHEDULE_LINEAR, ref_linear, ref_linear_g2);
  ref_list[1] = ref_make("quadratic", WB_PROCESS_BRIDGE, WB_SCHEDULE_QUADRATIC, ref_quadratic, ref_linear_g2);
  ref_list[2] = ref_make("brownian", WB_PROCESS_BRIDGE, WB_SCHEDULE_BROWNIAN, ref_brownian, ref_brownian_g2);
  ref_list[3] = ref_make("table", WB_PROCESS_BRIDGE, WB_SCHEDULE_TABLE, ref_table, ref_table_g2);
  ref_list[3].options.table = (WbPathTable){REF_TABLE, ref_t, ref_column[0], ref_column[1], ref_column[2], NULL};
  ref_list[4] = ref_make("trigonometric", WB_PROCESS_INTERPOLANT, any, ref_trigonometric, ref_brownian_g2);
  ref_list[5] = ref_make("albergo", WB_PROCESS_INTERPOLANT, any, ref_albergo, ref_albergo_g2);
  ref_list[5].options.path = ref_albergo_path;
  ref_list[6] = ref_make("bump", WB_PROCESS_INTERPOLANT, any, ref_bump, ref_bump_g2);
  ref_list[6].options.table = (WbPathTable){REF_TABLE, ref_t, falling, ref_column[3], ref_column[4], NULL};
  ref_list[7] = ref_make("i2sb", WB_PROCESS_I2SB, any, ref_i2sb, ref_i2sb_g2);
  ref_list[8] = ref_make("diffusion_vp", WB_PROCESS_DIFFUSION_VP, any, ref_vp, ref_vp_rate);
  ref_list[9] = ref_make("ou", WB_PROCESS_DIFFUSION_VP, any, ref_ou, ref_ou_g2);
  ref_list[9].options.rate_min = ref_list[9].options.rate_max = 2 * REF_OU_TIME;
  ref_list[10] = ref_make("diffusion_edm", WB_PROCESS_DIFFUSION_EDM, any, ref_edm, ref_edm_g2);
  ref_list[11] = ref_make("flow", WB_PROCESS_FLOW, any, ref_flow, ref_flow_g2);
  ref_list[12] = ref_make("sf2m", WB_PROCESS_SF2M, any, ref_sf2m, ref_sf2m_g2);
  for (int r = 0; r < N_REF; r++) {
    for (int k = 2; k < 999; k++) {
      const RefPath a = ref_list[r].path(k * 1e-3), b = ref_list[r].path((k + 1) * 1e-3);
      if (b.beta * b.beta / b.w < a.beta * a.beta / a.w * (1 - 1e-9)) ref_list[r].foellmer = false;
    }
  }
}

/* ---- derivatives and diffusivities ---- */
static inline double ref_part(RefPath p, int which) {
  return which == 0 ? p.alpha : which == 1 ? p.beta : p.w;
}
static inline double ref_derivative(const Ref *r, int which, double t) {
  const double d = 1e-5;
  if (t < d) {
    return (-3 * ref_part(r->path(t), which) + 4 * ref_part(r->path(t + d), which) -
            ref_part(r->path(t + 2 * d), which)) /
           (2 * d);
  }
  return (ref_part(r->path(t + d), which) - ref_part(r->path(t - d), which)) / (2 * d);
}
/* g^2 of the choice times scale^2 at 0 < t < 1 */
static inline double ref_diffusivity(const Ref *r, WbNoiseChoice noise, double scale, double t) {
  if (noise == WB_NOISE_NONE) return 0;
  if (noise == WB_NOISE_BASE) return scale * scale * r->g2(t);
  const double d = 1e-6 * (t < 0.5 ? t : 1 - t);
  const RefPath a = r->path(t - d), b = r->path(t + d), p = r->path(t);
  return scale * scale * p.w * (log(b.beta * b.beta / b.w) - log(a.beta * a.beta / a.w)) / (2 * d);
}
static inline double ref_signal(const Ref *r, double t) { /* theta = beta / gamma */
  const RefPath p = r->path(t);
  return p.w > 0 ? p.beta / sqrt(p.w) : 0;
}

/* ---- one voxel with x1 ~ N(mu, lambda) ---- */
typedef struct {
  const Ref *ref;
  double epsilon, mu, lambda, x0;
} RefVoxel;

static inline double ref_denoiser(const RefVoxel *v, double t, double x) {
  const RefPath p = v->ref->path(t);
  const double s = p.beta * p.beta * v->lambda + v->epsilon * v->epsilon * p.w;
  return s > 0 ? v->mu + p.beta * v->lambda / s * (x - p.alpha * v->x0 - p.beta * v->mu) : v->mu;
}
static inline double ref_drift(const RefVoxel *v, const WbSampler *o, double t, double x) {
  const RefPath p = v->ref->path(t);
  const double d = ref_denoiser(v, t, x);
  const double along = ref_derivative(v->ref, 0, t) * v->x0 + ref_derivative(v->ref, 1, t) * d;
  if (!(p.w > 0)) return along; /* t = 0 from a point: x = x0 */
  const double g2 = t > 0 || o->noise != WB_NOISE_FOELLMER
                        ? ref_diffusivity(v->ref, o->noise, o->noise_scale, t)
                        : o->noise_scale * o->noise_scale * ref_diffusivity(v->ref, o->noise, 1, 1e-6);
  return along + (ref_derivative(v->ref, 2, t) - g2) / (2 * p.w) * (x - p.alpha * v->x0 - p.beta * d);
}
#endif
