/* The training set: reading, scales, normalisation. */
#include "train_internal.h"

#include <math.h>
#include <string.h>

static PetscErrorCode check_run(const WbTrainOptions *o, const WbTrainSet *set, const WbPairRun *run) {
  const WbPairInfo *i = &run->info, *first = &set->runs[0]->info;
  PetscFunctionBeginUser;
  const int n = o->crop > 0 ? o->crop : i->nx_hr;
  if (o->crop == 0 && (i->nx_hr != i->ny_hr || i->nx_hr != first->nx_hr)) {
    WB_RAISE_ALL(
        WB_ERR_INPUT,
        "%s: %d x %d fine cells; without train_crop all windows must be square and of one size (the first has %d)",
        i->path, i->nx_hr, i->ny_hr, first->nx_hr);
  }
  if (n % 4 != 0 || n > i->nx_hr || n > i->ny_hr || i->ratio != 4 || i->nz_hr % 4 != 0) {
    WB_RAISE_ALL(
        WB_ERR_INPUT,
        "%s: %d x %d x %d fine cells (z, y, x) at ratio %d do not fit samples of %d x %d cells; allowed: ratio 4, "
        "multiples of 4 cells, windows at least as large as a sample",
        i->path, i->nz_hr, i->ny_hr, i->nx_hr, i->ratio, n, n);
  }
  if (i->nz_hr != first->nz_hr || fabs(i->dx_hr_m - first->dx_hr_m) > 1e-6) {
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: %d levels of %g m; the first file has %d of %g m", i->path, i->nz_hr, i->dx_hr_m,
                 first->nz_hr, first->dx_hr_m);
  }
  PetscFunctionReturn(0);
}

/* Test files never train: they are refused, so that a slip in a deck cannot spoil an evaluation. */
static PetscErrorCode read_runs(const WbTrainOptions *o, bool with_test, WbTrainSet *set) {
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(o->n_files, &set->runs));
  for (int f = 0; f < o->n_files; f++) {
    PetscCall(wb_pair_read(PETSC_COMM_SELF, o->files[f], &set->runs[f]));
    set->n_runs = f + 1;
    const WbPairRun *run = set->runs[f];
    if (strcmp(run->info.split, "test") == 0 && !with_test) {
      WB_RAISE_ALL(WB_ERR_INPUT, "%s: its split is test; allowed in data_files of train are train and validation",
                   o->files[f]);
    }
    PetscCall(check_run(o, set, run));
    if (o->store_dir) PetscCall(wb_store_put(&set->store, set->runs[f]));
    const bool train = strcmp(run->info.split, "train") == 0;
    set->n_train += train ? run->n_time : 0;
    set->n_validation += train ? 0 : run->n_time;
    set->bytes += (double)run->n_time * (double)wb_grid_owned(run->hr_grid) * 8.0 * sizeof(float);
  }
  if (set->n_train == 0) WB_RAISE_ALL(WB_ERR_INPUT, "none of the %d pair files has the split train", o->n_files);
  PetscFunctionReturn(0);
}

/* Runs of one city share a fold. */
static PetscErrorCode make_folds(const WbTrainOptions *o, WbTrainSet *set) {
  int cities = 0;
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(set->n_runs, &set->fold));
  for (int r = 0; r < set->n_runs; r++) {
    const WbPairInfo *info = &set->runs[r]->info;
    if (strcmp(info->split, "train") != 0) continue;
    int same = 0;
    while (strcmp(set->runs[same]->info.split, "train") != 0 || strcmp(set->runs[same]->info.city, info->city) != 0 ||
           set->runs[same]->info.city_seed != info->city_seed)
      same++; /* ends at r at the latest */
    set->fold[r] = same < r ? set->fold[same] : cities++ % o->net.cond_nets;
  }
  if (cities < o->net.cond_nets) {
    WB_RAISE_ALL(
        WB_ERR_CONFIG,
        "train_cond_nets is %d with %d training cities; allowed: at most as many mean networks as cities, so that "
        "each can leave some out",
        o->net.cond_nets, cities);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode list_minutes(WbTrainSet *set) {
  int a = 0, b = 0;
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(set->n_train, &set->train));
  PetscCall(WB_CALLOC(set->n_validation + 1, &set->validation));
  for (int r = 0; r < set->n_runs; r++) {
    const bool train = strcmp(set->runs[r]->info.split, "train") == 0;
    for (int m = 0; m < set->runs[r]->n_time; m++) {
      if (train) set->train[a++] = (WbMinute){r, m};
      if (!train) set->validation[b++] = (WbMinute){r, m};
    }
  }
  PetscFunctionReturn(0);
}

int wb_train_frame(const WbTrainOptions *options, const WbPairInfo *run) {
  return options->symmetry == WB_SYMMETRY_CANONICAL ? wb_symmetry_of_wind(run->wind_direction_deg) : 0;
}

typedef struct {
  double n, sum[WB_CHANNELS], square[WB_CHANNELS];
} Moments;

/* x1 - x0 of one minute in the frame of `turn`; velocities in units of the wind if asked. */
static void add_minute(const WbPairRun *run, int minute, int turn, double wind, Moments *m) {
  const float *x0 = run->x0[minute], *x1 = run->x1[minute];
  const size_t cells = wb_grid_owned(run->hr_grid);
  for (size_t p = 0; p < cells; p++) {
    float d[WB_CHANNELS];
    if (!run->fluid[p]) continue;
    for (size_t c = 0; c < WB_CHANNELS; c++) d[c] = x1[p * WB_CHANNELS + c] - x0[p * WB_CHANNELS + c];
    wb_symmetry_vector(turn, &d[1], &d[2]);
    m->n += 1.0;
    for (size_t c = 0; c < WB_CHANNELS; c++) {
      const double value = (double)d[c] / (c ? wind : 1.0);
      m->sum[c] += value;
      m->square[c] += value * value;
    }
  }
}

/* Over all eight symmetries u and v have one distribution, of mean 0. */
static void mix_directions(Moments *m) {
  m->sum[1] = m->sum[2] = 0.0;
  m->square[1] = m->square[2] = 0.5 * (m->square[1] + m->square[2]);
}

/* Standard deviation of x1 - x0 over fluid voxels of all training minutes, in the frame of the training: a network
 * that sees turned winds needs the numbers of turned winds. */
static PetscErrorCode deviations(const WbTrainOptions *o, WbTrainSet *set) {
  Moments m = {0};
  PetscFunctionBeginUser;
  for (int s = 0; s < set->n_train; s++) {
    const WbPairRun *run = set->runs[set->train[s].run];
    add_minute(run, set->train[s].minute, wb_train_frame(o, &run->info),
               set->norm.scale_by_wind ? run->info.wind_speed_m_per_s : 1.0, &m);
  }
  if (o->symmetry == WB_SYMMETRY_RANDOM) mix_directions(&m);
  for (int c = 0; c < WB_CHANNELS; c++) {
    const double mean = m.sum[c] / m.n, variance = m.square[c] / m.n - mean * mean;
    set->deviation[c] = variance > 0.0 ? sqrt(variance) : 0.0;
    if (!isfinite(mean) || !isfinite(variance)) {
      WB_RAISE_ALL(WB_ERR_INPUT, "training pairs: deviation of x1 - x0 of channel %d is not finite (%g fluid voxels)",
                   c, m.n);
    }
  }
  PetscFunctionReturn(0);
}

/* One unit of each channel is std(x1 - x0), so that residual states and targets are of order one for every channel and
 * the loss needs no further weights. A channel that hardly differs (no heat: theta) gets a floor of 1 mK or 1e-3 of the
 * wind, lest rounding be learned. */
static void choose_scales(const WbTrainOptions *o, WbTrainSet *set) {
  for (int c = 0; c < WB_CHANNELS; c++) {
    const double scale = fmax(set->deviation[c], 1e-3);
    set->norm.scale[c] = (float)scale;
    set->epsilon[c] = (float)(o->epsilon_factor[c] * set->deviation[c] / scale);
    if (set->epsilon[c] < 1e-3f) set->epsilon[c] = 1e-3f;
    set->residual[c] = (float)fmax(o->residual_deviation * set->deviation[c] / scale, 1e-3);
  }
}

/* The fields are not turned yet, the scales belong to turned ones. */
static void normalise_all(const WbTrainOptions *o, WbTrainSet *set) {
  if (set->store.node_rank > 0) return; /* the file is the whole node's */
  for (int r = 0; r < set->n_runs; r++) {
    WbPairRun *run = set->runs[r];
    WbNormalisation norm = set->norm;
    wb_symmetry_lengths(wb_train_frame(o, &run->info), &norm.scale[1], &norm.scale[2]);
    norm.wind_speed_m_per_s = run->info.wind_speed_m_per_s;
    norm.theta_surface_K = run->info.theta_surface_K;
    norm.lapse_K_per_m = run->info.lapse_K_per_m;
    norm.mixed_height_m = run->info.mixed_height_m;
    const size_t plane = (size_t)run->hr_grid->nyl * (size_t)run->hr_grid->nxl;
    for (int m = 0; m < run->n_time; m++) {
      wb_normalise(&norm, run->hr_grid->nz, plane, run->z, run->fluid, run->x0[m]);
      wb_normalise(&norm, run->hr_grid->nz, plane, run->z, run->fluid, run->x1[m]);
    }
  }
}

PetscErrorCode wb_train_set_create(MPI_Comm comm, const WbTrainOptions *options, bool with_test, WbTrainSet **out) {
  WbTrainSet *set = NULL;
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(1, &set));
  *out = set;
  set->store = (WbStore){.node = MPI_COMM_NULL, .file = -1};
  if (options->store_dir) PetscCall(wb_store_create(comm, options->store_dir, &set->store));
  PetscCall(wb_error_agree(comm, read_runs(options, with_test, set)));
  if (options->store_dir) PetscCall(wb_store_map(comm, &set->store, set->n_runs, set->runs));
  set->nz = set->runs[0]->info.nz_hr;
  set->n = options->crop > 0 ? options->crop : set->runs[0]->info.nx_hr;
  PetscCall(list_minutes(set));
  PetscCall(wb_error_agree(comm, make_folds(options, set)));
  set->norm.scale_by_wind = options->scale_by_wind;
  PetscCall(wb_error_agree(comm, deviations(options, set)));
  choose_scales(options, set);
  normalise_all(options, set);
  if (options->store_dir) PetscCallMPI(MPI_Barrier(set->store.node));
  wb_log(
      "training set: %d minutes to train, %d to validate, %.2f GB %s; std(x1 - x0): theta %.3g K, u v w %.3g %.3g "
      "%.3g%s",
      set->n_train, set->n_validation, set->bytes / 1e9, options->store_dir ? "in a file of each node" : "a rank",
      set->deviation[0], set->deviation[1], set->deviation[2], set->deviation[3],
      options->scale_by_wind ? " of the wind speed" : " m/s");
  PetscFunctionReturn(0);
}

void wb_train_set_destroy(WbTrainSet **set) {
  if (!set || !*set) return;
  if ((*set)->runs) wb_store_destroy(&(*set)->store, (*set)->n_runs, (*set)->runs);
  for (int r = 0; (*set)->runs && r < (*set)->n_runs; r++) wb_pair_destroy(&(*set)->runs[r]);
  WB_FREE(&(*set)->runs);
  WB_FREE(&(*set)->train);
  WB_FREE(&(*set)->fold);
  WB_FREE(&(*set)->validation);
  WB_FREE(set);
}
