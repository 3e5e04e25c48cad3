/* Training on tiny pair files, for tests: the files, and options that train a small network on them in a second. */
#ifndef WB_TEST_TRAIN_H
#define WB_TEST_TRAIN_H
#include "windbridge/train.h"
#include "wb_test_pairs.h"

enum { WB_TEST_FILES = 4 }; /* training, training, validation, test */
static char wb_test_dir[256];
static char wb_test_paths[WB_TEST_FILES][300];
static const char *const wb_test_files[WB_TEST_FILES] = {wb_test_paths[0], wb_test_paths[1], wb_test_paths[2],
                                                         wb_test_paths[3]};

/* cmocka's group set-up and tear-down. */
static inline int wb_test_train_begin(void **state) {
  static const char *const splits[WB_TEST_FILES] = {"train", "train", "validation", "test"};
  (void)state;
  wb_test_folder(wb_test_dir);
  for (int f = 0; f < WB_TEST_FILES; f++) {
    const WbTestPair t = {.split = splits[f],
                          .seed = 1 + (uint32_t)f,
                          .n_time = f + 1,
                          .n_lr = 4,
                          .nz_hr = 8,
                          .wind = 3 + f,
                          .solid_fill = NAN};
    snprintf(wb_test_paths[f], sizeof(wb_test_paths[f]), "%s/pair%d.nc", wb_test_dir, f);
    wb_test_write_pair(PETSC_COMM_WORLD, wb_test_files[f], &t);
  }
  return 0;
}

static inline int wb_test_train_end(void **state) {
  (void)state;
  wb_test_remove_folder(wb_test_dir);
  return 0;
}

/* Two training files and one for validation, widths 16, one block a level; dir out: a fresh output folder `name`, made
 * on comm. 12 cells are three columns of 20 m: 2 + 1 on two ranks. */
static inline WbTrainOptions wb_test_train_options(MPI_Comm comm, const char *name, char dir[300]) {
  WbTrainOptions o = {.files = wb_test_files,
                      .n_files = 3,
                      .output_dir = dir,
                      .steps = 10,
                      .batch = 4,
                      .space_ranks = 1,
                      .draws = 2,
                      .mirror = true,
                      .residual_deviation = 0.8,
                      .lr = 3e-3,
                      .clip_norm = 1,
                      .ema_decay = 0.9,
                      .warmup_steps = 2,
                      .validate_every = 10,
                      .symmetry = WB_SYMMETRY_RANDOM,
                      .crop = 12,
                      .seed = 5,
                      .backend = WB_BACKEND_ONEDNN,
                      .epsilon_factor = {1, 1, 1, 1},
                      .noise = {1},
                      .t_power = 1,
                      .loss_weights = {1, 1, 1, 1},
                      .scale_by_wind = true,
                      .deck_yaml = ""};
  snprintf(dir, 300, "%s/%s", wb_test_dir, name);
  WB_OK(wb_output_dir_prepare(comm, dir));
  wb_net_config_default(&o.net);
  o.net.width1 = o.net.width2 = o.net.cond_width1 = o.net.cond_width2 = 16;
  o.net.cond_nets = 1;
  o.net.blocks1 = o.net.blocks2 = o.net.cond_blocks1 = o.net.cond_blocks2 = 1;
  return o;
}
#endif
