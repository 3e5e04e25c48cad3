/* Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
 * Counter words: voxel low 32 bits | voxel bits 32-47 and SDE step (16 bits) | member | minute. Key: seed, stream. */
#include <Random123/philox.h>
#include <math.h>

#include "windbridge/core.h"

void wb_random_words(const WbRandomKey *key, uint64_t voxel, uint32_t out[4]) {
  const philox4x32_ctr_t counter = {
      {(uint32_t)voxel, (uint32_t)((voxel >> 32) << 16) | (key->step & 0xffffu), key->member, key->minute}};
  const philox4x32_key_t k = {{key->seed, key->stream}};
  const philox4x32_ctr_t words = philox4x32(counter, k);
  for (int c = 0; c < 4; c++) out[c] = words.v[c];
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
