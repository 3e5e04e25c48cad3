/* The open data of central Tokyo (not in this repository: ../shared/data; skipped where absent) against its own
 * statistics (STATS.txt there): the importers read what its makers counted, and footprints and raster agree. */
#include "wb_test.h"
#include <math.h>
#include <stdlib.h>
#include <unistd.h>
#include "windbridge/city.h"

static char folder[1000], path[1200];

static WbCity *read_city(const char *name, double x, double y, double size) {
  WbCityOptions o = {
      .file = path, .window_given = size > 0, .x_min_m = x, .y_min_m = y, .size_x_m = size, .size_y_m = size};
  WbCity *c = NULL;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  WB_OK(wb_city_create(PETSC_COMM_SELF, &o, &c));
  return c;
}

/* Values from STATS.txt; roof rasters are met closely, footprints to the difference of polygons and 5 m cells. */
static void matches_its_statistics(void **state) {
  (void)state;
  static const struct {
    const char *name;
    double lambda_p, mean, highest, lf_w, lf_s, tol;
    int buildings;
  } windows[] = {
      {"tokyo_station/buildings_lod1.geojson", 0.3395, 55.72, 214.0, 0.5616, 0.5660, 0.01, 8230},
      {"tokyo_station/buildings_lod1.gpkg", 0.3395, 55.72, 214.0, 0.5616, 0.5660, 0.01, 8230},
      {"tokyo_station/building_height_lod2_5m.nc", 0.3471, 43.47, 208.2, 0.5079, 0.5068, 0.002, 0},
      {"tokyo_other/ginza_nihombashi/building_height_lod2_5m.nc", 0.4458, 38.20, 208.2, 0.6323, 0.6355, 0.002, 0},
      {"tokyo_training/toyosu/building_height_lod2_5m.nc", 0.2096, 38.73, 182.4, 0.2544, 0.2440, 0.002, 0}};
  for (size_t w = 0; w < sizeof windows / sizeof windows[0]; w++) {
    WbCity *c = read_city(windows[w].name, 0, 0, 0);
    WbCityStats s;
    WB_OK(wb_city_stats(c, 20, 5, 160, &s));
    assert_int_equal(c->epsg, 6677);
    assert_int_equal(c->n_buildings, windows[w].buildings);
    WB_ASSERT_NEAR(s.lambda_p / windows[w].lambda_p, 1, windows[w].tol);
    WB_ASSERT_NEAR(s.height_mean_m / windows[w].mean, 1, windows[w].tol);
    WB_ASSERT_NEAR(s.height_max_m, windows[w].highest, 0.11);
    WB_ASSERT_NEAR(s.lambda_f[3] / windows[w].lf_w, 1, windows[w].tol);
    WB_ASSERT_NEAR(s.lambda_f[2] / windows[w].lf_s, 1, windows[w].tol);
    wb_city_destroy(&c);
  }
}

/* The forecast windows of 1.28 km and 1.6 km about the station: both sources put the same cells under roofs. */
static void footprints_and_raster_agree(void **state) {
  (void)state;
  static const double sizes[2] = {1280, 1600};
  for (int n = 0; n < 2; n++) {
    const double size = sizes[n], x = -5995 - size / 2, y = -35367 - size / 2;
    WbCity *a = read_city("tokyo_station/buildings_lod1.geojson", x, y, size);
    WbCity *b = read_city("tokyo_station/building_height_lod2_5m.nc", x, y, size);
    const int m = (int)(size / 5);
    uint8_t *sa = malloc((size_t)m * (size_t)m), *sb = malloc((size_t)m * (size_t)m);
    const double zf[2] = {0, 5};
    WB_OK(wb_city_voxelise(a, x, y, 5, m, m, 1, zf, sa));
    WB_OK(wb_city_voxelise(b, x, y, 5, m, m, 1, zf, sb));
    long both = 0, any = 0;
    for (int i = 0; i < m * m; i++) {
      both += sa[i] && sb[i];
      any += sa[i] || sb[i];
    }
    assert_true((double)both / (double)any > 0.95); /* STATS.txt: 0.993 at ground level; here cells under 5 m differ */
    free(sb);
    free(sa);
    wb_city_destroy(&b);
    wb_city_destroy(&a);
  }
}

int main(int argc, char **argv) {
  const char *source = getenv("WB_SOURCE_DIR");
  snprintf(folder, sizeof folder, "%s/../shared/data", source ? source : ".");
  snprintf(path, sizeof path, "%s/tokyo_station/buildings_lod1.geojson", folder);
  if (access(path, R_OK) != 0) {
    printf("skipped: %s is not here\n", path);
    return 77;
  }
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  wb_error_install();
  const struct CMUnitTest tests[] = {cmocka_unit_test(matches_its_statistics),
                                     cmocka_unit_test(footprints_and_raster_agree)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (PetscFinalize()) return 1;
  return failed;
}
