/* Scoring a forecast's hr.nc against a 5 m simulation (truth.nc), minute by minute where their times agree. */
#include <libgen.h>

#include "evaluate.h"

#include <math.h>

typedef struct {
  WbNc forecast, truth, lr;
  WbGrid *lr_column, *lr_grid, *hr_grid; /* lr.nc: all of it; the levels that x0 needs */
  int n_member;
  bool antithetic;
  double *z;
  uint8_t *fluid, *lr_valid, *truth_fluid, *lr_fluid;
  float **members, *truth_field, *x0, *lr_field, *one, *tmp, *regressed;
  WbNormalisation norm;
  WbProjected projected;
} WbForecastSource;

/* theta (from T where the file has only that), u, v, w of one minute. */
static PetscErrorCode read_four(WbNc nc, const WbGrid *grid, int time, int member, float *one, float *four) {
  PetscFunctionBeginUser;
  const char *names[] = {"theta", "u", "v", "w"};
  const size_t n = wb_grid_owned(grid), plane = (size_t)grid->nyl * (size_t)grid->nxl;
  bool has_theta = false, has_reference = false;
  double theta0 = 0;
  PetscCall(wb_nc_has(nc, "/", "theta", &has_theta));
  PetscCall(wb_nc_get_att_real(nc, "/", NULL, "theta_surface_K", &has_reference, &theta0));
  if (!has_theta && !has_reference)
    WB_RAISE_ALL(WB_ERR_INPUT,
                 "a file to score has neither theta nor the attribute theta_surface_K (T alone is not enough)");
  if (!has_theta) names[0] = "T";
  for (int c = 0; c < 4; c++) {
    PetscCall(wb_nc_get_field(nc, "/", names[c], grid, time, member, one));
    for (size_t q = 0; q < n; q++) {
      const int k = (int)(q / plane);
      const double exner = c == 0 && !has_theta ? wb_exner((k + 0.5) * grid->dx_m, theta0) : 1.0;
      four[4 * q + (size_t)c] = (float)(one[q] / exner);
    }
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode expect_dims(WbNc nc, const char *path, int want_rank, int dims[8]) {
  PetscFunctionBeginUser;
  bool has = false;
  int rank = 0;
  PetscCall(wb_nc_has(nc, "/", "u", &has));
  if (has) PetscCall(wb_nc_inq_dims(nc, "/", "u", &rank, dims));
  if (rank != want_rank)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: u has %d dimensions; needed: %s", path, rank,
                 want_rank == 5 ? "5 (time, member, z, y, x)" : "4 (time, z, y, x)");
  PetscFunctionReturn(0);
}

static PetscErrorCode read_coordinate(WbNc nc, const char *name, int n, double *values) {
  return wb_nc_get_line(nc, "/", name, n, values);
}

static PetscErrorCode read_forcing(WbApp *app, WbForecastSource *s) {
  PetscFunctionBeginUser;
  bool has = false;
  double antithetic = 0;
  PetscCall(wb_nc_get_att_real(s->forecast, "/", NULL, "sr_antithetic", &has, &antithetic));
  s->antithetic = antithetic != 0;
  PetscCall(wb_regression_scales(app, &s->norm));
  PetscCall(wb_nc_get_att_real(s->forecast, "/", NULL, "wind_speed_m_per_s", &has, &s->norm.wind_speed_m_per_s));
  PetscCall(wb_nc_get_att_real(s->forecast, "/", NULL, "wind_direction_deg", &has, &s->norm.wind_direction_deg));
  PetscCall(wb_nc_get_att_real(s->forecast, "/", NULL, "theta_surface_K", &has, &s->norm.theta_surface_K));
  PetscCall(wb_nc_get_att_real(s->forecast, "/", NULL, "lapse_K_per_m", &has, &s->norm.lapse_K_per_m));
  PetscCall(wb_nc_get_att_real(s->forecast, "/", NULL, "mixed_height_m", &has, &s->norm.mixed_height_m));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_grids(WbApp *app, const char *path, const int dims[8], const int lr_dims[8],
                                 WbForecastSource *s) {
  PetscFunctionBeginUser;
  const int nz = dims[2], ny = dims[3], nx = dims[4];
  const int ratio = lr_dims[3] > 0 ? nx / lr_dims[3] : 0, levels = ratio > 0 ? nz / ratio + 1 : 0;
  if (nx < 2 || ny < 1 || nz < 1 || ratio < 1 || (int64_t)ratio * lr_dims[3] != nx ||
      (int64_t)ratio * lr_dims[2] != ny || lr_dims[1] < levels)
    WB_RAISE_ALL(WB_ERR_INPUT, "%s: %d x %d x %d cells do not refine the %d x %d x %d of its lr.nc", path, nx, ny, nz,
                 lr_dims[3], lr_dims[2], lr_dims[1]);
  double *x = NULL, *y = NULL;
  PetscCall(WB_ALLOC(nx, &x));
  PetscCall(WB_ALLOC(ny, &y));
  PetscCall(read_coordinate(s->forecast, "x", nx, x));
  PetscCall(read_coordinate(s->forecast, "y", ny, y));
  const double dx = x[1] - x[0];
  const WbGridShape shape = {.nx = nx / ratio,
                             .ny = ny / ratio,
                             .nz = lr_dims[1],
                             .dx_m = dx * ratio,
                             .x_min_m = x[0] - 0.5 * dx,
                             .y_min_m = y[0] - 0.5 * dx};
  PetscCall(wb_grid_make(app->comm, &shape, &s->lr_column));
  PetscCall(wb_grid_refine(s->lr_column, 1, levels, &s->lr_grid));
  PetscCall(wb_grid_refine(s->lr_column, ratio, nz, &s->hr_grid));
  WB_FREE(&x);
  WB_FREE(&y);
  PetscFunctionReturn(0);
}

static PetscErrorCode allocate(WbForecastSource *s) {
  PetscFunctionBeginUser;
  const size_t n = wb_grid_owned(s->hr_grid), nl = wb_grid_owned(s->lr_column);
  PetscCall(WB_ALLOC(s->hr_grid->nz, &s->z));
  PetscCall(WB_ALLOC(n, &s->fluid));
  PetscCall(WB_ALLOC(n, &s->truth_fluid));
  PetscCall(WB_ALLOC(n, &s->lr_valid));
  PetscCall(WB_ALLOC(nl, &s->lr_fluid));
  PetscCall(WB_ALLOC(n > nl ? n : nl, &s->one));
  PetscCall(WB_ALLOC(4 * n, &s->truth_field));
  PetscCall(WB_ALLOC(4 * n, &s->x0));
  PetscCall(WB_ALLOC(4 * n, &s->tmp));
  PetscCall(WB_ALLOC(4 * n, &s->regressed));
  PetscCall(WB_ALLOC(4 * nl, &s->lr_field));
  PetscCall(WB_CALLOC(s->n_member, &s->members));
  for (int m = 0; m < s->n_member; m++) PetscCall(WB_ALLOC(4 * n, &s->members[m]));
  PetscFunctionReturn(0);
}

static PetscErrorCode open_source(WbApp *app, const char *forecast, const char *truth, WbForecastSource *s,
                                  int *n_forecast, int *n_truth) {
  PetscFunctionBeginUser;
  char lr_path[1024], copy[1024];
  const char *given = wb_config_text(app->config, "les", "input_file");
  snprintf(copy, sizeof copy, "%s", forecast);
  snprintf(lr_path, sizeof lr_path, "%.1000s/lr.nc", dirname(copy));
  memset(s, 0, sizeof *s);
  PetscCall(wb_nc_open(app->comm, forecast, &s->forecast));
  PetscCall(wb_nc_open(app->comm, truth, &s->truth));
  PetscCall(wb_nc_open(app->comm, given ? given : lr_path, &s->lr));
  int dims[8], truth_dims[8], lr_dims[8];
  PetscCall(expect_dims(s->forecast, forecast, 5, dims));
  PetscCall(expect_dims(s->truth, truth, 4, truth_dims));
  PetscCall(expect_dims(s->lr, given ? given : lr_path, 4, lr_dims));
  for (int d = 1; d < 4; d++)
    if (truth_dims[d] != dims[d + 1])
      WB_RAISE_ALL(WB_ERR_INPUT, "%s is %d x %d x %d cells, %s is %d x %d x %d: they must cover the same window",
                   forecast, dims[4], dims[3], dims[2], truth, truth_dims[3], truth_dims[2], truth_dims[1]);
  *n_forecast = dims[0];
  *n_truth = truth_dims[0];
  s->n_member = dims[1];
  PetscCall(make_grids(app, forecast, dims, lr_dims, s));
  PetscCall(allocate(s));
  PetscCall(read_forcing(app, s));
  PetscCall(read_coordinate(s->forecast, "z", s->hr_grid->nz, s->z));
  PetscCall(wb_nc_get_mask(s->forecast, "/", "fluid_mask", s->hr_grid, s->fluid));
  PetscCall(wb_nc_get_mask(s->forecast, "/", "lr_valid_mask", s->hr_grid, s->lr_valid));
  PetscCall(wb_nc_get_mask(s->truth, "/", "fluid_mask", s->hr_grid, s->truth_fluid));
  PetscCall(wb_nc_get_mask(s->lr, "/", "fluid_mask", s->lr_column, s->lr_fluid));
  int differ = memcmp(s->fluid, s->truth_fluid, wb_grid_owned(s->hr_grid)) != 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &differ, 1, MPI_INT, MPI_MAX, app->comm));
  if (differ) WB_RAISE_ALL(WB_ERR_INPUT, "%s and %s have different buildings", forecast, truth);
  PetscCall(wb_projected_create(s->hr_grid, s->fluid, &s->projected));
  PetscFunctionReturn(0);
}

/* Times of both in s since the truth's epoch. */
static PetscErrorCode read_times(const WbForecastSource *s, const char *forecast, const char *truth, int n_forecast,
                                 int n_truth, double **t, double **t_truth) {
  PetscFunctionBeginUser;
  WbTimes a, b;
  double apart = 0;
  PetscCall(wb_times_read(s->forecast, "/", "time", &a));
  PetscCall(wb_times_read(s->truth, "/", "time", &b));
  const bool alike = strcmp(a.epoch, b.epoch) == 0 && strcmp(a.calendar, b.calendar) == 0;
  if (a.n != n_forecast || b.n != n_truth || (!alike && !wb_times_after(&b, a.epoch, &apart)))
    WB_RAISE_ALL(WB_ERR_INPUT, "times of %s (since '%s') and %s (since '%s') cannot be compared", forecast, a.epoch,
                 truth, b.epoch);
  PetscCall(WB_ALLOC(n_forecast, t));
  PetscCall(WB_ALLOC(n_truth, t_truth));
  for (int i = 0; i < n_forecast; i++) (*t)[i] = a.at[i] + apart;
  for (int i = 0; i < n_truth; i++) (*t_truth)[i] = b.at[i];
  wb_times_free(&a);
  wb_times_free(&b);
  PetscFunctionReturn(0);
}

/* Does the truth lie where the forecast does? */
static PetscErrorCode same_places(const WbForecastSource *s, const char *forecast, const char *truth) {
  static const char *const names[] = {"z", "y", "x"};
  const int n[3] = {s->hr_grid->nz, s->hr_grid->ny, s->hr_grid->nx};
  PetscFunctionBeginUser;
  for (int d = 0; d < 3; d++) {
    double *a = NULL, *b = NULL, worst = 0;
    PetscCall(WB_ALLOC(n[d], &a));
    PetscCall(WB_ALLOC(n[d], &b));
    PetscCall(read_coordinate(s->forecast, names[d], n[d], a));
    PetscCall(read_coordinate(s->truth, names[d], n[d], b));
    for (int i = 0; i < n[d]; i++)
      if (!(fabs(a[i] - b[i]) <= worst)) worst = fabs(a[i] - b[i]);
    WB_FREE(&a);
    WB_FREE(&b);
    if (!(worst <= 0.05))
      WB_RAISE_ALL(WB_ERR_INPUT, "%s and %s lie up to %g m apart along %s; they must cover the same window", forecast,
                   truth, worst, names[d]);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode close_source(WbForecastSource *s) {
  PetscFunctionBeginUser;
  PetscCall(wb_nc_close(&s->forecast));
  PetscCall(wb_nc_close(&s->truth));
  PetscCall(wb_nc_close(&s->lr));
  for (int m = 0; m < s->n_member; m++) WB_FREE(&s->members[m]);
  WB_FREE(&s->members);
  WB_FREE(&s->z);
  WB_FREE(&s->fluid);
  WB_FREE(&s->truth_fluid);
  WB_FREE(&s->lr_valid);
  WB_FREE(&s->lr_fluid);
  WB_FREE(&s->one);
  WB_FREE(&s->truth_field);
  WB_FREE(&s->x0);
  WB_FREE(&s->tmp);
  WB_FREE(&s->regressed);
  WB_FREE(&s->lr_field);
  wb_projected_destroy(&s->projected);
  wb_grid_destroy(&s->hr_grid);
  wb_grid_destroy(&s->lr_grid);
  wb_grid_destroy(&s->lr_column);
  PetscFunctionReturn(0);
}

static PetscErrorCode score_minute(WbForecastSource *s, int time, int truth_time, WbRegression reg, WbScores *scores) {
  PetscFunctionBeginUser;
  for (int m = 0; m < s->n_member; m++) PetscCall(read_four(s->forecast, s->hr_grid, time, m, s->one, s->members[m]));
  PetscCall(read_four(s->truth, s->hr_grid, truth_time, -1, s->one, s->truth_field));
  PetscCall(read_four(s->lr, s->lr_column, time, -1, s->one, s->lr_field));
  PetscCall(wb_lr_to_hr(s->lr_grid, s->hr_grid, s->lr_field, s->lr_fluid, s->x0));
  if (reg) wb_regression_predict(reg, &s->norm, s->hr_grid, s->z, s->fluid, s->x0, s->tmp, s->regressed);
  PetscCall(wb_projected_make(&s->projected, s->x0));
  const WbCase c = {.grid = s->hr_grid,
                    .z = s->z,
                    .fluid = s->fluid,
                    .lr_valid = s->lr_valid,
                    .truth = s->truth_field,
                    .x0 = s->x0,
                    .regressed = reg ? s->regressed : NULL,
                    .projected = s->projected.field,
                    .members = (const float *const *)s->members,
                    .m = s->n_member,
                    .antithetic = s->antithetic && s->n_member % 2 == 0};
  PetscCall(wb_scores_add(scores, &c));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_evaluate_forecast(WbApp *app, const char *forecast, const char *truth, WbRegression reg,
                                    WbScores **scores) {
  PetscFunctionBeginUser;
  WbForecastSource s;
  int n_forecast = 0, n_truth = 0, matched = 0;
  PetscCall(open_source(app, forecast, truth, &s, &n_forecast, &n_truth));
  PetscCall(same_places(&s, forecast, truth));
  PetscCall(wb_scores_create(s.n_member, scores));
  PetscCall(wb_scores_begin_run(*scores, forecast));
  double *t = NULL, *t_truth = NULL;
  PetscCall(read_times(&s, forecast, truth, n_forecast, n_truth, &t, &t_truth));
  const double from = wb_config_real(app->config, "evaluate", "from_s");
  for (int i = 0; i < n_forecast; i++)
    for (int k = 0; k < n_truth; k++)
      if (fabs(t[i] - t_truth[k]) <= 0.5 && t[i] > from + 0.5) {
        PetscCall(score_minute(&s, i, k, reg, *scores));
        matched++;
      }
  WB_FREE(&t);
  WB_FREE(&t_truth);
  PetscCall(close_source(&s));
  if (matched == 0) WB_RAISE_ALL(WB_ERR_INPUT, "%s and %s have no minute in common", forecast, truth);
  PetscFunctionReturn(0);
}
