/* Samples: which minute, place, symmetry, times and noise a slot of a step gets (counter-based, so that resuming needs
 * nothing but the step), and the making of it. */
#include "train_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

PetscErrorCode wb_sample_create(const WbTrainSet *set, const WbTrainOptions *options, const WbGrid *grid,
                                WbSample **out) {
  WbProcessOptions process;
  WbSample *s = NULL;
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(1, &s));
  *out = s;
  const size_t plane = (size_t)grid->nyl * (size_t)grid->nxl;
  s->grid = grid;
  s->cells = wb_grid_owned(grid);
  PetscCall(WB_ALLOC(s->cells * WB_CHANNELS, &s->x0));
  PetscCall(WB_ALLOC(s->cells * WB_CHANNELS, &s->x1));
  PetscCall(WB_ALLOC(s->cells * WB_STATIC_CHANNELS, &s->stat));
  PetscCall(WB_ALLOC(s->cells, &s->wall));
  PetscCall(WB_ALLOC(plane, &s->flux));
  PetscCall(WB_ALLOC(s->cells, &s->fluid));
  PetscCall(WB_ALLOC(s->cells, &s->lr_valid));
  PetscCall(WB_ALLOC(s->cells * WB_CHANNELS, &s->state));
  PetscCall(WB_ALLOC(s->cells * WB_CHANNELS, &s->target));
  PetscCall(WB_ALLOC(s->cells * WB_CHANNELS, &s->out));
  PetscCall(WB_ALLOC(s->cells * WB_CHANNELS, &s->mean));
  PetscCall(WB_ALLOC(s->cells * WB_CHANNELS, &s->dmean));
  PetscCall(WB_ALLOC(s->cells * WB_CHANNELS, &s->mirrored));
  PetscCall(WB_ALLOC(plane, &s->source));
  wb_process_options_default(options->process, &process);
  process.schedule = options->schedule;
  process.table = options->table;
  memcpy(process.epsilon, set->epsilon, sizeof(process.epsilon));
  PetscCall(wb_process_create(&process, &s->process));
  const WbNoiseBox box = {
      .start = {grid->x0, grid->y0, 0}, .size = {grid->nxl, grid->nyl, grid->nz}, .nx = grid->nx, .ny = grid->ny};
  PetscCall(wb_noise_field_create(&box, options->noise, &s->noise));
  PetscFunctionReturn(0);
}

void wb_sample_destroy(WbSample **sample) {
  WbSample *s = sample ? *sample : NULL;
  if (!s) return;
  WB_FREE(&s->x0);
  WB_FREE(&s->x1);
  WB_FREE(&s->stat);
  WB_FREE(&s->wall);
  WB_FREE(&s->flux);
  WB_FREE(&s->fluid);
  WB_FREE(&s->lr_valid);
  WB_FREE(&s->state);
  WB_FREE(&s->target);
  WB_FREE(&s->out);
  WB_FREE(&s->mean);
  WB_FREE(&s->dmean);
  WB_FREE(&s->mirrored);
  WB_FREE(&s->source);
  wb_noise_field_destroy(&s->noise);
  wb_process_destroy(&s->process);
  WB_FREE(sample);
}

/* Where each own column of the turned crop lies in the run's window. */
static void find_columns(const WbTrainSet *set, const WbSamplePlan *plan, WbSample *s) {
  const WbGrid *g = s->grid;
  const int back = wb_symmetry_inverse(plan->symmetry);
  const size_t n = (size_t)set->n, nx = (size_t)set->runs[plan->minute.run]->hr_grid->nx;
  size_t *source = s->source;
  for (int j = 0; j < g->nyl; j++) {
    for (int i = 0; i < g->nxl; i++) {
      const size_t at = wb_symmetry_image(back, set->n, g->y0 + j, g->x0 + i);
      *source++ = ((size_t)plan->j0 + at / n) * nx + (size_t)plan->i0 + at % n;
    }
  }
}

/* Own columns of (nz, plane) items of `item` bytes, nz levels. */
static void gather(const WbSample *s, const void *in, int nz, size_t plane, size_t item, void *out) {
  const size_t columns = (size_t)s->grid->nyl * (size_t)s->grid->nxl;
  const char *level = in;
  char *to = out;
  for (int k = 0; k < nz; k++, level += plane * item)
    for (size_t q = 0; q < columns; q++, to += item) memcpy(to, level + s->source[q] * item, item);
}

/* The same of a state, whose velocities turn too. */
static void gather_state(const WbSample *s, int symmetry, const float *in, size_t plane, float *out) {
  gather(s, in, s->grid->nz, plane, WB_CHANNELS * sizeof(float), out);
  for (size_t p = 0; p < s->cells; p++)
    wb_symmetry_vector(symmetry, &out[p * WB_CHANNELS + 1], &out[p * WB_CHANNELS + 2]);
}

void wb_sample_load(const WbTrainSet *set, const WbSamplePlan *plan, WbSample *s) {
  const WbPairRun *run = set->runs[plan->minute.run];
  const int nz = set->nz, minute = plan->minute.minute;
  const size_t plane = (size_t)run->hr_grid->nx * (size_t)run->hr_grid->ny;
  const size_t columns = (size_t)s->grid->nyl * (size_t)s->grid->nxl;
  find_columns(set, plan, s);
  gather_state(s, plan->symmetry, run->x0[minute], plane, s->x0);
  gather_state(s, plan->symmetry, run->x1[minute], plane, s->x1);
  gather(s, run->wall_distance, nz, plane, sizeof(float), s->wall);
  gather(s, run->heat_flux, 1, plane, sizeof(float), s->flux);
  gather(s, run->fluid, nz, plane, 1, s->fluid);
  gather(s, run->lr_valid, nz, plane, 1, s->lr_valid);
  wb_static_inputs(nz, columns, run->z, s->x0, s->fluid, s->lr_valid, s->wall, s->flux, s->stat);
}

static WbRandomKey key_of(const WbSamplePlan *plan, WbRandomStream stream, int draw) {
  WbRandomKey key = plan->random;
  key.stream = stream;
  key.step = (uint32_t)draw;
  return key;
}

/* x1, or its mirror image about x0 + mean. */
static const float *end_of_draw(const WbTrainOptions *o, const WbSamplePlan *plan, int draw, const float *mean,
                                WbSample *s) {
  const WbRandomKey coin = key_of(plan, WB_STREAM_TRAIN_MIRROR, draw);
  double u[4];
  if (!o->mirror || plan->validation) return s->x1;
  wb_random_uniform4(&coin, 0, u);
  if (u[0] < 0.5) return s->x1;
  for (size_t i = 0; i < s->cells * WB_CHANNELS; i++) s->mirrored[i] = 2.0f * (s->x0[i] + mean[i]) - s->x1[i];
  return s->mirrored;
}

/* In (0, 1). */
static double uniform_time(const WbTrainOptions *o, const WbSamplePlan *plan, int draw) {
  const WbRandomKey key = key_of(plan, WB_STREAM_TRAIN_TIME, draw);
  const long serial = plan->serial * o->draws + draw, strata = (long)o->batch * o->draws;
  double u[4];
  if (plan->validation) /* golden ratio: any few see times of all kinds */
    return fmod(((double)serial + 0.5) * 0.6180339887498949, 1.0);
  wb_random_uniform4(&key, 0, u); /* stratified over the batch: less variance than independent times */
  return ((double)(serial % strata) + u[0]) / (double)strata;
}

double wb_sample_draw(const WbTrainOptions *o, const WbSamplePlan *plan, int draw, const float *mean, WbSample *s,
                      const float **x1) {
  const double t = wb_process_train_time(s->process, uniform_time(o, plan, draw), plan->validation ? 1.0 : o->t_power);
  const WbRandomKey noise = key_of(plan, plan->validation ? WB_STREAM_VALIDATION_NOISE : WB_STREAM_TRAIN_NOISE, draw);
  *x1 = end_of_draw(o, plan, draw, mean, s);
  wb_process_state_of(s->process, t, s->cells, s->x0, *x1, s->fluid, wb_noise_field_draw(s->noise, &noise), s->state);
  return t;
}

/* Random permutation of 0 .. n-1 of this epoch (Fisher-Yates on counter-based words). */
static void shuffle(uint32_t seed, uint32_t epoch, int n, int *order) {
  const WbRandomKey key = {.seed = seed, .stream = WB_STREAM_TRAIN_ORDER, .member = epoch};
  for (int i = 0; i < n; i++) order[i] = i;
  for (int i = n - 1; i > 0; i--) {
    double u[4];
    wb_random_uniform4(&key, (uint64_t)i, u);
    const int j = (int)(u[0] * (i + 1));
    const int swap = order[i];
    order[i] = order[j];
    order[j] = swap;
  }
}

static void place(const WbTrainSet *set, const double u[4], WbSamplePlan *plan) {
  const WbGrid *g = set->runs[plan->minute.run]->hr_grid;
  const int places_x = (g->nx - set->n) / 4 + 1, places_y = (g->ny - set->n) / 4 + 1; /* on LR cells */
  plan->i0 = 4 * (int)(u[0] * places_x);
  plan->j0 = 4 * (int)(u[1] * places_y);
}

void wb_sample_plan(const WbTrainSet *set, const WbTrainOptions *o, long step, int slot, int *order,
                    WbSamplePlan *plan) {
  const long serial = step * o->batch + slot;
  shuffle(o->seed, (uint32_t)(serial / set->n_train), set->n_train, order);
  plan->minute = set->train[order[serial % set->n_train]];
  const WbRandomKey key = {.seed = o->seed, .stream = WB_STREAM_TRAIN_PLACE};
  double u[4];
  wb_random_uniform4(&key, (uint64_t)serial, u);
  place(set, u, plan);
  plan->symmetry =
      o->symmetry == WB_SYMMETRY_RANDOM ? (int)(u[2] * 8.0) : wb_train_frame(o, &set->runs[plan->minute.run]->info);
  plan->validation = false;
  plan->serial = serial;
  plan->random = (WbRandomKey){.seed = o->seed, .member = (uint32_t)slot, .minute = (uint32_t)step};
}

void wb_sample_plan_validation(const WbTrainSet *set, const WbTrainOptions *o, int q, WbSamplePlan *plan) {
  plan->minute = set->validation[q % set->n_validation];
  const WbRandomKey key = {.seed = o->seed, .stream = WB_STREAM_VALIDATION_PLACE};
  double u[4];
  wb_random_uniform4(&key, (uint64_t)q, u);
  place(set, u, plan);
  plan->symmetry = wb_train_frame(o, &set->runs[plan->minute.run]->info);
  plan->validation = true;
  plan->serial = q;
  plan->random = (WbRandomKey){.seed = o->seed, .minute = (uint32_t)q};
}
