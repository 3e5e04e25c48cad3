/* A member does not depend on the rank count, bit for bit, with an analytic denoiser: each rank samples its part of the
 * voxels, the gathered result equals the sample of all voxels computed on one rank. The same for training states. */
#include "wb_test.h"

#include "../../verify/bridge/reference.h"

enum { NZ = 3, NY = 10, NX = 14, N = NZ * NY * NX, C = WB_CHANNELS, STEPS = 7 };
static float x0[N * C], x[N * C], whole[N * C], work[4 * N * C];
static uint8_t mask[N];
static uint64_t voxel[N];

static PetscErrorCode relax(void *ctx, double t, const float *in, float *d, float *d0) {
  const size_t n = *(size_t *)ctx;
  for (size_t i = 0; i < n * C; i++) d[i] = (float)(0.3 + t) * in[i] + 0.25f;
  for (size_t i = 0; d0 && i < n * C; i++) d0[i] = (float)(1.0 - t) * in[i];
  return 0;
}

/* Rank r owns columns of a random-looking but fixed partition; voxel numbers are global. */
static size_t part(int rank, int size) {
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

static void gather_and_compare(size_t n) {
  static float gathered[N * C], sum[N * C];
  memset(gathered, 0, sizeof(gathered));
  for (size_t p = 0; p < n; p++) {
    for (size_t c = 0; c < C; c++) gathered[voxel[p] * C + c] = x[p * C + c];
  }
  MPI_Allreduce(gathered, sum, N * C, MPI_FLOAT, MPI_SUM, PETSC_COMM_WORLD);
  assert_memory_equal(sum, whole, sizeof(whole));
}

static void same_bits(void **state) {
  (void)state;
  static const char *const names[] = {"euler_maruyama", "stochastic_heun", "exponential", "flow_heun", "flow_rk4",
                                      "mean",           "flow_heun"};
  const float eps[C] = {1, 2, 3, 4};
  const WbRandomKey key = {.seed = 5, .stream = WB_STREAM_BRIDGE, .member = 1};
  const WbTimeGrid grid = {1, 1, 0};
  double t[STEPS + 1];
  int rank, size;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  ref_setup();
  WB_OK(wb_time_grid(&grid, STEPS, t));
  for (int r = 0; r < N_REF; r++) {
    WbProcess process;
    memcpy(ref_list[r].options.epsilon, eps, sizeof(eps));
    WB_OK(wb_process_create(&ref_list[r].options, &process));
    for (int k = 0; k < 7; k++) {
      WbSampler o;
      WbPlan plan;
      WB_OK(wb_sampler_parse(names[k], WB_NOISE_BASE, &o));
      o.two_sided = k == 6;
      WB_OK(wb_plan_create(process, &o, STEPS, t, &plan));
      size_t n = part(0, 1);
      WB_OK(wb_bridge_sample(plan, &key, n, x0, mask, voxel, relax, &n, whole, work));
      n = part(rank, size);
      WB_OK(wb_bridge_sample(plan, &key, n, x0, mask, voxel, relax, &n, x, work));
      gather_and_compare(n);
      wb_plan_destroy(&plan);
    }
    size_t n = part(0, 1);
    wb_process_state(process, 0.3, n, x0, x0, mask, voxel, &key, whole);
    n = part(rank, size);
    wb_process_state(process, 0.3, n, x0, x0, mask, voxel, &key, x);
    gather_and_compare(n);
    wb_process_destroy(&process);
  }
}

WB_TEST_MAIN(cmocka_unit_test(same_bits))
