/* How much memory the process holds and how much the machine, or the control group around the process, still has. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "windbridge/core.h"

double wb_memory_resident_bytes(void) {
  double pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (f && fscanf(f, "%*f %lf", &pages) != 1) pages = 0;
  if (f) fclose(f);
  return pages * (double)sysconf(_SC_PAGESIZE);
}

/* First number of a file, or -1: absent, or "max". */
static double number_in(const char *path) {
  double value = -1;
  FILE *f = fopen(path, "r");
  if (f && fscanf(f, "%lf", &value) != 1) value = -1;
  if (f) fclose(f);
  return value;
}

static double machine_bytes(void) {
  char line[256];
  double kilobytes = 0;
  FILE *f = fopen("/proc/meminfo", "r");
  while (f && fgets(line, sizeof line, f))
    if (sscanf(line, "MemAvailable: %lf kB", &kilobytes) == 1) break;
  if (f) fclose(f);
  return 1024.0 * kilobytes;
}

/* Bytes that one group may still take, or -1 without a limit. Page cache can be reclaimed, so it does not count. */
static double group_bytes(const char *limit, const char *usage, const char *stat, const char *cache) {
  const double most = number_in(limit), now = number_in(usage);
  if (most < 0 || most > 1e17 || now < 0) return -1;
  char line[256];
  double cached = 0;
  FILE *f = fopen(stat, "r");
  while (f && fgets(line, sizeof line, f))
    if (strncmp(line, cache, strlen(cache)) == 0 && line[strlen(cache)] == ' ')
      (void)sscanf(line + strlen(cache), "%lf", &cached);
  if (f) fclose(f);
  return most - now + cached > 0 ? most - now + cached : 0;
}

/* Group `name` of the hierarchy mounted at root, -1 without a limit. */
static double named_group_bytes(const char *root, const char *name, const char *const files[3], const char *cache) {
  char path[3][768];
  for (int i = 0; i < 3; i++)
    snprintf(path[i], sizeof path[i], "%s%s/%s", root, strcmp(name, "/") == 0 ? "" : name, files[i]);
  return group_bytes(path[0], path[1], path[2], cache);
}

/* Version 2 (one hierarchy) and version 1 ("memory"): the group named in /proc/self/cgroup, or, where a container shows
 * only its own part of the hierarchy, its root. The tightest counts. */
static double cgroup_bytes(void) {
  static const char *const v2[] = {"memory.max", "memory.current", "memory.stat"};
  static const char *const v1[] = {"memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat"};
  char line[512];
  double least = -1;
  FILE *f = fopen("/proc/self/cgroup", "r");
  while (f && fgets(line, sizeof line, f)) {
    line[strcspn(line, "\n")] = '\0';
    const char *second = strstr(line, "0::") == line ? line + 3 : NULL, *first = strstr(line, ":memory:");
    const char *const names[] = {second ? second : first ? first + strlen(":memory:") : NULL, "/"};
    for (int i = 0; i < 2 && names[0]; i++) {
      const double left = second ? named_group_bytes("/sys/fs/cgroup", names[i], v2, "inactive_file")
                                 : named_group_bytes("/sys/fs/cgroup/memory", names[i], v1, "total_inactive_file");
      if (left >= 0 && (least < 0 || left < least)) least = left;
    }
  }
  if (f) fclose(f);
  return least;
}

double wb_memory_available_bytes(const char **where) {
  const double machine = machine_bytes(), group = cgroup_bytes();
  const bool limited = group >= 0 && (machine <= 0 || group < machine);
  *where = limited ? "cgroup limit" : "MemAvailable";
  return limited ? group : machine;
}
