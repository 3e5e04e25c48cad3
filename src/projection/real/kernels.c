/* Divergence, and the correction u -= m G x fused with the divergence that it leaves. */
#include "windbridge/real.h"

#include "projection_internal.h"

#if WB_SINGLE
typedef int32_t WbBits;
#else
typedef int64_t WbBits;
#endif
#define WB_INLINE static inline __attribute__((always_inline))

typedef struct {
  WbReal dx, dy, dz; /* inverse spacings; dy = dx */
} Spacing;

/* Row pointers: u[i], u[i + 1], v, v_n (north face), w, w_up. */
typedef struct {
  const WbReal *u, *v, *v_n, *w, *w_up;
} Faces;

/* 1 where the mask has the bit (a power of two), else 0: a product vectorises where a choice does not. */
WB_INLINE WbReal bit(uint8_t mask, int which) {
  return (WbReal)((int)mask / which & 1);
}

/* Bits of |d|: as integers they order like the numbers, and anything not finite is larger. */
WB_INLINE WbBits magnitude(WbReal d) {
  WbBits bits;
  __builtin_memcpy(&bits, &d, sizeof(bits));
  return bits & (WB_SINGLE ? (WbBits)INT32_MAX : (WbBits)INT64_MAX);
}

WB_INLINE double magnitude_value(WbBits bits) {
  WbReal d;
  __builtin_memcpy(&d, &bits, sizeof(bits));
  return (double)d;
}

/* Divergence of one row into div if `store`; mask is read if `masked`. Returns the largest magnitude. */
WB_INLINE WbBits divergence_row(int n, const Faces *f, Spacing r, const uint8_t *restrict mask, WbReal *restrict div,
                                bool masked, bool store) {
  const WbReal *restrict u = f->u, *restrict v = f->v, *restrict v_n = f->v_n, *restrict w = f->w,
                         *restrict w_up = f->w_up;
  WbBits max = 0;
#pragma omp simd reduction(max : max)
  for (int i = 0; i < n; i++) {
    const WbReal flux = ((u[i + 1] - u[i]) + (v_n[i] - v[i])) * r.dx + (w_up[i] - w[i]) * r.dz;
    const WbReal d = masked ? flux * bit(mask[i], WB_FLUID) : flux;
    const WbBits a = magnitude(d);
    if (store) div[i] = d;
    max = a > max ? a : max;
  }
  return max;
}

/* u (but its first face), v, w of a row; x_s, x_b: the rows south and below. Level 0 has no open lower face: dz = 0.
 * The loop runs over whole rows, that is whole vectors (x[-1] may be read, and is forgotten). */
WB_INLINE void correct_row(int n, WbReal *const uvw[3], const WbReal *const xs[3], Spacing r,
                           const uint8_t *restrict mask, bool masked) {
  WbReal *restrict u = uvw[0], *restrict v = uvw[1], *restrict w = uvw[2];
  const WbReal *restrict x = xs[0], *restrict x_s = xs[1], *restrict x_b = xs[2];
#pragma omp simd
  for (int i = 0; i < n; i++) {
    const WbReal gu = (x[i] - x[i - 1]) * r.dx, gv = (x[i] - x_s[i]) * r.dy, gw = (x[i] - x_b[i]) * r.dz;
    u[i] -= masked ? gu * bit(mask[i], WB_OPEN_WEST) : gu;
    v[i] -= masked ? gv * bit(mask[i], WB_OPEN_SOUTH) : gv;
    w[i] -= masked ? gw * bit(mask[i], WB_OPEN_BELOW) : gw;
  }
}

/* First and last u face of a row, whose other side is a ghost plane. */
WB_INLINE void ends_of_row(WbProject pr, size_t row, const WbReal *u, WbReal rdx, WbReal out[2]) {
  const size_t c = row * (size_t)pr->nxl;
  const WbReal *x = pr->x;
  out[0] = u[0] - (x[c] - x[pr->ghost[0] + row]) * rdx * pr->open_west[row];
  out[1] = u[pr->nxl] - (x[pr->ghost[1] + row] - x[c + (size_t)pr->nxl - 1]) * rdx * pr->open_east[row];
}

WB_KERNEL static void correct_level(WbProject pr, int k, WbReal *const field[3]) {
  const WbReal *x = pr->x;
  const int n = pr->nxl;
  const size_t nxl = (size_t)n, plane = (size_t)pr->nyl * nxl;
  const Spacing r = {(WbReal)(1 / pr->dx), (WbReal)(1 / pr->dx), (WbReal)pr->rh[k]};
  for (int j = 0; j < pr->nyl; j++) {
    const size_t row = (size_t)k * (size_t)pr->nyl + (size_t)j, c = row * nxl, at = wb_layout_at(&pr->lay, k, j, 0);
    const WbReal *south = j > 0 ? x + c - nxl : x + pr->ghost[2] + (size_t)k * nxl;
    const WbReal *const xs[3] = {x + c, south, k > 0 ? x + c - plane : x + c};
    WbReal *const uvw[3] = {field[0] + at, field[1] + at, field[2] + at};
    WbReal ends[2];
    ends_of_row(pr, row, uvw[0], r.dx, ends);
    if (pr->row_plain[row]) {
      correct_row(n, uvw, xs, r, NULL, false);
    } else {
      correct_row(n, uvw, xs, r, pr->mask + c, true);
    }
    uvw[0][0] = ends[0];
    uvw[0][n] = ends[1];
  }
  const size_t side = (size_t)k * nxl, last = (size_t)k * plane + plane - nxl;
  WbReal *v = field[1] + wb_layout_at(&pr->lay, k, pr->nyl, 0);
  for (int i = 0; i < n; i++)
    if (pr->open_north[side + (size_t)i]) v[i] -= (x[pr->ghost[3] + side + (size_t)i] - x[last + (size_t)i]) * r.dy;
}

/* What the correction by masks took too much off faces that are open in part. */
static void restore_partial(WbProject pr, int k, WbReal *const field[3]) {
  const WbReal *x = pr->x;
  for (int d = 0; d < 3 && pr->partial[d].level_start; d++) {
    const WbProjectPartial *p = &pr->partial[d];
    for (int n = p->level_start[k]; n < p->level_start[k + 1]; n++)
      field[d][p->at[n]] += (WbReal)p->closed[n] * (x[p->hi[n]] - x[p->lo[n]]);
  }
}

/* Largest |divergence| of level k, which goes to rhs if `store`. */
WB_KERNEL static WbBits divergence_level(WbProject pr, int k, const WbReal *const field[3], bool store) {
  const Spacing r = {(WbReal)(1 / pr->dx), (WbReal)(1 / pr->dx), (WbReal)(1 / pr->dz[k])};
  const int n = pr->nxl;
  WbBits max = 0;
  for (int j = 0; j < pr->nyl; j++) {
    const size_t row = (size_t)k * (size_t)pr->nyl + (size_t)j, c = row * (size_t)n;
    const size_t at = wb_layout_at(&pr->lay, k, j, 0);
    const Faces f = {field[0] + at, field[1] + at, field[1] + at + (size_t)pr->lay.sy, field[2] + at,
                     field[2] + at + pr->lay.sz};
    WbReal *div = (WbReal *)pr->rhs + c;
    const uint8_t *mask = pr->mask + c;
    const bool plain = pr->row_plain[row];
    const WbBits a = store ? (plain ? divergence_row(n, &f, r, mask, div, false, true)
                                    : divergence_row(n, &f, r, mask, div, true, true))
                           : (plain ? divergence_row(n, &f, r, mask, div, false, false)
                                    : divergence_row(n, &f, r, mask, div, true, false));
    max = a > max ? a : max;
  }
  return max;
}

/* Divergence into rhs; returns the largest magnitude of this rank, not finite if any is not. */
double WB_R(wb_project_divergence)(WbProject pr, const void *u, const void *v, const void *w) {
  const WbReal *const field[3] = {u, v, w};
  WbBits max = 0;
  for (int k = 0; k < pr->nz; k++) {
    const WbBits a = divergence_level(pr, k, field, true);
    max = a > max ? a : max;
  }
  return magnitude_value(max);
}

/* Correction by x; returns the largest divergence it leaves on this rank (rhs is not touched). */
double WB_R(wb_project_correct)(WbProject pr, void *u, void *v, void *w) {
  WbReal *const field[3] = {u, v, w};
  const WbReal *const read[3] = {u, v, w};
  WbBits max = 0;
  for (int k = 0; k <= pr->nz; k++) { /* a level's divergence needs the w faces above it */
    if (k < pr->nz) {
      correct_level(pr, k, field);
      restore_partial(pr, k, field);
    }
    const WbBits a = k > 0 ? divergence_level(pr, k - 1, read, false) : 0;
    max = a > max ? a : max;
  }
  return magnitude_value(max);
}

/* Net outflow of this rank through one prescribed side (0 .. 3: W, E, S, N), over dx: its part of the sum of dz div. */
static double side_flux(WbProject pr, int side, const WbReal *field) {
  const bool along_x = side < 2;
  const int m = along_x ? pr->nyl : pr->nxl, edge = side % 2 ? (along_x ? pr->nxl : pr->nyl) : 0;
  const int inside = side % 2 ? edge - 1 : 0;
  double sum = 0;
  if (pr->neighbour[side] != MPI_PROC_NULL) return 0;
  for (int k = 0; k < pr->nz; k++)
    for (int s = 0; s < m; s++) {
      const int j = along_x ? s : inside, i = along_x ? inside : s;
      const size_t c = ((size_t)k * (size_t)pr->nyl + (size_t)j) * (size_t)pr->nxl + (size_t)i;
      const size_t at = along_x ? wb_layout_at(&pr->lay, k, s, edge) : wb_layout_at(&pr->lay, k, edge, s);
      if (pr->mask[c] & WB_FLUID) sum += pr->dz[k] * (double)field[at];
    }
  return (side % 2 ? sum : -sum) / pr->dx;
}

double WB_R(wb_project_outflow)(WbProject pr, const void *u, const void *v) {
  return side_flux(pr, 0, u) + side_flux(pr, 1, u) + side_flux(pr, 2, v) + side_flux(pr, 3, v);
}
