/* In-place complex FFT of the tile of a WbTransform, one pair of sequences per lane. Mixed radix, decimation in
 * frequency: natural order in, digit-reversed out (never sorted: `pos` says where a frequency is); the inverse runs the
 * stages backwards (Cooley and Tukey 1965; Gentleman and Sande 1966). Then frequencies k and n - k are rotated into the
 * real modes of the two sequences a + i b, V = FFT:
 *   cosine (points reordered as in Makhoul 1980, IEEE ASSP 28, 27; w = exp(-i pi / 2n)):
 *     C_a(k) + i C_b(k) = w^k V(k) + w^-k V(n - k);
 *   cyclic: Hartley modes, the same with w^k replaced by exp(i pi / 4) / sqrt 2 and the sign of mode n - k free. */
#include "windbridge/real.h"

#include "transform.h"

#include <string.h>

typedef struct {
  WbVec re, im;
} Pair;

/* z times exp(-i a) (forward) or exp(+i a), tw = cos a, sin a */
WB_INLINE void turn(Pair *z, const WbReal *tw, bool forward) {
  const WbReal co = tw[0], si = forward ? tw[1] : -tw[1];
  const WbVec re = z->re * co + z->im * si;
  z->im = z->im * co - z->re * si;
  z->re = re;
}

/* r-point transform of x[0..r-1] in place, exp(-+ 2 pi i / r) */
WB_INLINE void points2(Pair *x) {
  const Pair a = x[0];
  x[0].re = a.re + x[1].re;
  x[0].im = a.im + x[1].im;
  x[1].re = a.re - x[1].re;
  x[1].im = a.im - x[1].im;
}

WB_INLINE void points4(Pair *x, bool forward) {
  const Pair a = {x[0].re + x[2].re, x[0].im + x[2].im}, b = {x[0].re - x[2].re, x[0].im - x[2].im};
  const Pair c = {x[1].re + x[3].re, x[1].im + x[3].im}, d = {x[1].re - x[3].re, x[1].im - x[3].im};
  const int p = forward ? 1 : 3;
  x[0].re = a.re + c.re;
  x[0].im = a.im + c.im;
  x[2].re = a.re - c.re;
  x[2].im = a.im - c.im;
  x[p].re = b.re + d.im;
  x[p].im = b.im - d.re;
  x[4 - p].re = b.re - d.im;
  x[4 - p].im = b.im + d.re;
}

WB_INLINE void points3(Pair *x, bool forward) {
  const WbReal half = WB_LIT(0.5), s3 = (WbReal)(forward ? 0.86602540378443864676 : -0.86602540378443864676);
  const Pair s = {x[1].re + x[2].re, x[1].im + x[2].im}, d = {(x[1].re - x[2].re) * s3, (x[1].im - x[2].im) * s3};
  const Pair m = {x[0].re - s.re * half, x[0].im - s.im * half};
  x[0].re += s.re;
  x[0].im += s.im;
  x[1].re = m.re + d.im;
  x[1].im = m.im - d.re;
  x[2].re = m.re - d.im;
  x[2].im = m.im + d.re;
}

WB_INLINE void points5(Pair *x, bool forward) {
  const WbReal c1 = (WbReal)0.30901699437494742410, c2 = (WbReal)-0.80901699437494742410;
  const WbReal s1 = (WbReal)(forward ? 0.95105651629515357212 : -0.95105651629515357212);
  const WbReal s2 = (WbReal)(forward ? 0.58778525229247312917 : -0.58778525229247312917);
  const Pair a = {x[1].re + x[4].re, x[1].im + x[4].im}, b = {x[1].re - x[4].re, x[1].im - x[4].im};
  const Pair c = {x[2].re + x[3].re, x[2].im + x[3].im}, d = {x[2].re - x[3].re, x[2].im - x[3].im};
  const Pair m1 = {x[0].re + a.re * c1 + c.re * c2, x[0].im + a.im * c1 + c.im * c2};
  const Pair m2 = {x[0].re + a.re * c2 + c.re * c1, x[0].im + a.im * c2 + c.im * c1};
  const Pair t1 = {b.re * s1 + d.re * s2, b.im * s1 + d.im * s2};
  const Pair t2 = {b.re * s2 - d.re * s1, b.im * s2 - d.im * s1};
  x[0].re += a.re + c.re;
  x[0].im += a.im + c.im;
  x[1].re = m1.re + t1.im;
  x[1].im = m1.im - t1.re;
  x[4].re = m1.re - t1.im;
  x[4].im = m1.im + t1.re;
  x[2].re = m2.re + t2.im;
  x[2].im = m2.im - t2.re;
  x[3].re = m2.re - t2.im;
  x[3].im = m2.im + t2.re;
}

/* Any other radix by its definition: slow, but cities rarely have 7 x 20 m in them. work (r) pairs. */
WB_INLINE void points_any(int r, Pair *x, Pair *work, bool forward) {
  for (int q = 0; q < r; q++) {
    Pair sum = x[0];
    for (int p = 1; p < r; p++) {
      const double angle = 2 * PETSC_PI * ((long)p * q % r) / r;
      const WbReal tw[2] = {(WbReal)cos(angle), (WbReal)sin(angle)};
      Pair z = x[p];
      turn(&z, tw, forward);
      sum.re += z.re;
      sum.im += z.im;
    }
    work[q] = sum;
  }
  for (int q = 0; q < r; q++) x[q] = work[q];
}

WB_INLINE void points(int r, Pair *x, bool forward) {
  if (r == 4) {
    points4(x, forward);
  } else if (r == 2) {
    points2(x);
  } else if (r == 3) {
    points3(x, forward);
  } else {
    points5(x, forward);
  }
}

/* One butterfly: points z[0], z[m], ... of a block, twiddles tw (r - 1 pairs; NULL: all 1). */
WB_INLINE void butterfly(int r, Pair *z, int m, const WbReal *tw, bool forward) {
  Pair x[5];
  for (int q = 0; q < r; q++) x[q] = z[q * m];
  if (!forward && tw)
    for (int q = 1; q < r; q++) turn(x + q, tw + 2 * (q - 1), false);
  points(r, x, forward);
  if (forward && tw)
    for (int q = 1; q < r; q++) turn(x + q, tw + 2 * (q - 1), true);
  for (int q = 0; q < r; q++) z[q * m] = x[q];
}

WB_INLINE void stage(int r, int n, int m, Pair *z, const WbReal *tw, bool forward) {
  for (int b = 0; b < n; b += r * m) {
    butterfly(r, z + b, m, NULL, forward);
    for (int j = 1; j < m; j++) butterfly(r, z + b + j, m, tw + 2 * (size_t)(j * (r - 1)), forward);
  }
}

static void stage_any(int r, int n, int m, Pair *z, const WbReal *tw, bool forward, Pair *work) {
  Pair *x = work + r;
  for (int b = 0; b < n; b += r * m)
    for (int j = 0; j < m; j++) {
      for (int q = 0; q < r; q++) {
        x[q] = z[b + j + q * m];
        if (!forward && q > 0) turn(x + q, tw + 2 * (size_t)(j * (r - 1) + q - 1), false);
      }
      points_any(r, x, work, forward);
      for (int q = 0; q < r; q++) {
        if (forward && q > 0) turn(x + q, tw + 2 * (size_t)(j * (r - 1) + q - 1), true);
        z[b + j + q * m] = x[q];
      }
    }
}

WB_KERNEL static void stage_forward(int r, int n, int m, Pair *z, const WbReal *tw) {
  switch (r) {
    case 2:
      stage(2, n, m, z, tw, true);
      break;
    case 3:
      stage(3, n, m, z, tw, true);
      break;
    case 4:
      stage(4, n, m, z, tw, true);
      break;
    default:
      stage(5, n, m, z, tw, true);
  }
}

WB_KERNEL static void stage_backward(int r, int n, int m, Pair *z, const WbReal *tw) {
  switch (r) {
    case 2:
      stage(2, n, m, z, tw, false);
      break;
    case 3:
      stage(3, n, m, z, tw, false);
      break;
    case 4:
      stage(4, n, m, z, tw, false);
      break;
    default:
      stage(5, n, m, z, tw, false);
  }
}

/* Frequencies k and n - k to real modes, S = a + b, D = i (a - b): a = co S - si D, b = si S + co D. */
WB_KERNEL static void rotate_forward(int n, const int *pos, Pair *z, const WbReal *rot) {
  for (int k = 1; 2 * k < n; k++) {
    Pair *a = z + pos[k], *b = z + pos[n - k];
    const WbReal co = rot[2 * k], si = rot[2 * k + 1];
    const Pair s = {a->re + b->re, a->im + b->im}, d = {b->im - a->im, a->re - b->re};
    a->re = s.re * co - d.re * si;
    a->im = s.im * co - d.im * si;
    b->re = s.re * si + d.re * co;
    b->im = s.im * si + d.im * co;
  }
}

WB_KERNEL static void rotate_backward(int n, const int *pos, Pair *z, const WbReal *rot) {
  for (int k = 1; 2 * k < n; k++) {
    Pair *a = z + pos[k], *b = z + pos[n - k];
    const WbReal co = rot[2 * k] / 2, si = rot[2 * k + 1] / 2;
    const Pair s = {a->re * co + b->re * si, a->im * co + b->im * si};
    const Pair d = {b->re * co - a->re * si, b->im * co - a->im * si};
    a->re = s.re + d.im;
    a->im = s.im - d.re;
    b->re = s.re - d.im;
    b->im = s.im + d.re;
  }
}

/* The tile: points (order[i]) to modes (pos[k]). */
void WB_R(wb_transform_fft)(const WbTransform *t) {
  Pair *z = t->tile;
  const WbReal *tw = t->tw;
  int m = t->n;
  for (int s = 0; s < t->stages; s++) {
    const int r = t->radix[s];
    m /= r;
    if (r <= 5) {
      stage_forward(r, t->n, m, z, tw);
    } else {
      stage_any(r, t->n, m, z, tw, true, z + t->n);
    }
    tw += 2 * (size_t)m * (size_t)(r - 1);
  }
  rotate_forward(t->n, t->pos, z, t->rot);
}

/* Back, times n. */
void WB_R(wb_transform_ifft)(const WbTransform *t) {
  Pair *z = t->tile;
  const WbReal *tw = (const WbReal *)t->tw + 2 * (size_t)t->twiddles;
  int m = 1;
  rotate_backward(t->n, t->pos, z, t->rot);
  for (int s = t->stages - 1; s >= 0; s--) {
    const int r = t->radix[s];
    tw -= 2 * (size_t)m * (size_t)(r - 1);
    if (r <= 5) {
      stage_backward(r, t->n, m, z, tw);
    } else {
      stage_any(r, t->n, m, z, tw, false, z + t->n);
    }
    m *= r;
  }
}
