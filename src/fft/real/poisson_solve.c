/* Flat Poisson solver: tables, plans, and the tridiagonal systems in z.
 * Mode with horizontal eigenvalue l <= 0, multiplied by the thickness h_k (a_k = 1 / centre distance at face k):
 *   a_k p_(k-1) - (a_k + a_(k+1) - l h_k) p_k + a_(k+1) p_(k+1) = h_k r_k.
 * Eliminated from the top, so that levels above the last non-zero r cost nothing (wb_poisson_solve_low). */
#include "fft_internal.h"
#include "fft_real.h"

#define ROW_ALIGN 8 /* complex numbers: rows start on cache lines */

static int padded(int n) {
  return (n + ROW_ALIGN - 1) / ROW_ALIGN * ROW_ALIGN;
}

static size_t largest(size_t a, size_t b) {
  return a > b ? a : b;
}

/* Eigenvalue of the second difference for slot m = 2 c + part of a row of n points, or for mode m of a column. */
static double eigenvalue(int mode, int n, bool periodic, double dx) {
  const double s = sin((periodic ? 1.0 : 0.5) * PETSC_PI * mode / n);
  return -4 * s * s / (dx * dx);
}

static double row_eigenvalue(WbPoisson s, int column, int part) {
  const int mode = (part && !s->periodic_x) ? s->nx - column : column;
  return eigenvalue(mode, s->nx, s->periodic_x, s->dx);
}

/* Pivots d_k = -(a_k + e_k), e_k = |l| h_k + a_(k+1) e_(k+1) / (a_(k+1) + e_(k+1)): a form without cancellation. */
static void factorise(WbPoisson s) {
  WbReal *inv = s->inv;
  const int n = 2 * s->ncl;
  for (int j = 0; j < s->nrl; j++) {
    const double ly = eigenvalue(s->r0 + j, s->ny, s->periodic_y, s->dx);
    for (int m = 0; m < n; m++) {
      const double l = -(ly + row_eigenvalue(s, s->c0 + m / 2, m % 2));
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
  WbReal *a, *h, *tx, *ty;
  PetscCall(WB_ALLOC(s->nz + 1, &a));
  s->a = a;
  PetscCall(WB_ALLOC(s->nz, &h));
  s->h = h;
  PetscCall(WB_ALLOC(2 * s->nxc, &tx));
  s->tw_x = tx;
  PetscCall(WB_ALLOC(2 * s->ny, &ty));
  s->tw_y = ty;
  for (int k = 0; k <= s->nz; k++) a[k] = (WbReal)s->a_face[k];
  for (int k = 0; k < s->nz; k++) h[k] = (WbReal)(s->dz[k] / ((double)s->nx * (double)s->ny));
  for (int c = 0; c < s->nxc; c++) {
    tx[2 * c] = (WbReal)cos(PETSC_PI * c / (2.0 * s->nx));
    tx[2 * c + 1] = (WbReal)sin(PETSC_PI * c / (2.0 * s->nx));
  }
  for (int j = 0; j < s->ny; j++) {
    const double angle = s->periodic_y ? -PETSC_PI / 4 : PETSC_PI * j / (2.0 * s->ny);
    ty[2 * j] = (WbReal)cos(angle);
    ty[2 * j + 1] = (WbReal)sin(angle);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode make_buffers(WbPoisson s) {
  WbReal *b;
  PetscFunctionBeginUser;
  const size_t nkl = (size_t)((s->nz + s->px - 1) / s->px), nyl = (size_t)s->nyl, pitch = 2 * (size_t)s->pitch;
  const size_t n_xr = nkl * nyl * (size_t)s->nx, n_xs = nkl * nyl * 2 * (size_t)s->pitch_x;
  const size_t n_ys = nkl * (size_t)s->ny * pitch, n_zs = (size_t)s->nz * (size_t)s->nrl * pitch;
  PetscCall(WB_ALLOC(s->nx, &b));
  s->row = b;
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
  PetscCall(WB_ALLOC((size_t)s->nrl * (size_t)s->nz * 2 * (size_t)s->ncl + 1, &b));
  s->inv = b;
  PetscFunctionReturn(0);
}

static PetscErrorCode make_plans(WbPoisson s) {
  PetscFunctionBeginUser;
  const unsigned flags = FFTW_ESTIMATE; /* measured plans would differ from run to run, and with them the bits */
  WbComplex *xs = (WbComplex *)s->xs, *ys = (WbComplex *)s->ys;
  s->plan_r2c = WB_FFTW(plan_dft_r2c_1d)(s->nx, s->row, xs, flags);
  s->plan_c2r = WB_FFTW(plan_dft_c2r_1d)(s->nx, xs, s->row, flags);
  PetscCheck(s->plan_r2c && s->plan_c2r, PETSC_COMM_SELF, PETSC_ERR_LIB, "FFTW made no plan for nx = %d", s->nx);
  if (s->ncl > 0) {
    s->plan_forward =
        WB_FFTW(plan_many_dft)(1, &s->ny, s->ncl, ys, NULL, s->pitch, 1, ys, NULL, s->pitch, 1, FFTW_FORWARD, flags);
    s->plan_backward =
        WB_FFTW(plan_many_dft)(1, &s->ny, s->ncl, ys, NULL, s->pitch, 1, ys, NULL, s->pitch, 1, FFTW_BACKWARD, flags);
    PetscCheck(s->plan_forward && s->plan_backward, PETSC_COMM_SELF, PETSC_ERR_LIB, "FFTW made no plan for ny = %d",
               s->ny);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode WB_R(wb_poisson_setup)(WbPoisson s) {
  PetscFunctionBeginUser;
  s->pitch_x = padded(s->nxc);
  s->pitch = s->py == 1 ? s->pitch_x : padded(s->ncl);
  PetscCall(make_tables(s));
  PetscCall(make_buffers(s));
  PetscCall(make_plans(s));
  factorise(s);
  PetscFunctionReturn(0);
}

void WB_R(wb_poisson_release)(WbPoisson s) {
  void *plans[4] = {s->plan_r2c, s->plan_c2r, s->plan_forward, s->plan_backward};
  for (int i = 0; i < 4; i++)
    if (plans[i]) WB_FFTW(destroy_plan)((WB_FFTW(plan))plans[i]);
  if (s->zs != s->ys) WB_FREE(&s->zs);
  if (s->xs != s->ys) WB_FREE(&s->xs);
  WB_FREE(&s->ys);
  WB_FREE(&s->xr);
  WB_FREE(&s->send);
  WB_FREE(&s->recv);
  WB_FREE(&s->row);
  WB_FREE(&s->inv);
  WB_FREE(&s->a);
  WB_FREE(&s->h);
  WB_FREE(&s->tw_x);
  WB_FREE(&s->tw_y);
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
  const int n = 2 * s->ncl;
  const size_t level = (size_t)s->nrl * 2 * (size_t)s->pitch;
  for (int j = 0; j < s->nrl; j++) {
    WbReal *p = (WbReal *)s->zs + (size_t)j * 2 * (size_t)s->pitch;
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
  const size_t level = (size_t)s->nrl * 2 * (size_t)s->pitch;
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
