/* What each convolution of a network costs, and what the same convolution costs alone. */
#include "net_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

PetscErrorCode wb_net_name_layer(WbNet net, const char *name, WbConv conv) {
  PetscFunctionBeginUser;
  if (net->n_layers >= (int)(sizeof net->layers / sizeof *net->layers))
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_PLIB, "more convolutions than expected");
  WbNetNamed *layer = &net->layers[net->n_layers++];
  snprintf(layer->name, sizeof layer->name, "%.63s", name);
  layer->conv = conv;
  PetscFunctionReturn(0);
}

int wb_net_layers(WbNet net) {
  return net->n_layers;
}

/* Numbers of elements of a convolution's input, weights and output. */
typedef struct {
  size_t x, w, y;
} Counts;
static Counts counts_of(const WbConvShape *s) {
  const size_t p = (size_t)s->k - 1, k = (size_t)s->k;
  const size_t input = ((size_t)s->d + p) * ((size_t)s->h + p) * ((size_t)s->w + p);
  return (Counts){input * (size_t)s->ci, k * k * k * (size_t)s->ci * (size_t)s->co,
                  (size_t)s->d * (size_t)s->h * (size_t)s->w * (size_t)s->co};
}

void wb_net_layer(WbNet net, int i, WbNetLayer *layer) {
  WbConv conv = net->layers[i].conv;
  const WbConvShape *s = &conv->shape;
  const Counts n = counts_of(s);
  const size_t element = s->fp32 ? sizeof(float) : wb_conv_element(net->context);
  *layer = (WbNetLayer){.k = s->k,
                        .d = s->d,
                        .h = s->h,
                        .w = s->w,
                        .ci = s->ci,
                        .co = s->co,
                        .flops = wb_conv_flops(conv),
                        .bytes = (double)((n.x + n.w) * element + n.y * sizeof(float)),
                        .calls = conv->calls[WB_CONV_FORWARD],
                        .backward_calls = conv->calls[WB_CONV_BACKWARD],
                        .seconds = conv->seconds[WB_CONV_FORWARD],
                        .backward_seconds = conv->seconds[WB_CONV_BACKWARD]};
  memcpy(layer->name, net->layers[i].name, sizeof layer->name);
}

void wb_net_layers_reset(WbNet net) {
  for (int i = 0; i < net->n_layers; i++) {
    WbConv conv = net->layers[i].conv;
    memset(conv->calls, 0, sizeof conv->calls);
    memset(conv->seconds, 0, sizeof conv->seconds);
  }
}

/* A convolution with arrays of its own. */
typedef struct {
  WbConvContext context;
  WbConv conv;
  void *x;
  float *w, *y, *dx, *dw;
} Bare;

static void bare_destroy(Bare *b) {
  wb_conv_destroy(&b->conv);
  if (b->context) wb_conv_context_destroy(&b->context);
  wb_free_bytes(&b->x);
  WB_FREE(&b->w);
  WB_FREE(&b->y);
  WB_FREE(&b->dx);
  WB_FREE(&b->dw);
}

static PetscErrorCode bare_create(WbBackend backend, const WbConvShape *like, Bare *b) {
  WbConvShape shape = *like;
  const Counts n = counts_of(like);
  PetscFunctionBeginUser;
  shape.accumulate = false;
  PetscCall(wb_conv_context_create(backend, &b->context));
  PetscCall(wb_conv_create(b->context, &shape, &b->conv));
  PetscCall(wb_calloc_bytes(n.x * sizeof(float), "bare convolution", &b->x)); /* wide enough for either element */
  PetscCall(WB_ALLOC(n.w, &b->w));
  PetscCall(WB_CALLOC(n.y, &b->y));
  for (size_t i = 0; i < n.w; i++) b->w[i] = (float)(i % 7) - 3.0F;
  PetscCall(wb_conv_weights(b->conv, b->w, NULL));
  if (shape.training) {
    PetscCall(WB_ALLOC(n.x, &b->dx));
    PetscCall(WB_CALLOC(n.w, &b->dw));
  }
  PetscFunctionReturn(0);
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static PetscErrorCode bare_time(Bare *b, bool backward, int repeats, double *median) {
  double *t = NULL;
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(repeats, &t));
  for (int r = -1; r < repeats; r++) {
    const double begin = wb_wtime();
    if (backward)
      PetscCall(wb_conv_backward(b->conv, b->x, b->y, b->dx, b->dw, NULL));
    else
      PetscCall(wb_conv_forward(b->conv, b->x, b->y));
    if (r >= 0) t[r] = wb_wtime() - begin;
  }
  qsort(t, (size_t)repeats, sizeof *t, compare);
  *median = t[repeats / 2];
  WB_FREE(&t);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_net_layer_bare(WbNet net, int i, bool backward, int repeats, double *seconds) {
  Bare b = {0};
  PetscFunctionBeginUser;
  if (backward && !net->training)
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ORDER, "the backward pass of a layer needs a network made for training");
  PetscErrorCode e = bare_create(net->context->backend, &net->layers[i].conv->shape, &b);
  if (!e) e = bare_time(&b, backward, repeats, seconds);
  bare_destroy(&b);
  PetscFunctionReturn(e);
}
