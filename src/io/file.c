/* The life of a netCDF-4 file: create, write blocks, flush, close or abandon. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "io_internal.h"

static PetscErrorCode make(MPI_Comm comm, const char *path, const char *suffix, WbNc *nc) {
  PetscFunctionBeginUser;
  if (strlen(path) + 8 > WB_IO_PATH) WB_RAISE_ALL(WB_ERR_IO, "path too long: %.64s...", path);
  PetscCall(WB_CALLOC(1, nc));
  WbNc f = *nc;
  f->comm = comm;
  PetscCallMPI(MPI_Comm_rank(comm, &f->rank));
  PetscCallMPI(MPI_Comm_size(comm, &f->size));
  f->file = f->dxpl = -1;
  snprintf(f->path, sizeof(f->path), "%s", path);
  const size_t n = strlen(path);
  memcpy(f->open_path, path, n);
  snprintf(f->open_path + n, sizeof(f->open_path) - n, "%s", suffix);
  PetscFunctionReturn(0);
}

static void release(WbNc *nc) {
  WbNc f = *nc;
  for (int i = 0; i < f->n_var; i++)
    if (f->var[i].dset >= 0) H5Dclose(f->var[i].dset);
  for (int i = 0; i < f->n_dim; i++)
    if (f->dim[i].own_scale && f->dim[i].scale >= 0) H5Dclose(f->dim[i].scale);
  f->n_var = f->n_dim = 0;
}

static void forget(WbNc *nc) {
  free((*nc)->var);
  free((*nc)->dim);
  WB_FREE(nc);
}

PetscErrorCode wb_nc_create(MPI_Comm comm, const char *path, bool overwrite, bool rename_on_close, WbNc *nc) {
  PetscFunctionBeginUser;
  PetscCall(make(comm, path, rename_on_close ? ".tmp" : "", nc));
  WbNc f = *nc;
  PetscErrorCode ierr = 0;
  if (f->rank == 0 && !overwrite && access(path, F_OK) == 0)
    ierr =
        wb_error_raise(WB_ERR_IO, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__,
                       "%s exists: allow it to be replaced with run_overwrite, or continue it with run_restart", path);
  ierr = wb_error_agree(comm, ierr);
  if (!ierr) ierr = wb_io_file_create(comm, f->open_path, &f->file, &f->dxpl);
  if (ierr) forget(nc);
  PetscCall(ierr);
  f->writing = f->created = true;
  f->rename_on_close = rename_on_close;
  f->reserved = WB_IO_HEADER_BYTES;
  PetscFunctionReturn(0);
}

static PetscErrorCode open_existing(MPI_Comm comm, const char *path, bool writable, WbNc *nc) {
  PetscFunctionBeginUser;
  PetscCall(make(comm, path, "", nc));
  const PetscErrorCode ierr = wb_io_file_open(comm, path, writable, &(*nc)->file, &(*nc)->dxpl);
  if (ierr) forget(nc);
  PetscCall(ierr);
  (*nc)->writing = writable;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_open(MPI_Comm comm, const char *path, WbNc *nc) {
  PetscFunctionBeginUser;
  PetscCall(open_existing(comm, path, false, nc));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_open_append(MPI_Comm comm, const char *path, WbNc *nc) {
  PetscFunctionBeginUser;
  PetscCall(open_existing(comm, path, true, nc));
  PetscFunctionReturn(0);
}

/* The block (start, count) of v in the file's own numbers; n out: its elements. Local. */
static PetscErrorCode block_of(WbNc nc, const WbIoVar *v, const int *start, const int *count, hsize_t *s, hsize_t *c,
                               hsize_t *n) {
  PetscFunctionBeginUser;
  *n = 1;
  for (int d = 0; d < v->rank; d++) {
    if (start[d] < 0 || count[d] < 0)
      WB_RAISE(PETSC_ERR_ARG_OUTOFRANGE, "%s: variable %s: %d cells from %d wanted", nc->path, v->name, count[d],
               start[d]);
    s[d] = (hsize_t)start[d];
    c[d] = (hsize_t)count[d];
    *n *= c[d];
  }
  PetscCall(wb_io_block_check(&v->item, s, c));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_put(WbNc nc, const char *group, const char *var, const int *start, const int *count,
                         const void *data) {
  WbIoVar *v = NULL;
  hsize_t s[WB_IO_MAX_RANK], c[WB_IO_MAX_RANK], n = 0;
  PetscFunctionBeginUser;
  if (!nc->writing) WB_RAISE(PETSC_ERR_ORDER, "%s is open for reading", nc->path);
  PetscCall(wb_io_var(nc, group, var, &v));
  PetscCall(wb_io_end_define(nc));
  PetscErrorCode ierr = wb_error_agree(nc->comm, block_of(nc, v, start, count, s, c, &n));
  PetscCall(ierr);
  const hsize_t length = n ? n : 1;
  const hid_t file_space = H5Dget_space(v->dset), memory_space = H5Screate_simple(1, &length, NULL);
  if (n == 0) { /* takes part in the collective write all the same */
    H5Sselect_none(file_space);
    H5Sselect_none(memory_space);
  } else if (v->rank > 0) {
    H5Sselect_hyperslab(file_space, H5S_SELECT_SET, s, NULL, c, NULL);
  }
  const double nothing = 0.0;
  if (H5Dwrite(v->dset, wb_io_type_memory(v->type), memory_space, file_space, nc->dxpl, n ? data : &nothing) < 0)
    ierr = wb_error_raise(WB_ERR_IO, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__,
                          "cannot write variable %s of %s (disk full?): %s", var, nc->path, wb_io_h5_reason());
  H5Sclose(file_space);
  H5Sclose(memory_space);
  PetscCall(wb_error_agree(nc->comm, ierr));
  PetscFunctionReturn(0);
}

/* Reads the file's own type, then converts: same collectivity on all ranks whatever the file holds. All that can fail
 * on one rank alone comes before the agreement, so that no rank stays away from a collective read. */
PetscErrorCode wb_nc_get(WbNc nc, const char *group, const char *var, const int *start, const int *count, WbNcType type,
                         void *data) {
  WbIoVar *v = NULL;
  void *raw = NULL;
  hsize_t s[WB_IO_MAX_RANK], c[WB_IO_MAX_RANK], n = 0;
  PetscFunctionBeginUser;
  PetscCall(wb_io_var(nc, group, var, &v));
  const bool direct = wb_io_direct(v, type);
  PetscErrorCode ierr = block_of(nc, v, start, count, s, c, &n);
  if (!ierr && !direct) ierr = wb_alloc_bytes((size_t)n * v->size, "conversion buffer", &raw);
  ierr = wb_error_agree(nc->comm, ierr);
  if (ierr) wb_free_bytes(&raw);
  PetscCall(ierr);
  /* compressed data is read by each rank on its own: collective reads of filtered chunks need equal call counts */
  const hid_t dxpl = v->contiguous ? nc->dxpl : H5P_DEFAULT;
  ierr = wb_io_block_read(&v->item, s, c, wb_io_item_memory(&v->item), dxpl, direct ? data : raw);
  if (!ierr && !direct) wb_io_convert(v, (size_t)n, raw, type, data);
  wb_free_bytes(&raw);
  PetscCall(wb_error_agree(nc->comm, ierr));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_get_line(WbNc nc, const char *group, const char *var, int n, double *values) {
  int rank = 0, dims[8];
  const int start = 0;
  PetscFunctionBeginUser;
  PetscCall(wb_nc_inq_dims(nc, group, var, &rank, dims));
  if (rank != 1 || dims[0] != n)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: variable %s has %d axes, the first of %d values; needed: one axis of %d", nc->path,
                 var, rank, rank > 0 ? dims[0] : 1, n);
  PetscCall(wb_nc_get(nc, group, var, &start, &n, WB_NC_DOUBLE, values));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_flush(WbNc nc) {
  PetscFunctionBeginUser;
  PetscErrorCode ierr = wb_io_end_define(nc);
  if (!ierr && H5Fflush(nc->file, H5F_SCOPE_GLOBAL) < 0)
    ierr = wb_error_raise(WB_ERR_IO, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__, "cannot write %s (disk full?): %s",
                          nc->path, wb_io_h5_reason());
  PetscCall(wb_error_agree(nc->comm, ierr));
  PetscFunctionReturn(0);
}

static PetscErrorCode commit(WbNc nc) {
  PetscFunctionBeginUser;
  PetscCall(wb_io_fsync(nc->open_path));
  if (rename(nc->open_path, nc->path))
    WB_RAISE(WB_ERR_IO, "cannot rename %s to %s: %s", nc->open_path, nc->path, strerror(errno));
  PetscCall(wb_io_fsync_parent(nc->path));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_close(WbNc *nc) {
  PetscFunctionBeginUser;
  if (!*nc) PetscFunctionReturn(0);
  WbNc f = *nc;
  PetscErrorCode ierr = wb_io_end_define(f);
  release(nc);
  const PetscErrorCode closed = wb_io_file_close(f->comm, f->open_path, f->writing, &f->file, &f->dxpl);
  ierr = wb_error_agree(f->comm, ierr ? ierr : closed);
  if (!ierr && f->rename_on_close) ierr = wb_error_agree(f->comm, f->rank == 0 ? commit(f) : 0);
  forget(nc);
  PetscCall(ierr);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_abort(WbNc *nc) {
  PetscFunctionBeginUser;
  if (!*nc) PetscFunctionReturn(0);
  WbNc f = *nc;
  const bool useless = f->created && (f->rename_on_close || !f->defined);
  release(nc);
  (void)wb_io_file_close(f->comm, f->open_path, f->writing, &f->file, &f->dxpl);
  if (f->rank == 0 && useless) unlink(f->open_path);
  forget(nc);
  PetscFunctionReturn(0);
}
