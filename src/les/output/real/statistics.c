/* Statistics at cell centres: time-weighted sums, instantaneous fields, variances. */
#include "les_data.h"
#include "windbridge/real.h"

/* One row: sums of q = (a + b) / 2 and of q^2. */
WB_KERNEL static void add_row(int n, WbReal weight, const WbReal *restrict a, const WbReal *restrict b,
                              WbReal *restrict sum, WbReal *restrict square) {
#pragma omp simd
  for (int i = 0; i < n; i++) {
    const WbReal q = WB_LIT(0.5) * (a[i] + b[i]);
    sum[i] += weight * q;
    square[i] += weight * q * q;
  }
}

WB_KERNEL static void add_row_squares(int n, WbReal weight, const WbReal *restrict a, WbReal *restrict square) {
#pragma omp simd
  for (int i = 0; i < n; i++) square[i] += weight * a[i] * a[i];
}

WB_KERNEL static void add_row_scalar(int n, WbReal weight, const WbReal *restrict a, WbReal *restrict sum) {
#pragma omp simd
  for (int i = 0; i < n; i++) sum[i] += weight * a[i];
}

/* Fluid share that a component's flux through the cell is divided by; 1 for scalars. */
static inline double share_of(WbLes les, int f, size_t at) {
  return f < WB_THETA ? wb_les_porous_share(les, at) : 1.0;
}

static inline ptrdiff_t upper_face(const WbLesLayout *l, int f) {
  return f == WB_U ? 1 : f == WB_V ? l->sy : f == WB_W ? (ptrdiff_t)l->sz : 0;
}

/* Adds weight x (u, v, w at centres; theta) and weight x squares to the sums. Upper faces in the ghosts are valid. */
void WB_R(wb_les_accumulate)(WbLes les, double weight) {
  const WbLesLayout *l = &les->lay;
  const WbReal *state = les->state;
  for (int f = 0; f < les->nf; f++) {
    WbReal *sum = les->sum[f];
    for (int k = 0; k < l->nz; k++)
      for (int j = 0; j < l->nyl; j++) {
        const WbReal *a = state + (size_t)f * l->field + wb_les_at(l, k, j, 0);
        const size_t q = ((size_t)k * (size_t)l->nyl + (size_t)j) * (size_t)l->nxl;
        if (f >= WB_THETA)
          add_row_scalar(l->nxl, (WbReal)weight, a, sum + q);
        else
          add_row(l->nxl, (WbReal)weight, a, a + upper_face(l, f), sum + q, (WbReal *)les->sum_sq[f] + q);
      }
  }
  for (int k = 0; k < l->nz && les->sum_sq[WB_THETA]; k++)
    for (int j = 0; j < l->nyl; j++)
      add_row_squares(l->nxl, (WbReal)weight, state + WB_THETA * l->field + wb_les_at(l, k, j, 0),
                      (WbReal *)les->sum_sq[WB_THETA] + ((size_t)k * (size_t)l->nyl + (size_t)j) * (size_t)l->nxl);
  les->sum_weight += weight;
}

/* All fields at the centre of the cell at an offset. */
void WB_R(wb_les_cell_values)(WbLes les, size_t at, double *value) {
  const WbLesLayout *l = &les->lay;
  for (int f = 0; f < les->nf; f++) {
    const WbReal *q = (const WbReal *)les->state + (size_t)f * l->field + at;
    value[f] = 0.5 * ((double)q[0] + (double)q[upper_face(l, f)]) / share_of(les, f, at);
  }
  value[WB_THETA] += les->opt.theta_surface_K;
}

/* A scalar beyond theta, NaN in solid cells. */
void WB_R(wb_les_scalar)(WbLes les, int field, float *out) {
  const WbLesLayout *l = &les->lay;
  const WbReal *q = (const WbReal *)les->state + (size_t)field * l->field;
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++) {
        const size_t p = wb_les_at(l, k, j, i);
        *out++ = les->solid[p] ? NAN : (float)q[p];
      }
}

/* Instantaneous fields at centres. state: ghosted, 4 fields; any output (nz, nyl, nxl) may be NULL; full theta [K]; NaN
 * in solid cells. */
void WB_R(wb_les_centres)(WbLes les, const void *state, float *theta, float *u, float *v, float *w) {
  const WbLesLayout *l = &les->lay;
  float *const out[WB_NFIELDS] = {u, v, w, theta};
  for (int f = 0; f < WB_NFIELDS; f++) {
    if (!out[f]) continue;
    const WbReal *field = (const WbReal *)state + (size_t)f * l->field;
    const ptrdiff_t up = upper_face(l, f);
    size_t q = 0;
    for (int k = 0; k < l->nz; k++)
      for (int j = 0; j < l->nyl; j++)
        for (int i = 0; i < l->nxl; i++, q++) {
          const size_t p = wb_les_at(l, k, j, i);
          const double value = f == WB_THETA
                                   ? les->opt.theta_surface_K + (double)field[p]
                                   : 0.5 * ((double)field[p] + (double)field[p + (size_t)up]) / share_of(les, f, p);
          out[f][q] = les->solid[p] ? NAN : (float)value;
        }
  }
}

/* Mean of one field since the last reset: out (nz, nyl, nxl); NaN in solid cells. sum_weight > 0. */
void WB_R(wb_les_mean_field)(WbLes les, int field, float *out) {
  const WbLesLayout *l = &les->lay;
  const WbReal *sum = les->sum[field];
  const double shift = field == WB_THETA ? les->opt.theta_surface_K : 0, scale = 1.0 / les->sum_weight;
  size_t q = 0;
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++, q++) {
        const size_t at = wb_les_at(l, k, j, i);
        out[q] = les->solid[at] ? NAN : (float)(shift + (double)sum[q] * scale / share_of(les, field, at));
      }
}

/* Variance of one field about its mean since the last reset; sum_weight > 0, squares kept. */
void WB_R(wb_les_variance_field)(WbLes les, int field, float *out) {
  const WbLesLayout *l = &les->lay;
  const WbReal *sum = les->sum[field], *square = les->sum_sq[field];
  const double scale = 1.0 / les->sum_weight;
  size_t q = 0;
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++, q++) {
        const size_t at = wb_les_at(l, k, j, i);
        const double mean = (double)sum[q] * scale, share = share_of(les, field, at);
        const double variance = ((double)square[q] * scale - mean * mean) / (share * share);
        out[q] = les->solid[at] ? NAN : variance > 0 ? (float)variance : 0.0F; /* rounding */
      }
}

/* Per level, over this rank's fluid cells: sum (nz) += half the sum of the variances, count (nz) += cells. */
void WB_R(wb_les_tke_levels)(WbLes les, double *sum, double *count) {
  const WbLesLayout *l = &les->lay;
  const double scale = 1.0 / les->sum_weight;
  size_t q = 0;
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++, q++) {
        const size_t at = wb_les_at(l, k, j, i);
        if (les->solid[at]) continue;
        const double share = wb_les_porous_share(les, at);
        double variance = 0;
        for (int f = 0; f < 3; f++) {
          const double mean = (double)((const WbReal *)les->sum[f])[q] * scale;
          const double part = (double)((const WbReal *)les->sum_sq[f])[q] * scale - mean * mean;
          variance += part > 0 ? part : 0; /* rounding */
        }
        sum[k] += 0.5 * variance / share; /* of the air: its share times the variance of its velocity */
        count[k] += share;
      }
}
