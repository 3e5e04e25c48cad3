/* Simulations around a city: the domain, the precursor's inflow planes, checkpoints. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim_internal.h"

void wb_sim_options_default(WbSimOptions *o) {
  memset(o, 0, sizeof *o);
  wb_les_options_default(&o->les);
  /* a sunny day in Tokyo, where the solver alone has a neutral west wind */
  o->les.wind_direction_deg = 180;
  o->les.theta_surface_K = 303;
  o->les.heat_flux_K_m_per_s = 0.05;
  o->les.forcing.latitude_deg = 35.68;
  o->les.dt_max_s = 5;
  o->dx_m = 20;
  o->dx_hr_m = 5;
  o->top_m = 500;
  o->margin_m = 160;
  o->rim_m = 60;
  o->spinup_s = 1200;
  o->duration_s = 600;
  o->output_interval_s = 60;
  o->plane_interval_s = 2;
  o->hr_uniform_top_m = 200;
  o->hr_stretch = 1.1;
  o->hr_dz_max_m = 20;
  o->hr_drop_s = 300;
  o->precursor_z0_m = 0.5;
  o->inflow_length_m = 100;
  o->geometry_dx_m = 5;
  o->solid_from = 0.95;
}

void wb_sim_cells(WbSim sim, double dx_m, int *nx, int *ny) {
  *nx = (int)lround(sim->size_x_m / dx_m);
  *ny = (int)lround(sim->size_y_m / dx_m);
}

static PetscErrorCode check_domain(WbSim sim) {
  PetscFunctionBeginUser;
  const double dx = sim->opt.dx_m;
  const struct {
    const char *name;
    double value;
  } lengths[] = {{"city_size_x_m", sim->city->win_size_x_m},
                 {"city_size_y_m", sim->city->win_size_y_m},
                 {"les_margin_m", sim->opt.margin_m},
                 {"les_rim_m", sim->opt.rim_m},
                 {"les_top_m", sim->opt.top_m}};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
    if (fabs(lengths[i].value / dx - round(lengths[i].value / dx)) > 1e-6)
      WB_RAISE_ALL(WB_ERR_CONFIG, "%s is '%g'; allowed: a multiple of %g m", lengths[i].name, lengths[i].value, dx);
  if (sim->opt.inflow == WB_INFLOW_PRECURSOR && sim->opt.precursor_z0_m > 0.2 * dx)
    WB_RAISE_ALL(WB_ERR_CONFIG, "les_z0_inflow_m is '%g'; allowed: at most a fifth of the precursor's cells, %g m",
                 sim->opt.precursor_z0_m, 0.2 * dx);
  float highest = 0;
  for (size_t c = 0; sim->city->height && c < (size_t)sim->city->nx * (size_t)sim->city->ny; c++)
    highest = fmaxf(highest, sim->city->height[c]);
  if ((double)highest >= 0.8 * sim->top_m)
    wb_log_warn(
        "the highest building, %.0f m, reaches into the uppermost fifth of the domain (les_top_m is %g m): the "
        "flow over it is squeezed",
        (double)highest, sim->top_m);
  if (sim->city->height && sim->top_m <= 0)
    WB_RAISE_ALL(WB_ERR_CONFIG, "les_top_m is '%g'; must be positive", sim->top_m);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_sim_create(MPI_Comm comm, const WbCity *city, const WbSimOptions *options,
                             const WbSimControl *control, WbSim *out) {
  PetscFunctionBeginUser;
  *out = NULL;
  WbSim sim = NULL;
  PetscCall(WB_CALLOC(1, &sim));
  sim->comm = comm;
  sim->city = city;
  sim->opt = *options;
  if (control) sim->control = *control;
  if (sim->control.checkpoint) snprintf(sim->checkpoint, sizeof sim->checkpoint, "%s", sim->control.checkpoint);
  sim->control.checkpoint = NULL;
  const double m = options->margin_m;
  sim->x_min_m = city->win_x_min_m - m;
  sim->y_min_m = city->win_y_min_m - m;
  sim->size_x_m = city->win_size_x_m + 2 * m;
  sim->size_y_m = city->win_size_y_m + 2 * m;
  sim->top_m = options->top_m;
  const PetscErrorCode ierr = check_domain(sim);
  if (ierr) {
    wb_sim_destroy(&sim);
    PetscFunctionReturn(ierr);
  }
  /* the sponge takes the uppermost fifth wherever the top is */
  sim->opt.les.sponge_height_m = 0.8 * sim->top_m;
  wb_sim_mark(sim, false, sim->mark);
  sim->wall_checkpoint = wb_wtime();
  *out = sim;
  PetscFunctionReturn(0);
}

void wb_sim_destroy(WbSim *handle) {
  WbSim sim = *handle;
  if (!sim) return;
  for (int i = 0; i < sim->n_runs; i++) {
    WbSimRun *r = sim->run[i];
    wb_les_destroy(&r->les);
    wb_grid_destroy(&r->grid);
    WB_FREE(&r->zf);
    WB_FREE(&r->solid);
    WB_FREE(&r->roof);
    WB_FREE(&r);
  }
  wb_inflow_destroy(&sim->inflow);
  WB_FREE(handle);
}

const WbSimOptions *wb_sim_options(WbSim sim) {
  return &sim->opt;
}

/* ---- inflow ---- */

static PetscErrorCode exists(MPI_Comm comm, const char *path, bool *yes) {
  PetscFunctionBeginUser;
  int rank, found = 0;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) found = access(path, F_OK) == 0;
  PetscCallMPI(MPI_Bcast(&found, 1, MPI_INT, 0, comm));
  *yes = found;
  PetscFunctionReturn(0);
}

/* Keeps the open planes when they were made for this simulation and reach far enough; else closes them, and refuses to
 * take their place where the caller has not allowed it: longer ones may, they begin with the same records. */
static PetscErrorCode reuse_or_close(WbSim sim, const char *path) {
  PetscFunctionBeginUser;
  char tag[WB_SIM_MARK];
  double first = 0, last = 0;
  wb_sim_mark(sim, true, tag);
  PetscCall(wb_inflow_time_range(sim->inflow, &first, &last));
  const bool same = strcmp(wb_inflow_tag(sim->inflow), tag) == 0;
  const bool spans = first <= -sim->opt.spinup_s + 1e-6 && last >= sim->opt.duration_s - 1e-6;
  if (same && spans) {
    if (!sim->told) wb_log("inflow: planes of %s are reused (t = %g s to %g s)", path, first, last);
    PetscFunctionReturn(0);
  }
  wb_inflow_destroy(&sim->inflow);
  if (!same && sim->control.keeps_planes)
    WB_RAISE_ALL(
        WB_ERR_IO,
        "%s: its inflow planes were made for another domain or forcing; give -run_overwrite to replace them, or "
        "another -run_output_dir",
        path);
  if (!sim->told)
    wb_log("inflow: %s was made for %s", path, same ? "a shorter time" : "another domain or forcing; it is made anew");
  PetscFunctionReturn(0);
}

/* Planes given by the user need not be those of the deck; that they are not should be no surprise. */
static void tell_other_weather(WbSim sim, const char *path) {
  const WbLesOptions *l = &sim->opt.les;
  double speed, direction, height, theta;
  if (!wb_inflow_weather(sim->inflow, &speed, &direction, &height, &theta)) return;
  const double turn = remainder(direction - l->wind_direction_deg, 360);
  if (fabs(speed - l->wind_speed_m_per_s) < 1e-6 && fabs(turn) < 1e-6 && fabs(height - l->wind_height_m) < 1e-6 &&
      fabs(theta - l->theta_surface_K) < 1e-6)
    return;
  wb_log_warn(
      "%s holds a wind of %g m/s from %g deg at %g m and %g K, the deck's is %g m/s from %g deg at %g m and %g K: "
      "the planes' weather flows in",
      path, speed, direction, height, theta, l->wind_speed_m_per_s, l->wind_direction_deg, l->wind_height_m,
      l->theta_surface_K);
}

static PetscErrorCode open_given(WbSim sim, const char *path) {
  PetscFunctionBeginUser;
  double first = 0, last = 0;
  PetscCall(wb_inflow_open(sim->comm, path, &sim->inflow));
  PetscCall(wb_inflow_time_range(sim->inflow, &first, &last));
  if (!(first <= -sim->opt.spinup_s + 1e-6 && last >= sim->opt.duration_s - 1e-6))
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: inflow planes reach from t = %g s to %g s; this run needs %g s to %g s", path,
                 first, last, -sim->opt.spinup_s, sim->opt.duration_s);
  if (!sim->told) tell_other_weather(sim, path);
  PetscFunctionReturn(0);
}

/* sim->inflow of everything but a precursor that has yet to run (on): NULL then. */
static PetscErrorCode find_inflow(WbSim sim, const char *path, bool must_exist) {
  PetscFunctionBeginUser;
  bool there = false;
  if (sim->opt.inflow != WB_INFLOW_PRECURSOR) {
    PetscCall(wb_sim_inflow_made(sim));
  } else if (must_exist) {
    PetscCall(open_given(sim, path));
  } else {
    PetscCall(exists(sim->comm, path, &there));
    if (there) {
      PetscCall(wb_inflow_open(sim->comm, path, &sim->inflow));
      PetscCall(reuse_or_close(sim, path));
    }
  }
  sim->told = true;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_sim_check_inflow(WbSim sim, const char *path, bool must_exist) {
  PetscFunctionBeginUser;
  PetscErrorCode ierr = find_inflow(sim, path, must_exist);
  for (int i = 0; i < sim->n_runs && sim->inflow && !ierr; i++)
    ierr = wb_inflow_check(sim->inflow, sim->run[i]->grid, sim->run[i]->zf);
  wb_inflow_destroy(&sim->inflow);
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_sim_inflow(WbSim sim, const char *path, bool must_exist) {
  PetscFunctionBeginUser;
  PetscCall(find_inflow(sim, path, must_exist));
  if (!sim->inflow) {
    char tag[WB_SIM_MARK];
    wb_sim_mark(sim, true, tag);
    PetscCall(wb_sim_precursor(sim, path, tag));
    PetscCall(wb_inflow_open(sim->comm, path, &sim->inflow));
  }
  for (int i = 0; i < sim->n_runs; i++) PetscCall(wb_sim_run_les(sim, sim->run[i]));
  PetscFunctionReturn(0);
}

/* ---- checkpoints ---- */

static PetscErrorCode save_all(WbSim sim, WbCheckpoint ck) {
  PetscFunctionBeginUser;
  char name[64];
  PetscCall(wb_checkpoint_put_text(ck, "simulation", sim->mark));
  for (int i = 0; i < sim->n_runs; i++) {
    WbSimRun *r = sim->run[i];
    snprintf(name, sizeof name, "%s_started", r->name);
    PetscCall(wb_checkpoint_put_real(ck, name, r->started));
    if (r->started) PetscCall(wb_les_save(r->les, ck, r->name));
  }
  if (sim->control.save) PetscCall(sim->control.save(sim->control.ctx, ck));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_sim_checkpoint(WbSim sim) {
  PetscFunctionBeginUser;
  if (!sim->checkpoint[0]) PetscFunctionReturn(0);
  const int timer = wb_timer_id("checkpoint");
  wb_timer_begin(timer);
  WbCheckpoint ck = NULL;
  PetscCall(wb_checkpoint_create(sim->comm, sim->checkpoint, &ck));
  const PetscErrorCode ierr = save_all(sim, ck);
  if (ierr) {
    (void)wb_checkpoint_abort(&ck);
    PetscFunctionReturn(ierr);
  }
  PetscCall(wb_checkpoint_close(&ck));
  sim->wall_checkpoint = wb_wtime();
  wb_timer_end(timer);
  PetscFunctionReturn(0);
}

static PetscErrorCode check_mark(WbSim sim, WbCheckpoint ck) {
  char mark[WB_SIM_MARK];
  PetscFunctionBeginUser;
  PetscCall(wb_checkpoint_get_text(ck, "simulation", mark, (int)sizeof mark));
  if (strcmp(mark, sim->mark) != 0)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: checkpoint of another city, domain or forcing; remove it or restore the deck",
                 sim->checkpoint);
  PetscFunctionReturn(0);
}

static PetscErrorCode load_all(WbSim sim, WbCheckpoint ck) {
  PetscFunctionBeginUser;
  char name[64];
  PetscCall(check_mark(sim, ck));
  for (int i = 0; i < sim->n_runs; i++) {
    WbSimRun *r = sim->run[i];
    double started = 0;
    bool has = false;
    snprintf(name, sizeof name, "%s_started", r->name);
    PetscCall(wb_checkpoint_has(ck, name, &has));
    if (has) PetscCall(wb_checkpoint_get_real(ck, name, &started));
    if (started == 0) continue;
    PetscCall(wb_les_load(r->les, ck, r->name));
    r->started = true;
    wb_log("%s: continues at t = %.1f s (%ld steps done)", r->name, wb_les_time(r->les), wb_les_steps(r->les));
  }
  if (sim->control.load) PetscCall(sim->control.load(sim->control.ctx, ck));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_sim_has_checkpoint(MPI_Comm comm, const char *path, bool *yes) {
  PetscFunctionBeginUser;
  bool there = false, previous = false;
  char old[WB_SIM_PATH + 8];
  snprintf(old, sizeof old, "%s.prev", path);
  PetscCall(exists(comm, path, &there));
  PetscCall(exists(comm, old, &previous));
  *yes = there || previous;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_sim_check_resume(WbSim sim) {
  PetscFunctionBeginUser;
  bool there = false;
  if (!sim->control.resumes || !sim->checkpoint[0]) PetscFunctionReturn(0);
  PetscCall(wb_sim_has_checkpoint(sim->comm, sim->checkpoint, &there));
  if (!there) PetscFunctionReturn(0);
  WbCheckpoint ck = NULL;
  PetscCall(wb_checkpoint_open(sim->comm, sim->checkpoint, &ck));
  const PetscErrorCode ierr = check_mark(sim, ck);
  PetscCall(wb_checkpoint_close(&ck));
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_sim_resume(WbSim sim, bool *resumed) {
  PetscFunctionBeginUser;
  *resumed = false;
  if (!sim->checkpoint[0]) PetscFunctionReturn(0);
  bool there = false;
  PetscCall(wb_sim_has_checkpoint(sim->comm, sim->checkpoint, &there));
  if (!there) PetscFunctionReturn(0);
  WbCheckpoint ck = NULL;
  PetscCall(wb_checkpoint_open(sim->comm, sim->checkpoint, &ck));
  const PetscErrorCode ierr = load_all(sim, ck);
  PetscCall(wb_checkpoint_close(&ck));
  PetscCall(ierr);
  *resumed = true;
  PetscFunctionReturn(0);
}
