/* Memory of the ranks of a communicator that those on one node reach directly (MPI-3 shared memory, Hoefler et al.
 * 2013, Computing 95, 1121), with a count of what each rank has done: `post` says that the next piece of work is done,
 * `wait` waits until the others on this node have said so. All ranks must post the same pieces in the same order. */
#ifndef WB_FFT_WINDOW_H
#define WB_FFT_WINDOW_H
#include "windbridge/grid.h"

typedef struct {
  MPI_Comm comm; /* borrowed */
  int size;
  void **at;       /* (size): rank p's memory, on cache lines and zeroed at first; NULL: p is on another node */
  bool all_near;   /* no such rank */
  uint64_t posted; /* by this rank, and by the others when they are as far */
  void *own;       /* of a rank alone */
  MPI_Win win;
} WbWindow;

/* Collective on comm. Has every machine of comm room in its shared-memory file system for `bytes` of each rank? MPI
 * cannot be asked: where there is none, as in containers that grant 64 MB, Open MPI fails on one rank and leaves the
 * others waiting. *fits: the same on all ranks. */
PetscErrorCode wb_window_fits(MPI_Comm comm, size_t bytes, bool *fits);
/* Collective on comm. bytes: of this rank. most_near: ranks that may share memory (tests; else INT_MAX). Free with
 * wb_window_destroy (collective). */
PetscErrorCode wb_window_create(MPI_Comm comm, size_t bytes, int most_near, WbWindow *w);
void wb_window_post(WbWindow *w);
/* Until every near rank has posted `posts` pieces in all; what they wrote before can then be read. */
void wb_window_wait(const WbWindow *w, uint64_t posts);
/* Collective, but for a rank that is alone with an error: the others would not come, and main ends the run. */
void wb_window_destroy(WbWindow *w);
#endif
