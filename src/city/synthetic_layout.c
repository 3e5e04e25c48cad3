/* The street plan: arterials cut the map into districts, each district has its own grid or tangle of streets. */
#include "synthetic.h"
#include <string.h>

#define WB_ROOT_M 60000.0 /* side of the whole map, centred on the origin */

static double area_limit(const WbCityDraw *draw, double u) {
  const double side = draw->district_m * wb_mix(0.75, 1.35, u);
  return side * side;
}

static void draw_district(const WbCityDraw *draw, uint64_t id, WbDistrict *d) {
  double a[4], b[4];
  wb_synthetic_random(draw, id, 10, a);
  wb_synthetic_random(draw, id, 11, b);
  d->kind = 0;
  while (d->kind < WB_N_DISTRICT - 1 && a[0] > draw->share[d->kind]) d->kind++;
  static const struct {
    double u[2], v[2], street[2], lot[2], height[2], spread, tangle;
  } table[WB_N_DISTRICT] = {
      {{80, 125}, {62, 95}, {9, 22}, {1500, 3600}, {42, 75}, 0.40, 0.10},  /* business: large blocks, towers */
      {{60, 115}, {32, 46}, {4.5, 12}, {150, 330}, {22, 34}, 0.38, 0.25},  /* mixed: Ginza, Nihombashi, Ueno */
      {{50, 90}, {26, 40}, {4, 6.5}, {75, 130}, {7.5, 11}, 0.28, 0.75},    /* low houses: lanes */
      {{110, 190}, {90, 140}, {10, 24}, {3500, 8000}, {28, 55}, 0.55, 0.3} /* large estates, redeveloped bayside */
  };
  d->block_u = wb_mix(table[d->kind].u[0], table[d->kind].u[1], a[1]);
  d->block_v = wb_mix(table[d->kind].v[0], table[d->kind].v[1], a[2]);
  d->street_lo = table[d->kind].street[0];
  d->street_hi = table[d->kind].street[1];
  d->lot_area = wb_mix(table[d->kind].lot[0], table[d->kind].lot[1], a[3]);
  d->height = wb_mix(table[d->kind].height[0], table[d->kind].height[1], b[0]);
  d->spread = table[d->kind].spread;
  d->irregular = b[1] < table[d->kind].tangle ? 1.0 : 0.0;
}

/* Streets by repeated halving with tilted cuts: the tangle of an old quarter. */
static void lay_tangle(WbBuilder *b, const WbDistrict *d, const WbConvex *p, uint64_t id, int depth) {
  if (wb_synthetic_misses(b, p)) return;
  double u[4];
  wb_synthetic_random(&b->draw, id, 20, u);
  if (depth > 40 || wb_convex_area(p) < d->block_u * d->block_v * wb_mix(0.7, 1.6, u[3])) {
    wb_synthetic_block(b, d, p, id);
    return;
  }
  WbFrame f;
  WbConvex half[2];
  wb_convex_frame(p, &f);
  const double wide = wb_convex_area(p) > 9 * d->block_u * d->block_v ? 1.7 : 1.0;
  const double width = wb_mix(d->street_lo, d->street_hi, u[1] * u[1]) * wide;
  const int n = wb_convex_split(p, &f, wb_mix(0.36, 0.64, u[0]), 0.5 * (u[2] - 0.5), width, half);
  for (int h = 0; h < n; h++) lay_tangle(b, d, &half[h], wb_synthetic_child(id, (uint64_t)h), depth + 1);
}

static double street_width(const WbBuilder *b, const WbDistrict *d, uint64_t id, uint64_t line, double *step) {
  double u[4];
  wb_synthetic_random(&b->draw, wb_synthetic_child(id, line), 30, u);
  *step = wb_mix(0.72, 1.28, u[0]);
  const double width = wb_mix(d->street_lo, d->street_hi, u[1] * u[1]);
  return u[2] < 0.18 ? width + wb_mix(3, 9, u[3]) : width; /* a collector street now and then */
}

/* Strips of a row of the grid: cut across v, or across u when `across` (frame axes). */
static bool strip(const WbConvex *p, const WbFrame *f, bool across, double lo, double wlo, double hi, double whi,
                  WbConvex *out) {
  const double nx = across ? f->ux : -f->uy, ny = across ? f->uy : f->ux;
  WbConvex half;
  return wb_convex_clip(p, nx, ny, lo, wlo, &half) && wb_convex_clip(&half, -nx, -ny, -hi, whi, out);
}

/* lines names the cross streets (rows of one grid share them), id the blocks of this row. */
static void lay_row(WbBuilder *b, const WbDistrict *d, const WbFrame *f, const WbConvex *row, uint64_t lines,
                    uint64_t id) {
  double at = f->u0, width = 0, step;
  for (uint64_t line = 0; at < f->u1 && line < 200; line++) {
    const double next_width = street_width(b, d, lines, line, &step),
                 next = at + 0.5 * width + step * d->block_u + 0.5 * next_width;
    WbConvex block;
    if (strip(row, f, true, at + 0.5 * width, width, next - 0.5 * next_width, next_width, &block)) {
      if (!wb_synthetic_misses(b, &block)) wb_synthetic_block(b, d, &block, wb_synthetic_child(id, 1000 + line));
    }
    at = next;
    width = next_width;
  }
}

/* A grid of streets along the district's longest rectangle; rows share their cross streets or are staggered. */
static void lay_grid(WbBuilder *b, const WbDistrict *d, const WbConvex *p, uint64_t id) {
  WbFrame f;
  double u[4], step;
  wb_convex_frame(p, &f);
  wb_synthetic_random(&b->draw, id, 21, u);
  double at = f.v0, width = 0;
  for (uint64_t line = 0; at < f.v1 && line < 200; line++) {
    const double next_width = street_width(b, d, wb_synthetic_child(id, 7), line, &step);
    const double next = at + 0.5 * width + step * d->block_v + 0.5 * next_width;
    WbConvex row;
    if (strip(p, &f, false, at + 0.5 * width, width, next - 0.5 * next_width, next_width, &row)) {
      const uint64_t lines = wb_synthetic_child(id, u[0] < 0.6 ? 8 : 9 + line); /* of all rows, or of each row */
      if (!wb_synthetic_misses(b, &row)) lay_row(b, d, &f, &row, lines, wb_synthetic_child(id, 100000 + line));
    }
    at = next;
    width = next_width;
  }
}

static void lay_region(WbBuilder *b, const WbConvex *p, uint64_t id, int depth) {
  if (wb_synthetic_misses(b, p)) return;
  double u[4], w[4];
  wb_synthetic_random(&b->draw, id, 1, u);
  wb_synthetic_random(&b->draw, id, 2, w);
  const double area = wb_convex_area(p);
  if (depth > 30 || area < area_limit(&b->draw, u[3])) {
    WbDistrict d;
    draw_district(&b->draw, id, &d);
    if (d.irregular > 0.5)
      lay_tangle(b, &d, p, id, 0);
    else
      lay_grid(b, &d, p, id);
    return;
  }
  WbFrame f;
  WbConvex half[2];
  wb_convex_frame(p, &f);
  double width = wb_mix(20, 40, u[1]);
  const bool upper = area > 6 * b->draw.district_m * b->draw.district_m;
  if (upper && w[0] < b->draw.water) width = wb_mix(40, 75, w[1]); /* a river, a railway, an expressway */
  const int n = wb_convex_split(p, &f, wb_mix(0.38, 0.62, u[0]), 0.55 * (u[2] - 0.5), width, half);
  for (int h = 0; h < n; h++) lay_region(b, &half[h], wb_synthetic_child(id, (uint64_t)h), depth + 1);
}

void wb_synthetic_lay_out(WbBuilder *b) {
  const double ux = b->draw.ux, uy = b->draw.uy, r = 0.5 * WB_ROOT_M;
  static const double sx[4] = {-1, 1, 1, -1}, sy[4] = {-1, -1, 1, 1};
  WbConvex root;
  memset(&root, 0, sizeof root);
  root.n = 4;
  for (int i = 0; i < 4; i++) {
    root.x[i] = r * (sx[i] * ux - sy[i] * uy);
    root.y[i] = r * (sx[i] * uy + sy[i] * ux);
  }
  b->n_buildings = 0;
  lay_region(b, &root, 1, 0);
}
