/* Decomposition of the horizontal plane over a process grid; conformal finer and coarser grids. */
#include <limits.h>

#include "windbridge/grid.h"

/* Cells of the largest piece when n units are cut into p. */
static int largest_piece(int n, int p) {
  return (n + p - 1) / p;
}

enum { ROWS_LEAST = 16 }; /* thinner pieces have too many ghosts, and soon too few rows for them */

/* Cost of a process grid: cells of the largest rank with its ghosts (two on each side), so load and halo traffic. Whole
 * rows save four of the six transposes of every pressure solve: a city's step on four ranks takes a quarter less. */
static double split_cost(int ux, int uy, int px, int py) {
  const double cost = px == 1 && uy / py >= ROWS_LEAST ? 0.8 : 1.0;
  return cost * (largest_piece(ux, px) + 4.0) * (largest_piece(uy, py) + 4.0);
}

/* Best factorisation px * py = size with px <= ux, py <= uy; py >= px unless no such one fits. False if none fits. */
static bool choose_process_grid(int size, int ux, int uy, int *px, int *py) {
  double best = 0.0;
  bool found = false;
  for (int prefer = 1; prefer >= 0 && !found; prefer--) {
    for (int p = size; p >= 1; p--) { /* the squarest of equals comes first among p <= q */
      const int q = size / p;
      if (p * q != size || p > ux || q > uy || (prefer && p > q)) continue;
      const double cost = split_cost(ux, uy, p, q);
      if (found && !(cost < best)) continue;
      best = cost, *px = p, *py = q, found = true;
    }
  }
  return found;
}

static bool fits_one(int ranks, const WbGridCut *g) {
  int px = 0, py = 0;
  const int ux = g->nx / g->align, uy = g->ny / g->align;
  if (!choose_process_grid(ranks, ux, uy, &px, &py)) return false;
  return (px == 1 || ux / px * g->align >= g->least) && (py == 1 || uy / py * g->align >= g->least);
}

bool wb_grid_fits(int ranks, int n, const WbGridCut *shapes) {
  bool fits = ranks > 0;
  for (int i = 0; i < n && fits; i++) fits = fits_one(ranks, &shapes[i]);
  return fits;
}

/* The numbers from first to last that fit: "1 to 4, 6, 8". */
static void print_fitting(int first, int last, int n, const WbGridCut *shapes, char *text, size_t size) {
  size_t used = 0;
  text[0] = '\0';
  for (int r = first; r <= last && used + 48 < size; r++) {
    if (!wb_grid_fits(r, n, shapes)) continue;
    int until = r;
    while (until < last && wb_grid_fits(until + 1, n, shapes)) until++;
    used +=
        (size_t)snprintf(text + used, size - used, until > r + 1 ? "%s%d to %d" : "%s%d", used ? ", " : "", r, until);
    if (until > r + 1) r = until;
  }
}

void wb_grid_fitting_ranks(int near, int n, const WbGridCut *shapes, char *text, size_t size) {
  enum { BELOW = 6, ABOVE = 6, ALL = 24, FAR = 1 << 20 };
  long long most = FAR;
  for (int i = 0; i < n; i++) {
    const long long columns = (long long)(shapes[i].nx / shapes[i].align) * (shapes[i].ny / shapes[i].align);
    if (columns < most) most = columns;
  }
  int count = 0, first = 1, end = (int)most, start = near < end ? near : end;
  for (int r = 1; r <= (int)most && count <= ALL; r++) count += wb_grid_fits(r, n, shapes);
  if (count > ALL) { /* those on both sides of `near` */
    first = start, end = start;
    for (int found = 0; first > 1 && found < BELOW;) found += wb_grid_fits(--first, n, shapes);
    for (int found = 0; end < (int)most && found < ABOVE;) found += wb_grid_fits(++end, n, shapes);
  }
  print_fitting(first, end, n, shapes, text, size);
}

static PetscErrorCode fill_starts(int units, int align, int pieces, int **starts) {
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(pieces + 1, starts));
  for (int p = 0; p <= pieces; p++) (*starts)[p] = (int)((long long)units * p / pieces) * align;
  PetscFunctionReturn(0);
}

static int largest_part(const int *starts, int pieces) {
  int most = 0;
  for (int p = 0; p < pieces; p++)
    if (starts[p + 1] - starts[p] > most) most = starts[p + 1] - starts[p];
  return most;
}

/* Lists of a rank's cells, ghosts among them, and planes of the whole domain are counted in 32 bits. */
static PetscErrorCode check_counts(const WbGrid *g) {
  enum { GHOSTS = 8 };
  PetscFunctionBeginUser;
  const int mx = largest_part(g->x_starts, g->px), my = largest_part(g->y_starts, g->py);
  if (((double)mx + GHOSTS) * ((double)my + GHOSTS) * ((double)g->nz + GHOSTS) > INT_MAX)
    WB_RAISE_ALL(WB_ERR_CONFIG,
                 "a rank's part of %d x %d x %d cells is %d x %d x %d; allowed: up to 2^31 cells: use more ranks",
                 g->nx, g->ny, g->nz, mx, my, g->nz);
  if ((double)g->nx * g->ny > INT_MAX)
    WB_RAISE_ALL(WB_ERR_CONFIG, "a grid of %d x %d columns; allowed: up to 2^31 columns", g->nx, g->ny);
  PetscFunctionReturn(0);
}

/* Place, owned box and line communicators, once sizes, process grid and starts are set. */
static PetscErrorCode finish_grid(WbGrid *g) {
  PetscFunctionBeginUser;
  PetscCall(check_counts(g));
  PetscCallMPI(MPI_Comm_rank(g->comm, &g->rank));
  PetscCallMPI(MPI_Comm_size(g->comm, &g->size));
  g->ix = g->rank % g->px;
  g->iy = g->rank / g->px;
  g->x0 = g->x_starts[g->ix];
  g->y0 = g->y_starts[g->iy];
  g->nxl = g->x_starts[g->ix + 1] - g->x0;
  g->nyl = g->y_starts[g->iy + 1] - g->y0;
  PetscCallMPI(MPI_Comm_split(g->comm, g->iy, g->ix, &g->row_comm));
  PetscCallMPI(MPI_Comm_split(g->comm, g->ix, g->iy, &g->col_comm));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_grid_make(MPI_Comm comm, const WbGridShape *s, WbGrid **grid) {
  PetscFunctionBeginUser;
  *grid = NULL;
  const int nx = s->nx, ny = s->ny, nz = s->nz, align = s->align ? s->align : 1;
  int size, px = s->px, py = s->py;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (nx < 1 || ny < 1 || nz < 1 || align < 1 || nx % align || ny % align)
    WB_RAISE_ALL(WB_ERR_CONFIG, "a grid of %d x %d x %d cells cannot be cut in blocks of %d cells", nx, ny, nz, align);
  const int ux = nx / align, uy = ny / align;
  if (px > 0 && py == 0 && size % px == 0) py = size / px;
  if (py > 0 && px == 0 && size % py == 0) px = size / py;
  if (px > 0 || py > 0) {
    if (px < 1 || py < 1 || px > ux || py > uy || (long long)px * py != size)
      WB_RAISE_ALL(WB_ERR_CONFIG, "a process grid of %d x %d does not fit %d ranks and %d x %d cells in blocks of %d",
                   px, py, size, nx, ny, align);
  } else if (!choose_process_grid(size, ux, uy, &px, &py)) {
    char fit[256];
    const WbGridCut shape = {.nx = nx, .ny = ny, .align = align, .least = 1};
    wb_grid_fitting_ranks(size, 1, &shape, fit, sizeof fit);
    WB_RAISE_ALL(WB_ERR_CONFIG, "%d ranks cannot share %d x %d cells in blocks of %d; numbers that fit: %s", size, nx,
                 ny, align, fit);
  }
  WbGrid *g;
  PetscCall(WB_CALLOC(1, &g));
  g->comm = comm;
  g->row_comm = g->col_comm = MPI_COMM_NULL;
  g->nx = nx, g->ny = ny, g->nz = nz;
  g->px = px, g->py = py;
  g->periodic_x = s->periodic_x, g->periodic_y = s->periodic_y;
  g->dx_m = s->dx_m > 0 ? s->dx_m : 1.0;
  g->x_min_m = s->x_min_m, g->y_min_m = s->y_min_m;
  PetscCall(fill_starts(ux, align, px, &g->x_starts));
  PetscCall(fill_starts(uy, align, py, &g->y_starts));
  const PetscErrorCode failed = finish_grid(g);
  if (failed) wb_grid_destroy(&g);
  PetscCall(failed);
  *grid = g;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_grid_create(MPI_Comm comm, int nx, int ny, int nz, int align, int px, int py, bool periodic_x,
                              bool periodic_y, WbGrid **grid) {
  const WbGridShape shape = {.nx = nx,
                             .ny = ny,
                             .nz = nz,
                             .align = align,
                             .px = px,
                             .py = py,
                             .periodic_x = periodic_x,
                             .periodic_y = periodic_y};
  PetscFunctionBeginUser;
  if (align < 1)
    WB_RAISE_ALL(WB_ERR_CONFIG, "a grid of %d x %d x %d cells cannot be cut in blocks of %d cells", nx, ny, nz, align);
  PetscCall(wb_grid_make(comm, &shape, grid));
  PetscFunctionReturn(0);
}

/* starts times ratio, or divided by -ratio where all divide evenly. */
static PetscErrorCode scale_starts(const int *from, int pieces, int ratio, int **to) {
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(pieces + 1, to));
  for (int p = 0; p <= pieces; p++) {
    if (ratio < 0 && from[p] % -ratio)
      WB_RAISE_ALL(WB_ERR_CONFIG, "a grid cut at cell %d cannot be coarsened by %d", from[p], -ratio);
    if (ratio > 0 && from[p] > INT_MAX / ratio)
      WB_RAISE_ALL(WB_ERR_CONFIG, "%d cells refined by %d are too many", from[p], ratio);
    (*to)[p] = ratio > 0 ? from[p] * ratio : from[p] / -ratio;
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_grid_refine(const WbGrid *grid, int ratio, int nz, WbGrid **out) {
  PetscFunctionBeginUser;
  *out = NULL;
  if (ratio == 0 || nz < 1)
    WB_RAISE_ALL(WB_ERR_CONFIG, "grid refinement by %d with %d levels is not possible", ratio, nz);
  WbGrid *g;
  PetscCall(WB_CALLOC(1, &g));
  *g = *grid;
  g->x_starts = g->y_starts = NULL;
  g->row_comm = g->col_comm = MPI_COMM_NULL;
  g->nz = nz;
  PetscErrorCode failed = scale_starts(grid->x_starts, grid->px, ratio, &g->x_starts);
  if (!failed) failed = scale_starts(grid->y_starts, grid->py, ratio, &g->y_starts);
  if (failed) wb_grid_destroy(&g);
  PetscCall(failed);
  g->nx = g->x_starts[g->px];
  g->ny = g->y_starts[g->py];
  g->dx_m = ratio > 0 ? grid->dx_m / ratio : grid->dx_m * -ratio;
  failed = finish_grid(g);
  if (failed) wb_grid_destroy(&g);
  PetscCall(failed);
  *out = g;
  PetscFunctionReturn(0);
}

void wb_grid_destroy(WbGrid **grid) {
  if (!grid || !*grid) return;
  WbGrid *g = *grid;
  if (g->row_comm != MPI_COMM_NULL) MPI_Comm_free(&g->row_comm);
  if (g->col_comm != MPI_COMM_NULL) MPI_Comm_free(&g->col_comm);
  WB_FREE(&g->x_starts);
  WB_FREE(&g->y_starts);
  WB_FREE(grid);
}
