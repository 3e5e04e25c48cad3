/* The mark of a run's options: every member of the struct changes it, so that no checkpoint fits a run of other
 * physics. */
#include <stddef.h>
#include <string.h>

#include "../../verify/les/les_test.h"

/* All entries of tables count. */
static void fill(WbLesOptions *o) {
  memset(o, 0, sizeof *o);
  wb_les_options_default(o);
  o->forcing.n_wind = o->forcing.n_tendency = WB_LES_TABLE_MAX;
  for (int c = 0; c < WB_FACET_CLASSES; c++) o->surface.theta_K[c] = 300, o->surface.flux_K_m_per_s[c] = 0.1;
  o->tracers.n = WB_LES_TRACERS_MAX;
  o->tracers.n_sources = WB_LES_SOURCES_MAX;
  for (int i = 0; i < WB_LES_TRACERS_MAX; i++) memset(o->tracers.name[i], 'a', WB_LES_NAME_MAX - 1);
}

/* Numbers of entries: another value would make the mark read beyond the tables. */
static bool is_count(size_t at) {
  const size_t counts[] = {offsetof(WbLesOptions, forcing.n_wind), offsetof(WbLesOptions, forcing.n_tendency),
                           offsetof(WbLesOptions, tracers.n), offsetof(WbLesOptions, tracers.n_sources)};
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
    if (counts[i] / 8 == at / 8) return true;
  return false;
}

static void every_member_counts(void **state) {
  WbLesOptions o, changed;
  fill(&o);
  const uint64_t mark = wb_les_options_mark(&o, false);
  assert_true(mark == wb_les_options_mark(&o, false));
  for (size_t at = 0; at + 8 <= sizeof o; at += 8) { /* no padding is as long as that */
    if (is_count(at)) continue;
    fill(&changed);
    for (size_t b = 0; b < 8; b++) ((unsigned char *)&changed)[at + b] ^= 1;
    if (wb_les_options_mark(&changed, false) == mark) fail_msg("the member at byte %zu does not count", at);
  }
}

static void counts_count(void **state) {
  WbLesOptions o, changed;
  fill(&o);
  const uint64_t mark = wb_les_options_mark(&o, false);
  fill(&changed), changed.forcing.n_wind--;
  assert_true(wb_les_options_mark(&changed, false) != mark);
  fill(&changed), changed.forcing.n_tendency--;
  assert_true(wb_les_options_mark(&changed, false) != mark);
  fill(&changed), changed.tracers.n_sources--;
  assert_true(wb_les_options_mark(&changed, false) != mark);
  fill(&changed), changed.tracers.n--;
  assert_true(wb_les_options_mark(&changed, false) != mark);
}

/* A precursor does not know the city's surfaces: its planes serve runs over other ones. */
static void planes_serve(void **state) {
  WbLesOptions o, other;
  fill(&o);
  fill(&other);
  other.z0_wall_m *= 2, other.z0_ground_m *= 2, other.tracers.n_sources--, other.theta_variance = !o.theta_variance;
  assert_true(wb_les_options_mark(&o, true) == wb_les_options_mark(&other, true));
  other.wind_speed_m_per_s += 1e-12;
  assert_true(wb_les_options_mark(&o, true) != wb_les_options_mark(&other, true));
}

WB_TEST_MAIN(cmocka_unit_test(every_member_counts), cmocka_unit_test(counts_count), cmocka_unit_test(planes_serve))
