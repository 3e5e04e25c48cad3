/* AdamW (Loshchilov & Hutter 2019) with clipping by the global norm and an exponential mean of the weights. */
#include "net_internal.h"
#include <math.h>
#include <string.h>

struct WbAdamW_s {
  WbModel model; /* borrowed */
  WbAdamWOptions options;
  long steps;
  float *m, *v, *ema; /* (size) */
};

/** Optimiser state for model (borrowed, must outlive it): moments 0, the mean of the weights = the weights. opt out,
 * caller destroys. Not collective. */
PetscErrorCode wb_adamw_create(WbModel model, const WbAdamWOptions *options, WbAdamW *opt) {
  PetscFunctionBeginUser;
  WbAdamW o = NULL;
  PetscCall(WB_CALLOC(1, &o));
  *opt = o;
  o->model = model;
  o->options = *options;
  PetscCall(WB_CALLOC(model->size, &o->m));
  PetscCall(WB_CALLOC(model->size, &o->v));
  PetscCall(WB_ALLOC(model->size, &o->ema));
  memcpy(o->ema, model->params, model->size * sizeof *o->ema);
  PetscFunctionReturn(0);
}

typedef struct {
  float beta1, beta2, eps, step, decay, clip, root2; /* step = lr / (1 - beta1^t), root2 = 1 / sqrt(1 - beta2^t) */
} Coefficients;

WB_KERNEL static void update(size_t n, const Coefficients *c, const float *restrict grad, float *restrict p,
                             float *restrict m, float *restrict v) {
  const Coefficients k = *c;
  for (size_t i = 0; i < n; i++) {
    const float g = grad[i] * k.clip;
    m[i] = k.beta1 * m[i] + (1.0F - k.beta1) * g;
    v[i] = k.beta2 * v[i] + (1.0F - k.beta2) * g * g;
    p[i] = p[i] * k.decay - k.step * m[i] / (sqrtf(v[i]) * k.root2 + k.eps);
  }
}

/** One step. lr in: overrides the option; grad_norm out: L2 norm of the gradients before clipping (clip_norm <= 0: no
 * clipping). Weights of convolutions and linear maps decay, gains and biases do not. Gradients are left as they are.
 * Not collective: the same gradients on all ranks give the same weights. Errors: WB_ERR_NUMERIC when the gradient is
 * not finite (nothing is changed then). */
PetscErrorCode wb_adamw_step(WbAdamW opt, double lr, double *grad_norm) {
  PetscFunctionBeginUser;
  WbModel model = opt->model;
  const WbAdamWOptions *o = &opt->options;
  double sum = 0;
  for (size_t i = 0; i < model->size; i++) sum += (double)model->grads[i] * (double)model->grads[i];
  const double norm = sqrt(sum);
  *grad_norm = norm;
  if (!isfinite(norm)) WB_RAISE(WB_ERR_NUMERIC, "gradient norm is not finite at optimiser step %ld", opt->steps + 1);
  opt->steps++;
  Coefficients c = {.beta1 = (float)o->beta1, .beta2 = (float)o->beta2, .eps = (float)o->eps, .clip = 1.0F};
  c.step = (float)(lr / (1.0 - pow(o->beta1, (double)opt->steps)));
  c.root2 = (float)(1.0 / sqrt(1.0 - pow(o->beta2, (double)opt->steps)));
  if (o->clip_norm > 0 && norm > o->clip_norm) c.clip = (float)(o->clip_norm / (norm + 1e-6));
  for (int i = 0; i < model->n_tensors; i++) {
    const WbTensor *t = &model->tensors[i];
    c.decay = t->rank > 1 ? (float)(1.0 - lr * o->weight_decay) : 1.0F;
    update(t->size, &c, model->grads + t->offset, model->params + t->offset, opt->m + t->offset, opt->v + t->offset);
  }
  /* short memory at first, so that the initial weights are forgotten */
  const double warm = (1.0 + (double)opt->steps) / (10.0 + (double)opt->steps);
  const float keep = (float)(o->ema_decay < warm ? o->ema_decay : warm);
  for (size_t i = 0; i < model->size; i++) opt->ema[i] = keep * opt->ema[i] + (1.0F - keep) * model->params[i];
  PetscFunctionReturn(0);
}

long wb_adamw_steps(WbAdamW opt) {
  return opt->steps;
}
void wb_adamw_set_steps(WbAdamW opt, long steps) {
  opt->steps = steps;
}

/** which: 0 first moment, 1 second moment, 2 mean of the weights; (size), owned by opt. */
float *wb_adamw_state(WbAdamW opt, int which) {
  return which == 0 ? opt->m : which == 1 ? opt->v : opt->ema;
}

void wb_adamw_destroy(WbAdamW *opt) {
  if (!*opt) return;
  WB_FREE(&(*opt)->m);
  WB_FREE(&(*opt)->v);
  WB_FREE(&(*opt)->ema);
  WB_FREE(opt);
}
