/* windbridge sr: super-resolves the 20 m fields of a file (an lr.nc of forecast or les, or a converted one). */
#include "memory_plan.h"
#include "shot.h"
#include "sr_input.h"

#include <math.h>

/* The city under the file's window, checked against the file's own mask. */
static PetscErrorCode city_of_file(WbApp *app, const WbLrFile *f, WbCity **city) {
  PetscFunctionBeginUser;
  const char *path = f->path;
  WbCityOptions o;
  PetscCall(wb_app_city_options(app, &o));
  const double sx = f->grid->nx * f->grid->dx_m, sy = f->grid->ny * f->grid->dx_m;
  const bool sized =
      wb_config_given(app->config, "city", "size_x_m") || wb_config_given(app->config, "city", "size_y_m");
  if ((sized && (o.size_x_m != sx || o.size_y_m != sy)) ||
      (wb_config_given(app->config, "city", "x_min_m") && fabs(o.x_min_m - f->grid->x_min_m) > 0.5) ||
      (wb_config_given(app->config, "city", "y_min_m") && fabs(o.y_min_m - f->grid->y_min_m) > 0.5))
    WB_RAISE_ALL(WB_ERR_INPUT,
                 "%s covers %g m x %g m from (%.1f, %.1f); the deck's city window is another (leave city_x_min_m, "
                 "city_y_min_m, city_size_x_m, city_size_y_m out)",
                 path, sx, sy, f->grid->x_min_m, f->grid->y_min_m);
  o.window_given = true;
  o.x_min_m = f->grid->x_min_m, o.y_min_m = f->grid->y_min_m, o.size_x_m = sx, o.size_y_m = sy;
  PetscCall(wb_city_create(app->comm, &o, city));
  PetscCall(wb_lr_file_system(f, (*city)->crs_wkt));
  const int levels = (int)(wb_config_real(app->config, "sr", "top_m") / f->grid->dx_m + 0.5);
  const size_t plane = (size_t)f->grid->nyl * (size_t)f->grid->nxl;
  uint8_t *solid = NULL;
  double zf[64];
  wb_grid_heights(levels, f->grid->dx_m, zf, NULL);
  PetscCall(WB_ALLOC((size_t)levels * plane, &solid));
  PetscCall(wb_city_voxelise(*city, wb_grid_west(f->grid), wb_grid_south(f->grid), f->grid->dx_m, f->grid->nxl,
                             f->grid->nyl, levels, zf, solid));
  double counts[2] = {0, 0}; /* cells that differ, building cells of the city */
  for (size_t q = 0; q < (size_t)levels * plane; q++) {
    counts[0] += (solid[q] != 0) == (f->fluid[q] != 0);
    counts[1] += solid[q] != 0;
  }
  WB_FREE(&solid);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, counts, 2, MPI_DOUBLE, MPI_SUM, app->comm));
  if (counts[0] > 0.25 * counts[1])
    WB_RAISE_ALL(WB_ERR_INPUT,
                 "%s: %.0f cells disagree with the deck's city (air or building), which has %.0f building cells; is it "
                 "another city?",
                 path, counts[0], counts[1]);
  if (counts[0] > 0) wb_log_warn("%s: %.0f cells disagree with the deck's city (air or building)", path, counts[0]);
  PetscFunctionReturn(0);
}

static PetscErrorCode run_sr(WbApp *app, WbLrFile *f, const WbCity *city, const WbSimOptions *sim) {
  PetscFunctionBeginUser;
  WbShot shot;
  PetscCall(wb_shot_create(app, f->grid, f->fluid, city, sim, f->n_time, &f->times, app->run.restart, &shot));
  const double begin = wb_wtime();
  for (int time = 0; time < f->n_time; time++) {
    bool asked = false;
    if (shot.result.there[time]) continue; /* by the run that is continued */
    PetscCall(wb_app_stop_check(app, &asked));
    if (asked) {
      wb_shot_destroy(&shot);
      WB_RAISE_ALL(WB_ERR_STOPPED, "stopped by request before minute %d of %d; resubmit with run_restart", time + 1,
                   f->n_time);
    }
    PetscCall(wb_lr_file_minute(f, time));
    PetscCall(wb_shot_minute(&shot, time, f->four));
    char eta[32];
    wb_format_eta((wb_wtime() - begin) / (time + 1) * (f->n_time - time - 1), eta);
    wb_log("minute %d of %d: %d members, %.2f s a shot, ETA %s", time + 1, f->n_time, shot.members,
           wb_sr_seconds_per_shot(shot.sr), eta);
  }
  cJSON *root = NULL;
  wb_summary_begin(app, &root);
  wb_summary_grid(root, "lr", f->grid);
  PetscCall(wb_shot_finish(&shot, root));
  PetscCall(wb_summary_write(app, &root));
  wb_shot_destroy(&shot);
  wb_log("written: %s/hr.nc, %s/hr.xmf, %s/summary.json", app->out, app->out, app->out);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_sr(WbApp *app) {
  PetscFunctionBeginUser;
  const char *path = wb_config_text(app->config, "les", "input_file");
  if (!path) WB_RAISE_ALL(WB_ERR_CONFIG, "les_input_file is not set; sr needs a file with 20 m fields (an lr.nc)");
  WbSimOptions sim;
  WbLrFile file;
  WbCity *city = NULL;
  PetscCall(wb_app_sim_options(app, &sim));
  const char *results[] = {"hr.nc"}, *state[] = {"hr.xmf"};
  const WbOutputFiles outputs = {.record = "summary.json",
                                 .lock = "run.lock",
                                 .early = true,
                                 .restart = true,
                                 .n_results = 1,
                                 .results = results,
                                 .n_state = 1,
                                 .state = state};
  PetscCall(wb_app_output_begin(app, &outputs));
  if (app->run.finished) PetscFunctionReturn(0);
  PetscCall(wb_lr_file_open(app, path, &file));
  PetscCall(wb_lr_file_forcing(app, &file, &sim));
  PetscCall(wb_lr_file_scan(app, &file, &sim));
  PetscCall(city_of_file(app, &file, &city));
  if (wb_config_given(app->config, "les", "wind_direction_deg")) PetscCall(wb_app_turn_north(app, city, &sim.les));
  PetscCall(wb_app_check_air(app, city, file.grid->dx_m));
  PetscCall(wb_app_check_model(app));
  WbMemoryPlan plan;
  wb_memory_plan_begin(app, NULL, &plan);
  PetscCall(wb_memory_plan_sr(&plan, file.grid, file.n_time));
  PetscCall(wb_memory_plan_report(&plan));
  if (!app->check) {
    PetscCall(wb_app_output_start(app, &outputs));
    PetscCall(run_sr(app, &file, city, &sim));
  }
  PetscCall(wb_lr_file_close(&file));
  wb_city_destroy(&city);
  PetscFunctionReturn(0);
}
