/* windbridge io: netCDF-4-compatible parallel HDF5, checkpoints, XDMF. Does not know who calls.
 * All functions are collective on the file's communicator unless said otherwise.
 * Errors: WB_ERR_IO (cannot create, disk full, permission), WB_ERR_INPUT (missing, truncated, not what was asked). */
#ifndef WINDBRIDGE_IO_H
#define WINDBRIDGE_IO_H
#include "windbridge/grid.h"

typedef struct WbNc_s *WbNc;
typedef enum { WB_NC_FLOAT, WB_NC_DOUBLE, WB_NC_INT8, WB_NC_INT32, WB_NC_INT16 } WbNcType;

/* ---- writing ---- */
/* Writes to path + ".tmp" until wb_nc_close renames it if rename_on_close; otherwise directly (streams of minutes,
 * readable after a crash). overwrite = false refuses an existing path with WB_ERR_IO naming run_overwrite. */
PetscErrorCode wb_nc_create(MPI_Comm comm, const char *path, bool overwrite, bool rename_on_close, WbNc *nc);
/* group: "/" or "/lr", ... created on first use. Dimension of fixed size. */
PetscErrorCode wb_nc_def_dim(WbNc nc, const char *group, const char *name, int size);
/* dims: comma-separated names, slowest first ("time,z,y,x"); "" = scalar. Fill value NaN for float/double.
 * The variable may have a dimension's name (then it is its coordinate variable). Storage is allocated at once. */
PetscErrorCode wb_nc_def_var(WbNc nc, const char *group, const char *name, WbNcType type, const char *dims);
/* Attributes; var NULL = group attribute. Fixed-length strings. */
PetscErrorCode wb_nc_att_text(WbNc nc, const char *group, const char *var, const char *name, const char *text);
PetscErrorCode wb_nc_att_real(WbNc nc, const char *group, const char *var, const char *name, double value);
PetscErrorCode wb_nc_att_int(WbNc nc, const char *group, const char *var, const char *name, int value);
/* Collective write of a block: start, count (rank of the variable) in global indices; data of the variable's own type,
 * contiguous. A rank with nothing passes a count of 0. */
PetscErrorCode wb_nc_put(WbNc nc, const char *group, const char *var, const int *start, const int *count,
                         const void *data);
PetscErrorCode wb_nc_flush(WbNc nc); /* readable after a crash from here on */
PetscErrorCode wb_nc_close(WbNc *nc);

/* Closes without renaming, removes the unfinished ".tmp" (files with rename_on_close); for error paths. */
PetscErrorCode wb_nc_abort(WbNc *nc);

/* ---- reading (also files made by other netCDF-4 tools) ---- */
PetscErrorCode wb_nc_open(MPI_Comm comm, const char *path, WbNc *nc);
/* Opens an existing result to go on writing its pre-allocated variables (restart): wb_nc_put*, and reading. */
PetscErrorCode wb_nc_open_append(MPI_Comm comm, const char *path, WbNc *nc);
PetscErrorCode wb_nc_has(WbNc nc, const char *group, const char *var, bool *has);
PetscErrorCode wb_nc_inq_dims(WbNc nc, const char *group, const char *var, int *rank, int dims[8]);
/* data is of `type`; converted in memory from the file's type; packed scale_factor/add_offset applied, and values equal
 * to _FillValue or missing_value, or outside valid_range, become NaN (float and double; 0 when an integer type is asked
 * for). WB_ERR_INPUT: no such variable, block outside it. start, count have the rank of the variable, which the caller
 * has looked up (wb_nc_inq_dims): a file may hold another than expected. */
PetscErrorCode wb_nc_get(WbNc nc, const char *group, const char *var, const int *start, const int *count, WbNcType type,
                         void *data);
/* All n values of a variable on one axis, which must be of that length. Errors: as wb_nc_get; WB_ERR_INPUT: another
 * number of axes or values. */
PetscErrorCode wb_nc_get_line(WbNc nc, const char *group, const char *var, int n, double *values);
PetscErrorCode wb_nc_get_att_real(WbNc nc, const char *group, const char *var, const char *name, bool *has, double *v);
PetscErrorCode wb_nc_get_att_text(WbNc nc, const char *group, const char *var, const char *name, bool *has, char *text,
                                  int max);

/* ---- results that are continued ---- */
/* Copies the values of all variables of `to` from `from`, where both have elements: the common corner of their shapes.
 * For a result that is written anew with more times or members. */
PetscErrorCode wb_nc_copy_common(WbNc from, WbNc to);
/* Sets the root attribute history, in room for WB_NC_HISTORY - 1 characters that is kept from the first call on (the
 * rest is cut off): later calls change the file's structure as little as wb_nc_put does. */
enum { WB_NC_HISTORY = 4096 };
PetscErrorCode wb_nc_history(WbNc nc, const char *text);

/* ---- units of measurement ---- */
typedef enum {
  WB_UNITS_SAME,
  WB_UNITS_CONVERT,
  WB_UNITS_UNKNOWN,
  WB_UNITS_OTHER,
  WB_UNITS_NO_DATABASE
} WbUnitsRelation;
typedef struct {
  WbUnitsRelation relation;
  double slope, offset; /* in `to` = slope * (in `from`) + offset, for SAME and CONVERT */
} WbUnits;
/* Collective on comm: how units of one text become those of another, by UDUNITS-2 (rank 0 asks it). Never an error. */
PetscErrorCode wb_units_relate(MPI_Comm comm, const char *from, const char *to, WbUnits *units);
const char *wb_units_reason(WbUnitsRelation relation); /* "measures something else": for messages */

/* ---- quantities: what arrays may hold ---- */
enum { WB_QUANTITY_NAMES = 3 };
typedef struct {
  const char *name, *units;                      /* as windbridge writes it: "u", "m s-1" */
  double least, most;                            /* physical range */
  const char *standard_names[WB_QUANTITY_NAMES]; /* CF */
  const char *text;
  bool mask;        /* 0 or 1 */
  const char *also; /* units that older files of windbridge give to the same numbers; NULL: none */
} WbQuantity;
const WbQuantity *wb_quantity(const char *name); /* NULL: not in the table */
bool wb_quantity_is_called(const WbQuantity *quantity, const char *standard_name);

/* ---- arrays by their meaning ----
 * Every input of fields goes through here. An array is found by its name or, where that is absent, by its
 * standard_name. Its dimensions are told by their coordinate variables (axis, standard_name, positive, units, name),
 * may come in any order and run either way; further ones of size 1 are dropped. Values are unpacked, missing ones
 * become NaN, units are converted. What is not understood is refused with WB_ERR_INPUT. Without units an array is taken
 * to be in the quantity's, a coordinate in m, times in s; wb_arrays_say warns of it. */
typedef enum { WB_AXIS_TIME, WB_AXIS_Z, WB_AXIS_Y, WB_AXIS_X, WB_AXES } WbAxisKind;
typedef struct {
  char name[128]; /* of the coordinate variable; "": the array has no such axis */
  int n;          /* entries; 1 where there is none */
  double *at;     /* (n) increasing: positions [m], heights above ground [m] or times [s]; NULL where there is none */
  bool reversed;  /* the file runs the other way */
  bool declared;  /* the file says the units */
} WbAxis;
typedef struct {
  int n;
  double *at;        /* (n) [s] since the epoch */
  double *from, *to; /* (n) what each value stands for [s]; NULL: the file does not tell */
  char epoch[32];    /* "2026-01-15 06:00:00" (UTC); "": times without a date */
  char calendar[32]; /* "proleptic_gregorian" ...; "" without a date */
  char method[16];   /* "mean", "point", ...: what the array's cell_methods say of time; "" nothing */
  bool declared;     /* the file says the units */
} WbTimes;

typedef struct WbArray_s *WbArray;
/* Collective. quantity: a name of the table. *array NULL when it is not in the group and must is false. */
PetscErrorCode wb_array_open(WbNc nc, const char *group, const char *quantity, bool must, WbArray *array);
void wb_array_close(WbArray *array);
const char *wb_array_name(const WbArray array); /* in the file */
const WbAxis *wb_array_axis(const WbArray array, WbAxisKind kind);
const WbTimes *wb_array_times(const WbArray array); /* n = 0: the array has no time axis */
bool wb_array_has_units(const WbArray array);
/* Collective. WKT of the coordinate system that the array's grid_mapping names (crs_wkt or spatial_ref), cut to max;
 * "": none. */
PetscErrorCode wb_array_system(const WbArray array, size_t max, char *wkt);
/* WB_ERR_INPUT unless the array has just the axes named by letters of "tzyx" (a time without dimension counts). */
PetscErrorCode wb_array_need(const WbArray array, const char *axes);
/* WB_ERR_INPUT unless both lie at the same places: those axes of "tzyx" that are named. */
PetscErrorCode wb_array_same_places(const WbArray array, const WbArray other, const char *axes);
/* WB_ERR_INPUT unless n entries from `first` on lie at `start + i * step` [m]. */
PetscErrorCode wb_array_regular(const WbArray array, WbAxisKind kind, int first, int n, double start, double step);
/* Collective. The block (start, count: time, z, y, x; increasing) into out (count[0], ..., count[3]), in the quantity's
 * units, NaN where missing. A rank with nothing passes a count of 0. */
PetscErrorCode wb_array_read(const WbArray array, const int start[4], const int count[4], float *out);
/* Collective. The same for a mask; WB_ERR_INPUT: a value is neither 0 nor 1. */
PetscErrorCode wb_array_read_mask(const WbArray array, const int start[4], const int count[4], uint8_t *out);
/* Collective. Are the values of the block numbers within the quantity's range where air (NULL: everywhere; same for
 * every time) is not 0? Remembers the range seen. WB_ERR_INPUT naming value, place and what is allowed. */
PetscErrorCode wb_array_check(WbArray array, const int start[4], const int count[4], const float *values,
                              const uint8_t *air);
/* Collective, after all of the array was checked: WB_ERR_INPUT when some building cells hold numbers and others none.
 */
PetscErrorCode wb_array_check_solids(const WbArray array, const char *mask);
/* Collective. One line about what was understood, and a warning about units that were not given. NULL arrays are
 * left out. */
PetscErrorCode wb_arrays_say(int n, const WbArray *arrays);

/* Times: s of `date` ("2026-01-15T06:00:00") after the epoch of `times`; false: no such date, or another calendar. */
bool wb_times_after(const WbTimes *times, const char *date, double *seconds);
/* Collective. "time" of group itself (for files that hold no such array). */
PetscErrorCode wb_times_read(WbNc nc, const char *group, const char *name, WbTimes *times);
void wb_times_free(WbTimes *times);

/* ---- convenience for fields on a WbGrid ---- */
/* Standard coordinates of a result file: defines dims time(n_time), z, y, x (and member when n_member > 0), variables
 * time (CF units from start_time_iso), time_bnds, z, y, x [m] at cell centres, and the CF grid mapping when wkt is
 * given. z values (nz). Call wb_nc_put for time as minutes come (wb_nc_put_time). */
typedef struct {
  int n_time, n_member;       /* n_member 0: no member dimension */
  const double *z;            /* (nz) cell centres [m] */
  const char *start_time_iso; /* "2026-08-01T12:00:00" */
  const char *crs_wkt;        /* NULL or "" when unknown */
  const char *title, *history, *source, *deck_yaml;
  const WbTimes *times; /* NULL, or the epoch, calendar and bounds that take start_time_iso's place */
} WbNcGridHeader;
PetscErrorCode wb_nc_def_grid(WbNc nc, const char *group, const WbGrid *grid, const WbNcGridHeader *header);
PetscErrorCode wb_nc_put_grid(WbNc nc, const char *group, const WbGrid *grid, const WbNcGridHeader *header);
PetscErrorCode wb_nc_put_time(WbNc nc, const char *group, int index, double t_end_s, double t_begin_s);
/* The stamp of entry `index` of other times (of the header's epoch), with bounds where they have them. */
PetscErrorCode wb_nc_put_stamp(WbNc nc, const char *group, int index, const WbTimes *times);
/* Write or read owned cells (nz, nyl, nxl) of variable (time, [member,] z, y, x); member -1: no member dimension,
 * time -1: no time dimension. */
PetscErrorCode wb_nc_put_field(WbNc nc, const char *group, const char *var, const WbGrid *grid, int time, int member,
                               const float *owned);
PetscErrorCode wb_nc_get_field(WbNc nc, const char *group, const char *var, const WbGrid *grid, int time, int member,
                               float *owned);

/* Defines variable `name` with the CF attributes (units, standard_name, long_name) of the known names T theta u v w
 * fluid_mask lr_valid_mask building_height ...; names ending in _mask are int8, all others float. */
PetscErrorCode wb_nc_def_field(WbNc nc, const char *group, const char *name, const char *dims);
/* Owned cells of a mask (z, y, x) and owned columns of a float plane (y, x), as wb_nc_put_field. */
PetscErrorCode wb_nc_put_mask(WbNc nc, const char *group, const char *var, const WbGrid *grid, const uint8_t *owned);
PetscErrorCode wb_nc_get_mask(WbNc nc, const char *group, const char *var, const WbGrid *grid, uint8_t *owned);
PetscErrorCode wb_nc_put_plane(WbNc nc, const char *group, const char *var, const WbGrid *grid, const float *owned);
PetscErrorCode wb_nc_get_plane(WbNc nc, const char *group, const char *var, const WbGrid *grid, float *owned);

/* XDMF 2 description of a result file's variables (cell data on voxels), so that ParaView opens it. Rank 0 writes.
 * nc_name: the data file relative to `path` ("hr.nc"); zf (nz + 1): cell faces [m]; times (n_time) [s];
 * vars (time, [member,] z, y, x) float32 (n_member 0: no member dimension) become arrays "T" or "T_m0", "T_m1", ...,
 * and u, v, w also a vector "velocity"; static_vars (z, y, x): int8 when the name ends in _mask, else float32
 * (planes such as building_height are no cell data: leave them out). */
PetscErrorCode wb_xdmf_write(MPI_Comm comm, const char *path, const char *nc_name, const WbGrid *grid, const double *zf,
                             int n_time, int n_member, const double *times, int n_vars, const char *const *vars,
                             int n_static, const char *const *static_vars);

/* ---- checkpoints: every array carries a checksum (independent of the rank count), verified on opening; written to
 * path.tmp, fsynced, renamed; the previous file is kept as path.prev ---- */
typedef struct WbCheckpoint_s *WbCheckpoint;
PetscErrorCode wb_checkpoint_create(MPI_Comm comm, const char *path, WbCheckpoint *ck);
PetscErrorCode wb_checkpoint_open(MPI_Comm comm, const char *path, WbCheckpoint *ck); /* falls back to .prev, says so */
/* Distributed block of a global 1-4-D array of float or double: (rank dims) global, start, count of this rank. */
PetscErrorCode wb_checkpoint_put(WbCheckpoint ck, const char *name, WbPrecision type, int rank, const int *dims,
                                 const int *start, const int *count, const void *data);
PetscErrorCode wb_checkpoint_get(WbCheckpoint ck, const char *name, WbPrecision type, int rank, const int *dims,
                                 const int *start, const int *count, void *data);
PetscErrorCode wb_checkpoint_put_real(WbCheckpoint ck, const char *name, double value); /* attribute */
PetscErrorCode wb_checkpoint_get_real(WbCheckpoint ck, const char *name, double *value);
PetscErrorCode wb_checkpoint_put_text(WbCheckpoint ck, const char *name, const char *text);
PetscErrorCode wb_checkpoint_get_text(WbCheckpoint ck, const char *name, char *text, int max);
PetscErrorCode wb_checkpoint_has(WbCheckpoint ck, const char *name, bool *has); /* array, real or text */
PetscErrorCode wb_checkpoint_close(WbCheckpoint *ck); /* commits when it was created; refuses after a failed put */
PetscErrorCode wb_checkpoint_abort(WbCheckpoint *ck); /* closes and removes the temporary file; for error paths */

/* ---- small files of named arrays and values, read or written by one process: nothing here is collective ----
 * noun: what such a file is to people ("model file"); it begins every message, with the path. */
typedef struct WbArchive_s *WbArchive;
PetscErrorCode wb_archive_create(const char *path, const char *noun,
                                 WbArchive *archive); /* under path.tmp until the close */
PetscErrorCode wb_archive_put_int(WbArchive archive, const char *name, int value);
PetscErrorCode wb_archive_put_text(WbArchive archive, const char *name, const char *text);
PetscErrorCode wb_archive_put_floats(WbArchive archive, const char *name, int rank, const int *dims, const float *data);
PetscErrorCode wb_archive_open(const char *path, const char *noun, WbArchive *archive);
PetscErrorCode wb_archive_get_int(WbArchive archive, const char *name, bool *has, int *value);
/* A text of fewer than max characters; text out: NULL when there is none, else the caller's, WB_FREE. */
PetscErrorCode wb_archive_get_text(WbArchive archive, const char *name, size_t max, char **text);
/* An array of exactly this shape (rank dims) and of floating-point numbers; data NULL: only looks whether it is there.
 * WB_ERR_INPUT: missing, another shape, unreadable. */
PetscErrorCode wb_archive_get_floats(WbArchive archive, const char *name, int rank, const int *dims, float *data);
/* Before memory is taken for what a file promises: WB_ERR_INPUT when it is too short to hold so many bytes. */
PetscErrorCode wb_archive_expect(WbArchive archive, const char *what, double bytes);
PetscErrorCode wb_archive_close(
    WbArchive *archive);                   /* what was created: synced and renamed to path; archive NULL is fine */
void wb_archive_abort(WbArchive *archive); /* closes, removes the temporary file; for error paths */

/* Whole small file from a string, atomically (tmp, fsync, rename); rank 0 writes, all agree. For summary.json, loss
 * tables. */
PetscErrorCode wb_file_write_text(MPI_Comm comm, const char *path, const char *text);
/* A closed file takes its name, after it has reached the disk. */
PetscErrorCode wb_file_rename(MPI_Comm comm, const char *from, const char *to);
/* Creates the folder (and parents) on rank 0, checks that it can be written; WB_ERR_IO with a readable message. */
PetscErrorCode wb_output_dir_prepare(MPI_Comm comm, const char *dir);
#endif
