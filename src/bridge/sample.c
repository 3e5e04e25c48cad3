/* Sampler of the masked SDE dX = b^g dt + g M dW from X(0) = x0 (math.md section 1). */
#include "windbridge/bridge.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 256 }; /* voxels whose noise is drawn at once: 4 kB on the stack */

/* x = c[0] x + c[1] b + c[2] x0 + amp z in air, 0 in buildings. A select, not a product: a
 * drift that is NaN inside a building must not leak, and -0 must not appear. */
WB_KERNEL static void step_block(size_t n, const uint8_t *mask, const float c[3], const float amp[WB_CHANNELS],
                                 const float *x0, const float *b, const float *z, float *x) {
  for (size_t p = 0; p < n; p++) {
    for (int q = 0; q < WB_CHANNELS; q++) {
      const size_t i = p * WB_CHANNELS + (size_t)q;
      const float next = c[0] * x[i] + c[1] * b[i] + c[2] * x0[i] + amp[q] * z[i];
      x[i] = mask[p] ? next : 0.0f;
    }
  }
}

/* One step for all voxels. */
static void step_all(const WbBridgeOptions *o, int step, size_t n, const float *x0, const uint8_t *mask,
                     const uint64_t *voxel, const float *b, float *x) {
  WbDriftForm form;
  wb_bridge_step_form(o->schedule, o->noise, step, o->steps, &form);
  const WbRandomKey key = {
      .seed = o->seed, .stream = o->stream, .step = (uint32_t)step, .member = o->member, .minute = o->minute};
  const float c[3] = {(float)form.x, (float)form.b, (float)form.x0};
  float amp[WB_CHANNELS], z[BLOCK * WB_CHANNELS] = {0};
  uint8_t air[BLOCK];
  memset(air, 1, sizeof(air));
  for (int q = 0; q < WB_CHANNELS; q++) amp[q] = (float)(form.g * (double)o->epsilon[q]);
  for (size_t p = 0; p < n; p += BLOCK) {
    const size_t m = n - p < BLOCK ? n - p : BLOCK;
    const uint8_t *block_mask = mask ? mask + p : air;
    if (form.g > 0.0) wb_bridge_noise(&key, m, voxel + p, z);
    const size_t i = p * WB_CHANNELS;
    step_block(m, block_mask, c, amp, x0 + i, b + i, z, x + i);
  }
}

PetscErrorCode wb_bridge_sample(const WbBridgeOptions *options, size_t n, const float *x0, const uint8_t *mask,
                                const uint64_t *voxel, WbDriftFn drift, void *ctx, float *x, float *work) {
  PetscFunctionBeginUser;
  if (options->steps < 1 || options->steps > 65535) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "sampler: %d steps asked for; allowed are 1 to 65535", options->steps);
  }
  for (size_t p = 0; p < n; p++) {
    for (int q = 0; q < WB_CHANNELS; q++) {
      const size_t i = p * WB_CHANNELS + (size_t)q;
      x[i] = !mask || mask[p] ? x0[i] : 0.0f;
    }
  }
  for (int k = 0; k < options->steps; k++) {
    const double t = (double)k / options->steps;
    PetscCall(drift(ctx, t, x, work));
    step_all(options, k, n, x0, mask, voxel, work, x);
  }
  PetscFunctionReturn(0);
}
