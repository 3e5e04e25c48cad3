/* Fields written by any split of the grid are read back exactly by any other; errors are shared by all ranks. */
#include "io_test.h"

static const double z_centres[NZ] = {2.5, 7.5, 15.0};

static WbNcGridHeader header(void) {
  return (WbNcGridHeader){.n_time = NT,
                          .n_member = NM,
                          .z = z_centres,
                          .start_time_iso = "2026-08-01T12:00:00",
                          .title = "test",
                          .history = "made by a test",
                          .source = "windbridge test",
                          .deck_yaml = "les:\n  dx_m: 20\n"};
}

static void write_file(const char *path, const WbGrid *g) {
  WbNc nc = NULL;
  float *a = NULL;
  uint8_t *mask = NULL;
  const WbNcGridHeader h = header();
  WB_OK(WB_ALLOC(wb_grid_owned(g), &a));
  WB_OK(WB_ALLOC(wb_grid_owned(g), &mask));
  WB_OK(wb_nc_create(g->comm, path, true, false, &nc));
  WB_OK(wb_nc_def_grid(nc, "/", g, &h));
  WB_OK(wb_nc_def_field(nc, "/", "T", "time,member,z,y,x"));
  WB_OK(wb_nc_def_field(nc, "/", "fluid_mask", "z,y,x"));
  WB_OK(wb_nc_def_field(nc, "/", "building_height", "y,x"));
  WB_OK(wb_nc_put_grid(nc, "/", g, &h));
  for (size_t i = 0; i < wb_grid_owned(g); i++) mask[i] = (uint8_t)(i % 2);
  WB_OK(wb_nc_put_mask(nc, "/", "fluid_mask", g, mask));
  test_fill(g, 0, 0, a);
  WB_OK(wb_nc_put_plane(nc, "/", "building_height", g, a));
  for (int t = 0; t + 1 < NT; t++) { /* the last minute stays unwritten */
    for (int m = 0; m < NM; m++) {
      test_fill(g, t, m, a);
      WB_OK(wb_nc_put_field(nc, "/", "T", g, t, m, a));
    }
    WB_OK(wb_nc_put_time(nc, "/", t, 60.0 * (t + 1), 60.0 * t));
    WB_OK(wb_nc_flush(nc));
  }
  WB_OK(wb_nc_close(&nc));
  WB_FREE(&a);
  WB_FREE(&mask);
}

/* Every rank reads the whole file on its own, so the layout does not depend on who wrote it. */
static void check_whole(const char *path) {
  WbNc nc = NULL;
  static float whole[NZ * NY * NX];
  WB_OK(wb_nc_open(PETSC_COMM_SELF, path, &nc));
  int bad = 0;
  for (int t = 0; t < NT; t++)
    for (int m = 0; m < NM; m++) {
      const int start[5] = {t, m, 0, 0, 0}, count[5] = {1, 1, NZ, NY, NX};
      WB_OK(wb_nc_get(nc, "/", "T", start, count, WB_NC_FLOAT, whole));
      for (int k = 0; k < NZ; k++)
        for (int j = 0; j < NY; j++)
          for (int i = 0; i < NX; i++) {
            const float v = whole[(k * NY + j) * NX + i];
            if (t + 1 < NT ? !(v == test_value(t, m, k, j, i)) : !isnan(v)) bad++;
          }
    }
  double time[NT];
  const int zero = 0, nt = NT;
  WB_OK(wb_nc_get(nc, "/", "time", &zero, &nt, WB_NC_DOUBLE, time));
  WB_OK(wb_nc_close(&nc));
  WB_ALL_RANKS(bad == 0);
  WB_ALL_RANKS(time[0] == 60.0 && time[1] == 120.0 && isnan(time[2]));
}

static void round_trip(void **state) {
  const WbGrid g = test_grid();
  const char *path = test_path("a.nc");
  write_file(path, &g);
  check_whole(path);
  /* and with the grid's own split, through the field functions */
  WbNc nc = NULL;
  float *a = NULL;
  uint8_t *mask = NULL;
  WB_OK(WB_ALLOC(wb_grid_owned(&g), &a));
  WB_OK(WB_ALLOC(wb_grid_owned(&g), &mask));
  WB_OK(wb_nc_open(g.comm, path, &nc));
  WB_OK(wb_nc_get_field(nc, "/", "T", &g, 1, 1, a));
  WB_ALL_RANKS(test_differences(&g, 1, 1, a) == 0);
  WB_OK(wb_nc_get_mask(nc, "/", "fluid_mask", &g, mask));
  int bad = 0;
  for (size_t i = 0; i < wb_grid_owned(&g); i++) bad += mask[i] != i % 2;
  WB_ALL_RANKS(bad == 0);
  WB_OK(wb_nc_get_plane(nc, "/", "building_height", &g, a));
  WB_ALL_RANKS(a[0] == test_value(0, 0, 0, g.y0, g.x0));
  bool has = false;
  char text[64];
  WB_OK(wb_nc_get_att_text(nc, "/", NULL, "deck", &has, text, sizeof(text)));
  WB_ALL_RANKS(has && strcmp(text, "les:\n  dx_m: 20\n") == 0);
  WB_OK(wb_nc_get_att_text(nc, "/", "T", "units", &has, text, sizeof(text)));
  WB_ALL_RANKS(has && strcmp(text, "K") == 0);
  WB_OK(wb_nc_has(nc, "/lr", "T", &has));
  WB_ALL_RANKS(!has);
  WB_OK(wb_nc_close(&nc));
  WB_FREE(&a);
  WB_FREE(&mask);
  test_remove(path);
}

/* A restarted run fills in the minutes that are missing. */
static void append(void **state) {
  const WbGrid g = test_grid();
  const char *path = test_path("append.nc");
  WbNc nc = NULL;
  float *a = NULL;
  write_file(path, &g);
  WB_OK(WB_ALLOC(wb_grid_owned(&g), &a));
  WB_OK(wb_nc_open_append(g.comm, path, &nc));
  test_fill(&g, 2, 0, a);
  WB_OK(wb_nc_put_field(nc, "/", "T", &g, 2, 0, a));
  WB_OK(wb_nc_put_time(nc, "/", 2, 180.0, 120.0));
  WB_OK(wb_nc_close(&nc));
  WB_OK(wb_nc_open(g.comm, path, &nc));
  WB_OK(wb_nc_get_field(nc, "/", "T", &g, 2, 0, a));
  WB_ALL_RANKS(test_differences(&g, 2, 0, a) == 0);
  WB_OK(wb_nc_get_field(nc, "/", "T", &g, 1, 1, a));
  WB_ALL_RANKS(test_differences(&g, 1, 1, a) == 0);
  WB_OK(wb_nc_close(&nc));
  WB_FREE(&a);
  test_remove(path);
}

/* Groups, as pair files have them; dimensions of the parent are seen in the group. */
static void groups(void **state) {
  const WbGrid g = test_grid();
  const char *path = test_path("groups.nc");
  char temporary[300];
  WbNc nc = NULL;
  WbNcGridHeader h = header();
  h.n_member = 0;
  WB_OK(wb_nc_create(g.comm, path, false, true, &nc));
  snprintf(temporary, sizeof(temporary), "%s.tmp", path);
  WB_ALL_RANKS(access(temporary, F_OK) == 0 && access(path, F_OK) != 0);
  WB_OK(wb_nc_def_grid(nc, "/lr", &g, &h));
  WB_OK(wb_nc_def_field(nc, "/lr", "u", "time,z,y,x"));
  WB_OK(wb_nc_def_grid(nc, "/hr", &g, &h));
  WB_OK(wb_nc_def_field(nc, "/hr", "u", "time,z,y,x"));
  WB_OK(wb_nc_att_real(nc, "/", NULL, "wind_speed_m_per_s", 4.5));
  WB_OK(wb_nc_att_int(nc, "/hr", "u", "number", 7));
  WB_OK(wb_nc_put_grid(nc, "/lr", &g, &h));
  WB_OK(wb_nc_put_grid(nc, "/hr", &g, &h));
  float *a = NULL;
  WB_OK(WB_ALLOC(wb_grid_owned(&g), &a));
  test_fill(&g, 0, 0, a);
  WB_OK(wb_nc_put_field(nc, "/hr", "u", &g, 1, -1, a));
  WB_OK(wb_nc_close(&nc));
  WB_ALL_RANKS(access(temporary, F_OK) != 0 && access(path, F_OK) == 0);
  WB_OK(wb_nc_open(g.comm, path, &nc));
  WB_OK(wb_nc_get_field(nc, "/hr", "u", &g, 1, -1, a));
  WB_ALL_RANKS(test_differences(&g, 0, 0, a) == 0);
  bool has = false;
  double v = 0.0;
  WB_OK(wb_nc_get_att_real(nc, "/", NULL, "wind_speed_m_per_s", &has, &v));
  WB_ALL_RANKS(has && v == 4.5);
  WB_OK(wb_nc_get_att_real(nc, "/hr", "u", "number", &has, &v));
  WB_ALL_RANKS(has && v == 7.0);
  WB_OK(wb_nc_close(&nc));
  WB_FREE(&a);
  test_remove(path);
}

/* int16 with scale_factor, uneven blocks; a rank may have nothing to write. */
static void packed(void **state) {
  const WbGrid g = test_grid();
  const char *path = test_path("packed.nc");
  WbNc nc = NULL;
  WB_OK(wb_nc_create(g.comm, path, true, false, &nc));
  WB_OK(wb_nc_def_dim(nc, "/", "n", 10));
  WB_OK(wb_nc_def_var(nc, "/", "p", WB_NC_INT16, "n"));
  WB_OK(wb_nc_att_real(nc, "/", "p", "scale_factor", 0.5));
  WB_OK(wb_nc_att_real(nc, "/", "p", "add_offset", 100.0));
  int16_t raw[10];
  for (int i = 0; i < 10; i++) raw[i] = (int16_t)(i - 5);
  const int start = 0, count = g.rank == g.size - 1 ? 10 : 0;
  WB_OK(wb_nc_put(nc, "/", "p", &start, &count, raw));
  WB_OK(wb_nc_close(&nc));
  WB_OK(wb_nc_open(g.comm, path, &nc));
  float f[10];
  double d[10];
  int32_t whole[10];
  const int ten = 10;
  WB_OK(wb_nc_get(nc, "/", "p", &start, &ten, WB_NC_FLOAT, f));
  WB_OK(wb_nc_get(nc, "/", "p", &start, &ten, WB_NC_DOUBLE, d));
  WB_OK(wb_nc_get(nc, "/", "p", &start, &ten, WB_NC_INT32, whole));
  int bad = 0;
  for (int i = 0; i < 10; i++) bad += !(f[i] == 100.0F + 0.5F * (i - 5)) + !(d[i] == 100.0 + 0.5 * (i - 5));
  WB_ALL_RANKS(bad == 0 && whole[1] == 98);
  WB_OK(wb_nc_close(&nc));
  test_remove(path);
}

#define EXPECT(call, code, part)                                                                             \
  do {                                                                                                       \
    wb_error_clear();                                                                                        \
    const PetscErrorCode wb_e = (call);                                                                      \
    if (wb_e != (code) || !strstr(wb_error_message(), part))                                                 \
      fail_msg("%s: code %d, message \"%s\"; expected %d with \"%s\"", #call, (int)wb_e, wb_error_message(), \
               (int)(code), part);                                                                           \
    wb_error_clear();                                                                                        \
  } while (0)

/* Each refusal is one readable message, the same on all ranks, and nobody hangs. */
static void refusals(void **state) {
  WbGrid g = test_grid();
  const char *path = test_path("refuse.nc");
  WbNc nc = NULL;
  float *a = NULL;
  WB_OK(WB_ALLOC(wb_grid_owned(&g), &a));
  write_file(path, &g);
  EXPECT(wb_nc_create(g.comm, path, false, false, &nc), WB_ERR_IO, "run_overwrite");
  EXPECT(wb_nc_create(g.comm, "/nonexistent/folder/a.nc", true, false, &nc), WB_ERR_IO, "No such file");
  EXPECT(wb_nc_open(g.comm, "/nonexistent.nc", &nc), WB_ERR_INPUT, "/nonexistent.nc");
  EXPECT(wb_nc_open(g.comm, "/etc", &nc), WB_ERR_INPUT, "not a regular file");
  EXPECT(wb_nc_open(g.comm, "/etc/passwd", &nc), WB_ERR_INPUT, "not an HDF5");
  WB_OK(wb_nc_open(g.comm, path, &nc));
  EXPECT(wb_nc_get_field(nc, "/", "q", &g, 0, 0, a), WB_ERR_INPUT, "no variable q");
  EXPECT(wb_nc_get_field(nc, "/", "q", &g, 0, 0, a), WB_ERR_INPUT, "building_height"); /* lists what is there */
  EXPECT(wb_nc_get_field(nc, "/", "T", &g, NT, 0, a), WB_ERR_INPUT, "3 x 2 x 3 x 13 x 11");
  EXPECT(wb_nc_get_field(nc, "/", "T", &g, 0, -1, a), WB_ERR_INPUT, "wanted");
  EXPECT(wb_nc_get_field(nc, "/pairs", "T", &g, 0, 0, a), WB_ERR_INPUT, "no group /pairs");
  const int far[5] = {0, 0, 0, 0, NX}, one[5] = {1, 1, 1, 1, g.rank == 0}; /* only rank 0 is at fault */
  EXPECT(wb_nc_get(nc, "/", "T", far, one, WB_NC_FLOAT, a), WB_ERR_INPUT, "axis 4");
  WB_OK(wb_nc_close(&nc));
  WB_FREE(&a);
  test_remove(path);
}

WB_TEST_MAIN(cmocka_unit_test(round_trip), cmocka_unit_test(append), cmocka_unit_test(groups), cmocka_unit_test(packed),
             cmocka_unit_test(refusals))
