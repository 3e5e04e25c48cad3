/* Rows of the table of keys (config.h: WbKey). A new key is one row: where it stands, type, unit, default (NULL: the
 * member's, as the module's own options have it), range or choices in the order of the enum, the commands that use it,
 * help; then .member, where its value goes, and .when, beside what it has an effect. */
#ifndef WB_APP_KEYS_H
#define WB_APP_KEYS_H
#include "app.h"

#define BIG 1e300
#define REAL(g, n, u, def, lo, hi, ...)                                                                            \
  {                                                                                                                \
    .group = g, .name = n, .type = WB_KEY_REAL, .unit = u, .fallback = def, .min = lo, .max = hi, .choices = NULL, \
    __VA_ARGS__                                                                                                    \
  }
#define INT(g, n, u, def, lo, hi, ...)                                                                            \
  {                                                                                                               \
    .group = g, .name = n, .type = WB_KEY_INT, .unit = u, .fallback = def, .min = lo, .max = hi, .choices = NULL, \
    __VA_ARGS__                                                                                                   \
  }
#define BOOL(g, n, def, ...) \
  { .group = g, .name = n, .type = WB_KEY_BOOL, .unit = "", .fallback = def, .max = 1, .choices = NULL, __VA_ARGS__ }
#define TEXT(g, n, def, ...) \
  { .group = g, .name = n, .type = WB_KEY_STRING, .unit = "", .fallback = def, .choices = NULL, __VA_ARGS__ }
#define PATH(g, n, def, ...) \
  { .group = g, .name = n, .type = WB_KEY_FILE, .unit = "", .fallback = def, .choices = NULL, __VA_ARGS__ }
#define CHOICE(g, n, def, list, ...) \
  { .group = g, .name = n, .type = WB_KEY_CHOICE, .unit = "", .fallback = def, .choices = list, __VA_ARGS__ }
#define NUMBERS(g, n, u, lo, hi, ...)                                                                                \
  {                                                                                                                  \
    .group = g, .name = n, .type = WB_KEY_NUMBERS, .unit = u, .fallback = "", .min = lo, .max = hi, .choices = NULL, \
    __VA_ARGS__                                                                                                      \
  }
#define LIST(g, n, ...) \
  { .group = g, .name = n, .type = WB_KEY_LIST, .unit = "", .fallback = "", .choices = NULL, __VA_ARGS__ }

/* ---- what a continued run may do with a key ---- */
#define FREE .change = WB_CHANGE_FREE
#define GROW .change = WB_CHANGE_GROW

/* ---- commands ---- */
#define RUNS "forecast,city,les,pairs,train,sr,evaluate"
#define FLOW "forecast,les,pairs"
#define CITY "forecast,city,les,pairs,sr,bench"
#define SR "forecast,sr,evaluate,bench"

/* ---- members ---- */
#define CITY_KEY(member) WB_MEMBER(&wb_app_city_keys, WbCityOptions, member)
#define SIM(member) WB_MEMBER(&wb_app_sim_keys, WbSimOptions, member)
#define SIM_LIST(member, count) WB_MEMBER_LIST(&wb_app_sim_keys, WbSimOptions, member, count)
#define SIM_ARRAY(member) WB_MEMBER_ARRAY(&wb_app_sim_keys, WbSimOptions, member)
#define OUT(member) WB_MEMBER(&wb_app_output_keys, WbLesOutputOptions, member)
#define OUT_LIST(member, count) WB_MEMBER_LIST(&wb_app_output_keys, WbLesOutputOptions, member, count)
#define PLACE_LIST(member, count) WB_MEMBER_LIST(&wb_app_probe_keys, WbProbeKeys, member, count)
#define PLACE_ARRAY(member) WB_MEMBER_ARRAY(&wb_app_probe_keys, WbProbeKeys, member)
#define SOURCE_LIST(member, count) WB_MEMBER_LIST(&wb_app_source_keys, WbSourceKeys, member, count)
#define SOURCE_ARRAY(member) WB_MEMBER_ARRAY(&wb_app_source_keys, WbSourceKeys, member)
#define SR_KEY(member) WB_MEMBER(&wb_app_sr_keys, WbSrOptions, member)
#define NET(member) WB_MEMBER(&wb_app_net_keys, WbNetConfig, member)
#define TRAIN(member) WB_MEMBER(&wb_app_train_keys, WbTrainOptions, member)

/* The parts of the table, in the order in which it is printed. */
typedef struct {
  const WbKey *rows;
  int n;
} WbKeyRows;
extern const WbKeyRows wb_app_keys_run, wb_app_keys_les, wb_app_keys_sr, wb_app_keys_train, wb_app_keys_last;
#endif
