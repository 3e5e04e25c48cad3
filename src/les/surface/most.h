/* Inside of the LES module: Monin-Obukhov similarity with the functions of Businger and Dyer (Dyer 1974, Boundary-Layer
 * Meteorol. 7): phi_m = (1 - 16 zeta)^-1/4, phi_h = (1 - 16 zeta)^-1/2 for zeta < 0, both 1 + 5 zeta else; kappa = 0.4.
 */
#ifndef WB_LES_MOST_H
#define WB_LES_MOST_H
#include "les_internal.h"

#define WB_MOST_CALM_M_PER_S 0.1 /* exchange of heat never stands still: the least speed it is worked out with */

double wb_most_phi_m(double zeta);
double wb_most_phi_h(double zeta);
double wb_most_psi_m(double zeta); /* integral of (1 - phi) / zeta from 0 */
double wb_most_psi_h(double zeta);

typedef struct {
  double zeta;  /* z / L, within [-100, 10] */
  double cd;    /* u_star^2 = cd U^2 */
  double ch;    /* kinematic heat flux = ch U (theta_surface - theta) */
  double slope; /* dU/dz = slope U at z [m-1] */
} WbMost;
/* z: height of the air above the surface with roughness lengths z0 (momentum) and z0h (heat) [m]; speed > 0 [m s-1];
 * buoyancy: g / theta0 times the flux [m2 s-3], > 0 when the surface heats. A cooling that the wind cannot carry (no
 * solution) takes the zeta of the largest flux it can. */
WbMost wb_most_from_flux(double z, double z0, double z0h, double speed, double buoyancy);
/* difference: g / theta0 times (theta air - theta surface) [m s-2]. */
WbMost wb_most_from_difference(double z, double z0, double z0h, double speed, double difference);
#endif
