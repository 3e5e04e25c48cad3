/* Projection of winds known at cell centres (a network's, say) onto flows without divergence and without passage
 * through walls: the solver's exact projection acts on the faces that lie between the centres, and every centre takes
 * the mean of its faces' corrections. In the manner of approximate projections (Almgren, Bell, Szymczak 1996, SIAM J.
 * Sci. Comput. 17, 358) the faces come out solenoidal, the means of the new centres nearly so.
 *
 * Boundaries: sides keep the flow of the edge cells. Above the top the column of w goes on unchanged, without u and v,
 * through levels that grow to a lid far above, so that the top is open; what the sides bring in more than they take out
 * leaves through the sides of these levels. */
#include "projection_internal.h"

#include <string.h>

enum { G = WB_SOLENOIDAL_GHOST, CHANNELS = 4, ABOVE = WB_SOLENOIDAL_ABOVE, MAX_ITERATIONS = 200 };
static const double GROWTH = 1.5;

struct WbSolenoidal_s {
  const WbGrid *grid; /* borrowed: the layer */
  WbGrid *tall;       /* with the levels above */
  WbLayout lay;       /* of tall */
  double *zf;
  WbProject project;
  WbHalo halo;        /* three fields */
  float *fluid;       /* 1 field: 1 in fluid cells, ghosts included */
  uint8_t *sky;       /* (nz, nyl, nxl) of the layer: nothing built above */
  float *centre;      /* 3 fields */
  float *face;        /* 3 fields */
  float *uncorrected; /* 3 fields: the faces before */
};

static void sky_of(WbSolenoidal s, const uint8_t *fluid) {
  const size_t plane = (size_t)s->grid->nyl * (size_t)s->grid->nxl;
  for (size_t c = 0; c < plane; c++) {
    bool open = true;
    for (size_t k = (size_t)s->grid->nz; k-- > 0;) s->sky[k * plane + c] = open = open && fluid[k * plane + c];
  }
}

static PetscErrorCode share_fluid(WbSolenoidal s, const uint8_t *solid) {
  const WbLayout *l = &s->lay;
  WbHalo halo;
  PetscFunctionBeginUser;
  size_t c = 0;
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++, c++) s->fluid[wb_layout_at(l, k, j, i)] = solid[c] ? 0 : 1;
  PetscCall(wb_halo_create(s->tall, l->nz + 2, G, 1, WB_FP32, &halo));
  const PetscErrorCode failed = wb_halo_exchange(halo, s->fluid);
  wb_halo_destroy(&halo);
  PetscFunctionReturn(failed);
}

static PetscErrorCode create(WbSolenoidal s, const WbGrid *grid, const uint8_t *fluid) {
  const int nz = grid->nz + ABOVE;
  const size_t layer = wb_grid_owned(grid);
  uint8_t *solid = NULL;
  PetscFunctionBeginUser;
  s->grid = grid;
  PetscCall(wb_grid_refine(grid, 1, nz, &s->tall));
  s->lay = wb_layout(s->tall, G);
  PetscCall(WB_ALLOC(nz + 1, &s->zf));
  double dz = grid->dx_m;
  s->zf[0] = 0;
  for (int k = 0; k < nz; k++) {
    if (k >= grid->nz) dz *= GROWTH;
    s->zf[k + 1] = s->zf[k] + dz;
  }
  PetscCall(WB_CALLOC(s->lay.field, &s->fluid));
  PetscCall(WB_CALLOC(3 * s->lay.field, &s->centre));
  PetscCall(WB_CALLOC(3 * s->lay.field, &s->face));
  PetscCall(WB_CALLOC(3 * s->lay.field, &s->uncorrected));
  PetscCall(WB_ALLOC(layer, &s->sky));
  sky_of(s, fluid);
  PetscCall(WB_CALLOC(wb_grid_owned(s->tall), &solid));
  for (size_t c = 0; c < layer; c++) solid[c] = !fluid[c];
  PetscErrorCode failed = share_fluid(s, solid);
  if (!failed) failed = wb_project_create_multigrid(s->tall, G, grid->dx_m, s->zf, solid, NULL, &s->project);
  if (!failed) failed = wb_halo_create(s->tall, 3 * (nz + 2), G, 1, WB_FP32, &s->halo);
  WB_FREE(&solid);
  PetscFunctionReturn(failed);
}

PetscErrorCode wb_solenoidal_create(const WbGrid *grid, const uint8_t *fluid, WbSolenoidal *solenoidal) {
  PetscFunctionBeginUser;
  *solenoidal = NULL;
  PetscCall(WB_CALLOC(1, solenoidal));
  const PetscErrorCode e = create(*solenoidal, grid, fluid);
  if (e) wb_solenoidal_destroy(solenoidal);
  PetscFunctionReturn(e);
}

void wb_solenoidal_destroy(WbSolenoidal *solenoidal) {
  WbSolenoidal s = solenoidal ? *solenoidal : NULL;
  if (!s) return;
  if (s->halo) wb_halo_destroy(&s->halo);
  wb_project_destroy(&s->project);
  if (s->tall) wb_grid_destroy(&s->tall);
  WB_FREE(&s->zf);
  WB_FREE(&s->fluid);
  WB_FREE(&s->sky);
  WB_FREE(&s->centre);
  WB_FREE(&s->face);
  WB_FREE(&s->uncorrected);
  WB_FREE(solenoidal);
}

/* Centres of this rank: those of the layer (0 in buildings), and w going on above it. */
static void load(WbSolenoidal s, const float *field) {
  const WbLayout *l = &s->lay;
  const size_t plane = (size_t)l->nyl * (size_t)l->nxl;
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++) {
        const bool above = k >= s->grid->nz;
        const size_t column = (size_t)j * (size_t)l->nxl + (size_t)i, at = wb_layout_at(l, k, j, i);
        const float *q = field + ((size_t)(above ? s->grid->nz - 1 : k) * plane + column) * CHANNELS;
        const bool open = s->fluid[wb_layout_at(l, above ? s->grid->nz - 1 : k, j, i)] > 0;
        for (size_t d = 0; d < 3; d++) s->centre[d * l->field + at] = open && (!above || d == 2) ? q[d + 1] : 0;
      }
}

/* Flow of the edge cell through the side of the domain. A cell under a roof may belong to a room that has no other way
 * out: nothing passes its side. */
static float side_flow(WbSolenoidal s, size_t d, int k, int j, int i) {
  if (k >= s->grid->nz) return 0;
  const size_t c = ((size_t)k * (size_t)s->lay.nyl + (size_t)j) * (size_t)s->lay.nxl + (size_t)i;
  return s->sky[c] ? s->centre[d * s->lay.field + wb_layout_at(&s->lay, k, j, i)] : 0;
}

/* Faces i = 0 .. nxl of u and j = 0 .. nyl of v, k = 0 .. nz of w. */
static void faces_of(WbSolenoidal s) {
  const WbLayout *l = &s->lay;
  const WbGrid *g = s->tall;
  const ptrdiff_t below[3] = {1, l->sy, (ptrdiff_t)l->sz};
  for (int d = 0; d < 3; d++) {
    const float *q = s->centre + (size_t)d * l->field;
    float *f = s->face + (size_t)d * l->field;
    for (int k = 0; k < l->nz + (d == 2); k++)
      for (int j = 0; j < l->nyl + (d == 1); j++)
        for (int i = 0; i < l->nxl + (d == 0); i++) {
          const size_t at = wb_layout_at(l, k, j, i), low = at - (size_t)below[d];
          const int across = d == 0   ? g->x0 + i
                             : d == 1 ? g->y0 + j
                                      : k,
                    last = d == 0   ? g->nx
                           : d == 1 ? g->ny
                                    : l->nz;
          if (across > 0 && across < last) {
            f[at] = s->fluid[at] > 0 && s->fluid[low] > 0 ? 0.5f * (q[at] + q[low]) : 0;
          } else if (d == 2) {
            f[at] = 0;
          } else {
            const int back = across == last;
            f[at] = side_flow(s, (size_t)d, k, j - (back && d == 1), i - (back && d == 0));
          }
        }
  }
}

/* Over the faces of this rank's sides, levels k0 to k1: adds `rate` [m s-1] outwards; sum[0] += outflow [m2 s-1],
 * sum[1] += height [m], per face width. */
static void sides(WbSolenoidal s, int k0, int k1, double rate, double sum[2]) {
  const WbLayout *l = &s->lay;
  const WbGrid *g = s->tall;
  for (int side = 0; side < 4; side++) {
    const bool along_y = side < 2, high = side % 2 == 1;
    const bool mine =
        along_y ? (high ? g->x0 + g->nxl == g->nx : g->x0 == 0) : (high ? g->y0 + g->nyl == g->ny : g->y0 == 0);
    if (!mine) continue;
    const int n = along_y ? l->nyl : l->nxl, edge = !high ? 0 : along_y ? l->nxl : l->nyl;
    float *f = s->face + (along_y ? 0 : l->field);
    for (int k = k0; k < k1; k++)
      for (int m = 0; m < n; m++) {
        const size_t at = along_y ? wb_layout_at(l, k, m, edge) : wb_layout_at(l, k, edge, m);
        const double dz = s->zf[k + 1] - s->zf[k], sign = high ? 1 : -1;
        f[at] += (float)(sign * rate);
        sum[0] += sign * (double)f[at] * dz;
        sum[1] += dz;
      }
  }
}

/* The sides above the layer take the layer's net inflow out. */
static PetscErrorCode balance(WbSolenoidal s) {
  const int nz = s->grid->nz;
  double layer[2] = {0, 0}, above[2] = {0, 0};
  PetscFunctionBeginUser;
  sides(s, 0, nz, 0, layer);
  sides(s, nz, s->lay.nz, 0, above);
  double sum[2] = {layer[0], above[1]};
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, 2, MPI_DOUBLE, MPI_SUM, s->tall->comm));
  sides(s, nz, s->lay.nz, -sum[0] / sum[1], above);
  PetscFunctionReturn(0);
}

/* Every centre's wind from its faces: the mean of their corrections added, or, with `own`, the mean of the faces
 * themselves. */
static void centres_of(WbSolenoidal s, bool own, float *field) {
  const WbLayout *l = &s->lay;
  const size_t upper[3] = {1, (size_t)l->sy, l->sz};
  size_t c = 0;
  for (int k = 0; k < s->grid->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++, c++) {
        const size_t at = wb_layout_at(l, k, j, i);
        if (!(s->fluid[at] > 0)) continue;
        for (size_t d = 0; d < 3; d++) {
          const float *new = s->face + d * l->field + at, *old = s->uncorrected + d * l->field + at;
          float *centre = &field[c * CHANNELS + d + 1];
          if (own)
            *centre = 0.5f * (new[0] + new[upper[d]]);
          else
            *centre += 0.5f * ((new[0] - old[0]) + (new[upper[d]] - old[upper[d]]));
        }
      }
}

/* Solenoidal faces of the centres in field, ghosts included. */
static PetscErrorCode solve(WbSolenoidal s, const float *field, double tol_per_s, double *max_div_per_s) {
  const WbLayout *l = &s->lay;
  int iterations;
  double max_div;
  PetscFunctionBeginUser;
  load(s, field);
  PetscCall(wb_halo_exchange(s->halo, s->centre));
  faces_of(s);
  PetscCall(balance(s));
  memcpy(s->uncorrected, s->face, 3 * l->field * sizeof(float));
  /* slot 0 with slots 2 and 3 never used: no warm start, so that a member does not depend on those before it */
  PetscCall(wb_project_apply(s->project, s->face, s->face + l->field, s->face + 2 * l->field, 1, tol_per_s,
                             MAX_ITERATIONS, 0, &iterations, &max_div));
  PetscCall(wb_halo_exchange(s->halo, s->face));
  if (max_div_per_s) *max_div_per_s = max_div;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_solenoidal_apply(WbSolenoidal s, float *field, double tol_per_s, double *max_div_per_s) {
  PetscFunctionBeginUser;
  PetscCall(solve(s, field, tol_per_s, max_div_per_s));
  centres_of(s, false, field);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_solenoidal_source(WbSolenoidal s, float *field, double tol_per_s, double *max_div_per_s) {
  PetscFunctionBeginUser;
  PetscCall(solve(s, field, tol_per_s, max_div_per_s));
  centres_of(s, true, field);
  PetscFunctionReturn(0);
}
