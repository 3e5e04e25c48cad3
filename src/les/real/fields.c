/* Filling fields from functions, plane sums, and the reduction that gives the time step and finds non-finite values. */
#include "stage.h"

/* f (owned faces or centres) from a function of place; closed faces and solid cells get 0. NULL: 0 everywhere. */
static void set_field(WbLes les, int f, WbFieldFn fn, void *ctx) {
  const WbLesLayout *l = &les->lay;
  const WbGrid *g = les->grid;
  const double dx = g->dx_m, ox = f == WB_U ? 0.0 : 0.5, oy = f == WB_V ? 0.0 : 0.5;
  const double shift = f == WB_THETA ? les->opt.theta_surface_K : 0.0;
  const uint8_t bit = (uint8_t)(1U << WB_KIND(f)); /* WB_OPEN_U, _V, _W, WB_FLUID_CELL */
  WbReal *q = wb_les_field(les, les->state, f);
  float *const *apertures = f < WB_THETA ? wb_les_porous_apertures(les) : NULL;
  for (int k = 0; k < l->nz; k++) {
    const double z = f == WB_W ? les->met.zf[k] : les->met.zc[k + 1];
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++) {
        const size_t at = wb_les_at(l, k, j, i);
        q[at] = 0;
        if (fn && (les->flags[at] & bit))
          q[at] = (WbReal)(fn(ctx, g->x_min_m + (g->x0 + i + ox) * dx, g->y_min_m + (g->y0 + j + oy) * dx, z) - shift);
        if (apertures) q[at] *= (WbReal)apertures[f][at]; /* as much as passes: the first projection is mild */
      }
  }
}

PetscErrorCode WB_R(wb_les_set_scalar)(WbLes les, int field, WbFieldFn value, void *ctx) {
  PetscFunctionBeginUser;
  set_field(les, field, value, ctx);
  PetscFunctionReturn(0);
}

static double least_energy(void *ctx, double x, double y, double z) {
  return WB_TKE_MIN;
}

PetscErrorCode WB_R(wb_les_set_fields)(WbLes les, WbFieldFn u, WbFieldFn v, WbFieldFn w, WbFieldFn theta, void *ctx) {
  PetscFunctionBeginUser;
  set_field(les, WB_U, u, ctx);
  set_field(les, WB_V, v, ctx);
  set_field(les, WB_W, w, ctx);
  set_field(les, WB_THETA, theta, ctx);
  for (int f = WB_NFIELDS; f < les->nf; f++) set_field(les, f, f == les->tke_field ? least_energy : NULL, NULL);
  PetscFunctionReturn(0);
}

/* sum[0] += values, sum[1] += number of open faces (fluid cells for theta) of one level. */
void WB_R(wb_les_plane_mean)(WbLes les, int field, int k, double *sum) {
  const WbLesLayout *l = &les->lay;
  const uint8_t bit = field == WB_THETA ? WB_FLUID_CELL : (uint8_t)(1U << field);
  const WbReal *q = wb_les_field(les, les->state, field);
  for (int j = 0; j < l->nyl; j++) {
    double value = 0.0, count = 0.0;
    for (int i = 0; i < l->nxl; i++) {
      const size_t at = wb_les_at(l, k, j, i);
      const double open = les->flags[at] & bit ? 1.0 : 0.0;
      value += open * (double)q[at];
      count += open;
    }
    sum[0] += value;
    sum[1] += count;
  }
}

typedef struct {
  WbReal cfl, speed2, poison; /* poison: 0, or NaN when any value is not finite */
} RowMax;

WB_KERNEL static RowMax row_max(const WbReal *restrict u, const WbReal *restrict v, const WbReal *restrict w,
                                const WbReal *restrict t, int n, WbReal rdx, WbReal rdz) {
  WbReal cfl = 0, speed2 = 0, poison = 0;
#pragma omp simd reduction(max : cfl, speed2) reduction(+ : poison)
  for (int i = 0; i < n; i++) {
    const WbReal c = (WB_ABS(u[i]) + WB_ABS(v[i])) * rdx + WB_ABS(w[i]) * rdz,
                 s = u[i] * u[i] + v[i] * v[i] + w[i] * w[i];
    cfl = c > cfl ? c : cfl;
    speed2 = s > speed2 ? s : speed2;
    poison += (WbReal)0 * (s + t[i]);
  }
  return (RowMax){cfl, speed2, poison};
}

/* Which value is not finite, where. Local. */
static PetscErrorCode report(WbLes les) {
  char name[WB_LES_NAME_MAX];
  const WbLesLayout *l = &les->lay;
  const WbGrid *g = les->grid;
  PetscFunctionBeginUser;
  for (int f = 0; f < les->nf; f++)
    for (int k = 0; k < l->nz; k++)
      for (int j = 0; j < l->nyl; j++)
        for (int i = 0; i < l->nxl; i++) {
          const double q = (double)wb_les_field(les, les->state, f)[wb_les_at(l, k, j, i)];
          if (isfinite(q) && (f >= WB_THETA || fabs(q) < 1e15)) continue;
          wb_les_field_name(les, f, name);
          WB_RAISE(WB_ERR_NUMERIC,
                   "LES step %ld (t = %.3f s, dt = %.4g s): %s is %g at cell (k, j, i) = (%d, %d, %d), x = %.1f m, y = "
                   "%.1f m, z = %.1f m",
                   les->steps + 1, les->time_s, les->dt_s, name, q, k, g->y0 + j, g->x0 + i,
                   g->x_min_m + (g->x0 + i + 0.5) * g->dx_m, g->y_min_m + (g->y0 + j + 0.5) * g->dx_m,
                   les->met.zc[k + 1]);
        }
  PetscFunctionReturn(0);
}

PetscErrorCode WB_R(wb_les_cfl)(WbLes les, double *cfl_per_s, double *speed, double *visc_per_s) {
  const WbLesLayout *l = &les->lay;
  double local[4] = {0.0, 0.0, les->last_visc, 0.0}, global[4];
  PetscFunctionBeginUser;
  for (int k = 0; k < l->nz; k++) {
    const WbReal rdz = (WbReal)(1.0 / PetscMin(les->met.dz[k], les->met.dz[k + 1]));
    for (int j = 0; j < l->nyl; j++) {
      const size_t o = wb_les_at(l, k, j, 0);
      const RowMax r = row_max(wb_les_field(les, les->state, WB_U) + o, wb_les_field(les, les->state, WB_V) + o,
                               wb_les_field(les, les->state, WB_W) + o, wb_les_field(les, les->state, WB_THETA) + o,
                               l->nxl, (WbReal)(1.0 / les->grid->dx_m), rdz);
      local[0] = PetscMax(local[0], (double)r.cfl);
      local[1] = PetscMax(local[1], (double)r.speed2);
      if (!(r.poison == 0)) local[3] = 1.0;
    }
  }
  if (les->porous) local[0] = PetscMax(local[0], WB_R(wb_les_porous_cfl)(les));
  PetscCallMPI(MPI_Allreduce(local, global, 4, MPI_DOUBLE, MPI_MAX, les->grid->comm));
  if (global[3] > 0.0) {
    const PetscErrorCode here = local[3] > 0.0 ? report(les) : 0;
    PetscCall(wb_error_agree(les->grid->comm, here));
    WB_RAISE_ALL(WB_ERR_NUMERIC, "LES step %ld: a value is not finite", les->steps); /* overflow of squares only */
  }
  *cfl_per_s = global[0];
  *speed = sqrt(global[1]);
  *visc_per_s = global[2];
  PetscFunctionReturn(0);
}

PetscErrorCode WB_R(wb_les_report_cfl)(WbLes les) {
  const WbLesLayout *l = &les->lay;
  const WbGrid *g = les->grid;
  struct {
    double cfl;
    int rank;
  } mine = {-1.0, g->rank}, worst;
  int at[3] = {0, 0, 0};
  PetscFunctionBeginUser;
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++) {
        const WbReal *q = (const WbReal *)les->state + wb_les_at(l, k, j, i);
        const double c = (fabs((double)q[0]) + fabs((double)q[l->field])) / g->dx_m +
                         fabs((double)q[2 * l->field]) / PetscMin(les->met.dz[k], les->met.dz[k + 1]);
        if (c <= mine.cfl) continue;
        mine.cfl = c;
        at[0] = k, at[1] = j, at[2] = i;
      }
  PetscCallMPI(MPI_Allreduce(&mine, &worst, 1, MPI_DOUBLE_INT, MPI_MAXLOC, g->comm));
  PetscErrorCode here = 0;
  if (worst.rank == g->rank) {
    const WbReal *q = (const WbReal *)les->state + wb_les_at(l, at[0], at[1], at[2]);
    here = WB_ERROR(WB_ERR_NUMERIC, WB_ERROR_LOCAL,
                    "LES step %ld (t = %.3f s, dt = %.4g s): the Courant number grew to %.3g within one step "
                    "(les_cfl_max is %g): u, v, w = %.4g, %.4g, %.4g m/s at cell (k, j, i) = (%d, %d, %d), x = "
                    "%.1f m, y = %.1f m, z = %.1f m",
                    les->steps, les->time_s, les->dt_s, worst.cfl * les->dt_s, les->opt.cfl_max, (double)q[0],
                    (double)q[l->field], (double)q[2 * l->field], at[0], g->y0 + at[1], g->x0 + at[2],
                    g->x_min_m + (g->x0 + at[2] + 0.5) * g->dx_m, g->y_min_m + (g->y0 + at[1] + 0.5) * g->dx_m,
                    les->met.zc[at[0] + 1]);
  }
  PetscCall(wb_error_agree(g->comm, here));
  PetscFunctionReturn(0);
}
