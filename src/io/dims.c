/* Names: of the dimensions of a variable (HDF5's dimension scales, as netCDF-4 lays them out), of the variables of a
 * group, and what a variable's attributes say of it. */
#include <hdf5_hl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "array_internal.h"

/* "/lr/time" into group "lr" and name "time". */
static void split(const char *path, WbIoDimension *d) {
  const char *slash = strrchr(path, '/');
  snprintf(d->name, sizeof d->name, "%s", slash ? slash + 1 : path);
  char group[2 * WB_IO_NAME] = "";
  if (slash && slash > path) snprintf(group, sizeof group, "%.*s", (int)(slash - path), path);
  wb_io_group_normalise(group, d->group);
}

/* A dimension without coordinate variable is a scale too; netCDF-4 marks it. */
static bool is_coordinate(hid_t scale) {
  static const char mark[] = "This is a netCDF dimension but not a netCDF variable";
  char *name = wb_io_att_read_text(scale, "NAME");
  const bool yes = !name || strncmp(name, mark, sizeof mark - 1) != 0;
  free(name);
  return yes;
}

static herr_t take_scale(hid_t dset, unsigned dim, hid_t scale, void *out) {
  char path[2 * WB_IO_NAME] = "";
  WbIoDimension *d = out;
  (void)dset, (void)dim;
  if (H5Iget_name(scale, path, sizeof path) <= 0) return 0;
  split(path, d);
  d->has_coordinate = is_coordinate(scale);
  return 1; /* the first is enough */
}

static void dimensions_of(hid_t dset, const char *path, int *rank, WbIoDimension dim[WB_IO_MAX_RANK]) {
  hsize_t size[H5S_MAX_RANK] = {0};
  const hid_t space = H5Dget_space(dset);
  *rank = H5Sget_simple_extent_ndims(space);
  if (*rank > 0 && *rank <= WB_IO_MAX_RANK) H5Sget_simple_extent_dims(space, size, NULL);
  H5Sclose(space);
  if (*rank > WB_IO_MAX_RANK || *rank < 0) *rank = -1;
  for (int d = 0; d < *rank; d++) {
    memset(&dim[d], 0, sizeof dim[d]);
    if (H5DSget_num_scales(dset, (unsigned)d) > 0) H5DSiterate_scales(dset, (unsigned)d, NULL, take_scale, &dim[d]);
    if (!dim[d].name[0] && *rank == 1 && H5DSis_scale(dset) > 0) { /* a coordinate variable is its own dimension */
      split(path, &dim[d]);
      dim[d].has_coordinate = is_coordinate(dset);
    }
    dim[d].size = (int)size[d];
  }
  H5Eclear2(H5E_DEFAULT);
}

PetscErrorCode wb_io_dimensions(WbNc nc, const char *group, const char *name, int *rank, WbIoDimension *dim) {
  WbIoVar *v = NULL;
  char path[3 * WB_IO_NAME];
  PetscFunctionBeginUser;
  PetscCall(wb_io_var(nc, group, name, &v));
  snprintf(path, sizeof path, "/%s/%s", v->group, v->name);
  dimensions_of(v->dset, path, rank, dim);
  PetscFunctionReturn(0);
}

static void take_text(hid_t dset, const char *name, size_t max, char *out) {
  char *text = wb_io_att_read_text(dset, name);
  const char *from = text ? text : "";
  while (*from == ' ' || *from == '\t' || *from == '\n') from++;
  snprintf(out, max, "%s", from);
  for (size_t n = strlen(out); n > 0 && strchr(" \t\n", out[n - 1]); n--) out[n - 1] = '\0';
  free(text);
}

PetscErrorCode wb_io_marks(WbNc nc, const char *group, const char *name, WbIoMarks *m) {
  char path[3 * WB_IO_NAME];
  hid_t where = -1;
  WbIoDimension dim[WB_IO_MAX_RANK];
  PetscFunctionBeginUser;
  memset(m, 0, sizeof *m);
  PetscCall(wb_io_group(nc, group, &where));
  const hid_t dset = H5Dopen2(where, name, H5P_DEFAULT);
  H5Gclose(where);
  if (dset < 0) WB_RAISE_ALL(WB_ERR_INPUT, "%s: cannot open variable %s: %s", nc->path, name, wb_io_h5_reason());
  take_text(dset, "axis", sizeof m->axis, m->axis);
  take_text(dset, "standard_name", sizeof m->standard_name, m->standard_name);
  take_text(dset, "positive", sizeof m->positive, m->positive);
  take_text(dset, "units", sizeof m->units, m->units);
  take_text(dset, "long_name", sizeof m->long_name, m->long_name);
  take_text(dset, "bounds", sizeof m->bounds, m->bounds);
  take_text(dset, "calendar", sizeof m->calendar, m->calendar);
  take_text(dset, "cell_methods", sizeof m->cell_methods, m->cell_methods);
  take_text(dset, "climatology", sizeof m->climatology, m->climatology);
  snprintf(path, sizeof path, "%s/%s", group, name);
  dimensions_of(dset, path, &m->rank, dim);
  if (m->rank == 1) m->first = dim[0];
  H5Dclose(dset);
  PetscFunctionReturn(0);
}

typedef struct {
  int n, room;
  char (*names)[WB_IO_NAME]; /* NULL: only counted */
} List;

static herr_t take_name(hid_t group, const char *name, const H5L_info_t *info, void *out) {
  List *list = out;
  (void)info;
  const hid_t object = H5Oopen(group, name, H5P_DEFAULT);
  if (object >= 0 && H5Iget_type(object) == H5I_DATASET && strlen(name) < WB_IO_NAME) {
    const hid_t type = H5Dget_type(object);
    const H5T_class_t class = H5Tget_class(type);
    if ((class == H5T_INTEGER || class == H5T_FLOAT || class == H5T_ENUM) && is_coordinate(object)) {
      if (list->names && list->n < list->room) snprintf(list->names[list->n], WB_IO_NAME, "%s", name);
      list->n++;
    }
    H5Tclose(type);
  }
  if (object >= 0) H5Oclose(object);
  return 0;
}

PetscErrorCode wb_io_list(WbNc nc, const char *group, int *n, char (**names)[WB_IO_NAME]) {
  hid_t where = -1;
  List list = {0, 0, NULL};
  PetscFunctionBeginUser;
  PetscCall(wb_io_group(nc, group, &where));
  H5Literate(where, H5_INDEX_NAME, H5_ITER_INC, NULL, take_name, &list);
  list.room = list.n;
  list.n = 0;
  PetscErrorCode ierr = WB_CALLOC(list.room + 1, names);
  list.names = *names;
  if (!ierr) H5Literate(where, H5_INDEX_NAME, H5_ITER_INC, NULL, take_name, &list);
  *n = list.n;
  H5Gclose(where);
  PetscFunctionReturn(ierr);
}
