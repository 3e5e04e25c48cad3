/* Further scalars of a run: handed over from a coarse to a fine run, and washed out by clean inflow. */
#include <unistd.h>

#include "../../verify/les/les_test.h"

enum { NX = 12, NY = 10, NZ = 8 };

static double linear(void *ctx, double x, double y, double z) {
  return 1.0 + 0.01 * x - 0.02 * y + 0.03 * z;
}
static double one(void *ctx, double x, double y, double z) {
  return 1.0;
}

static WbLesOptions options(void) {
  WbLesOptions o;
  wb_les_options_default(&o);
  o.wind_height_m = 40.0;
  o.wind_direction_deg = 240.0;
  o.sponge_height_m = 1e9;
  o.cfl_max = 0.6; /* strictly bounded: the sum of the Courant numbers stays below 2/3 */
  o.tracers.n = 1;
  return o;
}

static void from_coarse_to_fine(void **state) {
  WbLesOptions o = options();
  o.precision = WB_FP64;
  o.closure = WB_CLOSURE_DEARDORFF;
  o.z0_wall_m = 0.02;
  double *zc = les_test_faces(NZ, 10.0, 1.0), *zf = les_test_faces(2 * NZ, 5.0, 1.0);
  LesBox a = les_test_box(NX, NY, NZ, 10.0, zc, true, NULL, &o),
         b = les_test_box(2 * NX, 2 * NY, 2 * NZ, 5.0, zf, true, NULL, &o);
  WB_OK(wb_les_init(a.les, 0.0));
  WB_OK(wb_les_set_scalar(a.les, 0, linear, NULL));
  WB_OK(wb_les_set_scalar(a.les, 1, linear, NULL));
  WB_OK(wb_les_init_from(b.les, a.les));
  const WbGrid *g = b.grid;
  for (int k = 1; k < 2 * NZ - 1; k++)
    for (int j = 0; j < g->nyl; j++)
      for (int i = 0; i < g->nxl; i++) {
        const int y = g->y0 + j, x = g->x0 + i;
        if (x < 1 || y < 1 || x > 2 * NX - 2 || y > 2 * NY - 2) continue; /* constant beyond the outer centres */
        for (int f = WB_NFIELDS; f < WB_NFIELDS + 2; f++)
          WB_ASSERT_NEAR(les_test_get(b.les, f, k, j, i),
                         linear(NULL, (x + 0.5) * 5.0, (y + 0.5) * 5.0, (k + 0.5) * 5.0), 1e-12);
      }
  les_test_free(&b);
  o.tracers.n = 0; /* a run with other scalars is refused */
  b = les_test_box(2 * NX, 2 * NY, 2 * NZ, 5.0, zf, true, NULL, &o);
  assert_int_equal(wb_les_init_from(b.les, a.les), WB_ERR_CONFIG);
  wb_error_clear();
  les_test_free(&b);
  les_test_free(&a);
  free(zc);
  free(zf);
}

/* A fed run full of tracer: the wind brings clean air in, and what leaves does not come back. */
static void clean_inflow(void **state) {
  WbLesOptions o = options();
  o.drive_mean_wind = true;
  double *zf = les_test_faces(NZ, 10.0, 1.0);
  LesBox p = les_test_box(NX, NY, NZ, 10.0, zf, true, NULL, &o);
  int size;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  char path[128];
  snprintf(path, sizeof path, "/tmp/wb_test_les_scalars_%d.nc", size);
  WB_OK(wb_les_init(p.les, 0.0));
  WB_OK(wb_les_record_planes(p.les, path, "", 1.0, 80.0, NULL, NULL));
  les_test_free(&p);
  WbInflow in = NULL;
  WbGrid *g = NULL;
  WbLes les = NULL;
  o.drive_mean_wind = false;
  WB_OK(wb_inflow_open(PETSC_COMM_WORLD, path, &in));
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, NX, NY, NZ, 1, 0, 0, false, false, &g));
  g->dx_m = 10.0;
  WB_OK(wb_les_create(g, zf, NULL, NULL, in, &o, &les));
  WB_OK(wb_les_init(les, 0.0));
  WB_OK(wb_les_set_scalar(les, 0, one, NULL));
  double mass = 1.0, low = 0.0, high = 0.0;
  for (double t = 4.0; t <= 80.0; t += 4.0) {
    WB_OK(wb_les_advance(les, t, NULL, NULL));
    double sum = 0.0;
    for (int k = 0; k < NZ; k++)
      for (int j = 0; j < g->nyl; j++)
        for (int i = 0; i < g->nxl; i++) {
          const double c = les_test_get(les, WB_NFIELDS, k, j, i);
          sum += c / (NX * NY * NZ);
          low = fmin(low, c);
          high = fmax(high, c);
        }
    sum = les_test_sum(sum);
    WB_ASSERT_BELOW(sum, mass + 1e-6);
    mass = sum;
  }
  low = -les_test_max(-low);
  high = les_test_max(high);
  if (g->rank == 0) print_message("left after 80 s: %.4f; range [%.1e, 1 + %.1e]\n", mass, low, high - 1.0);
  WB_ASSERT_BELOW(mass, 0.05);
  WB_ASSERT_BELOW(-low, 1e-9);
  WB_ASSERT_BELOW(high, 1.0 + 1e-4);
  wb_les_destroy(&les);
  wb_inflow_destroy(&in);
  wb_grid_destroy(&g);
  free(zf);
  MPI_Barrier(PETSC_COMM_WORLD);
  unlink(path);
}

WB_TEST_MAIN(cmocka_unit_test(from_coarse_to_fine), cmocka_unit_test(clean_inflow))
