/* The record of a run: read from its folder, compared with what is asked for now, written. */
#include "record.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DECK_MAX = 1 << 20 };

/* ---- reading ---- */
static char *member_text(const cJSON *root, const char *name) {
  const cJSON *item = cJSON_GetObjectItem(root, name);
  return cJSON_IsString(item) ? strdup(item->valuestring) : NULL;
}

static char *whole_file(const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f) return NULL;
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  char block[4096];
  for (size_t n; out && (n = fread(block, 1, sizeof block, f)) > 0;) fwrite(block, 1, n, out);
  if (out) fclose(out);
  fclose(f);
  return text;
}

/* Rank 0. A summary of an older program, or of another command that keeps none, says nothing. */
static void read_summary(const char *path, WbRunRecord *r) {
  char *text = whole_file(path);
  cJSON *root = text ? cJSON_Parse(text) : NULL;
  r->deck = root ? member_text(root, "deck") : NULL;
  if (r->deck) {
    r->found = true;
    r->file = strdup(path);
    r->status = member_text(root, "status");
    r->command = member_text(root, "command");
    r->inputs = member_text(root, "inputs");
    const cJSON *runs = cJSON_GetObjectItem(root, "sessions");
    r->runs = cJSON_IsArray(runs) ? cJSON_PrintUnformatted(runs) : NULL;
  }
  cJSON_Delete(root);
  free(text);
}

/* Collective. */
static PetscErrorCode read_result(WbApp *app, const char *path, WbRunRecord *r) {
  WbNc nc = NULL;
  bool has = false;
  char *text = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_nc_open(app->comm, path, &nc));
  PetscCall(WB_CALLOC(DECK_MAX, &text));
  const PetscErrorCode ierr = wb_nc_get_att_text(nc, "/", NULL, "deck", &has, text, DECK_MAX);
  PetscCall(wb_nc_close(&nc));
  if (!ierr && has) {
    r->found = true;
    r->file = strdup(path);
    r->deck = strdup(text);
  }
  WB_FREE(&text);
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_record_read(WbApp *app, const char *name, int n, const char *const *files, WbRunRecord *r) {
  PetscFunctionBeginUser;
  memset(r, 0, sizeof *r);
  char path[1024];
  wb_app_path(app, name, path);
  if (app->rank == 0) read_summary(path, r);
  char **const texts[] = {&r->file, &r->status, &r->command, &r->deck, &r->inputs, &r->runs};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) PetscCall(wb_app_share_text(app, texts[i]));
  r->found = r->deck != NULL;
  for (int i = 0; i < n && !r->found; i++) {
    const size_t length = strlen(files[i]);
    if (length < 3 || strcmp(files[i] + length - 3, ".nc") != 0) continue; /* only these keep their deck */
    bool there = false;
    wb_app_path(app, files[i], path);
    PetscCall(wb_app_exists(app, path, &there));
    if (there) PetscCall(read_result(app, path, r));
  }
  PetscFunctionReturn(0);
}

void wb_record_free(WbRunRecord *r) {
  char *const texts[] = {r->file, r->status, r->command, r->deck, r->inputs, r->runs};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) free(texts[i]);
  memset(r, 0, sizeof *r);
}

/* ---- comparing ---- */
static const char *next_line(const char *line) {
  const char *end = strchr(line, '\n');
  return end ? end + 1 : line + strlen(line);
}

/* Length of a line's first word. */
static size_t word(const char *line) {
  return strcspn(line, " \n");
}

/* The line of a key (n characters) in a text of inputs; NULL when there is none. */
static const char *input_of(const char *inputs, const char *key, size_t n) {
  for (const char *line = inputs; line && *line; line = next_line(line))
    if (word(line) == n && strncmp(line, key, n) == 0) return line;
  return NULL;
}

static bool same_line(const char *a, const char *b) {
  const size_t n = strcspn(a, "\n");
  return n == strcspn(b, "\n") && strncmp(a, b, n) == 0;
}

static PetscErrorCode check_contents(const WbApp *app, const WbRunRecord *r) {
  PetscFunctionBeginUser;
  for (const char *line = app->run.inputs; r->inputs && line && *line; line = next_line(line)) {
    const int n = (int)word(line);
    const char *before = input_of(r->inputs, line, (size_t)n);
    if (before && !same_line(before, line))
      WB_RAISE_ALL(
          WB_ERR_INPUT,
          "%.*s: what it names has other contents than when the run in %s/ began (%s); restore it, or begin anew "
          "with -run_overwrite or in another -run_output_dir",
          n, line, app->out, r->file);
  }
  PetscFunctionReturn(0);
}

/* Files are known by their contents: another name alone is no change. */
static bool is_same_file(const WbApp *app, const WbRunRecord *r, const WbKeyDifference *d) {
  char key[128];
  const size_t n = (size_t)snprintf(key, sizeof key, "%s_%s", d->key->group, d->key->name);
  const char *a = input_of(r->inputs, key, n), *b = input_of(app->run.inputs, key, n);
  return a && b && same_line(a, b) && !strstr(a, WB_RECORD_UNKNOWN);
}

static PetscErrorCode refuse_key(const WbApp *app, const WbRunRecord *r, const WbKeyDifference *d) {
  const WbKey *k = d->key;
  PetscFunctionBeginUser;
  WB_RAISE_ALL(WB_ERR_INPUT,
               "%s: %s_%s is '%s', but the run in %s/ was begun with '%s' (%s); %s: restore it, or begin anew with "
               "-run_overwrite or in another -run_output_dir",
               wb_config_where(app->config, k->group, k->name), k->group, k->name, d->now, app->out, d->before, r->file,
               k->change == WB_CHANGE_GROW ? "it can only become larger in a run that is continued"
                                           : "it cannot change in a run that is continued");
}

const char *wb_record_command(const WbApp *app) {
  const bool given = strcmp(app->command, "forecast") == 0 && wb_config_text(app->config, "les", "input_file");
  return given ? "sr" : app->command;
}

PetscErrorCode wb_record_compare(const WbApp *app, const WbRunRecord *r, char **changes, bool *grows) {
  PetscFunctionBeginUser;
  *changes = NULL;
  *grows = false;
  if (r->command && strcmp(r->command, app->command) != 0)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: %s/ holds a run of '%s', which '%s' cannot continue; give another -run_output_dir",
                 r->file, app->out, r->command, app->command);
  int n_keys = 0;
  const WbKey *keys = wb_app_keys(&n_keys);
  WbKeyDifference *list = NULL;
  const int n = wb_config_compare(keys, n_keys, wb_record_command(app), r->deck, app->deck_yaml, &list);
  size_t size = 0;
  FILE *out = open_memstream(changes, &size);
  PetscErrorCode ierr = 0;
  for (int i = 0; i < n && out && !ierr; i++) {
    const WbKeyDifference *d = &list[i];
    if (!d->allowed && !is_same_file(app, r, d)) ierr = refuse_key(app, r, d);
    *grows = *grows || d->grows;
    if (d->allowed && strcmp(d->key->group, "run") != 0)
      fprintf(out, "%s%s_%s %s -> %s", ftell(out) > 0 ? ", " : "", d->key->group, d->key->name, d->before, d->now);
  }
  if (out) fclose(out);
  wb_config_differences_free(n, &list);
  if (!ierr) ierr = check_contents(app, r);
  PetscFunctionReturn(ierr);
}

/* ---- writing ---- */
static cJSON *this_run(const WbApp *app) {
  char when[40] = "";
  struct tm utc;
  const time_t began = (time_t)app->run.began;
  if (gmtime_r(&began, &utc)) strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
  cJSON *run = cJSON_CreateObject();
  cJSON_AddStringToObject(run, "began", when);
  cJSON_AddStringToObject(run, "version", wb_version());
  cJSON_AddStringToObject(run, "git", wb_git_version());
  cJSON_AddNumberToObject(run, "ranks", app->size);
  cJSON_AddStringToObject(run, "changed", app->run.changes ? app->run.changes : "");
  return run;
}

/* A city's statistics in the same folder's summary are no run's: they stay. Rank 0, which writes, has them. */
static void keep_city(const WbApp *app, cJSON *root) {
  char path[1024];
  wb_app_path(app, app->run.record, path);
  char *text = app->rank == 0 && app->run.record[0] ? whole_file(path) : NULL;
  cJSON *old = text ? cJSON_Parse(text) : NULL, *city = old ? cJSON_DetachItemFromObject(old, "city") : NULL;
  if (city) cJSON_AddItemToObject(root, "city", city);
  cJSON_Delete(old);
  free(text);
}

/* For `city`: the summary that is there, or an empty one. */
cJSON *wb_record_summary(const WbApp *app) {
  char path[1024];
  wb_app_path(app, "summary.json", path);
  char *text = app->rank == 0 ? whole_file(path) : NULL;
  cJSON *root = text ? cJSON_Parse(text) : NULL;
  free(text);
  if (root) cJSON_DeleteItemFromObject(root, "city");
  return root ? root : cJSON_CreateObject();
}

void wb_record_add(const WbApp *app, const char *status, cJSON *root) {
  cJSON_AddStringToObject(root, "status", status);
  cJSON_AddStringToObject(root, "version", wb_version());
  cJSON_AddStringToObject(root, "git", wb_git_version());
  cJSON_AddStringToObject(root, "command", app->command);
  cJSON_AddNumberToObject(root, "ranks", app->size);
  cJSON *runs = app->run.earlier ? cJSON_Parse(app->run.earlier) : NULL;
  if (!runs) runs = cJSON_CreateArray();
  cJSON_AddItemToArray(runs, this_run(app));
  cJSON_AddItemToObject(root, "sessions", runs);
  cJSON_AddStringToObject(root, "inputs", app->run.inputs ? app->run.inputs : "");
  cJSON_AddStringToObject(root, "deck", app->deck_yaml);
  keep_city(app, root);
}
