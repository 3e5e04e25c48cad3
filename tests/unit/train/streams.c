/* What a training sample is drawn with is independent: its time within the stratum, the mirror's coin, the noise of its
 * cells, another draw's time. Whatever two of them have in common the network never sees apart. */
#include <string.h>

#include "train_internal.h"
#include "wb_test_train.h"

enum { STEPS = 600, BATCH = 4, DRAWS = 2, SAMPLES = STEPS * BATCH };
enum { JITTER, COIN, NOISE, SIZE_0, SIZE_1, SIZE_LAST, OTHER_JITTER, OTHER_COIN, OTHER_NOISE, QUANTITIES };
static const char *const names[QUANTITIES] = {
    "time in its stratum",         "mirror",           "noise of cell 0",
    "size of cell 0's noise",      "the same, v",      "size of the last cell's noise",
    "time of the sample's second", "mirror of second", "noise of second"};

/* Fields of zeros: the state is the noise, up to a factor that time sets. */
static void zero_fields(WbSample *s) {
  memset(s->x0, 0, s->cells * WB_CHANNELS * sizeof(float));
  memset(s->x1, 0, s->cells * WB_CHANNELS * sizeof(float));
  memset(s->fluid, 1, s->cells);
}

static void draw(const WbTrainOptions *o, const WbSamplePlan *plan, int number, const float *mean, WbSample *s,
                 double q[QUANTITIES]) {
  const float *end = NULL;
  WbPathAt at;
  const double t = wb_sample_draw(o, plan, number, mean, s, &end), strata = BATCH * DRAWS;
  wb_process_at(s->process, t, &at);
  const float *last = s->state + (s->cells - 1) * WB_CHANNELS;
  const double gamma = sqrt(at.w) * (double)wb_process_epsilon(s->process)[0], jitter = t * strata - floor(t * strata);
  assert_int_equal((int)floor(t * strata), (int)((plan->serial * DRAWS + number) % (BATCH * DRAWS)));
  q[number ? OTHER_JITTER : JITTER] = jitter;
  q[number ? OTHER_COIN : COIN] = end != s->x1;
  q[number ? OTHER_NOISE : NOISE] = (double)s->state[0] / gamma;
  if (number) return;
  q[SIZE_0] = fabs((double)s->state[0]) / gamma;
  q[SIZE_1] = fabs((double)s->state[2]) / gamma;
  q[SIZE_LAST] = fabs((double)last[0]) / gamma;
}

static double correlation(double (*q)[QUANTITIES], int a, int b) {
  double sum[2] = {0, 0}, square[3] = {0, 0, 0};
  for (int n = 0; n < SAMPLES; n++) {
    sum[0] += q[n][a], sum[1] += q[n][b];
    square[0] += q[n][a] * q[n][a], square[1] += q[n][b] * q[n][b], square[2] += q[n][a] * q[n][b];
  }
  const double va = square[0] / SAMPLES - sum[0] * sum[0] / SAMPLES / SAMPLES,
               vb = square[1] / SAMPLES - sum[1] * sum[1] / SAMPLES / SAMPLES;
  assert_true(va > 0.05 && vb > 0.05); /* it does vary */
  return (square[2] / SAMPLES - sum[0] * sum[1] / SAMPLES / SAMPLES) / sqrt(va * vb);
}

static void draws_are_independent(void **state) {
  (void)state;
  static double q[SAMPLES][QUANTITIES];
  char dir[300];
  WbTrainOptions o = wb_test_train_options(PETSC_COMM_WORLD, "streams", dir);
  WbTrainSet *set = NULL;
  WbSample *s = NULL;
  WbGrid *grid = NULL;
  int *order = NULL;
  float *mean = NULL;
  o.batch = BATCH, o.draws = DRAWS;
  WB_OK(wb_train_set_create(PETSC_COMM_WORLD, &o, false, &set));
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, set->n, set->n, set->nz, 4, 0, 0, false, false, &grid));
  WB_OK(wb_sample_create(set, &o, grid, &s));
  WB_OK(WB_ALLOC(set->n_train, &order));
  WB_OK(WB_CALLOC(s->cells * WB_CHANNELS, &mean));
  zero_fields(s);
  for (int step = 0; step < STEPS; step++) {
    for (int slot = 0; slot < BATCH; slot++) {
      WbSamplePlan plan;
      wb_sample_plan(set, &o, step, slot, order, &plan);
      for (int d = 0; d < DRAWS; d++) draw(&o, &plan, d, mean, s, q[step * BATCH + slot]);
    }
  }
  for (int a = 0; a < QUANTITIES; a++) {
    for (int b = 0; b < a; b++) {
      if (a == SIZE_0 && b == NOISE) continue; /* one number and its size */
      const double r = correlation(q, a, b);
      if (!(fabs(r) < 4.5 / sqrt(SAMPLES))) fail_msg("%s and %s: correlation %.3f", names[a], names[b], r);
    }
  }
  WB_FREE(&order);
  WB_FREE(&mean);
  wb_sample_destroy(&s);
  wb_grid_destroy(&grid);
  wb_train_set_destroy(&set);
}

WB_TEST_MAIN(cmocka_unit_test_setup_teardown(draws_are_independent, wb_test_train_begin, wb_test_train_end))
