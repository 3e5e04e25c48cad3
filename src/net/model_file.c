/* Model files: HDF5, one float32 dataset a parameter, named and laid out as PyTorch's state_dict, and the attributes
 * format_version, architecture (JSON), meta (JSON), checksum (FNV-1a 64 of the parameters' bytes in the model's order).
 */
#include "model_file.h"
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Our messages replace HDF5's error stack. */
typedef struct {
  H5E_auto2_t function;
  void *data;
} Quiet;
static void quiet_begin(Quiet *q) {
  H5Eget_auto2(H5E_DEFAULT, &q->function, &q->data);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}
static void quiet_end(const Quiet *q) {
  H5Eset_auto2(H5E_DEFAULT, q->function, q->data);
}

static void checksum_of(WbModel model, char text[17]) {
  const uint64_t hash = wb_hash(WB_HASH_START, model->params, model->size * sizeof(float));
  snprintf(text, 17, "%016llx", (unsigned long long)hash);
}

/* ---- writing ---- */
static bool write_text(hid_t file, const char *name, const char *text) {
  const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  bool good = H5Tset_size(type, strlen(text) + 1) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0;
  const hid_t attribute = good ? H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT) : -1;
  good = attribute >= 0 && H5Awrite(attribute, type, text) >= 0;
  if (attribute >= 0) good = H5Aclose(attribute) >= 0 && good;
  H5Sclose(space);
  H5Tclose(type);
  return good;
}

static bool write_version(hid_t file) {
  const int version = WB_MODEL_FORMAT_VERSION;
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t attribute = H5Acreate2(file, "format_version", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT);
  bool good = attribute >= 0 && H5Awrite(attribute, H5T_NATIVE_INT, &version) >= 0;
  if (attribute >= 0) good = H5Aclose(attribute) >= 0 && good;
  H5Sclose(space);
  return good;
}

static bool write_tensor(hid_t file, const WbTensor *t, const float *data) {
  hsize_t dims[5];
  for (int i = 0; i < t->rank; i++) dims[i] = (hsize_t)t->dims[i];
  const hid_t space = H5Screate_simple(t->rank, dims, NULL), how = H5Pcreate(H5P_DATASET_CREATE);
  /* deflated: weights rounded to fewer bits (windbridge_torch.py: mantissa_bits) make a smaller file */
  bool good = H5Pset_chunk(how, t->rank, dims) >= 0 && H5Pset_shuffle(how) >= 0 && H5Pset_deflate(how, 6) >= 0;
  const hid_t set = H5Dcreate2(file, t->name, H5T_IEEE_F32LE, space, H5P_DEFAULT, how, H5P_DEFAULT);
  good = good && set >= 0 && H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
  if (set >= 0) good = H5Dclose(set) >= 0 && good;
  H5Pclose(how);
  H5Sclose(space);
  return good;
}

static bool write_all(const char *path, WbModel model, const char *architecture, const char *meta) {
  char checksum[17];
  checksum_of(model, checksum);
  const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  if (file < 0) return false;
  bool good = write_version(file) && write_text(file, "architecture", architecture) && write_text(file, "meta", meta) &&
              write_text(file, "checksum", checksum);
  for (int i = 0; good && i < model->n_tensors; i++)
    good = write_tensor(file, &model->tensors[i], model->params + model->tensors[i].offset);
  return H5Fclose(file) >= 0 && good;
}

static bool sync_path(const char *path) {
  const int fd = open(path, O_RDONLY);
  if (fd < 0) return false;
  const bool good = fsync(fd) == 0;
  return close(fd) == 0 && good;
}

static PetscErrorCode write_file(const char *path, WbModel model, const WbModelMeta *meta) {
  PetscFunctionBeginUser;
  char temporary[PETSC_MAX_PATH_LEN], folder[PETSC_MAX_PATH_LEN];
  if (snprintf(temporary, sizeof temporary, "%s.tmp", path) >= (int)sizeof temporary)
    WB_RAISE(WB_ERR_IO, "model file %s: path too long", path);
  for (size_t i = 0; i < model->size; i++)
    if (!isfinite(model->params[i])) WB_RAISE(WB_ERR_NUMERIC, "model for %s has a weight that is not finite", path);
  char *architecture = wb_model_config_json(&model->config), *text = wb_model_meta_json(meta);
  Quiet quiet;
  quiet_begin(&quiet);
  errno = 0;
  bool good = write_all(temporary, model, architecture, text) && sync_path(temporary);
  quiet_end(&quiet);
  free(architecture);
  free(text);
  good = good && rename(temporary, path) == 0;
  if (!good) {
    const int why = errno;
    unlink(temporary);
    WB_RAISE(WB_ERR_IO, "model file %s cannot be written: %s", path, why ? strerror(why) : "HDF5 error");
  }
  snprintf(folder, sizeof folder, "%s", path);
  (void)sync_path(dirname(folder)); /* some file systems refuse fsync of a folder */
  PetscFunctionReturn(0);
}

/** Collective on comm; rank 0 writes path (a temporary name first, fsync, rename). model, meta in: rank 0's count.
 * Errors: WB_ERR_IO, WB_ERR_NUMERIC (a weight that is not finite). */
PetscErrorCode wb_model_write(MPI_Comm comm, const char *path, WbModel model, const WbModelMeta *meta) {
  PetscFunctionBeginUser;
  int rank = 0;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(wb_error_agree(comm, rank == 0 ? write_file(path, model, meta) : 0));
  PetscFunctionReturn(0);
}

/* ---- reading ---- */
static PetscErrorCode read_text(const char *path, hid_t file, const char *name, char **text) {
  PetscFunctionBeginUser;
  *text = NULL;
  const hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
  if (attribute < 0) WB_RAISE(WB_ERR_INPUT, "model file %s has no attribute \"%s\": not a model file", path, name);
  const hid_t type = H5Aget_type(attribute);
  bool good = false;
  if (H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0) { /* as h5py writes */
    char *held = NULL;
    const hid_t memory = H5Tcopy(H5T_C_S1);
    H5Tset_size(memory, H5T_VARIABLE);
    H5Tset_cset(memory, H5Tget_cset(type));
    good = H5Aread(attribute, memory, &held) >= 0 && held;
    if (good) *text = strdup(held);
    if (held) H5free_memory(held);
    H5Tclose(memory);
  } else if (H5Tget_class(type) == H5T_STRING && H5Tget_size(type) < 1 << 20) {
    *text = calloc(H5Tget_size(type) + 1, 1);
    good = *text && H5Aread(attribute, type, *text) >= 0;
  }
  H5Tclose(type);
  H5Aclose(attribute);
  if (!good) {
    free(*text);
    *text = NULL;
    WB_RAISE(WB_ERR_INPUT, "model file %s: attribute \"%s\" is not a readable text", path, name);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode check_version(const char *path, hid_t file) {
  PetscFunctionBeginUser;
  int version = 0;
  const hid_t attribute = H5Aopen(file, "format_version", H5P_DEFAULT);
  if (attribute < 0)
    WB_RAISE(WB_ERR_INPUT, "model file %s has no attribute \"format_version\": not a model file", path);
  const bool good = H5Aread(attribute, H5T_NATIVE_INT, &version) >= 0;
  H5Aclose(attribute);
  if (!good || version != WB_MODEL_FORMAT_VERSION)
    WB_RAISE(WB_ERR_INPUT, "model file %s has format version %d; this program reads version %d", path, version,
             WB_MODEL_FORMAT_VERSION);
  PetscFunctionReturn(0);
}

static PetscErrorCode read_tensor(const char *path, hid_t file, const WbTensor *t, float *data) {
  PetscFunctionBeginUser;
  const hid_t set = H5Dopen2(file, t->name, H5P_DEFAULT);
  if (set < 0) WB_RAISE(WB_ERR_INPUT, "model file %s: parameter %s is missing", path, t->name);
  hsize_t dims[8] = {0};
  const hid_t space = H5Dget_space(set);
  const int rank = H5Sget_simple_extent_ndims(space);
  bool fits = rank == t->rank && H5Sget_simple_extent_dims(space, dims, NULL) == rank;
  for (int i = 0; fits && i < rank; i++) fits = dims[i] == (hsize_t)t->dims[i];
  const bool good = fits && H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
  H5Sclose(space);
  H5Dclose(set);
  if (!fits)
    WB_RAISE(WB_ERR_INPUT, "model file %s: parameter %s has another shape than the architecture", path, t->name);
  if (!good) WB_RAISE(WB_ERR_INPUT, "model file %s: parameter %s cannot be read (truncated?)", path, t->name);
  for (size_t i = 0; i < t->size; i++)
    if (!isfinite(data[i]))
      WB_RAISE(WB_ERR_INPUT, "model file %s: parameter %s has a value that is not finite", path, t->name);
  PetscFunctionReturn(0);
}

typedef struct {
  char *architecture, *meta, *checksum;
} Texts;

static PetscErrorCode read_open(const char *path, hid_t file, Texts *t, WbModel *model, WbModelMeta *meta) {
  PetscFunctionBeginUser;
  WbNetConfig config = {0};
  char found[17];
  PetscCall(check_version(path, file));
  PetscCall(read_text(path, file, "architecture", &t->architecture));
  PetscCall(read_text(path, file, "meta", &t->meta));
  PetscCall(read_text(path, file, "checksum", &t->checksum));
  PetscCall(wb_model_config_parse(path, t->architecture, &config));
  PetscCall(wb_model_meta_parse(path, t->meta, meta));
  PetscCall(wb_model_create(&config, model));
  for (int i = 0; i < (*model)->n_tensors; i++) {
    const WbTensor *tensor = &(*model)->tensors[i];
    PetscCall(read_tensor(path, file, tensor, (*model)->params + tensor->offset));
  }
  checksum_of(*model, found);
  if (strcmp(found, t->checksum) != 0)
    WB_RAISE(WB_ERR_INPUT, "model file %s: checksum of the parameters is %s, the file says %.32s: damaged", path, found,
             t->checksum);
  PetscFunctionReturn(0);
}

static PetscErrorCode read_file(const char *path, WbModel *model, WbModelMeta *meta) {
  PetscFunctionBeginUser;
  if (access(path, R_OK) != 0) WB_RAISE(WB_ERR_INPUT, "model file %s: %s", path, strerror(errno));
  Quiet quiet;
  Texts texts = {0};
  quiet_begin(&quiet);
  const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  const PetscErrorCode result = file < 0 ? 0 : read_open(path, file, &texts, model, meta);
  if (file >= 0) H5Fclose(file);
  quiet_end(&quiet);
  free(texts.architecture);
  free(texts.meta);
  free(texts.checksum);
  if (file < 0) WB_RAISE(WB_ERR_INPUT, "model file %s is not a whole HDF5 file (truncated or another format)", path);
  PetscFunctionReturn(result);
}

static PetscErrorCode share(MPI_Comm comm, int rank, WbModel *model, WbModelMeta *meta) {
  PetscFunctionBeginUser;
  WbNetConfig config = {0};
  if (rank == 0) {
    if (!*model) SETERRQ(PETSC_COMM_SELF, PETSC_ERR_PLIB, "no model to share");
    config = (*model)->config;
  }
  PetscCallMPI(MPI_Bcast(&config, (int)sizeof config, MPI_BYTE, 0, comm));
  PetscCallMPI(MPI_Bcast(meta, (int)sizeof *meta, MPI_BYTE, 0, comm));
  if (rank != 0) PetscCall(wb_model_create(&config, model));
  const size_t piece = (size_t)1 << 28;
  for (size_t at = 0; at < (*model)->size; at += piece) {
    const size_t left = (*model)->size - at;
    PetscCallMPI(MPI_Bcast((*model)->params + at, (int)(left < piece ? left : piece), MPI_FLOAT, 0, comm));
  }
  PetscFunctionReturn(0);
}

/** Collective on comm; rank 0 reads, every rank gets the same. model out: caller destroys; NULL after an error. meta
 * out. Errors: WB_ERR_INPUT naming the file and what is wrong. */
PetscErrorCode wb_model_read(MPI_Comm comm, const char *path, WbModel *model, WbModelMeta *meta) {
  PetscFunctionBeginUser;
  int rank = 0;
  *model = NULL;
  memset(meta, 0, sizeof *meta);
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  const PetscErrorCode result = wb_error_agree(comm, rank == 0 ? read_file(path, model, meta) : 0);
  if (result) wb_model_destroy(model);
  PetscCall(result);
  PetscCall(share(comm, rank, model, meta));
  PetscFunctionReturn(0);
}
