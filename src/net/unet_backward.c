/* The backward pass of one U-Net, written as the forward pass read from its end. Residual streams carry one gradient
 * array a level (d1, d2), which each block changes from "of its output" to "of its input". */
#include "net_internal.h"
#include <string.h>

static void clear_sums(WbNet net, int c) {
  memset(net->back.da, 0, (size_t)c * sizeof *net->back.da);
  memset(net->back.db, 0, (size_t)c * sizeof *net->back.db);
}

/* From da, db (of a = gain (1 + scale), b = shift) to the gain and, in net->back.dfilm, to (scale, shift). */
static void split_film(WbNet net, const WbUnet *u, size_t gain, int c, const float *film) {
  const float *p = wb_net_params(net) + gain;
  float *g = wb_net_grads(net) + gain;
  for (int i = 0; i < c; i++) {
    g[i] += (float)net->back.da[i] * (u->shape.timed ? 1.0F + film[i] : 1.0F);
    net->back.dfilm[i] = (float)net->back.da[i] * p[i];
    net->back.dfilm[c + i] = (float)net->back.db[i];
  }
}

static void film_back(WbNet net, const WbUnet *u, int n, size_t film_w, size_t film_b) {
  if (!u->shape.timed) return;
  float *p = wb_net_params(net), *g = wb_net_grads(net);
  wb_embed_film_back(&net->embed, p + film_w, net->back.dfilm, n, g + film_w, g + film_b);
}

static PetscErrorCode block_backward(WbNet net, const WbUnet *u, WbNetBlock *b, float *dh) {
  PetscFunctionBeginUser;
  const WbNetLevel *l = b->level;
  float *p = wb_net_params(net), *g = wb_net_grads(net);
  const float *shift = u->shape.timed ? b->film + b->c : net->zeros;
  const WbNormAct first = {l->d, l->h, l->w, b->c, true, b->scale_a, shift};
  const WbNormAct second = {l->d, l->h, l->w, b->c, true, p + b->norm2, net->zeros};
  if (net->recompute) PetscCall(wb_unet_block_inner(net, u, b));
  PetscCall(wb_net_conv_back(net, &b->conv2, b->a2, dh, net->back.dpad));
  wb_net_drop_channels_back(net, b, net->back.dpad);
  PetscCall(wb_halo_adjoint(b->halo_adjoint, net->back.dpad));
  clear_sums(net, b->c);
  wb_norm_act_back(&second, b->y1, net->back.dpad, false, net->back.dy1, net->back.da, net->back.db);
  for (int i = 0; i < b->c; i++) g[b->norm2 + (size_t)i] += (float)net->back.da[i];
  PetscCall(wb_net_conv_back(net, &b->conv1, b->a1, net->back.dy1, net->back.dpad));
  PetscCall(wb_halo_adjoint(b->halo_adjoint, net->back.dpad));
  clear_sums(net, b->c);
  wb_norm_act_back(&first, b->x, net->back.dpad, true, dh, net->back.da, net->back.db);
  split_film(net, u, b->norm1, b->c, b->film);
  film_back(net, u, 2 * b->c, b->film_w, b->film_b);
  PetscFunctionReturn(0);
}

/* The linear part of the head; with t its gate is folded into the weights: skip_w = w (1 + gate). Adds to d1. */
static PetscErrorCode head_skip_back(WbNet net, WbUnet *u) {
  PetscFunctionBeginUser;
  const int c1 = u->shape.width1, out = 8 * u->shape.out;
  const float *p = wb_net_params(net) + u->head_skip.w;
  float *g = wb_net_grads(net) + u->head_skip.w;
  memset(net->back.dskip_w, 0, (size_t)out * (size_t)c1 * sizeof *net->back.dskip_w);
  PetscCall(wb_conv_backward(u->head_skip.conv, u->u, net->back.dhead, net->back.dy1, net->back.dskip_w, NULL));
  wb_add(net->l1.n * (size_t)c1, net->back.dy1, u->d1);
  for (int i = 0; i < c1; i++) {
    double dgate = 0;
    const float factor = u->shape.timed ? 1.0F + u->film[2 * c1 + i] : 1.0F;
    for (int o = 0; o < out; o++) {
      const size_t at = (size_t)(o * c1 + i);
      dgate += (double)net->back.dskip_w[at] * (double)p[at];
      g[at] += net->back.dskip_w[at] * factor;
    }
    net->back.dfilm[2 * c1 + i] = (float)dgate;
  }
  PetscFunctionReturn(0);
}

/* Head: dout -> d1 = gradient of u. */
static PetscErrorCode head_back(WbNet net, WbUnet *u, const float *dout) {
  PetscFunctionBeginUser;
  const WbNetLevel *l = &net->l1;
  const int c1 = u->shape.width1;
  const WbShuffle shuffle = {l->d, l->h, l->w, u->shape.out, 0};
  const WbNormAct act = {l->d, l->h, l->w, c1, true, u->scale_a, u->shape.timed ? u->film + c1 : net->zeros};
  wb_space_to_depth(&shuffle, dout, net->mask, net->back.dhead);
  PetscCall(wb_net_conv_back(net, &u->head, u->head_in, net->back.dhead, net->back.dpad));
  PetscCall(wb_halo_adjoint(u->halo1_adjoint, net->back.dpad));
  clear_sums(net, c1);
  wb_norm_act_back(&act, u->u, net->back.dpad, false, u->d1, net->back.da, net->back.db);
  split_film(net, u, u->out_norm, c1, u->film);
  PetscCall(head_skip_back(net, u));
  film_back(net, u, 3 * c1, u->out_film_w, u->out_film_b);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_unet_backward(WbNet net, WbUnet *u, const float *dout) {
  PetscFunctionBeginUser;
  const WbUnetShape *s = &u->shape;
  const WbNetLevel *l2 = &net->l2;
  const WbShuffle fine = {l2->d, l2->h, l2->w, s->width1, 0};
  const int half = s->blocks1 + s->blocks2;
  PetscCall(head_back(net, u, dout));
  for (int i = u->n_blocks - 1; i >= half; i--) PetscCall(block_backward(net, u, &u->blocks[i], u->d1));
  wb_space_to_depth(&fine, u->d1, NULL, net->back.dcol);
  PetscCall(wb_net_conv_back(net, &u->up, u->up_in, net->back.dcol, u->d2));
  for (int i = half - 1; i >= s->blocks1; i--) PetscCall(block_backward(net, u, &u->blocks[i], u->d2));
  PetscCall(wb_net_conv_back(net, &u->down, u->down_in, u->d2, net->back.dcol));
  wb_depth_to_space(&fine, net->back.dcol, NULL, true, u->d1); /* d1 already holds the skip connection's part */
  for (int i = s->blocks1 - 1; i >= 0; i--) PetscCall(block_backward(net, u, &u->blocks[i], u->d1));
  PetscFunctionReturn(0);
}
