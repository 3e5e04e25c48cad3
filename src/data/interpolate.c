/* Fluid-aware interpolation of a low-resolution field to the fine grid (design section 10). */
#include "windbridge/data.h"

#include <math.h>
#include <string.h>

enum { W = WB_NEAREST_RADIUS, C = WB_CHANNELS };

/* The coarse field with W ghost columns around: value (nz, ny + 2W, nx + 2W, 5), the fifth number is 1 in fluid, and
 * everything that a solid cell held is gone. */
typedef struct {
  int ratio, nz, nyl, nxl;
  const float *value;
} Coarse;
enum { V = C + 1 };

static const float *cell(const Coarse *c, int k, int j, int i) {
  return c->value +
         (((size_t)k * (size_t)(c->nyl + 2 * W) + (size_t)(j + W)) * (size_t)(c->nxl + 2 * W) + (size_t)(i + W)) * V;
}

/* Lower neighbour (relative to the parent) and weight of the upper one, for child `sub` of a coarse cell. */
static int lower_neighbour(int ratio, int sub, float *upper) {
  const int twice = 2 * sub + 1 - ratio; /* child centre from the parent's, in half fine cells */
  *upper = (float)(twice < 0 ? twice + 2 * ratio : twice) / (float)(2 * ratio);
  return twice < 0 ? -1 : 0;
}

/* Renormalised trilinear weights over fluid neighbours; false when there is none. w = weights of the upper ones. */
static bool blend(const Coarse *c, int k, int j, int i, const float w[3], float out[C]) {
  float sum[C] = {0.0f}, total = 0.0f;
  for (int corner = 0; corner < 8; corner++) {
    const int dk = corner >> 2, dj = (corner >> 1) & 1, di = corner & 1;
    const float weight = (dk ? w[0] : 1.0f - w[0]) * (dj ? w[1] : 1.0f - w[1]) * (di ? w[2] : 1.0f - w[2]);
    if (weight <= 0.0f) continue;
    const float *v = cell(c, k + dk, j + dj, i + di);
    const float a = weight * v[C];
    for (int q = 0; q < C; q++) sum[q] += a * v[q];
    total += a;
  }
  if (total <= 0.0f) return false;
  for (int q = 0; q < C; q++) out[q] = sum[q] / total;
  return true;
}

/* The nearest fluid cells so far: those of one distance and level are all taken, by their mean, since a choice between
 * them would know east from west. */
typedef struct {
  long d2; /* squared distance in half fine cells; -1: none yet */
  int k, count;
  float sum[C];
} Nearest;

static void offer(Nearest *best, long d2, int k, const float value[C]) {
  const bool farther = best->d2 >= 0 && (d2 > best->d2 || (d2 == best->d2 && k > best->k));
  if (farther) return;
  if (d2 != best->d2 || k != best->k) *best = (Nearest){.d2 = d2, .k = k};
  for (int q = 0; q < C; q++) best->sum[q] += value[q];
  best->count++;
}

/* One Chebyshev shell around the parent. at: parent (k, j, i), then the child's place in it. */
static void search_shell(const Coarse *c, const int at[3], const int sub[3], int shell, Nearest *best) {
  const int r = c->ratio, flat = shell < W ? shell : W;
  for (int dk = -shell; dk <= shell; dk++) {
    if (at[0] + dk < 0 || at[0] + dk >= c->nz) continue;
    for (int dj = -flat; dj <= flat; dj++) {
      const bool face = abs(dk) == shell || abs(dj) == shell;
      if (!face && flat < shell) continue;
      for (int di = -flat; di <= flat; di += face ? 1 : 2 * flat) {
        const float *value = cell(c, at[0] + dk, at[1] + dj, at[2] + di);
        if (value[C] == 0.0f) continue;
        const long z = 2L * dk * r + r - 2 * sub[0] - 1, y = 2L * dj * r + r - 2 * sub[1] - 1,
                   x = 2L * di * r + r - 2 * sub[2] - 1;
        offer(best, z * z + y * y + x * x, at[0] + dk, value);
      }
    }
  }
}

/* Nearest fluid coarse cells to the centre of a fine cell; false when there is none within the radius. */
static bool nearest(const Coarse *c, const int at[3], const int sub[3], float out[C]) {
  const int last = c->nz - 1 > W ? c->nz - 1 : W;
  Nearest best = {.d2 = -1};
  if (cell(c, at[0], at[1], at[2])[C] != 0.0f) {
    memcpy(out, cell(c, at[0], at[1], at[2]), C * sizeof(float));
    return true;
  }
  for (int shell = 1; shell <= last; shell++) {
    const long closest = 2L * shell * c->ratio - (c->ratio - 1);
    if (best.d2 >= 0 && best.d2 < closest * closest) break;
    search_shell(c, at, sub, shell, &best);
  }
  if (best.d2 < 0) return false;
  for (int q = 0; q < C; q++) out[q] = best.sum[q] / (float)best.count;
  return true;
}

/* All fine cells of fine level k; returns how many found nothing (theta = NaN there until fill_missing). */
static long interpolate_level(const Coarse *c, int k, float *out) {
  const int r = c->ratio, kc = k / r;
  long missing = 0;
  float w[3];
  int k_low = kc + lower_neighbour(r, k % r, &w[0]);
  float w_factor = 1.0f;
  if (k_low < 0) { /* below the first level: constant, w linear to the ground */
    k_low = 0, w[0] = 0.0f;
    w_factor = (float)(2 * k + 1) / (float)r;
  }
  for (int j = 0; j < c->nyl * r; j++) {
    const int j_low = j / r + lower_neighbour(r, j % r, &w[1]);
    for (int i = 0; i < c->nxl * r; i++, out += C) {
      const int i_low = i / r + lower_neighbour(r, i % r, &w[2]);
      const int at[3] = {kc, j / r, i / r}, sub[3] = {k % r, j % r, i % r};
      if (!blend(c, k_low, j_low, i_low, w, out) && !nearest(c, at, sub, out)) {
        out[0] = NAN;
        out[1] = out[2] = out[3] = 0.0f;
        missing++;
      }
      out[3] *= w_factor;
    }
  }
  return missing;
}

/* theta of cells that found nothing: middle of the fluid range of their coarse level, else of the whole field. */
static PetscErrorCode fill_missing(const WbGrid *lr_grid, const Coarse *c, int nz_hr, float *out) {
  const size_t plane = (size_t)c->nyl * (size_t)c->nxl * (size_t)(c->ratio * c->ratio);
  float *range = NULL; /* (nz + 1, 2): max of theta and of -theta, the last entry for all levels */
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(2 * (c->nz + 1), &range));
  for (int k = 0; k <= c->nz; k++) range[2 * k] = range[2 * k + 1] = -INFINITY;
  for (int k = 0; k < c->nz; k++) {
    for (int j = 0; j < c->nyl; j++) {
      for (int i = 0; i < c->nxl; i++) {
        const float *v = cell(c, k, j, i);
        if (v[C] == 0.0f) continue;
        range[2 * k] = fmaxf(range[2 * k], v[0]);
        range[2 * k + 1] = fmaxf(range[2 * k + 1], -v[0]);
      }
    }
    range[2 * c->nz] = fmaxf(range[2 * c->nz], range[2 * k]);
    range[2 * c->nz + 1] = fmaxf(range[2 * c->nz + 1], range[2 * k + 1]);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, range, 2 * (c->nz + 1), MPI_FLOAT, MPI_MAX, lr_grid->comm));
  for (int k = 0; k < nz_hr; k++) {
    const float *level = range + (ptrdiff_t)2 * (k / c->ratio);
    const float *use = isfinite(level[0]) ? level : range + (ptrdiff_t)2 * c->nz;
    const float middle = 0.5f * (use[0] - use[1]);
    float *row = out + (size_t)k * plane * C;
    for (size_t p = 0; p < plane; p++) {
      if (isnan(row[p * C])) row[p * C] = middle;
    }
  }
  WB_FREE(&range);
  PetscFunctionReturn(0);
}

/* Copy with ghosts, solid cells emptied; counts fluid cells, refuses fluid values that are not finite. */
static PetscErrorCode load_coarse(const WbGrid *g, const float *lr, const uint8_t *fluid, float *value, long *n_fluid) {
  PetscFunctionBeginUser;
  *n_fluid = 0;
  for (int k = 0; k < g->nz; k++) {
    for (int j = 0; j < g->nyl; j++) {
      for (int i = 0; i < g->nxl; i++) {
        const size_t p = ((size_t)k * (size_t)g->nyl + (size_t)j) * (size_t)g->nxl + (size_t)i;
        float *v =
            value +
            (((size_t)k * (size_t)(g->nyl + 2 * W) + (size_t)(j + W)) * (size_t)(g->nxl + 2 * W) + (size_t)(i + W)) * V;
        if (!fluid[p]) continue;
        for (int q = 0; q < C; q++) {
          v[q] = lr[p * C + (size_t)q];
          if (!isfinite(v[q])) {
            WB_RAISE(WB_ERR_INPUT,
                     "low-resolution field: %s is %g in the fluid cell k %d, j %d, i %d; it must be finite",
                     (const char *[]){"theta", "u", "v", "w"}[q], (double)v[q], k, g->y0 + j, g->x0 + i);
          }
        }
        v[C] = 1.0f;
        (*n_fluid)++;
      }
    }
  }
  PetscFunctionReturn(0);
}

/* Ghosts from the whole field, for ranks that own fewer than W columns of cells in a cut direction: every rank puts its
 * fluid cells into a global array (each cell has one owner, so the sum only adds zeros). */
static PetscErrorCode ghosts_from_all(const WbGrid *g, float *value) {
  const size_t row = (size_t)(g->nxl + 2 * W), rows = (size_t)(g->nyl + 2 * W);
  float *all = NULL;
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC((size_t)g->ny * (size_t)g->nx * V, &all));
  for (int k = 0; k < g->nz; k++) {
    float *level = value + (size_t)k * rows * row * V;
    memset(all, 0, (size_t)g->ny * (size_t)g->nx * V * sizeof(float));
    for (int j = 0; j < g->nyl; j++) {
      memcpy(all + ((size_t)(g->y0 + j) * (size_t)g->nx + (size_t)g->x0) * V, level + ((size_t)(j + W) * row + W) * V,
             (size_t)g->nxl * V * sizeof(float));
    }
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, all, g->ny * g->nx * V, MPI_FLOAT, MPI_SUM, g->comm));
    for (int j = -W; j < g->nyl + W; j++) {
      for (int i = -W; i < g->nxl + W; i++) {
        int y = g->y0 + j, x = g->x0 + i;
        if (g->periodic_y) y = (y % g->ny + g->ny) % g->ny;
        if (g->periodic_x) x = (x % g->nx + g->nx) % g->nx;
        if (y < 0 || y >= g->ny || x < 0 || x >= g->nx) continue;
        memcpy(level + ((size_t)(j + W) * row + (size_t)(i + W)) * V, all + ((size_t)y * (size_t)g->nx + (size_t)x) * V,
               V * sizeof(float));
      }
    }
  }
  WB_FREE(&all);
  PetscFunctionReturn(0);
}

static PetscErrorCode fill_ghosts(const WbGrid *g, float *value) {
  bool narrow = g->nx < W || g->ny < W; /* periodic self-wrap of a domain smaller than the halo, too */
  WbHalo halo = NULL;
  PetscFunctionBeginUser;
  for (int p = 0; p < g->px; p++) narrow = narrow || g->x_starts[p + 1] - g->x_starts[p] < W;
  for (int p = 0; p < g->py; p++) narrow = narrow || g->y_starts[p + 1] - g->y_starts[p] < W;
  if (narrow) {
    PetscCall(ghosts_from_all(g, value));
  } else {
    PetscCall(wb_halo_create(g, g->nz, W, V, WB_FP32, &halo));
    PetscCall(wb_halo_exchange(halo, value));
    wb_halo_destroy(&halo);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode check_grids(const WbGrid *lr, const WbGrid *hr, int *ratio) {
  PetscFunctionBeginUser;
  const int r = lr->nx > 0 ? hr->nx / lr->nx : 0;
  if (r < 1 || hr->nx != r * lr->nx || hr->ny != r * lr->ny || hr->nxl != r * lr->nxl || hr->nyl != r * lr->nyl) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "grids of %d x %d and %d x %d cells are not conformal", lr->nx, lr->ny, hr->nx, hr->ny);
  }
  if (lr->nz * r < hr->nz + r) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "the low-resolution field has %d levels; %d fine levels at ratio %d need at least %d",
                 lr->nz, hr->nz, r, (hr->nz + r - 1) / r + 1);
  }
  *ratio = r;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_lr_to_hr(const WbGrid *lr_grid, const WbGrid *hr_grid, const float *lr, const uint8_t *lr_fluid,
                           float *hr_out) {
  Coarse c = {.nz = lr_grid->nz, .nyl = lr_grid->nyl, .nxl = lr_grid->nxl};
  float *value = NULL;
  long count[2] = {0, 0}; /* fluid coarse cells, fine cells that found nothing */
  PetscFunctionBeginUser;
  PetscCall(check_grids(lr_grid, hr_grid, &c.ratio));
  PetscCall(WB_CALLOC((size_t)c.nz * (size_t)(c.nyl + 2 * W) * (size_t)(c.nxl + 2 * W) * V, &value));
  c.value = value;
  const PetscErrorCode e = wb_error_agree(lr_grid->comm, load_coarse(lr_grid, lr, lr_fluid, value, &count[0]));
  if (e) {
    WB_FREE(&value);
    PetscFunctionReturn(e);
  }
  PetscCall(fill_ghosts(lr_grid, value));
  const size_t level = (size_t)c.nyl * (size_t)c.nxl * (size_t)(c.ratio * c.ratio) * C;
  for (int k = 0; k < hr_grid->nz; k++) count[1] += interpolate_level(&c, k, hr_out + (size_t)k * level);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, count, 2, MPI_LONG, MPI_SUM, lr_grid->comm));
  if (count[0] == 0) {
    WB_FREE(&value);
    WB_RAISE_ALL(WB_ERR_INPUT, "the low-resolution field has no fluid cell");
  }
  if (count[1] > 0) PetscCall(fill_missing(lr_grid, &c, hr_grid->nz, hr_out));
  WB_FREE(&value);
  PetscFunctionReturn(0);
}
