/* What the arrays of input files may hold: names, units and the range outside which a value is no such thing. One table
 * for all readers. */
#include <string.h>
#include "io_internal.h"

/* The first of the standard names is what windbridge writes. */
static const WbQuantity table[] = {
    {"theta", "K", 200.0, 400.0, {"air_potential_temperature"}, "potential temperature", false, NULL},
    {"T", "K", 170.0, 350.0, {"air_temperature"}, "air temperature", false, NULL},
    {"u", "m s-1", -100.0, 100.0, {"x_wind", "eastward_wind"}, "wind along x", false, NULL},
    {"v", "m s-1", -100.0, 100.0, {"y_wind", "northward_wind"}, "wind along y", false, NULL},
    {"w", "m s-1", -50.0, 50.0, {"upward_air_velocity"}, "wind upwards", false, NULL},
    {"tke",
     "m2 s-2",
     0.0,
     500.0,
     {"specific_turbulent_kinetic_energy_of_air", "turbulent_kinetic_energy"},
     "turbulence kinetic energy",
     false,
     NULL},
    {"fluid_mask", "1", 0.0, 1.0, {NULL}, "1 in air, 0 in buildings", true, NULL},
    {"lr_valid_mask", "1", 0.0, 1.0, {NULL}, "1 where the coarse cell is air", true, NULL},
    {"wall_distance", "m", 0.0, 1000.0, {NULL}, "distance to the nearest wall", false, NULL},
    {"heat_flux", "K m s-1", -2.0, 2.0, {NULL}, "kinematic surface heat flux", false, "W m-2"},
    {"building_height", "m", 0.0, 1000.0, {NULL}, "height of building above ground", false, NULL},
};

const WbQuantity *wb_quantity(const char *name) {
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    if (strcmp(table[i].name, name) == 0) return &table[i];
  return NULL;
}

bool wb_quantity_is_called(const WbQuantity *q, const char *standard_name) {
  for (size_t i = 0; i < WB_QUANTITY_NAMES && q->standard_names[i]; i++)
    if (strcmp(q->standard_names[i], standard_name) == 0) return true;
  return false;
}
