/* The window's air: what a city leaves of it at 20 m and at 5 m. */
#include <math.h>

#include "app.h"

/* Air cells of dx_m in the window's lowest top_m. Collective: each rank counts its rows. */
static PetscErrorCode count_air(const WbApp *app, const WbCity *city, double dx_m, double top_m, double *air) {
  PetscFunctionBeginUser;
  const int nx = (int)lround(city->win_size_x_m / dx_m), ny = (int)lround(city->win_size_y_m / dx_m);
  const int nz = (int)lround(top_m / dx_m), j0 = (int)((int64_t)ny * app->rank / app->size),
            rows = (int)((int64_t)ny * (app->rank + 1) / app->size) - j0;
  double *zf = NULL;
  uint8_t *solid = NULL;
  PetscCall(WB_ALLOC(nz + 1, &zf));
  PetscCall(WB_ALLOC((size_t)nz * (size_t)nx, &solid));
  for (int k = 0; k <= nz; k++) zf[k] = k * dx_m;
  PetscErrorCode ierr = 0;
  *air = 0;
  for (int j = j0; j < j0 + rows && !ierr; j++) { /* a row at a time: a city has many cells */
    ierr = wb_city_voxelise(city, city->win_x_min_m, city->win_y_min_m + j * dx_m, dx_m, nx, 1, nz, zf, solid);
    for (size_t q = 0; q < (size_t)nz * (size_t)nx && !ierr; q++) *air += !solid[q];
  }
  WB_FREE(&zf);
  WB_FREE(&solid);
  PetscCall(wb_error_agree(app->comm, ierr));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, air, 1, MPI_DOUBLE, MPI_SUM, app->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_check_air(const WbApp *app, const WbCity *city, double dx_m) {
  PetscFunctionBeginUser;
  const double top = wb_config_real(app->config, "sr", "top_m");
  const double spacing[2] = {dx_m, wb_config_real(app->config, "sr", "dx_m")};
  for (int i = 0; i < 2; i++) {
    double air = 0;
    PetscCall(count_air(app, city, spacing[i], top, &air));
    if (!(air > 0))
      WB_RAISE_ALL(
          WB_ERR_INPUT,
          "%s: the window of %g m x %g m from (%.1f, %.1f) has no air below sr_top_m (%g m) in cells of %g m: "
          "buildings fill it; choose another window (city_x_min_m, city_y_min_m, city_size_x_m, city_size_y_m)",
          city->source, city->win_size_x_m, city->win_size_y_m, city->win_x_min_m, city->win_y_min_m, top, spacing[i]);
  }
  PetscFunctionReturn(0);
}
