/* Creation of a configuration: defaults, then the deck, then the command line; and the getters. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config_internal.h"

enum { LONGEST_DECK = 1 << 24 }; /* no deck is 16 MB */

/* The whole stream, NUL-terminated; NULL: unreadable, too large or out of memory. */
static char *read_stream(FILE *f, size_t *length) {
  size_t room = 65536;
  char *buffer = malloc(room);
  *length = 0;
  while (buffer) {
    *length += fread(buffer + *length, 1, room - *length - 1, f);
    if (*length < room - 1 || room > LONGEST_DECK) break;
    room *= 2;
    char *larger = realloc(buffer, room);
    if (!larger) free(buffer);
    buffer = larger;
  }
  if (buffer && (ferror(f) || *length >= LONGEST_DECK)) {
    free(buffer);
    return NULL;
  }
  if (buffer) buffer[*length] = '\0';
  return buffer;
}

static PetscErrorCode read_text(const char *path, char **text, int *size) {
  PetscFunctionBeginUser;
  struct stat info;
  FILE *f = fopen(path, "rb");
  if (!f) WB_RAISE(WB_ERR_CONFIG, "%s: cannot read the deck: %s", path, strerror(errno));
  if (fstat(fileno(f), &info) != 0 || !(S_ISREG(info.st_mode) || S_ISFIFO(info.st_mode))) {
    fclose(f);
    WB_RAISE(WB_ERR_CONFIG, "%s: cannot read the deck: it is a %s; allowed: a file", path,
             S_ISDIR(info.st_mode) ? "folder" : "device");
  }
  size_t length = 0;
  char *buffer = read_stream(f, &length);
  fclose(f);
  if (!buffer) WB_RAISE(WB_ERR_CONFIG, "%s: cannot read the deck (unreadable, or larger than 16 MB)", path);
  if (strlen(buffer) != length) {
    free(buffer);
    WB_RAISE(WB_ERR_CONFIG, "%s: not a text file (it holds zero bytes); a deck is YAML in UTF-8", path);
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
  if (!*text) ierr = WB_ERROR(WB_ERR_CONFIG, WB_ERROR_LOCAL, "%s: out of memory", path);
  PetscCall(wb_error_agree(comm, ierr));
  PetscCallMPI(MPI_Bcast(*text, size + 1, MPI_CHAR, 0, comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode apply_defaults(WbConfig c) {
  PetscFunctionBeginUser;
  for (int i = 0; i < c->n_keys; i++) {
    WbValue *v = &c->values[i];
    char fallback[64];
    wb_config_fallback(&c->table[i], fallback);
    for (int copy = 0; copy < 2; copy++) {
      if (fallback[0])
        PetscCall(wb_config_set(c, i, fallback, "default"));
      else if (!v->where)
        v->where = strdup("default");
      if (copy > 0) break;
      v->fallback = v->now;
      v->now = (WbDatum){0};
    }
    v->given = false;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_config_add_petsc(WbConfig c, const char *name, const char *value) {
  PetscFunctionBeginUser;
  char **larger = realloc(c->petsc, (size_t)(c->n_petsc + 3) * sizeof *larger);
  if (larger) {
    c->petsc = larger;
    larger[c->n_petsc] = strdup(name);
    larger[c->n_petsc + 1] = value ? strdup(value) : NULL;
    larger[c->n_petsc + 2] = NULL;
  }
  if (!larger || !larger[c->n_petsc] || (value && !larger[c->n_petsc + 1]))
    WB_RAISE(WB_ERR_CONFIG, "out of memory while the options for PETSc are read");
  c->n_petsc += 2;
  PetscFunctionReturn(0);
}

static PetscErrorCode unknown_option(WbConfig c, const char *option, const char *split) {
  PetscFunctionBeginUser;
  const char *name = option + 1;
  char *shown = wb_config_visible(option), *group = strndup(name, split ? (size_t)(split - name) : 0);
  const WbKey *near = group ? wb_config_suggest(c->table, c->n_keys, group, split ? split + 1 : name) : NULL;
  const PetscErrorCode ierr =
      near ? WB_ERROR(WB_ERR_CONFIG, WB_ERROR_ALL, "command line: unknown option %s; did you mean -%s_%s?",
                      shown ? shown : "", near->group, near->name)
           : WB_ERROR(WB_ERR_CONFIG, WB_ERROR_ALL,
                      "command line: unknown option %s; allowed: -group_key of the deck (see --help) and PETSc "
                      "options",
                      shown ? shown : "");
  free(group);
  free(shown);
  PetscFunctionReturn(ierr);
}

/* One "-group_key value"; *i is advanced past what was used. */
static PetscErrorCode apply_argument(WbConfig c, int n_args, char *const *args, int *i) {
  PetscFunctionBeginUser;
  const char *option = args[*i], *name = option + 1, *split = strchr(name, '_');
  const char *value = *i + 1 < n_args && !wb_config_is_option(args[*i + 1]) ? args[*i + 1] : NULL;
  *i += value ? 2 : 1;
  if (!split || !wb_config_is_group(c->table, c->n_keys, name, (size_t)(split - name))) {
    PetscCall(wb_config_is_petsc(name) ? wb_config_add_petsc(c, option, value) : unknown_option(c, option, split));
    PetscFunctionReturn(0);
  }
  const int key = wb_config_find_full(c->table, c->n_keys, name, strlen(name));
  if (key < 0) {
    char *group = strndup(name, (size_t)(split - name));
    const PetscErrorCode ierr = wb_config_unknown(c, group ? group : "", split + 1, "command line");
    free(group);
    PetscFunctionReturn(ierr);
  }
  if (!value && c->table[key].type == WB_KEY_BOOL) value = "true";
  if (!value) WB_RAISE_ALL(WB_ERR_CONFIG, "command line: %s needs a value", option);
  PetscCall(wb_config_set(c, key, value, "command line"));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_config_create(MPI_Comm comm, const WbKey *table, int n_keys, const char *command, const char *deck,
                                int n_args, char *const *args, WbConfig *config) {
  PetscFunctionBeginUser;
  WbConfig c = NULL;
  PetscCall(WB_CALLOC(1, &c));
  *config = c;
  c->table = table;
  c->n_keys = n_keys;
  c->command = command;
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
    if (!wb_config_is_option(args[i]))
      WB_RAISE_ALL(WB_ERR_CONFIG,
                   "command line: '%.200s' is not an option; expected -group_key value (one deck at most)", args[i]);
    PetscCall(apply_argument(c, n_args, args, &i));
  }
  PetscFunctionReturn(0);
}

void wb_config_destroy(WbConfig *config) {
  if (!config || !*config) return;
  WbConfig c = *config;
  for (int i = 0; i < c->n_keys && c->values; i++) {
    wb_config_free_datum(&c->values[i].now);
    wb_config_free_datum(&c->values[i].fallback);
    free(c->values[i].where);
  }
  for (int i = 0; i < c->n_petsc; i++) free(c->petsc[i]);
  free(c->petsc);
  free(c->place);
  WB_FREE(&c->values);
  WB_FREE(config);
}

void wb_config_as(WbConfig c, const char *command) {
  c->command = command;
}

/* A key that the program asks for but the table lacks is a bug of the program, not of the user. */
static int index_of(WbConfig c, const char *group, const char *name) {
  const int i = wb_config_find(c->table, c->n_keys, group, name);
  if (i < 0) {
    fprintf(stderr, "windbridge: internal error: no key %s_%s in the table\n", group, name);
    abort();
  }
  c->values[i].read = true;
  return i;
}

static const WbDatum *datum_of(WbConfig c, const char *group, const char *name) {
  return wb_config_datum(c, index_of(c, group, name));
}

double wb_config_real(WbConfig c, const char *group, const char *name) {
  return datum_of(c, group, name)->real;
}
long wb_config_int(WbConfig c, const char *group, const char *name) {
  return (long)datum_of(c, group, name)->real;
}
bool wb_config_bool(WbConfig c, const char *group, const char *name) {
  return datum_of(c, group, name)->real != 0;
}
const char *wb_config_text(WbConfig c, const char *group, const char *name) {
  return datum_of(c, group, name)->text;
}
int wb_config_list(WbConfig c, const char *group, const char *name, const char *const **items) {
  const WbDatum *d = datum_of(c, group, name);
  if (items) *items = (const char *const *)d->items;
  return d->n_items;
}
int wb_config_numbers(WbConfig c, const char *group, const char *name, int max, double *values) {
  const WbDatum *d = datum_of(c, group, name);
  for (int k = 0; values && k < d->n_items && k < max; k++) values[k] = strtod(d->items[k], NULL);
  return d->n_items;
}
bool wb_config_given(WbConfig c, const char *group, const char *name) {
  const int i = index_of(c, group, name);
  return wb_config_datum(c, i) == &c->values[i].now;
}
const char *wb_config_where(WbConfig c, const char *group, const char *name) {
  const char *where = c->values[index_of(c, group, name)].where;
  return where ? where : "default";
}
const char *const *wb_config_petsc(WbConfig c) {
  static const char *const none[] = {NULL};
  return c->n_petsc ? (const char *const *)c->petsc : none;
}
