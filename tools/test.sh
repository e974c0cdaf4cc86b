#!/usr/bin/env bash
# Sets up, builds and runs all tests. Usage: tools/test.sh [release|debug|asan-ubsan|tsan] [ctest options]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=release
case "${1:-}" in
  release | debug | asan-ubsan | tsan)
    preset=$1
    shift
    ;;
esac

tools/setup.sh test
echo "building ($preset) ..." >&2
tools/build.sh "$preset" -DZOO_BUILD_TESTS=ON -DZOO_BUILD_BENCHMARKS=ON
# Leak checks and races inside OpenCV, GStreamer and libgomp are not ours: see tools/sanitizers/.
export LSAN_OPTIONS="suppressions=$PWD/tools/sanitizers/lsan.txt:print_suppressions=0"
export TSAN_OPTIONS="suppressions=$PWD/tools/sanitizers/tsan.txt:ignore_noninstrumented_modules=1"
ctest --preset "$preset" --parallel "$(nproc)" "$@"
