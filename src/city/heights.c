/* Heights of footprints: which field, in which unit, and what to do where there is none. */
#include <ctype.h>
#include <math.h>
#include <ogr_srs_api.h>
#include <stdlib.h>
#include <string.h>
#include "vector.h"

int wb_city_height_field(const WbCityOptions *o, OGRFeatureDefnH def) {
  static const char *const known[] = {"height_m",    "measuredHeight", "measured_height", "building_height",
                                      "bldg_height", "height",         "Height",          "HEIGHT",
                                      "roof_height", "bldg_h",         "measuredHe",      NULL};
  if (o->height_field) return OGR_FD_GetFieldIndex(def, o->height_field);
  int field = -1;
  for (int i = 0; known[i] && field < 0; i++) field = OGR_FD_GetFieldIndex(def, known[i]);
  return field;
}

static PetscErrorCode read_null_rule(WbVectorReader *r) {
  PetscFunctionBeginUser;
  const char *rule = r->options->null_height;
  r->null_value = -1;
  if (!rule || strcmp(rule, "refuse") == 0 || strcmp(rule, "drop") == 0) PetscFunctionReturn(0);
  char *end;
  r->null_value = strtod(rule, &end);
  if (end == rule || *end || !(r->null_value > 0 && r->null_value <= WB_CITY_HEIGHT_MAX)) {
    WB_RAISE(WB_ERR_CONFIG, "city_null_height: '%s'; allowed: refuse, drop, or a height from 0 to %g m", rule,
             WB_CITY_HEIGHT_MAX);
  }
  PetscFunctionReturn(0);
}

/* Unit that a field's name ends in: height_ft, "height [m]", HGT-CM; 0: none. */
static double unit_of_name(const char *name) {
  size_t at = strlen(name);
  while (at > 0 && !strchr("_ -([:.", name[at - 1])) at--;
  if (at == 0 || !name[at] || strcasecmp(name + at, "in") == 0) return 0;
  return wb_city_unit_m(name + at);
}

/* A field beside it that names the unit: measuredHeight_uom, height:unit, ... */
static int unit_field(OGRFeatureDefnH def, const char *name) {
  static const char *const ends[] = {"_uom", "_unit", "_units",           ":unit", ":units",
                                     ".uom", "@uom",  "_unit_of_measure", NULL};
  for (int i = 0; ends[i]; i++) {
    char whole[256];
    snprintf(whole, sizeof whole, "%.200s%s", name, ends[i]);
    const int field = OGR_FD_GetFieldIndex(def, whole);
    if (field >= 0) return field;
  }
  return -1;
}

static PetscErrorCode refuse_fields(WbVectorReader *r, OGRFeatureDefnH def) {
  PetscFunctionBeginUser;
  const char *wanted = r->options->height_field;
  char names[512] = "";
  for (int i = 0; i < OGR_FD_GetFieldCount(def); i++) {
    snprintf(names + strlen(names), sizeof names - strlen(names), " %s",
             OGR_Fld_GetNameRef(OGR_FD_GetFieldDefn(def, i)));
  }
  WB_RAISE(WB_ERR_INPUT,
           "%s: no height field%s%s; layer %s has:%s; set city_height_field to one of them, or city_null_height to one "
           "height in metres for all",
           r->options->file, wanted ? " " : "", wanted ? wanted : "", OGR_L_GetName(r->layer),
           names[0] ? names : " no fields");
}

PetscErrorCode wb_city_heights_begin(WbVectorReader *r) {
  PetscFunctionBeginUser;
  OGRFeatureDefnH def = OGR_L_GetLayerDefn(r->layer);
  PetscCall(read_null_rule(r));
  r->field = wb_city_height_field(r->options, def);
  r->unit_field = -1;
  r->unit_m = 1;
  r->name = "";
  if (r->field < 0) {
    if (r->options->height_field || r->null_value < 0) PetscCall(refuse_fields(r, def));
    wb_log_warn("%s: layer %s has no heights; every building is given city_null_height, %g m", r->options->file,
                OGR_L_GetName(r->layer), r->null_value);
    PetscFunctionReturn(0);
  }
  OGRFieldDefnH field = OGR_FD_GetFieldDefn(def, r->field);
  r->name = OGR_Fld_GetNameRef(field);
  const OGRFieldType type = OGR_Fld_GetType(field);
  if (type != OFTReal && type != OFTInteger && type != OFTInteger64 && type != OFTString)
    WB_RAISE(WB_ERR_INPUT, "%s: field %s holds %s, not heights", r->options->file, r->name, OGR_GetFieldTypeName(type));
  r->unit_field = unit_field(def, r->name);
  const double unit = unit_of_name(r->name);
  if (unit > 0) r->unit_m = unit;
  if (unit > 0 && unit != 1)
    wb_log("city: field %s is taken in the unit of its name and converted (%g m)", r->name, unit);
  PetscFunctionReturn(0);
}

bool wb_city_length_read(const char *text, double unit_m, double *metres) {
  char *end;
  double value = strtod(text, &end);
  if (end == text) return false;
  while (isspace((unsigned char)*end)) end++;
  if (*end == '\'' && end[1]) { /* feet and inches */
    char *rest;
    const double inches = strtod(end + 1, &rest);
    if (rest == end + 1 || !(inches >= 0 && inches < 12) || strcmp(rest, "\"") != 0) return false;
    *metres = 0.3048 * value + 0.0254 * inches;
    return true;
  }
  if (*end) unit_m = wb_city_unit_m(end);
  *metres = value * unit_m;
  return unit_m > 0;
}

/* Numbers that stand for an unknown height in files of the world; other negative ones are wrong. */
static bool stands_for_nothing(double h) {
  if (isnan(h) || h == 0 || h == -1 || h <= -999) return true;
  return h == -9 || h == -99;
}

static PetscErrorCode missing(WbVectorReader *r, long long id, const char *text, double *height) {
  PetscFunctionBeginUser;
  if (r->city->n_null++ == 0)
    snprintf(r->first_null, sizeof r->first_null, "feature %lld%s%.60s%s", id, *text ? ", '" : "", text,
             *text ? "'" : "");
  if (r->null_value > 0)
    *height = r->null_value;
  else
    r->city->n_dropped++;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_city_height_read(WbVectorReader *r, OGRFeatureH feature, double *height) {
  PetscFunctionBeginUser;
  const long long id = OGR_F_GetFID(feature);
  *height = 0;
  const bool set = r->field >= 0 && OGR_F_IsFieldSetAndNotNull(feature, r->field);
  const char *text = set ? OGR_F_GetFieldAsString(feature, r->field) : "";
  while (isspace((unsigned char)*text)) text++;
  double unit = r->unit_m, h = NAN;
  if (r->unit_field >= 0 && OGR_F_IsFieldSetAndNotNull(feature, r->unit_field)) {
    const char *name = OGR_F_GetFieldAsString(feature, r->unit_field);
    unit = wb_city_unit_m(name);
    if (unit == 0)
      WB_RAISE(WB_ERR_INPUT, "%s: feature %lld: %s is in '%s'; allowed: metres, feet, cm ...", r->options->file, id,
               r->name, name);
  }
  const bool is_text = set && OGR_Fld_GetType(OGR_F_GetFieldDefnRef(feature, r->field)) == OFTString;
  if (is_text && *text && !wb_city_length_read(text, unit, &h)) {
    PetscCall(missing(r, id, text, height));
    PetscFunctionReturn(0);
  }
  const double number = !set ? NAN : is_text ? h / unit : OGR_F_GetFieldAsDouble(feature, r->field);
  if (!*text || stands_for_nothing(number)) {
    PetscCall(missing(r, id, text, height));
    PetscFunctionReturn(0);
  }
  if (!is_text) h = number * unit;
  if (!(h >= 0 && h <= WB_CITY_HEIGHT_MAX)) {
    WB_RAISE(
        WB_ERR_INPUT,
        "%s: feature %lld: %s is %s; allowed: 0 to %g metres above ground (or a unit: 40 ft); leave the field empty "
        "where the height is unknown (city_null_height)",
        r->options->file, id, r->name, text, WB_CITY_HEIGHT_MAX);
  }
  *height = h;
  PetscFunctionReturn(0);
}

PetscErrorCode wb_city_heights_end(WbVectorReader *r) {
  PetscFunctionBeginUser;
  const char *rule = r->options->null_height;
  const int n = r->city->n_null;
  if (n == 0 || r->field < 0) PetscFunctionReturn(0);
  if (!rule || strcmp(rule, "refuse") == 0) {
    WB_RAISE(WB_ERR_INPUT,
             "%s: %d of %d features have no %s (first: %s; null, 0, -1, -9999 and text that is no height); set "
             "city_null_height to drop or to a height in metres",
             r->options->file, n, r->n_read, r->name, r->first_null);
  }
  if (r->null_value > 0)
    wb_log_warn("%s: %d of %d buildings without height took city_null_height, %g m (first: %s)", r->options->file, n,
                r->n_read, r->null_value, r->first_null);
  else
    wb_log_warn("%s: %d of %d buildings without height dropped (first: %s)", r->options->file, n, r->n_read,
                r->first_null);
  PetscFunctionReturn(0);
}
