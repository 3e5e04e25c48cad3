/* Units of length by their names. */
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include "city_internal.h"

#define US_FOOT (1200.0 / 3937.0)

double wb_city_unit_m(const char *text) {
  static const struct {
    const char *name;
    double metres;
  } known[] = {{"", 1},
               {"m", 1},
               {"metre", 1},
               {"metres", 1},
               {"meter", 1},
               {"meters", 1},
               {"9001", 1},
               {"km", 1000},
               {"kilometre", 1000},
               {"kilometres", 1000},
               {"kilometer", 1000},
               {"kilometers", 1000},
               {"9036", 1000},
               {"dm", 0.1},
               {"decimetre", 0.1},
               {"decimeter", 0.1},
               {"decimetres", 0.1},
               {"decimeters", 0.1},
               {"cm", 0.01},
               {"centimetre", 0.01},
               {"centimeter", 0.01},
               {"centimetres", 0.01},
               {"centimeters", 0.01},
               {"mm", 0.001},
               {"millimetre", 0.001},
               {"millimeter", 0.001},
               {"millimetres", 0.001},
               {"millimeters", 0.001},
               {"ft", 0.3048},
               {"'", 0.3048},
               {"foot", 0.3048},
               {"feet", 0.3048},
               {"international_feet", 0.3048},
               {"international foot", 0.3048},
               {"9002", 0.3048},
               {"us survey foot", US_FOOT},
               {"us_survey_foot", US_FOOT},
               {"us_survey_feet", US_FOOT},
               {"us-ft", US_FOOT},
               {"ftus", US_FOOT},
               {"foot_us", US_FOOT},
               {"9003", US_FOOT},
               {"yd", 0.9144},
               {"yard", 0.9144},
               {"yards", 0.9144},
               {"\"", 0.0254},
               {"in", 0.0254},
               {"inch", 0.0254},
               {"inches", 0.0254}};
  if (!text) return 1;
  /* urn:ogc:def:uom:EPSG::9001, http://.../uom#m: what counts comes last */
  const char *urn = strncasecmp(text, "urn:", 4) == 0 ? strrchr(text, ':') : NULL;
  const char *hash = strrchr(text, '#'), *slash = strncasecmp(text, "http", 4) == 0 ? strrchr(text, '/') : NULL;
  if (hash)
    text = hash + 1;
  else if (urn || slash)
    text = (urn ? urn : slash) + 1;
  while (isspace((unsigned char)*text) || *text == '[' || *text == '(') text++;
  size_t n = strlen(text);
  while (n > 0 && (isspace((unsigned char)text[n - 1]) || strchr("]).", text[n - 1]))) n--;
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (strlen(known[i].name) == n && strncasecmp(known[i].name, text, n) == 0) return known[i].metres;
  }
  return 0;
}
