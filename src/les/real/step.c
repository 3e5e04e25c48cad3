/* One Runge-Kutta step: Wicker & Skamarock (2002), dt/3, dt/2, dt, each from the start state, with a projection after
 * each stage. Reading order: prepare the viscosity, then per stage tendency -> boundary -> projection. */
#include <stdio.h>

#include "stage.h"

static void stage_setup(WbLes les, void *in, void *base, void *out, double dt, WbStage *s) {
  const WbLesLayout *l = &les->lay;
  const size_t line = (size_t)(2 * l->nxl + 64), plane = (size_t)l->nyl * (size_t)l->nxl;
  *s = (WbStage){.nz = l->nz, .nyl = l->nyl, .nxl = l->nxl, .sy = l->sy, .sz = l->sz};
  s->origin = wb_les_at(l, 0, 0, 0);
  s->fx = les->work;
  s->fy = s->fx + line;
  for (int f = 0; f < les->nf; f++) {
    s->in[f] = wb_les_field(les, in, f);
    s->base[f] = wb_les_field(les, base, f);
    s->out[f] = wb_les_field(les, out, f);
    s->fz[f] = s->fy + line + (size_t)f * plane;
  }
  s->nut = s->kappa = les->nut;
  s->fluid = les->fluid;
  s->porous = les->porous;
  s->near_wall = les->near_wall;
  s->dt = (WbReal)dt;
  s->rdx = (WbReal)(1.0 / les->grid->dx_m);
  s->force[0] = (WbReal)les->force[0];
  s->force[1] = (WbReal)les->force[1];
  s->inv_prandtl = (WbReal)(1.0 / les->opt.prandtl_turbulent);
  if (les->tke_field >= 0) {
    s->kappa = les->tke_work;
    s->inv_prandtl = 1;
    s->production = s->kappa + l->field;
    s->decay = s->production + l->field;
  }
  s->buoyancy = les->opt.momentum_only ? 0 : (WbReal)(WB_GRAVITY / les->opt.theta_surface_K);
  s->upwind = (WbReal)(les->opt.upwind_fraction / 12.0);
  s->dz = les->met.dz + 1;
  s->dzf = les->met.dzf + 1;
  s->drive = les->met.drive;
  s->push[0] = les->met.push[0];
  s->push[1] = les->met.push[1];
  s->heating = les->opt.forcing.n_tendency > 0 || les->opt.ground_viscosity ? les->met.push[2] : NULL;
  s->coriolis = (WbReal)les->coriolis_per_s;
  s->geostrophic[0] = (WbReal)les->geostrophic[0];
  s->geostrophic[1] = (WbReal)les->geostrophic[1];
  s->theta_ref = les->met.theta_ref;
  s->relax_c = les->met.relax_c;
  s->relax_f = les->met.relax_f;
}

/* A source acts in the steps whose middle lies in its time. */
static void emit(WbLes les, const WbStage *s) {
  const double t = les->time_s + 0.5 * les->dt_s;
  for (int n = 0; n < les->opt.tracers.n_sources; n++) {
    const WbLesSource *o = &les->opt.tracers.source[n];
    if (t >= o->start_s && t < o->end_s) WB_R(wb_les_emit)(s, WB_NFIELDS + o->tracer, &les->source[n]);
  }
}

static void advance_velocity(const WbStage *s, WbAdvection advection, int k) {
  if (advection == WB_ADVECTION_UPWIND5) {
    WB_R(wb_les_advance_fifth_u)(s, k);
    WB_R(wb_les_advance_fifth_v)(s, k);
    WB_R(wb_les_advance_fifth_w)(s, k);
    return;
  }
  WB_R(wb_les_advance_u)(s, k);
  WB_R(wb_les_advance_v)(s, k);
  WB_R(wb_les_advance_w)(s, k);
}

void WB_R(wb_les_momentum)(WbLes les, void *in, void *out) {
  WbStage s;
  stage_setup(les, in, in, out, les->dt_s, &s);
  for (int k = 0; k < s.nz; k++) advance_velocity(&s, les->opt.advection, k);
}

/* out = base + dt * tendency(in), levels interleaved so that each level's fields are read from cache. */
static void tendency(WbLes les, void *in, void *base, void *out, double dt) {
  WbStage s;
  stage_setup(les, in, base, out, dt, &s);
  if (les->porous) WB_R(wb_les_porous_velocity)(les, in);
  for (int k = 0; k < s.nz; k++) {
    advance_velocity(&s, les->opt.advection, k);
    if (les->porous) WB_R(wb_les_porous_momentum)(&s, les->porous, les->lay.field, k);
    if (les->coriolis_per_s != 0.0) WB_R(wb_les_coriolis)(&s, k);
    if (!les->opt.momentum_only) WB_R(wb_les_advance_theta)(&s, k);
    if (!les->opt.momentum_only && s.heating) WB_R(wb_les_heat_level)(&s, k);
    for (int f = WB_NFIELDS; f < les->nf; f++) {
      if (f == les->tke_field)
        WB_R(wb_les_advance_tke)(&s, f, k);
      else
        WB_R(wb_les_advance_tracer)(&s, f, k);
    }
    for (int f = 0; f < les->nf; f++) WB_R(wb_les_close)(s.out[f], &les->closed[WB_KIND(f)], k);
    if (les->opt.wall != WB_WALL_FREE_SLIP)
      WB_R(wb_les_wall_stress)(&s, les->walls, les->opt.wall == WB_WALL_NO_SLIP, k);
  }
  emit(les, &s);
  if (les->opt.top_no_slip) WB_R(wb_les_lid)(les, &s);
  if (les->opt.momentum_only) return;
  WB_R(wb_les_heat)(&s, &les->heat);
  for (int axis = 0; axis < 3; axis++) WB_R(wb_les_exchange)(&s, &les->exchange[axis], axis, les->theta_change_K);
  if (les->opt.surface.most) WB_R(wb_les_ground_exchange)(les, &s);
}

/* A projection that fails on every rank: because of a value that is not finite (then say which, where), or by itself.
 */
static PetscErrorCode blame(WbLes les, PetscErrorCode error) {
  char message[512];
  double ignored[3];
  PetscFunctionBeginUser;
  if (error != WB_ERR_NUMERIC || !wb_error_is_collective()) PetscFunctionReturn(error);
  snprintf(message, sizeof(message), "%s", wb_error_message());
  wb_error_clear();
  PetscCall(les->ops->cfl(les, &ignored[0], &ignored[1], &ignored[2]));
  WB_RAISE_ALL(WB_ERR_NUMERIC, "LES step %ld (t = %.3f s, dt = %.4g s): %s", les->steps + 1, les->time_s, les->dt_s,
               message);
}

#define LEAST_SPEED_M_PER_S 0.1 /* convection reaches it within a step; less would ask for more than fp32 can hold */
/* The speed that divergence is measured by: the wind, or without one the largest of the step before. */
static double scale_speed(const WbLes les) {
  const double wind = les->opt.wind_speed_m_per_s;
  return wind > 0.0 ? wind : PetscMax(les->last_speed, LEAST_SPEED_M_PER_S);
}

/* slot: warm start of the projection (0, 1: loose stages; 2: final). */
static PetscErrorCode project(WbLes les, double dt_s, int slot) {
  const double speed = scale_speed(les);
  const double scale = speed / les->grid->dx_m, tol = slot == 2 ? les->opt.tol_final : les->opt.tol_stage;
  int iterations = 0;
  double max_div = 0.0;
  PetscFunctionBeginUser;
  const PetscErrorCode error = wb_project_apply(
      les->project, wb_les_field(les, les->state, WB_U), wb_les_field(les, les->state, WB_V),
      wb_les_field(les, les->state, WB_W), dt_s, tol * scale, les->opt.max_iterations, slot, &iterations, &max_div);
  if (error) PetscCall(blame(les, error));
  les->iterations_total += iterations;
  if (slot == 2) {
    les->max_div_per_s = max_div;
    les->max_div_scaled = PetscMax(les->max_div_scaled, max_div / scale);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode refresh(WbLes les) {
  PetscFunctionBeginUser;
  PetscCall(wb_halo_exchange(les->halo_state, les->state));
  WB_R(wb_les_z_ghosts)(les);
  PetscFunctionReturn(0);
}

static PetscErrorCode stage(WbLes les, void *in, void *base, void *out, double dt, int slot) {
  const int t_advect = wb_timer_id("les.advect"), t_boundary = wb_timer_id("les.boundary"),
            t_project = wb_timer_id("les.projection");
  PetscFunctionBeginUser;
  wb_timer_begin(t_advect);
  tendency(les, in, base, out, dt);
  wb_timer_end(t_advect);
  les->state = out;
  wb_timer_begin(t_boundary);
  if (les->inflow)
    PetscCall(les->ops->boundary(les, les->time_s + dt, dt));
  else
    PetscCall(wb_project_far_faces(les->project, wb_les_field(les, out, WB_U), wb_les_field(les, out, WB_V)));
  wb_timer_end(t_boundary);
  wb_timer_begin(t_project);
  PetscCall(project(les, dt, slot));
  wb_timer_end(t_project);
  wb_timer_begin(t_boundary);
  PetscCall(refresh(les));
  wb_timer_end(t_boundary);
  PetscFunctionReturn(0);
}

PetscErrorCode WB_R(wb_les_rk3_step)(WbLes les, double dt_s) {
  void *start = les->state, *a = les->state0, *b = les->tendency;
  const int t_closure = wb_timer_id("les.closure");
  PetscFunctionBeginUser;
  wb_timer_begin(t_closure);
  les->last_visc = WB_R(wb_les_viscosity)(les, les->porous ? WB_R(wb_les_porous_velocity)(les, start) : start);
  PetscCall(wb_les_ground_viscosity_step(les));
  wb_timer_end(t_closure);
  les->state0 = start; /* before each stage: it may fail, and the three must then still be three to be freed */
  les->tendency = a;
  PetscCall(stage(les, start, start, b, dt_s / 3.0, 0));
  les->tendency = b;
  PetscCall(stage(les, b, start, a, dt_s / 2.0, 1));
  les->tendency = a;
  PetscCall(stage(les, a, start, b, dt_s, 2));
  PetscFunctionReturn(0);
}

/* Outside of a step (initial states): les->state made solenoidal. */
PetscErrorCode WB_R(wb_les_make_solenoidal)(WbLes les, double dt_s, bool final) {
  PetscFunctionBeginUser;
  PetscCall(project(les, dt_s, final ? 2 : 0));
  PetscCall(refresh(les));
  PetscFunctionReturn(0);
}
