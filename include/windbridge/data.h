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
  double wind_speed_m_per_s;
  double theta_surface_K, lapse_K_per_m, mixed_height_m; /* theta_ref(z) of the forcing */
} WbNormalisation;

/* x0 = fluid-aware trilinear interpolation (design section 10). lr grid: nz_lr levels of thickness dz (= dx), conformal
 * coarse grid of hr (ratio r); lr (nz_lr, nyl, nxl, 4) physical theta, u, v, w at centres, lr_fluid (nz_lr, nyl, nxl);
 * hr_out (nz, nyl*r, nxl*r, 4). Needs nz_lr > nz / r (one level above the layer). Values in solid LR cells never enter;
 * below the first LR level u, v, theta constant, w linear to 0; HR cells without a fluid LR neighbour take the nearest
 * fluid LR value (searched over the halo, ties in a fixed order, then the level's reference). Collective. */
PetscErrorCode wb_lr_to_hr(const WbGrid *lr_grid, const WbGrid *hr_grid, const float *lr, const uint8_t *lr_fluid,
                           float *hr_out);

/* In place on (nz, nyl, nxl, 4): to and from normalised units; building voxels become 0 (to) or NaN (from). z (nz). */
void wb_normalise(const WbNormalisation *norm, int nz, size_t plane, const double *z, const uint8_t *fluid, float *field);
void wb_denormalise(const WbNormalisation *norm, int nz, size_t plane, const double *z, const uint8_t *fluid,
                    float *field);
/* Static inputs (nz, nyl, nxl, 9) from normalised x0 and the masks; zero in buildings. heat_flux (nyl, nxl). */
void wb_static_inputs(int nz, size_t plane, const double *z, const float *x0, const uint8_t *fluid,
                      const uint8_t *lr_valid, const float *wall_distance, const float *heat_flux, float *out);

/* ---- pair files: groups /lr and /hr, float32 (time, z, y, x): theta u v w, masks, heights, heat flux ---- */
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
  WbGrid *lr_grid, *hr_grid;      /* owned */
  double *z;                       /* (nz_hr) */
  uint8_t *fluid, *lr_valid;       /* (nz, ny, nx) on the HR grid */
  uint8_t *lr_fluid;               /* (nz_lr, ...) on the LR grid */
  float *wall_distance, *heat_flux; /* (nz, ny, nx), (ny, nx) */
  int n_time;
  float **x0, **x1;                /* [n_time] (nz, ny, nx, 4) physical units (theta, u, v, w); NaN-free: 0 in solid */
} WbPairRun;
/* Collective on comm. Reads all minutes of one file. Errors: WB_ERR_INPUT naming file and what is wrong. */
PetscErrorCode wb_pair_read(MPI_Comm comm, const char *path, WbPairRun **run);
void wb_pair_destroy(WbPairRun **run);
PetscErrorCode wb_pair_inspect(MPI_Comm comm, const char *path, WbPairInfo *info); /* header only, validated */

/* Horizontal symmetry s in 0..7 of the square (rotation by 90 degrees x (s & 3), then reflection x -> -x if s & 4);
 * requires nx == ny on one rank. Scalars and vectors (u, v rotate too). in != out. */
void wb_augment_scalar_f(int s, int nz, int n, int channels, const float *in, float *out);
void wb_augment_state(int s, int nz, int n, const float *in, float *out); /* (nz, n, n, 4): theta, u, v, w */
void wb_augment_mask(int s, int nz, int n, const uint8_t *in, uint8_t *out);
#endif
