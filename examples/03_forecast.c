/* A forecast through the library: a project-made city, its 20 m run, and an ensemble of 5 m winds for each minute.
 *   mpirun -n 2 ./03_forecast MODEL.h5      (input/models/first_light.h5 in the checkout)
 * Prints mean and spread of the wind speed at 2.5 m above ground. Exit status 1 when they make no sense. */
#include <math.h>
#include <stdio.h>

#include "windbridge/hybrid.h"

enum { MEMBERS = 3, MINUTES = 2 };

typedef struct {
  WbSr sr;
  WbSimWindow *window; /* the forecast window in the 20 m run */
  float *lr, *member;  /* (nz, nyl, nxl, 4) at 20 m, at 5 m */
  double speed[MEMBERS];
} Forecast;

/* Mean wind speed over the air of the lowest 5 m level. */
static PetscErrorCode street_speed(Forecast *f, double *mean) {
  PetscFunctionBeginUser;
  const WbGrid *grid = wb_sr_grid(f->sr);
  const uint8_t *fluid = wb_sr_fluid(f->sr);
  double sum[2] = {0, 0};
  for (size_t q = 0; q < (size_t)grid->nyl * (size_t)grid->nxl; q++)
    if (fluid[q]) sum[0] += hypotf(f->member[4 * q + 1], f->member[4 * q + 2]), sum[1] += 1;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, 2, MPI_DOUBLE, MPI_SUM, grid->comm));
  *mean = sum[0] / sum[1];
  PetscFunctionReturn(0);
}

/* Called when the 20 m run has advanced through a minute. */
static PetscErrorCode minute(void *ctx, int m, WbSimRun *run) {
  PetscFunctionBeginUser;
  Forecast *f = ctx;
  double mean = 0, square = 0;
  PetscCall(wb_sim_window_mean(f->window, f->lr));
  PetscCall(wb_sr_condition(f->sr, f->lr));
  for (int k = 0; k < MEMBERS; k++) {
    PetscCall(wb_sr_member(f->sr, m, k, f->member));
    PetscCall(street_speed(f, &f->speed[k]));
    mean += f->speed[k] / MEMBERS;
  }
  for (int k = 0; k < MEMBERS; k++) square += (f->speed[k] - mean) * (f->speed[k] - mean) / (MEMBERS - 1);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "minute %d: wind speed at 2.5 m %.2f m/s, members %.2f m/s apart\n", m + 1,
                        mean, sqrt(square)));
  PetscFunctionReturn(0);
}

static PetscErrorCode forecast(const char *model, Forecast *f) {
  PetscFunctionBeginUser;
  const WbCityOptions city_options = {
      .generate = "tokyo_like", .seed = 7, .null_height = "refuse", .size_x_m = 160, .size_y_m = 160, .margin_m = 160};
  WbCity *city = NULL;
  WbSimOptions options;
  const WbSimControl control = {.checkpoint = NULL};
  WbSim sim = NULL;
  WbSimRun *run = NULL;
  wb_sim_options_default(&options);
  options.spinup_s = 300;
  options.duration_s = MINUTES * options.output_interval_s;
  options.inflow = WB_INFLOW_SYNTHETIC; /* turbulence made on the way: no precursor run, no file */
  options.les.wind_speed_m_per_s = 5;
  options.les.wind_direction_deg = 200;
  PetscCall(wb_city_create(PETSC_COMM_WORLD, &city_options, &city));
  PetscCall(wb_sim_create(PETSC_COMM_WORLD, city, &options, &control, &sim));
  PetscCall(wb_sim_run_create(sim, "lr", options.dx_m, &run));
  PetscCall(wb_sim_inflow(sim, NULL, false));
  const WbSrOptions sr = {.model_path = model, .members = MEMBERS, .dx_m = 5, .top_m = 160, .noise = WB_NOISE_FOELLMER};
  PetscCall(wb_sim_window_create(sim, run, (int)(sr.top_m / options.dx_m) + 1, 1, &f->window));
  const WbNormalisation weather = {.wind_speed_m_per_s = options.les.wind_speed_m_per_s,
                                   .wind_direction_deg = options.les.wind_direction_deg,
                                   .theta_surface_K = options.les.theta_surface_K,
                                   .lapse_K_per_m = options.les.lapse_K_per_m,
                                   .mixed_height_m = options.les.mixed_height_m};
  PetscCall(
      wb_sr_create(f->window->grid, city, f->window->fluid, &weather, options.les.heat_flux_K_m_per_s, &sr, &f->sr));
  PetscCall(WB_ALLOC(4 * wb_grid_owned(f->window->grid), &f->lr));
  PetscCall(WB_ALLOC(4 * wb_grid_owned(wb_sr_grid(f->sr)), &f->member));
  PetscCall(wb_sim_spinup(sim, run));
  PetscCall(wb_sim_minutes(sim, run, minute, f));
  WB_FREE(&f->lr);
  WB_FREE(&f->member);
  wb_sr_destroy(&f->sr);
  wb_sim_window_destroy(&f->window);
  wb_sim_destroy(&sim);
  wb_city_destroy(&city);
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  Forecast f = {.sr = NULL};
  if (argc != 2) {
    fprintf(stderr, "usage: 03_forecast MODEL.h5\n");
    return 2;
  }
  int petsc_argc = 1;
  PetscCall(PetscInitialize(&petsc_argc, &argv, NULL, NULL));
  wb_error_install();
  const PetscErrorCode error = forecast(argv[1], &f);
  if (error) {
    fprintf(stderr, "03_forecast: %s\n", wb_error_message());
    MPI_Abort(PETSC_COMM_WORLD, wb_error_exit_code(error));
  }
  bool sound = true;
  for (int k = 0; k < MEMBERS; k++) sound = sound && f.speed[k] > 0.2 && f.speed[k] < 5;
  PetscCall(PetscFinalize());
  return sound ? 0 : 1;
}
