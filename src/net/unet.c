/* One U-Net of the network on its two levels: convolutions, halos and buffers, all made here once. The passes:
 * unet_forward.c, unet_backward.c. */
#include "net_internal.h"
#include <stdio.h>
#include <string.h>

static PetscErrorCode offset_of(WbNet net, const WbUnet *u, const char *name, size_t *offset) {
  char full[WB_NET_NAME_MAX];
  PetscFunctionBeginUser;
  snprintf(full, sizeof full, "%.15s.%.40s", u->shape.prefix, name);
  PetscCall(wb_model_offset(net->model, full, offset));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_convs(WbNet net, WbUnet *u) {
  PetscFunctionBeginUser;
  const int c1 = u->shape.width1, c2 = u->shape.width2, out = 8 * u->shape.out;
  const struct {
    const WbNetLevel *level;
    const char *name;
    WbConvShape shape;
    bool bias;
    WbNetConv *conv;
  } list[] = {
      {&net->l2,
       "down",
       {
           .k = 1,
           .ci = 8 * c1,
           .co = c2,
       },
       true,
       &u->down},
      {&net->l2, "up", {.k = 1, .ci = c2, .co = 8 * c1}, true, &u->up},
      {&net->l1, "head", {.k = 3, .ci = c1, .co = out}, true, &u->head},
      {&net->l1, "head_skip", {.k = 1, .ci = c1, .co = out, .accumulate = true, .fp32 = true}, false, &u->head_skip},
  };
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    char full[WB_NET_NAME_MAX];
    snprintf(full, sizeof full, "%s.%s", u->shape.prefix, list[i].name);
    PetscCall(wb_net_make_conv(net, list[i].level, full, list[i].shape, list[i].bias, list[i].conv));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode block_parameters(WbNet net, WbUnet *u, int index) {
  WbNetBlock *b = &u->blocks[index];
  const struct {
    const char *name;
    size_t *offset;
    bool timed;
  } list[] = {{"norm1.weight", &b->norm1, false},
              {"norm2.weight", &b->norm2, false},
              {"film.weight", &b->film_w, true},
              {"film.bias", &b->film_b, true}};
  char name[WB_NET_NAME_MAX];
  PetscFunctionBeginUser;
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    if (list[i].timed && !u->shape.timed) continue;
    snprintf(name, sizeof name, "blocks.%d.%s", index, list[i].name);
    PetscCall(offset_of(net, u, name, list[i].offset));
  }
  const WbConvShape shape = {.k = 3, .ci = b->c, .co = b->c};
  WbConvShape shape2 = shape;
  shape2.accumulate = true;
  snprintf(name, sizeof name, "%s.blocks.%d.conv1", u->shape.prefix, index);
  PetscCall(wb_net_make_conv(net, b->level, name, shape, true, &b->conv1));
  snprintf(name, sizeof name, "%s.blocks.%d.conv2", u->shape.prefix, index);
  PetscCall(wb_net_make_conv(net, b->level, name, shape2, true, &b->conv2));
  PetscFunctionReturn(0);
}

/* What a block makes of its input: of its own in training, else shared with the block before it on the level. */
static PetscErrorCode make_inner(WbNet net, WbNetBlock *b, const WbNetBlock *previous) {
  PetscFunctionBeginUser;
  const size_t element = wb_conv_element(net->context), padded = wb_net_padded(b->level, b->c);
  if (previous && (!net->training || net->recompute)) {
    b->y1 = previous->y1;
    b->a1 = previous->a1;
    b->a2 = previous->a2;
    PetscFunctionReturn(0);
  }
  PetscCall(wb_net_buffer(net, b->level->n * (size_t)b->c, sizeof(float), &b->y1));
  PetscCall(wb_net_buffer(net, padded, element, &b->a1));
  b->a2 = b->a1;
  if (net->training) PetscCall(wb_net_buffer(net, padded, element, &b->a2));
  PetscFunctionReturn(0);
}

/* The first block of the level, if it has been made. */
static const WbNetBlock *mate(const WbUnet *u, int index) {
  const bool coarse = wb_unet_block_is_coarse(&u->shape, index);
  for (int i = 0; i < index; i++)
    if (wb_unet_block_is_coarse(&u->shape, i) == coarse) return &u->blocks[i];
  return NULL;
}

/* Residual streams: in training each block keeps its input, otherwise all blocks of a level work in one array. */
static PetscErrorCode make_block(WbNet net, WbUnet *u, int index, float *x) {
  PetscFunctionBeginUser;
  WbNetBlock *b = &u->blocks[index];
  const bool coarse = wb_unet_block_is_coarse(&u->shape, index);
  b->level = coarse ? &net->l2 : &net->l1;
  b->halo = coarse ? u->halo2 : u->halo1;
  b->halo_adjoint = coarse ? u->halo2_adjoint : u->halo1_adjoint;
  b->c = coarse ? u->shape.width2 : u->shape.width1;
  b->x = x;
  PetscCall(make_inner(net, b, mate(u, index)));
  b->out = x;
  if (net->training) {
    PetscCall(wb_net_buffer(net, b->level->n * (size_t)b->c, sizeof(float), &b->out));
    PetscCall(wb_net_buffer(net, (size_t)b->c, sizeof(float), &b->drop));
  }
  PetscCall(wb_net_buffer(net, 2 * (size_t)b->c, sizeof(float), &b->film));
  PetscCall(wb_net_buffer(net, (size_t)b->c, sizeof(float), &b->scale_a));
  PetscCall(block_parameters(net, u, index));
  PetscFunctionReturn(0);
}

/* h: the stream's first array; last out: its last. */
static PetscErrorCode make_chain(WbNet net, WbUnet *u, int first, int n, float *h, float **last) {
  PetscFunctionBeginUser;
  for (int i = first; i < first + n; i++) {
    PetscCall(make_block(net, u, i, h));
    h = u->blocks[i].out;
  }
  *last = h;
  PetscFunctionReturn(0);
}

static PetscErrorCode make_streams(WbNet net, WbUnet *u) {
  PetscFunctionBeginUser;
  const WbUnetShape *s = &u->shape;
  const size_t n1 = net->l1.n * (size_t)s->width1, n2 = net->l2.n * (size_t)s->width2, f = sizeof(float);
  PetscCall(wb_net_buffer(net, n1, f, &u->h1));
  PetscCall(make_chain(net, u, 0, s->blocks1, u->h1, &u->skip));
  PetscCall(wb_net_buffer(net, n2, f, &u->h2));
  PetscCall(make_chain(net, u, s->blocks1, s->blocks2, u->h2, &u->g));
  u->h3 = u->skip;
  if (net->training) PetscCall(wb_net_buffer(net, n1, f, &u->h3));
  PetscCall(make_chain(net, u, s->blocks1 + s->blocks2, s->blocks1, u->h3, &u->u));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_buffers(WbNet net, WbUnet *u) {
  PetscFunctionBeginUser;
  const WbUnetShape *s = &u->shape;
  const size_t n1 = net->l1.n, n2 = net->l2.n, e = wb_conv_element(net->context), f = sizeof(float);
  const size_t c1 = (size_t)s->width1, c2 = (size_t)s->width2;
  PetscCall(wb_net_buffer(net, n1 * c1, e, &u->down_in));
  PetscCall(wb_net_buffer(net, n1 * c1, f, &u->up_y));
  PetscCall(wb_net_buffer(net, wb_net_padded(&net->l1, s->width1), e, &u->head_in));
  PetscCall(wb_net_buffer(net, n1 * 8 * (size_t)s->out, f, &u->head_y));
  PetscCall(wb_net_buffer(net, 3 * c1, f, &u->film));
  PetscCall(wb_net_buffer(net, c1, f, &u->scale_a));
  PetscCall(wb_net_buffer(net, 8 * (size_t)s->out * c1, f, &u->skip_w));
  PetscCall(make_streams(net, u));
  u->up_in = u->g;
  if (e != f) PetscCall(wb_net_buffer(net, n2 * c2, e, &u->up_in));
  if (net->training) {
    PetscCall(wb_net_buffer(net, n1 * c1, f, &u->d1));
    PetscCall(wb_net_buffer(net, n2 * c2, f, &u->d2));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_unet_create(WbNet net, const WbUnetShape *shape, WbUnet *u) {
  PetscFunctionBeginUser;
  u->shape = *shape;
  u->n_blocks = wb_unet_block_count(shape);
  PetscCall(WB_CALLOC(u->n_blocks > 0 ? u->n_blocks : 1, &u->blocks));
  PetscCall(wb_net_make_halo(net, &net->l1, shape->width1, &u->halo1, &u->halo1_adjoint));
  PetscCall(wb_net_make_halo(net, &net->l2, shape->width2, &u->halo2, &u->halo2_adjoint));
  PetscCall(make_convs(net, u));
  PetscCall(make_buffers(net, u));
  PetscCall(offset_of(net, u, "out_norm.weight", &u->out_norm));
  if (shape->timed) {
    PetscCall(offset_of(net, u, "out_film.weight", &u->out_film_w));
    PetscCall(offset_of(net, u, "out_film.bias", &u->out_film_b));
  }
  PetscFunctionReturn(0);
}

void wb_unet_destroy(WbUnet *u) {
  WbNetConv *convs[] = {&u->down, &u->up, &u->head, &u->head_skip};
  for (size_t i = 0; i < sizeof convs / sizeof *convs; i++) wb_conv_destroy(&convs[i]->conv);
  for (int i = 0; u->blocks && i < u->n_blocks; i++) {
    wb_conv_destroy(&u->blocks[i].conv1.conv);
    wb_conv_destroy(&u->blocks[i].conv2.conv);
  }
  WbHalo *halos[] = {&u->halo1, &u->halo1_adjoint, &u->halo2, &u->halo2_adjoint};
  for (size_t i = 0; i < sizeof halos / sizeof *halos; i++) wb_halo_destroy(halos[i]);
  WB_FREE(&u->blocks);
}

PetscErrorCode wb_unet_repack(WbNet net, WbUnet *u) {
  PetscFunctionBeginUser;
  const WbNetConv *convs[] = {&u->down, &u->up, &u->head};
  for (size_t i = 0; i < sizeof convs / sizeof *convs; i++) PetscCall(wb_net_repack(net, convs[i], true));
  if (!u->shape.timed) PetscCall(wb_net_repack(net, &u->head_skip, false)); /* else its weights depend on t */
  for (int i = 0; i < u->n_blocks; i++) {
    PetscCall(wb_net_repack(net, &u->blocks[i].conv1, true));
    PetscCall(wb_net_repack(net, &u->blocks[i].conv2, true));
  }
  PetscFunctionReturn(0);
}
