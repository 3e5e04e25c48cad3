/* XDMF 2 beside a result file: voxels as cell data of a rectilinear mesh, one grid a time, the data as hyperslabs of
 * the HDF5 file, so nothing is copied. Tested with ParaView 5.11 (reader XDMFReader = "Xdmf Reader" 2). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "io_internal.h"

typedef struct {
  char *text;
  size_t length, capacity;
  bool failed;
} Text;

static void add(Text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(Text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char piece[1024];
  const int n = vsnprintf(piece, sizeof(piece), format, args);
  va_end(args);
  if (n < 0 || n >= (int)sizeof(piece)) t->failed = true;
  if (t->failed) return;
  if (t->length + (size_t)n + 1 > t->capacity) {
    const size_t more = 2 * (t->capacity + (size_t)n + 1024);
    char *bigger = realloc(t->text, more);
    t->failed = bigger == NULL;
    if (t->failed) return;
    t->text = bigger;
    t->capacity = more;
  }
  memcpy(t->text + t->length, piece, (size_t)n + 1);
  t->length += (size_t)n;
}

typedef struct {
  const WbGrid *grid;
  const char *file;
  int n_time, n_member;
} Layout;

static void add_axis(Text *t, const char *name, int n, const double *values, double first, double step) {
  add(t, "  <DataItem Name=\"%s\" Dimensions=\"%d\" NumberType=\"Float\" Precision=\"8\" Format=\"XML\">\n  ", name, n);
  for (int i = 0; i < n; i++) add(t, " %.10g", values ? values[i] : first + i * step);
  add(t, "\n  </DataItem>\n");
}

/* Block (time, member) of a variable; `indent` only for people who read the file. */
static void add_slab(Text *t, const Layout *l, const char *var, int time, int member) {
  const WbGrid *g = l->grid;
  const bool m = member >= 0;
  const int rank = m ? 5 : 4;
  add(t, "    <DataItem ItemType=\"HyperSlab\" Dimensions=\"%d %d %d\" Type=\"HyperSlab\">\n", g->nz, g->ny, g->nx);
  add(t, "     <DataItem Dimensions=\"3 %d\" NumberType=\"Int\" Format=\"XML\">%d", rank, time);
  if (m) add(t, " %d", member);
  add(t, " 0 0 0  1%s 1 1 1  1%s %d %d %d</DataItem>\n", m ? " 1" : "", m ? " 1" : "", g->nz, g->ny, g->nx);
  add(t, "     <DataItem Dimensions=\"%d", l->n_time);
  if (m) add(t, " %d", l->n_member);
  add(t, " %d %d %d\" NumberType=\"Float\" Precision=\"4\" Format=\"HDF\">%s:/%s</DataItem>\n", g->nz, g->ny, g->nx,
      l->file, var);
  add(t, "    </DataItem>\n");
}

static void add_scalar(Text *t, const Layout *l, const char *var, const char *label, int time, int member) {
  add(t, "   <Attribute Name=\"%s\" AttributeType=\"Scalar\" Center=\"Cell\">\n", label);
  add_slab(t, l, var, time, member);
  add(t, "   </Attribute>\n");
}

static void add_velocity(Text *t, const Layout *l, const char *label, int time, int member) {
  const WbGrid *g = l->grid;
  add(t, "   <Attribute Name=\"%s\" AttributeType=\"Vector\" Center=\"Cell\">\n", label);
  add(t, "   <DataItem ItemType=\"Function\" Function=\"JOIN($0, $1, $2)\" Dimensions=\"%d %d %d 3\">\n", g->nz, g->ny,
      g->nx);
  add_slab(t, l, "u", time, member);
  add_slab(t, l, "v", time, member);
  add_slab(t, l, "w", time, member);
  add(t, "   </DataItem>\n   </Attribute>\n");
}

static void add_static(Text *t, const Layout *l, const char *var) {
  const WbGrid *g = l->grid;
  const size_t n = strlen(var);
  const bool mask = n > 5 && strcmp(var + n - 5, "_mask") == 0;
  add(t, "   <Attribute Name=\"%s\" AttributeType=\"Scalar\" Center=\"Cell\">\n", var);
  add(t, "    <DataItem Dimensions=\"%d %d %d\" NumberType=\"%s\" Precision=\"%d\" Format=\"HDF\">%s:/%s</DataItem>\n",
      g->nz, g->ny, g->nx, mask ? "Char" : "Float", mask ? 1 : 4, l->file, var);
  add(t, "   </Attribute>\n");
}

static bool listed(int n, const char *const *names, const char *name) {
  for (int i = 0; i < n; i++)
    if (strcmp(names[i], name) == 0) return true;
  return false;
}

static void add_member(Text *t, const Layout *l, int time, int member, int n_vars, const char *const *vars) {
  char label[WB_IO_NAME], suffix[16] = "";
  if (member >= 0) snprintf(suffix, sizeof(suffix), "_m%d", member);
  for (int i = 0; i < n_vars; i++) {
    snprintf(label, sizeof(label), "%s%s", vars[i], suffix);
    add_scalar(t, l, vars[i], label, time, member);
  }
  if (listed(n_vars, vars, "u") && listed(n_vars, vars, "v") && listed(n_vars, vars, "w")) {
    snprintf(label, sizeof(label), "velocity%s", suffix);
    add_velocity(t, l, label, time, member);
  }
}

static void add_mesh(Text *t, const WbGrid *g, const double *zf) {
  add(t, "  <Topology TopologyType=\"3DRectMesh\" Dimensions=\"%d %d %d\"/>\n", g->nz + 1, g->ny + 1, g->nx + 1);
  add(t, "  <Geometry GeometryType=\"VXVYVZ\">\n");
  add_axis(t, "x", g->nx + 1, NULL, g->x_min_m, g->dx_m);
  add_axis(t, "y", g->ny + 1, NULL, g->y_min_m, g->dx_m);
  add_axis(t, "z", g->nz + 1, zf, 0.0, 0.0);
  add(t, "  </Geometry>\n");
}

PetscErrorCode wb_xdmf_write(MPI_Comm comm, const char *path, const char *nc_name, const WbGrid *grid, const double *zf,
                             int n_time, int n_member, const double *times, int n_vars, const char *const *vars,
                             int n_static, const char *const *static_vars) {
  PetscFunctionBeginUser;
  const Layout l = {.grid = grid, .file = nc_name, .n_time = n_time, .n_member = n_member};
  Text t = {0};
  add(&t, "<?xml version=\"1.0\"?>\n<!DOCTYPE Xdmf SYSTEM \"Xdmf.dtd\" []>\n<Xdmf Version=\"2.0\">\n<Domain>\n");
  add(&t, "<Grid Name=\"windbridge\" GridType=\"Collection\" CollectionType=\"Temporal\">\n");
  for (int time = 0; time < n_time; time++) {
    add(&t, " <Grid Name=\"voxels\" GridType=\"Uniform\">\n  <Time Value=\"%.10g\"/>\n", times[time]);
    add_mesh(&t, grid, zf);
    for (int i = 0; i < n_static; i++) add_static(&t, &l, static_vars[i]);
    if (n_member == 0) add_member(&t, &l, time, -1, n_vars, vars);
    for (int m = 0; m < n_member; m++) add_member(&t, &l, time, m, n_vars, vars);
    add(&t, " </Grid>\n");
  }
  add(&t, "</Grid>\n</Domain>\n</Xdmf>\n");
  PetscErrorCode ierr = 0;
  if (t.failed) {
    ierr = WB_ERROR(PETSC_ERR_MEM, WB_ERROR_ALL, "cannot compose %s", path);
  } else {
    ierr = wb_file_write_text(comm, path, t.text);
  }
  free(t.text);
  PetscFunctionReturn(ierr);
}
