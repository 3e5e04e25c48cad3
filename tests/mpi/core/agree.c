/* wb_error_agree: one rank's failure becomes every rank's, with its message; the lowest failing rank wins. */
#include <string.h>

#include "wb_test.h"

static int rank, size;

static PetscErrorCode fail_on(int first, int second) {
  PetscFunctionBeginUser;
  PetscErrorCode local = 0;
  if (rank == first || rank == second)
    local = wb_error_raise(WB_ERR_INPUT + (rank == second), WB_ERROR_LOCAL, __func__, __FILE__, __LINE__,
                           "pair.nc: rank %d cannot read it", rank);
  PetscCall(wb_error_agree(PETSC_COMM_WORLD, local));
  PetscFunctionReturn(0);
}

static void test_none(void **state) {
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  WB_OK(fail_on(-1, -1));
  assert_false(wb_error_is_collective());
}

static void test_each_rank(void **state) {
  for (int r = 0; r < size; r++) {
    wb_error_clear();
    assert_int_equal(fail_on(r, -1), WB_ERR_INPUT);
    char want[64];
    snprintf(want, sizeof want, "pair.nc: rank %d cannot read it", r);
    assert_string_equal(wb_error_message(), want);
    assert_true(wb_error_is_collective());
  }
  wb_error_clear();
}

static void test_lowest_wins(void **state) {
  if (size < 2) skip();
  wb_error_clear();
  assert_int_equal(fail_on(0, size - 1), WB_ERR_INPUT);
  assert_non_null(strstr(wb_error_message(), "rank 0"));
  wb_error_clear();
  assert_int_equal(fail_on(size - 1, 0), WB_ERR_INPUT + 1);
  assert_non_null(strstr(wb_error_message(), "rank 0"));
  wb_error_clear();
}

WB_TEST_MAIN(cmocka_unit_test(test_none), cmocka_unit_test(test_each_rank), cmocka_unit_test(test_lowest_wins))
