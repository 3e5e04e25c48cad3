/* Monotone cubic interpolation (Fritsch & Carlson 1980): the curve rises and falls with its values and no more, and its
 * derivative is the derivative of what is returned. */
#include "bridge_internal.h"

#include <math.h>

/* Slope at an end from the two nearest secants, three-point formula, limited so that the end piece stays monotone. */
static double end_slope(double h0, double h1, double d0, double d1) {
  const double slope = ((2.0 * h0 + h1) * d0 - h0 * d1) / (h0 + h1);
  if (slope * d0 <= 0.0) return 0.0;
  return d0 * d1 <= 0.0 && fabs(slope) > 3.0 * fabs(d0) ? 3.0 * d0 : slope;
}

static void slopes(WbCurve *c) {
  const int n = c->n;
  for (int i = 1; i + 1 < n; i++) {
    const double h0 = c->t[i] - c->t[i - 1], h1 = c->t[i + 1] - c->t[i];
    const double d0 = (c->value[i] - c->value[i - 1]) / h0, d1 = (c->value[i + 1] - c->value[i]) / h1;
    const double a = 2.0 * h1 + h0, b = h1 + 2.0 * h0; /* weighted harmonic mean, Brodlie */
    c->slope[i] = d0 * d1 > 0.0 ? (a + b) / (a / d0 + b / d1) : 0.0;
  }
  const double first = c->t[1] - c->t[0], last = c->t[n - 1] - c->t[n - 2];
  const double d_first = (c->value[1] - c->value[0]) / first, d_last = (c->value[n - 1] - c->value[n - 2]) / last;
  c->slope[0] = d_first;
  c->slope[n - 1] = d_last;
  if (n > 2) {
    c->slope[0] = end_slope(first, c->t[2] - c->t[1], d_first, (c->value[2] - c->value[1]) / (c->t[2] - c->t[1]));
    c->slope[n - 1] = end_slope(last, c->t[n - 2] - c->t[n - 3], d_last,
                                (c->value[n - 2] - c->value[n - 3]) / (c->t[n - 2] - c->t[n - 3]));
  }
}

PetscErrorCode wb_curve_create(const char *what, int n, const double *t, const double *value, WbCurve *curve) {
  PetscFunctionBeginUser;
  if (n < 2 || !t || !value) WB_RAISE_ALL(WB_ERR_CONFIG, "table of %s: %d values; at least 2 are needed", what, n);
  if (!(t[0] == 0.0) || !(t[n - 1] == 1.0)) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "table of %s: times from %g to %g; allowed are times from 0 to 1", what, t[0],
                 t[n - 1]);
  }
  for (int i = 0; i < n; i++) {
    if (!isfinite(value[i]) || (i > 0 && !(t[i] > t[i - 1]))) {
      WB_RAISE_ALL(WB_ERR_CONFIG, "table of %s: value %g at t = %g; times must rise and values be finite", what,
                   value[i], t[i]);
    }
  }
  curve->n = n;
  PetscCall(WB_ALLOC(n, &curve->t));
  PetscCall(WB_ALLOC(n, &curve->value));
  PetscCall(WB_ALLOC(n, &curve->slope));
  for (int i = 0; i < n; i++) {
    curve->t[i] = t[i];
    curve->value[i] = value[i];
  }
  slopes(curve);
  PetscFunctionReturn(0);
}

void wb_curve_destroy(WbCurve *curve) {
  WB_FREE(&curve->t);
  WB_FREE(&curve->value);
  WB_FREE(&curve->slope);
  curve->n = 0;
}

void wb_curve_at(const WbCurve *c, double t, double *value, double *slope) {
  int lo = 0, hi = c->n - 1;
  while (hi - lo > 1) {
    const int mid = (lo + hi) / 2;
    if (t < c->t[mid]) {
      hi = mid;
    } else {
      lo = mid;
    }
  }
  const double h = c->t[hi] - c->t[lo], u = (t - c->t[lo]) / h, v = 1.0 - u;
  /* Hermite form, written so that both ends give the values exactly */
  *value = c->value[lo] * v * v * (1.0 + 2.0 * u) + c->value[hi] * u * u * (1.0 + 2.0 * v) +
           h * u * v * (c->slope[lo] * v - c->slope[hi] * u);
  *slope = 6.0 * u * v * (c->value[hi] - c->value[lo]) / h + c->slope[lo] * v * (v - 2.0 * u) +
           c->slope[hi] * u * (u - 2.0 * v);
}
