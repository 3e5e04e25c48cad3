/* Shared by the long verification runs: spin-up, then profiles averaged over time. With WB_LONG_SMOKE set a run only
 * does a few steps, to see that it starts, and checks no value. WB_LONG_N: another number of cells where a case says
 * so; WB_LONG_OUT: an existing folder that keeps the profiles (postproc/windbridge_validation.py draws them) and a
 * checkpoint of the spin-up, from which the same command goes on; WB_LONG_PLAIN: without the ground viscosity. */
#ifndef LONG_TEST_H
#define LONG_TEST_H
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "les_test.h"

enum { LONG_NZ = 256 };
typedef struct {
  int nz;
  double z[LONG_NZ], zf[LONG_NZ + 1];
  double u[LONG_NZ], v[LONG_NZ], theta[LONG_NZ], u_var[LONG_NZ], v_var[LONG_NZ];
  double w_var[LONG_NZ + 1], uw[LONG_NZ + 1], vw[LONG_NZ + 1], tw[LONG_NZ + 1]; /* resolved and subgrid */
} LongProfile;

static inline bool long_smoke(void) {
  return getenv("WB_LONG_SMOKE") != NULL;
}

/* Cells along an edge: WB_LONG_N or the case's own number. */
static inline int long_cells(int own) {
  const char *text = getenv("WB_LONG_N");
  const int n = text ? atoi(text) : own;
  assert_in_range(n, 8, LONG_NZ);
  return n;
}

static inline void long_read(WbNc nc, const char *var, int n, double *to) {
  const int start[2] = {0, 0}, count[2] = {1, n};
  WB_OK(wb_nc_get(nc, "/", var, start, count, WB_NC_DOUBLE, to));
}
static inline void long_add(WbNc nc, const char *var, int n, double *to) {
  double more[LONG_NZ + 1];
  long_read(nc, var, n, more);
  for (int k = 0; k < n; k++) to[k] += more[k];
}

/* A line a tenth of the way, so that a long run is seen to live. */
static inline void long_line(WbLes les, const char *what) {
  WbLesSummary s;
  WB_OK(wb_les_summary(les, &s));
  print_message("%s: t = %.5g, %ld steps, dt %.3g, u* %.4f, %.2f M cell-steps/s\n", what, wb_les_time(les), s.steps,
                s.dt_s, s.u_star_m_per_s, s.wall_s > 0 ? 1e-6 * s.cell_steps / s.wall_s : 0.0);
  fflush(stdout);
}

/* From the last checkpoint of an earlier try to t_end, with a checkpoint each tenth. */
static inline void long_spinup(WbLes les, double t_end, const char *name) {
  const char *folder = getenv("WB_LONG_OUT");
  char path[512];
  WbCheckpoint ck = NULL;
  snprintf(path, sizeof path, "%s/%s_spinup.h5", folder ? folder : "", name);
  if (folder && access(path, F_OK) == 0) {
    WB_OK(wb_checkpoint_open(PETSC_COMM_WORLD, path, &ck));
    WB_OK(wb_les_load(les, ck, "les"));
    WB_OK(wb_checkpoint_close(&ck));
    print_message("goes on from %s\n", path);
  }
  for (int part = 1; part <= 10; part++) {
    if (wb_les_time(les) >= t_end * part / 10.0) continue;
    WB_OK(wb_les_advance(les, t_end * part / 10.0, NULL, NULL));
    long_line(les, "spin-up");
    if (!folder) continue;
    WB_OK(wb_checkpoint_create(PETSC_COMM_WORLD, path, &ck));
    WB_OK(wb_les_save(les, ck, "les"));
    WB_OK(wb_checkpoint_close(&ck));
  }
}

static inline void long_average(WbLes les, double t_end) {
  const double t0 = wb_les_time(les);
  for (int part = 1; part <= 10; part++) {
    WB_OK(wb_les_advance(les, t0 + (t_end - t0) * part / 10.0, NULL, NULL));
    long_line(les, "average");
  }
}

/* The file of profiles goes to WB_LONG_OUT as <name>.nc, or away. */
static inline void long_keep(const char *path, const char *name) {
  const char *folder = getenv("WB_LONG_OUT");
  char command[512];
  if (folder) {
    snprintf(command, sizeof command, "cp '%s' '%s/%s.nc'", path, folder, name);
    assert_int_equal(system(command), 0);
  }
  unlink(path);
}

/* Advances to t_begin, then averages to t_end. False in a smoke run: nothing to check. */
static inline bool long_run(WbLes les, const char *name, double t_begin, double t_end, LongProfile *p) {
  if (long_smoke()) {
    for (int s = 0; s < 3; s++) {
      WB_OK(wb_les_step(les, PetscMin(les->opt.dt_max_s, 0.5 / les->last_cfl)));
      assert_true(isfinite(les->last_speed));
    }
    WbLesSummary s;
    WB_OK(wb_les_summary(les, &s));
    t_begin = wb_les_time(les), t_end = t_begin + 3.0 * s.dt_s;
  }
  char dir[] = "/tmp/wb_long_XXXXXX", path[64];
  assert_non_null(mkdtemp(dir));
  if (!long_smoke()) long_spinup(les, t_begin, name);
  const WbLesOutputOptions o = {.dir = dir,
                                .t_begin_s = t_begin,
                                .t_end_s = t_end,
                                .profile_interval_s = t_end - t_begin,
                                .slice_interval_s = -1.0};
  WbLesOutput out = NULL;
  WB_OK(wb_les_output_create(les, &o, &out));
  WB_OK(wb_les_output_open(out, false));
  if (long_smoke())
    WB_OK(wb_les_advance(les, t_end, NULL, NULL));
  else
    long_average(les, t_end);
  WB_OK(wb_les_output_destroy(&out));
  snprintf(path, sizeof path, "%s/profiles.nc", dir);
  WbNc nc = NULL;
  WB_OK(wb_nc_open(PETSC_COMM_SELF, path, &nc));
  const int n = les->lay.nz;
  assert_true(n <= LONG_NZ);
  memset(p, 0, sizeof *p);
  p->nz = n;
  for (int k = 0; k <= n; k++) p->zf[k] = les->met.zf[k];
  for (int k = 0; k < n; k++) p->z[k] = les->met.zc[k + 1];
  long_read(nc, "u", n, p->u);
  long_read(nc, "v", n, p->v);
  long_read(nc, "theta", n, p->theta);
  long_read(nc, "u_var", n, p->u_var);
  long_read(nc, "v_var", n, p->v_var);
  long_read(nc, "w_var", n + 1, p->w_var);
  long_add(nc, "uw_resolved", n + 1, p->uw);
  long_add(nc, "uw_subgrid", n + 1, p->uw);
  long_add(nc, "vw_resolved", n + 1, p->vw);
  long_add(nc, "vw_subgrid", n + 1, p->vw);
  long_add(nc, "thetaw_resolved", n + 1, p->tw);
  long_add(nc, "thetaw_subgrid", n + 1, p->tw);
  WB_OK(wb_nc_close(&nc));
  long_keep(path, name);
  rmdir(dir);
  if (long_smoke()) print_message("smoke run: no value is checked\n");
  return !long_smoke();
}

/* Value at z among points; linear, constant beyond. */
static inline double long_at(int n, const double *z, const double *value, double at) {
  if (at <= z[0]) return value[0];
  for (int k = 0; k + 1 < n; k++)
    if (at <= z[k + 1]) return value[k] + (at - z[k]) / (z[k + 1] - z[k]) * (value[k + 1] - value[k]);
  return value[n - 1];
}
#endif
