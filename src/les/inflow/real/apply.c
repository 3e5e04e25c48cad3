/* Lateral boundary of a run fed by planes: imposed where the planes flow in, convective (radiation) outflow where they
 * flow out, closed at buildings; then one correction of the outflow so that the net flux vanishes. */
#include "les_data.h"
#include "windbridge/real.h"

/* Part of the planes' outflow that must find open faces: the rest leaves through these too, like through a nozzle.
 * Flow, not area: along a wind between open edges, turbulence makes half of their faces outflow of next to nothing. */
#define SEALED 0.25

/* One edge in index space: face (k, m) is at face0 + k sz + m along; the domain lies towards `inward`. */
typedef struct {
  const WbPlane *plane;
  const float *normal_in, *tangent_in;
  WbReal *normal, *tangent, *w, *theta; /* fields of les->state */
  const WbReal *normal0;                /* at the start of the step */
  size_t face0;
  ptrdiff_t along, inward;
  int n;
  uint8_t behind; /* flag: building on the other side of the tangential face */
  double outward; /* -1 west and south, +1 east and north */
} Side;

static bool side_of(WbLes les, int s, Side *a) {
  const WbLesLayout *l = &les->lay;
  a->plane = &les->planes->side[s];
  if (!a->plane->u) return false;
  const bool x = s < 2, low = s % 2 == 0;
  WbReal *state = les->state;
  const WbReal *state0 = les->state0;
  const int normal = x ? WB_U : WB_V, tangent = x ? WB_V : WB_U;
  a->normal_in = x ? a->plane->u : a->plane->v;
  a->tangent_in = x ? a->plane->v : a->plane->u;
  a->normal = state + (size_t)normal * l->field;
  a->normal0 = state0 + (size_t)normal * l->field;
  a->tangent = state + (size_t)tangent * l->field;
  a->w = state + WB_W * l->field;
  a->theta = state + WB_THETA * l->field;
  a->face0 = wb_les_at(l, 0, !x && !low ? l->nyl : 0, x && !low ? l->nxl : 0);
  a->along = x ? l->sy : 1;
  a->inward = (x ? 1 : l->sy) * (low ? 1 : -1);
  a->n = x ? l->nyl : l->nxl;
  a->outward = low ? -1.0 : 1.0;
  a->behind = x ? WB_SOLID_SOUTH : WB_SOLID_WEST;
  return true;
}
static inline ptrdiff_t face_at(const WbLesLayout *l, const Side *a, int k, int m) {
  return (ptrdiff_t)a->face0 + (ptrdiff_t)k * (ptrdiff_t)l->sz + m * a->along;
}
/* Cell just inside a face: the face's own cell at a low edge, the one before it at a high edge. */
static inline ptrdiff_t inside_of(const Side *a, ptrdiff_t face) {
  return a->inward > 0 ? face : face + a->inward;
}

/* Faces beyond the edge's own: at a high edge that one lies among the ghosts itself. */
static inline int beyond_faces(const WbLesLayout *l, const Side *a) {
  return a->inward > 0 ? l->g : l->g - 1;
}

/* Normal velocity of all faces of one edge, ghosts along the edge included. sums: net outward flux / dx, outflow area /
 * dx, open area / dx, the planes' outflow / dx, and its part through open faces, of the owned faces. With dt_s = 0
 * outflow faces take the precursor's value. */
static void set_normal(WbLes les, const Side *a, double dt_s, double sums[5]) {
  const WbLesLayout *l = &les->lay;
  const int row = a->n + 2 * l->g;
  const WbReal sign = (WbReal)a->outward, courant = (WbReal)(dt_s / les->grid->dx_m);
  for (int k = 0; k < l->nz; k++) {
    const float *in = a->normal_in + (size_t)k * (size_t)row + l->g;
    const double dz = les->met.dz[k + 1];
    for (int m = -l->g; m < a->n + l->g; m++) {
      const ptrdiff_t p = face_at(l, a, k, m);
      const bool owned = m >= 0 && m < a->n;
      const double leaves = owned ? fmax(a->outward * (double)in[m], 0) * dz : 0;
      sums[3] += leaves;
      if (les->solid[inside_of(a, p)]) {
        a->normal[p] = 0;
        continue;
      }
      sums[4] += leaves;
      const WbReal out = sign * (WbReal)in[m];
      if (out < 0) {
        a->normal[p] = (WbReal)in[m];
      } else {
        WbReal value = out;
        if (dt_s > 0) {
          /* Orlanski-type radiation with the local outward speed (of the precursor or of the run itself) */
          const WbReal old = sign * a->normal0[p], inner = sign * a->normal0[p + a->inward];
          WbReal c = courant * (old > out ? old : out);
          if (c > 1) c = 1;
          value = old + c * (inner - old);
        }
        a->normal[p] = sign * (value > 0 ? value : 0);
        if (owned) sums[1] += dz;
      }
      if (!owned) continue;
      sums[0] += (double)(sign * a->normal[p]) * dz;
      sums[2] += dz;
    }
  }
}

/* Adds the flux correction to the outflow (or, without any, to all open) faces and fills the ghosts. */
static void correct_and_fill(WbLes les, const Side *a, double delta, bool all) {
  const WbLesLayout *l = &les->lay;
  const int row = a->n + 2 * l->g;
  const WbReal add = (WbReal)(delta * a->outward),
               shift = (WbReal)(les->planes->theta_reference_K - les->opt.theta_surface_K);
  for (int k = 0; k < l->nz; k++)
    for (int m = -l->g; m < a->n + l->g; m++) {
      const size_t q = (size_t)k * (size_t)row + (size_t)(m + l->g);
      const ptrdiff_t p = face_at(l, a, k, m), c = inside_of(a, p);
      const bool solid = les->solid[c], flows_in = a->outward * (double)a->normal_in[q] < 0;
      if (!solid && (all || !flows_in)) a->normal[p] += add;
      for (int d = 1; d <= beyond_faces(l, a); d++) a->normal[p - d * a->inward] = a->normal[p];
      const bool imposed = flows_in && !solid;
      WbReal t = imposed ? (WbReal)a->tangent_in[q] : a->tangent[c];
      WbReal w = imposed ? (WbReal)a->plane->w[q] : a->w[c];
      const WbReal th = imposed ? (WbReal)a->plane->theta[q] + shift : a->theta[c];
      if (solid || (les->flags[c] & a->behind)) t = 0;
      if (solid || les->solid[c - (ptrdiff_t)l->sz]) w = 0;
      for (int d = 1; d <= l->g; d++) {
        const ptrdiff_t ghost = c - d * a->inward;
        a->tangent[ghost] = t;
        a->w[ghost] = w;
        a->theta[ghost] = th;
      }
    }
}

/* Ghosts of scalars beyond theta: clean air flows in; all else, and subgrid energy, as inside. */
static void fill_scalars(WbLes les, const Side *a) {
  const WbLesLayout *l = &les->lay;
  const int row = a->n + 2 * l->g;
  for (int f = WB_NFIELDS; f < les->nf; f++) {
    WbReal *q = (WbReal *)les->state + (size_t)f * l->field;
    for (int k = 0; k < l->nz; k++)
      for (int m = -l->g; m < a->n + l->g; m++) {
        const double in = (double)a->normal_in[(size_t)k * (size_t)row + (size_t)(m + l->g)];
        const ptrdiff_t c = inside_of(a, face_at(l, a, k, m));
        const WbReal value = a->outward * in < 0 && f != les->tke_field ? 0 : q[c];
        for (int d = 1; d <= l->g; d++) q[c - d * a->inward] = value;
      }
  }
}

/* Ghost levels below the ground and above the top of the columns set here: as the level beside them. */
static void fill_levels(WbLes les, const Side *a) {
  const WbLesLayout *l = &les->lay;
  const ptrdiff_t sz = (ptrdiff_t)l->sz;
  for (int m = -l->g; m < a->n + l->g; m++) {
    const ptrdiff_t p0 = face_at(l, a, 0, m), p1 = face_at(l, a, l->nz - 1, m);
    for (int d = 0; d <= beyond_faces(l, a); d++) {
      a->normal[p0 - d * a->inward - sz] = a->normal[p0 - d * a->inward];
      a->normal[p1 - d * a->inward + sz] = a->normal[p1 - d * a->inward];
    }
    for (int d = 1; d <= l->g; d++) {
      const ptrdiff_t c0 = inside_of(a, p0) - d * a->inward, c1 = inside_of(a, p1) - d * a->inward;
      a->tangent[c0 - sz] = a->tangent[c0];
      a->tangent[c1 + sz] = a->tangent[c1];
      a->theta[c0 - sz] = a->theta[c0];
      a->theta[c1 + sz] = a->theta[c1];
      a->w[c0 - sz] = 0;
      a->w[c1 + sz] = 0;
    }
  }
}

/* Collective. Sets the lateral faces and ghosts of les->state, whose inner ghosts are valid; les->planes are at the
 * time of that state, dt_s after les->state0 (start of the RK3 step, all its faces and ghosts valid); dt_s = 0: a state
 * without history, whose outflow faces start from the planes. The sum of the fluxes over all lateral faces vanishes
 * afterwards, as the projection needs. Calling it again changes nothing but what follows from the interior. Source:
 * design section 10; Orlanski (1976), J. Comput. Phys. 21, with a prescribed phase speed. */
PetscErrorCode WB_R(wb_les_apply_planes)(WbLes les, double dt_s) {
  PetscFunctionBeginUser;
  Side side[4];
  bool has[4];
  double local[5] = {0}, sums[5];
  for (int s = 0; s < 4; s++) {
    has[s] = side_of(les, s, &side[s]);
    if (has[s]) set_normal(les, &side[s], dt_s, local);
  }
  PetscCallMPI(MPI_Allreduce(local, sums, 5, MPI_DOUBLE, MPI_SUM, les->grid->comm));
  if (sums[4] < SEALED * sums[3])
    WB_RAISE_ALL(WB_ERR_INPUT,
                 "LES: buildings seal the outflow: of the wind that leaves through the domain's edges, %.3g m3/s, only "
                 "%.3g m3/s finds them open; keep buildings away from the edges (les_rim_m)",
                 sums[3] * les->grid->dx_m, sums[4] * les->grid->dx_m);
  const bool all = !(sums[1] > 0); /* inflow everywhere: nothing but the imposed faces can give way */
  const double area = all ? sums[2] : sums[1], delta = area > 0 ? -sums[0] / area : 0;
  for (int s = 0; s < 4; s++)
    if (has[s]) correct_and_fill(les, &side[s], delta, all);
  for (int s = 0; s < 4; s++)
    if (has[s]) fill_levels(les, &side[s]);
  for (int s = 0; s < 4 && les->nf > WB_NFIELDS; s++)
    if (has[s]) fill_scalars(les, &side[s]);
  PetscFunctionReturn(0);
}

/* Cyclic precursor: the seven planes (inflow_internal.h) of this rank's part of the x = 0 face, x (7, nz, nyl), on
 * ranks at the west edge, and of the y = 0 face, y (7, nz, nxl), on ranks at the south edge; NULL elsewhere. Ghosts
 * valid. */
void WB_R(wb_les_extract_planes)(WbLes les, float *x, float *y) {
  const WbLesLayout *l = &les->lay;
  const WbReal *state = les->state;
  for (int s = 0; s < 2; s++) {
    float *out = s == 0 ? x : y;
    if (!out) continue;
    const int n = s == 0 ? l->nyl : l->nxl;
    const ptrdiff_t along = s == 0 ? l->sy : 1, out_by = s == 0 ? 1 : l->sy;
    const WbReal *normal = state + (s == 0 ? WB_U : WB_V) * l->field,
                 *tangent = state + (s == 0 ? WB_V : WB_U) * l->field;
    const WbReal *w = state + WB_W * l->field, *th = state + WB_THETA * l->field;
    const size_t plane = (size_t)l->nz * (size_t)n;
    for (int k = 0; k < l->nz; k++)
      for (int m = 0; m < n; m++) {
        const ptrdiff_t p = (ptrdiff_t)wb_les_at(l, k, 0, 0) + m * along;
        const size_t q = (size_t)k * (size_t)n + (size_t)m;
        const WbReal v[7] = {normal[p], tangent[p - out_by], tangent[p], w[p - out_by], w[p], th[p - out_by], th[p]};
        for (int c = 0; c < 7; c++) out[(size_t)c * plane + q] = (float)v[c];
      }
  }
}
