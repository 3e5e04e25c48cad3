/* Exchange with surfaces: ground by similarity, facets of given temperature by the log law. */
#include "most.h"
#include "stage.h"

/* Mean of the two faces of a cell. */
WB_INLINE double centre(const WbReal *q, ptrdiff_t step) {
  return 0.5 * ((double)q[0] + (double)q[step]);
}

/* Coefficients of the owned ground cells from les->state; theta_change_K is that of the step. */
void WB_R(wb_les_ground)(WbLes les) {
  const WbLesLayout *l = &les->lay;
  WbLesGround *g = &les->ground;
  const WbReal *u = wb_les_field(les, les->state, WB_U), *v = wb_les_field(les, les->state, WB_V),
               *t = wb_les_field(les, les->state, WB_THETA);
  const double z = 0.5 * les->met.dz[1], z0 = les->opt.z0_ground_m, z0h = z0 * les->opt.surface.z0_heat_ratio;
  const double beta = WB_GRAVITY / les->opt.theta_surface_K;
  for (int j = 0; j < l->nyl; j++)
    for (int i = 0; i < l->nxl; i++) {
      const size_t at = wb_les_at(l, 0, j, i), p = at - l->sz, c = (size_t)j * (size_t)l->nxl + (size_t)i;
      if (les->solid[at]) continue;
      const double speed = PetscMax(hypot(centre(u + at, 1), centre(v + at, l->sy)), WB_MOST_CALM_M_PER_S);
      const WbMost m = g->theta ? wb_most_from_difference(z, z0, z0h, speed,
                                                          beta * ((double)t[at] - g->theta[c] - les->theta_change_K))
                                : wb_most_from_flux(z, z0, z0h, speed, beta * g->flux[c]);
      g->planes[p] = m.cd;
      g->planes[l->sz + p] = m.slope;
      g->ch[c] = m.ch;
    }
}

WB_INLINE double mean4(const WbReal *q, ptrdiff_t a, ptrdiff_t b) {
  return 0.25 * (((double)q[0] + (double)q[a]) + ((double)q[b] + (double)q[a + b]));
}

/* Stress on the open faces and heat into the cells of level 0, after the dense kernels of a stage. */
void WB_R(wb_les_ground_exchange)(WbLes les, const WbStage *s) {
  const WbLesLayout *l = &les->lay;
  const WbLesGround *g = &les->ground;
  const ptrdiff_t sy = l->sy;
  const double dt = (double)s->dt, rdz = 1.0 / les->met.dz[1];
  for (int j = 0; j < l->nyl; j++)
    for (int i = 0; i < l->nxl; i++) {
      const size_t at = wb_les_at(l, 0, j, i), p = at - l->sz, c = (size_t)j * (size_t)l->nxl + (size_t)i;
      const WbReal *u = s->in[WB_U] + at, *v = s->in[WB_V] + at;
      const double a = (double)u[0], b = (double)v[0];
      const double cu = 0.5 * (g->planes[p - 1] + g->planes[p]), cv = 0.5 * (g->planes[p - (size_t)sy] + g->planes[p]);
      if (les->flags[at] & WB_OPEN_U) s->out[WB_U][at] -= (WbReal)(dt * rdz * cu * hypot(a, mean4(v, -1, sy)) * a);
      if (les->flags[at] & WB_OPEN_V) s->out[WB_V][at] -= (WbReal)(dt * rdz * cv * hypot(b, mean4(u, -sy, 1)) * b);
      if (!g->theta || les->solid[at]) continue;
      const double speed = PetscMax(hypot(centre(u, 1), centre(v, sy)), WB_MOST_CALM_M_PER_S);
      const double warmer = g->theta[c] + les->theta_change_K - (double)s->in[WB_THETA][at];
      s->out[WB_THETA][at] += (WbReal)(dt * rdz * g->ch[c] * speed * warmer);
    }
}

/* Facets of given temperature with normals along `axis` (0: x). */
void WB_R(wb_les_exchange)(const WbStage *s, const WbLesExchange *list, int axis, double change_K) {
  const ptrdiff_t step[3] = {1, s->sy, (ptrdiff_t)s->sz};
  const int f1 = axis == 0 ? WB_V : WB_U, f2 = axis == 2 ? WB_V : WB_W;
  for (int n = 0; n < list->n; n++) {
    const size_t at = (size_t)list->at[n];
    const double speed = hypot(centre(s->in[f1] + at, step[f1]), centre(s->in[f2] + at, step[f2]));
    const double warmer = list->theta[n] + change_K - (double)s->in[WB_THETA][at];
    s->out[WB_THETA][at] += (WbReal)((double)s->dt * list->rate[n] * PetscMax(speed, WB_MOST_CALM_M_PER_S) * warmer);
  }
}

/* Of les->state, with the coefficients of the last step. */
double WB_R(wb_les_ground_heat)(WbLes les) {
  const WbLesLayout *l = &les->lay;
  const WbReal *u = wb_les_field(les, les->state, WB_U), *v = wb_les_field(les, les->state, WB_V),
               *t = wb_les_field(les, les->state, WB_THETA);
  const WbLesExchange *list = &les->exchange[2];
  double sum = 0.0;
  for (int n = 0; n < les->facets.n; n++) {
    if (les->facets.kind[n] != WB_FACET_GROUND) continue;
    const size_t at = (size_t)les->facets.at[n], c = (size_t)wb_les_facet_column(les, n);
    const double speed = PetscMax(hypot(centre(u + at, 1), centre(v + at, l->sy)), WB_MOST_CALM_M_PER_S);
    if (!isnan(les->facets.flux[n]))
      sum += les->facets.flux[n];
    else if (les->ground.theta)
      sum += les->ground.ch[c] * speed * (les->ground.theta[c] + les->theta_change_K - (double)t[at]);
  }
  for (int n = 0; n < list->n; n++) {
    if (les->facets.kind[list->facet[n]] != WB_FACET_GROUND) continue;
    const size_t at = (size_t)list->at[n];
    const double speed = PetscMax(hypot(centre(u + at, 1), centre(v + at, l->sy)), WB_MOST_CALM_M_PER_S);
    sum += list->rate[n] * les->met.dz[1] * speed * (list->theta[n] + les->theta_change_K - (double)t[at]);
  }
  return sum;
}
