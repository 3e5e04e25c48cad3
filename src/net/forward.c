/* The forward passes: the condition of a minute, and the step at one t. */
#include "net_internal.h"
#include <string.h>

void wb_net_norm_act(WbNet net, const WbNormAct *p, const float *x, void *padded) {
  if (net->context->bf16)
    wb_norm_act_bf16(p, x, padded);
  else
    wb_norm_act_f32(p, x, padded);
}

void wb_net_space_to_depth(WbNet net, const WbShuffle *s, const float *x, const uint8_t *mask, void *y) {
  if (net->context->bf16)
    wb_space_to_depth_bf16(s, x, mask, y);
  else
    wb_space_to_depth(s, x, mask, y);
}

/** What does not depend on t. stat (nz, nyl, nxl, in_static) in; mask (nz, nyl, nxl) in: 1 = fluid, copied. stat counts
 * as 0 in buildings. Collective. */
PetscErrorCode wb_net_condition(WbNet net, const float *stat, const uint8_t *mask) {
  PetscFunctionBeginUser;
  const WbNetConfig *c = &net->config;
  const WbNetLevel *l1 = &net->l1, *l2 = &net->l2;
  const WbShuffle in = {l1->d, l1->h, l1->w, c->in_static, 0};
  const WbNormAct act = {l1->d, l1->h, l1->w, c->cond_width1, false, net->ones, net->zeros};
  memcpy(net->mask, mask, 8 * l1->n);
  wb_net_space_to_depth(net, &in, stat, net->mask, net->stat_in);
  PetscCall(wb_conv_forward(net->cond_stem1.conv, net->stat_in, net->stat_y));
  PetscCall(wb_net_norm_act_exchange(net, &act, net->cond.halo1, net->stat_y, net->stat_act));
  PetscCall(wb_conv_forward(net->cond_stem2.conv, net->stat_act, net->cond.h1));
  PetscCall(wb_unet_forward(net, &net->cond, net->mean));
  if (net->context->bf16) {
    wb_to_bf16(l1->n * (size_t)c->cond_width1, net->cond.u, net->feature1_in);
    wb_to_bf16(l2->n * (size_t)c->cond_width2, net->cond.g, net->feature2_in);
  }
  PetscCall(wb_conv_forward(net->feature1.conv, net->feature1_in, net->s1));
  PetscCall(wb_conv_forward(net->feature2.conv, net->feature2_in, net->s2));
  if (net->training) {
    memset(net->ds1, 0, l1->n * (size_t)c->width1 * sizeof *net->ds1);
    memset(net->ds2, 0, l2->n * (size_t)c->width2 * sizeof *net->ds2);
  }
  net->conditioned = true;
  PetscFunctionReturn(0);
}

const float *wb_net_mean(WbNet net) {
  return net->mean;
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
  net->step.coarse = net->s2;
  PetscCall(wb_unet_forward(net, &net->step, out));
  PetscFunctionReturn(0);
}
