/* Monin-Obukhov similarity: profile functions, and the stability of a surface layer from its flux or its difference of
 * temperature. Fm = ln(z/z0) - psi_m(zeta) + psi_m(zeta z0/z), Fh likewise: U = u_star Fm / kappa. */
#include "most.h"

#define STABLE 5.0
#define UNSTABLE 16.0
#define ZETA_MIN (-100.0)
#define ZETA_MAX 10.0

double wb_most_phi_m(double zeta) {
  return zeta < 0.0 ? 1.0 / sqrt(sqrt(1.0 - UNSTABLE * zeta)) : 1.0 + STABLE * zeta;
}

double wb_most_phi_h(double zeta) {
  return zeta < 0.0 ? 1.0 / sqrt(1.0 - UNSTABLE * zeta) : 1.0 + STABLE * zeta;
}

/* Paulson (1970), J. Appl. Meteorol. 9. */
double wb_most_psi_m(double zeta) {
  if (zeta >= 0.0) return -STABLE * zeta;
  const double x = sqrt(sqrt(1.0 - UNSTABLE * zeta));
  return 2.0 * log(0.5 * (1.0 + x)) + log(0.5 * (1.0 + x * x)) - 2.0 * atan(x) + 0.5 * PETSC_PI;
}

double wb_most_psi_h(double zeta) {
  if (zeta >= 0.0) return -STABLE * zeta;
  return 2.0 * log(0.5 * (1.0 + sqrt(1.0 - UNSTABLE * zeta)));
}

typedef struct {
  double a, b, r, rh; /* ln(z/z0), ln(z/z0h), z0/z, z0h/z */
  double target;
} Layer;

static double profile_m(const Layer *l, double zeta) {
  return l->a - wb_most_psi_m(zeta) + wb_most_psi_m(zeta * l->r);
}
static double profile_h(const Layer *l, double zeta) {
  return l->b - wb_most_psi_h(zeta) + wb_most_psi_h(zeta * l->rh);
}

/* Increasing functions of zeta whose zero is wanted. */
static double miss_flux(const Layer *l, double zeta) {
  const double f = profile_m(l, zeta);
  return zeta / (f * f * f) - l->target;
}
static double miss_difference(const Layer *l, double zeta) {
  const double f = profile_m(l, zeta);
  return zeta * profile_h(l, zeta) / (f * f) - l->target;
}

/* Zero of an increasing function in [lo, hi], or the end it lies beyond: false position (Illinois), which needs no
 * state from step to step. */
static double zero(double (*miss)(const Layer *, double), const Layer *l, double lo, double hi) {
  double flo = miss(l, lo), fhi = miss(l, hi);
  if (!(flo < 0.0)) return lo;
  if (!(fhi > 0.0)) return hi;
  for (int n = 0, side = 0; n < 100 && hi - lo > 1e-12 * (fabs(lo) + fabs(hi)); n++) {
    const double mid = n % 20 == 19 ? 0.5 * (lo + hi) : lo + (hi - lo) * flo / (flo - fhi), f = miss(l, mid);
    if (f == 0.0) return mid;
    if (f < 0.0) {
      lo = mid, flo = f;
      if (side == -1) fhi *= 0.5;
      side = -1;
    } else {
      hi = mid, fhi = f;
      if (side == 1) flo *= 0.5;
      side = 1;
    }
    if (fabs(f) <= 1e-14 * fabs(l->target)) return mid;
  }
  return 0.5 * (lo + hi);
}

static WbMost result(const Layer *l, double z, double zeta) {
  const double fm = profile_m(l, zeta), fh = profile_h(l, zeta);
  return (WbMost){.zeta = zeta,
                  .cd = WB_KARMAN * WB_KARMAN / (fm * fm),
                  .ch = WB_KARMAN * WB_KARMAN / (fm * fh),
                  .slope = wb_most_phi_m(zeta) / (z * fm)};
}

/* zeta / Fm^3 = -z B / (kappa^2 U^3); on the stable side it has its largest value at Fm's constant / (2 slope). */
WbMost wb_most_from_flux(double z, double z0, double z0h, double speed, double buoyancy) {
  const Layer l = {.a = log(z / z0),
                   .b = log(z / z0h),
                   .r = z0 / z,
                   .rh = z0h / z,
                   .target = -z * buoyancy / (WB_KARMAN * WB_KARMAN * speed * speed * speed)};
  double zeta = 0.0;
  if (l.target < 0.0)
    zeta = zero(miss_flux, &l, ZETA_MIN, 0.0);
  else if (l.target > 0.0)
    zeta = zero(miss_flux, &l, 0.0, PetscMin(ZETA_MAX, l.a / (2.0 * STABLE * (1.0 - l.r))));
  return result(&l, z, zeta);
}

/* zeta Fh / Fm^2 = bulk Richardson number. */
WbMost wb_most_from_difference(double z, double z0, double z0h, double speed, double difference) {
  const Layer l = {
      .a = log(z / z0), .b = log(z / z0h), .r = z0 / z, .rh = z0h / z, .target = z * difference / (speed * speed)};
  double zeta = 0.0;
  if (l.target < 0.0)
    zeta = zero(miss_difference, &l, ZETA_MIN, 0.0);
  else if (l.target > 0.0)
    zeta = zero(miss_difference, &l, 0.0, ZETA_MAX);
  return result(&l, z, zeta);
}
