/* The masked interpolant of training pairs, and the residual variables that networks see (math.md section 1). */
#include "windbridge/bridge.h"

#include <math.h>

enum { BLOCK = 256 }; /* voxels whose noise is drawn at once */

void wb_bridge_interpolant(WbScheduleKind schedule, const float epsilon[WB_CHANNELS], double t, size_t n,
                           const float *x0, const float *x1, const uint8_t *mask, const uint64_t *voxel,
                           const WbRandomKey *key, float *xt, float *target) {
  WbScheduleAt at;
  wb_schedule_at(schedule, t, &at);
  const float a = (float)at.alpha, b = (float)at.beta, da = (float)at.d_alpha, db = (float)at.d_beta;
  float s[WB_CHANNELS], ds[WB_CHANNELS], z[BLOCK * WB_CHANNELS];
  for (int q = 0; q < WB_CHANNELS; q++) {
    s[q] = (float)(at.sigma * sqrt(t) * (double)epsilon[q]);
    ds[q] = (float)(at.d_sigma * sqrt(t) * (double)epsilon[q]);
  }
  for (size_t p = 0; p < n; p++) {
    if (p % BLOCK == 0) wb_bridge_noise(key, n - p < BLOCK ? n - p : BLOCK, voxel + p, z);
    const bool air = !mask || mask[p];
    for (size_t q = 0; q < WB_CHANNELS; q++) {
      const size_t i = p * WB_CHANNELS + q;
      const float noise = z[p % BLOCK * WB_CHANNELS + q];
      xt[i] = air ? a * x0[i] + b * x1[i] + s[q] * noise : 0.0f;
      target[i] = air ? da * x0[i] + db * x1[i] + ds[q] * noise : 0.0f;
    }
  }
}

WB_KERNEL static void axpy_masked(size_t n, const uint8_t *mask, float a, const float *x, const float *y, float *out) {
  for (size_t p = 0; p < n; p++) {
    for (int q = 0; q < WB_CHANNELS; q++) {
      const size_t i = p * WB_CHANNELS + (size_t)q;
      const float value = y[i] + a * x[i];
      out[i] = mask[p] ? value : 0.0f;
    }
  }
}

void wb_bridge_residual_state(WbScheduleKind schedule, double t, size_t n, const float *x0, const uint8_t *mask,
                              const float *x, float *r) {
  WbScheduleAt at;
  wb_schedule_at(schedule, t, &at);
  axpy_masked(n, mask, (float)-(at.alpha + at.beta), x0, x, r);
}
