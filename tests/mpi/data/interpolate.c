/* LR to HR interpolation: exact for a linear field, a plain reference computed cell by cell on the whole domain agrees
 * bit for bit on every rank count, what solid cells hold changes nothing, fallbacks, errors. */
#include "wb_test.h"

#include <string.h>

#include "windbridge/data.h"

enum { NX = 12, NY = 16, NZ = 4, R = 4, NZH = 12, C = WB_CHANNELS };
static float lr_all[NZ * NY * NX * C];
static uint8_t fluid_all[NZ * NY * NX];

typedef struct {
  WbGrid *lr, *hr;
  float *field, *out;
  uint8_t *fluid;
} Setup;

static void setup_create(Setup *s, int nx, int ny) {
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, nx, ny, NZ, 1, 0, 0, false, false, &s->lr));
  WB_OK(wb_grid_refine(s->lr, R, NZH, &s->hr));
  WB_OK(WB_ALLOC(wb_grid_owned(s->lr) * C, &s->field));
  WB_OK(WB_ALLOC(wb_grid_owned(s->lr), &s->fluid));
  WB_OK(WB_ALLOC(wb_grid_owned(s->hr) * C, &s->out));
}

static void setup_destroy(Setup *s) {
  WB_FREE(&s->field);
  WB_FREE(&s->fluid);
  WB_FREE(&s->out);
  wb_grid_destroy(&s->lr);
  wb_grid_destroy(&s->hr);
}

/* This rank's part of the global arrays. fill: what solid cells hold; NAN is allowed. */
static void scatter(Setup *s, float fill) {
  const WbGrid *g = s->lr;
  for (int k = 0; k < g->nz; k++) {
    for (int j = 0; j < g->nyl; j++) {
      for (int i = 0; i < g->nxl; i++) {
        const size_t p = ((size_t)k * (size_t)g->nyl + (size_t)j) * (size_t)g->nxl + (size_t)i;
        const uint64_t q = wb_grid_voxel(g, k, j, i);
        s->fluid[p] = fluid_all[q];
        for (size_t c = 0; c < C; c++) s->field[p * C + c] = fluid_all[q] ? lr_all[q * C + c] : fill;
      }
    }
  }
}

/* Blocks from the ground, one of them 3 x 3 and as high as the layer, and a courtyard cell inside a ring. */
static void city(void) {
  const WbRandomKey key = {.seed = 9, .stream = WB_STREAM_TEST};
  for (int p = 0; p < NZ * NY * NX; p++) {
    const int i = p % NX, j = p / NX % NY, k = p / (NX * NY);
    wb_random_normal4(&key, (uint64_t)p, lr_all + (size_t)p * C);
    lr_all[p * C] += 300.0f;
    bool solid = i >= 5 && i <= 7 && j >= 6 && j <= 8 && k < 3;
    solid = solid || (i == 1 && j >= 1 && j <= 12 && k < 2) || ((i + 3 * j) % 5 == 0 && k == 0);
    solid = solid || (i >= 8 && i <= 11 && j >= 12 && k == 0);
    fluid_all[p] = !solid;
  }
}

/* Plain reference in double over the whole domain: weights, nearest by brute force with the stated order of ties. */
static void reference(int k, int j, int i, double out[C]) {
  const double pos[3] = {fmax((k + 0.5) / R - 0.5, 0.0), (j + 0.5) / R - 0.5, (i + 0.5) / R - 0.5};
  double total = 0.0, sum[C] = {0}, best = 1e30, chosen[C] = {0}, ties = 0;
  int level = -1;
  for (int a = 0; a < NZ; a++) {
    for (int b = 0; b < NY; b++) {
      for (int c = 0; c < NX; c++) {
        const int p = (a * NY + b) * NX + c;
        if (!fluid_all[p]) continue;
        const double w = fmax(0, 1 - fabs(pos[0] - a)) * fmax(0, 1 - fabs(pos[1] - b)) * fmax(0, 1 - fabs(pos[2] - c));
        total += w;
        for (int q = 0; q < C; q++) sum[q] += w * (double)lr_all[p * C + q];
        const double d = pow((k + 0.5) / R - 0.5 - a, 2) + pow(pos[1] - b, 2) + pow(pos[2] - c, 2);
        if (d > best + 1e-9 || (d > best - 1e-9 && a > level)) continue;
        if (d < best - 1e-9) memset(chosen, 0, sizeof(chosen)), ties = 0;
        for (int q = 0; q < C; q++) chosen[q] += (double)lr_all[p * C + q];
        best = d, level = a, ties++;
      }
    }
  }
  for (int q = 0; q < C; q++) out[q] = total > 0 ? sum[q] / total : chosen[q] / ties;
  if (k < R / 2) out[3] *= (k + 0.5) / (0.5 * R);
}

static void compare_with_reference(void) {
  Setup s;
  setup_create(&s, NX, NY);
  scatter(&s, -999999.0f);
  WB_OK(wb_lr_to_hr(s.lr, s.hr, s.field, s.fluid, s.out));
  size_t p = 0;
  for (int k = 0; k < NZH; k++) {
    for (int j = 0; j < s.hr->nyl; j++) {
      for (int i = 0; i < s.hr->nxl; i++, p++) {
        double want[C];
        if ((s.hr->x0 + i + 2 * (s.hr->y0 + j) + k) % 5 != 0) continue; /* a fifth of the cells is plenty */
        reference(k, s.hr->y0 + j, s.hr->x0 + i, want);
        for (int c = 0; c < C; c++) WB_ASSERT_NEAR(s.out[p * C + (size_t)c], want[c], c ? 2e-6 : 1e-4);
      }
    }
  }
  setup_destroy(&s);
}

static void against_reference(void **state) {
  (void)state;
  city();
  compare_with_reference();
}

/* One cell in eleven is fluid: most fine cells need the nearest search, often beyond the first shell with a hit. */
static void sparse(void **state) {
  (void)state;
  city();
  for (int p = 0; p < NZ * NY * NX; p++) fluid_all[p] = (unsigned)p * 2654435761u % 1009 % 11 == 0;
  compare_with_reference();
}

static void same_bits_any_fill_any_ranks(void **state) {
  (void)state;
  Setup s;
  city();
  setup_create(&s, NX, NY);
  const float fills[] = {0.0f, NAN, -999999.0f, 100.0f, -100.0f, INFINITY};
  const int n = NZH * NY * R * NX * R * C;
  float *first = NULL, *gathered = NULL, *alone = NULL;
  WB_OK(WB_ALLOC(wb_grid_owned(s.hr) * C, &first));
  WB_OK(WB_CALLOC(n, &gathered));
  WB_OK(WB_ALLOC(n, &alone));
  for (int f = 0; f < 6; f++) {
    scatter(&s, fills[f]);
    WB_OK(wb_lr_to_hr(s.lr, s.hr, s.field, s.fluid, s.out));
    if (f == 0) memcpy(first, s.out, wb_grid_owned(s.hr) * C * sizeof(float));
    assert_memory_equal(first, s.out, wb_grid_owned(s.hr) * C * sizeof(float));
  }
  /* the same on one rank */
  WbGrid *lr1 = NULL, *hr1 = NULL;
  WB_OK(wb_grid_create(PETSC_COMM_SELF, NX, NY, NZ, 1, 0, 0, false, false, &lr1));
  WB_OK(wb_grid_refine(lr1, R, NZH, &hr1));
  WB_OK(wb_lr_to_hr(lr1, hr1, lr_all, fluid_all, alone));
  size_t p = 0;
  for (int k = 0; k < NZH; k++) {
    for (int j = 0; j < s.hr->nyl; j++) {
      for (int i = 0; i < s.hr->nxl; i++, p++) {
        memcpy(gathered + wb_grid_voxel(s.hr, k, j, i) * C, s.out + p * C, C * sizeof(float));
      }
    }
  }
  MPI_Allreduce(MPI_IN_PLACE, gathered, n, MPI_FLOAT, MPI_SUM, PETSC_COMM_WORLD);
  assert_memory_equal(gathered, alone, (size_t)n * sizeof(float));
  wb_grid_destroy(&lr1);
  wb_grid_destroy(&hr1);
  WB_FREE(&first);
  WB_FREE(&gathered);
  WB_FREE(&alone);
  setup_destroy(&s);
}

/* Without buildings a linear field is exact away from edges; w goes to 0 at the ground, u stays. */
static void linear_field(void **state) {
  (void)state;
  Setup s;
  for (int p = 0; p < NZ * NY * NX; p++) {
    const int level = p / (NX * NY), row = p / NX % NY;
    const double x = p % NX + 0.5, y = row + 0.5, z = level + 0.5;
    fluid_all[p] = 1;
    for (int c = 0; c < C; c++) lr_all[p * C + c] = (float)(c + 0.5 * x - 0.25 * y + z);
  }
  setup_create(&s, NX, NY);
  scatter(&s, 0.0f);
  WB_OK(wb_lr_to_hr(s.lr, s.hr, s.field, s.fluid, s.out));
  size_t p = 0;
  for (int k = 0; k < NZH; k++) {
    for (int j = 0; j < s.hr->nyl; j++) {
      for (int i = 0; i < s.hr->nxl; i++, p++) {
        const double x = fmin(fmax((s.hr->x0 + i + 0.5) / R, 0.5), NX - 0.5),
                     y = fmin(fmax((s.hr->y0 + j + 0.5) / R, 0.5), NY - 0.5), z = (k + 0.5) / R;
        for (int c = 0; c < C; c++) {
          double want = c + 0.5 * x - 0.25 * y + fmax(z, 0.5);
          if (c == 3 && z < 0.5) want *= z / 0.5;
          WB_ASSERT_NEAR(s.out[p * C + (size_t)c], want, 1e-5);
        }
      }
    }
  }
  setup_destroy(&s);
}

/* Nothing within the radius: air at rest, theta in the middle of the level's range or of the field's. */
static void fallback(void **state) {
  (void)state;
  enum { BX = 40, BY = 8 };
  Setup s;
  setup_create(&s, BX, BY);
  for (int p = 0; p < (int)wb_grid_owned(s.lr); p++) {
    const int i = p % s.lr->nxl + s.lr->x0, k = p / (s.lr->nxl * s.lr->nyl);
    s.fluid[p] = i < 4 && k > 0;
    for (int c = 0; c < C; c++)
      s.field[(size_t)p * C + (size_t)c] = c ? 2.0f : 300.0f + (float)(i == 0) + 4.0f * (float)k;
  }
  WB_OK(wb_lr_to_hr(s.lr, s.hr, s.field, s.fluid, s.out));
  size_t p = 0;
  for (int k = 0; k < NZH; k++) {
    for (int j = 0; j < s.hr->nyl; j++) {
      for (int i = 0; i < s.hr->nxl; i++, p++) {
        if (s.hr->x0 + i < 60) continue;
        const int level = k / R;
        WB_ASSERT_NEAR(s.out[p * C], level == 0 ? 308.5 : 300.5 + 4.0 * level, 1e-4);
        for (size_t c = 1; c < C; c++) WB_ASSERT_NEAR(s.out[p * C + c], 0, 0);
      }
    }
  }
  memset(s.fluid, 0, wb_grid_owned(s.lr));
  assert_int_equal(wb_lr_to_hr(s.lr, s.hr, s.field, s.fluid, s.out), WB_ERR_INPUT);
  wb_error_clear();
  /* a fluid cell that is not finite on one rank: every rank hears of it */
  memset(s.fluid, 1, wb_grid_owned(s.lr));
  if (s.lr->rank == s.lr->size - 1) s.field[1] = NAN;
  assert_int_equal(wb_lr_to_hr(s.lr, s.hr, s.field, s.fluid, s.out), WB_ERR_INPUT);
  assert_non_null(strstr(wb_error_message(), "finite"));
  wb_error_clear();
  setup_destroy(&s);
}

WB_TEST_MAIN(cmocka_unit_test(against_reference), cmocka_unit_test(sparse),
             cmocka_unit_test(same_bits_any_fill_any_ranks), cmocka_unit_test(linear_field), cmocka_unit_test(fallback))
