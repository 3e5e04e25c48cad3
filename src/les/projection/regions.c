/* Connected regions of fluid by flood fill over all ranks. Each has its own constant in the null space of A, so the
 * right-hand side must vanish in the mean over each. */
#include "project.h"

#include <stdlib.h>
#include <string.h>

static int32_t root_of(int32_t *parent, int32_t c) {
  while (parent[c] != c) {
    parent[c] = parent[parent[c]];
    c = parent[c];
  }
  return c;
}

static void join(int32_t *parent, int32_t a, int32_t b) {
  const int32_t ra = root_of(parent, a), rb = root_of(parent, b);
  if (ra < rb) {
    parent[rb] = ra;
  } else {
    parent[ra] = rb;
  }
}

/* Join the cells of this rank across open faces; cyclic faces count when this rank has both sides. */
static void join_local(WbProject pr, int32_t *parent) {
  const int32_t plane = (int32_t)(pr->nyl * pr->nxl);
  size_t c = 0;
  for (int k = 0; k < pr->nz; k++)
    for (int j = 0; j < pr->nyl; j++)
      for (int i = 0; i < pr->nxl; i++, c++) {
        const unsigned m = pr->mask[c];
        const ptrdiff_t west = wb_project_neighbour(pr, k, j, i, -1, 0),
                        south = wb_project_neighbour(pr, k, j, i, 0, -1);
        if ((m & WB_OPEN_WEST) && west < (ptrdiff_t)pr->n) join(parent, (int32_t)c, (int32_t)west);
        if ((m & WB_OPEN_SOUTH) && south < (ptrdiff_t)pr->n) join(parent, (int32_t)c, (int32_t)south);
        if (m & WB_OPEN_BELOW) join(parent, (int32_t)c, (int32_t)c - plane);
      }
}

/* label of a cell's root = min(itself, what the neighbour rank has across the open face); true if any changed. */
static bool meet(int32_t *parent, double *label, size_t c, bool open, double beyond) {
  const int32_t root = root_of(parent, (int32_t)c);
  if (!open || !(beyond < label[root])) return false;
  label[root] = beyond;
  return true;
}

static bool meet_sides(WbProject pr, int32_t *parent, double *label) {
  bool changed = false;
  for (int k = 0; k < pr->nz; k++) {
    for (int j = 0; j < pr->nyl && !pr->alone_x; j++) {
      const size_t row = (size_t)k * (size_t)pr->nyl + (size_t)j, first = row * (size_t)pr->nxl;
      changed |= meet(parent, label, first, (pr->mask[first] & WB_OPEN_WEST) != 0, label[pr->ghost[0] + row]);
      changed |= meet(parent, label, first + (size_t)pr->nxl - 1, pr->open_east[row], label[pr->ghost[1] + row]);
    }
    for (int i = 0; i < pr->nxl && !pr->alone_y; i++) {
      const size_t side = (size_t)k * (size_t)pr->nxl + (size_t)i;
      const size_t first = (size_t)k * (size_t)pr->nyl * (size_t)pr->nxl + (size_t)i;
      const size_t last = first + (size_t)(pr->nyl - 1) * (size_t)pr->nxl;
      changed |= meet(parent, label, first, (pr->mask[first] & WB_OPEN_SOUTH) != 0, label[pr->ghost[2] + side]);
      changed |= meet(parent, label, last, pr->open_north[side], label[pr->ghost[3] + side]);
    }
  }
  return changed;
}

/* label (n_ghosted): the smallest voxel number of the region, for every fluid cell. */
static PetscErrorCode flood(WbProject pr, const WbGrid *grid, int32_t *parent, double *label) {
  PetscFunctionBeginUser;
  for (size_t c = 0; c < pr->n; c++) parent[c] = (int32_t)c;
  join_local(pr, parent);
  size_t c = 0;
  for (int k = 0; k < pr->nz; k++)
    for (int j = 0; j < pr->nyl; j++)
      for (int i = 0; i < pr->nxl; i++, c++) label[c] = (double)wb_grid_voxel(grid, k, j, i);
  for (c = 0; c < pr->n; c++) { /* roots take the smallest number of their cells */
    const int32_t root = root_of(parent, (int32_t)c);
    if (label[c] < label[root]) label[root] = label[c];
  }
  for (int again = 1; again;) {
    for (c = 0; c < pr->n; c++) label[c] = label[root_of(parent, (int32_t)c)];
    PetscCall(wb_project_exchange_f64(pr, pr->nz, label));
    const int changed = meet_sides(pr, parent, label);
    PetscCallMPI(MPI_Allreduce(&changed, &again, 1, MPI_INT, MPI_MAX, pr->comm));
  }
  PetscFunctionReturn(0);
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static int unique(double *v, int n) {
  int m = 0;
  qsort(v, (size_t)n, sizeof(double), by_value);
  for (int i = 0; i < n; i++)
    if (m == 0 || v[i] > v[m - 1]) v[m++] = v[i];
  return m;
}

/* Names of all regions, sorted, the same on every rank; *names allocated. */
static PetscErrorCode collect(WbProject pr, int32_t *parent, const double *label, double **names, int *count) {
  int size, total = 0, mine = 0;
  int *counts = NULL, *displs = NULL;
  double *local = NULL;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(pr->comm, &size));
  for (size_t c = 0; c < pr->n; c++) mine += (pr->mask[c] & WB_FLUID) && root_of(parent, (int32_t)c) == (int32_t)c;
  PetscCall(WB_ALLOC(mine + 1, &local));
  mine = 0;
  for (size_t c = 0; c < pr->n; c++)
    if ((pr->mask[c] & WB_FLUID) && root_of(parent, (int32_t)c) == (int32_t)c) local[mine++] = label[c];
  mine = unique(local, mine);
  PetscCall(WB_ALLOC(size, &counts));
  PetscCall(WB_ALLOC(size, &displs));
  PetscCallMPI(MPI_Allgather(&mine, 1, MPI_INT, counts, 1, MPI_INT, pr->comm));
  for (int r = 0; r < size; r++) {
    displs[r] = total;
    total += counts[r];
  }
  PetscCall(WB_ALLOC(total + 1, names));
  PetscCallMPI(MPI_Allgatherv(local, mine, MPI_DOUBLE, *names, counts, displs, MPI_DOUBLE, pr->comm));
  *count = unique(*names, total);
  WB_FREE(&local);
  WB_FREE(&counts);
  WB_FREE(&displs);
  PetscFunctionReturn(0);
}

static int32_t place_of(const double *names, int count, double label) {
  const double *hit = bsearch(&label, names, (size_t)count, sizeof(double), by_value);
  return (int32_t)(hit - names);
}

/* Region of a label, numbered so that the largest is 0. */
static int32_t region_of(const double *names, int count, double label, int largest) {
  const int32_t at = place_of(names, count, label);
  return at == largest ? 0 : (at < largest ? at + 1 : at);
}

/* Volumes of the regions in the order of names; returns the largest. */
static PetscErrorCode measure(WbProject pr, const double *label, const double *names, int count, int *largest) {
  const size_t plane = (size_t)pr->nyl * (size_t)pr->nxl;
  PetscFunctionBeginUser;
  memset(pr->region_volume, 0, (size_t)count * sizeof(double));
  for (size_t c = 0; c < pr->n; c++)
    if (pr->mask[c] & WB_FLUID) pr->region_volume[place_of(names, count, label[c])] += pr->dz[c / plane];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, pr->region_volume, count, MPI_DOUBLE, MPI_SUM, pr->comm));
  *largest = 0;
  for (int r = 1; r < count; r++)
    if (pr->region_volume[r] > pr->region_volume[*largest]) *largest = r;
  const double volume = pr->region_volume[*largest]; /* move it to the front */
  memmove(pr->region_volume + 1, pr->region_volume, (size_t)*largest * sizeof(double));
  pr->region_volume[0] = volume;
  PetscFunctionReturn(0);
}

static PetscErrorCode list_cells(WbProject pr, const double *label, const double *names, int largest) {
  PetscFunctionBeginUser;
  const int count = pr->regions;
  const double main_label = count ? names[largest] : 0;
  for (size_t c = 0; c < pr->n; c++) pr->nsmall += (pr->mask[c] & WB_FLUID) && label[c] != main_label;
  PetscCall(WB_ALLOC(pr->nsmall + 1, &pr->small_cell));
  PetscCall(WB_ALLOC(pr->nsmall + 1, &pr->small_region));
  int m = 0;
  for (size_t c = 0; c < pr->n; c++) {
    if (!(pr->mask[c] & WB_FLUID) || label[c] == main_label) continue;
    pr->small_cell[m] = (int32_t)c;
    pr->small_region[m++] = region_of(names, count, label[c], largest);
  }
  PetscCall(WB_ALLOC(pr->nrim + 1, &pr->rim_region));
  memset(pr->region_rim, 0, (size_t)(count + 2) * sizeof(double));
  for (int c = 0; c < pr->nrim; c++) {
    pr->rim_region[c] = region_of(names, count, label[pr->rim_cell[c]], largest);
    pr->region_rim[pr->rim_region[c]] += pr->rim_dz[c];
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, pr->region_rim, count, MPI_DOUBLE, MPI_SUM, pr->comm));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_project_regions(WbProject pr, const WbGrid *grid) {
  int32_t *parent = NULL;
  double *label = NULL, *names = NULL;
  int largest = 0;
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(pr->n + 1, &parent));
  PetscCall(WB_CALLOC(pr->n_ghosted, &label));
  PetscCall(flood(pr, grid, parent, label));
  PetscCall(collect(pr, parent, label, &names, &pr->regions));
  PetscCall(WB_CALLOC(pr->regions + 2, &pr->region_volume));
  PetscCall(WB_CALLOC(pr->regions + 2, &pr->region_rim));
  PetscCall(WB_CALLOC(pr->regions + 2, &pr->region_sum));
  PetscCall(measure(pr, label, names, pr->regions, &largest));
  PetscCall(list_cells(pr, label, names, largest));
  WB_FREE(&parent);
  WB_FREE(&label);
  WB_FREE(&names);
  PetscFunctionReturn(0);
}
