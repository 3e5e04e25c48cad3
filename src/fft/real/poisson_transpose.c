/* Transposes between the stages of the flat Poisson solver (fft_internal.h): copies into and out of the memory of the
 * ranks of the same node, one message to and from each of the others. A box is (levels, rows, numbers in a row). */
#include "windbridge/real.h"

#include "fft_internal.h"

#include <string.h>

enum { TAG = 11 };

/* First number of a box in an array, and from there to the next level and row. */
typedef struct {
  WbReal *at;
  size_t level, row;
} Place;

/* What two ranks exchange: `mine` of this rank goes to `theirs` of the other's window (a near rank), and the other's
 * counterpart arrives in `here` of this rank's window. Backwards, from the windows to `mine`. */
typedef struct {
  Place mine, theirs, here;
  int box[3], box_here[3];
} Block;

static size_t numbers(const int box[3]) {
  return (size_t)box[0] * (size_t)box[1] * (size_t)box[2];
}

static Place packed(WbReal *at, const int box[3]) {
  return (Place){at, (size_t)box[1] * (size_t)box[2], (size_t)box[2]};
}

static void copy(Place to, Place from, const int box[3]) {
  for (int k = 0; k < box[0]; k++)
    for (int j = 0; j < box[1]; j++)
      memcpy(to.at + (size_t)k * to.level + (size_t)j * to.row, from.at + (size_t)k * from.level + (size_t)j * from.row,
             (size_t)box[2] * sizeof(WbReal));
}

/* ---- messages: blocks of the far ranks one after the other in s->send and s->recv ---- */
typedef struct {
  int requests;
  size_t sent, received; /* numbers so far */
} Mail;

static PetscErrorCode send_to(WbPoisson s, const WbWindow *w, int p, const int out[3], const int in[3], Mail *mail) {
  PetscMPIInt n_out, n_in;
  PetscFunctionBeginUser;
  PetscCall(PetscMPIIntCast((PetscInt)numbers(out), &n_out));
  PetscCall(PetscMPIIntCast((PetscInt)numbers(in), &n_in));
  MPI_Request *r = s->requests + mail->requests;
  PetscCallMPI(MPI_Irecv((WbReal *)s->recv + mail->received, n_in, WB_MPI_REAL, p, TAG, w->comm, r));
  PetscCallMPI(MPI_Isend((WbReal *)s->send + mail->sent, n_out, WB_MPI_REAL, p, TAG, w->comm, r + 1));
  mail->requests += 2;
  mail->sent += numbers(out);
  mail->received += numbers(in);
  PetscFunctionReturn(0);
}

/* ---- T1 and T3 ---- */
typedef Block (*Describe)(WbPoisson s, int nk, WbReal *field, int p);

static int first_level(WbPoisson s, int nk, int p) {
  return wb_poisson_split(nk, p, s->px);
}
static int levels(WbPoisson s, int nk, int p) {
  return first_level(s, nk, p + 1) - first_level(s, nk, p);
}

/* T1: field (nk, nyl, nxl) <-> xr (nkl, nyl, nx). */
static Block block_rows(WbPoisson s, int nk, WbReal *field, int p) {
  const size_t row = (size_t)s->nx, level = row * (size_t)s->nyl;
  const size_t row_mine = (size_t)s->nxl, level_mine = row_mine * (size_t)s->nyl;
  return (Block){.mine = {field + (size_t)first_level(s, nk, p) * level_mine, level_mine, row_mine},
                 .theirs = {s->row.at[p] ? (WbReal *)s->row.at[p] + s->x_starts[s->ix] : NULL, level, row},
                 .here = {(WbReal *)s->xr + s->x_starts[p], level, row},
                 .box = {levels(s, nk, p), s->nyl, s->nxl},
                 .box_here = {levels(s, nk, s->ix), s->nyl, s->x_starts[p + 1] - s->x_starts[p]}};
}

/* T3: ys (nkl, ny, pitch) <-> zs (nk, nrl, pitch), which is as far behind xr on every rank. */
static Block block_columns(WbPoisson s, int nk, WbReal *field, int p) {
  const size_t row = (size_t)s->pitch, behind = (size_t)((WbReal *)s->zs - (WbReal *)s->xr);
  const int nrl = s->r_starts[p + 1] - s->r_starts[p];
  const size_t level_there = (size_t)nrl * row, level_here = (size_t)s->nrl * row;
  WbReal *there = s->row.at[p] ? (WbReal *)s->row.at[p] + behind : NULL;
  return (Block){.mine = {field + (size_t)s->r_starts[p] * row, (size_t)s->ny * row, row},
                 .theirs = {there ? there + (size_t)first_level(s, nk, s->ix) * level_there : NULL, level_there, row},
                 .here = {(WbReal *)s->zs + (size_t)first_level(s, nk, p) * level_here, level_here, row},
                 .box = {levels(s, nk, s->ix), nrl, s->pitch},
                 .box_here = {levels(s, nk, p), s->nrl, s->pitch}};
}

static PetscErrorCode transpose_far(WbPoisson s, int nk, Describe describe, WbReal *field, bool back) {
  const WbWindow *w = &s->row;
  Mail mail = {0};
  PetscFunctionBeginUser;
  for (int p = 0; p < w->size; p++) {
    if (w->at[p]) continue;
    const Block b = describe(s, nk, field, p);
    const int *out = back ? b.box_here : b.box;
    copy(packed((WbReal *)s->send + mail.sent, out), back ? b.here : b.mine, out);
    PetscCall(send_to(s, w, p, out, back ? b.box : b.box_here, &mail));
  }
  PetscCallMPI(MPI_Waitall(mail.requests, s->requests, MPI_STATUSES_IGNORE));
  const WbReal *received = s->recv;
  for (int p = 0; p < w->size; p++) {
    if (w->at[p]) continue;
    const Block b = describe(s, nk, field, p);
    const int *in = back ? b.box : b.box_here;
    copy(back ? b.mine : b.here, packed((WbReal *)received, in), in);
    received += numbers(in);
  }
  PetscFunctionReturn(0);
}

/* A window is written when everyone has read what was there, and read when everyone has written. */
static PetscErrorCode transpose(WbPoisson s, int nk, Describe describe, WbReal *field, bool back) {
  WbWindow *w = &s->row;
  PetscFunctionBeginUser;
  if (back) wb_window_post(w);
  wb_window_wait(w, w->posted);
  for (int p = 0; p < w->size; p++) {
    if (!w->at[p]) continue;
    const Block b = describe(s, nk, field, p);
    copy(back ? b.mine : b.theirs, back ? b.theirs : b.mine, b.box);
  }
  PetscCall(transpose_far(s, nk, describe, field, back));
  wb_window_post(w);
  if (!back) wb_window_wait(w, w->posted);
  PetscFunctionReturn(0);
}

PetscErrorCode WB_R(wb_poisson_rows_to_x)(WbPoisson s, int nk, const void *r) {
  PetscFunctionBeginUser;
  PetscCall(transpose(s, nk, block_rows, (WbReal *)r, false));
  PetscFunctionReturn(0);
}

PetscErrorCode WB_R(wb_poisson_rows_from_x)(WbPoisson s, int nk, void *p) {
  PetscFunctionBeginUser;
  PetscCall(transpose(s, nk, block_rows, p, true));
  PetscFunctionReturn(0);
}

PetscErrorCode WB_R(wb_poisson_y_to_z)(WbPoisson s, int nk) {
  PetscFunctionBeginUser;
  PetscCall(transpose(s, nk, block_columns, s->ys, false));
  PetscFunctionReturn(0);
}

PetscErrorCode WB_R(wb_poisson_z_to_y)(WbPoisson s, int nk) {
  PetscFunctionBeginUser;
  PetscCall(transpose(s, nk, block_columns, s->ys, true));
  PetscFunctionReturn(0);
}

/* ---- T2: rows (nkl, nyl, nx) in pieces <-> ys (nkl, ny, pitch) ---- */
/* Where the pieces of this rank's rows are: with near ranks at once in their ys, else in the messages. */
void WB_R(wb_poisson_parts)(WbPoisson s, int nkl, bool back) {
  WbReal *far = back ? s->recv : s->send;
  for (int p = 0; p < s->py; p++) {
    const size_t n = (size_t)(s->c_starts[p + 1] - s->c_starts[p]), nyl = (size_t)s->nyl, pitch = (size_t)s->pitches[p];
    WbReal *near = s->col.at[p];
    if (near) {
      s->parts[p] = (WbPart){near + (size_t)s->y_starts[s->iy] * pitch, 0, (size_t)s->ny * pitch, pitch};
    } else {
      s->parts[p] = (WbPart){far, 0, nyl * n, n};
      far += (size_t)nkl * nyl * n;
    }
  }
}

/* The messages of T2: what rank p has of its own rows in my columns is `here`. */
static PetscErrorCode exchange_planes(WbPoisson s, int nkl, bool back) {
  const WbWindow *w = &s->col;
  const size_t pitch = (size_t)s->pitch;
  Mail mail = {0};
  PetscFunctionBeginUser;
  for (int p = 0; p < w->size; p++) {
    if (w->at[p]) continue;
    const int mine[3] = {nkl, s->nyl, s->c_starts[p + 1] - s->c_starts[p]};
    const int here[3] = {nkl, s->y_starts[p + 1] - s->y_starts[p], s->ncl};
    const Place rows = {(WbReal *)s->ys + (size_t)s->y_starts[p] * pitch, (size_t)s->ny * pitch, pitch};
    if (back) copy(packed((WbReal *)s->send + mail.sent, here), rows, here);
    PetscCall(send_to(s, w, p, back ? here : mine, back ? mine : here, &mail));
  }
  PetscCallMPI(MPI_Waitall(mail.requests, s->requests, MPI_STATUSES_IGNORE));
  WbReal *received = s->recv;
  for (int p = 0; p < w->size && !back; p++) {
    if (w->at[p]) continue;
    const int here[3] = {nkl, s->y_starts[p + 1] - s->y_starts[p], s->ncl};
    copy((Place){(WbReal *)s->ys + (size_t)s->y_starts[p] * pitch, (size_t)s->ny * pitch, pitch},
         packed(received, here), here);
    received += numbers(here);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode WB_R(wb_poisson_x_to_far_y)(WbPoisson s, int nkl) {
  PetscFunctionBeginUser;
  PetscCall(exchange_planes(s, nkl, false));
  PetscFunctionReturn(0);
}

PetscErrorCode WB_R(wb_poisson_far_y_to_x)(WbPoisson s, int nkl) {
  PetscFunctionBeginUser;
  PetscCall(exchange_planes(s, nkl, true));
  PetscFunctionReturn(0);
}
