/* Inflow planes: opening and validating the file, reading records, interpolation in time. */
#include <string.h>

#include "inflow_internal.h"

static PetscErrorCode read_header(WbInflow f) {
  PetscFunctionBeginUser;
  int rank = 0, dx[8], dy[8];
  bool has = false;
  PetscCall(wb_nc_inq_dims(f->nc, "/", "planes_x", &rank, dx));
  if (rank != 4 || dx[1] != WB_INFLOW_PLANES)
    WB_RAISE(WB_ERR_INPUT, "%s: planes_x has a shape that is not ours", f->path);
  PetscCall(wb_nc_inq_dims(f->nc, "/", "planes_y", &rank, dy));
  if (rank != 4 || dy[0] != dx[0] || dy[1] != WB_INFLOW_PLANES || dy[2] != dx[2])
    WB_RAISE(WB_ERR_INPUT, "%s: planes_y does not fit planes_x", f->path);
  f->n_records = dx[0];
  f->nz = dx[2];
  f->ny = dx[3];
  f->nx = dy[3];
  const struct {
    const char *name;
    double *value;
  } reals[] = {
      {"dx_m", &f->dx_m},           {"x_min_m", &f->x_min_m},       {"y_min_m", &f->y_min_m},
      {"t_first_s", &f->t_first_s}, {"interval_s", &f->interval_s}, {"theta_reference_K", &f->theta_reference_K}};
  for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
    PetscCall(wb_nc_get_att_real(f->nc, "/", NULL, reals[i].name, &has, reals[i].value));
    if (!has) WB_RAISE(WB_ERR_INPUT, "%s: not a file of inflow planes (no attribute %s)", f->path, reals[i].name);
  }
  PetscCall(wb_nc_get_att_text(f->nc, "/", NULL, "tag", &has, f->tag, (int)sizeof f->tag));
  if (!has) f->tag[0] = '\0';
  if (f->n_records < 1 || f->nz < 1 || f->nx < 1 || f->ny < 1 || !(f->dx_m > 0) || !(f->interval_s > 0))
    WB_RAISE(WB_ERR_INPUT, "%s: inflow planes with %d records of %d x %d x %d cells every %g s make no sense", f->path,
             f->n_records, f->nx, f->ny, f->nz, f->interval_s);
  PetscCall(WB_ALLOC(f->nz + 1, &f->zf));
  const int start[1] = {0}, count[1] = {f->nz + 1};
  PetscCall(wb_nc_get(f->nc, "/", "zf", start, count, WB_NC_DOUBLE, f->zf));
  for (int k = 0; k < f->nz; k++)
    if (!(f->zf[k + 1] > f->zf[k])) WB_RAISE(WB_ERR_INPUT, "%s: levels zf do not increase", f->path);
  PetscFunctionReturn(0);
}

static PetscErrorCode open_on_root(WbInflow f) {
  PetscFunctionBeginUser;
  PetscCall(wb_nc_open(MPI_COMM_SELF, f->path, &f->nc));
  PetscCall(read_header(f));
  PetscFunctionReturn(0);
}

static PetscErrorCode buffers_create(WbInflow f, int planes) {
  PetscFunctionBeginUser;
  f->planes = planes;
  f->size_x = (size_t)planes * (size_t)f->nz * (size_t)f->ny;
  f->size_y = (size_t)planes * (size_t)f->nz * (size_t)f->nx;
  PetscCall(WB_ALLOC(WB_INFLOW_BUFFER * (f->size_x + f->size_y), &f->buffer));
  PetscCall(WB_ALLOC(f->size_x + f->size_y, &f->now));
  PetscFunctionReturn(0);
}

static PetscErrorCode share_header(WbInflow f) {
  PetscFunctionBeginUser;
  int n[4] = {f->nx, f->ny, f->nz, f->n_records};
  double d[6] = {f->dx_m, f->x_min_m, f->y_min_m, f->t_first_s, f->interval_s, f->theta_reference_K};
  PetscCallMPI(MPI_Bcast(n, 4, MPI_INT, 0, f->comm));
  PetscCallMPI(MPI_Bcast(d, 6, MPI_DOUBLE, 0, f->comm));
  PetscCallMPI(MPI_Bcast(f->tag, (int)sizeof f->tag, MPI_CHAR, 0, f->comm));
  f->nx = n[0], f->ny = n[1], f->nz = n[2], f->n_records = n[3];
  f->dx_m = d[0], f->x_min_m = d[1], f->y_min_m = d[2];
  f->t_first_s = d[3], f->interval_s = d[4], f->theta_reference_K = d[5];
  if (f->rank != 0) PetscCall(WB_ALLOC(f->nz + 1, &f->zf));
  PetscCallMPI(MPI_Bcast(f->zf, f->nz + 1, MPI_DOUBLE, 0, f->comm));
  PetscCall(buffers_create(f, WB_INFLOW_PLANES));
  PetscFunctionReturn(0);
}

static PetscErrorCode new_inflow(MPI_Comm comm, const char *path, WbInflow *inflow) {
  WbInflow f = NULL;
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(1, &f));
  f->comm = comm;
  f->time_s = NAN;
  PetscCallMPI(MPI_Comm_rank(comm, &f->rank));
  snprintf(f->path, sizeof f->path, "%s", path);
  *inflow = f;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_inflow_made(MPI_Comm comm, const char *name, const WbInflowDomain *d, const WbLesOptions *options,
                              double length_m, const WbInflowSource *source, WbInflow *inflow) {
  WbInflow f = NULL;
  PetscFunctionBeginUser;
  if (!(length_m > 0.0))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: an integral length of %g m; allowed: positive lengths", name, length_m);
  PetscCall(new_inflow(comm, name, &f));
  *inflow = f;
  f->made = source;
  f->nx = d->nx, f->ny = d->ny, f->nz = d->nz;
  f->dx_m = d->dx_m, f->x_min_m = d->x_min_m, f->y_min_m = d->y_min_m;
  f->t_first_s = d->t_first_s, f->interval_s = wb_eddies_interval(options, length_m);
  f->n_records = 1 + (int)ceil((d->t_last_s - d->t_first_s) / f->interval_s - 1e-6);
  f->theta_reference_K = options->theta_surface_K;
  PetscCall(WB_ALLOC(f->nz + 1, &f->zf));
  for (int k = 0; k <= f->nz; k++) f->zf[k] = d->zf[k];
  PetscCall(buffers_create(f, WB_INFLOW_PLANES_MADE));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_inflow_open(MPI_Comm comm, const char *path, WbInflow *inflow) {
  PetscFunctionBeginUser;
  *inflow = NULL;
  WbInflow f = NULL;
  PetscCall(new_inflow(comm, path, &f));
  PetscErrorCode ierr = wb_error_agree(comm, f->rank == 0 ? open_on_root(f) : 0);
  if (!ierr) ierr = share_header(f);
  if (ierr) {
    wb_inflow_destroy(&f);
    PetscFunctionReturn(ierr);
  }
  *inflow = f;
  PetscFunctionReturn(0);
}

void wb_inflow_destroy(WbInflow *inflow) {
  WbInflow f = *inflow;
  if (!f) return;
  if (f->nc) (void)wb_nc_close(&f->nc);
  if (f->made) f->made->close(&f->source);
  WB_FREE(&f->zf);
  WB_FREE(&f->buffer);
  WB_FREE(&f->now);
  WB_FREE(inflow);
}

PetscErrorCode wb_inflow_time_range(WbInflow f, double *t_first_s, double *t_last_s) {
  PetscFunctionBeginUser;
  *t_first_s = f->t_first_s;
  *t_last_s = f->t_first_s + (f->n_records - 1) * f->interval_s;
  PetscFunctionReturn(0);
}

const char *wb_inflow_tag(WbInflow f) {
  return f->tag;
}

/* Rank 0 reads records first .. first + count - 1 into the buffer and sees that nothing is missing. */
static PetscErrorCode read_records(WbInflow f, int first, int count) {
  PetscFunctionBeginUser;
  float *work = NULL;
  const size_t record = f->size_x + f->size_y, largest = f->size_x > f->size_y ? f->size_x : f->size_y;
  PetscCall(WB_ALLOC((size_t)count * largest, &work));
  for (int side = 0; side < 2; side++) {
    const size_t n = side == 0 ? f->size_x : f->size_y;
    const int start[4] = {first, 0, 0, 0}, block[4] = {count, WB_INFLOW_PLANES, f->nz, side == 0 ? f->ny : f->nx};
    const PetscErrorCode ierr =
        wb_nc_get(f->nc, "/", side == 0 ? "planes_x" : "planes_y", start, block, WB_NC_FLOAT, work);
    if (ierr) {
      WB_FREE(&work);
      PetscFunctionReturn(ierr);
    }
    for (int r = 0; r < count; r++)
      memcpy(f->buffer + (size_t)r * record + (side == 0 ? 0 : f->size_x), work + (size_t)r * n, n * sizeof *work);
  }
  WB_FREE(&work);
  for (size_t q = 0; q < (size_t)count * record; q++)
    if (!isfinite(f->buffer[q]))
      WB_RAISE(WB_ERR_INPUT, "%s: record %d of the inflow planes holds values that are not finite", f->path,
               first + (int)(q / record));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_records(WbInflow f, int first, int count) {
  PetscFunctionBeginUser;
  for (int r = 0; r < count; r++)
    PetscCall(f->made->record(f, first + r, f->buffer + (size_t)r * (f->size_x + f->size_y)));
  PetscFunctionReturn(0);
}

static PetscErrorCode records(WbInflow f, int first, int count) {
  PetscFunctionBeginUser;
  if (f->made)
    PetscCall(make_records(f, first, count));
  else
    PetscCall(read_records(f, first, count));
  PetscFunctionReturn(0);
}

static PetscErrorCode load(WbInflow f, int first) {
  PetscFunctionBeginUser;
  const int left = f->n_records - first, count = left < WB_INFLOW_BUFFER ? left : WB_INFLOW_BUFFER;
  PetscCall(wb_error_agree(f->comm, f->rank == 0 ? records(f, first, count) : 0));
  PetscCallMPI(MPI_Bcast(f->buffer, (int)((size_t)count * (f->size_x + f->size_y)), MPI_FLOAT, 0, f->comm));
  f->first = first;
  f->count = count;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_inflow_evaluate(WbInflow f, double t_s) {
  PetscFunctionBeginUser;
  if (t_s == f->time_s) PetscFunctionReturn(0);
  const double last = f->t_first_s + (f->n_records - 1) * f->interval_s, eps = 1e-6 * f->interval_s;
  if (!(t_s >= f->t_first_s - eps && t_s <= last + eps))
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: inflow planes reach from t = %g s to %g s, t = %g s is needed", f->path,
                 f->t_first_s, last, t_s);
  const double r = (t_s - f->t_first_s) / f->interval_s;
  int i = (int)floor(r);
  double a = r - i;
  if (a > 1.0 - 1e-7) i++, a = 0; /* rounding of t: a record is met exactly */
  if (i < 0 || a < 1e-7) a = 0;
  if (i < 0) i = 0;
  if (i >= f->n_records - 1) i = f->n_records - 1, a = 0;
  const int need = i + (a > 0 ? 2 : 1);
  if (i < f->first || need > f->first + f->count) PetscCall(load(f, i));
  const size_t n = f->size_x + f->size_y;
  const float *p0 = f->buffer + (size_t)(i - f->first) * n, *p1 = a > 0 ? p0 + n : p0, b = (float)a;
  for (size_t q = 0; q < n; q++) f->now[q] = p0[q] + b * (p1[q] - p0[q]);
  f->time_s = t_s;
  PetscFunctionReturn(0);
}
