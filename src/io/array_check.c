/* Are the values what their quantity may be? And in one line for the log: what was understood of a file. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "array_internal.h"

static size_t size_of(const int count[4]) {
  return (size_t)count[0] * (size_t)count[1] * (size_t)count[2] * (size_t)count[3];
}

/* "hr/u", "u" */
static void title(const WbArray a, char out[2 * WB_IO_NAME]) {
  char group[WB_IO_NAME];
  wb_io_group_normalise(a->group, group);
  snprintf(out, 2 * WB_IO_NAME, "%s%s%s", group, group[0] ? "/" : "", a->name);
}

/* "minute 2 (120 s), z = 10 m, y = ..., x = ..." of element q of the block. */
static void place_text(const WbArray a, const int start[4], const int count[4], size_t q, char *out, size_t max) {
  int at[4];
  for (int k = 3; k >= 0; k--) {
    at[k] = start[k] + (int)(q % (size_t)count[k]);
    q /= (size_t)count[k];
  }
  out[0] = '\0';
  const WbAxis *time = &a->axis[WB_AXIS_TIME];
  if (time->at) snprintf(out, max, "minute %d (%.10g s)", at[0] + 1, time->at[at[0]]);
  for (int k = 1; k < WB_AXES; k++)
    if (a->axis[k].at) {
      const size_t n = strlen(out);
      snprintf(out + n, max - n, "%s%s = %.10g m", n ? ", " : "", a->axis[k].name, a->axis[k].at[at[k]]);
    }
}

/* What this rank's block holds in air: missing values, values out of range; the first of each. */
typedef struct {
  size_t missing, outside, first_missing, first_outside;
} Faults;

static Faults find_faults(WbArray a, const int count[4], const float *values, const uint8_t *air) {
  const size_t n = size_of(count), once = count[0] ? n / (size_t)count[0] : 0;
  const WbQuantity *q = a->quantity;
  Faults f = {0, 0, 0, 0};
  for (size_t i = 0; i < n; i++) {
    const double value = (double)values[i];
    if (air && !air[i % once]) {
      a->solid_missing += isnan(value);
      a->solid_numbers += !isnan(value) && value != 0.0;
      continue;
    }
    if (!isfinite(value)) {
      if (!f.missing++) f.first_missing = i;
    } else if (!(value >= q->least && value <= q->most)) {
      if (!f.outside++) f.first_outside = i;
    } else {
      a->least = fmin(a->least, value);
      a->most = fmax(a->most, value);
    }
  }
  return f;
}

PetscErrorCode wb_array_check(WbArray a, const int start[4], const int count[4], const float *values,
                              const uint8_t *air) {
  const WbQuantity *q = a->quantity;
  const Faults f = find_faults(a, count, values, air);
  char name[2 * WB_IO_NAME], place[512];
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  title(a, name);
  double total[2] = {(double)f.missing, (double)f.outside};
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, total, 2, MPI_DOUBLE, MPI_SUM, a->nc->comm));
  if (total[0] <= 0 && total[1] <= 0) PetscFunctionReturn(0);
  if (f.outside) {
    place_text(a, start, count, f.first_outside, place, sizeof place);
    ierr =
        wb_error_raise(WB_ERR_INPUT, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__,
                       "%s: %s is %.6g %s at %s%s%s%s; allowed: %g to %g %s: are its units right, or does this value "
                       "mean missing (_FillValue, missing_value)?",
                       a->nc->path, name, (double)values[f.first_outside], q->units, place,
                       a->marks.units[0] ? " (the file's units: " : " (the file gives no units", a->marks.units, ")",
                       q->least, q->most, q->units);
  } else if (f.missing && total[1] <= 0) {
    place_text(a, start, count, f.first_missing, place, sizeof place);
    ierr = wb_error_raise(
        WB_ERR_INPUT, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__,
        "%s: %s is missing or not finite in %.0f %scells, first at %s; allowed: numbers from %g to %g %s", a->nc->path,
        name, total[0], air ? "air " : "", place, q->least, q->most, q->units);
  }
  PetscCall(wb_error_agree(a->nc->comm, ierr));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_array_check_solids(const WbArray a, const char *mask) {
  double counts[2] = {a->solid_missing, a->solid_numbers};
  char name[2 * WB_IO_NAME];
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, counts, 2, MPI_DOUBLE, MPI_SUM, a->nc->comm));
  if (counts[0] <= 0 || counts[1] <= 0) PetscFunctionReturn(0);
  title(a, name);
  WB_RAISE_ALL(
      WB_ERR_INPUT,
      "%s: %s holds numbers in %.0f values of building cells (%s = 0) and is missing in %.0f; allowed: missing (or "
      "numbers) in all of them: do mask and values belong together?",
      a->nc->path, name, counts[1], mask, counts[0]);
}

PetscErrorCode wb_array_read_mask(const WbArray a, const int start[4], const int count[4], uint8_t *out) {
  const size_t n = size_of(count);
  float *values = NULL;
  char name[2 * WB_IO_NAME], place[512];
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(n ? n : 1, &values));
  PetscErrorCode ierr = wb_array_read(a, start, count, values);
  PetscErrorCode bad = 0;
  for (size_t q = 0; q < n && !ierr; q++) {
    out[q] = values[q] == 1.0f;
    if (bad || values[q] == 0.0f || values[q] == 1.0f) continue;
    title(a, name);
    place_text(a, start, count, q, place, sizeof place);
    bad = wb_error_raise(WB_ERR_INPUT, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__,
                         "%s: mask %s is %g at %s; allowed: 0 (building) and 1 (air)", a->nc->path, name,
                         (double)values[q], place);
  }
  WB_FREE(&values);
  PetscCall(ierr);
  PetscCall(wb_error_agree(a->nc->comm, bad));
  PetscFunctionReturn(0);
}

static void add(char *line, size_t max, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void add(char *line, size_t max, const char *format, ...) {
  va_list args;
  const size_t n = strlen(line);
  va_start(args, format);
  vsnprintf(line + n, max - n, format, args);
  va_end(args);
}

static void say_axis(const WbAxis *axis, WbAxisKind kind, char *line, size_t max) {
  static const char *const backwards[WB_AXES] = {"", ", downwards", ", from north to south", ", from east to west"};
  if (!axis->name[0] || kind == WB_AXIS_TIME) return;
  add(line, max, "; %s %.10g ... %.10g m (%d%s)", axis->name, axis->at[0], axis->at[axis->n - 1], axis->n,
      axis->reversed ? backwards[kind] : "");
}

static void say_times(const struct WbArray_s *a, char *line, size_t max) {
  const WbTimes *t = &a->times;
  if (t->n < 1) return;
  const bool point = strcmp(t->method, "point") == 0;
  add(line, max, "; %d time%s, %.10g ... %.10g s%s%s", t->n, t->n == 1 ? "" : "s", t->at[0], t->at[t->n - 1],
      t->epoch[0] ? " since " : "", t->epoch);
  if (t->from && t->to[0] > t->from[0])
    add(line, max, ", %s over %.6g s", point ? "points" : "means", t->to[0] - t->from[0]);
  else if (point)
    add(line, max, ", instants");
}

/* Names of what came without units, each once. */
static void undeclared(int n, const WbArray *arrays, const struct WbArray_s *first, char *list, size_t max) {
  for (int i = 0; i < n; i++) {
    if (!arrays[i]) continue;
    if (!wb_array_has_units(arrays[i])) add(list, max, "%s%s", list[0] ? ", " : "", arrays[i]->name);
  }
  for (int k = 0; k < WB_AXES; k++) {
    const WbAxis *axis = &first->axis[k];
    if (axis->name[0] && !axis->declared) add(list, max, "%s%s", list[0] ? ", " : "", axis->name);
  }
}

PetscErrorCode wb_arrays_say(int n, const WbArray *arrays) {
  char line[2048] = "", names[512] = "", name[2 * WB_IO_NAME];
  const struct WbArray_s *first = NULL;
  PetscFunctionBeginUser;
  for (int i = n - 1; i >= 0; i--)
    if (arrays[i]) first = arrays[i];
  if (!first) PetscFunctionReturn(0);
  for (int i = 0; i < n; i++) {
    const WbArray a = arrays[i];
    if (!a) continue;
    double range[2] = {-a->least, a->most};
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, range, 2, MPI_DOUBLE, MPI_MAX, a->nc->comm));
    title(a, name);
    add(line, sizeof line, "%s%s", line[0] ? ", " : "", name);
    if (strcmp(a->name, a->quantity->name) != 0) add(line, sizeof line, " (%s)", a->quantity->text);
    add(line, sizeof line, " %.4g ... %.4g %s", -range[0], range[1], a->quantity->units);
    if (a->units.relation == WB_UNITS_CONVERT) add(line, sizeof line, " (from '%s')", a->marks.units);
  }
  for (int k = WB_AXES - 1; k >= 0; k--) say_axis(&first->axis[k], (WbAxisKind)k, line, sizeof line);
  say_times(first, line, sizeof line);
  wb_log("%s: %s", first->nc->path, line);
  undeclared(n, arrays, first, names, sizeof names);
  if (names[0]) wb_log_warn("%s: no units given for %s; taken to be in K, m s-1, m and s", first->nc->path, names);
  PetscFunctionReturn(0);
}
