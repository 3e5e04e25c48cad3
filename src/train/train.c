/* The trainer's loop: plan, load, interpolate, network forward and backward, allreduce, AdamW. */
#include "train_internal.h"

#include <math.h>
#include <string.h>

#define DIVERGED 1e4 /* loss in units of the pairs' deviation: a network that gives 0 has about 3 */

static double learning_rate(const WbTrainOptions *o, long step) {
  if ((double)step < o->warmup_steps) return o->lr * ((double)step + 1.0) / o->warmup_steps;
  const double length = (double)o->steps - o->warmup_steps;
  const double x = length > 0.0 ? ((double)step - o->warmup_steps) / length : 1.0;
  return o->lr * (0.01 + 0.99 * 0.5 * (1.0 + cos(M_PI * (x < 1.0 ? x : 1.0))));
}

/* Has this rank seen a signal, or will another step end after the wall time? */
static bool must_stop(const WbTrainer *t) {
  if (wb_stop_requested()) return true;
  const double after = wb_wtime() - t->begin_s + 2.0 * t->slowest_step_s + 2.0;
  return t->options->walltime_s > 0.0 && after > t->options->walltime_s;
}

/* The weights that gave a loss beyond use must not take the place of those of the last checkpoint; without one they are
 * all there is. */
static PetscErrorCode keep_weights(WbTrainer *t) {
  PetscFunctionBeginUser;
  if (t->saved_step < 0) PetscCall(wb_trainer_save(t));
  PetscFunctionReturn(0);
}

/* The fields of this slot of this step, or of the first of the next one, will be wanted soon. */
static void expect_slot(WbTrainer *t, int slot) {
  const bool next = slot >= t->options->batch;
  WbSamplePlan plan;
  if (!t->set->store.map) return;
  wb_sample_plan(t->set, t->options, t->step + next, next ? t->group : slot, t->order, &plan);
  wb_store_expect(&t->set->store, t->set->runs[plan.minute.run], plan.minute.minute);
}

/* One optimiser step; *stop out, the same on all ranks. */
static PetscErrorCode train_step(WbTrainer *t, bool *stop) {
  const WbTrainOptions *o = t->options;
  const double begin = wb_wtime();
  double sums[3] = {0.0, 0.0, must_stop(t) ? 1.0 : 0.0}; /* losses, stop */
  PetscErrorCode failed = 0;
  PetscFunctionBeginUser;
  wb_model_zero_grads(t->model);
  for (int slot = t->group; slot < o->batch && !failed; slot += t->groups) {
    WbSamplePlan plan;
    double loss[3];
    expect_slot(t, slot + t->groups);
    wb_sample_plan(t->set, o, t->step, slot, t->order, &plan);
    failed = wb_trainer_sample(t, &plan, 1.0 / o->batch, true, loss);
    for (int l = 0; l < 2 && !failed; l++) sums[l] += loss[l] / o->batch;
  }
  PetscCall(wb_error_agree(t->comm, failed));
  const int size = (int)wb_model_size(t->model);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, wb_model_grads(t->model), size, MPI_FLOAT, MPI_SUM, t->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 3, MPI_DOUBLE, MPI_SUM, t->comm));
  *stop = sums[2] > 0.0;
  if (!(sums[0] + sums[1] < DIVERGED)) {
    PetscCall(keep_weights(t));
    WB_RAISE_ALL(
        WB_ERR_NUMERIC,
        "training diverged: the loss of step %ld is %g (a network that gives 0 has about 3); the weights after "
        "step %ld are kept in %s/checkpoint.h5 and model.h5 (a smaller train_learning_rate may help)",
        t->step + 1, sums[0] + sums[1], t->saved_step, o->output_dir);
  }
  t->lr = learning_rate(o, t->step);
  failed = wb_error_agree(t->comm, wb_adamw_step(t->opt, t->lr, &t->grad_norm)); /* changes nothing when it fails */
  if (failed) {
    PetscCall(keep_weights(t));
    PetscFunctionReturn(failed);
  }
  PetscCall(wb_net_params_changed(t->net));
  t->step++;
  t->loss = sums[0] + sums[1];
  t->loss_mean = sums[1];
  const double seconds = wb_wtime() - begin;
  t->slowest_step_s = fmax(t->slowest_step_s, seconds);
  t->steps_s += seconds;
  const double rate = o->batch / seconds;
  t->samples_per_s = t->samples_per_s > 0.0 ? 0.9 * t->samples_per_s + 0.1 * rate : rate;
  PetscFunctionReturn(0);
}

/* Loss of the EMA weights on fixed items: at least 32, at most 96. */
static PetscErrorCode validate(WbTrainer *t) {
  const int n_minutes = t->set->n_validation;
  const int items = n_minutes < 32 ? 32 : (n_minutes > 96 ? 96 : n_minutes);
  double sum[3] = {0.0, 0.0, 0.0};
  PetscErrorCode failed = 0;
  PetscFunctionBeginUser;
  if (n_minutes == 0) PetscFunctionReturn(0);
  wb_trainer_swap_ema(t, true);
  PetscCall(wb_net_params_changed(t->net));
  for (int q = t->group; q < items && !failed; q += t->groups) {
    WbSamplePlan plan;
    double loss[3];
    wb_sample_plan_validation(t->set, t->options, q, &plan);
    failed = wb_trainer_sample(t, &plan, 0.0, false, loss);
    for (int l = 0; l < 3 && !failed; l++) sum[l] += loss[l] / items;
  }
  wb_trainer_swap_ema(t, false);
  PetscCall(wb_net_params_changed(t->net));
  PetscCall(wb_error_agree(t->comm, failed));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, 3, MPI_DOUBLE, MPI_SUM, t->comm));
  t->validation = sum[0] + sum[1];
  t->validation_mean = sum[1];
  t->validation_zero = sum[2];
  if (!(t->validation >= t->best)) { /* also the first, when best is NaN */
    t->best = t->validation;
    PetscCall(wb_trainer_write_model(t, "model_best.h5"));
  }
  PetscFunctionReturn(0);
}

static void report(WbTrainer *t, bool validated) {
  char eta[32], val[96] = "";
  const double left = (double)(t->options->steps - t->step) * t->options->batch;
  wb_format_eta(left / fmax(t->samples_per_s, 1e-9), eta);
  if (validated)
    snprintf(val, sizeof(val), ", validation %.4f (mean %.4f, interpolation %.4f)", t->validation, t->validation_mean,
             t->validation_zero);
  if (validated || t->step == t->options->steps) {
    wb_log("step %ld of %ld: loss %.4f (mean %.4f)%s, lr %.2e, |g| %.3g, %.2f samples/s, %s left", t->step,
           t->options->steps, t->loss, t->loss_mean, val, t->lr, t->grad_norm, t->samples_per_s, eta);
  } else {
    wb_log_live("step %ld of %ld: loss %.5f, %.2f samples/s, %s left", t->step, t->options->steps, t->loss,
                t->samples_per_s, eta);
  }
}

static PetscErrorCode run_loop(WbTrainer *t) {
  const WbTrainOptions *o = t->options;
  PetscFunctionBeginUser;
  while (t->step < o->steps) {
    bool stop = false;
    PetscCall(train_step(t, &stop));
    const bool look = t->step % o->validate_every == 0 || t->step == o->steps;
    if (look) PetscCall(validate(t));
    const bool validated = look && t->set->n_validation > 0;
    wb_trainer_write_csv(t, validated);
    report(t, validated);
    int due = o->checkpoint_interval_s > 0.0 && wb_wtime() - t->last_checkpoint_s > o->checkpoint_interval_s;
    PetscCallMPI(MPI_Bcast(&due, 1, MPI_INT, 0, t->comm));
    if (stop || due || t->step == o->steps) PetscCall(wb_trainer_save(t));
    if (stop && t->step < o->steps) {
      WB_RAISE_ALL(WB_ERR_STOPPED, "training stopped after step %ld of %ld; checkpoint in %s (run_restart continues)",
                   t->step, o->steps, o->output_dir);
    }
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode check_options(const WbTrainOptions *o, int size) {
  PetscFunctionBeginUser;
  if (o->n_files < 1) WB_RAISE_ALL(WB_ERR_CONFIG, "training: no pair files given");
  if (o->space_ranks < 1 || size % o->space_ranks != 0)
    WB_RAISE_ALL(WB_ERR_CONFIG, "train_space_ranks is %d; allowed: a divisor of the %d ranks", o->space_ranks, size);
  if (o->batch < 1 || o->batch % (size / o->space_ranks) != 0)
    WB_RAISE_ALL(WB_ERR_CONFIG, "train_batch is %d; allowed: a multiple of the %d groups of ranks", o->batch,
                 size / o->space_ranks);
  double weights = 0;
  for (int c = 0; c < WB_CHANNELS; c++) {
    if (!(o->epsilon_factor[c] > 0))
      WB_RAISE_ALL(WB_ERR_CONFIG, "training: epsilon factor %g; it must be positive", o->epsilon_factor[c]);
  }
  for (int c = 0; c < WB_CHANNELS; c++) weights += o->loss_weights[c] >= 0 ? o->loss_weights[c] : NAN;
  if (!(weights > 0) || !isfinite(weights))
    WB_RAISE_ALL(WB_ERR_CONFIG, "training: loss weights %g, %g, %g, %g; allowed: not below 0, not all 0",
                 o->loss_weights[0], o->loss_weights[1], o->loss_weights[2], o->loss_weights[3]);
  if (o->crop < 0 || o->crop % 4 != 0)
    WB_RAISE_ALL(WB_ERR_CONFIG, "train_crop is %d; allowed: 0 or a multiple of 4", o->crop);
  if (o->steps < 1 || o->validate_every < 1 || o->draws < 1 || !(o->lr > 0.0) || !(o->t_power > 0.0) ||
      !(o->residual_deviation > 0.0)) {
    WB_RAISE_ALL(WB_ERR_CONFIG,
                 "training: steps %ld, validate_every %d, draws %d, learning rate %g, t power %g and residual "
                 "deviation %g must all be positive",
                 o->steps, o->validate_every, o->draws, o->lr, o->t_power, o->residual_deviation);
  }
  if (o->net.in_dynamic != WB_CHANNELS || o->net.in_static != WB_STATIC_CHANNELS || o->net.out != WB_CHANNELS) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "network has %d + %d inputs and %d outputs; the bridge needs %d + %d and %d",
                 o->net.in_dynamic, o->net.in_static, o->net.out, WB_CHANNELS, WB_STATIC_CHANNELS, WB_CHANNELS);
  }
  PetscFunctionReturn(0);
}

/* Random, or those of another model of the same architecture. */
static PetscErrorCode first_weights(WbTrainer *t) {
  const WbTrainOptions *o = t->options;
  WbModel given = NULL;
  WbModelMeta *meta = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_model_create(&o->net, &t->model));
  PetscCall(wb_model_init(t->model, o->seed));
  if (!o->start_model || o->resume) PetscFunctionReturn(0);
  PetscCall(WB_CALLOC(1, &meta));
  PetscErrorCode e = wb_model_read(t->comm, o->start_model, &given, meta);
  if (!e && memcmp(wb_model_config(given), &o->net, sizeof(o->net)) != 0)
    e = WB_ERROR(WB_ERR_CONFIG, WB_ERROR_ALL,
                 "train_start_model %s has another network (%zu parameters) than the deck asks for (%zu)",
                 o->start_model, wb_model_size(given), wb_model_size(t->model));
  if (!e) memcpy(wb_model_params(t->model), wb_model_params(given), wb_model_size(given) * sizeof(float));
  wb_model_destroy(&given);
  WB_FREE(&meta);
  if (!e) wb_log("training starts from the weights of %s", o->start_model);
  PetscFunctionReturn(e);
}

PetscErrorCode wb_train_grid(MPI_Comm comm, const WbTrainOptions *options, int n, int nz, MPI_Comm *space,
                             WbGrid **grid) {
  int rank = 0;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_split(comm, rank / options->space_ranks, rank, space));
  PetscCall(wb_grid_create(*space, n, n, nz, 4, 0, 0, false, false, grid));
  PetscFunctionReturn(0);
}

static PetscErrorCode trainer_create(WbTrainer *t) {
  const WbTrainOptions *o = t->options;
  PetscFunctionBeginUser;
  PetscCall(wb_train_set_create(t->comm, o, false, &t->set));
  PetscCall(wb_train_grid(t->comm, o, t->set->n, t->set->nz, &t->space, &t->grid));
  wb_trainer_loss_factors(t);
  PetscCall(wb_sample_create(t->set, o, t->grid, &t->sample));
  PetscCall(WB_CALLOC(t->set->n_train, &t->order));
  PetscCall(first_weights(t));
  PetscCall(WB_CALLOC(wb_model_size(t->model), &t->keep));
  PetscCall(wb_net_create(t->model, t->grid, o->backend, wb_train_mode(o), &t->net));
  WbNetMemory memory;
  wb_net_memory(t->net, &memory);
  wb_log("network: %zu parameters; %.2f GB a rank for training on %d x %d x %d cells shared by %d rank%s",
         wb_model_size(t->model), wb_net_memory_sum(&memory) / 1e9, t->set->n, t->set->n, t->set->nz, o->space_ranks,
         o->space_ranks > 1 ? "s" : "");
  const WbAdamWOptions adamw = {.lr = o->lr,
                                .beta1 = 0.9,
                                .beta2 = 0.99,
                                .eps = 1e-8,
                                .weight_decay = o->weight_decay,
                                .clip_norm = o->clip_norm,
                                .ema_decay = o->ema_decay};
  PetscCall(wb_adamw_create(t->model, &adamw, &t->opt));
  if (o->resume) PetscCall(wb_trainer_resume(t, o->resume));
  PetscCall(wb_net_params_changed(t->net));
  PetscCall(wb_trainer_open_csv(t));
  PetscFunctionReturn(0);
}

static void trainer_destroy(WbTrainer *t) {
  if (t->csv) fclose(t->csv);
  if (t->opt) wb_adamw_destroy(&t->opt);
  if (t->net) wb_net_destroy(&t->net);
  if (t->model) wb_model_destroy(&t->model);
  if (t->grid) wb_grid_destroy(&t->grid);
  if (t->space != MPI_COMM_NULL) MPI_Comm_free(&t->space);
  WB_FREE(&t->keep);
  WB_FREE(&t->order);
  wb_sample_destroy(&t->sample);
  wb_train_set_destroy(&t->set);
}

PetscErrorCode wb_train(MPI_Comm comm, const WbTrainOptions *options, WbTrainSummary *summary) {
  WbTrainer t = {.options = options,
                 .comm = comm,
                 .space = MPI_COMM_NULL,
                 .loss = NAN,
                 .loss_mean = NAN,
                 .validation = NAN,
                 .validation_mean = NAN,
                 .best = NAN,
                 .saved_step = -1};
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &t.rank));
  PetscCallMPI(MPI_Comm_size(comm, &t.size));
  PetscCall(check_options(options, t.size));
  t.groups = t.size / options->space_ranks;
  t.group = t.rank / options->space_ranks;
  t.begin_s = t.last_checkpoint_s = wb_wtime();
  PetscErrorCode e = trainer_create(&t);
  if (!e) e = run_loop(&t);
  if (summary) {
    *summary = (WbTrainSummary){.steps = t.step,
                                .loss = t.loss,
                                .validation_loss = t.validation,
                                .samples_per_s = t.samples_per_s,
                                .sample_share = t.steps_s > 0 ? t.making_s / t.steps_s : 0,
                                .seconds = wb_wtime() - t.begin_s};
  }
  trainer_destroy(&t);
  PetscFunctionReturn(e);
}
