/* Time loop: step size, driving force, statistics. The step itself: real/step.c. */
#include "les_internal.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
/* Denormal numbers (theta differences in still, neutral air decay through them) cost some hundred cycles each; within a
 * step they count as 0. Returns what to restore. */
static unsigned denormals_off(void) {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040U); /* flush to zero, denormals are zero */
  return before;
}
static void denormals_restore(unsigned before) {
  _mm_setcsr(before);
}
#else
static unsigned denormals_off(void) {
  return 0;
}
static void denormals_restore(unsigned before) {
  (void)before;
}
#endif

#define DRIVE_P_S 300.0   /* proportional time scale of the mean-wind controller */
#define DRIVE_I_S 1200.0  /* integral time scale; critically damped: I = 4 P */
#define CFL_BLOW_UP 3.0   /* x cfl_max after a step that began below cfl_max: no flow, but an instability */
#define VISCOUS_LIMIT 1.0 /* dt * 2 nu sum(1/h^2); RK3 is stable to 1.25 */

/* Mean wind at wind_height over open faces: (u, v), between the two levels around it. Collective. */
static PetscErrorCode mean_wind(WbLes les, double wind[2]) {
  const int nz = les->lay.nz;
  const double *zc = les->met.zc + 1, h = les->opt.wind_height_m;
  double local[8] = {0.0}, global[8];
  int k = 0;
  PetscFunctionBeginUser;
  while (k < nz - 2 && zc[k + 1] < h) k++;
  for (int f = 0; f < 2; f++)
    for (int level = 0; level < 2; level++) les->ops->plane_mean(les, f, k + level, &local[4 * f + 2 * level]);
  PetscCallMPI(MPI_Allreduce(local, global, 8, MPI_DOUBLE, MPI_SUM, les->grid->comm));
  const double a = PetscMax(0.0, PetscMin(1.0, (h - zc[k]) / (zc[k + 1] - zc[k])));
  for (int f = 0; f < 2; f++) {
    const double *s = &global[4 * f];
    const double low = s[1] > 0.0 ? s[0] / s[1] : 0.0, high = s[3] > 0.0 ? s[2] / s[3] : 0.0;
    wind[f] = s[1] > 0.0 ? (1.0 - a) * low + a * high : high;
  }
  PetscFunctionReturn(0);
}

/* Proportional-integral control: the integral takes over the mean drag, so that the target is met without offset. */
static PetscErrorCode drive(WbLes les, double dt) {
  double target[2], wind[2];
  PetscFunctionBeginUser;
  wb_les_wind(&les->opt, les->time_s, target);
  PetscCall(mean_wind(les, wind));
  for (int d = 0; d < 2; d++) {
    const double miss = target[d] - wind[d];
    les->body_force[d] += dt * miss / (DRIVE_P_S * DRIVE_I_S);
    les->force[d] = les->body_force[d] + miss / DRIVE_P_S;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode measure(WbLes les) {
  double cfl, visc;
  PetscFunctionBeginUser;
  PetscCall(les->ops->cfl(les, &cfl, &les->last_speed, &visc));
  les->last_cfl = cfl;
  les->last_visc = visc;
  PetscFunctionReturn(0);
}

static PetscErrorCode step(WbLes les, double dt_s) {
  const int t_step = wb_timer_id("les.step"), t_cfl = wb_timer_id("les.cfl"), t_stat = wb_timer_id("les.statistics");
  PetscFunctionBeginUser;
  wb_timer_begin(t_step);
  if (les->opt.drive_mean_wind) PetscCall(drive(les, dt_s));
  wb_les_forcing_step(les, dt_s);
  PetscCall(wb_les_surface_step(les, dt_s));
  les->dt_s = dt_s;
  PetscCall(les->ops->step(les, dt_s));
  wb_timer_begin(t_cfl);
  PetscCall(measure(les)); /* finds what is not finite */
  wb_timer_end(t_cfl);
  les->time_s += dt_s;
  les->steps++;
  wb_timer_begin(t_stat);
  les->ops->accumulate(les, dt_s);
  wb_timer_end(t_stat);
  wb_timer_end(t_step);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_step(WbLes les, double dt_s) {
  PetscFunctionBeginUser;
  if (!(dt_s > 0.0)) WB_RAISE_ALL(WB_ERR_NUMERIC, "LES step %ld: time step %g s is not positive", les->steps + 1, dt_s);
  const unsigned control = denormals_off();
  const PetscErrorCode error = step(les, dt_s);
  denormals_restore(control);
  PetscCall(error);
  if (les->recorder) PetscCall(wb_les_recorder_step(les));
  if (les->output) PetscCall(wb_les_output_step(les));
  PetscFunctionReturn(0);
}

/* Largest stable step, shared evenly over the last two so that t_end is hit without a tiny step. */
static double next_dt(const WbLes les, double remaining) {
  double dt = les->opt.dt_max_s;
  if (les->last_cfl * dt > les->opt.cfl_max) dt = les->opt.cfl_max / les->last_cfl;
  if (les->last_visc * dt > VISCOUS_LIMIT) dt = VISCOUS_LIMIT / les->last_visc;
  if (remaining <= dt * (1.0 + 1e-9)) return remaining;
  return remaining < 2.0 * dt ? 0.5 * remaining : dt;
}

/* Friction velocity from the mean stress of the ground's fluid cells. Collective. */
static PetscErrorCode friction(WbLes les) {
  const WbLesLayout *l = &les->lay;
  double local[2] = {les->ops->ground_stress(les), 0.0}, global[2];
  PetscFunctionBeginUser;
  for (int j = 0; j < l->nyl; j++)
    for (int i = 0; i < l->nxl; i++) local[1] += les->solid[wb_les_at(l, 0, j, i)] ? 0.0 : 1.0;
  PetscCallMPI(MPI_Allreduce(local, global, 2, MPI_DOUBLE, MPI_SUM, les->grid->comm));
  les->u_star = global[1] > 0.0 ? sqrt(global[0] / global[1]) : 0.0;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_advance(WbLes les, double t_end_s, WbLesMonitor monitor, void *ctx) {
  PetscFunctionBeginUser;
  if (!(t_end_s >= les->time_s))
    WB_RAISE_ALL(WB_ERR_NUMERIC, "LES: asked to advance to %g s, already at %g s", t_end_s, les->time_s);
  double last = wb_wtime();
  les->last_visc = les->ops->viscosity(les);
  PetscCall(measure(les));
  while (les->time_s < t_end_s) {
    const double dt = next_dt(les, t_end_s - les->time_s);
    const bool final = dt == t_end_s - les->time_s;
    PetscCall(wb_les_step(les, dt));
    if (les->last_cfl * dt > CFL_BLOW_UP * les->opt.cfl_max) PetscCall(les->ops->report_cfl(les));
    if (final) les->time_s = t_end_s; /* no rounding left over */
    const double now = wb_wtime();
    les->wall_s += now - last;
    last = now;
    if (monitor) PetscCall(monitor(ctx, les));
  }
  PetscCall(friction(les));
  PetscFunctionReturn(0);
}
