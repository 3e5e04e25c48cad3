/* What the values of a variable mean before they are numbers: packed (scale_factor, add_offset, _Unsigned) and missing
 * (_FillValue, missing_value, valid_min, valid_max, valid_range). All attributes that mark missing data hold together;
 * they are compared in the variable's own type, as CF asks. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
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

/* Some writers store numbers as text: "-9999" is understood, "none" is not. */
static int numbers_of_text(hid_t object, const char *name, Number *out) {
  char *text = wb_io_att_read_text(object, name), *end = NULL;
  if (!text) return -1;
  errno = 0;
  const double x = strtod(text, &end);
  while (*end == ' ') end++;
  const bool ok = end != text && *end == '\0' && errno == 0;
  free(text);
  if (ok) out[0] = (Number){.real = x};
  return ok ? 1 : -1;
}

/* Up to `max` numbers of an attribute; 0: it is absent; -1: it is there and is no list of at most `max` numbers. */
static int numbers_of(hid_t object, const char *name, int max, Number *out) {
  if (H5Aexists(object, name) <= 0) return 0;
  const hid_t att = H5Aopen(object, name, H5P_DEFAULT);
  if (att < 0) return -1;
  const hid_t type = H5Aget_type(att), space = H5Aget_space(att);
  const H5T_class_t class = H5Tget_class(type);
  const bool is_signed = class != H5T_INTEGER || H5Tget_sign(type) == H5T_SGN_2;
  const hssize_t n = H5Sget_simple_extent_npoints(space);
  int found = -1;
  union {
    int64_t i[WB_IO_MAX_MISSING];
    uint64_t u[WB_IO_MAX_MISSING];
    double d[WB_IO_MAX_MISSING];
  } raw;
  if (n >= 1 && n <= max && max <= WB_IO_MAX_MISSING && (class == H5T_INTEGER || class == H5T_FLOAT)) {
    const hid_t memory = class == H5T_FLOAT ? H5T_NATIVE_DOUBLE : is_signed ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64;
    if (H5Aread(att, memory, &raw) >= 0) found = (int)n;
    for (int i = 0; i < found; i++)
      out[i] = class == H5T_FLOAT ? (Number){.real = raw.d[i]}
               : is_signed        ? from_signed(raw.i[i])
                                  : from_unsigned(raw.u[i]);
  }
  H5Sclose(space);
  H5Tclose(type);
  H5Aclose(att);
  return class == H5T_STRING ? numbers_of_text(object, name, out) : found;
}

static PetscErrorCode no_number(WbNc nc, const WbIoVar *v, const char *name, const char *allowed) {
  PetscFunctionBeginUser;
  WB_RAISE(WB_ERR_INPUT, "%s: attribute %s of variable %s is not %s", nc->path, name, v->name, allowed);
}

static PetscErrorCode one_number(WbNc nc, const WbIoVar *v, const char *name, bool *has, double *value) {
  Number number;
  PetscFunctionBeginUser;
  const int n = numbers_of(v->dset, name, 1, &number);
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
  PetscFunctionBeginUser;
  const int n = numbers_of(v->dset, name, WB_IO_MAX_MISSING, list);
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
  int n = numbers_of(v->dset, "valid_range", 2, ends);
  if (n == 1 || n < 0) PetscCall(no_number(nc, v, "valid_range", "two numbers"));
  if (n == 2) bound(v, ends[0], &v->valid_min), bound(v, ends[1], &v->valid_max);
  n = numbers_of(v->dset, "valid_min", 1, ends);
  if (n < 0) PetscCall(no_number(nc, v, "valid_min", "one number"));
  if (n == 1) bound(v, ends[0], &v->valid_min);
  n = numbers_of(v->dset, "valid_max", 1, ends);
  if (n < 0) PetscCall(no_number(nc, v, "valid_max", "one number"));
  if (n == 1) bound(v, ends[0], &v->valid_max);
  if (isnan(v->valid_min)) v->valid_min = -INFINITY;
  if (isnan(v->valid_max)) v->valid_max = INFINITY;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_io_describe_values(WbNc nc, WbIoVar *v) {
  bool scaled = false, offset = false;
  PetscFunctionBeginUser;
  char *text = wb_io_att_read_text(v->dset, "_Unsigned");
  if (text && v->class != H5T_FLOAT && strcasecmp(text, "true") == 0) v->is_signed = false;
  if (text && v->class != H5T_FLOAT && strcasecmp(text, "false") == 0) v->is_signed = true;
  free(text);
  PetscCall(one_number(nc, v, "scale_factor", &scaled, &v->scale_factor));
  PetscCall(one_number(nc, v, "add_offset", &offset, &v->add_offset));
  if (scaled && v->scale_factor == 0.0) PetscCall(no_number(nc, v, "scale_factor", "a number other than 0"));
  v->packed = scaled || offset;
  PetscCall(add_missing(nc, v, "_FillValue"));
  PetscCall(add_missing(nc, v, "missing_value"));
  PetscCall(read_valid(nc, v));
  PetscFunctionReturn(0);
}
