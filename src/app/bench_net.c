/* bench, the network's part: passes of a network, one training step, one shot. */
#include "bench.h"

#include <math.h>

enum { LEVELS = 32 };
typedef struct {
  WbGrid *grid;
  WbModel model;
  WbNet net;
  WbAdamW opt;
  float *stat, *x, *out, *mean;
  uint8_t *mask;
} NetCase;

static void destroy(NetCase *c) {
  if (c->opt) wb_adamw_destroy(&c->opt);
  if (c->net) wb_net_destroy(&c->net);
  if (c->model) wb_model_destroy(&c->model);
  WB_FREE(&c->stat);
  WB_FREE(&c->mask);
  WB_FREE(&c->x);
  WB_FREE(&c->out);
  WB_FREE(&c->mean);
  wb_grid_destroy(&c->grid);
}

/* The model of sr_model where the deck gives one, else a new one as the train keys describe it. */
static PetscErrorCode make_model(WbApp *app, WbModel *model) {
  static WbModelMeta meta; /* 8 kB of provenance: not on the stack */
  WbNetConfig config;
  PetscFunctionBeginUser;
  if (wb_config_given(app->config, "sr", "model")) {
    PetscCall(wb_model_read(app->comm, wb_config_text(app->config, "sr", "model"), model, &meta));
    PetscFunctionReturn(0);
  }
  PetscCall(wb_config_fill(app->config, &wb_app_net_keys, &config));
  PetscCall(wb_model_create(&config, model));
  PetscCall(wb_model_init(*model, 1));
  PetscFunctionReturn(0);
}

static PetscErrorCode create(WbApp *app, WbNetMode mode, NetCase *c) {
  PetscFunctionBeginUser;
  const int nx = (int)wb_config_int(app->config, "bench", "nx");
  WbBackend backend;
  memset(c, 0, sizeof *c);
  PetscCall(wb_backend_parse(wb_config_text(app->config, "sr", "backend"), &backend));
  PetscCall(make_model(app, &c->model));
  const WbNetConfig *config = wb_model_config(c->model);
  PetscCall(wb_grid_create(app->comm, nx, nx, LEVELS, 4, 0, 0, false, false, &c->grid));
  const size_t n = wb_grid_owned(c->grid), out = n * (size_t)config->out;
  const size_t in = n * (size_t)config->in_dynamic, stat = n * (size_t)config->in_static;
  PetscCall(WB_ALLOC(stat, &c->stat));
  PetscCall(WB_ALLOC(n, &c->mask));
  PetscCall(WB_ALLOC(in, &c->x));
  PetscCall(WB_ALLOC(out, &c->out));
  PetscCall(WB_CALLOC(out, &c->mean));
  memset(c->mask, 1, n);
  for (size_t q = 0; q < in; q++) c->x[q] = (float)sin(0.1 * (double)q);
  for (size_t q = 0; q < stat; q++) c->stat[q] = (float)cos(0.1 * (double)q);
  PetscCall(wb_net_create(c->model, c->grid, backend, mode, &c->net));
  PetscFunctionReturn(0);
}

static PetscErrorCode condition(void *ctx) {
  const NetCase *c = ctx;
  return wb_net_condition(c->net, c->stat, c->mask, NULL);
}

static PetscErrorCode forward(void *ctx) {
  const NetCase *c = ctx;
  return wb_net_forward(c->net, 0.5, c->x, c->out);
}

/* What the overlap of halo exchanges with their arrays' making is worth. */
static PetscErrorCode without_overlap(WbBench *b, NetCase *c) {
  double seconds = 0;
  PetscFunctionBeginUser;
  if (b->app->size == 1) PetscFunctionReturn(0);
  wb_net_overlap(c->net, false);
  PetscCall(wb_bench_time(b, forward, c, &seconds));
  wb_bench_add(b, "net_forward_plain_exchange", seconds, "s");
  PetscFunctionReturn(0);
}

PetscErrorCode wb_bench_net(WbBench *b) {
  NetCase c;
  PetscFunctionBeginUser;
  PetscErrorCode e = create(b->app, WB_NET_INFERENCE, &c);
  if (!e) e = wb_bench_layers(b, "net_condition", c.net, condition, &c);
  if (!e) e = wb_bench_layers(b, "net_forward", c.net, forward, &c);
  if (!e) e = without_overlap(b, &c);
  destroy(&c);
  PetscFunctionReturn(e);
}

/* As one sample in training: every mean network learns but one of several, and the step is guided by that one. Loss
 * 1/2 |out|^2 + 1/2 |mean_k|^2 of those that learn; gradients over the ranks, AdamW. */
static PetscErrorCode train_step(void *ctx) {
  NetCase *c = ctx;
  const int nets = wb_model_config(c->model)->cond_nets;
  double norm = 0;
  PetscFunctionBeginUser;
  wb_model_zero_grads(c->model);
  for (int k = 0; k < nets; k++) {
    PetscCall(wb_net_mean_forward(c->net, k, c->stat, c->mask, c->mean));
    if (nets == 1 || k < nets - 1) PetscCall(wb_net_mean_backward(c->net, c->mean));
  }
  PetscCall(wb_net_condition(c->net, c->stat, c->mask, c->mean));
  PetscCall(forward(c));
  PetscCall(wb_net_backward(c->net, c->out, NULL));
  PetscCall(wb_net_condition_backward(c->net));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, wb_model_grads(c->model), (int)wb_model_size(c->model), MPI_FLOAT, MPI_SUM,
                             c->grid->comm));
  PetscCall(wb_adamw_step(c->opt, 1e-6, &norm));
  PetscCall(wb_net_params_changed(c->net));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_bench_train(WbBench *b) {
  const WbAdamWOptions options = {
      .lr = 1e-6, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .weight_decay = 1e-2, .clip_norm = 1, .ema_decay = 0.998};
  NetCase c;
  PetscFunctionBeginUser;
  PetscErrorCode e = create(b->app, WB_NET_TRAINING, &c);
  if (!e) e = wb_adamw_create(c.model, &options, &c.opt);
  if (!e) e = wb_bench_layers(b, "train_step", c.net, train_step, &c);
  destroy(&c);
  PetscFunctionReturn(e);
}

typedef struct {
  WbSr sr;
  WbCity *city;
  WbGrid *grid;
  uint8_t *fluid;
  float *lr, *out;
  bool bf16;
} ShotCase;

static void destroy_shot(ShotCase *c) {
  wb_sr_destroy(&c->sr);
  wb_city_destroy(&c->city);
  WB_FREE(&c->fluid);
  WB_FREE(&c->lr);
  WB_FREE(&c->out);
  wb_grid_destroy(&c->grid);
}

static PetscErrorCode one_shot(void *ctx) {
  PetscFunctionBeginUser;
  const ShotCase *c = ctx;
  PetscCall(wb_sr_condition(c->sr, c->lr));
  PetscCall(wb_sr_member(c->sr, 0, 0, c->out));
  PetscFunctionReturn(0);
}

/* A uniform wind around a synthetic city on the coarse grid. */
static PetscErrorCode make_wind(const WbSimOptions *sim, int levels, ShotCase *c) {
  double zf[64];
  const size_t n = wb_grid_owned(c->grid);
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(n, &c->fluid));
  PetscCall(WB_CALLOC(4 * n, &c->lr));
  wb_grid_heights(levels, c->grid->dx_m, zf, NULL);
  PetscCall(wb_city_air_cells(c->city, c->grid, zf, c->fluid));
  for (size_t q = 0; q < n; q++) {
    c->lr[4 * q] = (float)sim->les.theta_surface_K;
    c->lr[4 * q + 1] = (float)sim->les.wind_speed_m_per_s;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode create_shot(WbApp *app, ShotCase *c) {
  const int nx = (int)wb_config_int(app->config, "bench", "nx") / 4, levels = 9;
  WbCityOptions o = {.generate = "tokyo_like", .seed = 1, .null_height = "refuse", .window_given = true};
  WbSrOptions options;
  WbSimOptions sim;
  WbNormalisation forcing;
  PetscFunctionBeginUser;
  memset(c, 0, sizeof *c);
  PetscCall(wb_app_sr_options(app, &options));
  c->bf16 = options.backend == WB_BACKEND_ONEDNN_BF16;
  PetscCall(wb_app_sim_options(app, &sim));
  wb_app_forcing(&sim, &forcing);
  o.size_x_m = o.size_y_m = nx * sim.dx_m;
  PetscCall(wb_city_create(app->comm, &o, &c->city));
  const WbGridShape shape = {.nx = nx, .ny = nx, .nz = levels, .dx_m = sim.dx_m};
  PetscCall(wb_grid_make(app->comm, &shape, &c->grid));
  PetscCall(make_wind(&sim, levels, c));
  PetscCall(wb_sr_create(c->grid, c->city, c->fluid, &forcing, sim.les.heat_flux_K_m_per_s, &options, &c->sr));
  PetscCall(WB_ALLOC(4 * wb_grid_owned(wb_sr_grid(c->sr)), &c->out));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_bench_shot(WbBench *b) {
  ShotCase c;
  PetscFunctionBeginUser;
  PetscErrorCode e = create_shot(b->app, &c);
  if (!e) e = wb_bench_layers(b, c.bf16 ? "shot_bf16" : "shot_fp32", wb_sr_net(c.sr), one_shot, &c);
  destroy_shot(&c);
  PetscFunctionReturn(e);
}
