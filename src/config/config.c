/* Creation of a configuration: defaults, then the deck, then the command line; and the getters. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"

static PetscErrorCode read_text(const char *path, char **text, int *size) {
  PetscFunctionBeginUser;
  FILE *f = fopen(path, "rb");
  if (!f) WB_RAISE(WB_ERR_CONFIG, "%s: cannot read the deck: %s", path, strerror(errno));
  size_t length = 0, room = 65536;
  char *buffer = malloc(room);
  while (buffer) {
    length += fread(buffer + length, 1, room - length - 1, f);
    if (length < room - 1) break;
    if (room > (1u << 24)) break; /* no deck is 16 MB: refused below */
    room *= 2;
    char *larger = realloc(buffer, room);
    if (!larger) free(buffer);
    buffer = larger;
  }
  const bool bad = ferror(f) != 0;
  fclose(f);
  if (!buffer || bad || length >= (1u << 24)) {
    free(buffer);
    WB_RAISE(WB_ERR_CONFIG, "%s: cannot read the deck (a folder, or too large to be one)", path);
  }
  buffer[length] = '\0';
  if (strlen(buffer) != length) {
    free(buffer);
    WB_RAISE(WB_ERR_CONFIG, "%s: not a text file (it holds zero bytes); a deck is YAML", path);
  }
  *text = buffer;
  *size = (int)length;
  PetscFunctionReturn(0);
}

/* Collective: rank 0 reads, all get the same text. */
static PetscErrorCode share_text(MPI_Comm comm, const char *path, char **text) {
  PetscFunctionBeginUser;
  int rank = 0, size = 0;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscErrorCode ierr = 0;
  if (rank == 0) ierr = read_text(path, text, &size);
  PetscCall(wb_error_agree(comm, ierr));
  PetscCallMPI(MPI_Bcast(&size, 1, MPI_INT, 0, comm));
  if (rank != 0) *text = malloc((size_t)size + 1);
  PetscCallMPI(MPI_Bcast(*text, size + 1, MPI_CHAR, 0, comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode apply_defaults(WbConfig c) {
  PetscFunctionBeginUser;
  for (int i = 0; i < c->n_keys; i++) {
    const char *fallback = c->table[i].fallback;
    if (fallback && fallback[0]) PetscCall(wb_config_set(c, i, fallback, "default"));
    c->values[i].given = false;
    snprintf(c->values[i].where, sizeof c->values[i].where, "default");
  }
  PetscFunctionReturn(0);
}

/* PETSc options that may stand beside ours: by prefix, since PETSc itself cannot tell before they are used. */
static bool is_petsc_option(const char *name) {
  static const char *const prefixes[] = {"log_",  "ksp_",    "pc_",     "mat_", "vec_",      "snes_",   "ts_",
                                         "dm_",   "da_",     "sf_",     "is_",  "options_",  "malloc_", "on_error_",
                                         "info",  "memory_", "mg_",     "sub_", "citations", "fp_trap", "history",
                                         "petsc", "malloc",  "viewer_", "mpi_", "use_gpu",   "debug_",  "debugger_"};
  for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
    if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) return true;
  return false;
}

static bool is_option(const char *arg) {
  return arg[0] == '-' && arg[1] != '\0' && !(arg[1] >= '0' && arg[1] <= '9') && arg[1] != '.';
}

/* One "-group_key value"; *i is advanced past what was used. */
static PetscErrorCode apply_argument(WbConfig c, int n_args, char *const *args, int *i) {
  PetscFunctionBeginUser;
  const char *option = args[*i];
  const char *name = option + 1;
  const char *split = strchr(name, '_');
  const bool ours = split && wb_config_is_group(c->table, c->n_keys, name, (size_t)(split - name));
  const char *value = *i + 1 < n_args && !is_option(args[*i + 1]) ? args[*i + 1] : NULL;
  if (!ours) {
    if (!is_petsc_option(name)) {
      char group[64];
      snprintf(group, sizeof group, "%.*s", split ? (int)(split - name) : 0, name);
      const WbKey *near = wb_config_suggest(c->table, c->n_keys, group, split ? split + 1 : name);
      if (near)
        WB_RAISE_ALL(WB_ERR_CONFIG, "command line: unknown option %s; did you mean -%s_%s?", option, near->group,
                     near->name);
      WB_RAISE_ALL(WB_ERR_CONFIG,
                   "command line: unknown option %s; allowed: -group_key of the deck (see --help) and PETSc options",
                   option);
    }
    *i += value ? 2 : 1;
    PetscFunctionReturn(0);
  }
  char group[64];
  snprintf(group, sizeof group, "%.*s", (int)(split - name), name);
  const int key = wb_config_find(c->table, c->n_keys, group, split + 1);
  if (key < 0) PetscCall(wb_config_unknown(c, group, split + 1, "command line"));
  if (!value && c->table[key].type == WB_KEY_BOOL)
    value = "true";
  else if (value)
    (*i)++;
  if (!value) WB_RAISE_ALL(WB_ERR_CONFIG, "command line: %s needs a value", option);
  (*i)++;
  PetscCall(wb_config_set(c, key, value, "command line"));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_config_create(MPI_Comm comm, const WbKey *table, int n_keys, const char *deck, int n_args,
                                char *const *args, WbConfig *config) {
  PetscFunctionBeginUser;
  WbConfig c = NULL;
  PetscCall(WB_CALLOC(1, &c));
  *config = c;
  c->table = table;
  c->n_keys = n_keys;
  PetscCall(WB_CALLOC(n_keys, &c->values));
  PetscCall(apply_defaults(c));
  if (deck) {
    char *text = NULL;
    PetscCall(share_text(comm, deck, &text));
    const PetscErrorCode ierr = wb_config_parse_yaml(c, deck, text);
    free(text);
    PetscCall(ierr);
  }
  for (int i = 0; i < n_args;) {
    if (!is_option(args[i]))
      WB_RAISE_ALL(WB_ERR_CONFIG, "command line: '%s' is not an option; expected -group_key value (one deck at most)",
                   args[i]);
    PetscCall(apply_argument(c, n_args, args, &i));
  }
  PetscFunctionReturn(0);
}

void wb_config_destroy(WbConfig *config) {
  if (!config || !*config) return;
  WbConfig c = *config;
  for (int i = 0; i < c->n_keys && c->values; i++) {
    free(c->values[i].text);
    for (int k = 0; k < c->values[i].n_items; k++) free(c->values[i].items[k]);
    free(c->values[i].items);
  }
  free(c->petsc);
  WB_FREE(&c->values);
  WB_FREE(config);
}

/* A key that the program asks for but the table lacks is a bug of the program, not of the user. */
static const WbValue *value_of(WbConfig c, const char *group, const char *name) {
  const int i = wb_config_find(c->table, c->n_keys, group, name);
  if (i < 0) {
    fprintf(stderr, "windbridge: internal error: no key %s_%s in the table\n", group, name);
    abort();
  }
  return &c->values[i];
}

double wb_config_real(WbConfig c, const char *group, const char *name) {
  return value_of(c, group, name)->real;
}
long wb_config_int(WbConfig c, const char *group, const char *name) {
  return (long)value_of(c, group, name)->real;
}
bool wb_config_bool(WbConfig c, const char *group, const char *name) {
  return value_of(c, group, name)->real != 0;
}
const char *wb_config_text(WbConfig c, const char *group, const char *name) {
  return value_of(c, group, name)->text;
}
int wb_config_list(WbConfig c, const char *group, const char *name, const char *const **items) {
  const WbValue *v = value_of(c, group, name);
  if (items) *items = (const char *const *)v->items;
  return v->n_items;
}
int wb_config_numbers(WbConfig c, const char *group, const char *name, int max, double *values) {
  const WbValue *v = value_of(c, group, name);
  for (int k = 0; values && k < v->n_items && k < max; k++) values[k] = strtod(v->items[k], NULL);
  return v->n_items;
}
bool wb_config_given(WbConfig c, const char *group, const char *name) {
  return value_of(c, group, name)->given;
}
const char *wb_config_where(WbConfig c, const char *group, const char *name) {
  return value_of(c, group, name)->where;
}
const char *wb_config_petsc(WbConfig c) {
  return c->petsc ? c->petsc : "";
}
