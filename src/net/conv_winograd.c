/* 3^3 convolutions by Winograd's minimal filtering (Winograd 1980; Lavin & Gray 2016) in all three directions: 2
 * outputs of a 3-tap filter from 4 inputs take 4 products in place of 6, so 2^3 outputs take 64 in place of 216.
 * For the tiles of 4^3 inputs x and 2^3 outputs y, at each of the 64 points p:
 *   forward          V = B^T x,  M[p] = V[p] U[p],  y = A^T M    (U = G w: (inputs, outputs) at each point)
 *   backward data    the same with dy for x and the taps turned round
 *   backward weights dU[p] = sum over tiles of V[p]^T (A dy)[p],  dw = G^T dU
 * A, B and G act in each direction; rounding errors stay below 2e-6 of the largest value. The 16 points of one z-index
 * (a "sheet") are worked through together, for as many tiles as stay in cache with them. Tiles begin at the array's
 * first voxel: another decomposition into ranks gives the same to rounding. */
#include "net_internal.h"
#include "conv_vector.h"
#include <string.h>

enum { SHEETS = 4, POINTS = 16, TILES = 24 };
#define WB_UNROLL _Pragma("GCC unroll 16")

/* Floats from point to point in V and M (tile, c): an odd number of cache lines, or they all fall on a few sets. */
WB_INLINE ptrdiff_t pitch(int c) {
  return (ptrdiff_t)TILES * c + 16;
}

/* ---- the transforms of one direction: values `s` apart ---- */
WB_INLINE void input_4(Vec *d, int s) { /* B^T, in place */
  const Vec d0 = d[0], d1 = d[s], d2 = d[2 * s], d3 = d[3 * s];
  d[0] = d0 - d2;
  d[s] = d1 + d2;
  d[2 * s] = d2 - d1;
  d[3 * s] = d1 - d3;
}
WB_INLINE void output_4(const Vec *m, int s, Vec *y, int sy) { /* A^T: 4 -> 2 */
  y[0] = m[0] + (m[s] + m[2 * s]);
  y[sy] = (m[s] - m[2 * s]) - m[3 * s];
}
WB_INLINE void gradient_2(const Vec *y, int s, Vec *m, int sm) { /* A: 2 -> 4 */
  m[0] = y[0];
  m[sm] = y[0] + y[s];
  m[2 * sm] = y[0] - y[s];
  m[3 * sm] = -y[s];
}
WB_INLINE void weights_3(const Vec *w, int s, Vec *u, int su) { /* G: 3 -> 4 */
  const Vec even = 0.5F * (w[0] + w[2 * s]), odd = 0.5F * w[s];
  u[0] = w[0];
  u[su] = even + odd;
  u[2 * su] = even - odd;
  u[3 * su] = w[2 * s];
}
WB_INLINE void weights_4(const Vec *u, int s, Vec *w, int sw) { /* G^T: 4 -> 3 */
  const Vec even = 0.5F * (u[s] + u[2 * s]);
  w[0] = u[0] + even;
  w[sw] = 0.5F * (u[s] - u[2 * s]);
  w[2 * sw] = even + u[3 * s];
}
/* Their z-parts. Inputs of sheet p: the first plane and `sign` times the second; outputs: each of the two planes of y
 * times output_z, of which A is the transpose; weights: each of the three planes of w times weights_z. */
static const int input_z[SHEETS][2] = {{0, 2}, {1, 2}, {2, 1}, {1, 3}};
static const float input_sign[SHEETS] = {-1, 1, -1, -1};
static const float output_z[SHEETS][2] = {{1, 0}, {1, 1}, {1, -1}, {0, -1}};
static const float weights_z[SHEETS][3] = {{1, 0, 0}, {0.5F, 0.5F, 0.5F}, {0.5F, -0.5F, 0.5F}, {0, 0, 1}};
#define splat(x) ((Vec){x, x, x, x, x, x, x, x}) /* a function would return a vector: not without AVX */

/* ---- one tile of one sheet ---- */
/* in[z * sz + y * sy + x * c], z, y, x < 4 -> v[point * pitch]. */
WB_INLINE void tile_in_c(int sheet, const float *in, ptrdiff_t sz, ptrdiff_t sy, int c, float *v) {
  const float *a = in + input_z[sheet][0] * sz, *b = in + input_z[sheet][1] * sz;
  const float g = input_sign[sheet];
  const Vec sign = splat(g);
  for (int l = 0; l < c; l += LANES) {
    Vec p[POINTS];
    WB_UNROLL for (int y = 0; y < 4; y++) {
      WB_UNROLL for (int x = 0; x < 4; x++) {
        const ptrdiff_t at = y * sy + x * c + l;
        p[4 * y + x] = load(a + at) + sign * load(b + at);
      }
      input_4(p + 4 * y, 1);
    }
    WB_UNROLL for (int x = 0; x < 4; x++) input_4(p + x, 4);
    WB_UNROLL for (int q = 0; q < POINTS; q++) store(v + q * pitch(c) + l, p[q]);
  }
}

/* dy[z * sz + y * sy + x * c], z, y, x < 2 -> v[point * pitch]. */
WB_INLINE void tile_gradient_c(int sheet, const float *dy, ptrdiff_t sz, ptrdiff_t sy, int c, float *v) {
  const float g0 = output_z[sheet][0], g1 = output_z[sheet][1];
  const Vec s0 = splat(g0), s1 = splat(g1);
  for (int l = 0; l < c; l += LANES) {
    Vec y[4], h[8], p[POINTS];
    WB_UNROLL for (int q = 0; q < 4; q++) {
      const float *at = dy + q / 2 * sy + q % 2 * c + l;
      y[q] = s0 * load(at) + s1 * load(at + sz);
    }
    WB_UNROLL for (int x = 0; x < 2; x++) gradient_2(y + x, 2, h + x, 2);
    WB_UNROLL for (int q = 0; q < 4; q++) gradient_2(h + 2 * q, 1, p + 4 * q, 1);
    WB_UNROLL for (int q = 0; q < POINTS; q++) store(v + q * pitch(c) + l, p[q]);
  }
}

/* Where a tile's outputs go: strides in floats and how many of the 2 exist in each direction. */
typedef struct {
  ptrdiff_t sz, sy;
  int c, nz, ny, nx;
  bool accumulate;
} Place;

/* Adds a sheet of M to a tile's outputs; the first to reach a plane (sheet 0, for the second plane 1) brings the bias.
 */
WB_INLINE void tile_out_c(int sheet, int c, const float *m, const float *bias, const Place *o, float *out) {
  for (int l = 0; l < c; l += LANES) {
    Vec h[8], y[4];
    WB_UNROLL for (int x = 0; x < 4; x++) {
      Vec d[4];
      WB_UNROLL for (int q = 0; q < 4; q++) d[q] = load(m + (4 * q + x) * pitch(c) + l);
      output_4(d, 1, h + x, 4);
    }
    WB_UNROLL for (int j = 0; j < 2; j++) output_4(h + 4 * j, 1, y + 2 * j, 1);
    for (int z = 0; z < o->nz; z++) {
      if (output_z[sheet][z] == 0) continue;
      const bool first = sheet == z, fresh = first && !o->accumulate;
      const float g = output_z[sheet][z];
      const Vec sign = splat(g);
      Vec start = {0};
      if (first) start = load(bias + l);
      for (int j = 0; j < o->ny; j++)
        for (int i = 0; i < o->nx; i++) {
          float *to = out + z * o->sz + j * o->sy + i * c + l;
          Vec value = start + sign * y[2 * j + i];
          if (!fresh) value += load(to);
          store(to, value);
        }
    }
  }
}

/* The usual widths become constants, which turns pitches into offsets of instructions. */
#define WB_BY_WIDTH(c, call) \
  do {                       \
    if ((c) == 32)           \
      call(32);              \
    else if ((c) == 64)      \
      call(64);              \
    else                     \
      call(c);               \
  } while (0)
#define WB_CALL_IN(width) tile_in_c(sheet, in, sz, sy, width, v)
#define WB_CALL_GRADIENT(width) tile_gradient_c(sheet, dy, sz, sy, width, v)
#define WB_CALL_OUT(width) tile_out_c(sheet, width, m, bias, o, out)
WB_KERNEL static void tile_in(int sheet, const float *in, ptrdiff_t sz, ptrdiff_t sy, int c, float *v) {
  WB_BY_WIDTH(c, WB_CALL_IN);
}
WB_KERNEL static void tile_gradient(int sheet, const float *dy, ptrdiff_t sz, ptrdiff_t sy, int c, float *v) {
  WB_BY_WIDTH(c, WB_CALL_GRADIENT);
}
WB_KERNEL static void tile_out(int sheet, const float *m, const float *bias, const Place *o, float *out) {
  WB_BY_WIDTH(o->c, WB_CALL_OUT);
}

/* ---- weights ---- */
/* w[out * s_out + in * s_in + tap] of 8 outputs -> U, `step` floats from point to point; turned: taps from the last. */
WB_KERNEL static void transform_weights(const float *w, size_t s_out, bool turned, float *u, size_t step) {
  Vec taps[27], rows[36], planes[48], p[SHEETS * POINTS];
  for (int t = 0; t < 27; t++)
    for (int o = 0; o < LANES; o++) taps[t][o] = w[(size_t)o * s_out + (size_t)(turned ? 26 - t : t)];
  for (int q = 0; q < 9; q++) weights_3(taps + 3 * q, 1, rows + 4 * q, 1);
  for (int z = 0; z < 3; z++)
    for (int x = 0; x < 4; x++) weights_3(rows + 12 * z + x, 4, planes + 16 * z + x, 4);
  for (int q = 0; q < POINTS; q++) weights_3(planes + q, POINTS, p + q, POINTS);
  for (int q = 0; q < SHEETS * POINTS; q++) store(u + (size_t)q * step, p[q]);
}

bool wb_conv_winograd_fits(const WbConvShape *s) {
  return s->k == 3 && s->ci % BLOCK == 0 && s->co % BLOCK == 0;
}

size_t wb_conv_winograd_weights_size(const WbConvShape *s) {
  return (size_t)(SHEETS * POINTS) * (size_t)s->ci * (size_t)s->co;
}

/* w (co, ci, 3, 3, 3) -> forward (point, co / 16, ci, 16); backward (point, ci / 16, co, 16) or NULL. */
void wb_conv_winograd_pack(const WbConvShape *s, const float *w, float *forward, float *backward) {
  const size_t ci = (size_t)s->ci, co = (size_t)s->co, of_out = ci * 27, of_in = 27;
  for (size_t o = 0; o < co; o += LANES)
    for (size_t i = 0; i < ci; i++)
      transform_weights(w + o * of_out + i * of_in, of_out, false, forward + (o / BLOCK * ci + i) * BLOCK + o % BLOCK,
                        ci * co);
  for (size_t i = 0; backward && i < ci; i += LANES)
    for (size_t o = 0; o < co; o++)
      transform_weights(w + o * of_out + i * of_in, of_in, true, backward + (i / BLOCK * co + o) * BLOCK + i % BLOCK,
                        ci * co);
}

/* ---- whole arrays ---- */
/* Sizes (z, y, x) of the output; rows and columns of the input, at least those of the output, made even, and 2. */
typedef struct {
  int d, h, w, hi, wi, ci, co;
} Whole;
static int even(int n) {
  return n + n % 2;
}
static int tile_count(const Whole *a) {
  return even(a->d) / 2 * (even(a->h) / 2) * (even(a->w) / 2);
}
/* First output of a tile. */
typedef struct {
  int z, y, x;
} Corner;
static Corner corner_of(const Whole *a, int tile) {
  const int nx = even(a->w) / 2, ny = even(a->h) / 2;
  return (Corner){2 * (tile / nx / ny), 2 * (tile / nx % ny), 2 * (tile % nx)};
}

static void sheet_in(const Whole *a, int sheet, int first, int n, const float *x, float *v) {
  const ptrdiff_t row = (ptrdiff_t)a->wi * a->ci, plane = row * a->hi;
  for (int i = 0; i < n; i++) {
    const Corner t = corner_of(a, first + i);
    tile_in(sheet, x + t.z * plane + t.y * row + t.x * (ptrdiff_t)a->ci, plane, row, a->ci, v + i * (ptrdiff_t)a->ci);
  }
}

static void sheet_out(const Whole *a, int sheet, int first, int n, const float *m, const float *bias, bool accumulate,
                      float *y) {
  const ptrdiff_t row = (ptrdiff_t)a->w * a->co, plane = row * a->h;
  for (int i = 0; i < n; i++) {
    const Corner t = corner_of(a, first + i);
    const Place p = {plane,     row, a->co, t.z + 1 < a->d ? 2 : 1, t.y + 1 < a->h ? 2 : 1, t.x + 1 < a->w ? 2 : 1,
                     accumulate};
    tile_out(sheet, m + i * (ptrdiff_t)a->co, bias, &p, y + t.z * plane + t.y * row + t.x * (ptrdiff_t)a->co);
  }
}

static void convolve(const Whole *a, const float *x, const float *u, const float *bias, bool accumulate, float *buffer,
                     float *y) {
  static const float zero[WB_NET_CHANNELS_MAX] = {0};
  const ptrdiff_t vp = pitch(a->ci), mp = pitch(a->co);
  float *v = buffer, *m = v + POINTS * vp;
  const int tiles = tile_count(a);
  for (int first = 0, n; first < tiles; first += n) {
    n = tiles - first < TILES ? tiles - first : TILES;
    const WbConvShape product = {.k = 1, .d = 1, .h = 1, .w = n, .ci = a->ci, .co = a->co};
    for (int sheet = 0; sheet < SHEETS; sheet++) {
      sheet_in(a, sheet, first, n, x, v);
      for (int p = 0; p < POINTS; p++)
        wb_conv_native_forward(&product, v + p * vp, u + (ptrdiff_t)(POINTS * sheet + p) * a->ci * a->co, zero,
                               m + p * mp);
      sheet_out(a, sheet, first, n, m, bias, accumulate, y);
    }
  }
}

/* x (d, h, w, c) into the middle of zeros: `to` (d_to, h_to, w_to, c), beginning at (z, y, y). */
typedef struct {
  int d, h, w, z, y;
} Frame;
static void frame(const int from[3], int c, const float *x, const Frame *f, float *to) {
  const size_t row = (size_t)from[2] * (size_t)c, row_to = (size_t)f->w * (size_t)c, left = (size_t)f->y * (size_t)c;
  for (int z = 0; z < f->d; z++)
    for (int y = 0; y < f->h; y++, to += row_to) {
      const int k = z - f->z, j = y - f->y;
      if (k < 0 || k >= from[0] || j < 0 || j >= from[1]) {
        memset(to, 0, row_to * sizeof *to);
        continue;
      }
      memset(to, 0, left * sizeof *to);
      memcpy(to + left, x + ((size_t)k * (size_t)from[1] + (size_t)j) * row, row * sizeof *to);
      memset(to + left + row, 0, (row_to - left - row) * sizeof *to);
    }
}
static size_t frame_size(const Frame *f, int c) {
  return (size_t)f->d * (size_t)f->h * (size_t)f->w * (size_t)c;
}
static Frame frame_input(const WbConvShape *s) {
  return (Frame){even(s->d) + 2, even(s->h) + 2, even(s->w) + 2, 0, 0};
}
static Frame frame_gradient(const WbConvShape *s) { /* for dx: of all columns, of inner levels */
  return (Frame){even(s->d) + 2, even(s->h + 2) + 2, even(s->w + 2) + 2, 1, 2};
}
static bool all_even(const WbConvShape *s) {
  return s->d % 2 == 0 && s->h % 2 == 0 && s->w % 2 == 0;
}

/* Buffers of a block of tiles, of V and M or of dU too, before the framed arrays. */
static size_t block_floats(const WbConvShape *s) {
  const size_t du = s->training ? (size_t)POINTS * (size_t)s->ci * (size_t)s->co : 0;
  return (size_t)POINTS * (size_t)(pitch(s->ci) + pitch(s->co)) + du;
}

size_t wb_conv_winograd_scratch(const WbConvShape *s) { /* bytes */
  const Frame in = frame_input(s), out = frame_gradient(s);
  const size_t input = all_even(s) ? 0 : frame_size(&in, s->ci), gradient = s->training ? frame_size(&out, s->co) : 0;
  return (block_floats(s) + input + gradient) * sizeof(float);
}

/* x as it is, or where a size is odd, framed. */
static const float *even_input(const WbConvShape *s, const float *x, float *to) {
  if (all_even(s)) return x;
  const Frame f = frame_input(s);
  frame((const int[]){s->d + 2, s->h + 2, s->w + 2}, s->ci, x, &f, to);
  return to;
}

void wb_conv_winograd_forward(const WbConvShape *s, const float *x, const float *u, const float *bias, float *scratch,
                              float *y) {
  const Whole a = {s->d, s->h, s->w, even(s->h) + 2, even(s->w) + 2, s->ci, s->co};
  convolve(&a, even_input(s, x, scratch + block_floats(s)), u, bias, s->accumulate, scratch, y);
}

void wb_conv_winograd_backward_data(const WbConvShape *s, const float *dy, const float *u, float *scratch, float *dx) {
  static const float zero[WB_NET_CHANNELS_MAX] = {0};
  const Frame f = frame_gradient(s);
  const Whole a = {s->d, s->h + 2, s->w + 2, f.h, f.w, s->co, s->ci};
  const size_t plane = (size_t)(s->h + 2) * (size_t)(s->w + 2) * (size_t)s->ci;
  float *framed = scratch + block_floats(s);
  frame((const int[]){s->d, s->h, s->w}, s->co, dy, &f, framed);
  memset(dx, 0, plane * sizeof *dx);
  convolve(&a, framed, u, zero, false, scratch, dx + plane);
  memset(dx + (size_t)(s->d + 1) * plane, 0, plane * sizeof *dx);
}

/* dw (tap, ci co) += the part of G^T dU that a sheet's du (point, ci co) makes. */
WB_KERNEL static void fold_sheet(int sheet, size_t n, const float *du, float *dw) {
  for (size_t l = 0; l < n; l += LANES) {
    Vec u[POINTS], h[12], w[9];
    WB_UNROLL for (int q = 0; q < POINTS; q++) u[q] = load(du + (size_t)q * n + l);
    WB_UNROLL for (int q = 0; q < 4; q++) weights_4(u + 4 * q, 1, h + 3 * q, 1);
    WB_UNROLL for (int x = 0; x < 3; x++) weights_4(h + x, 3, w + x, 3);
    for (int z = 0; z < 3; z++) {
      if (weights_z[sheet][z] == 0) continue;
      for (int q = 0; q < 9; q++) {
        float *to = dw + (size_t)(9 * z + q) * n + l;
        store(to, load(to) + weights_z[sheet][z] * w[q]);
      }
    }
  }
}

static void sheet_gradient(const Whole *a, int sheet, int first, int n, const float *dy, float *g) {
  const ptrdiff_t row = (ptrdiff_t)even(a->w) * a->co, plane = row * even(a->h);
  for (int i = 0; i < n; i++) {
    const Corner t = corner_of(a, first + i);
    tile_gradient(sheet, dy + t.z * plane + t.y * row + t.x * (ptrdiff_t)a->co, plane, row, a->co,
                  g + i * (ptrdiff_t)a->co);
  }
}

/* dw (tap, ci, co): added to. */
void wb_conv_winograd_backward_weights(const WbConvShape *s, const float *x, const float *dy, float *scratch,
                                       float *dw) {
  const Whole a = {s->d, s->h, s->w, even(s->h) + 2, even(s->w) + 2, s->ci, s->co};
  const ptrdiff_t vp = pitch(s->ci), gp = pitch(s->co);
  const size_t n_weights = (size_t)s->ci * (size_t)s->co;
  float *v = scratch, *g = v + POINTS * vp, *du = g + POINTS * gp, *framed = scratch + block_floats(s);
  const int tiles = tile_count(&a);
  x = even_input(s, x, framed);
  if (!all_even(s)) {
    const Frame in = frame_input(s), f = {even(s->d), even(s->h), even(s->w), 0, 0};
    framed += frame_size(&in, s->ci);
    frame((const int[]){s->d, s->h, s->w}, s->co, dy, &f, framed);
    dy = framed;
  }
  for (int sheet = 0; sheet < SHEETS; sheet++) {
    memset(du, 0, POINTS * n_weights * sizeof *du);
    for (int first = 0, n; first < tiles; first += n) {
      n = tiles - first < TILES ? tiles - first : TILES;
      const WbConvShape product = {.k = 1, .d = 1, .h = 1, .w = n, .ci = s->ci, .co = s->co};
      sheet_in(&a, sheet, first, n, x, v);
      sheet_gradient(&a, sheet, first, n, dy, g);
      for (int p = 0; p < POINTS; p++)
        wb_conv_native_backward_weights(&product, v + p * vp, g + p * gp, du + (size_t)p * n_weights);
    }
    fold_sheet(sheet, n_weights, du, dw);
  }
}
