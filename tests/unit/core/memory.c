/* What the process holds and what the machine has: true sizes, in bytes. */
#include "wb_test.h"
#include <string.h>

static void resident_follows_use(void **state) {
  (void)state;
  const size_t bytes = (size_t)200 << 20;
  void *block = NULL;
  const double before = wb_memory_resident_bytes();
  assert_true(before > 1e6);
  WB_OK(wb_calloc_bytes(bytes, "block", &block)); /* zeroed, so every page is there */
  const double with = wb_memory_resident_bytes();
  WB_ASSERT_NEAR(with - before, (double)bytes, 0.05 * (double)bytes);
  assert_true(wb_memory_peak_bytes() >= with - 1e6);
  wb_free_bytes(&block);
}

static void machine_has_something(void **state) {
  (void)state;
  const char *where = NULL;
  double total = 0;
  char line[128];
  FILE *f = fopen("/proc/meminfo", "r");
  while (f && fgets(line, sizeof line, f))
    if (sscanf(line, "MemTotal: %lf kB", &total) == 1) break;
  if (f) fclose(f);
  const double available = wb_memory_available_bytes(&where);
  assert_true(available > 0);
  WB_ASSERT_BELOW(available, 1024 * total);
  assert_true(strcmp(where, "MemAvailable") == 0 || strcmp(where, "cgroup limit") == 0);
}

WB_TEST_MAIN(cmocka_unit_test(resident_follows_use), cmocka_unit_test(machine_has_something))
