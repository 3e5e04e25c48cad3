/* Finding keys by name, naming the nearest of a misspelt one, and saying in words what a key allows. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"

int wb_config_find(const WbKey *table, int n_keys, const char *group, const char *name) {
  for (int i = 0; i < n_keys; i++)
    if (strcmp(table[i].group, group) == 0 && strcmp(table[i].name, name) == 0) return i;
  return -1;
}

int wb_config_find_full(const WbKey *table, int n_keys, const char *full, size_t n) {
  for (int i = 0; i < n_keys; i++) {
    const size_t g = strlen(table[i].group), m = strlen(table[i].name);
    if (n == g + 1 + m && strncmp(full, table[i].group, g) == 0 && full[g] == '_' &&
        strncmp(full + g + 1, table[i].name, m) == 0)
      return i;
  }
  return -1;
}

bool wb_config_is_group(const WbKey *table, int n_keys, const char *group, size_t length) {
  for (int i = 0; i < n_keys; i++)
    if (strlen(table[i].group) == length && strncmp(table[i].group, group, length) == 0) return true;
  return false;
}

bool wb_config_is_option(const char *arg) {
  return arg[0] == '-' && arg[1] != '\0' && !(arg[1] >= '0' && arg[1] <= '9') && arg[1] != '.';
}

/* By prefix, since PETSc itself cannot tell before they are used. */
bool wb_config_is_petsc(const char *name) {
  static const char *const prefixes[] = {"log_",  "ksp_",    "pc_",     "mat_", "vec_",      "snes_",   "ts_",
                                         "dm_",   "da_",     "sf_",     "is_",  "options_",  "malloc_", "on_error_",
                                         "info",  "memory_", "mg_",     "sub_", "citations", "fp_trap", "history",
                                         "petsc", "malloc",  "viewer_", "mpi_", "use_gpu",   "debug_",  "debugger_"};
  for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
    if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) return true;
  return false;
}

/* Levenshtein distance, case-insensitive, of short words. */
static int edit_distance(const char *a, const char *b) {
  enum { MAX = 96 };
  int row[MAX + 1];
  const size_t na = strlen(a), nb = strlen(b);
  if (na > MAX || nb > MAX) return MAX;
  for (size_t j = 0; j <= nb; j++) row[j] = (int)j;
  for (size_t i = 1; i <= na; i++) {
    int diagonal = row[0];
    row[0] = (int)i;
    for (size_t j = 1; j <= nb; j++) {
      const int above = row[j];
      const int change = diagonal + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
      const int shift = (above < row[j - 1] ? above : row[j - 1]) + 1;
      row[j] = change < shift ? change : shift;
      diagonal = above;
    }
  }
  return row[nb];
}

const WbKey *wb_config_suggest(const WbKey *table, int n_keys, const char *group, const char *name) {
  char wanted[97], known[97]; /* no key is longer, and nothing longer is near to one */
  if ((size_t)snprintf(wanted, sizeof wanted, "%s_%s", group, name) >= sizeof wanted) return NULL;
  const WbKey *best = NULL;
  int best_distance = 1000;
  for (int i = 0; i < n_keys; i++) {
    if ((size_t)snprintf(known, sizeof known, "%s_%s", table[i].group, table[i].name) >= sizeof known) continue;
    int d = edit_distance(wanted, known);
    /* a unit left out ("duration" for "duration_s") is the usual slip */
    if (strcmp(table[i].group, group) == 0 && name[0] && strncmp(table[i].name, name, strlen(name)) == 0) d = 1;
    if (d < best_distance) {
      best_distance = d;
      best = &table[i];
    }
  }
  const bool near = best_distance <= 3 && best_distance < (int)strlen(name);
  return near || best_distance * 4 <= (int)strlen(wanted) ? best : NULL;
}

char *wb_config_visible(const char *text) {
  enum { LONGEST = 120 };
  char *out = malloc(4 * LONGEST + 4), *p = out;
  if (!out) return NULL;
  size_t n = strlen(text);
  const bool cut = n > LONGEST;
  if (cut)
    for (n = LONGEST; n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80;) n--; /* no half letters of UTF-8 */
  for (size_t i = 0; i < n; i++) {
    const unsigned char c = (unsigned char)text[i];
    if (c < 0x20 || c == 0x7f)
      p += sprintf(p, "\\x%02x", c);
    else
      *p++ = (char)c;
  }
  memcpy(p, cut ? "..." : "", cut ? 4 : 1);
  return out;
}

static void print_range(FILE *out, const WbKey *key, const char *what, const char *unit) {
  const char *space = unit[0] ? " " : "";
  if (key->max >= 1e30 && key->min <= -1e30)
    fprintf(out, "%s%s%s", what, space, unit);
  else if (key->max >= 1e30)
    fprintf(out, "%s of at least %g%s%s", what, key->min, space, unit);
  else
    fprintf(out, "%s from %.10g to %.10g%s%s", what, key->min, key->max, space, unit);
}

char *wb_config_allowed(const WbKey *key) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (!out) return NULL;
  const char *unit = key->unit ? key->unit : "";
  switch (key->type) {
    case WB_KEY_REAL:
    case WB_KEY_INT:
      print_range(out, key, key->type == WB_KEY_INT ? "a whole number" : "a number", unit);
      break;
    case WB_KEY_BOOL:
      fputs("true or false", out);
      break;
    case WB_KEY_CHOICE:
      fprintf(out, "one of %s", key->choices);
      break;
    case WB_KEY_FILE:
      fputs("the path of a file", out);
      break;
    case WB_KEY_LIST:
      fputs("a list of texts", out);
      break;
    case WB_KEY_NUMBERS:
      print_range(out, key, "a list of numbers", unit);
      break;
    default:
      fputs("text", out);
      break;
  }
  fclose(out);
  return text;
}

PetscErrorCode wb_config_unknown(WbConfig c, const char *group, const char *name, const char *where) {
  PetscFunctionBeginUser;
  const WbKey *near = wb_config_suggest(c->table, c->n_keys, group, name);
  char *shown = wb_config_visible(name), *known = NULL;
  size_t size = 0;
  PetscErrorCode ierr = 0;
  FILE *out = near ? NULL : open_memstream(&known, &size);
  const bool number = name[0] && strspn(name, "0123456789") == strlen(name);
  if (out && number) fputs(" no number: decimals have a point, and lists stand in [ ];", out);
  for (int i = 0; i < c->n_keys && out; i++)
    if (strcmp(c->table[i].group, group) == 0) fprintf(out, " %s", c->table[i].name);
  if (out) fclose(out);
  if (near)
    ierr = WB_ERROR(WB_ERR_CONFIG, WB_ERROR_ALL, "%s: unknown key %s_%s; did you mean %s_%s?", where, group,
                    shown ? shown : "", near->group, near->name);
  else
    ierr = WB_ERROR(WB_ERR_CONFIG, WB_ERROR_ALL, "%s: unknown key %s_%s; allowed in %s:%s", where, group,
                    shown ? shown : "", group, known ? known : "");
  free(shown);
  free(known);
  PetscFunctionReturn(ierr);
}
