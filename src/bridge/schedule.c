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

void wb_bridge_drift_form(WbScheduleKind kind, WbNoiseChoice noise, double t, double h, WbDriftForm *form) {
  WbScheduleAt at;
  wb_schedule_at(kind, t, &at);
  form->b = 1.0;
  form->x = form->x0 = 0.0;
  form->g = at.sigma;
  if (noise == WB_NOISE_FOELLMER && (t > 0.0 || kind == WB_SCHEDULE_LINEAR)) {
    foellmer_form(kind, t, form);
  } else if (noise == WB_NOISE_NONE && t > 0.0) {
    flow_form(kind, t, form);
  } else if (noise == WB_NOISE_NONE) {
    /* The flow from a point is singular at t = 0: land on the marginal at t = h instead, sigma(h) sqrt(h) z. */
    wb_schedule_at(kind, h, &at);
    form->g = at.sigma;
  }
}
