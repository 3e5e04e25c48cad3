/* Blocks to lots to buildings. */
#include "synthetic.h"
#include <math.h>

static double widest_street(const WbConvex *p) {
  double w = 0;
  for (int i = 0; i < p->n; i++) w = p->w[i] > w ? p->w[i] : w;
  return w;
}

/* An upright box of the frame, shrunk to the given shares of the extents, inside the polygon. */
static bool inner_box(const WbConvex *p, double su, double sv, double cu, double cv, WbConvex *out) {
  WbFrame f;
  WbConvex a, b;
  wb_convex_frame(p, &f);
  const double hu = 0.5 * su * (f.u1 - f.u0), hv = 0.5 * sv * (f.v1 - f.v0);
  const double mu = wb_mix(f.u0 + hu, f.u1 - hu, cu), mv = wb_mix(f.v0 + hv, f.v1 - hv, cv);
  return wb_convex_clip(p, f.ux, f.uy, mu - hu, 0, &a) && wb_convex_clip(&a, -f.ux, -f.uy, -(mu + hu), 0, &b) &&
         wb_convex_clip(&b, -f.uy, f.ux, mv - hv, 0, &a) && wb_convex_clip(&a, f.uy, -f.ux, -(mv + hv), 0, out);
}

/* A tower on a podium; the tower stands back from the street. */
static void tower(WbBuilder *b, const WbConvex *p, double height, uint64_t id) {
  double u[4], v[4];
  WbConvex shaft;
  wb_synthetic_random(&b->draw, id, 50, u);
  wb_synthetic_random(&b->draw, id, 51, v);
  const double podium = wb_mix(9, 32, u[0]);
  wb_synthetic_emit(b, p, podium < 0.6 * height ? podium : 0.6 * height);
  if (inner_box(p, wb_mix(0.5, 0.85, u[1]), wb_mix(0.55, 0.9, u[2]), u[3], v[0], &shaft)) {
    wb_synthetic_emit(b, &shaft, height);
    WbConvex crown; /* plant rooms on the roof */
    if (inner_box(&shaft, 0.6, 0.6, 0.5, 0.5, &crown)) wb_synthetic_emit(b, &crown, height + wb_mix(3, 8, v[1]));
  }
}

/* An L, a slab pair or a court: bars along some sides of the lot. */
static void bars(WbBuilder *b, const WbConvex *p, double height, uint64_t id) {
  double u[4];
  WbConvex bar;
  wb_synthetic_random(&b->draw, id, 52, u);
  const int pattern = (int)(u[0] * 4); /* bit sets of sides: L, U, pair of slabs, court */
  static const unsigned sides[4] = {3, 7, 5, 15};
  const double t = wb_mix(0.28, 0.42, u[1]);
  if ((sides[pattern] & 1) && inner_box(p, 1, t, 0.5, 0, &bar)) wb_synthetic_emit(b, &bar, height);
  if ((sides[pattern] & 2) && inner_box(p, t, 1, 0, 0.5, &bar))
    wb_synthetic_emit(b, &bar, height * wb_mix(0.5, 1, u[2]));
  if ((sides[pattern] & 4) && inner_box(p, 1, t, 0.5, 1, &bar))
    wb_synthetic_emit(b, &bar, height * wb_mix(0.6, 1, u[3]));
  if ((sides[pattern] & 8) && inner_box(p, t, 1, 1, 0.5, &bar)) wb_synthetic_emit(b, &bar, height);
}

/* An ordinary house or office block: often a lower wing behind, or a plant room on top. */
static void plain(WbBuilder *b, const WbConvex *p, double height, uint64_t id) {
  double u[4];
  WbConvex part;
  wb_synthetic_random(&b->draw, id, 53, u);
  if (u[0] < 0.35 && wb_convex_area(p) > 90) {
    wb_synthetic_emit(b, p, height * wb_mix(0.55, 0.9, u[1]));
    if (inner_box(p, wb_mix(0.45, 0.75, u[2]), 1, u[3] < 0.5 ? 0 : 1, 0.5, &part)) wb_synthetic_emit(b, &part, height);
    return;
  }
  wb_synthetic_emit(b, p, height);
  if (u[0] > 0.7 && height > 15 && inner_box(p, 0.4, 0.5, u[1], u[2], &part)) {
    wb_synthetic_emit(b, &part, height + wb_mix(2.5, 5, u[3]));
  }
}

static double lot_height(const WbBuilder *b, const WbDistrict *d, const WbConvex *p, double area, uint64_t block,
                         uint64_t id) {
  double u[4], v[4];
  wb_synthetic_random(&b->draw, block, 40, v);
  wb_synthetic_random(&b->draw, id, 41, u);
  double h = d->height * wb_synthetic_exp(d->spread * (0.5 * wb_synthetic_spread(v[0], v[1], v[2]) +
                                                       0.87 * wb_synthetic_spread(u[0], u[1], u[2])));
  const double street = widest_street(p);
  if (street >= 18) h *= d->kind == WB_DISTRICT_LOW ? 2.4 : 1.25; /* avenues are lined with taller buildings */
  if (d->kind == WB_DISTRICT_MID && u[3] < 0.10) h *= 0.35;       /* an old house left over */
  const double slender = 5.0 * sqrt(area);
  if (h > slender) h = slender;
  return h > 3.5 ? h : 3.5;
}

static void lot(WbBuilder *b, const WbDistrict *d, const WbConvex *p, uint64_t block, uint64_t id) {
  double u[4], v[4], inset[WB_CONVEX_MAX];
  WbConvex body;
  wb_synthetic_random(&b->draw, id, 42, u);
  wb_synthetic_random(&b->draw, id, 43, v);
  const double loose = 1 - b->coverage, big = d->kind == WB_DISTRICT_CORE ? 1.6 : d->kind == WB_DISTRICT_CAMPUS ? 4 : 1;
  const double vacant = (d->kind == WB_DISTRICT_CAMPUS ? 0.35 : 0.6) * loose * loose;
  if (u[0] < vacant) return; /* parking, garden, plaza */
  for (int i = 0; i < p->n; i++) {
    inset[i] = p->w[i] > 0 ? big * wb_mix(0.2, 1.6, u[1]) * (0.25 + 1.5 * loose)
                           : big * wb_mix(0.25, 0.7, u[2]) * (0.7 + 3 * loose);
  }
  if (!wb_convex_inset(p, inset, &body)) return;
  const double area = wb_convex_area(&body);
  if (area < 28) return;
  const double h = lot_height(b, d, p, area, block, id);
  const long before = b->n_buildings;
  WbFrame f;
  wb_convex_frame(&body, &f);
  const double depth = f.v1 - f.v0;
  const double p_tower = d->kind == WB_DISTRICT_CORE ? 0.55 : d->kind == WB_DISTRICT_CAMPUS ? 0.35 : 0.12;
  if (area > 1000 && depth > 24 && v[0] < p_tower) {
    tower(b, &body, wb_mix(65, 240, v[1] * (0.35 + 0.65 * v[2])), id);
  } else if (area > 1400 && depth > 32 && (v[3] < 0.4 || d->kind == WB_DISTRICT_CAMPUS)) {
    bars(b, &body, h, id);
  } else {
    plain(b, &body, h, id);
  }
  if (b->n_buildings > before) b->n_buildings = before + 1; /* its parts are one building */
}

static void cut_lots(WbBuilder *b, const WbDistrict *d, const WbConvex *p, uint64_t block, uint64_t id, int depth) {
  double u[4];
  WbFrame f;
  wb_synthetic_random(&b->draw, id, 44, u);
  const double area = wb_convex_area(p), street = widest_street(p);
  double limit = d->lot_area * (0.55 + 2.2 * u[3] * u[3] * u[3]);
  if (street >= 18 && d->kind != WB_DISTRICT_CORE && d->kind != WB_DISTRICT_CAMPUS) limit *= 2.2;
  wb_convex_frame(p, &f);
  const double aspect = (f.u1 - f.u0) / (f.v1 - f.v0 + 1e-9);
  if (depth > 16 || (area < 2 * limit && aspect < 3.2) || area < 60) {
    lot(b, d, p, block, id);
    return;
  }
  WbConvex half[2];
  const double alley = depth < 2 && u[1] < 0.2 && area > 900 ? wb_mix(1.5, 4, u[2]) : 0; /* back lanes */
  const int n = wb_convex_split(p, &f, wb_mix(0.38, 0.62, u[0]), 0.06 * (u[2] - 0.5), alley, half);
  for (int h = 0; h < n; h++) cut_lots(b, d, &half[h], block, wb_synthetic_child(id, (uint64_t)h), depth + 1);
}

/* Parks come before lots: a block is open ground with a chance that falls with coverage. */
void wb_synthetic_block(WbBuilder *b, const WbDistrict *d, const WbConvex *block, uint64_t id) {
  double u[4], inset[WB_CONVEX_MAX];
  WbConvex kept;
  if (wb_convex_area(block) < 60) return;
  wb_synthetic_random(&b->draw, id, 45, u);
  const double loose = 1 - b->coverage;
  if (u[0] < b->draw.green * (0.3 + 2.5 * loose * loose) * (b->coverage < 1 ? 1 : 0)) return;
  for (int i = 0; i < block->n; i++) inset[i] = block->w[i] >= 12 ? wb_mix(0, 2.5, u[1]) : 0; /* pavements */
  if (wb_convex_inset(block, inset, &kept)) cut_lots(b, d, &kept, id, wb_synthetic_child(id, 3), 0);
}
