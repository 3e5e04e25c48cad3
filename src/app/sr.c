/* windbridge sr: super-resolves the 20 m fields of a file (an lr.nc of forecast or les, or a converted one). */
#include "memory_plan.h"
#include "shot.h"

#include <math.h>

typedef struct {
  WbNc nc;
  WbGrid *grid; /* the whole file at 20 m */
  int n_time;
  uint8_t *fluid;    /* (nz, nyl, nxl) */
  float *one, *four; /* a variable; (nz, nyl, nxl, 4) */
} WbLrFile;

/* The file's own forcing where it says so (lr.nc does); the deck's keys otherwise, or when given. */
static PetscErrorCode take_forcing(WbApp *app, WbNc nc, WbSimOptions *sim) {
  PetscFunctionBeginUser;
  const struct {
    const char *name;
    double *value;
  } keys[] = {
      {"wind_speed_m_per_s", &sim->les.wind_speed_m_per_s}, {"wind_direction_deg", &sim->les.wind_direction_deg},
      {"theta_surface_K", &sim->les.theta_surface_K},       {"lapse_K_per_m", &sim->les.lapse_K_per_m},
      {"mixed_height_m", &sim->les.mixed_height_m},         {"heat_flux_K_m_per_s", &sim->les.heat_flux_K_m_per_s}};
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    bool has = false;
    double value = 0;
    PetscCall(wb_nc_get_att_real(nc, "/", NULL, keys[i].name, &has, &value));
    if (has && !wb_config_given(app->config, "les", keys[i].name)) *keys[i].value = value;
    if (!has && !wb_config_given(app->config, "les", keys[i].name))
      wb_log_warn("the 20 m file does not say its %s; using %g (-les_%s)", keys[i].name, *keys[i].value, keys[i].name);
  }
  PetscFunctionReturn(0);
}

/* First value and spacing of a coordinate; must be uniform at 20 m. */
static PetscErrorCode check_axis(WbNc nc, const char *path, const char *name, int n, double *first) {
  PetscFunctionBeginUser;
  double *v = NULL;
  const int start = 0;
  PetscCall(WB_ALLOC(n, &v));
  PetscCall(wb_nc_get(nc, "/", name, &start, &n, WB_NC_DOUBLE, v));
  for (int i = 1; i < n; i++)
    if (!(fabs(v[i] - v[i - 1] - 20.0) <= 0.01))
      WB_RAISE_ALL(WB_ERR_INPUT, "%s: coordinate %s steps by %g m at index %d; allowed: 20 m everywhere", path, name,
                   v[i] - v[i - 1], i);
  *first = v[0];
  WB_FREE(&v);
  PetscFunctionReturn(0);
}

static PetscErrorCode open_file(WbApp *app, const char *path, WbLrFile *f) {
  PetscFunctionBeginUser;
  memset(f, 0, sizeof *f);
  PetscCall(wb_nc_open(app->comm, path, &f->nc));
  int rank = 0, dims[8];
  bool has_theta = false, has_mask = false;
  PetscCall(wb_nc_has(f->nc, "/", "theta", &has_theta));
  PetscCall(wb_nc_has(f->nc, "/", "fluid_mask", &has_mask));
  if (!has_theta || !has_mask)
    WB_RAISE_ALL(WB_ERR_INPUT,
                 "%s: no variable %s; a 20 m file needs theta, u, v, w (time, z, y, x) and fluid_mask (z, y, x)", path,
                 has_theta ? "fluid_mask" : "theta");
  PetscCall(wb_nc_inq_dims(f->nc, "/", "theta", &rank, dims));
  if (rank != 4) WB_RAISE_ALL(WB_ERR_INPUT, "%s: theta has %d dimensions; allowed: 4 (time, z, y, x)", path, rank);
  double x = 0, y = 0, z = 0;
  PetscCall(check_axis(f->nc, path, "x", dims[3], &x));
  PetscCall(check_axis(f->nc, path, "y", dims[2], &y));
  const int levels = (int)(wb_config_real(app->config, "sr", "top_m") / 20 + 0.5) + 1;
  PetscCall(check_axis(f->nc, path, "z", dims[1] < levels ? dims[1] : levels, &z));
  if (dims[1] < levels)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: %d levels; super-resolution to sr_top_m needs %d of 20 m", path, dims[1], levels);
  f->n_time = dims[0];
  PetscCall(wb_grid_create(app->comm, dims[3], dims[2], dims[1], 1, 0, 0, false, false, &f->grid));
  f->grid->dx_m = 20;
  f->grid->x_min_m = x - 10;
  f->grid->y_min_m = y - 10;
  const size_t n = wb_grid_owned(f->grid);
  PetscCall(WB_ALLOC(n, &f->fluid));
  PetscCall(WB_ALLOC(n, &f->one));
  PetscCall(WB_ALLOC(4 * n, &f->four));
  PetscCall(wb_nc_get_mask(f->nc, "/", "fluid_mask", f->grid, f->fluid));
  PetscFunctionReturn(0);
}

static PetscErrorCode read_minute(WbLrFile *f, const char *path, int time) {
  PetscFunctionBeginUser;
  static const char *const names[] = {"theta", "u", "v", "w"};
  const size_t n = wb_grid_owned(f->grid);
  for (int c = 0; c < 4; c++) {
    PetscCall(wb_nc_get_field(f->nc, "/", names[c], f->grid, time, -1, f->one));
    size_t bad = 0;
    for (size_t q = 0; q < n; q++) {
      f->four[4 * q + (size_t)c] = f->fluid[q] ? f->one[q] : 0.0f;
      bad += f->fluid[q] && !isfinite(f->one[q]);
    }
    PetscErrorCode ierr = 0;
    if (bad)
      ierr = wb_error_raise(WB_ERR_INPUT, WB_ERROR_LOCAL, __func__, __FILE__, __LINE__,
                            "%s: %s of minute %d is not finite in %zu air cells", path, names[c], time + 1, bad);
    PetscCall(wb_error_agree(f->grid->comm, ierr));
  }
  PetscFunctionReturn(0);
}

static void close_file(WbLrFile *f) {
  wb_grid_destroy(&f->grid);
  WB_FREE(&f->fluid);
  WB_FREE(&f->one);
  WB_FREE(&f->four);
}

/* The city under the file's window, checked against the file's own mask. */
static PetscErrorCode city_of_file(WbApp *app, const WbLrFile *f, const char *path, WbCity **city) {
  PetscFunctionBeginUser;
  WbCityOptions o;
  wb_app_city_options(app, &o);
  const double sx = f->grid->nx * 20.0, sy = f->grid->ny * 20.0;
  if ((wb_config_given(app->config, "city", "size_x_m") && o.size_x_m != sx) ||
      (wb_config_given(app->config, "city", "x_min_m") && fabs(o.x_min_m - f->grid->x_min_m) > 0.5))
    WB_RAISE_ALL(WB_ERR_INPUT, "%s covers %g m x %g m from (%g, %g); the deck's city window is another", path, sx, sy,
                 f->grid->x_min_m, f->grid->y_min_m);
  o.window_given = true;
  o.x_min_m = f->grid->x_min_m, o.y_min_m = f->grid->y_min_m, o.size_x_m = sx, o.size_y_m = sy;
  PetscCall(wb_city_create(app->comm, &o, city));
  const int levels = (int)(wb_config_real(app->config, "sr", "top_m") / 20 + 0.5);
  const size_t plane = (size_t)f->grid->nyl * (size_t)f->grid->nxl;
  uint8_t *solid = NULL;
  double zf[64];
  for (int k = 0; k <= levels; k++) zf[k] = 20.0 * k;
  PetscCall(WB_ALLOC((size_t)levels * plane, &solid));
  PetscCall(wb_city_voxelise(*city, f->grid->x_min_m + f->grid->x0 * 20.0, f->grid->y_min_m + f->grid->y0 * 20.0, 20,
                             f->grid->nxl, f->grid->nyl, levels, zf, solid));
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

static PetscErrorCode run_sr(WbApp *app, WbLrFile *f, const char *path, const WbCity *city, const WbSimOptions *sim) {
  PetscFunctionBeginUser;
  WbShot shot;
  PetscCall(wb_shot_create(app, f->grid, f->fluid, city, sim, f->n_time, app->run.restart, &shot));
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
    PetscCall(read_minute(f, path, time));
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
  PetscCall(open_file(app, path, &file));
  PetscCall(take_forcing(app, file.nc, &sim));
  PetscCall(city_of_file(app, &file, path, &city));
  PetscCall(wb_app_check_air(app, city, file.grid->dx_m));
  PetscCall(wb_app_check_model(app));
  WbMemoryPlan plan;
  wb_memory_plan_begin(app, &plan);
  PetscCall(wb_memory_plan_sr(&plan, file.grid, file.n_time));
  PetscCall(wb_memory_plan_report(&plan));
  if (!app->check) {
    PetscCall(wb_app_output_start(app, &outputs));
    PetscCall(run_sr(app, &file, path, city, &sim));
  }
  PetscCall(wb_nc_close(&file.nc));
  close_file(&file);
  wb_city_destroy(&city);
  PetscFunctionReturn(0);
}
