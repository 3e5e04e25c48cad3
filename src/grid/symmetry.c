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

int wb_symmetry_of_wind(double direction_deg) {
  const double a = direction_deg * PETSC_PI / 180.0;
  int best = 0;
  double least = HUGE_VAL;
  for (int s = 0; s < 8; s++) {
    float u = (float)-sin(a), v = (float)-cos(a);
    wb_symmetry_vector(s, &u, &v);
    /* how far from the middle of 0 <= v <= u, which one of the eight reaches (two on its edges: the first) */
    const double distance = fabs(atan2((double)v, (double)u) - PETSC_PI / 8.0);
    if (distance < least - 1e-6) {
      least = distance;
      best = s;
    }
  }
  return best;
}
