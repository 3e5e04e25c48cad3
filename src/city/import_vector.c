/* Building footprints with heights: GeoJSON, GeoPackage, Shapefile and whatever else OGR reads whole. The file is read
 * twice: once for what is in it and where, once to fill the city. */
#include <cpl_error.h>
#include <gdal.h>
#include <math.h>
#include <ogr_srs_api.h>
#include <string.h>
#include <strings.h>
#include "vector.h"

typedef PetscErrorCode (*Visit)(WbVectorReader *r, OGRFeatureH feature, OGRGeometryH g, const WbShape *shape);

static void broken(WbVectorReader *r, const char *what, const char *why) {
  if (r->city->n_broken++ == 0) snprintf(r->first_broken, sizeof r->first_broken, "%.64s: %.200s", what, why);
}

static PetscErrorCode visit_one(WbVectorReader *r, OGRFeatureH feature, Visit visit) {
  PetscFunctionBeginUser;
  WbShape shape;
  OGRGeometryH g = OGR_F_GetGeometryRef(feature), straight = NULL;
  if (g && OGR_G_HasCurveGeometry(g, true)) g = straight = OGR_G_GetLinearGeometry(g, 0, NULL);
  PetscErrorCode failed = wb_city_shape_look(g, &r->room, &shape);
  if (!failed) failed = visit(r, feature, g, &shape);
  OGR_G_DestroyGeometry(straight);
  PetscFunctionReturn(failed);
}

/* Every feature of the layer. What GDAL cannot read is a feature without a geometry, or none at all: then its failure
 * alone tells, and is counted with `count`. */
static PetscErrorCode for_features(WbVectorReader *r, bool count, Visit visit) {
  PetscFunctionBeginUser;
  char last[64] = "before the first feature";
  OGRFeatureH feature;
  OGR_L_ResetReading(r->layer);
  do {
    wb_gdal_catch_reset(r->message);
    feature = OGR_L_GetNextFeature(r->layer);
    const bool skipped = r->message->n_failed > 0 && !(feature && !OGR_F_GetGeometryRef(feature));
    if (skipped && count) broken(r, last, r->message->text);
    if (!feature) break;
    r->n_read += count;
    snprintf(last, sizeof last, "after feature %lld", (long long)OGR_F_GetFID(feature));
    const PetscErrorCode failed = visit_one(r, feature, visit);
    OGR_F_Destroy(feature);
    PetscCall(failed);
  } while (feature);
  wb_gdal_catch_reset(r->message);
  PetscFunctionReturn(0);
}

/* Points and lines are no buildings, unless they are given a height as one. */
static bool has_height(const WbVectorReader *r, OGRFeatureH feature) {
  double h;
  if (r->field < 0 || !OGR_F_IsFieldSetAndNotNull(feature, r->field)) return false;
  return wb_city_length_read(OGR_F_GetFieldAsString(feature, r->field), 1, &h) && h > 0;
}

static PetscErrorCode scan(WbVectorReader *r, OGRFeatureH feature, OGRGeometryH g, const WbShape *shape) {
  PetscFunctionBeginUser;
  char what[64];
  snprintf(what, sizeof what, "feature %lld", (long long)OGR_F_GetFID(feature));
  WbExtent *e = &r->place.data;
  switch (shape->kind) {
    case WB_SHAPE_GOOD:
      *e = (WbExtent){fmin(e->x0, shape->e.x0), fmin(e->y0, shape->e.y0), fmax(e->x1, shape->e.x1),
                      fmax(e->y1, shape->e.y1)};
      r->place.largest = fmax(r->place.largest, shape->largest);
      break;
    case WB_SHAPE_BROKEN:
      broken(r, what, r->message->n_failed > 0 ? r->message->text : shape->why);
      break;
    case WB_SHAPE_OTHER:
      r->n_other++;
      if (has_height(r, feature)) broken(r, what, "has a height, but is a point or line, no footprint");
      break;
    case WB_SHAPE_WALL:
      if (r->city->n_flat++ == 0) snprintf(r->first_wall, sizeof r->first_wall, "%.60s", what);
      break;
  }
  PetscFunctionReturn(0);
}

static bool touches(const WbExtent *e, double x0, double y0, double sx, double sy) {
  return e->x1 > x0 && e->x0 < x0 + sx && e->y1 > y0 && e->y0 < y0 + sy;
}

static PetscErrorCode fill(WbVectorReader *r, OGRFeatureH feature, OGRGeometryH g, const WbShape *shape, bool part) {
  PetscFunctionBeginUser;
  WbCity *c = r->city;
  if (shape->kind != WB_SHAPE_GOOD || !touches(&shape->e, c->x_min_m, c->y_min_m, c->nx, c->ny)) PetscFunctionReturn(0);
  if (wb_city_is_part(r, feature) != part) PetscFunctionReturn(0);
  double height;
  PetscCall(wb_city_height_read(r, feature, &height));
  if (!(height > 0)) PetscFunctionReturn(0);
  PetscCall(wb_city_parts_fill(r, feature, g, shape, height, part));
  c->n_buildings += touches(&shape->e, c->win_x_min_m, c->win_y_min_m, c->win_size_x_m, c->win_size_y_m);
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_part(WbVectorReader *r, OGRFeatureH feature, OGRGeometryH g, const WbShape *shape) {
  return fill(r, feature, g, shape, true);
}

static PetscErrorCode fill_whole(WbVectorReader *r, OGRFeatureH feature, OGRGeometryH g, const WbShape *shape) {
  return fill(r, feature, g, shape, false);
}

/* The first reading: where the footprints lie, by themselves and not by a header, and what cannot be read. */
static PetscErrorCode scan_layer(WbVectorReader *r, const char *opening) {
  PetscFunctionBeginUser;
  const WbCityOptions *o = r->options;
  r->place.data = (WbExtent){INFINITY, INFINITY, -INFINITY, -INFINITY};
  PetscCall(for_features(r, true, scan));
  if (r->city->n_broken == 0 && opening[0]) broken(r, "on opening", opening);
  if (r->city->n_broken > 0 && (!o->broken || strcmp(o->broken, "drop") != 0)) {
    WB_RAISE(WB_ERR_INPUT, "%s: %d of its features are broken (first: %s); mend the file, or set city_broken to drop",
             o->file, r->city->n_broken, r->first_broken);
  }
  if (r->city->n_broken > 0)
    wb_log_warn("%s: %d broken features left out (first: %s)", o->file, r->city->n_broken, r->first_broken);
  if (!(r->place.data.x0 <= r->place.data.x1))
    WB_RAISE(WB_ERR_INPUT, "%s: layer %s has no footprint with a place on the map (%d features)", o->file,
             OGR_L_GetName(r->layer), r->n_read);
  PetscFunctionReturn(0);
}

static void report(const WbVectorReader *r) {
  const WbCity *c = r->city;
  const WbCityOptions *o = r->options;
  wb_log("city: %d buildings in the window, layer %s, heights from %s%s%s", c->n_buildings, OGR_L_GetName(r->layer),
         r->field < 0 ? "city_null_height" : "field ", r->name,
         o->height_field || r->field < 0 ? "" : " (chosen; city_height_field sets another)");
  if (c->n_repaired) wb_log("city: %d outlines cross or overlap themselves; filled whole", c->n_repaired);
  if (c->n_flat) wb_log("city: %d upright walls have no area (first: %s)", c->n_flat, r->first_wall);
  if (r->n_other) wb_log_warn("%s: %d points or lines are no footprints; left out", o->file, r->n_other);
}

/* Formats that fill in degrees where a file names no system. */
static bool assumes_degrees(GDALDatasetH dataset) {
  GDALDriverH driver = GDALGetDatasetDriver(dataset);
  const char *name = driver ? GDALGetDriverShortName(driver) : "";
  return strstr(name, "JSON") != NULL;
}

static PetscErrorCode import_layer(WbVectorReader *r, GDALDatasetH dataset, const char *opening) {
  PetscFunctionBeginUser;
  const WbCityOptions *o = r->options;
  PetscCall(wb_city_heights_begin(r));
  wb_city_parts_begin(r);
  PetscCall(scan_layer(r, opening));
  r->place.srs = wb_city_crs_known(OGR_L_GetSpatialRef(r->layer));
  r->place.assumed = assumes_degrees(dataset);
  PetscCall(wb_city_crs_check(o, &r->place));
  PetscCall(wb_city_set_window(o, &r->place.data, WB_CITY_MODULE_M, r->city));
  PetscCall(wb_city_crs_measure(o, &r->place, r->city));
  if (r->part_field >= 0) PetscCall(for_features(r, false, fill_part));
  PetscCall(for_features(r, false, fill_whole));
  PetscCall(wb_city_heights_end(r));
  PetscCall(wb_city_parts_end(r));
  snprintf(r->city->source, sizeof r->city->source, "%.300s layer %.80s, heights from %.80s", o->file,
           OGR_L_GetName(r->layer), r->field < 0 ? "city_null_height" : r->name);
  wb_city_report_place(o, &r->place, r->city);
  report(r);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_city_import_vector(const WbCityOptions *options, void *dataset, WbGdalMessage *message,
                                     WbCity *city) {
  PetscFunctionBeginUser;
  WbVectorReader r;
  char opening[sizeof message->text] = "";
  if (message->n_failed > 0) snprintf(opening, sizeof opening, "%s", message->text);
  memset(&r, 0, sizeof r);
  r.options = options;
  r.city = city;
  r.message = message;
  PetscCall(wb_city_layer_find(options, dataset, &r.layer));
  const PetscErrorCode failed = import_layer(&r, dataset, opening);
  wb_city_shape_free(&r.room);
  wb_city_parts_free(&r);
  PetscFunctionReturn(failed);
}
