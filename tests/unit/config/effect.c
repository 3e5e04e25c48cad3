/* What keys do: they fill structs, have an effect or are refused; and the deck among the words of the command line. */
#include "deck_table.h"

/* The struct has the defaults, then what the command uses; a key beside what it has no effect stays the default. */
static void structs_are_filled(void **state) {
  (void)state;
  Options o;
  WbConfig c = NULL;
  char text[64];
  wb_config_fallback(&table[2], text);
  assert_string_equal(text, "600");
  wb_config_fallback(&table[3], text);
  assert_string_equal(text, "vreman");
  const char *deck = "les: {closure: smagorinsky, slice_z_m: [2, 3.5], slice_interval_s: 9}\nrun: {quiet: on}\n";
  WB_OK(load_for("les", deck, 0, NULL, &c));
  WB_OK(wb_config_fill(c, &options_keys, &o));
  assert_true(o.duration_s == 600 && o.closure == SMAGORINSKY && o.quiet && o.n_heights == 2 && o.heights[1] == 3.5);
  assert_string_equal(o.dir, "out");
  WB_ASSERT_NEAR(wb_config_real(c, "les", "slice_interval_s"), 9, 0);
  wb_config_destroy(&c);
  WB_OK(load_for("forecast", deck, 0, NULL, &c)); /* it has no slices */
  WB_OK(wb_config_fill(c, &options_keys, &o));
  assert_true(o.closure == SMAGORINSKY && o.n_heights == 0);
  WB_ASSERT_NEAR(wb_config_real(c, "les", "slice_interval_s"), 60, 0);
  assert_false(wb_config_given(c, "les", "slice_interval_s"));
  wb_config_destroy(&c);
  WB_OK(load_for("les", "les: {slice_z_m: [1, 2, 3, 4, 5]}\n", 0, NULL, &c));
  wb_error_clear();
  assert_int_equal(wb_error_exit_code(wb_config_fill(c, &options_keys, &o)), 2);
  assert_non_null(strstr(wb_error_message(), "5 entries; allowed: at most 4"));
  wb_config_destroy(&c);
}

static void refused_as_unused(const char *command, int n, char **args, const char *word) {
  WbConfig c = NULL;
  char *note = NULL;
  wb_error_clear();
  WB_OK(load_for(command, NULL, n, args, &c));
  assert_int_equal(wb_error_exit_code(wb_config_unused(c, &note)), 2);
  if (!strstr(wb_error_message(), word)) fail_msg("message '%s' lacks '%s'", wb_error_message(), word);
  assert_null(note);
  wb_config_destroy(&c);
}

static void keys_without_effect(void **state) {
  (void)state;
  char *interval[] = {"-les_slice_interval_s", "5"}, *same[] = {"-les_slice_interval_s", "60.0"};
  refused_as_unused("les", 2, interval, "allowed with les_slice_z_m");
  refused_as_unused("sr", 2, interval, "sr does not use it; allowed with: les");
  refused_as_unused("sr", 2, same, "sr does not use it");
  WbConfig c = NULL;
  char *note = NULL;
  WB_OK(load_for("les", NULL, 2, same, &c)); /* what it says is true */
  WB_OK(wb_config_unused(c, &note));
  assert_null(note);
  wb_config_destroy(&c);
  WB_OK(load_for("les", "les: {slice_interval_s: 5, duration_s: 7}\nsr: {members: 9}\n", 0, NULL, &c));
  WB_OK(wb_config_unused(c, &note));
  assert_string_equal(note,
                      "keys of the deck without effect on les: les_slice_interval_s (has an effect with "
                      "les_slice_z_m), sr_members (forecast,sr)");
  free(note);
  char *unread = wb_config_unread(c);
  assert_string_equal(unread, "les_duration_s"); /* nobody has asked for it yet */
  free(unread);
  (void)wb_config_real(c, "les", "duration_s");
  unread = wb_config_unread(c);
  assert_string_equal(unread, "");
  free(unread);
  wb_config_destroy(&c);
}

/* A value that comes from elsewhere is printed as unset, or the printed deck would insist on the default. */
static void unset_stays_unset(void **state) {
  (void)state;
  WbConfig c = NULL;
  WB_OK(load_for("sr", "data: {files: [a.nc]}\n", 0, NULL, &c));
  char *text = wb_config_yaml(c);
  assert_non_null(strstr(text, "members: null\n"));
  free(text);
  wb_config_destroy(&c);
}

static void split(int n, char **args, const char *deck, int left) {
  const char *found = NULL;
  WB_OK(wb_config_split(table, N, &n, args, &found));
  if (!found)
    assert_null(deck);
  else
    assert_string_equal(found, deck);
  assert_int_equal(n, left);
}

static void not_split(int n, char **args, const char *word) {
  const char *found = NULL;
  wb_error_clear();
  assert_int_equal(wb_error_exit_code(wb_config_split(table, N, &n, args, &found)), 2);
  if (!strstr(wb_error_message(), word)) fail_msg("message '%s' lacks '%s'", wb_error_message(), word);
}

/* The deck is found wherever it stands, and nothing else is taken for it. */
static void deck_among_words(void **state) {
  (void)state;
  split(1, (char *[]){"deck.txt"}, "deck.txt", 0);
  split(3, (char *[]){"a.yaml", "-les_duration_s", "5"}, "a.yaml", 2);
  split(3, (char *[]){"-les_duration_s", "5", "a.yaml"}, "a.yaml", 2);
  split(3, (char *[]){"-les_duration_s", "-5", "a.yml"}, "a.yml", 2);
  split(2, (char *[]){"-ksp_monitor", "a.yaml"}, "a.yaml", 1);
  split(2, (char *[]){"-ksp_type", "cg"}, NULL, 2);
  split(2, (char *[]){"-run_quiet", "a.yaml"}, "a.yaml", 1);
  split(2, (char *[]){"-run_quiet", "false"}, NULL, 2);
  split(3, (char *[]){"a.yaml", "-options_file", "b.yaml"}, "a.yaml", 2);
  split(2, (char *[]){"-data_files", "a.nc"}, NULL, 2);
  not_split(2, (char *[]){"a.yaml", "b.yaml"}, "b.yaml after the deck a.yaml");
  not_split(3, (char *[]){"a.yaml", "-ksp_monitor", "b.yaml"}, "b.yaml after the deck");
  not_split(2, (char *[]){"-ksp_monitor", "/dev/null"}, "the deck, or the value of -ksp_monitor");
  not_split(1, (char *[]){""}, "empty word");
}

WB_TEST_MAIN(cmocka_unit_test(structs_are_filled), cmocka_unit_test(keys_without_effect),
             cmocka_unit_test(unset_stays_unset), cmocka_unit_test(deck_among_words))
