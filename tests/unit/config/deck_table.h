/* A small table of keys and how a deck of it is loaded. */
#ifndef DECK_TABLE_H
#define DECK_TABLE_H
#include "wb_test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "windbridge/config.h"

typedef struct {
  double duration_s, heights[4];
  int n_heights;
  bool quiet;
  enum { VREMAN, SMAGORINSKY } closure;
  const char *dir;
} Options;
static void options_default(void *options) {
  *(Options *)options = (Options){.duration_s = 600, .closure = VREMAN};
}
static const WbKeyStruct options_keys = {sizeof(Options), options_default};
#define OPTION(member) WB_MEMBER(&options_keys, Options, member)

static const WbKey table[] = {
    {.group = "run",
     .name = "output_dir",
     .type = WB_KEY_FILE,
     .fallback = "out",
     .commands = "*",
     .help = "folder",
     .member = OPTION(dir)},
    {.group = "run",
     .name = "quiet",
     .type = WB_KEY_BOOL,
     .fallback = "false",
     .commands = "*",
     .help = "quiet",
     .member = OPTION(quiet)},
    {.group = "les",
     .name = "duration_s",
     .type = WB_KEY_REAL,
     .unit = "s",
     .min = 1,
     .max = 1e300,
     .commands = "*",
     .help = "duration",
     .member = OPTION(duration_s)},
    {.group = "les",
     .name = "closure",
     .type = WB_KEY_CHOICE,
     .choices = "vreman|smagorinsky",
     .commands = "*",
     .help = "closure",
     .member = OPTION(closure)},
    {.group = "les",
     .name = "wind_time_s",
     .type = WB_KEY_NUMBERS,
     .unit = "s",
     .fallback = "",
     .min = -1e300,
     .max = 1e300,
     .commands = "*",
     .help = "times",
     .rising = true},
    {.group = "les",
     .name = "slice_z_m",
     .type = WB_KEY_NUMBERS,
     .unit = "m",
     .fallback = "",
     .max = 5000,
     .commands = "les",
     .help = "heights",
     .member = WB_MEMBER_LIST(&options_keys, Options, heights, n_heights)},
    {.group = "les",
     .name = "slice_interval_s",
     .type = WB_KEY_REAL,
     .unit = "s",
     .fallback = "60",
     .max = 1e300,
     .commands = "les",
     .help = "interval",
     .when = "les_slice_z_m"},
    {.group = "les",
     .name = "slice_weight",
     .type = WB_KEY_NUMBERS,
     .fallback = "",
     .max = 1,
     .commands = "les",
     .help = "weights",
     .like = "slice_z_m",
     .optional = true},
    {.group = "sr",
     .name = "members",
     .type = WB_KEY_INT,
     .fallback = "4",
     .min = 1,
     .max = 100,
     .commands = "forecast,sr",
     .help = "members",
     .from = "data_files"},
    {.group = "data", .name = "files", .type = WB_KEY_LIST, .fallback = "", .commands = "*", .help = "files"},
};
enum { N = sizeof table / sizeof table[0] };

static inline void write_deck(char path[64], const char *text) {
  snprintf(path, 64, "/tmp/wb_deck_XXXXXX");
  const int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
  close(fd);
}

static inline PetscErrorCode load_for(const char *command, const char *text, int n_args, char **args, WbConfig *c) {
  char path[64];
  if (text) write_deck(path, text);
  const PetscErrorCode ierr = wb_config_create(PETSC_COMM_SELF, table, N, command, text ? path : NULL, n_args, args, c);
  if (text) unlink(path);
  return ierr;
}

static inline PetscErrorCode load(const char *text, int n_args, char **args, WbConfig *c) {
  return load_for(NULL, text, n_args, args, c);
}
#endif
