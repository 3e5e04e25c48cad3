/* Errors, memory, timers, log and stop flag in one process. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "wb_test.h"

static PetscErrorCode fail_config(int line) {
  PetscFunctionBeginUser;
  WB_RAISE(WB_ERR_CONFIG, "deck.yaml:%d: les_dx_m = -1: must be above 0", line);
}

static PetscErrorCode pass_on(void) {
  PetscFunctionBeginUser;
  PetscCall(fail_config(3));
  PetscFunctionReturn(0);
}

static void test_first_message_wins(void **state) {
  wb_error_clear();
  assert_string_equal(wb_error_message(), "no error");
  assert_int_equal(pass_on(), WB_ERR_CONFIG);
  assert_string_equal(wb_error_message(), "deck.yaml:3: les_dx_m = -1: must be above 0");
  assert_false(wb_error_is_collective());
  assert_int_equal(fail_config(4), WB_ERR_CONFIG);
  assert_non_null(strstr(wb_error_message(), ":3:"));
  wb_error_clear();
  assert_int_equal(fail_config(4), WB_ERR_CONFIG);
  assert_non_null(strstr(wb_error_message(), ":4:"));
  wb_error_clear();
}

static PetscErrorCode fail_inside_petsc(void) {
  PetscFunctionBeginUser;
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "seven is\nnot eight");
}

static PetscErrorCode pass_petsc(void) {
  PetscFunctionBeginUser;
  PetscCall(fail_inside_petsc());
  PetscFunctionReturn(0);
}

/* A PETSc error is recorded once, in one line, with its place, and is an internal error. */
static void test_petsc_error(void **state) {
  wb_error_clear();
  const PetscErrorCode code = pass_petsc();
  assert_int_equal(code, PETSC_ERR_ARG_SIZ);
  assert_int_equal(wb_error_exit_code(code), 1);
  assert_non_null(strstr(wb_error_message(), "internal error"));
  assert_non_null(strstr(wb_error_message(), "seven is not eight"));
  assert_non_null(strstr(wb_error_message(), "core.c:"));
  assert_non_null(strstr(wb_error_message(), "fail_inside_petsc"));
  assert_null(strchr(wb_error_message(), '\n'));
  wb_error_clear();
}

static void test_exit_codes(void **state) {
  const int pairs[][2] = {{0, 0}, {2002, 2}, {2003, 3}, {2004, 4}, {2005, 5}, {2075, 75}, {55, 1}, {-1, 1}, {2001, 1}};
  for (size_t n = 0; n < sizeof pairs / sizeof *pairs; n++)
    assert_int_equal(wb_error_exit_code((PetscErrorCode)pairs[n][0]), pairs[n][1]);
}

static void test_long_message(void **state) {
  char text[5000];
  memset(text, 'x', sizeof text);
  text[sizeof text - 1] = '\0';
  wb_error_clear();
  wb_error_raise(WB_ERR_IO, WB_ERROR_ALL, __func__, __FILE__, __LINE__, "%s", text);
  assert_true(strlen(wb_error_message()) > 100 && strlen(wb_error_message()) < sizeof text);
  assert_true(wb_error_is_collective());
  wb_error_clear();
}

static void test_memory(void **state) {
  double *a;
  WB_OK(WB_ALLOC(1001, &a));
  assert_int_equal((uintptr_t)a % 64, 0);
#ifdef WB_DEBUG
  assert_true(isnan(a[0]) && isnan(a[1000]));
#endif
  WB_FREE(&a);
  assert_null(a);
  WB_FREE(&a);
  WB_OK(WB_CALLOC(5000000, &a)); /* large enough for huge pages */
  assert_int_equal((uintptr_t)a % 64, 0);
  WB_ASSERT_NEAR(a[0] + a[4999999], 0.0, 0.0);
  assert_true(wb_memory_peak_bytes() > 1e6);
  WB_FREE(&a);
  WB_OK(WB_ALLOC(0, &a));
  assert_non_null(a);
  WB_FREE(&a);
  void *huge;
  assert_int_not_equal(wb_alloc_bytes((size_t)-100, "a thing", &huge), 0);
  assert_null(huge);
  assert_non_null(strstr(wb_error_message(), "a thing"));
  wb_error_clear();
}

static void test_timers(void **state) {
  const int a = wb_timer_id("test.a"), b = wb_timer_id("test.b");
  assert_int_not_equal(a, b);
  assert_int_equal(wb_timer_id("test.a"), a);
  assert_string_equal(wb_timer_name(b), "test.b");
  wb_timer_begin(a);
  wb_timer_begin(a); /* nested: counted once */
  usleep(20000);
  wb_timer_end(a);
  wb_timer_end(a);
  wb_timer_end(a); /* one too many is ignored */
  assert_true(wb_timer_seconds(a) >= 0.019 && wb_timer_seconds(a) < 10.0);
  WB_ASSERT_NEAR(wb_timer_seconds(b), 0.0, 0.0);
  for (int n = 0; n < 300; n++) { /* overflow of the table is harmless */
    char *name;
    WB_OK(WB_ALLOC(32, &name));
    snprintf(name, 32, "test.%d", n);
    const int id = wb_timer_id(name), count = wb_timer_count();
    assert_true(id >= 0 && id < count);
    if (wb_timer_name(id) != name) WB_FREE(&name); /* else the table keeps it */
  }
}

static void test_eta(void **state) {
  char text[32];
  wb_format_eta(12.2, text);
  assert_string_equal(text, "12 s");
  wb_format_eta(200.0, text);
  assert_string_equal(text, "3 min 20 s");
  wb_format_eta(3600.0 + 125.0, text);
  assert_string_equal(text, "1 h 02 min");
  wb_format_eta(NAN, text);
  assert_string_equal(text, "?");
}

static void test_log(void **state) {
  char path[] = "/tmp/wb_log_XXXXXX";
  const int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  WB_OK(wb_log_open(PETSC_COMM_SELF, path, true));
  wb_log("step %d", 7);
  wb_log_warn("odd %s", "thing");
  wb_log_live("never in the file");
  wb_log_close();
  char text[200] = "";
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  const size_t got = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  unlink(path);
  text[got] = '\0';
  assert_string_equal(text, "step 7\nwarning: odd thing\n");
  assert_int_equal(wb_log_open(PETSC_COMM_SELF, "/no/such/folder/run.log", true), WB_ERR_IO);
  assert_non_null(strstr(wb_error_message(), "/no/such/folder/run.log"));
  wb_error_clear();
  wb_log_close();
}

static void test_stop(void **state) {
  assert_false(wb_stop_requested());
  wb_stop_install();
  raise(SIGUSR1);
  assert_true(wb_stop_requested());
}

static void test_version(void **state) {
  assert_true(strlen(wb_version()) >= 5);
  assert_true(strlen(wb_git_version()) > 0);
}

/* Published values of 64-bit FNV-1a; in parts as in one. */
static void test_hash(void **state) {
  assert_true(wb_hash(WB_HASH_START, "a", 1) == 0xaf63dc4c8601ec8cULL);
  assert_true(wb_hash(WB_HASH_START, "foobar", 6) == 0x85944171f73967e8ULL);
  assert_true(wb_hash(wb_hash(WB_HASH_START, "foo", 3), "bar", 3) == 0x85944171f73967e8ULL);
}

WB_TEST_MAIN(cmocka_unit_test(test_first_message_wins), cmocka_unit_test(test_petsc_error),
             cmocka_unit_test(test_exit_codes), cmocka_unit_test(test_long_message), cmocka_unit_test(test_memory),
             cmocka_unit_test(test_timers), cmocka_unit_test(test_eta), cmocka_unit_test(test_log),
             cmocka_unit_test(test_stop), cmocka_unit_test(test_version), cmocka_unit_test(test_hash))
