/* Large-scale forcing of one level, after the dense kernels: Coriolis force and heating by level. */
#include "stage.h"

/* du = f (v - v_g), dv = -f (u - u_g), each with the mean of the four faces around: f u v cancels in the energy. */
WB_KERNEL void WB_R(wb_les_coriolis)(const WbStage *s, int k) {
  const ptrdiff_t sy = s->sy;
  const WbReal turn = s->dt * s->coriolis, q = (WbReal)0.25, ug = s->geostrophic[0], vg = s->geostrophic[1];
  for (int j = 0; j < s->nyl; j++) {
    const size_t o = s->origin + (size_t)k * s->sz + (size_t)j * (size_t)sy;
    const WbReal *u = s->in[WB_U] + o, *v = s->in[WB_V] + o;
    WbReal *restrict out_u = s->out[WB_U] + o, *restrict out_v = s->out[WB_V] + o;
#pragma omp simd
    for (int i = 0; i < s->nxl; i++) {
      const WbReal vm = q * ((v[i - 1] + v[i]) + (v[i + sy - 1] + v[i + sy]));
      const WbReal um = q * ((u[i] + u[i + 1]) + (u[i - sy] + u[i - sy + 1]));
      out_u[i] += turn * (vm - vg);
      out_v[i] -= turn * (um - ug);
    }
  }
}

void WB_R(wb_les_heat_level)(const WbStage *s, int k) {
  const WbReal add = s->dt * (WbReal)s->heating[k];
  for (int j = 0; j < s->nyl; j++) {
    WbReal *restrict out = s->out[WB_THETA] + s->origin + (size_t)k * s->sz + (size_t)j * (size_t)s->sy;
    for (int i = 0; i < s->nxl; i++) out[i] += add;
  }
}
