/* The end of a process that crashes: one line with write(2), nothing else. The signal may have come from inside malloc,
 * stdio or MPI with their locks held; a handler that needs any of these waits for ever, and with it the batch job. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "windbridge/core.h"

enum { WB_NOTE_LENGTH = 512, WB_EXIT_INPUT = 3, WB_HANDLER_STACK = 65536 };

static char note[WB_NOTE_LENGTH];
static volatile sig_atomic_t reading; /* note names what is being read */
static void (*leave)(int);

void wb_crash_reading(const char *what) {
  reading = 0;
  if (!what) return;
  const size_t n = strnlen(what, WB_NOTE_LENGTH - 1);
  memcpy(note, what, n);
  note[n] = '\0';
  reading = 1;
}

static size_t append(char *line, size_t at, size_t size, const char *text) {
  while (*text && at + 1 < size) line[at++] = *text++;
  return at;
}

static const char *signal_text(int number) {
  switch (number) {
    case SIGSEGV:
      return "segmentation fault";
    case SIGBUS:
      return "bus error";
    case SIGILL:
      return "illegal instruction";
    case SIGFPE:
      return "arithmetic exception";
    case SIGABRT:
      return "aborted";
    default:
      return "bad system call";
  }
}

/* Async-signal-safe. The action was reset on entry, so that raise() ends the process, with a core file where the system
 * wants one; so does a second fault in here. */
static void on_crash(int number) {
  char line[WB_NOTE_LENGTH + 256];
  size_t n = append(line, 0, sizeof line, "windbridge: error: ");
  if (reading) {
    n = append(line, n, sizeof line, "crashed (");
    n = append(line, n, sizeof line, signal_text(number));
    n = append(line, n, sizeof line, ") while reading ");
    n = append(line, n, sizeof line, note);
    n = append(line, n, sizeof line, ": the file is damaged");
  } else {
    n = append(line, n, sizeof line, "internal error: crashed (");
    n = append(line, n, sizeof line, signal_text(number));
    n = append(line, n, sizeof line, ")");
  }
  line[n++] = '\n';
  const bool told = write(STDERR_FILENO, line, n) == (ssize_t)n;
  if (told && reading && leave) leave(WB_EXIT_INPUT);
  raise(number);
}

void wb_crash_install(void (*leave_with)(int status)) {
#ifdef WB_SANITIZE
  (void)on_crash; /* the sanitizers' own report says more */
#else
  static char handler_stack[WB_HANDLER_STACK]; /* a stack that has overflowed cannot carry the handler */
  struct sigaction action;
  stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
  leave = leave_with;
  sigaltstack(&stack, NULL);
  memset(&action, 0, sizeof action);
  action.sa_handler = on_crash;
  action.sa_flags = SA_ONSTACK | SA_RESETHAND | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
#endif
}
