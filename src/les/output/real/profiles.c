/* Sums for vertical profiles over this rank's air, and the ground's heat flux. */
#include "output.h"
#include "scalar_flux.h"

/* Row pointers of one level; below: one level down. */
typedef struct {
  const WbReal *u, *v, *w, *t, *nut, *kappa, *fluid;
  const uint8_t *flags;
  ptrdiff_t sy, sz;
} Rows;

static Rows rows_at(WbLes les, size_t o) {
  const WbReal *state = les->state;
  const size_t field = les->lay.field;
  const WbReal *nut = les->nut, *kappa = les->tke_work ? les->tke_work : les->nut;
  return (Rows){.u = state + o,
                .v = state + field + o,
                .w = state + 2 * field + o,
                .t = state + WB_THETA * field + o,
                .nut = nut + o,
                .kappa = kappa + o,
                .fluid = (const WbReal *)les->fluid + o,
                .flags = les->flags + o,
                .sy = les->lay.sy,
                .sz = (ptrdiff_t)les->lay.sz};
}

WB_INLINE double centre(const WbReal *q, ptrdiff_t step) {
  return 0.5 * ((double)q[0] + (double)q[step]);
}
/* Diffusivity at the face between a cell and the one below. */
WB_INLINE double at_face(const WbReal *n, ptrdiff_t sz) {
  const double s = 0.5 * ((double)n[-sz] + (double)n[0]);
  return s > 0.0 ? s : 0.0;
}

/* What the transport of scalars carries through the face below cell i: its flux is theirs, so that budgets close. */
WB_INLINE double carried(const Rows *r, const WbReal *q, int i) {
  return (double)wb_les_carried(q + i, r->fluid + i, r->sz, r->w[i], true);
}

static void add_centres(const Rows *r, int n, double s[WB_PROF_FIXED]) {
  for (int i = 0; i < n; i++) {
    if (!(r->flags[i] & WB_FLUID_CELL)) continue;
    const double u = centre(r->u + i, 1), v = centre(r->v + i, r->sy), t = (double)r->t[i];
    s[WB_PROF_U] += u;
    s[WB_PROF_V] += v;
    s[WB_PROF_THETA] += t;
    s[WB_PROF_UU] += u * u;
    s[WB_PROF_VV] += v * v;
    s[WB_PROF_THETA2] += t * t;
  }
}

/* c: 1 / distance of the centres, 1 / (2 dx), kappa's factor. */
static void add_faces(const Rows *r, int n, const double c[3], double s[WB_PROF_FIXED]) {
  const ptrdiff_t sy = r->sy, sz = r->sz;
  for (int i = 0; i < n; i++) {
    if (!(r->flags[i] & WB_OPEN_W)) continue;
    const double w = (double)r->w[i], t0 = (double)r->t[i - sz], t1 = (double)r->t[i];
    const double u0 = centre(r->u + i - sz, 1), u1 = centre(r->u + i, 1);
    const double v0 = centre(r->v + i - sz, sy), v1 = centre(r->v + i, sy);
    const double nu = at_face(r->nut + i, sz), kappa = c[2] * at_face(r->kappa + i, sz);
    const double wx = ((double)r->w[i + 1] - (double)r->w[i - 1]) * c[1],
                 wy = ((double)r->w[i + sy] - (double)r->w[i - sy]) * c[1];
    const double u = 0.5 * (u0 + u1), v = 0.5 * (v0 + v1), t = carried(r, r->t, i);
    s[WB_PROF_W] += w;
    s[WB_PROF_WW] += w * w;
    s[WB_PROF_U_FACE] += u;
    s[WB_PROF_V_FACE] += v;
    s[WB_PROF_THETA_FACE] += t;
    s[WB_PROF_UW] += u * w;
    s[WB_PROF_VW] += v * w;
    s[WB_PROF_THETAW] += t * w;
    s[WB_PROF_UW_SUBGRID] -= nu * ((u1 - u0) * c[0] + wx);
    s[WB_PROF_VW_SUBGRID] -= nu * ((v1 - v0) * c[0] + wy);
    s[WB_PROF_THETAW_SUBGRID] -= kappa * (t1 - t0) * c[0];
  }
}

static void add_scalar(const Rows *r, const WbReal *q, int n, const double c[3], double s[WB_PROF_PER_SCALAR]) {
  const ptrdiff_t sz = r->sz;
  for (int i = 0; i < n; i++) {
    if (r->flags[i] & WB_FLUID_CELL) s[WB_PROF_C] += (double)q[i];
    if (!(r->flags[i] & WB_OPEN_W)) continue;
    const double q0 = (double)q[i - sz], q1 = (double)q[i];
    const double face = carried(r, q, i);
    s[WB_PROF_C_FACE] += face;
    s[WB_PROF_CW] += face * (double)r->w[i];
    s[WB_PROF_CW_SUBGRID] -= c[2] * at_face(r->kappa + i, sz) * (q1 - q0) * c[0];
  }
}

/* The ground: minus its stress, and its heat flux, in place of the subgrid fluxes of face 0. */
static void add_ground(WbLes les, double weight, double *sum, int levels) {
  const WbLesLayout *l = &les->lay;
  const double log_cd = WB_KARMAN / log(0.5 * les->met.dz[1] / les->opt.z0_ground_m);
  for (int j = 0; j < l->nyl && les->opt.wall == WB_WALL_LOG; j++)
    for (int i = 0; i < l->nxl; i++) {
      const size_t at = wb_les_at(l, 0, j, i);
      const Rows r = rows_at(les, at);
      if (!(r.flags[0] & WB_FLUID_CELL)) continue;
      const double u = centre(r.u, 1), v = centre(r.v, l->sy), speed = hypot(u, v);
      const double cd = les->ground.planes ? les->ground.planes[at - l->sz] : log_cd * log_cd;
      sum[WB_PROF_UW_SUBGRID * levels] -= weight * cd * speed * u;
      sum[WB_PROF_VW_SUBGRID * levels] -= weight * cd * speed * v;
    }
  if (!les->opt.momentum_only) sum[WB_PROF_THETAW_SUBGRID * levels] += weight * WB_R(wb_les_ground_heat)(les);
}

/* Adds weight x this rank's sums to sum (sums, nz + 1): output.h. Ghosts of the state are valid. */
void WB_R(wb_les_profile_add)(WbLes les, double weight, double *sum) {
  const WbLesLayout *l = &les->lay;
  const int levels = l->nz + 1;
  const double factor = les->tke_work ? 1.0 : 1.0 / les->opt.prandtl_turbulent;
  for (int k = 0; k < l->nz; k++) {
    const double c[3] = {1.0 / les->met.dzf[k + 1], 0.5 / les->grid->dx_m, factor};
    double s[WB_PROF_FIXED] = {0.0}, more[WB_LES_FIELDS_MAX - WB_NFIELDS][WB_PROF_PER_SCALAR] = {{0.0}};
    for (int j = 0; j < l->nyl; j++) {
      const size_t o = wb_les_at(l, k, j, 0);
      const Rows r = rows_at(les, o);
      add_centres(&r, l->nxl, s);
      if (k > 0) add_faces(&r, l->nxl, c, s);
      for (int f = WB_NFIELDS; f < les->nf; f++)
        add_scalar(&r, (const WbReal *)les->state + (size_t)f * l->field + o, l->nxl, c, more[f - WB_NFIELDS]);
    }
    for (int f = 0; f < 3 && les->mean_shear.sum; f++)
      s[WB_PROF_UW_SUBGRID + f] += (double)l->nyl * l->nxl * les->mean_shear.flux[f][k];
    for (int n = 0; n < WB_PROF_FIXED; n++) sum[n * levels + k] += weight * s[n];
    for (int n = 0; n < WB_PROF_PER_SCALAR * (les->nf - WB_NFIELDS); n++)
      sum[(WB_PROF_FIXED + n) * levels + k] += weight * (&more[0][0])[n];
  }
  add_ground(les, weight, sum, levels);
}
