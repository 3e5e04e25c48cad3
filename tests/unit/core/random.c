/* Philox known answers (Random123's kat_vectors, philox4x32 10 rounds), counter layout, streams, moments of the
 * normals. */
#include <stdlib.h>
#include <string.h>

#include "wb_test.h"

static void check_words(const uint32_t counter[4], const uint32_t key[2], const uint32_t want[4]) {
  uint32_t got[4];
  wb_random_philox(counter, key, got);
  for (int c = 0; c < 4; c++)
    if (got[c] != want[c]) fail_msg("word %d is %08x, must be %08x", c, got[c], want[c]);
}

static void test_known_answers(void **state) {
  check_words((uint32_t[4]){0, 0, 0, 0}, (uint32_t[2]){0, 0},
              (uint32_t[4]){0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const uint32_t one = 0xffffffff;
  check_words((uint32_t[4]){one, one, one, one}, (uint32_t[2]){one, one},
              (uint32_t[4]){0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  check_words((uint32_t[4]){0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, /* digits of pi */
              (uint32_t[2]){0xa4093822, 0x299f31d0}, (uint32_t[4]){0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

/* Where the parts of a key stand: a forecast made years ago must find its noise again. */
static void test_layout(void **state) {
  const WbRandomKey key = {.seed = 0xa4093822, .stream = WB_STREAM_BRIDGE, .step = 0x08d3, .member = 7, .minute = 9};
  uint32_t got[4], want[4];
  wb_random_words(&key, 0x85a3243f6a88ull, got);
  wb_random_philox((uint32_t[4]){0x243f6a88, 0x85a308d3, 7, 9}, (uint32_t[2]){0xa4093822, 1}, want);
  assert_memory_equal(got, want, sizeof(got));
}

/* ---- streams ---- */
static const WbRandomStream streams[] = {
#define WB_RANDOM_ROW(name, number, what) WB_STREAM_##name,
    WB_RANDOM_STREAMS(WB_RANDOM_ROW)
#undef WB_RANDOM_ROW
};
enum { STREAMS = sizeof(streams) / sizeof(streams[0]), DRAWS = 500 };

static int by_words(const void *a, const void *b) {
  return memcmp(a, b, 4 * sizeof(uint32_t));
}

/* Any two streams differ, whatever is drawn of each: no two of the first and of the last counters of all streams have
 * the same numbers. */
static void test_streams_differ(void **state) {
  static uint32_t words[STREAMS * DRAWS][4];
  for (size_t s = 0; s < STREAMS; s++) {
    for (size_t d = 0; d < DRAWS; d++) {
      const WbRandomKey key = {.seed = 7, .stream = streams[s], .step = (uint32_t)(d / 2 % 5 * 16383), .member = d % 3};
      wb_random_words(&key, d % 2 ? WB_RANDOM_VOXELS - 1 - d : d, words[s * DRAWS + d]);
    }
  }
  qsort(words, (size_t)STREAMS * DRAWS, sizeof(words[0]), by_words);
  for (size_t n = 1; n < (size_t)STREAMS * DRAWS; n++)
    assert_memory_not_equal(words[n - 1], words[n], sizeof(words[0]));
}

static void test_ranges(void **state) {
  const WbRandomKey good = {
      .seed = UINT32_MAX, .stream = WB_STREAM_BRIDGE, .step = 65535, .member = INT32_MAX, .minute = INT32_MAX};
  WbRandomKey bad[4] = {good, good, good, good}, inflow = good;
  assert_true(wb_random_in_range(&good, WB_RANDOM_VOXELS - 1));
  assert_false(wb_random_in_range(&good, WB_RANDOM_VOXELS));
  assert_false(wb_random_in_range(&good, (uint64_t)1 << 62));
  bad[0].step++, bad[1].member++, bad[2].minute++, bad[3].stream = (WbRandomStream)1000;
  for (int n = 0; n < 4; n++) assert_false(wb_random_in_range(&bad[n], 0));
  inflow.stream = WB_STREAM_INFLOW, inflow.minute = (uint32_t)-3;
  assert_true(wb_random_in_range(&inflow, 0));
  for (size_t s = 0; s < STREAMS; s++) assert_non_null(wb_random_stream_name(streams[s]));
  assert_string_equal(wb_random_stream_name(WB_STREAM_TRAIN_TIME), "TRAIN_TIME");
  assert_null(wb_random_stream_name((WbRandomStream)1000));
}

/* Every part of the key and the voxel changes the numbers. */
static void test_key_parts(void **state) {
  uint32_t base[4], other[4];
  wb_random_words(&(WbRandomKey){1, WB_STREAM_LES, 3, 4, 5, false}, 6, base);
  const WbRandomKey keys[] = {{9, WB_STREAM_LES, 3, 4, 5, false},
                              {1, WB_STREAM_TEST, 3, 4, 5, false},
                              {1, WB_STREAM_LES, 9, 4, 5, false},
                              {1, WB_STREAM_LES, 3, 9, 5, false},
                              {1, WB_STREAM_LES, 3, 4, 9, false}};
  for (int n = 0; n < 5; n++) {
    wb_random_words(&keys[n], 6, other);
    assert_memory_not_equal(base, other, sizeof base);
  }
  wb_random_words(&(WbRandomKey){1, WB_STREAM_LES, 3, 4, 5, false}, 6 + (1ull << 32), other);
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

WB_TEST_MAIN(cmocka_unit_test(test_known_answers), cmocka_unit_test(test_layout), cmocka_unit_test(test_streams_differ),
             cmocka_unit_test(test_ranges), cmocka_unit_test(test_key_parts), cmocka_unit_test(test_uniform),
             cmocka_unit_test(test_normal_moments), cmocka_unit_test(test_normal_tails),
             cmocka_unit_test(test_normal_rounding))
