/* How much memory and checkpoint a run takes. Fields are counted by a run that makes nothing but the count; lists that
 * depend on the buildings are taken for a dense city. */
#include "inflow_internal.h"

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
  struct WbLes_s run = {.grid = grid, .opt = *o, .tally = {.planning = true}};
  wb_les_shape(&run);
  (void)wb_les_fields_allocate(&run); /* a plan allocates nothing and cannot fail */
  (void)wb_les_walls_allocate(&run);
  return run.tally.bytes + wb_project_memory_bytes(grid, o->precision, walls) +
         wb_halo_memory_bytes(grid, run.nf * (grid->nz + 2), run.lay.g, 1, o->precision) + plane_bytes(grid, run.lay.g);
}

double wb_les_checkpoint_bytes(const WbGrid *grid, const WbLesOptions *o) {
  struct WbLes_s run = {.grid = grid, .opt = *o};
  wb_les_shape(&run);
  const double real = (double)run.ops->real_bytes, nf = run.nf;
  const double rings = 2.0 * run.lay.g;
  const double whole = (grid->nz + 2.0) * (grid->ny + rings) * (grid->nx + rings);
  const double owned = (double)grid->nz * grid->ny * grid->nx;
  return real * (nf * whole + (nf + 3 + (o->theta_variance ? 1 : 0) + 4) * owned);
}
