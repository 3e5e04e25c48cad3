/* windbridge io, private: the file object and helpers shared by the sources of this module. */
#ifndef WINDBRIDGE_IO_INTERNAL_H
#define WINDBRIDGE_IO_INTERNAL_H
#include <hdf5.h>
#include "windbridge/io.h"

enum { WB_IO_MAX_RANK = 8, WB_IO_NAME = 128, WB_IO_PATH = 4096, WB_IO_MAX_MISSING = 16 };

typedef struct {
  char group[WB_IO_NAME], name[WB_IO_NAME];
  int size;
  hid_t scale; /* dimension-scale dataset; -1 until it exists; owned by the variable when it has one */
  bool own_scale;
} WbIoDim;

typedef struct {
  char group[WB_IO_NAME], name[WB_IO_NAME];
  hid_t dset;
  int rank;
  int dims[WB_IO_MAX_RANK];
  int dim_index[WB_IO_MAX_RANK]; /* into WbNc_s.dim (writing) */
  WbNcType type;                 /* nearest of ours; writing uses it */
  bool attached;                 /* dimension scales attached (writing) */
  bool contiguous;
  /* reading: */
  H5T_class_t class;
  size_t size;
  bool is_signed; /* after _Unsigned */
  double scale_factor, add_offset;
  bool packed;
  int n_missing; /* values that mean "missing", in the variable's own type */
  unsigned char missing[WB_IO_MAX_MISSING][8];
  bool bounded, bounded_unpacked; /* valid_min, valid_max, valid_range; of the unpacked values */
  double valid_min, valid_max;
} WbIoVar;

struct WbNc_s {
  MPI_Comm comm; /* borrowed */
  int rank, size;
  char path[WB_IO_PATH], open_path[WB_IO_PATH]; /* final name; name on disk while open */
  bool writing, rename_on_close;
  bool created;    /* by this run, not opened to go on writing */
  bool defined;    /* the structure is on disk: from here only raw data changes */
  double reserved; /* disk space claimed so far [bytes] */
  hid_t file, dxpl;
  WbIoDim *dim;
  WbIoVar *var;
  int n_dim, n_var, cap_dim, cap_var;
};

/* ---- h5.c ---- */
void wb_io_h5_quiet(void);         /* no error stacks on stderr */
const char *wb_io_h5_reason(void); /* innermost message of HDF5's error stack (static buffer) */
PetscErrorCode wb_io_file_create(MPI_Comm comm, const char *path, hid_t *file, hid_t *dxpl);
PetscErrorCode wb_io_file_open(MPI_Comm comm, const char *path, bool writable, hid_t *file, hid_t *dxpl);
/* Local: can `path` be created? WB_ERR_IO with the system's reason. */
PetscErrorCode wb_io_path_creatable(const char *path);
/* Collective: claims disk space for the first `bytes` of a file that is open for writing (rank 0), before HDF5 meets a
 * full disk: after a failed close HDF5 1.10 would crash at the end of the program. WB_ERR_IO "disk full". */
PetscErrorCode wb_io_reserve(MPI_Comm comm, const char *path, const char *what, double bytes);
/* Collective closing; gives the unused part of the claim back. WB_ERR_IO */
PetscErrorCode wb_io_file_close(MPI_Comm comm, const char *path, bool writing, hid_t *file, hid_t *dxpl);
enum { WB_IO_HEADER_BYTES = 256 * 1024, WB_IO_OBJECT_BYTES = 16 * 1024 }; /* generous room for structure */
PetscErrorCode wb_io_fsync(const char *path);                             /* local; flushes a closed file to the disk */
PetscErrorCode wb_io_fsync_parent(const char *path);                      /* local; and the folder's entry for it */
/* rank 0's text to all, newly allocated (free with WB_FREE); collective */
PetscErrorCode wb_io_bcast_text(MPI_Comm comm, const char *text, char **out);
/* Attribute of an open object, replaced when present. Collective on the file. */
PetscErrorCode wb_io_att_text(hid_t object, const char *where, const char *name, const char *text);
PetscErrorCode wb_io_att_number(hid_t object, const char *where, const char *name, hid_t type, const void *value);

/* ---- define.c ---- */
void wb_io_group_normalise(const char *group, char out[WB_IO_NAME]);
PetscErrorCode wb_io_group(WbNc nc, const char *group, hid_t *id); /* opens, creates when writing; caller closes */
PetscErrorCode wb_io_end_define(WbNc nc);                          /* makes and attaches dimension scales */
int wb_io_find_dim(WbNc nc, const char *group, const char *name);  /* -1: not found; looks in parent groups too */
int wb_io_find_var(WbNc nc, const char *group, const char *name);  /* among the known; -1 */
WbIoVar *wb_io_new_var(WbNc nc);
bool wb_io_has_dim_of_var(WbNc nc, const WbIoVar *v, const char *dim);

/* ---- read.c ---- */
PetscErrorCode wb_io_var(WbNc nc, const char *group, const char *name, WbIoVar **var); /* opens on first use */
/* Numeric attribute's first element; text of an attribute (malloc'd, NULL when it is absent or no text). Local. */
bool wb_io_att_read_number(hid_t object, const char *name, double *value);
char *wb_io_att_read_text(hid_t object, const char *name);

/* ---- missing.c ---- */
/* Local: packing (scale_factor, add_offset, _Unsigned) and missing values (_FillValue, missing_value, valid_min,
 * valid_max, valid_range) of an opened variable. WB_ERR_INPUT: attributes that are no numbers, a scale of 0. */
PetscErrorCode wb_io_describe_values(WbNc nc, WbIoVar *v);
bool wb_io_is_missing(const WbIoVar *v, const void *raw); /* one value of the variable's own type */

/* ---- convert.c ---- */
size_t wb_io_type_size(WbNcType type);
hid_t wb_io_type_file(WbNcType type);
hid_t wb_io_type_memory(WbNcType type);
void wb_io_convert(const WbIoVar *v, size_t n, const void *raw, WbNcType type, void *out);
bool wb_io_direct(const WbIoVar *v, WbNcType type); /* no conversion needed */

/* ---- checksum.c ---- */
/* This rank's part of the checksum: block (start, count), elements of `size` bytes, of an array dims (rank <= 4). */
uint64_t wb_io_block_sum(const void *data, size_t size, int rank, const int *dims, const int *start, const int *count);

/* ---- crs.c ---- */
PetscErrorCode wb_io_def_crs(WbNc nc, const char *group, const char *wkt);
#endif
