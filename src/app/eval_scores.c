/* Summing scores over cases. */
#include "evaluate.h"
#include "windbridge/fft.h"

#include <math.h>

PetscErrorCode wb_scores_create(int members, WbScores **scores) {
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(1, scores));
  (*scores)->members = members;
  PetscFunctionReturn(0);
}

void wb_scores_destroy(WbScores **scores) {
  if (!*scores) return;
  free((*scores)->runs);
  WB_FREE(scores);
}

PetscErrorCode wb_scores_begin_run(WbScores *s, const char *label) {
  PetscFunctionBeginUser;
  if (s->n_runs == s->capacity) {
    s->capacity = s->capacity ? 2 * s->capacity : 16;
    s->runs = realloc(s->runs, (size_t)s->capacity * sizeof *s->runs);
    if (!s->runs) WB_RAISE(PETSC_ERR_MEM, "out of memory for the scores of %d runs", s->capacity);
  }
  WbRunScores *run = &s->runs[s->n_runs++];
  memset(run, 0, sizeof *run);
  snprintf(run->label, sizeof run->label, "%s", label);
  PetscFunctionReturn(0);
}

/* Footprint-weighted mean building height of the window: cells below it are "below roofs". */
static PetscErrorCode mean_roof(const WbCase *c, double *roof_m) {
  PetscFunctionBeginUser;
  const WbGrid *g = c->grid;
  const size_t plane = (size_t)g->nyl * (size_t)g->nxl;
  double sums[2] = {0, 0};
  for (size_t q = 0; q < plane; q++) {
    int levels = 0;
    for (int k = 0; k < g->nz; k++) levels += !c->fluid[(size_t)k * plane + q];
    sums[0] += levels * g->dx_m;
    sums[1] += levels > 0;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_DOUBLE, MPI_SUM, g->comm));
  *roof_m = sums[1] > 0 ? sums[0] / sums[1] : 0;
  PetscFunctionReturn(0);
}

static void fill_subset(const WbCase *c, int subset, double roof_m, uint8_t *out) {
  const size_t plane = (size_t)c->grid->nyl * (size_t)c->grid->nxl;
  for (int k = 0; k < c->grid->nz; k++)
    for (size_t q = (size_t)k * plane; q < (size_t)(k + 1) * plane; q++) {
      const bool in = subset == WB_SUBSET_ALL || (subset == WB_SUBSET_BELOW_ROOF && c->z[k] < roof_m) ||
                      (subset == WB_SUBSET_BLOCKED && !c->lr_valid[q]);
      out[q] = c->fluid[q] && in;
    }
}

/* One plane of one channel on rank 0 (zeros elsewhere summed): full (ny, nx). */
static PetscErrorCode gather_plane(const WbGrid *g, int k, int channel, const uint8_t *fluid, const float *field,
                                   float *full, uint8_t *full_fluid) {
  PetscFunctionBeginUser;
  const size_t plane = (size_t)g->nyl * (size_t)g->nxl, all = (size_t)g->ny * (size_t)g->nx;
  memset(full, 0, 4 * all * sizeof *full);
  memset(full_fluid, 0, all);
  for (int j = 0; j < g->nyl; j++)
    for (int i = 0; i < g->nxl; i++) {
      const size_t q = (size_t)k * plane + (size_t)j * (size_t)g->nxl + (size_t)i;
      const size_t p = (size_t)(g->y0 + j) * (size_t)g->nx + (size_t)(g->x0 + i);
      full_fluid[p] = fluid[q];
      full[4 * p] = fluid[q] ? field[4 * q + (size_t)channel] : 0.0f;
    }
  if (g->size > 1) {
    const void *send_field = g->rank ? full : MPI_IN_PLACE, *send_fluid = g->rank ? (void *)full_fluid : MPI_IN_PLACE;
    PetscCallMPI(MPI_Reduce(send_field, full, (int)(4 * all), MPI_FLOAT, MPI_SUM, 0, g->comm));
    PetscCallMPI(MPI_Reduce(send_fluid, full_fluid, (int)all, MPI_UINT8_T, MPI_MAX, 0, g->comm));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode add_spectra(WbScores *s, const WbCase *c) {
  PetscFunctionBeginUser;
  const WbGrid *g = c->grid;
  const size_t all = (size_t)g->ny * (size_t)g->nx;
  const int levels[WB_SPECTRUM_LEVELS] = {0, g->nz / 8, g->nz / 2}, n_waves = g->nx / 2;
  const float *fields[3] = {c->truth, c->members[0], c->x0};
  if (n_waves > WB_MAX_WAVES || (s->n_waves && s->n_waves != n_waves)) PetscFunctionReturn(0); /* another window size */
  s->n_waves = n_waves;
  s->dx_m = g->dx_m;
  s->domain_m = g->nx * g->dx_m;
  float *full = NULL, *plane = NULL;
  uint8_t *fluid = NULL;
  double *e = NULL;
  PetscCall(WB_ALLOC(4 * all, &full));
  PetscCall(WB_ALLOC(all, &plane));
  PetscCall(WB_ALLOC(all, &fluid));
  PetscCall(WB_ALLOC(n_waves, &e));
  for (int f = 0; f < 3; f++)
    for (int l = 0; l < WB_SPECTRUM_LEVELS; l++)
      for (int v = 0; v < 4; v++) {
        s->level_m[l] = c->z[levels[l]];
        PetscCall(gather_plane(g, levels[l], v, c->fluid, fields[f], full, fluid));
        if (g->rank != 0) continue;
        wb_score_fill_plane(g->ny, g->nx, 0, 0, fluid, full, plane);
        PetscCall(wb_spectrum_1d(plane, g->ny, g->nx, e));
        for (int w = 0; w < n_waves; w++) s->spectra[f][l][v][w] += e[w];
      }
  WB_FREE(&full);
  WB_FREE(&plane);
  WB_FREE(&fluid);
  WB_FREE(&e);
  PetscFunctionReturn(0);
}

static PetscErrorCode add_divergence(WbScores *s, const WbCase *c, const float *mean) {
  PetscFunctionBeginUser;
  const WbGrid *g = c->grid;
  enum { FIELDS = 2 + WB_METHODS };
  const float *fields[FIELDS] = {c->truth, c->members[0], mean, c->x0, c->regressed, c->projected};
  double sums[FIELDS] = {0};
  for (int f = 0; f < FIELDS; f++)
    if (fields[f]) sums[f] = wb_score_divergence(g->nz, g->nyl, g->nxl, g->dx_m, c->fluid, fields[f]) / g->size;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, FIELDS, MPI_DOUBLE, MPI_SUM, g->comm));
  for (int f = 0; f < FIELDS; f++) s->divergence[f] += sums[f];
  PetscFunctionReturn(0);
}

/* A spread is a number of the model's frame, which the windows' own u and v change with the wind. */
static void add_in_frame(WbScores *s, int symmetry, const WbScoreSums sums[WB_CHANNELS]) {
  for (int c = 0; c < WB_CHANNELS; c++) {
    float to[2] = {1, 2};
    wb_symmetry_lengths(symmetry, &to[0], &to[1]);
    double *a = (double *)&s->in_frame[c == 1 || c == 2 ? (int)to[c - 1] : c];
    const double *b = (const double *)&sums[c];
    for (size_t i = 0; i < sizeof *sums / sizeof *a; i++) a[i] += b[i];
  }
}

static void add_tables(WbScoreTable *to, const WbScoreTable *from) {
  double *a = (double *)to;
  const double *b = (const double *)from;
  for (size_t i = 0; i < sizeof *to / sizeof *a; i++) a[i] += b[i];
}

PetscErrorCode wb_scores_add(WbScores *s, const WbCase *c) {
  PetscFunctionBeginUser;
  const size_t n = wb_grid_owned(c->grid);
  WbScoreTable *table = NULL;
  uint8_t *subset = NULL;
  float *mean = NULL;
  double roof = 0;
  PetscCall(WB_CALLOC(1, &table));
  PetscCall(WB_ALLOC(n, &subset));
  PetscCall(WB_ALLOC(4 * n, &mean));
  PetscCall(mean_roof(c, &roof));
  for (int k = 0; k < WB_SUBSET_COUNT; k++) {
    fill_subset(c, k, roof, subset);
    wb_score_accumulate(n, c->m, c->members, c->truth, subset, c->antithetic, table->sums[WB_METHOD_BRIDGE][k]);
    wb_score_accumulate(n, 1, &c->x0, c->truth, subset, false, table->sums[WB_METHOD_INTERPOLATION][k]);
    wb_score_accumulate(n, 1, &c->projected, c->truth, subset, false, table->sums[WB_METHOD_PROJECTED][k]);
    if (c->regressed)
      wb_score_accumulate(n, 1, &c->regressed, c->truth, subset, false, table->sums[WB_METHOD_REGRESSION][k]);
  }
  PetscCall(wb_score_allreduce(c->grid->comm, &table->sums[0][0][0], WB_METHODS * WB_SUBSET_COUNT * 4));
  for (size_t q = 0; q < 4 * n; q++) {
    double sum = 0;
    for (int m = 0; m < c->m; m++) sum += c->members[m][q];
    mean[q] = (float)(sum / c->m);
  }
  add_tables(&s->pooled, table);
  add_in_frame(s, c->symmetry, table->sums[WB_METHOD_BRIDGE][WB_SUBSET_ALL]);
  add_tables(&s->runs[s->n_runs - 1].table, table);
  s->has_regression = c->regressed != NULL;
  s->n_cases++;
  PetscCall(add_divergence(s, c, mean));
  PetscCall(add_spectra(s, c));
  WB_FREE(&table);
  WB_FREE(&subset);
  WB_FREE(&mean);
  PetscFunctionReturn(0);
}
