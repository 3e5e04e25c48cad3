/* CF grid mapping from a WKT description. crs_wkt always; the parameters of a transverse Mercator (UTM, Japan Plane
 * Rectangular, ...) also by their CF names (CF-1.10 appendix F), for tools that do not read WKT. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "io_internal.h"

/* Number after PARAMETER["name", in WKT 1 or 2 (case and _ versus blank do not matter). */
static bool wkt_parameter(const char *wkt, const char *name, double *value) {
  const size_t n = strlen(name);
  for (const char *p = strchr(wkt, '"'); p; p = strchr(p + 1, '"')) {
    bool same = true;
    for (size_t i = 0; i < n && same; i++) {
      const char c = p[1 + i] == ' ' ? '_' : p[1 + i];
      same = c != '\0' && strncasecmp(&c, &name[i], 1) == 0;
    }
    if (!same || p[1 + n] != '"' || p[2 + n] != ',') continue;
    *value = strtod(p + n + 3, NULL);
    return true;
  }
  return false;
}

static PetscErrorCode put_parameter(WbNc nc, const char *group, const char *wkt, const char *cf, const char *wkt1,
                                    const char *wkt2) {
  double value = 0.0;
  PetscFunctionBeginUser;
  if (wkt_parameter(wkt, wkt1, &value) || wkt_parameter(wkt, wkt2, &value))
    PetscCall(wb_nc_att_real(nc, group, "crs", cf, value));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_io_def_crs(WbNc nc, const char *group, const char *wkt) {
  PetscFunctionBeginUser;
  PetscCall(wb_nc_def_var(nc, group, "crs", WB_NC_INT32, ""));
  PetscCall(wb_nc_att_text(nc, group, "crs", "crs_wkt", wkt));
  PetscCall(wb_nc_att_text(nc, group, "crs", "spatial_ref", wkt)); /* the name GDAL looks for */
  if (strcasestr(wkt, "Transverse_Mercator") || strcasestr(wkt, "Transverse Mercator")) {
    PetscCall(wb_nc_att_text(nc, group, "crs", "grid_mapping_name", "transverse_mercator"));
    PetscCall(put_parameter(nc, group, wkt, "latitude_of_projection_origin", "latitude_of_origin",
                            "Latitude_of_natural_origin"));
    PetscCall(put_parameter(nc, group, wkt, "longitude_of_central_meridian", "central_meridian",
                            "Longitude_of_natural_origin"));
    PetscCall(put_parameter(nc, group, wkt, "scale_factor_at_central_meridian", "scale_factor",
                            "Scale_factor_at_natural_origin"));
    PetscCall(put_parameter(nc, group, wkt, "false_easting", "false_easting", "false_easting"));
    PetscCall(put_parameter(nc, group, wkt, "false_northing", "false_northing", "false_northing"));
  }
  PetscFunctionReturn(0);
}
