/* The one place through which values come out of HDF5 files: only of what h5_item.c has described, and never more than
 * the caller has room for. */
#include <stdio.h>
#include <string.h>
#include "io_internal.h"

/* Longer texts are not looked at: their last characters could be a filling. */
enum { MOST_FILLING = 1 << 24 };

PetscErrorCode wb_io_item_needs_numbers(const WbIoItem *item) {
  PetscFunctionBeginUser;
  const size_t s = item->size;
  const bool known = item->class == H5T_FLOAT     ? s == 4 || s == 8
                     : item->class == H5T_INTEGER ? s == 1 || s == 2 || s == 4 || s == 8
                                                  : false;
  if (!wb_io_item_is_number(item))
    WB_RAISE(WB_ERR_INPUT, "%s: %s is not an array of numbers: it holds %s", item->label, item->what,
             wb_io_class_name(item->class));
  if (item->rank == 0 && item->n == 0) WB_RAISE(WB_ERR_INPUT, "%s: %s holds no value", item->label, item->what);
  if (!known)
    WB_RAISE(WB_ERR_INPUT, "%s: %s holds %s of %zu bytes; readable are integers of 1, 2, 4, 8 and floats of 4, 8 bytes",
             item->label, item->what, wb_io_class_name(item->class), s);
  PetscFunctionReturn(0);
}

hid_t wb_io_item_memory(const WbIoItem *item) {
  if (item->class == H5T_FLOAT) return item->size == 4 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
  switch (item->size) {
    case 1:
      return item->is_signed ? H5T_NATIVE_INT8 : H5T_NATIVE_UINT8;
    case 2:
      return item->is_signed ? H5T_NATIVE_INT16 : H5T_NATIVE_UINT16;
    case 4:
      return item->is_signed ? H5T_NATIVE_INT32 : H5T_NATIVE_UINT32;
    default:
      return item->is_signed ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64;
  }
}

PetscErrorCode wb_io_block_check(const WbIoItem *item, const hsize_t *start, const hsize_t *count) {
  PetscFunctionBeginUser;
  for (int d = 0; d < item->rank; d++)
    if (count[d] == 0) PetscFunctionReturn(0);
  if (item->unwritten) /* HDF5 would give zeros */
    WB_RAISE(WB_ERR_INPUT, "%s: %s was declared and never written: it holds no values", item->label, item->what);
  for (int d = 0; d < item->rank; d++)
    if (count[d] > item->dims[d] || start[d] > item->dims[d] - count[d])
      WB_RAISE(WB_ERR_INPUT, "%s: %s: cells %llu to %llu of axis %d wanted, found %llu", item->label, item->what,
               (unsigned long long)start[d], (unsigned long long)(start[d] + count[d] - 1), d,
               (unsigned long long)item->dims[d]);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_io_block_read(const WbIoItem *item, const hsize_t *start, const hsize_t *count, hid_t memory,
                                hid_t dxpl, void *data) {
  hsize_t n = 1;
  double nothing = 0.0;
  PetscFunctionBeginUser;
  PetscCall(wb_io_item_needs_numbers(item));
  PetscCall(wb_io_block_check(item, start, count));
  for (int d = 0; d < item->rank; d++) n *= count[d];
  if (item->rank == 0) n = item->n;
  const hsize_t length = n ? n : 1;
  const hid_t file_space = H5Dget_space(item->id), memory_space = H5Screate_simple(1, &length, NULL);
  if (n == 0) { /* takes part in a collective read all the same */
    H5Sselect_none(file_space);
    H5Sselect_none(memory_space);
  } else if (item->rank > 0) {
    H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, count, NULL);
  }
  PetscErrorCode ierr = 0;
  wb_crash_reading(item->label);
  if (H5Dread(item->id, memory, memory_space, file_space, dxpl, n ? data : &nothing) < 0)
    ierr = wb_error_raise(WB_ERR_INPUT, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__, "%s: cannot read %s: %s",
                          item->label, item->what, wb_io_h5_reason());
  wb_crash_reading(NULL);
  H5Sclose(memory_space);
  H5Sclose(file_space);
  PetscFunctionReturn(ierr);
}

static PetscErrorCode whole_attribute(const WbIoItem *item, hid_t memory, void *data) {
  PetscFunctionBeginUser;
  wb_crash_reading(item->label);
  const herr_t status = H5Aread(item->id, memory, data);
  wb_crash_reading(NULL);
  if (status < 0) WB_RAISE(WB_ERR_INPUT, "%s: cannot read %s: %s", item->label, item->what, wb_io_h5_reason());
  PetscFunctionReturn(0);
}

static PetscErrorCode numbers_of(const WbIoItem *item, int max, int *n, double *values) {
  PetscFunctionBeginUser;
  if (!wb_io_item_is_number(item) || item->n < 1 || item->n > (hsize_t)max)
    WB_RAISE(WB_ERR_INPUT, "%s: %s holds %llu %s; needed: %s", item->label, item->what, (unsigned long long)item->n,
             item->class == H5T_STRING ? "texts" : wb_io_class_name(item->class),
             max > 1 ? "a short list of numbers" : "one number");
  PetscCall(whole_attribute(item, H5T_NATIVE_DOUBLE, values));
  *n = (int)item->n;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_io_attribute_numbers(hid_t object, const char *label, const char *owner, const char *name, int max,
                                       int *n, double *values) {
  WbIoItem item;
  PetscFunctionBeginUser;
  *n = 0;
  PetscCall(wb_io_attribute_open(object, label, owner, name, &item));
  if (item.id < 0) PetscFunctionReturn(0);
  const PetscErrorCode ierr = numbers_of(&item, max, n, values);
  wb_io_item_close(&item);
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_io_attribute_bits(hid_t object, const char *label, const char *owner, const char *name, bool *has,
                                    uint64_t *value) {
  WbIoItem item;
  PetscFunctionBeginUser;
  *has = false;
  PetscCall(wb_io_attribute_open(object, label, owner, name, &item));
  if (item.id < 0) PetscFunctionReturn(0);
  PetscErrorCode ierr = 0;
  if (item.class != H5T_INTEGER || item.n != 1 || item.size > 8) {
    ierr = wb_error_raise(WB_ERR_INPUT, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__,
                          "%s: %s holds %llu %s; needed: one integer", label, item.what, (unsigned long long)item.n,
                          wb_io_class_name(item.class));
  } else {
    ierr = whole_attribute(&item, H5T_NATIVE_UINT64, value);
  }
  *has = !ierr;
  wb_io_item_close(&item);
  PetscFunctionReturn(ierr);
}

/* Fixed length; its filling is cut off. */
static PetscErrorCode fixed_text(const WbIoItem *item, char **text) {
  PetscFunctionBeginUser;
  const hid_t memory = H5Tcopy(H5T_C_S1);
  H5Tset_size(memory, item->size + 1);
  H5Tset_cset(memory, item->cset);
  PetscErrorCode ierr = wb_calloc_bytes(item->size + 1, "text of an attribute", (void **)text);
  if (!ierr) ierr = whole_attribute(item, memory, *text);
  H5Tclose(memory);
  if (ierr) WB_FREE(text);
  PetscCall(ierr);
  size_t length = strlen(*text);
  while (item->padded && length > 0 && (*text)[length - 1] == ' ') (*text)[--length] = '\0';
  PetscFunctionReturn(0);
}

static PetscErrorCode variable_text(const WbIoItem *item, size_t max, char **text) {
  char *held = NULL;
  PetscFunctionBeginUser;
  const hid_t memory = H5Tcopy(H5T_C_S1);
  H5Tset_size(memory, H5T_VARIABLE);
  H5Tset_cset(memory, item->cset);
  PetscErrorCode ierr = whole_attribute(item, memory, (void *)&held);
  H5Tclose(memory);
  const size_t length = held ? strnlen(held, max) : 0;
  if (!ierr) ierr = wb_calloc_bytes(length + 1, "text of an attribute", (void **)text);
  if (!ierr && held) memcpy(*text, held, length);
  if (held) H5free_memory(held);
  PetscFunctionReturn(ierr);
}

static PetscErrorCode text_of(const WbIoItem *item, size_t max, char **text) {
  PetscFunctionBeginUser;
  if (item->class != H5T_STRING || item->n > 1 || (item->n == 0 && item->rank > 0))
    WB_RAISE(WB_ERR_INPUT, "%s: %s holds %llu %s; needed: one text", item->label, item->what,
             (unsigned long long)item->n, item->class == H5T_STRING ? "texts" : wb_io_class_name(item->class));
  if (item->n == 0) { /* as netCDF-4 writes an empty text */
    PetscCall(WB_CALLOC(1, text));
  } else if (item->variable) {
    PetscCall(variable_text(item, max, text));
  } else if (item->size < max + MOST_FILLING) {
    PetscCall(fixed_text(item, text));
  }
  const size_t length = *text ? strlen(*text) : item->size;
  if (length >= max) {
    WB_FREE(text);
    WB_RAISE(WB_ERR_INPUT, "%s: %s has %zu characters or more, at most %zu expected", item->label, item->what, length,
             max - 1);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_io_attribute_text(hid_t object, const char *label, const char *owner, const char *name, size_t max,
                                    char **text) {
  WbIoItem item;
  PetscFunctionBeginUser;
  *text = NULL;
  PetscCall(wb_io_attribute_open(object, label, owner, name, &item));
  if (item.id < 0) PetscFunctionReturn(0);
  const PetscErrorCode ierr = text_of(&item, max, text);
  wb_io_item_close(&item);
  PetscFunctionReturn(ierr);
}
