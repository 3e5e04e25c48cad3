/* Convex polygons for the generator: clip, inset, split, frame. */
#include "synthetic.h"
#include <math.h>

bool wb_convex_clip(const WbConvex *in, double nx, double ny, double c, double w, WbConvex *out) {
  WbConvex r;
  r.n = 0;
  for (int i = 0; i < in->n; i++) {
    const int j = i + 1 < in->n ? i + 1 : 0;
    const double di = nx * in->x[i] + ny * in->y[i] - c, dj = nx * in->x[j] + ny * in->y[j] - c;
    if (r.n > WB_CONVEX_MAX - 2) break;
    if (di >= 0) {
      r.x[r.n] = in->x[i];
      r.y[r.n] = in->y[i];
      r.w[r.n++] = in->w[i];
    }
    if ((di >= 0) != (dj >= 0)) {
      const double t = di / (di - dj);
      r.x[r.n] = in->x[i] + t * (in->x[j] - in->x[i]);
      r.y[r.n] = in->y[i] + t * (in->y[j] - in->y[i]);
      r.w[r.n++] = di >= 0 ? w : in->w[i];
    }
  }
  *out = r;
  return r.n >= 3;
}

double wb_convex_area(const WbConvex *p) {
  double a = 0;
  for (int i = 0; i < p->n; i++) {
    const int j = i + 1 < p->n ? i + 1 : 0;
    a += (p->x[i] - p->x[0]) * (p->y[j] - p->y[0]) - (p->x[j] - p->x[0]) * (p->y[i] - p->y[0]);
  }
  return 0.5 * a;
}

static bool frame_along(const WbConvex *p, double ux, double uy, WbFrame *f) {
  const double length = sqrt(ux * ux + uy * uy);
  if (!(length > 1e-6)) return false;
  f->ux = ux / length;
  f->uy = uy / length;
  f->u0 = f->v0 = 1e30;
  f->u1 = f->v1 = -1e30;
  for (int i = 0; i < p->n; i++) {
    const double u = f->ux * p->x[i] + f->uy * p->y[i], v = f->ux * p->y[i] - f->uy * p->x[i];
    if (u < f->u0) f->u0 = u;
    if (u > f->u1) f->u1 = u;
    if (v < f->v0) f->v0 = v;
    if (v > f->v1) f->v1 = v;
  }
  return true;
}

void wb_convex_frame(const WbConvex *p, WbFrame *best) {
  double least = 1e300;
  *best = (WbFrame){1, 0, 0, 0, 0, 0};
  for (int i = 0; i < p->n; i++) { /* one side of the smallest rectangle lies on an edge */
    const int j = i + 1 < p->n ? i + 1 : 0;
    WbFrame f;
    if (!frame_along(p, p->x[j] - p->x[i], p->y[j] - p->y[i], &f)) continue;
    const double area = (f.u1 - f.u0) * (f.v1 - f.v0);
    if (!(area < least)) continue;
    least = area;
    *best = f;
  }
  if (best->u1 - best->u0 < best->v1 - best->v0) {
    const WbFrame f = *best;
    *best = (WbFrame){-f.uy, f.ux, f.v0, f.v1, -f.u1, -f.u0};
  }
}

bool wb_convex_inset(const WbConvex *p, const double *s, WbConvex *out) {
  WbConvex a = *p, b;
  for (int i = 0; i < p->n; i++) {
    const int j = i + 1 < p->n ? i + 1 : 0;
    double nx = p->y[i] - p->y[j], ny = p->x[j] - p->x[i];
    const double length = sqrt(nx * nx + ny * ny);
    if (!(length > 1e-6)) continue;
    nx /= length;
    ny /= length;
    if (!wb_convex_clip(&a, nx, ny, nx * p->x[i] + ny * p->y[i] + s[i], p->w[i], &b)) return false;
    a = b;
  }
  *out = a;
  return true;
}

int wb_convex_split(const WbConvex *p, const WbFrame *f, double at, double tilt, double w, WbConvex out[2]) {
  const double u = wb_mix(f->u0, f->u1, at), v = 0.5 * (f->v0 + f->v1);
  const double px = u * f->ux - v * f->uy, py = u * f->uy + v * f->ux;
  double nx = f->ux - tilt * f->uy, ny = f->uy + tilt * f->ux;
  const double length = sqrt(nx * nx + ny * ny);
  nx /= length;
  ny /= length;
  const double c = nx * px + ny * py;
  int n = 0;
  if (wb_convex_clip(p, nx, ny, c + 0.5 * w, w, &out[n])) n++;
  if (wb_convex_clip(p, -nx, -ny, -c + 0.5 * w, w, &out[n])) n++;
  return n;
}
