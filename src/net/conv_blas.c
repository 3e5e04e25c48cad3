/* Convolution by im2col in slabs of output rows and OpenBLAS's sgemm. Weights (k, k, k, ci, co) = a (k^3 ci, co)
 * matrix. */
#include "net_internal.h"
#include <cblas.h>
#include <string.h>

/* The k inputs along x of a tap row (kz, ky) are contiguous: k * ci floats. */
static const float *tap_row(const WbConvShape *s, const float *x, int row, int i, int kz, int ky) {
  const size_t z = (size_t)(row / s->h + kz), y = (size_t)(row % s->h + ky);
  return x + ((z * (size_t)(s->h + s->k - 1) + y) * (size_t)(s->w + s->k - 1) + (size_t)i) * (size_t)s->ci;
}

static void gather(const WbConvShape *s, const float *x, int row0, int rows, float *col) {
  const size_t run = (size_t)s->k * (size_t)s->ci;
  for (int row = row0; row < row0 + rows; row++)
    for (int i = 0; i < s->w; i++)
      for (int kz = 0; kz < s->k; kz++)
        for (int ky = 0; ky < s->k; ky++, col += run) memcpy(col, tap_row(s, x, row, i, kz, ky), run * sizeof *col);
}

static void scatter_add(const WbConvShape *s, const float *col, int row0, int rows, float *dx) {
  const size_t run = (size_t)s->k * (size_t)s->ci;
  for (int row = row0; row < row0 + rows; row++)
    for (int i = 0; i < s->w; i++)
      for (int kz = 0; kz < s->k; kz++)
        for (int ky = 0; ky < s->k; ky++, col += run) {
          float *to = dx + (tap_row(s, dx, row, i, kz, ky) - dx);
          for (size_t l = 0; l < run; l++) to[l] += col[l];
        }
}

void wb_conv_blas_forward(WbConv conv, const float *x, float *y) {
  const WbConvShape *s = &conv->shape;
  const int depth = s->k * s->k * s->k * s->ci;
  for (int row = 0; row < s->d * s->h; row += conv->slab) {
    const int rows = row + conv->slab > s->d * s->h ? s->d * s->h - row : conv->slab, m = rows * s->w;
    float *out = y + (size_t)row * (size_t)s->w * (size_t)s->co;
    const float *col = x + (size_t)row * (size_t)s->w * (size_t)s->ci; /* k = 1: the input is its own im2col */
    if (s->k > 1) {
      gather(s, x, row, rows, conv->context->scratch);
      col = conv->context->scratch;
    }
    for (size_t v = 0; v < (size_t)m; v++)
      for (int o = 0; o < s->co; o++) {
        float *to = out + v * (size_t)s->co + (size_t)o;
        *to = (s->accumulate ? *to : 0.0F) + conv->bias[o];
      }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, s->co, depth, 1.0F, col, depth, conv->weights, s->co,
                1.0F, out, s->co);
  }
}

void wb_conv_blas_backward_data(WbConv conv, const float *dy, float *dx) {
  const WbConvShape *s = &conv->shape;
  const int depth = s->k * s->k * s->k * s->ci, p = s->k - 1;
  memset(dx, 0, (size_t)(s->d + p) * (size_t)(s->h + p) * (size_t)(s->w + p) * (size_t)s->ci * sizeof *dx);
  for (int row = 0; row < s->d * s->h; row += conv->slab) {
    const int rows = row + conv->slab > s->d * s->h ? s->d * s->h - row : conv->slab, m = rows * s->w;
    const float *g = dy + (size_t)row * (size_t)s->w * (size_t)s->co;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, depth, s->co, 1.0F, g, s->co, conv->weights, s->co, 0.0F,
                conv->context->scratch, depth);
    scatter_add(s, conv->context->scratch, row, rows, dx);
  }
}

void wb_conv_blas_backward_weights(WbConv conv, const float *x, const float *dy, float *dw) {
  const WbConvShape *s = &conv->shape;
  const int depth = s->k * s->k * s->k * s->ci;
  for (int row = 0; row < s->d * s->h; row += conv->slab) {
    const int rows = row + conv->slab > s->d * s->h ? s->d * s->h - row : conv->slab, m = rows * s->w;
    const float *g = dy + (size_t)row * (size_t)s->w * (size_t)s->co;
    gather(s, x, row, rows, conv->context->scratch);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, depth, s->co, m, 1.0F, conv->context->scratch, depth, g, s->co,
                1.0F, dw, s->co);
  }
}
