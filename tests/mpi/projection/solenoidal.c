/* Winds at cell centres made solenoidal: what has no divergence stays, a gradient is removed, the reported divergence
 * of the faces holds in a city, the rank count does not matter, errors. */
#include "windbridge/projection.h"

#include <stdlib.h>
#include <string.h>

#include "wb_test.h"

enum { NX = 48, NY = 40, NZ = 16, C = 4 };
static const double DX = 5.0;

typedef struct {
  WbGrid *grid;
  uint8_t *fluid;
  float *field;
  WbSolenoidal solenoidal;
} Case;

typedef void (*Wind)(double x, double y, double z, double wind[3]);

static bool block(int k, int j, int i) {
  return k < 4 + 2 * ((i / 8 + j / 8) % 4) && i % 8 < 4 && j % 8 < 4 && i > 4 && j > 4;
}

static bool room(int k, int j, int i) { /* at the western side, under a roof, without a way out */
  return i < 2 && j < 4 && k < 2 && i < 1 && j > 0 && j < 3 && k < 1;
}

static bool built(int k, int j, int i) {
  if (i < 2 && j < 4 && k < 2) return !room(k, j, i);
  return block(k, j, i);
}

/* px: ranks along x, 0: as the grid likes */
static Case make_cut(MPI_Comm comm, int px, bool city, Wind wind) {
  Case c;
  WB_OK(wb_grid_create(comm, NX, NY, NZ, 4, px, px ? 1 : 0, false, false, &c.grid));
  c.grid->dx_m = DX;
  c.fluid = malloc(wb_grid_owned(c.grid));
  c.field = malloc(wb_grid_owned(c.grid) * C * sizeof(float));
  assert_true(c.fluid && c.field);
  size_t n = 0;
  for (int k = 0; k < NZ; k++)
    for (int j = c.grid->y0; j < c.grid->y0 + c.grid->nyl; j++)
      for (int i = c.grid->x0; i < c.grid->x0 + c.grid->nxl; i++, n++) {
        double w[3];
        c.fluid[n] = !city || !built(k, j, i);
        wind((i + 0.5) * DX, (j + 0.5) * DX, (k + 0.5) * DX, w);
        c.field[n * C] = 300;
        for (int d = 0; d < 3; d++) c.field[n * C + (size_t)d + 1] = c.fluid[n] ? (float)w[d] : NAN;
      }
  WB_OK(wb_solenoidal_create(c.grid, c.fluid, &c.solenoidal));
  return c;
}

static Case make(MPI_Comm comm, bool city, Wind wind) {
  return make_cut(comm, 0, city, wind);
}

static void drop(Case *c) {
  wb_solenoidal_destroy(&c->solenoidal);
  wb_grid_destroy(&c->grid);
  free(c->fluid);
  free(c->field);
}

static void shear(double x, double y, double z, double wind[3]) {
  (void)x;
  wind[0] = 2 + 0.01 * z + sin(0.05 * y);
  wind[1] = -1 + 0.02 * z;
  wind[2] = 0;
}

/* u = 2 sin^2 ky cos, ... : curl of a vector potential psi z-hat that vanishes at the sides, and the gradient of a bump
 * that is 0 with its slopes at sides, ground and top. */
static double bump(double s, double *slope) { /* sin^4 (pi s) on 0 .. 1 */
  const double a = sin(M_PI * s);
  *slope = 4 * M_PI * a * a * a * cos(M_PI * s);
  return a * a * a * a;
}

static void eddy(double x, double y, double z, double wind[3]) {
  double fx, fy;
  const double bx = bump(x / (NX * DX), &fx), by = bump(y / (NY * DX), &fy);
  (void)z;
  wind[0] = 30 * bx * fy / (NY * DX);
  wind[1] = -30 * fx * by / (NX * DX);
  wind[2] = 0;
}

static void gradient(double x, double y, double z, double wind[3]) {
  double fx, fy, fz;
  const double bx = bump(x / (NX * DX), &fx), by = bump(y / (NY * DX), &fy), bz = bump(z / (NZ * DX), &fz);
  wind[0] = 40 * fx * by * bz / (NX * DX);
  wind[1] = 40 * bx * fy * bz / (NY * DX);
  wind[2] = 40 * bx * by * fz / (NZ * DX);
}

static void eddy_and_gradient(double x, double y, double z, double wind[3]) {
  double more[3];
  eddy(x, y, z, wind);
  gradient(x, y, z, more);
  for (int d = 0; d < 3; d++) wind[d] += more[d];
}

static void gusts(double x, double y, double z, double wind[3]) {
  const WbRandomKey key = {.seed = 5, .stream = WB_STREAM_TEST};
  double u[4];
  wb_random_uniform4(&key, (uint64_t)((z / DX * NY + floor(y / DX)) * NX + floor(x / DX)), u);
  for (int d = 0; d < 3; d++) wind[d] = (d == 0 ? 4 : 0) + 2 * u[d] - 1;
}

/* Mean square over all ranks of the difference to a wind, and of that wind. */
static void compare(const Case *c, Wind wind, double *difference, double *size) {
  double sum[2] = {0, 0};
  size_t n = 0;
  for (int k = 0; k < NZ; k++)
    for (int j = c->grid->y0; j < c->grid->y0 + c->grid->nyl; j++)
      for (int i = c->grid->x0; i < c->grid->x0 + c->grid->nxl; i++, n++) {
        double w[3];
        wind((i + 0.5) * DX, (j + 0.5) * DX, (k + 0.5) * DX, w);
        for (int d = 0; d < 3; d++) {
          const double e = (double)c->field[n * C + (size_t)d + 1] - w[d];
          sum[0] += e * e;
          sum[1] += w[d] * w[d];
        }
      }
  MPI_Allreduce(MPI_IN_PLACE, sum, 2, MPI_DOUBLE, MPI_SUM, c->grid->comm);
  *difference = sum[0];
  *size = sum[1];
}

static void test_solenoidal_stays(void **state) {
  (void)state;
  Case c = make(PETSC_COMM_WORLD, false, shear);
  double difference, size, left;
  WB_OK(wb_solenoidal_apply(c.solenoidal, c.field, 1e-5, &left));
  compare(&c, shear, &difference, &size);
  WB_ASSERT_BELOW(difference, 1e-10 * size);
  drop(&c);
}

static void test_gradient_goes(void **state) {
  (void)state;
  Case c = make(PETSC_COMM_WORLD, false, eddy_and_gradient);
  double before, after, size;
  compare(&c, eddy, &before, &size);
  WB_OK(wb_solenoidal_apply(c.solenoidal, c.field, 1e-5, NULL));
  compare(&c, eddy, &after, &size);
  WB_ASSERT_BELOW(0.1 * size, before);
  WB_ASSERT_BELOW(after, 0.006 * before); /* what is left is of second order in dx */
  drop(&c);
}

static void city_cut(int px) {
  Case c = make_cut(PETSC_COMM_WORLD, px, true, gusts), alone = make(PETSC_COMM_SELF, true, gusts);
  double left, worst = 0, moved = 0;
  WB_OK(wb_solenoidal_apply(c.solenoidal, c.field, 1e-4, &left));
  WB_ASSERT_BELOW(left, 1e-4);
  WB_OK(wb_solenoidal_apply(alone.solenoidal, alone.field, 1e-4, &left));
  size_t n = 0;
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < c.grid->nyl; j++)
      for (int i = 0; i < c.grid->nxl; i++, n++) {
        const size_t same = ((size_t)k * NY + (size_t)(c.grid->y0 + j)) * NX + (size_t)(c.grid->x0 + i);
        double w[3];
        WB_ASSERT_NEAR(c.field[n * C], 300, 0);
        gusts((c.grid->x0 + i + 0.5) * DX, (c.grid->y0 + j + 0.5) * DX, (k + 0.5) * DX, w);
        for (size_t d = 1; d < C; d++) {
          assert_int_equal(isnan(c.field[n * C + d]), !c.fluid[n]);
          if (!c.fluid[n]) continue;
          worst = fmax(worst, fabs((double)(c.field[n * C + d] - alone.field[same * C + d])));
          moved = fmax(moved, fabs((double)c.field[n * C + d] - w[d - 1]));
        }
      }
  WB_ASSERT_BELOW(worst, 2e-5); /* of winds of 5 m/s: rounding, not the tolerance */
  MPI_Allreduce(MPI_IN_PLACE, &moved, 1, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD);
  WB_ASSERT_BELOW(0.1, moved);
  drop(&c);
  drop(&alone);
}

static void test_city(void **state) {
  int size;
  (void)state;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  city_cut(0);
  city_cut(size); /* side by side along x */
}

static void test_history(void **state) {
  (void)state;
  Case c = make(PETSC_COMM_WORLD, true, gusts);
  const size_t n = wb_grid_owned(c.grid) * C;
  float *first = malloc(n * sizeof(float));
  assert_non_null(first);
  memcpy(first, c.field, n * sizeof(float));
  WB_OK(wb_solenoidal_apply(c.solenoidal, first, 1e-4, NULL));
  float *other = malloc(n * sizeof(float));
  assert_non_null(other);
  for (size_t p = 0; p < n; p++) other[p] = 3 * c.field[p];
  WB_OK(wb_solenoidal_apply(c.solenoidal, other, 1e-4, NULL));
  WB_OK(wb_solenoidal_apply(c.solenoidal, c.field, 1e-4, NULL));
  for (size_t p = 0; p < n; p++)
    if (!isnan(first[p])) WB_ASSERT_NEAR(c.field[p], first[p], 0);
  free(first);
  free(other);
  drop(&c);
}

/* ---- the source: centres as means of their faces ---- */
static void test_source_keeps_shear(void **state) {
  (void)state;
  Case c = make(PETSC_COMM_WORLD, false, shear);
  double difference, size, left;
  WB_OK(wb_solenoidal_source(c.solenoidal, c.field, 1e-5, &left));
  compare(&c, shear, &difference, &size);
  WB_ASSERT_BELOW(difference, 1e-6 * size); /* (1, 2, 1) / 4 of the sine along y, and the sides */
  drop(&c);
}

static size_t cell_of(int k, int j, int i) {
  return ((size_t)k * NY + (size_t)j) * NX + (size_t)i;
}

/* The faces of a line of centres that are their means, from the first one's value. start, step: of the line's cells. */
static void unfold(const float *field, size_t d, size_t start, size_t step, int n, double first, double *face) {
  face[0] = first;
  for (int m = 0; m < n; m++) face[m + 1] = 2 * (double)field[(start + (size_t)m * step) * C + d + 1] - face[m];
}

static double *unfold_all(const Case *c, const float *before, double *face[3]) {
  double *room_for = calloc(3 * (size_t)(NZ + 1) * (NY + 1) * (NX + 1), sizeof(double));
  assert_non_null(room_for);
  for (size_t d = 0; d < 3; d++) face[d] = room_for + d * (size_t)(NZ + 1) * (NY + 1) * (NX + 1);
  for (int k = 0; k < NZ; k++) {
    for (int j = 0; j < NY; j++) {
      const size_t p = cell_of(k, j, 0);
      unfold(c->field, 0, p, 1, NX, c->fluid[p] && !room(k, j, 0) ? (double)before[p * C + 1] : 0,
             face[0] + (k * NY + j) * (NX + 1));
    }
    for (int i = 0; i < NX; i++) {
      const size_t p = cell_of(k, 0, i);
      unfold(c->field, 1, p, NX, NY, c->fluid[p] ? (double)before[p * C + 2] : 0, face[1] + (k * NX + i) * (NY + 1));
    }
  }
  for (int j = 0; j < NY; j++)
    for (int i = 0; i < NX; i++)
      unfold(c->field, 2, cell_of(0, j, i), (size_t)NX * NY, NZ, 0, face[2] + (j * NX + i) * (NZ + 1));
  return room_for;
}

/* Unfolded from the sides and the ground, the faces behind the centres let nothing through walls, and have no
 * divergence in any cell. */
static void test_source_city(void **state) {
  (void)state;
  Case c = make(PETSC_COMM_WORLD, true, gusts), alone = make(PETSC_COMM_SELF, true, gusts);
  const size_t n = wb_grid_owned(alone.grid);
  float *before = malloc(n * C * sizeof(float));
  double left, *face[3], wall = 0, divergence = 0, change = 0;
  assert_non_null(before);
  for (size_t p = 0; p < n * C; p++) {
    if (!alone.fluid[p / C]) alone.field[p] = 0; /* so that lines can be unfolded through buildings */
    before[p] = alone.field[p];
  }
  WB_OK(wb_solenoidal_source(c.solenoidal, c.field, 1e-5, &left));
  WB_ASSERT_BELOW(left, 1e-5);
  WB_OK(wb_solenoidal_source(alone.solenoidal, alone.field, 1e-5, &left));
  double *all = unfold_all(&alone, before, face);
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < NY; j++)
      for (int i = 0; i < NX; i++) {
        const size_t p = cell_of(k, j, i);
        const double *u = face[0] + (k * NY + j) * (NX + 1) + i, *v = face[1] + (k * NX + i) * (NY + 1) + j,
                     *w = face[2] + (j * NX + i) * (NZ + 1) + k;
        if (!alone.fluid[p]) {
          wall = fmax(wall, fmax(fabs(u[0]), fmax(fabs(v[0]), fabs(w[1]))));
          continue;
        }
        divergence = fmax(divergence, fabs(u[1] - u[0] + v[1] - v[0] + w[1] - w[0]) / DX);
        for (size_t d = 1; d < C; d++)
          change = fmax(change, fabs((double)alone.field[p * C + d] - (double)before[p * C + d]));
      }
  WB_ASSERT_BELOW(wall, 1e-4); /* single precision, summed along a line */
  WB_ASSERT_BELOW(divergence, 1e-4);
  WB_ASSERT_BELOW(1, change); /* winds that blew at walls */
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < NY; j++) { /* what comes in through the sides is the coarse run's */
      const size_t p = cell_of(k, j, NX - 1);
      if (alone.fluid[p]) WB_ASSERT_NEAR(face[0][(k * NY + j) * (NX + 1) + NX], before[p * C + 1], 1e-4);
    }
  size_t q = 0;
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < c.grid->nyl; j++)
      for (int i = 0; i < c.grid->nxl; i++, q++)
        for (size_t d = 0; d < C && c.fluid[q]; d++)
          WB_ASSERT_NEAR(c.field[q * C + d], alone.field[cell_of(k, c.grid->y0 + j, c.grid->x0 + i) * C + d], 2e-5);
  free(before);
  free(all);
  drop(&c);
  drop(&alone);
}

static void test_errors(void **state) {
  (void)state;
  Case c = make(PETSC_COMM_WORLD, true, gusts);
  if (c.grid->rank == 0) c.field[(wb_grid_owned(c.grid) - 1) * C + 1] = NAN;
  assert_int_equal(wb_solenoidal_apply(c.solenoidal, c.field, 1e-4, NULL), WB_ERR_NUMERIC);
  assert_true(wb_error_is_collective());
  wb_error_clear();
  drop(&c);
}

WB_TEST_MAIN(cmocka_unit_test(test_solenoidal_stays), cmocka_unit_test(test_gradient_goes), cmocka_unit_test(test_city),
             cmocka_unit_test(test_history), cmocka_unit_test(test_source_keeps_shear),
             cmocka_unit_test(test_source_city), cmocka_unit_test(test_errors))
