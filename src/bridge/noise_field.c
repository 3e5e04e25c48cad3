/* Coloured noise on a box of a global grid: white noise on grids of 1, 2, 4, ... cells, each brought to the finest one
 * by quadratic B-splines (Chaikin 1974: a spline on cells twice as wide is refined by the weights 1/4, 3/4, 3/4, 1/4),
 * summed with the wanted variances and divided by the deviation that the sum has at the cell. One pass from the
 * coarsest grid to the finest; random numbers by the global number of each grid's cell, so a rank needs no neighbour.
 */
#include <math.h>

#include "bridge_internal.h"

enum { C = WB_CHANNELS, SCALES = WB_NOISE_SCALES, PERIOD = 1 << (WB_NOISE_SCALES - 1), MARGIN = 8 };

typedef struct {
  int start[3], size[3]; /* x, y, z: global index of the first cell; cells */
  float amplitude;
  float *z; /* (size z, y, x, C) */
} Level;

struct WbNoiseField_s {
  int nx, ny; /* of the whole grid */
  int top;    /* coarsest level with a variance */
  Level level[SCALES];
  double variance[SCALES];       /* of a level's white noise */
  double factor[SCALES][PERIOD]; /* of its variance by the spline in one direction, by the cell's index mod PERIOD */
  float *coarse, *random;        /* rows */
  uint64_t *number;
};

static int half(int i) {
  return (i - (i & 1)) / 2; /* floor, for negative i too */
}

/* Sum of squares of the weights with which the cells of a grid 2^level times as wide give cell `index`. */
static double spline_factor(int level, int index) {
  enum { N = 4 * PERIOD, MIDDLE = 2 * PERIOD };
  double w[N] = {0}, sum = 0;
  w[MIDDLE + index] = 1;
  for (int l = 0; l < level; l++) {
    double next[N] = {0};
    for (int q = 0; q < N; q++) {
      if (w[q] == 0.0) continue;
      const int i = q - MIDDLE, near = half(i), far = i & 1 ? near + 1 : near - 1;
      next[MIDDLE + near] += 0.75 * w[q];
      next[MIDDLE + far] += 0.25 * w[q];
    }
    for (int q = 0; q < N; q++) w[q] = next[q];
  }
  for (int q = 0; q < N; q++) sum += w[q] * w[q];
  return sum;
}

static PetscErrorCode check(const WbNoiseBox *box, const float variance[SCALES]) {
  double sum = 0;
  PetscFunctionBeginUser;
  for (int l = 0; l < SCALES; l++) {
    if (!(variance[l] >= 0.0F)) WB_RAISE(WB_ERR_CONFIG, "noise: variance %g of scale %d", (double)variance[l], l);
    sum += (double)variance[l];
  }
  if (!(fabs(sum - 1) < 1e-4)) WB_RAISE(WB_ERR_CONFIG, "noise: the variances of its scales sum to %g, not to 1", sum);
  for (int a = 0; a < 3; a++) {
    const int end = box->start[a] + box->size[a];
    if (box->start[a] < 0 || box->size[a] < 1 || end > (a == 2 ? 4000 : 65000))
      WB_RAISE(WB_ERR_CONFIG, "noise: cells %d to %d in direction %d", box->start[a], end, a);
  }
  PetscFunctionReturn(0);
}

static void set_scales(const float variance[SCALES], WbNoiseField f) {
  for (int l = 0; l < SCALES; l++) {
    double mean = 0;
    for (int i = 0; i < PERIOD; i++) mean += (f->factor[l][i] = spline_factor(l, i)) / PERIOD;
    f->variance[l] = (double)variance[l] / (mean * mean * mean);
    f->level[l].amplitude = (float)sqrt(f->variance[l]);
    if (variance[l] > 0.0F) f->top = l;
  }
}

/* Boxes of all levels up to `top`: each covers what the finer one needs. */
static void set_boxes(const WbNoiseBox *box, int top, Level level[SCALES]) {
  for (int a = 0; a < 3; a++) {
    level[0].start[a] = box->start[a];
    level[0].size[a] = box->size[a];
    for (int l = 1; l <= top; l++) {
      const Level *fine = &level[l - 1];
      level[l].start[a] = half(fine->start[a]) - 1;
      level[l].size[a] = half(fine->start[a] + fine->size[a] - 1) + 2 - level[l].start[a];
    }
  }
}

static size_t numbers_of(const Level *level) {
  return (size_t)level->size[0] * (size_t)level->size[1] * (size_t)level->size[2] * C;
}

double wb_noise_field_bytes(const WbNoiseBox *box) {
  Level level[SCALES];
  double numbers = 0;
  set_boxes(box, SCALES - 1, level);
  for (int l = 0; l < SCALES; l++) numbers += (double)numbers_of(&level[l]);
  return numbers * sizeof(float);
}

PetscErrorCode wb_noise_field_create(const WbNoiseBox *box, const float variance[WB_NOISE_SCALES], WbNoiseField *out) {
  PetscFunctionBeginUser;
  *out = NULL;
  PetscCall(check(box, variance));
  WbNoiseField f = NULL;
  PetscCall(WB_CALLOC(1, &f));
  *out = f;
  f->nx = box->nx;
  f->ny = box->ny;
  set_scales(variance, f);
  set_boxes(box, f->top, f->level);
  const size_t row = (size_t)box->size[0] + 4;
  PetscErrorCode failed = 0;
  for (int l = 0; l <= f->top && !failed; l++) failed = WB_ALLOC(numbers_of(&f->level[l]), &f->level[l].z);
  if (!failed) failed = WB_ALLOC(row * C, &f->coarse);
  if (!failed) failed = WB_ALLOC(row * C, &f->random);
  if (!failed) failed = WB_ALLOC(row, &f->number);
  if (failed) wb_noise_field_destroy(out);
  PetscFunctionReturn(failed);
}

void wb_noise_field_destroy(WbNoiseField *field) {
  WbNoiseField f = field ? *field : NULL;
  if (!f) return;
  for (int l = 0; l < SCALES; l++) WB_FREE(&f->level[l].z);
  WB_FREE(&f->coarse);
  WB_FREE(&f->random);
  WB_FREE(&f->number);
  WB_FREE(field);
}

/* White noise of row (k, j), counted from the level's start. The finest grid's cells have their voxel numbers, the
 * others' numbers begin with the level. */
static void draw_row(WbNoiseField f, int l, const WbRandomKey *key, int k, int j) {
  const Level *at = &f->level[l];
  const int gj = at->start[1] + j, gk = at->start[2] + k;
  uint64_t first = ((uint64_t)gk * (uint64_t)f->ny + (uint64_t)gj) * (uint64_t)f->nx + (uint64_t)at->start[0];
  if (l > 0)
    first = (uint64_t)l << 44 | (uint64_t)(gk + MARGIN) << 32 | (uint64_t)(gj + MARGIN) << 16 |
            (uint64_t)(at->start[0] + MARGIN);
  for (int i = 0; i < at->size[0]; i++) f->number[i] = first + (uint64_t)i;
  wb_bridge_noise(key, (size_t)at->size[0], f->number, f->random);
}

WB_KERNEL static void blend(size_t n, const float w[4], const float *const row[4], float *restrict out) {
  const float *a = row[0], *b = row[1], *c = row[2], *d = row[3];
  for (size_t i = 0; i < n; i++) out[i] = w[0] * a[i] + w[1] * b[i] + w[2] * c[i] + w[3] * d[i];
}

/* The next coarser level at the y and z of row (k, j): (its cells in x, C). */
static void coarse_row(WbNoiseField f, int l, int k, int j) {
  const Level *at = &f->level[l], *up = &f->level[l + 1];
  const int index[2] = {at->start[1] + j, at->start[2] + k};
  const size_t row = (size_t)up->size[0] * C;
  int near[2], far[2];
  for (int a = 0; a < 2; a++) {
    near[a] = half(index[a]) - up->start[1 + a];
    far[a] = index[a] & 1 ? near[a] + 1 : near[a] - 1;
  }
  const int y[4] = {near[0], far[0], near[0], far[0]}, z[4] = {near[1], near[1], far[1], far[1]};
  static const float weight[4] = {0.5625F, 0.1875F, 0.1875F, 0.0625F};
  const float *rows[4];
  for (int q = 0; q < 4; q++) rows[q] = up->z + ((size_t)z[q] * (size_t)up->size[1] + (size_t)y[q]) * row;
  blend(row, weight, rows, f->coarse);
}

/* out = amplitude * random + coarse at this level's x; coarse begins at global index `from`. */
static void add_coarse(int n, int start, int from, float amplitude, const float *random, const float *coarse,
                       float *out) {
  for (int i = 0; i < n; i++) {
    const int g = start + i, near = half(g) - from, far = g & 1 ? near + 1 : near - 1;
    for (int q = 0; q < C; q++)
      out[i * C + q] = amplitude * random[i * C + q] + (0.75F * coarse[near * C + q] + 0.25F * coarse[far * C + q]);
  }
}

/* Divides a row of the finest level by its deviation. */
static void normalise_row(WbNoiseField f, int k, int j, float *z) {
  const Level *at = &f->level[0];
  const int gy = (at->start[1] + j) % PERIOD, gz = (at->start[2] + k) % PERIOD;
  float scale[PERIOD];
  for (int i = 0; i < PERIOD; i++) {
    double variance = 0;
    for (int l = 0; l <= f->top; l++)
      variance += f->variance[l] * f->factor[l][i] * f->factor[l][gy] * f->factor[l][gz];
    scale[i] = (float)(1 / sqrt(variance));
  }
  for (int i = 0; i < at->size[0]; i++)
    for (int q = 0; q < C; q++) z[i * C + q] *= scale[(at->start[0] + i) % PERIOD];
}

static void draw_level(WbNoiseField f, int l, const WbRandomKey *key) {
  Level *at = &f->level[l];
  const int n = at->size[0];
  for (int k = 0; k < at->size[2]; k++) {
    for (int j = 0; j < at->size[1]; j++) {
      float *out = at->z + ((size_t)k * (size_t)at->size[1] + (size_t)j) * (size_t)n * C;
      draw_row(f, l, key, k, j);
      if (l == f->top) {
        for (int i = 0; i < n * C; i++) out[i] = at->amplitude * f->random[i];
      } else {
        coarse_row(f, l, k, j);
        add_coarse(n, at->start[0], f->level[l + 1].start[0], at->amplitude, f->random, f->coarse, out);
      }
      if (l == 0) normalise_row(f, k, j, out);
    }
  }
}

const float *wb_noise_field_draw(WbNoiseField f, const WbRandomKey *key) {
  for (int l = f->top; l >= 0; l--) draw_level(f, l, key);
  return f->level[0].z;
}
