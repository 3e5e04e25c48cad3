/* The state of a training pair. */
#include <math.h>

#include "bridge_internal.h"

enum { BLOCK = 256, C = WB_CHANNELS }; /* voxels whose noise is drawn at once */

void wb_process_state_of(const struct WbProcess_s *process, double t, size_t n, const float *x0, const float *x1,
                         const uint8_t *mask, const float *z, float *x) {
  WbPathAt at;
  float gamma[C];
  wb_process_at(process, t, &at);
  const float a = (float)at.alpha, b = (float)at.beta;
  for (int q = 0; q < C; q++) gamma[q] = (float)(sqrt(at.w) * (double)process->options.epsilon[q]);
  for (size_t p = 0; p < n; p++) {
    const bool air = !mask || mask[p];
    for (size_t q = 0; q < C; q++) {
      const size_t i = p * C + q;
      x[i] = air ? a * x0[i] + b * x1[i] + gamma[q] * z[i] : 0.0f;
    }
  }
}

void wb_process_state(const struct WbProcess_s *process, double t, size_t n, const float *x0, const float *x1,
                      const uint8_t *mask, const uint64_t *voxel, const WbRandomKey *key, float *x) {
  float z[BLOCK * C];
  for (size_t p = 0; p < n; p += BLOCK) {
    const size_t m = n - p < BLOCK ? n - p : BLOCK, i = p * C;
    wb_bridge_noise(key, m, voxel + p, z);
    wb_process_state_of(process, t, m, x0 + i, x1 + i, mask ? mask + p : NULL, z, x + i);
  }
}
