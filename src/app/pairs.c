/* windbridge pairs: 20 m and 5 m runs of one city and inflow; aligned 1-minute means of the window in one file. */
#include "record.h"

typedef struct {
  WbApp *app;
  const WbOutputFiles *files;
} WbPairsRun;

static PetscErrorCode stop(void *ctx, bool *yes) {
  return wb_app_stop_check(((WbPairsRun *)ctx)->app, yes);
}

static PetscErrorCode start(void *ctx) {
  const WbPairsRun *r = ctx;
  return wb_app_output_start(r->app, r->files);
}

PetscErrorCode wb_app_pairs(WbApp *app) {
  PetscFunctionBeginUser;
  WbConfig c = app->config;
  WbSimOptions options;
  WbCityOptions city_options;
  WbCity *city = NULL;
  PetscCall(wb_app_sim_options(app, &options));
  PetscCall(wb_app_city_options(app, &city_options));
  if (options.hr_drop_s >= options.duration_s)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: pairs_drop_s is '%g'; allowed: less than les_duration_s (%g s), which includes it",
                 wb_config_where(c, "pairs", "drop_s"), options.hr_drop_s, options.duration_s);
  char name[128], path[1024];
  const char *given = wb_config_text(c, "pairs", "name");
  if (strchr(given, '/') || snprintf(name, sizeof name, "%s.nc", given) > 100)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: pairs_name is '%s'; allowed: a file's name of at most 97 bytes, without '/'",
                 wb_config_where(c, "pairs", "name"), given);
  if (city_options.file && strlen(city_options.file) >= sizeof((WbPairInfo *)0)->city)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: city_file is '%s'; allowed for pairs, which keep it: at most %zu bytes",
                 wb_config_where(c, "city", "file"), city_options.file, sizeof((WbPairInfo *)0)->city - 1);
  char record[160], lock[160], states[4][160];
  snprintf(record, sizeof record, "%s.json", wb_config_text(c, "pairs", "name"));
  snprintf(lock, sizeof lock, "%s.lock", wb_config_text(c, "pairs", "name"));
  static const char *const endings[] = {"checkpoint.h5", "checkpoint.h5.prev", "inflow.nc.checkpoint.h5",
                                        "inflow.nc.checkpoint.h5.prev"};
  const char *results[] = {name}, *state[4];
  for (int i = 0; i < 4; i++) {
    snprintf(states[i], sizeof states[i], "%s.%s", name, endings[i]);
    state[i] = states[i];
  }
  const WbOutputFiles files = {.record = record,
                               .lock = lock,
                               .early = true,
                               .restart = true,
                               .whole = true,
                               .n_results = 1,
                               .results = results,
                               .n_state = 4,
                               .state = state};
  PetscCall(wb_app_output_begin(app, &files));
  if (app->run.finished) PetscFunctionReturn(0);
  wb_app_path(app, name, path);
  PetscCall(wb_city_create(app->comm, &city_options, &city));
  PetscCall(wb_app_turn_north(app, city, &options.les));
  PetscCall(wb_app_check_air(app, city, options.dx_m));
  WbPairsRun run = {.app = app, .files = &files};
  const WbSimControl control = {.stop = stop,
                                .start = start,
                                .ctx = &run,
                                .checkpoint_interval_s = wb_config_real(c, "run", "checkpoint_interval_s"),
                                .keeps_planes = !wb_config_bool(c, "run", "overwrite")};
  const WbPairsOptions pairs = {.path = path,
                                .split = wb_config_text(c, "pairs", "split"),
                                .city_name = city_options.file ? city_options.file : city_options.generate,
                                .deck_yaml = app->deck_yaml,
                                .check = app->check,
                                .start_time_iso = wb_config_text(c, "run", "start_time"),
                                .city_seed = city_options.seed,
                                .sr_top_m = wb_config_real(c, "sr", "top_m")};
  PetscCall(wb_sim_pairs(app->comm, city, &options, &control, &pairs));
  if (!app->check) PetscCall(wb_record_done(app));
  if (!app->check) wb_log("done in %.1f s; written: %s", wb_wtime() - app->t_start, path);
  wb_city_destroy(&city);
  PetscFunctionReturn(0);
}
