/* Super-resolution of minutes into hr.nc: what forecast and sr share. */
#ifndef WB_APP_SHOT_H
#define WB_APP_SHOT_H
#include "results.h"

typedef struct {
  WbApp *app;
  WbSr sr;
  WbGrid *grid;    /* the window at 20 m, the levels that the network sees */
  WbResult result; /* hr.nc */
  float *member;   /* (nz, nyl, nxl, 4) of one member */
  double *zf;
  int members;
  bool append; /* hr.nc may hold some of it already */
} WbShot;

/* Collective. lr_window: the window at 20 m (its decomposition is used); lr_fluid (nz, nyl, nxl) its air cells, at
 * least one level more than the layer. times: stamps of hr.nc (borrowed), or NULL: the run's own. */
PetscErrorCode wb_shot_create(WbApp *app, const WbGrid *lr_window, const uint8_t *lr_fluid, const WbCity *city,
                              const WbSimOptions *sim, int n_time, const WbTimes *times, bool append, WbShot *shot);
/* Collective. lr (nz, nyl, nxl, 4) of lr_window: theta, u, v, w means of minute `time`; all members into hr.nc, but
 * those that it holds already. */
PetscErrorCode wb_shot_minute(WbShot *shot, int time, const float *lr);
/* Collective. hr.xmf, the sr block of summary.json, closes hr.nc. */
PetscErrorCode wb_shot_finish(WbShot *shot, cJSON *summary);
void wb_shot_destroy(WbShot *shot);
#endif
