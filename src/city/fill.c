/* Polygon filling by scan lines through cell centres: the outer ring by its winding number, so that a ring that crosses
 * or overlaps itself covers all that it encloses, less what the holes enclose. */
#include <math.h>
#include <stdlib.h>
#include "city_internal.h"

static int by_lower_end(const void *a, const void *b) {
  const double p = ((const WbEdge *)a)->y0, q = ((const WbEdge *)b)->y0;
  return (p > q) - (p < q);
}

static int by_crossing(const void *a, const void *b) {
  const double p = (*(WbEdge *const *)a)->x, q = (*(WbEdge *const *)b)->x;
  return (p > q) - (p < q);
}

static double signed_area(const WbRings *rings, int r) {
  const int a = rings->start[r], b = rings->start[r + 1];
  double sum = 0;
  for (int p = a; p < b; p++) { /* about the first vertex: coordinates are large, rings small */
    const int q = p + 1 < b ? p + 1 : a;
    sum += (rings->x[p] - rings->x[a]) * (rings->y[q] - rings->y[a]) -
           (rings->x[q] - rings->x[a]) * (rings->y[p] - rings->y[a]);
  }
  return 0.5 * sum;
}

/* Edges run upwards whatever the direction of their ring: two faces that share an edge cross a row at the same x. */
static int make_edges(const WbRings *rings, WbEdge *edge) {
  int n = 0;
  for (int r = 0; r < rings->n_rings; r++) {
    const int a = rings->start[r], b = rings->start[r + 1];
    const int way = r > 0 && signed_area(rings, r) < 0 ? -1 : 1; /* holes all turn the same way: they add up */
    for (int p = a; p < b; p++) {
      const int q = p + 1 < b ? p + 1 : a;
      if (rings->y[p] == rings->y[q]) continue;
      const bool up = rings->y[p] < rings->y[q];
      const int lo = up ? p : q, hi = up ? q : p, turn = up ? way : -way;
      edge[n++] = (WbEdge){.x0 = rings->x[lo],
                           .y0 = rings->y[lo],
                           .x1 = rings->x[hi],
                           .y1 = rings->y[hi],
                           .outer = r == 0 ? turn : 0,
                           .hole = r > 0 ? turn : 0};
    }
  }
  qsort(edge, (size_t)n, sizeof *edge, by_lower_end);
  return n;
}

/* The edges that cross row y, from west to east; they mostly stay in order from one row to the next. */
static int active_edges(WbFillWork *work, int n, int *next, int n_active, double y) {
  int kept = 0;
  for (int i = 0; i < n_active; i++) {
    if (work->active[i]->y1 > y) work->active[kept++] = work->active[i];
  }
  for (; *next < n && work->edge[*next].y0 <= y; (*next)++) { /* half-open: a vertex on the line counts once */
    if (work->edge[*next].y1 > y) work->active[kept++] = &work->edge[*next];
  }
  for (int i = 0; i < kept; i++) {
    WbEdge *e = work->active[i];
    e->x = e->x0 + (y - e->y0) / (e->y1 - e->y0) * (e->x1 - e->x0);
  }
  if (kept > 32) {
    qsort(work->active, (size_t)kept, sizeof *work->active, by_crossing);
    return kept;
  }
  for (int i = 1; i < kept; i++) {
    WbEdge *e = work->active[i];
    int j = i - 1;
    for (; j >= 0 && work->active[j]->x > e->x; j--) work->active[j + 1] = work->active[j];
    work->active[j + 1] = e;
  }
  return kept;
}

/* First cell index whose centre is at or right of x, clamped to [0, n]. */
static int first_centre(double x, double x0, double cell, int n) {
  const double i = ceil((x - x0) / cell - 0.5);
  if (!(i > 0)) return 0;
  return i < n ? (int)i : n;
}

static long fill_row(const WbRaster *raster, int j, int n_active, float h, WbFillWork *work) {
  float *row = raster->height + (size_t)j * (size_t)raster->nx;
  long cells = 0;
  int outer = 0, hole = 0;
  for (int c = 0; c + 1 < n_active; c++) {
    outer += work->active[c]->outer;
    hole += work->active[c]->hole;
    if (work->active[c + 1]->x - work->active[c]->x > 1e-6) { /* not where the outline only touches itself */
      if (outer > 1 || outer < -1) work->folded = true;
      work->signs |= outer > 0 ? 1 : outer < 0 ? 2 : 0;
    }
    if (outer == 0 || hole != 0) continue;
    const int i0 = first_centre(work->active[c]->x, raster->x0, raster->cell, raster->nx);
    const int i1 = first_centre(work->active[c + 1]->x, raster->x0, raster->cell, raster->nx);
    for (int i = i0; i < i1; i++) {
      if (row[i] < h) row[i] = h;
    }
    cells += i1 - i0;
  }
  return cells;
}

long wb_city_fill(const WbRaster *raster, const WbRings *rings, float h, WbFillWork *work) {
  double lo = INFINITY, hi = -INFINITY;
  work->folded = false;
  work->signs = 0;
  for (int p = rings->start[0]; p < rings->start[rings->n_rings]; p++) {
    if (rings->y[p] < lo) lo = rings->y[p];
    if (rings->y[p] > hi) hi = rings->y[p];
  }
  if (!(lo <= hi)) return 0;
  const int n = make_edges(rings, work->edge);
  const int j0 = first_centre(lo, raster->y0, raster->cell, raster->ny);
  const int j1 = first_centre(hi, raster->y0, raster->cell, raster->ny);
  long cells = 0;
  int next = 0, n_active = 0;
  for (int j = j0; j < j1; j++) {
    n_active = active_edges(work, n, &next, n_active, raster->y0 + (j + 0.5) * raster->cell);
    cells += fill_row(raster, j, n_active, h, work);
  }
  if (work->signs == 3) work->folded = true;
  return cells;
}
