/* windbridge city: a city's voxel grids at 20 m and 5 m, statistics, and a file for pictures (city.nc, city.xmf). */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

/* One grid's masks into one group of city.nc. */
static PetscErrorCode write_grid(WbNc nc, const char *group, const WbCity *city, const WbGrid *grid, bool lr_mask,
                                 const WbNcGridHeader *header) {
  PetscFunctionBeginUser;
  const size_t n = wb_grid_owned(grid), plane = (size_t)grid->nyl * (size_t)grid->nxl;
  double *zf = NULL, *z = NULL;
  uint8_t *fluid = NULL;
  float *height = NULL;
  PetscCall(WB_ALLOC(grid->nz + 1, &zf));
  PetscCall(WB_ALLOC(grid->nz, &z));
  PetscCall(WB_ALLOC(n, &fluid));
  PetscCall(WB_ALLOC(plane, &height));
  wb_grid_heights(grid->nz, grid->dx_m, zf, z);
  PetscCall(wb_city_air_cells(city, grid, zf, fluid));
  PetscCall(wb_nc_put_mask(nc, group, "fluid_mask", grid, fluid));
  if (lr_mask) {
    const double coarse = wb_app_coarse_m();
    PetscCall(wb_city_coarse_air(city, grid, z, coarse, ceil(zf[grid->nz] / coarse) * coarse, fluid));
    PetscCall(wb_nc_put_mask(nc, group, "lr_valid_mask", grid, fluid));
  }
  PetscCall(wb_city_cell_heights(city, grid, height));
  PetscCall(wb_nc_put_plane(nc, group, "building_height", grid, height));
  PetscCall(wb_nc_put_grid(nc, group, grid, header));
  WB_FREE(&zf);
  WB_FREE(&z);
  WB_FREE(&fluid);
  WB_FREE(&height);
  PetscFunctionReturn(0);
}

static PetscErrorCode define_grid(WbNc nc, const char *group, const WbGrid *grid, bool lr_mask,
                                  const WbNcGridHeader *header) {
  PetscFunctionBeginUser;
  PetscCall(wb_nc_def_grid(nc, group, grid, header));
  PetscCall(wb_nc_def_field(nc, group, "fluid_mask", "z,y,x"));
  if (lr_mask) PetscCall(wb_nc_def_field(nc, group, "lr_valid_mask", "z,y,x"));
  PetscCall(wb_nc_def_field(nc, group, "building_height", "y,x"));
  PetscFunctionReturn(0);
}

static PetscErrorCode write_city(WbApp *app, const WbCity *city, const char *path) {
  PetscFunctionBeginUser;
  const double dx = wb_config_real(app->config, "sr", "dx_m"), top = wb_config_real(app->config, "sr", "top_m");
  const double coarse = wb_app_coarse_m();
  WbGrid *lr = NULL, *hr = NULL;
  PetscCall(wb_app_window_grid(app, city, coarse, (int)(top / coarse + 0.5), 1, &lr));
  PetscCall(wb_grid_refine(lr, (int)(coarse / dx + 0.5), (int)(top / dx + 0.5), &hr));
  double z_hr[64], z_lr[16], zf[65];
  wb_grid_heights(hr->nz, dx, zf, z_hr);
  wb_grid_heights(lr->nz, coarse, NULL, z_lr);
  WbNcGridHeader header = {.n_time = 0,
                           .n_member = 0,
                           .z = z_hr,
                           .crs_wkt = city->crs_wkt,
                           .title = "windbridge city",
                           .history = "windbridge city",
                           .source = city->source,
                           .deck_yaml = app->deck_yaml};
  WbNc nc = NULL;
  PetscCall(wb_nc_create(app->comm, path, true, true, &nc));
  PetscCall(define_grid(nc, "/", hr, true, &header));
  PetscCall(write_grid(nc, "/", city, hr, true, &header));
  header.z = z_lr;
  PetscCall(define_grid(nc, "/lr", lr, false, &header));
  PetscCall(write_grid(nc, "/lr", city, lr, false, &header));
  PetscCall(wb_nc_close(&nc));
  const char *vars[] = {"fluid_mask", "lr_valid_mask"};
  char xmf[1024];
  wb_app_path(app, "city.xmf", xmf);
  PetscCall(wb_xdmf_write(app->comm, xmf, "city.nc", hr, zf, 0, 0, NULL, 0, NULL, 2, vars));
  wb_grid_destroy(&hr);
  wb_grid_destroy(&lr);
  PetscFunctionReturn(0);
}

static PetscErrorCode write_summary(WbApp *app, const WbCity *city, const WbCityStats *s) {
  PetscFunctionBeginUser;
  cJSON *root = wb_record_summary(app), *c = cJSON_AddObjectToObject(root, "city"); /* beside a run's own, if any */
  if (!cJSON_GetObjectItem(root, "version")) cJSON_AddStringToObject(root, "version", wb_version());
  cJSON_AddStringToObject(c, "source", city->source);
  cJSON_AddNumberToObject(c, "buildings", s->n_buildings);
  cJSON_AddNumberToObject(c, "repaired_polygons", city->n_repaired);
  cJSON_AddNumberToObject(c, "null_heights", city->n_null);
  cJSON_AddNumberToObject(c, "dropped_without_height", city->n_dropped);
  cJSON_AddNumberToObject(c, "broken_features", city->n_broken);
  cJSON_AddNumberToObject(c, "upright_walls", city->n_flat);
  cJSON_AddNumberToObject(c, "overhangs", city->n_overhang);
  if (!isnan(city->convergence_deg)) { /* a reference system that is known */
    cJSON_AddNumberToObject(c, "meridian_convergence_deg", city->convergence_deg);
    cJSON_AddItemToObject(c, "map_scale",
                          cJSON_CreateDoubleArray((const double[]){city->scale_min, city->scale_max}, 2));
  }
  cJSON_AddNumberToObject(c, "lambda_p", s->lambda_p);
  cJSON_AddItemToObject(c, "lambda_f_NESW", cJSON_CreateDoubleArray(s->lambda_f, 4));
  cJSON_AddNumberToObject(c, "height_mean_m", s->height_mean_m);
  cJSON_AddNumberToObject(c, "height_std_m", s->height_std_m);
  cJSON_AddNumberToObject(c, "height_max_m", s->height_max_m);
  cJSON_AddItemToObject(c, "height_histogram_20m_bins", cJSON_CreateDoubleArray(s->histogram, 12));
  cJSON_AddNumberToObject(c, "fluid_cells_5m", (double)s->n_fluid_hr);
  cJSON_AddNumberToObject(c, "fluid_cells_5m_blocked_at_20m", (double)s->n_blocked);
  cJSON_AddNumberToObject(c, "pocket_cells_5m", (double)s->n_pocket_cells);
  char *text = cJSON_Print(root), path[1024];
  wb_app_path(app, "summary.json", path);
  PetscCall(wb_file_write_text(app->comm, path, text));
  cJSON_free(text);
  cJSON_Delete(root);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_city(WbApp *app) {
  PetscFunctionBeginUser;
  WbCityOptions options;
  PetscCall(wb_app_city_options(app, &options));
  const double dx = wb_config_real(app->config, "sr", "dx_m"), top = wb_config_real(app->config, "sr", "top_m");
  const char *results[] = {"city.nc", "summary.json"};
  const WbOutputFiles files = {.lock = "run.lock", .n_results = 2, .results = results};
  PetscCall(wb_app_output_begin(app, &files));
  WbCity *city = NULL;
  PetscCall(wb_city_create(app->comm, &options, &city));
  if (!app->check) {
    WbCityStats stats;
    PetscCall(wb_city_stats(city, wb_app_coarse_m(), dx, top, &stats));
    char path[1024], text[4096];
    wb_app_path(app, "city.nc", path);
    PetscCall(write_city(app, city, path));
    PetscCall(write_summary(app, city, &stats));
    wb_city_report(&stats, text, sizeof text);
    wb_log("%s", text);
    wb_log("written: %s, %s/city.xmf, %s/summary.json", path, app->out, app->out);
  }
  wb_city_destroy(&city);
  PetscFunctionReturn(0);
}
