/* Scores of an ensemble against a truth, voxel by voxel, as sums that can be pooled over cases and ranks. */
#include <math.h>
#include <string.h>
#include "windbridge/score.h"

/* Variance of a member and of the mean of all, without bias. Antithetic pairs: x = centre +- half difference, the
 * centres independent (Hammersley & Morton 1956). */
static void variances(int m, const float *const *members, size_t at, bool antithetic, double mean, double *member,
                      double *average) {
  const int group = antithetic ? 2 : 1, groups = m / group;
  double centres = 0.0, halves = 0.0;
  for (int i = 0; i < m; i += group) {
    const double a = (double)members[i][at], b = (double)members[i + group - 1][at], d = 0.5 * (a + b) - mean;
    centres += d * d;
    halves += 0.25 * (a - b) * (a - b);
  }
  const double between = groups > 1 ? centres / (groups - 1) : 0.0;
  *member = between + halves / groups;
  *average = between / groups;
}

/* Squared error of the mean, CRPS and variance of m values against y.
 * Fair CRPS (Ferro 2014, Q. J. R. Meteorol. Soc. 140): mean |x - y| - half the mean |x_i - x_j| of independent members.
 */
static void score_point(int m, const float *const *members, size_t at, double y, bool antithetic, WbScoreSums *s) {
  const int group = antithetic ? 2 : 1;
  double mean = 0.0, distance = 0.0, pairs = 0.0, var = 0.0, var_mean = 0.0;
  for (int i = 0; i < m; i++) {
    const double x = (double)members[i][at];
    mean += x;
    distance += fabs(x - y);
    for (int j = 0; j < i - i % group; j++) pairs += fabs(x - (double)members[j][at]);
  }
  mean /= m;
  variances(m, members, at, antithetic, mean, &var, &var_mean);
  const double error = mean - y;
  s->n += 1.0;
  s->bias += error;
  s->se_mean += error * error;
  s->ae_mean += fabs(error);
  s->crps += distance / m - (m > group ? pairs / ((double)m * (m - group)) : 0.0);
  s->var += var;
  s->expected += var + var_mean;
}

void wb_score_accumulate(size_t n, int m, const float *const *members, const float *truth, const uint8_t *subset,
                         bool antithetic, WbScoreSums sums[4]) {
  for (size_t i = 0; i < n; i++) {
    if (!subset[i]) continue;
    for (size_t c = 0; c < 4; c++) score_point(m, members, 4 * i + c, (double)truth[4 * i + c], antithetic, &sums[c]);
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

double wb_score_spread_skill(const WbScoreSums *s) {
  return sqrt(s->expected / s->n) / wb_score_rmse(s);
}
