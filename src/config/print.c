/* The resolved deck as YAML, and the reference of the keys from the table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"

static void print_quoted(FILE *out, const char *text) {
  fputc('"', out);
  for (const char *p = text; *p; p++) {
    if (*p == '"' || *p == '\\') fputc('\\', out);
    fputc(*p, out); /* texts hold no control characters */
  }
  fputc('"', out);
}

/* Plain when YAML reads it back as the same text, else double-quoted. */
static void print_scalar(FILE *out, const WbKey *key, const char *text) {
  const bool plain = key->type == WB_KEY_REAL || key->type == WB_KEY_INT || key->type == WB_KEY_BOOL ||
                     key->type == WB_KEY_CHOICE || key->type == WB_KEY_NUMBERS;
  if (plain)
    fputs(text, out);
  else
    print_quoted(out, text);
}

/* What was given stands as it was, so that the deck may serve other commands, too. */
static void print_value(FILE *out, WbConfig c, int i) {
  const WbKey *key = &c->table[i];
  const WbValue *v = &c->values[i];
  const WbDatum *d = v->given ? &v->now : &v->fallback;
  if (wb_config_is_list(key)) {
    fputc('[', out);
    for (int k = 0; k < d->n_items; k++) {
      if (k) fputs(", ", out);
      print_scalar(out, key, d->items[k]);
    }
    fputc(']', out);
  } else if (d->text && (v->given || !key->from || !wb_config_holds(c, key->from))) {
    print_scalar(out, key, d->text);
  } else {
    fputs("null", out);
  }
}

char *wb_config_yaml(WbConfig c) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (!out) return NULL;
  const char *group = "";
  for (int i = 0; i < c->n_keys; i++) {
    const WbKey *key = &c->table[i];
    if (strcmp(group, key->group) != 0) fprintf(out, "%s:\n", group = key->group);
    fprintf(out, "  %s: ", key->name);
    print_value(out, c, i);
    fputc('\n', out);
  }
  if (c->n_petsc > 0) fputs("petsc:\n", out);
  for (int i = 0; i < c->n_petsc; i += 2) {
    bool again = false; /* the command line, which comes later, wins */
    for (int k = i + 2; k < c->n_petsc && !again; k += 2) again = strcmp(c->petsc[i], c->petsc[k]) == 0;
    if (again) continue;
    fprintf(out, "  %s: ", c->petsc[i] + 1);
    print_quoted(out, c->petsc[i + 1] ? c->petsc[i + 1] : "");
    fputc('\n', out);
  }
  fclose(out);
  return text;
}

void wb_config_print_help(const WbKey *table, int n_keys, const char *command) {
  const char *group = "";
  for (int i = 0; i < n_keys; i++) {
    const WbKey *key = &table[i];
    if (!wb_config_uses(key, command)) continue;
    if (strcmp(group, key->group) != 0) printf("\n%s:\n", group = key->group);
    char fallback[64], *allowed = wb_config_allowed(key),
                       *when = wb_config_condition_text(table, n_keys, command, key->when);
    const int width = 34 - (int)strlen(key->group) - 2;
    wb_config_fallback(key, fallback);
    printf("  -%s_%-*s %s\n  %-34s   %s; default %s", key->group, width, key->name, key->help, "",
           allowed ? allowed : "", fallback[0] ? fallback : "unset");
    printf("%s%s\n", when && when[0] ? "; with " : "", when ? when : "");
    free(allowed);
    free(when);
  }
}

/* Stars, bars and the like mean something in reStructuredText. */
static void print_escaped(const char *text) {
  for (; *text; text++) {
    if (strchr("*`|\\_", *text)) putchar('\\');
    putchar(*text);
  }
}

static void print_commands(const char *commands) {
  for (const char *p = commands; *p; p++) {
    putchar(*p);
    if (*p == ',') putchar(' ');
  }
}

static void print_rst_key(const WbKey *table, int n_keys, const WbKey *key) {
  char fallback[64], *allowed = wb_config_allowed(key),
                     *when = wb_config_condition_text(table, n_keys, NULL, key->when);
  wb_config_fallback(key, fallback);
  printf("\n``%s_%s``\n   ", key->group, key->name);
  print_escaped(key->help);
  printf(".\n\n   *");
  print_escaped(allowed ? allowed : "");
  printf("*; default ");
  if (fallback[0])
    printf("``%s``", fallback);
  else
    printf("unset");
  if (key->when) printf("; with ");
  print_escaped(when ? when : "");
  printf(". Used by ");
  print_commands(strcmp(key->commands, "*") == 0 ? "all" : key->commands);
  printf(".\n");
  free(allowed);
  free(when);
}

void wb_config_print_rst(const WbKey *table, int n_keys) {
  const char *group = "";
  for (int i = 0; i < n_keys; i++) {
    if (strcmp(group, table[i].group) != 0) {
      group = table[i].group;
      printf("\n%s\n", group);
      for (size_t k = 0; k < strlen(group); k++) putchar('-');
      putchar('\n');
    }
    print_rst_key(table, n_keys, &table[i]);
  }
}
