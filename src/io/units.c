/* Units of measurement by UDUNITS-2. Equal texts need no library, so that our own files are read without its database.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ctype.h>
#include <udunits2.h>
#include "io_internal.h"

/* UDUNITS2_XML_PATH or the library's own place first; then where distributions keep the database, for a variable that
 * points nowhere or a library that was moved. */
static ut_system *open_database(void) {
  static const char *const places[] = {NULL, "/usr/share/xml/udunits/udunits2.xml", "/usr/share/udunits/udunits2.xml",
                                       "/usr/local/share/udunits/udunits2.xml"};
  ut_system *system = NULL;
  ut_set_error_message_handler(ut_ignore);
  for (size_t i = 0; i < sizeof places / sizeof places[0] && !system; i++) system = ut_read_xml(places[i]);
  return system;
}

static ut_unit *parse(const ut_system *system, const char *text) {
  static const ut_encoding encodings[] = {UT_UTF8, UT_LATIN1, UT_ASCII};
  ut_unit *unit = NULL;
  for (size_t i = 0; i < 3 && !unit; i++) unit = ut_parse(system, text, encodings[i]);
  return unit;
}

/* value -> slope value + offset; false when the relation is not of this kind (logarithms, reciprocals). */
static bool linear(const cv_converter *converter, WbUnits *units) {
  const double at0 = cv_convert_double(converter, 0.0), at1 = cv_convert_double(converter, 1.0),
               at100 = cv_convert_double(converter, 100.0);
  if (!isfinite(at0) || !isfinite(at1) || !isfinite(at100)) return false;
  units->offset = at0;
  units->slope = at0 == 0.0 ? at1 : (at100 - at0) / 100.0;
  return units->slope > 0.0 && fabs(at0 + units->slope - at1) <= 1e-9 * (fabs(at0) + fabs(at1));
}

static void relate(const ut_system *system, const char *from, const char *to, WbUnits *units) {
  ut_unit *a = parse(system, from), *b = parse(system, to);
  units->relation = !a ? WB_UNITS_UNKNOWN : WB_UNITS_OTHER;
  if (a && b && ut_are_convertible(a, b)) {
    cv_converter *converter = ut_get_converter(a, b);
    if (converter && linear(converter, units)) units->relation = WB_UNITS_CONVERT;
    cv_free(converter);
  }
  ut_free(a);
  ut_free(b);
}

PetscErrorCode wb_units_relate(MPI_Comm comm, const char *from, const char *to, WbUnits *units) {
  static ut_system *system = NULL; /* of rank 0, for the program's life */
  char text[256];
  int rank = 0;
  PetscFunctionBeginUser;
  *units = (WbUnits){.relation = WB_UNITS_SAME, .slope = 1.0, .offset = 0.0};
  while (isspace((unsigned char)*from)) from++;
  snprintf(text, sizeof text, "%s", from);
  for (size_t n = strlen(text); n > 0 && isspace((unsigned char)text[n - 1]); n--) text[n - 1] = '\0';
  if (strcmp(text, to) == 0) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) {
    if (!system) system = open_database();
    units->relation = WB_UNITS_NO_DATABASE;
    if (system) relate(system, text, to, units);
    if (units->relation == WB_UNITS_CONVERT && units->slope == 1.0 && units->offset == 0.0)
      units->relation = WB_UNITS_SAME;
  }
  int relation = (int)units->relation;
  double numbers[2] = {units->slope, units->offset};
  PetscCallMPI(MPI_Bcast(&relation, 1, MPI_INT, 0, comm));
  PetscCallMPI(MPI_Bcast(numbers, 2, MPI_DOUBLE, 0, comm));
  units->relation = (WbUnitsRelation)relation;
  units->slope = numbers[0], units->offset = numbers[1];
  PetscFunctionReturn(0);
}

const char *wb_units_reason(WbUnitsRelation relation) {
  switch (relation) {
    case WB_UNITS_UNKNOWN:
      return "is no unit that UDUNITS-2 knows";
    case WB_UNITS_OTHER:
      return "measures something else";
    case WB_UNITS_NO_DATABASE:
      return "cannot be converted: UDUNITS-2 has no database here (set UDUNITS2_XML_PATH to its udunits2.xml)";
    case WB_UNITS_SAME:
    case WB_UNITS_CONVERT:
      break;
  }
  return "is understood";
}
