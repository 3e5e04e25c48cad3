/* The resolved deck as YAML, and the help text from the table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"

/* Plain when YAML reads it back as the same text, else double-quoted. */
static void print_scalar(FILE *out, const WbKey *key, const char *text) {
  const bool plain = key->type == WB_KEY_REAL || key->type == WB_KEY_INT || key->type == WB_KEY_BOOL ||
                     key->type == WB_KEY_CHOICE || key->type == WB_KEY_NUMBERS;
  if (plain) {
    fputs(text, out);
    return;
  }
  fputc('"', out);
  for (const char *p = text; *p; p++) {
    if (*p == '"' || *p == '\\') fputc('\\', out);
    if ((unsigned char)*p < 0x20)
      fprintf(out, "\\x%02x", (unsigned)*p);
    else
      fputc(*p, out);
  }
  fputc('"', out);
}

static void print_value(FILE *out, const WbKey *key, const WbValue *v) {
  if (wb_config_is_list(key)) {
    fputc('[', out);
    for (int k = 0; k < v->n_items; k++) {
      if (k) fputs(", ", out);
      print_scalar(out, key, v->items[k]);
    }
    fputc(']', out);
  } else if (v->text) {
    print_scalar(out, key, v->text);
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
    print_value(out, key, &c->values[i]);
    fputc('\n', out);
  }
  if (c->petsc && c->petsc[0]) {
    fputs("petsc:\n", out);
    for (const char *p = c->petsc; *p;) { /* "-name value" lines */
      const char *space = strchr(p, ' '), *end = strchr(p, '\n');
      fprintf(out, "  %.*s: \"%.*s\"\n", (int)(space - p - 1), p + 1, (int)(end - space - 1), space + 1);
      p = end + 1;
    }
  }
  fclose(out);
  return text;
}

static bool used_by(const WbKey *key, const char *command) {
  if (!command || strcmp(key->commands, "*") == 0) return true;
  const size_t n = strlen(command);
  for (const char *p = key->commands; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
    if (strncmp(p, command, n) == 0 && (p[n] == ',' || p[n] == '\0')) return true;
  return false;
}

void wb_config_print_help(const WbKey *table, int n_keys, const char *command) {
  const char *group = "";
  for (int i = 0; i < n_keys; i++) {
    const WbKey *key = &table[i];
    if (!used_by(key, command)) continue;
    if (strcmp(group, key->group) != 0) printf("\n%s:\n", group = key->group);
    char allowed[512];
    wb_config_allowed(key, allowed, sizeof allowed);
    char option[96];
    snprintf(option, sizeof option, "-%s_%s", key->group, key->name);
    printf("  %-34s %s\n  %-34s   %s; default %s\n", option, key->help, "", allowed,
           key->fallback && key->fallback[0] ? key->fallback : "unset");
  }
}
