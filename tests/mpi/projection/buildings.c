/* Projection in random cities: divergence in every fluid cell, closed faces, idempotence, energy, ranks, errors. */
#include "wb_test.h"

#include <stdlib.h>
#include <string.h>

#include "windbridge/projection.h"

enum { NX = 32, NY = 28, NZ = 12, BLOCK = 4, GHOST = 2 };
static const double DX = 5.0;

typedef struct {
  bool periodic;
  double density; /* fraction of blocks built */
  uint32_t seed;
} City;

typedef struct {
  WbGrid *grid;
  City city;
  WbLayout lay;
  double zf[NZ + 1];
  uint8_t *solid;
  WbPrecision precision;
  WbProject project;
  WbHalo halo;
  double *field[3]; /* before, in double */
  void *real[3];    /* of the precision */
} Case;

static double uniform(uint32_t seed, uint64_t n) {
  const WbRandomKey key = {.seed = seed, .stream = WB_STREAM_TEST};
  double u[4];
  wb_random_uniform4(&key, n, u);
  return u[0];
}

/* Levels of a block; drawn once per city, since it is asked for at every face. */
static int block_height(const City *city, int j, int i) {
  static int height[NY / BLOCK][NX / BLOCK];
  static City drawn;
  if (city->seed != drawn.seed || city->density != drawn.density)
    for (int b = 0; b < (NY / BLOCK) * (NX / BLOCK); b++) {
      const uint64_t n = 2 * (uint64_t)b;
      const bool built = uniform(city->seed, n) < city->density;
      height[b / (NX / BLOCK)][b % (NX / BLOCK)] = built ? 1 + (int)(8 * uniform(city->seed, n + 1)) : 0;
    }
  drawn = *city;
  return height[j][i];
}

/* Blocks of 4 x 4 cells, 1 to 8 levels high; a roofed box with a hole inside (sealed courtyard) and one cell-thick
 * wall. */
static bool is_solid(const City *city, int k, int j, int i) {
  if (k < 0) return true;
  if (k >= NZ) return false;
  if (city->periodic) {
    i = (i + NX) % NX;
    j = (j + NY) % NY;
  }
  if (i < 0 || i >= NX || j < 0 || j >= NY) return true;
  if (!city->periodic && (i < 2 || i >= NX - 2 || j < 2 || j >= NY - 2)) return false; /* nothing built at the sides */
  if (i >= 13 && i <= 18 && j >= 11 && j <= 16 && k <= 4) /* walls and roof around 4 x 4 x 3 cells, ground open */
    return i == 13 || i == 18 || j == 11 || j == 16 || k > 2;
  if (i == 22 && k < 6) return true;
  return k < block_height(city, j / BLOCK, i / BLOCK);
}

/* Face of direction d on the low side of cell (k, j, i), indices possibly one beyond the domain. */
static bool is_prescribed(const City *city, int d, int j, int i) {
  return !city->periodic && ((d == 0 && (i == 0 || i == NX)) || (d == 1 && (j == 0 || j == NY)));
}

static bool is_open(const City *city, int d, int k, int j, int i) {
  return !is_solid(city, k, j, i) && !is_solid(city, k - (d == 2), j - (d == 1), i - (d == 0)) && k < NZ;
}

static double initial(const City *city, int d, int k, int j, int i) {
  if (is_prescribed(city, d, j, i)) return d == 0 ? 1.0 : -0.5;
  if (!is_open(city, d, k, j, i)) return 0;
  const int jj = (j + NY) % NY, ii = (i + NX) % NX;
  const double mean = d == 0 ? 1.0 : (d == 1 ? -0.5 : 0.0);
  return mean +
         2 * uniform(city->seed + 17, (((uint64_t)d * NZ + (uint64_t)k) * NY + (uint64_t)jj) * NX + (uint64_t)ii) - 1;
}

static double get(const Case *c, int d, size_t at) {
  return c->precision == WB_FP32 ? (double)((float *)c->real[d])[at] : ((double *)c->real[d])[at];
}

static void put(Case *c, int d, size_t at, double value) {
  if (c->precision == WB_FP32) {
    ((float *)c->real[d])[at] = (float)value;
  } else {
    ((double *)c->real[d])[at] = value;
  }
}

static void layout(Case *c) {
  WbLayout *l = &c->lay;
  l->nz = NZ;
  l->nyl = c->grid->nyl;
  l->nxl = c->grid->nxl;
  l->g = GHOST;
  l->sy = l->nxl + 2 * l->g;
  l->sz = (size_t)l->sy * (size_t)(l->nyl + 2 * l->g);
  l->field = (size_t)(NZ + 2) * l->sz;
}

static void fill(Case *c) {
  for (int d = 0; d < 3; d++)
    for (int k = 0; k <= NZ; k++)
      for (int j = 0; j <= c->grid->nyl; j++)
        for (int i = 0; i <= c->grid->nxl; i++)
          put(c, d, wb_layout_at(&c->lay, k, j, i), initial(&c->city, d, k, c->grid->y0 + j, c->grid->x0 + i));
  for (int d = 0; d < 3; d++)
    for (size_t at = 0; at < c->lay.field; at++) c->field[d][at] = get(c, d, at);
}

static Case make(MPI_Comm comm, City city, WbPrecision precision) {
  Case c = {.city = city, .precision = precision};
  const double thickness = 3;
  WB_OK(wb_grid_create(comm, NX, NY, NZ, 1, 0, 0, city.periodic, city.periodic, &c.grid));
  for (int k = 0; k < NZ; k++) c.zf[k + 1] = c.zf[k] + thickness * pow(1.1, k);
  layout(&c);
  c.solid = calloc(wb_grid_owned(c.grid), 1);
  assert_non_null(c.solid);
  size_t n = 0;
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < c.grid->nyl; j++)
      for (int i = 0; i < c.grid->nxl; i++) c.solid[n++] = is_solid(&city, k, c.grid->y0 + j, c.grid->x0 + i);
  for (int d = 0; d < 3; d++) {
    c.field[d] = calloc(c.lay.field, sizeof(double));
    c.real[d] = calloc(c.lay.field, sizeof(double));
    assert_true(c.field[d] && c.real[d]);
  }
  WB_OK(wb_project_create(c.grid, GHOST, DX, c.zf, c.solid, NULL, precision, &c.project));
  WB_OK(wb_halo_create(c.grid, NZ + 2, GHOST, 1, precision, &c.halo));
  fill(&c);
  return c;
}

static void drop(Case *c) {
  for (int d = 0; d < 3; d++) {
    free(c->field[d]);
    free(c->real[d]);
  }
  free(c->solid);
  wb_halo_destroy(&c->halo);
  wb_project_destroy(&c->project);
  wb_grid_destroy(&c->grid);
}

static PetscErrorCode project_slot(Case *c, double tol, int slot, int *iterations, double *max_div) {
  return wb_project_apply(c->project, c->real[0], c->real[1], c->real[2], 0.5, tol, 100, slot, iterations, max_div);
}

static PetscErrorCode project(Case *c, double tol, int *iterations, double *max_div) {
  return project_slot(c, tol, 2, iterations, max_div);
}

/* Largest |div| over fluid cells from refreshed ghosts, computed here in double. */
static double divergence(Case *c) {
  double worst = 0, all;
  for (int d = 0; d < 3; d++) WB_OK(wb_halo_exchange(c->halo, c->real[d]));
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < c->grid->nyl; j++)
      for (int i = 0; i < c->grid->nxl; i++) {
        if (c->solid[((size_t)k * (size_t)c->grid->nyl + (size_t)j) * (size_t)c->grid->nxl + (size_t)i]) continue;
        const size_t at = wb_layout_at(&c->lay, k, j, i);
        const double div =
            (get(c, 0, at + 1) - get(c, 0, at) + get(c, 1, at + (size_t)c->lay.sy) - get(c, 1, at)) / DX +
            (get(c, 2, at + c->lay.sz) - get(c, 2, at)) / (c->zf[k + 1] - c->zf[k]);
        if (!(fabs(div) <= worst)) worst = fabs(div);
      }
  MPI_Allreduce(&worst, &all, 1, MPI_DOUBLE, MPI_MAX, c->grid->comm);
  return all;
}

/* Kinetic energy of owned faces, weighted with the volume between the adjoining centres; closed faces must hold 0,
 * prescribed ones their value. */
static double energy_and_faces(Case *c) {
  double sum = 0, all;
  for (int d = 0; d < 3; d++)
    for (int k = 0; k < NZ; k++)
      for (int j = 0; j < c->grid->nyl; j++)
        for (int i = 0; i < c->grid->nxl; i++) {
          const int gj = c->grid->y0 + j, gi = c->grid->x0 + i;
          const double value = get(c, d, wb_layout_at(&c->lay, k, j, i));
          if (is_prescribed(&c->city, d, gj, gi)) {
            WB_ASSERT_NEAR(value, initial(&c->city, d, k, gj, gi), 0);
          } else if (!is_open(&c->city, d, k, gj, gi)) {
            WB_ASSERT_NEAR(value, 0, 0);
          } else {
            sum += value * value * (d == 2 ? (c->zf[k + 1] - c->zf[k - 1]) / 2 : c->zf[k + 1] - c->zf[k]);
          }
        }
  MPI_Allreduce(&sum, &all, 1, MPI_DOUBLE, MPI_SUM, c->grid->comm);
  return all;
}

static void check_city(City city, WbPrecision precision) {
  Case c = make(PETSC_COMM_WORLD, city, precision);
  const double tol = precision == WB_FP64 ? 1e-10 : 1e-5 * 1.5 / DX;
  int iterations, again;
  double max_div;
  const double before = energy_and_faces(&c);
  assert_true(divergence(&c) > 0.1);
  WB_OK(project(&c, tol, &iterations, &max_div));
  assert_true(iterations > 0 && iterations < 60);
  WB_ASSERT_NEAR(max_div, divergence(&c), tol * 0.05);
  WB_ASSERT_BELOW(divergence(&c), tol * 1.01);
  if (city.periodic) WB_ASSERT_BELOW(energy_and_faces(&c), before); /* through open sides energy may enter */
  (void)energy_and_faces(&c);
  for (int d = 0; d < 3; d++)
    for (size_t at = 0; at < c.lay.field; at++) c.field[d][at] = get(&c, d, at);
  WB_OK(project(&c, tol * 1.02, &again, &max_div));
  assert_int_equal(again, 0);
  for (int d = 0; d < 3; d++)
    for (size_t at = 0; at < c.lay.field; at++) WB_ASSERT_NEAR(get(&c, d, at), c.field[d][at], 0);
  fill(&c); /* the same input in the next step's first stage: the warm start leaves little to do */
  WB_OK(project_slot(&c, tol, 0, &again, &max_div));
  assert_true(again < iterations / 2);
  drop(&c);
}

static void test_cities(void **state) {
  (void)state;
  for (int variant = 0; variant < 8; variant++)
    check_city((City){(variant & 1) != 0, variant & 4 ? 0.5 : 0.1, 5 + (uint32_t)variant},
               variant & 2 ? WB_FP32 : WB_FP64);
}

static void test_ranks(void **state) {
  (void)state;
  for (int periodic = 0; periodic < 2; periodic++) {
    const City city = {periodic != 0, 0.35, 3};
    Case c = make(PETSC_COMM_WORLD, city, WB_FP64), alone = make(PETSC_COMM_SELF, city, WB_FP64);
    int iterations;
    double max_div, worst = 0;
    WB_OK(project(&c, 1e-12, &iterations, &max_div));
    WB_OK(project(&alone, 1e-12, &iterations, &max_div));
    for (int d = 0; d < 3; d++)
      for (int k = 0; k < NZ; k++)
        for (int j = 0; j < c.grid->nyl; j++)
          for (int i = 0; i < c.grid->nxl; i++) {
            const double err = fabs(get(&c, d, wb_layout_at(&c.lay, k, j, i)) -
                                    get(&alone, d, wb_layout_at(&alone.lay, k, c.grid->y0 + j, c.grid->x0 + i)));
            if (!(err <= worst)) worst = err;
          }
    WB_ASSERT_BELOW(worst, 1e-10);
    drop(&c);
    drop(&alone);
  }
}

static void test_flat(void **state) {
  (void)state;
  for (int variant = 0; variant < 2; variant++) {
    const WbPrecision precision = variant ? WB_FP32 : WB_FP64;
    Case c = make(PETSC_COMM_WORLD, (City){true, 0, 1}, precision);
    int iterations = -1;
    double max_div;
    wb_project_destroy(&c.project);
    memset(c.solid, 0, wb_grid_owned(c.grid));
    WB_OK(wb_project_create(c.grid, GHOST, DX, c.zf, NULL, NULL, precision, &c.project));
    WB_OK(project(&c, variant ? 1e-5 / DX : 1e-12, &iterations, &max_div));
    assert_int_equal(iterations, 0);
    WB_ASSERT_BELOW(divergence(&c), variant ? 1.01e-5 / DX : 1.05e-12);
    drop(&c);
  }
}

static void test_errors(void **state) {
  (void)state;
  Case c = make(PETSC_COMM_WORLD, (City){false, 0.3, 2}, WB_FP32);
  int iterations;
  double max_div;
  if (c.grid->ix == 0) /* 1 % more comes in than goes out */
    for (int k = 0; k < NZ; k++)
      for (int j = 0; j < c.grid->nyl; j++) put(&c, 0, wb_layout_at(&c.lay, k, j, 0), 1.01);
  assert_int_equal(project(&c, 1e-6, &iterations, &max_div), WB_ERR_NUMERIC);
  assert_non_null(strstr(wb_error_message(), "net flux"));
  assert_true(wb_error_is_collective());
  wb_error_clear();
  fill(&c);
  if (c.grid->rank == 0) put(&c, 2, wb_layout_at(&c.lay, NZ - 2, 1, 1), NAN);
  assert_int_equal(project(&c, 1e-6, &iterations, &max_div), WB_ERR_NUMERIC);
  assert_non_null(strstr(wb_error_message(), "not a number"));
  wb_error_clear();
  fill(&c);
  assert_int_equal(project(&c, 1e-15, &iterations, &max_div), WB_ERR_NUMERIC); /* out of reach of single precision */
  assert_non_null(strstr(wb_error_message(), "iterations"));
  wb_error_clear();
  drop(&c);
}

WB_TEST_MAIN(cmocka_unit_test(test_cities), cmocka_unit_test(test_ranks), cmocka_unit_test(test_flat),
             cmocka_unit_test(test_errors))
