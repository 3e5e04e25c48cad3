/* An open pair file: its arrays by their meaning, both halves found to belong together. */
#ifndef WB_DATA_PAIR_FILE_H
#define WB_DATA_PAIR_FILE_H
#include "windbridge/data.h"

enum { WB_PAIR_MASK = WB_CHANNELS, WB_PAIR_LR, WB_PAIR_VALID = WB_PAIR_LR, WB_PAIR_WALL, WB_PAIR_FLUX, WB_PAIR_HR };
typedef struct {
  WbNc nc;
  const char *path;
  WbArray lr[WB_PAIR_LR], hr[WB_PAIR_HR]; /* theta, u, v, w, fluid_mask; then lr_valid_mask, wall_distance, heat_flux */
} WbPairFile;

/* Collective on comm. path is borrowed. Errors: WB_ERR_INPUT; close in any case. */
PetscErrorCode wb_pair_file_open(MPI_Comm comm, const char *path, WbPairFile *file, WbPairInfo *info);
PetscErrorCode wb_pair_file_close(WbPairFile *file);
#endif
