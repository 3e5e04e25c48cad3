#!/usr/bin/env bash
# The test command: installs what is missing, builds with warnings as errors, and runs every test that is not "long".
# The unit and MPI tests also run under AddressSanitizer and UndefinedBehaviorSanitizer, as one test of the list
# (sanitize.unit_mpi). The last lines are CTest's summary; the exit status is CTest's.
#   bash tests/run.sh [words for ctest, for example: -R unit.core]
# WB_SKIP_INSTALL=1: leave packages alone. WB_SKIP_SANITIZE=1: without the sanitizer build.
# WB_TEST_BUILD: folder for the builds (default build-test).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${WB_TEST_BUILD:-$here/build-test}
jobs=$(env -u OMP_NUM_THREADS nproc)

[ -n "${WB_SKIP_INSTALL:-}" ] || bash "$here/jobscripts/install_packages.sh" --tests

export WB_REQUIRE_TOOLS=1 CTEST_OUTPUT_ON_FAILURE=1
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
if [ "$(id -u)" -eq 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
if [ -f /.dockerenv ] || [ -f /run/.containerenv ]; then export OMPI_MCA_btl_vader_single_copy_mechanism=none; fi

build_tree() { # folder, cmake options
  local folder=$1
  shift
  cmake -S "$here" -B "$folder" -DWB_WERROR=ON "$@"
  cmake --build "$folder" --parallel "$jobs"
}

sanitize=""
if [ -z "${WB_SKIP_SANITIZE:-}" ]; then
  sanitize=$build-sanitize
  build_tree "$sanitize" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG="-O1 -g1" -DWB_SANITIZE_BUILD=ON
fi
build_tree "$build" -DCMAKE_BUILD_TYPE=Release -DWB_SANITIZE_TESTS="$sanitize"
echo "build: $SECONDS s"
exec ctest --test-dir "$build" --parallel "$jobs" -LE long "$@"
