/* windbridge projection: velocities on the faces of a C-grid made exactly free of divergence around voxel buildings,
 * and winds at cell centres by way of them. Knows fields and faces, nothing of what moves them. */
#ifndef WINDBRIDGE_PROJECTION_H
#define WINDBRIDGE_PROJECTION_H
#include "windbridge/grid.h"

typedef struct WbProject_s *WbProject;
/* Collective. solid (nz, nyl, nxl) owned cells or NULL. Open faces lie between two fluid cells (cyclic wrap included);
 * lateral faces of a non-periodic edge are prescribed: they enter the divergence but are not corrected. ghost: width of
 * the ghosts of the fields that wb_project_apply gets. aperture: NULL, or ghosted fields of what the gradient acts with
 * on the west, south, lower face of each cell between fluid cells (0: closed); borrowed while creating. */
PetscErrorCode wb_project_create(const WbGrid *grid, int ghost, double dx_m, const double *zf, const uint8_t *solid,
                                 float *const aperture[3], WbPrecision precision, WbProject *project);
/* The same by multigrid (src/projection/multigrid.h): single precision, no cyclic sides, no warm start (slots mean
 * nothing). */
PetscErrorCode wb_project_create_multigrid(const WbGrid *grid, int ghost, double dx_m, const double *zf,
                                           const uint8_t *solid, float *const aperture[3], WbProject *project);
/* Everything of it but the solver: enough for wb_project_pockets. */
PetscErrorCode wb_project_create_regions(const WbGrid *grid, int ghost, double dx_m, const double *zf,
                                         const uint8_t *solid, WbPrecision precision, WbProject *project);
void wb_project_destroy(WbProject *project);
/* Collective. Fluid cells at prescribed lateral edges that are cut off from the largest region; *first: global i, j, k
 * of one of them. Flow prescribed into them could not leave. */
PetscErrorCode wb_project_pockets(WbProject project, const WbGrid *grid, long *cells, int first[3]);
/* Collective. u on face i = nxl, v on face j = nyl from the neighbours' first ones, not beyond prescribed edges. */
PetscErrorCode wb_project_far_faces(WbProject project, void *u, void *v);
/* Collective. u, v, w: ghosted fields (wb_layout) of the precision; on entry the ghosts (i = nxl, j = nyl faces) are
 * valid and closed faces hold 0. On exit owned open faces are corrected so that max|div| <= tol_per_s in fluid cells
 * (true divergence recomputed from the corrected velocity), ghosts are NOT refreshed. slot 0..2: warm start of that RK
 * stage. The net flux through prescribed faces must vanish per connected region (else the excess is reported as
 * WB_ERR_NUMERIC). Errors: WB_ERR_NUMERIC when max_iterations do not reach the tolerance. */
PetscErrorCode wb_project_apply(WbProject project, void *u, void *v, void *w, double dt_s, double tol_per_s,
                                int max_iterations, int slot, int *iterations, double *max_div_per_s);
/* What the warm start of a slot is made of (slots 0 .. 2 of the stages, 3: of the final stage before), as a field
 * (owned cells, ghost-free) of the precision, to read or to fill for checkpoints: valid until the next call with
 * another slot or the next projection. */
enum { WB_PROJECT_SLOTS = 4 };
void *wb_project_potential(WbProject project, int slot);

/* Benchmarks: one flat solve; divergence, and correction with the divergence that it leaves, of any three fields. */
PetscErrorCode wb_project_flat_solve(WbProject project); /* collective */
void wb_project_sweep(WbProject project, void *u, void *v, void *w);

/* Winds at cell centres made free of divergence and of flow through walls. Collective on grid->comm; grid
 * (non-periodic, dx_m set, borrowed for the object's life): uniform cells of dx_m in all directions from the ground up;
 * fluid (nz, nyl, nxl) owned cells, copied. apply: field (nz, nyl, nxl, 4) in and out, channels 1 to 3 u, v, w [m s-1];
 * channel 0 and values in buildings are not touched. The flow through the sides stays, the top is open. max_div_per_s
 * (may be NULL): largest |div| left at the faces, at most tol_per_s. The result depends on field alone, not on earlier
 * calls. Errors: WB_ERR_NUMERIC (not finite; tolerance not reached). */
typedef struct WbSolenoidal_s *WbSolenoidal;
PetscErrorCode wb_solenoidal_create(const WbGrid *grid, const uint8_t *fluid, WbSolenoidal *solenoidal);
PetscErrorCode wb_solenoidal_apply(WbSolenoidal solenoidal, float *field, double tol_per_s, double *max_div_per_s);
/* The same for a wind interpolated from a coarser run, a first guess: the projected faces are those of apply, but every
 * centre becomes the mean of its two faces in each direction (of walls: 0), which is what a centre is in the files of a
 * 5 m run; apply adds corrections to the centres and leaves wind in front of walls. Winds that pass a 20 m face change
 * where buildings narrow it: the coarse run, whose half-built cells are all wall or all air, is not right about them.
 */
PetscErrorCode wb_solenoidal_source(WbSolenoidal solenoidal, float *field, double tol_per_s, double *max_div_per_s);
void wb_solenoidal_destroy(WbSolenoidal *solenoidal);

/* Planning, not collective: memory on this rank [B]; walls: around buildings, as many as in a dense city. */
double wb_project_memory_bytes(const WbGrid *grid, WbPrecision precision, bool walls);
double wb_solenoidal_memory_bytes(const WbGrid *grid);
#endif
