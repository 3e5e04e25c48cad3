/* Voxels from the roof raster: a cell is solid where buildings fill at least half of its volume (area x height). */
#include <math.h>
#include <string.h>
#include "city_internal.h"

#define WB_HALF (0.5 - 1e-9) /* exactly half is solid, whatever the rounding of the sums */

/* Level that contains roof height h: the largest k <= nz with zf[k] <= h. */
static int level_of(const double *zf, int nz, double h) {
  int lo = 0, hi = nz;
  while (lo < hi) {
    const int mid = (lo + hi + 1) / 2;
    if (zf[mid] <= h)
      lo = mid;
    else
      hi = mid - 1;
  }
  return lo;
}

/* Add raster row j with weight wy [m] to the row of cells: full[i][k] collects the area whose roof lies in level k
 * (all levels below are full there), part[i][k] the volume inside level k. */
static void add_row(const WbCity *c, int j, double wy, const double box[3], int nx, int nz, const double *zf,
                    double *scratch) {
  double *full = scratch, *part = scratch + (size_t)nx * (size_t)(nz + 1);
  const float *row = c->height + (size_t)j * (size_t)c->nx;
  const double cell = c->cell_m, dx = box[2], off = c->x_min_m - box[0];
  int i0 = (int)floor((box[0] - c->x_min_m) / cell + 1e-9),
      i1 = (int)ceil((box[0] + nx * dx - c->x_min_m) / cell - 1e-9);
  if (i0 < 0) i0 = 0;
  if (i1 > c->nx) i1 = c->nx;
  for (int i = i0; i < i1; i++) {
    const double h = (double)row[i];
    if (!(h > zf[0])) continue;
    const int k = level_of(zf, nz, h);
    const double a = off + i * cell, b = a + cell; /* raster cell in box coordinates */
    int c0 = (int)floor(a / dx + 1e-9), c1 = (int)ceil(b / dx - 1e-9);
    if (c0 < 0) c0 = 0;
    if (c1 > nx) c1 = nx;
    for (int ci = c0; ci < c1; ci++) {
      const double area = wy * (fmin(b, (ci + 1) * dx) - fmax(a, ci * dx));
      const size_t at = (size_t)ci * (size_t)(nz + 1) + (size_t)k;
      full[at] += area;
      if (k < nz) part[at] += area * (h - zf[k]);
    }
  }
}

void wb_city_columns(const WbCity *city, const double box[3], int nx, int ny, int nz, const double *zf, double *scratch,
                     int *columns) {
  const double dx = box[2], cell = city->cell_m, area = dx * dx;
  const size_t stride = (size_t)(nz + 1);
  for (int cj = 0; cj < ny; cj++) {
    memset(scratch, 0, 2 * (size_t)nx * stride * sizeof *scratch);
    const double ya = box[1] + cj * dx - city->y_min_m, yb = ya + dx; /* in raster coordinates */
    int j0 = (int)floor(ya / cell + 1e-9), j1 = (int)ceil(yb / cell - 1e-9);
    if (j0 < 0) j0 = 0;
    if (j1 > city->ny) j1 = city->ny;
    for (int j = j0; j < j1; j++) {
      add_row(city, j, fmin(yb, (j + 1) * cell) - fmax(ya, j * cell), box, nx, nz, zf, scratch);
    }
    for (int ci = 0; ci < nx; ci++) {
      const double *full = scratch + (size_t)ci * stride, *part = full + (size_t)nx * stride;
      double above = full[nz]; /* area whose roof is above the level at hand */
      int top = 0;
      for (int k = nz - 1; k >= 0; k--) {
        const double dz = zf[k + 1] - zf[k];
        if (top == 0 && above * dz + part[k] >= WB_HALF * area * dz) top = k + 1;
        above += full[k];
      }
      columns[(size_t)cj * (size_t)nx + (size_t)ci] = top;
    }
  }
}

PetscErrorCode wb_city_voxelise(const WbCity *city, double x_min_m, double y_min_m, double dx_m, int nx, int ny, int nz,
                                const double *zf, uint8_t *solid) {
  PetscFunctionBeginUser;
  const double box[3] = {x_min_m, y_min_m, dx_m};
  double *scratch = NULL;
  int *columns = NULL;
  PetscCall(WB_ALLOC(2 * (size_t)nx * (size_t)(nz + 1), &scratch));
  PetscCall(WB_ALLOC((size_t)nx * (size_t)ny, &columns));
  wb_city_columns(city, box, nx, ny, nz, zf, scratch, columns);
  const size_t plane = (size_t)nx * (size_t)ny;
  for (int k = 0; k < nz; k++) {
    for (size_t c = 0; c < plane; c++) solid[(size_t)k * plane + c] = k < columns[c];
  }
  WB_FREE(&columns);
  WB_FREE(&scratch);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_city_cell_height(const WbCity *city, double x_min_m, double y_min_m, double dx_m, int nx, int ny,
                                   float *height) {
  PetscFunctionBeginUser;
  /* one huge level: part = sum of area x height; reuse the row kernel with zf = {0, 1e9} */
  const double box[3] = {x_min_m, y_min_m, dx_m}, zf[2] = {0, 1e9}, cell = city->cell_m;
  double *scratch = NULL;
  PetscCall(WB_ALLOC(4 * (size_t)nx, &scratch));
  for (int cj = 0; cj < ny; cj++) {
    memset(scratch, 0, 4 * (size_t)nx * sizeof *scratch);
    const double ya = y_min_m + cj * dx_m - city->y_min_m, yb = ya + dx_m;
    int j0 = (int)floor(ya / cell + 1e-9), j1 = (int)ceil(yb / cell - 1e-9);
    if (j0 < 0) j0 = 0;
    if (j1 > city->ny) j1 = city->ny;
    for (int j = j0; j < j1; j++) {
      add_row(city, j, fmin(yb, (j + 1) * cell) - fmax(ya, j * cell), box, nx, 1, zf, scratch);
    }
    for (int ci = 0; ci < nx; ci++) {
      height[(size_t)cj * (size_t)nx + (size_t)ci] = (float)(scratch[2 * (size_t)nx + 2 * (size_t)ci] / (dx_m * dx_m));
    }
  }
  WB_FREE(&scratch);
  PetscFunctionReturn(0);
}
