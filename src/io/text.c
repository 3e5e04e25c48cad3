/* Small text files and output folders. Rank 0 acts, all ranks learn the outcome. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "io_internal.h"

static PetscErrorCode write_all(const char *path, const char *text) {
  PetscFunctionBeginUser;
  const int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
  if (fd < 0) WB_RAISE(WB_ERR_IO, "cannot write %s: %s", path, strerror(errno));
  size_t left = strlen(text);
  int why = 0;
  while (left > 0 && !why) {
    const ssize_t done = write(fd, text, left);
    if (done < 0 && errno != EINTR) why = errno;
    if (done > 0) {
      text += done;
      left -= (size_t)done;
    }
  }
  if (!why && fsync(fd) && errno != EINVAL) why = errno;
  if (close(fd) && !why) why = errno;
  if (why) {
    unlink(path);
    WB_RAISE(WB_ERR_IO, "cannot write %s: %s", path, strerror(why));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode write_atomically(const char *path, const char *text) {
  char temporary[WB_IO_PATH];
  PetscFunctionBeginUser;
  if (snprintf(temporary, sizeof(temporary), "%s.tmp", path) >= (int)sizeof(temporary))
    WB_RAISE(WB_ERR_IO, "path too long: %.64s...", path);
  PetscCall(write_all(temporary, text));
  if (rename(temporary, path)) {
    const int why = errno;
    unlink(temporary);
    WB_RAISE(WB_ERR_IO, "cannot write %s: %s", path, strerror(why));
  }
  PetscCall(wb_io_fsync_parent(path));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_file_write_text(MPI_Comm comm, const char *path, const char *text) {
  PetscFunctionBeginUser;
  int rank = 0;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(wb_error_agree(comm, rank == 0 ? write_atomically(path, text) : 0));
  PetscFunctionReturn(0);
}

static PetscErrorCode prepare(const char *dir) {
  char part[WB_IO_PATH];
  PetscFunctionBeginUser;
  if (!dir[0]) WB_RAISE(WB_ERR_IO, "the output folder's name is empty");
  if (strlen(dir) + 32 > sizeof(part)) WB_RAISE(WB_ERR_IO, "path too long: %.64s...", dir);
  snprintf(part, sizeof(part), "%s", dir);
  for (char *c = part + 1;; c++) {
    if (*c != '/' && *c != '\0') continue;
    const char kept = *c;
    *c = '\0';
    if (mkdir(part, 0777) && errno != EEXIST)
      WB_RAISE(WB_ERR_IO, "cannot create output folder %s: %s (%s)", dir, strerror(errno), part);
    *c = kept;
    if (!kept) break;
  }
  struct stat st;
  if (stat(dir, &st)) WB_RAISE(WB_ERR_IO, "cannot use output folder %s: %s", dir, strerror(errno));
  if (!S_ISDIR(st.st_mode)) WB_RAISE(WB_ERR_IO, "cannot use output folder %s: it is a file", dir);
  /* access() knows nothing of read-only mounts seen through root, quotas, ...: try it */
  snprintf(part, sizeof(part), "%s/.windbridge_write_test", dir);
  const int fd = open(part, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
  if (fd < 0) WB_RAISE(WB_ERR_IO, "cannot write in output folder %s: %s", dir, strerror(errno));
  const bool full = write(fd, "x", 1) != 1;
  const int why = errno;
  close(fd);
  unlink(part);
  if (full) WB_RAISE(WB_ERR_IO, "cannot write in output folder %s: %s", dir, strerror(why));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_output_dir_prepare(MPI_Comm comm, const char *dir) {
  PetscFunctionBeginUser;
  int rank = 0;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(wb_error_agree(comm, rank == 0 ? prepare(dir) : 0));
  PetscFunctionReturn(0);
}
