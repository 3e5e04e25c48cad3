/* Voxels, cell heights, distances and statistics of buildings simple enough to know the answer. */
#include "wb_test.h"
#include <stdlib.h>
#include <string.h>
#include "city_internal.h"

/* A city of sx x sy metres with a margin, flat until the caller raises something. */
static WbCity *make_city(double x, double y, double sx, double sy, double margin) {
  WbCityOptions o = {
      .generate = "flat", .x_min_m = x, .y_min_m = y, .size_x_m = sx, .size_y_m = sy, .margin_m = margin};
  WbCity *c = NULL;
  WB_OK(wb_city_create(PETSC_COMM_SELF, &o, &c));
  return c;
}

static void raise_polygon(WbCity *c, const double *x, const double *y, int n, float h) {
  WbEdge edge[64], *active[64];
  WbFillWork work = {.edge = edge, .active = active};
  const int start[2] = {0, n};
  const WbRings rings = {x, y, start, 1};
  const WbRaster r = wb_city_raster(c);
  wb_city_fill(&r, &rings, h, &work);
}

static void raise_box(WbCity *c, double x0, double y0, double x1, double y1, float h) {
  const double x[4] = {x0, x1, x1, x0}, y[4] = {y0, y0, y1, y1};
  raise_polygon(c, x, y, 4, h);
}

static double built_area(const WbCity *c) {
  double n = 0;
  for (size_t i = 0; i < (size_t)c->nx * (size_t)c->ny; i++) n += c->height[i] > 0;
  return n;
}

static void half_volume_is_solid(void **state) {
  (void)state;
  /* cells of 20 m from -1000: building A half of the area to 40 m, B 49 % of it, C all of it to 30 m (level 1 half
   * full in height), D 70 % to 34 m (level 1: 0.7 * 0.7 = 0.49) */
  WbCity *c = make_city(-1000, 300, 80, 20, 0);
  raise_box(c, -1000, 300, -990, 320, 40);
  raise_box(c, -980, 300, -971, 320, 40);
  raise_box(c, -960, 300, -940, 320, 30);
  raise_box(c, -940, 300, -926, 320, 34);
  const double zf[4] = {0, 20, 40, 60};
  uint8_t solid[3 * 4];
  WB_OK(wb_city_voxelise(c, -1000, 300, 20, 4, 1, 3, zf, solid));
  const uint8_t expected[3 * 4] = {1, 0, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0};
  assert_memory_equal(solid, expected, sizeof expected);
  /* the same box seen at 5 m: building B (9 of 20 m) is 2 columns wide, the last only 4 of 5 m, still more than half */
  double zf5[9];
  for (int k = 0; k < 9; k++) zf5[k] = 5.0 * k;
  uint8_t fine[8 * 4 * 16];
  WB_OK(wb_city_voxelise(c, -1000, 300, 5, 16, 4, 8, zf5, fine));
  const uint8_t row[16] = {1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0};
  assert_memory_equal(fine, row, sizeof row);
  const uint8_t row6[16] = {1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0}; /* 30 to 35 m: D fills 0.8 of it */
  assert_memory_equal(fine + (size_t)6 * 64, row6, sizeof row6);
  wb_city_destroy(&c);
  assert_null(c);
}

static void stretched_levels_and_outside(void **state) {
  (void)state;
  WbCity *c = make_city(0, 0, 20, 20, 0);
  raise_box(c, 0, 0, 20, 20, 17);
  const double zf[5] = {0, 4, 10, 24, 80}; /* 10 to 24: exactly half */
  uint8_t solid[4 * 9];
  WB_OK(wb_city_voxelise(c, -20, -20, 20, 3, 3, 4, zf, solid));
  for (int k = 0; k < 4; k++) {
    for (int i = 0; i < 9; i++) assert_int_equal(solid[k * 9 + i], i == 4 && k < 3);
  }
  float h[9];
  WB_OK(wb_city_cell_height(c, -10, -10, 20, 2, 2, h)); /* off the cells' edges: a quarter of each is built */
  for (int i = 0; i < 4; i++) WB_ASSERT_NEAR(h[i], 17.0 / 4, 1e-5);
  WB_OK(wb_city_cell_height(c, -0.5, 0, 2.5, 3, 3, h)); /* cells that cut 1 m cells: 2 of 2.5 m */
  WB_ASSERT_NEAR(h[0], 17.0 * 0.8, 1e-5);
  WB_ASSERT_NEAR(h[1], 17.0, 1e-5);
  wb_city_destroy(&c);
}

static void rotated_box_area(void **state) {
  (void)state;
  WbCity *c = make_city(0, 0, 400, 400, 0);
  const double a = 0.41, cx = 203.3, cy = 196.7, hu = 90, hv = 40;
  double x[4], y[4];
  static const double su[4] = {-1, 1, 1, -1}, sv[4] = {-1, -1, 1, 1};
  for (int i = 0; i < 4; i++) {
    x[i] = cx + hu * su[i] * cos(a) - hv * sv[i] * sin(a);
    y[i] = cy + hu * su[i] * sin(a) + hv * sv[i] * cos(a);
  }
  raise_polygon(c, x, y, 4, 25);
  WB_ASSERT_NEAR(built_area(c) / (4 * hu * hv), 1, 2e-3);
  double n = 0;
  uint8_t *solid = malloc(5 * 80 * 80);
  const double zf[6] = {0, 5, 10, 15, 20, 25};
  WB_OK(wb_city_voxelise(c, 0, 0, 5, 80, 80, 5, zf, solid));
  for (int i = 0; i < 5 * 80 * 80; i++) n += solid[i];
  WB_ASSERT_NEAR(n * 125 / (4 * hu * hv * 25), 1, 2e-2);
  free(solid);
  wb_city_destroy(&c);
}

static void holes_are_open(void **state) {
  (void)state;
  WbCity *c = make_city(0, 0, 100, 100, 0);
  const double x[8] = {10, 90, 90, 10, 30, 70, 70, 30}, y[8] = {10, 10, 90, 90, 30, 30, 70, 70};
  const int start[3] = {0, 4, 8};
  WbEdge edge[8], *active[8];
  WbFillWork work = {.edge = edge, .active = active};
  const WbRings rings = {x, y, start, 2};
  const WbRaster r = wb_city_raster(c);
  assert_int_equal(wb_city_fill(&r, &rings, 9, &work), 6400 - 1600);
  WB_ASSERT_NEAR(built_area(c), 6400 - 1600, 0);
  WB_ASSERT_NEAR(c->height[50 * 100 + 50], 0, 0);
  raise_box(c, 2.4, 91.6, 8.6, 97.4, 3); /* cells whose centres are inside: 7 x 5 */
  WB_ASSERT_NEAR(built_area(c), 6400 - 1600 + 7 * 5, 0);
  WB_ASSERT_NEAR(c->height[92 * 100 + 2], 3, 0);
  raise_box(c, 0, 0, 20, 20, 5); /* lower than what stands: the highest wins */
  WB_ASSERT_NEAR(c->height[15 * 100 + 15], 9, 0);
  WB_ASSERT_NEAR(c->height[5 * 100 + 5], 5, 0);
  wb_city_destroy(&c);
}

static double brute_distance(const uint8_t *solid, const int n[3], const int p[3], double dx, double cap) {
  double best = (p[2] + 0.5) * (p[2] + 0.5);
  for (int k = 0; k < n[2]; k++) {
    for (int j = 0; j < n[1]; j++) {
      for (int i = 0; i < n[0]; i++) {
        if (!solid[(k * n[1] + j) * n[0] + i]) continue;
        const double f = fmax(0, abs(i - p[0]) - 0.5), g = fmax(0, abs(j - p[1]) - 0.5),
                     h = fmax(0, abs(k - p[2]) - 0.5);
        best = fmin(best, f * f + g * g + h * h);
      }
    }
  }
  return fmin(cap, dx * sqrt(best));
}

static void distance_is_exact(void **state) {
  (void)state;
  enum { N = 24, NZ = 12, R = 8, E = N + 2 * R };
  WbCity *c = make_city(0, 0, 120, 120, 40);
  const WbRandomKey key = {.seed = 5, .stream = WB_STREAM_TEST};
  for (int b = 0; b < 14; b++) {
    double u[4], v[4];
    wb_random_uniform4(&key, (uint64_t)b, u);
    wb_random_uniform4(&key, (uint64_t)b + 100, v);
    const double x = -40 + 190 * u[0], y = -40 + 190 * u[1];
    raise_box(c, x, y, x + 6 + 14 * u[2], y + 6 + 14 * u[3], (float)(5 + 50 * v[0]));
  }
  double zf[NZ + 1];
  for (int k = 0; k <= NZ; k++) zf[k] = 5.0 * k;
  uint8_t *solid = malloc(E * E * NZ);
  float *d = malloc(sizeof(float) * N * N * NZ), *part = malloc(sizeof(float) * 7 * 5 * NZ);
  WB_OK(wb_city_voxelise(c, -40, -40, 5, E, E, NZ, zf, solid));
  WB_OK(wb_city_wall_distance(c, 0, 0, 5, N, N, NZ, 40, d));
  const int n[3] = {E, E, NZ};
  int capped = 0, zero = 0;
  for (int k = 0; k < NZ; k++) {
    for (int j = 0; j < N; j += 3) {
      for (int i = 0; i < N; i += 2) {
        const int p[3] = {i + R, j + R, k};
        const double want = brute_distance(solid, n, p, 5, 40);
        const float got = d[(k * N + j) * N + i];
        WB_ASSERT_NEAR(got, want, 1e-5);
        capped += want == 40;
        zero += want == 0;
      }
    }
  }
  assert_true(zero > 10 && capped > 10);
  /* any other box: the same bits */
  WB_OK(wb_city_wall_distance(c, 35, 55, 5, 7, 5, NZ, 40, part));
  for (int k = 0; k < NZ; k++) {
    for (int j = 0; j < 5; j++) {
      for (int i = 0; i < 7; i++) assert_true(part[(k * 5 + j) * 7 + i] == d[(k * N + j + 11) * N + i + 7]);
    }
  }
  free(part);
  free(d);
  free(solid);
  wb_city_destroy(&c);
}

static void statistics_of_one_cube(void **state) {
  (void)state;
  WbCity *c = make_city(100, 200, 400, 320, 40);
  raise_box(c, 260, 320, 310, 360, 35); /* 50 m x 40 m x 35 m */
  raise_box(c, 60, 160, 100, 600, 90);  /* in the margin: counts nowhere */
  WbCityStats s;
  WB_OK(wb_city_stats(c, 20, 5, 160, &s));
  WB_ASSERT_NEAR(s.lambda_p, 50.0 * 40 / (400 * 320), 1e-12);
  WB_ASSERT_NEAR(s.lambda_f[0], 50.0 * 35 / (400 * 320), 1e-7); /* wind from N and S meets the 50 m face */
  WB_ASSERT_NEAR(s.lambda_f[2], 50.0 * 35 / (400 * 320), 1e-7);
  WB_ASSERT_NEAR(s.lambda_f[1], 40.0 * 35 / (400 * 320), 1e-7);
  WB_ASSERT_NEAR(s.lambda_f[3], 40.0 * 35 / (400 * 320), 1e-7);
  WB_ASSERT_NEAR(s.height_mean_m, 35, 1e-9);
  WB_ASSERT_NEAR(s.height_std_m, 0, 1e-6);
  WB_ASSERT_NEAR(s.height_max_m, 35, 0);
  WB_ASSERT_NEAR(s.histogram[1], 1, 1e-12);
  assert_int_equal(s.n_fluid_hr, 80 * 64 * 32 - 10 * 8 * 7);
  assert_int_equal(s.n_pocket_cells, 0);
  /* coarse cells of level 0: 260 to 320 (the last exactly half: solid) hide 2 x 8 x 4 fine cells, of level 1 (filled to
   * 35 of 40 m): 260 to 300, hide the 8 x 8 fine cells above the roof */
  assert_int_equal(s.n_blocked, 2 * 8 * 4 + 8 * 8);
  char text[2000];
  wb_city_report(&s, text, sizeof text);
  assert_non_null(strstr(text, "mean 35.0 m"));
  char little[20];
  wb_city_report(&s, little, sizeof little);
  assert_int_equal(strlen(little), sizeof little - 1);
  wb_city_destroy(&c);
}

static void pockets_are_found(void **state) {
  (void)state;
  enum { N = 6 };
  uint8_t solid[N * N * N];
  memset(solid, 0, sizeof solid);
  for (int k = 0; k < 4;
       k++) { /* a vault of 3 x 3 x 3 (from 1 to 3) over a hollow, and a diagonal leak that does not count */
    for (int j = 1; j < 4; j++) {
      for (int i = 1; i < 4; i++) solid[(k * N + j) * N + i] = 1;
    }
  }
  solid[(1 * N + 2) * N + 2] = solid[(2 * N + 2) * N + 2] = 0;
  solid[(3 * N + 3) * N + 3] = 0;
  long n;
  WB_OK(wb_city_count_pockets(solid, N, N, N, &n));
  assert_int_equal(n, 2);
  solid[(2 * N + 2) * N + 1] = 0; /* open a side door */
  WB_OK(wb_city_count_pockets(solid, N, N, N, &n));
  assert_int_equal(n, 0);
}

static void bad_options_are_refused(void **state) {
  (void)state;
  WbCityOptions o = {.generate = "flat", .size_x_m = 630, .size_y_m = 640};
  WbCity *c = NULL;
  assert_int_equal(wb_city_create(PETSC_COMM_SELF, &o, &c), WB_ERR_CONFIG);
  assert_non_null(strstr(wb_error_message(), "multiples of 20"));
  assert_null(c);
  wb_error_clear();
  o.size_x_m = 640;
  o.generate = "osaka_like";
  assert_int_equal(wb_city_create(PETSC_COMM_SELF, &o, &c), WB_ERR_CONFIG);
  assert_non_null(strstr(wb_error_message(), "tokyo_like"));
  wb_error_clear();
  o.generate = "tokyo_like";
  o.x_min_m = 1e6;
  assert_int_equal(wb_city_create(PETSC_COMM_SELF, &o, &c), WB_ERR_CONFIG);
  wb_error_clear();
  o.generate = NULL;
  assert_int_equal(wb_city_create(PETSC_COMM_SELF, &o, &c), WB_ERR_CONFIG);
  wb_error_clear();
}

WB_TEST_MAIN(cmocka_unit_test(half_volume_is_solid), cmocka_unit_test(stretched_levels_and_outside),
             cmocka_unit_test(rotated_box_area), cmocka_unit_test(holes_are_open), cmocka_unit_test(distance_is_exact),
             cmocka_unit_test(statistics_of_one_cube), cmocka_unit_test(pockets_are_found),
             cmocka_unit_test(bad_options_are_refused))
