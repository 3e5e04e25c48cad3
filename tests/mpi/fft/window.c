/* Memory shared by the ranks of a machine: room is asked for before it is taken, and a rank alone with an error does
 * not wait for the others when it frees its share. */
#include "fft_internal.h"
#include "wb_test.h"

static void test_room(void **state) {
  bool fits = false;
  WB_OK(wb_window_fits(PETSC_COMM_WORLD, 1000, &fits));
  assert_true(fits);
  int rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  WB_OK(wb_window_fits(PETSC_COMM_WORLD, rank == 0 ? (size_t)1 << 60 : 1000, &fits)); /* one rank's wish is enough */
  assert_false(fits);
}

static PetscErrorCode fails_here(void) {
  PetscFunctionBeginUser;
  WB_RAISE(WB_ERR_INPUT, "on this rank only");
}

static void test_alone_with_an_error(void **state) {
  WbGrid *grid = NULL;
  WbPoisson poisson = NULL;
  const double zf[] = {0, 1, 2, 3};
  int rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, 16, 16, 3, 1, 0, 0, true, true, &grid));
  WB_OK(wb_poisson_create(grid, 1, zf, WB_FP32, &poisson));
  if (rank == 0) {
    assert_int_equal(fails_here(), WB_ERR_INPUT);
    wb_poisson_destroy(&poisson); /* the others are elsewhere */
    assert_null(poisson);
    wb_error_clear();
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  wb_grid_destroy(&grid); /* their share lives as long as the window that rank 0 left */
}

WB_TEST_MAIN(cmocka_unit_test(test_room), cmocka_unit_test(test_alone_with_an_error))
