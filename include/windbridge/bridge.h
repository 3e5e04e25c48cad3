/* windbridge bridge: generative processes from a low-resolution field x0 to a high-resolution field x1, masked by the
 * buildings (doc/theory.rst). Every process is a Gaussian conditional path
 *     X_t = alpha(t) x0 + beta(t) x1 + gamma(t) M z,   t from 0 to 1,   gamma_c = epsilon_c sqrt(w(t))
 * with a free diffusivity g(t). What is learned is one thing, the denoiser D(x, t) = E[x1 | X_t = x, condition], a
 * callback: this module knows neither networks nor LES. Velocity, score, noise and every step are linear in (x, D, x0),
 * and their coefficients are worked out once per step (WbPlan), outside of the loop over voxels.
 * Fields are float (n, WB_CHANNELS), voxel-major, in normalised units; mask (n) 1 = fluid, NULL = all fluid. */
#ifndef WINDBRIDGE_BRIDGE_H
#define WINDBRIDGE_BRIDGE_H
#include "windbridge/core.h"

#define WB_CHANNELS 4 /* theta', u, v, w in this order, everywhere channels are used */

/* ---- processes ---- */
typedef enum {
  WB_PROCESS_BRIDGE,        /* masked Schroedinger bridge (Foellmer) and base SDE; from the point x0 */
  WB_PROCESS_INTERPOLANT,   /* stochastic interpolant: alpha, beta, gamma and epsilon_t given; from x0 */
  WB_PROCESS_I2SB,          /* Brownian bridge with a symmetric noise rate (Liu et al. 2023); from x0 */
  WB_PROCESS_DIFFUSION_VP,  /* Ornstein-Uhlenbeck, variance preserving (Song et al. 2021); from noise */
  WB_PROCESS_DIFFUSION_EDM, /* variance exploding as in Karras et al. 2022; from noise */
  WB_PROCESS_FLOW,          /* conditional flow matching, straight lines (Lipman et al. 2023); from noise */
  WB_PROCESS_SF2M,          /* [SF]2M: Brownian bridges between paired samples (Tong et al. 2024); from x0 */
  WB_N_PROCESSES
} WbProcessKind;
typedef enum {
  WB_SCHEDULE_LINEAR,
  WB_SCHEDULE_QUADRATIC,
  WB_SCHEDULE_BROWNIAN,
  WB_SCHEDULE_TABLE,
  WB_N_SCHEDULES
} WbScheduleKind;
/* name in; kind out. Same on all ranks. WB_ERR_CONFIG names what is allowed. The names are static text. */
PetscErrorCode wb_process_parse(const char *name, WbProcessKind *kind);
const char *wb_process_name(WbProcessKind kind);
PetscErrorCode wb_schedule_parse(const char *name, WbScheduleKind *kind);
const char *wb_schedule_name(WbScheduleKind kind);

/* The path at t for epsilon = 1. w = gamma^2 and its derivative stay finite where gamma' does not. */
typedef struct {
  double alpha, beta, w, d_alpha, d_beta, d_w;
  double g2; /* square of the process's own diffusivity (WB_NOISE_BASE): sigma^2, 2 epsilon_t, the noise rate */
} WbPathAt;
/* A path of the caller's: fills *at for t in [0, 1]; alpha(0) = beta(1) = 1, alpha(1) = beta(0) = w(0) = w(1) = 0. */
typedef void (*WbPathFn)(void *ctx, double t, WbPathAt *at);
/* The same by values at n >= 2 rising times from 0 to 1, joined by monotone cubics (Fritsch & Carlson 1980). */
typedef struct {
  int n;
  const double *t, *alpha, *beta;
  const double *noise;       /* schedule `table` of the bridge: sigma (gamma = sigma sqrt(t)); interpolant: gamma */
  const double *diffusivity; /* interpolant: epsilon_t (g^2 = 2 epsilon_t), NULL: g^2 = w / (t (1 - t)) */
} WbPathTable;

typedef struct {
  WbProcessKind kind;
  float epsilon[WB_CHANNELS]; /* noise amplitude per channel, > 0 */
  WbScheduleKind schedule;    /* bridge */
  WbPathTable table;          /* bridge with WB_SCHEDULE_TABLE; interpolant without path. Copied. */
  WbPathFn path;              /* interpolant; NULL and table.n = 0: alpha = cos(pi t/2), beta = sin(pi t/2), */
  void *path_ctx;             /*   w = t (1 - t), g^2 = 1 - t. Borrowed as long as the process lives. */
  double rate_ratio;          /* I2SB: noise rate in the middle over that at the ends (3) */
  double rate_min, rate_max;  /* VP: rate at the data and at the noise end (0.1, 20); equal: Ornstein-Uhlenbeck */
  double sigma_max;           /* EDM: gamma(0) / epsilon (80) */
} WbProcessOptions;
/* The values in brackets, schedule `linear`, epsilon 1. Not collective, cannot fail. */
void wb_process_options_default(WbProcessKind kind, WbProcessOptions *options);

typedef struct WbProcess_s *WbProcess;
/* Not collective; the same on all ranks. Caller destroys. Errors: WB_ERR_CONFIG (a table that does not rise in t or
 * does not have the end values, epsilon or rates out of range). */
PetscErrorCode wb_process_create(const WbProcessOptions *options, WbProcess *process);
void wb_process_destroy(WbProcess *process);
/* Not collective, cannot fail; t in [0, 1]. */
void wb_process_at(const struct WbProcess_s *process, double t, WbPathAt *at);
WbProcessKind wb_process_kind(const struct WbProcess_s *process);
const float *wb_process_epsilon(const struct WbProcess_s *process); /* (4), owned by the process */
bool wb_process_from_noise(const struct WbProcess_s *process);      /* starts from gamma(0) z, not from x0 */
/* Nearer to t = 1 the target is a quotient of rounding errors; samplers stop at 1 - 1/N. */
#define WB_TRAIN_T_MAX 0.999
/* Time of a training pair for u uniform in (0, 1): u^power, at most WB_TRAIN_T_MAX; EDM: ln(gamma / epsilon) ~ N(-1.2 +
 * ln 2, 1.2^2) whatever the power (Karras et al. 2022 for data of unit deviation). The network's minimiser does not
 * depend on it, its errors do. */
double wb_process_train_time(const struct WbProcess_s *process, double u, double power);

/* ---- diffusivity and linear forms ---- */
typedef enum { WB_NOISE_BASE, WB_NOISE_FOELLMER, WB_NOISE_NONE, WB_N_NOISES } WbNoiseChoice; /* g = own, g^F, 0 */
/* value = x * X + d * D + x0 * x0: a form in the state, the denoiser and the source. Any epsilon. */
typedef struct {
  double x, d, x0;
} WbForm;
/* Drift b^g = alpha' x0 + beta' D + k (X - alpha x0 - beta D), k = (w' - g^2) / (2 w), of the SDE dX = b^g dt + g dW
 * that has the path's marginals, for g = scale * choice, t in [0, 1); g2 out: its g^2 for epsilon = 1 (NULL: not
 * wanted). WB_NOISE_NONE: the velocity of the probability flow. At t = 0 from a point X = x0, so k is left out, and
 * Foellmer's g^2 is w'(0) there (math.md: b with sigma). Not collective, cannot fail. */
void wb_process_drift(const struct WbProcess_s *process, WbNoiseChoice noise, double scale, double t, WbForm *form,
                      double *g2);
/* E[z | X_t] as a form for epsilon = 1 (divide by epsilon_c), 0 < t < 1; the score is -E[z | X_t] / gamma. */
void wb_process_noise_form(const struct WbProcess_s *process, double t, WbForm *form);
/* Foellmer's g^2 = w d/dt ln(beta^2 / w) must not be negative. WB_ERR_CONFIG names the first t where it is. */
PetscErrorCode wb_process_check_foellmer(const struct WbProcess_s *process);

/* ---- time grids ---- */
typedef struct {
  double start_power, end_power; /* 1, 1: uniform; 2 at an end: steps there shrink linearly to 0 */
  double end_floor;              /* 0, or 1 - t of the last but one time (EDM: sigma_min / sigma_max) */
} WbTimeGrid;
/* t (steps + 1) out: t_k = 1 - (1 - u^p (1 - floor^(1/q)))^q with p, q the powers and u = k/N (floor 0) or k/(N - 1)
 * (floor > 0, then t_N = 1). Errors: WB_ERR_CONFIG for steps < 1, powers <= 0, floor outside of [0, 1). */
PetscErrorCode wb_time_grid(const WbTimeGrid *grid, int steps, double *t);
/* Uniform; bridge: steps that shrink towards t = 1 (power 2); EDM: its own (rho 7, sigma_min 0.002). Not collective,
 * cannot fail. */
void wb_time_grid_default(WbProcessKind kind, WbTimeGrid *grid);

/* ---- samplers ---- */
typedef enum {
  WB_STEPPER_EULER,       /* Euler-Maruyama: N evaluations for N steps. With g = 0: as EXPONENTIAL */
  WB_STEPPER_HEUN,        /* stochastic Heun, 2N - 1 (2N - 2 where the SDE is singular at t = 0); flow: Heun, 2N - 1 */
  WB_STEPPER_EXPONENTIAL, /* exact when D is constant over the step: N (DDPM ancestral, DDIM, I2SB posterior) */
  WB_STEPPER_RK4,         /* probability flow only: 4N - 3 */
  WB_STEPPER_MEAN,        /* x = D at t = 0, the mean of x1 given the condition: 1 evaluation, no randomness */
  WB_N_STEPPERS
} WbStepper;
/* The step that ends at t = 1, where forms in D are 0/0. EULER: Euler-Maruyama. SCORE: exact for a constant score, off
 * by O(w^2); the rule of the probability flow in place of EULER. DENOISE: returns D, as published for DDPM, DDIM, I2SB.
 */
typedef enum { WB_LAST_EULER, WB_LAST_SCORE, WB_LAST_DENOISE } WbLastStep;
typedef struct {
  WbStepper stepper;
  WbNoiseChoice noise;
  double noise_scale; /* g = noise_scale * choice (1) */
  WbLastStep last;    /* with EULER and HEUN and g > 0 the last step is Euler-Maruyama whatever stands here */
  bool two_sided;     /* x0 is a sample of the source, not part of the condition: the denoiser gives E[x0 | X_t] too */
} WbSampler;
/* name in: euler_maruyama, stochastic_heun, exponential (noise in: what they use), flow_euler, flow_heun, flow_rk4,
 * ddpm, ddim, i2sb_posterior, mean (which imply theirs). sampler out, noise_scale 1. WB_ERR_CONFIG names what is
 * allowed. Same on all ranks. */
PetscErrorCode wb_sampler_parse(const char *name, WbNoiseChoice noise, WbSampler *sampler);
const char *wb_sampler_names(void); /* "euler_maruyama|stochastic_heun|..." static text */

typedef struct WbPlan_s *WbPlan;
/* All coefficients of a run from t[0] = 0 to t[steps] = 1, rising (steps + 1). The process may be destroyed before the
 * plan. Not collective, the same on all ranks. Caller destroys. Errors: WB_ERR_CONFIG (times, steps outside of 1 to
 * 65534, RK4 with noise, Foellmer where the process has none, a known x0 where beta / gamma does not start from 0). */
PetscErrorCode wb_plan_create(const struct WbProcess_s *process, const WbSampler *sampler, int steps, const double *t,
                              WbPlan *plan);
void wb_plan_destroy(WbPlan *plan);
int wb_plan_evaluations(const struct WbPlan_s *plan); /* of the denoiser in one run */
int wb_plan_fields(const struct WbPlan_s *plan);      /* (n, 4) fields that wb_bridge_sample needs as work */

/* d (n, 4) out: D(x, t) = E[x1 | X_t = x, condition]; d0 (n, 4) out, only where two_sided (else NULL): E[x0 | X_t = x].
 * x (n, 4) in, 0 in buildings. What d and d0 hold in buildings (NaN too) does not matter. */
typedef PetscErrorCode (*WbDenoiseFn)(void *ctx, double t, const float *x, float *d, float *d0);

/* One sample. Not collective (the denoiser may be). key in: seed, stream, member, minute (step is the sampler's);
 * x0 (n, 4) in, finite in air; mask (n) in or NULL; voxel (n) in: global voxel numbers (of white noise); x (n, 4) out:
 * sample at t = 1; work (wb_plan_fields, n, 4) scratch. The same bits for a voxel on any number of ranks, if the
 * denoiser's are. Building voxels are +0 exactly after every step, whatever x0, D and noise hold there. Processes from
 * noise start at beta(0) x0 + gamma(0) z. Errors: the denoiser's. */
PetscErrorCode wb_bridge_sample(const struct WbPlan_s *plan, const WbRandomKey *key, size_t n, const float *x0,
                                const uint8_t *mask, const uint64_t *voxel, WbDenoiseFn denoise, void *ctx, float *x,
                                float *work);

/* z (n, 4) out: standard normal, the numbers of wb_random_normal4(key, voxel[p]) to the last bit or two, vectorised;
 * the same bits for a voxel wherever it stands in the list. voxel (n) in. Not collective, cannot fail. */
void wb_bridge_noise(const WbRandomKey *key, size_t n, const uint64_t *voxel, float *z);

/* ---- coloured noise ----
 * The same processes with a Wiener process that is correlated in space: z = Q^1/2 (white noise), unit variance in every
 * cell. Every form in x, D and x0 stays as it is (theory.rst); a learned D then sees departures of all sizes at one
 * signal-to-noise ratio where Q has the spectrum of x1 - E[x1], and few steps suffice for the large ones. */
enum { WB_NOISE_SCALES = 5 };
typedef struct {
  int start[3], size[3]; /* x, y, z: first cell (global index) and cells of this rank */
  int nx, ny;            /* of the whole grid; white noise has the numbers of wb_grid_voxel */
} WbNoiseBox;
typedef struct WbNoiseField_s *WbNoiseField;
/* variance (WB_NOISE_SCALES) in, sum 1: of independent quadratic B-splines on cells 1, 2, 4, 8, 16 times as wide; all
 * in the first: white. Not collective; caller destroys. Errors: WB_ERR_CONFIG. */
PetscErrorCode wb_noise_field_create(const WbNoiseBox *box, const float variance[WB_NOISE_SCALES], WbNoiseField *field);
void wb_noise_field_destroy(WbNoiseField *field);
double wb_noise_field_bytes(const WbNoiseBox *box); /* of one with all scales */
/* -> z (size z, y, x, 4), owned by field, valid until the next draw. The same for a cell in any box. Not collective,
 * cannot fail, allocates nothing. */
const float *wb_noise_field_draw(WbNoiseField field, const WbRandomKey *key);
/* From now on samples of plan take their noise from field (borrowed; NULL: white, by voxel numbers). */
void wb_plan_set_noise(WbPlan plan, WbNoiseField field);

/* ---- training ---- */
/* x (n, 4) out: X_t = alpha x0 + beta x1 + epsilon_c sqrt(w) z, 0 in buildings. Noise from (key, voxel), the same bits
 * on any number of ranks. Not collective, cannot fail. */
void wb_process_state(const struct WbProcess_s *process, double t, size_t n, const float *x0, const float *x1,
                      const uint8_t *mask, const uint64_t *voxel, const WbRandomKey *key, float *x);

/* The same with the noise z (n, 4) given. */
void wb_process_state_of(const struct WbProcess_s *process, double t, size_t n, const float *x0, const float *x1,
                         const uint8_t *mask, const float *z, float *x);

/* What networks see and give, the same in training and sampling. Residual variables y = x1 - x0 and
 * r = x - (alpha + beta) x0 = beta y + gamma z. With m (n, 4) an estimate of E[y | condition] (NULL: 0) and s_c the
 * deviation of y - m,
 *     D = x0 + m + K (r - beta m) + c_out F,   K = beta s^2 / (beta^2 s^2 + gamma^2),
 *     c_out^2 = s^2 gamma^2 / (beta^2 s^2 + gamma^2):
 * F = 0 is the exact posterior mean for y ~ N(m, s^2), and the target F* has unit variance at every t then. Input of
 * the network: c_in r, c_in = 1 for processes from the point x0, (beta^2 s^2 + gamma^2)^(-1/2) for those from noise.
 * For diffusion_edm these are the coefficients of Karras et al. (2022). */
typedef struct {
  double t;          /* what the network is told of the time: t, diffusion_edm: ln(gamma / epsilon) / 4 (its c_noise) */
  double mean, beta; /* mean = alpha + beta: r = x - mean x0 */
  double k[WB_CHANNELS], c_out[WB_CHANNELS], c_in[WB_CHANNELS];
} WbPrecond;
/* s (4) in, > 0. At t = 0 from a point K = 0 and c_out = s (nothing is known), at t = 1 c_out = 0 and D = x. Not
 * collective, cannot fail. */
void wb_precond_at(const struct WbProcess_s *process, const float s[WB_CHANNELS], double t, WbPrecond *at);
/* in (n, 4) out: c_in r, 0 in buildings; x (n, 4) in (in == x allowed). */
void wb_precond_input(const WbPrecond *at, size_t n, const uint8_t *mask, const float *x0, const float *x, float *in);
/* d (n, 4) out: D from x (n, 4), x0, m (n, 4) or NULL and the network's f (n, 4); 0 in buildings (d == f allowed). */
void wb_precond_denoiser(const WbPrecond *at, size_t n, const uint8_t *mask, const float *x0, const float *m,
                         const float *x, const float *f, float *d);
/* target (n, 4) out: F* = (y - m - K (r - beta m)) / c_out for the pair x0, x1 and the state x, t < 1; 0 in buildings.
 */
void wb_precond_target(const WbPrecond *at, size_t n, const uint8_t *mask, const float *x0, const float *x1,
                       const float *m, const float *x, float *target);
#endif
