/* Inside of the LES module: the solver object, and the table of kernels that src/les/real/ provides in fp32 and fp64.
 * Nothing here is public. */
#ifndef WB_LES_INTERNAL_H
#define WB_LES_INTERNAL_H
#include "windbridge/fft.h"
#include "windbridge/les.h"

/* Fields of the state, stacked in this order in one allocation so that one halo exchange carries all. */
enum { WB_U = 0, WB_V = 1, WB_W = 2, WB_THETA = 3, WB_NFIELDS = 4 };

/* Layout of one ghosted field: (nz + 2, ny_t, nx_t), ny_t = nyl + 2g, nx_t = nxl + 2g, g = WB_LES_GHOST. */
typedef struct {
  int nz, nyl, nxl, g;
  int sy;       /* nx_t: stride of j */
  size_t sz;    /* nx_t * ny_t: stride of k */
  size_t field; /* (nz + 2) * sz: elements of one field */
} WbLesLayout;
static inline size_t wb_les_at(const WbLesLayout *l, int k, int j, int i) { /* owned cell (k, j, i) */
  return (size_t)(k + 1) * l->sz + (size_t)(j + l->g) * (size_t)l->sy + (size_t)(i + l->g);
}

/* Vertical metrics, doubles, index shifted by one so that [k + 1] belongs to owned level k; ghosts mirror the edge. */
typedef struct {
  double *zf;     /* (nz + 1) faces, zf[0] = 0 */
  double *zc;     /* (nz + 2) centres; zc[k + 1] = level k */
  double *dz;     /* (nz + 2) thickness */
  double *dzf;    /* (nz + 2) distance of centres k - 1 and k, stored at [k + 1]: at face k */
} WbLesMetrics;

/* Exact projection onto discretely solenoidal fields (src/les/project.c, real/project_*.c). */
typedef struct WbProject_s *WbProject;
/* Collective. solid (nz, nyl, nxl) owned cells or NULL. Open faces lie between two fluid cells (cyclic wrap included);
 * lateral faces of a non-periodic edge are prescribed: they enter the divergence but are not corrected. */
PetscErrorCode wb_project_create(const WbGrid *grid, double dx_m, const double *zf, const uint8_t *solid,
                                 WbPrecision precision, WbProject *project);
void wb_project_destroy(WbProject *project);
/* Collective. u, v, w: ghosted fields (layout above) of the precision; on entry the ghosts (i = nxl, j = nyl faces) are
 * valid and closed faces hold 0. On exit owned open faces are corrected so that max|div| <= tol_per_s in fluid cells
 * (true divergence recomputed from the corrected velocity), ghosts are NOT refreshed. slot 0..2: warm start of that RK
 * stage. The net flux through prescribed faces must vanish per connected region (else the excess is reported as
 * WB_ERR_NUMERIC). Errors: WB_ERR_NUMERIC when max_iterations do not reach the tolerance. */
PetscErrorCode wb_project_apply(WbProject project, void *u, void *v, void *w, double dt_s, double tol_per_s,
                                int max_iterations, int slot, int *iterations, double *max_div_per_s);
/* Pressure-like potential of a slot (ghost-free owned cells) for checkpoints: size = owned cells of the precision. */
void *wb_project_potential(WbProject project, int slot);

/* ---- lateral boundary by precursor planes (src/les/inflow.c, real/inflow_apply.c) ---- */
/* Planes interpolated to time t on this rank's edges; level index already mapped to this run's z and x/y cells
 * (piecewise constant). One struct per side W, E, S, N; NULL members where this rank does not touch that side. */
typedef struct {
  float *u, *v, *w, *theta; /* (nz, n) n = nyl for W, E; nxl for S, N. normal component: on the boundary face;
                               tangential and w, theta: just outside; w at face below level k */
} WbPlane;
typedef struct {
  WbPlane side[4]; /* W, E, S, N */
} WbPlanes;
/* Collective (reads records when t passes them). planes: allocated by wb_inflow_bind for this run's grid. */
PetscErrorCode wb_inflow_bind(WbInflow inflow, const WbGrid *grid, const double *zf, WbPlanes **planes);
PetscErrorCode wb_inflow_at(WbInflow inflow, double t_s, WbPlanes *planes);
void wb_inflow_unbind(WbPlanes **planes);

/* ---- kernels of one precision ---- */
typedef struct WbLesOps_s {
  size_t real_bytes;
  PetscErrorCode (*step)(WbLes les, double dt_s);                     /* one RK3 step: real/step.c */
  PetscErrorCode (*boundary)(WbLes les, double t_s, double dt_s);    /* halo, ground/top/lateral ghosts, wall faces = 0,
                                                                         flux balance: real/boundary.c */
  PetscErrorCode (*cfl)(WbLes les, double *cfl_per_s, double *speed); /* max (|u|/dx+|v|/dx+|w|/dz), max speed; NaN if NaN */
  void (*accumulate)(WbLes les, double weight);                       /* statistics: real/statistics.c */
  void (*centres)(WbLes les, const void *state, float *theta, float *u, float *v, float *w); /* NaN in solid */
  PetscErrorCode (*set_fields)(WbLes les, WbFieldFn u, WbFieldFn v, WbFieldFn w, WbFieldFn theta, void *ctx);
} WbLesOps;
extern const WbLesOps wb_les_ops_f32, wb_les_ops_f64;

struct WbLes_s {
  const WbGrid *grid; /* borrowed */
  WbLesOptions opt;
  WbLesLayout lay;
  WbLesMetrics met;
  const WbLesOps *ops;
  void *state;         /* 4 fields at the current (sub)step */
  void *state0;        /* 4 fields at the start of the step */
  void *tendency;      /* 4 fields */
  void *nut;           /* eddy viscosity at centres, ghosted, 1 field */
  uint8_t *solid;      /* ghosted: 1 = building or below ground; ghost cells beyond open edges copy the edge cell; the level
                          above the top is open */
  float *heat_flux;    /* (nyl, nxl) kinematic flux of the column's horizontal facet */
  bool has_solid;      /* any building cell on any rank */
  WbHalo halo_state, halo_one; /* 4 (nz + 2) planes; nz + 2 planes */
  WbHalo halo_velocity;        /* 3 (nz + 2) planes */
  WbProject project;
  WbInflow inflow;     /* borrowed or NULL (cyclic) */
  WbPlanes *planes;    /* bound to this grid */
  double time_s, dt_s; /* dt of the last step */
  long steps;
  double body_force[2]; /* drive_mean_wind: x, y acceleration [m s-2] */
  /* statistics since the last reset, WbReal at centres of owned cells (nz, nyl, nxl): sums weighted with dt */
  void *sum[WB_NFIELDS], *sum_sq[3];
  double sum_weight;
  /* bookkeeping */
  long iterations_total;
  double wall_s, max_div_per_s, max_div_scaled, last_cfl, last_speed, u_star;
};
#endif
