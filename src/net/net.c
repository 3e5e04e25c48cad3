/* The network bound to a grid: levels, the parts beside the two U-Nets, scratch. The passes: forward.c, backward.c. */
#include "net_internal.h"
#include <stdio.h>
#include <string.h>

enum { SMALL_BUFFER = 65536 }; /* below: made even when planning, because creation may fill it */

PetscErrorCode wb_net_buffer(WbNet net, size_t n, size_t element, void *out) {
  PetscFunctionBeginUser;
  if (net->store.n_owned >= (int)(sizeof net->store.owned / sizeof *net->store.owned))
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_PLIB, "more network buffers than expected");
  void *p = NULL;
  net->store.field_bytes += (double)n * (double)element;
  if (net->store.planning && n * element > SMALL_BUFFER) {
    memcpy(out, &p, sizeof p);
    PetscFunctionReturn(0);
  }
  PetscCall(wb_calloc_bytes(n * element, "network buffer", &p)); /* zero: ghosts beyond the domain stay so */
  net->store.owned[net->store.n_owned++] = p;
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

size_t wb_net_padded(const WbNetLevel *l, int c) {
  return (size_t)(l->d + 2) * (size_t)(l->h + 2) * (size_t)(l->w + 2) * (size_t)c;
}

PetscErrorCode wb_net_make_conv(WbNet net, const WbNetLevel *l, const char *name, WbConvShape shape, bool bias,
                                WbNetConv *conv) {
  PetscFunctionBeginUser;
  char full[WB_NET_NAME_MAX + 16];
  shape.d = l->d;
  shape.h = l->h;
  shape.w = l->w;
  shape.training = net->training;
  snprintf(full, sizeof full, "%.60s.weight", name);
  PetscCall(wb_model_offset(net->model, full, &conv->w));
  snprintf(full, sizeof full, "%.60s.bias", name);
  if (bias) PetscCall(wb_model_offset(net->model, full, &conv->b));
  PetscCall(wb_conv_create(net->context, &shape, &conv->conv));
  PetscCall(wb_net_name_layer(net, name, conv->conv));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_net_make_halo(WbNet net, const WbNetLevel *l, int channels, WbHalo *halo, WbHalo *adjoint) {
  PetscFunctionBeginUser;
  const int per_float = (int)(sizeof(float) / wb_conv_element(net->context)); /* bf16 travels in pairs, as one float */
  PetscCall(wb_halo_create(l->grid, l->d + 2, 1, channels / per_float, WB_FP32, halo));
  if (net->training) PetscCall(wb_halo_create(l->grid, l->d + 2, 1, channels, WB_FP32, adjoint));
  net->store.halo_bytes += wb_halo_buffer_bytes(*halo) + (net->training ? wb_halo_buffer_bytes(*adjoint) : 0);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_net_repack(WbNet net, const WbNetConv *conv, bool bias) {
  PetscFunctionBeginUser;
  const float *p = wb_net_params(net);
  PetscCall(wb_conv_weights(conv->conv, p + conv->w, bias ? p + conv->b : NULL));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_convs(WbNet net) {
  PetscFunctionBeginUser;
  const WbNetConfig *c = &net->config;
  const int c1 = c->cond_width1, w1 = c->width1, dyn = 8 * c->in_dynamic, stat = 8 * c->in_static;
  const struct {
    const char *name;
    WbConvShape shape;
    WbNetConv *conv;
  } list[] = {
      {"cond.0.stem1", {.k = 1, .ci = stat, .co = c1}, &net->condition.stem1},
      {"cond.0.stem2", {.k = 3, .ci = c1, .co = c1}, &net->condition.stem2},
      {"guide_stem1", {.k = 1, .ci = stat, .co = w1}, &net->condition.guide_stem1},
      {"guide_stem2", {.k = 3, .ci = w1, .co = w1}, &net->condition.guide_stem2},
      {"step_stem", {.k = 3, .ci = dyn, .co = w1, .accumulate = true}, &net->step_stem},
  };
  for (size_t i = 0; i < sizeof list / sizeof *list; i++)
    PetscCall(wb_net_make_conv(net, &net->l1, list[i].name, list[i].shape, true, list[i].conv));
  PetscFunctionReturn(0);
}

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

static PetscErrorCode make_buffers(WbNet net) {
  PetscFunctionBeginUser;
  const WbNetConfig *c = &net->config;
  const size_t n1 = net->l1.n, e = wb_conv_element(net->context), f = sizeof(float);
  const size_t c1 = (size_t)c->cond_width1, c2 = (size_t)c->cond_width2, w1 = (size_t)c->width1;
  const size_t widest = larger(larger(c1, c2), larger(w1, (size_t)c->width2));
  PetscCall(wb_net_buffer(net, 8 * n1, 1, &net->mask));
  PetscCall(wb_net_buffer(net, widest, f, &net->zeros));
  PetscCall(wb_net_buffer(net, widest, f, &net->ones));
  for (size_t i = 0; i < widest; i++) net->ones[i] = 1.0F;
  PetscCall(wb_net_buffer(net, n1 * 8 * (size_t)c->in_static, e, &net->condition.stat_in));
  PetscCall(wb_net_buffer(net, n1 * c1, f, &net->condition.stat_y));
  PetscCall(wb_net_buffer(net, wb_net_padded(&net->l1, c->cond_width1), e, &net->condition.stat_act));
  PetscCall(wb_net_buffer(net, 8 * n1 * (size_t)c->out, f, &net->condition.mean));
  PetscCall(wb_net_buffer(net, 8 * n1 * (size_t)c->out, f, &net->condition.one));
  PetscCall(wb_net_buffer(net, 8 * n1 * (size_t)c->in_static, f, &net->condition.guide));
  PetscCall(wb_net_buffer(net, n1 * 8 * (size_t)c->in_static, e, &net->condition.guide_in));
  PetscCall(wb_net_buffer(net, n1 * w1, f, &net->condition.guide_y));
  PetscCall(wb_net_buffer(net, wb_net_padded(&net->l1, c->width1), e, &net->condition.guide_act));
  PetscCall(wb_net_buffer(net, n1 * w1, f, &net->s1));
  PetscCall(wb_net_buffer(net, wb_net_padded(&net->l1, 8 * c->in_dynamic), e, &net->stem_in));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_gradient_buffers(WbNet net) {
  PetscFunctionBeginUser;
  const WbNetConfig *c = &net->config;
  const size_t n1 = net->l1.n, n2 = net->l2.n, f = sizeof(float), out = 8 * (size_t)c->out;
  const size_t c1 = larger((size_t)c->width1, (size_t)c->cond_width1),
               c2 = larger((size_t)c->width2, (size_t)c->cond_width2), widest = larger(c1, c2);
  const size_t pad1 = wb_net_padded(&net->l1, (int)larger(c1, 8 * (size_t)c->in_dynamic));
  PetscCall(wb_net_buffer(net, n1 * (size_t)c->width1, f, &net->back.ds1));
  PetscCall(wb_net_buffer(net, larger(n1 * c1, n2 * c2), f, &net->back.dy1));
  PetscCall(wb_net_buffer(net, larger(pad1, wb_net_padded(&net->l2, (int)c2)), f, &net->back.dpad));
  PetscCall(wb_net_buffer(net, n1 * c1, f, &net->back.dcol));
  PetscCall(wb_net_buffer(net, n1 * out, f, &net->back.dhead));
  PetscCall(wb_net_buffer(net, 3 * widest, f, &net->back.dfilm));
  PetscCall(wb_net_buffer(net, out * c1, f, &net->back.dskip_w));
  PetscCall(wb_net_buffer(net, widest, sizeof(double), &net->back.da));
  PetscCall(wb_net_buffer(net, widest, sizeof(double), &net->back.db));
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

static PetscErrorCode create(WbNet n, const WbGrid *grid, WbBackend backend) {
  WbUnetShape condition, step;
  PetscFunctionBeginUser;
  wb_net_unet_shapes(&n->config, &condition, &step);
  PetscCall(wb_error_agree(grid->comm, wb_conv_context_create(backend, &n->context)));
  PetscCall(make_level(grid, 2, &n->l1));
  PetscCall(make_level(grid, 4, &n->l2));
  PetscCall(wb_net_make_halo(n, &n->l1, 8 * n->config.in_dynamic, &n->halo_in, &n->halo_in_adjoint));
  PetscCall(wb_unet_create(n, &condition, &n->condition.unet));
  PetscCall(wb_unet_create(n, &step, &n->step));
  PetscCall(make_convs(n));
  PetscCall(make_buffers(n));
  if (n->training) PetscCall(make_gradient_buffers(n));
  PetscCall(wb_embed_create(n->model, &n->embed));
  n->cond_size = n->model->cond_size;
  PetscCall(wb_net_params_changed(n));
  PetscFunctionReturn(0);
}

/** A network on grid's communicator. model in: borrowed, must outlive net; grid in: borrowed. mode: what
 * activations are kept for backward passes. net out: caller destroys. Collective. Errors: WB_ERR_CONFIG for an unfit
 * grid or onednn_bf16 without AMX. Source: U-Net of Ronneberger et al. 2015 with residual pre-norm blocks (He et al.
 * 2016). */
PetscErrorCode wb_net_create(WbModel model, const WbGrid *grid, WbBackend backend, WbNetMode mode, WbNet *net) {
  return wb_net_make(model, grid, backend, mode, false, net);
}

PetscErrorCode wb_net_make(WbModel model, const WbGrid *grid, WbBackend backend, WbNetMode mode, bool planning,
                           WbNet *net) {
  PetscFunctionBeginUser;
  PetscCall(wb_error_agree(grid->comm, check_grid(grid)));
  WbNet n = NULL;
  PetscCall(WB_CALLOC(1, &n));
  *net = n;
  n->model = model;
  n->config = model->config;
  n->grid = grid;
  n->training = mode != WB_NET_INFERENCE;
  n->recompute = mode == WB_NET_RECOMPUTE;
  n->store.planning = planning;
  PetscCall(create(n, grid, backend));
  PetscFunctionReturn(0);
}

void wb_net_destroy(WbNet *net) {
  WbNet n = *net;
  if (!n) return;
  WbNetConv *convs[] = {&n->condition.stem1, &n->condition.stem2, &n->condition.guide_stem1, &n->condition.guide_stem2,
                        &n->step_stem};
  for (size_t i = 0; i < sizeof convs / sizeof *convs; i++) wb_conv_destroy(&convs[i]->conv);
  wb_unet_destroy(&n->condition.unet);
  wb_unet_destroy(&n->step);
  wb_halo_destroy(&n->halo_in);
  wb_halo_destroy(&n->halo_in_adjoint);
  for (int i = 0; i < n->store.n_owned; i++) WB_FREE(&n->store.owned[i]);
  wb_embed_destroy(&n->embed);
  wb_grid_destroy(&n->l1.grid);
  wb_grid_destroy(&n->l2.grid);
  wb_conv_context_destroy(&n->context);
  WB_FREE(net);
}

/** Repack the model's parameters for the backend. Not collective. The condition must be run again (wb_net_condition).
 */
PetscErrorCode wb_net_params_changed(WbNet net) {
  PetscFunctionBeginUser;
  const WbNetConv *convs[] = {&net->condition.guide_stem1, &net->condition.guide_stem2, &net->step_stem};
  for (size_t i = 0; i < sizeof convs / sizeof *convs; i++) PetscCall(wb_net_repack(net, convs[i], true));
  net->condition.packed = -1;
  PetscCall(wb_unet_repack(net, &net->step));
  net->conditioned = false;
  PetscFunctionReturn(0);
}
