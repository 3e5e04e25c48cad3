/* What comes with the program: PREFIX/share/windbridge beside PREFIX/bin, in a build folder as in an installed tree, so
 * that a tree can be moved and needs no sources. */
#include <limits.h>
#include <unistd.h>

#include "app.h"

/* The kernel knows where the program lies, whatever PATH and links led to it. False: no such place. */
static bool program_folder(char folder[PATH_MAX]) {
  const ssize_t n = readlink("/proc/self/exe", folder, PATH_MAX - 1);
  if (n <= 0 || n >= PATH_MAX - 1) return false;
  folder[n] = '\0';
  char *slash = strrchr(folder, '/');
  if (!slash) return false;
  *slash = '\0';
  return true;
}

const char *wb_app_default_model(void) {
  static char path[PATH_MAX + 64];
  char folder[PATH_MAX];
  const char *named = getenv("WINDBRIDGE_MODEL");
  if (named && named[0]) return named;
  if (!program_folder(folder)) return "share/windbridge/models/first_light.h5";
  snprintf(path, sizeof path, "%s/../share/windbridge/models/first_light.h5", folder);
  return path;
}
