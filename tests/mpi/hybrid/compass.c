/* No compass: a city, its 20 m field and its wind turned or mirrored together give the turned or mirrored member,
 * though the model's numbers of u and v differ and it knows the wind of one octant only. All eight symmetries, winds
 * inside of an octant and along its edges; streets that 20 m cells close, with several open cells equally near; with
 * the sampler's noise, which belongs to the grid, in distribution. */
#include "wb_test_pairs.h"

#include "windbridge/hybrid.h"

enum { N_LR = 8, NZ_LR = 4, NZ = 12, N = 32, C = WB_CHANNELS, CELLS = NZ * N * N, RASTER = 240, MEMBERS = 24 };
static char folder[256], model_path[2][300]; /* weights at random in all layers; a fresh model, whose network gives 0 */
static float lr_all[NZ_LR * N_LR * N_LR * C], lr_turned[NZ_LR * N_LR * N_LR * C];
static float first[CELLS * C], turned[CELLS * C], got[CELLS * C];

/* Numbers that tell u from v. */
static void write_model(const char *path, float random) {
  WbNetConfig config;
  WbModel model = NULL;
  WbModelMeta meta = {.epsilon = {1, 0.6f, 1.2f, 1},
                      .scale = {0.2f, 0.1f, 0.08f, 0.05f},
                      .residual = {0.8f, 0.9f, 0.6f, 0.8f},
                      .spread = {1, 1.4f, 0.8f, 1},
                      .noise = {0.1f, 0.2f, 0.3f, 0.2f, 0.2f},
                      .scale_by_wind = true,
                      .canonical_wind = true};
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
    p[i] += random * z[0];
  }
  snprintf(meta.process, sizeof(meta.process), "bridge");
  snprintf(meta.schedule, sizeof(meta.schedule), "linear");
  snprintf(meta.target, sizeof(meta.target), "preconditioned");
  snprintf(meta.training_json, sizeof(meta.training_json), "{}");
  WB_OK(wb_model_write(PETSC_COMM_WORLD, path, model, &meta));
  wb_model_destroy(&model);
}

static int begin(void **state) {
  (void)state;
  wb_test_folder(folder);
  for (int m = 0; m < 2; m++) {
    snprintf(model_path[m], sizeof(model_path[m]), "%s/model%d.h5", folder, m);
    write_model(model_path[m], m ? 0 : 0.03f);
  }
  const WbTestPair t = {.seed = 1, .wind = 5};
  for (int p = 0; p < NZ_LR * N_LR * N_LR; p++)
    wb_test_field(&t, 20.0 * (p % N_LR), 20.0 * (p / N_LR % N_LR) + 3.0 * (p % 5), 20.0 * (p / N_LR / N_LR), 0,
                  lr_all + (size_t)p * C);
  return 0;
}
static int end(void **state) {
  (void)state;
  wb_test_remove_folder(folder);
  return 0;
}

static float height_at(int x, int y) {
  if (x >= 20 && x < 60 && y >= 20 && y < 95) return 35;
  if (x >= 68 && x < 100 && y >= 20 && y < 95) return 50; /* a street of 8 m between them */
  /* a courtyard of three closed cells: all around it is equally near */
  if (x >= 80 && x < 140 && y >= 100 && y < 160 && !(x >= 105 && x < 115 && y >= 125 && y < 135)) return 58;
  return x >= 10 && x < 40 && y >= 120 && y < 140 ? 22 : 0;
}

/* Window of 160 m at (500, 200), margin 40 m, on a raster of 1 m; turned by symmetry s. */
static WbCity *make_city(int s) {
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
  assert_true(city->nx == RASTER && city->ny == RASTER);
  for (int j = 0; j < RASTER; j++)
    for (int i = 0; i < RASTER; i++) city->height[wb_symmetry_image(s, RASTER, j, i)] = height_at(i - 40, j - 40);
  return city;
}

static void gather(const WbGrid *g, const uint8_t *fluid, const float *own, float *all) {
  memset(all, 0, sizeof(first));
  size_t p = 0;
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < g->nyl; j++)
      for (int i = 0; i < g->nxl; i++, p++)
        for (size_t c = 0; c < C; c++) all[wb_grid_voxel(g, k, j, i) * C + c] = fluid[p] ? own[p * C + c] : 0;
  MPI_Allreduce(MPI_IN_PLACE, all, CELLS * C, MPI_FLOAT, MPI_SUM, PETSC_COMM_WORLD);
}

typedef struct {
  WbGrid *grid;
  uint8_t *fluid;
  float *lr, *out;
  WbSr sr;
} Setup;

static WbSrOptions options_of(int model, const char *sampler) {
  return (WbSrOptions){.model_path = model_path[model],
                       .members = 2,
                       .steps = 3,
                       .dx_m = 5,
                       .top_m = 60,
                       .sampler = sampler,
                       .backend = WB_BACKEND_NATIVE,
                       .seed = 9};
}

static void setup_create(int s, double direction, const WbSrOptions *options, Setup *t) {
  WbCity *city = make_city(s);
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, N_LR, N_LR, NZ_LR, 1, 0, 0, false, false, &t->grid));
  WbGrid *g = t->grid;
  g->x_min_m = 500, g->y_min_m = 200, g->dx_m = 20;
  const size_t n = wb_grid_owned(g);
  const double zf[NZ_LR + 1] = {0, 20, 40, 60, 80};
  WB_OK(WB_ALLOC(n, &t->fluid));
  WB_OK(WB_ALLOC(n * C, &t->lr));
  WB_OK(wb_city_voxelise(city, 500 + 20.0 * g->x0, 200 + 20.0 * g->y0, 20, g->nxl, g->nyl, g->nz, zf, t->fluid));
  for (size_t p = 0; p < n; p++) t->fluid[p] = !t->fluid[p];
  wb_augment_state(s, NZ_LR, N_LR, lr_all, lr_turned);
  size_t p = 0;
  for (int k = 0; k < NZ_LR; k++)
    for (int j = 0; j < g->nyl; j++)
      for (int i = 0; i < g->nxl; i++, p++)
        memcpy(t->lr + p * C, lr_turned + wb_grid_voxel(g, k, j, i) * C, C * sizeof(float));
  const WbNormalisation forcing = {.wind_speed_m_per_s = 5,
                                   .wind_direction_deg = wb_test_turned_direction(s, direction),
                                   .theta_surface_K = 300,
                                   .mixed_height_m = 1000};
  WB_OK(wb_sr_create(g, city, t->fluid, &forcing, 0.05, options, &t->sr));
  WB_OK(WB_ALLOC(wb_grid_owned(wb_sr_grid(t->sr)) * C, &t->out));
  WB_OK(wb_sr_condition(t->sr, t->lr));
  wb_city_destroy(&city);
}

static void setup_destroy(Setup *t) {
  wb_sr_destroy(&t->sr);
  wb_grid_destroy(&t->grid);
  WB_FREE(&t->fluid);
  WB_FREE(&t->lr);
  WB_FREE(&t->out);
}

/* Largest difference of winds [m/s] and temperatures [K]. */
static double difference(const float *a, const float *b) {
  double largest = 0;
  for (size_t i = 0; i < (size_t)CELLS * C; i++) largest = fmax(largest, fabs((double)a[i] - (double)b[i]));
  return largest;
}

static void every_symmetry(double direction, bool projection) {
  WbSrOptions o = options_of(0, "mean");
  o.projection = projection;
  for (int s = 0; s < 8; s++) {
    Setup t;
    setup_create(s, direction, &o, &t);
    const uint8_t *fluid = wb_sr_fluid(t.sr);
    for (int what = 0; what < 2; what++) { /* the interpolation, the member */
      static float reference[2][CELLS * C];
      if (what) WB_OK(wb_sr_member(t.sr, 0, 0, t.out));
      gather(wb_sr_grid(t.sr), fluid, what ? t.out : wb_sr_x0(t.sr), got);
      if (s == 0) memcpy(reference[what], got, sizeof(got));
      wb_augment_state(s, NZ, N, reference[what], turned);
      const double d = difference(got, turned);
      if (!(d < (projection ? 5e-3 : 1e-3))) /* solenoidal to 1e-4 s-1 on cells of 5 m, over some of them */
        fail_msg("wind from %g deg, symmetry %d, %s: %.4f m/s", direction, s, what ? "member" : "interpolation", d);
    }
    setup_destroy(&t);
  }
}

static void members_turn(void **state) {
  (void)state;
  every_symmetry(20, false);  /* x and y trade places */
  every_symmetry(250, false); /* they do not */
  every_symmetry(250, true);
  every_symmetry(270, false); /* edges of the octant: two symmetries reach it */
  every_symmetry(225, false);
}

/* Root mean square departure of the members from x0 + mean over all air cells, by channel. */
static void spread_of(int s, double direction, double rms[C]) {
  const WbSrOptions o = options_of(1, "euler_maruyama"), of_centre = options_of(1, "mean");
  Setup t, centre;
  double sum[C + 1] = {0};
  setup_create(s, direction, &o, &t);
  setup_create(s, direction, &of_centre, &centre);
  const size_t n = wb_grid_owned(wb_sr_grid(t.sr));
  const uint8_t *fluid = wb_sr_fluid(t.sr);
  WB_OK(wb_sr_member(centre.sr, 0, 0, centre.out));
  for (int m = 0; m < MEMBERS; m++) {
    WB_OK(wb_sr_member(t.sr, 0, m, t.out));
    for (size_t p = 0; p < n; p++) {
      for (size_t c = 0; c < C && fluid[p]; c++) {
        const double d = (double)t.out[p * C + c] - (double)centre.out[p * C + c];
        sum[c] += d * d;
      }
      sum[C] += fluid[p];
    }
  }
  MPI_Allreduce(MPI_IN_PLACE, sum, C + 1, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  for (int c = 0; c < C; c++) rms[c] = sqrt(sum[c] / sum[C]);
  setup_destroy(&t);
  setup_destroy(&centre);
}

static void spread_turns(void **state) {
  (void)state;
  double want[C];
  spread_of(0, 250, want);
  print_message("spread %g K, %g %g %g m/s\n", want[0], want[1], want[2], want[3]);
  assert_true(want[1] > 1.5 * want[2]); /* along the wind; else nothing would be shown */
  for (int s = 1; s < 8; s++) {
    double rms[C];
    float u = 1, v = 2;
    spread_of(s, 250, rms);
    wb_symmetry_lengths(s, &u, &v);
    const double expected[C] = {want[0], want[(int)u], want[(int)v], want[3]};
    for (int c = 0; c < C; c++) WB_ASSERT_NEAR(rms[c] / expected[c], 1, 0.1);
  }
}

WB_TEST_MAIN(cmocka_unit_test_setup(members_turn, begin), cmocka_unit_test_teardown(spread_turns, end))
