/* One key trains every process: the same options, network and pairs with another process (and schedule) each time. The
 * network learns: its loss on held-out pairs falls well below that of a network that gives 0, whose loss is known. The
 * model file says what it was trained for. */
#include "wb_test_train.h"

static WbTrainOptions options(const char *name, WbProcessKind process, char dir[300]) {
  WbTrainOptions o = wb_test_train_options(PETSC_COMM_WORLD, name, dir);
  o.steps = o.validate_every = 80;
  o.process = process;
  o.mirror = false;
  o.residual_deviation = 1;
  o.lr = 5e-3;
  return o;
}

/* Validation loss without the mean network's part: the process's own loss. */
static double step_loss(const char *dir) {
  char path[400], row[512];
  double validation = NAN, mean = NAN;
  snprintf(path, sizeof(path), "%s/loss.csv", dir);
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  while (fgets(row, sizeof(row), f)) {
    double step, loss, loss_mean, v, m;
    if (sscanf(row, "%lf,%lf,%lf,%lf,%lf", &step, &loss, &loss_mean, &v, &m) == 5) validation = v, mean = m;
  }
  fclose(f);
  return validation - mean;
}

/* Straight lines: `linear` by values. */
static const double table_t[3] = {0, 0.5, 1}, table_rise[3] = {0, 0.5, 1}, table_fall[3] = {1, 0.5, 0};
static const WbPathTable straight = {
    .n = 3, .t = table_t, .alpha = table_fall, .beta = table_rise, .noise = table_fall};

/* Returns the loss of F = 0, which tells one process from another. */
static double train_one(const char *name, WbProcessKind process, WbScheduleKind schedule) {
  char dir[300], path[400];
  WbTrainSummary s;
  WbModel model = NULL;
  WbModelMeta meta;
  WbTrainOptions o = options(name, process, dir);
  o.schedule = schedule;
  if (schedule == WB_SCHEDULE_TABLE) o.table = straight;
  o.lr = 1e-30; /* as good as no step: the head is 0, F = 0 */
  o.steps = o.validate_every = 1;
  WB_OK(wb_train(PETSC_COMM_WORLD, &o, &s));
  const double zero = step_loss(dir);
  WbTrainOptions p = options(name, process, dir);
  p.schedule = schedule;
  p.table = o.table;
  WB_OK(wb_train(PETSC_COMM_WORLD, &p, &s));
  const double trained = step_loss(dir);
  print_message("%s: loss of F = 0 %.4f, trained %.4f\n", name, zero, trained);
  WB_ASSERT_NEAR(zero, 1.0, 0.6); /* the target's variance is 1 for a Gaussian of the expected deviation */
  WB_ASSERT_BELOW(trained, 0.85 * zero);
  snprintf(path, sizeof(path), "%s/model.h5", dir);
  WB_OK(wb_model_read(PETSC_COMM_WORLD, path, &model, &meta));
  assert_string_equal(meta.process, wb_process_name(process));
  assert_string_equal(meta.schedule, wb_schedule_name(schedule));
  assert_int_equal(meta.table.n, p.table.n);
  if (p.table.n > 0) assert_memory_equal(meta.table.noise, table_fall, sizeof(table_fall));
  wb_model_destroy(&model);
  return zero;
}

static void every_process(void **state) {
  (void)state;
  double zero[WB_N_PROCESSES];
  for (int k = 0; k < WB_N_PROCESSES; k++) {
    zero[k] = train_one(wb_process_name((WbProcessKind)k), (WbProcessKind)k, WB_SCHEDULE_LINEAR);
    for (int l = 0; l < k; l++) assert_true(fabs(zero[k] - zero[l]) > 1e-7); /* loss.csv has nine digits */
  }
}

static void every_schedule(void **state) {
  (void)state;
  train_one("quadratic", WB_PROCESS_BRIDGE, WB_SCHEDULE_QUADRATIC);
  train_one("brownian", WB_PROCESS_BRIDGE, WB_SCHEDULE_BROWNIAN);
  WB_ASSERT_NEAR(train_one("table", WB_PROCESS_BRIDGE, WB_SCHEDULE_TABLE),
                 train_one("linear", WB_PROCESS_BRIDGE, WB_SCHEDULE_LINEAR), 1e-6);
}

/* Amplitudes per channel reach the model file; a checkpoint of others is refused. */
static void amplitudes(void **state) {
  (void)state;
  char dir[300], path[400];
  WbModel model = NULL;
  WbModelMeta meta;
  WbTrainOptions o = options("amplitudes", WB_PROCESS_BRIDGE, dir);
  o.steps = 2;
  for (int c = 0; c < WB_CHANNELS; c++) o.epsilon_factor[c] = 0.5 * (c + 1);
  WB_OK(wb_train(PETSC_COMM_WORLD, &o, NULL));
  snprintf(path, sizeof(path), "%s/model.h5", dir);
  WB_OK(wb_model_read(PETSC_COMM_WORLD, path, &model, &meta));
  for (int c = 0; c < WB_CHANNELS; c++) WB_ASSERT_NEAR(meta.epsilon[c], 0.5 * (c + 1), 1e-6);
  wb_model_destroy(&model);
  snprintf(path, sizeof(path), "%s/checkpoint.h5", dir);
  o.resume = path;
  o.steps = 3;
  o.epsilon_factor[3] = 1;
  assert_int_equal(wb_train(PETSC_COMM_WORLD, &o, NULL), WB_ERR_CONFIG);
  wb_error_clear();
  o.epsilon_factor[3] = 2;
  o.schedule = WB_SCHEDULE_TABLE;
  o.table = straight;
  assert_int_equal(wb_train(PETSC_COMM_WORLD, &o, NULL), WB_ERR_CONFIG);
  wb_error_clear();
}

/* Row 1000 of the path of each process that an export holds is the process at that time. */
static void exported_path(WbNc nc, const char *group, WbProcessKind kind, WbScheduleKind schedule) {
  const int start[1] = {1000}, count[1] = {1};
  WbProcessOptions options;
  WbProcess process = NULL;
  WbPathAt at;
  double beta = 0, w = 0, told = 0, own = 0, from_noise = 0;
  bool has = false;
  wb_process_options_default(kind, &options);
  options.schedule = schedule;
  options.table = schedule == WB_SCHEDULE_TABLE ? straight : (WbPathTable){0};
  WB_OK(wb_process_create(&options, &process));
  const double t = wb_process_train_time(process, 1000.5 / 4096, 1);
  wb_process_at(process, t, &at);
  WB_OK(wb_nc_get(nc, group, "beta", start, count, WB_NC_DOUBLE, &beta));
  WB_OK(wb_nc_get(nc, group, "w", start, count, WB_NC_DOUBLE, &w));
  WB_OK(wb_nc_get(nc, group, "net_t", start, count, WB_NC_DOUBLE, &told));
  WB_OK(wb_nc_get_att_real(nc, group, NULL, "own_times", &has, &own));
  WB_OK(wb_nc_get_att_real(nc, group, NULL, "from_noise", &has, &from_noise));
  WB_ASSERT_NEAR(beta, at.beta, 1e-14);
  WB_ASSERT_NEAR(w, at.w, 1e-14 * (1 + at.w));
  const bool edm = kind == WB_PROCESS_DIFFUSION_EDM;
  WB_ASSERT_NEAR(told, edm ? 0.25 * log(80 * (1 - t)) : t, 1e-12); /* c_noise of Karras et al. 2022 */
  assert_int_equal(own, edm);
  assert_int_equal(from_noise, wb_process_from_noise(process));
  wb_process_destroy(&process);
}

static void exported_paths(void **state) {
  (void)state;
  char dir[300], path[400], group[64];
  WbNc nc = NULL;
  WbTrainOptions o = options("paths", WB_PROCESS_BRIDGE, dir);
  o.crop = 0;
  o.schedule = WB_SCHEDULE_TABLE;
  o.table = straight;
  snprintf(path, sizeof(path), "%s/set.nc", dir);
  WB_OK(wb_train_export(&o, path));
  WB_OK(wb_nc_open(PETSC_COMM_WORLD, path, &nc));
  for (int k = 0; k < WB_N_SCHEDULES; k++) {
    snprintf(group, sizeof(group), "/path_bridge_%s", wb_schedule_name((WbScheduleKind)k));
    exported_path(nc, group, WB_PROCESS_BRIDGE, (WbScheduleKind)k);
  }
  for (int k = WB_PROCESS_BRIDGE + 1; k < WB_N_PROCESSES; k++) {
    snprintf(group, sizeof(group), "/path_%s", wb_process_name((WbProcessKind)k));
    exported_path(nc, group, (WbProcessKind)k, WB_SCHEDULE_LINEAR);
  }
  WB_OK(wb_nc_close(&nc));
}

/* Levels and splits of an export: a test run is written and changes no scale; training refuses it. */
static void exports(void **state) {
  (void)state;
  char dir[300], path[2][400];
  WbTrainOptions o = options("export", WB_PROCESS_BRIDGE, dir);
  o.crop = 0;
  double scale[2];
  static float x1[2][2 * 16 * 16 * WB_CHANNELS];
  for (int k = 0; k < 2; k++) {
    const int start[5] = {0}, count[5] = {1, 2, 16, 16, WB_CHANNELS};
    bool has = false;
    int rank = 0, dims[8];
    WbNc nc = NULL;
    snprintf(path[k], sizeof(path[k]), "%s/set%d.nc", dir, k);
    o.n_files = k ? 4 : 3;
    o.export_levels = k ? 2 : 0;
    WB_OK(wb_train_export(&o, path[k]));
    WB_OK(wb_nc_open(PETSC_COMM_WORLD, path[k], &nc));
    WB_OK(wb_nc_get_att_real(nc, "/", NULL, "scale_u", &has, &scale[k]));
    WB_OK(wb_nc_inq_dims(nc, "/run_000", "x1", &rank, dims));
    assert_int_equal(rank, 5);
    assert_int_equal(dims[1], k ? 2 : 8);
    WB_OK(wb_nc_get(nc, "/run_000", "x1", start, count, WB_NC_FLOAT, x1[k]));
    WB_OK(wb_nc_close(&nc));
  }
  WB_ASSERT_NEAR(scale[1], scale[0], 0);
  assert_memory_equal(x1[0], x1[1], sizeof(x1[0]));
  o.n_files = 4;
  o.crop = 12;
  assert_int_equal(wb_train(PETSC_COMM_WORLD, &o, NULL), WB_ERR_INPUT);
  assert_non_null(strstr(wb_error_message(), "split is test"));
  wb_error_clear();
}

WB_TEST_MAIN(cmocka_unit_test_setup(every_process, wb_test_train_begin), cmocka_unit_test(every_schedule),
             cmocka_unit_test(amplitudes), cmocka_unit_test(exported_paths),
             cmocka_unit_test_teardown(exports, wb_test_train_end))
