/* Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
 * Counter words: voxel low 32 bits | voxel bits 32-47 and step (16 bits) | member | minute. Key: seed, stream. */
#include <Random123/philox.h>
#include <assert.h>
#include <math.h>

#include "windbridge/core.h"

/* Two rows with one number do not compile. */
const char *wb_random_stream_name(WbRandomStream stream) {
  switch (stream) {
#define WB_RANDOM_ROW(name, number, what) \
  case WB_STREAM_##name:                  \
    return #name;
    WB_RANDOM_STREAMS(WB_RANDOM_ROW)
#undef WB_RANDOM_ROW
  }
  return NULL;
}

bool wb_random_in_range(const WbRandomKey *key, uint64_t voxel) {
  const bool counts = key->member <= INT32_MAX && (key->minute <= INT32_MAX || key->stream == WB_STREAM_INFLOW);
  return wb_random_stream_name(key->stream) && voxel < WB_RANDOM_VOXELS && key->step <= UINT16_MAX && counts;
}

void wb_random_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  const philox4x32_ctr_t c = {{counter[0], counter[1], counter[2], counter[3]}};
  const philox4x32_key_t k = {{key[0], key[1]}};
  const philox4x32_ctr_t words = philox4x32(c, k);
  for (int w = 0; w < 4; w++) out[w] = words.v[w];
}

void wb_random_words(const WbRandomKey *key, uint64_t voxel, uint32_t out[4]) {
  assert(wb_random_in_range(key, voxel));
  const uint32_t high = (uint32_t)((voxel >> 32) << 16) | (key->step & 0xffffu);
  wb_random_philox((const uint32_t[4]){(uint32_t)voxel, high, key->member, key->minute},
                   (const uint32_t[2]){key->seed, (uint32_t)key->stream}, out);
}

/* Middle of the 2^32 intervals: never 0 or 1, symmetric about 1/2. */
static inline double unit_open(uint32_t word) {
  return ((double)word + 0.5) * 0x1p-32;
}

void wb_random_uniform4(const WbRandomKey *key, uint64_t voxel, double out[4]) {
  uint32_t words[4];
  wb_random_words(key, voxel, words);
  for (int c = 0; c < 4; c++) out[c] = unit_open(words[c]);
}

/* Box-Muller on word pairs (0, 1) and (2, 3), evaluated in double so that the float result is good to rounding over
 * the whole range (|n| up to 6.8). */
void wb_random_normal4(const WbRandomKey *key, uint64_t voxel, float out[4]) {
  uint32_t words[4];
  wb_random_words(key, voxel, words);
  for (int pair = 0; pair < 4; pair += 2) {
    const double radius = (key->negated ? -1.0 : 1.0) * sqrt(-2.0 * log(unit_open(words[pair])));
    double s, c;
    sincos(2.0 * M_PI * unit_open(words[pair + 1]), &s, &c);
    out[pair] = (float)(radius * c);
    out[pair + 1] = (float)(radius * s);
  }
}
