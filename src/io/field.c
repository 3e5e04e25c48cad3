/* Result files on a WbGrid: CF coordinates, known variables, owned blocks. */
#include <stdio.h>
#include <string.h>
#include "io_internal.h"

typedef struct {
  const char *name, *units, *standard_name, *long_name;
} CfName;
static const CfName cf_names[] = {
    {"T", "K", "air_temperature", "air temperature"},
    {"theta", "K", "air_potential_temperature", "potential temperature"},
    {"u", "m s-1", "x_wind", "wind along x (east)"},
    {"v", "m s-1", "y_wind", "wind along y (north)"},
    {"w", "m s-1", "upward_air_velocity", "upward wind"},
    {"fluid_mask", "1", NULL, "1 in air, 0 inside buildings"},
    {"fluid_fraction", "1", NULL, "share of air in each cell"},
    {"lr_valid_mask", "1", NULL, "1 where the covering coarse cell is air (0: inpainted)"},
    {"building_height", "m", NULL, "height of building above ground"},
    {"heat_flux", "K m s-1", NULL, "kinematic surface heat flux"},
    {"tke", "m2 s-2", NULL, "resolved turbulent kinetic energy"},
};

static PetscErrorCode text_if(WbNc nc, const char *group, const char *var, const char *name, const char *text) {
  PetscFunctionBeginUser;
  if (text && text[0]) PetscCall(wb_nc_att_text(nc, group, var, name, text));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_def_field(WbNc nc, const char *group, const char *name, const char *dims) {
  PetscFunctionBeginUser;
  const size_t n = strlen(name);
  const bool mask = n > 5 && strcmp(name + n - 5, "_mask") == 0;
  PetscCall(wb_nc_def_var(nc, group, name, mask ? WB_NC_INT8 : WB_NC_FLOAT, dims));
  for (size_t i = 0; i < sizeof(cf_names) / sizeof(cf_names[0]); i++) {
    const CfName *cf = &cf_names[i];
    if (strcmp(cf->name, name) != 0) continue;
    PetscCall(text_if(nc, group, name, "units", cf->units));
    PetscCall(text_if(nc, group, name, "standard_name", cf->standard_name));
    PetscCall(text_if(nc, group, name, "long_name", cf->long_name));
  }
  const WbIoVar *v = &nc->var[wb_io_find_var(nc, group, name)];
  if (wb_io_has_dim_of_var(nc, v, "time") && wb_io_find_var(nc, group, "time_bnds") >= 0)
    PetscCall(wb_nc_att_text(nc, group, name, "cell_methods", "time: mean"));
  if (wb_io_has_dim_of_var(nc, v, "x") && wb_io_has_dim_of_var(nc, v, "y") && wb_io_find_var(nc, group, "crs") >= 0)
    PetscCall(wb_nc_att_text(nc, group, name, "grid_mapping", "crs"));
  PetscFunctionReturn(0);
}

static PetscErrorCode def_time(WbNc nc, const char *group, const WbNcGridHeader *h) {
  char units[96];
  const char *start = h->times ? h->times->epoch : h->start_time_iso;
  const bool bounds = !h->times || h->times->from;
  PetscFunctionBeginUser;
  snprintf(units, sizeof(units), "seconds since %s", start && start[0] ? start : "2026-08-01T12:00:00");
  char *t = strchr(units + strlen("seconds since "), 'T');
  if (t) *t = ' ';
  PetscCall(wb_nc_def_var(nc, group, "time", WB_NC_DOUBLE, "time"));
  PetscCall(wb_nc_att_text(nc, group, "time", "units", units));
  PetscCall(wb_nc_att_text(nc, group, "time", "calendar",
                           h->times && h->times->calendar[0] ? h->times->calendar : "proleptic_gregorian"));
  PetscCall(wb_nc_att_text(nc, group, "time", "standard_name", "time"));
  PetscCall(wb_nc_att_text(nc, group, "time", "axis", "T"));
  if (!bounds) PetscFunctionReturn(0);
  PetscCall(wb_nc_att_text(nc, group, "time", "bounds", "time_bnds"));
  PetscCall(wb_nc_def_var(nc, group, "time_bnds", WB_NC_DOUBLE, "time,nv"));
  PetscFunctionReturn(0);
}

static PetscErrorCode def_axis(WbNc nc, const char *group, const char *name, const char *axis, const char *standard,
                               const char *long_name) {
  PetscFunctionBeginUser;
  PetscCall(wb_nc_def_var(nc, group, name, WB_NC_DOUBLE, name));
  PetscCall(wb_nc_att_text(nc, group, name, "units", "m"));
  PetscCall(wb_nc_att_text(nc, group, name, "axis", axis));
  PetscCall(wb_nc_att_text(nc, group, name, "standard_name", standard));
  PetscCall(wb_nc_att_text(nc, group, name, "long_name", long_name));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_def_grid(WbNc nc, const char *group, const WbGrid *grid, const WbNcGridHeader *h) {
  PetscFunctionBeginUser;
  PetscCall(text_if(nc, group, NULL, "Conventions", "CF-1.10"));
  PetscCall(text_if(nc, group, NULL, "title", h->title));
  PetscCall(text_if(nc, group, NULL, "history", h->history));
  PetscCall(text_if(nc, group, NULL, "source", h->source));
  PetscCall(text_if(nc, group, NULL, "deck", h->deck_yaml));
  if (h->n_time > 0) PetscCall(wb_nc_def_dim(nc, group, "time", h->n_time));
  if (h->n_member > 0) PetscCall(wb_nc_def_dim(nc, group, "member", h->n_member));
  PetscCall(wb_nc_def_dim(nc, group, "z", grid->nz));
  PetscCall(wb_nc_def_dim(nc, group, "y", grid->ny));
  PetscCall(wb_nc_def_dim(nc, group, "x", grid->nx));
  if (h->n_time > 0) {
    PetscCall(wb_nc_def_dim(nc, group, "nv", 2));
    PetscCall(def_time(nc, group, h));
  }
  if (h->n_member > 0) {
    PetscCall(wb_nc_def_var(nc, group, "member", WB_NC_INT32, "member"));
    PetscCall(wb_nc_att_text(nc, group, "member", "standard_name", "realization"));
  }
  PetscCall(def_axis(nc, group, "z", "Z", "height", "height above ground, cell centre"));
  PetscCall(wb_nc_att_text(nc, group, "z", "positive", "up"));
  PetscCall(def_axis(nc, group, "y", "Y", "projection_y_coordinate", "northing, cell centre"));
  PetscCall(def_axis(nc, group, "x", "X", "projection_x_coordinate", "easting, cell centre"));
  if (h->crs_wkt && h->crs_wkt[0]) PetscCall(wb_io_def_crs(nc, group, h->crs_wkt));
  PetscFunctionReturn(0);
}

static PetscErrorCode put_axis(WbNc nc, const char *group, const char *name, int n, const double *values) {
  PetscFunctionBeginUser;
  const int start = 0, count = nc->rank == 0 ? n : 0;
  PetscCall(wb_nc_put(nc, group, name, &start, &count, values));
  PetscFunctionReturn(0);
}

static PetscErrorCode put_spacing(WbNc nc, const char *group, const char *name, int n, double first, double step) {
  double *values = NULL;
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(n, &values));
  for (int i = 0; i < n; i++) values[i] = first + (i + 0.5) * step;
  const PetscErrorCode ierr = put_axis(nc, group, name, n, values);
  WB_FREE(&values);
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_nc_put_grid(WbNc nc, const char *group, const WbGrid *grid, const WbNcGridHeader *h) {
  PetscFunctionBeginUser;
  PetscCall(put_axis(nc, group, "z", grid->nz, h->z));
  PetscCall(put_spacing(nc, group, "y", grid->ny, grid->y_min_m, grid->dx_m));
  PetscCall(put_spacing(nc, group, "x", grid->nx, grid->x_min_m, grid->dx_m));
  if (h->n_member > 0) {
    int32_t *number = NULL;
    PetscCall(WB_ALLOC(h->n_member, &number));
    for (int m = 0; m < h->n_member; m++) number[m] = m;
    const int start = 0, count = nc->rank == 0 ? h->n_member : 0;
    const PetscErrorCode ierr = wb_nc_put(nc, group, "member", &start, &count, number);
    WB_FREE(&number);
    PetscCall(ierr);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_put_time(WbNc nc, const char *group, int index, double t_end_s, double t_begin_s) {
  PetscFunctionBeginUser;
  const int one = nc->rank == 0, start[2] = {index, 0}, count[2] = {one, 2};
  const double bounds[2] = {t_begin_s, t_end_s};
  PetscCall(wb_nc_put(nc, group, "time_bnds", start, count, bounds));
  PetscCall(wb_nc_put(nc, group, "time", &index, &one, &t_end_s));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_put_stamp(WbNc nc, const char *group, int index, const WbTimes *times) {
  PetscFunctionBeginUser;
  const int one = nc->rank == 0, start[2] = {index, 0}, count[2] = {one, 2};
  if (times->from) {
    const double bounds[2] = {times->from[index], times->to[index]};
    PetscCall(wb_nc_put(nc, group, "time_bnds", start, count, bounds));
  }
  PetscCall(wb_nc_put(nc, group, "time", &index, &one, &times->at[index]));
  PetscFunctionReturn(0);
}

/* The block of a field variable that this rank owns; WB_ERR_INPUT when the variable has another shape. */
static PetscErrorCode field_block(WbNc nc, const char *group, const char *var, const WbGrid *g, int time, int member,
                                  int start[5], int count[5]) {
  int rank = 0, dims[8], n = 0;
  char found[128] = "", wanted[128];
  PetscFunctionBeginUser;
  if (time >= 0) {
    start[n] = time;
    count[n++] = 1;
  }
  if (member >= 0) {
    start[n] = member;
    count[n++] = 1;
  }
  const int lead = n;
  const int place[3] = {0, g->y0, g->x0}, owned[3] = {g->nz, g->nyl, g->nxl}, global[3] = {g->nz, g->ny, g->nx};
  PetscCall(wb_nc_inq_dims(nc, group, var, &rank, dims));
  bool fits = rank == lead + 3 && (time < 0 || time < dims[0]) && (member < 0 || member < dims[lead - 1]);
  for (int d = 0; d < 3; d++, n++) {
    start[n] = place[d];
    count[n] = owned[d];
    fits = fits && dims[n] == global[d];
  }
  if (fits) PetscFunctionReturn(0);
  for (int d = 0; d < rank; d++)
    snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%d", d ? " x " : "", dims[d]);
  snprintf(wanted, sizeof(wanted), "%s%s%d x %d x %d", time >= 0 ? "time x " : "", member >= 0 ? "member x " : "",
           g->nz, g->ny, g->nx);
  WB_RAISE_ALL(WB_ERR_INPUT, "%s: variable %s has shape %s, wanted %s (time %d, member %d)", nc->path, var,
               rank ? found : "scalar", wanted, time, member);
}

PetscErrorCode wb_nc_put_field(WbNc nc, const char *group, const char *var, const WbGrid *grid, int time, int member,
                               const float *owned) {
  int start[5], count[5];
  PetscFunctionBeginUser;
  PetscCall(field_block(nc, group, var, grid, time, member, start, count));
  PetscCall(wb_nc_put(nc, group, var, start, count, owned));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_get_field(WbNc nc, const char *group, const char *var, const WbGrid *grid, int time, int member,
                               float *owned) {
  int start[5], count[5];
  PetscFunctionBeginUser;
  PetscCall(field_block(nc, group, var, grid, time, member, start, count));
  PetscCall(wb_nc_get(nc, group, var, start, count, WB_NC_FLOAT, owned));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_put_mask(WbNc nc, const char *group, const char *var, const WbGrid *grid, const uint8_t *owned) {
  int start[5], count[5];
  PetscFunctionBeginUser;
  PetscCall(field_block(nc, group, var, grid, -1, -1, start, count));
  PetscCall(wb_nc_put(nc, group, var, start, count, owned));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_get_mask(WbNc nc, const char *group, const char *var, const WbGrid *grid, uint8_t *owned) {
  int start[5], count[5];
  PetscFunctionBeginUser;
  PetscCall(field_block(nc, group, var, grid, -1, -1, start, count));
  PetscCall(wb_nc_get(nc, group, var, start, count, WB_NC_INT8, owned));
  PetscFunctionReturn(0);
}

static PetscErrorCode plane_block(WbNc nc, const char *group, const char *var, const WbGrid *g, int start[2],
                                  int count[2]) {
  int rank = 0, dims[8];
  PetscFunctionBeginUser;
  PetscCall(wb_nc_inq_dims(nc, group, var, &rank, dims));
  if (rank != 2 || dims[0] != g->ny || dims[1] != g->nx)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: variable %s has %d axes (%d x %d), wanted %d x %d", nc->path, var, rank,
                 rank > 0 ? dims[0] : 0, rank > 1 ? dims[1] : 0, g->ny, g->nx);
  start[0] = g->y0;
  start[1] = g->x0;
  count[0] = g->nyl;
  count[1] = g->nxl;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_put_plane(WbNc nc, const char *group, const char *var, const WbGrid *grid, const float *owned) {
  int start[2], count[2];
  PetscFunctionBeginUser;
  PetscCall(plane_block(nc, group, var, grid, start, count));
  PetscCall(wb_nc_put(nc, group, var, start, count, owned));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_nc_get_plane(WbNc nc, const char *group, const char *var, const WbGrid *grid, float *owned) {
  int start[2], count[2];
  PetscFunctionBeginUser;
  PetscCall(plane_block(nc, group, var, grid, start, count));
  PetscCall(wb_nc_get(nc, group, var, start, count, WB_NC_FLOAT, owned));
  PetscFunctionReturn(0);
}
