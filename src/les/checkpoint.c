/* The whole state of a run into a checkpoint and back: ghosted fields as global arrays (so that the ghosts beyond the
 * domain's edges are kept), potentials, statistics in progress, counters. */
#include <string.h>

#include "les_internal.h"

#define NAME_MAX_LENGTH 128
enum { MARK = 32 };

static void full_name(char out[NAME_MAX_LENGTH], const char *prefix, const char *name) {
  snprintf(out, NAME_MAX_LENGTH, "%s_%s", prefix, name);
}

/* Scalars of the state, in one place for both directions. */
#define N_SCALARS 13
static void scalars_of(WbLes les, double value[N_SCALARS], bool load) {
  double *const real[] = {&les->time_s,     &les->dt_s,       &les->body_force[0], &les->body_force[1],
                          &les->sum_weight, &les->wall_s,     &les->max_div_per_s, &les->max_div_scaled,
                          &les->last_cfl,   &les->last_speed, &les->last_visc};
  const int n = (int)(sizeof real / sizeof real[0]);
  for (int i = 0; i < n; i++) {
    if (load)
      *real[i] = value[i];
    else
      value[i] = *real[i];
  }
  if (load) {
    les->steps = lround(value[n]);
    les->iterations_total = lround(value[n + 1]);
  } else {
    value[n] = (double)les->steps;
    value[n + 1] = (double)les->iterations_total;
  }
}

/* Tells geometries apart: the sum of hashes of the places of all solid cells, and of the faces' heights. Same on all
 * ranks, on any number of them. */
static PetscErrorCode geometry_mark(WbLes les, char text[MARK]) {
  PetscFunctionBeginUser;
  const WbLesLayout *l = &les->lay;
  uint64_t sum = 0;
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++) {
        const uint64_t voxel = wb_grid_voxel(les->grid, k, j, i);
        if (les->solid[wb_les_at(l, k, j, i)]) sum += wb_hash(WB_HASH_START, &voxel, sizeof voxel);
      }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_UINT64_T, MPI_SUM, les->grid->comm));
  sum = wb_hash(sum, les->met.zf, ((size_t)l->nz + 1) * sizeof *les->met.zf);
  const double below = wb_les_porous_mark(les);
  sum = below != 0 ? wb_hash(sum, &below, sizeof below) : sum;
  snprintf(text, MARK, "fnv1a %016llx", (unsigned long long)sum);
  PetscFunctionReturn(0);
}

/* The part of a ghosted field that this rank writes: owned cells and, at the domain's edges, the ghosts beyond. */
static void own_block(WbLes les, int dims[3], int start[3], int count[3]) {
  const WbGrid *g = les->grid;
  const int w = les->lay.g;
  dims[0] = g->nz + 2, dims[1] = g->ny + 2 * w, dims[2] = g->nx + 2 * w;
  start[0] = 0, start[1] = g->iy == 0 ? 0 : g->y0 + w, start[2] = g->ix == 0 ? 0 : g->x0 + w;
  count[0] = g->nz + 2;
  count[1] = (g->iy == g->py - 1 ? dims[1] : g->y0 + g->nyl + w) - start[1];
  count[2] = (g->ix == g->px - 1 ? dims[2] : g->x0 + g->nxl + w) - start[2];
}

static PetscErrorCode put_field(WbLes les, WbCheckpoint ck, const char *name, const char *field, char *packed) {
  PetscFunctionBeginUser;
  const size_t bytes = les->ops->real_bytes;
  int dims[3], start[3], count[3];
  own_block(les, dims, start, count);
  const size_t row = (size_t)count[2] * bytes;
  char *to = packed;
  for (int k = 0; k < count[0]; k++)
    for (int j = 0; j < count[1]; j++, to += row) {
      const size_t at = (size_t)k * les->lay.sz + (size_t)(start[1] - les->grid->y0 + j) * (size_t)les->lay.sy +
                        (size_t)(start[2] - les->grid->x0);
      memcpy(to, field + at * bytes, row);
    }
  PetscCall(wb_checkpoint_put(ck, name, les->opt.precision, 3, dims, start, count, packed));
  PetscFunctionReturn(0);
}

/* Potentials and sums: owned cells without ghosts. */
static PetscErrorCode owned_array(WbLes les, WbCheckpoint ck, const char *prefix, const char *what, void *data,
                                  bool load) {
  PetscFunctionBeginUser;
  const WbGrid *g = les->grid;
  char name[NAME_MAX_LENGTH];
  const int dims[3] = {g->nz, g->ny, g->nx}, start[3] = {0, g->y0, g->x0}, count[3] = {g->nz, g->nyl, g->nxl};
  full_name(name, prefix, what);
  if (!data) PetscFunctionReturn(0);
  if (load)
    PetscCall(wb_checkpoint_get(ck, name, les->opt.precision, 3, dims, start, count, data));
  else
    PetscCall(wb_checkpoint_put(ck, name, les->opt.precision, 3, dims, start, count, data));
  PetscFunctionReturn(0);
}

static PetscErrorCode owned_arrays(WbLes les, WbCheckpoint ck, const char *prefix, bool load) {
  PetscFunctionBeginUser;
  char what[64], field[WB_LES_NAME_MAX];
  for (int f = 0; f < les->nf; f++) {
    wb_les_field_name(les, f, field);
    snprintf(what, sizeof what, "sum_%s", field);
    PetscCall(owned_array(les, ck, prefix, what, les->sum[f], load));
    if (f >= WB_NFIELDS || !les->sum_sq[f]) continue;
    snprintf(what, sizeof what, "square_%s", field);
    PetscCall(owned_array(les, ck, prefix, what, les->sum_sq[f], load));
  }
  for (int slot = 0; slot < WB_PROJECT_SLOTS; slot++) { /* all that warm starts are made from */
    snprintf(what, sizeof what, "potential_%d", slot);
    PetscCall(owned_array(les, ck, prefix, what, wb_project_potential(les->project, slot), load));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_save(WbLes les, WbCheckpoint ck, const char *prefix) {
  PetscFunctionBeginUser;
  char name[NAME_MAX_LENGTH], which[WB_LES_NAME_MAX], *packed = NULL;
  double scalar[N_SCALARS];
  PetscCall(wb_calloc_bytes(les->lay.field * les->ops->real_bytes, "checkpoint buffer", (void **)&packed));
  for (int f = 0; f < les->nf; f++) {
    wb_les_field_name(les, f, which);
    full_name(name, prefix, which);
    const char *field = (const char *)les->state + (size_t)f * les->lay.field * les->ops->real_bytes;
    const PetscErrorCode ierr = put_field(les, ck, name, field, packed);
    if (ierr) {
      wb_free_bytes((void **)&packed);
      PetscFunctionReturn(ierr);
    }
  }
  wb_free_bytes((void **)&packed);
  PetscCall(owned_arrays(les, ck, prefix, false));
  scalars_of(les, scalar, false);
  for (int i = 0; i < N_SCALARS; i++) {
    snprintf(name, sizeof name, "%s_scalar_%d", prefix, i);
    PetscCall(wb_checkpoint_put_real(ck, name, scalar[i]));
  }
  PetscCall(wb_les_output_save(les, ck, prefix));
  char mark[MARK];
  PetscCall(geometry_mark(les, mark));
  full_name(name, prefix, "geometry");
  PetscCall(wb_checkpoint_put_text(ck, name, mark));
  full_name(name, prefix, "precision");
  PetscCall(wb_checkpoint_put_real(ck, name, les->opt.precision == WB_FP32 ? 32 : 64));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_load(WbLes les, WbCheckpoint ck, const char *prefix) {
  PetscFunctionBeginUser;
  const WbGrid *g = les->grid;
  char name[NAME_MAX_LENGTH], which[WB_LES_NAME_MAX];
  double scalar[N_SCALARS], bits = 0;
  char mark[MARK], saved[MARK];
  PetscCall(geometry_mark(les, mark));
  full_name(name, prefix, "geometry");
  PetscCall(wb_checkpoint_get_text(ck, name, saved, (int)sizeof saved));
  if (strcmp(saved, mark) != 0)
    WB_RAISE_ALL(WB_ERR_INPUT, "the checkpoint's run '%s' has other buildings than this one", prefix);
  full_name(name, prefix, "precision");
  PetscCall(wb_checkpoint_get_real(ck, name, &bits));
  if ((bits == 32) != (les->opt.precision == WB_FP32))
    WB_RAISE_ALL(WB_ERR_INPUT, "the checkpoint's run '%s' is in fp%.0f; les_precision must stay the same", prefix,
                 bits);
  const int w = les->lay.g, dims[3] = {g->nz + 2, g->ny + 2 * w, g->nx + 2 * w}, start[3] = {0, g->y0, g->x0};
  const int count[3] = {g->nz + 2, g->nyl + 2 * w, g->nxl + 2 * w}; /* with all ghosts: blocks overlap */
  for (int f = 0; f < les->nf; f++) {
    char *field = (char *)les->state + (size_t)f * les->lay.field * les->ops->real_bytes;
    wb_les_field_name(les, f, which);
    full_name(name, prefix, which);
    PetscCall(wb_checkpoint_get(ck, name, les->opt.precision, 3, dims, start, count, field));
  }
  PetscCall(owned_arrays(les, ck, prefix, true));
  for (int i = 0; i < N_SCALARS; i++) {
    snprintf(name, sizeof name, "%s_scalar_%d", prefix, i);
    PetscCall(wb_checkpoint_get_real(ck, name, &scalar[i]));
  }
  scalars_of(les, scalar, true);
  PetscCall(wb_les_output_load(les, ck, prefix));
  PetscFunctionReturn(0);
}
