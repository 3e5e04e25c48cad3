/* Grids over a city's window. */
#include "app.h"

#include "windbridge/hybrid.h"

double wb_app_coarse_m(void) {
  WbSimOptions options;
  wb_sim_options_default(&options);
  return options.dx_m;
}

PetscErrorCode wb_app_window_grid(const WbApp *app, const WbCity *city, double dx_m, int nz, int align, WbGrid **grid) {
  const WbGridShape shape = {.nx = (int)lround(city->win_size_x_m / dx_m),
                             .ny = (int)lround(city->win_size_y_m / dx_m),
                             .nz = nz,
                             .dx_m = dx_m,
                             .x_min_m = city->win_x_min_m,
                             .y_min_m = city->win_y_min_m,
                             .align = align};
  PetscFunctionBeginUser;
  PetscCall(wb_grid_make(app->comm, &shape, grid));
  PetscFunctionReturn(0);
}
