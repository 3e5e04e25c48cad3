/* Start of a fine run from the state of a coarser run of the same domain: the coarse fields are gathered whole (they
 * are small), interpolated fluid-aware to the fine faces and centres, and projected. */
#include <string.h>

#include "les_data.h"

static size_t whole_size(const WbLesWhole *a) {
  return (size_t)(a->nz + 1) * (size_t)(a->ny + 1) * (size_t)(a->nx + 1);
}
static size_t whole_at(const WbLesWhole *a, int k, int j, int i) {
  return ((size_t)k * (size_t)(a->ny + 1) + (size_t)j) * (size_t)(a->nx + 1) + (size_t)i;
}

static void whole_free(WbLesWhole *a) {
  for (int f = 0; f < WB_LES_FIELDS_MAX; f++) {
    WB_FREE(&a->value[f]);
    WB_FREE(&a->level[f]);
    if (f < WB_NFIELDS) WB_FREE(&a->open[f]);
  }
}

static bool fluid_cell(const WbLesWhole *a, int k, int j, int i) {
  return k >= 0 && k < a->nz && j >= 0 && j < a->ny && i >= 0 && i < a->nx && a->open[WB_THETA][whole_at(a, k, j, i)];
}

/* Faces: open when both cells are fluid; at a lateral edge of the domain the one cell decides. */
static void mark_open_faces(WbLesWhole *a) {
  for (int k = 0; k <= a->nz; k++)
    for (int j = 0; j <= a->ny; j++)
      for (int i = 0; i <= a->nx; i++) {
        const size_t p = whole_at(a, k, j, i);
        const bool c = fluid_cell(a, k, j, i), west = fluid_cell(a, k, j, i - 1), south = fluid_cell(a, k, j - 1, i);
        a->open[WB_U][p] = (c || i == a->nx) && (west || i == 0) && (c || west);
        a->open[WB_V][p] = (c || j == a->ny) && (south || j == 0) && (c || south);
        a->open[WB_W][p] = c && fluid_cell(a, k - 1, j, i);
        /* ground and lid: w = 0 is a true value there, as long as the air beside it is */
        if (k == 0) a->open[WB_W][p] = c;
        if (k == a->nz) a->open[WB_W][p] = fluid_cell(a, k - 1, j, i);
      }
}

/* Mean of a scalar over the air of each level. */
static void level_means(WbLesWhole *a, int f) {
  for (int k = 0; k < a->nz; k++) {
    double sum = 0, count = 0;
    for (int j = 0; j < a->ny; j++)
      for (int i = 0; i < a->nx; i++)
        if (fluid_cell(a, k, j, i)) sum += a->value[f][whole_at(a, k, j, i)], count += 1;
    a->level[f][k] = count > 0 ? sum / count : k > 0 ? a->level[f][k - 1] : 0;
  }
}

static PetscErrorCode gather(WbLes coarse, WbLesWhole *a) {
  PetscFunctionBeginUser;
  const WbGrid *g = coarse->grid;
  const WbLesLayout *l = &coarse->lay;
  a->nz = g->nz, a->ny = g->ny, a->nx = g->nx;
  const size_t n = whole_size(a);
  for (int f = 0; f < a->nf; f++) {
    PetscCall(WB_CALLOC(n, &a->value[f]));
    if (f >= WB_THETA) PetscCall(WB_CALLOC(a->nz, &a->level[f]));
    if (f < WB_NFIELDS) PetscCall(wb_calloc_bytes(n, "open faces", (void **)&a->open[f]));
  }
  WB_LES_CALL(coarse, wb_les_add_to_whole, a->value, a->nf);
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++)
        a->open[WB_THETA][whole_at(a, k, g->y0 + j, g->x0 + i)] = !coarse->solid[wb_les_at(l, k, j, i)];
  for (int f = 0; f < a->nf; f++)
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, a->value[f], (int)n, MPI_DOUBLE, MPI_SUM, g->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, a->open[WB_THETA], (int)n, MPI_UINT8_T, MPI_MAX, g->comm));
  mark_open_faces(a);
  for (int f = WB_THETA; f < a->nf; f++) level_means(a, f);
  PetscFunctionReturn(0);
}

/* Neighbours of n fine points x (increasing or not) among m coarse points c; constant beyond the ends. */
static PetscErrorCode axis_create(int n, const double *x, int m, const double *c, WbLesAxis *a) {
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(n, &a->at));
  PetscCall(WB_ALLOC(n, &a->up));
  for (int i = 0; i < n; i++) {
    int q = 0;
    while (q < m - 2 && x[i] >= c[q + 1]) q++;
    double up = m > 1 ? (x[i] - c[q]) / (c[q + 1] - c[q]) : 0;
    up = up < 1e-9 ? 0 : up > 1.0 - 1e-9 ? 1.0 : up;
    a->at[i] = q;
    a->up[i] = up;
  }
  PetscFunctionReturn(0);
}

/* Axes 0, 1: x at faces, at centres; 2, 3: y; 4, 5: z. x and y include the ghosts (-g ... nl + g - 1), z the top face.
 */
static PetscErrorCode axes_create(WbLes fine, WbLes coarse, WbLesAxis axis[6]) {
  PetscFunctionBeginUser;
  const int g = fine->lay.g, most = PetscMax(PetscMax(fine->grid->nxl, fine->grid->nyl) + 2 * g, fine->grid->nz + 1);
  const int coarse_most = PetscMax(PetscMax(coarse->grid->nx, coarse->grid->ny), coarse->grid->nz) + 1;
  double *x = NULL, *c = NULL;
  PetscCall(WB_ALLOC(most, &x));
  PetscCall(WB_ALLOC(coarse_most, &c));
  for (int d = 0; d < 2; d++) {
    const int n = (d == 0 ? fine->grid->nxl : fine->grid->nyl) + 2 * g,
              m = d == 0 ? coarse->grid->nx : coarse->grid->ny;
    const int start = d == 0 ? fine->grid->x0 : fine->grid->y0;
    for (int centre = 0; centre < 2; centre++) {
      for (int i = 0; i < n; i++) x[i] = (start + i - g + 0.5 * centre) * fine->grid->dx_m;
      for (int i = 0; i <= m; i++) c[i] = (i + 0.5 * centre) * coarse->grid->dx_m;
      PetscCall(axis_create(n, x, m + 1 - centre, c, &axis[2 * d + centre]));
    }
  }
  PetscCall(axis_create(fine->grid->nz + 1, fine->met.zf, coarse->grid->nz + 1, coarse->met.zf, &axis[4]));
  PetscCall(axis_create(fine->grid->nz, fine->met.zc + 1, coarse->grid->nz, coarse->met.zc + 1, &axis[5]));
  WB_FREE(&x);
  WB_FREE(&c);
  PetscFunctionReturn(0);
}

static PetscErrorCode check_same_domain(WbLes fine, WbLes coarse) {
  PetscFunctionBeginUser;
  const WbGrid *f = fine->grid, *c = coarse->grid;
  const double eps = 1e-6 * c->dx_m;
  if (fabs(f->nx * f->dx_m - c->nx * c->dx_m) > eps || fabs(f->ny * f->dx_m - c->ny * c->dx_m) > eps ||
      fabs(fine->met.zf[f->nz] - coarse->met.zf[c->nz]) > eps || fabs(f->x_min_m - c->x_min_m) > eps ||
      fabs(f->y_min_m - c->y_min_m) > eps)
    WB_RAISE_ALL(WB_ERR_CONFIG,
                 "a run of %g m x %g m x %g m at (%g, %g) cannot start from one of %g m x %g m x %g m at (%g, %g)",
                 f->nx * f->dx_m, f->ny * f->dx_m, fine->met.zf[f->nz], f->x_min_m, f->y_min_m, c->nx * c->dx_m,
                 c->ny * c->dx_m, coarse->met.zf[c->nz], c->x_min_m, c->y_min_m);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_init_from(WbLes les, WbLes coarse) {
  PetscFunctionBeginUser;
  PetscCall(check_same_domain(les, coarse));
  WbLesWhole whole = {.nf = les->nf};
  if (les->nf != coarse->nf || les->tke_field != coarse->tke_field)
    WB_RAISE_ALL(WB_ERR_CONFIG, "a run with %d scalars cannot start from one with %d, or of another closure", les->nf,
                 coarse->nf);
  WbLesAxis axis[6] = {{0}};
  PetscCall(gather(coarse, &whole));
  PetscCall(axes_create(les, coarse, axis));
  const double shift = coarse->opt.theta_surface_K - les->opt.theta_surface_K;
  for (size_t q = 0; q < whole_size(&whole); q++) whole.value[WB_THETA][q] += shift;
  for (int k = 0; k < whole.nz; k++) whole.level[WB_THETA][k] += shift;
  WB_LES_CALL(les, wb_les_fill_from_whole, &whole, axis);
  whole_free(&whole);
  for (int d = 0; d < 6; d++) {
    WB_FREE(&axis[d].at);
    WB_FREE(&axis[d].up);
  }
  les->time_s = coarse->time_s;
  /* A step of no length: outflow faces keep the coarse run's values (read from state0) instead of the planes'. */
  memcpy(les->state0, les->state, (size_t)les->nf * les->lay.field * les->ops->real_bytes);
  PetscCall(les->ops->boundary(les, les->time_s, 1e-9));
  PetscCall(les->ops->project(les, 1.0, true));
  PetscCall(les->ops->cfl(les, &les->last_cfl, &les->last_speed, &les->last_visc));
  PetscCall(wb_les_mean_reset(les));
  PetscFunctionReturn(0);
}
