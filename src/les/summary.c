/* Figures of a run for progress lines and summary.json. */
#include "les_internal.h"

PetscErrorCode wb_les_summary(WbLes les, WbLesSummary *s) {
  PetscFunctionBeginUser;
  const WbGrid *g = les->grid;
  double wall = les->wall_s;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &wall, 1, MPI_DOUBLE, MPI_MAX, g->comm));
  *s =
      (WbLesSummary){.steps = les->steps,
                     .cell_steps = (double)g->nx * g->ny * g->nz * (double)les->steps,
                     .wall_s = wall,
                     .poisson_iterations_mean = les->steps > 0 ? (double)les->iterations_total / (double)les->steps : 0,
                     .max_divergence_per_s = les->max_div_per_s,
                     .max_divergence_scaled = les->max_div_scaled,
                     .u_star_m_per_s = les->u_star,
                     .cfl = les->last_cfl * les->dt_s,
                     .dt_s = les->dt_s,
                     .max_speed_m_per_s = les->last_speed};
  PetscFunctionReturn(0);
}
