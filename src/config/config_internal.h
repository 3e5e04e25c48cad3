/* Inside of config: the table with its current values. */
#ifndef WB_CONFIG_INTERNAL_H
#define WB_CONFIG_INTERNAL_H
#include "windbridge/config.h"

typedef struct {
  char *text;   /* as it would stand in a deck; NULL = unset */
  char **items; /* LIST, NUMBERS: n_items strings */
  int n_items;
  double real; /* REAL, INT and BOOL as a number */
} WbDatum;
typedef struct {
  WbDatum now, fallback; /* as given (or the fallback again); the default */
  bool given, on_command_line;
  bool read;   /* somebody asked for it */
  char *where; /* "deck.yaml:12", "command line", "default" */
} WbValue;

struct WbConfig_s {
  const WbKey *table;
  int n_keys;
  const char *command;
  WbValue *values;
  char **petsc; /* name, value or NULL, ..., NULL: options for PETSc */
  int n_petsc;
  char *place; /* work: the last wb_config_place */
};

/* Index of group/name in the table, -1 when absent. */
int wb_config_find(const WbKey *table, int n_keys, const char *group, const char *name);
/* Index of "group_name" (n letters of it), -1 when absent. */
int wb_config_find_full(const WbKey *table, int n_keys, const char *full, size_t n);
bool wb_config_is_group(const WbKey *table, int n_keys, const char *group, size_t length);
bool wb_config_is_option(const char *arg); /* "-name", not "-1.5" */
/* Is the name (without dash) one of PETSc's options, as far as their prefixes tell? */
bool wb_config_is_petsc(const char *name);
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
/* The text "deck:line", valid until the next call. */
const char *wb_config_place(WbConfig c, const char *deck, size_t line);
/* Another option for PETSc; value may be NULL. */
PetscErrorCode wb_config_add_petsc(WbConfig c, const char *name, const char *value);
/* What is allowed for a key, in words; caller frees with free(). */
char *wb_config_allowed(const WbKey *key);
/* A copy with control characters and the like written as escapes, for one-line messages; caller frees. */
char *wb_config_visible(const char *text);

bool wb_config_uses(const WbKey *key, const char *command); /* command NULL: yes */
/* Does the condition hold (NULL: yes)? */
bool wb_config_holds(WbConfig c, WbKeyCondition condition);
/* The condition in words ("les_inflow synthetic or file"), without what always holds for the command (NULL: all of it);
 * "" when nothing is left. Caller frees with free(). */
char *wb_config_condition_text(const WbKey *table, int n_keys, const char *command, WbKeyCondition condition);
/* The value in force: the given one where the command uses it, else the default. */
const WbDatum *wb_config_datum(WbConfig c, int i);
bool wb_config_same(const WbKey *key, const WbDatum *a, const WbDatum *b);
void wb_config_free_datum(WbDatum *datum);
#endif
