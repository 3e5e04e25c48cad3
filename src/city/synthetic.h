/* The Tokyo-like generator, shared by its files. Everything is arithmetic on hashes (+ - * / sqrt, exact in IEEE 754):
 * no libm, so the same seed gives the same bits everywhere. A quantity is keyed by its place in the tree of blocks,
 * never by the window or margin asked for: the street plan is one fixed infinite-looking map of which a window is cut.
 */
#ifndef WB_CITY_SYNTHETIC_H
#define WB_CITY_SYNTHETIC_H
#include "city_internal.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=off")
#else
#pragma STDC FP_CONTRACT OFF
#endif

#define WB_CONVEX_MAX 24
#define WB_WARP_MAX_M 60.0 /* vertices move no farther than this */

/* A convex polygon, counter-clockwise; w[i] is the width [m] of the street along the edge from vertex i (0: a
 * neighbour). */
typedef struct {
  int n;
  double x[WB_CONVEX_MAX], y[WB_CONVEX_MAX], w[WB_CONVEX_MAX];
} WbConvex;

/* The smallest rectangle around a polygon: long axis (ux, uy), extents along it and across it. */
typedef struct {
  double ux, uy, u0, u1, v0, v1;
} WbFrame;

bool wb_convex_clip(const WbConvex *in, double nx, double ny, double c, double w, WbConvex *out); /* keeps n.x >= c */
double wb_convex_area(const WbConvex *p);
void wb_convex_frame(const WbConvex *p, WbFrame *f);
/* Move every edge inwards by s[i]; false when nothing is left. */
bool wb_convex_inset(const WbConvex *p, const double *s, WbConvex *out);
/* Halves of p on both sides of a street of width w across its long axis at fraction `at`, tilted by `tilt` (tangent).
 */
int wb_convex_split(const WbConvex *p, const WbFrame *f, double at, double tilt, double w, WbConvex out[2]);

enum { WB_DISTRICT_CORE, WB_DISTRICT_MID, WB_DISTRICT_LOW, WB_DISTRICT_CAMPUS, WB_N_DISTRICT };

/* What is drawn once for a city. */
typedef struct {
  uint32_t seed;
  double lambda_p, height_mean; /* targets for the window, height footprint weighted [m] */
  double share[WB_N_DISTRICT];  /* cumulative */
  double district_m, ux, uy;    /* district size; direction of the root square */
  double warp[2][3];            /* amplitude [m], 1 / wavelength [1/m], phase */
  double green, water;          /* tendency to parks and plazas; to river or rail corridors */
} WbCityDraw;

/* What is drawn once for a district. */
typedef struct {
  int kind;
  double block_u, block_v, street_lo, street_hi, lot_area, height, spread, irregular;
} WbDistrict;

/* The state of one generation. coverage in [0, 1]: 0 sparse (vacant lots, wide setbacks), 1 dense. */
typedef struct {
  WbCityDraw draw;
  double coverage;
  WbRaster raster;
  WbExtent window;  /* the raster without its margin */
  long n_buildings; /* those with a corner in the window */
} WbBuilder;

void wb_synthetic_draw(uint32_t seed, WbCityDraw *draw);
void wb_synthetic_lay_out(WbBuilder *b); /* districts and blocks */
void wb_synthetic_block(WbBuilder *b, const WbDistrict *d, const WbConvex *block, uint64_t id); /* lots, buildings */
void wb_synthetic_emit(WbBuilder *b, const WbConvex *p, double height);                         /* warps and fills */
bool wb_synthetic_misses(const WbBuilder *b, const WbConvex *p); /* cannot touch the raster */

/* Four numbers in (0, 1) of tree node `id`; `what` tells the uses of one node apart. */
void wb_synthetic_random(const WbCityDraw *draw, uint64_t id, uint32_t what, double u[4]);
uint64_t wb_synthetic_child(uint64_t id, uint64_t k);
double wb_synthetic_exp(double x);                        /* rational, good to 1e-4 for |x| < 3 */
double wb_synthetic_spread(double a, double b, double c); /* three uniforms -> mean 0, deviation 1, bounded by 3 */
static inline double wb_mix(double lo, double hi, double u) {
  return lo + (hi - lo) * u;
}
#endif
