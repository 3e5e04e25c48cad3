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

/* Most rows of any rank of col_comm: they must agree on the levels of a batch. */
static int most_rows(WbPoisson s) {
  int most = 0;
  for (int p = 0; p < s->py; p++) most = PetscMax(most, s->y_starts[p + 1] - s->y_starts[p]);
  return most;
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
  const size_t level = (size_t)most_rows(s) * (size_t)s->nx * sizeof(WbReal);
  s->batch = (int)(WB_BATCH_BYTES / (level + 1)) + 1;
  if (s->batch > s->nz) s->batch = s->nz;
  PetscCall(WB_ALLOC((size_t)(1 + s->py) * (size_t)s->batch * (size_t)s->nyl + 1, &s->rows));
  PetscFunctionReturn(0);
}

/* Stages of several ranks. xr and zs share a window: all ranks of row_comm have the same length of xr. */
static PetscErrorCode make_windows(WbPoisson s, int most_near) {
  PetscFunctionBeginUser;
  const size_t nkl = (size_t)((s->nz + s->px - 1) / s->px), line = 64 / sizeof(WbReal), pitch = (size_t)s->pitch;
  const size_t n_xr = (nkl * (size_t)s->nyl * (size_t)s->nx + line - 1) / line * line;
  const size_t n_ys = nkl * (size_t)s->ny * pitch, n_zs = (size_t)s->nz * (size_t)s->nrl * pitch;
  const size_t row_bytes = s->px > 1 ? (n_xr + n_zs + 1) * sizeof(WbReal) : 0;
  bool fits = true;
  if (s->px * s->py > 1) PetscCall(wb_window_fits(s->comm, (n_ys + 1) * sizeof(WbReal) + row_bytes, &fits));
  if (!fits) most_near = 1;
  PetscCall(wb_window_create(s->col_comm, (n_ys + 1) * sizeof(WbReal), most_near, &s->col));
  s->ys = s->zs = s->col.at[s->iy];
  if (s->px > 1) {
    PetscCall(wb_window_create(s->row_comm, row_bytes, most_near, &s->row));
    s->xr = s->row.at[s->ix];
    s->zs = (WbReal *)s->xr + n_xr;
  }
  if (s->col.all_near && (s->px == 1 || s->row.all_near)) PetscFunctionReturn(0);
  WbReal *b;
  const size_t n = PetscMax(PetscMax(n_xr, n_ys), n_zs) + 1;
  PetscCall(WB_ALLOC(n, &b));
  s->send = b;
  PetscCall(WB_ALLOC(n, &b));
  s->recv = b;
  PetscFunctionReturn(0);
}

static PetscErrorCode make_buffers(WbPoisson s, int most_near) {
  WbReal *b;
  PetscFunctionBeginUser;
  PetscCall(make_windows(s, most_near));
  PetscCall(WB_CALLOC((size_t)s->nz * (size_t)s->nrl * (size_t)s->pitch + 1, &b));
  s->inv = b;
  if (s->px == 1) {
    const size_t plane = (size_t)s->ny * (size_t)s->pitch;
    PetscCall(WB_CALLOC((size_t)s->batch * plane + 1, &b));
    s->xb = b;
    PetscCall(WB_CALLOC(plane + 1, &b));
    s->modes = b;
  }
  PetscCall(WB_CALLOC(s->nz, &s->zero));
  PetscFunctionReturn(0);
}

PetscErrorCode WB_R(wb_poisson_setup)(WbPoisson s, int most_near) {
  PetscFunctionBeginUser;
  for (int p = 0; p < s->py; p++) s->pitches[p] = padded(s->c_starts[p + 1] - s->c_starts[p]);
  s->pitch = s->pitches[s->iy];
  PetscCall(make_tables(s));
  PetscCall(make_buffers(s, most_near));
  factorise(s);
  PetscFunctionReturn(0);
}

void WB_R(wb_poisson_release)(WbPoisson s) {
  WB_R(wb_transform_destroy)(&s->tx);
  WB_R(wb_transform_destroy)(&s->ty);
  WB_FREE(&s->rows);
  wb_window_destroy(&s->col);
  if (s->px > 1) wb_window_destroy(&s->row);
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
