/* Philox known answers (Random123's kat_vectors, philox4x32 10 rounds), counter layout, moments of the normals. */
#include <string.h>

#include "wb_test.h"

static void check_words(const WbRandomKey *key, uint64_t voxel, const uint32_t want[4]) {
  uint32_t got[4];
  wb_random_words(key, voxel, got);
  for (int c = 0; c < 4; c++)
    if (got[c] != want[c]) fail_msg("word %d is %08x, must be %08x", c, got[c], want[c]);
}

static void test_known_answers(void **state) {
  const WbRandomKey zero = {0, 0, 0, 0, 0, false};
  check_words(&zero, 0, (uint32_t[4]){0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const WbRandomKey ones = {0xffffffff, 0xffffffff, 0xffff, 0xffffffff, 0xffffffff, false};
  check_words(&ones, 0xffffffffffffull, (uint32_t[4]){0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  /* counter 243f6a88 85a308d3 13198a2e 03707344, key a4093822 299f31d0 (digits of pi) */
  const WbRandomKey pi = {0xa4093822, 0x299f31d0, 0x08d3, 0x13198a2e, 0x03707344, false};
  check_words(&pi, 0x85a3243f6a88ull, (uint32_t[4]){0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

/* Every part of the key and the voxel changes the numbers. */
static void test_key_parts(void **state) {
  uint32_t base[4], other[4];
  wb_random_words(&(WbRandomKey){1, 2, 3, 4, 5, false}, 6, base);
  const WbRandomKey keys[] = {{9, 2, 3, 4, 5, false},
                              {1, 9, 3, 4, 5, false},
                              {1, 2, 9, 4, 5, false},
                              {1, 2, 3, 9, 5, false},
                              {1, 2, 3, 4, 9, false}};
  for (int n = 0; n < 5; n++) {
    wb_random_words(&keys[n], 6, other);
    assert_memory_not_equal(base, other, sizeof base);
  }
  wb_random_words(&(WbRandomKey){1, 2, 3, 4, 5, false}, 6 + (1ull << 32), other);
  assert_memory_not_equal(base, other, sizeof base);
}

static void test_uniform(void **state) {
  enum { N = 20000 };
  double sum = 0.0, least = 1.0, most = 0.0;
  for (uint64_t v = 0; v < N; v++) {
    double u[4];
    wb_random_uniform4(&(WbRandomKey){5, WB_STREAM_TEST, 0, 0, 0, false}, v, u);
    for (int c = 0; c < 4; c++) {
      sum += u[c];
      least = fmin(least, u[c]);
      most = fmax(most, u[c]);
    }
  }
  assert_true(least > 0.0 && most < 1.0);
  WB_ASSERT_NEAR(sum / (4.0 * N), 0.5, 5.0 * sqrt(1.0 / 12.0 / (4.0 * N)));
}

/* Mean, variance, skewness, kurtosis of each channel and correlation between channels, all within 5 standard errors;
 * steps and members are drawn along too. */
static void test_normal_moments(void **state) {
  enum { N = 100000 };
  double power[4][4] = {{0}}, cross[4][4] = {{0}};
  for (uint64_t v = 0; v < N; v++) {
    const WbRandomKey key = {11, WB_STREAM_TEST, (uint32_t)(v % 7), (uint32_t)(v % 5), (uint32_t)(v % 3), false};
    float n[4];
    wb_random_normal4(&key, v, n);
    for (int c = 0; c < 4; c++) {
      double p = 1.0;
      for (int m = 0; m < 4; m++) power[c][m] += (p *= n[c]);
      for (int d = 0; d < c; d++) cross[c][d] += (double)n[c] * n[d];
    }
  }
  const double expected[4] = {0.0, 1.0, 0.0, 3.0}, variance[4] = {1.0, 2.0, 15.0, 96.0};
  for (int c = 0; c < 4; c++) {
    for (int m = 0; m < 4; m++) WB_ASSERT_NEAR(power[c][m] / N, expected[m], 5.0 * sqrt(variance[m] / N));
    for (int d = 0; d < c; d++) WB_ASSERT_NEAR(cross[c][d] / N, 0.0, 5.0 * sqrt(1.0 / N));
  }
}

/* Tail: the share beyond 2 and 3 standard deviations. */
static void test_normal_tails(void **state) {
  enum { N = 100000 };
  int beyond[2] = {0, 0};
  for (uint64_t v = 0; v < N; v++) {
    float n[4];
    wb_random_normal4(&(WbRandomKey){3, WB_STREAM_TEST, 1, 2, 3, false}, v, n);
    for (int c = 0; c < 4; c++)
      for (int b = 0; b < 2; b++) beyond[b] += fabsf(n[c]) > 2.0f + (float)b;
  }
  for (int b = 0; b < 2; b++) {
    const double p = erfc((2.0 + b) / sqrt(2.0));
    WB_ASSERT_NEAR(beyond[b] / (4.0 * N), p, 5.0 * sqrt(p * (1 - p) / (4.0 * N)));
  }
}

/* The float result is the double Box-Muller value to half a unit in the last place. */
static void test_normal_rounding(void **state) {
  for (uint64_t v = 0; v < 1000; v++) {
    const WbRandomKey key = {8, WB_STREAM_TEST, 0, 0, 0, false};
    double u[4];
    float n[4];
    wb_random_uniform4(&key, v, u);
    wb_random_normal4(&key, v, n);
    const double exact = sqrt(-2.0 * log(u[2])) * sin(2.0 * M_PI * u[3]);
    WB_ASSERT_NEAR(n[3], exact, 6.1e-8 * fabs(exact) + 1e-12);
  }
}

WB_TEST_MAIN(cmocka_unit_test(test_known_answers), cmocka_unit_test(test_key_parts), cmocka_unit_test(test_uniform),
             cmocka_unit_test(test_normal_moments), cmocka_unit_test(test_normal_tails),
             cmocka_unit_test(test_normal_rounding))
