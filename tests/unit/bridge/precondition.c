/* Training states and preconditioning: F = 0 is the exact posterior mean for y ~ N(m, s^2), D from the target gives x1
 * back, the target has unit variance at every t, limits at both ends, Karras' coefficients, buildings. */
#include "wb_test.h"

#include "../../verify/bridge/reference.h"

enum { N = 20000, C = WB_CHANNELS };
static float x0[N * C], x1[N * C], m[N * C], x[N * C], f[N * C], d[N * C], in[N * C];
static uint8_t mask[N];
static uint64_t voxel[N];
static const float s4[C] = {0.7f, 1.0f, 1.4f, 0.3f}, eps4[C] = {0.8f, 1.0f, 1.6f, 0.5f};
static const WbRandomKey key = {.seed = 5, .stream = WB_STREAM_TRAIN_NOISE, .minute = 3};

static WbProcess make(int ref) {
  WbProcess process;
  ref_setup();
  memcpy(ref_list[ref].options.epsilon, eps4, sizeof(eps4));
  WB_OK(wb_process_create(&ref_list[ref].options, &process));
  return process;
}

/* x1 = x0 + m + s z */
static void fill(void) {
  for (int p = 0; p < N; p++) {
    float z[3][C];
    voxel[p] = (uint64_t)p + 17;
    mask[p] = p % 7 != 3;
    for (int k = 0; k < 3; k++) {
      const WbRandomKey other = {.seed = 40 + (uint32_t)k, .stream = WB_STREAM_TEST};
      wb_random_normal4(&other, (uint64_t)p, z[k]);
    }
    for (int c = 0; c < C; c++) {
      const int i = p * C + c;
      x0[i] = mask[p] ? 2.0f + z[0][c] : NAN;
      m[i] = mask[p] ? 0.5f * z[1][c] : NAN;
      x1[i] = mask[p] ? x0[i] + m[i] + s4[c] * z[2][c] : NAN;
    }
  }
}

static const double times[] = {0.0, 0.02, 0.3, 0.7, 0.97};

/* The state is alpha x0 + beta x1 + gamma z with the numbers of the key, 0 in buildings. */
static void states(void **state) {
  (void)state;
  fill();
  for (int r = 0; r < N_REF; r++) {
    WbProcess process = make(r);
    for (int k = 0; k < 5; k++) {
      WbPathAt at;
      wb_process_at(process, times[k], &at);
      wb_process_state(process, times[k], N, x0, x1, mask, voxel, &key, x);
      for (int p = 0; p < 300; p++) {
        float z[C];
        wb_random_normal4(&key, voxel[p], z);
        for (int c = 0; c < C; c++) {
          const int i = p * C + c;
          const double gamma = (double)eps4[c] * sqrt(at.w);
          const double want = at.alpha * (double)x0[i] + at.beta * (double)x1[i] + gamma * (double)z[c];
          WB_ASSERT_NEAR(x[i], mask[p] ? want : 0, 1e-6 * (5 + 5 * gamma));
        }
      }
    }
    wb_process_destroy(&process);
  }
}

/* F = 0: the posterior mean of x1 by the normal equations; with m and without. */
static void posterior_mean(void **state) {
  (void)state;
  static const float zero[N * C];
  fill();
  for (int r = 0; r < N_REF; r++) {
    WbProcess process = make(r);
    for (int k = 0; k < 5; k++) {
      WbPrecond at;
      const RefPath p = ref_list[r].path(times[k]);
      wb_process_state(process, times[k], N, x0, x1, mask, voxel, &key, x);
      wb_precond_at(process, s4, times[k], &at);
      for (int with = 0; with < 2; with++) {
        wb_precond_denoiser(&at, N, mask, x0, with ? m : NULL, x, zero, d);
        for (int i = 0; i < 2000; i++) {
          const int c = i % C;
          if (!mask[i / C]) {
            assert_true(d[i] == 0.0f && !signbit(d[i]));
            continue;
          }
          /* prior precision 1/s^2 about x0 + m, observation (x - alpha x0)/beta of x1 with precision beta^2/gamma^2 */
          const double mean = (double)x0[i] + (with ? (double)m[i] : 0), s2 = pow((double)s4[c], 2);
          const double g2 = pow((double)eps4[c], 2) * p.w;
          double want = mean;
          if (g2 > 0) {
            want =
                (mean / s2 + p.beta * ((double)x[i] - p.alpha * (double)x0[i]) / g2) / (1 / s2 + p.beta * p.beta / g2);
          }
          const double tol = (r == 3 || r == 6 ? 1e-3 : 1e-5) * (1 + fabs(at.k[c] * (double)x[i]));
          WB_ASSERT_NEAR(d[i], want, tol);
        }
      }
    }
    wb_process_destroy(&process);
  }
}

/* D from F* is x1; F* has mean 0, variance 1 and is uncorrelated with the input for y ~ N(m, s^2): at each t, for each
 * process. 20000 * 6/7 values: deviation of a variance 0.011, bound 5 deviations, 5000 statistics or so. */
static void target(void **state) {
  (void)state;
  fill();
  for (int r = 0; r < N_REF; r++) {
    WbProcess process = make(r);
    for (int k = 0; k < 5; k++) {
      WbPrecond at;
      double n = 0, mean[C] = {0}, square[C] = {0}, cross[C] = {0}, input2[C] = {0};
      wb_process_state(process, times[k], N, x0, x1, mask, voxel, &key, x);
      wb_precond_at(process, s4, times[k], &at);
      wb_precond_target(&at, N, mask, x0, x1, m, x, f);
      wb_precond_input(&at, N, mask, x0, x, in);
      wb_precond_denoiser(&at, N, mask, x0, m, x, f, d);
      for (int p = 0; p < N; p++) {
        n += mask[p];
        for (int c = 0; c < C; c++) {
          const int i = p * C + c;
          if (!mask[p]) {
            assert_true(f[i] == 0.0f && in[i] == 0.0f && d[i] == 0.0f);
            continue;
          }
          WB_ASSERT_NEAR(d[i], x1[i], 1e-5 * (1 + fabs(at.k[c] * (double)x[i])));
          const double r_less = (double)in[i] / at.c_in[c] - at.beta * (double)m[i]; /* r - beta m */
          mean[c] += (double)f[i];
          square[c] += (double)f[i] * (double)f[i];
          cross[c] += (double)f[i] * r_less;
          input2[c] += r_less * r_less;
        }
      }
      for (int c = 0; c < C; c++) {
        WB_ASSERT_NEAR(mean[c] / n, 0, 5 / sqrt(n));
        WB_ASSERT_NEAR(square[c] / n, 1, 5 * sqrt(2 / n) + (r == 3 || r == 6 ? 2e-3 : 0));
        if (input2[c] > 0) WB_ASSERT_NEAR(cross[c] / sqrt(n * input2[c]), 0, 5 / sqrt(n) + 1e-3);
        if (wb_process_from_noise(process)) {
          const double in2 = pow(at.c_in[c], 2) * input2[c] / n; /* without the share of m */
          WB_ASSERT_NEAR(in2, 1, 5 * sqrt(2 / n) + 1e-3);
        } else {
          WB_ASSERT_NEAR(at.c_in[c], 1, 0);
        }
      }
    }
    wb_process_destroy(&process);
  }
}

static void limits(void **state) {
  (void)state;
  fill();
  for (int r = 0; r < N_REF; r++) {
    WbProcess process = make(r);
    WbPrecond at, near_end;
    wb_precond_at(process, s4, 0.0, &at);
    if (!wb_process_from_noise(process)) {
      for (int c = 0; c < C; c++) {
        WB_ASSERT_NEAR(at.k[c], 0, 0);
        WB_ASSERT_NEAR(at.c_out[c], s4[c], 1e-15);
      }
      WbPrecond after;
      wb_precond_at(process, s4, 1e-9, &after);
      for (int c = 0; c < C; c++) WB_ASSERT_NEAR(after.c_out[c] / at.c_out[c], 1, 1e-3);
    }
    wb_precond_at(process, s4, 1.0, &at);
    wb_precond_denoiser(&at, N, mask, x0, m, x1, x0, d); /* at t = 1 the state is x1, whatever F says */
    for (int i = 0; i < N * C; i++) {
      if (mask[i / C]) WB_ASSERT_NEAR(d[i], x1[i], 2e-6 * (1 + fabs((double)x1[i])));
    }
    wb_precond_at(process, s4, 1 - 1e-6, &near_end);
    for (int c = 0; c < C; c++) {
      WB_ASSERT_NEAR(at.c_out[c], 0, 1e-12);
      WB_ASSERT_NEAR(near_end.k[c], at.k[c], 1e-4);
    }
    wb_process_destroy(&process);
  }
}

/* Karras et al. 2022, table 1, sigma_data = s. */
static void karras(void **state) {
  (void)state;
  WbProcess process = make(10);
  for (int k = 0; k < 5; k++) {
    WbPrecond at;
    wb_precond_at(process, s4, times[k], &at);
    for (int c = 0; c < C; c++) {
      const double sigma = 80 * (double)eps4[c] * (1 - times[k]), s = (double)s4[c], sum = sigma * sigma + s * s;
      WB_ASSERT_NEAR(at.k[c], s * s / sum, 1e-12);
      WB_ASSERT_NEAR(at.c_out[c], sigma * s / sqrt(sum), 1e-12);
      WB_ASSERT_NEAR(at.c_in[c], 1 / sqrt(sum), 1e-12);
    }
    WB_ASSERT_NEAR(at.mean, 1, 0);
  }
  wb_process_destroy(&process);
}

WB_TEST_MAIN(cmocka_unit_test(states), cmocka_unit_test(posterior_mean), cmocka_unit_test(target),
             cmocka_unit_test(limits), cmocka_unit_test(karras))
