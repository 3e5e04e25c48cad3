/* Damaged, foreign and impossible files: each is refused with one message, none crashes. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "wb_test.h"
#include "windbridge/io.h"

enum { N = 40 };
static char dir[200];

static const char *in_dir(const char *name) {
  static char path[2][300];
  static int next = 0;
  next = !next;
  snprintf(path[next], sizeof(path[next]), "%s/%s", dir, name);
  return path[next];
}

static int setup(void **state) {
  const char *base = getenv("TMPDIR");
  snprintf(dir, sizeof(dir), "%s/wb_io_damage_XXXXXX", base ? base : "/tmp");
  return mkdtemp(dir) == NULL;
}

static int teardown(void **state) {
  static const char *const names[] = {"a.nc", "b.nc", "full.nc", "t.json", "ck.h5", "ck.h5.prev", "x/y", "x"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) remove(in_dir(names[i]));
  return rmdir(dir);
}

static PetscErrorCode write_file(const char *path, int n) {
  WbNc nc = NULL;
  PetscFunctionBeginUser;
  float *a = NULL;
  PetscCall(WB_ALLOC((size_t)n * n, &a));
  for (int i = 0; i < n * n; i++) a[i] = (float)i;
  PetscErrorCode ierr = wb_nc_create(PETSC_COMM_SELF, path, true, false, &nc);
  if (!ierr) ierr = wb_nc_def_dim(nc, "/", "y", n);
  if (!ierr) ierr = wb_nc_def_dim(nc, "/", "x", n);
  for (int v = 0; v < 4 && !ierr; v++) {
    const char *names[] = {"u", "v", "w", "T"};
    const int start[2] = {0, 0}, count[2] = {n, n};
    ierr = wb_nc_def_field(nc, "/", names[v], "y,x");
    if (!ierr) ierr = wb_nc_put(nc, "/", names[v], start, count, a);
  }
  WB_FREE(&a);
  if (ierr && nc) {
    (void)wb_nc_abort(&nc);
    PetscFunctionReturn(ierr);
  }
  PetscCall(wb_nc_close(&nc));
  PetscFunctionReturn(0);
}

/* Opens and reads all; 0 or an error code. */
static PetscErrorCode read_file(const char *path) {
  static const char *const names[] = {"u", "v", "w", "T"};
  WbNc nc = NULL;
  static float a[N * N];
  PetscFunctionBeginUser;
  PetscCall(wb_nc_open(PETSC_COMM_SELF, path, &nc));
  PetscErrorCode ierr = 0;
  for (int v = 0; v < 4 && !ierr; v++) {
    const int start[2] = {0, 0}, count[2] = {N, N};
    ierr = wb_nc_get(nc, "/", names[v], start, count, WB_NC_FLOAT, a);
  }
  bool has = false;
  char text[200];
  if (!ierr) ierr = wb_nc_get_att_text(nc, "/", "T", "units", &has, text, sizeof(text));
  (void)wb_nc_close(&nc);
  PetscFunctionReturn(ierr);
}

static unsigned char *slurp(const char *path, size_t *n) {
  struct stat st;
  assert_int_equal(stat(path, &st), 0);
  *n = (size_t)st.st_size;
  unsigned char *all = malloc(*n);
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  assert_int_equal(fread(all, 1, *n, f), *n);
  fclose(f);
  return all;
}

static void spill(const char *path, const unsigned char *all, size_t n) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  if (n) assert_int_equal(fwrite(all, 1, n, f), n);
  fclose(f);
}

static void truncated(void **state) {
  size_t n = 0;
  WB_OK(write_file(in_dir("a.nc"), N));
  WB_OK(read_file(in_dir("a.nc")));
  unsigned char *all = slurp(in_dir("a.nc"), &n);
  const size_t cuts[] = {0, 1, 7, 8, 12, 40, 96, 300, 1000, n / 4, n / 2, n - n / 10, n - 1};
  for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
    spill(in_dir("b.nc"), all, cuts[i]);
    wb_error_clear();
    const PetscErrorCode e = read_file(in_dir("b.nc"));
    if (e != WB_ERR_INPUT || !strstr(wb_error_message(), "b.nc"))
      fail_msg("cut at %zu of %zu: code %d, \"%s\"", cuts[i], n, (int)e, wb_error_message());
  }
  free(all);
}

/* One byte changed anywhere in the structure: an error or, in raw data and slack, a normal read; never a crash. */
static void flipped(void **state) {
  size_t n = 0;
  int refused = 0;
  unsigned char *all = slurp(in_dir("a.nc"), &n);
  for (size_t at = 0; at < n; at += at < 4096 ? 23 : 397) {
    all[at] ^= 0x55;
    spill(in_dir("b.nc"), all, n);
    all[at] ^= 0x55;
    wb_error_clear();
    const PetscErrorCode e = read_file(in_dir("b.nc"));
    if (e && e != WB_ERR_INPUT) fail_msg("byte %zu: code %d, \"%s\"", at, (int)e, wb_error_message());
    refused += e != 0;
  }
  free(all);
  assert_true(refused > 5); /* metadata is checksummed */
  wb_error_clear();
}

static void not_netcdf4(void **state) {
  WbNc nc = NULL;
  spill(in_dir("b.nc"), (const unsigned char *)"CDF\001 some classic file", 23);
  assert_int_equal(wb_nc_open(PETSC_COMM_SELF, in_dir("b.nc"), &nc), WB_ERR_INPUT);
  assert_non_null(strstr(wb_error_message(), "nccopy"));
  assert_null(nc);
  wb_error_clear();
}

/* A file-size limit stands for a full disk: the write fails in the same place. */
static void disk_full(void **state) {
  struct rlimit old, small;
  getrlimit(RLIMIT_FSIZE, &old);
  small = old;
  small.rlim_cur = 600 * 1024;
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  wb_error_clear();
  const PetscErrorCode e = write_file(in_dir("full.nc"), 400);
  const PetscErrorCode text = wb_file_write_text(PETSC_COMM_SELF, in_dir("t.json"), "{}\n");
  WbCheckpoint ck = NULL;
  static double big[400 * 400];
  const int dims[2] = {400, 400}, zero[2] = {0, 0};
  PetscErrorCode put = wb_checkpoint_create(PETSC_COMM_SELF, in_dir("ck.h5"), &ck);
  if (!put) put = wb_checkpoint_put(ck, "p", WB_FP64, 2, dims, zero, dims, big);
  const PetscErrorCode close = wb_checkpoint_close(&ck);
  setrlimit(RLIMIT_FSIZE, &old);
  signal(SIGXFSZ, SIG_DFL);
  assert_int_equal(e, WB_ERR_IO);
  assert_non_null(strstr(wb_error_message(), "full.nc"));
  assert_int_equal(text, 0); /* small things still fit */
  assert_int_equal(put, WB_ERR_IO);
  assert_int_equal(close, WB_ERR_IO); /* and is not committed */
  assert_int_not_equal(access(in_dir("ck.h5"), F_OK), 0);
  assert_int_not_equal(access(in_dir("ck.h5.tmp"), F_OK), 0);
  wb_error_clear();
}

static void texts_and_folders(void **state) {
  char path[300];
  snprintf(path, sizeof(path), "%s", in_dir("t.json"));
  WB_OK(wb_file_write_text(PETSC_COMM_SELF, path, "{\"a\": 1}\n"));
  size_t n = 0;
  unsigned char *all = slurp(path, &n);
  assert_true(n == 9 && memcmp(all, "{\"a\": 1}\n", 9) == 0);
  free(all);
  assert_int_not_equal(access(in_dir("t.json.tmp"), F_OK), 0);
  WB_OK(wb_output_dir_prepare(PETSC_COMM_SELF, in_dir("x/y")));
  WB_OK(wb_output_dir_prepare(PETSC_COMM_SELF, in_dir("x/y/"))); /* there already */
  assert_int_equal(wb_output_dir_prepare(PETSC_COMM_SELF, in_dir("t.json")), WB_ERR_IO);
  assert_non_null(strstr(wb_error_message(), "t.json"));
  wb_error_clear();
  assert_int_equal(wb_output_dir_prepare(PETSC_COMM_SELF, in_dir("t.json/below")), WB_ERR_IO);
  wb_error_clear();
  assert_int_equal(wb_output_dir_prepare(PETSC_COMM_SELF, "/proc/windbridge"), WB_ERR_IO);
  wb_error_clear();
  assert_int_equal(wb_file_write_text(PETSC_COMM_SELF, in_dir("none/t.json"), "x"), WB_ERR_IO);
  wb_error_clear();
}

int main(int argc, char **argv) {
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  wb_error_install();
  const struct CMUnitTest tests[] = {cmocka_unit_test(truncated), cmocka_unit_test(flipped),
                                     cmocka_unit_test(not_netcdf4), cmocka_unit_test(disk_full),
                                     cmocka_unit_test(texts_and_folders)};
  const int failed = cmocka_run_group_tests(tests, setup, teardown);
  return PetscFinalize() || failed;
}
