/* Geometry below the cells: cell-aligned buildings give the run of whole cells bit for bit; a city that cuts its cells
 * gives the same run on any ranks, keeps air, heat and tracer to rounding, and goes on after a restart bit for bit;
 * both pressure solvers close its divergence. */
#include <string.h>
#include <unistd.h>

#include "../../verify/les/les_test.h"

enum { NX = 24, NY = 20, NZ = 8, RATIO = 4, FIELDS = 5 };
#define DX 20.0
#define DZ 20.0

typedef int (*Roof)(int j, int i); /* sub-levels of a fine column, global */

/* Blocks of whole cells. */
static int aligned(int j, int i) {
  const int row = j / RATIO, column = i / RATIO;
  return (row / 3 + column / 3) % 2 && row % 3 < 2 ? RATIO * (1 + (column / 3 + row) % 4) : 0;
}
/* Houses of 3 x 5 columns and up to 19 sub-levels, streets of 2 and 3, walls of one column. */
static int cut(int j, int i) {
  if (i % 37 == 5) return 13;
  if (j % 5 >= 3 || i % 8 >= 5) return 0;
  const unsigned h = ((unsigned)(i / 8) * 2654435761U) ^ ((unsigned)(j / 5) * 40503U * 65537U);
  return (int)((h >> 9) % 20U);
}
static int flat(int j, int i) {
  return 0;
}

static WbLesOptions options(WbPrecision precision) {
  WbLesOptions o;
  wb_les_options_default(&o);
  o.precision = precision;
  o.drive_mean_wind = true;
  o.wind_height_m = 80.0;
  o.wind_direction_deg = 240.0;
  o.heat_flux_K_m_per_s = 0.1;
  o.mixed_height_m = 100.0;
  o.sponge_height_m = 1e9;
  o.tol_final = o.tol_stage = precision == WB_FP64 ? 1e-12 : 1e-5;
  o.max_iterations = 500;
  o.tracers.n = o.tracers.n_sources = 1;
  o.tracers.source[0] = (WbLesSource){0, 230.0, 190.0, 70.0, 90.0, 70.0, 110.0, 2.0, 0.0, 1e9};
  return o;
}

static int32_t *roofs(const WbGrid *g, Roof roof) {
  int32_t *r = malloc(sizeof *r * RATIO * RATIO * (size_t)g->nyl * (size_t)g->nxl);
  for (int j = 0, n = 0; j < g->nyl * RATIO; j++)
    for (int i = 0; i < g->nxl * RATIO; i++) r[n++] = roof(g->y0 * RATIO + j, g->x0 * RATIO + i);
  return r;
}

static LesBox box(MPI_Comm comm, Roof roof, bool porous, const WbLesOptions *o) {
  LesBox b = {0};
  double *zf = les_test_faces(NZ, DZ, 1.0);
  WB_OK(wb_grid_create(comm, NX, NY, NZ, 1, 0, 0, true, true, &b.grid));
  b.grid->dx_m = DX;
  int32_t *r = roofs(b.grid, roof);
  const WbLesVoxels voxels = {.ratio = RATIO, .roof = r, .solid_from = 0.75};
  uint8_t *solid = calloc(wb_grid_owned(b.grid), 1);
  WB_OK(wb_les_voxels_solid(NZ, b.grid->nyl, b.grid->nxl, &voxels, solid, NULL));
  if (porous)
    WB_OK(wb_les_create_porous(b.grid, zf, &voxels, NULL, NULL, o, &b.les));
  else
    WB_OK(wb_les_create(b.grid, zf, solid, NULL, NULL, o, &b.les));
  free(solid);
  free(r);
  free(zf);
  WB_OK(wb_les_init(b.les, 0.0));
  return b;
}

static void same_bits(WbPrecision precision, Roof roof) {
  const WbLesOptions o = options(precision);
  LesBox a = box(PETSC_COMM_WORLD, roof, false, &o), b = box(PETSC_COMM_WORLD, roof, true, &o);
  for (int s = 0; s < 5; s++) {
    WB_OK(wb_les_step(a.les, 1.0));
    WB_OK(wb_les_step(b.les, 1.0));
  }
  assert_int_equal(memcmp(a.les->state, b.les->state, (size_t)a.les->nf * a.les->lay.field * a.les->ops->real_bytes),
                   0);
  les_test_free(&a);
  les_test_free(&b);
}
static void whole_cells_same_bits(void **state) {
  same_bits(WB_FP32, aligned);
  same_bits(WB_FP64, aligned);
  same_bits(WB_FP32, flat);
}

/* Air's content of a scalar over DX^2 DZ. */
static double content(WbLes les, int f) {
  double sum = 0.0;
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < les->grid->nyl; j++)
      for (int i = 0; i < les->grid->nxl; i++)
        sum += wb_les_porous_share(les, wb_les_at(&les->lay, k, j, i)) * les_test_get(les, f, k, j, i);
  return les_test_sum(sum);
}

/* Roofs and ground give off what they would over flat ground, the source what it is told. */
static void budgets_close(void **state) {
  const WbLesOptions o = options(WB_FP64);
  LesBox b = box(PETSC_COMM_WORLD, cut, true, &o);
  const double before = content(b.les, WB_THETA), seconds = 24.0;
  for (int s = 0; s < 16; s++) WB_OK(wb_les_step(b.les, seconds / 16));
  const double heat = (content(b.les, WB_THETA) - before) * DZ / seconds,
               tracer = content(b.les, WB_NFIELDS) * DX * DX * DZ;
  print_message("heat %.15g of %.15g K m s-1 over the plan area, tracer %.15g of %g kg\n", heat / (NX * NY),
                o.heat_flux_K_m_per_s, tracer, 2.0 * seconds);
  assert_true(fabs(heat / (NX * NY) - (double)(float)o.heat_flux_K_m_per_s) < 1e-12);
  assert_true(fabs(tracer - 2.0 * seconds) < 1e-9);
  WB_ASSERT_BELOW(les_test_divergence(b.les), 1e-10);
  les_test_free(&b);
}

static void gather(WbLes les, double *all) {
  const WbGrid *g = les->grid;
  memset(all, 0, sizeof *all * FIELDS * NZ * NY * NX);
  for (int f = 0; f < FIELDS; f++)
    for (int k = 0; k < NZ; k++)
      for (int j = 0; j < g->nyl; j++)
        for (int i = 0; i < g->nxl; i++)
          all[((f * NZ + k) * NY + g->y0 + j) * NX + g->x0 + i] = les_test_get(les, f, k, j, i);
  MPI_Allreduce(MPI_IN_PLACE, all, FIELDS * NZ * NY * NX, MPI_DOUBLE, MPI_SUM, g->comm);
}

static double serial[FIELDS * NZ * NY * NX], parallel[FIELDS * NZ * NY * NX];

static void ranks_agree(void **state) {
  const WbLesOptions o = options(WB_FP64);
  double worst = 0.0, size = 0.0;
  for (int run = 0; run < 2; run++) {
    LesBox b = box(run ? PETSC_COMM_WORLD : PETSC_COMM_SELF, cut, true, &o);
    for (int s = 0; s < 12; s++) WB_OK(wb_les_step(b.les, 1.5));
    gather(b.les, run ? parallel : serial);
    les_test_free(&b);
  }
  for (int n = 0; n < FIELDS * NZ * NY * NX; n++) {
    size = fmax(size, fabs(serial[n]));
    worst = fmax(worst, fabs(serial[n] - parallel[n]));
  }
  print_message("difference from serial %.2e, largest value %.3g\n", worst, size);
  WB_ASSERT_BELOW(worst, 1e-8 * size);
}

static void restart_same_bits(void **state) {
  const WbLesOptions o = options(WB_FP32);
  char path[128], old[160];
  int size;
  WbCheckpoint ck = NULL;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  snprintf(path, sizeof path, "/tmp/wb_test_les_porous_%d", size);
  snprintf(old, sizeof old, "%s.prev", path);
  LesBox a = box(PETSC_COMM_WORLD, cut, true, &o), b = box(PETSC_COMM_WORLD, cut, true, &o),
         c = box(PETSC_COMM_WORLD, aligned, true, &o);
  for (int s = 0; s < 3; s++) WB_OK(wb_les_step(a.les, 1.5));
  WB_OK(wb_checkpoint_create(PETSC_COMM_WORLD, path, &ck));
  WB_OK(wb_les_save(a.les, ck, "run"));
  WB_OK(wb_checkpoint_close(&ck));
  WB_OK(wb_checkpoint_open(PETSC_COMM_WORLD, path, &ck));
  WB_OK(wb_les_load(b.les, ck, "run"));
  assert_int_equal(wb_les_load(c.les, ck, "run"), WB_ERR_INPUT);
  wb_error_clear();
  WB_OK(wb_checkpoint_close(&ck));
  for (int s = 0; s < 3; s++) {
    WB_OK(wb_les_step(a.les, 1.5));
    WB_OK(wb_les_step(b.les, 1.5));
  }
  for (int f = 0; f < FIELDS; f++)
    for (int k = 0; k < NZ; k++)
      for (int j = 0; j < a.grid->nyl; j++)
        for (int i = 0; i < a.grid->nxl; i++)
          assert_true(les_test_get(a.les, f, k, j, i) == les_test_get(b.les, f, k, j, i));
  les_test_free(&a);
  les_test_free(&b);
  les_test_free(&c);
  MPI_Barrier(PETSC_COMM_WORLD);
  unlink(path);
  unlink(old);
}

/* A rough field through the solver that the options ask for, on a box that is not cyclic; largest divergence left. */
static double closes(bool multigrid, double *flux) {
  LesBox b = {0};
  WbLesOptions o = les_test_options();
  double *zf = les_test_faces(NZ, DZ, 1.0), left = 0.0;
  int iterations = 0;
  WbProject project = NULL;
  o.precision = WB_FP32;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, NX, NY, NZ, 2, 0, 0, false, false, &b.grid));
  b.grid->dx_m = DX;
  int32_t *r = roofs(b.grid, cut);
  const WbLesVoxels voxels = {.ratio = RATIO, .roof = r, .solid_from = 0.75};
  uint8_t *solid = calloc(wb_grid_owned(b.grid), 1);
  WB_OK(wb_les_voxels_solid(NZ, b.grid->nyl, b.grid->nxl, &voxels, solid, NULL));
  o.tol_final = 1e-4;
  WB_OK(wb_les_create_porous(b.grid, zf, &voxels, NULL, NULL, &o, &b.les));
  WB_OK(wb_les_init_fields(b.les, les_test_rough_u, les_test_rough_v, les_test_rough_w, NULL, NULL));
  float *u = b.les->state, *v = u + b.les->lay.field, *w = v + b.les->lay.field;
  for (size_t at = 0; at < 3 * b.les->lay.field; at++) u[at] *= 1.0F + 0.3F * (float)((at / 7) % 5 == 2);
  WB_OK(wb_halo_exchange(b.les->halo_state, b.les->state));
  if (multigrid)
    WB_OK(wb_project_create_multigrid(b.grid, b.les->lay.g, DX, zf, solid, wb_les_porous_apertures(b.les), &project));
  else
    WB_OK(wb_project_create(b.grid, b.les->lay.g, DX, zf, solid, wb_les_porous_apertures(b.les), WB_FP32, &project));
  WB_OK(wb_project_apply(project, u, v, w, 1.0, 1e-5, 500, 0, &iterations, &left));
  *flux = 0.0;
  for (int j = 0; j < b.grid->nyl; j++)
    for (int i = 0; i < b.grid->nxl; i++) *flux += pow(les_test_get(b.les, WB_U, 1, j, i), 2);
  *flux = les_test_sum(*flux);
  print_message("%s: %d iterations, divergence %.1e, square of u %.8g\n", multigrid ? "multigrid" : "flat solver",
                iterations, left, *flux);
  wb_project_destroy(&project);
  les_test_free(&b);
  free(solid);
  free(r);
  free(zf);
  return left;
}

static void both_solvers_close(void **state) {
  double flat_solver, multigrid;
  WB_ASSERT_BELOW(closes(false, &flat_solver), 1e-5);
  WB_ASSERT_BELOW(closes(true, &multigrid), 1e-5);
  assert_true(fabs(multigrid - flat_solver) < 1e-4 * flat_solver);
}

WB_TEST_MAIN(cmocka_unit_test(whole_cells_same_bits), cmocka_unit_test(budgets_close), cmocka_unit_test(ranks_agree),
             cmocka_unit_test(restart_same_bits), cmocka_unit_test(both_solvers_close))
