#!/usr/bin/env bash
# Installs, by name, the Debian 12 packages that are missing: what building and running needs, and with --tests what
# the tests need as well. Nothing is downloaded when all are there.
#   bash jobscripts/install_packages.sh [--tests] [--list]
# Exit status: 0 all there, 2 not a Debian-like system, 3 no right to install, 4 package lists, 5 installation.
set -euo pipefail

run_packages=(
  gcc libc6-dev make cmake pkg-config git ca-certificates
  openmpi-bin libopenmpi-dev petsc-dev libhdf5-openmpi-dev libfftw3-dev libfftw3-mpi-dev libopenblas-dev libdnnl-dev
  libgdal-dev libudunits2-dev libcjson-dev libyaml-dev librandom123-dev libcmocka-dev
  python3 python3-numpy python3-xarray python3-netcdf4 python3-matplotlib
)
test_packages=(
  python3-h5py python3-gdal python3-torch python3-paraview paraview netcdf-bin python3-sphinx
  clang-format clang-tidy shellcheck binutils
)

fail() { # status message
  echo "install_packages: $2" >&2
  exit "$1"
}

wanted=("${run_packages[@]}")
list=no
for argument in "$@"; do
  case $argument in
    --tests) wanted+=("${test_packages[@]}") ;;
    --list) list=yes ;;
    *) fail 2 "unknown argument '$argument'; allowed: --tests, --list" ;;
  esac
done
if [ "$list" = yes ]; then
  printf '%s\n' "${wanted[@]}"
  exit 0
fi

for tool in apt-get dpkg-query; do
  command -v "$tool" >/dev/null ||
    fail 2 "$tool not found: this script knows Debian 12 only; install the like of: ${wanted[*]}"
done

missing_packages() {
  local package
  for package in "${wanted[@]}"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

mapfile -t missing < <(missing_packages)
if [ ${#missing[@]} -eq 0 ]; then
  echo "install_packages: all ${#wanted[@]} packages are installed"
  exit 0
fi
echo "install_packages: installing ${missing[*]}"

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null ||
    fail 3 "not root and sudo is not installed; as root run: apt-get update && apt-get install ${missing[*]}"
  sudo true || fail 3 "sudo refused; ask an administrator for: apt-get install ${missing[*]}"
  as_root=(sudo)
fi

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@"
}

apt update || fail 4 "the package lists could not be fetched: check the network and /etc/apt/sources.list"
for package in "${missing[@]}"; do
  apt-cache show "$package" >/dev/null 2>&1 ||
    fail 4 "$package is not in the package lists: is this Debian 12 with its main archive?"
done
apt install -y --no-install-recommends "${missing[@]}" ||
  fail 5 "apt-get could not install the packages (message above: network, disk space, or a broken package state)"

mapfile -t missing < <(missing_packages)
[ ${#missing[@]} -eq 0 ] || fail 5 "still missing after the installation: ${missing[*]}"
echo "install_packages: done"
