/* Geometry below the cells: a cell may be filled with buildings in part. Buildings are known on columns `ratio` times
 * finer than the cells; a cell is solid where they fill at least WbLesVoxels.solid_from of it, and then wholly.
 *
 * The state's velocities are volume fluxes through whole faces over their whole areas (superficial velocities): the
 * condition of no divergence and the flux form stay as they are. With the fluid share s of the box around a face (from
 * one cell's centre to the next), u = q / s is the air's own (intrinsic) velocity there, a the aperture that the
 * pressure gradient acts on: dq/dt = -div(q u) + a (forces - grad p) - (form drag + wall stress) u      (voxels.c,
 * real/momentum.c) s dc/dt = -div(q c) + div(a kappa grad c) + sources                        (real/scalar.c) Where all
 * is open or closed as whole cells are, nothing is on the lists below and the run is the same bit for bit. */
#ifndef WB_LES_POROUS_H
#define WB_LES_POROUS_H
#include "les_internal.h"

/* Roofs in sub-levels on the fine columns of the owned cells and one cell's columns around them. */
typedef struct {
  int r, nz, sy; /* ratio; levels of cells; columns from one row to the next */
  int32_t *all;
  const int32_t *roof; /* column (0, 0) of the owned ones, within `all` */
} WbLesColumns;

/* What the fine columns make of the box around a face. Shares are of a whole face, or of the box. */
typedef struct {
  double share, aperture;
  double frontal; /* area that the flow through the box has to pass by, both ways, over the face's */
  double wall[2][2],
      ground; /* walls along the flow: facing up and down the two other axes in order; ground of wall[1][0] */
} WbLesBox;

/* Faces of one component whose tendency differs from that of plain air, sorted by level. */
typedef struct {
  int n, *level_start; /* (nz + 1) */
  int32_t *at;
  double *aperture, *form, *c1, *c2; /* rates over speed [m-1]: form drag; walls as in WbLesWallList */
} WbLesPorousFaces;
/* Cells whose scalars differ. */
typedef struct {
  int n, *level_start;
  int32_t *at;
  double *per_share; /* 1 / fluid share */
} WbLesPorousCells;
/* Faces, ghosts included, whose velocity is not their flux. */
typedef struct {
  int n;
  int32_t *at;
  double *factor; /* 1 / share */
} WbLesPorousScale;

struct WbLesPorous_s {
  WbLesColumns columns;
  float *aperture[3]; /* ghosted: of the west, south, lower face of each cell; 1 in open air, 0 closed */
  float *share[4];    /* ghosted: of the boxes around these faces, of the cell; 1 where closed, solid */
  uint8_t *irregular; /* ghosted cells: walls and shares are not those of whole cells */
  WbLesPorousFaces face[3];
  WbLesPorousCells cells;
  WbLesPorousScale scale[3];
  void *velocity; /* WbReal: fields of the state, u, v, w intrinsic (scalars for Deardorff's closure only) */
  double mark;    /* tells geometries apart */
};

/* Collective. From roofs of the owned columns (nyl ratio, nxl ratio); solid (nz, nyl, nxl) out: owned cells. */
PetscErrorCode wb_les_columns_create(const WbGrid *grid, const WbLesVoxels *voxels, uint8_t *solid, WbLesColumns *out);
/* Box around face f of owned cell (k, j, i) (its west, south, lower one). */
void wb_les_columns_box(const WbLesColumns *c, int f, int k, int j, int i, WbLesBox *box);
double wb_les_columns_share(const WbLesColumns *c, int k, int j, int i); /* fluid share of a cell */
/* Areas of walls and roofs inside a cell, over the cell's faces; facing as WB_FACING_...; of those facing up the part
 * that is ground at z = 0. */
void wb_les_columns_facets(const WbLesColumns *c, int k, int j, int i, double area[6], double *ground);

#endif
