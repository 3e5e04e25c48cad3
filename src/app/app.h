/* Inside of the program: one file per command, and what they share. */
#ifndef WB_APP_H
#define WB_APP_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "windbridge/config.h"
#include "windbridge/hybrid.h"
#include "windbridge/train.h"

/* Files of a command in the output folder. */
typedef struct {
  const char *record;         /* keeps the record of the run (record.h): summary.json */
  const char *lock;           /* run.lock */
  bool early;                 /* the record is written when the run starts, too */
  bool restart;               /* the command can be continued */
  bool whole;                 /* its results are made in one piece: no key may grow */
  int n_results, n_state;     /* */
  const char *const *results; /* all of them are there when the run is finished */
  const char *const
      *state; /* what else goes when results are replaced; those ending in .h5 are a run's to go on from */
} WbOutputFiles;

/* States of the runs around a city. */
#define WB_APP_RUN_STATE \
  "checkpoint.h5", "checkpoint.h5.prev", "inflow.nc.checkpoint.h5", "inflow.nc.checkpoint.h5.prev", "inflow.nc.part"

/* What output.c keeps of the run in the output folder. */
typedef struct {
  char record[256], lock[1280]; /* "": none; lock: the whole path */
  int lock_fd;                  /* rank 0; -1: not held */
  bool early;
  bool restart;            /* this run goes on with what is in the folder */
  bool finished;           /* there is nothing to do */
  bool replaces;           /* existing results go when the run starts */
  bool started;            /* the folder is this run's */
  char *inputs;            /* as wb_record_inputs */
  char *changes, *earlier; /* keys that have changed since the run began; JSON of its earlier runs */
  double began;            /* seconds since 1970 */
  double walltime_s;       /* run_walltime_s, from wb_app_output_begin on; 0: no limit */
} WbRunState;

typedef struct {
  MPI_Comm comm;
  int rank, size;
  const char *command, *deck; /* deck NULL: defaults and command line only */
  WbConfig config;
  bool partly;                   /* --check could not look at everything */
  bool check;                    /* --check: validate everything, touch nothing, run nothing */
  const char *out;               /* run_output_dir */
  char *deck_yaml;               /* the resolved deck */
  char *unused;                  /* keys of the deck without effect, one line; NULL: none */
  int slabs;                     /* of the network, chosen by wb_memory_plan_sr; 0: not yet */
  double t_start, planned_bytes; /* of the largest rank, by wb_memory_plan_report; 0: no plan */
  WbRunState run;
} WbApp;

/* The table of keys (keys.c, keys_les.c, keys_train.c) and the structs that they fill by wb_config_fill. */
const WbKey *wb_app_keys(int *n);
extern const WbKeyStruct wb_app_city_keys, wb_app_sim_keys, wb_app_output_keys, wb_app_probe_keys, wb_app_source_keys,
    wb_app_sr_keys, wb_app_net_keys, wb_app_train_keys;
typedef struct {
  int n_probes;
  double probe_m[3][WB_LES_PROBES_MAX]; /* x, y, z */
} WbProbeKeys;
typedef struct {
  int n_end;
  double x_m[WB_LES_SOURCES_MAX], y_m[WB_LES_SOURCES_MAX], z_m[WB_LES_SOURCES_MAX], size_x_m[WB_LES_SOURCES_MAX],
      size_y_m[WB_LES_SOURCES_MAX], size_z_m[WB_LES_SOURCES_MAX], rate_kg_per_s[WB_LES_SOURCES_MAX],
      start_s[WB_LES_SOURCES_MAX], end_s[WB_LES_SOURCES_MAX];
} WbSourceKeys;

/* ---- standard streams (streams.c) ---- */
bool wb_app_streams_guard(void);       /* before anything is opened: gives closed ones a place; false: cannot */
void wb_app_streams_ignore_pipe(void); /* after PetscInitialize */
bool wb_app_stdout_is_whole(void);     /* did all that was printed arrive? */
void wb_app_stdout_to_stderr(void);    /* until wb_app_stdout_back */
void wb_app_stdout_back(void);

typedef PetscErrorCode (*WbCommandFn)(WbApp *app);
PetscErrorCode wb_app_forecast(WbApp *app);
PetscErrorCode wb_app_city(WbApp *app);
PetscErrorCode wb_app_les(WbApp *app);
PetscErrorCode wb_app_pairs(WbApp *app);
PetscErrorCode wb_app_train(WbApp *app);
PetscErrorCode wb_app_sr(WbApp *app);
PetscErrorCode wb_app_evaluate(WbApp *app);
PetscErrorCode wb_app_bench(WbApp *app);
PetscErrorCode wb_app_info(WbApp *app);

/* ---- options from the configuration (options.c); texts are borrowed from the configuration ---- */
PetscErrorCode wb_app_city_options(const WbApp *app, WbCityOptions *options);
PetscErrorCode wb_app_sim_options(const WbApp *app, WbSimOptions *options); /* checks keys against each other */
PetscErrorCode wb_app_les_physics(const WbApp *app, WbLesOptions *options); /* options_les.c */
PetscErrorCode wb_app_tracers(const WbApp *app, WbLesTracers *tracers);     /* tracers.c */
/* run_start_time, checked: day of the year (1 .. 366) and time of day. */
PetscErrorCode wb_app_start_time(const WbApp *app, int *day_of_year, double *utc_s); /* start_time.c */
PetscErrorCode wb_app_les_output(const WbApp *app, const WbSimOptions *sim, WbLesOutputOptions *options);
PetscErrorCode wb_app_sr_options(const WbApp *app, WbSrOptions *options);
void wb_app_forcing(const WbSimOptions *sim, WbNormalisation *forcing);

/* ---- les_wind_north (north.c) ---- */
/* Not collective. Turns directions, tendencies and sun from true north to the grid's; nothing with les_wind_north:
 * grid. Errors: WB_ERR_CONFIG where the city does not know true north. */
PetscErrorCode wb_app_turn_north(const WbApp *app, const WbCity *city, WbLesOptions *options);
/* Collective. Attributes of a result: which north the deck's directions count from, and the convergence. */
PetscErrorCode wb_app_put_north(const WbApp *app, WbNc nc, const WbCity *city, const WbLesOptions *options);
/* The model used when sr_model is not given (data_place.c): WINDBRIDGE_MODEL, or the one that lies in
 * ../share/windbridge/models beside the program's folder. Valid until the next call. Not collective. */
const char *wb_app_default_model(void);

/* ---- output folder (output.c) ----
 * begin: refuses existing results without run_restart or run_overwrite, a folder that another run uses, a deck that
 * does not fit the run that is to go on; takes the lock, opens run.log. app->run.finished: nothing is left to do, the
 * command returns. start: all checks are passed; replaces existing results and says in the record that the run is under
 * way. end: for main, whatever became of the run. Collective. */
PetscErrorCode wb_app_output_begin(WbApp *app, const WbOutputFiles *files);
PetscErrorCode wb_app_output_start(WbApp *app, const WbOutputFiles *files);
void wb_app_output_end(WbApp *app, PetscErrorCode outcome);
PetscErrorCode wb_app_exists(const WbApp *app, const char *path, bool *yes); /* collective: rank 0 looks */
PetscErrorCode wb_app_share_text(const WbApp *app, char **text);             /* collective: rank 0's (malloc) or NULL */
const char *wb_app_model_path(const WbApp *app);                             /* sr_model, or the shipped one */
void wb_app_path(const WbApp *app, const char *name, char out[1024]);

/* Spacing of the coarse runs [m]: that of wb_sim_options_default, for what has no options of a run. */
double wb_app_coarse_m(void);
/* Collective. The city's window in cells of dx_m. */
PetscErrorCode wb_app_window_grid(const WbApp *app, const WbCity *city, double dx_m, int nz, int align, WbGrid **grid);

/* Refuses (WB_ERR_INPUT) a window without air below sr_top_m, at dx_m or at sr_dx_m. Collective. */
PetscErrorCode wb_app_check_air(const WbApp *app, const WbCity *city, double dx_m);

/* Files named by a list key, wildcards expanded. Collective. Freed with wb_app_free_files. */
typedef struct {
  char **paths, *text;
  int n;
} WbFileList;
PetscErrorCode wb_app_expand_files(WbApp *app, const char *group, const char *name, WbFileList *list);
void wb_app_free_files(WbFileList *list);

/* Reads the model file named by the deck and forgets it again: refuses an unfit one before any work. Collective. */
PetscErrorCode wb_app_check_model(WbApp *app);

/* Monitor of wall time and signals, shared by the long commands. */
PetscErrorCode wb_app_stop_check(WbApp *app, bool *stop); /* collective */
#endif
