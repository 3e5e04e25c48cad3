/* Structs of options from the table: defaults and values. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"

/* Shortest text that reads back as the same number. */
static void format_number(double value, char text[64]) {
  for (int digits = 6; digits <= 17; digits++) {
    snprintf(text, 64, "%.*g", digits, value);
    if (strtod(text, NULL) == value) return;
  }
}

/* The n letters of choice number k. */
static const char *choice(const char *choices, unsigned k, size_t *n) {
  const char *p = choices;
  for (; p && k > 0; k--) p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL;
  *n = p ? strcspn(p, "|") : 0;
  return p ? p : "";
}

static unsigned place_of(const char *choices, const char *text) {
  size_t n = 1;
  for (unsigned k = 0; n > 0; k++) {
    const char *p = choice(choices, k, &n);
    if (n == strlen(text) && strncmp(p, text, n) == 0) return k;
  }
  return 0;
}

static void format_member(const WbKey *key, const void *options, char text[64]) {
  const char *at = (const char *)options + key->member.at;
  size_t n = 0;
  text[0] = '\0';
  if (key->type == WB_KEY_CHOICE && key->member.store != WB_STORE_TEXT) {
    const bool flag = key->member.store == WB_STORE_BOOL;
    const unsigned place = flag ? *(const bool *)(const void *)at : *(const unsigned *)(const void *)at;
    const char *p = choice(key->choices, place, &n);
    snprintf(text, 64, "%.*s", (int)n, p);
    return;
  }
  switch (key->member.store) {
    case WB_STORE_DOUBLE:
      if (*(const double *)(const void *)at == *(const double *)(const void *)at) /* NaN: unset */
        format_number(*(const double *)(const void *)at, text);
      break;
    case WB_STORE_INT:
      snprintf(text, 64, "%d", *(const int *)(const void *)at);
      break;
    case WB_STORE_LONG:
      snprintf(text, 64, "%ld", *(const long *)(const void *)at);
      break;
    case WB_STORE_UNSIGNED:
      snprintf(text, 64, "%u", *(const unsigned *)(const void *)at);
      break;
    case WB_STORE_BOOL:
      snprintf(text, 64, "%s", *(const bool *)(const void *)at ? "true" : "false");
      break;
    case WB_STORE_TEXT: {
      const char *value = *(const char *const *)(const void *)at;
      snprintf(text, 64, "%s", value ? value : "");
      break;
    }
    default: /* lists are empty */
      break;
  }
}

void wb_config_fallback(const WbKey *key, char text[64]) {
  text[0] = '\0';
  if (key->fallback) {
    snprintf(text, 64, "%s", key->fallback);
    return;
  }
  if (!key->member.in) return;
  void *options = calloc(1, key->member.in->size);
  if (!options) return;
  if (key->member.in->defaults) key->member.in->defaults(options);
  format_member(key, options, text);
  free(options);
}

static PetscErrorCode store_numbers(const WbKey *key, const WbDatum *d, const char *where, void *options) {
  const WbKeyMember *m = &key->member;
  double *at = (double *)(void *)((char *)options + m->at);
  PetscFunctionBeginUser;
  if (d->n_items > m->most)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: %s_%s has %d entries; allowed: at most %d", where, key->group, key->name,
                 d->n_items, m->most);
  for (int k = 0; k < d->n_items; k++) at[k] = strtod(d->items[k], NULL);
  if (m->count_at != SIZE_MAX) *(int *)(void *)((char *)options + m->count_at) = d->n_items;
  PetscFunctionReturn(0);
}

/* An unset number leaves what the struct's defaults made. */
static PetscErrorCode store(const WbKey *key, const WbDatum *d, const char *where, void *options) {
  char *at = (char *)options + key->member.at;
  PetscFunctionBeginUser;
  if (key->member.store == WB_STORE_NUMBERS) {
    PetscCall(store_numbers(key, d, where, options));
    PetscFunctionReturn(0);
  }
  if (key->member.store == WB_STORE_TEXT) *(const char **)(void *)at = d->text;
  if (!d->text) PetscFunctionReturn(0);
  const unsigned place = key->type == WB_KEY_CHOICE ? place_of(key->choices, d->text) : (unsigned)fmax(d->real, 0);
  switch (key->member.store) {
    case WB_STORE_DOUBLE:
      *(double *)(void *)at = d->real;
      break;
    case WB_STORE_INT:
      *(int *)(void *)at = (int)d->real;
      break;
    case WB_STORE_LONG:
      *(long *)(void *)at = (long)d->real;
      break;
    case WB_STORE_UNSIGNED:
      *(unsigned *)(void *)at = place;
      break;
    case WB_STORE_BOOL:
      *(bool *)(void *)at = place != 0;
      break;
    default:
      break;
  }
  PetscFunctionReturn(0);
}

/* Lists that go side by side have as many entries. */
static PetscErrorCode check_like(WbConfig c, int i, int n) {
  const WbKey *key = &c->table[i];
  PetscFunctionBeginUser;
  if (!key->like) PetscFunctionReturn(0);
  const int other = wb_config_find(c->table, c->n_keys, key->group, key->like);
  const int wanted = wb_config_datum(c, other)->n_items;
  if (n != wanted && !(key->optional && n == 0))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: %s_%s has %d entries; allowed: as many as %s_%s, %d", c->values[i].where,
                 key->group, key->name, n, key->group, key->like, wanted);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_config_fill(WbConfig c, const WbKeyStruct *keys, void *options) {
  PetscFunctionBeginUser;
  memset(options, 0, keys->size);
  if (keys->defaults) keys->defaults(options);
  for (int i = 0; i < c->n_keys; i++) {
    const WbKey *key = &c->table[i];
    if (key->member.in != keys) continue;
    const WbDatum *d = wb_config_datum(c, i);
    c->values[i].read = true;
    PetscCall(store(key, d, c->values[i].where, options));
    if (wb_config_uses(key, c->command) && wb_config_holds(c, key->when)) PetscCall(check_like(c, i, d->n_items));
  }
  PetscFunctionReturn(0);
}
