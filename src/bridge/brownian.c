/* Brownian bridges between pairs. I2SB (Liu et al. 2023): noise rate r(t), S = integral of r from 0 to t (S(1) = 1),
 *   X_t ~ N( (1 - S) x0 + S x1, epsilon^2 S (1 - S) ),
 * the law of the reference dX = epsilon sqrt(r) dW pinned at both ends: sigma^2 = epsilon^2 S and sigma-bar^2 =
 * epsilon^2 (1 - S) in the paper's letters, its time running the other way. [SF]2M (Tong et al. 2024): r = 1, and the
 * pairs come from optimal transport between mini-batches. The own diffusivity sqrt(r) is Foellmer's. */
#include "bridge_internal.h"

#include <math.h>

static void clock_at(double s, double d_s, WbPathAt *at) {
  at->alpha = 1.0 - s;
  at->beta = s;
  at->d_alpha = -d_s;
  at->d_beta = d_s;
  at->w = s * (1.0 - s);
  at->d_w = (1.0 - 2.0 * s) * d_s;
  at->g2 = d_s;
}

/* sqrt(r) = c (1 + a (1 - |2t - 1|)), so that r(1/2) / r(0) = (1 + a)^2. */
static void i2sb_at(const struct WbProcess_s *process, double t, WbPathAt *at) {
  const double a = sqrt(process->options.rate_ratio) - 1.0;
  const double c2 = 1.0 / (1.0 + a + a * a / 3.0); /* S(1) = 1 */
  const double v = 2.0 * (t < 0.5 ? t : 1.0 - t), root = 1.0 + a * v;
  const double half = 0.5 * c2 * v * (1.0 + a * v + a * a * v * v / 3.0); /* integral of r over (0, v/2) */
  clock_at(t < 0.5 ? half : 1.0 - half, c2 * root * root, at);
}

static void sf2m_at(const struct WbProcess_s *process, double t, WbPathAt *at) {
  (void)process;
  clock_at(t, 1.0, at);
}

/* S' / (2 S (1 - S)) = d/dt of 1/2 ln( S / (1 - S) ). */
static double growth(const struct WbProcess_s *process, double t, double s) {
  WbPathAt at, next;
  process->class->at(process, t, &at);
  process->class->at(process, s, &next);
  return 0.5 * log(next.beta * at.alpha / (next.alpha * at.beta));
}

static PetscErrorCode i2sb_setup(const WbProcessOptions *o, WbProcess process) {
  (void)process;
  PetscFunctionBeginUser;
  if (!(o->rate_ratio > 0.0 && o->rate_ratio < 1e6)) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "i2sb: the ratio of noise rates is %g; allowed: above 0, below 1e6", o->rate_ratio);
  }
  PetscFunctionReturn(0);
}

const WbProcessClass wb_class_i2sb = {.name = "i2sb", .at = i2sb_at, .growth = growth, .setup = i2sb_setup};
const WbProcessClass wb_class_sf2m = {.name = "sf2m", .at = sf2m_at, .growth = growth};
