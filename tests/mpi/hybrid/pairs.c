/* Pairs from end to end on a very small city: the file holds what it promises, a run stopped again and again writes the
 * same bytes, the planes of a precursor are reused only for what they were made for. */
#include <string.h>
#include <unistd.h>

#include "windbridge/hybrid.h"
#include "wb_test.h"

#define SIZE 160.0
#define MARGIN 40.0

static int ranks(void) {
  int size;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  return size;
}

/* One block of 40 m x 40 m x 50 m and a wall 10 m thick, which 20 m cells cannot see. */
static WbCity *city_make(void) {
  WbCity *c = NULL;
  WB_OK(wb_calloc_bytes(sizeof *c, "city", (void **)&c));
  c->win_size_x_m = c->win_size_y_m = SIZE;
  c->margin_m = MARGIN;
  c->x_min_m = c->y_min_m = -MARGIN;
  c->cell_m = 1;
  c->nx = c->ny = (int)(SIZE + 2 * MARGIN);
  WB_OK(WB_CALLOC(c->nx * c->ny, &c->height));
  for (int j = 0; j < c->ny; j++)
    for (int i = 0; i < c->nx; i++) {
      const int x = i - (int)MARGIN, y = j - (int)MARGIN;
      if (x >= 60 && x < 100 && y >= 80 && y < 120) c->height[j * c->nx + i] = 50;
      if (x >= 30 && x < 35 && y >= 20 && y < 140) c->height[j * c->nx + i] = 20;
    }
  snprintf(c->source, sizeof c->source, "test");
  return c;
}

static WbSimOptions options_make(void) {
  WbSimOptions o;
  wb_sim_options_default(&o);
  o.margin_m = MARGIN;
  o.top_m = 200;
  o.hr_uniform_top_m = 80;
  o.hr_stretch = 1.3;
  o.spinup_s = 12;
  o.duration_s = 12;
  o.output_interval_s = 4;
  o.hr_drop_s = 4;
  o.les.wind_direction_deg = 250;
  o.les.wind_height_m = 60;
  o.les.mixed_height_m = 120;
  o.les.heat_flux_K_m_per_s = 0.1;
  o.les.dt_max_s = 5;
  return o;
}

typedef struct {
  int every, asked;
} Stop;
/* Asks to stop after some steps, the same on every rank. */
static PetscErrorCode stop(void *ctx, bool *yes) {
  Stop *s = ctx;
  *yes = s->every > 0 && ++s->asked >= s->every;
  return 0;
}

static PetscErrorCode run(const WbCity *city, const char *path, int stop_every) {
  const WbSimOptions o = options_make();
  Stop s = {.every = stop_every};
  const WbSimControl control = {.stop = stop, .ctx = &s, .checkpoint_interval_s = 1e6};
  const WbPairsOptions p = {.path = path,
                            .split = "test",
                            .city_name = "block",
                            .deck_yaml = "none: true",
                            .start_time_iso = "2026-08-01T12:00:00",
                            .city_seed = 4000000000U,
                            .sr_top_m = 80};
  return wb_sim_pairs(PETSC_COMM_WORLD, city, &o, &control, &p);
}

static void compare(const char *a, const char *b) {
  static const char *const names[] = {"theta", "u", "v", "w"}, *const groups[] = {"/lr", "/hr"};
  WbNc x = NULL, y = NULL;
  WB_OK(wb_nc_open(PETSC_COMM_WORLD, a, &x));
  WB_OK(wb_nc_open(PETSC_COMM_WORLD, b, &y));
  for (int g = 0; g < 2; g++)
    for (int c = 0; c < 4; c++) {
      int rank, dims[8];
      const int start[4] = {0, 0, 0, 0};
      WB_OK(wb_nc_inq_dims(x, groups[g], names[c], &rank, dims));
      assert_int_equal(rank, 4);
      const size_t n = (size_t)dims[0] * (size_t)dims[1] * (size_t)dims[2] * (size_t)dims[3];
      float *p = malloc(n * sizeof(float)), *q = malloc(n * sizeof(float));
      WB_OK(wb_nc_get(x, groups[g], names[c], start, dims, WB_NC_FLOAT, p));
      WB_OK(wb_nc_get(y, groups[g], names[c], start, dims, WB_NC_FLOAT, q));
      assert_memory_equal(p, q, n * sizeof(float));
      free(p);
      free(q);
    }
  WB_OK(wb_nc_close(&x));
  WB_OK(wb_nc_close(&y));
}

static void test_pair_file(void **state) {
  WbCity *city = city_make();
  char whole[128], parts[128];
  snprintf(whole, sizeof whole, "/tmp/wb_test_pair_whole_%d.nc", ranks());
  snprintf(parts, sizeof parts, "/tmp/wb_test_pair_parts_%d.nc", ranks());
  WB_OK(run(city, whole, 0));
  WbPairInfo info;
  WB_OK(wb_pair_inspect(PETSC_COMM_WORLD, whole, &info));
  assert_int_equal(info.n_time, 2);
  assert_int_equal(info.ratio, 4);
  assert_int_equal(info.nx_hr, 32);
  assert_int_equal(info.nz_hr, 16);
  assert_int_equal(info.nz_lr, 5);
  assert_true(info.city_seed == 4000000000U && strcmp(info.split, "test") == 0);
  WbPairRun *pair = NULL;
  WB_OK(wb_pair_read(PETSC_COMM_WORLD, whole, &pair));
  /* the fine run is another flow than the interpolated coarse one, but the same weather */
  double local[3] = {0, 0, 0}, sums[3];
  const size_t n = wb_grid_owned(pair->hr_grid);
  long blocked = 0;
  for (size_t q = 0; q < n; q++) {
    blocked += pair->fluid[q] && !pair->lr_valid[q];
    if (!pair->fluid[q]) continue;
    local[0] += 1;
    local[1] += (double)(pair->x1[1][4 * q + 1] - pair->x0[1][4 * q + 1]);
    local[2] += fabs((double)(pair->x1[1][4 * q + 1] - pair->x0[1][4 * q + 1]));
    assert_true(pair->x1[1][4 * q] > 299 && pair->x1[1][4 * q] < 310);
  }
  MPI_Allreduce(local, sums, 3, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  assert_true(sums[2] / sums[0] > 0.005);
  WB_ASSERT_BELOW(fabs(sums[1] / sums[0]), 1.0);
  wb_pair_destroy(&pair);
  /* stopped after a dozen steps: as many resumptions as it takes */
  int attempts = 0;
  PetscErrorCode ierr = WB_ERR_STOPPED;
  for (; ierr == WB_ERR_STOPPED && attempts < 60; attempts++) {
    wb_error_clear();
    ierr = run(city, parts, attempts == 0 ? 35 : 12); /* the precursor is repeated when it is stopped */
  }
  WB_OK(ierr);
  assert_true(attempts > 2);
  compare(whole, parts);
  MPI_Barrier(PETSC_COMM_WORLD);
  unlink(whole);
  unlink(parts);
  wb_city_destroy(&city);
}

/* Planes are kept for the same weather, made anew for another; the window's means land at the right place. */
static void test_inflow_reuse(void **state) {
  WbCity *city = city_make();
  WbSimOptions o = options_make();
  char path[128];
  snprintf(path, sizeof path, "/tmp/wb_test_reuse_%d.nc", ranks());
  for (int n = 0; n < 3; n++) { /* made, reused, made anew for another wind */
    WbSim sim = NULL;
    WbSimRun *lr = NULL;
    if (n == 2) o.les.wind_direction_deg = 70;
    WB_OK(wb_sim_create(PETSC_COMM_WORLD, city, &o, NULL, &sim));
    WB_OK(wb_sim_run_create(sim, "lr", 20, &lr));
    WB_OK(wb_sim_inflow(sim, path, false));
    WB_OK(wb_sim_spinup(sim, lr));
    assert_true(wb_les_time(lr->les) == 0);
    WbSimWindow *w = NULL;
    WB_OK(wb_sim_window_create(sim, lr, 0, 1, &w));
    WB_OK(wb_sim_minute(sim, lr, 0));
    float *mean = malloc(4 * wb_grid_owned(w->grid) * sizeof(float));
    WB_OK(wb_sim_window_mean(w, mean));
    double local = 0, sum = 0;
    for (size_t q = 0; q < wb_grid_owned(w->grid); q++) {
      assert_true((w->fluid[q] == 0) == (isnan(mean[4 * q]) != 0)); /* masks and means at the same place */
      if (w->fluid[q]) local += (double)mean[4 * q + 1];
    }
    MPI_Allreduce(&local, &sum, 1, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
    assert_true(n < 2 ? sum > 0 : sum < 0); /* wind from 250 degrees blows east, from 70 west */
    free(mean);
    wb_sim_window_destroy(&w);
    wb_sim_destroy(&sim);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  unlink(path);
  wb_city_destroy(&city);
}

WB_TEST_MAIN(cmocka_unit_test(test_pair_file), cmocka_unit_test(test_inflow_reuse))
