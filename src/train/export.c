/* The training set as the network sees it, in one file for other trainers (postproc/windbridge_train.py). */
#include <string.h>

#include "train_internal.h"

typedef struct {
  WbNc nc;
  const WbTrainSet *set;
  const WbPairRun *run;
  char group[32];
  int symmetry, nz; /* levels written */
  float *turned;
} Export;

static const char *const channel_names[WB_CHANNELS] = {"theta", "u", "v", "w"};

static PetscErrorCode define(const Export *e) {
  const WbPairInfo *i = &e->run->info;
  PetscFunctionBeginUser;
  PetscCall(wb_nc_def_dim(e->nc, e->group, "time", e->run->n_time));
  PetscCall(wb_nc_def_dim(e->nc, e->group, "z", e->nz));
  PetscCall(wb_nc_def_dim(e->nc, e->group, "y", i->ny_hr));
  PetscCall(wb_nc_def_dim(e->nc, e->group, "x", i->nx_hr));
  PetscCall(wb_nc_def_dim(e->nc, e->group, "channel", WB_CHANNELS));
  PetscCall(wb_nc_def_var(e->nc, e->group, "z", WB_NC_DOUBLE, "z"));
  PetscCall(wb_nc_def_var(e->nc, e->group, "x0", WB_NC_FLOAT, "time,z,y,x,channel"));
  PetscCall(wb_nc_def_var(e->nc, e->group, "x1", WB_NC_FLOAT, "time,z,y,x,channel"));
  PetscCall(wb_nc_def_var(e->nc, e->group, "fluid_mask", WB_NC_INT8, "z,y,x"));
  PetscCall(wb_nc_def_var(e->nc, e->group, "lr_valid_mask", WB_NC_INT8, "z,y,x"));
  PetscCall(wb_nc_def_var(e->nc, e->group, "wall_distance", WB_NC_FLOAT, "z,y,x"));
  PetscCall(wb_nc_def_var(e->nc, e->group, "heat_flux", WB_NC_FLOAT, "y,x"));
  PetscCall(wb_nc_att_text(e->nc, e->group, NULL, "split", i->split));
  PetscCall(wb_nc_att_text(e->nc, e->group, NULL, "file", i->path));
  PetscCall(wb_nc_att_int(e->nc, e->group, NULL, "city_seed", (int)i->city_seed));
  PetscCall(wb_nc_att_int(e->nc, e->group, NULL, "symmetry", e->symmetry));
  PetscCall(wb_nc_att_real(e->nc, e->group, NULL, "wind_speed_m_per_s", i->wind_speed_m_per_s));
  PetscCall(wb_nc_att_real(e->nc, e->group, NULL, "wind_direction_deg", i->wind_direction_deg));
  PetscCall(wb_nc_att_real(e->nc, e->group, NULL, "heat_flux_K_m_per_s", i->heat_flux));
  PetscFunctionReturn(0);
}

static PetscErrorCode put(const Export *e, const char *name, int first, int rank, const int *size, const void *data) {
  int start[5] = {0}, count[5];
  for (int d = 0; d < rank; d++) count[d] = size[d];
  start[0] = first;
  PetscFunctionBeginUser;
  PetscCall(wb_nc_put(e->nc, e->group, name, start, count, data));
  PetscFunctionReturn(0);
}

static PetscErrorCode put_masks(const Export *e) {
  const WbPairRun *run = e->run;
  const int size[3] = {e->nz, run->info.ny_hr, run->info.nx_hr}, nz = size[0], n = size[2];
  uint8_t *bytes = (uint8_t *)e->turned;
  PetscFunctionBeginUser;
  PetscCall(put(e, "z", 0, 1, size, run->z));
  wb_augment_mask(e->symmetry, nz, n, run->fluid, bytes);
  PetscCall(put(e, "fluid_mask", 0, 3, size, bytes));
  wb_augment_mask(e->symmetry, nz, n, run->lr_valid, bytes);
  PetscCall(put(e, "lr_valid_mask", 0, 3, size, bytes));
  wb_augment_scalar_f(e->symmetry, nz, n, 1, run->wall_distance, e->turned);
  PetscCall(put(e, "wall_distance", 0, 3, size, e->turned));
  wb_augment_scalar_f(e->symmetry, 1, n, 1, run->heat_flux, e->turned);
  PetscCall(put(e, "heat_flux", 0, 2, size + 1, e->turned));
  PetscFunctionReturn(0);
}

static PetscErrorCode put_run(Export *e) {
  const WbPairRun *run = e->run;
  const int size[5] = {1, e->nz, run->info.ny_hr, run->info.nx_hr, WB_CHANNELS};
  PetscFunctionBeginUser;
  PetscCall(define(e));
  PetscCall(put_masks(e));
  for (int m = 0; m < run->n_time; m++) {
    wb_augment_state(e->symmetry, size[1], size[3], run->x0[m], e->turned);
    PetscCall(put(e, "x0", m, 5, size, e->turned));
    wb_augment_state(e->symmetry, size[1], size[3], run->x1[m], e->turned);
    PetscCall(put(e, "x1", m, 5, size, e->turned));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode put_set(Export *e, const WbTrainOptions *o) {
  char name[64];
  PetscFunctionBeginUser;
  for (int c = 0; c < WB_CHANNELS; c++) {
    snprintf(name, sizeof(name), "scale_%s", channel_names[c]);
    PetscCall(wb_nc_att_real(e->nc, "/", NULL, name, (double)e->set->norm.scale[c]));
  }
  PetscCall(wb_nc_att_int(e->nc, "/", NULL, "scale_by_wind", o->scale_by_wind));
  PetscCall(wb_nc_att_int(e->nc, "/", NULL, "canonical_wind", o->symmetry == WB_SYMMETRY_CANONICAL));
  for (int r = 0; r < e->set->n_runs; r++) {
    e->run = e->set->runs[r];
    const int levels = e->run->info.nz_hr;
    e->nz = o->export_levels > 0 && o->export_levels < levels ? o->export_levels : levels; /* z is the slowest index */
    e->symmetry = wb_train_frame(o, &e->run->info);
    if (e->run->info.nx_hr != e->run->info.ny_hr)
      WB_RAISE(WB_ERR_INPUT, "%s: train_export_file needs square windows; this one has %d x %d cells",
               e->run->info.path, e->run->info.nx_hr, e->run->info.ny_hr);
    snprintf(e->group, sizeof(e->group), "/run_%03d", r);
    WB_FREE(&e->turned);
    PetscCall(WB_ALLOC(wb_grid_owned(e->run->hr_grid) * WB_CHANNELS, &e->turned));
    PetscCall(put_run(e));
  }
  PetscFunctionReturn(0);
}

enum { PATH_ROWS = 4096 };

/* What the network is told, beta and w at the training times of u = (k + 1/2)/n. */
static void tabulate(WbProcess process, double net_t[PATH_ROWS], double beta[PATH_ROWS], double w[PATH_ROWS]) {
  static const float unit[WB_CHANNELS] = {1, 1, 1, 1};
  for (int k = 0; k < PATH_ROWS; k++) {
    const double t = wb_process_train_time(process, (k + 0.5) / PATH_ROWS, 1);
    WbPathAt at;
    WbPrecond told;
    wb_process_at(process, t, &at);
    wb_precond_at(process, unit, t, &told);
    net_t[k] = told.t;
    beta[k] = at.beta;
    w[k] = at.w;
  }
}

/* The path of a process, for trainers that do not have this program's bridge. */
static PetscErrorCode put_path(const Export *e, const WbTrainOptions *o, WbProcessKind kind, WbScheduleKind schedule) {
  const int start[1] = {0}, count[1] = {PATH_ROWS};
  const char *const columns[3] = {"net_t", "beta", "w"};
  double value[3][PATH_ROWS];
  char group[64];
  WbProcessOptions options;
  WbProcess process = NULL;
  PetscFunctionBeginUser;
  wb_process_options_default(kind, &options);
  options.schedule = schedule;
  if (kind == o->process) options.table = o->table;
  PetscCall(wb_process_create(&options, &process));
  tabulate(process, value[0], value[1], value[2]);
  const bool own = wb_process_train_time(process, 0.5, 1) == wb_process_train_time(process, 0.5, 2);
  const bool from_noise = wb_process_from_noise(process);
  wb_process_destroy(&process);
  snprintf(group, sizeof(group), kind == WB_PROCESS_BRIDGE ? "/path_%s_%s" : "/path_%s", wb_process_name(kind),
           wb_schedule_name(schedule));
  PetscCall(wb_nc_def_dim(e->nc, group, "u", PATH_ROWS));
  PetscCall(wb_nc_att_int(e->nc, group, NULL, "own_times", own));
  PetscCall(wb_nc_att_int(e->nc, group, NULL, "from_noise", from_noise));
  for (int k = 0; k < 3; k++) {
    PetscCall(wb_nc_def_var(e->nc, group, columns[k], WB_NC_DOUBLE, "u"));
    PetscCall(wb_nc_put(e->nc, group, columns[k], start, count, value[k]));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode put_table(const Export *e, const WbPathTable *t) {
  const int start[1] = {0}, count[1] = {t->n};
  const char *const names[5] = {"t", "alpha", "beta", "noise", "diffusivity"};
  const double *const values[5] = {t->t, t->alpha, t->beta, t->noise, t->diffusivity};
  PetscFunctionBeginUser;
  PetscCall(wb_nc_def_dim(e->nc, "/table", "row", t->n));
  for (int k = 0; k < 5; k++) {
    if (!values[k]) continue;
    PetscCall(wb_nc_def_var(e->nc, "/table", names[k], WB_NC_DOUBLE, "row"));
    PetscCall(wb_nc_put(e->nc, "/table", names[k], start, count, values[k]));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode put_paths(const Export *e, const WbTrainOptions *o) {
  PetscFunctionBeginUser;
  for (int s = 0; s < WB_N_SCHEDULES; s++) {
    if (s != WB_SCHEDULE_TABLE || (o->table.n > 0 && o->process == WB_PROCESS_BRIDGE))
      PetscCall(put_path(e, o, WB_PROCESS_BRIDGE, (WbScheduleKind)s));
  }
  for (int k = 0; k < WB_N_PROCESSES; k++) {
    if (k != WB_PROCESS_BRIDGE) PetscCall(put_path(e, o, (WbProcessKind)k, WB_SCHEDULE_LINEAR));
  }
  if (o->table.n > 0) PetscCall(put_table(e, &o->table));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_train_export(const WbTrainOptions *options, const char *path) {
  Export e = {0};
  WbTrainSet *set = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_train_set_create(PETSC_COMM_SELF, options, true, &set));
  e.set = set;
  PetscErrorCode failed = wb_nc_create(PETSC_COMM_SELF, path, true, true, &e.nc);
  if (!failed) {
    failed = put_set(&e, options);
    if (!failed) failed = put_paths(&e, options);
    const PetscErrorCode closed = failed ? wb_nc_abort(&e.nc) : wb_nc_close(&e.nc);
    if (!failed) failed = closed;
  }
  WB_FREE(&e.turned);
  wb_train_set_destroy(&set);
  PetscFunctionReturn(failed);
}
