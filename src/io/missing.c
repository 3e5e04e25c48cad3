/* What the values of a variable mean before they are numbers: packed (scale_factor, add_offset, _Unsigned) and missing
 * (_FillValue, missing_value, valid_min, valid_max, valid_range). All attributes that mark missing data hold together;
 * they are compared in the variable's own type, as CF asks. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "io_internal.h"

/* A number as an attribute holds it. */
typedef struct {
  bool integer; /* then `whole`, with `negative` telling a signed value below 0 */
  bool negative;
  uint64_t whole; /* two's complement when negative */
  double real;    /* always */
} Number;

static Number from_signed(int64_t i) {
  return (Number){.integer = true, .negative = i < 0, .whole = (uint64_t)i, .real = (double)i};
}

static Number from_unsigned(uint64_t u) {
  return (Number){.integer = true, .whole = u, .real = (double)u};
}

PetscErrorCode wb_io_text_if(hid_t object, const char *label, const char *owner, const char *name, char **text) {
  WbIoItem item;
  PetscFunctionBeginUser;
  *text = NULL;
  PetscCall(wb_io_attribute_open(object, label, owner, name, &item));
  const bool one = item.id >= 0 && item.class == H5T_STRING && item.n == 1;
  wb_io_item_close(&item);
  if (one) PetscCall(wb_io_attribute_text(object, label, owner, name, 1 << 20, text));
  PetscFunctionReturn(0);
}

/* Some writers store numbers as text: "-9999" is understood, "none" is not. */
static PetscErrorCode number_of_text(WbNc nc, const WbIoVar *v, const char *name, int *n, Number *out) {
  char *text = NULL, *end = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_io_text_if(v->item.id, nc->path, v->name, name, &text));
  if (text) {
    const double x = strtod(text, &end);
    while (*end == ' ') end++;
    if (end != text && *end == '\0') {
      out[0] = (Number){.real = x};
      *n = 1;
    }
  }
  WB_FREE(&text);
  PetscFunctionReturn(0);
}

static PetscErrorCode take_numbers(WbNc nc, const WbIoItem *item, Number *out) {
  union {
    int64_t i[WB_IO_MAX_MISSING];
    uint64_t u[WB_IO_MAX_MISSING];
    double d[WB_IO_MAX_MISSING];
  } raw;
  const bool real = item->class == H5T_FLOAT;
  PetscFunctionBeginUser;
  const hid_t memory = real ? H5T_NATIVE_DOUBLE : item->is_signed ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64;
  if (H5Aread(item->id, memory, &raw) < 0)
    WB_RAISE(WB_ERR_INPUT, "%s: cannot read %s: %s", nc->path, item->what, wb_io_h5_reason());
  for (hsize_t i = 0; i < item->n; i++)
    out[i] = real ? (Number){.real = raw.d[i]} : item->is_signed ? from_signed(raw.i[i]) : from_unsigned(raw.u[i]);
  PetscFunctionReturn(0);
}

/* Up to `max` numbers of an attribute; n 0: it is absent; -1: it is there and is no list of at most `max` numbers. */
static PetscErrorCode numbers_of(WbNc nc, const WbIoVar *v, const char *name, int max, int *n, Number *out) {
  WbIoItem item;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  *n = 0;
  PetscCall(wb_io_attribute_open(v->item.id, nc->path, v->name, name, &item));
  if (item.id < 0) PetscFunctionReturn(0);
  *n = -1;
  if (wb_io_item_is_number(&item) && item.size <= 8 && item.n >= 1 && item.n <= (hsize_t)max) {
    ierr = take_numbers(nc, &item, out);
    *n = (int)item.n;
  }
  const bool text = item.class == H5T_STRING;
  wb_io_item_close(&item);
  if (!ierr && text) ierr = number_of_text(nc, v, name, n, out);
  PetscFunctionReturn(ierr);
}

static PetscErrorCode no_number(WbNc nc, const WbIoVar *v, const char *name, const char *allowed) {
  PetscFunctionBeginUser;
  WB_RAISE(WB_ERR_INPUT, "%s: attribute %s of variable %s is not %s", nc->path, name, v->name, allowed);
}

static PetscErrorCode one_number(WbNc nc, const WbIoVar *v, const char *name, bool *has, double *value) {
  Number number;
  int n = 0;
  PetscFunctionBeginUser;
  PetscCall(numbers_of(nc, v, name, 1, &n, &number));
  if (n < 0 || (n == 1 && !isfinite(number.real))) PetscCall(no_number(nc, v, name, "one number"));
  *has = n == 1;
  if (*has) *value = number.real;
  PetscFunctionReturn(0);
}

/* Bounds of the variable's own integer type; false for floating point. */
static bool integer_range(const WbIoVar *v, double *low, double *high) {
  const double top = ldexp(1.0, (int)(8 * v->size) - (v->is_signed ? 1 : 0));
  *low = v->is_signed ? -top : 0.0;
  *high = top - 1.0;
  return v->class != H5T_FLOAT;
}

/* A signed attribute of an unsigned variable (_Unsigned, or a writer without unsigned types) means its bits. */
static Number as_own_sign(const WbIoVar *v, Number number) {
  if (!number.integer || !number.negative || v->is_signed || v->class == H5T_FLOAT) return number;
  const uint64_t mask = v->size == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * v->size)) - 1;
  if ((int64_t)number.whole < -(int64_t)(mask / 2) - 1) return number;
  return from_unsigned(number.whole & mask);
}

/* The number in the variable's own type; false when that type cannot hold it: then no value equals it. */
static bool in_own_type(const WbIoVar *v, Number number, unsigned char out[8]) {
  double low, high;
  memset(out, 0, 8);
  number = as_own_sign(v, number);
  if (isnan(number.real)) return false; /* NaN already means what it should */
  if (!integer_range(v, &low, &high)) {
    const float single = (float)number.real;
    memcpy(out, v->size == 4 ? (const void *)&single : (const void *)&number.real, v->size);
    return true;
  }
  if (!(number.real >= low && number.real <= high) || (!number.integer && number.real != rint(number.real)))
    return false;
  const uint64_t whole = number.integer      ? number.whole
                         : number.real < 0.0 ? (uint64_t)(int64_t)number.real
                                             : (uint64_t)number.real;
  const uint8_t one = (uint8_t)whole;
  const uint16_t two = (uint16_t)whole;
  const uint32_t four = (uint32_t)whole;
  memcpy(out,
         v->size == 1   ? (const void *)&one
         : v->size == 2 ? (const void *)&two
         : v->size == 4 ? (const void *)&four
                        : (const void *)&whole,
         v->size);
  return true;
}

bool wb_io_is_missing(const WbIoVar *v, const void *raw) {
  for (int m = 0; m < v->n_missing; m++) {
    if (v->class != H5T_FLOAT) {
      if (memcmp(raw, v->missing[m], v->size) == 0) return true;
    } else if (v->size == 4) {
      float a, b;
      memcpy(&a, raw, 4), memcpy(&b, v->missing[m], 4);
      if (a == b) return true;
    } else {
      double a, b;
      memcpy(&a, raw, 8), memcpy(&b, v->missing[m], 8);
      if (a == b) return true;
    }
  }
  return false;
}

static PetscErrorCode add_missing(WbNc nc, WbIoVar *v, const char *name) {
  Number list[WB_IO_MAX_MISSING];
  int n = 0;
  PetscFunctionBeginUser;
  PetscCall(numbers_of(nc, v, name, WB_IO_MAX_MISSING, &n, list));
  if (n < 0) PetscCall(no_number(nc, v, name, "a list of at most 16 numbers"));
  for (int i = 0; i < n; i++) {
    if (v->n_missing == WB_IO_MAX_MISSING) PetscCall(no_number(nc, v, name, "a list of at most 16 numbers"));
    if (in_own_type(v, list[i], v->missing[v->n_missing])) v->n_missing++;
  }
  PetscFunctionReturn(0);
}

/* One end of the valid range, in the variable's own precision. A range given as floating-point numbers for a packed
 * integer variable is one of the unpacked values (netCDF User's Guide). */
static void bound(WbIoVar *v, Number number, double *end) {
  number = as_own_sign(v, number);
  v->bounded_unpacked = v->bounded_unpacked || (v->packed && v->class != H5T_FLOAT && !number.integer);
  *end = v->class == H5T_FLOAT && v->size == 4 ? (double)(float)number.real : number.real;
  v->bounded = true;
}

static PetscErrorCode read_valid(WbNc nc, WbIoVar *v) {
  Number ends[2];
  PetscFunctionBeginUser;
  v->valid_min = -INFINITY, v->valid_max = INFINITY;
  int n = 0;
  PetscCall(numbers_of(nc, v, "valid_range", 2, &n, ends));
  if (n == 1 || n < 0) PetscCall(no_number(nc, v, "valid_range", "two numbers"));
  if (n == 2) bound(v, ends[0], &v->valid_min), bound(v, ends[1], &v->valid_max);
  PetscCall(numbers_of(nc, v, "valid_min", 1, &n, ends));
  if (n < 0) PetscCall(no_number(nc, v, "valid_min", "one number"));
  if (n == 1) bound(v, ends[0], &v->valid_min);
  PetscCall(numbers_of(nc, v, "valid_max", 1, &n, ends));
  if (n < 0) PetscCall(no_number(nc, v, "valid_max", "one number"));
  if (n == 1) bound(v, ends[0], &v->valid_max);
  if (isnan(v->valid_min)) v->valid_min = -INFINITY;
  if (isnan(v->valid_max)) v->valid_max = INFINITY;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_io_describe_values(WbNc nc, WbIoVar *v) {
  bool scaled = false, offset = false;
  PetscFunctionBeginUser;
  char *text = NULL;
  PetscCall(wb_io_text_if(v->item.id, nc->path, v->name, "_Unsigned", &text));
  if (text && v->class != H5T_FLOAT && strcasecmp(text, "true") == 0) v->is_signed = false;
  if (text && v->class != H5T_FLOAT && strcasecmp(text, "false") == 0) v->is_signed = true;
  WB_FREE(&text);
  PetscCall(one_number(nc, v, "scale_factor", &scaled, &v->scale_factor));
  PetscCall(one_number(nc, v, "add_offset", &offset, &v->add_offset));
  if (scaled && v->scale_factor == 0.0) PetscCall(no_number(nc, v, "scale_factor", "a number other than 0"));
  v->packed = scaled || offset;
  PetscCall(add_missing(nc, v, "_FillValue"));
  PetscCall(add_missing(nc, v, "missing_value"));
  PetscCall(read_valid(nc, v));
  PetscFunctionReturn(0);
}
