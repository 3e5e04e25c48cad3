/* Inflow planes from another model's boundary values: a series of profiles (time, z) or of coarse fields (time, z, y,
 * x), linear in time and space; eddies are added where the file has a turbulence energy. The user guide ("Boundary
 * values of another model") describes the file. */
#include <string.h>

#include "inflow_internal.h"

#define LOWEST_TOP_M 100.0 /* the file's lowest level lies in the surface layer: below it the log law holds */
enum { U = 0, V, THETA, W, TKE, VARIABLES };
static const char *const names[VARIABLES] = {"u", "v", "theta", "w", "tke"};
static const double least[VARIABLES] = {-150.0, -150.0, 150.0, -50.0, 0.0},
                    most[VARIABLES] = {150.0, 150.0, 500.0, 50.0, 500.0};
static const char *const units[VARIABLES] = {"m/s", "m/s", "K", "m/s", "m2/s2"};

typedef struct {
  WbNc nc;
  const char *path; /* the inflow's */
  bool has[VARIABLES], fields;
  int nt, n[3];                 /* z, y, x; y = x = 1 for profiles */
  double *time, *axis[3];       /* z, y, x */
  double z0_m, theta_reference; /* of the run */
  size_t size;                  /* of one variable at one time */
  int held[2];                  /* times in memory, -1: none */
  float *value[2], *now;        /* (VARIABLES, size) at these times; between them */
  WbEddies eddies;              /* NULL without tke */
} Nest;

static void nest_close(void **source) {
  Nest *n = *source;
  if (!n) return;
  if (n->nc) (void)wb_nc_close(&n->nc);
  WB_FREE(&n->time);
  for (int d = 0; d < 3; d++) WB_FREE(&n->axis[d]);
  for (int i = 0; i < 2; i++) WB_FREE(&n->value[i]);
  WB_FREE(&n->now);
  if (n->eddies) wb_eddies_destroy(&n->eddies);
  WB_FREE(&n);
  *source = NULL;
}

/* ---- reading ---- */
static PetscErrorCode read_axis(Nest *n, const char *name, int *count, double **values) {
  PetscFunctionBeginUser;
  bool has = false;
  int rank = 0, dims[8];
  PetscCall(wb_nc_has(n->nc, "/", name, &has));
  if (!has)
    WB_RAISE(WB_ERR_INPUT,
             "%s: boundary values without variable '%s'; needed: time, z, u, v, theta (with y, x: fields)", n->path,
             name);
  PetscCall(wb_nc_inq_dims(n->nc, "/", name, &rank, dims));
  if (rank != 1 || dims[0] < 1) WB_RAISE(WB_ERR_INPUT, "%s: '%s' is not a list of numbers", n->path, name);
  *count = dims[0];
  PetscCall(WB_ALLOC(*count, values));
  const int start[1] = {0};
  PetscCall(wb_nc_get(n->nc, "/", name, start, count, WB_NC_DOUBLE, *values));
  for (int i = 0; i < *count; i++) {
    if (!isfinite((*values)[i])) WB_RAISE(WB_ERR_INPUT, "%s: entry %d of '%s' is not a number", n->path, i, name);
    if (i > 0 && !((*values)[i] > (*values)[i - 1]))
      WB_RAISE(WB_ERR_INPUT, "%s: '%s' has %.10g after %.10g; allowed: increasing values", n->path, name, (*values)[i],
               (*values)[i - 1]);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode check_units(Nest *n) {
  PetscFunctionBeginUser;
  char given[128] = "";
  bool has = false;
  PetscCall(wb_nc_get_att_text(n->nc, "/", "time", "units", &has, given, (int)sizeof given));
  if (has && strcmp(given, "s") != 0 && strcmp(given, "seconds") != 0)
    WB_RAISE(WB_ERR_INPUT, "%s: time is in '%s'; allowed: s, counted from t = 0 of the run (run_start_time)", n->path,
             given);
  PetscFunctionReturn(0);
}

static PetscErrorCode check_shape(Nest *n, int var) {
  PetscFunctionBeginUser;
  bool has = false;
  int rank = 0, dims[8];
  PetscCall(wb_nc_has(n->nc, "/", names[var], &has));
  n->has[var] = has;
  if (!has && var >= W) PetscFunctionReturn(0);
  if (!has)
    WB_RAISE(WB_ERR_INPUT,
             "%s: boundary values without variable '%s'; needed: time, z, u, v, theta (with y, x: fields)", n->path,
             names[var]);
  PetscCall(wb_nc_inq_dims(n->nc, "/", names[var], &rank, dims));
  const int want[4] = {n->nt, n->n[0], n->n[1], n->n[2]}, ranks = n->fields ? 4 : 2;
  bool fits = rank == ranks;
  for (int d = 0; d < ranks && fits; d++) fits = dims[d] == want[d];
  if (!fits)
    WB_RAISE(WB_ERR_INPUT, "%s: '%s' does not have the shape (%s) of its coordinates", n->path, names[var],
             n->fields ? "time, z, y, x" : "time, z");
  PetscFunctionReturn(0);
}

static PetscErrorCode read_time(Nest *n, int t, float *value) {
  PetscFunctionBeginUser;
  const int start[4] = {t, 0, 0, 0}, count[4] = {1, n->n[0], n->n[1], n->n[2]};
  for (int v = 0; v < VARIABLES; v++) {
    float *to = value + (size_t)v * n->size;
    if (!n->has[v]) {
      memset(to, 0, n->size * sizeof *to);
      continue;
    }
    PetscCall(wb_nc_get(n->nc, "/", names[v], start, count, WB_NC_FLOAT, to));
    for (size_t q = 0; q < n->size; q++)
      if (!((double)to[q] >= least[v] && (double)to[q] <= most[v]))
        WB_RAISE(WB_ERR_INPUT, "%s: '%s' is %g at time %g s, z = %g m; allowed: numbers from %g to %g %s", n->path,
                 names[v], (double)to[q], n->time[t], n->axis[0][q / (size_t)(n->n[1] * n->n[2])], least[v], most[v],
                 units[v]);
  }
  PetscFunctionReturn(0);
}

/* ---- does it cover the run? ---- */
static PetscErrorCode check_cover(const Nest *n, const WbInflowDomain *d) {
  static const char *const axes[3] = {"z", "y", "x"};
  const double size[3] = {d->zf[d->nz], d->ny * d->dx_m, d->nx * d->dx_m}, origin[3] = {0, d->y_min_m, d->x_min_m};
  PetscFunctionBeginUser;
  const double *time = n->time, top = 0.5 * (d->zf[d->nz - 1] + d->zf[d->nz]);
  if (time[0] > 0.0)
    WB_RAISE(WB_ERR_INPUT, "%s: boundary values begin at t = %g s; allowed: at or before 0 s (held before)", n->path,
             time[0]);
  if (time[n->nt - 1] < d->t_last_s - 1e-6)
    WB_RAISE(WB_ERR_INPUT, "%s: boundary values end at t = %g s; the run needs them to %g s", n->path, time[n->nt - 1],
             d->t_last_s);
  if (n->axis[0][0] < 0.0 || n->axis[0][0] > LOWEST_TOP_M || n->axis[0][n->n[0] - 1] < top)
    WB_RAISE(WB_ERR_INPUT, "%s: heights z reach from %g m to %g m; the run needs them from at most %g m to %g m",
             n->path, n->axis[0][0], n->axis[0][n->n[0] - 1], LOWEST_TOP_M, top);
  for (int a = 1; a < 3 && n->fields; a++)
    if (n->axis[a][0] > origin[a] + 1e-3 || n->axis[a][n->n[a] - 1] < origin[a] + size[a] - 1e-3)
      WB_RAISE(WB_ERR_INPUT, "%s: %s reaches from %.10g m to %.10g m; the run's domain from %.10g m to %.10g m",
               n->path, axes[a], n->axis[a][0], n->axis[a][n->n[a] - 1], origin[a], origin[a] + size[a]);
  PetscFunctionReturn(0);
}

static PetscErrorCode open_source(Nest *n, const WbInflowDomain *d) {
  bool has = false;
  int rank = 0, dims[8];
  PetscFunctionBeginUser;
  PetscCall(wb_nc_open(MPI_COMM_SELF, n->path, &n->nc));
  PetscCall(read_axis(n, "time", &n->nt, &n->time));
  PetscCall(check_units(n));
  PetscCall(read_axis(n, "z", &n->n[0], &n->axis[0]));
  PetscCall(wb_nc_has(n->nc, "/", "u", &has));
  if (has) PetscCall(wb_nc_inq_dims(n->nc, "/", "u", &rank, dims));
  n->fields = rank == 4;
  n->n[1] = n->n[2] = 1;
  if (n->fields) PetscCall(read_axis(n, "y", &n->n[1], &n->axis[1]));
  if (n->fields) PetscCall(read_axis(n, "x", &n->n[2], &n->axis[2]));
  for (int v = 0; v < VARIABLES; v++) PetscCall(check_shape(n, v));
  PetscCall(check_cover(n, d));
  n->size = (size_t)n->n[0] * (size_t)n->n[1] * (size_t)n->n[2];
  for (int i = 0; i < 2; i++) PetscCall(WB_ALLOC(VARIABLES * n->size, &n->value[i]));
  PetscCall(WB_ALLOC(VARIABLES * n->size, &n->now));
  for (int t = 0; t < n->nt; t++) PetscCall(read_time(n, t, n->value[0])); /* all of it is seen before the run begins */
  n->held[0] = n->held[1] = -1;
  PetscFunctionReturn(0);
}

/* ---- interpolation ---- */
static int place(int n, const double *axis, double at, double *up) {
  int i = 0;
  *up = 0.0;
  if (n < 2 || !(at > axis[0])) return 0;
  while (i < n - 2 && at >= axis[i + 1]) i++;
  *up = PetscMin(1.0, (at - axis[i]) / (axis[i + 1] - axis[i]));
  return i;
}

static PetscErrorCode hold(Nest *n, int slot, int t) {
  PetscFunctionBeginUser;
  if (n->held[slot] == t) PetscFunctionReturn(0);
  if (n->held[1 - slot] == t) { /* time goes on: the later of two becomes the earlier */
    float *swap = n->value[0];
    n->value[0] = n->value[1], n->value[1] = swap;
    n->held[1 - slot] = n->held[slot];
  } else {
    PetscCall(read_time(n, t, n->value[slot]));
  }
  n->held[slot] = t;
  PetscFunctionReturn(0);
}

static PetscErrorCode advance_to(Nest *n, double t_s) {
  double up;
  const int t = place(n->nt, n->time, t_s, &up);
  PetscFunctionBeginUser;
  PetscCall(hold(n, 0, t));
  if (up > 0.0) PetscCall(hold(n, 1, t + 1));
  const float *a = n->value[0], *b = n->value[up > 0.0 ? 1 : 0];
  for (size_t q = 0; q < VARIABLES * n->size; q++)
    n->now[q] = (float)((double)a[q] + up * ((double)b[q] - (double)a[q]));
  PetscFunctionReturn(0);
}

/* Wind below the lowest level by the log law, w linear to 0 at the ground. */
static double below(const Nest *n, int var, double z) {
  const double lowest = n->axis[0][0];
  if (z >= lowest || var == THETA || var == TKE) return 1.0;
  if (var == W) return z / lowest;
  const double z0 = PetscMin(n->z0_m, 0.5 * lowest);
  return z > z0 ? log(z / z0) / log(lowest / z0) : 0.0;
}

static float sample(const Nest *n, int var, double z, double y, double x) {
  const double at[3] = {z, y, x};
  int i[3] = {0, 0, 0};
  double up[3] = {0, 0, 0}, sum = 0;
  for (int d = 0; d < 3; d++)
    if (n->axis[d]) i[d] = place(n->n[d], n->axis[d], at[d], &up[d]);
  for (int c = 0; c < 8; c++) {
    const int dk = c >> 2, dj = (c >> 1) & 1, di = c & 1;
    const double w = (dk ? up[0] : 1 - up[0]) * (dj ? up[1] : 1 - up[1]) * (di ? up[2] : 1 - up[2]);
    if (w <= 0) continue;
    const size_t q =
        ((size_t)(i[0] + dk) * (size_t)n->n[1] + (size_t)(i[1] + dj)) * (size_t)n->n[2] + (size_t)(i[2] + di);
    sum += w * (double)n->now[(size_t)var * n->size + q];
  }
  return (float)(sum * below(n, var, z));
}

/* One pair of edges: planes at its low and its high side. */
static void fill_edge(const WbInflow f, const Nest *n, bool west_east, float *out) {
  const int count = west_east ? f->ny : f->nx, normal = west_east ? U : V, tangent = west_east ? V : U;
  const size_t plane = (size_t)f->nz * (size_t)count;
  const double across[2] = {west_east ? f->x_min_m : f->y_min_m,
                            west_east ? f->x_min_m + f->nx * f->dx_m : f->y_min_m + f->ny * f->dx_m};
  static const WbInflowPlane kinds[4] = {WB_IN_NORMAL, WB_IN_TANGENT, WB_IN_W, WB_IN_THETA};
  const int vars[4] = {normal, tangent, W, THETA};
  for (int c = 0; c < 4; c++)
    for (int hi = 0; hi < 2; hi++)
      for (int k = 0; k < f->nz; k++)
        for (int m = 0; m < count; m++) {
          const double along = (west_east ? f->y_min_m : f->x_min_m) + (m + (c == 1 ? 0.0 : 0.5)) * f->dx_m;
          const double z = c == 2 ? f->zf[k] : 0.5 * (f->zf[k] + f->zf[k + 1]);
          const float value = sample(n, vars[c], z, west_east ? along : across[hi], west_east ? across[hi] : along);
          out[wb_inflow_plane(f, kinds[c], hi) * plane + (size_t)k * (size_t)count + (size_t)m] =
              c == 3 ? (float)((double)value - n->theta_reference) : value;
        }
}

/* Eddies about the mean that out holds already. */
static void add_eddies(const WbInflow f, const Nest *n, int edge, float *out) {
  const bool west_east = edge < 2, hi = edge % 2 == 1;
  const int count = west_east ? f->ny : f->nx;
  const size_t plane = (size_t)f->nz * (size_t)count;
  float *normal = out + wb_inflow_plane(f, WB_IN_NORMAL, hi) * plane;
  float *tangent = out + wb_inflow_plane(f, WB_IN_TANGENT, hi) * plane;
  float *w = out + wb_inflow_plane(f, WB_IN_W, hi) * plane;
  for (int k = 0; k < f->nz; k++)
    for (int m = 0; m < count; m++) {
      const size_t q = (size_t)k * (size_t)count + (size_t)m;
      const double x = f->x_min_m + f->dx_m * (west_east ? hi * f->nx : m + 0.5);
      const double y = f->y_min_m + f->dx_m * (west_east ? m + 0.5 : hi * f->ny);
      const double u_star = wb_eddies_u_star((double)sample(n, TKE, 0.5 * (f->zf[k] + f->zf[k + 1]), y, x));
      float *const u = (west_east ? normal : tangent) + q, *const v = (west_east ? tangent : normal) + q;
      const double speed = hypot((double)*u, (double)*v) + 1e-6;
      const double along[2] = {(double)*u / speed, (double)*v / speed};
      double unit[3], eddy[3];
      wb_eddies_unit(n->eddies, edge, k, m, unit);
      wb_eddies_velocity(unit, u_star, along, eddy);
      *u += (float)eddy[0];
      *v += (float)eddy[1];
      if (k > 0) w[q] += (float)eddy[2];
    }
}

static PetscErrorCode nest_record(WbInflow f, int record, float *out) {
  Nest *n = f->source;
  PetscFunctionBeginUser;
  PetscCall(advance_to(n, f->t_first_s + record * f->interval_s));
  fill_edge(f, n, true, out);
  fill_edge(f, n, false, out + f->size_x);
  if (n->eddies) wb_eddies_at(n->eddies, record);
  for (int edge = 0; edge < 4 && n->eddies; edge++) add_eddies(f, n, edge, out + (edge < 2 ? 0 : f->size_x));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_inflow_nested(MPI_Comm comm, const char *path, const WbInflowDomain *domain,
                                const WbLesOptions *options, double length_m, WbInflow *inflow) {
  static const WbInflowSource source = {.record = nest_record, .close = nest_close};
  Nest *n = NULL;
  WbInflow f = NULL;
  PetscFunctionBeginUser;
  *inflow = NULL;
  PetscCall(wb_inflow_made(comm, path, domain, options, length_m, &source, &f));
  PetscErrorCode ierr = WB_CALLOC(1, &n);
  f->source = n;
  if (!ierr) {
    n->path = f->path;
    n->z0_m = options->z0_ground_m;
    n->theta_reference = options->theta_surface_K;
    ierr = wb_error_agree(comm, f->rank == 0 ? open_source(n, domain) : 0);
    if (!ierr)
      ierr = wb_error_agree(comm,
                            f->rank == 0 && n->has[TKE] ? wb_eddies_create(f, options->seed, length_m, &n->eddies) : 0);
  }
  if (ierr) wb_inflow_destroy(&f);
  *inflow = f;
  PetscFunctionReturn(ierr);
}
