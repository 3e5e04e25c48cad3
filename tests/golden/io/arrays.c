/* What the program understands of arrays, for meaning.py: for each FILE:GROUP:QUANTITY:AXES one line of JSON, either
 * the axes, times and values (time, z, y, x) or the refusal. test_golden_io_arrays FILE:GROUP:QUANTITY:AXES ... */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "windbridge/io.h"

static void print_numbers(const char *name, size_t n, const double *d, const float *f) {
  printf("\"%s\": [", name);
  for (size_t i = 0; i < n; i++) {
    const double v = d ? d[i] : (double)f[i];
    if (isnan(v))
      printf("%snull", i ? ", " : "");
    else
      printf("%s%.17g", i ? ", " : "", v);
  }
  printf("]");
}

/* Each rank reads its rows (y) and the first rank prints what all have read. */
static PetscErrorCode read_rows(const WbArray a, int count[4], float **values) {
  int rank = 0, size = 1, start[4] = {0, 0, 0, 0};
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  for (int k = 0; k < WB_AXES; k++) count[k] = wb_array_axis(a, (WbAxisKind)k)->n;
  const int ny = count[2], first = ny * rank / size, rows = ny * (rank + 1) / size - first;
  const size_t nx = (size_t)count[3], levels = (size_t)count[0] * (size_t)count[1], n = levels * (size_t)ny * nx;
  float *mine = NULL;
  PetscCall(WB_CALLOC(n, values));
  PetscCall(WB_CALLOC(n, &mine));
  start[2] = first;
  const int block[4] = {count[0], count[1], rows, count[3]};
  PetscErrorCode ierr = wb_array_read(a, start, block, mine);
  if (!ierr) ierr = wb_array_check(a, start, block, mine, NULL);
  for (size_t l = 0; l < levels && !ierr; l++)
    memcpy(*values + (l * (size_t)ny + (size_t)first) * nx, mine + l * (size_t)rows * nx,
           (size_t)rows * nx * sizeof *mine);
  WB_FREE(&mine);
  PetscCall(ierr);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, *values, (int)n, MPI_FLOAT, MPI_SUM, PETSC_COMM_WORLD));
  PetscFunctionReturn(0);
}

static PetscErrorCode read_mask(const WbArray a, int count[4], float **values) {
  const int start[4] = {0, 0, 0, 0};
  uint8_t *mask = NULL;
  PetscFunctionBeginUser;
  size_t n = 1;
  for (int k = 0; k < WB_AXES; k++) n *= (size_t)(count[k] = wb_array_axis(a, (WbAxisKind)k)->n);
  PetscCall(WB_CALLOC(n, values));
  PetscCall(WB_CALLOC(n, &mask));
  const PetscErrorCode ierr = wb_array_read_mask(a, start, count, mask);
  for (size_t i = 0; i < n; i++) (*values)[i] = mask[i];
  WB_FREE(&mask);
  PetscFunctionReturn(ierr);
}

static void print_array(const WbArray a, const int count[4], const float *values) {
  static const char *const names[] = {"time", "z", "y", "x"};
  const WbTimes *t = wb_array_times(a);
  const size_t n = (size_t)t->n;
  for (int k = 0; k < WB_AXES; k++) {
    const WbAxis *axis = wb_array_axis(a, (WbAxisKind)k);
    print_numbers(names[k], axis->at ? (size_t)axis->n : 0, axis->at, NULL);
    printf(", ");
  }
  print_numbers("from", t->from ? n : 0, t->from, NULL);
  printf(", \"epoch\": \"%s\", \"calendar\": \"%s\", \"method\": \"%s\", \"name\": \"%s\", ", t->epoch, t->calendar,
         t->method, wb_array_name(a));
  print_numbers("values", (size_t)count[0] * (size_t)count[1] * (size_t)count[2] * (size_t)count[3], NULL, values);
}

static PetscErrorCode understand(char *argument, bool loud) {
  WbNc nc = NULL;
  WbArray a = NULL;
  float *values = NULL;
  int count[4];
  char *save = NULL;
  PetscFunctionBeginUser;
  const char *path = strtok_r(argument, ":", &save), *group = strtok_r(NULL, ":", &save);
  const char *quantity = strtok_r(NULL, ":", &save), *axes = strtok_r(NULL, ":", &save);
  PetscCall(wb_nc_open(PETSC_COMM_WORLD, path, &nc));
  PetscErrorCode ierr = wb_array_open(nc, group, quantity, true, &a);
  if (!ierr) ierr = wb_array_need(a, axes);
  const bool mask = wb_quantity(quantity)->mask;
  if (!ierr) ierr = mask ? read_mask(a, count, &values) : read_rows(a, count, &values);
  if (!ierr && loud) print_array(a, count, values);
  WB_FREE(&values);
  wb_array_close(&a);
  PetscCall(wb_nc_close(&nc));
  PetscFunctionReturn(ierr);
}

int main(int argc, char **argv) {
  int rank = 0;
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  wb_error_install();
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  for (int i = 1; i < argc; i++) {
    if (rank == 0) printf("{");
    const PetscErrorCode ierr = understand(argv[i], rank == 0);
    if (rank == 0 && ierr) printf("\"error\": %d, \"message\": \"%s\"", wb_error_exit_code(ierr), wb_error_message());
    if (rank == 0) printf("}\n");
    wb_error_clear();
  }
  return PetscFinalize() != 0;
}
