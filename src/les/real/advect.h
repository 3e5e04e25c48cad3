/* What upwind-biased schemes add to the second-order central flux m (q_0 + q_1) / 2 of momentum: Wicker & Skamarock
 * (2002, Mon. Wea. Rev. 130, 2088), eq. 4. Both functions return what is to be subtracted from the central flux.
 *
 * central: a fraction of the dissipation of the third-order scheme, |m|/12 [3 (q_1 - q_0) - (q_p - q_m)].
 * fifth:   the sixth-order flux less the dissipation of the fifth-order scheme,
 *          F = m/60 [37 (q_1 + q_0) - 8 (q_p + q_m) + (q_pp + q_mm)] -
 *              |m|/60 [10 (q_1 - q_0) - 5 (q_p - q_m) + (q_pp - q_mm)],
 *          the third-order one where the outer stencil is cut, second-order central where the inner one is.
 *
 * A closed face holds exactly 0: where one stands in the stencil of a tangential flux, or carries the flux itself, the
 * stencil is cut; along the normal the velocity at a wall is a value like others, those behind it are not. */
#ifndef WB_LES_ADVECT_H
#define WB_LES_ADVECT_H
#include "stage.h"

/* The stencil of a flux between q[-s] and q[0]; beyond them q[-2 s], q[up], q[-far_down], q[far_up]. */
typedef struct {
  WbReal weight; /* 1/12 of the fraction of what the third-order scheme adds */
  bool fifth;    /* a constant to the compiler */
  bool far;      /* fifth: the outer stencil exists */
  ptrdiff_t s, up, far_down, far_up;
} WbLine;

WB_INLINE WbReal wb_les_third_weight(const WbStage *s, bool fifth) {
  return fifth ? (WbReal)(1.0 / 12.0) : s->upwind;
}
WB_INLINE WbLine wb_les_line(const WbStage *s, bool fifth, ptrdiff_t stride) {
  const WbLine a = {wb_les_third_weight(s, fifth), fifth, fifth, stride, stride, 3 * stride, 2 * stride};
  return a;
}
/* Along z the stencil ends at the ground and at the top, for the flux above level k: nothing is added below level
 * `first` and at the highest flux. */
WB_INLINE WbLine wb_les_line_z(const WbStage *s, bool fifth, int k, int first) {
  const bool inside = k >= first && k < s->nz - 1, far = fifth && k > 1 && k < s->nz - 2;
  const ptrdiff_t sz = (ptrdiff_t)s->sz;
  const WbLine a = {
      inside ? wb_les_third_weight(s, fifth) : 0, fifth, far, sz, inside ? sz : 0, far ? 3 * sz : sz, far ? 2 * sz : 0};
  return a;
}

WB_INLINE WbReal wb_les_fifth(WbLine a, WbReal m, const WbReal *q, bool near, bool far) {
  const WbReal sum = q[0] + q[-a.s], step = q[0] - q[-a.s];
  const WbReal sum3 = q[a.up] + q[-2 * a.s], step3 = q[a.up] - q[-2 * a.s];
  const WbReal sum5 = q[a.far_up] + q[-a.far_down], step5 = q[a.far_up] - q[-a.far_down];
  const WbReal three = a.weight * (WB_ABS(m) * ((WbReal)3 * step - step3) - m * (sum - sum3));
  const WbReal five = (WbReal)(1.0 / 60.0) * (WB_ABS(m) * (((WbReal)10 * step - (WbReal)5 * step3) + step5) -
                                              m * (((WbReal)7 * sum - (WbReal)8 * sum3) + sum5));
  return far ? five : near ? three : 0;
}

WB_INLINE WbReal wb_les_beyond_normal(WbLine a, WbReal m, const WbReal *q) {
  const WbReal qm = q[-2 * a.s], q0 = q[-a.s], q1 = q[0], qp = q[a.up];
  if (a.fifth) return wb_les_fifth(a, m, q, q0 * q1 != 0, a.far && (q0 * qm) * (q1 * qp) != 0);
  const WbReal third = (WbReal)3 * (q1 - q0) - (qp - qm);
  return q0 * q1 != 0 ? a.weight * WB_ABS(m) * third : 0;
}
WB_INLINE WbReal wb_les_beyond_tangential(WbLine a, WbReal m, const WbReal *q) {
  const WbReal qm = q[-2 * a.s], q0 = q[-a.s], q1 = q[0], qp = q[a.up];
  const bool near = (q0 * qm) * (q1 * qp) != 0;
  if (a.fifth) return wb_les_fifth(a, m, q, near, a.far && near && q[a.far_up] * q[-a.far_down] != 0);
  const WbReal third = (WbReal)3 * (q1 - q0) - (qp - qm);
  return near ? a.weight * WB_ABS(m) * third : 0;
}
#endif
