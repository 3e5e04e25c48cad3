/* Inside of the simulations around a city: shared by simulate.c, sim_inflow.c, sim_run.c, sim_time.c, sim_window.c,
 * pairs.c. */
#ifndef WB_SIM_INTERNAL_H
#define WB_SIM_INTERNAL_H
#include "windbridge/hybrid.h"

#define WB_SIM_MAX_RUNS 2
enum { WB_SIM_PATH = 4096, WB_SIM_MARK = 32 };

struct WbSim_s {
  MPI_Comm comm;
  const WbCity *city; /* borrowed */
  WbSimOptions opt;
  WbSimControl control;
  char checkpoint[WB_SIM_PATH];                /* "" : none */
  double x_min_m, y_min_m, size_x_m, size_y_m; /* of the whole domain */
  double top_m;
  WbInflow inflow;
  bool told; /* the log says already what flows in */
  WbSimRun *run[WB_SIM_MAX_RUNS];
  int n_runs;
  char mark[WB_SIM_MARK]; /* what checkpoints must match */
  double wall_checkpoint; /* wall time of the last one */
};

/* One stretch of simulated time of one run: progress lines, stop requests, checkpoints. */
typedef struct WbSimPhase_s WbSimPhase;
struct WbSimPhase_s {
  WbSim sim;
  WbLes les;
  const char *label;
  double t_end_s; /* of the whole phase, for the ETA */
  double t_begin_s, wall_begin, wall_live;
  double cells;
  long steps_begin;
  PetscErrorCode (*save)(WbSimPhase *phase); /* writes a checkpoint; NULL: none is written. At first that of the sim */
  void *owner;                               /* for save */
  const char *checkpoint;                    /* its file */
};
void wb_sim_phase_begin(WbSimPhase *phase, WbSim sim, WbLes les, const char *label, double t_end_s);
PetscErrorCode wb_sim_phase_monitor(void *ctx, WbLes les); /* WbLesMonitor; ctx = WbSimPhase */
PetscErrorCode wb_sim_phase_report(WbSimPhase *phase);     /* one progress line; collective */

PetscErrorCode wb_sim_run_les(WbSim sim, WbSimRun *run); /* creates run->les; needs sim->inflow */
PetscErrorCode wb_sim_inflow_made(WbSim sim);            /* collective: sim->inflow, unless a precursor makes it */
/* Collective. Runs the precursor, from its checkpoint where there is one and the control resumes; planes in path. */
PetscErrorCode wb_sim_precursor(WbSim sim, const char *path, const char *tag);
PetscErrorCode wb_sim_has_checkpoint(MPI_Comm comm, const char *path, bool *yes); /* or its predecessor; collective */
/* Hash of everything that the simulation's results depend on (flow_only: that the precursor's do), as text. */
void wb_sim_mark(WbSim sim, bool flow_only, char mark[WB_SIM_MARK]);
/* sim_geometry.c. Has a run of this spacing geometry below its cells? */
bool wb_sim_porous(const WbSim sim, double dx_m);
/* Not collective. What a run of this spacing takes for the buildings of the box at (x, y): solid cells (nz, ny, nx)
 * with faces zf; share (may be NULL): of each cell's air; roof (porous only, may be NULL): WbLesVoxels.roof, allocated.
 * rim_m: no buildings this near to the domain's edges. */
PetscErrorCode wb_sim_buildings(const WbSim sim, double dx_m, const double at_m[2], const int n[3], const double *zf,
                                double rim_m, uint8_t *solid, float *share, int32_t **roof);
void wb_sim_voxels(const WbSim sim, double dx_m, const int32_t *roof, WbLesVoxels *voxels);
/* (x, y) cells of the whole domain at spacing dx. */
void wb_sim_cells(WbSim sim, double dx_m, int *nx, int *ny);
#endif
