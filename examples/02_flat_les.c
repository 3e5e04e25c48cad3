/* Large-eddy simulation over flat, rough, heated ground with cyclic sides, and its mean wind by height.
 *   mpirun -n 2 ./02_flat_les
 * Exit status 1 when the run has no turbulence or leaves its target wind. */
#include <math.h>
#include <stdio.h>

#include "windbridge/les.h"

enum { NX = 24, NY = 24, NZ = 15 };

/* Means over x and y of one field of owned cells (NZ, nyl, nxl), on all ranks. */
static PetscErrorCode level_means(const WbGrid *grid, const float *field, double mean[NZ]) {
  PetscFunctionBeginUser;
  const size_t plane = (size_t)grid->nyl * (size_t)grid->nxl;
  for (int k = 0; k < NZ; k++) {
    mean[k] = 0;
    for (size_t q = 0; q < plane; q++) mean[k] += field[(size_t)k * plane + q] / (NX * NY);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, mean, NZ, MPI_DOUBLE, MPI_SUM, grid->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode simulate(double u_mean[NZ], double tke[NZ]) {
  PetscFunctionBeginUser;
  WbGrid *grid = NULL;
  WbLes les = NULL;
  WbLesOptions options;
  double zf[NZ + 1];
  float *u = NULL;
  PetscCall(wb_grid_create(PETSC_COMM_WORLD, NX, NY, NZ, 1, 0, 0, true, true, &grid));
  grid->dx_m = 20;
  for (int k = 0; k <= NZ; k++) zf[k] = 20.0 * k;
  wb_les_options_default(&options);
  options.wind_speed_m_per_s = 5; /* at 100 m */
  options.wind_direction_deg = 270;
  options.heat_flux_K_m_per_s = 0.05;
  PetscCall(wb_les_create(grid, zf, NULL, NULL, NULL, &options, &les));
  PetscCall(wb_les_init(les, 0));
  PetscCall(wb_les_advance(les, 900, NULL, NULL)); /* spin-up [s] */
  PetscCall(wb_les_mean_reset(les));
  PetscCall(wb_les_advance(les, 1500, NULL, NULL));
  PetscCall(WB_ALLOC(wb_grid_owned(grid), &u));
  PetscCall(wb_les_mean(les, NULL, u, NULL, NULL));
  PetscCall(level_means(grid, u, u_mean));
  PetscCall(wb_les_resolved_tke(les, tke));
  WB_FREE(&u);
  wb_les_destroy(&les);
  wb_grid_destroy(&grid);
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  double u[NZ], tke[NZ];
  int rank = 0;
  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(simulate(u, tke));
  for (int k = NZ - 1; k >= 0 && rank == 0; k--)
    printf("z %5.0f m   u %5.2f m/s   resolved turbulence %.3f m2/s2\n", 20 * (k + 0.5), u[k], tke[k]);
  PetscCall(PetscFinalize());
  return fabs(u[4] + u[5] - 10) < 1 && tke[4] > 0.05 ? 0 : 1; /* 90 and 110 m */
}
