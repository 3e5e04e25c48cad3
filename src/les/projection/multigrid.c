/* The multigrid's cycle and the conjugate gradients around it (multigrid.h). */
#include "multigrid.h"

#include <math.h>

enum { LAST_SWEEPS = 9 /* on the coarsest level; odd */ };

/* ---- ghosts ---- */
/* Column i of this rank to the neighbour `to`, its counterpart from `from` to column ghost. */
static PetscErrorCode swap_columns(WbMultigrid m, const WbMgLevel *l, float *x, int i, int to, int ghost, int from) {
  const int n = l->ny * l->nz;
  int c = 0;
  PetscFunctionBeginUser;
  for (int j = 0; j < l->ny; j++)
    for (int k = 0; k < l->nz; k++) m->edge_out[c++] = x[wb_mg_cell(l, j, k, i)];
  PetscCallMPI(MPI_Sendrecv(m->edge_out, n, MPI_FLOAT, to, 0, m->edge_in, n, MPI_FLOAT, from, 0, m->row_comm,
                            MPI_STATUS_IGNORE));
  if (from == MPI_PROC_NULL) PetscFunctionReturn(0);
  c = 0;
  for (int j = 0; j < l->ny; j++)
    for (int k = 0; k < l->nz; k++) x[wb_mg_cell(l, j, k, ghost)] = m->edge_in[c++];
  PetscFunctionReturn(0);
}

static PetscErrorCode exchange(WbMultigrid m, int level, float *x) {
  const WbMgLevel *l = &m->level[level];
  const int n = (int)l->slab;
  float *first = x + l->slab, *last = x + (size_t)l->ny * l->slab;
  PetscFunctionBeginUser;
  if (level >= m->apart) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Sendrecv(first, n, MPI_FLOAT, m->south, 1, last + l->slab, n, MPI_FLOAT, m->north, 1, m->col_comm,
                            MPI_STATUS_IGNORE));
  PetscCallMPI(
      MPI_Sendrecv(last, n, MPI_FLOAT, m->north, 2, x, n, MPI_FLOAT, m->south, 2, m->col_comm, MPI_STATUS_IGNORE));
  if (m->whole_rows) PetscFunctionReturn(0);
  PetscCall(swap_columns(m, l, x, 0, m->west, l->nx, m->east));
  PetscCall(swap_columns(m, l, x, l->nx - 1, m->east, -1, m->west));
  PetscFunctionReturn(0);
}

/* ---- the cycle ---- */
static PetscErrorCode restrict_residual(WbMultigrid m, int level) {
  const WbMgLevel *f = &m->level[level], *c = f + 1;
  PetscFunctionBeginUser;
  if (f->gather) memset(m->plain, 0, wb_mg_plain(c) * sizeof *m->plain);
  for (int j = 0; j < f->ny / 2; j++)
    for (int k = 0; k < f->nz; k++) {
      wb_mg_residual_row(f, j, k, m->row);
      if (f->gather)
        memcpy(m->plain + ((size_t)(f->y0 + j) * (size_t)c->nz + (size_t)k) * (size_t)c->nx + f->x0, m->row,
               (size_t)(f->nx / 2) * sizeof *m->row);
      else
        wb_mg_put_row(c, c->b, j, k, f->nx / 2, m->row);
    }
  if (!f->gather) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, m->plain, (int)wb_mg_plain(c), MPI_FLOAT, MPI_SUM, m->comm));
  const float *row = m->plain;
  for (int j = 0; j < c->ny; j++)
    for (int k = 0; k < c->nz; k++, row += c->nx) wb_mg_put_row(c, c->b, j, k, c->nx, row);
  PetscFunctionReturn(0);
}

static void prolong(WbMultigrid m, int level) {
  const WbMgLevel *f = &m->level[level], *c = f + 1;
  for (int j = 0; j < f->ny / 2; j++)
    for (int k = 0; k < f->nz; k++) {
      wb_mg_get_row(c, c->x, f->y0 + j, k, m->row);
      wb_mg_add_row(f, j, k, m->row + f->x0);
    }
}

/* Colours in turn, `first` (from zero: with nothing held) and the other, the second a slab behind the first, so that
 * one pass over memory does for both. At the sides of a cut level the first comes first, for the neighbour to have it.
 * bx (or NULL): the sum of b x is added to it. */
static PetscErrorCode relax(WbMultigrid m, int level, int first, bool from_zero, double *bx) {
  const WbMgLevel *l = &m->level[level];
  const bool cut = level < m->apart;
  const int ahead = cut && !m->whole_rows ? l->ny : 1;
  PetscFunctionBeginUser;
  if (!from_zero) PetscCall(exchange(m, level, l->x));
  if (cut && m->whole_rows) {
    wb_mg_relax(l, 0, first, from_zero);
    wb_mg_relax(l, l->ny - 1, first, from_zero);
    PetscCall(exchange(m, level, l->x));
  }
  for (int j = 0; j < l->ny + ahead; j++) {
    const bool done = cut && m->whole_rows && (j == 0 || j == l->ny - 1);
    if (j < l->ny && !done) wb_mg_relax(l, j, first, from_zero);
    if (j + 1 == l->ny && cut && !m->whole_rows) PetscCall(exchange(m, level, l->x));
    if (j < ahead) continue;
    wb_mg_relax(l, j - ahead, !first, false);
    if (bx) *bx += wb_mg_dot(l, j - ahead);
  }
  PetscFunctionReturn(0);
}

/* x of the level from its b, symmetric: red, black, coarse levels, black, red. After black, only red cells have a
 * residual; what prolongation would add to black ones the next sweep replaces. */
static PetscErrorCode cycle(WbMultigrid m, int level, double *bx) {
  PetscFunctionBeginUser;
  PetscCall(relax(m, level, 0, true, NULL));
  if (level + 1 == m->levels) {
    for (int s = 0; s < LAST_SWEEPS; s++)
      PetscCall(relax(m, level, s & 1 ? 0 : 1, false, s + 1 < LAST_SWEEPS ? NULL : bx));
    PetscFunctionReturn(0);
  }
  PetscCall(exchange(m, level, m->level[level].x));
  PetscCall(restrict_residual(m, level));
  PetscCall(cycle(m, level + 1, NULL)); /* depth: at most WB_MG_LEVELS */
  prolong(m, level);
  PetscCall(relax(m, level, 1, false, bx));
  PetscFunctionReturn(0);
}

/* ---- conjugate gradients ---- */
static void load(WbMultigrid m, const float *rhs) {
  const WbMgLevel *l = &m->level[0];
  for (int j = 0; j < m->nyl; j++)
    for (int k = 0; k < l->nz; k++) {
      const float *from = rhs + ((size_t)k * (size_t)m->nyl + (size_t)j) * (size_t)m->nxl;
      for (int i = 0; i < m->nxl; i++) m->row[i] = -m->dz[k] * from[i];
      wb_mg_put_row(l, l->b, j, k, m->nxl, m->row);
    }
  memset(m->p, 0, wb_mg_array(l) * sizeof *m->p);
  memset(m->x, 0, wb_mg_array(l) * sizeof *m->x);
}

static void unload(WbMultigrid m, float *x) {
  const WbMgLevel *l = &m->level[0];
  for (int j = 0; j < m->nyl; j++)
    for (int k = 0; k < l->nz; k++) {
      wb_mg_get_row(l, m->x, j, k, m->row);
      memcpy(x + ((size_t)k * (size_t)m->nyl + (size_t)j) * (size_t)m->nxl, m->row, (size_t)m->nxl * sizeof *x);
    }
}

static PetscErrorCode total(WbMultigrid m, double *sum) {
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, 1, MPI_DOUBLE, MPI_SUM, m->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_multigrid_solve(WbMultigrid m, const void *rhs, double tol, int max_iterations, int *iterations,
                                  void *x) {
  const WbMgLevel *l = &m->level[0];
  double before = 1, largest = HUGE_VAL;
  PetscFunctionBeginUser;
  load(m, rhs);
  for (int it = 0; it < max_iterations && largest > tol; it++) {
    double bx = 0;
    PetscCall(cycle(m, 0, &bx));
    PetscCall(total(m, &bx));
    wb_mg_direction(l, (float)(it ? bx / before : 0), l->x, m->p);
    before = bx;
    PetscCall(exchange(m, 0, m->p));
    double curvature = wb_mg_apply(l, m->p, m->q);
    PetscCall(total(m, &curvature));
    if (!(bx > 0 && curvature > 0)) break; /* lost to rounding, or not a number: the true divergence decides */
    largest = wb_mg_update(l, (float)(bx / curvature), m->p, m->q, m->per_dz, m->x);
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_DOUBLE, MPI_MAX, m->comm));
    ++*iterations;
  }
  unload(m, x);
  PetscFunctionReturn(0);
}
