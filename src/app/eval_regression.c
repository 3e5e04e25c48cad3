/* The regression baseline: fitting on pair files, its JSON, its prediction. */
#include "evaluate.h"

static const char FRAME[] = "wind turned to 0 <= v <= u";

PetscErrorCode wb_regression_scales(WbApp *app, WbNormalisation *scales) {
  PetscFunctionBeginUser;
  static WbModelMeta meta; /* 8 kB of provenance: not on the stack */
  WbSrOptions options;
  WbModel model = NULL;
  PetscCall(wb_app_sr_options(app, &options));
  PetscCall(wb_model_read(app->comm, options.model_path, &model, &meta));
  wb_model_destroy(&model);
  memcpy(scales->scale, meta.scale, sizeof scales->scale);
  scales->scale_by_wind = meta.scale_by_wind;
  PetscFunctionReturn(0);
}

/* Winds of (n, 4) turned by symmetry s, each where it is: the line of a level does not ask for its neighbours. */
static void turn_winds(int s, size_t n, float *field) {
  for (size_t p = 0; p < n; p++) wb_symmetry_vector(s, &field[4 * p + 1], &field[4 * p + 2]);
}

PetscErrorCode wb_regression_fit_files(WbApp *app, const WbFileList *files, const WbNormalisation *scales, int nz,
                                       WbRegression reg) {
  PetscFunctionBeginUser;
  for (int f = 0; f < files->n; f++) {
    WbPairRun *run = NULL;
    PetscErrorCode ierr = wb_pair_read(PETSC_COMM_SELF, files->paths[f], &run); /* every rank fits the same */
    PetscCall(wb_error_agree(app->comm, ierr));
    if (run->hr_grid->nz != nz)
      WB_RAISE_ALL(WB_ERR_INPUT, "%s: %d levels at 5 m; the test files have %d", files->paths[f], run->hr_grid->nz, nz);
    const size_t plane = (size_t)run->hr_grid->nyl * (size_t)run->hr_grid->nxl;
    WbNormalisation norm = *scales;
    norm.wind_speed_m_per_s = run->info.wind_speed_m_per_s;
    norm.theta_surface_K = run->info.theta_surface_K;
    norm.lapse_K_per_m = run->info.lapse_K_per_m;
    norm.mixed_height_m = run->info.mixed_height_m;
    const int turn = wb_symmetry_of_wind(run->info.wind_direction_deg);
    for (int t = 0; t < run->n_time; t++) {
      turn_winds(turn, (size_t)nz * plane, run->x0[t]);
      turn_winds(turn, (size_t)nz * plane, run->x1[t]);
      wb_normalise(&norm, nz, plane, run->z, run->fluid, run->x0[t]);
      wb_normalise(&norm, nz, plane, run->z, run->fluid, run->x1[t]);
      wb_regression_add(reg, plane, run->fluid, run->x0[t], run->x1[t]);
    }
    wb_pair_destroy(&run);
  }
  PetscCall(wb_regression_solve(reg));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_regression_write_json(WbApp *app, const char *path, int nz, WbRegression reg) {
  PetscFunctionBeginUser;
  cJSON *root = cJSON_CreateObject();
  cJSON_AddStringToObject(root, "what",
                          "per-level affine regression x1 = a + b x0 in normalised units; channels theta, u, v, w");
  cJSON_AddStringToObject(root, "frame", FRAME);
  cJSON *levels = cJSON_AddArrayToObject(root, "levels");
  for (int k = 0; k < nz; k++) {
    double ab[8];
    for (int c = 0; c < 4; c++) wb_regression_coefficients(reg, k, c, &ab[2 * c], &ab[2 * c + 1]);
    cJSON_AddItemToArray(levels, cJSON_CreateDoubleArray(ab, 8));
  }
  char *text = cJSON_Print(root);
  const PetscErrorCode ierr = wb_file_write_text(app->comm, path, text);
  cJSON_free(text);
  cJSON_Delete(root);
  PetscFunctionReturn(ierr);
}

static PetscErrorCode read_json(const char *path, int nz, double *ab) {
  PetscFunctionBeginUser;
  FILE *f = fopen(path, "rb");
  if (!f) WB_RAISE(WB_ERR_INPUT, "%s: cannot be read (evaluate_regression)", path);
  char *text = calloc(1, 1 << 20);
  const size_t n = fread(text, 1, (1 << 20) - 1, f);
  fclose(f);
  cJSON *root = cJSON_ParseWithLength(text, n);
  free(text);
  const cJSON *levels = cJSON_GetObjectItem(root, "levels");
  bool good = cJSON_IsArray(levels) && cJSON_GetArraySize(levels) == nz;
  for (int k = 0; k < nz && good; k++)
    for (int i = 0; i < 8; i++) {
      const cJSON *v = cJSON_GetArrayItem(cJSON_GetArrayItem(levels, k), i);
      good = good && cJSON_IsNumber(v);
      if (good) ab[8 * k + i] = v->valuedouble;
    }
  const char *frame = cJSON_GetStringValue(cJSON_GetObjectItem(root, "frame"));
  const bool turned = frame && strcmp(frame, FRAME) == 0;
  cJSON_Delete(root);
  if (good && !turned)
    WB_RAISE(WB_ERR_INPUT,
             "%s: its lines mix winds of all directions (it does not say frame '%s'); fit it again with "
             "evaluate_train_files",
             path, FRAME);
  if (!good) WB_RAISE(WB_ERR_INPUT, "%s: not a regression file with %d levels (written by evaluate)", path, nz);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_regression_read_json(WbApp *app, const char *path, int nz, WbRegression reg) {
  PetscFunctionBeginUser;
  double *ab = NULL;
  PetscCall(WB_CALLOC(8 * (size_t)nz, &ab));
  PetscErrorCode ierr = 0;
  if (app->rank == 0) ierr = read_json(path, nz, ab);
  PetscCall(wb_error_agree(app->comm, ierr));
  PetscCallMPI(MPI_Bcast(ab, 8 * nz, MPI_DOUBLE, 0, app->comm));
  for (int k = 0; k < nz; k++)
    for (int c = 0; c < 4; c++) wb_regression_set(reg, k, c, ab[8 * k + 2 * c], ab[8 * k + 2 * c + 1]);
  WB_FREE(&ab);
  PetscFunctionReturn(0);
}

void wb_regression_predict(WbRegression reg, const WbNormalisation *norm, const WbGrid *grid, const double *z,
                           const uint8_t *fluid, const float *x0, float *tmp, float *out) {
  const size_t plane = (size_t)grid->nyl * (size_t)grid->nxl;
  const int turn = wb_symmetry_of_wind(norm->wind_direction_deg);
  memcpy(tmp, x0, 4 * wb_grid_owned(grid) * sizeof *tmp);
  turn_winds(turn, wb_grid_owned(grid), tmp);
  wb_normalise(norm, grid->nz, plane, z, fluid, tmp);
  wb_regression_apply(reg, plane, fluid, tmp, out);
  wb_denormalise(norm, grid->nz, plane, z, fluid, out);
  turn_winds(wb_symmetry_inverse(turn), wb_grid_owned(grid), out);
}
