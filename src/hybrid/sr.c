/* Super-resolution of one minute: 20 m fields of the forecast window to members at 5 m. */
#include "sr_internal.h"
#include "windbridge/projection.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Largest divergence left by the projection: a hundredth of what 5 m truth shows at its cell centres. */
static const double PROJECTION_TOLERANCE_PER_S = 1e-4;
enum { C = WB_CHANNELS, DEFAULT_STEPS = 3, RATIO = 4 /* of the network: its coarsest level is the LR grid */ };

struct WbSr_s {
  WbGrid *lr, *hr; /* lr: the caller's window, as many levels as x0 needs */
  WbModel model;   /* NULL: interpolation only */
  WbModelMeta meta;
  WbSlabs net; /* the network, in one piece or in slabs */
  WbProcess process;
  WbPlan plan;
  WbNoiseField noise;
  WbSolenoidal solenoidal; /* NULL: members as the sampler makes them */
  WbRandomKey key;
  WbNormalisation norm;
  double *z;                 /* (nz) */
  uint8_t *fluid, *lr_valid; /* (n) on the HR grid */
  uint8_t *lr_fluid;         /* on lr */
  float *wall, *flux;        /* (n), (nyl, nxl) */
  float *x0, *x0_normal;     /* (n, 4) physical with NaN in buildings; normalised with 0 there */
  float *stat;               /* (n, 9) */
  float *state, *work;       /* (n, 4), (fields of the plan, n, 4) */
  bool conditioned, antithetic;
  int symmetry; /* by which the model is turned */
  long evaluations, shots;
  double seconds; /* conditions and members */
};

static PetscErrorCode make_plan(WbSr s, const WbSrOptions *o) {
  const int steps = o->steps > 0 ? o->steps : DEFAULT_STEPS;
  WbSampler sampler;
  WbTimeGrid grid;
  double *t = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_sampler_parse(o->sampler ? o->sampler : "euler_maruyama", o->noise, &sampler));
  wb_time_grid_default(wb_process_kind(s->process), &grid);
  if (o->start_power > 0.0 || o->end_power > 0.0)
    grid = (WbTimeGrid){.start_power = o->start_power > 0.0 ? o->start_power : 1.0,
                        .end_power = o->end_power > 0.0 ? o->end_power : 1.0};
  if (o->noise_scale > 0.0) sampler.noise_scale = o->noise_scale;
  PetscCall(WB_ALLOC(steps + 1, &t));
  PetscErrorCode failed = wb_time_grid(&grid, steps, t);
  if (!failed) failed = wb_plan_create(s->process, &sampler, steps, t, &s->plan);
  WB_FREE(&t);
  PetscFunctionReturn(failed);
}

/* What the network must fit, and the process that it was trained for. */
static PetscErrorCode adopt_model(WbSr s, const WbSrOptions *o) {
  const WbNetConfig *c = wb_model_config(s->model);
  PetscFunctionBeginUser;
  if (c->in_dynamic != C || c->in_static != WB_STATIC_CHANNELS || c->out != C) {
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: network of %d + %d inputs and %d outputs; super-resolution needs %d + %d and %d",
                 o->model_path, c->in_dynamic, c->in_static, c->out, C, WB_STATIC_CHANNELS, C);
  }
  WbProcessKind kind;
  PetscCall(wb_process_parse(s->meta.process, &kind));
  if (strcmp(s->meta.target, "preconditioned") != 0) {
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: a model with target '%s'; allowed is preconditioned", o->model_path,
                 s->meta.target);
  }
  if (o->schedule && strcmp(o->schedule, s->meta.schedule) != 0) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "sr_schedule is '%s', but %s was trained with '%s'; leave it out or give that one",
                 o->schedule, o->model_path, s->meta.schedule);
  }
  WbProcessOptions process;
  wb_process_options_default(kind, &process);
  PetscCall(wb_schedule_parse(s->meta.schedule, &process.schedule));
  const WbModelTable *table = &s->meta.table;
  if (table->n > 0)
    process.table = (WbPathTable){.n = table->n,
                                  .t = table->t,
                                  .alpha = table->alpha,
                                  .beta = table->beta,
                                  .noise = table->noise,
                                  .diffusivity = table->has_diffusivity ? table->diffusivity : NULL};
  for (int c4 = 0; c4 < C; c4++) {
    if (!(s->meta.scale[c4] > 0.0f) || !(s->meta.epsilon[c4] > 0.0f) || !(s->meta.residual[c4] > 0.0f) ||
        !(s->meta.spread[c4] > 0.0f)) {
      WB_RAISE_ALL(WB_ERR_INPUT, "%s: scale %g, epsilon %g, residual %g and spread %g of channel %d must be positive",
                   o->model_path, (double)s->meta.scale[c4], (double)s->meta.epsilon[c4], (double)s->meta.residual[c4],
                   (double)s->meta.spread[c4], c4);
    }
    s->norm.scale[c4] = s->meta.scale[c4];
    process.epsilon[c4] = s->meta.epsilon[c4];
  }
  s->norm.scale_by_wind = s->meta.scale_by_wind;
  PetscCall(wb_process_create(&process, &s->process));
  PetscCall(make_plan(s, o));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_grids(WbSr s, const WbGrid *lr_grid, const WbSrOptions *o) {
  const double dx_lr = lr_grid->dx_m;
  PetscFunctionBeginUser;
  const int ratio = (int)lround(dx_lr / o->dx_m), nz = (int)lround(o->top_m / o->dx_m);
  if (ratio != RATIO || fabs(dx_lr / o->dx_m - RATIO) > 1e-9) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "sr_dx_m is %g with les_dx_m %g; the model refines by %d, so %g is allowed", o->dx_m,
                 dx_lr, RATIO, dx_lr / RATIO);
  }
  if (nz < RATIO || nz % RATIO != 0 || fabs(o->top_m / o->dx_m - nz) > 1e-9) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "sr_top_m is %g; allowed are multiples of %g m", o->top_m, dx_lr);
  }
  if (lr_grid->nz < nz / RATIO + 1) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "sr_top_m is %g: %d levels of %g m are needed, the coarse field has %d", o->top_m,
                 nz / RATIO + 1, dx_lr, lr_grid->nz);
  }
  /* one level above the layer and no more: the same as in training, so that the nearest search sees the same cells */
  PetscCall(wb_grid_refine(lr_grid, 1, nz / RATIO + 1, &s->lr));
  PetscCall(wb_grid_refine(lr_grid, RATIO, nz, &s->hr));
  PetscFunctionReturn(0);
}

static PetscErrorCode allocate(WbSr s) {
  const size_t n = wb_grid_owned(s->hr);
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(s->hr->nz, &s->z));
  PetscCall(WB_ALLOC(n, &s->fluid));
  PetscCall(WB_ALLOC(n, &s->lr_valid));
  PetscCall(WB_ALLOC(wb_grid_owned(s->lr), &s->lr_fluid));
  PetscCall(WB_ALLOC(n, &s->wall));
  PetscCall(WB_ALLOC((size_t)s->hr->nyl * (size_t)s->hr->nxl, &s->flux));
  PetscCall(WB_ALLOC(n * C, &s->x0));
  PetscCall(WB_ALLOC(n * C, &s->x0_normal));
  PetscCall(WB_ALLOC(n * WB_STATIC_CHANNELS, &s->stat));
  PetscCall(WB_ALLOC(n * C, &s->state));
  PetscFunctionReturn(0);
}

/* Masks, wall distance and heat flux of this rank's box, from the city or from a pair file's arrays. */
static PetscErrorCode make_geometry(WbSr s, const WbCity *city, const WbPairRun *pair, const uint8_t *lr_fluid,
                                    double heat_flux) {
  const WbGrid *g = s->hr;
  const size_t plane = (size_t)g->nyl * (size_t)g->nxl;
  double *zf = NULL;
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(g->nz + 1, &zf));
  wb_grid_heights(g->nz, g->dx_m, zf, s->z);
  if (pair) {
    memcpy(s->fluid, pair->fluid, wb_grid_owned(g));
    memcpy(s->wall, pair->wall_distance, wb_grid_owned(g) * sizeof(float));
    memcpy(s->flux, pair->heat_flux, plane * sizeof(float));
  } else {
    PetscCall(wb_city_air_cells(city, g, zf, s->fluid));
    PetscCall(wb_city_wall_distances(city, g, WB_WALL_DISTANCE_CAP_M, s->wall));
    for (size_t p = 0; p < plane; p++) s->flux[p] = (float)heat_flux;
  }
  WB_FREE(&zf);
  memcpy(s->lr_fluid, lr_fluid, wb_grid_owned(s->lr));
  for (int k = 0; k < g->nz; k++) {
    for (int j = 0; j < g->nyl; j++) {
      for (int i = 0; i < g->nxl; i++) {
        s->lr_valid[wb_grid_at(g, k, j, i)] = lr_fluid[wb_grid_at(s->lr, k / RATIO, j / RATIO, i / RATIO)];
      }
    }
  }
  PetscFunctionReturn(0);
}

/* The noise that the model was trained with, on this rank's box, and room for the sampler. */
static PetscErrorCode make_noise(WbSr s) {
  const WbGrid *g = s->hr;
  const WbNoiseBox box = {.start = {g->x0, g->y0, 0}, .size = {g->nxl, g->nyl, g->nz}, .nx = g->nx, .ny = g->ny};
  static_assert(sizeof s->meta.noise / sizeof s->meta.noise[0] == WB_NOISE_SCALES, "one share a scale");
  PetscFunctionBeginUser;
  PetscCall(wb_noise_field_create(&box, s->meta.noise, &s->noise));
  wb_plan_set_noise(s->plan, s->noise);
  PetscCall(WB_ALLOC((size_t)wb_plan_fields(s->plan) * wb_grid_owned(g) * C, &s->work));
  PetscFunctionReturn(0);
}

/* After the geometry, which may have a say in how the model is turned. */
static PetscErrorCode load_model(WbSr s, const WbSrOptions *o) {
  PetscFunctionBeginUser;
  PetscCall(wb_model_read(s->hr->comm, o->model_path, &s->model, &s->meta));
  if (s->meta.canonical_wind) {
    PetscCall(wb_sr_frame(s->hr, s->fluid, s->norm.wind_direction_deg, &s->symmetry));
    PetscCall(wb_model_turn(s->model, &s->meta, s->symmetry));
  }
  PetscCall(adopt_model(s, o));
  if (s->norm.scale_by_wind && !(s->norm.wind_speed_m_per_s > 0.0)) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "les_wind_speed_m_per_s is %g; the model measures winds by it, so it must be positive",
                 s->norm.wind_speed_m_per_s);
  }
  PetscCall(wb_error_agree(s->hr->comm, make_noise(s)));
  PetscFunctionReturn(0);
}

static PetscErrorCode create(WbSr s, const WbGrid *lr_grid, const WbCity *city, const WbPairRun *pair,
                             const uint8_t *lr_fluid, const WbNormalisation *forcing, double heat_flux,
                             const WbSrOptions *o) {
  PetscFunctionBeginUser;
  s->norm = *forcing;
  s->antithetic = o->antithetic;
  s->key = (WbRandomKey){.seed = o->seed, .stream = WB_STREAM_BRIDGE};
  PetscCall(make_grids(s, lr_grid, o));
  PetscCall(wb_error_agree(lr_grid->comm, allocate(s)));
  PetscCall(wb_error_agree(lr_grid->comm, make_geometry(s, city, pair, lr_fluid, heat_flux)));
  if (o->model_path) PetscCall(load_model(s, o));
  if (s->model) PetscCall(wb_slabs_create(s->model, s->hr, o->backend, o->slabs > 0 ? o->slabs : 1, &s->net));
  if (s->model && o->projection) PetscCall(wb_solenoidal_create(s->hr, s->fluid, &s->solenoidal));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_sr_create(const WbGrid *lr_grid, const WbCity *city, const uint8_t *lr_fluid,
                            const WbNormalisation *forcing, double heat_flux, const WbSrOptions *options, WbSr *sr) {
  PetscFunctionBeginUser;
  *sr = NULL;
  PetscCall(WB_CALLOC(1, sr));
  const PetscErrorCode e = create(*sr, lr_grid, city, NULL, lr_fluid, forcing, heat_flux, options);
  if (e) wb_sr_destroy(sr);
  PetscFunctionReturn(e);
}

PetscErrorCode wb_sr_create_pair(const WbPairRun *pair, const WbSrOptions *options, WbSr *sr) {
  const WbPairInfo *info = &pair->info;
  const WbNormalisation forcing = {.wind_speed_m_per_s = info->wind_speed_m_per_s,
                                   .wind_direction_deg = info->wind_direction_deg,
                                   .theta_surface_K = info->theta_surface_K,
                                   .lapse_K_per_m = info->lapse_K_per_m,
                                   .mixed_height_m = info->mixed_height_m};
  PetscFunctionBeginUser;
  *sr = NULL;
  PetscCall(WB_CALLOC(1, sr));
  const PetscErrorCode e = create(*sr, pair->lr_grid, NULL, pair, pair->lr_fluid, &forcing, info->heat_flux, options);
  if (e) wb_sr_destroy(sr);
  PetscFunctionReturn(e);
}

void wb_sr_destroy(WbSr *sr) {
  WbSr s = sr ? *sr : NULL;
  if (!s) return;
  if (s->net) wb_slabs_destroy(&s->net);
  if (s->model) wb_model_destroy(&s->model);
  wb_solenoidal_destroy(&s->solenoidal);
  wb_plan_destroy(&s->plan);
  wb_noise_field_destroy(&s->noise);
  wb_process_destroy(&s->process);
  WB_FREE(&s->z);
  WB_FREE(&s->fluid);
  WB_FREE(&s->lr_valid);
  WB_FREE(&s->lr_fluid);
  WB_FREE(&s->wall);
  WB_FREE(&s->flux);
  WB_FREE(&s->x0);
  WB_FREE(&s->x0_normal);
  WB_FREE(&s->stat);
  WB_FREE(&s->state);
  WB_FREE(&s->work);
  if (s->lr) wb_grid_destroy(&s->lr);
  if (s->hr) wb_grid_destroy(&s->hr);
  WB_FREE(sr);
}

/* s->x0 holds the interpolation: conditions of the network from it. */
static PetscErrorCode condition(WbSr s) {
  const size_t n = wb_grid_owned(s->hr), plane = (size_t)s->hr->nyl * (size_t)s->hr->nxl;
  PetscFunctionBeginUser;
  for (size_t p = 0; p < n; p++) {
    for (size_t c = 0; c < C && !s->fluid[p]; c++) s->x0[p * C + c] = NAN;
  }
  if (s->net) {
    memcpy(s->x0_normal, s->x0, n * C * sizeof(float));
    wb_normalise(&s->norm, s->hr->nz, plane, s->z, s->fluid, s->x0_normal);
    wb_static_inputs(s->hr->nz, plane, s->z, s->x0_normal, s->fluid, s->lr_valid, s->wall, s->flux, s->stat);
    PetscCall(wb_slabs_condition(s->net, s->stat, s->fluid));
  }
  s->conditioned = true;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_sr_condition(WbSr s, const float *lr) {
  const double begin = wb_wtime();
  PetscFunctionBeginUser;
  PetscCall(wb_lr_to_hr(s->lr, s->hr, lr, s->lr_fluid, s->x0));
  PetscCall(condition(s));
  s->seconds += wb_wtime() - begin;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_sr_condition_x0(WbSr s, const float *x0) {
  const double begin = wb_wtime();
  PetscFunctionBeginUser;
  memcpy(s->x0, x0, wb_grid_owned(s->hr) * C * sizeof(float));
  PetscCall(condition(s));
  s->seconds += wb_wtime() - begin;
  PetscFunctionReturn(0);
}

/* WbDenoiseFn: what the network's mean and output say of x1. */
static PetscErrorCode network_denoiser(void *ctx, double t, const float *x, float *d, float *d0) {
  WbSr s = ctx;
  const size_t n = wb_grid_owned(s->hr);
  WbPrecond at;
  (void)d0;
  PetscFunctionBeginUser;
  wb_precond_at(s->process, s->meta.residual, t, &at);
  wb_precond_input(&at, n, s->fluid, s->x0_normal, x, s->state);
  PetscCall(wb_slabs_forward(s->net, at.t, s->state, d));
  wb_precond_denoiser(&at, n, s->fluid, s->x0_normal, wb_slabs_mean(s->net), x, d, d);
  s->evaluations++;
  PetscFunctionReturn(0);
}

/* The member's departure from x0 + mean times the model's spread. Buildings stay 0. */
static void stretch(WbSr s, size_t n, float *member) {
  const float *mean = wb_slabs_mean(s->net);
  for (size_t p = 0; p < n; p++) {
    for (size_t c = 0; c < C && s->fluid[p]; c++) {
      const size_t i = p * C + c;
      const float centre = s->x0_normal[i] + mean[i];
      member[i] = centre + s->meta.spread[c] * (member[i] - centre);
    }
  }
}

PetscErrorCode wb_sr_member(WbSr s, int minute, int member, float *out) {
  const double begin = wb_wtime();
  const size_t n = wb_grid_owned(s->hr), plane = (size_t)s->hr->nyl * (size_t)s->hr->nxl;
  PetscFunctionBeginUser;
  if (!s->net || !s->conditioned) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "super-resolution: a member needs a model (sr_model) and a condition");
  }
  WbRandomKey key = s->key;
  key.minute = (uint32_t)minute;
  key.member = (uint32_t)(s->antithetic ? member - member % 2 : member);
  key.negated = s->antithetic && member % 2 == 1;
  PetscCall(wb_bridge_sample(s->plan, &key, n, s->x0_normal, s->fluid, NULL, network_denoiser, s, out, s->work));
  stretch(s, n, out);
  PetscErrorCode bad = 0;
  for (size_t p = 0; p < n * C && !bad; p++) {
    if (!isfinite(out[p])) {
      bad = WB_ERROR(WB_ERR_NUMERIC, WB_ERROR_LOCAL,
                     "super-resolution: channel %d of member %d, minute %d is not finite at height %g m", (int)(p % C),
                     member, minute, s->z[p / C / plane]);
    }
  }
  PetscCall(wb_error_agree(s->hr->comm, bad));
  wb_denormalise(&s->norm, s->hr->nz, plane, s->z, s->fluid, out);
  if (s->solenoidal) PetscCall(wb_solenoidal_apply(s->solenoidal, out, PROJECTION_TOLERANCE_PER_S, NULL));
  s->shots++;
  s->seconds += wb_wtime() - begin;
  PetscFunctionReturn(0);
}

const WbGrid *wb_sr_grid(WbSr s) {
  return s->hr;
}
const uint8_t *wb_sr_fluid(WbSr s) {
  return s->fluid;
}
const uint8_t *wb_sr_lr_valid(WbSr s) {
  return s->lr_valid;
}
const WbNormalisation *wb_sr_normalisation(WbSr s) {
  return &s->norm;
}
int wb_sr_symmetry(WbSr s) {
  return s->symmetry;
}
const float *wb_sr_x0(WbSr s) {
  return s->x0;
}
double wb_sr_seconds_per_shot(WbSr s) {
  return s->shots > 0 ? s->seconds / (double)s->shots : 0.0;
}
long wb_sr_evaluations(WbSr s) {
  return s->evaluations;
}
WbNet wb_sr_net(WbSr s) {
  return s->net ? wb_slabs_net(s->net) : NULL;
}
