/* Horizontal stages of the flat Poisson solver: rows to modes and back, plane by plane so that a plane stays in cache
 * between its x and its y transform. */
#include "windbridge/real.h"

#include "fft_internal.h"

#include <string.h>

static int local_levels(WbPoisson s, int nk) {
  return wb_poisson_split(nk, s->ix + 1, s->px) - wb_poisson_split(nk, s->ix, s->px);
}

/* Pointers to rows of the x stage [k0, k1): in the field (nkl, nyl, nx) and in xs; unused rows left out. Returns how
 * many. clear: zero the unused rows of xs. */
static int list_rows(WbPoisson s, int k0, int k1, const uint8_t *row_used, const WbReal *field, bool clear) {
  const size_t nyl = (size_t)s->nyl, pitch = (size_t)s->pitch_x;
  const void **in = s->rows, **out = s->rows + (size_t)s->batch * nyl;
  int count = 0;
  for (size_t row = (size_t)k0 * nyl; row < (size_t)k1 * nyl; row++) {
    WbReal *modes = (WbReal *)s->xs + row * pitch;
    if (row_used && !row_used[row]) {
      if (clear) memset(modes, 0, (size_t)s->nx * sizeof(WbReal));
      continue;
    }
    in[count] = field + row * (size_t)s->nx;
    out[count++] = modes;
  }
  return count;
}

/* r (nk, nyl, nxl) to modes in s->zs (nk, nrl, pitch). */
PetscErrorCode WB_R(wb_poisson_forward)(WbPoisson s, int nk, const uint8_t *row_used, const void *r) {
  PetscFunctionBeginUser;
  const int nkl = local_levels(s, nk);
  const WbReal *field = r;
  const size_t plane = (size_t)s->ny * (size_t)s->pitch;
  const void **in = s->rows, **out = s->rows + (size_t)s->batch * (size_t)s->nyl;
  if (s->px > 1) {
    PetscCall(WB_R(wb_poisson_rows_to_x)(s, nk, r));
    field = s->xr;
  }
  for (int k = 0; k < nkl; k += s->batch) {
    const int end = k + s->batch < nkl ? k + s->batch : nkl, count = list_rows(s, k, end, row_used, field, true);
    WB_R(wb_transform_rows_forward)(&s->tx, count, in, out);
    if (s->py == 1) WB_R(wb_transform_columns_forward)(&s->ty, end - k, s->pitch, (WbReal *)s->ys + (size_t)k * plane);
  }
  if (s->py > 1) {
    PetscCall(WB_R(wb_poisson_x_to_y)(s, nkl));
    WB_R(wb_transform_columns_forward)(&s->ty, nkl, s->pitch, s->ys);
  }
  if (s->px > 1) PetscCall(WB_R(wb_poisson_y_to_z)(s, nk));
  PetscFunctionReturn(0);
}

/* Modes in s->zs to p (nk, nyl, nxl). */
PetscErrorCode WB_R(wb_poisson_backward)(WbPoisson s, int nk, const uint8_t *row_used, void *p) {
  PetscFunctionBeginUser;
  const int nkl = local_levels(s, nk);
  WbReal *field = s->px > 1 ? s->xr : p;
  const size_t plane = (size_t)s->ny * (size_t)s->pitch;
  const void **in = s->rows, **out = s->rows + (size_t)s->batch * (size_t)s->nyl;
  if (s->px > 1) PetscCall(WB_R(wb_poisson_z_to_y)(s, nk));
  if (s->py > 1) {
    WB_R(wb_transform_columns_backward)(&s->ty, nkl, s->pitch, s->ys);
    PetscCall(WB_R(wb_poisson_y_to_x)(s, nkl));
  }
  for (int k = 0; k < nkl; k += s->batch) {
    const int end = k + s->batch < nkl ? k + s->batch : nkl, count = list_rows(s, k, end, row_used, field, false);
    if (s->py == 1) WB_R(wb_transform_columns_backward)(&s->ty, end - k, s->pitch, (WbReal *)s->ys + (size_t)k * plane);
    WB_R(wb_transform_rows_backward)(&s->tx, count, out, in);
  }
  if (s->px > 1) PetscCall(WB_R(wb_poisson_rows_from_x)(s, nk, p));
  PetscFunctionReturn(0);
}
