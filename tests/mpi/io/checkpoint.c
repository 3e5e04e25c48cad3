/* Checkpoints: exact round trips over any split, damage found, the previous one used, the last good one kept. */
#include "io_test.h"

static void put(WbCheckpoint ck, const WbGrid *g, const char *name, int stamp) {
  float *a = NULL;
  WB_OK(WB_ALLOC(wb_grid_owned(g), &a));
  test_fill(g, stamp, 0, a);
  const int dims[3] = {NZ, NY, NX}, start[3] = {0, g->y0, g->x0}, count[3] = {NZ, g->nyl, g->nxl};
  WB_OK(wb_checkpoint_put(ck, name, WB_FP32, 3, dims, start, count, a));
  WB_FREE(&a);
}

static bool holds(WbCheckpoint ck, const WbGrid *g, const char *name, int stamp) {
  float *a = NULL;
  WB_OK(WB_ALLOC(wb_grid_owned(g), &a));
  const int dims[3] = {NZ, NY, NX}, start[3] = {0, g->y0, g->x0}, count[3] = {NZ, g->nyl, g->nxl};
  WB_OK(wb_checkpoint_get(ck, name, WB_FP32, 3, dims, start, count, a));
  const bool same = test_differences(g, stamp, 0, a) == 0;
  WB_FREE(&a);
  return same;
}

static void write_checkpoint(const char *path, const WbGrid *g, int stamp) {
  WbCheckpoint ck = NULL;
  WB_OK(wb_checkpoint_create(g->comm, path, &ck));
  put(ck, g, "u", stamp);
  double planes[4] = {1.0, 2.0, 3.0, (double)stamp};
  const int four = 4, zero = 0, mine = g->rank == 0 ? 4 : 0; /* a global array that one rank writes */
  WB_OK(wb_checkpoint_put(ck, "planes", WB_FP64, 1, &four, &zero, &mine, planes));
  WB_OK(wb_checkpoint_put_real(ck, "time_s", 60.0 * stamp));
  WB_OK(wb_checkpoint_put_text(ck, "deck", "les: {dx_m: 20}"));
  WB_OK(wb_checkpoint_close(&ck));
}

static void remove_all(const char *path) {
  char other[300];
  snprintf(other, sizeof(other), "%s.prev", path);
  test_remove(path);
  test_remove(other);
}

static void round_trip(void **state) {
  const WbGrid g = test_grid();
  const char *path = test_path("ck.h5");
  WbCheckpoint ck = NULL;
  double time = 0.0, planes[4] = {0};
  char deck[64];
  bool has = false;
  write_checkpoint(path, &g, 2);
  WB_OK(wb_checkpoint_open(g.comm, path, &ck));
  WB_ALL_RANKS(holds(ck, &g, "u", 2));
  const int four = 4, zero = 0;
  WB_OK(wb_checkpoint_get(ck, "planes", WB_FP64, 1, &four, &zero, &four, planes));
  WB_OK(wb_checkpoint_get_real(ck, "time_s", &time));
  WB_OK(wb_checkpoint_get_text(ck, "deck", deck, sizeof(deck)));
  WB_ALL_RANKS(planes[3] == 2.0 && time == 120.0 && strcmp(deck, "les: {dx_m: 20}") == 0);
  WB_OK(wb_checkpoint_has(ck, "u", &has));
  WB_ALL_RANKS(has);
  WB_OK(wb_checkpoint_has(ck, "w", &has));
  WB_ALL_RANKS(!has);
  /* another set-up */
  const int wrong[3] = {NZ, NY, NX + 1}, start[3] = {0, 0, 0}, count[3] = {0, 0, 0};
  const int dims[3] = {NZ, NY, NX};
  WB_ALL_RANKS(wb_checkpoint_get(ck, "u", WB_FP32, 3, wrong, start, count, NULL) == WB_ERR_INPUT);
  WB_ALL_RANKS(strstr(wb_error_message(), "3 x 13 x 11") != NULL);
  wb_error_clear();
  WB_ALL_RANKS(wb_checkpoint_get(ck, "u", WB_FP64, 3, dims, start, count, NULL) == WB_ERR_INPUT);
  wb_error_clear();
  WB_ALL_RANKS(wb_checkpoint_get(ck, "w", WB_FP32, 3, dims, start, count, NULL) == WB_ERR_INPUT);
  wb_error_clear();
  WB_ALL_RANKS(wb_checkpoint_get_real(ck, "dt", &time) == WB_ERR_INPUT);
  wb_error_clear();
  WB_OK(wb_checkpoint_close(&ck));
  remove_all(path);
}

/* Flip one byte of the raw data, which HDF5 itself does not check. */
static void damage(const char *path, const WbGrid *g) {
  MPI_Barrier(g->comm);
  if (g->rank == 0) {
    const float wanted = test_value(3, 0, 1, 5, 5);
    unsigned char needle[4];
    memcpy(needle, &wanted, 4);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    static unsigned char all[1 << 20];
    const size_t n = fread(all, 1, sizeof(all), f);
    size_t at = 0;
    while (at + 4 <= n && memcmp(all + at, needle, 4) != 0) at++;
    assert_true(at + 4 <= n);
    fseek(f, (long)at, SEEK_SET);
    fputc(all[at] ^ 0x10, f);
    fclose(f);
  }
  MPI_Barrier(g->comm);
}

static void falls_back(void **state) {
  const WbGrid g = test_grid();
  const char *path = test_path("fallback.h5");
  WbCheckpoint ck = NULL;
  write_checkpoint(path, &g, 2);
  write_checkpoint(path, &g, 3);
  WB_OK(wb_checkpoint_open(g.comm, path, &ck));
  WB_ALL_RANKS(holds(ck, &g, "u", 3));
  WB_OK(wb_checkpoint_close(&ck));
  damage(path, &g);
  WB_OK(wb_checkpoint_open(g.comm, path, &ck));
  WB_ALL_RANKS(holds(ck, &g, "u", 2));
  WB_OK(wb_checkpoint_close(&ck));
  /* a torn file, then none at all */
  if (g.rank == 0) assert_int_equal(truncate(path, 700), 0);
  WB_OK(wb_checkpoint_open(g.comm, path, &ck));
  WB_ALL_RANKS(holds(ck, &g, "u", 2));
  WB_OK(wb_checkpoint_close(&ck));
  test_remove(path);
  WB_OK(wb_checkpoint_open(g.comm, path, &ck));
  WB_ALL_RANKS(holds(ck, &g, "u", 2));
  WB_OK(wb_checkpoint_close(&ck));
  remove_all(path);
  WB_ALL_RANKS(wb_checkpoint_open(g.comm, path, &ck) == WB_ERR_INPUT);
  WB_ALL_RANKS(strstr(wb_error_message(), path) != NULL && ck == NULL);
  wb_error_clear();
}

/* Given up half-way: the last good one stays, no temporary file is left. */
static void gives_up(void **state) {
  const WbGrid g = test_grid();
  const char *path = test_path("abort.h5");
  char temporary[300];
  snprintf(temporary, sizeof(temporary), "%s.tmp", path);
  WbCheckpoint ck = NULL;
  write_checkpoint(path, &g, 1);
  WB_OK(wb_checkpoint_create(g.comm, path, &ck));
  put(ck, &g, "u", 9);
  WB_ALL_RANKS(access(temporary, F_OK) == 0);
  WB_OK(wb_checkpoint_abort(&ck));
  MPI_Barrier(g.comm);
  WB_ALL_RANKS(access(temporary, F_OK) != 0);
  WB_OK(wb_checkpoint_open(g.comm, path, &ck));
  WB_ALL_RANKS(holds(ck, &g, "u", 1));
  WB_OK(wb_checkpoint_close(&ck));
  remove_all(path);
}

WB_TEST_MAIN(cmocka_unit_test(round_trip), cmocka_unit_test(falls_back), cmocka_unit_test(gives_up))
