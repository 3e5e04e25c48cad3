/* Recording of inflow planes by a cyclic precursor. */
#include <unistd.h>

#include "inflow_internal.h"
#include "les_data.h"

enum { WB_LES_PATH = 4096 };

struct WbLesRecorder_s {
  WbNc nc;
  double t_first_s, interval_s;
  int n_records, next;
  float *x, *y; /* this rank's part of the planes, NULL where it has none */
};

static PetscErrorCode define(WbLes les, const char *tag, WbLesRecorder r) {
  PetscFunctionBeginUser;
  const WbGrid *g = les->grid;
  WbNc nc = r->nc;
  PetscCall(wb_nc_def_dim(nc, "/", "record", r->n_records));
  PetscCall(wb_nc_def_dim(nc, "/", "plane", WB_INFLOW_PLANES));
  PetscCall(wb_nc_def_dim(nc, "/", "z", g->nz));
  PetscCall(wb_nc_def_dim(nc, "/", "y", g->ny));
  PetscCall(wb_nc_def_dim(nc, "/", "x", g->nx));
  PetscCall(wb_nc_def_dim(nc, "/", "zface", g->nz + 1));
  PetscCall(wb_nc_def_var(nc, "/", "zf", WB_NC_DOUBLE, "zface"));
  PetscCall(wb_nc_def_var(nc, "/", "planes_x", WB_NC_FLOAT, "record,plane,z,y"));
  PetscCall(wb_nc_def_var(nc, "/", "planes_y", WB_NC_FLOAT, "record,plane,z,x"));
  PetscCall(wb_nc_att_text(nc, "/", NULL, "title", "inflow planes of a cyclic precursor (windbridge)"));
  PetscCall(wb_nc_att_text(nc, "/", NULL, "planes",
                           "normal velocity on the face; tangential, w and theta - theta_reference_K, each in the cell "
                           "outside the low edge, then outside the high edge"));
  PetscCall(wb_nc_att_text(nc, "/", NULL, "tag", tag ? tag : ""));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "dx_m", g->dx_m));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "x_min_m", g->x_min_m));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "y_min_m", g->y_min_m));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "t_first_s", r->t_first_s));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "interval_s", r->interval_s));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "theta_reference_K", les->opt.theta_surface_K));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "wind_speed_m_per_s", les->opt.wind_speed_m_per_s));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "wind_direction_deg", les->opt.wind_direction_deg));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "wind_height_m", les->opt.wind_height_m));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "heat_flux_K_m_per_s", les->opt.heat_flux_K_m_per_s));
  const int start[1] = {0}, count[1] = {g->rank == 0 ? g->nz + 1 : 0};
  PetscCall(wb_nc_put(nc, "/", "zf", start, count, les->met.zf));
  PetscFunctionReturn(0);
}

static PetscErrorCode write_record(WbLes les, WbLesRecorder r) {
  PetscFunctionBeginUser;
  const WbGrid *g = les->grid;
  WB_LES_CALL(les, wb_les_extract_planes, r->x, r->y);
  const int x_start[4] = {r->next, 0, 0, g->y0}, y_start[4] = {r->next, 0, 0, g->x0};
  const int x_count[4] = {r->x ? 1 : 0, WB_INFLOW_PLANES, g->nz, g->nyl};
  const int y_count[4] = {r->y ? 1 : 0, WB_INFLOW_PLANES, g->nz, g->nxl};
  PetscCall(wb_nc_put(r->nc, "/", "planes_x", x_start, x_count, r->x));
  PetscCall(wb_nc_put(r->nc, "/", "planes_y", y_start, y_count, r->y));
  les->planes_written = ++r->next;
  PetscFunctionReturn(0);
}

static double record_time(WbLesRecorder r, int n) {
  return r->t_first_s + n * r->interval_s;
}

/* Called after every step while a recorder is set: writes when the next record's time is reached. */
PetscErrorCode wb_les_recorder_step(WbLes les) {
  PetscFunctionBeginUser;
  WbLesRecorder r = les->recorder;
  if (r->next < r->n_records && fabs(les->time_s - record_time(r, r->next)) <= 1e-6 * r->interval_s)
    PetscCall(write_record(les, r));
  PetscFunctionReturn(0);
}

int wb_les_planes_written(WbLes les) {
  return les->planes_written;
}

PetscErrorCode wb_les_planes_flush(WbLes les) {
  PetscFunctionBeginUser;
  if (les->recorder) PetscCall(wb_nc_flush(les->recorder->nc));
  PetscFunctionReturn(0);
}

/* ---- a file that is written to its end before it takes its name ---- */
static void part_of(const char *path, char part[WB_LES_PATH]) {
  snprintf(part, WB_LES_PATH, "%s.part", path);
}

static PetscErrorCode first_that_is_there(MPI_Comm comm, const char *part, const char *path, int *which) {
  int rank = 0;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  *which = rank != 0 ? 0 : access(part, F_OK) == 0 ? 1 : access(path, F_OK) == 0 ? 2 : 0;
  PetscCallMPI(MPI_Bcast(which, 1, MPI_INT, 0, comm));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_planes_there(MPI_Comm comm, const char *path, bool *yes) {
  char part[WB_LES_PATH];
  int which = 0;
  PetscFunctionBeginUser;
  part_of(path, part);
  PetscCall(first_that_is_there(comm, part, path, &which));
  *yes = which != 0;
  PetscFunctionReturn(0);
}

/* Records of the open file; refuses one of another grid, or with fewer than it should hold. */
static PetscErrorCode check_planes(WbLes les, WbNc nc, const char *path, int n_written, int *n_records) {
  const WbGrid *g = les->grid;
  int rank = 0, dims[8];
  PetscFunctionBeginUser;
  PetscCall(wb_nc_inq_dims(nc, "/", "planes_x", &rank, dims));
  if (rank != 4 || dims[1] != WB_INFLOW_PLANES || dims[2] != g->nz || dims[3] != g->ny || dims[0] < n_written)
    WB_RAISE_ALL(WB_ERR_INPUT,
                 "%s: is not what the precursor was writing when its checkpoint was made; remove it to begin anew",
                 path);
  *n_records = dims[0];
  PetscFunctionReturn(0);
}

/* The records written so far: in the part as it is, or, where there is to be room for more (or for fewer), or when the
 * planes were complete, copied to a new one. */
static PetscErrorCode open_again(WbLes les, const WbLesPlanes *p, const char *part, WbLesRecorder r) {
  MPI_Comm comm = les->grid->comm;
  WbNc old = NULL;
  int which = 0, n = 0;
  PetscFunctionBeginUser;
  PetscCall(first_that_is_there(comm, part, p->path, &which));
  const char *from = which == 1 ? part : p->path;
  PetscCall(wb_nc_open(comm, from, &old));
  PetscErrorCode ierr = check_planes(les, old, from, p->n_written, &n);
  if (!ierr && (which != 1 || n != r->n_records)) {
    ierr = wb_nc_create(comm, part, true, true, &r->nc);
    if (!ierr) ierr = define(les, p->tag, r);
    if (!ierr) ierr = wb_nc_copy_common(old, r->nc);
    if (!ierr) ierr = wb_nc_close(&r->nc);
  }
  (void)wb_nc_close(&old);
  PetscCall(ierr);
  PetscCall(wb_nc_open_append(comm, part, &r->nc));
  PetscFunctionReturn(0);
}

static PetscErrorCode open_planes(WbLes les, const WbLesPlanes *p, const char *part, WbLesRecorder r) {
  const WbGrid *g = les->grid;
  const size_t n = (size_t)WB_INFLOW_PLANES * (size_t)g->nz;
  PetscFunctionBeginUser;
  if (g->ix == 0) PetscCall(WB_ALLOC(n * (size_t)g->nyl, &r->x));
  if (g->iy == 0) PetscCall(WB_ALLOC(n * (size_t)g->nxl, &r->y));
  r->next = les->planes_written = p->n_written;
  if (p->n_written > 0) {
    PetscCall(open_again(les, p, part, r));
    PetscFunctionReturn(0);
  }
  PetscCall(wb_nc_create(g->comm, part, true, false, &r->nc));
  PetscCall(define(les, p->tag, r));
  PetscCall(write_record(les, r));
  PetscFunctionReturn(0);
}

static PetscErrorCode record(WbLes les, const WbLesPlanes *p, WbLesRecorder r, WbLesMonitor monitor, void *ctx) {
  char part[WB_LES_PATH];
  PetscFunctionBeginUser;
  part_of(p->path, part);
  PetscCall(open_planes(les, p, part, r));
  les->recorder = r;
  while (r->next < r->n_records) {
    const int before = r->next;
    PetscCall(wb_les_advance(les, record_time(r, r->next), monitor, ctx));
    if (r->next == before)
      WB_RAISE_ALL(PETSC_ERR_PLIB, "inflow planes: record %d was missed at t = %g s", before, les->time_s);
  }
  les->recorder = NULL;
  PetscCall(wb_nc_close(&r->nc));
  PetscCall(wb_file_rename(les->grid->comm, part, p->path));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_record_on(WbLes les, const WbLesPlanes *p, WbLesMonitor monitor, void *ctx) {
  PetscFunctionBeginUser;
  if (!les->grid->periodic_x || !les->grid->periodic_y)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: inflow planes are recorded from a run that is cyclic in x and y", p->path);
  if (!(p->interval_s > 0) || !(p->t_end_s >= p->t_first_s) || !(les->time_s >= p->t_first_s))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: inflow planes every %g s until %g s cannot be recorded from t = %g s", p->path,
                 p->interval_s, p->t_end_s, les->time_s);
  if (strlen(p->path) + 8 > WB_LES_PATH) WB_RAISE_ALL(WB_ERR_IO, "path too long: %.64s...", p->path);
  struct WbLesRecorder_s r = {.t_first_s = p->t_first_s, .interval_s = p->interval_s};
  r.n_records = PetscMax(1 + (int)ceil((p->t_end_s - p->t_first_s) / p->interval_s - 1e-6), p->n_written);
  const PetscErrorCode ierr = record(les, p, &r, monitor, ctx);
  les->recorder = NULL;
  if (r.nc) (void)wb_nc_close(&r.nc); /* what it holds stays, to go on from */
  WB_FREE(&r.x);
  WB_FREE(&r.y);
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_les_record_planes(WbLes les, const char *path, const char *tag, double interval_s, double t_end_s,
                                    WbLesMonitor monitor, void *ctx) {
  const WbLesPlanes planes = {
      .path = path, .tag = tag, .t_first_s = les->time_s, .interval_s = interval_s, .t_end_s = t_end_s};
  PetscFunctionBeginUser;
  PetscCall(wb_les_record_on(les, &planes, monitor, ctx));
  PetscFunctionReturn(0);
}
