/* What a city is like: plan and frontal area indices, heights, and how much of it 20 m voxels cannot see. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "city_internal.h"

static void height_statistics(const WbCity *c, WbCityStats *s) {
  const int m = (int)lround(c->margin_m / c->cell_m);
  const int nbin = (int)(sizeof s->histogram / sizeof s->histogram[0]);
  double sum = 0, sum2 = 0;
  long n = 0, all = 0;
  for (int j = m; j < c->ny - m; j++) {
    for (int i = m; i < c->nx - m; i++, all++) {
      const double h = (double)c->height[(size_t)j * (size_t)c->nx + (size_t)i];
      if (!(h > 0)) continue;
      n++;
      sum += h;
      sum2 += h * h;
      s->height_max_m = fmax(s->height_max_m, h);
      const int bin = (int)(h / 20);
      s->histogram[bin < nbin ? bin : nbin - 1] += 1;
    }
  }
  s->lambda_p = all ? (double)n / (double)all : 0;
  if (!n) return;
  s->height_mean_m = sum / (double)n;
  s->height_std_m = sqrt(fmax(0, sum2 / (double)n - s->height_mean_m * s->height_mean_m));
  for (int b = 0; b < nbin; b++) s->histogram[b] /= (double)n;
}

/* Roof height of each cell by majority: 0 when less than half of it is built, else the mean roof of the built part. */
static PetscErrorCode majority_height(const WbCity *c, double dx, int nx, int ny, float *height) {
  PetscFunctionBeginUser;
  WbCity built = *c; /* a 0 / 1 raster gives the built share */
  PetscCall(wb_city_cell_height(c, c->win_x_min_m, c->win_y_min_m, dx, nx, ny, height));
  const size_t n = (size_t)c->nx * (size_t)c->ny, cells = (size_t)nx * (size_t)ny;
  float *share = NULL;
  PetscCall(WB_ALLOC(n, &built.height));
  PetscCall(WB_ALLOC(cells, &share));
  for (size_t i = 0; i < n; i++) built.height[i] = c->height[i] > 0 ? 1.0F : 0.0F;
  PetscCall(wb_city_cell_height(&built, c->win_x_min_m, c->win_y_min_m, dx, nx, ny, share));
  for (size_t i = 0; i < cells; i++) height[i] = share[i] >= 0.5F - 1e-6F ? height[i] / share[i] : 0;
  WB_FREE(&share);
  WB_FREE(&built.height);
  PetscFunctionReturn(0);
}

/* Frontal area per ground area: upward height steps along the wind between neighbouring cells, times their width
 * (Grimmond & Oke 1999, doi:10.1175/1520-0450(1999)038<1262:APOUAD>2.0.CO;2, as sum over faces). Faces on the window's
 * edge are not counted. */
static void frontal_area(const float *h, double dx, int nx, int ny, double lambda_f[4]) {
  double rise[4] = {0, 0, 0, 0}; /* wind from N, E, S, W */
  for (int j = 0; j < ny; j++) {
    for (int i = 0; i < nx; i++) {
      const double here = (double)h[(size_t)j * (size_t)nx + (size_t)i];
      if (i + 1 < nx) {
        const double step = (double)h[(size_t)j * (size_t)nx + (size_t)i + 1] - here;
        rise[step > 0 ? 3 : 1] += fabs(step);
      }
      if (j + 1 < ny) {
        const double step = (double)h[(size_t)(j + 1) * (size_t)nx + (size_t)i] - here;
        rise[step > 0 ? 2 : 0] += fabs(step);
      }
    }
  }
  for (int d = 0; d < 4; d++) lambda_f[d] = rise[d] * dx / ((double)nx * dx * (double)ny * dx);
}

typedef struct {
  int *stack; /* cells to visit */
  size_t n;
} Front;

static void visit(Front *f, uint8_t *seen, const uint8_t *solid, size_t cell) {
  if (seen[cell] || solid[cell]) return;
  seen[cell] = 1;
  f->stack[f->n++] = (int)cell;
}

PetscErrorCode wb_city_count_pockets(const uint8_t *solid, int nx, int ny, int nz, long *n_pocket) {
  PetscFunctionBeginUser;
  const size_t plane = (size_t)nx * (size_t)ny, n = plane * (size_t)nz;
  *n_pocket = 0;
  if (n == 0) PetscFunctionReturn(0);
  if (n > 2000000000U) WB_RAISE(WB_ERR_CONFIG, "city: %zu voxels are too many for one flood fill", n);
  uint8_t *seen = NULL;
  Front f = {NULL, 0};
  PetscCall(WB_CALLOC(n, &seen));
  PetscCall(WB_ALLOC(n, &f.stack));
  for (size_t c = n - plane; c < n; c++) visit(&f, seen, solid, c);
  while (f.n) {
    const size_t c = (size_t)f.stack[--f.n], i = c % (size_t)nx, j = c % plane / (size_t)nx, k = c / plane;
    if (k > 0) visit(&f, seen, solid, c - plane);
    if (k + 1 < (size_t)nz) visit(&f, seen, solid, c + plane);
    if (j > 0) visit(&f, seen, solid, c - (size_t)nx);
    if (j + 1 < (size_t)ny) visit(&f, seen, solid, c + (size_t)nx);
    if (i > 0) visit(&f, seen, solid, c - 1);
    if (i + 1 < (size_t)nx) visit(&f, seen, solid, c + 1);
  }
  for (size_t c = 0; c < n; c++) *n_pocket += !solid[c] && !seen[c];
  WB_FREE(&f.stack);
  WB_FREE(&seen);
  PetscFunctionReturn(0);
}

static PetscErrorCode voxels(const WbCity *c, double dx, double top, int size[3], uint8_t **solid) {
  PetscFunctionBeginUser;
  size[0] = (int)lround(c->win_size_x_m / dx);
  size[1] = (int)lround(c->win_size_y_m / dx);
  size[2] = (int)lround(top / dx);
  double *zf = NULL;
  PetscCall(WB_ALLOC(size[2] + 1, &zf));
  for (int k = 0; k <= size[2]; k++) zf[k] = k * dx;
  PetscCall(WB_ALLOC((size_t)size[0] * (size_t)size[1] * (size_t)size[2], solid));
  PetscCall(wb_city_voxelise(c, c->win_x_min_m, c->win_y_min_m, dx, size[0], size[1], size[2], zf, *solid));
  WB_FREE(&zf);
  PetscFunctionReturn(0);
}

static PetscErrorCode inpainting_load(const WbCity *c, double dx_lr, double dx_hr, double top, WbCityStats *s) {
  PetscFunctionBeginUser;
  const int ratio = (int)lround(dx_lr / dx_hr);
  int lr[3], hr[3];
  uint8_t *coarse = NULL, *fine = NULL;
  PetscCall(voxels(c, dx_lr, ceil(top / dx_lr - 1e-9) * dx_lr, lr, &coarse));
  PetscCall(voxels(c, dx_hr, top, hr, &fine));
  for (int k = 0; k < hr[2]; k++) {
    for (int j = 0; j < hr[1]; j++) {
      for (int i = 0; i < hr[0]; i++) {
        if (fine[((size_t)k * (size_t)hr[1] + (size_t)j) * (size_t)hr[0] + (size_t)i]) continue;
        s->n_fluid_hr++;
        s->n_blocked +=
            coarse[((size_t)(k / ratio) * (size_t)lr[1] + (size_t)(j / ratio)) * (size_t)lr[0] + (size_t)(i / ratio)];
      }
    }
  }
  PetscCall(wb_city_count_pockets(fine, hr[0], hr[1], hr[2], &s->n_pocket_cells));
  WB_FREE(&coarse);
  WB_FREE(&fine);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_city_stats(const WbCity *city, double dx_lr_m, double dx_hr_m, double sr_top_m, WbCityStats *stats) {
  PetscFunctionBeginUser;
  const double ratio = dx_lr_m / dx_hr_m, sx = city->win_size_x_m / dx_lr_m, sy = city->win_size_y_m / dx_lr_m;
  memset(stats, 0, sizeof *stats);
  if (fabs(ratio - round(ratio)) > 1e-6 || fabs(sx - round(sx)) > 1e-6 || fabs(sy - round(sy)) > 1e-6) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "city: window %g m x %g m and spacings %g m and %g m do not divide", city->win_size_x_m,
                 city->win_size_y_m, dx_lr_m, dx_hr_m);
  }
  stats->n_buildings = city->n_buildings;
  height_statistics(city, stats);
  const int nx = (int)lround(city->win_size_x_m / dx_hr_m), ny = (int)lround(city->win_size_y_m / dx_hr_m);
  float *h = NULL;
  PetscCall(WB_ALLOC((size_t)nx * (size_t)ny, &h));
  PetscCall(majority_height(city, dx_hr_m, nx, ny, h));
  frontal_area(h, dx_hr_m, nx, ny, stats->lambda_f);
  WB_FREE(&h);
  PetscCall(inpainting_load(city, dx_lr_m, dx_hr_m, sr_top_m, stats));
  PetscFunctionReturn(0);
}

static void add(char *text, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void add(char *text, size_t size, const char *fmt, ...) {
  const size_t used = strlen(text);
  if (used + 1 >= size) return;
  va_list args;
  va_start(args, fmt);
  vsnprintf(text + used, size - used, fmt, args); /* NOLINT(clang-analyzer-valist.Uninitialized): it is started */
  va_end(args);
}

void wb_city_report(const WbCityStats *s, char *text, size_t size) {
  if (!size) return;
  text[0] = '\0';
  add(text, size, "plan area fraction        %.3f\n", s->lambda_p);
  add(text, size, "frontal area index        N %.3f  E %.3f  S %.3f  W %.3f\n", s->lambda_f[0], s->lambda_f[1],
      s->lambda_f[2], s->lambda_f[3]);
  add(text, size, "roof height               mean %.1f m, deviation %.1f m, highest %.1f m (footprint weighted)\n",
      s->height_mean_m, s->height_std_m, s->height_max_m);
  add(text, size, "built area by height      ");
  const int nbin = (int)(sizeof s->histogram / sizeof s->histogram[0]);
  for (int b = 0; b < nbin; b++) {
    if (s->histogram[b] > 0)
      add(text, size, "%d%s m %.1f %%  ", 20 * b, b + 1 < nbin ? "+" : " and more", 100 * s->histogram[b]);
  }
  add(text, size, "\n");
  if (s->n_buildings > 0) add(text, size, "buildings                 %d\n", s->n_buildings);
  add(text, size, "fine fluid cells          %ld, of which %ld (%.1f %%) are solid on the coarse grid\n", s->n_fluid_hr,
      s->n_blocked, s->n_fluid_hr ? 100.0 * (double)s->n_blocked / (double)s->n_fluid_hr : 0);
  add(text, size, "cells cut off from the sky %ld\n", s->n_pocket_cells);
}
