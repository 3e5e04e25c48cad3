/* Vector type of the transforms: 64 bytes, one sequence per lane; the compiler splits it where registers are shorter.
 * Include after windbridge/real.h. */
#ifndef WB_FFT_TRANSFORM_H
#define WB_FFT_TRANSFORM_H
#include "fft_internal.h"

#define WB_LANES ((int)(64 / sizeof(WbReal)))
typedef WbReal WbVec __attribute__((vector_size(64)));
#define WB_INLINE static inline __attribute__((always_inline))
#endif
