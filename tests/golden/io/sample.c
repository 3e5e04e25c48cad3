/* Writes a small result as the program does (hr.nc, lr.nc, hr.xmf), for the Python tests that open it with other tools.
 *   test_golden_io_sample DIR [pause_ms]
 *   test_golden_io_sample --read FILE GROUP VARIABLE   prints its shape, first values and the number of NaN
 * Prints "minute N" after each flush. Without arguments it writes into a temporary folder and reads back. */
#include <stdlib.h>
#include <sys/stat.h>
#include "../../mpi/io/io_test.h"

static const double z_centres[NZ] = {2.5, 7.5, 15.0}, z_faces[NZ + 1] = {0.0, 5.0, 10.0, 20.0};
static const char *const fields[] = {"T", "u", "v", "w"};
static const char *const masks[] = {"fluid_mask", "lr_valid_mask"};
static const char utm54[] =
    "PROJCS[\"WGS 84 / UTM zone 54N\",GEOGCS[\"WGS 84\",DATUM[\"WGS_1984\",SPHEROID[\"WGS 84\",6378137,298.257223563]],"
    "PRIMEM[\"Greenwich\",0],UNIT[\"degree\",0.0174532925199433]],PROJECTION[\"Transverse_Mercator\"],"
    "PARAMETER[\"latitude_of_origin\",0],PARAMETER[\"central_meridian\",141],PARAMETER[\"scale_factor\",0.9996],"
    "PARAMETER[\"false_easting\",500000],PARAMETER[\"false_northing\",0],UNIT[\"metre\",1],AUTHORITY[\"EPSG\","
    "\"32654\"]]";

static bool solid(int k, int j, int i) {
  return k < 2 && j >= 4 && j < 7 && i >= 3 && i < 6;
}

static void fill(const WbGrid *g, int t, int m, int c, float *a, uint8_t *mask) {
  for (int k = 0; k < g->nz; k++)
    for (int j = 0; j < g->nyl; j++)
      for (int i = 0; i < g->nxl; i++) {
        const size_t at = ((size_t)k * g->nyl + j) * g->nxl + i;
        const bool s = solid(k, g->y0 + j, g->x0 + i);
        a[at] = s ? NAN : (float)(c == 0 ? 300 : 0) + 1e-3F * test_value(t, m, k, g->y0 + j, g->x0 + i);
        if (mask) mask[at] = !s;
      }
}

static PetscErrorCode define(WbNc nc, const WbGrid *g, const WbNcGridHeader *h) {
  const char *dims = h->n_member ? "time,member,z,y,x" : "time,z,y,x";
  PetscFunctionBeginUser;
  PetscCall(wb_nc_def_grid(nc, "/", g, h));
  for (int c = 0; c < 4; c++) PetscCall(wb_nc_def_field(nc, "/", fields[c], dims));
  for (int c = 0; c < 2; c++) PetscCall(wb_nc_def_field(nc, "/", masks[c], "z,y,x"));
  PetscCall(wb_nc_def_field(nc, "/", "building_height", "y,x"));
  PetscCall(wb_nc_put_grid(nc, "/", g, h));
  PetscFunctionReturn(0);
}

static PetscErrorCode write_result(const WbGrid *g, const char *path, int n_member, int pause_ms) {
  WbNc nc = NULL;
  float *a = NULL;
  uint8_t *mask = NULL;
  PetscFunctionBeginUser;
  const WbNcGridHeader h = {.n_time = NT,
                            .n_member = n_member,
                            .z = z_centres,
                            .start_time_iso = "2026-08-01T12:00:00",
                            .crs_wkt = utm54,
                            .title = "windbridge sample",
                            .history = "made by a test",
                            .source = "windbridge",
                            .deck_yaml = "sr: {members: 2}\n"};
  PetscCall(WB_ALLOC(wb_grid_owned(g), &a));
  PetscCall(WB_ALLOC(wb_grid_owned(g), &mask));
  PetscCall(wb_nc_create(g->comm, path, true, false, &nc));
  PetscCall(define(nc, g, &h));
  fill(g, 0, 0, 0, a, mask);
  for (int c = 0; c < 2; c++) PetscCall(wb_nc_put_mask(nc, "/", masks[c], g, mask));
  for (int i = 0; i < g->nyl * g->nxl; i++) a[i] = mask[i] ? 0.0F : 10.0F;
  PetscCall(wb_nc_put_plane(nc, "/", "building_height", g, a));
  for (int t = 0; t < NT; t++) {
    for (int c = 0; c < 4; c++)
      for (int m = n_member ? 0 : -1; m < n_member; m++) {
        fill(g, t, m < 0 ? 0 : m, c, a, NULL);
        PetscCall(wb_nc_put_field(nc, "/", fields[c], g, t, m, a));
      }
    PetscCall(wb_nc_put_time(nc, "/", t, 60.0 * (t + 1), 60.0 * t));
    PetscCall(wb_nc_flush(nc));
    if (g->rank == 0) {
      printf("minute %d\n", t);
      fflush(stdout);
    }
    if (pause_ms) usleep((useconds_t)pause_ms * 1000);
  }
  PetscCall(wb_nc_close(&nc));
  WB_FREE(&a);
  WB_FREE(&mask);
  PetscFunctionReturn(0);
}

static PetscErrorCode read_variable(const char *path, const char *group, const char *var) {
  WbNc nc = NULL;
  int rank = 0, dims[8], zero[8] = {0};
  size_t n = 1, missing = 0;
  double *a = NULL;
  char units[128] = "";
  bool has = false;
  PetscFunctionBeginUser;
  PetscCall(wb_nc_open(PETSC_COMM_WORLD, path, &nc));
  PetscCall(wb_nc_inq_dims(nc, group, var, &rank, dims));
  for (int d = 0; d < rank; d++) n *= (size_t)dims[d];
  PetscCall(WB_ALLOC(n, &a));
  PetscCall(wb_nc_get(nc, group, var, zero, dims, WB_NC_DOUBLE, a));
  PetscCall(wb_nc_get_att_text(nc, group, var, "units", &has, units, sizeof(units)));
  PetscCall(wb_nc_close(&nc));
  for (size_t i = 0; i < n; i++) missing += isnan(a[i]);
  int me = 0;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &me));
  if (me == 0) {
    printf("rank %d units %s nan %zu values", rank, has ? units : "-", missing);
    for (size_t i = 0; i < n && i < 8; i++) printf(" %.9g", a[i]);
    printf("\n");
  }
  WB_FREE(&a);
  PetscFunctionReturn(0);
}

int main(int argc, char **argv) {
  char dir[200] = "", hr[256], lr[256], xmf[256];
  if (PetscInitialize(&argc, &argv, NULL, NULL)) return 1;
  wb_error_install();
  const WbGrid g = test_grid();
  if (argc == 5 && strcmp(argv[1], "--read") == 0) {
    const PetscErrorCode read = read_variable(argv[2], argv[3], argv[4]);
    if (read && g.rank == 0) fprintf(stderr, "%s\n", wb_error_message());
    return PetscFinalize() || read;
  }
  if (argc > 1) {
    snprintf(dir, sizeof(dir), "%s", argv[1]);
  } else {
    snprintf(dir, sizeof(dir), "%s", test_path("sample"));
  }
  snprintf(hr, sizeof(hr), "%s/hr.nc", dir);
  snprintf(lr, sizeof(lr), "%s/lr.nc", dir);
  snprintf(xmf, sizeof(xmf), "%s/hr.xmf", dir);
  double times[NT];
  for (int i = 0; i < NT; i++) times[i] = (i + 1) * 60.0;
  PetscErrorCode ierr = wb_output_dir_prepare(g.comm, dir);
  if (!ierr) ierr = wb_xdmf_write(g.comm, xmf, "hr.nc", &g, z_faces, NT, NM, times, 4, fields, 2, masks);
  if (!ierr) ierr = write_result(&g, hr, NM, argc > 2 ? atoi(argv[2]) : 0);
  if (!ierr) ierr = write_result(&g, lr, 0, 0);
  if (ierr && g.rank == 0) fprintf(stderr, "%s\n", wb_error_message());
  if (argc <= 1 && g.rank == 0) {
    remove(hr);
    remove(lr);
    remove(xmf);
    rmdir(dir);
  }
  return PetscFinalize() || ierr;
}
