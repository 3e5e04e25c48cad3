/* windbridge config: a deck (YAML) and the command line -> typed options by a table of keys; validation, help text.
 * Does not know what the options mean: the table is given by the caller. */
#ifndef WINDBRIDGE_CONFIG_H
#define WINDBRIDGE_CONFIG_H
#include "windbridge/core.h"

typedef enum {
  WB_KEY_REAL,
  WB_KEY_INT,
  WB_KEY_BOOL,
  WB_KEY_STRING,
  WB_KEY_CHOICE,
  WB_KEY_FILE,
  WB_KEY_LIST,   /* of texts */
  WB_KEY_NUMBERS /* list of numbers within min .. max */
} WbKeyType;
/* What a run that is continued (run_restart) may do with a key. A new key may not change until somebody says so. */
typedef enum {
  WB_CHANGE_NEVER, /* the results would not be one run's */
  WB_CHANGE_GROW,  /* a number that may become larger: what is there stays, more is added */
  WB_CHANGE_FREE   /* has no influence on the values of the results */
} WbKeyChange;
typedef struct {
  const char *group, *name; /* "les", "dx_m" -> -les_dx_m */
  WbKeyType type;
  const char *unit;     /* "m", "m s-1", "" */
  const char *fallback; /* default as text; "" = unset */
  double min, max;      /* REAL, INT, NUMBERS */
  const char *choices;  /* CHOICE: "linear|quadratic" */
  const char *commands; /* "forecast,les": commands that use it; "*": all */
  const char *help;
  WbKeyChange change;
} WbKey;

typedef struct WbConfig_s *WbConfig;
/* Collective on comm: rank 0 reads the deck (NULL: none), every rank gets the same. args: what follows the command on
 * the command line ("-group_key", "value", ...); options whose group is not in the table are left to PETSc. Errors:
 * WB_ERR_CONFIG, one line: deck:line, key, found, allowed, "did you mean". */
PetscErrorCode wb_config_create(MPI_Comm comm, const WbKey *table, int n_keys, const char *deck, int n_args,
                                char *const *args, WbConfig *config);
void wb_config_destroy(WbConfig *config);
double wb_config_real(WbConfig c, const char *group, const char *name);
long wb_config_int(WbConfig c, const char *group, const char *name);
bool wb_config_bool(WbConfig c, const char *group, const char *name);
const char *wb_config_text(WbConfig c, const char *group, const char *name); /* NULL when unset; owned by c */
int wb_config_list(WbConfig c, const char *group, const char *name, const char *const **items);
/* NUMBERS: the first `max` of them into values (NULL: none); returns how many are given (0: unset). */
int wb_config_numbers(WbConfig c, const char *group, const char *name, int max, double *values);
bool wb_config_given(WbConfig c, const char *group, const char *name); /* by deck or command line */
const char *wb_config_where(WbConfig c, const char *group,
                            const char *name); /* "deck.yaml:12" or "command line" or "default" */
/* The deck's petsc: group as "-option value" lines ("" when absent); owned by c. */
const char *wb_config_petsc(WbConfig c);
/* Resolved deck as YAML text (usable as a deck); caller frees with free(). */
char *wb_config_yaml(WbConfig c);
bool wb_config_used_by(const WbKey *key, const char *command);
/* Keys of a command in which two resolved decks (texts of wb_config_yaml) differ; numbers are compared as numbers, a
 * key that `before` lacks has its default there. list out: an array of that many, freed with
 * wb_config_differences_free. */
typedef struct {
  const WbKey *key;
  char *before, *now; /* as in a deck, without quotes; "unset" */
  bool grows;         /* a key that may grow has grown */
  bool allowed;       /* a continued run may do that */
} WbKeyDifference;
int wb_config_compare(const WbKey *table, int n_keys, const char *command, const char *before, const char *now,
                      WbKeyDifference **list);
void wb_config_differences_free(int n, WbKeyDifference **list);
void wb_config_print_help(const WbKey *table, int n_keys, const char *command); /* stdout */
#endif
