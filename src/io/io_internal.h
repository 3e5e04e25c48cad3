/* windbridge io, private: the file object and helpers shared by the sources of this module. */
#ifndef WINDBRIDGE_IO_INTERNAL_H
#define WINDBRIDGE_IO_INTERNAL_H
#include <hdf5.h>
#include "windbridge/io.h"

enum { WB_IO_MAX_RANK = 8, WB_IO_NAME = 128, WB_IO_PATH = 4096, WB_IO_MAX_MISSING = 16 };

/* What an array (dataset) or an attribute of a file declares, found acceptable: h5_item.c. */
typedef struct {
  hid_t id;                       /* open dataset or attribute; -1: there is none */
  bool attribute;                 /* which of the two */
  const char *label;              /* borrowed: begins each message; names the file */
  char what[2 * WB_IO_NAME + 32]; /* "variable T", "attribute units of T" */
  H5T_class_t class;              /* H5T_INTEGER, H5T_FLOAT or H5T_STRING */
  size_t size;                    /* bytes of one number, or of a text of fixed length */
  bool is_signed;                 /* numbers */
  bool variable, padded;          /* texts: of varying length; filled up with blanks */
  H5T_cset_t cset;
  bool contiguous, unwritten;      /* datasets: where the values lie; the file has none */
  int rank;                        /* 0: scalar */
  hsize_t dims[WB_IO_MAX_RANK], n; /* n: elements; 0 for an empty dataspace. n * size fits a size_t */
} WbIoItem;

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
  WbIoItem item; /* what the file declares */
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
void wb_io_h5_begin(void);         /* no error stacks on stderr, no links out of a file; before anything is opened */
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

/* ---- h5_item.c, h5_read.c: every read of a value goes through these. All are local (on a file that several ranks have
 * open all of them must call; wb_error_agree is the caller's) and raise WB_ERR_INPUT in one line that begins with
 * `label`. Nothing is followed out of the file: links, external and virtual storage are refused. ---- */
bool wb_io_is_plausible(double bytes, hsize_t file_length); /* can a file of that length hold so many, compressed? */
const char *wb_io_class_name(H5T_class_t class);
bool wb_io_item_is_number(const WbIoItem *item);
/* Opens dataset `name` of group `where`; item->id is -1 when there is none. noun: "variable", "array", for messages. */
PetscErrorCode wb_io_dataset_open(hid_t where, const char *label, const char *noun, const char *name, WbIoItem *item);
/* The same of a dataset that is open; does not close it. */
PetscErrorCode wb_io_dataset_describe(hid_t dset, const char *label, const char *noun, const char *name,
                                      WbIoItem *item);
/* Opens an attribute of an open object; item->id is -1 when there is none. owner: NULL for the file's own. */
PetscErrorCode wb_io_attribute_open(hid_t object, const char *label, const char *owner, const char *name,
                                    WbIoItem *item);
void wb_io_item_close(WbIoItem *item);
/* Integers of 1, 2, 4, 8 bytes or floats of 4, 8? */
PetscErrorCode wb_io_item_needs_numbers(const WbIoItem *item);
hid_t wb_io_item_memory(const WbIoItem *item); /* the native type of the same class and size; not to be closed */
/* start, count (rank of the item): inside it? A count of 0 along any axis is an empty block. */
PetscErrorCode wb_io_block_check(const WbIoItem *item, const hsize_t *start, const hsize_t *count);
/* Reads a block of a dataset of numbers as elements of the type `memory`. In a collective read (dxpl) the block must
 * have been checked and agreed on before, so that no rank stays away. */
PetscErrorCode wb_io_block_read(const WbIoItem *item, const hsize_t *start, const hsize_t *count, hid_t memory,
                                hid_t dxpl, void *data);
/* All numbers of an attribute, at most max. n out: how many; 0 when there is no such attribute. */
PetscErrorCode wb_io_attribute_numbers(hid_t object, const char *label, const char *owner, const char *name, int max,
                                       int *n, double *values);
/* An attribute of one integer with all its 64 bits. */
PetscErrorCode wb_io_attribute_bits(hid_t object, const char *label, const char *owner, const char *name, bool *has,
                                    uint64_t *value);
/* An attribute of one text, of fixed or varying length, of fewer than max characters. text out: NULL when there is no
 * such attribute; the caller frees it with WB_FREE. */
PetscErrorCode wb_io_attribute_text(hid_t object, const char *label, const char *owner, const char *name, size_t max,
                                    char **text);

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
/* ---- missing.c ---- */
/* Local: the text of an attribute; NULL when it is absent or no single text. Free with WB_FREE. */
PetscErrorCode wb_io_text_if(hid_t object, const char *label, const char *owner, const char *name, char **text);
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
