/* Sparse corrections next to walls: log-law (or no-slip) stress and heat flux, after the dense kernels of a stage. */
#include "stage.h"

void WB_R(wb_les_close)(WbReal *field, const WbLesRuns *runs, int k) {
  for (int r = runs->level_start[k]; r < runs->level_start[k + 1]; r++)
    for (int i = 0; i < runs->len[r]; i++) field[runs->at[r] + i] = 0;
}

/* Means of the four faces around a face of another component. */
WB_INLINE WbReal mean4(const WbReal *q, ptrdiff_t a, ptrdiff_t b) {
  return (WbReal)0.25 * ((q[0] + q[a]) + (q[b] + q[a + b]));
}

/* Another component and the offsets of its four faces around one of the list. */
typedef struct {
  const WbReal *q;
  ptrdiff_t d[2];
} Beside;

/* -Cd |U_t| u_t (wall area / volume), coefficients by list (les_internal.h). */
WB_KERNEL static void component(const WbStage *s, const WbLesWallList *list, int f, int k, const Beside *first,
                                const Beside *second) {
  const WbReal *q = s->in[f], *restrict c1 = list->c1, *restrict c2 = list->c2, dt = s->dt;
  const int32_t *restrict place = list->at;
  WbReal *restrict out = s->out[f];
  const int end = list->level_start[k + 1];
  for (int n = list->level_start[k]; n < end; n++) {
    const size_t at = (size_t)place[n];
    const WbReal c = q[at], a = mean4(first->q + at, first->d[0], first->d[1]),
                 b = mean4(second->q + at, second->d[0], second->d[1]);
    out[at] -= dt * c * (c1[n] * WB_SQRT(c * c + a * a) + c2[n] * WB_SQRT(c * c + b * b));
  }
}

static void component_no_slip(const WbStage *s, const WbLesWallList *list, int f, int k) {
  const WbReal *c1 = list->c1, *c2 = list->c2;
  for (int n = list->level_start[k]; n < list->level_start[k + 1]; n++) {
    const size_t at = (size_t)list->at[n];
    s->out[f][at] -= s->dt * (c1[n] + c2[n]) * s->in[f][at];
  }
}

/* Level k. Offsets: along the own staggering (backwards), along the other's (forwards). */
void WB_R(wb_les_wall_stress)(const WbStage *s, const WbLesWallList list[3], bool no_slip, int k) {
  if (no_slip) {
    for (int f = 0; f < 3; f++) component_no_slip(s, &list[f], f, k);
    return;
  }
  const ptrdiff_t sy = s->sy, sz = (ptrdiff_t)s->sz;
  const WbReal *u = s->in[WB_U], *v = s->in[WB_V], *w = s->in[WB_W];
  component(s, &list[WB_U], WB_U, k, &(Beside){w, {-1, sz}}, &(Beside){v, {-1, sy}});
  component(s, &list[WB_V], WB_V, k, &(Beside){w, {-sy, sz}}, &(Beside){u, {-sy, 1}});
  component(s, &list[WB_W], WB_W, k, &(Beside){v, {-sz, sy}}, &(Beside){u, {-sz, 1}});
}

/* Viscous stress of the lid on the open faces of the uppermost level. */
void WB_R(wb_les_lid)(WbLes les, const WbStage *s) {
  const WbLesLayout *l = &les->lay;
  const double dz = les->met.dz[l->nz], rate = (double)s->dt * les->opt.viscosity_m2_per_s / (0.5 * dz * dz);
  for (int f = WB_U; f <= WB_V; f++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++) {
        const size_t at = wb_les_at(l, l->nz - 1, j, i);
        if (!(les->flags[at] & (1U << f))) continue;
        s->out[f][at] += (WbReal)(rate * (les->opt.top_velocity_m_per_s[f] - (double)s->in[f][at]));
      }
}

void WB_R(wb_les_heat)(const WbStage *s, const WbLesHeatList *list) {
  for (int n = 0; n < list->n; n++) s->out[WB_THETA][list->at[n]] += (WbReal)((double)s->dt * list->rate[n]);
}

/* Sum over owned fluid cells on the ground of Cd |U|^2 at the cell centre; 0 without a wall function. */
double WB_R(wb_les_ground_stress)(WbLes les) {
  const WbLesLayout *l = &les->lay;
  const WbReal *u = wb_les_field(les, les->state, WB_U), *v = wb_les_field(les, les->state, WB_V);
  double sum = 0.0;
  if (les->opt.wall != WB_WALL_LOG) return 0.0;
  const double c = WB_KARMAN / log(0.5 * les->met.dz[1] / les->opt.z0_ground_m);
  for (int j = 0; j < l->nyl; j++)
    for (int i = 0; i < l->nxl; i++) {
      const size_t at = wb_les_at(l, 0, j, i);
      const double uc = 0.5 * ((double)u[at] + (double)u[at + 1]),
                   vc = 0.5 * ((double)v[at] + (double)v[at + (size_t)l->sy]);
      const double cd = les->ground.planes ? les->ground.planes[at - l->sz] : c * c;
      if (!les->solid[at]) sum += cd * (uc * uc + vc * vc);
    }
  return sum;
}
