/* A plan's stages executed in double for one voxel with x1 ~ N(mu, lambda): exact mean and variance of the scheme. */
#ifndef WB_BRIDGE_PLAN_RUN_H
#define WB_BRIDGE_PLAN_RUN_H
#include "bridge_internal.h"
#include "reference.h"

/* Stages first .. last - 1 (one step) from x with the normal number xi. */
static inline double plan_step(const struct WbPlan_s *plan, int first, int last, const RefVoxel *v, double x,
                               double xi) {
  double field[WB_N_FIELDS] = {[WB_FIELD_X] = x, [WB_FIELD_X0] = v->x0};
  for (int k = first; k < last; k++) {
    const WbStage *stage = &plan->stage[k];
    field[WB_FIELD_D] = ref_denoiser(v, stage->t, field[WB_FIELD_X]);
    for (int i = 0; i < stage->n_ops; i++) {
      double sum = stage->op[i].z * v->epsilon * xi;
      for (int f = 0; f < WB_N_FIELDS; f++) sum += stage->op[i].c[f] * field[f];
      field[stage->op[i].out] = sum;
    }
  }
  return field[WB_FIELD_X];
}

static inline void plan_moments(const struct WbPlan_s *plan, const RefVoxel *v, double *mean, double *var) {
  *mean = plan->start_x0 * v->x0;
  *var = plan->start_z * plan->start_z * v->epsilon * v->epsilon;
  for (int k = 0; k < plan->n_stages;) {
    int end = k;
    while (end < plan->n_stages && plan->stage[end].noise == plan->stage[k].noise) end++;
    const double b = plan_step(plan, k, end, v, *mean, 0), a = plan_step(plan, k, end, v, *mean + 1, 0) - b;
    const double c = plan_step(plan, k, end, v, *mean, 1) - b;
    *mean = b;
    *var = a * a * *var + c * c;
    k = end;
  }
}

/* Plan of a reference process; the caller destroys it. */
static inline WbPlan plan_make(const Ref *r, const WbSampler *o, const WbTimeGrid *grid, int steps) {
  static double t[100001];
  WbProcess process;
  WbPlan plan;
  WB_OK(wb_process_create(&r->options, &process));
  WB_OK(wb_time_grid(grid, steps, t));
  WB_OK(wb_plan_create(process, o, steps, t, &plan));
  wb_process_destroy(&process);
  return plan;
}
#endif
