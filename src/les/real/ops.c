/* The table of one precision. */
#include "stage.h"

PetscErrorCode WB_R(wb_les_rk3_step)(WbLes les, double dt_s);
PetscErrorCode WB_R(wb_les_make_solenoidal)(WbLes les, double dt_s, bool final);
PetscErrorCode WB_R(wb_les_boundary)(WbLes les, double t_s, double dt_s);
PetscErrorCode WB_R(wb_les_cfl)(WbLes les, double *cfl_per_s, double *speed, double *visc_per_s);
PetscErrorCode WB_R(wb_les_report_cfl)(WbLes les);
PetscErrorCode WB_R(wb_les_set_scalar)(WbLes les, int field, WbFieldFn value, void *ctx);
PetscErrorCode WB_R(wb_les_set_fields)(WbLes les, WbFieldFn u, WbFieldFn v, WbFieldFn w, WbFieldFn theta, void *ctx);
void WB_R(wb_les_ground)(WbLes les);
void WB_R(wb_les_plane_mean)(WbLes les, int field, int k, double *sum);
void WB_R(wb_les_momentum)(WbLes les, void *in, void *out);
void WB_R(wb_les_shear_sums)(WbLes les, double *sum);
static double start_viscosity(WbLes les) {
  return WB_R(wb_les_viscosity)(les, les->porous ? WB_R(wb_les_porous_velocity)(les, les->state) : les->state);
}

const WbLesOps WB_R(wb_les_ops) = {.real_bytes = sizeof(WbReal),
                                   .step = WB_R(wb_les_rk3_step),
                                   .boundary = WB_R(wb_les_boundary),
                                   .cfl = WB_R(wb_les_cfl),
                                   .report_cfl = WB_R(wb_les_report_cfl),
                                   .momentum = WB_R(wb_les_momentum),
                                   .viscosity = start_viscosity,
                                   .project = WB_R(wb_les_make_solenoidal),
                                   .accumulate = WB_R(wb_les_accumulate),
                                   .centres = WB_R(wb_les_centres),
                                   .set_scalar = WB_R(wb_les_set_scalar),
                                   .set_fields = WB_R(wb_les_set_fields),
                                   .ground = WB_R(wb_les_ground),
                                   .ground_stress = WB_R(wb_les_ground_stress),
                                   .plane_mean = WB_R(wb_les_plane_mean),
                                   .shear_sums = WB_R(wb_les_shear_sums)};
