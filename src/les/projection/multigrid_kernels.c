/* Loops of the multigrid (multigrid.h), a slab at a time: a slab of all arrays fits the second-level cache, so the way
 * up and down a column is one pass over memory. */
#include "multigrid.h"

#include <math.h>

#define WB_INLINE static inline __attribute__((always_inline))

/* Neighbours of the cells of half a row, and the conductances of the faces to them. */
typedef struct {
  const float *xw, *xe, *xs, *xn;
  const uint16_t *gw, *ge, *gs, *gn;
  float scale;
} Sides;

WB_INLINE Sides sides_of(const WbMgLevel *l, const float *x, int j, int k, int odd) {
  const size_t own = wb_mg_at(l, j, k, odd), other = wb_mg_at(l, j, k, !odd) - (odd ? 0 : 1);
  return (Sides){.xw = x + other,
                 .xe = x + other + 1,
                 .xs = x + own - l->slab,
                 .xn = x + own + l->slab,
                 .gw = l->gx + own,
                 .ge = l->gx + other + 1,
                 .gs = l->gy + own,
                 .gn = l->gy + own + l->slab,
                 .scale = l->side[k]};
}

WB_INLINE float pull(const Sides *s, int i, bool voxels) {
  if (voxels) return s->scale * ((s->xw[i] + s->xe[i]) + (s->xs[i] + s->xn[i]));
  const float gw = wb_mg_widen(s->gw[i]), ge = wb_mg_widen(s->ge[i]);
  const float gs = wb_mg_widen(s->gs[i]), gn = wb_mg_widen(s->gn[i]);
  return s->scale * ((gw * s->xw[i] + ge * s->xe[i]) + (gs * s->xs[i] + gn * s->xn[i]));
}

/* From the ground up: x = (b + pull + floor x_below) / pivot. The lowest level's floor is closed. */
WB_INLINE void eliminate(const WbMgLevel *l, int j, int k, int odd, bool from_zero, bool voxels) {
  const size_t at = wb_mg_at(l, j, k, odd);
  const Sides s = sides_of(l, l->x, j, k, odd);
  const float *b = l->b + at, *inv = l->inv + at, floor = l->floor[k];
  const uint16_t *gz = l->gz + at;
  float *x = l->x + at;
  const float *below = k > 0 ? x - 2 * l->half : b; /* b: any number, times 0 */
#pragma omp simd
  for (int i = 0; i < l->nx / 2; i++) {
    const float f = from_zero ? b[i] : b[i] + pull(&s, i, voxels);
    const float g = voxels ? floor : floor * wb_mg_widen(gz[i]);
    x[i] = (f + g * below[i]) * inv[i];
  }
}

WB_INLINE void substitute(const WbMgLevel *l, int j, int k, int odd, bool voxels) {
  const size_t at = wb_mg_at(l, j, k, odd), up = at + 2 * l->half;
  const float *restrict inv = l->inv + at, *restrict above = l->x + up, ceiling = l->floor[k + 1];
  const uint16_t *restrict gz = l->gz + up;
  float *restrict x = l->x + at;
#pragma omp simd
  for (int i = 0; i < l->nx / 2; i++) {
    const float g = voxels ? ceiling : ceiling * wb_mg_widen(gz[i]);
    x[i] += g * inv[i] * above[i];
  }
}

/* Half a row in float; its caller sums rows in double. Not inlined: gcc 12 would no longer vectorise it. */
WB_KERNEL static float dot(int n, const float *restrict a, const float *restrict b) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

WB_INLINE void relax_slab(const WbMgLevel *l, int j, int odd, bool from_zero, bool voxels) {
  for (int k = 0; k < l->nz; k++) eliminate(l, j, k, odd, from_zero, voxels);
  for (int k = l->nz - 2; k >= 0; k--) substitute(l, j, k, odd, voxels);
}

WB_KERNEL static void relax_voxels(const WbMgLevel *l, int j, int odd) {
  relax_slab(l, j, odd, false, true);
}
WB_KERNEL static void relax_voxels_from_zero(const WbMgLevel *l, int j, int odd) {
  relax_slab(l, j, odd, true, true);
}
WB_KERNEL static void relax_coarse(const WbMgLevel *l, int j, int odd) {
  relax_slab(l, j, odd, false, false);
}
WB_KERNEL static void relax_coarse_from_zero(const WbMgLevel *l, int j, int odd) {
  relax_slab(l, j, odd, true, false);
}

void wb_mg_relax(const WbMgLevel *l, int j, int colour, bool from_zero) {
  const int odd = (colour + j) & 1;
  if (l->voxels)
    (from_zero ? relax_voxels_from_zero : relax_voxels)(l, j, odd);
  else
    (from_zero ? relax_coarse_from_zero : relax_coarse)(l, j, odd);
}

double wb_mg_dot(const WbMgLevel *l, int j) {
  double sum = 0;
  for (int half = 0; half < 2 * l->nz; half++) {
    const size_t at = wb_mg_at(l, j, 0, 0) + (size_t)half * l->half;
    sum += (double)dot(l->nx / 2, l->x + at, l->b + at);
  }
  return sum;
}

WB_INLINE void residual_row(const WbMgLevel *l, int coarse_j, int k, bool voxels, float *restrict out) {
  const Sides even = sides_of(l, l->x, 2 * coarse_j, k, 0), odd = sides_of(l, l->x, 2 * coarse_j + 1, k, 1);
  const float *fluid_even = l->inv + wb_mg_at(l, 2 * coarse_j, k, 0);
  const float *fluid_odd = l->inv + wb_mg_at(l, 2 * coarse_j + 1, k, 1);
#pragma omp simd
  for (int i = 0; i < l->nx / 2; i++) {
    const float a = pull(&even, i, voxels), b = pull(&odd, i, voxels);
    out[i] = voxels ? (fluid_even[i] > 0 ? a : 0) + (fluid_odd[i] > 0 ? b : 0) : a + b;
  }
}

WB_KERNEL void wb_mg_residual_row(const WbMgLevel *l, int coarse_j, int k, float *out) {
  if (l->voxels) {
    residual_row(l, coarse_j, k, true, out);
  } else {
    residual_row(l, coarse_j, k, false, out);
  }
}

/* Solid cells stay 0. */
WB_KERNEL static void add(int n, const float *restrict a, const float *restrict inv, float *restrict x) {
  for (int i = 0; i < n; i++) x[i] += inv[i] > 0 ? a[i] : 0;
}

void wb_mg_add_row(const WbMgLevel *l, int coarse_j, int k, const float *row) {
  for (int odd = 0; odd < 2; odd++) {
    const size_t at = wb_mg_at(l, 2 * coarse_j + odd, k, odd);
    add(l->nx / 2, row, l->inv + at, l->x + at);
  }
}

WB_KERNEL void wb_mg_put_row(const WbMgLevel *l, float *array, int j, int k, int n, const float *row) {
  float *restrict even = array + wb_mg_at(l, j, k, 0), *restrict odd = array + wb_mg_at(l, j, k, 1);
  for (int i = 0; i < n / 2; i++) {
    even[i] = row[2 * i];
    odd[i] = row[2 * i + 1];
  }
  if (n % 2) even[n / 2] = row[n - 1];
}

WB_KERNEL void wb_mg_get_row(const WbMgLevel *l, const float *array, int j, int k, float *restrict row) {
  const float *even = array + wb_mg_at(l, j, k, 0), *odd = array + wb_mg_at(l, j, k, 1);
  for (int i = 0; i < l->nx / 2; i++) {
    row[2 * i] = even[i];
    row[2 * i + 1] = odd[i];
  }
}

WB_INLINE double apply_half(const WbMgLevel *l, const float *p, int j, int k, int odd, float *restrict q) {
  const size_t at = wb_mg_at(l, j, k, odd), step = 2 * l->half;
  const Sides s = sides_of(l, p, j, k, odd);
  const size_t low = k > 0 ? at - step : at, high = k < l->nz - 1 ? at + step : at;
  const float *here = p + at, *below = p + low, *above = p + high;
  const float floor = l->floor[k], ceiling = l->floor[k + 1];
  const uint16_t *gz = l->gz + at, *gz_up = l->gz + high;
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < l->nx / 2; i++) {
    const float x = here[i];
    const float gw = wb_mg_widen(s.gw[i]), ge = wb_mg_widen(s.ge[i]);
    const float gs = wb_mg_widen(s.gs[i]), gn = wb_mg_widen(s.gn[i]);
    const float across = (gw * (x - s.xw[i]) + ge * (x - s.xe[i])) + (gs * (x - s.xs[i]) + gn * (x - s.xn[i]));
    const float along = floor * wb_mg_widen(gz[i]) * (x - below[i]) + ceiling * wb_mg_widen(gz_up[i]) * (x - above[i]);
    q[i] = s.scale * across + along;
    sum += x * q[i];
  }
  return (double)sum;
}

WB_KERNEL static double apply_slab(const WbMgLevel *l, const float *p, int j, float *q) {
  double sum = 0;
  for (int k = 0; k < l->nz; k++)
    for (int odd = 0; odd < 2; odd++) sum += apply_half(l, p, j, k, odd, q + wb_mg_at(l, j, k, odd));
  return sum;
}

double wb_mg_apply(const WbMgLevel *l, const float *p, float *q) {
  double sum = 0;
  for (int j = 0; j < l->ny; j++) sum += apply_slab(l, p, j, q);
  return sum;
}

/* Both halves of a row with the numbers between them, where nothing is: p and q are 0 or finite there. */
WB_KERNEL static float update_row(size_t n, float alpha, const float *restrict p, const float *restrict q,
                                  float *restrict x, float *restrict b) {
  float max = 0;
#pragma omp simd reduction(max : max)
  for (size_t i = 0; i < n; i++) {
    x[i] += alpha * p[i];
    b[i] -= alpha * q[i];
    const float a = fabsf(b[i]);
    max = a > max ? a : max;
  }
  return max;
}

double wb_mg_update(const WbMgLevel *l, float alpha, const float *p, const float *q, const float *scale, float *x) {
  float max = 0;
  for (int j = 0; j < l->ny; j++)
    for (int k = 0; k < l->nz; k++) {
      const size_t at = wb_mg_at(l, j, k, 0) - 1;
      const float a = scale[k] * update_row(2 * l->half, alpha, p + at, q + at, x + at, l->b + at);
      max = a > max ? a : max;
    }
  return (double)max;
}

WB_KERNEL static void direction(size_t n, float beta, const float *restrict z, float *restrict p) {
  for (size_t i = 0; i < n; i++) p[i] = z[i] + beta * p[i];
}

void wb_mg_direction(const WbMgLevel *l, float beta, const float *z, float *p) {
  direction((size_t)l->ny * l->slab, beta, z + l->slab, p + l->slab);
}
