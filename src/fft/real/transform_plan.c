/* Tables of a real transform (fft_internal.h: WbTransform). */
#include "windbridge/real.h"

#include "transform.h"

static void factorise(WbTransform *t) {
  static const int first[] = {4, 2, 3, 5};
  int rest = t->n;
  t->stages = 0;
  for (int f = 0; f < 4; f++)
    for (; rest % first[f] == 0; rest /= first[f]) t->radix[t->stages++] = first[f];
  for (int p = 7; rest > 1; p += 2)
    for (; rest % p == 0; rest /= p) t->radix[t->stages++] = p;
}

/* Frequency whose digits the position spells: position = sum q_s m_s, frequency = q_1 + r_1 (q_2 + r_2 (...)). */
static void positions(WbTransform *t) {
  for (int at = 0; at < t->n; at++) {
    int rest = at, m = t->n, weight = 1, k = 0;
    for (int s = 0; s < t->stages; s++) {
      m /= t->radix[s];
      k += weight * (rest / m);
      rest %= m;
      weight *= t->radix[s];
    }
    t->pos[k] = at;
  }
}

static void twiddles(WbTransform *t) {
  WbReal *tw = t->tw;
  int m = t->n;
  for (int s = 0; s < t->stages; s++) {
    const int r = t->radix[s], length = m;
    m /= r;
    for (int j = 0; j < m; j++)
      for (int q = 1; q < r; q++) {
        const double angle = 2 * PETSC_PI * j * q / length;
        *tw++ = (WbReal)cos(angle);
        *tw++ = (WbReal)sin(angle);
      }
  }
}

PetscErrorCode WB_R(wb_transform_create)(int n, bool cosine, WbTransform *t) {
  WbReal *real;
  PetscFunctionBeginUser;
  t->n = n;
  factorise(t);
  int m = n, largest = 1;
  t->twiddles = 0;
  for (int s = 0; s < t->stages; s++) {
    m /= t->radix[s];
    t->twiddles += m * (t->radix[s] - 1);
    largest = t->radix[s] > largest ? t->radix[s] : largest;
  }
  PetscCall(WB_ALLOC(n, &t->pos));
  PetscCall(WB_ALLOC(n, &t->order));
  PetscCall(WB_ALLOC(2 * t->twiddles + 2, &real));
  t->tw = real;
  PetscCall(WB_ALLOC(2 * n, &real));
  t->rot = real;
  PetscCall(WB_CALLOC(2 * WB_LANES * (n + largest), &real));
  t->tile = real;
  PetscCall(WB_CALLOC(2 * (n + 2 * WB_LANES), &real));
  t->pad = real;
  positions(t);
  twiddles(t);
  for (int i = 0; i < n; i++) t->order[i] = cosine ? (i % 2 ? n - 1 - i / 2 : i / 2) : i;
  real = t->rot;
  for (int k = 0; k < n; k++) {
    const double angle = cosine ? PETSC_PI * k / (2.0 * n) : -PETSC_PI / 4;
    real[2 * k] = (WbReal)cos(angle);
    real[2 * k + 1] = (WbReal)sin(angle);
  }
  PetscFunctionReturn(0);
}

void WB_R(wb_transform_destroy)(WbTransform *t) {
  WB_FREE(&t->pos);
  WB_FREE(&t->order);
  WB_FREE(&t->tw);
  WB_FREE(&t->rot);
  WB_FREE(&t->tile);
  WB_FREE(&t->pad);
}
