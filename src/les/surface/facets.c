/* Facets: the faces between air and buildings or ground, by class; the lists of heat flux and heat exchange made of
 * them; surfaces of a step. */
#include <limits.h>

#include "most.h"

static const int8_t normals[6][3] = {{1, 0, 0}, {-1, 0, 0}, {0, 1, 0}, {0, -1, 0}, {0, 0, 1}, {0, 0, -1}}; /* k, j, i */

static bool inside_domain(const WbLes les, int j, int i) {
  const WbGrid *g = les->grid;
  const int y = g->y0 + j, x = g->x0 + i;
  return (g->periodic_x || (x >= 0 && x < g->nx)) && (g->periodic_y || (y >= 0 && y < g->ny));
}

/* Facing of the facet that lies against the solid neighbour at (dk, dj, di). */
static int facing_away(int side) {
  static const uint8_t facing[6] = {WB_FACING_DOWN,  WB_FACING_UP,   WB_FACING_SOUTH,
                                    WB_FACING_NORTH, WB_FACING_WEST, WB_FACING_EAST};
  return facing[side];
}

/* One facet of fluid cell (k, j, i) against `side`; only counted unless `fill`. */
static void put_facet(WbLes les, int k, int j, int i, int side, bool ground, double cover, bool fill, int *n) {
  WbLesFacets *f = &les->facets;
  if (fill) {
    f->at[*n] = (int32_t)wb_les_at(&les->lay, k, j, i);
    f->cover[*n] = cover;
    f->facing[*n] = (uint8_t)facing_away(side);
    f->kind[*n] = f->facing[*n] != WB_FACING_UP ? WB_FACET_WALL : ground ? WB_FACET_GROUND : WB_FACET_ROOF;
  }
  ++*n;
}

/* Facets that cover parts of a cell's faces or lie within it; those facing up may be ground and roof. */
static void porous_facets(WbLes les, int k, int j, int i, bool fill, int *n) {
  for (int side = 0; side < 6; side++)
    for (int ground = 0; ground < 2; ground++) {
      const int facing = facing_away(side);
      if (ground && facing != WB_FACING_UP) continue;
      const double cover = wb_les_porous_facet(les, k, j, i, facing, ground);
      if (cover > 0.0) put_facet(les, k, j, i, side, ground, cover, fill, n);
    }
}

static void cell_facets(WbLes les, int k, int j, int i, bool fill, int *n) {
  const WbLesLayout *l = &les->lay;
  const ptrdiff_t at = (ptrdiff_t)wb_les_at(l, k, j, i);
  if (les->solid[at]) return;
  if (wb_les_porous_cell(les, (size_t)at)) {
    porous_facets(les, k, j, i, fill, n);
    return;
  }
  for (int side = 0; side < 6; side++) {
    const int8_t *d = normals[side];
    if (!les->solid[at + d[0] * (ptrdiff_t)l->sz + d[1] * l->sy + d[2]]) continue;
    if (!inside_domain(les, j + d[1], i + d[2])) continue; /* a closed edge of the domain is no building */
    put_facet(les, k, j, i, side, k == 0, 1.0, fill, n);
  }
}

static PetscErrorCode enumerate(WbLes les) {
  const WbLesLayout *l = &les->lay;
  WbLesFacets *f = &les->facets;
  PetscFunctionBeginUser;
  for (int pass = 0; pass < 2; pass++) {
    int n = 0;
    for (int k = 0; k < l->nz; k++)
      for (int j = 0; j < l->nyl; j++)
        for (int i = 0; i < l->nxl; i++) cell_facets(les, k, j, i, pass > 0, &n);
    if (pass) break;
    f->n = n;
    PetscCall(WB_ALLOC(n + 1, &f->at));
    PetscCall(WB_ALLOC(n + 1, &f->cover));
    PetscCall(WB_ALLOC(n + 1, &f->flux));
    PetscCall(WB_ALLOC(n + 1, &f->facing));
    PetscCall(WB_ALLOC(n + 1, &f->kind));
  }
  PetscFunctionReturn(0);
}

int wb_les_facet_column(WbLes les, int n) {
  const WbLesLayout *l = &les->lay;
  const int in_level = (int)((size_t)les->facets.at[n] % l->sz);
  return (in_level / l->sy - l->g) * l->nxl + in_level % l->sy - l->g;
}

static double thickness(WbLes les, int n) {
  const uint8_t facing = les->facets.facing[n];
  if (facing != WB_FACING_UP && facing != WB_FACING_DOWN) return les->grid->dx_m;
  return les->met.dz[(size_t)les->facets.at[n] / les->lay.sz];
}

double wb_les_facet_thickness(WbLes les, int n) {
  return thickness(les, n) / les->facets.cover[n];
}

static bool by_similarity(const WbLes les, int n) {
  return les->opt.surface.most && les->facets.kind[n] == WB_FACET_GROUND;
}
static bool of_temperature(const WbLes les, int n) {
  return !isnan(les->opt.surface.theta_K[les->facets.kind[n]]);
}

/* Kinematic heat flux of a facet as the options have it. */
static double flux_of(const WbLes les, int n) {
  const int kind = les->facets.kind[n];
  const double given = les->opt.surface.flux_K_m_per_s[kind];
  if (!isnan(given)) return given;
  return kind == WB_FACET_WALL ? 0.0 : (double)les->heat_flux[wb_les_facet_column(les, n)];
}

/* Facets of given flux, in order; without a sun only those that have any. */
static PetscErrorCode heat_list(WbLes les) {
  WbLesHeatList *list = &les->heat;
  PetscFunctionBeginUser;
  for (int pass = 0; pass < 2; pass++) {
    list->n = 0;
    for (int n = 0; n < les->facets.n; n++) {
      const double flux = les->facets.flux[n];
      if (isnan(flux) || (flux == 0.0 && !les->opt.surface.sun)) continue;
      if (pass) {
        list->at[list->n] = les->facets.at[n];
        list->rate[list->n] = flux / wb_les_facet_thickness(les, n);
      }
      list->n++;
    }
    if (pass) break;
    PetscCall(WB_ALLOC(list->n + 1, &list->at));
    PetscCall(WB_ALLOC(list->n + 1, &list->rate));
  }
  PetscFunctionReturn(0);
}

/* kappa^2 / (ln(d/z0) ln(d/z0h)), d half the cell. */
static double exchange_coefficient(const WbLes les, int n) {
  const WbLesOptions *o = &les->opt;
  const double z0 = les->facets.kind[n] == WB_FACET_GROUND ? o->z0_ground_m : o->z0_wall_m;
  const double d = PetscMax(0.5 * thickness(les, n) / PetscMax(1.0, les->facets.cover[n]), 2.5 * z0);
  return WB_KARMAN * WB_KARMAN / (log(d / z0) * log(d / (z0 * o->surface.z0_heat_ratio)));
}

static PetscErrorCode exchange_list(WbLes les, int axis) {
  WbLesExchange *list = &les->exchange[axis];
  PetscFunctionBeginUser;
  for (int pass = 0; pass < 2; pass++) {
    list->n = 0;
    for (int n = 0; n < les->facets.n; n++) {
      if (!of_temperature(les, n) || by_similarity(les, n) || les->facets.facing[n] / 2 != axis) continue;
      if (pass) {
        list->at[list->n] = les->facets.at[n];
        list->facet[list->n] = n;
        list->rate[list->n] = exchange_coefficient(les, n) / wb_les_facet_thickness(les, n);
        list->theta[list->n] = les->opt.surface.theta_K[les->facets.kind[n]] - les->opt.theta_surface_K;
      }
      list->n++;
    }
    if (pass) break;
    PetscCall(WB_ALLOC(list->n + 1, &list->at));
    PetscCall(WB_ALLOC(list->n + 1, &list->facet));
    PetscCall(WB_ALLOC(list->n + 1, &list->rate));
    PetscCall(WB_ALLOC(list->n + 1, &list->theta));
  }
  PetscFunctionReturn(0);
}

/* Neutral to begin with; the first step finds the stability. */
static PetscErrorCode ground_create(WbLes les) {
  const WbLesLayout *l = &les->lay;
  WbLesGround *g = &les->ground;
  const size_t columns = (size_t)l->nyl * (size_t)l->nxl;
  const WbLesSurface *s = &les->opt.surface;
  const double d = 0.5 * les->met.dz[1], z0 = les->opt.z0_ground_m;
  const WbMost neutral = wb_most_from_flux(d, z0, z0 * s->z0_heat_ratio, 1.0, 0.0);
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(4 * l->sz, &g->planes));
  PetscCall(WB_CALLOC(columns, &g->flux));
  PetscCall(WB_CALLOC(columns, &g->ch));
  for (size_t c = 0; c < l->sz; c++) {
    g->planes[c] = les->solid[l->sz + c] ? 0.0 : neutral.cd;
    for (size_t p = 1; p < 4; p++) g->planes[p * l->sz + c] = neutral.slope;
  }
  PetscCall(wb_halo_create(les->grid, 2, l->g, 1, WB_FP64, &g->halo));
  if (!isnan(s->theta_K[WB_FACET_GROUND])) PetscCall(WB_CALLOC(columns, &g->theta));
  for (size_t c = 0; c < columns && g->theta; c++) g->theta[c] = s->theta_K[WB_FACET_GROUND] - les->opt.theta_surface_K;
  for (int n = 0; n < les->facets.n; n++)
    if (by_similarity(les, n))
      g->flux[wb_les_facet_column(les, n)] = of_temperature(les, n) ? 0.0 : les->facets.flux[n];
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_facets_create(WbLes les) {
  PetscFunctionBeginUser;
  PetscCall(enumerate(les));
  for (int n = 0; n < les->facets.n; n++) les->facets.flux[n] = of_temperature(les, n) ? NAN : flux_of(les, n);
  PetscCall(heat_list(les));
  for (int axis = 0; axis < 3; axis++) PetscCall(exchange_list(les, axis));
  if (les->opt.surface.most) PetscCall(ground_create(les));
  les->sun_interval = LONG_MIN;
  if (les->opt.surface.sun) PetscCall(wb_les_sun_create(les));
  PetscFunctionReturn(0);
}

void wb_les_facets_destroy(WbLes les) {
  WB_FREE(&les->facets.at);
  WB_FREE(&les->facets.cover);
  WB_FREE(&les->facets.flux);
  WB_FREE(&les->facets.facing);
  WB_FREE(&les->facets.kind);
  WB_FREE(&les->heat.at);
  WB_FREE(&les->heat.rate);
  for (int axis = 0; axis < 3; axis++) {
    WB_FREE(&les->exchange[axis].at);
    WB_FREE(&les->exchange[axis].facet);
    WB_FREE(&les->exchange[axis].rate);
    WB_FREE(&les->exchange[axis].theta);
  }
  WB_FREE(&les->ground.planes);
  WB_FREE(&les->ground.flux);
  WB_FREE(&les->ground.theta);
  WB_FREE(&les->ground.ch);
  wb_halo_destroy(&les->ground.halo);
  WB_FREE(&les->sky);
}

/* Beyond an edge that is not cyclic: as the column inside. */
static void copy_edges(WbLes les, double *plane) {
  const WbLesLayout *l = &les->lay;
  const WbGrid *g = les->grid;
  for (int j = 0; j < l->nyl + 2 * l->g && !g->periodic_x; j++)
    for (int d = 1; d <= l->g; d++) {
      double *row = plane + (size_t)j * (size_t)l->sy;
      if (g->ix == 0) row[l->g - d] = row[l->g];
      if (g->ix == g->px - 1) row[l->g + l->nxl - 1 + d] = row[l->g + l->nxl - 1];
    }
  for (int i = 0; i < l->sy && !g->periodic_y; i++)
    for (int d = 1; d <= l->g; d++) {
      if (g->iy == 0) plane[(l->g - d) * l->sy + i] = plane[l->g * l->sy + i];
      if (g->iy == g->py - 1) plane[(l->g + l->nyl - 1 + d) * l->sy + i] = plane[(l->g + l->nyl - 1) * l->sy + i];
    }
}

static PetscErrorCode exchange_planes(WbLes les, size_t first) {
  PetscFunctionBeginUser;
  PetscCall(wb_halo_exchange(les->ground.halo, les->ground.planes + first * les->lay.sz));
  for (size_t p = first; p < first + 2; p++) copy_edges(les, les->ground.planes + p * les->lay.sz);
  PetscFunctionReturn(0);
}

/* Means of the two cells beside a face. */
static void face_slopes(WbLes les) {
  const WbLesLayout *l = &les->lay;
  const double *slope = les->ground.planes + l->sz;
  double *at_u = les->ground.planes + 2 * l->sz, *at_v = les->ground.planes + 3 * l->sz;
  for (int j = 0; j < l->nyl; j++)
    for (int i = 0; i < l->nxl; i++) {
      const size_t p = wb_les_at(l, -1, j, i);
      at_u[p] = 0.5 * (slope[p - 1] + slope[p]);
      at_v[p] = 0.5 * (slope[p - (size_t)l->sy] + slope[p]);
    }
}

PetscErrorCode wb_les_surface_step(WbLes les, double dt_s) {
  PetscFunctionBeginUser;
  if (les->opt.momentum_only) PetscFunctionReturn(0);
  les->theta_change_K = les->opt.surface.theta_rate_K_per_s * (les->time_s + 0.5 * dt_s);
  if (les->opt.surface.sun) PetscCall(wb_les_sun_step(les));
  if (!les->opt.surface.most) PetscFunctionReturn(0);
  les->ops->ground(les);
  PetscCall(exchange_planes(les, 0));
  face_slopes(les);
  PetscCall(exchange_planes(les, 2));
  PetscFunctionReturn(0);
}
