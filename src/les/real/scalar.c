/* Tendency and update of theta, one level a call: flux form with actual face velocities, Koren's (1993) limited
 * third-order upwind interpolation, diffusion nu_t / Pr_t. A solid upwind-upwind neighbour counts as zero gradient. */
#include "stage.h"

#define HALF ((WbReal)0.5)

/* Koren's limiter as an increment from the upwind value: 1/2 minmod(2 b, (a + 2 b)/3, 2 a), a = gradient upwind of the
 * upwind cell, b = across the face. */
WB_INLINE WbReal koren(WbReal a, WbReal b) {
  const WbReal third = (WbReal)(1.0 / 3.0);
  const WbReal aa = WB_ABS(a), bb = WB_ABS(b);
  const WbReal small = aa < bb ? aa : bb, mid = HALF * third * (aa + (WbReal)2 * bb);
  const WbReal size = small < mid ? small : mid;
  return a * b > (WbReal)0 ? (b > (WbReal)0 ? size : -size) : (WbReal)0;
}

/* Flux through the face between t[-st] and t[0] with normal velocity vel. m: 1 in fluid, 0 in solid cells. */
WB_INLINE WbReal flux(const WbReal *t, const WbReal *n, const WbReal *m, ptrdiff_t st, WbReal vel, WbReal rdh,
                      bool masked) {
  const bool forward = vel > (WbReal)0;
  const WbReal d = t[0] - t[-st];
  WbReal a_lo = t[-st] - t[-2 * st], a_hi = t[0] - t[st];
  if (masked) {
    a_lo *= m[-2 * st];
    a_hi *= m[st];
  }
  const WbReal up = forward ? t[-st] : t[0];
  const WbReal face = up + koren(forward ? a_lo : a_hi, forward ? d : -d);
  const WbReal nu = HALF * (n[-st] + n[0]);
  return vel * face - (nu > (WbReal)0 ? nu : (WbReal)0) * rdh * d;
}

WB_INLINE void level(const WbStage *s, int k, bool masked) {
  const ptrdiff_t sy = s->sy, sz = (ptrdiff_t)s->sz;
  const int n = s->nxl;
  const WbReal rdx = s->rdx, rdz = (WbReal)(1.0 / s->dz[k]), dt = s->dt;
  const WbReal kx = s->inv_prandtl * rdx, kz = s->inv_prandtl * (WbReal)(1.0 / s->dzf[k + 1]);
  const WbReal relax = (WbReal)s->relax_c[k], ref = (WbReal)s->theta_ref[k];
  WbReal *restrict fx = s->fx, *restrict fy = s->fy;
  const bool top = k == s->nz - 1; /* no flux through the top: level nz + 1 does not exist */
  for (int j = 0; j < s->nyl; j++) {
    const size_t o = s->origin + (size_t)k * s->sz + (size_t)j * (size_t)sy;
    const WbReal *u = s->in[WB_U] + o, *v = s->in[WB_V] + o, *w = s->in[WB_W] + o, *nu = s->nut + o;
    const WbReal *t = s->in[WB_THETA] + o, *m = s->fluid + o;
    const WbReal *restrict base = s->base[WB_THETA] + o;
    WbReal *restrict out = s->out[WB_THETA] + o, *restrict fz = s->fz[WB_THETA] + (size_t)j * (size_t)n;
    WbReal *restrict ft = s->fx + n + 1;
    if (k == 0) {
      for (int i = 0; i < n; i++) fz[i] = 0;
    }
    if (j == 0) {
#pragma omp simd
      for (int i = 0; i < n; i++) fy[i] = flux(t + i, nu + i, m + i, sy, v[i], kx, masked);
    }
#pragma omp simd
    for (int i = 0; i < n + 1; i++) fx[i] = flux(t + i, nu + i, m + i, 1, u[i], kx, masked);
    if (top) {
      for (int i = 0; i < n; i++) ft[i] = 0;
    } else {
#pragma omp simd
      for (int i = 0; i < n; i++) ft[i] = flux(t + i + sz, nu + i + sz, m + i + sz, sz, w[i + sz], kz, masked);
    }
#pragma omp simd
    for (int i = 0; i < n; i++) {
      const WbReal fyn = flux(t + i + sy, nu + i + sy, m + i + sy, sy, v[i + sy], kx, masked);
      const WbReal tend = -((fx[i + 1] - fx[i]) + (fyn - fy[i])) * rdx - (ft[i] - fz[i]) * rdz - relax * (t[i] - ref);
      fy[i] = fyn;
      fz[i] = ft[i];
      out[i] = base[i] + dt * tend;
    }
  }
}

WB_KERNEL static void level_masked(const WbStage *s, int k) {
  level(s, k, true);
}
WB_KERNEL static void level_plain(const WbStage *s, int k) {
  level(s, k, false);
}

void WB_R(wb_les_advance_theta)(const WbStage *s, int k) {
  if (k < s->mask_levels)
    level_masked(s, k);
  else
    level_plain(s, k);
}
