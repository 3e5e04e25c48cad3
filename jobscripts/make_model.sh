#!/usr/bin/env bash
# Makes the shipped model from nothing: training, validation and test pairs (input/training/runs.txt), training,
# calibration of the spread on the validation runs, evaluation on the test runs. Resumable: run it again after any interruption and it goes on where it was.
#   bash jobscripts/make_model.sh [DATA_FOLDER]     (default: $HOME/windbridge-data)
#   STAGES="pairs train calibrate evaluate" chooses stages; JOBS: pair runs side by side (default: all cores).
#   TRAINER=torch trains in PyTorch (PYTHON, default python3; on the GPU if there is one) in place of windbridge train.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
data=${1:-$HOME/windbridge-data}
stages=${STAGES:-pairs train calibrate evaluate}
jobs=${JOBS:-$(env -u OMP_NUM_THREADS nproc)}
program=${WB_PROGRAM:-$here/build/bin/windbridge}
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
[ -x "$program" ] || { echo "make_model: $program is not built (cmake -S . -B build && cmake --build build)" >&2; exit 2; }
mkdir -p "$data/pairs" "$data/train"

one_pair() { # name split city_seed run_seed wind direction heat minutes
  local name=$1 out=$data/pairs/$1
  [ -f "$out/$name.nc" ] && return 0
  mkdir -p "$out"
  echo "$(date +%H:%M:%S) $name starts"
  if "$program" pairs "$here/input/training/pairs.yaml" -run_output_dir "$out" -run_quiet -run_restart \
      -pairs_name "$name" -pairs_split "$2" -city_seed "$3" -run_seed "$4" -les_wind_speed_m_per_s "$5" \
      -les_wind_direction_deg "$6" -les_heat_flux_K_m_per_s "$7" -les_duration_s $((300 + 60 * $8)) 2>"$out/error.log"; then
    echo "$(date +%H:%M:%S) $name done"
  else
    echo "$(date +%H:%M:%S) $name FAILED: $(tail -n 1 "$out/error.log")" >&2
    return 1
  fi
}
export -f one_pair
export data here program

pair_files="$data/pairs/train_[0-9][0-9]/train_[0-9][0-9].nc,$data/pairs/valid_[0-9][0-9]/valid_[0-9][0-9].nc"

train_c() {
  local restart=() backend=auto # bf16 trains three times faster where the CPU has AMX
  grep -qm1 amx_bf16 /proc/cpuinfo && backend=onednn_bf16
  [ -f "$data/train/checkpoint.h5" ] && restart=(-run_restart)
  mpirun -n "$jobs" "$program" train "$here/input/training/train.yaml" -run_output_dir "$data/train" \
    -sr_backend "$backend" -data_files "$pair_files" "${restart[@]}"
}

train_torch() { # four mean networks, each resumable as a whole, then the step about them
  local set=$data/train/set.nc net train=("${PYTHON:-python3}" "$here/postproc/windbridge_train.py")
  [ -f "$set" ] || "$program" train "$here/input/training/train.yaml" -data_files "$pair_files" \
    -train_export_file "$set"
  for net in 0 1 2 3; do
    [ -f "$data/train/mean_$net.pt" ] || "${train[@]}" mean "$set" "$data/train/mean_$net.pt" --net "$net" --steps 3000
  done
  "${train[@]}" step "$set" "$data/train/model_best.h5" --means "$data"/train/mean_[0-3].pt --steps 4000 --mantissa-bits 12
}

for stage in $stages; do
  case $stage in
    pairs)
      grep -v '^#' "$here/input/training/runs.txt" | xargs -P "$jobs" -L 1 bash -c 'one_pair "$@"' _
      ;;
    train)
      if [ ! -f "$data/train/done" ]; then
        "train_${TRAINER:-c}"
        touch "$data/train/done"
      fi
      ;;
    calibrate)
      mpirun -n "$jobs" "$program" evaluate -run_output_dir "$data/calibrate" -run_overwrite \
        -sr_model "$data/train/model_best.h5" -sr_members 8 -data_files "$data/pairs/valid_*/valid_[0-9][0-9].nc" \
        -evaluate_calibrate "$data/train/calibrated.h5"
      ;;
    evaluate)
      mpirun -n "$jobs" "$program" evaluate -run_output_dir "$data/evaluate" -run_overwrite \
        -sr_model "$data/train/calibrated.h5" -sr_members 16 -data_files "$data/pairs/test_*/test_[0-9][ab].nc" \
        -evaluate_train_files "$data/pairs/train_[0-9][0-9]/train_[0-9][0-9].nc"
      ;;
    *) echo "make_model: unknown stage '$stage'; allowed: pairs train calibrate evaluate" >&2; exit 2 ;;
  esac
done
