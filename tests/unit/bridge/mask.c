/* Mask semantics: buildings are +0 exactly and independent of noise and fill; m = 1 is the unmasked method bit for bit;
 * a sealed courtyard does not feel the outside; exactly N drift evaluations at 0, h, ..., 1 - h (math.md, oracle 6). */
#include "wb_test.h"

#include <string.h>

#include "windbridge/bridge.h"

enum { NZ = 4, NY = 12, NX = 13, N = NZ * NY * NX, C = WB_CHANNELS };
static float x0[N * C], x[N * C], y[N * C], work[N * C];
static uint8_t mask[N];
static uint64_t voxel[N];

typedef struct {
  const uint8_t *mask;
  int calls;
  double times[64];
  float fill; /* what the drift leaves in buildings */
} Smoother;

/* A drift that couples fluid neighbours only, as a masked network does. */
static PetscErrorCode smooth(void *ctx, double t, const float *in, float *b) {
  Smoother *s = ctx;
  const int step[3] = {1, NX, NX * NY};
  s->times[s->calls++] = t;
  for (int p = 0; p < N; p++) {
    for (int c = 0; c < C; c++) {
      float sum = 0.0f;
      for (int d = 0; d < 3; d++) {
        if (p + step[d] < N && s->mask[p + step[d]]) sum += in[(p + step[d]) * C + c] - in[p * C + c];
        if (p - step[d] >= 0 && s->mask[p - step[d]]) sum += in[(p - step[d]) * C + c] - in[p * C + c];
      }
      b[p * C + c] = s->mask[p] ? 0.7f * sum + 0.1f * (float)c : s->fill;
    }
  }
  return 0;
}

static void fill_fields(float building_fill) {
  const WbRandomKey key = {.seed = 3, .stream = WB_STREAM_TEST};
  for (int p = 0; p < N; p++) {
    voxel[p] = (uint64_t)p * 7 + 5;
    wb_random_normal4(&key, (uint64_t)p, x0 + (size_t)p * C);
    if (!mask[p]) {
      for (int c = 0; c < C; c++) x0[p * C + c] = building_fill;
    }
  }
}

static WbBridgeOptions options(WbScheduleKind kind, WbNoiseChoice noise) {
  return (WbBridgeOptions){.schedule = kind,
                           .noise = noise,
                           .steps = 10,
                           .epsilon = {0.8f, 1.0f, 1.5f, 2.0f},
                           .seed = 11,
                           .stream = WB_STREAM_TEST,
                           .member = 2,
                           .minute = 4};
}

static void run(const WbBridgeOptions *o, const uint8_t *m, float fill, float *out) {
  Smoother s = {.mask = mask, .fill = fill};
  WB_OK(wb_bridge_sample(o, N, x0, m, voxel, smooth, &s, out, work));
  assert_int_equal(s.calls, o->steps);
  for (int k = 0; k < s.calls; k++) WB_ASSERT_NEAR(s.times[k], (double)k / o->steps, 1e-15);
}

static void buildings(void **state) {
  (void)state;
  for (int p = 0; p < N; p++) mask[p] = (p * 2654435761u >> 13) % 3 != 0;
  for (int k = 0; k < 2; k++) {
    for (int noise = 0; noise < 3; noise++) {
      WbBridgeOptions o = options((WbScheduleKind)k, (WbNoiseChoice)noise);
      fill_fields(0.0f);
      run(&o, mask, 0.0f, x);
      const uint8_t zero[C * sizeof(float)] = {0};
      int moved = 0;
      for (int p = 0; p < N; p++) {
        if (!mask[p]) assert_memory_equal(x + (size_t)p * C, zero, sizeof(zero)); /* +0, not -0 */
        if (mask[p]) moved += x[p * C] != x0[p * C];
      }
      assert_true(moved > N / 2);
      /* fill invariance: nothing that sits in a building, in x0 or in the drift, changes a bit */
      const float fills[] = {NAN, -999999.0f, 100.0f, INFINITY};
      for (int f = 0; f < 4; f++) {
        fill_fields(fills[f]);
        run(&o, mask, fills[f], y);
        assert_memory_equal(x, y, sizeof(x));
      }
    }
  }
}

static void all_air(void **state) {
  (void)state;
  memset(mask, 1, sizeof(mask));
  fill_fields(0.0f);
  for (int noise = 0; noise < 3; noise++) {
    WbBridgeOptions o = options(WB_SCHEDULE_LINEAR, (WbNoiseChoice)noise);
    run(&o, mask, 0.0f, x);
    run(&o, NULL, 0.0f, y);
    assert_memory_equal(x, y, sizeof(x));
  }
}

/* A court of 4 x 4 columns behind walls one voxel thick: change everything outside, the court keeps its bits. */
static void courtyard(void **state) {
  (void)state;
  for (int p = 0; p < N; p++) {
    const int i = p % NX, j = p / NX % NY;
    const bool wall = i >= 3 && i <= 8 && j >= 3 && j <= 8 && (i == 3 || i == 8 || j == 3 || j == 8);
    mask[p] = !wall;
  }
  fill_fields(0.0f);
  WbBridgeOptions o = options(WB_SCHEDULE_LINEAR, WB_NOISE_FOELLMER);
  run(&o, mask, 0.0f, x);
  for (int p = 0; p < N; p++) {
    const int i = p % NX, j = p / NX % NY;
    if (i < 3 || i > 8 || j < 3 || j > 8) x0[p * C] += 5.0f;
  }
  run(&o, mask, 0.0f, y);
  int changed = 0;
  for (int p = 0; p < N; p++) {
    const int i = p % NX, j = p / NX % NY;
    const bool court = i > 3 && i < 8 && j > 3 && j < 8;
    if (court) assert_memory_equal(x + (size_t)p * C, y + (size_t)p * C, C * sizeof(float));
    changed += x[p * C] != y[p * C];
  }
  assert_true(changed > 100);
}

/* Members, minutes, seeds and steps have their own noise; a voxel keeps its noise when others are left out. */
static void noise_keys(void **state) {
  (void)state;
  memset(mask, 1, sizeof(mask));
  fill_fields(0.0f);
  WbBridgeOptions o = options(WB_SCHEDULE_LINEAR, WB_NOISE_BASE);
  run(&o, mask, 0.0f, x);
  WbBridgeOptions other[3] = {o, o, o};
  other[0].member++, other[1].minute++, other[2].seed++;
  for (int k = 0; k < 3; k++) {
    run(&other[k], mask, 0.0f, y);
    int same = 0;
    for (int p = 0; p < N * C; p++) same += x[p] == y[p];
    assert_true(same < 5);
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
}

static void bad_steps(void **state) {
  (void)state;
  WbBridgeOptions o = options(WB_SCHEDULE_LINEAR, WB_NOISE_BASE);
  o.steps = 0;
  Smoother s = {.mask = mask};
  assert_int_equal(wb_bridge_sample(&o, N, x0, mask, voxel, smooth, &s, x, work), WB_ERR_CONFIG);
  wb_error_clear();
}

static float normal_of(const WbRandomKey *key, int i) {
  float z[4];
  wb_random_normal4(key, voxel[i / C], z);
  return z[i % C];
}

/* What the network's output means: with the perfect output the drift points from the state to x1; the target is
 * standard normal when x1 - x0 ~ N(mean, s^2); at t = 0 the state carries nothing and the drift is mean + s F. */
static void preconditioned(void **state) {
  (void)state;
  const WbRandomKey key = {.seed = 8, .stream = WB_STREAM_TEST};
  const float eps[4] = {1, 2, 0.5f, 1}, s[4] = {0.8f, 0.4f, 1.5f, 1};
  const double times[] = {0.0, 1e-4, 0.3, 0.99};
  static float mean[N * C], xt[N * C], velocity[N * C], r[N * C], target[N * C];
  memset(mask, 1, sizeof(mask));
  mask[5] = 0;
  fill_fields(0.0f);
  for (int p = 0; p < N; p++) {
    wb_random_normal4(&key, 1000 + (uint64_t)p, mean + (size_t)p * C);
    wb_random_normal4(&key, 5000 + (uint64_t)p, y + (size_t)p * C);
    for (int c = 0; c < C; c++) y[p * C + c] = x0[p * C + c] + mean[p * C + c] + s[c] * y[p * C + c];
  }
  for (int k = 0; k < 2; k++)
    for (int n = 0; n < 4; n++) {
      const WbScheduleKind schedule = (WbScheduleKind)k;
      const double t = times[n];
      WbScheduleAt at;
      wb_schedule_at(schedule, t, &at);
      wb_bridge_interpolant(schedule, eps, t, N, x0, y, mask, voxel, &key, xt, velocity);
      wb_bridge_residual_state(schedule, t, N, x0, mask, xt, r);
      const WbResidual f = {.x0 = x0, .x1 = y, .mean = mean, .r = r, .mask = mask};
      wb_bridge_target(schedule, eps, s, t, N, &f, target);
      double square = 0;
      for (int i = 0; i < N * C; i++) {
        square += (double)target[i] * (double)target[i] / (N * C);
        const double noise = (double)eps[i % C] * sqrt(t);
        if (mask[i / C])
          WB_ASSERT_NEAR(r[i], at.beta * (double)(y[i] - x0[i]) + at.sigma * noise * (double)normal_of(&key, i), 1e-5);
      }
      WB_ASSERT_NEAR(square, 1.0, 6 * sqrt(2.0 / (N * C)));
      wb_bridge_drift(schedule, eps, s, t, N, &f, target);
      for (int i = 0; i < N * C; i++)
        WB_ASSERT_NEAR(target[i], mask[i / C] ? velocity[i] : 0, 2e-5 / (1 - t) * (1 + fabs((double)velocity[i])));
    }
}

WB_TEST_MAIN(cmocka_unit_test(buildings), cmocka_unit_test(all_air), cmocka_unit_test(courtyard),
             cmocka_unit_test(noise_keys), cmocka_unit_test(noise_numbers), cmocka_unit_test(bad_steps),
             cmocka_unit_test(preconditioned))
