/* windbridge hybrid: LES and bridge coupled in time, ensembles (the forecast), precursor + LR + HR orchestration. */
#ifndef WINDBRIDGE_HYBRID_H
#define WINDBRIDGE_HYBRID_H
#include "windbridge/bridge.h"
#include "windbridge/city.h"
#include "windbridge/data.h"
#include "windbridge/les.h"
#include "windbridge/model.h"

/* ---- super-resolution of one minute: the shot ---- */
typedef struct {
  const char *model_path; /* NULL: interpolation only (wb_sr_x0), no members */
  int members, steps;     /* steps 0: 3 */
  double dx_m, top_m;     /* 5, 160 */
  WbNoiseChoice noise;
  double noise_scale;            /* g = noise_scale * noise; 0: 1 */
  double start_power, end_power; /* time grid (WbTimeGrid); both 0: the process's own */
  bool antithetic;               /* odd members take the noise of the even one before them, negated */
  const char *schedule;          /* NULL: the model's own; another one is refused */
  const char *sampler;           /* a name of wb_sampler_parse; NULL: euler_maruyama */
  bool projection;               /* members made solenoidal as a last step (wb_solenoidal_apply) */
  WbBackend backend;
  int slabs; /* of the network on each rank, for less memory (WbSlabs); 0: 1 */
  uint32_t seed;
} WbSrOptions;
typedef struct WbSr_s *WbSr;
/* Collective on lr_grid->comm. lr_grid: the forecast window in cells of the model's ratio (4) times dx_m, with its own
 * decomposition; of its levels exactly those of top_m and one more are used, as in training. lr_fluid
 * (nz, nyl, nxl) in; forcing in: reference temperature and wind (the scales come from the model); heat_flux [K m s-1].
 * Builds the conformal HR grid, masks, wall distance and heat flux channel from the city and loads the model.
 * Everything is copied. Caller destroys. Errors: WB_ERR_CONFIG (sizes, schedule), WB_ERR_INPUT (model file). */
PetscErrorCode wb_sr_create(const WbGrid *lr_grid, const WbCity *city, const uint8_t *lr_fluid,
                            const WbNormalisation *forcing, double heat_flux, const WbSrOptions *options, WbSr *sr);
/* Collective. The same for the window of a pair file (borrowed while creating): its masks, distances, heat flux,
 * forcing. */
PetscErrorCode wb_sr_create_pair(const WbPairRun *pair, const WbSrOptions *options, WbSr *sr);
void wb_sr_destroy(WbSr *sr);
/* What wb_sr_create will take on this rank [B]: network beside its model, model, fields at 5 m. Collective; reads the
 * model. lr_grid as there. Errors: as there. */
typedef struct {
  WbNetMemory net;
  double model, fields;
} WbSrMemory;
PetscErrorCode wb_sr_plan(const WbGrid *lr_grid, const WbSrOptions *options, WbSrMemory *memory);
/* Owned by sr: the 5 m grid, its masks (nz, nyl, nxl). */
const WbGrid *wb_sr_grid(WbSr sr);
const uint8_t *wb_sr_fluid(WbSr sr);
const uint8_t *wb_sr_lr_valid(WbSr sr);
/* One minute, collective. lr (nz_lr, nyl, nxl, 4) in: theta [K], u, v, w [m s-1], anything in solid cells:
 * interpolates, normalises, runs the t-independent branch of the network once. Errors: WB_ERR_INPUT (fluid cell not
 * finite). */
PetscErrorCode wb_sr_condition(WbSr sr, const float *lr);
/* The same from an interpolation already at hand, x0 (nz, nyl, nxl, 4) physical (a pair's). Collective. */
PetscErrorCode wb_sr_condition_x0(WbSr sr, const float *x0);
const WbNormalisation *wb_sr_normalisation(WbSr sr); /* the model's scales with this forcing */
/* The symmetry (grid.h) that turns this window into the frame of the model; 0: it knows all winds. Not collective. */
int wb_sr_symmetry(WbSr sr);

/* One member of the conditioned minute, collective. out (nz, nyl, nxl, 4): theta [K], u, v, w [m s-1], NaN in
 * buildings. Depends on (seed, member, minute) alone, whatever was asked before. Errors: WB_ERR_NUMERIC (not finite).
 */
PetscErrorCode wb_sr_member(WbSr sr, int minute, int member, float *out);
const float *wb_sr_x0(WbSr sr); /* baseline: physical interpolation (nz, nyl, nxl, 4), NaN in buildings; owned by sr */
double wb_sr_seconds_per_shot(WbSr sr); /* conditions and members, divided by the members made so far */
long wb_sr_evaluations(WbSr sr);        /* of the network, so far */
WbNet wb_sr_net(WbSr sr);               /* owned by sr (of a slab), NULL without a model: for reports on its cost */

/* ---- simulations around a city: precursor, LR run, HR run (src/hybrid/simulate.c, sim_run.c, pairs.c) ----
 * Order of a forecast: wb_sim_create, wb_sim_run_create(20), [wb_sim_resume], wb_sim_inflow, wb_sim_spinup,
 * wb_sim_minutes. A fine run is created beside it and started by wb_sim_start_from after the coarse run's spin-up. */
typedef enum { WB_INFLOW_PRECURSOR, WB_INFLOW_SYNTHETIC, WB_INFLOW_FILE } WbInflowKind;
typedef struct {
  double dx_m, dx_hr_m, top_m, margin_m;
  double spinup_s, duration_s, output_interval_s, plane_interval_s;
  double hr_uniform_top_m, hr_stretch, hr_dz_max_m, hr_drop_s;
  double rim_m;          /* outermost part of the margin that is kept free of buildings */
  double precursor_z0_m; /* roughness of the flat precursor: stands for the city upstream */
  WbInflowKind inflow;
  double inflow_length_m;           /* synthetic: streamwise integral scale */
  const char *boundary_file;        /* file: boundary values of another model (wb_inflow_nested); borrowed */
  const char *start_time_iso;       /* date of t = 0, for boundary values that have dates; borrowed, NULL: none */
  bool porous;                      /* runs coarser than geometry_dx_m know the buildings at that spacing */
  double geometry_dx_m, solid_from; /* (wb_les_create_porous) */
  WbLesOptions les;
} WbSimOptions;
void wb_sim_options_default(WbSimOptions *options);
/* What a run on a city's domain will take on this rank [B], and its checkpoint in all. Collective on comm. dx_m: of a
 * second, finer run beside the 20 m one, or 20. */
typedef struct {
  double precursor, coarse, fine, inflow, checkpoint;
  double cells; /* of the finest run on this rank */
} WbSimMemory;
PetscErrorCode wb_sim_plan(MPI_Comm comm, const WbCity *city, const WbSimOptions *options, double dx_m,
                           WbSimMemory *memory);

/* What a caller wants of a long run; every member may be zero. Borrowed texts. */
typedef struct {
  PetscErrorCode (*stop)(void *ctx, bool *stop);      /* collective, asked after every step; NULL: signals only */
  PetscErrorCode (*save)(void *ctx, WbCheckpoint ck); /* the caller's own data into every checkpoint */
  PetscErrorCode (*load)(void *ctx, WbCheckpoint ck);
  void *ctx;
  PetscErrorCode (*start)(void *ctx); /* collective, pairs: all is checked, work begins */
  const char *checkpoint;             /* path of the checkpoint file; NULL: none is written, nor the precursor's */
  double checkpoint_interval_s;       /* wall time between checkpoints; 0: only when stopped */
  bool resumes;                       /* go on from the checkpoints that are there */
  bool keeps_planes;                  /* inflow planes of other weather are refused, not made anew */
} WbSimControl;

typedef struct WbSim_s *WbSim;
/* Collective. Everything but the city (borrowed) is copied. The domain is the city's window + margin_m. */
PetscErrorCode wb_sim_create(MPI_Comm comm, const WbCity *city, const WbSimOptions *options,
                             const WbSimControl *control, WbSim *sim);
void wb_sim_destroy(WbSim *sim);
const WbSimOptions *wb_sim_options(WbSim sim);
/* Collective. options.inflow synthetic or file: planes made as the runs go, path is not used. Else inflow planes from
 * `path`: used as they are when they were made for this domain and forcing and reach far enough, else (or when there
 * is no file) a flat cyclic precursor is run at 20 m for 2 x spinup_s + duration_s and recorded there. It has a
 * checkpoint of its own, "<path>.checkpoint.h5", and where the control resumes it goes on from that: when it was
 * stopped, and when planes are to reach further than they did.
 * must_exist: never make it (les_inflow_file): only domain and time span are checked. Call after the runs were created,
 * before they start. Errors: WB_ERR_INPUT, WB_ERR_NUMERIC, WB_ERR_STOPPED, WB_ERR_IO (planes of other weather, which
 * the control keeps). */
PetscErrorCode wb_sim_inflow(WbSim sim, const char *path, bool must_exist);
/* Collective. Opens what wb_sim_inflow would read, refuses what does not fit (WB_ERR_INPUT) and closes it: nothing is
 * made or written. Call after the runs were created. */
PetscErrorCode wb_sim_check_inflow(WbSim sim, const char *path, bool must_exist);

/* One simulation around the city. Members are for reading. */
typedef struct {
  char name[8]; /* "lr", "hr": prefix in checkpoints */
  double dx_m;
  WbGrid *grid;   /* the whole domain, non-periodic */
  double *zf;     /* (nz + 1) faces [m] */
  uint8_t *solid; /* (nz, nyl, nxl) */
  int32_t *roof;  /* porous: WbLesVoxels.roof, else NULL */
  bool built;     /* any building, on any rank */
  WbLes les;      /* NULL until wb_sim_inflow */
  bool started;   /* holds a state */
} WbSimRun;
/* Collective. dx_m: uniform 20 m levels when it is options.dx_m, else dx_m up to hr_uniform_top_m and stretched above.
 * The sim owns the run and destroys it. At most two runs. Errors: those of wb_les_check_run. */
PetscErrorCode wb_sim_run_create(WbSim sim, const char *name, double dx_m, WbSimRun **run);
/* Collective. From the inflow's mean profile at -spinup_s to t = 0 (goes on from where a resumed run stands). */
PetscErrorCode wb_sim_spinup(WbSim sim, WbSimRun *run);
/* Collective. Start `run` from the state of `coarse` (no-op when it was resumed). */
PetscErrorCode wb_sim_start_from(WbSim sim, WbSimRun *run, WbSimRun *coarse);
/* Collective. Output interval m (0-based): advances to (m + 1) output_interval_s and holds its mean in run->les. A run
 * that is there already is left alone. */
PetscErrorCode wb_sim_minute(WbSim sim, WbSimRun *run, int minute);
/* First interval that is not known to be complete: 0 for a fresh run; after resuming, the one in which the run stands
 * (its output is to be written again). */
int wb_sim_first_minute(WbSim sim, const WbSimRun *run);
/* Collective. wb_sim_minute for minutes first_minute .. n - 1, fn after each; n = duration_s / output_interval_s. */
typedef PetscErrorCode (*WbSimMinuteFn)(void *ctx, int minute, WbSimRun *run);
PetscErrorCode wb_sim_minutes(WbSim sim, WbSimRun *run, WbSimMinuteFn fn, void *ctx);

/* Collective. Loads the runs held by the control's checkpoint; *resumed false when there is none. A checkpoint of
 * another city or forcing is refused (WB_ERR_INPUT). Call after wb_sim_inflow. */
PetscErrorCode wb_sim_resume(WbSim sim, bool *resumed);
/* Collective. The same refusal before any work; no-op unless the control resumes. */
PetscErrorCode wb_sim_check_resume(WbSim sim);
PetscErrorCode wb_sim_checkpoint(WbSim sim); /* collective; no-op without control.checkpoint */

/* The forecast window inside a run's domain, with a decomposition of its own. */
typedef struct {
  WbGrid *grid;              /* nz levels of the window; owned */
  double *zf, *z;            /* (nz + 1), (nz) [m] */
  uint8_t *fluid;            /* (nz, nyl, nxl) */
  uint8_t *lr_valid;         /* (nz, nyl, nxl): the covering cell at options.dx_m is fluid */
  float *fluid_fraction;     /* (nz, nyl, nxl): air in each cell of a porous run; else NULL */
  float *building_height;    /* (nyl, nxl) [m] */
  float *heat_flux;          /* (nyl, nxl) kinematic [K m s-1] */
  WbSimRun *run;             /* borrowed */
  WbRemap remap, remap_one;  /* of the four fields; of one, made when it is first needed */
  float *domain[4], *packed; /* work */
} WbSimWindow;
/* Collective. nz 0: the whole column. align: owned boxes are multiples of it (the ratio to 20 m). */
PetscErrorCode wb_sim_window_create(WbSim sim, WbSimRun *run, int nz, int align, WbSimWindow **window);
void wb_sim_window_destroy(WbSimWindow **window);
/* Collective. The run's mean since the start of the interval: (nz, nyl, nxl, 4) theta [K], u, v, w [m s-1], NaN in
 * buildings. */
PetscErrorCode wb_sim_window_mean(WbSimWindow *window, float *mean);

/* Collective. Any field of the run's owned cells (nz, nyl, nxl of run->grid) on the window. */
PetscErrorCode wb_sim_window_take(WbSimWindow *window, const float *domain, float *out);

/* ---- pairs: precursor, LR spin-up, then LR and HR side by side, minute by minute; one pair file ---- */
typedef struct {
  const char *path;      /* of the pair file; "<path>.inflow.nc" and "<path>.checkpoint.h5" lie beside it meanwhile */
  const char *split;     /* "train", "validation", "test" */
  const char *city_name; /* what made the city: generator or file */
  const char *deck_yaml;
  const char *start_time_iso;
  uint32_t city_seed;
  double sr_top_m; /* height of the pair's HR layer [m] */
  bool keep_inflow;
  bool check; /* only refuse what does not fit: nothing runs, nothing is written */
} WbPairsOptions;
/* Collective. Both runs last duration_s, of which the first hr_drop_s are not written. Continues a run that was stopped
 * or killed (checkpoint beside the pair file). control->checkpoint is ignored. Errors: WB_ERR_CONFIG, WB_ERR_STOPPED,
 * ... */
PetscErrorCode wb_sim_pairs(MPI_Comm comm, const WbCity *city, const WbSimOptions *options, const WbSimControl *control,
                            const WbPairsOptions *pairs);
#endif
