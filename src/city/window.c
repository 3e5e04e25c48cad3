/* The window: chosen by the deck or all of the file, and where it lies relative to the data. */
#include <math.h>
#include "city_internal.h"

WbExtentText wb_city_extent_text(const WbExtent *e) {
  WbExtentText t;
  snprintf(t.s, sizeof t.s, "x %.1f to %.1f, y %.1f to %.1f", e->x0, e->x1, e->y0, e->y1);
  return t;
}

/* How far the window reaches beyond the data on the side where it reaches farthest [m]. */
static double beyond(const WbExtent *w, const WbExtent *data) {
  return fmax(fmax(data->x0 - w->x0, w->x1 - data->x1), fmax(data->y0 - w->y0, w->y1 - data->y1));
}

static PetscErrorCode chosen(const WbCityOptions *o, const WbExtent *data, double slack_m, WbExtent *w) {
  PetscFunctionBeginUser;
  *w = (WbExtent){o->x_min_m, o->y_min_m, o->x_min_m + o->size_x_m, o->y_min_m + o->size_y_m};
  const WbExtentText wt = wb_city_extent_text(w), dt = wb_city_extent_text(data);
  if (w->x1 <= data->x0 || w->x0 >= data->x1 || w->y1 <= data->y0 || w->y0 >= data->y1) {
    WB_RAISE(WB_ERR_INPUT,
             "%s: the window (city_x_min_m ...) %s lies outside the data, %s; choose it inside, or leave "
             "city_size_x_m out to take all of the file",
             o->file, wt.s, dt.s);
  }
  const double far = beyond(w, data);
  if (far > slack_m && !o->open_outside) {
    WB_RAISE(WB_ERR_INPUT,
             "%s: the window (city_x_min_m ...) %s lies partly outside the data, %s; choose it inside, or set "
             "city_open_outside to true if the ground there is open",
             o->file, wt.s, dt.s);
  }
  PetscFunctionReturn(0);
}

/* The smallest multiple of 20 m that holds the file, from its south-west corner. */
static PetscErrorCode whole_file(const WbCityOptions *o, const WbExtent *data, WbExtent *w) {
  PetscFunctionBeginUser;
  const double nx = ceil((data->x1 - data->x0) / WB_CITY_MODULE_M - 1e-6);
  const double ny = ceil((data->y1 - data->y0) / WB_CITY_MODULE_M - 1e-6);
  const WbExtentText dt = wb_city_extent_text(data);
  if (!(nx >= 1 && ny >= 1)) WB_RAISE(WB_ERR_INPUT, "%s: the data, %s, have no area", o->file, dt.s);
  *w = (WbExtent){data->x0, data->y0, data->x0 + nx * WB_CITY_MODULE_M, data->y0 + ny * WB_CITY_MODULE_M};
  PetscFunctionReturn(0);
}

PetscErrorCode wb_city_set_window(const WbCityOptions *o, const WbExtent *data, double slack_m, WbCity *city) {
  PetscFunctionBeginUser;
  WbExtent w;
  if (o->window_given)
    PetscCall(chosen(o, data, slack_m, &w));
  else
    PetscCall(whole_file(o, data, &w));
  const double m = o->margin_m;
  if (!(w.x1 - w.x0 + 2 * m <= WB_CITY_EXTENT_MAX && w.y1 - w.y0 + 2 * m <= WB_CITY_EXTENT_MAX)) {
    WB_RAISE(WB_ERR_INPUT, "%s: window %.0f m x %.0f m with margin %g m; allowed: up to %g m; set city_x_min_m, ...",
             o->file ? o->file : o->generate, w.x1 - w.x0, w.y1 - w.y0, m, WB_CITY_EXTENT_MAX);
  }
  city->win_x_min_m = w.x0;
  city->win_y_min_m = w.y0;
  city->win_size_x_m = w.x1 - w.x0;
  city->win_size_y_m = w.y1 - w.y0;
  city->margin_m = m;
  city->cell_m = 1.0;
  city->x_min_m = w.x0 - m;
  city->y_min_m = w.y0 - m;
  city->nx = (int)lround(city->win_size_x_m + 2 * m);
  city->ny = (int)lround(city->win_size_y_m + 2 * m);
  PetscCall(WB_CALLOC((size_t)city->nx * (size_t)city->ny, &city->height));
  PetscFunctionReturn(0);
}

void wb_city_report_window(const WbCityOptions *o, const WbExtent *data, const WbCity *city) {
  const WbExtent w = {city->win_x_min_m, city->win_y_min_m, city->win_x_min_m + city->win_size_x_m,
                      city->win_y_min_m + city->win_size_y_m};
  const double far = beyond(&w, data);
  if (far > (o->window_given ? 1 : 0.01))
    wb_log("city: the window%s reaches up to %.1f m beyond the data, %s: open ground there",
           o->window_given ? "" : ", a multiple of 20 m that holds all of the file,", far, wb_city_extent_text(data).s);
}
