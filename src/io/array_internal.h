/* What the sources that read arrays by their meaning share (dims.c, axis.c, times.c, array.c, array_check.c). All
 * functions are collective on the file's communicator; every rank sees the same and decides the same. */
#ifndef WINDBRIDGE_IO_ARRAY_INTERNAL_H
#define WINDBRIDGE_IO_ARRAY_INTERNAL_H
#include "io_internal.h"

enum { WB_IO_TEXT = 256 };

/* One dimension of a variable. */
typedef struct {
  char group[WB_IO_NAME], name[WB_IO_NAME]; /* of the dimension and, if has_coordinate, its coordinate variable */
  int size;
  bool has_coordinate;
} WbIoDimension;

/* What the attributes of a variable say of it; "" where they do not. */
typedef struct {
  int rank;
  char axis[16], standard_name[WB_IO_TEXT], positive[16], units[WB_IO_TEXT], long_name[WB_IO_TEXT], bounds[WB_IO_NAME],
      calendar[32], cell_methods[WB_IO_TEXT], climatology[WB_IO_NAME];
  WbIoDimension first; /* of a variable of rank 1 */
} WbIoMarks;

struct WbArray_s {
  WbNc nc; /* borrowed */
  char group[WB_IO_NAME], name[WB_IO_NAME];
  const WbQuantity *quantity;
  WbIoMarks marks;
  WbUnits units;
  int rank, size[WB_IO_MAX_RANK];
  WbIoDimension dim[WB_IO_MAX_RANK];
  int dim_of[WB_AXES]; /* -1: the array has no such axis */
  WbAxis axis[WB_AXES];
  WbTimes times;
  double least, most;                  /* of what was checked, this rank's part */
  double solid_missing, solid_numbers; /* cells of buildings, this rank's part */
};

/* ---- dims.c ---- */
PetscErrorCode wb_io_dimensions(WbNc nc, const char *group, const char *name, int *rank, WbIoDimension *dim);
PetscErrorCode wb_io_marks(WbNc nc, const char *group, const char *name, WbIoMarks *marks);
/* Names of the group's datasets of numbers; free with WB_FREE. */
PetscErrorCode wb_io_list(WbNc nc, const char *group, int *n, char (**names)[WB_IO_NAME]);

/* ---- axis.c ---- */
/* Finds out which axis each dimension of the array is and reads where its entries lie. WB_ERR_INPUT */
PetscErrorCode wb_io_find_axes(WbArray a);
void wb_io_free_axes(WbArray a);

/* ---- times.c ---- */
/* The variable as times: seconds since its epoch, bounds. group: where its bounds are looked for. WB_ERR_INPUT */
PetscErrorCode wb_io_read_times(WbNc nc, const char *group, const char *name, WbTimes *times);
#endif
