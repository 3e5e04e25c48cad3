/* Budget of kinetic energy: its rate of change is the work of the body force, the large-scale wind's Coriolis force and
 * buoyancy, less what walls and subgrid stress take. Advection, the Coriolis force itself and pressure do no work. Each
 * term is worked out here from the fields, term by term; city, stretched levels, Vreman's closure, log-law walls. */
#include "les_test.h"

enum { NX = 14, NY = 12, NZ = 9 };
#define DX 10.0

static bool city(int k, int j, int i) {
  const unsigned h = ((unsigned)(i / 3) * 2654435761U) ^ ((unsigned)(j / 3) * 40503U * 65537U);
  return k < (int)((h >> 7) % 5U) && (h >> 13) % 2U;
}

static double g(WbLes les, int f, int k, int j, int i) {
  return les_test_get(les, f, k, j, i);
}

/* Mean viscosity of the four cells around an edge, 0 when one is solid. d: the two steps back. */
static double edge(WbLes les, size_t at, size_t d1, size_t d2) {
  const double *n = les->nut, s = 0.25 * (n[at] + n[at - d1] + n[at - d2] + n[at - d1 - d2]);
  return s > 0.0 ? s : 0.0;
}

/* sum over the volume of tau : grad u [m5 s-3]; nut as it stands. */
static double subgrid(WbLes les) {
  const WbLesLayout *l = &les->lay;
  const double *nut = les->nut;
  const size_t sy = (size_t)l->sy, sz = l->sz;
  double sum = 0.0;
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < NY; j++)
      for (int i = 0; i < NX; i++) {
        const size_t at = wb_les_at(l, k, j, i);
        const double dz = les->met.dz[k + 1], dzf = les->met.dzf[k + 1], a = DX * DX;
        const double ux = (g(les, WB_U, k, j, i + 1) - g(les, WB_U, k, j, i)) / DX;
        const double vy = (g(les, WB_V, k, j + 1, i) - g(les, WB_V, k, j, i)) / DX;
        const double wz = (g(les, WB_W, k + 1, j, i) - g(les, WB_W, k, j, i)) / dz;
        if (!les->solid[at]) sum += 2.0 * nut[at] * (ux * ux + vy * vy + wz * wz) * a * dz;
        const double xy =
            (g(les, WB_U, k, j, i) - g(les, WB_U, k, j - 1, i) + g(les, WB_V, k, j, i) - g(les, WB_V, k, j, i - 1)) /
            DX;
        sum += edge(les, at, 1, sy) * xy * xy * a * dz;
        if (k == 0) continue;
        const double xz = (g(les, WB_U, k, j, i) - g(les, WB_U, k - 1, j, i)) / dzf +
                          (g(les, WB_W, k, j, i) - g(les, WB_W, k, j, i - 1)) / DX;
        const double yz = (g(les, WB_V, k, j, i) - g(les, WB_V, k - 1, j, i)) / dzf +
                          (g(les, WB_W, k, j, i) - g(les, WB_W, k, j - 1, i)) / DX;
        sum += (edge(les, at, 1, sz) * xz * xz + edge(les, at, sy, sz) * yz * yz) * a * dzf;
      }
  return sum;
}

/* Work against the log law on every wall, from the mask alone. */
static double along(WbLes les, int f, int k, int j, int i, int other) { /* mean of the other component's four faces */
  const int d[3][3] = {{0, 0, 1}, {0, 1, 0}, {1, 0, 0}};                /* k, j, i of a step along u, v, w */
  double sum = 0.0;
  for (int a = 0; a < 2; a++)
    for (int b = 0; b < 2; b++)
      sum += g(les, other, k - a * d[f][0] + b * d[other][0], j - a * d[f][1] + b * d[other][1],
               i - a * d[f][2] + b * d[other][2]);
  return 0.25 * sum;
}
static double walls(WbLes les) {
  const WbLesLayout *l = &les->lay;
  const ptrdiff_t step[3] = {1, l->sy, (ptrdiff_t)l->sz};
  double sum = 0.0;
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < NY; j++)
      for (int i = 0; i < NX; i++)
        for (int f = 0; f < 3; f++) {
          const ptrdiff_t at = (ptrdiff_t)wb_les_at(l, k, j, i);
          if (!(les->flags[at] & (1U << f))) continue;
          const double q = g(les, f, k, j, i);
          for (int half = 0; half < 2; half++) { /* the cells on either side of the face */
            const ptrdiff_t cell = half ? at : at - step[f];
            const int kc = f == WB_W && !half ? k - 1 : k;
            const double depth = les->met.dz[kc + 1];
            for (int n = 0; n < 3; n++) { /* normal of the wall */
              if (n == f) continue;
              const double t = along(les, f, k, j, i, 3 - f - n), h = n == 2 ? depth : DX;
              for (int side = -1; side <= 1; side += 2) {
                if (!les->solid[cell + side * step[n]]) continue;
                const bool ground = n == 2 && side < 0 && kc == 0;
                const double z0 = ground ? les->opt.z0_ground_m : les->opt.z0_wall_m, c = 0.4 / log(0.5 * h / z0);
                const double area = (n == 2 ? DX * DX : DX * depth) * 0.5;
                sum += c * c * hypot(q, t) * q * q * area;
              }
            }
          }
        }
  return sum;
}

static double buoyancy(WbLes les) {
  double sum = 0.0;
  for (int k = 1; k < NZ; k++)
    for (int j = 0; j < NY; j++)
      for (int i = 0; i < NX; i++) {
        const double lo = les->met.dz[k], hi = les->met.dz[k + 1]; /* linear between the centres */
        const double below = g(les, WB_THETA, k - 1, j, i) - les->met.theta_ref[k - 1],
                     here = g(les, WB_THETA, k, j, i) - les->met.theta_ref[k];
        const double t = (hi * below + lo * here) / (lo + hi);
        sum += g(les, WB_W, k, j, i) * 9.81 / les->opt.theta_surface_K * t * DX * DX * les->met.dzf[k + 1];
      }
  return sum;
}

/* sum of F . u with F = force + f (-v_g, u_g). */
static double forces(WbLes les) {
  const double f = les->coriolis_per_s, *wind = les->geostrophic;
  double sum = 0.0;
  for (int k = 0; k < NZ; k++)
    for (int j = 0; j < NY; j++)
      for (int i = 0; i < NX; i++)
        sum += ((les->force[0] - f * wind[1]) * g(les, WB_U, k, j, i) +
                (les->force[1] + f * wind[0]) * g(les, WB_V, k, j, i)) *
               DX * DX * les->met.dz[k + 1];
  return sum;
}

static void closes(void **state) {
  WbLesOptions o = les_test_options();
  o.momentum_only = false;
  o.closure = WB_CLOSURE_VREMAN;
  o.wall = WB_WALL_LOG;
  o.wind_speed_m_per_s = 5.0;
  o.wind_direction_deg = 230.0;
  o.wind_height_m = 60.0;
  o.mixed_height_m = 30.0;
  o.lapse_K_per_m = 0.01;
  o.heat_flux_K_m_per_s = 0.2;
  o.forcing.coriolis = true;
  o.forcing.latitude_deg = 90.0;
  double *zf = les_test_faces(NZ, 8.0, 1.12);
  LesBox b = les_test_box(NX, NY, NZ, DX, zf, true, city, &o);
  free(zf);
  WB_OK(wb_les_init(b.les, 0.0));
  b.les->force[0] = 0.01;
  b.les->force[1] = -0.02;
  for (int s = 0; s < 30; s++) WB_OK(wb_les_step(b.les, 1.0));
  const double dt = 1e-4;
  WB_OK(wb_les_step(b.les, dt)); /* its viscosity is that of the state before: the same to dt */
  const double e0 = les_test_energy(b.les);
  const double terms[4] = {forces(b.les), buoyancy(b.les), -walls(b.les), -subgrid(b.les)};
  WB_OK(wb_les_step(b.les, dt));
  const double rate = (les_test_energy(b.les) - e0) / dt, sum = terms[0] + terms[1] + terms[2] + terms[3];
  double size = 0.0;
  for (int t = 0; t < 4; t++) size += fabs(terms[t]);
  print_message("dE/dt %.4f = force %.4f + buoyancy %.4f - walls %.4f - subgrid %.4f, residual %.1e of the terms\n",
                rate, terms[0], terms[1], -terms[2], -terms[3], fabs(rate - sum) / size);
  for (int t = 0; t < 4; t++) assert_true(fabs(terms[t]) > 1e-3 * size); /* each counts */
  WB_ASSERT_NEAR(rate, sum, 2e-4 * size);
  les_test_free(&b);
}

WB_TEST_MAIN(cmocka_unit_test(closes))
