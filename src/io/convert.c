/* Types: our names, HDF5's, and conversion in memory (a conversion inside H5Dread or H5Dwrite would silently turn
 * collective transfers into independent ones). */
#include <math.h>
#include <string.h>
#include "io_internal.h"

size_t wb_io_type_size(WbNcType type) {
  switch (type) {
    case WB_NC_FLOAT:
      return 4;
    case WB_NC_DOUBLE:
      return 8;
    case WB_NC_INT8:
      return 1;
    case WB_NC_INT16:
      return 2;
    case WB_NC_INT32:
      return 4;
  }
  return 0;
}

hid_t wb_io_type_file(WbNcType type) {
  switch (type) {
    case WB_NC_FLOAT:
      return H5T_IEEE_F32LE;
    case WB_NC_DOUBLE:
      return H5T_IEEE_F64LE;
    case WB_NC_INT8:
      return H5T_STD_I8LE;
    case WB_NC_INT16:
      return H5T_STD_I16LE;
    case WB_NC_INT32:
      return H5T_STD_I32LE;
  }
  return -1;
}

hid_t wb_io_type_memory(WbNcType type) {
  switch (type) {
    case WB_NC_FLOAT:
      return H5T_NATIVE_FLOAT;
    case WB_NC_DOUBLE:
      return H5T_NATIVE_DOUBLE;
    case WB_NC_INT8:
      return H5T_NATIVE_INT8;
    case WB_NC_INT16:
      return H5T_NATIVE_INT16;
    case WB_NC_INT32:
      return H5T_NATIVE_INT32;
  }
  return -1;
}

bool wb_io_direct(const WbIoVar *v, WbNcType type) {
  const bool floating = type == WB_NC_FLOAT || type == WB_NC_DOUBLE;
  if (v->packed || v->n_missing > 0 || v->bounded) return false;
  if (v->size != wb_io_type_size(type)) return false;
  return floating ? v->class == H5T_FLOAT : v->class != H5T_FLOAT && (v->is_signed || v->size == 1);
}

static double load(const WbIoVar *v, const unsigned char *raw, size_t i) {
#define LOAD(T)                                 \
  do {                                          \
    T x;                                        \
    memcpy(&x, raw + i * sizeof(T), sizeof(T)); \
    return (double)x;                           \
  } while (0)
  if (v->class == H5T_FLOAT) {
    if (v->size == 4) LOAD(float);
    LOAD(double);
  }
  switch (v->size) {
    case 1:
      if (v->is_signed) LOAD(int8_t);
      LOAD(uint8_t);
    case 2:
      if (v->is_signed) LOAD(int16_t);
      LOAD(uint16_t);
    case 4:
      if (v->is_signed) LOAD(int32_t);
      LOAD(uint32_t);
    default:
      if (v->is_signed) LOAD(int64_t);
      LOAD(uint64_t);
  }
#undef LOAD
}

static long to_integer(double x, double low, double high) {
  if (isnan(x)) return 0;
  return lrint(fmin(fmax(x, low), high));
}

/* Physical value of element i; NaN: missing. */
static double unpack(const WbIoVar *v, const unsigned char *raw, size_t i) {
  if (v->n_missing > 0 && wb_io_is_missing(v, raw + i * v->size)) return (double)NAN;
  const double stored = load(v, raw, i), x = v->packed ? stored * v->scale_factor + v->add_offset : stored;
  const double judged = v->bounded_unpacked ? x : stored;
  return v->bounded && !(judged >= v->valid_min && judged <= v->valid_max) ? (double)NAN : x;
}

void wb_io_convert(const WbIoVar *v, size_t n, const void *raw, WbNcType type, void *out) {
  for (size_t i = 0; i < n; i++) {
    const double x = unpack(v, raw, i);
    switch (type) {
      case WB_NC_FLOAT:
        ((float *)out)[i] = (float)x;
        break;
      case WB_NC_DOUBLE:
        ((double *)out)[i] = x;
        break;
      case WB_NC_INT8:
        ((int8_t *)out)[i] = (int8_t)to_integer(x, -128, 127);
        break;
      case WB_NC_INT16:
        ((int16_t *)out)[i] = (int16_t)to_integer(x, -32768, 32767);
        break;
      case WB_NC_INT32:
        ((int32_t *)out)[i] = (int32_t)to_integer(x, -2147483648.0, 2147483647.0);
        break;
    }
  }
}
