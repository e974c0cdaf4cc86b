#!/usr/bin/env bash
# Checks formatting and, unless --format-only is given, runs clang-tidy over a configured release build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What is in the tree, added to git or not, less what was deleted and what git ignores.
files() {
  git ls-files --cached --others --exclude-standard -- "$@" | while IFS= read -r file; do
    if [ -e "$file" ]; then printf '%s\n' "$file"; fi
  done
}

mapfile -t sources < <(files '*.cpp' '*.h')
clang-format --dry-run --Werror "${sources[@]}"
[ "${1:-}" = --format-only ] && exit 0

[ -f build/release/compile_commands.json ] || { echo "lint: build first (tools/build.sh release)" >&2; exit 1; }
mapfile -t units < <(files 'nn/*.cpp' 'hub/*.cpp' 'brokers/*.cpp' 'backbones/*.cpp' 'heads/*.cpp' 'models/*.cpp' 'pipeline/*.cpp' 'sinks/*.cpp' 'streams/*.cpp' 'serve/*.cpp' 'apps/*.cpp')
printf '%s\n' "${units[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p build/release
