/* Inside of the flat Poisson solver: one object for both precisions (arrays are WbReal of the chosen one).
 *
 * Stages of a solve, arrays k, j, i; "columns" are the nxc = nx/2 + 1 complex numbers of a real transform of a row:
 *   input (nz, nyl, nxl) -T1-> rows whole (nkl, nyl, nx) -FFT x-> (nkl, nyl, nxc) -T2-> planes whole (nkl, ny, ncl)
 *   -FFT y-> -T3-> columns whole (nz, nrl, ncl) -tridiagonal in z-> and the same way back.
 * T1 and T3 (row_comm) and T2 (col_comm) are skipped when their communicator has one rank. */
#ifndef WB_FFT_INTERNAL_H
#define WB_FFT_INTERNAL_H
#include "windbridge/fft.h"

struct WbPoisson_s {
  WbPrecision precision;
  MPI_Comm row_comm, col_comm; /* borrowed from the grid */
  int nx, ny, nz, nxl, nyl, px, py, ix, iy;
  bool periodic_x, periodic_y;
  bool mix_rows;            /* rows k and ny - k of the y transform are rotated into real modes: any cosine transform */
  int *x_starts, *y_starts; /* copies of the grid's */
  double dx;
  double *dz;               /* (nz) */
  double *a_face;           /* (nz + 1): 1 / distance of centres at interior faces, 0 at bottom and top */
  int nxc;                  /* complex columns of a row */
  int c0, ncl;              /* this rank's columns in the y stage */
  int r0, nrl;              /* this rank's rows (y modes) in the z stage */
  int pitch_x, pitch;       /* complex numbers between rows in the x stage and in the y, z stages */
  int *c_starts, *r_starts; /* (py + 1), (px + 1) */
  int *yrow;                /* (ny): row in which the y transform wants grid row j */
  int *send_counts, *send_displs, *recv_counts, *recv_displs;
  /* WbReal of the precision */
  void *a, *h;                           /* (nz + 1) a_face; (nz) thickness times the transforms' normalisation */
  void *inv;                             /* (nrl, nz, 2 ncl): inverse pivots of the elimination from the top */
  void *tw_x, *tw_y;                     /* cos, sin pairs of the rotations: (nxc), (ny) */
  void *row;                             /* (nx) one row */
  void *xr, *xs, *ys, *zs, *send, *recv; /* stages; zs is ys, xs is ys when nothing is exchanged */
  void *plan_r2c, *plan_c2r, *plan_forward, *plan_backward;
};

/* First index of part p when n things are dealt to `parts` ranks. */
static inline int wb_poisson_split(int n, int p, int parts) {
  return (int)(((long)n * p) / parts);
}

#define WB_POISSON_DECLARE(suffix)                                                                              \
  PetscErrorCode wb_poisson_setup_##suffix(WbPoisson s);                                                        \
  void wb_poisson_release_##suffix(WbPoisson s);                                                                \
  PetscErrorCode wb_poisson_run_##suffix(WbPoisson s, int nk, const uint8_t *row_used, const void *r, void *p); \
  PetscErrorCode wb_poisson_forward_##suffix(WbPoisson s, int nk, const uint8_t *row_used, const void *r);      \
  PetscErrorCode wb_poisson_backward_##suffix(WbPoisson s, int nk, const uint8_t *row_used, void *p);           \
  PetscErrorCode wb_poisson_rows_to_x_##suffix(WbPoisson s, int nk, const void *r);                             \
  PetscErrorCode wb_poisson_rows_from_x_##suffix(WbPoisson s, int nk, void *p);                                 \
  PetscErrorCode wb_poisson_x_to_y_##suffix(WbPoisson s, int nkl);                                              \
  PetscErrorCode wb_poisson_y_to_x_##suffix(WbPoisson s, int nkl);                                              \
  PetscErrorCode wb_poisson_y_to_z_##suffix(WbPoisson s, int nk);                                               \
  PetscErrorCode wb_poisson_z_to_y_##suffix(WbPoisson s, int nk);
WB_POISSON_DECLARE(f32)
WB_POISSON_DECLARE(f64)
#endif
