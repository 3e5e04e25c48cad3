/* Progress lines of rank 0: stdout (unless quiet), a copy in the log file, warnings on stderr. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "windbridge/core.h"

static struct {
  FILE *file;
  bool quiet;
  bool opened;  /* then `silent` decides; before, PETSc's global rank does */
  bool silent;  /* not rank 0 */
  bool live_on; /* a live line is on the terminal and must be wiped first */
} log_state;

static bool log_is_silent(void) {
  return log_state.opened ? log_state.silent : PetscGlobalRank > 0;
}

static void wipe_live(void) {
  if (!log_state.live_on) return;
  fputs("\r\033[K", stdout);
  log_state.live_on = false;
}

PetscErrorCode wb_log_open(MPI_Comm comm, const char *path, bool quiet) {
  PetscFunctionBeginUser;
  int rank;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  wb_log_close();
  log_state.opened = true;
  log_state.silent = rank != 0;
  log_state.quiet = quiet;
  PetscErrorCode local = 0;
  if (path && rank == 0) {
    log_state.file = fopen(path, "a");
    if (!log_state.file)
      local = WB_ERROR(WB_ERR_IO, WB_ERROR_LOCAL, "%s: cannot be written: %s", path, strerror(errno));
  }
  PetscCall(wb_error_agree(comm, local));
  PetscFunctionReturn(0);
}

/* A full disk must not end a run because of its log: write errors of the copy are ignored. */
static void emit(FILE *console, const char *prefix, const char *fmt, va_list args) {
  char line[16384];
  if (vsnprintf(line, sizeof line, fmt, args) >= (int)sizeof line)
    memcpy(line + sizeof line - 4, "...", 4); /* cut, and seen to be */
  if (console) {
    wipe_live();
    fflush(stdout);
    fprintf(console, "%s%s\n", prefix, line);
    fflush(console);
  }
  if (log_state.file) {
    fprintf(log_state.file, "%s%s\n", prefix, line);
    fflush(log_state.file);
  }
}

void wb_log(const char *fmt, ...) {
  if (log_is_silent()) return;
  va_list args;
  va_start(args, fmt);
  emit(log_state.quiet ? NULL : stdout, "", fmt, args);
  va_end(args);
}

void wb_log_warn(const char *fmt, ...) {
  if (log_is_silent()) return;
  va_list args;
  va_start(args, fmt);
  emit(stderr, "warning: ", fmt, args);
  va_end(args);
}

/* Does a person look? mpirun gives every rank a pseudo-terminal even when its own output goes to a file, so under a
 * launcher the parent's stdout decides. */
static bool stdout_is_seen(void) {
  static int seen = -1;
  if (seen >= 0) return seen != 0;
  seen = isatty(STDOUT_FILENO);
  if (seen && (getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMI_SIZE") || getenv("SLURM_JOB_ID"))) {
    char path[64], target[256];
    snprintf(path, sizeof path, "/proc/%ld/fd/1", (long)getppid());
    const ssize_t n = readlink(path, target, sizeof target - 1);
    target[n > 0 ? n : 0] = '\0';
    seen = strncmp(target, "/dev/pts/", 9) == 0 || strncmp(target, "/dev/tty", 8) == 0;
  }
  return seen != 0;
}

void wb_log_live(const char *fmt, ...) {
  if (log_is_silent() || log_state.quiet || !stdout_is_seen()) return;
  va_list args;
  va_start(args, fmt);
  fputs("\r\033[K", stdout);
  vprintf(fmt, args);
  va_end(args);
  fflush(stdout);
  log_state.live_on = true;
}

void wb_log_close(void) {
  if (log_state.live_on) wipe_live();
  if (log_state.file) fclose(log_state.file);
  log_state.file = NULL;
  log_state.opened = log_state.quiet = log_state.silent = false;
}

void wb_format_eta(double seconds, char out[32]) {
  if (!(seconds >= 0.0) || seconds > 3.0e8) {
    snprintf(out, 32, "?");
    return;
  }
  const long s = lround(seconds);
  if (s >= 3600)
    snprintf(out, 32, "%ld h %02ld min", s / 3600, (s % 3600) / 60);
  else if (s >= 60)
    snprintf(out, 32, "%ld min %ld s", s / 60, s % 60);
  else
    snprintf(out, 32, "%ld s", s);
}
