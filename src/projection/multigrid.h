/* Multigrid for the projection's equation, in single precision: conjugate gradients preconditioned by one V-cycle, on
 * all fluid cells of a grid without cyclic sides. Where the network's winds are projected, the flat solver is a poor
 * preconditioner: a city of thin walls at 5 m takes it a hundred iterations, this one about ten.
 *
 * The equation of a cell c, over its open faces f of conductance g_f:
 *     sum_f g_f (x_c - x_f) = b_c,   g = dz / dx^2 through sides, 1 / centre distance through floors, b = -dz div.
 * Levels halve the columns in x and y only and keep z whole: columns are relaxed as tridiagonal systems, red and black
 * ones in turn, which the thick levels above the layer do not slow down. A coarse column is a sum of four: floors add
 * up, sides add up and halve (twice as far). Transfers are constant over the four (Wesseling 1988, J. Comput. Appl.
 * Math. 22, 1; McAdams, Sifakis, Teran 2010, Symp. Computer Animation, 65: multigrid as a preconditioner around
 * voxels). */
#ifndef WB_PROJECTION_MULTIGRID_H
#define WB_PROJECTION_MULTIGRID_H
#include "windbridge/grid.h"

#include <string.h>

/* Open faces of this rank's cells; bits WB_OPEN_... of projection_internal.h. */
typedef struct {
  const uint8_t *mask;                   /* (nz, nyl, nxl) */
  const uint8_t *open_east, *open_north; /* (nz, nyl), (nz, nxl): faces i = nxl, j = nyl */
  const double *dz, *rh;                 /* (nz), (nz + 1): thickness; 1 / centre distance at face k, 0 at both ends */
  double dx;
  float *const *aperture; /* NULL, or ghosted fields with lay of the west, south, lower faces' apertures, in 256ths */
  const WbLayout *lay;
} WbMultigridFaces;

typedef struct WbMultigrid_s *WbMultigrid;
/* Collective. grid: not cyclic, boxes that begin at even cells; borrowed. */
PetscErrorCode wb_multigrid_create(const WbGrid *grid, const WbMultigridFaces *faces, WbMultigrid *multigrid);
void wb_multigrid_destroy(WbMultigrid *multigrid);
/* Collective. rhs, x (owned cells) float: Laplacian of x = rhs [s-1] within tol [s-1] in every fluid cell, or as near
 * as max_iterations or rounding allow; rhs must vanish in the mean of each connected region. iterations: added to. */
PetscErrorCode wb_multigrid_solve(WbMultigrid multigrid, const void *rhs, double tol, int max_iterations,
                                  int *iterations, void *x);
double wb_multigrid_bytes(int nz, int nyl, int nxl); /* memory, about */

/* ---- inside ---- */
/* Arrays (ny + 2 slabs, nz, 2 halves, half): slab j holds the columns of one y; even cells of a row are in the first
 * half, odd ones in the second, so that a colour is contiguous. Each half has a number's room at its ends: the ghosts
 * i = -1 (second half) and i = nx (first half). nx and ny are even; missing columns are closed. */
typedef struct {
  int nz, ny, nx;
  size_t half, slab;
  /* Conductances of the west face, the south face and the floor of each cell: upper halves of floats (memory is what
   * limits the sweeps), times those of open fine faces of the level: (nz) side, floor. */
  uint16_t *gx, *gy, *gz;
  float *side, *floor;
  bool voxels; /* the finest level without apertures: a face is closed only beside a solid cell or the grid's edge,
                  where x is 0 */
  float *inv;  /* inverse pivots of the columns, 0 in solid cells */
  float *x, *b;
  int x0, y0;  /* of this rank's first cell on the next level's array */
  bool gather; /* the next level is whole on every rank */
} WbMgLevel;

static inline float wb_mg_widen(uint16_t upper) {
  const uint32_t bits = (uint32_t)upper << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline size_t wb_mg_at(const WbMgLevel *l, int j, int k, int odd) {
  return (size_t)(j + 1) * l->slab + (size_t)(2 * k + odd) * l->half + 1;
}

enum { WB_MG_LEVELS = 24 };
struct WbMultigrid_s {
  MPI_Comm comm, row_comm, col_comm; /* borrowed */
  int west, east, south, north;      /* ranks of row_comm, col_comm, or MPI_PROC_NULL */
  int nyl, nxl;
  bool whole_rows;   /* one rank in x */
  int levels, apart; /* of all levels, the first `apart` are cut among the ranks */
  WbMgLevel level[WB_MG_LEVELS];
  float *p, *q, *x;          /* level 0 */
  float *row;                /* a row of any level */
  float *plain;              /* the first whole level in order, (ny, nz, nx), to be summed over the ranks */
  float *edge_out, *edge_in; /* (nz, ny) of level 0 */
  float *dz, *per_dz;        /* (nz) */
};

static inline size_t wb_mg_array(const WbMgLevel *l) {
  return (size_t)(l->ny + 2) * l->slab;
}
static inline size_t wb_mg_plain(const WbMgLevel *whole) {
  return (size_t)whole->ny * (size_t)whole->nz * (size_t)whole->nx;
}
/* Place of cell i of a row, ghosts too. */
static inline size_t wb_mg_cell(const WbMgLevel *l, int j, int k, int i) {
  return wb_mg_at(l, j, k, i & 1) + (size_t)((i + 2) / 2) - 1;
}

/* Kernels (multigrid_kernels.c). Colour 0: i + j even. */
/* Columns of the colour in slab j solved with the others held; from zero: the others count as 0. */
void wb_mg_relax(const WbMgLevel *l, int j, int colour, bool from_zero);
double wb_mg_dot(const WbMgLevel *l, int j); /* sum of b x over slab j */
/* What a coarse row (J, k) is due: the residuals of its red cells, once the black ones are solved. out (nx / 2) */
void wb_mg_residual_row(const WbMgLevel *l, int coarse_j, int k, float *out);
/* Adds a coarse row to the red cells below it. */
void wb_mg_add_row(const WbMgLevel *l, int coarse_j, int k, const float *row);
/* A row in order, of any of the level's arrays. */
void wb_mg_put_row(const WbMgLevel *l, float *array, int j, int k, int n, const float *row);
void wb_mg_get_row(const WbMgLevel *l, const float *array, int j, int k, float *row); /* nx */
/* q = A p, returns sum of p q. */
double wb_mg_apply(const WbMgLevel *l, const float *p, float *q);
/* x += alpha p, b -= alpha q; returns the largest |b| of level k times scale[k]. */
double wb_mg_update(const WbMgLevel *l, float alpha, const float *p, const float *q, const float *scale, float *x);
/* p = z + beta p */
void wb_mg_direction(const WbMgLevel *l, float beta, const float *z, float *p);
#endif
