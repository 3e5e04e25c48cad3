/* Synthetic turbulence at the edges: digital filter of Klein, Sadiki & Janicka (2003, J. Comput. Phys. 186, 652), eq. 9
 * to 14, with Gaussian correlation exp(-pi r^2 / (4 L^2)) along the edge, in height and in time (Taylor's hypothesis),
 * given the stresses of a neutral boundary layer by the transformation of Lund, Wu & Squires (1998, J. Comput. Phys.
 * 140, 233), eq. 12. Turned to the wind: sigma_u, v, w = 2.4, 1.9, 1.25 u* (Panofsky & Dutton 1984), <u'w'> = -u*^2,
 * all stresses times 1 - z / delta.
 *
 * The four edges are one closed line of faces, so that corners fit. A record is a weighted sum of fields of its own
 * time and of those around it, each made of random numbers keyed by (seed, time index, face): whatever is asked for in
 * whatever order, on any number of ranks, is the same. */
#include <limits.h>
#include <string.h>

#include "inflow_internal.h"

#define STEPS_PER_SCALE 16 /* records in one integral time scale: linear interpolation between them loses 0.5 % */
#define ACROSS 0.5         /* lateral and vertical over streamwise integral scale, as in isotropic turbulence */
#define LEAST_SPEED_M_PER_S 0.5
enum { COMPONENTS = 3, HALF_TIME = 2 * STEPS_PER_SCALE, RING = 2 * HALF_TIME + 1 };

/* Coefficients b(-half .. half) with sum b^2 = 1. */
typedef struct {
  int half;
  double *b;
} Filter;

typedef struct {
  WbLesOptions opt;
  int around, nz; /* faces of the closed line: south, east, north, west, counterclockwise */
  Filter along, up, time;
  float *raw, *part; /* (COMPONENTS, nz + 2 up.half, around): random, filtered along */
  float *ring[RING]; /* (COMPONENTS, nz, around): filtered in space, of time index `index` */
  int index[RING];
  double *sum; /* (COMPONENTS, nz, around): filtered in time */
} Synthetic;

static void synthetic_close(void **source) {
  Synthetic *s = *source;
  if (!s) return;
  WB_FREE(&s->along.b);
  WB_FREE(&s->up.b);
  WB_FREE(&s->time.b);
  WB_FREE(&s->raw);
  WB_FREE(&s->part);
  for (int r = 0; r < RING; r++) WB_FREE(&s->ring[r]);
  WB_FREE(&s->sum);
  WB_FREE(&s);
  *source = NULL;
}

/* n: integral scale in grid steps. */
static PetscErrorCode filter_create(double n, int half, Filter *f) {
  double sum = 0;
  PetscFunctionBeginUser;
  f->half = half;
  PetscCall(WB_ALLOC(2 * half + 1, &f->b));
  for (int k = -half; k <= half; k++) {
    f->b[k + half] = exp(-0.5 * PETSC_PI * k * k / (n * n));
    sum += f->b[k + half] * f->b[k + half];
  }
  for (int k = 0; k <= 2 * half; k++) f->b[k] /= sqrt(sum);
  PetscFunctionReturn(0);
}

/* ---- fields of one time index: random numbers, filtered along the edges and in height ---- */
static void draw(Synthetic *s, int index) {
  const int levels = s->nz + 2 * s->up.half;
  const size_t field = (size_t)levels * (size_t)s->around;
  const WbRandomKey key = {.seed = s->opt.seed, .stream = WB_STREAM_INFLOW, .minute = (uint32_t)index};
  for (size_t q = 0; q < field; q++) {
    float four[4];
    wb_random_normal4(&key, q, four);
    for (size_t c = 0; c < COMPONENTS; c++) s->raw[c * field + q] = four[c];
  }
}

static void filter_space(Synthetic *s, float *out) {
  const int levels = s->nz + 2 * s->up.half, n = s->around, h = s->along.half, v = s->up.half;
  for (int row = 0; row < COMPONENTS * levels; row++)
    for (int m = 0; m < n; m++) {
      double sum = 0;
      for (int a = -h; a <= h; a++) sum += s->along.b[a + h] * (double)s->raw[row * n + ((m + a) % n + n) % n];
      s->part[row * n + m] = (float)sum;
    }
  for (int c = 0; c < COMPONENTS; c++)
    for (int k = 0; k < s->nz; k++)
      for (int m = 0; m < n; m++) {
        double sum = 0;
        for (int a = 0; a <= 2 * v; a++) sum += s->up.b[a] * (double)s->part[(c * levels + k + a) * n + m];
        out[(c * s->nz + k) * n + m] = (float)sum;
      }
}

static const float *field_at(Synthetic *s, int index) {
  const int slot = ((index % RING) + RING) % RING;
  if (s->index[slot] != index) {
    draw(s, index);
    filter_space(s, s->ring[slot]);
    s->index[slot] = index;
  }
  return s->ring[slot];
}

static void filter_time(Synthetic *s, int record) {
  const size_t n = (size_t)COMPONENTS * (size_t)s->nz * (size_t)s->around;
  memset(s->sum, 0, n * sizeof *s->sum);
  for (int m = -s->time.half; m <= s->time.half; m++) {
    const float *f = field_at(s, record + m);
    const double b = s->time.b[m + s->time.half];
    for (size_t q = 0; q < n; q++) s->sum[q] += b * (double)f[q];
  }
}

/* ---- from unit fields to wind ---- */
typedef struct {
  double along[2], across[2]; /* unit vectors of the mean wind and to its left */
  double speed, u_star, depth;
} Wind;

static Wind wind_at(const Synthetic *s, double t_s) {
  const WbLesOptions *o = &s->opt;
  Wind w;
  double angle;
  wb_les_wind_polar(o, t_s, &w.speed, &angle);
  w.along[0] = -sin(angle), w.along[1] = -cos(angle);
  w.across[0] = -w.along[1], w.across[1] = w.along[0];
  w.u_star = WB_KARMAN * w.speed / log(PetscMax(o->wind_height_m, 2.0 * o->z0_ground_m) / o->z0_ground_m);
  w.depth = PetscMax(o->mixed_height_m, 2.0 * o->wind_height_m);
  return w;
}

/* velocity: u, v, w at height z out of the unit fields f[0 .. 2]. */
static void turbulent(const Synthetic *s, const Wind *w, double z, const double f[3], double velocity[3]) {
  const double part = PetscMax(0.0, 1.0 - z / w->depth), u = w->u_star * sqrt(part);
  const double mean = wb_les_log_wind(&s->opt, w->speed, z) + 2.4 * u * f[0], side = 1.9 * u * f[1];
  for (int d = 0; d < 2; d++) velocity[d] = mean * w->along[d] + side * w->across[d];
  const double with_u = -u / 2.4; /* Lund: a_31 = R_uw / a_11 */
  velocity[2] = with_u * f[0] + sqrt(1.25 * 1.25 * u * u - with_u * with_u) * f[2];
}

/* Face m of an edge on the closed line. */
static int on_line(const WbInflow f, bool west_east, bool hi, int m) {
  if (west_east) return hi ? f->nx + m : 2 * f->nx + f->ny + (f->ny - 1 - m);
  return hi ? f->nx + f->ny + (f->nx - 1 - m) : m;
}

static void fill_edge(const WbInflow f, const Synthetic *s, const Wind *wind, bool west_east, bool hi, float *out) {
  const int n = west_east ? f->ny : f->nx;
  const size_t plane = (size_t)f->nz * (size_t)n, field = (size_t)s->nz * (size_t)s->around;
  for (int k = 0; k < f->nz; k++)
    for (int m = 0; m < n; m++) {
      const size_t line = (size_t)k * (size_t)s->around + (size_t)on_line(f, west_east, hi, m);
      const size_t q = (size_t)k * (size_t)n + (size_t)m;
      const double unit[3] = {s->sum[line], s->sum[field + line], s->sum[2 * field + line]};
      const double z = 0.5 * (f->zf[k] + f->zf[k + 1]);
      double centre[3], face[3];
      turbulent(s, wind, z, unit, centre);
      turbulent(s, wind, f->zf[k], unit, face);
      out[(size_t)(hi ? WB_IN_NORMAL_HI : WB_IN_NORMAL) * plane + q] = (float)centre[west_east ? 0 : 1];
      out[(size_t)(hi ? WB_IN_TANGENT_HI : WB_IN_TANGENT_LO) * plane + q] = (float)centre[west_east ? 1 : 0];
      out[(size_t)(hi ? WB_IN_W_HI : WB_IN_W_LO) * plane + q] = k > 0 ? (float)face[2] : 0.0F;
      out[(size_t)(hi ? WB_IN_THETA_HI : WB_IN_THETA_LO) * plane + q] =
          (float)(wb_les_theta_ref(&s->opt, z) - s->opt.theta_surface_K);
    }
}

static PetscErrorCode synthetic_record(WbInflow f, int record, float *out) {
  Synthetic *s = f->source;
  PetscFunctionBeginUser;
  const Wind wind = wind_at(s, f->t_first_s + record * f->interval_s);
  filter_time(s, record);
  for (int side = 0; side < 4; side++)
    fill_edge(f, s, &wind, side < 2, side % 2 == 1, out + (side < 2 ? 0 : f->size_x));
  PetscFunctionReturn(0);
}

/* Rank 0 makes the records; the others need the sizes alone. */
static PetscErrorCode setup(Synthetic *s, const WbInflow f, double length_m) {
  PetscFunctionBeginUser;
  s->nz = f->nz;
  s->around = 2 * (f->nx + f->ny);
  const double n = ACROSS * length_m / f->dx_m, nz = ACROSS * length_m / ((f->zf[f->nz] - f->zf[0]) / f->nz);
  PetscCall(filter_create(n, PetscMin((int)ceil(2 * n), s->around / 2 - 1), &s->along));
  PetscCall(filter_create(nz, (int)ceil(2 * nz), &s->up));
  PetscCall(filter_create(STEPS_PER_SCALE, HALF_TIME, &s->time));
  const size_t level = (size_t)COMPONENTS * (size_t)s->around, tall = level * (size_t)(s->nz + 2 * s->up.half);
  PetscCall(WB_ALLOC(tall, &s->raw));
  PetscCall(WB_ALLOC(tall, &s->part));
  PetscCall(WB_ALLOC(level * (size_t)s->nz, &s->sum));
  for (int r = 0; r < RING; r++) {
    PetscCall(WB_ALLOC(level * (size_t)s->nz, &s->ring[r]));
    s->index[r] = INT_MIN;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_inflow_synthetic(MPI_Comm comm, const WbInflowDomain *domain, const WbLesOptions *options,
                                   double length_m, WbInflow *inflow) {
  static const WbInflowSource source = {.record = synthetic_record, .close = synthetic_close};
  WbInflowDomain d = *domain;
  WbInflow f = NULL;
  Synthetic *s = NULL;
  double speed, angle;
  PetscFunctionBeginUser;
  *inflow = NULL;
  if (!(length_m > 0.0))
    WB_RAISE_ALL(WB_ERR_CONFIG, "synthetic inflow: an integral length of %g m; allowed: positive lengths", length_m);
  wb_les_wind_polar(options, 0.0, &speed, &angle);
  d.interval_s = length_m / PetscMax(speed, LEAST_SPEED_M_PER_S) / STEPS_PER_SCALE;
  PetscCall(wb_inflow_made(comm, "synthetic inflow", &d, options, &source, &f));
  PetscErrorCode ierr = WB_CALLOC(1, &s);
  f->source = s;
  if (!ierr) s->opt = *options;
  if (!ierr) ierr = wb_error_agree(comm, f->rank == 0 ? setup(s, f, length_m) : 0);
  if (ierr) wb_inflow_destroy(&f);
  *inflow = f;
  PetscFunctionReturn(ierr);
}
