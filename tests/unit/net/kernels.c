/* Pointwise kernels: values, adjoint identities, finite differences. */
#include "net_internal.h"
#include "wb_test_net.h"
#include <string.h>

enum { D = 3, H = 4, W = 5, C_MAX = 64 };

static double silu(double z) {
  return z / (1.0 + exp(-z));
}

/* y of the formula in double */
static void norm_act_exact(const WbNormAct *p, const float *x, double *y) {
  for (int v = 0; v < p->d * p->h * p->w; v++) {
    double sum = 0;
    for (int c = 0; c < p->c; c++) sum += (double)x[v * p->c + c] * (double)x[v * p->c + c];
    const double r = p->norm ? 1.0 / sqrt(sum / p->c + 1e-5) : 1.0;
    for (int c = 0; c < p->c; c++)
      y[v * p->c + c] = silu((double)x[v * p->c + c] * r * (double)p->a[c] + (double)p->b[c]);
  }
}

static size_t inside(int k, int j, int i, int c) {
  return ((((size_t)k + 1) * (H + 2) + (size_t)j + 1) * (W + 2) + (size_t)i + 1) * (size_t)c;
}

static float x[D * H * W * C_MAX], dx[D * H * W * C_MAX], a[C_MAX], b[C_MAX];
static float padded[(D + 2) * (H + 2) * (W + 2) * C_MAX], dpadded[(D + 2) * (H + 2) * (W + 2) * C_MAX];
static double y[D * H * W * C_MAX], da[C_MAX], db[C_MAX];

static void values(void **state) {
  (void)state;
  const int widths[] = {6, 32, 64};
  for (int n = 0; n < 3; n++)
    for (int norm = 0; norm < 2; norm++) {
      const int c = widths[n];
      const WbNormAct p = {D, H, W, c, norm, a, b};
      wb_test_fill((size_t)(D * H * W * c), 1, x);
      for (int i = 0; i < D * H * W * c; i++) x[i] *= 20.0F; /* reaches both ends of the sigmoid */
      wb_test_fill((size_t)c, 2, a);
      wb_test_fill((size_t)c, 3, b);
      memset(padded, 0, sizeof padded);
      wb_norm_act_f32(&p, x, padded);
      norm_act_exact(&p, x, y);
      double ghosts = 0, all = 0;
      for (int v = 0; v < D * H * W; v++)
        for (int l = 0; l < c; l++) {
          const double got = (double)padded[inside(v / (H * W), v / W % H, v % W, c) + (size_t)l];
          WB_ASSERT_NEAR(got, y[v * c + l], 2e-6 * fabs(y[v * c + l]) + 1e-6);
          ghosts += fabs(got);
        }
      for (size_t i = 0; i < sizeof padded / sizeof *padded; i++) all += fabs((double)padded[i]);
      WB_ASSERT_NEAR(all, ghosts, 0); /* ghosts untouched */
    }
}

/* The kernel's gradient against central differences of the formula in double. */
static void finite_difference(void **state) {
  (void)state;
  const int widths[] = {6, 32};
  for (int n = 0; n < 2; n++)
    for (int norm = 0; norm < 2; norm++) {
      const int c = widths[n], size = D * H * W * c;
      const WbNormAct p = {D, H, W, c, norm, a, b};
      static float direction[D * H * W * C_MAX], moved[D * H * W * C_MAX];
      static double up[D * H * W * C_MAX], down[D * H * W * C_MAX];
      wb_test_fill((size_t)size, 1, x);
      wb_test_fill((size_t)c, 2, a);
      wb_test_fill((size_t)c, 3, b);
      wb_test_fill((size_t)size, 4, direction);
      wb_test_fill(sizeof dpadded / sizeof *dpadded, 5, dpadded);
      memset(da, 0, sizeof da);
      memset(db, 0, sizeof db);
      memset(dx, 0, sizeof dx);
      wb_norm_act_back(&p, x, dpadded, true, dx, da, db);
      const float h = 1.0F / 512;
      double expected = 0, got = 0, size2 = 0;
      for (int i = 0; i < size; i++) moved[i] = x[i] + h * direction[i];
      norm_act_exact(&p, moved, up);
      for (int i = 0; i < size; i++) moved[i] = x[i] - h * direction[i];
      norm_act_exact(&p, moved, down);
      for (int v = 0; v < D * H * W; v++)
        for (int l = 0; l < c; l++) {
          const double g = (double)dpadded[inside(v / (H * W), v / W % H, v % W, c) + (size_t)l];
          const double term = g * (up[v * c + l] - down[v * c + l]) / (2 * (double)h);
          expected += term;
          size2 += term * term;
        }
      for (int i = 0; i < size; i++) got += (double)dx[i] * (double)direction[i];
      WB_ASSERT_NEAR(got / sqrt(size2), expected / sqrt(size2), 1e-3);
      for (int l = 0; l < c; l += 5) { /* a and b */
        const float a0 = a[l], b0 = b[l];
        double sum_a = 0, sum_b = 0;
        a[l] = a0 + h;
        norm_act_exact(&p, x, up);
        a[l] = a0 - h;
        norm_act_exact(&p, x, down);
        a[l] = a0;
        for (int v = 0; v < D * H * W; v++)
          sum_a += (double)dpadded[inside(v / (H * W), v / W % H, v % W, c) + (size_t)l] *
                   (up[v * c + l] - down[v * c + l]) / (2 * (double)h);
        b[l] = b0 + h;
        norm_act_exact(&p, x, up);
        b[l] = b0 - h;
        norm_act_exact(&p, x, down);
        b[l] = b0;
        for (int v = 0; v < D * H * W; v++)
          sum_b += (double)dpadded[inside(v / (H * W), v / W % H, v % W, c) + (size_t)l] *
                   (up[v * c + l] - down[v * c + l]) / (2 * (double)h);
        WB_ASSERT_NEAR(da[l], sum_a, 1e-3 * (1 + fabs(sum_a)));
        WB_ASSERT_NEAR(db[l], sum_b, 1e-3 * (1 + fabs(sum_b)));
      }
    }
}

/* Depth to space is the transpose of space to depth, masks included; NaN under the mask does not pass. */
static void shuffle_adjoint(void **state) {
  (void)state;
  enum { C = 3, FINE = 8 * D * H * W * C, COARSE = (D + 2) * (H + 2) * (W + 2) * 8 * C };
  static float fine[FINE], fine_back[FINE], coarse[COARSE], coarse_in[COARSE];
  static uint8_t mask[8 * D * H * W];
  for (int pad = 0; pad < 2; pad++) {
    const WbShuffle s = {D, H, W, C, pad};
    const size_t n = (size_t)(D + 2 * pad) * (size_t)(H + 2 * pad) * (size_t)(W + 2 * pad) * 8 * C;
    wb_test_fill(FINE, 6, fine);
    wb_test_fill(n, 7, coarse_in);
    for (int i = 0; i < 8 * D * H * W; i++) mask[i] = i % 3 != 0;
    memset(coarse, 0, sizeof coarse);
    wb_space_to_depth(&s, fine, mask, coarse);
    wb_depth_to_space(&s, coarse_in, mask, false, fine_back);
    double left = 0, right = 0;
    for (size_t i = 0; i < n; i++) left += (double)coarse[i] * (double)coarse_in[i];
    for (int i = 0; i < FINE; i++) right += (double)fine[i] * (double)fine_back[i];
    WB_ASSERT_NEAR(left, right, 1e-5);
    assert_true(fabs(left) > 0.1);
    WB_ASSERT_NEAR(fine_back[0], 0, 0);
    fine[0] = NAN;
    wb_space_to_depth(&s, fine, mask, coarse);
    for (size_t i = 0; i < n; i++) assert_true(isfinite(coarse[i]));
  }
  /* the channel of a fine cell: ((dz 2 + dy) 2 + dx) C + c */
  const WbShuffle s = {D, H, W, C, 0};
  wb_test_fill(FINE, 6, fine);
  wb_space_to_depth(&s, fine, NULL, coarse);
  const int k = 1, j = 2, i = 3, dz = 1, dy = 0, dx_ = 1, c = 2;
  WB_ASSERT_NEAR(coarse[(((k * H + j) * W + i) * 8 + (dz * 2 + dy) * 2 + dx_) * C + c],
                 fine[(((2 * k + dz) * 2 * H + 2 * j + dy) * 2 * W + 2 * i + dx_) * C + c], 0);
}

static void bf16_rounds_to_even(void **state) {
  (void)state;
  const float in[] = {1.0F, 1.00390625F, 1.01171875F, 1.005F, -2.5F, 0.0F}; /* 1 + 1/256 and 1 + 3/256 are ties */
  const float out[] = {1.0F, 1.0F, 1.015625F, 1.0078125F, -2.5F, 0.0F};
  uint16_t got[6];
  wb_to_bf16(6, in, got);
  for (int i = 0; i < 6; i++) {
    const uint32_t bits = (uint32_t)got[i] << 16;
    float value = 0;
    memcpy(&value, &bits, sizeof value);
    WB_ASSERT_NEAR(value, out[i], 0);
  }
}

WB_TEST_MAIN(cmocka_unit_test(values), cmocka_unit_test(finite_difference), cmocka_unit_test(shuffle_adjoint),
             cmocka_unit_test(bf16_rounds_to_even))
