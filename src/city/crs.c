/* Coordinate reference systems, judged by what they do at the window rather than by their names: a step to the east and
 * a step to the north of the map, on the ellipsoid. */
#include <cpl_conv.h>
#include <gdal.h>
#include <math.h>
#include <ogr_srs_api.h>
#include <string.h>
#include <strings.h>
#include "city_internal.h"

#define SCALE_TOLERANCE 0.02 /* EPSG:3035 at its rim 0.015, the zone next to a UTM zone 0.012 at most */
#define SCALE_WARN 0.002
#define STEP_M 500.0

typedef struct {
  double lon, lat;       /* of the middle [deg] */
  double xe, xn, ye, yn; /* metres to the east and north on the ground of one metre of x and of y */
} Ground;

/* Longitudes and latitudes of n places of the map, on the system's own datum. */
static bool to_degrees(OGRSpatialReferenceH srs, int n, double *x, double *y) {
  bool good = false;
  OGRSpatialReferenceH base = OSRCloneGeogCS(srs);
  if (!base) return false;
  OSRSetAxisMappingStrategy(base, OAMS_TRADITIONAL_GIS_ORDER);
  OGRCoordinateTransformationH t = OCTNewCoordinateTransformation(srs, base);
  if (t) good = OCTTransform(t, n, x, y, NULL) != 0;
  for (int i = 0; i < n; i++) good = good && isfinite(x[i]) && fabs(y[i]) < 89.9;
  if (t) OCTDestroyCoordinateTransformation(t);
  OSRRelease(base);
  return good;
}

static bool measure(OGRSpatialReferenceH srs, double xm, double ym, Ground *g) {
  double x[5] = {xm, xm - STEP_M, xm + STEP_M, xm, xm}, y[5] = {ym, ym, ym, ym - STEP_M, ym + STEP_M};
  if (!to_degrees(srs, 5, x, y)) return false;
  OGRErr e1 = OGRERR_NONE, e2 = OGRERR_NONE;
  const double a = OSRGetSemiMajor(srs, &e1), inverse = OSRGetInvFlattening(srs, &e2);
  if (e1 != OGRERR_NONE || !(a > 0)) return false;
  const double f = inverse > 0 ? 1 / inverse : 0, e = f * (2 - f), rad = PETSC_PI / 180, s = sin(y[0] * rad);
  const double w = 1 - e * s * s, north = a * (1 - e) / (w * sqrt(w)) * rad, east = a / sqrt(w) * cos(y[0] * rad) * rad;
  g->lon = x[0];
  g->lat = y[0];
  g->xe = remainder(x[2] - x[1], 360) * east / (2 * STEP_M);
  g->xn = (y[2] - y[1]) * north / (2 * STEP_M);
  g->ye = remainder(x[4] - x[3], 360) * east / (2 * STEP_M);
  g->yn = (y[4] - y[3]) * north / (2 * STEP_M);
  return isfinite(g->xe + g->xn + g->ye + g->yn);
}

typedef struct {
  char s[64];
} ZoneText;

static ZoneText zone_text(double lon, double lat) {
  ZoneText t = {"EPSG:... (a UTM zone)"};
  if (fabs(lon) <= 180 && fabs(lat) < 84) {
    const int zone = (int)floor((lon + 180) / 6) % 60 + 1;
    snprintf(t.s, sizeof t.s, "EPSG:%d (UTM zone %d%c)", (lat < 0 ? 32700 : 32600) + zone, zone, lat < 0 ? 'S' : 'N');
  }
  return t;
}

/* The UTM zone of the middle of the data, whatever their system. */
static ZoneText zone_of(OGRSpatialReferenceH srs, const WbExtent *data) {
  double x = 0.5 * (data->x0 + data->x1), y = 0.5 * (data->y0 + data->y1);
  if (srs && !OSRIsGeographic(srs) && !to_degrees(srs, 1, &x, &y)) return zone_text(NAN, NAN);
  return zone_text(x, y);
}

static const char *name_of(OGRSpatialReferenceH srs) {
  const char *name = OSRGetName(srs);
  return name && name[0] ? name : "a system without a name";
}

static PetscErrorCode check_degrees(const WbCityOptions *o, const WbPlace *p, bool like_degrees) {
  PetscFunctionBeginUser;
  const WbExtent *e = &p->data;
  if (like_degrees) {
    const ZoneText zone = zone_of(p->srs, e);
    WB_RAISE(WB_ERR_INPUT,
             "%s: coordinates are degrees (x %.6f to %.6f, y %.6f to %.6f); a projected system in metres is needed; "
             "reproject: ogr2ogr -t_srs EPSG:... new.gpkg FILE (rasters: gdalwarp -t_srs), here %s",
             o->file, e->x0, e->x1, e->y0, e->y1, zone.s);
  }
  if (p->srs && OSRIsGeographic(p->srs) && !p->assumed) {
    WB_RAISE(
        WB_ERR_INPUT,
        "%s: its system (%s) counts in degrees, but the coordinates, %s, are none; say the right one: ogr2ogr -a_srs "
        "EPSG:... new.gpkg FILE (rasters: gdal_translate -a_srs)",
        o->file, name_of(p->srs), wb_city_extent_text(e).s);
  }
  PetscFunctionReturn(0);
}

/* Units of a system that is neither degrees nor unknown. */
static PetscErrorCode check_units(const WbCityOptions *o, const WbPlace *p) {
  PetscFunctionBeginUser;
  char *unit = NULL;
  const double metres = OSRGetLinearUnits(p->srs, &unit);
  if (OSRIsGeocentric(p->srs) || (!OSRIsProjected(p->srs) && !OSRIsLocal(p->srs))) {
    WB_RAISE(WB_ERR_INPUT, "%s: its system (%s) is %s; a projected one in metres is needed; reproject: ogr2ogr -t_srs",
             o->file, name_of(p->srs), OSRIsGeocentric(p->srs) ? "geocentric" : "no map of the ground");
  }
  const bool unknown = OSRIsLocal(p->srs) && !(metres > 0);
  if (!unknown && fabs(metres - 1) > 1e-9) {
    WB_RAISE(WB_ERR_INPUT,
             "%s: coordinates are in %s (%.9g m); metres are needed; reproject: ogr2ogr -t_srs EPSG:... new.gpkg FILE "
             "(rasters: gdalwarp -t_srs), here %s",
             o->file, unit ? unit : "an unknown unit", metres, zone_of(OSRIsLocal(p->srs) ? NULL : p->srs, &p->data).s);
  }
  if (OSRIsCompound(p->srs)) {
    char *vertical = NULL;
    const double v = OSRGetTargetLinearUnits(p->srs, "VERT_CS", &vertical);
    if (v > 0 && fabs(v - 1) > 1e-9)
      WB_RAISE(WB_ERR_INPUT,
               "%s: its system (%s) counts heights in %s (%.9g m); metres are needed; convert the heights and name the "
               "horizontal system alone: ogr2ogr -a_srs EPSG:... (rasters: gdal_calc, gdal_translate -a_srs)",
               o->file, name_of(p->srs), vertical ? vertical : "another unit", v);
  }
  PetscFunctionReturn(0);
}

void *wb_city_crs_known(void *srs) {
  /* GeoPackage has entries for "undefined" ones, of degrees and of lengths */
  return srs && strncasecmp(name_of(srs), "undefined", 9) != 0 ? srs : NULL;
}

PetscErrorCode wb_city_crs_check(const WbCityOptions *o, const WbPlace *p) {
  PetscFunctionBeginUser;
  const WbExtent *e = &p->data;
  const bool geographic = p->srs && OSRIsGeographic(p->srs);
  /* a building of the size of a degree is one in metres */
  const bool like_degrees = e->x0 >= -360 && e->x1 <= 360 && e->y0 >= -90 && e->y1 <= 90 && p->largest < 0.5;
  if (!p->srs || geographic)
    PetscCall(check_degrees(o, p, like_degrees));
  else
    PetscCall(check_units(o, p));
  PetscFunctionReturn(0);
}

static const char *heading(double east, double north) {
  if (fabs(east) > fabs(north)) return east > 0 ? "east" : "west";
  return north > 0 ? "north" : "south";
}

/* Extreme ratios of lengths on the map and on the ground: reciprocal singular values of the map's derivative. */
static void scales(const Ground *g, double *lo, double *hi) {
  const double sum = hypot(g->xe + g->yn, g->xn - g->ye), difference = hypot(g->xe - g->yn, g->xn + g->ye);
  *lo = 2 / (sum + difference);
  *hi = 2 / fabs(sum - difference);
}

static bool is_true(const Ground *g) {
  double lo, hi;
  scales(g, &lo, &hi);
  return lo >= 1 - SCALE_TOLERANCE && hi <= 1 + SCALE_TOLERANCE;
}

/* Would it be a good place with x and y exchanged? */
static const char *exchanged(OGRSpatialReferenceH srs, const WbExtent *w) {
  Ground g;
  const bool good = measure(srs, 0.5 * (w->y0 + w->y1), 0.5 * (w->x0 + w->x1), &g) && is_true(&g);
  return good ? " (x and y look exchanged)" : "";
}

static PetscErrorCode judge(const WbCityOptions *o, const WbPlace *p, const WbExtent *w, const Ground *g,
                            WbCity *city) {
  PetscFunctionBeginUser;
  const char *x_to = heading(g->xe, g->xn), *y_to = heading(g->ye, g->yn);
  const ZoneText zone = zone_text(g->lon, g->lat);
  double lo, hi;
  scales(g, &lo, &hi);
  if (strcmp(x_to, "east") != 0 || strcmp(y_to, "north") != 0) {
    WB_RAISE(WB_ERR_INPUT,
             "%s: x of %s points to the %s and y to the %s at the window; allowed: x to the east, y to the north; "
             "reproject: ogr2ogr -t_srs EPSG:... new.gpkg FILE (rasters: gdalwarp -t_srs), here %s",
             o->file, name_of(p->srs), x_to, y_to, zone.s);
  }
  if (!is_true(g)) {
    WB_RAISE(WB_ERR_INPUT,
             "%s: lengths in %s are %.4g to %.4g times those on the ground at the window, %s%s; allowed: 0.98 to 1.02; "
             "reproject: ogr2ogr -t_srs EPSG:... new.gpkg FILE (rasters: gdalwarp -t_srs), here %s",
             o->file, name_of(p->srs), lo, hi, wb_city_extent_text(w).s, exchanged(p->srs, w), zone.s);
  }
  city->scale_min = lo;
  city->scale_max = hi;
  city->convergence_deg = atan2(g->ye, g->yn) * 180 / PETSC_PI;
  PetscFunctionReturn(0);
}

static void keep(const WbPlace *p, WbCity *city) {
  char *wkt = NULL;
  const char *const wkt2[] = {"FORMAT=WKT2_2018", "MULTILINE=NO", NULL};
  if (OSRExportToWktEx(p->srs, &wkt, wkt2) == OGRERR_NONE && wkt && strlen(wkt) < sizeof city->crs_wkt)
    snprintf(city->crs_wkt, sizeof city->crs_wkt, "%s", wkt);
  CPLFree(wkt);
  const char *name = OSRGetAuthorityName(p->srs, NULL), *code = OSRGetAuthorityCode(p->srs, NULL);
  if (name && code && strcmp(name, "EPSG") == 0) city->epsg = (int)strtol(code, NULL, 10);
}

PetscErrorCode wb_city_crs_measure(const WbCityOptions *o, const WbPlace *p, WbCity *city) {
  PetscFunctionBeginUser;
  if (!p->srs || OSRIsGeographic(p->srs) || OSRIsLocal(p->srs)) PetscFunctionReturn(0);
  const WbExtent w = {city->win_x_min_m, city->win_y_min_m, city->win_x_min_m + city->win_size_x_m,
                      city->win_y_min_m + city->win_size_y_m};
  Ground g;
  if (!measure(p->srs, 0.5 * (w.x0 + w.x1), 0.5 * (w.y0 + w.y1), &g)) {
    WB_RAISE(
        WB_ERR_INPUT,
        "%s: the window, %s, is no place in its system (%s)%s; say the right one: ogr2ogr -a_srs EPSG:... new.gpkg "
        "FILE (rasters: gdal_translate -a_srs)",
        o->file, wb_city_extent_text(&w).s, name_of(p->srs), exchanged(p->srs, &w));
  }
  PetscCall(judge(o, p, &w, &g, city));
  keep(p, city);
  PetscFunctionReturn(0);
}

void wb_city_report_place(const WbCityOptions *o, const WbPlace *p, const WbCity *city) {
  wb_city_report_window(o, &p->data, city);
  if (!p->srs || OSRIsGeographic(p->srs)) {
    wb_log_warn("%s: no coordinate reference system; taking x as metres east, y as metres north", o->file);
    return;
  }
  if (OSRIsLocal(p->srs)) {
    wb_log_warn("%s: its system (%s) is a local one; taking x as metres east, y as metres north", o->file,
                name_of(p->srs));
    return;
  }
  const double turn = city->convergence_deg;
  wb_log("city: %s, map scale %.5f to %.5f, grid north %.2f deg %s of true north", name_of(p->srs), city->scale_min,
         city->scale_max, fabs(turn), turn < 0 ? "west" : "east");
  if (city->scale_min < 1 - SCALE_WARN || city->scale_max > 1 + SCALE_WARN)
    wb_log_warn("%s: lengths in %s are %.2f %% to %.2f %% longer than on the ground", o->file, name_of(p->srs),
                100 * (city->scale_min - 1), 100 * (city->scale_max - 1));
  if (fabs(turn) > 1)
    wb_log_warn(
        "%s: grid north is %.2f deg %s of true north; directions count from grid north unless les_wind_north is "
        "true",
        o->file, fabs(turn), turn < 0 ? "west" : "east");
  if (!city->crs_wkt[0])
    wb_log_warn("%s: the description of %s is too long to be kept in results", o->file, name_of(p->srs));
}
