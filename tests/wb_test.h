/* Shared by the C tests: cmocka set-up under MPI/PETSc and comparisons in which NaN fails. */
#ifndef WB_TEST_H
#define WB_TEST_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four headers above first */
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "windbridge/core.h"

#define WB_ASSERT_NEAR(value, expected, tol)                                                                        \
  do {                                                                                                              \
    const double wb_v = (double)(value), wb_e = (double)(expected), wb_t = (double)(tol);                           \
    if (!(fabs(wb_v - wb_e) <= wb_t)) fail_msg("%s = %.17g, expected %.17g within %.3g", #value, wb_v, wb_e, wb_t); \
  } while (0)
#define WB_ASSERT_BELOW(value, bound)                                                       \
  do {                                                                                      \
    const double wb_v = (double)(value), wb_b = (double)(bound);                            \
    if (!(wb_v <= wb_b)) fail_msg("%s = %.17g, must be at most %.17g", #value, wb_v, wb_b); \
  } while (0)
#define WB_OK(call)                                                                       \
  do {                                                                                    \
    const PetscErrorCode wb_ierr = (call);                                                \
    if (wb_ierr) fail_msg("%s failed (%d): %s", #call, (int)wb_ierr, wb_error_message()); \
  } while (0)

/* On several ranks an assertion may fail on one of them alone, while the others wait for its next message: cmocka then
 * ends the process, and mpirun the others, instead of going on to the next test. */
static inline void wb_test_stop_at_failure(void) {
  int size = 1;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  if (size > 1) setenv("CMOCKA_TEST_ABORT", "1", 0);
}

/* main() of a test program: WB_TEST_MAIN(cmocka_unit_test(a), cmocka_unit_test(b)) */
#define WB_TEST_MAIN(...)                                                \
  int main(int argc, char **argv) {                                      \
    if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;             \
    wb_error_install();                                                  \
    wb_test_stop_at_failure();                                           \
    const struct CMUnitTest tests[] = {__VA_ARGS__};                     \
    int failed = cmocka_run_group_tests(tests, NULL, NULL);              \
    int any = 0;                                                         \
    MPI_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, PETSC_COMM_WORLD); \
    if (PetscFinalize()) return 1;                                       \
    return any;                                                          \
  }
#endif
