/* windbridge bench: times the kernels on this machine and prints a table (and JSON). Each figure is the median of
 * repeated batches. A peer is one that ran beside it (postproc/torch_peer.py fills it in), never a stored number. */
#include "bench.h"

#include <math.h>
#include <unistd.h>

enum { MAX_BATCHES = 64 };

void wb_bench_add(WbBench *b, const char *name, double value, const char *unit) {
  if (b->n == WB_BENCH_RESULTS) return;
  WbBenchResult *r = &b->results[b->n++];
  memset(r, 0, sizeof *r);
  snprintf(r->name, sizeof r->name, "%s", name);
  snprintf(r->unit, sizeof r->unit, "%s", unit);
  r->value = value;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static WbHaloTotals halos_since(const WbHaloTotals *start) {
  const WbHaloTotals now = wb_halo_totals();
  return (WbHaloTotals){now.exchanges - start->exchanges, now.messages - start->messages, now.bytes - start->bytes,
                        now.seconds - start->seconds};
}

PetscErrorCode wb_bench_time(WbBench *b, WbBenchFn fn, void *ctx, double *median) {
  PetscFunctionBeginUser;
  double t[MAX_BATCHES];
  int n = 0;
  PetscCall(fn(ctx)); /* warm */
  if (b->net) wb_net_layers_reset(b->net);
  const WbHaloTotals start = wb_halo_totals();
  const double begin = wb_wtime();
  b->wall_s = 0;
  for (int more = 1; more && n < MAX_BATCHES;) {
    PetscCallMPI(MPI_Barrier(b->app->comm));
    const double t0 = wb_wtime();
    PetscCall(fn(ctx));
    PetscCallMPI(MPI_Barrier(b->app->comm));
    t[n] = wb_wtime() - t0;
    b->wall_s += t[n++];
    more = n < 3 || wb_wtime() - begin < b->seconds;
    PetscCallMPI(MPI_Bcast(&more, 1, MPI_INT, 0, b->app->comm));
  }
  b->calls = n;
  b->halos = halos_since(&start);
  qsort(t, (size_t)n, sizeof *t, compare);
  *median = t[n / 2];
  PetscFunctionReturn(0);
}

/* ---- halo ---- */
typedef struct {
  WbHalo halo;
  float *array;
} HaloCase;
static PetscErrorCode halo_exchange(void *ctx) {
  const HaloCase *c = ctx;
  return wb_halo_exchange(c->halo, c->array);
}
static PetscErrorCode bench_halo(WbBench *b) {
  PetscFunctionBeginUser;
  WbApp *app = b->app;
  const int nx = (int)wb_config_int(app->config, "bench", "nx"), channels = 64, levels = 18;
  WbGrid *grid = NULL;
  HaloCase c = {0};
  double seconds = 0;
  PetscCall(wb_grid_create(app->comm, nx, nx, 16, 1, 0, 0, true, true, &grid));
  PetscCall(WB_CALLOC((size_t)levels * (size_t)(grid->nyl + 2) * (size_t)(grid->nxl + 2) * (size_t)channels, &c.array));
  PetscCall(wb_halo_create(grid, levels, 1, channels, WB_FP32, &c.halo));
  PetscCall(wb_bench_time(b, halo_exchange, &c, &seconds));
  const double bytes = (double)levels * channels * 4 * (2.0 * (grid->nyl + grid->nxl) + 4);
  wb_bench_add(b, "halo_64_channels", seconds, "s");
  wb_bench_add(b, "halo_64_channels_bandwidth", bytes / seconds, "B/s");
  wb_halo_destroy(&c.halo);
  WB_FREE(&c.array);
  wb_grid_destroy(&grid);
  PetscFunctionReturn(0);
}

/* ---- report ---- */
static void cpu_name(char out[128]) {
  snprintf(out, 128, "unknown");
  FILE *f = fopen("/proc/cpuinfo", "r");
  char line[512];
  while (f && fgets(line, sizeof line, f)) {
    if (strncmp(line, "model name", 10) != 0 || !strchr(line, ':')) continue;
    snprintf(out, 128, "%.120s", strchr(line, ':') + 2);
    out[strcspn(out, "\n")] = '\0';
    break;
  }
  if (f) fclose(f);
}

static PetscErrorCode report(WbBench *b) {
  PetscFunctionBeginUser;
  WbApp *app = b->app;
  char cpu[128];
  cpu_name(cpu);
  cJSON *root = cJSON_CreateObject(), *machine = cJSON_AddObjectToObject(root, "machine");
  cJSON_AddStringToObject(machine, "cpu", cpu);
  cJSON_AddNumberToObject(machine, "cores", (double)sysconf(_SC_NPROCESSORS_ONLN));
  cJSON_AddNumberToObject(machine, "ranks", app->size);
  cJSON_AddStringToObject(machine, "version", wb_git_version());
  cJSON *results = cJSON_AddArrayToObject(root, "results");
  if (app->rank == 0) printf("%s, %d rank%s\n", cpu, app->size, app->size > 1 ? "s" : "");
  for (int i = 0; i < b->n; i++) {
    const WbBenchResult *r = &b->results[i];
    cJSON *o = cJSON_CreateObject();
    cJSON_AddItemToArray(results, o);
    cJSON_AddStringToObject(o, "name", r->name);
    cJSON_AddNumberToObject(o, "value", r->value);
    cJSON_AddStringToObject(o, "unit", r->unit);
    cJSON_AddNullToObject(o, "peer"); /* postproc/torch_peer.py fills these in from a run of its own */
    cJSON_AddNullToObject(o, "peer_value");
    cJSON_AddNullToObject(o, "ratio");
    if (app->rank == 0) printf("  %-28s %12.5g %s\n", r->name, r->value, r->unit);
  }
  if (b->layers) cJSON_AddItemToObject(root, "layers", b->layers);
  const char *path = b->json;
  PetscErrorCode ierr = 0;
  if (path) {
    char *text = cJSON_Print(root);
    ierr = wb_file_write_text(app->comm, path, text);
    cJSON_free(text);
  }
  cJSON_Delete(root);
  PetscFunctionReturn(ierr);
}

/* Refuses before any work the options that the parts will use. */
static PetscErrorCode check_options(WbApp *app, const char *what) {
  WbSimOptions sim;
  WbCityOptions city;
  WbNetConfig net;
  WbBackend backend;
  PetscFunctionBeginUser;
  const bool les = strcmp(what, "les") == 0, trained = strcmp(what, "train") == 0 || strcmp(what, "net") == 0;
  if (les || strcmp(what, "shot") == 0) PetscCall(wb_app_sim_options(app, &sim));
  if (les) PetscCall(wb_app_city_options(app, &city));
  if (trained) PetscCall(wb_config_fill(app->config, &wb_app_net_keys, &net));
  if (trained) PetscCall(wb_backend_parse(wb_config_text(app->config, "sr", "backend"), &backend));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_app_bench(WbApp *app) {
  PetscFunctionBeginUser;
  WbConfig c = app->config;
  const char *what = wb_config_text(c, "bench", "what");
  const int nx = (int)wb_config_int(c, "bench", "nx");
  const bool net = strcmp(what, "net") == 0 || strcmp(what, "train") == 0 || strcmp(what, "shot") == 0;
  if (net && nx % 16 != 0)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%s: bench_nx is '%d'; allowed for %s: a multiple of 16",
                 wb_config_where(c, "bench", "nx"), nx, what);
  if (strcmp(what, "shot") == 0 || wb_config_given(c, "sr", "model")) PetscCall(wb_app_check_model(app));
  WbBench b = {
      .app = app, .seconds = wb_config_real(c, "bench", "seconds"), .json = wb_config_text(c, "bench", "json")};
  const bool quiet = wb_config_bool(c, "run", "quiet");
  if (strcmp(what, "les") == 0 || strcmp(what, "poisson") == 0) b.nz = (int)wb_config_int(c, "bench", "nz");
  PetscCall(check_options(app, what));
  if (app->check) PetscFunctionReturn(0);
  PetscCall(wb_log_open(app->comm, NULL, quiet));
  if (strcmp(what, "les") == 0) {
    PetscCall(wb_bench_les(&b));
  } else if (strcmp(what, "poisson") == 0) {
    PetscCall(wb_bench_poisson(&b));
  } else if (strcmp(what, "halo") == 0) {
    PetscCall(bench_halo(&b));
  } else if (strcmp(what, "net") == 0) {
    PetscCall(wb_bench_net(&b));
  } else if (strcmp(what, "train") == 0) {
    PetscCall(wb_bench_train(&b));
  } else {
    PetscCall(wb_bench_shot(&b));
  }
  PetscCall(report(&b));
  PetscFunctionReturn(0);
}
