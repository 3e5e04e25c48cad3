/* What the importers share: opening a file with GDAL, its messages, and coordinate systems. */
#include <cpl_error.h>
#include <cpl_string.h>
#include <gdal.h>
#include <math.h>
#include <ogr_srs_api.h>
#include <string.h>
#include "city_internal.h"

static void CPL_STDCALL keep_message(CPLErr level, CPLErrorNum number, const char *text) {
  (void)number;
  WbGdalMessage *m = CPLGetErrorHandlerUserData();
  const bool failure = level >= CE_Failure;
  if (level < CE_Warning || (m->failed && failure) || (!failure && m->text[0])) return;
  snprintf(m->text, sizeof m->text, "%s", text);
  for (char *c = m->text; *c; c++) {
    if (*c == '\n' || *c == '\r') *c = ' '; /* messages are one line */
  }
  m->failed = m->failed || failure;
}

void wb_gdal_catch_begin(WbGdalMessage *message) {
  memset(message, 0, sizeof *message);
  CPLErrorReset();
  CPLPushErrorHandlerEx(keep_message, message);
}
void wb_gdal_catch_end(void) {
  CPLPopErrorHandler();
  CPLErrorReset();
}

PetscErrorCode wb_city_set_crs(const WbCityOptions *o, void *srs, const WbExtent *data, WbCity *city) {
  PetscFunctionBeginUser;
  const bool like_degrees = data->x0 >= -360 && data->x1 <= 360 && data->y0 >= -90 && data->y1 <= 90;
  if (srs && OSRIsGeographic(srs) && like_degrees) {
    WB_RAISE(
        WB_ERR_INPUT,
        "%s: coordinates are degrees (x %g to %g, y %g to %g); a projected system in metres is needed, for example: "
        "ogr2ogr -t_srs EPSG:6677 projected.gpkg FILE (rasters: gdalwarp -t_srs EPSG:6677)",
        o->file, data->x0, data->x1, data->y0, data->y1);
  }
  if (!srs || OSRIsGeographic(srs)) { /* GeoJSON without crs claims degrees whatever its numbers */
    wb_log_warn("%s: no coordinate reference system; taking x as metres east, y as metres north", o->file);
    PetscFunctionReturn(0);
  }
  char *unit = NULL;
  const double metres = OSRGetLinearUnits(srs, &unit);
  if (fabs(metres - 1) > 1e-9) {
    WB_RAISE(WB_ERR_INPUT,
             "%s: coordinates are in %s (%g m); metres are needed: reproject, for example with ogr2ogr -t_srs", o->file,
             unit ? unit : "an unknown unit", metres);
  }
  char *wkt = NULL;
  const char *const wkt2[] = {"FORMAT=WKT2_2018", "MULTILINE=NO", NULL};
  if (OSRExportToWktEx(srs, &wkt, wkt2) == OGRERR_NONE && wkt && strlen(wkt) < sizeof city->crs_wkt) {
    snprintf(city->crs_wkt, sizeof city->crs_wkt, "%s", wkt);
  }
  CPLFree(wkt);
  const char *name = OSRGetAuthorityName(srs, NULL), *code = OSRGetAuthorityCode(srs, NULL);
  if (name && code && strcmp(name, "EPSG") == 0) city->epsg = (int)strtol(code, NULL, 10);
  PetscFunctionReturn(0);
}

/* A raster container with several variables: open the one asked for, or the first with a telling name. */
static PetscErrorCode open_variable(const WbCityOptions *o, GDALDatasetH *dataset) {
  PetscFunctionBeginUser;
  char **list = GDALGetMetadata(*dataset, "SUBDATASETS");
  const int n = CSLCount(list) / 2;
  if (n == 0) PetscFunctionReturn(0);
  static const char *const known[] = {"building_height", "buildings_2d", "height", "roof_height", NULL};
  const char *found = NULL;
  char names[512] = "";
  for (int pass = -1; known[pass + 1] && !found; pass++) {
    const char *want = pass < 0 ? o->layer : known[pass];
    for (int i = 1; i <= n; i++) {
      char key[64];
      snprintf(key, sizeof key, "SUBDATASET_%d_NAME", i);
      const char *name = CSLFetchNameValue(list, key), *variable = name ? strrchr(name, ':') : NULL;
      if (!variable) continue;
      if (want && strcmp(variable + 1, want) == 0) found = name;
      if (pass < 0) snprintf(names + strlen(names), sizeof names - strlen(names), " %s", variable + 1);
    }
    if (o->layer) break;
  }
  if (!found) {
    WB_RAISE(WB_ERR_INPUT, "%s: %s%s; it has:%s; set city_layer", o->file,
             o->layer ? "no variable " : "which variable is the height?", o->layer ? o->layer : "", names);
  }
  GDALDatasetH inner = GDALOpenEx(found, GDAL_OF_RASTER | GDAL_OF_READONLY, NULL, NULL, NULL);
  if (!inner) WB_RAISE(WB_ERR_INPUT, "%s: %s cannot be opened: %s", o->file, found, CPLGetLastErrorMsg());
  GDALClose(*dataset);
  *dataset = inner;
  PetscFunctionReturn(0);
}

static PetscErrorCode import_quietly(const WbCityOptions *o, WbGdalMessage *message, WbCity *city,
                                     GDALDatasetH *dataset) {
  PetscFunctionBeginUser;
  VSIStatBufL stat;
  if (VSIStatL(o->file, &stat) != 0)
    WB_RAISE(WB_ERR_INPUT, "city_file: '%s' does not exist or cannot be read", o->file);
  const unsigned flags = GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR;
  *dataset = GDALOpenEx(o->file, flags | GDAL_OF_VECTOR, NULL, NULL, NULL);
  if (*dataset && GDALDatasetGetLayerCount(*dataset) > 0) {
    PetscCall(wb_city_import_vector(o, *dataset, city));
    PetscFunctionReturn(0);
  }
  char first[sizeof message->text];
  memcpy(first, message->text, sizeof first);
  if (*dataset) GDALClose(*dataset);
  *dataset = GDALOpenEx(o->file, flags | GDAL_OF_RASTER, NULL, NULL, NULL);
  if (!*dataset) {
    WB_RAISE(
        WB_ERR_INPUT,
        "%s: neither building footprints nor a height raster (GeoJSON, GeoPackage, Shapefile, GeoTIFF, netCDF): %s",
        o->file, first[0] ? first : "GDAL does not know the format");
  }
  PetscCall(open_variable(o, dataset));
  if (GDALGetRasterCount(*dataset) < 1)
    WB_RAISE(WB_ERR_INPUT, "%s: no polygon layer and no height raster in it", o->file);
  PetscCall(wb_city_import_raster(o, *dataset, city));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_city_import(const WbCityOptions *options, WbCity *city) {
  PetscFunctionBeginUser;
  WbGdalMessage message;
  GDALDatasetH dataset = NULL;
  GDALAllRegister();
  wb_gdal_catch_begin(&message);
  const PetscErrorCode failed = import_quietly(options, &message, city, &dataset);
  if (dataset) GDALClose(dataset);
  wb_gdal_catch_end();
  PetscFunctionReturn(failed);
}
