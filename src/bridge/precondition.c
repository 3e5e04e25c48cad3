/* What the network's output means. In the residuals y = x1 - x0 and r = x - (alpha + beta) x0 = beta y + sigma M W the
 * denoiser E[y | r, condition] is the posterior mean for y ~ N(m, s^2), with m the network's own estimate of the mean,
 * plus the network's output F in units of that posterior's deviation (the idea of Karras et al. 2022, section 5):
 *   D = m + K (r - beta m) + c F,  K = beta s^2 / (beta^2 s^2 + t sigma^2),  c^2 = s^2 t sigma^2 / (beta^2 s^2 + t
 * sigma^2), so that F has to be of order one at every t, and 0 already gives the best Gaussian answer. */
#include "windbridge/bridge.h"

#include <math.h>

/* At t = 0 K multiplies r - beta m = 0. */
static void posterior(WbScheduleKind schedule, double t, double epsilon, double s, double *k, double *c) {
  WbScheduleAt at;
  wb_schedule_at(schedule, t, &at);
  const double sigma = at.sigma * epsilon, per_t = t > 0.0 ? at.beta / t : at.d_beta; /* beta / t */
  const double den = at.beta * per_t * s * s + sigma * sigma;
  *k = per_t * s * s / den;
  *c = s * sigma / sqrt(den);
}

/* y - E[y] in units of the posterior deviation. */
void wb_bridge_target(WbScheduleKind schedule, const float epsilon[WB_CHANNELS], const float s[WB_CHANNELS], double t,
                      size_t n, const WbResidual *f, float *target) {
  WbScheduleAt at;
  wb_schedule_at(schedule, t, &at);
  for (int q = 0; q < WB_CHANNELS; q++) {
    double k, c;
    posterior(schedule, t, (double)epsilon[q], (double)s[q], &k, &c);
    const float kf = (float)k, km = (float)(1.0 - k * at.beta), inverse = (float)(1.0 / c);
    for (size_t p = 0; p < n; p++) {
      const size_t i = p * WB_CHANNELS + (size_t)q;
      const float value = ((f->x1[i] - f->x0[i]) - km * f->mean[i] - kf * f->r[i]) * inverse;
      target[i] = f->mask[p] ? value : 0.0f;
    }
  }
}

/* b = d_alpha x0 + d_beta x1 + (d_sigma / sigma) (I - alpha x0 - beta x1) at x1 = x0 + D. */
void wb_bridge_drift(WbScheduleKind schedule, const float epsilon[WB_CHANNELS], const float s[WB_CHANNELS], double t,
                     size_t n, const WbResidual *f, float *out) {
  WbScheduleAt at;
  wb_schedule_at(schedule, t, &at);
  const double log_rate = at.d_sigma / at.sigma, a = at.d_beta - at.beta * log_rate;
  float cm[WB_CHANNELS], cr[WB_CHANNELS], cf[WB_CHANNELS];
  const float c0 = (float)(at.d_alpha + at.d_beta);
  for (int q = 0; q < WB_CHANNELS; q++) {
    double k, c;
    posterior(schedule, t, (double)epsilon[q], (double)s[q], &k, &c);
    cm[q] = (float)(a * (1.0 - k * at.beta));
    cr[q] = (float)(a * k + log_rate);
    cf[q] = (float)(a * c);
  }
  for (size_t p = 0; p < n; p++) {
    for (int q = 0; q < WB_CHANNELS; q++) {
      const size_t i = p * WB_CHANNELS + (size_t)q;
      const float value = c0 * f->x0[i] + cm[q] * f->mean[i] + cr[q] * f->r[i] + cf[q] * out[i];
      out[i] = f->mask[p] ? value : 0.0f;
    }
  }
}
