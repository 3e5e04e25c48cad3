/* Slices: fields on planes of constant x, y or z at an interval of their own. */
#include <string.h>

#include "output.h"

static const char *const suffix[3] = {"yz", "xz", "xy"}; /* of constant x, y, z */
static const char *const dims[3] = {"time,x_slice,z,y", "time,y_slice,z,x", "time,z_slice,y,x"};
static const char *const axis_name[3] = {"x_slice", "y_slice", "z_slice"};

PetscErrorCode wb_les_slices_create(WbLesOutput o) {
  const WbLesLayout *l = &o->les->lay;
  const size_t side = (size_t)PetscMax(l->nz, PetscMax(l->nyl, l->nxl));
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(wb_grid_owned(o->les->grid), &o->field));
  PetscCall(WB_ALLOC(side * side, &o->plane));
  PetscFunctionReturn(0);
}

static int index_of(const WbLes les, int axis, double at_m) {
  const WbLesPlaces places = wb_les_places(les);
  return wb_les_slice_index(&places, axis, at_m);
}

static PetscErrorCode def_axes(WbLesOutput o, WbNc nc) {
  const WbGrid *g = o->les->grid;
  double *x = NULL, at[WB_LES_SLICES_MAX];
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(PetscMax(g->nx, g->ny), &x));
  for (int i = 0; i < g->nx; i++) x[i] = g->x_min_m + (i + 0.5) * g->dx_m;
  PetscCall(wb_les_output_axis(o, nc, "x", g->nx, x, "x of cell centres"));
  for (int j = 0; j < g->ny; j++) x[j] = g->y_min_m + (j + 0.5) * g->dx_m;
  PetscCall(wb_les_output_axis(o, nc, "y", g->ny, x, "y of cell centres"));
  PetscCall(wb_les_output_axis(o, nc, "z", g->nz, o->les->met.zc + 1, "height of cell centres"));
  for (int axis = 0; axis < 3; axis++) {
    const int n = o->opt.n_slices[axis];
    for (int s = 0; s < n; s++) {
      const int i = index_of(o->les, axis, o->opt.slice_m[axis][s]);
      at[s] = axis == 2 ? o->les->met.zc[i + 1] : (axis == 0 ? g->x_min_m : g->y_min_m) + (i + 0.5) * g->dx_m;
    }
    if (n > 0) PetscCall(wb_les_output_axis(o, nc, axis_name[axis], n, at, "middle of the slice's cells"));
  }
  WB_FREE(&x);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_les_slices_open(WbLesOutput o, const char *path) {
  const WbLes les = o->les;
  static const char *const units[WB_NFIELDS] = {"m s-1", "m s-1", "m s-1", "K"};
  char scalar[WB_LES_NAME_MAX], name[64];
  PetscFunctionBeginUser;
  if (o->append) {
    PetscCall(wb_nc_open_append(les->grid->comm, path, &o->slice_nc));
    PetscFunctionReturn(0);
  }
  PetscCall(wb_nc_create(les->grid->comm, path, true, false, &o->slice_nc));
  WbNc nc = o->slice_nc;
  PetscCall(wb_les_output_def_time(nc, o->slice.n_records, o->opt.start_time_iso, false));
  PetscCall(def_axes(o, nc));
  for (int axis = 0; axis < 3; axis++)
    for (int f = 0; f < les->nf && o->opt.n_slices[axis] > 0; f++) {
      const char *unit = f < WB_NFIELDS ? units[f] : f == les->tke_field ? "m2 s-2" : "kg m-3";
      wb_les_output_name(les, f, scalar);
      snprintf(name, sizeof name, "%s_%s", scalar, suffix[axis]);
      PetscCall(wb_les_output_def(nc, name, dims[axis], unit, "instantaneous, at cell centres"));
    }
  PetscCall(wb_nc_att_text(nc, "/", NULL, "title", "windbridge: slices of the large-eddy simulation"));
  PetscCall(wb_nc_flush(nc));
  PetscFunctionReturn(0);
}

/* This rank's part of a slice from o->field into o->plane: start and count (time, slice, rows, columns). */
static void cut(WbLesOutput o, int axis, int slice, int start[4], int count[4]) {
  const WbLes les = o->les;
  const WbGrid *g = les->grid;
  const int i = index_of(les, axis, o->opt.slice_m[axis][slice]), local = i - (axis == 0 ? g->x0 : g->y0);
  const int rows = axis == 2 ? g->nyl : g->nz, columns = axis == 0 ? g->nyl : g->nxl;
  const bool here = axis == 2 || (local >= 0 && local < (axis == 0 ? g->nxl : g->nyl));
  start[0] = o->slice.done, start[1] = slice;
  start[2] = axis == 2 ? g->y0 : 0, start[3] = axis == 0 ? g->y0 : g->x0;
  count[0] = here ? 1 : 0, count[1] = 1, count[2] = rows, count[3] = columns;
  for (int r = 0; r < rows && here; r++)
    for (int c = 0; c < columns; c++) {
      const int at[3] = {axis == 2 ? i : r, axis == 2 ? r : axis == 1 ? local : c, axis == 0 ? local : c}; /* k, j, i */
      o->plane[(size_t)r * (size_t)columns + (size_t)c] =
          o->field[((size_t)at[0] * (size_t)g->nyl + (size_t)at[1]) * (size_t)g->nxl + (size_t)at[2]];
    }
}

PetscErrorCode wb_les_slices_write(WbLesOutput o) {
  const WbLes les = o->les;
  char scalar[WB_LES_NAME_MAX], name[64];
  int start[4], count[4];
  PetscFunctionBeginUser;
  if (o->slice.done >= o->slice.n_records) PetscFunctionReturn(0);
  for (int f = 0; f < les->nf; f++) {
    float *const to[WB_NFIELDS] = {f == WB_U ? o->field : NULL, f == WB_V ? o->field : NULL,
                                   f == WB_W ? o->field : NULL, f == WB_THETA ? o->field : NULL};
    if (f < WB_NFIELDS)
      PetscCall(wb_les_instant(les, to[WB_THETA], to[WB_U], to[WB_V], to[WB_W]));
    else
      PetscCall(wb_les_instant_scalar(les, f - WB_NFIELDS, o->field));
    wb_les_output_name(les, f, scalar);
    for (int axis = 0; axis < 3; axis++)
      for (int s = 0; s < o->opt.n_slices[axis]; s++) {
        snprintf(name, sizeof name, "%s_%s", scalar, suffix[axis]);
        cut(o, axis, s, start, count);
        PetscCall(wb_nc_put(o->slice_nc, "/", name, start, count, o->plane));
      }
  }
  PetscCall(wb_les_output_stamp(o, o->slice_nc, o->slice.done, les->time_s, les->time_s, false));
  o->slice.done++;
  PetscFunctionReturn(0);
}
