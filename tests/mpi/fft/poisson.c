/* Flat Poisson solver on several ranks against the same solve of the whole domain on each rank alone: every process
 * grid, uneven sizes, all sides, both precisions, whole and low solves; all ranks on one node, each on its own, and two
 * a node. */
#include "wb_test.h"

#include <limits.h>
#include <stdlib.h>

#include "fft_internal.h"

enum { NX = 22, NY = 19, NZ = 7, NLOW = 3 };

static double value(uint64_t n) {
  const WbRandomKey key = {.seed = 11, .stream = WB_STREAM_TEST};
  double u[4];
  wb_random_uniform4(&key, n, u);
  return u[0] - 0.5;
}

/* Solve on grid; array (nk, nyl, nxl) double out. */
static void solve(const WbGrid *grid, WbPrecision precision, int most_near, int nk, double *p) {
  WbPoisson poisson = NULL;
  double zf[NZ + 1] = {0};
  const size_t n = (size_t)nk * (size_t)grid->nyl * (size_t)grid->nxl;
  float *f = calloc(n + 1, sizeof(float));
  assert_non_null(f);
  for (int k = 0; k < NZ; k++) zf[k + 1] = zf[k] + 3 + k;
  size_t c = 0;
  for (int k = 0; k < nk; k++)
    for (int j = 0; j < grid->nyl; j++)
      for (int i = 0; i < grid->nxl; i++, c++) f[c] = (float)(p[c] = value(wb_grid_voxel(grid, k, j, i)));
  WB_OK(wb_poisson_create_near(grid, 2.5, zf, precision, most_near, &poisson));
  void *data = precision == WB_FP32 ? (void *)f : (void *)p;
  if (nk == NZ) {
    WB_OK(wb_poisson_solve(poisson, data, data));
  } else {
    WB_OK(wb_poisson_solve_low(poisson, nk, NULL, data, data));
  }
  if (precision == WB_FP32)
    for (c = 0; c < n; c++) p[c] = (double)f[c];
  wb_poisson_destroy(&poisson);
  free(f);
}

static void compare(int px, int py, int variant, int most_near) {
  const bool periodic_x = variant & 1, periodic_y = variant & 2;
  const WbPrecision precision = variant & 4 ? WB_FP32 : WB_FP64;
  const int nk = variant & 8 ? NLOW : NZ;
  WbGrid *grid = NULL, *alone = NULL;
  static double whole[NX * NY * NZ], part[NX * NY * NZ];
  double worst = 0, size = 0;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, NX, NY, NZ, 1, px, py, periodic_x, periodic_y, &grid));
  WB_OK(wb_grid_create(PETSC_COMM_SELF, NX, NY, NZ, 1, 1, 1, periodic_x, periodic_y, &alone));
  solve(grid, precision, most_near, nk, part);
  solve(alone, precision, INT_MAX, nk, whole);
  size_t c = 0;
  for (int k = 0; k < nk; k++)
    for (int j = 0; j < grid->nyl; j++)
      for (int i = 0; i < grid->nxl; i++, c++) {
        const double expected = whole[((size_t)k * NY + (size_t)(grid->y0 + j)) * NX + (size_t)(grid->x0 + i)];
        const double err = fabs(part[c] - expected);
        if (!(err <= worst)) worst = err;
        size = fmax(size, fabs(expected));
      }
  WB_ASSERT_BELOW(worst, (precision == WB_FP32 ? 2e-6 : 1e-14) * fmax(size, 1));
  wb_grid_destroy(&alone);
  wb_grid_destroy(&grid);
}

static void test_ranks(void **state) {
  int size;
  (void)state;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  for (int px = 1; px <= size; px++) {
    if (size % px) continue;
    for (int variant = 0; variant < 16; variant++) {
      compare(px, size / px, variant, INT_MAX);
      if (size > 1) compare(px, size / px, variant, 1 + (variant + px) % 2);
    }
  }
}

WB_TEST_MAIN(cmocka_unit_test(test_ranks))
