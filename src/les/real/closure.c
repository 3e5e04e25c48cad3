/* Eddy viscosity at cell centres: Vreman (Phys. Fluids 16, 2004, eq. 5-8, c = 2.5 Cs^2) or Smagorinsky.
 *
 * Gradients at centres are central differences. Next to walls they span the wall: velocities inside solid cells are 0,
 * so a wall-normal derivative is (u_2 - 0)/(2h), within 20-40 % of the log law's own at the first point; at the ground
 * the ghost level holds the log law's gradient (boundary.c). */
#include "stage.h"

#define VREMAN_C 0.07 /* 2.5 Cs^2 with Cs = 0.17 */
#define SMAGORINSKY_C 0.16

typedef struct {
  WbReal xx, xy, xz, yx, yy, yz, zx, zy, zz; /* xy: d v / d x */
} Gradient;

WB_INLINE Gradient gradient(const WbReal *u, const WbReal *v, const WbReal *w, ptrdiff_t sy, ptrdiff_t sz,
                            const WbReal m[3]) {
  Gradient a;
  const WbReal q = (WbReal)0.25 * m[0];
  a.xx = (u[1] - u[0]) * m[0];
  a.yy = (v[sy] - v[0]) * m[0];
  a.zz = (w[sz] - w[0]) * m[1];
  a.yx = ((u[sy] + u[sy + 1]) - (u[-sy] + u[1 - sy])) * q;
  a.zx = ((u[sz] + u[sz + 1]) - (u[-sz] + u[1 - sz])) * m[2];
  a.xy = ((v[1] + v[1 + sy]) - (v[-1] + v[sy - 1])) * q;
  a.zy = ((v[sz] + v[sz + sy]) - (v[-sz] + v[sy - sz])) * m[2];
  a.xz = ((w[1] + w[1 + sz]) - (w[-1] + w[sz - 1])) * q;
  a.yz = ((w[sy] + w[sy + sz]) - (w[-sy] + w[sz - sy])) * q;
  return a;
}

WB_INLINE WbReal vreman(Gradient a, WbReal d2, WbReal dz2) {
  const WbReal b11 = d2 * (a.xx * a.xx + a.yx * a.yx) + dz2 * a.zx * a.zx;
  const WbReal b22 = d2 * (a.xy * a.xy + a.yy * a.yy) + dz2 * a.zy * a.zy;
  const WbReal b33 = d2 * (a.xz * a.xz + a.yz * a.yz) + dz2 * a.zz * a.zz;
  const WbReal b12 = d2 * (a.xx * a.xy + a.yx * a.yy) + dz2 * a.zx * a.zy;
  const WbReal b13 = d2 * (a.xx * a.xz + a.yx * a.yz) + dz2 * a.zx * a.zz;
  const WbReal b23 = d2 * (a.xy * a.xz + a.yy * a.yz) + dz2 * a.zy * a.zz;
  const WbReal b = (b11 * b22 - b12 * b12) + (b11 * b33 - b13 * b13) + (b22 * b33 - b23 * b23);
  const WbReal aa = (a.xx * a.xx + a.xy * a.xy + a.xz * a.xz) + (a.yx * a.yx + a.yy * a.yy + a.yz * a.yz) +
                    (a.zx * a.zx + a.zy * a.zy + a.zz * a.zz);
  const WbReal ratio = b / (aa + (WbReal)1e-20);
  return WB_SQRT(ratio > (WbReal)0 ? ratio : (WbReal)0);
}

WB_INLINE WbReal strain(Gradient a) { /* |S| = sqrt(2 S_ij S_ij) */
  const WbReal xy = a.xy + a.yx, xz = a.xz + a.zx, yz = a.yz + a.zy;
  return WB_SQRT((WbReal)2 * (a.xx * a.xx + a.yy * a.yy + a.zz * a.zz) + (xy * xy + xz * xz + yz * yz));
}

typedef struct {
  const WbReal *u, *v, *w;
  const uint8_t *flags;
  WbReal *nut;
  ptrdiff_t sy, sz;
} Row;

/* m: 1/dx, 1/dz, 1/2 / (zc[k+1] - zc[k-1]); c: model constant, molecular viscosity, dx^2, dz^2. Returns the row's max.
 */
WB_KERNEL static void row_vreman(const Row *r, int n, const WbReal m[3], const WbReal c[4]) {
  const WbReal *u = r->u, *v = r->v, *w = r->w;
  const uint8_t *restrict flags = r->flags;
  WbReal *restrict nut = r->nut;
  const ptrdiff_t sy = r->sy, sz = r->sz;
#pragma omp simd
  for (int i = 0; i < n; i++) {
    const Gradient a = gradient(u + i, v + i, w + i, sy, sz, m);
    const WbReal value = c[1] + c[0] * vreman(a, c[2], c[3]);
    const WbReal nu = flags[i] & WB_FLUID_CELL ? value : WB_NUT_SOLID;
    nut[i] = nu;
  }
}

WB_KERNEL static void row_smagorinsky(const Row *r, int n, const WbReal m[3], const WbReal c[4]) {
  const WbReal *u = r->u, *v = r->v, *w = r->w;
  const uint8_t *restrict flags = r->flags;
  WbReal *restrict nut = r->nut;
  const ptrdiff_t sy = r->sy, sz = r->sz;
#pragma omp simd
  for (int i = 0; i < n; i++) {
    const Gradient a = gradient(u + i, v + i, w + i, sy, sz, m);
    const WbReal value = c[1] + c[0] * strain(a);
    const WbReal nu = flags[i] & WB_FLUID_CELL ? value : WB_NUT_SOLID;
    nut[i] = nu;
  }
}

WB_KERNEL static WbReal row_largest(const WbReal *restrict nut, int n) {
  WbReal top = 0;
#pragma omp simd reduction(max : top)
  for (int i = 0; i < n; i++) top = nut[i] > top ? nut[i] : top;
  return top;
}

static void row_constant(const Row *r, int n, WbReal nu) {
  for (int i = 0; i < n; i++) r->nut[i] = r->flags[i] & WB_FLUID_CELL ? nu : WB_NUT_SOLID;
}

/* Ghosts beyond open lateral edges: zero gradient. */
static void copy_edges(WbLes les, WbReal *nut) {
  const WbLesLayout *l = &les->lay;
  const WbGrid *g = les->grid;
  if (g->periodic_x && g->periodic_y) return;
  for (int k = 0; k < l->nz; k++) {
    for (int j = -1; j <= l->nyl && !g->periodic_x; j++) {
      if (g->ix == 0) nut[wb_les_at(l, k, j, -1)] = nut[wb_les_at(l, k, j, 0)];
      if (g->ix == g->px - 1) nut[wb_les_at(l, k, j, l->nxl)] = nut[wb_les_at(l, k, j, l->nxl - 1)];
    }
    for (int i = -1; i <= l->nxl && !g->periodic_y; i++) {
      if (g->iy == 0) nut[wb_les_at(l, k, -1, i)] = nut[wb_les_at(l, k, 0, i)];
      if (g->iy == g->py - 1) nut[wb_les_at(l, k, l->nyl, i)] = nut[wb_les_at(l, k, l->nyl - 1, i)];
    }
  }
}

double WB_R(wb_les_viscosity)(WbLes les, const WbReal *state) {
  const WbLesLayout *l = &les->lay;
  const WbLesMetrics *z = &les->met;
  const double dx = les->grid->dx_m, molecular = les->opt.viscosity_m2_per_s;
  const WbClosure closure = les->opt.closure;
  const int n = l->nxl + 2;
  WbReal *nut = les->nut;
  double largest = 0.0;
  for (int k = 0; k < l->nz; k++) {
    const double dz = z->dz[k + 1], filter = cbrt(dx * dx * dz);
    const WbReal m[3] = {(WbReal)(1.0 / dx), (WbReal)(1.0 / dz), (WbReal)(0.5 / (z->zc[k + 2] - z->zc[k]))};
    const double model = closure == WB_CLOSURE_VREMAN ? VREMAN_C : SMAGORINSKY_C * SMAGORINSKY_C * filter * filter;
    const WbReal c[4] = {(WbReal)model, (WbReal)molecular, (WbReal)(dx * dx), (WbReal)(dz * dz)};
    WbReal top = (WbReal)molecular;
    for (int j = -1; j <= l->nyl; j++) {
      const size_t o = wb_les_at(l, k, j, -1);
      const Row r = {state + o, state + l->field + o, state + 2 * l->field + o, les->flags + o, nut + o,
                     l->sy,     (ptrdiff_t)l->sz};
      if (closure == WB_CLOSURE_VREMAN)
        row_vreman(&r, n, m, c);
      else if (closure == WB_CLOSURE_SMAGORINSKY)
        row_smagorinsky(&r, n, m, c);
      else
        row_constant(&r, n, (WbReal)molecular);
      const WbReal t = row_largest(r.nut, n);
      top = t > top ? t : top;
    }
    const double rate = 2.0 * (double)top * (2.0 / (dx * dx) + 1.0 / (dz * dz));
    largest = rate > largest ? rate : largest;
  }
  copy_edges(les, nut);
  return largest;
}
