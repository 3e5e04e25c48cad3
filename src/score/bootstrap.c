/* Percentile bootstrap of a mean over paired cases (Efron & Tibshirani 1993, ch. 13). */
#include <math.h>
#include <stdlib.h>
#include "windbridge/score.h"

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Linear interpolation between order statistics. */
static double quantile(const double *sorted, int n, double q) {
  const double place = q * (n - 1);
  const int below = (int)place;
  if (below + 1 >= n) return sorted[n - 1];
  return sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]);
}

static double resampled_mean(const double *d, int n, int sample, uint32_t seed) {
  const WbRandomKey key = {.seed = seed, .stream = WB_STREAM_BOOTSTRAP, .member = (uint32_t)sample};
  double u[4] = {0}, sum = 0.0;
  for (int i = 0; i < n; i++) {
    if (i % 4 == 0) wb_random_uniform4(&key, (uint64_t)(i / 4), u);
    const int pick = (int)(u[i % 4] * n);
    sum += d[pick < n ? pick : n - 1];
  }
  return sum / n;
}

void wb_bootstrap_mean(const double *d, int n, int resamples, uint32_t seed, double *lo, double *hi) {
  *lo = *hi = NAN;
  double *means = n > 0 && resamples > 0 ? malloc((size_t)resamples * sizeof(*means)) : NULL;
  if (!means) return;
  for (int r = 0; r < resamples; r++) means[r] = resampled_mean(d, n, r, seed);
  qsort(means, (size_t)resamples, sizeof(*means), ascending);
  *lo = quantile(means, resamples, 0.025);
  *hi = quantile(means, resamples, 0.975);
  free(means);
}
