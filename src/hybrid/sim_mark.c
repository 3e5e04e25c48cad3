/* What a simulation around a city depends on, as one number: it tells whether a checkpoint and inflow planes fit. */
#include <stdio.h>
#include <string.h>

#include "sim_internal.h"

static uint64_t mix(uint64_t h, int n, const double *values) {
  for (int i = 0; i < n; i++) {
    const double value = values[i] + 0.0; /* -0 is 0 */
    h = wb_hash(h, &value, sizeof value);
  }
  return h;
}

/* Over the height raster: another city is another simulation. */
static uint64_t mark_city(uint64_t h, const WbCity *city) {
  return city->height ? wb_hash(h, city->height, (size_t)city->nx * (size_t)city->ny * sizeof(float)) : h;
}

static uint64_t mark_inflow(uint64_t h, const WbSimOptions *o) {
  const double kind[] = {o->inflow, o->inflow == WB_INFLOW_PRECURSOR ? 0 : o->inflow_length_m};
  h = mix(h, 2, kind);
  return o->inflow == WB_INFLOW_FILE ? wb_hash(h, o->boundary_file, strlen(o->boundary_file)) : h;
}

void wb_sim_mark(WbSim sim, bool flow_only, char mark[WB_SIM_MARK]) {
  const WbSimOptions *o = &sim->opt;
  const double domain[] = {sim->x_min_m, sim->y_min_m,      sim->size_x_m, sim->size_y_m,      sim->top_m,
                           o->dx_m,      o->precursor_z0_m, o->spinup_s,   o->plane_interval_s};
  const double runs[] = {o->rim_m,      o->margin_m,   o->output_interval_s, o->hr_uniform_top_m,
                         o->hr_stretch, o->hr_dz_max_m};
  uint64_t h = mix(WB_HASH_START, (int)(sizeof domain / sizeof domain[0]), domain);
  const uint64_t les = wb_les_options_mark(&o->les, flow_only);
  h = wb_hash(h, &les, sizeof les);
  if (!flow_only) {
    h = mix(h, (int)(sizeof runs / sizeof runs[0]), runs);
    h = mark_city(mark_inflow(h, o), sim->city);
    const double below[] = {o->geometry_dx_m, o->solid_from};
    if (o->porous) h = mix(h, 2, below);
  }
  snprintf(mark, WB_SIM_MARK, "fnv1a %016llx", (unsigned long long)h);
}
