/* Result files that are continued: what they hold, more times and members, who made which minute. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "results.h"

/* ---- history: a line for each run of the program that wrote in the file ---- */
PetscErrorCode wb_result_say_run(const WbApp *app, WbResult *r, int first, const char *before) {
  char line[512], text[WB_NC_HISTORY];
  const char *changes = app->run.changes;
  PetscFunctionBeginUser;
  snprintf(line, sizeof line, "windbridge %s (%s) %s on %d rank%s: times %d to %d%s%.200s", wb_version(),
           wb_git_version(), app->command, app->size, app->size > 1 ? "s" : "", first + 1, r->n_time,
           changes && changes[0] ? "; " : "", changes ? changes : "");
  const size_t room = sizeof text - 1 - strlen(line) - 8;
  size_t n = strlen(before);
  const char *gap = "";
  if (n > room) { /* the first lines and this one */
    for (n = room; n > 0 && before[n - 1] != '\n'; n--)
      ;
    n -= n > 0;
    gap = "\n...";
  }
  snprintf(text, sizeof text, "%.*s%s%s%s", (int)n, before, gap, n ? "\n" : "", line);
  PetscCall(wb_nc_history(r->nc, text));
  PetscFunctionReturn(0);
}

static PetscErrorCode history_of(WbNc nc, char text[WB_NC_HISTORY]) {
  bool has = false;
  PetscFunctionBeginUser;
  text[0] = '\0';
  PetscCall(wb_nc_get_att_text(nc, "/", NULL, "history", &has, text, WB_NC_HISTORY));
  PetscFunctionReturn(0);
}

/* ---- what a file holds ---- */
/* times (n) out: NaN where the minute has not been written. Collective. */
static PetscErrorCode stamps(WbNc nc, int n, double *times) {
  const int start = 0;
  PetscFunctionBeginUser;
  PetscCall(wb_nc_get(nc, "/", "time", &start, &n, WB_NC_DOUBLE, times));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_result_is_complete(const WbApp *app, const char *path, bool *yes) {
  WbNc nc = NULL;
  int rank = 0, dims[8];
  double *times = NULL;
  PetscFunctionBeginUser;
  *yes = true; /* a file without times is written whole */
  PetscCall(wb_nc_open(app->comm, path, &nc));
  bool has = false;
  PetscCall(wb_nc_has(nc, "/", "time", &has));
  if (has) {
    PetscCall(wb_nc_inq_dims(nc, "/", "time", &rank, dims));
    PetscCall(WB_ALLOC(dims[0], &times));
    PetscCall(stamps(nc, dims[0], times));
    for (int i = 0; i < dims[0]; i++) *yes = *yes && isfinite(times[i]);
    WB_FREE(&times);
  }
  PetscCall(wb_nc_close(&nc));
  PetscFunctionReturn(0);
}

int wb_result_first_missing(const WbResult *r) {
  int first = 0;
  while (first < r->n_time && r->there[first]) first++;
  return first;
}

PetscErrorCode wb_result_holds(WbResult *r, int time, int member, const uint8_t *fluid, bool *yes) {
  const size_t n = wb_grid_owned(r->grid);
  PetscFunctionBeginUser;
  /* T is the last of a member's variables to be written */
  PetscCall(wb_nc_get_field(r->nc, "/", "T", r->grid, time, r->n_member ? member : -1, r->work));
  int all = 1;
  for (size_t q = 0; q < n && all; q++) all = !fluid[q] || isfinite(r->work[q]);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, r->grid->comm));
  *yes = all != 0;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_result_get(WbResult *r, int time, float *field) {
  static const char *const names[] = {"theta", "u", "v", "w"};
  const size_t n = wb_grid_owned(r->grid);
  PetscFunctionBeginUser;
  for (int c = 0; c < 4; c++) {
    PetscCall(wb_nc_get_field(r->nc, "/", names[c], r->grid, time, -1, r->work));
    for (size_t q = 0; q < n; q++) field[4 * q + (size_t)c] = r->work[q];
  }
  PetscFunctionReturn(0);
}

/* ---- opening ---- */
/* times and members of the open file out; refuses another window. */
static PetscErrorCode shape_of(WbNc nc, const char *path, const WbResultSpec *s, int *n_time, int *n_member) {
  int rank = 0, dims[8] = {0};
  PetscFunctionBeginUser;
  PetscCall(wb_nc_inq_dims(nc, "/", "T", &rank, dims));
  const int lead = s->n_member ? 2 : 1;
  const WbGrid *g = s->grid;
  if (rank != lead + 3 || dims[lead] != g->nz || dims[lead + 1] != g->ny || dims[lead + 2] != g->nx)
    WB_RAISE_ALL(WB_ERR_INPUT,
                 "%s: has fields of another size than this run's %d x %d x %d cells: it belongs to another run; give "
                 "-run_overwrite, or another -run_output_dir",
                 path, g->nz, g->ny, g->nx);
  *n_time = dims[0];
  *n_member = s->n_member ? dims[1] : 0;
  if (*n_time > s->n_time || *n_member > s->n_member)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: has %d times and %d members, this run only %d and %d", path, *n_time, *n_member,
                 s->n_time, s->n_member);
  PetscFunctionReturn(0);
}

/* The new file takes the old one's place when it is whole. With more members no minute is complete any more. */
static PetscErrorCode grow(WbApp *app, const WbResultSpec *s, const char *path, WbResultMake make, int n_time,
                           bool members, WbResult *r) {
  WbNc old = r->nc;
  PetscFunctionBeginUser;
  r->nc = NULL;
  wb_log("%s: written anew with room for %d times%s", path, s->n_time, members ? " and more members" : "");
  PetscCall(make(app, s, path, true, r));
  PetscCall(wb_nc_copy_common(old, r->nc));
  for (int t = 0; t < n_time && members; t++) PetscCall(wb_nc_put_time(r->nc, "/", t, NAN, NAN));
  PetscCall(wb_nc_close(&old));
  PetscCall(wb_nc_close(&r->nc));
  PetscCall(wb_nc_open_append(app->comm, path, &r->nc));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_result_reopen(WbApp *app, const WbResultSpec *s, const char *path, WbResultMake make, WbResult *r) {
  char history[WB_NC_HISTORY];
  int n_time = 0, n_member = 0;
  double *times = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_nc_open_append(app->comm, path, &r->nc));
  PetscCall(history_of(r->nc, history));
  PetscCall(shape_of(r->nc, path, s, &n_time, &n_member));
  if (n_time < s->n_time || n_member < s->n_member)
    PetscCall(grow(app, s, path, make, n_time, n_member < s->n_member, r));
  PetscCall(WB_ALLOC(s->n_time, &times));
  PetscCall(stamps(r->nc, s->n_time, times));
  for (int t = 0; t < s->n_time; t++) r->there[t] = isfinite(times[t]);
  WB_FREE(&times);
  PetscCall(wb_result_say_run(app, r, wb_result_first_missing(r), history));
  PetscFunctionReturn(0);
}
