/* Checkpoints: HDF5 written under a temporary name, synced, renamed; the previous one stays as path.prev. Each array
 * carries a checksum that does not depend on how ranks share it, verified on opening: a damaged file is never used. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "io_internal.h"

enum { MAX_CK_RANK = 4, FORMAT_VERSION = 1 };

struct WbCheckpoint_s {
  MPI_Comm comm; /* borrowed */
  int rank, size;
  char path[WB_IO_PATH], temporary[WB_IO_PATH];
  char label[WB_IO_PATH + 16]; /* "checkpoint PATH" of what is open for reading */
  bool writing, failed;
  double reserved; /* disk space claimed so far [bytes] */
  hid_t file, dxpl;
};

static hsize_t select_block(hid_t space, int rank, const int *start, const int *count, hid_t *memory) {
  hsize_t s[MAX_CK_RANK], c[MAX_CK_RANK], n = 1;
  for (int d = 0; d < rank; d++) {
    s[d] = (hsize_t)start[d];
    c[d] = (hsize_t)count[d];
    n *= c[d];
  }
  const hsize_t length = n ? n : 1;
  *memory = H5Screate_simple(1, &length, NULL);
  if (n == 0) {
    H5Sselect_none(space);
    H5Sselect_none(*memory);
  } else {
    H5Sselect_hyperslab(space, H5S_SELECT_SET, s, NULL, c, NULL);
  }
  return n;
}

static PetscErrorCode make(MPI_Comm comm, const char *path, WbCheckpoint *ck) {
  PetscFunctionBeginUser;
  if (strlen(path) + 16 > WB_IO_PATH) WB_RAISE_ALL(WB_ERR_IO, "path too long: %.64s...", path);
  PetscCall(WB_CALLOC(1, ck));
  (*ck)->comm = comm;
  (*ck)->file = (*ck)->dxpl = -1;
  PetscCallMPI(MPI_Comm_rank(comm, &(*ck)->rank));
  PetscCallMPI(MPI_Comm_size(comm, &(*ck)->size));
  snprintf((*ck)->path, sizeof((*ck)->path) - 8, "%s", path);
  snprintf((*ck)->temporary, sizeof((*ck)->temporary), "%.*s.tmp", WB_IO_PATH - 16, path);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_checkpoint_create(MPI_Comm comm, const char *path, WbCheckpoint *ck) {
  PetscFunctionBeginUser;
  PetscCall(make(comm, path, ck));
  const PetscErrorCode ierr = wb_io_file_create(comm, (*ck)->temporary, &(*ck)->file, &(*ck)->dxpl);
  if (ierr) WB_FREE(ck);
  PetscCall(ierr);
  (*ck)->writing = true;
  (*ck)->reserved = WB_IO_HEADER_BYTES;
  const int version = FORMAT_VERSION;
  PetscCall(wb_io_att_number((*ck)->file, path, "windbridge_checkpoint", H5T_NATIVE_INT, &version));
  PetscFunctionReturn(0);
}

/* ---- verification on opening ---- */
typedef struct {
  WbCheckpoint ck;
  PetscErrorCode ierr;
} Verify;

/* What this program writes: 1 to 4 axes of float or double, every element in the file. */
static PetscErrorCode check_described(const WbIoItem *item) {
  PetscFunctionBeginUser;
  PetscCall(wb_io_item_needs_numbers(item));
  bool good = item->class == H5T_FLOAT && item->contiguous && item->rank >= 1 && item->rank <= MAX_CK_RANK;
  for (int d = 0; d < item->rank; d++) good = good && item->dims[d] <= INT_MAX;
  if (!good) WB_RAISE(WB_ERR_INPUT, "%s: %s is not an array that this program writes", item->label, item->what);
  if (H5Dget_storage_size(item->id) != item->n * item->size)
    WB_RAISE(WB_ERR_INPUT, "%s: %s was never written", item->label, item->what);
  PetscFunctionReturn(0);
}

/* Sum of this rank's share of one dataset, read in pieces along its slowest axis. */
static PetscErrorCode dataset_sum(WbCheckpoint ck, const WbIoItem *item, uint64_t *sum) {
  int dims[MAX_CK_RANK] = {1, 1, 1, 1}, start[MAX_CK_RANK] = {0}, count[MAX_CK_RANK];
  hsize_t from[MAX_CK_RANK] = {0}, cells[MAX_CK_RANK];
  void *buffer = NULL;
  PetscFunctionBeginUser;
  if (item->n == 0) PetscFunctionReturn(0);
  size_t slice = item->size;
  for (int d = 0; d < item->rank; d++) {
    dims[d] = count[d] = (int)item->dims[d];
    cells[d] = item->dims[d];
    if (d > 0) slice *= item->dims[d];
  }
  const int first = (int)((int64_t)dims[0] * ck->rank / ck->size);
  const int last = (int)((int64_t)dims[0] * (ck->rank + 1) / ck->size);
  const int step = (int)PetscMax(1, ((size_t)16 << 20) / slice);
  PetscErrorCode ierr = wb_alloc_bytes(slice * (size_t)PetscMin(step, dims[0]), "checkpoint verification", &buffer);
  for (int i = first; i < last && !ierr; i += step) {
    start[0] = i;
    count[0] = PetscMin(step, last - i);
    from[0] = (hsize_t)i;
    cells[0] = (hsize_t)count[0];
    ierr = wb_io_block_read(item, from, cells, wb_io_item_memory(item), H5P_DEFAULT, buffer);
    if (!ierr) *sum += wb_io_block_sum(buffer, item->size, item->rank, dims, start, count);
  }
  wb_free_bytes(&buffer);
  PetscFunctionReturn(ierr);
}

/* Collective. Compares the array with its checksum. */
static PetscErrorCode verify_array(WbCheckpoint ck, hid_t group, const char *name) {
  uint64_t sum = 0, stored = 0;
  bool has = false;
  WbIoItem item;
  PetscFunctionBeginUser;
  PetscErrorCode ierr = wb_io_dataset_open(group, ck->label, "array", name, &item);
  if (!ierr && item.id < 0)
    ierr = wb_error_raise(WB_ERR_INPUT, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__, "%s: array %.100s is not there",
                          ck->label, name);
  if (!ierr) ierr = check_described(&item);
  if (!ierr) ierr = wb_io_attribute_bits(item.id, ck->label, name, "checksum", &has, &stored);
  if (!ierr) ierr = dataset_sum(ck, &item, &sum);
  wb_io_item_close(&item);
  PetscCall(wb_error_agree(ck->comm, ierr));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_UINT64_T, MPI_SUM, ck->comm));
  if (!has || sum != stored)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s cannot be used: array %.100s does not match its checksum", ck->label, name);
  PetscFunctionReturn(0);
}

/* Link visitor: 0 continues, 1 stops with an error. All ranks see the same order. */
static herr_t verify_one(hid_t group, const char *name, const H5L_info_t *info, void *context) {
  Verify *v = context;
  v->ierr = verify_array(v->ck, group, name);
  return v->ierr != 0;
}

static PetscErrorCode verify_all(WbCheckpoint ck) {
  Verify v = {.ck = ck};
  uint64_t version = 0;
  bool has = false;
  PetscFunctionBeginUser;
  const PetscErrorCode ierr = wb_io_attribute_bits(ck->file, ck->label, NULL, "windbridge_checkpoint", &has, &version);
  PetscCall(wb_error_agree(ck->comm, ierr));
  if (!has || version != FORMAT_VERSION)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s cannot be used: it is not a windbridge checkpoint of format %d", ck->label,
                 FORMAT_VERSION);
  const herr_t visited = H5Literate(ck->file, H5_INDEX_NAME, H5_ITER_INC, NULL, verify_one, &v);
  PetscCall(v.ierr);
  if (visited < 0) WB_RAISE_ALL(WB_ERR_INPUT, "%s cannot be used: %s", ck->label, wb_io_h5_reason());
  PetscFunctionReturn(0);
}

/* Opens and verifies one file; on failure nothing stays open and the error is raised (ALL). */
static PetscErrorCode open_verified(WbCheckpoint ck, const char *path) {
  PetscFunctionBeginUser;
  snprintf(ck->label, sizeof(ck->label), "checkpoint %s", path);
  PetscCall(wb_io_file_open(ck->comm, path, false, &ck->file, &ck->dxpl));
  const PetscErrorCode ierr = verify_all(ck);
  if (ierr) {
    H5Pclose(ck->dxpl);
    H5Fclose(ck->file);
    ck->file = ck->dxpl = -1;
  }
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_checkpoint_open(MPI_Comm comm, const char *path, WbCheckpoint *ck) {
  char previous[WB_IO_PATH + 8], reason[512];
  PetscFunctionBeginUser;
  PetscCall(make(comm, path, ck));
  PetscErrorCode ierr = open_verified(*ck, path);
  if (ierr) {
    snprintf(reason, sizeof(reason), "%s", wb_error_message());
    snprintf(previous, sizeof(previous), "%s.prev", path);
    int there = (*ck)->rank == 0 && access(previous, R_OK) == 0;
    PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, comm));
    if (there) {
      wb_error_clear();
      ierr = open_verified(*ck, previous);
      if (!ierr) wb_log_warn("%s; the previous checkpoint %s is used", reason, previous);
    }
  }
  if (ierr) WB_FREE(ck);
  PetscFunctionReturn(ierr);
}

/* ---- arrays ---- */
PetscErrorCode wb_checkpoint_put(WbCheckpoint ck, const char *name, WbPrecision type, int rank, const int *dims,
                                 const int *start, const int *count, const void *data) {
  hsize_t shape[MAX_CK_RANK];
  hid_t memory = -1;
  PetscFunctionBeginUser;
  if (rank < 1 || rank > MAX_CK_RANK) WB_RAISE(PETSC_ERR_ARG_OUTOFRANGE, "checkpoint array %s: rank %d", name, rank);
  const bool single = type == WB_FP32;
  double bytes = single ? 4.0 : 8.0;
  for (int d = 0; d < rank; d++) bytes *= (double)(shape[d] = (hsize_t)dims[d]);
  ck->reserved += bytes + WB_IO_OBJECT_BYTES;
  PetscErrorCode ierr = wb_io_reserve(ck->comm, ck->temporary, name, ck->reserved);
  if (ierr) ck->failed = true;
  PetscCall(ierr);
  const hid_t space = H5Screate_simple(rank, shape, NULL), dcpl = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_alloc_time(dcpl, H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(dcpl, H5D_FILL_TIME_NEVER); /* every element is written below */
  H5Pset_obj_track_times(dcpl, 0);
  const hid_t dset =
      H5Dcreate2(ck->file, name, single ? H5T_IEEE_F32LE : H5T_IEEE_F64LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
  if (dset < 0)
    ierr = wb_error_raise(WB_ERR_IO, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__,
                          "cannot make room for array %s of checkpoint %s (disk full?): %s", name, ck->path,
                          wb_io_h5_reason());
  const hsize_t n = select_block(space, rank, start, count, &memory);
  uint64_t sum = n ? wb_io_block_sum(data, single ? 4 : 8, rank, dims, start, count) : 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_UINT64_T, MPI_SUM, ck->comm));
  const double nothing = 0.0;
  ierr = wb_error_agree(ck->comm, ierr); /* nobody stays away from the collective write */
  if (!ierr &&
      H5Dwrite(dset, single ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE, memory, space, ck->dxpl, n ? data : &nothing) < 0)
    ierr = wb_error_raise(WB_ERR_IO, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__,
                          "cannot write array %s of checkpoint %s (disk full?): %s", name, ck->path, wb_io_h5_reason());
  ierr = wb_error_agree(ck->comm, ierr);
  if (!ierr) ierr = wb_io_att_number(dset, ck->path, "checksum", H5T_NATIVE_UINT64, &sum);
  if (dset >= 0) H5Dclose(dset);
  H5Sclose(memory);
  H5Sclose(space);
  H5Pclose(dcpl);
  if (ierr) ck->failed = true;
  PetscFunctionReturn(ierr);
}

/* Refuses another shape or precision: a restart with a changed grid must say so. */
static PetscErrorCode check_array(WbCheckpoint ck, const WbIoItem *item, const char *name, WbPrecision type, int rank,
                                  const int *dims) {
  char found[96] = "", wanted[96] = "";
  PetscFunctionBeginUser;
  bool same = item->rank == rank;
  for (int d = 0; d < item->rank; d++) {
    same = same && d < rank && item->dims[d] == (hsize_t)dims[d];
    snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%llu", d ? " x " : "",
             (unsigned long long)item->dims[d]);
  }
  for (int d = 0; d < rank; d++)
    snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted), "%s%d", d ? " x " : "", dims[d]);
  if (!same)
    WB_RAISE(WB_ERR_INPUT, "%s: %s has %s cells, this run has %s: it belongs to another set-up", ck->label, name, found,
             wanted);
  if (item->size != (type == WB_FP32 ? 4u : 8u))
    WB_RAISE(WB_ERR_INPUT, "%s: %s is in %s precision, this run in %s", ck->label, name,
             item->size == 4 ? "single" : "double", type == WB_FP32 ? "single" : "double");
  PetscFunctionReturn(0);
}

PetscErrorCode wb_checkpoint_get(WbCheckpoint ck, const char *name, WbPrecision type, int rank, const int *dims,
                                 const int *start, const int *count, void *data) {
  hsize_t from[MAX_CK_RANK] = {0}, cells[MAX_CK_RANK] = {0};
  WbIoItem item;
  PetscFunctionBeginUser;
  if (rank < 1 || rank > MAX_CK_RANK) WB_RAISE(PETSC_ERR_ARG_OUTOFRANGE, "checkpoint array %s: rank %d", name, rank);
  for (int d = 0; d < rank; d++) {
    from[d] = (hsize_t)start[d];
    cells[d] = (hsize_t)count[d];
  }
  PetscErrorCode ierr = wb_io_dataset_open(ck->file, ck->label, "array", name, &item);
  if (!ierr && item.id < 0)
    ierr = wb_error_raise(WB_ERR_INPUT, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__,
                          "%s has no array %s: it belongs to another set-up", ck->label, name);
  if (!ierr) ierr = check_array(ck, &item, name, type, rank, dims);
  if (!ierr) ierr = wb_io_block_check(&item, from, cells);
  ierr = wb_error_agree(ck->comm, ierr); /* nobody stays away from the collective read */
  if (!ierr)
    ierr = wb_error_agree(ck->comm, wb_io_block_read(&item, from, cells, wb_io_item_memory(&item), ck->dxpl, data));
  wb_io_item_close(&item);
  PetscFunctionReturn(ierr);
}

/* ---- numbers and texts: attributes of the root group ---- */
PetscErrorCode wb_checkpoint_put_real(WbCheckpoint ck, const char *name, double value) {
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Bcast(&value, 1, MPI_DOUBLE, 0, ck->comm)); /* attributes must be the same on all ranks */
  const PetscErrorCode ierr =
      wb_error_agree(ck->comm, wb_io_att_number(ck->file, ck->path, name, H5T_NATIVE_DOUBLE, &value));
  if (ierr) ck->failed = true;
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_checkpoint_put_text(WbCheckpoint ck, const char *name, const char *text) {
  char *same = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_io_bcast_text(ck->comm, text, &same));
  const PetscErrorCode ierr = wb_error_agree(ck->comm, wb_io_att_text(ck->file, ck->path, name, same));
  WB_FREE(&same);
  if (ierr) ck->failed = true;
  PetscFunctionReturn(ierr);
}

static PetscErrorCode no_value(WbCheckpoint ck, const char *name) {
  PetscFunctionBeginUser;
  WB_RAISE_ALL(WB_ERR_INPUT, "%s has no value %s: it belongs to another set-up", ck->label, name);
}

PetscErrorCode wb_checkpoint_get_real(WbCheckpoint ck, const char *name, double *value) {
  int n = 0;
  PetscFunctionBeginUser;
  const PetscErrorCode ierr = wb_io_attribute_numbers(ck->file, ck->label, NULL, name, 1, &n, value);
  PetscCall(wb_error_agree(ck->comm, ierr));
  if (n == 0) PetscCall(no_value(ck, name));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_checkpoint_get_text(WbCheckpoint ck, const char *name, char *text, int max) {
  char *found = NULL;
  PetscFunctionBeginUser;
  const PetscErrorCode ierr = wb_io_attribute_text(ck->file, ck->label, NULL, name, (size_t)max, &found);
  if (!ierr && found) memcpy(text, found, strlen(found) + 1);
  const bool has = found != NULL;
  WB_FREE(&found);
  PetscCall(wb_error_agree(ck->comm, ierr));
  if (!has) PetscCall(no_value(ck, name));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_checkpoint_has(WbCheckpoint ck, const char *name, bool *has) {
  PetscFunctionBeginUser;
  *has = H5Lexists(ck->file, name, H5P_DEFAULT) > 0 || H5Aexists(ck->file, name) > 0;
  PetscFunctionReturn(0);
}

/* ---- end ---- */
static PetscErrorCode commit(WbCheckpoint ck) {
  char previous[WB_IO_PATH + 8];
  PetscFunctionBeginUser;
  snprintf(previous, sizeof(previous), "%s.prev", ck->path);
  PetscCall(wb_io_fsync(ck->temporary));
  if (access(ck->path, F_OK) == 0) {
    /* a hard link first, so that at no moment the path is without a file; where links fail, a rename */
    unlink(previous);
    if (link(ck->path, previous) && rename(ck->path, previous))
      WB_RAISE(WB_ERR_IO, "cannot keep %s as %s: %s", ck->path, previous, strerror(errno));
  }
  if (rename(ck->temporary, ck->path))
    WB_RAISE(WB_ERR_IO, "cannot rename %s to %s: %s", ck->temporary, ck->path, strerror(errno));
  PetscCall(wb_io_fsync_parent(ck->path));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_checkpoint_abort(WbCheckpoint *ck) {
  PetscFunctionBeginUser;
  if (!*ck) PetscFunctionReturn(0);
  (void)wb_io_file_close((*ck)->comm, (*ck)->temporary, (*ck)->writing, &(*ck)->file, &(*ck)->dxpl);
  if ((*ck)->writing && (*ck)->rank == 0) unlink((*ck)->temporary);
  WB_FREE(ck);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_checkpoint_close(WbCheckpoint *ck) {
  PetscFunctionBeginUser;
  if (!*ck) PetscFunctionReturn(0);
  WbCheckpoint c = *ck;
  if (c->writing && c->failed) {
    const PetscErrorCode failed = wb_error_raise(WB_ERR_IO, WB_ERROR_ALL, __func__, __FILE__, __LINE__,
                                                 "checkpoint %s was not written; the last good one is kept", c->path);
    PetscCall(wb_checkpoint_abort(ck));
    PetscFunctionReturn(failed);
  }
  PetscErrorCode ierr = wb_io_file_close(c->comm, c->temporary, c->writing, &c->file, &c->dxpl);
  if (!ierr && c->writing) ierr = wb_error_agree(c->comm, c->rank == 0 ? commit(c) : 0);
  WB_FREE(ck);
  PetscFunctionReturn(ierr);
}
