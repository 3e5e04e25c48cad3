/* Precision switch for sources in src/<module>/real/: compiled once with WB_SINGLE=1 (WbReal = float, names end
 * in _f32) and once with WB_SINGLE=0 (double, _f64). Write WB_R(wb_thing)(...) for the name. */
#ifndef WINDBRIDGE_REAL_H
#define WINDBRIDGE_REAL_H
#include <float.h>
#include <math.h>
#ifndef WB_SINGLE
#error "real.h is for sources compiled twice (src/<module>/real/)"
#endif
#define WB_PASTE2(a, b) a##b
#define WB_PASTE(a, b) WB_PASTE2(a, b)
#if WB_SINGLE
typedef float WbReal;
#define WB_R(name) WB_PASTE(name, _f32)
#define WB_MPI_REAL MPI_FLOAT
#define WB_REAL_EPS FLT_EPSILON
#define WB_REAL_PRECISION WB_FP32
#define WB_FFTW(name) WB_PASTE(fftwf_, name)
#define WB_LIT(x) WB_PASTE(x, f)
#else
typedef double WbReal;
#define WB_R(name) WB_PASTE(name, _f64)
#define WB_MPI_REAL MPI_DOUBLE
#define WB_REAL_EPS DBL_EPSILON
#define WB_REAL_PRECISION WB_FP64
#define WB_FFTW(name) WB_PASTE(fftw_, name)
#define WB_LIT(x) (x)
#endif
#endif
