/* A network evaluated in overlapping slabs of rows, so that its activations need less memory. The network is local: an
 * output depends on inputs no further away than the receptive field, so a slab that reaches that far beyond its own
 * rows gives there what the whole domain gives. What the condition hands to the steps is put together from the slabs'
 * own rows and cut anew for each step, so that both passes need only their own reach, not the sum.
 *
 * With several ranks every rank works through its own box, and the halo of the inputs, as wide as the receptive field,
 * is exchanged once an evaluation; inside, no layer communicates. */
#include "net_internal.h"
#include <string.h>

struct WbSlabs_s {
  const WbGrid *grid; /* borrowed */
  WbNet net;          /* of one slab; with one slab of the whole domain itself */
  int n;
  WbGrid *window;    /* of a slab, on this rank alone */
  WbGrid *l1;        /* the whole at 10 m */
  int pad;           /* ghost columns and rows at 5 m: the receptive field, or 0 on one rank */
  int x_lo, y_lo;    /* south-west corner of what exists of the padded box, in its cells */
  int *core, *start; /* (n + 1) first own row of each slab; (n) first row of its window in the padded box */
  WbHalo halo_in, halo_stat, halo_mask, halo1;
  float *x, *s1;          /* padded: state, features at 10 m */
  float *mask;            /* padded: 1 in air */
  float *mean;            /* (nz, nyl, nxl, out) */
  float *win_x, *win_out; /* of a slab */
  uint8_t *win_mask;
};

int wb_net_receptive_field(const WbNetConfig *c) {
  /* In cells of 20 m: half a cell for each 3^3 convolution at 10 m, on the way in (stem, blocks) and on the way out
   * (blocks, head), rounded up; one for each at 20 m; two convolutions a block. The condition is a mean network and,
   * at the end of its way out, the guide's 3^3 convolution at 10 m: 2 cond_blocks1 + 2 there, which are as many cells
   * of 20 m as the 2 cond_blocks1 + 1 without it. */
  const int condition = 2 * (c->cond_blocks1 + 1) + 2 * c->cond_blocks2, step = 2 * (c->blocks1 + 1) + 2 * c->blocks2;
  return 4 * (condition > step ? condition : step);
}

/* A box of rows between two arrays (levels, rows, columns, c) of one resolution. */
typedef struct {
  int levels, rows, columns;
  size_t cell; /* bytes */
} Copy;
typedef struct {
  int rows, columns, j, i; /* extent of the array, corner of the box */
} Place;
static const char *row_of(const void *a, const Place *p, const Copy *c, int k, int j) {
  return (const char *)a +
         (((size_t)k * (size_t)p->rows + (size_t)(p->j + j)) * (size_t)p->columns + (size_t)p->i) * c->cell;
}
static void copy_box(const Copy *c, const void *from, Place a, void *to, Place b) {
  for (int k = 0; k < c->levels; k++)
    for (int j = 0; j < c->rows; j++)
      memcpy((char *)to + (row_of(to, &b, c, k, j) - (const char *)to), row_of(from, &a, c, k, j),
             (size_t)c->columns * c->cell);
}

/* Between this rank's owned cells, its padded box and a slab's window, at 5 m / r. */
static Place owned_place(WbSlabs s, int r, int row) {
  return (Place){s->grid->nyl / r, s->grid->nxl / r, row / r, 0};
}
static Place padded_place(WbSlabs s, int r, int row, int column) {
  return (Place){(s->grid->nyl + 2 * s->pad) / r, (s->grid->nxl + 2 * s->pad) / r, row / r, column / r};
}
static Place window_place(WbSlabs s, int r, int row, int column) {
  return (Place){s->window->ny / r, s->window->nx / r, row / r, column / r};
}

/* Owned cells into the padded box, and the halo around them. */
static PetscErrorCode pad(WbSlabs s, WbHalo halo, int channels, const float *owned, float *padded) {
  const Copy c = {s->grid->nz, s->grid->nyl, s->grid->nxl, (size_t)channels * sizeof(float)};
  PetscFunctionBeginUser;
  copy_box(&c, owned, owned_place(s, 1, 0), padded, padded_place(s, 1, s->pad, s->pad));
  PetscCall(wb_halo_exchange(halo, padded));
  PetscFunctionReturn(0);
}

/* Slab i out of a padded array at resolution r. */
static void cut(WbSlabs s, int i, int r, int channels, const float *padded, float *window) {
  const Copy c = {s->grid->nz / r, s->window->ny / r, s->window->nx / r, (size_t)channels * sizeof(float)};
  copy_box(&c, padded, padded_place(s, r, s->start[i], s->x_lo), window, window_place(s, r, 0, 0));
}

/* Slab i's own rows out of its window: into an array of owned cells, or into a padded one. */
static void paste(WbSlabs s, int i, int r, int channels, const float *window, Place to, float *out) {
  const int row = s->core[i] + s->pad - s->start[i], column = s->pad - s->x_lo;
  const Copy c = {s->grid->nz / r, (s->core[i + 1] - s->core[i]) / r, s->grid->nxl / r,
                  (size_t)channels * sizeof(float)};
  copy_box(&c, window, window_place(s, r, row, column), out, to);
}

static void cut_mask(WbSlabs s, int i, uint8_t *mask) {
  const size_t n = wb_grid_owned(s->window);
  cut(s, i, 1, 1, s->mask, s->win_x); /* borrowed: it holds more than one channel */
  for (size_t p = 0; p < n; p++) mask[p] = s->win_x[p] > 0.5F;
}

/* Rows of each slab, and where its window lies: the same height for all, so that one network serves them. */
static PetscErrorCode lay_out(WbSlabs s, int reach) {
  const WbGrid *g = s->grid;
  const int quads = g->nyl / 4;
  int most = 0;
  PetscFunctionBeginUser;
  s->pad = g->size > 1 ? reach : 0;
  s->x_lo = g->x0 == 0 ? s->pad : 0;
  s->y_lo = g->y0 == 0 ? s->pad : 0;
  const int x_hi = g->nxl + (g->x0 + g->nxl == g->nx ? s->pad : 2 * s->pad);
  const int y_hi = g->nyl + (g->y0 + g->nyl == g->ny ? s->pad : 2 * s->pad);
  PetscCall(WB_ALLOC(s->n + 1, &s->core));
  PetscCall(WB_ALLOC(s->n, &s->start));
  for (int i = 0; i <= s->n; i++) s->core[i] = 4 * (int)((long)quads * i / s->n);
  for (int i = 0; i < s->n; i++) most = PetscMax(most, s->core[i + 1] - s->core[i]);
  const int height = PetscMin(most + 2 * reach, y_hi - s->y_lo);
  for (int i = 0; i < s->n; i++) s->start[i] = PetscMax(s->y_lo, PetscMin(s->core[i] + s->pad - reach, y_hi - height));
  PetscCall(wb_grid_create(PETSC_COMM_SELF, x_hi - s->x_lo, height, g->nz, 4, 0, 0, false, false, &s->window));
  PetscFunctionReturn(0);
}

static PetscErrorCode make_halos(WbSlabs s, const WbNetConfig *c) {
  PetscFunctionBeginUser;
  const int nz = s->grid->nz;
  PetscCall(wb_grid_refine(s->grid, -2, nz / 2, &s->l1));
  PetscCall(wb_halo_create(s->grid, nz, s->pad, c->in_dynamic, WB_FP32, &s->halo_in));
  PetscCall(wb_halo_create(s->grid, nz, s->pad, c->in_static, WB_FP32, &s->halo_stat));
  PetscCall(wb_halo_create(s->grid, nz, s->pad, 1, WB_FP32, &s->halo_mask));
  PetscCall(wb_halo_create(s->l1, nz / 2, s->pad / 2, c->width1, WB_FP32, &s->halo1));
  PetscFunctionReturn(0);
}

/* Cells of this rank's padded box at 5 m / r. */
static size_t padded_cells(WbSlabs s, int r) {
  const Place p = padded_place(s, r, 0, 0);
  return (size_t)(s->grid->nz / r) * (size_t)p.rows * (size_t)p.columns;
}

static PetscErrorCode make_fields(WbSlabs s, const WbNetConfig *c) {
  PetscFunctionBeginUser;
  const size_t window = wb_grid_owned(s->window), widest = (size_t)PetscMax(c->in_dynamic, c->in_static);
  PetscCall(WB_CALLOC(padded_cells(s, 1) * (size_t)c->in_dynamic, &s->x));
  PetscCall(WB_CALLOC(padded_cells(s, 1), &s->mask));
  PetscCall(WB_CALLOC(padded_cells(s, 2) * (size_t)c->width1, &s->s1));
  PetscCall(WB_CALLOC(wb_grid_owned(s->grid) * (size_t)c->out, &s->mean));
  PetscCall(WB_ALLOC(window * widest, &s->win_x));
  PetscCall(WB_ALLOC(window * (size_t)c->out, &s->win_out));
  PetscCall(WB_ALLOC(window, &s->win_mask));
  PetscFunctionReturn(0);
}

/* What make_fields takes, with the static inputs that wb_slabs_condition pads. */
static double field_bytes(WbSlabs s, const WbNetConfig *c) {
  const double widest = PetscMax(c->in_dynamic, c->in_static);
  const double floats = (double)padded_cells(s, 1) * (c->in_dynamic + 1 + c->in_static) +
                        (double)padded_cells(s, 2) * c->width1 + (double)wb_grid_owned(s->grid) * c->out +
                        (double)wb_grid_owned(s->window) * (widest + c->out);
  return floats * (double)sizeof(float) + (double)wb_grid_owned(s->window);
}

static PetscErrorCode check_count(const WbGrid *grid, int slabs) {
  int rows = grid->ny;
  PetscFunctionBeginUser;
  for (int p = 0; p < grid->py; p++) rows = PetscMin(rows, grid->y_starts[p + 1] - grid->y_starts[p]);
  if (slabs < 1 || slabs > rows / 4)
    WB_RAISE_ALL(WB_ERR_CONFIG, "%d slabs of a network on %d rows a rank; allowed: 1 to %d (4 rows each)", slabs, rows,
                 rows / 4);
  PetscFunctionReturn(0);
}

/* planning: sizes only, in *memory. */
static PetscErrorCode create(WbModel model, const WbGrid *grid, WbBackend backend, bool planning, WbSlabs s) {
  const WbNetConfig *c = wb_model_config(model);
  PetscFunctionBeginUser;
  s->grid = grid;
  PetscCall(check_count(grid, s->n));
  if (s->n == 1) {
    PetscCall(wb_net_make(model, grid, backend, WB_NET_INFERENCE, planning, &s->net));
    PetscFunctionReturn(0);
  }
  PetscCall(lay_out(s, wb_net_receptive_field(c)));
  PetscCall(make_halos(s, c));
  if (!planning) PetscCall(make_fields(s, c));
  PetscCall(wb_error_agree(grid->comm, wb_net_make(model, s->window, backend, WB_NET_INFERENCE, planning, &s->net)));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_slabs_create(WbModel model, const WbGrid *grid, WbBackend backend, int slabs, WbSlabs *out) {
  PetscFunctionBeginUser;
  *out = NULL;
  PetscCall(WB_CALLOC(1, out));
  (*out)->n = slabs;
  const PetscErrorCode e = create(model, grid, backend, false, *out);
  if (e) wb_slabs_destroy(out);
  PetscFunctionReturn(e);
}

PetscErrorCode wb_slabs_plan(WbModel model, const WbGrid *grid, WbBackend backend, int slabs, WbNetMemory *memory) {
  WbSlabs s = NULL;
  PetscFunctionBeginUser;
  PetscCall(WB_CALLOC(1, &s));
  s->n = slabs;
  const PetscErrorCode e = create(model, grid, backend, true, s);
  if (!e) wb_net_memory(s->net, memory);
  if (!e && slabs > 1) {
    const WbHalo halos[] = {s->halo_in, s->halo_stat, s->halo_mask, s->halo1};
    for (size_t i = 0; i < sizeof halos / sizeof *halos; i++) memory->halos += wb_halo_buffer_bytes(halos[i]);
    memory->fields += field_bytes(s, wb_model_config(model));
  }
  wb_slabs_destroy(&s);
  PetscFunctionReturn(e);
}

void wb_slabs_destroy(WbSlabs *slabs) {
  WbSlabs s = *slabs;
  if (!s) return;
  WbHalo *halos[] = {&s->halo_in, &s->halo_stat, &s->halo_mask, &s->halo1};
  for (size_t i = 0; i < sizeof halos / sizeof *halos; i++) wb_halo_destroy(halos[i]);
  if (s->net) wb_net_destroy(&s->net);
  WbGrid **grids[] = {&s->window, &s->l1};
  for (size_t i = 0; i < sizeof grids / sizeof *grids; i++)
    if (*grids[i]) wb_grid_destroy(grids[i]);
  WB_FREE(&s->core);
  WB_FREE(&s->start);
  WB_FREE(&s->x);
  WB_FREE(&s->s1);
  WB_FREE(&s->mask);
  WB_FREE(&s->mean);
  WB_FREE(&s->win_x);
  WB_FREE(&s->win_out);
  WB_FREE(&s->win_mask);
  WB_FREE(slabs);
}

/* One slab's condition, mean networks and guide: its own rows into mean and the padded features. */
static PetscErrorCode condition_slab(WbSlabs s, int i, const float *stat) {
  const WbNetConfig *c = &s->net->config;
  PetscFunctionBeginUser;
  cut_mask(s, i, s->win_mask);
  cut(s, i, 1, c->in_static, stat, s->win_x);
  PetscCall(wb_net_condition(s->net, s->win_x, s->win_mask, NULL));
  const int row = s->core[i] + s->pad;
  paste(s, i, 1, c->out, wb_net_mean(s->net), owned_place(s, 1, s->core[i]), s->mean);
  paste(s, i, 2, c->width1, s->net->s1, padded_place(s, 2, row, s->pad), s->s1);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_slabs_condition(WbSlabs s, const float *stat, const uint8_t *mask) {
  const WbNetConfig *c = &s->net->config;
  float *padded = NULL;
  PetscFunctionBeginUser;
  if (s->n == 1) {
    PetscCall(wb_net_condition(s->net, stat, mask, NULL));
    PetscFunctionReturn(0);
  }
  PetscCall(WB_CALLOC(padded_cells(s, 1) * (size_t)c->in_static, &padded)); /* once a minute: not worth keeping */
  for (size_t p = 0; p < wb_grid_owned(s->grid); p++) s->mean[p] = mask[p] ? 1.0F : 0.0F;
  PetscErrorCode e = pad(s, s->halo_mask, 1, s->mean, s->mask);
  if (!e) e = pad(s, s->halo_stat, c->in_static, stat, padded);
  for (int i = 0; i < s->n && !e; i++) e = condition_slab(s, i, padded);
  if (!e) e = wb_halo_exchange(s->halo1, s->s1);
  WB_FREE(&padded);
  PetscFunctionReturn(e);
}

const float *wb_slabs_mean(WbSlabs s) {
  return s->n == 1 ? wb_net_mean(s->net) : s->mean;
}

WbNet wb_slabs_net(WbSlabs s) {
  return s->net;
}

PetscErrorCode wb_slabs_forward(WbSlabs s, double t, const float *x, float *out) {
  const WbNetConfig *c = &s->net->config;
  PetscFunctionBeginUser;
  if (s->n == 1) {
    PetscCall(wb_net_forward(s->net, t, x, out));
    PetscFunctionReturn(0);
  }
  PetscCall(pad(s, s->halo_in, c->in_dynamic, x, s->x));
  for (int i = 0; i < s->n; i++) {
    cut_mask(s, i, s->net->mask);
    cut(s, i, 1, c->in_dynamic, s->x, s->win_x);
    cut(s, i, 2, c->width1, s->s1, s->net->s1);
    PetscCall(wb_net_forward(s->net, t, s->win_x, s->win_out));
    paste(s, i, 1, c->out, s->win_out, owned_place(s, 1, s->core[i]), out);
  }
  PetscFunctionReturn(0);
}
