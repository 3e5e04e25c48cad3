/* Measures of the fine columns: shares, apertures, walls of the cells and of the boxes around their faces. */
#include "porous.h"

#include <string.h>

/* ---- columns ---- */
/* Sub-voxels of a cell that buildings fill. */
static int filled(const WbLesColumns *c, int k, int j, int i) {
  const int r = c->r;
  int sum = 0;
  for (int b = 0; b < r; b++)
    for (int a = 0; a < r; a++) {
      const int roof = c->roof[(j * r + b) * c->sy + i * r + a] - k * r;
      sum += PetscMin(PetscMax(roof, 0), r);
    }
  return sum;
}

double wb_les_columns_share(const WbLesColumns *c, int k, int j, int i) {
  return 1.0 - (double)filled(c, k, j, i) / ((double)c->r * c->r * c->r);
}

/* Solid cells, whose columns then reach their tops. The share of buildings never grows upwards. */
static void fill_cells(WbLesColumns *c, int nyl, int nxl, double solid_from, uint8_t *solid) {
  const int r = c->r;
  const double least = (solid_from - 1e-9) * r * r * r;
  for (int j = 0; j < nyl; j++)
    for (int i = 0; i < nxl; i++) {
      int32_t *roof = c->all + (c->roof - c->all) + (ptrdiff_t)(j * r) * c->sy + (ptrdiff_t)(i * r);
      int top = 0;
      while (top < c->nz && filled(c, top, j, i) >= least) top++;
      for (int k = 0; k < c->nz; k++) solid[((size_t)k * (size_t)nyl + (size_t)j) * (size_t)nxl + (size_t)i] = k < top;
      for (int b = 0; b < r; b++)
        for (int a = 0; a < r; a++) roof[b * c->sy + a] = PetscMax(roof[b * c->sy + a], top * r);
    }
}

/* Columns beyond the domain's edges that are not cyclic: as the ones inside. */
static void copy_edges(const WbGrid *g, const WbLesColumns *c) {
  const int r = c->r, ny = g->nyl * r, nx = g->nxl * r;
  int32_t *own = c->all + (c->roof - c->all);
  for (int j = -r; j < ny + r; j++)
    for (int d = 1; d <= r && !g->periodic_x; d++) {
      if (g->ix == 0) own[j * c->sy - d] = own[j * c->sy];
      if (g->ix == g->px - 1) own[j * c->sy + nx - 1 + d] = own[j * c->sy + nx - 1];
    }
  for (int i = -r; i < nx + r; i++)
    for (int d = 1; d <= r && !g->periodic_y; d++) {
      if (g->iy == 0) own[-d * c->sy + i] = own[i];
      if (g->iy == g->py - 1) own[(ny - 1 + d) * c->sy + i] = own[(ny - 1) * c->sy + i];
    }
}

/* Ghost columns from the neighbours, as floats (whole numbers are exact). */
static PetscErrorCode share_columns(const WbGrid *g, const WbLesColumns *c) {
  const size_t n = (size_t)c->sy * (size_t)((g->nyl + 2) * c->r);
  WbGrid *fine = NULL;
  WbHalo halo = NULL;
  float *plane = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_grid_refine(g, c->r, 1, &fine));
  PetscErrorCode failed = wb_halo_create(fine, 1, c->r, 1, WB_FP32, &halo);
  if (!failed) failed = WB_ALLOC(n, &plane);
  for (size_t q = 0; q < n && !failed; q++) plane[q] = (float)c->all[q];
  if (!failed) failed = wb_halo_exchange(halo, plane);
  for (size_t q = 0; q < n && !failed; q++) c->all[q] = (int32_t)plane[q];
  WB_FREE(&plane);
  wb_halo_destroy(&halo);
  wb_grid_destroy(&fine);
  PetscFunctionReturn(failed);
}

/* Columns of this rank alone; cells: nz, nyl, nxl. */
static PetscErrorCode own_columns(const int cells[3], const WbLesVoxels *v, uint8_t *solid, WbLesColumns *c) {
  const int r = v->ratio, nyl = cells[1] * r, nxl = cells[2] * r;
  PetscFunctionBeginUser;
  *c = (WbLesColumns){.r = r, .nz = cells[0], .sy = nxl + 2 * r};
  PetscCall(WB_CALLOC((size_t)c->sy * (size_t)(nyl + 2 * r), &c->all));
  c->roof = c->all + (size_t)r * (size_t)c->sy + r;
  for (int j = 0; j < nyl; j++)
    memcpy(c->all + (size_t)(j + r) * (size_t)c->sy + r, v->roof + (size_t)j * (size_t)nxl,
           (size_t)nxl * sizeof *c->all);
  fill_cells(c, cells[1], cells[2], v->solid_from, solid);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_voxels_solid(int nz, int nyl, int nxl, const WbLesVoxels *voxels, uint8_t *solid, float *share) {
  const int cells[3] = {nz, nyl, nxl};
  WbLesColumns c;
  PetscFunctionBeginUser;
  PetscCall(own_columns(cells, voxels, solid, &c));
  size_t n = 0;
  for (int k = 0; k < nz && share; k++)
    for (int j = 0; j < nyl; j++)
      for (int i = 0; i < nxl; i++, n++) share[n] = solid[n] ? 0.0F : (float)wb_les_columns_share(&c, k, j, i);
  WB_FREE(&c.all);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_columns_create(const WbGrid *grid, const WbLesVoxels *v, uint8_t *solid, WbLesColumns *c) {
  const int cells[3] = {grid->nz, grid->nyl, grid->nxl};
  PetscFunctionBeginUser;
  if (v->ratio < 1 || v->ratio > WB_LES_RATIO_MAX || !(v->solid_from > 0.0 && v->solid_from <= 1.0))
    WB_RAISE_ALL(
        WB_ERR_CONFIG,
        "LES: geometry %d times finer than the cells (allowed: 1 to %d), solid from a share of %g on (allowed: "
        "above 0 to 1)",
        v->ratio, WB_LES_RATIO_MAX, v->solid_from);
  PetscErrorCode failed = own_columns(cells, v, solid, c);
  if (!failed) failed = share_columns(grid, c);
  if (!failed) copy_edges(grid, c);
  if (failed) WB_FREE(&c->all);
  PetscFunctionReturn(failed);
}

/* ---- boxes around faces ---- */
typedef struct {
  const WbLesColumns *c;
  int axis, base[3]; /* first sub-voxel of the two cells */
} Corner;

/* Is the sub-voxel at x, y, z within a building or the ground? */
static inline bool is_filled(const WbLesColumns *c, const int p[3]) {
  return p[2] < 0 || c->roof[p[1] * c->sy + p[0]] > p[2];
}

/* Length of slab s (of 2 r across the two cells) between the cells' centres, in slabs. */
static double weight(int r, int s) {
  return PetscMax(0.0, PetscMin(s + 1.0, 1.5 * r) - PetscMax((double)s, 0.5 * r));
}

/* Open share of slab s and what of it goes on into the next one. Walls along the axis are added with the slab's length.
 */
static void slab(const Corner *b, int s, double *open, double *passing, WbLesBox *box) {
  static const int others[3][2] = {{1, 2}, {0, 2}, {0, 1}};
  const WbLesColumns *c = b->c;
  const int r = c->r, *t = others[b->axis];
  const double w = weight(r, s), whole = (double)r * r;
  int air = 0, on = 0;
  for (int m = 0; m < r; m++)
    for (int n = 0; n < r; n++) {
      int p[3];
      p[b->axis] = b->base[b->axis] + s;
      p[t[0]] = b->base[t[0]] + m;
      p[t[1]] = b->base[t[1]] + n;
      if (is_filled(c, p)) continue;
      air++;
      for (int d = 0; d < 2 && w > 0.0; d++)
        for (int up = 0; up < 2; up++) {
          int q[3] = {p[0], p[1], p[2]};
          q[t[d]] += up ? 1 : -1;
          if (!is_filled(c, q)) continue;
          box->wall[d][up] += w / whole;
          if (q[2] < 0) box->ground += w / whole;
        }
      p[b->axis]++;
      on += s + 1 < 2 * r && !is_filled(c, p);
    }
  *open = air / whole;
  *passing = on / whole;
}

/* Slabs from the face on that the flow reaches, in one direction: their resistance and length. Behind a section that is
 * closed it has turned aside. */
static void reach(int r, const double *open, const double *passing, int step, double sum[2], bool *reached) {
  for (int s = step > 0 ? r : r - 1; s >= 0 && s < 2 * r; s += step) {
    const int link = step > 0 ? s - 1 : s; /* between s and the slab before it on the way */
    if (!(open[s] > 0.0) || !(passing[link] > 0.0)) return;
    const double w = weight(r, s);
    sum[0] += w / open[s];
    sum[1] += w;
    reached[s] = true;
  }
}

void wb_les_columns_box(const WbLesColumns *c, int f, int k, int j, int i, WbLesBox *box) {
  const int r = c->r;
  Corner corner = {c, f, {i * r, j * r, k * r}};
  double open[2 * WB_LES_RATIO_MAX] = {0.0}, passing[2 * WB_LES_RATIO_MAX] = {0.0}, sum[2] = {0.0, 0.0};
  bool reached[2 * WB_LES_RATIO_MAX] = {false};
  corner.base[f] -= r;
  *box = (WbLesBox){0};
  for (int s = 0; s < 2 * r; s++) {
    slab(&corner, s, &open[s], &passing[s], box);
    box->share += weight(r, s) * open[s] / r;
  }
  reach(r, open, passing, -1, sum, reached);
  reach(r, open, passing, 1, sum, reached);
  if (r < 1 || !(passing[r - 1] > 0.0)) return;
  /* in 256ths, which half a float's digits hold: the multigrid's conductances are the same numbers */
  const double narrow = PetscMin(passing[r - 1], sum[1] / sum[0]);
  box->aperture = PetscMax(1.0, round(256.0 * narrow)) / 256.0;
  for (int s = 0; s + 1 < 2 * r; s++) { /* sections s and s + 1 meet in a plane: in the box, on its end, or outside */
    const double place = s + 1.0, within = place > 0.5 * r && place < 1.5 * r     ? 1.0
                                           : place == 0.5 * r || place == 1.5 * r ? 0.5
                                                                                  : 0.0;
    if (reached[s] && reached[s + 1]) box->frontal += within * (open[s] + open[s + 1] - 2.0 * passing[s]);
  }
}

void wb_les_columns_facets(const WbLesColumns *c, int k, int j, int i, double area[6], double *ground) {
  static const int step[6][3] = {{-1, 0, 0}, {1, 0, 0}, {0, -1, 0}, {0, 1, 0}, {0, 0, -1}, {0, 0, 1}}; /* to the wall */
  const int r = c->r;
  int faces[6] = {0}, below = 0;
  for (int z = 0; z < r; z++)
    for (int y = 0; y < r; y++)
      for (int x = 0; x < r; x++) {
        const int p[3] = {i * r + x, j * r + y, k * r + z};
        if (is_filled(c, p)) continue;
        for (int side = 0; side < 6; side++) {
          const int q[3] = {p[0] + step[side][0], p[1] + step[side][1], p[2] + step[side][2]};
          if (!is_filled(c, q)) continue;
          faces[side]++;
          below += q[2] < 0;
        }
      }
  for (int side = 0; side < 6; side++) area[side] = faces[side] / ((double)r * r);
  *ground = below / ((double)r * r);
}
