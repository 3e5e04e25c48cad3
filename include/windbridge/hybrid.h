/* windbridge hybrid: LES and bridge coupled in time, ensembles (the forecast), precursor + LR + HR orchestration. */
#ifndef WINDBRIDGE_HYBRID_H
#define WINDBRIDGE_HYBRID_H
#include "windbridge/bridge.h"
#include "windbridge/city.h"
#include "windbridge/data.h"
#include "windbridge/les.h"
#include "windbridge/net.h"

/* ---- super-resolution of one minute: the shot ---- */
typedef struct {
  const char *model_path;
  int members, steps;          /* steps 0: the model file's default (10) */
  double dx_m, top_m;          /* 5, 160 */
  WbNoiseChoice noise;
  const char *schedule;        /* NULL: the model's own */
  WbBackend backend;
  uint32_t seed;
} WbSrOptions;
typedef struct WbSr_s *WbSr;
/* Collective. lr_grid: the forecast window at 20 m with its own decomposition (nz = levels handed over, > top/dx_lr).
 * Builds the conformal HR grid, masks, wall distance, heat flux channel from the city; loads the model. */
PetscErrorCode wb_sr_create(const WbGrid *lr_grid, const WbCity *city, double dx_lr_m, const uint8_t *lr_fluid,
                            const WbNormalisation *forcing, double heat_flux, const WbSrOptions *options, WbSr *sr);
void wb_sr_destroy(WbSr *sr);
const WbGrid *wb_sr_grid(WbSr sr);
const uint8_t *wb_sr_fluid(WbSr sr);
const uint8_t *wb_sr_lr_valid(WbSr sr);
const double *wb_sr_z(WbSr sr);
/* One minute: lr (nz_lr, nyl, nxl, 4) physical -> conditions once; then members one by one. Collective. */
PetscErrorCode wb_sr_condition(WbSr sr, const float *lr);
PetscErrorCode wb_sr_member(WbSr sr, int minute, int member, float *out); /* (nz, nyl, nxl, 4) physical, NaN in solid */
const float *wb_sr_x0(WbSr sr);                                            /* baseline: physical interpolation */
double wb_sr_seconds_per_shot(WbSr sr);
long wb_sr_evaluations(WbSr sr);

/* ---- simulations around a city: precursor, LR run, HR run ---- */
typedef struct {
  double dx_m, dx_hr_m, top_m, margin_m;
  double spinup_s, duration_s, output_interval_s, plane_interval_s;
  double hr_uniform_top_m, hr_stretch, hr_dz_max_m, hr_drop_s;
  WbLesOptions les;
} WbSimOptions;
#endif
