/* Small pair files made up for tests: a block city, smooth fields plus a part that only the fine grid knows. */
#ifndef WB_TEST_PAIRS_H
#define WB_TEST_PAIRS_H
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wb_test.h"
#include "windbridge/data.h"

typedef struct {
  const char *split;
  uint32_t seed;
  int n_time, n_lr, nz_hr; /* window n_lr x n_lr coarse cells, nz_hr fine levels */
  double wind;
  float solid_fill; /* what the fields hold in buildings */
  bool bad_value;   /* a NaN in a fluid cell */
  double direction; /* the wind's; 0: 270 deg */
  int symmetry;     /* the window is turned by it, with all that is in it (one rank only) */
} WbTestPair;

static inline double wb_test_turned_direction(int s, double direction) {
  float u = (float)-sin(direction * PETSC_PI / 180), v = (float)-cos(direction * PETSC_PI / 180);
  wb_symmetry_vector(s, &u, &v);
  return fmod(atan2((double)-u, (double)-v) * 180 / PETSC_PI + 360, 360);
}

static inline void wb_test_turn_state(int s, int nz, int n, float *state) {
  const size_t count = (size_t)nz * (size_t)n * (size_t)n * 4;
  float *old = NULL;
  WB_OK(WB_ALLOC(count, &old));
  memcpy(old, state, count * sizeof *old);
  wb_augment_state(s, nz, n, old, state);
  WB_FREE(&old);
}

static inline void wb_test_turn_mask(int s, int nz, int n, uint8_t *mask) {
  const size_t count = (size_t)nz * (size_t)n * (size_t)n;
  uint8_t *old = NULL;
  WB_OK(WB_ALLOC(count, &old));
  memcpy(old, mask, count);
  wb_augment_mask(s, nz, n, old, mask);
  WB_FREE(&old);
}

static inline void wb_test_turn_scalar(int s, int nz, int n, float *field) {
  const size_t count = (size_t)nz * (size_t)n * (size_t)n;
  float *old = NULL;
  WB_OK(WB_ALLOC(count, &old));
  memcpy(old, field, count * sizeof *old);
  wb_augment_scalar_f(s, nz, n, 1, old, field);
  WB_FREE(&old);
}

static inline int wb_test_solid(const WbTestPair *t, int k, int j, int i) { /* fine cells */
  const int block = (j / 6 + 2 * (i / 6) + (int)t->seed) % 4;
  return block == 0 && i % 6 < 5 && k < 2 + (j / 6 + i / 6) % 3 * 2;
}

static inline void wb_test_field(const WbTestPair *t, double x, double y, double z, int minute, float out[4]) {
  const double a = 0.05 * (x + 1.7 * y) + 0.3 * minute + t->seed, s = t->wind;
  out[0] = (float)(300.0 + 0.3 * sin(a) + 0.002 * z);
  out[1] = (float)(s * (0.6 + 0.2 * cos(a) + 0.002 * z));
  out[2] = (float)(s * 0.2 * sin(0.7 * a));
  out[3] = (float)(s * 0.1 * cos(1.3 * a) * z / (z + 10.0));
}

/* Temporary folder, the same on all ranks. */
static inline void wb_test_folder(char path[256]) {
  int rank;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  if (rank == 0) {
    const char *base = getenv("TMPDIR");
    snprintf(path, 256, "%s/wb_test_XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(path)) path[0] = '\0';
  }
  MPI_Bcast(path, 256, MPI_CHAR, 0, PETSC_COMM_WORLD);
  assert_true(path[0] != '\0');
}

static inline void wb_test_remove_folder(const char *path) {
  int rank;
  char command[300];
  MPI_Barrier(PETSC_COMM_WORLD);
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  snprintf(command, sizeof(command), "rm -rf '%s'", path);
  if (rank == 0 && system(command) != 0)
    fail_msg("cannot remove %s", path); /* NOLINT(bugprone-command-processor,cert-env33-c) */
  MPI_Barrier(PETSC_COMM_WORLD);
}

/* Owned cells of one minute on grid g with cells of `size` fine cells. */
static inline void wb_test_fill(const WbTestPair *t, const WbGrid *g, int size, int minute, const uint8_t *fluid,
                                float *out) {
  for (int k = 0; k < g->nz; k++) {
    for (int j = 0; j < g->nyl; j++) {
      for (int i = 0; i < g->nxl; i++) {
        const size_t p = ((size_t)k * (size_t)g->nyl + (size_t)j) * (size_t)g->nxl + (size_t)i;
        const double d = 5.0 * size, x = (g->x0 + i + 0.5) * d, y = (g->y0 + j + 0.5) * d, z = (k + 0.5) * d;
        wb_test_field(t, x, y, z, minute, out + p * 4);
        if (size == 1) { /* wakes that the coarse field has not */
          const float wake = wb_test_solid(t, k, g->y0 + j, g->x0 + i - 1) ? 0.5f : 1.0f;
          for (int c = 1; c < 4; c++) out[p * 4 + (size_t)c] *= wake;
          out[p * 4] += 0.2f * (1.0f - wake);
        }
        for (size_t c = 0; c < 4 && !fluid[p]; c++) out[p * 4 + c] = t->solid_fill;
      }
    }
  }
}

static inline void wb_test_write_pair(MPI_Comm comm, const char *path, const WbTestPair *t) {
  enum { R = 4 };
  WbGrid *lr = NULL, *hr = NULL;
  WB_OK(wb_grid_create(comm, t->n_lr, t->n_lr, t->nz_hr / R + 1, 1, 0, 0, false, false, &lr));
  WB_OK(wb_grid_refine(lr, R, t->nz_hr, &hr));
  lr->dx_m = 20, hr->dx_m = 5;
  lr->x_min_m = hr->x_min_m = 1000, lr->y_min_m = hr->y_min_m = -500;
  const size_t n = wb_grid_owned(hr), nl = wb_grid_owned(lr), plane = (size_t)hr->nyl * (size_t)hr->nxl;
  uint8_t *fluid, *valid, *lr_fluid;
  float *wall, *flux, *height, **low, **high;
  double z_lr[64], z_hr[256];
  WB_OK(WB_CALLOC(n, &fluid));
  WB_OK(WB_CALLOC(n, &valid));
  WB_OK(WB_CALLOC(nl, &lr_fluid));
  WB_OK(WB_CALLOC(n, &wall));
  WB_OK(WB_CALLOC(plane, &flux));
  WB_OK(WB_CALLOC(plane, &height));
  WB_OK(WB_CALLOC(t->n_time, &low));
  WB_OK(WB_CALLOC(t->n_time, &high));
  for (int k = 0; k < lr->nz; k++) z_lr[k] = 20.0 * k + 10.0;
  for (int k = 0; k < hr->nz; k++) z_hr[k] = 5.0 * k + 2.5;
  int *count;
  WB_OK(WB_CALLOC(nl, &count));
  for (int k = 0; k < hr->nz; k++) {
    for (size_t q = 0; q < plane; q++) {
      const int j = (int)(q / (size_t)hr->nxl), i = (int)(q % (size_t)hr->nxl);
      const int solid = wb_test_solid(t, k, hr->y0 + j, hr->x0 + i);
      fluid[(size_t)k * plane + q] = !solid;
      wall[(size_t)k * plane + q] = solid ? 0.0f : 2.5f + (float)(i % 6) * 5.0f;
      flux[q] = 0.05f;
      count[((size_t)(k / R) * (size_t)lr->nyl + (size_t)(j / R)) * (size_t)lr->nxl + (size_t)(i / R)] += solid;
    }
  }
  for (size_t p = 0; p < nl; p++) lr_fluid[p] = count[p] < R * R * R / 2;
  for (int k = 0; k < hr->nz; k++) {
    for (size_t q = 0; q < plane; q++) {
      const size_t j = q / (size_t)hr->nxl, i = q % (size_t)hr->nxl;
      valid[(size_t)k * plane + q] = lr_fluid[((size_t)(k / R) * (size_t)lr->nyl + j / R) * (size_t)lr->nxl + i / R];
    }
  }
  for (int m = 0; m < t->n_time; m++) {
    WB_OK(WB_ALLOC(nl * 4, &low[m]));
    WB_OK(WB_ALLOC(n * 4, &high[m]));
    wb_test_fill(t, lr, R, m, lr_fluid, low[m]);
    wb_test_fill(t, hr, 1, m, fluid, high[m]);
    if (t->bad_value && m == t->n_time - 1 && hr->rank == hr->size - 1) high[m][(n - 1) * 4 + 2] = NAN;
  }
  if (t->symmetry) {
    assert_int_equal(lr->size, 1);
    wb_test_turn_mask(t->symmetry, hr->nz, hr->nx, fluid);
    wb_test_turn_mask(t->symmetry, hr->nz, hr->nx, valid);
    wb_test_turn_mask(t->symmetry, lr->nz, lr->nx, lr_fluid);
    wb_test_turn_scalar(t->symmetry, hr->nz, hr->nx, wall);
    for (int m = 0; m < t->n_time; m++) {
      wb_test_turn_state(t->symmetry, lr->nz, lr->nx, low[m]);
      wb_test_turn_state(t->symmetry, hr->nz, hr->nx, high[m]);
    }
  }
  WbPairData data = {.lr_grid = lr,
                     .hr_grid = hr,
                     .z_lr = z_lr,
                     .z_hr = z_hr,
                     .lr_fluid = lr_fluid,
                     .hr_fluid = fluid,
                     .hr_lr_valid = valid,
                     .wall_distance = wall,
                     .heat_flux = flux,
                     .building_height = height,
                     .lr = low,
                     .hr = high,
                     .interval_s = 60};
  snprintf(data.info.city, sizeof(data.info.city), "blocks");
  snprintf(data.info.split, sizeof(data.info.split), "%s", t->split);
  data.info.city_seed = t->seed;
  data.info.n_time = t->n_time;
  data.info.ratio = R;
  data.info.wind_speed_m_per_s = t->wind;
  data.info.wind_direction_deg = wb_test_turned_direction(t->symmetry, t->direction != 0 ? t->direction : 270);
  data.info.heat_flux = 0.05;
  data.info.theta_surface_K = 300;
  data.info.lapse_K_per_m = 0.003;
  data.info.mixed_height_m = 100;
  WB_OK(wb_pair_write(comm, path, &data));
  for (int m = 0; m < t->n_time; m++) {
    WB_FREE(&low[m]);
    WB_FREE(&high[m]);
  }
  WB_FREE(&low);
  WB_FREE(&high);
  WB_FREE(&count);
  WB_FREE(&fluid);
  WB_FREE(&valid);
  WB_FREE(&lr_fluid);
  WB_FREE(&wall);
  WB_FREE(&flux);
  WB_FREE(&height);
  wb_grid_destroy(&lr);
  wb_grid_destroy(&hr);
}
#endif
