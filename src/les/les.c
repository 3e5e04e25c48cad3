/* The solver object: creation, destruction, accessors. */
#include <string.h>

#include "les_internal.h"
#include "les_options.h"

#define SPONGE_RATE 0.02 /* [s-1] at the top; sin^2 ramp from sponge_height (Klemp & Lilly 1978) */

static double sponge(const WbLesOptions *o, double z, double top) {
  if (!(o->sponge_height_m < top) || z <= o->sponge_height_m) return 0.0;
  const double s = sin(0.5 * PETSC_PI * (z - o->sponge_height_m) / (top - o->sponge_height_m));
  return SPONGE_RATE * s * s;
}

/* The driving force acts where turbulence can pass it on to the ground: the laminar air above the mixed layer would
 * otherwise be accelerated without end. */
static double drive_factor(const WbLesOptions *o, double z) {
  const double h = PetscMax(o->mixed_height_m, 2.0 * o->wind_height_m);
  if (!o->drive_mean_wind || z <= h) return 1.0;
  return PetscMax(0.0, 1.0 - (z - h) / (0.3 * h));
}

static PetscErrorCode metrics_create(WbLes les, const double *zf) {
  const int nz = les->lay.nz;
  WbLesMetrics *m = &les->met;
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(nz + 1, &m->zf));
  PetscCall(WB_CALLOC(nz + 2, &m->zc));
  PetscCall(WB_CALLOC(nz + 2, &m->dz));
  PetscCall(WB_CALLOC(nz + 2, &m->dzf));
  PetscCall(WB_CALLOC(nz, &m->theta_ref));
  PetscCall(WB_CALLOC(nz, &m->drive));
  PetscCall(WB_CALLOC(nz, &m->relax_c));
  PetscCall(WB_CALLOC(nz, &m->relax_f));
  for (int k = 0; k <= nz; k++) m->zf[k] = zf[k];
  for (int k = 0; k < nz; k++) {
    m->dz[k + 1] = zf[k + 1] - zf[k];
    m->zc[k + 1] = 0.5 * (zf[k] + zf[k + 1]);
    if (!(m->dz[k + 1] > 0.0))
      WB_RAISE_ALL(WB_ERR_CONFIG, "LES: z faces %d and %d (%g m, %g m) do not increase", k, k + 1, zf[k], zf[k + 1]);
  }
  m->dz[0] = m->dz[1];
  m->dz[nz + 1] = m->dz[nz];
  m->zc[0] = 2.0 * zf[0] - m->zc[1];
  m->zc[nz + 1] = 2.0 * zf[nz] - m->zc[nz];
  for (int k = 0; k <= nz; k++) m->dzf[k + 1] = m->zc[k + 1] - m->zc[k];
  m->dzf[0] = m->dzf[1];
  for (int k = 0; k < nz; k++) {
    m->theta_ref[k] = wb_les_theta_ref(&les->opt, m->zc[k + 1]) - les->opt.theta_surface_K;
    m->drive[k] = drive_factor(&les->opt, m->zc[k + 1]);
    m->relax_c[k] = sponge(&les->opt, m->zc[k + 1], zf[nz]);
    m->relax_f[k] = sponge(&les->opt, zf[k], zf[nz]);
  }
  PetscFunctionReturn(0);
}

/* The solid level that wb_les_viscosity never touches (below ground, above the top) shuts its edges. */
static void close_levels(WbLes les, void *diffusivity) {
  for (size_t i = 0; i < les->lay.field; i++) {
    if (les->opt.precision == WB_FP32)
      ((float *)diffusivity)[i] = -1.0e6F;
    else
      ((double *)diffusivity)[i] = -1.0e6;
  }
}

void wb_les_shape(WbLes les) {
  les->lay = wb_layout(les->grid, wb_les_ghost_width(&les->opt));
  les->nf = WB_NFIELDS + les->opt.tracers.n;
  les->tke_field = les->opt.closure == WB_CLOSURE_DEARDORFF ? les->nf++ : -1;
  les->ops = les->opt.precision == WB_FP32 ? &wb_les_ops_f32 : &wb_les_ops_f64;
}

PetscErrorCode wb_les_fields_allocate(WbLes les) {
  const WbLesLayout *l = &les->lay;
  WbTally *t = &les->tally;
  const size_t b = les->ops->real_bytes, owned = wb_grid_owned(les->grid);
  const size_t lines = 2 * (size_t)(2 * l->nxl + 64), planes = (size_t)les->nf * (size_t)l->nyl * (size_t)l->nxl;
  PetscFunctionBeginUser;
  const size_t state = (size_t)les->nf * l->field * b;
  PetscCall(wb_tally_calloc(t, state, "LES state", &les->state));
  PetscCall(wb_tally_calloc(t, state, "LES state 0", &les->state0));
  PetscCall(wb_tally_calloc(t, state, "LES tendency", &les->tendency));
  if (les->tke_field >= 0) PetscCall(wb_tally_calloc(t, 3 * l->field * b, "LES subgrid energy", &les->tke_work));
  PetscCall(wb_tally_calloc(t, l->field * b, "LES viscosity", &les->nut));
  PetscCall(wb_tally_calloc(t, (lines + planes) * b, "LES line buffers", &les->work));
  for (int f = 0; f < les->nf; f++) {
    PetscCall(wb_tally_calloc(t, owned * b, "LES means", &les->sum[f]));
    if (f < 3 || (f == WB_THETA && les->opt.theta_variance))
      PetscCall(wb_tally_calloc(t, owned * b, "LES variances", &les->sum_sq[f]));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode fields_create(WbLes les) {
  const WbLesLayout *l = &les->lay;
  PetscFunctionBeginUser;
  PetscCall(wb_les_fields_allocate(les));
  close_levels(les, les->nut);
  if (les->tke_work) close_levels(les, les->tke_work);
  PetscCall(wb_halo_create(les->grid, les->nf * (l->nz + 2), l->g, 1, les->opt.precision, &les->halo_state));
  PetscFunctionReturn(0);
}

/* Wind that the planes blow into a pocket between buildings and the domain's edge has nowhere to go. */
static PetscErrorCode check_pockets(WbProject project, const WbGrid *g, const double *zf) {
  long cells;
  int at[3];
  PetscFunctionBeginUser;
  PetscCall(wb_project_pockets(project, g, &cells, at));
  if (cells > 0)
    WB_RAISE_ALL(
        WB_ERR_INPUT,
        "LES: %ld cells of air at the domain's edge are cut off by buildings, one of them at x = %.1f m, y = %.1f "
        "m, z = %.1f m; keep buildings away from the edges (les_rim_m)",
        cells, g->x_min_m + (at[0] + 0.5) * g->dx_m, g->y_min_m + (at[1] + 0.5) * g->dx_m,
        0.5 * (zf[at[2]] + zf[at[2] + 1]));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_check_run(const WbGrid *grid, const double *zf, const uint8_t *solid,
                                const WbLesOptions *options) {
  WbProject project = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_les_options_check(options, grid->dx_m, zf[1] - zf[0]));
  if (grid->periodic_x || grid->periodic_y) PetscFunctionReturn(0);
  PetscErrorCode ierr = wb_project_create_regions(grid, WB_LES_GHOST, grid->dx_m, zf, solid, WB_FP32, &project);
  if (!ierr) ierr = check_pockets(project, grid, zf);
  wb_project_destroy(&project);
  PetscFunctionReturn(ierr);
}

static PetscErrorCode create(WbLes les, const double *zf, const WbLesVoxels *voxels, uint8_t *own, const uint8_t *given,
                             const float *heat_flux) {
  const uint8_t *solid = voxels ? own : given;
  const WbGrid *grid = les->grid;
  PetscFunctionBeginUser;
  if (les->inflow && (grid->periodic_x || grid->periodic_y))
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES: inflow planes need a grid that is cyclic in neither direction");
  if (grid->nz < 2 || grid->nx < 2 || grid->ny < 2)
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES: a grid of %d x %d x %d cells is too small (at least 2 each)", grid->nx, grid->ny,
                 grid->nz);
  PetscCall(wb_les_options_check(&les->opt, grid->dx_m, zf[1] - zf[0]));
  wb_les_shape(les);
  PetscCall(metrics_create(les, zf));
  PetscCall(wb_les_forcing_create(les));
  if (voxels) PetscCall(wb_les_porous_begin(les, voxels, own));
  PetscCall(wb_les_walls_create(les, solid, heat_flux));
  PetscCall(wb_les_ground_viscosity_create(les));
  PetscCall(wb_les_tracers_create(les));
  PetscCall(fields_create(les));
  PetscCall(wb_project_create(grid, les->lay.g, grid->dx_m, les->met.zf, les->has_solid ? solid : NULL,
                              wb_les_porous_apertures(les), les->opt.precision, &les->project));
  if (les->inflow) PetscCall(check_pockets(les->project, grid, les->met.zf));
  if (les->inflow) PetscCall(wb_inflow_bind(les->inflow, grid, les->lay.g, les->met.zf, &les->planes));
  PetscFunctionReturn(0);
}

static PetscErrorCode make(const WbGrid *grid, const double *zf, const WbLesVoxels *voxels, const uint8_t *solid,
                           const float *heat_flux, WbInflow inflow, const WbLesOptions *options, WbLes *out) {
  WbLes les = NULL;
  uint8_t *own = NULL;
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(1, &les));
  les->grid = grid;
  les->opt = *options;
  les->inflow = inflow;
  if (voxels) PetscCall(WB_CALLOC(wb_grid_owned(grid), &own));
  const PetscErrorCode error = create(les, zf, voxels, own, solid, heat_flux);
  WB_FREE(&own);
  if (error) wb_les_destroy(&les);
  *out = les;
  PetscFunctionReturn(error);
}

PetscErrorCode wb_les_create(const WbGrid *grid, const double *zf, const uint8_t *solid, const float *heat_flux,
                             WbInflow inflow, const WbLesOptions *options, WbLes *out) {
  return make(grid, zf, NULL, solid, heat_flux, inflow, options, out);
}

PetscErrorCode wb_les_create_porous(const WbGrid *grid, const double *zf, const WbLesVoxels *voxels,
                                    const float *heat_flux, WbInflow inflow, const WbLesOptions *options, WbLes *out) {
  return make(grid, zf, voxels, NULL, heat_flux, inflow, options, out);
}

void wb_les_destroy(WbLes *handle) {
  WbLes les = *handle;
  if (!les) return;
  wb_les_walls_destroy(les);
  wb_les_ground_viscosity_destroy(les);
  wb_les_tracers_destroy(les);
  wb_project_destroy(&les->project);
  if (les->planes) wb_inflow_unbind(&les->planes);
  wb_halo_destroy(&les->halo_state);
  WbLesMetrics *m = &les->met;
  double **metrics[] = {&m->zf,          &m->zc,      &m->dz,      &m->dzf,         &m->theta_ref,
                        &m->drive,       &m->relax_c, &m->relax_f, &m->tendency[0], &m->tendency[1],
                        &m->tendency[2], &m->push[0], &m->push[1], &m->push[2]};
  for (size_t n = 0; n < sizeof(metrics) / sizeof(metrics[0]); n++) WB_FREE(metrics[n]);
  void **fields[] = {&les->state, &les->state0, &les->tendency, &les->nut, &les->tke_work, &les->work};
  for (size_t n = 0; n < sizeof(fields) / sizeof(fields[0]); n++) wb_free_bytes(fields[n]);
  for (int f = 0; f < WB_LES_FIELDS_MAX; f++) wb_free_bytes(&les->sum[f]);
  for (int f = 0; f < WB_NFIELDS; f++) wb_free_bytes(&les->sum_sq[f]);
  WB_FREE(handle);
}

double wb_les_time(WbLes les) {
  return les->time_s;
}
long wb_les_steps(WbLes les) {
  return les->steps;
}
const WbGrid *wb_les_grid(WbLes les) {
  return les->grid;
}
