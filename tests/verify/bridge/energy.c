/* Oracles 4 and 5 of math.md section 2 for one voxel, x1 ~ N(1.3, 0.49), x0 = 0.4, epsilon = 0.8: the floor of the
 * velocity loss and the energy of the Foellmer drift. */
#include "wb_test.h"

#include "reference.h"

static WbProcess make(int ref) {
  const float eps[WB_CHANNELS] = {0.8f, 0.8f, 0.8f, 0.8f};
  WbProcess process;
  ref_setup();
  memcpy(ref_list[ref].options.epsilon, eps, sizeof(eps));
  WB_OK(wb_process_create(&ref_list[ref].options, &process));
  return process;
}

/* Mean square of b(D) - b(x1), the base velocity formed from the exact denoiser and from the target, over training
 * states. Stratified t, 400000 values: the standard error is sqrt(2 int q^2 dt / 400000) = 0.0016, q the integrand of
 * the floor; with the bound 0.006 a fresh seed fails once in 4000 runs. */
static void loss_floor(void **state) {
  (void)state;
  const double want[2] = {0.6962, 0.6098};
  const int draws = 100000;
  for (int k = 0; k < 2; k++) {
    WbProcess process = make(k);
    const RefVoxel v = {&ref_list[k], 0.8, 1.3, 0.49, 0.4};
    double sum = 0;
    for (int s = 0; s < draws; s++) {
      const double t = (s + 0.5) / draws;
      const WbRandomKey key = {.seed = 7, .stream = WB_STREAM_TRAIN_NOISE},
                        key1 = {.seed = 7, .stream = WB_STREAM_TEST};
      const uint64_t id = (uint64_t)s;
      float z[4], from[4], to[4], xt[4];
      wb_random_normal4(&key1, id, z);
      for (int c = 0; c < 4; c++) from[c] = 0.4f, to[c] = (float)(1.3 + 0.7 * (double)z[c]);
      wb_process_state(process, t, 1, from, to, NULL, &id, &key, xt);
      WbForm f;
      wb_process_drift(process, WB_NOISE_BASE, 1, t, &f, NULL);
      for (int c = 0; c < 4; c++) {
        const double error = f.d * (ref_denoiser(&v, t, (double)xt[c]) - (double)to[c]);
        sum += error * error / (4.0 * draws);
      }
    }
    printf("%s: floor %.4f\n", ref_list[k].name, sum);
    WB_ASSERT_NEAR(sum, want[k], 0.006);
    wb_process_destroy(&process);
  }
}

/* The same by quadrature, and the divergence of `brownian`: epsilon^2/4 for each factor e that 1 - t comes closer. */
static double floor_to(const struct WbProcess_s *process, double end) {
  double sum = 0;
  const int n = 400000;
  for (int k = 0; k < n; k++) { /* midpoints in ln(1 - t) */
    const double rest = exp(log(1 - end) * (k + 0.5) / n), t = 1 - rest;
    WbPathAt at;
    WbForm f;
    wb_process_at(process, t, &at);
    wb_process_drift(process, WB_NOISE_BASE, 1, t, &f, NULL);
    const double w = 0.64 * at.w, var = w * 0.49 / (at.beta * at.beta * 0.49 + w);
    sum += f.d * f.d * var * rest * -log(1 - end) / n;
  }
  return sum;
}

static void floor_integral(void **state) {
  (void)state;
  const double want[2] = {0.6962, 0.6098};
  for (int k = 0; k < 2; k++) {
    WbProcess process = make(k);
    WB_ASSERT_NEAR(floor_to(process, 1 - 1e-9), want[k], 6e-5);
    wb_process_destroy(&process);
  }
  WbProcess process = make(2);
  WB_ASSERT_NEAR(floor_to(process, 1 - 1e-5) - floor_to(process, 1 - 1e-3), 0.16 * log(100), 2e-3);
  wb_process_destroy(&process);
}

/* 1/2 E int |b^F - b^F_ref|^2 / g^2 dt for the target N(m[0], v[0]) and the reference N(m[1], v[1]), with g of `noise`.
 */
static double energy(int ref, WbNoiseChoice noise, const double m[2], const double v[2]) {
  WbProcess process = make(ref);
  const int n = 40000;
  const double e2 = 0.64, y0 = 0.4;
  double sum = 0;
  for (int s = 0; s < n; s++) {
    const double t = (s + 0.5) / n;
    WbPathAt at;
    WbForm f;
    double g2;
    wb_process_at(process, t, &at);
    wb_process_drift(process, noise, 1, t, &f, &g2);
    /* D = m + gain (x - alpha y0 - beta m); the target's law of x: mean and variance below */
    const double var = at.beta * at.beta * v[0] + e2 * at.w, mean = at.alpha * y0 + at.beta * m[0];
    double gain[2], at_mean[2];
    for (int r = 0; r < 2; r++) {
      gain[r] = at.beta * v[r] / (at.beta * at.beta * v[r] + e2 * at.w);
      at_mean[r] = m[r] + gain[r] * (mean - at.alpha * y0 - at.beta * m[r]);
    }
    const double slope = f.d * (gain[0] - gain[1]), offset = f.d * (at_mean[0] - at_mean[1]);
    sum += 0.5 * (offset * offset + slope * slope * var) / (e2 * g2) / n;
  }
  wb_process_destroy(&process);
  return sum;
}

static double divergence(const double m[2], const double v[2]) {
  return 0.5 * (v[0] / v[1] + (m[0] - m[1]) * (m[0] - m[1]) / v[1] - 1 + log(v[1] / v[0]));
}

static void foellmer_energy(void **state) {
  (void)state;
  const double m[2] = {1.3, 0.4}, v[2] = {0.49, 0.64}, m2[2] = {-0.3, 1.1}, v2[2] = {0.2, 0.35};
  WB_ASSERT_NEAR(divergence(m, v), 0.649156, 1e-6);
  const int refs[] = {0, 1, 2, 3, 4, 5, 7, 12}; /* every process from a point that has a Foellmer process */
  for (int k = 0; k < 8; k++) {
    WB_ASSERT_NEAR(energy(refs[k], WB_NOISE_FOELLMER, m, v), divergence(m, v), 3e-4);
    WB_ASSERT_NEAR(energy(refs[k], WB_NOISE_FOELLMER, m2, v2), divergence(m2, v2), 3e-4);
  }
  for (int k = 0; k < 3; k++) assert_true(fabs(energy(k, WB_NOISE_BASE, m, v) / divergence(m, v) - 1) > 0.02);
}

/* `brownian` with the reference N(x0, sigma0^2): the Foellmer drift of the reference is 0, driftless Brownian motion.
 */
static void brownian_reference(void **state) {
  (void)state;
  WbProcess process = make(2);
  const RefVoxel v = {&ref_list[2], 0.8, 0.4, 0.64, 0.4};
  for (int n = 1; n < 20; n++) {
    const double t = 0.05 * n, x = 0.4 + 0.3 * n;
    WbForm f;
    double g2;
    wb_process_drift(process, WB_NOISE_FOELLMER, 1, t, &f, &g2);
    WB_ASSERT_NEAR(f.x * x + f.d * ref_denoiser(&v, t, x) + f.x0 * 0.4, 0, 1e-11);
    WB_ASSERT_NEAR(g2, 1, 1e-12);
  }
  wb_process_destroy(&process);
}

WB_TEST_MAIN(cmocka_unit_test(loss_floor), cmocka_unit_test(floor_integral), cmocka_unit_test(foellmer_energy),
             cmocka_unit_test(brownian_reference))
