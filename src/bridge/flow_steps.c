/* The probability flow. In u = (x - alpha x0) / gamma and the time theta = beta / gamma it is
 *     du / dtheta = D(x, t),
 * regular also at the start from a point, where theta = 0 and u is standard normal while the drift of x goes like
 * 1/(2t): Heun and Runge-Kutta in x with steps in t would keep an error however small the first steps are. */
#include <math.h>
#include <string.h>

#include "bridge_internal.h"

static void begin(const WbStep *step, double t, int n_ops, WbStage *stage) {
  memset(stage, 0, sizeof(*stage));
  stage->t = t;
  stage->noise = step->number;
  stage->n_ops = n_ops;
}

/* acc = gamma' u + alpha' x0 + gamma' dtheta/2 D, x~ = acc + gamma' dtheta/2 D, x' = acc + gamma' dtheta/2 D~. */
int wb_step_flow_heun(const WbStep *step, WbStage *stage) {
  const bool draw = !(step->at.w > 0.0);
  const double f = draw ? 0.0 : sqrt(step->next.w / step->at.w), half = 0.5 * (step->next.beta - f * step->at.beta);
  begin(step, step->t, 2, &stage[0]);
  begin(step, step->s, 1, &stage[1]);
  WbOp *keep = &stage[0].op[0], *predict = &stage[0].op[1], *correct = &stage[1].op[0];
  keep->out = WB_FIELD_ACC;
  keep->c[WB_FIELD_X] = f;
  keep->c[WB_FIELD_X0] = step->next.alpha - f * step->at.alpha;
  keep->c[WB_FIELD_D] = half;
  keep->z = draw ? sqrt(step->next.w) : 0.0;
  predict->out = correct->out = WB_FIELD_X;
  predict->c[WB_FIELD_ACC] = correct->c[WB_FIELD_ACC] = 1.0;
  predict->c[WB_FIELD_D] = correct->c[WB_FIELD_D] = half;
  return 2;
}

/* Time between t and s at which theta has its mean value: bisection (theta is continuous). */
static double middle_time(const WbStep *step, double theta) {
  const bool rising = wb_path_signal(&step->next) >= wb_path_signal(&step->at);
  double lo = step->t, hi = step->s;
  for (int k = 0; k < 60; k++) {
    WbPathAt at;
    const double mid = 0.5 * (lo + hi);
    wb_process_at(step->process, mid, &at);
    if ((wb_path_signal(&at) < theta) == rising) {
      lo = mid;
    } else {
      hi = mid;
    }
  }
  return 0.5 * (lo + hi);
}

/* x = alpha x0 + gamma (u + c D) */
static void put_state(const WbPathAt *at, int field, double c, WbOp *op) {
  const double gamma = sqrt(at->w);
  op->out = WB_FIELD_X;
  op->c[WB_FIELD_X0] = at->alpha;
  op->c[field] = gamma;
  op->c[WB_FIELD_D] = gamma * c;
}

static void add_slope(int from, double c, WbOp *op) {
  op->out = WB_FIELD_ACC;
  op->c[from] = 1.0;
  op->c[WB_FIELD_D] = c;
}

/* The classical Runge-Kutta scheme in (u, theta): base = u, acc = u + dtheta/6 (D1 + 2 D2 + 2 D3). */
int wb_step_flow_rk4(const WbStep *step, WbStage *stage) {
  if (step->last) return wb_step_exponential(step, stage);
  const double theta = wb_path_signal(&step->at), length = wb_path_signal(&step->next) - theta;
  const double t_middle = middle_time(step, theta + 0.5 * length), gamma = sqrt(step->at.w);
  WbPathAt middle;
  wb_process_at(step->process, t_middle, &middle);
  const double time[4] = {step->t, t_middle, t_middle, step->s};
  for (int k = 0; k < 4; k++) begin(step, time[k], k == 0 ? 3 : (k == 3 ? 1 : 2), &stage[k]);
  WbOp *base = &stage[0].op[0];
  base->out = WB_FIELD_BASE;
  if (gamma > 0.0) {
    base->c[WB_FIELD_X] = 1.0 / gamma;
    base->c[WB_FIELD_X0] = -step->at.alpha / gamma;
  } else {
    base->z = 1.0;
  }
  add_slope(WB_FIELD_BASE, length / 6.0, &stage[0].op[1]);
  put_state(&middle, WB_FIELD_BASE, 0.5 * length, &stage[0].op[2]);
  add_slope(WB_FIELD_ACC, length / 3.0, &stage[1].op[0]);
  put_state(&middle, WB_FIELD_BASE, 0.5 * length, &stage[1].op[1]);
  add_slope(WB_FIELD_ACC, length / 3.0, &stage[2].op[0]);
  put_state(&step->next, WB_FIELD_BASE, length, &stage[2].op[1]);
  put_state(&step->next, WB_FIELD_ACC, length / 6.0, &stage[3].op[0]);
  return 4;
}
