/* Inflow planes from another model's boundary values: a series of profiles (time, z) or of coarse fields (time, z, y,
 * x), linear in time and space; eddies are added where the file has a turbulence energy. The user guide ("Boundary
 * values of another model") describes the file. */
#include <string.h>

#include "inflow_internal.h"

#define LOWEST_TOP_M 100.0 /* the file's lowest level lies in the surface layer: below it the log law holds */
enum { U = 0, V, THETA, W, TKE, VARIABLES };
static const char *const names[VARIABLES] = {"u", "v", "theta", "w", "tke"};

typedef struct {
  WbNc nc;
  const char *path;             /* the inflow's */
  WbArray array[VARIABLES];     /* NULL: not in the file */
  bool fields, exner;           /* theta is made of air temperature */
  int nt, n[3];                 /* z, y, x; y = x = 1 for profiles */
  double *time;                 /* [s] after t = 0 of the run */
  const double *axis[3];        /* z, y, x, of array[U] */
  double z0_m, theta_reference; /* of the run */
  size_t size;                  /* of one variable at one time */
  int held[2];                  /* times in memory, -1: none */
  float *value[2], *now;        /* (VARIABLES, size) at these times; between them */
  WbEddies eddies;              /* NULL without tke */
} Nest;

static void nest_close(void **source) {
  Nest *n = *source;
  if (!n) return;
  for (int v = 0; v < VARIABLES; v++) wb_array_close(&n->array[v]);
  if (n->nc) (void)wb_nc_close(&n->nc);
  WB_FREE(&n->time);
  for (int i = 0; i < 2; i++) WB_FREE(&n->value[i]);
  WB_FREE(&n->now);
  if (n->eddies) wb_eddies_destroy(&n->eddies);
  WB_FREE(&n);
  *source = NULL;
}

/* ---- reading ---- */
static PetscErrorCode open_array(Nest *n, int var) {
  PetscFunctionBeginUser;
  PetscCall(wb_array_open(n->nc, "/", names[var], false, &n->array[var]));
  if (!n->array[var] && var == THETA) {
    PetscCall(wb_array_open(n->nc, "/", "T", false, &n->array[var]));
    n->exner = n->array[var] != NULL;
  }
  if (!n->array[var] && var < W)
    WB_RAISE(WB_ERR_INPUT,
             "%s: boundary values without variable '%s'; needed: time, z, u, v, theta or T (with y, x: fields)",
             n->path, names[var]);
  PetscFunctionReturn(0);
}

/* Profiles or fields? All variables of the same kind, at the same places and times. */
static PetscErrorCode open_arrays(Nest *n) {
  PetscFunctionBeginUser;
  for (int v = 0; v < VARIABLES; v++) PetscCall(open_array(n, v));
  const WbArray u = n->array[U];
  const WbAxis *axis[3] = {wb_array_axis(u, WB_AXIS_Z), wb_array_axis(u, WB_AXIS_Y), wb_array_axis(u, WB_AXIS_X)};
  n->fields = axis[1]->n > 1 || axis[2]->n > 1;
  for (int v = 0; v < VARIABLES; v++) {
    if (!n->array[v]) continue;
    PetscCall(wb_array_need(n->array[v], n->fields ? "tzyx" : "tz"));
    if (v != U) PetscCall(wb_array_same_places(n->array[v], u, n->fields ? "tzyx" : "tz"));
  }
  for (int d = 0; d < 3; d++) {
    n->n[d] = d == 0 || n->fields ? axis[d]->n : 1;
    n->axis[d] = d == 0 || n->fields ? axis[d]->at : NULL;
  }
  PetscFunctionReturn(0);
}

/* Times after t = 0: those with a date are counted from the run's start. */
static PetscErrorCode take_times(Nest *n, const WbInflowDomain *d) {
  const WbTimes *t = wb_array_times(n->array[U]);
  double begin = 0.0;
  PetscFunctionBeginUser;
  if (t->epoch[0] && !d->start_time_iso)
    WB_RAISE(WB_ERR_INPUT, "%s: time counts since %s, but the run has no date; allowed: s from t = 0", n->path,
             t->epoch);
  if (t->epoch[0] && !wb_times_after(t, d->start_time_iso, &begin))
    WB_RAISE(WB_ERR_INPUT,
             "%s: time counts since %s in calendar '%s'; allowed: dates of the standard calendar after 1582, or s from "
             "t = 0",
             n->path, t->epoch, t->calendar);
  n->nt = t->n;
  PetscCall(WB_ALLOC(n->nt, &n->time));
  for (int i = 0; i < n->nt; i++) n->time[i] = t->at[i] - begin;
  PetscFunctionReturn(0);
}

/* theta of air temperature by the reference pressure, p(0) = 1000 hPa. */
static void to_theta(const Nest *n, float *values) {
  const size_t plane = (size_t)n->n[1] * (size_t)n->n[2];
  for (size_t q = 0; q < n->size; q++)
    values[q] /= (float)(1.0 - WB_GRAVITY * n->axis[0][q / plane] / (WB_CP * n->theta_reference));
}

static PetscErrorCode read_time(Nest *n, int t, float *value) {
  PetscFunctionBeginUser;
  const int start[4] = {t, 0, 0, 0}, count[4] = {1, n->n[0], n->n[1], n->n[2]};
  for (int v = 0; v < VARIABLES; v++) {
    float *to = value + (size_t)v * n->size;
    if (!n->array[v]) {
      memset(to, 0, n->size * sizeof *to);
      continue;
    }
    PetscCall(wb_array_read(n->array[v], start, count, to));
    PetscCall(wb_array_check(n->array[v], start, count, to, NULL));
    if (v == THETA && n->exner) to_theta(n, to);
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
  PetscFunctionBeginUser;
  PetscCall(wb_nc_open(MPI_COMM_SELF, n->path, &n->nc));
  PetscCall(open_arrays(n));
  PetscCall(take_times(n, d));
  PetscCall(check_cover(n, d));
  const double top = 0.5 * (d->zf[d->nz - 1] + d->zf[d->nz]); /* what lies above the level that covers it is not used */
  while (n->n[0] > 1 && n->axis[0][n->n[0] - 2] >= top) n->n[0]--;
  n->size = (size_t)n->n[0] * (size_t)n->n[1] * (size_t)n->n[2];
  for (int i = 0; i < 2; i++) PetscCall(WB_ALLOC(VARIABLES * n->size, &n->value[i]));
  PetscCall(WB_ALLOC(VARIABLES * n->size, &n->now));
  for (int t = 0; t < n->nt; t++) PetscCall(read_time(n, t, n->value[0])); /* all of it is seen before the run begins */
  PetscCall(wb_arrays_say(VARIABLES, n->array));
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

/* The wind at t = 0 against the deck's, which the scales of solver and network come from. */
static PetscErrorCode compare_wind(Nest *n, const WbInflowDomain *d, const WbLesOptions *o) {
  PetscFunctionBeginUser;
  PetscCall(advance_to(n, 0.0));
  const double x = d->x_min_m + 0.5 * d->nx * d->dx_m, y = d->y_min_m + 0.5 * d->ny * d->dx_m;
  const double u = (double)sample(n, U, o->wind_height_m, y, x), v = (double)sample(n, V, o->wind_height_m, y, x);
  const double speed = hypot(u, v), ratio = speed / o->wind_speed_m_per_s;
  const double from = fmod(atan2(-u, -v) * 180 / M_PI + 360, 360), apart = fabs(from - o->wind_direction_deg);
  if (!(ratio >= 0.4 && ratio <= 2.5) || (PetscMin(apart, 360 - apart) > 45 && speed > 0.5))
    wb_log_warn(
        "%s: its wind at t = 0 and %g m is %.3g m/s from %.0f degrees; les_wind_speed_m_per_s is %g, "
        "les_wind_direction_deg %g",
        n->path, o->wind_height_m, speed, from, o->wind_speed_m_per_s, o->wind_direction_deg);
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
    if (!ierr) ierr = wb_error_agree(comm, f->rank == 0 ? compare_wind(n, domain, options) : 0);
    if (!ierr)
      ierr = wb_error_agree(
          comm, f->rank == 0 && n->array[TKE] ? wb_eddies_create(f, options->seed, length_m, &n->eddies) : 0);
  }
  if (ierr) wb_inflow_destroy(&f);
  *inflow = f;
  PetscFunctionReturn(ierr);
}
