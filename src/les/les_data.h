/* Per-precision functions of the parts of the LES that move data: planes, statistics, start from a coarser run,
 * checkpoints (src/les/real/). WB_LES_CALL picks the precision of a run. */
#ifndef WB_LES_DATA_H
#define WB_LES_DATA_H
#include "les_internal.h"

#define WB_LES_CALL(les, name, ...) \
  ((les)->opt.precision == WB_FP32 ? name##_f32((les), __VA_ARGS__) : name##_f64((les), __VA_ARGS__))

/* Fields of a whole (coarse) run gathered on every rank: arrays (nz + 1, ny + 1, nx + 1) of doubles per field, faces
 * included; open: 1 where a face lies between fluid cells (or at an open edge), a cell is fluid. */
typedef struct {
  int nz, ny, nx;
  int nf; /* fields of both runs */
  double *value[WB_LES_FIELDS_MAX];
  uint8_t *open[WB_NFIELDS];        /* by kind */
  double *level[WB_LES_FIELDS_MAX]; /* scalars: (nz) mean over fluid cells, for points without any neighbour */
} WbLesWhole;
/* Place of fine points among coarse ones along one axis: index of the lower neighbour and weight of the upper. */
typedef struct {
  int *at;
  double *up;
} WbLesAxis;

#define WB_LES_DATA_DECLARE(s)                                           \
  void wb_les_extract_planes_##s(WbLes les, float *x, float *y);         \
  void wb_les_mean_field_##s(WbLes les, int field, float *out);          \
  void wb_les_scalar_##s(WbLes les, int field, float *out);              \
  void wb_les_variance_field_##s(WbLes les, int field, float *out);      \
  void wb_les_cell_values_##s(WbLes les, size_t at, double *value);      \
  void wb_les_profile_add_##s(WbLes les, double weight, double *sum);    \
  void wb_les_tke_levels_##s(WbLes les, double *sum, double *count);     \
  void wb_les_add_to_whole_##s(WbLes les, double *const *value, int nf); \
  void wb_les_fill_from_whole_##s(WbLes les, const WbLesWhole *whole, const WbLesAxis axis[6]);
WB_LES_DATA_DECLARE(f32)
WB_LES_DATA_DECLARE(f64)
#endif
