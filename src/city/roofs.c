/* A raster of roof heights becomes the city's: values in metres above ground, open ground found, nearest sample at each
 * cell. Missing values and 0 are open ground. */
#include <math.h>
#include <string.h>
#include "city_internal.h"

#define OPEN_M 0.5        /* what is lower is ground: surface models minus terrain have some noise */
#define STEP_M 1.0        /* roofs rise from the ground, and from each other, by more than this */
#define BUILT_MOST 0.85   /* no district is built up beyond this: the densest have 0.7 */
#define BUILT_TERRAIN 0.4 /* what rises gently and covers so much is no city */
#define SLOPE_MOST 0.2    /* of a terrain on the mean; roofs are level or steeper */
#define LOWEST_M 10.0     /* a district built up so much has roofs below this */

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
      if (!isnan(*h) && !(*h >= 0 && (double)*h <= WB_CITY_HEIGHT_MAX)) {
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

/* What neighbouring pixels have in common. */
typedef struct {
  double edges, steps;                  /* from open ground to something; those that rise as roofs do */
  double pairs, changed, jumps, change; /* both above ground: of other heights, by more than a step, sum of it [m] */
} Relief;

static void look_at_pair(float a, float b, Relief *r) {
  const float low = fminf(a, b), change = fabsf(a - b);
  if (isnan(a) || isnan(b) || fmaxf(a, b) <= (float)OPEN_M) return;
  if (low <= (float)OPEN_M) {
    r->edges += 1;
    r->steps += change > (float)STEP_M;
    return;
  }
  r->pairs += 1;
  r->changed += change > 0;
  r->jumps += change > (float)STEP_M;
  r->change += (double)change;
}

static Relief look_at_relief(const WbRoofRaster *s) {
  Relief r = {0};
  for (int j = 0; j < s->ny; j++) {
    const float *h = s->height + (size_t)j * (size_t)s->nx;
    for (int i = 0; i + 1 < s->nx; i++) look_at_pair(h[i], h[i + 1], &r);
    for (int i = 0; i < s->nx && j + 1 < s->ny; i++) look_at_pair(h[i], h[i + s->nx], &r);
  }
  return r;
}

/* A terrain, or a surface above the sea: little open ground, gentle where it rises from it or all over, or far above 0.
 */
static PetscErrorCode check_open_ground(const WbCityOptions *o, const WbRoofRaster *s) {
  PetscFunctionBeginUser;
  const size_t n = (size_t)s->nx * (size_t)s->ny;
  double built = 0, open = 0;
  float lowest = INFINITY; /* of what is built */
  for (size_t i = 0; i < n; i++) {
    open += s->height[i] <= (float)OPEN_M; /* missing ones are neither */
    if (!(s->height[i] > (float)OPEN_M)) continue;
    built += 1;
    lowest = fminf(lowest, s->height[i]);
  }
  built /= (double)n;
  const Relief r = look_at_relief(s);
  const double pixel = fmin(fabs(s->place[1]), fabs(s->place[5]));
  const bool coast = r.edges > 0 && r.steps < 0.5 * r.edges;
  const bool smooth = r.changed > 0.5 * r.pairs && r.jumps < 0.005 * r.pairs && r.change < SLOPE_MOST * pixel * r.pairs;
  const bool gentle = built > BUILT_TERRAIN && (coast || smooth);
  const bool high = (double)lowest > LOWEST_M && built > (open > 0 ? 0.5 : BUILT_TERRAIN);
  if (built > BUILT_MOST || gentle || high) {
    WB_RAISE(WB_ERR_INPUT,
             "%s: %.1f %% of its pixels are above %g m (the lowest of them %.1f m)%s: that looks like a terrain, or a "
             "surface above the sea; allowed: roof heights above ground, 0 where it is open; subtract the terrain: "
             "gdal_calc.py -A surface -B terrain --calc 'maximum(A-B,0)', or add open ground around (gdalwarp -te)",
             o->file, 100 * built, OPEN_M, (double)lowest, gentle ? ", which rise gently" : "");
  }
  PetscFunctionReturn(0);
}

static void open_missing(WbRoofRaster *s) {
  for (size_t i = 0; i < (size_t)s->nx * (size_t)s->ny; i++) {
    if (isnan(s->height[i])) s->height[i] = 0;
  }
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
  const WbPlace place = {.srs = wb_city_crs_known(s->srs),
                         .data = {fmin(xa, xb), fmin(ya, yb), fmax(xa, xb), fmax(ya, yb)},
                         .largest = fmax(xb - xa, yb - ya) < 20 ? fmax(dx, dy) : 1e9};
  PetscCall(wb_city_crs_check(o, &place));
  PetscCall(to_metres(o, s));
  PetscCall(check_open_ground(o, s));
  open_missing(s);
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
