/* The 20 m file that sr super-resolves: what it says of itself, its fields minute by minute. */
#ifndef WB_APP_SR_INPUT_H
#define WB_APP_SR_INPUT_H
#include "app.h"

enum { WB_LR_THETA, WB_LR_U, WB_LR_V, WB_LR_W, WB_LR_MASK, WB_LR_ARRAYS };
typedef struct {
  const char *path;
  WbNc nc;
  WbGrid *grid; /* the whole file at 20 m, the levels that are needed */
  WbArray array[WB_LR_ARRAYS];
  WbTimes times; /* of the arrays, with an epoch */
  int n_time, first_level;
  double theta0;     /* of the reference pressure, for files with T in place of theta; 0: not needed */
  uint8_t *fluid;    /* (nz, nyl, nxl) */
  float *one, *four; /* a variable; (nz, nyl, nxl, 4): theta, u, v, w */
} WbLrFile;

/* Collective. Opens the file and understands its arrays: positions, times, mask. WB_ERR_INPUT. */
PetscErrorCode wb_lr_file_open(WbApp *app, const char *path, WbLrFile *file);
/* Collective. The file's own forcing where it says so (lr.nc does); the deck's keys otherwise, or when given. */
PetscErrorCode wb_lr_file_forcing(WbApp *app, WbLrFile *file, WbSimOptions *sim);
/* Collective. All minutes once: are all values possible, do mask and values fit, does the wind agree with `sim`? Says
 * what was understood. */
PetscErrorCode wb_lr_file_scan(WbApp *app, WbLrFile *file, const WbSimOptions *sim);
/* Collective. WB_ERR_INPUT when the file names another projected system than the city's. */
PetscErrorCode wb_lr_file_system(const WbLrFile *file, const char *city_wkt);
PetscErrorCode wb_lr_file_minute(WbLrFile *file, int time); /* into file->four; collective */
PetscErrorCode wb_lr_file_close(WbLrFile *file);
#endif
