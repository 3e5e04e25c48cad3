/* Every rank holds the same city, asks for its own boxes and gets what one rank would get; an error on the reading rank
 * is everybody's error. */
#include "wb_test.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "windbridge/city.h"

static int rank, size;

static uint64_t sum_of(const void *data, size_t n) {
  uint64_t h = 0xcbf29ce484222325u;
  for (size_t i = 0; i < n; i++) h = (h ^ ((const uint8_t *)data)[i]) * 0x100000001b3u;
  return h;
}

static void assert_same_everywhere(uint64_t value) {
  uint64_t first = value;
  MPI_Bcast(&first, 1, MPI_UINT64_T, 0, PETSC_COMM_WORLD);
  assert_true(first == value);
}

static void same_city_everywhere(void **state) {
  (void)state;
  const WbCityOptions o = {.generate = "tokyo_like", .seed = 3, .size_x_m = 640, .size_y_m = 320, .margin_m = 160};
  WbCity *c;
  WB_OK(wb_city_create(PETSC_COMM_WORLD, &o, &c));
  assert_same_everywhere(sum_of(c->height, sizeof(float) * (size_t)c->nx * (size_t)c->ny));
  assert_same_everywhere(sum_of(c->source, strlen(c->source)));
  assert_same_everywhere((uint64_t)c->n_buildings);
  WbCityStats s;
  WB_OK(wb_city_stats(c, 20, 5, 160, &s));
  assert_same_everywhere(sum_of(&s.n_fluid_hr, sizeof s.n_fluid_hr));
  wb_city_destroy(&c);
}

/* Strips of the box, one per rank, put together, against the whole. */
static void own_boxes_agree(void **state) {
  (void)state;
  enum { NX = 32, NY = 24, NZ = 10 };
  const WbCityOptions o = {.generate = "tokyo_like", .seed = 4, .size_x_m = 160, .size_y_m = 120, .margin_m = 60};
  WbCity *c;
  WB_OK(wb_city_create(PETSC_COMM_WORLD, &o, &c));
  double zf[NZ + 1];
  for (int k = 0; k <= NZ; k++) zf[k] = 5.0 * k;
  float *all = malloc(sizeof(float) * NX * NY * NZ), *own = malloc(sizeof(float) * NX * NY * NZ);
  uint8_t *solid = malloc(NX * NY * NZ), *mine = malloc(NX * NY * NZ);
  WB_OK(wb_city_wall_distance(c, 0, 0, 5, NX, NY, NZ, 40, all));
  WB_OK(wb_city_voxelise(c, 0, 0, 5, NX, NY, NZ, zf, solid));
  const int j0 = NY * rank / size, n = NY * (rank + 1) / size - j0;
  WB_OK(wb_city_wall_distance(c, 0, 5.0 * j0, 5, NX, n, NZ, 40, own));
  WB_OK(wb_city_voxelise(c, 0, 5.0 * j0, 5, NX, n, NZ, zf, mine));
  for (int k = 0; k < NZ; k++) {
    const size_t whole = ((size_t)k * NY + (size_t)j0) * NX, part = (size_t)k * (size_t)n * NX;
    assert_memory_equal(all + whole, own + part, sizeof(float) * NX * (size_t)n);
    assert_memory_equal(solid + whole, mine + part, NX * (size_t)n);
  }
  free(mine);
  free(solid);
  free(own);
  free(all);
  wb_city_destroy(&c);
}

static void one_error_for_all(void **state) {
  (void)state;
  const WbCityOptions o = {.file = "/nowhere/at/all.geojson"};
  WbCity *c = NULL;
  assert_int_equal(wb_city_create(PETSC_COMM_WORLD, &o, &c), WB_ERR_INPUT);
  assert_null(c);
  assert_non_null(strstr(wb_error_message(), "/nowhere/at/all.geojson"));
  assert_true(wb_error_is_collective());
  wb_error_clear();
}

int main(int argc, char **argv) {
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  wb_error_install();
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  const struct CMUnitTest tests[] = {cmocka_unit_test(same_city_everywhere), cmocka_unit_test(own_boxes_agree),
                                     cmocka_unit_test(one_error_for_all)};
  int failed = cmocka_run_group_tests(tests, NULL, NULL), any = 0;
  MPI_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, PETSC_COMM_WORLD);
  if (PetscFinalize()) return 1;
  return any;
}
