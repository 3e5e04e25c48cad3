/* Roof heights from a raster of one band (GeoTIFF and its like): band, mask, packing and unit as the file says. */
#include <cpl_error.h>
#include <gdal.h>
#include <math.h>
#include <string.h>
#include "city_internal.h"

static PetscErrorCode read_place(const WbCityOptions *o, GDALDatasetH dataset, WbRoofRaster *s) {
  PetscFunctionBeginUser;
  double *p = s->place;
  s->nx = GDALGetRasterXSize(dataset);
  s->ny = GDALGetRasterYSize(dataset);
  if (GDALGetGeoTransform(dataset, p) != CE_None || !isfinite(p[0] + p[1] + p[2] + p[3] + p[4] + p[5]))
    WB_RAISE(WB_ERR_INPUT, "%s: the raster has no place on the map (geotransform); give it one: gdal_translate -a_ullr",
             o->file);
  if (p[2] != 0 || p[4] != 0 || !(fabs(p[1]) > 0) || !(fabs(p[5]) > 0)) {
    WB_RAISE(
        WB_ERR_INPUT,
        "%s: the raster is rotated by %.3f deg (geotransform %.9g %.9g %.9g %.9g); allowed: rows to the east, columns "
        "to the north or south; resample it: gdalwarp",
        o->file, atan2(p[4], p[1]) * 180 / PETSC_PI, p[1], p[2], p[4], p[5]);
  }
  if (!((double)s->nx * (double)s->ny <= 4e8))
    WB_RAISE(WB_ERR_INPUT, "%s: %d x %d cells; allowed: up to 4e8; cut out the window first", o->file, s->nx, s->ny);
  PetscFunctionReturn(0);
}

/* The band called city_layer (number or description), or the only one that is no mask. */
static PetscErrorCode find_band(const WbCityOptions *o, GDALDatasetH dataset, GDALRasterBandH *band) {
  PetscFunctionBeginUser;
  const int n = GDALGetRasterCount(dataset);
  char names[512] = "";
  int n_heights = 0;
  *band = NULL;
  GDALRasterBandH only = NULL;
  for (int b = 1; b <= n; b++) {
    GDALRasterBandH one = GDALGetRasterBand(dataset, b);
    char number[16];
    snprintf(number, sizeof number, "%d", b);
    const char *name = GDALGetDescription(one);
    if (o->layer && (strcmp(o->layer, number) == 0 || (name[0] && strcmp(o->layer, name) == 0))) *band = one;
    if (GDALGetRasterColorInterpretation(one) == GCI_AlphaBand) continue;
    only = one;
    n_heights++;
    snprintf(names + strlen(names), sizeof names - strlen(names), " %d%s%s", b, name[0] ? " " : "", name);
  }
  const char *inner = strrchr(GDALGetDescription(dataset), ':'); /* of a container: the variable was chosen before */
  if (!*band && n_heights == 1 && (!o->layer || (inner && strcmp(inner + 1, o->layer) == 0))) *band = only;
  if (!*band) {
    WB_RAISE(WB_ERR_INPUT, "%s: %s%s; it has bands:%s; set city_layer to one of them", o->file,
             o->layer ? "no band " : "which band holds the roof heights?", o->layer ? o->layer : "", names);
  }
  if (GDALGetRasterColorTable(*band) || GDALGetRasterColorInterpretation(*band) == GCI_RedBand)
    WB_RAISE(WB_ERR_INPUT, "%s: a picture (colours), no raster of roof heights in metres", o->file);
  PetscFunctionReturn(0);
}

static PetscErrorCode read_band(const WbCityOptions *o, GDALRasterBandH band, WbRoofRaster *s) {
  PetscFunctionBeginUser;
  const size_t n = (size_t)s->nx * (size_t)s->ny;
  if (GDALDataTypeIsComplex(GDALGetRasterDataType(band)))
    WB_RAISE(WB_ERR_INPUT, "%s: complex numbers, no roof heights in metres", o->file);
  PetscCall(WB_ALLOC(n, &s->height));
  if (GDALRasterIO(band, GF_Read, 0, 0, s->nx, s->ny, s->height, s->nx, s->ny, GDT_Float32, 0, 0) != CE_None)
    WB_RAISE(WB_ERR_INPUT, "%s: cannot be read: %s", o->file, CPLGetLastErrorMsg());
  int has = 0;
  const double scale = GDALGetRasterScale(band, &has);
  s->scale = has ? scale : 1;
  const double offset = GDALGetRasterOffset(band, &has);
  s->offset = has ? offset : 0;
  s->unit = GDALGetRasterUnitType(band);
  if (GDALGetMaskFlags(band) & GMF_ALL_VALID) PetscFunctionReturn(0);
  uint8_t *mask = NULL; /* nodata, a mask inside the file or beside it, alpha */
  PetscCall(WB_ALLOC(n, &mask));
  const CPLErr failed =
      GDALRasterIO(GDALGetMaskBand(band), GF_Read, 0, 0, s->nx, s->ny, mask, s->nx, s->ny, GDT_Byte, 0, 0);
  for (size_t i = 0; i < n && failed == CE_None; i++) {
    if (!mask[i]) s->height[i] = NAN;
  }
  WB_FREE(&mask);
  if (failed != CE_None) WB_RAISE(WB_ERR_INPUT, "%s: its mask cannot be read: %s", o->file, CPLGetLastErrorMsg());
  PetscFunctionReturn(0);
}

static PetscErrorCode import(const WbCityOptions *o, GDALDatasetH dataset, WbRoofRaster *s, WbCity *city) {
  PetscFunctionBeginUser;
  GDALRasterBandH band = NULL;
  PetscCall(read_place(o, dataset, s));
  PetscCall(find_band(o, dataset, &band));
  PetscCall(read_band(o, band, s));
  s->srs = GDALGetSpatialRef(dataset);
  s->name = GDALGetDescription(band);
  PetscCall(wb_city_take_raster(o, s, city));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_city_import_raster(const WbCityOptions *options, void *dataset, WbCity *city) {
  PetscFunctionBeginUser;
  WbRoofRaster s;
  memset(&s, 0, sizeof s);
  const PetscErrorCode failed = import(options, dataset, &s, city);
  WB_FREE(&s.height);
  PetscFunctionReturn(failed);
}
