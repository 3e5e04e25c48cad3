/* One number for all options of a run: what tells whether a checkpoint or stored planes fit. Every member counts
 * (tests/unit/les/mark.c looks for one that does not). */
#include <string.h>

#include "les_options.h"

static uint64_t mix(uint64_t h, double value) {
  value += 0.0; /* -0 is 0 */
  return wb_hash(h, &value, sizeof value);
}

static uint64_t mix_table(uint64_t h, int n, const double *values) {
  h = mix(h, n);
  for (int i = 0; i < n; i++) h = mix(h, values[i]);
  return h;
}

/* What drives the air: weather, closure, numerics. */
static uint64_t mark_flow(uint64_t h, const WbLesOptions *o) {
  const double value[] = {o->precision,
                          o->closure,
                          o->wall,
                          o->advection,
                          o->upwind_fraction,
                          o->viscosity_m2_per_s,
                          o->prandtl_turbulent,
                          o->wind_speed_m_per_s,
                          o->wind_direction_deg,
                          o->wind_height_m,
                          o->theta_surface_K,
                          o->lapse_K_per_m,
                          o->mixed_height_m,
                          o->heat_flux_K_m_per_s,
                          o->cfl_max,
                          o->dt_max_s,
                          o->tol_final,
                          o->tol_stage,
                          o->max_iterations,
                          o->sponge_height_m,
                          o->seed,
                          o->top_no_slip,
                          o->top_velocity_m_per_s[0],
                          o->top_velocity_m_per_s[1],
                          o->momentum_only,
                          o->ground_viscosity};
  return mix_table(h, (int)(sizeof value / sizeof value[0]), value);
}

static uint64_t mark_forcing(uint64_t h, const WbLesForcing *f) {
  h = mix(mix(mix(h, f->coriolis), f->geostrophic), f->latitude_deg);
  h = mix_table(h, f->n_wind, f->wind_time_s);
  h = mix_table(h, f->n_wind, f->wind_speed_m_per_s);
  h = mix_table(h, f->n_wind, f->wind_direction_deg);
  h = mix_table(h, f->n_tendency, f->tendency_height_m);
  h = mix_table(h, f->n_tendency, f->tendency_u_m_per_s2);
  h = mix_table(h, f->n_tendency, f->tendency_v_m_per_s2);
  return mix_table(h, f->n_tendency, f->tendency_theta_K_per_s);
}

/* Over flat ground only the ground counts, and neither sun nor shade changes its flux. */
static uint64_t mark_surface(uint64_t h, const WbLesSurface *s, bool flow_only) {
  const int classes = flow_only ? 1 : WB_FACET_CLASSES;
  h = mix(mix(mix(h, s->most), s->theta_rate_K_per_s), s->z0_heat_ratio);
  for (int c = 0; c < classes; c++) {
    h = mix(h, isnan(s->theta_K[c]) ? -1.0 : s->theta_K[c]);
    h = mix(h, isnan(s->flux_K_m_per_s[c]) ? -1e9 : s->flux_K_m_per_s[c]);
  }
  if (flow_only && (!s->sun || s->sun_warming_K == 0.0)) return h;
  h = mix(mix(mix(mix(mix(h, s->sun), s->longitude_deg), s->north_deg), s->day_of_year), s->utc_s);
  return mix(mix(h, s->diffuse_fraction), s->sun_warming_K);
}

static uint64_t mark_tracers(uint64_t h, const WbLesTracers *t) {
  h = mix(h, t->n);
  for (int n = 0; n < t->n; n++) h = wb_hash(h, t->name[n], strlen(t->name[n]) + 1);
  h = mix(h, t->n_sources);
  for (int n = 0; n < t->n_sources; n++) {
    const WbLesSource *s = &t->source[n];
    const double value[] = {s->tracer,   s->x_m,      s->y_m,           s->z_m,     s->size_x_m,
                            s->size_y_m, s->size_z_m, s->rate_kg_per_s, s->start_s, s->end_s};
    h = mix_table(h, (int)(sizeof value / sizeof value[0]), value);
  }
  return h;
}

uint64_t wb_les_options_mark(const WbLesOptions *o, bool flow_only) {
  uint64_t h = mark_flow(WB_HASH_START, o);
  h = mark_forcing(h, &o->forcing);
  h = mark_surface(h, &o->surface, flow_only);
  if (flow_only) return h;
  h = mix(mix(mix(mix(h, o->z0_ground_m), o->z0_wall_m), o->form_drag), o->theta_variance);
  return mark_tracers(mix(h, o->drive_mean_wind), &o->tracers);
}
