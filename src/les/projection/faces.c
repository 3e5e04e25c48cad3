/* Which faces are open, and the rim: the fluid cells with a closed face towards a building. */
#include "project.h"

typedef struct {
  int32_t cells, faces;
} RimCount;

/* Solid neighbours of fluid cell (k, j, i): indices and coefficients, at most six; returns how many. */
static int closed_faces(WbProject pr, const double *solid, int k, int j, int i, ptrdiff_t nb[6], double coef[6]) {
  static const int steps[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
  const size_t plane = (size_t)pr->nyl * (size_t)pr->nxl;
  const ptrdiff_t c = (ptrdiff_t)((size_t)k * plane + (size_t)j * (size_t)pr->nxl + (size_t)i);
  int n = 0;
  for (int s = 0; s < 4; s++) {
    const ptrdiff_t at = wb_project_neighbour(pr, k, j, i, steps[s][0], steps[s][1]);
    if (at < 0 || solid[at] == solid[c]) continue;
    nb[n] = at;
    coef[n++] = 1 / (pr->dx * pr->dx);
  }
  if (k > 0 && solid[c - (ptrdiff_t)plane] != solid[c]) {
    nb[n] = c - (ptrdiff_t)plane;
    coef[n++] = pr->rh[k] / pr->dz[k];
  }
  if (k < pr->nz - 1 && solid[c + (ptrdiff_t)plane] != solid[c]) {
    nb[n] = c + (ptrdiff_t)plane;
    coef[n++] = pr->rh[k + 1] / pr->dz[k];
  }
  return n;
}

static bool side_open(WbProject pr, const double *solid, size_t c, int k, int j, int i, const int step[2]) {
  const ptrdiff_t at = wb_project_neighbour(pr, k, j, i, step[0], step[1]);
  return at >= 0 && solid[c] == 0 && solid[at] == 0;
}

static void mark_row(WbProject pr, const double *solid, int k, int j) {
  const size_t row = (size_t)k * (size_t)pr->nyl + (size_t)j, plane = (size_t)pr->nyl * (size_t)pr->nxl;
  bool plain = true;
  for (int i = 0; i < pr->nxl; i++) {
    const size_t c = row * (size_t)pr->nxl + (size_t)i;
    unsigned bits = 0;
    if (solid[c] == 0) bits |= WB_FLUID;
    if (side_open(pr, solid, c, k, j, i, (int[2]){-1, 0})) bits |= WB_OPEN_WEST;
    if (side_open(pr, solid, c, k, j, i, (int[2]){0, -1})) bits |= WB_OPEN_SOUTH;
    if (k > 0 && solid[c] == 0 && solid[c - plane] == 0) bits |= WB_OPEN_BELOW;
    pr->mask[c] = (uint8_t)bits;
    unsigned want = WB_FLUID | WB_OPEN_SOUTH;
    if (i > 0) want |= WB_OPEN_WEST;
    if (k > 0) want |= WB_OPEN_BELOW;
    plain = plain && (bits & want) == want;
    if (i == 0) pr->open_west[row] = (bits & WB_OPEN_WEST) != 0;
    if (i == pr->nxl - 1) pr->open_east[row] = side_open(pr, solid, c, k, j, i, (int[2]){1, 0});
    if (j == pr->nyl - 1)
      pr->open_north[(size_t)k * (size_t)pr->nxl + (size_t)i] = side_open(pr, solid, c, k, j, i, (int[2]){0, 1});
  }
  pr->row_plain[row] = plain;
}

/* First pass (fill false) counts; the second writes the lists. Marks the rows that solves must deliver. */
static RimCount walk_rim(WbProject pr, const double *solid, uint8_t *row_used, bool fill) {
  RimCount n = {0, 0};
  ptrdiff_t nb[6];
  double coef[6];
  size_t c = 0;
  for (int k = 0; k < pr->nz; k++)
    for (int j = 0; j < pr->nyl; j++)
      for (int i = 0; i < pr->nxl; i++, c++) {
        const int m = closed_faces(pr, solid, k, j, i, nb, coef);
        if (m > 0) row_used[(size_t)k * (size_t)pr->nyl + (size_t)j] = 1;
        if (m == 0 || solid[c] != 0) continue;
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

PetscErrorCode wb_project_faces(WbProject pr, const WbGrid *grid, const double *solid) {
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
    for (int j = 0; j < pr->nyl; j++) mark_row(pr, solid, k, j);
  const RimCount n = walk_rim(pr, solid, pr->row_used, false);
  pr->nrim = n.cells;
  PetscCall(WB_ALLOC(n.cells + 1, &pr->rim_cell));
  PetscCall(WB_ALLOC(n.cells + 1, &pr->rim_start));
  PetscCall(WB_ALLOC(n.cells + 1, &pr->rim_dz));
  PetscCall(WB_ALLOC(n.faces + 1, &pr->rim_nb));
  PetscCall(WB_ALLOC(n.faces + 1, &coef)); /* wb_project_setup turns it into WbReal */
  pr->rim_coef = coef;
  (void)walk_rim(pr, solid, pr->row_used, true);
  pr->rim_start[n.cells] = n.faces;
  int top = 0;
  for (size_t row = 0; row < rows; row++)
    if (pr->row_used[row]) top = (int)(row / (size_t)pr->nyl) + 1;
  PetscCallMPI(MPI_Allreduce(&top, &pr->klow, 1, MPI_INT, MPI_MAX, grid->comm));
  pr->flat = pr->klow == 0;
  PetscFunctionReturn(0);
}
