#!/bin/bash
# The masked 3-D part of doc/efficiency.rst: one step network about the same mean networks, trained as bridge, diffusion,
# I2SB and flow matching with three seeds; samplers chosen with the first seed on the four validation runs; table and
# figure of test runs. Every step goes on where it was stopped.
#   DATA=folder with pairs/ OUT=folder for the results JOBS=processes at once bash jobscripts/efficiency_3d.sh
#   STAGES="train choose test" chooses stages, SEEDS="1 2 3", PROCESSES and RUNS (a pattern) what is compared on which test
#   runs; OUT may already hold mean networks (mean_0.pt to mean_2.pt).
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
data=${DATA:-$HOME/windbridge-data}
out=${OUT:-$data/efficiency_3d}
jobs=${JOBS:-2}
stages=${STAGES:-train choose test}
read -ra processes <<<"${PROCESSES:-bridge diffusion_edm i2sb flow}"
read -ra seeds <<<"${SEEDS:-1 2 3}"
runs=${RUNS:-test_[1-3]a}
python=${PYTHON:-/usr/bin/python3}
program=${WB_PROGRAM:-$here/build/bin/windbridge}
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
export data out here python program
mkdir -p "$out/scores"

train() { # seed process
  [ -f "$out/$2.$1.h5" ] || "$python" "$here/postproc/windbridge_train.py" step "$out/set.nc" "$out/$2.$1.h5" \
    --means "$out"/mean_[0-2].pt --process "$2" --device cpu --seed "$1" --steps 300 --batch 1 --draws 2 --crop 64 \
    --learning-rate 1.5e-3 --warmup-steps 30 --weight-decay 0.02 --dropout 0.1 --ema-decay 0.98
}
# A sampler is STEPPER:NOISE:START_POWER:END_POWER in the names of -sr_sampler, -sr_noise and the time grid (0: the process's own).
score() { # split files seed process sampler evaluations
  local folder=$out/scores/$1.$4.$3.$5.$6 stepper noise start end
  [ -f "$folder/scores.json" ] && return 0
  IFS=: read -r stepper noise start end <<<"$5"
  "$program" evaluate -run_output_dir "$folder" -run_overwrite -run_quiet -data_files "$2" -sr_model "$out/$4.$3.h5" \
    -sr_members 4 -sr_steps "$6" -sr_sampler "$stepper" -sr_noise "$noise" -sr_grid_start_power "$start" \
    -sr_grid_end_power "$end" -sr_projection false
}
candidates() { # process
  case $1 in
    bridge) printf '%s\n' {euler_maruyama,exponential}:base:{0:0,2:1} euler_maruyama:foellmer:0:0 ;;
    diffusion_edm) printf '%s\n' {ddim,ddpm}:none:0:0 ;;
    i2sb) printf '%s\n' {i2sb_posterior,euler_maruyama}:base:{1:1,2:1} ;;
    flow) printf '%s\n' flow_euler:none:{1:1,2:1} ;;
    *) echo "efficiency_3d: no candidates for process '$1'" >&2; exit 2 ;;
  esac
}
export -f train score
table=("$python" "$here/postproc/efficiency_3d.py" "$out/scores")
tests=$data/pairs/$runs/$runs.nc
validation="$data/pairs/valid_0[1-4]/valid_0[1-4].nc"

for stage in $stages; do
  case $stage in
    train)
      [ -f "$out/set.nc" ] || "$program" train -train_export_file "$out/set.nc" \
        -data_files "$data/pairs/train_[0-9][0-9]/train_[0-9][0-9].nc"
      for net in 0 1 2; do
        [ -f "$out/mean_$net.pt" ] || "$python" "$here/postproc/windbridge_train.py" mean "$out/set.nc" \
          "$out/mean_$net.pt" --net "$net" --nets 3
      done
      for s in "${seeds[@]}"; do printf '%s\n' "${processes[@]/#/$s }"; done | xargs -P "$jobs" -L 1 bash -c 'train "$@"' _
      ;;
    choose)
      for p in "${processes[@]}"; do
        for s in $(candidates "$p"); do echo validation "$validation" "${seeds[0]}" "$p" "$s" 3; done
      done | xargs -P "$jobs" -L 1 bash -c 'score "$@"' _
      "${table[@]}" --choose "$out/chosen.txt"
      ;;
    test)
      for seed in "${seeds[@]}"; do
        for n in 3 5 2 10 20 1; do
          while read -r p s; do
            [ "$n" = 20 ] && [ "$p" != diffusion_edm ] && continue
            if [ "$n" = 1 ]; then s=mean:none:0:0; fi
            echo test "$tests" "$seed" "$p" "$s" "$n"
          done <"$out/chosen.txt"
        done
      done | xargs -P "$jobs" -L 1 bash -c 'score "$@"' _
      "${table[@]}" --chosen "$out/chosen.txt" --table "$out/efficiency_3d.csv" --figure "$out/efficiency_3d.png"
      ;;
    *) echo "efficiency_3d: unknown stage '$stage'; allowed: train choose test" >&2; exit 2 ;;
  esac
done
