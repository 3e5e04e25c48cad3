/* Shared by the files of src/net only. Layout of every tensor: (z, y, x, c), c fastest. */
#ifndef WB_NET_INTERNAL_H
#define WB_NET_INTERNAL_H
#include "windbridge/net.h"

/* ---- model ---- */
#define WB_NET_NAME_MAX 64
typedef struct {
  char name[WB_NET_NAME_MAX];
  int rank, dims[5];
  size_t offset, size;
} WbTensor;
struct WbModel_s {
  WbNetConfig config;
  int n_tensors;
  WbTensor *tensors;
  size_t size, cond_size; /* parameters: all; of one mean network (those of cond.0 come first of all) */
  float *params, *grads;
};
/* Offset of a tensor that must exist (an internal error otherwise). */
PetscErrorCode wb_model_offset(WbModel model, const char *name, size_t *offset);
/* A U-Net; its parameters are named PREFIX.down.weight, PREFIX.blocks.0.norm1.weight, ... */
typedef struct {
  char prefix[24];
  int width1, width2, blocks1, blocks2, out;
  bool timed; /* FiLM of t in blocks and head */
} WbUnetShape;
void wb_net_unet_shapes(const WbNetConfig *config, WbUnetShape *condition, WbUnetShape *step); /* of cond.0 */
static inline int wb_unet_block_count(const WbUnetShape *u) {
  return 2 * u->blocks1 + u->blocks2;
}
/* Blocks in the order of the forward pass: blocks1 at 10 m, blocks2 at 20 m, blocks1 at 10 m. */
static inline bool wb_unet_block_is_coarse(const WbUnetShape *u, int b) {
  return b >= u->blocks1 && b < u->blocks1 + u->blocks2;
}

/* ---- convolution: valid, stride 1, kernel k = 1 or 3; input (d+k-1, h+k-1, w+k-1, ci), output (d, h, w, co) ---- */
typedef struct WbConvContext_s *WbConvContext; /* backend, engine and scratch shared by the convolutions of a net */
typedef struct WbConv_s *WbConv;
typedef struct {
  int k, d, h, w, ci, co;
  bool accumulate; /* forward adds to y instead of overwriting it */
  bool training;
  bool fp32; /* keep fp32 in a bf16 context */
} WbConvShape;
PetscErrorCode wb_conv_context_create(WbBackend backend, WbConvContext *context);
void wb_conv_context_destroy(WbConvContext *context);
PetscErrorCode wb_conv_create(WbConvContext context, const WbConvShape *shape, WbConv *conv);
void wb_conv_destroy(WbConv *conv);
/* Element type of a convolution's input: 2 (bf16) or 4 (float) bytes. */
size_t wb_conv_element(WbConvContext context);
/* w (co, ci, k, k, k), bias (co) or NULL: repacked here, not referenced afterwards. */
PetscErrorCode wb_conv_weights(WbConv conv, const float *w, const float *bias);
/* x: float, or bf16 where the context says so (and not shape.fp32); y float. */
PetscErrorCode wb_conv_forward(WbConv conv, const void *x, float *y);
/* dy (d, h, w, co) in. dx (padded) out, overwritten, NULL: not wanted; with k = 3 its first and last level, ghosts that
 * no rank owns, are not defined. dw (co, ci, k, k, k), db (co) or NULL: added to.
 */
PetscErrorCode wb_conv_backward(WbConv conv, const void *x, const float *dy, float *dx, float *dw, float *db);
double wb_conv_flops(WbConv conv);
double wb_conv_bytes(WbConv conv); /* held by this convolution: weights in all layouts, their gradient's scratch */
const char *wb_conv_implementation(WbConv conv, int which); /* which: 0 forward, 1 backward data, 2 backward weights */

/* Backends, called by conv.c */
typedef struct WbConvDnnl_s WbConvDnnl;
enum { WB_CONV_FORWARD, WB_CONV_BACKWARD, WB_CONV_PASSES };
typedef enum { WB_CONV_LIBRARY, WB_CONV_NATIVE, WB_CONV_WINOGRAD } WbConvOwn; /* which own kernels, if any */
struct WbConvContext_s {
  WbBackend backend;
  bool bf16;
  float *scratch; /* im2col slab, or oneDNN's scratch pad */
  size_t scratch_bytes;
  uint16_t *dy16; /* bf16 copy of the output gradient */
  size_t dy16_size;
  void *engine, *stream; /* oneDNN */
};
struct WbConv_s {
  WbConvContext context;
  WbConvShape shape;
  bool has_bias;
  float *weights;      /* REF, BLAS: (k, k, k, ci, co); own kernels: packed */
  float *weights_back; /* own kernels, training: packed for the backward pass */
  WbConvOwn own;
  float *bias;     /* (co), 0 without */
  float *dweights; /* scratch of the gradient */
  int slab;        /* BLAS: rows (z, y) of output a slab */
  WbConvDnnl *dnnl;
  long calls[WB_CONV_PASSES];
  double seconds[WB_CONV_PASSES];
};
PetscErrorCode wb_conv_scratch(WbConvContext context, size_t bytes);
void wb_conv_ref_forward(const WbConvShape *s, const float *x, const float *w, const float *bias, float *y);
void wb_conv_ref_backward_data(const WbConvShape *s, const float *dy, const float *w, float *dx);
void wb_conv_ref_backward_weights(const WbConvShape *s, const float *x, const float *dy, float *dw, float *db);
void wb_conv_blas_forward(WbConv conv, const float *x, float *y);
void wb_conv_blas_backward_data(WbConv conv, const float *dy, float *dx);
void wb_conv_blas_backward_weights(WbConv conv, const float *x, const float *dy, float *dw);
/* conv_native.c: co a multiple of 16, ci of 8. */
bool wb_conv_native_is_best(void); /* on this CPU with this number of threads */
bool wb_conv_native_fits(const WbConvShape *s);
size_t wb_conv_native_weights_size(const WbConvShape *s, bool backward);
void wb_conv_native_pack(const WbConvShape *s, const float *w, float *forward, float *backward); /* backward or NULL */
void wb_conv_native_forward(const WbConvShape *s, const float *x, const float *w, const float *bias, float *y);
size_t wb_conv_native_scratch(const WbConvShape *s);
void wb_conv_native_backward_data(const WbConvShape *s, const float *dy, const float *w, float *scratch, float *dx);
void wb_conv_native_backward_weights(const WbConvShape *s, const float *x, const float *dy, float *dw);
/* conv_winograd.c: 3^3, ci and co multiples of 16; same arguments. Of dx the first and last level are 0. */
bool wb_conv_winograd_fits(const WbConvShape *s);
size_t wb_conv_winograd_weights_size(const WbConvShape *s);
void wb_conv_winograd_pack(const WbConvShape *s, const float *w, float *forward, float *backward);
size_t wb_conv_winograd_scratch(const WbConvShape *s);
void wb_conv_winograd_forward(const WbConvShape *s, const float *x, const float *u, const float *bias, float *scratch,
                              float *y);
void wb_conv_winograd_backward_data(const WbConvShape *s, const float *dy, const float *u, float *scratch, float *dx);
void wb_conv_winograd_backward_weights(const WbConvShape *s, const float *x, const float *dy, float *scratch,
                                       float *dw);
PetscErrorCode wb_conv_dnnl_context(WbConvContext context);
void wb_conv_dnnl_context_destroy(WbConvContext context);
PetscErrorCode wb_conv_dnnl_create(WbConv conv);
void wb_conv_dnnl_destroy(WbConv conv);
PetscErrorCode wb_conv_dnnl_weights(WbConv conv, const float *w, const float *bias);
PetscErrorCode wb_conv_dnnl_forward(WbConv conv, const void *x, float *y);
PetscErrorCode wb_conv_dnnl_backward(WbConv conv, const void *x, const float *dy, float *dx, float *dw, float *db);
const char *wb_conv_dnnl_implementation(WbConv conv, int which);
double wb_conv_dnnl_bytes(WbConv conv);
bool wb_conv_dnnl_has_amx(void);

/* ---- kernels ---- */
/* y = silu(a_c x r + b_c), r = 1 / sqrt(mean_c x^2 + eps) (norm) or 1; x (d, h, w, c), y the interior of a tensor with
 * one ghost cell on every side. Root mean square norm: Zhang & Sennrich 2019; SiLU: Elfwing et al. 2018. */
#define WB_NET_RMS_EPS 1e-5F
#define WB_NET_CHANNELS_MAX 1024
typedef struct {
  int d, h, w, c;
  bool norm;
  const float *a, *b; /* (c) */
} WbNormAct;
void wb_norm_act_f32(const WbNormAct *p, const float *x, float *padded);
/* The same for a part: all voxels; the rim (outermost rows and columns), for which neighbours wait; the others. */
typedef enum { WB_PART_ALL, WB_PART_RIM, WB_PART_INSIDE } WbPart;
void wb_norm_act_part_f32(const WbNormAct *p, WbPart part, const float *x, float *padded);
void wb_norm_act_part_bf16(const WbNormAct *p, WbPart part, const float *x, uint16_t *padded);
/* dpadded: gradient of the padded output (interior read). dx (d, h, w, c): overwritten, or added to. da, db (c): added
 * to. */
void wb_norm_act_back(const WbNormAct *p, const float *x, const float *dpadded, bool add, float *dx, double *da,
                      double *db);
/* Space to depth x2: x (2d, 2h, 2w, c) -> y (d + 2 pad, h + 2 pad, w + 2 pad, 8 c), channel ((dz 2 + dy) 2 + dx) c_in +
 * c; mask (2d, 2h, 2w) multiplies, NULL: 1. The element of y is float or bf16. */
typedef struct {
  int d, h, w, c, pad; /* d, h, w: of the coarse tensor; c: of the fine one */
} WbShuffle;
void wb_space_to_depth(const WbShuffle *s, const float *x, const uint8_t *mask, float *y);
void wb_space_to_depth_bf16(const WbShuffle *s, const float *x, const uint8_t *mask, uint16_t *y);
/* Depth to space: x (d + 2 pad, ..., 8 c) -> y (2d, 2h, 2w, c) = (add ? y : 0) + mask * x. */
void wb_depth_to_space(const WbShuffle *s, const float *x, const uint8_t *mask, bool add, float *y);
void wb_to_bf16(size_t n, const float *x, uint16_t *y);
void wb_add(size_t n, const float *x, float *y); /* y += x */

/* ---- t embedding and FiLM (Perez et al. 2018) ---- */
typedef struct WbEmbed_s {
  int width, n_film;
  float *feature, *h1, *s1, *h2, *s2, *ds2, *ds1; /* (width) */
  size_t w1, b1, w2, b2;                          /* offsets in the model */
} WbEmbed;
PetscErrorCode wb_embed_create(WbModel model, WbEmbed *e);
void wb_embed_destroy(WbEmbed *e);
void wb_embed_forward(WbEmbed *e, const float *params, double t);
void wb_embed_film(const WbEmbed *e, const float *w, const float *b, int n, float *film); /* film (n) = w s2 + b */
void wb_embed_film_back(WbEmbed *e, const float *w, const float *dfilm, int n, float *dw, float *db);
void wb_embed_backward(WbEmbed *e, const float *params, float *grads); /* after every wb_embed_film_back */

/* ---- the network ---- */
typedef struct {
  int d, h, w;
  size_t n;     /* voxels */
  WbGrid *grid; /* owned */
} WbNetLevel;
typedef struct {
  WbConv conv;
  size_t w, b; /* offsets in the model */
} WbNetConv;
typedef struct {
  const WbNetLevel *level;
  WbHalo halo, halo_adjoint; /* borrowed: of the convolution inputs; of the padded gradient */
  int c;
  size_t norm1, norm2, film_w, film_b; /* offsets */
  WbNetConv conv1, conv2;
  float *x, *y1, *out;   /* input, between the convolutions, output; out may be x (inference) */
  void *a1, *a2;         /* padded inputs of the convolutions; with y1 shared by a level's blocks when recomputing */
  float *film, *scale_a; /* (2c): scale, shift; (c): gain * (1 + scale) */
  float *drop;           /* (c) factors of a2 by wb_net_dropout; training only */
} WbNetBlock;

/* Residual streams: h1 (10 m, set by the caller) -> skip; h2 (20 m) = down(skip) -> g; h3 = skip + up(g) -> u;
 * head(u) -> out. */
typedef struct {
  WbUnetShape shape;
  WbHalo halo1, halo1_adjoint, halo2, halo2_adjoint;
  WbNetConv down, up, head, head_skip;
  size_t out_norm, out_film_w, out_film_b;
  int n_blocks;
  WbNetBlock *blocks;
  float *h1, *skip, *h2, *g, *h3, *u, *up_y, *head_y, *film, *scale_a, *skip_w;
  void *down_in, *up_in, *head_in;
  float *d1, *d2; /* gradients of the streams at 10 m and 20 m */
} WbUnet;

typedef struct {
  char name[WB_NET_NAME_MAX];
  WbConv conv;
} WbNetNamed;

/* Every buffer, for destroy, and what they take. */
typedef struct {
  bool planning; /* large buffers are counted, not made */
  double field_bytes, halo_bytes;
  int n_owned;
  void *owned[2048];
} WbNetStore;

/* The mean networks share one set of convolutions and buffers. */
typedef struct {
  int packed; /* the one whose weights they hold (-1: none) */
  WbNetConv stem1, stem2, guide_stem1, guide_stem2;
  WbUnet unet;
  void *stat_in, *stat_act;       /* inputs of stem1, stem2 */
  void *guide_in, *guide_act;     /* inputs of guide_stem1, guide_stem2 */
  float *stat_y, *guide_y, *mean; /* mean (nz, nyl, nxl, out): what the condition is about */
  float *guide, *one;             /* (nz, nyl, nxl, in_static): the guide's inputs; (as mean): of one mean network */
} WbNetCondition;

/* Scratch of the backward pass. */
typedef struct {
  float *ds1; /* gradient of s1, summed over the steps */
  float *dy1, *dpad, *dcol, *dhead;
  float *dfilm, *dskip_w;
  double *da, *db;
} WbNetBack;

struct WbNet_s {
  WbModel model; /* borrowed */
  WbNetConfig config;
  const WbGrid *grid; /* borrowed */
  bool training, recompute, conditioned, dropping;
  bool plain_exchange; /* wb_net_overlap(net, false) */
  WbNetStore store;
  /* Offsets into the model are those of cond.0 and of the step; base is added to them, a multiple of cond_size while a
   * mean network runs. */
  size_t base, cond_size;
  WbConvContext context;
  WbNetLevel l1, l2;
  WbHalo halo_in, halo_in_adjoint;
  WbEmbed embed;
  WbNetCondition condition;
  WbNetConv step_stem;
  WbUnet step;
  uint8_t *mask; /* (nz, nyl, nxl) */
  float *zeros;  /* (channels) */
  float *ones;
  float *s1;     /* features of the condition added to the step's stream at 10 m */
  void *stem_in; /* input of step_stem */
  WbNetBack back;
  int n_layers;
  WbNetNamed layers[512]; /* every convolution, in the order of creation; borrowed */
};
/* Zeroed, owned by net; out: T**. A net that only plans gets NULL for all but small ones. */
PetscErrorCode wb_net_buffer(WbNet net, size_t n, size_t element, void *out);
/* wb_net_create; planning: for its sizes only, no pass may run. */
PetscErrorCode wb_net_make(WbModel model, const WbGrid *grid, WbBackend backend, WbNetMode mode, bool planning,
                           WbNet *net);
size_t wb_net_padded(const WbNetLevel *l, int c);
/* One convolution on a level with the model's tensors NAME.weight and, with bias, NAME.bias. */
PetscErrorCode wb_net_make_conv(WbNet net, const WbNetLevel *l, const char *name, WbConvShape shape, bool bias,
                                WbNetConv *conv);
/* profile.c: enters a convolution in net->layers. */
PetscErrorCode wb_net_name_layer(WbNet net, const char *name, WbConv conv);
PetscErrorCode wb_net_make_halo(WbNet net, const WbNetLevel *l, int channels, WbHalo *halo, WbHalo *adjoint);
PetscErrorCode wb_net_repack(WbNet net, const WbNetConv *conv, bool bias);
static inline float *wb_net_params(WbNet net) {
  return net->model->params + net->base;
}
static inline float *wb_net_grads(WbNet net) {
  return net->model->grads + net->base;
}
void wb_net_space_to_depth(WbNet net, const WbShuffle *s, const float *x, const uint8_t *mask, void *y);
/* overlap.c: WbNormAct of x into padded and the halo exchange of padded, at the same time. Collective. */
PetscErrorCode wb_net_norm_act_exchange(WbNet net, const WbNormAct *p, WbHalo halo, const float *x, void *padded);
PetscErrorCode wb_net_conv_back(WbNet net, const WbNetConv *conv, const void *x, const float *dy, float *dx);

/* dropout.c: multiply what goes into a block's second convolution, and its gradient. */
void wb_net_drop_channels(WbNet net, const WbNetBlock *b, void *padded);
void wb_net_drop_channels_back(WbNet net, const WbNetBlock *b, float *dpadded);

/* ---- one U-Net (unet.c, unet_forward.c, unet_backward.c) ---- */
PetscErrorCode wb_unet_create(WbNet net, const WbUnetShape *shape, WbUnet *u);
void wb_unet_destroy(WbUnet *u);
PetscErrorCode wb_unet_repack(WbNet net, WbUnet *u);
/* From u->h1 to out (nz, nyl, nxl, out), masked. */
PetscErrorCode wb_unet_forward(WbNet net, WbUnet *u, float *out);
/* x -> a1, y1, a2 of one block: what its second convolution and its backward pass need. film and scale_a: as they are.
 */
PetscErrorCode wb_unet_block_inner(WbNet net, const WbUnet *u, const WbNetBlock *b);
/* dout in. Leaves the gradient of h1 in u->d1. */
PetscErrorCode wb_unet_backward(WbNet net, WbUnet *u, const float *dout);
#endif
