/* Scores of one field: divergence, and gap filling before spectra. */
#include <math.h>
#include "windbridge/score.h"

/* Central difference of channel c over the two neighbours `stride` cells away, times 2 dx. */
static double difference(const float *field4, size_t at, size_t stride, int c) {
  return (double)field4[4 * (at + stride) + (size_t)c] - (double)field4[4 * (at - stride) + (size_t)c];
}

double wb_score_divergence(int nz, int ny, int nx, double dx_m, const uint8_t *fluid, const float *field4) {
  const size_t row = (size_t)nx, plane = (size_t)nx * (size_t)ny;
  double sum = 0.0;
  size_t n = 0;
  for (int k = 1; k < nz - 1; k++)
    for (int j = 1; j < ny - 1; j++)
      for (int i = 1; i < nx - 1; i++) {
        const size_t at = (size_t)k * plane + (size_t)j * row + (size_t)i;
        const bool open = fluid[at] && fluid[at - 1] && fluid[at + 1] && fluid[at - row] && fluid[at + row] &&
                          fluid[at - plane] && fluid[at + plane];
        if (!open) continue;
        sum += fabs(difference(field4, at, 1, 1) + difference(field4, at, row, 2) + difference(field4, at, plane, 3));
        n++;
      }
  return n ? sum / (2.0 * dx_m * (double)n) : 0.0;
}

void wb_score_fill_plane(int ny, int nx, int k, int c, const uint8_t *fluid, const float *field4, float *out) {
  const size_t plane = (size_t)ny * (size_t)nx;
  const uint8_t *f = fluid + (size_t)k * plane;
  const float *a = field4 + 4 * (size_t)k * plane + (size_t)c;
  double sum = 0.0;
  size_t n = 0;
  for (size_t i = 0; i < plane; i++)
    if (f[i]) {
      sum += (double)a[4 * i];
      n++;
    }
  const float mean = n ? (float)(sum / (double)n) : 0.0F;
  for (size_t i = 0; i < plane; i++) out[i] = f[i] ? a[4 * i] : mean;
}
