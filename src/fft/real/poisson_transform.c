/* Horizontal transforms of the flat Poisson solver. Cyclic: real FFT in x, complex FFT in y. Neumann: cosine
 * transforms through the same FFTs (Makhoul 1980, IEEE ASSP 28, 27): v = even points, then odd points backwards,
 * V = FFT(v), w = exp(-i pi k / 2N); then w^k V(k) = (C(k) - i C(N - k)) / 2. So in x real and imaginary parts are
 * separate modes and no mixing is needed; in y, whose complex numbers are pairs of real sequences,
 * C(k) = w^k V(k) + w^-k V(N - k): a rotation of the rows k and N - k. With
 * cosines in x and cyclic y the two real sequences must be told apart too: rotation by -45 degrees, Hartley modes. */
#include "fft_internal.h"
#include "fft_real.h"

#include <string.h>

WB_KERNEL static void rotate_row(int n, WbReal *restrict z, const WbReal *restrict tw, WbReal sign) {
#pragma omp simd
  for (int c = 0; c < n; c++) {
    const WbReal re = z[2 * c], im = z[2 * c + 1], co = tw[2 * c], si = sign * tw[2 * c + 1];
    z[2 * c] = co * re + si * im;
    z[2 * c + 1] = co * im - si * re;
  }
}

/* Rows k and N - k of the Fourier transform to rows of the cosine transform; n complex numbers. */
WB_KERNEL static void pair_forward(int n, WbReal *restrict a, WbReal *restrict b, WbReal co, WbReal si) {
#pragma omp simd
  for (int c = 0; c < n; c++) {
    const WbReal s_re = a[2 * c] + b[2 * c], s_im = a[2 * c + 1] + b[2 * c + 1];
    const WbReal d_re = b[2 * c + 1] - a[2 * c + 1], d_im = a[2 * c] - b[2 * c];
    a[2 * c] = co * s_re - si * d_re;
    a[2 * c + 1] = co * s_im - si * d_im;
    b[2 * c] = si * s_re + co * d_re;
    b[2 * c + 1] = si * s_im + co * d_im;
  }
}

/* Inverse of pair_forward; co and si come halved. */
WB_KERNEL static void pair_backward(int n, WbReal *restrict a, WbReal *restrict b, WbReal co, WbReal si) {
#pragma omp simd
  for (int c = 0; c < n; c++) {
    const WbReal s_re = co * a[2 * c] + si * b[2 * c], s_im = co * a[2 * c + 1] + si * b[2 * c + 1];
    const WbReal d_re = co * b[2 * c] - si * a[2 * c], d_im = co * b[2 * c + 1] - si * a[2 * c + 1];
    a[2 * c] = s_re + d_im;
    a[2 * c + 1] = s_im - d_re;
    b[2 * c] = s_re - d_im;
    b[2 * c + 1] = s_im + d_re;
  }
}

WB_KERNEL static void scale_row(int n, WbReal *restrict a, WbReal f) {
#pragma omp simd
  for (int c = 0; c < n; c++) a[c] *= f;
}

static void x_row_forward(WbPoisson s, const WbReal *restrict in, WbReal *restrict out) {
  WbReal *restrict v = s->row;
  const int n = s->nx;
  if (s->periodic_x) {
    memcpy(v, in, (size_t)n * sizeof(WbReal));
  } else {
    for (int i = 0; i < n / 2; i++) {
      v[i] = in[2 * i];
      v[n - 1 - i] = in[2 * i + 1];
    }
    if (n % 2) v[n / 2] = in[n - 1];
  }
  WB_FFTW(execute_dft_r2c)((WB_FFTW(plan))s->plan_r2c, v, (WbComplex *)out);
  if (!s->periodic_x) rotate_row(s->nxc, out, s->tw_x, 1);
}

static void x_row_backward(WbPoisson s, WbReal *restrict in, WbReal *restrict out) {
  WbReal *restrict v = s->row;
  const int n = s->nx;
  if (!s->periodic_x) rotate_row(s->nxc, in, s->tw_x, -1);
  WB_FFTW(execute_dft_c2r)((WB_FFTW(plan))s->plan_c2r, (WbComplex *)in, v);
  if (s->periodic_x) {
    memcpy(out, v, (size_t)n * sizeof(WbReal));
    return;
  }
  for (int i = 0; i < n / 2; i++) {
    out[2 * i] = v[i];
    out[2 * i + 1] = v[n - 1 - i];
  }
  if (n % 2) out[n - 1] = v[n / 2];
}

static void y_plane_forward(WbPoisson s, WbReal *plane) {
  const WbReal *tw = s->tw_y;
  const size_t row = 2 * (size_t)s->pitch;
  WB_FFTW(execute_dft)((WB_FFTW(plan))s->plan_forward, (WbComplex *)plane, (WbComplex *)plane);
  if (!s->mix_rows) return;
  const int n = s->ny;
  scale_row(2 * s->ncl, plane, 2);
  for (int k = 1; 2 * k < n; k++)
    pair_forward(s->ncl, plane + (size_t)k * row, plane + (size_t)(n - k) * row, tw[2 * k], tw[2 * k + 1]);
  if (n % 2 == 0) scale_row(2 * s->ncl, plane + (size_t)(n / 2) * row, 2 * tw[n]);
}

static void y_plane_backward(WbPoisson s, WbReal *plane) {
  const WbReal *tw = s->tw_y;
  const size_t row = 2 * (size_t)s->pitch;
  const int n = s->ny;
  if (s->mix_rows) {
    scale_row(2 * s->ncl, plane, WB_LIT(0.5));
    for (int k = 1; 2 * k < n; k++)
      pair_backward(s->ncl, plane + (size_t)k * row, plane + (size_t)(n - k) * row, tw[2 * k] / 2, tw[2 * k + 1] / 2);
    if (n % 2 == 0) scale_row(2 * s->ncl, plane + (size_t)(n / 2) * row, 1 / (2 * tw[n]));
  }
  WB_FFTW(execute_dft)((WB_FFTW(plan))s->plan_backward, (WbComplex *)plane, (WbComplex *)plane);
}

static int local_levels(WbPoisson s, int nk) {
  return wb_poisson_split(nk, s->ix + 1, s->px) - wb_poisson_split(nk, s->ix, s->px);
}

/* r (nk, nyl, nxl) to modes in s->zs (nk, nrl, pitch). */
PetscErrorCode WB_R(wb_poisson_forward)(WbPoisson s, int nk, const uint8_t *row_used, const void *r) {
  PetscFunctionBeginUser;
  const int nkl = local_levels(s, nk);
  const WbReal *rows = r;
  const bool whole = s->py == 1; /* rows go straight to their place in the plane */
  const size_t row_x = 2 * (size_t)s->pitch_x, plane = (size_t)s->ny * 2 * (size_t)s->pitch;
  WbReal *xs = whole ? s->ys : s->xs, *ys = s->ys;
  if (s->px > 1) {
    PetscCall(WB_R(wb_poisson_rows_to_x)(s, nk, r));
    rows = s->xr;
  }
  for (int k = 0; k < nkl; k++) {
    for (int j = 0; j < s->nyl; j++) {
      const size_t at = (size_t)k * (size_t)s->nyl + (size_t)j;
      WbReal *out = xs + ((size_t)k * (size_t)s->nyl + (size_t)(whole ? s->yrow[j] : j)) * row_x;
      if (row_used && !row_used[at]) {
        memset(out, 0, 2 * (size_t)s->nxc * sizeof(WbReal));
      } else {
        x_row_forward(s, rows + at * (size_t)s->nx, out);
      }
    }
    if (whole) y_plane_forward(s, ys + (size_t)k * plane);
  }
  if (!whole) {
    PetscCall(WB_R(wb_poisson_x_to_y)(s, nkl));
    for (int k = 0; k < nkl; k++) y_plane_forward(s, ys + (size_t)k * plane);
  }
  if (s->px > 1) PetscCall(WB_R(wb_poisson_y_to_z)(s, nk));
  PetscFunctionReturn(0);
}

/* Modes in s->zs to p (nk, nyl, nxl). */
PetscErrorCode WB_R(wb_poisson_backward)(WbPoisson s, int nk, const uint8_t *row_used, void *p) {
  PetscFunctionBeginUser;
  const int nkl = local_levels(s, nk);
  WbReal *rows = s->px > 1 ? s->xr : p;
  const bool whole = s->py == 1;
  const size_t row_x = 2 * (size_t)s->pitch_x, plane = (size_t)s->ny * 2 * (size_t)s->pitch;
  WbReal *xs = whole ? s->ys : s->xs, *ys = s->ys;
  if (s->px > 1) PetscCall(WB_R(wb_poisson_z_to_y)(s, nk));
  if (!whole) {
    for (int k = 0; k < nkl; k++) y_plane_backward(s, ys + (size_t)k * plane);
    PetscCall(WB_R(wb_poisson_y_to_x)(s, nkl));
  }
  for (int k = 0; k < nkl; k++) {
    if (whole) y_plane_backward(s, ys + (size_t)k * plane);
    for (int j = 0; j < s->nyl; j++) {
      const size_t at = (size_t)k * (size_t)s->nyl + (size_t)j;
      if (row_used && !row_used[at]) continue;
      x_row_backward(s, xs + ((size_t)k * (size_t)s->nyl + (size_t)(whole ? s->yrow[j] : j)) * row_x,
                     rows + at * (size_t)s->nx);
    }
  }
  if (s->px > 1) PetscCall(WB_R(wb_poisson_rows_from_x)(s, nk, p));
  PetscFunctionReturn(0);
}
