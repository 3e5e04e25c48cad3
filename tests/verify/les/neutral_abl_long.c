/* Neutral Ekman layer, set-up of Andren et al. (1994, Q. J. R. Meteorol. Soc. 120): geostrophic wind 10 m/s,
 * f = 1e-4 s-1, z0 = 0.1 m; averaged over 7/f ... 10/f. Their codes have u* between 0.402 and 0.448 m/s. The log layer:
 * phi_m = kappa z / u* |dU/dz| within 15 % of 1. The solver as it is used (Vreman, upwind fraction) with the ground
 * viscosity, WB_LONG_N (40) cells a side of 2 km and over 1.5 km. */
#include "long_test.h"

static void ekman(void **state) {
  WbLesOptions o;
  wb_les_options_default(&o);
  o.momentum_only = true;
  o.forcing.coriolis = o.forcing.geostrophic = true;
  o.forcing.latitude_deg = asin(1e-4 / (2.0 * 7.2921e-5)) * 180.0 / PETSC_PI;
  o.wind_speed_m_per_s = 10.0;
  o.wind_direction_deg = 270.0;
  o.z0_ground_m = 0.1;
  o.ground_viscosity = getenv("WB_LONG_PLAIN") == NULL;
  o.sponge_height_m = 1e9;
  const int n = long_cells(40);
  double *zf = les_test_faces(n, 1500.0 / n, 1.0);
  LesBox b = les_test_box(n, n, n, 2000.0 / n, zf, true, NULL, &o);
  free(zf);
  WB_OK(wb_les_init(b.les, 0.0));
  LongProfile p;
  if (long_run(b.les, "neutral_abl", 7e4, 1e5, &p)) {
    const double u_star = pow(p.uw[0] * p.uw[0] + p.vw[0] * p.vw[0], 0.25);
    print_message("u* = %.4f m/s (0.402 ... 0.448)\n", u_star);
    double worst = 0.0;
    for (int k = 1; k < n && p.zf[k] <= 150.0; k++) { /* to a tenth of the layer */
      const double z = p.zf[k], shear = hypot(p.u[k] - p.u[k - 1], p.v[k] - p.v[k - 1]) / (p.z[k] - p.z[k - 1]);
      const double here = pow(p.uw[k] * p.uw[k] + p.vw[k] * p.vw[k], 0.25);
      /* central difference of a logarithm over one level, in place of the derivative */
      const double phi = 0.4 * shear * (p.z[k] - p.z[k - 1]) / (u_star * log(p.z[k] / p.z[k - 1]));
      print_message("z = %5.1f m: phi_m = %.3f, local u* %.4f\n", z, phi, here);
      worst = fmax(worst, fabs(phi - 1.0));
    }
    WB_ASSERT_BELOW(worst, 0.15);
    WB_ASSERT_BELOW(u_star, 0.448);
    WB_ASSERT_BELOW(0.402, u_star);
  }
  les_test_free(&b);
}

WB_TEST_MAIN(cmocka_unit_test(ekman))
