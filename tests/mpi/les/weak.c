/* Weak scaling, for correctness: every rank brings one more tile of the same cyclic city, and each tile must go as a
 * serial run of one tile does. 10 steps in fp64, 1e-9 relative. Also prints how the time of a step grows, which says
 * nothing where ranks share cores. */
#include "../../verify/les/les_test.h"

enum { N = 20, NZ = 10, STEPS = 10 };
#define CELL_M 10.0
#define TILE_M (CELL_M * N)

static bool built(int k, int j, int i) {
  return (k < 4 && j >= 4 && j < 8 && i >= 6 && i < 12) || (k < 7 && j >= 12 && j < 16 && i >= 2 && i < 5);
}

/* Periodic in a tile; the solver makes them solenoidal. */
static double wave(double x, double y, double z, double shift) {
  return 0.5 * sin(2 * PETSC_PI * (x / TILE_M + shift)) * cos(4 * PETSC_PI * (y / TILE_M - shift)) * exp(-z / 80.0);
}
static double wind_x(void *ctx, double x, double y, double z) {
  return 3.0 + wave(x, y, z, 0.1);
}
static double wind_y(void *ctx, double x, double y, double z) {
  return 1.0 + wave(y, x, z, 0.3);
}
static double warm_air(void *ctx, double x, double y, double z) {
  return 300.0 + wave(x, y, z, 0.7);
}

static LesBox tiles(MPI_Comm comm, int px, int py) {
  LesBox b = {0};
  WbLesOptions o;
  wb_les_options_default(&o);
  o.precision = WB_FP64;
  o.drive_mean_wind = true;
  o.wind_height_m = 50.0;
  o.heat_flux_K_m_per_s = 0.05;
  o.sponge_height_m = 80.0;
  o.tol_final = o.tol_stage = 1e-13;
  o.max_iterations = 500;
  double *zf = les_test_faces(NZ, CELL_M, 1.0);
  WB_OK(wb_grid_create(comm, N * px, N * py, NZ, 1, px, py, true, true, &b.grid));
  b.grid->dx_m = CELL_M;
  uint8_t mask[NZ * N * N];
  for (int k = 0, n = 0; k < NZ; k++)
    for (int j = 0; j < N; j++)
      for (int i = 0; i < N; i++) mask[n++] = built(k, j, i);
  WB_OK(wb_les_create(b.grid, zf, mask, NULL, NULL, &o, &b.les));
  free(zf);
  WB_OK(wb_les_init_fields(b.les, wind_x, wind_y, NULL, warm_air, NULL));
  return b;
}

static double run(LesBox *b) {
  const double begin = MPI_Wtime();
  for (int s = 0; s < STEPS; s++) WB_OK(wb_les_step(b->les, 0.7));
  return (MPI_Wtime() - begin) / STEPS;
}

static void tiles_alike(void **state) {
  (void)state;
  int size = 0;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  const int px = size % 2 == 0 ? 2 : 1;
  LesBox one = tiles(PETSC_COMM_SELF, 1, 1), many = tiles(PETSC_COMM_WORLD, px, size / px);
  assert_true(many.grid->nxl == N && many.grid->nyl == N);
  const double alone = run(&one), together = run(&many);
  double worst = 0.0;
  for (int f = 0; f < one.les->nf; f++) {
    double largest = 1e-30, most = 0.0;
    for (int k = 0; k < NZ; k++)
      for (int j = 0; j < N; j++)
        for (int i = 0; i < N; i++) {
          const double a = les_test_get(many.les, f, k, j, i), b = les_test_get(one.les, f, k, j, i);
          largest = fmax(largest, fabs(b));
          if (!(fabs(a - b) <= most)) most = fabs(a - b);
        }
    if (!(most / largest <= worst)) worst = most / largest;
  }
  print_message("tile of rank: difference from a single tile %.2e; a step takes %.2f times as long\n", worst,
                together / alone);
  WB_ASSERT_BELOW(worst, 1e-9);
  les_test_free(&many);
  les_test_free(&one);
}

WB_TEST_MAIN(cmocka_unit_test(tiles_alike))
