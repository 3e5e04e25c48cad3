/* Tendency of a scalar in the listed cells: the fluxes of ../real/scalar.c, diffusion through the open part of each
 * face, over the cell's air. */
#include "porous.h"
#include "scalar_flux.h"

/* rdh: factor of the diffusivity over the distance of the centres. */
static WbReal flux(const WbStage *s, const WbReal *c, const WbReal *kappa, const float *aperture, const WbReal *carrier,
                   ptrdiff_t step, size_t at, WbReal rdh) {
  const WbReal nu = (WbReal)0.5 * (kappa[at - (size_t)step] + kappa[at]), d = c[at] - c[at - (size_t)step];
  return carrier[at] * wb_les_carried(c + at, s->fluid + at, step, carrier[at], true) -
         (nu > (WbReal)0 ? nu : (WbReal)0) * rdh * d * (WbReal)aperture[at];
}

/* Level k, after the plain kernel; factor, relax, ref as there. */
void WB_R(wb_les_porous_scalar)(const WbStage *s, const struct WbLesPorous_s *p, int field, const WbReal *kappa,
                                WbReal factor, WbReal relax, WbReal ref, int k) {
  const WbReal *c = s->in[field], rdx = s->rdx, rdz = (WbReal)(1.0 / s->dz[k]);
  const ptrdiff_t step[3] = {1, s->sy, (ptrdiff_t)s->sz};
  const WbReal low = factor * (WbReal)(1.0 / s->dzf[k]), high = factor * (WbReal)(1.0 / s->dzf[k + 1]);
  for (int n = p->cells.level_start[k]; n < p->cells.level_start[k + 1]; n++) {
    const size_t at = (size_t)p->cells.at[n];
    WbReal out = 0;
    for (int f = 0; f < 2; f++)
      out += (flux(s, c, kappa, p->aperture[f], s->in[f], step[f], at + (size_t)step[f], factor * rdx) -
              flux(s, c, kappa, p->aperture[f], s->in[f], step[f], at, factor * rdx)) *
             rdx;
    const WbReal bottom = k == 0 ? 0 : flux(s, c, kappa, p->aperture[2], s->in[2], step[2], at, low);
    const WbReal top = k == s->nz - 1 ? 0 : flux(s, c, kappa, p->aperture[2], s->in[2], step[2], at + s->sz, high);
    out += (top - bottom) * rdz;
    s->out[field][at] = s->base[field][at] + s->dt * (-out * (WbReal)p->cells.per_share[n] - relax * (c[at] - ref));
  }
}
