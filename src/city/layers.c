/* Which layer of a file holds the buildings. */
#include <gdal.h>
#include <string.h>
#include "vector.h"

static bool may_hold_polygons(OGRwkbGeometryType type) {
  const OGRwkbGeometryType flat = OGR_GT_Flatten(type);
  return flat == wkbPolygon || flat == wkbMultiPolygon || flat == wkbCurvePolygon || flat == wkbMultiSurface ||
         flat == wkbPolyhedralSurface || flat == wkbTIN || flat == wkbTriangle || flat == wkbGeometryCollection ||
         flat == wkbUnknown;
}

/* Its declared type may say anything; what counts is a feature with an area, or one that cannot be read. */
static bool holds_polygons(OGRLayerH layer) {
  if (!may_hold_polygons(OGR_L_GetGeomType(layer))) return false;
  bool found = false;
  OGRFeatureH feature;
  OGR_L_ResetReading(layer);
  while (!found && (feature = OGR_L_GetNextFeature(layer))) {
    OGRGeometryH g = OGR_F_GetGeometryRef(feature);
    found = !g || OGR_G_GetDimension(g) >= 2;
    OGR_F_Destroy(feature);
  }
  OGR_L_ResetReading(layer);
  return found;
}

PetscErrorCode wb_city_layer_find(const WbCityOptions *o, GDALDatasetH dataset, OGRLayerH *layer) {
  PetscFunctionBeginUser;
  char names[512] = "", tall_names[512] = "";
  OGRLayerH polygons = NULL, tall = NULL, called = NULL;
  int n_polygons = 0, n_tall = 0;
  const int n = GDALDatasetGetLayerCount(dataset);
  for (int i = 0; i < n; i++) {
    OGRLayerH l = GDALDatasetGetLayer(dataset, i);
    const char *name = OGR_L_GetName(l);
    snprintf(names + strlen(names), sizeof names - strlen(names), " %s", name);
    if (o->layer && strcmp(name, o->layer) == 0) called = l;
    if (o->layer || !holds_polygons(l)) continue;
    polygons = l;
    n_polygons++;
    if (wb_city_height_field(o, OGR_L_GetLayerDefn(l)) < 0) continue;
    tall = l;
    n_tall++;
    snprintf(tall_names + strlen(tall_names), sizeof tall_names - strlen(tall_names), " %s", name);
  }
  if (o->layer && !called)
    WB_RAISE(WB_ERR_INPUT, "%s: no layer %s; it has:%s; set city_layer", o->file, o->layer, names);
  *layer = called ? called : n_tall == 1 ? tall : n_polygons == 1 ? polygons : NULL;
  if (n_polygons > 1 && n_tall == 0 && !called)
    WB_RAISE(WB_ERR_INPUT,
             "%s: no height field in any of its layers:%s; set city_layer, and city_height_field or city_null_height",
             o->file, names);
  if (n_tall > 1)
    WB_RAISE(WB_ERR_INPUT, "%s: which layer holds the buildings? These have heights:%s; set city_layer to one of them",
             o->file, tall_names);
  if (!*layer || !may_hold_polygons(OGR_L_GetGeomType(*layer))) {
    OGRLayerH first = *layer ? *layer : GDALDatasetGetLayer(dataset, 0);
    WB_RAISE(WB_ERR_INPUT, "%s: no layer of polygons (building footprints); it has:%s (%s)", o->file, names,
             OGRGeometryTypeToName(OGR_L_GetGeomType(first)));
  }
  if (n > 1)
    wb_log("city: layer %s of%s%s", OGR_L_GetName(*layer), names, called ? "" : " (the only one with heights)");
  PetscFunctionReturn(0);
}
