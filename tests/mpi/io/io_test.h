/* A hand-made uneven decomposition: io must work on any WbGrid, so these tests need no grid module. */
#ifndef WB_IO_TEST_H
#define WB_IO_TEST_H
#include <string.h>
#include <unistd.h>
#include "wb_test.h"
#include "windbridge/io.h"

enum { NX = 11, NY = 13, NZ = 3, NT = 3, NM = 2 };

/* ranks along y (1, 2) or a 2 x 2 box split at odd places */
static inline WbGrid test_grid(void) {
  WbGrid g;
  memset(&g, 0, sizeof(g));
  g.comm = PETSC_COMM_WORLD;
  MPI_Comm_rank(g.comm, &g.rank);
  MPI_Comm_size(g.comm, &g.size);
  g.px = g.size >= 4 ? 2 : 1;
  g.py = g.size / g.px;
  g.ix = g.rank % g.px;
  g.iy = g.rank / g.px;
  g.nx = NX;
  g.ny = NY;
  g.nz = NZ;
  const int xs[3] = {0, g.px == 2 ? 3 : NX, NX}, ys[3] = {0, g.py == 2 ? 9 : NY, NY};
  g.x0 = xs[g.ix];
  g.nxl = xs[g.ix + 1] - g.x0;
  g.y0 = ys[g.iy];
  g.nyl = ys[g.iy + 1] - g.y0;
  g.x_min_m = 1000.0;
  g.y_min_m = -2000.0;
  g.dx_m = 5.0;
  return g;
}

/* a value that names its place */
static inline float test_value(int t, int m, int k, int j, int i) {
  return (float)((((t * 7 + m) * NZ + k) * NY + j) * NX + i) + 0.25F;
}

static inline void test_fill(const WbGrid *g, int t, int m, float *a) {
  for (int k = 0; k < g->nz; k++)
    for (int j = 0; j < g->nyl; j++)
      for (int i = 0; i < g->nxl; i++)
        a[((size_t)k * g->nyl + j) * g->nxl + i] = test_value(t, m, k, g->y0 + j, g->x0 + i);
}

static inline int test_differences(const WbGrid *g, int t, int m, const float *a) {
  int bad = 0;
  for (int k = 0; k < g->nz; k++)
    for (int j = 0; j < g->nyl; j++)
      for (int i = 0; i < g->nxl; i++) {
        const float want = test_value(t, m, k, g->y0 + j, g->x0 + i);
        if (!(a[((size_t)k * g->nyl + j) * g->nxl + i] == want)) bad++;
      }
  return bad;
}

/* A folder of this run's own, the same on all ranks. */
static inline const char *test_path(const char *name) {
  static char path[4][256];
  static int next = 0;
  int pid = (int)getpid();
  MPI_Bcast(&pid, 1, MPI_INT, 0, PETSC_COMM_WORLD);
  next = (next + 1) % 4;
  const char *base = getenv("TMPDIR");
  snprintf(path[next], sizeof(path[next]), "%s/wb_io_test_%d_%s", base ? base : "/tmp", pid, name);
  return path[next];
}

static inline void test_remove(const char *path) {
  int rank = 0;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Barrier(PETSC_COMM_WORLD);
  if (rank == 0) unlink(path);
  MPI_Barrier(PETSC_COMM_WORLD);
}

/* cmocka's longjmp on one rank alone would hang the others: count failures, decide together */
#define WB_ALL_RANKS(condition)                                            \
  do {                                                                     \
    int wb_ok = !!(condition), wb_all = 0;                                 \
    MPI_Allreduce(&wb_ok, &wb_all, 1, MPI_INT, MPI_MIN, PETSC_COMM_WORLD); \
    if (!wb_all) fail_msg("%s is false on some rank", #condition);         \
  } while (0)
#endif
