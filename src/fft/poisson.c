/* Flat Poisson solver: creation, dispatch by precision. The method: real transforms in x and y (cosine
 * or Hartley modes through one complex FFT, own code because FFTW's planner without measuring is 2 to 3 times slower on
 * batches of such lengths), then one tridiagonal system in z per mode. */
#include "fft_internal.h"

#include <limits.h>
#include <string.h>

static PetscErrorCode poisson_starts(WbPoisson s, const WbGrid *grid) {
  PetscFunctionBeginUser;
  const int parts = s->px > s->py ? s->px : s->py;
  PetscCall(WB_ALLOC(s->px + 1, &s->x_starts));
  PetscCall(WB_ALLOC(s->py + 1, &s->y_starts));
  PetscCall(WB_ALLOC(s->py + 1, &s->c_starts));
  PetscCall(WB_ALLOC(s->px + 1, &s->r_starts));
  PetscCall(WB_ALLOC(s->py, &s->pitches));
  PetscCall(WB_ALLOC(s->py, &s->parts));
  PetscCall(WB_ALLOC(2 * parts, &s->requests));
  memcpy(s->x_starts, grid->x_starts, (size_t)(s->px + 1) * sizeof(int));
  memcpy(s->y_starts, grid->y_starts, (size_t)(s->py + 1) * sizeof(int));
  for (int p = 0; p <= s->py; p++) s->c_starts[p] = wb_poisson_split(s->nx, p, s->py);
  for (int p = 0; p <= s->px; p++) s->r_starts[p] = wb_poisson_split(s->ny, p, s->px);
  s->c0 = s->c_starts[s->iy];
  s->ncl = s->c_starts[s->iy + 1] - s->c0;
  s->r0 = s->r_starts[s->ix];
  s->nrl = s->r_starts[s->ix + 1] - s->r0;
  PetscFunctionReturn(0);
}

static PetscErrorCode poisson_metrics(WbPoisson s, const double *zf) {
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(s->nz, &s->dz));
  PetscCall(WB_ALLOC(s->nz + 1, &s->a_face));
  for (int k = 0; k < s->nz; k++) s->dz[k] = zf[k + 1] - zf[k];
  s->a_face[0] = s->a_face[s->nz] = 0;
  for (int k = 1; k < s->nz; k++) s->a_face[k] = 2 / (zf[k + 1] - zf[k - 1]);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_poisson_create(const WbGrid *grid, double dx_m, const double *zf, WbPrecision precision,
                                 WbPoisson *poisson) {
  PetscFunctionBeginUser;
  PetscCall(wb_poisson_create_near(grid, dx_m, zf, precision, INT_MAX, poisson));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_poisson_create_near(const WbGrid *grid, double dx_m, const double *zf, WbPrecision precision,
                                      int most_near, WbPoisson *poisson) {
  WbPoisson s;
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(1, &s));
  *poisson = s;
  s->precision = precision;
  s->comm = grid->comm;
  s->row_comm = grid->row_comm;
  s->col_comm = grid->col_comm;
  s->nx = grid->nx;
  s->ny = grid->ny;
  s->nz = grid->nz;
  s->nxl = grid->nxl;
  s->nyl = grid->nyl;
  s->px = grid->px;
  s->py = grid->py;
  s->ix = grid->ix;
  s->iy = grid->iy;
  s->periodic_x = grid->periodic_x;
  s->periodic_y = grid->periodic_y;
  s->dx = dx_m;
  PetscCall(poisson_starts(s, grid));
  PetscCall(poisson_metrics(s, zf));
  if (precision == WB_FP32) {
    PetscCall(wb_poisson_setup_f32(s, most_near));
  } else {
    PetscCall(wb_poisson_setup_f64(s, most_near));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_poisson_solve(WbPoisson s, const void *r, void *p) {
  PetscFunctionBeginUser;
  PetscCall(wb_poisson_solve_low(s, s->nz, NULL, r, p));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_poisson_solve_low(WbPoisson s, int nk, const uint8_t *row_used, const void *r, void *p) {
  PetscFunctionBeginUser;
  if (s->px > 1) row_used = NULL; /* rows are whole elsewhere: their owner does not know who needs them */
  if (s->precision == WB_FP32) {
    PetscCall(wb_poisson_run_f32(s, nk, row_used, r, p));
  } else {
    PetscCall(wb_poisson_run_f64(s, nk, row_used, r, p));
  }
  PetscFunctionReturn(0);
}

void wb_poisson_destroy(WbPoisson *poisson) {
  if (!poisson || !*poisson) return;
  WbPoisson s = *poisson;
  if (s->precision == WB_FP32) {
    wb_poisson_release_f32(s);
  } else {
    wb_poisson_release_f64(s);
  }
  WB_FREE(&s->x_starts);
  WB_FREE(&s->y_starts);
  WB_FREE(&s->c_starts);
  WB_FREE(&s->r_starts);
  WB_FREE(&s->pitches);
  WB_FREE(&s->parts);
  WB_FREE(&s->requests);
  WB_FREE(&s->dz);
  WB_FREE(&s->a_face);
  WB_FREE(poisson);
}
