#!/usr/bin/env bash
# Runs every fuzz target of a build folder for some seconds each, from its corpus; new inputs go to a scratch folder.
# usage: run.sh BUILD_FOLDER SECONDS
set -euo pipefail
build=$1
seconds=$2
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for program in "$build"/bin/fuzz_*; do
  name=$(basename "$program" | sed 's/^fuzz_//')
  mkdir -p "$scratch/$name"
  echo "== $name, $seconds s"
  "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 \
    -artifact_prefix="$scratch/$name-" "$scratch/$name" "$here/corpus/$name" 2>&1 |
    grep -E 'number_of_executed_units|ERROR|SUMMARY|Done' ||
    { echo "fuzz target $name failed" >&2; cp "$scratch/$name"-* "$build" 2>/dev/null || true; exit 1; }
done
