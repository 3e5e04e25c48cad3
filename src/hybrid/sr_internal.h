/* Inside of super-resolution. */
#ifndef WB_SR_INTERNAL_H
#define WB_SR_INTERNAL_H
#include "windbridge/hybrid.h"

/* The symmetry under which a model that knows the wind of one octant sees this window (sr_frame.c). fluid (nz, nyl,
 * nxl) in. Collective on grid->comm. */
PetscErrorCode wb_sr_frame(const WbGrid *grid, const uint8_t *fluid, double wind_direction_deg, int *symmetry);
#endif
