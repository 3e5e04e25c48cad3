/* windbridge data: pair files, LR to HR interpolation, normalisation, conditions, augmentation. Knows no solver.
 * The one place where x0, static inputs and normalised fields are made: training, forecast and baseline share it. */
#ifndef WINDBRIDGE_DATA_H
#define WINDBRIDGE_DATA_H
#include "windbridge/bridge.h" /* WB_CHANNELS only */
#include "windbridge/grid.h"
#include "windbridge/io.h"

#define WB_STATIC_CHANNELS 9 /* x0 (4), HR fluid, LR valid, wall distance / 40 m, height / 160 m, heat flux / 0.1 */

/* Scales: normalised = (value - reference) / scale. */
typedef struct {
  float scale[WB_CHANNELS]; /* theta [K], u, v, w [m s-1, or fraction of the wind speed] */
  bool scale_by_wind;
  double wind_speed_m_per_s, wind_direction_deg;
  double theta_surface_K, lapse_K_per_m, mixed_height_m; /* theta_ref(z) of the forcing */
} WbNormalisation;

/* theta_ref(z) of the forcing [K]: neutral to mixed_height, lapse above. */
double wb_normalisation_theta_ref(const WbNormalisation *norm, double z_m);

#define WB_NEAREST_RADIUS 6 /* LR cells, horizontally; also the halo width of wb_lr_to_hr */
/* x0 = fluid-aware trilinear interpolation (design section 10). lr_grid: coarse, nz levels of thickness dz = dx;
 * hr_grid: its conformal refinement (ratio r from the two grids); lr (nz_lr, nyl, nxl, 4) in: physical theta, u, v, w
 * at centres; lr_fluid (nz_lr, nyl, nxl) in; hr_out (nz_hr, nyl*r, nxl*r, 4) out. Needs nz_lr >= nz_hr / r + 1 (one
 * level above the layer). Values in solid LR cells never enter (NaN, -999999, anything); the other weights are
 * renormalised; below the first LR level u, v, theta are constant and w is linear to 0 at the ground; beyond a closed
 * edge of the domain there is no neighbour. HR cells without a fluid LR neighbour take the nearest fluid LR cell by
 * centre distance, searched WB_NEAREST_RADIUS cells around horizontally and over all levels (ties: lowest level; the
 * mean of several there); where that finds none, air at rest with theta in the middle of the level's fluid range (min
 * and max, so that the order of ranks does not matter; of the whole field for a level without fluid). The result does
 * not depend on the rank count, bit for bit. Collective on lr_grid->comm. Errors: WB_ERR_INPUT when the field has no
 * fluid cell at all or a fluid cell holds a value that is not finite; WB_ERR_CONFIG when the grids do not fit. */
PetscErrorCode wb_lr_to_hr(const WbGrid *lr_grid, const WbGrid *hr_grid, const float *lr, const uint8_t *lr_fluid,
                           float *hr_out);

/* In place on (nz, nyl, nxl, 4): to and from normalised units; building voxels become 0 (to) or NaN (from). z (nz). */
void wb_normalise(const WbNormalisation *norm, int nz, size_t plane, const double *z, const uint8_t *fluid,
                  float *field);
void wb_denormalise(const WbNormalisation *norm, int nz, size_t plane, const double *z, const uint8_t *fluid,
                    float *field);
/* Static inputs (nz, nyl, nxl, 9) from normalised x0 and the masks; zero in buildings. heat_flux (nyl, nxl). */
void wb_static_inputs(int nz, size_t plane, const double *z, const float *x0, const uint8_t *fluid,
                      const uint8_t *lr_valid, const float *wall_distance, const float *heat_flux, float *out);

/* ---- pair files ---- the contract between the writer (pair_write.c) and the reader (pair_read.c):
 * root attributes  text: city, split ("train" | "validation" | "test"), deck, source, history;
 *                  int: city_seed, ratio; real: wind_speed_m_per_s, wind_direction_deg, heat_flux_K_m_per_s,
 *                  theta_surface_K, lapse_K_per_m, mixed_height_m, x_min_m, y_min_m, dx_hr_m
 * group /lr        float (time, z, y, x): theta u v w at centres, NaN in solid; int8 fluid_mask (z, y, x); the forecast
 *                  window only, at least nz_hr / ratio + 1 levels
 * group /hr        float (time, z, y, x): theta u v w; int8 (z, y, x): fluid_mask, lr_valid_mask; float wall_distance
 *                  (z, y, x) [m] (wb_city_wall_distance, capped at 40 m), heat_flux (y, x) [K m s-1],
 *                  building_height (y, x) [m]; coordinates as wb_nc_def_grid makes them */
#define WB_WALL_DISTANCE_CAP_M 40.0
typedef struct {
  char path[1024], city[256], split[16];
  uint32_t city_seed;
  int n_time, ratio;
  double wind_speed_m_per_s, wind_direction_deg, heat_flux, theta_surface_K, lapse_K_per_m, mixed_height_m;
  double x_min_m, y_min_m, dx_hr_m;
  int nx_hr, ny_hr, nz_hr, nz_lr;
} WbPairInfo;

/* One pair held by this rank on hr_grid (its box; grid on MPI_COMM_SELF = the whole window). */
typedef struct {
  WbPairInfo info;
  WbGrid *lr_grid, *hr_grid;        /* owned */
  double *z;                        /* (nz_hr) */
  uint8_t *fluid, *lr_valid;        /* (nz, ny, nx) on the HR grid */
  uint8_t *lr_fluid;                /* (nz_lr, ...) on the LR grid */
  float *wall_distance, *heat_flux; /* (nz, ny, nx), (ny, nx) */
  int n_time;
  float **x0, **x1; /* [n_time] (nz, ny, nx, 4) physical units (theta, u, v, w); NaN-free: 0 in solid */
} WbPairRun;
/* Collective on comm. Reads all minutes of one file. Errors: WB_ERR_INPUT naming file and what is wrong. */
PetscErrorCode wb_pair_read(MPI_Comm comm, const char *path, WbPairRun **run);
void wb_pair_destroy(WbPairRun **run);
PetscErrorCode wb_pair_inspect(MPI_Comm comm, const char *path, WbPairInfo *info); /* header only, validated */
/* Collective on comm. All that wb_pair_read would refuse, minute by minute, without keeping the fields. */
PetscErrorCode wb_pair_check(MPI_Comm comm, const char *path);

/* Horizontal symmetry s in 0..7 (grid.h: wb_symmetry_*) of fields with nx == ny on one rank. Scalars and vectors (u, v
 * rotate too). in != out. */
void wb_augment_scalar_f(int s, int nz, int n, int channels, const float *in, float *out);
void wb_augment_state(int s, int nz, int n, const float *in, float *out); /* (nz, n, n, 4): theta, u, v, w */
void wb_augment_mask(int s, int nz, int n, const uint8_t *in, uint8_t *out);

/* ---- writing one pair file (pair_write.c) ---- everything borrowed; owned cells of each grid */
typedef struct {
  WbPairInfo info;                 /* city, split, seed, forcing, n_time, ratio; sizes are taken from the grids */
  const WbGrid *lr_grid, *hr_grid; /* the forecast window, decompositions of their own */
  const double *z_lr, *z_hr;       /* cell centres [m] */
  const uint8_t *lr_fluid, *hr_fluid, *hr_lr_valid;
  const float *lr_fluid_fraction;                           /* of a coarse run with geometry below its cells, or NULL */
  const float *wall_distance, *heat_flux, *building_height; /* (nz, nyl, nxl), (nyl, nxl), (nyl, nxl) on hr_grid */
  float *const *lr, *const *hr; /* [n_time] (nz, nyl, nxl, 4): theta [K], u, v, w [m s-1], NaN in solid */
  double t_begin_s, interval_s; /* minute m is the mean over (t_begin + m interval, t_begin + (m + 1) interval] */
  const char *start_time_iso, *crs_wkt, *deck_yaml, *source, *history;
} WbPairData;
/* Collective on comm. Written under a temporary name, renamed when whole; an existing file is replaced. Errors:
 * WB_ERR_IO. */
PetscErrorCode wb_pair_write(MPI_Comm comm, const char *path, const WbPairData *pair);
#endif
