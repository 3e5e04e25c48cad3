/* netCDF-4 inputs: a file that is at once a pair file (/lr, /hr), a file of inflow planes and a coarse result (/), put
 * through the reader of each. */
#include "target.h"
#include "windbridge/data.h"
#include "windbridge/les.h"

enum { R = 4, LR = 2, HR = R * LR, LEVELS = 2, PLANES = 7, RECORDS = 3 };

const char *const target_names[] = {"hr/theta",
                                    "lr/u",
                                    "hr/fluid_mask",
                                    "hr/z",
                                    "lr/fluid_mask",
                                    "hr/heat_flux",
                                    "planes_x",
                                    "planes_y",
                                    "zf",
                                    "hr/w",
                                    "lr/theta",
                                    "hr",
                                    "lr",
                                    "hr/wall_distance",
                                    NULL};
const char *const target_attributes[] = {"scale_factor", "add_offset", "_FillValue", "missing_value", "units",
                                         "split",        "city",       "ratio",      "dx_hr_m",       "tag",
                                         "city_seed",    "x_min_m",    "interval_s", "dx_m",          NULL};

static PetscErrorCode define(WbNc nc, const char *group, int ny, int nz) {
  static const char *const fields[] = {"theta", "u", "v", "w"};
  PetscFunctionBeginUser;
  PetscCall(wb_nc_def_dim(nc, group, "time", 1));
  PetscCall(wb_nc_def_dim(nc, group, "z", nz));
  PetscCall(wb_nc_def_dim(nc, group, "y", ny));
  PetscCall(wb_nc_def_dim(nc, group, "x", ny));
  for (int v = 0; v < 4; v++) PetscCall(wb_nc_def_field(nc, group, fields[v], "time,z,y,x"));
  PetscCall(wb_nc_def_field(nc, group, "fluid_mask", "z,y,x"));
  PetscCall(wb_nc_def_var(nc, group, "z", WB_NC_DOUBLE, "z"));
  PetscFunctionReturn(0);
}

static PetscErrorCode put(WbNc nc, const char *group, const char *name) {
  static float ones[8192];
  static int8_t fluid[8192];
  static double levels[64];
  int rank = 0, dims[8], zero[8] = {0};
  PetscFunctionBeginUser;
  for (int i = 0; i < 8192; i++) ones[i] = 1.0F, fluid[i] = 1;
  for (int k = 0; k < 64; k++) levels[k] = 5.0 * k + 2.5;
  PetscCall(wb_nc_inq_dims(nc, group, name, &rank, dims));
  const bool mask = strstr(name, "_mask") != NULL, real = name[0] == 'z';
  PetscCall(wb_nc_put(nc, group, name, zero, dims, mask ? (void *)fluid : real ? (void *)levels : (void *)ones));
  PetscFunctionReturn(0);
}

static PetscErrorCode define_all(WbNc nc) {
  static const char *const reals[] = {"wind_speed_m_per_s",
                                      "wind_direction_deg",
                                      "heat_flux_K_m_per_s",
                                      "theta_surface_K",
                                      "lapse_K_per_m",
                                      "mixed_height_m",
                                      "x_min_m",
                                      "y_min_m",
                                      "dx_hr_m",
                                      "dx_m",
                                      "t_first_s",
                                      "interval_s",
                                      "theta_reference_K"};
  PetscFunctionBeginUser;
  PetscCall(define(nc, "/lr", LR, LEVELS + 1));
  PetscCall(define(nc, "/hr", HR, R * LEVELS));
  PetscCall(wb_nc_def_field(nc, "/hr", "lr_valid_mask", "z,y,x"));
  PetscCall(wb_nc_def_field(nc, "/hr", "wall_distance", "z,y,x"));
  PetscCall(wb_nc_def_field(nc, "/hr", "heat_flux", "y,x"));
  PetscCall(wb_nc_def_dim(nc, "/", "record", RECORDS));
  PetscCall(wb_nc_def_dim(nc, "/", "plane", PLANES));
  PetscCall(wb_nc_def_dim(nc, "/", "level", LEVELS));
  PetscCall(wb_nc_def_dim(nc, "/", "face", LEVELS + 1));
  PetscCall(wb_nc_def_dim(nc, "/", "side", LR));
  PetscCall(wb_nc_def_var(nc, "/", "planes_x", WB_NC_FLOAT, "record,plane,level,side"));
  PetscCall(wb_nc_def_var(nc, "/", "planes_y", WB_NC_FLOAT, "record,plane,level,side"));
  PetscCall(wb_nc_def_var(nc, "/", "zf", WB_NC_DOUBLE, "face"));
  for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) PetscCall(wb_nc_att_real(nc, "/", NULL, reals[i], 5.0));
  PetscCall(wb_nc_att_text(nc, "/", NULL, "city", "blocks"));
  PetscCall(wb_nc_att_text(nc, "/", NULL, "split", "train"));
  PetscCall(wb_nc_att_text(nc, "/", NULL, "tag", "a tag"));
  PetscCall(wb_nc_att_int(nc, "/", NULL, "city_seed", 7));
  PetscCall(wb_nc_att_int(nc, "/", NULL, "ratio", R));
  PetscFunctionReturn(0);
}

PetscErrorCode target_write(const char *path) {
  static const char *const both[] = {"theta", "u", "v", "w", "fluid_mask", "z"};
  static const char *const fine[] = {"lr_valid_mask", "wall_distance", "heat_flux"};
  WbNc nc = NULL;
  PetscFunctionBeginUser;
  PetscCall(wb_nc_create(PETSC_COMM_SELF, path, true, false, &nc));
  PetscCall(define_all(nc));
  for (int i = 0; i < 6; i++) PetscCall(put(nc, "/lr", both[i]));
  for (int i = 0; i < 6; i++) PetscCall(put(nc, "/hr", both[i]));
  for (int i = 0; i < 3; i++) PetscCall(put(nc, "/hr", fine[i]));
  PetscCall(put(nc, "/", "planes_x"));
  PetscCall(put(nc, "/", "planes_y"));
  PetscCall(put(nc, "/", "zf"));
  PetscCall(wb_nc_close(&nc));
  PetscFunctionReturn(0);
}

static PetscErrorCode read_inflow(const char *path) {
  WbInflow inflow = NULL;
  double first = 0, last = 0;
  PetscFunctionBeginUser;
  PetscCall(wb_inflow_open(PETSC_COMM_SELF, path, &inflow));
  const PetscErrorCode ierr = wb_inflow_time_range(inflow, &first, &last);
  wb_inflow_destroy(&inflow);
  PetscFunctionReturn(ierr);
}

/* Both readers, whatever the first says; its error counts first. */
PetscErrorCode target_read(const char *path) {
  WbPairRun *run = NULL;
  PetscFunctionBeginUser;
  const PetscErrorCode pair = wb_pair_read(PETSC_COMM_SELF, path, &run);
  wb_pair_destroy(&run);
  const PetscErrorCode inflow = read_inflow(path);
  PetscFunctionReturn(pair ? pair : inflow);
}
