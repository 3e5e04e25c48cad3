/* Inside of the LES module: what a run writes while it advances (profiles, probes, slices). output.c keeps the schedule
 * and the checkpoint; each kind has a file of its own. */
#ifndef WB_LES_OUTPUT_H
#define WB_LES_OUTPUT_H
#include <stdio.h>

#include "les_data.h"

/* Sums over a level's air, per level (nz + 1 each): at centres, then at faces below (0: ground). Four more for each
 * scalar beyond theta: mean, mean at faces, with w, subgrid flux. */
enum {
  WB_PROF_U,
  WB_PROF_V,
  WB_PROF_THETA,
  WB_PROF_UU,
  WB_PROF_VV,
  WB_PROF_THETA2,
  WB_PROF_W,
  WB_PROF_WW,
  WB_PROF_U_FACE,
  WB_PROF_V_FACE,
  WB_PROF_THETA_FACE,
  WB_PROF_UW,
  WB_PROF_VW,
  WB_PROF_THETAW,
  WB_PROF_UW_SUBGRID,
  WB_PROF_VW_SUBGRID,
  WB_PROF_THETAW_SUBGRID,
  WB_PROF_FIXED
};
enum { WB_PROF_C, WB_PROF_C_FACE, WB_PROF_CW, WB_PROF_CW_SUBGRID, WB_PROF_PER_SCALAR };
static inline int wb_les_profile_sums(const WbLes les) {
  return WB_PROF_FIXED + WB_PROF_PER_SCALAR * (les->nf - WB_NFIELDS);
}

typedef struct {
  double interval_s, due_s; /* interval < 0: not asked for; due: next time at or after which something is written */
  int done;                 /* records written */
  int n_records;            /* room in the file */
} WbLesSchedule;

struct WbLesOutput_s {
  WbLes les; /* attached to */
  WbLesOutputOptions opt;
  bool open, append;
  WbLesSchedule profile, probe, slice;
  /* profiles */
  WbNc profile_nc;
  double *sum, *all;        /* (sums, nz + 1) of this rank, of all ranks */
  double *count;            /* (2, nz + 1): air cells, open faces, all ranks */
  double weight, t_begin_s; /* of the interval in progress */
  float *column;            /* (nz + 1) */
  /* probes */
  FILE *csv;           /* rank 0 */
  double csv_bytes;    /* written so far */
  int32_t *probe_at;   /* (n_probes) offset of the cell, -1: another rank's */
  double *probe_value; /* (n_probes, nf) */
  /* slices */
  WbNc slice_nc;
  float *field, *plane; /* (nz, nyl, nxl); the largest plane */
};

/* True when time_s has reached the schedule's due time, which then moves on past it. */
bool wb_les_schedule_due(WbLesSchedule *schedule, double time_s);
/* Each kind: everything but files; files (append: those of a run that goes on); a record of the present state. */
PetscErrorCode wb_les_profiles_create(WbLesOutput o);
PetscErrorCode wb_les_profiles_open(WbLesOutput o, const char *path);
PetscErrorCode wb_les_profiles_write(WbLesOutput o);
void wb_les_profiles_reset(WbLesOutput o);
PetscErrorCode wb_les_probes_create(WbLesOutput o);
PetscErrorCode wb_les_probes_open(WbLesOutput o, const char *path);
PetscErrorCode wb_les_probes_write(WbLesOutput o);
PetscErrorCode wb_les_slices_create(WbLesOutput o);
PetscErrorCode wb_les_slices_open(WbLesOutput o, const char *path);
PetscErrorCode wb_les_slices_write(WbLesOutput o);

/* Variable of a scalar beyond theta: the tracer's own name, or subgrid_tke. */
void wb_les_output_name(WbLes les, int field, char name[WB_LES_NAME_MAX]);
/* time (n) and, if bounds, time_bnds, with CF attributes. */
PetscErrorCode wb_les_output_def_time(WbNc nc, int n, const char *start_iso, bool bounds);
PetscErrorCode wb_les_output_def(WbNc nc, const char *name, const char *dims, const char *units, const char *text);
/* Coordinate variable (n) written by rank 0. */
PetscErrorCode wb_les_output_axis(WbLesOutput o, WbNc nc, const char *name, int n, const double *value,
                                  const char *text);
PetscErrorCode wb_les_output_stamp(WbLesOutput o, WbNc nc, int record, double begin_s, double end_s, bool bounds);
#endif
