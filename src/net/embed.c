/* Embedding of t: sinusoidal features -> two linear layers with SiLU -> a linear map to the (scale, shift) of each
 * block. */
#include "net_internal.h"
#include <math.h>
#include <string.h>

#define WB_EMBED_FREQUENCY_MAX 100.0

PetscErrorCode wb_embed_create(WbModel model, WbEmbed *e) {
  PetscFunctionBeginUser;
  const int n = model->config.embed;
  *e = (WbEmbed){.width = n};
  float **all[] = {&e->feature, &e->h1, &e->s1, &e->h2, &e->s2, &e->ds2, &e->ds1};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) PetscCall(WB_CALLOC(n, all[i]));
  PetscCall(wb_model_offset(model, "embed1.weight", &e->w1));
  PetscCall(wb_model_offset(model, "embed1.bias", &e->b1));
  PetscCall(wb_model_offset(model, "embed2.weight", &e->w2));
  PetscCall(wb_model_offset(model, "embed2.bias", &e->b2));
  PetscFunctionReturn(0);
}

void wb_embed_destroy(WbEmbed *e) {
  float **all[] = {&e->feature, &e->h1, &e->s1, &e->h2, &e->s2, &e->ds2, &e->ds1};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) WB_FREE(all[i]);
}

static void linear(int n_out, int n_in, const float *w, const float *b, const float *x, float *y) {
  for (int o = 0; o < n_out; o++) {
    double sum = (double)b[o];
    for (int i = 0; i < n_in; i++) sum += (double)w[(size_t)o * (size_t)n_in + (size_t)i] * (double)x[i];
    y[o] = (float)sum;
  }
}

/* dw += dy x^T, db += dy, dx += w^T dy (dx NULL: not wanted) */
static void linear_back(int n_out, int n_in, const float *w, const float *x, const float *dy, float *dw, float *db,
                        float *dx) {
  for (int o = 0; o < n_out; o++) {
    const size_t row = (size_t)o * (size_t)n_in;
    db[o] += dy[o];
    for (int i = 0; i < n_in; i++) dw[row + (size_t)i] += dy[o] * x[i];
    if (!dx) continue;
    for (int i = 0; i < n_in; i++) dx[i] += w[row + (size_t)i] * dy[o];
  }
}

static void silu(int n, const float *x, float *y) {
  for (int i = 0; i < n; i++) y[i] = (float)((double)x[i] / (1.0 + exp(-(double)x[i])));
}

static void silu_back(int n, const float *x, float *d) { /* d: of the output in, of the input out */
  for (int i = 0; i < n; i++) {
    const double s = 1.0 / (1.0 + exp(-(double)x[i]));
    d[i] = (float)((double)d[i] * s * (1.0 + (double)x[i] * (1.0 - s)));
  }
}

void wb_embed_forward(WbEmbed *e, const float *params, double t) {
  const int half = e->width / 2;
  for (int i = 0; i < half; i++) {
    const double omega = pow(WB_EMBED_FREQUENCY_MAX, half > 1 ? (double)i / (half - 1) : 0.0);
    e->feature[i] = (float)sin(omega * t);
    e->feature[half + i] = (float)cos(omega * t);
  }
  linear(e->width, e->width, params + e->w1, params + e->b1, e->feature, e->h1);
  silu(e->width, e->h1, e->s1);
  linear(e->width, e->width, params + e->w2, params + e->b2, e->s1, e->h2);
  silu(e->width, e->h2, e->s2);
  memset(e->ds2, 0, (size_t)e->width * sizeof *e->ds2);
}

void wb_embed_film(const WbEmbed *e, const float *w, const float *b, int n, float *film) {
  linear(n, e->width, w, b, e->s2, film);
}

void wb_embed_film_back(WbEmbed *e, const float *w, const float *dfilm, int n, float *dw, float *db) {
  linear_back(n, e->width, w, e->s2, dfilm, dw, db, e->ds2);
}

void wb_embed_backward(WbEmbed *e, const float *params, float *grads) {
  memset(e->ds1, 0, (size_t)e->width * sizeof *e->ds1);
  silu_back(e->width, e->h2, e->ds2);
  linear_back(e->width, e->width, params + e->w2, e->s1, e->ds2, grads + e->w2, grads + e->b2, e->ds1);
  silu_back(e->width, e->h1, e->ds1);
  linear_back(e->width, e->width, params + e->w1, e->feature, e->ds1, grads + e->w1, grads + e->b1, NULL);
  memset(e->ds2, 0, (size_t)e->width * sizeof *e->ds2);
}
