/* Decks: defaults, YAML, overrides, and the message for each way of being wrong. */
#include "deck_table.h"

static void defaults_deck_and_override(void **state) {
  (void)state;
  WbConfig c = NULL;
  char *args[] = {"-les_duration_s", "1.2e3", "-run_quiet", "-data_files", "a.nc,b.nc", "-log_view"};
  WB_OK(load("les: {duration_s: 60}\nsr:\n  members: 7\npetsc:\n  ksp_type: cg\n", 6, args, &c));
  WB_ASSERT_NEAR(wb_config_real(c, "les", "duration_s"), 1200, 0);
  assert_int_equal(wb_config_int(c, "sr", "members"), 7);
  assert_true(wb_config_bool(c, "run", "quiet"));
  assert_string_equal(wb_config_text(c, "les", "closure"), "vreman");
  const char *const *items = NULL;
  assert_int_equal(wb_config_list(c, "data", "files", &items), 2);
  assert_string_equal(items[1], "b.nc");
  static const char *const petsc[] = {"-ksp_type", "cg", "-log_view", NULL};
  for (int i = 0; i < 3; i++) assert_string_equal(wb_config_petsc(c)[i], petsc[i]);
  assert_null(wb_config_petsc(c)[3]);
  assert_null(wb_config_petsc(c)[4]);
  assert_false(wb_config_given(c, "les", "closure"));
  assert_string_equal(wb_config_where(c, "les", "duration_s"), "command line");
  wb_config_destroy(&c);
}

static void printed_config_is_a_deck(void **state) {
  (void)state;
  WbConfig c = NULL, d = NULL;
  char *args[] = {"-les_duration_s", "61", "-run_output_dir", "a \"b\" \\c: #d", "-data_files", "x,y z"};
  WB_OK(load(NULL, 6, args, &c));
  char *text = wb_config_yaml(c);
  WB_OK(load(text, 0, NULL, &d));
  char *again = wb_config_yaml(d);
  assert_string_equal(text, again);
  assert_string_equal(wb_config_text(d, "run", "output_dir"), "a \"b\" \\c: #d");
  free(text);
  free(again);
  wb_config_destroy(&c);
  wb_config_destroy(&d);
}

/* Lists of numbers: from the deck and the command line, in order, printed as a deck again; unset is empty. */
static void lists_of_numbers(void **state) {
  (void)state;
  WbConfig c = NULL, d = NULL;
  char *args[] = {"-les_wind_time_s", "-60,0.5,1e3"};
  double v[3] = {7, 7, 7};
  WB_OK(load("les: {slice_z_m: [2, 10.5]}\n", 2, args, &c));
  assert_int_equal(wb_config_numbers(c, "les", "slice_z_m", 3, v), 2);
  assert_true(v[0] == 2 && v[1] == 10.5 && v[2] == 7);
  assert_int_equal(wb_config_numbers(c, "les", "wind_time_s", 2, v), 3);
  assert_true(v[0] == -60 && v[1] == 0.5 && v[2] == 7);
  char *text = wb_config_yaml(c);
  WB_OK(load(text, 0, NULL, &d));
  assert_int_equal(wb_config_numbers(d, "les", "wind_time_s", 3, v), 3);
  assert_true(v[2] == 1000);
  free(text);
  wb_config_destroy(&c);
  wb_config_destroy(&d);
  WB_OK(load(NULL, 0, NULL, &c));
  assert_int_equal(wb_config_numbers(c, "les", "wind_time_s", 3, v), 0);
  wb_config_destroy(&c);
}

/* Each deck is refused with exit code 2 and a message that holds every word listed. */
static void wrong_decks_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *deck;
    const char *words[4];
  } cases[] = {
      {"les:\n  duraton_s: 5\n", {":2", "les_duraton_s", "did you mean les_duration_s"}},
      {"les:\n  duration: 5\n", {":2", "did you mean les_duration_s"}},
      {"les:\n  duration_s: fast\n", {":2", "les_duration_s", "'fast'", "a number of at least 1 s"}},
      {"les:\n  duration_s: -3\n", {":2", "'-3'", "at least 1"}},
      {"les:\n  duration_s: nan\n", {":2", "'nan'"}},
      {"sr: {members: 2.5}\n", {":1", "sr_members", "whole number from 1 to 100"}},
      {"sr: {members: 0x10}\n", {":1", "sr_members"}},
      {"les: {closure: dns}\n", {":1", "vreman|smagorinsky"}},
      {"run: {quiet: perhaps}\n", {"true or false"}},
      {"soup: {a: 1}\n", {"unknown group 'soup'", "run les sr data"}},
      {"les: [1, 2]\n", {":1", "les"}},
      {"les: {duration_s: [1]}\n", {"les_duration_s", "nested"}},
      {"les: {slice_z_m: [1, two]}\n", {":1", "les_slice_z_m", "'two'", "a list of numbers from 0 to 5000 m"}},
      {"les: {slice_z_m: [1, -2]}\n", {"'-2'"}},
      {"les: {slice_z_m: [1, [2]]}\n", {"plain values"}},
      {"les: {duration_s: 5\n", {"broken YAML"}},
      {"les:\n\tduration_s: 5\n", {":2", "broken YAML"}},
      {"- a\n", {"mapping of groups"}},
      {"les: {duration_s: 5, duration_s: 6}\n", {"twice"}},
      {"les: {duration_s: 5}\nles: {closure: vreman}\n", {":2", "group les stands twice (first in line 1)"}},
      {"les: {duration_s: 5}\n---\nles: {}\n", {":2", "second YAML document"}},
      {"les: {<<: {duration_s: 5}}\n", {"merge keys"}},
      {"<<: {les: 1}\n", {"merge keys"}},
      {"les: {duration_s: 10 m}\n", {"'10 m'"}},
      {"les: {duration_s: 10,5}\n", {"les_5", "decimals have a point"}},
      {"les: {duration_s: 1e400}\n", {"'1e400'"}},
      {"les: {duration_s: .inf}\n", {"'.inf'"}},
      {"les: {duration_s: \"\"}\n", {"''"}},
      {"les: {duration_s: \" 5\"}\n", {"' 5'"}},
      {"les: {slice_z_m: [1, null]}\n", {"entry 2"}},
      {"les: {wind_time_s: [0, 60, 60]}\n", {"60 after 60", "increasing"}},
      {"run: {output_dir: \"\"}\n", {"''", "the path of a file"}},
      {"run: {output_dir: \"a\\nb\"}\n", {"a\\x0ab", "control characters"}},
      {"run: {output_dir: \"a\\0b\"}\n", {"zero byte"}},
      {"run: {output_dir: \"\\x85\"}\n", {"control characters"}},
      {"run: {output_dir: \xff}\n", {"UTF-8"}},
      {"les: [", {"broken YAML"}},
      {"petsc: {ksp_type: cg, ksp_type: gmres}\n", {"given twice"}},
      {"petsc: {\"a b\": 3}\n", {"'option: value'"}},
      {"petsc: {ksp_type: \"a\\nb\"}\n", {"one line"}},
      {"petsc: {ksp_type: [a]}\n", {"one line"}},
      {"petsc: {les_duration_s: 4}\n", {"no option of PETSc"}},
      {"? [a]\n: b\n", {"unknown group"}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    WbConfig c = NULL;
    wb_error_clear();
    const PetscErrorCode ierr = load(cases[i].deck, 0, NULL, &c);
    if (wb_error_exit_code(ierr) != 2) fail_msg("deck accepted: %s", cases[i].deck);
    for (int w = 0; w < 4 && cases[i].words[w]; w++)
      if (!strstr(wb_error_message(), cases[i].words[w]))
        fail_msg("message '%s' lacks '%s'", wb_error_message(), cases[i].words[w]);
    assert_null(strchr(wb_error_message(), '\n'));
    wb_config_destroy(&c);
  }
}

static void wrong_arguments_are_refused(void **state) {
  (void)state;
  static char *const cases[][3] = {{"-les_durations_s", "5", "did you mean les_duration_s"},
                                   {"-sr_members", NULL, "needs a value"},
                                   {"-lse_duration_s", "5", "did you mean -les_duration_s"},
                                   {"-frobnicate", NULL, "unknown option -frobnicate"},
                                   {"stray", NULL, "'stray' is not an option"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    WbConfig c = NULL;
    wb_error_clear();
    char *args[] = {cases[i][0], cases[i][1]};
    const PetscErrorCode ierr = load(NULL, cases[i][1] ? 2 : 1, args, &c);
    assert_int_equal(wb_error_exit_code(ierr), 2);
    if (!strstr(wb_error_message(), cases[i][2])) fail_msg("message '%s' lacks '%s'", wb_error_message(), cases[i][2]);
    wb_config_destroy(&c);
  }
}

/* What is no mapping of groups, and still a deck. */
static void odd_decks_are_read(void **state) {
  (void)state;
  static const char *const decks[] = {"",
                                      "les: ~\n",
                                      "les: null\nsr:\n",
                                      "---\nles: {duration_s: 7}\n...\n",
                                      "\xef\xbb\xbfles: {duration_s: 7}\n",
                                      "les:\r\n  duration_s: 7\r\n",
                                      "les: &a {duration_s: 7}\n",
                                      "les: {duration_s: 7}\n---\n",
                                      "les: {duration_s: !!float \"7\"}\n"};
  for (size_t i = 0; i < sizeof decks / sizeof *decks; i++) {
    WbConfig c = NULL;
    WB_OK(load(decks[i], 0, NULL, &c));
    WB_ASSERT_NEAR(wb_config_real(c, "les", "duration_s"), i < 3 ? 600 : 7, 0);
    wb_config_destroy(&c);
  }
}

/* Long texts: in a message shortened, as a value refused beyond what paths have room for. */
static void long_texts(void **state) {
  (void)state;
  char deck[6000], word[5001];
  memset(word, 'v', 5000);
  word[5000] = '\0';
  static const char *const shapes[] = {"les: {closure: %s}\n", "run: {output_dir: %s}\n", "data: {files: [%s]}\n"};
  for (int i = 0; i < 3; i++) {
    WbConfig c = NULL;
    wb_error_clear();
    snprintf(deck, sizeof deck, shapes[i], word);
    assert_int_equal(wb_error_exit_code(load(deck, 0, NULL, &c)), 2);
    assert_non_null(strstr(wb_error_message(), "vvv...'"));
    assert_non_null(strstr(wb_error_message(), i == 0 ? "vreman" : "5000 bytes long; allowed: at most 900"));
    wb_config_destroy(&c);
  }
}

static void missing_deck_is_refused(void **state) {
  (void)state;
  WbConfig c = NULL;
  wb_error_clear();
  assert_int_equal(
      wb_error_exit_code(wb_config_create(PETSC_COMM_SELF, table, N, NULL, "/nowhere/deck.yaml", 0, NULL, &c)), 2);
  assert_non_null(strstr(wb_error_message(), "/nowhere/deck.yaml"));
  wb_config_destroy(&c);
}

WB_TEST_MAIN(cmocka_unit_test(defaults_deck_and_override), cmocka_unit_test(printed_config_is_a_deck),
             cmocka_unit_test(lists_of_numbers), cmocka_unit_test(wrong_decks_are_refused),
             cmocka_unit_test(wrong_arguments_are_refused), cmocka_unit_test(missing_deck_is_refused),
             cmocka_unit_test(odd_decks_are_read), cmocka_unit_test(long_texts))
