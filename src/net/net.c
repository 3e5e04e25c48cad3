/* The U-Net bound to a grid: levels, convolutions, halos and buffers, all made here once. The passes: forward.c,
 * backward.c. */
#include "net_internal.h"
#include <stdio.h>
#include <string.h>

PetscErrorCode wb_net_buffer(WbNet net, size_t n, size_t element, void *out) {
  PetscFunctionBeginUser;
  if (net->n_owned >= (int)(sizeof net->owned / sizeof *net->owned))
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_PLIB, "more network buffers than expected");
  void *p = NULL;
  PetscCall(wb_calloc_bytes(n * element, "network buffer", &p)); /* zero: ghosts beyond the domain stay so */
  net->owned[net->n_owned++] = p;
  memcpy(out, &p, sizeof p);
  PetscFunctionReturn(0);
}

static PetscErrorCode make_level(const WbGrid *grid, int ratio, WbNetLevel *level) {
  PetscFunctionBeginUser;
  PetscCall(wb_grid_refine(grid, -ratio, grid->nz / ratio, &level->grid));
  level->d = level->grid->nz;
  level->h = level->grid->nyl;
  level->w = level->grid->nxl;
  level->n = (size_t)level->d * (size_t)level->h * (size_t)level->w;
  PetscFunctionReturn(0);
}

static size_t padded(const WbNetLevel *l, int c) {
  return (size_t)(l->d + 2) * (size_t)(l->h + 2) * (size_t)(l->w + 2) * (size_t)c;
}

/* One convolution on a level with the model's tensors NAME.weight and NAME.bias. */
static PetscErrorCode make_conv(WbNet net, const WbNetLevel *l, const char *name, WbConvShape shape, WbNetConv *conv) {
  PetscFunctionBeginUser;
  char full[WB_NET_NAME_MAX + 16];
  shape.d = l->d;
  shape.h = l->h;
  shape.w = l->w;
  shape.training = net->training;
  snprintf(full, sizeof full, "%.48s.weight", name);
  PetscCall(wb_model_offset(net->model, full, &conv->w));
  snprintf(full, sizeof full, "%.48s.bias", name);
  if (strcmp(name, "head_skip") != 0) PetscCall(wb_model_offset(net->model, full, &conv->b));
  PetscCall(wb_conv_create(net->context, &shape, &conv->conv));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_convs(WbNet net) {
  PetscFunctionBeginUser;
  const WbNetConfig *c = &net->config;
  const int c1 = c->width1, c2 = c->width2, dyn = 8 * c->in_dynamic, stat = 8 * c->in_static, out = 8 * c->out;
  const struct {
    const WbNetLevel *level;
    const char *name;
    WbConvShape shape;
    WbNetConv *conv;
  } list[] = {
      {&net->l1, "stem", {.k = 3, .ci = dyn, .co = c1, .accumulate = true}, &net->stem},
      {&net->l1, "stat1", {.k = 1, .ci = stat, .co = c1}, &net->stat1},
      {&net->l1, "stat2", {.k = 3, .ci = c1, .co = c1}, &net->stat2},
      {&net->l2, "stat_down", {.k = 1, .ci = 8 * c1, .co = c2}, &net->stat_down},
      {&net->l2, "down", {.k = 1, .ci = 8 * c1, .co = c2, .accumulate = true}, &net->down},
      {&net->l2, "up", {.k = 1, .ci = c2, .co = 8 * c1}, &net->up},
      {&net->l1, "head", {.k = 3, .ci = c1, .co = out}, &net->head},
      {&net->l1, "head_skip", {.k = 1, .ci = c1, .co = out, .accumulate = true, .fp32 = true}, &net->head_skip},
  };
  for (size_t i = 0; i < sizeof list / sizeof *list; i++)
    PetscCall(make_conv(net, list[i].level, list[i].name, list[i].shape, list[i].conv));
  PetscFunctionReturn(0);
}

/* Residual streams: in training each block keeps its input, otherwise all blocks of a level work in one array. */
static PetscErrorCode make_block(WbNet net, int index, float *x) {
  PetscFunctionBeginUser;
  WbNetBlock *b = &net->blocks[index], *previous = index ? b - 1 : NULL;
  const bool coarse = wb_net_block_is_coarse(&net->config, index);
  const size_t element = wb_conv_element(net->context);
  char name[WB_NET_NAME_MAX];
  b->level = coarse ? &net->l2 : &net->l1;
  b->halo = coarse ? net->halo2 : net->halo1;
  b->halo_adjoint = coarse ? net->halo2_adjoint : net->halo1_adjoint;
  b->c = coarse ? net->config.width2 : net->config.width1;
  b->x = x;
  if (net->training || !previous || previous->level != b->level) {
    PetscCall(wb_net_buffer(net, b->level->n * (size_t)b->c, sizeof(float), &b->y1));
    PetscCall(wb_net_buffer(net, padded(b->level, b->c), element, &b->a1));
  } else {
    b->y1 = previous->y1;
    b->a1 = previous->a1;
  }
  b->a2 = b->a1;
  b->out = x;
  if (net->training) {
    PetscCall(wb_net_buffer(net, padded(b->level, b->c), element, &b->a2));
    PetscCall(wb_net_buffer(net, b->level->n * (size_t)b->c, sizeof(float), &b->out));
  }
  PetscCall(wb_net_buffer(net, 2 * (size_t)b->c, sizeof(float), &b->film));
  PetscCall(wb_net_buffer(net, (size_t)b->c, sizeof(float), &b->scale_a));
  snprintf(name, sizeof name, "blocks.%d.norm1.weight", index);
  PetscCall(wb_model_offset(net->model, name, &b->norm1));
  snprintf(name, sizeof name, "blocks.%d.norm2.weight", index);
  PetscCall(wb_model_offset(net->model, name, &b->norm2));
  snprintf(name, sizeof name, "blocks.%d.film.weight", index);
  PetscCall(wb_model_offset(net->model, name, &b->film_w));
  snprintf(name, sizeof name, "blocks.%d.film.bias", index);
  PetscCall(wb_model_offset(net->model, name, &b->film_b));
  const WbConvShape shape = {.k = 3, .ci = b->c, .co = b->c};
  WbConvShape shape2 = shape;
  shape2.accumulate = true;
  snprintf(name, sizeof name, "blocks.%d.conv1", index);
  PetscCall(make_conv(net, b->level, name, shape, &b->conv1));
  snprintf(name, sizeof name, "blocks.%d.conv2", index);
  PetscCall(make_conv(net, b->level, name, shape2, &b->conv2));
  PetscFunctionReturn(0);
}

/* h: the stream's first array; last out: its last. */
static PetscErrorCode make_chain(WbNet net, int first, int n, float *h, float **last) {
  PetscFunctionBeginUser;
  for (int i = first; i < first + n; i++) {
    PetscCall(make_block(net, i, h));
    h = net->blocks[i].out;
  }
  *last = h;
  PetscFunctionReturn(0);
}

static PetscErrorCode make_halos(WbNet net) {
  PetscFunctionBeginUser;
  const WbNetConfig *c = &net->config;
  const int per_float = (int)(sizeof(float) / wb_conv_element(net->context)); /* bf16 travels in pairs, as one float */
  const struct {
    const WbNetLevel *level;
    int channels;
    WbHalo *halo, *adjoint;
  } list[] = {{&net->l1, 8 * c->in_dynamic, &net->halo_in, &net->halo_in_adjoint},
              {&net->l1, c->width1, &net->halo1, &net->halo1_adjoint},
              {&net->l2, c->width2, &net->halo2, &net->halo2_adjoint}};
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    const WbNetLevel *l = list[i].level;
    PetscCall(wb_halo_create(l->grid, l->d + 2, 1, list[i].channels / per_float, WB_FP32, list[i].halo));
    if (net->training) PetscCall(wb_halo_create(l->grid, l->d + 2, 1, list[i].channels, WB_FP32, list[i].adjoint));
  }
  PetscFunctionReturn(0);
}

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

static PetscErrorCode make_buffers(WbNet net) {
  PetscFunctionBeginUser;
  const WbNetConfig *c = &net->config;
  const size_t n1 = net->l1.n, n2 = net->l2.n, e = wb_conv_element(net->context), f = sizeof(float);
  const size_t c1 = (size_t)c->width1, c2 = (size_t)c->width2, widest = larger(c1, c2);
  PetscCall(wb_net_buffer(net, 8 * n1, 1, &net->mask));
  PetscCall(wb_net_buffer(net, widest, f, &net->zeros));
  PetscCall(wb_net_buffer(net, widest, f, &net->ones));
  for (size_t i = 0; i < widest; i++) net->ones[i] = 1.0F;
  PetscCall(wb_net_buffer(net, n1 * 8 * (size_t)c->in_static, e, &net->stat_in));
  PetscCall(wb_net_buffer(net, n1 * c1, f, &net->stat_y));
  PetscCall(wb_net_buffer(net, padded(&net->l1, c->width1), e, &net->stat_act));
  PetscCall(wb_net_buffer(net, n1 * c1, f, &net->s1));
  PetscCall(wb_net_buffer(net, n1 * c1, e, &net->stat_fine));
  PetscCall(wb_net_buffer(net, n2 * c2, f, &net->s2));
  PetscCall(wb_net_buffer(net, padded(&net->l1, 8 * c->in_dynamic), e, &net->stem_in));
  PetscCall(wb_net_buffer(net, n1 * c1, e, &net->down_in));
  PetscCall(wb_net_buffer(net, n1 * c1, f, &net->up_y));
  PetscCall(wb_net_buffer(net, padded(&net->l1, c->width1), e, &net->head_in));
  PetscCall(wb_net_buffer(net, n1 * 8 * (size_t)c->out, f, &net->head_y));
  PetscCall(wb_net_buffer(net, 3 * c1, f, &net->film));
  PetscCall(wb_net_buffer(net, c1, f, &net->scale_a));
  PetscCall(wb_net_buffer(net, 8 * (size_t)c->out * c1, f, &net->skip_w));
  float *h1 = NULL, *h2 = NULL, *h3 = NULL;
  PetscCall(wb_net_buffer(net, n1 * c1, f, &h1));
  PetscCall(make_chain(net, 0, c->blocks1, h1, &net->skip));
  PetscCall(wb_net_buffer(net, n2 * c2, f, &h2));
  PetscCall(make_chain(net, c->blocks1, c->blocks2, h2, &net->g));
  h3 = net->skip;
  if (net->training) PetscCall(wb_net_buffer(net, n1 * c1, f, &h3));
  PetscCall(make_chain(net, c->blocks1 + c->blocks2, c->blocks1, h3, &net->u));
  net->h1 = h1;
  net->h2 = h2;
  net->h3 = h3;
  net->up_in = net->g;
  if (e != f) PetscCall(wb_net_buffer(net, n2 * c2, e, &net->up_in));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_gradient_buffers(WbNet net) {
  PetscFunctionBeginUser;
  const WbNetConfig *c = &net->config;
  const size_t n1 = net->l1.n, n2 = net->l2.n, f = sizeof(float), c1 = (size_t)c->width1, c2 = (size_t)c->width2;
  const size_t pad =
      larger(larger(padded(&net->l1, c->width1), padded(&net->l1, 8 * c->in_dynamic)), padded(&net->l2, c->width2));
  PetscCall(wb_net_buffer(net, n1 * c1, f, &net->d1));
  PetscCall(wb_net_buffer(net, n2 * c2, f, &net->d2));
  PetscCall(wb_net_buffer(net, larger(n1 * c1, n2 * c2), f, &net->dy1));
  PetscCall(wb_net_buffer(net, pad, f, &net->dpad));
  PetscCall(wb_net_buffer(net, n1 * c1, f, &net->dcol));
  PetscCall(wb_net_buffer(net, n1 * 8 * (size_t)c->out, f, &net->dhead));
  PetscCall(wb_net_buffer(net, 3 * larger(c1, c2), f, &net->dfilm));
  PetscCall(wb_net_buffer(net, 8 * (size_t)c->out * c1, f, &net->dskip_w));
  PetscCall(wb_net_buffer(net, larger(c1, c2), sizeof(double), &net->da));
  PetscCall(wb_net_buffer(net, larger(c1, c2), sizeof(double), &net->db));
  PetscFunctionReturn(0);
}

static PetscErrorCode check_grid(const WbGrid *grid) {
  PetscFunctionBeginUser;
  if (grid->nx % 4 || grid->ny % 4 || grid->nz % 4 || grid->nxl % 4 || grid->nyl % 4)
    WB_RAISE(WB_ERR_CONFIG, "network grid %d x %d x %d (this rank: %d x %d): every size must be a multiple of 4 cells",
             grid->nx, grid->ny, grid->nz, grid->nxl, grid->nyl);
  if (grid->periodic_x || grid->periodic_y)
    WB_RAISE_ALL(WB_ERR_CONFIG,
                 "network grid is periodic; the network pads domain edges with zeros, make it non-periodic");
  PetscFunctionReturn(0);
}

/** A network on grid's communicator. model in: borrowed, must outlive net; grid in: borrowed. training: keep
 * activations and make the backward passes. net out: caller destroys. Collective. Errors: WB_ERR_CONFIG for an unfit
 * grid or onednn_bf16 without AMX. Source: U-Net of Ronneberger et al. 2015 with residual pre-norm blocks (He et al.
 * 2016). */
PetscErrorCode wb_net_create(WbModel model, const WbGrid *grid, WbBackend backend, bool training, WbNet *net) {
  PetscFunctionBeginUser;
  PetscCall(wb_error_agree(grid->comm, check_grid(grid)));
  WbNet n = NULL;
  PetscCall(WB_CALLOC(1, &n));
  *net = n;
  n->model = model;
  n->config = model->config;
  n->grid = grid;
  n->training = training;
  PetscCall(wb_error_agree(grid->comm, wb_conv_context_create(backend, &n->context)));
  PetscCall(make_level(grid, 2, &n->l1));
  PetscCall(make_level(grid, 4, &n->l2));
  n->n_blocks = wb_net_block_count(&n->config);
  PetscCall(WB_CALLOC(n->n_blocks > 0 ? n->n_blocks : 1, &n->blocks));
  PetscCall(make_halos(n));
  PetscCall(make_convs(n));
  PetscCall(make_buffers(n));
  if (training) PetscCall(make_gradient_buffers(n));
  PetscCall(wb_embed_create(model, &n->embed));
  PetscCall(wb_model_offset(model, "out_norm.weight", &n->out_norm));
  PetscCall(wb_model_offset(model, "out_film.weight", &n->out_film_w));
  PetscCall(wb_model_offset(model, "out_film.bias", &n->out_film_b));
  PetscCall(wb_net_params_changed(n));
  PetscFunctionReturn(0);
}

void wb_net_destroy(WbNet *net) {
  WbNet n = *net;
  if (!n) return;
  WbNetConv *convs[] = {&n->stem, &n->stat1, &n->stat2, &n->stat_down, &n->down, &n->up, &n->head, &n->head_skip};
  for (size_t i = 0; i < sizeof convs / sizeof *convs; i++) wb_conv_destroy(&convs[i]->conv);
  for (int i = 0; n->blocks && i < n->n_blocks; i++) {
    wb_conv_destroy(&n->blocks[i].conv1.conv);
    wb_conv_destroy(&n->blocks[i].conv2.conv);
  }
  WbHalo *halos[] = {&n->halo_in, &n->halo_in_adjoint, &n->halo1, &n->halo1_adjoint, &n->halo2, &n->halo2_adjoint};
  for (size_t i = 0; i < sizeof halos / sizeof *halos; i++) wb_halo_destroy(halos[i]);
  for (int i = 0; i < n->n_owned; i++) WB_FREE(&n->owned[i]);
  wb_embed_destroy(&n->embed);
  WB_FREE(&n->blocks);
  wb_grid_destroy(&n->l1.grid);
  wb_grid_destroy(&n->l2.grid);
  wb_conv_context_destroy(&n->context);
  WB_FREE(net);
}

/** Repack the model's parameters for the backend. Not collective. The static branch must be run again
 * (wb_net_condition). */
PetscErrorCode wb_net_params_changed(WbNet net) {
  PetscFunctionBeginUser;
  const float *p = net->model->params;
  WbNetConv *convs[] = {&net->stem, &net->stat1, &net->stat2, &net->stat_down, &net->down, &net->up, &net->head};
  for (size_t i = 0; i < sizeof convs / sizeof *convs; i++)
    PetscCall(wb_conv_weights(convs[i]->conv, p + convs[i]->w, p + convs[i]->b));
  for (int i = 0; i < net->n_blocks; i++) {
    const WbNetBlock *b = &net->blocks[i];
    PetscCall(wb_conv_weights(b->conv1.conv, p + b->conv1.w, p + b->conv1.b));
    PetscCall(wb_conv_weights(b->conv2.conv, p + b->conv2.w, p + b->conv2.b));
  }
  net->conditioned = false;
  PetscFunctionReturn(0);
}

/** Floating-point operations (two a multiply-add) of the convolutions of one wb_net_forward on this rank. */
double wb_net_flops(WbNet net) {
  const WbNetConv *convs[] = {&net->stem, &net->down, &net->up, &net->head, &net->head_skip};
  double sum = 0;
  for (size_t i = 0; i < sizeof convs / sizeof *convs; i++) sum += wb_conv_flops(convs[i]->conv);
  for (int i = 0; i < net->n_blocks; i++)
    sum += wb_conv_flops(net->blocks[i].conv1.conv) + wb_conv_flops(net->blocks[i].conv2.conv);
  return sum;
}

/** Bytes of activations and gradients of wb_net_create on this rank in fp32 (oneDNN's scratch not counted). */
double wb_net_memory_bytes(const WbNetConfig *c, const WbGrid *grid, bool training) {
  const double n1 = (double)wb_grid_owned(grid) / 8, n2 = n1 / 8;
  const double p1 = (grid->nz / 2.0 + 2) * (grid->nyl / 2.0 + 2) * (grid->nxl / 2.0 + 2);
  const double p2 = (grid->nz / 4.0 + 2) * (grid->nyl / 4.0 + 2) * (grid->nxl / 4.0 + 2);
  const double c1 = c->width1, c2 = c->width2, dyn = 8.0 * c->in_dynamic;
  const double block1 = n1 * c1 * 2 + p1 * c1 * 2, block2 = n2 * c2 * 2 + p2 * c2 * 2;
  double floats =
      n1 * (8.0 * c->in_static + 5 * c1 + 8.0 * c->out) + 2 * n2 * c2 + p1 * (dyn + 2 * c1) + 2 * n1 + n1 * c1;
  if (training) {
    const double pad = p1 * (c1 > dyn ? c1 : dyn);
    floats += 2.0 * c->blocks1 * block1 + c->blocks2 * block2 + n1 * c1; /* kept activations */
    floats += n1 * (3 * c1 + 8.0 * c->out) + n2 * c2 + pad;              /* gradients */
  } else {
    floats += (c->blocks1 ? 2 : 0) * (block1 / 2) + (c->blocks2 ? block2 / 2 : 0);
  }
  return floats * (double)sizeof(float);
}
