/* The same LES of a small city on 1, 2 and 4 ranks: 50 steps in fp64 agree to 1e-9 relative with a serial run on
 * MPI_COMM_SELF, made by rank 0 in the same program. And fp32 stays close to fp64. */
#include "../../verify/les/les_test.h"

enum { NX = 24, NY = 20, NZ = 10, FIELDS = 7 };

static bool city(int k, int j, int i) {
  const unsigned h = ((unsigned)(i / 3) * 2654435761U) ^ ((unsigned)(j / 3) * 40503U * 65537U);
  return k < (int)((h >> 7) % 5U) && (h >> 13) % 2U;
}

/* Physics beyond the defaults, as many at once as go together. */
static void rich_physics(WbLesOptions *o) {
  o->forcing.coriolis = true;
  o->forcing.latitude_deg = 50.0;
  o->forcing.n_wind = 2;
  o->forcing.wind_time_s[1] = 60.0;
  for (int n = 0; n < 2; n++) {
    o->forcing.wind_speed_m_per_s[n] = 5.0 + n;
    o->forcing.wind_direction_deg[n] = 240.0 + 20.0 * n;
  }
  o->forcing.n_tendency = 2;
  o->forcing.tendency_height_m[1] = 80.0;
  o->forcing.tendency_theta_K_per_s[0] = -1e-3;
  o->surface.most = true;
  o->surface.theta_K[WB_FACET_WALL] = 302.0;
  o->surface.theta_rate_K_per_s = 1e-3;
  o->surface.sun = true;
  o->surface.sun_warming_K = 10.0;
}
static void warm_ground(WbLesOptions *o) {
  rich_physics(o);
  o->surface.theta_K[WB_FACET_GROUND] = 301.0;
}
static void more_scalars(WbLesOptions *o) {
  o->closure = WB_CLOSURE_DEARDORFF;
  o->advection = WB_ADVECTION_UPWIND5;
  o->surface.most = true;
  o->tracers.n = o->tracers.n_sources = 2;
  o->tracers.source[0] = (WbLesSource){0, 121.0, 99.0, 30.0, 60.0, 50.0, 25.0, 1.0, 0.0, 1e9};
  o->tracers.source[1] = (WbLesSource){1, 35.0, 155.0, 55.0, 0.0, 0.0, 0.0, 1.0, 2.0, 5.0};
}
static void flat_ground(WbLesOptions *o) {
  o->surface.most = true;
  o->ground_viscosity = true;
}
typedef void (*Physics)(WbLesOptions *o);

static LesBox city_box(MPI_Comm comm, WbPrecision precision, Physics physics) {
  LesBox b = {0};
  WbLesOptions o;
  wb_les_options_default(&o);
  o.precision = precision;
  o.drive_mean_wind = true;
  o.wind_height_m = 50.0;
  o.wind_direction_deg = 240.0;
  o.heat_flux_K_m_per_s = 0.05;
  o.mixed_height_m = 50.0;
  o.sponge_height_m = 80.0;
  o.tol_final = precision == WB_FP64 ? 1e-12 : 1e-5;
  o.tol_stage = precision == WB_FP64 ? 1e-12 : 1e-4;
  o.max_iterations = 500;
  if (physics) physics(&o);
  double *zf = les_test_faces(NZ, 10.0, 1.0);
  WB_OK(wb_grid_create(comm, NX, NY, NZ, 1, 0, 0, true, true, &b.grid));
  b.grid->dx_m = 10.0;
  uint8_t *mask = calloc(wb_grid_owned(b.grid), 1);
  for (int k = 0, n = 0; k < NZ; k++)
    for (int j = 0; j < b.grid->nyl; j++)
      for (int i = 0; i < b.grid->nxl; i++) mask[n++] = !o.ground_viscosity && city(k, b.grid->y0 + j, b.grid->x0 + i);
  WB_OK(wb_les_create(b.grid, zf, mask, NULL, NULL, &o, &b.les));
  free(mask);
  free(zf);
  WB_OK(wb_les_init(b.les, 0.0));
  return b;
}

/* All fields of owned cells into global (field, k, j, i) on every rank. */
static void gather(WbLes les, double *all) {
  const WbGrid *g = les->grid;
  for (int n = 0; n < FIELDS * NZ * NY * NX; n++) all[n] = 0.0;
  for (int f = 0; f < les->nf; f++)
    for (int k = 0; k < NZ; k++)
      for (int j = 0; j < g->nyl; j++)
        for (int i = 0; i < g->nxl; i++)
          all[((f * NZ + k) * NY + g->y0 + j) * NX + g->x0 + i] = les_test_get(les, f, k, j, i);
  MPI_Allreduce(MPI_IN_PLACE, all, FIELDS * NZ * NY * NX, MPI_DOUBLE, MPI_SUM, g->comm);
}

static double difference(const double *a, const double *b) {
  double worst = 0.0;
  for (int f = 0; f < FIELDS; f++) {
    double size = 1e-30, diff = 0.0;
    for (int n = f * NZ * NY * NX; n < (f + 1) * NZ * NY * NX; n++) {
      size = fmax(size, fabs(b[n]));
      if (!(fabs(a[n] - b[n]) <= diff)) diff = fabs(a[n] - b[n]);
    }
    if (!(diff / size <= worst)) worst = diff / size;
  }
  return worst;
}

static double serial[FIELDS * NZ * NY * NX], parallel[FIELDS * NZ * NY * NX];

static void run(MPI_Comm comm, WbPrecision precision, Physics physics, int steps, double *out) {
  LesBox b = city_box(comm, precision, physics);
  for (int s = 0; s < steps; s++) WB_OK(wb_les_step(b.les, 0.7));
  gather(b.les, out);
  les_test_free(&b);
}

static void agree(Physics physics, int steps) {
  run(PETSC_COMM_SELF, WB_FP64, physics, steps, serial);
  run(PETSC_COMM_WORLD, WB_FP64, physics, steps, parallel);
  const double d = difference(parallel, serial);
  print_message("relative difference from serial after %d steps: %.3e\n", steps, d);
  WB_ASSERT_BELOW(d, 1e-9);
}
static void ranks_agree(void **state) {
  agree(NULL, 50);
}
static void ranks_agree_rich(void **state) {
  agree(rich_physics, 20);
  agree(warm_ground, 20);
  agree(more_scalars, 20);
  agree(flat_ground, 20);
}

static void precisions_agree(void **state) {
  run(PETSC_COMM_WORLD, WB_FP64, NULL, 20, serial);
  run(PETSC_COMM_WORLD, WB_FP32, NULL, 20, parallel);
  const double d = difference(parallel, serial);
  print_message("relative difference of fp32 after 20 steps: %.3e\n", d);
  WB_ASSERT_BELOW(d, 5e-3);
}

WB_TEST_MAIN(cmocka_unit_test(ranks_agree), cmocka_unit_test(ranks_agree_rich), cmocka_unit_test(precisions_agree))
