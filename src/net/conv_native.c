/* Convolution by own loops for machines without AVX-512, where oneDNN's 3-D kernels reach a third to a half of the
 * peak: a register tile of up to 6 voxels x 16 channels, inputs broadcast, weights packed in blocks of 16 outputs.
 * Vectors of 32 bytes; channels last, one thread. All three passes are the same tile on other operands:
 *   forward        y[v][o]    += sum over taps, inputs   of x[v + tap][i] w[tap][i][o]
 *   backward data  dx[v][i]   += sum over taps, outputs  of dy[v - tap][o] w[tap][o][i]
 *   backward weights dw[i][o] += sum over voxels of a row of x[v + tap][i] dy[v][o]              (for each tap)
 * k = 1, and k = 3 where conv_winograd.c, which multiplies with the k = 1 of this file, does not fit. */
#include "net_internal.h"
#include "conv_vector.h"
#include <stdlib.h>
#include <string.h>

enum { TILE = 6, CACHE_FLOATS = 6144 };

/* acc[m][0..1] += sum_k a[m * a_m + k * a_k] b[k * b_k .. + 16], m < rows <= TILE. */
typedef struct {
  ptrdiff_t a_m, a_k, b_k;
} Strides;
WB_INLINE void multiply(int rows, int n, const float *a, const float *b, Strides s, Vec acc[TILE][2]) {
  for (int k = 0; k < n; k++, a += s.a_k, b += s.b_k) {
    const Vec b0 = load(b), b1 = load(b + LANES);
#pragma GCC unroll 6
    for (int m = 0; m < rows; m++) {
      const float x = a[m * s.a_m];
      const Vec v = {x, x, x, x, x, x, x, x};
      acc[m][0] += v * b0;
      acc[m][1] += v * b1;
    }
  }
}

/* One tile of `rows` voxels x 16 outputs: over the rows (kd, kh) of taps that exist. in: of tap row 0 and voxel 0. */
typedef struct {
  int k, n;                 /* taps along x; channels summed over */
  const ptrdiff_t *tap_in;  /* [taps] offset in `in` of a row of taps */
  const ptrdiff_t *tap_w;   /* [taps] offset in the packed weights */
  int taps;                 /* rows of taps */
  ptrdiff_t step, out_step; /* floats from voxel to voxel */
  bool accumulate;          /* add to what `out` holds */
} TileCase;
WB_INLINE void tile_of(int rows, const TileCase *c, const float *in, const float *w, const float *bias, float *out) {
  Vec acc[TILE][2];
  const Strides s = {c->step, 1, BLOCK};
#pragma GCC unroll 6
  for (int m = 0; m < rows; m++) {
    acc[m][0] = load(bias);
    acc[m][1] = load(bias + LANES);
    if (!c->accumulate) continue;
    acc[m][0] += load(out + m * c->out_step);
    acc[m][1] += load(out + m * c->out_step + LANES);
  }
  for (int t = 0; t < c->taps; t++)
    for (int kw = 0; kw < c->k; kw++)
      multiply(rows, c->n, in + c->tap_in[t] + kw * c->step, w + c->tap_w[t] + (ptrdiff_t)kw * c->n * BLOCK, s, acc);
#pragma GCC unroll 6
  for (int m = 0; m < rows; m++) {
    store(out + m * c->out_step, acc[m][0]);
    store(out + m * c->out_step + LANES, acc[m][1]);
  }
}

#define WB_BY_ROWS(rows, call) \
  switch (rows) {              \
    case 6:                    \
      call(6);                 \
      break;                   \
    case 5:                    \
      call(5);                 \
      break;                   \
    case 4:                    \
      call(4);                 \
      break;                   \
    case 3:                    \
      call(3);                 \
      break;                   \
    case 2:                    \
      call(2);                 \
      break;                   \
    default:                   \
      call(1);                 \
      break;                   \
  }

/* Rows of the next tile of `left`: no tile of one or two behind full ones, which would wait for its own sums. */
static inline int tile_rows(int left) {
  return left == TILE + 1 || left == TILE + 2 ? left / 2 : left < TILE ? left : TILE;
}

/* A row of `width` voxels for one block of outputs. */
WB_KERNEL static void row_tiles(int width, const TileCase *c, const float *in, const float *w, const float *bias,
                                float *out) {
  for (int i = 0, rows; i < width; i += rows) {
    rows = tile_rows(width - i);
    const float *a = in + i * c->step;
    float *o = out + i * c->out_step;
#define WB_CALL(r) tile_of(r, c, a, w, bias, o)
    WB_BY_ROWS(rows, WB_CALL)
#undef WB_CALL
  }
}

bool wb_conv_native_is_best(void) {
  const char *threads = getenv("OMP_NUM_THREADS");
  /* NOLINTNEXTLINE: libgomp checks its own variable. One thread here is faster than two of oneDNN
   * (doc/performance.rst). */
  if (threads && atoi(threads) > 2) return false;
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && !__builtin_cpu_supports("avx512f");
#else
  return false;
#endif
}

bool wb_conv_native_fits(const WbConvShape *s) {
  return s->co % BLOCK == 0 && s->ci % LANES == 0;
}

/* Blocks of 16 of `n` channels; the last may be half empty (ci = 8, 24, 72). */
static int blocks_of(int n) {
  return (n + BLOCK - 1) / BLOCK;
}

size_t wb_conv_native_weights_size(const WbConvShape *s, bool backward) {
  const size_t taps = (size_t)(s->k * s->k * s->k);
  return backward ? taps * (size_t)s->co * (size_t)blocks_of(s->ci) * BLOCK
                  : taps * (size_t)s->ci * (size_t)blocks_of(s->co) * BLOCK;
}

/* w (co, ci, k, k, k) -> forward (co / 16, tap, ci, 16); backward (ci / 16, tap, co, 16) with the taps along x turned
 * round, because that pass reads dy from left to right. */
void wb_conv_native_pack(const WbConvShape *s, const float *w, float *forward, float *backward) {
  const int taps = s->k * s->k * s->k, k = s->k;
  for (int o = 0; o < s->co; o++)
    for (int i = 0; i < s->ci; i++)
      for (int t = 0; t < taps; t++) {
        const float value = w[((size_t)o * (size_t)s->ci + (size_t)i) * (size_t)taps + (size_t)t];
        const size_t f = ((size_t)(o / BLOCK) * (size_t)taps + (size_t)t) * (size_t)s->ci + (size_t)i;
        forward[f * BLOCK + (size_t)(o % BLOCK)] = value;
        if (!backward) continue;
        const int turned = t - t % k + (k - 1 - t % k);
        const size_t b = ((size_t)(i / BLOCK) * (size_t)taps + (size_t)turned) * (size_t)s->co + (size_t)o;
        backward[b * BLOCK + (size_t)(i % BLOCK)] = value;
      }
}

void wb_conv_native_forward(const WbConvShape *s, const float *x, const float *w, const float *bias, float *y) {
  const int k = s->k, wi = s->w + k - 1, hi = s->h + k - 1;
  ptrdiff_t tap_in[9], tap_w[9];
  for (int t = 0; t < k * k; t++) {
    tap_in[t] = ((ptrdiff_t)(t / k) * hi + t % k) * wi * s->ci;
    tap_w[t] = (ptrdiff_t)t * k * s->ci * BLOCK;
  }
  const TileCase c = {k, s->ci, tap_in, tap_w, k * k, s->ci, s->co, s->accumulate};
  const size_t block_w = (size_t)(k * k * k) * (size_t)s->ci * BLOCK;
  for (int d = 0; d < s->d; d++)
    for (int h = 0; h < s->h; h++) {
      const float *in = x + ((size_t)d * (size_t)hi + (size_t)h) * (size_t)wi * (size_t)s->ci;
      float *out = y + ((size_t)d * (size_t)s->h + (size_t)h) * (size_t)s->w * (size_t)s->co;
      for (int o = 0; o < s->co; o += BLOCK)
        row_tiles(s->w, &c, in, w + (size_t)(o / BLOCK) * block_w, bias + o, out + o);
    }
}

size_t wb_conv_native_scratch(const WbConvShape *s) { /* bytes */
  const size_t row = (size_t)(s->w + 2 * (s->k - 1)) * (size_t)s->co;
  return (row * (size_t)s->d * (size_t)s->h + BLOCK * (size_t)(s->w + 2)) * sizeof(float);
}

/* dy with k - 1 zero voxels at both ends of each row. */
static void pad_rows(const WbConvShape *s, const float *dy, float *padded) {
  const size_t edge = (size_t)(s->k - 1) * (size_t)s->co, row = (size_t)s->w * (size_t)s->co;
  for (size_t r = 0; r < (size_t)s->d * (size_t)s->h; r++, dy += row) {
    memset(padded, 0, edge * sizeof *padded);
    memcpy(padded + edge, dy, row * sizeof *padded);
    memset(padded + edge + row, 0, edge * sizeof *padded);
    padded += row + 2 * edge;
  }
}

/* One row (pd, ph) of dx: rows of dy at (pd - kd, ph - kh). */
static void data_row(const WbConvShape *s, int pd, int ph, const float *padded, const float *w, float *dx, float *row) {
  const int k = s->k, wo = s->w + k - 1, co = s->co;
  const ptrdiff_t pitch = (ptrdiff_t)(s->w + 2 * (k - 1)) * co;
  ptrdiff_t tap_in[9], tap_w[9];
  int taps = 0;
  for (int kd = 0; kd < k; kd++)
    for (int kh = 0; kh < k; kh++) {
      const int d = pd - kd, h = ph - kh;
      if (d < 0 || d >= s->d || h < 0 || h >= s->h) continue;
      tap_in[taps] = ((ptrdiff_t)d * s->h + h) * pitch;
      tap_w[taps++] = (ptrdiff_t)(kd * k + kh) * k * co * BLOCK;
    }
  static const float zero[BLOCK] = {0};
  const size_t block_w = (size_t)(k * k * k) * (size_t)co * BLOCK;
  for (int i = 0; i < s->ci; i += BLOCK) {
    const bool whole = i + BLOCK <= s->ci; /* a half block goes by way of `row` */
    const TileCase c = {k, co, tap_in, tap_w, taps, co, whole ? s->ci : BLOCK, false};
    row_tiles(wo, &c, padded, w + (size_t)(i / BLOCK) * block_w, zero, whole ? dx + i : row);
    for (int v = 0; v < wo && !whole; v++)
      memcpy(dx + (size_t)v * (size_t)s->ci + i, row + (size_t)v * BLOCK, (size_t)(s->ci - i) * sizeof *row);
  }
}

void wb_conv_native_backward_data(const WbConvShape *s, const float *dy, const float *w, float *scratch, float *dx) {
  const int k = s->k, wo = s->w + k - 1, ho = s->h + k - 1, d_out = s->d + k - 1;
  float *row = scratch + (size_t)(s->w + 2 * (k - 1)) * (size_t)s->co * (size_t)s->d * (size_t)s->h;
  pad_rows(s, dy, scratch);
  for (int pd = 0; pd < d_out; pd++)
    for (int ph = 0; ph < ho; ph++)
      data_row(s, pd, ph, scratch, w, dx + ((size_t)pd * (size_t)ho + (size_t)ph) * (size_t)wo * (size_t)s->ci, row);
}

/* dw (ci, co) of one tap += x (w, ci) transposed times dy (w, co), over `n` rows; sums stay in registers. */
WB_INLINE void weights_tile(int rows, const WbConvShape *s, int n, const float *x, const float *dy, float *dw) {
  const Strides st = {1, s->ci, s->co};
  const ptrdiff_t x_row = (ptrdiff_t)(s->w + s->k - 1) * s->ci, dy_row = (ptrdiff_t)s->w * s->co;
  Vec acc[TILE][2];
#pragma GCC unroll 6
  for (int m = 0; m < rows; m++) acc[m][0] = acc[m][1] = (Vec){0};
  for (int h = 0; h < n; h++) multiply(rows, s->w, x + h * x_row, dy + h * dy_row, st, acc);
#pragma GCC unroll 6
  for (int m = 0; m < rows; m++) {
    float *to = dw + (ptrdiff_t)m * s->co;
    store(to, load(to) + acc[m][0]);
    store(to + LANES, load(to + LANES) + acc[m][1]);
  }
}

WB_KERNEL static void weights_rows(const WbConvShape *s, int n, const float *x, const float *dy, float *dw) {
  for (int o = 0; o < s->co; o += BLOCK)
    for (int i = 0, rows; i < s->ci; i += rows) {
      rows = tile_rows(s->ci - i);
      float *to = dw + (size_t)i * (size_t)s->co + o;
#define WB_CALL(r) weights_tile(r, s, n, x + i, dy + o, to)
      WB_BY_ROWS(rows, WB_CALL)
#undef WB_CALL
    }
}

/* dw (tap, ci, co): added to. As many rows at a time as stay in the first-level cache with both operands; all taps of
 * them before the next ones: dw stays in the second-level cache, where x and dy would not. */
void wb_conv_native_backward_weights(const WbConvShape *s, const float *x, const float *dy, float *dw) {
  const int k = s->k, wi = s->w + k - 1, hi = s->h + k - 1;
  const int fit = (int)(CACHE_FLOATS / ((size_t)s->w * (size_t)(s->ci + s->co))), n = fit > 1 ? fit : 1;
  for (int d = 0; d < s->d; d++)
    for (int h = 0; h < s->h; h += n)
      for (int t = 0; t < k * k * k; t++) {
        const int kd = t / (k * k), kh = t / k % k, kw = t % k;
        weights_rows(s, s->h - h < n ? s->h - h : n,
                     x + (((size_t)(d + kd) * (size_t)hi + (size_t)(h + kh)) * (size_t)wi + (size_t)kw) * (size_t)s->ci,
                     dy + ((size_t)d * (size_t)s->h + (size_t)h) * (size_t)s->w * (size_t)s->co,
                     dw + (size_t)t * (size_t)s->ci * (size_t)s->co);
      }
}
