/* What a run will need, told before it starts: memory per rank and in all, files on disk, and what the machine has. */
#include "memory_plan.h"

#include <math.h>

static const double GB = 1e9;
static const double CHECK_BYTES = 0.5e9, CHECK_CELL_BYTES = 10; /* what --check takes without asking; of a 20 m cell */
static const double SYSTEM_BYTES = 30e6; /* what MPI and HDF5 take on a rank once they work: measured, rounded up */

void wb_memory_plan_begin(WbApp *app, const WbCity *city, WbMemoryPlan *plan) {
  memset(plan, 0, sizeof *plan);
  plan->app = app;
  plan->city = city && !city->height ? (double)city->nx * city->ny * sizeof *city->height : 0;
  wb_memory_plan_add(plan, "program, libraries, city", wb_memory_resident_bytes() + SYSTEM_BYTES + plan->city);
}

bool wb_memory_plan_window(const WbCityOptions *o, WbCity *outline) {
  const double cell = 1;
  memset(outline, 0, sizeof *outline);
  if (!o->window_given) return false;
  outline->win_x_min_m = o->x_min_m, outline->win_y_min_m = o->y_min_m;
  outline->win_size_x_m = o->size_x_m, outline->win_size_y_m = o->size_y_m;
  outline->margin_m = o->margin_m, outline->cell_m = cell;
  outline->nx = (int)lround((o->size_x_m + 2 * o->margin_m) / cell);
  outline->ny = (int)lround((o->size_y_m + 2 * o->margin_m) / cell);
  return true;
}

void wb_memory_plan_add(WbMemoryPlan *plan, const char *name, double bytes) {
  if (plan->n < WB_PLAN_ROWS) plan->row[plan->n++] = (WbPlanRow){name, bytes};
}

static void add_shape(WbMemoryPlan *plan, int nx, int ny, int least) {
  if (plan->n_shapes < WB_PLAN_SHAPES)
    plan->shape[plan->n_shapes++] = (WbGridCut){.nx = nx, .ny = ny, .align = 1, .least = least};
}

/* To the log, or to the terminal where --check opens none. */
static void say(const WbMemoryPlan *plan, const char *line) {
  if (!plan->app->check)
    wb_log("%s", line);
  else if (plan->app->rank == 0)
    printf("%s\n", line);
}

/* A window's mean of four channels, masks and file buffers; the run's means on their way to it. */
static double window_bytes(const WbGrid *window, double run_cells) {
  return (double)wb_grid_owned(window) * ((4 + 1 + 2) * sizeof(float) + 2) + run_cells * 2 * 4 * sizeof(float);
}

PetscErrorCode wb_memory_plan_les(WbMemoryPlan *plan, const WbCity *city, const WbSimOptions *sim, double dx_m) {
  WbSimMemory m;
  WbGrid *window = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_sim_plan(plan->app->comm, city, sim, dx_m, &m));
  const int nz = (int)lround((dx_m < sim->dx_m ? wb_config_real(plan->app->config, "sr", "top_m") : sim->top_m) / dx_m);
  const int columns = (int)lround(city->win_size_x_m / sim->dx_m), rows = (int)lround(city->win_size_y_m / sim->dx_m),
            margin = (int)lround(sim->margin_m / sim->dx_m);
  add_shape(plan, columns, rows, 1);
  add_shape(plan, columns + 2 * margin, rows + 2 * margin,
            sim->les.advection == WB_ADVECTION_UPWIND5 ? WB_LES_GHOST_WIDE : WB_LES_GHOST);
  PetscCall(wb_app_window_grid(plan->app, city, dx_m, nz, (int)lround(sim->dx_m / dx_m), &window));
  /* the precursor is gone before the runs around the city begin */
  wb_memory_plan_add(plan, "flow solver at 20 m", fmax(m.coarse, m.precursor));
  wb_memory_plan_add(plan, "inflow planes", m.inflow);
  if (m.fine > 0) wb_memory_plan_add(plan, "flow solver, fine run", m.fine);
  wb_memory_plan_add(plan, "its means and files", window_bytes(window, m.cells));
  plan->checkpoint = m.checkpoint;
  plan->cells = m.cells;
  const double cells = (double)window->nx * window->ny * nz, times = round(sim->duration_s / sim->output_interval_s);
  plan->results += 5 * sizeof(float) * cells * times;
  wb_grid_destroy(&window);
  PetscFunctionReturn(0);
}

/* Bytes of all ranks, with `more` on this one. */
static PetscErrorCode total(const WbMemoryPlan *plan, double more, double *all) {
  PetscFunctionBeginUser;
  for (int i = 0; i < plan->n; i++) more += plan->row[i].bytes;
  PetscCallMPI(MPI_Allreduce(&more, all, 1, MPI_DOUBLE, MPI_SUM, plan->app->comm));
  PetscFunctionReturn(0);
}

/* Slabs of the network: those of the deck, or twice as many until the run keeps its memory limit. */
static PetscErrorCode choose_slabs(WbMemoryPlan *plan, const WbGrid *lr, WbSrOptions *o, WbSrMemory *m) {
  WbApp *app = plan->app;
  const double limit = wb_config_real(app->config, "run", "memory_limit_gb") * GB;
  int rows = lr->nyl; /* of 20 m: one slab needs at least one */
  double all = 0;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &rows, 1, MPI_INT, MPI_MIN, app->comm));
  const bool free_choice = o->slabs == 0 && limit > 0;
  if (o->slabs == 0) o->slabs = 1;
  for (;;) {
    PetscCall(wb_sr_plan(lr, o, m));
    PetscCall(total(plan, m->model + m->fields + wb_net_memory_sum(&m->net), &all));
    if (!free_choice || all <= limit || 2 * o->slabs > rows) break;
    o->slabs *= 2;
  }
  app->slabs = o->slabs;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_memory_plan_sr(WbMemoryPlan *plan, const WbGrid *lr, int times) {
  WbSrOptions o;
  WbSrMemory m;
  PetscFunctionBeginUser;
  PetscCall(wb_app_sr_options(plan->app, &o));
  add_shape(plan, lr->nx, lr->ny, 1);
  const double ratio = lr->dx_m / o.dx_m, columns = (double)lr->nxl * lr->nyl * ratio * ratio;
  const double n = columns * o.top_m / o.dx_m, all = (double)lr->nx * lr->ny * ratio * ratio * o.top_m / o.dx_m;
  wb_memory_plan_add(plan, "a member and its file", n * sizeof(float) * (4 + 1 + 2));
  PetscCall(choose_slabs(plan, lr, &o, &m));
  if (o.slabs > 1) {
    char line[96];
    snprintf(line, sizeof line, "the network works in %d slabs of rows on each rank", o.slabs);
    say(plan, line);
  }
  wb_memory_plan_add(plan, "network: weights", m.model + m.net.weights);
  wb_memory_plan_add(plan, "network: fields", m.net.fields);
  wb_memory_plan_add(plan, "network: halo", m.net.halos);
  wb_memory_plan_add(plan, "network: work space", m.net.work_space);
  const int variables = wb_config_bool(plan->app->config, "sr", "write_theta") ? 5 : 4;
  wb_memory_plan_add(plan, "fields at 5 m", m.fields);
  plan->results += sizeof(float) * all * variables * times * o.members;
  PetscFunctionReturn(0);
}

/* Least of all nodes: what the machine has beside what its ranks together still want. */
static PetscErrorCode compare(WbMemoryPlan *plan, double mine) {
  WbApp *app = plan->app;
  MPI_Comm node;
  const char *where = NULL;
  char line[256];
  PetscFunctionBeginUser;
  double use[2] = {mine, wb_memory_resident_bytes()}, got[2], worst[2]; /* to be wanted, held already */
  PetscCallMPI(MPI_Comm_split_type(app->comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, use, 2, MPI_DOUBLE, MPI_SUM, node));
  PetscCallMPI(MPI_Comm_free(&node));
  const double available = wb_memory_available_bytes(&where) + use[1];
  got[0] = -available; /* the least */
  got[1] = use[0] - available;
  PetscCallMPI(MPI_Allreduce(got, worst, 2, MPI_DOUBLE, MPI_MAX, app->comm));
  snprintf(line, sizeof line, "  the machine has %.2f GB for it (%s)", -worst[0] / GB, where);
  say(plan, line);
  double check = plan->city + plan->cells * CHECK_CELL_BYTES;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &check, 1, MPI_DOUBLE, MPI_MAX, app->comm));
  plan->too_large = worst[1] > 0 && check > CHECK_BYTES;
  if (worst[1] > 0 && app->rank == 0)
    wb_log_warn(
        "this run needs %.2f GB more than the machine has: use more nodes, a smaller window, or close what else "
        "runs here",
        worst[1] / GB);
  PetscFunctionReturn(0);
}

/* The pairs that every rank holds (with a store their geometry alone), its box of one sample, the network with its
 * gradients, the optimiser. */
PetscErrorCode wb_memory_plan_train(WbMemoryPlan *plan, const WbTrainOptions *o, int n, const WbPairInfo *info) {
  enum { CELL_FLOATS = 8 * WB_CHANNELS + WB_STATIC_CHANNELS + 1, CELL_BYTES = 2 };
  WbGrid *grid = NULL;
  WbModel model = NULL;
  WbNetMemory net = {0};
  MPI_Comm space;
  double geometry = 0, minutes = 0;
  PetscFunctionBeginUser;
  for (int i = 0; i < n; i++) {
    const double cells = (double)info[i].nx_hr * info[i].ny_hr * info[i].nz_hr;
    geometry += cells * (2 + sizeof(float));
    minutes += cells * sizeof(float) * 2.0 * WB_CHANNELS * info[i].n_time;
  }
  const int side = o->crop > 0 ? o->crop : info[0].nx_hr;
  PetscCall(wb_train_grid(plan->app->comm, o, side, info[0].nz_hr, &space, &grid));
  PetscErrorCode e = wb_model_create(&o->net, &model);
  if (!e) e = wb_net_plan(model, grid, o->backend, wb_train_mode(o), &net);
  const double weights = sizeof(float) * (double)(e ? 0 : wb_model_size(model));
  wb_memory_plan_add(plan, "training pairs", geometry + (o->store_dir ? 0 : minutes));
  const WbNoiseBox box = {.start = {grid->x0, grid->y0, 0}, .size = {grid->nxl, grid->nyl, grid->nz}};
  wb_memory_plan_add(
      plan, "one sample",
      (double)wb_grid_owned(grid) * (CELL_FLOATS * sizeof(float) + CELL_BYTES) + wb_noise_field_bytes(&box));
  wb_memory_plan_add(plan, "network: weights", 2 * weights + net.weights);
  wb_memory_plan_add(plan, "network: fields, gradients", net.fields);
  wb_memory_plan_add(plan, "network: halo", net.halos);
  wb_memory_plan_add(plan, "network: work space", net.work_space);
  wb_memory_plan_add(plan, "optimiser: moments, EMA", 4 * weights);
  plan->checkpoint = 4 * weights;
  plan->results = 2 * weights + (o->store_dir ? minutes : 0);
  wb_model_destroy(&model);
  wb_grid_destroy(&grid);
  PetscCallMPI(MPI_Comm_free(&space));
  PetscFunctionReturn(e);
}

static void say_ranks(const WbMemoryPlan *plan) {
  char fit[256], line[320];
  if (plan->n_shapes == 0) return;
  wb_grid_fitting_ranks(plan->app->size, plan->n_shapes, plan->shape, fit, sizeof fit);
  snprintf(line, sizeof line, "numbers of ranks that fit: %s", fit);
  say(plan, line);
}

PetscErrorCode wb_memory_plan_report(WbMemoryPlan *plan) {
  WbApp *app = plan->app;
  double mine[WB_PLAN_ROWS + 1] = {0}, most[WB_PLAN_ROWS + 1], all[WB_PLAN_ROWS + 1];
  char line[256];
  PetscFunctionBeginUser;
  for (int i = 0; i < plan->n; i++) {
    mine[i] = plan->row[i].bytes;
    mine[WB_PLAN_ROWS] += plan->row[i].bytes;
  }
  PetscCallMPI(MPI_Allreduce(mine, most, WB_PLAN_ROWS + 1, MPI_DOUBLE, MPI_MAX, app->comm));
  PetscCallMPI(MPI_Allreduce(mine, all, WB_PLAN_ROWS + 1, MPI_DOUBLE, MPI_SUM, app->comm));
  say_ranks(plan);
  say(plan, "memory                         largest rank    all ranks");
  for (int i = 0; i <= plan->n; i++) {
    const int r = i < plan->n ? i : WB_PLAN_ROWS;
    snprintf(line, sizeof line, "  %-26s %11.3f GB %9.3f GB", i < plan->n ? plan->row[i].name : "in all", most[r] / GB,
             all[r] / GB);
    say(plan, line);
  }
  app->planned_bytes = most[WB_PLAN_ROWS];
  PetscCall(compare(plan, mine[WB_PLAN_ROWS]));
  snprintf(line, sizeof line, "disk: results %.3f GB, a checkpoint %.3f GB (and the one before it)", plan->results / GB,
           plan->checkpoint / GB);
  say(plan, line);
  const double limit = wb_config_real(app->config, "run", "memory_limit_gb");
  if (limit > 0 && all[WB_PLAN_ROWS] > limit * GB)
    WB_RAISE_ALL(WB_ERR_CONFIG,
                 "%s: run_memory_limit_gb is '%g', this run needs %.2f GB on %d ranks; allowed: that much, 0 (no "
                 "limit), or a smaller window",
                 wb_config_where(app->config, "run", "memory_limit_gb"), limit, all[WB_PLAN_ROWS] / GB, app->size);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_memory_plan_stop_check(WbApp *app) {
  PetscFunctionBeginUser;
  app->partly = true;
  if (app->rank == 0)
    wb_log_warn(
        "the city and the edges of the domain are not checked: this machine is too small for that; use a larger one");
  PetscFunctionReturn(0);
}
