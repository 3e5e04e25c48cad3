/* Version strings given by CMake. */
#include "windbridge/core.h"

const char *wb_version(void) {
  return WB_VERSION;
}

const char *wb_git_version(void) {
  return WB_GIT_VERSION;
}
