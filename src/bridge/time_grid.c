/* Times of the steps: uniform, or graded towards either end. */
#include <math.h>

#include "bridge_internal.h"

PetscErrorCode wb_time_grid(const WbTimeGrid *grid, int steps, double *t) {
  const double p = grid->start_power, q = grid->end_power, floor = grid->end_floor;
  PetscFunctionBeginUser;
  if (steps < 1 || !(p > 0.0 && p <= 100.0) || !(q > 0.0 && q <= 100.0) || !(floor >= 0.0 && floor < 1.0)) {
    WB_RAISE_ALL(WB_ERR_CONFIG,
                 "time grid: %d steps, powers %g and %g, last level %g; allowed: at least 1 step, powers above 0 up to "
                 "100, level from 0 to below 1",
                 steps, p, q, floor);
  }
  const double span = floor > 0.0 ? 1.0 - pow(floor, 1.0 / q) : 1.0;
  const int pieces = floor > 0.0 && steps > 1 ? steps - 1 : steps;
  t[0] = 0.0;
  for (int k = 1; k < steps; k++) {
    const double u = (double)k / pieces;
    t[k] = p == 1.0 && q == 1.0 && floor == 0.0 ? u : -expm1(q * log1p(-span * pow(u, p)));
  }
  t[steps] = 1.0;
  PetscFunctionReturn(0);
}

void wb_time_grid_default(WbProcessKind kind, WbTimeGrid *grid) {
  *grid = (WbTimeGrid){.start_power = 1.0, .end_power = 1.0};
  if (kind == WB_PROCESS_BRIDGE) grid->end_power = 2.0; /* measured: doc/results.rst, number of steps */
  if (kind == WB_PROCESS_DIFFUSION_EDM) {
    grid->end_power = 7.0;
    grid->end_floor = 0.002 / 80.0;
  }
}
