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

/* A polygon: ring r has vertices start[r] .. start[r + 1] - 1, closed implicitly; ring 0 is the outline, the others are
 * holes. */
typedef struct {
  const double *x, *y;
  const int *start;
  int n_rings;
} WbRings;

/* An edge of a ring from its lower to its upper end. */
typedef struct {
  double x0, y0, x1, y1;
  double x;        /* where it crosses the row at hand */
  int outer, hole; /* what it adds to the winding numbers of the outline and of the holes */
} WbEdge;

/* Scratch for wb_city_fill: as many edges and pointers as there are vertices. */
typedef struct {
  WbEdge *edge, **active;
  int signs;   /* of the outline's winding number met so far: bit 0 positive, bit 1 negative */
  bool folded; /* out: the outline crosses or overlaps itself */
} WbFillWork;

/* Kernel. Raise every raster cell whose centre lies inside the rings to at least h [m]: where the winding number of the
 * outline is not 0 and that of the holes is. Returns the number of cells inside. */
long wb_city_fill(const WbRaster *raster, const WbRings *rings, float h, WbFillWork *work);

/* GDAL messages are kept here instead of going to stderr. */
typedef struct {
  char text[1024]; /* the first failure, else the first warning; "" if none */
  int n_failed;    /* failures since the last reset */
} WbGdalMessage;
void wb_gdal_catch_begin(WbGdalMessage *message);
void wb_gdal_catch_end(void);
void wb_gdal_catch_reset(WbGdalMessage *message);

/* Extent of data and of windows, x_min y_min x_max y_max [m]. */
typedef struct {
  double x0, y0, x1, y1;
} WbExtent;

typedef struct {
  char s[128];
} WbExtentText;
WbExtentText wb_city_extent_text(const WbExtent *e); /* "x 389120.0 to 389280.0, y 5819620.0 to 5819740.0" */

/* Length of the unit called `text` in metres: names, symbols and URNs of metre, foot, ...; "" is the metre; 0 when it
 * is no unit of length that is known. */
double wb_city_unit_m(const char *text);

/* Local (rank 0). Set window and raster size in `city` from the options and the data's extent, check them (multiples
 * of 20 m, inside the data up to `slack_m`) and allocate the raster (zero). Errors: WB_ERR_INPUT, WB_ERR_CONFIG. */
PetscErrorCode wb_city_set_window(const WbCityOptions *options, const WbExtent *data, double slack_m, WbCity *city);

/* What the importers know of their coordinates. */
typedef struct {
  void *srs;      /* OGRSpatialReferenceH or NULL, borrowed */
  bool assumed;   /* the format fills in degrees where the file says nothing (GeoJSON) */
  WbExtent data;  /* of everything in the file */
  double largest; /* side of the largest feature or of a pixel, in units of the file */
} WbPlace;

/* The same system, or NULL when it only says that it is undefined. */
void *wb_city_crs_known(void *srs);
/* Local (rank 0). Is it a system of metres at all? Projected, unknown and local ones pass. Before wb_city_set_window.
 * Errors: WB_ERR_INPUT with a way out. */
PetscErrorCode wb_city_crs_check(const WbCityOptions *options, const WbPlace *place);
/* Local (rank 0). What the system does at the window: axes to the east and north, lengths true within 2 %; notes map
 * scale, meridian convergence, WKT and EPSG code in `city`. After wb_city_set_window. */
PetscErrorCode wb_city_crs_measure(const WbCityOptions *options, const WbPlace *place, WbCity *city);
/* Local (rank 0). Says where the window lies in the data and what its system does; warns of one that is unknown, of a
 * convergence above 1 degree and of lengths more than 0.2 % wrong. */
void wb_city_report_place(const WbCityOptions *options, const WbPlace *place, const WbCity *city);
void wb_city_report_window(const WbCityOptions *options, const WbExtent *data, const WbCity *city);

PetscErrorCode wb_city_import(const WbCityOptions *options, WbCity *city); /* local: by GDAL */
/* The same of an open file; `message` catches what GDAL says and holds its failures of opening. */
PetscErrorCode wb_city_import_vector(const WbCityOptions *options, void *dataset, WbGdalMessage *message, WbCity *city);
PetscErrorCode wb_city_import_raster(const WbCityOptions *options, void *dataset, WbCity *city);
PetscErrorCode wb_city_import_netcdf(const WbCityOptions *options, void *dataset, WbCity *city); /* multidimensional */

/* A raster in memory on its way into a city. x = place[0] + col place[1], y = place[3] + row place[5]. */
typedef struct {
  const char *name; /* of the variable; "" */
  int nx, ny;
  double place[6];
  float *height; /* (ny, nx) in file order: first as in the file, NaN where missing; owned */
  double scale, offset;
  const char *unit; /* of scale * value + offset; NULL or "": metres */
  void *srs;
} WbRoofRaster;
/* Local (rank 0). Units, range and open ground checked, then the city's raster sampled from it. */
PetscErrorCode wb_city_take_raster(const WbCityOptions *options, WbRoofRaster *roof, WbCity *city);

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
