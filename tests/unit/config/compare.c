/* Two resolved decks, key by key: numbers as numbers, keys of other commands left out, what may change and what not. */
#include <string.h>

#include "../../wb_test.h"
#include "windbridge/config.h"

#define ROW(g, n, kind, def, cmds, what) \
  { .group = g, .name = n, .type = kind, .fallback = def, .commands = cmds, .help = "", .change = what }
static const WbKey table[] = {
    ROW("run", "quiet", WB_KEY_BOOL, "false", "*", WB_CHANGE_FREE),
    ROW("run", "seed", WB_KEY_INT, "1", "*", WB_CHANGE_NEVER),
    ROW("les", "duration_s", WB_KEY_REAL, "600", "les,forecast", WB_CHANGE_GROW),
    ROW("les", "slice_z_m", WB_KEY_NUMBERS, "", "les", WB_CHANGE_NEVER),
    ROW("les", "new_key", WB_KEY_REAL, "0.5", "les", WB_CHANGE_NEVER),
    ROW("sr", "seed", WB_KEY_INT, "7", "sr", WB_CHANGE_NEVER),
    ROW("sr", "model", WB_KEY_FILE, "", "sr,les", WB_CHANGE_NEVER),
};
enum { N = sizeof table / sizeof table[0] };

static const char before[] =
    "run:\n  quiet: false\n  seed: 1\nles:\n  duration_s: 600\n  slice_z_m: [10, 2.50e1]\nsr:\n  seed: 7\n  model: "
    "null\n"
    "petsc:\n  log_view: \"\"\n";

static int compare(const char *command, const char *now, WbKeyDifference **list) {
  return wb_config_compare(table, N, command, before, now, list);
}

static void same_in_other_words(void **state) {
  WbKeyDifference *list = NULL;
  const char now[] =
      "run:\n  quiet: false\n  seed: 1.0\nles:\n  duration_s: 6e2\n  slice_z_m: [1e1,25]\n  new_key: 0.50\nsr:\n"
      "  seed: 8\n  model: null\n";
  assert_int_equal(compare("les", now, &list), 0); /* sr_seed is no key of les, new_key has its default */
  wb_config_differences_free(0, &list);
}

static void one(const char *now, const char *name, const char *old, const char *value, bool allowed, bool grows) {
  WbKeyDifference *list = NULL;
  const int n = compare("les", now, &list);
  assert_int_equal(n, 1);
  assert_string_equal(list[0].key->name, name);
  assert_string_equal(list[0].before, old);
  assert_string_equal(list[0].now, value);
  assert_true(list[0].allowed == allowed && list[0].grows == grows);
  wb_config_differences_free(n, &list);
}

#define DECK(quiet, seed, duration, slices, new_key, model)                                            \
  "run:\n  quiet: " quiet "\n  seed: " seed "\nles:\n  duration_s: " duration "\n  slice_z_m: " slices \
  "\n  new_key: " new_key "\nsr:\n  seed: 7\n  model: " model "\n"

static void differences(void **state) {
  one(DECK("true", "1", "600", "[10, 25]", "0.5", "null"), "quiet", "false", "true", true, false);
  one(DECK("false", "2", "600", "[10, 25]", "0.5", "null"), "seed", "1", "2", false, false);
  one(DECK("false", "1", "900", "[10, 25]", "0.5", "null"), "duration_s", "600", "900", true, true);
  one(DECK("false", "1", "300", "[10, 25]", "0.5", "null"), "duration_s", "600", "300", false, false);
  one(DECK("false", "1", "600", "[10]", "0.5", "null"), "slice_z_m", "[10, 2.50e1]", "[10]", false, false);
  one(DECK("false", "1", "600", "[10, 25]", "0.6", "null"), "new_key", "0.5", "0.6", false, false);
  one(DECK("false", "1", "600", "[10, 25]", "0.5", "\"a.h5\""), "model", "unset", "a.h5", false, false);
}

WB_TEST_MAIN(cmocka_unit_test(same_in_other_words), cmocka_unit_test(differences))
