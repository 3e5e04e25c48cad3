/* Scores of an ensemble against a truth, voxel by voxel, as sums that can be pooled over cases and ranks. */
#include <math.h>
#include <string.h>
#include "windbridge/score.h"

/* Squared error of the mean, CRPS and variance of m values against y.
 * Fair CRPS (Ferro 2014, Q. J. R. Meteorol. Soc. 140): mean |x - y| - sum_{i<j} |x_i - x_j| / (M (M - 1)). */
static void score_point(int m, const float *const *members, size_t at, double y, WbScoreSums *s) {
  double mean = 0.0, distance = 0.0, pairs = 0.0, squares = 0.0;
  for (int i = 0; i < m; i++) {
    const double x = (double)members[i][at];
    mean += x;
    distance += fabs(x - y);
    for (int j = 0; j < i; j++) pairs += fabs(x - (double)members[j][at]);
  }
  mean /= m;
  for (int i = 0; i < m; i++) {
    const double d = (double)members[i][at] - mean;
    squares += d * d;
  }
  const double error = mean - y;
  s->n += 1.0;
  s->bias += error;
  s->se_mean += error * error;
  s->ae_mean += fabs(error);
  s->crps += distance / m - (m > 1 ? pairs / ((double)m * (m - 1)) : 0.0);
  s->var += m > 1 ? squares / (m - 1) : 0.0;
}

void wb_score_accumulate(size_t n, int m, const float *const *members, const float *truth, const uint8_t *subset,
                         WbScoreSums sums[4]) {
  for (size_t i = 0; i < n; i++) {
    if (!subset[i]) continue;
    for (size_t c = 0; c < 4; c++) score_point(m, members, 4 * i + c, (double)truth[4 * i + c], &sums[c]);
  }
}

PetscErrorCode wb_score_allreduce(MPI_Comm comm, WbScoreSums *sums, int count) {
  PetscFunctionBeginUser;
  const int each = (int)(sizeof(WbScoreSums) / sizeof(double));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, count * each, MPI_DOUBLE, MPI_SUM, comm));
  PetscFunctionReturn(0);
}

double wb_score_rmse(const WbScoreSums *s) {
  return sqrt(s->se_mean / s->n);
}

double wb_score_crps(const WbScoreSums *s) {
  return s->crps / s->n;
}

double wb_score_spread_skill(const WbScoreSums *s, int m) {
  return sqrt((m + 1.0) / m) * sqrt(s->var / s->n) / wb_score_rmse(s);
}
