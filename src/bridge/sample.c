/* The loop of every sampler: evaluate the denoiser, apply the stage's linear forms (math.md section 1). */
#include <string.h>

#include "bridge_internal.h"

enum { BLOCK = 256, C = WB_CHANNELS, START = 65535 /* step number of the noise at the start */ };

typedef struct {
  size_t n;
  const uint8_t *mask; /* NULL: all air */
  const uint64_t *voxel;
  float *field[WB_N_FIELDS];
} Fields;

WB_KERNEL static void add_field(size_t n, float c, const float *restrict x, float *restrict sum) {
  for (size_t i = 0; i < n; i++) sum[i] += c * x[i];
}

WB_KERNEL static void add_noise(size_t n, const float amplitude[C], const float *restrict z, float *restrict sum) {
  for (size_t p = 0; p < n; p++) {
    for (size_t q = 0; q < C; q++) sum[p * C + q] += amplitude[q] * z[p * C + q];
  }
}

/* A select, not a product: a denoiser that is NaN inside a building must not leak, and -0 must not appear. */
WB_KERNEL static void put_masked(size_t n, const uint8_t *mask, const float *restrict x, float *restrict out) {
  for (size_t p = 0; p < n; p++) {
    for (size_t q = 0; q < C; q++) out[p * C + q] = mask[p] ? x[p * C + q] : 0.0f;
  }
}

/* One form on m <= BLOCK voxels from p on. */
static void apply(const WbOp *op, const float epsilon[C], const Fields *f, size_t p, size_t m, const float *z) {
  static const uint8_t air[BLOCK] = {[0 ... BLOCK - 1] = 1};
  float sum[BLOCK * C] = {0}, amplitude[C];
  for (int k = 0; k < WB_N_FIELDS; k++) {
    if (op->c[k] != 0.0) add_field(m * C, (float)op->c[k], f->field[k] + p * C, sum);
  }
  if (op->z > 0.0) {
    for (int q = 0; q < C; q++) amplitude[q] = (float)(op->z * (double)epsilon[q]);
    add_noise(m, amplitude, z, sum);
  }
  put_masked(m, f->mask ? f->mask + p : air, sum, f->field[op->out] + p * C);
}

static void apply_stage(const struct WbPlan_s *plan, const WbStage *stage, const WbRandomKey *key, const Fields *f) {
  float white[BLOCK * C];
  const float *z = white, *whole = NULL;
  bool noisy = false;
  WbRandomKey now = *key;
  now.step = (uint32_t)stage->noise;
  for (int k = 0; k < stage->n_ops; k++) noisy = noisy || stage->op[k].z > 0.0;
  if (noisy && plan->noise) whole = wb_noise_field_draw(plan->noise, &now);
  for (size_t p = 0; p < f->n; p += BLOCK) {
    const size_t m = f->n - p < BLOCK ? f->n - p : BLOCK;
    if (whole)
      z = whole + p * C;
    else if (noisy)
      wb_bridge_noise(&now, m, f->voxel + p, white);
    for (int k = 0; k < stage->n_ops; k++) apply(&stage->op[k], plan->epsilon, f, p, m, z);
  }
}

PetscErrorCode wb_bridge_sample(const struct WbPlan_s *plan, const WbRandomKey *key, size_t n, const float *x0,
                                const uint8_t *mask, const uint64_t *voxel, WbDenoiseFn denoise, void *ctx, float *x,
                                float *work) {
  Fields f = {.n = n, .mask = mask, .voxel = voxel};
  PetscFunctionBeginUser;
  for (int k = 0; k < WB_N_FIELDS; k++) {
    const int slot = wb_plan_slot(plan, k);
    f.field[k] = slot < 0 ? NULL : work + (size_t)slot * n * C;
  }
  f.field[WB_FIELD_X] = x;
  float *d0 = f.field[WB_FIELD_X0];   /* NULL: x0 is known */
  f.field[WB_FIELD_X0] = (float *)x0; /* read only: no form writes it */
  const WbStage start = {.noise = START,
                         .n_ops = 1,
                         .op = {{.out = WB_FIELD_X, .c = {[WB_FIELD_X0] = plan->start_x0}, .z = plan->start_z}}};
  apply_stage(plan, &start, key, &f);
  if (d0) f.field[WB_FIELD_X0] = d0;
  for (int k = 0; k < plan->n_stages; k++) {
    PetscCall(denoise(ctx, plan->stage[k].t, x, f.field[WB_FIELD_D], d0));
    apply_stage(plan, &plan->stage[k], key, &f);
  }
  PetscFunctionReturn(0);
}
