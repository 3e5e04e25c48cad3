/* Ghosts of the state: halo, ground and top, lateral planes. */
#include <string.h>

#include "stage.h"

#if WB_SINGLE
#define APPLY_PLANES wb_les_apply_planes_f32
#else
#define APPLY_PLANES wb_les_apply_planes_f64
#endif

/* Level -1 over a ground by similarity: as below with the slope of each face. */
static void similarity_ghosts(WbLes les, int f) {
  const WbLesLayout *l = &les->lay;
  const double dz2 = les->met.zc[2] - les->met.zc[0], *slope = les->ground.planes + (f == WB_U ? 2 : 3) * l->sz;
  WbReal *q = wb_les_field(les, les->state, f);
  for (size_t i = 0; i < l->sz; i++) q[i] = q[i + 2 * l->sz] - (WbReal)(dz2 * slope[i]) * q[i + l->sz];
}

/* Level -1: u and v such that the central difference at level 0 is the wall model's own gradient (it feeds only the
 * closure); top: free slip. w is 0 at both. theta ghosts are never used (no flux). */
void WB_R(wb_les_z_ghosts)(WbLes les) {
  const WbLesLayout *l = &les->lay;
  const WbLesMetrics *z = &les->met;
  const double d = 0.5 * z->dz[1];
  double a = 0.0; /* ghost = u_1 - a u_0 */
  if (les->opt.wall == WB_WALL_LOG) a = (z->zc[2] - z->zc[0]) / (d * log(d / les->opt.z0_ground_m));
  for (int f = WB_U; f <= WB_V; f++) {
    WbReal *q = wb_les_field(les, les->state, f);
    WbReal *restrict below = q, *restrict above = q + (size_t)(l->nz + 1) * l->sz;
    const WbReal *restrict first = q + l->sz, *restrict second = q + 2 * l->sz,
                           *restrict last = q + (size_t)l->nz * l->sz;
    for (size_t i = 0; i < l->sz; i++) {
      above[i] = last[i];
      if (les->opt.wall == WB_WALL_LOG)
        below[i] = second[i] - (WbReal)a * first[i];
      else
        below[i] = les->opt.wall == WB_WALL_NO_SLIP ? -first[i] : first[i];
    }
    if (les->opt.surface.most) similarity_ghosts(les, f);
  }
  for (int f = WB_NFIELDS; f < les->nf; f++) { /* read by the limiter */
    WbReal *q = wb_les_field(les, les->state, f);
    memcpy(q, q + l->sz, l->sz * sizeof *q);
    memcpy(q + (size_t)(l->nz + 1) * l->sz, q + (size_t)l->nz * l->sz, l->sz * sizeof *q);
  }
}

PetscErrorCode WB_R(wb_les_boundary)(WbLes les, double t_s, double dt_s) {
  PetscFunctionBeginUser;
  PetscCall(wb_halo_exchange(les->halo_state, les->state));
  if (les->inflow) {
    PetscCall(wb_inflow_at(les->inflow, t_s, les->planes));
    PetscCall(APPLY_PLANES(les, dt_s));
    PetscCall(wb_halo_exchange(les->halo_state, les->state)); /* prescribed faces owned by neighbours */
  }
  WB_R(wb_les_z_ghosts)(les);
  PetscFunctionReturn(0);
}
