/* Timing of the flow solver: whole steps, where their time goes, its kernels bare, and what the memory gives. */
#include "bench.h"
#include "windbridge/fft.h"

#include <math.h>

enum { LES_STEPS = 4, N_PARTS = 7 };
static const double CELL_M = 5.0, STEP_S = 0.3;
/* Timers of a step that exclude each other, and the CG inside the projection. */
static const char *const parts[N_PARTS] = {"les.advect", "les.closure",    "les.boundary", "les.projection",
                                           "les.cfl",    "les.statistics", "les.cg"};

typedef struct {
  WbGrid *grid;
  double *zf, cells; /* cells of all ranks */
} Box;

static PetscErrorCode box_create(WbBench *b, Box *box) {
  PetscFunctionBeginUser;
  WbConfig c = b->app->config;
  const int nx = (int)wb_config_int(c, "bench", "nx"), nz = b->nz;
  const WbGridShape shape = {.nx = nx, .ny = nx, .nz = nz, .dx_m = CELL_M, .periodic_x = true, .periodic_y = true};
  PetscCall(wb_grid_make(b->app->comm, &shape, &box->grid));
  box->cells = (double)nx * nx * nz;
  PetscCall(WB_ALLOC(nz + 1, &box->zf));
  wb_grid_heights(nz, CELL_M, box->zf, NULL);
  PetscFunctionReturn(0);
}

static void box_destroy(Box *box) {
  wb_grid_destroy(&box->grid);
  WB_FREE(&box->zf);
}

typedef struct {
  WbLes les;
  double dt;
  WbLesKernel kernel;
} LesCase;

static PetscErrorCode les_steps(void *ctx) {
  PetscFunctionBeginUser;
  LesCase *c = ctx;
  for (int i = 0; i < LES_STEPS; i++) PetscCall(wb_les_step(c->les, c->dt));
  PetscFunctionReturn(0);
}

static PetscErrorCode les_kernel(void *ctx) {
  PetscFunctionBeginUser;
  const LesCase *c = ctx;
  PetscCall(wb_les_kernel(c->les, c->kernel));
  PetscFunctionReturn(0);
}

static void add_suffixed(WbBench *b, const char *name, const char *suffix, double value, const char *unit) {
  char text[64];
  snprintf(text, sizeof text, "%s_%s", name, suffix);
  wb_bench_add(b, text, value, unit);
}

/* ---- whole steps ---- */
static void read_timers(double seconds[N_PARTS]) {
  for (int p = 0; p < N_PARTS; p++) seconds[p] = wb_timer_seconds(wb_timer_id(parts[p]));
}

/* value: nanoseconds of this rank's core per cell and step, from all calls since `before`. */
static PetscErrorCode add_parts(WbBench *b, const char *name, const double before[N_PARTS], double cells) {
  double now[N_PARTS];
  PetscFunctionBeginUser;
  read_timers(now);
  for (int p = 0; p < N_PARTS; p++) {
    const double steps = (double)LES_STEPS * (double)(b->calls + 1); /* one call is not counted, but timed here */
    double ns = 1e9 * (now[p] - before[p]) / (steps * cells / b->app->size);
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &ns, 1, MPI_DOUBLE, MPI_MAX, b->app->comm));
    add_suffixed(b, name, parts[p] + strlen("les."), ns, "ns/cell-step");
  }
  PetscFunctionReturn(0);
}

/* CG iterations a step over some 40 steps after the start's transient. */
static PetscErrorCode time_steps(WbBench *b, LesCase *c, const char *name, double cells, double *rate) {
  WbLesSummary s0, s1;
  double seconds = 0, before[N_PARTS];
  PetscFunctionBeginUser;
  PetscCall(wb_les_summary(c->les, &s0));
  read_timers(before);
  PetscCall(wb_bench_time(b, les_steps, c, &seconds));
  PetscCall(wb_les_summary(c->les, &s1));
  *rate = cells * LES_STEPS / seconds / b->app->size;
  wb_bench_add(b, name, *rate, "cell-steps/s/core");
  const double iterations =
      s1.poisson_iterations_mean * (double)s1.steps - s0.poisson_iterations_mean * (double)s0.steps;
  add_suffixed(b, name, "cg_iterations", iterations / (double)(s1.steps - s0.steps), "per step");
  PetscCall(add_parts(b, name, before, cells));
  if (b->app->size > 1) {
    const double timed = (double)LES_STEPS * (double)b->calls;
    add_suffixed(b, name, "halo_exchanges", (double)b->halos.exchanges / timed, "per step");
    add_suffixed(b, name, "halo_bytes", b->halos.bytes / timed, "B/step");
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode city_mask(WbBench *b, const Box *box, const WbCityOptions *options, const char *name,
                                uint8_t **solid) {
  const WbGrid *g = box->grid;
  WbCity *city = NULL;
  WbCityStats stats;
  double x0 = 0, y0 = 0;
  PetscFunctionBeginUser;
  PetscCall(wb_city_create(b->app->comm, options, &city));
  PetscCall(wb_city_stats(city, wb_app_coarse_m(), CELL_M, 160, &stats));
  if (options->window_given) x0 = options->x_min_m, y0 = options->y_min_m;
  PetscCall(WB_ALLOC(wb_grid_owned(g), solid));
  PetscCall(
      wb_city_voxelise(city, x0 + g->x0 * CELL_M, y0 + g->y0 * CELL_M, CELL_M, g->nxl, g->nyl, g->nz, box->zf, *solid));
  add_suffixed(b, name, "lambda_p", stats.lambda_p, "-");
  wb_city_destroy(&city);
  PetscFunctionReturn(0);
}

/* ---- kernels bare ---- */
static const struct {
  const char *name;
  WbLesKernel kernel;
  int per_step;
} kernels[] = {{"momentum", WB_LES_KERNEL_MOMENTUM, 3},
               {"viscosity", WB_LES_KERNEL_VISCOSITY, 1},
               {"poisson", WB_LES_KERNEL_POISSON, 3},
               {"projection", WB_LES_KERNEL_PROJECTION, 3}};

/* What three stages of bare kernels would take, and which part of that speed the whole step reaches. */
static PetscErrorCode time_kernels(WbBench *b, LesCase *c, double cells, double rate) {
  double sum = 0;
  PetscFunctionBeginUser;
  for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
    double seconds = 0;
    c->kernel = kernels[i].kernel;
    PetscCall(wb_bench_time(b, les_kernel, c, &seconds));
    add_suffixed(b, "les_bare", kernels[i].name, cells / seconds / b->app->size, "cells/s/core");
    sum += kernels[i].per_step * seconds;
  }
  const double bare = cells / sum / b->app->size;
  wb_bench_add(b, "les_bare_sum", bare, "cell-steps/s/core");
  wb_bench_add(b, "les_flat_of_bare", rate / bare, "-");
  PetscFunctionReturn(0);
}

static PetscErrorCode time_case(WbBench *b, const Box *box, const uint8_t *solid, const char *name) {
  WbSimOptions sim;
  LesCase c = {.dt = STEP_S};
  double rate = 0;
  PetscFunctionBeginUser;
  PetscCall(wb_app_sim_options(b->app, &sim));
  sim.les.drive_mean_wind = true;
  PetscCall(wb_les_create(box->grid, box->zf, solid, NULL, NULL, &sim.les, &c.les));
  PetscCall(wb_les_init(c.les, 0));
  PetscCall(wb_les_advance(c.les, 20 * STEP_S, NULL, NULL)); /* past the initial transient of the pressure solver */
  PetscCall(time_steps(b, &c, name, box->cells, &rate));
  if (!solid) {
    const double bytes = wb_les_traffic_bytes(&sim.les);
    PetscCall(time_kernels(b, &c, box->cells, rate));
    add_suffixed(b, name, "traffic", bytes, "B/cell-step");
    add_suffixed(b, name, "bandwidth", bytes * rate, "B/s/core");
  }
  wb_les_destroy(&c.les);
  PetscFunctionReturn(0);
}

/* ---- memory ---- */
enum { TRIAD = 4 << 20 }; /* doubles an array: 32 MiB, three of them are more than caches hold */
static PetscErrorCode triad(void *ctx) {
  double *const *a = ctx;
  double *restrict x = a[0];
  const double *restrict y = a[1], *restrict z = a[2];
  PetscFunctionBeginUser;
#pragma omp simd
  for (int i = 0; i < TRIAD; i++) x[i] = y[i] + 3.0 * z[i];
  PetscFunctionReturn(0);
}

/* x = y + 3 z, the line of x that is read before it is written counted too; all ranks at once. */
static PetscErrorCode time_memory(WbBench *b) {
  double *a[3], seconds = 0;
  PetscFunctionBeginUser;
  for (int i = 0; i < 3; i++) {
    PetscCall(WB_ALLOC(TRIAD, &a[i]));
    for (int q = 0; q < TRIAD; q++) a[i][q] = q;
  }
  PetscCall(wb_bench_time(b, triad, a, &seconds));
  wb_bench_add(b, "memory_triad", 4.0 * sizeof(double) * TRIAD / seconds, "B/s/core");
  for (int i = 0; i < 3; i++) WB_FREE(&a[i]);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_bench_les(WbBench *b) {
  WbCityOptions options;
  Box box;
  uint8_t *solid = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_app_city_options(b->app, &options));
  PetscCall(box_create(b, &box));
  PetscCall(time_case(b, &box, NULL, "les_flat"));
  if (!options.file) {
    const double coarse = wb_app_coarse_m();
    options.window_given = true;
    options.x_min_m = options.y_min_m = 0;
    options.size_x_m = options.size_y_m = ceil(box.grid->nx * CELL_M / coarse) * coarse;
  }
  PetscCall(city_mask(b, &box, &options, "les_city", &solid));
  PetscCall(time_case(b, &box, solid, "les_city"));
  PetscCall(time_memory(b));
  WB_FREE(&solid);
  box_destroy(&box);
  PetscFunctionReturn(0);
}

/* ---- poisson ---- */
typedef struct {
  WbPoisson solver;
  void *r, *p;
} PoissonCase;
static PetscErrorCode poisson_solve(void *ctx) {
  const PoissonCase *c = ctx;
  return wb_poisson_solve(c->solver, c->r, c->p);
}

static PetscErrorCode poisson_case(WbBench *b, const Box *box, WbPrecision precision, const char *name) {
  const size_t n = wb_grid_owned(box->grid), bytes = n * (precision == WB_FP64 ? 8 : 4);
  PoissonCase c = {0};
  double seconds = 0;
  PetscFunctionBeginUser;
  PetscCall(wb_poisson_create(box->grid, CELL_M, box->zf, precision, &c.solver));
  PetscCall(wb_calloc_bytes(bytes, "r", &c.r));
  PetscCall(wb_calloc_bytes(bytes, "p", &c.p));
  for (size_t q = 0; q < n; q++) {
    const double v = sin(0.37 * (double)q);
    if (precision == WB_FP64)
      ((double *)c.r)[q] = v;
    else
      ((float *)c.r)[q] = (float)v;
  }
  PetscCall(wb_bench_time(b, poisson_solve, &c, &seconds));
  wb_bench_add(b, name, box->cells / seconds / b->app->size, "cells/s/core");
  wb_poisson_destroy(&c.solver);
  wb_free_bytes(&c.r);
  wb_free_bytes(&c.p);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_bench_poisson(WbBench *b) {
  Box box;
  PetscFunctionBeginUser;
  PetscCall(box_create(b, &box));
  PetscCall(poisson_case(b, &box, WB_FP32, "poisson_flat_fp32"));
  PetscCall(poisson_case(b, &box, WB_FP64, "poisson_flat_fp64"));
  box_destroy(&box);
  PetscFunctionReturn(0);
}
