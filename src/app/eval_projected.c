/* The projected interpolation: what the 20 m run says at 5 m once air neither vanishes nor passes walls. */
#include "evaluate.h"

/* As of a member's projection: a hundredth of what 5 m truth shows at its cell centres. */
static const double TOLERANCE_PER_S = 1e-4;

PetscErrorCode wb_projected_create(const WbGrid *grid, const uint8_t *fluid, WbProjected *projected) {
  PetscFunctionBeginUser;
  *projected = (WbProjected){.grid = grid};
  PetscCall(WB_ALLOC(4 * wb_grid_owned(grid), &projected->field));
  PetscCall(wb_solenoidal_create(grid, fluid, &projected->solenoidal));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_projected_make(WbProjected *projected, const float *x0) {
  PetscFunctionBeginUser;
  memcpy(projected->field, x0, 4 * wb_grid_owned(projected->grid) * sizeof *x0);
  PetscCall(wb_solenoidal_source(projected->solenoidal, projected->field, TOLERANCE_PER_S, NULL));
  PetscFunctionReturn(0);
}

void wb_projected_destroy(WbProjected *projected) {
  wb_solenoidal_destroy(&projected->solenoidal);
  WB_FREE(&projected->field);
}
