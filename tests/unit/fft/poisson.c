/* Flat Poisson solver on one rank: residual of the discrete equation, discrete eigenfunctions, stretched z, and the
 * solve restricted to the lowest levels. */
#include "wb_test.h"

#include <stdlib.h>

#include "windbridge/fft.h"

enum { NX = 18, NY = 15, NZ = 9 };
static const double DX = 5.0;

static void faces(double *zf, double stretch) {
  double dz = 4;
  zf[0] = 0;
  for (int k = 0; k < NZ; k++, dz *= stretch) zf[k + 1] = zf[k] + dz;
}

static double uniform(uint64_t n) {
  const WbRandomKey key = {.seed = 7, .stream = WB_STREAM_TEST};
  double u[4];
  wb_random_uniform4(&key, n, u);
  return u[0] - 0.5;
}

static size_t at(int k, int j, int i) {
  return ((size_t)k * NY + (size_t)j) * NX + (size_t)i;
}

/* Difference towards the neighbour n of c along an axis of length n_max: 0 beyond a Neumann edge. */
static double side(const double *p, int k, int j, int i, const int step[2], const bool periodic[2]) {
  int jj = j + step[1], ii = i + step[0];
  if (ii < 0 || ii >= NX) {
    if (!periodic[0]) return 0;
    ii = (ii + NX) % NX;
  }
  if (jj < 0 || jj >= NY) {
    if (!periodic[1]) return 0;
    jj = (jj + NY) % NY;
  }
  return p[at(k, jj, ii)] - p[at(k, j, i)];
}

static double laplacian(const double *p, const double *zf, int k, int j, int i, const bool periodic[2]) {
  static const int steps[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
  double sum = 0;
  for (int s = 0; s < 4; s++) sum += side(p, k, j, i, steps[s], periodic) / (DX * DX);
  const double dz = zf[k + 1] - zf[k];
  if (k > 0) sum -= (p[at(k, j, i)] - p[at(k - 1, j, i)]) / (0.5 * (zf[k + 1] - zf[k - 1]) * dz);
  if (k < NZ - 1) sum += (p[at(k + 1, j, i)] - p[at(k, j, i)]) / (0.5 * (zf[k + 2] - zf[k]) * dz);
  return sum;
}

static void remove_mean(double *r, const double *zf) {
  double sum = 0;
  for (int k = 0; k < NZ; k++)
    for (int n = 0; n < NX * NY; n++) sum += r[(size_t)k * NX * NY + (size_t)n] * (zf[k + 1] - zf[k]);
  for (int n = 0; n < NX * NY * NZ; n++) r[n] -= sum / (zf[NZ] * NX * NY);
}

/* Solve in a precision, arrays given and returned as double. */
static void solve(WbPrecision precision, const bool periodic[2], const double *zf, int nk, const double *r, double *p) {
  WbGrid *grid = NULL;
  WbPoisson poisson = NULL;
  const size_t n = (size_t)nk * NX * NY;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, NX, NY, NZ, 1, 0, 0, periodic[0], periodic[1], &grid));
  WB_OK(wb_poisson_create(grid, DX, zf, precision, &poisson));
  if (precision == WB_FP64) {
    if (nk == NZ) {
      WB_OK(wb_poisson_solve(poisson, r, p));
    } else {
      WB_OK(wb_poisson_solve_low(poisson, nk, NULL, r, p));
    }
  } else {
    float *f = malloc(n * sizeof(float));
    assert_non_null(f);
    for (size_t i = 0; i < n; i++) f[i] = (float)r[i];
    WB_OK(wb_poisson_solve_low(poisson, nk, NULL, f, f)); /* in place too */
    for (size_t i = 0; i < n; i++) p[i] = (double)f[i];
    free(f);
  }
  wb_poisson_destroy(&poisson);
  assert_null(poisson);
  wb_grid_destroy(&grid);
}

static void test_residual(void **state) {
  static double r[NX * NY * NZ], p[NX * NY * NZ];
  double zf[NZ + 1];
  (void)state;
  for (int variant = 0; variant < 16; variant++) {
    const bool periodic[2] = {(variant & 1) != 0, (variant & 2) != 0};
    const WbPrecision precision = variant & 4 ? WB_FP32 : WB_FP64;
    faces(zf, variant & 8 ? 1.2 : 1.0);
    for (int n = 0; n < NX * NY * NZ; n++) r[n] = uniform((uint64_t)n);
    solve(precision, periodic, zf, NZ, r, p);
    remove_mean(r, zf);
    double worst = 0, mean = 0, size = 0;
    for (int k = 0; k < NZ; k++)
      for (int j = 0; j < NY; j++)
        for (int i = 0; i < NX; i++) {
          const double err = fabs(laplacian(p, zf, k, j, i, periodic) - r[at(k, j, i)]);
          if (!(err <= worst)) worst = err;
          mean += p[at(k, j, i)] * (zf[k + 1] - zf[k]);
          size = fmax(size, fabs(p[at(k, j, i)]));
        }
    WB_ASSERT_BELOW(worst, precision == WB_FP32 ? 1e-4 : 1e-12);
    WB_ASSERT_BELOW(fabs(mean) / (zf[NZ] * NX * NY * size), precision == WB_FP32 ? 1e-6 : 1e-14);
  }
}

/* A product of cosines that the discrete operator only multiplies by a known number. */
static void test_eigenfunction(void **state) {
  static double r[NX * NY * NZ], p[NX * NY * NZ];
  double zf[NZ + 1];
  (void)state;
  faces(zf, 1.0);
  for (int variant = 0; variant < 4; variant++) {
    const bool periodic[2] = {(variant & 1) != 0, (variant & 2) != 0};
    const double ax = PETSC_PI * (periodic[0] ? 4.0 : 5.0) / NX, ay = PETSC_PI * (periodic[1] ? 6.0 : 2.0) / NY;
    const double az = PETSC_PI * 3 / NZ;
    const double l = -4 * (pow(sin(ax / 2) / DX, 2) + pow(sin(ay / 2) / DX, 2) + pow(sin(az / 2) / 4, 2));
    for (int k = 0; k < NZ; k++)
      for (int j = 0; j < NY; j++)
        for (int i = 0; i < NX; i++)
          r[at(k, j, i)] = l * cos(ax * (i + 0.5)) * cos(ay * (j + 0.5)) * cos(az * (k + 0.5));
    solve(WB_FP64, periodic, zf, NZ, r, p);
    for (int n = 0; n < NX * NY * NZ; n++) WB_ASSERT_NEAR(p[n], r[n] / l, 1e-13);
  }
}

/* r on the lowest levels only: the same potential there as the whole solve, up to a constant. */
static void test_low(void **state) {
  enum { NK = 4 };
  static double r[NX * NY * NZ], p[NX * NY * NZ], low[NX * NY * NK];
  double zf[NZ + 1];
  (void)state;
  faces(zf, 1.3);
  for (int variant = 0; variant < 4; variant++) {
    const bool periodic[2] = {(variant & 1) != 0, (variant & 2) != 0};
    double sum = 0;
    for (int k = 0; k < NZ; k++)
      for (int n = 0; n < NX * NY; n++) {
        const size_t c = (size_t)k * NX * NY + (size_t)n;
        r[c] = k < NK ? uniform(c) : 0;
        sum += r[c] * (zf[k + 1] - zf[k]);
      }
    r[0] -= sum / zf[1];
    solve(WB_FP64, periodic, zf, NZ, r, p);
    solve(WB_FP64, periodic, zf, NK, r, low);
    for (int n = 0; n < NX * NY * NK; n++) WB_ASSERT_NEAR(low[n] - low[0], p[n] - p[0], 1e-10);
  }
}

WB_TEST_MAIN(cmocka_unit_test(test_residual), cmocka_unit_test(test_eigenfunction), cmocka_unit_test(test_low))
