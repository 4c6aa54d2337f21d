# Sourced by the dnsperf_*.sh beside it, which set `build` and `seconds`: starts the three-datacenters example on a free port
# and writes questions for dnsperf; all of it ends with the script. Shows what the run gave.
root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
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

# Spreads this many things over the run; nothing waits on it.
pause() { sleep "$(awk "BEGIN { print $seconds / ($1 + 1) }")"; }

# reload NUMBER: the map back and forth, and a reload.
reload() {
  if (($1 % 2)); then to=iad; else to=ams; fi
  sed "s/{for: europe, .*prefer: \[[a-z]*\]}/{for: europe, prefer: [$to]}/" "$work/map/maps.yaml" >"$work/maps.new"
  mv "$work/maps.new" "$work/map/maps.yaml"
  ctl reload >>"$work/reloads" 2>&1
}

show() { grep -E 'Queries (sent|completed|lost)|Response codes|Queries per second|Average Latency' "$work/dnsperf"; }

judge_answers() {
  grep -Eq 'Queries lost: +0 ' "$work/dnsperf" || { echo "queries were lost"; exit 1; }
  if grep 'Response codes' "$work/dnsperf" | grep -Eq 'SERVFAIL|REFUSED|FORMERR'; then echo "wrong answers"; exit 1; fi
}
