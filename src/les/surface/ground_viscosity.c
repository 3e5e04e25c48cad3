/* Viscosity of the mean shear near flat rough ground, after Sullivan, McWilliams & Moeng (1994, Boundary-Layer
 * Meteorol. 71, 247-276). At the lowest levels an LES has few eddies of its own, the closure makes up for too little of
 * them, and the mean wind shears too much there. What is missing at the lowest face above the ground is put on the
 * planes' mean gradients alone:
 *
 *   nu_T = max(0, nu_law (1 - r) - <nu>),   nu_law = u*^2 / S,
 *
 * S: shear between the lowest two levels by the ground's own law; r: the share of the ground's stress that resolved
 * eddies carry through the face; <nu>: the closure's. The same for heat. Higher up it fades as 1/z (theirs as the mean
 * shear, which is the same in the surface layer, but comes back in a stable layer's jet: doc/validation.rst). Worked
 * out at the start of a step from the state alone, so that a restart finds it again. */
#include "most.h"

PetscErrorCode wb_les_ground_viscosity_create(WbLes les) {
  const int nz = les->lay.nz;
  PetscFunctionBeginUser;
  if (!les->opt.ground_viscosity) PetscFunctionReturn(0);
  if (les->has_solid)
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES option ground_viscosity: the domain has buildings; allowed: flat ground only");
  PetscCall(WB_CALLOC(3 * nz + WB_SHEAR_SUMS, &les->mean_shear.sum));
  for (int c = 0; c < 3; c++) PetscCall(WB_CALLOC(nz + 1, &les->mean_shear.flux[c]));
  PetscFunctionReturn(0);
}

void wb_les_ground_viscosity_destroy(WbLes les) {
  WB_FREE(&les->mean_shear.sum);
  for (int c = 0; c < 3; c++) WB_FREE(&les->mean_shear.flux[c]);
}

/* Viscosity and diffusivity by the ground's law at the lowest face [m2 s-1]. heat: kinematic flux [K m s-1]. */
static void law(const WbLes les, double u_star, double heat, double nu[2]) {
  const double *z = les->met.zc + 1, step = WB_KARMAN * u_star * les->met.dzf[2], ln = log(z[1] / z[0]);
  nu[0] = nu[1] = step / ln;
  if (!les->opt.surface.most) return;
  const double per_L = -WB_KARMAN * WB_GRAVITY / les->opt.theta_surface_K * heat / (u_star * u_star * u_star);
  nu[0] = step / (ln - wb_most_psi_m(z[1] * per_L) + wb_most_psi_m(z[0] * per_L));
  nu[1] = step / (ln - wb_most_psi_h(z[1] * per_L) + wb_most_psi_h(z[0] * per_L));
}

/* Of a flux from the ground what resolved eddies carry through the face, 0 ... 1. */
static double share(double resolved, double whole) {
  return whole > 0.0 ? PetscMax(0.0, PetscMin(1.0, resolved / whole)) : 1.0;
}

/* What is missing at the lowest face, for momentum and heat. mean: plane means (les_internal.h). */
static void missing(const WbLes les, const double *mean, double nu[2]) {
  const int nz = les->lay.nz;
  const double *u = mean, *v = mean + nz, *t = mean + 2 * nz, *m = mean + 3 * nz, w = m[WB_SHEAR_W];
  const double a = m[WB_SHEAR_STRESS_U], b = m[WB_SHEAR_STRESS_V], heat = m[WB_SHEAR_HEAT];
  const double stress = hypot(a, b), u_star = sqrt(stress);
  nu[0] = nu[1] = 0.0;
  if (!(u_star > 1e-6)) return;
  const double uw = m[WB_SHEAR_UW] - 0.5 * (u[0] + u[1]) * w, vw = m[WB_SHEAR_VW] - 0.5 * (v[0] + v[1]) * w,
               tw = m[WB_SHEAR_THETAW] - 0.5 * (t[0] + t[1]) * w;
  law(les, u_star, heat, nu);
  nu[0] = PetscMax(0.0, nu[0] * (1.0 - share(-(uw * a + vw * b), stress * stress)) - m[WB_SHEAR_NU]);
  nu[1] = PetscMax(0.0, nu[1] * (1.0 - share(tw * heat, heat * heat)) - m[WB_SHEAR_KAPPA]);
}

PetscErrorCode wb_les_ground_viscosity_step(WbLes les) {
  const int nz = les->lay.nz, n = 3 * nz + WB_SHEAR_SUMS;
  const WbLesMetrics *z = &les->met;
  double *mean = les->mean_shear.sum, nu[2];
  PetscFunctionBeginUser;
  if (!mean) PetscFunctionReturn(0);
  for (int i = 0; i < n; i++) mean[i] = 0.0;
  les->ops->shear_sums(les, mean);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, mean, n, MPI_DOUBLE, MPI_SUM, les->grid->comm));
  for (int i = 0; i < n; i++) mean[i] /= (double)les->grid->nx * les->grid->ny;
  missing(les, mean, nu);
  for (int c = 0; c < 3; c++) {
    double *flux = les->mean_shear.flux[c];
    for (int k = 1; k < nz; k++)
      flux[k] = -nu[c / 2] * z->zf[1] / z->zf[k] * (mean[c * nz + k] - mean[c * nz + k - 1]) / z->dzf[k + 1];
    for (int k = 0; k < nz; k++) z->push[c][k] += (flux[k] - flux[k + 1]) / z->dz[k + 1];
  }
  PetscFunctionReturn(0);
}
