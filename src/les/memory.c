/* How much memory and checkpoint a run takes, counted from what les.c, walls.c, project*.c and the flat solver
 * allocate. Lists that depend on the buildings are taken for a dense city. */
#include "les_internal.h"

/* Cells that touch a building, for each column (walls and roofs over plan area of a dense city), and bytes of their
 * entries in the lists of rim, walls, facets and closed faces, beside the reals. */
static const double RIM_PER_COLUMN = 2.5, RIM_BYTES = 120;
enum { RIM_REALS = 14 /* rim vectors, warm starts, coefficients */ };

/* Projection with the flat solver. */
static double project_bytes(const WbGrid *grid, double real, bool walls) {
  const double n = (double)wb_grid_owned(grid), columns = (double)grid->nyl * grid->nxl;
  const double rim = walls ? RIM_PER_COLUMN * columns * (RIM_REALS * real + RIM_BYTES) : 0,
               transposes = (grid->px > 1) + (grid->py > 1);
  const double work = (walls ? 5 : 3) + 2 + (transposes > 0 ? 2 + transposes : 0);
  return n * (work * real + 1 + 4) + rim;
}

/* Message buffers of `fields` stacked fields with `ghost` rings. */
static double halo_bytes(const WbGrid *grid, double fields, int ghost, double real) {
  const double sides = (grid->px > 1 ? 2.0 * grid->nyl : 0) + (grid->py > 1 ? 2.0 * grid->nxl : 0);
  return 2 * fields * (grid->nz + 2) * ghost * sides * real;
}

static int field_count(const WbLesOptions *o) {
  return WB_NFIELDS + o->tracers.n + (o->closure == WB_CLOSURE_DEARDORFF ? 1 : 0);
}

double wb_les_memory_bytes(const WbGrid *grid, const WbLesOptions *o, bool walls) {
  const int ghost = wb_les_ghost_width(o);
  const WbLesLayout l = wb_les_layout(grid, ghost);
  const double real = o->precision == WB_FP64 ? 8 : 4, field = (double)l.field, owned = (double)wb_grid_owned(grid);
  const int nf = field_count(o), more = o->closure == WB_CLOSURE_DEARDORFF ? 3 : 0;
  const double ghosted = field * (real * (3 * nf + 1 + more + (walls ? 1 : 0)) + 2);
  const double statistics = owned * real * (nf + 3 + (o->theta_variance ? 1 : 0));
  return ghosted + statistics + project_bytes(grid, real, walls) + halo_bytes(grid, nf + 3, ghost, real);
}

double wb_les_checkpoint_bytes(const WbGrid *grid, const WbLesOptions *o) {
  const double real = o->precision == WB_FP64 ? 8 : 4, nf = field_count(o);
  const double rings = 2.0 * wb_les_ghost_width(o);
  const double whole = (grid->nz + 2.0) * (grid->ny + rings) * (grid->nx + rings);
  const double owned = (double)grid->nz * grid->ny * grid->nx;
  return real * (nf * whole + (nf + 3 + (o->theta_variance ? 1 : 0) + 4) * owned);
}

double wb_solenoidal_memory_bytes(const WbGrid *grid) {
  enum { ABOVE = 7, FIELDS = 10 }; /* as solenoidal.c */
  WbGrid tall = *grid;             /* sizes only */
  tall.nz += ABOVE;
  const double real = sizeof(float);
  return (double)wb_les_layout(&tall, WB_LES_GHOST).field * FIELDS * real + (double)wb_grid_owned(grid) +
         project_bytes(&tall, real, true) + halo_bytes(&tall, 3, WB_LES_GHOST, real);
}
