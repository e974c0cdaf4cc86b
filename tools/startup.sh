#!/usr/bin/env bash
# What starting the program costs: the lowest of ten starts on one core, from exec to exit, beside an empty program that is
# linked with opencv_core. Usage: tools/startup.sh [PROGRAM], by default that of build/release
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

program=${1:-build/release/apps/backbone-zoo}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
compiler=${CXX:-g++}
"$compiler" -std=c++20 -O2 -static -o "$folder/start_meter" tools/startup/start_meter.cpp
"$compiler" -std=c++17 -O2 -o "$folder/empty_opencv" tools/startup/empty_opencv.cpp \
  $(pkg-config --cflags opencv4) -Wl,--as-needed -lopencv_core

core=$(($(nproc) - 1))
export XDG_CACHE_HOME=$folder/cache # a first run measures which kernels are fastest and keeps that
row() {
  local name=$1
  shift
  "$@" >/dev/null
  local libraries
  libraries=$(LD_DEBUG=files "$@" 2>&1 >/dev/null | grep -o 'calling init: .*' | sort -u | wc -l)
  printf '%-24s %s %9d\n' "$name" "$(taskset -c "$core" "$folder/start_meter" 10 "$@")" "$libraries"
}

printf '%-24s %10s %10s %10s %9s\n' "" wall CPU memory libraries
row "empty, opencv_core" "$folder/empty_opencv"
row "--version" "$program" --version
row "summary of V3-large" "$program" summary configs/torchvision/mobilenet_v3_large.yaml
row "predict of one JPEG" "$program" predict configs/demo/emoji.yaml --source configs/demo/samples/dog.jpg
