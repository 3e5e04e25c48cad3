/* Checking one value against its key: type, range, choice. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_internal.h"

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
  if (strpbrk(text, "xXpP") || isspace((unsigned char)text[0])) return false; /* no hexadecimal in decks */
  char *end = NULL;
  const double v = strtod(text, &end);
  if (end == text || *end != '\0' || !isfinite(v)) return false;
  if (key->type == WB_KEY_INT && v != floor(v)) return false;
  *value = v;
  return v >= key->min && v <= key->max;
}

/* One line of UTF-8 without control characters: what a path, an attribute and a printed deck can hold. */
static bool is_plain_text(const char *text) {
  for (const unsigned char *p = (const unsigned char *)text; *p;) {
    const int more = *p < 0x80                 ? 0
                     : *p >= 0xC2 && *p < 0xE0 ? 1
                     : *p >= 0xE0 && *p < 0xF0 ? 2
                     : *p >= 0xF0 && *p < 0xF5 ? 3
                                               : -1;
    if (more < 0 || *p < 0x20 || *p == 0x7f) return false;
    if (*p == 0xC2 && p[1] < 0xA0) return false; /* the second set of control characters */
    for (int i = 1; i <= more; i++)
      if ((p[i] & 0xC0) != 0x80) return false;
    p += more + 1;
  }
  return true;
}

bool wb_config_is_list(const WbKey *key) {
  return key->type == WB_KEY_LIST || key->type == WB_KEY_NUMBERS;
}

static PetscErrorCode refuse(const WbKey *key, const char *where, const char *verb, const char *text,
                             const char *allowed) {
  char *shown = wb_config_visible(text), *known = allowed ? NULL : wb_config_allowed(key);
  const PetscErrorCode ierr = WB_ERROR(WB_ERR_CONFIG, WB_ERROR_ALL, "%s: %s_%s %s '%s'; allowed: %s", where, key->group,
                                       key->name, verb, shown ? shown : "",
                                       allowed ? allowed
                                       : known ? known
                                               : "");
  free(shown);
  free(known);
  return ierr;
}

static PetscErrorCode refuse_long(const WbKey *key, const char *where, const char *text) {
  char *shown = wb_config_visible(text);
  const PetscErrorCode ierr =
      wb_error_raise(WB_ERR_CONFIG, WB_ERROR_ALL, __func__, __FILE__, __LINE__,
                     "%s: %s_%s is '%s', %zu bytes long; allowed: at most %d", where, key->group, key->name,
                     shown ? shown : "", strlen(text), WB_CONFIG_TEXT_MAX);
  free(shown);
  return ierr;
}

static PetscErrorCode out_of_memory(void) {
  WB_RAISE(WB_ERR_CONFIG, "out of memory while the deck is read");
}

/* The value holds from now on. */
static PetscErrorCode given(WbValue *v, const char *where) {
  char *copy = strdup(where);
  PetscFunctionBeginUser;
  if (!copy) PetscCall(out_of_memory());
  free(v->where);
  v->where = copy;
  v->given = true;
  v->on_command_line = strcmp(where, "command line") == 0;
  PetscFunctionReturn(0);
}

/* On the command line: comma-separated. An empty text is an empty list. */
static PetscErrorCode set_from_commas(WbConfig c, int i, const char *text, const char *where) {
  PetscFunctionBeginUser;
  int n = text[0] ? 1 : 0;
  for (const char *p = text; *p; p++) n += *p == ',';
  char *copy = strdup(text);
  const char **items = calloc((size_t)n + 1, sizeof *items);
  PetscErrorCode ierr = copy && items ? 0 : out_of_memory();
  char *rest = copy;
  for (int k = 0; k < n && !ierr; k++) {
    items[k] = strsep(&rest, ",");
    if (!items[k][0]) ierr = refuse(&c->table[i], where, "is", text, "a list without empty entries");
  }
  if (!ierr) ierr = wb_config_set_list(c, i, n, items, where);
  free(items);
  free(copy);
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_config_set(WbConfig c, int i, const char *text, const char *where) {
  PetscFunctionBeginUser;
  const WbKey *key = &c->table[i];
  WbValue *v = &c->values[i];
  bool good = true;
  double number = 0;
  if (wb_config_is_list(key)) {
    PetscCall(set_from_commas(c, i, text, where));
    PetscFunctionReturn(0);
  }
  if (key->type == WB_KEY_REAL || key->type == WB_KEY_INT)
    good = parse_number(key, text, &number);
  else if (key->type == WB_KEY_BOOL)
    good = parse_bool(text, &number);
  else if (key->type == WB_KEY_CHOICE)
    good = is_choice(key->choices, text);
  else if (!is_plain_text(text))
    PetscCall(refuse(key, where, "is", text, "one line of text (UTF-8) without control characters"));
  else if (strlen(text) > WB_CONFIG_TEXT_MAX)
    PetscCall(refuse_long(key, where, text));
  else
    good = text[0] != '\0'; /* an unset variable of a script, most likely; null in a deck is for unset keys */
  if (!good) PetscCall(refuse(key, where, "is", text, NULL));
  char *copy = strdup(text);
  if (!copy) PetscCall(out_of_memory());
  wb_config_free_datum(&v->now);
  v->now.text = copy;
  v->now.real = number;
  PetscCall(given(v, where));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_config_set_list(WbConfig c, int i, int n, const char *const *items, const char *where) {
  PetscFunctionBeginUser;
  const WbKey *key = &c->table[i];
  WbValue *v = &c->values[i];
  double number = 0, before = -INFINITY;
  for (int k = 0; k < n; k++) {
    if (key->type == WB_KEY_NUMBERS && !parse_number(key, items[k], &number))
      PetscCall(refuse(key, where, "has", items[k], NULL));
    if (key->type == WB_KEY_LIST && (!items[k][0] || !is_plain_text(items[k])))
      PetscCall(refuse(key, where, "has", items[k], "lines of text (UTF-8) without control characters"));
    if (strlen(items[k]) > WB_CONFIG_TEXT_MAX) PetscCall(refuse_long(key, where, items[k]));
    if (key->rising && !(number > before))
      WB_RAISE_ALL(WB_ERR_CONFIG, "%s: %s_%s has %g after %g; allowed: increasing values", where, key->group, key->name,
                   number, before);
    before = number;
  }
  char **copies = calloc((size_t)n + 1, sizeof *copies);
  bool good = copies != NULL;
  for (int k = 0; k < n && good; k++) {
    copies[k] = strdup(items[k]);
    good = copies[k] != NULL;
  }
  wb_config_free_datum(&v->now);
  v->now.items = copies;
  v->now.n_items = good ? n : 0;
  if (!good) PetscCall(out_of_memory());
  PetscCall(given(v, where));
  PetscFunctionReturn(0);
}

void wb_config_free_datum(WbDatum *d) {
  free(d->text);
  for (int k = 0; k < d->n_items; k++) free(d->items[k]);
  free(d->items);
  *d = (WbDatum){0};
}

static bool same_number(const char *a, const char *b) {
  return strtod(a, NULL) == strtod(b, NULL);
}

bool wb_config_same(const WbKey *key, const WbDatum *a, const WbDatum *b) {
  if (wb_config_is_list(key)) {
    bool same = a->n_items == b->n_items;
    for (int k = 0; k < a->n_items && same; k++)
      same =
          key->type == WB_KEY_NUMBERS ? same_number(a->items[k], b->items[k]) : strcmp(a->items[k], b->items[k]) == 0;
    return same;
  }
  if (!a->text || !b->text) return a->text == b->text;
  if (key->type == WB_KEY_REAL || key->type == WB_KEY_INT || key->type == WB_KEY_BOOL) return a->real == b->real;
  return strcmp(a->text, b->text) == 0;
}
