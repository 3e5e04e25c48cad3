/* Inside of the flat Poisson solver: one object for both precisions (arrays are WbReal of the chosen one).
 *
 * Stages of a solve, arrays k, j, i, always as many real numbers as cells:
 *   input (nz, nyl, nxl) -T1-> rows whole (nkl, nyl, nx) -x transform-> -T2-> planes whole (nkl, ny, ncl)
 *   -y transform-> -T3-> columns whole (nz, nrl, ncl) -tridiagonal in z-> and the same way back.
 * T1 and T3 (row_comm) and T2 (col_comm) are skipped when their communicator has one rank. Between ranks of one node
 * they go straight into the other's memory: T1 and T3 as copies, T2 as the place where the x transform writes its modes
 * and finds them again. Ranks of other nodes get messages. */
#ifndef WB_FFT_INTERNAL_H
#define WB_FFT_INTERNAL_H
#include "windbridge/fft.h"
#include "window.h"

/* Real transform of n points on many sequences at once, one per vector lane (real/transform_*.c): cosine transform
 * (Neumann) or Hartley modes (cyclic). Two sequences travel as real and imaginary part of one complex FFT. */
typedef struct {
  int n, stages, radix[32], twiddles;
  int *pos;   /* (n): where the in-place FFT leaves frequency k */
  int *order; /* (n): where it wants point i: cosine: even points, then the odd ones backwards */
  void *tw;   /* (n - 1 at most, 2) cos, sin, in order of use */
  void *rot;  /* (n, 2) cos, sin of the rotation of frequencies k and n - k */
  void *tile; /* (n + largest radix, 2, lanes) work */
  void *pad;  /* (n + lanes) zeros to read, and to write past the last row */
} WbTransform;

/* Sequences in pieces: points [starts[p], starts[p + 1]) of row r are at rows[p * stride + r]. */
typedef struct {
  int parts;
  const int *starts;
  const void **rows;
  size_t stride;
} WbPieces;

/* Where a rank of col_comm keeps its piece of this rank's rows: numbers from `at` to row j of level k are
 * (k - k0) * level + j * row. */
typedef struct {
  void *at;
  int k0;
  size_t level, row;
} WbPart;

struct WbPoisson_s {
  WbPrecision precision;
  MPI_Comm comm, row_comm, col_comm; /* borrowed from the grid */
  int nx, ny, nz, nxl, nyl, px, py, ix, iy;
  bool periodic_x, periodic_y;
  int *x_starts, *y_starts; /* copies of the grid's */
  double dx;
  double *dz;               /* (nz) */
  double *a_face;           /* (nz + 1): 1 / distance of centres at interior faces, 0 at bottom and top */
  int c0, ncl;              /* this rank's columns (x modes) in the y stage */
  int r0, nrl;              /* this rank's rows (y modes) in the z stage */
  int pitch, *pitches;      /* (py): numbers between rows in the y, z stages, whole vectors; mine, each rank's */
  int *c_starts, *r_starts; /* (py + 1), (px + 1) */
  WbWindow row, col;        /* of row_comm: xr, then zs (px > 1); of col_comm: ys */
  WbPart *parts;            /* (py) */
  MPI_Request *requests;    /* (twice the larger of px, py) */
  /* WbReal of the precision */
  void *a, *h;        /* (nz + 1) a_face; (nz) thickness times the transforms' normalisation */
  void *inv;          /* (nz, nrl, pitch): inverse pivots of the elimination from the top */
  void *xb, *modes;   /* (batch, ny, pitch), (ny, pitch): planes on their way back */
  double *zero;       /* (nz): the horizontally constant mode, in double */
  void *xr, *ys, *zs; /* stages, in the windows; zs is ys when px = 1 */
  void *send, *recv;  /* messages, for ranks of other nodes */
  const void **rows;  /* (1 + py, rows of a batch) row pointers */
  int batch;          /* levels transformed together */
  WbTransform tx, ty;
};

/* First index of part p when n things are dealt to `parts` ranks. */
static inline int wb_poisson_split(int n, int p, int parts) {
  return (int)(((long)n * p) / parts);
}

/* As wb_poisson_create; at most most_near ranks share memory (tests on one node). */
PetscErrorCode wb_poisson_create_near(const WbGrid *grid, double dx_m, const double *zf, WbPrecision precision,
                                      int most_near, WbPoisson *poisson);

#define WB_POISSON_DECLARE(suffix)                                                                                     \
  PetscErrorCode wb_poisson_setup_##suffix(WbPoisson s, int most_near);                                                \
  void wb_poisson_release_##suffix(WbPoisson s);                                                                       \
  PetscErrorCode wb_poisson_run_##suffix(WbPoisson s, int nk, const uint8_t *row_used, const void *r, void *p);        \
  void wb_poisson_eliminate_##suffix(WbPoisson s, int nk, int k);                                                      \
  void wb_poisson_substitute_##suffix(WbPoisson s, int k, const void *below, void *out);                               \
  void wb_poisson_zero_mode_##suffix(WbPoisson s, int nk);                                                             \
  PetscErrorCode wb_poisson_forward_##suffix(WbPoisson s, int nk, const uint8_t *row_used, const void *r);             \
  PetscErrorCode wb_poisson_backward_##suffix(WbPoisson s, int nk, const uint8_t *row_used, void *p);                  \
  PetscErrorCode wb_transform_create_##suffix(int n, bool cosine, WbTransform *t);                                     \
  void wb_transform_destroy_##suffix(WbTransform *t);                                                                  \
  void wb_transform_rows_forward_##suffix(const WbTransform *t, int count, const void **in, WbPieces out);             \
  void wb_transform_rows_backward_##suffix(const WbTransform *t, int count, WbPieces in, const void **out);            \
  void wb_transform_columns_forward_##suffix(const WbTransform *t, int planes, int pitch, void *data);                 \
  void wb_transform_columns_backward_##suffix(const WbTransform *t, int planes, int pitch, const void *in, void *out); \
  void wb_transform_fft_##suffix(const WbTransform *t);                                                                \
  void wb_transform_ifft_##suffix(const WbTransform *t);                                                               \
  PetscErrorCode wb_poisson_rows_to_x_##suffix(WbPoisson s, int nk, const void *r);                                    \
  PetscErrorCode wb_poisson_rows_from_x_##suffix(WbPoisson s, int nk, void *p);                                        \
  void wb_poisson_parts_##suffix(WbPoisson s, int nkl, bool back);                                                     \
  PetscErrorCode wb_poisson_x_to_far_y_##suffix(WbPoisson s, int nkl);                                                 \
  PetscErrorCode wb_poisson_far_y_to_x_##suffix(WbPoisson s, int nkl);                                                 \
  PetscErrorCode wb_poisson_y_to_z_##suffix(WbPoisson s, int nk);                                                      \
  PetscErrorCode wb_poisson_z_to_y_##suffix(WbPoisson s, int nk);
WB_POISSON_DECLARE(f32)
WB_POISSON_DECLARE(f64)
#endif
