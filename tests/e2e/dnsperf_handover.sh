#!/usr/bin/env bash
# dnsperf against the three-datacenters example while it is handed over and reloaded again and again.
#
#   tests/e2e/dnsperf_handover.sh BUILD_DIR [SECONDS=60] [HANDOVERS=10] [RELOADS=50] [RATE=100000]
#
# Prints dnsperf's own lines of queries sent, completed and lost. Fails when a query was lost, when an answer had a
# code that no question here gives, or when a hand-over or a reload did not succeed.
set -euo pipefail
build=$(realpath "${1:?usage: $0 BUILD_DIR [SECONDS] [HANDOVERS] [RELOADS] [RATE]}")
seconds=${2:-60}
handovers=${3:-10}
reloads=${4:-50}
rate=${5:-100000}
. "$(dirname "$0")/dnsperf_server.sh"

dnsperf -s 127.0.0.1 -p "$port" -d "$work/questions" -l "$seconds" -Q "$rate" -c 20 -E 8:00011800510245 \
  >"$work/dnsperf" 2>&1 &
perf=$!

# Reloads in the background, hand-overs here: they meet as they like.
reload_all() {
  for number in $(seq "$reloads"); do
    pause "$reloads"
    if reload "$number"; then echo good >>"$work/good_reloads"; fi
  done
}
: >"$work/good_reloads"
reload_all &
reloader=$!
good=0
for _ in $(seq "$handovers"); do
  pause "$handovers"
  if ctl upgrade --json >"$work/upgrade" 2>>"$work/upgrades"; then
    good=$((good + 1))
    server=$(sed -n 's/.*"pid":\([0-9]*\).*/\1/p' "$work/upgrade")
  fi
done
wait "$reloader"
wait "$perf" || { cat "$work/dnsperf"; exit 1; }
perf=
good_reloads=$(wc -l <"$work/good_reloads")

show
echo "$handovers hand-overs, $good good; $reloads reloads, $good_reloads good"
ctl status --json >"$work/status"
counted=$(sed -n 's/.*"udp_queries_total":\([0-9]*\).*/\1/p' "$work/status")
sent=$(sed -n 's/.*Queries sent: *\([0-9]*\).*/\1/p' "$work/dnsperf")
echo "counted $counted of $sent queries, over all servers"
judge_answers
[ "$good" = "$handovers" ] || { cat "$work/upgrades" "$work/log"; exit 1; }
[ "$good_reloads" = "$reloads" ] || { cat "$work/reloads"; exit 1; }
[ "$counted" = "$sent" ] || { echo "counts were lost"; exit 1; }
