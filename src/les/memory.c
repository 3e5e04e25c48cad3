/* How much memory and checkpoint a run takes, counted from what les.c and surface allocate; the projection counts
 * itself. Lists that depend on the buildings are taken for a dense city. */
#include "inflow_internal.h"

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
  const WbLesLayout l = wb_layout(grid, ghost);
  const double real = o->precision == WB_FP64 ? 8 : 4, field = (double)l.field, owned = (double)wb_grid_owned(grid);
  const int nf = field_count(o), more = o->closure == WB_CLOSURE_DEARDORFF ? 3 : 0;
  const double ghosted = field * (real * (3 * nf + 1 + more + (walls ? 1 : 0)) + 2 + 1.0 / WB_LES_BLOCK);
  const double statistics = owned * real * (nf + 3 + (o->theta_variance ? 1 : 0));
  return ghosted + statistics + wb_project_memory_bytes(grid, o->precision, walls) +
         wb_halo_memory_bytes(grid, nf * (grid->nz + 2), ghost, 1, o->precision) + plane_bytes(grid, ghost);
}

double wb_les_checkpoint_bytes(const WbGrid *grid, const WbLesOptions *o) {
  const double real = o->precision == WB_FP64 ? 8 : 4, nf = field_count(o);
  const double rings = 2.0 * wb_les_ghost_width(o);
  const double whole = (grid->nz + 2.0) * (grid->ny + rings) * (grid->nx + rings);
  const double owned = (double)grid->nz * grid->ny * grid->nx;
  return real * (nf * whole + (nf + 3 + (o->theta_variance ? 1 : 0) + 4) * owned);
}
