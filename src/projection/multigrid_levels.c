/* The multigrid's levels, made once for a city (multigrid.h). */
#include "multigrid.h"

#include "projection_internal.h"

#include <math.h>
#include <string.h>

enum { FEWEST_COLUMNS = 4 /* of the coarsest level */ };

static int even(int n) {
  return n + n % 2;
}

static void shape(WbMgLevel *l, int nz, int ny, int nx) {
  l->nz = nz;
  l->ny = even(ny);
  l->nx = even(nx);
  l->half = (size_t)(l->nx / 2 + 2 + 7) / 8 * 8;
  l->slab = 2 * (size_t)nz * l->half;
}

/* While the levels are made: conductances over those of open fine faces, in full precision. */
typedef struct {
  float *gx, *gy, *gz;
} Faces;

static PetscErrorCode allocate_faces(const WbMgLevel *l, Faces *f) {
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(wb_mg_array(l), &f->gx));
  PetscCall(WB_CALLOC(wb_mg_array(l), &f->gy));
  PetscCall(WB_CALLOC(wb_mg_array(l), &f->gz));
  PetscFunctionReturn(0);
}

static void free_faces(Faces *f) {
  WB_FREE(&f->gx);
  WB_FREE(&f->gy);
  WB_FREE(&f->gz);
}

static PetscErrorCode allocate(WbMgLevel *l, const WbMultigridFaces *f) {
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(wb_mg_array(l), &l->gx));
  PetscCall(WB_CALLOC(wb_mg_array(l), &l->gy));
  PetscCall(WB_CALLOC(wb_mg_array(l), &l->gz));
  PetscCall(WB_CALLOC(wb_mg_array(l), &l->inv));
  PetscCall(WB_CALLOC(wb_mg_array(l), &l->x));
  PetscCall(WB_CALLOC(wb_mg_array(l), &l->b));
  PetscCall(WB_ALLOC(l->nz, &l->side));
  PetscCall(WB_ALLOC(l->nz + 1, &l->floor));
  for (int k = 0; k < l->nz; k++) l->side[k] = (float)(f->dz[k] / (f->dx * f->dx));
  for (int k = 0; k <= l->nz; k++) l->floor[k] = (float)f->rh[k];
  PetscFunctionReturn(0);
}

static void release(WbMgLevel *l) {
  WB_FREE(&l->gx);
  WB_FREE(&l->gy);
  WB_FREE(&l->gz);
  WB_FREE(&l->inv);
  WB_FREE(&l->x);
  WB_FREE(&l->b);
  WB_FREE(&l->side);
  WB_FREE(&l->floor);
}

/* Conductance of a face over that of a whole one. */
static float part(const WbMultigridFaces *f, bool open, int d, int k, int j, int i) {
  if (!open) return 0;
  return f->aperture ? f->aperture[d][wb_layout_at(f->lay, k, j, i)] : 1;
}

static void set_finest(const WbMgLevel *l, const WbGrid *g, const WbMultigridFaces *f, const Faces *to) {
  size_t c = 0;
  for (int k = 0; k < l->nz; k++) {
    for (int j = 0; j < g->nyl; j++) {
      for (int i = 0; i < g->nxl; i++, c++) {
        const size_t at = wb_mg_cell(l, j, k, i);
        to->gx[at] = part(f, f->mask[c] & WB_OPEN_WEST, 0, k, j, i);
        to->gy[at] = part(f, f->mask[c] & WB_OPEN_SOUTH, 1, k, j, i);
        to->gz[at] = part(f, f->mask[c] & WB_OPEN_BELOW, 2, k, j, i);
      }
      to->gx[wb_mg_cell(l, j, k, g->nxl)] =
          part(f, f->open_east[(size_t)k * (size_t)g->nyl + (size_t)j], 0, k, j, g->nxl);
    }
    for (int i = 0; i < g->nxl; i++)
      to->gy[wb_mg_cell(l, g->nyl, k, i)] =
          part(f, f->open_north[(size_t)k * (size_t)g->nxl + (size_t)i], 1, k, g->nyl, i);
  }
}

/* Sums of four; sides halved. Faces beyond the last cells too: they are the neighbours'. */
static void coarsen(const WbMgLevel *f, const Faces *from, const WbMgLevel *c, const Faces *to) {
  const int ny = f->ny / 2, nx = f->nx / 2;
  for (int j = 0; j <= ny; j++)
    for (int k = 0; k < f->nz; k++)
      for (int i = 0; i <= nx; i++) {
        const size_t at = wb_mg_cell(c, f->y0 + j, k, f->x0 + i);
        for (int s = 0; s < 2; s++) {
          if (j < ny) to->gx[at] += 0.5F * from->gx[wb_mg_cell(f, 2 * j + s, k, 2 * i)];
          if (i < nx) to->gy[at] += 0.5F * from->gy[wb_mg_cell(f, 2 * j, k, 2 * i + s)];
          for (int r = 0; r < 2 && j < ny && i < nx; r++)
            to->gz[at] += from->gz[wb_mg_cell(f, 2 * j + s, k, 2 * i + r)];
        }
      }
}

static uint16_t upper_half(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return (uint16_t)((bits + 0x8000U) >> 16);
}

static void pack(const WbMgLevel *l, const Faces *from) {
  for (size_t q = 0; q < wb_mg_array(l); q++) {
    l->gx[q] = upper_half(from->gx[q]);
    l->gy[q] = upper_half(from->gy[q]);
    l->gz[q] = upper_half(from->gz[q]);
  }
}

/* Pivots from the ground up. A column without a way out sideways is singular: its last cell stays 0. */
static void factorise(const WbMgLevel *l, int j, int i) {
  double below = 0;
  for (int k = 0; k < l->nz; k++) {
    const size_t at = wb_mg_cell(l, j, k, i), east = wb_mg_cell(l, j, k, i + 1), up = at + 2 * l->half;
    const double gz = (double)(l->floor[k] * wb_mg_widen(l->gz[at]));
    const double gz_up = k < l->nz - 1 ? (double)(l->floor[k + 1] * wb_mg_widen(l->gz[up])) : 0;
    const float across =
        wb_mg_widen(l->gx[at]) + wb_mg_widen(l->gx[east]) + wb_mg_widen(l->gy[at]) + wb_mg_widen(l->gy[at + l->slab]);
    const double all = (double)(l->side[k] * across) + gz + gz_up, pivot = all - gz * gz * below;
    below = pivot > 1e-6 * all ? 1 / pivot : 0;
    l->inv[at] = (float)below;
  }
}

/* An array of the first whole level, filled by each rank in its own part: the sum of all. */
static PetscErrorCode sum_parts(WbMultigrid m, const WbMgLevel *whole, float *array) {
  const size_t nx = (size_t)whole->nx;
  float *row = m->plain;
  PetscFunctionBeginUser;
  for (int j = 0; j < whole->ny; j++)
    for (int k = 0; k < whole->nz; k++, row += nx) wb_mg_get_row(whole, array, j, k, row);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, m->plain, (int)wb_mg_plain(whole), MPI_FLOAT, MPI_SUM, m->comm));
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
    if (l + 1 == WB_MG_LEVELS || (whole && PetscMax(ny, nx) <= FEWEST_COLUMNS)) break;
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
    PetscCall(allocate(&m->level[l], f));
    row = PetscMax(row, (size_t)m->level[l].nx);
    if (m->level[l].gather) PetscCall(WB_ALLOC(wb_mg_plain(&m->level[l + 1]), &m->plain));
  }
  PetscCall(WB_CALLOC(wb_mg_array(finest), &m->p));
  PetscCall(WB_CALLOC(wb_mg_array(finest), &m->q));
  PetscCall(WB_CALLOC(wb_mg_array(finest), &m->x));
  PetscCall(WB_CALLOC(row, &m->row));
  PetscCall(WB_ALLOC((size_t)finest->nz * (size_t)finest->ny, &m->edge_out));
  PetscCall(WB_ALLOC((size_t)finest->nz * (size_t)finest->ny, &m->edge_in));
  PetscCall(WB_ALLOC(finest->nz, &m->dz));
  PetscCall(WB_ALLOC(finest->nz, &m->per_dz));
  for (int k = 0; k < finest->nz; k++) m->dz[k] = (float)f->dz[k], m->per_dz[k] = (float)(1 / f->dz[k]);
  PetscFunctionReturn(0);
}

/* The faces beyond a rank's part were counted by it and by its neighbour: in a sum over ranks only its own may be. */
static PetscErrorCode sum_faces(WbMultigrid m, const WbMgLevel *fine, const WbMgLevel *whole, const Faces *f) {
  const int far_y = fine->y0 + fine->ny / 2, far_x = fine->x0 + fine->nx / 2;
  PetscFunctionBeginUser;
  for (int k = 0; k < whole->nz; k++) {
    for (int i = 0; i < whole->nx; i++) f->gy[wb_mg_cell(whole, far_y, k, i)] = 0;
    for (int j = 0; j < whole->ny; j++) f->gx[wb_mg_cell(whole, j, k, far_x)] = 0;
  }
  PetscCall(sum_parts(m, whole, f->gx));
  PetscCall(sum_parts(m, whole, f->gy));
  PetscCall(sum_parts(m, whole, f->gz));
  PetscFunctionReturn(0);
}

/* Level l from its faces, and the next one's faces. */
static PetscErrorCode make_level(WbMultigrid m, int l, const Faces *own, Faces *next) {
  const WbMgLevel *at = &m->level[l];
  PetscFunctionBeginUser;
  pack(at, own);
  for (int j = 0; j < at->ny; j++)
    for (int i = 0; i < at->nx; i++) factorise(at, j, i);
  if (l + 1 == m->levels) PetscFunctionReturn(0);
  PetscCall(allocate_faces(at + 1, next));
  coarsen(at, own, at + 1, next);
  if (at->gather) PetscCall(sum_faces(m, at, at + 1, next));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_levels(WbMultigrid m, const WbGrid *g, const WbMultigridFaces *f) {
  Faces own = {0}, next = {0};
  PetscFunctionBeginUser;
  PetscErrorCode e = allocate_faces(&m->level[0], &own);
  if (!e) set_finest(&m->level[0], g, f, &own);
  for (int l = 0; l < m->levels && !e; l++) {
    e = make_level(m, l, &own, &next);
    free_faces(&own);
    own = next;
    next = (Faces){0};
  }
  free_faces(&own);
  PetscFunctionReturn(e);
}

static PetscErrorCode create(WbMultigrid m, const WbGrid *g, const WbMultigridFaces *f) {
  PetscFunctionBeginUser;
  m->comm = g->comm, m->row_comm = g->row_comm, m->col_comm = g->col_comm;
  m->west = g->ix > 0 ? g->ix - 1 : MPI_PROC_NULL;
  m->east = g->ix < g->px - 1 ? g->ix + 1 : MPI_PROC_NULL;
  m->south = g->iy > 0 ? g->iy - 1 : MPI_PROC_NULL;
  m->north = g->iy < g->py - 1 ? g->iy + 1 : MPI_PROC_NULL;
  m->nyl = g->nyl, m->nxl = g->nxl;
  m->whole_rows = g->px == 1;
  PetscCall(lay_out(m, g));
  m->level[0].voxels = f->aperture == NULL;
  PetscCall(allocate_all(m, f));
  PetscCall(make_levels(m, g, f));
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
  for (int l = 0; l < m->levels; l++) release(&m->level[l]);
  float **more[] = {&m->p, &m->q, &m->x, &m->row, &m->plain, &m->edge_out, &m->edge_in, &m->dz, &m->per_dz};
  for (size_t a = 0; a < sizeof more / sizeof *more; a++) WB_FREE(more[a]);
  WB_FREE(multigrid);
}

double wb_multigrid_bytes(int nz, int nyl, int nxl) {
  WbMgLevel l = {0};
  shape(&l, nz, nyl, nxl);
  const double level = 3 * sizeof(uint16_t) + 3 * sizeof(float), levels = 4.0 / 3.0, vectors = 3 * sizeof(float);
  return (level * levels + vectors) * (double)wb_mg_array(&l);
}
