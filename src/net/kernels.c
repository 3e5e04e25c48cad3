/* Pointwise kernels: norm + FiLM + SiLU, shuffles between levels, bf16 rounding. */
#include "net_internal.h"
#include <math.h>
#include <string.h>

#define WB_INLINE static inline __attribute__((always_inline))

/* exp(x) to 1.2e-7 relative for x in [-40, 40], constant outside: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2]
 * (Cody-Waite split of ln 2); straight-line code, so that loops vectorise. Beyond 40 a sigmoid is 0 or 1 to 4e-18;
 * limits near the range of float would make the compiler compute with denormals in every lane, three times slower. */
WB_INLINE float exp_fast(float x) {
  x = x < -40.0F ? -40.0F : x;
  x = x > 40.0F ? 40.0F : x;
  const float n = (x * 1.44269504F + 12582912.0F) - 12582912.0F; /* round to nearest */
  float r = x - n * 0.693359375F;
  r = r + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  union {
    int32_t i;
    float f;
  } two_n = {.i = ((int32_t)n + 127) << 23};
  return p * two_n.f;
}
WB_INLINE float sigmoid(float z) {
  return 1.0F / (1.0F + exp_fast(-z));
}

/* Round to nearest even; the tensors here are finite. */
WB_INLINE uint16_t round_bf16(float x) {
  union {
    float f;
    uint32_t u;
  } v = {.f = x};
  return (uint16_t)((v.u + 0x7fffU + ((v.u >> 16) & 1U)) >> 16);
}

/* 1 / sqrt(mean x^2 + eps) of one voxel */
WB_INLINE float inverse_rms(int c, const float *x) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < c; i++) sum += x[i] * x[i];
  return 1.0F / sqrtf(sum / (float)c + WB_NET_RMS_EPS);
}

WB_INLINE size_t padded_row(const WbNormAct *p, int k, int j) {
  return (((size_t)(k + 1) * (size_t)(p->h + 2) + (size_t)(j + 1)) * (size_t)(p->w + 2) + 1) * (size_t)p->c;
}

WB_INLINE void act_voxel_f32(int c, float r, const float *restrict x, const float *restrict a, const float *restrict b,
                             float *restrict y) {
#pragma omp simd
  for (int l = 0; l < c; l++) {
    const float z = x[l] * r * a[l] + b[l];
    y[l] = z * sigmoid(z);
  }
}

WB_INLINE void act_voxel_bf16(int c, float r, const float *restrict x, const float *restrict a, const float *restrict b,
                              uint16_t *restrict y) {
#pragma omp simd
  for (int l = 0; l < c; l++) {
    const float z = x[l] * r * a[l] + b[l];
    y[l] = round_bf16(z * sigmoid(z));
  }
}

/* Voxels of a row (k, j) that belong to a part: every step-th of first .. end - 1. */
typedef struct {
  int first, end, step;
} RowPart;
WB_INLINE RowPart row_part(const WbNormAct *p, WbPart part, int j) {
  const bool edge = j == 0 || j == p->h - 1;
  if (part == WB_PART_ALL || (part == WB_PART_RIM && edge)) return (RowPart){0, p->w, 1};
  if (part == WB_PART_RIM) return (RowPart){0, p->w, p->w > 1 ? p->w - 1 : 1}; /* the first and the last */
  return edge ? (RowPart){0, 0, 1} : (RowPart){1, p->w - 1, 1};
}

/* bf16 is a constant at each call, so that each version is straight code */
WB_INLINE void norm_act(const WbNormAct *p, WbPart part, int c, bool bf16, const float *x, void *padded) {
  for (int k = 0; k < p->d; k++)
    for (int j = 0; j < p->h; j++) {
      const RowPart of = row_part(p, part, j);
      const size_t row = padded_row(p, k, j);
      const float *in = x + ((size_t)k * (size_t)p->h + (size_t)j) * (size_t)p->w * (size_t)c;
      for (int i = of.first; i < of.end; i += of.step) {
        const float *v = in + (size_t)i * (size_t)c;
        const float r = p->norm ? inverse_rms(c, v) : 1.0F;
        const size_t to = row + (size_t)i * (size_t)c;
        if (bf16)
          act_voxel_bf16(c, r, v, p->a, p->b, (uint16_t *)padded + to);
        else
          act_voxel_f32(c, r, v, p->a, p->b, (float *)padded + to);
      }
    }
}

/* The usual widths become constants, which lets the compiler keep a voxel in registers. */
#define WB_BY_WIDTH(call) \
  switch (p->c) {         \
    case 32:              \
      call(32);           \
      break;              \
    case 48:              \
      call(48);           \
      break;              \
    case 64:              \
      call(64);           \
      break;              \
    case 96:              \
      call(96);           \
      break;              \
    case 128:             \
      call(128);          \
      break;              \
    default:              \
      call(p->c);         \
      break;              \
  }

WB_KERNEL void wb_norm_act_part_f32(const WbNormAct *p, WbPart part, const float *x, float *padded){
#define WB_CALL(c) norm_act(p, part, c, false, x, padded)
    WB_BY_WIDTH(WB_CALL)
#undef WB_CALL
} WB_KERNEL void wb_norm_act_part_bf16(const WbNormAct *p, WbPart part, const float *x, uint16_t *padded) {
#define WB_CALL(c) norm_act(p, part, c, true, x, padded)
  WB_BY_WIDTH(WB_CALL)
#undef WB_CALL
}

void wb_norm_act_f32(const WbNormAct *p, const float *x, float *padded) {
  wb_norm_act_part_f32(p, WB_PART_ALL, x, padded);
}

/* One voxel backwards: with n = x r, z = a n + b, y = silu(z): dn = a dz, dx = r (dn - n mean(dn n)). sa, sb gather the
 * gradients of a and b over a row in float; rows are summed in double. */
WB_INLINE void norm_act_back_voxel(const WbNormAct *p, int c, const float *restrict x, const float *restrict dy,
                                   bool add, float *restrict dx, float *restrict sa, float *restrict sb) {
  const float *restrict a = p->a, *restrict b = p->b;
  const float r = p->norm ? inverse_rms(c, x) : 1.0F;
  float dn[WB_NET_CHANNELS_MAX], dot = 0;
#pragma omp simd reduction(+ : dot)
  for (int l = 0; l < c; l++) {
    const float n = x[l] * r, z = n * a[l] + b[l], s = sigmoid(z);
    const float dz = dy[l] * s * (1.0F + z * (1.0F - s));
    sa[l] += dz * n;
    sb[l] += dz;
    dn[l] = dz * a[l];
    dot += dn[l] * n;
  }
  const float mean = p->norm ? dot / (float)c * r : 0.0F;
  if (add) {
#pragma omp simd
    for (int l = 0; l < c; l++) dx[l] += r * (dn[l] - x[l] * mean);
  } else {
#pragma omp simd
    for (int l = 0; l < c; l++) dx[l] = r * (dn[l] - x[l] * mean);
  }
}

WB_INLINE void norm_act_back(const WbNormAct *p, int c, const float *x, const float *dpadded, bool add, float *dx,
                             double *da, double *db) {
  for (int k = 0; k < p->d; k++)
    for (int j = 0; j < p->h; j++) {
      float sa[WB_NET_CHANNELS_MAX], sb[WB_NET_CHANNELS_MAX];
      for (int l = 0; l < c; l++) sa[l] = sb[l] = 0;
      const float *dy = dpadded + padded_row(p, k, j);
      const size_t row = ((size_t)k * (size_t)p->h + (size_t)j) * (size_t)p->w * (size_t)c;
      for (int i = 0; i < p->w; i++) {
        const size_t o = (size_t)i * (size_t)c;
        norm_act_back_voxel(p, c, x + row + o, dy + o, add, dx + row + o, sa, sb);
      }
      for (int l = 0; l < c; l++) {
        da[l] += (double)sa[l];
        db[l] += (double)sb[l];
      }
    }
}

WB_KERNEL void wb_norm_act_back(const WbNormAct *p, const float *x, const float *dpadded, bool add, float *dx,
                                double *da, double *db){
#define WB_CALL(c) norm_act_back(p, c, x, dpadded, add, dx, da, db)
    WB_BY_WIDTH(WB_CALL)
#undef WB_CALL
}

/* ---- shuffles ---- */
WB_INLINE size_t fine_index(const WbShuffle *s, int k, int j, int i, int part) {
  const size_t z = (size_t)(2 * k + (part >> 2)), y = (size_t)(2 * j + ((part >> 1) & 1)),
               x = (size_t)(2 * i + (part & 1));
  return (z * (size_t)(2 * s->h) + y) * (size_t)(2 * s->w) + x;
}
WB_INLINE size_t coarse_index(const WbShuffle *s, int k, int j, int i) {
  const size_t p = (size_t)s->pad;
  return (((size_t)k + p) * ((size_t)s->h + 2 * p) + (size_t)j + p) * ((size_t)s->w + 2 * p) + (size_t)i + p;
}

/* The two cells of a pair along x are neighbours in both tensors; without a mask they are copied in one go. */
WB_INLINE void copy_f32(int n, const float *restrict x, bool open, float *restrict y) {
#pragma omp simd
  for (int l = 0; l < n; l++) y[l] = open ? x[l] : 0.0F;
}
WB_INLINE void copy_bf16(int n, const float *restrict x, bool open, uint16_t *restrict y) {
#pragma omp simd
  for (int l = 0; l < n; l++) y[l] = open ? round_bf16(x[l]) : 0;
}
WB_INLINE void add_f32(int n, const float *restrict x, bool open, float *restrict y) {
#pragma omp simd
  for (int l = 0; l < n; l++) y[l] += open ? x[l] : 0.0F;
}

WB_INLINE void space_to_depth(const WbShuffle *s, int c, bool bf16, const float *x, const uint8_t *mask, void *y) {
  const int unit = mask ? 1 : 2; /* cells copied at a time */
  for (int k = 0; k < s->d; k++)
    for (int j = 0; j < s->h; j++)
      for (int i = 0; i < s->w; i++) {
        const size_t to = coarse_index(s, k, j, i) * 8;
        for (int part = 0; part < 8; part += unit) {
          const size_t from = fine_index(s, k, j, i, part), o = (to + (size_t)part) * (size_t)c;
          const bool open = !mask || mask[from]; /* selects, so that NaN in buildings does not leak */
          if (bf16)
            copy_bf16(c * unit, x + from * (size_t)c, open, (uint16_t *)y + o);
          else
            copy_f32(c * unit, x + from * (size_t)c, open, (float *)y + o);
        }
      }
}

WB_INLINE void depth_to_space(const WbShuffle *s, int c, bool add, const float *x, const uint8_t *mask, float *y) {
  const int unit = mask ? 1 : 2;
  for (int k = 0; k < s->d; k++)
    for (int j = 0; j < s->h; j++)
      for (int i = 0; i < s->w; i++) {
        const size_t from = coarse_index(s, k, j, i) * 8;
        for (int part = 0; part < 8; part += unit) {
          const size_t to = fine_index(s, k, j, i, part);
          const float *v = x + (from + (size_t)part) * (size_t)c;
          const bool open = !mask || mask[to];
          if (add)
            add_f32(c * unit, v, open, y + to * (size_t)c);
          else
            copy_f32(c * unit, v, open, y + to * (size_t)c);
        }
      }
}

/* The state's four channels and the usual widths, without a mask, become constants. */
#define WB_BY_CHANNELS(call)    \
  if (s->c == 4 && mask)        \
    call(4, mask);              \
  else if (s->c == 32 && !mask) \
    call(32, NULL);             \
  else                          \
    call(s->c, mask);

WB_KERNEL void wb_space_to_depth(const WbShuffle *s, const float *x, const uint8_t *mask, float *y){
#define WB_CALL(c, m) space_to_depth(s, c, false, x, m, y)
    WB_BY_CHANNELS(WB_CALL)
#undef WB_CALL
} WB_KERNEL void wb_space_to_depth_bf16(const WbShuffle *s, const float *x, const uint8_t *mask, uint16_t *y){
#define WB_CALL(c, m) space_to_depth(s, c, true, x, m, y)
    WB_BY_CHANNELS(WB_CALL)
#undef WB_CALL
} WB_KERNEL void wb_depth_to_space(const WbShuffle *s, const float *x, const uint8_t *mask, bool add, float *y) {
  if (add) {
#define WB_CALL(c, m) depth_to_space(s, c, true, x, m, y)
    WB_BY_CHANNELS(WB_CALL)
#undef WB_CALL
  } else {
#define WB_CALL(c, m) depth_to_space(s, c, false, x, m, y)
    WB_BY_CHANNELS(WB_CALL)
#undef WB_CALL
  }
}

WB_KERNEL void wb_to_bf16(size_t n, const float *x, uint16_t *y) {
  for (size_t i = 0; i < n; i++) y[i] = round_bf16(x[i]);
}

WB_KERNEL void wb_add(size_t n, const float *x, float *y) {
  for (size_t i = 0; i < n; i++) y[i] += x[i];
}
