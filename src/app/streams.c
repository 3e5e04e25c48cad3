/* The program's standard streams: closed ones, and readers that go away. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "app.h"

/* A file opened later must not get the number of a closed stream: messages would land in it. Writing to what replaces
 * stdout fails, so that it is found. */
bool wb_app_streams_guard(void) {
  for (int fd = 0; fd <= 2; fd++)
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 2 ? O_WRONLY : O_RDONLY) != fd) return false;
  return true;
}

/* A run whose stdout nobody reads any more goes on: its results are files. */
void wb_app_streams_ignore_pipe(void) {
  struct sigaction action = {.sa_handler = SIG_IGN};
  sigemptyset(&action.sa_mask);
  sigaction(SIGPIPE, &action, NULL);
}

bool wb_app_stdout_is_whole(void) {
  return fflush(stdout) == 0 && !ferror(stdout);
}

static int kept = -1;

void wb_app_stdout_to_stderr(void) {
  fflush(stdout);
  kept = dup(STDOUT_FILENO);
  if (kept >= 0) dup2(STDERR_FILENO, STDOUT_FILENO);
}

void wb_app_stdout_back(void) {
  fflush(stdout);
  if (kept < 0) return;
  dup2(kept, STDOUT_FILENO);
  close(kept);
  kept = -1;
}
