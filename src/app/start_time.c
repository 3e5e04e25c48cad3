/* run_start_time: a moment of the calendar, in UTC. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"

static bool is_leap(int year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of(int year, int month) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return days[month - 1] + (month == 2 && is_leap(year));
}

/* "dddd-dd-ddTdd:dd:dd", d a digit, and Z or nothing. */
static bool has_shape(const char *text) {
  static const char shape[] = "dddd-dd-ddTdd:dd:dd";
  for (const char *p = shape; *p; p++, text++)
    if (*p == 'd' ? *text < '0' || *text > '9' : *text != *p) return false;
  return *text == '\0' || strcmp(text, "Z") == 0;
}

PetscErrorCode wb_app_start_time(const WbApp *app, int *day_of_year, double *utc_s) {
  PetscFunctionBeginUser;
  const char *text = wb_config_text(app->config, "run", "start_time");
  int part[6] = {0};
  static const int at[6] = {0, 5, 8, 11, 14, 17};
  bool good = has_shape(text);
  for (int i = 0; i < 6 && good; i++) part[i] = (int)strtol(text + at[i], NULL, 10);
  const int year = part[0], month = part[1], day = part[2];
  /* the calendar of CF times before 1583 is another one for each reader */
  good = good && year >= 1583 && month >= 1 && month <= 12 && day >= 1 && day <= days_of(year, month) &&
         part[3] <= 23 && part[4] <= 59 && part[5] <= 59;
  if (!good)
    WB_RAISE_ALL(WB_ERR_CONFIG,
                 "%s: run_start_time is '%.80s'; allowed: an ISO time in UTC that the calendar has, such as "
                 "2026-08-01T12:00:00",
                 wb_config_where(app->config, "run", "start_time"), text);
  *day_of_year = day;
  for (int m = 1; m < month; m++) *day_of_year += days_of(year, m);
  *utc_s = 3600.0 * part[3] + 60.0 * part[4] + part[5];
  PetscFunctionReturn(0);
}
