/* A Tokyo-like city from a seed: what is drawn, random numbers, and the fit of coverage and heights to the draw. */
#include "synthetic.h"
#include <math.h>
#include <string.h>

#define WB_COARSE_M 2.0 /* raster of the coverage search */

void wb_synthetic_random(const WbCityDraw *draw, uint64_t id, uint32_t what, double u[4]) {
  const WbRandomKey key = {.seed = draw->seed, .stream = WB_STREAM_CITY, .step = what};
  wb_random_uniform4(&key, id % WB_RANDOM_VOXELS, u); /* ids are hashes: any of their bits will do */
}

uint64_t wb_synthetic_child(uint64_t id, uint64_t k) { /* splitmix64's finaliser */
  uint64_t z = id * 0x9E3779B97F4A7C15u + (k + 1) * 0xD1B54A32D192ED03u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

double wb_synthetic_exp(double x) { /* Pade [2/2] of exp(x / 4), to the fourth power */
  const double q = 0.25 * x, e = (12 + 6 * q + q * q) / (12 - 6 * q + q * q), e2 = e * e;
  return e2 * e2;
}

double wb_synthetic_spread(double a, double b, double c) {
  return 2 * (a + b + c - 1.5);
}

/* A smooth wave of period 1 and amplitude 1, from parabolas. */
static double wave(double t) {
  const double s = t - floor(t);
  return s < 0.5 ? 16 * s * (0.5 - s) : -16 * (s - 0.5) * (1 - s);
}

void wb_synthetic_draw(uint32_t seed, WbCityDraw *draw) {
  memset(draw, 0, sizeof *draw);
  draw->seed = seed;
  double u[4], v[4], w[4];
  wb_synthetic_random(draw, 0, 1000, u);
  wb_synthetic_random(draw, 0, 1001, v);
  wb_synthetic_random(draw, 0, 1002, w);
  draw->lambda_p = wb_mix(0.22, 0.48, u[0]);
  draw->height_mean = wb_mix(13, 48, u[1]);
  const double tall = (draw->height_mean - 12) / 38;
  const double share[WB_N_DISTRICT] = {0.04 + 0.5 * tall * tall, 0.3 + 0.25 * tall, 1.3 * (1 - tall) * (1 - tall),
                                       0.13};
  double sum = 0, total = 0;
  for (int k = 0; k < WB_N_DISTRICT; k++) total += share[k];
  for (int k = 0; k < WB_N_DISTRICT; k++) draw->share[k] = (sum += share[k] / total);
  draw->district_m = wb_mix(330, 620, u[2]);
  const double t = u[3]; /* tangent of half an angle in (0, 90) degrees: any direction, as a grid has four */
  draw->ux = (1 - t * t) / (1 + t * t);
  draw->uy = 2 * t / (1 + t * t);
  for (int a = 0; a < 2; a++) {
    draw->warp[a][0] = wb_mix(3, 22, v[a]);
    draw->warp[a][1] = 1 / wb_mix(650, 1300, v[2 + a]);
    draw->warp[a][2] = w[a];
  }
  draw->green = wb_mix(0.02, 0.09, w[2]);
  draw->water = wb_mix(0.05, 0.35, w[3]);
}

bool wb_synthetic_misses(const WbBuilder *b, const WbConvex *p) {
  double x0 = 1e30, y0 = 1e30, x1 = -1e30, y1 = -1e30;
  for (int i = 0; i < p->n; i++) {
    x0 = p->x[i] < x0 ? p->x[i] : x0;
    x1 = p->x[i] > x1 ? p->x[i] : x1;
    y0 = p->y[i] < y0 ? p->y[i] : y0;
    y1 = p->y[i] > y1 ? p->y[i] : y1;
  }
  const WbRaster *r = &b->raster;
  return x1 + WB_WARP_MAX_M < r->x0 || x0 - WB_WARP_MAX_M > r->x0 + r->nx * r->cell || y1 + WB_WARP_MAX_M < r->y0 ||
         y0 - WB_WARP_MAX_M > r->y0 + r->ny * r->cell;
}

void wb_synthetic_emit(WbBuilder *b, const WbConvex *p, double height) {
  double x[WB_CONVEX_MAX], y[WB_CONVEX_MAX];
  WbEdge edge[WB_CONVEX_MAX], *active[WB_CONVEX_MAX];
  WbFillWork work = {.edge = edge, .active = active};
  const double(*w)[3] = (const double(*)[3])b->draw.warp;
  for (int i = 0; i < p->n; i++) { /* bend the straight streets a little */
    x[i] = p->x[i] + w[0][0] * wave(p->y[i] * w[0][1] + w[0][2]);
    y[i] = p->y[i] + w[1][0] * wave(p->x[i] * w[1][1] + w[1][2]);
  }
  const int start[2] = {0, p->n};
  const WbRings rings = {x, y, start, 1};
  wb_city_fill(&b->raster, &rings, (float)height, &work);
  bool corner = false;
  for (int i = 0; i < p->n; i++) {
    corner = corner || (x[i] > b->window.x0 && x[i] < b->window.x1 && y[i] > b->window.y0 && y[i] < b->window.y1);
  }
  b->n_buildings += corner;
}

static double covered(const WbRaster *r) {
  long n = 0;
  for (size_t c = 0; c < (size_t)r->nx * (size_t)r->ny; c++) n += r->height[c] > 0;
  return (double)n / ((double)r->nx * (double)r->ny);
}

/* Coverage that gives the drawn plan area fraction in the window (not the margin), by bisection. */
static PetscErrorCode fit_coverage(WbBuilder *b, const WbCity *city) {
  PetscFunctionBeginUser;
  WbRaster *r = &b->raster;
  *r = (WbRaster){NULL,
                  (int)(city->win_size_x_m / WB_COARSE_M),
                  (int)(city->win_size_y_m / WB_COARSE_M),
                  city->win_x_min_m,
                  city->win_y_min_m,
                  WB_COARSE_M};
  PetscCall(WB_ALLOC((size_t)r->nx * (size_t)r->ny, &r->height));
  double lo = 0, hi = 1;
  for (int n = 0; n < 9; n++) {
    b->coverage = 0.5 * (lo + hi);
    memset(r->height, 0, (size_t)r->nx * (size_t)r->ny * sizeof *r->height);
    wb_synthetic_lay_out(b);
    const double excess = covered(r) - b->draw.lambda_p;
    if (fabs(excess) < 0.004) break;
    if (excess < 0)
      lo = b->coverage;
    else
      hi = b->coverage;
  }
  WB_FREE(&r->height);
  PetscFunctionReturn(0);
}

static double scaled(double h, double factor) { /* tends to 235 m */
  const double s = h * factor;
  if (s <= 170) return s > 3 ? s : 3;
  const double x = (s - 170) / 65;
  return 170 + 65 * x / (1 + x);
}

/* Factor on all heights that gives the drawn footprint-weighted mean in the window, by bisection on a histogram. */
static double fit_height(const WbCity *city, double target) {
  enum { BINS = 1024 }; /* of 0.25 m */
  long count[BINS] = {0}, n = 0;
  const int m = (int)(city->margin_m + 0.5);
  for (int j = m; j < city->ny - m; j++) {
    for (int i = m; i < city->nx - m; i++) {
      const double h = (double)city->height[(size_t)j * (size_t)city->nx + (size_t)i];
      if (!(h > 0)) continue;
      const int bin = (int)(h * 4);
      count[bin < BINS ? bin : BINS - 1]++;
      n++;
    }
  }
  if (n == 0) return 1;
  double lo = 0.2, hi = 6;
  for (int it = 0; it < 40; it++) {
    const double factor = 0.5 * (lo + hi);
    double sum = 0;
    for (int k = 0; k < BINS; k++) sum += (double)count[k] * scaled((k + 0.5) * 0.25, factor);
    if (sum < target * (double)n)
      lo = factor;
    else
      hi = factor;
  }
  return 0.5 * (lo + hi);
}

PetscErrorCode wb_city_synthesise(const WbCityOptions *options, WbCity *city) {
  PetscFunctionBeginUser;
  const double reach = 25000;
  if (!(city->x_min_m >= -reach && city->x_min_m + city->nx <= reach && city->y_min_m >= -reach &&
        city->y_min_m + city->ny <= reach)) {
    WB_RAISE(WB_ERR_CONFIG, "city_generate: the window must lie within %g m of the origin (city_x_min_m, city_y_min_m)",
             reach);
  }
  WbBuilder b;
  memset(&b, 0, sizeof b);
  wb_synthetic_draw(options->seed, &b.draw);
  b.window = (WbExtent){city->win_x_min_m, city->win_y_min_m, city->win_x_min_m + city->win_size_x_m,
                        city->win_y_min_m + city->win_size_y_m};
  PetscCall(fit_coverage(&b, city));
  b.raster = wb_city_raster(city);
  wb_synthetic_lay_out(&b);
  const double factor = fit_height(city, b.draw.height_mean);
  for (size_t c = 0; c < (size_t)city->nx * (size_t)city->ny; c++) {
    if (city->height[c] > 0) city->height[c] = (float)scaled((double)city->height[c], factor);
  }
  city->n_buildings = (int)b.n_buildings;
  snprintf(city->source, sizeof city->source,
           "synthetic: tokyo_like seed %u (plan area fraction %.3f, mean height %.1f m drawn)", options->seed,
           b.draw.lambda_p, b.draw.height_mean);
  PetscFunctionReturn(0);
}
