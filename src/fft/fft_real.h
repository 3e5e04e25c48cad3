/* FFTW's complex type of the precision being compiled (WB_FFTW(complex) would meet the macro of complex.h). */
#ifndef WB_FFT_REAL_H
#define WB_FFT_REAL_H
#include <fftw3.h>

#include "windbridge/real.h"
#if WB_SINGLE
typedef fftwf_complex WbComplex;
#else
typedef fftw_complex WbComplex;
#endif
#endif
