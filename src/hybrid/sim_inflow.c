/* Inflow planes that are made as the runs go, in place of a precursor's: synthetic turbulence, boundary values of
 * another model. */
#include "sim_internal.h"

PetscErrorCode wb_sim_inflow_made(WbSim sim) {
  const WbSimOptions *o = &sim->opt;
  WbLesOptions upstream = o->les;
  WbInflowDomain d = {.dx_m = o->dx_m,
                      .x_min_m = sim->x_min_m,
                      .y_min_m = sim->y_min_m,
                      .t_first_s = -o->spinup_s,
                      .t_last_s = o->duration_s,
                      .start_time_iso = o->start_time_iso};
  double *zf = NULL;
  PetscErrorCode ierr;
  PetscFunctionBeginUser;
  upstream.z0_ground_m = o->precursor_z0_m;
  wb_sim_cells(sim, o->dx_m, &d.nx, &d.ny);
  PetscCall(wb_les_z_faces(o->dx_m, sim->top_m, 1.0, o->dx_m, sim->top_m, &d.nz, &zf));
  d.zf = zf;
  if (o->inflow == WB_INFLOW_FILE)
    ierr = wb_inflow_nested(sim->comm, o->boundary_file, &d, &upstream, o->inflow_length_m, &sim->inflow);
  else
    ierr = wb_inflow_synthetic(sim->comm, &d, &upstream, o->inflow_length_m, &sim->inflow);
  WB_FREE(&zf);
  PetscCall(ierr);
  if (sim->told) PetscFunctionReturn(0);
  if (o->inflow == WB_INFLOW_FILE)
    wb_log("inflow: boundary values of %s, t = %g s to %g s", o->boundary_file, d.t_first_s, d.t_last_s);
  else
    wb_log("inflow: synthetic turbulence of length %g m, t = %g s to %g s", o->inflow_length_m, d.t_first_s,
           d.t_last_s);
  PetscFunctionReturn(0);
}
