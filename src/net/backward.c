/* The backward passes: of one step, and of the condition that it shares with other steps. */
#include "net_internal.h"

PetscErrorCode wb_net_conv_back(WbNet net, const WbNetConv *conv, const void *x, const float *dy, float *dx) {
  PetscFunctionBeginUser;
  float *g = net->model->grads;
  PetscCall(wb_conv_backward(conv->conv, x, dy, dx, g + conv->w, g + conv->b));
  PetscFunctionReturn(0);
}

/** Gradients of sum(dout * out) after one wb_net_forward in training mode. dout (nz, nyl, nxl, out) in, ignored in
 * buildings; dx (nz, nyl, nxl, in_dynamic) out, 0 in buildings, or NULL. Adds this rank's part to the model's
 * gradients; those of the condition wait for wb_net_condition_backward. Collective; allocates nothing. */
PetscErrorCode wb_net_backward(WbNet net, const float *dout, float *dx) {
  PetscFunctionBeginUser;
  const WbNetConfig *c = &net->config;
  const WbNetLevel *l1 = &net->l1, *l2 = &net->l2;
  if (!net->training) SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ORDER, "wb_net_backward needs a network made for training");
  const WbShuffle in = {l1->d, l1->h, l1->w, c->in_dynamic, 1};
  PetscCall(wb_unet_backward(net, &net->step, dout, NULL, NULL));
  PetscCall(wb_net_conv_back(net, &net->step_stem, net->stem_in, net->step.d1, dx ? net->dpad : NULL));
  if (dx) {
    PetscCall(wb_halo_adjoint(net->halo_in_adjoint, net->dpad));
    wb_depth_to_space(&in, net->dpad, net->mask, false, dx);
  }
  wb_add(l1->n * (size_t)c->width1, net->step.d1, net->ds1);
  wb_add(l2->n * (size_t)c->width2, net->step.d2, net->ds2);
  wb_embed_backward(&net->embed, net->model->params, net->model->grads);
  PetscFunctionReturn(0);
}

/** Gradients through the condition: of all wb_net_backward since wb_net_condition, and of sum(dmean * wb_net_mean).
 * dmean (nz, nyl, nxl, out) in or NULL. Once a condition. Collective; allocates nothing. */
PetscErrorCode wb_net_condition_backward(WbNet net, const float *dmean) {
  PetscFunctionBeginUser;
  const WbNetConfig *c = &net->config;
  const WbNetLevel *l1 = &net->l1;
  if (!net->training || !net->conditioned)
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ORDER, "wb_net_condition_backward needs a conditioned network for training");
  const WbNormAct act = {l1->d, l1->h, l1->w, c->cond_width1, false, net->ones, net->zeros};
  PetscCall(wb_net_conv_back(net, &net->feature1, net->feature1_in, net->ds1, net->du));
  PetscCall(wb_net_conv_back(net, &net->feature2, net->feature2_in, net->ds2, net->dg));
  PetscCall(wb_unet_backward(net, &net->cond, dmean, net->du, net->dg));
  PetscCall(wb_net_conv_back(net, &net->cond_stem2, net->stat_act, net->cond.d1, net->dpad));
  PetscCall(wb_halo_adjoint(net->cond.halo1_adjoint, net->dpad));
  wb_norm_act_back(&act, net->stat_y, net->dpad, false, net->dy1, net->da, net->db);
  PetscCall(wb_net_conv_back(net, &net->cond_stem1, net->stat_in, net->dy1, NULL));
  net->conditioned = false;
  PetscFunctionReturn(0);
}
