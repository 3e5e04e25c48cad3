/* Exact projection onto discretely solenoidal fields around buildings: creation and dispatch. See projection_internal.h
 * for the method (a capacitance-like restriction of CG to the cells beside walls; Buzbee, Dorr, George, Golub 1971,
 * SIAM J. Numer. Anal. 8, 722 give the idea for direct solvers). */
#include "projection_internal.h"

static PetscErrorCode project_geometry(WbProject pr, const WbGrid *grid, int ghost, const double *zf) {
  PetscFunctionBeginUser;
  pr->comm = grid->comm;
  pr->row_comm = grid->row_comm;
  pr->col_comm = grid->col_comm;
  pr->nz = grid->nz;
  pr->nyl = grid->nyl;
  pr->nxl = grid->nxl;
  pr->n = wb_grid_owned(grid);
  pr->lay = wb_layout(grid, ghost);
  PetscCall(WB_ALLOC(pr->nz, &pr->dz));
  PetscCall(WB_ALLOC(pr->nz + 1, &pr->rh));
  for (int k = 0; k < pr->nz; k++) pr->dz[k] = zf[k + 1] - zf[k];
  pr->rh[0] = pr->rh[pr->nz] = 0;
  for (int k = 1; k < pr->nz; k++) pr->rh[k] = 2 / (zf[k + 1] - zf[k - 1]);
  PetscFunctionReturn(0);
}

static void project_neighbours(WbProject pr, const WbGrid *grid) {
  const size_t side_x = (size_t)pr->nz * (size_t)pr->nyl, side_y = (size_t)pr->nz * (size_t)pr->nxl;
  pr->ghost[0] = pr->n;
  pr->ghost[1] = pr->ghost[0] + side_x;
  pr->ghost[2] = pr->ghost[1] + side_x;
  pr->ghost[3] = pr->ghost[2] + side_y;
  pr->n_ghosted = pr->ghost[3] + side_y;
  const int px = grid->px, py = grid->py, ix = grid->ix, iy = grid->iy;
  pr->neighbour[0] = ix > 0 || grid->periodic_x ? (ix + px - 1) % px : MPI_PROC_NULL;
  pr->neighbour[1] = ix < px - 1 || grid->periodic_x ? (ix + 1) % px : MPI_PROC_NULL;
  pr->neighbour[2] = iy > 0 || grid->periodic_y ? (iy + py - 1) % py : MPI_PROC_NULL;
  pr->neighbour[3] = iy < py - 1 || grid->periodic_y ? (iy + 1) % py : MPI_PROC_NULL;
  pr->alone_x = px == 1;
  pr->alone_y = py == 1;
}

ptrdiff_t wb_project_neighbour(WbProject pr, int k, int j, int i, int di, int dj) {
  const int ii = i + di, jj = j + dj;
  const size_t rows = (size_t)pr->nyl, row = (size_t)k * rows + (size_t)j;
  if (ii >= 0 && ii < pr->nxl && jj >= 0 && jj < pr->nyl)
    return (ptrdiff_t)(((size_t)k * rows + (size_t)jj) * (size_t)pr->nxl + (size_t)ii);
  const int side = di ? (di < 0 ? 0 : 1) : (dj < 0 ? 2 : 3);
  if (pr->neighbour[side] == MPI_PROC_NULL) return -1;
  if (di) {
    if (pr->alone_x) return (ptrdiff_t)(row * (size_t)pr->nxl + (size_t)(di < 0 ? pr->nxl - 1 : 0));
    return (ptrdiff_t)(pr->ghost[side] + row);
  }
  if (pr->alone_y)
    return (ptrdiff_t)(((size_t)k * rows + (size_t)(dj < 0 ? pr->nyl - 1 : 0)) * (size_t)pr->nxl + (size_t)i);
  return (ptrdiff_t)(pr->ghost[side] + (size_t)k * (size_t)pr->nxl + (size_t)i);
}

static PetscErrorCode project_solid(WbProject pr, const WbGrid *grid, const uint8_t *solid, float *const aperture[3]) {
  double *s = NULL;
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(pr->n_ghosted, &s));
  for (size_t c = 0; solid && c < pr->n; c++) s[c] = solid[c] ? 1 : 0;
  PetscCall(wb_project_exchange_f64(pr, pr->nz, s));
  PetscCall(wb_project_faces(pr, grid, s, aperture));
  WB_FREE(&s);
  PetscFunctionReturn(0);
}

static PetscErrorCode create_regions(const WbGrid *grid, int ghost, double dx_m, const double *zf, const uint8_t *solid,
                                     float *const aperture[3], WbPrecision precision, WbProject *project) {
  WbProject pr;
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(1, &pr));
  *project = pr;
  pr->precision = precision;
  pr->dx = dx_m;
  pr->dense_slot = -1;
  PetscCall(project_geometry(pr, grid, ghost, zf));
  project_neighbours(pr, grid);
  const size_t edge = (size_t)pr->nz * (size_t)(pr->nyl > pr->nxl ? pr->nyl : pr->nxl);
  PetscCall(wb_calloc_bytes((edge + 1) * sizeof(double), "edge_send", &pr->edge_send));
  PetscCall(wb_calloc_bytes((edge + 1) * sizeof(double), "edge_recv", &pr->edge_recv));
  PetscCall(project_solid(pr, grid, solid, aperture));
  PetscCall(wb_project_regions(pr, grid));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_project_create_regions(const WbGrid *grid, int ghost, double dx_m, const double *zf,
                                         const uint8_t *solid, WbPrecision precision, WbProject *project) {
  PetscFunctionBeginUser;
  PetscCall(create_regions(grid, ghost, dx_m, zf, solid, NULL, precision, project));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_project_create(const WbGrid *grid, int ghost, double dx_m, const double *zf, const uint8_t *solid,
                                 float *const aperture[3], WbPrecision precision, WbProject *project) {
  PetscFunctionBeginUser;
  PetscCall(create_regions(grid, ghost, dx_m, zf, solid, aperture, precision, project));
  WbProject pr = *project;
  PetscCall(wb_poisson_create(grid, dx_m, zf, precision, &pr->poisson));
  if (precision == WB_FP32) {
    PetscCall(wb_project_setup_f32(pr));
  } else {
    PetscCall(wb_project_setup_f64(pr));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_project_create_multigrid(const WbGrid *grid, int ghost, double dx_m, const double *zf,
                                           const uint8_t *solid, float *const aperture[3], WbProject *project) {
  PetscFunctionBeginUser;
  PetscCall(create_regions(grid, ghost, dx_m, zf, solid, aperture, WB_FP32, project));
  WbProject pr = *project;
  pr->nrim = 0;
  const WbMultigridFaces faces = {pr->mask, pr->open_east, pr->open_north, pr->dz, pr->rh, dx_m, aperture, &pr->lay};
  PetscCall(wb_multigrid_create(grid, &faces, &pr->multigrid));
  PetscCall(wb_project_setup_f32(pr));
  PetscFunctionReturn(0);
}

void wb_project_destroy(WbProject *project) {
  if (!project || !*project) return;
  WbProject pr = *project;
  wb_poisson_destroy(&pr->poisson);
  wb_multigrid_destroy(&pr->multigrid);
  void **owned[] = {(void **)&pr->dz,
                    (void **)&pr->rh,
                    (void **)&pr->mask,
                    (void **)&pr->row_plain,
                    (void **)&pr->open_east,
                    (void **)&pr->open_north,
                    (void **)&pr->row_used,
                    (void **)&pr->rim_cell,
                    (void **)&pr->rim_start,
                    (void **)&pr->rim_nb,
                    (void **)&pr->rim_dz,
                    (void **)&pr->rim_region,
                    (void **)&pr->small_cell,
                    (void **)&pr->small_region,
                    (void **)&pr->region_volume,
                    (void **)&pr->region_rim,
                    (void **)&pr->region_sum,
                    &pr->edge_send,
                    &pr->edge_recv,
                    &pr->rim_coef,
                    &pr->rhs,
                    &pr->x_alloc,
                    &pr->low,
                    &pr->z,
                    &pr->r,
                    &pr->w,
                    &pr->p,
                    &pr->s,
                    &pr->q,
                    &pr->q_start,
                    &pr->slot[0],
                    &pr->slot[1],
                    &pr->slot[2],
                    &pr->slot[3],
                    &pr->dense};
  for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) wb_free_bytes(owned[i]);
  for (int d = 0; d < 3; d++) {
    WB_FREE(&pr->partial[d].level_start);
    WB_FREE(&pr->partial[d].at);
    WB_FREE(&pr->partial[d].hi);
    WB_FREE(&pr->partial[d].lo);
    WB_FREE(&pr->partial[d].closed);
  }
  WB_FREE(project);
}

PetscErrorCode wb_project_pockets(WbProject pr, const WbGrid *grid, long *cells, int first[3]) {
  const size_t plane = (size_t)pr->nyl * (size_t)pr->nxl;
  long most = -1; /* the largest voxel number serves as the example */
  PetscFunctionBeginUser;
  *cells = 0;
  for (int c = 0; c < pr->nsmall; c++) {
    const size_t at = (size_t)pr->small_cell[c];
    const int k = (int)(at / plane), j = (int)(at % plane) / pr->nxl, i = (int)(at % plane) % pr->nxl;
    const bool edge =
        (i == 0 && pr->neighbour[0] == MPI_PROC_NULL) || (i == pr->nxl - 1 && pr->neighbour[1] == MPI_PROC_NULL) ||
        (j == 0 && pr->neighbour[2] == MPI_PROC_NULL) || (j == pr->nyl - 1 && pr->neighbour[3] == MPI_PROC_NULL);
    if (!edge) continue;
    ++*cells;
    most = PetscMax(most, (long)wb_grid_voxel(grid, k, j, i));
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, cells, 1, MPI_LONG, MPI_SUM, pr->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &most, 1, MPI_LONG, MPI_MAX, pr->comm));
  first[0] = (int)(most % grid->nx), first[1] = (int)(most / grid->nx % grid->ny);
  first[2] = (int)(most / grid->nx / grid->ny);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_project_apply(WbProject pr, void *u, void *v, void *w, double dt_s, double tol_per_s,
                                int max_iterations, int slot, int *iterations, double *max_div_per_s) {
  void *velocity[3] = {u, v, w};
  PetscFunctionBeginUser;
  if (pr->precision == WB_FP32) {
    PetscCall(wb_project_run_f32(pr, velocity, dt_s, tol_per_s, max_iterations, slot, iterations, max_div_per_s));
  } else {
    PetscCall(wb_project_run_f64(pr, velocity, dt_s, tol_per_s, max_iterations, slot, iterations, max_div_per_s));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_project_far_faces(WbProject pr, void *u, void *v) {
  PetscFunctionBeginUser;
  if (pr->precision == WB_FP32) {
    PetscCall(wb_project_far_faces_f32(pr, u, v));
  } else {
    PetscCall(wb_project_far_faces_f64(pr, u, v));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_project_flat_solve(WbProject pr) {
  PetscFunctionBeginUser;
  PetscCall(wb_poisson_solve(pr->poisson, pr->rhs, pr->x));
  PetscFunctionReturn(0);
}

void wb_project_sweep(WbProject pr, void *u, void *v, void *w) {
  if (pr->precision == WB_FP32) {
    wb_project_divergence_f32(pr, u, v, w);
    wb_project_correct_f32(pr, u, v, w);
  } else {
    wb_project_divergence_f64(pr, u, v, w);
    wb_project_correct_f64(pr, u, v, w);
  }
}

void *wb_project_potential(WbProject pr, int slot) {
  if (pr->precision == WB_FP32) {
    wb_project_gather_f32(pr);
    wb_project_spread_f32(pr, slot);
  } else {
    wb_project_gather_f64(pr);
    wb_project_spread_f64(pr, slot);
  }
  return pr->dense;
}
