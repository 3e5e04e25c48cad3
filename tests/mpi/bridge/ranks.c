/* A member does not depend on the rank count, bit for bit, with an analytic drift: each rank samples its part of the
 * voxels, the gathered result equals the sample of all voxels computed on one rank. */
#include "wb_test.h"

#include "windbridge/bridge.h"

enum { NZ = 3, NY = 10, NX = 14, N = NZ * NY * NX, C = WB_CHANNELS };

static PetscErrorCode relax(void *ctx, double t, const float *x, float *b) {
  const size_t n = *(size_t *)ctx;
  for (size_t i = 0; i < n * C; i++) b[i] = (float)(0.3 - t) * x[i] + 0.25f;
  return 0;
}

/* Rank r owns columns of a random-looking but fixed partition; voxel numbers are global. */
static size_t part(int rank, int size, uint64_t *voxel, uint8_t *mask, float *x0) {
  size_t n = 0;
  for (int p = 0; p < N; p++) {
    const int column = p % (NY * NX);
    if ((column / 3) % size != rank) continue;
    const WbRandomKey key = {.seed = 4, .stream = WB_STREAM_TEST};
    wb_random_normal4(&key, (uint64_t)p, x0 + n * C);
    voxel[n] = (uint64_t)p;
    mask[n++] = (p % 5) != 2;
  }
  return n;
}

static void same_bits(void **state) {
  (void)state;
  static float x0[N * C], x[N * C], whole[N * C], gathered[N * C], sum[N * C], work[N * C];
  static uint8_t mask[N];
  static uint64_t voxel[N];
  int rank, size;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  for (int noise = 0; noise < 3; noise++) {
    WbBridgeOptions o = {.schedule = WB_SCHEDULE_QUADRATIC,
                         .noise = (WbNoiseChoice)noise,
                         .steps = 7,
                         .epsilon = {1, 2, 3, 4},
                         .seed = 5,
                         .stream = WB_STREAM_BRIDGE,
                         .member = 1};
    size_t n = part(0, 1, voxel, mask, x0);
    WB_OK(wb_bridge_sample(&o, n, x0, mask, voxel, relax, &n, whole, work));
    n = part(rank, size, voxel, mask, x0);
    WB_OK(wb_bridge_sample(&o, n, x0, mask, voxel, relax, &n, x, work));
    for (int i = 0; i < N * C; i++) gathered[i] = 0.0f;
    for (size_t p = 0; p < n; p++) {
      for (size_t c = 0; c < C; c++) gathered[voxel[p] * C + c] = x[p * C + c];
    }
    MPI_Allreduce(gathered, sum, N * C, MPI_FLOAT, MPI_SUM, PETSC_COMM_WORLD);
    assert_memory_equal(sum, whole, sizeof(whole));
  }
}

WB_TEST_MAIN(cmocka_unit_test(same_bits))
