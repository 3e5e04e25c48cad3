/* Which faces and cells plain kernels do not serve, and the rates of drag on them. */
#include "porous.h"

#include <string.h>

/* Is the velocity of face f, or what passes it, other than plain air's? */
static inline bool odd(const struct WbLesPorous_s *p, int f, size_t at) {
  return p->share[f][at] != 1.0F || (p->aperture[f][at] != 1.0F && p->aperture[f][at] != 0.0F);
}

/* Does the tendency of owned face f see anything that is not plain? Its own component up to two faces away along each
 * axis, the others beside it, its two cells. */
static bool needed(const WbLes les, int f, int k, int j, int i) {
  const struct WbLesPorous_s *p = les->porous;
  const WbLesLayout *l = &les->lay;
  const size_t at = wb_les_at(l, k, j, i), step[3] = {1, (size_t)l->sy, l->sz};
  if (p->irregular[at] || p->irregular[at - step[f]]) return true;
  for (int t = 0; t < 3; t++) {
    const int down = t == 2 ? PetscMin(2, k + 1) : 2, up = t == 2 ? PetscMin(2, l->nz - k) : 2;
    for (int d = -down; d <= up; d++)
      if (odd(p, f, (size_t)((ptrdiff_t)at + d * (ptrdiff_t)step[t]))) return true;
    if (t == f) continue;
    const size_t beside[4] = {at, at + step[t], at - step[f], at - step[f] + step[t]};
    for (int n = 0; n < 4; n++)
      if (odd(p, t, beside[n])) return true;
  }
  return false;
}

/* Log-law coefficient of a wall that covers `wall` of the box's side, over the box's thickness h along the normal: the
 * air of the box lies half its depth away from the wall, h / 2 where the wall is whole. */
static double friction(const WbLes les, double wall, double share, double h, double z0) {
  const double d = PetscMax(0.5 * h * PetscMin(1.0, share / wall), 2.5 * z0), c = WB_KARMAN / log(d / z0);
  return c * c * wall / h;
}

static double walls(const WbLes les, const WbLesBox *box, int t, double h) {
  double sum = 0.0;
  for (int up = 0; up < 2; up++) {
    const double ground = t == 1 && up == 0 ? box->ground : 0.0, wall = box->wall[t][up];
    if (!(wall > 0.0)) continue;
    sum += friction(les, wall, box->share, h, les->opt.z0_wall_m) * (wall - ground) / wall;
    if (ground > 0.0) sum += friction(les, wall, box->share, h, les->opt.z0_ground_m) * ground / wall;
  }
  return sum;
}

static void drag(const WbLes les, int f, int k, int j, int i, WbLesPorousFaces *list, int n) {
  const struct WbLesPorous_s *p = les->porous;
  const size_t at = wb_les_at(&les->lay, k, j, i), step[3] = {1, (size_t)les->lay.sy, les->lay.sz};
  const double dx = les->grid->dx_m, dz = f == WB_W ? les->met.dzf[k + 1] : les->met.dz[k + 1];
  const double h[3] = {dx, dx, dz};
  WbLesBox box;
  list->form[n] = list->c1[n] = list->c2[n] = 0.0;
  if (!p->irregular[at] && !p->irregular[at - step[f]]) return; /* whole walls: the list of walls.c has them */
  wb_les_columns_box(&p->columns, f, k, j, i, &box);
  list->form[n] = 0.5 * les->opt.form_drag * 0.5 * box.frontal / h[f] / box.share;
  if (les->opt.wall != WB_WALL_LOG) return;
  list->c1[n] = walls(les, &box, 0, f == WB_U ? h[1] : h[0]) / box.share;
  list->c2[n] = walls(les, &box, 1, f == WB_W ? h[1] : h[2]) / box.share;
}

static PetscErrorCode faces(WbLes les, int f) {
  const WbLesLayout *l = &les->lay;
  WbLesPorousFaces *list = &les->porous->face[f];
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(l->nz + 1, &list->level_start));
  for (int pass = 0; pass < 2; pass++) {
    int n = 0;
    for (int k = 0; k < l->nz; k++) {
      list->level_start[k] = n;
      for (int j = 0; j < l->nyl; j++)
        for (int i = 0; i < l->nxl; i++) {
          const size_t at = wb_les_at(l, k, j, i);
          if (!(les->flags[at] & (1U << f)) || !needed(les, f, k, j, i)) continue;
          if (pass) {
            list->at[n] = (int32_t)at;
            list->aperture[n] = (double)les->porous->aperture[f][at];
            drag(les, f, k, j, i, list, n);
          }
          n++;
        }
    }
    list->n = list->level_start[l->nz] = n;
    if (pass) break;
    PetscCall(WB_ALLOC(n + 1, &list->at));
    PetscCall(WB_ALLOC(n + 1, &list->aperture));
    PetscCall(WB_ALLOC(n + 1, &list->form));
    PetscCall(WB_ALLOC(n + 1, &list->c1));
    PetscCall(WB_ALLOC(n + 1, &list->c2));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode cells(WbLes les) {
  const WbLesLayout *l = &les->lay;
  const struct WbLesPorous_s *p = les->porous;
  WbLesPorousCells *list = &les->porous->cells;
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(l->nz + 1, &list->level_start));
  for (int pass = 0; pass < 2; pass++) {
    int n = 0;
    for (int k = 0; k < l->nz; k++) {
      list->level_start[k] = n;
      for (int j = 0; j < l->nyl; j++)
        for (int i = 0; i < l->nxl; i++) {
          const size_t at = wb_les_at(l, k, j, i);
          if (les->solid[at] || !p->irregular[at]) continue;
          if (pass) {
            list->at[n] = (int32_t)at;
            list->per_share[n] = 1.0 / (double)p->share[WB_THETA][at];
          }
          n++;
        }
    }
    list->n = list->level_start[l->nz] = n;
    if (pass) break;
    PetscCall(WB_ALLOC(n + 1, &list->at));
    PetscCall(WB_ALLOC(n + 1, &list->per_share));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode scales(WbLes les, int f) {
  const float *share = les->porous->share[f];
  WbLesPorousScale *list = &les->porous->scale[f];
  PetscFunctionBeginUser;
  for (int pass = 0; pass < 2; pass++) {
    int n = 0;
    for (size_t at = 0; at < les->lay.field; at++) {
      if (share[at] == 1.0F) continue;
      if (pass) {
        list->at[n] = (int32_t)at;
        list->factor[n] = 1.0 / (double)share[at];
      }
      n++;
    }
    list->n = n;
    if (pass) break;
    PetscCall(WB_ALLOC(n + 1, &list->at));
    PetscCall(WB_ALLOC(n + 1, &list->factor));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_porous_lists(WbLes les) {
  PetscFunctionBeginUser;
  for (int f = 0; f < 3; f++) {
    PetscCall(faces(les, f));
    PetscCall(scales(les, f));
  }
  PetscCall(cells(les));
  PetscFunctionReturn(0);
}
