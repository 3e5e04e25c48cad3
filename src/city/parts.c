/* Footprints in the scheme of OpenStreetMap. Parts (building:part) replace the outline of their building, whose height
 * is that of the highest part. A part that begins above ground (min_height) stands on what is below it, or hangs over
 * open air, which heights above ground cannot hold. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "vector.h"

#define SUPPORT_M 0.5 /* a part may begin this much above the roof that bears it */
#define TOUCH 0.02    /* parts of a neighbour cover less of an outline than this */
#define REPLACED 0.9  /* parts that cover this much of an outline are all of it */

static int first_field(OGRFeatureDefnH def, const char *const *names) {
  int field = -1;
  for (int i = 0; names[i] && field < 0; i++) field = OGR_FD_GetFieldIndex(def, names[i]);
  return field;
}

void wb_city_parts_begin(WbVectorReader *r) {
  static const char *const parts[] = {"building:part", "building_part", "building_p", NULL};
  static const char *const bottoms[] = {"min_height", "building:min_height", "building_min_height", "min_heigh", NULL};
  OGRFeatureDefnH def = OGR_L_GetLayerDefn(r->layer);
  r->part_field = first_field(def, parts);
  r->bottom_field = first_field(def, bottoms);
}

bool wb_city_is_part(const WbVectorReader *r, OGRFeatureH feature) {
  if (r->part_field < 0 || !OGR_F_IsFieldSetAndNotNull(feature, r->part_field)) return false;
  const char *text = OGR_F_GetFieldAsString(feature, r->part_field);
  return text[0] && strcasecmp(text, "no") != 0 && strcasecmp(text, "false") != 0 && strcmp(text, "0") != 0;
}

static PetscErrorCode bottom_of(WbVectorReader *r, OGRFeatureH feature, double top, double *bottom) {
  PetscFunctionBeginUser;
  *bottom = 0;
  if (r->bottom_field < 0 || !OGR_F_IsFieldSetAndNotNull(feature, r->bottom_field)) PetscFunctionReturn(0);
  const char *text = OGR_F_GetFieldAsString(feature, r->bottom_field);
  if (!text[0]) PetscFunctionReturn(0);
  if (!wb_city_length_read(text, r->unit_m, bottom) || !(*bottom < top)) {
    WB_RAISE(WB_ERR_INPUT, "%s: feature %lld: %s is '%s'; allowed: a height in metres below its top, %g m",
             r->options->file, (long long)OGR_F_GetFID(feature),
             OGR_Fld_GetNameRef(OGR_F_GetFieldDefnRef(feature, r->bottom_field)), text, top);
  }
  PetscFunctionReturn(0);
}

/* The cells about a shape as a raster of its own, zeroed; nx = 0 outside. */
static PetscErrorCode cut_patch(const WbCity *city, const WbExtent *e, WbRaster *patch) {
  PetscFunctionBeginUser;
  const WbRaster r = wb_city_raster(city);
  const double i0 = fmax(0, floor((e->x0 - r.x0) / r.cell)), i1 = fmin(r.nx, ceil((e->x1 - r.x0) / r.cell));
  const double j0 = fmax(0, floor((e->y0 - r.y0) / r.cell)), j1 = fmin(r.ny, ceil((e->y1 - r.y0) / r.cell));
  memset(patch, 0, sizeof *patch);
  if (!(i1 > i0 && j1 > j0)) PetscFunctionReturn(0);
  *patch = (WbRaster){
      .nx = (int)(i1 - i0), .ny = (int)(j1 - j0), .x0 = r.x0 + i0 * r.cell, .y0 = r.y0 + j0 * r.cell, .cell = r.cell};
  PetscCall(WB_CALLOC((size_t)patch->nx * (size_t)patch->ny, &patch->height));
  PetscFunctionReturn(0);
}

/* Cell of the city under cell c of the patch. */
static size_t below(const WbCity *city, const WbRaster *patch, size_t c) {
  const size_t i = (size_t)lround(patch->x0 - city->x_min_m), j = (size_t)lround(patch->y0 - city->y_min_m);
  return (j + c / (size_t)patch->nx) * (size_t)city->nx + i + c % (size_t)patch->nx;
}

static PetscErrorCode keep_raised(WbVectorReader *r, OGRFeatureH feature, double bottom, double top) {
  PetscFunctionBeginUser;
  if (r->n_raised == r->room_raised) {
    WbRaised *more = NULL;
    const int room = 2 * r->room_raised + 64;
    PetscCall(WB_ALLOC(room, &more));
    if (r->n_raised > 0) memcpy(more, r->raised, (size_t)r->n_raised * sizeof *more);
    WB_FREE(&r->raised);
    r->raised = more;
    r->room_raised = room;
  }
  OGRFeatureH copy = OGR_F_Clone(feature);
  if (!copy)
    WB_RAISE(WB_ERR_INPUT, "%s: feature %lld cannot be kept", r->options->file, (long long)OGR_F_GetFID(feature));
  r->raised[r->n_raised++] = (WbRaised){copy, bottom, top};
  PetscFunctionReturn(0);
}

static PetscErrorCode cover(WbVectorReader *r, const WbRaster *patch) {
  PetscFunctionBeginUser;
  if (!r->covered) PetscCall(WB_CALLOC((size_t)r->city->nx * (size_t)r->city->ny, &r->covered));
  for (size_t c = 0; c < (size_t)patch->nx * (size_t)patch->ny; c++) {
    if (patch->height[c] > 0) r->covered[below(r->city, patch, c)] = 1;
  }
  PetscFunctionReturn(0);
}

/* An outline gives way to the parts that stand on it. */
static void merge_outline(WbVectorReader *r, const WbRaster *patch) {
  const size_t n = (size_t)patch->nx * (size_t)patch->ny;
  double cells = 0, under = 0;
  for (size_t c = 0; c < n; c++) {
    cells += patch->height[c] > 0;
    under += patch->height[c] > 0 && r->covered[below(r->city, patch, c)];
  }
  const bool touched = under > TOUCH * cells, all = under >= REPLACED * cells && cells > 0;
  r->n_replaced += touched;
  r->n_partly += touched && !all;
  for (size_t c = 0; c < n && !all; c++) {
    float *h = &r->city->height[below(r->city, patch, c)];
    if (touched && r->covered[below(r->city, patch, c)]) continue;
    if (*h < patch->height[c]) *h = patch->height[c];
  }
}

PetscErrorCode wb_city_parts_fill(WbVectorReader *r, OGRFeatureH feature, OGRGeometryH g, const WbShape *shape,
                                  double height, bool part) {
  PetscFunctionBeginUser;
  double bottom = 0;
  bool folded = false;
  PetscCall(bottom_of(r, feature, height, &bottom));
  const WbRaster all = wb_city_raster(r->city);
  if (bottom > 0) PetscCall(keep_raised(r, feature, bottom, height));
  if (bottom <= 0 && (part || !r->covered)) PetscCall(wb_city_shape_fill(g, &all, (float)height, &r->room, &folded));
  if (part || (bottom <= 0 && r->covered)) {
    WbRaster patch;
    PetscCall(cut_patch(r->city, &shape->e, &patch));
    if (patch.nx > 0) PetscCall(wb_city_shape_fill(g, &patch, (float)height, &r->room, &folded));
    if (patch.nx > 0 && part) PetscCall(cover(r, &patch));
    if (patch.nx > 0 && !part) merge_outline(r, &patch);
    WB_FREE(&patch.height);
  }
  r->city->n_repaired += folded;
  PetscFunctionReturn(0);
}

static int by_bottom(const void *a, const void *b) {
  const double p = ((const WbRaised *)a)->bottom_m, q = ((const WbRaised *)b)->bottom_m;
  return (p > q) - (p < q);
}

static PetscErrorCode raise_one(WbVectorReader *r, const WbRaised *one) {
  PetscFunctionBeginUser;
  WbShape shape;
  WbRaster patch;
  OGRGeometryH g = OGR_F_GetGeometryRef(one->feature), straight = NULL;
  if (OGR_G_HasCurveGeometry(g, true)) g = straight = OGR_G_GetLinearGeometry(g, 0, NULL);
  PetscErrorCode failed = wb_city_shape_look(g, &r->room, &shape);
  if (!failed) failed = cut_patch(r->city, &shape.e, &patch);
  if (!failed && patch.nx > 0) failed = wb_city_shape_fill(g, &patch, (float)one->top_m, &r->room, NULL);
  OGR_G_DestroyGeometry(straight);
  PetscCall(failed);
  const bool fill = r->options->overhang && strcmp(r->options->overhang, "ground") == 0;
  double hangs = 0;
  for (size_t c = 0; c < (size_t)patch.nx * (size_t)patch.ny; c++) {
    float *h = &r->city->height[below(r->city, &patch, c)];
    const bool borne = (double)*h >= one->bottom_m - SUPPORT_M;
    if (patch.height[c] > 0 && !borne) hangs += 1;
    if ((borne || fill) && *h < patch.height[c]) *h = patch.height[c];
  }
  WB_FREE(&patch.height);
  if (hangs * r->city->cell_m * r->city->cell_m > 1 && r->city->n_overhang++ == 0)
    snprintf(r->first_overhang, sizeof r->first_overhang, "feature %lld, %g m to %g m, over %.0f m2",
             (long long)OGR_F_GetFID(one->feature), one->bottom_m, one->top_m, hangs);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_city_parts_end(WbVectorReader *r) {
  PetscFunctionBeginUser;
  if (r->n_raised > 0) qsort(r->raised, (size_t)r->n_raised, sizeof *r->raised, by_bottom);
  for (int i = 0; i < r->n_raised; i++) PetscCall(raise_one(r, &r->raised[i]));
  const char *rule = r->options->overhang;
  if (r->city->n_overhang > 0 && (!rule || strcmp(rule, "refuse") == 0)) {
    WB_RAISE(WB_ERR_INPUT,
             "%s: %d features begin above open air (min_height; first: %s), and a city is heights above ground; set "
             "city_overhang to drop or to ground (filled down to it)",
             r->options->file, r->city->n_overhang, r->first_overhang);
  }
  if (r->city->n_overhang > 0)
    wb_log_warn("%s: %d features above open air %s (first: %s)", r->options->file, r->city->n_overhang,
                strcmp(rule, "drop") == 0 ? "left out there" : "filled down to the ground", r->first_overhang);
  if (r->n_replaced > 0) wb_log("city: %d outlines replaced by their parts (building:part)", r->n_replaced);
  if (r->n_partly > 0)
    wb_log_warn("%s: %d outlines are only partly covered by their parts; the rest keeps the outline's height",
                r->options->file, r->n_partly);
  PetscFunctionReturn(0);
}

void wb_city_parts_free(WbVectorReader *r) {
  for (int i = 0; i < r->n_raised; i++) OGR_F_Destroy(r->raised[i].feature);
  WB_FREE(&r->raised);
  WB_FREE(&r->covered);
}
