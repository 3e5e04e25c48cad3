/* windbridge train: batches -> interpolant -> network -> optimiser. */
#ifndef WINDBRIDGE_TRAIN_H
#define WINDBRIDGE_TRAIN_H
#include "windbridge/bridge.h"
#include "windbridge/data.h"
#include "windbridge/model.h"

/* The wind turned to 0 <= v <= u, in training and in use (the network then has to know an eighth of all directions
 * only); one of the 8 horizontal symmetries at random; fields as they are. */
typedef enum { WB_SYMMETRY_CANONICAL, WB_SYMMETRY_RANDOM, WB_SYMMETRY_NONE } WbTrainSymmetry;

typedef struct {
  const char *const *files; /* pair files; those whose split is "train" train, "validation" validate */
  int n_files;
  const char *store_dir;  /* NULL: pairs are held in memory; else in a file there, one a node, read in the background */
  const char *output_dir; /* checkpoint.h5, loss.csv, model.h5 */
  const char *resume;     /* NULL or the output_dir's checkpoint */
  long steps;             /* optimiser steps */
  int batch;              /* samples a step over all ranks (a multiple of the groups of ranks) */
  int space_ranks;        /* ranks in a group: they share one sample, decomposed as a forecast (divides the ranks) */
  int draws;              /* times and noises a sample: they share its condition */
  const char *start_model; /* NULL, or a model file whose weights are the first ones */
  double lr, weight_decay, clip_norm, ema_decay, warmup_steps;
  double walltime_s, checkpoint_interval_s;
  int validate_every; /* steps */
  WbTrainSymmetry symmetry;
  int crop; /* samples of crop x crop columns at random places (multiple of 4); 0: the whole window */
  uint32_t seed;
  WbNetConfig net;
  WbBackend backend;
  WbProcessKind process;
  WbScheduleKind schedule; /* of a bridge */
  WbPathTable table;       /* n = 0: none; schedule table, or the interpolant's path. Borrowed */
  double t_power; /* times are u^t_power, u uniform: > 1 trains more near t = 0, where the state tells nothing yet and
                     the drift must come from the condition alone (the loss's minimiser is the same); diffusion_edm: has
                     its own distribution */
  double epsilon_factor[WB_CHANNELS]; /* epsilon_c over std(x1 - x0) of the channel, fluid voxels of training pairs */
  float noise[WB_NOISE_SCALES]; /* shares of the noise's variance by scale (WbNoiseField), sum 1; 1, 0, ...: white */
  double dropout;               /* probability with which a channel of a residual block is dropped; 0: none */
  bool mirror; /* the step learns from x1 and from its mirror image about the mean, x0 + mean - (x1 - x0 - mean), by the
                  toss of a coin: it cannot learn a bias of the mean by heart, and its output at mirrored states is
                  mirrored */
  double residual_deviation;        /* expected deviation of x1 - x0 about the network's mean, in std(x1 - x0) */
  double loss_weights[WB_CHANNELS]; /* of theta, u, v, w in both losses, >= 0; scaled to a mean of 1 */
  bool recompute; /* residual blocks keep their inputs only and are computed again in the backward pass: less memory */
  bool scale_by_wind;
  const char *deck_yaml; /* provenance */
  int export_levels;     /* wb_train_export: the lowest levels only; 0: all */
} WbTrainOptions;
typedef struct {
  long steps;
  double loss, validation_loss, samples_per_s, seconds;
  double sample_share; /* of the steps' time on this rank: making samples, waiting for their fields included */
} WbTrainSummary;
/* Collective on comm: data-parallel over groups of space_ranks ranks, each with one sample at a time on a grid of its
 * own, which its ranks share; gradients are summed over all ranks. Results depend on the number of ranks and groups by
 * rounding only. Every rank holds all pairs (the memory is printed), or every node a file of them (store_dir: the same
 * results bit for bit). The process is options->process in normalised
 * units in which std(x1 - x0) = 1 for every channel, epsilon_c = epsilon_factor[c]; the network learns by mean
 * squares over fluid voxels: its mean of x1 - x0 given the condition, and its output F (bridge.h: WbPrecond). Mean
 * network k of net.cond_nets > 1 leaves out every cond_nets-th city (cross-fitting: Chernozhukov et al. 2018), and F is
 * learned about the mean of the network that left the sample's city out, as far from the truth as in use; validation
 * and use take the average of all. Minutes are shuffled, cropped, turned and given t (stratified over the batch) and
 * noise by counters of (seed, step, slot), so a resumed run gives the weights of an uninterrupted one bit for bit on
 * the same number of ranks and groups. Learning rate: linear warm-up, cosine to 1 % of lr at `steps`. Files in
 * output_dir: loss.csv (step, loss, loss_mean, validation, validation_mean, learning_rate, grad_norm, samples_per_s),
 * checkpoint.h5 (weights, moments, EMA, step), model.h5 (EMA weights, at checkpoints and at the end), model_best.h5
 * (least validation loss). Errors: WB_ERR_INPUT for unfit pairs, WB_ERR_CONFIG for unfit options or a checkpoint of
 * other options, WB_ERR_NUMERIC when the loss is not finite or above 1e4 (the last checkpoint and its model are kept;
 * made now when there is none), WB_ERR_STOPPED after a signal or the wall time (with a checkpoint). */
PetscErrorCode wb_train(MPI_Comm comm, const WbTrainOptions *options, WbTrainSummary *summary);
/* How the trainer makes its network. */
static inline WbNetMode wb_train_mode(const WbTrainOptions *o) {
  return o->recompute ? WB_NET_RECOMPUTE : WB_NET_TRAINING;
}
/* The grid of one sample, (nz, n, n) cells, on the ranks that share it. space out: caller frees, after grid; grid out:
 * caller destroys. Collective on comm. Errors: WB_ERR_CONFIG for more ranks than columns of 4 x 4 cells. */
PetscErrorCode wb_train_grid(MPI_Comm comm, const WbTrainOptions *options, int n, int nz, MPI_Comm *space,
                             WbGrid **grid);
/* Writes the training set of options->files as the network sees it, for other trainers: netCDF-4, one group run_000 ...
 * a pair file with x0, x1 (time, z, y, x, channel) in normalised units (0 in buildings; turned to the canonical wind
 * where options->symmetry says so), fluid_mask, lr_valid_mask, wall_distance [m] (z, y, x), heat_flux [K m s-1] (y, x),
 * z [m]; attributes split, city_seed and forcing; root attributes scale_theta ... scale_w, scale_by_wind,
 * canonical_wind. Square windows; test runs too, in their own split, which set no scale. Groups path_PROCESS
 * (path_bridge_SCHEDULE; table: options->table): net_t, beta and w (u) at the training times of u = (k + 1/2) / 4096,
 * t_power 1; own_times: t_power does not count; from_noise; the table itself where there is one. One rank, not
 * collective.
 * Errors: WB_ERR_INPUT, WB_ERR_IO. */
PetscErrorCode wb_train_export(const WbTrainOptions *options, const char *path);
#endif
