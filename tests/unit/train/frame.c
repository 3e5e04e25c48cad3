/* A training set and a training do not know the compass: the same run turned or mirrored by any of the eight symmetries
 * gives the same numbers of channels, the same samples and the same losses. */
#include <string.h>

#include "train_internal.h"
#include "wb_test_train.h"

enum { N = 16, NZ = 8 };
static char paths[9][300]; /* one run turned by each symmetry; as the first, for validation */
static const char *const files[9] = {paths[0], paths[1], paths[2], paths[3], paths[4],
                                     paths[5], paths[6], paths[7], paths[8]};

static int begin(void **state) {
  (void)state;
  wb_test_folder(wb_test_dir);
  for (int f = 0; f < 9; f++) {
    const WbTestPair t = {.split = f < 8 ? "train" : "validation",
                          .seed = 1,
                          .n_time = 2,
                          .n_lr = N / 4,
                          .nz_hr = NZ,
                          .wind = 4,
                          .solid_fill = NAN,
                          .direction = 250,
                          .symmetry = f % 8};
    snprintf(paths[f], sizeof(paths[f]), "%s/turned%d.nc", wb_test_dir, f);
    wb_test_write_pair(PETSC_COMM_WORLD, files[f], &t);
  }
  return 0;
}

static WbTrainOptions options(const char *const *chosen, int n, WbTrainSymmetry symmetry, const char *name,
                              char dir[300]) {
  WbTrainOptions o = wb_test_train_options(PETSC_COMM_WORLD, name, dir);
  o.files = chosen, o.n_files = n;
  o.crop = 0;
  o.symmetry = symmetry;
  return o;
}

static void deviations(const char *const *chosen, int n, WbTrainSymmetry symmetry, double out[WB_CHANNELS]) {
  char dir[300];
  WbTrainSet *set = NULL;
  const WbTrainOptions o = options(chosen, n, symmetry, "set", dir);
  WB_OK(wb_train_set_create(PETSC_COMM_WORLD, &o, false, &set));
  memcpy(out, set->deviation, sizeof(set->deviation));
  for (int c = 0; c < WB_CHANNELS; c++) WB_ASSERT_NEAR((double)set->norm.scale[c], set->deviation[c], 1e-6);
  wb_train_set_destroy(&set);
}

static void numbers(void **state) {
  (void)state;
  double first[WB_CHANNELS], other[WB_CHANNELS];
  deviations(files, 1, WB_SYMMETRY_CANONICAL, first);
  assert_true(fabs(first[1] - first[2]) > 0.2 * first[1]); /* else nothing would be shown */
  for (int s = 1; s < 8; s++) {
    deviations(&files[s], 1, WB_SYMMETRY_CANONICAL, other);
    for (int c = 0; c < WB_CHANNELS; c++) WB_ASSERT_NEAR(other[c] / first[c], 1, 1e-5);
  }
  deviations(files, 8, WB_SYMMETRY_CANONICAL, other);
  for (int c = 0; c < WB_CHANNELS; c++) WB_ASSERT_NEAR(other[c] / first[c], 1, 1e-5);
  deviations(files, 1, WB_SYMMETRY_RANDOM, first);
  deviations(&files[1], 1, WB_SYMMETRY_RANDOM, other);
  for (int c = 0; c < WB_CHANNELS; c++) WB_ASSERT_NEAR(other[c] / first[c], 1, 1e-5);
  WB_ASSERT_NEAR(first[1], first[2], 1e-12);
  /* left as they are, the numbers are those of the window's own u and v */
  deviations(files, 1, WB_SYMMETRY_NONE, first);
  deviations(&files[1], 1, WB_SYMMETRY_NONE, other);
  WB_ASSERT_NEAR(other[2] / first[1], 1, 1e-5);
}

static void load(int file, WbSample **sample, WbGrid **grid) {
  char dir[300];
  WbTrainSet *set = NULL;
  int order[2];
  WbSamplePlan plan;
  const WbTrainOptions o = options(&files[file], 1, WB_SYMMETRY_CANONICAL, "sample", dir);
  WB_OK(wb_train_set_create(PETSC_COMM_WORLD, &o, false, &set));
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, set->n, set->n, set->nz, 4, 0, 0, false, false, grid));
  WB_OK(wb_sample_create(set, &o, *grid, sample));
  wb_sample_plan(set, &o, 3, 1, order, &plan);
  wb_sample_load(set, &plan, *sample);
  wb_train_set_destroy(&set);
}

static void same(const char *what, int s, size_t n, const float *a, const float *b) {
  for (size_t i = 0; i < n; i++)
    if (!(fabsf(a[i] - b[i]) <= 3e-3F)) /* theta near 300 K is rounded: 3e-5 K */
      fail_msg("%s of symmetry %d: %g, not %g", what, s, (double)a[i], (double)b[i]);
}

static void samples(void **state) {
  (void)state;
  WbSample *first = NULL, *other = NULL;
  WbGrid *grid = NULL, *other_grid = NULL;
  load(0, &first, &grid);
  const size_t n = first->cells;
  for (int s = 1; s < 8; s++) {
    load(s, &other, &other_grid);
    same("x0", s, n * WB_CHANNELS, other->x0, first->x0);
    same("x1", s, n * WB_CHANNELS, other->x1, first->x1);
    same("static inputs", s, n * WB_STATIC_CHANNELS, other->stat, first->stat);
    assert_memory_equal(other->fluid, first->fluid, n);
    wb_sample_destroy(&other);
    wb_grid_destroy(&other_grid);
  }
  wb_sample_destroy(&first);
  wb_grid_destroy(&grid);
}

static void training(void **state) {
  (void)state;
  double first[2] = {0, 0};
  for (int s = 0; s < 8; s++) {
    char dir[300], name[32];
    WbTrainSummary summary;
    const char *const chosen[2] = {files[s], files[8]};
    snprintf(name, sizeof(name), "train%d", s);
    WbTrainOptions o = options(chosen, 2, WB_SYMMETRY_CANONICAL, name, dir);
    o.batch = 2, o.steps = o.validate_every = 3;
    WB_OK(wb_train(PETSC_COMM_WORLD, &o, &summary));
    const double now[2] = {summary.loss, summary.validation_loss};
    if (s == 0) memcpy(first, now, sizeof(first));
    for (int l = 0; l < 2; l++) WB_ASSERT_NEAR(now[l] / first[l], 1, 2e-4);
  }
}

WB_TEST_MAIN(cmocka_unit_test_setup(numbers, begin), cmocka_unit_test(samples),
             cmocka_unit_test_teardown(training, wb_test_train_end))
