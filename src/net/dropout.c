/* Dropout of whole channels between the convolutions of every block (Tompson et al. 2015, CVPR, "SpatialDropout"; in
 * residual blocks before the second convolution as in Ho et al. 2020): training only. */
#include "net_internal.h"

static void draw_unet(const WbUnet *u, double rate, const WbRandomKey *key, uint64_t *counter) {
  for (int b = 0; b < u->n_blocks; b++) {
    for (int c = 0; c < u->blocks[b].c; c++) {
      double r[4] = {1, 1, 1, 1};
      if (rate > 0) wb_random_uniform4(key, (*counter)++, r);
      u->blocks[b].drop[c] = r[0] < rate ? 0.0F : (float)(1.0 / (1.0 - rate));
    }
  }
}

PetscErrorCode wb_net_dropout(WbNet net, double rate, const WbRandomKey *key) {
  PetscFunctionBeginUser;
  if (!net->training || !(rate >= 0.0 && rate < 1.0)) {
    WB_RAISE(WB_ERR_CONFIG, "dropout %g of a network made %s training", rate, net->training ? "for" : "without");
  }
  uint64_t counter = 0;
  draw_unet(&net->condition.unet, rate, key, &counter);
  draw_unet(&net->step, rate, key, &counter);
  net->dropping = rate > 0;
  PetscFunctionReturn(0);
}

/* The element type of activations is a float, or bf16: the upper half of one. */
void wb_net_drop_channels(WbNet net, const WbNetBlock *b, void *padded) {
  const size_t n = wb_net_padded(b->level, b->c), c = (size_t)b->c;
  const float *drop = b->drop;
  if (!net->dropping) return;
  if (net->context->bf16) {
    uint16_t *x = padded;
    for (size_t p = 0; p < n; p += c) {
      for (size_t i = 0; i < c; i++) {
        const union {
          uint32_t bits;
          float value;
        } in = {.bits = (uint32_t)x[p + i] << 16};
        const float out = in.value * drop[i];
        wb_to_bf16(1, &out, &x[p + i]);
      }
    }
    return;
  }
  float *x = padded;
  for (size_t p = 0; p < n; p += c) {
    for (size_t i = 0; i < c; i++) x[p + i] *= drop[i];
  }
}

void wb_net_drop_channels_back(WbNet net, const WbNetBlock *b, float *dpadded) {
  const size_t n = wb_net_padded(b->level, b->c), c = (size_t)b->c;
  if (!net->dropping) return;
  for (size_t p = 0; p < n; p += c) {
    for (size_t i = 0; i < c; i++) dpadded[p + i] *= b->drop[i];
  }
}
