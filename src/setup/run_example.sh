#!/usr/bin/env bash
# Serves config/examples/three-datacenters from a build folder until Ctrl-C; prints what to try.
# usage: run_example.sh BUILD_FOLDER
set -euo pipefail
build=$1
site=config/examples/three-datacenters/meridian.yaml
mkdir -p "$build/run"
socket=$build/run/control.sock

"$build/bin/meridiand" --site "$site" --control "$socket" &
server=$!
trap 'kill -TERM "$server" 2>/dev/null || true' INT TERM
ctl="$build/bin/meridianctl --control $socket"
until $ctl status >/dev/null 2>&1; do
  kill -0 "$server" 2>/dev/null || { wait "$server"; exit $?; }
  sleep 0.1
done
cat <<TRY

Meridian answers on 127.0.0.1 port 5353 (UDP and TCP). In another terminal, try:

  dig @127.0.0.1 -p 5353 www.example.com +subnet=81.2.69.0/24      # a client in Great Britain
  dig @127.0.0.1 -p 5353 www.example.com +subnet=8.8.8.0/24 +tcp   # one in the United States
  dig @127.0.0.1 -p 5353 www.example.com AAAA +subnet=2a00:1450::/32
  $ctl explain www.example.com --from 81.2.69.160
  $ctl status

Ctrl-C stops it.
TRY
status=0
wait "$server" || status=$?
# wait returns early when the trap runs; the server's own status is what counts.
while kill -0 "$server" 2>/dev/null; do wait "$server" || status=$?; done
exit "$([ "$status" -gt 128 ] && echo 0 || echo "$status")"
