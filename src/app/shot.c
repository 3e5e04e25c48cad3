/* One minute of 20 m means -> all members at 5 m -> hr.nc. */
#include "shot.h"

static PetscErrorCode open_result(WbShot *s, const WbCity *city, const WbSimOptions *sim, int n_time,
                                  const WbTimes *times, bool append) {
  PetscFunctionBeginUser;
  const WbGrid *hr = wb_sr_grid(s->sr);
  const size_t plane = (size_t)hr->nyl * (size_t)hr->nxl;
  float *height = NULL;
  PetscCall(WB_ALLOC(plane, &height));
  PetscCall(wb_city_cell_heights(city, hr, height));
  const WbResultSpec spec = {.name = "hr.nc",
                             .title = "windbridge: super-resolved ensemble of street-scale wind and temperature",
                             .grid = hr,
                             .zf = s->zf,
                             .n_time = n_time,
                             .n_member = s->members,
                             .times = times,
                             .theta = wb_config_bool(s->app->config, "sr", "write_theta"),
                             .append = append,
                             .fluid = wb_sr_fluid(s->sr),
                             .lr_valid = wb_sr_lr_valid(s->sr),
                             .building_height = height,
                             .sim = sim,
                             .city = city};
  PetscCall(wb_result_create(s->app, &spec, &s->result));
  WB_FREE(&height);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_shot_create(WbApp *app, const WbGrid *lr_window, const uint8_t *lr_fluid, const WbCity *city,
                              const WbSimOptions *sim, int n_time, const WbTimes *times, bool append, WbShot *s) {
  PetscFunctionBeginUser;
  memset(s, 0, sizeof *s);
  WbSrOptions options;
  WbNormalisation forcing;
  PetscCall(wb_app_sr_options(app, &options));
  wb_app_forcing(sim, &forcing);
  s->app = app;
  s->members = options.members;
  s->append = append;
  const int levels = (int)(options.top_m / lr_window->dx_m + 0.5) + 1;
  if (lr_window->nz < levels)
    WB_RAISE_ALL(WB_ERR_INPUT, "the 20 m fields have %d levels; super-resolution to %g m needs %d", lr_window->nz,
                 options.top_m, levels);
  PetscCall(wb_grid_refine(lr_window, 1, levels, &s->grid));
  PetscCall(wb_sr_create(s->grid, city, lr_fluid, &forcing, sim->les.heat_flux_K_m_per_s, &options, &s->sr));
  const WbGrid *hr = wb_sr_grid(s->sr);
  PetscCall(WB_ALLOC(4 * wb_grid_owned(hr), &s->member));
  PetscCall(WB_ALLOC(hr->nz + 1, &s->zf));
  wb_grid_heights(hr->nz, hr->dx_m, s->zf, NULL);
  PetscCall(open_result(s, city, sim, n_time, times, append));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_member(WbShot *s, int time, int member) {
  PetscFunctionBeginUser;
  const int timer = wb_timer_id("sr"), writing = wb_timer_id("output");
  wb_timer_begin(timer);
  PetscCall(wb_sr_member(s->sr, time, member, s->member));
  wb_timer_end(timer);
  wb_timer_begin(writing);
  PetscCall(wb_result_put(&s->result, time, member, s->member));
  wb_timer_end(writing);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_shot_minute(WbShot *s, int time, const float *lr) {
  PetscFunctionBeginUser;
  if (s->result.there[time]) PetscFunctionReturn(0);
  const int timer = wb_timer_id("sr");
  bool conditioned = false;
  for (int m = 0; m < s->members; m++) {
    bool held = false;
    if (s->append) PetscCall(wb_result_holds(&s->result, time, m, wb_sr_fluid(s->sr), &held));
    if (held) continue;
    wb_timer_begin(timer);
    if (!conditioned) PetscCall(wb_sr_condition(s->sr, lr));
    wb_timer_end(timer);
    conditioned = true;
    PetscCall(make_member(s, time, m));
  }
  PetscCall(wb_result_commit(&s->result, time));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_shot_finish(WbShot *s, cJSON *summary) {
  PetscFunctionBeginUser;
  static const char *const vars[] = {"T", "u", "v", "w"}, *const masks[] = {"fluid_mask", "lr_valid_mask"};
  const WbGrid *hr = wb_sr_grid(s->sr);
  char path[1024];
  double *times = NULL;
  PetscCall(WB_ALLOC(s->result.n_time, &times));
  for (int i = 0; i < s->result.n_time; i++)
    times[i] = s->result.times ? s->result.times->at[i] : (i + 1) * s->result.interval_s;
  wb_app_path(s->app, "hr.xmf", path);
  PetscCall(
      wb_xdmf_write(s->app->comm, path, "hr.nc", hr, s->zf, s->result.n_time, s->members, times, 4, vars, 2, masks));
  WB_FREE(&times);
  wb_summary_grid(summary, "hr", hr);
  cJSON *o = cJSON_AddObjectToObject(summary, "sr");
  cJSON_AddNumberToObject(o, "members", s->members);
  cJSON_AddNumberToObject(o, "steps", (double)wb_config_int(s->app->config, "sr", "steps"));
  cJSON_AddNumberToObject(o, "network_evaluations", (double)wb_sr_evaluations(s->sr));
  cJSON_AddNumberToObject(o, "seconds_per_shot", wb_sr_seconds_per_shot(s->sr));
  PetscCall(wb_result_close(&s->result));
  PetscFunctionReturn(0);
}

void wb_shot_destroy(WbShot *s) {
  wb_sr_destroy(&s->sr);
  wb_grid_destroy(&s->grid);
  WB_FREE(&s->member);
  WB_FREE(&s->zf);
}
