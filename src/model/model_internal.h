/* Texts of a model file; shared by model_file.c and model_json.c. */
#ifndef WB_MODEL_INTERNAL_H
#define WB_MODEL_INTERNAL_H
#include "windbridge/model.h"

#define WB_MODEL_FORMAT_VERSION 1
char *wb_model_config_json(const WbNetConfig *config); /* caller frees with free() */
char *wb_model_meta_json(const WbModelMeta *meta);     /* the same */
/* Errors: WB_ERR_INPUT naming path and what is wrong. */
PetscErrorCode wb_model_config_parse(const char *path, const char *text, WbNetConfig *config);
PetscErrorCode wb_model_meta_parse(const char *path, const char *text, WbModelMeta *meta);
#endif
