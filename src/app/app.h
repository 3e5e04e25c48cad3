/* Inside of the program: one file per command, and what they share. */
#ifndef WB_APP_H
#define WB_APP_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "windbridge/config.h"
#include "windbridge/hybrid.h"

/* Files of a command in the output folder. */
typedef struct {
  const char *record;         /* keeps the record of the run (record.h): summary.json */
  const char *lock;           /* run.lock */
  bool early;                 /* the record is written when the run starts, too */
  bool restart;               /* the command can be continued */
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
} WbRunState;

typedef struct {
  MPI_Comm comm;
  int rank, size;
  const char *command, *deck; /* deck NULL: defaults and command line only */
  WbConfig config;
  bool check;                    /* --check: validate everything, touch nothing, run nothing */
  const char *out;               /* run_output_dir */
  char *deck_yaml;               /* the resolved deck */
  int slabs;                     /* of the network, chosen by wb_memory_plan_sr; 0: not yet */
  double t_start, planned_bytes; /* of the largest rank, by wb_memory_plan_report; 0: no plan */
  WbRunState run;
} WbApp;

extern const WbKey wb_app_keys[];
extern const int wb_app_n_keys;

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
void wb_app_city_options(const WbApp *app, WbCityOptions *options);
PetscErrorCode wb_app_sim_options(const WbApp *app, WbSimOptions *options); /* checks keys against each other */
PetscErrorCode wb_app_les_physics(const WbApp *app, WbLesOptions *options); /* options_les.c */
PetscErrorCode wb_app_les_output(const WbApp *app, const WbSimOptions *sim, WbLesOutputOptions *options);
void wb_app_net_options(const WbApp *app, WbNetConfig *options);
PetscErrorCode wb_app_sr_options(const WbApp *app, WbSrOptions *options);
void wb_app_forcing(const WbSimOptions *sim, WbNormalisation *forcing);

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

/* lr_valid (owned 5 m cells of a grid over the window) out: 1 where the covering 20 m cell is air. Not collective. */
PetscErrorCode wb_app_lr_valid(const WbCity *city, const WbGrid *hr, int ratio, uint8_t *lr_valid);

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
