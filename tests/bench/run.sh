#!/usr/bin/env bash
# Runs every benchmark of a build folder five times and prints medians: machines are noisy.
# usage: run.sh BUILD_FOLDER [BENCHMARK_FILTER]
set -euo pipefail
for program in "$1"/bin/*_bench; do
  echo "== $(basename "$program")"
  "$program" --benchmark_repetitions=5 --benchmark_report_aggregates_only=true \
    --benchmark_enable_random_interleaving=true --benchmark_filter="${2:-.*}" 2>/dev/null |
    grep -E '^Benchmark|_median'
done
