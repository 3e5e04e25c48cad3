/* Lists of files in the deck: wildcards expanded on rank 0 and shared. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"

/* Rank 0: all matches, newline-separated. */
static PetscErrorCode expand(WbApp *app, const char *group, const char *name, char **joined) {
  PetscFunctionBeginUser;
  const char *const *items = NULL;
  const int n = wb_config_list(app->config, group, name, &items);
  size_t size = 0;
  FILE *out = open_memstream(joined, &size);
  for (int i = 0; i < n && out; i++) {
    glob_t found;
    const int status = glob(items[i], 0, NULL, &found);
    const char *bad = NULL; /* a path that would not stay whole further on */
    for (size_t k = 0; status == 0 && k < found.gl_pathc; k++) {
      if (strlen(found.gl_pathv[k]) > WB_CONFIG_TEXT_MAX || strchr(found.gl_pathv[k], '\n')) bad = found.gl_pathv[k];
      fprintf(out, "%s\n", found.gl_pathv[k]);
    }
    if (bad) {
      fclose(out);
      WB_RAISE(WB_ERR_INPUT, "%s: %s_%s: '%s' finds %.200s; allowed: paths of one line and at most %d bytes",
               wb_config_where(app->config, group, name), group, name, items[i], bad, WB_CONFIG_TEXT_MAX);
    }
    if (status == 0) globfree(&found);
    if (status != 0) {
      fclose(out);
      WB_RAISE(WB_ERR_INPUT, "%s: %s_%s: no file matches '%s'", wb_config_where(app->config, group, name), group, name,
               items[i]);
    }
  }
  if (!out) WB_RAISE(WB_ERR_CONFIG, "%s_%s: out of memory", group, name);
  fclose(out);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_expand_files(WbApp *app, const char *group, const char *name, WbFileList *list) {
  PetscFunctionBeginUser;
  memset(list, 0, sizeof *list);
  PetscErrorCode ierr = 0;
  if (app->rank == 0) ierr = expand(app, group, name, &list->text);
  PetscCall(wb_error_agree(app->comm, ierr));
  int size = app->rank == 0 ? (int)strlen(list->text) + 1 : 0;
  PetscCallMPI(MPI_Bcast(&size, 1, MPI_INT, 0, app->comm));
  if (app->rank != 0) list->text = malloc((size_t)size);
  if (!list->text) WB_RAISE(WB_ERR_CONFIG, "out of memory");
  PetscCallMPI(MPI_Bcast(list->text, size, MPI_CHAR, 0, app->comm));
  for (const char *p = list->text; *p; p++) list->n += *p == '\n';
  list->paths = calloc((size_t)list->n + 1, sizeof *list->paths);
  if (!list->paths) WB_RAISE(WB_ERR_CONFIG, "out of memory");
  char *save = NULL;
  int i = 0;
  for (char *line = strtok_r(list->text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
    list->paths[i++] = line;
  PetscFunctionReturn(0);
}

void wb_app_free_files(WbFileList *list) {
  free(list->paths);
  free(list->text);
  memset(list, 0, sizeof *list);
}
