/* An array found by its name or standard_name, its axes known (axis.c), read in the order time, z, y, x with every axis
 * increasing and in the units of its quantity. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "array_internal.h"

/* Variable of the group whose standard_name is the quantity's, with at least two dimensions; "" none. */
static PetscErrorCode find_by_standard_name(WbNc nc, const char *group, const WbQuantity *q, char name[WB_IO_NAME]) {
  char(*list)[WB_IO_NAME] = NULL;
  int n = 0;
  WbIoMarks m;
  PetscFunctionBeginUser;
  name[0] = '\0';
  PetscCall(wb_io_list(nc, group, &n, &list));
  PetscErrorCode ierr = 0;
  for (int i = 0; i < n && !ierr; i++) {
    ierr = wb_io_marks(nc, group, list[i], &m);
    if (ierr || m.rank < 2 || !wb_quantity_is_called(q, m.standard_name)) continue;
    if (name[0])
      ierr = WB_ERROR(WB_ERR_INPUT, WB_ERROR_ALL,
                      "%s: both %s and %s are a %s by their standard_name; call the one to take %s", nc->path, name,
                      list[i], q->text, q->name);
    else
      snprintf(name, WB_IO_NAME, "%s", list[i]);
  }
  WB_FREE(&list);
  PetscFunctionReturn(ierr);
}

static PetscErrorCode find(WbNc nc, const char *group, const WbQuantity *q, bool must, char name[WB_IO_NAME]) {
  bool has = false;
  PetscFunctionBeginUser;
  snprintf(name, WB_IO_NAME, "%s", q->name);
  PetscCall(wb_nc_has(nc, group, q->name, &has));
  if (has) PetscFunctionReturn(0);
  if (q->standard_names[0]) PetscCall(find_by_standard_name(nc, group, q, name));
  if (!q->standard_names[0]) name[0] = '\0';
  if (!name[0] && must) {
    WbIoVar *v = NULL;
    PetscCall(wb_io_var(nc, group, q->name, &v)); /* says what the group holds instead */
  }
  PetscFunctionReturn(0);
}

/* Where the text goes on behind "name:", as a word of its own; NULL: nowhere. */
static const char *after_name(const char *text, const char *name) {
  const size_t n = strlen(name);
  for (const char *at = strstr(text, name); at && n > 0; at = strstr(at + 1, name))
    if ((at == text || at[-1] == ' ') && at[n] == ':') return at + n + 1;
  return NULL;
}

/* "mean" of "time: mean (interval: 60 s)" or "time: area: mean", into the array's times. */
static void take_method(WbArray a) {
  const char *at = after_name(a->marks.cell_methods, a->axis[WB_AXIS_TIME].name);
  if (!at) at = after_name(a->marks.cell_methods, "time"); /* the standard name stands for any */
  if (!at) return;
  at += strspn(at, " ");
  for (size_t n = strcspn(at, " "); n > 0 && at[n - 1] == ':'; n = strcspn(at, " ")) at += n + strspn(at + n, " ");
  snprintf(a->times.method, sizeof a->times.method, "%.*s", (int)strcspn(at, " ("), at);
}

static PetscErrorCode judge_method(WbArray a) {
  static const char *const allowed[] = {"", "mean", "point", "instantaneous"};
  PetscFunctionBeginUser;
  take_method(a);
  for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
    if (strcmp(a->times.method, allowed[i]) == 0) PetscFunctionReturn(0);
  WB_RAISE_ALL(WB_ERR_INPUT, "%s: %s is the %s over time (cell_methods '%s'); allowed: means or instants", a->nc->path,
               a->name, a->times.method, a->marks.cell_methods);
}

/* Does the variable say that it is what its name promises? */
static PetscErrorCode judge(WbArray a) {
  const WbQuantity *q = a->quantity;
  PetscFunctionBeginUser;
  PetscCall(wb_io_marks(a->nc, a->group, a->name, &a->marks));
  const WbIoMarks *m = &a->marks;
  if (m->standard_name[0] && q->standard_names[0] && !wb_quantity_is_called(q, m->standard_name))
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: %s has the standard_name %s; wanted: %s (%s)", a->nc->path, a->name,
                 m->standard_name, q->standard_names[0], q->text);
  a->units = (WbUnits){.relation = WB_UNITS_SAME, .slope = 1.0, .offset = 0.0};
  if (q->mask) PetscFunctionReturn(0);
  if (m->units[0] && !(q->also && strcmp(q->also, m->units) == 0))
    PetscCall(wb_units_relate(a->nc->comm, m->units, q->units, &a->units));
  if (a->units.relation > WB_UNITS_CONVERT)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: %s is in '%s', which %s; allowed: %s, or what can be converted to it", a->nc->path,
                 a->name, m->units, wb_units_reason(a->units.relation), q->units);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_array_open(WbNc nc, const char *group, const char *quantity, bool must, WbArray *array) {
  const WbQuantity *q = wb_quantity(quantity);
  char name[WB_IO_NAME];
  PetscFunctionBeginUser;
  *array = NULL;
  PetscCheck(q, PETSC_COMM_SELF, PETSC_ERR_PLIB, "no quantity %s", quantity);
  PetscCall(find(nc, group, q, must, name));
  if (!name[0]) PetscFunctionReturn(0);
  WbArray a = NULL;
  PetscCall(WB_CALLOC(1, &a));
  a->nc = nc;
  a->quantity = q;
  a->least = INFINITY, a->most = -INFINITY;
  snprintf(a->group, sizeof a->group, "%s", group);
  snprintf(a->name, sizeof a->name, "%s", name);
  PetscErrorCode ierr = judge(a);
  if (!ierr) ierr = wb_io_find_axes(a);
  if (!ierr && !q->mask) ierr = judge_method(a);
  if (ierr) wb_array_close(&a);
  *array = a;
  PetscFunctionReturn(ierr);
}

void wb_array_close(WbArray *array) {
  if (!*array) return;
  wb_io_free_axes(*array);
  WB_FREE(array);
}

const char *wb_array_name(const WbArray a) {
  return a->name;
}

const WbAxis *wb_array_axis(const WbArray a, WbAxisKind kind) {
  return &a->axis[kind];
}

const WbTimes *wb_array_times(const WbArray a) {
  return &a->times;
}

bool wb_array_has_units(const WbArray a) {
  return a->quantity->mask || a->marks.units[0] != '\0';
}

PetscErrorCode wb_array_need(const WbArray a, const char *axes) {
  static const char letters[WB_AXES] = {'t', 'z', 'y', 'x'};
  char found[512] = "";
  PetscFunctionBeginUser;
  bool fits = true;
  for (int k = 0; k < WB_AXES; k++) {
    const bool wanted = strchr(axes, letters[k]) != NULL, there = a->axis[k].name[0] != '\0';
    fits = fits && (wanted ? there : a->dim_of[k] < 0 || a->axis[k].n == 1);
  }
  if (fits) PetscFunctionReturn(0);
  for (int d = 0; d < a->rank; d++)
    snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s", d ? ", " : "", a->dim[d].name);
  WB_RAISE_ALL(WB_ERR_INPUT, "%s: %s has the dimensions (%s); needed: %s%s%s%s", a->nc->path, a->name, found,
               strchr(axes, 't') ? "time, " : "", strchr(axes, 'z') ? "z, " : "", strchr(axes, 'y') ? "y, " : "",
               strchr(axes, 'x') ? "x" : "each with a coordinate variable");
}

PetscErrorCode wb_array_same_places(const WbArray a, const WbArray other, const char *axes) {
  static const char letters[WB_AXES] = {'t', 'z', 'y', 'x'};
  PetscFunctionBeginUser;
  for (int k = 0; k < WB_AXES; k++) {
    const WbAxis *p = &a->axis[k], *q = &other->axis[k];
    if (!strchr(axes, letters[k])) continue;
    if (k == WB_AXIS_TIME &&
        (strcmp(a->times.epoch, other->times.epoch) != 0 || strcmp(a->times.calendar, other->times.calendar) != 0))
      WB_RAISE_ALL(WB_ERR_INPUT, "%s: times of %s/%s count since '%s' (%s), those of %s/%s since '%s' (%s)",
                   a->nc->path, a->group, a->name, a->times.epoch, a->times.calendar, other->group, other->name,
                   other->times.epoch, other->times.calendar);
    if (p->n != q->n)
      WB_RAISE_ALL(WB_ERR_INPUT, "%s: %s/%s has %d entries along %s, %s/%s has %d along %s", a->nc->path, a->group,
                   a->name, p->n, p->name, other->group, other->name, q->n, q->name);
    for (int i = 0; i < p->n && p->at && q->at; i++)
      if (!(fabs(p->at[i] - q->at[i]) <= 0.01))
        WB_RAISE_ALL(WB_ERR_INPUT,
                     "%s: %s lies at %s = %.10g, %.10g, ..., %s at %s = %.10g, %.10g, ...; allowed: all at the cells' "
                     "centres and at the same times: interpolate it first",
                     a->nc->path, a->name, p->name, p->at[i], p->at[i + 1 < p->n ? i + 1 : i], other->name, q->name,
                     q->at[i], q->at[i + 1 < q->n ? i + 1 : i]);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_array_regular(const WbArray a, WbAxisKind kind, int first, int n, double start, double step) {
  const WbAxis *axis = &a->axis[kind];
  PetscFunctionBeginUser;
  if (!axis->name[0] || axis->n < first + n)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: %s has %d entries along %s; needed: %d", a->nc->path, a->name, axis->n, axis->name,
                 first + n);
  for (int i = 0; i < n; i++)
    if (!(fabs(axis->at[first + i] - (start + i * step)) <= 0.01 * step))
      WB_RAISE_ALL(WB_ERR_INPUT,
                   "%s: coordinate %s is %.10g m at entry %d; allowed: %.10g m (cell centres, every %g m)", a->nc->path,
                   axis->name, axis->at[first + i], first + i + 1, start + i * step, step);
  PetscFunctionReturn(0);
}

/* Where the block lies in the file, and how far one step along each of time, z, y, x goes in what is read. */
typedef struct {
  int start[WB_IO_MAX_RANK], count[WB_IO_MAX_RANK];
  ptrdiff_t origin, stride[WB_AXES];
  bool straight; /* the file's block is what is wanted */
} Place;

static Place place_of(const WbArray a, const int start[4], const int count[4]) {
  Place p = {.straight = true};
  size_t stride[WB_IO_MAX_RANK], step = 1;
  bool empty = false;
  for (int k = 0; k < WB_AXES; k++) empty = empty || count[k] == 0;
  for (int d = 0; d < a->rank; d++) p.start[d] = 0, p.count[d] = empty ? 0 : 1;
  int last = -1;
  for (int k = 0; k < WB_AXES; k++) {
    const int d = a->dim_of[k];
    if (d < 0) continue;
    p.start[d] = a->axis[k].reversed ? a->axis[k].n - start[k] - count[k] : start[k];
    p.count[d] = empty ? 0 : count[k];
    p.straight = p.straight && d > last && !a->axis[k].reversed;
    last = d;
  }
  for (int d = a->rank - 1; d >= 0; d--) {
    stride[d] = step;
    step *= (size_t)p.count[d];
  }
  for (int k = 0; k < WB_AXES; k++) {
    const int d = a->dim_of[k];
    p.stride[k] = d < 0 ? 0 : a->axis[k].reversed ? -(ptrdiff_t)stride[d] : (ptrdiff_t)stride[d];
    if (d >= 0 && a->axis[k].reversed) p.origin += (ptrdiff_t)stride[d] * (count[k] - 1);
  }
  p.straight = p.straight || empty;
  return p;
}

static void turn(const Place *p, const int count[4], const float *raw, float *out) {
  for (int t = 0; t < count[0]; t++)
    for (int k = 0; k < count[1]; k++)
      for (int j = 0; j < count[2]; j++) {
        const float *row = raw + p->origin + t * p->stride[0] + k * p->stride[1] + j * p->stride[2];
        for (int i = 0; i < count[3]; i++) *out++ = row[i * p->stride[3]];
      }
}

PetscErrorCode wb_array_read(const WbArray a, const int start[4], const int count[4], float *out) {
  const Place p = place_of(a, start, count);
  const size_t n = (size_t)count[0] * (size_t)count[1] * (size_t)count[2] * (size_t)count[3];
  float *raw = NULL;
  PetscFunctionBeginUser;
  if (!p.straight) PetscCall(WB_ALLOC(n, &raw));
  const PetscErrorCode ierr =
      wb_nc_get(a->nc, a->group, a->name, p.start, p.count, WB_NC_FLOAT, p.straight ? out : raw);
  if (!ierr && raw) turn(&p, count, raw, out);
  WB_FREE(&raw);
  PetscCall(ierr);
  if (a->units.relation == WB_UNITS_CONVERT)
    for (size_t q = 0; q < n; q++) out[q] = (float)(a->units.slope * (double)out[q] + a->units.offset);
  PetscFunctionReturn(0);
}
