#!/usr/bin/env bash
# Says which C++ files clang-format would change; with --fix changes them.
# usage: format_check.sh [--fix]
set -euo pipefail
cd "$(dirname "$0")/../.."
mode=(--dry-run -Werror)
[ "${1:-}" = "--fix" ] && mode=(-i)

# Committed or not yet, but not ignored; a source package has no git, and then no ignored files either.
list() {
  git ls-files -z -co --exclude-standard -- '*.cpp' '*.hpp' 2>/dev/null ||
    find src geo config bgp tests \( -name '*.cpp' -o -name '*.hpp' \) -print0
}

list | xargs -0 -r clang-format "${mode[@]}"
