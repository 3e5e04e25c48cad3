#!/usr/bin/env bash
# Runs of the districts of input/geometry/runs.txt that show what a coarse run gets wrong on its own cells: the 5 m run
# once, and coarse runs of any spacing and options on its inflow planes. Resumable: finished runs are left as they are.
#   CITIES=folder of the rasters  bash jobscripts/geometry_runs.sh OUT truth
#   CITIES=folder of the rasters  bash jobscripts/geometry_runs.sh OUT NAME -les_dx_m 20 -les_geometry porous ...
# Results: OUT/DISTRICT/truth/truth.nc and OUT/DISTRICT/NAME/{lr,truth}.nc; 5 minutes to drop, 10 to keep
# (postproc/coarse_error.py compares them). ONLY="a b": these districts. WB_PROGRAM: another binary.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${1:?geometry_runs: OUT NAME [options]} name=${2:?geometry_runs: OUT NAME [options]}
shift 2
program=${WB_PROGRAM:-$here/build/bin/windbridge}
export OMP_NUM_THREADS=1
grep -v '^#' "$here/input/geometry/runs.txt" | while read -r district file x y speed direction heat seed; do
  [ -z "${ONLY:-}" ] || [[ " $ONLY " == *" $district "* ]] || continue
  folder=$out/$district/$name
  [ ! -f "$folder/done" ] || continue
  mkdir -p "$folder"
  options=(-les_dx_m 5)
  if [ "$name" != truth ]; then
    [ -f "$out/$district/truth/done" ] || continue
    options=(-les_inflow_file "$out/$district/truth/inflow.nc" "$@")
  fi
  echo "$(date +%H:%M:%S) $district $name"
  "$program" les -run_output_dir "$folder" -run_quiet -run_restart -run_seed "$seed" -city_file "${CITIES:?}/$file" \
    -city_x_min_m "$x" -city_y_min_m "$y" -city_size_x_m 480 -city_size_y_m 480 -les_wind_speed_m_per_s "$speed" \
    -les_wind_direction_deg "$direction" -les_heat_flux_K_m_per_s "$heat" -les_duration_s 900 -les_cfl_max 1.4 \
    -les_tolerance 1e-4 -les_tolerance_stage 1e-2 "${options[@]}" </dev/null
  touch "$folder/done"
done
echo "$(date +%H:%M:%S) $name: all done"
