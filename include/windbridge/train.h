/* windbridge train: batches -> interpolant -> network -> optimiser. */
#ifndef WINDBRIDGE_TRAIN_H
#define WINDBRIDGE_TRAIN_H
#include "windbridge/bridge.h"
#include "windbridge/data.h"
#include "windbridge/net.h"

typedef struct {
  const char *const *files;   /* pair files; those whose split is "train" train, "validation" validate */
  int n_files;
  const char *output_dir;     /* checkpoint.h5, loss.csv, model.h5 */
  const char *resume;         /* NULL or the output_dir's checkpoint */
  long steps;                 /* optimiser steps */
  int batch;                  /* samples a step over all ranks (a multiple of the ranks) */
  double lr, weight_decay, clip_norm, ema_decay, warmup_steps;
  double walltime_s, checkpoint_interval_s;
  int validate_every;         /* steps */
  bool augment;
  uint32_t seed;
  WbNetConfig net;
  WbBackend backend;
  WbScheduleKind schedule;
  double epsilon_factor;      /* epsilon_c = factor * std(x1 - x0) over fluid voxels of the training pairs */
  bool scale_by_wind;
  const char *deck_yaml;      /* provenance */
} WbTrainOptions;
typedef struct {
  long steps;
  double loss, validation_loss, samples_per_s, seconds;
} WbTrainSummary;
/* Collective on comm: data-parallel, one sample a rank at a time. Resumes bit for bit. Errors: WB_ERR_INPUT for unfit
 * pairs, WB_ERR_NUMERIC when the loss is not finite (last good weights kept), WB_ERR_STOPPED after a signal. */
PetscErrorCode wb_train(MPI_Comm comm, const WbTrainOptions *options, WbTrainSummary *summary);
#endif
