/* Decomposition, conformal refinement and remapping. */
#include <string.h>

#include "wb_test.h"
#include "windbridge/grid.h"

static void check_cover(const WbGrid *g) {
  long long mine = (long long)g->nxl * g->nyl, all = 0;
  MPI_Allreduce(&mine, &all, 1, MPI_LONG_LONG, MPI_SUM, PETSC_COMM_WORLD);
  assert_int_equal(all, (long long)g->nx * g->ny);
  assert_int_equal(g->px * g->py, g->size);
  assert_int_equal(g->rank, g->iy * g->px + g->ix);
  assert_int_equal(g->x_starts[0], 0);
  assert_int_equal(g->y_starts[g->py], g->ny);
  assert_true(g->nxl > 0 && g->nyl > 0);
  int row_size, col_size, row_rank, col_rank;
  MPI_Comm_size(g->row_comm, &row_size);
  MPI_Comm_size(g->col_comm, &col_size);
  MPI_Comm_rank(g->row_comm, &row_rank);
  MPI_Comm_rank(g->col_comm, &col_rank);
  assert_int_equal(row_size, g->px);
  assert_int_equal(col_size, g->py);
  assert_int_equal(row_rank, g->ix);
  assert_int_equal(col_rank, g->iy);
}

static void test_create(void **state) {
  const int sizes[][3] = {{16, 16, 1}, {13, 7, 1}, {24, 40, 4}, {4, 64, 2}};
  for (int s = 0; s < 4; s++) {
    WbGrid *g;
    WB_OK(wb_grid_create(PETSC_COMM_WORLD, sizes[s][0], sizes[s][1], 5, sizes[s][2], 0, 0, true, false, &g));
    check_cover(g);
    assert_int_equal(g->x0 % sizes[s][2], 0);
    assert_int_equal(g->nyl % sizes[s][2], 0);
    assert_true(g->py >= g->px);
    wb_grid_destroy(&g);
  }
}

/* A part of more than 2^31 cells would overflow the lists of cells; nothing of that size is allocated to find out. */
static void too_large(void **state) {
  (void)state;
  WbGrid *g = NULL;
  int size;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  wb_error_clear();
  assert_int_equal(
      wb_error_exit_code(wb_grid_create(PETSC_COMM_WORLD, 25000 * size, 25000, 32, 1, size, 1, false, false, &g)), 2);
  assert_non_null(strstr(wb_error_message(), "use more ranks"));
  wb_error_clear();
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, 1250 * size, 1250, 32, 1, size, 1, false, false, &g));
  WbGrid *fine = NULL;
  assert_int_equal(wb_error_exit_code(wb_grid_refine(g, 20, 32, &fine)), 2);
  assert_null(fine);
  wb_error_clear();
  wb_grid_destroy(&g);
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, 5000 * size, 5000, 64, 4, size, 1, false, false, &g));
  assert_true(wb_grid_owned(g) == (size_t)5000 * 5000 * 64);
  wb_grid_destroy(&g);
}

/* Rows stay whole, but in no thin pieces. */
static void test_whole_rows(void **state) {
  int size;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  WbGrid *g;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, 128, 128, 5, 1, 0, 0, true, false, &g));
  assert_int_equal(g->px, 1);
  wb_grid_destroy(&g);
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, 40, 40, 5, 1, 0, 0, true, false, &g));
  assert_int_equal(g->px, size < 4 ? 1 : 2);
  wb_grid_destroy(&g);
}

static void test_explicit_and_errors(void **state) {
  int size;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  WbGrid *g;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, 12, 12, 1, 1, size, 1, false, false, &g));
  assert_int_equal(g->px, size);
  check_cover(g);
  wb_grid_destroy(&g);
  assert_int_equal(wb_grid_create(PETSC_COMM_WORLD, 12, 12, 1, 1, size + 1, 1, false, false, &g), WB_ERR_CONFIG);
  assert_null(g);
  wb_error_clear();
  assert_int_equal(wb_grid_create(PETSC_COMM_WORLD, 10, 12, 1, 4, 0, 0, false, false, &g), WB_ERR_CONFIG);
  wb_error_clear();
  if (size > 1) { /* a single block cannot be shared */
    assert_int_equal(wb_grid_create(PETSC_COMM_WORLD, 4, 4, 1, 4, 0, 0, false, false, &g), WB_ERR_CONFIG);
    assert_true(wb_error_is_collective());
    assert_non_null(strstr(wb_error_message(), "ranks"));
    wb_error_clear();
  }
}

/* Which numbers of ranks can share a grid, as the message of a number that cannot says. */
static void test_fitting_ranks(void **state) {
  const WbGridCut four = {.nx = 4, .ny = 4, .align = 1, .least = 1},
                  twelve = {.nx = 12, .ny = 12, .align = 1, .least = 1},
                  halo = {.nx = 4, .ny = 4, .align = 1, .least = 2},
                  blocks = {.nx = 16, .ny = 8, .align = 4, .least = 1};
  char text[256];
  wb_grid_fitting_ranks(5, 1, &four, text, sizeof text);
  assert_string_equal(text, "1 to 4, 6, 8, 9, 12, 16");
  assert_false(wb_grid_fits(5, 1, &four));
  assert_false(wb_grid_fits(13, 1, &twelve));
  wb_grid_fitting_ranks(13, 1, &twelve, text, sizeof text);
  assert_string_equal(text, "7 to 12, 14 to 16, 18, 20, 21");
  wb_grid_fitting_ranks(1, 1, &halo, text, sizeof text);
  assert_string_equal(text, "1, 2, 4");
  wb_grid_fitting_ranks(1, 1, &blocks, text, sizeof text);
  assert_string_equal(text, "1 to 4, 6, 8");
  const WbGridCut both[2] = {twelve, four};
  wb_grid_fitting_ranks(1, 2, both, text, sizeof text);
  assert_string_equal(text, "1 to 4, 6, 8, 9, 12, 16");
  int size;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  WbGrid *g;
  if (size == 4) { /* three columns cannot be cut in four */
    assert_int_equal(wb_grid_create(PETSC_COMM_WORLD, 3, 1, 1, 1, 0, 0, false, false, &g), WB_ERR_CONFIG);
    assert_non_null(strstr(wb_error_message(), "numbers that fit: 1 to 3"));
    wb_error_clear();
  }
}

static void test_refine(void **state) {
  WbGrid *lr, *hr, *back;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, 14, 11, 8, 1, 0, 0, true, true, &lr));
  lr->x_min_m = 100.0, lr->dx_m = 20.0;
  WB_OK(wb_grid_refine(lr, 4, 32, &hr));
  check_cover(hr);
  assert_int_equal(hr->nx, 56);
  assert_int_equal(hr->nz, 32);
  assert_int_equal(hr->x0, 4 * lr->x0);
  assert_int_equal(hr->nyl, 4 * lr->nyl);
  WB_ASSERT_NEAR(hr->dx_m, 5.0, 0.0);
  WB_ASSERT_NEAR(hr->x_min_m, 100.0, 0.0);
  assert_true(hr->periodic_y);
  WB_OK(wb_grid_refine(hr, -4, 8, &back));
  assert_int_equal(back->nx, lr->nx);
  assert_int_equal(back->y0, lr->y0);
  wb_grid_destroy(&back);
  assert_int_equal(wb_grid_refine(lr, -4, 8, &back), WB_ERR_CONFIG);
  assert_null(back);
  wb_error_clear();
  wb_grid_destroy(&hr);
  wb_grid_destroy(&lr);
}

/* The voxel number of the source cell, with the component in the fraction. */
static void check_remap(int components, int k_off, int j_off, int i_off) {
  WbGrid *src, *dst;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, 17, 13, 6, 1, 0, 0, false, false, &src));
  int size;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, 9, 8, 4, 1, size, 1, false, false, &dst));
  float *from, *to;
  WB_OK(WB_ALLOC(wb_grid_owned(src) * (size_t)components, &from));
  WB_OK(WB_CALLOC(wb_grid_owned(dst) * (size_t)components, &to));
  size_t n = 0;
  for (int k = 0; k < src->nz; k++)
    for (int j = 0; j < src->nyl; j++)
      for (int i = 0; i < src->nxl; i++)
        for (int m = 0; m < components; m++) from[n++] = (float)wb_grid_voxel(src, k, j, i) + 0.125f * (float)m;
  WbRemap remap;
  WB_OK(wb_remap_create(src, dst, k_off, j_off, i_off, components, &remap));
  for (int repeat = 0; repeat < 2; repeat++) WB_OK(wb_remap_apply(remap, from, to));
  n = 0;
  for (int k = 0; k < dst->nz; k++)
    for (int j = 0; j < dst->nyl; j++)
      for (int i = 0; i < dst->nxl; i++)
        for (int m = 0; m < components; m++) {
          const int voxel = ((k + k_off) * src->ny + dst->y0 + j + j_off) * src->nx + dst->x0 + i + i_off;
          WB_ASSERT_NEAR(to[n++], (float)voxel + 0.125f * (float)m, 0.0);
        }
  wb_remap_destroy(&remap);
  assert_null(remap);
  assert_int_equal(wb_remap_create(src, dst, 3, 0, 0, 1, &remap), WB_ERR_CONFIG);
  assert_null(remap);
  wb_error_clear();
  WB_FREE(&from);
  WB_FREE(&to);
  wb_grid_destroy(&dst);
  wb_grid_destroy(&src);
}

static void test_remap(void **state) {
  check_remap(1, 0, 0, 0);
  check_remap(4, 2, 5, 8);
}

WB_TEST_MAIN(cmocka_unit_test(test_create), cmocka_unit_test(too_large), cmocka_unit_test(test_whole_rows),
             cmocka_unit_test(test_explicit_and_errors), cmocka_unit_test(test_fitting_ranks),
             cmocka_unit_test(test_refine), cmocka_unit_test(test_remap))
