/* One folder serves one run at a time: a lock file in it. */
#ifndef WB_APP_LOCK_H
#define WB_APP_LOCK_H
#include "windbridge/core.h"

/* Collective. Takes the lock file at path, which says who holds it: machine, process, job. The kernel gives the lock
 * back when its process ends in whatever way, so a file that a killed run of this machine (or of this batch job) left
 * is taken over; one of another machine is not: whether that run lives cannot be known from here. *fd out: of rank 0,
 * for wb_lock_release. Errors: WB_ERR_IO (in use; the message says by whom, and the way out). */
PetscErrorCode wb_lock_take(MPI_Comm comm, const char *path, int *fd);
/* Collective. The same refusal, without touching anything. */
PetscErrorCode wb_lock_check(MPI_Comm comm, const char *path);
/* Local. Removes the file and gives the lock back; fd -1: does nothing. */
void wb_lock_release(const char *path, int *fd);
#endif
