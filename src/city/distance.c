/* Distance from cell centres to the nearest solid face, exact on the voxel grid, by separable minima. All squared
 * distances are in units of dx^2 / 4 and are whole numbers, so the result does not depend on the box asked for. */
#include <math.h>
#include "city_internal.h"

/* out[i] = min over |d| <= reach of in[i + d] + f(d)^2, f(d) = max(0, 2 |d| - 1), for i = 0 .. n - 1; `in` has `reach`
 * entries before and after, entries of one step are `stride` apart, `lanes` neighbours are done together. */
static void minimum_pass(const int *in, int *out, int n, int reach, size_t stride, size_t lanes) {
  for (int i = 0; i < n; i++) {
    const int *from = in + (size_t)(i + reach) * stride;
    int *to = out + (size_t)i * stride;
    for (size_t l = 0; l < lanes; l++) to[l] = from[l];
    for (int d = 1; d <= reach; d++) {
      const int f = (2 * d - 1) * (2 * d - 1);
      const int *lo = from - (size_t)d * stride, *hi = from + (size_t)d * stride;
      for (size_t l = 0; l < lanes; l++) {
        const int m = lo[l] < hi[l] ? lo[l] : hi[l];
        if (m + f < to[l]) to[l] = m + f;
      }
    }
  }
}

static int vertical(int k, int column, int far) {
  if (k < column) return 0;
  const int f = 2 * (k - column) + 1; /* column 0: the ground */
  return f * f < far ? f * f : far;
}

/* One level: columns (ny + 2 reach, nx + 2 reach) -> squared distance (ny, nx); work: 2 planes of the larger size. */
static void level_distance(const int *columns, int k, int nx, int ny, int reach, int far, int *work, int *out) {
  const int ex = nx + 2 * reach, ey = ny + 2 * reach;
  int *a = work, *b = work + (size_t)ex * (size_t)ey;
  for (size_t c = 0; c < (size_t)ex * (size_t)ey; c++) a[c] = vertical(k, columns[c], far);
  minimum_pass(a, b, ny, reach, (size_t)ex, (size_t)ex);
  for (int j = 0; j < ny; j++) {
    int *line = out + (size_t)j * (size_t)nx;
    const int *from = b + (size_t)j * (size_t)ex;
    for (int i = 0; i < nx; i++) line[i] = from[i + reach];
    for (int d = 1; d <= reach; d++) {
      const int f = (2 * d - 1) * (2 * d - 1);
      const int *lo = from + reach - d, *hi = from + reach + d;
      for (int i = 0; i < nx; i++) {
        const int m = (lo[i] < hi[i] ? lo[i] : hi[i]) + f;
        if (m < line[i]) line[i] = m;
      }
    }
  }
}

PetscErrorCode wb_city_wall_distance(const WbCity *city, double x_min_m, double y_min_m, double dx_m, int nx, int ny,
                                     int nz, double cap_m, float *distance) {
  PetscFunctionBeginUser;
  const int reach = (int)ceil(cap_m / dx_m - 1e-9), ex = nx + 2 * reach, ey = ny + 2 * reach;
  const int far = 1 << 28;
  const double box[3] = {x_min_m - reach * dx_m, y_min_m - reach * dx_m, dx_m};
  double *zf = NULL, *scratch = NULL;
  int *columns = NULL, *work = NULL, *squared = NULL;
  PetscCall(WB_ALLOC(nz + 1, &zf));
  PetscCall(WB_ALLOC(2 * (size_t)ex * (size_t)(nz + 1), &scratch));
  PetscCall(WB_ALLOC((size_t)ex * (size_t)ey, &columns));
  PetscCall(WB_ALLOC(2 * (size_t)ex * (size_t)ey, &work));
  PetscCall(WB_ALLOC((size_t)nx * (size_t)ny, &squared));
  for (int k = 0; k <= nz; k++) zf[k] = k * dx_m;
  wb_city_columns(city, box, ex, ey, nz, zf, scratch, columns);
  const size_t plane = (size_t)nx * (size_t)ny;
  for (int k = 0; k < nz; k++) {
    level_distance(columns, k, nx, ny, reach, far, work, squared);
    for (size_t c = 0; c < plane; c++) {
      const double d = 0.5 * dx_m * sqrt((double)squared[c]);
      distance[(size_t)k * plane + c] = (float)(d < cap_m ? d : cap_m);
    }
  }
  WB_FREE(&squared);
  WB_FREE(&work);
  WB_FREE(&columns);
  WB_FREE(&scratch);
  WB_FREE(&zf);
  PetscFunctionReturn(0);
}
