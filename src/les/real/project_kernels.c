/* Divergence, and the correction u -= m G x fused with the divergence that it leaves. */
#include "windbridge/real.h"

#include "project.h"

typedef struct {
  WbReal dx, dy, dz; /* inverse spacings; dy = dx */
} Spacing;

typedef struct {
  WbReal max, sum;
} RowResult;

/* Corners of a row: u[i], u[i + 1], v, v_n (north face), w, w_up. mask NULL: all fluid. */
typedef struct {
  const WbReal *u, *v, *v_n, *w, *w_up;
} Faces;

WB_KERNEL static RowResult divergence_plain(int n, const Faces *f, Spacing r, WbReal *restrict div) {
  const WbReal *restrict u = f->u, *restrict v = f->v, *restrict v_n = f->v_n, *restrict w = f->w,
                         *restrict w_up = f->w_up;
  WbReal max = 0, sum = 0;
#pragma omp simd reduction(max : max) reduction(+ : sum)
  for (int i = 0; i < n; i++) {
    const WbReal d = ((u[i + 1] - u[i]) + (v_n[i] - v[i])) * r.dx + (w_up[i] - w[i]) * r.dz;
    const WbReal a = d < 0 ? -d : d;
    div[i] = d;
    sum += d;
    max = a > max ? a : max;
  }
  return (RowResult){max, sum};
}

WB_KERNEL static RowResult divergence_masked(int n, const Faces *f, Spacing r, const uint8_t *restrict mask,
                                             WbReal *restrict div) {
  const WbReal *restrict u = f->u, *restrict v = f->v, *restrict v_n = f->v_n, *restrict w = f->w,
                         *restrict w_up = f->w_up;
  WbReal max = 0, sum = 0;
#pragma omp simd reduction(max : max) reduction(+ : sum)
  for (int i = 0; i < n; i++) {
    const WbReal flux = ((u[i + 1] - u[i]) + (v_n[i] - v[i])) * r.dx + (w_up[i] - w[i]) * r.dz;
    const WbReal d = (mask[i] & WB_FLUID) ? flux : 0;
    const WbReal a = d < 0 ? -d : d;
    div[i] = d;
    sum += d;
    max = a > max ? a : max;
  }
  return (RowResult){max, sum};
}

/* u (from i = 1), v, w of a row whose faces are all open; x_s, x_b: the rows south and below (NULL: ground). */
WB_KERNEL static void correct_plain(int n, WbReal *const uvw[3], const WbReal *restrict x, const WbReal *restrict x_s,
                                    const WbReal *restrict x_b, Spacing r) {
  WbReal *restrict u = uvw[0], *restrict v = uvw[1], *restrict w = uvw[2];
#pragma omp simd
  for (int i = 1; i < n; i++) u[i] -= (x[i] - x[i - 1]) * r.dx;
#pragma omp simd
  for (int i = 0; i < n; i++) v[i] -= (x[i] - x_s[i]) * r.dy;
  if (!x_b) return;
#pragma omp simd
  for (int i = 0; i < n; i++) w[i] -= (x[i] - x_b[i]) * r.dz;
}

WB_KERNEL static void correct_masked(int n, WbReal *const uvw[3], const WbReal *restrict x, const WbReal *restrict x_s,
                                     const WbReal *restrict x_b, Spacing r, const uint8_t *restrict mask) {
  WbReal *restrict u = uvw[0], *restrict v = uvw[1], *restrict w = uvw[2];
#pragma omp simd
  for (int i = 1; i < n; i++) {
    const WbReal g = (x[i] - x[i - 1]) * r.dx;
    u[i] -= (mask[i] & WB_OPEN_WEST) ? g : 0;
  }
#pragma omp simd
  for (int i = 0; i < n; i++) {
    const WbReal g = (x[i] - x_s[i]) * r.dy;
    v[i] -= (mask[i] & WB_OPEN_SOUTH) ? g : 0;
  }
  if (!x_b) return;
#pragma omp simd
  for (int i = 0; i < n; i++) {
    const WbReal g = (x[i] - x_b[i]) * r.dz;
    w[i] -= (mask[i] & WB_OPEN_BELOW) ? g : 0;
  }
}

/* First and last u face of a row, whose other side is a ghost plane. */
static void correct_ends(WbProject pr, int k, int j, WbReal *u, WbReal rdx) {
  const size_t row = (size_t)k * (size_t)pr->nyl + (size_t)j, c = row * (size_t)pr->nxl;
  const WbReal *x = pr->x;
  if (pr->mask[c] & WB_OPEN_WEST) u[0] -= (x[c] - x[pr->ghost[0] + row]) * rdx;
  if (pr->open_east[row]) u[pr->nxl] -= (x[pr->ghost[1] + row] - x[c + (size_t)pr->nxl - 1]) * rdx;
}

static void correct_level(WbProject pr, int k, WbReal *const field[3]) {
  const WbReal *x = pr->x;
  const int n = pr->nxl;
  const size_t nxl = (size_t)n, plane = (size_t)pr->nyl * nxl;
  const Spacing r = {(WbReal)(1 / pr->dx), (WbReal)(1 / pr->dx), (WbReal)pr->rh[k]};
  for (int j = 0; j < pr->nyl; j++) {
    const size_t row = (size_t)k * (size_t)pr->nyl + (size_t)j, c = row * nxl, at = wb_les_at(&pr->lay, k, j, 0);
    const WbReal *south = j > 0 ? x + c - nxl : x + pr->ghost[2] + (size_t)k * nxl;
    const WbReal *below = k > 0 ? x + c - plane : NULL;
    WbReal *const uvw[3] = {field[0] + at, field[1] + at, field[2] + at};
    if (pr->row_plain[row]) {
      correct_plain(n, uvw, x + c, south, below, r);
    } else {
      correct_masked(n, uvw, x + c, south, below, r, pr->mask + c);
    }
    correct_ends(pr, k, j, uvw[0], r.dx);
  }
  const size_t side = (size_t)k * nxl, last = (size_t)k * plane + plane - nxl;
  WbReal *v = field[1] + wb_les_at(&pr->lay, k, pr->nyl, 0);
  for (int i = 0; i < n; i++)
    if (pr->open_north[side + (size_t)i]) v[i] -= (x[pr->ghost[3] + side + (size_t)i] - x[last + (size_t)i]) * r.dy;
}

/* Divergence of level k into rhs; out[0] maximum so far, out[1] sum of dz div. */
static void divergence_level(WbProject pr, int k, const WbReal *const field[3], double out[2]) {
  const Spacing r = {(WbReal)(1 / pr->dx), (WbReal)(1 / pr->dx), (WbReal)(1 / pr->dz[k])};
  for (int j = 0; j < pr->nyl; j++) {
    const size_t row = (size_t)k * (size_t)pr->nyl + (size_t)j, c = row * (size_t)pr->nxl;
    const size_t at = wb_les_at(&pr->lay, k, j, 0);
    const Faces f = {field[0] + at, field[1] + at, field[1] + at + (size_t)pr->lay.sy, field[2] + at,
                     field[2] + at + pr->lay.sz};
    WbReal *div = (WbReal *)pr->rhs + c;
    const RowResult res = pr->row_plain[row] ? divergence_plain(pr->nxl, &f, r, div)
                                             : divergence_masked(pr->nxl, &f, r, pr->mask + c, div);
    out[0] = (double)res.max > out[0] ? (double)res.max : out[0];
    out[1] += (double)res.sum * pr->dz[k];
  }
}

/* out[0]: largest |div| of this rank; out[1]: sum of dz div, not finite if any div is not. */
void WB_R(wb_project_divergence)(WbProject pr, const void *u, const void *v, const void *w, double out[2]) {
  const WbReal *const field[3] = {u, v, w};
  out[0] = out[1] = 0;
  for (int k = 0; k < pr->nz; k++) divergence_level(pr, k, field, out);
}

void WB_R(wb_project_correct)(WbProject pr, void *u, void *v, void *w, double out[2]) {
  WbReal *const field[3] = {u, v, w};
  const WbReal *const read[3] = {u, v, w};
  out[0] = out[1] = 0;
  for (int k = 0; k < pr->nz; k++) { /* a level's divergence needs the w faces above it */
    correct_level(pr, k, field);
    if (k > 0) divergence_level(pr, k - 1, read, out);
  }
  divergence_level(pr, pr->nz - 1, read, out);
}
