/* Which keys have an effect: those that the command uses, beside the others as their condition says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"

bool wb_config_uses(const WbKey *key, const char *command) {
  if (!command || strcmp(key->commands, "*") == 0) return true;
  const size_t n = strlen(command);
  for (const char *p = key->commands; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
    if (strncmp(p, command, n) == 0 && (p[n] == ',' || p[n] == '\0')) return true;
  return false;
}

static bool is_set(WbConfig c, int i) {
  const WbDatum *d = wb_config_datum(c, i);
  switch (c->table[i].type) {
    case WB_KEY_LIST:
    case WB_KEY_NUMBERS:
      return d->n_items > 0;
    case WB_KEY_REAL:
    case WB_KEY_INT:
    case WB_KEY_BOOL:
      return d->text && d->real != 0;
    default:
      return d->text != NULL;
  }
}

/* Is the value one of "a|b" (n letters)? Numbers as numbers. */
static bool is_one_of(const WbKey *key, const WbDatum *d, const char *values, size_t n) {
  const bool number = key->type == WB_KEY_REAL || key->type == WB_KEY_INT;
  const size_t m = d->text ? strlen(d->text) : 0;
  for (size_t at = 0; at < n && m > 0;) {
    size_t end = at;
    while (end < n && values[end] != '|') end++;
    if (number ? strtod(values + at, NULL) == d->real : end - at == m && strncmp(values + at, d->text, m) == 0)
      return true;
    at = end + 1;
  }
  return false;
}

/* "@les": is it the command (n letters)? */
static bool is_command(const char *command, const char *text, size_t n) {
  return command && strlen(command) == n - 1 && strncmp(text + 1, command, n - 1) == 0;
}

/* One of the alternatives, n letters. A key that the table lacks is a bug of the table. */
static bool alternative(WbConfig c, const char *text, size_t n) {
  const bool no = text[0] == '!';
  const char *name = text + no, *end = text + n;
  size_t length = 0;
  while (name + length < end && name[length] != '=' && name[length] != '!') length++;
  if (*name == '@') return is_command(c->command, name, length) != no;
  const int i = wb_config_find_full(c->table, c->n_keys, name, length);
  if (i < 0) {
    fprintf(stderr, "windbridge: internal error: condition on %.*s, which is no key\n", (int)length, name);
    abort();
  }
  const char *rest = name + length;
  if (rest == end) return is_set(c, i) != no;
  const bool differs = *rest == '!';
  const char *values = rest + (differs ? 2 : 1);
  return is_one_of(&c->table[i], wb_config_datum(c, i), values, (size_t)(end - values)) != differs;
}

bool wb_config_holds(WbConfig c, WbKeyCondition condition) {
  for (const char *term = condition; term && *term;) {
    const size_t n = strcspn(term, " ");
    bool any = false;
    for (size_t at = 0; at < n && !any;) {
      const size_t m = strcspn(term + at, "/ ");
      any = alternative(c, term + at, m);
      at += m + 1;
    }
    if (!any) return false;
    term += n + strspn(term + n, " ");
  }
  return true;
}

/* One alternative in words: "no a", "a b or c", "a not b", "in les". */
static void print_alternative(FILE *out, const char *text, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (i == 0 && text[0] == '!')
      fputs(n > 1 && text[1] == '@' ? "not " : "no ", out);
    else if (text[i] == '@')
      fputs("in ", out);
    else if (text[i] == '!')
      fputs(" not", out);
    else if (text[i] == '=')
      fputs(" ", out);
    else if (text[i] == '|')
      fputs(" or ", out);
    else
      fputc(text[i], out);
  }
}

/* Is a term without meaning for the command: it always holds there? */
static bool always_holds(const WbKey *table, int n_keys, const char *command, const char *term, size_t n) {
  for (size_t at = 0; at < n && command;) {
    const size_t m = strcspn(term + at, "/ ");
    const bool no = term[at] == '!';
    const char *name = term + at + no;
    if (*name == '@' && is_command(command, name, m - no) != no) return true;
    const int i = wb_config_find_full(table, n_keys, name, m - no);
    if (no && i >= 0 && !wb_config_uses(&table[i], command)) return true;
    at += m + 1;
  }
  return false;
}

char *wb_config_condition_text(const WbKey *table, int n_keys, const char *command, WbKeyCondition condition) {
  char *text = NULL;
  size_t size = 0;
  bool first = true;
  FILE *out = open_memstream(&text, &size);
  for (const char *term = condition; term && *term && out;) {
    const size_t n = strcspn(term, " ");
    const bool said = !always_holds(table, n_keys, command, term, n);
    const char *between = first ? "" : " and ";
    for (size_t at = 0; at < n && said;) {
      const size_t m = strcspn(term + at, "/ ");
      const char *name = term + at + (term[at] == '!');
      if (*name != '@' || !command) { /* what is not the command is no way out */
        fputs(between, out);
        print_alternative(out, term + at, m);
        between = " or ";
        first = false;
      }
      at += m + 1;
    }
    term += n + strspn(term + n, " ");
  }
  if (out) fclose(out);
  return text;
}

const WbDatum *wb_config_datum(WbConfig c, int i) {
  const WbKey *key = &c->table[i];
  const WbValue *v = &c->values[i];
  return v->given && wb_config_uses(key, c->command) && wb_config_holds(c, key->when) ? &v->now : &v->fallback;
}

/* ---- what was given and changes nothing ---- */
static PetscErrorCode refuse_other_command(WbConfig c, const WbKey *key) {
  WB_RAISE_ALL(WB_ERR_CONFIG, "command line: -%s_%s is given, but %s does not use it; allowed with: %s", key->group,
               key->name, c->command, key->commands);
}

static PetscErrorCode refuse_condition(WbConfig c, const WbKey *key) {
  PetscFunctionBeginUser;
  char *when = wb_config_condition_text(c->table, c->n_keys, c->command, key->when);
  const PetscErrorCode ierr =
      WB_ERROR(WB_ERR_CONFIG, WB_ERROR_ALL, "command line: -%s_%s is given, but has no effect here; allowed with %s",
               key->group, key->name, when ? when : "");
  free(when);
  PetscFunctionReturn(ierr);
}

static void note_key(FILE *out, WbConfig c, const WbKey *key, bool used) {
  char *when = used ? wb_config_condition_text(c->table, c->n_keys, c->command, key->when) : NULL;
  if (used)
    fprintf(out, "%s_%s (has an effect with %s)", key->group, key->name, when ? when : "");
  else
    fprintf(out, "%s_%s (%s)", key->group, key->name, key->commands);
  free(when);
}

PetscErrorCode wb_config_unused(WbConfig c, char **note) {
  PetscFunctionBeginUser;
  size_t size = 0;
  int n = 0;
  *note = NULL;
  FILE *out = open_memstream(note, &size);
  PetscErrorCode ierr = 0;
  for (int i = 0; i < c->n_keys && out && !ierr; i++) {
    const WbKey *key = &c->table[i];
    const WbValue *v = &c->values[i];
    const bool used = wb_config_uses(key, c->command), same = wb_config_same(key, &v->now, &v->fallback);
    if (!v->given || (used && wb_config_holds(c, key->when)) || (same && (used || !v->on_command_line))) continue;
    if (v->on_command_line) {
      ierr = used ? refuse_condition(c, key) : refuse_other_command(c, key);
    } else {
      if (n++ > 0)
        fputs(", ", out);
      else
        fprintf(out, "keys of the deck without effect on %s: ", c->command ? c->command : "it");
      note_key(out, c, key, used);
    }
  }
  if (out) fclose(out);
  if (n > 0 && !ierr) PetscFunctionReturn(0);
  free(*note);
  *note = NULL;
  PetscFunctionReturn(ierr);
}

char *wb_config_unread(WbConfig c) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (!out) return NULL;
  const char *comma = "";
  for (int i = 0; i < c->n_keys; i++) {
    const WbKey *key = &c->table[i];
    const WbValue *v = &c->values[i];
    if (!v->given || v->read || !wb_config_uses(key, c->command) || !wb_config_holds(c, key->when)) continue;
    fprintf(out, "%s%s_%s", comma, key->group, key->name);
    comma = ", ";
  }
  fclose(out);
  return text;
}
