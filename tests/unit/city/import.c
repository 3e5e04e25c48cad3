/* Import of small files written here: what is read, what is mended, and what is refused with which words. */
#include "wb_test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "windbridge/city.h"

static char folder[256], path[300];

#define CRS "\"crs\":{\"type\":\"name\",\"properties\":{\"name\":\"urn:ogc:def:crs:EPSG::6677\"}},"
#define HEAD "{\"type\":\"FeatureCollection\"," CRS "\"features\":["
#define FEATURE(props, type, coords) \
  "{\"type\":\"Feature\",\"properties\":{" props "},\"geometry\":{\"type\":\"" type "\",\"coordinates\":" coords "}}"
#define BOX(x0, y0, x1, y1) \
  "[[" #x0 "," #y0 "],[" #x1 "," #y0 "],[" #x1 "," #y1 "],[" #x0 "," #y1 "],[" #x0 "," #y0 "]]"
#define FRAME                                                                \
  FEATURE("\"height_m\":10", "Polygon", "[" BOX(1000, 2000, 1010, 2010) "]") \
  "," FEATURE("\"height_m\":10", "Polygon", "[" BOX(1090, 2090, 1100, 2100) "]")

static void write_text(const char *name, const char *text) {
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  assert_true(fputs(text, f) >= 0);
  fclose(f);
}

static PetscErrorCode open_city(WbCityOptions o, WbCity **c) {
  *c = NULL;
  o.file = path;
  return wb_city_create(PETSC_COMM_SELF, &o, c);
}

/* The file written last must be refused with `code` and words `a` and `b` (and the file's name for input errors). */
static void refused(WbCityOptions o, PetscErrorCode code, const char *a, const char *b) {
  WbCity *c;
  const PetscErrorCode got = open_city(o, &c);
  if (got != code) fail_msg("error %d instead of %d: %s", (int)got, (int)code, wb_error_message());
  const char *m = wb_error_message();
  if (!strstr(m, a) || !strstr(m, b) || strchr(m, '\n'))
    fail_msg("message '%s' lacks '%s' or '%s', or is not one line", m, a, b);
  if (code == WB_ERR_INPUT && !strstr(m, path)) fail_msg("message '%s' does not name the file", m);
  assert_null(c);
  if (getenv("WB_SHOW")) printf("    %s\n", m);
  wb_error_clear();
}

static double at(const WbCity *c, double x, double y) {
  const int i = (int)floor(x - c->x_min_m), j = (int)floor(y - c->y_min_m);
  return c->height[(size_t)j * (size_t)c->nx + (size_t)i];
}

static double built(const WbCity *c) {
  double n = 0;
  for (size_t i = 0; i < (size_t)c->nx * (size_t)c->ny; i++) n += c->height[i] > 0;
  return n;
}

static void polygons_holes_and_parts(void **state) {
  (void)state;
  write_text("good.geojson", HEAD FRAME
             "," FEATURE("\"height_m\":30", "Polygon",
                         "[" BOX(1020, 2020, 1060, 2060) "," BOX(
                             1030, 2030, 1040, 2040) "]") "," FEATURE("\"height_m\":\"12.5\"", "MultiPolygon",
                                                                      "[[" BOX(1070, 2000, 1080, 2010) "],[" BOX(
                                                                          1050, 2050, 1090, 2080) "]]") "]}");
  WbCity *c;
  WB_OK(open_city((WbCityOptions){.margin_m = 20}, &c));
  assert_int_equal(c->epsg, 6677);
  assert_int_equal(c->n_buildings, 4);
  assert_int_equal(c->nx, 140);
  WB_ASSERT_NEAR(c->win_x_min_m, 1000, 0);
  WB_ASSERT_NEAR(c->y_min_m, 1980, 0);
  WB_ASSERT_NEAR(c->win_size_x_m, 100, 0);
  WB_ASSERT_NEAR(built(c), 100 + 100 + (1600 - 100) + 100 + (1200 - 100), 0);
  WB_ASSERT_NEAR(at(c, 1035, 2035), 0, 0);  /* the hole */
  WB_ASSERT_NEAR(at(c, 1055, 2055), 30, 0); /* the highest wins */
  WB_ASSERT_NEAR(at(c, 1075, 2070), 12.5, 0);
  WB_ASSERT_NEAR(at(c, 1005, 2005), 10, 0);
  WB_ASSERT_NEAR(at(c, 1005, 2095), 0, 0);
  assert_non_null(strstr(c->source, "height_m"));
  wb_city_destroy(&c);
  /* a window inside: only what lies in it and its margin */
  WB_OK(open_city(
      (WbCityOptions){.window_given = true, .x_min_m = 1020, .y_min_m = 2020, .size_x_m = 20, .size_y_m = 20}, &c));
  assert_int_equal(c->n_buildings, 1);
  WB_ASSERT_NEAR(built(c), 20 * 20 - 100, 0);
  wb_city_destroy(&c);
  refused((WbCityOptions){.window_given = true, .x_min_m = 5000, .y_min_m = 2020, .size_x_m = 40, .size_y_m = 20},
          WB_ERR_INPUT, "outside the data", "x 1000.0 to 1100.0");
  refused((WbCityOptions){.window_given = true, .x_min_m = 1060, .y_min_m = 2020, .size_x_m = 80, .size_y_m = 20},
          WB_ERR_INPUT, "partly outside", "x 1060.0 to 1140.0");
  refused((WbCityOptions){.window_given = true, .x_min_m = 1020, .y_min_m = 2020, .size_x_m = 50, .size_y_m = 20},
          WB_ERR_CONFIG, "multiples of 20", "50 m");
  refused((WbCityOptions){.height_field = "storeys"}, WB_ERR_INPUT, "storeys", "has: height_m");
  refused((WbCityOptions){.window_given = true, .x_min_m = 1000, .y_min_m = 2060, .size_x_m = 20, .size_y_m = 40},
          WB_ERR_INPUT, "no building in the window", "flat");
  refused((WbCityOptions){.layer = "roads"}, WB_ERR_INPUT, "no layer roads", "it has: good");
}

static void null_heights(void **state) {
  (void)state;
  write_text("null.geojson",
             HEAD FRAME "," FEATURE("\"height_m\":null", "Polygon", "[" BOX(1020, 2020, 1060, 2060) "]") "," FEATURE(
                 "\"height_m\":\"\"", "Polygon", "[" BOX(1070, 2020, 1080, 2060) "]") "]}");
  refused((WbCityOptions){0}, WB_ERR_INPUT, "2 of 4 features have no height_m", "city_null_height");
  refused((WbCityOptions){.null_height = "refuse"}, WB_ERR_INPUT, "first: feature 2", "drop");
  refused((WbCityOptions){.null_height = "nine"}, WB_ERR_CONFIG, "'nine'", "refuse, drop");
  refused((WbCityOptions){.null_height = "-4"}, WB_ERR_CONFIG, "'-4'", "refuse, drop");
  WbCity *c;
  WB_OK(open_city((WbCityOptions){.null_height = "drop"}, &c));
  assert_int_equal(c->n_null, 2);
  assert_int_equal(c->n_dropped, 2);
  WB_ASSERT_NEAR(built(c), 200, 0);
  wb_city_destroy(&c);
  WB_OK(open_city((WbCityOptions){.null_height = "7.5"}, &c));
  assert_int_equal(c->n_null, 2);
  assert_int_equal(c->n_dropped, 0);
  WB_ASSERT_NEAR(at(c, 1030, 2030), 7.5, 0);
  wb_city_destroy(&c);
}

static void bad_heights(void **state) {
  (void)state;
  write_text("minus.geojson",
             HEAD FRAME "," FEATURE("\"height_m\":-3", "Polygon", "[" BOX(1020, 2020, 1060, 2060) "]") "]}");
  refused((WbCityOptions){0}, WB_ERR_INPUT, "feature 2", "is -3");
  write_text("feet.geojson",
             HEAD FRAME "," FEATURE("\"height_m\":3300", "Polygon", "[" BOX(1020, 2020, 1060, 2060) "]") "]}");
  refused((WbCityOptions){0}, WB_ERR_INPUT, "feature 2", "0 to 1000");
  write_text("text.geojson",
             HEAD FRAME "," FEATURE("\"height_m\":\"tall\"", "Polygon", "[" BOX(1020, 2020, 1060, 2060) "]") "]}");
  refused((WbCityOptions){0}, WB_ERR_INPUT, "feature 2", "'tall'");
  write_text("none.geojson",
             HEAD FEATURE("\"floors\":3,\"name\":\"a\"", "Polygon", "[" BOX(1020, 2020, 1060, 2060) "]") "]}");
  refused((WbCityOptions){0}, WB_ERR_INPUT, "no height field", "floors name");
  WbCity *c;
  WB_OK(open_city((WbCityOptions){.height_field = "floors"}, &c));
  WB_ASSERT_NEAR(at(c, 1030, 2030), 3, 0);
  wb_city_destroy(&c);
}

static void crossed_polygons_are_mended(void **state) {
  (void)state;
  write_text("bow.geojson",
             HEAD FRAME "," FEATURE("\"height_m\":20", "Polygon",
                                    "[[[1020,2020],[1060,2060],[1060,2020],[1020,2060],[1020,2020]]]") "]}");
  WbCity *c;
  WB_OK(open_city((WbCityOptions){0}, &c));
  assert_int_equal(c->n_repaired, 1);
  WB_ASSERT_NEAR(built(c), 200 + 800, 50); /* both wings of the bow tie */
  WB_ASSERT_NEAR(at(c, 1022, 2040), 20, 0);
  WB_ASSERT_NEAR(at(c, 1058, 2040), 20, 0);
  WB_ASSERT_NEAR(at(c, 1040, 2025), 0, 0);
  wb_city_destroy(&c);
}

static void coordinate_systems(void **state) {
  (void)state;
#define LONLAT "\"features\":[" FEATURE("\"height_m\":20", "Polygon", "[" BOX(139.76, 35.68, 139.77, 35.69) "]") "]}"
  write_text("lonlat.geojson", "{\"type\":\"FeatureCollection\"," LONLAT);
  refused((WbCityOptions){0}, WB_ERR_INPUT, "degrees", "ogr2ogr -t_srs");
#define METRES "\"features\":[" FRAME "]}"
  write_text("nocrs.geojson", "{\"type\":\"FeatureCollection\"," METRES);
  WbCity *c;
  WB_OK(open_city((WbCityOptions){0}, &c)); /* with a warning */
  assert_int_equal(c->epsg, 0);
  assert_string_equal(c->crs_wkt, "");
  WB_ASSERT_NEAR(built(c), 200, 0);
  wb_city_destroy(&c);
  write_text("feet.geojson",
             "{\"type\":\"FeatureCollection\",\"crs\":{\"type\":\"name\",\"properties\":{\"name\":\"urn:ogc:def:crs:"
             "EPSG::2263\"}}," METRES);
  refused((WbCityOptions){0}, WB_ERR_INPUT, "metres are needed", "foot");
}

static void broken_files(void **state) {
  (void)state;
  snprintf(path, sizeof path, "%s/nowhere.geojson", folder);
  refused((WbCityOptions){0}, WB_ERR_INPUT, "does not exist", "city_file");
  write_text("cut.geojson", HEAD FRAME ",{\"type\":\"Feature\",\"geome");
  refused((WbCityOptions){0}, WB_ERR_INPUT, "", "");
  write_text("noise.geojson", "{]{\"FeatureCollection\" nonsense");
  refused((WbCityOptions){0}, WB_ERR_INPUT, "neither building footprints nor a height raster", "");
  write_text("empty.geojson", "");
  refused((WbCityOptions){0}, WB_ERR_INPUT, "", "");
  write_text("nobody.geojson", HEAD "]}");
  refused((WbCityOptions){0}, WB_ERR_INPUT, "", "");
  write_text("points.geojson", HEAD FEATURE("\"height_m\":20", "Point", "[1000,2000]") "]}");
  refused((WbCityOptions){0}, WB_ERR_INPUT, "no layer of polygons", "Point");
  write_text("infinite.geojson",
             HEAD FEATURE("\"height_m\":20", "Polygon", "[[[1e999,0],[0,1],[1,1],[1e999,0]]]") "]}");
  refused((WbCityOptions){0}, WB_ERR_INPUT, "", "");
  write_text("wide.geojson",
             HEAD FRAME "," FEATURE("\"height_m\":20", "Polygon", "[" BOX(900000, 2000, 900010, 2010) "]") "]}");
  refused((WbCityOptions){0}, WB_ERR_INPUT, "up to 40000 m", "city_x_min_m");
}

/* An ESRI ASCII grid is the smallest raster GDAL reads: rows from north to south. */
static void rasters(void **state) {
  (void)state;
  write_text("roof.asc",
             "ncols 4\nnrows 4\nxllcorner 100\nyllcorner 200\ncellsize 10\nNODATA_value -99\n"
             "0 0 0 8\n0 0 0 0\n0 -99 nan 0\n5 0 0 0\n");
  WbCity *c;
  WB_OK(open_city((WbCityOptions){0}, &c));
  assert_int_equal(c->nx, 40);
  WB_ASSERT_NEAR(at(c, 105, 205), 5, 0);
  WB_ASSERT_NEAR(at(c, 139, 239), 8, 0);
  WB_ASSERT_NEAR(built(c), 200, 0);
  wb_city_destroy(&c);
  refused((WbCityOptions){.window_given = true, .x_min_m = 120, .y_min_m = 200, .size_x_m = 40, .size_y_m = 40},
          WB_ERR_INPUT, "partly outside", "x 100.0 to 140.0");
  write_text("deep.asc", "ncols 2\nnrows 2\nxllcorner 100\nyllcorner 200\ncellsize 10\n-7 0\n0 0\n");
  refused((WbCityOptions){0}, WB_ERR_INPUT, "height -7", "x 105.0");
}

static int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "%s/wb_city_XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
  return mkdtemp(folder) ? 0 : 1;
}

static int remove_folder(void **state) {
  (void)state;
  char command[400];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command); /* NOLINT(bugprone-command-processor): a name made above */
}

int main(int argc, char **argv) {
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  wb_error_install();
  const struct CMUnitTest tests[] = {cmocka_unit_test(polygons_holes_and_parts),
                                     cmocka_unit_test(null_heights),
                                     cmocka_unit_test(bad_heights),
                                     cmocka_unit_test(crossed_polygons_are_mended),
                                     cmocka_unit_test(coordinate_systems),
                                     cmocka_unit_test(broken_files),
                                     cmocka_unit_test(rasters)};
  const int failed = cmocka_run_group_tests(tests, make_folder, remove_folder);
  if (PetscFinalize()) return 1;
  return failed;
}
