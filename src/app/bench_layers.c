/* A network's cost layer by layer, beside what the bare convolutions of the same shapes cost in the same run. */
#include "bench.h"

enum { REPEATS = 5 };
typedef struct {
  WbNetLayer *layer; /* (n) */
  double *bare[2];   /* (n): seconds of one bare call, forward and backward */
  int n;
} Table;

static bool same_shape(const WbNetLayer *a, const WbNetLayer *b) {
  return a->k == b->k && a->d == b->d && a->h == b->h && a->w == b->w && a->ci == b->ci && a->co == b->co;
}

/* Each shape is timed once. */
static PetscErrorCode time_bare(WbNet net, Table *t) {
  PetscFunctionBeginUser;
  for (int i = 0; i < t->n; i++) {
    const long calls[2] = {t->layer[i].calls, t->layer[i].backward_calls};
    for (int pass = 0; pass < 2; pass++) {
      t->bare[pass][i] = 0;
      for (int j = 0; j < i && t->bare[pass][i] == 0 && calls[pass]; j++)
        if (same_shape(&t->layer[i], &t->layer[j])) t->bare[pass][i] = t->bare[pass][j];
      if (t->bare[pass][i] == 0 && calls[pass])
        PetscCall(wb_net_layer_bare(net, i, pass == 1, REPEATS, &t->bare[pass][i]));
    }
  }
  PetscFunctionReturn(0);
}

static double rate(double flops, double seconds) {
  return seconds > 0 ? 1e-9 * flops / seconds : 0;
}

/* One row of the table; times are those of one call of the layer, the share is of everything that was timed. */
static void row(WbBench *b, const char *of, const WbNetLayer *l, double bare, double bare_back) {
  const double ms = 1e3 * l->seconds / (double)l->calls, share = l->seconds / b->wall_s;
  const double back = l->backward_calls ? 1e3 * l->backward_seconds / (double)l->backward_calls : 0;
  char shape[64];
  snprintf(shape, sizeof shape, "%d^3 %d -> %d on %d x %d x %d", l->k, l->ci, l->co, l->d, l->h, l->w);
  if (b->app->rank == 0) {
    printf("  %-22s %-36s %7.2f %8.3f %7.1f %5.1f %% %7.1f %4.0f %%", l->name, shape, 1e-9 * l->flops, ms,
           rate(l->flops, 1e-3 * ms), 100 * share, rate(l->flops, bare), 1e5 * bare / ms);
    if (back > 0)
      printf(" | %8.3f %7.1f %5.1f %% %7.1f", back, rate(2 * l->flops, 1e-3 * back),
             100 * l->backward_seconds / b->wall_s, rate(2 * l->flops, bare_back));
    printf("\n");
  }
  cJSON *o = cJSON_CreateObject();
  cJSON_AddItemToArray(b->layers, o);
  cJSON_AddStringToObject(o, "of", of);
  cJSON_AddStringToObject(o, "name", l->name);
  const struct {
    const char *name;
    double value;
  } numbers[] = {{"kernel", l->k},
                 {"nz", l->d},
                 {"ny", l->h},
                 {"nx", l->w},
                 {"channels_in", l->ci},
                 {"channels_out", l->co},
                 {"calls", (double)l->calls / (double)b->calls},
                 {"gflop", 1e-9 * l->flops},
                 {"bytes", l->bytes},
                 {"ms", ms},
                 {"gflop_per_s", rate(l->flops, 1e-3 * ms)},
                 {"share", share},
                 {"bare_ms", 1e3 * bare},
                 {"backward_calls", (double)l->backward_calls / (double)b->calls},
                 {"backward_ms", back},
                 {"backward_share", l->backward_seconds / b->wall_s},
                 {"bare_backward_ms", 1e3 * bare_back}};
  const size_t n = sizeof numbers / sizeof *numbers, forward_only = n - 4;
  for (size_t i = 0; i < (l->backward_calls ? n : forward_only); i++)
    cJSON_AddNumberToObject(o, numbers[i].name, numbers[i].value);
}

static void add(WbBench *b, const char *of, const char *what, double value, const char *unit) {
  char name[96];
  snprintf(name, sizeof name, "%s_%s", of, what);
  wb_bench_add(b, name, value, unit);
}

/* Halos: the most of any rank, for ranks at an edge have fewer neighbours. */
static PetscErrorCode sums(WbBench *b, const char *name, const Table *t) {
  double conv = 0, bare = 0, flops = 0, bytes = 0;
  for (int i = 0; i < t->n; i++) {
    const WbNetLayer *l = &t->layer[i];
    conv += l->seconds + l->backward_seconds;
    bare += (double)l->calls * t->bare[0][i] + (double)l->backward_calls * t->bare[1][i];
    flops += l->flops * ((double)l->calls + 2 * (double)l->backward_calls);
    bytes += l->bytes * (double)l->calls;
  }
  const double calls = (double)b->calls;
  double sent[3] = {b->halos.exchanges / calls, b->halos.messages / calls, b->halos.bytes / calls};
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sent, 3, MPI_DOUBLE, MPI_MAX, b->app->comm));
  add(b, name, "flops", flops / b->wall_s, "FLOP/s/rank");
  add(b, name, "conv_bytes", bytes / calls, "B/rank, forward");
  add(b, name, "conv_share", conv / b->wall_s, "of the time");
  add(b, name, "halo_share", b->halos.seconds / b->wall_s, "of the time");
  add(b, name, "other_share", 1 - (conv + b->halos.seconds) / b->wall_s, "of the time");
  add(b, name, "bare_sum", bare / calls, "s");
  add(b, name, "of_bare", bare / b->wall_s, "of the bare convolutions' speed");
  add(b, name, "halo_exchanges", sent[0], "a call");
  add(b, name, "halo_messages", sent[1], "a rank and call");
  add(b, name, "halo_bytes", sent[2], "B a rank and call");
  PetscFunctionReturn(0);
}

PetscErrorCode wb_bench_layers(WbBench *b, const char *name, WbNet net, WbBenchFn fn, void *ctx) {
  Table t = {0};
  double median = 0;
  PetscFunctionBeginUser;
  b->net = net;
  PetscCall(wb_bench_time(b, fn, ctx, &median));
  b->net = NULL;
  wb_bench_add(b, name, median, "s");
  if (!b->layers) b->layers = cJSON_CreateArray();
  t.n = wb_net_layers(net);
  PetscCall(WB_ALLOC(t.n, &t.layer));
  for (int pass = 0; pass < 2; pass++) PetscCall(WB_ALLOC(t.n, &t.bare[pass]));
  for (int i = 0; i < t.n; i++) wb_net_layer(net, i, &t.layer[i]);
  PetscErrorCode e = time_bare(net, &t);
  if (!e && b->app->rank == 0)
    printf("%s, layer by layer: GFLOP, ms a call, GFLOP/s, share; bare convolution: GFLOP/s, its part of the ms%s\n",
           name, t.n && t.layer[t.n - 1].backward_calls ? " | backward: ms, GFLOP/s, share; bare GFLOP/s" : "");
  for (int i = 0; i < t.n && !e; i++)
    if (t.layer[i].calls) row(b, name, &t.layer[i], t.bare[0][i], t.bare[1][i]);
  if (!e) e = sums(b, name, &t);
  WB_FREE(&t.layer);
  for (int pass = 0; pass < 2; pass++) WB_FREE(&t.bare[pass]);
  PetscFunctionReturn(e);
}
