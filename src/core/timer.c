/* Named wall-clock timers. A timer begun while it runs counts the outer interval once. */
#include <string.h>
#include <time.h>

#include "windbridge/core.h"

#define WB_TIMERS_MAX 128

static struct {
  const char *name;
  double seconds, started;
  int depth;
} timers[WB_TIMERS_MAX];
static int timer_count;

double wb_wtime(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The table is fixed: names are written in the source, so overflow shows at once as the shared last entry. */
int wb_timer_id(const char *name) {
  for (int i = 0; i < timer_count; i++)
    if (strcmp(timers[i].name, name) == 0) return i;
  if (timer_count == WB_TIMERS_MAX - 1) name = "other";
  if (timer_count == WB_TIMERS_MAX) return WB_TIMERS_MAX - 1;
  timers[timer_count].name = name;
  return timer_count++;
}

void wb_timer_begin(int id) {
  if (id < 0 || id >= timer_count) return;
  if (timers[id].depth++ == 0) timers[id].started = wb_wtime();
}

void wb_timer_end(int id) {
  if (id < 0 || id >= timer_count || timers[id].depth == 0) return;
  if (--timers[id].depth == 0) timers[id].seconds += wb_wtime() - timers[id].started;
}

int wb_timer_count(void) {
  return timer_count;
}

const char *wb_timer_name(int id) {
  return id >= 0 && id < timer_count ? timers[id].name : "";
}

double wb_timer_seconds(int id) {
  if (id < 0 || id >= timer_count) return 0.0;
  return timers[id].seconds + (timers[id].depth ? wb_wtime() - timers[id].started : 0.0);
}
