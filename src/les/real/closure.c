/* Eddy viscosity at cell centres: Vreman (Phys. Fluids 16, 2004, eq. 5-8, c = 2.5 Cs^2), Smagorinsky, or from the
 * subgrid kinetic energy (Deardorff 1980, Boundary-Layer Meteorol. 18): nu = 0.1 l sqrt(e), kappa = (1 + 2 l/D) nu,
 * dissipation (0.19 + 0.74 l/D) e^1.5 / l, l the least of D = (dx^2 dz)^1/3, 1.8 z and, where stable, 0.76 sqrt(e) / N.
 *
 * Gradients at centres are central differences. Next to walls they span the wall: velocities inside solid cells are 0,
 * so a wall-normal derivative is (u_2 - 0)/(2h), within 20-40 % of the log law's own at the first point; at the ground
 * the ghost level holds the log law's gradient (boundary.c). */
#include "stage.h"

#define VREMAN_C 0.07 /* 2.5 Cs^2 with Cs = 0.17 */
#define SMAGORINSKY_C 0.16
#define DEARDORFF_C 0.1

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
  /* Deardorff */
  const WbReal *t, *e, *fluid;
  WbReal *kappa, *production, *decay;
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

/* d: D, 1.8 z, g / theta0, distance of the centres above and below. Beside a solid cell the gradient of theta is
 * one-sided. */
WB_KERNEL static void row_deardorff(const Row *r, int n, const WbReal m[3], const WbReal c[4], const WbReal d[5]) {
  const WbReal *u = r->u, *v = r->v, *w = r->w, *t = r->t, *fl = r->fluid, *energy = r->e;
  const uint8_t *restrict flags = r->flags;
  WbReal *restrict nut = r->nut, *restrict kappa = r->kappa, *restrict production = r->production,
                   *restrict decay = r->decay;
  const ptrdiff_t sy = r->sy, sz = r->sz;
  const WbReal longest = d[0] < d[1] ? d[0] : d[1];
#pragma omp simd
  for (int i = 0; i < n; i++) {
    const Gradient a = gradient(u + i, v + i, w + i, sy, sz, m);
    const WbReal up = fl[i + sz], down = fl[i - sz], span = up * d[3] + down * d[4];
    const WbReal dtheta = up * (t[i + sz] - t[i]) + down * (t[i] - t[i - sz]);
    const WbReal n2 = span > 0 ? d[2] * dtheta / span : 0;
    const WbReal root = WB_SQRT(energy[i] > (WbReal)WB_TKE_MIN ? energy[i] : (WbReal)WB_TKE_MIN);
    const WbReal stable = n2 > 0 ? (WbReal)0.76 * root / WB_SQRT(n2 + (WbReal)1e-20) : longest;
    const WbReal l = stable < longest ? stable : longest, ratio = l / d[0];
    const WbReal nu = c[0] * l * root, heat = (1 + 2 * ratio) * nu, s = strain(a);
    const bool fluid = flags[i] & WB_FLUID_CELL;
    nut[i] = fluid ? c[1] + nu : WB_NUT_SOLID;
    kappa[i] = fluid ? c[2] + heat : WB_NUT_SOLID;
    production[i] = nu * s * s - heat * n2;
    decay[i] = ((WbReal)0.19 + (WbReal)0.74 * ratio) * root / l;
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

/* One level of Deardorff's closure, ring included; returns the largest diffusivity, that of heat counted in. */
static WbReal deardorff_level(WbLes les, const WbReal *state, int k, const WbReal m[3]) {
  const WbLesLayout *l = &les->lay;
  const WbLesMetrics *z = &les->met;
  const double dx = les->grid->dx_m, molecular = les->opt.viscosity_m2_per_s;
  const WbReal c[4] = {(WbReal)DEARDORFF_C, (WbReal)molecular, (WbReal)(molecular / les->opt.prandtl_turbulent), 0};
  const WbReal d[5] = {(WbReal)cbrt(dx * dx * z->dz[k + 1]), (WbReal)(1.8 * z->zc[k + 1]),
                       les->opt.momentum_only ? 0 : (WbReal)(WB_GRAVITY / les->opt.theta_surface_K),
                       (WbReal)z->dzf[k + 1 + 1], (WbReal)z->dzf[k + 1]};
  WbReal *work = les->tke_work, top = 0;
  const int n = l->nxl + 2;
  for (int j = -1; j <= l->nyl; j++) {
    const size_t o = wb_les_at(l, k, j, -1);
    const Row r = {.u = state + o,
                   .v = state + l->field + o,
                   .w = state + 2 * l->field + o,
                   .flags = les->flags + o,
                   .nut = (WbReal *)les->nut + o,
                   .sy = l->sy,
                   .sz = (ptrdiff_t)l->sz,
                   .t = state + WB_THETA * l->field + o,
                   .e = state + (size_t)les->tke_field * l->field + o,
                   .fluid = (const WbReal *)les->fluid + o,
                   .kappa = work + o,
                   .production = work + l->field + o,
                   .decay = work + 2 * l->field + o};
    row_deardorff(&r, n, m, c, d);
    const WbReal heat = row_largest(r.kappa, n), energy = 2 * row_largest(r.nut, n);
    top = heat > top ? heat : top;
    top = energy > top ? energy : top;
  }
  return top;
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
    if (closure == WB_CLOSURE_DEARDORFF) top = deardorff_level(les, state, k, m);
    for (int j = -1; j <= l->nyl && closure != WB_CLOSURE_DEARDORFF; j++) {
      const size_t o = wb_les_at(l, k, j, -1);
      const Row r = {.u = state + o,
                     .v = state + l->field + o,
                     .w = state + 2 * l->field + o,
                     .flags = les->flags + o,
                     .nut = nut + o,
                     .sy = l->sy,
                     .sz = (ptrdiff_t)l->sz};
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
  if (les->tke_work) copy_edges(les, les->tke_work);
  return largest;
}
