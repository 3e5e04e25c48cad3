/* windbridge model: the parameters of a network and what belongs to them, as a file. */
#ifndef WINDBRIDGE_MODEL_H
#define WINDBRIDGE_MODEL_H
#include "windbridge/net.h"

/* A path given by values at rising times (bridge.h: WbPathTable). */
enum { WB_MODEL_TABLE = 64 };
typedef struct {
  int n; /* 0: none */
  bool has_diffusivity;
  double t[WB_MODEL_TABLE], alpha[WB_MODEL_TABLE], beta[WB_MODEL_TABLE], noise[WB_MODEL_TABLE],
      diffusivity[WB_MODEL_TABLE];
} WbModelTable;
/* Everything else that a model file carries. Numbers of channels belong to the frame that the network knows: with
 * canonical_wind u and v are the components of the turned wind, wherever it blows from. */
typedef struct {
  char process[32], schedule[32], target[32]; /* "bridge", "linear", "preconditioned" */
  WbModelTable table;                         /* of schedule table or of an interpolant's path */
  float epsilon[4];
  float residual[4]; /* deviation of x1 - x0 about the network's mean, normalised units */
  float spread[4];   /* a member's departure from the mean is multiplied by it (evaluate_calibrate); 1 */
  float noise[5];    /* shares of the noise's variance on cells 1, 2, 4, 8, 16 wide (WbNoiseField); 1, 0, ...: white */
  float scale[4];    /* normalised = (value - reference) / scale: theta - theta_ref(z) [K], u, v, w [m s-1] */
  bool canonical_wind;      /* trained with the wind turned to 0 <= v <= u (wb_symmetry_of_wind) */
  bool scale_by_wind;       /* velocities are divided by scale * wind speed of the forcing */
  char training_json[8192]; /* deck, data provenance, ranges, loss */
} WbModelMeta;
/* wb_model_turn_weights, and meta's numbers of u and v (epsilon, residual, spread, scale) are those of the unturned
 * components then. Not collective, every rank alike. Errors: memory. */
PetscErrorCode wb_model_turn(WbModel model, WbModelMeta *meta, int s);
/* Collective on comm (rank 0 reads / writes, broadcast). Written under a temporary name and renamed. A file that is
 * truncated, of another format version or architecture, with NaN or a wrong checksum: WB_ERR_INPUT, clear message. */
PetscErrorCode wb_model_write(MPI_Comm comm, const char *path, WbModel model, const WbModelMeta *meta);
PetscErrorCode wb_model_read(MPI_Comm comm, const char *path, WbModel *model, WbModelMeta *meta);
#endif
