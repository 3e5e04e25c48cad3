/* Flat Poisson solver: tables and the tridiagonal systems in z.
 * Mode with horizontal eigenvalue l <= 0, multiplied by the thickness h_k (a_k = 1 / centre distance at face k):
 *   a_k p_(k-1) - (a_k + a_(k+1) - l h_k) p_k + a_(k+1) p_(k+1) = h_k r_k.
 * Eliminated from the top, so that levels above the last non-zero r cost nothing (wb_poisson_solve_low). */
#include "windbridge/real.h"

#include "transform.h"

/* Rows of whole vectors, and not a power of two apart (sets of the cache). */
static int padded(int n) {
  const int whole = (n + WB_LANES - 1) / WB_LANES * WB_LANES;
  return (whole * (int)sizeof(WbReal)) % 1024 ? whole : whole + WB_LANES;
}

#define WB_BATCH_BYTES (256 * 1024)

static size_t largest(size_t a, size_t b) {
  return a > b ? a : b;
}

/* Eigenvalue of the second difference for a mode of n points; cyclic modes k and n - k share one. */
static double eigenvalue(int mode, int n, bool periodic, double dx) {
  const double s = sin((periodic ? 1.0 : 0.5) * PETSC_PI * mode / n);
  return -4 * s * s / (dx * dx);
}

/* Pivots d_k = -(a_k + e_k), e_k = |l| h_k + a_(k+1) e_(k+1) / (a_(k+1) + e_(k+1)): a form without cancellation. */
static void factorise(WbPoisson s) {
  WbReal *inv = s->inv;
  const int n = s->ncl;
  for (int j = 0; j < s->nrl; j++) {
    const double ly = eigenvalue(s->r0 + j, s->ny, s->periodic_y, s->dx);
    for (int m = 0; m < n; m++) {
      const double l = -(ly + eigenvalue(s->c0 + m, s->nx, s->periodic_x, s->dx));
      double e = 0;
      for (int k = s->nz - 1; k >= 0; k--) {
        const double up = s->a_face[k + 1];
        e = l * s->dz[k] + (up > 0 ? up * e / (up + e) : 0);
        const double d = s->a_face[k] + e;
        inv[((size_t)j * (size_t)s->nz + (size_t)k) * (size_t)n + (size_t)m] = (WbReal)(d > 0 ? -1 / d : 0);
      }
    }
  }
}

static PetscErrorCode make_tables(WbPoisson s) {
  PetscFunctionBeginUser;
  WbReal *a, *h;
  PetscCall(WB_ALLOC(s->nz + 1, &a));
  s->a = a;
  PetscCall(WB_ALLOC(s->nz, &h));
  s->h = h;
  for (int k = 0; k <= s->nz; k++) a[k] = (WbReal)s->a_face[k];
  for (int k = 0; k < s->nz; k++) h[k] = (WbReal)(s->dz[k] / ((double)s->nx * (double)s->ny));
  PetscCall(WB_R(wb_transform_create)(s->nx, !s->periodic_x, &s->tx));
  PetscCall(WB_R(wb_transform_create)(s->ny, !s->periodic_y, &s->ty));
  /* enough levels together for several full tiles of rows, but within the second-level cache */
  const size_t level = (size_t)s->nyl * (size_t)s->nx * sizeof(WbReal);
  s->batch = (int)(WB_BATCH_BYTES / (level + 1)) + 1;
  if (s->batch > s->nz) s->batch = s->nz;
  PetscCall(WB_ALLOC(2 * (size_t)s->batch * (size_t)s->nyl + 1, &s->rows));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_buffers(WbPoisson s) {
  WbReal *b;
  PetscFunctionBeginUser;
  const size_t nkl = (size_t)((s->nz + s->px - 1) / s->px), nyl = (size_t)s->nyl, pitch = (size_t)s->pitch;
  const size_t n_xr = nkl * nyl * (size_t)s->nx, n_xs = nkl * nyl * (size_t)s->pitch_x;
  const size_t n_ys = nkl * (size_t)s->ny * pitch, n_zs = (size_t)s->nz * (size_t)s->nrl * pitch;
  PetscCall(WB_CALLOC(n_ys + 1, &b)); /* zeroed: the padding goes through the y transform's arithmetic unread */
  s->ys = s->zs = s->xs = b;
  if (s->px > 1) {
    PetscCall(WB_ALLOC(n_xr + 1, &b));
    s->xr = b;
    PetscCall(WB_CALLOC(n_zs + 1, &b));
    s->zs = b;
  }
  if (s->py > 1) {
    PetscCall(WB_CALLOC(n_xs + 1, &b));
    s->xs = b;
  }
  if (s->px > 1 || s->py > 1) {
    const size_t n = largest(largest(n_xr, n_xs), largest(n_ys, n_zs)) + 1;
    PetscCall(WB_ALLOC(n, &b));
    s->send = b;
    PetscCall(WB_ALLOC(n, &b));
    s->recv = b;
  }
  PetscCall(WB_ALLOC((size_t)s->nrl * (size_t)s->nz * (size_t)s->ncl + 1, &b));
  s->inv = b;
  PetscFunctionReturn(0);
}

PetscErrorCode WB_R(wb_poisson_setup)(WbPoisson s) {
  PetscFunctionBeginUser;
  s->pitch_x = padded(s->nx);
  s->pitch = s->py == 1 ? s->pitch_x : padded(s->ncl);
  PetscCall(make_tables(s));
  PetscCall(make_buffers(s));
  factorise(s);
  PetscFunctionReturn(0);
}

void WB_R(wb_poisson_release)(WbPoisson s) {
  WB_R(wb_transform_destroy)(&s->tx);
  WB_R(wb_transform_destroy)(&s->ty);
  WB_FREE(&s->rows);
  if (s->zs != s->ys) WB_FREE(&s->zs);
  if (s->xs != s->ys) WB_FREE(&s->xs);
  WB_FREE(&s->ys);
  WB_FREE(&s->xr);
  WB_FREE(&s->send);
  WB_FREE(&s->recv);
  WB_FREE(&s->inv);
  WB_FREE(&s->a);
  WB_FREE(&s->h);
}

/* y = (h r - a_up y_up) inv; y_up is the level above, NULL at the top of the range. */
WB_KERNEL static void eliminate(int n, WbReal *restrict y, const WbReal *restrict y_up, const WbReal *restrict inv,
                                WbReal h, WbReal a_up) {
#pragma omp simd
  for (int m = 0; m < n; m++) y[m] = (h * y[m] - a_up * y_up[m]) * inv[m];
}

WB_KERNEL static void eliminate_top(int n, WbReal *restrict y, const WbReal *restrict inv, WbReal h) {
#pragma omp simd
  for (int m = 0; m < n; m++) y[m] = h * y[m] * inv[m];
}

WB_KERNEL static void substitute(int n, WbReal *restrict p, const WbReal *restrict p_down, const WbReal *restrict inv,
                                 WbReal a) {
#pragma omp simd
  for (int m = 0; m < n; m++) p[m] -= a * inv[m] * p_down[m];
}

static void tridiagonal(WbPoisson s, int nk) {
  const WbReal *a = s->a, *h = s->h, *inv_all = s->inv;
  const int n = s->ncl;
  const size_t level = (size_t)s->nrl * (size_t)s->pitch;
  for (int j = 0; j < s->nrl; j++) {
    WbReal *p = (WbReal *)s->zs + (size_t)j * (size_t)s->pitch;
    const WbReal *inv = inv_all + (size_t)j * (size_t)s->nz * (size_t)n;
    eliminate_top(n, p + (size_t)(nk - 1) * level, inv + (size_t)(nk - 1) * (size_t)n, h[nk - 1]);
    for (int k = nk - 2; k >= 0; k--)
      eliminate(n, p + (size_t)k * level, p + (size_t)(k + 1) * level, inv + (size_t)k * (size_t)n, h[k], a[k + 1]);
    for (int k = 1; k < nk; k++)
      substitute(n, p + (size_t)k * level, p + (size_t)(k - 1) * level, inv + (size_t)k * (size_t)n, a[k]);
  }
}

/* Volume mean of the horizontally constant mode (this rank holds it when r0 = c0 = 0) set to zero. */
static void remove_mean(WbPoisson s) {
  if (s->r0 != 0 || s->c0 != 0 || s->nrl == 0 || s->ncl == 0) return;
  WbReal *z = s->zs;
  const size_t level = (size_t)s->nrl * (size_t)s->pitch;
  double sum = 0, depth = 0;
  for (int k = 0; k < s->nz; k++) {
    sum += s->dz[k] * (double)z[(size_t)k * level];
    depth += s->dz[k];
  }
  for (int k = 0; k < s->nz; k++) z[(size_t)k * level] = (WbReal)((double)z[(size_t)k * level] - sum / depth);
}

PetscErrorCode WB_R(wb_poisson_run)(WbPoisson s, int nk, const uint8_t *row_used, const void *r, void *p) {
  PetscFunctionBeginUser;
  PetscCall(WB_R(wb_poisson_forward)(s, nk, row_used, r));
  if (nk == s->nz) remove_mean(s);
  tridiagonal(s, nk);
  if (nk == s->nz) remove_mean(s);
  PetscCall(WB_R(wb_poisson_backward)(s, nk, row_used, p));
  PetscFunctionReturn(0);
}
