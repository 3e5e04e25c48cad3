/* Pairs: LR and HR runs of one city and one inflow, minute by minute, into one file. The minutes that were already
 * computed are kept in memory and in every checkpoint; the pair file is written once, whole. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim_internal.h"

enum { LR = 0, HR = 1 };

typedef struct {
  const WbSimControl *control; /* the caller's */
  WbSim sim;
  WbSimRun *run[2];
  WbSimWindow *window[2];
  int first, n_minutes, n_done; /* minutes kept: first .. first + n_minutes - 1 of the run; n_done of them are there */
  float **mean[2];              /* [n_minutes] (nz, nyl, nxl, 4) on the windows */
  char inflow[WB_SIM_PATH], checkpoint[WB_SIM_PATH];
} Pairs;

static const char *const scale_name[2] = {"lr", "hr"};

/* Block of a minute in a checkpoint: the window's own decomposition, 4 channels last. */
static void block(const WbGrid *g, int dims[4], int start[4], int count[4]) {
  dims[0] = count[0] = g->nz;
  dims[1] = g->ny, count[1] = g->nyl;
  dims[2] = g->nx, count[2] = g->nxl;
  dims[3] = count[3] = WB_CHANNELS;
  start[0] = start[3] = 0, start[1] = g->y0, start[2] = g->x0;
}

static PetscErrorCode save(void *ctx, WbCheckpoint ck) {
  PetscFunctionBeginUser;
  Pairs *p = ctx;
  char name[64];
  int dims[4], start[4], count[4];
  PetscCall(wb_checkpoint_put_real(ck, "pairs_done", p->n_done));
  PetscCall(wb_checkpoint_put_real(ck, "pairs_first", p->first));
  for (int s = LR; s <= HR; s++)
    for (int m = 0; m < p->n_done; m++) {
      block(p->window[s]->grid, dims, start, count);
      snprintf(name, sizeof name, "minute_%s_%d", scale_name[s], m);
      PetscCall(wb_checkpoint_put(ck, name, WB_FP32, 4, dims, start, count, p->mean[s][m]));
    }
  PetscFunctionReturn(0);
}

static PetscErrorCode load(void *ctx, WbCheckpoint ck) {
  PetscFunctionBeginUser;
  Pairs *p = ctx;
  char name[64];
  int dims[4], start[4], count[4];
  double done = 0, first = 0;
  PetscCall(wb_checkpoint_get_real(ck, "pairs_done", &done));
  PetscCall(wb_checkpoint_get_real(ck, "pairs_first", &first));
  if ((int)first != p->first || (int)done > p->n_minutes)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: the checkpoint was made with another pairs_drop_s or les_duration_s",
                 p->checkpoint);
  p->n_done = (int)done;
  for (int s = LR; s <= HR; s++)
    for (int m = 0; m < p->n_done; m++) {
      block(p->window[s]->grid, dims, start, count);
      snprintf(name, sizeof name, "minute_%s_%d", scale_name[s], m);
      PetscCall(wb_checkpoint_get(ck, name, WB_FP32, 4, dims, start, count, p->mean[s][m]));
    }
  PetscFunctionReturn(0);
}

static PetscErrorCode stop(void *ctx, bool *yes) {
  PetscFunctionBeginUser;
  Pairs *p = ctx;
  if (p->control && p->control->stop) {
    PetscCall(p->control->stop(p->control->ctx, yes));
    PetscFunctionReturn(0);
  }
  *yes = wb_stop_requested(); /* the caller reduces it */
  PetscFunctionReturn(0);
}

static PetscErrorCode create(MPI_Comm comm, const WbCity *city, const WbSimOptions *o, const WbPairsOptions *po,
                             Pairs *p) {
  PetscFunctionBeginUser;
  const double interval = o->output_interval_s;
  const int total = (int)lround(o->duration_s / interval);
  p->first = (int)ceil(o->hr_drop_s / interval - 1e-9);
  p->n_minutes = total - p->first;
  if (p->n_minutes < 1)
    WB_RAISE_ALL(WB_ERR_CONFIG, "les_duration_s is '%g'; allowed: at least pairs_drop_s + les_output_interval_s = %g s",
                 o->duration_s, p->first * interval + interval);
  const WbSimControl control = {.stop = stop,
                                .save = save,
                                .load = load,
                                .ctx = p,
                                .checkpoint = p->checkpoint,
                                .resumes = true,
                                .keeps_planes = p->control && p->control->keeps_planes,
                                .checkpoint_interval_s = p->control && p->control->checkpoint_interval_s > 0
                                                             ? p->control->checkpoint_interval_s
                                                             : 300};
  PetscCall(wb_sim_create(comm, city, o, &control, &p->sim));
  PetscCall(wb_sim_run_create(p->sim, "lr", o->dx_m, &p->run[LR]));
  PetscCall(wb_sim_run_create(p->sim, "hr", o->dx_hr_m, &p->run[HR]));
  const int ratio = (int)lround(o->dx_m / o->dx_hr_m), nz_hr = (int)lround(po->sr_top_m / o->dx_hr_m);
  PetscCall(wb_sim_window_create(p->sim, p->run[LR], nz_hr / ratio + 1, 1, &p->window[LR]));
  PetscCall(wb_sim_window_create(p->sim, p->run[HR], nz_hr, ratio, &p->window[HR]));
  for (int s = LR; s <= HR; s++) {
    PetscCall(wb_calloc_bytes((size_t)p->n_minutes * sizeof(float *), "pair minutes", (void **)&p->mean[s]));
    for (int m = 0; m < p->n_minutes; m++)
      PetscCall(WB_ALLOC(WB_CHANNELS * wb_grid_owned(p->window[s]->grid), &p->mean[s][m]));
  }
  PetscFunctionReturn(0);
}

/* Both runs side by side from wherever they stand. */
static PetscErrorCode run_minutes(Pairs *p) {
  PetscFunctionBeginUser;
  for (int m = wb_sim_first_minute(p->sim, p->run[LR]); m < p->first + p->n_minutes; m++) {
    const int kept = m - p->first;
    PetscCall(wb_sim_minute(p->sim, p->run[LR], m));
    PetscCall(wb_sim_minute(p->sim, p->run[HR], m));
    if (kept < 0) continue;
    for (int s = LR; s <= HR; s++) PetscCall(wb_sim_window_mean(p->window[s], p->mean[s][kept]));
    p->n_done = kept + 1;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode write_pair(MPI_Comm comm, const WbCity *city, const WbSimOptions *o, const WbPairsOptions *po,
                                 Pairs *p) {
  PetscFunctionBeginUser;
  const WbGrid *g = p->window[HR]->grid;
  float *distance = NULL;
  PetscCall(WB_ALLOC(wb_grid_owned(g), &distance));
  PetscErrorCode ierr = wb_error_agree(comm, wb_city_wall_distances(city, g, WB_WALL_DISTANCE_CAP_M, distance));
  char history[256];
  snprintf(history, sizeof history, "windbridge %s (%s) pairs", wb_version(), wb_git_version());
  WbPairData data = {.lr_grid = p->window[LR]->grid,
                     .hr_grid = g,
                     .z_lr = p->window[LR]->z,
                     .z_hr = p->window[HR]->z,
                     .lr_fluid = p->window[LR]->fluid,
                     .lr_fluid_fraction = p->window[LR]->fluid_fraction,
                     .hr_fluid = p->window[HR]->fluid,
                     .hr_lr_valid = p->window[HR]->lr_valid,
                     .wall_distance = distance,
                     .heat_flux = p->window[HR]->heat_flux,
                     .building_height = p->window[HR]->building_height,
                     .lr = p->mean[LR],
                     .hr = p->mean[HR],
                     .t_begin_s = p->first * o->output_interval_s,
                     .interval_s = o->output_interval_s,
                     .start_time_iso = po->start_time_iso,
                     .crs_wkt = city->crs_wkt,
                     .deck_yaml = po->deck_yaml,
                     .source = city->source,
                     .history = history};
  data.info = (WbPairInfo){.city_seed = po->city_seed,
                           .n_time = p->n_minutes,
                           .ratio = (int)lround(o->dx_m / o->dx_hr_m),
                           .wind_speed_m_per_s = o->les.wind_speed_m_per_s,
                           .wind_direction_deg = o->les.wind_direction_deg,
                           .heat_flux = o->les.heat_flux_K_m_per_s,
                           .theta_surface_K = o->les.theta_surface_K,
                           .lapse_K_per_m = o->les.lapse_K_per_m,
                           .mixed_height_m = o->les.mixed_height_m};
  snprintf(data.info.city, sizeof data.info.city, "%s", po->city_name ? po->city_name : "unknown");
  snprintf(data.info.split, sizeof data.info.split, "%s", po->split ? po->split : "train");
  if (!ierr) ierr = wb_pair_write(comm, po->path, &data);
  WB_FREE(&distance);
  PetscFunctionReturn(ierr);
}

static void remove_leftovers(MPI_Comm comm, const Pairs *p, bool keep_inflow) {
  int rank = 1;
  char path[WB_SIM_PATH + 32];
  if (MPI_Comm_rank(comm, &rank) || rank != 0) return;
  static const char *const states[] = {"", ".prev"};
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "%s%s", p->checkpoint, states[i]);
    (void)unlink(path);
    snprintf(path, sizeof path, "%s.checkpoint.h5%s", p->inflow, states[i]);
    (void)unlink(path);
  }
  if (!keep_inflow) (void)unlink(p->inflow);
}

static PetscErrorCode run_pairs(MPI_Comm comm, const WbCity *city, const WbSimOptions *o, const WbPairsOptions *po,
                                Pairs *p) {
  PetscFunctionBeginUser;
  bool resumed = false;
  PetscCall(create(comm, city, o, po, p));
  PetscCall(wb_sim_check_resume(p->sim));
  PetscCall(wb_sim_check_inflow(p->sim, p->inflow, false));
  if (po->check) PetscFunctionReturn(0);
  if (p->control && p->control->start) PetscCall(p->control->start(p->control->ctx));
  PetscCall(wb_sim_inflow(p->sim, p->inflow, false));
  PetscCall(wb_sim_resume(p->sim, &resumed));
  PetscCall(wb_sim_spinup(p->sim, p->run[LR]));
  PetscCall(wb_sim_start_from(p->sim, p->run[HR], p->run[LR]));
  PetscCall(run_minutes(p));
  PetscCall(write_pair(comm, city, o, po, p));
  remove_leftovers(comm, p, po->keep_inflow);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_sim_pairs(MPI_Comm comm, const WbCity *city, const WbSimOptions *options, const WbSimControl *control,
                            const WbPairsOptions *pairs) {
  PetscFunctionBeginUser;
  Pairs p = {.control = control};
  snprintf(p.inflow, sizeof p.inflow, "%s.inflow.nc", pairs->path);
  snprintf(p.checkpoint, sizeof p.checkpoint, "%s.checkpoint.h5", pairs->path);
  const PetscErrorCode ierr = run_pairs(comm, city, options, pairs, &p);
  for (int s = LR; s <= HR; s++) {
    for (int m = 0; m < p.n_minutes && p.mean[s]; m++) WB_FREE(&p.mean[s][m]);
    WB_FREE(&p.mean[s]);
    wb_sim_window_destroy(&p.window[s]);
  }
  wb_sim_destroy(&p.sim);
  PetscFunctionReturn(ierr);
}
