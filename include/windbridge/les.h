/* windbridge les: large-eddy simulation of Boussinesq flow over voxel buildings (Arakawa C, RK3, exact obstacle
 * projection). Knows nothing of super-resolution.
 * Inside: arrays (nz + 2, nyl + 2g, nxl + 2g) of WbReal, g = WB_LES_GHOST (_WIDE: fifth order), one ghost level below
 * and above; owned cell (k, j, i) is at [k + 1][j + g][i + g]; u[.][.][i] is the face WEST of cell i, v the face SOUTH,
 * w the face BELOW. At a non-periodic east (north, top) edge the last face lives in the first ghost. Outside: float at
 * cell centres. */
#ifndef WINDBRIDGE_LES_H
#define WINDBRIDGE_LES_H
#include "windbridge/grid.h"
#include "windbridge/io.h"

#define WB_LES_GHOST 2
#define WB_LES_GHOST_WIDE 3

typedef enum { WB_CLOSURE_VREMAN, WB_CLOSURE_SMAGORINSKY, WB_CLOSURE_NONE, WB_CLOSURE_DEARDORFF } WbClosure;
/* Of momentum: second-order central with a fraction of third-order dissipation, or fifth-order upwind-biased. */
typedef enum { WB_ADVECTION_CENTRAL, WB_ADVECTION_UPWIND5 } WbAdvection;
typedef enum { WB_WALL_LOG, WB_WALL_FREE_SLIP, WB_WALL_NO_SLIP } WbWallModel;

/* Large-scale forcing, none by default. Tables are linear between entries and constant beyond them. */
enum { WB_LES_TABLE_MAX = 64 };
typedef struct {
  bool coriolis;       /* -f k x (u - u_g): f = 2 Omega sin(latitude), u_g the large-scale wind at all heights */
  bool geostrophic;    /* wind_speed and wind_direction are those of the geostrophic wind, which alone drives */
  double latitude_deg; /* > 0 north */
  int n_wind;          /* entries of the large-scale wind in time; 0: wind_speed and wind_direction for ever */
  double wind_time_s[WB_LES_TABLE_MAX], wind_speed_m_per_s[WB_LES_TABLE_MAX], wind_direction_deg[WB_LES_TABLE_MAX];
  int n_tendency; /* entries of prescribed tendencies (advection by larger scales, radiation) in height */
  double tendency_height_m[WB_LES_TABLE_MAX], tendency_u_m_per_s2[WB_LES_TABLE_MAX],
      tendency_v_m_per_s2[WB_LES_TABLE_MAX], tendency_theta_K_per_s[WB_LES_TABLE_MAX];
} WbLesForcing;

/* Surfaces: momentum and heat exchange of the ground (k = 0), roofs (other facets facing up) and walls (vertical facets
 * and undersides). By default a log law without regard of stability, and the heat flux of the option on ground and
 * roofs.
 */
typedef enum { WB_FACET_GROUND, WB_FACET_ROOF, WB_FACET_WALL, WB_FACET_CLASSES } WbFacetClass;
typedef struct {
  bool most;                        /* ground by Monin-Obukhov similarity (Businger-Dyer) in place of the log law */
  double theta_K[WB_FACET_CLASSES]; /* potential temperature of the surface at t = 0; NaN: its flux is given */
  double flux_K_m_per_s[WB_FACET_CLASSES]; /* kinematic heat flux; NaN: heat_flux_K_m_per_s, walls 0 */
  double theta_rate_K_per_s;               /* change of the surface temperatures */
  double z0_heat_ratio;                    /* roughness length for heat over that for momentum */
  bool sun;             /* spreads heat_flux (its mean over the plan area is kept) over facets by sunlight and shade */
  double longitude_deg; /* with utc_s gives the hour angle; latitude is that of the forcing */
  int day_of_year;      /* at t = 0: 1 .. 366 */
  double utc_s;         /* time of day at t = 0 */
  double diffuse_fraction; /* of the sunlight: reaches shaded facets too, half of it vertical ones */
  double north_deg;        /* azimuth of the grid's y from true north, clockwise: the sun is turned by it */
  double sun_warming_K;    /* facets of given temperature are warmer by this x the cosine of the sun's incidence */
} WbLesSurface;

/* Passive tracers, concentrations in kg m-3: none by default, then they cost nothing. Clean air flows in. A source is a
 * box (size 0: the one cell around a point) whose air gives off rate_kg_per_s in all, evenly by volume. */
enum { WB_LES_TRACERS_MAX = 16, WB_LES_SOURCES_MAX = 64, WB_LES_NAME_MAX = 32 };
typedef struct {
  int tracer;                                         /* 0 .. n - 1 */
  double x_m, y_m, z_m, size_x_m, size_y_m, size_z_m; /* of its middle, in the grid's coordinates */
  double rate_kg_per_s, start_s, end_s;
} WbLesSource;
typedef struct {
  int n, n_sources;
  char name[WB_LES_TRACERS_MAX][WB_LES_NAME_MAX];
  WbLesSource source[WB_LES_SOURCES_MAX];
} WbLesTracers;

typedef struct {
  WbPrecision precision;
  WbClosure closure;
  WbWallModel wall;              /* building and ground faces */
  WbAdvection advection;         /* of momentum */
  double upwind_fraction;        /* with WB_ADVECTION_CENTRAL: of the dissipation of third-order upwind; 0: none */
  double viscosity_m2_per_s;     /* molecular; 0 in the city, > 0 in verification cases */
  double prandtl_turbulent;      /* eddy viscosity / eddy diffusivity of theta (0.7) */
  double z0_ground_m, z0_wall_m; /* roughness lengths */
  double wind_speed_m_per_s, wind_direction_deg, wind_height_m; /* target wind of a cyclic run */
  double theta_surface_K;                                       /* reference potential temperature theta0 at z = 0 */
  double lapse_K_per_m;                                         /* initial d theta / dz above mixed_height_m */
  double mixed_height_m;                                        /* neutral below */
  double heat_flux_K_m_per_s; /* kinematic, horizontal facets (ground and roofs), > 0 heats air */
  double cfl_max;             /* 1.2: max over cells of dt * (|u|/dx + |v|/dx + |w|/dz) */
  double dt_max_s;
  double tol_final, tol_stage; /* max|div| dx / U at the end of a step; relative residual of RK stages 1, 2 */
  int max_iterations;          /* CG, per solve */
  double form_drag;            /* coefficient of walls below the cells (wb_les_create_porous) */
  double sponge_height_m;      /* Rayleigh damping above this; >= top: none */
  uint32_t seed;               /* initial perturbations */
  bool theta_variance;         /* wb_les_variance gives that of theta too */
  bool top_no_slip;            /* verification: the lid drags with the molecular viscosity, moving at top_velocity */
  double top_velocity_m_per_s[2];
  bool momentum_only;    /* verification: no theta */
  bool ground_viscosity; /* flat rough ground only: viscosity that makes the lowest levels' mean shear its law's */
  bool drive_mean_wind;  /* cyclic: body force steers the plane mean at wind_height to the target */
  WbLesForcing forcing;
  WbLesSurface surface;
  WbLesTracers tracers;
} WbLesOptions;
void wb_les_options_default(WbLesOptions *options);

/* Unit vector (east, north, up) towards the sun; up < 0: night. Declination by Spencer (1971), no equation of time. */
void wb_les_sun_direction(double latitude_deg, double longitude_deg, int day_of_year, double utc_s,
                          double direction[3]);
/* Large-scale wind (u, v) [m s-1] at time t: of the table, or constant. Speed is linear in time, direction takes the
 * shorter way round. */
void wb_les_wind(const WbLesOptions *options, double t_s, double wind[2]);
/* One number for all options, the same for the same physics (flow_only: for those that act on a flat cyclic run, whose
 * roughness and drive the caller chooses). To tell whether stored planes and checkpoints fit. */
uint64_t wb_les_options_mark(const WbLesOptions *options, bool flow_only);

/* Reference profile of the forcing (inference knows it): neutral to mixed_height, lapse above. */
double wb_les_theta_ref(const WbLesOptions *options, double z_m);

/* ---- inflow planes: u, v, w, theta at the four lateral faces over the whole height ---- */
/* A record every interval_s on the 20 m grid, of a precursor (stored in one HDF5 file) or made as the run goes; used
 * piecewise constant in space, linear in time, by LR and HR runs alike. */
typedef struct WbInflow_s *WbInflow;
PetscErrorCode wb_inflow_open(MPI_Comm comm, const char *path, WbInflow *inflow); /* collective */
void wb_inflow_destroy(WbInflow *inflow);
PetscErrorCode wb_inflow_time_range(WbInflow inflow, double *t_first_s, double *t_last_s);
/* Planes that are made, not read, on a grid of (nz, ny, nx) cells between two times; zf (nz + 1) [m]. */
typedef struct {
  int nx, ny, nz;
  double dx_m, x_min_m, y_min_m;
  const double *zf; /* borrowed while creating */
  double t_first_s, t_last_s;
  const char *start_time_iso; /* date of t = 0, for files whose times have one; NULL: none */
} WbInflowDomain;
/* Collective. Planes interpolated from another model's boundary values, a netCDF-4 file with time, z and u, v, theta
 * or T (w, tke) on (time, z) or, with y and x, on (time, z, y, x), read by their meaning (io.h). Values are held before
 * the first time; below the lowest level the wind follows the log law of options->z0_ground_m. With tke [m2 s-2]
 * turbulence of that energy and of length_m is added, made as below. Errors: WB_ERR_INPUT (missing variable, shape,
 * order of times, units, not finite or absurd values, domain, heights or time not covered), WB_ERR_CONFIG (length). */
PetscErrorCode wb_inflow_nested(MPI_Comm comm, const char *path, const WbInflowDomain *domain,
                                const WbLesOptions *options, double length_m, WbInflow *inflow);
/* Collective. Synthetic turbulence by a digital filter (Klein et al. 2003) about the log law of the options' wind and
 * z0_ground_m, with the stresses of a neutral boundary layer, streamwise integral scale length_m (lateral, vertical:
 * half); an integral time scale has 16 records. The same on any number of ranks, after a restart, for coarse and fine
 * runs. Errors: WB_ERR_CONFIG (length). */
PetscErrorCode wb_inflow_synthetic(MPI_Comm comm, const WbInflowDomain *domain, const WbLesOptions *options,
                                   double length_m, WbInflow *inflow);
/* Collective. Do the planes fit a run on this grid with faces zf? Errors: WB_ERR_INPUT (domain, height, spacing). */
PetscErrorCode wb_inflow_check(WbInflow inflow, const WbGrid *grid, const double *zf);
/* Wind and temperature that a precursor's planes were made for; false where they do not say. Not collective. */
bool wb_inflow_weather(WbInflow inflow, double *speed, double *direction, double *height, double *theta_K);
const char *wb_inflow_tag(WbInflow inflow); /* as given to wb_les_record_planes; valid until destroy */

typedef struct WbLes_s *WbLes;
/* Collective on grid->comm. solid (nz, nyl, nxl) owned cells, 1 = building (NULL: none); zf (nz + 1) faces [m];
 * heat_flux (nyl, nxl) kinematic flux of the horizontal facets per column [K m s-1] or NULL (the option's value);
 * inflow NULL needs a grid periodic in x and y; with inflow the grid must be non-periodic. Everything is copied,
 * inflow is borrowed. Sealed fluid regions are found by flood fill and kept at rest. */
PetscErrorCode wb_les_create(const WbGrid *grid, const double *zf, const uint8_t *solid, const float *heat_flux,
                             WbInflow inflow, const WbLesOptions *options, WbLes *les);
/* Buildings finer than the cells. roof (nyl ratio, nxl ratio): on columns of dx / ratio of the owned cells, how many
 * sub-levels (a `ratio`-th of a level each) they fill from the ground up. Borrowed while creating. */
enum { WB_LES_RATIO_MAX = 16 };
typedef struct {
  int ratio; /* 1 to WB_LES_RATIO_MAX */
  const int32_t *roof;
  double solid_from; /* a cell is solid where buildings fill at least this share of it */
} WbLesVoxels;
/* The same with geometry below the cells: apertures, fluid shares, drag and heat of the true walls (doc/theory.rst).
 * Velocities that come out are those of the air. Errors besides: WB_ERR_CONFIG (options that do not go with it). */
PetscErrorCode wb_les_create_porous(const WbGrid *grid, const double *zf, const WbLesVoxels *voxels,
                                    const float *heat_flux, WbInflow inflow, const WbLesOptions *options, WbLes *les);
/* Not collective. Which cells (nz, nyl, nxl) are solid then, and (may be NULL) the fluid share of each, 0 in solid
 * ones. */
PetscErrorCode wb_les_voxels_solid(int nz, int nyl, int nxl, const WbLesVoxels *voxels, uint8_t *solid, float *share);
void wb_les_destroy(WbLes *les);

/* Initial state: log-law mean wind to the target, reference theta, solenoidal-projected random perturbations in the
 * lowest 2/3 (cyclic), or the inflow's mean profile at time t0 (with inflow). */
PetscErrorCode wb_les_init(WbLes les, double t0_s);
/* State of a coarser run of the same domain (any ratio and z faces), interpolated and projected; time is taken over. */
PetscErrorCode wb_les_init_from(WbLes les, WbLes coarse);
/* Tests and verification: function of (x, y, z) [m] for each of u, v, w (at their faces) and theta (centres). */
typedef double (*WbFieldFn)(void *ctx, double x, double y, double z);
PetscErrorCode wb_les_init_fields(WbLes les, WbFieldFn u, WbFieldFn v, WbFieldFn w, WbFieldFn theta, void *ctx);

/* One of the further scalars of a run: tracer 0 .. n - 1, or n: subgrid kinetic energy [m2 s-2] (Deardorff's closure).
 * wb_les_init_fields leaves tracers clean and the energy at its least. Collective. */
PetscErrorCode wb_les_set_scalar(WbLes les, int scalar, WbFieldFn value, void *ctx);
/* Mean since the last reset, or present field, of owned cells (nz, nyl, nxl), NaN in solid cells. */
PetscErrorCode wb_les_mean_scalar(WbLes les, int scalar, float *out);
PetscErrorCode wb_les_instant_scalar(WbLes les, int scalar, float *out);

/* Advance exactly to t_end (dt clipped to hit it). monitor (may be NULL) is called after each step on every rank; it
 * returns an error to stop (WB_ERR_STOPPED). Errors: WB_ERR_NUMERIC names step, variable, place. Collective. */
typedef PetscErrorCode (*WbLesMonitor)(void *ctx, WbLes les);
PetscErrorCode wb_les_advance(WbLes les, double t_end_s, WbLesMonitor monitor, void *ctx);
PetscErrorCode wb_les_step(WbLes les, double dt_s); /* one RK3 step of given dt */
/* A cyclic run that writes inflow planes every interval_s to path while it advances (precursor), from t_first_s, where
 * it stands, to the first record at or after t_end_s. The file is path.part until it is complete, and stays there after
 * an error or a stop, to go on from: with n_written > 0 the run stands behind the time of that many records, which the
 * part (or, when they are to reach further than they did, the file itself) holds. monitor as in wb_les_advance.
 * Collective. Errors: WB_ERR_CONFIG, WB_ERR_INPUT (a part of another run), WB_ERR_IO. */
typedef struct {
  const char *path, *tag; /* tag: free text kept in the file, tells what it was made for */
  double t_first_s, interval_s, t_end_s;
  int n_written;
} WbLesPlanes;
PetscErrorCode wb_les_record_on(WbLes les, const WbLesPlanes *planes, WbLesMonitor monitor, void *ctx);
/* The same from the run's present time, from the first record on. */
PetscErrorCode wb_les_record_planes(WbLes les, const char *path, const char *tag, double interval_s, double t_end_s,
                                    WbLesMonitor monitor, void *ctx);
int wb_les_planes_written(WbLes les);          /* records so far; not collective */
PetscErrorCode wb_les_planes_flush(WbLes les); /* collective: what is recorded so far outlives a kill */
/* Collective. Is path or path.part there? */
PetscErrorCode wb_les_planes_there(MPI_Comm comm, const char *path, bool *yes);

double wb_les_time(WbLes les);
long wb_les_steps(WbLes les);
const WbGrid *wb_les_grid(WbLes les);

/* Means over (t_reset, now], time-weighted with dt, at cell centres (wall faces count as 0): float (nz, nyl, nxl) owned
 * cells, NaN in solid cells; any pointer may be NULL. theta is full potential temperature [K]. Also variances. */
PetscErrorCode wb_les_mean_reset(WbLes les);
PetscErrorCode wb_les_mean(WbLes les, float *theta, float *u, float *v, float *w);
PetscErrorCode wb_les_instant(WbLes les, float *theta, float *u, float *v, float *w);
/* Resolved turbulence kinetic energy [m2 s-2] per level over fluid cells since the last reset: 1/2 sum of temporal
 * variances, horizontal mean. tke (nz). Collective, same on all ranks. */
PetscErrorCode wb_les_resolved_tke(WbLes les, double *tke);

/* Variances about the mean since the last reset, at centres of owned cells (nz, nyl, nxl), NaN in solid cells; any
 * pointer may be NULL. theta's needs the option theta_variance. */
PetscErrorCode wb_les_variance(WbLes les, float *theta, float *u, float *v, float *w);

/* ---- output while a run advances: profiles, probes, slices ---- */
/* Nothing of it changes the flow or its time steps: a record is taken at the end of the first step that reaches its
 * time and carries the step's own time. Files appear in dir: profiles.nc, probes.csv, slices.nc, only those asked for.
 *   profiles: means over the air of each level and over the interval of velocity, theta, further scalars, their
 *     variances, resolved fluxes (fluctuations from that mean) and subgrid fluxes (those of the ground at zface = 0)
 *   probes: values of the cell that holds the point; a probe in a building or outside the domain is refused
 *   slices: fields at centres of the cells that hold the coordinate, over the whole domain */
enum { WB_LES_PROBES_MAX = 256, WB_LES_SLICES_MAX = 16 };
typedef struct {
  const char *dir, *start_time_iso;                                    /* borrowed until wb_les_output_destroy */
  double t_begin_s, t_end_s;                                           /* first record one interval after t_begin */
  double profile_interval_s, probe_interval_s, slice_interval_s;       /* < 0: none; probes: 0 = every step */
  int n_probes, n_slices[3];                                           /* slices: of constant x, y, z */
  double probe_m[WB_LES_PROBES_MAX][3], slice_m[3][WB_LES_SLICES_MAX]; /* x, y, z; grid's coordinates */
} WbLesOutputOptions;
/* Collective on grid->comm: refuses (WB_ERR_CONFIG) sources, probes and slices of a run-to-be that lie in a building or
 * outside the domain, before any work; solid (nz, nyl, nxl) owned cells; tracers, output may be NULL. */
PetscErrorCode wb_les_check_places(const WbGrid *grid, const double *zf, const uint8_t *solid,
                                   const WbLesTracers *tracers, const WbLesOutputOptions *output);
/* Collective on grid->comm: refuses before any work what wb_les_create would: options that do not fit the grid
 * (WB_ERR_CONFIG) and, on a non-periodic grid, air at the edges that solid (nz, nyl, nxl, owned cells) cuts off
 * (WB_ERR_INPUT). */
PetscErrorCode wb_les_check_run(const WbGrid *grid, const double *zf, const uint8_t *solid,
                                const WbLesOptions *options);
typedef struct WbLesOutput_s *WbLesOutput;
/* Collective. Attaches to the run (one at most), whose checkpoints then hold the statistics in progress; files come
 * with wb_les_output_open (append: the run was resumed and goes on writing them). Destroy before the run. Errors:
 * WB_ERR_CONFIG (place), WB_ERR_IO. */
PetscErrorCode wb_les_output_create(WbLes les, const WbLesOutputOptions *options, WbLesOutput *output);
PetscErrorCode wb_les_output_open(WbLesOutput output, bool append);
PetscErrorCode wb_les_output_destroy(WbLesOutput *output); /* collective; closes the files */

typedef struct {
  long steps;
  double cell_steps;              /* global fluid + solid cells x steps */
  double wall_s;                  /* spent inside advance */
  double poisson_iterations_mean; /* per step, all stages */
  double max_divergence_per_s;    /* at the end of the last step, fluid cells */
  double max_divergence_scaled;   /* max|div| dx / U over the run */
  double u_star_m_per_s;          /* from the ground stress */
  double cfl, dt_s, max_speed_m_per_s;
} WbLesSummary;
PetscErrorCode wb_les_summary(WbLes les, WbLesSummary *summary); /* collective */

/* Whole solver state into an open checkpoint under the given prefix, and back (any rank count). */
PetscErrorCode wb_les_save(WbLes les, WbCheckpoint ck, const char *prefix);
PetscErrorCode wb_les_load(WbLes les, WbCheckpoint ck, const char *prefix);

/* z faces: uniform dz up to z_uniform, then each level `stretch` times thicker (at most dz_max), last one made to end
 * at top. *zf is allocated (nz + 1), caller frees with WB_FREE. */
PetscErrorCode wb_les_z_faces(double dz_m, double z_uniform_m, double stretch, double dz_max_m, double top_m, int *nz,
                              double **zf);

/* Benchmarks (src/les/kernels.c): one call of a bare kernel on this run's arrays, without walls, boundaries and halos;
 * the state stays. MOMENTUM: fused advection, closure's stress and update of u, v, w in one stage; VISCOSITY: the
 * closure's; POISSON: one flat solve; PROJECTION: divergence, and correction with the divergence that it leaves.
 * Collective. */
typedef enum {
  WB_LES_KERNEL_MOMENTUM,
  WB_LES_KERNEL_VISCOSITY,
  WB_LES_KERNEL_POISSON,
  WB_LES_KERNEL_PROJECTION
} WbLesKernel;
PetscErrorCode wb_les_kernel(WbLes les, WbLesKernel kernel);
/* What one step over flat ground has to move between memory and cores per cell, each kernel reading each of its arrays
 * once [B]. */
double wb_les_traffic_bytes(const WbLesOptions *options);

/* Planning (src/les/memory.c), not collective. What a run on this grid will take on this rank (walls: with buildings),
 * and its checkpoint on disk in all [B]. */
double wb_les_memory_bytes(const WbGrid *grid, const WbLesOptions *options, bool walls);
/* Planes of an open inflow on its grid; made: synthetic or nested (with turbulence of length_m; without what a nested
 * file's own fields take). */
double wb_inflow_memory_bytes(const WbGrid *grid, bool made, double length_m);
double wb_les_checkpoint_bytes(const WbGrid *grid, const WbLesOptions *options);
#endif
