/* Simulations around a city: the domain, the precursor's inflow planes, checkpoints. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim_internal.h"

void wb_sim_options_default(WbSimOptions *o) {
  memset(o, 0, sizeof *o);
  wb_les_options_default(&o->les);
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

/* Over the height raster: another city is another simulation. */
static uint64_t city_hash(const WbCity *city) {
  return wb_hash(WB_HASH_START, city->height, (size_t)city->nx * (size_t)city->ny * sizeof(float));
}

static void forcing_text(const WbSim sim, bool flow_only, char *out, size_t size) {
  const WbLesOptions *l = &sim->opt.les;
  const uint64_t more = wb_les_options_mark(l, flow_only); /* 0: nothing but defaults, the text of old files */
  const int n = snprintf(
      out, size,
      "domain %.9g %.9g %.9g %.9g top %.9g dx %.9g wind %.9g %.9g at %.9g theta %.9g lapse %.9g mixed %.9g heat "
      "%.9g fp%d closure %d z0 %.9g cfl %.9g dtmax %.9g tol %.9g %.9g sponge %.9g seed %u",
      sim->x_min_m, sim->y_min_m, sim->size_x_m, sim->size_y_m, sim->top_m, sim->opt.dx_m, l->wind_speed_m_per_s,
      l->wind_direction_deg, l->wind_height_m, l->theta_surface_K, l->lapse_K_per_m, l->mixed_height_m,
      l->heat_flux_K_m_per_s, l->precision == WB_FP32 ? 32 : 64, (int)l->closure, sim->opt.precursor_z0_m, l->cfl_max,
      l->dt_max_s, l->tol_final, l->tol_stage, l->sponge_height_m, (unsigned)l->seed);
  if (more && n > 0 && (size_t)n < size)
    snprintf(out + n, size - (size_t)n, " options %016llx", (unsigned long long)more);
}

/* What of the inflow a checkpoint must match: nothing for a precursor's, the text of old files. */
static uint64_t inflow_hash(const WbSimOptions *o) {
  const double numbers[2] = {o->inflow, o->inflow_length_m};
  const uint64_t h = wb_hash(WB_HASH_START, numbers, sizeof numbers);
  return o->inflow == WB_INFLOW_FILE ? wb_hash(h, o->boundary_file, strlen(o->boundary_file)) : h;
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
  char forcing[768];
  forcing_text(sim, false, forcing, sizeof forcing);
  snprintf(sim->mark, sizeof sim->mark, "%s rim %.9g spinup %.9g interval %.9g planes %.9g city %016llx", forcing,
           sim->opt.rim_m, sim->opt.spinup_s, sim->opt.output_interval_s, sim->opt.plane_interval_s,
           (unsigned long long)city_hash(city));
  const size_t used = strlen(sim->mark);
  if (sim->opt.inflow != WB_INFLOW_PRECURSOR)
    snprintf(sim->mark + used, sizeof sim->mark - used, " inflow %016llx", (unsigned long long)inflow_hash(&sim->opt));
  const size_t before = strlen(sim->mark);
  if (sim->opt.porous)
    snprintf(sim->mark + before, sizeof sim->mark - before, " porous %.9g %.9g %.9g", sim->opt.geometry_dx_m,
             sim->opt.solid_from, sim->opt.les.form_drag);
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

/* ---- precursor ---- */

/* Flat, rough, cyclic run on the 20 m grid of the domain. */
static PetscErrorCode precursor_run(WbSim sim, const WbGrid *grid, const double *zf, const char *path,
                                    const char *tag) {
  PetscFunctionBeginUser;
  const WbSimOptions *o = &sim->opt;
  WbLesOptions les_options = o->les;
  les_options.z0_ground_m = o->precursor_z0_m;
  les_options.tracers.n = les_options.tracers.n_sources = 0;
  les_options.drive_mean_wind = !les_options.forcing.geostrophic;
  WbLes les = NULL;
  PetscCall(wb_les_create(grid, zf, NULL, NULL, NULL, &les_options, &les));
  WbSimPhase phase;
  PetscErrorCode ierr = wb_les_init(les, -2 * o->spinup_s);
  if (!ierr) {
    wb_sim_phase_begin(&phase, sim, les, "inflow", o->duration_s, false);
    ierr = wb_les_advance(les, -o->spinup_s, wb_sim_phase_monitor, &phase);
  }
  if (!ierr)
    ierr = wb_les_record_planes(les, path, tag, o->plane_interval_s, o->duration_s, wb_sim_phase_monitor, &phase);
  if (!ierr) ierr = wb_sim_phase_report(&phase);
  wb_les_destroy(&les);
  PetscFunctionReturn(ierr);
}

static PetscErrorCode precursor_make(WbSim sim, const char *path, const char *tag) {
  PetscFunctionBeginUser;
  WbGrid *grid = NULL;
  double *zf = NULL;
  int nx, ny, nz = 0;
  wb_sim_cells(sim, sim->opt.dx_m, &nx, &ny);
  PetscCall(wb_les_z_faces(sim->opt.dx_m, sim->top_m, 1.0, sim->opt.dx_m, sim->top_m, &nz, &zf));
  PetscErrorCode ierr = wb_grid_create(sim->comm, nx, ny, nz, 1, 0, 0, true, true, &grid);
  if (!ierr) {
    grid->x_min_m = sim->x_min_m;
    grid->y_min_m = sim->y_min_m;
    grid->dx_m = sim->opt.dx_m;
    wb_log("inflow: cyclic precursor of %d x %d x %d cells from t = %g s, planes every %g s from %g s to %g s", nx, ny,
           nz, -2 * sim->opt.spinup_s, sim->opt.plane_interval_s, -sim->opt.spinup_s, sim->opt.duration_s);
    ierr = precursor_run(sim, grid, zf, path, tag);
  }
  wb_grid_destroy(&grid);
  WB_FREE(&zf);
  PetscFunctionReturn(ierr);
}

static PetscErrorCode exists(MPI_Comm comm, const char *path, bool *yes) {
  PetscFunctionBeginUser;
  int rank, found = 0;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) found = access(path, F_OK) == 0;
  PetscCallMPI(MPI_Bcast(&found, 1, MPI_INT, 0, comm));
  *yes = found;
  PetscFunctionReturn(0);
}

/* Keeps the open planes when they were made for this simulation; else says why not and closes them. */
static PetscErrorCode reuse_or_close(WbSim sim, const char *path, const char *tag) {
  PetscFunctionBeginUser;
  double first = 0, last = 0;
  PetscCall(wb_inflow_time_range(sim->inflow, &first, &last));
  const bool same = strcmp(wb_inflow_tag(sim->inflow), tag) == 0;
  const bool spans = first <= -sim->opt.spinup_s + 1e-6 && last >= sim->opt.duration_s - 1e-6;
  if (same && spans) {
    wb_log("inflow: planes of %s are reused (t = %g s to %g s)", path, first, last);
  } else {
    wb_log("inflow: %s was made for %s; it is made anew", path, same ? "a shorter time" : "another domain or forcing");
    wb_inflow_destroy(&sim->inflow);
  }
  PetscFunctionReturn(0);
}

/* Planes given by the user need not be those of the deck; that they are not should be no surprise. */
static void tell_other_weather(WbSim sim, const char *path) {
  const WbLesOptions *l = &sim->opt.les;
  double speed, direction, height, theta;
  const char *wind = strstr(wb_inflow_tag(sim->inflow), "wind ");
  if (!wind || sscanf(wind, "wind %lf %lf at %lf theta %lf", &speed, &direction, &height, &theta) != 4) return;
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

static void inflow_tag(WbSim sim, char tag[1024]) {
  char forcing[768];
  forcing_text(sim, true, forcing, sizeof forcing);
  snprintf(tag, 1024, "%s spinup %.9g planes %.9g", forcing, sim->opt.spinup_s, sim->opt.plane_interval_s);
}

/* sim->inflow of everything but a precursor that has yet to run: NULL then. */
static PetscErrorCode find_inflow(WbSim sim, const char *path, bool must_exist) {
  PetscFunctionBeginUser;
  char tag[1024];
  inflow_tag(sim, tag);
  bool there = false;
  if (sim->opt.inflow == WB_INFLOW_PRECURSOR) PetscCall(exists(sim->comm, path, &there));
  if (sim->opt.inflow != WB_INFLOW_PRECURSOR) {
    PetscCall(wb_sim_inflow_made(sim));
  } else if (must_exist) {
    PetscCall(wb_inflow_open(sim->comm, path, &sim->inflow));
    double first = 0, last = 0;
    PetscCall(wb_inflow_time_range(sim->inflow, &first, &last));
    if (!(first <= -sim->opt.spinup_s + 1e-6 && last >= sim->opt.duration_s - 1e-6))
      WB_RAISE_ALL(WB_ERR_INPUT, "%s: inflow planes reach from t = %g s to %g s; this run needs %g s to %g s", path,
                   first, last, -sim->opt.spinup_s, sim->opt.duration_s);
    tell_other_weather(sim, path);
  } else if (there) {
    PetscCall(wb_inflow_open(sim->comm, path, &sim->inflow));
    PetscCall(reuse_or_close(sim, path, tag));
  }
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
  char tag[1024];
  inflow_tag(sim, tag);
  PetscCall(find_inflow(sim, path, must_exist));
  if (!sim->inflow) {
    PetscCall(precursor_make(sim, path, tag));
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

static PetscErrorCode load_all(WbSim sim, WbCheckpoint ck) {
  PetscFunctionBeginUser;
  char mark[sizeof sim->mark], name[64];
  PetscCall(wb_checkpoint_get_text(ck, "simulation", mark, (int)sizeof mark));
  if (strcmp(mark, sim->mark) != 0)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: checkpoint of another city, domain or forcing; remove it or restore the deck",
                 sim->checkpoint);
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

PetscErrorCode wb_sim_resume(WbSim sim, bool *resumed) {
  PetscFunctionBeginUser;
  *resumed = false;
  if (!sim->checkpoint[0]) PetscFunctionReturn(0);
  bool there = false, previous = false;
  char old[1300];
  snprintf(old, sizeof old, "%s.prev", sim->checkpoint);
  PetscCall(exists(sim->comm, sim->checkpoint, &there));
  PetscCall(exists(sim->comm, old, &previous));
  if (!there && !previous) PetscFunctionReturn(0);
  WbCheckpoint ck = NULL;
  PetscCall(wb_checkpoint_open(sim->comm, sim->checkpoint, &ck));
  const PetscErrorCode ierr = load_all(sim, ck);
  PetscCall(wb_checkpoint_close(&ck));
  PetscCall(ierr);
  *resumed = true;
  PetscFunctionReturn(0);
}
