/* Stop requests. The handler does nothing but set a flag (async-signal-safe); the time loop asks for it. A program that
 * does not come back to its time loop is ended by asking a second time. */
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "windbridge/core.h"

/* One request may arrive along several paths (batch system, mpirun, terminal): these are at most so far apart. */
static const double same_request_s = 0.5;

static volatile sig_atomic_t stop_flag;
static volatile sig_atomic_t asked; /* by SIGTERM or SIGINT */
static struct timespec first;

static void on_signal(int number) {
  stop_flag = 1;
  if (number == SIGUSR1) return; /* batch systems warn with it; it never ends the program by itself */
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (!asked) {
    first = now;
    asked = 1;
    return;
  }
  if ((double)(now.tv_sec - first.tv_sec) + 1e-9 * (double)(now.tv_nsec - first.tv_nsec) < same_request_s) return;
  static const char line[] = "windbridge: ended at once by a second signal\n";
  if (write(STDERR_FILENO, line, sizeof line - 1) < 0) stop_flag = 1; /* nobody listens: the end is the same */
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = SIG_DFL;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
  raise(number); /* delivered when this handler returns */
}

/* Local. Call after PetscInitialize, whose own handlers it replaces for these signals. */
void wb_stop_install(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART; /* interrupted writes and MPI's own waits go on */
  sigemptyset(&action.sa_mask);
  const int signals[] = {SIGTERM, SIGINT, SIGUSR1};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
}

bool wb_stop_requested(void) {
  return stop_flag != 0;
}
