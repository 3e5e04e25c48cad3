/* The multigrid's levels, its cycle and the conjugate gradients around it (multigrid.h). */
#include "multigrid.h"

#include "project.h"

#include <math.h>
#include <string.h>

enum { MOST_LEVELS = 24, FEWEST_COLUMNS = 4 /* of the coarsest level */, LAST_SWEEPS = 17 /* there; odd */ };

struct WbMultigrid_s {
  MPI_Comm comm, row_comm, col_comm; /* borrowed */
  int west, east, south, north;      /* ranks of row_comm, col_comm, or MPI_PROC_NULL */
  int nyl, nxl;
  int levels, apart; /* of all levels, the first `apart` are cut among the ranks */
  WbMgLevel level[MOST_LEVELS];
  float *p, *q, *x;          /* level 0 */
  float *row;                /* a row of any level */
  float *plain;              /* the first whole level in order, (ny, nz, nx), to be summed over the ranks */
  float *edge_out, *edge_in; /* (nz, ny) of level 0 */
  float *dz, *per_dz;        /* (nz) */
};

static int even(int n) {
  return n + n % 2;
}

static size_t array_size(const WbMgLevel *l) {
  return (size_t)(l->ny + 2) * l->slab;
}

static void shape(WbMgLevel *l, int nz, int ny, int nx) {
  l->nz = nz;
  l->ny = even(ny);
  l->nx = even(nx);
  l->half = (size_t)(l->nx / 2 + 2 + 7) / 8 * 8;
  l->slab = 2 * (size_t)nz * l->half;
}

static PetscErrorCode allocate(WbMgLevel *l) {
  float **arrays[] = {&l->gx, &l->gy, &l->gz, &l->inv, &l->x, &l->b};
  PetscFunctionBeginUser;
  for (size_t a = 0; a < sizeof arrays / sizeof *arrays; a++) PetscCall(WB_CALLOC(array_size(l), arrays[a]));
  PetscFunctionReturn(0);
}

/* Place of cell i of a row, ghosts too. */
static size_t cell_at(const WbMgLevel *l, int j, int k, int i) {
  return wb_mg_at(l, j, k, i & 1) + (size_t)((i + 2) / 2) - 1;
}

static void set_finest(const WbMgLevel *l, const WbGrid *g, const WbMultigridFaces *f) {
  size_t c = 0;
  for (int k = 0; k < l->nz; k++) {
    const float side = (float)(f->dz[k] / (f->dx * f->dx)), floor = (float)f->rh[k];
    for (int j = 0; j < g->nyl; j++) {
      for (int i = 0; i < g->nxl; i++, c++) {
        const size_t at = cell_at(l, j, k, i);
        l->gx[at] = f->mask[c] & WB_OPEN_WEST ? side : 0;
        l->gy[at] = f->mask[c] & WB_OPEN_SOUTH ? side : 0;
        l->gz[at] = f->mask[c] & WB_OPEN_BELOW ? floor : 0;
      }
      if (f->open_east[(size_t)k * (size_t)g->nyl + (size_t)j]) l->gx[cell_at(l, j, k, g->nxl)] = side;
    }
    for (int i = 0; i < g->nxl; i++)
      if (f->open_north[(size_t)k * (size_t)g->nxl + (size_t)i]) l->gy[cell_at(l, g->nyl, k, i)] = side;
  }
}

/* Sums of four; sides halved. Faces beyond the last cells too: they are the neighbours'. */
static void coarsen(const WbMgLevel *f, const WbMgLevel *c, int y0, int x0) {
  for (int j = 0; j <= f->ny / 2; j++)
    for (int k = 0; k < f->nz; k++)
      for (int i = 0; i <= f->nx / 2; i++) {
        const size_t to = cell_at(c, y0 + j, k, x0 + i);
        for (int s = 0; s < 2; s++) {
          if (j < f->ny / 2) c->gx[to] += 0.5F * f->gx[cell_at(f, 2 * j + s, k, 2 * i)];
          if (i < f->nx / 2) c->gy[to] += 0.5F * f->gy[cell_at(f, 2 * j, k, 2 * i + s)];
          for (int r = 0; r < 2 && j < f->ny / 2 && i < f->nx / 2; r++)
            c->gz[to] += f->gz[cell_at(f, 2 * j + s, k, 2 * i + r)];
        }
      }
}

/* Pivots from the ground up. A column without a way out sideways is singular: its last cell stays 0. */
static void factorise(const WbMgLevel *l, int j, int i) {
  double below = 0;
  for (int k = 0; k < l->nz; k++) {
    const size_t at = cell_at(l, j, k, i), up = at + 2 * l->half;
    const double gz = (double)l->gz[at], gz_up = k < l->nz - 1 ? (double)l->gz[up] : 0;
    const double across = (double)l->gx[at] + (double)l->gx[cell_at(l, j, k, i + 1)] + (double)l->gy[at] +
                          (double)l->gy[at + l->slab];
    const double all = across + gz + gz_up, pivot = all - gz * gz * below;
    below = pivot > 1e-6 * all ? 1 / pivot : 0;
    l->inv[at] = (float)below;
  }
}

static void factorise_all(const WbMgLevel *l) {
  for (int j = 0; j < l->ny; j++)
    for (int i = 0; i < l->nx; i++) factorise(l, j, i);
}

static size_t plain_size(const WbMgLevel *whole) {
  return (size_t)whole->ny * (size_t)whole->nz * (size_t)whole->nx;
}

/* An array of the first whole level, filled by each rank in its own part: the sum of all. */
static PetscErrorCode sum_parts(WbMultigrid m, const WbMgLevel *whole, float *array) {
  const size_t nx = (size_t)whole->nx;
  float *row = m->plain;
  PetscFunctionBeginUser;
  for (int j = 0; j < whole->ny; j++)
    for (int k = 0; k < whole->nz; k++, row += nx) wb_mg_get_row(whole, array, j, k, row);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, m->plain, (int)plain_size(whole), MPI_FLOAT, MPI_SUM, m->comm));
  row = m->plain;
  for (int j = 0; j < whole->ny; j++)
    for (int k = 0; k < whole->nz; k++, row += nx) wb_mg_put_row(whole, array, j, k, whole->nx, row);
  PetscFunctionReturn(0);
}

/* Whether all boxes of a level begin at even cells, so that a coarse cell is one rank's. */
static bool aligned(const WbGrid *g, int level) {
  bool yes = true;
  for (int p = 0; p < g->px; p++) yes = yes && (g->x_starts[p] >> level) % 2 == 0;
  for (int p = 0; p < g->py; p++) yes = yes && (g->y_starts[p] >> level) % 2 == 0;
  return yes;
}

/* Sizes of all levels. The last cut level is the last that can be halved within each rank. */
static PetscErrorCode lay_out(WbMultigrid m, const WbGrid *g) {
  PetscFunctionBeginUser;
  if (!aligned(g, 0) || g->periodic_x || g->periodic_y)
    WB_RAISE_ALL(WB_ERR_CONFIG, "multigrid: a cyclic grid, or boxes of ranks that begin at odd cells");
  int l = 0, ny = g->nyl, nx = g->nxl, whole_y = g->ny, whole_x = g->nx;
  bool whole = g->size == 1;
  for (;; l++) {
    WbMgLevel *at = &m->level[l];
    shape(at, g->nz, ny, nx);
    if (!whole) m->apart = l + 1;
    if (l + 1 == MOST_LEVELS || (whole && PetscMax(ny, nx) <= FEWEST_COLUMNS)) break;
    whole_y = even(whole_y) / 2, whole_x = even(whole_x) / 2;
    at->gather = !whole && !aligned(g, l + 1);
    if (at->gather) {
      at->y0 = g->y0 >> (l + 1), at->x0 = g->x0 >> (l + 1);
      whole = true;
      ny = whole_y, nx = whole_x;
    } else {
      ny = at->ny / 2, nx = at->nx / 2;
    }
  }
  m->levels = l + 1;
  PetscFunctionReturn(0);
}

static PetscErrorCode allocate_all(WbMultigrid m, const WbMultigridFaces *f) {
  const WbMgLevel *finest = &m->level[0];
  size_t row = 0;
  PetscFunctionBeginUser;
  for (int l = 0; l < m->levels; l++) {
    PetscCall(allocate(&m->level[l]));
    row = PetscMax(row, (size_t)m->level[l].nx);
    if (m->level[l].gather) PetscCall(WB_ALLOC(plain_size(&m->level[l + 1]), &m->plain));
  }
  PetscCall(WB_CALLOC(array_size(finest), &m->p));
  PetscCall(WB_CALLOC(array_size(finest), &m->q));
  PetscCall(WB_CALLOC(array_size(finest), &m->x));
  PetscCall(WB_CALLOC(row, &m->row));
  PetscCall(WB_ALLOC((size_t)finest->nz * (size_t)finest->ny, &m->edge_out));
  PetscCall(WB_ALLOC((size_t)finest->nz * (size_t)finest->ny, &m->edge_in));
  PetscCall(WB_ALLOC(finest->nz, &m->dz));
  PetscCall(WB_ALLOC(finest->nz, &m->per_dz));
  for (int k = 0; k < finest->nz; k++) m->dz[k] = (float)f->dz[k], m->per_dz[k] = (float)(1 / f->dz[k]);
  PetscFunctionReturn(0);
}

/* The faces beyond a rank's part were counted by it and by its neighbour: in a sum over ranks only its own may be. */
static void forget_far_faces(const WbMgLevel *fine, const WbMgLevel *whole) {
  const int far_y = fine->y0 + fine->ny / 2, far_x = fine->x0 + fine->nx / 2;
  for (int k = 0; k < whole->nz; k++) {
    for (int i = 0; i < whole->nx; i++) whole->gy[cell_at(whole, far_y, k, i)] = 0;
    for (int j = 0; j < whole->ny; j++) whole->gx[cell_at(whole, j, k, far_x)] = 0;
  }
}

static PetscErrorCode create(WbMultigrid m, const WbGrid *g, const WbMultigridFaces *f) {
  PetscFunctionBeginUser;
  m->comm = g->comm, m->row_comm = g->row_comm, m->col_comm = g->col_comm;
  m->west = g->ix > 0 ? g->ix - 1 : MPI_PROC_NULL;
  m->east = g->ix < g->px - 1 ? g->ix + 1 : MPI_PROC_NULL;
  m->south = g->iy > 0 ? g->iy - 1 : MPI_PROC_NULL;
  m->north = g->iy < g->py - 1 ? g->iy + 1 : MPI_PROC_NULL;
  m->nyl = g->nyl, m->nxl = g->nxl;
  PetscCall(lay_out(m, g));
  PetscCall(allocate_all(m, f));
  set_finest(&m->level[0], g, f);
  for (int l = 0; l < m->levels; l++) {
    const WbMgLevel *at = &m->level[l], *next = at + 1;
    factorise_all(at);
    if (l + 1 == m->levels) break;
    coarsen(at, next, at->y0, at->x0);
    if (!at->gather) continue;
    forget_far_faces(at, next);
    float *arrays[] = {next->gx, next->gy, next->gz};
    for (int a = 0; a < 3; a++) PetscCall(sum_parts(m, next, arrays[a]));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_multigrid_create(const WbGrid *grid, const WbMultigridFaces *faces, WbMultigrid *multigrid) {
  PetscFunctionBeginUser;
  *multigrid = NULL;
  PetscCall(WB_CALLOC(1, multigrid));
  const PetscErrorCode e = create(*multigrid, grid, faces);
  if (e) wb_multigrid_destroy(multigrid);
  PetscFunctionReturn(e);
}

void wb_multigrid_destroy(WbMultigrid *multigrid) {
  WbMultigrid m = multigrid ? *multigrid : NULL;
  if (!m) return;
  for (int l = 0; l < m->levels; l++) {
    WbMgLevel *at = &m->level[l];
    float **arrays[] = {&at->gx, &at->gy, &at->gz, &at->inv, &at->x, &at->b};
    for (size_t a = 0; a < sizeof arrays / sizeof *arrays; a++) WB_FREE(arrays[a]);
  }
  float **more[] = {&m->p, &m->q, &m->x, &m->row, &m->plain, &m->edge_out, &m->edge_in, &m->dz, &m->per_dz};
  for (size_t a = 0; a < sizeof more / sizeof *more; a++) WB_FREE(more[a]);
  WB_FREE(multigrid);
}

double wb_multigrid_bytes(int nz, int nyl, int nxl) {
  WbMgLevel l = {0};
  shape(&l, nz, nyl, nxl);
  return ((6 * 4.0 / 3.0) + 3) * (double)array_size(&l) * (double)sizeof(float);
}

/* ---- ghosts ---- */
/* Column i of this rank to the neighbour `to`, its counterpart from `from` to column ghost. */
static PetscErrorCode swap_columns(WbMultigrid m, const WbMgLevel *l, float *x, int i, int to, int ghost, int from) {
  const int n = l->ny * l->nz;
  int c = 0;
  PetscFunctionBeginUser;
  for (int j = 0; j < l->ny; j++)
    for (int k = 0; k < l->nz; k++) m->edge_out[c++] = x[cell_at(l, j, k, i)];
  PetscCallMPI(MPI_Sendrecv(m->edge_out, n, MPI_FLOAT, to, 0, m->edge_in, n, MPI_FLOAT, from, 0, m->row_comm,
                            MPI_STATUS_IGNORE));
  if (from == MPI_PROC_NULL) PetscFunctionReturn(0);
  c = 0;
  for (int j = 0; j < l->ny; j++)
    for (int k = 0; k < l->nz; k++) x[cell_at(l, j, k, ghost)] = m->edge_in[c++];
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
  if (m->west == m->east) PetscFunctionReturn(0); /* alone in its row */
  PetscCall(swap_columns(m, l, x, 0, m->west, l->nx, m->east));
  PetscCall(swap_columns(m, l, x, l->nx - 1, m->east, -1, m->west));
  PetscFunctionReturn(0);
}

/* ---- the cycle ---- */
static PetscErrorCode restrict_residual(WbMultigrid m, int level) {
  const WbMgLevel *f = &m->level[level], *c = f + 1;
  PetscFunctionBeginUser;
  if (f->gather) memset(m->plain, 0, plain_size(c) * sizeof *m->plain);
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
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, m->plain, (int)plain_size(c), MPI_FLOAT, MPI_SUM, m->comm));
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

static PetscErrorCode relax(WbMultigrid m, int level, int colour, double *sum) {
  PetscFunctionBeginUser;
  PetscCall(exchange(m, level, m->level[level].x));
  *sum = wb_mg_relax(&m->level[level], colour, false);
  PetscFunctionReturn(0);
}

/* x of the level from its b, symmetric: red, black, coarse levels, black, red. After black, only red cells have a
 * residual; what prolongation would add to black ones the next sweep replaces. Returns the sum of b x in *sum. */
static PetscErrorCode cycle(WbMultigrid m, int level, double *sum) {
  double red = 0, black = 0;
  PetscFunctionBeginUser;
  (void)wb_mg_relax(&m->level[level], 0, true);
  if (level + 1 == m->levels) {
    for (int s = 1; s < LAST_SWEEPS; s++) PetscCall(relax(m, level, s & 1, s & 1 ? &black : &red));
    *sum = red + black;
    PetscFunctionReturn(0);
  }
  PetscCall(relax(m, level, 1, &black));
  PetscCall(exchange(m, level, m->level[level].x));
  PetscCall(restrict_residual(m, level));
  PetscCall(cycle(m, level + 1, &red)); /* depth: at most MOST_LEVELS */
  prolong(m, level);
  PetscCall(relax(m, level, 1, &black));
  PetscCall(relax(m, level, 0, &red));
  *sum = red + black;
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
  memset(m->p, 0, array_size(l) * sizeof *m->p);
  memset(m->x, 0, array_size(l) * sizeof *m->x);
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
