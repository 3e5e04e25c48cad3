/* Inside of the LES module: checks of the options. */
#ifndef WB_LES_OPTIONS_H
#define WB_LES_OPTIONS_H
#include "windbridge/les.h"
PetscErrorCode wb_les_options_check(const WbLesOptions *options, double dx_m, double dz_first_m);
#endif
