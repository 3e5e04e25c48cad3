/* Which way round a model of one octant sees a window. For most winds one of the eight symmetries does; along an edge
 * of the octant (every 45 degrees) two do, each other's mirror images, and a network need not give them mirrored
 * answers. A choice by number would then tell left from right, so the buildings choose: of the two the one that has
 * more of them on its left hand. A mirrored city chooses the mirror image, and its forecast is the mirrored forecast.
 */
#include "sr_internal.h"

/* Sums of the offsets of building cells from the middle of the window, plain and by height: whole numbers, exact in any
 * order. */
static void moments(const WbGrid *g, const uint8_t *fluid, double sum[2][2]) {
  for (int k = 0; k < g->nz; k++) {
    for (int j = 0; j < g->nyl; j++) {
      for (int i = 0; i < g->nxl; i++) {
        if (*fluid++) continue;
        const double offset[2] = {2.0 * (g->x0 + i) + 1 - g->nx, 2.0 * (g->y0 + j) + 1 - g->ny};
        for (int d = 0; d < 2; d++) {
          sum[0][d] += offset[d];
          sum[1][d] += (k + 1) * offset[d];
        }
      }
    }
  }
}

/* On the left (y up) when seen under symmetry s. */
static double left(const double sum[2], int s) {
  float along[2] = {1, 0}, across[2] = {0, 1}; /* where x and y go */
  wb_symmetry_vector(s, &along[0], &along[1]);
  wb_symmetry_vector(s, &across[0], &across[1]);
  return (double)along[1] * sum[0] + (double)across[1] * sum[1];
}

PetscErrorCode wb_sr_frame(const WbGrid *grid, const uint8_t *fluid, double wind_direction_deg, int *symmetry) {
  double sum[2][2] = {{0, 0}, {0, 0}};
  int s[2];
  PetscFunctionBeginUser;
  const int n = wb_symmetries_of_wind(wind_direction_deg, s);
  *symmetry = s[0];
  if (n == 1) PetscFunctionReturn(0);
  moments(grid, fluid, sum);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, 4, MPI_DOUBLE, MPI_SUM, grid->comm));
  for (int m = 0; m < 2; m++) {
    const double first = left(sum[m], s[0]), second = left(sum[m], s[1]);
    if (first == second) continue; /* as far as this moment tells the city is its own mirror image */
    if (second > first) *symmetry = s[1];
    break;
  }
  PetscFunctionReturn(0);
}
