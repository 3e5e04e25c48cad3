/* A deck's YAML: one document, a mapping of groups to mappings of keys to scalars (or lists of scalars), read with
 * libyaml so that every message can name its line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "config_internal.h"

static const char *scalar(const yaml_node_t *node) {
  return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static bool is_null(const yaml_node_t *node) {
  const char *text = scalar(node);
  return text && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
         (text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

/* A scalar with a NUL inside would be cut there. */
static bool is_cut(const yaml_node_t *node) {
  return scalar(node) && strlen(scalar(node)) != node->data.scalar.length;
}

const char *wb_config_place(WbConfig c, const char *deck, size_t line) {
  const size_t room = strlen(deck) + 32;
  char *larger = realloc(c->place, room);
  if (!larger) return deck;
  c->place = larger;
  snprintf(c->place, room, "%s:%zu", deck, line);
  return c->place;
}

static const char *place(WbConfig c, const char *deck, const yaml_node_t *node) {
  return wb_config_place(c, deck, node->start_mark.line + 1);
}

static PetscErrorCode set_sequence(WbConfig c, yaml_document_t *doc, int key, const yaml_node_t *node,
                                   const char *where) {
  PetscFunctionBeginUser;
  const yaml_node_item_t *first = node->data.sequence.items.start;
  const int n = (int)(node->data.sequence.items.top - first);
  const char **items = calloc((size_t)n + 1, sizeof *items);
  PetscErrorCode ierr = 0;
  for (int k = 0; k < n && items && !ierr; k++) {
    const yaml_node_t *item = yaml_document_get_node(doc, first[k]);
    items[k] = scalar(item);
    if (!items[k] || is_null(item) || is_cut(item))
      ierr = WB_ERROR(WB_ERR_CONFIG, WB_ERROR_ALL,
                      "%s: %s_%s: entry %d is empty or no plain value; a list of plain values is allowed", where,
                      c->table[key].group, c->table[key].name, k + 1);
  }
  if (!items) WB_RAISE(WB_ERR_CONFIG, "%s: out of memory", where);
  if (!ierr) ierr = wb_config_set_list(c, key, n, items, where);
  free(items);
  PetscFunctionReturn(ierr);
}

static PetscErrorCode refuse_structure(const WbKey *key, const char *where) {
  PetscFunctionBeginUser;
  char *allowed = wb_config_allowed(key);
  const PetscErrorCode ierr = WB_ERROR(WB_ERR_CONFIG, WB_ERROR_ALL, "%s: %s_%s is a nested structure; allowed: %s",
                                       where, key->group, key->name, allowed ? allowed : "a plain value");
  free(allowed);
  PetscFunctionReturn(ierr);
}

static PetscErrorCode set_node(WbConfig c, yaml_document_t *doc, const char *deck, const char *group,
                               const yaml_node_t *key_node, const yaml_node_t *value) {
  PetscFunctionBeginUser;
  const char *name = scalar(key_node), *where = place(c, deck, key_node);
  if (!name || is_cut(key_node))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: a key of group %s must be a plain word", where, group);
  if (strcmp(name, "<<") == 0)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: merge keys (<<) are not read in decks; write the keys of group %s out", where,
                 group);
  const int key = wb_config_find(c->table, c->n_keys, group, name);
  if (key < 0) PetscCall(wb_config_unknown(c, group, name, where));
  if (c->values[key].given)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: %s_%s is given twice (first at %s)", where, group, name, c->values[key].where);
  if (value->type == YAML_SEQUENCE_NODE && wb_config_is_list(&c->table[key])) {
    PetscCall(set_sequence(c, doc, key, value, where));
    PetscFunctionReturn(0);
  }
  if (!scalar(value)) PetscCall(refuse_structure(&c->table[key], where));
  if (is_cut(value))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: %s_%s holds a zero byte; allowed: text of one line", where, group, name);
  if (!is_null(value)) /* null keeps the default: so --print-config writes unset keys */
    PetscCall(wb_config_set(c, key, scalar(value), where));
  PetscFunctionReturn(0);
}

/* ---- the petsc: group ---- */
static bool is_petsc_name(const char *name) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  return name && name[0] && strspn(name, letters) == strlen(name) && !(name[0] >= '0' && name[0] <= '9');
}

static bool has_control(const char *text) {
  for (; *text; text++)
    if ((unsigned char)*text < 0x20 || *text == 0x7f) return true;
  return false;
}

static PetscErrorCode keep_option(WbConfig c, const char *deck, const yaml_node_t *key, const yaml_node_t *value) {
  PetscFunctionBeginUser;
  const char *name = scalar(key), *text = scalar(value), *where = place(c, deck, key);
  char *option = NULL;
  if (!is_petsc_name(name) || is_cut(key) || !text || is_cut(value) || has_control(text))
    WB_RAISE_ALL(
        WB_ERR_CONFIG,
        "%s: petsc: only 'option: value' lines are allowed (a name of letters, digits and underscores, without "
        "its dash; a value of one line)",
        where);
  const char *split = strchr(name, '_');
  if (split && wb_config_is_group(c->table, c->n_keys, name, (size_t)(split - name)))
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: petsc: %s is no option of PETSc; keys of windbridge stand in their own group",
                 where, name);
  const size_t room = strlen(name) + 2;
  option = malloc(room);
  if (!option) WB_RAISE(WB_ERR_CONFIG, "%s: out of memory", where);
  snprintf(option, room, "-%s", name);
  for (int i = 0; i < c->n_petsc; i += 2)
    if (strcmp(c->petsc[i], option) == 0) {
      free(option);
      WB_RAISE_ALL(WB_ERR_CONFIG, "%s: petsc: %s is given twice", where, name);
    }
  const PetscErrorCode ierr = wb_config_add_petsc(c, option, is_null(value) || !text[0] ? NULL : text);
  free(option);
  PetscFunctionReturn(ierr);
}

/* ---- groups ---- */
static PetscErrorCode unknown_group(WbConfig c, const char *group, const char *where) {
  PetscFunctionBeginUser;
  char *known = NULL, *shown = wb_config_visible(group ? group : "?");
  size_t size = 0;
  FILE *out = open_memstream(&known, &size);
  for (int i = 0; i < c->n_keys && out; i++)
    if (i == 0 || strcmp(c->table[i].group, c->table[i - 1].group) != 0) fprintf(out, "%s ", c->table[i].group);
  if (out) fclose(out);
  const PetscErrorCode ierr = WB_ERROR(WB_ERR_CONFIG, WB_ERROR_ALL, "%s: unknown group '%s'; allowed: %spetsc", where,
                                       shown ? shown : "", known ? known : "");
  free(known);
  free(shown);
  PetscFunctionReturn(ierr);
}

static PetscErrorCode set_group(WbConfig c, yaml_document_t *doc, const char *deck, const yaml_node_t *key_node,
                                const yaml_node_t *map) {
  PetscFunctionBeginUser;
  const char *where = place(c, deck, key_node), *group = scalar(key_node);
  const bool petsc = group && strcmp(group, "petsc") == 0;
  if (group && strcmp(group, "<<") == 0)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: merge keys (<<) are not read in decks; write the groups out", where);
  if (!group || is_cut(key_node) || (!petsc && !wb_config_is_group(c->table, c->n_keys, group, strlen(group))))
    PetscCall(unknown_group(c, group, where));
  if (is_null(map)) PetscFunctionReturn(0); /* an empty group */
  if (map->type != YAML_MAPPING_NODE)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: group %s must hold 'key: value' lines", where, group);
  for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
    const yaml_node_t *key = yaml_document_get_node(doc, p->key), *value = yaml_document_get_node(doc, p->value);
    PetscCall(petsc ? keep_option(c, deck, key, value) : set_node(c, doc, deck, group, key, value));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode set_document(WbConfig c, yaml_document_t *doc, const char *deck) {
  PetscFunctionBeginUser;
  const yaml_node_t *root = yaml_document_get_root_node(doc);
  if (!root || is_null(root)) PetscFunctionReturn(0); /* an empty deck: all defaults */
  if (root->type != YAML_MAPPING_NODE)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: a deck is a mapping of groups (run, city, les, ...)", place(c, deck, root));
  const yaml_node_pair_t *first = root->data.mapping.pairs.start;
  for (const yaml_node_pair_t *p = first; p < root->data.mapping.pairs.top; p++) {
    const yaml_node_t *key = yaml_document_get_node(doc, p->key);
    for (const yaml_node_pair_t *q = first; q < p; q++) {
      const yaml_node_t *other = yaml_document_get_node(doc, q->key);
      if (scalar(key) && scalar(other) && strcmp(scalar(key), scalar(other)) == 0)
        WB_RAISE_ALL(WB_ERR_CONFIG, "%s: group %.64s stands twice (first in line %zu)", place(c, deck, key),
                     scalar(key), other->start_mark.line + 1);
    }
    PetscCall(set_group(c, doc, deck, key, yaml_document_get_node(doc, p->value)));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode broken(WbConfig c, const char *deck, const yaml_parser_t *parser) {
  PetscFunctionBeginUser;
  const char *problem = parser->problem ? parser->problem : "cannot be parsed";
  if (parser->error == YAML_READER_ERROR)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: not a text in UTF-8 at byte %zu: %s", deck, parser->problem_offset + 1, problem);
  WB_RAISE_ALL(WB_ERR_CONFIG, "%s: broken YAML at column %zu: %s",
               wb_config_place(c, deck, parser->problem_mark.line + 1), parser->problem_mark.column + 1, problem);
}

/* After the first document nothing may follow but empty ones. */
static PetscErrorCode parse(WbConfig c, const char *deck, yaml_parser_t *parser) {
  PetscFunctionBeginUser;
  for (int n = 0;; n++) {
    yaml_document_t doc;
    if (!yaml_parser_load(parser, &doc)) PetscCall(broken(c, deck, parser));
    const yaml_node_t *root = yaml_document_get_root_node(&doc);
    const bool end = !root;
    PetscErrorCode ierr = 0;
    if (n > 0 && root && !is_null(root))
      ierr = WB_ERROR(WB_ERR_CONFIG, WB_ERROR_ALL,
                      "%s: a second YAML document begins here; a deck is one document (leave the '---' out)",
                      wb_config_place(c, deck, doc.start_mark.line + 1));
    else if (n == 0)
      ierr = set_document(c, &doc, deck);
    yaml_document_delete(&doc);
    PetscCall(ierr);
    if (end) PetscFunctionReturn(0);
  }
}

PetscErrorCode wb_config_parse_yaml(WbConfig c, const char *deck, const char *text) {
  PetscFunctionBeginUser;
  yaml_parser_t parser;
  if (!yaml_parser_initialize(&parser)) WB_RAISE_ALL(WB_ERR_CONFIG, "%s: out of memory", deck);
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
  const PetscErrorCode ierr = parse(c, deck, &parser);
  yaml_parser_delete(&parser);
  PetscFunctionReturn(ierr);
}
