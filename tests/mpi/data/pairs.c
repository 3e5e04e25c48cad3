/* Pair files: written and read back on any rank count; x0 is the interpolation of the LR group; what solid cells hold
 * in the file changes nothing; files that do not fit are refused with a message on every rank. */
#include "wb_test_pairs.h"

static char folder[256];

static void path_of(const char *name, char path[300]) {
  snprintf(path, 300, "%s/%s", folder, name);
}

static void round_trip(void **state) {
  (void)state;
  char path[300];
  path_of("a.nc", path);
  const WbTestPair t = {
      .split = "train", .seed = 4000000001u, .n_time = 2, .n_lr = 6, .nz_hr = 8, .wind = 4, .solid_fill = NAN};
  wb_test_write_pair(PETSC_COMM_WORLD, path, &t);
  WbPairInfo info;
  WB_OK(wb_pair_inspect(PETSC_COMM_WORLD, path, &info));
  assert_int_equal(info.n_time, 2);
  assert_int_equal(info.nx_hr, 24);
  assert_int_equal(info.nz_hr, 8);
  assert_int_equal(info.nz_lr, 3);
  assert_int_equal(info.city_seed, 4000000001u);
  assert_string_equal(info.split, "train");
  WB_ASSERT_NEAR(info.wind_speed_m_per_s, 4, 0);
  WB_ASSERT_NEAR(info.x_min_m, 1000, 0);
  WbPairRun *run = NULL;
  WB_OK(wb_pair_read(PETSC_COMM_WORLD, path, &run));
  const WbGrid *g = run->hr_grid;
  const size_t n = wb_grid_owned(g);
  float *want = NULL;
  WB_OK(WB_ALLOC(n * 4, &want));
  int n_solid = 0, n_blocked = 0;
  for (int m = 0; m < 2; m++) {
    wb_test_fill(&t, g, 1, m, run->fluid, want);
    for (size_t p = 0; p < n; p++) {
      for (size_t c = 0; c < 4; c++) WB_ASSERT_NEAR(run->x1[m][p * 4 + c], run->fluid[p] ? want[p * 4 + c] : 0.0f, 0);
      for (size_t c = 0; c < 4; c++) assert_true(run->fluid[p] || run->x0[m][p * 4 + c] == 0.0f);
      if (run->fluid[p] && run->lr_valid[p]) WB_ASSERT_NEAR(run->x0[m][p * 4], want[p * 4], 0.8);
      n_solid += !run->fluid[p];
      n_blocked += run->fluid[p] && !run->lr_valid[p];
    }
  }
  int sums[2] = {n_solid, n_blocked};
  MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_INT, MPI_SUM, PETSC_COMM_WORLD);
  assert_true(sums[0] > 100 && sums[1] > 100);
  WB_ASSERT_NEAR(run->z[1], 7.5, 1e-9);
  /* the same file with other rubbish in buildings */
  char other[300];
  path_of("b.nc", other);
  WbTestPair u = t;
  u.solid_fill = 100.0f;
  wb_test_write_pair(PETSC_COMM_WORLD, other, &u);
  WbPairRun *second = NULL;
  WB_OK(wb_pair_read(PETSC_COMM_WORLD, other, &second));
  for (int m = 0; m < 2; m++) {
    assert_memory_equal(run->x0[m], second->x0[m], n * 4 * sizeof(float));
    assert_memory_equal(run->x1[m], second->x1[m], n * 4 * sizeof(float));
  }
  WB_FREE(&want);
  wb_pair_destroy(&run);
  wb_pair_destroy(&second);
}

static void expect_refusal(const char *path, const char *word) {
  WbPairRun *run = NULL;
  assert_int_equal(wb_pair_read(PETSC_COMM_WORLD, path, &run), WB_ERR_INPUT);
  assert_null(run);
  if (!strstr(wb_error_message(), word)) fail_msg("no '%s' in: %s", word, wb_error_message());
  assert_true(wb_error_is_collective());
  wb_error_clear();
}

static void refused(void **state) {
  (void)state;
  char path[300];
  path_of("c.nc", path);
  WbTestPair t = {.split = "train", .seed = 2, .n_time = 2, .n_lr = 4, .nz_hr = 8, .wind = 4, .bad_value = true};
  wb_test_write_pair(PETSC_COMM_WORLD, path, &t);
  expect_refusal(path, "hr/v is missing or not finite in 1 air cells");
  t.bad_value = false, t.split = "training";
  wb_test_write_pair(PETSC_COMM_WORLD, path, &t);
  expect_refusal(path, "validation");
  t.split = "train", t.wind = 0;
  wb_test_write_pair(PETSC_COMM_WORLD, path, &t);
  expect_refusal(path, "wind_speed_m_per_s");
  path_of("missing.nc", path);
  expect_refusal(path, "missing.nc");
}

/* One number of a good file changed by rank 0, refused, and put back. */
static void change(const char *group, const char *name, int axes, const int *at, double value, const char *word) {
  char path[300];
  int rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  path_of("e.nc", path);
  const int one[4] = {1, 1, 1, 1};
  const size_t n = strlen(name);
  const bool mask = n > 5 && strcmp(name + n - 5, "_mask") == 0;
  const WbNcType type = mask ? WB_NC_INT8 : axes > 2 ? WB_NC_FLOAT : WB_NC_DOUBLE;
  const float single = (float)value;
  const int8_t byte = (int8_t)value;
  const void *new = mask ? (const void *)&byte : axes > 2 ? (const void *)&single : &value;
  double old = 0;
  for (int step = 0; step < 2; step++) {
    WbNc nc = NULL;
    if (rank == 0) {
      WB_OK(wb_nc_open_append(MPI_COMM_SELF, path, &nc));
      if (step == 0) WB_OK(wb_nc_get(nc, group, name, at, one, type, &old));
      WB_OK(wb_nc_put(nc, group, name, at, one, step == 0 ? new : &old));
      WB_OK(wb_nc_close(&nc));
    }
    MPI_Barrier(PETSC_COMM_WORLD);
    if (step == 1) continue;
    assert_int_equal(wb_pair_check(PETSC_COMM_WORLD, path), WB_ERR_INPUT);
    if (!strstr(wb_error_message(), word)) fail_msg("no '%s' in: %s", word, wb_error_message());
    wb_error_clear();
    MPI_Barrier(PETSC_COMM_WORLD);
  }
}

static void halves(void **state) {
  (void)state;
  const int air[4] = {1, 7, 15, 15}, coarse[4] = {0, 2, 3, 3}, last[4] = {1, 0, 0, 0}, corner[4] = {7, 15, 15, 0};
  char path[300];
  path_of("e.nc", path);
  const WbTestPair t = {.split = "train", .seed = 2, .n_time = 2, .n_lr = 4, .nz_hr = 8, .wind = 4, .solid_fill = NAN};
  wb_test_write_pair(PETSC_COMM_WORLD, path, &t);
  WB_OK(wb_pair_check(PETSC_COMM_WORLD, path));
  change("/hr", "u", 4, air, -9999, "hr/u is -9999 m s-1 at minute 2 (120 s), z = 37.5 m, y = -422.5 m, x = 1077.5 m");
  change("/lr", "theta", 4, coarse, 26.85, "lr/theta is 26.85 K at minute 1 (60 s), z = 50 m");
  change("/hr", "time", 1, last, 90, "minute 2 is 120 s in lr/time and 90 s in hr/time");
  change("/lr", "time_bnds", 2, last, 0, "minute 2 is 120 s in lr/time and 120 s in hr/time (or their bounds differ)");
  change("/hr", "fluid_mask", 3, corner, 2, "mask hr/fluid_mask is 2 at z = 37.5 m");
  change("/hr", "lr_valid_mask", 3, corner, -1, "mask hr/lr_valid_mask is -1");
  change("/lr", "x", 1, last, 1031, "coordinate x is 1031 m at entry 2; allowed: 1030 m");
  change("/hr", "z", 1, last, 8, "coordinate z is 8 m at entry 2; allowed: 7.5 m");
  change("/hr", "wall_distance", 3, corner, -3, "hr/wall_distance is -3 m");
}

static void truncated(void **state) {
  (void)state;
  char path[300];
  int rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  path_of("d.nc", path);
  const WbTestPair t = {.split = "train", .seed = 2, .n_time = 1, .n_lr = 4, .nz_hr = 8, .wind = 4};
  wb_test_write_pair(PETSC_COMM_WORLD, path, &t);
  if (rank == 0) assert_int_equal(truncate(path, 5000), 0);
  MPI_Barrier(PETSC_COMM_WORLD);
  expect_refusal(path, "d.nc");
}

static int begin(void **state) {
  (void)state;
  wb_test_folder(folder);
  return 0;
}
static int end(void **state) {
  (void)state;
  wb_test_remove_folder(folder);
  return 0;
}

WB_TEST_MAIN(cmocka_unit_test_setup(round_trip, begin), cmocka_unit_test(refused), cmocka_unit_test(halves),
             cmocka_unit_test_teardown(truncated, end))
