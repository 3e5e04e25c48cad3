/* Inside of evaluate: one case (a minute of one city and forcing), the scores summed over cases, their JSON. */
#ifndef WB_APP_EVALUATE_H
#define WB_APP_EVALUATE_H
#include "results.h"
#include "windbridge/projection.h"
#include "windbridge/score.h"

enum { WB_METHOD_BRIDGE, WB_METHOD_INTERPOLATION, WB_METHOD_REGRESSION, WB_METHOD_PROJECTED, WB_METHODS };
enum { WB_SPECTRUM_LEVELS = 3, WB_MAX_WAVES = 512 };

/* One minute on the 5 m grid; everything borrowed, physical units, owned cells (nz, nyl, nxl[, 4]). */
typedef struct {
  const WbGrid *grid;
  const double *z;
  const uint8_t *fluid, *lr_valid;
  const float *truth, *x0, *regressed; /* regressed NULL: no regression baseline */
  const float *projected;              /* x0 without divergence and passage through walls */
  const float *const *members;
  int m;
  bool antithetic;   /* members 2k, 2k + 1 are pairs */
  int symmetry;      /* that brings the window into the model's frame (wb_sr_symmetry) */
  const char *label; /* "city 101, 5 m/s from 200 deg" */
} WbCase;

typedef struct {
  WbScoreSums sums[WB_METHODS][WB_SUBSET_COUNT][4];
} WbScoreTable;

typedef struct {
  char label[128];
  WbScoreTable table;
} WbRunScores; /* one city and forcing */

typedef struct {
  int members, n_runs, capacity, n_cases;
  bool has_regression;
  WbScoreTable pooled;
  WbScoreSums in_frame[WB_CHANNELS]; /* of the bridge, all air cells; u and v in the model's frame */
  WbRunScores *runs;
  double divergence[2 + WB_METHODS]; /* sums over cases: truth, one member, then the methods */
  /* spectra summed over cases, [truth, member, interpolation][level][variable][wave] */
  double spectra[3][WB_SPECTRUM_LEVELS][4][WB_MAX_WAVES];
  int n_waves;
  double dx_m, domain_m, level_m[WB_SPECTRUM_LEVELS];
} WbScores;

PetscErrorCode wb_scores_create(int members, WbScores **scores);
void wb_scores_destroy(WbScores **scores);
PetscErrorCode wb_scores_begin_run(WbScores *s, const char *label);
PetscErrorCode wb_scores_add(WbScores *s, const WbCase *c); /* collective on c->grid->comm */
/* JSON (scores.json) and the printed table. */
cJSON *wb_scores_json(const WbScores *s, int resamples, uint32_t seed);
void wb_scores_print(const WbScores *s, int resamples, uint32_t seed);

/* The deck's model's scales: the units in which the regression's coefficients are kept. Sets only scale and
 * scale_by_wind. Collective. */
PetscErrorCode wb_regression_scales(WbApp *app, WbNormalisation *scales);
/* Per-level affine regression in the frame in which the wind comes from one octant (0 <= v <= u), whatever the model
 * knows: fitted on pair files, or from and to a JSON file. Collective. */
PetscErrorCode wb_regression_fit_files(WbApp *app, const WbFileList *files, const WbNormalisation *scales, int nz,
                                       WbRegression reg);
PetscErrorCode wb_regression_read_json(WbApp *app, const char *path, int nz, WbRegression reg);
PetscErrorCode wb_regression_write_json(WbApp *app, const char *path, int nz, WbRegression reg);
/* out (n, 4) physical <- regression of physical x0; norm: wb_regression_scales with this forcing. tmp (n, 4). */
void wb_regression_predict(WbRegression reg, const WbNormalisation *norm, const WbGrid *grid, const double *z,
                           const uint8_t *fluid, const float *x0, float *tmp, float *out);

/* Writes the deck's model to path with its spread divided by the spread/skill ratio of all air cells, channel by
 * channel of its frame. Collective. WB_ERR_CONFIG: fewer than 2 members. */
PetscErrorCode wb_evaluate_calibrate(WbApp *app, const WbScores *scores, const char *path);

/* The projected interpolation, a baseline without learning (wb_solenoidal_source). */
typedef struct {
  WbSolenoidal solenoidal;
  const WbGrid *grid; /* borrowed */
  float *field;       /* (nz, nyl, nxl, 4), of the last x0 */
} WbProjected;
/* Collective. fluid (nz, nyl, nxl) in; x0 physical in. Errors: memory; WB_ERR_NUMERIC. */
PetscErrorCode wb_projected_create(const WbGrid *grid, const uint8_t *fluid, WbProjected *projected);
PetscErrorCode wb_projected_make(WbProjected *projected, const float *x0);
void wb_projected_destroy(WbProjected *projected);

/* Sources of cases. Collective. */
PetscErrorCode wb_evaluate_pairs(WbApp *app, const WbFileList *files, WbRegression reg, WbScores *scores);
PetscErrorCode wb_evaluate_forecast(WbApp *app, const char *forecast, const char *truth, WbRegression reg,
                                    WbScores **scores);
#endif
