/* The forward pass of one U-Net. At each 3^3 convolution: write the interior of its padded input, exchange the halo,
 * convolve. */
#include "net_internal.h"
#include <string.h>

/* film (n) of t with its leading (scale, shift), and a = gain (1 + scale); without t: a = gain, shift = 0. */
static const float *film_of_t(WbNet net, const WbUnet *u, const size_t film[2], int n, size_t gain, int c, float *out,
                              float *a) {
  const float *p = wb_net_params(net);
  if (!u->shape.timed) {
    memcpy(a, p + gain, (size_t)c * sizeof *a);
    return net->zeros;
  }
  wb_embed_film(&net->embed, p + film[0], p + film[1], n, out);
  for (int i = 0; i < c; i++) a[i] = p[gain + (size_t)i] * (1.0F + out[i]);
  return out + c;
}

PetscErrorCode wb_unet_block_inner(WbNet net, const WbUnet *u, const WbNetBlock *b) {
  PetscFunctionBeginUser;
  const WbNetLevel *l = b->level;
  const float *shift = u->shape.timed ? b->film + b->c : net->zeros;
  const WbNormAct first = {l->d, l->h, l->w, b->c, true, b->scale_a, shift};
  const WbNormAct second = {l->d, l->h, l->w, b->c, true, wb_net_params(net) + b->norm2, net->zeros};
  PetscCall(wb_net_norm_act_exchange(net, &first, b->halo, b->x, b->a1));
  PetscCall(wb_conv_forward(b->conv1.conv, b->a1, b->y1));
  PetscCall(wb_net_norm_act_exchange(net, &second, b->halo, b->y1, b->a2));
  wb_net_drop_channels(net, b, b->a2);
  PetscFunctionReturn(0);
}

/* out = x + conv2(silu(norm2(conv1(silu(film_t(norm1(x))))))) */
static PetscErrorCode block_forward(WbNet net, const WbUnet *u, WbNetBlock *b) {
  PetscFunctionBeginUser;
  const size_t film[2] = {b->film_w, b->film_b};
  film_of_t(net, u, film, 2 * b->c, b->norm1, b->c, b->film, b->scale_a);
  PetscCall(wb_unet_block_inner(net, u, b));
  if (b->out != b->x) memcpy(b->out, b->x, b->level->n * (size_t)b->c * sizeof *b->x);
  PetscCall(wb_conv_forward(b->conv2.conv, b->a2, b->out));
  PetscFunctionReturn(0);
}

/* From the finest residual stream to the output: head = conv3(silu(film_t(norm(u)))) + (skip (1 + gate_t)) u, where the
 * linear second part carries the magnitude that the norm removes. */
static PetscErrorCode head(WbNet net, WbUnet *u, float *out) {
  PetscFunctionBeginUser;
  const WbNetLevel *l = &net->l1;
  const int c1 = u->shape.width1;
  const size_t film[2] = {u->out_film_w, u->out_film_b};
  const float *shift = film_of_t(net, u, film, 3 * c1, u->out_norm, c1, u->film, u->scale_a);
  if (u->shape.timed) {
    const float *gate = u->film + 2 * c1, *w = wb_net_params(net) + u->head_skip.w;
    for (int o = 0; o < 8 * u->shape.out; o++)
      for (int i = 0; i < c1; i++) u->skip_w[o * c1 + i] = w[o * c1 + i] * (1.0F + gate[i]);
    PetscCall(wb_conv_weights(u->head_skip.conv, u->skip_w, NULL));
  }
  const WbNormAct act = {l->d, l->h, l->w, c1, true, u->scale_a, shift};
  PetscCall(wb_net_norm_act_exchange(net, &act, u->halo1, u->u, u->head_in));
  PetscCall(wb_conv_forward(u->head.conv, u->head_in, u->head_y));
  PetscCall(wb_conv_forward(u->head_skip.conv, u->u, u->head_y));
  const WbShuffle shuffle = {l->d, l->h, l->w, u->shape.out, 0};
  wb_depth_to_space(&shuffle, u->head_y, net->mask, false, out);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_unet_forward(WbNet net, WbUnet *u, float *out) {
  PetscFunctionBeginUser;
  const WbUnetShape *s = &u->shape;
  const WbNetLevel *l1 = &net->l1, *l2 = &net->l2;
  const WbShuffle fine = {l2->d, l2->h, l2->w, s->width1, 0};
  const size_t n1 = l1->n * (size_t)s->width1, n2 = l2->n * (size_t)s->width2;
  const int half = s->blocks1 + s->blocks2;
  for (int i = 0; i < s->blocks1; i++) PetscCall(block_forward(net, u, &u->blocks[i]));
  wb_net_space_to_depth(net, &fine, u->skip, NULL, u->down_in);
  PetscCall(wb_conv_forward(u->down.conv, u->down_in, u->h2));
  for (int i = s->blocks1; i < half; i++) PetscCall(block_forward(net, u, &u->blocks[i]));
  if (net->context->bf16) wb_to_bf16(n2, u->g, u->up_in);
  PetscCall(wb_conv_forward(u->up.conv, u->up_in, u->up_y));
  if (u->h3 != u->skip) memcpy(u->h3, u->skip, n1 * sizeof *u->h3);
  wb_depth_to_space(&fine, u->up_y, NULL, true, u->h3);
  for (int i = half; i < u->n_blocks; i++) PetscCall(block_forward(net, u, &u->blocks[i]));
  PetscCall(head(net, u, out));
  PetscFunctionReturn(0);
}
