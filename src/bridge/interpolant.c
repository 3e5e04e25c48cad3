/* The general stochastic interpolant I_t = alpha x0 + beta x1 + gamma(t) z with a free epsilon_t, g^2 = 2 epsilon_t
 * (Albergo, Boffi & Vanden-Eijnden 2023): by a function, a table, or trigonometric alpha and beta. */
#include "bridge_internal.h"

#include <math.h>

static void table_at(const struct WbProcess_s *process, double t, WbPathAt *at) {
  const WbCurve *c = process->curve;
  double gamma, d_gamma, rate, unused;
  wb_curve_at(&c[0], t, &at->alpha, &at->d_alpha);
  wb_curve_at(&c[1], t, &at->beta, &at->d_beta);
  wb_curve_at(&c[2], t, &gamma, &d_gamma);
  at->w = gamma * gamma;
  at->d_w = 2.0 * gamma * d_gamma;
  if (c[3].n > 0) {
    wb_curve_at(&c[3], t, &rate, &unused);
    at->g2 = 2.0 * rate;
  } else {
    at->g2 = t > 0.0 && t < 1.0 ? at->w / (t * (1.0 - t)) : 0.0;
  }
}

static void interpolant_at(const struct WbProcess_s *process, double t, WbPathAt *at) {
  if (process->options.path) {
    process->options.path(process->options.path_ctx, t, at);
  } else if (process->curve[0].n > 0) {
    table_at(process, t, at);
  } else {
    const double angle = 0.5 * M_PI * t, rest = 1.0 - t;
    at->alpha = t < 1.0 ? cos(angle) : 0.0;
    at->beta = sin(angle);
    at->d_alpha = -0.5 * M_PI * at->beta;
    at->d_beta = 0.5 * M_PI * at->alpha;
    at->w = t * rest;
    at->d_w = rest - t;
    at->g2 = rest;
  }
}

static double rate(const struct WbProcess_s *process, double t) {
  WbPathAt at;
  interpolant_at(process, t, &at);
  return 0.5 * at.g2 / at.w;
}

static double interpolant_growth(const struct WbProcess_s *process, double t, double s) {
  return wb_quadrature(rate, process, t, s);
}

static PetscErrorCode interpolant_setup(const WbProcessOptions *o, WbProcess process) {
  PetscFunctionBeginUser;
  if (o->path || o->table.n == 0) PetscFunctionReturn(0);
  PetscCall(wb_curve_create("alpha", o->table.n, o->table.t, o->table.alpha, &process->curve[0]));
  PetscCall(wb_curve_create("beta", o->table.n, o->table.t, o->table.beta, &process->curve[1]));
  PetscCall(wb_curve_create("gamma", o->table.n, o->table.t, o->table.noise, &process->curve[2]));
  if (o->table.diffusivity) {
    PetscCall(wb_curve_create("epsilon_t", o->table.n, o->table.t, o->table.diffusivity, &process->curve[3]));
  }
  PetscFunctionReturn(0);
}

const WbProcessClass wb_class_interpolant = {
    .name = "interpolant", .at = interpolant_at, .growth = interpolant_growth, .setup = interpolant_setup};
