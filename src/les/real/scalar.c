/* Tendency and update of theta and other scalars, one level a call: flux form with actual face velocities and the
 * fluxes of scalar_flux.h. */
#include "scalar_flux.h"

#define HALF ((WbReal)0.5)

/* Flux through the face between t[-st] and t[0] with normal velocity vel. */
WB_INLINE WbReal flux(const WbReal *t, const WbReal *n, const WbReal *m, ptrdiff_t st, WbReal vel, WbReal rdh,
                      bool masked) {
  const WbReal face = wb_les_carried(t, m, st, vel, masked), d = t[0] - t[-st], nu = HALF * (n[-st] + n[0]);
  return vel * face - (nu > (WbReal)0 ? nu : (WbReal)0) * rdh * d;
}

typedef struct {
  int field;
  const WbReal *kappa;       /* diffusivity / factor, at centres */
  WbReal factor, relax, ref; /* of this level: damping rate towards ref */
} Scalar;

/* What all rows of a level share. */
typedef struct {
  const WbStage *s;
  const Scalar *c;
  int k;
  WbReal rdz, kx, kz;
} Level;

/* Cells [i0, i1) of row j. */
WB_INLINE void row(const Level *v, int j, int i0, int i1, bool masked) {
  const WbStage *s = v->s;
  const Scalar *c = v->c;
  const ptrdiff_t sy = s->sy, sz = (ptrdiff_t)s->sz;
  const int f = c->field;
  const WbReal rdx = s->rdx, rdz = v->rdz, dt = s->dt, kx = v->kx, kz = v->kz, relax = c->relax, ref = c->ref;
  const size_t o = s->origin + (size_t)v->k * s->sz + (size_t)j * (size_t)sy;
  const WbReal *u = s->in[WB_U] + o, *v_s = s->in[WB_V] + o, *w = s->in[WB_W] + o, *nu = c->kappa + o;
  const WbReal *t = s->in[f] + o, *m = s->fluid + o;
  const WbReal *restrict base = s->base[f] + o;
  WbReal *restrict out = s->out[f] + o, *restrict fz = s->fz[f] + (size_t)j * (size_t)s->nxl;
  WbReal *restrict fx = s->fx, *restrict fy = s->fy, *restrict ft = s->fx + s->nxl + 1;
  if (v->k == 0) {
    for (int i = i0; i < i1; i++) fz[i] = 0;
  }
  if (j == 0) {
#pragma omp simd
    for (int i = i0; i < i1; i++) fy[i] = flux(t + i, nu + i, m + i, sy, v_s[i], kx, masked);
  }
#pragma omp simd
  for (int i = i0; i < i1 + 1; i++) fx[i] = flux(t + i, nu + i, m + i, 1, u[i], kx, masked);
  if (v->k == s->nz - 1) { /* no flux through the top: level nz + 1 does not exist */
    for (int i = i0; i < i1; i++) ft[i] = 0;
  } else {
#pragma omp simd
    for (int i = i0; i < i1; i++) ft[i] = flux(t + i + sz, nu + i + sz, m + i + sz, sz, w[i + sz], kz, masked);
  }
#pragma omp simd
  for (int i = i0; i < i1; i++) {
    const WbReal fyn = flux(t + i + sy, nu + i + sy, m + i + sy, sy, v_s[i + sy], kx, masked);
    const WbReal tend = -((fx[i + 1] - fx[i]) + (fyn - fy[i])) * rdx - (ft[i] - fz[i]) * rdz - relax * (t[i] - ref);
    fy[i] = fyn;
    fz[i] = ft[i];
    out[i] = base[i] + dt * tend;
  }
}

WB_KERNEL static void row_masked(const Level *v, int j, int i0, int i1) {
  row(v, j, i0, i1, true);
}
WB_KERNEL static void row_plain(const Level *v, int j, int i0, int i1) {
  row(v, j, i0, i1, false);
}

/* Runs of blocks that all need the mask or all do not. */
static void advance(const WbStage *s, const Scalar *c, int k) {
  const Level v = {s, c, k, (WbReal)(1.0 / s->dz[k]), c->factor * s->rdx, c->factor * (WbReal)(1.0 / s->dzf[k + 1])};
  const int blocks = wb_les_blocks(s->nxl);
  const uint8_t *near = s->near_wall + (size_t)k * (size_t)s->nyl * (size_t)blocks;
  for (int j = 0; j < s->nyl; j++, near += blocks)
    for (int b = 0, end; b < blocks; b = end) {
      for (end = b + 1; end < blocks && near[end] == near[b]; end++)
        ;
      const int i1 = end < blocks ? end * WB_LES_BLOCK : s->nxl;
      if (near[b])
        row_masked(&v, j, b * WB_LES_BLOCK, i1);
      else
        row_plain(&v, j, b * WB_LES_BLOCK, i1);
    }
  if (s->porous) WB_R(wb_les_porous_scalar)(s, s->porous, c->field, c->kappa, c->factor, c->relax, c->ref, k);
}

void WB_R(wb_les_advance_theta)(const WbStage *s, int k) {
  const Scalar c = {WB_THETA, s->kappa, s->inv_prandtl, (WbReal)s->relax_c[k], (WbReal)s->theta_ref[k]};
  advance(s, &c, k);
}

void WB_R(wb_les_advance_tracer)(const WbStage *s, int field, int k) {
  const Scalar c = {field, s->kappa, s->inv_prandtl, 0, 0};
  advance(s, &c, k);
}

/* Transport with 2 nu; production as it was at the start of the step, dissipation implicit in the energy: e never
 * falls below its least value. */
void WB_R(wb_les_advance_tke)(const WbStage *s, int field, int k) {
  const Scalar c = {field, s->nut, 2, 0, 0};
  const WbReal dt = s->dt, least = (WbReal)WB_TKE_MIN;
  advance(s, &c, k);
  for (int j = 0; j < s->nyl; j++) {
    const size_t o = s->origin + (size_t)k * s->sz + (size_t)j * (size_t)s->sy;
    const WbReal *restrict p = s->production + o, *restrict d = s->decay + o;
    WbReal *restrict e = s->out[field] + o;
    for (int i = 0; i < s->nxl; i++) {
      const WbReal next = (e[i] + dt * p[i]) / (1 + dt * d[i]);
      e[i] = next > least ? next : least;
    }
  }
}

void WB_R(wb_les_emit)(const WbStage *s, int field, const WbLesSourceList *list) {
  for (int n = 0; n < list->n; n++) s->out[field][list->at[n]] += (WbReal)((double)s->dt * list->rate[n]);
}
