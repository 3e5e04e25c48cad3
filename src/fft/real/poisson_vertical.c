/* Vertical stage of the flat Poisson solver, a level at a time on the modes in s->zs (nz, nrl, pitch):
 * elimination downwards, y_k = (h_k r_k - a_(k+1) y_(k+1)) / d_k, then substitution upwards,
 * p_k = y_k - a_k p_(k-1) / d_k. The horizontally constant mode is singular and goes its own way in double. */
#include "windbridge/real.h"

#include "fft_internal.h"

#include <string.h>

WB_KERNEL static void eliminate(size_t n, WbReal *restrict y, const WbReal *restrict y_up, const WbReal *restrict inv,
                                WbReal h, WbReal a_up) {
#pragma omp simd
  for (size_t m = 0; m < n; m++) y[m] = (h * y[m] - a_up * y_up[m]) * inv[m];
}

WB_KERNEL static void eliminate_top(size_t n, WbReal *restrict y, const WbReal *restrict inv, WbReal h) {
#pragma omp simd
  for (size_t m = 0; m < n; m++) y[m] = h * y[m] * inv[m];
}

/* out may be y */
WB_KERNEL static void substitute(size_t n, const WbReal *y, const WbReal *below, const WbReal *inv, WbReal a,
                                 WbReal *out) {
#pragma omp simd
  for (size_t m = 0; m < n; m++) out[m] = y[m] - a * inv[m] * below[m];
}

static bool has_zero_mode(WbPoisson s) {
  return s->r0 == 0 && s->c0 == 0 && s->nrl > 0 && s->ncl > 0;
}

/* Level k of nk; levels above must be done. */
void WB_R(wb_poisson_eliminate)(WbPoisson s, int nk, int k) {
  const size_t n = (size_t)s->nrl * (size_t)s->pitch;
  const WbReal *a = s->a, *h = s->h, *inv = (const WbReal *)s->inv + (size_t)k * n;
  WbReal *y = (WbReal *)s->zs + (size_t)k * n;
  if (has_zero_mode(s)) s->zero[k] = (double)y[0];
  if (k == nk - 1) {
    eliminate_top(n, y, inv, h[k]);
  } else {
    eliminate(n, y, y + n, inv, h[k], a[k + 1]);
  }
}

/* Level k from the level below it (NULL: k = 0) into out (nrl, pitch), which may be the level's place in s->zs. */
void WB_R(wb_poisson_substitute)(WbPoisson s, int k, const void *below, void *out) {
  const size_t n = (size_t)s->nrl * (size_t)s->pitch;
  const WbReal *y = (const WbReal *)s->zs + (size_t)k * n;
  if (below) {
    substitute(n, y, below, (const WbReal *)s->inv + (size_t)k * n, ((const WbReal *)s->a)[k], out);
  } else if (out != (const void *)y) {
    memcpy(out, y, n * sizeof(WbReal));
  }
  if (has_zero_mode(s)) ((WbReal *)out)[0] = (WbReal)s->zero[k];
}

/* The constant mode: volume mean of r removed, fluxes summed from the ground; p with zero volume mean when nk = nz,
 * else 0 at the ground. */
void WB_R(wb_poisson_zero_mode)(WbPoisson s, int nk) {
  if (!has_zero_mode(s)) return;
  double depth = 0, mean = 0, flux = 0, p = 0, sum = 0;
  for (int k = 0; k < s->nz; k++) depth += s->dz[k];
  for (int k = 0; k < nk; k++) mean += s->dz[k] * s->zero[k] / depth;
  const double scale = 1.0 / ((double)s->nx * (double)s->ny);
  for (int k = 0; k < nk; k++) {
    const double r = s->zero[k];
    if (k > 0) p += flux / s->a_face[k];
    flux += s->dz[k] * scale * (r - mean);
    s->zero[k] = p;
    sum += s->dz[k] * p;
  }
  if (nk < s->nz) return;
  for (int k = 0; k < nk; k++) s->zero[k] -= sum / depth;
}
