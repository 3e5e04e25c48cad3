/* Result files of the commands: lr.nc, hr.nc, truth.nc (io writes; this knows what is in them). */
#ifndef WB_APP_RESULTS_H
#define WB_APP_RESULTS_H
#include <cjson/cJSON.h>

#include "app.h"

typedef struct {
  WbNc nc;
  const WbGrid *grid; /* borrowed */
  double *z;          /* (nz) cell centres [m] */
  double *zf;         /* (nz + 1) faces [m] */
  double theta0;      /* [K] of the reference pressure profile */
  double interval_s;
  const WbTimes *times; /* borrowed; NULL: (minute + 1) * interval_s */
  int n_time, n_member;
  bool theta;  /* potential temperature is written too */
  bool *there; /* (n_time) minutes that the file held already when it was opened */
  float *work; /* (nz, nyl, nxl) */
  char name[64];
} WbResult;

/* A variable (time, z, y, x) beyond the usual ones. */
typedef struct {
  char name[48];
  const char *units, *text;
} WbResultMore;
enum { WB_RESULT_MORE_MAX = 4 + WB_LES_TRACERS_MAX + 1 };

typedef struct {
  const char *name, *title; /* "hr.nc" */
  const WbGrid *grid;
  const double *zf; /* (nz + 1) */
  int n_time, n_member;
  const WbTimes *times;            /* NULL, or stamps to carry over from an input in place of own ones; borrowed */
  bool theta;                      /* write potential temperature too */
  bool append;                     /* restart: go on writing the file if it exists */
  const uint8_t *fluid, *lr_valid; /* owned cells; lr_valid NULL: not written */
  const float *fluid_fraction;     /* of a run with geometry below its cells; NULL: not written */
  const float *building_height;    /* owned columns [m] */
  const WbSimOptions *sim;
  const WbCity *city;
  int n_more;
  const WbResultMore *more;
} WbResultSpec;

/* Collective. Creates (or reopens) OUT/name with all its time levels allocated. A file with fewer times or members than
 * wanted is written anew with what it holds and takes the old one's place when it is whole. Close with wb_result_close.
 * Errors: WB_ERR_INPUT (a file of another shape), WB_ERR_IO. */
PetscErrorCode wb_result_create(WbApp *app, const WbResultSpec *spec, WbResult *result);
/* Collective. field (nz, nyl, nxl, 4): theta [K], u, v, w [m s-1]; NaN in buildings. Writes T, u, v, w and, if asked
 * for, theta. */
PetscErrorCode wb_result_put(WbResult *result, int time, int member, const float *field);
/* Collective. One of the further variables: owned cells (nz, nyl, nxl). */
PetscErrorCode wb_result_put_more(WbResult *result, int time, const char *name, const float *field);
/* Collective. Stamps minute `time` and makes what was written so far readable after a crash. */
PetscErrorCode wb_result_commit(WbResult *result, int time);
/* First minute that the file did not hold when it was opened; n_time: none. */
int wb_result_first_missing(const WbResult *result);
/* Collective. Are all air cells (fluid, owned) of a member's minute in the file? Of a minute that was not stamped. */
PetscErrorCode wb_result_holds(WbResult *result, int time, int member, const uint8_t *fluid, bool *yes);
/* Collective. A minute's theta [K], u, v, w back from the file, field (nz, nyl, nxl, 4); needs spec.theta. */
PetscErrorCode wb_result_get(WbResult *result, int time, float *field);
/* Collective. Does a result file say that all of its minutes are written? */
PetscErrorCode wb_result_is_complete(const WbApp *app, const char *path, bool *yes);
PetscErrorCode wb_result_close(WbResult *result);

/* ---- results_again.c: files that are continued ---- */
/* Collective. Adds to r's history what this run of the program does: ranks, minutes from `first` (0-based) on. before:
 * the history so far. */
PetscErrorCode wb_result_say_run(const WbApp *app, WbResult *r, int first, const char *before);
typedef PetscErrorCode (*WbResultMake)(WbApp *app, const WbResultSpec *s, const char *path, bool rename, WbResult *r);
/* Collective. r->nc: the file at path, grown by `make` and a copy where it is too small; r->there. */
PetscErrorCode wb_result_reopen(WbApp *app, const WbResultSpec *s, const char *path, WbResultMake make, WbResult *r);

/* T = theta (1 - g z / (cp theta0)): hydrostatic reference pressure of a neutral column, p(0) = 1000 hPa. */
static inline double wb_exner(double z_m, double theta0) {
  return 1.0 - WB_GRAVITY * z_m / (WB_CP * theta0);
}

/* summary.json pieces; root is the caller's. */
void wb_summary_begin(const WbApp *app, cJSON **root);
void wb_summary_grid(cJSON *root, const char *name, const WbGrid *grid);
PetscErrorCode wb_summary_les(cJSON *root, const char *name, const WbLesSummary *s);
PetscErrorCode wb_summary_write(WbApp *app, cJSON **root); /* adds timers and memory, writes, frees */
#endif
