/* A raster of roof heights becomes the city's: values in metres above ground, open ground found, nearest sample at each
 * cell. Missing values and 0 are open ground. */
#include <math.h>
#include <string.h>
#include "city_internal.h"

#define OPEN_M 0.5        /* what is lower is ground: surface models minus terrain have some noise */
#define STEP_M 1.0        /* roofs rise from the ground by more than this */
#define BUILT_MOST 0.85   /* no district is built up beyond this: the densest have 0.7 */
#define BUILT_TERRAIN 0.4 /* what rises gently and covers so much is no city */
#define LOWEST_M 10.0     /* a district built up by half has roofs below this */

static PetscErrorCode to_metres(const WbCityOptions *o, WbRoofRaster *s) {
  PetscFunctionBeginUser;
  const double unit = wb_city_unit_m(s->unit);
  if (unit == 0)
    WB_RAISE(WB_ERR_INPUT, "%s: heights%s%s are in '%s'; allowed: metres, feet, cm ...; set the unit or convert them",
             o->file, s->name && s->name[0] ? " " : "", s->name ? s->name : "", s->unit);
  if (unit != 1) wb_log("city: heights in %s, converted to metres", s->unit);
  if (s->scale != 1 || s->offset != 0)
    wb_log("city: heights are packed: %g times the number, plus %g", s->scale, s->offset);
  const bool plain = unit == 1 && s->scale == 1 && s->offset == 0;
  for (int j = 0; j < s->ny; j++) {
    for (int i = 0; i < s->nx; i++) {
      float *h = s->height + (size_t)j * (size_t)s->nx + (size_t)i;
      if (!plain) *h = (float)(unit * (s->scale * (double)*h + s->offset));
      if (isnan(*h)) *h = 0;
      if (!(*h >= 0 && (double)*h <= WB_CITY_HEIGHT_MAX)) {
        WB_RAISE(WB_ERR_INPUT,
                 "%s: height %g at x %.1f, y %.1f; allowed: 0 to %g m above ground (0, NaN and nodata: open); subtract "
                 "the terrain (gdal_calc.py), or declare what is missing (gdal_translate -a_nodata)",
                 o->file, (double)*h, s->place[0] + (i + 0.5) * s->place[1], s->place[3] + (j + 0.5) * s->place[5],
                 WB_CITY_HEIGHT_MAX);
      }
    }
  }
  PetscFunctionReturn(0);
}

/* How many neighbours of open pixels are not, and how many of those rise from the ground as roofs do. */
static void count_edges(const WbRoofRaster *s, double *edges, double *steps) {
  *edges = *steps = 0;
  for (int j = 0; j < s->ny; j++) {
    for (int i = 0; i < s->nx; i++) {
      const float *h = s->height + (size_t)j * (size_t)s->nx + (size_t)i;
      for (int d = 0; d < 2; d++) {
        if (d == 0 ? i + 1 == s->nx : j + 1 == s->ny) continue;
        const float a = *h, b = h[d == 0 ? 1 : s->nx], low = fminf(a, b), high = fmaxf(a, b);
        if (low > (float)OPEN_M || high <= (float)OPEN_M) continue;
        *edges += 1;
        *steps += high - low > (float)STEP_M;
      }
    }
  }
}

/* A terrain, or a surface above the sea, has little open ground and rises gently where it has some. */
static PetscErrorCode check_open_ground(const WbCityOptions *o, const WbRoofRaster *s) {
  PetscFunctionBeginUser;
  const size_t n = (size_t)s->nx * (size_t)s->ny;
  double built = 0, edges, steps;
  float lowest = INFINITY; /* of what is built */
  for (size_t i = 0; i < n; i++) {
    if (!(s->height[i] > (float)OPEN_M)) continue;
    built += 1;
    lowest = fminf(lowest, s->height[i]);
  }
  built /= (double)n;
  count_edges(s, &edges, &steps);
  const bool gentle = built > BUILT_TERRAIN && steps < 0.5 * edges;
  if (built > BUILT_MOST || gentle || (built > 0.5 && (double)lowest > LOWEST_M)) {
    WB_RAISE(WB_ERR_INPUT,
             "%s: %.1f %% of its pixels are above %g m (the lowest of them %.1f m)%s: that looks like a terrain, or a "
             "surface above "
             "the sea; allowed: roof heights above ground, 0 where it is open; subtract the terrain: gdal_calc.py -A "
             "surface "
             "-B terrain --calc 'maximum(A-B,0)', or add open ground around (gdalwarp -te)",
             o->file, 100 * built, OPEN_M, (double)lowest, gentle ? ", which rise gently from the others" : "");
  }
  PetscFunctionReturn(0);
}

/* Nearest pixel; a cell on the edge of two takes the one to the south or east, whatever the order in the file. */
static void sample(const WbRoofRaster *s, const WbExtent *data, const WbRaster *r) {
  const double dx = fabs(s->place[1]), dy = fabs(s->place[5]);
  for (int j = 0; j < r->ny; j++) {
    const double down = floor((data->y1 - (r->y0 + (j + 0.5) * r->cell)) / dy);
    if (!(down >= 0 && down < s->ny)) continue;
    const size_t row = (size_t)(s->place[5] < 0 ? down : s->ny - 1 - down);
    for (int i = 0; i < r->nx; i++) {
      const double right = floor((r->x0 + (i + 0.5) * r->cell - data->x0) / dx);
      if (!(right >= 0 && right < s->nx)) continue;
      const size_t col = (size_t)(s->place[1] > 0 ? right : s->nx - 1 - right);
      r->height[(size_t)j * (size_t)r->nx + (size_t)i] = s->height[row * (size_t)s->nx + col];
    }
  }
}

PetscErrorCode wb_city_take_raster(const WbCityOptions *o, WbRoofRaster *s, WbCity *city) {
  PetscFunctionBeginUser;
  const double xa = s->place[0], xb = xa + s->nx * s->place[1], ya = s->place[3], yb = ya + s->ny * s->place[5];
  const double dx = fabs(s->place[1]), dy = fabs(s->place[5]);
  const WbPlace place = {.srs = s->srs,
                         .data = {fmin(xa, xb), fmin(ya, yb), fmax(xa, xb), fmax(ya, yb)},
                         .largest = fmax(xb - xa, yb - ya) < 20 ? fmax(dx, dy) : 1e9};
  PetscCall(wb_city_crs_check(o, &place));
  PetscCall(to_metres(o, s));
  PetscCall(check_open_ground(o, s));
  PetscCall(wb_city_set_window(o, &place.data, WB_CITY_MODULE_M - 1e-3, city));
  PetscCall(wb_city_crs_measure(o, &place, city));
  wb_city_report_place(o, &place, city);
  const WbRaster r = wb_city_raster(city);
  sample(s, &place.data, &r);
  char size[64];
  snprintf(size, sizeof size, dx == dy ? "%.9g m" : "%.9g m x %.9g m", dx, dy);
  const bool named = s->name && s->name[0];
  snprintf(city->source, sizeof city->source, "%.380s%s%.40s, roof raster of %s", o->file, named ? " " : "",
           named ? s->name : "", size);
  wb_log("city: roof raster%s%s, %d x %d cells of %s", named ? " " : "", named ? s->name : "", s->nx, s->ny, size);
  PetscFunctionReturn(0);
}
