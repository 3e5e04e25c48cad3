/* The lock of an output folder: flock on a file that names its holder. Where the file system has no locks, or keeps
 * them on one machine only, the holder's machine, process and start time decide. */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct {
  char host[128], boot[64], job[128], when[40];
  long pid;
  unsigned long long started; /* of the process, in clock ticks since the machine's start */
} Holder;

/* Start of process pid; 0 when there is none. The name in the second field may hold blanks and brackets. */
static unsigned long long process_start(long pid) {
  char path[64], text[1024];
  unsigned long long started = 0;
  snprintf(path, sizeof path, "/proc/%ld/stat", pid);
  FILE *f = fopen(path, "r");
  if (!f) return 0;
  const size_t n = fread(text, 1, sizeof text - 1, f);
  fclose(f);
  text[n] = '\0';
  const char *at = strrchr(text, ')');
  for (int field = 2; at && field < 22; field++) at = strchr(at + 1, ' ');
  if (at) started = strtoull(at, NULL, 10);
  return started;
}

static void first_word(const char *path, char *out, size_t size) {
  out[0] = '\0';
  FILE *f = fopen(path, "r");
  if (!f) return;
  if (!fgets(out, (int)size, f)) out[0] = '\0';
  fclose(f);
  out[strcspn(out, " \n")] = '\0';
}

static const char *batch_job(void) {
  static const char *const names[] = {"SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const char *value = getenv(names[i]);
    if (value && value[0]) return value;
  }
  return "-";
}

static void describe_me(Holder *h) {
  const time_t now = time(NULL);
  struct tm utc;
  memset(h, 0, sizeof *h);
  if (gethostname(h->host, sizeof h->host - 1) || !h->host[0]) snprintf(h->host, sizeof h->host, "?");
  first_word("/proc/sys/kernel/random/boot_id", h->boot, sizeof h->boot);
  if (!h->boot[0]) snprintf(h->boot, sizeof h->boot, "-");
  snprintf(h->job, sizeof h->job, "%.100s", batch_job());
  h->pid = (long)getpid();
  h->started = process_start(h->pid);
  if (gmtime_r(&now, &utc)) strftime(h->when, sizeof h->when, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static bool read_holder(int fd, Holder *h) {
  char text[1024];
  memset(h, 0, sizeof *h);
  const ssize_t n = pread(fd, text, sizeof text - 1, 0);
  if (n <= 0) return false;
  text[n] = '\0';
  return sscanf(text, "host %127s\nprocess %ld started %llu\nboot %63s\njob %127s\nsince %39s", h->host, &h->pid,
                &h->started, h->boot, h->job, h->when) == 6;
}

static bool write_holder(int fd, const Holder *h) {
  char text[1024];
  const int n = snprintf(text, sizeof text, "host %s\nprocess %ld started %llu\nboot %s\njob %s\nsince %s\n", h->host,
                         h->pid, h->started, h->boot, h->job, h->when);
  return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == n && (fsync(fd) == 0 || errno == EINVAL);
}

typedef enum { LOCK_FREE, LOCK_HELD, LOCK_UNKNOWN } LockState;

/* What the file's text says of its holder, once flock (taken: we have it; supported: it means something) has spoken. */
static LockState judge(const Holder *them, const Holder *me, bool taken, bool supported) {
  const bool here = strcmp(them->boot, me->boot) == 0 && strcmp(me->boot, "-") != 0;
  if (!taken && supported) return LOCK_HELD;
  if (here && supported) return LOCK_FREE; /* the kernel knows all processes of this machine */
  if (here) return process_start(them->pid) == them->started && them->started != 0 ? LOCK_HELD : LOCK_FREE;
  if (strcmp(them->host, me->host) == 0) return LOCK_FREE; /* this machine was started anew meanwhile */
  if (strcmp(them->job, "-") != 0 && strcmp(them->job, me->job) == 0) return LOCK_FREE; /* this job, queued again */
  return LOCK_UNKNOWN;
}

static PetscErrorCode refuse(const char *path, const Holder *h, LockState state) {
  char job[160] = "";
  PetscFunctionBeginUser;
  if (strcmp(h->job, "-") != 0 && h->job[0]) snprintf(job, sizeof job, ", job %s", h->job);
  if (state == LOCK_UNKNOWN)
    WB_RAISE(
        WB_ERR_IO,
        "%s: process %ld on %s%s took this folder at %s, and whether it still runs cannot be seen from here; remove "
        "that file if it does not, or give another -run_output_dir",
        path, h->pid, h->host, job, h->when);
  if (!h->host[0])
    WB_RAISE(WB_ERR_IO, "%s: another run is using this folder; wait for it, or give another -run_output_dir", path);
  WB_RAISE(WB_ERR_IO,
           "%s: this folder is in use by process %ld on %s%s since %s; wait for it, or give another -run_output_dir",
           path, h->pid, h->host, job, h->when);
}

/* Takes flock without waiting. *supported out: false where the file system has no such locks. */
static bool try_flock(int fd, bool *supported) {
  *supported = true;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
  if (errno != EWOULDBLOCK && errno != EINTR) *supported = false;
  return false;
}

/* The file may have been removed between open and flock by the run that held it: then ours is a file without a name. */
static bool still_named(int fd, const char *path) {
  struct stat a, b;
  return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static PetscErrorCode take(const char *path, int *out) {
  Holder me, them;
  PetscFunctionBeginUser;
  describe_me(&me);
  for (int attempt = 0; attempt < 20; attempt++) {
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) WB_RAISE(WB_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    bool supported = true;
    const bool taken = try_flock(fd, &supported), named = still_named(fd, path);
    const bool told = read_holder(fd, &them);
    if (taken && !named) {
      close(fd);
      continue;
    }
    const LockState state = told ? judge(&them, &me, taken, supported) : (taken || !supported ? LOCK_FREE : LOCK_HELD);
    if (state == LOCK_FREE && write_holder(fd, &me)) {
      if (told) wb_log("%s: left by a run that has ended without tidying up (process %ld); taken over", path, them.pid);
      *out = fd;
      PetscFunctionReturn(0);
    }
    const int why = errno;
    close(fd);
    if (state == LOCK_FREE) WB_RAISE(WB_ERR_IO, "%s: cannot be written: %s", path, strerror(why));
    PetscCall(refuse(path, &them, state));
  }
  WB_RAISE(WB_ERR_IO, "%s: other runs come and go in this folder; give another -run_output_dir", path);
}

/* A shared lock is taken for a moment, which disturbs nobody who holds it: an exclusive one stands against it. */
static PetscErrorCode look(const char *path) {
  Holder me, them;
  PetscFunctionBeginUser;
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) PetscFunctionReturn(0);
  describe_me(&me);
  bool supported = true;
  const bool taken = flock(fd, LOCK_SH | LOCK_NB) == 0;
  if (!taken && errno != EWOULDBLOCK) supported = false;
  const bool told = read_holder(fd, &them);
  close(fd);
  const LockState state = told ? judge(&them, &me, taken, supported) : (taken || !supported ? LOCK_FREE : LOCK_HELD);
  if (state != LOCK_FREE) PetscCall(refuse(path, &them, state));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_lock_take(MPI_Comm comm, const char *path, int *fd) {
  int rank = 0;
  PetscFunctionBeginUser;
  *fd = -1;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(wb_error_agree(comm, rank == 0 ? take(path, fd) : 0));
  PetscFunctionReturn(0);
}

PetscErrorCode wb_lock_check(MPI_Comm comm, const char *path) {
  int rank = 0;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(wb_error_agree(comm, rank == 0 ? look(path) : 0));
  PetscFunctionReturn(0);
}

void wb_lock_release(const char *path, int *fd) {
  if (*fd < 0) return;
  unlink(path);
  close(*fd);
  *fd = -1;
}
