/* A deck's YAML: a mapping of groups to mappings of keys to scalars (or lists of scalars), read with libyaml so that
 * every message can name its line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "config_internal.h"

static const char *scalar(const yaml_node_t *node) {
  return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static void place(char out[256], const char *deck, const yaml_node_t *node) {
  snprintf(out, 256, "%s:%zu", deck, node->start_mark.line + 1);
}

static PetscErrorCode set_sequence(WbConfig c, yaml_document_t *doc, int key, const yaml_node_t *node,
                                   const char *where) {
  PetscFunctionBeginUser;
  const char *items[1024];
  int n = 0;
  for (yaml_node_item_t *it = node->data.sequence.items.start; it < node->data.sequence.items.top; it++) {
    const char *text = scalar(yaml_document_get_node(doc, *it));
    if (!text || n == 1024)
      WB_RAISE_ALL(WB_ERR_CONFIG, "%s: %s_%s: a list of at most 1024 plain values is allowed", where,
                   c->table[key].group, c->table[key].name);
    items[n++] = text;
  }
  PetscCall(wb_config_set_list(c, key, n, items, where));
  PetscFunctionReturn(0);
}

static PetscErrorCode set_node(WbConfig c, yaml_document_t *doc, const char *deck, const char *group,
                               const yaml_node_t *key_node, const yaml_node_t *value) {
  PetscFunctionBeginUser;
  char where[256];
  place(where, deck, key_node);
  const char *name = scalar(key_node);
  if (!name) WB_RAISE_ALL(WB_ERR_CONFIG, "%s: a key of group %s must be a plain word", where, group);
  const int key = wb_config_find(c->table, c->n_keys, group, name);
  if (key < 0) PetscCall(wb_config_unknown(c, group, name, where));
  if (c->values[key].given && strcmp(c->values[key].where, "default") != 0)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: %s_%s is given twice (first at %s)", where, group, name, c->values[key].where);
  const char *text = scalar(value);
  if (!text && value->type == YAML_SEQUENCE_NODE && wb_config_is_list(&c->table[key])) {
    PetscCall(set_sequence(c, doc, key, value, where));
    PetscFunctionReturn(0);
  }
  if (!text) {
    char allowed[512];
    wb_config_allowed(&c->table[key], allowed, sizeof allowed);
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: %s_%s is a nested structure; allowed: %s", where, group, name, allowed);
  }
  const bool null = value->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                    (text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
  if (null) PetscFunctionReturn(0); /* keeps the default, as --print-config writes unset keys */
  PetscCall(wb_config_set(c, key, text, where));
  PetscFunctionReturn(0);
}

static PetscErrorCode keep_petsc(WbConfig c, yaml_document_t *doc, const char *deck, const yaml_node_t *map) {
  PetscFunctionBeginUser;
  char *lines = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&lines, &size);
  for (yaml_node_pair_t *p = map->data.mapping.pairs.start; out && p < map->data.mapping.pairs.top; p++) {
    const yaml_node_t *key = yaml_document_get_node(doc, p->key);
    const char *name = scalar(key), *value = scalar(yaml_document_get_node(doc, p->value));
    if (!name || !value) {
      fclose(out);
      free(lines);
      char where[256];
      place(where, deck, key);
      WB_RAISE_ALL(WB_ERR_CONFIG, "%s: petsc: only plain 'option: value' lines are allowed", where);
    }
    fprintf(out, "-%s %s\n", name, value);
  }
  if (out) fclose(out);
  free(c->petsc);
  c->petsc = lines;
  PetscFunctionReturn(0);
}

static PetscErrorCode set_group(WbConfig c, yaml_document_t *doc, const char *deck, const yaml_node_t *key_node,
                                const yaml_node_t *map) {
  PetscFunctionBeginUser;
  char where[256];
  place(where, deck, key_node);
  const char *group = scalar(key_node);
  const bool petsc = group && strcmp(group, "petsc") == 0;
  if (!group || (!petsc && !wb_config_is_group(c->table, c->n_keys, group, strlen(group)))) {
    char known[512] = "";
    size_t used = 0;
    for (int i = 0; i < c->n_keys; i++)
      if (i == 0 || strcmp(c->table[i].group, c->table[i - 1].group) != 0)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s ", c->table[i].group);
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: unknown group '%s'; allowed: %spetsc", where, group ? group : "?", known);
  }
  if (map->type == YAML_SCALAR_NODE && scalar(map)[0] == '\0') PetscFunctionReturn(0); /* an empty group */
  if (map->type != YAML_MAPPING_NODE)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: group %s must hold 'key: value' lines", where, group);
  if (petsc) {
    PetscCall(keep_petsc(c, doc, deck, map));
    PetscFunctionReturn(0);
  }
  for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++)
    PetscCall(
        set_node(c, doc, deck, group, yaml_document_get_node(doc, p->key), yaml_document_get_node(doc, p->value)));
  PetscFunctionReturn(0);
}

static PetscErrorCode set_document(WbConfig c, yaml_document_t *doc, const char *deck) {
  PetscFunctionBeginUser;
  const yaml_node_t *root = yaml_document_get_root_node(doc);
  if (!root) PetscFunctionReturn(0); /* an empty deck: all defaults */
  if (root->type != YAML_MAPPING_NODE)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s:1: a deck is a mapping of groups (run, city, les, ...)", deck);
  for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++)
    PetscCall(set_group(c, doc, deck, yaml_document_get_node(doc, p->key), yaml_document_get_node(doc, p->value)));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_config_parse_yaml(WbConfig c, const char *deck, const char *text) {
  PetscFunctionBeginUser;
  yaml_parser_t parser;
  if (!yaml_parser_initialize(&parser)) WB_RAISE_ALL(WB_ERR_CONFIG, "%s: out of memory", deck);
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
  yaml_document_t doc;
  if (!yaml_parser_load(&parser, &doc)) {
    char problem[256];
    snprintf(problem, sizeof problem, "%s", parser.problem ? parser.problem : "cannot be parsed");
    const size_t line = parser.problem_mark.line + 1, column = parser.problem_mark.column + 1;
    yaml_parser_delete(&parser);
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s:%zu: broken YAML at column %zu: %s", deck, line, column, problem);
  }
  const PetscErrorCode ierr = set_document(c, &doc, deck);
  yaml_document_delete(&doc);
  yaml_parser_delete(&parser);
  PetscFunctionReturn(ierr);
}
