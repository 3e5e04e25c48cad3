/* A vector of the transforms: 64 bytes, one sequence per lane. Include after windbridge/real.h. */
#ifndef WB_FFT_TRANSFORM_H
#define WB_FFT_TRANSFORM_H
#include "fft_internal.h"

#define WB_LANES ((int)(64 / sizeof(WbReal)))
#define WB_INLINE static inline __attribute__((always_inline))
#endif
