/* Convolution: one interface, four backends (plain loops, im2col + OpenBLAS, oneDNN, own kernels). */
#include "net_internal.h"
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

/* libgomp's, which oneDNN brings along; absent where oneDNN was built with another threading library */
extern void omp_set_num_threads(int) __attribute__((weak));

/* One thread a rank unless OMP_NUM_THREADS asks for more: otherwise each rank would take the whole machine and spin. */
static void limit_threads(void) {
  const char *asked = getenv("OMP_NUM_THREADS");
  const int threads = asked && atoi(asked) > 0 ? atoi(asked) : 1;  // NOLINT: libgomp checks its own variable
  if (!asked && omp_set_num_threads) omp_set_num_threads(1);
  openblas_set_num_threads(threads);
}

PetscErrorCode wb_conv_context_create(WbBackend backend, WbConvContext *context) {
  PetscFunctionBeginUser;
  WbConvContext c = NULL;
  PetscCall(WB_CALLOC(1, &c));
  c->backend = backend;
  limit_threads();
  c->bf16 = backend == WB_BACKEND_ONEDNN_BF16;
  if (c->bf16 && !wb_conv_dnnl_has_amx()) {
    WB_FREE(&c);
    WB_RAISE(WB_ERR_CONFIG, "network backend onednn_bf16 needs a CPU with AMX; use onednn (fp32) on this machine");
  }
  if (backend == WB_BACKEND_ONEDNN || c->bf16) PetscCall(wb_conv_dnnl_context(c));
  *context = c;
  PetscFunctionReturn(0);
}

void wb_conv_context_destroy(WbConvContext *context) {
  if (!*context) return;
  wb_conv_dnnl_context_destroy(*context);
  WB_FREE(&(*context)->scratch);
  WB_FREE(&(*context)->dy16);
  WB_FREE(context);
}

size_t wb_conv_element(WbConvContext context) {
  return context->bf16 ? sizeof(uint16_t) : sizeof(float);
}

/* Scratch only grows while convolutions are created; it carries nothing from one call to the next. */
PetscErrorCode wb_conv_scratch(WbConvContext context, size_t bytes) {
  PetscFunctionBeginUser;
  if (bytes > context->scratch_bytes) {
    WB_FREE(&context->scratch);
    PetscCall(WB_ALLOC((bytes + sizeof(float) - 1) / sizeof(float), &context->scratch));
    context->scratch_bytes = bytes;
  }
  PetscFunctionReturn(0);
}

static size_t weight_count(const WbConvShape *s) {
  return (size_t)s->co * (size_t)s->ci * (size_t)s->k * (size_t)s->k * (size_t)s->k;
}

static size_t packed_size(const WbConv c, bool backward) {
  return c->own == WB_CONV_WINOGRAD ? wb_conv_winograd_weights_size(&c->shape)
                                    : wb_conv_native_weights_size(&c->shape, backward);
}

static PetscErrorCode create_own(WbConv c) {
  const WbConvShape *s = &c->shape;
  PetscFunctionBeginUser;
  c->own = wb_conv_winograd_fits(s) ? WB_CONV_WINOGRAD : WB_CONV_NATIVE;
  PetscCall(WB_CALLOC(packed_size(c, false), &c->weights));
  if (s->training) PetscCall(WB_CALLOC(packed_size(c, true), &c->weights_back));
  if (c->own == WB_CONV_WINOGRAD)
    PetscCall(wb_conv_scratch(c->context, wb_conv_winograd_scratch(s)));
  else if (s->training)
    PetscCall(wb_conv_scratch(c->context, wb_conv_native_scratch(s)));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_conv_create(WbConvContext context, const WbConvShape *shape, WbConv *conv) {
  PetscFunctionBeginUser;
  WbConv c = NULL;
  PetscCall(WB_CALLOC(1, &c));
  c->context = context;
  c->shape = *shape;
  *conv = c;
  PetscCall(WB_CALLOC(shape->co, &c->bias));
  if (shape->training) PetscCall(WB_CALLOC(weight_count(shape), &c->dweights));
  if (context->backend == WB_BACKEND_ONEDNN || context->bf16) {
    PetscCall(wb_conv_dnnl_create(c));
    PetscFunctionReturn(0);
  }
  if (context->backend == WB_BACKEND_NATIVE && wb_conv_native_fits(shape)) {
    PetscCall(create_own(c));
    PetscFunctionReturn(0);
  }
  PetscCall(WB_CALLOC(weight_count(shape), &c->weights));
  if (context->backend != WB_BACKEND_REF) {
    /* a slab of im2col of about 1 MB stays in cache */
    const size_t row = (size_t)shape->w * (size_t)(shape->k * shape->k * shape->k) * (size_t)shape->ci * sizeof(float);
    const size_t rows = (size_t)shape->d * (size_t)shape->h, wish = row > 1048576 ? 1 : 1048576 / row;
    c->slab = (int)(wish < rows ? wish : rows);
    PetscCall(wb_conv_scratch(context, row * (size_t)c->slab));
  }
  PetscFunctionReturn(0);
}

void wb_conv_destroy(WbConv *conv) {
  if (!*conv) return;
  wb_conv_dnnl_destroy(*conv);
  WB_FREE(&(*conv)->weights);
  WB_FREE(&(*conv)->weights_back);
  WB_FREE(&(*conv)->bias);
  WB_FREE(&(*conv)->dweights);
  WB_FREE(conv);
}

PetscErrorCode wb_conv_weights(WbConv conv, const float *w, const float *bias) {
  PetscFunctionBeginUser;
  const WbConvShape *s = &conv->shape;
  for (int o = 0; o < s->co; o++) conv->bias[o] = bias ? bias[o] : 0.0F;
  if (conv->dnnl) {
    PetscCall(wb_conv_dnnl_weights(conv, w, conv->bias));
    PetscFunctionReturn(0);
  }
  if (conv->own) {
    (conv->own == WB_CONV_WINOGRAD ? wb_conv_winograd_pack : wb_conv_native_pack)(s, w, conv->weights,
                                                                                  conv->weights_back);
    PetscFunctionReturn(0);
  }
  const size_t taps = (size_t)(s->k * s->k * s->k);
  for (size_t o = 0; o < (size_t)s->co; o++)
    for (size_t i = 0; i < (size_t)s->ci; i++)
      for (size_t t = 0; t < taps; t++)
        conv->weights[(t * (size_t)s->ci + i) * (size_t)s->co + o] = w[(o * (size_t)s->ci + i) * taps + t];
  PetscFunctionReturn(0);
}

static void count_call(WbConv conv, int pass, double begin) {
  conv->calls[pass]++;
  conv->seconds[pass] += wb_wtime() - begin;
}

PetscErrorCode wb_conv_forward(WbConv conv, const void *x, float *y) {
  const double begin = wb_wtime();
  PetscFunctionBeginUser;
  if (conv->dnnl)
    PetscCall(wb_conv_dnnl_forward(conv, x, y));
  else if (conv->own == WB_CONV_WINOGRAD)
    wb_conv_winograd_forward(&conv->shape, x, conv->weights, conv->bias, conv->context->scratch, y);
  else if (conv->own == WB_CONV_NATIVE)
    wb_conv_native_forward(&conv->shape, x, conv->weights, conv->bias, y);
  else if (conv->context->backend != WB_BACKEND_REF)
    wb_conv_blas_forward(conv, x, y);
  else
    wb_conv_ref_forward(&conv->shape, x, conv->weights, conv->bias, y);
  count_call(conv, WB_CONV_FORWARD, begin);
  PetscFunctionReturn(0);
}

/* Rows in float, their sums in double. */
WB_KERNEL static void add_bias_gradient(const WbConvShape *s, const float *restrict dy, float *restrict db) {
  const int co = s->co;
  double total[WB_NET_CHANNELS_MAX];
  float row[WB_NET_CHANNELS_MAX];
  for (int o = 0; o < co; o++) total[o] = 0;
  for (int r = 0; r < s->d * s->h; r++) {
    for (int o = 0; o < co; o++) row[o] = 0;
    for (int v = 0; v < s->w; v++, dy += co)
      for (int o = 0; o < co; o++) row[o] += dy[o];
    for (int o = 0; o < co; o++) total[o] += (double)row[o];
  }
  for (int o = 0; o < co; o++) db[o] += (float)total[o];
}

/* Backends other than oneDNN. */
static void own_backward(WbConv conv, const float *x, const float *dy, float *dx, float *dw, float *db) {
  const WbConvShape *s = &conv->shape;
  const size_t taps = (size_t)(s->k * s->k * s->k);
  memset(conv->dweights, 0, weight_count(s) * sizeof(float));
  if (conv->own == WB_CONV_WINOGRAD) {
    if (dx) wb_conv_winograd_backward_data(s, dy, conv->weights_back, conv->context->scratch, dx);
    wb_conv_winograd_backward_weights(s, x, dy, conv->context->scratch, conv->dweights);
  } else if (conv->own == WB_CONV_NATIVE) {
    if (dx) wb_conv_native_backward_data(s, dy, conv->weights_back, conv->context->scratch, dx);
    wb_conv_native_backward_weights(s, x, dy, conv->dweights);
  } else if (conv->context->backend != WB_BACKEND_REF) {
    if (dx) wb_conv_blas_backward_data(conv, dy, dx);
    wb_conv_blas_backward_weights(conv, x, dy, conv->dweights);
  } else {
    if (dx) wb_conv_ref_backward_data(s, dy, conv->weights, dx);
    wb_conv_ref_backward_weights(s, x, dy, conv->dweights, NULL);
  }
  if (db) add_bias_gradient(s, dy, db);
  for (size_t o = 0; o < (size_t)s->co; o++)
    for (size_t i = 0; i < (size_t)s->ci; i++)
      for (size_t t = 0; t < taps; t++)
        dw[(o * (size_t)s->ci + i) * taps + t] += conv->dweights[(t * (size_t)s->ci + i) * (size_t)s->co + o];
}

PetscErrorCode wb_conv_backward(WbConv conv, const void *x, const float *dy, float *dx, float *dw, float *db) {
  const double begin = wb_wtime();
  PetscFunctionBeginUser;
  if (conv->dnnl)
    PetscCall(wb_conv_dnnl_backward(conv, x, dy, dx, dw, db));
  else
    own_backward(conv, x, dy, dx, dw, db);
  count_call(conv, WB_CONV_BACKWARD, begin);
  PetscFunctionReturn(0);
}

double wb_conv_flops(WbConv conv) {
  const WbConvShape *s = &conv->shape;
  return 2.0 * (double)weight_count(s) * (double)s->d * (double)s->h * (double)s->w;
}

double wb_conv_bytes(WbConv conv) {
  const WbConvShape *s = &conv->shape;
  const double plain = (double)weight_count(s) * sizeof(float), gradient = s->training ? plain : 0;
  if (conv->dnnl) return wb_conv_dnnl_bytes(conv) + gradient;
  if (!conv->own) return plain + gradient;
  const double packed = (double)packed_size(conv, false), back = s->training ? (double)packed_size(conv, true) : 0;
  return (packed + back) * sizeof(float) + gradient;
}

const char *wb_conv_implementation(WbConv conv, int which) {
  return conv->dnnl                      ? wb_conv_dnnl_implementation(conv, which)
         : conv->own == WB_CONV_WINOGRAD ? "winograd"
         : conv->own                     ? "native"
                                         : "own";
}
