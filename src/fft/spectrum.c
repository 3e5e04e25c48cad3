/* Spectra of horizontal rows. */
#include <fftw3.h>
#include <math.h>

#include "windbridge/fft.h"

/* One row: window-weighted mean removed, Hann window applied, energies added to e. */
static void add_row(const float *f, int nx, const double *h, double *work, fftw_plan plan, const fftw_complex *hat,
                    double *e) {
  double sum = 0, sum_h = 0;
  for (int i = 0; i < nx; i++) {
    sum += h[i] * (double)f[i];
    sum_h += h[i];
  }
  for (int i = 0; i < nx; i++) work[i] = h[i] * ((double)f[i] - sum / sum_h);
  fftw_execute(plan);
  for (int k = 1; k <= nx / 2; k++) {
    const double both = (2 * k == nx) ? 1 : 2; /* k and nx - k */
    e[k - 1] += both * (hat[k][0] * hat[k][0] + hat[k][1] * hat[k][1]);
  }
}

PetscErrorCode wb_spectrum_1d(const float *field, int ny, int nx, double *e) {
  double *h = NULL, *work = NULL, sum_h2 = 0;
  fftw_complex *hat = NULL;
  PetscFunctionBeginUser;
  PetscCheck(ny > 0 && nx > 1, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "spectrum of %d x %d points", ny, nx);
  PetscCall(WB_ALLOC(nx, &h));
  PetscCall(WB_ALLOC(nx, &work));
  PetscCall(WB_ALLOC(nx / 2 + 1, &hat));
  fftw_plan plan = fftw_plan_dft_r2c_1d(nx, work, hat, FFTW_ESTIMATE);
  PetscCheck(plan, PETSC_COMM_SELF, PETSC_ERR_LIB, "FFTW made no plan for nx = %d", nx);
  for (int i = 0; i < nx; i++) {
    h[i] = 0.5 * (1 - cos(2 * PETSC_PI * (i + 0.5) / nx));
    sum_h2 += h[i] * h[i];
  }
  for (int k = 0; k < nx / 2; k++) e[k] = 0;
  for (int j = 0; j < ny; j++) add_row(field + (size_t)j * (size_t)nx, nx, h, work, plan, hat, e);
  for (int k = 0; k < nx / 2; k++) e[k] /= (double)nx * sum_h2 * (double)ny;
  fftw_destroy_plan(plan);
  WB_FREE(&h);
  WB_FREE(&work);
  WB_FREE(&hat);
  PetscFunctionReturn(0);
}
