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
root=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
server=
perf=
finish() {
  if [ -n "$perf" ]; then kill "$perf" 2>/dev/null || true; fi
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    while kill -0 "$server" 2>/dev/null; do sleep 0.05; done
  fi
  rm -rf "$work"
}
trap finish EXIT

cp -r "$root/config/examples/three-datacenters/map" "$work/map"
printf 'map: map\nlisten: {dns: ["127.0.0.1:0"]}\n' >"$work/meridian.yaml"
"$build/bin/meridiand" --site "$work/meridian.yaml" --control "$work/control.sock" --data "$build/share/meridian" \
  2>"$work/log" &
server=$!
ctl() { "$build/bin/meridianctl" --control "$work/control.sock" "$@"; }
for _ in $(seq 600); do
  if ctl status --json >"$work/status" 2>/dev/null; then break; fi
  kill -0 "$server" || { cat "$work/log"; exit 1; }
  sleep 0.1
done
port=$(sed -n 's/.*"listening":\["127\.0\.0\.1:\([0-9]*\)".*/\1/p' "$work/status")

# Many names, steered and static; the client subnet is one of Great Britain, whose datacenter the reloads change.
{
  for type in A AAAA; do echo "www.example.com $type"; echo "example.com $type"; done
  echo "shop.example.com A"; echo "static.example.com A"; echo "example.com MX"; echo "nothing.example.com A"
  for number in $(seq 200); do echo "name$number.cdn.example.com A"; done
} >"$work/questions"
dnsperf -s 127.0.0.1 -p "$port" -d "$work/questions" -l "$seconds" -Q "$rate" -c 20 -E 8:00011800510245 \
  >"$work/dnsperf" 2>&1 &
perf=$!

# Reloads in the background, hand-overs here: they meet as they like.
pause() { sleep "$(awk "BEGIN { print $seconds / ($1 + 1) }")"; }  # spreads them over the run; nothing waits on it
reload_all() {
  for number in $(seq "$reloads"); do
    pause "$reloads"
    if ((number % 2)); then to=iad; else to=ams; fi
    sed "s/{for: europe, .*prefer: \[[a-z]*\]}/{for: europe, prefer: [$to]}/" "$work/map/maps.yaml" >"$work/maps.new"
    mv "$work/maps.new" "$work/map/maps.yaml"
    if ctl reload >>"$work/reloads" 2>&1; then echo good >>"$work/good_reloads"; fi
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

grep -E 'Queries (sent|completed|lost)|Response codes|Queries per second|Average Latency' "$work/dnsperf"
echo "$handovers hand-overs, $good good; $reloads reloads, $good_reloads good"
ctl status --json >"$work/status"
counted=$(sed -n 's/.*"udp_queries_total":\([0-9]*\).*/\1/p' "$work/status")
sent=$(sed -n 's/.*Queries sent: *\([0-9]*\).*/\1/p' "$work/dnsperf")
echo "counted $counted of $sent queries, over all servers"
grep -Eq 'Queries lost: +0 ' "$work/dnsperf" || { echo "queries were lost"; exit 1; }
if grep 'Response codes' "$work/dnsperf" | grep -Eq 'SERVFAIL|REFUSED|FORMERR'; then echo "wrong answers"; exit 1; fi
[ "$good" = "$handovers" ] || { cat "$work/upgrades" "$work/log"; exit 1; }
[ "$good_reloads" = "$reloads" ] || { cat "$work/reloads"; exit 1; }
[ "$counted" = "$sent" ] || { echo "counts were lost"; exit 1; }
