/* Decks: defaults, YAML, overrides, and the message for each way of being wrong. */
#include "wb_test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "windbridge/config.h"

typedef struct {
  double duration_s, heights[4];
  int n_heights;
  bool quiet;
  enum { VREMAN, SMAGORINSKY } closure;
  const char *dir;
} Options;
static void options_default(void *options) {
  *(Options *)options = (Options){.duration_s = 600, .closure = VREMAN};
}
static const WbKeyStruct options_keys = {sizeof(Options), options_default};
#define OPTION(member) WB_MEMBER(&options_keys, Options, member)

static const WbKey table[] = {
    {.group = "run",
     .name = "output_dir",
     .type = WB_KEY_FILE,
     .fallback = "out",
     .commands = "*",
     .help = "folder",
     .member = OPTION(dir)},
    {.group = "run",
     .name = "quiet",
     .type = WB_KEY_BOOL,
     .fallback = "false",
     .commands = "*",
     .help = "quiet",
     .member = OPTION(quiet)},
    {.group = "les",
     .name = "duration_s",
     .type = WB_KEY_REAL,
     .unit = "s",
     .min = 1,
     .max = 1e300,
     .commands = "*",
     .help = "duration",
     .member = OPTION(duration_s)},
    {.group = "les",
     .name = "closure",
     .type = WB_KEY_CHOICE,
     .choices = "vreman|smagorinsky",
     .commands = "*",
     .help = "closure",
     .member = OPTION(closure)},
    {.group = "les",
     .name = "wind_time_s",
     .type = WB_KEY_NUMBERS,
     .unit = "s",
     .fallback = "",
     .min = -1e300,
     .max = 1e300,
     .commands = "*",
     .help = "times",
     .rising = true},
    {.group = "les",
     .name = "slice_z_m",
     .type = WB_KEY_NUMBERS,
     .unit = "m",
     .fallback = "",
     .max = 5000,
     .commands = "les",
     .help = "heights",
     .member = WB_MEMBER_LIST(&options_keys, Options, heights, n_heights)},
    {.group = "les",
     .name = "slice_interval_s",
     .type = WB_KEY_REAL,
     .unit = "s",
     .fallback = "60",
     .max = 1e300,
     .commands = "les",
     .help = "interval",
     .when = "les_slice_z_m"},
    {.group = "les",
     .name = "slice_weight",
     .type = WB_KEY_NUMBERS,
     .fallback = "",
     .max = 1,
     .commands = "les",
     .help = "weights",
     .like = "slice_z_m",
     .optional = true},
    {.group = "sr",
     .name = "members",
     .type = WB_KEY_INT,
     .fallback = "4",
     .min = 1,
     .max = 100,
     .commands = "forecast,sr",
     .help = "members",
     .from = "data_files"},
    {.group = "data", .name = "files", .type = WB_KEY_LIST, .fallback = "", .commands = "*", .help = "files"},
};
enum { N = sizeof table / sizeof table[0] };

static void write_deck(char path[64], const char *text) {
  snprintf(path, 64, "/tmp/wb_deck_XXXXXX");
  const int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  close(fd);
}

static PetscErrorCode load_for(const char *command, const char *text, int n_args, char **args, WbConfig *c) {
  char path[64];
  if (text) write_deck(path, text);
  const PetscErrorCode ierr = wb_config_create(PETSC_COMM_SELF, table, N, command, text ? path : NULL, n_args, args, c);
  if (text) unlink(path);
  return ierr;
}

static PetscErrorCode load(const char *text, int n_args, char **args, WbConfig *c) {
  return load_for(NULL, text, n_args, args, c);
}

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
             cmocka_unit_test(wrong_arguments_are_refused), cmocka_unit_test(missing_deck_is_refused))
