/* What inflow.c, bind.c, record.c and the sources of planes share. Nothing here is public.
 *
 * The file: dims record, plane (7), z, y, x, zface; float planes_x (record, plane, z, y) on the west = east faces of
 * the cyclic precursor and planes_y (record, plane, z, x) on the south = north faces; double zf (zface). The precursor
 * is cyclic, so its face 0 is also its face nx, and "just outside" a run's west edge lies its cell nx - 1. Planes that
 * are made (nest.c, synthetic.c) are not cyclic: they have an eighth plane, the normal velocity on the
 * east (north) face. */
#ifndef WB_INFLOW_INTERNAL_H
#define WB_INFLOW_INTERNAL_H
#include "les_internal.h"

enum { WB_INFLOW_PLANES = 7, WB_INFLOW_PLANES_MADE = 8 };
/* What planes hold. Order in the file: normal velocity, then each other kind just outside the west (south) edge and
 * just outside the east (north) edge, then, of planes that are made, the normal velocity on the east (north) face. */
typedef enum { WB_IN_NORMAL, WB_IN_TANGENT, WB_IN_W, WB_IN_THETA } WbInflowPlane;

/* Planes that are made in place of a file. record: rank 0 fills one record (size_x + size_y floats, theta less the
 * reference) for t_first_s + record * interval_s, the same whatever was asked before. close: frees inflow->source. */
typedef struct {
  PetscErrorCode (*record)(WbInflow inflow, int record, float *out);
  void (*close)(void **source);
} WbInflowSource;

#define WB_INFLOW_BUFFER 16 /* records held in memory */
struct WbInflow_s {
  MPI_Comm comm;
  int rank;
  WbNc nc; /* rank 0 alone holds the file */
  char path[1024], tag[2048];
  const WbInflowSource *made; /* NULL: a precursor's file */
  void *source;
  int planes, nx, ny, nz, n_records;
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
/* Collective. Planes of the domain from a source, a record every wb_eddies_interval; name stands for the file in
 * messages. WB_ERR_CONFIG: length_m is not positive. */
PetscErrorCode wb_inflow_made(MPI_Comm comm, const char *name, const WbInflowDomain *domain,
                              const WbLesOptions *options, double length_m, const WbInflowSource *source,
                              WbInflow *inflow);
/* Random fields of unit variance on the planes' faces, and velocities made of them: eddies.c. */
typedef struct WbEddies_s *WbEddies;
PetscErrorCode wb_eddies_create(const WbInflow inflow, uint32_t seed, double length_m, WbEddies *eddies);
void wb_eddies_destroy(WbEddies *eddies);
double wb_eddies_interval(const WbLesOptions *options, double length_m); /* between records [s] */
double wb_eddies_u_star(double tke);            /* friction velocity that goes with a turbulence energy [m2 s-2] */
void wb_eddies_at(WbEddies eddies, int record); /* fields of this record, for: */
void wb_eddies_unit(const WbEddies eddies, int edge, int k, int m, double unit[3]); /* edge W, E, S, N; its face m */
/* Fluctuations of u, v, w for the unit vector of the mean wind. */
void wb_eddies_velocity(const double unit[3], double u_star, const double along[2], double velocity[3]);
/* Bytes of one WbEddies on a grid of cells of dx_m x dz_m. */
double wb_eddies_bytes(int nx, int ny, int nz, double dx_m, double dz_m, double length_m);
/* Number of the plane of a kind at the low (west, south) or high edge. */
static inline size_t wb_inflow_plane(const WbInflow f, WbInflowPlane kind, bool hi) {
  if (kind == WB_IN_NORMAL) return hi && f->made ? WB_INFLOW_PLANES_MADE - 1 : 0;
  return 2 * (size_t)kind - 1 + hi;
}
#endif
