/* windbridge bridge: schedules, interpolants and samplers of masked stochastic processes from a low-resolution field x0
 * to a high-resolution field x1 (doc/theory; design: Yasuda 2025/2026, Chen et al. 2024). The drift is a callback: this
 * module knows neither networks nor LES.
 * Fields are float (n, WB_CHANNELS), voxel-major, in normalised units; mask (n) 1 = fluid. */
#ifndef WINDBRIDGE_BRIDGE_H
#define WINDBRIDGE_BRIDGE_H
#include "windbridge/core.h"

#define WB_CHANNELS 4 /* theta', u, v, w in this order, everywhere channels are used */

typedef enum { WB_SCHEDULE_LINEAR, WB_SCHEDULE_QUADRATIC } WbScheduleKind;
typedef struct {
  double alpha, beta, sigma, d_alpha, d_beta, d_sigma; /* sigma for epsilon = 1; multiply by epsilon_c */
} WbScheduleAt;
/* Values at t in [0, 1]. Not collective, cannot fail. math.md section 1. */
void wb_schedule_at(WbScheduleKind kind, double t, WbScheduleAt *at);
/* name in: "linear" | "quadratic"; kind out. Same on all ranks. WB_ERR_CONFIG names what is allowed. */
PetscErrorCode wb_schedule_parse(const char *name, WbScheduleKind *kind);
const char *wb_schedule_name(WbScheduleKind kind); /* static text */
/* Foellmer diffusion g^F for epsilon = 1 (math.md section 1). */
double wb_schedule_g_foellmer(WbScheduleKind kind, double t);

typedef enum { WB_NOISE_BASE, WB_NOISE_FOELLMER, WB_NOISE_NONE } WbNoiseChoice; /* g = sigma, g^F, 0 */

/* A linear form in the drift b, the state x and x0, and a noise amplitude for epsilon = 1. */
typedef struct {
  double b, x, x0, g;
} WbDriftForm;
/* b^g = form.b * b + form.x * x + form.x0 * x0 and g at t in [0, 1). At t = 0 Foellmer with `quadratic` is 0/0 and the
 * flow (WB_NOISE_NONE) singular: both give b and sigma there. Not collective, cannot fail. math.md section 1. */
void wb_bridge_drift_form(WbScheduleKind kind, WbNoiseChoice noise, double t, WbDriftForm *form);
/* Step number `step` of `steps`: x' = form.x * x + form.b * b + form.x0 * x0 + form.g * epsilon_c * z. Euler-Maruyama
 * for g = sigma and g^F. The flow starts by a draw from the marginal of t = h (sigma(h) sqrt(h) z; `quadratic` leaves
 * out h^2 D(0), which b does not know), goes on by the step that is exact for constant D (Euler's would multiply the
 * variance by 4/pi however small h), and ends by Euler, whose last step does not collapse to D. Not collective, cannot
 * fail. */
void wb_bridge_step_form(WbScheduleKind kind, WbNoiseChoice noise, int step, int steps, WbDriftForm *form);

/* b (n, 4) out: drift b(x, t, condition) = E[dI/dt | I_t = x], velocity form; the sampler multiplies by the mask, so
 * what b holds in buildings (NaN too) does not matter. x (n, 4) in. */
typedef PetscErrorCode (*WbDriftFn)(void *ctx, double t, const float *x, float *b);

typedef struct {
  WbScheduleKind schedule;
  WbNoiseChoice noise;
  int steps; /* N steps = N drift evaluations at t = 0, h, ..., 1 - h */
  float epsilon[WB_CHANNELS];
  uint32_t seed, stream, member, minute;
} WbBridgeOptions;

/* Not collective (the drift may be). x0 (n, 4) in, finite in air; mask (n) in or NULL = all air; voxel (n) in: global
 * voxel numbers (noise key); x (n, 4) out: sample at t = 1; work (n, 4) scratch. Building voxels are +0 exactly after
 * every step, whatever x0, drift and noise hold there. Errors: the drift's; WB_ERR_CONFIG for steps out of range.
 * math.md section 1; Chen et al. 2024. */
PetscErrorCode wb_bridge_sample(const WbBridgeOptions *options, size_t n, const float *x0, const uint8_t *mask,
                                const uint64_t *voxel, WbDriftFn drift, void *ctx, float *x, float *work);

/* z (n, 4) out: standard normal, the numbers of wb_random_normal4(key, voxel[p]) to the last bit or two, vectorised;
 * the same bits for a voxel wherever it stands in the list. voxel (n) in. Not collective, cannot fail. */
void wb_bridge_noise(const WbRandomKey *key, size_t n, const uint64_t *voxel, float *z);

/* Training pair of one (t, z): xt (n, 4) = alpha x0 + beta x1 + sigma sqrt(t) z, target (n, 4) = d_alpha x0 + d_beta x1
 * + d_sigma sqrt(t) z; both 0 in buildings. Noise from (key, voxel). mask NULL = all air. Not collective, cannot fail.
 */
void wb_bridge_interpolant(WbScheduleKind schedule, const float epsilon[WB_CHANNELS], double t, size_t n,
                           const float *x0, const float *x1, const uint8_t *mask, const uint64_t *voxel,
                           const WbRandomKey *key, float *xt, float *target);

/* What networks see: the same process in the residual r = x - (alpha + beta) x0 = beta (x1 - x0) + sigma M W. It starts
 * at 0, and with x1 - x0 of unit variance input and output are of order one whatever the mean of x0. Training and
 * forecast use these functions. state: r (n, 4) out, 0 in buildings; x (n, 4) in (r == x allowed). */
void wb_bridge_residual_state(WbScheduleKind schedule, double t, size_t n, const float *x0, const uint8_t *mask,
                              const float *x, float *r);
/* The fields that the network's output refers to, all (n, 4) in normalised units, mask (n). */
typedef struct {
  const float *x0, *x1, *mean, *r; /* x1: for wb_bridge_target only; mean: estimate of E[x1 - x0 | condition] */
  const uint8_t *mask;
} WbResidual;
/* src/bridge/precondition.c: what an output F of the network means, t in [0, 1), s: deviation of x1 - x0 - mean.
 * target (n, 4) out: the F that would be perfect; out (n, 4) in: F, out: the drift b. Both 0 in buildings. Not
 * collective, cannot fail. */
void wb_bridge_target(WbScheduleKind schedule, const float epsilon[WB_CHANNELS], const float s[WB_CHANNELS], double t,
                      size_t n, const WbResidual *fields, float *target);
void wb_bridge_drift(WbScheduleKind schedule, const float epsilon[WB_CHANNELS], const float s[WB_CHANNELS], double t,
                     size_t n, const WbResidual *fields, float *out);
#endif
