/* The flat, rough, cyclic precursor on the coarse grid of the domain: it writes the inflow planes, and goes on where it
 * was stopped, or where it ended when planes are wanted for longer. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim_internal.h"

typedef struct {
  WbSim sim;
  WbLes les;
  const char *path, *tag;
  char checkpoint[WB_SIM_PATH];
  int n_written; /* records, when it was resumed */
  bool resumed;
} Precursor;

static PetscErrorCode put_state(Precursor *p, WbCheckpoint ck) {
  PetscFunctionBeginUser;
  PetscCall(wb_checkpoint_put_text(ck, "planes", p->tag));
  PetscCall(wb_checkpoint_put_real(ck, "records", wb_les_planes_written(p->les)));
  PetscCall(wb_les_save(p->les, ck, "inflow"));
  PetscFunctionReturn(0);
}

/* Planes first: the checkpoint says how many there are. */
static PetscErrorCode save(WbSimPhase *phase) {
  Precursor *p = phase->owner;
  WbCheckpoint ck = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_les_planes_flush(p->les));
  PetscCall(wb_checkpoint_create(p->sim->comm, p->checkpoint, &ck));
  const PetscErrorCode ierr = put_state(p, ck);
  if (ierr) {
    (void)wb_checkpoint_abort(&ck);
    PetscFunctionReturn(ierr);
  }
  PetscCall(wb_checkpoint_close(&ck));
  p->sim->wall_checkpoint = wb_wtime();
  PetscFunctionReturn(0);
}

static PetscErrorCode get_state(Precursor *p, WbCheckpoint ck) {
  char tag[WB_SIM_MARK];
  double records = 0;
  bool ours = false;
  PetscFunctionBeginUser;
  PetscCall(wb_checkpoint_has(ck, "planes", &ours));
  if (ours) PetscCall(wb_checkpoint_get_text(ck, "planes", tag, (int)sizeof tag));
  if (!ours || strcmp(tag, p->tag) != 0) {
    wb_log("inflow: %s is of another domain or forcing; the precursor begins anew", p->checkpoint);
    PetscFunctionReturn(0);
  }
  PetscCall(wb_checkpoint_get_real(ck, "records", &records));
  PetscCall(wb_les_load(p->les, ck, "inflow"));
  p->n_written = (int)records;
  p->resumed = true;
  wb_log("inflow: the precursor continues at t = %.1f s (%ld steps done)", wb_les_time(p->les), wb_les_steps(p->les));
  PetscFunctionReturn(0);
}

static PetscErrorCode resume(Precursor *p) {
  WbCheckpoint ck = NULL;
  bool there = false, planes = false;
  PetscFunctionBeginUser;
  if (!p->sim->control.resumes || !p->checkpoint[0]) PetscFunctionReturn(0);
  PetscCall(wb_sim_has_checkpoint(p->sim->comm, p->checkpoint, &there));
  if (!there) PetscFunctionReturn(0);
  PetscCall(wb_checkpoint_open(p->sim->comm, p->checkpoint, &ck));
  const PetscErrorCode ierr = get_state(p, ck);
  PetscCall(wb_checkpoint_close(&ck));
  PetscCall(ierr);
  if (p->n_written == 0) PetscFunctionReturn(0);
  PetscCall(wb_les_planes_there(p->sim->comm, p->path, &planes));
  if (!planes) wb_log("inflow: the planes written so far are gone; the precursor begins anew");
  p->resumed = planes;
  PetscFunctionReturn(0);
}

static PetscErrorCode run(Precursor *p) {
  PetscFunctionBeginUser;
  const WbSimOptions *o = &p->sim->opt;
  WbSimPhase phase;
  PetscCall(resume(p));
  if (!p->resumed) {
    p->n_written = 0;
    PetscCall(wb_les_init(p->les, -2 * o->spinup_s));
  }
  wb_sim_phase_begin(&phase, p->sim, p->les, "inflow", o->duration_s);
  if (p->checkpoint[0]) {
    phase.save = save;
    phase.owner = p;
    phase.checkpoint = p->checkpoint;
  }
  if (p->n_written == 0) PetscCall(wb_les_advance(p->les, -o->spinup_s, wb_sim_phase_monitor, &phase));
  const WbLesPlanes planes = {.path = p->path,
                              .tag = p->tag,
                              .t_first_s = -o->spinup_s,
                              .t_end_s = o->duration_s,
                              .interval_s = o->plane_interval_s,
                              .n_written = p->n_written};
  PetscCall(wb_les_record_on(p->les, &planes, wb_sim_phase_monitor, &phase));
  if (phase.save) PetscCall(save(&phase)); /* from which planes for longer can be made */
  PetscCall(wb_sim_phase_report(&phase));
  PetscFunctionReturn(0);
}

static PetscErrorCode run_on(Precursor *p, const WbGrid *grid, const double *zf) {
  PetscFunctionBeginUser;
  WbLesOptions les_options = p->sim->opt.les;
  les_options.z0_ground_m = p->sim->opt.precursor_z0_m;
  les_options.tracers.n = les_options.tracers.n_sources = 0;
  les_options.drive_mean_wind = !les_options.forcing.geostrophic;
  PetscCall(wb_les_create(grid, zf, NULL, NULL, NULL, &les_options, &p->les));
  const PetscErrorCode ierr = run(p);
  wb_les_destroy(&p->les);
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_sim_precursor(WbSim sim, const char *path, const char *tag) {
  PetscFunctionBeginUser;
  Precursor p = {.sim = sim, .path = path, .tag = tag};
  WbGrid *grid = NULL;
  double *zf = NULL;
  int nx, ny, nz = 0;
  if (sim->checkpoint[0]) snprintf(p.checkpoint, sizeof p.checkpoint, "%s.checkpoint.h5", path);
  wb_sim_cells(sim, sim->opt.dx_m, &nx, &ny);
  PetscCall(wb_les_z_faces(sim->opt.dx_m, sim->top_m, 1.0, sim->opt.dx_m, sim->top_m, &nz, &zf));
  const WbGridShape shape = {.nx = nx,
                             .ny = ny,
                             .nz = nz,
                             .dx_m = sim->opt.dx_m,
                             .x_min_m = sim->x_min_m,
                             .y_min_m = sim->y_min_m,
                             .periodic_x = true,
                             .periodic_y = true};
  PetscErrorCode ierr = wb_grid_make(sim->comm, &shape, &grid);
  if (!ierr) {
    wb_log("inflow: cyclic precursor of %d x %d x %d cells from t = %g s, planes every %g s from %g s to %g s", nx, ny,
           nz, -2 * sim->opt.spinup_s, sim->opt.plane_interval_s, -sim->opt.spinup_s, sim->opt.duration_s);
    ierr = run_on(&p, grid, zf);
  }
  wb_grid_destroy(&grid);
  WB_FREE(&zf);
  PetscFunctionReturn(ierr);
}
