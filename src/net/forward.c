/* The forward passes: the condition of a minute, and the step at one t. */
#include "net_internal.h"
#include <string.h>

void wb_net_space_to_depth(WbNet net, const WbShuffle *s, const float *x, const uint8_t *mask, void *y) {
  if (net->context->bf16)
    wb_space_to_depth_bf16(s, x, mask, y);
  else
    wb_space_to_depth(s, x, mask, y);
}

/* Mean network k becomes the one whose parameters the passes use, until net->base is 0 again. */
static PetscErrorCode select_mean(WbNet net, int k) {
  PetscFunctionBeginUser;
  net->base = (size_t)k * net->cond_size;
  if (net->condition.packed == k) PetscFunctionReturn(0);
  PetscCall(wb_net_repack(net, &net->condition.stem1, true));
  PetscCall(wb_net_repack(net, &net->condition.stem2, true));
  PetscCall(wb_unet_repack(net, &net->condition.unet));
  net->condition.packed = k;
  PetscFunctionReturn(0);
}

/* 1x1 and 3^3 convolution of static inputs at 10 m, with an activation between: stat -> h. */
typedef struct {
  const WbNetConv *stem1, *stem2;
  WbHalo halo;
  int channels;
  void *in, *act;
  float *y;
} Stem;

static PetscErrorCode stem_forward(WbNet net, const Stem *s, const float *stat, float *h) {
  PetscFunctionBeginUser;
  const WbNetLevel *l1 = &net->l1;
  const WbShuffle in = {l1->d, l1->h, l1->w, net->config.in_static, 0};
  const WbNormAct act = {l1->d, l1->h, l1->w, s->channels, false, net->ones, net->zeros};
  wb_net_space_to_depth(net, &in, stat, net->mask, s->in);
  PetscCall(wb_conv_forward(s->stem1->conv, s->in, s->y));
  PetscCall(wb_net_norm_act_exchange(net, &act, s->halo, s->y, s->act));
  PetscCall(wb_conv_forward(s->stem2->conv, s->act, h));
  PetscFunctionReturn(0);
}

/** stat counts as 0 in buildings; mask is copied. Collective. */
PetscErrorCode wb_net_mean_forward(WbNet net, int k, const float *stat, const uint8_t *mask, float *mean) {
  PetscFunctionBeginUser;
  const Stem stem = {&net->condition.stem1,   &net->condition.stem2,  net->condition.unet.halo1,
                     net->config.cond_width1, net->condition.stat_in, net->condition.stat_act,
                     net->condition.stat_y};
  memcpy(net->mask, mask, 8 * net->l1.n);
  PetscCall(select_mean(net, k));
  PetscCall(stem_forward(net, &stem, stat, net->condition.unet.h1));
  PetscCall(wb_unet_forward(net, &net->condition.unet, mean));
  net->base = 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode average_mean(WbNet net, const float *stat, const uint8_t *mask) {
  PetscFunctionBeginUser;
  const size_t n = 8 * net->l1.n * (size_t)net->config.out;
  const int nets = net->config.cond_nets;
  PetscCall(wb_net_mean_forward(net, 0, stat, mask, net->condition.mean));
  for (int k = 1; k < nets; k++) {
    PetscCall(wb_net_mean_forward(net, k, stat, mask, net->condition.one));
    wb_add(n, net->condition.one, net->condition.mean);
  }
  for (size_t i = 0; i < n && nets > 1; i++) net->condition.mean[i] /= (float)nets;
  PetscFunctionReturn(0);
}

/** What does not depend on t. stat counts as 0 in buildings, mean is copied. Collective. */
PetscErrorCode wb_net_condition(WbNet net, const float *stat, const uint8_t *mask, const float *mean) {
  PetscFunctionBeginUser;
  const WbNetConfig *c = &net->config;
  const Stem stem = {&net->condition.guide_stem1, &net->condition.guide_stem2, net->step.halo1,       c->width1,
                     net->condition.guide_in,     net->condition.guide_act,    net->condition.guide_y};
  const size_t n = 8 * net->l1.n, n_static = (size_t)c->in_static, n_out = (size_t)c->out;
  if (mean)
    memcpy(net->condition.mean, mean, n * n_out * sizeof *mean);
  else
    PetscCall(average_mean(net, stat, mask));
  memcpy(net->mask, mask, n);
  memcpy(net->condition.guide, stat, n * n_static * sizeof *stat);
  for (size_t p = 0; p < n; p++)
    for (size_t q = 0; q < n_out; q++) net->condition.guide[p * n_static + q] += net->condition.mean[p * n_out + q];
  PetscCall(stem_forward(net, &stem, net->condition.guide, net->s1));
  if (net->training) memset(net->back.ds1, 0, net->l1.n * (size_t)c->width1 * sizeof *net->back.ds1);
  net->conditioned = true;
  PetscFunctionReturn(0);
}

const float *wb_net_mean(WbNet net) {
  return net->condition.mean;
}

/** One evaluation. t in [0, 1] in; x (nz, nyl, nxl, in_dynamic) in, counts as 0 in buildings; out (nz, nyl, nxl, out)
 * out, 0 in buildings. After wb_net_condition. Collective; allocates nothing. */
PetscErrorCode wb_net_forward(WbNet net, double t, const float *x, float *out) {
  PetscFunctionBeginUser;
  const WbNetConfig *c = &net->config;
  const WbNetLevel *l1 = &net->l1;
  if (!net->conditioned)
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ORDER, "wb_net_condition must come first, and after every change of parameters");
  const WbShuffle in = {l1->d, l1->h, l1->w, c->in_dynamic, 1};
  wb_embed_forward(&net->embed, net->model->params, t);
  wb_net_space_to_depth(net, &in, x, net->mask, net->stem_in);
  PetscCall(wb_halo_exchange(net->halo_in, net->stem_in));
  memcpy(net->step.h1, net->s1, l1->n * (size_t)c->width1 * sizeof *net->step.h1);
  PetscCall(wb_conv_forward(net->step_stem.conv, net->stem_in, net->step.h1));
  PetscCall(wb_unet_forward(net, &net->step, out));
  PetscFunctionReturn(0);
}
