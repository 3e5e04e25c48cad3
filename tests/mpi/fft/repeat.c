/* The same right-hand side gives the same bits, whatever was solved before and in which object: restarts rely on it. */
#include <stdlib.h>
#include <string.h>

#include "windbridge/fft.h"
#include "wb_test.h"

static void fill(void *data, size_t n, WbPrecision precision, uint32_t seed) {
  const WbRandomKey key = {.seed = seed, .stream = WB_STREAM_TEST};
  for (size_t i = 0; i < n; i++) {
    double r[4];
    wb_random_uniform4(&key, i, r);
    if (precision == WB_FP32)
      ((float *)data)[i] = (float)(r[0] - 0.5);
    else
      ((double *)data)[i] = r[0] - 0.5;
  }
}

static void repeat(WbPrecision precision, bool periodic) {
  WbGrid *g = NULL;
  WbPoisson a = NULL, b = NULL;
  double zf[11];
  for (int k = 0; k <= 10; k++) zf[k] = k <= 6 ? 5.0 * k : 30 + 10.0 * (k - 6);
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, 24, 20, 10, 1, 0, 0, periodic, periodic, &g));
  WB_OK(wb_poisson_create(g, 5, zf, precision, &a));
  WB_OK(wb_poisson_create(g, 5, zf, precision, &b));
  const size_t n = wb_grid_owned(g), bytes = n * (precision == WB_FP32 ? sizeof(float) : sizeof(double));
  void *r = NULL, *other = NULL, *p[3] = {NULL, NULL, NULL};
  WB_OK(wb_alloc_bytes(bytes, "r", &r));
  WB_OK(wb_alloc_bytes(bytes, "other", &other));
  for (int i = 0; i < 3; i++) WB_OK(wb_alloc_bytes(bytes, "p", &p[i]));
  fill(r, n, precision, 1);
  fill(other, n, precision, 2);
  WB_OK(wb_poisson_solve(a, r, p[0]));
  WB_OK(wb_poisson_solve(a, other, p[1]));
  WB_OK(wb_poisson_solve(a, r, p[1]));
  WB_OK(wb_poisson_solve(b, r, p[2]));
  assert_memory_equal(p[0], p[1], bytes);
  assert_memory_equal(p[0], p[2], bytes);
  wb_free_bytes(&r);
  wb_free_bytes(&other);
  for (int i = 0; i < 3; i++) wb_free_bytes(&p[i]);
  wb_poisson_destroy(&a);
  wb_poisson_destroy(&b);
  wb_grid_destroy(&g);
}

static void test_repeat(void **state) {
  for (int n = 0; n < 4; n++) repeat(n & 1 ? WB_FP32 : WB_FP64, n & 2);
}

WB_TEST_MAIN(cmocka_unit_test(test_repeat))
