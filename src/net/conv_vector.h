/* Vectors of the own convolution kernels (conv_native.c, conv_winograd.c). */
#ifndef WB_CONV_VECTOR_H
#define WB_CONV_VECTOR_H

enum { LANES = 8, BLOCK = 16 }; /* floats of a vector; outputs of a register tile */
typedef float Vec __attribute__((vector_size(32)));
typedef float Loose __attribute__((vector_size(32), aligned(4), may_alias)); /* the same anywhere in memory */
#define load(p) (*(const Loose *)(p))
#define store(p, v) (*(Loose *)(p) = (v))
#define WB_INLINE static inline __attribute__((always_inline))
#endif
