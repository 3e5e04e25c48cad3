/* Result files: definition, writing by minutes and members. */
#include "results.h"

#include <stdio.h>
#include <string.h>

static PetscErrorCode define(WbApp *app, const WbResultSpec *s, WbResult *r, const WbNcGridHeader *header) {
  PetscFunctionBeginUser;
  WbNc nc = r->nc;
  PetscCall(wb_nc_def_grid(nc, "/", s->grid, header));
  static const char *const names[] = {"T", "theta", "u", "v", "w"};
  for (int i = 0; i < 5; i++)
    if (i != 1 || s->theta)
      PetscCall(wb_nc_def_field(nc, "/", names[i], s->n_member ? "time,member,z,y,x" : "time,z,y,x"));
  PetscCall(wb_nc_def_field(nc, "/", "fluid_mask", "z,y,x"));
  if (s->lr_valid) PetscCall(wb_nc_def_field(nc, "/", "lr_valid_mask", "z,y,x"));
  if (s->fluid_fraction) {
    PetscCall(wb_nc_def_field(nc, "/", "fluid_fraction", "z,y,x"));
    PetscCall(wb_nc_att_text(nc, "/", NULL, "les_geometry", "porous"));
  }
  if (s->building_height) PetscCall(wb_nc_def_field(nc, "/", "building_height", "y,x"));
  if (s->times && strcmp(s->times->method, "point") == 0)
    for (int i = 0; i < 5; i++)
      if (i != 1 || s->theta) PetscCall(wb_nc_att_text(nc, "/", names[i], "cell_methods", "time: point"));
  for (int i = 0; i < s->n_more; i++) {
    PetscCall(wb_nc_def_field(nc, "/", s->more[i].name, "time,z,y,x"));
    PetscCall(wb_nc_att_text(nc, "/", s->more[i].name, "units", s->more[i].units));
    PetscCall(wb_nc_att_text(nc, "/", s->more[i].name, "long_name", s->more[i].text));
  }
  const WbLesOptions *les = &s->sim->les;
  PetscCall(wb_nc_att_real(nc, "/", NULL, "wind_speed_m_per_s", les->wind_speed_m_per_s));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "wind_direction_deg", les->wind_direction_deg));
  PetscCall(wb_app_put_north(app, nc, s->city, les));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "wind_height_m", les->wind_height_m));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "theta_surface_K", les->theta_surface_K));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "lapse_K_per_m", les->lapse_K_per_m));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "mixed_height_m", les->mixed_height_m));
  PetscCall(wb_nc_att_real(nc, "/", NULL, "heat_flux_K_m_per_s", les->heat_flux_K_m_per_s));
  if (s->n_member)
    PetscCall(wb_nc_att_int(nc, "/", NULL, "sr_antithetic", wb_config_bool(app->config, "sr", "antithetic")));
  PetscCall(wb_nc_att_int(nc, "/", NULL, "ranks", app->size));
  PetscCall(wb_nc_att_int(nc, "/", NULL, "seed", (int)wb_config_real(app->config, "run", "seed")));
  PetscFunctionReturn(0);
}

static PetscErrorCode put_static(const WbResultSpec *s, WbResult *r, const WbNcGridHeader *header) {
  PetscFunctionBeginUser;
  PetscCall(wb_nc_put_grid(r->nc, "/", s->grid, header));
  PetscCall(wb_nc_put_mask(r->nc, "/", "fluid_mask", s->grid, s->fluid));
  if (s->lr_valid) PetscCall(wb_nc_put_mask(r->nc, "/", "lr_valid_mask", s->grid, s->lr_valid));
  if (s->fluid_fraction) PetscCall(wb_nc_put_field(r->nc, "/", "fluid_fraction", s->grid, -1, -1, s->fluid_fraction));
  if (s->building_height) PetscCall(wb_nc_put_plane(r->nc, "/", "building_height", s->grid, s->building_height));
  PetscFunctionReturn(0);
}

static PetscErrorCode make(WbApp *app, const WbResultSpec *s, const char *path, bool rename_on_close, WbResult *r) {
  PetscFunctionBeginUser;
  const WbNcGridHeader header = {.n_time = s->n_time,
                                 .n_member = s->n_member,
                                 .z = r->z,
                                 .start_time_iso = wb_config_text(app->config, "run", "start_time"),
                                 .times = s->times,
                                 .crs_wkt = s->city ? s->city->crs_wkt : NULL,
                                 .title = s->title,
                                 .source = s->city ? s->city->source : "",
                                 .deck_yaml = app->deck_yaml};
  PetscCall(wb_nc_create(app->comm, path, true, rename_on_close, &r->nc));
  PetscCall(define(app, s, r, &header));
  PetscCall(wb_result_say_run(app, r, 0, ""));
  PetscCall(put_static(s, r, &header));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_result_create(WbApp *app, const WbResultSpec *s, WbResult *r) {
  PetscFunctionBeginUser;
  memset(r, 0, sizeof *r);
  const int nz = s->grid->nz;
  r->grid = s->grid;
  r->theta0 = s->sim->les.theta_surface_K;
  r->n_time = s->n_time;
  r->n_member = s->n_member;
  r->theta = s->theta;
  r->interval_s = s->sim->output_interval_s;
  r->times = s->times;
  snprintf(r->name, sizeof r->name, "%s", s->name);
  PetscCall(WB_ALLOC(nz, &r->z));
  PetscCall(WB_ALLOC(nz + 1, &r->zf));
  PetscCall(WB_ALLOC(wb_grid_owned(s->grid), &r->work));
  PetscCall(WB_CALLOC(s->n_time + 1, &r->there));
  for (int k = 0; k <= nz; k++) r->zf[k] = s->zf[k];
  for (int k = 0; k < nz; k++) r->z[k] = 0.5 * (s->zf[k] + s->zf[k + 1]);
  char path[1024];
  bool there = false;
  wb_app_path(app, s->name, path);
  if (s->append) PetscCall(wb_app_exists(app, path, &there));
  if (there)
    PetscCall(wb_result_reopen(app, s, path, make, r));
  else
    PetscCall(make(app, s, path, false, r));
  PetscCall(wb_nc_flush(r->nc));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_result_put(WbResult *r, int time, int member, const float *field) {
  PetscFunctionBeginUser;
  static const char *const names[] = {"theta", "u", "v", "w"};
  const WbGrid *g = r->grid;
  const size_t plane = (size_t)g->nyl * (size_t)g->nxl, n = wb_grid_owned(g);
  const int m = r->n_member ? member : -1;
  for (int c = r->theta ? 0 : 1; c < 4; c++) {
    for (size_t q = 0; q < n; q++) r->work[q] = field[4 * q + (size_t)c];
    PetscCall(wb_nc_put_field(r->nc, "/", names[c], g, time, m, r->work));
  }
  for (int k = 0; k < g->nz; k++) {
    const float factor = (float)wb_exner(r->z[k], r->theta0);
    for (size_t q = (size_t)k * plane; q < (size_t)(k + 1) * plane; q++) r->work[q] = field[4 * q] * factor;
  }
  PetscCall(wb_nc_put_field(r->nc, "/", "T", g, time, m, r->work));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_result_put_more(WbResult *r, int time, const char *name, const float *field) {
  PetscFunctionBeginUser;
  PetscCall(wb_nc_put_field(r->nc, "/", name, r->grid, time, -1, field));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_result_commit(WbResult *r, int time) {
  PetscFunctionBeginUser;
  const double end = (time + 1) * r->interval_s;
  if (r->times)
    PetscCall(wb_nc_put_stamp(r->nc, "/", time, r->times));
  else
    PetscCall(wb_nc_put_time(r->nc, "/", time, end, end - r->interval_s));
  PetscCall(wb_nc_flush(r->nc));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_result_close(WbResult *r) {
  PetscFunctionBeginUser;
  if (r->nc) PetscCall(wb_nc_close(&r->nc));
  WB_FREE(&r->z);
  WB_FREE(&r->zf);
  WB_FREE(&r->work);
  WB_FREE(&r->there);
  PetscFunctionReturn(0);
}
