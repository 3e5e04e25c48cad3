/* Stages of the flat Poisson solver: rows to modes and back, a few levels (a batch) at a time so that a plane stays in
 * cache between its x and y transforms and, where a rank has whole planes (px = 1), the vertical elimination downwards
 * and the substitution upwards. Ranks that share the planes (py > 1) work on the same batches; the y stage of one waits
 * for the x stages of the others, some batches later. */
#include "windbridge/real.h"

#include "fft_internal.h"

#include <string.h>

enum { LAG = 6 /* batches between the stages of near ranks: room for one that is late */ };

static int local_levels(WbPoisson s, int nk) {
  return wb_poisson_split(nk, s->ix + 1, s->px) - wb_poisson_split(nk, s->ix, s->px);
}

static int batches_of(WbPoisson s, int nkl) {
  return (nkl + s->batch - 1) / s->batch;
}

/* Batches by which the second stage runs behind the first. Messages to far ranks go when the first is done. */
static int lag_of(WbPoisson s, int batches) {
  if (s->py == 1) return 0;
  return s->col.all_near && LAG < batches ? LAG : batches;
}

/* Levels [k[0], k[1]) of batch b. */
static void batch_levels(WbPoisson s, int nkl, int b, int k[2]) {
  k[0] = b * s->batch;
  k[1] = k[0] + s->batch < nkl ? k[0] + s->batch : nkl;
}

/* Row pointers of levels [k[0], k[1]): first into the field (nkl, nyl, nx), then into each part of the modes. Unused
 * rows are left out, their modes zeroed if `clear`. Returns how many. */
static int list_rows(WbPoisson s, const int k[2], const uint8_t *row_used, const WbReal *field, bool clear) {
  const size_t nyl = (size_t)s->nyl, cap = (size_t)s->batch * nyl;
  int count = 0;
  for (size_t row = (size_t)k[0] * nyl; row < (size_t)k[1] * nyl; row++) {
    const bool used = !row_used || row_used[row];
    for (int p = 0; p < s->py && (used || clear); p++) {
      const WbPart *part = &s->parts[p];
      WbReal *modes = (WbReal *)part->at + (row / nyl - (size_t)part->k0) * part->level + row % nyl * part->row;
      if (used)
        s->rows[(size_t)(1 + p) * cap + (size_t)count] = modes;
      else
        memset(modes, 0, (size_t)(s->c_starts[p + 1] - s->c_starts[p]) * sizeof(WbReal));
    }
    if (used) s->rows[count++] = field + row * (size_t)s->nx;
  }
  return count;
}

static WbPieces pieces_of(WbPoisson s) {
  const size_t cap = (size_t)s->batch * (size_t)s->nyl;
  return (WbPieces){.parts = s->py, .starts = s->c_starts, .rows = s->rows + cap, .stride = cap};
}

/* y transform and, with whole planes, elimination of levels [k[0], k[1]) in s->ys. */
static void planes_forward(WbPoisson s, int nk, const int k[2]) {
  const size_t plane = (size_t)s->ny * (size_t)s->pitch, ncl = (size_t)s->ncl, pitch = (size_t)s->pitch;
  WbReal *ys = (WbReal *)s->ys + (size_t)k[0] * plane;
  /* what an earlier solve left in the padding would, as the partner of a column, change its rounding */
  for (size_t row = 0; row < (size_t)(k[1] - k[0]) * (size_t)s->ny && ncl < pitch; row++)
    memset(ys + row * pitch + ncl, 0, (pitch - ncl) * sizeof(WbReal));
  WB_R(wb_transform_columns_forward)(&s->ty, k[1] - k[0], s->pitch, ys);
  for (int level = k[1] - 1; level >= k[0] && s->px == 1; level--) WB_R(wb_poisson_eliminate)(s, nk, level);
}

/* Rows of field (nkl, nyl, nx) to modes by planes in s->ys. */
static PetscErrorCode rows_to_planes(WbPoisson s, int nk, const uint8_t *row_used, const WbReal *field) {
  const int nkl = local_levels(s, nk), batches = batches_of(s, nkl), lag = lag_of(s, batches);
  const uint64_t before = s->col.posted;
  int k[2];
  PetscFunctionBeginUser;
  WB_R(wb_poisson_parts)(s, nkl, false);
  wb_window_wait(&s->col, before);          /* nobody reads the solve before any more */
  for (int b = 0; b < batches + lag; b++) { /* from the top */
    if (b < batches) {
      batch_levels(s, nkl, batches - 1 - b, k);
      const int count = list_rows(s, k, row_used, field, true);
      WB_R(wb_transform_rows_forward)(&s->tx, count, s->rows, pieces_of(s));
      wb_window_post(&s->col);
      if (b == batches - 1) PetscCall(WB_R(wb_poisson_x_to_far_y)(s, nkl));
    }
    if (b >= lag) {
      batch_levels(s, nkl, batches - 1 - (b - lag), k);
      wb_window_wait(&s->col, before + (uint64_t)(b - lag + 1));
      planes_forward(s, nk, k);
    }
  }
  PetscFunctionReturn(0);
}

/* r (nk, nyl, nxl) to eliminated modes in s->zs (nk, nrl, pitch). */
PetscErrorCode WB_R(wb_poisson_forward)(WbPoisson s, int nk, const uint8_t *row_used, const void *r) {
  PetscFunctionBeginUser;
  if (s->px > 1) PetscCall(WB_R(wb_poisson_rows_to_x)(s, nk, r));
  PetscCall(rows_to_planes(s, nk, row_used, s->px > 1 ? s->xr : r));
  if (s->px == 1) PetscFunctionReturn(0);
  PetscCall(WB_R(wb_poisson_y_to_z)(s, nk));
  for (int k = nk - 1; k >= 0; k--) WB_R(wb_poisson_eliminate)(s, nk, k);
  PetscFunctionReturn(0);
}

/* Levels [k[0], k[1]): substituted into s->xb, the last one's modes kept for the next call in s->modes. */
static void planes_substitute(WbPoisson s, const int k[2]) {
  const size_t plane = (size_t)s->ny * (size_t)s->pitch;
  WbReal *out = s->xb;
  const WbReal *below = k[0] > 0 ? s->modes : NULL;
  for (int level = k[0]; level < k[1]; level++, below = out, out += plane)
    WB_R(wb_poisson_substitute)(s, level, below, out);
  memcpy(s->modes, out - plane, plane * sizeof(WbReal));
}

/* Planes of levels [k[0], k[1]) back to rows' modes, in s->ys, or in s->xb where the same rank goes on with them. */
static void planes_backward(WbPoisson s, const int k[2]) {
  const size_t plane = (size_t)s->ny * (size_t)s->pitch;
  WbReal *ys = (WbReal *)s->ys + (size_t)k[0] * plane, *modes = s->px == 1 ? s->xb : ys;
  if (s->px == 1) planes_substitute(s, k);
  WB_R(wb_transform_columns_backward)(&s->ty, k[1] - k[0], s->pitch, modes, s->py == 1 ? modes : ys);
}

/* The part of a rank alone is in s->xb, if that is used. */
static void part_alone(WbPoisson s, int k0) {
  if (s->py > 1 || s->px > 1) return;
  s->parts[0].at = s->xb;
  s->parts[0].k0 = k0;
}

static PetscErrorCode planes_to_rows(WbPoisson s, int nk, const uint8_t *row_used, WbReal *field) {
  const int nkl = local_levels(s, nk), batches = batches_of(s, nkl), lag = lag_of(s, batches);
  const uint64_t before = s->col.posted;
  int k[2];
  PetscFunctionBeginUser;
  WB_R(wb_poisson_parts)(s, nkl, true);
  for (int b = 0; b < batches + lag; b++) {
    if (b < batches) {
      batch_levels(s, nkl, b, k);
      planes_backward(s, k);
      wb_window_post(&s->col);
      if (b == batches - 1) PetscCall(WB_R(wb_poisson_far_y_to_x)(s, nkl));
    }
    if (b >= lag) {
      batch_levels(s, nkl, b - lag, k);
      part_alone(s, k[0]);
      wb_window_wait(&s->col, before + (uint64_t)(b - lag + 1));
      const int count = list_rows(s, k, row_used, field, false);
      WB_R(wb_transform_rows_backward)(&s->tx, count, pieces_of(s), s->rows);
    }
  }
  wb_window_post(&s->col); /* all read */
  PetscFunctionReturn(0);
}

/* Eliminated modes in s->zs to p (nk, nyl, nxl). */
PetscErrorCode WB_R(wb_poisson_backward)(WbPoisson s, int nk, const uint8_t *row_used, void *p) {
  const size_t plane = (size_t)s->nrl * (size_t)s->pitch;
  PetscFunctionBeginUser;
  for (int k = 0; k < nk && s->px > 1; k++) {
    WbReal *level = (WbReal *)s->zs + (size_t)k * plane;
    WB_R(wb_poisson_substitute)(s, k, k ? level - plane : NULL, level);
  }
  if (s->px > 1) PetscCall(WB_R(wb_poisson_z_to_y)(s, nk));
  PetscCall(planes_to_rows(s, nk, row_used, s->px > 1 ? s->xr : p));
  if (s->px > 1) PetscCall(WB_R(wb_poisson_rows_from_x)(s, nk, p));
  PetscFunctionReturn(0);
}
