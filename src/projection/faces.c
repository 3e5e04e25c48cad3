/* Which faces are open, and the rim: the fluid cells with a face that is closed or open in part. */
#include "projection_internal.h"

typedef struct {
  int32_t cells, faces;
} RimCount;

/* Geometry that faces are made of: solid cells (ghosted vector), apertures (ghosted fields of pr->lay) or NULL. */
typedef struct {
  const double *solid;
  float *const *aperture;
} Geometry;

/* Aperture between fluid cells of the lower (up: upper) face of cell (k, j, i) along axis d. */
static double aperture(WbProject pr, const Geometry *g, int k, int j, int i, int d, int up) {
  const size_t step[3] = {1, (size_t)pr->lay.sy, pr->lay.sz};
  return g->aperture ? (double)g->aperture[d][wb_layout_at(&pr->lay, k, j, i) + (up ? step[d] : 0)] : 1;
}

/* Neighbours of cell (k, j, i) beyond faces that are closed or open in part, and the coefficients that A lacks against
 * L; at most six; returns how many. */
static int closed_faces(WbProject pr, const Geometry *g, int k, int j, int i, ptrdiff_t nb[6], double coef[6]) {
  const size_t plane = (size_t)pr->nyl * (size_t)pr->nxl;
  const ptrdiff_t c = (ptrdiff_t)((size_t)k * plane + (size_t)j * (size_t)pr->nxl + (size_t)i);
  int n = 0;
  for (int s = 0; s < 6; s++) {
    const int d = s / 2, up = s % 2, way = up ? 1 : -1;
    if (d == 2 && (up ? k == pr->nz - 1 : k == 0)) continue;
    const ptrdiff_t at =
        d == 2 ? c + way * (ptrdiff_t)plane : wb_project_neighbour(pr, k, j, i, d == 0 ? way : 0, d == 1 ? way : 0);
    if (at < 0) continue;
    const double open = g->solid[at] != g->solid[c] ? 0 : g->solid[c] != 0 ? 1 : aperture(pr, g, k, j, i, d, up);
    if (open == 1) continue;
    nb[n] = at;
    coef[n++] = (1 - open) * (d == 2 ? pr->rh[k + up] / pr->dz[k] : 1 / (pr->dx * pr->dx));
  }
  return n;
}

static bool side_open(WbProject pr, const Geometry *g, size_t c, int k, int j, int i, const int step[2]) {
  const ptrdiff_t at = wb_project_neighbour(pr, k, j, i, step[0], step[1]);
  return at >= 0 && g->solid[c] == 0 && g->solid[at] == 0 &&
         aperture(pr, g, k, j, i, step[0] == 0, step[0] + step[1] > 0) > 0;
}

static void mark_row(WbProject pr, const Geometry *g, int k, int j) {
  const double *solid = g->solid;
  const size_t row = (size_t)k * (size_t)pr->nyl + (size_t)j, plane = (size_t)pr->nyl * (size_t)pr->nxl;
  bool plain = true;
  for (int i = 0; i < pr->nxl; i++) {
    const size_t c = row * (size_t)pr->nxl + (size_t)i;
    unsigned bits = 0;
    if (solid[c] == 0) bits |= WB_FLUID;
    if (side_open(pr, g, c, k, j, i, (int[2]){-1, 0})) bits |= WB_OPEN_WEST;
    if (side_open(pr, g, c, k, j, i, (int[2]){0, -1})) bits |= WB_OPEN_SOUTH;
    if (k > 0 && solid[c] == 0 && solid[c - plane] == 0 && aperture(pr, g, k, j, i, 2, 0) > 0) bits |= WB_OPEN_BELOW;
    pr->mask[c] = (uint8_t)bits;
    unsigned want = WB_FLUID | WB_OPEN_SOUTH;
    if (i > 0) want |= WB_OPEN_WEST;
    if (k > 0) want |= WB_OPEN_BELOW;
    plain = plain && (bits & want) == want;
    if (i == 0) pr->open_west[row] = (bits & WB_OPEN_WEST) != 0;
    if (i == pr->nxl - 1) pr->open_east[row] = side_open(pr, g, c, k, j, i, (int[2]){1, 0});
    if (j == pr->nyl - 1)
      pr->open_north[(size_t)k * (size_t)pr->nxl + (size_t)i] = side_open(pr, g, c, k, j, i, (int[2]){0, 1});
  }
  pr->row_plain[row] = plain;
}

/* First pass (fill false) counts; the second writes the lists. Marks the rows that solves must deliver. */
static RimCount walk_rim(WbProject pr, const Geometry *g, uint8_t *row_used, bool fill) {
  RimCount n = {0, 0};
  ptrdiff_t nb[6];
  double coef[6];
  size_t c = 0;
  for (int k = 0; k < pr->nz; k++)
    for (int j = 0; j < pr->nyl; j++)
      for (int i = 0; i < pr->nxl; i++, c++) {
        const int m = closed_faces(pr, g, k, j, i, nb, coef);
        if (m > 0) row_used[(size_t)k * (size_t)pr->nyl + (size_t)j] = 1;
        if (m == 0 || g->solid[c] != 0) continue;
        if (fill) {
          pr->rim_cell[n.cells] = (int32_t)c;
          pr->rim_start[n.cells] = n.faces;
          pr->rim_dz[n.cells] = pr->dz[k];
          for (int f = 0; f < m; f++) {
            pr->rim_nb[n.faces + f] = (int32_t)nb[f];
            ((double *)pr->rim_coef)[n.faces + f] = coef[f];
          }
        }
        n.cells++;
        n.faces += m;
      }
  return n;
}

/* One face that is open in part: cells x[hi], x[lo] and its place in the field of velocity d. */
static void put_partial(WbProject pr, int d, size_t at, ptrdiff_t hi, ptrdiff_t lo, double closed, double rh,
                        bool fill) {
  WbProjectPartial *p = &pr->partial[d];
  if (fill) {
    p->at[p->n] = (int32_t)at;
    p->hi[p->n] = (int32_t)hi;
    p->lo[p->n] = (int32_t)lo;
    p->closed[p->n] = closed * rh;
  }
  p->n++;
}

/* Partly open faces of level k, those beyond the last cells included (their cell counts as the neighbour's). */
static void walk_partial(WbProject pr, const Geometry *g, int k, bool fill) {
  const size_t plane = (size_t)pr->nyl * (size_t)pr->nxl;
  for (int j = 0; j < pr->nyl; j++)
    for (int i = 0; i < pr->nxl; i++) {
      const ptrdiff_t c = (ptrdiff_t)((size_t)k * plane + (size_t)j * (size_t)pr->nxl + (size_t)i);
      if (g->solid[c] != 0) continue;
      for (int d = 0; d < 3; d++)
        for (int up = 0; up < 2; up++) {
          if (up && (d == 2 || (d == 0 ? i < pr->nxl - 1 : j < pr->nyl - 1))) continue; /* the next cell's lower face */
          if (d == 2 && k == 0) continue;
          const int way = up ? 1 : -1;
          const ptrdiff_t beyond =
              d == 2 ? c - (ptrdiff_t)plane : wb_project_neighbour(pr, k, j, i, d == 0 ? way : 0, d == 1 ? way : 0);
          const double open = aperture(pr, g, k, j, i, d, up);
          if (beyond < 0 || g->solid[beyond] != 0 || !(open > 0) || open == 1) continue;
          const size_t at = wb_layout_at(&pr->lay, k, j + (up && d == 1), i + (up && d == 0));
          put_partial(pr, d, at, up ? beyond : c, up ? c : beyond, 1 - open, d == 2 ? pr->rh[k] : 1 / pr->dx, fill);
        }
    }
}

static PetscErrorCode partial_faces(WbProject pr, const Geometry *g) {
  PetscFunctionBeginUser;
  for (int d = 0; d < 3; d++) PetscCall(WB_CALLOC(pr->nz + 1, &pr->partial[d].level_start));
  for (int pass = 0; pass < 2; pass++) {
    for (int d = 0; d < 3; d++) pr->partial[d].n = 0;
    for (int k = 0; k < pr->nz; k++) {
      walk_partial(pr, g, k, pass > 0);
      for (int d = 0; d < 3; d++) pr->partial[d].level_start[k + 1] = pr->partial[d].n;
    }
    for (int d = 0; d < 3 && !pass; d++) {
      WbProjectPartial *p = &pr->partial[d];
      PetscCall(WB_ALLOC(p->n + 1, &p->at));
      PetscCall(WB_ALLOC(p->n + 1, &p->hi));
      PetscCall(WB_ALLOC(p->n + 1, &p->lo));
      PetscCall(WB_ALLOC(p->n + 1, &p->closed));
    }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_project_faces(WbProject pr, const WbGrid *grid, const double *solid, float *const aperture_of[3]) {
  const Geometry g = {solid, aperture_of};
  const size_t rows = (size_t)pr->nz * (size_t)pr->nyl;
  double *coef = NULL;
  PetscFunctionBeginUser;
  PetscCheck(pr->n_ghosted < INT32_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "too many cells on one rank");
  PetscCall(WB_ALLOC(pr->n, &pr->mask));
  PetscCall(WB_ALLOC(rows, &pr->row_plain));
  PetscCall(WB_ALLOC(rows, &pr->open_west));
  PetscCall(WB_ALLOC(rows, &pr->open_east));
  PetscCall(WB_ALLOC((size_t)pr->nz * (size_t)pr->nxl, &pr->open_north));
  PetscCall(WB_CALLOC(rows, &pr->row_used));
  for (int k = 0; k < pr->nz; k++)
    for (int j = 0; j < pr->nyl; j++) mark_row(pr, &g, k, j);
  const RimCount n = walk_rim(pr, &g, pr->row_used, false);
  pr->nrim = n.cells;
  PetscCall(WB_ALLOC(n.cells + 1, &pr->rim_cell));
  PetscCall(WB_ALLOC(n.cells + 1, &pr->rim_start));
  PetscCall(WB_ALLOC(n.cells + 1, &pr->rim_dz));
  PetscCall(WB_ALLOC(n.faces + 1, &pr->rim_nb));
  PetscCall(WB_ALLOC(n.faces + 1, &coef)); /* wb_project_setup turns it into WbReal */
  pr->rim_coef = coef;
  (void)walk_rim(pr, &g, pr->row_used, true);
  pr->rim_start[n.cells] = n.faces;
  if (aperture_of) PetscCall(partial_faces(pr, &g));
  int top = 0;
  for (size_t row = 0; row < rows; row++)
    if (pr->row_used[row]) top = (int)(row / (size_t)pr->nyl) + 1;
  PetscCallMPI(MPI_Allreduce(&top, &pr->klow, 1, MPI_INT, MPI_MAX, grid->comm));
  pr->flat = pr->klow == 0;
  PetscFunctionReturn(0);
}
