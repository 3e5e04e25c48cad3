/* windbridge city: building import and synthesis, voxelisation, masks, statistics. Knows nothing of flow.
 * A city is a roof-height raster (1 m by default) replicated on every rank, flat ground at z = 0, x east, y north. */
#ifndef WINDBRIDGE_CITY_H
#define WINDBRIDGE_CITY_H
#include "windbridge/grid.h"

typedef struct {
  const char *file;         /* NULL: generate */
  const char *layer;        /* vector layer, raster variable or band; NULL: the only one with heights */
  const char *height_field; /* vector attribute; NULL: try height_m, measuredHeight, height, ... and say which */
  const char *generate;     /* "tokyo_like" or "flat" when file is NULL */
  uint32_t seed;
  const char *null_height;                     /* "refuse", "drop" or a number [m] as text; NULL: refuse */
  const char *broken;                          /* features that cannot be read: "refuse" or "drop"; NULL: refuse */
  const char *overhang;                        /* parts above open air: "refuse", "drop", "ground"; NULL: refuse */
  bool open_outside;                           /* the window may reach beyond the data: open ground there */
  bool window_given;                           /* else: all of the file / size only */
  double x_min_m, y_min_m, size_x_m, size_y_m; /* forecast window; sizes multiples of 20 m */
  double margin_m;                             /* raster reaches this far beyond the window on each side */
} WbCityOptions;

typedef struct {
  double x_min_m, y_min_m; /* south-west corner of the RASTER (window minus margin) */
  double win_x_min_m, win_y_min_m, win_size_x_m, win_size_y_m, margin_m;
  double cell_m; /* raster spacing: 1 m */
  int nx, ny;
  float *height;      /* (ny, nx) [m], 0 = open ground */
  char crs_wkt[4096]; /* "" when unknown */
  int epsg;           /* 0 when unknown */
  char source[512];   /* provenance, for file attributes */
  /* at the middle of the window, by the reference system; NaN when it is unknown: azimuth of grid north, clockwise from
   * true north [deg], and the extreme ratios of lengths in the file and on the ground */
  double convergence_deg, scale_min, scale_max;
  int n_buildings; /* features that touch the window */
  int n_repaired;  /* outlines that cross or overlap themselves */
  int n_null, n_dropped;
  int n_broken, n_flat, n_overhang; /* left out: unreadable, without area; parts above open air */
} WbCity;

/* Collective: rank 0 reads or all ranks generate; result replicated. Errors: WB_ERR_INPUT (message names file, key,
 * what was found, what is allowed), WB_ERR_CONFIG. Caller destroys. */
PetscErrorCode wb_city_create(MPI_Comm comm, const WbCityOptions *options, WbCity **city);
void wb_city_destroy(WbCity **city);

/* Not collective. solid (nz, ny, nx) out: 1 where buildings fill at least half of the cell volume (area x height), for
 * the box with south-west corner (x_min, y_min) [m], spacing dx, z faces zf (nz + 1). Outside the raster: open. */
PetscErrorCode wb_city_voxelise(const WbCity *city, double x_min_m, double y_min_m, double dx_m, int nx, int ny, int nz,
                                const double *zf, uint8_t *solid);
/* Not collective. mean roof height of each dx cell (ny, nx) [m]. */
PetscErrorCode wb_city_cell_height(const WbCity *city, double x_min_m, double y_min_m, double dx_m, int nx, int ny,
                                   float *height);
/* Not collective. Distance [m] from each cell centre to the nearest solid cell face (ground included), capped at cap_m,
 * for owned cells of a uniform-dx voxel box; looks ceil(cap/dx) cells around by voxelising a larger box. 0 in solid. */
PetscErrorCode wb_city_wall_distance(const WbCity *city, double x_min_m, double y_min_m, double dx_m, int nx, int ny,
                                     int nz, double cap_m, float *distance);

/* The same for the owned cells of a grid that knows its place. Not collective. zf (nz + 1); solid, air (nz, nyl, nxl):
 * 1 where it is; height (nyl, nxl). */
PetscErrorCode wb_city_solid_cells(const WbCity *city, const WbGrid *grid, const double *zf, uint8_t *solid);
PetscErrorCode wb_city_air_cells(const WbCity *city, const WbGrid *grid, const double *zf, uint8_t *air);
PetscErrorCode wb_city_cell_heights(const WbCity *city, const WbGrid *grid, float *height);
PetscErrorCode wb_city_wall_distances(const WbCity *city, const WbGrid *grid, double cap_m, float *distance);
/* air (nz, nyl, nxl) out: 1 where the coarse cell of coarse_m that covers the centre of the grid's cell is air; z (nz)
 * heights of centres; above the coarse cells that end at top_m the uppermost counts. */
PetscErrorCode wb_city_coarse_air(const WbCity *city, const WbGrid *grid, const double *z, double coarse_m,
                                  double top_m, uint8_t *air);

typedef struct {
  double lambda_p;                                  /* plan area fraction */
  double lambda_f[4];                               /* frontal area index, wind from N, E, S, W */
  double height_mean_m, height_std_m, height_max_m; /* footprint weighted */
  double histogram[12];                             /* fraction of built area in bins of 20 m, last open */
  long n_fluid_hr, n_blocked; /* fluid 5 m cells in the SR layer; those solid at 20 m (the inpainting load) */
  int n_buildings;
  long n_pocket_cells; /* fluid 5 m cells cut off from the sky */
} WbCityStats;
PetscErrorCode wb_city_stats(const WbCity *city, double dx_lr_m, double dx_hr_m, double sr_top_m, WbCityStats *stats);
/* Not collective. The statistics as lines of text for people; truncated to size (2000 is plenty). */
void wb_city_report(const WbCityStats *stats, char *text, size_t size);
#endif
