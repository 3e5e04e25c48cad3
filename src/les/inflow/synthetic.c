/* Synthetic inflow: eddies (eddies.c) about the log law of the options' wind, all stresses times 1 - z / delta.
 */
#include "inflow_internal.h"

typedef struct {
  WbLesOptions opt;
  WbEddies eddies; /* rank 0 */
} Synthetic;

static void synthetic_close(void **source) {
  Synthetic *s = *source;
  if (s && s->eddies) wb_eddies_destroy(&s->eddies);
  wb_free_bytes(source);
}

typedef struct {
  double along[2], speed, u_star, depth;
} Wind;

static Wind wind_at(const Synthetic *s, double t_s) {
  const WbLesOptions *o = &s->opt;
  Wind w;
  double angle;
  wb_les_wind_polar(o, t_s, &w.speed, &angle);
  w.along[0] = -sin(angle), w.along[1] = -cos(angle);
  w.u_star = WB_KARMAN * w.speed / log(PetscMax(o->wind_height_m, 2.0 * o->z0_ground_m) / o->z0_ground_m);
  w.depth = PetscMax(o->mixed_height_m, 2.0 * o->wind_height_m);
  return w;
}

/* u, v, w at height z out of the unit fields. */
static void turbulent(const Synthetic *s, const Wind *w, double z, const double unit[3], double velocity[3]) {
  const double mean = wb_les_log_wind(&s->opt, w->speed, z), part = PetscMax(0.0, 1.0 - z / w->depth);
  wb_eddies_velocity(unit, w->u_star * sqrt(part), w->along, velocity);
  for (int d = 0; d < 2; d++) velocity[d] += mean * w->along[d];
}

static void fill_edge(const WbInflow f, const Synthetic *s, const Wind *wind, int edge, float *out) {
  const bool west_east = edge < 2, hi = edge % 2 == 1;
  const int n = west_east ? f->ny : f->nx;
  const size_t plane = (size_t)f->nz * (size_t)n;
  for (int k = 0; k < f->nz; k++)
    for (int m = 0; m < n; m++) {
      const size_t q = (size_t)k * (size_t)n + (size_t)m;
      const double z = 0.5 * (f->zf[k] + f->zf[k + 1]);
      double unit[3], centre[3], face[3];
      wb_eddies_unit(s->eddies, edge, k, m, unit);
      turbulent(s, wind, z, unit, centre);
      turbulent(s, wind, f->zf[k], unit, face);
      out[wb_inflow_plane(f, WB_IN_NORMAL, hi) * plane + q] = (float)centre[west_east ? 0 : 1];
      out[wb_inflow_plane(f, WB_IN_TANGENT, hi) * plane + q] = (float)centre[west_east ? 1 : 0];
      out[wb_inflow_plane(f, WB_IN_W, hi) * plane + q] = k > 0 ? (float)face[2] : 0.0F;
      out[wb_inflow_plane(f, WB_IN_THETA, hi) * plane + q] =
          (float)(wb_les_theta_ref(&s->opt, z) - s->opt.theta_surface_K);
    }
}

static PetscErrorCode synthetic_record(WbInflow f, int record, float *out) {
  Synthetic *s = f->source;
  PetscFunctionBeginUser;
  const Wind wind = wind_at(s, f->t_first_s + record * f->interval_s);
  wb_eddies_at(s->eddies, record);
  for (int edge = 0; edge < 4; edge++) fill_edge(f, s, &wind, edge, out + (edge < 2 ? 0 : f->size_x));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_inflow_synthetic(MPI_Comm comm, const WbInflowDomain *domain, const WbLesOptions *options,
                                   double length_m, WbInflow *inflow) {
  static const WbInflowSource source = {.record = synthetic_record, .close = synthetic_close};
  WbInflow f = NULL;
  Synthetic *s = NULL;
  PetscFunctionBeginUser;
  *inflow = NULL;
  PetscCall(wb_inflow_made(comm, "synthetic inflow", domain, options, length_m, &source, &f));
  PetscErrorCode ierr = WB_CALLOC(1, &s);
  f->source = s;
  if (!ierr) s->opt = *options;
  if (!ierr) ierr = wb_error_agree(comm, f->rank == 0 ? wb_eddies_create(f, options->seed, length_m, &s->eddies) : 0);
  if (ierr) wb_inflow_destroy(&f);
  *inflow = f;
  PetscFunctionReturn(ierr);
}
