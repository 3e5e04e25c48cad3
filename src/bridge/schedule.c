/* Schedules of the masked interpolant (math.md section 1; quadratic: Chen et al. 2024). */
#include "windbridge/bridge.h"

#include <math.h>
#include <string.h>

void wb_schedule_at(WbScheduleKind kind, double t, WbScheduleAt *at) {
  at->alpha = 1.0 - t;
  at->d_alpha = -1.0;
  at->sigma = 1.0 - t;
  at->d_sigma = -1.0;
  if (kind == WB_SCHEDULE_QUADRATIC) {
    at->beta = t * t;
    at->d_beta = 2.0 * t;
  } else {
    at->beta = t;
    at->d_beta = 1.0;
  }
}

const char *wb_schedule_name(WbScheduleKind kind) {
  return kind == WB_SCHEDULE_QUADRATIC ? "quadratic" : "linear";
}

PetscErrorCode wb_schedule_parse(const char *name, WbScheduleKind *kind) {
  PetscFunctionBeginUser;
  if (name && strcmp(name, "linear") == 0) {
    *kind = WB_SCHEDULE_LINEAR;
  } else if (name && strcmp(name, "quadratic") == 0) {
    *kind = WB_SCHEDULE_QUADRATIC;
  } else {
    WB_RAISE_ALL(WB_ERR_CONFIG, "schedule is '%s': allowed are linear, quadratic", name ? name : "");
  }
  PetscFunctionReturn(0);
}

double wb_schedule_g_foellmer(WbScheduleKind kind, double t) {
  /* (g^F)^2 = |2 t sigma (d_beta sigma / beta - d_sigma) - sigma^2|, cancelled by hand so that t = 0 and t = 1 are
   * exact: (1 - t)(1 + t) and (3 - t)(1 - t). */
  const double g2 = kind == WB_SCHEDULE_QUADRATIC ? (3.0 - t) * (1.0 - t) : (1.0 - t) * (1.0 + t);
  return g2 > 0.0 ? sqrt(g2) : 0.0;
}

/* b^F for t > 0; the linear one also at t = 0. */
static void foellmer_form(WbScheduleKind kind, double t, WbDriftForm *form) {
  if (kind == WB_SCHEDULE_QUADRATIC) {
    form->b = 1.0 + 1.0 / (2.0 - t);
    form->x = -2.0 / (t * (2.0 - t));
    form->x0 = 1.0 / t;
  } else {
    form->b = 1.0 + t;
    form->x = -1.0;
    form->x0 = 1.0;
  }
  form->g = wb_schedule_g_foellmer(kind, t);
}

/* Probability flow, t > 0: b - 1/2 sigma^2 s with s = A (beta b - c); sigma^2 A does not depend on epsilon. */
static void flow_form(WbScheduleKind kind, double t, WbDriftForm *form) {
  WbScheduleAt at;
  wb_schedule_at(kind, t, &at);
  const double half = 0.5 * at.sigma / (t * (at.d_beta * at.sigma - at.beta * at.d_sigma)); /* sigma^2 A / 2 */
  form->b = 1.0 - half * at.beta;
  form->x = half * at.d_beta;
  form->x0 = half * (at.beta * at.d_alpha - at.d_beta * at.alpha);
  form->g = 0.0;
}

void wb_bridge_drift_form(WbScheduleKind kind, WbNoiseChoice noise, double t, WbDriftForm *form) {
  WbScheduleAt at;
  wb_schedule_at(kind, t, &at);
  form->b = 1.0;
  form->x = form->x0 = 0.0;
  form->g = at.sigma;
  if (noise == WB_NOISE_FOELLMER && (t > 0.0 || kind == WB_SCHEDULE_LINEAR)) {
    foellmer_form(kind, t, form);
  } else if (noise == WB_NOISE_NONE && t > 0.0) {
    flow_form(kind, t, form);
  }
}

/* Flow from t > 0 to s = t + h < 1, exact when D = E[x1 | I_t] is constant over the step:
 * x' = alpha' x0 + beta' D + e (x - alpha x0 - beta D), e = sigma' sqrt(s) / (sigma sqrt(t)); D from b. */
static void flow_step(WbScheduleKind kind, double t, double h, WbDriftForm *step) {
  WbScheduleAt at, next;
  wb_schedule_at(kind, t, &at);
  wb_schedule_at(kind, t + h, &next);
  const double e = next.sigma * sqrt(t + h) / (at.sigma * sqrt(t)), d = next.beta - e * at.beta;
  /* linear: D = (1 - t) b + x; quadratic: D = [(1 - t) b + x] / (t (2 - t)) */
  const double scale = kind == WB_SCHEDULE_QUADRATIC ? 1.0 / (t * (2.0 - t)) : 1.0;
  step->b = d * scale * (1.0 - t);
  step->x = e + d * scale;
  step->x0 = next.alpha - e * at.alpha;
  step->g = 0.0;
}

void wb_bridge_step_form(WbScheduleKind kind, WbNoiseChoice noise, int step, int steps, WbDriftForm *form) {
  const double h = 1.0 / steps, t = (double)step / steps;
  if (noise == WB_NOISE_NONE && step > 0 && step < steps - 1) {
    flow_step(kind, t, h, form);
    return;
  }
  WbDriftForm drift;
  wb_bridge_drift_form(kind, noise, t, &drift);
  if (noise == WB_NOISE_NONE && step == 0) { /* onto the marginal of t = h */
    WbScheduleAt next;
    wb_schedule_at(kind, h, &next);
    drift.g = next.sigma;
  }
  form->b = h * drift.b;
  form->x = 1.0 + h * drift.x;
  form->x0 = h * drift.x0;
  form->g = sqrt(h) * drift.g;
}
