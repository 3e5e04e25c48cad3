/* Neighbour planes of a ghosted vector (project.h): owned cells first, then one plane per side; and the faces beyond
 * the owned ones that a divergence reads. */
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

/* `send` to the neighbour on the other side of `side`, `recv` from that on `side`; n numbers. */
static PetscErrorCode swap(WbProject pr, int side, int n, const WbReal *send, WbReal *recv) {
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Sendrecv(send, n, WB_MPI_REAL, pr->neighbour[side ^ 1], side, recv, n, WB_MPI_REAL,
                            pr->neighbour[side], side, side < 2 ? pr->row_comm : pr->col_comm, MPI_STATUS_IGNORE));
  PetscFunctionReturn(0);
}

/* Lowest nk levels of x (n_ghosted) WbReal in|out. Planes beyond a prescribed edge stay as they are. Collective. */
PetscErrorCode WB_R(wb_project_exchange)(WbProject pr, int nk, void *array) {
  WbReal *x = array;
  PetscFunctionBeginUser;
  for (int side = 0; side < 4; side++) { /* fill the ghosts of `side` from the neighbour there */
    const bool along_x = side < 2, alone = along_x ? pr->alone_x : pr->alone_y;
    WbReal *to = x + pr->ghost[side], *send = alone ? to : pr->edge_send;
    if (pr->neighbour[side ^ 1] != MPI_PROC_NULL) {
      if (along_x) {
        pack_column(pr, nk, x, side == 0 ? pr->nxl - 1 : 0, send);
      } else {
        pack_row(pr, nk, x, side == 2 ? pr->nyl - 1 : 0, send);
      }
    }
    if (!alone) PetscCall(swap(pr, side, nk * (along_x ? pr->nyl : pr->nxl), send, to));
  }
  PetscFunctionReturn(0);
}

/* u on face i = nxl, v on face j = nyl from the neighbours' first ones (ghosted fields, in|out). Not beyond prescribed
 * edges. Collective. */
PetscErrorCode WB_R(wb_project_far_faces)(WbProject pr, void *u_field, void *v_field) {
  const WbLesLayout *l = &pr->lay;
  const size_t nxl = (size_t)pr->nxl, bytes = nxl * sizeof(WbReal);
  const bool east = pr->neighbour[1] != MPI_PROC_NULL, north = pr->neighbour[3] != MPI_PROC_NULL;
  WbReal *u = u_field, *v = v_field, *send = pr->edge_send, *recv = pr->alone_x ? send : pr->edge_recv;
  PetscFunctionBeginUser;
  for (int k = 0, n = 0; k < pr->nz; k++)
    for (int j = 0; j < pr->nyl; j++) send[n++] = u[wb_les_at(l, k, j, 0)];
  if (!pr->alone_x) PetscCall(swap(pr, 1, pr->nz * pr->nyl, send, recv));
  for (int k = 0, n = 0; k < pr->nz && east; k++)
    for (int j = 0; j < pr->nyl; j++) u[wb_les_at(l, k, j, pr->nxl)] = recv[n++];
  recv = pr->alone_y ? send : pr->edge_recv;
  for (int k = 0; k < pr->nz; k++) memcpy(send + (size_t)k * nxl, &v[wb_les_at(l, k, 0, 0)], bytes);
  if (!pr->alone_y) PetscCall(swap(pr, 3, pr->nz * pr->nxl, send, recv));
  for (int k = 0; k < pr->nz && north; k++) memcpy(&v[wb_les_at(l, k, pr->nyl, 0)], recv + (size_t)k * nxl, bytes);
  PetscFunctionReturn(0);
}
