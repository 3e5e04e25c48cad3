/* Halo exchange: analytic ghost values with corners, adjoint identity, one exchange in flight, speed beside PetscSF. */
#include "wb_test.h"
#include "windbridge/grid.h"

typedef struct {
  int nx, ny, levels, width, components;
  bool periodic_x, periodic_y;
} Case;

static int wrap(int n, int size) {
  return ((n % size) + size) % size;
}

/* Distinct for every global cell, level and component, exact in float. */
static double cell_value(const Case *c, int k, int j, int i, int m) {
  return 1.0 + m + c->components * (i + c->nx * (double)(j + c->ny * k));
}

static size_t at(const WbGrid *g, const Case *c, int k, int j, int i) { /* j, i from -width */
  const int nxg = g->nxl + 2 * c->width, nyg = g->nyl + 2 * c->width;
  return (((size_t)k * (size_t)nyg + (size_t)(j + c->width)) * (size_t)nxg + (size_t)(i + c->width)) *
         (size_t)c->components;
}

static size_t ghosted_size(const WbGrid *g, const Case *c) {
  return at(g, c, c->levels, -c->width, -c->width);
}

static bool is_owned(const WbGrid *g, int j, int i) {
  return j >= 0 && j < g->nyl && i >= 0 && i < g->nxl;
}

/* Does a ghost have an owner (inside the domain or wrapped)? */
static bool has_owner(const WbGrid *g, const Case *c, int j, int i) {
  const int jg = g->y0 + j, ig = g->x0 + i;
  return (c->periodic_x || (ig >= 0 && ig < c->nx)) && (c->periodic_y || (jg >= 0 && jg < c->ny));
}

static void put(void *a, WbPrecision type, size_t n, double v) {
  if (type == WB_FP32)
    ((float *)a)[n] = (float)v;
  else
    ((double *)a)[n] = v;
}
static double get(const void *a, WbPrecision type, size_t n) {
  return type == WB_FP32 ? (double)((const float *)a)[n] : ((const double *)a)[n];
}

static void check_fill(const Case *c, WbPrecision type) {
  WbGrid *g;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, c->nx, c->ny, c->levels, 1, 0, 0, c->periodic_x, c->periodic_y, &g));
  WbHalo halo;
  WB_OK(wb_halo_create(g, c->levels, c->width, c->components, type, &halo));
  double *storage; /* large enough for either type */
  WB_OK(WB_ALLOC(ghosted_size(g, c), &storage));
  for (size_t n = 0; n < ghosted_size(g, c); n++) put(storage, type, n, -7.0);
  for (int k = 0; k < c->levels; k++)
    for (int j = 0; j < g->nyl; j++)
      for (int i = 0; i < g->nxl; i++)
        for (int m = 0; m < c->components; m++)
          put(storage, type, at(g, c, k, j, i) + (size_t)m, cell_value(c, k, g->y0 + j, g->x0 + i, m));
  for (int repeat = 0; repeat < 2; repeat++) WB_OK(wb_halo_exchange(halo, storage));
  for (int k = 0; k < c->levels; k++)
    for (int j = -c->width; j < g->nyl + c->width; j++)
      for (int i = -c->width; i < g->nxl + c->width; i++)
        for (int m = 0; m < c->components; m++) {
          const double want =
              has_owner(g, c, j, i) ? cell_value(c, k, wrap(g->y0 + j, c->ny), wrap(g->x0 + i, c->nx), m) : -7.0;
          WB_ASSERT_NEAR(get(storage, type, at(g, c, k, j, i) + (size_t)m), want, 0.0);
        }
  WB_FREE(&storage);
  wb_halo_destroy(&halo);
  wb_grid_destroy(&g);
  assert_null(halo);
  assert_null(g);
}

static void test_fill(void **state) {
  const int components[] = {1, 5};
  for (int edges = 0; edges < 4; edges++)
    for (int width = 1; width <= 3; width++)
      for (int m = 0; m < 2; m++) {
        const Case c = {13, 11, 3, width, components[m], edges & 1, (edges & 2) != 0};
        check_fill(&c, WB_FP32);
        check_fill(&c, WB_FP64);
      }
}

/* <y, H x> = <H^T y, x>: x lives on owned cells, y everywhere. The forward leaves the ghosts without owner alone, so
 * they count as zero. */
static void check_adjoint(const Case *c, WbPrecision type, double tol) {
  WbGrid *g;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, c->nx, c->ny, c->levels, 1, 0, 0, c->periodic_x, c->periodic_y, &g));
  WbHalo halo;
  WB_OK(wb_halo_create(g, c->levels, c->width, c->components, type, &halo));
  double *x, *y;
  WB_OK(WB_CALLOC(ghosted_size(g, c), &x));
  WB_OK(WB_CALLOC(ghosted_size(g, c), &y));
  WbRandomKey key = {7, WB_STREAM_TEST, 0, 0, 0, false};
  double *x0, *y0;
  WB_OK(WB_CALLOC(ghosted_size(g, c), &x0));
  WB_OK(WB_CALLOC(ghosted_size(g, c), &y0));
  for (int k = 0; k < c->levels; k++)
    for (int j = -c->width; j < g->nyl + c->width; j++)
      for (int i = -c->width; i < g->nxl + c->width; i++)
        for (int m = 0; m < c->components; m++) {
          const size_t n = at(g, c, k, j, i) + (size_t)m;
          double u[4];
          wb_random_uniform4(&key, n + ((uint64_t)g->rank << 30), u);
          x0[n] = is_owned(g, j, i) ? (float)(u[0] - 0.5) : 0.0;
          y0[n] = (float)(u[1] - 0.3);
          put(x, type, n, x0[n]);
          put(y, type, n, y0[n]);
        }
  WB_OK(wb_halo_exchange(halo, x));
  WB_OK(wb_halo_adjoint(halo, y));
  double sums[3] = {0, 0, 0}, all[3];
  for (int k = 0; k < c->levels; k++)
    for (int j = -c->width; j < g->nyl + c->width; j++)
      for (int i = -c->width; i < g->nxl + c->width; i++)
        for (int m = 0; m < c->components; m++) {
          const size_t n = at(g, c, k, j, i) + (size_t)m;
          const double hx = get(x, type, n), hty = get(y, type, n);
          sums[0] += y0[n] * hx;
          sums[1] += hty * x0[n];
          sums[2] += fabs(y0[n] * hx);
          if (!is_owned(g, j, i)) WB_ASSERT_NEAR(hty, 0.0, 0.0);
        }
  MPI_Allreduce(sums, all, 3, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  WB_ASSERT_BELOW(fabs(all[0] - all[1]) / all[2], tol);
  WB_FREE(&x);
  WB_FREE(&y);
  WB_FREE(&x0);
  WB_FREE(&y0);
  wb_halo_destroy(&halo);
  wb_grid_destroy(&g);
}

static void test_adjoint(void **state) {
  const int components[] = {1, 5};
  for (int edges = 0; edges < 4; edges++)
    for (int width = 1; width <= 3; width++)
      for (int m = 0; m < 2; m++) {
        const Case c = {13, 7, 2, width, components[m], edges & 1, (edges & 2) != 0};
        check_adjoint(&c, WB_FP64, 1e-14);
        check_adjoint(&c, WB_FP32, 1e-6);
      }
}

/* Two halos of one grid in flight at once do not mix. */
static void test_overlap(void **state) {
  const Case c = {9, 8, 2, 1, 1, true, true};
  WbGrid *g;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, c.nx, c.ny, c.levels, 1, 0, 0, true, true, &g));
  WbHalo halo[2];
  double *a[2];
  for (int h = 0; h < 2; h++) {
    WB_OK(wb_halo_create(g, c.levels, 1, 1, WB_FP64, &halo[h]));
    WB_OK(WB_CALLOC(ghosted_size(g, &c), &a[h]));
    for (int k = 0; k < c.levels; k++)
      for (int j = 0; j < g->nyl; j++)
        for (int i = 0; i < g->nxl; i++)
          a[h][at(g, &c, k, j, i)] = 1e6 * h + cell_value(&c, k, g->y0 + j, g->x0 + i, 0);
  }
  for (int h = 0; h < 2; h++) WB_OK(wb_halo_begin(halo[h], a[h]));
  assert_int_not_equal(wb_halo_begin(halo[0], a[0]), 0); /* refused, not mixed */
  wb_error_clear();
  for (int h = 1; h >= 0; h--) WB_OK(wb_halo_end(halo[h], a[h]));
  for (int h = 0; h < 2; h++) {
    for (int k = 0; k < c.levels; k++)
      for (int j = -1; j <= g->nyl; j++)
        for (int i = -1; i <= g->nxl; i++)
          WB_ASSERT_NEAR(a[h][at(g, &c, k, j, i)],
                         1e6 * h + cell_value(&c, k, wrap(g->y0 + j, c.ny), wrap(g->x0 + i, c.nx), 0), 0.0);
    WB_FREE(&a[h]);
    wb_halo_destroy(&halo[h]);
  }
  wb_grid_destroy(&g);
}

static void test_too_wide(void **state) {
  WbGrid *g;
  WbHalo halo = NULL;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, 4, 4, 1, 1, 0, 0, true, true, &g));
  assert_int_equal(wb_halo_create(g, 1, 5, 1, WB_FP32, &halo), WB_ERR_CONFIG);
  assert_true(wb_error_is_collective());
  assert_null(halo);
  wb_error_clear();
  wb_grid_destroy(&g);
}

WB_TEST_MAIN(cmocka_unit_test(test_fill), cmocka_unit_test(test_adjoint), cmocka_unit_test(test_overlap),
             cmocka_unit_test(test_too_wide))
