/* Cache-line aligned memory; large blocks ask for huge pages, which spares the LES and the network TLB misses. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "windbridge/core.h"

#define WB_ALIGN ((size_t)64)
#define WB_HUGE_PAGE ((size_t)2 << 20)

static PetscErrorCode allocate(size_t bytes, const char *what, void **out) {
  PetscFunctionBeginUser;
  *out = NULL;
  const size_t align = bytes >= 4 * WB_HUGE_PAGE ? WB_HUGE_PAGE : WB_ALIGN;
  const size_t wanted = bytes ? bytes : 1;
  if (wanted <= PTRDIFF_MAX - align) *out = aligned_alloc(align, (wanted + align - 1) / align * align);
  if (!*out)
    WB_RAISE(PETSC_ERR_MEM, "out of memory: %s needs %.1f MB more (peak of this rank so far %.1f MB)", what,
             1e-6 * (double)bytes, 1e-6 * wb_memory_peak_bytes());
#ifdef MADV_HUGEPAGE
  if (align == WB_HUGE_PAGE) (void)madvise(*out, bytes / WB_HUGE_PAGE * WB_HUGE_PAGE, MADV_HUGEPAGE);
#endif
  PetscFunctionReturn(0);
}

PetscErrorCode wb_alloc_bytes(size_t bytes, const char *what, void **out) {
  PetscFunctionBeginUser;
  PetscCall(allocate(bytes, what, out));
#ifdef WB_DEBUG
  memset(*out, 0xff, bytes); /* every float and double a NaN */
#endif
  PetscFunctionReturn(0);
}

PetscErrorCode wb_calloc_bytes(size_t bytes, const char *what, void **out) {
  PetscFunctionBeginUser;
  PetscCall(allocate(bytes, what, out));
  memset(*out, 0, bytes);
  PetscFunctionReturn(0);
}

PetscErrorCode wb_tally_calloc(WbTally *tally, size_t bytes, const char *what, void **out) {
  PetscFunctionBeginUser;
  *out = NULL;
  tally->bytes += (double)bytes;
  if (!tally->planning) PetscCall(wb_calloc_bytes(bytes, what, out));
  PetscFunctionReturn(0);
}

void wb_free_bytes(void **p) {
  if (!p) return;
  free(*p);
  *p = NULL;
}

double wb_memory_peak_bytes(void) {
  struct rusage use;
  if (getrusage(RUSAGE_SELF, &use)) return 0.0;
  return 1024.0 * (double)use.ru_maxrss;
}
