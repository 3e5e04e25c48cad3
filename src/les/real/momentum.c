/* Tendency and update of u, v, w, one level a call: flux form on the Arakawa C grid, second-order central interpolation
 * (Piacsek & Williams 1970; conserves kinetic energy when the velocity is discretely solenoidal, also on stretched
 * levels and along walls), divergence of 2 nu S_ij.
 *
 * Upwind-biased schemes add to each central flux what advect.h works out along the flux's line: it damps the grid-scale
 * waves that central differences leave upstream of buildings.
 *
 * Each flux is worked out once: the x fluxes of a row in a line buffer, the y flux of the row before in another, the z
 * fluxes of the level below in a plane buffer of the component. Closed faces carry no flux because the normal velocity
 * there is 0 and edge viscosities vanish at walls. The loops know no masks: closed faces are set to 0 (wb_les_close)
 * and wall stress is added (wall.c) afterwards by list. Levels must be called in the order 0, 1, ... */
#include "advect.h"

#define HALF ((WbReal)0.5)

/* ---- u ---- */
WB_INLINE WbReal u_flux_x(const WbReal *u, const WbReal *n, WbReal rdx, WbLine a) { /* centre of the cell east of it */
  const WbReal m = HALF * (u[0] + u[1]);
  return m * m - (WbReal)2 * n[0] * (u[1] - u[0]) * rdx - wb_les_beyond_normal(a, m, u + 1);
}
WB_INLINE WbReal u_flux_y(const WbReal *u, const WbReal *v, const WbReal *n, ptrdiff_t sy, WbReal rdx,
                          WbLine a) { /* south */
  const WbReal nu = wb_les_edge(n[-sy - 1], n[-sy], n[-1], n[0]), m = HALF * (v[-1] + v[0]);
  return m * (HALF * (u[-sy] + u[0])) - nu * ((u[0] - u[-sy]) + (v[0] - v[-1])) * rdx -
         wb_les_beyond_tangential(a, m, u);
}
WB_INLINE WbReal u_flux_z(const WbReal *u, const WbReal *w, const WbReal *n, ptrdiff_t sz, WbReal rdx, WbReal rdzf,
                          WbLine a) {
  const WbReal nu = wb_les_edge(n[-sz - 1], n[-sz], n[-1], n[0]), m = HALF * (w[-1] + w[0]);
  return m * (HALF * (u[-sz] + u[0])) - nu * ((u[0] - u[-sz]) * rdzf + (w[0] - w[-1]) * rdx) -
         wb_les_beyond_tangential(a, m, u);
}

WB_INLINE void advance_u(const WbStage *s, int k, bool fifth) {
  const ptrdiff_t sy = s->sy, sz = (ptrdiff_t)s->sz;
  const int n = s->nxl;
  const WbReal rdx = s->rdx, rdz = (WbReal)(1.0 / s->dz[k]), rdzf = (WbReal)(1.0 / s->dzf[k + 1]), dt = s->dt;
  const WbReal force = s->force[0] * (WbReal)s->drive[k] + (WbReal)s->push[0][k];
  const WbLine x = wb_les_line(s, fifth, 1), y = wb_les_line(s, fifth, sy), z = wb_les_line_z(s, fifth, k, 1);
  WbReal *restrict fx = s->fx, *restrict fy = s->fy;
  for (int j = 0; j < s->nyl; j++) {
    const size_t o = s->origin + (size_t)k * s->sz + (size_t)j * (size_t)sy;
    const WbReal *u = s->in[WB_U] + o, *v = s->in[WB_V] + o, *w = s->in[WB_W] + o, *nu = s->nut + o;
    const WbReal *restrict base = s->base[WB_U] + o;
    WbReal *restrict out = s->out[WB_U] + o, *restrict fz = s->fz[WB_U] + (size_t)j * (size_t)n;
    if (k == 0) { /* the ground: no flux but the wall stress of the list */
      for (int i = 0; i < n; i++) fz[i] = 0;
    }
    if (j == 0) {
#pragma omp simd
      for (int i = 0; i < n; i++) fy[i] = u_flux_y(u + i, v + i, nu + i, sy, rdx, y);
    }
#pragma omp simd
    for (int i = 0; i < n + 1; i++) fx[i] = u_flux_x(u + i - 1, nu + i - 1, rdx, x);
#pragma omp simd
    for (int i = 0; i < n; i++) {
      const WbReal fyn = u_flux_y(u + i + sy, v + i + sy, nu + i + sy, sy, rdx, y);
      const WbReal fzt = u_flux_z(u + i + sz, w + i + sz, nu + i + sz, sz, rdx, rdzf, z);
      const WbReal t = force - ((fx[i + 1] - fx[i]) + (fyn - fy[i])) * rdx - (fzt - fz[i]) * rdz;
      fy[i] = fyn;
      fz[i] = fzt;
      out[i] = base[i] + dt * t;
    }
  }
}

/* ---- v ---- */
WB_INLINE WbReal v_flux_x(const WbReal *v, const WbReal *u, const WbReal *n, ptrdiff_t sy, WbReal rdx,
                          WbLine a) { /* west */
  const WbReal nu = wb_les_edge(n[-sy - 1], n[-sy], n[-1], n[0]), m = HALF * (u[-sy] + u[0]);
  return m * (HALF * (v[-1] + v[0])) - nu * ((v[0] - v[-1]) + (u[0] - u[-sy])) * rdx -
         wb_les_beyond_tangential(a, m, v);
}
WB_INLINE WbReal v_flux_y(const WbReal *v, const WbReal *n, ptrdiff_t sy, WbReal rdx, WbLine a) { /* north of face */
  const WbReal m = HALF * (v[0] + v[sy]);
  return m * m - (WbReal)2 * n[0] * (v[sy] - v[0]) * rdx - wb_les_beyond_normal(a, m, v + sy);
}
WB_INLINE WbReal v_flux_z(const WbReal *v, const WbReal *w, const WbReal *n, ptrdiff_t sy, ptrdiff_t sz,
                          const WbReal c[2], WbLine a) {
  const WbReal nu = wb_les_edge(n[-sz - sy], n[-sz], n[-sy], n[0]), m = HALF * (w[-sy] + w[0]);
  return m * (HALF * (v[-sz] + v[0])) - nu * ((v[0] - v[-sz]) * c[1] + (w[0] - w[-sy]) * c[0]) -
         wb_les_beyond_tangential(a, m, v);
}

WB_INLINE void advance_v(const WbStage *s, int k, bool fifth) {
  const ptrdiff_t sy = s->sy, sz = (ptrdiff_t)s->sz;
  const int n = s->nxl;
  const WbReal rdx = s->rdx, rdz = (WbReal)(1.0 / s->dz[k]), rdzf = (WbReal)(1.0 / s->dzf[k + 1]), dt = s->dt;
  const WbReal force = s->force[1] * (WbReal)s->drive[k] + (WbReal)s->push[1][k], c[2] = {rdx, rdzf};
  const WbLine x = wb_les_line(s, fifth, 1), y = wb_les_line(s, fifth, sy), z = wb_les_line_z(s, fifth, k, 1);
  WbReal *restrict fx = s->fx, *restrict fy = s->fy;
  for (int j = 0; j < s->nyl; j++) {
    const size_t o = s->origin + (size_t)k * s->sz + (size_t)j * (size_t)sy;
    const WbReal *u = s->in[WB_U] + o, *v = s->in[WB_V] + o, *w = s->in[WB_W] + o, *nu = s->nut + o;
    const WbReal *restrict base = s->base[WB_V] + o;
    WbReal *restrict out = s->out[WB_V] + o, *restrict fz = s->fz[WB_V] + (size_t)j * (size_t)n;
    if (k == 0) {
      for (int i = 0; i < n; i++) fz[i] = 0;
    }
    if (j == 0) {
#pragma omp simd
      for (int i = 0; i < n; i++) fy[i] = v_flux_y(v + i - sy, nu + i - sy, sy, rdx, y);
    }
#pragma omp simd
    for (int i = 0; i < n + 1; i++) fx[i] = v_flux_x(v + i, u + i, nu + i, sy, rdx, x);
#pragma omp simd
    for (int i = 0; i < n; i++) {
      const WbReal fyn = v_flux_y(v + i, nu + i, sy, rdx, y);
      const WbReal fzt = v_flux_z(v + i + sz, w + i + sz, nu + i + sz, sy, sz, c, z);
      const WbReal t = force - ((fx[i + 1] - fx[i]) + (fyn - fy[i])) * rdx - (fzt - fz[i]) * rdz;
      fy[i] = fyn;
      fz[i] = fzt;
      out[i] = base[i] + dt * t;
    }
  }
}

/* ---- w ---- the cell of face k reaches from centre k - 1 to centre k; volume fluxes through its sides are sums of the
 * two half cells' own, lo = dz[k-1] / (2 dzf), hi = dz[k] / (2 dzf), so that its discrete divergence is their mean. */
WB_INLINE WbReal w_flux_x(const WbReal *w, const WbReal *u, const WbReal *n, ptrdiff_t sz, const WbReal c[4],
                          WbLine a) {
  const WbReal nu = wb_les_edge(n[-sz - 1], n[-sz], n[-1], n[0]), m = c[0] * u[-sz] + c[1] * u[0];
  return m * (HALF * (w[-1] + w[0])) - nu * ((w[0] - w[-1]) * c[2] + (u[0] - u[-sz]) * c[3]) -
         wb_les_beyond_tangential(a, m, w);
}
WB_INLINE WbReal w_flux_y(const WbReal *w, const WbReal *v, const WbReal *n, ptrdiff_t sy, ptrdiff_t sz,
                          const WbReal c[4], WbLine a) {
  const WbReal nu = wb_les_edge(n[-sz - sy], n[-sz], n[-sy], n[0]), m = c[0] * v[-sz] + c[1] * v[0];
  return m * (HALF * (w[-sy] + w[0])) - nu * ((w[0] - w[-sy]) * c[2] + (v[0] - v[-sz]) * c[3]) -
         wb_les_beyond_tangential(a, m, w);
}
WB_INLINE WbReal w_flux_z(const WbReal *w, const WbReal *n, ptrdiff_t sz, WbReal rdz, WbLine a) { /* above face */
  const WbReal m = HALF * (w[0] + w[sz]);
  return m * m - (WbReal)2 * n[0] * (w[sz] - w[0]) * rdz - wb_les_beyond_normal(a, m, w + sz);
}

/* Linear in theta between the centres around face k, minus the reference at the face. */
WB_INLINE void advance_w(const WbStage *s, int k, bool fifth) {
  const ptrdiff_t sy = s->sy, sz = (ptrdiff_t)s->sz;
  const int n = s->nxl;
  const double dzf = s->dzf[k];
  const WbReal rdz = (WbReal)(1.0 / s->dz[k]), rdzf = (WbReal)(1.0 / dzf), dt = s->dt, rdx = s->rdx;
  const WbLine x = wb_les_line(s, fifth, 1), y = wb_les_line(s, fifth, sy), z = wb_les_line_z(s, fifth, k, 0);
  WbReal *restrict fx = s->fx, *restrict fy = s->fy;
  if (k == 0) { /* only the flux at the centre of the lowest level */
    for (int j = 0; j < s->nyl; j++) {
      const size_t o = s->origin + (size_t)j * (size_t)sy;
      WbReal *restrict fz = s->fz[WB_W] + (size_t)j * (size_t)n;
      for (int i = 0; i < n; i++) fz[i] = w_flux_z(s->in[WB_W] + o + i, s->nut + o + i, sz, rdz, z);
    }
    return;
  }
  const WbReal c[4] = {(WbReal)(0.5 * s->dz[k - 1] / dzf), (WbReal)(0.5 * s->dz[k] / dzf), rdx, rdzf};
  const WbReal b_lo = s->buoyancy * c[1], b_hi = s->buoyancy * c[0];
  const WbReal ref = b_lo * (WbReal)s->theta_ref[k - 1] + b_hi * (WbReal)s->theta_ref[k], relax = (WbReal)s->relax_f[k];
  for (int j = 0; j < s->nyl; j++) {
    const size_t o = s->origin + (size_t)k * s->sz + (size_t)j * (size_t)sy;
    const WbReal *u = s->in[WB_U] + o, *v = s->in[WB_V] + o, *w = s->in[WB_W] + o, *nu = s->nut + o;
    const WbReal *theta = s->in[WB_THETA] + o;
    const WbReal *restrict base = s->base[WB_W] + o;
    WbReal *restrict out = s->out[WB_W] + o, *restrict fz = s->fz[WB_W] + (size_t)j * (size_t)n;
    if (j == 0) {
#pragma omp simd
      for (int i = 0; i < n; i++) fy[i] = w_flux_y(w + i, v + i, nu + i, sy, sz, c, y);
    }
#pragma omp simd
    for (int i = 0; i < n + 1; i++) fx[i] = w_flux_x(w + i, u + i, nu + i, sz, c, x);
#pragma omp simd
    for (int i = 0; i < n; i++) {
      const WbReal fyn = w_flux_y(w + i + sy, v + i + sy, nu + i + sy, sy, sz, c, y);
      const WbReal fzt = w_flux_z(w + i, nu + i, sz, rdz, z);
      const WbReal b = (b_lo * theta[i - sz] + b_hi * theta[i]) - ref;
      const WbReal t = b - relax * w[i] - ((fx[i + 1] - fx[i]) + (fyn - fy[i])) * rdx - (fzt - fz[i]) * rdzf;
      fy[i] = fyn;
      fz[i] = fzt;
      out[i] = base[i] + dt * t;
    }
  }
}

#define KERNELS(component)                                                         \
  WB_KERNEL void WB_R(wb_les_advance_##component)(const WbStage *s, int k) {       \
    advance_##component(s, k, false);                                              \
  }                                                                                \
  WB_KERNEL void WB_R(wb_les_advance_fifth_##component)(const WbStage *s, int k) { \
    advance_##component(s, k, true);                                               \
  }
KERNELS(u)
KERNELS(v)
KERNELS(w)
