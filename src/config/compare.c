/* Two resolved decks, as wb_config_yaml writes them, key by key: what a continued run has changed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "windbridge/config.h"

/* The value of group_name in a resolved deck; malloc'ed, NULL where the deck has no such key. */
static char *value_in(const char *deck, const char *group, const char *name) {
  const size_t n_group = strlen(group), n_name = strlen(name);
  bool inside = false;
  for (const char *line = deck; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
    const size_t n = strcspn(line, "\n");
    if (line[0] != ' ') {
      inside = n == n_group + 1 && strncmp(line, group, n_group) == 0 && line[n_group] == ':';
      continue;
    }
    const char *at = line + strspn(line, " ");
    if (inside && strncmp(at, name, n_name) == 0 && at[n_name] == ':') {
      at += n_name + 1;
      at += strspn(at, " ");
      return strndup(at, (size_t)(line + n - at));
    }
  }
  return NULL;
}

static bool is_unset(const char *text) {
  return !text || !text[0] || strcmp(text, "null") == 0 || strcmp(text, "[]") == 0;
}

/* Numbers, or lists of them, whatever way they are written. */
static bool same_numbers(const char *a, const char *b) {
  static const char between[] = "[], ";
  for (;;) {
    a += strspn(a, between), b += strspn(b, between);
    if (!*a || !*b) return !*a && !*b;
    char *end_a = NULL, *end_b = NULL;
    const double x = strtod(a, &end_a), y = strtod(b, &end_b);
    if (end_a == a || end_b == b || !(x == y)) return false;
    a = end_a, b = end_b;
  }
}

static bool same(const WbKey *key, const char *a, const char *b) {
  if (is_unset(a) || is_unset(b)) return is_unset(a) && is_unset(b);
  if (strcmp(a, b) == 0) return true;
  return (key->type == WB_KEY_REAL || key->type == WB_KEY_INT || key->type == WB_KEY_NUMBERS) && same_numbers(a, b);
}

bool wb_config_used_by(const WbKey *key, const char *command) {
  const size_t n = strlen(command);
  if (strcmp(key->commands, "*") == 0) return true;
  for (const char *p = key->commands; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
    if (strncmp(p, command, n) == 0 && (p[n] == ',' || p[n] == '\0')) return true;
  return false;
}

/* As people read it: no quotes, "unset" for nothing. */
static char *readable(const char *text) {
  if (is_unset(text)) return strdup("unset");
  const size_t n = strlen(text);
  return n >= 2 && text[0] == '"' && text[n - 1] == '"' ? strndup(text + 1, n - 2) : strdup(text);
}

static char *fallback_of(const WbKey *key) {
  char text[64];
  wb_config_fallback(key, text);
  return strdup(text);
}

int wb_config_compare(const WbKey *table, int n_keys, const char *command, const char *before, const char *now,
                      WbKeyDifference **list) {
  int n = 0;
  *list = calloc((size_t)n_keys + 1, sizeof **list);
  for (int i = 0; i < n_keys && *list; i++) {
    const WbKey *key = &table[i];
    if (!wb_config_used_by(key, command)) continue;
    char *a = value_in(before, key->group, key->name), *b = value_in(now, key->group, key->name);
    if (!a) a = fallback_of(key); /* a key that the program did not know then */
    if (!same(key, a, b)) {
      WbKeyDifference *d = &(*list)[n++];
      *d = (WbKeyDifference){.key = key, .before = readable(a), .now = readable(b)};
      d->grows = key->change == WB_CHANGE_GROW && !is_unset(a) && !is_unset(b) && strtod(b, NULL) > strtod(a, NULL);
      d->allowed = key->change == WB_CHANGE_FREE || d->grows;
    }
    free(a);
    free(b);
  }
  return n;
}

void wb_config_differences_free(int n, WbKeyDifference **list) {
  for (int i = 0; *list && i < n; i++) {
    free((*list)[i].before);
    free((*list)[i].now);
  }
  free(*list);
  *list = NULL;
}
