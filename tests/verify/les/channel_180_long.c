/* Turbulent channel flow, Re_tau = 180, resolved without a closure: mean velocity against the direct simulation of
 * Moser, Kim & Mansour (1999, Phys. Fluids 11). Units of the half height and the friction velocity. WB_LONG_N (72)
 * cells along the stream, half as many across, each of pi / 72 (7.9 in wall units), and 64 upwards (1.6 ... 10): by
 * default a box of pi x pi / 2 (theirs: 4 pi x 4/3 pi), larger than the least that stays turbulent (Jimenez & Moin
 * 1991, J. Fluid Mech. 225). In single precision, as the program runs by default. */
#include "long_test.h"

#define RE_TAU 180.0
enum { NX = 72, NZ = 64 };

/* Reichardt's profile and a few vortices along the stream that are strong enough to trip it. */
static double wall_distance(double z) {
  return z < 1.0 ? z : 2.0 - z;
}
static double start_u(void *ctx, double x, double y, double z) {
  const double p = RE_TAU * wall_distance(z);
  const double mean = log(1.0 + 0.4 * p) / 0.4 + 7.8 * (1.0 - exp(-p / 11.0) - p / 11.0 * exp(-p / 3.0));
  return mean + 2.0 * sin(2.0 * x) * cos(4.0 * y) * sin(PETSC_PI * z);
}
static double start_v(void *ctx, double x, double y, double z) {
  return 1.5 * sin(5.0 * y + x) * cos(PETSC_PI * z);
}
static double start_w(void *ctx, double x, double y, double z) {
  return 1.5 * cos(5.0 * y + x) * sin(PETSC_PI * z);
}

static void channel(void **state) {
  WbLesOptions o = les_test_options();
  const int nx = long_cells(NX);
  o.precision = WB_FP32;
  o.viscosity_m2_per_s = 1.0 / RE_TAU;
  o.wall = WB_WALL_NO_SLIP;
  o.top_no_slip = true;
  o.wind_speed_m_per_s = 15.0;
  o.tol_final = 1e-5;
  o.tol_stage = 1e-3;
  o.dt_max_s = 0.01;
  double zf[NZ + 1];
  for (int k = 0; k <= NZ; k++) zf[k] = 1.0 + tanh(2.0 * (2.0 * k / NZ - 1.0)) / tanh(2.0);
  zf[0] = 0.0, zf[NZ] = 2.0;
  LesBox b = les_test_box(nx, nx / 2, NZ, PETSC_PI / NX, zf, true, NULL, &o);
  b.les->force[0] = 1.0;
  WB_OK(wb_les_init_fields(b.les, start_u, start_v, start_w, NULL, NULL));
  LongProfile p;
  if (long_run(b.les, "channel_180", 8.0, 22.0, &p)) {
    double both[NZ]; /* mean of the two halves */
    for (int k = 0; k < NZ; k++) both[k] = 0.5 * (p.u[k] + p.u[NZ - 1 - k]);
    const double u10 = long_at(NZ, p.z, both, 10.4 / RE_TAU), centre = both[NZ / 2];
    double bulk = 0.0;
    for (int k = 0; k < NZ; k++) bulk += 0.5 * both[k] * (zf[k + 1] - zf[k]);
    print_message("U+(10.4) = %.3f (8.77), centre %.3f (18.30), bulk %.3f (15.7)\n", u10, centre, bulk);
    WB_ASSERT_NEAR(u10, 8.77, 0.03 * 8.77);
    WB_ASSERT_NEAR(centre, 18.30, 0.04 * 18.30);
    WB_ASSERT_NEAR(bulk, 15.7, 0.04 * 15.7);
  }
  les_test_free(&b);
}

WB_TEST_MAIN(cmocka_unit_test(channel))
