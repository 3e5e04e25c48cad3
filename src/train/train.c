/* The trainer's loop: plan, load, interpolate, network forward and backward, allreduce, AdamW. */
#include "train_internal.h"

#include <math.h>
#include <string.h>

/* Step numbers of the noise's keys, from this on, that no draw has (sample.c). */
enum { DROPOUT_STEP = 1024 };

/* d (n, 4) out: gradient of weight * sum of ((value - target) / unit)^2 over fluid voxels; returns that sum,
 * unweighted. d may be value. */
static double square_error(size_t n, const uint8_t *fluid, const float *value, const float *target,
                           const float unit[WB_CHANNELS], float weight, float *d) {
  double sum = 0.0;
  float inverse[WB_CHANNELS];
  for (int c = 0; c < WB_CHANNELS; c++) inverse[c] = 1.0f / unit[c];
  for (size_t p = 0; p < n; p++) {
    double cell = 0.0;
    for (size_t c = 0; c < WB_CHANNELS; c++) {
      const size_t i = p * WB_CHANNELS + c;
      const float e = fluid[p] ? (value[i] - target[i]) * inverse[c] : 0.0f;
      cell += (double)e * (double)e;
      d[i] = 2.0f * weight * inverse[c] * e;
    }
    sum += cell;
  }
  return sum;
}

/* A mean against x1 - x0, in units of the residual deviation. target: scratch. */
static double mean_error(WbTrainer *t, const float *mean, float weight) {
  WbSample *s = t->sample;
  for (size_t i = 0; i < s->cells * WB_CHANNELS; i++) s->target[i] = s->x1[i] - s->x0[i];
  return square_error(s->cells, s->fluid, mean, s->target, t->set->residual, weight, s->dmean);
}

/* One time and noise of a conditioned sample. */
static PetscErrorCode one_draw(WbTrainer *t, const WbSamplePlan *plan, int draw, float weight, bool learn,
                               double *error) {
  static const float one[WB_CHANNELS] = {1, 1, 1, 1};
  WbSample *s = t->sample;
  const WbTrainSet *set = t->set;
  WbPrecond at;
  PetscFunctionBeginUser;
  const float *mean = wb_net_mean(t->net), *x1 = NULL;
  const double time = wb_sample_draw(t->options, plan, draw, mean, s, &x1);
  wb_precond_at(s->process, set->residual, time, &at);
  wb_precond_target(&at, s->cells, s->fluid, s->x0, x1, mean, s->state, s->target);
  wb_precond_input(&at, s->cells, s->fluid, s->x0, s->state, s->state);
  PetscCall(wb_net_forward(t->net, time, s->state, s->out));
  *error = square_error(s->cells, s->fluid, s->out, s->target, one, weight, s->out);
  if (learn) PetscCall(wb_net_backward(t->net, s->out, NULL));
  PetscFunctionReturn(0);
}

/* The mean networks of one training sample: those that may see its city learn; *loss out: their mean square error.
 * Leaves in s->mean the mean of the one that may not (of the only one). */
static PetscErrorCode learn_means(WbTrainer *t, const WbSamplePlan *plan, double share, double count, double *loss) {
  WbSample *s = t->sample;
  const int nets = t->options->net.cond_nets, held_out = t->set->fold[plan->minute.run],
            learning = nets > 1 ? nets - 1 : 1;
  WbRandomKey drop = plan->noise;
  PetscFunctionBeginUser;
  for (int i = 0; i < nets; i++) {
    const int k = (held_out + 1 + i) % nets; /* held_out last */
    const bool learns = nets == 1 || k != held_out;
    drop.step = DROPOUT_STEP + (uint32_t)k;
    PetscCall(wb_net_dropout(t->net, learns ? t->options->dropout : 0.0, &drop));
    PetscCall(wb_net_mean_forward(t->net, k, s->stat, s->fluid, s->mean));
    if (!learns) continue;
    *loss += mean_error(t, s->mean, (float)(share / count / learning)) / count / learning;
    PetscCall(wb_net_mean_backward(t->net, s->dmean));
  }
  drop.step = DROPOUT_STEP + (uint32_t)nets; /* of the step */
  PetscCall(wb_net_dropout(t->net, t->options->dropout, &drop));
  PetscFunctionReturn(0);
}

/* Losses of one sample, means over fluid voxels, channels and draws: of the step ([0]), of the network's mean ([1]) and
 * of interpolation in its place ([2], 0 when learning); adds `share` of the gradient of their sum to the model's when
 * learning. The step's target counts as given: it does not push the mean. */
static PetscErrorCode one_sample(WbTrainer *t, const WbSamplePlan *plan, double share, bool learn, double loss[3]) {
  WbSample *s = t->sample;
  const int draws = t->options->draws;
  size_t n_fluid = 0;
  PetscFunctionBeginUser;
  wb_sample_load(t->set, t->options, plan, s);
  for (size_t p = 0; p < s->cells; p++) n_fluid += s->fluid[p];
  loss[0] = loss[1] = loss[2] = 0.0;
  if (n_fluid == 0) PetscFunctionReturn(0);
  const double count = (double)n_fluid * WB_CHANNELS;
  if (learn) {
    PetscCall(learn_means(t, plan, share, count, &loss[1]));
    PetscCall(wb_net_condition(t->net, s->stat, s->fluid, s->mean));
  } else {
    PetscCall(wb_net_dropout(t->net, 0.0, &plan->noise));
    PetscCall(wb_net_condition(t->net, s->stat, s->fluid, NULL));
    loss[1] = mean_error(t, wb_net_mean(t->net), 0.0f) / count;
    loss[2] = square_error(s->cells, s->fluid, s->x0, s->x1, t->set->residual, 0.0f, s->dmean) / count;
  }
  for (int d = 0; d < draws; d++) {
    double error = 0.0;
    PetscCall(one_draw(t, plan, d, (float)(share / count / draws), learn, &error));
    loss[0] += error / count / draws;
  }
  if (learn) PetscCall(wb_net_condition_backward(t->net));
  PetscFunctionReturn(0);
}

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

/* One optimiser step; *stop out, the same on all ranks. */
static PetscErrorCode train_step(WbTrainer *t, bool *stop) {
  const WbTrainOptions *o = t->options;
  const double begin = wb_wtime();
  double sums[3] = {0.0, 0.0, must_stop(t) ? 1.0 : 0.0}; /* losses, stop */
  PetscErrorCode failed = 0;
  PetscFunctionBeginUser;
  wb_model_zero_grads(t->model);
  for (int slot = t->rank; slot < o->batch && !failed; slot += t->size) {
    WbSamplePlan plan;
    double loss[3];
    wb_sample_plan(t->set, o, t->step, slot, t->order, &plan);
    failed = one_sample(t, &plan, 1.0 / o->batch, true, loss);
    for (int l = 0; l < 2 && !failed; l++) sums[l] += loss[l] / o->batch;
  }
  PetscCall(wb_error_agree(t->comm, failed));
  const int size = (int)wb_model_size(t->model);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, wb_model_grads(t->model), size, MPI_FLOAT, MPI_SUM, t->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 3, MPI_DOUBLE, MPI_SUM, t->comm));
  *stop = sums[2] > 0.0;
  if (!isfinite(sums[0] + sums[1])) {
    PetscCall(wb_trainer_save(t));
    WB_RAISE_ALL(
        WB_ERR_NUMERIC,
        "training: the loss of step %ld is %g; the weights before it are kept in %s/checkpoint.h5 and model.h5 (a "
        "smaller train_learning_rate may help)",
        t->step + 1, sums[0] + sums[1], o->output_dir);
  }
  t->lr = learning_rate(o, t->step);
  failed = wb_error_agree(t->comm, wb_adamw_step(t->opt, t->lr, &t->grad_norm)); /* changes nothing when it fails */
  if (failed) {
    PetscCall(wb_trainer_save(t));
    PetscFunctionReturn(failed);
  }
  PetscCall(wb_net_params_changed(t->net));
  t->step++;
  t->loss = sums[0] + sums[1];
  t->loss_mean = sums[1];
  const double seconds = wb_wtime() - begin;
  t->slowest_step_s = fmax(t->slowest_step_s, seconds);
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
  for (int q = t->rank; q < items && !failed; q += t->size) {
    WbSamplePlan plan;
    double loss[3];
    wb_sample_plan_validation(t->set, t->options, q, &plan);
    failed = one_sample(t, &plan, 0.0, false, loss);
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
  if (o->batch < 1 || o->batch % size != 0)
    WB_RAISE_ALL(WB_ERR_CONFIG, "train_batch is %d; allowed: a multiple of the %d ranks", o->batch, size);
  if (o->crop < 0 || o->crop % 4 != 0)
    WB_RAISE_ALL(WB_ERR_CONFIG, "train_crop is %d; allowed: 0 or a multiple of 4", o->crop);
  if (o->steps < 1 || o->validate_every < 1 || o->draws < 1 || !(o->lr > 0.0) || !(o->epsilon_factor > 0.0) ||
      !(o->t_power > 0.0) || !(o->residual_deviation > 0.0)) {
    WB_RAISE_ALL(WB_ERR_CONFIG,
                 "training: steps %ld, validate_every %d, draws %d, learning rate %g, epsilon factor %g, t power %g "
                 "and residual deviation %g must all be positive",
                 o->steps, o->validate_every, o->draws, o->lr, o->epsilon_factor, o->t_power, o->residual_deviation);
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
    e = wb_error_raise(WB_ERR_CONFIG, WB_ERROR_ALL, __func__, __FILE__, __LINE__,
                       "train_start_model %s has another network (%zu parameters) than the deck asks for (%zu)",
                       o->start_model, wb_model_size(given), wb_model_size(t->model));
  if (!e) memcpy(wb_model_params(t->model), wb_model_params(given), wb_model_size(given) * sizeof(float));
  wb_model_destroy(&given);
  WB_FREE(&meta);
  if (!e) wb_log("training starts from the weights of %s", o->start_model);
  PetscFunctionReturn(e);
}

static PetscErrorCode trainer_create(WbTrainer *t) {
  const WbTrainOptions *o = t->options;
  PetscFunctionBeginUser;
  PetscCall(wb_train_set_create(t->comm, o, false, &t->set));
  PetscCall(wb_sample_create(t->set, o, &t->sample));
  PetscCall(WB_CALLOC(t->set->n_train, &t->order));
  PetscCall(wb_grid_create(PETSC_COMM_SELF, t->set->n, t->set->n, t->set->nz, 4, 0, 0, false, false, &t->grid));
  PetscCall(first_weights(t));
  PetscCall(WB_CALLOC(wb_model_size(t->model), &t->keep));
  PetscCall(wb_net_create(t->model, t->grid, o->backend, true, &t->net));
  WbNetMemory memory;
  wb_net_memory(t->net, &memory);
  wb_log("network: %zu parameters; %.2f GB for training on %d x %d x %d cells a rank", wb_model_size(t->model),
         wb_net_memory_sum(&memory) / 1e9, t->set->n, t->set->n, t->set->nz);
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
  WB_FREE(&t->keep);
  WB_FREE(&t->order);
  wb_sample_destroy(&t->sample);
  wb_train_set_destroy(&t->set);
}

PetscErrorCode wb_train(MPI_Comm comm, const WbTrainOptions *options, WbTrainSummary *summary) {
  WbTrainer t = {.options = options,
                 .comm = comm,
                 .loss = NAN,
                 .loss_mean = NAN,
                 .validation = NAN,
                 .validation_mean = NAN,
                 .best = NAN};
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &t.rank));
  PetscCallMPI(MPI_Comm_size(comm, &t.size));
  PetscCall(check_options(options, t.size));
  t.begin_s = t.last_checkpoint_s = wb_wtime();
  PetscErrorCode e = trainer_create(&t);
  if (!e) e = run_loop(&t);
  if (summary) {
    *summary = (WbTrainSummary){.steps = t.step,
                                .loss = t.loss,
                                .validation_loss = t.validation,
                                .samples_per_s = t.samples_per_s,
                                .seconds = wb_wtime() - t.begin_s};
  }
  trainer_destroy(&t);
  PetscFunctionReturn(e);
}
