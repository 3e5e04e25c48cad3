/* The backward pass, written as the forward pass read from its end. Residual streams carry one gradient array a level
 * (d1, d2), which each block changes from "of its output" to "of its input". */
#include "net_internal.h"
#include <string.h>

static void clear_sums(WbNet net, int c) {
  memset(net->da, 0, (size_t)c * sizeof *net->da);
  memset(net->db, 0, (size_t)c * sizeof *net->db);
}

/* From da, db (of a = gain (1 + scale), b = shift) to the gain and, in net->dfilm, to (scale, shift). */
static void split_film(WbNet net, size_t gain, int c, const float *film) {
  const float *p = net->model->params + gain;
  float *g = net->model->grads + gain;
  for (int i = 0; i < c; i++) {
    g[i] += (float)net->da[i] * (1.0F + film[i]);
    net->dfilm[i] = (float)net->da[i] * p[i];
    net->dfilm[c + i] = (float)net->db[i];
  }
}

static PetscErrorCode conv_back(WbNet net, const WbNetConv *conv, const void *x, const float *dy, float *dx) {
  PetscFunctionBeginUser;
  float *g = net->model->grads;
  PetscCall(wb_conv_backward(conv->conv, x, dy, dx, g + conv->w, g + conv->b));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_block_backward(WbNet net, WbNetBlock *b, float *dh) {
  PetscFunctionBeginUser;
  const WbNetLevel *l = b->level;
  float *p = net->model->params, *g = net->model->grads;
  const WbNormAct first = {l->d, l->h, l->w, b->c, true, b->scale_a, b->film + b->c};
  const WbNormAct second = {l->d, l->h, l->w, b->c, true, p + b->norm2, net->zeros};
  PetscCall(conv_back(net, &b->conv2, b->a2, dh, net->dpad));
  PetscCall(wb_halo_adjoint(b->halo_adjoint, net->dpad));
  clear_sums(net, b->c);
  wb_norm_act_back(&second, b->y1, net->dpad, false, net->dy1, net->da, net->db);
  for (int i = 0; i < b->c; i++) g[b->norm2 + (size_t)i] += (float)net->da[i];
  PetscCall(conv_back(net, &b->conv1, b->a1, net->dy1, net->dpad));
  PetscCall(wb_halo_adjoint(b->halo_adjoint, net->dpad));
  clear_sums(net, b->c);
  wb_norm_act_back(&first, b->x, net->dpad, true, dh, net->da, net->db);
  split_film(net, b->norm1, b->c, b->film);
  wb_embed_film_back(&net->embed, p + b->film_w, net->dfilm, 2 * b->c, g + b->film_w, g + b->film_b);
  PetscFunctionReturn(0);
}

/* Head: dout -> d1 = gradient of u. */
static PetscErrorCode head_back(WbNet net, const float *dout) {
  PetscFunctionBeginUser;
  const WbNetConfig *c = &net->config;
  const WbNetLevel *l = &net->l1;
  const int c1 = c->width1, out = 8 * c->out;
  float *p = net->model->params, *g = net->model->grads;
  const WbShuffle shuffle = {l->d, l->h, l->w, c->out, 0};
  const WbNormAct act = {l->d, l->h, l->w, c1, true, net->scale_a, net->film + c1};
  wb_space_to_depth(&shuffle, dout, net->mask, net->dhead);
  PetscCall(conv_back(net, &net->head, net->head_in, net->dhead, net->dpad));
  PetscCall(wb_halo_adjoint(net->halo1_adjoint, net->dpad));
  clear_sums(net, c1);
  wb_norm_act_back(&act, net->u, net->dpad, false, net->d1, net->da, net->db);
  split_film(net, net->out_norm, c1, net->film);
  memset(net->dskip_w, 0, (size_t)out * (size_t)c1 * sizeof *net->dskip_w);
  PetscCall(wb_conv_backward(net->head_skip.conv, net->u, net->dhead, net->dy1, net->dskip_w, NULL));
  wb_add(l->n * (size_t)c1, net->dy1, net->d1);
  for (int i = 0; i < c1; i++) { /* the gate is folded into the weights: skip_w = w (1 + gate) */
    double dgate = 0;
    for (int o = 0; o < out; o++) {
      const size_t at = net->head_skip.w + (size_t)(o * c1 + i);
      dgate += (double)net->dskip_w[o * c1 + i] * (double)p[at];
      g[at] += net->dskip_w[o * c1 + i] * (1.0F + net->film[2 * c1 + i]);
    }
    net->dfilm[2 * c1 + i] = (float)dgate;
  }
  wb_embed_film_back(&net->embed, p + net->out_film_w, net->dfilm, 3 * c1, g + net->out_film_w, g + net->out_film_b);
  PetscFunctionReturn(0);
}

/* Static branch: d1, d2 are the gradients of s1, s2. */
static PetscErrorCode condition_back(WbNet net) {
  PetscFunctionBeginUser;
  const WbNetConfig *c = &net->config;
  const WbNetLevel *l1 = &net->l1, *l2 = &net->l2;
  const WbShuffle fine = {l2->d, l2->h, l2->w, c->width1, 0};
  const WbNormAct act = {l1->d, l1->h, l1->w, c->width1, false, net->ones, net->zeros};
  PetscCall(conv_back(net, &net->stat_down, net->stat_fine, net->d2, net->dcol));
  wb_depth_to_space(&fine, net->dcol, NULL, true, net->d1);
  PetscCall(conv_back(net, &net->stat2, net->stat_act, net->d1, net->dpad));
  PetscCall(wb_halo_adjoint(net->halo1_adjoint, net->dpad));
  wb_norm_act_back(&act, net->stat_y, net->dpad, false, net->dy1, net->da, net->db);
  PetscCall(conv_back(net, &net->stat1, net->stat_in, net->dy1, NULL));
  PetscFunctionReturn(0);
}

/** Gradients of sum(dout * out) after one wb_net_forward in training mode. dout (nz, nyl, nxl, out) in, ignored in
 * buildings; dx (nz, nyl, nxl, in_dynamic) out, 0 in buildings, or NULL. Adds this rank's part to the model's
 * gradients. Collective; allocates nothing. */
PetscErrorCode wb_net_backward(WbNet net, const float *dout, float *dx) {
  PetscFunctionBeginUser;
  const WbNetConfig *c = &net->config;
  const WbNetLevel *l1 = &net->l1, *l2 = &net->l2;
  if (!net->training) SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ORDER, "wb_net_backward needs a network made for training");
  const WbShuffle in = {l1->d, l1->h, l1->w, c->in_dynamic, 1}, fine = {l2->d, l2->h, l2->w, c->width1, 0};
  const int half = c->blocks1 + c->blocks2;
  PetscCall(head_back(net, dout));
  for (int i = net->n_blocks - 1; i >= half; i--) PetscCall(wb_block_backward(net, &net->blocks[i], net->d1));
  wb_space_to_depth(&fine, net->d1, NULL, net->dcol);
  PetscCall(conv_back(net, &net->up, net->up_in, net->dcol, net->d2));
  for (int i = half - 1; i >= c->blocks1; i--) PetscCall(wb_block_backward(net, &net->blocks[i], net->d2));
  PetscCall(conv_back(net, &net->down, net->down_in, net->d2, net->dcol));
  wb_depth_to_space(&fine, net->dcol, NULL, true, net->d1); /* d1 already holds the skip connection's part */
  for (int i = c->blocks1 - 1; i >= 0; i--) PetscCall(wb_block_backward(net, &net->blocks[i], net->d1));
  PetscCall(conv_back(net, &net->stem, net->stem_in, net->d1, dx ? net->dpad : NULL));
  if (dx) {
    PetscCall(wb_halo_adjoint(net->halo_in_adjoint, net->dpad));
    wb_depth_to_space(&in, net->dpad, net->mask, false, dx);
  }
  PetscCall(condition_back(net));
  wb_embed_backward(&net->embed, net->model->params, net->model->grads);
  PetscFunctionReturn(0);
}
