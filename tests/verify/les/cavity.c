/* Lid-driven cavity, Re = 1000: u on the vertical centreline against Ghia, Ghia & Shin (1982, J. Comput. Phys. 48), and
 * the error falls with the square of the spacing. Two-dimensional: cyclic along y. */
#include "les_test.h"

#define RE 1000.0
static const double ghia_z[] = {0.0547, 0.1016, 0.1719, 0.2813, 0.4531, 0.5000, 0.6172, 0.7344, 0.8516, 0.9531};
static const double ghia_u[] = {-0.18109, -0.29730, -0.38289, -0.27805, -0.10648,
                                -0.06080, 0.05702,  0.18719,  0.33304,  0.46604};
enum { N_GHIA = 10 };

/* u on the centreline at height z, linear between the levels. */
static double centreline(WbLes les, double z) {
  const int n = les->grid->nx;
  int k = 0;
  while (k < n - 2 && les->met.zc[k + 2] <= z) k++;
  const double a = (z - les->met.zc[k + 1]) / (les->met.zc[k + 2] - les->met.zc[k + 1]);
  return (1.0 - a) * les_test_get(les, WB_U, k, 1, n / 2) + a * les_test_get(les, WB_U, k + 1, 1, n / 2);
}

static void cavity(int n, double u[N_GHIA]) {
  WbLesOptions o = les_test_options();
  o.viscosity_m2_per_s = 1.0 / RE;
  o.wall = WB_WALL_NO_SLIP;
  o.top_no_slip = true;
  o.top_velocity_m_per_s[0] = 1.0;
  o.tol_final = 1e-8;
  o.tol_stage = 1e-4;
  double *zf = les_test_faces(n, 1.0 / n, 1.0);
  LesBox b = {0};
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, n, 2, n, 1, 0, 0, false, true, &b.grid));
  b.grid->dx_m = 1.0 / n;
  WB_OK(wb_les_create(b.grid, zf, NULL, NULL, NULL, &o, &b.les));
  free(zf);
  WB_OK(wb_les_init_fields(b.les, NULL, NULL, NULL, NULL, NULL));
  b.les->opt.dt_max_s = 0.5 / n;
  WB_OK(wb_les_advance(b.les, 1.0, NULL, NULL)); /* from rest, where no speed limits the step */
  b.les->opt.dt_max_s = 1.0;
  WB_OK(wb_les_advance(b.les, 40.0, NULL, NULL));
  const double before = centreline(b.les, 0.1719);
  WB_OK(wb_les_advance(b.les, 45.0, NULL, NULL));
  for (int m = 0; m < N_GHIA; m++) u[m] = centreline(b.les, ghia_z[m]);
  print_message("%d cells: u(0.1719) changed by %.1e in the last 5 time units\n", n, fabs(u[2] - before));
  WB_ASSERT_BELOW(fabs(u[2] - before), 2e-3);
  les_test_free(&b);
}

static void against_ghia(void **state) {
  double a[N_GHIA], b[N_GHIA], worst[3] = {0.0, 0.0, 0.0};
  cavity(32, a);
  cavity(64, b);
  for (int m = 0; m < N_GHIA; m++) {
    const double best = b[m] + (b[m] - a[m]) / 3.0; /* Richardson: second order */
    worst[0] = fmax(worst[0], fabs(a[m] - ghia_u[m]));
    worst[1] = fmax(worst[1], fabs(b[m] - ghia_u[m]));
    worst[2] = fmax(worst[2], fabs(best - ghia_u[m]));
    print_message("z %.4f: u %.5f (32) %.5f (64) %.5f (extrapolated), Ghia %.5f\n", ghia_z[m], a[m], b[m], best,
                  ghia_u[m]);
  }
  print_message("largest differences: %.4f on 32 cells, %.4f on 64 (order %.2f), %.4f extrapolated\n", worst[0],
                worst[1], log2(worst[0] / worst[1]), worst[2]);
  WB_ASSERT_BELOW(worst[1], 0.025);
  WB_ASSERT_BELOW(1.8, log2(worst[0] / worst[1]));
  WB_ASSERT_BELOW(worst[2], 0.008);
}

WB_TEST_MAIN(cmocka_unit_test(against_ghia))
