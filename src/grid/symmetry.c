/* The eight horizontal symmetries of the square: number s = rotation by 90 degrees (s & 3) times, (x, y) -> (-y, x),
 * then, with s & 4, reflection x -> -x. */
#include "windbridge/grid.h"

#include <math.h>

size_t wb_symmetry_image(int s, int n, int j, int i) {
  for (int turn = 0; turn < (s & 3); turn++) {
    const int old = i;
    i = n - 1 - j;
    j = old;
  }
  if (s & 4) i = n - 1 - i;
  return (size_t)j * (size_t)n + (size_t)i;
}

void wb_symmetry_vector(int s, float *u, float *v) {
  for (int turn = 0; turn < (s & 3); turn++) {
    const float old = *u;
    *u = -*v;
    *v = old;
  }
  if (s & 4) *u = -*u;
}

int wb_symmetry_inverse(int s) {
  return s & 4 ? s : (4 - s) & 3; /* reflections undo themselves */
}

int wb_symmetries_of_wind(double direction_deg, int s[2]) {
  const double a = direction_deg * PETSC_PI / 180.0, edge = 1e-6;
  double distance[8], least = HUGE_VAL;
  int n = 0;
  for (int q = 0; q < 8; q++) {
    float u = (float)-sin(a), v = (float)-cos(a);
    wb_symmetry_vector(q, &u, &v);
    /* how far from the middle of 0 <= v <= u, which one of the eight reaches, or two on its edges */
    distance[q] = fabs(atan2((double)v, (double)u) - PETSC_PI / 8.0);
    least = fmin(least, distance[q]);
  }
  for (int q = 0; q < 8 && n < 2; q++) {
    if (distance[q] < least + edge) s[n++] = q;
  }
  return n;
}

int wb_symmetry_of_wind(double direction_deg) {
  int s[2] = {0, 0};
  (void)wb_symmetries_of_wind(direction_deg, s);
  return s[0];
}
