#!/usr/bin/env bash
# Builds and runs the benchmarks: the limits of the core, networks and kernels as a share of them, preprocessing, and where
# the time from program start to the first result goes. Usage: tools/bench.sh [Google Benchmark options]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools/setup.sh test
tools/build.sh release -DZOO_BUILD_BENCHMARKS=ON
build/release/benchmarks/zoo_benchmarks "$@"

echo
echo "program start to first result, predict on one picture (best of five starts in all):"
best=""
for _ in 1 2 3 4 5; do
  parts=$(build/release/apps/backbone-zoo predict configs/demo/emoji.yaml --source configs/demo/samples/dog.jpg \
    --timing 2>&1 >/dev/null)
  total=$(awk '$1 == "total" { print $2 }' <<<"$parts")
  if [ -z "$best" ] || awk "BEGIN { exit !($total < $best) }"; then
    best=$total
    shown=$parts
  fi
done
echo "$shown"
