/* HDF5 behind a quiet, readable face: files are created and opened here, and here its error stack becomes one line. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "io_internal.h"

/* A link to another file could lead anywhere, to a device or a pipe that never answers: the class of such links is
 * taken out of the library, so that none is followed, wherever it stands in a path. */
void wb_io_h5_begin(void) {
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  if (H5Lis_registered(H5L_TYPE_EXTERNAL) > 0) H5Lunregister(H5L_TYPE_EXTERNAL);
}

static herr_t innermost(unsigned n, const H5E_error2_t *e, void *out) {
  if (n == 0 && e->desc) snprintf(out, 512, "%s", e->desc);
  return 0;
}

const char *wb_io_h5_reason(void) {
  static char text[512];
  snprintf(text, sizeof(text), "unknown HDF5 error");
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, text);
  for (char *c = text; *c; c++)
    if (*c == '\n') *c = ' ';
  H5Eclear2(H5E_DEFAULT);
  return text;
}

/* One rank uses plain POSIX files (faster, no MPI-IO layers); the format written is the same. */
static hid_t access_list(MPI_Comm comm, bool writing) {
  int size = 1;
  MPI_Comm_size(comm, &size);
  const hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fclose_degree(fapl, H5F_CLOSE_STRONG);
  H5Pset_file_locking(fapl, 0, 1); /* results are looked at while they are written; locks fail on some file systems */
  if (writing) H5Pset_sieve_buf_size(fapl, 0); /* raw data goes straight to the file: nothing is left for the close */
  if (size > 1) {
    H5Pset_fapl_mpio(fapl, comm, MPI_INFO_NULL);
    H5Pset_all_coll_metadata_ops(fapl, 1);
    H5Pset_coll_metadata_write(fapl, 1);
  }
  return fapl;
}

static hid_t transfer_list(MPI_Comm comm) {
  int size = 1;
  MPI_Comm_size(comm, &size);
  const hid_t dxpl = H5Pcreate(H5P_DATASET_XFER);
  if (size > 1) H5Pset_dxpl_mpio(dxpl, H5FD_MPIO_COLLECTIVE);
  return dxpl;
}

/* File systems without fallocate are left to find out by themselves. */
static bool claim(int fd, double bytes) {
  return fallocate(fd, 0, 0, (off_t)bytes) == 0 || (errno != ENOSPC && errno != EFBIG && errno != EDQUOT);
}

PetscErrorCode wb_io_path_creatable(const char *path) {
  PetscFunctionBeginUser;
  const int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
  if (fd < 0) WB_RAISE(WB_ERR_IO, "cannot write %s: %s", path, strerror(errno));
  const bool room = claim(fd, 2.0 * WB_IO_HEADER_BYTES);
  const int why = errno;
  close(fd);
  if (!room) {
    unlink(path);
    WB_RAISE(WB_ERR_IO, "disk full: cannot write %s: %s", path, strerror(why));
  }
  if (unlink(path)) WB_RAISE(WB_ERR_IO, "cannot replace %s: %s", path, strerror(errno));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_io_file_create(MPI_Comm comm, const char *path, hid_t *file, hid_t *dxpl) {
  PetscFunctionBeginUser;
  int rank = 0;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  wb_io_h5_begin();
  /* an old file of that name is unlinked, not truncated: whoever has it open keeps it */
  PetscCall(wb_error_agree(comm, rank == 0 ? wb_io_path_creatable(path) : 0));
  const hid_t fapl = access_list(comm, true), fcpl = H5Pcreate(H5P_FILE_CREATE);
  H5Pset_link_creation_order(fcpl, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED); /* netCDF-4 needs both */
  H5Pset_attr_creation_order(fcpl, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  H5Pset_obj_track_times(fcpl, 0); /* the same run gives the same bytes */
  H5Pset_libver_bounds(fapl, H5F_LIBVER_V18, H5F_LIBVER_V18);
  *file = H5Fcreate(path, H5F_ACC_TRUNC, fcpl, fapl);
  PetscErrorCode ierr = 0;
  if (*file < 0) /* before any other HDF5 call, which would forget the reason */
    ierr = WB_ERROR(WB_ERR_IO, WB_ERROR_LOCAL, "cannot create %s: %s", path, wb_io_h5_reason());
  H5Pclose(fcpl);
  H5Pclose(fapl);
  PetscCall(wb_error_agree(comm, ierr));
  *dxpl = transfer_list(comm);
  PetscFunctionReturn(0);
}

static PetscErrorCode reserve(const char *path, const char *what, double bytes) {
  PetscFunctionBeginUser;
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) WB_RAISE(WB_ERR_IO, "cannot write %s: %s", path, strerror(errno));
  struct statvfs fs;
  struct stat st;
  double missing = 0.0;
  if (fstatvfs(fd, &fs) == 0 && fstat(fd, &st) == 0)
    missing = bytes - 512.0 * (double)st.st_blocks - (double)fs.f_bavail * (double)fs.f_frsize;
  errno = ENOSPC;
  const bool room = missing <= 0.0 && claim(fd, bytes);
  const int why = errno;
  close(fd);
  if (!room)
    WB_RAISE(WB_ERR_IO, "disk full: no room for %s in %s, which would grow to %.4g MB (%s)", what, path, bytes / 1e6,
             strerror(why));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_io_reserve(MPI_Comm comm, const char *path, const char *what, double bytes) {
  PetscFunctionBeginUser;
  int rank = 0;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(wb_error_agree(comm, rank == 0 ? reserve(path, what, bytes) : 0));
  PetscFunctionReturn(0);
}

/* Cuts off what was claimed and not needed. */
static PetscErrorCode trim(const char *path, hsize_t length) {
  PetscFunctionBeginUser;
  struct stat st;
  if (stat(path, &st) == 0 && (hsize_t)st.st_size > length && truncate(path, (off_t)length))
    WB_RAISE(WB_ERR_IO, "cannot write %s: %s", path, strerror(errno));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_io_file_close(MPI_Comm comm, const char *path, bool writing, hid_t *file, hid_t *dxpl) {
  PetscFunctionBeginUser;
  int rank = 0;
  hsize_t length = 0;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (*dxpl >= 0) H5Pclose(*dxpl);
  /* end of all allocated space; flushed first, because metadata still in memory gets its place in the file only then */
  const bool known =
      writing && H5Fflush(*file, H5F_SCOPE_GLOBAL) >= 0 && H5Fget_filesize(*file, &length) >= 0 && length > 0;
  PetscErrorCode ierr = 0;
  if (H5Fclose(*file) < 0 && writing)
    ierr = WB_ERROR(WB_ERR_IO, WB_ERROR_LOCAL, "cannot write %s (disk full?): %s", path, wb_io_h5_reason());
  *file = *dxpl = -1;
  ierr = wb_error_agree(comm, ierr);
  if (!ierr && writing) ierr = wb_error_agree(comm, rank == 0 && known ? trim(path, length) : 0);
  PetscFunctionReturn(ierr);
}

/* Rank 0 looks first, alone and without MPI-IO: a bad file is then refused with one message and nobody hangs. */
static PetscErrorCode check_readable(const char *path, bool writable) {
  unsigned char magic[8] = {0};
  PetscFunctionBeginUser;
  struct stat st;
  if (stat(path, &st)) WB_RAISE(WB_ERR_INPUT, "cannot open %s: %s", path, strerror(errno));
  if (!S_ISREG(st.st_mode)) WB_RAISE(WB_ERR_INPUT, "cannot read %s: it is not a regular file", path);
  const int fd = open(path, writable ? O_RDWR | O_CLOEXEC : O_RDONLY | O_CLOEXEC);
  if (fd < 0) WB_RAISE(writable ? WB_ERR_IO : WB_ERR_INPUT, "cannot open %s: %s", path, strerror(errno));
  const ssize_t got = read(fd, magic, sizeof(magic));
  close(fd);
  if (got <= 0) WB_RAISE(WB_ERR_INPUT, "%s is empty", path);
  if (memcmp(magic, "CDF", 3) == 0)
    WB_RAISE(WB_ERR_INPUT, "%s is a netCDF classic file; convert it: nccopy -k netCDF-4 %s new.nc", path, path);
  if (got < 8 || memcmp(magic, "\211HDF\r\n\032\n", 8) != 0)
    WB_RAISE(WB_ERR_INPUT, "%s is not an HDF5 (netCDF-4) file", path);
  const hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_file_locking(fapl, 0, 1);
  const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, fapl);
  PetscErrorCode ierr = 0;
  if (file < 0)
    ierr = WB_ERROR(WB_ERR_INPUT, WB_ERROR_LOCAL, "%s is damaged or incomplete: %s", path, wb_io_h5_reason());
  H5Pclose(fapl);
  if (file >= 0) H5Fclose(file);
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_io_file_open(MPI_Comm comm, const char *path, bool writable, hid_t *file, hid_t *dxpl) {
  PetscFunctionBeginUser;
  int rank = 0;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  wb_io_h5_begin();
  wb_crash_reading(path);
  const PetscErrorCode checked = rank == 0 ? check_readable(path, writable) : 0;
  wb_crash_reading(NULL);
  PetscCall(wb_error_agree(comm, checked));
  const hid_t fapl = access_list(comm, writable);
  *file = H5Fopen(path, writable ? H5F_ACC_RDWR : H5F_ACC_RDONLY, fapl);
  PetscErrorCode ierr = 0;
  if (*file < 0) ierr = WB_ERROR(WB_ERR_INPUT, WB_ERROR_LOCAL, "cannot open %s: %s", path, wb_io_h5_reason());
  H5Pclose(fapl);
  PetscCall(wb_error_agree(comm, ierr));
  *dxpl = transfer_list(comm);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_io_fsync(const char *path) {
  PetscFunctionBeginUser;
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) WB_RAISE(WB_ERR_IO, "cannot open %s: %s", path, strerror(errno));
  const int failed = fsync(fd);
  const int why = errno;
  close(fd);
  if (failed && why != EINVAL) WB_RAISE(WB_ERR_IO, "cannot write %s to disk: %s", path, strerror(why));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_io_fsync_parent(const char *path) {
  char dir[WB_IO_PATH];
  PetscFunctionBeginUser;
  snprintf(dir, sizeof(dir), "%s", path);
  char *slash = strrchr(dir, '/');
  if (!slash) {
    snprintf(dir, sizeof(dir), ".");
  } else if (slash == dir) {
    dir[1] = '\0';
  } else {
    *slash = '\0';
  }
  PetscCall(wb_io_fsync(dir));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_io_bcast_text(MPI_Comm comm, const char *text, char **out) {
  PetscFunctionBeginUser;
  int rank = 0;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  uint64_t length = rank == 0 ? strlen(text) : 0;
  PetscCallMPI(MPI_Bcast(&length, 1, MPI_UINT64_T, 0, comm));
  PetscCall(WB_CALLOC(length + 1, out));
  if (rank == 0) memcpy(*out, text, (size_t)length);
  PetscCallMPI(MPI_Bcast(*out, (int)length, MPI_CHAR, 0, comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode put_att(hid_t object, const char *where, const char *name, hid_t type, const void *value) {
  PetscFunctionBeginUser;
  if (H5Aexists(object, name) > 0) H5Adelete(object, name);
  const hid_t space = H5Screate_simple(1, (hsize_t[]){1}, NULL);
  const bool text = H5Tget_class(type) == H5T_STRING;
  const hid_t scalar = H5Screate(H5S_SCALAR);
  const hid_t att = H5Acreate2(object, name, type, text ? scalar : space, H5P_DEFAULT, H5P_DEFAULT);
  PetscErrorCode ierr = 0;
  if (att < 0 || H5Awrite(att, type, value) < 0)
    ierr = WB_ERROR(WB_ERR_IO, WB_ERROR_LOCAL, "cannot write attribute %s of %s: %s", name, where, wb_io_h5_reason());
  if (att >= 0) H5Aclose(att);
  H5Sclose(space);
  H5Sclose(scalar);
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_io_att_text(hid_t object, const char *where, const char *name, const char *text) {
  PetscFunctionBeginUser;
  const size_t length = strlen(text);
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, length > 0 ? length : 1);
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  H5Tset_cset(type, H5T_CSET_UTF8);
  const PetscErrorCode ierr = put_att(object, where, name, type, text);
  H5Tclose(type);
  PetscFunctionReturn(ierr);
}

PetscErrorCode wb_io_att_number(hid_t object, const char *where, const char *name, hid_t type, const void *value) {
  PetscFunctionBeginUser;
  PetscCall(put_att(object, where, name, type, value));
  PetscFunctionReturn(0);
}
