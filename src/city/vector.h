/* Shared by the files that read footprints: shapes, heights, building parts, layers. */
#ifndef WB_CITY_VECTOR_H
#define WB_CITY_VECTOR_H
#include <gdal.h>
#include <ogr_api.h>
#include "city_internal.h"

typedef enum {
  WB_SHAPE_GOOD,
  WB_SHAPE_BROKEN, /* no geometry, coordinates that are no numbers, nothing left of it */
  WB_SHAPE_OTHER,  /* points and lines */
  WB_SHAPE_WALL    /* upright in space: no area */
} WbShapeKind;

typedef struct {
  WbShapeKind kind;
  const char *why;    /* broken: why */
  WbExtent e;         /* of its faces, when good */
  double largest;     /* side of its largest face */
  int n_faces, n_bad; /* faces with an area; faces that are broken */
} WbShape;

/* Room for the vertices of one face. Zeroed at first; freed by wb_city_shape_free. */
typedef struct {
  double *x, *y;
  int *start;
  size_t points, rings;
  WbFillWork work;
} WbShapeRoom;

/* Local. What a geometry is: polygons, surfaces and collections of them, whatever the nesting. NULL is broken. */
PetscErrorCode wb_city_shape_look(OGRGeometryH g, WbShapeRoom *room, WbShape *shape);
/* Local. Raise the raster to h wherever a face of the geometry lies: face by face, so that they unite. folded (or
 * NULL): set when an outline crosses or overlaps itself. */
PetscErrorCode wb_city_shape_fill(OGRGeometryH g, const WbRaster *raster, float h, WbShapeRoom *room, bool *folded);
void wb_city_shape_free(WbShapeRoom *room);

/* A feature above others, kept until these stand. */
typedef struct {
  OGRFeatureH feature; /* owned */
  double bottom_m, top_m;
} WbRaised;

typedef struct {
  const WbCityOptions *options;
  WbCity *city;
  WbGdalMessage *message;
  OGRLayerH layer;
  int field, unit_field, part_field, bottom_field; /* indices of fields; -1: none */
  const char *name;                                /* of the height field; "" without one */
  double unit_m;                                   /* of its numbers */
  double null_value;                               /* height for missing ones; < 0: refuse or drop */
  char first_null[128], first_broken[300], first_wall[64], first_overhang[64];
  int n_read, n_other;
  WbPlace place;
  WbShapeRoom room;
  uint8_t *covered; /* (ny, nx) 1 under building parts; NULL without them */
  WbRaised *raised;
  int n_raised, room_raised, n_replaced, n_partly;
} WbVectorReader;

/* Local. The layer called city_layer, or the only one with footprints that have heights. */
PetscErrorCode wb_city_layer_find(const WbCityOptions *o, GDALDatasetH dataset, OGRLayerH *layer);
int wb_city_height_field(const WbCityOptions *o, OGRFeatureDefnH def); /* index or -1 */

/* Local. Height field, its unit, and the rule for missing heights. */
PetscErrorCode wb_city_heights_begin(WbVectorReader *r);
/* *height [m] of a feature; 0: leave it out (missing, counted). */
PetscErrorCode wb_city_height_read(WbVectorReader *r, OGRFeatureH feature, double *height);
PetscErrorCode wb_city_heights_end(WbVectorReader *r);
/* Number and unit of `text` in metres ("12", "12.5 m", "40 ft", "40'6\""); false: it is none. unit_m: without a unit.
 */
bool wb_city_length_read(const char *text, double unit_m, double *metres);

/* Local. Footprints in the scheme of OpenStreetMap: parts replace their outline, and what begins above ground
 * (min_height) must stand on something. */
void wb_city_parts_begin(WbVectorReader *r);
bool wb_city_is_part(const WbVectorReader *r, OGRFeatureH feature);
/* Fill one feature of known height; part: it is a building part. */
PetscErrorCode wb_city_parts_fill(WbVectorReader *r, OGRFeatureH feature, OGRGeometryH g, const WbShape *shape,
                                  double height, bool part);
PetscErrorCode wb_city_parts_end(WbVectorReader *r); /* those above others */
void wb_city_parts_free(WbVectorReader *r);
#endif
