/* windbridge core: errors, logging, timers, aligned memory, counter-based random numbers.
 *
 * Level 0: knows nothing of grids or MPI layout (communicators appear only to agree on errors and
 * to print once).
 */
#ifndef WINDBRIDGE_CORE_H
#define WINDBRIDGE_CORE_H

#include <petscsys.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- physical constants used by several modules ---- */
#define WB_GRAVITY 9.81 /* [m s-2] */
#define WB_KARMAN 0.4   /* von Karman constant (Businger 1971 set with 5/16) */
#define WB_CP 1005.0    /* [J kg-1 K-1] */
#define WB_RD 287.0     /* [J kg-1 K-1] */
#define WB_P0 1.0e5     /* reference pressure of theta [Pa] */

/* ---- errors ----
 * The error code of a failed function is one of these (or a PETSc code = internal error); the
 * program's exit code is code - 2000 (internal errors exit 1).
 */
enum {
  WB_ERR_CONFIG = 2002,  /* usage or configuration: deck missing or wrong */
  WB_ERR_INPUT = 2003,   /* input data: city, model, pair, external file */
  WB_ERR_NUMERIC = 2004, /* numerical failure: names step, variable, place */
  WB_ERR_IO = 2005,      /* disk full, permission */
  WB_ERR_STOPPED = 2075  /* stopped by signal or wall-time limit, checkpoint written */
};

/* Record a message and return `code`. LOCAL: only some ranks may have failed. ALL: every rank of the
 * run fails here with the same message (a decision taken on replicated data). Used through WB_RAISE. */
typedef enum { WB_ERROR_LOCAL = 0, WB_ERROR_ALL = 1 } WbErrorScope;
PetscErrorCode wb_error_raise(PetscErrorCode code, WbErrorScope scope, const char *func, const char *file, int line,
                              const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* error = WB_ERROR(code, scope, ...): for what must be cleared away, or agreed on, before the function returns. */
#define WB_ERROR(code, scope, ...) wb_error_raise((code), (scope), __func__, __FILE__, __LINE__, __VA_ARGS__)
#define WB_RAISE_SCOPE(code, scope, ...)         \
  do {                                           \
    (void)WB_ERROR(code, scope, __VA_ARGS__);    \
    PetscFunctionReturn((PetscErrorCode)(code)); \
  } while (0)
#define WB_RAISE(code, ...) WB_RAISE_SCOPE(code, WB_ERROR_LOCAL, __VA_ARGS__)
#define WB_RAISE_ALL(code, ...) WB_RAISE_SCOPE(code, WB_ERROR_ALL, __VA_ARGS__)

/* Collective on comm. Turn a local result (0 or an error already raised) into one that all ranks share: if
 * any rank failed, every rank returns that rank's code and holds its message (lowest failing rank wins), and
 * the error is marked ALL. Use after any step that only some ranks do (file reading on rank 0, ...). */
PetscErrorCode wb_error_agree(MPI_Comm comm, PetscErrorCode local);

void wb_error_install(void);        /* PETSc error handler without stack traces; after PetscInitialize */
const char *wb_error_message(void); /* message of the first error raised, never NULL */
bool wb_error_is_collective(void);  /* do all ranks know of it? (then main returns, else aborts) */
/* Is an error held of which the others may not know? What the caller then frees must not wait for them. */
bool wb_error_is_alone(void);
int wb_error_exit_code(PetscErrorCode e); /* 0, 1 (internal), 2, 3, 4, 5 or 75 */
void wb_error_clear(void);                /* forget (tests that provoke errors) */

/* ---- logging (rank 0 prints; a copy goes to the log file once opened) ---- */
PetscErrorCode wb_log_open(MPI_Comm comm, const char *path, bool quiet); /* collective; path NULL: stdout only */
void wb_log(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* adds the newline */
void wb_log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void wb_log_live(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* overwritten line, tty only */
void wb_log_close(void);
void wb_format_eta(double seconds, char out[32]); /* "1 h 02 min", "3 min 20 s", "12 s" */

/* ---- stop requests: a signal only sets a flag ----
 * SIGTERM, SIGINT, SIGUSR1 set the flag; a second SIGTERM or SIGINT, half a second or more after the first, ends the
 * process at once. */
void wb_stop_install(void);
bool wb_stop_requested(void); /* local; callers Allreduce(MAX) at step boundaries */

/* ---- crashes (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS) ----
 * From here on the process ends with one line on stderr, whatever locks it holds. While a file is being read the line
 * names it and leave(3) is called (NULL, or no file: the signal itself ends the process). Call after PetscInitialize
 * and PetscPopSignalHandler: the handlers of PETSc and MPI print and allocate. Not under the sanitizers. */
void wb_crash_install(void (*leave)(int status));
void wb_crash_reading(const char *what); /* copied; NULL: nothing is being read any more. Local */

/* ---- timers: named, nestable, wall-clock; names are static strings like "les.pressure" ---- */
int wb_timer_id(const char *name); /* registers on first use */
void wb_timer_begin(int id);
void wb_timer_end(int id);
int wb_timer_count(void);
const char *wb_timer_name(int id);
double wb_timer_seconds(int id);
double wb_wtime(void); /* monotonic [s] */

/* ---- memory: 64-byte aligned; debug builds fill with NaN; errors are WB_ERR_NUMERIC? no: internal ---- */
PetscErrorCode wb_alloc_bytes(size_t bytes, const char *what, void **out);
void wb_free_bytes(void **p); /* sets NULL; NULL is fine */
#define WB_ALLOC(n, ptr) \
  wb_alloc_bytes((size_t)(n) * sizeof(**(ptr)), #ptr, (void **)(ptr))       /* PetscCall(WB_ALLOC(n, &a)) */
#define WB_FREE(ptr) wb_free_bytes((void **)(ptr))                          /* WB_FREE(&a) */
PetscErrorCode wb_calloc_bytes(size_t bytes, const char *what, void **out); /* zeroed */
#define WB_CALLOC(n, ptr) wb_calloc_bytes((size_t)(n) * sizeof(**(ptr)), #ptr, (void **)(ptr))
/* What an object takes, counted as it is made. planning: nothing is made and *out is NULL, only the count; so the plan
 * of an object cannot differ from the object. */
typedef struct {
  bool planning;
  double bytes;
} WbTally;
PetscErrorCode wb_tally_calloc(WbTally *tally, size_t bytes, const char *what, void **out); /* zeroed */
#define WB_TALLY_CALLOC(tally, n, ptr) wb_tally_calloc((tally), (size_t)(n) * sizeof(**(ptr)), #ptr, (void **)(ptr))
double wb_memory_peak_bytes(void);     /* this process's peak resident set */
double wb_memory_resident_bytes(void); /* its resident set now */
/* What this machine (or the control group that holds the process) still has for all its processes together; 0: unknown.
 * where out: "MemAvailable" or "cgroup limit". */
double wb_memory_available_bytes(const char **where);

/* ---- random numbers: Random123 Philox4x32-10 ----
 * counter = (voxel, step, member, minute), key = (seed, stream). The four words of one counter give the four channels.
 * Same numbers whatever the rank count.
 *
 * Everything that is drawn has a stream of its own here, and streams are disjoint because their number is half of
 * Philox's key: name, number, and what tells the draws of one stream apart. Numbers never change (they are in every
 * forecast made so far); a new use gets a new row. */
#define WB_RANDOM_STREAMS(X)                                                                         \
  X(BRIDGE, 1, "noise of a forecast's members: cell of a noise grid, SDE step, member, minute")      \
  X(TRAIN_NOISE, 2, "noise of a training sample: cell of a noise grid, draw, slot, optimiser step")  \
  X(CITY, 3, "synthetic city: hashed number of the thing, what is drawn of it")                      \
  X(INIT, 4, "first weights of a network: four parameters of a tensor, tensor")                      \
  X(LES, 5, "first gusts of a flow: block of cells")                                                 \
  X(INFLOW, 6, "made inflow: face on the closed line and level, -, -, time index (may be negative)") \
  X(TRAIN_ORDER, 7, "shuffling of the training minutes: place in the order, -, epoch")               \
  X(TRAIN_PLACE, 8, "crop and symmetry of a training sample: its serial number")                     \
  X(TRAIN_TIME, 9, "time of a training sample within its stratum: -, draw, slot, optimiser step")    \
  X(TRAIN_MIRROR, 10, "the coin that mirrors a training sample: -, draw, slot, optimiser step")      \
  X(TRAIN_DROPOUT, 11, "channels dropped: channel, network, slot, optimiser step")                   \
  X(VALIDATION_PLACE, 12, "crop of a validation item: its number")                                   \
  X(VALIDATION_NOISE, 13, "noise of a validation item: cell of a noise grid, draw, -, item")         \
  X(BOOTSTRAP, 21, "resampling of scores: four picks, -, resample")                                  \
  X(TEST, 99, "tests")
typedef enum {
#define WB_RANDOM_ROW(name, number, what) WB_STREAM_##name = (number),
  WB_RANDOM_STREAMS(WB_RANDOM_ROW)
#undef WB_RANDOM_ROW
} WbRandomStream;
typedef struct {
  uint32_t seed;
  WbRandomStream stream;
  uint32_t step, member, minute; /* step < 2^16; member and minute < 2^31, INFLOW's minute any */
  bool negated;                  /* normal numbers with the other sign (antithetic variates) */
} WbRandomKey;
#define WB_RANDOM_VOXELS (1ULL << 48) /* voxel < it */
/* May key and voxel be drawn (a stream of the table, parts in range)? Beyond the ranges two draws would share their
 * numbers. Debug builds stop (assert) where one is drawn that may not. Not collective. */
bool wb_random_in_range(const WbRandomKey *key, uint64_t voxel);
const char *wb_random_stream_name(WbRandomStream stream); /* "TRAIN_TIME"; NULL: not in the table. Static text */
/* The generator itself: ten rounds on counter (4) under key (2). */
void wb_random_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
void wb_random_words(const WbRandomKey *key, uint64_t voxel, uint32_t out[4]);
void wb_random_uniform4(const WbRandomKey *key, uint64_t voxel, double out[4]); /* open interval (0,1) */
void wb_random_normal4(const WbRandomKey *key, uint64_t voxel, float out[4]);   /* standard normal */

/* ---- checksum: 64-bit FNV-1a (Fowler, Noll, Vo) of n bytes, continued from `hash` ---- */
#define WB_HASH_START 14695981039346656037ULL
uint64_t wb_hash(uint64_t hash, const void *bytes, size_t n);

/* ---- precision of the solver kernels: files in src/<module>/real/ are compiled twice ---- */
typedef enum { WB_FP32 = 0, WB_FP64 = 1 } WbPrecision;

/* Vectorised kernels: the compiler makes baseline, AVX2 and AVX-512 versions and picks one at load time.
 * Disabled under sanitizers (ifunc resolvers run before their runtime is ready). */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(WB_SANITIZE)
/* Micro-architecture levels, not CPU names: "arch=skylake-avx512" is chosen on exactly that CPU model only. */
#if __GNUC__ >= 12
#define WB_KERNEL __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define WB_KERNEL __attribute__((target_clones("default", "avx2", "avx512f")))
#endif
#else
#define WB_KERNEL
#endif

const char *wb_version(void);     /* "0.1.0" */
const char *wb_git_version(void); /* git describe at configure time */

#endif
