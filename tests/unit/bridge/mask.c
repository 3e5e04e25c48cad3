/* Mask semantics of every process and sampler: buildings are +0 exactly and independent of noise and fill; m = 1 is the
 * unmasked method bit for bit; a sealed courtyard does not feel the outside (math.md, oracle 6). Noise keys. */
#include "wb_test.h"

#include "../../verify/bridge/reference.h"

enum { NZ = 4, NY = 12, NX = 13, N = NZ * NY * NX, C = WB_CHANNELS, STEPS = 6, N_SAMPLERS = 8 };
static float x0[N * C], x[N * C], y[N * C], work[4 * N * C];
static uint8_t mask[N];
static uint64_t voxel[N];

typedef struct {
  const uint8_t *mask;
  int calls;
  float fill; /* what the denoiser leaves in buildings */
} Smoother;

/* A denoiser that couples fluid neighbours only, as a masked network does. */
static PetscErrorCode smooth(void *ctx, double t, const float *in, float *d, float *d0) {
  Smoother *s = ctx;
  const int step[3] = {1, NX, NX * NY};
  s->calls++;
  for (int p = 0; p < N; p++) {
    for (int c = 0; c < C; c++) {
      float sum = 0.0f;
      for (int k = 0; k < 3; k++) {
        if (p + step[k] < N && s->mask[p + step[k]]) sum += in[(p + step[k]) * C + c] - in[p * C + c];
        if (p - step[k] >= 0 && s->mask[p - step[k]]) sum += in[(p - step[k]) * C + c] - in[p * C + c];
      }
      d[p * C + c] = s->mask[p] ? (float)t * in[p * C + c] + 0.1f * sum + 0.1f * (float)c : s->fill;
      if (d0) d0[p * C + c] = s->mask[p] ? (float)(1 - t) * in[p * C + c] : s->fill;
    }
  }
  return 0;
}

static void fill_fields(float building_fill) {
  const WbRandomKey key = {.seed = 3, .stream = WB_STREAM_TEST};
  for (int p = 0; p < N; p++) {
    voxel[p] = (uint64_t)p * 7 + 5;
    wb_random_normal4(&key, (uint64_t)p, x0 + (size_t)p * C);
    for (int c = 0; c < C && !mask[p]; c++) x0[p * C + c] = building_fill;
  }
}

/* Sampler k: the last ones are [SF]2M's, whose x0 is not known to the denoiser. */
static WbPlan plan_of(int ref, int k) {
  static const char *const names[N_SAMPLERS] = {
      "euler_maruyama", "stochastic_heun", "exponential", "flow_heun", "flow_rk4", "ddim", "mean", "flow_heun"};
  const float eps[C] = {0.8f, 1.0f, 1.5f, 2.0f};
  const WbTimeGrid grid = {1.2, 1.1, 0};
  double t[STEPS + 1];
  WbProcess process;
  WbSampler o;
  WbPlan plan;
  ref_setup();
  WB_OK(wb_time_grid(&grid, STEPS, t));
  WB_OK(wb_sampler_parse(names[k], ref_list[ref].foellmer ? WB_NOISE_FOELLMER : WB_NOISE_BASE, &o));
  o.two_sided = k == 7;
  memcpy(ref_list[ref].options.epsilon, eps, sizeof(eps));
  WB_OK(wb_process_create(&ref_list[ref].options, &process));
  WB_OK(wb_plan_create(process, &o, STEPS, t, &plan));
  wb_process_destroy(&process);
  return plan;
}

static const WbRandomKey base_key = {.seed = 11, .stream = WB_STREAM_TEST, .member = 2, .minute = 4};

static void run(const struct WbPlan_s *plan, const WbRandomKey *key, const uint8_t *m, float fill, float *out) {
  Smoother s = {.mask = mask, .fill = fill};
  assert_true(wb_plan_fields(plan) <= 4);
  for (int i = 0; i < 4 * N * C; i++) work[i] = NAN;
  WB_OK(wb_bridge_sample(plan, key, N, x0, m, voxel, smooth, &s, out, work));
  assert_int_equal(s.calls, wb_plan_evaluations(plan));
}

static void buildings(void **state) {
  (void)state;
  const uint8_t zero[C * sizeof(float)] = {0};
  for (int p = 0; p < N; p++) mask[p] = (p * 2654435761u >> 13) % 3 != 0;
  for (int r = 0; r < N_REF; r++) {
    for (int k = 0; k < N_SAMPLERS; k++) {
      WbPlan plan = plan_of(r, k);
      fill_fields(0.0f);
      run(plan, &base_key, mask, 0.0f, x);
      int moved = 0;
      for (int p = 0; p < N; p++) {
        if (!mask[p]) assert_memory_equal(x + (size_t)p * C, zero, sizeof(zero)); /* +0, not -0 */
        if (mask[p]) moved += x[p * C] != x0[p * C];
        for (int c = 0; c < C; c++) assert_true(isfinite(x[p * C + c]));
      }
      assert_true(moved > N / 2);
      /* fill invariance: nothing that sits in a building, in x0 or in D, changes a bit */
      const float fills[] = {NAN, -999999.0f, 100.0f, INFINITY};
      for (int f = 0; f < 4; f++) {
        fill_fields(fills[f]);
        run(plan, &base_key, mask, fills[f], y);
        assert_memory_equal(x, y, sizeof(x));
      }
      wb_plan_destroy(&plan);
    }
  }
}

static void all_air(void **state) {
  (void)state;
  memset(mask, 1, sizeof(mask));
  fill_fields(0.0f);
  for (int r = 0; r < N_REF; r++) {
    for (int k = 0; k < N_SAMPLERS; k++) {
      WbPlan plan = plan_of(r, k);
      run(plan, &base_key, mask, 0.0f, x);
      run(plan, &base_key, NULL, 0.0f, y);
      assert_memory_equal(x, y, sizeof(x));
      wb_plan_destroy(&plan);
    }
  }
}

/* A court of 4 x 4 columns behind walls one voxel thick: change everything outside, the court keeps its bits. */
static void courtyard(void **state) {
  (void)state;
  for (int p = 0; p < N; p++) {
    const int i = p % NX, j = p / NX % NY;
    mask[p] = !(i >= 3 && i <= 8 && j >= 3 && j <= 8 && (i == 3 || i == 8 || j == 3 || j == 8));
  }
  for (int r = 0; r < N_REF; r++) {
    for (int k = 0; k < N_SAMPLERS; k++) {
      WbPlan plan = plan_of(r, k);
      fill_fields(0.0f);
      run(plan, &base_key, mask, 0.0f, x);
      int outside = 0, changed = 0;
      for (int p = 0; p < N; p++) {
        const int i = p % NX, j = p / NX % NY;
        if (i < 3 || i > 8 || j < 3 || j > 8) outside++, voxel[p] += 1000003, x0[p * C] += 5.0f; /* other noise too */
      }
      run(plan, &base_key, mask, 0.0f, y);
      for (int p = 0; p < N; p++) {
        const int i = p % NX, j = p / NX % NY;
        const bool court = i > 3 && i < 8 && j > 3 && j < 8;
        if (court) assert_memory_equal(x + (size_t)p * C, y + (size_t)p * C, C * sizeof(float));
        changed += x[p * C] != y[p * C];
      }
      if (k != 6 || !(r >= 8 && r <= 11 && r != 10))
        assert_true(changed > outside / 2); /* the mean of VP, flow: no x0 */
      wb_plan_destroy(&plan);
    }
  }
}

/* Members, minutes and seeds have their own noise; the mean has none; a start from noise differs from the steps'. */
static void noise_keys(void **state) {
  (void)state;
  memset(mask, 1, sizeof(mask));
  fill_fields(0.0f);
  for (int r = 0; r < N_REF; r += 2) {
    for (int k = 0; k < N_SAMPLERS; k++) {
      WbPlan plan = plan_of(r, k);
      run(plan, &base_key, mask, 0.0f, x);
      WbRandomKey other[3] = {base_key, base_key, base_key};
      other[0].member++, other[1].minute++, other[2].seed++;
      for (int q = 0; q < 3; q++) {
        run(plan, &other[q], mask, 0.0f, y);
        int same = 0;
        for (int p = 0; p < N * C; p++) same += x[p] == y[p];
        if (k == 6) {
          assert_int_equal(same, N * C);
        } else {
          assert_true(same < 5);
        }
      }
      wb_plan_destroy(&plan);
    }
  }
}

/* The vectorised noise has the numbers of wb_random_normal4, and a voxel's bits do not depend on its place. */
static void noise_numbers(void **state) {
  (void)state;
  enum { MANY = 20001 };
  static uint64_t id[MANY];
  static float z[MANY * C], shifted[MANY * C];
  const WbRandomKey key = {.seed = 123, .stream = WB_STREAM_BRIDGE, .step = 7, .member = 3, .minute = 99};
  for (int p = 0; p < MANY; p++) id[p] = (uint64_t)p * 1000003u * 65537u % (1ull << 48);
  wb_bridge_noise(&key, MANY, id, z);
  wb_bridge_noise(&key, MANY - 3, id + 3, shifted);
  assert_memory_equal(shifted, z + (size_t)3 * C, (MANY - 3) * C * sizeof(float));
  for (size_t p = 0; p < MANY; p++) {
    float want[C];
    wb_random_normal4(&key, id[p], want);
    for (size_t c = 0; c < C; c++) WB_ASSERT_NEAR(z[p * C + c], want[c], 3e-7 * fabs((double)want[c]) + 1e-12);
  }
  WbRandomKey mirror = key;
  mirror.negated = true;
  wb_bridge_noise(&mirror, MANY, id, shifted);
  for (size_t i = 0; i < (size_t)MANY * C; i++) assert_true(shifted[i] == -z[i]);
  float want[C];
  wb_random_normal4(&mirror, id[5], want);
  for (size_t c = 0; c < C; c++) WB_ASSERT_NEAR(shifted[5 * C + c], want[c], 3e-7 * fabs((double)want[c]) + 1e-12);
}

static PetscErrorCode failing(void *ctx, double t, const float *in, float *d, float *d0) {
  (void)in;
  (void)d0;
  PetscFunctionBeginUser;
  if (t > 0.4) WB_RAISE_ALL(WB_ERR_NUMERIC, "the denoiser gives up");
  memset(d, 0, *(size_t *)ctx);
  PetscFunctionReturn(0);
}

static void denoiser_fails(void **state) {
  (void)state;
  size_t bytes = sizeof(x);
  WbPlan plan = plan_of(0, 0);
  assert_int_equal(wb_bridge_sample(plan, &base_key, N, x0, mask, voxel, failing, &bytes, x, work), WB_ERR_NUMERIC);
  wb_error_clear();
  wb_plan_destroy(&plan);
}

WB_TEST_MAIN(cmocka_unit_test(buildings), cmocka_unit_test(all_air), cmocka_unit_test(courtyard),
             cmocka_unit_test(noise_keys), cmocka_unit_test(noise_numbers), cmocka_unit_test(denoiser_fails))
