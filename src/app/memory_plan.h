/* What a run will need, told before it starts. */
#ifndef WB_APP_MEMORY_PLAN_H
#define WB_APP_MEMORY_PLAN_H
#include "app.h"
#include "windbridge/train.h"

enum { WB_PLAN_ROWS = 12, WB_PLAN_SHAPES = 4 };
typedef struct {
  const char *name;
  double bytes; /* this rank */
} WbPlanRow;
typedef struct {
  WbApp *app;
  WbPlanRow row[WB_PLAN_ROWS];
  int n;
  double checkpoint, results; /* on disk in all */
  double city, cells; /* heights of a city that is not made yet [B]; of the flow solver's finest grid, this rank */
  bool too_large;     /* by wb_memory_plan_report: what --check would make is too much for this machine */
  WbGridCut shape[WB_PLAN_SHAPES]; /* grids that the ranks share */
  int n_shapes;
} WbMemoryPlan;

/* Starts with what the process holds now, and a city that is not made yet (NULL: there is none). Not collective. */
void wb_memory_plan_begin(WbApp *app, const WbCity *city, WbMemoryPlan *plan);
/* Where the window is known before the city is made: outline gets its size, without heights. */
bool wb_memory_plan_window(const WbCityOptions *options, WbCity *outline);
void wb_memory_plan_add(WbMemoryPlan *plan, const char *name, double bytes);
/* Collective. Rows of the flow solver and of its windows; of super-resolution of `times` minutes on a window whose 20 m
 * grid has lr's cells. */
PetscErrorCode wb_memory_plan_les(WbMemoryPlan *plan, const WbCity *city, const WbSimOptions *sim, double dx_m);
PetscErrorCode wb_memory_plan_sr(WbMemoryPlan *plan, const WbGrid *lr, int times);
/* Not collective. Rows of training on n pair files. */
PetscErrorCode wb_memory_plan_train(WbMemoryPlan *plan, const WbTrainOptions *options, int n, const WbPairInfo *info);
/* Collective. Prints the plan (a rank's largest, all ranks, what the machine has), warns when the machine has less, and
 * keeps its sum for summary.json. Errors: WB_ERR_CONFIG when all ranks together pass run_memory_limit_gb. */
PetscErrorCode wb_memory_plan_report(WbMemoryPlan *plan);
/* Says that --check ends here, because the plan was too_large. */
PetscErrorCode wb_memory_plan_stop_check(WbApp *app);
#endif
