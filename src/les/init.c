/* Initial states: from functions, from the forcing (cyclic), from the inflow's mean profile. */
#include "les_internal.h"

#define PERTURBATION 0.15   /* of the wind speed, at the ground */
#define BLOCK 4             /* horizontal size of the perturbations [cells]; 2 levels vertically */
#define CALM_M_PER_S 0.5    /* perturbations of calm air stand for this speed */
#define PROFILE_TOP_M 400.0 /* the log law is not carried further up */

/* Common end: ghosts, projection (dt is arbitrary: only dt * p enters), statistics reset. Closed faces hold 0 already.
 */
static PetscErrorCode settle(WbLes les) {
  PetscFunctionBeginUser;
  PetscCall(les->ops->boundary(les, les->time_s, 0.0));
  PetscCall(les->ops->project(les, 1.0, true));
  PetscCall(les->ops->cfl(les, &les->last_cfl, &les->last_speed, &les->last_visc));
  PetscCall(wb_les_mean_reset(les));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_init_fields(WbLes les, WbFieldFn u, WbFieldFn v, WbFieldFn w, WbFieldFn theta, void *ctx) {
  PetscFunctionBeginUser;
  PetscCall(les->ops->set_fields(les, u, v, w, theta, ctx));
  PetscCall(settle(les));
  PetscFunctionReturn(0);
}

typedef struct {
  WbLes les;
  double *profile;     /* (3, nz) u, v, theta of the inflow, or NULL: log law and reference */
  double speed, angle; /* large-scale wind at the start */
  double gusts;        /* speed that perturbations are made of */
} Start;

static int level_of(const WbLes les, double z) {
  int k = 0;
  while (k < les->lay.nz - 1 && les->met.zf[k + 1] <= z) k++;
  return k;
}

/* Log law through the large-scale wind at wind_height, or only up to it when it is the geostrophic wind. */
double wb_les_log_wind(const WbLesOptions *o, double speed, double z) {
  const double z0 = o->z0_ground_m, h = PetscMax(o->wind_height_m, 2.0 * z0);
  const double top = o->forcing.geostrophic ? h : PetscMax(PROFILE_TOP_M, h);
  const double zz = PetscMax(PetscMin(z, top), 1.5 * z0);
  return speed * log(zz / z0) / log(h / z0);
}

/* Uniform noise in (-1, 1) by global cell, fading out at 2/3 of the height. Blocks of BLOCK cells share a value: noise
 * of the grid scale would be gone after a few steps and turbulence would wait for it. */
static double noise(const WbLes les, int component, double x, double y, double z) {
  const WbGrid *g = les->grid;
  const int k = level_of(les, z), i = (int)((x - g->x_min_m) / g->dx_m + 0.25),
            j = (int)((y - g->y_min_m) / g->dx_m + 0.25);
  const WbRandomKey key = {.seed = les->opt.seed, .stream = WB_STREAM_LES};
  const uint64_t voxel =
      ((uint64_t)(k / 2) * (uint64_t)g->ny + (uint64_t)(j / BLOCK)) * (uint64_t)g->nx + (uint64_t)(i / BLOCK);
  double r[4];
  wb_random_uniform4(&key, voxel, r);
  const double fade = 1.0 - z / (les->met.zf[les->lay.nz] * 2.0 / 3.0);
  return fade > 0.0 ? (2.0 * r[component] - 1.0) * fade : 0.0;
}

static double start_u(void *ctx, double x, double y, double z) {
  const Start *s = ctx;
  if (s->profile) return s->profile[level_of(s->les, z)];
  return -sin(s->angle) * wb_les_log_wind(&s->les->opt, s->speed, z) +
         PERTURBATION * s->gusts * noise(s->les, 0, x, y, z);
}

static double start_v(void *ctx, double x, double y, double z) {
  const Start *s = ctx;
  if (s->profile) return s->profile[s->les->lay.nz + level_of(s->les, z)];
  return -cos(s->angle) * wb_les_log_wind(&s->les->opt, s->speed, z) +
         PERTURBATION * s->gusts * noise(s->les, 1, x, y, z);
}

static double start_w(void *ctx, double x, double y, double z) {
  const Start *s = ctx;
  if (s->profile) return 0.0;
  return PERTURBATION * s->gusts * noise(s->les, 2, x, y, z);
}

static double start_theta(void *ctx, double x, double y, double z) {
  const Start *s = ctx;
  (void)x;
  (void)y;
  if (s->profile) return s->profile[2 * s->les->lay.nz + level_of(s->les, z)];
  return wb_les_theta_ref(&s->les->opt, z);
}

PetscErrorCode wb_les_set_scalar(WbLes les, int scalar, WbFieldFn value, void *ctx) {
  PetscFunctionBeginUser;
  PetscCall(wb_les_check_scalar(les, scalar));
  PetscCall(les->ops->set_scalar(les, WB_NFIELDS + scalar, value, ctx));
  PetscCall(les->ops->boundary(les, les->time_s, 0.0));
  PetscFunctionReturn(0);
}

/* Subgrid energy that goes with the perturbations. */
static double start_energy(void *ctx, double x, double y, double z) {
  const Start *s = ctx;
  const double fade = 1.0 - z / (s->les->met.zf[s->les->lay.nz] * 2.0 / 3.0), gust = 0.1 * s->gusts;
  return PetscMax(WB_TKE_MIN, gust * gust * fade);
}

PetscErrorCode wb_les_init(WbLes les, double t0_s) {
  Start start = {.les = les};
  PetscFunctionBeginUser;
  les->time_s = t0_s;
  wb_les_wind_polar(&les->opt, t0_s, &start.speed, &start.angle);
  start.gusts = start.speed > 0.0 ? start.speed : CALM_M_PER_S;
  if (les->inflow) {
    PetscCall(WB_ALLOC(3 * les->lay.nz, &start.profile));
    const int nz = les->lay.nz;
    PetscCall(wb_inflow_profile(les->inflow, t0_s, nz, les->met.zf, start.profile, start.profile + nz,
                                start.profile + 2 * nz));
  }
  PetscCall(wb_les_init_fields(les, start_u, start_v, start_w, start_theta, &start));
  WB_FREE(&start.profile);
  if (les->tke_field >= 0) PetscCall(wb_les_set_scalar(les, les->tke_field - WB_NFIELDS, start_energy, &start));
  PetscFunctionReturn(0);
}
