/* The backward passes: of one step, and of the condition that it shares with other steps. */
#include "net_internal.h"

PetscErrorCode wb_net_conv_back(WbNet net, const WbNetConv *conv, const void *x, const float *dy, float *dx) {
  PetscFunctionBeginUser;
  float *g = wb_net_grads(net);
  PetscCall(wb_conv_backward(conv->conv, x, dy, dx, g + conv->w, g + conv->b));
  PetscFunctionReturn(0);
}

/** Gradients of sum(dout * out) after one wb_net_forward in training mode. dout (nz, nyl, nxl, out) in, ignored in
 * buildings; dx (nz, nyl, nxl, in_dynamic) out, 0 in buildings, or NULL. Adds this rank's part to the model's
 * gradients; those of the condition wait for wb_net_condition_backward. Collective; allocates nothing. */
PetscErrorCode wb_net_backward(WbNet net, const float *dout, float *dx) {
  PetscFunctionBeginUser;
  const WbNetConfig *c = &net->config;
  const WbNetLevel *l1 = &net->l1;
  if (!net->training) SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ORDER, "wb_net_backward needs a network made for training");
  const WbShuffle in = {l1->d, l1->h, l1->w, c->in_dynamic, 1};
  PetscCall(wb_unet_backward(net, &net->step, dout));
  PetscCall(wb_net_conv_back(net, &net->step_stem, net->stem_in, net->step.d1, dx ? net->back.dpad : NULL));
  if (dx) {
    PetscCall(wb_halo_adjoint(net->halo_in_adjoint, net->back.dpad));
    wb_depth_to_space(&in, net->back.dpad, net->mask, false, dx);
  }
  wb_add(l1->n * (size_t)c->width1, net->step.d1, net->back.ds1);
  wb_embed_backward(&net->embed, net->model->params, net->model->grads);
  PetscFunctionReturn(0);
}

/* Back through two stems: dh -> the gradients of their parameters. */
static PetscErrorCode stem_backward(WbNet net, const WbNetConv *stem1, const WbNetConv *stem2, WbHalo halo_adjoint,
                                    const WbNormAct *act, const void *in, const float *y, const void *padded,
                                    const float *dh) {
  PetscFunctionBeginUser;
  PetscCall(wb_net_conv_back(net, stem2, padded, dh, net->back.dpad));
  PetscCall(wb_halo_adjoint(halo_adjoint, net->back.dpad));
  wb_norm_act_back(act, y, net->back.dpad, false, net->back.dy1, net->back.da, net->back.db);
  PetscCall(wb_net_conv_back(net, stem1, in, net->back.dy1, NULL));
  PetscFunctionReturn(0);
}

/** dmean (nz, nyl, nxl, out) in, ignored in buildings; once a wb_net_mean_forward. Adds this rank's part to the model's
 * gradients. Collective; allocates nothing. */
PetscErrorCode wb_net_mean_backward(WbNet net, const float *dmean) {
  PetscFunctionBeginUser;
  const WbNetLevel *l1 = &net->l1;
  if (!net->training || net->condition.packed < 0)
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ORDER,
            "wb_net_mean_backward needs wb_net_mean_forward of a network for training");
  const WbNormAct act = {l1->d, l1->h, l1->w, net->config.cond_width1, false, net->ones, net->zeros};
  net->base = (size_t)net->condition.packed * net->cond_size;
  PetscCall(wb_unet_backward(net, &net->condition.unet, dmean));
  PetscCall(stem_backward(net, &net->condition.stem1, &net->condition.stem2, net->condition.unet.halo1_adjoint, &act,
                          net->condition.stat_in, net->condition.stat_y, net->condition.stat_act,
                          net->condition.unet.d1));
  net->base = 0;
  PetscFunctionReturn(0);
}

/** Of all wb_net_backward since wb_net_condition. Once a condition. Collective; allocates nothing. */
PetscErrorCode wb_net_condition_backward(WbNet net) {
  PetscFunctionBeginUser;
  const WbNetLevel *l1 = &net->l1;
  if (!net->training || !net->conditioned)
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ORDER, "wb_net_condition_backward needs a conditioned network for training");
  const WbNormAct act = {l1->d, l1->h, l1->w, net->config.width1, false, net->ones, net->zeros};
  PetscCall(stem_backward(net, &net->condition.guide_stem1, &net->condition.guide_stem2, net->step.halo1_adjoint, &act,
                          net->condition.guide_in, net->condition.guide_y, net->condition.guide_act, net->back.ds1));
  net->conditioned = false;
  PetscFunctionReturn(0);
}
