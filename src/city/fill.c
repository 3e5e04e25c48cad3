/* Polygon filling by scan lines through cell centres. */
#include <math.h>
#include "city_internal.h"

static int row_crossings(const WbRings *rings, double y, double *crossings) {
  int n = 0;
  for (int r = 0; r < rings->n_rings; r++) {
    const int a = rings->start[r], b = rings->start[r + 1];
    for (int p = a; p < b; p++) {
      const int q = p + 1 < b ? p + 1 : a;
      const double y0 = rings->y[p], y1 = rings->y[q];
      if ((y0 <= y) == (y1 <= y)) continue; /* half-open: a vertex on the line counts once */
      crossings[n++] = rings->x[p] + (y - y0) / (y1 - y0) * (rings->x[q] - rings->x[p]);
    }
  }
  for (int i = 1; i < n; i++) { /* few crossings: insertion sort */
    const double v = crossings[i];
    int j = i - 1;
    for (; j >= 0 && crossings[j] > v; j--) crossings[j + 1] = crossings[j];
    crossings[j + 1] = v;
  }
  return n;
}

/* First cell index whose centre is at or right of x, clamped to [0, n]. */
static int first_centre(double x, double x0, double cell, int n) {
  const double i = ceil((x - x0) / cell - 0.5);
  if (!(i > 0)) return 0;
  return i < n ? (int)i : n;
}

long wb_city_fill(const WbRaster *raster, const WbRings *rings, float h, double *crossings) {
  double lo = INFINITY, hi = -INFINITY;
  for (int p = rings->start[0]; p < rings->start[rings->n_rings]; p++) {
    if (rings->y[p] < lo) lo = rings->y[p];
    if (rings->y[p] > hi) hi = rings->y[p];
  }
  if (!(lo <= hi)) return 0;
  long cells = 0;
  const int j0 = first_centre(lo, raster->y0, raster->cell, raster->ny);
  const int j1 = first_centre(hi, raster->y0, raster->cell, raster->ny);
  for (int j = j0; j < j1; j++) {
    const int n = row_crossings(rings, raster->y0 + (j + 0.5) * raster->cell, crossings);
    float *row = raster->height + (size_t)j * (size_t)raster->nx;
    for (int c = 0; c + 1 < n; c += 2) {
      const int i0 = first_centre(crossings[c], raster->x0, raster->cell, raster->nx);
      const int i1 = first_centre(crossings[c + 1], raster->x0, raster->cell, raster->nx);
      for (int i = i0; i < i1; i++) {
        if (row[i] < h) row[i] = h;
      }
      cells += i1 - i0;
    }
  }
  return cells;
}
