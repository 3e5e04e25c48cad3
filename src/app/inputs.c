/* Which files a run reads, by what is in them: a run that is continued must find them unchanged. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "record.h"

enum { BLOCK = 64 * 1024, BLOCKS = 512 };

/* Size and contents; of a file larger than BLOCKS blocks so many of them, evenly spread. Local. */
static void hash_of(const char *path, char out[64]) {
  struct stat st;
  FILE *f = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "rb") : NULL;
  char *block = f ? malloc(BLOCK) : NULL;
  snprintf(out, 64, "%s", WB_RECORD_UNKNOWN);
  if (block) {
    const long long size = st.st_size, n = (size + BLOCK - 1) / BLOCK, take = n < BLOCKS ? n : BLOCKS;
    uint64_t h = wb_hash(WB_HASH_START, &size, sizeof size);
    bool good = true;
    for (long long i = 0; i < take && good; i++) {
      good = fseeko(f, take > 1 ? i * (n - 1) / (take - 1) * BLOCK : 0, SEEK_SET) == 0;
      const size_t got = good ? fread(block, 1, BLOCK, f) : 0;
      h = wb_hash(h, block, got);
    }
    if (good && !ferror(f)) snprintf(out, 64, "%016llx", (unsigned long long)h);
  }
  free(block);
  if (f) fclose(f);
}

static bool is_list_of_files(const WbKey *k) {
  const size_t n = strlen(k->name);
  return k->type == WB_KEY_LIST && n >= 5 && strcmp(k->name + n - 5, "files") == 0;
}

/* The contents of many files, in their order, are one number. */
static PetscErrorCode add_list(WbApp *app, const WbKey *k, FILE *out) {
  WbFileList files;
  uint64_t h = WB_HASH_START;
  bool known = true;
  PetscFunctionBeginUser;
  PetscCall(wb_app_expand_files(app, k->group, k->name, &files));
  for (int i = 0; i < files.n && out; i++) {
    char one[64];
    hash_of(files.paths[i], one);
    known = known && strcmp(one, WB_RECORD_UNKNOWN) != 0;
    h = wb_hash(h, one, strlen(one));
  }
  if (files.n > 0 && out) {
    if (known)
      fprintf(out, "%s_%s %016llx\n", k->group, k->name, (unsigned long long)h);
    else
      fprintf(out, "%s_%s %s\n", k->group, k->name, WB_RECORD_UNKNOWN);
  }
  wb_app_free_files(&files);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_record_inputs(WbApp *app, char **inputs) {
  size_t size = 0;
  int n_keys = 0;
  const WbKey *keys = wb_app_keys(&n_keys);
  PetscFunctionBeginUser;
  *inputs = NULL;
  FILE *out = app->rank == 0 ? open_memstream(inputs, &size) : NULL; /* rank 0 reads, all follow */
  for (int i = 0; i < n_keys; i++) {
    const WbKey *k = &keys[i];
    if (k->change != WB_CHANGE_NEVER || !wb_config_used_by(k, wb_record_command(app))) continue;
    if (is_list_of_files(k)) PetscCall(add_list(app, k, out));
    if (k->type != WB_KEY_FILE) continue;
    const bool model = strcmp(k->group, "sr") == 0 && strcmp(k->name, "model") == 0;
    const char *path = model ? wb_app_model_path(app) : wb_config_text(app->config, k->group, k->name);
    char hash[64];
    if (!path || !out) continue;
    hash_of(path, hash);
    fprintf(out, "%s_%s %s\n", k->group, k->name, hash);
  }
  if (out) fclose(out);
  PetscCall(wb_app_share_text(app, inputs));
  PetscFunctionReturn(0);
}
