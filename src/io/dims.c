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
static PetscErrorCode find_mark(hid_t scale, const char *label, bool *coordinate) {
  static const char mark[] = "This is a netCDF dimension but not a netCDF variable";
  char *name = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_io_text_if(scale, label, NULL, "NAME", &name));
  *coordinate = !name || strncmp(name, mark, sizeof mark - 1) != 0;
  WB_FREE(&name);
  PetscFunctionReturn(0);
}

typedef struct {
  const char *label;
  WbIoDimension *dimension;
  PetscErrorCode error;
} Scale;

static herr_t take_scale(hid_t dset, unsigned dim, hid_t scale, void *out) {
  char path[2 * WB_IO_NAME] = "";
  Scale *s = out;
  (void)dset, (void)dim;
  if (H5Iget_name(scale, path, sizeof path) <= 0) return 0;
  split(path, s->dimension);
  s->error = find_mark(scale, s->label, &s->dimension->has_coordinate);
  return 1; /* the first is enough */
}

static PetscErrorCode dimensions_of(const WbIoItem *item, const char *path, WbIoDimension dim[WB_IO_MAX_RANK]) {
  PetscFunctionBeginUser;
  for (int d = 0; d < item->rank; d++) {
    Scale s = {item->label, &dim[d], 0};
    memset(&dim[d], 0, sizeof dim[d]);
    if (H5DSget_num_scales(item->id, (unsigned)d) > 0) H5DSiterate_scales(item->id, (unsigned)d, NULL, take_scale, &s);
    if (!dim[d].name[0] && item->rank == 1 && H5DSis_scale(item->id) > 0) { /* a coordinate variable is its own */
      split(path, &dim[d]);
      s.error = find_mark(item->id, item->label, &dim[d].has_coordinate);
    }
    PetscCall(s.error);
    dim[d].size = (int)item->dims[d];
  }
  H5Eclear2(H5E_DEFAULT);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_io_dimensions(WbNc nc, const char *group, const char *name, int *rank, WbIoDimension *dim) {
  WbIoVar *v = NULL;
  char path[3 * WB_IO_NAME];
  PetscFunctionBeginUser;
  PetscCall(wb_io_var(nc, group, name, &v));
  snprintf(path, sizeof path, "/%s/%s", v->group, v->name);
  *rank = v->rank;
  PetscCall(wb_error_agree(nc->comm, dimensions_of(&v->item, path, dim)));
  PetscFunctionReturn(0);
}

/* The attribute's text without blanks around it; cut where it is long. */
static PetscErrorCode take_text(const WbIoItem *item, const char *owner, const char *name, size_t max, char *out) {
  char *text = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_io_text_if(item->id, item->label, owner, name, &text));
  const char *from = text ? text : "";
  while (*from == ' ' || *from == '\t' || *from == '\n') from++;
  snprintf(out, max, "%s", from);
  for (size_t n = strlen(out); n > 0 && strchr(" \t\n", out[n - 1]); n--) out[n - 1] = '\0';
  WB_FREE(&text);
  PetscFunctionReturn(0);
}

static PetscErrorCode take_marks(const WbIoItem *item, const char *group, const char *name, WbIoMarks *m) {
  char path[3 * WB_IO_NAME];
  WbIoDimension dim[WB_IO_MAX_RANK];
  PetscFunctionBeginUser;
  PetscCall(take_text(item, name, "axis", sizeof m->axis, m->axis));
  PetscCall(take_text(item, name, "standard_name", sizeof m->standard_name, m->standard_name));
  PetscCall(take_text(item, name, "positive", sizeof m->positive, m->positive));
  PetscCall(take_text(item, name, "units", sizeof m->units, m->units));
  PetscCall(take_text(item, name, "long_name", sizeof m->long_name, m->long_name));
  PetscCall(take_text(item, name, "bounds", sizeof m->bounds, m->bounds));
  PetscCall(take_text(item, name, "calendar", sizeof m->calendar, m->calendar));
  PetscCall(take_text(item, name, "cell_methods", sizeof m->cell_methods, m->cell_methods));
  PetscCall(take_text(item, name, "climatology", sizeof m->climatology, m->climatology));
  snprintf(path, sizeof path, "%s/%s", group, name);
  PetscCall(dimensions_of(item, path, dim));
  m->rank = item->rank;
  if (m->rank == 1) m->first = dim[0];
  PetscFunctionReturn(0);
}

PetscErrorCode wb_io_marks(WbNc nc, const char *group, const char *name, WbIoMarks *m) {
  WbIoItem item;
  hid_t where = -1;
  PetscFunctionBeginUser;
  memset(m, 0, sizeof *m);
  PetscCall(wb_io_group(nc, group, &where));
  PetscErrorCode ierr = wb_io_dataset_open(where, nc->path, "variable", name, &item);
  H5Gclose(where);
  if (!ierr && item.id >= 0) ierr = take_marks(&item, group, name, m);
  wb_io_item_close(&item);
  PetscCall(wb_error_agree(nc->comm, ierr));
  PetscFunctionReturn(0);
}

/* Local: texts of the grid mapping, which may be a variable of any type. */
static PetscErrorCode take_system(const WbArray a, hid_t where, size_t max, char *wkt) {
  WbIoItem item = {.id = -1};
  char mapping[WB_IO_NAME] = "";
  hid_t object = -1;
  PetscFunctionBeginUser;
  PetscCall(wb_io_dataset_open(where, a->nc->path, "variable", a->name, &item));
  PetscErrorCode ierr = item.id < 0 ? 0 : take_text(&item, a->name, "grid_mapping", sizeof mapping, mapping);
  wb_io_item_close(&item);
  PetscCall(ierr);
  mapping[strcspn(mapping, ": ")] = '\0'; /* "crs: x y" */
  if (mapping[0] && H5Lexists(where, mapping, H5P_DEFAULT) > 0) object = H5Dopen2(where, mapping, H5P_DEFAULT);
  if (object < 0) PetscFunctionReturn(0);
  item = (WbIoItem){.id = object, .label = a->nc->path};
  ierr = take_text(&item, mapping, "crs_wkt", max, wkt);
  if (!ierr && !wkt[0]) ierr = take_text(&item, mapping, "spatial_ref", max, wkt);
  H5Dclose(object);
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_array_system(const WbArray a, size_t max, char *wkt) {
  hid_t where = -1;
  PetscFunctionBeginUser;
  wkt[0] = '\0';
  PetscCall(wb_io_group(a->nc, a->group, &where));
  const PetscErrorCode ierr = take_system(a, where, max, wkt);
  H5Gclose(where);
  PetscCall(wb_error_agree(a->nc->comm, ierr));
  PetscFunctionReturn(0);
}

typedef struct {
  const char *label;
  PetscErrorCode error;
  int n, room;
  char (*names)[WB_IO_NAME]; /* NULL: only counted */
} List;

/* Datasets of numbers alone: what else lies there is nobody's array. */
static herr_t take_name(hid_t group, const char *name, const H5L_info_t *info, void *out) {
  List *list = out;
  if (info->type != H5L_TYPE_HARD || strlen(name) >= WB_IO_NAME) return 0;
  const hid_t object = H5Oopen(group, name, H5P_DEFAULT);
  if (object >= 0 && H5Iget_type(object) == H5I_DATASET) {
    const hid_t type = H5Dget_type(object);
    const H5T_class_t class = H5Tget_class(type);
    bool coordinate = true; /* not a bare dimension */
    if (!list->error) list->error = find_mark(object, list->label, &coordinate);
    if ((class == H5T_INTEGER || class == H5T_FLOAT) && coordinate) {
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
  List list = {nc->path, 0, 0, 0, NULL};
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
  ierr = wb_error_agree(nc->comm, ierr ? ierr : list.error);
  if (ierr) WB_FREE(names);
  PetscFunctionReturn(ierr);
}
