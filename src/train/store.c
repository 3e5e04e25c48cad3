/* Minutes of the training set in a file mapped into memory, for sets larger than memory: the system reads pages ahead
 * in the background (madvise) and forgets them when memory is short. One file a node, which all its ranks map; it is
 * unlinked as soon as all have it open, so that nothing is left behind however the run ends. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "train_internal.h"

static size_t state_bytes(const WbPairRun *run) {
  return wb_grid_owned(run->hr_grid) * WB_CHANNELS * sizeof(float);
}

PetscErrorCode wb_store_create(MPI_Comm comm, const char *dir, WbStore *s) {
  int rank = 0;
  PetscFunctionBeginUser;
  *s = (WbStore){.file = -1};
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &s->node));
  PetscCallMPI(MPI_Comm_rank(s->node, &s->node_rank));
  PetscCallMPI(MPI_Bcast(&rank, 1, MPI_INT, 0, s->node));
  snprintf(s->path, sizeof(s->path), "%s/minutes.%d.tmp", dir, rank);
  PetscErrorCode e = 0;
  if (s->node_rank == 0) {
    s->file = open(s->path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (s->file < 0)
      e = WB_ERROR(WB_ERR_IO, WB_ERROR_LOCAL,
                   "cannot write the training minutes to %s: %s (train_store_dir names another folder)", s->path,
                   strerror(errno));
  }
  PetscFunctionReturn(wb_error_agree(comm, e));
}

static PetscErrorCode append(WbStore *s, const char *data, size_t bytes) {
  PetscFunctionBeginUser;
  for (size_t done = 0; done < bytes && s->node_rank == 0;) {
    const ssize_t n = pwrite(s->file, data + done, bytes - done, (off_t)(s->bytes + done));
    if (n <= 0)
      WB_RAISE(WB_ERR_IO, "cannot write the training minutes to %s after %.2f GB: %s", s->path,
               (double)(s->bytes + done) / 1e9, strerror(errno));
    done += (size_t)n;
  }
  s->bytes += bytes;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_store_put(WbStore *s, WbPairRun *run) {
  PetscFunctionBeginUser;
  for (int m = 0; m < run->n_time; m++) {
    PetscCall(append(s, (const char *)run->x0[m], state_bytes(run)));
    PetscCall(append(s, (const char *)run->x1[m], state_bytes(run)));
    WB_FREE(&run->x0[m]);
    WB_FREE(&run->x1[m]);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode map(WbStore *s) {
  PetscFunctionBeginUser;
  if (s->node_rank > 0) s->file = open(s->path, O_RDONLY);
  if (s->file < 0) WB_RAISE(WB_ERR_IO, "cannot read %s: %s", s->path, strerror(errno));
  const int access = s->node_rank > 0 ? PROT_READ : PROT_READ | PROT_WRITE;
  void *at = mmap(NULL, s->bytes, access, MAP_SHARED, s->file, 0);
  if (at == MAP_FAILED)
    WB_RAISE(WB_ERR_IO, "cannot map the %.2f GB of %s: %s", (double)s->bytes / 1e9, s->path, strerror(errno));
  s->map = at;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_store_map(MPI_Comm comm, WbStore *s, int n_runs, WbPairRun *const *runs) {
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Barrier(s->node)); /* all is written */
  PetscErrorCode e = map(s);
  PetscCallMPI(MPI_Barrier(s->node)); /* all have it open, or never will */
  if (s->node_rank == 0) (void)unlink(s->path);
  PetscCall(wb_error_agree(comm, e));
  char *at = s->map;
  for (int r = 0; r < n_runs; r++) {
    const size_t bytes = state_bytes(runs[r]);
    for (int m = 0; m < runs[r]->n_time; m++, at += 2 * bytes) {
      runs[r]->x0[m] = (float *)(void *)at;
      runs[r]->x1[m] = (float *)(void *)(at + bytes);
    }
  }
  PetscFunctionReturn(0);
}

void wb_store_expect(const WbStore *s, const WbPairRun *run, int minute) {
  if (!s->map) return;
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char *begin = (char *)run->x0[minute], *end = begin + 2 * state_bytes(run); /* x1 lies behind x0 */
  begin -= (size_t)(begin - s->map) % page;
  (void)madvise(begin, (size_t)(end - begin), MADV_WILLNEED); /* advice: the fields come without it, only later */
}

void wb_store_destroy(WbStore *s, int n_runs, WbPairRun *const *runs) {
  for (int r = 0; s->map && r < n_runs; r++) {
    for (int m = 0; m < runs[r]->n_time; m++) runs[r]->x0[m] = runs[r]->x1[m] = NULL;
  }
  if (s->map) (void)munmap(s->map, s->bytes);
  if (s->file >= 0) (void)close(s->file);
  if (s->file >= 0 && !s->map && s->node_rank == 0) (void)unlink(s->path);
  if (s->node != MPI_COMM_NULL) MPI_Comm_free(&s->node);
  s->map = NULL;
}
