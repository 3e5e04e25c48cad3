/* Inside of the trainer: the data set in memory, one batch slot, the run's state. */
#ifndef WB_TRAIN_INTERNAL_H
#define WB_TRAIN_INTERNAL_H
#include <stdio.h>

#include "windbridge/io.h"
#include "windbridge/train.h"

/* One minute of one run. */
typedef struct {
  int run, minute;
} WbMinute;

/* Minutes in a file of the node in place of memory (store.c). map: NULL, they are in memory. */
typedef struct {
  MPI_Comm node;
  int node_rank; /* 0 writes */
  int file;
  size_t bytes;
  char *map;
  char path[1100];
} WbStore;

/* An empty file in dir, which wb_store_map unlinks. Collective on comm. Errors: WB_ERR_IO. */
PetscErrorCode wb_store_create(MPI_Comm comm, const char *dir, WbStore *store);
/* Appends x0 and x1 of all minutes; the run's own arrays are freed. Errors: WB_ERR_IO, on the rank that writes. */
PetscErrorCode wb_store_put(WbStore *store, WbPairRun *run);
/* x0 and x1 of the runs, in the order they were put, point into the file from now on; node_rank 0 may write to them.
 * Collective on comm. */
PetscErrorCode wb_store_map(MPI_Comm comm, WbStore *store, int n_runs, WbPairRun *const *runs);
/* Begins to read a minute in the background. Nothing when minutes are in memory. */
void wb_store_expect(const WbStore *store, const WbPairRun *run, int minute);
/* Pointers of the runs into it become NULL. */
void wb_store_destroy(WbStore *store, int n_runs, WbPairRun *const *runs);

/* All pairs in normalised units, held whole by every rank or in a file of every node; fluid masks as in the files. */
typedef struct {
  int n_runs;
  WbPairRun **runs; /* x0, x1 normalised in place */
  WbStore store;
  int *fold; /* [n_runs] number of the run's city among the cities of its split, modulo the mean networks */
  int n_train, n_validation;
  WbMinute *train, *validation;
  /* Numbers of channels, all in the frame of the training (wb_train_frame; u and v alike where it is at random). */
  WbNormalisation norm;          /* scale and scale_by_wind; the forcing's members belong to each run */
  double deviation[WB_CHANNELS]; /* std(x1 - x0) over fluid voxels of the training minutes, before normalisation */
  float epsilon[WB_CHANNELS];
  float residual[WB_CHANNELS]; /* deviation of x1 - x0 about the network's mean, normalised units */
  int n, nz;                   /* a sample: (nz, n, n) cells */
  double bytes;
} WbTrainSet;

/* This rank's box of one sample: a crop of one minute, possibly turned, and the training pair made of it. */
typedef struct {
  const WbGrid *grid;                  /* of the sample; borrowed */
  size_t cells;                        /* own */
  float *x0, *x1, *stat, *wall, *flux; /* (cells, 4), (cells, 4), (cells, 9), (cells), (nyl, nxl) */
  uint8_t *fluid, *lr_valid;
  float *state, *target, *out; /* (cells, 4): network input, wanted output, output and then its gradient */
  float *mean, *dmean;         /* (cells, 4): of a mean network, and the gradient of its loss */
  float *mirrored;             /* (cells, 4): x1 mirrored about x0 + mean */
  size_t *source;              /* (nyl, nxl) column of the window */
  WbProcess process;
  WbNoiseField noise;
} WbSample;

/* Where a sample comes from. */
typedef struct {
  WbMinute minute;
  int i0, j0, symmetry;
  bool validation;
  long serial;        /* of the sample, from the start of training, or of the validation item */
  WbRandomKey random; /* of the sample's draws, but for stream and step */
} WbSamplePlan;

/* with_test: runs of the split test are taken too, beside those of validation; no scale comes from them. */
PetscErrorCode wb_train_set_create(MPI_Comm comm, const WbTrainOptions *options, bool with_test, WbTrainSet **set);
void wb_train_set_destroy(WbTrainSet **set);
/* The symmetry that turns a run's fields into the frame of the training (0: as they are, or at random each time). */
int wb_train_frame(const WbTrainOptions *options, const WbPairInfo *run);
/* grid: of a sample, borrowed. */
PetscErrorCode wb_sample_create(const WbTrainSet *set, const WbTrainOptions *options, const WbGrid *grid,
                                WbSample **sample);
void wb_sample_destroy(WbSample **sample);
/* Fills sample with the fields of the plan. */
void wb_sample_load(const WbTrainSet *set, const WbSamplePlan *plan, WbSample *sample);
/* A time (returned) and a noise of the plan: the process's state into sample->state, its end into *x1 (sample->x1, or
 * mirrored about x0 + mean). */
double wb_sample_draw(const WbTrainOptions *options, const WbSamplePlan *plan, int draw, const float *mean,
                      WbSample *sample, const float **x1);
/* Plan of slot `slot` of step `step` (counter-based: depends on nothing else). order (n_train) scratch. */
void wb_sample_plan(const WbTrainSet *set, const WbTrainOptions *options, long step, int slot, int *order,
                    WbSamplePlan *plan);
/* Plan of validation item q: fixed minutes and places, times and noises. */
void wb_sample_plan_validation(const WbTrainSet *set, const WbTrainOptions *options, int q, WbSamplePlan *plan);

typedef struct {
  const WbTrainOptions *options;
  MPI_Comm comm;
  int rank, size;
  MPI_Comm space;    /* the ranks that share one sample: owned */
  int group, groups; /* of such ranks */
  WbTrainSet *set;
  WbSample *sample;
  WbGrid *grid;                                            /* of one sample, on space */
  float factor_mean[WB_CHANNELS], factor_out[WB_CHANNELS]; /* of errors of the mean and of F in the loss */
  WbModel model;
  WbNet net;
  WbAdamW opt;
  int *order;            /* (n_train) */
  float *keep;           /* (parameters) weights put aside while the EMA is in place */
  long step, saved_step; /* saved_step: of the last checkpoint, -1: none */
  double loss, loss_mean, validation, validation_mean, validation_zero, best, grad_norm,
      lr; /* validation, best: NaN until known */
  double begin_s, last_checkpoint_s, slowest_step_s, samples_per_s;
  double making_s, steps_s; /* making of samples; all optimiser steps */
  FILE *csv;                /* rank 0 */
} WbTrainer;

/* loss.c: losses of one sample, this rank's part of means over fluid voxels, channels and draws: of the step ([0]), of
 * the network's mean ([1]) and of interpolation in its place ([2], 0 when learning); adds this rank's part of `share`
 * of the gradient of their sum to the model's when learning. The step's target counts as given: it does not push the
 * mean. Collective on t->space. */
PetscErrorCode wb_trainer_sample(WbTrainer *t, const WbSamplePlan *plan, double share, bool learn, double loss[3]);
/* factor_mean and factor_out from the options' weights and the set's residual deviations. */
void wb_trainer_loss_factors(WbTrainer *t);

/* files.c: loss.csv, checkpoint.h5, model.h5 */
PetscErrorCode wb_trainer_open_csv(WbTrainer *t);
void wb_trainer_write_csv(WbTrainer *t, bool validated);
PetscErrorCode wb_trainer_save(WbTrainer *t); /* checkpoint and model.h5 */
PetscErrorCode wb_trainer_resume(WbTrainer *t, const char *path);
PetscErrorCode wb_trainer_write_model(WbTrainer *t, const char *name); /* EMA weights */
void wb_trainer_swap_ema(WbTrainer *t, bool in);                       /* EMA weights into the model and back */
#endif
