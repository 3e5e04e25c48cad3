/* windbridge grid: 2-D pencil decomposition (z whole), halo exchange and its adjoint, remapping between grids.
 * Index order k, j, i (z, y, x), x fastest; owned cells 0..nxl-1, 0..nyl-1 locally, x0 + i, y0 + j globally. */
#ifndef WINDBRIDGE_GRID_H
#define WINDBRIDGE_GRID_H
#include "windbridge/core.h"

/* Read-only after creation. One rank owns nz x nyl x nxl cells. */
typedef struct WbGrid_s {
  MPI_Comm comm;               /* borrowed, not duplicated */
  MPI_Comm row_comm, col_comm; /* owned: ranks of the same iy (along x) / of the same ix (along y) */
  int rank, size;
  int px, py, ix, iy;   /* process grid and this rank's place; rank = iy * px + ix */
  int nx, ny, nz;       /* global cells */
  int x0, y0, nxl, nyl; /* owned box */
  bool periodic_x, periodic_y;
  int *x_starts, *y_starts;      /* (px + 1), (py + 1) ownership boundaries */
  double x_min_m, y_min_m, dx_m; /* place of the grid's south-west corner, spacing */
} WbGrid;

/* What a grid is made of. Members left 0: spacing 1 m, corner at the origin, no alignment, a process grid of the
 * function's choice, no cyclic direction. */
typedef struct {
  int nx, ny, nz;
  double dx_m, x_min_m, y_min_m;
  int align;  /* owned boxes are multiples of so many cells, as nx and ny must be */
  int px, py; /* process grid; 0: chosen (prefers py >= px, and px = 1 until pieces get thin: x lines whole) */
  bool periodic_x, periodic_y;
} WbGridShape;
/* Collective on comm. Errors: WB_ERR_CONFIG for a number of ranks that fits in no way; the message says which do. */
PetscErrorCode wb_grid_make(MPI_Comm comm, const WbGridShape *shape, WbGrid **grid);

/* The same of plain numbers, for a grid whose place does not matter: 1 m from the origin. */
PetscErrorCode wb_grid_create(MPI_Comm comm, int nx, int ny, int nz, int align, int px, int py, bool periodic_x,
                              bool periodic_y, WbGrid **grid);
/* Can so many ranks share all of n grids? And which numbers can: all where they are few, else those near `near`, as
 * text for people ("1 to 4, 6, 8"). Not collective. */
typedef struct {
  int nx, ny, align;
  int least; /* cells that each rank must own along an axis that is cut: the width of a halo */
} WbGridCut;
bool wb_grid_fits(int ranks, int n, const WbGridCut *shapes);
void wb_grid_fitting_ranks(int near, int n, const WbGridCut *shapes, char *text, size_t size);
/* Collective. A conformal grid at the same place, `ratio` times finer (ratio > 0) or coarser (ratio < 0) in x and y,
 * with nz levels: a rank owns the children (parents) of its own cells. */
PetscErrorCode wb_grid_refine(const WbGrid *grid, int ratio, int nz, WbGrid **out);
void wb_grid_destroy(WbGrid **grid);
/* Global voxel number of owned cell (k, j, i): (k * ny + y0 + j) * nx + x0 + i. */
static inline uint64_t wb_grid_voxel(const WbGrid *g, int k, int j, int i) {
  return ((uint64_t)k * (uint64_t)g->ny + (uint64_t)(g->y0 + j)) * (uint64_t)g->nx + (uint64_t)(g->x0 + i);
}
/* Place of owned cell (k, j, i) in an array of the owned cells. */
static inline size_t wb_grid_at(const WbGrid *g, int k, int j, int i) {
  return ((size_t)k * (size_t)g->nyl + (size_t)j) * (size_t)g->nxl + (size_t)i;
}
/* South-west corner of the owned box. */
static inline double wb_grid_west(const WbGrid *g) {
  return g->x_min_m + g->x0 * g->dx_m;
}
static inline double wb_grid_south(const WbGrid *g) {
  return g->y_min_m + g->y0 * g->dx_m;
}
/* Heights of uniform cells from the ground up: faces (nz + 1), centres (nz); either may be NULL. */
static inline void wb_grid_heights(int nz, double dz_m, double *zf, double *z) {
  for (int k = 0; k <= nz && zf; k++) zf[k] = k * dz_m;
  for (int k = 0; k < nz && z; k++) z[k] = (k + 0.5) * dz_m;
}
static inline size_t wb_grid_owned(const WbGrid *g) {
  return (size_t)g->nz * (size_t)g->nyl * (size_t)g->nxl;
}

/* Layout of a ghosted field (nz + 2, nyl + 2 g, nxl + 2 g): one level below and above, g cells around. */
typedef struct {
  int nz, nyl, nxl, g;
  int sy;       /* nxl + 2 g: stride of j */
  size_t sz;    /* stride of k */
  size_t field; /* (nz + 2) * sz: elements of one field */
} WbLayout;
static inline WbLayout wb_layout(const WbGrid *grid, int ghost) {
  WbLayout l = {.nz = grid->nz, .nyl = grid->nyl, .nxl = grid->nxl, .g = ghost};
  l.sy = l.nxl + 2 * l.g;
  l.sz = (size_t)l.sy * (size_t)(l.nyl + 2 * l.g);
  l.field = (size_t)(l.nz + 2) * l.sz;
  return l;
}
static inline size_t wb_layout_at(const WbLayout *l, int k, int j, int i) { /* owned cell (k, j, i) */
  return (size_t)(k + 1) * l->sz + (size_t)(j + l->g) * (size_t)l->sy + (size_t)(i + l->g);
}

/* Halo exchange of an array (levels, nyl + 2*width, nxl + 2*width, components) of float or double, x and y ghosts
 * with corners; ghosts beyond a non-periodic edge are left untouched by forward and zeroed by adjoint.
 * `levels` is the number of k planes in the array (z ghosts and stacked fields are just more planes). */
typedef struct WbHalo_s *WbHalo;
PetscErrorCode wb_halo_create(const WbGrid *grid, int levels, int width, int components, WbPrecision type,
                              WbHalo *halo);            /* collective */
PetscErrorCode wb_halo_begin(WbHalo halo, void *array); /* collective; array not to be touched in ghosts */
PetscErrorCode wb_halo_end(WbHalo halo, void *array);
PetscErrorCode wb_halo_exchange(WbHalo halo, void *array); /* begin + end */
PetscErrorCode wb_halo_adjoint(WbHalo halo, void *array);  /* owners += ghosts, then ghosts = 0 */
void wb_halo_destroy(WbHalo *halo);
int wb_halo_messages(WbHalo halo);        /* sent by this rank in one exchange; not collective */
double wb_halo_buffer_bytes(WbHalo halo); /* memory of the message buffers; not collective; halo may be NULL */
/* The same of a halo to be made on this grid (sizes alone are read). */
double wb_halo_memory_bytes(const WbGrid *grid, int levels, int width, int components, WbPrecision type);
/* This rank's totals so far, of all halos, forward and adjoint. */
typedef struct {
  double exchanges, messages, bytes; /* messages and bytes: sent */
  double seconds;                    /* in begin, end, exchange and adjoint: packing, waiting, unpacking */
} WbHaloTotals;
WbHaloTotals wb_halo_totals(void); /* not collective */

/* Copy a box of a source grid to a destination grid with another decomposition (PetscSF underneath): global dst
 * cell (k, j, i) takes source cell (k + k_off, j + j_off, i + i_off); every dst cell must lie inside the source.
 * Arrays are owned cells (nz, nyl, nxl, components) float, no ghosts. */
typedef struct WbRemap_s *WbRemap;
PetscErrorCode wb_remap_create(const WbGrid *src, const WbGrid *dst, int k_off, int j_off, int i_off, int components,
                               WbRemap *remap);                             /* collective */
PetscErrorCode wb_remap_apply(WbRemap remap, const float *src, float *dst); /* collective */
void wb_remap_destroy(WbRemap *remap);

/* Horizontal symmetry s in 0..7 of the square: rotation by 90 degrees (x, y) -> (-y, x) (s & 3) times, then reflection
 * x -> -x if s & 4. Not collective, cannot fail. */
size_t wb_symmetry_image(int s, int n, int j, int i); /* where cell (j, i) of (n, n) goes: j' n + i' */
void wb_symmetry_vector(int s, float *u, float *v);   /* a horizontal vector, in place */
/* What belongs to a component and has no sign (a scale, a deviation): u and v trade places where s trades x and y. The
 * same there and back. */
static inline void wb_symmetry_lengths(int s, float *u, float *v) {
  const float old = *u;
  if (s & 1) *u = *v, *v = old;
}
int wb_symmetry_inverse(int s);
/* The symmetry that brings the wind from direction_deg (meteorological) to 0 <= v <= u. */
int wb_symmetry_of_wind(double direction_deg);
/* All that do: two at the octant's edges, the multiples of 45 deg. s (2) out; returns how many. */
int wb_symmetries_of_wind(double direction_deg, int s[2]);
#endif
