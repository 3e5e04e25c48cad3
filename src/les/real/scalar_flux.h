/* The flux of a scalar through one face, shared by its transport (scalar.c) and by those who report it (profiles.c,
 * mean_shear.c): Koren's (1993) limited third-order upwind interpolation, diffusion nu_t / Pr_t. A solid upwind-upwind
 * neighbour counts as zero gradient. */
#ifndef WB_LES_SCALAR_FLUX_H
#define WB_LES_SCALAR_FLUX_H
#include "stage.h"

/* Koren's limiter as an increment from the upwind value: 1/2 minmod(2 b, (a + 2 b)/3, 2 a), a = gradient upwind of the
 * upwind cell, b = across the face. */
WB_INLINE WbReal wb_les_koren(WbReal a, WbReal b) {
  const WbReal third = (WbReal)(1.0 / 3.0), half = (WbReal)0.5;
  const WbReal aa = WB_ABS(a), bb = WB_ABS(b);
  const WbReal small = aa < bb ? aa : bb, mid = half * third * (aa + (WbReal)2 * bb);
  const WbReal size = small < mid ? small : mid;
  return a * b > (WbReal)0 ? (b > (WbReal)0 ? size : -size) : (WbReal)0;
}

/* Value that the velocity vel carries through the face between t[-st] and t[0]. m: 1 in fluid, 0 in solid cells. */
WB_INLINE WbReal wb_les_carried(const WbReal *t, const WbReal *m, ptrdiff_t st, WbReal vel, bool masked) {
  const bool forward = vel > (WbReal)0;
  const WbReal d = t[0] - t[-st];
  WbReal a_lo = t[-st] - t[-2 * st], a_hi = t[0] - t[st];
  if (masked) {
    a_lo *= m[-2 * st];
    a_hi *= m[st];
  }
  const WbReal up = forward ? t[-st] : t[0];
  return up + wb_les_koren(forward ? a_lo : a_hi, forward ? d : -d);
}
#endif
