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

/* A point of all sequences of the tile. Kernels are scalar code for one lane inside a loop over the lanes, which the
 * compiler vectorises with whatever registers the machine has (types of 64 bytes would live in memory with shorter
 * ones). */
typedef struct {
  WbReal re[WB_LANES], im[WB_LANES];
} Pair;

/* One lane's value. */
typedef struct {
  WbReal re, im;
} One;

#define FOR_LANES _Pragma("omp simd") for (int l = 0; l < WB_LANES; l++)

WB_INLINE One take(const Pair *z, int l) {
  const One x = {z->re[l], z->im[l]};
  return x;
}
WB_INLINE void put(Pair *z, int l, One x) {
  z->re[l] = x.re;
  z->im[l] = x.im;
}
WB_INLINE One add(One a, One b) {
  const One x = {a.re + b.re, a.im + b.im};
  return x;
}
WB_INLINE One sub(One a, One b) {
  const One x = {a.re - b.re, a.im - b.im};
  return x;
}
/* a x + b y, real a and b */
WB_INLINE One mix(WbReal a, One x, WbReal b, One y) {
  const One r = {a * x.re + b * y.re, a * x.im + b * y.im};
  return r;
}
/* z - i d (forward) or z + i d */
WB_INLINE One minus_i(One z, One d, bool forward) {
  const One f = {z.re + d.im, z.im - d.re}, b = {z.re - d.im, z.im + d.re};
  return forward ? f : b;
}
/* z times exp(-i a) (forward) or exp(+i a), tw = cos a, sin a */
WB_INLINE One turn(One z, const WbReal *tw, bool forward) {
  const WbReal co = tw[0], si = forward ? tw[1] : -tw[1];
  const One r = {z.re * co + z.im * si, z.im * co - z.re * si};
  return r;
}
/* Which way, and whether there are twiddles: constants at each call. */
typedef struct {
  bool forward, turned;
} Way;
/* Twiddle q of tw (q = 1 ... r - 1) before the butterfly (backward) or after it (forward). */
WB_INLINE One before(One z, const WbReal *tw, int q, Way way) {
  return way.turned && !way.forward ? turn(z, tw + 2 * (q - 1), false) : z;
}
WB_INLINE One after(One z, const WbReal *tw, int q, Way way) {
  return way.turned && way.forward ? turn(z, tw + 2 * (q - 1), true) : z;
}

/* Butterflies: the r points z[0], z[m], ... of a block in place, exp(-+ 2 pi i / r); tw: r - 1 twiddles. */
WB_INLINE void points2(Pair *z, int m, const WbReal *tw, Way way) {
  FOR_LANES {
    const One a = take(z, l), b = before(take(z + m, l), tw, 1, way);
    put(z, l, add(a, b));
    put(z + m, l, after(sub(a, b), tw, 1, way));
  }
}

WB_INLINE void points4(Pair *z, int m, const WbReal *tw, Way way) {
  FOR_LANES {
    const One x0 = take(z, l), x1 = before(take(z + m, l), tw, 1, way);
    const One x2 = before(take(z + 2 * m, l), tw, 2, way), x3 = before(take(z + 3 * m, l), tw, 3, way);
    const One a = add(x0, x2), b = sub(x0, x2), c = add(x1, x3), d = sub(x1, x3);
    put(z, l, add(a, c));
    put(z + m, l, after(minus_i(b, d, way.forward), tw, 1, way));
    put(z + 2 * m, l, after(sub(a, c), tw, 2, way));
    put(z + 3 * m, l, after(minus_i(b, d, !way.forward), tw, 3, way));
  }
}

WB_INLINE void points3(Pair *z, int m, const WbReal *tw, Way way) {
  const WbReal s3 = (WbReal)0.86602540378443864676;
  FOR_LANES {
    const One x0 = take(z, l), x1 = before(take(z + m, l), tw, 1, way);
    const One x2 = before(take(z + 2 * m, l), tw, 2, way), s = add(x1, x2);
    const One d = mix(s3, x1, -s3, x2), middle = mix(1, x0, WB_LIT(-0.5), s);
    put(z, l, add(x0, s));
    put(z + m, l, after(minus_i(middle, d, way.forward), tw, 1, way));
    put(z + 2 * m, l, after(minus_i(middle, d, !way.forward), tw, 2, way));
  }
}

WB_INLINE void points5(Pair *z, int m, const WbReal *tw, Way way) {
  const WbReal c1 = (WbReal)0.30901699437494742410, c2 = (WbReal)-0.80901699437494742410;
  const WbReal s1 = (WbReal)0.95105651629515357212, s2 = (WbReal)0.58778525229247312917;
  FOR_LANES {
    const One x0 = take(z, l), x1 = before(take(z + m, l), tw, 1, way);
    const One x2 = before(take(z + 2 * m, l), tw, 2, way), x3 = before(take(z + 3 * m, l), tw, 3, way);
    const One x4 = before(take(z + 4 * m, l), tw, 4, way);
    const One a = add(x1, x4), b = sub(x1, x4), c = add(x2, x3), d = sub(x2, x3);
    const One m1 = add(x0, mix(c1, a, c2, c)), m2 = add(x0, mix(c2, a, c1, c));
    const One t1 = mix(s1, b, s2, d), t2 = mix(s2, b, -s1, d);
    put(z, l, add(x0, add(a, c)));
    put(z + m, l, after(minus_i(m1, t1, way.forward), tw, 1, way));
    put(z + 2 * m, l, after(minus_i(m2, t2, way.forward), tw, 2, way));
    put(z + 3 * m, l, after(minus_i(m2, t2, !way.forward), tw, 3, way));
    put(z + 4 * m, l, after(minus_i(m1, t1, !way.forward), tw, 4, way));
  }
}

WB_INLINE void butterfly(int r, Pair *z, int m, const WbReal *tw, Way way) {
  if (r == 4) {
    points4(z, m, tw, way);
  } else if (r == 2) {
    points2(z, m, tw, way);
  } else if (r == 3) {
    points3(z, m, tw, way);
  } else {
    points5(z, m, tw, way);
  }
}

WB_INLINE void stage(int r, int n, int m, Pair *z, const WbReal *tw, bool forward) {
  const Way plain = {forward, false}, turned = {forward, true};
  for (int b = 0; b < n; b += r * m) {
    butterfly(r, z + b, m, tw, plain);
    for (int j = 1; j < m; j++) butterfly(r, z + b + j, m, tw + 2 * (size_t)(j * (r - 1)), turned);
  }
}

/* Any other radix by its definition: slow, but cities rarely have 7 x 20 m in them. work (2 r) pairs. */
static void stage_any(int r, int n, int m, Pair *z, const WbReal *tw, bool forward, Pair *work) {
  for (int b = 0; b < n; b += r * m)
    for (int j = 0; j < m; j++) {
      const WbReal *twiddle = tw + 2 * (size_t)(j * (r - 1));
      const Way way = {forward, true};
      work[0] = z[b + j];
      for (int q = 1; q < r; q++) FOR_LANES put(work + q, l, before(take(z + b + j + q * m, l), twiddle, q, way));
      for (int q = 0; q < r; q++) {
        Pair *sum = z + b + j + q * m;
        *sum = work[0];
        for (int p = 1; p < r; p++) {
          const double angle = 2 * PETSC_PI * ((long)p * q % r) / r;
          const WbReal root[2] = {(WbReal)cos(angle), (WbReal)sin(angle)};
          FOR_LANES put(sum, l, add(take(sum, l), turn(take(work + p, l), root, forward)));
        }
        if (q > 0) {
          FOR_LANES put(sum, l, after(take(sum, l), twiddle, q, way));
        }
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
    FOR_LANES {
      const One x = take(a, l), y = take(b, l), s = add(x, y), d = {y.im - x.im, x.re - y.re};
      put(a, l, mix(co, s, -si, d));
      put(b, l, mix(si, s, co, d));
    }
  }
}

WB_KERNEL static void rotate_backward(int n, const int *pos, Pair *z, const WbReal *rot) {
  for (int k = 1; 2 * k < n; k++) {
    Pair *a = z + pos[k], *b = z + pos[n - k];
    const WbReal co = rot[2 * k] / 2, si = rot[2 * k + 1] / 2;
    FOR_LANES {
      const One x = take(a, l), y = take(b, l), s = mix(co, x, si, y), d = mix(co, y, -si, x);
      put(a, l, minus_i(s, d, true));
      put(b, l, minus_i(s, d, false));
    }
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
