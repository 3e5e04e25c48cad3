/* Eddies for made inflow: digital filter of Klein, Sadiki & Janicka (2003, J. Comput. Phys. 186, 652), eq. 9 to 14,
 * with Gaussian correlation exp(-pi r^2 / (4 L^2)) along the edge, in height and in time (Taylor's hypothesis), given
 * the stresses of a neutral boundary layer by the transformation of Lund, Wu & Squires (1998, J. Comput. Phys. 140,
 * 233), eq. 12. Turned to the wind: sigma_u, v, w = 2.4, 1.9, 1.25 u* (Panofsky & Dutton 1984), <u'w'> = -u*^2.
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

struct WbEddies_s {
  uint32_t seed;
  int nx, ny;
  int around, nz; /* faces of the closed line: south, east, north, west, counterclockwise */
  Filter along, up, time;
  float *raw, *part; /* (COMPONENTS, nz + 2 up.half, around): random, filtered along */
  float *ring[RING]; /* (COMPONENTS, nz, around): filtered in space, of time index `index` */
  int index[RING];
  double *sum; /* (COMPONENTS, nz, around): filtered in time */
};

void wb_eddies_destroy(WbEddies *eddies) {
  WbEddies s = *eddies;
  if (!s) return;
  WB_FREE(&s->along.b);
  WB_FREE(&s->up.b);
  WB_FREE(&s->time.b);
  WB_FREE(&s->raw);
  WB_FREE(&s->part);
  for (int r = 0; r < RING; r++) WB_FREE(&s->ring[r]);
  WB_FREE(&s->sum);
  WB_FREE(eddies);
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
static void draw(WbEddies s, int index) {
  const int levels = s->nz + 2 * s->up.half;
  const size_t field = (size_t)levels * (size_t)s->around;
  const WbRandomKey key = {.seed = s->seed, .stream = WB_STREAM_INFLOW, .minute = (uint32_t)index};
  for (size_t q = 0; q < field; q++) {
    float four[4];
    wb_random_normal4(&key, q, four);
    for (size_t c = 0; c < COMPONENTS; c++) s->raw[c * field + q] = four[c];
  }
}

static void filter_space(WbEddies s, float *out) {
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

static const float *field_at(WbEddies s, int index) {
  const int slot = ((index % RING) + RING) % RING;
  if (s->index[slot] != index) {
    draw(s, index);
    filter_space(s, s->ring[slot]);
    s->index[slot] = index;
  }
  return s->ring[slot];
}

void wb_eddies_at(WbEddies s, int record) {
  const size_t n = (size_t)COMPONENTS * (size_t)s->nz * (size_t)s->around;
  memset(s->sum, 0, n * sizeof *s->sum);
  for (int m = -s->time.half; m <= s->time.half; m++) {
    const float *f = field_at(s, record + m);
    const double b = s->time.b[m + s->time.half];
    for (size_t q = 0; q < n; q++) s->sum[q] += b * (double)f[q];
  }
}

/* Face m of an edge on the closed line. */
static int on_line(const WbEddies s, bool west_east, bool hi, int m) {
  if (west_east) return hi ? s->nx + m : 2 * s->nx + s->ny + (s->ny - 1 - m);
  return hi ? s->nx + s->ny + (s->nx - 1 - m) : m;
}

void wb_eddies_unit(const WbEddies s, int edge, int k, int m, double unit[3]) {
  const size_t field = (size_t)s->nz * (size_t)s->around;
  const size_t at = (size_t)k * (size_t)s->around + (size_t)on_line(s, edge < 2, edge % 2 == 1, m);
  for (size_t c = 0; c < COMPONENTS; c++) unit[c] = s->sum[c * field + at];
}

void wb_eddies_velocity(const double unit[3], double u_star, const double along[2], double velocity[3]) {
  const double first = 2.4 * u_star * unit[0], side = 1.9 * u_star * unit[1], with_u = -u_star / 2.4;
  velocity[0] = first * along[0] - side * along[1];
  velocity[1] = first * along[1] + side * along[0];
  velocity[2] =
      with_u * unit[0] + sqrt(1.25 * 1.25 * u_star * u_star - with_u * with_u) * unit[2]; /* Lund: a_31, a_33 */
}

double wb_eddies_u_star(double tke) {
  return sqrt(tke / (0.5 * (2.4 * 2.4 + 1.9 * 1.9 + 1.25 * 1.25)));
}

double wb_eddies_interval(const WbLesOptions *options, double length_m) {
  double speed, angle;
  wb_les_wind_polar(options, 0.0, &speed, &angle);
  return length_m / PetscMax(speed, LEAST_SPEED_M_PER_S) / STEPS_PER_SCALE;
}

double wb_eddies_bytes(int nx, int ny, int nz, double dx_m, double dz_m, double length_m) {
  const double level = 2.0 * COMPONENTS * (nx + ny), reach = 2 * ceil(2 * ACROSS * length_m / dz_m);
  return level * (sizeof(float) * (2 * (nz + reach) + RING * (double)nz) + sizeof(double) * nz);
}

static PetscErrorCode setup(WbEddies s, const WbInflow f, double length_m) {
  PetscFunctionBeginUser;
  s->nx = f->nx;
  s->ny = f->ny;
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

PetscErrorCode wb_eddies_create(const WbInflow f, uint32_t seed, double length_m, WbEddies *eddies) {
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(1, eddies));
  (*eddies)->seed = seed;
  PetscCall(setup(*eddies, f, length_m));
  PetscFunctionReturn(0);
}
