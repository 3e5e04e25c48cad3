/* The parameters of the U-Net: names, shapes, initial values. */
#include "net_internal.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/** Default architecture. config out. Not collective. */
void wb_net_config_default(WbNetConfig *config) {
  *config = (WbNetConfig){.in_dynamic = 4,
                          .in_static = 9,
                          .out = 4,
                          .width1 = 32,
                          .width2 = 64,
                          .blocks1 = 1,
                          .blocks2 = 2,
                          .cond_width1 = 32,
                          .cond_width2 = 64,
                          .cond_blocks1 = 1,
                          .cond_blocks2 = 4,
                          .cond_nets = 4,
                          .embed = 64};
}

static const char *const backend_names[] = {"ref", "blas", "onednn", "onednn_bf16", "native"};
enum { N_BACKENDS = sizeof backend_names / sizeof *backend_names };

static WbBackend best_in_fp32(void) {
  return wb_conv_native_is_best() ? WB_BACKEND_NATIVE : WB_BACKEND_ONEDNN;
}

PetscErrorCode wb_backend_parse(const char *name, WbBackend *backend) {
  PetscFunctionBeginUser;
  *backend = best_in_fp32();
  if (strcmp(name, "auto") == 0) PetscFunctionReturn(0);
  for (int i = 0; i < N_BACKENDS; i++) {
    if (strcmp(name, backend_names[i]) != 0) continue;
    if (i == WB_BACKEND_ONEDNN_BF16 && !wb_conv_dnnl_has_amx())
      wb_log_warn("network backend onednn_bf16 needs a CPU with AMX, which this one lacks: computing in fp32 (%s)",
                  backend_names[*backend]);
    else
      *backend = (WbBackend)i;
    PetscFunctionReturn(0);
  }
  WB_RAISE_ALL(WB_ERR_CONFIG,
               "network backend \"%s\" is unknown; allowed: auto, native, onednn, onednn_bf16, blas, ref", name);
}

const char *wb_backend_name(WbBackend backend) {
  return backend_names[backend];
}

PetscErrorCode wb_net_config_check(const WbNetConfig *c) {
  PetscFunctionBeginUser;
  const struct {
    const char *name;
    int value, min, max, multiple;
  } keys[] = {{"in_dynamic", c->in_dynamic, 1, 64, 1},
              {"out", c->out, 1, 64, 1},
              {"in_static", c->in_static, c->out, 64, 1}, /* its first channels are x0 */
              {"width1", c->width1, 2, WB_NET_CHANNELS_MAX, 2},
              {"width2", c->width2, 2, WB_NET_CHANNELS_MAX, 2},
              {"blocks1", c->blocks1, 0, 32, 1},
              {"blocks2", c->blocks2, 0, 32, 1},
              {"cond_width1", c->cond_width1, 2, WB_NET_CHANNELS_MAX, 2},
              {"cond_width2", c->cond_width2, 2, WB_NET_CHANNELS_MAX, 2},
              {"cond_blocks1", c->cond_blocks1, 0, 32, 1},
              {"cond_blocks2", c->cond_blocks2, 0, 32, 1},
              {"cond_nets", c->cond_nets, 1, 16, 1},
              {"embed", c->embed, 4, 4096, 2}};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (keys[i].value < keys[i].min || keys[i].value > keys[i].max || keys[i].value % keys[i].multiple)
      WB_RAISE_ALL(WB_ERR_CONFIG, "network %s = %d; allowed: %d to %d, a multiple of %d", keys[i].name, keys[i].value,
                   keys[i].min, keys[i].max, keys[i].multiple);
  PetscFunctionReturn(0);
}

/* Enters a tensor; a model without a table only counts (wb_net_config_size), so that the table is made in the right
 * length. */
static void add(WbModel m, const char *name, int rank, int d0, int d1, int k) {
  WbTensor one, *t = m->tensors ? &m->tensors[m->n_tensors] : &one;
  const int dims[5] = {d0, d1, k, k, k};
  m->n_tensors++;
  snprintf(t->name, sizeof t->name, "%.63s", name);
  t->rank = rank;
  t->offset = m->size;
  t->size = 1;
  for (int i = 0; i < 5; i++) {
    t->dims[i] = i < rank ? dims[i] : 1;
    t->size *= (size_t)t->dims[i];
  }
  m->size += t->size;
}

static void add_conv(WbModel m, const char *name, int co, int ci, int k, bool bias) {
  char full[WB_NET_NAME_MAX + 16];
  snprintf(full, sizeof full, "%.48s.weight", name);
  add(m, full, 5, co, ci, k);
  if (!bias) return;
  snprintf(full, sizeof full, "%.48s.bias", name);
  add(m, full, 1, co, 0, 0);
}

static void add_linear(WbModel m, const char *name, int out, int in) {
  char full[WB_NET_NAME_MAX + 16];
  snprintf(full, sizeof full, "%.48s.weight", name);
  add(m, full, 2, out, in, 0);
  snprintf(full, sizeof full, "%.48s.bias", name);
  add(m, full, 1, out, 0, 0);
}

static const char *dotted(char full[WB_NET_NAME_MAX], const char *prefix, const char *name) {
  snprintf(full, WB_NET_NAME_MAX, "%.23s.%.39s", prefix, name);
  return full;
}

static void add_block(WbModel m, const char *prefix, int b, int c, int embed) {
  char block[48], full[WB_NET_NAME_MAX];
  snprintf(block, sizeof block, "%.15s.blocks.%d", prefix, b);
  add(m, dotted(full, block, "norm1.weight"), 1, c, 0, 0);
  if (embed) add_linear(m, dotted(full, block, "film"), 2 * c, embed);
  add_conv(m, dotted(full, block, "conv1"), c, c, 3, true);
  add(m, dotted(full, block, "norm2.weight"), 1, c, 0, 0);
  add_conv(m, dotted(full, block, "conv2"), c, c, 3, true);
}

static void add_unet(WbModel m, const WbUnetShape *u, int embed) {
  char full[WB_NET_NAME_MAX];
  add_conv(m, dotted(full, u->prefix, "down"), u->width2, 8 * u->width1, 1, true);
  for (int b = 0; b < wb_unet_block_count(u); b++)
    add_block(m, u->prefix, b, wb_unet_block_is_coarse(u, b) ? u->width2 : u->width1, u->timed ? embed : 0);
  add_conv(m, dotted(full, u->prefix, "up"), 8 * u->width1, u->width2, 1, true);
  add(m, dotted(full, u->prefix, "out_norm.weight"), 1, u->width1, 0, 0);
  if (u->timed) add_linear(m, dotted(full, u->prefix, "out_film"), 3 * u->width1, embed);
  add_conv(m, dotted(full, u->prefix, "head"), 8 * u->out, u->width1, 3, true);
  add_conv(m, dotted(full, u->prefix, "head_skip"), 8 * u->out, u->width1, 1, false);
}

void wb_net_unet_shapes(const WbNetConfig *c, WbUnetShape *condition, WbUnetShape *step) {
  *condition = (WbUnetShape){"cond.0", c->cond_width1, c->cond_width2, c->cond_blocks1, c->cond_blocks2, c->out, false};
  *step = (WbUnetShape){"step", c->width1, c->width2, c->blocks1, c->blocks2, c->out, true};
}

static void add_all(WbModel m) {
  const WbNetConfig *c = &m->config;
  WbUnetShape condition, step;
  char full[WB_NET_NAME_MAX];
  wb_net_unet_shapes(c, &condition, &step);
  for (int k = 0; k < c->cond_nets; k++) {
    snprintf(condition.prefix, sizeof condition.prefix, "cond.%d", k);
    add_unet(m, &condition, c->embed);
    add_conv(m, dotted(full, condition.prefix, "stem1"), c->cond_width1, 8 * c->in_static, 1, true);
    add_conv(m, dotted(full, condition.prefix, "stem2"), c->cond_width1, c->cond_width1, 3, true);
    if (k == 0) m->cond_size = m->size;
  }
  add_conv(m, "guide_stem1", c->width1, 8 * c->in_static, 1, true);
  add_conv(m, "guide_stem2", c->width1, c->width1, 3, true);
  add_linear(m, "embed1", c->embed, c->embed);
  add_linear(m, "embed2", c->embed, c->embed);
  add_conv(m, "step_stem", c->width1, 8 * c->in_dynamic, 3, true);
  add_unet(m, &step, c->embed);
}

PetscErrorCode wb_net_config_size(const WbNetConfig *config, size_t *parameters, int *tensors) {
  PetscFunctionBeginUser;
  PetscCall(wb_net_config_check(config));
  struct WbModel_s counted = {.config = *config};
  add_all(&counted);
  *parameters = counted.size;
  *tensors = counted.n_tensors;
  PetscFunctionReturn(0);
}

static PetscErrorCode fill(WbModel m) {
  PetscFunctionBeginUser;
  size_t parameters = 0;
  int tensors = 0;
  PetscCall(wb_net_config_size(&m->config, &parameters, &tensors));
  PetscCall(WB_CALLOC(tensors, &m->tensors));
  add_all(m);
  PetscCall(WB_CALLOC(m->size, &m->params));
  PetscCall(WB_CALLOC(m->size, &m->grads));
  PetscFunctionReturn(0);
}

/** Parameters (zero) and gradients (zero) of an architecture. config in; model out, caller destroys. Not collective,
 * replicated on every rank. Errors: WB_ERR_CONFIG names the value out of range. */
PetscErrorCode wb_model_create(const WbNetConfig *config, WbModel *model) {
  PetscFunctionBeginUser;
  *model = NULL;
  PetscCall(wb_net_config_check(config));
  WbModel m = NULL;
  PetscCall(WB_CALLOC(1, &m));
  m->config = *config;
  const PetscErrorCode ierr = fill(m);
  if (ierr) wb_model_destroy(&m);
  *model = m;
  PetscFunctionReturn(ierr);
}

void wb_model_destroy(WbModel *model) {
  if (!*model) return;
  WB_FREE(&(*model)->tensors);
  WB_FREE(&(*model)->params);
  WB_FREE(&(*model)->grads);
  WB_FREE(model);
}

/* Standard deviation of a tensor's initial values; 1e30 stands for "all ones". What ends the network and each FiLM
 * starts at 0, so that the first output is 0 and t has no effect yet; a block's second convolution starts small. */
static double init_scale(const WbTensor *t) {
  if (strstr(t->name, "norm")) return 1e30;
  if (t->rank == 1 || strstr(t->name, "film") || strstr(t->name, "head")) return 0;
  double fan_in = 1;
  for (int i = 1; i < t->rank; i++) fan_in *= t->dims[i];
  const double gain = strstr(t->name, "conv2") ? 0.3 : strstr(t->name, "conv1") || strstr(t->name, "stem2") ? 1.5 : 1;
  return gain / sqrt(fan_in);
}

/** Initial values (variance of He et al. 2015 for hidden layers), the same for a seed whatever the ranks. */
PetscErrorCode wb_model_init(WbModel model, uint32_t seed) {
  PetscFunctionBeginUser;
  for (int i = 0; i < model->n_tensors; i++) {
    const WbTensor *t = &model->tensors[i];
    const WbRandomKey key = {.seed = seed, .stream = WB_STREAM_INIT, .step = (uint32_t)i};
    const double scale = init_scale(t);
    for (size_t j = 0; j < t->size; j += 4) {
      float normal[4];
      wb_random_normal4(&key, j / 4, normal);
      for (size_t l = 0; l < 4 && j + l < t->size; l++)
        model->params[t->offset + j + l] = scale > 1e29 ? 1.0F : (float)scale * normal[l];
    }
  }
  PetscFunctionReturn(0);
}

const WbNetConfig *wb_model_config(WbModel model) {
  return &model->config;
}
size_t wb_model_size(WbModel model) {
  return model->size;
}
float *wb_model_params(WbModel model) {
  return model->params;
}
float *wb_model_grads(WbModel model) {
  return model->grads;
}
void wb_model_zero_grads(WbModel model) {
  memset(model->grads, 0, model->size * sizeof *model->grads);
}
int wb_model_tensors(WbModel model) {
  return model->n_tensors;
}

void wb_model_tensor(WbModel model, int i, const char **name, int *rank, int dims[5], size_t *offset) {
  const WbTensor *t = &model->tensors[i];
  *name = t->name;
  *rank = t->rank;
  memcpy(dims, t->dims, sizeof t->dims);
  *offset = t->offset;
}

PetscErrorCode wb_model_offset(WbModel model, const char *name, size_t *offset) {
  PetscFunctionBeginUser;
  for (int i = 0; i < model->n_tensors; i++) {
    if (strcmp(model->tensors[i].name, name) == 0) {
      *offset = model->tensors[i].offset;
      PetscFunctionReturn(0);
    }
  }
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_PLIB, "model has no tensor %s", name);
}
