/* Apertures and shares of a run with geometry below its cells, as ghosted fields. */
#include "porous.h"

#include <string.h>

static PetscErrorCode ghosted_ones(const WbLesLayout *l, float **out) {
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(l->field, out));
  for (size_t at = 0; at < l->field; at++) (*out)[at] = 1.0F;
  PetscFunctionReturn(0);
}

/* Walls of a cell that are there in part, as faces of whole cells never are. */
static bool parts_of_walls(const WbLesColumns *c, int k, int j, int i) {
  double area[6], ground;
  wb_les_columns_facets(c, k, j, i, area, &ground);
  for (int side = 0; side < 6; side++)
    if (area[side] != 0.0 && area[side] != 1.0) return true;
  return false;
}

/* Highest roof among the columns of a cell and around it, in sub-levels: above it all is plain air. */
static int highest(const WbLesColumns *c, int j, int i) {
  int most = 0;
  for (int y = (j - 1) * c->r; y < (j + 2) * c->r; y++)
    for (int x = (i - 1) * c->r; x < (i + 2) * c->r; x++) most = PetscMax(most, c->roof[y * c->sy + x]);
  return most;
}

static void measure_cell(WbLes les, int k, int j, int i) {
  struct WbLesPorous_s *p = les->porous;
  const WbLesLayout *l = &les->lay;
  const size_t at = wb_les_at(l, k, j, i), back[3] = {at - 1, at - (size_t)l->sy, at - l->sz};
  const bool solid = les->solid[at];
  WbLesBox box;
  if (!solid) {
    p->share[WB_THETA][at] = (float)wb_les_columns_share(&p->columns, k, j, i);
    p->irregular[at] = p->share[WB_THETA][at] != 1.0F || parts_of_walls(&p->columns, k, j, i);
  }
  for (int f = 0; f < 3; f++) {
    const bool closed = solid || les->solid[back[f]];
    if (!closed) wb_les_columns_box(&p->columns, f, k, j, i, &box);
    p->aperture[f][at] = closed ? 0.0F : (float)box.aperture;
    if (!closed && box.aperture > 0.0) p->share[f][at] = (float)box.share;
  }
}

/* A face that is not as whole cells make it is irregular for both of its cells. */
static void mark_faces(WbLes les) {
  struct WbLesPorous_s *p = les->porous;
  const WbLesLayout *l = &les->lay;
  const size_t up[3] = {1, (size_t)l->sy, l->sz};
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++) {
        const size_t at = wb_les_at(l, k, j, i);
        for (int f = 0; f < 3 && !les->solid[at]; f++) {
          if (p->aperture[f][at] != 1.0F && !les->solid[at - up[f]]) p->irregular[at] = 1;
          if (p->aperture[f][at + up[f]] != 1.0F && !les->solid[at + up[f]]) p->irregular[at] = 1;
        }
      }
}

/* Ghosts of a field from the neighbours; beyond open edges 1 (a plain face), and cells as those inside. */
static PetscErrorCode exchange(WbLes les, float *field) {
  WbHalo halo = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_halo_create(les->grid, les->lay.nz + 2, les->lay.g, 1, WB_FP32, &halo));
  const PetscErrorCode failed = wb_halo_exchange(halo, field);
  wb_halo_destroy(&halo);
  PetscFunctionReturn(failed);
}

static PetscErrorCode exchange_marks(WbLes les) {
  struct WbLesPorous_s *p = les->porous;
  float *copy = NULL;
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(les->lay.field, &copy));
  for (size_t at = 0; at < les->lay.field; at++) copy[at] = p->irregular[at];
  PetscCall(exchange(les, copy));
  for (size_t at = 0; at < les->lay.field; at++) p->irregular[at] = copy[at] > 0.0F;
  WB_FREE(&copy);
  PetscFunctionReturn(0);
}

/* Tells geometries apart, whatever the ranks: roofs weighted with their place. */
static PetscErrorCode mark_geometry(WbLes les) {
  struct WbLesPorous_s *p = les->porous;
  const WbLesColumns *c = &p->columns;
  const WbGrid *g = les->grid;
  uint64_t sum = 0;
  PetscFunctionBeginUser;
  for (int j = 0; j < g->nyl * c->r; j++)
    for (int i = 0; i < g->nxl * c->r; i++) {
      const uint64_t place = (uint64_t)(g->y0 * c->r + j) * (uint64_t)(g->nx * c->r) + (uint64_t)(g->x0 * c->r + i);
      sum += (uint64_t)c->roof[j * c->sy + i] * (1 + place * 2654435761ULL % 1000003ULL);
    }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_UINT64_T, MPI_SUM, g->comm));
  p->mark = (double)(sum & 0xffffffffffffULL) + 0.5; /* never that of whole cells, which is a whole number */
  PetscFunctionReturn(0);
}

/* What the lists of this folder do not know. */
static PetscErrorCode check_options(const WbLesOptions *o) {
  PetscFunctionBeginUser;
  if (o->advection == WB_ADVECTION_UPWIND5)
    WB_RAISE_ALL(WB_ERR_CONFIG, "les_geometry is 'porous'; allowed with les_advection upwind5: solid");
  if (o->surface.most) WB_RAISE_ALL(WB_ERR_CONFIG, "les_geometry is 'porous'; allowed with les_ground most: solid");
  if (o->wall == WB_WALL_NO_SLIP)
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES options: geometry below the cells goes with rough or free-slip walls");
  if (!(o->form_drag >= 0.0))
    WB_RAISE_ALL(WB_ERR_CONFIG, "LES option form_drag = %g must not be negative", o->form_drag);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_porous_begin(WbLes les, const WbLesVoxels *voxels, uint8_t *solid) {
  PetscFunctionBeginUser;
  PetscCall(check_options(&les->opt));
  PetscCall(WB_CALLOC(1, &les->porous));
  PetscCall(wb_les_columns_create(les->grid, voxels, solid, &les->porous->columns));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_porous_fields(WbLes les) {
  const WbLesLayout *l = &les->lay;
  struct WbLesPorous_s *p = les->porous;
  PetscFunctionBeginUser;
  for (int f = 0; f < 4; f++) PetscCall(ghosted_ones(l, &p->share[f]));
  for (int f = 0; f < 3; f++) PetscCall(ghosted_ones(l, &p->aperture[f]));
  PetscCall(WB_CALLOC(l->field, &p->irregular));
  for (int j = 0; j < l->nyl; j++)
    for (int i = 0; i < l->nxl; i++) {
      const int top = highest(&p->columns, j, i) / p->columns.r + 2;
      for (int k = 0; k < PetscMin(top, l->nz); k++) measure_cell(les, k, j, i);
    }
  for (int f = 0; f < 4; f++) PetscCall(exchange(les, p->share[f]));
  for (int f = 0; f < 3; f++) PetscCall(exchange(les, p->aperture[f]));
  mark_faces(les);
  PetscCall(exchange_marks(les));
  PetscCall(mark_geometry(les));
  PetscCall(wb_calloc_bytes((size_t)les->nf * l->field * les->ops->real_bytes, "LES intrinsic velocity", &p->velocity));
  PetscFunctionReturn(0);
}

bool wb_les_porous_wall(const WbLes les, int f, size_t at) {
  const struct WbLesPorous_s *p = les->porous;
  const size_t step[3] = {1, (size_t)les->lay.sy, les->lay.sz};
  return p && (p->irregular[at] || p->irregular[at - step[f]]);
}

bool wb_les_porous_cell(const WbLes les, size_t at) {
  return les->porous && les->porous->irregular[at];
}

double wb_les_porous_facet(const WbLes les, int k, int j, int i, int facing, bool ground) {
  const struct WbLesPorous_s *p = les->porous;
  double area[6], below;
  wb_les_columns_facets(&p->columns, k, j, i, area, &below);
  const double part = facing != WB_FACING_UP ? area[facing] : ground ? below : area[facing] - below;
  return part / (double)p->share[WB_THETA][wb_les_at(&les->lay, k, j, i)];
}

double wb_les_porous_mark(const WbLes les) {
  return les->porous ? les->porous->mark : 0.0;
}

double wb_les_porous_air(const WbLes les, int f, size_t at) {
  return les->porous && f < WB_THETA ? 1.0 / (double)les->porous->share[f][at] : 1.0;
}

float *const *wb_les_porous_apertures(const WbLes les) {
  return les->porous ? les->porous->aperture : NULL;
}

double wb_les_porous_share(const WbLes les, size_t at) {
  return les->porous ? (double)les->porous->share[WB_THETA][at] : 1.0;
}

void wb_les_porous_destroy(WbLes les) {
  struct WbLesPorous_s *p = les->porous;
  if (!p) return;
  WB_FREE(&p->columns.all);
  for (int f = 0; f < 4; f++) WB_FREE(&p->share[f]);
  for (int f = 0; f < 3; f++) {
    WbLesPorousFaces *face = &p->face[f];
    WB_FREE(&p->aperture[f]);
    WB_FREE(&face->level_start);
    WB_FREE(&face->at);
    WB_FREE(&face->aperture);
    WB_FREE(&face->form);
    WB_FREE(&face->c1);
    WB_FREE(&face->c2);
    WB_FREE(&p->scale[f].at);
    WB_FREE(&p->scale[f].factor);
  }
  WB_FREE(&p->cells.level_start);
  WB_FREE(&p->cells.at);
  WB_FREE(&p->cells.per_share);
  WB_FREE(&p->irregular);
  wb_free_bytes(&p->velocity);
  WB_FREE(&les->porous);
}
