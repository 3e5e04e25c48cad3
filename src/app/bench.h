/* Inside of bench: what its parts share. */
#ifndef WB_APP_BENCH_H
#define WB_APP_BENCH_H
#include "results.h"

enum { WB_BENCH_RESULTS = 64 };
typedef struct {
  char name[64], unit[32];
  double value;
} WbBenchResult;
typedef struct {
  WbApp *app;
  int nz;           /* levels of les and poisson */
  double seconds;   /* spent on each figure */
  const char *json; /* file of the table, or NULL */
  WbBenchResult results[WB_BENCH_RESULTS];
  int n;
  cJSON *layers;      /* array, or NULL: no network was timed */
  WbNet net;          /* NULL, or the network whose layers wb_bench_time counts */
  long calls;         /* of the last wb_bench_time: how often it called, */
  double wall_s;      /* how long these calls took together, */
  WbHaloTotals halos; /* and what they exchanged, this rank */
} WbBench;

/* A figure of the table. */
void wb_bench_add(WbBench *b, const char *name, double value, const char *unit);
/* Collective. Median seconds of one call of fn, repeated for b->seconds (at least 3 times) after a call that is not
 * counted. */
typedef PetscErrorCode (*WbBenchFn)(void *ctx);
PetscErrorCode wb_bench_time(WbBench *b, WbBenchFn fn, void *ctx, double *median);

/* bench_les.c: steps of the flow solver over flat ground and cities, its bare kernels, memory bandwidth; the flat
 * Poisson solver. Collective. */
PetscErrorCode wb_bench_les(WbBench *b);
PetscErrorCode wb_bench_poisson(WbBench *b);

/* bench_net.c: forward passes, one training step, one shot. Collective. */
PetscErrorCode wb_bench_net(WbBench *b);
PetscErrorCode wb_bench_train(WbBench *b);
PetscErrorCode wb_bench_shot(WbBench *b);

/* bench_layers.c. Collective. Times fn (which calls net) as wb_bench_time does and adds: the median as `name`; per
 * convolution its shape, GFLOP, ms, GFLOP/s and share of the whole, beside the bare convolution of that shape in the
 * same run; the part of the whole that the bare convolutions would take; messages and bytes of the halos. */
PetscErrorCode wb_bench_layers(WbBench *b, const char *name, WbNet net, WbBenchFn fn, void *ctx);
#endif
