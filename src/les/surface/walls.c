/* Building mask with ghosts, flags of open faces, and the sparse lists of faces and cells next to walls, with
 * coefficients worked out once so that the inner loops know nothing of walls.
 *
 * A staggered cell is half over each of its two neighbours: each half that borders a solid cell in a tangential
 * direction contributes c = Cd * (wall area / cell volume), Cd = [kappa / ln(d / z0)]^2, d = half the cell thickness
 * normal to the wall; for no-slip walls nu / d instead of Cd |U|. */
#include "porous.h"

/* solid with ghosts: neighbours by halo, closed or copied edges outside. */
static PetscErrorCode fill_solid(WbLes les, const uint8_t *solid) {
  const WbLesLayout *l = &les->lay;
  const WbGrid *grid = les->grid;
  const int g = l->g;
  const size_t rows = (size_t)l->nz * l->sz;
  float *tmp = NULL;
  WbHalo halo = NULL;

  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(rows, &tmp));
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++)
        tmp[wb_les_at(l, k - 1, j, i)] =
            solid && solid[((size_t)k * (size_t)l->nyl + (size_t)j) * (size_t)l->nxl + (size_t)i] ? 1.0F : 0.0F;
  PetscCall(wb_halo_create(grid, l->nz, g, 1, WB_FP32, &halo));
  PetscCall(wb_halo_exchange(halo, tmp));
  wb_halo_destroy(&halo);
  const bool closed = !les->inflow;
  const bool west = !grid->periodic_x && grid->ix == 0, east = !grid->periodic_x && grid->ix == grid->px - 1;
  const bool south = !grid->periodic_y && grid->iy == 0, north = !grid->periodic_y && grid->iy == grid->py - 1;
  for (int k = -1; k <= l->nz; k++)
    for (int j = -g; j < l->nyl + g; j++)
      for (int i = -g; i < l->nxl + g; i++) {
        uint8_t *s = &les->solid[wb_les_at(l, k, j, i)];
        const bool out_x = (west && i < 0) || (east && i >= l->nxl), out_y = (south && j < 0) || (north && j >= l->nyl);
        if (k < 0 || k == l->nz) {
          *s = k < 0;
        } else if (closed && (out_x || out_y)) {
          *s = 1;
        } else {
          const int ii = out_x ? (i < 0 ? 0 : l->nxl - 1) : i, jj = out_y ? (j < 0 ? 0 : l->nyl - 1) : j;
          *s = tmp[wb_les_at(l, k - 1, jj, ii)] > 0.5F;
        }
      }
  WB_FREE(&tmp);
  PetscFunctionReturn(0);
}

/* Closed by geometry below the cells. */
static bool shut(const WbLes les, int f, size_t at) {
  return les->porous && !(les->porous->aperture[f][at] > 0.0F);
}

static void fill_flags(WbLes les) {
  const WbLesLayout *l = &les->lay;
  const WbGrid *grid = les->grid;
  const int g = l->g;
  const uint8_t *s = les->solid;
  for (int k = -1; k <= l->nz; k++)
    for (int j = -g; j < l->nyl + g; j++)
      for (int i = -g; i < l->nxl + g; i++) {
        const size_t at = wb_les_at(l, k, j, i);
        const bool west = i > -g && s[at - 1], south = j > -g && s[at - (size_t)l->sy];
        uint8_t f = (uint8_t)((west ? WB_SOLID_WEST : 0) | (south ? WB_SOLID_SOUTH : 0));
        if (k >= 0 && k < l->nz && !s[at]) {
          /* an open lateral edge's own face is prescribed, not updated */
          const bool edge_x =
              !grid->periodic_x && ((grid->ix == 0 && i <= 0) || (grid->ix == grid->px - 1 && i >= l->nxl));
          const bool edge_y =
              !grid->periodic_y && ((grid->iy == 0 && j <= 0) || (grid->iy == grid->py - 1 && j >= l->nyl));
          f |= WB_FLUID_CELL;
          if (i > -g && !west && !edge_x && !shut(les, WB_U, at)) f |= WB_OPEN_U;
          if (j > -g && !south && !edge_y && !shut(les, WB_V, at)) f |= WB_OPEN_V;
          if (k > 0 && !s[at - l->sz] && !shut(les, WB_W, at)) f |= WB_OPEN_W;
        }
        les->flags[at] = f;
      }
}

/* What lies west and south of the outermost ghosts, which this rank's mask does not reach: their owners know. */
static PetscErrorCode rim_flags(WbLes les) {
  const WbLesLayout *l = &les->lay;
  const int g = l->g;
  float *beside = NULL;
  WbHalo halo = NULL;
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC((size_t)l->nz * l->sz, &beside));
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++)
        beside[wb_les_at(l, k - 1, j, i)] =
            (float)(les->flags[wb_les_at(l, k, j, i)] & (WB_SOLID_WEST | WB_SOLID_SOUTH));
  PetscCall(wb_halo_create(les->grid, l->nz, g, 1, WB_FP32, &halo));
  PetscCall(wb_halo_exchange(halo, beside));
  wb_halo_destroy(&halo);
  for (int k = 0; k < l->nz; k++)
    for (int j = -g; j < l->nyl + g; j++)
      for (int i = -g; i < l->nxl + g; i++)
        if (j == -g || i == -g) les->flags[wb_les_at(l, k, j, i)] |= (uint8_t)beside[wb_les_at(l, k - 1, j, i)];
  WB_FREE(&beside);
  PetscFunctionReturn(0);
}

/* Drag coefficient times 1/h (wall area over cell volume) of a wall at normal cell thickness h. */
static double coefficient(const WbLes les, double h, double z0) {
  const double d = 0.5 * h;
  if (les->opt.wall == WB_WALL_NO_SLIP) return les->opt.viscosity_m2_per_s / (d * h);
  if (les->opt.wall == WB_WALL_FREE_SLIP) return 0.0;
  const double cd = WB_KARMAN / log(d / z0);
  return cd * cd / h;
}

/* Sum of coefficients of the walls that the half-cell at `cell` sees at -step and +step. */
static double sides(const WbLes les, size_t cell, size_t step, double h) {
  const double c = coefficient(les, h, les->opt.z0_wall_m);
  return c * ((les->solid[cell - step] ? 1.0 : 0.0) + (les->solid[cell + step] ? 1.0 : 0.0));
}

/* Same for walls facing z; the ground has its own roughness, or (by similarity) its own kernel. */
static double floors(const WbLes les, size_t cell, int k) {
  const WbLesLayout *l = &les->lay;
  const double dz = les->met.dz[k + 1];
  double c = les->solid[cell + l->sz] ? coefficient(les, dz, les->opt.z0_wall_m) : 0.0;
  if (les->solid[cell - l->sz] && !(k == 0 && les->opt.surface.most))
    c += coefficient(les, dz, k == 0 ? les->opt.z0_ground_m : les->opt.z0_wall_m);
  return c;
}

/* Coefficients of the face of component f at owned (k, j, i); both 0 where no wall is near. */
static void face_coefficients(const WbLes les, int f, int k, int j, int i, double *c1, double *c2) {
  const WbLesLayout *l = &les->lay;
  const size_t at = wb_les_at(l, k, j, i), sy = (size_t)l->sy;
  const double dx = les->grid->dx_m;
  if (f == WB_U) { /* halves over cells i - 1 and i */
    *c1 = 0.5 * (sides(les, at - 1, sy, dx) + sides(les, at, sy, dx));
    *c2 = 0.5 * (floors(les, at - 1, k) + floors(les, at, k));
  } else if (f == WB_V) {
    *c1 = 0.5 * (sides(les, at - sy, 1, dx) + sides(les, at, 1, dx));
    *c2 = 0.5 * (floors(les, at - sy, k) + floors(les, at, k));
  } else { /* halves of height dz[k - 1] / 2 and dz[k] / 2 in a cell of height dzf */
    const double lo = 0.5 * les->met.dz[k] / les->met.dzf[k + 1], hi = 0.5 * les->met.dz[k + 1] / les->met.dzf[k + 1];
    *c1 = lo * sides(les, at - l->sz, 1, dx) + hi * sides(les, at, 1, dx);
    *c2 = lo * sides(les, at - l->sz, sy, dx) + hi * sides(les, at, sy, dx);
  }
}

static void put_real(const WbLes les, void *array, int n, double value) {
  if (les->opt.precision == WB_FP32)
    ((float *)array)[n] = (float)value;
  else
    ((double *)array)[n] = value;
}

static PetscErrorCode build_list(WbLes les, int f) {
  const WbLesLayout *l = &les->lay;
  const uint8_t bit = (uint8_t)(1U << f);
  WbLesWallList *list = &les->walls[f];
  double c1, c2;
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(l->nz + 1, &list->level_start));
  for (int pass = 0; pass < 2; pass++) {
    int n = 0;
    for (int k = 0; k < l->nz; k++) {
      list->level_start[k] = n;
      for (int j = 0; j < l->nyl; j++)
        for (int i = 0; i < l->nxl; i++) {
          const size_t at = wb_les_at(l, k, j, i);
          if (!(les->flags[at] & bit) || wb_les_porous_wall(les, f, at)) continue;
          face_coefficients(les, f, k, j, i, &c1, &c2);
          if (c1 == 0.0 && c2 == 0.0) continue;
          if (pass) {
            list->at[n] = (int32_t)at;
            put_real(les, list->c1, n, c1);
            put_real(les, list->c2, n, c2);
          }
          n++;
        }
    }
    list->n = list->level_start[l->nz] = n;
    if (!pass) {
      PetscCall(WB_ALLOC(n + 1, &list->at));
      PetscCall(wb_calloc_bytes((size_t)(n + 1) * les->ops->real_bytes, "walls", &list->c1));
      PetscCall(wb_calloc_bytes((size_t)(n + 1) * les->ops->real_bytes, "walls", &list->c2));
    }
  }
  PetscFunctionReturn(0);
}

/* Closed faces of the updated range, as runs along x. */
static PetscErrorCode build_runs(WbLes les, int f) {
  const WbLesLayout *l = &les->lay;
  const uint8_t bit = (uint8_t)(1U << f); /* WB_OPEN_U, _V, _W, WB_FLUID_CELL */
  WbLesRuns *runs = &les->closed[f];
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(l->nz + 1, &runs->level_start));
  for (int pass = 0; pass < 2; pass++) {
    int n = 0;
    for (int k = 0; k < l->nz; k++) {
      runs->level_start[k] = n;
      for (int j = 0; j < l->nyl; j++) {
        const size_t row = wb_les_at(l, k, j, 0);
        for (int i = 0, start = -1; i <= l->nxl; i++) {
          const bool closed = i < l->nxl && !(les->flags[row + (size_t)i] & bit);
          if (closed && start < 0) start = i;
          if (closed || start < 0) continue;
          if (pass) {
            runs->at[n] = (int32_t)(row + (size_t)start);
            runs->len[n] = i - start;
          }
          n++;
          start = -1;
        }
      }
    }
    runs->level_start[l->nz] = n;
    if (!pass) {
      PetscCall(WB_ALLOC(n + 1, &runs->at));
      PetscCall(WB_ALLOC(n + 1, &runs->len));
    }
  }
  PetscFunctionReturn(0);
}

/* Fluid mask in the solver's precision. */
static void build_fluid(WbLes les) {
  const WbLesLayout *l = &les->lay;
  for (size_t at = 0; at < l->field; at++) {
    const bool fluid = les->flags[at] & WB_FLUID_CELL;
    if (les->opt.precision == WB_FP32)
      ((float *)les->fluid)[at] = fluid ? 1.0F : 0.0F;
    else
      ((double *)les->fluid)[at] = fluid ? 1.0 : 0.0;
  }
}

/* Is a cell within two of owned (k, j, i) along an axis not fluid? Fluxes reach no further. */
static bool wall_near(const WbLes les, int k, int j, int i) {
  const WbLesLayout *l = &les->lay;
  const size_t at = wb_les_at(l, k, j, i);
  const int down = k > 0 ? 2 : 1, up = PetscMin(2, l->nz - 1 - k); /* the ground is one level, the top is open */
  unsigned all = WB_FLUID_CELL;
  for (ptrdiff_t d = -2; d <= 2; d++) {
    const ptrdiff_t a = (ptrdiff_t)at;
    all &= les->flags[a + d] & les->flags[a + d * l->sy];
    if (d >= -down && d <= up) all &= les->flags[a + d * (ptrdiff_t)l->sz];
  }
  return !all;
}

static void build_blocks(WbLes les) {
  const WbLesLayout *l = &les->lay;
  const int blocks = wb_les_blocks(l->nxl);
  uint8_t *near = les->near_wall;
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++, near += blocks)
      for (int i = 0; i < l->nxl; i++) near[i / WB_LES_BLOCK] |= wall_near(les, k, j, i);
}

PetscErrorCode wb_les_walls_allocate(WbLes les) {
  const WbLesLayout *l = &les->lay;
  WbTally *t = &les->tally;
  PetscFunctionBeginUser;
  PetscCall(WB_TALLY_CALLOC(t, l->field, &les->solid));
  PetscCall(WB_TALLY_CALLOC(t, l->field, &les->flags));
  PetscCall(WB_TALLY_CALLOC(t, l->nyl * l->nxl, &les->heat_flux));
  PetscCall(wb_tally_calloc(t, l->field * les->ops->real_bytes, "LES fluid mask", &les->fluid));
  PetscCall(WB_TALLY_CALLOC(t, (size_t)l->nz * (size_t)l->nyl * (size_t)wb_les_blocks(l->nxl), &les->near_wall));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_walls_create(WbLes les, const uint8_t *solid, const float *heat_flux) {
  const WbLesLayout *l = &les->lay;
  const size_t columns = (size_t)l->nyl * (size_t)l->nxl;
  double local[2] = {0.0, 0.0}, global[2];
  PetscFunctionBeginUser;
  if (l->field > (size_t)INT32_MAX)
    WB_RAISE(WB_ERR_CONFIG, "LES: %zu cells on one rank are too many; use more ranks", l->field);
  PetscCall(wb_les_walls_allocate(les));
  for (size_t c = 0; c < columns; c++)
    les->heat_flux[c] = heat_flux ? heat_flux[c] : (float)les->opt.heat_flux_K_m_per_s;
  PetscCall(fill_solid(les, solid));
  if (les->porous) PetscCall(wb_les_porous_fields(les));
  fill_flags(les);
  PetscCall(rim_flags(les));
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++) local[les->solid[wb_les_at(l, k, j, i)] ? 1 : 0] += 1.0;
  PetscCallMPI(MPI_Allreduce(local, global, 2, MPI_DOUBLE, MPI_SUM, les->grid->comm));
  les->fluid_cells = global[0];
  les->has_solid = global[1] > 0.0;
  if (global[0] == 0.0) WB_RAISE_ALL(WB_ERR_INPUT, "LES: every cell of the domain is inside a building");
  for (int f = 0; f < 3; f++) PetscCall(build_list(les, f));
  for (int f = 0; f < WB_NFIELDS; f++) PetscCall(build_runs(les, f));
  if (les->porous) PetscCall(wb_les_porous_lists(les));
  build_fluid(les);
  build_blocks(les);
  if (!les->opt.momentum_only) PetscCall(wb_les_facets_create(les));
  PetscFunctionReturn(0);
}

void wb_les_walls_destroy(WbLes les) {
  for (int f = 0; f < 3; f++) {
    WB_FREE(&les->walls[f].level_start);
    WB_FREE(&les->walls[f].at);
    wb_free_bytes(&les->walls[f].c1);
    wb_free_bytes(&les->walls[f].c2);
  }
  for (int f = 0; f < WB_NFIELDS; f++) {
    WB_FREE(&les->closed[f].level_start);
    WB_FREE(&les->closed[f].at);
    WB_FREE(&les->closed[f].len);
  }
  wb_free_bytes(&les->fluid);
  wb_les_porous_destroy(les);
  wb_les_facets_destroy(les);
  WB_FREE(&les->solid);
  WB_FREE(&les->flags);
  WB_FREE(&les->near_wall);
  WB_FREE(&les->heat_flux);
}
