/* The runs of a simulation around a city: grid, buildings, spin-up, minutes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim_internal.h"

static PetscErrorCode run_geometry(WbSim sim, WbSimRun *r) {
  PetscFunctionBeginUser;
  const WbSimOptions *o = &sim->opt;
  const double r20 = o->dx_m / r->dx_m;
  if (!(r->dx_m > 0) || fabs(r20 - round(r20)) > 1e-9 || r20 < 1)
    WB_RAISE_ALL(WB_ERR_CONFIG, "les_dx_m is '%g'; allowed: %g m or a whole fraction of it", r->dx_m, o->dx_m);
  int nx, ny, nz = 0;
  wb_sim_cells(sim, r->dx_m, &nx, &ny);
  if (r->dx_m == o->dx_m)
    PetscCall(wb_les_z_faces(r->dx_m, sim->top_m, 1.0, r->dx_m, sim->top_m, &nz, &r->zf));
  else
    PetscCall(wb_les_z_faces(r->dx_m, fmin(o->hr_uniform_top_m, sim->top_m), o->hr_stretch,
                             fmax(o->hr_dz_max_m, r->dx_m), sim->top_m, &nz, &r->zf));
  const WbGridShape shape = {.nx = nx,
                             .ny = ny,
                             .nz = nz,
                             .dx_m = r->dx_m,
                             .x_min_m = sim->x_min_m,
                             .y_min_m = sim->y_min_m,
                             .align = (int)lround(r20)};
  PetscCall(wb_grid_make(sim->comm, &shape, &r->grid));
  PetscCall(WB_ALLOC(wb_grid_owned(r->grid), &r->solid));
  const double at[2] = {sim->x_min_m + r->grid->x0 * r->dx_m, sim->y_min_m + r->grid->y0 * r->dx_m};
  const int n[3] = {nz, r->grid->nyl, r->grid->nxl};
  PetscCall(wb_sim_buildings(sim, r->dx_m, at, n, r->zf, fmin(o->rim_m, o->margin_m), r->solid, NULL, &r->roof));
  PetscFunctionReturn(0);
}

static bool is_finest(const WbSim sim, const WbSimRun *r) {
  for (int i = 0; i < sim->n_runs; i++)
    if (sim->run[i]->dx_m < r->dx_m) return false;
  return true;
}

PetscErrorCode wb_sim_run_les(WbSim sim, WbSimRun *r) {
  PetscFunctionBeginUser;
  if (r->les) PetscFunctionReturn(0);
  WbLesOptions les = sim->opt.les;
  if (!is_finest(sim, r)) les.tracers.n_sources = 0;        /* a street may be air on the finer grid only */
  les.ground_viscosity = les.ground_viscosity && !r->built; /* no plane means among buildings */
  if (r->roof) {
    WbLesVoxels voxels;
    wb_sim_voxels(sim, r->dx_m, r->roof, &voxels);
    PetscCall(wb_les_create_porous(r->grid, r->zf, &voxels, NULL, sim->inflow, &les, &r->les));
  } else {
    PetscCall(wb_les_create(r->grid, r->zf, r->solid, NULL, sim->inflow, &les, &r->les));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_sim_run_create(WbSim sim, const char *name, double dx_m, WbSimRun **run) {
  PetscFunctionBeginUser;
  *run = NULL;
  if (sim->n_runs == WB_SIM_MAX_RUNS)
    WB_RAISE_ALL(PETSC_ERR_ARG_OUTOFRANGE, "a simulation holds %d runs", WB_SIM_MAX_RUNS);
  WbSimRun *r = NULL;
  PetscCall(WB_CALLOC(1, &r));
  sim->run[sim->n_runs++] = r; /* destroyed with the simulation, whatever follows */
  snprintf(r->name, sizeof r->name, "%s", name);
  r->dx_m = dx_m;
  PetscCall(wb_error_agree(sim->comm, run_geometry(sim, r)));
  long solid = 0;
  for (size_t q = 0; q < wb_grid_owned(r->grid); q++) solid += r->solid[q];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &solid, 1, MPI_LONG, MPI_SUM, sim->comm));
  wb_log("%s: %d x %d x %d cells of %g m (%.2f M, %.1f %% in buildings) on %d ranks (%d x %d)", r->name, r->grid->nx,
         r->grid->ny, r->grid->nz, dx_m, 1e-6 * r->grid->nx * r->grid->ny * r->grid->nz,
         100.0 * (double)solid / ((double)r->grid->nx * r->grid->ny * r->grid->nz), r->grid->size, r->grid->px,
         r->grid->py);
  r->built = solid > 0;
  if (r->built && sim->opt.les.ground_viscosity)
    wb_log("%s: has buildings: les_ground_viscosity does not act in this run, only in a precursor", r->name);
  PetscCall(wb_les_check_run(r->grid, r->zf, r->solid, &sim->opt.les)); /* before a precursor runs for hours */
  if (sim->inflow) PetscCall(wb_sim_run_les(sim, r));
  *run = r;
  PetscFunctionReturn(0);
}

static PetscErrorCode need_les(const WbSimRun *r) {
  PetscFunctionBeginUser;
  if (!r->les) WB_RAISE_ALL(PETSC_ERR_ORDER, "run '%s' has no inflow yet (wb_sim_inflow)", r->name);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_sim_spinup(WbSim sim, WbSimRun *r) {
  PetscFunctionBeginUser;
  PetscCall(need_les(r));
  if (!r->started) {
    PetscCall(wb_les_init(r->les, -sim->opt.spinup_s));
    r->started = true;
  }
  if (wb_les_time(r->les) >= 0) PetscFunctionReturn(0);
  char label[32];
  snprintf(label, sizeof label, "%s spin-up", r->name);
  WbSimPhase phase;
  wb_sim_phase_begin(&phase, sim, r->les, label, 0);
  while (wb_les_time(r->les) < 0) { /* five progress intervals, so that a long spin-up is seen to live */
    const double part = fmax(sim->opt.spinup_s / 5, 1), done = sim->opt.spinup_s + wb_les_time(r->les);
    const double next = (floor(done / part + 1e-9) + 1) * part - sim->opt.spinup_s;
    PetscCall(wb_les_advance(r->les, next > -1e-6 ? 0 : next, wb_sim_phase_monitor, &phase));
    PetscCall(wb_sim_phase_report(&phase));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_sim_start_from(WbSim sim, WbSimRun *r, WbSimRun *coarse) {
  PetscFunctionBeginUser;
  PetscCall(need_les(r));
  if (r->started) PetscFunctionReturn(0);
  PetscCall(need_les(coarse));
  PetscCall(wb_les_init_from(r->les, coarse->les));
  r->started = true;
  wb_log("%s: starts from %s at t = %g s", r->name, coarse->name, wb_les_time(r->les));
  PetscFunctionReturn(0);
}

int wb_sim_first_minute(WbSim sim, const WbSimRun *r) {
  if (!r->started || !(wb_les_time(r->les) > 0)) return 0;
  return (int)ceil(wb_les_time(r->les) / sim->opt.output_interval_s - 1e-9) - 1;
}

PetscErrorCode wb_sim_minute(WbSim sim, WbSimRun *r, int minute) {
  PetscFunctionBeginUser;
  const double interval = sim->opt.output_interval_s, begin = minute * interval, end = (minute + 1) * interval;
  const double now = wb_les_time(r->les), eps = 1e-9 * interval;
  if (now < begin - eps || now > end + eps)
    WB_RAISE_ALL(PETSC_ERR_ORDER, "run '%s' stands at t = %g s, outside of the interval %g s to %g s asked for",
                 r->name, now, begin, end);
  if (now >= end - eps) PetscFunctionReturn(0); /* resumed at its end: the mean is in the checkpoint */
  if (now <= begin + eps) PetscCall(wb_les_mean_reset(r->les));
  WbSimPhase phase;
  wb_sim_phase_begin(&phase, sim, r->les, r->name, sim->opt.duration_s);
  PetscCall(wb_les_advance(r->les, end, wb_sim_phase_monitor, &phase));
  PetscCall(wb_sim_phase_report(&phase));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_sim_minutes(WbSim sim, WbSimRun *r, WbSimMinuteFn fn, void *ctx) {
  PetscFunctionBeginUser;
  const int n = (int)lround(sim->opt.duration_s / sim->opt.output_interval_s);
  for (int m = wb_sim_first_minute(sim, r); m < n; m++) {
    PetscCall(wb_sim_minute(sim, r, m));
    if (fn) PetscCall(fn(ctx, m, r));
  }
  PetscFunctionReturn(0);
}
