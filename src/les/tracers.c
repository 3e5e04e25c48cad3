/* Passive tracers: names, and where each source gives off how much. */
#include <string.h>

#include "les_internal.h"

void wb_les_field_name(WbLes les, int f, char name[WB_LES_NAME_MAX]) {
  static const char *const known[WB_NFIELDS] = {"u", "v", "w", "theta"};
  if (f < WB_NFIELDS)
    snprintf(name, WB_LES_NAME_MAX, "%s", known[f]);
  else if (f == les->tke_field)
    snprintf(name, WB_LES_NAME_MAX, "tke");
  else
    snprintf(name, WB_LES_NAME_MAX, "tracer_%d", f - WB_NFIELDS);
}

/* Part of the cell lo .. hi that lies in the box's side; for a point 1 in the cell that holds it. */
static double overlap(double lo, double hi, double middle, double size) {
  if (size <= 0.0) return middle >= lo && middle < hi ? 1.0 : 0.0;
  return PetscMax(0.0, PetscMin(hi, middle + 0.5 * size) - PetscMax(lo, middle - 0.5 * size)) / (hi - lo);
}

/* Part of owned cell (k, j, i) inside the source's box; 0 in solid cells. */
static double inside(WbLes les, const WbLesSource *s, int k, int j, int i) {
  const WbGrid *g = les->grid;
  const double x = g->x_min_m + (g->x0 + i) * g->dx_m, y = g->y_min_m + (g->y0 + j) * g->dx_m;
  if (les->solid[wb_les_at(&les->lay, k, j, i)]) return 0.0;
  return overlap(x, x + g->dx_m, s->x_m, s->size_x_m) * overlap(y, y + g->dx_m, s->y_m, s->size_y_m) *
         overlap(les->met.zf[k], les->met.zf[k + 1], s->z_m, s->size_z_m);
}

static PetscErrorCode source_list(WbLes les, const WbLesSource *s, WbLesSourceList *list) {
  const WbLesLayout *l = &les->lay;
  const double dx2 = les->grid->dx_m * les->grid->dx_m;
  double volume = 0.0;
  PetscFunctionBeginUser;
  for (int pass = 0; pass < 2; pass++) {
    list->n = 0;
    for (int k = 0; k < l->nz; k++)
      for (int j = 0; j < l->nyl; j++)
        for (int i = 0; i < l->nxl; i++) {
          const double part = inside(les, s, k, j, i);
          if (!(part > 0.0)) continue;
          if (pass) {
            list->at[list->n] = (int32_t)wb_les_at(l, k, j, i);
            list->rate[list->n] = s->rate_kg_per_s * part / volume;
          } else {
            volume += part * dx2 * les->met.dz[k + 1];
          }
          list->n++;
        }
    if (pass) break;
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &volume, 1, MPI_DOUBLE, MPI_SUM, les->grid->comm));
    if (!(volume > 0.0))
      WB_RAISE_ALL(
          WB_ERR_CONFIG,
          "LES: the source of tracer '%s' at x = %g m, y = %g m, z = %g m holds no air: it lies in a building or "
          "outside the domain",
          les->opt.tracers.name[s->tracer], s->x_m, s->y_m, s->z_m);
    PetscCall(WB_ALLOC(list->n + 1, &list->at));
    PetscCall(WB_ALLOC(list->n + 1, &list->rate));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_tracers_create(WbLes les) {
  PetscFunctionBeginUser;
  for (int n = 0; n < les->opt.tracers.n_sources; n++)
    PetscCall(source_list(les, &les->opt.tracers.source[n], &les->source[n]));
  PetscFunctionReturn(0);
}

void wb_les_tracers_destroy(WbLes les) {
  for (int n = 0; n < WB_LES_SOURCES_MAX; n++) {
    WB_FREE(&les->source[n].at);
    WB_FREE(&les->source[n].rate);
  }
}
