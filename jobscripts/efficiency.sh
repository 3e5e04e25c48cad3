#!/bin/bash
# The experiment of doc/efficiency.rst: slices of the pairs at 2.5 m, one network trained as bridge, diffusion, I2SB and
# flow matching with three seeds, samplers chosen on the validation runs, table and figure of the test runs. Every step
# goes on where it was stopped.
#   DATA=folder with pairs/ OUT=folder for the results JOBS=processes at once bash jobscripts/efficiency.sh
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
data=${DATA:-$HOME/windbridge-data}
out=${OUT:-$data/efficiency}
jobs=${JOBS:-2}
python=${PYTHON:-/usr/bin/python3}
export OMP_NUM_THREADS=1 WB_BUILD_DIR=${WB_BUILD_DIR:-$here/build}
export out here python
mkdir -p "$out/nets" "$out/scores"

pairs="$data/pairs/train_[0-9][0-9]/train_[0-9][0-9].nc,$data/pairs/valid_[0-9][0-9]/valid_[0-9][0-9].nc"
pairs="$pairs,$data/pairs/test_[0-9][ab]/test_[0-9][ab].nc"
[ -f "$out/slices.nc" ] || "$WB_BUILD_DIR/bin/windbridge" train -data_files "$pairs" \
  -train_export_file "$out/slices.nc" -train_export_levels 1

train() { # seed process
  "$python" "$here/postproc/efficiency_train.py" "$out/slices.nc" "$out/nets/$2_$1.pt" --process "$2" --seed "$1" \
    --steps 400 --draws 2
}
score() { # seed process options
  "$python" "$here/postproc/efficiency_scores.py" "$out/slices.nc" "$out/nets/$2_$1.pt" "$out/scores" "${@:3}"
}
validate() {
  local samplers at=5
  case $2 in
    bridge) samplers=({euler_maruyama,exponential}:{base,foellmer}:{1:1,1:2,2:1}) ;;
    diffusion_edm)
      samplers=({ddim,flow_heun}{,:none:0.5:7:0.000025} ddpm ddpm:base:1:7:0.0005 euler_maruyama) at="5 20"
      ;;
    i2sb) samplers=({i2sb_posterior,euler_maruyama,exponential}:base:{1:1,1:2,2:1}) ;;
    flow) samplers=(flow_heun {flow_euler,ddim}:none:{1:1,2:1} exponential:base:{1:1,2:1}) ;;
  esac
  score "$@" --split validation --evaluations 1 --samplers mean
  # shellcheck disable=SC2086
  score "$@" --split validation --evaluations $at --samplers "${samplers[@]}"
}
tests() { score "$@" --split test --chosen "$out/chosen.json"; }
export -f train score validate tests

printf '%s\n' {1,2,3}" "{bridge,diffusion_edm,i2sb,flow} | xargs -P "$jobs" -L 1 bash -c 'train "$@"' _
printf '%s\n' "1 "{bridge,diffusion_edm,i2sb,flow} | xargs -P "$jobs" -L 1 bash -c 'validate "$@"' _
table=("$python" "$here/postproc/efficiency_table.py" "$out/slices.nc" "$out/scores")
[ -f "$out/chosen.json" ] || "${table[@]}" --choose "$out/chosen.json"
printf '%s\n' {1,2,3}" "{bridge,diffusion_edm,i2sb,flow} | xargs -P "$jobs" -L 1 bash -c 'tests "$@"' _
"${table[@]}" --chosen "$out/chosen.json" --table "$out/efficiency.csv" --figure "$out/efficiency.png"
