/* Passive tracers: a puff carried and spread as the advection-diffusion equation has it, mass of sources, bounds in a
 * city, sources that make no sense. */
#include <string.h>

#include "les_test.h"

static double wind(void *ctx, double x, double y, double z) {
  return 2.0;
}

/* ---- Gaussian puff in uniform wind with constant diffusivity: stays Gaussian, variance grows by 2 K t ---- */
#define K_M2_PER_S 5.0
enum { NX = 96 };
static const double dx = 10.0, sigma0 = 60.0;
static double gauss(double x, double middle, double sigma) {
  double sum = 0.0; /* images of the cyclic domain */
  for (int n = -2; n <= 2; n++) sum += exp(-0.5 * pow((x - middle + n * NX * dx) / sigma, 2.0));
  return sum * sigma0 / sigma;
}
static int along; /* 0: x, 1: y */
static double puff(void *ctx, double x, double y, double z) {
  return gauss(along ? y : x, 300.0, sigma0);
}

static void puff_along(int axis, WbPrecision precision) {
  WbLesOptions o = les_test_options();
  along = axis;
  o.precision = precision;
  if (precision == WB_FP32) o.tol_final = o.tol_stage = 1e-5;
  o.viscosity_m2_per_s = K_M2_PER_S * 0.7; /* kappa = nu / Pr */
  o.tracers.n = 2;
  double *zf = les_test_faces(2, 10.0, 1.0);
  LesBox b = les_test_box(axis ? 4 : NX, axis ? NX : 4, 2, dx, zf, true, NULL, &o);
  free(zf);
  WB_OK(wb_les_init_fields(b.les, axis ? NULL : wind, axis ? wind : NULL, NULL, NULL, NULL));
  WB_OK(wb_les_set_scalar(b.les, 1, puff, NULL));
  const double t = 480.0, sigma = sqrt(sigma0 * sigma0 + 2.0 * K_M2_PER_S * t);
  for (int s = 0; s < 160; s++) WB_OK(wb_les_step(b.les, t / 160));
  double error = 0.0, mass = 0.0, start = 0.0;
  for (int m = 0; m < NX; m++) {
    const double c = les_test_get(b.les, WB_NFIELDS + 1, 1, axis ? m : 2, axis ? 2 : m), x = (m + 0.5) * dx;
    error = fmax(error, fabs(c - gauss(x, 300.0 + 2.0 * t, sigma)));
    mass += c;
    start += gauss(x, 300.0, sigma0);
    WB_ASSERT_NEAR(les_test_get(b.les, WB_NFIELDS, 1, axis ? m : 2, axis ? 2 : m), 0.0, 0.0); /* the other is clean */
  }
  print_message("axis %d, fp%d: largest error %.4f of a peak of %.3f\n", axis, precision == WB_FP32 ? 32 : 64, error,
                sigma0 / sigma);
  WB_ASSERT_BELOW(error, 0.012 * sigma0 / sigma);
  WB_ASSERT_NEAR(mass, start, (precision == WB_FP32 ? 1e-4 : 1e-11) * start);
  les_test_free(&b);
}
static void puff_spreads(void **state) {
  puff_along(0, WB_FP64);
  puff_along(1, WB_FP64);
  puff_along(0, WB_FP32);
}

/* ---- sources in a city ---- */
static bool city(int k, int j, int i) {
  const unsigned h = ((unsigned)(i / 3) * 2654435761U) ^ ((unsigned)(j / 3) * 40503U * 65537U);
  return k < (int)((h >> 7) % 6U) && (h >> 13) % 2U;
}
static bool tower(int k, int j, int i) {
  return k < 4 && i >= 4 && i < 8 && j >= 4 && j < 8;
}

static WbLesOptions city_options(void) {
  WbLesOptions o = les_test_options();
  o.momentum_only = false;
  o.closure = WB_CLOSURE_VREMAN;
  o.wall = WB_WALL_LOG;
  o.wind_speed_m_per_s = 3.0;
  o.heat_flux_K_m_per_s = 0.05;
  return o;
}

static double mass_of(WbLes les, int tracer, double *least) {
  double sum = 0.0;
  const WbLesLayout *l = &les->lay;
  *least = 0.0;
  for (int k = 0; k < l->nz; k++)
    for (int j = 0; j < l->nyl; j++)
      for (int i = 0; i < l->nxl; i++) {
        const double c = les_test_get(les, WB_NFIELDS + tracer, k, j, i);
        sum += c * les->met.dz[k + 1] * les->grid->dx_m * les->grid->dx_m;
        *least = fmin(*least, c);
        if (les->solid[wb_les_at(l, k, j, i)]) WB_ASSERT_NEAR(c, 0.0, 0.0);
      }
  return les_test_sum(sum);
}

static void mass_of_sources(void **state) {
  WbLesOptions o = city_options();
  o.tracers.n = 2;
  o.tracers.n_sources = 3;
  /* a point for ever; a box half in the tower, for a while; the first tracer once more, from an area at the ground */
  o.tracers.source[0] = (WbLesSource){0, 15.0, 25.0, 12.0, 0, 0, 0, 0.02, -1e9, 1e9};
  o.tracers.source[1] = (WbLesSource){1, 40.0, 60.0, 20.0, 20.0, 13.0, 25.0, 0.5, 4.0, 9.0};
  o.tracers.source[2] = (WbLesSource){0, 60.0, 100.0, 2.0, 30.0, 30.0, 4.0, 0.1, 10.0, 1e9};
  double *zf = les_test_faces(10, 8.0, 1.1);
  LesBox b = les_test_box(12, 12, 10, 10.0, zf, true, tower, &o);
  free(zf);
  WB_OK(wb_les_init(b.les, 0.0));
  for (int s = 0; s < 20; s++) WB_OK(wb_les_step(b.les, 1.0));
  double least;
  WB_ASSERT_NEAR(mass_of(b.les, 0, &least), 0.02 * 20.0 + 0.1 * 10.0, 1e-10);
  WB_ASSERT_BELOW(-least, 1e-9);
  WB_ASSERT_NEAR(mass_of(b.les, 1, &least), 0.5 * 5.0, 1e-10);
  WB_ASSERT_BELOW(-least, 1e-9);
  float *mean = malloc(wb_grid_owned(b.grid) * sizeof(float)), *now = malloc(wb_grid_owned(b.grid) * sizeof(float));
  WB_OK(wb_les_mean_scalar(b.les, 1, mean));
  WB_OK(wb_les_instant_scalar(b.les, 1, now));
  assert_true(isnan(now[6 * 12 + 6])); /* in the tower */
  assert_true(now[6 * 12 + 10] == (float)les_test_get(b.les, WB_NFIELDS + 1, 0, 6, 10));
  assert_true(mean[6 * 12 + 10] >= 0.0F);
  free(mean);
  free(now);
  les_test_free(&b);
}

static double square(void *ctx, double x, double y, double z) {
  return x > 40.0 && x < 80.0 && y > 30.0 && y < 90.0 && z < 45.0 ? 1.0 : 0.0;
}
static void bounded(void **state) {
  WbLesOptions o = city_options();
  o.tracers.n = 1;
  double *zf = les_test_faces(10, 8.0, 1.1);
  LesBox b = les_test_box(12, 12, 10, 10.0, zf, true, city, &o);
  free(zf);
  WB_OK(wb_les_init(b.les, 0.0));
  WB_OK(wb_les_set_scalar(b.les, 0, square, NULL));
  double low = 0.0, high = 0.0;
  for (int s = 0; s < 60; s++) {
    WB_OK(wb_les_step(b.les, PetscMin(0.9 / b.les->last_cfl, 2.0)));
    for (int k = 0; k < 10; k++)
      for (int j = 0; j < 12; j++)
        for (int i = 0; i < 12; i++) {
          low = fmin(low, les_test_get(b.les, WB_NFIELDS, k, j, i));
          high = fmax(high, les_test_get(b.les, WB_NFIELDS, k, j, i));
        }
  }
  print_message("tracer in [%.2e, 1 + %.2e]\n", low, high - 1.0);
  WB_ASSERT_BELOW(-low, 1e-6);
  WB_ASSERT_BELOW(high, 1.0 + 1e-6);
  les_test_free(&b);
}

static void refused(const WbLesOptions *o, const char *word) {
  WbGrid *grid = NULL;
  WbLes les = NULL;
  double *zf = les_test_faces(10, 8.0, 1.1);
  uint8_t *mask = calloc(10 * 12 * 12, 1);
  for (int k = 0, n = 0; k < 10; k++)
    for (int j = 0; j < 12; j++)
      for (int i = 0; i < 12; i++) mask[n++] = tower(k, j, i);
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, 12, 12, 10, 1, 0, 0, true, true, &grid));
  grid->dx_m = 10.0;
  assert_int_equal(wb_les_create(grid, zf, mask, NULL, NULL, o, &les), WB_ERR_CONFIG);
  if (!strstr(wb_error_message(), word)) fail_msg("'%s' does not name %s", wb_error_message(), word);
  wb_error_clear();
  wb_grid_destroy(&grid);
  free(mask);
  free(zf);
}
static void sources_refused(void **state) {
  WbLesOptions o = city_options();
  o.tracers.n = o.tracers.n_sources = 1;
  snprintf(o.tracers.name[0], WB_LES_NAME_MAX, "smoke");
  o.tracers.source[0] = (WbLesSource){0, 55.0, 65.0, 12.0, 0, 0, 0, 0.02, 0, 1e9};
  refused(&o, "'smoke' at x = 55 m");
  o.tracers.source[0].x_m = 500.0;
  refused(&o, "outside the domain");
  o.tracers.source[0].x_m = 5.0;
  o.tracers.source[0].rate_kg_per_s = -1.0;
  refused(&o, "makes no sense");
}

WB_TEST_MAIN(cmocka_unit_test(puff_spreads), cmocka_unit_test(mass_of_sources), cmocka_unit_test(bounded),
             cmocka_unit_test(sources_refused))
