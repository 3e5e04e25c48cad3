/* Training on a tiny set: a run stopped and resumed gives the weights of an uninterrupted one bit for bit; the loss
 * falls; a loss that diverges and unfit options end with a message and the last good files. */
#include "wb_test_train.h"

static WbTrainOptions options(const char *name, char dir[300]) {
  WbTrainOptions o = wb_test_train_options(PETSC_COMM_WORLD, name, dir);
  o.steps = 6;
  o.validate_every = 3;
  o.weight_decay = 0.01;
  o.net.cond_nets = 2;
  o.deck_yaml = "train:\n  note: \"quoted\"\n";
  return o;
}

static void read_model(const char *dir, const char *name, WbModel *model, WbModelMeta *meta) {
  char path[400];
  snprintf(path, sizeof(path), "%s/%s", dir, name);
  WB_OK(wb_model_read(PETSC_COMM_WORLD, path, model, meta));
}

/* Stop as a signal does, at the end of the third step: by asking for 3 steps of a 6-step schedule is not the same (the
 * learning rate would differ), so the wall time is used: 0.001 s stops after every step. */
static void resume_bit_for_bit(void **state) {
  (void)state;
  char a[300], b[300], ck[400];
  WbTrainSummary s;
  WbTrainOptions o = options("whole", a);
  WB_OK(wb_train(PETSC_COMM_WORLD, &o, &s));
  assert_int_equal(s.steps, 6);
  WbTrainOptions p = options("parts", b);
  snprintf(ck, sizeof(ck), "%s/checkpoint.h5", b);
  p.walltime_s = 0.001;
  int parts = 0;
  PetscErrorCode e = 0;
  do {
    e = wb_train(PETSC_COMM_WORLD, &p, &s);
    if (e) assert_int_equal(e, WB_ERR_STOPPED);
    wb_error_clear();
    p.resume = ck;
    parts++;
  } while (e && parts < 10);
  assert_int_equal(parts, 6);
  WbModel m1 = NULL, m2 = NULL;
  WbModelMeta meta1, meta2;
  const char *names[] = {"model.h5", "model_best.h5"};
  for (int k = 0; k < 2; k++) {
    read_model(a, names[k], &m1, &meta1);
    read_model(b, names[k], &m2, &meta2);
    assert_memory_equal(wb_model_params(m1), wb_model_params(m2), wb_model_size(m1) * sizeof(float));
    wb_model_destroy(&m1);
    wb_model_destroy(&m2);
  }
  assert_string_equal(meta1.process, "bridge");
  assert_string_equal(meta1.schedule, "linear");
  WB_ASSERT_NEAR(meta1.epsilon[1], 1, 1e-6);
  assert_true(meta1.scale[1] > 0.01f && meta1.scale[1] < 1.0f && meta1.scale_by_wind);
  assert_non_null(strstr(meta1.training_json, "pair1.nc"));
  assert_non_null(strstr(meta1.training_json, "\\\"quoted\\\""));
  /* loss.csv: header and six rows, the same in both */
  for (int k = 0; k < 2; k++) {
    char path[400], row[256];
    int rows = 0;
    snprintf(path, sizeof(path), "%s/loss.csv", k ? b : a);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(row, sizeof(row), f)) rows++;
    fclose(f);
    assert_int_equal(rows, 7);
  }
}

static void learns(void **state) {
  (void)state;
  char dir[300];
  WbTrainSummary s;
  WbTrainOptions o = options("learns", dir);
  o.steps = 1;
  o.validate_every = 1;
  WB_OK(wb_train(PETSC_COMM_WORLD, &o, &s));
  const double first = s.validation_loss; /* nearly the loss of a network that gives 0 */
  WB_ASSERT_NEAR(first, 2.5, 1.0);        /* about 1 / 0.8^2 for the mean and between 1 and that for the steps */
  WbTrainOptions p = options("learns2", dir);
  p.steps = 60;
  p.validate_every = 60;
  WB_OK(wb_train(PETSC_COMM_WORLD, &p, &s));
  WB_ASSERT_BELOW(s.validation_loss, 0.85 * first);
}

static void refusals(void **state) {
  (void)state;
  char dir[300];
  WbTrainSummary s;
  WbTrainOptions o = options("refused", dir);
  o.crop = 20;
  assert_int_equal(wb_train(PETSC_COMM_WORLD, &o, &s), WB_ERR_INPUT);
  assert_non_null(strstr(wb_error_message(), "pair0.nc"));
  wb_error_clear();
  o.crop = 10;
  assert_int_equal(wb_train(PETSC_COMM_WORLD, &o, &s), WB_ERR_CONFIG);
  wb_error_clear();
  o.crop = 12;
  o.steps = 1;
  WB_OK(wb_train(PETSC_COMM_WORLD, &o, &s));
  char ck[400];
  snprintf(ck, sizeof(ck), "%s/checkpoint.h5", dir);
  o.resume = ck;
  o.seed++;
  assert_int_equal(wb_train(PETSC_COMM_WORLD, &o, &s), WB_ERR_CONFIG);
  assert_non_null(strstr(wb_error_message(), "other options"));
  wb_error_clear();
}

/* A learning rate that blows the weights up: the error names the step, model.h5 holds finite weights. */
static void blow_up(void **state) {
  (void)state;
  char dir[300];
  WbTrainSummary s;
  WbTrainOptions o = options("blowup", dir);
  o.lr = 1e30;
  o.warmup_steps = 0;
  o.weight_decay = 0;
  o.steps = 20;
  assert_int_equal(wb_train(PETSC_COMM_WORLD, &o, &s), WB_ERR_NUMERIC);
  assert_true(wb_error_is_collective());
  assert_non_null(strstr(wb_error_message(), "step"));
  wb_error_clear();
  WbModel m = NULL;
  WbModelMeta meta;
  read_model(dir, "model.h5", &m, &meta);
  wb_model_destroy(&m);
}

/* A run that goes on from a checkpoint and diverges, its loss still finite, leaves that checkpoint's weights. */
static void last_good_weights_stay(void **state) {
  (void)state;
  char dir[300], ck[400];
  WbTrainSummary s;
  WbTrainOptions o = options("good", dir);
  o.steps = 3;
  WB_OK(wb_train(PETSC_COMM_WORLD, &o, &s));
  WbModel good = NULL, kept = NULL;
  WbModelMeta meta;
  read_model(dir, "model.h5", &good, &meta);
  snprintf(ck, sizeof(ck), "%s/checkpoint.h5", dir);
  o.resume = ck;
  o.lr = 1e3;
  o.clip_norm = 1e30;
  o.warmup_steps = 0;
  o.steps = 20;
  assert_int_equal(wb_train(PETSC_COMM_WORLD, &o, &s), WB_ERR_NUMERIC);
  assert_non_null(strstr(wb_error_message(), "after step 3 are kept"));
  assert_null(strstr(wb_error_message(), "nan"));
  wb_error_clear();
  read_model(dir, "model.h5", &kept, &meta);
  assert_memory_equal(wb_model_params(kept), wb_model_params(good), wb_model_size(good) * sizeof(float));
  wb_model_destroy(&good);
  wb_model_destroy(&kept);
}

WB_TEST_MAIN(cmocka_unit_test_setup(resume_bit_for_bit, wb_test_train_begin), cmocka_unit_test(learns),
             cmocka_unit_test(refusals), cmocka_unit_test(last_good_weights_stay),
             cmocka_unit_test_teardown(blow_up, wb_test_train_end))
