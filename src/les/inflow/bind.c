/* Inflow planes on the edges of one run: mapping from the 20 m planes to the run's faces so that the flux through every
 * 20 m face is the same at any resolution. */
#include <string.h>

#include "inflow_internal.h"

/* How the run's levels and edge cells see the planes. */
typedef struct {
  int ratio, nz, g, start[2], n[2]; /* [0]: along y (west, east), [1]: along x (south, north) */
  int *l0, *l1;                     /* (nz) first and last + 1 plane level that overlaps run level k */
  double *overlap;                  /* (nz, planes' nz) fraction of run level k in plane level l */
  int *lw;                          /* (nz) plane level below the run's face k */
  double *fw;                       /* (nz) and how far up in it */
} Map;

static void map_levels(const WbInflow f, const double *zf, Map *m) {
  for (int k = 0; k < m->nz; k++) {
    m->l0[k] = f->nz;
    m->l1[k] = 0;
    for (int l = 0; l < f->nz; l++) {
      const double lo = fmax(zf[k], f->zf[l]), hi = fmin(zf[k + 1], f->zf[l + 1]);
      const double part = (hi - lo) / (zf[k + 1] - zf[k]);
      m->overlap[k * f->nz + l] = part > 1e-9 ? (part > 1.0 - 1e-9 ? 1.0 : part) : 0.0;
      if (part <= 1e-9) continue;
      if (l < m->l0[k]) m->l0[k] = l;
      m->l1[k] = l + 1;
    }
    int l = 0;
    while (l < f->nz - 1 && zf[k] >= f->zf[l + 1] * (1.0 - 1e-12)) l++;
    m->lw[k] = l;
    m->fw[k] = (zf[k] - f->zf[l]) / (f->zf[l + 1] - f->zf[l]);
    if (m->fw[k] < 1e-9) m->fw[k] = 0;
  }
}

static PetscErrorCode check_domain(const WbInflow f, const WbGrid *g, const double *zf, int *ratio) {
  PetscFunctionBeginUser;
  const double r = f->dx_m / g->dx_m;
  *ratio = (int)lround(r);
  if (*ratio < 1 || fabs(r - *ratio) > 1e-6 * r)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: planes have %g m cells, which the run's %g m cells do not divide", f->path, f->dx_m,
                 g->dx_m);
  if (g->nx != *ratio * f->nx || g->ny != *ratio * f->ny)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: planes of a domain of %g m x %g m, the run's is %g m x %g m", f->path,
                 f->nx * f->dx_m, f->ny * f->dx_m, g->nx * g->dx_m, g->ny * g->dx_m);
  if (fabs(f->x_min_m - g->x_min_m) > 1e-3 * f->dx_m || fabs(f->y_min_m - g->y_min_m) > 1e-3 * f->dx_m)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: planes of a domain with corner %.2f, %.2f, the run's is at %.2f, %.2f", f->path,
                 f->x_min_m, f->y_min_m, g->x_min_m, g->y_min_m);
  if (fabs(f->zf[f->nz] - zf[g->nz]) > 1e-6 * zf[g->nz])
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: planes reach to %g m, the run's top is at %g m", f->path, f->zf[f->nz], zf[g->nz]);
  if (g->periodic_x || g->periodic_y) WB_RAISE_ALL(WB_ERR_INPUT, "%s: a cyclic run takes no inflow planes", f->path);
  PetscFunctionReturn(0);
}

static PetscErrorCode map_create(const WbInflow f, const WbGrid *g, int ghost, const double *zf, int ratio, Map **out) {
  PetscFunctionBeginUser;
  Map *m = NULL;
  PetscCall(wb_calloc_bytes(sizeof *m, "inflow map", (void **)&m));
  *out = m;
  m->ratio = ratio;
  m->nz = g->nz;
  m->g = ghost;
  m->start[0] = g->y0, m->start[1] = g->x0;
  m->n[0] = g->nyl, m->n[1] = g->nxl;
  PetscCall(WB_ALLOC(g->nz, &m->l0));
  PetscCall(WB_ALLOC(g->nz, &m->l1));
  PetscCall(WB_ALLOC(g->nz, &m->lw));
  PetscCall(WB_ALLOC(g->nz, &m->fw));
  PetscCall(WB_ALLOC(g->nz * f->nz, &m->overlap));
  map_levels(f, zf, m);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_inflow_bind(WbInflow f, const WbGrid *g, int ghost, const double *zf, WbPlanes **planes) {
  PetscFunctionBeginUser;
  *planes = NULL;
  int ratio = 1;
  PetscCall(check_domain(f, g, zf, &ratio));
  WbPlanes *p = NULL;
  PetscCall(wb_calloc_bytes(sizeof *p, "inflow planes", (void **)&p));
  *planes = p;
  p->theta_reference_K = f->theta_reference_K;
  p->time_s = NAN;
  PetscCall(map_create(f, g, ghost, zf, ratio, (Map **)&p->map));
  const bool touches[4] = {g->ix == 0, g->ix == g->px - 1, g->iy == 0, g->iy == g->py - 1};
  for (int s = 0; s < 4; s++) {
    if (!touches[s]) continue;
    const size_t n = (size_t)g->nz * (size_t)((s < 2 ? g->nyl : g->nxl) + 2 * ghost);
    PetscCall(WB_ALLOC(n, &p->side[s].u));
    PetscCall(WB_ALLOC(n, &p->side[s].v));
    PetscCall(WB_ALLOC(n, &p->side[s].w));
    PetscCall(WB_ALLOC(n, &p->side[s].theta));
  }
  PetscFunctionReturn(0);
}

void wb_inflow_unbind(WbPlanes **planes) {
  WbPlanes *p = *planes;
  if (!p) return;
  for (int s = 0; s < 4; s++) {
    WB_FREE(&p->side[s].u);
    WB_FREE(&p->side[s].v);
    WB_FREE(&p->side[s].w);
    WB_FREE(&p->side[s].theta);
  }
  Map *m = p->map;
  if (m) {
    WB_FREE(&m->l0);
    WB_FREE(&m->l1);
    WB_FREE(&m->lw);
    WB_FREE(&m->fw);
    WB_FREE(&m->overlap);
    WB_FREE(&m);
  }
  WB_FREE(planes);
}

/* Conservative mean of plane column `a` (levels n apart) over run level k. */
static float level_mean(const Map *m, int k, int nzp, const float *a, int n) {
  const int l0 = m->l0[k], l1 = m->l1[k];
  if (l1 == l0 + 1) return a[(size_t)l0 * (size_t)n]; /* inside one plane level: exact */
  double sum = 0;
  for (int l = l0; l < l1; l++) sum += m->overlap[k * nzp + l] * (double)a[(size_t)l * (size_t)n];
  return (float)sum;
}

/* w at the run's face k, linear between the planes' faces; the lid is closed. */
static float face_w(const Map *m, int k, int nzp, const float *w, int n) {
  const int l = m->lw[k];
  const float lo = w[(size_t)l * (size_t)n], hi = l + 1 < nzp ? w[(size_t)(l + 1) * (size_t)n] : 0.0F;
  return lo + (float)m->fw[k] * (hi - lo);
}

/* Beyond the ends of an edge a precursor goes on cyclically, other planes as their last cell. */
static int along_edge(const WbInflow f, int at, int n) {
  return f->made ? PetscMax(0, PetscMin(n - 1, at)) : (at % n + n) % n;
}

/* One edge. now: its planes (7 or 8, nzp, n); normal, tangent, w, theta: out. hi: the east or north edge. */
static void fill_side(const Map *m, const WbInflow f, int along, bool hi, const float *now, float *const out[4]) {
  const int n = along == 0 ? f->ny : f->nx, run_n = n * m->ratio, nzp = f->nz;
  const size_t plane = (size_t)nzp * (size_t)n;
  const float *normal = now + wb_inflow_plane(f, WB_IN_NORMAL, hi) * plane,
              *tangent = now + wb_inflow_plane(f, WB_IN_TANGENT, hi) * plane,
              *w = now + wb_inflow_plane(f, WB_IN_W, hi) * plane,
              *th = now + wb_inflow_plane(f, WB_IN_THETA, hi) * plane;
  const int row = m->n[along] + 2 * m->g;
  for (int k = 0; k < m->nz; k++)
    for (int e = 0; e < row; e++) {
      const int at = along_edge(f, m->start[along] + e - m->g, run_n);
      const int c = at / m->ratio, next = f->made ? PetscMin(c + 1, n - 1) : (c + 1) % n;
      const float part = (float)(at % m->ratio) / (float)m->ratio;
      const size_t q = (size_t)k * (size_t)row + (size_t)e;
      const float t0 = level_mean(m, k, nzp, tangent + c, n);
      out[0][q] = level_mean(m, k, nzp, normal + c, n);
      out[1][q] = part > 0 ? t0 + part * (level_mean(m, k, nzp, tangent + next, n) - t0) : t0;
      out[2][q] = face_w(m, k, nzp, w + c, n);
      out[3][q] = level_mean(m, k, nzp, th + c, n);
    }
}

PetscErrorCode wb_inflow_at(WbInflow f, double t_s, WbPlanes *p) {
  PetscFunctionBeginUser;
  if (p->time_s == t_s) PetscFunctionReturn(0);
  PetscCall(wb_inflow_evaluate(f, t_s));
  for (int s = 0; s < 4; s++) {
    WbPlane *a = &p->side[s];
    if (!a->u) continue;
    float *const we[4] = {a->u, a->v, a->w, a->theta}, *const sn[4] = {a->v, a->u, a->w, a->theta};
    fill_side(p->map, f, s / 2, s % 2 == 1, f->now + (s < 2 ? 0 : f->size_x), s < 2 ? we : sn);
  }
  p->time_s = t_s;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_inflow_profile(WbInflow f, double t_s, int nz, const double *zf, double *u, double *v,
                                 double *theta) {
  PetscFunctionBeginUser;
  PetscCall(wb_inflow_evaluate(f, t_s));
  const float *x = f->now, *y = f->now + f->size_x;
  const double columns = 2.0 * (f->nx + f->ny);
  double *mean = NULL; /* (3, planes' nz) */
  PetscCall(WB_CALLOC(3 * f->nz, &mean));
  for (int l = 0; l < f->nz; l++) {
    for (int side = 0; side < 2; side++) { /* west and east, then south and north: the normal component counts twice */
      const float *a = side == 0 ? x : y;
      const int n = side == 0 ? f->ny : f->nx;
      for (int c = 0; c < n; c++) {
        const float *p = a + (size_t)l * (size_t)n + c;
        const size_t plane = (size_t)f->nz * (size_t)n;
        for (int hi = 0; hi < 2; hi++) {
          const double normal = (double)p[wb_inflow_plane(f, WB_IN_NORMAL, hi) * plane];
          const double tangent = (double)p[wb_inflow_plane(f, WB_IN_TANGENT, hi) * plane];
          mean[l] += side == 0 ? normal : tangent;
          mean[f->nz + l] += side == 0 ? tangent : normal;
          mean[2 * f->nz + l] += (double)p[wb_inflow_plane(f, WB_IN_THETA, hi) * plane];
        }
      }
    }
  }
  for (int k = 0; k < nz; k++) {
    double sum[3] = {0, 0, 0}, weight = 0;
    for (int l = 0; l < f->nz; l++) {
      const double part = fmin(zf[k + 1], f->zf[l + 1]) - fmax(zf[k], f->zf[l]);
      if (part <= 0) continue;
      weight += part;
      for (int c = 0; c < 3; c++) sum[c] += part * mean[c * f->nz + l] / columns;
    }
    u[k] = weight > 0 ? sum[0] / weight : 0;
    v[k] = weight > 0 ? sum[1] / weight : 0;
    theta[k] = f->theta_reference_K + (weight > 0 ? sum[2] / weight : 0);
  }
  WB_FREE(&mean);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_inflow_check(WbInflow f, const WbGrid *grid, const double *zf) {
  int ratio;
  PetscFunctionBeginUser;
  PetscCall(check_domain(f, grid, zf, &ratio));
  PetscFunctionReturn(0);
}
