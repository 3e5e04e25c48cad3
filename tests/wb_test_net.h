/* Random arrays and networks for tests of the network. */
#ifndef WB_TEST_NET_H
#define WB_TEST_NET_H
#include "wb_test.h"
#include "windbridge/net.h"

/* n normal numbers of this stream. */
static inline void wb_test_fill(size_t n, uint32_t stream, float *a) {
  const WbRandomKey key = {.seed = 11, .stream = WB_STREAM_TEST, .step = stream};
  for (size_t i = 0; i < n; i++) {
    float v[4];
    wb_random_normal4(&key, i, v);
    a[i] = v[0];
  }
}

/* The own cells of g, channels innermost: the numbers of a voxel are the same on every decomposition. */
static inline void wb_test_fill_grid(const WbGrid *g, int channels, uint32_t stream, float *a) {
  const WbRandomKey key = {.seed = 13, .stream = WB_STREAM_TEST, .step = stream};
  for (int k = 0; k < g->nz; k++)
    for (int j = 0; j < g->nyl; j++)
      for (int i = 0; i < g->nxl; i++)
        for (int c = 0; c < channels; c++) {
          float v[4];
          wb_random_normal4(&key, wb_grid_voxel(g, k, j, i) * (uint64_t)channels + (uint64_t)c, v);
          *a++ = v[0];
        }
}

/* Every parameter away from its special initial value (zeros hide errors). */
static inline WbModel wb_test_model(const WbNetConfig *config) {
  WbModel model = NULL;
  float *noise = NULL;
  WB_OK(wb_model_create(config, &model));
  WB_OK(wb_model_init(model, 5));
  WB_OK(WB_ALLOC(wb_model_size(model), &noise));
  wb_test_fill(wb_model_size(model), 4, noise);
  for (size_t i = 0; i < wb_model_size(model); i++) wb_model_params(model)[i] += 0.1F * noise[i];
  WB_FREE(&noise);
  return model;
}
#endif
