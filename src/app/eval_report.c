/* Scores as JSON and as a table. */
#include "evaluate.h"

#include <math.h>

static const char *const method_names[WB_METHODS] = {"bridge", "interpolation", "regression", "projected"};
static const char *const subset_names[WB_SUBSET_COUNT] = {"all", "below_roof", "blocked"};
static const char *const variable_names[4] = {"T", "u", "v", "w"}; /* differences of T and theta agree within 2 % */

static cJSON *one_score(const WbScoreSums *s, int members) {
  cJSON *o = cJSON_CreateObject();
  cJSON_AddNumberToObject(o, "n", s->n);
  cJSON_AddNumberToObject(o, "rmse", wb_score_rmse(s));
  cJSON_AddNumberToObject(o, "mae", s->n > 0 ? s->ae_mean / s->n : NAN);
  cJSON_AddNumberToObject(o, "bias", s->n > 0 ? s->bias / s->n : NAN);
  cJSON_AddNumberToObject(o, "crps", wb_score_crps(s));
  if (members > 1) cJSON_AddNumberToObject(o, "spread_skill", wb_score_spread_skill(s));
  return o;
}

static cJSON *table_json(const WbScores *s, const WbScoreTable *t) {
  cJSON *root = cJSON_CreateObject();
  for (int k = 0; k < WB_SUBSET_COUNT; k++) {
    cJSON *subset = cJSON_AddObjectToObject(root, subset_names[k]);
    for (int v = 0; v < 4; v++) {
      cJSON *variable = cJSON_AddObjectToObject(subset, variable_names[v]);
      for (int m = 0; m < WB_METHODS; m++)
        if (m != WB_METHOD_REGRESSION || s->has_regression)
          cJSON_AddItemToObject(variable, method_names[m],
                                one_score(&t->sums[m][k][v], m == WB_METHOD_BRIDGE ? s->members : 1));
    }
  }
  return root;
}

/* 95 % interval of the relative reduction of RMSE against a baseline, resampling whole runs (city x forcing), since the
 * minutes of one run are not independent. Returns the point estimate. */
static double rmse_reduction(const WbScores *s, int baseline, int subset, int v, int resamples, uint32_t seed,
                             double *lo, double *hi) {
  double *a = malloc((size_t)s->n_runs * sizeof *a);
  double pooled[2] = {0, 0};
  for (int r = 0; r < s->n_runs; r++) {
    const WbScoreSums *bridge = &s->runs[r].table.sums[WB_METHOD_BRIDGE][subset][v];
    const WbScoreSums *other = &s->runs[r].table.sums[baseline][subset][v];
    pooled[0] += bridge->se_mean;
    pooled[1] += other->se_mean;
    a[r] = 1.0 - wb_score_rmse(bridge) / wb_score_rmse(other);
  }
  wb_bootstrap_mean(a, s->n_runs, resamples, seed, lo, hi);
  free(a);
  return 1.0 - sqrt(pooled[0] / pooled[1]);
}

static cJSON *reductions_json(const WbScores *s, int resamples, uint32_t seed) {
  cJSON *root = cJSON_CreateObject();
  for (int b = WB_METHOD_INTERPOLATION; b < WB_METHODS; b++) {
    if (b == WB_METHOD_REGRESSION && !s->has_regression) continue;
    cJSON *baseline = cJSON_AddObjectToObject(root, method_names[b]);
    for (int k = 0; k < WB_SUBSET_COUNT; k++) {
      cJSON *subset = cJSON_AddObjectToObject(baseline, subset_names[k]);
      for (int v = 0; v < 4; v++) {
        double lo = 0, hi = 0;
        cJSON *o = cJSON_AddObjectToObject(subset, variable_names[v]);
        cJSON_AddNumberToObject(o, "rmse_reduction", rmse_reduction(s, b, k, v, resamples, seed, &lo, &hi));
        cJSON_AddNumberToObject(o, "low95", lo);
        cJSON_AddNumberToObject(o, "high95", hi);
      }
    }
  }
  return root;
}

static cJSON *spectra_json(const WbScores *s) {
  static const char *const kinds[3] = {"truth", "member", "interpolation"};
  cJSON *root = cJSON_CreateObject();
  double waves[WB_MAX_WAVES], values[WB_MAX_WAVES];
  for (int w = 0; w < s->n_waves; w++) waves[w] = s->domain_m / (w + 1);
  cJSON_AddItemToObject(root, "wavelength_m", cJSON_CreateDoubleArray(waves, s->n_waves));
  cJSON *levels = cJSON_AddArrayToObject(root, "levels");
  for (int l = 0; l < WB_SPECTRUM_LEVELS; l++) {
    cJSON *level = cJSON_CreateObject();
    cJSON_AddItemToArray(levels, level);
    cJSON_AddNumberToObject(level, "z_m", s->level_m[l]);
    for (int v = 0; v < 4; v++) {
      cJSON *variable = cJSON_AddObjectToObject(level, variable_names[v]);
      for (int f = 0; f < 3; f++) {
        for (int w = 0; w < s->n_waves; w++) values[w] = s->spectra[f][l][v][w] / s->n_cases;
        cJSON_AddItemToObject(variable, kinds[f], cJSON_CreateDoubleArray(values, s->n_waves));
      }
    }
  }
  return root;
}

cJSON *wb_scores_json(const WbScores *s, int resamples, uint32_t seed) {
  static const char *const divergences[2 + WB_METHODS] = {"truth",         "member",     "bridge_mean",
                                                          "interpolation", "regression", "projected"};
  cJSON *root = cJSON_CreateObject();
  cJSON_AddStringToObject(root, "version", wb_version());
  cJSON_AddNumberToObject(root, "members", s->members);
  cJSON_AddNumberToObject(root, "minutes", s->n_cases);
  cJSON_AddItemToObject(root, "pooled", table_json(s, &s->pooled));
  cJSON_AddItemToObject(root, "rmse_reduction", reductions_json(s, resamples, seed));
  cJSON *divergence = cJSON_AddObjectToObject(root, "mean_abs_divergence_per_s");
  for (int f = 0; f < 2 + WB_METHODS; f++)
    if (f != 2 + WB_METHOD_REGRESSION || s->has_regression) /* truth and a member come before the methods */
      cJSON_AddNumberToObject(divergence, divergences[f], s->divergence[f] / s->n_cases);
  cJSON *cases = cJSON_AddArrayToObject(root, "cases");
  for (int r = 0; r < s->n_runs; r++) {
    cJSON *run = cJSON_CreateObject();
    cJSON_AddItemToArray(cases, run);
    cJSON_AddStringToObject(run, "label", s->runs[r].label);
    cJSON_AddItemToObject(run, "scores", table_json(s, &s->runs[r].table));
  }
  cJSON_AddItemToObject(root, "spectra", spectra_json(s));
  return root;
}

void wb_scores_print(const WbScores *s, int resamples, uint32_t seed) {
  wb_log("%d runs, %d minutes, %d members; RMSE of the ensemble mean [K, m/s]", s->n_runs, s->n_cases, s->members);
  wb_log("%-11s %-3s %9s %9s %9s %9s  %-26s %-26s %7s %7s", "cells", "", "bridge", "interp.", "regress.", "project.",
         "less than interpolation", "less than regression", "CRPS", "spread/");
  for (int k = 0; k < WB_SUBSET_COUNT; k++)
    for (int v = 0; v < 4; v++) {
      const WbScoreSums *b = &s->pooled.sums[WB_METHOD_BRIDGE][k][v];
      char text[2][64] = {"-", "-"};
      for (int m = 1; m <= (s->has_regression ? 2 : 1); m++) {
        double lo = 0, hi = 0;
        const double r = rmse_reduction(s, m, k, v, resamples, seed, &lo, &hi);
        snprintf(text[m - 1], sizeof text[0], "%5.1f %% [%.1f, %.1f]", 100 * r, 100 * lo, 100 * hi);
      }
      wb_log("%-11s %-3s %9.4f %9.4f %9.4f %9.4f  %-26s %-26s %7.4f %7.2f", subset_names[k], variable_names[v],
             wb_score_rmse(b), wb_score_rmse(&s->pooled.sums[WB_METHOD_INTERPOLATION][k][v]),
             s->has_regression ? wb_score_rmse(&s->pooled.sums[WB_METHOD_REGRESSION][k][v]) : NAN,
             wb_score_rmse(&s->pooled.sums[WB_METHOD_PROJECTED][k][v]), text[0], text[1], wb_score_crps(b),
             s->members > 1 ? wb_score_spread_skill(b) : NAN);
    }
}
