/* The air's own velocity where geometry lies below the cells. */
#include "porous.h"
#include "stage.h"

#include <string.h>

/* Level -1 as boundary.c makes it: the wall model's gradient at level 0, for the closure. */
static void below_ground(WbLes les, WbReal *q) {
  const WbLesLayout *l = &les->lay;
  const double d = 0.5 * les->met.dz[1];
  const WbReal a = les->opt.wall == WB_WALL_LOG
                       ? (WbReal)((les->met.zc[2] - les->met.zc[0]) / (d * log(d / les->opt.z0_ground_m)))
                       : 0;
  for (size_t i = 0; i < l->sz; i++)
    q[i] = les->opt.wall == WB_WALL_LOG ? q[i + 2 * l->sz] - a * q[i + l->sz] : q[i + l->sz];
}

/* les->porous->velocity, returned, from a state whose ghosts are valid; scalars too where the closure wants them. */
const WbReal *WB_R(wb_les_porous_velocity)(WbLes les, const void *state) {
  struct WbLesPorous_s *p = les->porous;
  const size_t field = les->lay.field;
  const int fields = les->tke_field >= 0 ? les->nf : 3;
  WbReal *velocity = p->velocity;
  memcpy(velocity, state, (size_t)fields * field * sizeof *velocity);
  for (int f = 0; f < 3; f++) {
    WbReal *q = velocity + (size_t)f * field;
    for (int n = 0; n < p->scale[f].n; n++) q[p->scale[f].at[n]] *= (WbReal)p->scale[f].factor[n];
    if (f != WB_W) below_ground(les, q);
  }
  return velocity;
}

/* Courant number of the cells that are filled in part: largest of both faces over the cell's air. */
double WB_R(wb_les_porous_cfl)(WbLes les) {
  const struct WbLesPorous_s *p = les->porous;
  const WbLesLayout *l = &les->lay;
  const WbReal *u = wb_les_field(les, les->state, WB_U), *v = wb_les_field(les, les->state, WB_V),
               *w = wb_les_field(les, les->state, WB_W);
  double largest = 0.0;
  for (int k = 0; k < l->nz; k++)
    for (int n = p->cells.level_start[k]; n < p->cells.level_start[k + 1]; n++) {
      const size_t at = (size_t)p->cells.at[n];
      const double x = PetscMax(fabs((double)u[at]), fabs((double)u[at + 1])),
                   y = PetscMax(fabs((double)v[at]), fabs((double)v[at + (size_t)l->sy])),
                   z = PetscMax(fabs((double)w[at]), fabs((double)w[at + l->sz]));
      const double c = p->cells.per_share[n] * ((x + y) / les->grid->dx_m + z / les->met.dz[k + 1]);
      largest = PetscMax(largest, c);
    }
  return largest;
}
