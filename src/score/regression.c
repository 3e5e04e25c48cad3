/* The affine baseline: x1 ~ a + b x0, one (a, b) for each level and variable, by least squares over fluid cells. */
#include <string.h>
#include "windbridge/score.h"

typedef struct {
  double n, x, y, xx, xy; /* sums */
  double intercept, slope;
} Line;

struct WbRegression_s {
  int nz;
  Line *line; /* (nz, 4) */
};

PetscErrorCode wb_regression_create(int nz, WbRegression *reg) {
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(1, reg));
  (*reg)->nz = nz;
  PetscCall(WB_CALLOC((size_t)nz * 4, &(*reg)->line));
  for (int i = 0; i < 4 * nz; i++) (*reg)->line[i].slope = 1.0; /* identity until solved */
  PetscFunctionReturn(0);
}

void wb_regression_add(WbRegression reg, size_t plane, const uint8_t *fluid, const float *x0, const float *x1) {
  for (int k = 0; k < reg->nz; k++)
    for (size_t i = 0; i < plane; i++) {
      const size_t at = (size_t)k * plane + i;
      if (!fluid[at]) continue;
      for (size_t c = 0; c < 4; c++) {
        Line *l = &reg->line[4 * (size_t)k + c];
        const double x = (double)x0[4 * at + c], y = (double)x1[4 * at + c];
        l->n += 1.0;
        l->x += x;
        l->y += y;
        l->xx += x * x;
        l->xy += x * y;
      }
    }
}

/* A level without data keeps the identity; one where x0 does not vary gets the mean of x1. */
PetscErrorCode wb_regression_solve(WbRegression reg) {
  PetscFunctionBeginUser;
  for (int i = 0; i < 4 * reg->nz; i++) {
    Line *l = &reg->line[i];
    if (l->n < 1.0) continue;
    const double mx = l->x / l->n, my = l->y / l->n;
    const double variance = l->xx / l->n - mx * mx, covariance = l->xy / l->n - mx * my;
    l->slope = variance > 1e-12 * (l->xx / l->n) ? covariance / variance : 0.0;
    l->intercept = my - l->slope * mx;
  }
  PetscFunctionReturn(0);
}

void wb_regression_apply(WbRegression reg, size_t plane, const uint8_t *fluid, const float *x0, float *out) {
  for (int k = 0; k < reg->nz; k++)
    for (size_t i = 0; i < plane; i++) {
      const size_t at = (size_t)k * plane + i;
      for (size_t c = 0; c < 4; c++) {
        const Line *l = &reg->line[4 * (size_t)k + c];
        out[4 * at + c] = fluid[at] ? (float)(l->intercept + l->slope * (double)x0[4 * at + c]) : x0[4 * at + c];
      }
    }
}

void wb_regression_coefficients(WbRegression reg, int k, int c, double *intercept, double *slope) {
  *intercept = reg->line[4 * k + c].intercept;
  *slope = reg->line[4 * k + c].slope;
}

void wb_regression_set(WbRegression reg, int k, int c, double intercept, double slope) {
  reg->line[4 * k + c].intercept = intercept;
  reg->line[4 * k + c].slope = slope;
}

void wb_regression_destroy(WbRegression *reg) {
  if (!*reg) return;
  WB_FREE(&(*reg)->line);
  WB_FREE(reg);
}
