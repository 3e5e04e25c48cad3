/* Building footprints with heights: GeoJSON, GeoPackage, Shapefile and whatever else OGR reads. */
#include <cpl_error.h>
#include <gdal.h>
#include <math.h>
#include <ogr_api.h>
#include <ogr_srs_api.h>
#include <string.h>
#include "city_internal.h"

typedef struct {
  const WbCityOptions *options;
  WbCity *city;
  OGRLayerH layer;
  int field;         /* index of the height field */
  const char *name;  /* its name */
  double null_value; /* height for null features; < 0: refuse or drop */
  long long first_null;
  int n_read, n_empty;
  double *x, *y; /* vertices of one polygon; x holds scratch behind them */
  int *start;
  size_t room_points, room_rings;
} Reader;

static bool is_polygon(OGRwkbGeometryType type) {
  const OGRwkbGeometryType flat = OGR_GT_Flatten(type);
  return flat == wkbPolygon || flat == wkbMultiPolygon || flat == wkbCurvePolygon || flat == wkbMultiSurface ||
         flat == wkbPolyhedralSurface || flat == wkbTIN || flat == wkbGeometryCollection || flat == wkbUnknown;
}

static PetscErrorCode find_layer(const WbCityOptions *o, GDALDatasetH dataset, OGRLayerH *layer) {
  PetscFunctionBeginUser;
  char names[512] = "";
  *layer = NULL;
  for (int i = 0; i < GDALDatasetGetLayerCount(dataset) && !*layer; i++) {
    OGRLayerH l = GDALDatasetGetLayer(dataset, i);
    const char *name = OGR_L_GetName(l);
    snprintf(names + strlen(names), sizeof names - strlen(names), " %s", name);
    if (o->layer ? strcmp(name, o->layer) == 0 : is_polygon(OGR_L_GetGeomType(l))) *layer = l;
  }
  if (!*layer && o->layer) WB_RAISE(WB_ERR_INPUT, "%s: no layer %s; it has:%s", o->file, o->layer, names);
  if (!*layer || !is_polygon(OGR_L_GetGeomType(*layer))) {
    WB_RAISE(WB_ERR_INPUT, "%s: no layer of polygons (building footprints); it has:%s (%s)", o->file, names,
             OGRGeometryTypeToName(OGR_L_GetGeomType(*layer ? *layer : GDALDatasetGetLayer(dataset, 0))));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode find_height_field(Reader *r) {
  PetscFunctionBeginUser;
  static const char *const known[] = {"height_m",    "measuredHeight", "measured_height", "building_height",
                                      "bldg_height", "height",         "Height",          "HEIGHT",
                                      "roof_height", "bldg_h",         "measuredHe",      NULL};
  OGRFeatureDefnH def = OGR_L_GetLayerDefn(r->layer);
  r->field = -1;
  if (r->options->height_field) {
    r->field = OGR_FD_GetFieldIndex(def, r->options->height_field);
  } else {
    for (int i = 0; known[i] && r->field < 0; i++) r->field = OGR_FD_GetFieldIndex(def, known[i]);
  }
  if (r->field < 0) {
    char names[512] = "";
    for (int i = 0; i < OGR_FD_GetFieldCount(def); i++) {
      snprintf(names + strlen(names), sizeof names - strlen(names), " %s",
               OGR_Fld_GetNameRef(OGR_FD_GetFieldDefn(def, i)));
    }
    WB_RAISE(WB_ERR_INPUT, "%s: no height field%s%s; layer %s has:%s; set city_height_field", r->options->file,
             r->options->height_field ? " " : "", r->options->height_field ? r->options->height_field : "",
             OGR_L_GetName(r->layer), names[0] ? names : " no fields");
  }
  OGRFieldDefnH field = OGR_FD_GetFieldDefn(def, r->field);
  r->name = OGR_Fld_GetNameRef(field);
  const OGRFieldType type = OGR_Fld_GetType(field);
  if (type != OFTReal && type != OFTInteger && type != OFTInteger64 && type != OFTString) {
    WB_RAISE(WB_ERR_INPUT, "%s: field %s holds %s, not heights", r->options->file, r->name, OGR_GetFieldTypeName(type));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode read_null_rule(Reader *r) {
  PetscFunctionBeginUser;
  const char *rule = r->options->null_height;
  r->null_value = -1;
  if (!rule || strcmp(rule, "refuse") == 0 || strcmp(rule, "drop") == 0) PetscFunctionReturn(0);
  char *end;
  r->null_value = strtod(rule, &end);
  if (end == rule || *end || !(r->null_value > 0 && r->null_value <= WB_CITY_HEIGHT_MAX)) {
    WB_RAISE(WB_ERR_CONFIG, "city_null_height: '%s'; allowed: refuse, drop, or a height from 0 to %g m", rule,
             WB_CITY_HEIGHT_MAX);
  }
  PetscFunctionReturn(0);
}

/* *height: the feature's height; 0: leave it out (null, counted). */
static PetscErrorCode read_height(Reader *r, OGRFeatureH feature, double *height) {
  PetscFunctionBeginUser;
  const long long id = OGR_F_GetFID(feature);
  *height = 0;
  const char *text = OGR_F_IsFieldSetAndNotNull(feature, r->field) ? OGR_F_GetFieldAsString(feature, r->field) : "";
  while (*text == ' ') text++;
  if (!*text) {
    if (r->city->n_null++ == 0) r->first_null = id;
    if (r->null_value > 0)
      *height = r->null_value;
    else
      r->city->n_dropped++;
    PetscFunctionReturn(0);
  }
  char *end;
  double h = strtod(text, &end);
  while (*end == ' ') end++;
  if (OGR_Fld_GetType(OGR_F_GetFieldDefnRef(feature, r->field)) != OFTString) {
    h = OGR_F_GetFieldAsDouble(feature, r->field);
  } else if (end == text || *end) {
    WB_RAISE(WB_ERR_INPUT, "%s: feature %lld: %s is '%s'; allowed: a number of metres", r->options->file, id, r->name,
             text);
  }
  if (!(h >= 0 && h <= WB_CITY_HEIGHT_MAX)) {
    WB_RAISE(WB_ERR_INPUT, "%s: feature %lld: %s is %g; allowed: 0 to %g (metres above ground)", r->options->file, id,
             r->name, h, WB_CITY_HEIGHT_MAX);
  }
  if (h == 0) r->city->n_dropped++;
  *height = h;
  PetscFunctionReturn(0);
}

static PetscErrorCode make_room(Reader *r, size_t points, size_t rings) {
  PetscFunctionBeginUser;
  if (points > r->room_points) {
    WB_FREE(&r->x);
    WB_FREE(&r->y);
    r->room_points = 2 * points;
    PetscCall(WB_ALLOC(2 * r->room_points, &r->x));
    PetscCall(WB_ALLOC(r->room_points, &r->y));
  }
  if (rings + 1 > r->room_rings) {
    WB_FREE(&r->start);
    r->room_rings = 2 * (rings + 1);
    PetscCall(WB_ALLOC(r->room_rings, &r->start));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_polygon(Reader *r, OGRGeometryH polygon, double height) {
  PetscFunctionBeginUser;
  const int n_rings = OGR_G_GetGeometryCount(polygon);
  size_t points = 0, at = 0;
  for (int i = 0; i < n_rings; i++) points += (size_t)OGR_G_GetPointCount(OGR_G_GetGeometryRef(polygon, i));
  if (n_rings == 0 || points == 0) PetscFunctionReturn(0);
  PetscCall(make_room(r, points, (size_t)n_rings));
  r->start[0] = 0;
  for (int i = 0; i < n_rings; i++) {
    OGRGeometryH ring = OGR_G_GetGeometryRef(polygon, i);
    const int n = OGR_G_GetPointCount(ring);
    if (n > 0) OGR_G_GetPoints(ring, r->x + at, sizeof(double), r->y + at, sizeof(double), NULL, 0);
    at += (size_t)n;
    r->start[i + 1] = (int)at;
  }
  for (size_t p = 0; p < points; p++) {
    if (!(fabs(r->x[p]) < 1e9 && fabs(r->y[p]) < 1e9)) PetscFunctionReturn(0); /* infinite or absurd: no building */
  }
  const WbRaster raster = wb_city_raster(r->city);
  const WbRings rings = {r->x, r->y, r->start, n_rings};
  wb_city_fill(&raster, &rings, (float)height, r->x + points);
  PetscFunctionReturn(0);
}

/* Polygons, multi-polygons and collections of them, whatever the nesting. */
static PetscErrorCode fill_geometry(Reader *r, OGRGeometryH g, double height, int depth) {
  PetscFunctionBeginUser;
  if (!g || depth > 8) PetscFunctionReturn(0);
  if (OGR_GT_Flatten(OGR_G_GetGeometryType(g)) == wkbPolygon ||
      OGR_GT_Flatten(OGR_G_GetGeometryType(g)) == wkbTriangle) {
    PetscCall(fill_polygon(r, g, height));
    PetscFunctionReturn(0);
  }
  if (OGR_G_GetDimension(g) < 2) PetscFunctionReturn(0); /* points and lines are no footprints */
  for (int i = 0; i < OGR_G_GetGeometryCount(g); i++) {
    PetscCall(fill_geometry(r, OGR_G_GetGeometryRef(g, i), height, depth + 1));
  }
  PetscFunctionReturn(0);
}

static bool touches(const OGREnvelope *e, double x0, double y0, double sx, double sy) {
  return e->MaxX > x0 && e->MinX < x0 + sx && e->MaxY > y0 && e->MinY < y0 + sy;
}

static PetscErrorCode read_feature(Reader *r, OGRFeatureH feature) {
  PetscFunctionBeginUser;
  WbCity *c = r->city;
  OGRGeometryH g = OGR_F_GetGeometryRef(feature), mended = NULL, straight = NULL;
  if (!g || OGR_G_IsEmpty(g) || OGR_G_GetDimension(g) < 2) {
    r->n_empty++;
    PetscFunctionReturn(0);
  }
  OGREnvelope e;
  OGR_G_GetEnvelope(g, &e);
  if (!touches(&e, c->x_min_m, c->y_min_m, c->nx, c->ny)) PetscFunctionReturn(0);
  double height;
  PetscCall(read_height(r, feature, &height));
  if (!(height > 0)) PetscFunctionReturn(0);
  if (OGR_G_HasCurveGeometry(g, true)) g = straight = OGR_G_GetLinearGeometry(g, 0, NULL);
  if (!OGR_G_IsValid(g)) { /* self-crossing, unclosed, repeated points */
    mended = OGR_G_MakeValid(g);
    c->n_repaired++;
  }
  const PetscErrorCode failed = fill_geometry(r, mended ? mended : g, height, 0);
  OGR_G_DestroyGeometry(mended);
  OGR_G_DestroyGeometry(straight);
  c->n_buildings += touches(&e, c->win_x_min_m, c->win_y_min_m, c->win_size_x_m, c->win_size_y_m);
  PetscFunctionReturn(failed);
}

static PetscErrorCode read_features(Reader *r) {
  PetscFunctionBeginUser;
  OGRFeatureH feature;
  OGR_L_ResetReading(r->layer);
  CPLErrorReset();
  while ((feature = OGR_L_GetNextFeature(r->layer))) {
    r->n_read++;
    const PetscErrorCode failed = read_feature(r, feature);
    OGR_F_Destroy(feature);
    PetscCall(failed);
    CPLErrorReset(); /* geometry complaints were dealt with above */
  }
  if (CPLGetLastErrorType() >= CE_Failure) {
    WB_RAISE(WB_ERR_INPUT, "%s: broken after %d features: %s", r->options->file, r->n_read, CPLGetLastErrorMsg());
  }
  const char *rule = r->options->null_height;
  if (r->city->n_null && (!rule || strcmp(rule, "refuse") == 0)) {
    WB_RAISE(
        WB_ERR_INPUT,
        "%s: %d of %d features have no %s (first: feature %lld); set city_null_height to drop or to a height in metres",
        r->options->file, r->city->n_null, r->n_read, r->name, r->first_null);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode import_layer(Reader *r) {
  PetscFunctionBeginUser;
  const WbCityOptions *o = r->options;
  PetscCall(find_height_field(r));
  PetscCall(read_null_rule(r));
  OGREnvelope e;
  if (OGR_L_GetExtent(r->layer, &e, true) != OGRERR_NONE || !isfinite(e.MinX + e.MaxX + e.MinY + e.MaxY)) {
    const char *why = CPLGetLastErrorMsg();
    WB_RAISE(WB_ERR_INPUT, "%s: layer %s has no building with a place on the map%s%s", o->file, OGR_L_GetName(r->layer),
             *why ? ": " : "", why);
  }
  const WbExtent data = {e.MinX, e.MinY, e.MaxX, e.MaxY};
  PetscCall(wb_city_set_crs(o, OGR_L_GetSpatialRef(r->layer), &data, r->city));
  PetscCall(wb_city_set_window(o, &data, WB_CITY_MODULE_M, r->city)); /* footprints end short of the surveyed area */
  PetscCall(read_features(r));
  snprintf(r->city->source, sizeof r->city->source, "%.300s layer %.80s, heights from %.80s", o->file,
           OGR_L_GetName(r->layer), r->name);
  wb_log("city: %d buildings in the window, heights from field %s%s", r->city->n_buildings, r->name,
         o->height_field ? "" : " (chosen; city_height_field sets another)");
  if (r->city->n_repaired) wb_log("city: %d polygons mended (self-crossing or unclosed)", r->city->n_repaired);
  if (r->city->n_null) {
    wb_log("city: %d buildings without height %s", r->city->n_null,
           r->null_value > 0 ? "took city_null_height" : "dropped");
  }
  if (r->n_empty) wb_log("city: %d features without area left out", r->n_empty);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_city_import_vector(const WbCityOptions *options, void *dataset, WbCity *city) {
  PetscFunctionBeginUser;
  Reader r;
  memset(&r, 0, sizeof r);
  r.options = options;
  r.city = city;
  PetscCall(find_layer(options, dataset, &r.layer));
  const PetscErrorCode failed = import_layer(&r);
  WB_FREE(&r.x);
  WB_FREE(&r.y);
  WB_FREE(&r.start);
  PetscFunctionReturn(failed);
}
