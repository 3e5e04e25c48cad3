/* Data in and out of the tile of a WbTransform: rows are transposed on the way (a lane is a row), columns are not (a
 * lane is a column). A tile holds 2 WB_LANES sequences. */
#include "windbridge/real.h"

#include "transform.h"

#include <string.h>

/* Transposes of squares of 32-byte vectors: rows are strangers to the vectoriser, and every machine of interest has
 * registers of this size. Swap off-diagonal blocks of s x s among rows i and i + s: log2(SQUARE) of these. */
#define SQUARE ((int)(32 / sizeof(WbReal)))
typedef WbReal Vec __attribute__((vector_size(32)));
#if WB_SINGLE
#define LOW(s, l) (((l) & (s)) ? 8 + (l) - (s) : (l))
#define HIGH(s, l) (((l) & (s)) ? 8 + (l) : (l) + (s))
#define LANES(f, s) f(s, 0), f(s, 1), f(s, 2), f(s, 3), f(s, 4), f(s, 5), f(s, 6), f(s, 7)
#else
#define LOW(s, l) (((l) & (s)) ? 4 + (l) - (s) : (l))
#define HIGH(s, l) (((l) & (s)) ? 4 + (l) : (l) + (s))
#define LANES(f, s) f(s, 0), f(s, 1), f(s, 2), f(s, 3)
#endif
#define SWAP_BLOCKS(r, s)                                                    \
  _Pragma("GCC unroll 8") for (int i = 0; i < SQUARE; i++) if (!(i & (s))) { \
    const Vec a = (r)[i], b = (r)[i + (s)];                                  \
    (r)[i] = __builtin_shufflevector(a, b, LANES(LOW, s));                   \
    (r)[i + (s)] = __builtin_shufflevector(a, b, LANES(HIGH, s));            \
  }

WB_INLINE void transpose(Vec *r) {
  SWAP_BLOCKS(r, 1)
  SWAP_BLOCKS(r, 2)
#if WB_SINGLE
  SWAP_BLOCKS(r, 4)
#endif
}

/* tile[index[i]] half h = column i of the rows. */
WB_KERNEL static void load_rows(int n, const int *index, const void *const *rows, int h, WbReal *tile) {
  int i0 = 0;
  tile += h * WB_LANES;
  for (; i0 + SQUARE <= n; i0 += SQUARE)
    for (int part = 0; part < WB_LANES; part += SQUARE) {
      Vec r[SQUARE];
#pragma GCC unroll 8
      for (int l = 0; l < SQUARE; l++) memcpy(&r[l], (const WbReal *)rows[part + l] + i0, sizeof(Vec));
      transpose(r);
#pragma GCC unroll 8
      for (int q = 0; q < SQUARE; q++) memcpy(tile + 2 * WB_LANES * index[i0 + q] + part, &r[q], sizeof(Vec));
    }
  for (; i0 < n; i0++)
    for (int l = 0; l < WB_LANES; l++) tile[2 * WB_LANES * index[i0] + l] = ((const WbReal *)rows[l])[i0];
}

WB_KERNEL static void store_rows(int n, const int *index, const void *const *rows, int h, const WbReal *tile) {
  int i0 = 0;
  tile += h * WB_LANES;
  for (; i0 + SQUARE <= n; i0 += SQUARE)
    for (int part = 0; part < WB_LANES; part += SQUARE) {
      Vec r[SQUARE];
#pragma GCC unroll 8
      for (int q = 0; q < SQUARE; q++) memcpy(&r[q], tile + 2 * WB_LANES * index[i0 + q] + part, sizeof(Vec));
      transpose(r);
#pragma GCC unroll 8
      for (int l = 0; l < SQUARE; l++) memcpy((WbReal *)rows[part + l] + i0, &r[l], sizeof(Vec));
    }
  for (; i0 < n; i0++)
    for (int l = 0; l < WB_LANES; l++) ((WbReal *)rows[l])[i0] = tile[2 * WB_LANES * index[i0] + l];
}

/* The next rows of a list, filled up with `spare`. */
static void take(const void **list, int at, int count, const void *spare, const void **rows) {
  for (int l = 0; l < 2 * WB_LANES; l++) rows[l] = at + l < count ? list[at + l] : spare;
}

/* Ask for the cache lines of rows to come, so that they arrive while the tile is transformed: to be read, or (`write`)
 * at once to be owned, for another core may have them. */
WB_INLINE void expect_rows(int n, const void *const *rows, int count, bool write) {
  const int limit = count < 2 * WB_LANES ? count : 2 * WB_LANES;
  for (int l = 0; l < limit; l++)
    for (size_t at = 0; at < (size_t)n * sizeof(WbReal); at += 64)
      if (write)
        __builtin_prefetch((const char *)rows[l] + at, 1, 3);
      else
        __builtin_prefetch((const char *)rows[l] + at, 0, 2);
}

/* Modes of rows [at, at + 2 WB_LANES) of `count`, to their pieces, or from them. */
static void store_pieces(const WbTransform *t, WbPieces out, int at, int count) {
  const void *rows[2 * WB_LANES];
  for (int p = 0; p < out.parts; p++) {
    const int first = out.starts[p], n = out.starts[p + 1] - first;
    take(out.rows + (size_t)p * out.stride, at, count, (WbReal *)t->pad + t->n + 2 * WB_LANES, rows);
    for (int h = 0; h < 2; h++) store_rows(n, t->pos + first, rows + h * WB_LANES, h, t->tile);
  }
}

static void load_pieces(const WbTransform *t, WbPieces in, int at, int count) {
  const void *rows[2 * WB_LANES];
  for (int p = 0; p < in.parts; p++) {
    const int first = in.starts[p], n = in.starts[p + 1] - first;
    take(in.rows + (size_t)p * in.stride, at, count, t->pad, rows);
    for (int h = 0; h < 2; h++) load_rows(n, t->pos + first, rows + h * WB_LANES, h, t->tile);
  }
}

WB_INLINE void expect_pieces(WbPieces pieces, int at, int count, bool write) {
  for (int p = 0; p < pieces.parts; p++)
    expect_rows(pieces.starts[p + 1] - pieces.starts[p], pieces.rows + (size_t)p * pieces.stride + at, count - at,
                write);
}

/* Rows in (n points each) to rows out (n modes each, in order); in and out may be the same. */
void WB_R(wb_transform_rows_forward)(const WbTransform *t, int count, const void **in, WbPieces out) {
  const void *rows[2 * WB_LANES];
  for (int at = 0; at < count; at += 2 * WB_LANES) {
    take(in, at, count, t->pad, rows);
    for (int h = 0; h < 2; h++) load_rows(t->n, t->order, rows + h * WB_LANES, h, t->tile);
    expect_pieces(out, at, count, true);
    expect_rows(t->n, in + at + 2 * WB_LANES, count - at - 2 * WB_LANES, false);
    WB_R(wb_transform_fft)(t);
    store_pieces(t, out, at, count);
  }
}

void WB_R(wb_transform_rows_backward)(const WbTransform *t, int count, WbPieces in, const void **out) {
  const void *rows[2 * WB_LANES];
  for (int at = 0; at < count; at += 2 * WB_LANES) {
    load_pieces(t, in, at, count);
    expect_rows(t->n, out + at, count - at, true);
    expect_pieces(in, at + 2 * WB_LANES, count, false);
    WB_R(wb_transform_ifft)(t);
    take(out, at, count, (WbReal *)t->pad + t->n + 2 * WB_LANES, rows);
    for (int h = 0; h < 2; h++) store_rows(t->n, t->order, rows + h * WB_LANES, h, t->tile);
  }
}

/* Blocks of WB_LANES columns of consecutive planes (n, pitch), two blocks a tile. */
WB_KERNEL static void load_columns(int n, const int *index, const WbReal *const block[2], size_t pitch, WbReal *tile) {
  for (int i = 0; i < n; i++)
    for (int h = 0; h < 2; h++) {
      const WbReal *restrict from = block[h] + (size_t)i * pitch;
      WbReal *restrict to = tile + (2 * index[i] + h) * WB_LANES;
#pragma omp simd
      for (int l = 0; l < WB_LANES; l++) to[l] = from[l];
    }
}

WB_KERNEL static void store_columns(int n, const int *index, WbReal *const block[2], size_t pitch, const WbReal *tile) {
  for (int i = 0; i < n; i++)
    for (int h = 0; h < 2; h++) {
      const WbReal *restrict from = tile + (2 * index[i] + h) * WB_LANES;
      WbReal *restrict to = block[h] + (size_t)i * pitch;
#pragma omp simd
      for (int l = 0; l < WB_LANES; l++) to[l] = from[l];
    }
}

static WbReal *block_of(const WbTransform *t, WbReal *data, int pitch, int number) {
  const int blocks = pitch / WB_LANES;
  return data + (size_t)(number / blocks) * (size_t)t->n * (size_t)pitch + (size_t)(number % blocks) * WB_LANES;
}

/* planes of (n, pitch), pitch a multiple of WB_LANES, along the first index, in place (forward) or not. An odd last
 * block goes alone: its partner is itself (the second copy overwrites the first with the same numbers). */
void WB_R(wb_transform_columns_forward)(const WbTransform *t, int planes, int pitch, void *data) {
  const int blocks = planes * (pitch / WB_LANES);
  for (int at = 0; at < blocks; at += 2) {
    WbReal *const pair[2] = {block_of(t, data, pitch, at), block_of(t, data, pitch, at + 1 < blocks ? at + 1 : at)};
    load_columns(t->n, t->order, (const WbReal *const *)pair, (size_t)pitch, t->tile);
    WB_R(wb_transform_fft)(t);
    store_columns(t->n, t->pos, pair, (size_t)pitch, t->tile);
  }
}

void WB_R(wb_transform_columns_backward)(const WbTransform *t, int planes, int pitch, const void *in, void *out) {
  const int blocks = planes * (pitch / WB_LANES);
  WbReal *from = (WbReal *)in;
  for (int at = 0; at < blocks; at += 2) {
    const int other = at + 1 < blocks ? at + 1 : at;
    const WbReal *const read[2] = {block_of(t, from, pitch, at), block_of(t, from, pitch, other)};
    WbReal *const write[2] = {block_of(t, out, pitch, at), block_of(t, out, pitch, other)};
    load_columns(t->n, t->pos, read, (size_t)pitch, t->tile);
    WB_R(wb_transform_ifft)(t);
    store_columns(t->n, t->order, write, (size_t)pitch, t->tile);
  }
}
