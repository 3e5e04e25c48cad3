/* Edits of an HDF5 file drawn from the bytes of a fuzzer: what is there is deleted, or replaced by something of another
 * class, rank, length or kind of text, by groups and links, cut off and flipped. */
#ifndef WB_FUZZ_EDIT_H
#define WB_FUZZ_EDIT_H
#include <hdf5.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  const unsigned char *at;
  size_t left;
} Bytes;

static inline unsigned take(Bytes *b) {
  if (b->left == 0) return 0;
  b->left--;
  return *b->at++;
}

/* A type; the caller closes it. */
static inline hid_t some_type(Bytes *b) {
  static const size_t lengths[] = {1, 2, 17, 64, 300, 5000, 30000, 60000};
  const unsigned kind = take(b) % 12;
  if (kind < 2) {
    const hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, kind == 0 ? H5T_VARIABLE : lengths[take(b) % 8]);
    if (take(b) % 2) H5Tset_strpad(text, H5T_STR_SPACEPAD);
    return text;
  }
  if (kind == 2) {
    const hid_t pair = H5Tcreate(H5T_COMPOUND, 16);
    H5Tinsert(pair, "a", 0, H5T_NATIVE_DOUBLE);
    H5Tinsert(pair, "b", 8, H5T_NATIVE_INT64);
    return pair;
  }
  if (kind == 3) return H5Tvlen_create(H5T_NATIVE_INT32);
  if (kind == 4) return H5Tarray_create2(H5T_NATIVE_FLOAT, 1, (hsize_t[]){3});
  if (kind == 5) {
    const hid_t odd = H5Tcopy(H5T_STD_I32BE);
    H5Tset_precision(odd, 1 + take(b) % 31);
    return odd;
  }
  const hid_t plain[] = {H5T_STD_I8LE, H5T_STD_U16BE, H5T_STD_I32LE, H5T_STD_U64LE, H5T_IEEE_F32BE, H5T_IEEE_F64LE};
  return H5Tcopy(plain[kind - 6]);
}

/* A shape of few elements (huge: any number). */
static inline hid_t some_space(Bytes *b, int huge, int *rank, hsize_t dims[32]) {
  static const hsize_t sides[] = {0, 1, 2, 3, 4, 8, 9, 500, 70000, 1ULL << 31, 1ULL << 40, 1ULL << 62};
  *rank = (int)(take(b) % 11);
  if (*rank == 0) return H5Screate(take(b) % 4 ? H5S_SCALAR : H5S_NULL);
  for (int d = 0; d < *rank; d++) dims[d] = sides[take(b) % (huge ? 12 : *rank > 2 ? 5 : 8)];
  return H5Screate_simple(*rank, dims, NULL);
}

static inline void replace_attribute(hid_t object, const char *name, Bytes *b) {
  static char value[1 << 16];
  hsize_t dims[32];
  int rank = 0;
  if (H5Aexists(object, name) > 0) H5Adelete(object, name);
  if (take(b) % 8 == 0) return;
  const hid_t type = some_type(b), space = some_space(b, 0, &rank, dims);
  const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  const hssize_t n = H5Sget_simple_extent_npoints(space);
  const size_t size = H5Tget_size(type);
  const unsigned filling = take(b);
  if (attribute >= 0 && n >= 0 && (size_t)n * size <= sizeof value && H5Tis_variable_str(type) <= 0 &&
      H5Tget_class(type) != H5T_VLEN) {
    for (size_t i = 0; i < (size_t)n * size; i++) value[i] = (char)(filling == 255 ? take(b) : filling);
    H5Awrite(attribute, type, value);
  } else if (attribute >= 0 && n == 1 && H5Tis_variable_str(type) > 0) {
    const char *text = value;
    memset(value, (int)filling, sizeof value - 1);
    H5Awrite(attribute, type, (const void *)&text);
  }
  if (attribute >= 0) H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
}

/* A text attribute that is there, some of its characters changed: the layers above HDF5 see broken JSON. */
static inline void change_text(hid_t object, const char *name, Bytes *b) {
  static char text[1 << 16];
  const hid_t attribute = H5Aexists(object, name) > 0 ? H5Aopen(object, name, H5P_DEFAULT) : -1;
  if (attribute < 0) return;
  const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  const bool one = H5Sget_simple_extent_npoints(space) == 1 && H5Tget_class(type) == H5T_STRING;
  const size_t size = one && H5Tis_variable_str(type) <= 0 ? H5Tget_size(type) : 0;
  H5Sclose(space);
  if (size > 0 && size < sizeof text && H5Aread(attribute, type, text) >= 0) {
    for (unsigned n = take(b) % 8; n > 0; n--) {
      const size_t at = (take(b) * 256 + take(b)) % size;
      text[at] = (char)take(b);
    }
    H5Awrite(attribute, type, text);
  }
  H5Tclose(type);
  H5Aclose(attribute);
}

static inline void replace_dataset(hid_t file, const char *name, Bytes *b) {
  hsize_t dims[32], sides[32];
  int rank = 0;
  const unsigned kind = take(b) % 8;
  H5Ldelete(file, name, H5P_DEFAULT);
  if (kind == 0) return;
  if (kind == 1) {
    const hid_t group = H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group >= 0) H5Gclose(group);
    return;
  }
  if (kind == 2) H5Lcreate_soft(take(b) % 2 ? name : "/nowhere", file, name, H5P_DEFAULT, H5P_DEFAULT);
  if (kind == 3) H5Lcreate_hard(file, "/", file, name, H5P_DEFAULT, H5P_DEFAULT);
  if (kind <= 3) return;
  const hid_t type = some_type(b), space = some_space(b, 1, &rank, dims), dcpl = H5Pcreate(H5P_DATASET_CREATE);
  if (kind == 4 && rank > 0) {
    for (int d = 0; d < rank; d++) sides[d] = dims[d] > 8 ? 8 : dims[d] > 0 ? dims[d] : 1;
    H5Pset_chunk(dcpl, rank, sides);
    H5Pset_deflate(dcpl, 1);
  }
  if (kind == 5) H5Pset_external(dcpl, "/dev/zero", 0, H5F_UNLIMITED);
  const hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
  if (set >= 0) H5Dclose(set);
  H5Pclose(dcpl);
  H5Sclose(space);
  H5Tclose(type);
}

/* Raw bytes: flipped, or cut off. */
static inline void damage_bytes(const char *path, Bytes *b) {
  FILE *f = fopen(path, "r+b");
  if (!f) return;
  fseek(f, 0, SEEK_END);
  const long length = ftell(f);
  const unsigned n = take(b) % 16;
  for (unsigned i = 0; i < n && length > 0; i++) {
    const long at = (long)((take(b) * 65536U + take(b) * 256U + take(b)) % (unsigned long)length);
    fseek(f, at, SEEK_SET);
    fputc((int)take(b), f);
  }
  fclose(f);
  if (take(b) % 8 == 7 && truncate(path, (long)((take(b) * 256U + take(b)) % 65536U) % (length + 1)) != 0) return;
}

/* names: objects of the file, NULL at the end; attributes: names of theirs. */
static inline void wb_fuzz_edit(const char *path, const char *const *names, const char *const *attributes, Bytes *b) {
  unsigned n_names = 0, n_attributes = 0;
  while (names[n_names]) n_names++;
  while (attributes[n_attributes]) n_attributes++;
  const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  for (unsigned n = 1 + take(b) % 4; n > 0 && file >= 0; n--) {
    const char *name = names[take(b) % n_names];
    const unsigned kind = take(b) % 4;
    if (kind == 0) {
      replace_dataset(file, name, b);
      continue;
    }
    const hid_t object = H5Oopen(file, kind == 1 ? name : "/", H5P_DEFAULT);
    if (object < 0) continue;
    const char *attribute = attributes[take(b) % n_attributes];
    if (kind == 3) {
      change_text(object, attribute, b);
    } else {
      replace_attribute(object, attribute, b);
    }
    H5Oclose(object);
  }
  if (file >= 0) H5Fclose(file);
  if (b->left > 0) damage_bytes(path, b);
}
#endif
