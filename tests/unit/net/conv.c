/* Convolution: adjoint identities, backends against plain loops, oneDNN's choice of kernel. */
#include "net_internal.h"
#include "wb_test.h"
#include <stdlib.h>
#include <string.h>

static float *random_array(size_t n, uint32_t stream) {
  float *a = NULL;
  WB_OK(WB_ALLOC(n + 4, &a));
  const WbRandomKey key = {.seed = 7, .stream = WB_STREAM_TEST, .step = stream};
  for (size_t i = 0; i < n; i += 4) wb_random_normal4(&key, i, a + i);
  return a;
}

static double dot(size_t n, const float *a, const float *b) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
  return sum;
}

static double worst(size_t n, const float *a, const float *b) { /* largest difference over the largest value */
  double difference = 0, size = 1e-30;
  for (size_t i = 0; i < n; i++) {
    if (!(fabs((double)a[i] - (double)b[i]) <= difference)) difference = fabs((double)a[i] - (double)b[i]);
    size = fmax(size, fabs((double)b[i]));
  }
  return difference / size;
}

typedef struct {
  WbConvShape s;
  size_t nx, ny, nw;
  float *x, *y, *w, *b, *dy, *dx, *dw, *db;
} Case;

static Case make_case(WbConvShape s) {
  Case c = {.s = s};
  const int p = s.k - 1;
  c.nx = (size_t)(s.d + p) * (size_t)(s.h + p) * (size_t)(s.w + p) * (size_t)s.ci;
  c.ny = (size_t)s.d * (size_t)s.h * (size_t)s.w * (size_t)s.co;
  c.nw = (size_t)(s.k * s.k * s.k) * (size_t)s.ci * (size_t)s.co;
  c.x = random_array(c.nx, 1);
  c.w = random_array(c.nw, 2);
  c.b = random_array((size_t)s.co, 3);
  c.dy = random_array(c.ny, 4);
  c.y = random_array(c.ny, 5); /* matters where the convolution accumulates */
  c.dx = random_array(c.nx, 6);
  c.dw = random_array(c.nw, 7); /* gradients are added to */
  c.db = random_array((size_t)s.co, 8);
  return c;
}

static void free_case(Case *c) {
  float **all[] = {&c->x, &c->y, &c->w, &c->b, &c->dy, &c->dx, &c->dw, &c->db};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) WB_FREE(all[i]);
}

static void run_case(Case *c, WbBackend backend) {
  WbConvContext context = NULL;
  WbConv conv = NULL;
  WB_OK(wb_conv_context_create(backend, &context));
  WB_OK(wb_conv_create(context, &c->s, &conv));
  WB_OK(wb_conv_weights(conv, c->w, c->b));
  if (context->bf16 && !c->s.fp32) {
    uint16_t *x = NULL;
    WB_OK(WB_ALLOC(c->nx, &x));
    wb_to_bf16(c->nx, c->x, x);
    WB_OK(wb_conv_forward(conv, x, c->y));
    WB_OK(wb_conv_backward(conv, x, c->dy, c->dx, c->dw, c->db));
    WB_FREE(&x);
  } else {
    WB_OK(wb_conv_forward(conv, c->x, c->y));
    WB_OK(wb_conv_backward(conv, c->x, c->dy, c->dx, c->dw, c->db));
  }
  wb_conv_destroy(&conv);
  wb_conv_context_destroy(&context);
}

static const WbConvShape shapes[] = {
    {.k = 3, .d = 3, .h = 4, .w = 5, .ci = 6, .co = 10, .training = true},
    {.k = 1, .d = 2, .h = 3, .w = 5, .ci = 24, .co = 8, .training = true},
    {.k = 3, .d = 4, .h = 5, .w = 9, .ci = 32, .co = 16, .training = true, .accumulate = true},
    {.k = 1, .d = 4, .h = 8, .w = 8, .ci = 128, .co = 32, .training = true, .accumulate = true},
    {.k = 3, .d = 2, .h = 40, .w = 33, .ci = 16, .co = 32, .training = true},
    {.k = 3, .d = 2, .h = 3, .w = 11, .ci = 24, .co = 16, .training = true},
    {.k = 1, .d = 2, .h = 3, .w = 4, .ci = 72, .co = 48, .training = true},
    {.k = 3, .d = 6, .h = 8, .w = 14, .ci = 64, .co = 48, .training = true},
    {.k = 3, .d = 3, .h = 8, .w = 6, .ci = 16, .co = 64, .training = true, .accumulate = true},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

/* The part of a padded array whose levels a rank owns: of dx the others are not defined. */
static size_t owned(const Case *c, size_t *first) {
  const size_t plane = c->nx / (size_t)(c->s.d + c->s.k - 1), skip = (size_t)(c->s.k / 2) * plane;
  *first = skip;
  return c->nx - 2 * skip;
}

/* <dy, W x> = <W^T dy, x> and = <dw, w>: the convolution is bilinear. Every term in fp32, sums in fp64. */
static void adjoint_identity(void **state) {
  (void)state;
  const WbBackend backends[] = {WB_BACKEND_REF, WB_BACKEND_BLAS, WB_BACKEND_ONEDNN, WB_BACKEND_NATIVE};
  for (int b = 0; b < 4; b++)
    for (int i = 0; i < N_SHAPES; i++) {
      WbConvShape s = shapes[i];
      s.accumulate = false;
      Case c = make_case(s);
      size_t first;
      const size_t n = owned(&c, &first);
      memset(c.x, 0, first * sizeof *c.x); /* as in a network: zeros below and above the domain */
      memset(c.x + first + n, 0, first * sizeof *c.x);
      memset(c.b, 0, (size_t)s.co * sizeof *c.b);
      memset(c.dw, 0, c.nw * sizeof *c.dw);
      memset(c.db, 0, (size_t)s.co * sizeof *c.db);
      run_case(&c, backends[b]);
      const double forward = dot(c.ny, c.dy, c.y), scale = sqrt(dot(c.ny, c.y, c.y) * dot(c.ny, c.dy, c.dy));
      WB_ASSERT_NEAR(dot(n, c.x + first, c.dx + first) / scale, forward / scale, 1e-6);
      WB_ASSERT_NEAR(dot(c.nw, c.w, c.dw) / scale, forward / scale, 1e-6);
      for (int o = 0; o < s.co; o++) {
        double sum = 0;
        for (size_t v = 0; v < c.ny / (size_t)s.co; v++) sum += (double)c.dy[v * (size_t)s.co + (size_t)o];
        WB_ASSERT_NEAR(c.db[o], sum, 1e-5 * (10 + fabs(sum)));
      }
      free_case(&c);
    }
}

static void compare_backend(WbBackend backend, double tolerance) {
  for (int i = 0; i < N_SHAPES; i++) {
    Case a = make_case(shapes[i]), b = make_case(shapes[i]);
    run_case(&a, WB_BACKEND_REF);
    run_case(&b, backend);
    WB_ASSERT_BELOW(worst(a.ny, b.y, a.y), tolerance);
    size_t first;
    const size_t n = owned(&a, &first);
    WB_ASSERT_BELOW(worst(n, b.dx + first, a.dx + first), tolerance);
    WB_ASSERT_BELOW(worst(a.nw, b.dw, a.dw), tolerance);
    WB_ASSERT_BELOW(worst((size_t)a.s.co, b.db, a.db), tolerance);
    free_case(&a);
    free_case(&b);
  }
}

static void backends_agree(void **state) {
  (void)state;
  compare_backend(WB_BACKEND_BLAS, 1e-5);
  compare_backend(WB_BACKEND_ONEDNN, 1e-5);
  compare_backend(WB_BACKEND_NATIVE, 1e-5);
}

static void bf16_is_near(void **state) {
  (void)state;
  if (!wb_conv_dnnl_has_amx()) skip();
  compare_backend(WB_BACKEND_ONEDNN_BF16, 1e-2); /* bf16 has 8 bits: 0.4 % a factor, errors of terms independent */
}

/* With inputs that bf16 holds exactly, products are exact and sums are fp32: nothing else may be rounded. */
static void bf16_sums_are_fp32(void **state) {
  (void)state;
  if (!wb_conv_dnnl_has_amx()) skip();
  Case a = make_case(shapes[2]), b = make_case(shapes[2]);
  Case *both[] = {&a, &b};
  for (int i = 0; i < 2; i++) {
    for (size_t j = 0; j < a.nx; j++) both[i]->x[j] = rintf(4.0F * both[i]->x[j]) / 4.0F;
    for (size_t j = 0; j < a.nw; j++) both[i]->w[j] = rintf(4.0F * both[i]->w[j]) / 4.0F;
    for (size_t j = 0; j < a.ny; j++) both[i]->dy[j] = rintf(4.0F * both[i]->dy[j]) / 4.0F;
  }
  run_case(&a, WB_BACKEND_REF);
  run_case(&b, WB_BACKEND_ONEDNN_BF16);
  WB_ASSERT_BELOW(worst(a.ny, b.y, a.y), 1e-6);
  WB_ASSERT_BELOW(worst(a.nx, b.dx, a.dx), 1e-6);
  WB_ASSERT_BELOW(worst(a.nw, b.dw, a.dw), 1e-6);
  free_case(&a);
  free_case(&b);
}

/* At the network's own shapes oneDNN must not fall back to its reference loops (100 times slower). */
static void onednn_uses_jit(void **state) {
  (void)state;
  const WbConvShape own[] = {
      {.k = 3, .d = 16, .h = 16, .w = 16, .ci = 32, .co = 32, .training = true, .accumulate = true},
      {.k = 3, .d = 8, .h = 8, .w = 8, .ci = 64, .co = 64, .training = true},
      {.k = 1, .d = 8, .h = 8, .w = 8, .ci = 256, .co = 64, .training = true, .accumulate = true},
      {.k = 1, .d = 8, .h = 8, .w = 8, .ci = 64, .co = 256, .training = true},
      {.k = 1, .d = 16, .h = 16, .w = 16, .ci = 72, .co = 32, .training = true}};
  const int last = wb_conv_dnnl_has_amx() ? WB_BACKEND_ONEDNN_BF16 : WB_BACKEND_ONEDNN;
  for (int backend = WB_BACKEND_ONEDNN; backend <= last; backend++) {
    WbConvContext context = NULL;
    WB_OK(wb_conv_context_create((WbBackend)backend, &context));
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
      WbConv conv = NULL;
      WB_OK(wb_conv_create(context, &own[i], &conv));
      for (int pass = 0; pass < 3; pass++) {
        const char *name = wb_conv_implementation(conv, pass);
        if (getenv("WB_VERBOSE"))
          print_message("backend %d k %d ci %d co %d pass %d: %s\n", backend, own[i].k, own[i].ci, own[i].co, pass,
                        name);
#if defined(__x86_64__)
        if (strncmp(name, "ref", 3) == 0 || strstr(name, "simple") || strcmp(name, "none") == 0)
          fail_msg("convolution %zu, pass %d runs as %s", i, pass, name);
#endif
      }
      wb_conv_destroy(&conv);
    }
    wb_conv_context_destroy(&context);
  }
}

WB_TEST_MAIN(cmocka_unit_test(adjoint_identity), cmocka_unit_test(backends_agree), cmocka_unit_test(bf16_is_near),
             cmocka_unit_test(bf16_sums_are_fp32), cmocka_unit_test(onednn_uses_jit))
