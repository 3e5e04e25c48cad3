/* The masked bridge: I_t = alpha x0 + beta x1 + sigma M W_t, so w = t sigma^2 (math.md section 1; quadratic: Chen et
 * al. 2024), with its schedules. Its own diffusivity is sigma. */
#include <math.h>
#include <string.h>

#include "bridge_internal.h"

static const char *const names[WB_N_SCHEDULES] = {"linear", "quadratic", "brownian", "table"};

const char *wb_schedule_name(WbScheduleKind kind) {
  return names[kind];
}

PetscErrorCode wb_schedule_parse(const char *name, WbScheduleKind *kind) {
  PetscFunctionBeginUser;
  for (int k = 0; k < WB_N_SCHEDULES; k++) {
    if (name && strcmp(name, names[k]) == 0) {
      *kind = (WbScheduleKind)k;
      PetscFunctionReturn(0);
    }
  }
  WB_RAISE_ALL(WB_ERR_CONFIG, "schedule is '%s': allowed are linear, quadratic, brownian, table", name ? name : "");
}

static void table_at(const WbCurve *curve, double t, WbPathAt *at) {
  double sigma, d_sigma;
  wb_curve_at(&curve[0], t, &at->alpha, &at->d_alpha);
  wb_curve_at(&curve[1], t, &at->beta, &at->d_beta);
  wb_curve_at(&curve[2], t, &sigma, &d_sigma);
  at->g2 = sigma * sigma;
  at->w = t * at->g2;
  at->d_w = at->g2 + 2.0 * t * sigma * d_sigma;
}

static void bridge_at(const struct WbProcess_s *process, double t, WbPathAt *at) {
  const WbScheduleKind kind = process->options.schedule;
  const double rest = 1.0 - t;
  if (kind == WB_SCHEDULE_TABLE) {
    table_at(process->curve, t, at);
    return;
  }
  at->alpha = rest;
  at->d_alpha = -1.0;
  at->beta = kind == WB_SCHEDULE_QUADRATIC ? t * t : t;
  at->d_beta = kind == WB_SCHEDULE_QUADRATIC ? 2.0 * t : 1.0;
  if (kind == WB_SCHEDULE_BROWNIAN) {
    at->w = t * rest;
    at->d_w = rest - t;
    at->g2 = rest;
  } else {
    at->w = t * rest * rest;
    at->d_w = rest * (1.0 - 3.0 * t);
    at->g2 = rest * rest;
  }
}

/* sigma^2 / (2 t sigma^2) whatever the schedule. */
static double bridge_growth(const struct WbProcess_s *process, double t, double s) {
  (void)process;
  return 0.5 * log(s / t);
}

static PetscErrorCode bridge_setup(const WbProcessOptions *o, WbProcess process) {
  PetscFunctionBeginUser;
  if (o->schedule < 0 || o->schedule >= WB_N_SCHEDULES) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "bridge: there is no schedule %d", (int)o->schedule);
  }
  if (o->schedule != WB_SCHEDULE_TABLE) PetscFunctionReturn(0);
  PetscCall(wb_curve_create("alpha", o->table.n, o->table.t, o->table.alpha, &process->curve[0]));
  PetscCall(wb_curve_create("beta", o->table.n, o->table.t, o->table.beta, &process->curve[1]));
  PetscCall(wb_curve_create("sigma", o->table.n, o->table.t, o->table.noise, &process->curve[2]));
  PetscFunctionReturn(0);
}

const WbProcessClass wb_class_bridge = {
    .name = "bridge", .at = bridge_at, .growth = bridge_growth, .setup = bridge_setup};
