/* Dry convective boundary layer, set-up of Nieuwstadt et al. (1993, Turbulent Shear Flows 8): surface heat flux
 * 0.06 K m/s, neutral to 1600 m, 0.003 K/m above, no wind; averaged over 10 ... 11 turnover times z_i / w*. Entrainment
 * flux -0.20 ... -0.22 of the surface's, variance of w at most 0.42 w*^2. WB_LONG_N (64) cells a side of 6.4 km and
 * 60/64 as many over 2.4 km; minutes on one core. */
#include "long_test.h"

static void convection(void **state) {
  WbLesOptions o;
  wb_les_options_default(&o);
  o.wind_speed_m_per_s = 0.0;
  o.theta_surface_K = 300.0;
  o.mixed_height_m = 1600.0;
  o.lapse_K_per_m = 0.003;
  o.heat_flux_K_m_per_s = 0.06;
  o.surface.most = true;
  o.z0_ground_m = 0.16;
  o.sponge_height_m = 2000.0;
  o.dt_max_s = 15.0;
  const int n = long_cells(64), nz = n * 15 / 16;
  double *zf = les_test_faces(nz, 2400.0 / nz, 1.0);
  LesBox b = les_test_box(n, n, nz, 6400.0 / n, zf, true, NULL, &o);
  free(zf);
  WB_OK(wb_les_init(b.les, 0.0));
  LongProfile p;
  const double w0 = pow(9.81 / 300.0 * 0.06 * 1600.0, 1.0 / 3.0), turnover = 1600.0 / w0;
  if (long_run(b.les, "convective_abl", 10.0 * turnover, 11.0 * turnover, &p)) {
    int lowest = 0, peak = 0;
    for (int k = 0; k < nz; k++) {
      if (p.tw[k] < p.tw[lowest]) lowest = k;
      if (p.w_var[k] > p.w_var[peak]) peak = k;
    }
    const double zi = p.zf[lowest], w_star = pow(9.81 / 300.0 * p.tw[0] * zi, 1.0 / 3.0);
    const double ratio = p.tw[lowest] / p.tw[0], variance = p.w_var[peak] / (w_star * w_star);
    print_message(
        "z_i = %.0f m, w* = %.3f m/s, entrainment ratio %.3f (-0.20 ... -0.22), w variance %.3f w*^2 (0.42) at "
        "%.2f z_i\n",
        zi, w_star, ratio, variance, p.zf[peak] / zi);
    WB_ASSERT_NEAR(ratio, -0.21, 0.02);
    WB_ASSERT_NEAR(variance, 0.42, 0.04);
  }
  les_test_free(&b);
}

WB_TEST_MAIN(cmocka_unit_test(convection))
