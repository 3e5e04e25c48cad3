/* How much memory and checkpoint a run takes, counted from what les.c, surface, projection and the flat solver
 * allocate. Lists that depend on the buildings are taken for a dense city. */
#include "inflow_internal.h"
#include "multigrid.h"

/* Cells that touch a building, for each column (walls and roofs over plan area of a dense city), and bytes of their
 * entries in the lists of rim, walls, facets and closed faces, beside the reals. */
static const double RIM_PER_COLUMN = 2.5, RIM_BYTES = 120;
enum { RIM_REALS = 14 /* rim vectors, warm starts, coefficients */ };

/* Projection with the flat solver. */
static double project_bytes(const WbGrid *grid, double real, bool walls) {
  const double n = (double)wb_grid_owned(grid), columns = (double)grid->nyl * grid->nxl;
  const double rim = walls ? RIM_PER_COLUMN * columns * (RIM_REALS * real + RIM_BYTES) : 0,
               stages = grid->px > 1 ? 2 : 0 /* whole rows, whole columns */,
               messages = grid->px * grid->py > 1 ? 2 : 0 /* on several nodes */;
  const double work = (walls ? 5 : 3) + 2 + stages + messages;
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

/* Planes at the sides that this rank touches: u, v, w, theta. */
static double plane_bytes(const WbGrid *g, int ghost) {
  const double west_east = g->periodic_x ? 0 : (g->ix == 0) + (g->ix == g->px - 1);
  const double south_north = g->periodic_y ? 0 : (g->iy == 0) + (g->iy == g->py - 1);
  return 4 * sizeof(float) * g->nz * (west_east * (g->nyl + 2 * ghost) + south_north * (g->nxl + 2 * ghost));
}

double wb_inflow_memory_bytes(const WbGrid *g, bool made, double length_m) {
  const double records = WB_INFLOW_BUFFER + 1, planes = made ? WB_INFLOW_PLANES_MADE : WB_INFLOW_PLANES;
  const double eddies =
      made && g->ix == 0 && g->iy == 0 ? wb_eddies_bytes(g->nx, g->ny, g->nz, g->dx_m, g->dx_m, length_m) : 0;
  return sizeof(float) * records * planes * g->nz * ((double)g->nx + g->ny) + eddies;
}

double wb_les_memory_bytes(const WbGrid *grid, const WbLesOptions *o, bool walls) {
  const int ghost = wb_les_ghost_width(o);
  const WbLesLayout l = wb_les_layout(grid, ghost);
  const double real = o->precision == WB_FP64 ? 8 : 4, field = (double)l.field, owned = (double)wb_grid_owned(grid);
  const int nf = field_count(o), more = o->closure == WB_CLOSURE_DEARDORFF ? 3 : 0;
  const double ghosted = field * (real * (3 * nf + 1 + more + (walls ? 1 : 0)) + 2 + 1.0 / WB_LES_BLOCK);
  const double statistics = owned * real * (nf + 3 + (o->theta_variance ? 1 : 0));
  return ghosted + statistics + project_bytes(grid, real, walls) + halo_bytes(grid, nf, ghost, real) +
         plane_bytes(grid, ghost);
}

double wb_les_checkpoint_bytes(const WbGrid *grid, const WbLesOptions *o) {
  const double real = o->precision == WB_FP64 ? 8 : 4, nf = field_count(o);
  const double rings = 2.0 * wb_les_ghost_width(o);
  const double whole = (grid->nz + 2.0) * (grid->ny + rings) * (grid->nx + rings);
  const double owned = (double)grid->nz * grid->ny * grid->nx;
  return real * (nf * whole + (nf + 3 + (o->theta_variance ? 1 : 0) + 4) * owned);
}

double wb_solenoidal_memory_bytes(const WbGrid *grid) {
  WbGrid tall = *grid; /* sizes only */
  tall.nz += WB_SOLENOIDAL_ABOVE;
  const double real = sizeof(float), owned = (double)wb_grid_owned(&tall), columns = (double)grid->nyl * grid->nxl;
  const double project = owned * (2 * real + 1) + RIM_PER_COLUMN * columns * (real + RIM_BYTES) +
                         wb_multigrid_bytes(tall.nz, tall.nyl, tall.nxl);
  return (double)wb_les_layout(&tall, WB_LES_GHOST).field * WB_SOLENOIDAL_FIELDS * real + (double)wb_grid_owned(grid) +
         project + halo_bytes(&tall, 3, WB_LES_GHOST, real);
}
