/* Horizontal transforms of many lengths (every radix, primes too) through the residual of one-level problems. */
#include "wb_test.h"

#include "windbridge/fft.h"

enum { N_MAX = 62 };

static double value(int n) {
  const WbRandomKey key = {.seed = 5, .stream = WB_STREAM_TEST};
  double u[4];
  wb_random_uniform4(&key, (uint64_t)n, u);
  return u[0] - 0.5;
}

/* p beyond the edge: cyclic or mirrored. */
static double at(const double *p, const WbGrid *g, int j, int i) {
  if (j < 0) j = g->periodic_y ? g->ny - 1 : 0;
  if (j >= g->ny) j = g->periodic_y ? 0 : g->ny - 1;
  if (i < 0) i = g->periodic_x ? g->nx - 1 : 0;
  if (i >= g->nx) i = g->periodic_x ? 0 : g->nx - 1;
  return p[(size_t)j * (size_t)g->nx + (size_t)i];
}

static void check(int nx, int ny, bool periodic_x, bool periodic_y) {
  static double r[N_MAX * N_MAX], p[N_MAX * N_MAX];
  WbGrid *g = NULL;
  WbPoisson poisson = NULL;
  const double zf[2] = {0, 3};
  double mean = 0, worst = 0;
  WB_OK(wb_grid_create(PETSC_COMM_SELF, nx, ny, 1, 1, 1, 1, periodic_x, periodic_y, &g));
  WB_OK(wb_poisson_create(g, 2.0, zf, WB_FP64, &poisson));
  for (int n = 0; n < nx * ny; n++) mean += (r[n] = value(n)) / (nx * ny);
  WB_OK(wb_poisson_solve(poisson, r, p));
  for (int j = 0; j < ny; j++)
    for (int i = 0; i < nx; i++) {
      const double lap =
          at(p, g, j, i - 1) + at(p, g, j, i + 1) + at(p, g, j - 1, i) + at(p, g, j + 1, i) - 4 * at(p, g, j, i);
      const double err = fabs(lap / 4.0 - (at(r, g, j, i) - mean));
      if (!(err <= worst)) worst = err;
    }
  if (!(worst <= 1e-12))
    fail_msg("nx = %d, ny = %d, cyclic %d %d: residual %.3e", nx, ny, periodic_x, periodic_y, worst);
  wb_poisson_destroy(&poisson);
  wb_grid_destroy(&g);
}

static void test_lengths(void **state) {
  (void)state;
  for (int n = 1; n <= N_MAX; n++)
    for (int variant = 0; variant < 4; variant++) check(n, N_MAX + 1 - n, (variant & 1) != 0, (variant & 2) != 0);
}

WB_TEST_MAIN(cmocka_unit_test(test_lengths))
