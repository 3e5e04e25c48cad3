/* Plane sums for the viscosity of the mean shear (src/les/surface/ground_viscosity.c). */
#include "scalar_flux.h"

WB_INLINE double mean4(const WbReal *q, ptrdiff_t a, ptrdiff_t b) {
  return 0.25 * (((double)q[0] + (double)q[a]) + ((double)q[b] + (double)q[a + b]));
}

static double row_sum(const WbReal *q, int n) {
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < n; i++) sum += (double)q[i];
  return sum;
}

/* A row of the lowest two levels: the fluxes of the solver's own scheme (momentum.c, ground.c, wall.c). */
static void add_momentum(WbLes les, int j, double s[WB_SHEAR_SUMS]) {
  const WbLesLayout *l = &les->lay;
  const ptrdiff_t sy = l->sy, sz = (ptrdiff_t)l->sz;
  const double log_c = WB_KARMAN / log(0.5 * les->met.dz[1] / les->opt.z0_ground_m), *cd = les->ground.planes;
  const size_t row = wb_les_at(l, 0, j, 0);
  for (int i = 0; i < l->nxl; i++) {
    const size_t at = row + (size_t)i, p = at - l->sz;
    const WbReal *u = wb_les_field(les, les->state, WB_U) + at, *v = wb_les_field(les, les->state, WB_V) + at,
                 *w = wb_les_field(les, les->state, WB_W) + at, *nu = (const WbReal *)les->nut + at;
    const double a = (double)u[0], b = (double)v[0], up = (double)w[sz];
    const double cu = cd ? 0.5 * (cd[p - 1] + cd[p]) : log_c * log_c,
                 cv = cd ? 0.5 * (cd[p - (size_t)sy] + cd[p]) : log_c * log_c;
    s[WB_SHEAR_STRESS_U] += cu * hypot(a, mean4(v, -1, sy)) * a;
    s[WB_SHEAR_STRESS_V] += cv * hypot(b, mean4(u, -sy, 1)) * b;
    s[WB_SHEAR_UW] += 0.25 * ((double)w[sz - 1] + up) * (a + (double)u[sz]);
    s[WB_SHEAR_VW] += 0.25 * ((double)w[sz - sy] + up) * (b + (double)v[sz]);
    s[WB_SHEAR_W] += up;
    s[WB_SHEAR_NU] += 0.5 * ((double)nu[0] + (double)nu[sz]);
  }
}

static void add_heat(WbLes les, int j, double s[WB_SHEAR_SUMS]) {
  const WbLesLayout *l = &les->lay;
  const ptrdiff_t sz = (ptrdiff_t)l->sz;
  const size_t above = wb_les_at(l, 1, j, 0);
  const WbReal *t = wb_les_field(les, les->state, WB_THETA) + above, *fluid = (const WbReal *)les->fluid + above,
               *w = wb_les_field(les, les->state, WB_W) + above;
  const WbReal *kappa = (const WbReal *)(les->tke_work ? les->tke_work : les->nut) + above;
  const double factor = les->tke_work ? 1.0 : 1.0 / les->opt.prandtl_turbulent;
  for (int i = 0; i < l->nxl; i++) {
    s[WB_SHEAR_THETAW] += (double)w[i] * (double)wb_les_carried(t + i, fluid + i, sz, w[i], true);
    s[WB_SHEAR_KAPPA] += 0.5 * factor * ((double)kappa[i - sz] + (double)kappa[i]);
  }
}

/* Adds this rank's sums at les->state, with its viscosity, to sum (les_internal.h). */
void WB_R(wb_les_shear_sums)(WbLes les, double *sum) {
  const WbLesLayout *l = &les->lay;
  static const int field[3] = {WB_U, WB_V, WB_THETA};
  double *lowest = sum + 3 * l->nz;
  for (int c = 0; c < (les->opt.momentum_only ? 2 : 3); c++)
    for (int k = 0; k < l->nz; k++)
      for (int j = 0; j < l->nyl; j++)
        sum[c * l->nz + k] += row_sum(wb_les_field(les, les->state, field[c]) + wb_les_at(l, k, j, 0), l->nxl);
  for (int j = 0; j < l->nyl; j++) add_momentum(les, j, lowest);
  if (les->opt.momentum_only) return;
  for (int j = 0; j < l->nyl; j++) add_heat(les, j, lowest);
  lowest[WB_SHEAR_HEAT] += WB_R(wb_les_ground_heat)(les);
}
