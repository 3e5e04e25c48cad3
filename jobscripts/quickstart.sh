#!/usr/bin/env bash
# From a bare Debian 12 to a first street-scale forecast: installs what is missing, builds, runs the default city on
# 2 ranks and draws figures. Run it from anywhere, as root or as a user with sudo.
#   bash jobscripts/quickstart.sh [OUTPUT_FOLDER]     (default: out/quickstart in the checkout)
# Further words after the folder go to the program, for example: -sr_members 2
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${1:-$here/out/quickstart}
[ $# -eq 0 ] || shift
case $out in /*) ;; *) out=$PWD/$out ;; esac

fail() { # status message
  echo "quickstart: $2" >&2
  exit "$1"
}

echo "== 1/4 packages"
bash "$here/jobscripts/install_packages.sh"

echo "== 2/4 build"
cmake -S "$here" -B "$here/build" -DCMAKE_BUILD_TYPE=Release >"$here/build.tmp" 2>&1 || {
  cat "$here/build.tmp" >&2
  fail 1 "cmake could not configure $here/build (message above; an old build folder may be removed)"
}
rm -f "$here/build.tmp"
cmake --build "$here/build" --target windbridge --parallel "$(nproc)" || fail 1 "the build failed (message above)"

# 2 ranks, one thread each. Open MPI counts cores, not hardware threads, and refuses root and one-core machines unless
# told otherwise.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
if [ "$(id -u)" -eq 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
launch=(mpirun -n 2 --bind-to none)
cores=$(lscpu -p=CORE,SOCKET 2>/dev/null | grep -v '^#' | sort -u | wc -l)
if [ "$cores" -lt 2 ] || [ "$(env -u OMP_NUM_THREADS nproc)" -lt 2 ]; then launch+=(--oversubscribe); fi
# Containers often forbid reading another process's memory, which Open MPI would only find out by errors.
if [ -f /.dockerenv ] || [ -f /run/.containerenv ]; then export OMPI_MCA_btl_vader_single_copy_mechanism=none; fi

echo "== 3/4 forecast on 2 ranks (some minutes)"
start=$SECONDS
status=0
"${launch[@]}" "$here/build/bin/windbridge" forecast "$here/input/quickstart.yaml" -run_output_dir "$out" "$@" ||
  status=$?
[ "$status" -eq 0 ] || fail "$status" "the forecast ended with status $status (message above, log: $out/run.log)"
took=$((SECONDS - start))

echo "== 4/4 figures"
/usr/bin/python3 "$here/postproc/figures.py" "$out" || fail 1 "the results are in $out, but the figures failed"

echo
echo "The forecast took $took s. Results in $out:"
echo "  hr.nc         the 5 m ensemble (ncdump, xarray, Panoply)      hr.xmf  the same for ParaView"
echo "  lr.nc         the 20 m simulation"
echo "  summary.json  speeds, sizes, times                            run.log what was printed"
find "$out" -name '*.png' | sort | sed 's/^/  /'
