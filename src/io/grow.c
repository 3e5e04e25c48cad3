/* A result that is written anew with more times or members takes over what the old file holds; its history line. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "io_internal.h"

/* The common corner of one variable, the last three dimensions at a time; ranks share the first of these. */
static PetscErrorCode copy_variable(WbNc from, WbNc to, const WbIoVar *v, const int dims[8]) {
  int start[8] = {0}, count[8], common[8];
  void *block = NULL;
  PetscFunctionBeginUser;
  const int lead = v->rank > 3 ? v->rank - 3 : 0;
  size_t n = 1;
  long slabs = 1;
  for (int d = 0; d < v->rank; d++) {
    common[d] = PetscMin(v->dims[d], dims[d]);
    count[d] = d < lead ? 1 : common[d];
    if (d < lead) slabs *= common[d];
  }
  if (v->rank > lead) {
    start[lead] = (int)((int64_t)common[lead] * to->rank / to->size);
    count[lead] = (int)((int64_t)common[lead] * (to->rank + 1) / to->size) - start[lead];
  }
  for (int d = lead; d < v->rank; d++) n *= (size_t)count[d];
  PetscCall(wb_alloc_bytes((n ? n : 1) * wb_io_type_size(v->type), "copy of a result", &block));
  PetscErrorCode ierr = 0;
  for (long s = 0; s < slabs && !ierr; s++) {
    for (long d = lead - 1, rest = s; d >= 0; rest /= common[d], d--) start[d] = (int)(rest % common[d]);
    ierr = wb_nc_get(from, v->group, v->name, start, count, v->type, block);
    if (!ierr) ierr = wb_nc_put(to, v->group, v->name, start, count, block);
  }
  wb_free_bytes(&block);
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_nc_copy_common(WbNc from, WbNc to) {
  PetscFunctionBeginUser;
  for (int i = 0; i < to->n_var; i++) {
    const WbIoVar v = to->var[i]; /* the table may move */
    bool has = false;
    int rank = 0, dims[8];
    if (v.rank == 0) continue;
    PetscCall(wb_nc_has(from, v.group, v.name, &has));
    if (has) PetscCall(wb_nc_inq_dims(from, v.group, v.name, &rank, dims));
    if (!has || rank != v.rank)
      WB_RAISE_ALL(WB_ERR_INPUT, "%s: variable %s is missing or has another number of dimensions than this run's",
                   from->path, v.name);
    PetscCall(copy_variable(from, to, &v, dims));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode rename_here(const char *from, const char *to) {
  PetscFunctionBeginUser;
  PetscCall(wb_io_fsync(from));
  if (rename(from, to)) WB_RAISE(WB_ERR_IO, "cannot rename %s to %s: %s", from, to, strerror(errno));
  PetscCall(wb_io_fsync_parent(to));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_file_rename(MPI_Comm comm, const char *from, const char *to) {
  int rank = 0;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(wb_error_agree(comm, rank == 0 ? rename_here(from, to) : 0));
  PetscFunctionReturn(0);
}

/* In place, in room that is there from the start: no structure changes. */
PetscErrorCode wb_nc_history(WbNc nc, const char *text) {
  char padded[WB_NC_HISTORY];
  PetscFunctionBeginUser;
  memset(padded, 0, sizeof padded);
  snprintf(padded, sizeof padded, "%s", text);
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, sizeof padded);
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  H5Tset_cset(type, H5T_CSET_UTF8);
  bool room = false;
  hid_t att = H5Aexists(nc->file, "history") > 0 ? H5Aopen(nc->file, "history", H5P_DEFAULT) : -1;
  if (att >= 0) {
    const hid_t stored = H5Aget_type(att);
    room = H5Tequal(stored, type) > 0;
    H5Tclose(stored);
    if (!room) { /* of a file that was made without */
      H5Aclose(att);
      H5Adelete(nc->file, "history");
    }
  }
  const hid_t space = H5Screate(H5S_SCALAR);
  if (!room) att = H5Acreate2(nc->file, "history", type, space, H5P_DEFAULT, H5P_DEFAULT);
  const bool good = att >= 0 && H5Awrite(att, type, padded) >= 0;
  if (att >= 0) H5Aclose(att);
  H5Sclose(space);
  H5Tclose(type);
  if (!good) WB_RAISE_ALL(WB_ERR_IO, "cannot write the history of %s: %s", nc->path, wb_io_h5_reason());
  PetscFunctionReturn(0);
}
