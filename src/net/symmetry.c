/* A model turned by a horizontal symmetry T of the square (grid.h): N' = T^-1 N T, so that a network trained with the
 * wind from one side serves every side without moving its fields between ranks. With (T f)(R p) = Q f(p), a kernel K
 * becomes K'(d) = Q_out^-1 K(R d) Q_in: its taps move, and so do channels that mean something: (u, v) of a state, and
 * the sub-cells of space-to-depth tensors. */
#include "net_internal.h"
#include <stdlib.h>
#include <string.h>

/* What the channels of one side of a tensor are: sub-cells (8 or 1) of `fields` channels, of which 1 and 2 are (u, v)
 * if `vector`. */
typedef struct {
  bool sub, vector;
} Meaning;

static Meaning meaning_of(const char *name, bool output) {
  const bool down = strstr(name, ".down.") != NULL, up = strstr(name, ".up.") != NULL;
  const bool head = strstr(name, ".head") != NULL, stem = strstr(name, "stem1") || strstr(name, "step_stem");
  const Meaning in = {stem || down, stem}, out = {up || head, head};
  return output ? out : in;
}

/* Channel `c` of n after Q: where it goes and with which sign (Q is a signed permutation). */
static int moved(int s, Meaning m, int n, int c, float *sign) {
  const int fields = m.sub ? n / 8 : n, part = c / fields;
  int field = c % fields, to = part;
  *sign = 1;
  if (m.sub) to = (part & 4) | (int)wb_symmetry_image(s, 2, (part >> 1) & 1, part & 1);
  if (m.vector && (field == 1 || field == 2)) {
    float u = field == 1 ? 1.0F : 0.0F, v = field == 2 ? 1.0F : 0.0F;
    wb_symmetry_vector(s, &u, &v);
    field = u != 0 ? 1 : 2;
    *sign = u + v;
  }
  return to * fields + field;
}

static void turn_tensor(int s, const WbTensor *t, const float *old, float *new) {
  const int co = t->dims[0], ci = t->rank > 1 ? t->dims[1] : 1, k = t->rank > 2 ? t->dims[2] : 1;
  const Meaning out = meaning_of(t->name, true), in = meaning_of(t->name, false);
  for (int o = 0; o < co; o++) {
    float sign_o, sign_i = 1;
    const int from_o = moved(s, out, co, o, &sign_o);
    for (int i = 0; i < ci; i++) {
      const int from_i = t->rank > 1 ? moved(s, in, ci, i, &sign_i) : 0;
      const size_t to = ((size_t)o * (size_t)ci + (size_t)i) * (size_t)(k * k * k);
      const size_t from = ((size_t)from_o * (size_t)ci + (size_t)from_i) * (size_t)(k * k * k);
      for (int z = 0; z < k; z++)
        for (int j = 0; j < k; j++)
          for (int x = 0; x < k; x++)
            new[to + (size_t)((z * k + j) * k + x)] =
                sign_o *sign_i *old[from + (size_t)(z * k * k) + wb_symmetry_image(s, k, j, x)];
    }
  }
}

PetscErrorCode wb_model_turn_weights(WbModel model, int s) {
  float *old = NULL;
  PetscFunctionBeginUser;
  PetscCall(WB_ALLOC(model->size, &old));
  memcpy(old, model->params, model->size * sizeof *old);
  for (int i = 0; i < model->n_tensors; i++) {
    const WbTensor *t = &model->tensors[i];
    if (strstr(t->name, "norm") || strstr(t->name, "film") || strstr(t->name, "embed")) continue;
    turn_tensor(s, t, old + t->offset, model->params + t->offset);
  }
  WB_FREE(&old);
  PetscFunctionReturn(0);
}
