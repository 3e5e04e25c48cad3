/* A grid knows its place, spacing, index and heights from birth, and so do the grids made from it. */
#include "wb_test.h"

#include <stdlib.h>

#include "windbridge/grid.h"

static void made_in_its_place(void **state) {
  (void)state;
  const WbGridShape shape = {.nx = 12, .ny = 8, .nz = 3, .dx_m = 20, .x_min_m = -340, .y_min_m = 70, .align = 4};
  WbGrid *coarse = NULL, *fine = NULL, *back = NULL;
  WB_OK(wb_grid_make(PETSC_COMM_SELF, &shape, &coarse));
  WB_OK(wb_grid_refine(coarse, 4, 5, &fine));
  WB_OK(wb_grid_refine(fine, -2, 2, &back));
  WbGrid *const grids[3] = {coarse, fine, back};
  const double dx[3] = {20, 5, 10};
  for (int n = 0; n < 3; n++) {
    WB_ASSERT_NEAR(grids[n]->dx_m, dx[n], 0);
    WB_ASSERT_NEAR(wb_grid_west(grids[n]), -340, 0);
    WB_ASSERT_NEAR(wb_grid_south(grids[n]), 70, 0);
    assert_int_equal(grids[n]->nx, (int)(240 / dx[n]));
    assert_false(grids[n]->periodic_x || grids[n]->periodic_y);
  }
  wb_grid_destroy(&back);
  wb_grid_destroy(&fine);
  wb_grid_destroy(&coarse);
}

/* The second of two boxes in x begins in the middle. */
static void corner_of_the_owned_box(void **state) {
  (void)state;
  const WbGrid half = {.nx = 8, .ny = 4, .nz = 2, .x0 = 4, .y0 = 1, .nxl = 4, .nyl = 3, .x_min_m = 100, .dx_m = 2.5};
  WB_ASSERT_NEAR(wb_grid_west(&half), 110, 0);
  WB_ASSERT_NEAR(wb_grid_south(&half), 2.5, 0);
  assert_int_equal(wb_grid_at(&half, 1, 2, 3), 23);
  assert_int_equal(wb_grid_owned(&half), 24);
  const WbLayout ghosted = wb_layout(&half, 2);
  assert_int_equal(wb_layout_at(&ghosted, -1, -2, -2), 0);
  assert_int_equal(wb_layout_at(&ghosted, 2, 4, 5), ghosted.field - 1);
}

static void heights(void **state) {
  (void)state;
  double zf[4], z[3];
  wb_grid_heights(3, 20, zf, z);
  for (int k = 0; k <= 3; k++) WB_ASSERT_NEAR(zf[k], 20 * k, 0);
  for (int k = 0; k < 3; k++) WB_ASSERT_NEAR(z[k], 20 * k + 10, 0);
}

/* What does not fit is refused, whatever is left 0. */
static void refused(void **state) {
  (void)state;
  const WbGridShape bad[] = {
      {.nx = 10, .ny = 8, .nz = 1, .align = 4}, {.nx = 8, .nz = 1}, {.nx = 8, .ny = 8, .nz = 1, .px = 2}};
  for (size_t n = 0; n < sizeof bad / sizeof *bad; n++) {
    WbGrid *grid = NULL;
    assert_int_equal(wb_grid_make(PETSC_COMM_SELF, &bad[n], &grid), WB_ERR_CONFIG);
    assert_null(grid);
    wb_error_clear();
  }
}

WB_TEST_MAIN(cmocka_unit_test(made_in_its_place), cmocka_unit_test(corner_of_the_owned_box), cmocka_unit_test(heights),
             cmocka_unit_test(refused))
