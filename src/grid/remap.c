/* Box copy between two decompositions: one PetscSF of a horizontal plane, applied to every level. */
#include <petscsf.h>

#include "windbridge/grid.h"

struct WbRemap_s {
  PetscSF sf;
  MPI_Datatype unit;
  bool owns_unit;
  int levels;
  size_t src_plane, dst_plane; /* floats per level */
  size_t src_first;            /* floats before the first source level */
};

/* Piece that holds cell n. */
static int find_piece(const int *starts, int pieces, int n) {
  int low = 0, high = pieces;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (starts[middle] <= n)
      low = middle;
    else
      high = middle;
  }
  return low;
}

/* Leaves are the owned cells of dst's plane in order, roots those of src's plane. */
static PetscErrorCode build_graph(const WbGrid *src, const WbGrid *dst, int j_off, int i_off, PetscSF sf) {
  PetscFunctionBeginUser;
  PetscSFNode *remote;
  PetscInt count = 0;
  PetscCall(PetscMalloc1((size_t)dst->nyl * (size_t)dst->nxl, &remote));
  for (int j = 0; j < dst->nyl; j++) {
    const int js = dst->y0 + j + j_off, qy = find_piece(src->y_starts, src->py, js);
    for (int i = 0; i < dst->nxl; i++, count++) {
      const int is = dst->x0 + i + i_off, qx = find_piece(src->x_starts, src->px, is);
      const int nxl = src->x_starts[qx + 1] - src->x_starts[qx];
      remote[count].rank = qy * src->px + qx;
      remote[count].index = (js - src->y_starts[qy]) * nxl + is - src->x_starts[qx];
    }
  }
  PetscCall(PetscSFSetGraph(sf, src->nyl * src->nxl, count, NULL, PETSC_OWN_POINTER, remote, PETSC_OWN_POINTER));
  PetscCall(PetscSFSetUp(sf));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_remap_create(const WbGrid *src, const WbGrid *dst, int k_off, int j_off, int i_off, int components,
                               WbRemap *remap) {
  PetscFunctionBeginUser;
  *remap = NULL;
  int relation;
  PetscCallMPI(MPI_Comm_compare(src->comm, dst->comm, &relation));
  if (relation != MPI_IDENT && relation != MPI_CONGRUENT)
    WB_RAISE_ALL(WB_ERR_CONFIG, "grids of different rank sets cannot be remapped");
  if (components < 1 || k_off < 0 || j_off < 0 || i_off < 0 || k_off + dst->nz > src->nz || j_off + dst->ny > src->ny ||
      i_off + dst->nx > src->nx)
    WB_RAISE_ALL(WB_ERR_CONFIG, "a box of %d x %d x %d cells at (%d, %d, %d) does not lie in a grid of %d x %d x %d",
                 dst->nx, dst->ny, dst->nz, i_off, j_off, k_off, src->nx, src->ny, src->nz);
  WbRemap r;
  PetscCall(WB_CALLOC(1, &r));
  r->levels = dst->nz;
  r->src_plane = (size_t)src->nyl * (size_t)src->nxl * (size_t)components;
  r->dst_plane = (size_t)dst->nyl * (size_t)dst->nxl * (size_t)components;
  r->src_first = (size_t)k_off * r->src_plane;
  r->unit = MPI_FLOAT;
  if (components > 1) {
    PetscCallMPI(MPI_Type_contiguous(components, MPI_FLOAT, &r->unit));
    PetscCallMPI(MPI_Type_commit(&r->unit));
    r->owns_unit = true;
  }
  PetscCall(PetscSFCreate(src->comm, &r->sf));
  PetscCall(build_graph(src, dst, j_off, i_off, r->sf));
  *remap = r;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_remap_apply(WbRemap r, const float *src, float *dst) {
  PetscFunctionBeginUser;
  for (int k = 0; k < r->levels; k++) {
    const float *from = src + r->src_first + (size_t)k * r->src_plane;
    float *to = dst + (size_t)k * r->dst_plane;
    PetscCall(PetscSFBcastBegin(r->sf, r->unit, from, to, MPI_REPLACE));
    PetscCall(PetscSFBcastEnd(r->sf, r->unit, from, to, MPI_REPLACE));
  }
  PetscFunctionReturn(0);
}

void wb_remap_destroy(WbRemap *remap) {
  if (!remap || !*remap) return;
  WbRemap r = *remap;
  (void)PetscSFDestroy(&r->sf);
  if (r->owns_unit) MPI_Type_free(&r->unit);
  WB_FREE(remap);
}
