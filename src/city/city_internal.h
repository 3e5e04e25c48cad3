/* City module, shared inside src/city only: rasters, polygon filling, importers, the synthetic generator. */
#ifndef WB_CITY_INTERNAL_H
#define WB_CITY_INTERNAL_H
#include "windbridge/city.h"

#define WB_CITY_MODULE_M 20.0      /* window sizes are multiples of this */
#define WB_CITY_HEIGHT_MAX 1000.0  /* [m] anything taller is a unit error */
#define WB_CITY_EXTENT_MAX 40000.0 /* [m] largest raster side */

/* A view on a height raster; cell (j, i) has its centre at x0 + (i + 1/2) cell, y0 + (j + 1/2) cell. */
typedef struct {
  float *height; /* (ny, nx) [m] */
  int nx, ny;
  double x0, y0, cell;
} WbRaster;

/* A polygon: ring r has vertices start[r] .. start[r + 1] - 1, closed implicitly; holes by the even-odd rule. */
typedef struct {
  const double *x, *y;
  const int *start;
  int n_rings;
} WbRings;

/* Kernel. Raise every raster cell whose centre lies inside the rings to at least h [m]. crossings: scratch for as many
 * doubles as there are vertices. Returns the number of cells inside. */
long wb_city_fill(const WbRaster *raster, const WbRings *rings, float h, double *crossings);

/* GDAL messages are kept here instead of going to stderr. */
typedef struct {
  char text[1024]; /* the first failure, else the first warning; "" if none */
  bool failed;
} WbGdalMessage;
void wb_gdal_catch_begin(WbGdalMessage *message);
void wb_gdal_catch_end(void);

/* Extent of data and of windows, x_min y_min x_max y_max [m]. */
typedef struct {
  double x0, y0, x1, y1;
} WbExtent;

/* Local (rank 0). Set window and raster size in `city` from the options and the data's extent, check them (multiples
 * of 20 m, inside the data up to `slack_m`) and allocate the raster (zero). Errors: WB_ERR_INPUT, WB_ERR_CONFIG. */
PetscErrorCode wb_city_set_window(const WbCityOptions *options, const WbExtent *data, double slack_m, WbCity *city);
/* Local (rank 0). Check a coordinate reference system (GDAL's OGRSpatialReferenceH or NULL) and note it in `city`:
 * projected in metres or unknown (with a warning) passes. */
PetscErrorCode wb_city_set_crs(const WbCityOptions *options, void *srs, const WbExtent *data, WbCity *city);
PetscErrorCode wb_city_import(const WbCityOptions *options, WbCity *city); /* local: by GDAL */
PetscErrorCode wb_city_import_vector(const WbCityOptions *options, void *dataset, WbCity *city);
PetscErrorCode wb_city_import_raster(const WbCityOptions *options, void *dataset, WbCity *city);
PetscErrorCode wb_city_synthesise(const WbCityOptions *options, WbCity *city); /* local: no libm, no I/O */
WbRaster wb_city_raster(const WbCity *city);

/* Kernel. Solid level count of each cell column: columns (ny, nx) out, for the box as in wb_city_voxelise. The solid
 * fraction never grows with height, so a column is solid from the ground up to its count.
 * scratch: 2 * nx * (nz + 1) doubles. */
void wb_city_columns(const WbCity *city, const double box[3], int nx, int ny, int nz, const double *zf, double *scratch,
                     int *columns);
/* Local. Number of fluid cells (solid == 0) of (nz, ny, nx) that no face-connected path joins to the top level. */
PetscErrorCode wb_city_count_pockets(const uint8_t *solid, int nx, int ny, int nz, long *n_pocket);
#endif
