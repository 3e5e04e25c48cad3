/* Facets: heat flux and exchange by class, the sun's direction, sunlit and shaded facets, and budgets that close. */
#include "les_test.h"

static double wind(void *ctx, double x, double y, double z) {
  return 4.0;
}
static double cross(void *ctx, double x, double y, double z) {
  return 3.0;
}
static double air(void *ctx, double x, double y, double z) {
  return 300.0;
}

enum { N = 16, NZ = 10 };
#define DX 6.0
#define DZ 5.0
/* A court of 6 x 6 cells inside walls two cells thick and four high. */
static bool court(int k, int j, int i) {
  const bool outer = i >= 3 && i < 13 && j >= 3 && j < 13, inner = i >= 5 && i < 11 && j >= 5 && j < 11;
  return k < 4 && outer && !inner;
}

static WbLesOptions options(void) {
  WbLesOptions o = les_test_options();
  o.momentum_only = false;
  o.wall = WB_WALL_LOG;
  o.lapse_K_per_m = 0.0;
  o.theta_surface_K = 300.0;
  return o;
}
static LesBox box(const WbLesOptions *o, LesSolidFn solid) {
  double *zf = les_test_faces(NZ, DZ, 1.0);
  LesBox b = les_test_box(N, N, NZ, DX, zf, true, solid, o);
  free(zf);
  return b;
}

static double heat_content(WbLes les) { /* over dx^2 */
  double sum = 0.0;
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < N; j++)
      for (int i = 0; i < N; i++)
        if (!les->solid[wb_les_at(&les->lay, k, j, i)]) sum += les_test_get(les, WB_THETA, k, j, i) * DZ;
  return sum;
}

/* ---- fluxes by class: areas of the court are known ---- */
static void fluxes_by_class(void **state) {
  const double flux[3] = {0.05, 0.2, -0.03};
  for (int only = 0; only < 4; only++) {
    WbLesOptions o = options();
    for (int c = 0; c < 3; c++) o.surface.flux_K_m_per_s[c] = only == 3 || only == c ? flux[c] : 0.0;
    LesBox b = box(&o, court);
    WB_OK(wb_les_init_fields(b.les, wind, cross, NULL, air, NULL));
    const double before = heat_content(b.les);
    for (int s = 0; s < 5; s++) WB_OK(wb_les_step(b.les, 0.5));
    const double roof = 100 - 36, ground = 256 - roof, wall = 4 * (4 * 10 + 4 * 6) * DZ / DX;
    const double area[3] = {ground, roof, wall};
    double expected = 0.0;
    for (int c = 0; c < 3; c++) expected += 2.5 * area[c] * o.surface.flux_K_m_per_s[c];
    WB_ASSERT_NEAR(heat_content(b.les) - before, expected, 1e-9);
    les_test_free(&b);
  }
}

/* ---- exchange by the log law: one short step of the flow around a block ---- */
static double speed_along(WbLes les, int k, int j, int i, int axis) {
  const double u = 0.5 * (les_test_get(les, WB_U, k, j, i) + les_test_get(les, WB_U, k, j, i + 1));
  const double v = 0.5 * (les_test_get(les, WB_V, k, j, i) + les_test_get(les, WB_V, k, j + 1, i));
  const double w = 0.5 * (les_test_get(les, WB_W, k, j, i) + les_test_get(les, WB_W, k + 1, j, i));
  return axis == 0 ? hypot(v, w) : axis == 1 ? hypot(u, w) : hypot(u, v);
}
static bool block(int k, int j, int i) {
  return k < 2 && i >= 6 && i < 10 && j >= 6 && j < 10;
}
static void exchange_by_class(void **state) {
  WbLesOptions o = options();
  o.surface.theta_K[WB_FACET_GROUND] = 303.0;
  o.surface.theta_K[WB_FACET_ROOF] = 310.0;
  o.surface.theta_K[WB_FACET_WALL] = 297.0;
  o.z0_ground_m = 0.1;
  o.z0_wall_m = 0.05;
  LesBox b = box(&o, block);
  WB_OK(wb_les_init_fields(b.les, wind, cross, NULL, air, NULL));
  const double dt = 1e-6, kk = 0.16;
  const double ground = kk / (log(2.5 / 0.1) * log(2.5 / 0.01)) / DZ,
               roof = kk / (log(2.5 / 0.05) * log(2.5 / 0.005)) / DZ;
  const double side = kk / (log(3.0 / 0.05) * log(3.0 / 0.005)) / DX;
  const int cell[4][3] = {{0, 2, 2}, {2, 8, 8}, {1, 8, 10}, {0, 10, 8}}; /* ground, roof, east wall, wall and ground */
  double expected[4];
  for (int n = 0; n < 4; n++) {
    const int *c = cell[n], axis = n == 2 ? 0 : 2;
    const double value[4] = {ground * 3.0, roof * 10.0, side * -3.0, ground * 3.0};
    expected[n] = value[n] * speed_along(b.les, c[0], c[1], c[2], axis);
    if (n == 3) expected[n] += side * -3.0 * speed_along(b.les, c[0], c[1], c[2], 1);
  }
  WB_OK(wb_les_step(b.les, dt));
  for (int n = 0; n < 4; n++) {
    const double rate = les_test_get(b.les, WB_THETA, cell[n][0], cell[n][1], cell[n][2]) / dt;
    WB_ASSERT_NEAR(rate, expected[n], 1e-4 * fabs(expected[n]));
  }
  les_test_free(&b);
}

/* ---- the sun ---- */
static void direction_of_the_sun(void **state) {
  double s[3];
  const double rad = PETSC_PI / 180.0;
  wb_les_sun_direction(35.68, 0.0, 172, 43200.0, s); /* summer solstice, noon: 90 - 35.68 + 23.44 degrees high */
  WB_ASSERT_NEAR(asin(s[2]) / rad, 77.76, 0.05);
  WB_ASSERT_NEAR(s[0], 0.0, 1e-12);
  assert_true(s[1] < 0.0);                                                       /* in the south */
  wb_les_sun_direction(35.68, 139.77, 355, 43200.0 - 139.77 / 15.0 * 3600.0, s); /* winter, local noon by longitude */
  WB_ASSERT_NEAR(asin(s[2]) / rad, 30.88, 0.05);
  wb_les_sun_direction(0.0, 0.0, 80, 6.0 * 3600.0, s); /* equator, equinox: rises due east at 6 */
  WB_ASSERT_NEAR(s[0], 1.0, 1e-3);
  WB_ASSERT_NEAR(s[2], 0.0, 0.01);
  wb_les_sun_direction(-35.0, 0.0, 355, 43200.0, s); /* southern summer: the sun in the north */
  assert_true(s[1] > 0.0 && s[2] > 0.97);
  wb_les_sun_direction(50.0, 0.0, 172, 15.0 * 3600.0, s); /* afternoon: west */
  assert_true(s[0] < 0.0);
  WB_ASSERT_NEAR(s[0] * s[0] + s[1] * s[1] + s[2] * s[2], 1.0, 1e-12);
  wb_les_sun_direction(50.0, 0.0, 172, 0.0, s);
  assert_true(s[2] < 0.0);
}

/* Sun due south at local noon in the middle of the first interval. */
static WbLesOptions noon(double latitude, int day) {
  WbLesOptions o = options();
  o.heat_flux_K_m_per_s = 0.1;
  o.surface.sun = true;
  o.forcing.latitude_deg = latitude;
  o.surface.day_of_year = day;
  o.surface.utc_s = 43200.0 - 300.0;
  return o;
}

/* Heat flux of the facet of cell (k, j, i) with the facing, from the list. */
static double facet_flux(WbLes les, int facing, int k, int j, int i) {
  const int32_t at = (int32_t)wb_les_at(&les->lay, k, j, i);
  for (int n = 0; n < les->facets.n; n++)
    if (les->facets.at[n] == at && les->facets.facing[n] == facing)
      return les->heat.rate[n] * (facing < WB_FACING_UP ? DX : DZ);
  fail_msg("no facet %d at (%d, %d, %d)", facing, k, j, i);
  return NAN;
}

static void shaded_court(void **state) {
  WbLesOptions o = noon(45.0, 80);
  LesBox b = box(&o, court);
  WB_OK(wb_les_init_fields(b.les, NULL, NULL, NULL, air, NULL));
  const double before = heat_content(b.les);
  WB_OK(wb_les_step(b.les, 1.0));
  WB_ASSERT_NEAR(heat_content(b.les) - before, 256.0 * (double)(float)0.1, 1e-9); /* the mean is kept */
  double s[3];
  wb_les_sun_direction(45.0, 0.0, 80, 43200.0, s);
  const double tan_e = s[2] / -s[1];
  /* ground of the court: shaded up to H / tan(elevation) from the southern wall's top edge */
  const double lit = facet_flux(b.les, WB_FACING_UP, 0, 1, 1), shade = facet_flux(b.les, WB_FACING_UP, 0, 5, 7);
  int n_lit = 0;
  for (int j = 5; j < 11; j++)
    for (int i = 5; i < 11; i++) {
      const bool sunny = DX * (j - 5 + 0.5) > 20.0 / tan_e;
      WB_ASSERT_NEAR(facet_flux(b.les, WB_FACING_UP, 0, j, i), sunny ? lit : shade, 1e-12);
      n_lit += sunny;
    }
  print_message("tan(elevation) %.3f, %d of 36 cells of the court are lit; flux %.4f lit, %.4f shaded\n", tan_e, n_lit,
                lit, shade);
  assert_true(n_lit > 0 && n_lit < 36);
  WB_ASSERT_NEAR(shade / lit, 0.2, 1e-12); /* only diffuse light */
  /* walls facing south: in the court lit in their upper part; facing north never; roofs always */
  for (int k = 0; k < 4; k++) {
    const double height = 5.0 * (k + 0.5), free = 20.0 - 6.0 * DX * tan_e;
    const double w = (0.8 * -s[1] / s[2] + 0.1) * lit, d = 0.1 * lit;
    WB_ASSERT_NEAR(facet_flux(b.les, WB_FACING_SOUTH, k, 2, 8), w, 1e-9);
    WB_ASSERT_NEAR(facet_flux(b.les, WB_FACING_SOUTH, k, 10, 8), height > free ? w : d, 1e-9);
    WB_ASSERT_NEAR(facet_flux(b.les, WB_FACING_NORTH, k, 13, 8), d, 1e-9);
    WB_ASSERT_NEAR(facet_flux(b.les, WB_FACING_NORTH, k, 5, 8), d, 1e-9);
  }
  WB_ASSERT_NEAR(facet_flux(b.les, WB_FACING_UP, 4, 4, 8), lit, 1e-12);
  les_test_free(&b);
}

/* The light that facets catch is what falls on the plan area: every ray ends somewhere in a cyclic city. */
static void light_is_caught(void **state) {
  WbLesOptions o = noon(50.0, 100);
  o.surface.utc_s = 36000.0; /* 10 o'clock: from the south-east */
  o.surface.diffuse_fraction = 0.0;
  LesBox b = box(&o, court);
  WB_OK(wb_les_init_fields(b.les, NULL, NULL, NULL, air, NULL));
  WB_OK(wb_les_step(b.les, 0.1));
  const double roof = facet_flux(b.les, WB_FACING_UP, 4, 8, 3); /* an open horizontal facet */
  print_message("flux of an open roof %.5f of 0.1\n", roof);
  WB_ASSERT_NEAR(roof, 0.1, 0.004);
  les_test_free(&b);
}

/* At night everything is diffuse; a new interval of time brings another sun; flat ground knows no sun. */
static void day_and_night(void **state) {
  WbLesOptions o = noon(45.0, 80);
  o.surface.utc_s = 0.0;
  LesBox b = box(&o, court);
  WB_OK(wb_les_init_fields(b.les, NULL, NULL, NULL, air, NULL));
  WB_OK(wb_les_step(b.les, 1.0));
  WB_ASSERT_NEAR(facet_flux(b.les, WB_FACING_UP, 0, 7, 7), facet_flux(b.les, WB_FACING_UP, 4, 4, 8), 1e-12);
  b.les->time_s = 9.0 * 3600.0;
  WB_OK(wb_les_step(b.les, 1.0));
  assert_true(facet_flux(b.les, WB_FACING_UP, 0, 7, 6) < facet_flux(b.les, WB_FACING_UP, 4, 4, 8));
  const double east = facet_flux(b.les, WB_FACING_EAST, 3, 8, 13), west = facet_flux(b.les, WB_FACING_WEST, 3, 8, 2);
  assert_true(east > west);              /* morning */
  b.les->time_s = 15.0 * 3600.0 - 600.0; /* the middle of the interval as far from noon as before */
  WB_OK(wb_les_step(b.les, 1.0));
  WB_ASSERT_NEAR(facet_flux(b.les, WB_FACING_WEST, 3, 8, 2), east, 0.05 * east);
  les_test_free(&b);
  b = box(&o, NULL);
  WB_OK(wb_les_init_fields(b.les, NULL, NULL, NULL, air, NULL));
  b.les->time_s = 9.0 * 3600.0;
  WB_OK(wb_les_step(b.les, 1.0));
  for (int n = 0; n < b.les->heat.n; n++) WB_ASSERT_NEAR(b.les->heat.rate[n] * DZ, (double)(float)0.1, 1e-12);
  les_test_free(&b);
}

/* Facets of given temperature: those in the sun are warmer by the cosine of incidence. */
static void warm_in_the_sun(void **state) {
  for (int most = 0; most < 2; most++) {
    WbLesOptions o = noon(45.0, 80);
    o.heat_flux_K_m_per_s = 0.0;
    for (int c = 0; c < 3; c++) o.surface.theta_K[c] = 300.0;
    o.surface.sun_warming_K = 20.0;
    o.surface.most = most;
    LesBox b = box(&o, court);
    WB_OK(wb_les_init_fields(b.les, NULL, NULL, NULL, air, NULL));
    WB_OK(wb_les_step(b.les, 1.0));
    double s[3];
    wb_les_sun_direction(45.0, 0.0, 80, 43200.0, s);
    const double roof = les_test_get(b.les, WB_THETA, 4, 4, 8), shade = les_test_get(b.les, WB_THETA, 0, 5, 7),
                 lit = les_test_get(b.les, WB_THETA, 0, 1, 1);
    const double ch = 0.16 / (log(2.5 / 0.05) * log(2.5 / 0.005));
    WB_ASSERT_NEAR(roof, ch * 0.1 * 20.0 * s[2] / 5.0, 2e-3 * roof); /* calm: the least exchange speed */
    assert_true(lit > 1e-3);
    WB_ASSERT_NEAR(shade, 0.0, 1e-4);
    les_test_free(&b);
  }
}

WB_TEST_MAIN(cmocka_unit_test(fluxes_by_class), cmocka_unit_test(exchange_by_class),
             cmocka_unit_test(direction_of_the_sun), cmocka_unit_test(shaded_court), cmocka_unit_test(light_is_caught),
             cmocka_unit_test(day_and_night), cmocka_unit_test(warm_in_the_sun))
