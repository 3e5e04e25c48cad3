/* Small files of named arrays and values (model files) for one process: written under a temporary name, synced,
 * renamed; read through the described items. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "io_internal.h"

struct WbArchive_s {
  char path[WB_IO_PATH], temporary[WB_IO_PATH], label[WB_IO_PATH + 32];
  bool writing;
  hid_t file, dxpl;
};

static PetscErrorCode make(const char *path, const char *noun, WbArchive *archive) {
  PetscFunctionBeginUser;
  *archive = NULL;
  if (strlen(path) + 8 > WB_IO_PATH) WB_RAISE(WB_ERR_IO, "%s: path too long: %.64s...", noun, path);
  PetscCall(WB_CALLOC(1, archive));
  WbArchive s = *archive;
  s->file = s->dxpl = -1;
  snprintf(s->path, sizeof(s->path), "%s", path);
  snprintf(s->temporary, sizeof(s->temporary), "%.*s.tmp", WB_IO_PATH - 8, path);
  snprintf(s->label, sizeof(s->label), "%.20s %s", noun, path);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_archive_create(const char *path, const char *noun, WbArchive *archive) {
  PetscFunctionBeginUser;
  PetscCall(make(path, noun, archive));
  const PetscErrorCode ierr =
      wb_io_file_create(PETSC_COMM_SELF, (*archive)->temporary, &(*archive)->file, &(*archive)->dxpl);
  if (ierr) WB_FREE(archive);
  PetscCall(ierr);
  (*archive)->writing = true;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_archive_open(const char *path, const char *noun, WbArchive *archive) {
  PetscFunctionBeginUser;
  PetscCall(make(path, noun, archive));
  const PetscErrorCode ierr = wb_io_file_open(PETSC_COMM_SELF, path, false, &(*archive)->file, &(*archive)->dxpl);
  if (ierr) WB_FREE(archive);
  PetscFunctionReturn(ierr);
}

/* ---- writing ---- */
PetscErrorCode wb_archive_put_int(WbArchive archive, const char *name, int value) {
  PetscFunctionBeginUser;
  PetscCall(wb_io_att_number(archive->file, archive->label, name, H5T_NATIVE_INT, &value));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_archive_put_text(WbArchive archive, const char *name, const char *text) {
  PetscFunctionBeginUser;
  PetscCall(wb_io_att_text(archive->file, archive->label, name, text));
  PetscFunctionReturn(0);
}

/* Deflated: weights rounded to fewer bits make a smaller file. A chunk has less than 4 GB. */
static hid_t creation_list(int rank, const int *dims) {
  hsize_t sides[WB_IO_MAX_RANK];
  double bytes = sizeof(float);
  for (int d = 0; d < rank; d++) bytes *= (double)(sides[d] = (hsize_t)dims[d]);
  for (int d = 0; d < rank && bytes > 1e9; d++) {
    const hsize_t parts = (hsize_t)PetscMin((double)sides[d], bytes / 1e9 + 1.0);
    bytes /= (double)sides[d];
    sides[d] = PetscMax(1, sides[d] / parts);
    bytes *= (double)sides[d];
  }
  const hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(dcpl, rank, sides);
  H5Pset_shuffle(dcpl);
  H5Pset_deflate(dcpl, 6);
  H5Pset_obj_track_times(dcpl, 0);
  return dcpl;
}

PetscErrorCode wb_archive_put_floats(WbArchive archive, const char *name, int rank, const int *dims,
                                     const float *data) {
  hsize_t shape[WB_IO_MAX_RANK];
  PetscFunctionBeginUser;
  if (rank < 1 || rank > WB_IO_MAX_RANK)
    WB_RAISE(PETSC_ERR_ARG_OUTOFRANGE, "%s: %s: rank %d", archive->label, name, rank);
  for (int d = 0; d < rank; d++) shape[d] = (hsize_t)dims[d];
  const hid_t space = H5Screate_simple(rank, shape, NULL), dcpl = creation_list(rank, dims);
  const hid_t dset = H5Dcreate2(archive->file, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
  PetscErrorCode ierr = 0;
  if (dset < 0 || H5Dwrite(dset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
    ierr = wb_error_raise(WB_ERR_IO, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__,
                          "%s: cannot write %s (disk full?): %s", archive->label, name, wb_io_h5_reason());
  if (dset >= 0) H5Dclose(dset);
  H5Pclose(dcpl);
  H5Sclose(space);
  PetscFunctionReturn(ierr);
}

static PetscErrorCode commit(WbArchive archive) {
  PetscFunctionBeginUser;
  PetscCall(wb_io_file_close(PETSC_COMM_SELF, archive->temporary, true, &archive->file, &archive->dxpl));
  PetscCall(wb_io_fsync(archive->temporary));
  if (rename(archive->temporary, archive->path))
    WB_RAISE(WB_ERR_IO, "cannot rename %s to %s: %s", archive->temporary, archive->path, strerror(errno));
  PetscCall(wb_io_fsync_parent(archive->path));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_archive_close(WbArchive *archive) {
  PetscFunctionBeginUser;
  if (!*archive) PetscFunctionReturn(0);
  const PetscErrorCode ierr = (*archive)->writing ? commit(*archive) : 0;
  if (ierr || !(*archive)->writing) {
    wb_archive_abort(archive);
  } else {
    WB_FREE(archive);
  }
  PetscFunctionReturn(ierr);
}

void wb_archive_abort(WbArchive *archive) {
  if (!*archive) return;
  WbArchive s = *archive;
  if (s->file >= 0) (void)wb_io_file_close(PETSC_COMM_SELF, s->temporary, false, &s->file, &s->dxpl);
  if (s->writing) unlink(s->temporary);
  WB_FREE(archive);
}

/* ---- reading ---- */
PetscErrorCode wb_archive_get_int(WbArchive archive, const char *name, bool *has, int *value) {
  double number = 0.0;
  int n = 0;
  PetscFunctionBeginUser;
  PetscCall(wb_io_attribute_numbers(archive->file, archive->label, NULL, name, 1, &n, &number));
  *has = n > 0;
  if (*has && !(number >= -2147483648.0 && number <= 2147483647.0 && number == (double)(int)number))
    WB_RAISE(WB_ERR_INPUT, "%s: attribute %s is %g; needed: an integer", archive->label, name, number);
  *value = (int)number;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_archive_get_text(WbArchive archive, const char *name, size_t max, char **text) {
  PetscFunctionBeginUser;
  PetscCall(wb_io_attribute_text(archive->file, archive->label, NULL, name, max, text));
  PetscFunctionReturn(0);
}

static PetscErrorCode expect_shape(WbArchive archive, const WbIoItem *item, const char *name, int rank,
                                   const int *dims) {
  char found[160] = "", wanted[160] = "";
  PetscFunctionBeginUser;
  PetscCall(wb_io_item_needs_numbers(item));
  bool same = item->class == H5T_FLOAT && item->rank == rank;
  for (int d = 0; d < item->rank; d++) {
    same = same && d < rank && item->dims[d] == (hsize_t)dims[d];
    snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%llu", d ? " x " : "",
             (unsigned long long)item->dims[d]);
  }
  for (int d = 0; d < rank; d++)
    snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted), "%s%d", d ? " x " : "", dims[d]);
  if (!same)
    WB_RAISE(WB_ERR_INPUT, "%s: %s has %s %s; needed: %s floating-point numbers (another shape)", archive->label, name,
             item->rank ? found : "one", wb_io_class_name(item->class), wanted);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_archive_get_floats(WbArchive archive, const char *name, int rank, const int *dims, float *data) {
  const hsize_t start[WB_IO_MAX_RANK] = {0};
  WbIoItem item;
  PetscFunctionBeginUser;
  if (rank < 1 || rank > WB_IO_MAX_RANK)
    WB_RAISE(PETSC_ERR_ARG_OUTOFRANGE, "%s: %s: rank %d", archive->label, name, rank);
  PetscCall(wb_io_dataset_open(archive->file, archive->label, "array", name, &item));
  if (item.id < 0) WB_RAISE(WB_ERR_INPUT, "%s: array %s is missing", archive->label, name);
  PetscErrorCode ierr = expect_shape(archive, &item, name, rank, dims);
  if (!ierr && data) ierr = wb_io_block_read(&item, start, item.dims, H5T_NATIVE_FLOAT, H5P_DEFAULT, data);
  wb_io_item_close(&item);
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_archive_expect(WbArchive archive, const char *what, double bytes) {
  hsize_t length = 0;
  PetscFunctionBeginUser;
  if (H5Fget_filesize(archive->file, &length) < 0)
    WB_RAISE(WB_ERR_INPUT, "%s: its length is not known: %s", archive->label, wb_io_h5_reason());
  if (!wb_io_is_plausible(bytes, length))
    WB_RAISE(WB_ERR_INPUT, "%s: %s would be %.4g MB, and the whole file has %.4g MB: damaged", archive->label, what,
             1e-6 * bytes, 1e-6 * (double)length);
  PetscFunctionReturn(0);
}
