/* Inflow planes: recorded and read back exactly, the same fluxes at any resolution, a run fed by them follows the
 * precursor, bad files and times are refused. */
#include <string.h>
#include <unistd.h>

#include "inflow_internal.h"
#include "wb_test.h"

enum { NX = 16, NY = 12, NZ = 8 };
#define DX 20.0
#define INTERVAL 2.0

static WbGrid *grid_make(int ratio, int nz, bool cyclic) {
  WbGrid *g = NULL;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, NX * ratio, NY * ratio, nz, 1, 0, 0, cyclic, cyclic, &g));
  g->dx_m = DX / ratio;
  g->x_min_m = 1000;
  g->y_min_m = -40;
  return g;
}

static WbLesOptions options_make(WbPrecision precision) {
  WbLesOptions o;
  wb_les_options_default(&o);
  o.precision = precision;
  o.wind_speed_m_per_s = 4;
  o.wind_direction_deg = 230;
  o.wind_height_m = 80;
  o.mixed_height_m = 80;
  o.sponge_height_m = 1e9;
  if (precision == WB_FP64) o.tol_final = 1e-8;
  return o;
}

typedef struct {
  WbGrid *grid;
  WbLes les;
  double zf[NZ + 1];
  char path[256];
} Precursor;

/* Cyclic run spun up a little; seconds of planes recorded. */
static void precursor_make(Precursor *p, WbPrecision precision, double seconds, const char *name) {
  WbLesOptions o = options_make(precision);
  o.drive_mean_wind = true;
  o.z0_ground_m = 0.5;
  for (int k = 0; k <= NZ; k++) p->zf[k] = DX * k;
  p->grid = grid_make(1, NZ, true);
  int size;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  snprintf(p->path, sizeof p->path, "/tmp/wb_test_inflow_%s_%d.nc", name, size);
  WB_OK(wb_les_create(p->grid, p->zf, NULL, NULL, NULL, &o, &p->les));
  WB_OK(wb_les_init(p->les, -100));
  WB_OK(wb_les_advance(p->les, 0, NULL, NULL));
  if (seconds >= 0) WB_OK(wb_les_record_planes(p->les, p->path, "test tag", INTERVAL, seconds, NULL, NULL));
}

static void precursor_free(Precursor *p) {
  wb_les_destroy(&p->les);
  wb_grid_destroy(&p->grid);
  MPI_Barrier(PETSC_COMM_WORLD);
  unlink(p->path);
}

static double state_at(WbLes les, int f, int k, int j, int i) {
  const size_t at = (size_t)f * les->lay.field + wb_les_at(&les->lay, k, j, i);
  return les->opt.precision == WB_FP32 ? (double)((const float *)les->state)[at] : ((const double *)les->state)[at];
}

static void test_reproduced(void **state) {
  (void)state;
  Precursor p;
  precursor_make(&p, WB_FP32, 6, "exact");
  WbInflow in = NULL;
  WbPlanes *planes = NULL;
  WbGrid *g = grid_make(1, NZ, false);
  WB_OK(wb_inflow_open(PETSC_COMM_WORLD, p.path, &in));
  assert_string_equal(wb_inflow_tag(in), "test tag");
  double first, last;
  WB_OK(wb_inflow_time_range(in, &first, &last));
  assert_true(first == 0 && last == 6);
  WB_OK(wb_inflow_bind(in, g, WB_LES_GHOST, p.zf, &planes));
  WB_OK(wb_inflow_at(in, 6.0, planes)); /* the precursor still stands at the last record */
  const int w = WB_LES_GHOST;
  assert_true(g->nxl == p.grid->nxl && g->nyl == p.grid->nyl);
  for (int s = 0; s < 4; s++) {
    const WbPlane *a = &planes->side[s];
    if (!a->u) continue;
    const int n = s < 2 ? g->nyl : g->nxl;
    for (int k = 0; k < NZ; k++)
      for (int m = 0; m < n; m++) {
        const size_t q = (size_t)k * (size_t)(n + 2 * w) + (size_t)(m + w);
        /* face and outer cell of the cyclic run, whose ghosts hold the other end */
        const int face = s % 2 ? (s < 2 ? g->nxl : g->nyl) : 0, out = s % 2 ? face : -1;
        const int jf = s < 2 ? m : face, xf = s < 2 ? face : m, jo = s < 2 ? m : out, xo = s < 2 ? out : m;
        assert_true((double)a->u[q] == (s < 2 ? state_at(p.les, WB_U, k, jf, xf) : state_at(p.les, WB_U, k, jo, xo)));
        assert_true((double)a->v[q] == (s < 2 ? state_at(p.les, WB_V, k, jo, xo) : state_at(p.les, WB_V, k, jf, xf)));
        assert_true((double)a->w[q] == state_at(p.les, WB_W, k, jo, xo));
        assert_true((double)a->theta[q] == state_at(p.les, WB_THETA, k, jo, xo));
      }
  }
  /* linear in time: the middle of two records is their mean */
  if (planes->side[0].u) {
    const size_t n = (size_t)NZ * (size_t)(g->nyl + 2 * w);
    double worst = 0;
    float *copy[3];
    for (int t = 0; t < 3; t++) copy[t] = malloc(n * sizeof(float));
    for (int t = 0; t < 3; t++) {
      WB_OK(wb_inflow_at(in, 2.0 + t, planes));
      memcpy(copy[t], planes->side[0].u, n * sizeof(float));
    }
    for (size_t q = 0; q < n; q++)
      worst = fmax(worst, fabs((double)copy[1][q] - 0.5 * ((double)copy[0][q] + (double)copy[2][q])));
    WB_ASSERT_BELOW(worst, 1e-6);
    for (int t = 0; t < 3; t++) free(copy[t]);
  } else {
    for (int t = 0; t < 3; t++) WB_OK(wb_inflow_at(in, 2.0 + t, planes)); /* collective */
  }
  wb_inflow_unbind(&planes);
  wb_inflow_destroy(&in);
  wb_grid_destroy(&g);
  precursor_free(&p);
}

/* Flux through each 20 m face of one run's planes, summed on all ranks: (4 sides, NZ or 1, max(NX, NY)). */
static void fluxes(const WbGrid *g, const double *zf, const WbPlanes *planes, int ratio, bool column, double *flux) {
  const int most = NX > NY ? NX : NY, w = WB_LES_GHOST;
  memset(flux, 0, (size_t)(4 * NZ * most) * sizeof *flux);
  for (int s = 0; s < 4; s++) {
    const WbPlane *a = &planes->side[s];
    if (!a->u) continue;
    const int n = s < 2 ? g->nyl : g->nxl, start = s < 2 ? g->y0 : g->x0;
    for (int k = 0; k < g->nz; k++)
      for (int m = 0; m < n; m++) {
        const int level = column ? 0 : (int)(0.5 * (zf[k] + zf[k + 1]) / DX);
        const size_t q = (size_t)k * (size_t)(n + 2 * w) + (size_t)(m + w);
        flux[(s * NZ + level) * most + (start + m) / ratio] +=
            (double)(s < 2 ? a->u[q] : a->v[q]) * (zf[k + 1] - zf[k]) * g->dx_m;
      }
  }
  MPI_Allreduce(MPI_IN_PLACE, flux, 4 * NZ * most, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
}

static void compare_fluxes(const Precursor *p, int nz, const double *zf, bool column) {
  enum { MOST = NX > NY ? NX : NY };
  static double coarse[4 * NZ * MOST], fine[4 * NZ * MOST];
  WbInflow in = NULL;
  WbPlanes *a = NULL, *b = NULL;
  WbGrid *lr = grid_make(1, NZ, false), *hr = grid_make(4, nz, false);
  WB_OK(wb_inflow_open(PETSC_COMM_WORLD, p->path, &in));
  WB_OK(wb_inflow_bind(in, lr, WB_LES_GHOST, p->zf, &a));
  WB_OK(wb_inflow_bind(in, hr, WB_LES_GHOST, zf, &b));
  WB_OK(wb_inflow_at(in, 3.3, a));
  WB_OK(wb_inflow_at(in, 3.3, b));
  fluxes(lr, p->zf, a, 1, column, coarse);
  fluxes(hr, zf, b, 4, column, fine);
  double largest = 0;
  for (int q = 0; q < 4 * NZ * MOST; q++) largest = fmax(largest, fabs(coarse[q]));
  assert_true(largest > 100);
  for (int q = 0; q < 4 * NZ * MOST; q++) WB_ASSERT_NEAR(fine[q], coarse[q], 2e-6 * largest);
  wb_inflow_unbind(&a);
  wb_inflow_unbind(&b);
  wb_inflow_destroy(&in);
  wb_grid_destroy(&lr);
  wb_grid_destroy(&hr);
}

static void test_fluxes(void **state) {
  (void)state;
  Precursor p;
  precursor_make(&p, WB_FP32, 6, "flux");
  double nested[4 * NZ + 1];
  for (int k = 0; k <= 4 * NZ; k++) nested[k] = 0.25 * DX * k;
  compare_fluxes(&p, 4 * NZ, nested, false);
  int nz = 0;
  double *stretched = NULL;
  WB_OK(wb_les_z_faces(5, 60, 1.2, 30, DX * NZ, &nz, &stretched));
  compare_fluxes(&p, nz, stretched, true);
  WB_FREE(&stretched);
  precursor_free(&p);
}

#define FOLLOW_S 240.0

/* Time and plane means of two runs on the same grid: no drift. */
static void compare_profiles(WbLes a, WbLes b) {
  const size_t n = wb_grid_owned(a->grid), plane = n / NZ;
  float *f[2][3];
  double local[2][3 * NZ], sum[2][3 * NZ];
  memset(local, 0, sizeof local);
  for (int r = 0; r < 2; r++) {
    for (int c = 0; c < 3; c++) f[r][c] = malloc(n * sizeof(float));
    WB_OK(wb_les_mean(r == 0 ? a : b, f[r][0], f[r][1], f[r][2], NULL));
    for (int c = 0; c < 3; c++)
      for (size_t q = 0; q < n; q++) local[r][c * NZ + (int)(q / plane)] += (double)f[r][c][q] / (NX * NY);
    for (int c = 0; c < 3; c++) free(f[r][c]);
  }
  MPI_Allreduce(local, sum, 2 * 3 * NZ, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  for (int k = 0; k < NZ; k++) {
    if (a->grid->rank == 0)
      print_message("level %d: theta %.3f %.3f  u %.3f %.3f  v %.3f %.3f\n", k, sum[0][k], sum[1][k], sum[0][NZ + k],
                    sum[1][NZ + k], sum[0][2 * NZ + k], sum[1][2 * NZ + k]);
    WB_ASSERT_NEAR(sum[0][k], sum[1][k], 0.02);
    WB_ASSERT_NEAR(sum[0][NZ + k], sum[1][NZ + k], 0.12);
    WB_ASSERT_NEAR(sum[0][2 * NZ + k], sum[1][2 * NZ + k], 0.12);
  }
}

/* Fed by planes from the precursor's own state, the run must stay close to the precursor. */
static void test_follows(void **state) {
  (void)state;
  Precursor p;
  precursor_make(&p, WB_FP64, -1, "follow");
  WbGrid *g = grid_make(1, NZ, false);
  WbLesOptions o = options_make(WB_FP64);
  o.z0_ground_m = 0.5;
  /* two precursors: one records ahead, the other stays at t = 0 to start from */
  Precursor start;
  precursor_make(&start, WB_FP64, -1, "start");
  WB_OK(wb_les_mean_reset(p.les));
  WB_OK(wb_les_record_planes(p.les, p.path, "", INTERVAL, FOLLOW_S, NULL, NULL));
  WbInflow in = NULL;
  WbLes les = NULL;
  WB_OK(wb_inflow_open(PETSC_COMM_WORLD, p.path, &in));
  WB_OK(wb_les_create(g, p.zf, NULL, NULL, in, &o, &les));
  WB_OK(wb_les_init_from(les, start.les));
  assert_true(wb_les_time(les) == 0);
  WB_OK(wb_les_advance(les, FOLLOW_S, NULL, NULL));
  compare_profiles(les, p.les);
  /* the air has passed through the domain several times; what came in at the edges still rules the inside */
  double local[4] = {0, 0, 0, 0}, sums[4];
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < g->nyl; j++)
      for (int i = 0; i < g->nxl; i++) {
        const double a = state_at(les, WB_U, k, j, i), b = state_at(p.les, WB_U, k, j, i);
        assert_true(isfinite(a));
        local[0] += (a - b) * (a - b);
        local[1] += b;
        local[2] += b * b;
        local[3] += a;
      }
  MPI_Allreduce(local, sums, 4, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  const double n = (double)NX * NY * NZ, rms = sqrt(sums[0] / n);
  const double spread = sqrt(sums[2] / n - sums[1] * sums[1] / n / n);
  if (g->rank == 0)
    print_message("difference from the precursor at the end: rms %.4f, its own spread %.4f\n", rms, spread);
  WB_ASSERT_BELOW(rms, 0.75 * spread);
  WB_ASSERT_NEAR(sums[3] / n, sums[1] / n, 0.03 * 4);
  WbLesSummary s;
  WB_OK(wb_les_summary(les, &s));
  WB_ASSERT_BELOW(s.max_divergence_scaled, 1.01e-8);
  wb_les_destroy(&les);
  wb_inflow_destroy(&in);
  wb_grid_destroy(&g);
  precursor_free(&start);
  precursor_free(&p);
}

static void test_refused(void **state) {
  (void)state;
  Precursor p;
  precursor_make(&p, WB_FP32, 4, "refused");
  WbInflow in = NULL;
  WbPlanes *planes = NULL;
  WB_OK(wb_inflow_open(PETSC_COMM_WORLD, p.path, &in));
  WbGrid *g = grid_make(1, NZ, false);
  g->x_min_m += DX;
  assert_int_equal(wb_inflow_bind(in, g, WB_LES_GHOST, p.zf, &planes), WB_ERR_INPUT);
  wb_error_clear();
  g->x_min_m -= DX;
  WB_OK(wb_inflow_bind(in, g, WB_LES_GHOST, p.zf, &planes));
  assert_int_equal(wb_inflow_at(in, 4.5, planes), WB_ERR_INPUT);
  assert_non_null(strstr(wb_error_message(), "4.5"));
  wb_error_clear();
  assert_int_equal(wb_inflow_at(in, -0.5, planes), WB_ERR_INPUT);
  wb_error_clear();
  wb_inflow_unbind(&planes);
  wb_inflow_destroy(&in);
  MPI_Barrier(PETSC_COMM_WORLD);
  if (g->rank == 0) assert_int_equal(truncate(p.path, 4000), 0);
  MPI_Barrier(PETSC_COMM_WORLD);
  assert_int_equal(wb_inflow_open(PETSC_COMM_WORLD, p.path, &in), WB_ERR_INPUT);
  assert_null(in);
  wb_error_clear();
  assert_int_equal(wb_inflow_open(PETSC_COMM_WORLD, "/tmp/no_such_planes.nc", &in), WB_ERR_INPUT);
  wb_error_clear();
  wb_grid_destroy(&g);
  precursor_free(&p);
}

WB_TEST_MAIN(cmocka_unit_test(test_reproduced), cmocka_unit_test(test_fluxes), cmocka_unit_test(test_follows),
             cmocka_unit_test(test_refused))
