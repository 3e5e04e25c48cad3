/* The forward pass. At each 3^3 convolution: write the interior of its padded input, exchange the halo, convolve. */
#include "net_internal.h"
#include <string.h>

static void norm_act(WbNet net, const WbNormAct *p, const float *x, void *padded) {
  if (net->context->bf16)
    wb_norm_act_bf16(p, x, padded);
  else
    wb_norm_act_f32(p, x, padded);
}

static void space_to_depth(WbNet net, const WbShuffle *s, const float *x, const uint8_t *mask, void *y) {
  if (net->context->bf16)
    wb_space_to_depth_bf16(s, x, mask, y);
  else
    wb_space_to_depth(s, x, mask, y);
}

/* film (scale, shift) of t, and a = gain (1 + scale). */
static void film_of_t(WbNet net, size_t film_w, size_t film_b, size_t gain, int c, int n, float *film, float *a) {
  const float *p = net->model->params;
  wb_embed_film(&net->embed, p + film_w, p + film_b, n, film);
  for (int i = 0; i < c; i++) a[i] = p[gain + (size_t)i] * (1.0F + film[i]);
}

/* out = x + conv2(silu(norm2(conv1(silu(film_t(norm1(x))))))) */
PetscErrorCode wb_block_forward(WbNet net, WbNetBlock *b) {
  PetscFunctionBeginUser;
  const WbNetLevel *l = b->level;
  WbNormAct first = {l->d, l->h, l->w, b->c, true, b->scale_a, b->film + b->c};
  WbNormAct second = {l->d, l->h, l->w, b->c, true, net->model->params + b->norm2, net->zeros};
  film_of_t(net, b->film_w, b->film_b, b->norm1, b->c, 2 * b->c, b->film, b->scale_a);
  norm_act(net, &first, b->x, b->a1);
  PetscCall(wb_halo_exchange(b->halo, b->a1));
  PetscCall(wb_conv_forward(b->conv1.conv, b->a1, b->y1));
  norm_act(net, &second, b->y1, b->a2);
  PetscCall(wb_halo_exchange(b->halo, b->a2));
  if (b->out != b->x) memcpy(b->out, b->x, l->n * (size_t)b->c * sizeof *b->x);
  PetscCall(wb_conv_forward(b->conv2.conv, b->a2, b->out));
  PetscFunctionReturn(0);
}

/** The t-independent branch of one shot. stat (nz, nyl, nxl, in_static) in; mask (nz, nyl, nxl) in: 1 = fluid, copied.
 * stat counts as 0 in buildings. Collective. */
PetscErrorCode wb_net_condition(WbNet net, const float *stat, const uint8_t *mask) {
  PetscFunctionBeginUser;
  const WbNetConfig *c = &net->config;
  const WbNetLevel *l1 = &net->l1, *l2 = &net->l2;
  memcpy(net->mask, mask, 8 * l1->n);
  const WbShuffle in = {l1->d, l1->h, l1->w, c->in_static, 0}, fine = {l2->d, l2->h, l2->w, c->width1, 0};
  space_to_depth(net, &in, stat, net->mask, net->stat_in);
  PetscCall(wb_conv_forward(net->stat1.conv, net->stat_in, net->stat_y));
  const WbNormAct act = {l1->d, l1->h, l1->w, c->width1, false, net->ones, net->zeros};
  norm_act(net, &act, net->stat_y, net->stat_act);
  PetscCall(wb_halo_exchange(net->halo1, net->stat_act));
  PetscCall(wb_conv_forward(net->stat2.conv, net->stat_act, net->s1));
  space_to_depth(net, &fine, net->s1, NULL, net->stat_fine);
  PetscCall(wb_conv_forward(net->stat_down.conv, net->stat_fine, net->s2));
  net->conditioned = true;
  PetscFunctionReturn(0);
}

/* From the finest residual stream to the output: head = conv3(silu(film_t(norm(u)))) + (skip (1 + gate_t)) u, where the
 * linear second part carries the magnitude that the norm removes. */
static PetscErrorCode head(WbNet net, float *out) {
  PetscFunctionBeginUser;
  const WbNetConfig *c = &net->config;
  const WbNetLevel *l = &net->l1;
  const int c1 = c->width1;
  film_of_t(net, net->out_film_w, net->out_film_b, net->out_norm, c1, 3 * c1, net->film, net->scale_a);
  const float *gate = net->film + 2 * c1, *w = net->model->params + net->head_skip.w;
  for (int o = 0; o < 8 * c->out; o++)
    for (int i = 0; i < c1; i++) net->skip_w[o * c1 + i] = w[o * c1 + i] * (1.0F + gate[i]);
  PetscCall(wb_conv_weights(net->head_skip.conv, net->skip_w, NULL));
  const WbNormAct act = {l->d, l->h, l->w, c1, true, net->scale_a, net->film + c1};
  norm_act(net, &act, net->u, net->head_in);
  PetscCall(wb_halo_exchange(net->halo1, net->head_in));
  PetscCall(wb_conv_forward(net->head.conv, net->head_in, net->head_y));
  PetscCall(wb_conv_forward(net->head_skip.conv, net->u, net->head_y));
  const WbShuffle shuffle = {l->d, l->h, l->w, c->out, 0};
  wb_depth_to_space(&shuffle, net->head_y, net->mask, false, out);
  PetscFunctionReturn(0);
}

/** One evaluation. t in [0, 1] in; x (nz, nyl, nxl, in_dynamic) in, counts as 0 in buildings; out (nz, nyl, nxl, out)
 * out, 0 in buildings. After wb_net_condition. Collective; allocates nothing. */
PetscErrorCode wb_net_forward(WbNet net, double t, const float *x, float *out) {
  PetscFunctionBeginUser;
  const WbNetConfig *c = &net->config;
  const WbNetLevel *l1 = &net->l1, *l2 = &net->l2;
  if (!net->conditioned)
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ORDER, "wb_net_condition must come first, and after every change of parameters");
  const WbShuffle in = {l1->d, l1->h, l1->w, c->in_dynamic, 1}, fine = {l2->d, l2->h, l2->w, c->width1, 0};
  const int half = c->blocks1 + c->blocks2;
  wb_embed_forward(&net->embed, net->model->params, t);
  space_to_depth(net, &in, x, net->mask, net->stem_in);
  PetscCall(wb_halo_exchange(net->halo_in, net->stem_in));
  memcpy(net->h1, net->s1, l1->n * (size_t)c->width1 * sizeof *net->h1);
  PetscCall(wb_conv_forward(net->stem.conv, net->stem_in, net->h1));
  for (int i = 0; i < c->blocks1; i++) PetscCall(wb_block_forward(net, &net->blocks[i]));
  space_to_depth(net, &fine, net->skip, NULL, net->down_in);
  memcpy(net->h2, net->s2, l2->n * (size_t)c->width2 * sizeof *net->h2);
  PetscCall(wb_conv_forward(net->down.conv, net->down_in, net->h2));
  for (int i = c->blocks1; i < half; i++) PetscCall(wb_block_forward(net, &net->blocks[i]));
  if (net->context->bf16) wb_to_bf16(l2->n * (size_t)c->width2, net->g, net->up_in);
  PetscCall(wb_conv_forward(net->up.conv, net->up_in, net->up_y));
  if (net->h3 != net->skip) memcpy(net->h3, net->skip, l1->n * (size_t)c->width1 * sizeof *net->h3);
  wb_depth_to_space(&fine, net->up_y, NULL, true, net->h3);
  for (int i = half; i < net->n_blocks; i++) PetscCall(wb_block_forward(net, &net->blocks[i]));
  PetscCall(head(net, out));
  PetscFunctionReturn(0);
}
