#include "windbridge/core.h"

uint64_t wb_hash(uint64_t hash, const void *bytes, size_t n) {
  const unsigned char *b = bytes;
  for (size_t i = 0; i < n; i++) hash = (hash ^ b[i]) * 1099511628211ULL;
  return hash;
}
