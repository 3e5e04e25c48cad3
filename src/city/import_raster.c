/* Roof heights from a raster (GeoTIFF, netCDF): nearest sample at each 1 m cell; nodata, NaN and 0 are open ground. */
#include <cpl_error.h>
#include <gdal.h>
#include <math.h>
#include <string.h>
#include "city_internal.h"

typedef struct {
  int nx, ny;
  double place[6]; /* GDAL's geotransform: x = p0 + col p1 + row p2, y = p3 + col p4 + row p5 */
  float *height;   /* (ny, nx) in file order */
} Source;

static PetscErrorCode read_source(const WbCityOptions *o, GDALDatasetH dataset, Source *s) {
  PetscFunctionBeginUser;
  s->nx = GDALGetRasterXSize(dataset);
  s->ny = GDALGetRasterYSize(dataset);
  if (GDALGetGeoTransform(dataset, s->place) != CE_None || s->place[2] != 0 || s->place[4] != 0 ||
      !(fabs(s->place[1]) > 0) || !(fabs(s->place[5]) > 0)) {
    WB_RAISE(WB_ERR_INPUT,
             "%s: the raster has no place on the map (geotransform, or x and y of equal spacing), or is rotated",
             o->file);
  }
  if (GDALGetRasterCount(dataset) > 1) {
    WB_RAISE(WB_ERR_INPUT, "%s: %d bands; one band of roof heights is needed", o->file, GDALGetRasterCount(dataset));
  }
  const double cells = (double)s->nx * (double)s->ny;
  if (!(cells <= 4e8))
    WB_RAISE(WB_ERR_INPUT, "%s: %d x %d cells; allowed: up to 4e8; cut out the window first", o->file, s->nx, s->ny);
  GDALRasterBandH band = GDALGetRasterBand(dataset, 1);
  PetscCall(WB_ALLOC((size_t)s->nx * (size_t)s->ny, &s->height));
  if (GDALRasterIO(band, GF_Read, 0, 0, s->nx, s->ny, s->height, s->nx, s->ny, GDT_Float32, 0, 0) != CE_None) {
    WB_RAISE(WB_ERR_INPUT, "%s: cannot be read: %s", o->file, CPLGetLastErrorMsg());
  }
  int has_nodata = 0;
  const double nodata = GDALGetRasterNoDataValue(band, &has_nodata);
  for (int j = 0; j < s->ny; j++) {
    for (int i = 0; i < s->nx; i++) {
      float *h = s->height + (size_t)j * (size_t)s->nx + (size_t)i;
      if (isnan(*h) || (has_nodata && *h == (float)nodata)) *h = 0;
      if (!(*h >= 0 && (double)*h <= WB_CITY_HEIGHT_MAX)) {
        WB_RAISE(WB_ERR_INPUT, "%s: height %g at x %g, y %g; allowed: 0 to %g m above ground (0, NaN and nodata: open)",
                 o->file, (double)*h, s->place[0] + (i + 0.5) * s->place[1], s->place[3] + (j + 0.5) * s->place[5],
                 WB_CITY_HEIGHT_MAX);
      }
    }
  }
  PetscFunctionReturn(0);
}

static void sample(const Source *s, const WbRaster *r) {
  for (int j = 0; j < r->ny; j++) {
    const double row = floor((r->y0 + (j + 0.5) * r->cell - s->place[3]) / s->place[5]);
    if (!(row >= 0 && row < s->ny)) continue;
    for (int i = 0; i < r->nx; i++) {
      const double col = floor((r->x0 + (i + 0.5) * r->cell - s->place[0]) / s->place[1]);
      if (!(col >= 0 && col < s->nx)) continue;
      r->height[(size_t)j * (size_t)r->nx + (size_t)i] = s->height[(size_t)row * (size_t)s->nx + (size_t)col];
    }
  }
}

PetscErrorCode wb_city_import_raster(const WbCityOptions *options, void *dataset, WbCity *city) {
  PetscFunctionBeginUser;
  Source s;
  memset(&s, 0, sizeof s);
  PetscErrorCode failed = read_source(options, dataset, &s);
  const double xa = s.place[0], xb = xa + s.nx * s.place[1], ya = s.place[3], yb = ya + s.ny * s.place[5];
  const WbExtent data = {fmin(xa, xb), fmin(ya, yb), fmax(xa, xb), fmax(ya, yb)};
  if (!failed) failed = wb_city_set_crs(options, GDALGetSpatialRef(dataset), &data, city);
  if (!failed) failed = wb_city_set_window(options, &data, 1.0, city);
  if (!failed) {
    const WbRaster r = wb_city_raster(city);
    sample(&s, &r);
    snprintf(city->source, sizeof city->source, "%.400s, roof raster of %g m", options->file, fabs(s.place[1]));
    wb_log("city: roof raster, %d x %d cells of %g m", s.nx, s.ny, fabs(s.place[1]));
  }
  WB_FREE(&s.height);
  PetscFunctionReturn(failed);
}
