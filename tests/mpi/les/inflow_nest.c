/* Planes from another model's boundary values: interpolated exactly, uniform wind stays uniform, a wind that turns
 * turns the flow, files that do not fit are refused with their reason. */
#include <string.h>
#include <unistd.h>

#include "inflow_internal.h"
#include "wb_test.h"

enum { NX = 16, NY = 12, NZ = 8, LEVELS = 5, ROWS = 3, COLUMNS = 4, TIMES = 3 };
#define DX 20.0
static const double x_min = 1000, y_min = -40;

static char path[128];
static void name_path(void) {
  int size;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  snprintf(path, sizeof path, "/tmp/wb_test_nest_%d.nc", size);
}

/* What a file says: value of u, v, theta, w at (time, z, y, x), and what is wrong with it. */
typedef double (*Value)(int variable, double t, double z, double y, double x);
typedef struct {
  Value value;
  bool fields, swapped_times, tke;
  const char *without, *units;
  double t_last, z_first, z_last, x_last;
} File;
static const char *const variables[5] = {"u", "v", "theta", "w", "tke"};

static void put(WbNc nc, const File *f, int var, const double *t, const double *z, const double *y, const double *x) {
  static float a[TIMES * LEVELS * ROWS * COLUMNS];
  const int ny = f->fields ? ROWS : 1, nx = f->fields ? COLUMNS : 1;
  int q = 0;
  for (int n = 0; n < TIMES; n++)
    for (int k = 0; k < LEVELS; k++)
      for (int j = 0; j < ny; j++)
        for (int i = 0; i < nx; i++) a[q++] = (float)f->value(var, t[n], z[k], y[j], x[i]);
  const int start[4] = {0, 0, 0, 0}, count[4] = {TIMES, LEVELS, ROWS, COLUMNS};
  WB_OK(wb_nc_put(nc, "/", variables[var], start, count, a));
}

static void put_axis(WbNc nc, const char *name, int n, const double *values) {
  const int start[1] = {0};
  WB_OK(wb_nc_put(nc, "/", name, start, &n, values));
}

static void write_whole(const File *f) {
  WbNc nc = NULL;
  double t[TIMES], z[LEVELS], y[ROWS], x[COLUMNS];
  for (int n = 0; n < TIMES; n++) t[n] = n * f->t_last / (TIMES - 1);
  if (f->swapped_times) t[1] = t[2] + 1;
  for (int k = 0; k < LEVELS; k++) z[k] = f->z_first + k * (f->z_last - f->z_first) / (LEVELS - 1);
  for (int j = 0; j < ROWS; j++) y[j] = y_min - 30 + j * (NY * DX + 60) / (ROWS - 1);
  for (int i = 0; i < COLUMNS; i++) x[i] = x_min + i * (f->x_last - x_min) / (COLUMNS - 1);
  const struct {
    const char *name;
    int n;
    const double *at;
  } axes[4] = {{"time", TIMES, t}, {"z", LEVELS, z}, {"y", ROWS, y}, {"x", COLUMNS, x}};
  WB_OK(wb_nc_create(MPI_COMM_SELF, path, true, true, &nc));
  for (int d = 0; d < (f->fields ? 4 : 2); d++) {
    WB_OK(wb_nc_def_dim(nc, "/", axes[d].name, axes[d].n));
    WB_OK(wb_nc_def_var(nc, "/", axes[d].name, WB_NC_DOUBLE, axes[d].name));
  }
  if (f->units) WB_OK(wb_nc_att_text(nc, "/", "time", "units", f->units));
  for (int v = 0; v < (f->tke ? 5 : 4); v++)
    if (!f->without || strcmp(f->without, variables[v]) != 0)
      WB_OK(wb_nc_def_var(nc, "/", variables[v], WB_NC_FLOAT, f->fields ? "time,z,y,x" : "time,z"));
  for (int d = 0; d < (f->fields ? 4 : 2); d++) put_axis(nc, axes[d].name, axes[d].n, axes[d].at);
  for (int v = 0; v < (f->tke ? 5 : 4); v++)
    if (!f->without || strcmp(f->without, variables[v]) != 0) put(nc, f, v, t, z, y, x);
  WB_OK(wb_nc_close(&nc));
}

static void write_file(const File *f) {
  int rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  name_path();
  if (rank == 0) write_whole(f);
  MPI_Barrier(PETSC_COMM_WORLD);
}

static double zf[NZ + 1];
static WbInflowDomain domain(double t_first, double t_last) {
  for (int k = 0; k <= NZ; k++) zf[k] = DX * k;
  return (WbInflowDomain){.nx = NX,
                          .ny = NY,
                          .nz = NZ,
                          .dx_m = DX,
                          .x_min_m = x_min,
                          .y_min_m = y_min,
                          .zf = zf,
                          .t_first_s = t_first,
                          .t_last_s = t_last};
}

static WbLesOptions options_make(void) {
  WbLesOptions o;
  wb_les_options_default(&o);
  o.precision = WB_FP64;
  o.tol_final = o.tol_stage = 1e-9;
  o.wind_speed_m_per_s = 4;
  o.sponge_height_m = 1e9;
  o.wall = WB_WALL_FREE_SLIP;
  o.closure = WB_CLOSURE_NONE;
  o.mixed_height_m = 1e9; /* neutral */
  return o;
}
static const File good = {.t_last = 400, .z_first = 10, .z_last = 170, .x_last = 1000 + NX * DX};

/* ---- planes ---- */
static double linear(int var, double t, double z, double y, double x) {
  const double a = 1e-3 * (x - x_min) - 2e-3 * (y - y_min) + 4e-3 * z + 2e-3 * t;
  return var == 2 ? 300 + a : var == 3 ? 1e-3 * z : (var == 0 ? 3 + a : -2 - 2 * a);
}

static void check_plane(const WbGrid *g, const WbPlanes *p, int s, double t) {
  const WbPlane *a = &p->side[s];
  const int n = s < 2 ? g->nyl : g->nxl, w = WB_LES_GHOST;
  if (!a->u) return;
  for (int k = 0; k < NZ; k++)
    for (int m = 0; m < n; m++) {
      const size_t q = (size_t)k * (size_t)(n + 2 * w) + (size_t)(m + w);
      const double z = zf[k] + 0.5 * DX, edge = s % 2 ? (s < 2 ? NX : NY) * DX : 0;
      const double centre = ((s < 2 ? g->y0 : g->x0) + m + 0.5) * DX, face = centre - 0.5 * DX;
      const double x = x_min + (s < 2 ? edge : centre), y = y_min + (s < 2 ? centre : edge);
      const double xf = x_min + (s < 2 ? edge : face), yf = y_min + (s < 2 ? face : edge);
      WB_ASSERT_NEAR(s < 2 ? a->u[q] : a->v[q], linear(s < 2 ? 0 : 1, t, z, y, x), 2e-6);
      WB_ASSERT_NEAR(s < 2 ? a->v[q] : a->u[q], linear(s < 2 ? 1 : 0, t, z, yf, xf), 2e-6);
      WB_ASSERT_NEAR(a->w[q], linear(3, t, zf[k], y, x), 2e-6);
      WB_ASSERT_NEAR((double)a->theta[q] + p->theta_reference_K, linear(2, t, z, y, x), 4e-5);
    }
}

static void test_planes(void **state) {
  (void)state;
  File f = good;
  f.value = linear;
  f.fields = true;
  f.units = "s";
  write_file(&f);
  const WbLesOptions o = options_make();
  const WbInflowDomain d = domain(0, 400);
  WbInflow in = NULL;
  WbPlanes *p = NULL;
  WbGrid *g = NULL;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, NX, NY, NZ, 1, 0, 0, false, false, &g));
  g->dx_m = DX, g->x_min_m = x_min, g->y_min_m = y_min;
  WB_OK(wb_inflow_nested(PETSC_COMM_WORLD, path, &d, &o, 100, &in));
  WB_OK(wb_inflow_bind(in, g, WB_LES_GHOST, zf, &p));
  const double times[] = {0, 33.3, 200, 399.5, 50, 400}; /* also back */
  for (size_t n = 0; n < sizeof times / sizeof *times; n++) {
    WB_OK(wb_inflow_at(in, times[n], p));
    for (int s = 0; s < 4; s++) check_plane(g, p, s, times[n]);
  }
  assert_int_equal(wb_inflow_at(in, 410, p), WB_ERR_INPUT);
  wb_error_clear();
  wb_inflow_unbind(&p);
  wb_inflow_destroy(&in);
  wb_grid_destroy(&g);
}

/* ---- turbulence of the energy that the file gives ---- */
static double gusty(int var, double t, double z, double y, double x) {
  (void)t, (void)z, (void)y, (void)x;
  return var == 0 ? 6 : var == 2 ? 300 : var == 4 ? 0.8 : 0;
}

static void test_tke(void **state) {
  (void)state;
  enum { RECORDS = 3200, K = 3 };
  File f = good;
  f.value = gusty;
  f.tke = true;
  f.t_last = 1e5;
  write_file(&f);
  WbLesOptions o = options_make();
  const WbInflowDomain d = domain(0, 1e5);
  WbInflow in = NULL;
  double mean = 0, square[3] = {0, 0, 0};
  WB_OK(wb_inflow_nested(PETSC_COMM_WORLD, path, &d, &o, 100, &in));
  for (int n = 0; n < RECORDS; n++) {
    WB_OK(wb_inflow_evaluate(in, n * in->interval_s));
    for (int m = 0; m < NY; m++)
      for (int c = 0; c < 3; c++) {
        const double q = (double)in->now[(wb_inflow_plane(in, (WbInflowPlane)c, false) * NZ + K) * NY + (size_t)m] -
                         (c == 0 ? 6 : 0);
        mean += c == 0 ? q / NY / RECORDS : 0;
        square[c] += q * q / NY / RECORDS;
      }
  }
  print_message("mean %.3f, variances %.3f %.3f %.3f\n", mean, square[0], square[1], square[2]);
  WB_ASSERT_NEAR(mean, 0, 0.06);
  WB_ASSERT_NEAR(0.5 * (square[0] + square[1] + square[2]), 0.8, 0.08);
  WB_ASSERT_NEAR(square[0] / square[2], 2.4 * 2.4 / 1.25 / 1.25, 0.6);
  wb_inflow_destroy(&in);
}

/* ---- runs ---- */
typedef struct {
  WbGrid *grid;
  WbInflow in;
  WbLes les;
} Run;

static void run_make(Run *r, const WbLesOptions *o, double t_last) {
  const WbInflowDomain d = domain(-40, t_last);
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, NX, NY, NZ, 1, 0, 0, false, false, &r->grid));
  r->grid->dx_m = DX, r->grid->x_min_m = x_min, r->grid->y_min_m = y_min;
  WB_OK(wb_inflow_nested(PETSC_COMM_WORLD, path, &d, o, 100, &r->in));
  WB_OK(wb_les_create(r->grid, zf, NULL, NULL, r->in, o, &r->les));
  WB_OK(wb_les_init(r->les, -40));
}
static void run_free(Run *r) {
  wb_les_destroy(&r->les);
  wb_inflow_destroy(&r->in);
  wb_grid_destroy(&r->grid);
}

/* Mean over the domain of u and v. */
static void mean_wind(const Run *r, double mean[2]) {
  const size_t n = wb_grid_owned(r->grid);
  float *f[2];
  for (int c = 0; c < 2; c++) f[c] = malloc(n * sizeof(float));
  WB_OK(wb_les_instant(r->les, NULL, f[0], f[1], NULL));
  for (int c = 0; c < 2; c++) {
    mean[c] = 0;
    for (size_t q = 0; q < n; q++) mean[c] += (double)f[c][q] / (NX * NY * NZ);
    free(f[c]);
  }
  MPI_Allreduce(MPI_IN_PLACE, mean, 2, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
}

/* Largest distance of the wind at centres from (u, v, 0). */
static double distance(const Run *r, double u, double v) {
  const size_t n = wb_grid_owned(r->grid);
  float *f[3];
  double worst = 0;
  for (int c = 0; c < 3; c++) f[c] = malloc(n * sizeof(float));
  WB_OK(wb_les_instant(r->les, NULL, f[0], f[1], f[2]));
  for (size_t q = 0; q < n; q++) {
    const double d = fabs((double)f[0][q] - u) + fabs((double)f[1][q] - v) + fabs((double)f[2][q]);
    if (!(d <= worst)) worst = d;
  }
  for (int c = 0; c < 3; c++) free(f[c]);
  MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD);
  return worst;
}

static double uniform(int var, double t, double z, double y, double x) {
  (void)t, (void)z, (void)y, (void)x;
  return var == 0 ? 3 : var == 1 ? -1.5 : var == 2 ? 300 : 0;
}

static void test_uniform(void **state) {
  (void)state;
  File f = good;
  f.value = uniform;
  f.z_first = 5;
  f.without = "w";
  write_file(&f);
  for (int fifth = 0; fifth < 2; fifth++) {
    WbLesOptions o = options_make();
    Run r;
    if (fifth) o.advection = WB_ADVECTION_UPWIND5;
    run_make(&r, &o, 400);
    WB_OK(wb_les_advance(r.les, 40, NULL, NULL));
    WB_ASSERT_BELOW(distance(&r, 3, -1.5), 1e-5);
    run_free(&r);
  }
}

/* From the west to the south within the file's first half. */
static double turning(int var, double t, double z, double y, double x) {
  (void)z, (void)y, (void)x;
  const double part = fmin(1, t / 200);
  return var == 0 ? 4 * (1 - part) : var == 1 ? 4 * part : var == 2 ? 300 : 0;
}

static void test_turning(void **state) {
  (void)state;
  File f = good;
  f.value = turning;
  f.z_first = 5;
  write_file(&f);
  const WbLesOptions o = options_make();
  Run r;
  run_make(&r, &o, 400);
  WB_ASSERT_BELOW(distance(&r, 4, 0), 1e-5); /* held before the first time */
  WB_OK(wb_les_advance(r.les, -2, NULL, NULL));
  WB_ASSERT_BELOW(distance(&r, 4, 0), 1e-5);
  WB_OK(wb_les_advance(r.les, 100, NULL, NULL));
  double middle[2], end[2];
  mean_wind(&r, middle);
  WB_OK(wb_les_advance(r.les, 400, NULL, NULL));
  mean_wind(&r, end);
  const double worst = distance(&r, 0, 4);
  print_message("mean wind while it turns %.3f %.3f (edges 2 2), at the end %.4f %.4f (edges 0 4), worst %.3f m/s\n",
                middle[0], middle[1], end[0], end[1], worst);
  for (int c = 0; c < 2; c++) WB_ASSERT_NEAR(middle[c], 2, 1);
  WB_ASSERT_NEAR(end[0], 0, 0.08);
  WB_ASSERT_NEAR(end[1], 4, 0.08);
  WB_ASSERT_BELOW(worst, 0.5);
  run_free(&r);
}

/* ---- files that do not fit ---- */
static double with_hole(int var, double t, double z, double y, double x) {
  return var == 1 && t > 300 ? NAN : uniform(var, t, z, y, x);
}
static double in_celsius(int var, double t, double z, double y, double x) {
  return uniform(var, t, z, y, x) - (var == 2 ? 273.15 : 0);
}

static void refused(const File *f, const char *because) {
  const WbLesOptions o = options_make();
  const WbInflowDomain d = domain(-40, 400);
  WbInflow in = NULL;
  if (f) write_file(f);
  assert_int_equal(wb_inflow_nested(PETSC_COMM_WORLD, path, &d, &o, 100, &in), WB_ERR_INPUT);
  assert_null(in);
  print_message("%s\n", wb_error_message());
  assert_non_null(strstr(wb_error_message(), because));
  assert_non_null(strstr(wb_error_message(), path));
  wb_error_clear();
}

static void test_refused(void **state) {
  (void)state;
  File plain = good, f;
  plain.value = uniform;
  f = plain, f.without = "theta";
  refused(&f, "without variable 'theta'");
  f = plain, f.t_last = 380;
  refused(&f, "end at t = 380 s; the run needs them to 400 s");
  f = plain, f.swapped_times = true;
  refused(&f, "time has 400 s after 401 s");
  f = plain, f.value = with_hole;
  refused(&f, "v is missing or not finite in 5 cells, first at minute 3 (400 s), z = 10 m");
  f = plain, f.value = in_celsius;
  refused(&f, "theta is 26.85 K at minute 1 (0 s), z = 10 m");
  f = plain, f.z_last = 120;
  refused(&f, "the run needs them from at most 100 m to 150 m");
  f = plain, f.z_first = 110;
  refused(&f, "heights z reach from 110 m");
  f = plain, f.fields = true, f.x_last -= 1;
  refused(&f, "x reaches from 1000 m to 1319 m; the run's domain from 1000 m to 1320 m");
  f = plain, f.units = "furlongs";
  refused(&f, "time is in 'furlongs'");
  MPI_Barrier(PETSC_COMM_WORLD);
  unlink(path);
  MPI_Barrier(PETSC_COMM_WORLD);
  refused(NULL, path);
}

WB_TEST_MAIN(cmocka_unit_test(test_planes), cmocka_unit_test(test_tke), cmocka_unit_test(test_uniform),
             cmocka_unit_test(test_turning), cmocka_unit_test(test_refused))
