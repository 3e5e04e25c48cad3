/* Checking one value against its key: type, range, choice; and naming the nearest key of a misspelt one. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_internal.h"

int wb_config_find(const WbKey *table, int n_keys, const char *group, const char *name) {
  for (int i = 0; i < n_keys; i++)
    if (strcmp(table[i].group, group) == 0 && strcmp(table[i].name, name) == 0) return i;
  return -1;
}

bool wb_config_is_group(const WbKey *table, int n_keys, const char *group, size_t length) {
  for (int i = 0; i < n_keys; i++)
    if (strlen(table[i].group) == length && strncmp(table[i].group, group, length) == 0) return true;
  return false;
}

/* Levenshtein distance, case-insensitive, of short words. */
static int edit_distance(const char *a, const char *b) {
  enum { MAX = 96 };
  int row[MAX + 1];
  const int na = (int)strlen(a), nb = (int)strlen(b);
  if (na > MAX || nb > MAX) return MAX;
  for (int j = 0; j <= nb; j++) row[j] = j;
  for (int i = 1; i <= na; i++) {
    int diagonal = row[0];
    row[0] = i;
    for (int j = 1; j <= nb; j++) {
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
  char wanted[256], known[256];
  snprintf(wanted, sizeof wanted, "%s_%s", group, name);
  const WbKey *best = NULL;
  int best_distance = 1000;
  for (int i = 0; i < n_keys; i++) {
    snprintf(known, sizeof known, "%s_%s", table[i].group, table[i].name);
    int d = edit_distance(wanted, known);
    /* a unit left out ("duration" for "duration_s") is the usual slip */
    if (strcmp(table[i].group, group) == 0 && name[0] && strncmp(table[i].name, name, strlen(name)) == 0) d = 1;
    if (d < best_distance) {
      best_distance = d;
      best = &table[i];
    }
  }
  return best_distance <= 3 || best_distance * 4 <= (int)strlen(wanted) ? best : NULL;
}

void wb_config_allowed(const WbKey *key, char *out, size_t size) {
  const char *unit = key->unit && key->unit[0] ? key->unit : "";
  const char *space = unit[0] ? " " : "";
  switch (key->type) {
    case WB_KEY_REAL:
    case WB_KEY_INT: {
      const char *what = key->type == WB_KEY_INT ? "a whole number" : "a number";
      if (key->max >= 1e30 && key->min <= -1e30)
        snprintf(out, size, "%s%s%s", what, space, unit);
      else if (key->max >= 1e30)
        snprintf(out, size, "%s of at least %g%s%s", what, key->min, space, unit);
      else
        snprintf(out, size, "%s from %.10g to %.10g%s%s", what, key->min, key->max, space, unit);
      break;
    }
    case WB_KEY_BOOL:
      snprintf(out, size, "true or false");
      break;
    case WB_KEY_CHOICE:
      snprintf(out, size, "one of %s", key->choices);
      break;
    case WB_KEY_FILE:
      snprintf(out, size, "the path of a file");
      break;
    case WB_KEY_LIST:
      snprintf(out, size, "a list of texts");
      break;
    case WB_KEY_NUMBERS:
      if (key->max >= 1e30 && key->min <= -1e30)
        snprintf(out, size, "a list of numbers%s%s", space, unit);
      else if (key->max >= 1e30)
        snprintf(out, size, "a list of numbers of at least %g%s%s", key->min, space, unit);
      else
        snprintf(out, size, "a list of numbers from %.10g to %.10g%s%s", key->min, key->max, space, unit);
      break;
    default:
      snprintf(out, size, "text");
      break;
  }
}

static bool parse_bool(const char *text, double *value) {
  static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no", "off", "0"};
  for (int i = 0; i < 4; i++) {
    if (strcasecmp(text, yes[i]) == 0) return *value = 1, true;
    if (strcasecmp(text, no[i]) == 0) return *value = 0, true;
  }
  return false;
}

static bool is_choice(const char *choices, const char *text) {
  const size_t n = strlen(text);
  for (const char *p = choices; p && n; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
    if (strncmp(p, text, n) == 0 && (p[n] == '|' || p[n] == '\0')) return true;
  return false;
}

static bool parse_number(const WbKey *key, const char *text, double *value) {
  if (strpbrk(text, "xXpP")) return false; /* no hexadecimal in decks */
  char *end = NULL;
  const double v = strtod(text, &end);
  if (end == text || *end != '\0' || !isfinite(v)) return false;
  if (key->type == WB_KEY_INT && v != floor(v)) return false;
  *value = v;
  return v >= key->min && v <= key->max;
}

bool wb_config_is_list(const WbKey *key) {
  return key->type == WB_KEY_LIST || key->type == WB_KEY_NUMBERS;
}

PetscErrorCode wb_config_set(WbConfig c, int i, const char *text, const char *where) {
  PetscFunctionBeginUser;
  const WbKey *key = &c->table[i];
  WbValue *v = &c->values[i];
  bool good = true;
  double number = 0;
  if (wb_config_is_list(key)) {
    /* on the command line: comma-separated */
    char *copy = strdup(text), *save = NULL;
    const char *items[1024];
    int n = 0;
    for (char *item = strtok_r(copy, ",", &save); item && n < 1024; item = strtok_r(NULL, ",", &save))
      items[n++] = item;
    const PetscErrorCode ierr = wb_config_set_list(c, i, n, items, where);
    free(copy);
    PetscCall(ierr);
    PetscFunctionReturn(0);
  }
  if (key->type == WB_KEY_REAL || key->type == WB_KEY_INT)
    good = parse_number(key, text, &number);
  else if (key->type == WB_KEY_BOOL)
    good = parse_bool(text, &number);
  else if (key->type == WB_KEY_CHOICE)
    good = is_choice(key->choices, text);
  if (!good) {
    char allowed[512];
    wb_config_allowed(key, allowed, sizeof allowed);
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: %s_%s is '%s'; allowed: %s", where, key->group, key->name, text, allowed);
  }
  char *copy = text[0] ? strdup(text) : NULL;
  free(v->text);
  v->text = copy;
  v->real = number;
  v->given = true;
  snprintf(v->where, sizeof v->where, "%s", where);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_config_set_list(WbConfig c, int i, int n, const char *const *items, const char *where) {
  PetscFunctionBeginUser;
  const WbKey *key = &c->table[i];
  WbValue *v = &c->values[i];
  double number = 0;
  for (int k = 0; k < n && key->type == WB_KEY_NUMBERS; k++)
    if (!parse_number(key, items[k], &number)) {
      char allowed[512];
      wb_config_allowed(key, allowed, sizeof allowed);
      WB_RAISE_ALL(WB_ERR_CONFIG, "%s: %s_%s has '%s'; allowed: %s", where, key->group, key->name, items[k], allowed);
    }
  for (int k = 0; k < v->n_items; k++) free(v->items[k]);
  free(v->items);
  v->items = calloc((size_t)n + 1, sizeof *v->items);
  v->n_items = n;
  for (int k = 0; k < n; k++) v->items[k] = strdup(items[k]);
  v->given = true;
  snprintf(v->where, sizeof v->where, "%s", where);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_config_unknown(WbConfig c, const char *group, const char *name, const char *where) {
  PetscFunctionBeginUser;
  const WbKey *near = wb_config_suggest(c->table, c->n_keys, group, name);
  if (near)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: unknown key %s_%s; did you mean %s_%s?", where, group, name, near->group,
                 near->name);
  char known[1024] = "";
  size_t used = 0;
  for (int i = 0; i < c->n_keys && used < sizeof known - 64; i++)
    if (strcmp(c->table[i].group, group) == 0)
      used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? " " : "", c->table[i].name);
  WB_RAISE_ALL(WB_ERR_CONFIG, "%s: unknown key %s_%s; allowed in %s: %s", where, group, name, group, known);
}
