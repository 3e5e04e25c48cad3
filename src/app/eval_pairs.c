/* Scoring the model on pair files: the ensemble of every minute against the 5 m simulation. */
#include "evaluate.h"

typedef struct {
  float **members, *tmp, *regressed;
  WbProjected projected;
  WbNormalisation scales; /* of the regression, with this run's forcing */
  int m;
  bool antithetic;
  int file, n_files; /* for the progress line */
  double begin_s;
} Work;

static void report(const Work *w, int minutes, int of) {
  char eta[32];
  const double done = (w->file + (double)minutes / of) / w->n_files;
  wb_format_eta((wb_wtime() - w->begin_s) * (1.0 / done - 1.0), eta);
  wb_log_live("file %d of %d, minute %d of %d: %d members scored, %s left", w->file + 1, w->n_files, minutes, of, w->m,
              eta);
}

static PetscErrorCode score_run(const WbPairRun *run, WbSr sr, WbRegression reg, Work *w, WbScores *scores) {
  PetscFunctionBeginUser;
  for (int t = 0; t < run->n_time; t++) {
    PetscCall(wb_sr_condition_x0(sr, run->x0[t]));
    for (int m = 0; m < w->m; m++) PetscCall(wb_sr_member(sr, t, m, w->members[m]));
    if (reg) wb_regression_predict(reg, &w->scales, run->hr_grid, run->z, run->fluid, run->x0[t], w->tmp, w->regressed);
    PetscCall(wb_projected_make(&w->projected, run->x0[t]));
    const WbCase c = {.grid = run->hr_grid,
                      .z = run->z,
                      .fluid = run->fluid,
                      .lr_valid = run->lr_valid,
                      .truth = run->x1[t],
                      .x0 = run->x0[t],
                      .regressed = reg ? w->regressed : NULL,
                      .projected = w->projected.field,
                      .members = (const float *const *)w->members,
                      .m = w->m,
                      .antithetic = w->antithetic,
                      .symmetry = wb_sr_symmetry(sr)};
    PetscCall(wb_scores_add(scores, &c));
    report(w, t + 1, run->n_time);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode evaluate_file(WbApp *app, const WbFileList *files, int file, double begin_s, WbRegression reg,
                                    WbScores *scores) {
  PetscFunctionBeginUser;
  WbPairRun *run = NULL;
  WbSr sr = NULL;
  WbSrOptions options;
  Work w = {.file = file, .n_files = files->n, .begin_s = begin_s};
  const char *path = files->paths[file];
  char label[128];
  PetscCall(wb_app_sr_options(app, &options));
  PetscCall(wb_pair_read(app->comm, path, &run));
  PetscCall(wb_sr_create_pair(run, &options, &sr));
  if (reg) {
    w.scales = *wb_sr_normalisation(sr);
    PetscCall(wb_regression_scales(app, &w.scales));
  }
  const size_t n = wb_grid_owned(run->hr_grid);
  w.m = options.members;
  w.antithetic = options.antithetic && w.m % 2 == 0;
  PetscCall(wb_projected_create(run->hr_grid, run->fluid, &w.projected));
  PetscCall(WB_ALLOC(w.m, &w.members));
  for (int m = 0; m < w.m; m++) PetscCall(WB_ALLOC(4 * n, &w.members[m]));
  PetscCall(WB_ALLOC(4 * n, &w.tmp));
  PetscCall(WB_ALLOC(4 * n, &w.regressed));
  snprintf(label, sizeof label, "city %u, %g m/s from %g deg, %g K m/s (%s)", run->info.city_seed,
           run->info.wind_speed_m_per_s, run->info.wind_direction_deg, run->info.heat_flux, run->info.split);
  PetscCall(wb_scores_begin_run(scores, label));
  PetscCall(score_run(run, sr, reg, &w, scores));
  wb_log("%s: %s, %d minutes, %.2f s a shot", path, label, run->n_time, wb_sr_seconds_per_shot(sr));
  for (int m = 0; m < w.m; m++) WB_FREE(&w.members[m]);
  WB_FREE(&w.members);
  WB_FREE(&w.tmp);
  WB_FREE(&w.regressed);
  wb_projected_destroy(&w.projected);
  wb_sr_destroy(&sr);
  wb_pair_destroy(&run);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_evaluate_pairs(WbApp *app, const WbFileList *files, WbRegression reg, WbScores *scores) {
  PetscFunctionBeginUser;
  const double begin_s = wb_wtime();
  for (int f = 0; f < files->n; f++) PetscCall(evaluate_file(app, files, f, begin_s, reg, scores));
  PetscFunctionReturn(0);
}
