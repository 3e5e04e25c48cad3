/* What the importers share: opening a file with GDAL and its messages. */
#include <cpl_error.h>
#include <cpl_string.h>
#include <gdal.h>
#include <string.h>
#include "city_internal.h"

static void CPL_STDCALL keep_message(CPLErr level, CPLErrorNum number, const char *text) {
  (void)number;
  WbGdalMessage *m = CPLGetErrorHandlerUserData();
  const bool failure = level >= CE_Failure;
  if (level < CE_Warning || (!failure && m->text[0]) || (failure && m->n_failed++ > 0)) return;
  snprintf(m->text, sizeof m->text, "%s", text);
  for (char *c = m->text; *c; c++) {
    if (*c == '\n' || *c == '\r') *c = ' '; /* messages are one line */
  }
}

void wb_gdal_catch_reset(WbGdalMessage *message) {
  memset(message, 0, sizeof *message);
  CPLErrorReset();
}
void wb_gdal_catch_begin(WbGdalMessage *message) {
  wb_gdal_catch_reset(message);
  CPLPushErrorHandlerEx(keep_message, message);
}
void wb_gdal_catch_end(void) {
  CPLPopErrorHandler();
  CPLErrorReset();
}

/* Formats whose drivers hand over every feature whole and leave nothing beside the file. GDAL's reader of GML keeps one
 * geometry of a building, believes a .gfs file of an earlier run, and writes one. */
static const char *const vectors[] = {"GeoJSON",     "GeoJSONSeq",     "TopoJSON",   "ESRIJSON",
                                      "GPKG",        "ESRI Shapefile", "FlatGeobuf", "SQLite",
                                      "OpenFileGDB", "MapInfo File",   NULL};
static const char *const arrays[] = {"netCDF", "HDF5", NULL};

static PetscErrorCode refuse_format(const WbCityOptions *o, const char *why) {
  PetscFunctionBeginUser;
  GDALDriverH other = GDALIdentifyDriverEx(o->file, GDAL_OF_VECTOR | GDAL_OF_RASTER, NULL, NULL);
  const char *name = other ? GDALGetDriverShortName(other) : NULL;
  bool known = !name;
  for (int i = 0; vectors[i] && !known; i++) known = strcmp(vectors[i], name) == 0;
  if (!known && GDALGetMetadataItem(other, GDAL_DCAP_RASTER, NULL) == NULL) {
    WB_RAISE(
        WB_ERR_INPUT,
        "%s: neither building footprints nor a height raster (GeoJSON, GeoPackage, Shapefile, GeoTIFF, netCDF), but "
        "%s; convert it to footprints with heights in metres: %s",
        o->file, name,
        strcmp(name, "GML") == 0 ? "a converter of CityGML that keeps building parts, not ogr2ogr"
                                 : "ogr2ogr -t_srs EPSG:... footprints.gpkg FILE");
  }
  WB_RAISE(WB_ERR_INPUT,
           "%s: neither building footprints nor a height raster (GeoJSON, GeoPackage, Shapefile, GeoTIFF, netCDF): %s",
           o->file, why[0] ? why : "GDAL does not know the format");
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
  *dataset = GDALOpenEx(o->file, flags | GDAL_OF_VECTOR, vectors, NULL, NULL);
  if (*dataset && GDALDatasetGetLayerCount(*dataset) > 0) {
    PetscCall(wb_city_import_vector(o, *dataset, message, city));
    PetscFunctionReturn(0);
  }
  char first[sizeof message->text];
  memcpy(first, message->text, sizeof first);
  if (*dataset) GDALClose(*dataset);
  *dataset = GDALOpenEx(o->file, GDAL_OF_READONLY | GDAL_OF_MULTIDIM_RASTER, arrays, NULL, NULL);
  if (*dataset) {
    PetscCall(wb_city_import_netcdf(o, *dataset, city));
    PetscFunctionReturn(0);
  }
  *dataset = GDALOpenEx(o->file, flags | GDAL_OF_RASTER, NULL, NULL, NULL);
  if (!*dataset) PetscCall(refuse_format(o, first));
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
