/* Convolution by oneDNN 2.x (C API): activations ndhwc, weights in the layout it likes best, primitives made once.
 * bf16: inputs, weights and the output gradient are bf16, sums and all results fp32. */
#include "net_internal.h"
#include <oneapi/dnnl/dnnl.h>
#include <string.h>

#define WB_DNNL(call)                                                                                     \
  do {                                                                                                    \
    const dnnl_status_t wb_status = (call);                                                               \
    if (wb_status != dnnl_success)                                                                        \
      SETERRQ(PETSC_COMM_SELF, PETSC_ERR_LIB, "oneDNN: %s failed with status %d", #call, (int)wb_status); \
  } while (0)

typedef struct {
  dnnl_primitive_desc_t desc;
  dnnl_primitive_t primitive, reorder;
  dnnl_memory_t weights, scratch; /* weights: in this primitive's layout */
} Pass;
struct WbConvDnnl_s {
  Pass pass[3]; /* forward, backward data, backward weights */
  dnnl_memory_t x, y, dx, dy, bias, dbias, user_weights;
  float *dbias_buffer;
};
enum { FORWARD, BACKWARD_DATA, BACKWARD_WEIGHTS };

bool wb_conv_dnnl_has_amx(void) {
  return dnnl_get_effective_cpu_isa() >= dnnl_cpu_isa_avx512_core_amx;
}

PetscErrorCode wb_conv_dnnl_context(WbConvContext context) {
  PetscFunctionBeginUser;
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  WB_DNNL(dnnl_engine_create(&engine, dnnl_cpu, 0));
  context->engine = engine;
  WB_DNNL(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
  context->stream = stream;
  PetscFunctionReturn(0);
}

void wb_conv_dnnl_context_destroy(WbConvContext context) {
  if (context->stream) dnnl_stream_destroy(context->stream);
  if (context->engine) dnnl_engine_destroy(context->engine);
}

typedef struct {
  dnnl_memory_desc_t x, y, dy, dx, weights, bias, user_weights;
} Descs;

static PetscErrorCode describe(const WbConvShape *s, bool bf16, Descs *m) {
  PetscFunctionBeginUser;
  const int p = s->k - 1;
  const dnnl_dims_t x = {1, s->ci, s->d + p, s->h + p, s->w + p}, y = {1, s->co, s->d, s->h, s->w};
  const dnnl_dims_t w = {s->co, s->ci, s->k, s->k, s->k}, b = {s->co};
  const dnnl_data_type_t type = bf16 ? dnnl_bf16 : dnnl_f32;
  WB_DNNL(dnnl_memory_desc_init_by_tag(&m->x, 5, x, type, dnnl_ndhwc));
  WB_DNNL(dnnl_memory_desc_init_by_tag(&m->dx, 5, x, dnnl_f32, dnnl_ndhwc));
  WB_DNNL(dnnl_memory_desc_init_by_tag(&m->y, 5, y, dnnl_f32, dnnl_ndhwc));
  WB_DNNL(dnnl_memory_desc_init_by_tag(&m->dy, 5, y, type, dnnl_ndhwc));
  WB_DNNL(dnnl_memory_desc_init_by_tag(&m->weights, 5, w, type, dnnl_format_tag_any));
  WB_DNNL(dnnl_memory_desc_init_by_tag(&m->user_weights, 5, w, dnnl_f32, dnnl_oidhw));
  WB_DNNL(dnnl_memory_desc_init_by_tag(&m->bias, 1, b, dnnl_f32, dnnl_a));
  PetscFunctionReturn(0);
}

/* Weights of a pass in its own layout, and the reorder from (or, for the gradient, to) the model's OIDHW. */
static PetscErrorCode finish_pass(WbConv conv, int which, dnnl_memory_desc_t user) {
  PetscFunctionBeginUser;
  Pass *p = &conv->dnnl->pass[which];
  dnnl_engine_t engine = conv->context->engine;
  const dnnl_query_t what = which == BACKWARD_WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md;
  const dnnl_memory_desc_t *md = dnnl_primitive_desc_query_md(p->desc, what, 0);
  const dnnl_memory_desc_t *scratch = dnnl_primitive_desc_query_md(p->desc, dnnl_query_scratchpad_md, 0);
  WB_DNNL(dnnl_primitive_create(&p->primitive, p->desc));
  WB_DNNL(dnnl_memory_create(&p->weights, md, engine, DNNL_MEMORY_ALLOCATE));
  WB_DNNL(dnnl_memory_create(&p->scratch, scratch, engine, DNNL_MEMORY_NONE));
  PetscCall(wb_conv_scratch(conv->context, dnnl_memory_desc_get_size(scratch)));
  dnnl_primitive_desc_t reorder;
  if (which == BACKWARD_WEIGHTS)
    WB_DNNL(dnnl_reorder_primitive_desc_create(&reorder, md, engine, &user, engine, NULL));
  else
    WB_DNNL(dnnl_reorder_primitive_desc_create(&reorder, &user, engine, md, engine, NULL));
  const dnnl_status_t made = dnnl_primitive_create(&p->reorder, reorder);
  dnnl_primitive_desc_destroy(reorder);
  WB_DNNL(made);
  PetscFunctionReturn(0);
}

static PetscErrorCode make_passes(WbConv conv, const Descs *m) {
  PetscFunctionBeginUser;
  const dnnl_dims_t stride = {1, 1, 1}, pad = {0, 0, 0};
  dnnl_engine_t engine = conv->context->engine;
  Pass *pass = conv->dnnl->pass;
  dnnl_convolution_desc_t d;
  dnnl_primitive_attr_t attr, sum_attr;
  dnnl_post_ops_t ops;
  WB_DNNL(dnnl_primitive_attr_create(&attr));
  WB_DNNL(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user));
  WB_DNNL(dnnl_primitive_attr_clone(&sum_attr, attr));
  WB_DNNL(dnnl_post_ops_create(&ops));
  if (conv->shape.accumulate) WB_DNNL(dnnl_post_ops_append_sum(ops, 1.0F));
  WB_DNNL(dnnl_primitive_attr_set_post_ops(sum_attr, ops));
  const dnnl_prop_kind_t kind = conv->shape.training ? dnnl_forward_training : dnnl_forward_inference;
  WB_DNNL(dnnl_convolution_forward_desc_init(&d, kind, dnnl_convolution_direct, &m->x, &m->weights, &m->bias, &m->y,
                                             stride, pad, pad));
  WB_DNNL(dnnl_primitive_desc_create(&pass[FORWARD].desc, &d, sum_attr, engine, NULL));
  PetscCall(finish_pass(conv, FORWARD, m->user_weights));
  if (conv->shape.training) {
    const dnnl_primitive_desc_t hint = pass[FORWARD].desc;
    WB_DNNL(dnnl_convolution_backward_data_desc_init(&d, dnnl_convolution_direct, &m->dx, &m->weights, &m->dy, stride,
                                                     pad, pad));
    WB_DNNL(dnnl_primitive_desc_create(&pass[BACKWARD_DATA].desc, &d, attr, engine, hint));
    PetscCall(finish_pass(conv, BACKWARD_DATA, m->user_weights));
    dnnl_memory_desc_t dweights = m->weights;
    dweights.data_type = dnnl_f32;
    WB_DNNL(dnnl_convolution_backward_weights_desc_init(&d, dnnl_convolution_direct, &m->x, &dweights, &m->bias, &m->dy,
                                                        stride, pad, pad));
    WB_DNNL(dnnl_primitive_desc_create(&pass[BACKWARD_WEIGHTS].desc, &d, attr, engine, hint));
    PetscCall(finish_pass(conv, BACKWARD_WEIGHTS, m->user_weights));
  }
  dnnl_post_ops_destroy(ops);
  dnnl_primitive_attr_destroy(sum_attr);
  dnnl_primitive_attr_destroy(attr);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_conv_dnnl_create(WbConv conv) {
  PetscFunctionBeginUser;
  WbConvContext context = conv->context;
  const WbConvShape *s = &conv->shape;
  const bool bf16 = context->bf16 && !s->fp32;
  dnnl_engine_t engine = context->engine;
  Descs m;
  PetscCall(WB_CALLOC(1, &conv->dnnl));
  WbConvDnnl *p = conv->dnnl;
  PetscCall(WB_CALLOC(s->co, &p->dbias_buffer));
  PetscCall(describe(s, bf16, &m));
  PetscCall(make_passes(conv, &m));
  WB_DNNL(dnnl_memory_create(&p->x, &m.x, engine, DNNL_MEMORY_NONE));
  WB_DNNL(dnnl_memory_create(&p->y, &m.y, engine, DNNL_MEMORY_NONE));
  WB_DNNL(dnnl_memory_create(&p->dx, &m.dx, engine, DNNL_MEMORY_NONE));
  WB_DNNL(dnnl_memory_create(&p->dy, &m.dy, engine, DNNL_MEMORY_NONE));
  WB_DNNL(dnnl_memory_create(&p->bias, &m.bias, engine, conv->bias));
  WB_DNNL(dnnl_memory_create(&p->dbias, &m.bias, engine, p->dbias_buffer));
  WB_DNNL(dnnl_memory_create(&p->user_weights, &m.user_weights, engine, DNNL_MEMORY_NONE));
  const size_t n = (size_t)s->d * (size_t)s->h * (size_t)s->w * (size_t)s->co;
  if (bf16 && s->training && n > context->dy16_size) {
    WB_FREE(&context->dy16);
    PetscCall(WB_ALLOC(n, &context->dy16));
    context->dy16_size = n;
  }
  PetscFunctionReturn(0);
}

void wb_conv_dnnl_destroy(WbConv conv) {
  WbConvDnnl *p = conv->dnnl;
  if (!p) return;
  for (int i = 0; i < 3; i++) {
    Pass *q = &p->pass[i];
    if (q->primitive) dnnl_primitive_destroy(q->primitive);
    if (q->reorder) dnnl_primitive_destroy(q->reorder);
    if (q->desc) dnnl_primitive_desc_destroy(q->desc);
    if (q->weights) dnnl_memory_destroy(q->weights);
    if (q->scratch) dnnl_memory_destroy(q->scratch);
  }
  dnnl_memory_t all[] = {p->x, p->y, p->dx, p->dy, p->bias, p->dbias, p->user_weights};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i]) dnnl_memory_destroy(all[i]);
  WB_FREE(&p->dbias_buffer);
  WB_FREE(&conv->dnnl);
}

static PetscErrorCode execute(WbConvContext context, dnnl_primitive_t primitive, int n, const dnnl_exec_arg_t *args) {
  PetscFunctionBeginUser;
  WB_DNNL(dnnl_primitive_execute(primitive, context->stream, n, args));
  WB_DNNL(dnnl_stream_wait(context->stream));
  PetscFunctionReturn(0);
}

/* oneDNN's handles are not const, though inputs are only read. */
static PetscErrorCode point(dnnl_memory_t memory, const void *data) {
  PetscFunctionBeginUser;
  WB_DNNL(dnnl_memory_set_data_handle(memory, (void *)data));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_conv_dnnl_weights(WbConv conv, const float *w, const float *bias) {
  PetscFunctionBeginUser;
  WbConvDnnl *p = conv->dnnl; /* bias: already in conv->bias, to which p->bias points */
  PetscCall(point(p->user_weights, w));
  for (int i = FORWARD; i <= BACKWARD_DATA; i++) {
    if (!p->pass[i].reorder) continue;
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, p->user_weights}, {DNNL_ARG_TO, p->pass[i].weights}};
    PetscCall(execute(conv->context, p->pass[i].reorder, 2, args));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_conv_dnnl_forward(WbConv conv, const void *x, float *y) {
  PetscFunctionBeginUser;
  WbConvDnnl *p = conv->dnnl;
  Pass *f = &p->pass[FORWARD];
  PetscCall(point(p->x, x));
  PetscCall(point(p->y, y));
  PetscCall(point(f->scratch, conv->context->scratch));
  const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, p->x},
                                  {DNNL_ARG_WEIGHTS, f->weights},
                                  {DNNL_ARG_BIAS, p->bias},
                                  {DNNL_ARG_DST, p->y},
                                  {DNNL_ARG_SCRATCHPAD, f->scratch}};
  PetscCall(execute(conv->context, f->primitive, 5, args));
  PetscFunctionReturn(0);
}

static PetscErrorCode backward_weights(WbConv conv, const void *x, float *dw, float *db) {
  PetscFunctionBeginUser;
  WbConvDnnl *p = conv->dnnl;
  Pass *b = &p->pass[BACKWARD_WEIGHTS];
  const WbConvShape *s = &conv->shape;
  PetscCall(point(p->x, x));
  PetscCall(point(b->scratch, conv->context->scratch));
  const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, p->x},
                                  {DNNL_ARG_DIFF_DST, p->dy},
                                  {DNNL_ARG_DIFF_WEIGHTS, b->weights},
                                  {DNNL_ARG_DIFF_BIAS, p->dbias},
                                  {DNNL_ARG_SCRATCHPAD, b->scratch}};
  PetscCall(execute(conv->context, b->primitive, 5, args));
  PetscCall(point(p->user_weights, conv->dweights));
  const dnnl_exec_arg_t back[] = {{DNNL_ARG_FROM, b->weights}, {DNNL_ARG_TO, p->user_weights}};
  PetscCall(execute(conv->context, b->reorder, 2, back));
  wb_add((size_t)s->co * (size_t)s->ci * (size_t)(s->k * s->k * s->k), conv->dweights, dw);
  if (db) wb_add((size_t)s->co, p->dbias_buffer, db);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_conv_dnnl_backward(WbConv conv, const void *x, const float *dy, float *dx, float *dw, float *db) {
  PetscFunctionBeginUser;
  WbConvDnnl *p = conv->dnnl;
  Pass *b = &p->pass[BACKWARD_DATA];
  const WbConvShape *s = &conv->shape;
  const void *g = dy;
  if (conv->context->bf16 && !s->fp32) {
    wb_to_bf16((size_t)s->d * (size_t)s->h * (size_t)s->w * (size_t)s->co, dy, conv->context->dy16);
    g = conv->context->dy16;
  }
  PetscCall(point(p->dy, g));
  if (dx) {
    PetscCall(point(p->dx, dx));
    PetscCall(point(b->scratch, conv->context->scratch));
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_DIFF_DST, p->dy},
                                    {DNNL_ARG_WEIGHTS, b->weights},
                                    {DNNL_ARG_DIFF_SRC, p->dx},
                                    {DNNL_ARG_SCRATCHPAD, b->scratch}};
    PetscCall(execute(conv->context, b->primitive, 4, args));
  }
  PetscCall(backward_weights(conv, x, dw, db));
  PetscFunctionReturn(0);
}

double wb_conv_dnnl_bytes(WbConv conv) {
  double sum = 0;
  for (int i = 0; i < 3; i++) {
    const dnnl_memory_desc_t *md = NULL;
    if (conv->dnnl->pass[i].weights && dnnl_memory_get_memory_desc(conv->dnnl->pass[i].weights, &md) == dnnl_success)
      sum += (double)dnnl_memory_desc_get_size(md);
  }
  return sum;
}

const char *wb_conv_dnnl_implementation(WbConv conv, int which) {
  const char *name = "none";
  if (conv->dnnl->pass[which].desc)
    dnnl_primitive_desc_query(conv->dnnl->pass[which].desc, dnnl_query_impl_info_str, 0, (void *)&name);
  return name;
}
