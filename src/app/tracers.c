/* Tracers from the configuration: their names become variables beside others, their sources stand in lists. */
#include <math.h>
#include <stdlib.h>

#include "app.h"

/* What else the files of les hold: variables, axes and dimensions of lr.nc and truth.nc, profiles.nc, slices.nc
 * (tests/golden/app/tracer_names.py finds one that is missing here). */
static const char *const taken[] = {"T",
                                    "theta",
                                    "u",
                                    "v",
                                    "w",
                                    "subgrid_tke",
                                    "theta_var",
                                    "u_var",
                                    "v_var",
                                    "w_var",
                                    "fluid_mask",
                                    "lr_valid_mask",
                                    "building_height",
                                    "crs",
                                    "x",
                                    "y",
                                    "z",
                                    "time",
                                    "time_bnds",
                                    "nv",
                                    "member",
                                    "zface",
                                    "air_fraction",
                                    "uw_resolved",
                                    "vw_resolved",
                                    "thetaw_resolved",
                                    "uw_subgrid",
                                    "vw_subgrid",
                                    "thetaw_subgrid",
                                    "x_slice",
                                    "y_slice",
                                    "z_slice"};
/* What is added to the name of a scalar for its profiles and slices. */
static const char *const endings[] = {"", "_w_resolved", "_w_subgrid", "_yz", "_xz", "_xy"};
enum { N_TAKEN = sizeof taken / sizeof *taken, N_ENDINGS = sizeof endings / sizeof *endings };

static bool is_name(const char *name) {
  const size_t n = strlen(name);
  return n > 0 && n < WB_LES_NAME_MAX &&
         strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == n &&
         !(name[0] >= '0' && name[0] <= '9');
}

/* Is it stem with one of the endings from number `first` on? */
static bool is_of(const char *name, const char *stem, int first) {
  const size_t n = strlen(stem);
  if (strncmp(name, stem, n) != 0) return false;
  for (int e = first; e < N_ENDINGS; e++)
    if (strcmp(name + n, endings[e]) == 0) return true;
  return false;
}

static bool is_free(const char *name, int n, const char *const *names) {
  for (int i = 0; i < N_TAKEN; i++)
    if (is_of(name, taken[i], 0)) return false;
  for (int i = 0; i < n; i++)
    if (is_of(name, names[i], 1)) return false;
  return true;
}

/* All bad ones at once. */
static PetscErrorCode check_names(const char *where, int n, const char *const *names) {
  PetscFunctionBeginUser;
  char *bad = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&bad, &size);
  for (int i = 0; i < n && out; i++)
    if (!is_name(names[i]) || !is_free(names[i], n, names))
      fprintf(out, "%s'%.64s'", ftell(out) > 0 ? ", " : "", names[i]);
  if (out) fclose(out);
  PetscErrorCode ierr = 0;
  if (!bad || bad[0])
    ierr = WB_ERROR(WB_ERR_CONFIG, WB_ERROR_ALL,
                    "%s: tracer_name has %s; allowed: at most %d letters, digits and underscores, not the name of "
                    "another variable of the results",
                    where, bad ? bad : "what cannot be checked", WB_LES_NAME_MAX - 1);
  free(bad);
  PetscFunctionReturn(ierr);
}

/* Index of the tracer of that name, a new one when it is not known yet; -1: there is no more room. */
static int tracer_of(WbLesTracers *t, const char *name) {
  for (int n = 0; n < t->n; n++)
    if (strcmp(t->name[n], name) == 0) return n;
  if (t->n == WB_LES_TRACERS_MAX) return -1;
  snprintf(t->name[t->n], WB_LES_NAME_MAX, "%s", name); /* checked: it has room */
  return t->n++;
}

static PetscErrorCode tracer_names(const WbApp *app, WbLesTracers *t) {
  PetscFunctionBeginUser;
  const char *const *items = NULL;
  const int n = wb_config_list(app->config, "tracer", "name", &items);
  const char *where = wb_config_where(app->config, "tracer", "name");
  if (n > WB_LES_SOURCES_MAX)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: tracer_name has %d entries; allowed: at most %d", where, n, WB_LES_SOURCES_MAX);
  PetscCall(check_names(where, n, items));
  for (int i = 0; i < n; i++) {
    t->source[i].tracer = tracer_of(t, items[i]);
    if (t->source[i].tracer < 0)
      WB_RAISE_ALL(WB_ERR_CONFIG, "%s: tracer_name has more than %d different names", where, WB_LES_TRACERS_MAX);
  }
  t->n_sources = n;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_tracers(const WbApp *app, WbLesTracers *t) {
  PetscFunctionBeginUser;
  WbSourceKeys k;
  PetscCall(tracer_names(app, t));
  PetscCall(wb_config_fill(app->config, &wb_app_source_keys, &k));
  for (int i = 0; i < t->n_sources; i++) {
    WbLesSource *s = &t->source[i];
    s->x_m = k.x_m[i], s->y_m = k.y_m[i], s->z_m = k.z_m[i], s->rate_kg_per_s = k.rate_kg_per_s[i];
    s->size_x_m = k.size_x_m[i], s->size_y_m = k.size_y_m[i], s->size_z_m = k.size_z_m[i];
    s->start_s = k.start_s[i], s->end_s = k.n_end > 0 ? k.end_s[i] : HUGE_VAL;
  }
  PetscFunctionReturn(0);
}
