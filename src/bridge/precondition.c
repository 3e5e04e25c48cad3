/* Preconditioning in residual variables, the same for training and sampling (bridge.h; doc/theory.rst). */
#include <math.h>

#include "bridge_internal.h"

enum { C = WB_CHANNELS };

void wb_precond_at(const struct WbProcess_s *process, const float s[C], double t, WbPrecond *out) {
  WbPathAt at;
  wb_process_at(process, t, &at);
  out->t = process->class->net_time ? process->class->net_time(process, t) : t;
  out->mean = at.alpha + at.beta;
  out->beta = at.beta;
  for (int q = 0; q < C; q++) {
    const double s2 = (double)s[q] * (double)s[q], e = (double)process->options.epsilon[q], gamma2 = e * e * at.w;
    const double total = at.beta * at.beta * s2 + gamma2; /* variance of r about beta m */
    const bool point = !(total > 0.0);
    out->k[q] = point ? 0.0 : at.beta * s2 / total;
    out->c_out[q] = point ? sqrt(s2) : sqrt(s2 * gamma2 / total);
    out->c_in[q] = process->class->from_noise ? 1.0 / sqrt(total) : 1.0;
  }
}

void wb_precond_input(const WbPrecond *at, size_t n, const uint8_t *mask, const float *x0, const float *x, float *in) {
  float c[C];
  const float mean = (float)at->mean;
  for (int q = 0; q < C; q++) c[q] = (float)at->c_in[q];
  for (size_t p = 0; p < n; p++) {
    const bool air = !mask || mask[p];
    for (size_t q = 0; q < C; q++) {
      const size_t i = p * C + q;
      in[i] = air ? c[q] * (x[i] - mean * x0[i]) : 0.0f;
    }
  }
}

/* D = x0 + (1 - K beta) m + K r + c_out F */
void wb_precond_denoiser(const WbPrecond *at, size_t n, const uint8_t *mask, const float *x0, const float *m,
                         const float *x, const float *f, float *d) {
  float k[C], rest[C], out[C];
  const float mean = (float)at->mean;
  for (int q = 0; q < C; q++) {
    k[q] = (float)at->k[q];
    rest[q] = (float)(1.0 - at->k[q] * at->beta);
    out[q] = (float)at->c_out[q];
  }
  for (size_t p = 0; p < n; p++) {
    const bool air = !mask || mask[p];
    for (size_t q = 0; q < C; q++) {
      const size_t i = p * C + q;
      const float guess = m ? rest[q] * m[i] : 0.0f;
      d[i] = air ? x0[i] + guess + k[q] * (x[i] - mean * x0[i]) + out[q] * f[i] : 0.0f;
    }
  }
}

/* In double: near t = 1 both the difference and c_out are small. */
void wb_precond_target(const WbPrecond *at, size_t n, const uint8_t *mask, const float *x0, const float *x1,
                       const float *m, const float *x, float *target) {
  for (size_t p = 0; p < n; p++) {
    const bool air = !mask || mask[p];
    for (size_t q = 0; q < C; q++) {
      const size_t i = p * C + q;
      const double from = (double)x0[i], guess = m ? (double)m[i] : 0.0, r = (double)x[i] - at->mean * from;
      const double rest = (double)x1[i] - from - guess - at->k[q] * (r - at->beta * guess);
      target[i] = air ? (float)(rest / at->c_out[q]) : 0.0f;
    }
  }
}
