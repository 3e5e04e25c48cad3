/* The steps of SDEs as linear forms: Euler-Maruyama, stochastic Heun, exponential, and the last step. */
#include <math.h>
#include <string.h>

#include "bridge_internal.h"

/* Drift at time t times h into an operation that adds to what it has. */
static double add_drift(const WbStep *step, double t, double h, WbOp *op) {
  WbForm f;
  double g2;
  wb_process_drift(step->process, step->sampler->noise, step->sampler->noise_scale, t, &f, &g2);
  op->c[WB_FIELD_X] += h * f.x;
  op->c[WB_FIELD_D] += h * f.d;
  op->c[WB_FIELD_X0] += h * f.x0;
  return g2;
}

static WbStage one_stage(const WbStep *step, double t, int n_ops) {
  WbStage stage;
  memset(&stage, 0, sizeof(stage));
  stage.t = t;
  stage.noise = step->number;
  stage.n_ops = n_ops;
  stage.op[0].out = WB_FIELD_X;
  return stage;
}

/* x' = alpha' x0 + beta' D + f R + sqrt(w' - f^2 w) z. */
static int step_with_memory(const WbStep *step, double f, bool noisy, WbStage *stage) {
  *stage = one_stage(step, step->t, 1);
  WbOp *op = &stage->op[0];
  op->c[WB_FIELD_X] = f;
  op->c[WB_FIELD_D] = step->next.beta - f * step->at.beta;
  op->c[WB_FIELD_X0] = step->next.alpha - f * step->at.alpha;
  op->z = noisy ? sqrt(fmax(step->next.w - f * f * step->at.w, 0.0)) : 0.0;
  return 1;
}

/* x' = x + h b^g + g sqrt(h) z. At t = 0 from a point: b and sigma(0) whatever g (w'(0) = sigma(0)^2), because the law
 * after a short time is that of the path for every g; where w'(0) = 0 or g is infinite, a draw from the path. */
int wb_step_euler(const WbStep *step, WbStage *stage) {
  const double h = step->s - step->t;
  if (step->sampler->noise == WB_NOISE_NONE) return wb_step_exponential(step, stage);
  *stage = one_stage(step, step->t, 1);
  WbOp *op = &stage->op[0];
  op->c[WB_FIELD_X] = 1.0;
  double g2 = add_drift(step, step->t, h, op);
  if (!(step->at.w > 0.0)) g2 = step->at.d_w;
  if (!isfinite(g2) || (g2 <= 0.0 && !(step->at.w > 0.0))) return step_with_memory(step, 0.0, true, stage);
  op->z = sqrt(fmax(h * g2, 0.0));
  return 1;
}

/* Does k of b^g go like 1/t at the start? */
static bool singular_start(const WbStep *step) {
  const double t = 1e-7;
  WbForm f;
  if (step->t > 0.0) return false;
  wb_process_drift(step->process, step->sampler->noise, step->sampler->noise_scale, t, &f, NULL);
  return !(fabs(t * f.x) < 1e-3);
}

/* The same increment in both stages, its variance the mean of both ends: x~ = x + h b + dW, x' = x + h/2 (b + b~) + dW.
 * The sums b/2 + dW are kept, not b. */
int wb_step_heun(const WbStep *step, WbStage *stage) {
  const double h = step->s - step->t;
  const bool flow = step->sampler->noise == WB_NOISE_NONE;
  if (flow && !step->sampler->two_sided && !step->last) return wb_step_flow_heun(step, stage);
  if (step->last || singular_start(step)) return wb_step_euler(step, stage);
  stage[0] = one_stage(step, step->t, 2);
  stage[1] = one_stage(step, step->s, 1);
  WbOp *keep = &stage[0].op[0], *predict = &stage[0].op[1], *correct = &stage[1].op[0];
  keep->out = WB_FIELD_ACC;
  keep->c[WB_FIELD_X] = 1.0;
  predict->out = WB_FIELD_X;
  predict->c[WB_FIELD_ACC] = correct->c[WB_FIELD_ACC] = 1.0;
  const double g2 = add_drift(step, step->t, 0.5 * h, keep);
  add_drift(step, step->t, 0.5 * h, predict);
  keep->z = sqrt(fmax(0.5 * h * (g2 + add_drift(step, step->s, 0.5 * h, correct)), 0.0));
  return 2;
}

/* Factor of R = x - alpha x0 - beta D over the step for constant D: exp of the integral of k,
 * sqrt(w'/w) exp(-scale^2 integral of g^2 / (2 w)). 0: the path's law given x0 and D, without memory of x. */
static double memory(const WbStep *step) {
  const WbSampler *o = step->sampler;
  if (!(step->at.w > 0.0) || !(step->next.w > 0.0)) return 0.0;
  const double root = sqrt(step->next.w / step->at.w), square = o->noise_scale * o->noise_scale;
  if (o->noise == WB_NOISE_FOELLMER) { /* g^2 / (2 w) = d/dt ln(beta / gamma) */
    return root * pow(wb_path_signal(&step->at) / wb_path_signal(&step->next), square);
  }
  if (o->noise == WB_NOISE_BASE)
    return root * exp(-square * step->process->class->growth(step->process, step->t, step->s));
  return root;
}

/* The law of the SDE for constant D, whose variance about alpha x0 + beta D stays w. From a point f = 0: the draw
 * alpha' x0 + beta' D(0) + gamma' z. */
int wb_step_exponential(const WbStep *step, WbStage *stage) {
  if (step->last && step->sampler->last == WB_LAST_SCORE) return wb_step_score(step, stage);
  if (step->last && step->sampler->last == WB_LAST_EULER) {
    return step->sampler->noise == WB_NOISE_NONE ? wb_step_score(step, stage) : wb_step_euler(step, stage);
  }
  const bool noisy = step->sampler->noise != WB_NOISE_NONE || !(step->at.w > 0.0);
  return step_with_memory(step, memory(step), noisy, stage);
}

static double rate(const struct WbProcess_s *process, double t) {
  WbPathAt at;
  wb_process_at(process, t, &at);
  return at.g2 / (at.beta * at.beta);
}

/* To t = 1 with the score of v = (x - alpha x0) / beta = x1 + noise of variance u = w / beta^2 held constant: D = v + u
 * s and the SDE adds (u + G) s / 2 + sqrt(G) z, G the integral of g^2 / beta^2, so x' = D + (1 - G/u)/2 (v - D) +
 * sqrt(G) z. Foellmer: G = u, a draw around D with the posterior's variance; flow: the middle between D and v. */
int wb_step_score(const WbStep *step, WbStage *stage) {
  const WbSampler *o = step->sampler;
  *stage = one_stage(step, step->t, 1);
  WbOp *op = &stage->op[0];
  op->c[WB_FIELD_D] = 1.0;
  if (!(step->at.beta > 0.0) || !(step->at.w > 0.0)) return 1; /* nothing is known yet: the mean */
  const double u = step->at.w / (step->at.beta * step->at.beta), square = o->noise_scale * o->noise_scale;
  double g = 0.0;
  if (o->noise == WB_NOISE_FOELLMER) g = square * u;
  if (o->noise == WB_NOISE_BASE) g = square * wb_quadrature(rate, step->process, step->t, step->s);
  const double q = 0.5 * (1.0 - g / u);
  op->c[WB_FIELD_X] = q / step->at.beta;
  op->c[WB_FIELD_X0] = -q * step->at.alpha / step->at.beta;
  op->c[WB_FIELD_D] = 1.0 - q;
  op->z = sqrt(g);
  return 1;
}
