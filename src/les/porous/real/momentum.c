/* Tendency of the volume fluxes on the listed faces: the fluxes of ../real/momentum.c with the volume flux as carrier
 * and the air's own velocity as what is carried, viscous stress through the open part of each side, and drag, implicit
 * in the velocity. */
#include "advect.h"
#include "porous.h"

#define HALF ((WbReal)0.5)

typedef struct {
  const WbStage *s;
  const WbReal *flux[3], *own[3]; /* q and u */
  const float *aperture[3], *share;
  ptrdiff_t step[3];
  int f;
} Fields;

/* Flux of component f along itself through the centre of cell `at`, whose lower face `at` is. */
static WbReal along(const Fields *a, size_t at, WbReal rh, WbLine line) {
  const ptrdiff_t st = a->step[a->f];
  const WbReal *q = a->flux[a->f] + at, *u = a->own[a->f] + at;
  const WbReal m = HALF * (q[0] + q[st]);
  return m * (HALF * (u[0] + u[st])) - (WbReal)2 * a->s->nut[at] * (u[st] - u[0]) * rh * (WbReal)a->share[at] -
         wb_les_beyond_normal(line, m, u + st);
}

/* Flux of component f along axis t through the lower side of its box; c: weights of the two halves of the side. */
static WbReal across(const Fields *a, int t, size_t at, const WbReal c[2], WbReal rht, WbReal rhf, WbLine line) {
  const ptrdiff_t sf = a->step[a->f], st = a->step[t];
  const WbReal *q = a->flux[t] + at, *ut = a->own[t] + at, *u = a->own[a->f] + at, *n = a->s->nut + at;
  const WbReal m = c[0] * q[-sf] + c[1] * q[0], nu = wb_les_edge(n[-st - sf], n[-st], n[-sf], n[0]);
  const WbReal open = c[0] * (WbReal)a->aperture[t][at - (size_t)sf] + c[1] * (WbReal)a->aperture[t][at];
  return m * (HALF * (u[-st] + u[0])) - open * nu * ((u[0] - u[-st]) * rht + (ut[0] - ut[-sf]) * rhf) -
         wb_les_beyond_tangential(line, m, u);
}

/* Minus the divergence of the momentum flux of u or v. */
static WbReal horizontal(const Fields *a, size_t at, int k) {
  const WbStage *s = a->s;
  const int f = a->f, t = 1 - f;
  const WbReal c[2] = {HALF, HALF}, rdx = s->rdx;
  const WbLine lf = wb_les_line(s, false, a->step[f]), lt = wb_les_line(s, false, a->step[t]);
  const WbReal x = along(a, at, rdx, lf) - along(a, at - (size_t)a->step[f], rdx, lf);
  const WbReal y = across(a, t, at + (size_t)a->step[t], c, rdx, rdx, lt) - across(a, t, at, c, rdx, rdx, lt);
  const WbReal low =
      k == 0 ? 0 : across(a, WB_W, at, c, (WbReal)(1.0 / s->dzf[k]), rdx, wb_les_line_z(s, false, k - 1, 1));
  const WbReal high = across(a, WB_W, at + s->sz, c, (WbReal)(1.0 / s->dzf[k + 1]), rdx, wb_les_line_z(s, false, k, 1));
  return -(x + y) * rdx - (high - low) * (WbReal)(1.0 / s->dz[k]);
}

static WbReal vertical(const Fields *a, size_t at, int k) {
  const WbStage *s = a->s;
  const double dzf = s->dzf[k];
  const WbReal c[2] = {(WbReal)(0.5 * s->dz[k - 1] / dzf), (WbReal)(0.5 * s->dz[k] / dzf)};
  const WbReal rdx = s->rdx, rdzf = (WbReal)(1.0 / dzf);
  const WbLine lx = wb_les_line(s, false, a->step[0]), ly = wb_les_line(s, false, a->step[1]);
  const WbReal x = across(a, WB_U, at + (size_t)a->step[0], c, rdx, rdzf, lx) - across(a, WB_U, at, c, rdx, rdzf, lx);
  const WbReal y = across(a, WB_V, at + (size_t)a->step[1], c, rdx, rdzf, ly) - across(a, WB_V, at, c, rdx, rdzf, ly);
  const WbReal low = along(a, at - s->sz, (WbReal)(1.0 / s->dz[k - 1]), wb_les_line_z(s, false, k - 1, 0));
  const WbReal high = along(a, at, (WbReal)(1.0 / s->dz[k]), wb_les_line_z(s, false, k, 0));
  return -(x + y) * rdx - (high - low) * rdzf;
}

/* What acts on the air of the box as a whole, as a pressure gradient does. */
static WbReal body(const Fields *a, size_t at, int k) {
  const WbStage *s = a->s;
  if (a->f != WB_W) return s->force[a->f] * (WbReal)s->drive[k] + (WbReal)s->push[a->f][k];
  const double dzf = s->dzf[k];
  const WbReal lo = s->buoyancy * (WbReal)(0.5 * s->dz[k] / dzf), hi = s->buoyancy * (WbReal)(0.5 * s->dz[k - 1] / dzf);
  const WbReal *t = s->in[WB_THETA] + at;
  return (lo * t[-(ptrdiff_t)s->sz] + hi * t[0]) - (lo * (WbReal)s->theta_ref[k - 1] + hi * (WbReal)s->theta_ref[k]) -
         (WbReal)s->relax_f[k] * a->own[WB_W][at];
}

/* Mean of the four faces of component t around face `at` of f. */
static WbReal beside(const Fields *a, int t, size_t at) {
  const WbReal *u = a->own[t] + at;
  const ptrdiff_t down = -a->step[a->f], up = a->step[t];
  return (WbReal)0.25 * ((u[0] + u[down]) + (u[up] + u[up + down]));
}

/* Drag over speed: form drag by the component's own speed, walls by the speed along them. */
static WbReal resistance(const Fields *a, const WbLesPorousFaces *list, int n, size_t at) {
  static const int with[3][2] = {
      {WB_W, WB_V}, {WB_W, WB_U}, {WB_V, WB_U}}; /* walls facing the first, second other axis */
  const WbReal u = a->own[a->f][at];
  const WbReal p = beside(a, with[a->f][0], at), r = beside(a, with[a->f][1], at);
  return (WbReal)list->form[n] * WB_ABS(u) + (WbReal)list->c1[n] * WB_SQRT(u * u + p * p) +
         (WbReal)list->c2[n] * WB_SQRT(u * u + r * r);
}

/* Level k, after the plain kernels of u, v, w. */
void WB_R(wb_les_porous_momentum)(const WbStage *s, const struct WbLesPorous_s *p, size_t field, int k) {
  const WbReal *own = p->velocity;
  Fields a = {.s = s, .share = p->share[WB_THETA], .step = {1, s->sy, (ptrdiff_t)s->sz}};
  for (int f = 0; f < 3; f++) {
    a.flux[f] = s->in[f];
    a.own[f] = own + (size_t)f * field;
    a.aperture[f] = p->aperture[f];
  }
  for (int f = 0; f < 3; f++) {
    const WbLesPorousFaces *list = &p->face[f];
    a.f = f;
    for (int n = list->level_start[k]; n < list->level_start[k + 1]; n++) {
      const size_t at = (size_t)list->at[n];
      const WbReal t =
          (WbReal)list->aperture[n] * body(&a, at, k) + (f == WB_W ? vertical(&a, at, k) : horizontal(&a, at, k));
      s->out[f][at] = (s->base[f][at] + s->dt * t) / ((WbReal)1 + s->dt * resistance(&a, list, n, at));
    }
  }
}
