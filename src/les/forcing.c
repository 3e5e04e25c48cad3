/* Large-scale forcing: wind that changes in time, Coriolis parameter, prescribed tendencies. */
#include "les_internal.h"

#define EARTH_ROTATION_PER_S 7.2921e-5

/* Where t lies among n increasing entries: index of the lower one and weight of the next; constant beyond the ends. */
static int bracket(int n, const double *at, double t, double *up) {
  int i = 0;
  *up = 0.0;
  if (n < 2 || !(t > at[0])) return 0;
  while (i < n - 2 && t >= at[i + 1]) i++;
  *up = PetscMin(1.0, (t - at[i]) / (at[i + 1] - at[i]));
  return i;
}

static double interpolate(int n, const double *at, const double *value, double t) {
  double up;
  const int i = bracket(n, at, t, &up);
  return up > 0.0 ? value[i] + up * (value[i + 1] - value[i]) : value[i];
}

void wb_les_wind_polar(const WbLesOptions *o, double t_s, double *speed, double *angle) {
  const WbLesForcing *f = &o->forcing;
  double direction = o->wind_direction_deg;
  *speed = o->wind_speed_m_per_s;
  if (f->n_wind > 0) {
    double up;
    const int i = bracket(f->n_wind, f->wind_time_s, t_s, &up), j = up > 0.0 ? i + 1 : i;
    const double turn = remainder(f->wind_direction_deg[j] - f->wind_direction_deg[i], 360.0);
    *speed = f->wind_speed_m_per_s[i] + up * (f->wind_speed_m_per_s[j] - f->wind_speed_m_per_s[i]);
    direction = f->wind_direction_deg[i] + up * turn;
  }
  *angle = direction * PETSC_PI / 180.0;
}

void wb_les_wind(const WbLesOptions *o, double t_s, double wind[2]) {
  double speed, angle;
  wb_les_wind_polar(o, t_s, &speed, &angle);
  wind[0] = -speed * sin(angle);
  wind[1] = -speed * cos(angle);
}

PetscErrorCode wb_les_forcing_create(WbLes les) {
  const WbLesForcing *f = &les->opt.forcing;
  WbLesMetrics *m = &les->met;
  const int nz = les->lay.nz;
  const double *const value[3] = {f->tendency_u_m_per_s2, f->tendency_v_m_per_s2, f->tendency_theta_K_per_s};
  PetscFunctionBeginUser;
  for (int c = 0; c < 3; c++) {
    PetscCall(WB_CALLOC(nz, &m->tendency[c]));
    PetscCall(WB_CALLOC(nz, &m->push[c]));
    for (int k = 0; k < nz && f->n_tendency > 0; k++)
      m->tendency[c][k] = interpolate(f->n_tendency, f->tendency_height_m, value[c], m->zc[k + 1]);
  }
  if (f->coriolis || f->geostrophic)
    les->coriolis_per_s = 2.0 * EARTH_ROTATION_PER_S * sin(f->latitude_deg * PETSC_PI / 180.0);
  PetscFunctionReturn(0);
}

/* The wind that a controller steers changes everywhere alike, also above the layer in which the controller acts. A
 * geostrophic wind acts through the Coriolis force alone. */
void wb_les_forcing_step(WbLes les, double dt_s) {
  double now[2], then[2];
  wb_les_wind(&les->opt, les->time_s, now);
  wb_les_wind(&les->opt, les->time_s + dt_s, then);
  for (int c = 0; c < 3; c++) {
    const double change = c < 2 && les->opt.drive_mean_wind ? (then[c] - now[c]) / dt_s : 0.0;
    if (c < 2) les->geostrophic[c] = 0.5 * (now[c] + then[c]);
    for (int k = 0; k < les->lay.nz; k++) les->met.push[c][k] = les->met.tendency[c][k] + change;
  }
}
