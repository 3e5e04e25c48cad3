/* Shared by the LES tests: boxes, options of verification cases, norms. Sees the inside of the module. */
#ifndef LES_TEST_H
#define LES_TEST_H
#include "wb_test.h"
#include "les_internal.h"

/* Everything off: no closure, free-slip walls, no theta, no driving; fp64 with tight projections. */
static inline WbLesOptions les_test_options(void) {
  WbLesOptions o;
  wb_les_options_default(&o);
  o.precision = WB_FP64;
  o.closure = WB_CLOSURE_NONE;
  o.wall = WB_WALL_FREE_SLIP;
  o.upwind_fraction = 0.0;
  o.momentum_only = true;
  o.wind_speed_m_per_s = 1.0;
  o.tol_final = 1e-11;
  o.tol_stage = 1e-11;
  o.sponge_height_m = 1e9;
  o.max_iterations = 500;
  o.dt_max_s = 1e9;
  return o;
}

typedef struct {
  WbGrid *grid;
  WbLes les;
} LesBox;

static inline double *les_test_faces(int nz, double dz, double stretch) {
  double *zf = malloc(sizeof(double) * (size_t)(nz + 1));
  zf[0] = 0.0;
  for (int k = 0; k < nz; k++) {
    zf[k + 1] = zf[k] + dz;
    dz *= stretch;
  }
  return zf;
}

/* Serial or parallel box; solid NULL or global function of (k, j, i). */
typedef bool (*LesSolidFn)(int k, int j, int i);
static inline LesBox les_test_box(int nx, int ny, int nz, double dx, const double *zf, bool periodic, LesSolidFn solid,
                                  const WbLesOptions *o) {
  LesBox b = {0};
  uint8_t *mask = NULL;
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, nx, ny, nz, 1, 0, 0, periodic, periodic, &b.grid));
  b.grid->dx_m = dx;
  if (solid) {
    mask = calloc(wb_grid_owned(b.grid), 1);
    for (int k = 0, n = 0; k < nz; k++)
      for (int j = 0; j < b.grid->nyl; j++)
        for (int i = 0; i < b.grid->nxl; i++) mask[n++] = solid(k, b.grid->y0 + j, b.grid->x0 + i);
  }
  WB_OK(wb_les_create(b.grid, zf, mask, NULL, NULL, o, &b.les));
  free(mask);
  return b;
}

static inline void les_test_free(LesBox *b) {
  wb_les_destroy(&b->les);
  wb_grid_destroy(&b->grid);
}

/* Value of field f at owned (k, j, i) in double. */
static inline double les_test_get(WbLes les, int f, int k, int j, int i) {
  const size_t at = (size_t)f * les->lay.field + wb_les_at(&les->lay, k, j, i);
  return les->opt.precision == WB_FP32 ? (double)((float *)les->state)[at] : ((double *)les->state)[at];
}

static inline double les_test_sum(double local) {
  double global = 0.0;
  MPI_Allreduce(&local, &global, 1, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  return global;
}
static inline double les_test_max(double local) {
  double global = 0.0;
  MPI_Allreduce(&local, &global, 1, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD);
  return global;
}

/* Kinetic energy of the staggered cells [m5 s-2]. */
static inline double les_test_energy(WbLes les) {
  const WbLesLayout *l = &les->lay;
  double e = 0.0;
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++)
        for (int f = 0; f < 3; f++) {
          const double q = les_test_get(les, f, k, j, i);
          e += 0.5 * q * q * les->grid->dx_m * les->grid->dx_m * (f == WB_W ? les->met.dzf[k + 1] : les->met.dz[k + 1]);
        }
  return les_test_sum(e);
}

/* Largest |div u| over fluid cells from the stored faces (ghosts must be fresh) [s-1]. */
static inline double les_test_divergence(WbLes les) {
  const WbLesLayout *l = &les->lay;
  double worst = 0.0;
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++) {
        if (les->solid[wb_les_at(l, k, j, i)]) continue;
        const double d = (les_test_get(les, WB_U, k, j, i + 1) - les_test_get(les, WB_U, k, j, i) +
                          les_test_get(les, WB_V, k, j + 1, i) - les_test_get(les, WB_V, k, j, i)) /
                             les->grid->dx_m +
                         (les_test_get(les, WB_W, k + 1, j, i) - les_test_get(les, WB_W, k, j, i)) / les->met.dz[k + 1];
        if (!(fabs(d) <= worst)) worst = fabs(d);
      }
  return les_test_max(worst);
}
/* What a scalar's transport carries through the face below (k, j, i): Koren's limiter in the form of slopes. */
static inline double les_test_carried(WbLes les, int f, int k, int j, int i) {
  const bool up = les_test_get(les, WB_W, k, j, i) > 0.0;
  const int from = up ? k - 1 : k, to = up ? k : k - 1, behind = 2 * from - to;
  const double c = les_test_get(les, f, from, j, i), b = les_test_get(les, f, to, j, i) - c;
  const bool open = behind >= 0 && behind < les->lay.nz && !les->solid[wb_les_at(&les->lay, behind, j, i)];
  const double a = open ? c - les_test_get(les, f, behind, j, i) : 0.0;
  if (!(a * b > 0.0)) return c;
  return c + copysign(fmin(fmin(fabs(a), fabs(b)), fabs(a + 2.0 * b) / 6.0), b);
}

/* Blocks of 4 x 4 x 3 cells, and a flow that is rough beside them. */
static inline bool les_test_blocks(int k, int j, int i) {
  return k < 3 && i / 4 % 2 && j / 4 % 2;
}
static inline double les_test_rough_u(void *ctx, double x, double y, double z) {
  return 1.0 + sin(2.1 * y) * cos(1.5 * z);
}
static inline double les_test_rough_v(void *ctx, double x, double y, double z) {
  return 0.5 + cos(1.8 * x) * sin(1.3 * z);
}
static inline double les_test_rough_w(void *ctx, double x, double y, double z) {
  return sin(2.4 * x) * cos(2.4 * y);
}
#endif
