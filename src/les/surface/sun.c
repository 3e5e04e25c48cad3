/* A simple sun: its direction, which facets it reaches past the buildings, and how the heat flux spreads over them.
 *
 * A facet's share of the heat is that of the sunlight it absorbs, in units of what an open horizontal facet gets:
 *     w = (1 - D) lit max(0, n.s) / s_z + D v,   v = 1 (up), 1/2 (vertical), 0 (down),
 * D the diffuse fraction. The flux is heat_flux w N with one N for all, such that the mean over the plan area of the
 * domain is heat_flux. No radiation between facets. */
#include "les_internal.h"

#include <limits.h>
#include <string.h>

#define INTERVAL_S 600.0 /* the sun stands still so long */
#define LOWEST 0.05      /* sine of the elevation below which nothing is direct */
#define NUDGE 1e-6       /* of a cell: rays start this far off their facet */
static const double normals[6][3] = {{1, 0, 0}, {-1, 0, 0}, {0, 1, 0}, {0, -1, 0}, {0, 0, 1}, {0, 0, -1}}; /* x, y, z */

void wb_les_sun_direction(double latitude_deg, double longitude_deg, int day_of_year, double utc_s,
                          double direction[3]) {
  const double g = 2.0 * PETSC_PI * (day_of_year - 1) / 365.0, rad = PETSC_PI / 180.0;
  const double declination = 0.006918 - 0.399912 * cos(g) + 0.070257 * sin(g) - 0.006758 * cos(2.0 * g) +
                             0.000907 * sin(2.0 * g) - 0.002697 * cos(3.0 * g) + 0.00148 * sin(3.0 * g);
  const double hour = ((utc_s / 3600.0 - 12.0) * 15.0 + longitude_deg) * rad, phi = latitude_deg * rad;
  direction[0] = -cos(declination) * sin(hour);
  direction[1] = cos(phi) * sin(declination) - sin(phi) * cos(declination) * cos(hour);
  direction[2] = sin(phi) * sin(declination) + cos(phi) * cos(declination) * cos(hour);
}

PetscErrorCode wb_les_sun_create(WbLes les) {
  const WbLesLayout *l = &les->lay;
  const WbGrid *g = les->grid;
  int top = 0;
  PetscFunctionBeginUser;
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++)
        if (les->solid[wb_les_at(l, k, j, i)]) top = k + 1;
  PetscCallMPI(MPI_Allreduce(&top, &les->sky_nz, 1, MPI_INT, MPI_MAX, g->comm));
  const size_t plane = (size_t)g->ny * (size_t)g->nx, n = (size_t)les->sky_nz * plane;
  if (plane > (size_t)INT_MAX)
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES: a domain of %d x %d cells is too large for the sun", g->nx, g->ny);
  PetscCall(WB_CALLOC(n + 1, &les->sky));
  for (int k = 0; k < les->sky_nz; k++) {
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++)
        les->sky[(size_t)k * plane + (size_t)(g->y0 + j) * (size_t)g->nx + (size_t)(g->x0 + i)] =
            les->solid[wb_les_at(l, k, j, i)];
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, les->sky + (size_t)k * plane, (int)plane, MPI_UINT8_T, MPI_MAX, g->comm));
  }
  PetscFunctionReturn(0);
}

/* Wraps a cell index of a cyclic direction; false beyond an open edge. */
static bool wrap(int *i, int n, bool periodic) {
  if (*i >= 0 && *i < n) return true;
  if (!periodic) return false;
  *i += *i < 0 ? n : -n;
  return true;
}

/* Does a ray from x (in cells along x and y, metres up) towards s leave above all buildings, or at an open edge? Cell
 * by cell (Amanatides & Woo 1987). cell: k, j, i of the start, global. s[2] > 0. */
static bool reaches_sky(const WbLes les, const double x[3], const int cell[3], const double s[3]) {
  const WbGrid *g = les->grid;
  const double *zf = les->met.zf, dx = g->dx_m;
  int k = cell[0], j = cell[1], i = cell[2];
  const int di = s[0] > 0 ? 1 : -1, dj = s[1] > 0 ? 1 : -1;
  /* distances [m] to the next face in each direction, and between faces */
  const double step_x = s[0] != 0 ? dx / fabs(s[0]) : HUGE_VAL, step_y = s[1] != 0 ? dx / fabs(s[1]) : HUGE_VAL;
  double to_x = s[0] != 0 ? (di > 0 ? i + 1 - x[0] : x[0] - i) * step_x : HUGE_VAL;
  double to_y = s[1] != 0 ? (dj > 0 ? j + 1 - x[1] : x[1] - j) * step_y : HUGE_VAL;
  double to_z = (zf[k + 1] - x[2]) / s[2];
  while (k < les->sky_nz) {
    if (to_z <= to_x && to_z <= to_y) {
      k++;
      if (k < les->sky_nz) to_z = (zf[k + 1] - x[2]) / s[2];
    } else if (to_x <= to_y) {
      i += di;
      to_x += step_x;
      if (!wrap(&i, g->nx, g->periodic_x)) return true;
    } else {
      j += dj;
      to_y += step_y;
      if (!wrap(&j, g->ny, g->periodic_y)) return true;
    }
    if (k < les->sky_nz && les->sky[((size_t)k * (size_t)g->ny + (size_t)j) * (size_t)g->nx + (size_t)i]) return false;
  }
  return true;
}

/* Cosine of the incidence of direct light on facet n; 0 in shade or turned away. */
static double direct(const WbLes les, int n, const double s[3]) {
  const WbLesLayout *l = &les->lay;
  const WbLesMetrics *m = &les->met;
  const double *normal = normals[les->facets.facing[n]];
  const double cosine = normal[0] * s[0] + normal[1] * s[1] + normal[2] * s[2];
  if (s[2] < LOWEST || cosine <= 0.0) return 0.0;
  const size_t at = (size_t)les->facets.at[n];
  const int k = (int)(at / l->sz) - 1, in_level = (int)(at % l->sz);
  const int cell[3] = {k, les->grid->y0 + in_level / l->sy - l->g, les->grid->x0 + in_level % l->sy - l->g};
  const double off = 0.5 - NUDGE; /* from the cell's centre to its facet */
  const double x[3] = {cell[2] + 0.5 - off * normal[0], cell[1] + 0.5 - off * normal[1],
                       m->zc[k + 1] - off * normal[2] * m->dz[k + 1]};
  return reaches_sky(les, x, cell, s) ? cosine : 0.0;
}

static double diffuse(const WbLes les, int n) {
  const uint8_t facing = les->facets.facing[n];
  return facing == WB_FACING_UP ? 1.0 : facing == WB_FACING_DOWN ? 0.0 : 0.5;
}

/* Area of a facet over dx^2. */
static double area(const WbLes les, int n) {
  const uint8_t facing = les->facets.facing[n];
  const size_t at = (size_t)les->facets.at[n];
  const double part = les->facets.cover[n] * wb_les_porous_share(les, at);
  if (facing == WB_FACING_UP || facing == WB_FACING_DOWN) return part;
  return part * les->met.dz[at / les->lay.sz] / les->grid->dx_m;
}

/* Lists and ground columns from each facet's cosine and flux; the lists hold the facets in order. */
static void distribute(WbLes les, const double *cosine, const double *weight, double unit) {
  const WbLesSurface *o = &les->opt.surface;
  int in_heat = 0;
  for (int n = 0; n < les->facets.n; n++) {
    const int kind = les->facets.kind[n];
    const bool ground = o->most && kind == WB_FACET_GROUND;
    const double flux = unit * weight[n];
    if (isnan(o->theta_K[kind])) {
      les->facets.flux[n] = flux;
      les->heat.rate[in_heat++] = flux / wb_les_facet_thickness(les, n);
      if (ground) les->ground.flux[wb_les_facet_column(les, n)] = flux;
    } else if (ground) {
      les->ground.theta[wb_les_facet_column(les, n)] =
          o->theta_K[kind] - les->opt.theta_surface_K + o->sun_warming_K * cosine[n];
    }
  }
  for (int axis = 0; axis < 3; axis++) {
    WbLesExchange *e = &les->exchange[axis];
    for (int m = 0; m < e->n; m++)
      e->theta[m] =
          o->theta_K[les->facets.kind[e->facet[m]]] - les->opt.theta_surface_K + o->sun_warming_K * cosine[e->facet[m]];
  }
}

static PetscErrorCode spread(WbLes les, const double s[3]) {
  const WbLesSurface *o = &les->opt.surface;
  const size_t columns = (size_t)les->lay.nyl * (size_t)les->lay.nxl;
  double *cosine = NULL, *weight = NULL, sums[2] = {0.0, 0.0};
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(les->facets.n + 1, &cosine));
  PetscCall(WB_ALLOC(les->facets.n + 1, &weight));
  for (int n = 0; n < les->facets.n; n++) {
    cosine[n] = direct(les, n, s);
    weight[n] = o->diffuse_fraction * diffuse(les, n);
    if (cosine[n] > 0.0) weight[n] += (1.0 - o->diffuse_fraction) * cosine[n] / s[2];
    if (s[2] < LOWEST) weight[n] = diffuse(les, n);
    sums[0] += weight[n] * area(les, n);
  }
  for (size_t c = 0; c < columns; c++) sums[1] += (double)les->heat_flux[c];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_DOUBLE, MPI_SUM, les->grid->comm));
  distribute(les, cosine, weight, sums[0] > 0.0 ? sums[1] / sums[0] : 0.0);
  WB_FREE(&cosine);
  WB_FREE(&weight);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_sun_step(WbLes les) {
  const WbLesOptions *o = &les->opt;
  const long interval = (long)floor(les->time_s / INTERVAL_S + 1e-9);
  PetscFunctionBeginUser;
  if (interval == les->sun_interval) PetscFunctionReturn(0);
  double s[3];
  wb_les_sun_direction(o->forcing.latitude_deg, o->surface.longitude_deg, o->surface.day_of_year,
                       o->surface.utc_s + (interval + 0.5) * INTERVAL_S, s);
  if (o->surface.north_deg != 0.0) {
    const double a = o->surface.north_deg * PETSC_PI / 180.0, east = s[0], north = s[1];
    s[0] = east * cos(a) - north * sin(a);
    s[1] = east * sin(a) + north * cos(a);
  }
  PetscCall(spread(les, s));
  les->sun_interval = interval;
  PetscFunctionReturn(0);
}
