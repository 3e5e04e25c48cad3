/* Inside of the projection. Notation: L the flat Laplacian (every face open, also those in buildings), A = D m G the
 * Laplacian of the fluid with closed faces left out and those open in part weighted with their apertures a. For a fluid
 * cell c
 *     (A x)_c = (L x)_c - (C x)_c,   (C x)_c = sum over its faces of (1 - a) coef (x_neighbour - x_c),
 * and C x is zero except in the "rim": fluid cells with a face that is not wholly open. With x = L^-1 (b + q), q on the
 * rim only, the residual b - A x = C x - q lives on the rim too. So the conjugate gradients preconditioned by L^-1 run
 * on lists of rim cells; whole fields appear in the flat solves alone, and those need only the levels up to the highest
 * roof. q, the sources that the walls must emit, is also what a warm start keeps. */
#ifndef WB_PROJECTION_INTERNAL_H
#define WB_PROJECTION_INTERNAL_H
#include "windbridge/fft.h"
#include "windbridge/projection.h"

#include "multigrid.h"

enum { WB_OPEN_WEST = 1, WB_OPEN_SOUTH = 2, WB_OPEN_BELOW = 4, WB_FLUID = 8 }; /* bits of mask */

/* Faces of one velocity that are open in part, by level: the correction by masks takes them as whole. closed: what of
 * it is too much, (1 - aperture) / distance [m-1], between x[hi] and x[lo] (ghosted vector). */
typedef struct {
  int n, *level_start; /* (nz + 1) */
  int32_t *at, *hi, *lo;
  double *closed;
} WbProjectPartial;

struct WbProject_s {
  WbPrecision precision;
  MPI_Comm comm, row_comm, col_comm; /* borrowed */
  WbLayout lay;
  int nz, nyl, nxl;
  size_t n;            /* owned cells */
  double dx, *dz, *rh; /* dz (nz); rh (nz + 1): 1 / centre distance at face k, 0 at bottom and top */
  WbPoisson poisson;
  WbMultigrid multigrid; /* in place of poisson; then there is no rim and no slot */
  /* ghosted vector: owned cells, then planes of the neighbours W, E (nz, nyl) and S, N (nz, nxl) */
  size_t ghost[4], n_ghosted;
  int neighbour[4];      /* rank in row_comm (W, E), col_comm (S, N); MPI_PROC_NULL beyond a prescribed edge */
  bool alone_x, alone_y; /* one rank in that direction */
  void *edge_send, *edge_recv;
  /* faces */
  uint8_t *mask;               /* (n) bits of the cell and its west, south, lower face */
  uint8_t *open_west;          /* (nz * nyl): face i = 0 */
  uint8_t *row_plain;          /* (nz * nyl): nothing closed in the row (k, j) but possibly its first west face */
  uint8_t *open_east;          /* (nz * nyl): face i = nxl */
  uint8_t *open_north;         /* (nz * nxl): face j = nyl */
  WbProjectPartial partial[3]; /* level_start NULL: none */
  /* rim; flat: no rim on any rank */
  bool flat;
  int klow;          /* levels 0 .. klow - 1 contain every closed face */
  uint8_t *row_used; /* (klow * nyl): rows with a cell that touches a closed face */
  int nrim;
  int32_t *rim_cell, *rim_start, *rim_nb; /* (nrim), (nrim + 1), index in the ghosted vector of each such neighbour */
  void *rim_coef;                         /* (rim_start[nrim]) WbReal [m-2] */
  double *rim_dz;                         /* (nrim) weight of the inner product */
  /* connected regions of fluid; 0 is the largest */
  int regions;
  int32_t *rim_region; /* (nrim) */
  int nsmall;          /* cells of the other regions */
  int32_t *small_cell, *small_region;
  double *region_volume, *region_rim, *region_sum; /* (regions + 2): sums over all ranks; last also scratch */
  /* WbReal work */
  void *x_alloc;                     /* x with a vector's room before it */
  void *rhs, *x, *low, *z;           /* (n), (n_ghosted), (klow * nyl * nxl), (n_ghosted) */
  void *r, *w, *p, *s, *q, *q_start; /* (nrim) */
  void *slot[WB_PROJECT_SLOTS];      /* (nrim): q / dt of the last solve of each stage; 3: of the final stage before */
  void *dense;                       /* (n): a slot as a field, for checkpoints; zero off the rim */
  int dense_slot;                    /* which, -1: none; the field counts as written by its reader */
};

/* faces.c, regions.c: collective, called once by create. */
PetscErrorCode wb_project_faces(WbProject pr, const WbGrid *grid, const double *solid_ghosted,
                                float *const aperture[3]);
PetscErrorCode wb_project_regions(WbProject pr, const WbGrid *grid);
/* Index in the ghosted vector of the neighbour of (k, j, i) one step along x or y: wraps when this rank is alone in a
 * periodic direction, -1 beyond a prescribed edge. */
ptrdiff_t wb_project_neighbour(WbProject pr, int k, int j, int i, int di, int dj);

#define WB_PROJECT_DECLARE(suffix)                                                                                     \
  PetscErrorCode wb_project_setup_##suffix(WbProject pr);                                                              \
  PetscErrorCode wb_project_exchange_##suffix(WbProject pr, int nk, void *x);                                          \
  PetscErrorCode wb_project_far_faces_##suffix(WbProject pr, void *u, void *v);                                        \
  double wb_project_divergence_##suffix(WbProject pr, const void *u, const void *v, const void *w);                    \
  double wb_project_correct_##suffix(WbProject pr, void *u, void *v, void *w);                                         \
  double wb_project_outflow_##suffix(WbProject pr, const void *u, const void *v);                                      \
  void wb_project_spread_##suffix(WbProject pr, int slot);                                                             \
  void wb_project_gather_##suffix(WbProject pr);                                                                       \
  PetscErrorCode wb_project_cg_##suffix(WbProject pr, double tol, int max_iterations, int *iterations);                \
  PetscErrorCode wb_project_run_##suffix(WbProject pr, void *velocity[3], double dt_s, double tol, int max_iterations, \
                                         int slot, int *iterations, double *max_div);
WB_PROJECT_DECLARE(f32)
WB_PROJECT_DECLARE(f64)
/* solenoidal.c: width of ghosts, levels above the layer, ghosted fields that it holds (memory.c counts them) */
enum { WB_SOLENOIDAL_GHOST = 2, WB_SOLENOIDAL_ABOVE = 7, WB_SOLENOIDAL_FIELDS = 10 };
#endif
