/* The largest network of the allowed options: its table of tensors and the network's own tables hold it; and nothing
 * beyond the options is made. */
#include <string.h>
#include "wb_test_net.h"

static const WbNetConfig largest = {.in_dynamic = 4,
                                    .in_static = 9,
                                    .out = 4,
                                    .width1 = 2,
                                    .width2 = 2,
                                    .blocks1 = 32,
                                    .blocks2 = 32,
                                    .cond_width1 = 2,
                                    .cond_width2 = 2,
                                    .cond_blocks1 = 32,
                                    .cond_blocks2 = 32,
                                    .cond_nets = 16,
                                    .embed = 4};

static void largest_is_made(void **state) {
  (void)state;
  size_t parameters = 0, end = 0;
  int tensors = 0;
  WbModel model = NULL;
  WB_OK(wb_net_config_size(&largest, &parameters, &tensors));
  assert_true(tensors > 8192);
  WB_OK(wb_model_create(&largest, &model));
  assert_int_equal(wb_model_tensors(model), tensors);
  assert_int_equal(wb_model_size(model), parameters);
  for (int i = 0; i < tensors; i++) { /* one after the other, without a hole */
    const char *name = NULL;
    int rank = 0, dims[5];
    size_t offset = 0, size = 1;
    wb_model_tensor(model, i, &name, &rank, dims, &offset);
    for (int d = 0; d < rank; d++) size *= (size_t)dims[d];
    assert_int_equal(offset, end);
    end += size;
  }
  assert_int_equal(end, parameters);
  WbGrid *grid = NULL;
  WbNet net = NULL;
  WB_OK(wb_grid_create(PETSC_COMM_SELF, 8, 8, 8, 4, 0, 0, false, false, &grid));
  WB_OK(wb_net_create(model, grid, WB_BACKEND_REF, WB_NET_TRAINING, &net));
  wb_net_destroy(&net);
  wb_grid_destroy(&grid);
  wb_model_destroy(&model);
}

static void beyond_is_refused(void **state) {
  (void)state;
  WbModel model = NULL;
  WbNetConfig config = largest;
  config.cond_nets = 17;
  assert_int_equal(wb_model_create(&config, &model), WB_ERR_CONFIG);
  assert_non_null(strstr(wb_error_message(), "cond_nets"));
  assert_null(model);
  wb_error_clear();
  config = largest;
  config.blocks1 = 33;
  assert_int_equal(wb_model_create(&config, &model), WB_ERR_CONFIG);
  assert_non_null(strstr(wb_error_message(), "blocks1"));
  wb_error_clear();
}

WB_TEST_MAIN(cmocka_unit_test(largest_is_made), cmocka_unit_test(beyond_is_refused))
