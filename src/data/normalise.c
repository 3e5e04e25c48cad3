/* Normalised units, static inputs of the network, horizontal symmetries. */
#include "windbridge/data.h"

#include <math.h>

double wb_normalisation_theta_ref(const WbNormalisation *norm, double z_m) {
  const double above = z_m - norm->mixed_height_m;
  return norm->theta_surface_K + (above > 0.0 ? norm->lapse_K_per_m * above : 0.0);
}

/* Offset and scale of each channel at height z. */
static void level_scales(const WbNormalisation *norm, double z, float offset[WB_CHANNELS], float scale[WB_CHANNELS]) {
  const double wind = norm->scale_by_wind ? norm->wind_speed_m_per_s : 1.0;
  for (int c = 0; c < WB_CHANNELS; c++) {
    offset[c] = c == 0 ? (float)wb_normalisation_theta_ref(norm, z) : 0.0f;
    scale[c] = (float)((double)norm->scale[c] * (c == 0 ? 1.0 : wind));
  }
}

void wb_normalise(const WbNormalisation *norm, int nz, size_t plane, const double *z, const uint8_t *fluid,
                  float *field) {
  for (int k = 0; k < nz; k++) {
    float offset[WB_CHANNELS], scale[WB_CHANNELS];
    level_scales(norm, z[k], offset, scale);
    for (size_t p = (size_t)k * plane; p < (size_t)(k + 1) * plane; p++) {
      float *f = field + p * WB_CHANNELS;
      for (int c = 0; c < WB_CHANNELS; c++) f[c] = fluid[p] ? (f[c] - offset[c]) / scale[c] : 0.0f;
    }
  }
}

void wb_denormalise(const WbNormalisation *norm, int nz, size_t plane, const double *z, const uint8_t *fluid,
                    float *field) {
  for (int k = 0; k < nz; k++) {
    float offset[WB_CHANNELS], scale[WB_CHANNELS];
    level_scales(norm, z[k], offset, scale);
    for (size_t p = (size_t)k * plane; p < (size_t)(k + 1) * plane; p++) {
      float *f = field + p * WB_CHANNELS;
      for (int c = 0; c < WB_CHANNELS; c++) f[c] = fluid[p] ? offset[c] + scale[c] * f[c] : NAN;
    }
  }
}

void wb_static_inputs(int nz, size_t plane, const double *z, const float *x0, const uint8_t *fluid,
                      const uint8_t *lr_valid, const float *wall_distance, const float *heat_flux, float *out) {
  for (int k = 0; k < nz; k++) {
    for (size_t s = 0; s < plane; s++) {
      const size_t p = (size_t)k * plane + s;
      float *o = out + p * WB_STATIC_CHANNELS;
      for (int c = 0; c < WB_STATIC_CHANNELS; c++) o[c] = 0.0f;
      if (!fluid[p]) continue;
      for (int c = 0; c < WB_CHANNELS; c++) o[c] = x0[p * WB_CHANNELS + (size_t)c];
      o[4] = 1.0f;
      o[5] = lr_valid[p] ? 1.0f : 0.0f;
      o[6] = wall_distance[p] / (float)WB_WALL_DISTANCE_CAP_M;
      o[7] = (float)(z[k] / 160.0);
      o[8] = heat_flux[s] / 0.1f;
    }
  }
}

/* ---- the 8 symmetries ---- */
void wb_augment_scalar_f(int s, int nz, int n, int channels, const float *in, float *out) {
  const size_t plane = (size_t)n * (size_t)n, nc = (size_t)channels;
  for (int k = 0; k < nz; k++) {
    for (int j = 0; j < n; j++) {
      for (int i = 0; i < n; i++, in += nc) {
        float *o = out + ((size_t)k * plane + wb_symmetry_image(s, n, j, i)) * nc;
        for (size_t c = 0; c < nc; c++) o[c] = in[c];
      }
    }
  }
}

void wb_augment_state(int s, int nz, int n, const float *in, float *out) {
  const size_t cells = (size_t)nz * (size_t)n * (size_t)n;
  wb_augment_scalar_f(s, nz, n, WB_CHANNELS, in, out);
  for (size_t p = 0; p < cells; p++) wb_symmetry_vector(s, out + p * WB_CHANNELS + 1, out + p * WB_CHANNELS + 2);
}

void wb_augment_mask(int s, int nz, int n, const uint8_t *in, uint8_t *out) {
  const size_t plane = (size_t)n * (size_t)n;
  for (int k = 0; k < nz; k++) {
    for (int j = 0; j < n; j++) {
      for (int i = 0; i < n; i++) out[(size_t)k * plane + wb_symmetry_image(s, n, j, i)] = *in++;
    }
  }
}
