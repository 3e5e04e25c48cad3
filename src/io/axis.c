/* Which axis is a dimension, and where do its entries lie? Attributes of the coordinate variable decide (axis,
 * standard_name, units of time, positive); only where they are silent its name does. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "array_internal.h"

static const char *const letters[WB_AXES] = {"T", "Z", "Y", "X"}, *const meanings[WB_AXES] = {"time",
                                                                                              "height above ground",
                                                                                              "northing", "easting"};
enum { NONE = -1, OTHER = -2 };

typedef struct {
  const char *name;
  int kind;
  bool fits; /* is it a position as it is wanted: easting, northing or height above ground [m]? */
  const char *what;
} StandardName;
static const StandardName standard_names[] = {
    {"time", WB_AXIS_TIME, true, NULL},
    {"projection_x_coordinate", WB_AXIS_X, true, NULL},
    {"projection_y_coordinate", WB_AXIS_Y, true, NULL},
    {"longitude", WB_AXIS_X, false, "degrees"},
    {"latitude", WB_AXIS_Y, false, "degrees"},
    {"grid_longitude", WB_AXIS_X, false, "degrees of a turned grid"},
    {"grid_latitude", WB_AXIS_Y, false, "degrees of a turned grid"},
    {"projection_x_angular_coordinate", WB_AXIS_X, false, "an angle"},
    {"projection_y_angular_coordinate", WB_AXIS_Y, false, "an angle"},
    {"height", WB_AXIS_Z, true, NULL},
    {"altitude", WB_AXIS_Z, false, "a height above sea level"},
    {"geopotential_height", WB_AXIS_Z, false, "a height above sea level"},
    {"height_above_mean_sea_level", WB_AXIS_Z, false, "a height above sea level"},
    {"height_above_geopotential_datum", WB_AXIS_Z, false, "a height above sea level"},
    {"height_above_reference_ellipsoid", WB_AXIS_Z, false, "a height above an ellipsoid"},
    {"air_pressure", WB_AXIS_Z, false, "a pressure"},
    {"depth", WB_AXIS_Z, false, "a depth"},
    {"model_level_number", WB_AXIS_Z, false, "a number of levels"},
    {"realization", OTHER, false, NULL},
    {"forecast_reference_time", OTHER, false, NULL},
    {"forecast_period", OTHER, false, NULL},
};

static const struct {
  const char *name;
  int kind;
} names[] = {{"time", WB_AXIS_TIME}, {"t", WB_AXIS_TIME},     {"z", WB_AXIS_Z},        {"zu", WB_AXIS_Z},
             {"zw", WB_AXIS_Z},      {"zc", WB_AXIS_Z},       {"zf", WB_AXIS_Z},       {"zu_3d", WB_AXIS_Z},
             {"zw_3d", WB_AXIS_Z},   {"height", WB_AXIS_Z},   {"altitude", WB_AXIS_Z}, {"level", WB_AXIS_Z},
             {"lev", WB_AXIS_Z},     {"plev", WB_AXIS_Z},     {"y", WB_AXIS_Y},        {"yv", WB_AXIS_Y},
             {"yu", WB_AXIS_Y},      {"yc", WB_AXIS_Y},       {"yf", WB_AXIS_Y},       {"northing", WB_AXIS_Y},
             {"lat", WB_AXIS_Y},     {"latitude", WB_AXIS_Y}, {"x", WB_AXIS_X},        {"xu", WB_AXIS_X},
             {"xv", WB_AXIS_X},      {"xc", WB_AXIS_X},       {"xf", WB_AXIS_X},       {"easting", WB_AXIS_X},
             {"lon", WB_AXIS_X},     {"longitude", WB_AXIS_X}};

static int kind_of_name(const char *name) {
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcasecmp(names[i].name, name) == 0) return names[i].kind;
  return NONE;
}

static const StandardName *known(const char *standard_name) {
  for (size_t i = 0; i < sizeof standard_names / sizeof standard_names[0]; i++)
    if (strcmp(standard_names[i].name, standard_name) == 0) return &standard_names[i];
  return NULL;
}

static int kind_of_letter(const char *axis) {
  for (int kind = 0; kind < WB_AXES; kind++)
    if (strcasecmp(letters[kind], axis) == 0) return kind;
  return NONE;
}

/* What the attributes say: one of the four, OTHER, or NONE when they say nothing. *clash: they disagree. */
static int kind_of_marks(const WbIoMarks *m, bool *clash) {
  const StandardName *standard = known(m->standard_name);
  const int votes[4] = {kind_of_letter(m->axis), standard ? standard->kind : NONE,
                        strstr(m->units, " since ") ? WB_AXIS_TIME : NONE, m->positive[0] ? WB_AXIS_Z : NONE};
  int kind = NONE;
  for (int i = 0; i < 4; i++) {
    if (votes[i] == NONE) continue;
    *clash = *clash || (kind != NONE && kind != votes[i] && kind != OTHER && votes[i] != OTHER);
    if (kind == NONE) kind = votes[i];
  }
  return standard && standard->kind == OTHER ? OTHER : kind;
}

/* The kind of a coordinate variable; WB_ERR_INPUT when its attributes contradict each other or its name. */
static PetscErrorCode classify(WbArray a, const char *name, const WbIoMarks *m, int *kind) {
  bool clash = false;
  const int by_name = kind_of_name(name), by_marks = kind_of_marks(m, &clash);
  PetscFunctionBeginUser;
  *kind = by_marks == NONE ? by_name : by_marks;
  clash = clash || (by_marks >= 0 && by_name >= 0 && by_marks != by_name);
  if (clash)
    WB_RAISE_ALL(
        WB_ERR_INPUT,
        "%s: coordinate %s contradicts itself (axis '%s', standard_name '%s', units '%s', positive '%s'): which "
        "axis is it? Correct these attributes or its name",
        a->nc->path, name, m->axis, m->standard_name, m->units, m->positive);
  PetscFunctionReturn(0);
}

/* A dimension without coordinate variable may have a variable of one dimension that tells where its entries lie. */
static PetscErrorCode find_auxiliary(WbArray a, WbIoDimension *d, int *kind) {
  char(*list)[WB_IO_NAME] = NULL;
  int n = 0, found = 0;
  WbIoMarks m;
  WbIoDimension hit = *d;
  PetscFunctionBeginUser;
  PetscCall(wb_io_list(a->nc, a->group, &n, &list));
  PetscErrorCode ierr = 0;
  for (int i = 0; i < n && !ierr; i++) {
    int k = NONE;
    ierr = wb_io_marks(a->nc, a->group, list[i], &m);
    if (ierr || m.rank != 1 || strcmp(m.first.name, d->name) != 0 || strcmp(m.first.group, d->group) != 0) continue;
    ierr = classify(a, list[i], &m, &k);
    if (ierr || k < 0) continue;
    found++;
    *kind = k;
    snprintf(hit.name, sizeof hit.name, "%s", list[i]);
    snprintf(hit.group, sizeof hit.group, "%s", a->group);
    hit.has_coordinate = true;
  }
  WB_FREE(&list);
  PetscCall(ierr);
  if (found == 1) *d = hit;
  if (found != 1) *kind = NONE;
  PetscFunctionReturn(0);
}

static PetscErrorCode kind_of_dimension(WbArray a, int place, int *kind) {
  WbIoDimension *d = &a->dim[place];
  WbIoMarks m;
  PetscFunctionBeginUser;
  *kind = NONE;
  if (!d->name[0])
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: dimension %d of %s has no name (no dimension scale); write the file with netCDF-4",
                 a->nc->path, place + 1, a->name);
  if (d->has_coordinate) {
    PetscCall(wb_io_marks(a->nc, d->group, d->name, &m));
    PetscCall(classify(a, d->name, &m, kind));
  } else {
    PetscCall(find_auxiliary(a, d, kind));
  }
  if (d->size == 0) WB_RAISE_ALL(WB_ERR_INPUT, "%s: %s holds no %s (0 entries)", a->nc->path, a->name, d->name);
  if (*kind >= 0 || d->size == 1) PetscFunctionReturn(0);
  if (d->has_coordinate || kind_of_name(d->name) == NONE)
    WB_RAISE_ALL(
        WB_ERR_INPUT,
        "%s: %s has a dimension %s of %d entries that is no time, height, northing or easting; choose one entry "
        "(ncks -d %s,0)",
        a->nc->path, a->name, d->name, d->size, d->name);
  WB_RAISE_ALL(WB_ERR_INPUT, "%s: dimension %s of %s has no coordinate variable: where its %d entries lie is unknown",
               a->nc->path, d->name, a->name, d->size);
}

/* The array's dimension of each kind; of two, one of which has a single entry, it is the other. */
static PetscErrorCode assign(WbArray a) {
  PetscFunctionBeginUser;
  for (int k = 0; k < WB_AXES; k++) a->dim_of[k] = -1;
  for (int d = 0; d < a->rank; d++) {
    int kind = NONE;
    PetscCall(kind_of_dimension(a, d, &kind));
    if (kind < 0) continue;
    const int other = a->dim_of[kind];
    if (other >= 0 && (a->dim[other].size == 1) == (a->dim[d].size == 1))
      WB_RAISE_ALL(WB_ERR_INPUT, "%s: both dimensions %s and %s of %s are a %s; one is allowed", a->nc->path,
                   a->dim[other].name, a->dim[d].name, a->name, meanings[kind]);
    if (other < 0 || a->dim[other].size == 1) a->dim_of[kind] = d;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode refuse_vertical(const WbArray a, const char *name, const WbIoMarks *m) {
  static const char *const words[] = {"sea level", "sea-level", "a.s.l", "amsl", " asl", "pressure", "depth"};
  PetscFunctionBeginUser;
  if (strcasecmp(m->positive, "down") == 0)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: coordinate %s is positive down; allowed: heights above ground [m], positive up",
                 a->nc->path, name);
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strcasestr(m->long_name, words[i]))
      WB_RAISE_ALL(WB_ERR_INPUT, "%s: coordinate %s is '%s'; allowed: heights above ground [m]", a->nc->path, name,
                   m->long_name);
  PetscFunctionReturn(0);
}

/* Are these positions of the kind that is wanted, and how do they become metres? */
static PetscErrorCode judge(const WbArray a, WbAxisKind kind, const char *name, const WbIoMarks *m, WbUnits *units) {
  const StandardName *standard = known(m->standard_name);
  PetscFunctionBeginUser;
  if (m->standard_name[0] && !(standard && standard->fits))
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: coordinate %s is %s (standard_name %s); allowed: %s in metres", a->nc->path, name,
                 standard && standard->what ? standard->what : "something else", m->standard_name, meanings[kind]);
  *units = (WbUnits){.relation = WB_UNITS_SAME, .slope = 1.0, .offset = 0.0};
  if (m->units[0]) PetscCall(wb_units_relate(a->nc->comm, m->units, "m", units));
  if (units->relation > WB_UNITS_CONVERT)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: coordinate %s is in '%s', which %s; allowed: %s in m (km, ft, ...)", a->nc->path,
                 name, m->units, wb_units_reason(units->relation), meanings[kind]);
  if (kind == WB_AXIS_Z) PetscCall(refuse_vertical(a, name, m));
  PetscFunctionReturn(0);
}

/* Bounds must have the coordinate in their middle: an edge taken for a centre is half a cell off. */
static PetscErrorCode check_bounds(const WbArray a, const WbIoDimension *d, const char *bounds, const double *raw) {
  int rank = 0, dims[8];
  bool has = false;
  double *b = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_nc_has(a->nc, d->group, bounds, &has));
  if (!has) PetscFunctionReturn(0); /* a file cut to some variables keeps the attribute */
  PetscCall(wb_nc_inq_dims(a->nc, d->group, bounds, &rank, dims));
  if (rank != 2 || dims[0] != d->size || dims[1] != 2)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: the bounds %s of %s do not have the shape (%s, 2)", a->nc->path, bounds, d->name,
                 d->name);
  PetscCall(WB_ALLOC(2 * (size_t)d->size, &b));
  const int start[2] = {0, 0};
  PetscErrorCode ierr = wb_nc_get(a->nc, d->group, bounds, start, dims, WB_NC_DOUBLE, b);
  for (int i = 0; i < d->size && !ierr; i++) {
    const double width = fabs(b[2 * i + 1] - b[2 * i]), middle = 0.5 * (b[2 * i] + b[2 * i + 1]);
    if (fabs(raw[i] - middle) <= 0.05 * width + 1e-9 * fabs(middle)) continue;
    ierr = WB_ERROR(WB_ERR_INPUT, WB_ERROR_ALL,
                    "%s: %s = %.10g is not in the middle of its bounds %.10g ... %.10g; allowed: cell centres",
                    a->nc->path, d->name, raw[i], b[2 * i], b[2 * i + 1]);
  }
  WB_FREE(&b);
  PetscFunctionReturn(ierr);
}

/* Finite, all different, one way; made increasing, in metres. */
static PetscErrorCode order(const WbArray a, const WbIoDimension *d, const WbUnits *units, WbAxis *axis) {
  double *v = axis->at;
  PetscFunctionBeginUser;
  axis->reversed = d->size > 1 && v[1] < v[0];
  for (int i = 0; i < d->size; i++) {
    if (!isfinite(v[i]))
      WB_RAISE_ALL(WB_ERR_INPUT, "%s: entry %d of coordinate %s is missing or no number", a->nc->path, i + 1, d->name);
    if (i > 0 && !(axis->reversed ? v[i] < v[i - 1] : v[i] > v[i - 1]))
      WB_RAISE_ALL(WB_ERR_INPUT, "%s: coordinate %s has %.10g after %.10g; allowed: values that only grow or only fall",
                   a->nc->path, d->name, v[i], v[i - 1]);
  }
  for (int i = 0; i < d->size / 2 && axis->reversed; i++) {
    const double swap = v[i];
    v[i] = v[d->size - 1 - i], v[d->size - 1 - i] = swap;
  }
  for (int i = 0; i < d->size && units->relation == WB_UNITS_CONVERT; i++) v[i] = units->slope * v[i] + units->offset;
  PetscFunctionReturn(0);
}

/* A variable may hold fewer records than its unlimited dimension. */
static PetscErrorCode same_length(const WbArray a, const WbIoDimension *d) {
  int rank = 0, dims[8] = {0};
  PetscFunctionBeginUser;
  PetscCall(wb_nc_inq_dims(a->nc, d->group, d->name, &rank, dims));
  if (rank != 1 || dims[0] != d->size)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: %s has %d entries along %s, its coordinate has %d", a->nc->path, a->name, d->size,
                 d->name, rank == 1 ? dims[0] : 0);
  PetscFunctionReturn(0);
}

static PetscErrorCode read_positions(WbArray a, WbAxisKind kind) {
  WbIoDimension *d = &a->dim[a->dim_of[kind]];
  WbAxis *axis = &a->axis[kind];
  WbIoMarks m;
  WbUnits units;
  PetscFunctionBeginUser;
  PetscCall(wb_io_marks(a->nc, d->group, d->name, &m));
  PetscCall(judge(a, kind, d->name, &m, &units));
  memmove(axis->name, d->name, sizeof axis->name); /* as long as each other */
  axis->n = d->size;
  axis->declared = m.units[0] != '\0';
  if (axis->n < 1) WB_RAISE_ALL(WB_ERR_INPUT, "%s: coordinate %s has no entries", a->nc->path, d->name);
  PetscCall(same_length(a, d));
  PetscCall(WB_ALLOC(axis->n, &axis->at));
  const int start = 0;
  PetscCall(wb_nc_get(a->nc, d->group, d->name, &start, &axis->n, WB_NC_DOUBLE, axis->at));
  if (m.bounds[0]) PetscCall(check_bounds(a, d, m.bounds, axis->at));
  PetscCall(order(a, d, &units, axis));
  PetscFunctionReturn(0);
}

/* Name of a variable without dimensions that is a time; "": none. */
static PetscErrorCode find_scalar_time(WbArray a, char name[WB_IO_NAME]) {
  char(*list)[WB_IO_NAME] = NULL;
  int n = 0;
  WbIoMarks m;
  PetscFunctionBeginUser;
  name[0] = '\0';
  PetscCall(wb_io_list(a->nc, a->group, &n, &list));
  PetscErrorCode ierr = 0;
  for (int i = 0; i < n && !ierr && !name[0]; i++) {
    int kind = NONE;
    ierr = wb_io_marks(a->nc, a->group, list[i], &m);
    if (!ierr && m.rank == 0) ierr = classify(a, list[i], &m, &kind);
    if (!ierr && m.rank == 0 && kind == WB_AXIS_TIME) snprintf(name, WB_IO_NAME, "%s", list[i]);
  }
  WB_FREE(&list);
  PetscFunctionReturn(ierr);
}

static PetscErrorCode read_time_axis(WbArray a) {
  const int place = a->dim_of[WB_AXIS_TIME];
  char name[WB_IO_NAME], group[WB_IO_NAME];
  PetscFunctionBeginUser;
  if (place >= 0) {
    snprintf(name, sizeof name, "%s", a->dim[place].name);
    snprintf(group, sizeof group, "%s", a->dim[place].group);
  } else if (!a->quantity->mask) {
    PetscCall(find_scalar_time(a, name));
    snprintf(group, sizeof group, "%s", a->group);
    if (!name[0]) PetscFunctionReturn(0);
  } else {
    PetscFunctionReturn(0);
  }
  PetscCall(wb_io_read_times(a->nc, group, name, &a->times));
  if (place >= 0) PetscCall(same_length(a, &a->dim[place]));
  WbAxis *axis = &a->axis[WB_AXIS_TIME];
  snprintf(axis->name, sizeof axis->name, "%s", name);
  axis->n = a->times.n;
  axis->declared = a->times.declared;
  PetscCall(WB_ALLOC(axis->n, &axis->at));
  memcpy(axis->at, a->times.at, (size_t)axis->n * sizeof *axis->at);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_io_find_axes(WbArray a) {
  PetscFunctionBeginUser;
  PetscCall(wb_io_dimensions(a->nc, a->group, a->name, &a->rank, a->dim));
  for (int d = 0; d < a->rank; d++) a->size[d] = a->dim[d].size;
  PetscCall(assign(a));
  for (int k = 0; k < WB_AXES; k++) {
    a->axis[k].n = 1;
    if (k == WB_AXIS_TIME)
      PetscCall(read_time_axis(a));
    else if (a->dim_of[k] >= 0)
      PetscCall(read_positions(a, (WbAxisKind)k));
  }
  PetscFunctionReturn(0);
}

void wb_io_free_axes(WbArray a) {
  for (int k = 0; k < WB_AXES; k++) WB_FREE(&a->axis[k].at);
  wb_times_free(&a->times);
}
