/* Stop requests. The handler does nothing but set a flag (async-signal-safe); the time loop asks for it. */
#include <signal.h>
#include <string.h>

#include "windbridge/core.h"

static volatile sig_atomic_t stop_flag;

static void on_signal(int signal_number) {
  stop_flag = 1;
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
