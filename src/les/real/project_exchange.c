/* Neighbour planes of a ghosted vector (project.h): owned cells first, then one plane per side. */
#include "windbridge/real.h"

#include "project.h"

#include <string.h>

static void pack_column(WbProject pr, int nk, const WbReal *restrict x, int i, WbReal *restrict out) {
  const size_t rows = (size_t)nk * (size_t)pr->nyl, nxl = (size_t)pr->nxl;
  for (size_t row = 0; row < rows; row++) out[row] = x[row * nxl + (size_t)i];
}

static void pack_row(WbProject pr, int nk, const WbReal *restrict x, int j, WbReal *restrict out) {
  const size_t nxl = (size_t)pr->nxl;
  for (int k = 0; k < nk; k++)
    memcpy(out + (size_t)k * nxl, x + ((size_t)k * (size_t)pr->nyl + (size_t)j) * nxl, nxl * sizeof(WbReal));
}

/* Lowest nk levels of x (n_ghosted) WbReal in|out. Planes beyond a prescribed edge stay as they are. Collective. */
PetscErrorCode WB_R(wb_project_exchange)(WbProject pr, int nk, void *array) {
  WbReal *x = array, *send = pr->edge_send;
  PetscFunctionBeginUser;
  for (int side = 0; side < 4; side++) { /* fill the ghosts of `side` from the neighbour there */
    const int other = side ^ 1;
    const bool along_x = side < 2;
    MPI_Comm comm = along_x ? pr->row_comm : pr->col_comm;
    const int n = nk * (along_x ? pr->nyl : pr->nxl);
    if (pr->neighbour[other] != MPI_PROC_NULL) {
      if (along_x) {
        pack_column(pr, nk, x, side == 0 ? pr->nxl - 1 : 0, send);
      } else {
        pack_row(pr, nk, x, side == 2 ? pr->nyl - 1 : 0, send);
      }
    }
    PetscCallMPI(MPI_Sendrecv(send, n, WB_MPI_REAL, pr->neighbour[other], side, x + pr->ghost[side], n, WB_MPI_REAL,
                              pr->neighbour[side], side, comm, MPI_STATUS_IGNORE));
  }
  PetscFunctionReturn(0);
}
