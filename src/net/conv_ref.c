/* Convolution by plain loops: what the other backends are compared with. Weights (k, k, k, ci, co). */
#include "net_internal.h"
#include <string.h>

typedef struct {
  size_t k, d, h, w, ci, co;
} Sizes;

static Sizes sizes_of(const WbConvShape *s) {
  return (Sizes){(size_t)s->k, (size_t)s->d, (size_t)s->h, (size_t)s->w, (size_t)s->ci, (size_t)s->co};
}

static size_t input_voxel(const Sizes *n, size_t z, size_t y, size_t x) {
  return (z * (n->h + n->k - 1) + y) * (n->w + n->k - 1) + x;
}

void wb_conv_ref_forward(const WbConvShape *s, const float *x, const float *w, const float *bias, float *y) {
  const Sizes n = sizes_of(s);
  for (size_t z = 0; z < n.d; z++)
    for (size_t j = 0; j < n.h; j++)
      for (size_t i = 0; i < n.w; i++) {
        float *out = y + ((z * n.h + j) * n.w + i) * n.co;
        for (size_t o = 0; o < n.co; o++) out[o] = (s->accumulate ? out[o] : 0.0F) + bias[o];
        for (size_t t = 0; t < n.k * n.k * n.k; t++) {
          const float *in = x + input_voxel(&n, z + t / (n.k * n.k), j + t / n.k % n.k, i + t % n.k) * n.ci;
          for (size_t c = 0; c < n.ci; c++) {
            const float *row = w + (t * n.ci + c) * n.co;
            for (size_t o = 0; o < n.co; o++) out[o] += in[c] * row[o];
          }
        }
      }
}

void wb_conv_ref_backward_data(const WbConvShape *s, const float *dy, const float *w, float *dx) {
  const Sizes n = sizes_of(s);
  memset(dx, 0, input_voxel(&n, n.d + n.k - 1, 0, 0) * n.ci * sizeof *dx);
  for (size_t z = 0; z < n.d; z++)
    for (size_t j = 0; j < n.h; j++)
      for (size_t i = 0; i < n.w; i++) {
        const float *g = dy + ((z * n.h + j) * n.w + i) * n.co;
        for (size_t t = 0; t < n.k * n.k * n.k; t++) {
          float *in = dx + input_voxel(&n, z + t / (n.k * n.k), j + t / n.k % n.k, i + t % n.k) * n.ci;
          for (size_t c = 0; c < n.ci; c++) {
            const float *row = w + (t * n.ci + c) * n.co;
            float sum = 0;
            for (size_t o = 0; o < n.co; o++) sum += g[o] * row[o];
            in[c] += sum;
          }
        }
      }
}

void wb_conv_ref_backward_weights(const WbConvShape *s, const float *x, const float *dy, float *dw, float *db) {
  const Sizes n = sizes_of(s);
  for (size_t z = 0; z < n.d; z++)
    for (size_t j = 0; j < n.h; j++)
      for (size_t i = 0; i < n.w; i++) {
        const float *g = dy + ((z * n.h + j) * n.w + i) * n.co;
        if (db)
          for (size_t o = 0; o < n.co; o++) db[o] += g[o];
        for (size_t t = 0; t < n.k * n.k * n.k; t++) {
          const float *in = x + input_voxel(&n, z + t / (n.k * n.k), j + t / n.k % n.k, i + t % n.k) * n.ci;
          for (size_t c = 0; c < n.ci; c++) {
            float *row = dw + (t * n.ci + c) * n.co;
            for (size_t o = 0; o < n.co; o++) row[o] += in[c] * g[o];
          }
        }
      }
}
