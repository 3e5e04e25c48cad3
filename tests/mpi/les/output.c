/* Output while a run advances: profiles against sums made here, ground fluxes, probes, slices and variances of known
 * fields, on any number of ranks; a run that is resumed writes the same files bit for bit; the flow is not disturbed.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../verify/les/les_test.h"
#include "most.h"

enum { NX = 12, NY = 10, NZ = 6 };
#define DX 10.0
#define DZ 8.0

static bool built(int k, int j, int i) {
  return k < 2 && j >= 4 && j < 6 && i >= 5 && i < 8;
}

static WbLesOptions options(void) {
  WbLesOptions o;
  wb_les_options_default(&o);
  o.precision = WB_FP64;
  o.tol_final = o.tol_stage = 1e-10;
  o.wind_height_m = 30.0;
  o.wind_direction_deg = 250.0;
  o.heat_flux_K_m_per_s = 0.1;
  o.mixed_height_m = 20.0;
  o.lapse_K_per_m = 0.01;
  o.sponge_height_m = 1e9;
  o.z0_wall_m = 0.02;
  o.theta_variance = true;
  o.tracers.n = o.tracers.n_sources = 1;
  snprintf(o.tracers.name[0], WB_LES_NAME_MAX, "smoke");
  o.tracers.source[0] = (WbLesSource){0, 35.0, 25.0, 10.0, 20.0, 20.0, 10.0, 1.0, -1e9, 1e9};
  return o;
}

static LesBox box(MPI_Comm comm, const WbLesOptions *o) {
  LesBox b = {0};
  double *zf = les_test_faces(NZ, DZ, 1.0);
  WB_OK(wb_grid_create(comm, NX, NY, NZ, 1, 0, 0, true, true, &b.grid));
  b.grid->dx_m = DX;
  uint8_t *mask = calloc(wb_grid_owned(b.grid), 1);
  for (int k = 0, n = 0; k < NZ; k++)
    for (int j = 0; j < b.grid->nyl; j++)
      for (int i = 0; i < b.grid->nxl; i++) mask[n++] = built(k, b.grid->y0 + j, b.grid->x0 + i);
  WB_OK(wb_les_create(b.grid, zf, mask, NULL, NULL, o, &b.les));
  free(mask);
  free(zf);
  return b;
}

static void folder(char path[128], const char *name) {
  int size;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  snprintf(path, 128, "/tmp/wb_test_output_%s_%d", name, size);
  mkdir(path, 0777);
  MPI_Barrier(PETSC_COMM_WORLD);
}

/* One value of a file; the file last read stays open. */
static WbNc kept;
static char kept_path[256];
static double get(const char *dir, const char *file, const char *var, const int *start) {
  char path[256];
  double v = NAN;
  const int count[4] = {1, 1, 1, 1};
  snprintf(path, sizeof path, "%s/%s", dir, file);
  if (strcmp(path, kept_path) != 0) {
    if (kept) WB_OK(wb_nc_close(&kept));
    WB_OK(wb_nc_open(PETSC_COMM_SELF, path, &kept));
    snprintf(kept_path, sizeof kept_path, "%s", path);
  }
  WB_OK(wb_nc_get(kept, "/", var, start, count, WB_NC_DOUBLE, &v));
  return v;
}

static void forget(const char *dir) {
  static const char *const files[] = {"profiles.nc", "probes.csv", "slices.nc", "ck", "ck.prev"};
  char path[256];
  if (kept) WB_OK(wb_nc_close(&kept));
  kept_path[0] = '\0';
  MPI_Barrier(PETSC_COMM_WORLD);
  for (size_t n = 0; n < sizeof files / sizeof files[0]; n++) {
    snprintf(path, sizeof path, "%s/%s", dir, files[n]);
    unlink(path);
  }
  rmdir(dir);
}

static WbLesOutputOptions everything(const char *dir) {
  WbLesOutputOptions o = {.dir = dir,
                          .t_end_s = 12.0,
                          .profile_interval_s = 4.0,
                          .probe_interval_s = 0.0,
                          .slice_interval_s = 3.0,
                          .n_probes = 2,
                          .n_slices = {1, 1, 2}};
  const double probe[2][3] = {{31.0, 72.0, 9.0}, {118.0, 5.0, 40.0}};
  memcpy(o.probe_m, probe, sizeof probe);
  o.slice_m[0][0] = 45.0;
  o.slice_m[1][0] = 52.0;
  o.slice_m[2][0] = 1.0;
  o.slice_m[2][1] = 30.0;
  return o;
}

/* ---- profiles of one step's state: sums over the level made from a serial twin of the run ---- */
typedef struct {
  double u, v, t, uu, tt, w, ww, wt, uw, sgs_t, sgs_u, c, cw;
} Level;

static Level level_of(WbLes les, int k) {
  Level s = {0};
  double n = 0.0, m = 0.0, uf = 0.0, tf = 0.0, cf = 0.0;
  const double *nut = les->nut;
  for (int j = 0; j < NY; j++)
    for (int i = 0; i < NX; i++) {
      const size_t at = wb_les_at(&les->lay, k, j, i);
      if (les->solid[at]) continue;
      double u[2], t[2];
      for (int d = 0; d < 2; d++) { /* below, here */
        u[d] = 0.5 * (les_test_get(les, WB_U, k - 1 + d, j, i) + les_test_get(les, WB_U, k - 1 + d, j, i + 1));
        t[d] = les_test_get(les, WB_THETA, k - 1 + d, j, i);
      }
      const double v = 0.5 * (les_test_get(les, WB_V, k, j, i) + les_test_get(les, WB_V, k, j + 1, i));
      n += 1.0;
      s.u += u[1], s.v += v, s.t += t[1], s.uu += u[1] * u[1], s.tt += t[1] * t[1];
      s.c += les_test_get(les, WB_NFIELDS, k, j, i);
      if (k == 0 || les->solid[at - les->lay.sz]) continue;
      const double w = les_test_get(les, WB_W, k, j, i), nu = 0.5 * (nut[at] + nut[at - les->lay.sz]);
      const double wx = (les_test_get(les, WB_W, k, j, i + 1) - les_test_get(les, WB_W, k, j, i - 1)) / (2.0 * DX);
      m += 1.0;
      s.w += w, s.ww += w * w, uf += 0.5 * (u[0] + u[1]), s.uw += 0.5 * (u[0] + u[1]) * w;
      const double tc = les_test_carried(les, WB_THETA, k, j, i), cc = les_test_carried(les, WB_NFIELDS, k, j, i);
      tf += tc, cf += cc, s.wt += tc * w, s.cw += cc * w;
      s.sgs_t -= nu / 0.7 * (t[1] - t[0]) / DZ, s.sgs_u -= nu * ((u[1] - u[0]) / DZ + wx);
    }
  s.u /= n, s.v /= n, s.t /= n, s.c /= n;
  s.uu = s.uu / n - s.u * s.u, s.tt = s.tt / n - s.t * s.t;
  if (m == 0.0) return s;
  s.w /= m, uf /= m, tf /= m, cf /= m, s.sgs_t /= m, s.sgs_u /= m;
  s.ww = s.ww / m - s.w * s.w, s.uw = s.uw / m - uf * s.w, s.wt = s.wt / m - tf * s.w, s.cw = s.cw / m - cf * s.w;
  return s;
}

static void profiles_of_a_step(void **state) {
  char dir[128];
  folder(dir, "step");
  WbLesOptions o = options();
  WbLesOutputOptions w = everything(dir);
  w.profile_interval_s = w.slice_interval_s = 1e-3; /* a record after the first step */
  w.t_end_s = 1e-3;
  LesBox a = box(PETSC_COMM_WORLD, &o), b = box(PETSC_COMM_SELF, &o);
  WB_OK(wb_les_init(a.les, -5.0));
  WB_OK(wb_les_init(b.les, -5.0));
  WB_OK(wb_les_advance(a.les, 0.0, NULL, NULL));
  WB_OK(wb_les_advance(b.les, 0.0, NULL, NULL));
  WbLesOutput out = NULL;
  WB_OK(wb_les_output_create(a.les, &w, &out));
  WB_OK(wb_les_output_open(out, false));
  WB_OK(wb_les_step(a.les, 0.8));
  WB_OK(wb_les_step(b.les, 0.8));
  WB_OK(wb_les_output_destroy(&out));
  assert_null(a.les->output);
  const double tol = 2e-6; /* float in the file; other ranks */
  for (int k = 0; k < NZ; k++) {
    const Level s = level_of(b.les, k);
    const int at[2] = {0, k};
    WB_ASSERT_NEAR(get(dir, "profiles.nc", "u", at), s.u, tol);
    WB_ASSERT_NEAR(get(dir, "profiles.nc", "v", at), s.v, tol);
    WB_ASSERT_NEAR(get(dir, "profiles.nc", "theta", at), 300.0 + s.t, 3e-5);
    WB_ASSERT_NEAR(get(dir, "profiles.nc", "u_var", at), s.uu, tol);
    WB_ASSERT_NEAR(get(dir, "profiles.nc", "theta_var", at), s.tt, tol);
    WB_ASSERT_NEAR(get(dir, "profiles.nc", "smoke", at), s.c, tol);
    WB_ASSERT_NEAR(get(dir, "profiles.nc", "air_fraction", &k), k < 2 ? 1.0 - 6.0 / 120.0 : 1.0, 1e-6);
    if (k == 0) continue;
    WB_ASSERT_NEAR(get(dir, "profiles.nc", "w", at), s.w, tol);
    WB_ASSERT_NEAR(get(dir, "profiles.nc", "w_var", at), s.ww, tol);
    WB_ASSERT_NEAR(get(dir, "profiles.nc", "uw_resolved", at), s.uw, tol);
    WB_ASSERT_NEAR(get(dir, "profiles.nc", "thetaw_resolved", at), s.wt, tol);
    WB_ASSERT_NEAR(get(dir, "profiles.nc", "thetaw_subgrid", at), s.sgs_t, tol);
    WB_ASSERT_NEAR(get(dir, "profiles.nc", "uw_subgrid", at), s.sgs_u, tol);
    WB_ASSERT_NEAR(get(dir, "profiles.nc", "smoke_w_resolved", at), s.cw, tol);
  }
  /* the ground: minus the log law's stress, and the flux that was given */
  double stress = 0.0, n = 0.0;
  for (int j = 0; j < NY; j++)
    for (int i = 0; i < NX; i++) {
      if (built(0, j, i)) continue;
      const double u = 0.5 * (les_test_get(b.les, WB_U, 0, j, i) + les_test_get(b.les, WB_U, 0, j, i + 1));
      const double v = 0.5 * (les_test_get(b.les, WB_V, 0, j, i) + les_test_get(b.les, WB_V, 0, j + 1, i));
      stress -= pow(0.4 / log(0.5 * DZ / 0.1), 2.0) * hypot(u, v) * u;
      n += 1.0;
    }
  const int ground[2] = {0, 0};
  WB_ASSERT_NEAR(get(dir, "profiles.nc", "uw_subgrid", ground), stress / n, tol);
  WB_ASSERT_NEAR(get(dir, "profiles.nc", "thetaw_subgrid", ground), 0.1, 1e-6);
  /* slices: the fields themselves */
  for (int j = 0; j < NY; j++)
    for (int i = 0; i < NX; i++) {
      const int xy[4] = {0, 1, j, i};
      WB_ASSERT_NEAR(get(dir, "slices.nc", "w_xy", xy),
                     0.5 * (les_test_get(b.les, WB_W, 3, j, i) + les_test_get(b.les, WB_W, 4, j, i)), tol);
    }
  for (int k = 0; k < NZ; k++) {
    const int yz[4] = {0, 0, k, 7}, xz[4] = {0, 0, k, 3};
    WB_ASSERT_NEAR(get(dir, "slices.nc", "theta_yz", yz), 300.0 + les_test_get(b.les, WB_THETA, k, 7, 4), 3e-5);
    WB_ASSERT_NEAR(get(dir, "slices.nc", "smoke_xz", xz), les_test_get(b.les, WB_NFIELDS, k, 5, 3), tol);
  }
  const int inside[4] = {0, 0, 5, 6};
  assert_true(isnan(get(dir, "slices.nc", "u_xy", inside))); /* in the building */
  les_test_free(&a);
  les_test_free(&b);
  forget(dir);
}

/* ---- probes: every step, the cell's values ---- */
static void probes(void **state) {
  char dir[128], path[256], line[512];
  folder(dir, "probes");
  WbLesOptions o = options();
  WbLesOutputOptions w = everything(dir);
  LesBox a = box(PETSC_COMM_WORLD, &o), b = box(PETSC_COMM_SELF, &o);
  WB_OK(wb_les_init(a.les, 0.0));
  WB_OK(wb_les_init(b.les, 0.0));
  WbLesOutput out = NULL;
  WB_OK(wb_les_output_create(a.les, &w, &out));
  WB_OK(wb_les_output_open(out, false));
  double expected[3][2][5];
  for (int s = 0; s < 3; s++) {
    WB_OK(wb_les_step(a.les, 0.5));
    WB_OK(wb_les_step(b.les, 0.5));
    for (int p = 0; p < 2; p++) {
      const int k = p ? 5 : 1, j = p ? 0 : 7, i = p ? 11 : 3;
      double *e = expected[s][p];
      e[0] = 0.5 * (les_test_get(b.les, WB_U, k, j, i) + les_test_get(b.les, WB_U, k, j, i + 1));
      e[1] = 0.5 * (les_test_get(b.les, WB_V, k, j, i) + les_test_get(b.les, WB_V, k, j + 1, i));
      e[2] = 0.5 * (les_test_get(b.les, WB_W, k, j, i) + (k + 1 < NZ ? les_test_get(b.les, WB_W, k + 1, j, i) : 0.0));
      e[3] = 300.0 + les_test_get(b.les, WB_THETA, k, j, i);
      e[4] = les_test_get(b.les, WB_NFIELDS, k, j, i);
    }
  }
  WB_OK(wb_les_output_destroy(&out));
  snprintf(path, sizeof path, "%s/probes.csv", dir);
  FILE *f = fopen(path, "r");
  assert_non_null(f);
  assert_non_null(fgets(line, sizeof line, f));
  assert_string_equal(line, "time_s,probe,x_m,y_m,z_m,u_m_per_s,v_m_per_s,w_m_per_s,theta_K,smoke_kg_per_m3\n");
  for (int s = 0; s < 3; s++)
    for (int p = 0; p < 2; p++) {
      double t, x[3], v[5];
      int number;
      assert_non_null(fgets(line, sizeof line, f));
      assert_int_equal(sscanf(line, "%lf,%d,%lf,%lf,%lf,%lf,%lf,%lf,%lf,%lf", &t, &number, &x[0], &x[1], &x[2], &v[0],
                              &v[1], &v[2], &v[3], &v[4]),
                       10);
      WB_ASSERT_NEAR(t, 0.5 * (s + 1), 1e-6);
      assert_int_equal(number, p + 1);
      WB_ASSERT_NEAR(x[1], w.probe_m[p][1], 1e-9);
      for (int c = 0; c < 5; c++) WB_ASSERT_NEAR(v[c], expected[s][p][c], 1e-6 * fabs(expected[s][p][c]) + 1e-8);
    }
  assert_null(fgets(line, sizeof line, f));
  fclose(f);
  les_test_free(&a);
  les_test_free(&b);
  forget(dir);
}

/* ---- the schedule: records at their times, over the intervals between them; the flow does not notice ---- */
static void schedule(void **state) {
  char dir[128];
  folder(dir, "schedule");
  WbLesOptions o = options();
  WbLesOutputOptions w = everything(dir);
  LesBox a = box(PETSC_COMM_WORLD, &o), b = box(PETSC_COMM_WORLD, &o);
  WB_OK(wb_les_init(a.les, -3.0));
  WB_OK(wb_les_init(b.les, -3.0));
  WbLesOutput out = NULL;
  WB_OK(wb_les_output_create(a.les, &w, &out));
  WB_OK(wb_les_output_open(out, false));
  for (int n = 0; n <= 2; n++) {
    WB_OK(wb_les_advance(a.les, 6.0 * n, NULL, NULL));
    WB_OK(wb_les_advance(b.les, 6.0 * n, NULL, NULL));
  }
  assert_memory_equal(a.les->state, b.les->state, (size_t)a.les->nf * a.les->lay.field * sizeof(double));
  WB_OK(wb_les_output_destroy(&out));
  double last = 0.0;
  for (int n = 0; n < 3; n++) {
    const int begin[2] = {n, 0}, end[2] = {n, 1};
    WB_ASSERT_NEAR(get(dir, "profiles.nc", "time_bnds", begin), last, 1e-9);
    last = get(dir, "profiles.nc", "time_bnds", end);
    WB_ASSERT_NEAR(get(dir, "profiles.nc", "time", &n), last, 1e-9);
    assert_true(last >= 4.0 * (n + 1) - 1e-6 && last < 4.0 * (n + 1) + 2.0);
  }
  for (int n = 0; n < 4; n++) {
    const double t = get(dir, "slices.nc", "time", &n);
    assert_true(t >= 3.0 * (n + 1) - 1e-6 && t < 3.0 * (n + 1) + 2.0);
  }
  les_test_free(&a);
  les_test_free(&b);
  forget(dir);
}

/* ---- variance of a signal that is known ---- */
static void variances(void **state) {
  WbLesOptions o = options();
  LesBox b = box(PETSC_COMM_WORLD, &o);
  WB_OK(wb_les_init(b.les, 0.0));
  const size_t n = wb_grid_owned(b.grid), field = b.les->lay.field;
  double *q = b.les->state;
  for (int s = 0; s < 4; s++) { /* v: 1 and -1 by turns; theta': 2 for a quarter of the time, else 0 */
    for (size_t p = 0; p < field; p++) q[field + p] = s % 2 ? 1.0 : -1.0, q[3 * field + p] = s == 0 ? 2.0 : 0.0;
    b.les->ops->accumulate(b.les, 0.5);
  }
  float *theta = malloc(n * sizeof(float)), *v = malloc(n * sizeof(float));
  WB_OK(wb_les_variance(b.les, theta, NULL, v, NULL));
  size_t c = 0;
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < b.grid->nyl; j++)
      for (int i = 0; i < b.grid->nxl; i++, c++) {
        if (built(k, b.grid->y0 + j, b.grid->x0 + i)) {
          assert_true(isnan(theta[c]) && isnan(v[c]));
        } else {
          WB_ASSERT_NEAR(v[c], 1.0, 1e-6);
          WB_ASSERT_NEAR(theta[c], 0.75, 1e-6);
        }
      }
  free(theta);
  free(v);
  les_test_free(&b);
  o.theta_variance = false;
  b = box(PETSC_COMM_WORLD, &o);
  WB_OK(wb_les_init(b.les, 0.0));
  b.les->ops->accumulate(b.les, 1.0);
  float one;
  assert_int_not_equal(wb_les_variance(b.les, &one, NULL, NULL, NULL), 0);
  wb_error_clear();
  les_test_free(&b);
}

/* ---- restart ---- */
static void compare(const char *one, const char *other, const char *file, bool same_bytes) {
  char path[2][256];
  int rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  snprintf(path[0], 256, "%s/%s", one, file);
  snprintf(path[1], 256, "%s/%s", other, file);
  if (rank != 0) return;
  if (same_bytes) {
    FILE *f[2] = {fopen(path[0], "r"), fopen(path[1], "r")};
    assert_true(f[0] && f[1]);
    int c[2];
    long at = 0;
    do {
      for (int n = 0; n < 2; n++) c[n] = fgetc(f[n]);
      if (c[0] != c[1]) fail_msg("%s differs at byte %ld", file, at);
      at++;
    } while (c[0] != EOF);
    for (int n = 0; n < 2; n++) fclose(f[n]);
    return;
  }
  static const char *const vars[] = {"u", "theta", "smoke", "uw_resolved", "thetaw_subgrid", "w_var"};
  for (size_t v = 0; v < sizeof vars / sizeof vars[0]; v++)
    for (int t = 0; t < 3; t++)
      for (int k = 0; k < NZ; k++) {
        const int at[2] = {t, k};
        const double a = get(one, file, vars[v], at), b = get(other, file, vars[v], at);
        if (!(a == b)) fail_msg("%s at (%d, %d): %.9g and %.9g", vars[v], t, k, a, b);
      }
}

/* The run is cut in the middle of every interval; what it wrote after its checkpoint is written again. */
static void resumed(void **state) {
  char whole[128], cut[128], ck_path[256];
  folder(whole, "whole");
  folder(cut, "cut");
  snprintf(ck_path, sizeof ck_path, "%s/ck", cut);
  WbLesOptions o = options();
  WbLesOutputOptions w = everything(whole);
  LesBox a = box(PETSC_COMM_WORLD, &o), b = box(PETSC_COMM_WORLD, &o), c = box(PETSC_COMM_WORLD, &o);
  WbLesOutput out = NULL;
  WbCheckpoint ck = NULL;
  WB_OK(wb_les_init(a.les, 0.0));
  WB_OK(wb_les_output_create(a.les, &w, &out));
  WB_OK(wb_les_output_open(out, false));
  for (int s = 0; s < 24; s++) WB_OK(wb_les_step(a.les, 0.5));
  WB_OK(wb_les_output_destroy(&out));
  w.dir = cut;
  WB_OK(wb_les_init(b.les, 0.0));
  WB_OK(wb_les_output_create(b.les, &w, &out));
  WB_OK(wb_les_output_open(out, false));
  for (int s = 0; s < 11; s++) WB_OK(wb_les_step(b.les, 0.5));
  WB_OK(wb_checkpoint_create(PETSC_COMM_WORLD, ck_path, &ck));
  WB_OK(wb_les_save(b.les, ck, "run"));
  WB_OK(wb_checkpoint_close(&ck));
  for (int s = 0; s < 6; s++) WB_OK(wb_les_step(b.les, 0.5));
  WB_OK(wb_les_output_destroy(&out));
  WB_OK(wb_les_output_create(c.les, &w, &out));
  WB_OK(wb_checkpoint_open(PETSC_COMM_WORLD, ck_path, &ck));
  WB_OK(wb_les_load(c.les, ck, "run"));
  WB_OK(wb_checkpoint_close(&ck));
  WB_OK(wb_les_output_open(out, true));
  for (int s = 0; s < 13; s++) WB_OK(wb_les_step(c.les, 0.5));
  WB_OK(wb_les_output_destroy(&out));
  MPI_Barrier(PETSC_COMM_WORLD);
  compare(whole, cut, "probes.csv", true);
  compare(whole, cut, "profiles.nc", false);
  for (int n = 0; n < 4; n++)
    for (int k = 0; k < NZ; k++) {
      const int at[4] = {n, 0, k, 2};
      assert_true(get(whole, "slices.nc", "v_yz", at) == get(cut, "slices.nc", "v_yz", at));
    }
  les_test_free(&a);
  les_test_free(&b);
  les_test_free(&c);
  MPI_Barrier(PETSC_COMM_WORLD);
  forget(whole);
  forget(cut);
}

static void refused(void **state) {
  WbLesOptions o = options();
  LesBox b = box(PETSC_COMM_WORLD, &o);
  WbLesOutput out = NULL;
  WbLesOutputOptions w = everything("/tmp");
  w.probe_m[1][0] = 62.0, w.probe_m[1][1] = 47.0, w.probe_m[1][2] = 10.0;
  assert_int_equal(wb_les_output_create(b.les, &w, &out), WB_ERR_CONFIG);
  assert_non_null(strstr(wb_error_message(), "probe 2 at x = 62 m, y = 47 m, z = 10 m lies in a building"));
  wb_error_clear();
  w.probe_m[1][2] = 1000.0;
  assert_int_equal(wb_les_output_create(b.les, &w, &out), WB_ERR_CONFIG);
  assert_non_null(strstr(wb_error_message(), "outside the domain"));
  wb_error_clear();
  w = everything("/tmp");
  w.slice_m[1][0] = -3.0;
  assert_int_equal(wb_les_output_create(b.les, &w, &out), WB_ERR_CONFIG);
  assert_non_null(strstr(wb_error_message(), "slice at y = -3 m"));
  wb_error_clear();
  w = everything("/no/such/folder");
  WB_OK(wb_les_output_create(b.les, &w, &out));
  assert_int_equal(wb_les_output_open(out, false), WB_ERR_IO);
  wb_error_clear();
  WB_OK(wb_les_output_destroy(&out));
  les_test_free(&b);
}

WB_TEST_MAIN(cmocka_unit_test(profiles_of_a_step), cmocka_unit_test(probes), cmocka_unit_test(schedule),
             cmocka_unit_test(variances), cmocka_unit_test(resumed), cmocka_unit_test(refused))
