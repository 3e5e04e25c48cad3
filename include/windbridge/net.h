/* windbridge net: layers (forward and backward), the U-Net, optimiser, distributed convolution. Knows nothing of SDEs.
 * Tensors are float, channels last: (D, H, W, C) = (z, y, x, c). A padded tensor has one ghost cell on every side:
 * (D + 2, H + 2, W + 2, C); ghosts across ranks are exchanged, ghosts beyond the domain are 0. */
#ifndef WINDBRIDGE_NET_H
#define WINDBRIDGE_NET_H
#include "windbridge/grid.h"

typedef enum {
  WB_BACKEND_REF,
  WB_BACKEND_BLAS,
  WB_BACKEND_ONEDNN,
  WB_BACKEND_ONEDNN_BF16, /* bf16 convolutions, fp32 sums and weights; needs AMX */
  WB_BACKEND_NATIVE       /* own kernels for 256-bit vectors, one thread; other shapes as WB_BACKEND_BLAS */
} WbBackend;
/* name: ref | blas | onednn | onednn_bf16 | native | auto (onednn where the CPU has AVX-512, else native).
 * onednn_bf16 on a CPU without AMX: a warning, and what auto gives. */
PetscErrorCode wb_backend_parse(const char *name, WbBackend *backend);
const char *wb_backend_name(WbBackend backend);

/* U-Nets with levels at 5 m (input/output), 10 m (after the space-to-depth x2 stem) and 20 m:
 *   cond_nets mean networks, once a minute: static inputs -> mean (out) each; their average is the mean (bagging:
 * Breiman 1996; each may be trained on other cities, so that every city has a mean by a network that never saw it); the
 * guide, once a minute: static inputs with x0 + mean in place of x0 -> features at 10 m; step, at every t: state and
 * the features -> out. All but the step is shared by all steps and members, so it may be the heavier part. */
typedef struct {
  int in_dynamic;       /* 4: the state x_t */
  int in_static;        /* x0 (4), HR fluid mask, LR valid mask, wall distance, height, heat flux = 9 */
  int out;              /* 4 */
  int width1, width2;   /* step: channels at 10 m and at 20 m */
  int blocks1, blocks2; /* step: residual blocks per side at 10 m; at 20 m */
  int cond_width1, cond_width2, cond_blocks1, cond_blocks2; /* the same of a mean network */
  int cond_nets;                                            /* mean networks */
  int embed;                                                /* width of the t embedding */
} WbNetConfig;
void wb_net_config_default(WbNetConfig *config);
/* Not collective. Errors: WB_ERR_CONFIG names the value out of range. */
PetscErrorCode wb_net_config_check(const WbNetConfig *config);
/* Parameters and tensors of an architecture, without making it. Not collective. Errors: as wb_net_config_check. */
PetscErrorCode wb_net_config_size(const WbNetConfig *config, size_t *parameters, int *tensors);

/* Parameters (fp32) and gradients; named and laid out as PyTorch's state_dict. */
typedef struct WbModel_s *WbModel;
PetscErrorCode wb_model_create(const WbNetConfig *config, WbModel *model); /* replicated, not collective */
PetscErrorCode wb_model_init(WbModel model, uint32_t seed); /* He-like init, output layer zero; counter-based */
void wb_model_destroy(WbModel *model);
const WbNetConfig *wb_model_config(WbModel model);
size_t wb_model_size(WbModel model);     /* parameters */
float *wb_model_params(WbModel model);   /* flat (size), one block per parameter tensor */
float *wb_model_grads(WbModel model);    /* flat (size) */
void wb_model_zero_grads(WbModel model); /* wb_net_backward adds, wb_adamw_step does not clear: call this */
/* Turns the weights by the horizontal symmetry T number s (grid.h): from then on they give T^-1 N(T x). Vectors are
 * channels 1 and 2 of the state, of x0 and of the outputs. Not collective, every rank alike. Errors: memory. */
PetscErrorCode wb_model_turn_weights(WbModel model, int s);
int wb_model_tensors(WbModel model); /* number of parameter tensors */
void wb_model_tensor(WbModel model, int i, const char **name, int *rank, int dims[5], size_t *offset);

/* A network bound to a fine grid (5 m; nxl, nyl, nz all multiples of 4) and a backend; owns all activations. */
typedef struct WbNet_s *WbNet;
/* What of the activations is kept: little; all that the backward passes need; as the second, but of residual blocks
 * only the inputs, from which the backward passes compute the rest again (Chen et al. 2016): the same bits for one more
 * first convolution and its exchange a block. */
typedef enum { WB_NET_INFERENCE, WB_NET_TRAINING, WB_NET_RECOMPUTE } WbNetMode;
PetscErrorCode wb_net_create(WbModel model, const WbGrid *grid, WbBackend backend, WbNetMode mode,
                             WbNet *net); /* coll. */
void wb_net_destroy(WbNet *net);
/* Bytes that a network holds on this rank. */
typedef struct {
  double weights;    /* repacked for the backend, with the gradients' scratch in training; the model has its own */
  double fields;     /* activations, and their gradients in training */
  double halos;      /* message buffers */
  double work_space; /* the backend's scratch */
} WbNetMemory;
/* What wb_net_create would take, without taking it. Collective on grid->comm. Errors: as wb_net_create. */
PetscErrorCode wb_net_plan(WbModel model, const WbGrid *grid, WbBackend backend, WbNetMode mode, WbNetMemory *memory);
void wb_net_memory(WbNet net, WbNetMemory *memory); /* what net holds; not collective */
static inline double wb_net_memory_sum(const WbNetMemory *m) {
  return m->weights + m->fields + m->halos + m->work_space;
}
/* What one convolution did since wb_net_create or wb_net_layers_reset. Sizes are this rank's. */
typedef struct {
  char name[64];              /* NAME of its tensor NAME.weight, and of the module in PyTorch */
  int k, d, h, w, ci, co;     /* kernel k^3; output (d, h, w, co) of ci inputs */
  double flops, bytes;        /* of one forward call: two a multiply-add; input, weights and output moved once */
  long calls, backward_calls; /* a backward call gives both gradients */
  double seconds, backward_seconds;
} WbNetLayer;
int wb_net_layers(WbNet net); /* number of convolutions; not collective, as the three below */
void wb_net_layer(WbNet net, int i, WbNetLayer *layer);
void wb_net_layers_reset(WbNet net);
/* The bare convolution i: the same shape and backend on arrays of its own, nothing between the calls. backward: both
 * gradients (a net for training). seconds out: the median of `repeats` calls after one that does not count. Allocates
 * and frees. */
PetscErrorCode wb_net_layer_bare(WbNet net, int i, bool backward, int repeats, double *seconds);
/* Whether the forward passes send the rim of a convolution's input before they make the rest of it (true, as after
 * wb_net_create), or exchange when all of it is there: the same bits. Not collective, but the same on all ranks. */
void wb_net_overlap(WbNet net, bool overlap);
PetscErrorCode wb_net_params_changed(WbNet net); /* after the optimiser wrote into the model; then condition again */
/* Training: drops each channel between the convolutions of a block with probability rate (the others are scaled by
 * 1 / (1 - rate)) in all passes from here on, the same for the same key; 0: none, as after wb_net_create. Not
 * collective, but all ranks of the grid must use one key. */
PetscErrorCode wb_net_dropout(WbNet net, double rate, const WbRandomKey *key);
/* Mean network k: stat (nz, nyl, nxl, in_static), mask (nz, nyl, nxl: fluid) in; mean (nz, nyl, nxl, out) out, 0 in
 * buildings. */
PetscErrorCode wb_net_mean_forward(WbNet net, int k, const float *stat, const uint8_t *mask, float *mean);
/* Training, after wb_net_mean_forward: carries dmean (nz, nyl, nxl, out), the gradient of its mean, into network k. */
PetscErrorCode wb_net_mean_backward(WbNet net, const float *dmean);
/* Makes ready for wb_net_forward: the guide about mean (nz, nyl, nxl, out; NULL: the average of all mean networks,
 * which run first). */
PetscErrorCode wb_net_condition(WbNet net, const float *stat, const uint8_t *mask, const float *mean);
const float *wb_net_mean(WbNet net); /* (nz, nyl, nxl, out) that the condition is about, 0 in buildings; owned by net */
/* x (nz, nyl, nxl, in_dynamic) -> out (nz, nyl, nxl, out); out is 0 in buildings. */
PetscErrorCode wb_net_forward(WbNet net, double t, const float *x, float *out);
/* Training, after one wb_net_forward: dout (nz, nyl, nxl, out) in; adds to the model's gradients (this rank's part
 * only: allreduce afterwards); dx (nz, nyl, nxl, in_dynamic) out or NULL. May be called for several (t, x) of one
 * condition. */
PetscErrorCode wb_net_backward(WbNet net, const float *dout, float *dx);
/* After all wb_net_backward of a condition: carries their gradients through the guide (the mean counts as given). */
PetscErrorCode wb_net_condition_backward(WbNet net);

/* ---- a network in slabs of rows, for less memory: condition, mean and forward as above, without training ----
 * slabs: how many a rank works through, one after the other, each with a margin of the receptive field; the result
 * equals the whole's to rounding. 1: a plain network. Collective on grid->comm. More than one rank with slabs: each
 * must own as many rows and columns as the receptive field has cells. Errors: as wb_net_create; WB_ERR_CONFIG (slabs,
 * ranks).
 */
typedef struct WbSlabs_s *WbSlabs;
PetscErrorCode wb_slabs_create(WbModel model, const WbGrid *grid, WbBackend backend, int slabs, WbSlabs *out);
PetscErrorCode wb_slabs_plan(WbModel model, const WbGrid *grid, WbBackend backend, int slabs, WbNetMemory *memory);
void wb_slabs_destroy(WbSlabs *slabs);
PetscErrorCode wb_slabs_condition(WbSlabs slabs, const float *stat, const uint8_t *mask);
const float *wb_slabs_mean(WbSlabs slabs);
PetscErrorCode wb_slabs_forward(WbSlabs slabs, double t, const float *x, float *out);
WbNet wb_slabs_net(WbSlabs slabs); /* of one slab; owned by slabs */
/* Cells of 5 m on each side of a voxel from which one pass (the further reaching of condition, with its mean networks
 * and guide, and step) can feel an input; a multiple of 4. */
int wb_net_receptive_field(const WbNetConfig *config);

/* AdamW with decoupled decay, gradient clipping by global norm, EMA of weights (Loshchilov & Hutter 2019). */
typedef struct {
  double lr, beta1, beta2, eps, weight_decay, clip_norm, ema_decay;
} WbAdamWOptions;
typedef struct WbAdamW_s *WbAdamW;
PetscErrorCode wb_adamw_create(WbModel model, const WbAdamWOptions *options, WbAdamW *opt);
/* One step with gradients already averaged over all ranks; lr overrides the option; grad_norm out (before clipping). */
PetscErrorCode wb_adamw_step(WbAdamW opt, double lr, double *grad_norm);
long wb_adamw_steps(WbAdamW opt);
float *wb_adamw_state(WbAdamW opt, int which); /* 0: m, 1: v, 2: EMA weights; (size) for checkpoints */
void wb_adamw_set_steps(WbAdamW opt, long steps);
void wb_adamw_destroy(WbAdamW *opt);
#endif
