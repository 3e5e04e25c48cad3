/* While a run advances: live line, progress lines with ETA, stop requests, checkpoints by wall time. */
#include <math.h>
#include <stdio.h>

#include "sim_internal.h"

#define LIVE_S 0.5 /* wall time between updates of the live line */

static PetscErrorCode save_sim(WbSimPhase *p) {
  return wb_sim_checkpoint(p->sim);
}

void wb_sim_phase_begin(WbSimPhase *p, WbSim sim, WbLes les, const char *label, double t_end_s) {
  const WbGrid *g = wb_les_grid(les);
  *p = (WbSimPhase){.sim = sim,
                    .les = les,
                    .label = label,
                    .t_end_s = t_end_s,
                    .t_begin_s = wb_les_time(les),
                    .wall_begin = wb_wtime(),
                    .cells = (double)g->nx * g->ny * g->nz,
                    .steps_begin = wb_les_steps(les),
                    .save = sim->checkpoint[0] ? save_sim : NULL,
                    .checkpoint = sim->checkpoint};
}

static void eta(const WbSimPhase *p, double wall, char out[32]) {
  const double done = wb_les_time(p->les) - p->t_begin_s, left = p->t_end_s - wb_les_time(p->les);
  wb_format_eta(done > 0 ? fmax(left, 0) * wall / done : 0, out);
}

/* All ranks learn whether to stop and whether a checkpoint is due (rank 0's clock decides). */
static PetscErrorCode ask(WbSimPhase *p, bool *stop, bool *due) {
  PetscFunctionBeginUser;
  WbSim sim = p->sim;
  int flags[2] = {0, 0}, rank;
  PetscCallMPI(MPI_Comm_rank(sim->comm, &rank));
  if (sim->control.stop) {
    bool asked = false;
    PetscCall(sim->control.stop(sim->control.ctx, &asked));
    flags[0] = asked;
  } else {
    flags[0] = wb_stop_requested();
  }
  const double interval = sim->control.checkpoint_interval_s;
  if (rank == 0 && p->save && interval > 0) flags[1] = wb_wtime() - sim->wall_checkpoint > interval;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, flags, 2, MPI_INT, MPI_MAX, sim->comm));
  *stop = flags[0];
  *due = flags[1];
  PetscFunctionReturn(0);
}

PetscErrorCode wb_sim_phase_monitor(void *ctx, WbLes les) {
  PetscFunctionBeginUser;
  WbSimPhase *p = ctx;
  const double wall = wb_wtime() - p->wall_begin;
  if (wall - p->wall_live > LIVE_S) {
    char left[32];
    p->wall_live = wall;
    eta(p, wall, left);
    wb_log_live("%s: t = %.1f s, step %ld, %.2f M cell-steps/s, ETA %s", p->label, wb_les_time(les), wb_les_steps(les),
                1e-6 * p->cells * (double)(wb_les_steps(les) - p->steps_begin) / wall, left);
  }
  bool stop = false, due = false;
  PetscCall(ask(p, &stop, &due));
  if ((stop || due) && p->save) PetscCall(p->save(p));
  if (!stop) PetscFunctionReturn(0);
  if (p->save)
    WB_RAISE_ALL(WB_ERR_STOPPED,
                 "stopped by request at t = %.1f s of '%s'; checkpoint %s written, resubmit with run_restart",
                 wb_les_time(les), p->label, p->checkpoint);
  WB_RAISE_ALL(WB_ERR_STOPPED, "stopped by request at t = %.1f s of '%s', which is repeated on restart",
               wb_les_time(les), p->label);
}

PetscErrorCode wb_sim_phase_report(WbSimPhase *p) {
  PetscFunctionBeginUser;
  WbLesSummary s;
  PetscCall(wb_les_summary(p->les, &s));
  const double wall = wb_wtime() - p->wall_begin;
  const long steps = s.steps - p->steps_begin;
  char left[32];
  eta(p, wall, left);
  wb_log(
      "%-10s t = %7.1f s  %5ld steps (dt %.2f s, CFL %.2f)  max |u| %.1f m/s  div %.0e /s  %.1f CG/step  %.2f M "
      "cell-steps/s  ETA %s",
      p->label, wb_les_time(p->les), steps, s.dt_s, s.cfl, s.max_speed_m_per_s, s.max_divergence_per_s,
      s.poisson_iterations_mean, wall > 0 ? 1e-6 * p->cells * (double)steps / wall : 0, left);
  PetscFunctionReturn(0);
}
