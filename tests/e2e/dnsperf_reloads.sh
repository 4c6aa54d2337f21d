#!/usr/bin/env bash
# dnsperf against the three-datacenters example while its map is reloaded back and forth.
#
#   tests/e2e/dnsperf_reloads.sh BUILD_DIR [SECONDS=30] [RELOADS=20]
#
# Prints dnsperf's own lines of queries sent, completed and lost. Fails when a query was lost, when an answer had a
# code that no question here gives, or when a reload did not succeed.
set -euo pipefail
build=$(realpath "${1:?usage: $0 BUILD_DIR [SECONDS] [RELOADS]}")
seconds=${2:-30}
reloads=${3:-20}
. "$(dirname "$0")/dnsperf_server.sh"

dnsperf -s 127.0.0.1 -p "$port" -d "$work/questions" -l "$seconds" -E 8:00011800510245 >"$work/dnsperf" 2>&1 &
perf=$!

good=0
for number in $(seq "$reloads"); do
  pause "$reloads"
  if reload "$number"; then good=$((good + 1)); fi
done
wait "$perf" || { cat "$work/dnsperf"; exit 1; }
perf=

show
echo "$reloads reloads, $good good"
ctl status | sed -n 's/^epoch/epoch/p'
judge_answers
[ "$good" = "$reloads" ] || { cat "$work/reloads"; exit 1; }
