/* JSON texts of a model file: the architecture and the meta data. */
#include "model_internal.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* bump when the meaning of the parameters changes */
#define WB_NET_KIND "windbridge-unet-3"

typedef struct {
  const char *name;
  size_t offset;
} IntKey;
static const IntKey config_keys[] = {{"in_dynamic", offsetof(WbNetConfig, in_dynamic)},
                                     {"in_static", offsetof(WbNetConfig, in_static)},
                                     {"out", offsetof(WbNetConfig, out)},
                                     {"width1", offsetof(WbNetConfig, width1)},
                                     {"width2", offsetof(WbNetConfig, width2)},
                                     {"blocks1", offsetof(WbNetConfig, blocks1)},
                                     {"blocks2", offsetof(WbNetConfig, blocks2)},
                                     {"cond_width1", offsetof(WbNetConfig, cond_width1)},
                                     {"cond_width2", offsetof(WbNetConfig, cond_width2)},
                                     {"cond_blocks1", offsetof(WbNetConfig, cond_blocks1)},
                                     {"cond_blocks2", offsetof(WbNetConfig, cond_blocks2)},
                                     {"cond_nets", offsetof(WbNetConfig, cond_nets)},
                                     {"embed", offsetof(WbNetConfig, embed)}};
enum { N_CONFIG_KEYS = sizeof config_keys / sizeof *config_keys };

char *wb_model_config_json(const WbNetConfig *config) {
  cJSON *root = cJSON_CreateObject();
  cJSON_AddStringToObject(root, "kind", WB_NET_KIND);
  for (int i = 0; i < N_CONFIG_KEYS; i++) {
    int value = 0;
    memcpy(&value, (const char *)config + config_keys[i].offset, sizeof value);
    cJSON_AddNumberToObject(root, config_keys[i].name, value);
  }
  char *text = cJSON_PrintUnformatted(root);
  cJSON_Delete(root);
  return text;
}

static PetscErrorCode config_from(const char *path, const cJSON *root, WbNetConfig *config) {
  PetscFunctionBeginUser;
  const cJSON *kind = cJSON_GetObjectItemCaseSensitive(root, "kind");
  if (!cJSON_IsString(kind)) WB_RAISE(WB_ERR_INPUT, "model file %s: its architecture is not readable", path);
  if (strcmp(kind->valuestring, WB_NET_KIND) != 0)
    WB_RAISE(WB_ERR_INPUT, "model file %s: architecture \"%.64s\"; this program knows \"%s\"", path, kind->valuestring,
             WB_NET_KIND);
  for (int i = 0; i < N_CONFIG_KEYS; i++) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, config_keys[i].name);
    if (!cJSON_IsNumber(item) || item->valuedouble != (double)item->valueint)
      WB_RAISE(WB_ERR_INPUT, "model file %s: its architecture has no integer \"%s\"", path, config_keys[i].name);
    memcpy((char *)config + config_keys[i].offset, &item->valueint, sizeof(int));
  }
  if (wb_net_config_check(config)) {
    char why[256];
    strncpy(why, wb_error_message(), sizeof why - 1);
    why[sizeof why - 1] = '\0';
    wb_error_clear();
    WB_RAISE(WB_ERR_INPUT, "model file %s: %s", path, why);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_model_config_parse(const char *path, const char *text, WbNetConfig *config) {
  PetscFunctionBeginUser;
  cJSON *root = cJSON_Parse(text);
  const PetscErrorCode result = config_from(path, root, config);
  cJSON_Delete(root);
  PetscFunctionReturn(result);
}

enum { N_NOISE = sizeof(((WbModelMeta *)0)->noise) / sizeof(float) };
static const char *const channel_names[4] = {"theta", "u", "v", "w"};

/* Columns of a table: the last is optional. */
enum { N_COLUMNS = 5 };
static const struct {
  const char *name;
  size_t offset;
} columns[N_COLUMNS] = {{"t", offsetof(WbModelTable, t)},
                        {"alpha", offsetof(WbModelTable, alpha)},
                        {"beta", offsetof(WbModelTable, beta)},
                        {"noise", offsetof(WbModelTable, noise)},
                        {"diffusivity", offsetof(WbModelTable, diffusivity)}};

static void put_table(cJSON *root, const WbModelTable *table) {
  cJSON *object = cJSON_AddObjectToObject(root, "table");
  for (int k = 0; k < N_COLUMNS - !table->has_diffusivity; k++) {
    const double *column = (const double *)((const char *)table + columns[k].offset);
    cJSON_AddItemToObject(object, columns[k].name, cJSON_CreateDoubleArray(column, table->n));
  }
}

char *wb_model_meta_json(const WbModelMeta *meta) {
  cJSON *root = cJSON_CreateObject(), *epsilon = cJSON_AddObjectToObject(root, "epsilon"),
        *scale = cJSON_AddObjectToObject(root, "scale"), *residual = cJSON_AddObjectToObject(root, "residual"),
        *spread = cJSON_AddObjectToObject(root, "spread");
  cJSON_AddStringToObject(root, "process", meta->process);
  cJSON_AddStringToObject(root, "schedule", meta->schedule);
  cJSON_AddStringToObject(root, "target", meta->target);
  for (int c = 0; c < 4; c++) {
    cJSON_AddNumberToObject(epsilon, channel_names[c], (double)meta->epsilon[c]);
    cJSON_AddNumberToObject(scale, channel_names[c], (double)meta->scale[c]);
    cJSON_AddNumberToObject(residual, channel_names[c], (double)meta->residual[c]);
    cJSON_AddNumberToObject(spread, channel_names[c], (double)meta->spread[c]);
  }
  cJSON *noise = cJSON_AddArrayToObject(root, "noise");
  for (int l = 0; l < N_NOISE; l++) cJSON_AddItemToArray(noise, cJSON_CreateNumber((double)meta->noise[l]));
  if (meta->table.n > 0) put_table(root, &meta->table);
  cJSON_AddBoolToObject(root, "scale_by_wind", meta->scale_by_wind);
  cJSON_AddBoolToObject(root, "canonical_wind", meta->canonical_wind);
  cJSON_AddStringToObject(root, "training", meta->training_json);
  char *text = cJSON_PrintUnformatted(root);
  cJSON_Delete(root);
  return text;
}

static PetscErrorCode get_text(const char *path, const cJSON *root, const char *key, size_t size, char *out) {
  PetscFunctionBeginUser;
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, key);
  if (!cJSON_IsString(item) || strlen(item->valuestring) >= size)
    WB_RAISE(WB_ERR_INPUT, "model file %s: meta data \"%s\" missing or longer than %zu characters", path, key,
             size - 1);
  strcpy(out, item->valuestring); /* NOLINT: length checked above */
  PetscFunctionReturn(0);
}

/* Numbers that scale something: 0 is allowed where nothing is divided by them. */
static PetscErrorCode get_channels(const char *path, const cJSON *root, const char *key, bool zero, float out[4]) {
  PetscFunctionBeginUser;
  const cJSON *group = cJSON_GetObjectItemCaseSensitive(root, key);
  for (int c = 0; c < 4; c++) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(group, channel_names[c]);
    if (!cJSON_IsNumber(item) || !isfinite((float)item->valuedouble))
      WB_RAISE(WB_ERR_INPUT, "model file %s: meta data \"%s.%s\" is not a number", path, key, channel_names[c]);
    out[c] = (float)item->valuedouble;
    if (out[c] < 0 || (out[c] == 0 && !zero))
      WB_RAISE(WB_ERR_INPUT, "model file %s: meta data \"%s.%s\" is %g; allowed: %s", path, key, channel_names[c],
               item->valuedouble, zero ? "0 and above" : "above 0");
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode get_bool(const char *path, const cJSON *root, const char *key, bool *out) {
  PetscFunctionBeginUser;
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, key);
  if (!cJSON_IsBool(item)) WB_RAISE(WB_ERR_INPUT, "model file %s: meta data \"%s\" is not a bool", path, key);
  *out = cJSON_IsTrue(item);
  PetscFunctionReturn(0);
}

/* Files from before the noise had a colour do not have it: theirs was white. */
static PetscErrorCode get_noise(const char *path, const cJSON *root, float noise[N_NOISE]) {
  PetscFunctionBeginUser;
  const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "noise");
  double sum = 0;
  for (int l = 0; l < N_NOISE; l++) {
    const cJSON *item = cJSON_GetArrayItem(list, l);
    if (list && (!cJSON_IsNumber(item) || !(item->valuedouble >= 0) || !isfinite(item->valuedouble)))
      WB_RAISE(WB_ERR_INPUT, "model file %s: meta data \"noise\" is not a list of %d shares", path, (int)N_NOISE);
    noise[l] = list ? (float)item->valuedouble : (float)(l == 0);
    sum += (double)noise[l];
  }
  if (!(fabs(sum - 1) < 1e-3))
    WB_RAISE(WB_ERR_INPUT, "model file %s: the shares of \"noise\" sum to %g, not to 1", path, sum);
  PetscFunctionReturn(0);
}

/* Whether the values make a path is the process's to say. */
static PetscErrorCode get_table(const char *path, const cJSON *root, WbModelTable *table) {
  const cJSON *object = cJSON_GetObjectItemCaseSensitive(root, "table");
  PetscFunctionBeginUser;
  memset(table, 0, sizeof *table);
  if (!object) PetscFunctionReturn(0);
  table->n = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(object, "t"));
  table->has_diffusivity = cJSON_HasObjectItem(object, columns[N_COLUMNS - 1].name);
  for (int k = 0; k < N_COLUMNS - !table->has_diffusivity; k++) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, columns[k].name), *item = NULL;
    double *column = (double *)((char *)table + columns[k].offset);
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != table->n || table->n > WB_MODEL_TABLE)
      WB_RAISE(WB_ERR_INPUT, "model file %s: column \"%s\" of \"table\" is not a list of %d (at most %d) numbers", path,
               columns[k].name, table->n, (int)WB_MODEL_TABLE);
    cJSON_ArrayForEach(item, list) {
      if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
        WB_RAISE(WB_ERR_INPUT, "model file %s: \"table\" holds more than numbers", path);
      *column++ = item->valuedouble;
    }
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode meta_from(const char *path, const cJSON *root, WbModelMeta *meta) {
  PetscFunctionBeginUser;
  PetscCall(get_text(path, root, "process", sizeof meta->process, meta->process));
  PetscCall(get_text(path, root, "schedule", sizeof meta->schedule, meta->schedule));
  PetscCall(get_text(path, root, "target", sizeof meta->target, meta->target));
  PetscCall(get_text(path, root, "training", sizeof meta->training_json, meta->training_json));
  PetscCall(get_channels(path, root, "epsilon", true, meta->epsilon));
  PetscCall(get_channels(path, root, "scale", false, meta->scale));
  PetscCall(get_channels(path, root, "residual", true, meta->residual));
  PetscCall(get_channels(path, root, "spread", true, meta->spread));
  PetscCall(get_noise(path, root, meta->noise));
  PetscCall(get_table(path, root, &meta->table));
  PetscCall(get_bool(path, root, "scale_by_wind", &meta->scale_by_wind));
  PetscCall(get_bool(path, root, "canonical_wind", &meta->canonical_wind));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_model_meta_parse(const char *path, const char *text, WbModelMeta *meta) {
  PetscFunctionBeginUser;
  cJSON *root = cJSON_Parse(text);
  const PetscErrorCode result = meta_from(path, root, meta);
  cJSON_Delete(root);
  PetscFunctionReturn(result);
}
