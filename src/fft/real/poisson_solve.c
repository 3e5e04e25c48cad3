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

#define WB_BATCH_BYTES (160 * 1024)

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
  for (int j = 0; j < s->nrl; j++) {
    const double ly = eigenvalue(s->r0 + j, s->ny, s->periodic_y, s->dx);
    for (int m = 0; m < s->ncl; m++) {
      const double l = -(ly + eigenvalue(s->c0 + m, s->nx, s->periodic_x, s->dx));
      double e = 0;
      for (int k = s->nz - 1; k >= 0; k--) {
        const double up = s->a_face[k + 1];
        e = l * s->dz[k] + (up > 0 ? up * e / (up + e) : 0);
        const double d = s->a_face[k] + e;
        inv[((size_t)k * (size_t)s->nrl + (size_t)j) * (size_t)s->pitch + (size_t)m] = (WbReal)(d > 0 ? -1 / d : 0);
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
  PetscCall(WB_CALLOC(n_zs + 1, &b));
  s->inv = b;
  if (s->px == 1) {
    PetscCall(WB_CALLOC((size_t)s->batch * (size_t)s->ny * pitch + 1, &b));
    s->xb = b;
    PetscCall(WB_CALLOC((size_t)s->ny * pitch + 1, &b));
    s->modes = b;
  }
  PetscCall(WB_CALLOC(s->nz, &s->zero));
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
  WB_FREE(&s->xb);
  WB_FREE(&s->modes);
  WB_FREE(&s->zero);
  WB_FREE(&s->a);
  WB_FREE(&s->h);
}

PetscErrorCode WB_R(wb_poisson_run)(WbPoisson s, int nk, const uint8_t *row_used, const void *r, void *p) {
  PetscFunctionBeginUser;
  PetscCall(WB_R(wb_poisson_forward)(s, nk, row_used, r));
  WB_R(wb_poisson_zero_mode)(s, nk);
  PetscCall(WB_R(wb_poisson_backward)(s, nk, row_used, p));
  PetscFunctionReturn(0);
}
