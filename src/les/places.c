/* Where sources, probes and slices lie: in air, in a building, or outside of the domain. */
#include "les_internal.h"

static bool is_solid(const WbLesPlaces *p, int k, int j, int i) {
  if (p->lay) return p->solid[wb_les_at(p->lay, k, j, i)];
  if (!p->solid) return false;
  return p->solid[((size_t)k * (size_t)p->grid->nyl + (size_t)j) * (size_t)p->grid->nxl + (size_t)i];
}

static int level_of(const WbLesPlaces *p, double z) {
  int k = 0;
  while (k < p->grid->nz && z >= p->zf[k + 1]) k++;
  return z >= 0.0 && k < p->grid->nz ? k : -1;
}

int wb_les_slice_index(const WbLesPlaces *p, int axis, double at_m) {
  const WbGrid *g = p->grid;
  if (axis == 2) return level_of(p, at_m);
  const int i = (int)floor((at_m - (axis == 0 ? g->x_min_m : g->y_min_m)) / g->dx_m);
  return i >= 0 && i < (axis == 0 ? g->nx : g->ny) ? i : -1;
}

PetscErrorCode wb_les_locate(const WbLesPlaces *p, const double x[3], int cell[3], WbLesPlaceKind *kind) {
  const WbGrid *g = p->grid;
  const int i = (int)floor((x[0] - g->x_min_m) / g->dx_m) - g->x0,
            j = (int)floor((x[1] - g->y_min_m) / g->dx_m) - g->y0;
  int mine = WB_PLACE_OUTSIDE, all;
  PetscFunctionBeginUser;
  cell[0] = level_of(p, x[2]), cell[1] = j, cell[2] = i;
  if (i >= 0 && i < g->nxl && j >= 0 && j < g->nyl && cell[0] >= 0)
    mine = is_solid(p, cell[0], j, i) ? WB_PLACE_BUILDING : WB_PLACE_AIR;
  else
    cell[0] = -1;
  PetscCallMPI(MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MAX, g->comm));
  *kind = (WbLesPlaceKind)all;
  PetscFunctionReturn(0);
}

/* Part of the cell lo .. hi that lies in the box's side; for a point 1 in the cell that holds it. */
static double overlap(double lo, double hi, double middle, double size) {
  if (size <= 0.0) return middle >= lo && middle < hi ? 1.0 : 0.0;
  return PetscMax(0.0, PetscMin(hi, middle + 0.5 * size) - PetscMax(lo, middle - 0.5 * size)) / (hi - lo);
}

double wb_les_source_part(const WbLesPlaces *p, const WbLesSource *s, int k, int j, int i) {
  const WbGrid *g = p->grid;
  const double x = g->x_min_m + (g->x0 + i) * g->dx_m, y = g->y_min_m + (g->y0 + j) * g->dx_m;
  if (is_solid(p, k, j, i)) return 0.0;
  return overlap(x, x + g->dx_m, s->x_m, s->size_x_m) * overlap(y, y + g->dx_m, s->y_m, s->size_y_m) *
         overlap(p->zf[k], p->zf[k + 1], s->z_m, s->size_z_m);
}

PetscErrorCode wb_les_source_volume(const WbLesPlaces *p, const WbLesSource *s, const char *name, double *volume) {
  const WbGrid *g = p->grid;
  PetscFunctionBeginUser;
  *volume = 0.0;
  for (int k = 0; k < g->nz; k++)
    for (int j = 0; j < g->nyl; j++)
      for (int i = 0; i < g->nxl; i++)
        *volume += wb_les_source_part(p, s, k, j, i) * g->dx_m * g->dx_m * (p->zf[k + 1] - p->zf[k]);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, volume, 1, MPI_DOUBLE, MPI_SUM, g->comm));
  if (!(*volume > 0.0))
    WB_RAISE_ALL(
        WB_ERR_CONFIG,
        "LES: the source of tracer '%s' at x = %g m, y = %g m, z = %g m holds no air: it lies in a building or "
        "outside the domain",
        name, s->x_m, s->y_m, s->z_m);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_check_output(const WbLesPlaces *p, const WbLesOutputOptions *o) {
  static const char *const axes[3] = {"x", "y", "z"};
  int cell[3];
  WbLesPlaceKind kind;
  PetscFunctionBeginUser;
  if (o->n_probes > WB_LES_PROBES_MAX)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%d probes; allowed: at most %d", o->n_probes, WB_LES_PROBES_MAX);
  for (int n = 0; n < o->n_probes; n++) {
    const double *x = o->probe_m[n];
    PetscCall(wb_les_locate(p, x, cell, &kind));
    if (kind != WB_PLACE_AIR)
      WB_RAISE_ALL(WB_ERR_CONFIG, "probe %d at x = %g m, y = %g m, z = %g m lies %s", n + 1, x[0], x[1], x[2],
                   kind == WB_PLACE_BUILDING ? "in a building" : "outside the domain");
  }
  for (int axis = 0; axis < 3; axis++) {
    if (o->n_slices[axis] > WB_LES_SLICES_MAX)
      WB_RAISE_ALL(WB_ERR_CONFIG, "%d slices of constant %s; allowed: at most %d", o->n_slices[axis], axes[axis],
                   WB_LES_SLICES_MAX);
    for (int s = 0; s < o->n_slices[axis]; s++)
      if (wb_les_slice_index(p, axis, o->slice_m[axis][s]) < 0)
        WB_RAISE_ALL(WB_ERR_CONFIG, "slice at %s = %g m lies outside the domain", axes[axis], o->slice_m[axis][s]);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_check_places(const WbGrid *grid, const double *zf, const uint8_t *solid,
                                   const WbLesTracers *tracers, const WbLesOutputOptions *output) {
  const WbLesPlaces p = {.grid = grid, .zf = zf, .solid = solid};
  double volume;
  PetscFunctionBeginUser;
  for (int n = 0; tracers && n < tracers->n_sources; n++)
    PetscCall(wb_les_source_volume(&p, &tracers->source[n], tracers->name[tracers->source[n].tracer], &volume));
  if (output) PetscCall(wb_les_check_output(&p, output));
  PetscFunctionReturn(0);
}
