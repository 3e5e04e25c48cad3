/* How much memory a projection takes, counted from what projection.c, faces.c, regions.c, real/run.c, the flat solver
 * and the multigrid allocate. Lists that depend on the buildings are taken for a dense city. */
#include "projection_internal.h"

/* Cells that touch a building, for each column (walls and roofs over plan area of a dense city), and bytes of their
 * entries in the lists of rim, walls, facets and closed faces, beside the reals. */
static const double RIM_PER_COLUMN = 2.5, RIM_BYTES = 120;
enum { RIM_REALS = 14 /* rim vectors, warm starts, coefficients */ };

double wb_project_memory_bytes(const WbGrid *grid, WbPrecision precision, bool walls) {
  const double n = (double)wb_grid_owned(grid), columns = (double)grid->nyl * grid->nxl;
  const double real = precision == WB_FP64 ? 8 : 4;
  const double rim = walls ? RIM_PER_COLUMN * columns * (RIM_REALS * real + RIM_BYTES) : 0,
               stages = grid->px > 1 ? 2 : 0 /* whole rows, whole columns */,
               messages = grid->px * grid->py > 1 ? 2 : 0 /* on several nodes */;
  const double work = (walls ? 5 : 3) + 2 + stages + messages;
  return n * (work * real + 1 + 4) + rim;
}

double wb_solenoidal_memory_bytes(const WbGrid *grid) {
  WbGrid tall = *grid; /* sizes only */
  tall.nz += WB_SOLENOIDAL_ABOVE;
  const double real = sizeof(float), owned = (double)wb_grid_owned(&tall), columns = (double)grid->nyl * grid->nxl;
  const double projection = owned * (2 * real + 1) + RIM_PER_COLUMN * columns * (real + RIM_BYTES) +
                            wb_multigrid_bytes(tall.nz, tall.nyl, tall.nxl);
  return (double)wb_layout(&tall, WB_SOLENOIDAL_GHOST).field * WB_SOLENOIDAL_FIELDS * real +
         (double)wb_grid_owned(grid) + projection +
         wb_halo_memory_bytes(&tall, 3 * (tall.nz + 2), WB_SOLENOIDAL_GHOST, 1, WB_FP32);
}
