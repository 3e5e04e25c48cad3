/* Geometries: what they are, and filling them face by face. */
#include <math.h>
#include <string.h>
#include "vector.h"

#define THIN_M 1e-3 /* a face thinner than this in plan stands upright; also in degrees it is no building */

void wb_city_shape_free(WbShapeRoom *room) {
  WB_FREE(&room->x);
  WB_FREE(&room->y);
  WB_FREE(&room->start);
  WB_FREE(&room->work.edge);
  WB_FREE(&room->work.active);
}

static PetscErrorCode make_room(WbShapeRoom *r, size_t points, size_t rings) {
  PetscFunctionBeginUser;
  if (points > r->points) {
    WB_FREE(&r->x);
    WB_FREE(&r->y);
    WB_FREE(&r->work.edge);
    WB_FREE(&r->work.active);
    r->points = 2 * points;
    PetscCall(WB_ALLOC(r->points, &r->x));
    PetscCall(WB_ALLOC(r->points, &r->y));
    PetscCall(WB_ALLOC(r->points, &r->work.edge));
    PetscCall(WB_ALLOC(r->points, &r->work.active));
  }
  if (rings + 1 > r->rings) {
    WB_FREE(&r->start);
    r->rings = 2 * (rings + 1);
    PetscCall(WB_ALLOC(r->rings, &r->start));
  }
  PetscFunctionReturn(0);
}

static bool is_face(OGRGeometryH g) {
  const OGRwkbGeometryType type = OGR_GT_Flatten(OGR_G_GetGeometryType(g));
  return type == wkbPolygon || type == wkbTriangle;
}

/* Vertices of a face into the room; *rings without any when it is empty. */
static PetscErrorCode take_face(OGRGeometryH face, WbShapeRoom *room, WbRings *rings) {
  PetscFunctionBeginUser;
  const int n_rings = OGR_G_GetGeometryCount(face);
  size_t points = 0, at = 0;
  for (int i = 0; i < n_rings; i++) points += (size_t)OGR_G_GetPointCount(OGR_G_GetGeometryRef(face, i));
  memset(rings, 0, sizeof *rings);
  if (n_rings == 0 || points == 0) PetscFunctionReturn(0);
  PetscCall(make_room(room, points, (size_t)n_rings));
  room->start[0] = 0;
  for (int i = 0; i < n_rings; i++) {
    OGRGeometryH ring = OGR_G_GetGeometryRef(face, i);
    const int n = OGR_G_GetPointCount(ring);
    if (n > 0) OGR_G_GetPoints(ring, room->x + at, sizeof(double), room->y + at, sizeof(double), NULL, 0);
    at += (size_t)n;
    room->start[i + 1] = (int)at;
  }
  *rings = (WbRings){room->x, room->y, room->start, n_rings};
  PetscFunctionReturn(0);
}

/* Largest distance of the outline's vertices from the line between its first and the one farthest from it. */
static double thickness(const WbRings *r) {
  double far = 0, most = 0;
  int q = 0;
  for (int p = 1; p < r->start[1]; p++) {
    const double d = hypot(r->x[p] - r->x[0], r->y[p] - r->y[0]);
    if (d > far) far = d, q = p;
  }
  if (!(far > 0)) return 0;
  const double ux = (r->x[q] - r->x[0]) / far, uy = (r->y[q] - r->y[0]) / far;
  for (int p = 1; p < r->start[1]; p++) most = fmax(most, fabs((r->x[p] - r->x[0]) * uy - (r->y[p] - r->y[0]) * ux));
  return most;
}

static double ring_area(const WbRings *r, int ring) {
  const int a = r->start[ring], b = r->start[ring + 1];
  double sum = 0;
  for (int p = a; p < b; p++) {
    const int q = p + 1 < b ? p + 1 : a;
    sum += (r->x[p] - r->x[a]) * (r->y[q] - r->y[a]) - (r->x[q] - r->x[a]) * (r->y[p] - r->y[a]);
  }
  return 0.5 * fabs(sum);
}

static void look_at_face(const WbRings *r, WbShape *s) {
  const int n = r->start[r->n_rings];
  WbExtent e = {INFINITY, INFINITY, -INFINITY, -INFINITY};
  for (int p = 0; p < n; p++) {
    if (!(fabs(r->x[p]) < 1e9 && fabs(r->y[p]) < 1e9)) {
      s->why = "coordinates that are no numbers of metres";
      s->n_bad++;
      return;
    }
  }
  for (int p = 0; p < r->start[1]; p++) {
    e.x0 = fmin(e.x0, r->x[p]), e.x1 = fmax(e.x1, r->x[p]);
    e.y0 = fmin(e.y0, r->y[p]), e.y1 = fmax(e.y1, r->y[p]);
  }
  const double side = fmax(e.x1 - e.x0, e.y1 - e.y0);
  if (!(thickness(r) > fmin(THIN_M, 1e-4 * side))) return; /* upright, or nothing */
  double holes = 0;
  for (int h = 1; h < r->n_rings; h++) holes += ring_area(r, h);
  if (holes > 0 && holes >= 0.999 * ring_area(r, 0)) {
    s->why = "holes that leave nothing of it";
    s->n_bad++;
    return;
  }
  s->n_faces++;
  s->largest = fmax(s->largest, side);
  s->e = (WbExtent){fmin(s->e.x0, e.x0), fmin(s->e.y0, e.y0), fmax(s->e.x1, e.x1), fmax(s->e.y1, e.y1)};
}

static PetscErrorCode look(OGRGeometryH g, WbShapeRoom *room, WbShape *s) {
  PetscFunctionBeginUser;
  if (is_face(g)) {
    WbRings rings;
    PetscCall(take_face(g, room, &rings));
    if (rings.n_rings > 0 && rings.start[1] > 0) look_at_face(&rings, s);
    PetscFunctionReturn(0);
  }
  if (OGR_G_GetDimension(g) < 2) PetscFunctionReturn(0);
  for (int i = 0; i < OGR_G_GetGeometryCount(g); i++) PetscCall(look(OGR_G_GetGeometryRef(g, i), room, s));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_city_shape_look(OGRGeometryH g, WbShapeRoom *room, WbShape *s) {
  PetscFunctionBeginUser;
  memset(s, 0, sizeof *s);
  s->e = (WbExtent){INFINITY, INFINITY, -INFINITY, -INFINITY};
  s->kind = WB_SHAPE_BROKEN;
  s->why = "no geometry";
  if (!g || OGR_G_IsEmpty(g)) PetscFunctionReturn(0);
  if (OGR_G_GetDimension(g) < 2) {
    s->kind = WB_SHAPE_OTHER;
    PetscFunctionReturn(0);
  }
  s->why = NULL;
  PetscCall(look(g, room, s));
  if (s->n_bad > 0) PetscFunctionReturn(0);
  if (s->n_faces > 0) {
    s->kind = WB_SHAPE_GOOD;
  } else if (OGR_G_Is3D(g)) {
    s->kind = WB_SHAPE_WALL;
  } else {
    s->why = "no area";
  }
  PetscFunctionReturn(0);
}

PetscErrorCode wb_city_shape_fill(OGRGeometryH g, const WbRaster *raster, float h, WbShapeRoom *room, bool *folded) {
  PetscFunctionBeginUser;
  if (is_face(g)) {
    WbRings rings;
    PetscCall(take_face(g, room, &rings));
    if (rings.n_rings == 0 || rings.start[1] == 0 || !(thickness(&rings) > THIN_M)) PetscFunctionReturn(0);
    wb_city_fill(raster, &rings, h, &room->work);
    if (folded) *folded = *folded || room->work.folded;
    PetscFunctionReturn(0);
  }
  if (OGR_G_GetDimension(g) < 2) PetscFunctionReturn(0); /* points and lines are no footprints */
  for (int i = 0; i < OGR_G_GetGeometryCount(g); i++)
    PetscCall(wb_city_shape_fill(OGR_G_GetGeometryRef(g, i), raster, h, room, folded));
  PetscFunctionReturn(0);
}
