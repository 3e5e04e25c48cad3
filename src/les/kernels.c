/* Kernels of a step by themselves, for benchmarks, and how much memory traffic a step needs. */
#include "les_internal.h"

PetscErrorCode wb_les_kernel(WbLes les, WbLesKernel kernel) {
  const size_t field = les->lay.field * les->ops->real_bytes;
  char *scratch = les->state0; /* nobody's between steps */
  PetscFunctionBeginUser;
  switch (kernel) {
    case WB_LES_KERNEL_MOMENTUM:
      les->ops->momentum(les, les->state, les->tendency);
      break;
    case WB_LES_KERNEL_VISCOSITY:
      les->last_visc = les->ops->viscosity(les);
      break;
    case WB_LES_KERNEL_POISSON:
      PetscCall(wb_project_flat_solve(les->project));
      break;
    case WB_LES_KERNEL_PROJECTION:
      wb_project_sweep(les->project, scratch, scratch + field, scratch + 2 * field);
      break;
  }
  PetscFunctionReturn(0);
}

/* Fields read (r) and written (w; a line written is read before) by each kernel. The flat solver: rows to modes (r w),
 * modes down through the elimination's pivots (r), up through them (r r) to rows (w). */
double wb_les_traffic_bytes(const WbLesOptions *o) {
  const double r = 1, w = 2, real = o->precision == WB_FP64 ? 8 : 4;
  const double fields = o->momentum_only ? 3 : 4;
  const double first_stage = fields * (r + w) + r, later_stages = fields * (2 * r + w) + r;
  const double divergence = 3 * r + w, correction = 3 * (r + r) + r; /* w of what was just read: once */
  const double poisson = (r + w) + r + (r + r + w);
  const double closure = 3 * r + w, courant = 4 * r;
  const double statistics = fields * r + (fields + 3) * (r + r);
  return real *
         (first_stage + 2 * later_stages + 3 * (divergence + poisson + correction) + closure + courant + statistics);
}
