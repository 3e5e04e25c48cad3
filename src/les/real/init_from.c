/* Start from a coarser run: this rank's part of the coarse fields, and the interpolation to the fine ones. */
#include "les_data.h"
#include "windbridge/real.h"

/* Adds owned values (and the last faces of the domain) into zeroed whole arrays (nz + 1, ny + 1, nx + 1). */
void WB_R(wb_les_add_to_whole)(WbLes les, double *const *value, int nf) {
  const WbLesLayout *l = &les->lay;
  const WbGrid *g = les->grid;
  const WbReal *state = les->state;
  for (int f = 0; f < nf; f++) {
    const int ni = l->nxl + (f == WB_U && g->ix == g->px - 1), nj = l->nyl + (f == WB_V && g->iy == g->py - 1);
    for (int k = 0; k < l->nz; k++)
      for (int j = 0; j < nj; j++)
        for (int i = 0; i < ni; i++)
          value[f][((size_t)k * (size_t)(g->ny + 1) + (size_t)(g->y0 + j)) * (size_t)(g->nx + 1) +
                   (size_t)(g->x0 + i)] = wb_les_porous_air(les, f, wb_les_at(l, k, j, i)) *
                                          (double)state[(size_t)f * l->field + wb_les_at(l, k, j, i)];
  }
}

/* Trilinear among open neighbours only; fallback when there is none. at, up: lower neighbour and upper weight in z, y,
 * x. */
static double sample(const WbLesWhole *a, int f, const int at[3], const double up[3], double fallback) {
  double sum = 0, weight = 0;
  for (int n = 0; n < 8; n++) {
    const int dk = n >> 2, dj = (n >> 1) & 1, di = n & 1;
    const double w = (dk ? up[0] : 1 - up[0]) * (dj ? up[1] : 1 - up[1]) * (di ? up[2] : 1 - up[2]);
    if (w <= 0) continue;
    const size_t p = ((size_t)(at[0] + dk) * (size_t)(a->ny + 1) + (size_t)(at[1] + dj)) * (size_t)(a->nx + 1) +
                     (size_t)(at[2] + di);
    if (!a->open[WB_KIND(f)][p]) continue;
    sum += w * a->value[f][p];
    weight += w;
  }
  return weight > 1e-12 ? sum / weight : fallback;
}

/* All faces and centres of the fine state, lateral ghosts included; 0 on closed faces and in solid cells. axis: x at
 * faces, centres; y; z (init_from.c). */
void WB_R(wb_les_fill_from_whole)(WbLes les, const WbLesWhole *a, const WbLesAxis axis[6]) {
  const WbLesLayout *l = &les->lay;
  WbReal *state = les->state;
  for (int f = 0; f < a->nf; f++) {
    const WbLesAxis *x = &axis[f == WB_U ? 0 : 1], *y = &axis[f == WB_V ? 2 : 3], *z = &axis[f == WB_W ? 4 : 5];
    float *const *apertures = f < WB_THETA ? wb_les_porous_apertures(les) : NULL;
    const ptrdiff_t lower = f == WB_U ? 1 : f == WB_V ? l->sy : f == WB_W ? (ptrdiff_t)l->sz : 0;
    for (int k = 0; k < l->nz; k++)
      for (int j = -l->g; j < l->nyl + l->g; j++)
        for (int i = -l->g; i < l->nxl + l->g; i++) {
          const ptrdiff_t p = (ptrdiff_t)(k + 1) * (ptrdiff_t)l->sz + (ptrdiff_t)(j + l->g) * l->sy + i + l->g;
          const bool first = (f == WB_U && i == -l->g) || (f == WB_V && j == -l->g);
          WbReal *out = state + (size_t)f * l->field + p;
          *out = 0;
          if (les->solid[p] || (!first && les->solid[p - lower])) continue;
          const int at[3] = {z->at[k], y->at[j + l->g], x->at[i + l->g]};
          const double up[3] = {z->up[k], y->up[j + l->g], x->up[i + l->g]};
          const double fallback =
              f >= WB_THETA ? (1 - up[0]) * a->level[f][at[0]] + up[0] * a->level[f][at[0] + (up[0] > 0)] : 0;
          *out = (WbReal)sample(a, f, at, up, fallback);
          if (apertures) *out *= (WbReal)apertures[f][p];
        }
  }
}
