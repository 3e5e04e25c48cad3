/* A model file read on several ranks: each gets the same; an error reaches them all. */
#include <string.h>
#include <unistd.h>
#include "wb_test_net.h"
#include "windbridge/model.h"

static WbModel make_model(void) {
  const WbNetConfig config = {.in_dynamic = 4,
                              .in_static = 9,
                              .out = 4,
                              .width1 = 16,
                              .width2 = 16,
                              .blocks1 = 1,
                              .blocks2 = 1,
                              .cond_width1 = 16,
                              .cond_width2 = 32,
                              .cond_blocks1 = 1,
                              .cond_blocks2 = 1,
                              .cond_nets = 2,
                              .embed = 8};
  return wb_test_model(&config);
}

static void file_reaches_every_rank(void **state) {
  (void)state;
  char path[64];
  int rank = 0, id = (int)getpid();
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Bcast(&id, 1, MPI_INT, 0, PETSC_COMM_WORLD);
  snprintf(path, sizeof path, "/tmp/wb_model_ranks_%d.h5", id);
  WbModel model = make_model(), back = NULL;
  WbModelMeta meta = {.process = "bridge",
                      .schedule = "linear",
                      .target = "velocity",
                      .scale = {1, 2, 3, 4},
                      .noise = {1}},
              read;
  WB_OK(wb_model_write(PETSC_COMM_WORLD, path, model, &meta));
  WB_OK(wb_model_read(PETSC_COMM_WORLD, path, &back, &read));
  assert_int_equal(wb_model_size(back), wb_model_size(model));
  assert_memory_equal(wb_model_params(back), wb_model_params(model), wb_model_size(model) * sizeof(float));
  assert_string_equal(read.schedule, "linear");
  WB_ASSERT_NEAR(read.scale[3], 4, 0);
  wb_model_destroy(&back);
  if (rank == 0) unlink(path);
  MPI_Barrier(PETSC_COMM_WORLD);
  assert_int_equal(wb_model_read(PETSC_COMM_WORLD, path, &back, &read), WB_ERR_INPUT); /* on all ranks, no hang */
  assert_non_null(strstr(wb_error_message(), path));
  assert_null(back);
  wb_error_clear();
  wb_model_destroy(&model);
}

WB_TEST_MAIN(cmocka_unit_test(file_reaches_every_rank))
