/* Checksum of a distributed array: the sum over elements of mix(position, bits), so that any split over ranks adds up
 * to the same. */
#include <string.h>
#include "io_internal.h"

static uint64_t mix(uint64_t x) { /* splitmix64 finaliser, Steele, Lea & Flood 2014 */
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

static uint64_t line_sum(const void *data, size_t size, uint64_t first, int n) {
  uint64_t sum = 0;
  for (int i = 0; i < n; i++) {
    uint64_t bits = 0;
    memcpy(&bits, (const char *)data + (size_t)i * size, size);
    sum += mix(mix(first + (uint64_t)i + 0x9e3779b97f4a7c15ULL) ^ bits);
  }
  return sum;
}

uint64_t wb_io_block_sum(const void *data, size_t size, int rank, const int *dims, const int *start, const int *count) {
  int d[4] = {1, 1, 1, 1}, s[4] = {0, 0, 0, 0}, c[4] = {1, 1, 1, 1};
  for (int i = 0; i < rank; i++) {
    d[4 - rank + i] = dims[i];
    s[4 - rank + i] = start[i];
    c[4 - rank + i] = count[i];
  }
  uint64_t sum = 0;
  const char *p = data;
  for (int a = 0; a < c[0]; a++)
    for (int b = 0; b < c[1]; b++)
      for (int e = 0; e < c[2]; e++, p += (size_t)c[3] * size) {
        const uint64_t row =
            ((uint64_t)(s[0] + a) * (uint64_t)d[1] + (uint64_t)(s[1] + b)) * (uint64_t)d[2] + (uint64_t)(s[2] + e);
        sum += line_sum(p, size, row * (uint64_t)d[3] + (uint64_t)s[3], c[3]);
      }
  return sum;
}
