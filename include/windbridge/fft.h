/* windbridge fft: flat (obstacle-free) Poisson solver by FFT in x, y and tridiagonal solves in z, and spectra. */
#ifndef WINDBRIDGE_FFT_H
#define WINDBRIDGE_FFT_H
#include "windbridge/grid.h"

/* Solves D G p = r exactly for the 2nd-order C-grid Laplacian on a flat domain: spacing dx = dy uniform, z faces
 * zf (nz + 1) [m] (any stretching; G_z divides by the distance between cell centres), dp/dz = 0 at top and bottom,
 * cyclic or dp/dn = 0 per horizontal direction as grid->periodic_x/y say. r's volume mean is removed and p has zero
 * volume mean. Arrays: owned cells (nz, nyl, nxl), no ghosts, float or double by precision.
 * Own transforms without measured plans: results repeat bit for bit. In place (p == r) is allowed. */
typedef struct WbPoisson_s *WbPoisson;
PetscErrorCode wb_poisson_create(const WbGrid *grid, double dx_m, const double *zf, WbPrecision precision,
                                 WbPoisson *poisson);                       /* collective */
PetscErrorCode wb_poisson_solve(WbPoisson poisson, const void *r, void *p); /* collective */
/* The same solve when r is zero above the lowest nk levels and p is wanted there only (both (nk, nyl, nxl)): the levels
 * above are eliminated exactly. p then is fixed up to a constant, not to zero mean. row_used (nk * nyl) or NULL: rows
 * (k, j) in which r is non-zero or p is wanted; the others are taken as zero and left untouched. Collective. */
PetscErrorCode wb_poisson_solve_low(WbPoisson poisson, int nk, const uint8_t *row_used, const void *r, void *p);
/* Collective (ranks of one machine share memory); a rank alone with an error may call it on its way out. */
void wb_poisson_destroy(WbPoisson *poisson);

/* One-dimensional energy spectrum of one horizontal plane, averaged over y: field (ny, nx) float on one rank with
 * no gaps (caller fills them), Hann-windowed after removing the row mean (window-weighted, so that nothing is left at
 * k = 0); e (nx/2) out at k = 1..nx/2 cycles a domain length, normalised so that sum_k e = window-corrected variance
 * (mean of (h f')^2 over mean of h^2). Not collective. */
PetscErrorCode wb_spectrum_1d(const float *field, int ny, int nx, double *e);
#endif
