/* The deck among the words of the command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "config_internal.h"

static bool is_deck_name(const char *word) {
  const char *dot = strrchr(word, '.');
  return dot && (strcasecmp(dot, ".yaml") == 0 || strcasecmp(dot, ".yml") == 0);
}

static bool is_file(const char *word) {
  struct stat info;
  return stat(word, &info) == 0 && !S_ISDIR(info.st_mode);
}

static bool is_truth(const char *word) {
  static const char *const words[] = {"true", "yes", "on", "1", "false", "no", "off", "0"};
  for (int i = 0; i < 8; i++)
    if (strcasecmp(word, words[i]) == 0) return true;
  return false;
}

typedef enum { VALUE, DECK, UNCLEAR } Word;

/* The word after an option: its value, or the deck? Of PETSc's options nobody can tell which take a value. */
static Word classify(const WbKey *table, int n_keys, const char *option, const char *word, bool have_deck) {
  const char *split = strchr(option, '_');
  const int key = wb_config_find_full(table, n_keys, option + 1, strlen(option + 1));
  if (key >= 0 && table[key].type == WB_KEY_BOOL) return is_deck_name(word) && !is_truth(word) ? DECK : VALUE;
  if (key >= 0 || (split && wb_config_is_group(table, n_keys, option + 1, (size_t)(split - option - 1)))) {
    const bool text = key >= 0 && (table[key].type == WB_KEY_FILE || table[key].type == WB_KEY_STRING);
    return text && !have_deck && is_deck_name(word) && is_file(word) ? UNCLEAR : VALUE;
  }
  if (strncmp(option, "-options_file", strlen("-options_file")) == 0) return VALUE;
  if (is_deck_name(word)) return DECK;
  return !have_deck && is_file(word) ? UNCLEAR : VALUE;
}

PetscErrorCode wb_config_split(const WbKey *table, int n_keys, int *n_args, char **args, const char **deck) {
  PetscFunctionBeginUser;
  const char *option = NULL; /* waits for a value */
  int n = 0;
  *deck = NULL;
  for (int i = 0; i < *n_args; i++) {
    char *word = args[i];
    Word kind = wb_config_is_option(word) ? VALUE : DECK;
    if (kind == DECK && option) kind = classify(table, n_keys, option, word, *deck != NULL);
    if (kind == UNCLEAR)
      WB_RAISE_ALL(WB_ERR_CONFIG,
                   "command line: is %.200s the deck, or the value of %.200s? The deck comes right after the command",
                   word, option);
    if (kind == DECK && *deck)
      WB_RAISE_ALL(WB_ERR_CONFIG, "command line: %.200s after the deck %.200s; allowed: one deck, and -group_key value",
                   word, *deck);
    if (kind == DECK && !word[0])
      WB_RAISE_ALL(WB_ERR_CONFIG,
                   "command line: an empty word where a deck or an option is expected (an unset variable?)");
    option = wb_config_is_option(word) ? word : NULL;
    if (kind == DECK)
      *deck = word;
    else
      args[n++] = word;
  }
  *n_args = n;
  PetscFunctionReturn(0);
}
