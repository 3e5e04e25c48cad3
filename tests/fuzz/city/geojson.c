/* Damaged GeoJSON: every mutation is either read or refused with a one-line message; nothing crashes, hangs or grows.
 */
#include "wb_test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "windbridge/city.h"

static const char good[] =
    "{\"type\":\"FeatureCollection\",\"crs\":{\"type\":\"name\",\"properties\":{\"name\":\"urn:ogc:def:crs:EPSG::"
    "6677\"}},\"features\":["
    "{\"type\":\"Feature\",\"id\":1,\"properties\":{\"height_m\":12.5},\"geometry\":{\"type\":\"Polygon\","
    "\"coordinates\":"
    "[[[0,0],[40,0],[40,40],[0,40],[0,0]],[[10,10],[20,10],[20,20],[10,20],[10,10]]]}},"
    "{\"type\":\"Feature\",\"id\":2,\"properties\":{\"height_m\":33},\"geometry\":{\"type\":\"MultiPolygon\","
    "\"coordinates\":"
    "[[[[50,50],[90,55],[80,90],[50,50]]],[[[60,0],[70,0],[70,10],[60,0]]]]}}]}";

static const char *const tokens[] = {"null",    "[]",       "{}",          "-",         "1e308",
                                     "1e-320",  "NaN",      "\"\"",        "[[",        "]]",
                                     "}",       ",",        "\"Polygon\"", "\"Point\"", "999999999999",
                                     "\\u0000", "\xff\xfe", "[[[0,0]]]",   "0",         "\"crs\":null,"};

static size_t mutate(const WbRandomKey *key, int n, char *text, size_t room) {
  size_t length = strlen(good);
  for (size_t i = 0; i < length; i++) text[i] = good[i];
  uint32_t w[4];
  wb_random_words(key, (uint64_t)n, w);
  const int changes = 1 + (int)(w[0] % 4);
  for (int c = 0; c < changes; c++) {
    wb_random_words(key, (uint64_t)n * 16 + (uint64_t)c + 1000000, w);
    const size_t at = w[0] % (length + 1);
    switch (w[1] % 4) {
      case 0: /* another byte */
        if (at < length) text[at] = (char)(w[2] & 0xff);
        break;
      case 1: /* cut off */
        if (w[3] % 3 == 0) length = at;
        break;
      case 2: { /* a piece taken out */
        const size_t cut = w[2] % 12 < length - at ? w[2] % 12 : length - at;
        memmove(text + at, text + at + cut, length - at - cut);
        length -= cut;
        break;
      }
      default: { /* a token put in */
        const char *token = tokens[w[2] % (sizeof tokens / sizeof tokens[0])];
        const size_t more = strlen(token);
        if (length + more > room) break;
        memmove(text + at + more, text + at, length - at);
        for (size_t i = 0; i < more; i++) text[at + i] = token[i];
        length += more;
      }
    }
  }
  return length;
}

static void damaged_files(void **state) {
  (void)state;
  char folder[256], path[300], text[4096];
  snprintf(folder, sizeof folder, "%s/wb_fuzz_XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/city.geojson", folder);
  const WbRandomKey key = {.seed = 20, .stream = WB_STREAM_TEST};
  int good_ones = 0, refused = 0;
  for (int n = 0; n < 1500; n++) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    const size_t length = mutate(&key, n, text, sizeof text);
    assert_int_equal(fwrite(text, 1, length, f), length);
    fclose(f);
    const WbCityOptions o = {.file = path, .null_height = n % 3 ? "refuse" : "drop", .margin_m = 20};
    WbCity *c = NULL;
    const PetscErrorCode e = wb_city_create(PETSC_COMM_SELF, &o, &c);
    if (e == 0) {
      good_ones++;
      assert_true(c->nx > 0 && c->nx <= 20000);
    } else {
      refused++;
      if (e != WB_ERR_INPUT) fail_msg("mutation %d: error %d: %s", n, (int)e, wb_error_message());
      assert_null(c);
      assert_true(strlen(wb_error_message()) > 20 && !strchr(wb_error_message(), '\n'));
      wb_error_clear();
    }
    wb_city_destroy(&c);
  }
  unlink(path);
  rmdir(folder);
  assert_true(good_ones > 50 && refused > 500);
}

int main(int argc, char **argv) {
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  wb_error_install();
  if (wb_log_open(PETSC_COMM_SELF, NULL, true)) return 1; /* thousands of lines otherwise */
  const struct CMUnitTest tests[] = {cmocka_unit_test(damaged_files)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  wb_log_close();
  if (PetscFinalize()) return 1;
  return failed;
}
