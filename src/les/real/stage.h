/* What the kernels of one Runge-Kutta stage see: plain pointers and scalars. Included by src/les/real/ only. */
#ifndef WB_LES_STAGE_H
#define WB_LES_STAGE_H
#include "windbridge/real.h"
#include "les_internal.h"

#if WB_SINGLE
#define WB_ABS(x) fabsf(x)
#define WB_SQRT(x) sqrtf(x)
#else
#define WB_ABS(x) fabs(x)
#define WB_SQRT(x) sqrt(x)
#endif
#define WB_INLINE static inline __attribute__((always_inline))
/* Viscosity stored in solid cells: so negative that any average with it is cut to 0 by max(0, .), which shuts edges and
 * faces touching a wall without a mask. */
#define WB_NUT_SOLID ((WbReal)-1.0e6)

typedef struct {
  int nz, nyl, nxl, sy;
  size_t sz, origin;                   /* origin: offset of owned cell (0, 0, 0) */
  const WbReal *in[WB_LES_FIELDS_MAX]; /* fields at which the tendency is taken */
  const WbReal *base[WB_LES_FIELDS_MAX];
  WbReal *out[WB_LES_FIELDS_MAX]; /* out = base + dt * tendency(in) ; closed faces are zeroed afterwards */
  const WbReal *nut;
  const WbReal *kappa;                     /* of heat and tracers, times inv_prandtl: nut, or Deardorff's own */
  const WbReal *production, *decay;        /* of subgrid kinetic energy (Deardorff) */
  const WbReal *fluid;                     /* 1 in fluid, 0 in solid cells */
  const uint8_t *near_wall;                /* blocks of cells where fluid is needed (les_internal.h) */
  WbReal *fx, *fy, *fz[WB_LES_FIELDS_MAX]; /* flux buffers: line, line, planes of a component */
  const struct WbLesPorous_s *porous;      /* geometry below the cells, or NULL */
  WbReal dt, rdx, force[2];
  WbReal coriolis, geostrophic[2]; /* f; large-scale wind */
  WbReal inv_prandtl, buoyancy;    /* 1 / Pr_t; g / theta0 */
  WbReal upwind;                   /* 1/12 of the fraction of upwind dissipation */
  /* per level, index k: 1/dz, 1/dzf (face below k), dz */
  const double *dz, *dzf;
  const double *drive;                         /* (nz): factor of force */
  const double *push[2], *heating;             /* (nz): acceleration of u, v; heating by level or NULL */
  const double *theta_ref, *relax_c, *relax_f; /* (nz): offset of reference theta, damping rate at centre and face */
} WbStage;

void WB_R(wb_les_advance_u)(const WbStage *s, int k);
void WB_R(wb_les_advance_v)(const WbStage *s, int k);
void WB_R(wb_les_advance_w)(const WbStage *s, int k);
void WB_R(wb_les_advance_fifth_u)(const WbStage *s, int k); /* momentum advected by the fifth-order scheme */
void WB_R(wb_les_advance_fifth_v)(const WbStage *s, int k);
void WB_R(wb_les_advance_fifth_w)(const WbStage *s, int k);
void WB_R(wb_les_advance_theta)(const WbStage *s, int k);
void WB_R(wb_les_advance_tracer)(const WbStage *s, int field, int k);
void WB_R(wb_les_advance_tke)(const WbStage *s, int field, int k); /* transport, then production and dissipation */
void WB_R(wb_les_emit)(const WbStage *s, int field, const WbLesSourceList *list);
void WB_R(wb_les_coriolis)(const WbStage *s, int k);
void WB_R(wb_les_heat_level)(const WbStage *s, int k);
void WB_R(wb_les_close)(WbReal *field, const WbLesRuns *runs, int k); /* zero on the closed faces of level k */
void WB_R(wb_les_wall_stress)(const WbStage *s, const WbLesWallList list[3], bool no_slip, int k);
void WB_R(wb_les_lid)(WbLes les, const WbStage *s);
double WB_R(wb_les_ground_stress)(WbLes les);
double WB_R(wb_les_ground_heat)(WbLes les); /* local sum of the kinematic heat flux over ground cells */
void WB_R(wb_les_ground_exchange)(WbLes les, const WbStage *s);
void WB_R(wb_les_exchange)(const WbStage *s, const WbLesExchange *list, int axis, double change_K);
void WB_R(wb_les_heat)(const WbStage *s, const WbLesHeatList *list);
/* porous/real: the air's own velocity of a state; then the listed faces and cells of level k, after the plain kernels.
 */
const WbReal *WB_R(wb_les_porous_velocity)(WbLes les, const void *state);
void WB_R(wb_les_porous_momentum)(const WbStage *s, const struct WbLesPorous_s *p, size_t field, int k);
void WB_R(wb_les_porous_scalar)(const WbStage *s, const struct WbLesPorous_s *p, int field, const WbReal *kappa,
                                WbReal factor, WbReal relax, WbReal ref, int k);
double WB_R(wb_les_porous_cfl)(WbLes les); /* local */
/* Viscosity at centres of owned cells and one ring; returns the largest 2 nu (2/dx2 + 1/dz2) [s-1]. */
double WB_R(wb_les_viscosity)(WbLes les, const WbReal *state);
void WB_R(wb_les_z_ghosts)(WbLes les);

WB_INLINE WbReal *wb_les_field(const WbLes les, void *state, int f) {
  return (WbReal *)state + (size_t)f * les->lay.field;
}
/* Viscosity on an edge: mean of its four cells, 0 when one of them is solid. */
WB_INLINE WbReal wb_les_edge(WbReal a, WbReal b, WbReal c, WbReal d) {
  const WbReal s = (WbReal)0.25 * ((a + b) + (c + d));
  return s > (WbReal)0 ? s : (WbReal)0;
}
#endif
