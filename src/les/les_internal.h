/* Inside of the LES module: the solver object, and the table of kernels that src/les/real/ provides in fp32 and fp64.
 * Nothing here is public. */
#ifndef WB_LES_INTERNAL_H
#define WB_LES_INTERNAL_H
#include "windbridge/les.h"
#include "windbridge/projection.h"

/* Fields of the state, stacked in this order in one allocation so that one halo exchange carries all. WB_THETA holds
 * theta - opt.theta_surface_K (so that fp32 keeps its digits); closed faces of u, v, w hold exactly 0, and so does
 * WB_THETA in solid cells. */
enum { WB_U = 0, WB_V = 1, WB_W = 2, WB_THETA = 3, WB_NFIELDS = 4 };
/* Further scalars follow when the options ask for them: tracers, then the subgrid kinetic energy of Deardorff's
 * closure. WbLes.nf fields in all. In what has one entry for each kind (closed faces, bits), scalars share theta's. */
enum { WB_LES_FIELDS_MAX = WB_NFIELDS + WB_LES_TRACERS_MAX + 1 };
#define WB_KIND(f) ((f) < WB_THETA ? (f) : WB_THETA)
#define WB_TKE_MIN 1e-6 /* [m2 s-2] */

/* Fields are ghosted by WB_LES_GHOST or, for the wide stencil of fifth-order advection, WB_LES_GHOST_WIDE. */
typedef WbLayout WbLesLayout;
static inline int wb_les_ghost_width(const WbLesOptions *o) {
  return o->advection == WB_ADVECTION_UPWIND5 ? WB_LES_GHOST_WIDE : WB_LES_GHOST;
}
static inline size_t wb_les_at(const WbLesLayout *l, int k, int j, int i) { /* owned cell (k, j, i) */
  return wb_layout_at(l, k, j, i);
}

/* Blocks of cells along a row, the last one may be shorter: kernels leave the mask out where none of a block's cells
 * needs it. */
enum { WB_LES_BLOCK = 32 };
static inline int wb_les_blocks(int nxl) {
  return (nxl + WB_LES_BLOCK - 1) / WB_LES_BLOCK;
}

/* Vertical metrics, doubles, index shifted by one so that [k + 1] belongs to owned level k; ghosts mirror the edge. */
typedef struct {
  double *zf;                /* (nz + 1) faces, zf[0] = 0 */
  double *zc;                /* (nz + 2) centres; zc[k + 1] = level k */
  double *dz;                /* (nz + 2) thickness */
  double *dzf;               /* (nz + 2) distance of centres k - 1 and k, stored at [k + 1]: at face k */
  double *theta_ref;         /* (nz) reference theta at centres - theta_surface_K */
  double *drive;             /* (nz) factor of WbLes.force: 1, with drive_mean_wind fading above the mixed layer */
  double *relax_c, *relax_f; /* (nz) damping rates of the sponge at centres and faces below [s-1] */
  double *tendency[3];       /* (nz) prescribed tendencies of u, v [m s-2], theta [K s-1] */
  double *push[3]; /* (nz) the same in the current step: tendency, change of the mean wind, ground_viscosity */
} WbLesMetrics;

/* ---- lateral boundary by precursor planes (src/les/inflow) ---- */
/* Planes interpolated to time t on this rank's edges; mapped to this run's z and x/y cells (piecewise constant across
 * the run's cells of one 20 m face; w linear in z and the tangential component linear along the edge between the 20 m
 * faces, so that the fluxes through every 20 m face match). One struct per side W, E, S, N; NULL members where this
 * rank does not touch that side. With ghosts along the edge: element (k, m) at [k * (n + 2 g) + m + g], m = -g .. n + g
 * - 1. */
typedef struct {
  float *u, *v, *w, *theta; /* (nz, n + 2g) n = nyl for W, E; nxl for S, N. normal component: on the boundary face;
                               tangential (face below m), w (face below k) and theta: in the first cell outside.
                               theta: minus the file's reference, WbPlanes.theta_reference_K */
} WbPlane;
typedef struct {
  WbPlane side[4]; /* W, E, S, N */
  double theta_reference_K;
  double time_s; /* of the last wb_inflow_at */
  void *map;     /* private to inflow/bind.c */
} WbPlanes;
/* Collective (reads records when t passes them). planes: allocated by wb_inflow_bind for this run's grid, whose domain
 * must be the inflow's, with `ghost` values beyond each end of an edge. Errors: WB_ERR_INPUT (domains differ; t outside
 * the recorded time). */
PetscErrorCode wb_inflow_bind(WbInflow inflow, const WbGrid *grid, int ghost, const double *zf, WbPlanes **planes);
PetscErrorCode wb_inflow_at(WbInflow inflow, double t_s, WbPlanes *planes);
void wb_inflow_unbind(WbPlanes **planes);
/* Collective. Mean over the four lateral faces at time t on levels with faces zf (nz + 1): u, v [m s-1], theta [K];
 * each (nz) out, same on all ranks. For wb_les_init with inflow. */
PetscErrorCode wb_inflow_profile(WbInflow inflow, double t_s, int nz, const double *zf, double *u, double *v,
                                 double *theta);

/* ---- walls (src/les/surface/walls.c) ---- */
/* Bits of WbLes.flags (one byte a cell, ghosted layout): face west / south / below is updated by the tendency (0:
 * closed, or prescribed at an open edge), cell is fluid, the cell to the west / south is a building. */
enum { WB_OPEN_U = 1, WB_OPEN_V = 2, WB_OPEN_W = 4, WB_FLUID_CELL = 8, WB_SOLID_WEST = 16, WB_SOLID_SOUTH = 32 };
/* Faces of one component next to walls: at = offset in the field; tendency -= u_at (c1 s1 + c2 s2) where s1, s2 =
 * tangential speeds with the first / second of the two other components in cyclic order of (u, v, w) by the list:
 * u: s1 = |(u, w)| (walls facing y), s2 = |(u, v)| (facing z); v: |(v, w)| (facing x), |(v, u)| (facing z);
 * w: |(w, v)| (facing x), |(w, u)| (facing y). With constant viscosity (WB_WALL_NO_SLIP) s1 = s2 = 1 [m s-1] instead.
 */
typedef struct {
  int n, *level_start; /* (nz + 1): sorted by level */
  int32_t *at;
  void *c1, *c2; /* WbReal [m-1]; no-slip: [s-1] */
} WbLesWallList;
typedef struct {
  int n;
  int32_t *at;
  double *rate; /* kinematic heat flux / cell thickness [K s-1] of cells beside facets */
} WbLesHeatList;

/* Faces of fluid cells towards buildings and the ground, in the order of k, j, i, facing (src/les/surface/facets.c). */
enum { WB_FACING_EAST, WB_FACING_WEST, WB_FACING_NORTH, WB_FACING_SOUTH, WB_FACING_UP, WB_FACING_DOWN };
typedef struct {
  int n;
  int32_t *at;            /* the fluid cell */
  double *cover;          /* its part of the cell's face, over the cell's fluid share */
  double *flux;           /* kinematic heat flux, NaN where the temperature is given */
  uint8_t *facing, *kind; /* outward direction; WbFacetClass */
} WbLesFacets;
/* Facets of given temperature with normals along one axis: d theta/dt = rate |U_t| (theta_s - theta). */
typedef struct {
  int n;
  int32_t *at, *facet; /* cell; index among the facets */
  double *rate;        /* exchange coefficient / cell thickness [m-1] */
  double *theta;       /* surface temperature - theta_surface_K at t = 0, warming by the sun included */
} WbLesExchange;
/* Ground by similarity. Planes (ny_t, nx_t) with ghosts; columns (nyl, nxl). */
typedef struct {
  double *planes; /* cd and slope (most.h) of cells, slope at their faces of u and v; cd is 0 in buildings */
  WbHalo halo;    /* of two of them */
  double *flux;   /* columns: given kinematic heat flux */
  double *theta;  /* columns: surface temperature as above, or NULL: flux is given */
  double *ch;     /* columns: exchange coefficient of heat (theta given) */
} WbLesGround;

/* Viscosity of the mean shear over flat ground (src/les/surface/ground_viscosity.c). All NULL: not asked for. Sums over
 * the plane: u, v, theta of each level (3 nz), then what belongs to the ground and to the lowest face above it. */
enum {
  WB_SHEAR_STRESS_U, /* what the ground takes from u, v [m2 s-2] */
  WB_SHEAR_STRESS_V,
  WB_SHEAR_HEAT, /* kinematic heat flux of the ground [K m s-1] */
  WB_SHEAR_UW,   /* resolved fluxes through the face */
  WB_SHEAR_VW,
  WB_SHEAR_THETAW,
  WB_SHEAR_W,
  WB_SHEAR_NU, /* of the closure, molecular part included [m2 s-1]: of momentum, of heat */
  WB_SHEAR_KAPPA,
  WB_SHEAR_SUMS
};
typedef struct {
  double *sum;     /* (3 nz + WB_SHEAR_SUMS) */
  double *flux[3]; /* (nz + 1) kinematic fluxes of u, v, theta through the faces in the current step */
} WbLesMeanShear;

/* Sources of one tracer: at, rate [kg m-3 s-1] while it is active. */
typedef struct {
  int n;
  int32_t *at;
  double *rate;
} WbLesSourceList;

/* Runs of closed faces (solid cells for theta) of one field, set to 0 after the mask-free kernels; sorted by level. */
typedef struct {
  int *level_start;  /* (nz + 1) first run of each level */
  int32_t *at, *len; /* offset in the field, number of faces */
} WbLesRuns;

/* ---- kernels of one precision ---- */
typedef struct WbLesOps_s {
  size_t real_bytes;
  PetscErrorCode (*step)(WbLes les, double dt_s); /* one RK3 step: real/step.c */
  /* les->state holds a new (sub)step's owned values at time t_s, dt_s after les->state0 (start of the step; both the
   * same array when dt_s = 0): halo, z ghosts, lateral planes (wb_les_apply_planes): real/boundary.c */
  PetscErrorCode (*boundary)(WbLes les, double t_s, double dt_s);
  /* cfl = max (|u| + |v|)/dx + |w|/dz [s-1], speed = max speed, visc = max 2 nu sum 1/h^2 [s-1]: local reduction over
   * all ranks. WB_ERR_NUMERIC naming variable and place when a value is not finite. */
  PetscErrorCode (*cfl)(WbLes les, double *cfl_per_s, double *speed, double *visc_per_s);
  PetscErrorCode (*report_cfl)(WbLes les); /* raises WB_ERR_NUMERIC naming the cell of the largest Courant number */
  void (*momentum)(WbLes les, void *in, void *out); /* tendency of u, v, w by itself, out = in + dt_s t (benchmarks) */
  double (*viscosity)(WbLes les);                   /* fills nut from state; local 2 nu sum 1/h^2 */
  PetscErrorCode (*project)(WbLes les, double dt_s, bool final); /* make les->state solenoidal, refresh ghosts */
  void (*accumulate)(WbLes les, double weight);                  /* statistics: output/real/statistics.c */
  /* state: ghosted, 4 fields; any output may be NULL; full theta [K]; NaN in solid: output/real/statistics.c */
  void (*centres)(WbLes les, const void *state, float *theta, float *u, float *v, float *w);
  PetscErrorCode (*set_scalar)(WbLes les, int field, WbFieldFn value, void *ctx);
  PetscErrorCode (*set_fields)(WbLes les, WbFieldFn u, WbFieldFn v, WbFieldFn w, WbFieldFn theta, void *ctx);
  void (*ground)(WbLes les);          /* cd, slope, ch of owned columns: surface/real/ground.c */
  double (*ground_stress)(WbLes les); /* local sum of |stress| over ground cells [m2 s-2] */
  void (*plane_mean)(WbLes les, int field, int k, double *sum); /* local sum over open faces (fluid cells) of level k */
  void (*shear_sums)(WbLes les, double *sum); /* local sums of WbLesMeanShear: surface/real/mean_shear.c */
} WbLesOps;
extern const WbLesOps wb_les_ops_f32, wb_les_ops_f64; /* real/ops.c */

/* Provided by les-data in real/, per precision (names end in _f32, _f64). */
PetscErrorCode wb_les_apply_planes_f32(WbLes les, double dt_s);
PetscErrorCode wb_les_apply_planes_f64(WbLes les, double dt_s);
void wb_les_accumulate_f32(WbLes les, double weight);
void wb_les_accumulate_f64(WbLes les, double weight);
void wb_les_centres_f32(WbLes les, const void *state, float *theta, float *u, float *v, float *w);
void wb_les_centres_f64(WbLes les, const void *state, float *theta, float *u, float *v, float *w);

/* Called by wb_les_advance after every step when les->recorder is set (src/les/inflow/record.c). */
typedef struct WbLesRecorder_s *WbLesRecorder;
PetscErrorCode wb_les_recorder_step(WbLes les);

/* src/les/output/output.c, called after each step when les->output is set. */
PetscErrorCode wb_les_output_step(WbLes les);
PetscErrorCode wb_les_output_save(WbLes les, WbCheckpoint ck, const char *prefix);
PetscErrorCode wb_les_output_load(WbLes les, WbCheckpoint ck, const char *prefix);

/* Geometry below the cells (porous/porous.h), or NULL. */
struct WbLesPorous_s;
/* Solid cells and the columns of a porous run; then fields and lists (within wb_les_walls_create). */
PetscErrorCode wb_les_porous_begin(WbLes les, const WbLesVoxels *voxels, uint8_t *solid);
PetscErrorCode wb_les_porous_fields(WbLes les);
PetscErrorCode wb_les_porous_lists(WbLes les);
void wb_les_porous_destroy(WbLes les);
/* Is the face's drag on the porous lists? */
bool wb_les_porous_wall(const WbLes les, int f, size_t at);
bool wb_les_porous_cell(const WbLes les, size_t at); /* are its walls or shares not those of whole cells? */
/* Part of a cell's face that a facet covers, over the cell's fluid share: ground or not, facing WB_FACING_... */
double wb_les_porous_facet(const WbLes les, int k, int j, int i, int facing, bool ground);
double wb_les_porous_mark(const WbLes les); /* tells geometries apart; 0: whole cells */
double wb_les_porous_air(const WbLes les, int f,
                         size_t at);                    /* the air's velocity over the flux of face f (1: scalars) */
float *const *wb_les_porous_apertures(const WbLes les); /* of the faces of u, v, w, ghosted; NULL: whole cells */
/* Fluid share of the cell at an offset, 1 in runs of whole cells. */
double wb_les_porous_share(const WbLes les, size_t at);

struct WbLes_s {
  const WbGrid *grid; /* borrowed */
  WbLesOptions opt;
  WbLesLayout lay;
  WbLesMetrics met;
  int nf;        /* fields of the state */
  int tke_field; /* of them the subgrid kinetic energy, or -1 */
  const WbLesOps *ops;
  WbTally tally; /* of what has the size of fields */
  /* Three buffers of nf ghosted fields whose pointers rotate in a step. Between steps state holds the solution. */
  void *state;    /* at the current (sub)step */
  void *state0;   /* at the start of the step (during a step) */
  void *tendency; /* scratch */
  void *nut;      /* eddy + molecular viscosity at centres, ghosted, 1 field; < 0 in solid cells */
  void *tke_work; /* Deardorff: diffusivity of heat, production [m2 s-3], rate of dissipation [s-1]: 3 ghosted fields */
  void *work;     /* line and plane buffers of the kernels */
  uint8_t *solid; /* ghosted: 1 = building or below ground; ghost cells beyond open edges copy the edge cell (beyond
                     closed lateral walls: 1); the level above the top is open */
  uint8_t *flags; /* ghosted, WB_OPEN_*, WB_FLUID_CELL */
  WbLesWallList walls[3];
  WbLesHeatList heat;
  WbLesFacets facets;
  WbLesExchange exchange[3]; /* normals along x, y, z */
  WbLesGround ground;
  WbLesMeanShear mean_shear;
  WbLesSourceList source[WB_LES_SOURCES_MAX];
  double theta_change_K; /* of the surface temperatures since t = 0, in the current step */
  long sun_interval;     /* the one the heat fluxes belong to; LONG_MIN: none */
  uint8_t *sky;          /* sun: buildings of the whole domain (sky_nz, ny, nx) */
  int sky_nz;
  WbLesRuns closed[WB_NFIELDS];
  struct WbLesPorous_s *porous;
  uint8_t *near_wall; /* (nz, nyl, wb_les_blocks): the block's cells have a solid one within two along an axis */
  void *fluid;        /* WbReal 1 in fluid cells, 0 in solid ones; ghosted */
  float *heat_flux;   /* (nyl, nxl) kinematic flux of the column's horizontal facet */
  bool has_solid;     /* any building cell on any rank */
  double fluid_cells; /* global */
  WbHalo halo_state;  /* nf (nz + 2) planes */
  WbProject project;
  WbInflow inflow;  /* borrowed or NULL (cyclic, or closed lateral walls on a non-periodic grid) */
  WbPlanes *planes; /* bound to this grid, at the time of the boundary being applied */
  WbLesRecorder recorder;
  int planes_written;  /* records of inflow planes so far */
  WbLesOutput output;  /* attached, or NULL */
  double time_s, dt_s; /* dt of the last step */
  long steps;
  double body_force[2]; /* drive_mean_wind: integral part of the controller, x, y acceleration [m s-2]; checkpoint it */
  double coriolis_per_s, geostrophic[2]; /* f, and u_g in the current step */
  double force[2]; /* acceleration applied in the current step; without drive_mean_wind the caller's own */
  /* statistics since the last reset, WbReal at centres of owned cells (nz, nyl, nxl): sums weighted with dt; allocated
   * zeroed by wb_les_create */
  void *sum[WB_LES_FIELDS_MAX], *sum_sq[4]; /* [WB_THETA]: NULL without theta_variance */
  double sum_weight;
  /* bookkeeping */
  long iterations_total;
  double wall_s, max_div_per_s, max_div_scaled, last_cfl, last_speed, last_visc, u_star;
};
/* src/les/les.c: sizes from grid and opt; what has the size of fields, whatever the buildings (memory.c plans with it,
 * and with wb_les_walls_allocate) */
void wb_les_shape(WbLes les);
PetscErrorCode wb_les_fields_allocate(WbLes les);
/* src/les/init.c: speed [m s-1] of the log law at height z through `speed` at wind_height_m (geostrophic: only up to
 * it) */
double wb_les_log_wind(const WbLesOptions *options, double speed, double z);
/* src/les/forcing.c */
void wb_les_wind_polar(const WbLesOptions *options, double t_s, double *speed, double *angle); /* angle [rad] */
PetscErrorCode wb_les_forcing_create(WbLes les);                                               /* after the metrics */
void wb_les_forcing_step(WbLes les, double dt_s); /* large-scale wind and accelerations of the step from time_s */
/* src/les/surface/ground_viscosity.c: after walls; a step's share, after its viscosity: adds to met.push. Both
 * collective. */
PetscErrorCode wb_les_ground_viscosity_create(WbLes les);
PetscErrorCode wb_les_ground_viscosity_step(WbLes les);
void wb_les_ground_viscosity_destroy(WbLes les);
/* src/les/surface/facets.c */
PetscErrorCode wb_les_facets_create(WbLes les); /* collective; after the mask and flags */
void wb_les_facets_destroy(WbLes les);
double wb_les_facet_thickness(WbLes les, int n);            /* of the cell along the facet's normal [m] */
int wb_les_facet_column(WbLes les, int n);                  /* among (nyl, nxl) */
PetscErrorCode wb_les_surface_step(WbLes les, double dt_s); /* surfaces of the step from time_s; collective */
/* src/les/surface/sun.c */
PetscErrorCode wb_les_sun_create(WbLes les); /* collective: gathers the buildings */
PetscErrorCode wb_les_sun_step(WbLes les);   /* collective: heat fluxes by the sun, when a new interval has begun */
/* src/les/places.c: collective but wb_les_slice_index and wb_les_source_part */
typedef struct {
  const WbGrid *grid;
  const double *zf;
  const uint8_t *solid;   /* ghosted with lay, else owned cells or NULL */
  const WbLesLayout *lay; /* or NULL */
} WbLesPlaces;
static inline WbLesPlaces wb_les_places(const WbLes les) {
  return (WbLesPlaces){.grid = les->grid, .zf = les->met.zf, .solid = les->solid, .lay = &les->lay};
}
typedef enum { WB_PLACE_OUTSIDE, WB_PLACE_BUILDING, WB_PLACE_AIR } WbLesPlaceKind;
/* cell: k, local j, i; k = -1 when another rank or nobody has the point. kind: the same on all ranks. */
PetscErrorCode wb_les_locate(const WbLesPlaces *p, const double x[3], int cell[3], WbLesPlaceKind *kind);
int wb_les_slice_index(const WbLesPlaces *p, int axis, double at_m);                        /* global, -1 outside */
double wb_les_source_part(const WbLesPlaces *p, const WbLesSource *s, int k, int j, int i); /* of the cell's volume */
PetscErrorCode wb_les_source_volume(const WbLesPlaces *p, const WbLesSource *s, const char *name, double *volume);
PetscErrorCode wb_les_check_output(const WbLesPlaces *p, const WbLesOutputOptions *options);
/* src/les/tracers.c */
PetscErrorCode wb_les_tracers_create(WbLes les); /* collective; after the mask */
void wb_les_tracers_destroy(WbLes les);
void wb_les_field_name(WbLes les, int f, char name[WB_LES_NAME_MAX]); /* as in checkpoints and messages */
/* src/les/surface/walls.c */
PetscErrorCode wb_les_walls_allocate(WbLes les);
PetscErrorCode wb_les_walls_create(WbLes les, const uint8_t *solid, const float *heat_flux); /* collective */
void wb_les_walls_destroy(WbLes les);
/* Has the run this scalar (tracers, then subgrid energy)? PETSC_ERR_ARG_OUTOFRANGE: statistics.c */
PetscErrorCode wb_les_check_scalar(WbLes les, int scalar);
#endif
