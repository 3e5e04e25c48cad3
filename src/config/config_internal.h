/* Inside of config: the table with its current values. */
#ifndef WB_CONFIG_INTERNAL_H
#define WB_CONFIG_INTERNAL_H
#include "windbridge/config.h"

typedef struct {
  char *text;   /* as it would stand in a deck; NULL = unset */
  char **items; /* LIST, NUMBERS: n_items strings */
  int n_items;
  double real; /* REAL, INT and BOOL as a number */
  bool given;
  char where[256]; /* "deck.yaml:12", "command line", "default" */
} WbValue;

struct WbConfig_s {
  const WbKey *table;
  int n_keys;
  WbValue *values;
  char *petsc; /* the deck's petsc: group as YAML lines */
};

/* Index of group/name in the table, -1 when absent. */
int wb_config_find(const WbKey *table, int n_keys, const char *group, const char *name);
bool wb_config_is_group(const WbKey *table, int n_keys, const char *group, size_t length);
/* Nearest known key to a misspelt "group_name"; NULL when nothing is near. */
const WbKey *wb_config_suggest(const WbKey *table, int n_keys, const char *group, const char *name);
/* Set key i from a scalar text (checked for type, range and choice). */
PetscErrorCode wb_config_set(WbConfig c, int i, const char *text, const char *where);
bool wb_config_is_list(const WbKey *key); /* LIST or NUMBERS */
/* Such keys: replace the items by n texts. */
PetscErrorCode wb_config_set_list(WbConfig c, int i, int n, const char *const *items, const char *where);
PetscErrorCode wb_config_unknown(WbConfig c, const char *group, const char *name, const char *where);
/* Parse a deck's text (NUL-terminated) into c. */
PetscErrorCode wb_config_parse_yaml(WbConfig c, const char *deck, const char *text);
void wb_config_allowed(const WbKey *key, char *out, size_t size);
#endif
