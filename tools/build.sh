#!/usr/bin/env bash
# Configures and builds a preset of CMakePresets.json. Usage: tools/build.sh PRESET [cmake options]
# Quiet when all is well; the whole compiler output when not. With ZOO_WERROR=ON in the environment warnings are errors,
# as in the gate: not for users, whose compiler may know new ones.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! cmake --preset "$preset" "-DZOO_WERROR=${ZOO_WERROR:-OFF}" "$@" >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
if [ -t 1 ]; then
  cmake --build --preset "$preset"
else
  cmake --build --preset "$preset" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
fi
