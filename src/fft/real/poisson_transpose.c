/* Transposes between the stages of the flat Poisson solver (fft_internal.h): one Alltoallv each, packed so that every
 * message is one block. Units are WbReal. */
#include "windbridge/real.h"

#include "fft_internal.h"

#include <string.h>

/* Copy nk x nj runs of shape[2] numbers. */
static void copy_runs(WbReal *dst, size_t dst_k, size_t dst_j, const WbReal *src, size_t src_k, size_t src_j,
                      const int shape[3]) {
  for (int k = 0; k < shape[0]; k++)
    for (int j = 0; j < shape[1]; j++)
      memcpy(dst + (size_t)k * dst_k + (size_t)j * dst_j, src + (size_t)k * src_k + (size_t)j * src_j,
             (size_t)shape[2] * sizeof(WbReal));
}

static void displacements(int n, const int *counts, int *displs) {
  displs[0] = 0;
  for (int p = 1; p < n; p++) displs[p] = displs[p - 1] + counts[p - 1];
}

static PetscErrorCode exchange(WbPoisson s, MPI_Comm comm, const void *from, void *to) {
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Alltoallv(from, s->send_counts, s->send_displs, WB_MPI_REAL, to, s->recv_counts, s->recv_displs,
                             WB_MPI_REAL, comm));
  PetscFunctionReturn(0);
}

/* T1: (nk, nyl, nxl) -> (nkl, nyl, nx). Blocks of levels are contiguous on the sending side. */
PetscErrorCode WB_R(wb_poisson_rows_to_x)(WbPoisson s, int nk, const void *r) {
  PetscFunctionBeginUser;
  const int k0 = wb_poisson_split(nk, s->ix, s->px), nkl = wb_poisson_split(nk, s->ix + 1, s->px) - k0;
  WbReal *recv = s->recv, *xr = s->xr;
  for (int p = 0; p < s->px; p++) {
    const int levels = wb_poisson_split(nk, p + 1, s->px) - wb_poisson_split(nk, p, s->px);
    s->send_counts[p] = levels * s->nyl * s->nxl;
    s->recv_counts[p] = nkl * s->nyl * (s->x_starts[p + 1] - s->x_starts[p]);
  }
  displacements(s->px, s->send_counts, s->send_displs);
  displacements(s->px, s->recv_counts, s->recv_displs);
  PetscCall(exchange(s, s->row_comm, r, recv));
  for (int p = 0; p < s->px; p++) {
    const int n = s->x_starts[p + 1] - s->x_starts[p];
    copy_runs(xr + s->x_starts[p], (size_t)s->nyl * (size_t)s->nx, (size_t)s->nx, recv + s->recv_displs[p],
              (size_t)s->nyl * (size_t)n, (size_t)n, (int[3]){nkl, s->nyl, n});
  }
  PetscFunctionReturn(0);
}

PetscErrorCode WB_R(wb_poisson_rows_from_x)(WbPoisson s, int nk, void *out) {
  PetscFunctionBeginUser;
  const int k0 = wb_poisson_split(nk, s->ix, s->px), nkl = wb_poisson_split(nk, s->ix + 1, s->px) - k0;
  WbReal *send = s->send, *xr = s->xr;
  for (int p = 0; p < s->px; p++) {
    const int levels = wb_poisson_split(nk, p + 1, s->px) - wb_poisson_split(nk, p, s->px);
    s->recv_counts[p] = levels * s->nyl * s->nxl;
    s->send_counts[p] = nkl * s->nyl * (s->x_starts[p + 1] - s->x_starts[p]);
  }
  displacements(s->px, s->send_counts, s->send_displs);
  displacements(s->px, s->recv_counts, s->recv_displs);
  for (int p = 0; p < s->px; p++) {
    const int n = s->x_starts[p + 1] - s->x_starts[p];
    copy_runs(send + s->send_displs[p], (size_t)s->nyl * (size_t)n, (size_t)n, xr + s->x_starts[p],
              (size_t)s->nyl * (size_t)s->nx, (size_t)s->nx, (int[3]){nkl, s->nyl, n});
  }
  PetscCall(exchange(s, s->row_comm, send, out));
  PetscFunctionReturn(0);
}

static void counts_xy(WbPoisson s, int nkl, int *columns, int *rows) {
  for (int p = 0; p < s->py; p++) {
    columns[p] = nkl * s->nyl * (s->c_starts[p + 1] - s->c_starts[p]);
    rows[p] = nkl * (s->y_starts[p + 1] - s->y_starts[p]) * s->ncl;
  }
  displacements(s->py, s->send_counts, s->send_displs);
  displacements(s->py, s->recv_counts, s->recv_displs);
}

/* T2: (nkl, nyl, nx) -> (nkl, ny, ncl). */
PetscErrorCode WB_R(wb_poisson_x_to_y)(WbPoisson s, int nkl) {
  PetscFunctionBeginUser;
  WbReal *send = s->send, *recv = s->recv, *xs = s->xs, *ys = s->ys;
  const size_t row = (size_t)s->pitch, row_x = (size_t)s->pitch_x, n = (size_t)s->ncl;
  counts_xy(s, nkl, s->send_counts, s->recv_counts);
  for (int p = 0; p < s->py; p++) {
    const int m = s->c_starts[p + 1] - s->c_starts[p];
    copy_runs(send + s->send_displs[p], (size_t)s->nyl * (size_t)m, (size_t)m, xs + s->c_starts[p],
              (size_t)s->nyl * row_x, row_x, (int[3]){nkl, s->nyl, m});
  }
  PetscCall(exchange(s, s->col_comm, send, recv));
  for (int p = 0; p < s->py; p++) {
    const WbReal *from = recv + s->recv_displs[p];
    for (int k = 0; k < nkl; k++)
      for (int j = s->y_starts[p]; j < s->y_starts[p + 1]; j++, from += n) {
        WbReal *to = ys + ((size_t)k * (size_t)s->ny + (size_t)j) * row;
        memcpy(to, from, n * sizeof(WbReal));
        /* what an earlier solve left in the padding would, as the partner of a column, change its rounding */
        memset(to + n, 0, (row - n) * sizeof(WbReal));
      }
  }
  PetscFunctionReturn(0);
}

PetscErrorCode WB_R(wb_poisson_y_to_x)(WbPoisson s, int nkl) {
  PetscFunctionBeginUser;
  WbReal *send = s->send, *recv = s->recv, *xs = s->xs, *ys = s->ys;
  const size_t row = (size_t)s->pitch, row_x = (size_t)s->pitch_x, n = (size_t)s->ncl;
  counts_xy(s, nkl, s->recv_counts, s->send_counts);
  for (int p = 0; p < s->py; p++) {
    WbReal *to = send + s->send_displs[p];
    for (int k = 0; k < nkl; k++)
      for (int j = s->y_starts[p]; j < s->y_starts[p + 1]; j++, to += n)
        memcpy(to, ys + ((size_t)k * (size_t)s->ny + (size_t)j) * row, n * sizeof(WbReal));
  }
  PetscCall(exchange(s, s->col_comm, send, recv));
  for (int p = 0; p < s->py; p++) {
    const int m = s->c_starts[p + 1] - s->c_starts[p];
    copy_runs(xs + s->c_starts[p], (size_t)s->nyl * row_x, row_x, recv + s->recv_displs[p], (size_t)s->nyl * (size_t)m,
              (size_t)m, (int[3]){nkl, s->nyl, m});
  }
  PetscFunctionReturn(0);
}

static void counts_yz(WbPoisson s, int nk, int *rows, int *levels) {
  const int nkl = wb_poisson_split(nk, s->ix + 1, s->px) - wb_poisson_split(nk, s->ix, s->px), row = s->pitch;
  for (int p = 0; p < s->px; p++) {
    rows[p] = nkl * (s->r_starts[p + 1] - s->r_starts[p]) * row;
    levels[p] = (wb_poisson_split(nk, p + 1, s->px) - wb_poisson_split(nk, p, s->px)) * s->nrl * row;
  }
  displacements(s->px, s->send_counts, s->send_displs);
  displacements(s->px, s->recv_counts, s->recv_displs);
}

/* T3: (nkl, ny, ncl) -> (nk, nrl, ncl), both with padded rows. Levels arrive in place. */
PetscErrorCode WB_R(wb_poisson_y_to_z)(WbPoisson s, int nk) {
  PetscFunctionBeginUser;
  const int nkl = wb_poisson_split(nk, s->ix + 1, s->px) - wb_poisson_split(nk, s->ix, s->px);
  const size_t row = (size_t)s->pitch;
  WbReal *send = s->send, *ys = s->ys;
  counts_yz(s, nk, s->send_counts, s->recv_counts);
  for (int p = 0; p < s->px; p++) {
    const int n = s->r_starts[p + 1] - s->r_starts[p];
    copy_runs(send + s->send_displs[p], (size_t)n * row, row, ys + (size_t)s->r_starts[p] * row, (size_t)s->ny * row,
              row, (int[3]){nkl, n, (int)row});
  }
  PetscCall(exchange(s, s->row_comm, send, s->zs));
  PetscFunctionReturn(0);
}

PetscErrorCode WB_R(wb_poisson_z_to_y)(WbPoisson s, int nk) {
  PetscFunctionBeginUser;
  const int nkl = wb_poisson_split(nk, s->ix + 1, s->px) - wb_poisson_split(nk, s->ix, s->px);
  const size_t row = (size_t)s->pitch;
  WbReal *recv = s->recv, *ys = s->ys;
  counts_yz(s, nk, s->recv_counts, s->send_counts);
  PetscCall(exchange(s, s->row_comm, s->zs, recv));
  for (int p = 0; p < s->px; p++) {
    const int n = s->r_starts[p + 1] - s->r_starts[p];
    copy_runs(ys + (size_t)s->r_starts[p] * row, (size_t)s->ny * row, row, recv + s->recv_displs[p], (size_t)n * row,
              row, (int[3]){nkl, n, (int)row});
  }
  PetscFunctionReturn(0);
}
