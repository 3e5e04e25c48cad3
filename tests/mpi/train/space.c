/* Ranks that share a sample: each loads its box of it; ten steps of training agree with those of one rank, uneven
 * splits included. Weights of the loss by variable; recomputing gives the same bits. */
#include "train_internal.h"
#include "wb_test_train.h"

static int rank, size;

static int begin(void **state) {
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  return wb_test_train_begin(state);
}

static WbTrainOptions options(MPI_Comm comm, const char *name, char dir[300]) {
  static const float noise[WB_NOISE_SCALES] = {0.5F, 0.3F, 0.2F};
  WbTrainOptions o = wb_test_train_options(comm, name, dir);
  memcpy(o.noise, noise, sizeof o.noise);
  o.dropout = 0.1;
  o.lr = 1e-3;
  o.weight_decay = 0.01;
  o.warmup_steps = 0;
  o.backend = WB_BACKEND_NATIVE;
  o.net.cond_nets = 2;
  return o;
}

static WbModel trained(MPI_Comm comm, const char *dir) {
  static WbModelMeta meta;
  char path[400];
  WbModel model = NULL;
  snprintf(path, sizeof(path), "%s/model.h5", dir);
  WB_OK(wb_model_read(comm, path, &model, &meta));
  return model;
}

/* Loss, gradient norm of the last row of loss.csv. */
static void last_row(const char *dir, double row[2]) {
  char path[400], text[512] = "", line[512];
  snprintf(path, sizeof(path), "%s/loss.csv", dir);
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  while (fgets(line, sizeof(line), f)) memcpy(text, line, sizeof(text));
  fclose(f);
  char *at = text;
  for (int column = 0; column < 7; column++) {
    if (column == 1) row[0] = strtod(at, NULL);
    if (column == 6) row[1] = strtod(at, NULL);
    at = strchr(at, ',');
    assert_non_null(at);
    at++;
  }
}

static double distance(WbModel a, WbModel b) {
  double sum = 0, norm = 0;
  for (size_t i = 0; i < wb_model_size(a); i++) {
    sum += pow((double)wb_model_params(a)[i] - (double)wb_model_params(b)[i], 2);
    norm += pow((double)wb_model_params(b)[i], 2);
  }
  return sqrt(sum / norm);
}

/* Every voxel of a rank's box is that of the turned crop, and so is its noise. */
static void boxes_of_a_sample(void **state) {
  (void)state;
  char dir[300];
  WbTrainOptions o = options(PETSC_COMM_WORLD, "boxes", dir);
  MPI_Comm space = MPI_COMM_NULL;
  WbGrid *g = NULL;
  WbTrainSet *set = NULL;
  WbSample *s = NULL;
  o.space_ranks = size;
  WB_OK(wb_train_set_create(PETSC_COMM_WORLD, &o, false, &set));
  WB_OK(wb_train_grid(PETSC_COMM_WORLD, &o, set->n, set->nz, &space, &g));
  WB_OK(wb_sample_create(set, &o, g, &s));
  assert_int_equal(g->size, size);
  const int n = set->n, nx = set->runs[0]->hr_grid->nx;
  const WbNoiseBox box = {.size = {n, n, set->nz}, .nx = n, .ny = n};
  const WbRandomKey key = {.seed = 4, .stream = WB_STREAM_TEST};
  WbNoiseField whole = NULL;
  WB_OK(wb_noise_field_create(&box, o.noise, &whole));
  const float *all = wb_noise_field_draw(whole, &key), *own = wb_noise_field_draw(s->noise, &key);
  static float crop[12 * 12 * 8 * 4], turned[12 * 12 * 8 * 4];
  for (int turn = 0; turn < 8; turn++) {
    const WbSamplePlan plan = {.minute = {.run = 1, .minute = 1}, .i0 = 4, .j0 = 0, .symmetry = turn};
    wb_sample_load(set, &plan, s);
    for (int k = 0; k < set->nz; k++)
      for (int j = 0; j < n; j++)
        memcpy(crop + (size_t)((k * n + j) * n) * 4, set->runs[1]->x1[1] + (size_t)((k * nx + j) * nx + 4) * 4,
               (size_t)n * 4 * sizeof(float));
    wb_augment_state(turn, set->nz, n, crop, turned);
    for (int k = 0; k < set->nz; k++)
      for (int j = 0; j < g->nyl; j++)
        for (int i = 0; i < g->nxl; i++) {
          const size_t here = (size_t)((k * g->nyl + j) * g->nxl + i), there = (size_t)wb_grid_voxel(g, k, j, i);
          assert_memory_equal(s->x1 + 4 * here, turned + 4 * there, 4 * sizeof(float));
          for (size_t c = 0; c < 4; c++) WB_ASSERT_NEAR(own[4 * here + c], all[4 * there + c], 1e-6);
        }
  }
  wb_noise_field_destroy(&whole);
  wb_sample_destroy(&s);
  wb_train_set_destroy(&set);
  wb_grid_destroy(&g);
  MPI_Comm_free(&space);
}

/* Groups of 1, 2, 4 ranks against one rank alone; white noise and coloured. */
static void ten_steps_agree(const float *noise, int sharing) {
  char alone[300], dir[300], name[32];
  double want[2], found[2];
  WbTrainSummary s;
  WbTrainOptions o = options(PETSC_COMM_SELF, rank == 0 ? "alone" : "spare", alone);
  memcpy(o.noise, noise, sizeof o.noise);
  if (rank == 0) WB_OK(wb_train(PETSC_COMM_SELF, &o, &s));
  MPI_Barrier(PETSC_COMM_WORLD);
  snprintf(name, sizeof(name), "space%d", sharing);
  WbTrainOptions p = options(PETSC_COMM_WORLD, name, dir);
  memcpy(p.noise, noise, sizeof p.noise);
  p.space_ranks = sharing;
  WB_OK(wb_train(PETSC_COMM_WORLD, &p, &s));
  snprintf(alone, sizeof(alone), "%s/alone", wb_test_dir);
  WbModel a = trained(PETSC_COMM_WORLD, dir), b = trained(PETSC_COMM_WORLD, alone);
  last_row(alone, want);
  last_row(dir, found);
  if (rank == 0)
    print_message("%d of %d ranks share: weights differ by %.1e; loss %.10g, %.10g, |g| %g, %g\n", sharing, size,
                  distance(a, b), found[0], want[0], found[1], want[1]);
  /* AdamW divides by the gradient's size, so where a gradient is nearly nothing rounding decides its sign: more than
   * the loss shows. */
  WB_ASSERT_BELOW(distance(a, b), 3e-5);
  WB_ASSERT_BELOW(fabs(found[0] / want[0] - 1), 1e-5);
  WB_ASSERT_BELOW(fabs(found[1] / want[1] - 1), 1e-5);
  wb_model_destroy(&a);
  wb_model_destroy(&b);
}

static void groups_agree(void **state) {
  (void)state;
  static const float white[WB_NOISE_SCALES] = {1}, coloured[WB_NOISE_SCALES] = {0.5F, 0.3F, 0.2F};
  if (size == 1) skip(); /* nothing to share */
  for (int sharing = 1; sharing <= size; sharing *= 2) ten_steps_agree(sharing == size ? coloured : white, sharing);
}

/* Weights count relative to each other; with those of u, v, w at 0 nothing of their outputs is learned. */
static void weights_by_variable(void **state) {
  (void)state;
  char dir[300];
  double first[WB_CHANNELS + 1], sum = 0;
  WbTrainSummary s;
  if (size > 1) skip(); /* has nothing to do with ranks */
  WbModel even = NULL, tripled = NULL, theta = NULL;
  for (int c = 0; c <= WB_CHANNELS; c++) { /* the loss of the first step is linear in them */
    WbTrainOptions o = options(PETSC_COMM_WORLD, "one", dir);
    o.steps = 1;
    for (int i = 0; i < WB_CHANNELS; i++) o.loss_weights[i] = c == WB_CHANNELS || i == c;
    WB_OK(wb_train(PETSC_COMM_WORLD, &o, &s));
    first[c] = s.loss;
    if (c < WB_CHANNELS) sum += s.loss / WB_CHANNELS;
  }
  WB_ASSERT_NEAR(sum, first[WB_CHANNELS], 1e-6 * sum);
  assert_true(fabs(first[0] - first[1]) > 1e-3);
  for (int run = 0; run < 3; run++) {
    WbTrainOptions o = options(PETSC_COMM_WORLD, "few", dir);
    o.steps = 3;
    for (int i = 0; i < WB_CHANNELS; i++) o.loss_weights[i] = run == 1 ? 4 : (run == 2 && i > 0 ? 0 : 1);
    WB_OK(wb_train(PETSC_COMM_WORLD, &o, &s));
    WbModel *models[] = {&even, &tripled, &theta};
    *models[run] = trained(PETSC_COMM_WORLD, dir);
  }
  assert_memory_equal(wb_model_params(even), wb_model_params(tripled), wb_model_size(even) * sizeof(float));
  for (int t = 0; t < wb_model_tensors(theta); t++) {
    const char *name = NULL;
    int dims_n = 0, dims[5];
    size_t at = 0;
    wb_model_tensor(theta, t, &name, &dims_n, dims, &at);
    if (strcmp(name, "step.head.bias") != 0 && strcmp(name, "cond.0.head.bias") != 0) continue;
    for (int o = 0; o < dims[0]; o++) {
      assert_true((wb_model_params(theta)[at + (size_t)o] != 0.0F) == (o % WB_CHANNELS == 0));
      assert_true(wb_model_params(even)[at + (size_t)o] != 0.0F);
    }
    sum = 0; /* found */
  }
  assert_true(sum == 0.0);
  wb_model_destroy(&even);
  wb_model_destroy(&tripled);
  wb_model_destroy(&theta);
}

static void recomputed_bits(void **state) {
  (void)state;
  char kept[300], again[300];
  WbTrainSummary s;
  WbTrainOptions o = options(PETSC_COMM_WORLD, "kept", kept), p = options(PETSC_COMM_WORLD, "again", again);
  o.net.blocks2 = p.net.blocks2 = o.net.cond_blocks2 = p.net.cond_blocks2 = 2;
  o.space_ranks = p.space_ranks = size;
  p.recompute = true;
  WB_OK(wb_train(PETSC_COMM_WORLD, &o, &s));
  WB_OK(wb_train(PETSC_COMM_WORLD, &p, &s));
  WbModel a = trained(PETSC_COMM_WORLD, kept), b = trained(PETSC_COMM_WORLD, again);
  assert_memory_equal(wb_model_params(a), wb_model_params(b), wb_model_size(a) * sizeof(float));
  wb_model_destroy(&a);
  wb_model_destroy(&b);
}

static void refusals(void **state) {
  (void)state;
  char dir[300];
  WbTrainSummary s;
  WbTrainOptions o = options(PETSC_COMM_WORLD, "refused", dir);
  o.space_ranks = size + 1;
  assert_int_equal(wb_train(PETSC_COMM_WORLD, &o, &s), WB_ERR_CONFIG);
  assert_non_null(strstr(wb_error_message(), "train_space_ranks"));
  wb_error_clear();
  o.space_ranks = 1;
  o.loss_weights[2] = -1;
  assert_int_equal(wb_train(PETSC_COMM_WORLD, &o, &s), WB_ERR_CONFIG);
  assert_non_null(strstr(wb_error_message(), "loss weights"));
  wb_error_clear();
}

WB_TEST_MAIN(cmocka_unit_test_setup(boxes_of_a_sample, begin), cmocka_unit_test(groups_agree),
             cmocka_unit_test(weights_by_variable), cmocka_unit_test(recomputed_bits),
             cmocka_unit_test_teardown(refusals, wb_test_train_end))
