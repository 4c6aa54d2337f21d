#!/usr/bin/env bash
# zonemaster-cli against a zone that meridiand serves, below a root that meridiand serves too, in a network namespace of
# its own. Prints what it says from NOTICE up and fails on a WARNING or worse that is not explained below.
# usage: zonemaster.sh BUILD_FOLDER        77: zonemaster-cli or the right to a namespace is missing
set -euo pipefail

if [ "${1:-}" != --inside ]; then
  command -v zonemaster-cli >/dev/null || { echo "zonemaster-cli is not installed"; exit 77; }
  as_root=(); [ "$(id -u)" -eq 0 ] || as_root=(-r)
  unshare "${as_root[@]}" -n true 2>/dev/null || { echo "no right to make a network namespace"; exit 77; }
  build=$(cd "$1" && pwd)
  exec unshare "${as_root[@]}" -n "$0" --inside "$build"
fi

build=$2
here=$(cd "$(dirname "$0")" && pwd)/zonemaster
work=$(mktemp -d)
servers=()
stop() {
  for pid in "${servers[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" || true; done
  rm -rf "$work"
}
trap stop EXIT

ip link set lo up
for address in 192.0.2.1 192.0.2.53 198.51.100.1 198.51.100.53; do ip addr add "$address/32" dev lo; done
for address in 2001:db8:1::1 2001:db8:1::53 2001:db8:2::1 2001:db8:2::53; do ip addr add "$address/128" dev lo nodad; done

for server in parent child; do
  : >"$work/$server.log"
  "$build/bin/meridiand" --site "$here/$server/meridian.yaml" --data "$build/share/meridian" \
    --control "$work/$server.sock" >>"$work/$server.log" 2>&1 &
  servers+=($!)
done
for server in parent child; do
  for ((tries = 0; ; ++tries)); do
    grep -q 'event=ready' "$work/$server.log" && break
    [ "$tries" -lt 900 ] || { cat "$work/$server.log"; echo "$server does not start"; exit 1; }
    sleep 0.1
  done
done

zonemaster-cli --level INFO --show-testcase --no-progress --hints "$here/hints" zone.test \
  >"$work/said" 2>&1 || { cat "$work/said"; exit 1; }
for pid in "${servers[@]}"; do kill -0 "$pid" || { cat "$work"/*.log; echo "a server ended"; exit 1; }; done

grep -vE '^ *[0-9.]+ +INFO' "$work/said"
passed=$(grep -cE '^ *[0-9.]+ +INFO' "$work/said")
echo "$passed findings of level INFO"
[ "$passed" -ge 60 ] || { echo "too few: it did not get to the tests"; cat "$work/said"; exit 1; }
# The namespace has documentation addresses, and zonemaster says of each that it is one.
explained='ADDRESS01 .*(RFC5737|RFC3849)'
if grep -E '^ *[0-9.]+ +(WARNING|ERROR|CRITICAL)' "$work/said" | grep -vE "$explained"; then
  echo "these are not explained"
  exit 1
fi
