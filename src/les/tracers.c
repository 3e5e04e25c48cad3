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

/* Volume of the air that a source gives off into. */
static PetscErrorCode air_volume(WbLes les, const WbLesPlaces *places, const WbLesSource *s, double *volume) {
  const WbLesLayout *l = &les->lay;
  PetscFunctionBeginUser;
  PetscCall(wb_les_source_volume(places, s, les->opt.tracers.name[s->tracer], volume));
  if (!les->porous) PetscFunctionReturn(0);
  *volume = 0.0;
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++)
        *volume += wb_les_source_part(places, s, k, j, i) * wb_les_porous_share(les, wb_les_at(l, k, j, i)) *
                   les->grid->dx_m * les->grid->dx_m * les->met.dz[k + 1];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, volume, 1, MPI_DOUBLE, MPI_SUM, les->grid->comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode source_list(WbLes les, const WbLesSource *s, WbLesSourceList *list) {
  const WbLesLayout *l = &les->lay;
  const WbLesPlaces places = wb_les_places(les);
  double volume = 0.0;
  PetscFunctionBeginUser;
  PetscCall(air_volume(les, &places, s, &volume));
  for (int pass = 0; pass < 2; pass++) {
    list->n = 0;
    for (int k = 0; k < l->nz; k++)
      for (int j = 0; j < l->nyl; j++)
        for (int i = 0; i < l->nxl; i++) {
          const double part = wb_les_source_part(&places, s, k, j, i);
          if (!(part > 0.0)) continue;
          if (pass) {
            list->at[list->n] = (int32_t)wb_les_at(l, k, j, i);
            list->rate[list->n] = s->rate_kg_per_s * part / volume;
          }
          list->n++;
        }
    if (pass) break;
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
