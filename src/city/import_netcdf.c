/* Roof heights from an array of a netCDF file, by the names of its dimensions: their own coordinates say where it lies,
 * in any order and direction. */
#include <cpl_conv.h>
#include <cpl_string.h>
#include <gdal.h>
#include <math.h>
#include <ogr_srs_api.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "city_internal.h"

#define DIMS_MAX 8
#define FILL_DEFAULT 9.9e36 /* netCDF's own fill values of real numbers lie beyond */

static bool text_attribute(GDALMDArrayH array, const char *name, char *text, size_t room) {
  text[0] = '\0';
  GDALAttributeH a = GDALMDArrayGetAttribute(array, name);
  const char *value = a ? GDALAttributeReadAsString(a) : NULL;
  if (value) snprintf(text, room, "%s", value);
  if (a) GDALAttributeRelease(a);
  return text[0] != '\0';
}

/* Up to max numbers of an attribute, also of one that is text. */
static int number_attribute(GDALMDArrayH array, const char *name, int max, double *values) {
  GDALAttributeH a = GDALMDArrayGetAttribute(array, name);
  if (!a) return 0;
  char text[512];
  int n = 0;
  size_t count = 0;
  GDALExtendedDataTypeH type = GDALAttributeGetDataType(a);
  if (GDALExtendedDataTypeGetClass(type) == GEDTC_STRING && text_attribute(array, name, text, sizeof text)) {
    char *at = text, *end;
    for (; n < max; at = end) {
      values[n] = strtod(at, &end);
      if (end == at) break;
      n++;
    }
  } else if (GDALExtendedDataTypeGetClass(type) == GEDTC_NUMERIC) {
    double *all = GDALAttributeReadAsDoubleArray(a, &count);
    for (; all && n < max && (size_t)n < count; n++) values[n] = all[n];
    CPLFree(all);
  }
  GDALExtendedDataTypeRelease(type);
  GDALAttributeRelease(a);
  return n;
}

static bool is_one_of(const char *text, const char *const *list) {
  for (int i = 0; list[i]; i++) {
    if (strcasecmp(text, list[i]) == 0) return true;
  }
  return false;
}

/* 'x', 'y' or 0 by axis, standard name or, without these, by name. */
static char axis_of(GDALMDArrayH coordinate, const char *name) {
  static const char *const to_x[] = {"x",  "easting", "eastings", "east",      "e",
                                     "xc", "x_coord", "lon",      "longitude", NULL};
  static const char *const to_y[] = {"y",  "northing", "northings", "north",    "n",
                                     "yc", "y_coord",  "lat",       "latitude", NULL};
  static const char *const standard_x[] = {"projection_x_coordinate", "longitude", "grid_longitude", NULL};
  static const char *const standard_y[] = {"projection_y_coordinate", "latitude", "grid_latitude", NULL};
  char text[128];
  if (coordinate && text_attribute(coordinate, "standard_name", text, sizeof text)) {
    if (is_one_of(text, standard_x)) return 'x';
    if (is_one_of(text, standard_y)) return 'y';
  }
  if (coordinate && text_attribute(coordinate, "axis", text, sizeof text)) {
    if (strcasecmp(text, "X") == 0) return 'x';
    if (strcasecmp(text, "Y") == 0) return 'y';
    return 0;
  }
  return is_one_of(name, to_x) ? 'x' : is_one_of(name, to_y) ? 'y' : 0;
}

/* Centres of equal spacing: *first, *step [m]. */
static PetscErrorCode read_axis(const WbCityOptions *o, GDALMDArrayH coordinate, const char *name, size_t n,
                                double *first, double *step) {
  PetscFunctionBeginUser;
  const char *unit = GDALMDArrayGetUnit(coordinate);
  const double metres =
      unit && strncasecmp(unit, "degree", 6) == 0 ? 1 : wb_city_unit_m(unit); /* degrees: refused below */
  double packing[2] = {1, 0}, *v = NULL;
  const GUInt64 start = 0;
  if (metres == 0)
    WB_RAISE(WB_ERR_INPUT, "%s: %s is in '%s'; allowed: metres, km, feet ...; convert it", o->file, name, unit);
  int has = 0;
  const double scale = GDALMDArrayGetScale(coordinate, &has);
  if (has) packing[0] = scale;
  const double offset = GDALMDArrayGetOffset(coordinate, &has);
  if (has) packing[1] = offset;
  PetscCall(WB_ALLOC(n, &v));
  GDALExtendedDataTypeH real = GDALExtendedDataTypeCreate(GDT_Float64);
  const bool good = GDALMDArrayRead(coordinate, &start, &n, NULL, NULL, real, v, v, n * sizeof *v) != 0;
  GDALExtendedDataTypeRelease(real);
  *first = metres * (packing[0] * v[0] + packing[1]);
  const double span = metres * packing[0] * (v[n - 1] - v[0]);
  *step = span / (double)(n - 1);
  size_t bad = 0;
  for (size_t i = 1; i < n && good && bad == 0; i++) {
    const double at = metres * (packing[0] * v[i] + packing[1]);
    if (!(fabs(at - *first - (double)i * *step) <= 0.01 * fabs(*step))) bad = i;
  }
  WB_FREE(&v);
  if (!good || !(fabs(*step) > 0))
    WB_RAISE(WB_ERR_INPUT, "%s: coordinate %s cannot be read or does not change", o->file, name);
  if (bad > 0)
    WB_RAISE(WB_ERR_INPUT, "%s: coordinate %s is not of equal spacing (index %zu); resample it first", o->file, name,
             bad);
  PetscFunctionReturn(0);
}

/* Which dimension of the array is what. */
typedef struct {
  size_t n_dims, size[DIMS_MAX];
  int x, y; /* indices of dimensions */
} Axes;

static PetscErrorCode one_dimension(const WbCityOptions *o, GDALGroupH root, GDALDimensionH dim, int d,
                                    const char *array, Axes *axes, WbRoofRaster *s) {
  PetscFunctionBeginUser;
  const char *name = GDALDimensionGetName(dim);
  const size_t n = (size_t)GDALDimensionGetSize(dim);
  GDALMDArrayH coordinate = GDALDimensionGetIndexingVariable(dim);
  if (!coordinate) coordinate = GDALGroupOpenMDArray(root, name, NULL);
  const char axis = axis_of(coordinate, name);
  PetscErrorCode failed = 0;
  axes->size[d] = n;
  if (axis == 0 && n > 1) {
    failed = WB_ERROR(WB_ERR_INPUT, WB_ERROR_LOCAL,
                      "%s: %s has %zu along %s; one plane of roof heights (y, x) is needed; cut it out: ncks -d %s,0",
                      o->file, array, n, name, name);
  } else if (axis != 0 && (axis == 'x' ? axes->x : axes->y) >= 0) {
    failed =
        WB_ERROR(WB_ERR_INPUT, WB_ERROR_LOCAL,
                 "%s: two dimensions of %s are called %c; name them by axis or standard_name", o->file, array, axis);
  } else if (axis != 0 && (!coordinate || n < 2)) {
    failed = WB_ERROR(WB_ERR_INPUT, WB_ERROR_LOCAL,
                      "%s: dimension %s of %s has no coordinates (a variable %s(%s) of cell centres in metres, two "
                      "or more of equal spacing)",
                      o->file, name, array, name, name);
  } else if (axis != 0) {
    double first = 0, step = 0;
    failed = read_axis(o, coordinate, name, n, &first, &step);
    double *p = s->place + (axis == 'x' ? 0 : 3);
    p[0] = first - 0.5 * step;
    p[axis == 'x' ? 1 : 2] = step;
    *(axis == 'x' ? &s->nx : &s->ny) = (int)n;
    *(axis == 'x' ? &axes->x : &axes->y) = d;
  }
  if (coordinate) GDALMDArrayRelease(coordinate);
  PetscFunctionReturn(failed);
}

static PetscErrorCode read_dimensions(const WbCityOptions *o, GDALGroupH root, GDALMDArrayH array, const char *name,
                                      Axes *axes, WbRoofRaster *s) {
  PetscFunctionBeginUser;
  axes->x = axes->y = -1;
  GDALDimensionH *dims = GDALMDArrayGetDimensions(array, &axes->n_dims);
  PetscErrorCode failed = 0;
  for (size_t d = 0; d < axes->n_dims && d < DIMS_MAX && !failed; d++)
    failed = one_dimension(o, root, dims[d], (int)d, name, axes, s);
  GDALReleaseDimensions(dims, axes->n_dims);
  PetscCall(failed);
  if (axes->x < 0 || axes->y < 0 || axes->n_dims > DIMS_MAX) {
    WB_RAISE(WB_ERR_INPUT,
             "%s: the dimensions of %s do not say which is x and which is y (by axis, standard_name or names x and y)",
             o->file, name);
  }
  if (!((double)s->nx * (double)s->ny <= 4e8))
    WB_RAISE(WB_ERR_INPUT, "%s: %d x %d cells; allowed: up to 4e8; cut out the window first", o->file, s->nx, s->ny);
  PetscFunctionReturn(0);
}

/* What the file says of its place besides x and y (GDAL's attribute) must not say something else. */
static PetscErrorCode check_geotransform(const WbCityOptions *o, GDALGroupH root, GDALMDArrayH array,
                                         const WbRoofRaster *s) {
  PetscFunctionBeginUser;
  char mapping[128];
  double g[6];
  if (!text_attribute(array, "grid_mapping", mapping, sizeof mapping)) PetscFunctionReturn(0);
  GDALMDArrayH crs = GDALGroupOpenMDArray(root, mapping, NULL);
  const bool has = crs && number_attribute(crs, "GeoTransform", 6, g) == 6;
  if (crs) GDALMDArrayRelease(crs);
  if (!has) PetscFunctionReturn(0);
  bool same =
      fabs(g[1] - s->place[1]) <= 1e-3 * fabs(s->place[1]) && fabs(g[5] - s->place[5]) <= 1e-3 * fabs(s->place[5]);
  same = same && fabs(g[0] - s->place[0]) <= 0.01 * fabs(g[1]) && fabs(g[3] - s->place[3]) <= 0.01 * fabs(g[5]);
  if (!same || g[2] != 0 || g[4] != 0) {
    WB_RAISE(
        WB_ERR_INPUT,
        "%s: its GeoTransform (from x %.1f by %g, y %.1f by %g) and its coordinates (from x %.1f by %g, y %.1f by %g) "
        "differ: one of them is of another raster; if x and y are right: ncatted -a GeoTransform,%s,d,, FILE",
        o->file, g[0], g[1], g[3], g[5], s->place[0], s->place[1], s->place[3], s->place[5], mapping);
  }
  PetscFunctionReturn(0);
}

/* Numbers that stand for nothing become NaN. */
static void drop_missing(GDALMDArrayH array, WbRoofRaster *s) {
  double missing[8], range[2] = {-INFINITY, INFINITY};
  int has = 0, n = number_attribute(array, "missing_value", 7, missing);
  const double nodata = GDALMDArrayGetNoDataValueAsDouble(array, &has);
  if (has) missing[n++] = nodata;
  number_attribute(array, "valid_min", 1, &range[0]);
  number_attribute(array, "valid_max", 1, &range[1]);
  double both[2];
  if (number_attribute(array, "valid_range", 2, both) == 2) range[0] = both[0], range[1] = both[1];
  const float lo = (float)range[0], hi = (float)range[1];
  for (size_t i = 0; i < (size_t)s->nx * (size_t)s->ny; i++) {
    float *h = &s->height[i];
    bool bad = !(*h >= lo && *h <= hi) || fabsf(*h) > (float)FILL_DEFAULT;
    for (int m = 0; m < n && !bad; m++) bad = *h == (float)missing[m];
    if (bad) *h = NAN;
  }
}

static PetscErrorCode read_array(const WbCityOptions *o, GDALMDArrayH array, const char *name, const Axes *axes,
                                 WbRoofRaster *s) {
  PetscFunctionBeginUser;
  GUInt64 start[DIMS_MAX] = {0};
  size_t count[DIMS_MAX];
  GPtrDiff_t stride[DIMS_MAX] = {0};
  const size_t n = (size_t)s->nx * (size_t)s->ny;
  for (size_t d = 0; d < axes->n_dims; d++) count[d] = axes->size[d];
  stride[axes->x] = 1;
  stride[axes->y] = s->nx;
  PetscCall(WB_ALLOC(n, &s->height));
  GDALExtendedDataTypeH real = GDALExtendedDataTypeCreate(GDT_Float32);
  const int good =
      GDALMDArrayRead(array, start, count, NULL, stride, real, s->height, s->height, n * sizeof *s->height);
  GDALExtendedDataTypeRelease(real);
  if (!good) WB_RAISE(WB_ERR_INPUT, "%s: %s cannot be read: %s", o->file, name, CPLGetLastErrorMsg());
  int has = 0;
  const double scale = GDALMDArrayGetScale(array, &has);
  s->scale = has ? scale : 1;
  const double offset = GDALMDArrayGetOffset(array, &has);
  s->offset = has ? offset : 0;
  s->unit = GDALMDArrayGetUnit(array);
  drop_missing(array, s);
  PetscFunctionReturn(0);
}

static PetscErrorCode import_array(const WbCityOptions *o, GDALGroupH root, GDALMDArrayH array, const char *name,
                                   WbRoofRaster *s, WbCity *city) {
  PetscFunctionBeginUser;
  static const char *const other[] = {"surface_altitude",
                                      "altitude",
                                      "height_above_mean_sea_level",
                                      "height_above_geopotential_datum",
                                      "height_above_reference_ellipsoid",
                                      NULL};
  char text[128];
  Axes axes;
  if (text_attribute(array, "standard_name", text, sizeof text) && is_one_of(text, other))
    WB_RAISE(WB_ERR_INPUT, "%s: %s is a %s; allowed: roof heights above ground", o->file, name, text);
  s->name = name;
  PetscCall(read_dimensions(o, root, array, name, &axes, s));
  PetscCall(check_geotransform(o, root, array, s));
  PetscCall(read_array(o, array, name, &axes, s));
  s->srs = GDALMDArrayGetSpatialRef(array);
  if (s->srs) OSRSetAxisMappingStrategy(s->srs, OAMS_TRADITIONAL_GIS_ORDER);
  PetscCall(wb_city_take_raster(o, s, city));
  PetscFunctionReturn(0);
}

/* Arrays of numbers with at least two dimensions, " name" after " name". */
static int list_planes(GDALGroupH root, char **names, char *text, size_t room, const char **last) {
  int n = 0;
  text[0] = '\0';
  for (int i = 0; names && names[i]; i++) {
    GDALMDArrayH a = GDALGroupOpenMDArray(root, names[i], NULL);
    if (!a) continue;
    size_t n_dims = 0;
    GDALReleaseDimensions(GDALMDArrayGetDimensions(a, &n_dims), n_dims);
    GDALExtendedDataTypeH type = GDALMDArrayGetDataType(a);
    const bool numeric = GDALExtendedDataTypeGetClass(type) == GEDTC_NUMERIC;
    GDALExtendedDataTypeRelease(type);
    GDALMDArrayRelease(a);
    if (n_dims < 2 || !numeric) continue;
    snprintf(text + strlen(text), room - strlen(text), " %s", names[i]);
    *last = names[i];
    n++;
  }
  return n;
}

static PetscErrorCode find_array(const WbCityOptions *o, GDALGroupH root, char **names, const char **name) {
  PetscFunctionBeginUser;
  static const char *const known[] = {"building_height", "buildings_2d", "height", "roof_height", NULL};
  char planes[512];
  const char *only = NULL;
  const int n = list_planes(root, names, planes, sizeof planes, &only);
  *name = NULL;
  if (n == 0) WB_RAISE(WB_ERR_INPUT, "%s: no variable with dimensions y and x (roof heights)", o->file);
  if (o->layer) {
    if (strchr(o->layer, '/') || CSLFindString(names, o->layer) >= 0) *name = o->layer;
    if (!*name) WB_RAISE(WB_ERR_INPUT, "%s: no variable %s; it has:%s; set city_layer", o->file, o->layer, planes);
    PetscFunctionReturn(0);
  }
  int found = 0;
  for (int i = 0; known[i]; i++) {
    if (CSLFindString(names, known[i]) < 0) continue;
    if (!*name) *name = known[i];
    found++;
  }
  if (!*name && n == 1) *name = only;
  if (!*name || found > 1) {
    WB_RAISE(WB_ERR_INPUT, "%s: which variable is the roof height?; it has:%s; set city_layer to one of them", o->file,
             planes);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_city_import_netcdf(const WbCityOptions *o, void *dataset, WbCity *city) {
  PetscFunctionBeginUser;
  WbRoofRaster s;
  memset(&s, 0, sizeof s);
  GDALGroupH root = GDALDatasetGetRootGroup(dataset);
  if (!root) WB_RAISE(WB_ERR_INPUT, "%s: has no variables", o->file);
  char **names = GDALGroupGetMDArrayNames(root, NULL);
  const char *name = NULL;
  PetscErrorCode failed = find_array(o, root, names, &name);
  GDALMDArrayH array = NULL;
  if (!failed) {
    char full[300];
    snprintf(full, sizeof full, "%s%.256s", name[0] == '/' ? "" : "/", name);
    array = GDALGroupOpenMDArrayFromFullname(root, full, NULL);
    failed = array ? import_array(o, root, array, name, &s, city)
                   : WB_ERROR(WB_ERR_INPUT, WB_ERROR_LOCAL, "%s: no variable %s in it; set city_layer", o->file, name);
  }
  if (s.srs) OSRRelease(s.srs);
  if (array) GDALMDArrayRelease(array);
  WB_FREE(&s.height);
  CSLDestroy(names);
  GDALGroupRelease(root);
  PetscFunctionReturn(failed);
}
