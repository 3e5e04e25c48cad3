/* Model files: HDF5, one float32 dataset a parameter, named and laid out as PyTorch's state_dict, and the attributes
 * format_version, architecture (JSON), meta (JSON), checksum (FNV-1a 64 of the parameters' bytes in the model's order).
 */
#include "model_internal.h"
#include "windbridge/io.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOUN "model file"
enum { MOST_ARCHITECTURE = 1 << 16, MOST_META = 1 << 20, MOST_CHECKSUM = 64 };

static void checksum_of(WbModel model, char text[17]) {
  const uint64_t hash = wb_hash(WB_HASH_START, wb_model_params(model), wb_model_size(model) * sizeof(float));
  snprintf(text, 17, "%016llx", (unsigned long long)hash);
}

typedef struct {
  const char *name;
  int rank, dims[5];
  size_t size;
  float *data;
} Parameter;

static Parameter parameter(WbModel model, int i) {
  Parameter p = {.size = 1};
  size_t offset = 0;
  wb_model_tensor(model, i, &p.name, &p.rank, p.dims, &offset);
  for (int d = 0; d < p.rank; d++) p.size *= (size_t)p.dims[d];
  p.data = wb_model_params(model) + offset;
  return p;
}

/* ---- writing ---- */
static PetscErrorCode write_all(WbArchive archive, WbModel model, const char *architecture, const char *meta) {
  char checksum[17];
  PetscFunctionBeginUser;
  checksum_of(model, checksum);
  PetscCall(wb_archive_put_int(archive, "format_version", WB_MODEL_FORMAT_VERSION));
  PetscCall(wb_archive_put_text(archive, "architecture", architecture));
  PetscCall(wb_archive_put_text(archive, "meta", meta));
  PetscCall(wb_archive_put_text(archive, "checksum", checksum));
  for (int i = 0; i < wb_model_tensors(model); i++) {
    const Parameter p = parameter(model, i);
    PetscCall(wb_archive_put_floats(archive, p.name, p.rank, p.dims, p.data));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode write_file(const char *path, WbModel model, const WbModelMeta *meta) {
  PetscFunctionBeginUser;
  WbArchive archive = NULL;
  for (size_t i = 0; i < wb_model_size(model); i++)
    if (!isfinite(wb_model_params(model)[i]))
      WB_RAISE(WB_ERR_NUMERIC, "model for %s has a weight that is not finite", path);
  char *architecture = wb_model_config_json(wb_model_config(model)), *text = wb_model_meta_json(meta);
  PetscErrorCode ierr = 0;
  if (!architecture || !text)
    ierr = wb_error_raise(PETSC_ERR_MEM, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__, "out of memory for %s", path);
  if (!ierr) ierr = wb_archive_create(path, NOUN, &archive);
  if (!ierr) ierr = write_all(archive, model, architecture, text);
  free(architecture);
  free(text);
  if (ierr) wb_archive_abort(&archive);
  PetscCall(ierr);
  PetscCall(wb_archive_close(&archive));
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
static PetscErrorCode read_text(const char *path, WbArchive archive, const char *name, size_t max, char **text) {
  PetscFunctionBeginUser;
  PetscCall(wb_archive_get_text(archive, name, max, text));
  if (!*text) WB_RAISE(WB_ERR_INPUT, "model file %s has no attribute \"%s\": not a model file", path, name);
  PetscFunctionReturn(0);
}

static PetscErrorCode check_version(const char *path, WbArchive archive) {
  PetscFunctionBeginUser;
  int version = 0;
  bool has = false;
  PetscCall(wb_archive_get_int(archive, "format_version", &has, &version));
  if (!has) WB_RAISE(WB_ERR_INPUT, "model file %s has no attribute \"format_version\": not a model file", path);
  if (version != WB_MODEL_FORMAT_VERSION)
    WB_RAISE(WB_ERR_INPUT, "model file %s has format version %d; this program reads version %d", path, version,
             WB_MODEL_FORMAT_VERSION);
  PetscFunctionReturn(0);
}

static PetscErrorCode read_parameter(const char *path, WbArchive archive, const Parameter *p) {
  PetscFunctionBeginUser;
  PetscCall(wb_archive_get_floats(archive, p->name, p->rank, p->dims, p->data));
  for (size_t i = 0; i < p->size; i++)
    if (!isfinite(p->data[i]))
      WB_RAISE(WB_ERR_INPUT, "model file %s: parameter %s has a value that is not finite", path, p->name);
  PetscFunctionReturn(0);
}

typedef struct {
  char *architecture, *meta, *checksum;
} Texts;

static PetscErrorCode read_open(const char *path, WbArchive archive, Texts *t, WbModel *model, WbModelMeta *meta) {
  PetscFunctionBeginUser;
  WbNetConfig config = {0};
  char found[17];
  size_t parameters = 0;
  int tensors = 0;
  PetscCall(check_version(path, archive));
  PetscCall(read_text(path, archive, "architecture", MOST_ARCHITECTURE, &t->architecture));
  PetscCall(read_text(path, archive, "meta", MOST_META, &t->meta));
  PetscCall(read_text(path, archive, "checksum", MOST_CHECKSUM, &t->checksum));
  PetscCall(wb_model_config_parse(path, t->architecture, &config));
  PetscCall(wb_model_meta_parse(path, t->meta, meta));
  PetscCall(wb_net_config_size(&config, &parameters, &tensors));
  PetscCall(wb_archive_expect(archive, "its architecture", (double)parameters * sizeof(float)));
  PetscCall(wb_model_create(&config, model));
  for (int i = 0; i < tensors; i++) {
    const Parameter p = parameter(*model, i);
    PetscCall(read_parameter(path, archive, &p));
  }
  checksum_of(*model, found);
  if (strcmp(found, t->checksum) != 0)
    WB_RAISE(WB_ERR_INPUT, "model file %s: checksum of the parameters is %s, the file says %.32s: damaged", path, found,
             t->checksum);
  PetscFunctionReturn(0);
}

static PetscErrorCode read_file(const char *path, WbModel *model, WbModelMeta *meta) {
  PetscFunctionBeginUser;
  WbArchive archive = NULL;
  Texts texts = {0};
  PetscCall(wb_archive_open(path, NOUN, &archive));
  const PetscErrorCode result = read_open(path, archive, &texts, model, meta);
  wb_archive_abort(&archive);
  WB_FREE(&texts.architecture);
  WB_FREE(&texts.meta);
  WB_FREE(&texts.checksum);
  PetscFunctionReturn(result);
}

static PetscErrorCode share(MPI_Comm comm, int rank, WbModel *model, WbModelMeta *meta) {
  PetscFunctionBeginUser;
  WbNetConfig config = {0};
  if (rank == 0) {
    if (!*model) SETERRQ(PETSC_COMM_SELF, PETSC_ERR_PLIB, "no model to share");
    config = *wb_model_config(*model);
  }
  PetscCallMPI(MPI_Bcast(&config, (int)sizeof config, MPI_BYTE, 0, comm));
  PetscCallMPI(MPI_Bcast(meta, (int)sizeof *meta, MPI_BYTE, 0, comm));
  PetscCall(wb_error_agree(comm, rank != 0 ? wb_model_create(&config, model) : 0));
  const size_t piece = (size_t)1 << 28;
  const size_t size = wb_model_size(*model);
  for (size_t at = 0; at < size; at += piece) {
    const size_t left = size - at;
    PetscCallMPI(MPI_Bcast(wb_model_params(*model) + at, (int)(left < piece ? left : piece), MPI_FLOAT, 0, comm));
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
  const PetscErrorCode shared = share(comm, rank, model, meta);
  if (shared) wb_model_destroy(model);
  PetscFunctionReturn(shared);
}
