/* Arrays and attributes of HDF5 files, described before anything is read: class, size, axes, number of elements, where
 * their bytes lie. What nobody here can read, or what cannot be true, is refused with a line that names the file. */
#include <stdio.h>
#include <string.h>
#include "io_internal.h"

/* A file may declare more bytes than it has (compressed or never written), but not any number: deflate shrinks zeros
 * to 1/1032. More than that in a small file is a lie, and would be an allocation without end. */
enum { MOST_COMPRESSION = 1100 };
static const double always_allowed = 64e6;

bool wb_io_is_plausible(double bytes, hsize_t file_length) {
  return bytes <= always_allowed + MOST_COMPRESSION * (double)file_length;
}

const char *wb_io_class_name(H5T_class_t class) {
  switch (class) {
    case H5T_STRING:
      return "text";
    case H5T_INTEGER:
      return "integers";
    case H5T_FLOAT:
      return "floating-point numbers";
    case H5T_COMPOUND:
      return "compound values";
    case H5T_ENUM:
      return "enumerated values of another kind";
    case H5T_REFERENCE:
      return "references";
    case H5T_OPAQUE:
      return "opaque bytes";
    case H5T_BITFIELD:
      return "bit fields";
    case H5T_TIME:
      return "HDF5 times";
    case H5T_VLEN:
      return "lists of varying length";
    case H5T_ARRAY:
      return "small arrays as elements";
    default:
      return "values of an unknown kind";
  }
}

bool wb_io_item_is_number(const WbIoItem *item) {
  return item->class == H5T_INTEGER || item->class == H5T_FLOAT;
}

static PetscErrorCode describe_type(WbIoItem *item, hid_t type) {
  PetscFunctionBeginUser;
  item->class = H5Tget_class(type);
  item->size = H5Tget_size(type);
  if (item->class == H5T_ENUM) { /* h5py's booleans: read as the integers that stand for them */
    const hid_t whole = H5Tget_super(type);
    PetscErrorCode ierr = 0;
    if (whole >= 0 && H5Tget_class(whole) == H5T_INTEGER) ierr = describe_type(item, whole);
    if (whole >= 0) H5Tclose(whole);
    PetscCall(ierr);
    if (item->class == H5T_INTEGER) PetscFunctionReturn(0);
  }
  if ((item->class != H5T_STRING && !wb_io_item_is_number(item)) || item->size == 0)
    WB_RAISE(WB_ERR_INPUT, "%s: %s holds %s; needed: numbers or text", item->label, item->what,
             wb_io_class_name(item->class));
  item->variable = item->class == H5T_STRING && H5Tis_variable_str(type) > 0;
  item->padded = item->class == H5T_STRING && H5Tget_strpad(type) == H5T_STR_SPACEPAD;
  item->cset = item->class == H5T_STRING ? H5Tget_cset(type) : H5T_CSET_ASCII;
  item->is_signed = item->class == H5T_FLOAT || (item->class == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_2);
  PetscFunctionReturn(0);
}

static PetscErrorCode describe_space(WbIoItem *item, hid_t space) {
  hsize_t dims[H5S_MAX_RANK] = {0};
  PetscFunctionBeginUser;
  const H5S_class_t kind = H5Sget_simple_extent_type(space);
  const int rank = kind == H5S_SIMPLE ? H5Sget_simple_extent_dims(space, dims, NULL) : 0;
  if (kind == H5S_NO_CLASS || rank < 0)
    WB_RAISE(WB_ERR_INPUT, "%s: %s has no readable shape: %s", item->label, item->what, wb_io_h5_reason());
  if (rank > WB_IO_MAX_RANK)
    WB_RAISE(WB_ERR_INPUT, "%s: %s has %d axes; at most %d can be read", item->label, item->what, rank, WB_IO_MAX_RANK);
  item->rank = rank;
  item->n = kind != H5S_NULL;
  const hsize_t most = (hsize_t)PTRDIFF_MAX / item->size;
  for (int d = 0; d < rank; d++) {
    item->dims[d] = dims[d];
    if (dims[d] > most || (dims[d] > 0 && item->n > most / dims[d]))
      WB_RAISE(WB_ERR_INPUT, "%s: %s declares more elements than any memory holds (%llu along axis %d)", item->label,
               item->what, (unsigned long long)dims[d], d);
    item->n *= dims[d];
  }
  PetscFunctionReturn(0);
}

/* Refuses an item of so many bytes (in memory) that its file cannot have them. Not asked of a file that is being
 * written: MPI-IO does not tell its length. */
static PetscErrorCode fits_file(const WbIoItem *item, double bytes) {
  hsize_t length = 0;
  unsigned intent = H5F_ACC_RDWR;
  PetscFunctionBeginUser;
  const hid_t file = H5Iget_file_id(item->id);
  PetscErrorCode ierr = 0;
  if (file < 0 || H5Fget_intent(file, &intent) < 0 ||
      (!(intent & H5F_ACC_RDWR) && H5Fget_filesize(file, &length) < 0)) /* the next call would forget the reason */
    ierr = wb_error_raise(WB_ERR_INPUT, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__, "%s: its length is not known: %s",
                          item->label, wb_io_h5_reason());
  if (file >= 0) H5Idec_ref(file);
  PetscCall(ierr);
  if (!(intent & H5F_ACC_RDWR) && !wb_io_is_plausible(bytes, length))
    WB_RAISE(WB_ERR_INPUT, "%s: %s declares %.3g MB, and the whole file has %.3g MB: damaged, or never written",
             item->label, item->what, 1e-6 * bytes, 1e-6 * (double)length);
  PetscFunctionReturn(0);
}

static PetscErrorCode describe(WbIoItem *item, hid_t type, hid_t space) {
  PetscFunctionBeginUser;
  PetscErrorCode ierr = 0;
  if (type < 0 || space < 0)
    ierr = wb_error_raise(WB_ERR_INPUT, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__, "%s: %s cannot be described: %s",
                          item->label, item->what, wb_io_h5_reason());
  if (!ierr) ierr = describe_type(item, type);
  if (!ierr) ierr = describe_space(item, space);
  if (!ierr) ierr = fits_file(item, (double)item->n * (double)item->size);
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  PetscFunctionReturn(ierr);
}

/* Where the bytes of a dataset lie: only in its own file. Looked at before its shape, for which HDF5 would open the
 * files of a virtual dataset. */
static PetscErrorCode check_storage(WbIoItem *item, hid_t dcpl, hsize_t *chunk) {
  hsize_t sides[H5S_MAX_RANK] = {0};
  PetscFunctionBeginUser;
  *chunk = 0;
  const H5D_layout_t layout = dcpl < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout(dcpl);
  if (layout == H5D_LAYOUT_ERROR)
    WB_RAISE(WB_ERR_INPUT, "%s: %s cannot be described: %s", item->label, item->what, wb_io_h5_reason());
  if (layout == H5D_VIRTUAL || H5Pget_external_count(dcpl) != 0)
    WB_RAISE(WB_ERR_INPUT,
             "%s: the values of %s lie in other files; copy them into one file, for example with h5repack", item->label,
             item->what);
  item->contiguous = layout == H5D_CONTIGUOUS;
  const int rank = layout == H5D_CHUNKED ? H5Pget_chunk(dcpl, H5S_MAX_RANK, sides) : 0;
  if (rank > 0) *chunk = 1;
  for (int d = 0; d < rank && d < H5S_MAX_RANK; d++) *chunk *= sides[d]; /* below 2^32 by the format */
  PetscFunctionReturn(0);
}

PetscErrorCode wb_io_dataset_describe(hid_t dset, const char *label, const char *noun, const char *name,
                                      WbIoItem *item) {
  hsize_t chunk = 0;
  PetscFunctionBeginUser;
  memset(item, 0, sizeof(*item));
  item->id = dset;
  item->label = label;
  snprintf(item->what, sizeof(item->what), "%s %.*s", noun, WB_IO_NAME, name);
  const hid_t dcpl = H5Dget_create_plist(dset);
  const PetscErrorCode ierr = check_storage(item, dcpl, &chunk);
  if (dcpl >= 0) H5Pclose(dcpl);
  PetscCall(ierr);
  PetscCall(describe(item, H5Dget_type(dset), H5Dget_space(dset)));
  PetscCall(fits_file(item, (double)chunk * (double)item->size));
  item->unwritten = item->n > 0 && H5Dget_storage_size(dset) == 0;
  PetscFunctionReturn(0);
}

/* Opens what `name` leads to, which must be a dataset of this file. */
static PetscErrorCode open_dataset(hid_t where, const char *label, const char *noun, const char *name, hid_t *dset) {
  H5L_info_t link;
  H5O_info_t object;
  PetscFunctionBeginUser;
  if (H5Lget_info(where, name, &link, H5P_DEFAULT) < 0)
    WB_RAISE(WB_ERR_INPUT, "%s: cannot look up %s %s: %s", label, noun, name, wb_io_h5_reason());
  if (link.type != H5L_TYPE_HARD && link.type != H5L_TYPE_SOFT)
    WB_RAISE(WB_ERR_INPUT, "%s: %s %s is a link to another file; copy what it points to into this file", label, noun,
             name);
  if (H5Oget_info_by_name2(where, name, &object, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
    WB_RAISE(WB_ERR_INPUT, "%s: cannot open %s %s: %s", label, noun, name, wb_io_h5_reason());
  if (object.type != H5O_TYPE_DATASET)
    WB_RAISE(WB_ERR_INPUT, "%s: %s is a %s; needed: values", label, name,
             object.type == H5O_TYPE_GROUP ? "group" : "type");
  *dset = H5Dopen2(where, name, H5P_DEFAULT);
  if (*dset < 0) WB_RAISE(WB_ERR_INPUT, "%s: cannot open %s %s: %s", label, noun, name, wb_io_h5_reason());
  PetscFunctionReturn(0);
}

PetscErrorCode wb_io_dataset_open(hid_t where, const char *label, const char *noun, const char *name, WbIoItem *item) {
  hid_t dset = -1;
  PetscFunctionBeginUser;
  memset(item, 0, sizeof(*item));
  item->id = -1;
  const htri_t there = H5Lexists(where, name, H5P_DEFAULT);
  if (there < 0) WB_RAISE(WB_ERR_INPUT, "%s: cannot look up %s %s: %s", label, noun, name, wb_io_h5_reason());
  if (!there) PetscFunctionReturn(0);
  wb_crash_reading(label);
  PetscErrorCode ierr = open_dataset(where, label, noun, name, &dset);
  if (!ierr) ierr = wb_io_dataset_describe(dset, label, noun, name, item);
  if (ierr && dset >= 0) H5Dclose(dset);
  if (ierr) item->id = -1;
  wb_crash_reading(NULL);
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_io_attribute_open(hid_t object, const char *label, const char *owner, const char *name,
                                    WbIoItem *item) {
  PetscFunctionBeginUser;
  memset(item, 0, sizeof(*item));
  item->id = -1;
  item->label = label;
  item->attribute = true;
  snprintf(item->what, sizeof(item->what), "attribute %.*s%s%.*s", WB_IO_NAME, name, owner ? " of " : "", WB_IO_NAME,
           owner ? owner : "");
  wb_crash_reading(label);
  const htri_t there = H5Aexists(object, name);
  if (there > 0) item->id = H5Aopen(object, name, H5P_DEFAULT);
  PetscErrorCode ierr = 0;
  if (there < 0 || (there && item->id < 0))
    ierr = wb_error_raise(WB_ERR_INPUT, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__, "%s: cannot read %s: %s", label,
                          item->what, wb_io_h5_reason());
  if (!ierr && there) ierr = describe(item, H5Aget_type(item->id), H5Aget_space(item->id));
  if (ierr) wb_io_item_close(item);
  wb_crash_reading(NULL);
  PetscFunctionReturn(ierr);
}

void wb_io_item_close(WbIoItem *item) {
  if (item->id < 0) return;
  if (item->attribute) {
    H5Aclose(item->id);
  } else {
    H5Dclose(item->id);
  }
  item->id = -1;
}
