/* Super-resolution: from one 20 m field every rank count gives the same member to fp32 rounding, buildings are NaN
 * exactly where the city is, what solid LR cells hold changes no bit, members and minutes differ, N evaluations a
 * member. */
#include "wb_test_pairs.h"

#include "windbridge/hybrid.h"

enum { N_LR = 8, NZ_LR = 4, NZ = 12, N = 32, C = WB_CHANNELS };
static char folder[256], model_path[300];

/* A model with random weights in all layers (a fresh one ends in zeros), written as the trainer writes. */
static void write_model(void) {
  WbNetConfig config;
  WbModel model = NULL;
  WbModelMeta meta = {.epsilon = {1, 1, 1, 1},
                      .scale = {0.2f, 0.1f, 0.1f, 0.05f},
                      .residual = {0.8f, 0.8f, 0.8f, 0.8f},
                      .spread = {1, 1, 1, 1},
                      .noise = {0.1f, 0.2f, 0.3f, 0.2f, 0.2f},
                      .scale_by_wind = true};
  wb_net_config_default(&config);
  config.width1 = config.width2 = config.cond_width1 = config.cond_width2 = 16;
  config.blocks1 = config.blocks2 = config.cond_blocks1 = config.cond_blocks2 = 1;
  WB_OK(wb_model_create(&config, &model));
  WB_OK(wb_model_init(model, 3));
  float *p = wb_model_params(model);
  const WbRandomKey key = {.seed = 3, .stream = WB_STREAM_TEST};
  for (size_t i = 0; i < wb_model_size(model); i++) {
    float z[4];
    wb_random_normal4(&key, i, z);
    p[i] += 0.03f * z[0];
  }
  snprintf(meta.process, sizeof(meta.process), "bridge");
  snprintf(meta.schedule, sizeof(meta.schedule), "linear");
  snprintf(meta.target, sizeof(meta.target), "preconditioned");
  snprintf(meta.training_json, sizeof(meta.training_json), "{}");
  WB_OK(wb_model_write(PETSC_COMM_WORLD, model_path, model, &meta));
  wb_model_destroy(&model);
}

static int begin(void **state) {
  (void)state;
  wb_test_folder(folder);
  snprintf(model_path, sizeof(model_path), "%s/model.h5", folder);
  write_model();
  return 0;
}
static int end(void **state) {
  (void)state;
  wb_test_remove_folder(folder);
  return 0;
}

/* A raster of 1 m with blocks; window of 160 m at (500, 200), margin 40 m. */
static WbCity *make_city(void) {
  WbCity *city = NULL;
  const WbCityOptions o = {.generate = "flat",
                           .seed = 1,
                           .window_given = true,
                           .x_min_m = 500,
                           .y_min_m = 200,
                           .size_x_m = 160,
                           .size_y_m = 160,
                           .margin_m = 40};
  WB_OK(wb_city_create(PETSC_COMM_WORLD, &o, &city));
  for (int j = 0; j < city->ny; j++) {
    for (int i = 0; i < city->nx; i++) {
      const int x = i - 40, y = j - 40;
      float h = 0;
      if (x >= 20 && x < 60 && y >= 20 && y < 95) h = 35;
      if (x >= 68 && x < 100 && y >= 20 && y < 95) h = 50; /* a street of 8 m between them */
      if (x >= 110 && x < 150 && y >= 110 && y < 150 && !(x >= 120 && x < 135 && y >= 120 && y < 135)) h = 22;
      city->height[(size_t)j * (size_t)city->nx + (size_t)i] = h;
    }
  }
  return city;
}

typedef struct {
  WbGrid *grid;
  uint8_t *fluid;
  float *lr, *out;
  WbSr sr;
} Setup;

static void fill_lr(Setup *s, float fill) {
  const WbTestPair t = {.seed = 1, .wind = 5};
  const size_t n = wb_grid_owned(s->grid);
  wb_test_fill(&t, s->grid, 4, 0, s->fluid, s->lr);
  for (size_t p = 0; p < n * C; p++) {
    if (!s->fluid[p / C]) s->lr[p] = fill;
  }
}

static void setup_create(MPI_Comm comm, const WbCity *city, Setup *s, const char *model) {
  WB_OK(wb_grid_create(comm, N_LR, N_LR, NZ_LR, 1, 0, 0, false, false, &s->grid));
  WbGrid *g = s->grid;
  g->x_min_m = 500, g->y_min_m = 200, g->dx_m = 20;
  const size_t n = wb_grid_owned(g);
  const double zf[NZ_LR + 1] = {0, 20, 40, 60, 80};
  WB_OK(WB_ALLOC(n, &s->fluid));
  WB_OK(WB_ALLOC(n * C, &s->lr));
  WB_OK(wb_city_voxelise(city, 500 + 20.0 * g->x0, 200 + 20.0 * g->y0, 20, g->nxl, g->nyl, g->nz, zf, s->fluid));
  for (size_t p = 0; p < n; p++) s->fluid[p] = !s->fluid[p];
  const WbNormalisation forcing = {.wind_speed_m_per_s = 5, .theta_surface_K = 300, .mixed_height_m = 1000};
  const WbSrOptions o = {.model_path = model,
                         .members = 2,
                         .steps = 4,
                         .dx_m = 5,
                         .top_m = 60,
                         .noise = WB_NOISE_FOELLMER,
                         .backend = WB_BACKEND_ONEDNN,
                         .seed = 9};
  WB_OK(wb_sr_create(g, city, s->fluid, &forcing, 0.05, &o, &s->sr));
  WB_OK(WB_ALLOC(wb_grid_owned(wb_sr_grid(s->sr)) * C, &s->out));
}

static void setup_destroy(Setup *s) {
  wb_sr_destroy(&s->sr);
  wb_grid_destroy(&s->grid);
  WB_FREE(&s->fluid);
  WB_FREE(&s->lr);
  WB_FREE(&s->out);
}

static void same_member(void **state) {
  (void)state;
  WbCity *city = make_city();
  Setup all, one;
  setup_create(PETSC_COMM_WORLD, city, &all, model_path);
  setup_create(PETSC_COMM_SELF, city, &one, model_path);
  fill_lr(&all, NAN);
  fill_lr(&one, -999999.0f);
  WB_OK(wb_sr_condition(all.sr, all.lr));
  WB_OK(wb_sr_condition(one.sr, one.lr));
  const WbGrid *g = wb_sr_grid(all.sr);
  const uint8_t *fluid = wb_sr_fluid(all.sr), *valid = wb_sr_lr_valid(all.sr);
  double largest = 0, moved = 0;
  int n_solid = 0, n_blocked = 0;
  for (int member = 0; member < 2; member++) {
    WB_OK(wb_sr_member(all.sr, 3, member, all.out));
    WB_OK(wb_sr_member(one.sr, 3, member, one.out));
    size_t p = 0;
    for (int k = 0; k < NZ; k++) {
      for (int j = 0; j < g->nyl; j++) {
        for (int i = 0; i < g->nxl; i++, p++) {
          const size_t q = wb_grid_voxel(g, k, j, i);
          n_solid += !fluid[p];
          n_blocked += fluid[p] && !valid[p];
          for (size_t c = 0; c < C; c++) {
            const float a = all.out[p * C + c], b = one.out[q * C + c];
            assert_int_equal(isnan(a), !fluid[p]);
            assert_int_equal(isnan(b), !fluid[p]);
            assert_int_equal(isnan(wb_sr_x0(all.sr)[p * C + c]), !fluid[p]);
            if (!fluid[p]) continue;
            const double unit = c == 0 ? 0.2 : 0.5;
            largest = fmax(largest, fabs((double)a - (double)b) / unit);
            moved = fmax(moved, fabs((double)a - (double)wb_sr_x0(all.sr)[p * C + c]) / unit);
          }
        }
      }
    }
  }
  WB_ASSERT_BELOW(largest, 2e-3); /* theta near 300 K is rounded to 3e-5 K: 1.5e-4 units */
  MPI_Allreduce(MPI_IN_PLACE, &moved, 1, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD);
  assert_true(moved > 0.5);
  int sums[2] = {n_solid, n_blocked};
  MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_INT, MPI_SUM, PETSC_COMM_WORLD);
  assert_true(sums[0] > 1000 && sums[1] > 100);
  assert_int_equal(wb_sr_evaluations(all.sr), 8);
  assert_true(wb_sr_seconds_per_shot(all.sr) > 0);
  setup_destroy(&all);
  setup_destroy(&one);
  wb_city_destroy(&city);
}

/* Bits: the fill of solid LR cells, asking again, asking in another order. */
static void repeatable(void **state) {
  (void)state;
  WbCity *city = make_city();
  Setup s;
  setup_create(PETSC_COMM_WORLD, city, &s, model_path);
  const size_t bytes = wb_grid_owned(wb_sr_grid(s.sr)) * C * sizeof(float);
  const uint8_t *fluid = wb_sr_fluid(s.sr);
  float *first = NULL;
  WB_OK(wb_alloc_bytes(bytes, "first", (void **)&first));
  fill_lr(&s, 0);
  WB_OK(wb_sr_condition(s.sr, s.lr));
  WB_OK(wb_sr_member(s.sr, 0, 1, first));
  fill_lr(&s, -100);
  WB_OK(wb_sr_condition(s.sr, s.lr));
  int differ[2] = {0, 0};
  const int minute[4] = {0, 1, 0, 0}, member[4] = {0, 1, 1, 1};
  for (int k = 0; k < 3; k++) {
    WB_OK(wb_sr_member(s.sr, minute[k], member[k], s.out));
    for (size_t p = 0; k < 2 && p < bytes / sizeof(float); p++) differ[k] += fluid[p / C] && s.out[p] != first[p];
  }
  assert_memory_equal(first, s.out, bytes);
  assert_true(differ[0] > 100 && differ[1] > 100);
  WB_FREE(&first);
  setup_destroy(&s);
  wb_city_destroy(&city);
}

/* Without a model the baseline works and a member is refused; unfit options and files are refused. */
static void refusals(void **state) {
  (void)state;
  WbCity *city = make_city();
  Setup s;
  setup_create(PETSC_COMM_WORLD, city, &s, NULL);
  fill_lr(&s, 0);
  WB_OK(wb_sr_condition(s.sr, s.lr));
  assert_non_null(wb_sr_x0(s.sr));
  assert_int_equal(wb_sr_member(s.sr, 0, 0, s.out), WB_ERR_CONFIG);
  wb_error_clear();
  const WbNormalisation forcing = {.wind_speed_m_per_s = 5, .theta_surface_K = 300, .mixed_height_m = 1000};
  const WbSrOptions good = {.model_path = model_path, .members = 1, .steps = 4, .dx_m = 5, .top_m = 60, .seed = 9};
  WbSrOptions bad[4] = {good, good, good, good};
  bad[0].dx_m = 4, bad[1].top_m = 80, bad[2].schedule = "quadratic", bad[3].model_path = "/nowhere/model.h5";
  const char *words[4] = {"sr_dx_m", "sr_top_m", "sr_schedule", "/nowhere/model.h5"};
  const PetscErrorCode codes[4] = {WB_ERR_CONFIG, WB_ERR_CONFIG, WB_ERR_CONFIG, WB_ERR_INPUT};
  for (int k = 0; k < 4; k++) {
    WbSr sr = NULL;
    assert_int_equal(wb_sr_create(s.grid, city, s.fluid, &forcing, 0.05, &bad[k], &sr), codes[k]);
    assert_null(sr);
    if (!strstr(wb_error_message(), words[k])) fail_msg("no '%s' in: %s", words[k], wb_error_message());
    wb_error_clear();
  }
  setup_destroy(&s);
  wb_city_destroy(&city);
}

WB_TEST_MAIN(cmocka_unit_test_setup(same_member, begin), cmocka_unit_test(repeatable),
             cmocka_unit_test_teardown(refusals, end))
