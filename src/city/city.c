/* Creation of a city: rank 0 reads or generates, everybody gets the same raster. */
#include "windbridge/city.h"
#include <math.h>
#include <string.h>
#include "city_internal.h"

WbRaster wb_city_raster(const WbCity *city) {
  const WbRaster r = {city->height, city->nx, city->ny, city->x_min_m, city->y_min_m, city->cell_m};
  return r;
}

void wb_city_destroy(WbCity **city) {
  if (!city || !*city) return;
  WB_FREE(&(*city)->height);
  WB_FREE(city);
}

static bool is_multiple(double size) {
  const double n = size / WB_CITY_MODULE_M;
  return n >= 1 - 1e-9 && fabs(n - round(n)) < 1e-6;
}

static PetscErrorCode check_options(const WbCityOptions *o) {
  PetscFunctionBeginUser;
  if (!o->file && !o->generate)
    WB_RAISE_ALL(WB_ERR_CONFIG, "no city: set city_file or city_generate (tokyo_like, flat)");
  if (!o->file && strcmp(o->generate, "tokyo_like") != 0 && strcmp(o->generate, "flat") != 0) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "city_generate: '%s' is not a generator; allowed: tokyo_like, flat", o->generate);
  }
  if (!(o->margin_m >= 0 && o->margin_m <= 5000) || fabs(o->margin_m - round(o->margin_m)) > 1e-6) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "les_margin_m: %g m; allowed: whole metres from 0 to 5000", o->margin_m);
  }
  if ((o->window_given || !o->file) && (!is_multiple(o->size_x_m) || !is_multiple(o->size_y_m))) {
    WB_RAISE_ALL(WB_ERR_CONFIG, "city_size_x_m, city_size_y_m: %g m x %g m; allowed: multiples of %g m", o->size_x_m,
                 o->size_y_m, WB_CITY_MODULE_M);
  }
  if (!isfinite(o->x_min_m) || !isfinite(o->y_min_m))
    WB_RAISE_ALL(WB_ERR_CONFIG, "city_x_min_m, city_y_min_m: not finite");
  PetscFunctionReturn(0);
}

static float highest_in_window(const WbCity *c) {
  const int m = (int)lround(c->margin_m / c->cell_m);
  float highest = 0;
  for (int j = m; j < c->ny - m; j++)
    for (int i = m; i < c->nx - m; i++) highest = fmaxf(highest, c->height[(size_t)j * (size_t)c->nx + (size_t)i]);
  return highest;
}

/* Buildings that nobody could enter are heights in kilometres, or shares of something. */
static const float LOWEST_CITY_M = 0.5F;

static PetscErrorCode build(const WbCityOptions *o, WbCity *city) {
  PetscFunctionBeginUser;
  city->convergence_deg = city->scale_min = city->scale_max = NAN;
  if (o->file) {
    PetscCall(wb_city_import(o, city));
    const float highest = highest_in_window(city);
    if (highest < LOWEST_CITY_M) {
      const WbExtent w = {city->win_x_min_m, city->win_y_min_m, city->win_x_min_m + city->win_size_x_m,
                          city->win_y_min_m + city->win_size_y_m};
      if (highest > 0)
        WB_RAISE(WB_ERR_INPUT, "%s: the highest building in the window is %g m high; allowed: heights in metres",
                 o->file, (double)highest);
      WB_RAISE(WB_ERR_INPUT, "%s: no building in the window %s; flat ground is city_generate: flat", o->file,
               wb_city_extent_text(&w).s);
    }
    PetscFunctionReturn(0);
  }
  WbCityOptions given = *o;
  given.window_given = true;
  const WbExtent all = {-INFINITY, -INFINITY, INFINITY, INFINITY};
  PetscCall(wb_city_set_window(&given, &all, 0, city));
  if (strcmp(o->generate, "flat") == 0) {
    snprintf(city->source, sizeof city->source, "synthetic: flat ground");
    PetscFunctionReturn(0);
  }
  PetscCall(wb_city_synthesise(&given, city));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_city_create(MPI_Comm comm, const WbCityOptions *options, WbCity **city) {
  PetscFunctionBeginUser;
  *city = NULL;
  PetscCall(check_options(options));
  int rank;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  WbCity *c;
  PetscCall(WB_CALLOC(1, &c));
  PetscErrorCode failed = rank == 0 ? build(options, c) : 0;
  failed = wb_error_agree(comm, failed);
  if (failed) {
    wb_city_destroy(&c);
    PetscFunctionReturn(failed);
  }
  float *height = c->height;
  PetscCallMPI(MPI_Bcast(c, (int)sizeof *c, MPI_BYTE, 0, comm));
  if (rank != 0) height = NULL;
  c->height = height; /* the broadcast brought rank 0's pointer */
  if (rank != 0) failed = WB_ALLOC((size_t)c->nx * (size_t)c->ny, &c->height);
  failed = wb_error_agree(comm, failed);
  if (failed) {
    wb_city_destroy(&c);
    PetscFunctionReturn(failed);
  }
  for (int j = 0; j < c->ny; j += 1024) { /* in pieces: counts are ints */
    const int rows = c->ny - j < 1024 ? c->ny - j : 1024;
    PetscCallMPI(MPI_Bcast(c->height + (size_t)j * (size_t)c->nx, rows * c->nx, MPI_FLOAT, 0, comm));
  }
  *city = c;
  PetscFunctionReturn(0);
}
