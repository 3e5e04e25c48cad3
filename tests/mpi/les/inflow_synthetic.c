/* Synthetic inflow turbulence: mean, stresses and integral scales are those asked for; a record does not depend on what
 * was asked before nor on the number of ranks; coarse and fine runs see the same; a run fed by it stays turbulent. */
#include <string.h>

#include "inflow_internal.h"
#include "wb_test.h"

enum { NX = 16, NY = 12, NZ = 8, RECORDS = 6400, SCALE = 16 };
#define DX 20.0
#define LENGTH 100.0
#define SPEED 5.0
static double zf[NZ + 1];

static WbLesOptions options_make(double direction) {
  WbLesOptions o;
  wb_les_options_default(&o);
  o.wind_speed_m_per_s = SPEED;
  o.wind_direction_deg = direction;
  o.wind_height_m = 100;
  o.mixed_height_m = 400;
  o.z0_ground_m = 0.5;
  o.sponge_height_m = 1e9;
  o.seed = 7;
  return o;
}

static WbInflow inflow_make(MPI_Comm comm, const WbLesOptions *o, double t_last) {
  WbInflow in = NULL;
  for (int k = 0; k <= NZ; k++) zf[k] = DX * k;
  const WbInflowDomain d = {.nx = NX, .ny = NY, .nz = NZ, .dx_m = DX, .zf = zf, .t_first_s = -100, .t_last_s = t_last};
  WB_OK(wb_inflow_synthetic(comm, &d, o, LENGTH, &in));
  return in;
}

/* Component c of the west edge's face (k, m) at the time evaluated last: normal, tangential, vertical. */
static double west(const WbInflow in, int c, int k, int m) {
  return (double)in->now[(wb_inflow_plane(in, (WbInflowPlane)c, false) * NZ + (size_t)k) * NY + (size_t)m];
}

typedef struct {
  double mean[3], square[3], uw, lag_time, lag_along, lag_up, count;
} Sums;

/* West wind: u is along, v across. */
static void add(Sums *s, const WbInflow in, int k, const double *before, double mean) {
  for (int m = 0; m < NY; m++) {
    const double u = west(in, 0, k, m) - mean;
    for (int c = 0; c < 3; c++) {
      const double q = west(in, c, k, m) - (c == 0 ? mean : 0);
      s->mean[c] += q;
      s->square[c] += q * q;
    }
    s->uw += u * west(in, 2, k, m);
    s->lag_time += u * before[m];
    s->lag_along += u * (west(in, 0, k, (m + 2) % NY) - mean) * (m + 2 < NY);
    s->count++;
  }
}

static void test_statistics(void **state) {
  (void)state;
  enum { K = 3 };
  const WbLesOptions o = options_make(270);
  const double step = LENGTH / SPEED / SCALE;
  WbInflow in = inflow_make(PETSC_COMM_SELF, &o, -100 + RECORDS * step);
  const double z = 0.5 * (zf[K] + zf[K + 1]), u_star = WB_KARMAN * SPEED / log(100 / 0.5);
  const double mean = SPEED * log(z / 0.5) / log(100 / 0.5), part = 1 - z / 400, part_w = 1 - zf[K] / 400;
  static double ring[SCALE][NY];
  Sums s = {0};
  for (int n = 0; n < RECORDS; n++) {
    WB_OK(wb_inflow_evaluate(in, -100 + n * step));
    double before[NY];
    memcpy(before, ring[n % SCALE], sizeof before);
    for (int m = 0; m < NY; m++) ring[n % SCALE][m] = west(in, 0, K, m) - mean;
    if (n >= SCALE) add(&s, in, K, before, mean);
  }
  const double n = s.count, var_u = 2.4 * 2.4 * u_star * u_star * part;
  print_message("u* %.3f: mean %.3f of %.3f, variances / u*^2 %.2f %.2f %.2f, uw %.3f\n", u_star, mean + s.mean[0] / n,
                mean, s.square[0] / n / u_star / u_star, s.square[1] / n / u_star / u_star,
                s.square[2] / n / u_star / u_star, s.uw / n / u_star / u_star);
  WB_ASSERT_NEAR(s.mean[0] / n, 0, 0.05 * sqrt(var_u));
  WB_ASSERT_NEAR(s.square[0] / n / var_u, 1, 0.08);
  WB_ASSERT_NEAR(s.square[1] / n / (1.9 * 1.9 * u_star * u_star * part), 1, 0.08);
  WB_ASSERT_NEAR(s.square[2] / n / (1.25 * 1.25 * u_star * u_star * part_w), 1, 0.08);
  WB_ASSERT_NEAR(s.uw / n / (u_star * u_star * sqrt(part * part_w)), -1, 0.12);
  /* exp(-pi/4 (r / L)^2): one time scale; two faces along the edge, whose scale is half the length */
  const double in_time = s.lag_time / s.square[0], along = s.lag_along / s.square[0] * NY / (NY - 2);
  print_message("correlation after a time scale %.3f, over two faces %.3f\n", in_time, along);
  WB_ASSERT_NEAR(in_time, exp(-0.25 * PETSC_PI), 0.05);
  WB_ASSERT_NEAR(along, exp(-0.25 * PETSC_PI * pow(2 * DX / (0.5 * LENGTH), 2)), 0.05);
  wb_inflow_destroy(&in);
}

/* Any order, this number of ranks and one: the same bytes. Another seed: others. */
static void test_same(void **state) {
  (void)state;
  WbLesOptions o = options_make(225);
  WbInflow all = inflow_make(PETSC_COMM_WORLD, &o, 500), one = inflow_make(PETSC_COMM_SELF, &o, 900);
  const double times[] = {500, -100, 33.3, 34, 250, -99};
  const size_t bytes = (all->size_x + all->size_y) * sizeof(float);
  for (size_t n = 0; n < sizeof times / sizeof *times; n++) {
    WB_OK(wb_inflow_evaluate(all, times[n]));
    for (double t = -100; n == 4 && t < 250; t += 50) WB_OK(wb_inflow_evaluate(one, t));
    WB_OK(wb_inflow_evaluate(one, times[n]));
    assert_memory_equal(all->now, one->now, bytes);
  }
  o.seed = 8;
  WbInflow other = inflow_make(PETSC_COMM_SELF, &o, 900);
  WB_OK(wb_inflow_evaluate(other, -99));
  assert_int_not_equal(memcmp(other->now, one->now, bytes), 0);
  wb_inflow_destroy(&other);
  wb_inflow_destroy(&one);
  wb_inflow_destroy(&all);
}

/* The normal wind through every face of 20 m is that of the four fine cells behind it, at any time. */
static void test_fine_sees_the_same(void **state) {
  (void)state;
  const WbLesOptions o = options_make(225);
  WbInflow in = inflow_make(PETSC_COMM_SELF, &o, 500);
  WbGrid *g[2] = {NULL, NULL};
  WbPlanes *p[2] = {NULL, NULL};
  double fine[4 * NZ + 1];
  for (int k = 0; k <= 4 * NZ; k++) fine[k] = 0.25 * DX * k;
  for (int r = 0; r < 2; r++) {
    const int ratio = r ? 4 : 1;
    WB_OK(wb_grid_create(PETSC_COMM_SELF, NX * ratio, NY * ratio, NZ * ratio, 1, 0, 0, false, false, &g[r]));
    g[r]->dx_m = DX / ratio;
    WB_OK(wb_inflow_bind(in, g[r], WB_LES_GHOST, r ? fine : zf, &p[r]));
    WB_OK(wb_inflow_at(in, 123.4, p[r]));
  }
  double spread = 0;
  for (int s = 0; s < 2; s++) /* west, east */
    for (int k = 0; k < 4 * NZ; k++)
      for (int m = 0; m < 4 * NY; m++) {
        const int w = WB_LES_GHOST;
        const double coarse = (double)p[0]->side[s].u[(k / 4) * (NY + 2 * w) + m / 4 + w];
        WB_ASSERT_NEAR(p[1]->side[s].u[k * (4 * NY + 2 * w) + m + w], coarse, 0);
        spread = fmax(spread, fabs(coarse - (double)p[0]->side[0].u[w]));
      }
  WB_ASSERT_BELOW(0.5, spread);
  for (int r = 0; r < 2; r++) {
    wb_inflow_unbind(&p[r]);
    wb_grid_destroy(&g[r]);
  }
  wb_inflow_destroy(&in);
}

static void test_run(void **state) {
  (void)state;
  const WbLesOptions o = options_make(225);
  WbInflow in = inflow_make(PETSC_COMM_WORLD, &o, 300);
  WbGrid *g = NULL;
  WbLes les = NULL;
  double tke[NZ];
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, NX, NY, NZ, 1, 0, 0, false, false, &g));
  g->dx_m = DX;
  WB_OK(wb_les_create(g, zf, NULL, NULL, in, &o, &les));
  WB_OK(wb_les_init(les, -100));
  WB_OK(wb_les_advance(les, 0, NULL, NULL));
  WB_OK(wb_les_mean_reset(les));
  WB_OK(wb_les_advance(les, 300, NULL, NULL));
  WB_OK(wb_les_resolved_tke(les, tke));
  WbLesSummary sum;
  WB_OK(wb_les_summary(les, &sum));
  const double u_star = WB_KARMAN * SPEED / log(100 / 0.5);
  print_message("resolved turbulence inside: %.2f u*^2 at %.0f m, %.2f u*^2 at %.0f m\n", tke[1] / u_star / u_star,
                1.5 * DX, tke[5] / u_star / u_star, 5.5 * DX);
  WB_ASSERT_BELOW(0.5 * u_star * u_star, tke[1]);
  WB_ASSERT_BELOW(tke[1], 12 * u_star * u_star);
  WB_ASSERT_BELOW(sum.max_divergence_scaled, 1.01e-5);
  wb_les_destroy(&les);
  wb_inflow_destroy(&in);
  wb_grid_destroy(&g);
}

WB_TEST_MAIN(cmocka_unit_test(test_statistics), cmocka_unit_test(test_same), cmocka_unit_test(test_fine_sees_the_same),
             cmocka_unit_test(test_run))
