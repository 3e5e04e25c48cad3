/* One error record per process: the first message raised, its code, and whether every rank knows of it. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "windbridge/core.h"

#define WB_MESSAGE_LENGTH 4096

static struct {
  bool set;        /* a message is held */
  bool collective; /* every rank of the run holds an error too */
  char text[WB_MESSAGE_LENGTH];
} record;

/* The first error is the cause; later ones, raised while unwinding, are consequences. */
static void record_first(bool collective, const char *fmt, va_list args) {
  if (record.set) return;
  record.set = true;
  record.collective = collective;
  if (vsnprintf(record.text, sizeof record.text, fmt, args) >= (int)sizeof record.text)
    memcpy(record.text + sizeof record.text - 4, "...", 4); /* cut, and seen to be */
  vsnprintf(record.text, sizeof record.text, fmt, args);
  for (char *c = record.text; *c; c++) /* one line, whatever a file or a library put into it */
    if ((unsigned char)*c < ' ') *c = ' ';
}

static void record_internal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void record_internal(const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  record_first(false, fmt, args);
  va_end(args);
}

PetscErrorCode wb_error_raise(PetscErrorCode code, WbErrorScope scope, const char *func, const char *file, int line,
                              const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  record_first(scope == WB_ERROR_ALL, fmt, args);
  va_end(args);
  return code;
}

static const char *base_name(const char *path) {
  const char *slash = path ? strrchr(path, '/') : NULL;
  return slash ? slash + 1 : (path ? path : "?");
}

/* PETSc calls this for its own errors (INITIAL) and for each PetscCall that passes one on (REPEAT). Ours carry their
 * message already; a PETSc error is a fault of the program and is recorded with its place. Nothing is printed here:
 * main prints once. */
static PetscErrorCode quiet_handler(MPI_Comm comm, int line, const char *func, const char *file, PetscErrorCode code,
                                    PetscErrorType type, const char *message, void *context) {
  if (!record.set && wb_error_exit_code(code) != 1 && type == PETSC_ERROR_INITIAL && message) { /* SETERRQ of ours */
    record_internal("%s", message);
  } else if (!record.set && wb_error_exit_code(code) == 1) {
    const char *text = NULL;
    if (code > 0 && PetscErrorMessage(code, &text, NULL)) text = NULL;
    record_internal("internal error %d%s%s%s%s at %s:%d (%s)", (int)code, text ? ": " : "", text ? text : "",
                    message && *message && strcmp(message, " ") != 0 ? ": " : "",
                    message && strcmp(message, " ") != 0 ? message : "", base_name(file), line, func ? func : "?");
  }
  return code;
}

void wb_error_install(void) {
  (void)PetscPushErrorHandler(quiet_handler, NULL);
}

/* Lowest failing rank or `size`; MPI itself is not expected to fail here, and if it does its code is returned. */
PetscErrorCode wb_error_agree(MPI_Comm comm, PetscErrorCode local) {
  PetscFunctionBeginUser;
  int rank, size, first;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  int mine = local ? rank : size;
  PetscCallMPI(MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, comm));
  if (first == size) PetscFunctionReturn(0);
  if (local && !record.set) record_internal("internal error %d", (int)local);
  char text[WB_MESSAGE_LENGTH];
  memcpy(text, record.text, sizeof text);
  int code = (int)local;
  PetscCallMPI(MPI_Bcast(&code, 1, MPI_INT, first, comm));
  PetscCallMPI(MPI_Bcast(text, WB_MESSAGE_LENGTH, MPI_CHAR, first, comm));
  memcpy(record.text, text, sizeof text);
  record.set = true;
  record.collective = true;
  PetscFunctionReturn((PetscErrorCode)code);
}

const char *wb_error_message(void) {
  return record.set ? record.text : "no error";
}

bool wb_error_is_collective(void) {
  return record.set && record.collective;
}

bool wb_error_is_alone(void) {
  return record.set && !record.collective;
}

int wb_error_exit_code(PetscErrorCode e) {
  switch ((int)e) {
    case 0:
      return 0;
    case WB_ERR_CONFIG:
    case WB_ERR_INPUT:
    case WB_ERR_NUMERIC:
    case WB_ERR_IO:
    case WB_ERR_STOPPED:
      return (int)e - 2000;
    default:
      return 1;
  }
}

void wb_error_clear(void) {
  record.set = record.collective = false;
  record.text[0] = '\0';
}
