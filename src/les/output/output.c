/* Output while a run advances: what is due when, files, and what of it a checkpoint must hold. */
#include "output.h"

#include <string.h>

static WbLesSchedule schedule(double interval_s, const WbLesOutputOptions *o) {
  WbLesSchedule s = {.interval_s = interval_s, .due_s = o->t_begin_s + PetscMax(interval_s, 0.0)};
  if (interval_s > 0.0) s.n_records = PetscMax(1, (int)floor((o->t_end_s - o->t_begin_s) / interval_s + 1e-6));
  return s;
}

bool wb_les_schedule_due(WbLesSchedule *s, double time_s) {
  const double eps = 1e-9 * PetscMax(1.0, fabs(time_s));
  if (s->interval_s < 0.0 || time_s < s->due_s - eps) return false;
  if (s->interval_s > 0.0)
    while (s->due_s <= time_s + eps) s->due_s += s->interval_s; /* a long step passes several: one record */
  return true;
}

PetscErrorCode wb_les_output_create(WbLes les, const WbLesOutputOptions *options, WbLesOutput *output) {
  WbLesOutput o = NULL;
  PetscFunctionBeginUser;
  *output = NULL;
  if (les->output) WB_RAISE_ALL(PETSC_ERR_ORDER, "LES: a run takes one output only");
  PetscCall(WB_CALLOC(1, &o));
  o->les = les;
  o->opt = *options;
  o->profile = schedule(options->profile_interval_s > 0.0 ? options->profile_interval_s : -1.0, options);
  o->probe = schedule(options->n_probes > 0 ? options->probe_interval_s : -1.0, options);
  const int n_slices = options->n_slices[0] + options->n_slices[1] + options->n_slices[2];
  o->slice = schedule(n_slices > 0 && options->slice_interval_s > 0.0 ? options->slice_interval_s : -1.0, options);
  o->t_begin_s = options->t_begin_s;
  const WbLesPlaces places = wb_les_places(les);
  PetscErrorCode error = wb_les_check_output(&places, options);
  if (!error && les->porous && o->profile.interval_s >= 0.0)
    error = wb_error_raise(WB_ERR_CONFIG, WB_ERROR_ALL, __func__, __FILE__, __LINE__,
                           "les_profile_interval_s is '%g'; allowed with les_geometry porous: 0",
                           options->profile_interval_s);
  if (!error && o->profile.interval_s >= 0.0) error = wb_les_profiles_create(o);
  if (!error && o->probe.interval_s >= 0.0) error = wb_les_probes_create(o);
  if (!error && o->slice.interval_s >= 0.0) error = wb_les_slices_create(o);
  if (error) {
    (void)wb_les_output_destroy(&o);
    PetscFunctionReturn(error);
  }
  les->output = o;
  *output = o;
  PetscFunctionReturn(0);
}

static void path_of(const WbLesOutput o, const char *name, char path[1200]) {
  snprintf(path, 1200, "%s/%s", o->opt.dir, name);
}

PetscErrorCode wb_les_output_open(WbLesOutput o, bool append) {
  char path[1200];
  PetscFunctionBeginUser;
  o->append = append;
  path_of(o, "profiles.nc", path);
  if (o->profile.interval_s >= 0.0) PetscCall(wb_les_profiles_open(o, path));
  path_of(o, "probes.csv", path);
  if (o->probe.interval_s >= 0.0) PetscCall(wb_les_probes_open(o, path));
  path_of(o, "slices.nc", path);
  if (o->slice.interval_s >= 0.0) PetscCall(wb_les_slices_open(o, path));
  o->open = true;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_output_destroy(WbLesOutput *output) {
  WbLesOutput o = *output;
  PetscErrorCode error = 0;
  PetscFunctionBeginUser;
  if (!o) PetscFunctionReturn(0);
  if (o->profile_nc) error = wb_nc_close(&o->profile_nc);
  if (o->slice_nc && !error) error = wb_nc_close(&o->slice_nc);
  if (o->csv && fclose(o->csv) && !error) error = WB_ERROR(WB_ERR_IO, WB_ERROR_LOCAL, "probes.csv: cannot be closed");
  error = wb_error_agree(o->les->grid->comm, error);
  WB_FREE(&o->sum);
  WB_FREE(&o->all);
  WB_FREE(&o->count);
  WB_FREE(&o->column);
  WB_FREE(&o->probe_at);
  WB_FREE(&o->probe_value);
  WB_FREE(&o->field);
  WB_FREE(&o->plane);
  if (o->les->output == o) o->les->output = NULL;
  WB_FREE(output);
  PetscFunctionReturn(error);
}

PetscErrorCode wb_les_output_step(WbLes les) {
  WbLesOutput o = les->output;
  const double eps = 1e-9 * PetscMax(1.0, fabs(o->opt.t_begin_s));
  PetscFunctionBeginUser;
  if (!o->open || les->time_s <= o->opt.t_begin_s + eps) PetscFunctionReturn(0);
  const int timer = wb_timer_id("les.output");
  wb_timer_begin(timer);
  if (o->profile.interval_s >= 0.0) {
    WB_LES_CALL(les, wb_les_profile_add, les->dt_s, o->sum);
    o->weight += les->dt_s;
    if (wb_les_schedule_due(&o->profile, les->time_s)) PetscCall(wb_les_profiles_write(o));
  }
  if (wb_les_schedule_due(&o->probe, les->time_s)) PetscCall(wb_les_probes_write(o));
  if (wb_les_schedule_due(&o->slice, les->time_s)) PetscCall(wb_les_slices_write(o));
  wb_timer_end(timer);
  PetscFunctionReturn(0);
}

/* ---- checkpoints ---- */
/* Each rank keeps its own sums: on the same ranks a restart goes on bit for bit, on others rank 0 takes all. */
static PetscErrorCode sums(WbLesOutput o, WbCheckpoint ck, const char *name, bool load) {
  const WbGrid *g = o->les->grid;
  const int n = wb_les_profile_sums(o->les), levels = o->les->lay.nz + 1;
  char ranks[128];
  double size = g->size;
  PetscFunctionBeginUser;
  snprintf(ranks, sizeof ranks, "%s_ranks", name);
  if (!load) {
    const int dims[3] = {g->size, n, levels}, start[3] = {g->rank, 0, 0}, count[3] = {1, n, levels};
    PetscCall(wb_checkpoint_put_real(ck, ranks, size));
    PetscCall(wb_checkpoint_put(ck, name, WB_FP64, 3, dims, start, count, o->sum));
    PetscFunctionReturn(0);
  }
  PetscCall(wb_checkpoint_get_real(ck, ranks, &size));
  const int saved = (int)size, dims[3] = {saved, n, levels};
  double *work = NULL;
  PetscCall(WB_ALLOC(n * levels, &work));
  memset(o->sum, 0, (size_t)n * (size_t)levels * sizeof *o->sum);
  for (int r = 0; r < saved; r++) {
    const bool mine = saved == g->size ? r == g->rank : g->rank == 0;
    const int start[3] = {r, 0, 0}, count[3] = {1, n, levels};
    PetscCall(wb_checkpoint_get(ck, name, WB_FP64, 3, dims, start, count, work));
    for (int q = 0; q < n * levels && mine; q++) o->sum[q] += work[q];
  }
  WB_FREE(&work);
  PetscFunctionReturn(0);
}

static PetscErrorCode counters(WbLesOutput o, WbCheckpoint ck, const char *prefix, bool load) {
  double done[3] = {o->profile.done, o->probe.done, o->slice.done};
  double *const value[] = {&o->profile.due_s, &o->probe.due_s, &o->slice.due_s, &o->weight, &o->t_begin_s,
                           &o->csv_bytes,     &done[0],        &done[1],        &done[2]};
  char name[128];
  PetscFunctionBeginUser;
  for (size_t i = 0; i < sizeof value / sizeof value[0]; i++) {
    snprintf(name, sizeof name, "%s_output_%d", prefix, (int)i);
    if (load)
      PetscCall(wb_checkpoint_get_real(ck, name, value[i]));
    else
      PetscCall(wb_checkpoint_put_real(ck, name, *value[i]));
  }
  o->profile.done = (int)done[0], o->probe.done = (int)done[1], o->slice.done = (int)done[2];
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_output_save(WbLes les, WbCheckpoint ck, const char *prefix) {
  WbLesOutput o = les->output;
  char name[128];
  PetscFunctionBeginUser;
  if (!o) PetscFunctionReturn(0);
  MPI_Comm comm = les->grid->comm;
  PetscCallMPI(MPI_Bcast(&o->csv_bytes, 1, MPI_DOUBLE, 0, comm)); /* rank 0 writes that file */
  PetscCall(counters(o, ck, prefix, false));
  snprintf(name, sizeof name, "%s_profiles", prefix);
  if (o->profile.interval_s >= 0.0) PetscCall(sums(o, ck, name, false));
  PetscFunctionReturn(0);
}

/* A checkpoint without output (another deck) starts it anew. */
PetscErrorCode wb_les_output_load(WbLes les, WbCheckpoint ck, const char *prefix) {
  WbLesOutput o = les->output;
  char name[128];
  bool has = false;
  PetscFunctionBeginUser;
  if (!o) PetscFunctionReturn(0);
  snprintf(name, sizeof name, "%s_output_0", prefix);
  PetscCall(wb_checkpoint_has(ck, name, &has));
  if (has) PetscCall(counters(o, ck, prefix, true));
  snprintf(name, sizeof name, "%s_profiles", prefix);
  PetscCall(wb_checkpoint_has(ck, name, &has));
  if (has && o->profile.interval_s >= 0.0) PetscCall(sums(o, ck, name, true));
  PetscFunctionReturn(0);
}

/* ---- what the netCDF files share ---- */
/* The new file takes the old one's place when it is whole. */
static PetscErrorCode grow(WbLesOutput o, const char *path, PetscErrorCode (*make)(WbLesOutput o, WbNc nc), WbNc *nc) {
  MPI_Comm comm = o->les->grid->comm;
  WbNc old = *nc;
  PetscFunctionBeginUser;
  PetscCall(wb_nc_create(comm, path, true, true, nc));
  PetscCall(make(o, *nc));
  PetscCall(wb_nc_copy_common(old, *nc));
  PetscCall(wb_nc_close(&old));
  PetscCall(wb_nc_close(nc));
  PetscCall(wb_nc_open_append(comm, path, nc));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_output_file(WbLesOutput o, const char *path, int n_records,
                                  PetscErrorCode (*make)(WbLesOutput o, WbNc nc), WbNc *nc) {
  MPI_Comm comm = o->les->grid->comm;
  int rank = 0, dims[8];
  PetscFunctionBeginUser;
  if (!o->append) {
    PetscCall(wb_nc_create(comm, path, true, false, nc));
    PetscCall(make(o, *nc));
    PetscCall(wb_nc_flush(*nc));
    PetscFunctionReturn(0);
  }
  PetscCall(wb_nc_open_append(comm, path, nc));
  PetscCall(wb_nc_inq_dims(*nc, "/", "time", &rank, dims));
  if (dims[0] < n_records) PetscCall(grow(o, path, make, nc));
  PetscFunctionReturn(0);
}

void wb_les_output_name(WbLes les, int f, char name[WB_LES_NAME_MAX]) {
  static const char *const known[WB_NFIELDS] = {"u", "v", "w", "theta"};
  const char *text = f < WB_NFIELDS        ? known[f]
                     : f == les->tke_field ? "subgrid_tke"
                                           : les->opt.tracers.name[f - WB_NFIELDS];
  snprintf(name, WB_LES_NAME_MAX, "%s", text);
  if (!name[0]) wb_les_field_name(les, f, name);
}

PetscErrorCode wb_les_output_def(WbNc nc, const char *name, const char *dims, const char *units, const char *text) {
  PetscFunctionBeginUser;
  PetscCall(wb_nc_def_var(nc, "/", name, WB_NC_FLOAT, dims));
  PetscCall(wb_nc_att_text(nc, "/", name, "units", units));
  PetscCall(wb_nc_att_text(nc, "/", name, "long_name", text));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_output_def_time(WbNc nc, int n, const char *start_iso, bool bounds) {
  char units[96];
  PetscFunctionBeginUser;
  snprintf(units, sizeof units, "seconds since %s", start_iso && start_iso[0] ? start_iso : "2026-08-01T12:00:00");
  char *t = strchr(units + strlen("seconds since "), 'T');
  if (t) *t = ' ';
  PetscCall(wb_nc_def_dim(nc, "/", "time", n));
  PetscCall(wb_nc_def_var(nc, "/", "time", WB_NC_DOUBLE, "time"));
  PetscCall(wb_nc_att_text(nc, "/", "time", "units", units));
  PetscCall(wb_nc_att_text(nc, "/", "time", "calendar", "proleptic_gregorian"));
  PetscCall(wb_nc_att_text(nc, "/", "time", "standard_name", "time"));
  if (!bounds) PetscFunctionReturn(0);
  PetscCall(wb_nc_att_text(nc, "/", "time", "bounds", "time_bnds"));
  PetscCall(wb_nc_def_dim(nc, "/", "nv", 2));
  PetscCall(wb_nc_def_var(nc, "/", "time_bnds", WB_NC_DOUBLE, "time,nv"));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_output_axis(WbLesOutput o, WbNc nc, const char *name, int n, const double *value,
                                  const char *text) {
  const int start[1] = {0}, count[1] = {o->les->grid->rank == 0 ? n : 0};
  PetscFunctionBeginUser;
  PetscCall(wb_nc_def_dim(nc, "/", name, n));
  PetscCall(wb_nc_def_var(nc, "/", name, WB_NC_DOUBLE, name));
  PetscCall(wb_nc_att_text(nc, "/", name, "units", "m"));
  PetscCall(wb_nc_att_text(nc, "/", name, "long_name", text));
  PetscCall(wb_nc_put(nc, "/", name, start, count, value));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_output_stamp(WbLesOutput o, WbNc nc, int record, double begin_s, double end_s, bool bounds) {
  const bool root = o->les->grid->rank == 0;
  const int start[2] = {record, 0}, one[1] = {root ? 1 : 0}, two[2] = {root ? 1 : 0, 2};
  const double both[2] = {begin_s, end_s};
  PetscFunctionBeginUser;
  PetscCall(wb_nc_put(nc, "/", "time", start, one, &end_s));
  if (bounds) PetscCall(wb_nc_put(nc, "/", "time_bnds", start, two, both));
  PetscCall(wb_nc_flush(nc));
  PetscFunctionReturn(0);
}
