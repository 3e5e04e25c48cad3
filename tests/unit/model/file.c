/* Model files: round trip; each kind of damage gives one readable message that names the file. */
#include "wb_test.h"
#include "windbridge/model.h"
#include <hdf5.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const WbNetConfig config = {.in_dynamic = 4,
                                   .in_static = 9,
                                   .out = 4,
                                   .width1 = 8,
                                   .width2 = 8,
                                   .blocks1 = 1,
                                   .blocks2 = 1,
                                   .cond_width1 = 8,
                                   .cond_width2 = 8,
                                   .cond_blocks1 = 1,
                                   .cond_blocks2 = 1,
                                   .cond_nets = 3,
                                   .embed = 8};
static char path[128];

static WbModelMeta some_meta(void) {
  WbModelMeta meta = {
      .process = "bridge",
      .schedule = "quadratic",
      .target = "preconditioned",
      .table = {.n = 3, .t = {0, 0.25, 1}, .alpha = {1, 0.7, 0}, .beta = {0, 0.1, 1}, .noise = {2, 1.0 / 3, 0}},
      .epsilon = {0.1F, 0.2F, 0.3F, 0.4F},
      .scale = {1.5F, 2.5F, 3.5F, 4.5F},
      .residual = {0.5F, 0.6F, 0.7F, 0.8F},
      .spread = {0.9F, 1.1F, 1.2F, 1.3F},
      .noise = {0.1F, 0.2F, 0.3F, 0.25F, 0.15F},
      .scale_by_wind = true,
      .canonical_wind = true};
  snprintf(meta.training_json, sizeof meta.training_json, "{\"deck\":\"a: \\\"quoted\\\"\\n\",\"loss\":0.25}");
  return meta;
}

static WbModel write_model(void) {
  WbModel model = NULL;
  snprintf(path, sizeof path, "/tmp/wb_model_file_%d.h5", (int)getpid());
  WB_OK(wb_model_create(&config, &model));
  WB_OK(wb_model_init(model, 9));
  const WbModelMeta meta = some_meta();
  WB_OK(wb_model_write(PETSC_COMM_SELF, path, model, &meta));
  return model;
}

static void expect_refusal(const char *why) {
  WbModel model = NULL;
  WbModelMeta meta;
  assert_int_equal(wb_model_read(PETSC_COMM_SELF, path, &model, &meta), WB_ERR_INPUT);
  assert_null(model);
  if (!strstr(wb_error_message(), path) || !strstr(wb_error_message(), why))
    fail_msg("message \"%s\" should name %s and say \"%s\"", wb_error_message(), path, why);
  wb_error_clear();
}

static void round_trip(void **state) {
  (void)state;
  WbModel model = write_model(), back = NULL;
  WbModelMeta meta, wrote = some_meta();
  struct stat info;
  char temporary[160];
  WB_OK(wb_model_read(PETSC_COMM_SELF, path, &back, &meta));
  assert_memory_equal(wb_model_config(back), &config, sizeof config);
  assert_memory_equal(wb_model_params(back), wb_model_params(model), wb_model_size(model) * sizeof(float));
  assert_string_equal(meta.process, wrote.process);
  assert_string_equal(meta.schedule, wrote.schedule);
  assert_string_equal(meta.target, wrote.target);
  assert_string_equal(meta.training_json, wrote.training_json);
  assert_true(meta.scale_by_wind && meta.canonical_wind);
  for (int c = 0; c < 4; c++) {
    WB_ASSERT_NEAR(meta.epsilon[c], wrote.epsilon[c], 0);
    WB_ASSERT_NEAR(meta.scale[c], wrote.scale[c], 0);
    WB_ASSERT_NEAR(meta.residual[c], wrote.residual[c], 0);
    WB_ASSERT_NEAR(meta.spread[c], wrote.spread[c], 0);
  }
  assert_memory_equal(&meta.table, &wrote.table, sizeof meta.table);
  for (int l = 0; l < 5; l++) WB_ASSERT_NEAR(meta.noise[l], wrote.noise[l], 0);
  snprintf(temporary, sizeof temporary, "%s.tmp", path);
  assert_int_equal(stat(temporary, &info), -1);
  wb_model_destroy(&back);
  wb_model_destroy(&model);
  unlink(path);
}

static void damage(WbModel model, void (*change)(hid_t file), const char *why) {
  const WbModelMeta meta = some_meta();
  WB_OK(wb_model_write(PETSC_COMM_SELF, path, model, &meta));
  const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  change(file);
  H5Fclose(file);
  expect_refusal(why);
}

static void set_text(hid_t file, const char *name, const char *text) {
  H5Adelete(file, name);
  const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, strlen(text) + 1);
  const hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, type, text);
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
}
static void set_weight(hid_t file, float value) {
  float data[8];
  const hid_t set = H5Dopen2(file, "step.blocks.1.norm2.weight", H5P_DEFAULT);
  H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
  data[5] = value;
  H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
  H5Dclose(set);
}
static void other_version(hid_t file) {
  const int version = 99;
  const hid_t attribute = H5Aopen(file, "format_version", H5P_DEFAULT);
  H5Awrite(attribute, H5T_NATIVE_INT, &version);
  H5Aclose(attribute);
}
static void other_kind(hid_t file) {
  set_text(file, "architecture", "{\"kind\":\"resnet-50\"}");
}
static void broken_json(hid_t file) {
  set_text(file, "architecture", "{\"kind\":");
}
static void huge_width(hid_t file) {
  set_text(file, "architecture",
           "{\"kind\":\"windbridge-unet-3\",\"cond_nets\":3,\"in_dynamic\":4,\"in_static\":9,\"out\":4,\"width1\":"
           "2000000000,\"width2\":8,"
           "\"blocks1\":1,\"blocks2\":1,\"cond_width1\":8,\"cond_width2\":8,"
           "\"cond_blocks1\":1,\"cond_blocks2\":1,\"embed\":8}");
}
static void wider(hid_t file) {
  set_text(file, "architecture",
           "{\"kind\":\"windbridge-unet-3\",\"cond_nets\":3,\"in_dynamic\":4,\"in_static\":9,\"out\":4,\"width1\":16,"
           "\"width2\":8,"
           "\"blocks1\":1,\"blocks2\":1,\"cond_width1\":8,\"cond_width2\":8,"
           "\"cond_blocks1\":1,\"cond_blocks2\":1,\"embed\":8}");
}
static void deeper(hid_t file) {
  set_text(file, "architecture",
           "{\"kind\":\"windbridge-unet-3\",\"cond_nets\":3,\"in_dynamic\":4,\"in_static\":9,\"out\":4,\"width1\":8,"
           "\"width2\":8,"
           "\"blocks1\":1,\"blocks2\":2,\"cond_width1\":8,\"cond_width2\":8,"
           "\"cond_blocks1\":1,\"cond_blocks2\":1,\"embed\":8}");
}
static void nan_weight(hid_t file) {
  set_weight(file, NAN);
}
static void changed_weight(hid_t file) {
  set_weight(file, 1.0009765625F);
}
static void no_meta(hid_t file) {
  H5Adelete(file, "meta");
}
static void poor_meta(hid_t file) {
  set_text(file, "meta", "{\"process\":\"bridge\"}");
}
static void no_parameter(hid_t file) {
  H5Ldelete(file, "step.head.weight", H5P_DEFAULT);
}

static void damage_is_named(void **state) {
  (void)state;
  WbModel model = write_model();
  damage(model, other_version, "version 99");
  damage(model, other_kind, "resnet-50");
  damage(model, broken_json, "not readable");
  damage(model, huge_width, "width1");
  damage(model, wider, "another shape");
  damage(model, deeper, "missing");
  damage(model, nan_weight, "not finite");
  damage(model, changed_weight, "checksum");
  damage(model, no_meta, "meta");
  damage(model, poor_meta, "schedule");
  damage(model, no_parameter, "step.head.weight");
  wb_model_destroy(&model);
  unlink(path);
}

/* cut anywhere: never a crash, never a model */
static void truncation_is_refused(void **state) {
  (void)state;
  WbModel model = write_model();
  struct stat info;
  assert_int_equal(stat(path, &info), 0);
  const WbModelMeta meta = some_meta();
  for (int part = 0; part < 8; part++) {
    WB_OK(wb_model_write(PETSC_COMM_SELF, path, model, &meta));
    assert_int_equal(truncate(path, info.st_size * part / 8), 0);
    expect_refusal(path);
  }
  wb_model_destroy(&model);
  unlink(path);
}

static void noise_shares(void **state) {
  (void)state;
  WbModel model = write_model();
  WbModelMeta meta = some_meta();
  meta.noise[2] = 0.9F;
  WB_OK(wb_model_write(PETSC_COMM_SELF, path, model, &meta));
  expect_refusal("sum to 1.6");
  wb_model_destroy(&model);
  unlink(path);
}

static void unequal_columns(hid_t file) {
  set_text(file, "meta",
           "{\"process\":\"bridge\",\"schedule\":\"table\",\"target\":\"preconditioned\",\"training\":\"\","
           "\"epsilon\":{\"theta\":1,\"u\":1,\"v\":1,\"w\":1},\"scale\":{\"theta\":1,\"u\":1,\"v\":1,\"w\":1},"
           "\"residual\":{\"theta\":1,\"u\":1,\"v\":1,\"w\":1},\"spread\":{\"theta\":1,\"u\":1,\"v\":1,\"w\":1},"
           "\"table\":{\"t\":[0,1],\"alpha\":[1,0],\"beta\":[0,0.5,1],\"noise\":[1,0]}}");
}

/* A column for the diffusivity; columns of one length; no table at all. */
static void tables(void **state) {
  (void)state;
  WbModel model = write_model(), back = NULL;
  WbModelMeta meta = some_meta(), read;
  meta.table.has_diffusivity = true;
  meta.table.diffusivity[1] = 0.125;
  WB_OK(wb_model_write(PETSC_COMM_SELF, path, model, &meta));
  WB_OK(wb_model_read(PETSC_COMM_SELF, path, &back, &read));
  assert_memory_equal(&read.table, &meta.table, sizeof meta.table);
  wb_model_destroy(&back);
  damage(model, unequal_columns, "column \"beta\"");
  meta.table.n = 0;
  WB_OK(wb_model_write(PETSC_COMM_SELF, path, model, &meta));
  WB_OK(wb_model_read(PETSC_COMM_SELF, path, &back, &read));
  assert_int_equal(read.table.n, 0);
  wb_model_destroy(&back);
  wb_model_destroy(&model);
  unlink(path);
}

static void bad_places(void **state) {
  (void)state;
  WbModel model = write_model();
  unlink(path);
  expect_refusal("No such file");
  const WbModelMeta meta = some_meta();
  assert_int_equal(wb_model_write(PETSC_COMM_SELF, "/nowhere/model.h5", model, &meta), WB_ERR_IO);
  assert_non_null(strstr(wb_error_message(), "/nowhere/model.h5"));
  wb_error_clear();
  /* a model with NaN is not written, and the good file stays */
  WB_OK(wb_model_write(PETSC_COMM_SELF, path, model, &meta));
  wb_model_params(model)[7] = NAN;
  assert_int_equal(wb_model_write(PETSC_COMM_SELF, path, model, &meta), WB_ERR_NUMERIC);
  wb_error_clear();
  WbModel back = NULL;
  WbModelMeta read;
  WB_OK(wb_model_read(PETSC_COMM_SELF, path, &back, &read));
  wb_model_destroy(&back);
  wb_model_destroy(&model);
  unlink(path);
}

WB_TEST_MAIN(cmocka_unit_test(round_trip), cmocka_unit_test(damage_is_named), cmocka_unit_test(truncation_is_refused),
             cmocka_unit_test(bad_places), cmocka_unit_test(noise_shares), cmocka_unit_test(tables))
