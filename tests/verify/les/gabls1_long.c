/* GABLS1 (Beare et al. 2006, Boundary-Layer Meteorol. 118): stable layer over ground that cools by 0.25 K an hour,
 * geostrophic wind 8 m/s, f = 1.39e-4 s-1, z0 = z0h = 0.1 m; means over hours 8 to 9: u* = 0.289 m/s, w'theta' =
 * -0.0130 K m/s, z_i = 155 m (stress 5 % of the ground's, over 0.95). Deardorff's closure, similarity and viscosity at
 * the ground, WB_LONG_N^3 (64^3) cells over 400 m. */
#include "long_test.h"

#define SIZE_M 400.0

static double west_wind(void *ctx, double x, double y, double z) {
  return 8.0;
}
static double cold_air(void *ctx, double x, double y, double z) {
  const WbRandomKey key = {.seed = 1, .stream = WB_STREAM_TEST};
  const double cell = *(const double *)ctx;
  double r[4] = {0.5};
  wb_random_uniform4(&key, (uint64_t)(x / cell) + 1000 * (uint64_t)(y / cell) + 1000000 * (uint64_t)(z / cell), r);
  return 265.0 + (z > 100.0 ? 0.01 * (z - 100.0) : 0.0) + (z < 50.0 ? 0.2 * (r[0] - 0.5) : 0.0);
}
static double energy(void *ctx, double x, double y, double z) {
  return z < 250.0 ? fmax(WB_TKE_MIN, 0.4 * pow(1.0 - z / 250.0, 3.0)) : WB_TKE_MIN;
}

static void stable(void **state) {
  const int n = long_cells(64);
  double cell = SIZE_M / n;
  WbLesOptions o;
  wb_les_options_default(&o);
  o.closure = WB_CLOSURE_DEARDORFF;
  o.forcing.coriolis = o.forcing.geostrophic = true;
  o.forcing.latitude_deg = asin(1.39e-4 / (2.0 * 7.2921e-5)) * 180.0 / PETSC_PI;
  o.wind_speed_m_per_s = 8.0;
  o.wind_direction_deg = 270.0;
  o.theta_surface_K = 265.0;
  o.mixed_height_m = 100.0;
  o.lapse_K_per_m = 0.01;
  o.z0_ground_m = 0.1;
  o.ground_viscosity = getenv("WB_LONG_PLAIN") == NULL;
  o.surface.most = true;
  o.surface.theta_K[WB_FACET_GROUND] = 265.0;
  o.surface.theta_rate_K_per_s = -0.25 / 3600.0;
  o.surface.z0_heat_ratio = 1.0;
  o.sponge_height_m = 300.0;
  double *zf = les_test_faces(n, cell, 1.0);
  LesBox b = les_test_box(n, n, n, cell, zf, true, NULL, &o);
  free(zf);
  WB_OK(wb_les_init_fields(b.les, west_wind, NULL, NULL, cold_air, &cell));
  WB_OK(wb_les_set_scalar(b.les, 0, energy, NULL));
  LongProfile p;
  if (long_run(b.les, "gabls1", 8.0 * 3600.0, 9.0 * 3600.0, &p)) {
    double stress[LONG_NZ + 1] = {0};
    for (int k = 0; k <= n; k++) stress[k] = hypot(p.uw[k], p.vw[k]);
    const double u_star = sqrt(stress[0]);
    double zi = NAN;
    for (int k = 1; k <= n && isnan(zi); k++)
      if (stress[k] < 0.05 * stress[0])
        zi = (p.zf[k - 1] + (stress[k - 1] - 0.05 * stress[0]) / (stress[k - 1] - stress[k]) * cell) / 0.95;
    print_message("u* = %.4f m/s (0.289), w'theta' = %.5f K m/s (-0.0130), z_i = %.1f m (155)\n", u_star, p.tw[0], zi);
    WB_ASSERT_NEAR(u_star, 0.289, 0.1 * 0.289);
    WB_ASSERT_NEAR(p.tw[0], -0.0130, 0.1 * 0.0130);
    WB_ASSERT_NEAR(zi, 155.0, 0.15 * 155.0);
  }
  les_test_free(&b);
}

WB_TEST_MAIN(cmocka_unit_test(stable))
