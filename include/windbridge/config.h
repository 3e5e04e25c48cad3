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

/* A struct of options that keys fill. defaults: makes it as it is without any key (NULL: zeros); the keys of its
 * members then need no default of their own, so that each stands once. */
typedef struct {
  size_t size;
  void (*defaults)(void *options);
} WbKeyStruct;

/* Where a key's value goes: a member of such a struct. WB_STORE_NONE: it is asked for by name. */
typedef enum {
  WB_STORE_NONE,
  WB_STORE_DOUBLE,
  WB_STORE_INT,
  WB_STORE_LONG,
  WB_STORE_UNSIGNED, /* uint32_t, or an enum: the place of a CHOICE in its list */
  WB_STORE_BOOL,
  WB_STORE_TEXT, /* const char *, borrowed from the configuration; NULL when unset */
  WB_STORE_NUMBERS
} WbStore;
typedef struct {
  const WbKeyStruct *in;
  size_t at;
  size_t count_at; /* NUMBERS: of the int that tells how many there are (SIZE_MAX: nobody counts them) */
  WbStore store;
  int most; /* NUMBERS: room for so many */
} WbKeyMember;

/* In a row of the table: .member = WB_MEMBER(&wb_x_struct, WbX, member) */
#define WB_STORE_OF(object) \
  _Generic((object),             \
      double: WB_STORE_DOUBLE,   \
      int: WB_STORE_INT,         \
      long: WB_STORE_LONG,       \
      unsigned: WB_STORE_UNSIGNED, \
      bool: WB_STORE_BOOL,       \
      const char *: WB_STORE_TEXT, \
      double *: WB_STORE_NUMBERS)
#define WB_MEMBER_AT(keys, Type, member, count, room)                                                           \
  {                                                                                                             \
    .in = (keys), .at = offsetof(Type, member), .store = WB_STORE_OF(((Type *)0)->member), .count_at = (count), \
    .most = (int)(room)                                                                                         \
  }
#define WB_MEMBER_ROOM(Type, member) (sizeof((Type *)0)->member / sizeof *((Type *)0)->member)
#define WB_MEMBER(keys, Type, member) WB_MEMBER_AT(keys, Type, member, SIZE_MAX, 0)
#define WB_MEMBER_LIST(keys, Type, member, count) \
  WB_MEMBER_AT(keys, Type, member, offsetof(Type, count), WB_MEMBER_ROOM(Type, member))
#define WB_MEMBER_ARRAY(keys, Type, member) WB_MEMBER_AT(keys, Type, member, SIZE_MAX, WB_MEMBER_ROOM(Type, member))

/* A condition on other keys, a text: terms that must all hold, separated by blanks; each is one or more of the
 * following joined by '/', of which one must hold: group_key      is set: true, a text, a list with entries, a number
 * given by deck or command line !group_key     is not group_key=a|b  has one of these values (group_key!=a|b: none of
 * them)
 *   @command       is the command; !@command is not */
typedef const char *WbKeyCondition;

typedef struct {
  const char *group, *name; /* "les", "dx_m" -> -les_dx_m */
  WbKeyType type;
  WbKeyChange change;
  const char *unit;     /* "m", "m s-1", "" */
  const char *fallback; /* default as text; "" = unset; NULL = what the member's struct has without keys */
  double min, max;      /* REAL, INT, NUMBERS */
  const char *choices;  /* CHOICE: "linear|quadratic" */
  const char *commands; /* "forecast,les": commands that use it; "*": all */
  const char *help;
  WbKeyMember member;
  WbKeyCondition when; /* only then has the key an effect; else it counts as not given. NULL: always */
  WbKeyCondition from; /* then, where it is not given, its value comes from elsewhere than the default */
  const char *like;    /* NUMBERS: has as many entries as this key of the group, */
  bool optional;       /* or none */
  bool rising;         /* NUMBERS: each entry is larger than the one before */
} WbKey;

/* Longest text of a key in bytes: a path with a file's name behind it must have room. */
enum { WB_CONFIG_TEXT_MAX = 900 };

typedef struct WbConfig_s *WbConfig;
/* Collective on comm: rank 0 reads the deck (NULL: none), every rank gets the same. command: only its keys are used
 * (NULL: all). args: what follows the command on the command line ("-group_key", "value", ...), as wb_config_split left
 * it; options whose group is not in the table are PETSc's. Errors: WB_ERR_CONFIG, one line: deck:line, key, found,
 * allowed, "did you mean". *config is to be destroyed after an error, too. */
PetscErrorCode wb_config_create(MPI_Comm comm, const WbKey *table, int n_keys, const char *command, const char *deck,
                                int n_args, char *const *args, WbConfig *config);
void wb_config_destroy(WbConfig *config);
/* From now on it is another command's: one whose work the first does here. Borrowed. */
void wb_config_as(WbConfig c, const char *command);
/* Finds the deck among what follows the command, wherever it stands, and takes it out of args (n_args out). A word
 * after an option is its value, unless it looks like a deck (.yaml, .yml) behind an option that wants no value. Errors:
 * WB_ERR_CONFIG (two decks; a word that may be either). deck out: NULL when there is none. */
PetscErrorCode wb_config_split(const WbKey *table, int n_keys, int *n_args, char **args, const char **deck);

/* The options of a struct: its defaults, then the keys of the table that go there. Texts are borrowed from c. Errors:
 * WB_ERR_CONFIG (lists that do not fit each other). */
PetscErrorCode wb_config_fill(WbConfig c, const WbKeyStruct *keys, void *options);

/* A key that the command does not use, or that has no effect beside the others, reads as its default everywhere. */
double wb_config_real(WbConfig c, const char *group, const char *name);
long wb_config_int(WbConfig c, const char *group, const char *name);
bool wb_config_bool(WbConfig c, const char *group, const char *name);
const char *wb_config_text(WbConfig c, const char *group, const char *name); /* NULL when unset; owned by c */
int wb_config_list(WbConfig c, const char *group, const char *name, const char *const **items);
/* NUMBERS: the first `max` of them into values (NULL: none); returns how many are given (0: unset). */
int wb_config_numbers(WbConfig c, const char *group, const char *name, int max, double *values);
bool wb_config_given(WbConfig c, const char *group, const char *name); /* by deck or command line, and used */
const char *wb_config_where(WbConfig c, const char *group,
                            const char *name); /* "deck.yaml:12" or "command line" or "default" */

/* Keys that were given and change nothing. On the command line they are refused (WB_ERR_CONFIG: the key, and which
 * commands use it or beside what it has an effect). In a deck, which may serve several commands, those with another
 * value than the default are listed: *note out, one line for people, or NULL; caller frees with free(). Not collective:
 * all ranks know the same. */
PetscErrorCode wb_config_unused(WbConfig c, char **note);
/* Keys that were given and should have an effect, but that nobody has read: "" when the program is right. One line;
 * caller frees with free(). */
char *wb_config_unread(WbConfig c);

/* PETSc's options, of the deck's petsc: group and of the command line, as PETSc takes them: "-name", "value" or NULL in
 * turn; the end is a NULL name. Owned by c. */
const char *const *wb_config_petsc(WbConfig c);
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
/* Reference of the keys on stdout: for people, and as reStructuredText. command NULL: of all. Errors: WB_ERR_CONFIG for
 * a table that is wrong. */
void wb_config_print_help(const WbKey *table, int n_keys, const char *command);
void wb_config_print_rst(const WbKey *table, int n_keys);
/* The default as text, from the row or from the member's struct; "" = unset. */
void wb_config_fallback(const WbKey *key, char text[64]);
#endif
