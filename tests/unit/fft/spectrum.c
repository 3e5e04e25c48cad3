/* One-dimensional spectra: a sine stands at its wavenumber, the sum is the windowed variance. */
#include "wb_test.h"

#include "windbridge/fft.h"

static void test_sine(void **state) {
  enum { NX = 64, NY = 3 };
  static float f[NY * NX];
  double e[NX / 2], sum = 0;
  (void)state;
  for (int j = 0; j < NY; j++)
    for (int i = 0; i < NX; i++) f[j * NX + i] = (float)(3 + 2 * sin(2 * PETSC_PI * (8.0 * i / NX + 0.1 * j)));
  WB_OK(wb_spectrum_1d(f, NY, NX, e));
  for (int k = 0; k < NX / 2; k++) sum += e[k];
  WB_ASSERT_NEAR(sum, 2.0, 1e-5);          /* amplitude 2: variance 2 */
  WB_ASSERT_NEAR(e[7], 2.0 * 2 / 3, 1e-5); /* the Hann window leaves 2/3 at k = 8 and 1/6 on each side */
  WB_ASSERT_NEAR(e[6], 2.0 / 6, 1e-5);
  WB_ASSERT_BELOW(e[20], 1e-10);
}

static void test_sum_is_variance(void **state) {
  enum { NX = 33, NY = 2 };
  float f[NY * NX];
  double e[NX / 2], sum = 0, expected = 0;
  const WbRandomKey key = {.seed = 3, .stream = WB_STREAM_TEST};
  (void)state;
  for (int n = 0; n < NY * NX; n++) {
    float g[4];
    wb_random_normal4(&key, (uint64_t)n, g);
    f[n] = g[0];
  }
  WB_OK(wb_spectrum_1d(f, NY, NX, e));
  for (int k = 0; k < NX / 2; k++) sum += e[k];
  for (int j = 0; j < NY; j++) {
    double h[NX], s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (int i = 0; i < NX; i++) {
      h[i] = pow(sin(PETSC_PI * (i + 0.5) / NX), 2);
      s0 += h[i];
      s1 += h[i] * (double)f[j * NX + i];
      s2 += h[i] * h[i];
    }
    for (int i = 0; i < NX; i++) s3 += pow(h[i] * ((double)f[j * NX + i] - s1 / s0), 2);
    expected += s3 / s2 / NY;
  }
  WB_ASSERT_NEAR(sum, expected, 1e-6 * expected);
}

WB_TEST_MAIN(cmocka_unit_test(test_sine), cmocka_unit_test(test_sum_is_variance))
