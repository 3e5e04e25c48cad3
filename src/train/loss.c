/* The losses of one sample and their gradients: every mean network, then the step about one of them. */
#include "train_internal.h"

#include <math.h>

/* d (n, 4) out: gradient of weight * sum of (factor (value - target))^2 over fluid voxels; returns that sum,
 * unweighted. d may be value. */
static double square_error(size_t n, const uint8_t *fluid, const float *value, const float *target,
                           const float factor[WB_CHANNELS], float weight, float *d) {
  double sum = 0.0;
  for (size_t p = 0; p < n; p++) {
    double cell = 0.0;
    for (size_t c = 0; c < WB_CHANNELS; c++) {
      const size_t i = p * WB_CHANNELS + c;
      const float e = fluid[p] ? (value[i] - target[i]) * factor[c] : 0.0f;
      cell += (double)e * (double)e;
      d[i] = 2.0f * weight * factor[c] * e;
    }
    sum += cell;
  }
  return sum;
}

/* A mean against x1 - x0, in units of the residual deviation. target: scratch. */
static double mean_error(WbTrainer *t, const float *mean, float weight) {
  WbSample *s = t->sample;
  for (size_t i = 0; i < s->cells * WB_CHANNELS; i++) s->target[i] = s->x1[i] - s->x0[i];
  return square_error(s->cells, s->fluid, mean, s->target, t->factor_mean, weight, s->dmean);
}

/* One time and noise of a conditioned sample. */
static PetscErrorCode one_draw(WbTrainer *t, const WbSamplePlan *plan, int draw, float weight, bool learn,
                               double *error) {
  WbSample *s = t->sample;
  const WbTrainSet *set = t->set;
  WbPrecond at;
  PetscFunctionBeginUser;
  const float *mean = wb_net_mean(t->net), *x1 = NULL;
  const double begin = wb_wtime();
  const double time = wb_sample_draw(t->options, plan, draw, mean, s, &x1);
  if (learn) t->making_s += wb_wtime() - begin;
  wb_precond_at(s->process, set->residual, time, &at);
  wb_precond_target(&at, s->cells, s->fluid, s->x0, x1, mean, s->state, s->target);
  wb_precond_input(&at, s->cells, s->fluid, s->x0, s->state, s->state);
  PetscCall(wb_net_forward(t->net, at.t, s->state, s->out));
  *error = square_error(s->cells, s->fluid, s->out, s->target, t->factor_out, weight, s->out);
  if (learn) PetscCall(wb_net_backward(t->net, s->out, NULL));
  PetscFunctionReturn(0);
}

/* The mean networks of one training sample: those that may see its city learn; *loss out: their mean square error.
 * Leaves in s->mean the mean of the one that may not (of the only one). */
static PetscErrorCode learn_means(WbTrainer *t, const WbSamplePlan *plan, double share, double count, double *loss) {
  WbSample *s = t->sample;
  const int nets = t->options->net.cond_nets, held_out = t->set->fold[plan->minute.run],
            learning = nets > 1 ? nets - 1 : 1;
  WbRandomKey drop = plan->random;
  PetscFunctionBeginUser;
  drop.stream = WB_STREAM_TRAIN_DROPOUT;
  for (int i = 0; i < nets; i++) {
    const int k = (held_out + 1 + i) % nets; /* held_out last */
    const bool learns = nets == 1 || k != held_out;
    drop.step = (uint32_t)k;
    PetscCall(wb_net_dropout(t->net, learns ? t->options->dropout : 0.0, &drop));
    PetscCall(wb_net_mean_forward(t->net, k, s->stat, s->fluid, s->mean));
    if (!learns) continue;
    *loss += mean_error(t, s->mean, (float)(share / count / learning)) / count / learning;
    PetscCall(wb_net_mean_backward(t->net, s->dmean));
  }
  drop.step = (uint32_t)nets; /* of the step */
  PetscCall(wb_net_dropout(t->net, t->options->dropout, &drop));
  PetscFunctionReturn(0);
}

void wb_trainer_loss_factors(WbTrainer *t) {
  const double *w = t->options->loss_weights, sum = w[0] + w[1] + w[2] + w[3];
  for (int c = 0; c < WB_CHANNELS; c++) {
    t->factor_out[c] = (float)sqrt(w[c] * WB_CHANNELS / sum);
    t->factor_mean[c] = t->factor_out[c] / t->set->residual[c];
  }
}

/* Fluid voxels of the whole sample. */
static PetscErrorCode count_fluid(const WbTrainer *t, double *count) {
  const WbSample *s = t->sample;
  size_t own = 0;
  PetscFunctionBeginUser;
  for (size_t p = 0; p < s->cells; p++) own += s->fluid[p];
  *count = (double)own;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, count, 1, MPI_DOUBLE, MPI_SUM, t->space));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_trainer_sample(WbTrainer *t, const WbSamplePlan *plan, double share, bool learn, double loss[3]) {
  WbSample *s = t->sample;
  const int draws = t->options->draws;
  const double begin = wb_wtime();
  double count = 0.0;
  PetscFunctionBeginUser;
  wb_sample_load(t->set, plan, s);
  if (learn) t->making_s += wb_wtime() - begin;
  PetscCall(count_fluid(t, &count));
  loss[0] = loss[1] = loss[2] = 0.0;
  if (count == 0.0) PetscFunctionReturn(0);
  count *= WB_CHANNELS;
  if (learn) {
    PetscCall(learn_means(t, plan, share, count, &loss[1]));
    PetscCall(wb_net_condition(t->net, s->stat, s->fluid, s->mean));
  } else {
    PetscCall(wb_net_dropout(t->net, 0.0, &plan->random));
    PetscCall(wb_net_condition(t->net, s->stat, s->fluid, NULL));
    loss[1] = mean_error(t, wb_net_mean(t->net), 0.0f) / count;
    loss[2] = square_error(s->cells, s->fluid, s->x0, s->x1, t->factor_mean, 0.0f, s->dmean) / count;
  }
  for (int d = 0; d < draws; d++) {
    double error = 0.0;
    PetscCall(one_draw(t, plan, d, (float)(share / count / draws), learn, &error));
    loss[0] += error / count / draws;
  }
  if (learn) PetscCall(wb_net_condition_backward(t->net));
  PetscFunctionReturn(0);
}
