/* What inflow.c, inflow_bind.c and record.c share: the planes file. Nothing here is public.
 *
 * The file: dims record, plane (7), z, y, x, zface; float planes_x (record, plane, z, y) on the west = east faces of
 * the cyclic precursor and planes_y (record, plane, z, x) on the south = north faces; double zf (zface). The precursor
 * is cyclic, so its face 0 is also its face nx, and "just outside" a run's west edge lies its cell nx - 1. */
#ifndef WB_INFLOW_INTERNAL_H
#define WB_INFLOW_INTERNAL_H
#include "les_internal.h"

#define WB_INFLOW_PLANES 7
/* Order of the planes. LO: just outside the west (south) edge, HI: just outside the east (north) edge. */
enum { WB_IN_NORMAL = 0, WB_IN_TANGENT_LO, WB_IN_TANGENT_HI, WB_IN_W_LO, WB_IN_W_HI, WB_IN_THETA_LO, WB_IN_THETA_HI };

#define WB_INFLOW_BUFFER 16 /* records held in memory */
struct WbInflow_s {
  MPI_Comm comm;
  int rank;
  WbNc nc; /* rank 0 alone holds the file */
  char path[1024], tag[2048];
  int nx, ny, nz, n_records;
  double dx_m, x_min_m, y_min_m, t_first_s, interval_s, theta_reference_K;
  double *zf;
  size_t size_x, size_y; /* floats of one record of planes_x, planes_y */
  int first, count;      /* records in the buffer */
  float *buffer;         /* (count, size_x + size_y) */
  float *now;            /* (size_x + size_y) at time_s */
  double time_s;
};
/* Collective. inflow->now at time t (linear between records). WB_ERR_INPUT when t lies outside the recorded span. */
PetscErrorCode wb_inflow_evaluate(WbInflow inflow, double t_s);
#endif
