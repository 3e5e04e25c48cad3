/* Stages of the flat Poisson solver: rows to modes and back, a few levels at a time so that a plane stays in cache
 * between its x and y transforms and, where a rank has whole planes (px = 1), the vertical elimination downwards and
 * the substitution upwards. */
#include "windbridge/real.h"

#include "fft_internal.h"

#include <string.h>

static int local_levels(WbPoisson s, int nk) {
  return wb_poisson_split(nk, s->ix + 1, s->px) - wb_poisson_split(nk, s->ix, s->px);
}

/* Row pointers of levels [k0, k1): into the field (nkl, nyl, nx), and into modes, which starts at level k0 (pitch_x).
 * Unused rows are left out, their modes zeroed if `clear`. Returns how many. */
static int list_rows(WbPoisson s, const int range[2], const uint8_t *row_used, const WbReal *field, WbReal *modes,
                     bool clear) {
  const size_t nyl = (size_t)s->nyl;
  const void **in = s->rows, **out = s->rows + (size_t)s->batch * nyl;
  int count = 0;
  for (size_t row = (size_t)range[0] * nyl; row < (size_t)range[1] * nyl; row++, modes += s->pitch_x) {
    if (row_used && !row_used[row]) {
      if (clear) memset(modes, 0, (size_t)s->nx * sizeof(WbReal));
      continue;
    }
    in[count] = field + row * (size_t)s->nx;
    out[count++] = modes;
  }
  return count;
}

/* y transform and, with whole planes, elimination of levels [k0, k1) in s->ys. */
static void planes_forward(WbPoisson s, int nk, int k0, int k1) {
  const size_t plane = (size_t)s->ny * (size_t)s->pitch;
  WB_R(wb_transform_columns_forward)(&s->ty, k1 - k0, s->pitch, (WbReal *)s->ys + (size_t)k0 * plane);
  for (int k = k1 - 1; k >= k0 && s->px == 1; k--) WB_R(wb_poisson_eliminate)(s, nk, k);
}

/* r (nk, nyl, nxl) to eliminated modes in s->zs (nk, nrl, pitch). */
PetscErrorCode WB_R(wb_poisson_forward)(WbPoisson s, int nk, const uint8_t *row_used, const void *r) {
  PetscFunctionBeginUser;
  const int nkl = local_levels(s, nk);
  const WbReal *field = r;
  const size_t level_x = (size_t)s->nyl * (size_t)s->pitch_x;
  if (s->px > 1) {
    PetscCall(WB_R(wb_poisson_rows_to_x)(s, nk, r));
    field = s->xr;
  }
  for (int end = nkl; end > 0; end -= s->batch) {
    const int range[2] = {end > s->batch ? end - s->batch : 0, end};
    const int count = list_rows(s, range, row_used, field, (WbReal *)s->xs + (size_t)range[0] * level_x, true);
    WB_R(wb_transform_rows_forward)(&s->tx, count, s->rows, s->rows + (size_t)s->batch * (size_t)s->nyl);
    if (s->py == 1) planes_forward(s, nk, range[0], end);
  }
  if (s->py > 1) {
    PetscCall(WB_R(wb_poisson_x_to_y)(s, nkl));
    for (int end = nkl; end > 0; end -= s->batch) planes_forward(s, nk, end > s->batch ? end - s->batch : 0, end);
  }
  if (s->px > 1) {
    PetscCall(WB_R(wb_poisson_y_to_z)(s, nk));
    for (int k = nk - 1; k >= 0; k--) WB_R(wb_poisson_eliminate)(s, nk, k);
  }
  PetscFunctionReturn(0);
}

/* Levels [k0, k1): substituted into s->xb, the last one's modes kept for the next call in s->modes. */
static void planes_substitute(WbPoisson s, int k0, int k1) {
  const size_t plane = (size_t)s->ny * (size_t)s->pitch;
  WbReal *out = s->xb;
  const WbReal *below = k0 > 0 ? s->modes : NULL;
  for (int k = k0; k < k1; k++, below = out, out += plane) WB_R(wb_poisson_substitute)(s, k, below, out);
  memcpy(s->modes, out - plane, plane * sizeof(WbReal));
}

static PetscErrorCode substitute_split(WbPoisson s, int nk) {
  const size_t plane = (size_t)s->nrl * (size_t)s->pitch;
  PetscFunctionBeginUser;
  for (int k = 0; k < nk; k++) {
    WbReal *level = (WbReal *)s->zs + (size_t)k * plane;
    WB_R(wb_poisson_substitute)(s, k, k ? level - plane : NULL, level);
  }
  PetscCall(WB_R(wb_poisson_z_to_y)(s, nk));
  PetscFunctionReturn(0);
}

/* Eliminated modes in s->zs to p (nk, nyl, nxl). */
PetscErrorCode WB_R(wb_poisson_backward)(WbPoisson s, int nk, const uint8_t *row_used, void *p) {
  PetscFunctionBeginUser;
  const int nkl = local_levels(s, nk);
  const bool whole = s->py == 1;
  const WbReal *field = s->px > 1 ? s->xr : p;
  const size_t plane = (size_t)s->ny * (size_t)s->pitch, level_x = (size_t)s->nyl * (size_t)s->pitch_x;
  if (s->px > 1) PetscCall(substitute_split(s, nk));
  for (int pass = whole ? 1 : 0; pass < 2; pass++) { /* whole planes: both passes at once */
    for (int k = 0; k < nkl; k += s->batch) {
      const int range[2] = {k, k + s->batch < nkl ? k + s->batch : nkl};
      WbReal *ys = (WbReal *)s->ys + (size_t)k * plane, *modes = s->px > 1 ? ys : s->xb;
      WbReal *to = whole ? modes : ys; /* y transform: from modes */
      if (whole || pass == 0) {
        if (s->px == 1) planes_substitute(s, k, range[1]);
        WB_R(wb_transform_columns_backward)(&s->ty, range[1] - k, s->pitch, modes, to);
      }
      if (pass == 0) continue;
      WbReal *rows = whole ? to : (WbReal *)s->xs + (size_t)k * level_x;
      const int count = list_rows(s, range, row_used, field, rows, false);
      WB_R(wb_transform_rows_backward)(&s->tx, count, s->rows + (size_t)s->batch * (size_t)s->nyl, s->rows);
    }
    if (pass == 0) PetscCall(WB_R(wb_poisson_y_to_x)(s, nkl));
  }
  if (s->px > 1) PetscCall(WB_R(wb_poisson_rows_from_x)(s, nk, p));
  PetscFunctionReturn(0);
}
