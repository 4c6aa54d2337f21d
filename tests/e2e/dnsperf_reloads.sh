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
root=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d)
server=
perf=
finish() {
  if [ -n "$perf" ]; then kill "$perf" 2>/dev/null || true; fi
  if [ -n "$server" ]; then kill "$server" 2>/dev/null && wait "$server" || true; fi
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
dnsperf -s 127.0.0.1 -p "$port" -d "$work/questions" -l "$seconds" -E 8:00011800510245 >"$work/dnsperf" 2>&1 &
perf=$!

good=0
pause=$(awk "BEGIN { print $seconds / ($reloads + 1) }")
for number in $(seq "$reloads"); do
  sleep "$pause"  # spreads the reloads over the run; nothing waits on it
  if ((number % 2)); then to=iad; else to=ams; fi
  sed "s/{for: europe, .*prefer: \[[a-z]*\]}/{for: europe, prefer: [$to]}/" "$work/map/maps.yaml" >"$work/maps.new"
  mv "$work/maps.new" "$work/map/maps.yaml"
  if ctl reload >>"$work/reloads" 2>&1; then good=$((good + 1)); fi
done
wait "$perf" || { cat "$work/dnsperf"; exit 1; }
perf=

grep -E 'Queries (sent|completed|lost)|Response codes|Queries per second|Average Latency' "$work/dnsperf"
echo "$reloads reloads, $good good"
ctl status | sed -n 's/^epoch/epoch/p'
grep -Eq 'Queries lost: +0 ' "$work/dnsperf" || { echo "queries were lost"; exit 1; }
if grep 'Response codes' "$work/dnsperf" | grep -Eq 'SERVFAIL|REFUSED|FORMERR'; then echo "wrong answers"; exit 1; fi
[ "$good" = "$reloads" ] || { cat "$work/reloads"; exit 1; }
