/* Probes: values of single cells as text, one line a probe and time. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "output.h"

PetscErrorCode wb_les_probes_create(WbLesOutput o) {
  const int n = o->opt.n_probes;
  const WbLesPlaces places = wb_les_places(o->les);
  int cell[3];
  WbLesPlaceKind kind;
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(n, &o->probe_at));
  PetscCall(WB_CALLOC(n * o->les->nf, &o->probe_value));
  for (int p = 0; p < n; p++) {
    PetscCall(wb_les_locate(&places, o->opt.probe_m[p], cell, &kind));
    o->probe_at[p] = cell[0] < 0 ? -1 : (int32_t)wb_les_at(&o->les->lay, cell[0], cell[1], cell[2]);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode header(WbLesOutput o) {
  char name[WB_LES_NAME_MAX];
  PetscFunctionBeginUser;
  int n = fprintf(o->csv, "time_s,probe,x_m,y_m,z_m,u_m_per_s,v_m_per_s,w_m_per_s,theta_K");
  for (int f = WB_NFIELDS; f < o->les->nf; f++) {
    wb_les_output_name(o->les, f, name);
    n += fprintf(o->csv, ",%s_%s", name, f == o->les->tke_field ? "m2_per_s2" : "kg_per_m3");
  }
  n += fprintf(o->csv, "\n");
  o->csv_bytes = n;
  PetscFunctionReturn(0);
}

/* A run that goes on drops what was written after its checkpoint. */
static PetscErrorCode open_csv(WbLesOutput o, const char *path) {
  PetscFunctionBeginUser;
  if (o->append && truncate(path, (off_t)o->csv_bytes) != 0)
    WB_RAISE(WB_ERR_IO, "%s: cannot be continued: %s", path, strerror(errno));
  o->csv = fopen(path, o->append ? "a" : "w");
  if (!o->csv) WB_RAISE(WB_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
  if (!o->append) PetscCall(header(o));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_probes_open(WbLesOutput o, const char *path) {
  const WbGrid *g = o->les->grid;
  PetscFunctionBeginUser;
  PetscCall(wb_error_agree(g->comm, g->rank == 0 ? open_csv(o, path) : 0));
  PetscFunctionReturn(0);
}

static PetscErrorCode print_rows(WbLesOutput o) {
  int n = 0;
  bool good = true;
  PetscFunctionBeginUser;
  for (int p = 0; p < o->opt.n_probes; p++) {
    const double *x = o->opt.probe_m[p], *v = o->probe_value + (size_t)p * (size_t)o->les->nf;
    const int m = fprintf(o->csv, "%.6f,%d,%.9g,%.9g,%.9g,%.7g,%.7g,%.7g,%.9g", o->les->time_s, p + 1, x[0], x[1], x[2],
                          v[WB_U], v[WB_V], v[WB_W], v[WB_THETA]);
    good = good && m > 0;
    n += m;
    for (int f = WB_NFIELDS; f < o->les->nf; f++) n += fprintf(o->csv, ",%.7g", v[f]);
    n += fprintf(o->csv, "\n");
  }
  if (fflush(o->csv) != 0 || !good) WB_RAISE(WB_ERR_IO, "probes.csv: cannot be written: %s", strerror(errno));
  o->csv_bytes += n;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_probes_write(WbLesOutput o) {
  const WbGrid *g = o->les->grid;
  const int n = o->opt.n_probes * o->les->nf;
  PetscFunctionBeginUser;
  memset(o->probe_value, 0, (size_t)n * sizeof *o->probe_value);
  for (int p = 0; p < o->opt.n_probes; p++)
    if (o->probe_at[p] >= 0)
      WB_LES_CALL(o->les, wb_les_cell_values, (size_t)o->probe_at[p], o->probe_value + (size_t)p * (size_t)o->les->nf);
  if (g->rank == 0)
    PetscCallMPI(MPI_Reduce(MPI_IN_PLACE, o->probe_value, n, MPI_DOUBLE, MPI_SUM, 0, g->comm));
  else
    PetscCallMPI(MPI_Reduce(o->probe_value, NULL, n, MPI_DOUBLE, MPI_SUM, 0, g->comm));
  PetscCall(wb_error_agree(g->comm, g->rank == 0 ? print_rows(o) : 0));
  o->probe.done++;
  PetscFunctionReturn(0);
}
