/* Rows of cubes, two coarse cells wide and as far apart, driven by the same force: how fast the air moves between and
 * above them must hardly depend on where along the wind the cells cut the cubes. By columns four times finer, shifted
 * by none to three of them; shift none is a run of whole cells. */
#include "les_test.h"

enum { N = 8, NZ = 8, RATIO = 4, CUBE = 8, PERIOD = 16 };
#define DX 10.0
#define FORCE 2e-3 /* [m s-2] */

static int shift;

static int roof(int j, int i) {
  return (i + shift) % PERIOD < CUBE && j % PERIOD < CUBE ? CUBE : 0;
}

/* Mean wind along x below the cubes' roofs and above them, over space and the second half of the run; per height of
 * air. */
static void run(double speed[2]) {
  LesBox b = {0};
  WbLesOptions o;
  wb_les_options_default(&o);
  o.momentum_only = true;
  o.wind_speed_m_per_s = 4.0;
  o.wind_direction_deg = 270.0;
  o.wind_height_m = 60.0;
  o.sponge_height_m = 1e9;
  o.form_drag = 0.9;
  double *zf = les_test_faces(NZ, DX, 1.0);
  WB_OK(wb_grid_create(PETSC_COMM_WORLD, N, N, NZ, 1, 0, 0, true, true, &b.grid));
  b.grid->dx_m = DX;
  int32_t roofs[RATIO * N * RATIO * N];
  for (int j = 0, n = 0; j < RATIO * N; j++)
    for (int i = 0; i < RATIO * N; i++) roofs[n++] = roof(j, i);
  const WbLesVoxels voxels = {.ratio = RATIO, .roof = roofs, .solid_from = 0.95};
  WB_OK(wb_les_create_porous(b.grid, zf, &voxels, NULL, NULL, &o, &b.les));
  b.les->force[0] = FORCE;
  WB_OK(wb_les_init(b.les, 0.0));
  WB_OK(wb_les_advance(b.les, 1500.0, NULL, NULL));
  WB_OK(wb_les_mean_reset(b.les));
  WB_OK(wb_les_advance(b.les, 4500.0, NULL, NULL));
  static float u[N * N * NZ];
  WB_OK(wb_les_mean(b.les, NULL, u, NULL, NULL));
  double sum[2] = {0.0, 0.0}, air[2] = {0.0, 0.0};
  for (int k = 0, n = 0; k < NZ; k++)
    for (int j = 0; j < N; j++)
      for (int i = 0; i < N; i++, n++) {
        const size_t at = wb_les_at(&b.les->lay, k, j, i);
        if (b.les->solid[at]) continue;
        const double share = wb_les_porous_share(b.les, at);
        sum[k > 1] += share * (double)u[n];
        air[k > 1] += share;
      }
  for (int part = 0; part < 2; part++) speed[part] = sum[part] / air[part];
  les_test_free(&b);
  free(zf);
}

static void speed_hardly_depends_on_phase(void **state) {
  double first[2], speed[2];
  for (shift = 0; shift < RATIO; shift++) {
    run(shift ? speed : first);
    if (!shift) continue;
    print_message("shift %d: below the roofs %.3f of %.3f m/s, above %.3f of %.3f m/s\n", shift, speed[0], first[0],
                  speed[1], first[1]);
    WB_ASSERT_BELOW(fabs(speed[0] / first[0] - 1.0), 0.15);
    WB_ASSERT_BELOW(fabs(speed[1] / first[1] - 1.0), 0.07);
  }
}

WB_TEST_MAIN(cmocka_unit_test(speed_hardly_depends_on_phase))
