/* windbridge train: batches -> interpolant -> network -> optimiser. */
#ifndef WINDBRIDGE_TRAIN_H
#define WINDBRIDGE_TRAIN_H
#include "windbridge/bridge.h"
#include "windbridge/data.h"
#include "windbridge/net.h"

typedef struct {
  const char *const *files; /* pair files; those whose split is "train" train, "validation" validate */
  int n_files;
  const char *output_dir; /* checkpoint.h5, loss.csv, model.h5 */
  const char *resume;     /* NULL or the output_dir's checkpoint */
  long steps;             /* optimiser steps */
  int batch;              /* samples a step over all ranks (a multiple of the ranks) */
  double lr, weight_decay, clip_norm, ema_decay, warmup_steps;
  double walltime_s, checkpoint_interval_s;
  int validate_every; /* steps */
  bool augment;       /* the 8 horizontal symmetries */
  int crop;           /* samples of crop x crop columns at random places (multiple of 4); 0: the whole window */
  uint32_t seed;
  WbNetConfig net;
  WbBackend backend;
  WbScheduleKind schedule;
  double t_power; /* times are u^t_power, u uniform: > 1 trains more near t = 0, where the state tells nothing yet and
                     the drift must come from the condition alone (the loss's minimiser is the same) */
  double epsilon_factor; /* epsilon_c = factor * std(x1 - x0) over fluid voxels of the training pairs */
  bool scale_by_wind;
  const char *deck_yaml; /* provenance */
} WbTrainOptions;
typedef struct {
  long steps;
  double loss, validation_loss, samples_per_s, seconds;
} WbTrainSummary;
/* Collective on comm: data-parallel, one sample a rank at a time on a grid of its own; gradients are summed over ranks.
 * Every rank holds all pairs (the memory is printed). The process is the bridge of options->schedule in normalised
 * units in which std(x1 - x0) = 1 for every channel, epsilon_c = epsilon_factor; the network learns the residual drift
 * (src/train/sample.c) by the mean square over fluid voxels. Minutes are shuffled, cropped, turned and
 * given t (stratified over the batch) and noise by counters of (seed, step, slot), so a resumed run gives the weights
 * of an uninterrupted one bit for bit on the same number of ranks. Learning rate: linear warm-up, cosine to 1 % of lr
 * at `steps`. Files in output_dir: loss.csv (step, loss, validation, learning_rate, grad_norm, samples_per_s),
 * checkpoint.h5 (weights, moments, EMA, step), model.h5 (EMA weights, at checkpoints and at the end), model_best.h5
 * (least validation loss). Errors: WB_ERR_INPUT for unfit pairs, WB_ERR_CONFIG for unfit options or a checkpoint of
 * other options, WB_ERR_NUMERIC when the loss is not finite (checkpoint and model of the last good weights are kept),
 * WB_ERR_STOPPED after a signal or the wall time (with a checkpoint). */
PetscErrorCode wb_train(MPI_Comm comm, const WbTrainOptions *options, WbTrainSummary *summary);
#endif
