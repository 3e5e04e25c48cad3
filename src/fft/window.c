#include "window.h"

#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/statvfs.h>

enum { LINE = 64, SPINS = 4000 /* looks before another process gets the core: some microseconds */ };

#define SHARED_MEMORY "/dev/shm" /* where Open MPI and MPICH put shared windows on Linux */
#define SHARE 0.9                /* of the free room; MPI itself needs some */

/* Before the memory of a rank, on a line of its own. */
typedef _Atomic uint64_t Count;

static Count *count_of(const WbWindow *w, int p) {
  return (Count *)(void *)((char *)w->at[p] - LINE);
}

/* at[] from the ranks of node. */
static PetscErrorCode find_memory(WbWindow *w, MPI_Comm node) {
  MPI_Group near, all;
  int n;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(node, &n));
  PetscCallMPI(MPI_Comm_group(node, &near));
  PetscCallMPI(MPI_Comm_group(w->comm, &all));
  for (int q = 0; q < n; q++) {
    MPI_Aint bytes;
    int unit, p;
    void *base = NULL;
    PetscCallMPI(MPI_Win_shared_query(w->win, q, &bytes, &unit, &base));
    PetscCallMPI(MPI_Group_translate_ranks(near, 1, &q, all, &p));
    w->at[p] = (char *)base + LINE;
  }
  w->all_near = n == w->size;
  PetscCallMPI(MPI_Group_free(&near));
  PetscCallMPI(MPI_Group_free(&all));
  PetscFunctionReturn(0);
}

static PetscErrorCode share(WbWindow *w, size_t bytes, int most_near) {
  MPI_Comm machine, node;
  MPI_Info info;
  int rank;
  void *base = NULL;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_split_type(w->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine));
  PetscCallMPI(MPI_Comm_rank(machine, &rank));
  PetscCallMPI(MPI_Comm_split(machine, rank / most_near, rank, &node));
  PetscCallMPI(MPI_Info_create(&info));
  PetscCallMPI(MPI_Info_set(info, "alloc_shared_noncontig", "true")); /* each rank's pages near its core */
  PetscCallMPI(MPI_Win_allocate_shared((MPI_Aint)bytes, 1, info, node, &base, &w->win));
  memset(base, 0, bytes);
  PetscCallMPI(MPI_Barrier(node)); /* counts are zero before anyone looks */
  PetscCall(find_memory(w, node));
  PetscCallMPI(MPI_Info_free(&info));
  PetscCallMPI(MPI_Comm_free(&node));
  PetscCallMPI(MPI_Comm_free(&machine));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_window_fits(MPI_Comm comm, size_t bytes, bool *fits) {
  MPI_Comm machine;
  struct statvfs disk;
  double mine = (double)(bytes + 4 * LINE), need, most, lacks = 0, worst;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine));
  PetscCallMPI(MPI_Allreduce(&mine, &need, 1, MPI_DOUBLE, MPI_SUM, machine));
  PetscCallMPI(MPI_Comm_free(&machine));
  if (statvfs(SHARED_MEMORY, &disk) == 0) lacks = need - SHARE * (double)disk.f_bavail * (double)disk.f_frsize;
  PetscCallMPI(MPI_Allreduce(&lacks, &worst, 1, MPI_DOUBLE, MPI_MAX, comm));
  PetscCallMPI(MPI_Allreduce(&need, &most, 1, MPI_DOUBLE, MPI_MAX, comm));
  *fits = worst <= 0;
  if (!*fits)
    wb_log_warn(
        "%s has no room for the %.0f MB that the ranks of a machine would share: the pressure solver sends "
        "messages instead, which is slower (containers: --shm-size)",
        SHARED_MEMORY, 1e-6 * most);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_window_create(MPI_Comm comm, size_t bytes, int most_near, WbWindow *w) {
  PetscFunctionBeginUser;
  *w = (WbWindow){.comm = comm, .win = MPI_WIN_NULL};
  PetscCallMPI(MPI_Comm_size(comm, &w->size));
  PetscCall(WB_CALLOC(w->size, &w->at));
  bytes = (bytes + LINE - 1) / LINE * LINE + LINE;
  if (w->size > 1) {
    PetscCall(share(w, bytes, most_near));
  } else { /* large pages */
    PetscCall(wb_calloc_bytes(bytes, "flat Poisson solver", &w->own));
    w->at[0] = (char *)w->own + LINE;
    w->all_near = true;
  }
  PetscFunctionReturn(0);
}

void wb_window_post(WbWindow *w) {
  int rank;
  w->posted++;
  if (w->size == 1) return;
  (void)MPI_Comm_rank(w->comm, &rank);
  atomic_store_explicit(count_of(w, rank), w->posted, memory_order_release);
}

void wb_window_wait(const WbWindow *w, uint64_t posts) {
  for (int p = 0; p < w->size && w->size > 1; p++) {
    if (!w->at[p]) continue;
    for (int spin = 0; atomic_load_explicit(count_of(w, p), memory_order_acquire) < posts; spin++)
      if (spin >= SPINS) (void)sched_yield();
  }
}

void wb_window_destroy(WbWindow *w) {
  if (w->win != MPI_WIN_NULL && w->at && !wb_error_is_alone()) (void)MPI_Win_free(&w->win);
  wb_free_bytes(&w->own);
  WB_FREE(&w->at);
}
