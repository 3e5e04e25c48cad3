/* Restart: the run that was saved and loaded goes on as the uninterrupted one, bit for bit on the same ranks, to
 * rounding on another number; a checkpoint of other buildings is refused. */
#include <string.h>
#include <unistd.h>

#include "les_internal.h"
#include "wb_test.h"

enum { NX = 24, NY = 20, NZ = 10 };

typedef struct {
  WbGrid *grid;
  WbLes les;
  double *zf;
} Run;

static bool built(int k, int j, int i, int shift) {
  return (k < 4 && (j / 4 + i / 4 + shift) % 3 == 0 && j % 4 < 2 && i % 4 < 3) || (k < 8 && j == 11 && i >= 6 && i < 9);
}

static bool comm_ranks_matter; /* tight solves: runs on different ranks are compared */
static int cut_x, cut_y;       /* process grid; 0: as the program chooses */
static bool rich;              /* physics beyond the defaults */
static bool flat;              /* no buildings, ground viscosity */

static void rich_physics(WbLesOptions *o) {
  o->forcing.coriolis = true;
  o->forcing.latitude_deg = 50;
  o->forcing.n_wind = 2;
  o->forcing.wind_time_s[1] = 10;
  for (int n = 0; n < 2; n++) {
    o->forcing.wind_speed_m_per_s[n] = 5 + n;
    o->forcing.wind_direction_deg[n] = 240 + 20 * n;
  }
  o->advection = WB_ADVECTION_UPWIND5;
  o->surface.most = true;
  o->surface.theta_K[WB_FACET_GROUND] = 302;
  o->surface.theta_K[WB_FACET_WALL] = 302;
  o->surface.theta_rate_K_per_s = 1e-2;
  o->surface.sun = true;
  o->surface.sun_warming_K = 10;
  o->closure = WB_CLOSURE_DEARDORFF;
  o->tracers.n = o->tracers.n_sources = 2;
  o->tracers.source[0] = (WbLesSource){0, 60, 50, 12, 30, 20, 9, 1, 0, 1e9};
  o->tracers.source[1] = (WbLesSource){1, 21, 91, 25, 0, 0, 0, 1, 2.1, 3};
}

static void run_make(Run *r, MPI_Comm comm, WbPrecision precision, WbInflow inflow, int shift) {
  WbLesOptions o;
  wb_les_options_default(&o);
  o.precision = precision;
  o.tol_final = precision == WB_FP64 ? 1e-10 : 1e-5;
  if (comm_ranks_matter) o.tol_final = o.tol_stage = 1e-12;
  o.heat_flux_K_m_per_s = 0.1;
  o.sponge_height_m = 1e9;
  o.z0_ground_m = 0.05;
  o.z0_wall_m = 0.02;
  o.drive_mean_wind = !inflow;
  o.wind_height_m = 50;
  o.wind_direction_deg = 250;
  if (rich) rich_physics(&o);
  o.ground_viscosity = flat;
  memset(r, 0, sizeof *r);
  WB_OK(wb_grid_create(comm, NX, NY, NZ, 1, cut_x, cut_y, !inflow, !inflow, &r->grid));
  r->grid->dx_m = 5;
  r->zf = malloc((NZ + 1) * sizeof(double));
  for (int k = 0; k <= NZ; k++) r->zf[k] = k <= 6 ? 5.0 * k : 30 + 10.0 * (k - 6);
  uint8_t *solid = malloc(wb_grid_owned(r->grid));
  size_t q = 0;
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < r->grid->nyl; j++)
      for (int i = 0; i < r->grid->nxl; i++) solid[q++] = !flat && built(k, r->grid->y0 + j, r->grid->x0 + i, shift);
  WB_OK(wb_les_create(r->grid, r->zf, solid, NULL, inflow, &o, &r->les));
  free(solid);
}

static void run_free(Run *r) {
  wb_les_destroy(&r->les);
  wb_grid_destroy(&r->grid);
  free(r->zf);
}

static void path_of(char out[128], const char *name) {
  int size;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  snprintf(out, 128, "/tmp/wb_test_les_%s_%d", name, size);
}

static void save(Run *r, const char *path) {
  WbCheckpoint ck = NULL;
  WB_OK(wb_checkpoint_create(r->grid->comm, path, &ck));
  WB_OK(wb_les_save(r->les, ck, "run"));
  WB_OK(wb_checkpoint_close(&ck));
}
static PetscErrorCode load(Run *r, const char *path) {
  WbCheckpoint ck = NULL;
  WB_OK(wb_checkpoint_open(r->grid->comm, path, &ck));
  const PetscErrorCode ierr = wb_les_load(r->les, ck, "run");
  WB_OK(wb_checkpoint_close(&ck));
  return ierr;
}
static void forget(const char *path) {
  char old[160];
  snprintf(old, sizeof old, "%s.prev", path);
  MPI_Barrier(PETSC_COMM_WORLD);
  unlink(path);
  unlink(old);
}

static void fields(Run *r, float *out[4]) {
  for (int f = 0; f < 4; f++) out[f] = malloc(wb_grid_owned(r->grid) * sizeof(float));
  WB_OK(wb_les_mean(r->les, out[0], out[1], out[2], out[3]));
}

/* Planes of a small flat precursor on this run's horizontal grid and height. */
static WbInflow inflow_make(const char *path) {
  WbGrid *g = NULL;
  WbLes les = NULL;
  WbLesOptions o;
  wb_les_options_default(&o);
  o.drive_mean_wind = true;
  o.wind_direction_deg = 250;
  o.wind_height_m = 30;
  o.sponge_height_m = 1e9;
  double zf[8];
  for (int k = 0; k < 8; k++) zf[k] = 10.0 * k;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, NX / 2, NY / 2, 7, 1, 0, 0, true, true, &g));
  g->dx_m = 10;
  WB_OK(wb_les_create(g, zf, NULL, NULL, NULL, &o, &les));
  WB_OK(wb_les_init(les, 0));
  WB_OK(wb_les_record_planes(les, path, "", 1, 20, NULL, NULL));
  wb_les_destroy(&les);
  wb_grid_destroy(&g);
  WbInflow in = NULL;
  WB_OK(wb_inflow_open(PETSC_COMM_WORLD, path, &in));
  return in;
}

/* steps of uneven length before, after the checkpoint; then both advance to a common time. */
static void bit_for_bit(WbPrecision precision, bool fed) {
  Run a, b;
  char path[128], planes[128];
  path_of(path, precision == WB_FP64 ? "bits64" : "bits32");
  path_of(planes, "planes.nc");
  WbInflow in = fed ? inflow_make(planes) : NULL;
  run_make(&a, PETSC_COMM_WORLD, precision, in, 0);
  run_make(&b, PETSC_COMM_WORLD, precision, in, 0);
  WB_OK(wb_les_init(a.les, 0));
  WB_OK(wb_les_advance(a.les, 2, NULL, NULL));
  WB_OK(wb_les_mean_reset(a.les));
  for (int n = 0; n < 3; n++) WB_OK(wb_les_step(a.les, 0.21 + 0.013 * n));
  save(&a, path);
  WB_OK(load(&b, path));
  const size_t bytes = a.les->ops->real_bytes;
  assert_memory_equal(a.les->state, b.les->state, (size_t)a.les->nf * a.les->lay.field * bytes);
  assert_true(wb_les_time(a.les) == wb_les_time(b.les) && wb_les_steps(a.les) == wb_les_steps(b.les));
  for (int n = 0; n < 2; n++) {
    WB_OK(wb_les_step(a.les, 0.2));
    WB_OK(wb_les_step(b.les, 0.2));
    const WbLesLayout *l = &a.les->lay;
    for (int f = 0; f < a.les->nf; f++)
      for (int k = 0; k < NZ; k++)
        for (int j = 0; j < l->nyl; j++) {
          const size_t at = ((size_t)f * l->field + wb_les_at(l, k, j, 0)) * bytes;
          if (memcmp((char *)a.les->state + at, (char *)b.les->state + at, (size_t)l->nxl * bytes) != 0)
            fail_msg("step %d after the restart: field %d differs in level %d, row %d", n + 1, f, k, a.grid->y0 + j);
        }
  }
  WB_OK(wb_les_advance(a.les, 4.5, NULL, NULL));
  WB_OK(wb_les_advance(b.les, 4.5, NULL, NULL));
  float *x[4], *y[4];
  fields(&a, x);
  fields(&b, y);
  for (int f = 0; f < 4; f++) {
    assert_memory_equal(x[f], y[f], wb_grid_owned(a.grid) * sizeof(float));
    free(x[f]);
    free(y[f]);
  }
  assert_true(wb_les_steps(a.les) == wb_les_steps(b.les));
  for (int n = 0; n < a.les->nf - WB_NFIELDS; n++) {
    float *p = malloc(wb_grid_owned(a.grid) * sizeof(float)), *q = malloc(wb_grid_owned(a.grid) * sizeof(float));
    WB_OK(wb_les_mean_scalar(a.les, n, p));
    WB_OK(wb_les_mean_scalar(b.les, n, q));
    assert_memory_equal(p, q, wb_grid_owned(a.grid) * sizeof(float));
    free(p);
    free(q);
  }
  run_free(&a);
  run_free(&b);
  wb_inflow_destroy(&in);
  forget(path);
  forget(planes);
}

/* On every process grid of these ranks: pieces as thin as 5 rows, whole rows and whole columns. */
static void on_all_cuts(WbPrecision precision, bool fed) {
  int size;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  for (cut_x = 1; cut_x <= size; cut_x++) {
    if (size % cut_x) continue;
    cut_y = size / cut_x;
    bit_for_bit(precision, fed);
  }
  cut_x = cut_y = 0;
}

static void test_bits_cyclic_fp64(void **state) {
  bit_for_bit(WB_FP64, false);
}
static void test_bits_cyclic_fp32(void **state) {
  on_all_cuts(WB_FP32, false);
}
static void test_bits_fed_fp64(void **state) {
  bit_for_bit(WB_FP64, true);
}
static void test_bits_fed_fp32(void **state) {
  on_all_cuts(WB_FP32, true);
}

static void test_bits_rich(void **state) {
  rich = true;
  on_all_cuts(WB_FP64, false);
  on_all_cuts(WB_FP32, false);
  on_all_cuts(WB_FP32, true);
  rich = false;
}

static void test_bits_flat(void **state) {
  flat = true;
  on_all_cuts(WB_FP32, false);
  rich = true;
  on_all_cuts(WB_FP32, true);
  rich = flat = false;
}

/* Saved by all ranks, loaded by each rank for itself (and by all): the same to rounding. */
static void test_other_ranks(void **state) {
  Run a, b;
  char path[128];
  path_of(path, "ranks");
  comm_ranks_matter = true;
  run_make(&a, PETSC_COMM_WORLD, WB_FP64, NULL, 0);
  run_make(&b, PETSC_COMM_SELF, WB_FP64, NULL, 0);
  WB_OK(wb_les_init(a.les, 0));
  WB_OK(wb_les_advance(a.les, 2, NULL, NULL));
  WB_OK(wb_les_mean_reset(a.les));
  for (int n = 0; n < 2; n++) WB_OK(wb_les_step(a.les, 0.2));
  save(&a, path);
  WB_OK(load(&b, path));
  for (int n = 0; n < 5; n++) {
    WB_OK(wb_les_step(a.les, 0.2));
    WB_OK(wb_les_step(b.les, 0.2));
  }
  float *x[4], *y[4];
  fields(&a, x);
  fields(&b, y);
  double worst = 0;
  for (int f = 0; f < 4; f++) {
    size_t q = 0;
    for (int k = 0; k < NZ; k++)
      for (int j = 0; j < a.grid->nyl; j++)
        for (int i = 0; i < a.grid->nxl; i++, q++) {
          const size_t p = ((size_t)k * NY + (size_t)(a.grid->y0 + j)) * NX + (size_t)(a.grid->x0 + i);
          assert_true(isnan(x[f][q]) == isnan(y[f][p]));
          if (!isnan(x[f][q])) worst = fmax(worst, fabs((double)x[f][q] - (double)y[f][p]) / (f ? 5 : 300));
        }
    free(x[f]);
    free(y[f]);
  }
  comm_ranks_matter = false;
  WB_ASSERT_BELOW(worst, 2e-7); /* float means of fp64 runs */
  run_free(&a);
  run_free(&b);
  forget(path);
}

static void test_refused(void **state) {
  Run a, b;
  char path[128];
  path_of(path, "refused");
  run_make(&a, PETSC_COMM_WORLD, WB_FP32, NULL, 0);
  run_make(&b, PETSC_COMM_WORLD, WB_FP32, NULL, 1);
  WB_OK(wb_les_init(a.les, 0));
  save(&a, path);
  assert_int_equal(load(&b, path), WB_ERR_INPUT);
  wb_error_clear();
  run_free(&b);
  run_make(&b, PETSC_COMM_WORLD, WB_FP64, NULL, 0);
  assert_int_equal(load(&b, path), WB_ERR_INPUT);
  wb_error_clear();
  run_free(&a);
  run_free(&b);
  forget(path);
}

/* A value that is not finite stops the run in its step, names itself and leaves the checkpoint, from which the run goes
 * on as if nothing had been. */
static void test_blow_up(void **state) {
  Run a, b;
  char path[128];
  path_of(path, "blow_up");
  run_make(&a, PETSC_COMM_WORLD, WB_FP64, NULL, 0);
  run_make(&b, PETSC_COMM_WORLD, WB_FP64, NULL, 0);
  WB_OK(wb_les_init(a.les, 0));
  WB_OK(wb_les_step(a.les, 0.2));
  save(&a, path);
  const bool mine = a.grid->x0 == 0 && a.grid->y0 == 0; /* one rank holds the fault, all must stop */
  const size_t at = WB_THETA * a.les->lay.field + wb_les_at(&a.les->lay, 9, 2, 3);
  const double good = ((double *)a.les->state)[at];
  if (mine) ((double *)a.les->state)[at] = NAN;
  assert_int_equal(wb_les_advance(a.les, 1, NULL, NULL), WB_ERR_NUMERIC);
  const char *const words[] = {"step 2 ", "theta is nan", "(k, j, i) = (9, 2, 3)", "z = "};
  for (size_t w = 0; w < sizeof words / sizeof words[0]; w++)
    if (!strstr(wb_error_message(), words[w])) fail_msg("'%s' lacks '%s'", wb_error_message(), words[w]);
  wb_error_clear();
  WB_OK(load(&a, path));
  WB_OK(load(&b, path));
  if (mine) assert_true(((double *)a.les->state)[at] == good);
  WB_OK(wb_les_step(a.les, 0.2));
  WB_OK(wb_les_step(b.les, 0.2));
  for (int f = 0; f < WB_NFIELDS; f++)
    for (int k = 0; k < NZ; k++)
      for (int j = 0; j < a.grid->nyl; j++) {
        const size_t row = (size_t)f * a.les->lay.field + wb_les_at(&a.les->lay, k, j, 0);
        assert_memory_equal((double *)a.les->state + row, (double *)b.les->state + row,
                            (size_t)a.grid->nxl * sizeof(double));
      }
  run_free(&a);
  run_free(&b);
  forget(path);
}

WB_TEST_MAIN(cmocka_unit_test(test_bits_cyclic_fp64), cmocka_unit_test(test_bits_cyclic_fp32),
             cmocka_unit_test(test_bits_fed_fp64), cmocka_unit_test(test_bits_fed_fp32),
             cmocka_unit_test(test_bits_rich), cmocka_unit_test(test_bits_flat), cmocka_unit_test(test_other_ranks),
             cmocka_unit_test(test_refused), cmocka_unit_test(test_blow_up))
