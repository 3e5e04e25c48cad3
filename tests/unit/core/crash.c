/* A process that crashes ends within seconds, whatever it holds; a second request to stop ends one that hangs. */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "wb_test.h"

typedef struct {
  int status; /* of waitpid; -1: had to be killed */
  char text[1024];
} End;

/* Runs `body` in a child; `drive` (NULL: nobody) sends it signals. A child that is still there after a minute hangs. */
static End run_child(void (*body)(void), void (*drive)(pid_t child)) {
  End end = {.status = -1, .text = ""};
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  fflush(NULL);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    body();
    _exit(0);
  }
  close(ends[1]);
  if (drive) drive(child);
  for (int i = 0; i < 600 && waitpid(child, &end.status, WNOHANG) == 0; i++) {
    end.status = -1;
    usleep(100000);
  }
  if (end.status == -1) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
  }
  ssize_t got = read(ends[0], end.text, sizeof end.text - 1);
  end.text[got > 0 ? got : 0] = '\0';
  close(ends[0]);
  return end;
}

static void *wait_for_ever(void *nothing) {
  for (;;) pause();
  return nothing;
}

/* The crash happens inside malloc with its lock held: a second thread makes malloc lock, and the list of free blocks
 * is made to point nowhere. PETSc's handlers allocate, and would wait for that lock. */
static void crash_inside_malloc(void) {
  pthread_t other;
  void *volatile blocks[8]; /* the compiler must not take the blocks away */
  pthread_create(&other, NULL, wait_for_ever, NULL);
  for (int i = 0; i < 8; i++) blocks[i] = malloc(5000);
  free(blocks[1]);
  free(blocks[3]);
  free(blocks[5]);
  volatile unsigned char *freed = blocks[3];
  for (int i = 0; i < 64; i++) freed[i] = 0x11;
  for (int i = 0; i < 64; i++) blocks[i % 8] = malloc(5000 + 16 * (size_t)i);
  _exit(blocks[0] != NULL ? 99 : 98); /* malloc did not notice */
}

static void install(void) {
  if (PetscPopSignalHandler()) _exit(97);
  wb_crash_install(_exit);
}
static void malloc_alone(void) {
  install();
  crash_inside_malloc();
}
static void malloc_reading(void) {
  install();
  wb_crash_reading("some.nc");
  crash_inside_malloc();
}
static void null_pointer(void) {
  install();
  volatile int *nowhere = NULL;
  *nowhere = 1;
}
static long depth(volatile char *before, long levels) {
  volatile char here[4096];
  here[0] = before ? (char)(before[0] + 1) : 0;
  return levels > 0 ? depth(here, levels - 1) + here[0] : 0;
}
static void stack_overflow(void) {
  install();
  _exit((int)(depth(NULL, 1L << 40) & 1));
}

static void crashes_end(void **state) {
  (void)state;
#ifdef WB_SANITIZE
  skip();
#endif
  End e = run_child(malloc_alone, NULL);
  if (!WIFSIGNALED(e.status)) fail_msg("status %d, \"%s\"", e.status, e.text);
  assert_non_null(strstr(e.text, "windbridge: error: internal error: crashed ("));
  e = run_child(malloc_reading, NULL);
  assert_true(WIFEXITED(e.status) && WEXITSTATUS(e.status) == 3);
  assert_non_null(strstr(e.text, "while reading some.nc"));
  e = run_child(null_pointer, NULL);
  assert_true(WIFSIGNALED(e.status) && WTERMSIG(e.status) == SIGSEGV);
  assert_non_null(strstr(e.text, "segmentation fault"));
  e = run_child(stack_overflow, NULL);
  assert_true(WIFSIGNALED(e.status) && WTERMSIG(e.status) == SIGSEGV);
}

/* ---- stop requests ---- */
static void never_comes_back(void) {
  wb_stop_install();
  wait_for_ever(NULL);
}
static void comes_back(void) {
  wb_stop_install();
  while (!wb_stop_requested()) usleep(1000);
  usleep(300000); /* the checkpoint */
  _exit(75);
}
static void asks_twice(pid_t child) {
  sleep(1);
  kill(child, SIGUSR1);
  kill(child, SIGTERM);
  sleep(1);
  kill(child, SIGTERM);
}
static void asks_along_two_paths(pid_t child) {
  sleep(1);
  kill(child, SIGTERM);
  usleep(1000);
  kill(child, SIGTERM);
}

static void second_request_ends(void **state) {
  (void)state;
  End e = run_child(never_comes_back, asks_twice);
  assert_true(WIFSIGNALED(e.status) && WTERMSIG(e.status) == SIGTERM);
  assert_non_null(strstr(e.text, "second signal"));
  e = run_child(comes_back, asks_along_two_paths);
  assert_true(WIFEXITED(e.status) && WEXITSTATUS(e.status) == 75);
}

WB_TEST_MAIN(cmocka_unit_test(crashes_end), cmocka_unit_test(second_request_ends))
