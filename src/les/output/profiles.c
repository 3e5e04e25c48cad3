/* Vertical profiles: means over the air of a level and over an interval, variances, resolved and subgrid fluxes. */
#include <string.h>

#include "output.h"

/* Variables of the file. Covariance: product - mean a x mean b. */
typedef struct {
  const char *name, *units, *text;
  bool face;
  int product, a, b; /* sums; a, b < 0: the mean itself */
} Profile;
static const Profile profiles[] = {
    {"u", "m s-1", "wind along x", false, WB_PROF_U, -1, -1},
    {"v", "m s-1", "wind along y", false, WB_PROF_V, -1, -1},
    {"theta", "K", "potential temperature", false, WB_PROF_THETA, -1, -1},
    {"w", "m s-1", "upward wind", true, WB_PROF_W, -1, -1},
    {"u_var", "m2 s-2", "resolved variance of u", false, WB_PROF_UU, WB_PROF_U, WB_PROF_U},
    {"v_var", "m2 s-2", "resolved variance of v", false, WB_PROF_VV, WB_PROF_V, WB_PROF_V},
    {"theta_var", "K2", "resolved variance of potential temperature", false, WB_PROF_THETA2, WB_PROF_THETA,
     WB_PROF_THETA},
    {"w_var", "m2 s-2", "resolved variance of w", true, WB_PROF_WW, WB_PROF_W, WB_PROF_W},
    {"uw_resolved", "m2 s-2", "resolved flux of u", true, WB_PROF_UW, WB_PROF_W, WB_PROF_U_FACE},
    {"vw_resolved", "m2 s-2", "resolved flux of v", true, WB_PROF_VW, WB_PROF_W, WB_PROF_V_FACE},
    {"thetaw_resolved", "K m s-1", "resolved heat flux", true, WB_PROF_THETAW, WB_PROF_W, WB_PROF_THETA_FACE},
    {"uw_subgrid", "m2 s-2", "subgrid flux of u; at the ground minus its stress", true, WB_PROF_UW_SUBGRID, -1, -1},
    {"vw_subgrid", "m2 s-2", "subgrid flux of v; at the ground minus its stress", true, WB_PROF_VW_SUBGRID, -1, -1},
    {"thetaw_subgrid", "K m s-1", "subgrid heat flux; at the ground its flux", true, WB_PROF_THETAW_SUBGRID, -1, -1},
};
enum { N_PROFILES = (int)(sizeof profiles / sizeof profiles[0]) };
static const Profile scalars[] = {
    {"", "", "mean", false, WB_PROF_C, -1, -1},
    {"_w_resolved", " m s-1", "resolved flux", true, WB_PROF_CW, WB_PROF_W, WB_PROF_C_FACE},
    {"_w_subgrid", " m s-1", "subgrid flux", true, WB_PROF_CW_SUBGRID, -1, -1},
};
enum { N_SCALAR_PROFILES = (int)(sizeof scalars / sizeof scalars[0]) };

/* The n-th variable of the file, its sums moved to those of its scalar. False beyond the last. */
static bool variable(const WbLesOutput o, int n, Profile *p, char name[96], char units[32]) {
  const int extra = n - N_PROFILES;
  if (extra < 0) {
    *p = profiles[n];
    snprintf(name, 96, "%s", p->name);
    snprintf(units, 32, "%s", p->units);
    return true;
  }
  const int f = WB_NFIELDS + extra / N_SCALAR_PROFILES, first = WB_PROF_FIXED + WB_PROF_PER_SCALAR * (f - WB_NFIELDS);
  if (f >= o->les->nf) return false;
  char scalar[WB_LES_NAME_MAX];
  *p = scalars[extra % N_SCALAR_PROFILES];
  wb_les_output_name(o->les, f, scalar);
  snprintf(name, 96, "%s%s", scalar, p->name);
  snprintf(units, 32, "%s%s", f == o->les->tke_field ? "m2 s-2" : "kg m-3", p->units);
  p->product += first;
  if (p->b >= 0) p->b += first;
  return true;
}

/* Cells of air and open faces of each level, the same for ever. */
static PetscErrorCode count_air(WbLesOutput o) {
  const WbLes les = o->les;
  const WbLesLayout *l = &les->lay;
  const int levels = l->nz + 1;
  PetscFunctionBeginUser;
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++) {
        const uint8_t flags = les->flags[wb_les_at(l, k, j, i)];
        o->count[k] += flags & WB_FLUID_CELL ? 1.0 : 0.0;
        o->count[levels + k] += (k == 0 ? flags & WB_FLUID_CELL : flags & WB_OPEN_W) ? 1.0 : 0.0;
      }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, o->count, 2 * levels, MPI_DOUBLE, MPI_SUM, les->grid->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_profiles_create(WbLesOutput o) {
  const int levels = o->les->lay.nz + 1;
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(wb_les_profile_sums(o->les) * levels, &o->sum));
  PetscCall(WB_ALLOC(wb_les_profile_sums(o->les) * levels, &o->all));
  PetscCall(WB_CALLOC(2 * levels, &o->count));
  PetscCall(WB_CALLOC(levels, &o->column));
  PetscCall(count_air(o));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_profiles_open(WbLesOutput o, const char *path) {
  const WbLes les = o->les;
  const int nz = les->lay.nz;
  PetscFunctionBeginUser;
  if (o->append) {
    PetscCall(wb_nc_open_append(les->grid->comm, path, &o->profile_nc));
    PetscFunctionReturn(0);
  }
  PetscCall(wb_nc_create(les->grid->comm, path, true, false, &o->profile_nc));
  WbNc nc = o->profile_nc;
  Profile p;
  char name[96], units[32];
  PetscCall(wb_les_output_def_time(nc, o->profile.n_records, o->opt.start_time_iso, true));
  PetscCall(wb_les_output_axis(o, nc, "z", nz, les->met.zc + 1, "height of cell centres"));
  PetscCall(wb_les_output_axis(o, nc, "zface", nz + 1, les->met.zf, "height of cell faces"));
  for (int n = 0; variable(o, n, &p, name, units); n++) {
    PetscCall(wb_les_output_def(nc, name, p.face ? "time,zface" : "time,z", units, p.text));
    PetscCall(wb_nc_att_text(nc, "/", name, "cell_methods", "time: mean area: mean where air"));
  }
  PetscCall(wb_les_output_def(nc, "air_fraction", "z", "1", "fraction of the level's cells that is air"));
  for (int k = 0; k < nz; k++) o->column[k] = (float)(o->count[k] / ((double)les->grid->nx * les->grid->ny));
  const int start[1] = {0}, count[1] = {les->grid->rank == 0 ? nz : 0};
  PetscCall(wb_nc_put(nc, "/", "air_fraction", start, count, o->column));
  PetscCall(wb_nc_att_text(nc, "/", NULL, "title", "windbridge: vertical profiles of the large-eddy simulation"));
  PetscCall(wb_nc_flush(nc));
  PetscFunctionReturn(0);
}

void wb_les_profiles_reset(WbLesOutput o) {
  memset(o->sum, 0, (size_t)wb_les_profile_sums(o->les) * (size_t)(o->les->lay.nz + 1) * sizeof *o->sum);
  o->weight = 0.0;
  o->t_begin_s = o->les->time_s;
}

/* Mean of a sum at level k, NaN without air. */
static double mean(const WbLesOutput o, const double *sum, const Profile *p, int which, int k) {
  const int levels = o->les->lay.nz + 1;
  const double shift = which == WB_PROF_THETA ? o->les->opt.theta_surface_K : 0.0;
  const double n = o->count[(p->face ? levels : 0) + k] * o->weight;
  return n > 0.0 ? shift + sum[which * levels + k] / n : NAN;
}

static double value(const WbLesOutput o, const double *sum, const Profile *p, int k) {
  const double product = mean(o, sum, p, p->product, k);
  if (p->a < 0) return product;
  double a = mean(o, sum, p, p->a, k), b = mean(o, sum, p, p->b, k);
  if (p->a == WB_PROF_THETA) a -= o->les->opt.theta_surface_K, b -= o->les->opt.theta_surface_K;
  return product - a * b;
}

PetscErrorCode wb_les_profiles_write(WbLesOutput o) {
  const WbLes les = o->les;
  const int levels = les->lay.nz + 1, sums = wb_les_profile_sums(les), record = o->profile.done;
  Profile p;
  char name[96], units[32];
  PetscFunctionBeginUser;
  if (record < o->profile.n_records) {
    PetscCallMPI(MPI_Allreduce(o->sum, o->all, sums * levels, MPI_DOUBLE, MPI_SUM, les->grid->comm));
    for (int n = 0; variable(o, n, &p, name, units); n++) {
      const int m = p.face ? levels : levels - 1, start[2] = {record, 0}, count[2] = {les->grid->rank == 0 ? 1 : 0, m};
      for (int k = 0; k < m; k++) o->column[k] = (float)value(o, o->all, &p, k);
      if (p.face) o->column[m - 1] = 0; /* the lid: no flux, no upward wind */
      PetscCall(wb_nc_put(o->profile_nc, "/", name, start, count, o->column));
    }
    PetscCall(wb_les_output_stamp(o, o->profile_nc, record, o->t_begin_s, les->time_s, true));
    o->profile.done++;
  }
  wb_les_profiles_reset(o);
  PetscFunctionReturn(0);
}
