/* Writing of pair files: the layout promised in data.h. */
#include <stdio.h>
#include <string.h>

#include "windbridge/data.h"

static const char *const names[WB_CHANNELS] = {"theta", "u", "v", "w"};

static PetscErrorCode put_attributes(WbNc nc, const WbPairData *p) {
  PetscFunctionBeginUser;
  const WbPairInfo *i = &p->info;
  PetscCall(wb_nc_att_text(nc, "/", NULL, "Conventions", "CF-1.10"));
  PetscCall(wb_nc_att_text(nc, "/", NULL, "title", "aligned low- and high-resolution means of one city and inflow"));
  PetscCall(wb_nc_att_text(nc, "/", NULL, "city", i->city));
  PetscCall(wb_nc_att_text(nc, "/", NULL, "split", i->split));
  PetscCall(wb_nc_att_text(nc, "/", NULL, "deck", p->deck_yaml ? p->deck_yaml : ""));
  PetscCall(wb_nc_att_text(nc, "/", NULL, "source", p->source ? p->source : ""));
  PetscCall(wb_nc_att_text(nc, "/", NULL, "history", p->history ? p->history : ""));
  PetscCall(wb_nc_att_int(nc, "/", NULL, "city_seed", (int)i->city_seed));
  PetscCall(wb_nc_att_int(nc, "/", NULL, "ratio", i->ratio));
  const struct {
    const char *name;
    double value;
  } reals[] = {{"wind_speed_m_per_s", i->wind_speed_m_per_s},
               {"wind_direction_deg", i->wind_direction_deg},
               {"heat_flux_K_m_per_s", i->heat_flux},
               {"theta_surface_K", i->theta_surface_K},
               {"lapse_K_per_m", i->lapse_K_per_m},
               {"mixed_height_m", i->mixed_height_m},
               {"x_min_m", p->hr_grid->x_min_m},
               {"y_min_m", p->hr_grid->y_min_m},
               {"dx_hr_m", p->hr_grid->dx_m}};
  for (size_t n = 0; n < sizeof reals / sizeof reals[0]; n++)
    PetscCall(wb_nc_att_real(nc, "/", NULL, reals[n].name, reals[n].value));
  PetscFunctionReturn(0);
}

static WbNcGridHeader header_of(const WbPairData *p, const double *z) {
  return (WbNcGridHeader){.n_time = p->info.n_time,
                          .z = z,
                          .start_time_iso = p->start_time_iso ? p->start_time_iso : "2026-08-01T12:00:00",
                          .crs_wkt = p->crs_wkt};
}

static PetscErrorCode define(WbNc nc, const WbPairData *p) {
  PetscFunctionBeginUser;
  PetscCall(put_attributes(nc, p));
  const WbNcGridHeader lr = header_of(p, p->z_lr), hr = header_of(p, p->z_hr);
  PetscCall(wb_nc_def_grid(nc, "/lr", p->lr_grid, &lr));
  PetscCall(wb_nc_def_grid(nc, "/hr", p->hr_grid, &hr));
  for (int c = 0; c < WB_CHANNELS; c++) {
    PetscCall(wb_nc_def_field(nc, "/lr", names[c], "time,z,y,x"));
    PetscCall(wb_nc_def_field(nc, "/hr", names[c], "time,z,y,x"));
  }
  PetscCall(wb_nc_def_field(nc, "/lr", "fluid_mask", "z,y,x"));
  if (p->lr_fluid_fraction) {
    PetscCall(wb_nc_def_field(nc, "/lr", "fluid_fraction", "z,y,x"));
    PetscCall(wb_nc_att_text(nc, "/", NULL, "les_geometry", "porous"));
  }
  PetscCall(wb_nc_def_field(nc, "/hr", "fluid_mask", "z,y,x"));
  PetscCall(wb_nc_def_field(nc, "/hr", "lr_valid_mask", "z,y,x"));
  PetscCall(wb_nc_def_field(nc, "/hr", "wall_distance", "z,y,x"));
  PetscCall(wb_nc_def_field(nc, "/hr", "heat_flux", "y,x"));
  PetscCall(wb_nc_def_field(nc, "/hr", "building_height", "y,x"));
  PetscFunctionReturn(0);
}

static PetscErrorCode put_minutes(WbNc nc, const char *group, const WbGrid *grid, const WbPairData *p,
                                  float *const *minutes) {
  PetscFunctionBeginUser;
  const size_t n = wb_grid_owned(grid);
  float *one = NULL;
  PetscCall(WB_ALLOC(n, &one));
  for (int m = 0; m < p->info.n_time; m++) {
    for (int c = 0; c < WB_CHANNELS; c++) {
      for (size_t q = 0; q < n; q++) one[q] = minutes[m][WB_CHANNELS * q + (size_t)c];
      const PetscErrorCode ierr = wb_nc_put_field(nc, group, names[c], grid, m, -1, one);
      if (ierr) {
        WB_FREE(&one);
        PetscFunctionReturn(ierr);
      }
    }
    PetscCall(wb_nc_put_time(nc, group, m, p->t_begin_s + (m + 1) * p->interval_s, p->t_begin_s + m * p->interval_s));
  }
  WB_FREE(&one);
  PetscFunctionReturn(0);
}

static PetscErrorCode put_all(WbNc nc, const WbPairData *p) {
  PetscFunctionBeginUser;
  const WbNcGridHeader lr = header_of(p, p->z_lr), hr = header_of(p, p->z_hr);
  PetscCall(define(nc, p));
  PetscCall(wb_nc_put_grid(nc, "/lr", p->lr_grid, &lr));
  PetscCall(wb_nc_put_grid(nc, "/hr", p->hr_grid, &hr));
  PetscCall(wb_nc_put_mask(nc, "/lr", "fluid_mask", p->lr_grid, p->lr_fluid));
  if (p->lr_fluid_fraction)
    PetscCall(wb_nc_put_field(nc, "/lr", "fluid_fraction", p->lr_grid, -1, -1, p->lr_fluid_fraction));
  PetscCall(wb_nc_put_mask(nc, "/hr", "fluid_mask", p->hr_grid, p->hr_fluid));
  PetscCall(wb_nc_put_mask(nc, "/hr", "lr_valid_mask", p->hr_grid, p->hr_lr_valid));
  PetscCall(wb_nc_put_field(nc, "/hr", "wall_distance", p->hr_grid, -1, -1, p->wall_distance));
  PetscCall(wb_nc_put_plane(nc, "/hr", "heat_flux", p->hr_grid, p->heat_flux));
  PetscCall(wb_nc_put_plane(nc, "/hr", "building_height", p->hr_grid, p->building_height));
  PetscCall(put_minutes(nc, "/lr", p->lr_grid, p, p->lr));
  PetscCall(put_minutes(nc, "/hr", p->hr_grid, p, p->hr));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_pair_write(MPI_Comm comm, const char *path, const WbPairData *pair) {
  PetscFunctionBeginUser;
  WbNc nc = NULL;
  PetscCall(wb_nc_create(comm, path, true, true, &nc));
  const PetscErrorCode ierr = put_all(nc, pair);
  if (ierr) {
    (void)wb_nc_abort(&nc);
    PetscFunctionReturn(ierr);
  }
  PetscCall(wb_nc_close(&nc));
  PetscFunctionReturn(0);
}
