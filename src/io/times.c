/* Times by their units, calendar and bounds: seconds since the file's own epoch, so that results can be stamped as
 * their input whatever the calendar. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "array_internal.h"

#define RESOLUTION_S 1e-3 /* times in hours or days are rounded to this, so that 0.1 h is 360 s */

/* A date and time of day (UTC), with what the text has beyond whole seconds and its time zone taken off. */
typedef struct {
  int year, month, day, hour, minute, second;
  double rest_s; /* true time = the fields above + rest_s */
} Date;

/* "+01:00", "-5", "Z", "UTC" or nothing. */
static bool parse_zone(const char *text, double *offset_s) {
  int hours = 0, minutes = 0, used = 0;
  *offset_s = 0.0;
  while (*text == ' ') text++;
  if (!*text || strcasecmp(text, "Z") == 0 || strcasecmp(text, "UTC") == 0 || strcasecmp(text, "GMT") == 0) return true;
  if (*text != '+' && *text != '-') return false;
  const double sign = *text == '-' ? -1.0 : 1.0;
  if (sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || text[1 + used]) {
    minutes = used = 0;
    if (sscanf(text + 1, "%2d%n", &hours, &used) != 1) return false;
    const char *more = text + 1 + used;
    if (*more && (sscanf(more, "%2d%n", &minutes, &used) != 1 || more[used])) return false;
  }
  if (hours < 0 || minutes < 0 || hours > 15 || minutes > 59) return false;
  *offset_s = sign * (3600.0 * hours + 60.0 * minutes);
  return true;
}

static bool parse_date(const char *text, Date *d) {
  int used = 0;
  double seconds = 0.0, zone = 0.0;
  memset(d, 0, sizeof *d);
  while (*text == ' ') text++;
  if (sscanf(text, "%5d-%2d-%2d%n", &d->year, &d->month, &d->day, &used) != 3) return false;
  text += used;
  if (*text == 'T' || *text == 't' || (*text == ' ' && isdigit((unsigned char)text[strspn(text, " ")]))) {
    text++;
    if (sscanf(text, " %2d:%2d%n", &d->hour, &d->minute, &used) == 2) {
      text += used;
      if (*text == ':') {
        char *end = NULL;
        seconds = strtod(text + 1, &end);
        if (end == text + 1 || !isdigit((unsigned char)text[1])) return false;
        text = end;
      }
    } else if (sscanf(text, " %2d%n", &d->hour, &used) == 1) {
      text += used;
    } else {
      return false;
    }
  }
  static const int days[12] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (d->month < 1 || d->month > 12 || d->day < 1 || d->day > days[d->month - 1] || d->hour < 0 || d->hour > 23 ||
      d->minute < 0 || d->minute > 59 || !(seconds >= 0.0 && seconds < 60.0) || !parse_zone(text, &zone))
    return false;
  d->second = (int)seconds;
  d->rest_s = seconds - d->second - zone;
  return true;
}

/* Days since 1970-01-01 of the proleptic Gregorian calendar (Hinnant's algorithm on years that begin in March). */
static int64_t days_of(int64_t y, int m, int d) {
  y -= m <= 2;
  const int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
  const int64_t of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static double seconds_of(const Date *d) {
  return 86400.0 * (double)days_of(d->year, d->month, d->day) + 3600.0 * d->hour + 60.0 * d->minute + d->second +
         d->rest_s;
}

bool wb_times_after(const WbTimes *times, const char *date, double *seconds) {
  Date epoch, wanted;
  if (!times->epoch[0] || !parse_date(times->epoch, &epoch) || !parse_date(date, &wanted)) return false;
  const bool real = strcmp(times->calendar, "proleptic_gregorian") == 0;
  const bool mixed = strcmp(times->calendar, "standard") == 0 || strcmp(times->calendar, "gregorian") == 0;
  if (!real && !(mixed && epoch.year > 1582 && wanted.year > 1582)) return false;
  *seconds = seconds_of(&wanted) - seconds_of(&epoch);
  return true;
}

/* Where " since " (or one of UDUNITS' other words for it) begins; *after: what follows. NULL: no date. */
static const char *find_since(const char *units, const char **after) {
  static const char *const words[] = {" since ", " after ", " from ", " ref ", " @ "};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    const char *at = strcasestr(units, words[i]);
    if (!at) continue;
    *after = at + strlen(words[i]);
    return at;
  }
  return NULL;
}

static PetscErrorCode check_calendar(const WbNc nc, const char *name, const char *given, WbTimes *t) {
  static const char *const known[] = {
      "standard", "gregorian", "proleptic_gregorian", "julian", "noleap", "365_day", "all_leap", "366_day",
      "360_day",  "utc"};
  PetscFunctionBeginUser;
  snprintf(t->calendar, sizeof t->calendar, "%s", given[0] ? given : "standard");
  for (char *c = t->calendar; *c; c++) *c = (char)tolower((unsigned char)*c);
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strcmp(known[i], t->calendar) == 0) PetscFunctionReturn(0);
  WB_RAISE_ALL(WB_ERR_INPUT,
               "%s: %s has calendar '%s'; allowed: those of CF (standard, proleptic_gregorian, noleap, ...)", nc->path,
               name, given);
}

/* Units of time: factor to seconds; shift: what is added for an epoch with a time zone or fractions of a second. */
static PetscErrorCode read_units(WbNc nc, const char *name, const WbIoMarks *m, WbTimes *t, double *factor,
                                 double *shift) {
  char unit[WB_IO_TEXT];
  const char *date = NULL, *since = find_since(m->units, &date);
  WbUnits u;
  Date epoch;
  PetscFunctionBeginUser;
  *factor = 1.0, *shift = 0.0;
  t->declared = m->units[0] != '\0';
  if (!t->declared) PetscFunctionReturn(0);
  snprintf(unit, sizeof unit, "%.*s", since ? (int)(since - m->units) : (int)strlen(m->units), m->units);
  PetscCall(wb_units_relate(nc->comm, unit, "s", &u));
  const bool vague = strncasecmp(unit, "month", 5) == 0 || strncasecmp(unit, "year", 4) == 0 ||
                     strncasecmp(unit, "common_year", 11) == 0;
  if (u.relation > WB_UNITS_CONVERT || u.offset != 0.0 || vague)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: %s is in '%s', which %s; allowed: seconds, minutes, hours or days since a date",
                 nc->path, name, m->units, vague ? "is no fixed time" : wb_units_reason(u.relation));
  *factor = u.slope;
  if (!since) PetscFunctionReturn(0);
  if (!parse_date(date, &epoch))
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: %s counts since '%s'; allowed: a date as 2026-01-15 06:00:00", nc->path, name,
                 date);
  *shift = epoch.rest_s;
  snprintf(t->epoch, sizeof t->epoch, "%04d-%02d-%02d %02d:%02d:%02d", epoch.year, epoch.month, epoch.day, epoch.hour,
           epoch.minute, epoch.second);
  PetscCall(check_calendar(nc, name, m->calendar, t));
  PetscFunctionReturn(0);
}

static double to_seconds(double value, double factor, double shift) {
  const double s = factor * value;
  return (factor == 1.0 ? s : RESOLUTION_S * rint(s / RESOLUTION_S)) + shift;
}

static PetscErrorCode check_values(const WbNc nc, const char *name, const WbTimes *t) {
  PetscFunctionBeginUser;
  for (int i = 0; i < t->n; i++) {
    if (!isfinite(t->at[i]))
      WB_RAISE_ALL(WB_ERR_INPUT, "%s: entry %d of %s is missing or no number", nc->path, i + 1, name);
    if (i > 0 && !(t->at[i] > t->at[i - 1]))
      WB_RAISE_ALL(WB_ERR_INPUT, "%s: %s has %.10g s after %.10g s; allowed: increasing times", nc->path, name,
                   t->at[i], t->at[i - 1]);
  }
  PetscFunctionReturn(0);
}

/* One pair of bounds a time, around it. */
static PetscErrorCode take_bounds(const WbNc nc, const char *bounds, const double *raw, double factor, double shift,
                                  WbTimes *t) {
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(t->n, &t->from));
  PetscCall(WB_ALLOC(t->n, &t->to));
  for (int i = 0; i < t->n; i++) {
    const double a = to_seconds(raw[2 * i], factor, shift), b = to_seconds(raw[2 * i + 1], factor, shift);
    t->from[i] = PetscMin(a, b), t->to[i] = PetscMax(a, b);
    if (!(t->at[i] >= t->from[i] - RESOLUTION_S && t->at[i] <= t->to[i] + RESOLUTION_S))
      WB_RAISE_ALL(WB_ERR_INPUT, "%s: time %.10g s lies outside its bounds %.10g ... %.10g s (%s)", nc->path, t->at[i],
                   t->from[i], t->to[i], bounds);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode read_bounds(WbNc nc, const char *group, const WbIoMarks *m, double factor, double shift,
                                  WbTimes *t) {
  int rank = 0, dims[8];
  const int start[2] = {0, 0};
  const char *bounds = m->bounds[0] ? m->bounds : "time_bnds";
  bool has = false;
  double *raw = NULL;
  WbIoMarks own;
  PetscFunctionBeginUser;
  PetscCall(wb_nc_has(nc, group, bounds, &has));
  if (!has) PetscFunctionReturn(0);
  PetscCall(wb_nc_inq_dims(nc, group, bounds, &rank, dims));
  const bool scalar = m->rank == 0 && rank == 1 && dims[0] == 2;
  if (!scalar && (rank != 2 || dims[0] != t->n || dims[1] != 2))
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: the bounds of time, %s, do not have the shape (time, 2)", nc->path, bounds);
  PetscCall(wb_io_marks(nc, group, bounds, &own));
  if (own.units[0] && strcmp(own.units, m->units) != 0)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: %s is in '%s', its time in '%s'; bounds must have the units of their time",
                 nc->path, bounds, own.units, m->units);
  PetscCall(WB_ALLOC(2 * (size_t)t->n, &raw));
  PetscErrorCode ierr = wb_nc_get(nc, group, bounds, start, dims, WB_NC_DOUBLE, raw);
  if (!ierr) ierr = take_bounds(nc, bounds, raw, factor, shift, t);
  WB_FREE(&raw);
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_io_read_times(WbNc nc, const char *group, const char *name, WbTimes *t) {
  WbIoMarks m;
  double factor = 1.0, shift = 0.0;
  int rank = 0, dims[8];
  const int start = 0;
  PetscFunctionBeginUser;
  memset(t, 0, sizeof *t);
  PetscCall(wb_io_marks(nc, group, name, &m));
  PetscCall(wb_nc_inq_dims(nc, group, name, &rank, dims));
  if (rank > 1) WB_RAISE_ALL(WB_ERR_INPUT, "%s: %s is no list of times", nc->path, name);
  if (m.climatology[0]) WB_RAISE_ALL(WB_ERR_INPUT, "%s: %s is a climatology; allowed: times", nc->path, name);
  const int n = rank == 0 ? 1 : dims[0];
  if (n < 1) WB_RAISE_ALL(WB_ERR_INPUT, "%s: %s holds no times; at least one is needed", nc->path, name);
  PetscCall(read_units(nc, name, &m, t, &factor, &shift));
  PetscCall(WB_ALLOC(n, &t->at));
  t->n = n;
  PetscCall(wb_nc_get(nc, group, name, &start, &n, WB_NC_DOUBLE, t->at));
  for (int i = 0; i < n; i++) t->at[i] = to_seconds(t->at[i], factor, shift);
  PetscCall(check_values(nc, name, t));
  PetscCall(read_bounds(nc, group, &m, factor, shift, t));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_times_read(WbNc nc, const char *group, const char *name, WbTimes *times) {
  PetscFunctionBeginUser;
  PetscCall(wb_io_read_times(nc, group, name, times));
  PetscFunctionReturn(0);
}

void wb_times_free(WbTimes *times) {
  WB_FREE(&times->at);
  WB_FREE(&times->from);
  WB_FREE(&times->to);
  times->n = 0;
}
