/* Definition of dimensions, variables and attributes, in the way netCDF-4 lays them out in HDF5: each dimension is a
 * dimension scale with its number in _Netcdf4Dimid, attached to each axis that uses it. Collective throughout. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <hdf5_hl.h>
#include "io_internal.h"

void wb_io_group_normalise(const char *group, char out[WB_IO_NAME]) {
  while (group && *group == '/') group++;
  snprintf(out, WB_IO_NAME, "%s", group ? group : "");
  for (size_t n = strlen(out); n > 0 && out[n - 1] == '/'; n--) out[n - 1] = '\0';
}

PetscErrorCode wb_io_group(WbNc nc, const char *group, hid_t *id) {
  char clean[WB_IO_NAME], *save = NULL;
  PetscFunctionBeginUser;
  if (!group) group = "/";
  wb_io_group_normalise(group, clean);
  *id = H5Gopen2(nc->file, "/", H5P_DEFAULT);
  if (*id < 0) WB_RAISE(WB_ERR_INPUT, "%s: cannot open its root group: %s", nc->path, wb_io_h5_reason());
  for (char *part = strtok_r(clean, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
    hid_t next = -1;
    if (H5Lexists(*id, part, H5P_DEFAULT) > 0) {
      next = H5Gopen2(*id, part, H5P_DEFAULT);
    } else if (nc->writing) {
      const hid_t gcpl = H5Pcreate(H5P_GROUP_CREATE);
      H5Pset_link_creation_order(gcpl, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
      H5Pset_attr_creation_order(gcpl, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
      H5Pset_obj_track_times(gcpl, 0);
      next = H5Gcreate2(*id, part, H5P_DEFAULT, gcpl, H5P_DEFAULT);
      H5Pclose(gcpl);
    }
    H5Gclose(*id);
    *id = next;
    if (next < 0 && nc->writing)
      WB_RAISE(WB_ERR_IO, "%s: cannot create group /%s", nc->path, group + strspn(group, "/"));
    if (next < 0) WB_RAISE(WB_ERR_INPUT, "%s has no group /%s", nc->path, group + strspn(group, "/"));
  }
  PetscFunctionReturn(0);
}

int wb_io_find_dim(WbNc nc, const char *group, const char *name) {
  char where[WB_IO_NAME];
  wb_io_group_normalise(group, where);
  for (;;) {
    for (int i = 0; i < nc->n_dim; i++)
      if (strcmp(nc->dim[i].name, name) == 0 && strcmp(nc->dim[i].group, where) == 0) return i;
    if (!where[0]) return -1;
    char *slash = strrchr(where, '/');
    *(slash ? slash : where) = '\0';
  }
}

int wb_io_find_var(WbNc nc, const char *group, const char *name) {
  char where[WB_IO_NAME];
  wb_io_group_normalise(group, where);
  for (int i = 0; i < nc->n_var; i++)
    if (strcmp(nc->var[i].name, name) == 0 && strcmp(nc->var[i].group, where) == 0) return i;
  return -1;
}

WbIoVar *wb_io_new_var(WbNc nc) {
  if (nc->n_var == nc->cap_var) {
    const int cap = nc->cap_var ? 2 * nc->cap_var : 16;
    WbIoVar *more = realloc(nc->var, (size_t)cap * sizeof(*more));
    if (!more) return NULL;
    nc->var = more;
    nc->cap_var = cap;
  }
  WbIoVar *v = &nc->var[nc->n_var++];
  memset(v, 0, sizeof(*v));
  v->dset = -1;
  v->scale_factor = 1.0;
  return v;
}

PetscErrorCode wb_nc_def_dim(WbNc nc, const char *group, const char *name, int size) {
  PetscFunctionBeginUser;
  char where[WB_IO_NAME];
  wb_io_group_normalise(group, where);
  if (size < 1) WB_RAISE(PETSC_ERR_ARG_OUTOFRANGE, "%s: dimension %s has size %d, must be >= 1", nc->path, name, size);
  for (int i = 0; i < nc->n_dim; i++)
    if (strcmp(nc->dim[i].name, name) == 0 && strcmp(nc->dim[i].group, where) == 0)
      WB_RAISE(PETSC_ERR_ARG_WRONG, "%s: dimension %s is defined twice in group /%s", nc->path, name, where);
  if (nc->n_dim == nc->cap_dim) {
    const int cap = nc->cap_dim ? 2 * nc->cap_dim : 8;
    WbIoDim *more = realloc(nc->dim, (size_t)cap * sizeof(*more));
    if (!more) WB_RAISE(PETSC_ERR_MEM, "out of memory");
    nc->dim = more;
    nc->cap_dim = cap;
  }
  WbIoDim *d = &nc->dim[nc->n_dim++];
  memset(d, 0, sizeof(*d));
  snprintf(d->group, sizeof(d->group), "%s", where);
  snprintf(d->name, sizeof(d->name), "%s", name);
  d->size = size;
  d->scale = -1;
  PetscFunctionReturn(0);
}

static hid_t creation_list(WbNcType type, bool fixed_storage) {
  const hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_attr_creation_order(dcpl, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  H5Pset_obj_track_times(dcpl, 0);
  if (fixed_storage) H5Pset_layout(dcpl, H5D_CONTIGUOUS);
  H5Pset_alloc_time(dcpl, H5D_ALLOC_TIME_EARLY); /* afterwards only raw data changes: a kill cannot tear the file */
  const float nanf4 = NAN;
  const double nan8 = NAN;
  if (type == WB_NC_FLOAT) H5Pset_fill_value(dcpl, H5T_NATIVE_FLOAT, &nanf4);
  if (type == WB_NC_DOUBLE) H5Pset_fill_value(dcpl, H5T_NATIVE_DOUBLE, &nan8);
  H5Pset_fill_time(dcpl, H5D_FILL_TIME_ALLOC);
  return dcpl;
}

/* Coordinates and their bounds have no missing values by CF, so they carry no _FillValue. */
static bool wants_fill_attribute(const WbIoVar *v, const char *dims) {
  const size_t n = strlen(v->name);
  const bool bounds = n > 5 && strcmp(v->name + n - 5, "_bnds") == 0;
  return v->rank > 0 && !bounds && strcmp(dims, v->name) != 0;
}

static PetscErrorCode put_fill_attribute(WbNc nc, const WbIoVar *v) {
  const float nanf4 = NAN;
  const double nan8 = NAN;
  PetscFunctionBeginUser;
  if (v->type == WB_NC_FLOAT) PetscCall(wb_io_att_number(v->dset, nc->path, "_FillValue", H5T_IEEE_F32LE, &nanf4));
  if (v->type == WB_NC_DOUBLE) PetscCall(wb_io_att_number(v->dset, nc->path, "_FillValue", H5T_IEEE_F64LE, &nan8));
  PetscFunctionReturn(0);
}

/* Splits "time,z,y,x" into known dimensions of v. */
static PetscErrorCode parse_dims(WbNc nc, const char *group, const char *dims, WbIoVar *v) {
  char copy[512], *save = NULL;
  PetscFunctionBeginUser;
  snprintf(copy, sizeof(copy), "%s", dims);
  for (char *part = strtok_r(copy, ", ", &save); part; part = strtok_r(NULL, ", ", &save)) {
    const int d = wb_io_find_dim(nc, group, part);
    if (d < 0 || v->rank == WB_IO_MAX_RANK)
      WB_RAISE(PETSC_ERR_ARG_WRONG, "%s: variable %s: no dimension %s (or more than %d)", nc->path, v->name, part,
               WB_IO_MAX_RANK);
    v->dim_index[v->rank] = d;
    v->dims[v->rank++] = nc->dim[d].size;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode create_dataset(WbNc nc, const char *group, WbIoVar *v) {
  hid_t where = -1;
  hsize_t shape[WB_IO_MAX_RANK];
  double bytes = (double)wb_io_type_size(v->type);
  PetscFunctionBeginUser;
  for (int d = 0; d < v->rank; d++) {
    shape[d] = (hsize_t)v->dims[d];
    bytes *= v->dims[d];
  }
  nc->reserved += bytes + WB_IO_OBJECT_BYTES;
  PetscCall(wb_io_reserve(nc->comm, nc->open_path, v->name, nc->reserved));
  PetscCall(wb_io_group(nc, group, &where));
  const hid_t dcpl = creation_list(v->type, true);
  const hid_t space = v->rank ? H5Screate_simple(v->rank, shape, NULL) : H5Screate(H5S_SCALAR);
  v->dset = H5Dcreate2(where, v->name, wb_io_type_file(v->type), space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
  PetscErrorCode ierr = 0;
  if (v->dset < 0)
    ierr = WB_ERROR(WB_ERR_IO, WB_ERROR_LOCAL, "cannot make room for variable %s (%.3g MB) in %s (disk full?): %s",
                    v->name, bytes / 1e6, nc->path, wb_io_h5_reason());
  H5Sclose(space);
  H5Pclose(dcpl);
  H5Gclose(where);
  if (!ierr) ierr = wb_io_dataset_describe(v->dset, nc->path, "variable", v->name, &v->item);
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_nc_def_var(WbNc nc, const char *group, const char *name, WbNcType type, const char *dims) {
  PetscFunctionBeginUser;
  if (!nc->writing) WB_RAISE(PETSC_ERR_ORDER, "%s is open for reading", nc->path);
  if (wb_io_find_var(nc, group, name) >= 0)
    WB_RAISE(PETSC_ERR_ARG_WRONG, "%s: variable %s is defined twice", nc->path, name);
  nc->defined = false;
  WbIoVar *v = wb_io_new_var(nc);
  if (!v) WB_RAISE(PETSC_ERR_MEM, "out of memory");
  wb_io_group_normalise(group, v->group);
  snprintf(v->name, sizeof(v->name), "%s", name);
  v->type = type;
  v->size = wb_io_type_size(type);
  v->class = type == WB_NC_FLOAT || type == WB_NC_DOUBLE ? H5T_FLOAT : H5T_INTEGER;
  v->is_signed = v->contiguous = true;
  PetscErrorCode ierr = parse_dims(nc, group, dims, v);
  if (!ierr) ierr = wb_error_agree(nc->comm, create_dataset(nc, group, v));
  if (ierr) nc->n_var--;
  PetscCall(ierr);
  if (wants_fill_attribute(v, dims)) PetscCall(put_fill_attribute(nc, v));
  if (v->rank == 1 && strcmp(nc->dim[v->dim_index[0]].name, name) == 0) nc->dim[v->dim_index[0]].scale = v->dset;
  PetscFunctionReturn(0);
}

bool wb_io_has_dim_of_var(WbNc nc, const WbIoVar *v, const char *dim) {
  for (int d = 0; d < v->rank; d++)
    if (strcmp(nc->dim[v->dim_index[d]].name, dim) == 0) return true;
  return false;
}

/* The stand-in netCDF writes for a dimension that has no coordinate variable. */
static PetscErrorCode make_pure_dimension(WbNc nc, WbIoDim *d) {
  hid_t where = -1;
  PetscFunctionBeginUser;
  PetscCall(wb_io_group(nc, d->group, &where));
  const hid_t dcpl = creation_list(WB_NC_INT32, true);
  const hid_t space = H5Screate_simple(1, (hsize_t[]){(hsize_t)d->size}, NULL);
  d->scale = H5Dcreate2(where, d->name, H5T_IEEE_F32BE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
  PetscErrorCode ierr = 0;
  if (d->scale < 0)
    ierr =
        WB_ERROR(WB_ERR_IO, WB_ERROR_LOCAL, "%s: cannot write dimension %s: %s", nc->path, d->name, wb_io_h5_reason());
  d->own_scale = true;
  H5Sclose(space);
  H5Pclose(dcpl);
  H5Gclose(where);
  PetscFunctionReturn(ierr);
}

static PetscErrorCode make_scale(WbNc nc, int index) {
  WbIoDim *d = &nc->dim[index];
  char label[WB_IO_NAME];
  PetscFunctionBeginUser;
  const bool has_variable = d->scale >= 0;
  if (!has_variable) PetscCall(make_pure_dimension(nc, d));
  if (has_variable) {
    snprintf(label, sizeof(label), "%s", d->name);
  } else {
    snprintf(label, sizeof(label), "This is a netCDF dimension but not a netCDF variable.%10d", d->size);
  }
  if (H5DSset_scale(d->scale, label) < 0)
    WB_RAISE(WB_ERR_IO, "%s: cannot write dimension %s: %s", nc->path, d->name, wb_io_h5_reason());
  PetscCall(wb_io_att_number(d->scale, nc->path, "_Netcdf4Dimid", H5T_STD_I32LE, &index));
  PetscFunctionReturn(0);
}

static PetscErrorCode attach_scales(WbNc nc, WbIoVar *v) {
  PetscFunctionBeginUser;
  for (int d = 0; d < v->rank; d++) {
    const hid_t scale = nc->dim[v->dim_index[d]].scale;
    if (scale == v->dset) continue; /* a coordinate variable is its own scale */
    if (H5DSattach_scale(v->dset, scale, (unsigned)d) < 0)
      WB_RAISE(WB_ERR_IO, "%s: variable %s: cannot attach dimension %d: %s", nc->path, v->name, d, wb_io_h5_reason());
  }
  v->attached = true;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_io_end_define(WbNc nc) {
  PetscFunctionBeginUser;
  if (!nc->writing || nc->n_dim == 0) PetscFunctionReturn(0);
  for (int i = 0; i < nc->n_dim; i++)
    if (nc->dim[i].scale < 0 || H5DSis_scale(nc->dim[i].scale) <= 0) PetscCall(make_scale(nc, i));
  for (int i = 0; i < nc->n_var; i++)
    if (!nc->var[i].attached) PetscCall(attach_scales(nc, &nc->var[i]));
  if (!nc->defined && H5Fflush(nc->file, H5F_SCOPE_GLOBAL) < 0)
    WB_RAISE(WB_ERR_IO, "cannot write %s (disk full?): %s", nc->path, wb_io_h5_reason());
  nc->defined = true;
  PetscFunctionReturn(0);
}

static PetscErrorCode open_object(WbNc nc, const char *group, const char *var, hid_t *id) {
  PetscFunctionBeginUser;
  if (!nc->writing) WB_RAISE(PETSC_ERR_ORDER, "%s is open for reading", nc->path);
  if (!var) {
    PetscCall(wb_io_group(nc, group, id));
  } else {
    WbIoVar *v = NULL;
    PetscCall(wb_io_var(nc, group, var, &v));
    *id = v->dset;
    H5Iinc_ref(*id);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_att_text(WbNc nc, const char *group, const char *var, const char *name, const char *text) {
  hid_t object = -1;
  char *same = NULL;
  PetscFunctionBeginUser;
  PetscCall(open_object(nc, group, var, &object));
  PetscCall(wb_io_bcast_text(nc->comm, text ? text : "", &same)); /* ranks may differ by a clock or a host name */
  const PetscErrorCode ierr = wb_io_att_text(object, nc->path, name, same);
  WB_FREE(&same);
  H5Idec_ref(object);
  PetscCall(wb_error_agree(nc->comm, ierr));
  PetscFunctionReturn(0);
}

static PetscErrorCode att_number(WbNc nc, const char *group, const char *var, const char *name, hid_t type,
                                 const void *value) {
  hid_t object = -1;
  PetscFunctionBeginUser;
  PetscCall(open_object(nc, group, var, &object));
  const PetscErrorCode ierr = wb_io_att_number(object, nc->path, name, type, value);
  H5Idec_ref(object);
  PetscCall(wb_error_agree(nc->comm, ierr));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_att_real(WbNc nc, const char *group, const char *var, const char *name, double value) {
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Bcast(&value, 1, MPI_DOUBLE, 0, nc->comm));
  PetscCall(att_number(nc, group, var, name, H5T_NATIVE_DOUBLE, &value));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_att_int(WbNc nc, const char *group, const char *var, const char *name, int value) {
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Bcast(&value, 1, MPI_INT, 0, nc->comm));
  PetscCall(att_number(nc, group, var, name, H5T_NATIVE_INT, &value));
  PetscFunctionReturn(0);
}
