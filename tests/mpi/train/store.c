/* Minutes in a file of the node in place of memory: the same weights bit for bit, no file left behind, a folder that
 * cannot be written to is refused on all ranks. */
#include <dirent.h>

#include "train_internal.h"
#include "wb_test_train.h"

static WbTrainOptions options(const char *name, char dir[300]) {
  WbTrainOptions o = wb_test_train_options(PETSC_COMM_WORLD, name, dir);
  o.steps = 4;
  o.validate_every = 2;
  o.backend = WB_BACKEND_NATIVE;
  return o;
}

static WbModel trained(const WbTrainOptions *o) {
  static WbModelMeta meta;
  char path[400];
  WbModel model = NULL;
  WB_OK(wb_train(PETSC_COMM_WORLD, o, NULL));
  snprintf(path, sizeof(path), "%s/model.h5", o->output_dir);
  WB_OK(wb_model_read(PETSC_COMM_WORLD, path, &model, &meta));
  return model;
}

static int temporary_files(const char *dir) {
  int n = 0;
  DIR *d = opendir(dir);
  assert_non_null(d);
  for (struct dirent *e = readdir(d); e; e = readdir(d)) n += strncmp(e->d_name, "minutes.", 8) == 0;
  closedir(d);
  return n;
}

static void same_weights(void **state) {
  (void)state;
  char in_memory[300], on_disk[300];
  WbTrainOptions a = options("memory", in_memory), b = options("disk", on_disk);
  b.store_dir = on_disk;
  WbModel one = trained(&a), other = trained(&b);
  assert_memory_equal(wb_model_params(one), wb_model_params(other), wb_model_size(one) * sizeof(float));
  assert_int_equal(temporary_files(on_disk), 0);
  wb_model_destroy(&one);
  wb_model_destroy(&other);
}

/* The file is gone from the folder while it is in use. */
static void fields_are_in_the_file(void **state) {
  (void)state;
  char dir[300];
  WbTrainOptions o = options("set", dir);
  WbTrainSet *memory = NULL, *disk = NULL;
  WB_OK(wb_train_set_create(PETSC_COMM_WORLD, &o, false, &memory));
  o.store_dir = dir;
  WB_OK(wb_train_set_create(PETSC_COMM_WORLD, &o, false, &disk));
  assert_int_equal(temporary_files(dir), 0);
  for (int r = 0; r < disk->n_runs; r++) {
    const WbPairRun *a = memory->runs[r], *b = disk->runs[r];
    const size_t bytes = wb_grid_owned(a->hr_grid) * WB_CHANNELS * sizeof(float);
    for (int m = 0; m < b->n_time; m++) {
      wb_store_expect(&disk->store, b, m);
      assert_true((char *)b->x1[m] >= disk->store.map &&
                  (char *)b->x1[m] + bytes <= disk->store.map + disk->store.bytes);
      assert_memory_equal(a->x0[m], b->x0[m], bytes);
      assert_memory_equal(a->x1[m], b->x1[m], bytes);
    }
  }
  wb_train_set_destroy(&memory);
  wb_train_set_destroy(&disk);
}

static void refused(void **state) {
  (void)state;
  char dir[300];
  WbTrainOptions o = options("refused", dir);
  o.store_dir = "/nonexistent/folder";
  assert_int_equal(wb_train(PETSC_COMM_WORLD, &o, NULL), WB_ERR_IO);
  assert_non_null(strstr(wb_error_message(), "train_store_dir"));
  wb_error_clear();
}

WB_TEST_MAIN(cmocka_unit_test_setup(same_weights, wb_test_train_begin), cmocka_unit_test(fields_are_in_the_file),
             cmocka_unit_test_teardown(refused, wb_test_train_end))
